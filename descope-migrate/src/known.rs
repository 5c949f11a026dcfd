//! Names by the million in little memory: of each a hash of ten bytes and a number.

use aws_lc_rs::digest;

/// A hash of a name. Among ten million names two have the same one with a probability of 1 : 25,000,000,000.
pub(crate) type Key = [u8; 10];

/// So many bits of a hash choose the shard.
const SHARDS: usize = 1 << 12;

/// The hash of a name.
pub(crate) fn key(name: &str) -> Key {
    let digest = digest::digest(&digest::SHA256, name.as_bytes());
    std::array::from_fn(|place| digest.as_ref()[place])
}

/// A map from names to numbers below 2^48, sixteen bytes for each.
///
/// Each shard is a sorted list that grows by an eighth. A hash table would be half empty after it has grown, and two of them
/// would be there while it does.
pub(crate) struct Known {
    shards: Vec<Vec<[u8; 16]>>,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self { shards: vec![Vec::new(); SHARDS] }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(Vec::len).sum()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<u64> {
        let shard = &self.shards[shard_of(key)];
        let at = shard.binary_search_by(|entry| entry[..10].cmp(key)).ok()?;
        Some(number_of(&shard[at]))
    }

    /// Adds a name; gives the number that it has already, which stays.
    pub(crate) fn insert(&mut self, key: &Key, number: u64) -> Option<u64> {
        let shard = &mut self.shards[shard_of(key)];
        match shard.binary_search_by(|entry| entry[..10].cmp(key)) {
            Ok(at) => Some(number_of(&shard[at])),
            Err(at) => {
                if shard.len() == shard.capacity() {
                    shard.reserve_exact((shard.len() / 8).max(8));
                }
                let mut entry = [0; 16];
                entry[..10].copy_from_slice(key);
                entry[10..].copy_from_slice(&number.to_be_bytes()[2..]);
                shard.insert(at, entry);
                None
            }
        }
    }
}

fn shard_of(key: &Key) -> usize {
    usize::from(key[0]) << 4 | usize::from(key[1]) >> 4
}

fn number_of(entry: &[u8; 16]) -> u64 {
    entry[10..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_with_the_number_that_came_first() {
        let mut known = Known::new();
        for number in 0..20_000 {
            assert_eq!(known.insert(&key(&format!("user{number}")), number), None);
        }
        assert_eq!(known.insert(&key("user7"), 99), Some(7));
        assert_eq!(known.insert(&key("last"), (1 << 48) - 1), None);
        for number in (0..20_000).step_by(97) {
            assert_eq!(known.get(&key(&format!("user{number}"))), Some(number));
        }
        assert_eq!(
            (known.get(&key("last")), known.get(&key("nobody")), known.len()),
            (Some((1 << 48) - 1), None, 20_001)
        );
    }

    #[test]
    fn a_million_names_take_less_than_twenty_megabytes() {
        let mut known = Known::new();
        for number in 0..1_000_000_u64 {
            // As evenly spread as hashes are, and quicker.
            let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            let key = std::array::from_fn(|place| spread[place % 8]);
            known.insert(&key, number);
        }
        let held: usize = known.shards.iter().map(|shard| shard.capacity() * 16 + size_of::<Vec<[u8; 16]>>()).sum();
        assert_eq!(known.len(), 1_000_000);
        assert!(held < 20_000_000, "{held} bytes");
    }
}
