//! One refresh at a time for each refresh token.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use descope_api::Secret;
use tokio::sync::watch;

use crate::{Authentication, Error, ErrorKind, Result, error::Inner};

/// What tells one refresh token from another. The tokens themselves are not kept.
type Key = [u8; 32];
type Outcome = Option<Result<Authentication>>;
type Open = Arc<Mutex<HashMap<Key, watch::Receiver<Outcome>>>>;

/// The refreshes that are under way.
#[derive(Default)]
pub(crate) struct Flights(Open);

impl Flights {
    /// Does `refresh`, or waits for the one that is under way with the same token.
    ///
    /// It runs as a task of its own: a caller that gives up must not break it off for the others, and the answer may
    /// hold the only token that works from then on.
    pub(crate) async fn join<F>(&self, refresh_jwt: &Secret, refresh: impl FnOnce() -> F) -> Result<Authentication>
    where
        F: Future<Output = Result<Authentication>> + Send + 'static,
    {
        let mut outcome = self.boarded(key(refresh_jwt), refresh);
        match outcome.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            // The task was dropped: its runtime shuts down.
            _ => Err(interrupted()),
        }
    }

    /// Not a part of the function above, because the lock must not be held across its `await`.
    fn boarded<F>(&self, key: Key, refresh: impl FnOnce() -> F) -> watch::Receiver<Outcome>
    where
        F: Future<Output = Result<Authentication>> + Send + 'static,
    {
        let mut open = lock(&self.0);
        if let Some(outcome) = open.get(&key) {
            return outcome.clone();
        }
        let (announce, outcome) = watch::channel(None);
        open.insert(key, outcome.clone());
        let flight = Flight { open: Arc::clone(&self.0), key, announce };
        let refresh = refresh();
        tokio::spawn(async move {
            let answer = refresh.await;
            flight.announce.send_replace(Some(answer));
        });
        outcome
    }
}

/// A refresh under way. Its entry goes away however it ends, and before anybody can hear that it ended without an answer:
/// fields are dropped after this.
struct Flight {
    open: Open,
    key: Key,
    announce: watch::Sender<Outcome>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.key);
    }
}

/// The map is whole between any two statements, so a panic elsewhere does not spoil it.
fn lock(open: &Open) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Outcome>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

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
            async move { flights.join(&token, refresh).await }
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

        // Nothing is remembered.
        while !lock(&refreshes.flights.0).is_empty() {
            tokio::task::yield_now().await;
        }
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
    fn refresh_whose_runtime_ends_is_an_error_and_leaves_no_trace() {
        let refreshes = Refreshes::new();
        let first = tokio::runtime::Runtime::new().unwrap();
        let flight = first.block_on(async {
            let flight = refreshes.flights.boarded(key(&Secret::from("a")), std::future::pending);
            tokio::task::yield_now().await;
            flight
        });
        first.shutdown_background();
        let second = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let lost = second.block_on(async { flight.clone().wait_for(Option::is_some).await.is_err() });
        assert!(lost);
        assert!(lock(&refreshes.flights.0).is_empty());
        assert!(interrupted().is_retryable());
    }
}
