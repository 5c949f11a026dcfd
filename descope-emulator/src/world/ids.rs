//! Ids, codes and tokens. Nobody can guess them, unless the project was given a seed: then they come again.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where a project's ids, codes and tokens come from. It can be saved, and goes on where it was.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ids {
    /// 32 bytes in hexadecimal digits.
    #[serde(with = "hexadecimal")]
    seed: [u8; 32],
    drawn: u64,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ids").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}

impl Default for Ids {
    /// A seed that nobody knows.
    fn default() -> Self {
        Self { seed: rand::rng().random(), drawn: 0 }
    }
}

impl Ids {
    /// The same ids for the same seed and project.
    pub(crate) fn seeded(seed: u64, project_id: &str) -> Self {
        let text = format!("{seed}:{project_id}");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let mut seed = [0; 32];
        seed.copy_from_slice(digest.as_ref());
        Self { seed, drawn: 0 }
    }

    /// A generator of its own for each draw, so that a count is all there is to save.
    fn random(&mut self) -> StdRng {
        let mut seed = self.seed;
        for (byte, count) in seed.iter_mut().zip(self.drawn.to_le_bytes()) {
            *byte ^= count;
        }
        self.drawn += 1;
        StdRng::from_seed(seed)
    }

    /// `length` letters and digits.
    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        let mut random = self.random();
        (0..length).map(|_| char::from(ALPHANUMERIC[random.random_range(0..ALPHANUMERIC.len())])).collect()
    }

    /// An id in the service's form: letters for the kind of thing, `2`, and 26 letters and digits.
    pub(crate) fn id(&mut self, kind: &str) -> String {
        format!("{kind}2{}", self.alphanumeric(26))
    }

    /// A one-time code of six digits, leading zeros included.
    pub(crate) fn code(&mut self) -> String {
        format!("{:06}", self.random().random_range(0..1_000_000))
    }

    /// `N` random bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random().fill(&mut bytes[..]);
        bytes
    }

    /// Three different numbers of two digits.
    pub(crate) fn link_ids(&mut self) -> [String; 3] {
        let mut random = self.random();
        let first = random.random_range(10..100);
        let mut second = random.random_range(10..99);
        second += i32::from(second >= first);
        let third = loop {
            let third = random.random_range(10..100);
            if third != first && third != second {
                break third;
            }
        };
        [first, second, third].map(|number| number.to_string())
    }

    /// A number from 0 to 1, below 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.random().random_range(0.0..1.0)
    }

    /// A number below `bound`, or 0 when there is none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.random().random_range(0..bound) }
    }
}

/// `length` letters and digits that have nothing to do with any project.
pub(crate) fn alphanumeric(length: usize) -> String {
    Ids::default().alphanumeric(length)
}

/// Bytes as digits in lower case, and back.
pub(crate) mod hexadecimal {
    use std::fmt::Write as _;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn encode(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(D::Error::custom("a seed has 64 hexadecimal digits"));
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).map_err(D::Error::custom)?;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_ids_differ_and_have_two_digits() {
        let mut ids = Ids::default();
        for _ in 0..2000 {
            let [a, b, c] = ids.link_ids();
            assert!(a != b && b != c && a != c, "{a} {b} {c}");
            assert!([a, b, c].iter().all(|id| id.len() == 2));
        }
    }

    #[test]
    fn codes_have_six_digits_and_ids_have_28_characters() {
        let mut ids = Ids::default();
        assert!((0..1000).all(|_| ids.code().len() == 6));
        assert_eq!(ids.id("U").len(), 28);
        assert_eq!(ids.below(0), 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_also_after_a_pause() {
        let draw = |ids: &mut Ids| (ids.id("U"), ids.code(), ids.bytes::<20>());
        let (mut one, mut two) = (Ids::seeded(7, "P2a"), Ids::seeded(7, "P2a"));
        assert_eq!(draw(&mut one), draw(&mut two));
        let saved = serde_json::to_string(&one).expect("JSON");
        let mut again: Ids = serde_json::from_str(&saved).expect("reads");
        assert_eq!(draw(&mut again), draw(&mut one));
        assert_ne!(draw(&mut Ids::seeded(8, "P2a")), draw(&mut Ids::seeded(7, "P2a")));
        assert_ne!(draw(&mut Ids::seeded(7, "P2b")), draw(&mut Ids::seeded(7, "P2a")));
        assert!(serde_json::from_str::<Ids>(r#"{"seed": "short", "drawn": 0}"#).is_err());
    }
}
