//! RSA moduli that are known to be weak, so that anybody can make signatures for them.

use std::sync::LazyLock;

/// Primes below this must not divide a modulus (as NIST SP 800-89, section 5.3.3, wants it).
const SMALL: u32 = 752;

/// The fingerprint of CVE-2017-15361 (ROCA) shows modulo the odd primes up to this one.
const ROCA: u32 = 167;

/// The generator that Infineon's library made its primes with.
const GENERATOR: u32 = 65_537;

/// Odd primes below [`SMALL`] in groups, each with its product: one division of the modulus serves a whole group.
static GROUPS: LazyLock<Vec<(u32, Vec<u32>)>> = LazyLock::new(|| {
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
    for prime in (3..SMALL).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0)) {
        let room = groups.last_mut().and_then(|group| Some((group.0.checked_mul(prime)?, group)));
        match room {
            Some((larger, (product, primes))) => {
                *product = larger;
                primes.push(prime);
            }
            None => groups.push((prime, vec![prime])),
        }
    }
    groups
});

/// Whether a modulus, given in big-endian bytes, is even, has a small factor, or carries the fingerprint of ROCA.
///
/// One honest modulus in some 150 million carries that fingerprint too, and is refused with the others.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return true;
    }
    let mut roca = true;
    for (product, primes) in GROUPS.iter() {
        let rest = remainder(modulus, *product);
        for prime in primes {
            let rest = rest % prime;
            if rest == 0 {
                return true;
            }
            roca = roca && (*prime > ROCA || is_power(rest, *prime));
        }
    }
    roca
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    let divisor = u64::from(divisor);
    let (head, words) = number.split_at(number.len() % 4);
    let head = head.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let words = words.chunks_exact(4).map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    let rest = words.fold(head % divisor, |rest, word| (rest << 32 | word) % divisor);
    u32::try_from(rest).unwrap_or_default() // below the divisor
}

/// Whether a number is a power of the generator modulo a prime.
fn is_power(number: u32, prime: u32) -> bool {
    let generator = GENERATOR % prime;
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power * generator % prime;
        if power == 1 {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rsa::KeySize,
        signature::{KeyPair as _, RsaKeyPair},
    };

    use super::*;

    /// `number * factor + addend`, big-endian.
    fn times(number: &[u8], factor: u32, addend: u64) -> Vec<u8> {
        let mut carry = u128::from(addend);
        let mut product: Vec<u8> = Vec::new();
        for byte in number.iter().rev() {
            carry += u128::from(*byte) * u128::from(factor);
            product.push((carry & 0xff) as u8);
            carry >>= 8;
        }
        while carry > 0 {
            product.push((carry & 0xff) as u8);
            carry >>= 8;
        }
        product.reverse();
        product
    }

    /// A modulus as Infineon's library made them: a power of the generator modulo the first 39 primes.
    fn roca(power: u32, filler: u8) -> Vec<u8> {
        let primes = GROUPS.iter().flat_map(|(_, primes)| primes).filter(|prime| **prime <= ROCA);
        let product = primes.fold(vec![2], |product, prime| times(&product, *prime, 0));
        // A multiple of the product, of 2048 bits or somewhat more...
        let mut modulus = times(&product, u32::from(filler), 0);
        modulus.resize(257, 0);
        // ... and a power of the generator, as it is.
        let power = u128::from(GENERATOR).pow(power).to_be_bytes();
        modulus[257 - 16..].copy_from_slice(&power);
        modulus
    }

    fn small_factor(modulus: &[u8]) -> bool {
        GROUPS.iter().flat_map(|(_, primes)| primes).any(|prime| remainder(modulus, *prime) == 0)
    }

    #[test]
    fn the_groups_hold_every_odd_prime_below_the_limit() {
        let primes: Vec<u32> = GROUPS.iter().flat_map(|(_, primes)| primes.clone()).collect();
        assert_eq!((primes.len(), primes[0], primes[37], primes[131]), (132, 3, ROCA, 751));
        assert!(GROUPS.iter().all(|(product, primes)| primes.iter().product::<u32>() == *product));
    }

    #[test]
    fn roca_shows() {
        let mut shown = 0;
        for power in 1..=7 {
            for filler in 1..=40 {
                let modulus = roca(power, filler);
                assert!(is_weak(&modulus));
                if !small_factor(&modulus) {
                    shown += 1;
                    // One more is the next odd number, and nothing special.
                    let mut next = modulus.clone();
                    *next.last_mut().expect("a byte") ^= 2;
                    assert!(small_factor(&next) || !is_weak(&next));
                }
            }
        }
        assert!(shown > 50, "{shown} are weak for nothing but the fingerprint");
    }

    #[test]
    fn small_factors_and_even_numbers_show() {
        let honest = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let modulus: Vec<u8> = {
            let key = honest.public_key().as_ref();
            // SEQUENCE, INTEGER, both with two bytes of length, and a leading zero.
            key[9..9 + 256].to_vec()
        };
        assert!(!is_weak(&modulus));
        for prime in GROUPS.iter().flat_map(|(_, primes)| primes) {
            assert!(is_weak(&times(&modulus, *prime, 0)), "{prime}");
        }
        // The next prime is beyond what is looked for, so that a product with it shows only by its own fingerprint.
        assert!(!is_weak(&times(&modulus, 757, 0)));
        for even in [times(&modulus, 2, 0), times(&modulus, 1, 1), vec![0; 256], vec![]] {
            assert!(is_weak(&even));
        }
    }

    #[test]
    fn honest_keys_are_not_weak() {
        for size in [KeySize::Rsa2048, KeySize::Rsa3072] {
            let key = RsaKeyPair::generate(size).expect("a key");
            let der = key.public_key().as_ref();
            assert!(!is_weak(&der[9..9 + key.public_modulus_len()]));
        }
    }
}
