//! Everything the emulator remembers, in memory and behind one lock.

mod access_key;
mod challenge;
mod session;
mod user;

use std::collections::{BTreeMap, HashMap};

pub(crate) use access_key::{AccessKeyRecord, is_range};
pub(crate) use challenge::{Challenge, Code, EnchantedToken, Pending, PendingState, Purpose, SessionWish, Update};
pub(crate) use session::Session;
pub(crate) use user::{Login, Profile, QuestionRecord, Status, Tenancy, UserRecord, Users};

use crate::keys::KeyRing;

/// How long after its end a code or link is remembered, so that its refusal can still tell why, in seconds.
const REMEMBER: i64 = 3600;

/// What one emulator knows. Handlers get it for the length of one call.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) keys: KeyRing,
    pub(crate) users: Users,
    /// Names of tenants by id.
    pub(crate) tenants: BTreeMap<String, String>,
    /// Sessions by the id that the `jti` of their tokens begins with.
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) codes: Vec<Code>,
    /// Magic and embedded links by token.
    pub(crate) links: HashMap<String, Challenge>,
    /// The links of enchanted messages by token, right and wrong ones.
    pub(crate) enchanted: HashMap<String, EnchantedToken>,
    /// Enchanted sign-ins by their `pendingRef`.
    pub(crate) pending: HashMap<String, Pending>,
    pub(crate) access_keys: HashMap<String, AccessKeyRecord>,
    next_sweep: i64,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            keys: KeyRing::new(),
            users: Users::default(),
            tenants: BTreeMap::new(),
            sessions: HashMap::new(),
            codes: Vec::new(),
            links: HashMap::new(),
            enchanted: HashMap::new(),
            pending: HashMap::new(),
            access_keys: HashMap::new(),
            next_sweep: 0,
        }
    }

    /// Forgets everything but the signing keys.
    pub(crate) fn reset(&mut self) {
        let keys = std::mem::replace(&mut self.keys, KeyRing::new());
        *self = Self { keys, ..Self::new() };
    }

    /// Forgets what has been over for long. Called with every request; does something once in a minute.
    pub(crate) fn sweep(&mut self, now: i64) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + 60;
        let since = now - REMEMBER;
        self.codes.retain(|code| code.challenge.expires_at > since);
        self.links.retain(|_, link| link.expires_at > since);
        self.pending.retain(|_, pending| pending.challenge.expires_at > since);
        self.enchanted.retain(|_, link| self.pending.contains_key(&link.pending_ref));
        self.sessions.retain(|_, session| session.expires_at > since);
    }

    /// Makes sure that a tenant is known. The operations of this slice cannot create one, so naming it is enough.
    pub(crate) fn ensure_tenant(&mut self, id: &str) {
        self.tenants.entry(id.to_owned()).or_insert_with(|| id.to_owned());
    }

    /// Ends every session of a user, or all but one.
    pub(crate) fn revoke_sessions(&mut self, user_id: &str, except: Option<&str>) {
        for (id, session) in &mut self.sessions {
            if session.user_id == user_id && Some(id.as_str()) != except {
                session.revoked = true;
            }
        }
    }

    /// Removes a user with everything that would let that user in.
    pub(crate) fn remove_user(&mut self, user_id: &str) -> bool {
        if self.users.remove(user_id).is_none() {
            return false;
        }
        self.revoke_sessions(user_id, None);
        self.codes.retain(|code| code.challenge.user_id() != Some(user_id));
        self.links.retain(|_, link| link.user_id() != Some(user_id));
        self.pending.retain(|_, pending| pending.challenge.user_id() != Some(user_id));
        self.enchanted.retain(|_, link| self.pending.contains_key(&link.pending_ref));
        true
    }
}
