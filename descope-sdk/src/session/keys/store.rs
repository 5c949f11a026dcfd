//! The project's keys, kept up to date.
//!
//! Readers take the current set from an atomic pointer and never wait for a renewal. All writing goes through one
//! asynchronous mutex, which is what makes fetches single-flight: whoever gets it looks first whether the fetch that it
//! wanted has happened while it waited. The fetch runs as a task of its own that owns the mutex guard, so that a caller
//! who gives up neither kills a fetch that others wait for nor makes room for the next one.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};

use super::key_set::{Key, KeySet};
use crate::session::token::{
    algorithm::Algorithm,
    error::{KeysError, TokenError},
};

/// What a [`KeyFetch`] ends with: the body of the keys endpoint, or any error.
pub type KeyFetchResult = Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

/// Reads the project's public keys from wherever they are: `GET /v2/keys/{projectId}` for the client.
///
/// It must end by itself, that is, bound its own time and the size of the answer.
pub type KeyFetch = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = KeyFetchResult> + Send>> + Send + Sync>;

/// The first wait after a failed fetch; it doubles with every further failure, up to the cool-down.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);

/// How the keys are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyStoreSettings {
    /// After this age the keys are read again, while the old ones go on serving.
    pub(crate) soft_ttl: Duration,
    /// The least time between two fetches that unknown key ids cause.
    pub(crate) cool_down: Duration,
}

impl Default for KeyStoreSettings {
    fn default() -> Self {
        Self { soft_ttl: Duration::from_secs(600), cool_down: Duration::from_secs(30) }
    }
}

/// The keys of one project. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct KeyStore(Arc<Inner>);

struct Inner {
    current: ArcSwapOption<Snapshot>,
    /// `None` for keys that were configured; those never change.
    fetch: Option<KeyFetch>,
    settings: KeyStoreSettings,
    state: Arc<Mutex<State>>,
}

struct Snapshot {
    keys: KeySet,
    fetched_at: Instant,
    /// Counts the successful fetches, from 1.
    generation: u64,
}

/// What is remembered about fetches; only its owner may fetch.
#[derive(Default)]
struct State {
    /// Failures since the last success.
    failures: u32,
    /// Set after a failure: how it ended, and before when there is no use in trying again.
    failed: Option<(KeysError, Instant)>,
    /// When an unknown key id last caused a fetch.
    forced_at: Option<Instant>,
}

/// Why keys are read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// There are none yet, or they are old.
    Due,
    /// A token names a key that is not among them.
    UnknownKey,
}

impl KeyStore {
    pub(crate) fn fetching(fetch: KeyFetch, settings: KeyStoreSettings) -> Self {
        Self::new(Some(fetch), None, settings)
    }

    pub(crate) fn fixed(keys: KeySet) -> Self {
        let snapshot = Snapshot { keys, fetched_at: Instant::now(), generation: 1 };
        Self::new(None, Some(Arc::new(snapshot)), KeyStoreSettings::default())
    }

    fn new(fetch: Option<KeyFetch>, current: Option<Arc<Snapshot>>, settings: KeyStoreSettings) -> Self {
        let current = ArcSwapOption::new(current);
        Self(Arc::new(Inner { current, fetch, settings, state: Arc::default() }))
    }

    /// The key for a token's header. Waits for the network only when there are no keys yet, or when the name is unknown
    /// and the cool-down allows to ask for it.
    pub(crate) async fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, TokenError> {
        let current = self.0.current.load_full();
        let seen = current.as_ref().map_or(0, |snapshot| snapshot.generation);
        if let Some(snapshot) = current {
            if let Some(found) = snapshot.keys.find(kid, algorithm) {
                self.renew_if_due().await;
                return found;
            }
            // A token that names no key at all cannot be helped by newer keys.
            if self.0.fetch.is_none() || kid.is_none() {
                return Err(TokenError::UnknownKey);
            }
            self.refetch(seen, Reason::UnknownKey).await?;
        } else {
            self.refetch(seen, Reason::Due).await?;
        }
        // Read after this call began: what is not in there now is not known to the project.
        let current = self.0.current.load();
        current.as_ref().and_then(|snapshot| snapshot.keys.find(kid, algorithm)).unwrap_or(Err(TokenError::UnknownKey))
    }

    /// Starts a renewal in the background when the keys are old and nobody is at it; the caller does not wait, unless
    /// there is no tokio runtime to put the renewal on.
    pub(crate) async fn renew_if_due(&self) {
        if let Some(guard) = self.claim_renewal() {
            match Handle::try_current() {
                // Detached: it holds the guard until it is done.
                Ok(runtime) => drop(runtime.spawn(Inner::run(Arc::clone(&self.0), guard))),
                // The outcome is in the state; the old keys serve meanwhile.
                Err(_) => drop(Inner::run(Arc::clone(&self.0), guard).await),
            }
        }
    }

    /// Reads the keys now if there are none yet.
    pub(crate) async fn preload(&self) -> Result<(), TokenError> {
        if self.0.current.load().is_some() { Ok(()) } else { self.refetch(0, Reason::Due).await }
    }

    fn claim_renewal(&self) -> Option<OwnedMutexGuard<State>> {
        self.0.fetch.as_ref()?;
        let fetched_at = self.0.current.load().as_ref()?.fetched_at;
        let now = Instant::now();
        if now.duration_since(fetched_at) < self.0.settings.soft_ttl {
            return None;
        }
        let guard = Arc::clone(&self.0.state).try_lock_owned().ok()?;
        // Somebody may have renewed between the look at the age and the lock.
        let fetched_at = self.0.current.load().as_ref()?.fetched_at;
        let old = now.duration_since(fetched_at) >= self.0.settings.soft_ttl;
        let may = guard.failed.as_ref().is_none_or(|(_, retry_at)| now >= *retry_at);
        (old && may).then_some(guard)
    }

    /// Waits until there is a newer set than generation `seen`, if there is reason to fetch one. `Ok` does not promise
    /// that there is: inside the cool-down nothing is fetched for an unknown key.
    async fn refetch(&self, seen: u64, reason: Reason) -> Result<(), TokenError> {
        let mut guard = Arc::clone(&self.0.state).lock_owned().await;
        if self.0.generation() != seen {
            return Ok(());
        }
        let now = Instant::now();
        let cooling = reason == Reason::UnknownKey
            && guard.forced_at.is_some_and(|at| now.duration_since(at) < self.0.settings.cool_down);
        if let Some((error, retry_at)) = &guard.failed
            && (cooling || now < *retry_at)
        {
            return Err(TokenError::KeysUnavailable(error.clone()));
        }
        if cooling {
            return Ok(());
        }
        if reason == Reason::UnknownKey {
            guard.forced_at = Some(now);
        }
        let run = Inner::run(Arc::clone(&self.0), guard);
        let outcome = match Handle::try_current() {
            // Ends early only when the fetch panics or the runtime shuts down.
            Ok(runtime) => runtime.spawn(run).await.unwrap_or_else(|_| Err(interrupted())),
            Err(_) => run.await,
        };
        outcome.map_err(TokenError::KeysUnavailable)
    }
}

impl Inner {
    fn generation(&self) -> u64 {
        self.current.load().as_ref().map_or(0, |snapshot| snapshot.generation)
    }

    /// Fetches and takes over. Owns the guard from the first to the last.
    async fn run(inner: Arc<Self>, mut state: OwnedMutexGuard<State>) -> Result<(), KeysError> {
        let Some(fetch) = &inner.fetch else { return Ok(()) };
        // Written down as failed before it starts, so that a fetch that never comes to its end counts as one.
        inner.note_failure(&mut state, interrupted());
        let outcome = match fetch().await {
            Ok(body) => KeySet::parse(&body).map_err(KeysError::new),
            Err(error) => Err(KeysError::new(error)),
        };
        match outcome {
            Ok(keys) => {
                state.failures = 0;
                state.failed = None;
                inner.take_over(keys);
                Ok(())
            }
            Err(error) => {
                state.failures -= 1;
                inner.note_failure(&mut state, error.clone());
                let failures = state.failures;
                tracing::warn!(target: "descope", %error, failures, "the project's public keys could not be read");
                Err(error)
            }
        }
    }

    fn note_failure(&self, state: &mut State, error: KeysError) {
        let doubled = FIRST_BACK_OFF.saturating_mul(1 << state.failures.min(16));
        state.failures = state.failures.saturating_add(1);
        state.failed = Some((error, Instant::now() + doubled.min(self.settings.cool_down)));
    }

    /// An empty set is taken at its word: a project that publishes no key has no valid tokens.
    fn take_over(&self, mut keys: KeySet) {
        let old = self.current.load_full();
        let gone = old.as_ref().map(|old| keys.succeed(&old.keys)).unwrap_or_default();
        let generation = old.map_or(1, |old| old.generation.wrapping_add(1).max(1));
        tracing::debug!(target: "descope", keys = keys.len(), withdrawn = gone.len(), "read the project's public keys");
        self.current.store(Some(Arc::new(Snapshot { keys, fetched_at: Instant::now(), generation })));
        for key in gone {
            key.withdraw();
        }
    }
}

fn interrupted() -> KeysError {
    KeysError::new("reading the keys did not come to an end")
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.current.load().as_ref().map(|snapshot| snapshot.keys.len());
        f.debug_struct("KeyStore").field("keys", &keys).field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
