//! Ids, codes and tokens that nobody can guess.

use rand::RngExt as _;

const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` letters and digits.
pub(crate) fn alphanumeric(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(ALPHANUMERIC[random.random_range(0..ALPHANUMERIC.len())])).collect()
}

/// An id in the service's form: a letter for the kind of thing, `2`, and 26 letters and digits.
pub(crate) fn id(kind: char) -> String {
    format!("{kind}2{}", alphanumeric(26))
}

/// A one-time code of six digits, leading zeros included.
pub(crate) fn code() -> String {
    format!("{:06}", rand::rng().random_range(0..1_000_000))
}

/// Three different numbers of two digits.
pub(crate) fn link_ids() -> [String; 3] {
    let mut random = rand::rng();
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

/// A number below `bound`, or 0 when there is none.
pub(crate) fn below(bound: usize) -> usize {
    if bound == 0 { 0 } else { rand::rng().random_range(0..bound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_ids_differ_and_have_two_digits() {
        for _ in 0..2000 {
            let [a, b, c] = link_ids();
            assert!(a != b && b != c && a != c, "{a} {b} {c}");
            assert!([a, b, c].iter().all(|id| id.len() == 2));
        }
    }

    #[test]
    fn codes_have_six_digits_and_ids_have_28_characters() {
        assert!((0..1000).all(|_| code().len() == 6));
        assert_eq!(id('U').len(), 28);
        assert_eq!(below(0), 0);
    }
}
