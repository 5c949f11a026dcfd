//! The faults that wait for their calls.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Map, Value, json};

use super::{
    events::Events,
    fault::{Asked, Fault, FaultError, Kind},
    members::Members,
};
use crate::{error::Refusal, world::ids::Ids};

/// A fault that waits for its calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PendingFault {
    /// By which it is withdrawn.
    pub id: u64,
    /// What is to happen, with the number of times that are left.
    pub fault: Fault,
    /// How often it has happened.
    pub happened: u32,
}

impl PendingFault {
    /// The fault in JSON, as `/_emulator/faults` lists it.
    pub(crate) fn describe(&self) -> Value {
        let mut members = Map::from_iter([("id".to_owned(), json!(self.id))]);
        members.extend(self.fault.describe());
        members.insert("happened".to_owned(), json!(self.happened));
        Value::Object(members)
    }
}

/// A fault with a generator of its own: how many other faults there are makes no difference to its draws.
#[derive(Debug)]
struct Waiting {
    pending: PendingFault,
    draws: Ids,
}

#[derive(Debug, Default)]
struct Store {
    last_id: u64,
    /// In the order in which they were added.
    waiting: Vec<Waiting>,
}

/// All faults, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    seed: Option<u64>,
    store: Mutex<Store>,
    /// Whether there are any: most of the time there are none, and then nothing is to be looked up.
    any: AtomicBool,
    /// Those who are told that there is another fault, or one less.
    events: Events,
}

impl Faults {
    /// None yet. With a seed, draws come out the same each time.
    pub(crate) fn new(seed: Option<u64>, events: Events) -> Self {
        Self { seed, events, ..Self::default() }
    }

    /// Adds a fault, whatever its values are. One that never happens is not kept.
    pub(crate) fn add_unchecked(&self, fault: Fault) -> u64 {
        let mut store = self.store();
        store.last_id += 1;
        let id = store.last_id;
        if fault.times != Some(0) {
            let draws = self.seed.map_or_else(Ids::default, |seed| Ids::seeded(seed, &format!("fault {id}")));
            store.waiting.push(Waiting { pending: PendingFault { id, fault, happened: 0 }, draws });
        }
        self.note(&store);
        id
    }

    pub(crate) fn add(&self, mut fault: Fault) -> Result<u64, FaultError> {
        fault.check()?;
        Ok(self.add_unchecked(fault))
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// The fault for a call that happens now, and its id.
    pub(crate) fn take(&self, asked: &Asked<'_>) -> Option<(u64, Fault)> {
        let mut store = self.store();
        let happens = |waiting: &mut Waiting| {
            let fault = &waiting.pending.fault;
            fault.calls.include(asked) && (fault.probability >= 1.0 || waiting.draws.share() < fault.probability)
        };
        let index = store.waiting.iter_mut().position(happens)?;
        let pending = &mut store.waiting[index].pending;
        pending.happened = pending.happened.saturating_add(1);
        if let Some(times) = &mut pending.fault.times {
            *times -= 1;
        }
        let taken = (pending.id, pending.fault.clone());
        if pending.fault.times == Some(0) {
            store.waiting.remove(index);
        }
        self.note(&store);
        Some(taken)
    }

    /// The faults that are still to come.
    pub(crate) fn list(&self) -> Vec<PendingFault> {
        self.store().waiting.iter().map(|waiting| waiting.pending.clone()).collect()
    }

    /// Takes one back. Whether it was still to come.
    pub(crate) fn withdraw(&self, id: u64) -> bool {
        let mut store = self.store();
        let before = store.waiting.len();
        store.waiting.retain(|waiting| waiting.pending.id != id);
        self.note(&store);
        store.waiting.len() < before
    }

    pub(crate) fn clear(&self) {
        let mut store = self.store();
        store.waiting.clear();
        self.note(&store);
    }

    /// As new: the next faults have the ids and the draws of the first ones.
    pub(crate) fn reset(&self) {
        let mut store = self.store();
        *store = Store::default();
        self.note(&store);
    }

    fn note(&self, store: &Store) {
        self.any.store(!store.waiting.is_empty(), Ordering::Relaxed);
        self.events.change("faults", None);
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<FaultError> for Refusal {
    fn from(error: FaultError) -> Self {
        Self::invalid(format!("The member {error}"))
    }
}

/// A fault in JSON. What it does follows from the members that are there.
pub(super) fn read(members: Map<String, Value>) -> Result<Fault, Refusal> {
    let mut members = Members::new(members);
    let status = members.whole("status", 200..=599)?.and_then(|status| u16::try_from(status).ok());
    let latency = members.whole("latencyMillis", 0..=600_000)?;
    let headers = members.object("headers")?;
    let retry_after = members.whole("retryAfter", 0..=u64::from(u32::MAX))?;
    let mut fault = content(&mut members, status, latency.is_some() || !headers.is_empty())?;
    if let Some(status) = status {
        if matches!(fault.kind, Kind::Close | Kind::Hang | Kind::Endless) {
            return Err(Refusal::invalid("The member status does not go with this kind"));
        }
        fault.status = status;
    }
    if let Some(millis) = latency {
        fault = fault.latency(std::time::Duration::from_millis(millis));
    }
    for (name, value) in headers {
        let Value::String(value) = value else {
            return Err(Refusal::invalid(format!("The member headers.{name} has to be a text")));
        };
        fault = fault.header(name, value);
    }
    if let Some(seconds) = retry_after {
        fault = fault.retry_after(seconds);
    }
    if let Some(probability) = members.number("probability")? {
        fault = fault.probability(probability);
    }
    let times = members.whole("times", 1..=u64::from(u32::MAX))?;
    let count = members.whole("count", 1..=u64::from(u32::MAX))?;
    if times.is_some() && count.is_some() {
        return Err(Refusal::invalid("The member count says the same as times; give one of them"));
    }
    let times = times.or(count).and_then(|times| u32::try_from(times).ok());
    match (members.flag("always")?, times) {
        (true, Some(_)) => return Err(Refusal::invalid("The member always does not go with a number of times")),
        (true, None) => fault = fault.always(),
        (false, Some(times)) => fault = fault.times(times),
        (false, None) => {}
    }
    if members.flag("afterHandling")? {
        fault = fault.after_handling();
    }
    let calls = &mut fault.calls;
    calls.operation = members.text("operation")?;
    calls.method = members.text("method")?;
    calls.path = members.text("path")?;
    calls.project = members.text("project")?;
    calls.login_id = members.text("loginId")?;
    members.finish()?;
    Ok(fault)
}

/// What the call gets: one of the members that say so, else the status, else the real answer where that is to be late or
/// to have further headers.
fn content(members: &mut Members, status: Option<u16>, changes: bool) -> Result<Fault, Refusal> {
    let of = status.unwrap_or(500);
    let mut given: Vec<(&str, Fault)> = Vec::new();
    if let Some(kind) = members.text("kind")? {
        let fault = match kind.as_str() {
            "close" => Fault::close(),
            "hang" => Fault::hang(),
            "endlessBody" => Fault::endless_body(),
            other => {
                let message = format!("The member kind cannot be {other:?}; it is close, hang or endlessBody");
                return Err(Refusal::invalid(message));
            }
        };
        given.push(("kind", fault));
    }
    let message = members.text("errorMessage")?;
    match (members.text("errorCode")?, message) {
        (Some(code), message) => given.push(("errorCode", Fault::error(of, code, message.unwrap_or_default()))),
        (None, Some(_)) => return Err(Refusal::invalid("The member errorMessage goes with errorCode only")),
        (None, None) => {}
    }
    let kind = members.text("contentType")?;
    match (members.any("body"), kind) {
        (Some(Value::String(body)), kind) => {
            given.push(("body", Fault::body(of, kind.unwrap_or_else(|| "text/html".to_owned()), body)));
        }
        (Some(body), kind) => {
            let kind = kind.unwrap_or_else(|| "application/json".to_owned());
            given.push(("body", Fault::body(of, kind, body.to_string())));
        }
        (None, Some(_)) => return Err(Refusal::invalid("The member contentType goes with body only")),
        (None, None) => {}
    }
    if let Some(bytes) = members.whole("largeBody", 0..=super::fault::MAX_BODY as u64)? {
        given.push(("largeBody", Fault::large_body(usize::try_from(bytes).unwrap_or_default())));
    }
    if let Some(location) = members.text("location")? {
        given.push(("location", Fault::redirect(location)));
    }
    match given.len() {
        0 if status.is_none() && changes => Ok(Fault::delay(std::time::Duration::ZERO)),
        0 => Ok(Fault::status(of)),
        1 => Ok(given.remove(0).1),
        _ => Err(Refusal::invalid(format!("The member {} does not go with {}", given[1].0, given[0].0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &'static str) -> Asked<'static> {
        Asked { operation: Some((operation, "/")), method: "POST", path: "/", project: "P2", login_ids: &[] }
    }

    #[test]
    fn faults_happen_in_order_and_as_often_as_asked() {
        let faults = Faults::default();
        assert!(faults.is_empty());
        faults.add_unchecked(Fault::status(503).times(2).operation("a"));
        faults.add_unchecked(Fault::status(500).operation("a"));
        faults.add_unchecked(Fault::status(501).times(0).operation("a"));
        faults.add_unchecked(Fault::status(400).operation("b"));
        let next = |operation| faults.take(&asked(operation)).map(|(_, fault)| fault.status);
        assert_eq!([next("a"), next("a"), next("a"), next("a")], [Some(503), Some(503), Some(500), None]);
        assert_eq!(next("b"), Some(400));
        assert!(faults.is_empty());
    }

    #[test]
    fn draws_repeat_with_the_seed() {
        let run = |seed: u64, resets: usize| {
            let faults = Faults::new(Some(seed), Events::default());
            let once = || {
                faults.add(Fault::status(503).probability(0.5).always()).expect("added");
                (0..64).map(|_| faults.take(&asked("a")).is_some()).collect::<Vec<_>>()
            };
            for _ in 0..resets {
                once();
                faults.reset();
            }
            once()
        };
        assert_eq!(run(7, 0), run(7, 0));
        assert_eq!(run(7, 0), run(7, 2));
        assert_ne!(run(7, 0), run(8, 0));
        let happened = run(7, 0).into_iter().filter(|happened| *happened).count();
        assert!((16..48).contains(&happened), "{happened}");
    }
}
