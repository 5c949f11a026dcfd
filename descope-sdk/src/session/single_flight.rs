//! One refresh at a time for each refresh token, whose outcome is kept for those that come a little late.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use descope_api::Secret;
use tracing::{Instrument as _, Span};

use crate::{
    Authentication, Error, ErrorKind, Result,
    error::Inner,
    sync::{Handle, Instant, Mutex, MutexGuard, sleep_until, watch},
};

/// How long new tokens are handed to those who still come with the old one: a page's other requests, a reload.
const TOKENS_KEPT: Duration = Duration::from_secs(10);
/// How long the service's refusal of a refresh token is believed, unless the token itself ends before.
const REFUSAL_KEPT: Duration = Duration::from_secs(60);
/// Outcomes kept at once. Those beyond are handed to the ones who wait for them, and forgotten.
const MOST_KEPT: usize = 4096;

/// What tells one refresh token from another. The old tokens themselves are not kept.
type Key = [u8; 32];
type Outcome = Option<Result<Authentication>>;
type Table = Arc<Mutex<HashMap<Key, Entry>>>;

struct Entry {
    outcome: watch::Receiver<Outcome>,
    /// When an outcome that is known is to be forgotten; `None` while the refresh is under way.
    kept_until: Option<Instant>,
}

/// Which outcomes of earlier refreshes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Any, refusals too: for requests, of which many bring the same token.
    All,
    /// Only one that replaced the refresh token, after which the old one is of no use: for callers that ask for a
    /// refresh because they want one, as after a change of roles.
    Rotated,
}

/// The refreshes that are under way or have just ended.
#[derive(Default)]
pub(crate) struct Flights(Table);

impl Flights {
    /// Does `refresh`, waits for the one that is under way with the same token, or takes the outcome of one that has
    /// just ended.
    ///
    /// It runs as a task of its own: a caller that gives up must not interrupt it for the others, and the answer may
    /// hold the only token that works from then on.
    ///
    /// - `life_left`: how long the token lives on, where that is known. Its refusal is not kept for longer.
    pub(crate) async fn join<F>(
        &self,
        refresh_jwt: &Secret,
        life_left: Option<Duration>,
        reuse: Reuse,
        refresh: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Authentication>
    where
        F: Future<Output = Result<Authentication>> + Send + 'static,
    {
        let mut outcome = self.boarded(refresh_jwt, life_left, reuse, refresh)?;
        match outcome.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            // The task was dropped or panicked.
            _ => Err(interrupted()),
        }
    }

    /// Forgets what is kept for a token or what brought it, because its session was ended.
    pub(crate) fn forget(&self, refresh_jwt: &Secret) {
        let key = key(refresh_jwt);
        let ended: Vec<_> = {
            let mut table = lock(&self.0);
            let of_this = |at: &Key, entry: &mut Entry| {
                let brought_it =
                    matches!(&*entry.outcome.borrow(), Some(Ok(answer)) if answer.refresh_jwt() == Some(refresh_jwt));
                entry.kept_until.is_some() && (*at == key || brought_it)
            };
            table.extract_if(of_this).collect()
        };
        drop(ended);
    }

    #[cfg(any(test, shuttle))]
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Not a part of `join`, because the lock must not be held across its `await`.
    fn boarded<F>(
        &self,
        refresh_jwt: &Secret,
        life_left: Option<Duration>,
        reuse: Reuse,
        refresh: impl FnOnce() -> F + Send + 'static,
    ) -> Result<watch::Receiver<Outcome>>
    where
        F: Future<Output = Result<Authentication>> + Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return Err(no_runtime()) };
        let key = key(refresh_jwt);
        let (announce, outcome) = watch::channel(None);
        {
            let mut table = lock(&self.0);
            if let Some(entry) = table.get(&key)
                && entry.counts(refresh_jwt, reuse)
            {
                return Ok(entry.outcome.clone());
            }
            table.insert(key, Entry { outcome: outcome.clone(), kept_until: None });
        }
        // A life that no instant can express is longer than anything is kept.
        let ends_at = life_left.and_then(|left| Instant::now().checked_add(left));
        let flight = Flight { table: Arc::clone(&self.0), key, ends_at, announce };
        // The refresh belongs to the trace of whoever asked first; the time for which the answer is kept does not.
        let asking = Span::current();
        // Nothing is locked here: a runtime that shuts down drops the task, and with it the flight, at once.
        runtime.spawn(async move {
            let answer = refresh().instrument(asking).await;
            if let Some(until) = flight.land(answer) {
                sleep_until(until).await;
            }
        });
        Ok(outcome)
    }
}

impl Entry {
    fn counts(&self, refresh_jwt: &Secret, reuse: Reuse) -> bool {
        let Some(until) = self.kept_until else {
            // A sender that is gone announces nothing any more.
            return self.outcome.has_changed().is_ok();
        };
        Instant::now() < until
            && match (reuse, &*self.outcome.borrow()) {
                (Reuse::All, _) => true,
                (Reuse::Rotated, Some(Ok(answer))) => answer.refresh_jwt() != Some(refresh_jwt),
                (Reuse::Rotated, _) => false,
            }
    }
}

/// A refresh under way or kept. Its entry goes away however it ends, and before anybody can hear that it ended without
/// an answer: fields are dropped after this.
struct Flight {
    table: Table,
    key: Key,
    /// When the token ends by itself.
    ends_at: Option<Instant>,
    announce: watch::Sender<Outcome>,
}

impl Flight {
    /// Announces the answer and gives the time until which it is kept, if it is. The table is in order before anybody
    /// hears: who tries again after a failure must not be given the old one.
    fn land(&self, answer: Result<Authentication>) -> Option<Instant> {
        let now = Instant::now();
        let mut kept_until = match &answer {
            Ok(_) => Some(now + TOKENS_KEPT),
            Err(error) if error.is_refusal() => {
                let until = now + REFUSAL_KEPT;
                Some(self.ends_at.map_or(until, |end| end.min(until))).filter(|until| *until > now)
            }
            Err(_) => None,
        };
        {
            let mut table = lock(&self.table);
            kept_until = kept_until.filter(|_| table.len() <= MOST_KEPT);
            match (kept_until, table.get_mut(&self.key)) {
                (Some(_), Some(entry)) => entry.kept_until = kept_until,
                (None, Some(_)) => drop(table.remove(&self.key)),
                (_, None) => {}
            }
            // Under the lock, so that no entry says that it is kept before its outcome can be read. Nobody's code runs
            // here; those who wait are only woken.
            self.announce.send_replace(Some(answer));
        }
        kept_until
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let own = {
            let mut table = lock(&self.table);
            // After a failure or after its time another flight may be under way in its place.
            let own = table.get(&self.key).is_some_and(|entry| entry.outcome.same_channel(&self.announce.subscribe()));
            own.then(|| table.remove(&self.key))
        };
        drop(own);
    }
}

/// The map is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock(table: &Table) -> MutexGuard<'_, HashMap<Key, Entry>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(refresh_jwt: &Secret) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest(&SHA256, refresh_jwt.expose().as_bytes()).as_ref());
    key
}

fn interrupted() -> Error {
    let detail = Some("the refresh was interrupted before it was answered".into());
    Inner { operation: Some("session_refresh"), detail, ..Inner::of(ErrorKind::Network) }.into()
}

fn no_runtime() -> Error {
    let detail = Some("a refresh needs a tokio runtime: call it in a task of tokio, or enter a runtime first".into());
    Inner { operation: Some("session_refresh"), detail, ..Inner::of(ErrorKind::Configuration) }.into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;
    use crate::authentication::testing::authentication;

    /// Refreshes that wait until they are let go, and fail then.
    struct Refreshes {
        flights: Arc<Flights>,
        started: Arc<AtomicUsize>,
        gate: Arc<Semaphore>,
    }

    impl Refreshes {
        fn new() -> Self {
            Self { flights: Arc::default(), started: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
        }

        fn join(&self, token: &str) -> impl Future<Output = Result<Authentication>> + Send + 'static {
            let (flights, token) = (Arc::clone(&self.flights), Secret::from(token));
            let (started, gate) = (Arc::clone(&self.started), Arc::clone(&self.gate));
            let refresh = move || async move {
                started.fetch_add(1, Ordering::SeqCst);
                let _ = gate.acquire().await;
                Err(Error::argument_refused("refresh_jwt", "is not good"))
            };
            async move { flights.join(&token, None, Reuse::Rotated, refresh).await }
        }

        fn started(&self) -> usize {
            self.started.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn same_token_is_refreshed_once_and_everybody_hears() {
        let refreshes = Refreshes::new();
        let same: Vec<_> = (0..50).map(|_| tokio::spawn(refreshes.join("a"))).collect();
        let other = tokio::spawn(refreshes.join("b"));
        while refreshes.started() < 2 {
            tokio::task::yield_now().await;
        }
        refreshes.gate.add_permits(2);
        for waiter in same {
            let error = waiter.await.unwrap().unwrap_err();
            assert_eq!(error.argument(), Some("refresh_jwt"));
        }
        other.await.unwrap().unwrap_err();
        assert_eq!(refreshes.started(), 2);

        // A failure is not remembered, not even for an instant.
        refreshes.gate.add_permits(1);
        refreshes.join("a").await.unwrap_err();
        assert_eq!(refreshes.started(), 3);
    }

    #[tokio::test]
    async fn caller_that_gives_up_breaks_nothing_off() {
        let refreshes = Refreshes::new();
        let first = tokio::spawn(refreshes.join("a"));
        while refreshes.started() == 0 {
            tokio::task::yield_now().await;
        }
        first.abort();
        let _ = first.await;
        let second = tokio::spawn(refreshes.join("a"));
        refreshes.gate.add_permits(1);
        second.await.unwrap().unwrap_err();
        assert_eq!(refreshes.started(), 1);
    }

    #[test]
    fn outside_a_runtime_is_an_error_and_no_hang() {
        let flights = Flights::default();
        let refresh = || async { Ok(tokens("new")) };
        for _ in 0..2 {
            let error = flights.boarded(&Secret::from("a"), None, Reuse::All, refresh).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("tokio runtime"), "{error}");
        }
        assert!(flights.is_empty());
    }

    #[test]
    fn runtime_that_ends_with_a_refresh_under_way_ends_and_leaves_no_trace() {
        let flights = Flights::default();
        let token = Secret::from("a");
        let first = tokio::runtime::Runtime::new().unwrap();
        let flight = first.block_on(async {
            let flight = flights.boarded(&token, None, Reuse::All, std::future::pending).unwrap();
            tokio::task::yield_now().await;
            flight
        });
        let handle = first.handle().clone();
        drop(first);
        assert!(flight.has_changed().is_err());
        assert!(flights.is_empty());

        // A runtime that has ended drops what is spawned while `spawn` is still running.
        let _entered = handle.enter();
        let flight = flights.boarded(&token, None, Reuse::All, std::future::pending).unwrap();
        assert!(flight.has_changed().is_err());
        assert!(flights.is_empty());
        assert!(interrupted().is_retryable());
    }

    #[tokio::test]
    async fn panic_of_a_refresh_is_an_error_and_the_next_try_works() {
        let flights = Flights::default();
        let token = Secret::from("a");
        let broken = || -> std::future::Ready<Result<Authentication>> { panic!("on purpose") };
        assert!(flights.join(&token, None, Reuse::All, broken).await.unwrap_err().is_retryable());
        let broken = || async { panic!("on purpose") };
        assert!(flights.join(&token, None, Reuse::All, broken).await.unwrap_err().is_retryable());
        flights.join(&token, None, Reuse::All, || async { Ok(tokens("new")) }).await.unwrap();
    }

    fn tokens(refresh_jwt: &str) -> Authentication {
        authentication(serde_json::json!({"sessionJwt": "s", "refreshJwt": refresh_jwt}))
    }

    fn refusal() -> Error {
        Inner { code: Some("E064001".into()), ..Inner::of(ErrorKind::Unauthorized) }.into()
    }

    /// Which outcomes are given a second time without a second request, to whom, and for how long.
    #[tokio::test(start_paused = true)]
    async fn outcome_is_kept_for_its_time() {
        let intercepted = || Err(Inner::of(ErrorKind::Intercepted).into());
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (outcome, life, reuse, kept) in vec![
            (Ok(tokens("new")), None, Reuse::All, 10),
            (Ok(tokens("new")), seconds(5), Reuse::All, 10),
            (Ok(tokens("new")), None, Reuse::Rotated, 10),
            (Ok(tokens("old")), None, Reuse::All, 10),
            (Ok(tokens("old")), None, Reuse::Rotated, 0),
            // A refusal ends with the token or after a minute, whichever is sooner.
            (Err(refusal()), None, Reuse::All, 60),
            (Err(refusal()), seconds(3600), Reuse::All, 60),
            (Err(refusal()), Some(Duration::MAX), Reuse::All, 60),
            (Err(refusal()), seconds(61), Reuse::All, 60),
            (Err(refusal()), seconds(59), Reuse::All, 59),
            (Err(refusal()), seconds(5), Reuse::All, 5),
            (Err(refusal()), seconds(0), Reuse::All, 0),
            (Err(refusal()), None, Reuse::Rotated, 0),
            (intercepted(), None, Reuse::All, 0),
            (intercepted(), None, Reuse::Rotated, 0),
        ] {
            let (flights, calls) = (Flights::default(), Arc::new(AtomicUsize::new(0)));
            let join = || {
                let (outcome, calls) = (outcome.clone(), Arc::clone(&calls));
                let refresh = move || async move {
                    calls.fetch_add(1, Ordering::SeqCst);
                    outcome
                };
                flights.join(&OLD, life, reuse, refresh)
            };
            let first = join().await.is_ok();
            if kept > 0 {
                tokio::time::advance(Duration::from_millis(kept * 1000 - 500)).await;
                assert_eq!(join().await.is_ok(), first);
                assert_eq!(calls.load(Ordering::SeqCst), 1, "{outcome:?} {life:?} {reuse:?}");
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            let _ = join().await;
            assert_eq!(calls.load(Ordering::SeqCst), 2, "{outcome:?} {life:?} {reuse:?}");
            tokio::time::sleep(Duration::from_secs(61)).await;
            assert!(lock(&flights.0).is_empty(), "{outcome:?} {life:?} {reuse:?}");
        }
    }

    #[tokio::test]
    async fn ended_session_is_not_kept() {
        for ended in ["old", "new"] {
            let flights = Flights::default();
            flights.join(&OLD, None, Reuse::All, || async { Ok(tokens("new")) }).await.unwrap();
            flights.forget(&Secret::from("other"));
            assert_eq!(lock(&flights.0).len(), 1);
            flights.forget(&Secret::from(ended));
            assert!(lock(&flights.0).is_empty(), "{ended}");
        }
    }

    static OLD: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(|| Secret::from("old"));
}
