//! A token that is fetched when it is needed, kept, and fetched anew before it expires.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::timeout};
use tracing::{Instrument as _, Span};

use crate::{Error, ErrorKind, Result, error::Inner};

/// A token is fetched anew when no more than this is left of its life, or a quarter of it, whichever is less.
const MARGIN: Duration = Duration::from_secs(60);

/// How long somebody waits for a new token who could go on with the old one.
const PATIENCE: Duration = Duration::from_secs(3);

type Fetched<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
type Outcome<T> = Option<Result<T>>;

/// What is fetched: something with a life.
pub(crate) trait Lived: Clone + Send + Sync + 'static {
    /// How long it lives on; `None` if that is not known, and then it is fetched each time.
    fn life_left(&self) -> Option<Duration>;
}

/// A token that its clones share. One fetch is under way at a time, whoever asks.
#[derive(Clone)]
pub(crate) struct TokenSource<T: Lived>(Arc<Inside<T>>);

struct Inside<T: Lived> {
    operation: &'static str,
    fetch: Box<dyn Fn() -> Fetched<T> + Send + Sync>,
    slot: Mutex<Slot<T>>,
}

struct Slot<T> {
    /// Which token this is: one more each time that it is to be forgotten. What was begun before is of no use then.
    generation: u64,
    held: Option<Held<T>>,
    under_way: Option<watch::Receiver<Outcome<T>>>,
}

#[derive(Clone)]
struct Held<T> {
    token: T,
    /// How long it lived when it came.
    life: Duration,
}

impl<T: Lived> Held<T> {
    fn left(&self) -> Duration {
        self.token.life_left().unwrap_or_default()
    }

    fn is_fresh(&self) -> bool {
        self.left() > MARGIN.min(self.life / 4)
    }
}

impl<T: Lived> TokenSource<T> {
    /// - `operation`: what is called, for errors.
    pub(crate) fn new<F>(operation: &'static str, fetch: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Self::with(operation, None, fetch)
    }

    /// The same that has a token already.
    #[cfg(feature = "agents")]
    pub(crate) fn holding<F>(operation: &'static str, token: T, fetch: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let held = token.life_left().map(|life| Held { token, life });
        Self::with(operation, held, fetch)
    }

    fn with<F>(operation: &'static str, held: Option<Held<T>>, fetch: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let fetch = Box::new(move || Box::pin(fetch()) as Fetched<T>);
        let slot = Mutex::new(Slot { generation: 0, held, under_way: None });
        Self(Arc::new(Inside { operation, fetch, slot }))
    }

    /// The token that is held while it is fresh, or a new one. While it lives, a token that cannot be renewed is still given,
    /// and nobody waits for long.
    pub(crate) async fn get(&self) -> Result<T> {
        let (held, mut under_way) = match self.boarded()? {
            Boarded::Fresh(token) => return Ok(token),
            Boarded::Waiting(held, under_way) => (held, under_way),
        };
        let fetched = async {
            match under_way.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(outcome)) => outcome.clone(),
                // The task was dropped or panicked.
                _ => Err(interrupted(self.0.operation)),
            }
        };
        let Some(held) = held.filter(|held| !held.left().is_zero()) else { return fetched.await };
        match timeout(PATIENCE.min(held.left() / 2), fetched).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(error)) if error.is_refusal() => Err(error),
            // The fetch goes on by itself.
            Ok(Err(_)) | Err(_) => Ok(held.token),
        }
    }

    /// Forgets the token, and what was asked for before, so that the next is a new one.
    pub(crate) fn forget(&self) {
        let former = {
            let mut slot = lock(&self.0.slot);
            slot.generation += 1;
            (slot.held.take(), slot.under_way.take())
        };
        drop(former);
    }

    /// Not a part of `get`, because the lock must not be held across its `await`.
    fn boarded(&self) -> Result<Boarded<T>> {
        let runtime = Handle::try_current();
        let (announce, outcome) = watch::channel(None);
        // The life of a token is read before the lock is taken: what tells it is the caller's.
        let held = lock(&self.0.slot).held.clone();
        let fresh = held.as_ref().is_some_and(Held::is_fresh);
        let generation = {
            let mut slot = lock(&self.0.slot);
            if fresh && let Some(held) = &slot.held {
                return Ok(Boarded::Fresh(held.token.clone()));
            }
            if let Some(under_way) = &slot.under_way
                && under_way.has_changed().is_ok()
            {
                return Ok(Boarded::Waiting(held, under_way.clone()));
            }
            if runtime.is_err() {
                return Err(no_runtime(self.0.operation));
            }
            slot.under_way = Some(outcome.clone());
            slot.generation
        };
        let (inside, asking) = (Arc::clone(&self.0), Span::current());
        let task = async move {
            let fetched = (inside.fetch)().instrument(asking).await;
            let new = fetched.as_ref().ok().and_then(|token| {
                let life = token.life_left()?;
                Some(Held { token: token.clone(), life })
            });
            let former = {
                let mut slot = lock(&inside.slot);
                let current = slot.generation == generation;
                if current {
                    slot.under_way = None;
                }
                match &fetched {
                    Ok(_) if current => std::mem::replace(&mut slot.held, new),
                    Err(error) if current && error.is_refusal() => slot.held.take(),
                    _ => None,
                }
            };
            drop(former);
            announce.send_replace(Some(fetched));
        };
        match runtime {
            // A task of its own: whoever gives up must not interrupt it for the others.
            Ok(runtime) => drop(runtime.spawn(task)),
            Err(_) => return Err(no_runtime(self.0.operation)),
        }
        Ok(Boarded::Waiting(held, outcome))
    }
}

enum Boarded<T> {
    Fresh(T),
    Waiting(Option<Held<T>>, watch::Receiver<Outcome<T>>),
}

impl<T: Lived> fmt::Debug for TokenSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("operation", &self.0.operation).finish_non_exhaustive()
    }
}

fn lock<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn interrupted(operation: &'static str) -> Error {
    let detail = Some("the call was interrupted before it was answered".into());
    Inner { operation: Some(operation), detail, ..Inner::of(ErrorKind::Network) }.into()
}

fn no_runtime(operation: &'static str) -> Error {
    let detail = Some("this needs a tokio runtime: call it in a task of tokio, or enter a runtime first".into());
    Inner { operation: Some(operation), detail, ..Inner::of(ErrorKind::Configuration) }.into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        sync::Semaphore,
        time::{Instant, advance},
    };

    use super::*;

    #[derive(Clone, Debug)]
    struct Token {
        number: usize,
        ends: Instant,
    }

    impl Lived for Token {
        fn life_left(&self) -> Option<Duration> {
            Some(self.ends.saturating_duration_since(Instant::now()))
        }
    }

    /// Answers with tokens of ten minutes when it is let, or with what it is told to fail with.
    struct Service {
        count: AtomicUsize,
        gate: Semaphore,
        failing: Mutex<Option<ErrorKind>>,
    }

    fn source() -> (Arc<Service>, TokenSource<Token>) {
        let service =
            Arc::new(Service { count: AtomicUsize::new(0), gate: Semaphore::new(100), failing: Mutex::new(None) });
        let inside = Arc::clone(&service);
        let source = TokenSource::new("access_key_exchange", move || {
            let service = Arc::clone(&inside);
            async move {
                let number = service.count.fetch_add(1, Ordering::SeqCst);
                service.gate.acquire().await.unwrap().forget();
                if let Some(kind) = *service.failing.lock().unwrap() {
                    let code = (kind == ErrorKind::Unauthorized).then_some(crate::ErrorCode::TOKEN_EXPIRED);
                    return Err(Inner { code, ..Inner::of(kind) }.into());
                }
                Ok(Token { number, ends: Instant::now() + Duration::from_secs(600) })
            }
        });
        (service, source)
    }

    #[tokio::test(start_paused = true)]
    async fn one_fetch_serves_all_until_shortly_before_the_end() {
        let (service, source) = source();
        let asked: Vec<_> = (0..20)
            .map(|_| {
                tokio::spawn({
                    let source = source.clone();
                    async move { source.get().await }
                })
            })
            .collect();
        for asked in asked {
            assert_eq!(asked.await.unwrap().unwrap().number, 0);
        }
        advance(Duration::from_secs(539)).await;
        assert_eq!(source.get().await.unwrap().number, 0);
        advance(Duration::from_secs(2)).await;
        assert_eq!(source.get().await.unwrap().number, 1);
        assert_eq!(service.count.load(Ordering::SeqCst), 2);
        source.forget();
        assert_eq!(source.get().await.unwrap().number, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn living_token_survives_an_outage_and_not_a_refusal() {
        let (service, source) = source();
        source.get().await.unwrap();
        advance(Duration::from_secs(550)).await;
        *service.failing.lock().unwrap() = Some(ErrorKind::Server);
        assert_eq!(source.get().await.unwrap().number, 0);
        advance(Duration::from_secs(51)).await;
        assert_eq!(source.get().await.unwrap_err().kind(), ErrorKind::Server);
        *service.failing.lock().unwrap() = None;
        let next = source.get().await.unwrap().number;
        advance(Duration::from_secs(550)).await;
        *service.failing.lock().unwrap() = Some(ErrorKind::Unauthorized);
        assert_eq!(source.get().await.unwrap_err().kind(), ErrorKind::Unauthorized);
        *service.failing.lock().unwrap() = None;
        assert!(source.get().await.unwrap().number > next);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_long_for_what_hangs_while_the_token_lives() {
        let (service, source) = source();
        source.get().await.unwrap();
        advance(Duration::from_secs(550)).await;
        service.gate.forget_permits(100);
        let start = Instant::now();
        assert_eq!(source.get().await.unwrap().number, 0);
        assert!(start.elapsed() <= Duration::from_secs(4), "{:?}", start.elapsed());
        service.gate.add_permits(1);
        assert_eq!(source.get().await.unwrap().number, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_before_it_was_forgotten_does_not_come_back() {
        let (service, source) = source();
        service.gate.forget_permits(100);
        let former = tokio::spawn({
            let source = source.clone();
            async move { source.get().await }
        });
        tokio::task::yield_now().await;
        source.forget();
        let next = tokio::spawn({
            let source = source.clone();
            async move { source.get().await }
        });
        tokio::task::yield_now().await;
        service.gate.add_permits(2);
        former.await.unwrap().unwrap();
        assert_eq!(next.await.unwrap().unwrap().number, 1);
        assert_eq!(source.get().await.unwrap().number, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_interrupts_nobody() {
        let (service, source) = source();
        service.gate.forget_permits(100);
        let first = tokio::time::timeout(Duration::from_secs(1), source.get()).await;
        assert!(first.is_err());
        service.gate.add_permits(1);
        assert_eq!(source.get().await.unwrap().number, 0);
        assert_eq!(service.count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn without_a_runtime_there_is_a_clear_error_and_a_lost_runtime_blocks_nobody() {
        let (service, source) = source();
        let outside = polled_once(source.get());
        assert_eq!(outside.unwrap_err().kind(), ErrorKind::Configuration);
        service.gate.forget_permits(100);
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let first = runtime();
        first.block_on(async { tokio::time::timeout(Duration::from_millis(5), source.get()).await }).unwrap_err();
        drop(first);
        service.gate.add_permits(1);
        assert_eq!(runtime().block_on(source.get()).unwrap().number, 1);
    }

    /// Polls once, without a runtime: what is asked for is known at once.
    fn polled_once<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => output,
            std::task::Poll::Pending => panic!("it waits"),
        }
    }
}
