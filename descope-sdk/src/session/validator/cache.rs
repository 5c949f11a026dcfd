//! Tokens that were verified before.
//!
//! Reading takes no lock and allocates nothing. A token is found by the end of its signature, under a hash with a random
//! key, and is then compared as a whole: the signature's end alone proves nothing. Only verified tokens get in, and two
//! honest signatures do not end alike, so nobody can crowd a slot without being signed for it.
//!
//! A token is kept when it comes for the second time. Where more users come than there is room for, most tokens would
//! otherwise push another one out that is just as good, and freeing that one, long out of the processor's caches, takes a
//! third of all that a validation adds to the signature check.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use super::verified::Verified;
use crate::sync::{ArcSwapOption, AtomicU32, AtomicUsize, Ordering};

/// Places that one token may go to. With several a collision of two hot tokens costs nothing.
const WAYS: usize = 4;

/// The last 16 characters of a token (12 bytes of the signature), padded with zeros if there are fewer. They are what is
/// hashed: a whole token would take longer to hash than to find.
fn end(token: &str) -> u128 {
    let bytes = token.as_bytes();
    u128::from_ne_bytes(bytes.last_chunk().copied().unwrap_or_else(|| {
        let mut end = [0; 16];
        end[..bytes.len()].copy_from_slice(bytes);
        end
    }))
}

/// Whether a verified token is `token` to the last character. Looks at the end first: tokens of one project begin alike,
/// and signatures do not end alike.
fn is(verified: &Verified, token: &str) -> bool {
    let known = verified.jwt.expose();
    known.len() == token.len() && end(known) == end(token) && known == token
}

/// A bounded set of verified tokens.
pub(crate) struct Cache {
    /// Groups of [`WAYS`] slots.
    slots: Box<[ArcSwapOption<Verified>]>,
    hasher: RandomState,
    /// Marks of tokens that were seen recently, as many as there are slots.
    came: Box<[AtomicU32]>,
    /// Which slot of a full group goes next.
    victim: AtomicUsize,
}

impl Cache {
    /// Room for about `capacity` tokens (rounded up to whole groups); `None` for 0, which turns the cache off.
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let groups = capacity.div_ceil(WAYS);
        if groups == 0 {
            return None;
        }
        let slots = std::iter::repeat_with(ArcSwapOption::empty).take(groups * WAYS).collect();
        let came = std::iter::repeat_with(AtomicU32::default).take(groups * WAYS).collect();
        Some(Self { slots, hasher: RandomState::new(), came, victim: AtomicUsize::new(0) })
    }

    /// Where a token belongs, whether it is there or not.
    pub(crate) fn group(&self, token: &str) -> Group<'_> {
        let hash = self.hasher.hash_one(end(token));
        let groups = self.slots.len() / WAYS;
        // A remainder is below its divisor, so it fits whatever the width of a pointer; of the mark half is enough.
        #[allow(clippy::cast_possible_truncation)]
        let (group, came, mark) =
            ((hash % groups as u64) as usize, (hash % self.came.len() as u64) as usize, (hash >> 32) as u32);
        Group {
            slots: &self.slots[group * WAYS..][..WAYS],
            came: &self.came[came],
            // None is 0, which is what the marks begin with.
            mark: mark | 1,
            victim: &self.victim,
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.load().is_some()).count()
    }
}

/// The slots that one token may be in. Finding them takes a hash, which is worth doing once.
#[derive(Clone, Copy)]
pub(crate) struct Group<'c> {
    slots: &'c [ArcSwapOption<Verified>],
    came: &'c AtomicU32,
    mark: u32,
    victim: &'c AtomicUsize,
}

impl Group<'_> {
    /// The verified token that is `token` to the last character, unless its key has been withdrawn.
    pub(crate) fn get(&self, token: &str) -> Option<Arc<Verified>> {
        for slot in self.slots {
            let entry = slot.load();
            if let Some(verified) = &*entry
                && is(verified, token)
            {
                if verified.key.is_withdrawn() {
                    slot.store(None);
                    return None;
                }
                return Some(Arc::clone(verified));
            }
        }
        None
    }

    /// Whether the token was seen recently, and marks it as seen.
    pub(crate) fn comes_again(&self) -> bool {
        self.came.swap(self.mark, Ordering::Relaxed) == self.mark
    }

    /// Forgets a token, because it has expired.
    pub(crate) fn remove(&self, token: &str) {
        for slot in self.slots {
            if slot.load().as_ref().is_some_and(|verified| is(verified, token)) {
                slot.store(None);
            }
        }
    }

    /// Keeps a verified token, in place of one that is of no more use if there is one, else of any.
    ///
    /// `dead` determines whether a token has expired. Two tokens that arrive at once may take the same slot; then one of them
    /// is verified again next time.
    pub(crate) fn insert(&self, verified: &Arc<Verified>, dead: impl Fn(&Verified) -> bool) {
        let useless = |slot: &&ArcSwapOption<Verified>| match &*slot.load() {
            None => true,
            Some(old) => old.key.is_withdrawn() || dead(old) || is(old, verified.jwt.expose()),
        };
        let any = || &self.slots[self.victim.fetch_add(1, Ordering::Relaxed) % WAYS];
        self.slots.iter().find(useless).unwrap_or_else(any).store(Some(Arc::clone(verified)));
    }
}
