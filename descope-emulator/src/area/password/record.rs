//! What is kept of a password: hashes, and how often it was guessed wrong.

use std::{collections::VecDeque, fmt, num::NonZeroU32};

use aws_lc_rs::pbkdf2;
use descope_api::{Secret, types::ImportedPassword};
use serde::{Deserialize, Serialize};

use super::{imported, rules::Rules};
use crate::{
    area::user::UserRecord,
    error::Refusal,
    http::Call,
    world::ids::{Ids, hexadecimal},
};

/// Few enough that no test waits for it: these passwords guard nothing.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(1000).unwrap();
/// How many former passwords are kept at most, whatever the rules say.
pub(super) const MOST_FORMER: i64 = 50;

/// The password of one user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Password {
    pub(super) hash: Hash,
    set_at: i64,
    /// A temporary one, or one that the back end has ended.
    pub(crate) has_to_be_replaced: bool,
    /// The newest first.
    former: VecDeque<Hash>,
    /// How often in a row a wrong one was tried.
    failures: i64,
    /// Locked until somebody unlocks it.
    pub(crate) locked: bool,
    /// Locked for a while, until this time in epoch seconds.
    pub(crate) locked_until: i64,
}

/// A hash, from which the password does not follow.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Hash {
    /// PBKDF2 with SHA-256, in hexadecimal digits.
    Own { salt: String, digest: String },
    /// The hash that another system has made.
    Imported(Box<ImportedPassword>),
}

/// A weak password can be found from its hash, so that is not shown either.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Own { .. }) { "Own" } else { "Imported" })
    }
}

impl Hash {
    fn matches(&self, given: &str) -> bool {
        match self {
            Self::Own { salt, digest } => derive(salt, given) == *digest,
            Self::Imported(hash) => imported::matches(hash, given),
        }
    }
}

fn derive(salt: &str, password: &str) -> String {
    let mut digest = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt.as_bytes(), password.as_bytes(), &mut digest);
    hexadecimal::encode(&digest)
}

impl Password {
    fn new(hash: Hash, now: i64) -> Self {
        Self {
            hash,
            set_at: now,
            has_to_be_replaced: false,
            former: VecDeque::new(),
            failures: 0,
            locked: false,
            locked_until: 0,
        }
    }

    pub(super) fn hash(ids: &mut Ids, password: &str) -> Hash {
        let salt = ids.alphanumeric(16);
        let digest = derive(&salt, password);
        Hash::Own { salt, digest }
    }

    /// A new password of a user, unless it is against the rules or, where these say so, one of the former ones.
    pub(crate) fn checked(call: &mut Call<'_>, user: &UserRecord, password: &Secret) -> Result<Self, Refusal> {
        let rules = Rules::for_user(call.state, user, None);
        rules.check(password.expose(), user)?;
        let mut new = Self::new(Self::hash(&mut call.state.ids, password.expose()), call.now);
        if let Some(old) = &user.password {
            let all = [&old.hash].into_iter().chain(&old.former);
            if all.clone().take(rules.remembered()).any(|hash| hash.matches(password.expose())) {
                return Err(Refusal::invalid("The password was used before; the rules ask for one that was not"));
            }
            new.former = all.take(usize::try_from(MOST_FORMER).unwrap_or_default()).cloned().collect();
        }
        Ok(new)
    }

    /// A password that is known by the hash which another system has made.
    pub(crate) fn imported(hash: ImportedPassword, now: i64) -> Result<Self, Refusal> {
        imported::check(&hash)?;
        Ok(Self::new(Hash::Imported(Box::new(hash)), now))
    }

    pub(super) fn matches(&self, given: &str) -> bool {
        self.hash.matches(given)
    }

    pub(super) fn is_imported(&self) -> bool {
        matches!(self.hash, Hash::Imported(_))
    }

    pub(super) fn is_locked(&self, now: i64) -> bool {
        self.locked || self.locked_until > now
    }

    pub(super) fn has_run_out(&self, rules: &Rules, now: i64) -> bool {
        self.has_to_be_replaced || rules.lifetime().is_some_and(|seconds| now >= self.set_at + seconds)
    }

    pub(super) fn count_failure(&mut self, rules: &Rules, now: i64) {
        self.failures = self.failures.saturating_add(1);
        if rules.lock_after().is_some_and(|attempts| self.failures >= attempts) {
            self.locked = true;
        }
        if let Some((attempts, seconds)) = rules.passing_lock()
            && self.failures % attempts == 0
        {
            self.locked_until = now + seconds;
        }
    }

    /// Forgets wrong attempts, and lifts the locks that came of them.
    pub(crate) fn unlock(&mut self) {
        (self.failures, self.locked, self.locked_until) = (0, false, 0);
    }
}
