//! One project: its state behind a lock of its own, and what needs no lock.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use super::{
    audit::{self, AuditEntry},
    keys::KeyRing,
    log::Event,
    settings::Settings,
    state::State,
};
use crate::{
    admin::{
        events::{Events, Happening},
        inbox::{Inbox, Message},
    },
    error::Refusal,
};

/// One emulated project.
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) inbox: Inbox,
    events: Events,
    seed: Option<u64>,
    first_settings: Settings,
    keys: RwLock<KeyRing>,
    state: Mutex<State>,
    /// The minute that is under way, and how many calls came in it. A refused call counts too, so it is no part of
    /// the state.
    minute: Mutex<(i64, u32)>,
    /// Whether it was named by whoever started the emulator, or something has happened in it.
    kept: AtomicBool,
    /// Named snapshots.
    saved: Mutex<BTreeMap<String, State>>,
}

/// A project in the document that `/_emulator/state` answers and takes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SavedProject {
    /// Absent: the project keeps the keys that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<KeyRing>,
    pub(crate) state: State,
}

/// Who did what a call has changed, for the audit trail.
pub(crate) struct Actor<'a> {
    pub(crate) id: &'a str,
    pub(crate) ip: &'a str,
    pub(crate) now: i64,
}

impl Project {
    pub(crate) fn new(id: &str, seed: Option<u64>, settings: &Settings, events: Events) -> Self {
        let mut state = State::new(seed, id);
        state.settings = settings.clone();
        Self {
            id: id.to_owned(),
            inbox: Inbox::default(),
            events,
            seed,
            first_settings: settings.clone(),
            keys: RwLock::new(KeyRing::new()),
            state: Mutex::new(state),
            minute: Mutex::default(),
            kept: AtomicBool::new(false),
            saved: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has left the state between two changes, each of them whole: good enough to go on with.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys as they are now, to sign and to verify with outside of any lock.
    pub(crate) fn keys(&self) -> KeyRing {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change_keys<T>(&self, change: impl FnOnce(&mut KeyRing) -> T) -> T {
        change(&mut self.keys.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets a new key take over where the settings say that it is time. Whether one did.
    pub(crate) fn rotate_by_clock(&self, period: i64, now: i64) -> bool {
        let due = self.keys.read().unwrap_or_else(PoisonError::into_inner).is_due(period, now);
        due && self.change_keys(|keys| keys.rotate_by_clock(period, now))
    }

    /// Whether the project is more than an id that somebody has asked for.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }

    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Counts a call. Whether that many within a minute are allowed; 0 allows any number.
    pub(crate) fn count_call(&self, allowed: u32, now: i64) -> bool {
        let mut counted = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.div_euclid(60);
        if counted.0 != minute {
            *counted = (minute, 0);
        }
        counted.1 = counted.1.saturating_add(1);
        allowed == 0 || counted.1 <= allowed
    }

    /// Does something with the state, all of it or nothing: a refusal undoes what came before it, unless it says that
    /// it keeps what it has counted. The second answer is whether anything was changed.
    pub(crate) fn transact<T>(
        &self,
        actor: &Actor<'_>,
        run: impl FnOnce(&mut State) -> Result<T, Refusal>,
    ) -> (Result<T, Refusal>, bool) {
        let mut state = self.state();
        let before = state.clone();
        let result = run(&mut state);
        if result.as_ref().is_err_and(|refusal| !refusal.keeps_changes) {
            *state = before;
            return (result, false);
        }
        let changed = state.log.is_changed();
        if changed {
            self.keep();
        }
        for event in state.log.take() {
            let entry = note(&mut state, event, actor);
            let entry = Box::new(entry);
            self.events.publish(Happening::Record { project: self.id.clone(), entry });
        }
        (result, changed)
    }

    /// Puts a message into the inbox, and tells those who listen.
    pub(crate) fn deliver(&self, message: Message) {
        let message = Box::new(self.inbox.deliver(message));
        self.events.publish(Happening::Message { project: self.id.clone(), message });
    }

    /// Forgets everything but the signing keys, which clients may have cached, and the snapshots.
    pub(crate) fn reset(&self) {
        let mut fresh = State::new(self.seed, &self.id);
        fresh.settings = self.first_settings.clone();
        *self.state() = fresh;
        self.inbox.clear();
    }

    /// Keeps the state as it is now under a name.
    pub(crate) fn save_snapshot(&self, name: &str) {
        let state = self.state().clone();
        self.snapshots().insert(name.to_owned(), state);
        self.events.change("snapshots", Some(&self.id));
    }

    /// Goes back to a snapshot. Whether there is one of that name.
    pub(crate) fn restore_snapshot(&self, name: &str) -> bool {
        let Some(state) = self.snapshots().get(name).cloned() else { return false };
        *self.state() = state;
        self.events.change("all", Some(&self.id));
        true
    }

    pub(crate) fn snapshots(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole project, to be written down.
    pub(crate) fn export(&self) -> SavedProject {
        let state = self.state().clone();
        SavedProject { keys: Some(self.keys()), state }
    }

    /// Becomes what was written down.
    pub(crate) fn import(&self, saved: SavedProject) {
        *self.state() = saved.state;
        if let Some(keys) = saved.keys {
            self.change_keys(|own| *own = keys);
        }
    }
}

fn note(state: &mut State, event: Event, actor: &Actor<'_>) -> AuditEntry {
    let id = state.ids.id("A");
    let entry = AuditEntry {
        id,
        action: event.action,
        kind: event.kind.unwrap_or_else(|| "info".to_owned()),
        target: event.target,
        actor: event.actor.unwrap_or_else(|| actor.id.to_owned()),
        method: event.method,
        login_ids: event.login_ids,
        tenants: event.tenants,
        ip: actor.ip.to_owned(),
        at: actor.now,
        data: event.data,
    };
    state.audit.push_back(entry.clone());
    while state.audit.len() > audit::CAPACITY {
        state.audit.pop_front();
    }
    entry
}
