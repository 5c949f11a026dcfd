//! Proofs that were used before.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    error::Error as StdError,
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::time::Instant;

use crate::session::validator::clock::millis;

/// How many proofs a [`MemoryReplayStore`] remembers unless set otherwise.
const DEFAULT_CAPACITY: usize = 100_000;

/// How many of them one key may have unless set otherwise.
const DEFAULT_PER_KEY: usize = 1000;

/// After this time a proof is forgotten even if the validator's clock was set back so far that it is not over by that.
const KEEP_AT_MOST: Duration = Duration::from_secs(3600);

/// One proof of possession by its holder's key and its `jti`: 32 bytes of SHA-256, whatever the two are.
///
/// [`Display`](fmt::Display) writes it as 64 hexadecimal digits, for stores that want text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProofId {
    id: [u8; 32],
    holder: [u8; 16],
}

impl ProofId {
    /// The key's name has a fixed length, so that the two cannot run into each other.
    pub(crate) fn new(thumbprint: &str, jti: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(thumbprint.as_bytes());
        let (mut id, mut holder) = ([0; 32], [0; 16]);
        holder.copy_from_slice(&context.clone().finish().as_ref()[..16]);
        context.update(jti.as_bytes());
        id.copy_from_slice(context.finish().as_ref());
        Self { id, holder }
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.id
    }

    /// Whose proof it is: the same 16 bytes for every proof that is made with one key, so that a store can see to it
    /// that nobody takes the room of all others.
    pub fn holder(&self) -> &[u8; 16] {
        &self.holder
    }
}

impl fmt::Display for ProofId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
    /// The proof's [holder](ProofId::holder) has used so many that no more of theirs are remembered. It is refused.
    HolderLimit,
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
    /// - `now`: the time by the validator's [`Clock`](crate::session::Clock), which may be set forward and back. A store
    ///   that has another clock should go by that.
    /// - `keep_for`: how long the proof is to be remembered at least, 120 s.
    ///
    /// # Errors
    /// Any, when the store cannot tell; the proof is refused then.
    fn burn(&self, proof: ProofId, now: SystemTime, keep_for: Duration) -> BurnFuture<'_>;
}

/// Remembers used proofs in the memory of this process.
///
/// Bounded: when there is no room for another, proofs are refused until old ones have run out. The default of 100,000
/// is enough for some 800 requests per second; each takes about 200 bytes, and only those that are used. One key has a
/// share of it, so that nobody can take all the room: 1,000 proofs, which is 8 requests per second, and no more than half
/// of the store. [`per_key`](Self::per_key) sets another.
///
/// Proofs are kept for their time by a clock that nobody can set, and by the validator's clock beside it: setting the
/// time forward and back again makes no used proof good.
pub struct MemoryReplayStore {
    capacity: usize,
    per_key: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    proofs: HashSet<ProofId>,
    /// How many of them each holder has.
    holders: HashMap<[u8; 16], usize>,
    /// The same proofs by the moment at which to look whether they may be forgotten.
    order: BinaryHeap<Reverse<Entry>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    look_at: Instant,
    /// By the validator's clock, in milliseconds since 1970.
    until: i64,
    /// When to forget it whatever that clock shows.
    at_last: Instant,
    proof: ProofId,
}

impl MemoryReplayStore {
    /// A store for at most `capacity` proofs at a time.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let per_key = capacity.div_ceil(2).clamp(1, DEFAULT_PER_KEY);
        Self { capacity, per_key, used: Mutex::default() }
    }

    /// Remembers at most this many proofs of one key at a time. More of them are refused as
    /// [`DpopError::TooManyProofs`](crate::session::DpopError::TooManyProofs). Raise it for clients that send more than 8
    /// requests per second each.
    ///
    /// ```
    /// use descope_sdk::session::MemoryReplayStore;
    ///
    /// // Some 80 requests per second of one client, and 1,600 of all.
    /// let store = MemoryReplayStore::with_capacity(200_000).per_key(10_000);
    /// # let _ = store;
    /// ```
    #[must_use]
    pub fn per_key(mut self, proofs: usize) -> Self {
        self.per_key = proofs;
        self
    }

    fn burn_now(&self, proof: ProofId, now: SystemTime, keep_for: Duration) -> Burned {
        let now_ms = now.duration_since(UNIX_EPOCH).map_or(0, millis);
        let now = Instant::now();
        // What is in there stays right if somebody panicked beside it: there is no half-done change to be seen.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget(now, now_ms);
        if used.proofs.contains(&proof) {
            return Burned::Before;
        }
        // The holder's own limit first: who is at fault must not depend on what others do.
        if used.holders.get(&proof.holder).copied().unwrap_or_default() >= self.per_key {
            return Burned::HolderLimit;
        }
        if used.proofs.len() >= self.capacity {
            return Burned::NoRoom;
        }
        used.proofs.insert(proof);
        *used.holders.entry(proof.holder).or_default() += 1;
        let until = now_ms.saturating_add(millis(keep_for));
        let look_at = now.checked_add(keep_for).unwrap_or(now + KEEP_AT_MOST);
        used.order.push(Reverse(Entry { look_at, until, at_last: look_at.max(now + KEEP_AT_MOST), proof }));
        Burned::Now
    }
}

impl Used {
    /// Drops what has run out. Every proof is dropped once, so on the whole it costs what burning costs.
    fn forget(&mut self, now: Instant, now_ms: i64) {
        while let Some(Reverse(entry)) = self.order.peek().copied()
            && entry.look_at <= now
        {
            self.order.pop();
            // The validator's clock was set back, so that the proof may look new to it.
            if now_ms < entry.until && now < entry.at_last {
                let rest = Duration::from_millis((entry.until - now_ms).unsigned_abs());
                let look_at = now.checked_add(rest).map_or(entry.at_last, |then| then.min(entry.at_last));
                self.order.push(Reverse(Entry { look_at, ..entry }));
                continue;
            }
            self.proofs.remove(&entry.proof);
            if let Some(count) = self.holders.get_mut(&entry.proof.holder) {
                *count -= 1;
                if *count == 0 {
                    self.holders.remove(&entry.proof.holder);
                }
            }
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
        f.debug_struct("MemoryReplayStore")
            .field("capacity", &self.capacity)
            .field("per_key", &self.per_key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const KEEP: Duration = Duration::from_secs(120);

    fn of(key: &str, n: usize) -> ProofId {
        ProofId::new(&key.repeat(43), &n.to_string())
    }

    /// Each of another key.
    fn id(n: usize) -> ProofId {
        ProofId::new(&format!("{n:043}"), "jti")
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    async fn seconds(seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn once_and_again_when_it_is_forgotten() {
        let store = MemoryReplayStore::default();
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Before);
        seconds(1).await;
        assert_eq!(store.burn_now(id(2), at(1001), KEEP), Burned::Now);
        seconds(118).await;
        assert_eq!(store.burn_now(id(1), at(1119), KEEP), Burned::Before);
        // Seen again, it is not remembered for longer.
        seconds(1).await;
        assert_eq!(store.burn_now(id(1), at(1120), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(2), at(1120), KEEP), Burned::Before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_store_refuses_and_recovers() {
        let store = MemoryReplayStore::with_capacity(3);
        for n in 0..3 {
            assert_eq!(store.burn_now(id(n), at(1000 + n as u64), KEEP), Burned::Now);
            seconds(1).await;
        }
        seconds(116).await;
        assert_eq!(store.burn_now(id(9), at(1119), KEEP), Burned::NoRoom);
        // It still knows what it knows.
        assert_eq!(store.burn_now(id(0), at(1119), KEEP), Burned::Before);
        seconds(1).await;
        assert_eq!(store.burn_now(id(9), at(1120), KEEP), Burned::Now);
        assert_eq!(store.burn_now(id(8), at(1120), KEEP), Burned::NoRoom);
        assert_eq!(MemoryReplayStore::with_capacity(0).burn_now(id(0), at(0), KEEP), Burned::NoRoom);
    }

    #[tokio::test(start_paused = true)]
    async fn one_holder_takes_no_more_than_their_share() {
        for (store, share) in [
            (MemoryReplayStore::default(), DEFAULT_PER_KEY),
            (MemoryReplayStore::with_capacity(10), 5),
            (MemoryReplayStore::with_capacity(10).per_key(3), 3),
            (MemoryReplayStore::with_capacity(10).per_key(9), 9),
            (MemoryReplayStore::with_capacity(1), 1),
        ] {
            for n in 0..share {
                assert_eq!(store.burn_now(of("a", n), at(1000), KEEP), Burned::Now);
            }
            for n in 0..2000 {
                let expected = if n < share { Burned::Before } else { Burned::HolderLimit };
                assert_eq!(store.burn_now(of("a", n), at(1000), KEEP), expected);
            }
            let others = if store.capacity > share { Burned::Now } else { Burned::NoRoom };
            assert_eq!(store.burn_now(of("b", 0), at(1000), KEEP), others);
            seconds(120).await;
            assert_eq!(store.burn_now(of("a", 5000), at(1120), KEEP), Burned::Now);
            let used = store.used.lock().expect("a lock");
            assert_eq!((used.proofs.len(), used.order.len(), used.holders.len()), (1, 1, 1));
        }
        let none = MemoryReplayStore::default().per_key(0);
        assert_eq!(none.burn_now(id(1), at(1000), KEEP), Burned::HolderLimit);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_forgets_nothing() {
        let store = MemoryReplayStore::default();
        assert_eq!(store.burn_now(id(1), at(1_000_000), KEEP), Burned::Now);
        // Forward by any time and back again, while a second passes.
        for jump in [121, 3600, 1_000_000] {
            assert_eq!(store.burn_now(id(jump), at(1_000_000 + jump as u64), KEEP), Burned::Now);
            seconds(1).await;
            assert_eq!(store.burn_now(id(1), at(1_000_001), KEEP), Burned::Before, "{jump}");
        }
        // Back: what was used before looks new to the clock again.
        seconds(200).await;
        for back in [1, 60, 3000] {
            assert_eq!(store.burn_now(id(1), at(1_000_000 - back), KEEP), Burned::Before, "{back}");
        }
        // Neither blocks its room for long, whatever the clock shows.
        seconds(3600).await;
        assert_eq!(store.burn_now(id(1), at(990_000), KEEP), Burned::Now);
        assert_eq!(store.used.lock().expect("a lock").proofs.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_stands_still_keeps_everything_for_its_time() {
        let store = MemoryReplayStore::with_capacity(2);
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Now);
        seconds(3500).await;
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Before);
        seconds(100).await;
        assert_eq!(store.burn_now(id(1), at(1000), KEEP), Burned::Now);
        // And one that shows no time at all does no harm.
        let before = UNIX_EPOCH.checked_sub(Duration::from_secs(1)).expect("a time before 1970");
        assert_eq!(store.burn_now(id(2), before, Duration::MAX), Burned::Now);
        assert_eq!(store.burn_now(id(2), before, KEEP), Burned::Before);
    }

    #[tokio::test(start_paused = true)]
    async fn the_full_default_is_bounded() {
        let store = MemoryReplayStore::default();
        for n in 0..DEFAULT_CAPACITY {
            assert_eq!(store.burn_now(id(n), at(1000), KEEP), Burned::Now);
        }
        assert_eq!(store.burn_now(id(DEFAULT_CAPACITY), at(1000), KEEP), Burned::NoRoom);
        seconds(120).await;
        assert_eq!(store.burn_now(id(DEFAULT_CAPACITY), at(1120), KEEP), Burned::Now);
        assert_eq!(store.used.lock().expect("a lock").proofs.len(), 1);
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
        assert_eq!(ProofId::new(&a, "1").holder(), ProofId::new(&a, "2").holder());
        assert_ne!(ProofId::new(&a, "1").holder(), ProofId::new(&b, "1").holder());
        assert_eq!(ProofId::new(&a, "1").to_string().len(), 64);
        assert_eq!(ProofId::new(&a, "1").as_bytes().len(), 32);
    }
}
