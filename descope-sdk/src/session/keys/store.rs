//! The project's keys, kept up to date.
//!
//! Readers take the current set from an atomic pointer and wait for nothing as long as it can be trusted. At most one
//! fetch is under way at a time; whoever needs its outcome waits for that and for no lock. The lock is only ever taken
//! to look at the [`State`] and to change it, never while something is awaited, spawned or called. The fetch runs as a
//! task of its own, so that cancelling a caller does not cancel the fetch that others wait for.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tracing::{Instrument as _, Span};

use super::key_set::{Candidates, KeySet};
use crate::{
    session::token::{
        algorithm::Algorithm,
        error::{KeysError, TokenError},
    },
    sync::{ArcSwapOption, Handle, Instant, Mutex, MutexGuard, timeout, watch},
};

/// What a [`KeyFetch`] ends with: the body of the keys endpoint, or any error.
pub type KeyFetchResult = Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

/// Reads the project's public keys from wherever they are: `GET /v2/keys/{projectId}` for the client.
///
/// It should read them once and not try again: requests wait for it, and a failed attempt is repeated later. On a tokio
/// runtime, whose time has to be enabled, it is dropped after 5 seconds and counts as failed; elsewhere it must end by
/// itself.
pub type KeyFetch = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = KeyFetchResult> + Send>> + Send + Sync>;

/// The longest that a fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The first wait after a failed fetch; it doubles with every further failure, up to the cool-down.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);

/// As long ago as this a failure still says that the endpoint is down, so that a request need not wait to find out.
const OUTAGE_REMEMBERED: Duration = Duration::from_secs(60);

/// How the keys are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyStoreSettings {
    /// After this age the keys are read again, while the old ones go on serving.
    pub(crate) ttl: Duration,
    /// After this age a request waits until they have been read again. `None`: an hour, or the `ttl` if that is longer.
    pub(crate) max_age: Option<Duration>,
    /// After this age they are not trusted even while the endpoint fails. `None`: a day, or the `max_age` if longer.
    pub(crate) stale_if_error: Option<Duration>,
    /// The least time between two fetches that unknown key ids cause.
    pub(crate) cool_down: Duration,
}

impl Default for KeyStoreSettings {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(600), max_age: None, stale_if_error: None, cool_down: Duration::from_secs(30) }
    }
}

/// The ages that follow from the settings, each at most the next one.
#[derive(Clone, Copy)]
struct Ages {
    renew: Duration,
    wait: Duration,
    end: Duration,
}

impl From<&KeyStoreSettings> for Ages {
    fn from(settings: &KeyStoreSettings) -> Self {
        let wait = settings.max_age.unwrap_or_else(|| settings.ttl.max(Duration::from_secs(3600)));
        let end = settings.stale_if_error.unwrap_or_else(|| wait.max(Duration::from_secs(24 * 3600)));
        let wait = wait.min(end);
        Self { renew: settings.ttl.min(wait), wait, end }
    }
}

/// Where a token comes from, which decides what may be spent on its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A request: anybody may have written it.
    Request,
    /// The service, a moment ago. If it names an unknown key, the known keys are out of date.
    Service,
}

/// The keys of one project. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct KeyStore(Arc<Inner>);

struct Inner {
    current: ArcSwapOption<Snapshot>,
    /// `None` for keys that were configured; those never change.
    fetch: Option<KeyFetch>,
    settings: KeyStoreSettings,
    ages: Ages,
    state: Mutex<State>,
}

struct Snapshot {
    keys: KeySet,
    fetched_at: Instant,
    /// Counts the successful fetches, from 1.
    generation: u64,
}

type Outcome = Result<(), KeysError>;

/// What is known about fetches.
#[derive(Default)]
struct State {
    /// The one that is under way, if there is one.
    running: Option<Waiter>,
    /// Failures since the last success.
    failures: u32,
    /// How the last attempt ended, if it failed.
    failed: Option<Failure>,
    /// When an unknown key id last caused a fetch.
    forced_at: Option<Instant>,
}

struct Failure {
    error: KeysError,
    at: Instant,
    /// Before this there is no use in trying again.
    retry_at: Instant,
}

/// Waits for the outcome of a fetch.
#[derive(Clone)]
struct Waiter(watch::Receiver<Option<Outcome>>);

impl Waiter {
    async fn outcome(mut self) -> Outcome {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(interrupted()),
        }
    }
}

/// Why keys are read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// There are none yet.
    None,
    /// They are due to be renewed; nobody waits for it.
    Due,
    /// They are too old to be trusted without having asked.
    Old,
    /// A token of a request names a key that is not among them.
    UnknownKey,
    /// So does a token that the service has just handed out.
    UnknownKeyOfService,
}

/// What there is to do about a reason.
enum Step {
    /// Nothing: there are newer keys already, or it is too early to ask again.
    Nothing,
    /// The last attempt failed a moment ago.
    Failed(KeysError),
    /// A fetch is under way.
    Join(Waiter),
    /// One has to be started, by the one who got this, and waited for unless the known keys can serve meanwhile.
    Start(Attempt, Option<Waiter>),
}

/// Which fetch somebody has waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waited {
    No,
    /// One that was under way before.
    ForAnother,
    /// One that began for them.
    ForOwn,
}

/// Whether keys can be relied upon by their age.
enum Trust {
    Full,
    /// Yes, and they are due to be renewed.
    Due,
    /// Only after the endpoint was asked.
    Old,
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
        let (current, ages) = (ArcSwapOption::new(current), Ages::from(&settings));
        Self(Arc::new(Inner { current, fetch, settings, ages, state: Mutex::default() }))
    }

    /// The keys that may have signed a token with this header; more than one where names collide. Waits for the network
    /// only when there are no keys that can be trusted yet, or when the name is unknown and may be asked for.
    pub(crate) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        source: Source,
    ) -> Result<Candidates, TokenError> {
        let confirmed = self.trusted().await?;
        let (found, seen) = self.0.look_up(kid, algorithm);
        if let Some(found) = found {
            return found;
        }
        // A token that names no key at all cannot be helped by newer keys, nor can one whose key is not among those that
        // this very call has fetched. What somebody else has fetched may be older than the token.
        if self.0.fetch.is_none() || kid.is_none() || confirmed == Waited::ForOwn {
            return Err(TokenError::UnknownKey);
        }
        let reason = match source {
            Source::Request => Reason::UnknownKey,
            Source::Service => Reason::UnknownKeyOfService,
        };
        let waited = self.refetch(seen, reason).await?;
        let (found, seen) = self.0.look_up(kid, algorithm);
        // What was under way when this call came may have been answered before the service signed the token, also if it has
        // ended since. Whatever begins from now on is newer.
        if found.is_none() && waited != Waited::ForOwn && source == Source::Service {
            self.refetch(seen, reason).await?;
            return self.0.look_up(kid, algorithm).0.unwrap_or(Err(TokenError::UnknownKey));
        }
        found.unwrap_or(Err(TokenError::UnknownKey))
    }

    /// Makes sure that the known keys can be trusted, and returns at once while they are young. Old ones are renewed in
    /// the background, and waited for when they are too old.
    pub(crate) async fn confirm(&self) -> Result<(), TokenError> {
        self.trusted().await.map(drop)
    }

    async fn trusted(&self) -> Result<Waited, TokenError> {
        let current = self.0.current.load().as_ref().map(|snapshot| (self.0.trust(snapshot), snapshot.generation));
        let (reason, seen) = match current {
            Some((Trust::Full, _)) => return Ok(Waited::No),
            Some((Trust::Due, seen)) => (Reason::Due, seen),
            Some((Trust::Old, seen)) => (Reason::Old, seen),
            None => (Reason::None, 0),
        };
        match self.refetch(seen, reason).await {
            // The endpoint fails. Known keys go on serving, but not for good.
            Err(_) if self.0.may_serve() => Ok(Waited::No),
            outcome => outcome,
        }
    }

    /// Whether [`confirm`](Self::confirm) has nothing to do.
    pub(crate) fn is_young(&self) -> bool {
        self.0.current.load().as_ref().is_some_and(|snapshot| matches!(self.0.trust(snapshot), Trust::Full))
    }

    /// Reads the keys now if there are none yet.
    pub(crate) async fn preload(&self) -> Result<(), TokenError> {
        if self.0.current.load().is_some() { Ok(()) } else { self.refetch(0, Reason::None).await.map(drop) }
    }

    /// Has a set read that is newer than generation `seen`, if there is reason to, and waits for it, unless the known
    /// keys can serve meanwhile. `Ok` does not promise a newer set: inside the cool-down nothing is fetched for an unknown
    /// key.
    fn refetch(&self, seen: u64, reason: Reason) -> Pin<Box<impl Future<Output = Result<Waited, TokenError>>>> {
        // Boxed: hardly any validation waits here, and each would have to have room for it.
        Box::pin(self.refetched(seen, reason))
    }

    async fn refetched(&self, seen: u64, reason: Reason) -> Result<Waited, TokenError> {
        let (waiter, whose) = match Inner::step(&self.0, seen, reason) {
            Step::Nothing => return Ok(Waited::No),
            Step::Failed(error) => return Err(TokenError::KeysUnavailable(error)),
            Step::Join(waiter) => (Some(waiter), Waited::ForAnother),
            Step::Start(attempt, waiter) => {
                // A fetch that nobody waits for outlives the request, and would keep its span open.
                let asking = if waiter.is_some() { Span::current() } else { Span::none() };
                match Handle::try_current() {
                    Ok(runtime) => drop(runtime.spawn(attempt.run(Some(FETCH_TIMEOUT)).instrument(asking))),
                    // Nothing to put it on, and nothing that measures its time.
                    Err(_) => attempt.run(None).await,
                }
                (waiter, Waited::ForOwn)
            }
        };
        let Some(waiter) = waiter else { return Ok(Waited::No) };
        waiter.outcome().await.map(|()| whose).map_err(TokenError::KeysUnavailable)
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // What is in there stays right if somebody panicked beside it: there is no half-done change to be seen.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self) -> u64 {
        self.current.load().as_ref().map_or(0, |snapshot| snapshot.generation)
    }

    fn look_up(&self, kid: Option<&str>, algorithm: Algorithm) -> (Option<Result<Candidates, TokenError>>, u64) {
        match &*self.current.load() {
            Some(snapshot) => (snapshot.keys.find(kid, algorithm), snapshot.generation),
            None => (None, 0),
        }
    }

    /// Whether known keys are young enough to be relied upon while the endpoint fails.
    fn may_serve(&self) -> bool {
        self.current.load().as_ref().is_some_and(|snapshot| snapshot.fetched_at.elapsed() < self.ages.end)
    }

    fn trust(&self, snapshot: &Snapshot) -> Trust {
        if self.fetch.is_none() {
            return Trust::Full;
        }
        let age = snapshot.fetched_at.elapsed();
        if age < self.ages.renew {
            Trust::Full
        } else if age < self.ages.wait {
            Trust::Due
        } else {
            Trust::Old
        }
    }

    /// Decides about one reason, and notes the fetch that comes of it.
    fn step(inner: &Arc<Self>, seen: u64, reason: Reason) -> Step {
        if inner.fetch.is_none() {
            return Step::Nothing;
        }
        let now = Instant::now();
        let may_serve = inner.may_serve();
        let mut state = inner.state();
        // Looked at under the lock: a success is taken over before the fetch is no longer noted as under way.
        if inner.generation() != seen {
            return Step::Nothing;
        }
        let failed = state.failed.as_ref();
        let outage = failed.is_some_and(|failure| now.duration_since(failure.at) < OUTAGE_REMEMBERED);
        // Known keys serve while they are renewed. Old ones do so where it is known that there are no others to be had.
        let serving = reason == Reason::Due || reason == Reason::Old && may_serve && outage;
        if let Some(running) = &state.running {
            return if serving { Step::Nothing } else { Step::Join(running.clone()) };
        }
        let cooling = reason == Reason::UnknownKey
            && state.forced_at.is_some_and(|at| now.duration_since(at) < inner.settings.cool_down);
        // The service has just answered, so it is worth another try.
        let back_off = reason != Reason::UnknownKeyOfService && failed.is_some_and(|failure| now < failure.retry_at);
        if cooling || back_off {
            return match failed {
                Some(failure) if !serving => Step::Failed(failure.error.clone()),
                _ => Step::Nothing,
            };
        }
        if reason == Reason::UnknownKey {
            state.forced_at = Some(now);
        }
        let (announce, waiter) = watch::channel(None);
        let waiter = Waiter(waiter);
        state.running = Some(waiter.clone());
        let attempt = Attempt { inner: Arc::clone(inner), announce, ended: false };
        Step::Start(attempt, (!serving).then_some(waiter))
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

/// A fetch that was noted as under way. However it ends, also by being dropped, the note is taken away and those who
/// wait hear of it.
struct Attempt {
    inner: Arc<Inner>,
    announce: watch::Sender<Option<Outcome>>,
    ended: bool,
}

impl Attempt {
    /// Fetches, for no longer than `limit` if there is one, and takes over.
    async fn run(mut self, limit: Option<Duration>) {
        let Some(fetch) = &self.inner.fetch else { return };
        let fetch = fetch();
        let answer = match limit {
            None => fetch.await,
            Some(limit) => timeout(limit, fetch).await.unwrap_or_else(|_| {
                Err(format!("the keys endpoint did not answer within {} seconds", limit.as_secs()).into())
            }),
        };
        let outcome = match answer {
            Ok(body) => KeySet::parse(&body).map_err(KeysError::new),
            Err(error) => Err(KeysError::new(error)),
        };
        let outcome = outcome.map(|keys| self.inner.take_over(keys));
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        let failures = {
            let mut state = self.inner.state();
            state.running = None;
            match &outcome {
                Ok(()) => {
                    state.failures = 0;
                    state.failed = None;
                }
                Err(error) => {
                    let doubled = FIRST_BACK_OFF.saturating_mul(1 << state.failures.min(16));
                    let at = Instant::now();
                    let retry_at = at + doubled.min(self.inner.settings.cool_down);
                    state.failures = state.failures.saturating_add(1);
                    state.failed = Some(Failure { error: error.clone(), at, retry_at });
                }
            }
            state.failures
        };
        if let Err(error) = &outcome {
            tracing::warn!(target: "descope", %error, failures, "the project's public keys could not be read");
        }
        // `send` refuses when nobody waits.
        self.announce.send_replace(Some(outcome));
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(interrupted()));
        }
    }
}

fn interrupted() -> KeysError {
    KeysError::new("reading the keys was interrupted")
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.0.current.load().as_ref().map(|snapshot| snapshot.keys.len());
        f.debug_struct("KeyStore").field("keys", &keys).field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
