//! Codes of an authenticator app and the seed that they come from.

use std::fmt;

use aws_lc_rs::hmac;
use descope_api::Secret;
use serde::{Deserialize, Serialize};

use crate::error::Refusal;

/// For how many seconds a code is shown.
const STEP: i64 = 30;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The authenticator app of one user.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Totp {
    /// Whose codes count; empty before the first code.
    seed: Vec<u8>,
    /// What takes its place with the first code.
    next_seed: Vec<u8>,
    /// The step of the last code that was accepted: neither it nor one before it is accepted again.
    used_step: i64,
    pub(super) failures: u32,
    pub(super) locked_until: i64,
}

/// Without the seeds, which are as good as a password.
impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp").field("confirmed", &self.is_confirmed()).finish_non_exhaustive()
    }
}

impl Totp {
    /// An app that the user has from elsewhere, by its secret in base32.
    pub(crate) fn brought_along(secret: &Secret) -> Result<Self, Refusal> {
        let seed = decode_base32(secret.expose()).filter(|seed| !seed.is_empty());
        let seed = seed.ok_or_else(|| Refusal::invalid("The seed field is not in base32"))?;
        Ok(Self { seed, ..Self::default() })
    }

    /// Whether a code has come out of the app.
    pub(crate) fn is_confirmed(&self) -> bool {
        !self.seed.is_empty()
    }

    pub(super) fn begin(&mut self, seed: Vec<u8>) {
        self.next_seed = seed;
    }

    /// Whether the code is right, and new. One step before and after the present one counts too.
    pub(super) fn accept(&mut self, code: &str, now: i64) -> bool {
        let step = now.div_euclid(STEP);
        let right = |seed: &[u8], used: i64| {
            let steps = [step - 1, step, step + 1].into_iter().filter(move |step| *step > used);
            steps.into_iter().find(|step| !seed.is_empty() && code_of(seed, *step) == code)
        };
        if let Some(step) = right(&self.next_seed, 0) {
            (self.seed, self.used_step) = (std::mem::take(&mut self.next_seed), step);
            return true;
        }
        match right(&self.seed, self.used_step) {
            Some(step) => {
                self.used_step = step;
                true
            }
            None => false,
        }
    }
}

/// The code that an app with this seed, in base32, shows at a time.
pub(crate) fn shown(key: &str, now: i64) -> Option<String> {
    let seed = decode_base32(key).filter(|seed| !seed.is_empty())?;
    Some(code_of(&seed, now.div_euclid(STEP)))
}

/// The six digits of a step.
fn code_of(seed: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let place = usize::from(bytes.last().copied().unwrap_or_default() & 15);
    let number = bytes.iter().skip(place).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// Base32 by RFC 4648, without padding.
pub(super) fn encode_base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut length) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        length += 8;
        while length >= 5 {
            length -= 5;
            text.push(char::from(ALPHABET[(bits >> length) as usize & 31]));
        }
        bits &= (1 << length) - 1;
    }
    if length > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - length)) as usize & 31]));
    }
    text
}

/// Small letters, spaces and padding are fine.
fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut length) = (0_u32, 0);
    for character in text.bytes().filter(|byte| !matches!(byte, b' ' | b'=' | b'-')) {
        let value = ALPHABET.iter().position(|known| *known == character.to_ascii_uppercase())?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        length += 5;
        if length >= 8 {
            length -= 8;
            bytes.push(u8::try_from(bits >> length & 255).ok()?);
        }
        bits &= (1 << length) - 1;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (time, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(code_of(SEED, time / STEP), code);
        }
    }

    #[test]
    fn a_code_counts_once_and_one_step_before_and_after() {
        let mut totp = Totp::default();
        totp.begin(SEED.to_vec());
        assert!(!totp.is_confirmed() && !totp.accept("000000", 90));
        assert!(totp.accept(&code_of(SEED, 4), 95) && totp.is_confirmed());
        assert!(!totp.accept(&code_of(SEED, 4), 95), "used");
        assert!(!totp.accept(&code_of(SEED, 3), 95), "older than the one that was used");
        assert!(!totp.accept(&code_of(SEED, 6), 140), "two steps ahead");
        assert!(totp.accept(&code_of(SEED, 5), 140), "one step ahead");
        assert!(totp.accept(&code_of(SEED, 6), 215), "one step behind");
        assert!(!totp.accept(&code_of(SEED, 7), 275), "two steps behind");
    }

    #[test]
    fn the_old_app_goes_on_until_the_new_one_has_shown_a_code() {
        let mut totp = Totp::default();
        totp.begin(SEED.to_vec());
        assert!(totp.accept(&code_of(SEED, 10), 300));
        totp.begin(b"another-seed".to_vec());
        assert!(totp.accept(&code_of(SEED, 11), 330));
        assert!(totp.accept(&code_of(b"another-seed", 11), 330));
        assert!(!totp.accept(&code_of(SEED, 12), 360));
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(encode_base32(bytes.as_bytes()), text);
            assert_eq!(decode_base32(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode_base32("mzxw 6ytb oi==").as_deref(), Some(&b"foobar"[..]));
        assert!(decode_base32("1").is_none());
        assert!(Totp::brought_along(&Secret::from("")).is_err());
        assert!(Totp::brought_along(&Secret::from("MZXW6YTBOI")).is_ok_and(|totp| totp.is_confirmed()));
    }
}
