//! Proofs that were used before.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    error::Error as StdError,
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{Context, SHA256};

use crate::session::validator::clock::millis;

/// How many proofs a [`MemoryReplayStore`] remembers unless set otherwise.
const DEFAULT_CAPACITY: usize = 100_000;

/// One proof of possession by its holder's key and its `jti`: 32 bytes of SHA-256, whatever the two are.
///
/// [`Display`](fmt::Display) writes it as 64 hexadecimal digits, for stores that want text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProofId([u8; 32]);

impl ProofId {
    /// The key's name has a fixed length, so that the two cannot run into each other.
    pub(crate) fn new(thumbprint: &str, jti: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(thumbprint.as_bytes());
        context.update(jti.as_bytes());
        let mut id = [0; 32];
        id.copy_from_slice(context.finish().as_ref());
        Self(id)
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofId({self})")
    }
}

/// What a [`ReplayStore`] says of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burned {
    /// The proof was not known, and is from now on.
    Now,
    /// The proof was used before.
    Before,
    /// There is no room to remember the proof. It is refused.
    NoRoom,
}

/// What [`ReplayStore::burn`] comes to.
pub type BurnFuture<'s> = Pin<Box<dyn Future<Output = Result<Burned, Box<dyn StdError + Send + Sync>>> + Send + 's>>;

/// Remembers the proofs of possession that were used, so that one that was overheard does not work again.
///
/// The default, a [`MemoryReplayStore`], is of use where one process answers. Several that stand for each other need a
/// store in common, or a proof works once at each; with Redis it is `SET id 1 NX EX seconds`.
///
/// ```
/// use std::collections::HashSet;
/// use std::sync::Mutex;
/// use std::time::{Duration, SystemTime};
/// use descope_sdk::session::{BurnFuture, Burned, ProofId, ReplayStore};
///
/// /// Never forgets.
/// struct Ledger(Mutex<HashSet<String>>);
///
/// impl ReplayStore for Ledger {
///     fn burn(&self, proof: ProofId, _now: SystemTime, _keep_for: Duration) -> BurnFuture<'_> {
///         Box::pin(async move {
///             let new = self.0.lock().map_err(|_| "the ledger is lost")?.insert(proof.to_string());
///             Ok(if new { Burned::Now } else { Burned::Before })
///         })
///     }
/// }
/// ```
pub trait ReplayStore: Send + Sync {
    /// Marks a proof as used, in one step with the look whether it is already. It is called last, for proofs that are
    /// good in every other respect.
    ///
    /// - `now`: the time by the validator's [`Clock`](crate::session::Clock).
    /// - `keep_for`: how long the proof is to be remembered at least, 120 s.
    ///
    /// # Errors
    /// Any, when the store cannot tell; the proof is refused then.
    fn burn(&self, proof: ProofId, now: SystemTime, keep_for: Duration) -> BurnFuture<'_>;
}

/// Remembers used proofs in the memory of this process.
///
/// Bounded: when there is no room for another, proofs are refused until old ones have run out. The default of 100,000
/// is enough for some 800 requests per second; each takes about 100 bytes, and only those that are used.
pub struct MemoryReplayStore {
    capacity: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    /// Until when a proof is remembered, in milliseconds since 1970.
    until: HashMap<ProofId, i64>,
    /// The same by time.
    order: BinaryHeap<Reverse<(i64, ProofId)>>,
}

impl MemoryReplayStore {
    /// A store for at most `capacity` proofs at a time.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity, used: Mutex::default() }
    }

    fn burn_now(&self, proof: ProofId, now: SystemTime, keep_for: Duration) -> Burned {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, millis);
        // What is in there stays right if somebody panicked beside it: there is no half-done change to be seen.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget(now);
        if used.until.contains_key(&proof) {
            return Burned::Before;
        }
        if used.until.len() >= self.capacity {
            return Burned::NoRoom;
        }
        let until = now.saturating_add(millis(keep_for));
        used.until.insert(proof, until);
        used.order.push(Reverse((until, proof)));
        Burned::Now
    }
}

impl Used {
    /// Drops what has run out. Every proof is dropped once, so on the whole it costs what burning costs.
    fn forget(&mut self, now: i64) {
        while let Some(Reverse((until, proof))) = self.order.peek()
            && *until <= now
        {
            self.until.remove(proof);
            self.order.pop();
        }
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl ReplayStore for MemoryReplayStore {
    fn burn(&self, proof: ProofId, now: SystemTime, keep_for: Duration) -> BurnFuture<'_> {
        Box::pin(ready(Ok(self.burn_now(proof, now, keep_for))))
    }
}

impl fmt::Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplayStore").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(120);

    fn id(n: usize) -> ProofId {
        ProofId::new(&"k".repeat(43), &n.to_string())
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn once_and_again_when_it_is_forgotten() {
        let store = MemoryReplayStore::default();
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Before);
        assert_eq!(store.burn_now(id(2), at(1001), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(1), at(1119), KEEP), Burned::Before);
        // Seen again, it is not remembered for longer.
        assert_eq!(store.burn_now(id(1), at(1120), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(2), at(1120), KEEP), Burned::Before);
    }

    #[test]
    fn a_full_store_refuses_and_recovers() {
        let store = MemoryReplayStore::with_capacity(3);
        for n in 0..3 {
            assert_eq!(store.burn_now(id(n), at(1000 + n as u64), KEEP), Burned::Now);
        }
        assert_eq!(store.burn_now(id(9), at(1119), KEEP), Burned::NoRoom);
        // It still knows what it knows.
        assert_eq!(store.burn_now(id(0), at(1119), KEEP), Burned::Before);
        assert_eq!(store.burn_now(id(9), at(1120), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(8), at(1120), KEEP), Burned::NoRoom);
        assert_eq!(MemoryReplayStore::with_capacity(0).burn_now(id(0), at(0), KEEP), Burned::NoRoom);
    }

    #[test]
    fn a_clock_that_jumps_blocks_nothing_for_long() {
        let store = MemoryReplayStore::with_capacity(2);
        assert_eq!(store.burn_now(id(1), at(9_000_000), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(2), at(1000), KEEP), Burned::Now);
        // The one from the future is kept, the other makes room.
        assert_eq!(store.burn_now(id(3), at(1200), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(1), at(1200), KEEP), Burned::Before);
        let used = store.used.lock().expect("a lock");
        assert_eq!((used.until.len(), used.order.len()), (2, 2));
    }

    #[test]
    fn the_full_default_is_bounded() {
        let store = MemoryReplayStore::default();
        for n in 0..DEFAULT_CAPACITY {
            assert_eq!(store.burn_now(id(n), at(1000), KEEP), Burned::Now);
        }
        assert_eq!(store.burn_now(id(DEFAULT_CAPACITY), at(1000), KEEP), Burned::NoRoom);
        assert_eq!(store.burn_now(id(DEFAULT_CAPACITY), at(1120), KEEP), Burned::Now);
        assert_eq!(store.used.lock().expect("a lock").until.len(), 1);
    }

    #[test]
    fn two_at_once_are_one() {
        let store = MemoryReplayStore::default();
        let burned: usize = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..500).filter(|n| store.burn_now(id(*n), at(1000), KEEP) == Burned::Now).count())
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().expect("a count")).sum()
        });
        assert_eq!(burned, 500);
    }

    #[test]
    fn ids_differ_by_key_and_by_jti() {
        let (a, b) = ("a".repeat(43), "b".repeat(43));
        assert_ne!(ProofId::new(&a, "1"), ProofId::new(&b, "1"));
        assert_ne!(ProofId::new(&a, "1"), ProofId::new(&a, "2"));
        assert_eq!(ProofId::new(&a, "1").to_string().len(), 64);
        assert_eq!(ProofId::new(&a, "1").as_bytes().len(), 32);
    }
}
