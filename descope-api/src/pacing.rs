//! Calls that wait for their turn, so that the service has no reason to refuse them by its rate limits.
//!
//! No crate for rate limits is used: those at hand count when a call is let through, which is not when the service counts
//! it, have timers of their own instead of tokio's, let whoever wakes first go first, and know no `Retry-After`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::StatusCode;
use reqwest::Response;
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep_until, timeout_at},
};

use crate::{Auth, Operation, retry::retry_after};

/// Paces calls by the rate limits that Descope documents: a call that would exceed one waits before it is sent.
///
/// Clones share what has been counted, and so do all clients that are made with clones of one `Pacing`. Calls wait in the
/// order in which they came; one that is dropped while it waits leaves its place to the next. A call counts from when it is
/// sent until the limit's period has passed since its answer, so that the service never sees more of them in a period than it
/// allows, however long they travel.
///
/// When the service refuses a call by a limit all the same (429), because others share the limit, no call of the same
/// [`RateGroup`] is sent before its `Retry-After`, or without one before a period has passed; five minutes at most. Whether
/// the refused call is sent again is up to the [`RetryPolicy`](crate::RetryPolicy).
///
/// What others use up is not seen: where several processes share an address or a project, give each its part by
/// [`limit`](Self::limit). So do if Descope has granted you higher limits.
///
/// ```
/// use std::time::Duration;
/// use descope_api::{Client, Config, Pacing, RateGroup};
///
/// let mut config = Config::new("https://api.descope.com", "P2RmuXyZ0123456789abcdefghij");
/// // Two processes of ours create users.
/// config.pacing = Some(Pacing::documented().limit(RateGroup::UserCreation, 50, Duration::from_secs(60)));
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let client = Client::connect(http, config);
/// # Ok::<_, reqwest::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pacing {
    gates: [Option<Arc<Gate>>; GROUPS.len()],
}

/// Calls that share a rate limit. Every call is one of [`All`](Self::All), and of one other group at most. Only the keys of
/// the project are fetched at once whatever has been called, because every request of an application may wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateGroup {
    /// Every call: 1,000 in 10 seconds from one address, as documented for back ends that use an SDK.
    All,
    /// Calls below `/v1/mgmt/user/` that are in no group below: 500 in 60 seconds for a project. As in those groups, what has
    /// come as `/v2` counts like its predecessor.
    Users,
    /// Users created one by one and in batches: 100 in 60 seconds for a project. A batch is one call.
    UserCreation,
    /// Searches for users, and users updated as a whole: 200 in 60 seconds for a project.
    UserUpdates,
    /// Searches in the audit trail: 10 in 60 seconds.
    AuditSearch,
}

/// The documented limits, in the order of the groups.
const GROUPS: [(RateGroup, usize, Duration); 5] = [
    (RateGroup::All, 1000, Duration::from_secs(10)),
    (RateGroup::Users, 500, Duration::from_secs(60)),
    (RateGroup::UserCreation, 100, Duration::from_secs(60)),
    (RateGroup::UserUpdates, 200, Duration::from_secs(60)),
    (RateGroup::AuditSearch, 10, Duration::from_secs(60)),
];

/// The longest time for which a refusal keeps other calls back. An odd `Retry-After` would block a client for good.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The keys of the project, by the names of their functions: every request of an application may wait for them.
const IMMEDIATE: [&str; 2] = ["session_keys", "session_keys_v1"];

/// Later than any call waits.
const FAR: Duration = Duration::from_secs(86_400 * 365);

impl RateGroup {
    /// The group besides [`All`](Self::All) that an operation belongs to, if the documentation gives it a limit of its own.
    ///
    /// ```
    /// use descope_api::{RateGroup, operation};
    ///
    /// let group = |id| RateGroup::of(operation(id).expect("in the document"));
    /// assert_eq!(group("managementUserCreate"), Some(RateGroup::UserCreation));
    /// assert_eq!(group("managementTenantCreate"), None);
    /// ```
    pub fn of(operation: &Operation) -> Option<Self> {
        if !operation.auth.contains(&Auth::ManagementKey) {
            return None;
        }
        let path = operation.path.strip_prefix("/v1/mgmt/").or_else(|| operation.path.strip_prefix("/v2/mgmt/"))?;
        match path {
            "user/create" | "user/create/batch" => Some(Self::UserCreation),
            "user/update" | "user/search" => Some(Self::UserUpdates),
            "audit/search" => Some(Self::AuditSearch),
            path if path.starts_with("user/") => Some(Self::Users),
            _ => None,
        }
    }
}

impl Pacing {
    /// The documented limits, which stand at each [`RateGroup`].
    pub fn documented() -> Self {
        Self { gates: GROUPS.map(|(_, calls, period)| Some(Arc::new(Gate::new(calls, period)))) }
    }

    /// Sets the limit of a group. What has been counted in it is forgotten, and clones made before keep their own count.
    ///
    /// - `calls`: how many of them may be made in a period, from 1.
    /// - `period`: how long one is.
    #[must_use]
    pub fn limit(mut self, group: RateGroup, calls: u32, period: Duration) -> Self {
        let calls = usize::try_from(calls.max(1)).unwrap_or(usize::MAX);
        self.gates[group as usize] = Some(Arc::new(Gate::new(calls.min(Semaphore::MAX_PERMITS), period)));
        self
    }

    /// Lets every call of a group through at once, also after the service has refused one.
    #[must_use]
    pub fn unlimited(mut self, group: RateGroup) -> Self {
        self.gates[group as usize] = None;
        self
    }

    fn gate(&self, group: RateGroup) -> Option<&Gate> {
        self.gates[group as usize].as_deref()
    }
}

/// Waits for the turn of an attempt, of which nothing is done before.
pub(crate) async fn turn<'a>(pacing: Option<&'a Pacing>, known: &Operation) -> Turn<'a> {
    match pacing.filter(|_| !IMMEDIATE.contains(&known.function)) {
        // Boxed: hardly any call waits here, and every call would have to have room for it.
        Some(pacing) => Box::pin(paced(pacing, known)).await,
        None => Turn::default(),
    }
}

async fn paced<'a>(pacing: &'a Pacing, known: &Operation) -> Turn<'a> {
    let own = RateGroup::of(known).and_then(|group| pacing.gate(group));
    let all = pacing.gate(RateGroup::All);
    // First the limit that few calls share: whoever waits for it takes nothing from the others.
    let mut own_place = match own {
        Some(gate) => Some(gate.enter(known).await),
        None => None,
    };
    let mut place = match all {
        Some(gate) => Some(gate.enter(known).await),
        None => None,
    };
    // While the call waited for the second place, the service may have refused another of its group.
    while let Some(until) = own.and_then(|gate| gate.state().quiet(Instant::now())) {
        sleep_until(until).await;
    }
    for place in [&mut own_place, &mut place].into_iter().flatten() {
        place.used = true;
    }
    Turn { gate: own.or(all), _places: [own_place, place] }
}

/// The turn of an attempt, which lasts until this is dropped.
#[derive(Default)]
pub(crate) struct Turn<'a> {
    /// The limit that the attempt is most likely to exceed.
    gate: Option<&'a Gate>,
    _places: [Option<Place<'a>>; 2],
}

impl Turn<'_> {
    /// The attempt has been answered, or has failed.
    pub(crate) fn ended(self, result: &reqwest::Result<Response>) {
        if let (Ok(response), Some(gate)) = (result, self.gate)
            && response.status() == StatusCode::TOO_MANY_REQUESTS
        {
            gate.pause(retry_after(response.headers()).unwrap_or(gate.period));
        }
    }
}

/// A limit: so many calls in a period.
#[derive(Debug)]
struct Gate {
    period: Duration,
    /// Held by the call that goes next; the others queue for it in the order in which they came.
    turn: Semaphore,
    state: Mutex<State>,
    /// Tells the call that goes next that a place may be free earlier than it thought.
    freed: Notify,
}

#[derive(Debug)]
struct State {
    /// Calls that may be sent at once.
    free: usize,
    /// When the places of calls that have been answered are free again, earliest first.
    resting: VecDeque<Instant>,
    /// The service asks for quiet until then.
    paused_until: Option<Instant>,
}

impl Gate {
    fn new(calls: usize, period: Duration) -> Self {
        let state = State { free: calls, resting: VecDeque::new(), paused_until: None };
        Self { period, turn: Semaphore::new(1), state: Mutex::new(state), freed: Notify::new() }
    }

    /// Waits for a place.
    async fn enter(&self, known: &Operation) -> Place<'_> {
        // The semaphore is never closed; if it were, calls would only lose their order.
        let _turn = self.turn.acquire().await;
        let mut told = false;
        loop {
            let until = match self.state().take(Instant::now()) {
                Ok(()) => return Place { gate: self, used: false },
                Err(until) => until,
            };
            if !told {
                tracing::debug!(target: "descope", operation = known.function, "waits for the rate limit");
                told = true;
            }
            match until {
                Until::Time(time) => {
                    let _ = timeout_at(time, self.freed.notified()).await;
                }
                Until::Quiet(time) => sleep_until(time).await,
                Until::Answer => self.freed.notified().await,
            }
        }
    }

    fn pause(&self, asked: Duration) {
        let until = Instant::now() + asked.min(LONGEST_PAUSE);
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Some(until));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call without a place waits for.
enum Until {
    /// That a place is free, at this time or before.
    Time(Instant),
    /// The end of the quiet that the service asked for.
    Quiet(Instant),
    /// That one of the calls under way ends: all places are theirs.
    Answer,
}

impl State {
    fn take(&mut self, now: Instant) -> Result<(), Until> {
        let rested = self.resting.partition_point(|free| *free <= now);
        self.resting.drain(..rested);
        self.free += rested;
        if let Some(until) = self.quiet(now) {
            return Err(Until::Quiet(until));
        }
        self.free = match (self.free.checked_sub(1), self.resting.front()) {
            (Some(left), _) => left,
            (None, Some(next)) => return Err(Until::Time(*next)),
            (None, None) => return Err(Until::Answer),
        };
        Ok(())
    }

    /// Until when the service asks for quiet.
    fn quiet(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }
}

/// One of the calls that a limit allows. Dropped, it is another call's: at once if it was not used, else when the period has
/// passed. The service may have counted a call whose answer nobody waited for.
struct Place<'a> {
    gate: &'a Gate,
    used: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if self.used {
            let now = Instant::now();
            state.resting.push_back(now.checked_add(self.gate.period).unwrap_or(now + FAR));
        } else {
            state.free += 1;
        }
        drop(state);
        self.gate.freed.notify_one();
    }
}
