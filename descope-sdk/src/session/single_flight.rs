//! One refresh at a time for each refresh token, and its outcome for those who come a little later.
//!
//! A browser sends several requests with the same cookies, and not all of them before the first answer has brought it the
//! new ones. Where refresh tokens rotate, the old one is worthless by then, so the new tokens are kept for a few seconds
//! and handed to whoever still comes with the old one. A refusal is kept for a minute: a signed-out browser would cause
//! a call with every request otherwise.
//!
//! No lock is held while anything of a caller's runs, or while a task is started: that may drop the task at once, and the
//! task takes the lock when it is dropped.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use descope_api::Secret;
use tokio::{runtime::Handle, sync::watch, time::Instant};

use crate::{Authentication, Error, ErrorKind, Result, error::Inner};

/// How long new tokens are handed out to those who come with the old one.
const GRACE: Duration = Duration::from_secs(10);

/// How long the service is not asked again after it has refused a token.
const REFUSED: Duration = Duration::from_secs(60);

/// The most outcomes that are kept, of each kind. An outcome with tokens is some 5 kB long, a refusal a tenth of that.
const CAPACITY: usize = 1_000;

/// What tells one refresh token from another. The tokens themselves are not kept.
type Key = [u8; 32];
type Outcome = Option<Result<Authentication>>;

/// Whether an outcome that is some seconds old will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The caller wants to know how things are now, as after a change of the user's roles.
    Now,
    /// The caller only needs a session.
    Recent,
}

/// The refreshes that are under way, and the last outcomes.
#[derive(Default)]
pub(crate) struct Flights(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    open: HashMap<Key, watch::Receiver<Outcome>>,
    renewed: Kept,
    refused: Kept,
}

/// Outcomes by token. All are kept for the same time, so the oldest is the first to go.
#[derive(Default)]
struct Kept {
    outcomes: HashMap<Key, (Result<Authentication>, Instant)>,
    order: VecDeque<(Key, Instant)>,
}

/// What a caller has to do.
enum Boarding {
    Known(Result<Authentication>),
    Wait(watch::Receiver<Outcome>),
    Start(Flight, watch::Receiver<Outcome>),
}

impl Flights {
    /// Does `refresh`, or waits for the one that is under way with the same token.
    ///
    /// It runs as a task of its own: a caller that gives up must not break it off for the others, and the answer may
    /// hold the only token that works from then on.
    pub(crate) async fn join<F>(
        &self,
        refresh_jwt: &Secret,
        freshness: Freshness,
        refresh: impl FnOnce() -> F,
    ) -> Result<Authentication>
    where
        F: Future<Output = Result<Authentication>> + Send + 'static,
    {
        let mut outcome = match self.board(key(refresh_jwt), freshness, Instant::now()) {
            Boarding::Known(outcome) => return outcome,
            Boarding::Wait(outcome) => outcome,
            Boarding::Start(flight, outcome) => {
                let runtime = Handle::try_current().map_err(|_| no_runtime())?;
                let refresh = refresh();
                runtime.spawn(async move { flight.land(refresh.await) });
                outcome
            }
        };
        match outcome.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            // The task was dropped: its runtime shuts down, or the refresh panicked.
            _ => Err(interrupted()),
        }
    }

    /// A function of its own, so that the lock has ended when its caller goes on.
    fn board(&self, key: Key, freshness: Freshness, now: Instant) -> Boarding {
        let mut log = lock(&self.0);
        log.renewed.purge(now);
        log.refused.purge(now);
        if freshness == Freshness::Recent
            && let Some(outcome) = log.renewed.get(&key).or_else(|| log.refused.get(&key))
        {
            return Boarding::Known(outcome);
        }
        if let Some(outcome) = log.open.get(&key) {
            return Boarding::Wait(outcome.clone());
        }
        let (announce, outcome) = watch::channel(None);
        log.open.insert(key, outcome.clone());
        Boarding::Start(Flight { log: Arc::clone(&self.0), key, announce }, outcome)
    }
}

/// A refresh under way. Its entry goes away however it ends.
struct Flight {
    log: Arc<Mutex<Log>>,
    key: Key,
    announce: watch::Sender<Outcome>,
}

impl Flight {
    /// Closes the entry before anybody can hear of the outcome: whoever tries again after a failure starts a new one.
    fn land(self, outcome: Result<Authentication>) {
        let now = Instant::now();
        let mut log = lock(&self.log);
        log.open.remove(&self.key);
        match &outcome {
            Ok(_) => {
                log.refused.forget(&self.key);
                log.renewed.keep(self.key, outcome.clone(), now, GRACE);
            }
            Err(error) if error.is_refusal() => {
                log.renewed.forget(&self.key);
                log.refused.keep(self.key, outcome.clone(), now, REFUSED);
            }
            // Nothing is known, so the next one may try.
            Err(_) => {}
        }
        drop(log);
        self.announce.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut log = lock(&self.log);
        // After a landing there may be a newer flight with the same token.
        if log.open.get(&self.key).is_some_and(|open| open.same_channel(&self.announce.subscribe())) {
            log.open.remove(&self.key);
        }
    }
}

impl Kept {
    fn get(&self, key: &Key) -> Option<Result<Authentication>> {
        self.outcomes.get(key).map(|(outcome, _)| outcome.clone())
    }

    fn forget(&mut self, key: &Key) {
        self.outcomes.remove(key);
    }

    fn keep(&mut self, key: Key, outcome: Result<Authentication>, now: Instant, time: Duration) {
        let until = now + time;
        self.outcomes.insert(key, (outcome, until));
        self.order.push_back((key, until));
        if self.order.len() > CAPACITY {
            self.drop_oldest();
        }
    }

    /// Drops what has been kept long enough.
    fn purge(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(_, until)| *until <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((key, until)) = self.order.pop_front() else { return };
        // A token that was refreshed once more has a later entry.
        if self.outcomes.get(&key).is_some_and(|(_, kept_until)| *kept_until == until) {
            self.outcomes.remove(&key);
        }
    }
}

/// The log is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(refresh_jwt: &Secret) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest(&SHA256, refresh_jwt.expose().as_bytes()).as_ref());
    key
}

fn interrupted() -> Error {
    let detail = Some("the refresh did not come to an end".into());
    Inner { operation: Some("session_refresh"), detail, ..Inner::of(ErrorKind::Network) }.into()
}

fn no_runtime() -> Error {
    let detail = Some("a session can only be refreshed inside of a tokio runtime".into());
    Inner { operation: Some("session_refresh"), detail, ..Inner::of(ErrorKind::Configuration) }.into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{ErrorCode, authentication::testing::authentication};

    /// Refreshes that wait until they are let go, and end as they are told to.
    struct Refreshes {
        flights: Arc<Flights>,
        started: Arc<AtomicUsize>,
        gate: Arc<Semaphore>,
        outcome: Result<Authentication>,
    }

    impl Refreshes {
        fn ending(outcome: Result<Authentication>) -> Self {
            let gate = Arc::new(Semaphore::new(0));
            Self { flights: Arc::default(), started: Arc::default(), gate, outcome }
        }

        fn failing() -> Self {
            Self::ending(Err(Inner::of(ErrorKind::Network).into()))
        }

        fn join(
            &self,
            token: &str,
            freshness: Freshness,
        ) -> impl Future<Output = Result<Authentication>> + Send + 'static {
            let (flights, token) = (Arc::clone(&self.flights), Secret::from(token));
            let (started, gate, outcome) = (Arc::clone(&self.started), Arc::clone(&self.gate), self.outcome.clone());
            let refresh = move || async move {
                started.fetch_add(1, Ordering::SeqCst);
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                outcome
            };
            async move { flights.join(&token, freshness, refresh).await }
        }

        fn started(&self) -> usize {
            self.started.load(Ordering::SeqCst)
        }

        fn open(&self) -> usize {
            lock(&self.flights.0).open.len()
        }
    }

    fn refused() -> Error {
        let (status, code) = (Some(http::StatusCode::UNAUTHORIZED), Some(ErrorCode::from("E064001".to_owned())));
        Inner { status, code, ..Inner::of(ErrorKind::Unauthorized) }.into()
    }

    fn session(jwt: &str) -> Authentication {
        authentication(json!({"sessionJwt": jwt, "refreshJwt": "rotated"}))
    }

    #[tokio::test]
    async fn same_token_is_refreshed_once_and_everybody_hears() {
        let refreshes = Refreshes::failing();
        let same: Vec<_> = (0..50).map(|_| tokio::spawn(refreshes.join("a", Freshness::Now))).collect();
        let other = tokio::spawn(refreshes.join("b", Freshness::Recent));
        while refreshes.started() < 2 {
            tokio::task::yield_now().await;
        }
        refreshes.gate.add_permits(2);
        for waiter in same {
            assert_eq!(waiter.await.unwrap().unwrap_err().kind(), ErrorKind::Network);
        }
        other.await.unwrap().unwrap_err();
        assert_eq!(refreshes.started(), 2);
    }

    #[tokio::test]
    async fn second_try_right_after_a_failure_is_sent() {
        for flavor in [Freshness::Now, Freshness::Recent] {
            let refreshes = Refreshes::failing();
            for attempt in 1..=20 {
                refreshes.gate.add_permits(1);
                refreshes.join("a", flavor).await.unwrap_err();
                assert_eq!(refreshes.started(), attempt);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_tokens_are_handed_to_those_who_come_with_the_old_one_for_ten_seconds() {
        let refreshes = Refreshes::ending(Ok(session("s1")));
        refreshes.gate.add_permits(10);
        refreshes.join("old", Freshness::Recent).await.unwrap();
        tokio::time::advance(Duration::from_secs(9)).await;
        for _ in 0..20 {
            let renewed = refreshes.join("old", Freshness::Recent).await.unwrap();
            assert_eq!(renewed.refresh_jwt().unwrap().expose(), "rotated");
        }
        assert_eq!(refreshes.started(), 1);

        // Who asks how things are now is told by the service.
        refreshes.join("old", Freshness::Now).await.unwrap();
        assert_eq!(refreshes.started(), 2);
        tokio::time::advance(Duration::from_secs(11)).await;
        refreshes.join("old", Freshness::Recent).await.unwrap();
        assert_eq!(refreshes.started(), 3);
        tokio::time::advance(Duration::from_secs(11)).await;
        refreshes.join("other", Freshness::Recent).await.unwrap();
        assert_eq!(lock(&refreshes.flights.0).renewed.outcomes.len(), 1, "tokens that nobody needs are dropped");
    }

    #[tokio::test(start_paused = true)]
    async fn cancelled_caller_loses_nothing() {
        let refreshes = Refreshes::ending(Ok(session("s1")));
        let first = tokio::spawn(refreshes.join("old", Freshness::Recent));
        while refreshes.started() == 0 {
            tokio::task::yield_now().await;
        }
        first.abort();
        let _ = first.await;
        refreshes.gate.add_permits(1);
        while refreshes.open() > 0 {
            tokio::task::yield_now().await;
        }
        let renewed = refreshes.join("old", Freshness::Recent).await.unwrap();
        assert_eq!(renewed.session_jwt().expose(), "s1");
        assert_eq!(refreshes.started(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn refusal_is_remembered_for_a_minute_and_a_failure_is_not() {
        let refreshes = Refreshes::ending(Err(refused()));
        refreshes.gate.add_permits(100);
        for _ in 0..50 {
            let error = refreshes.join("ended", Freshness::Recent).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
        }
        assert_eq!(refreshes.started(), 1);
        refreshes.join("ended", Freshness::Now).await.unwrap_err();
        assert_eq!(refreshes.started(), 2);
        tokio::time::advance(Duration::from_secs(61)).await;
        refreshes.join("ended", Freshness::Recent).await.unwrap_err();
        assert_eq!(refreshes.started(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        for outcome in [Ok(session("s")), Err(refused())] {
            let refreshes = Refreshes::ending(outcome);
            refreshes.gate.add_permits(CAPACITY * 2);
            for index in 0..CAPACITY * 2 {
                drop(refreshes.join(&index.to_string(), Freshness::Recent).await);
            }
            let log = lock(&refreshes.flights.0);
            assert_eq!(log.renewed.outcomes.len() + log.refused.outcomes.len(), CAPACITY);
            assert!(log.renewed.order.len() + log.refused.order.len() <= CAPACITY && log.open.is_empty());
        }
    }

    #[test]
    fn outside_of_a_runtime_there_is_an_error_and_no_trace() {
        use std::task::{Context, Poll, Waker};

        let refreshes = Refreshes::failing();
        for _ in 0..2 {
            let mut refresh = std::pin::pin!(refreshes.join("a", Freshness::Recent));
            let Poll::Ready(Err(error)) = refresh.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
                panic!("it waits")
            };
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("tokio runtime"), "{error}");
        }
        assert_eq!((refreshes.started(), refreshes.open()), (0, 0));
    }

    /// What would hang forever is run by a thread of its own, so that the test fails instead.
    fn ends(test: impl FnOnce() + Send + 'static) {
        let (tell, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            test();
            let _ = tell.send(());
        });
        ended.recv_timeout(Duration::from_secs(20)).expect("it hangs");
    }

    #[test]
    fn runtime_ends_with_refreshes_under_way() {
        ends(|| {
            for flavor in [true, false] {
                let refreshes = Refreshes::failing();
                let mut builder = match flavor {
                    true => tokio::runtime::Builder::new_multi_thread(),
                    false => tokio::runtime::Builder::new_current_thread(),
                };
                let runtime = builder.build().unwrap();
                let waiters: Vec<_> =
                    (0..20).map(|n| runtime.spawn(refreshes.join(&(n % 3).to_string(), Freshness::Recent))).collect();
                runtime.block_on(async {
                    while refreshes.started() < 3 {
                        tokio::task::yield_now().await;
                    }
                });
                drop(runtime);
                drop(waiters);
                assert_eq!(refreshes.open(), 0);
            }
        });
    }

    #[test]
    fn refresh_that_begins_while_the_runtime_ends_is_an_error() {
        ends(|| {
            let refreshes = Refreshes::failing();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let handle = runtime.handle().clone();
            runtime.shutdown_background();
            // The runtime is gone, but this thread is inside of it.
            let _inside = handle.enter();
            let outside = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let late = refreshes.join("a", Freshness::Recent);
            let outcome = std::thread::scope(|scope| {
                let late = scope.spawn(|| {
                    let _inside = handle.enter();
                    futures_executor(late)
                });
                late.join().unwrap()
            });
            drop(outside);
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Network);
            assert_eq!(refreshes.open(), 0);
        });
    }

    /// Polls on this thread until the future ends, without a runtime of its own.
    fn futures_executor<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        loop {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn panic_of_a_refresh_is_an_error_for_all_and_leaves_no_trace() {
        let flights = Flights::default();
        let token = Secret::from("a");
        let panics = || async { panic!("as tests do") };
        assert!(flights.join(&token, Freshness::Recent, panics).await.unwrap_err().is_retryable());
        let fine = || async { Ok(session("s")) };
        flights.join(&token, Freshness::Recent, fine).await.unwrap();

        // The closure itself, before there is a task.
        let flights = Arc::new(Flights::default());
        let joined = tokio::spawn({
            let (flights, token) = (Arc::clone(&flights), token.clone());
            async move {
                let broken = || -> std::future::Ready<Result<Authentication>> { panic!("as tests do") };
                flights.join(&token, Freshness::Now, broken).await
            }
        });
        assert!(joined.await.unwrap_err().is_panic());
        assert!(lock(&flights.0).open.is_empty());
    }
}
