//! Password hashes that other systems have made.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    digest,
    iv::FixedLength,
    pbkdf2,
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use descope_api::{Secret, types::ImportedPassword};
use md5::{Digest as _, Md5};

use crate::error::{NOT_EMULATED, Refusal};

/// Costs above these are refused: comparing a password must not take so long that everybody else has to wait.
const MOST_ITERATIONS: i64 = 2_000_000;
const MOST_BCRYPT_COST: u32 = 14;
const MOST_MEMORY_KIB: i64 = 256 * 1024;

/// The two alphabets of base64, padded or not, as systems export them.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// A hash that is ready to be compared.
enum Scheme<'a> {
    Bcrypt(&'a str),
    Pbkdf2 { algorithm: pbkdf2::Algorithm, iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    Argon2 { argon2: argon2::Argon2<'static>, salt: Vec<u8>, hash: Vec<u8> },
    Md5(Vec<u8>),
    Sha { algorithm: &'static digest::Algorithm, salt: Vec<u8>, hash: Vec<u8> },
    Phpass { sha512: bool, rounds: u32, salt: &'a [u8], hash: &'a str },
    Firebase { params: scrypt::Params, salt: Vec<u8>, signer_key: Vec<u8>, hash: Vec<u8> },
}

/// Refuses what could never be compared.
pub(super) fn check(password: &ImportedPassword) -> Result<(), Refusal> {
    scheme(password).map(|_| ())
}

/// Whether the hash was made from this password.
pub(super) fn matches(password: &ImportedPassword, given: &str) -> bool {
    scheme(password).is_ok_and(|scheme| scheme.matches(given.as_bytes()))
}

fn invalid(scheme: &str, what: &str) -> Refusal {
    Refusal::invalid(format!("The {what} of the {scheme} hash is not valid"))
}

fn not_emulated(scheme: &str) -> Refusal {
    Refusal::new(&NOT_EMULATED, format!("Password hashes by {scheme} are not emulated"))
}

fn decode(scheme: &str, what: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    let text = text.trim().replace('-', "+").replace('_', "/");
    BASE64.decode(text).ok().filter(|bytes| !bytes.is_empty()).ok_or_else(|| invalid(scheme, what))
}

/// The bytes of a text that consists of hexadecimal digits.
fn digits(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len() / 2).map(|index| u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()).collect()
}

/// Hexadecimal digits or base64, whichever has the right length.
fn decode_digest(scheme: &str, hash: &Secret, length: usize) -> Result<Vec<u8>, Refusal> {
    let text = hash.expose().trim();
    digits(text)
        .filter(|bytes| bytes.len() == length)
        .or_else(|| decode(scheme, "hash", text).ok().filter(|bytes| bytes.len() == length))
        .ok_or_else(|| invalid(scheme, "hash"))
}

fn iterations(scheme: &str, count: i64) -> Result<NonZeroU32, Refusal> {
    let count = Some(count).filter(|count| *count <= MOST_ITERATIONS).and_then(|count| u32::try_from(count).ok());
    count
        .and_then(NonZeroU32::new)
        .ok_or_else(|| Refusal::invalid(format!("The iterations of the {scheme} hash are from 1 to {MOST_ITERATIONS}")))
}

fn pbkdf2_by(hash: &str) -> Result<pbkdf2::Algorithm, Refusal> {
    match hash {
        "sha1" => Ok(pbkdf2::PBKDF2_HMAC_SHA1),
        "sha256" => Ok(pbkdf2::PBKDF2_HMAC_SHA256),
        "sha512" => Ok(pbkdf2::PBKDF2_HMAC_SHA512),
        other => Err(not_emulated(&format!("PBKDF2 with {other:?}"))),
    }
}

fn scheme(password: &ImportedPassword) -> Result<Scheme<'_>, Refusal> {
    let given = [
        password.argon2.is_some(),
        password.bach.is_some(),
        password.bcrypt.is_some(),
        password.buddyauth.is_some(),
        password.django.is_some(),
        password.firebase.is_some(),
        password.md5.is_some(),
        password.pbkdf2.is_some(),
        password.phpass.is_some(),
        password.sha.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(Refusal::invalid("The hashedPassword field holds a hash by exactly one scheme"));
    }
    if let Some(bcrypt) = &password.bcrypt {
        return by_bcrypt(bcrypt.hash.expose().trim());
    }
    if let Some(pbkdf2) = &password.pbkdf2 {
        return Ok(Scheme::Pbkdf2 {
            algorithm: pbkdf2_by(&pbkdf2.type_)?,
            iterations: iterations("pbkdf2", pbkdf2.iterations)?,
            salt: decode("pbkdf2", "salt", &pbkdf2.salt)?,
            hash: decode("pbkdf2", "hash", pbkdf2.hash.expose())?,
        });
    }
    if let Some(argon2) = &password.argon2 {
        return by_argon2(argon2);
    }
    if let Some(django) = &password.django {
        return by_django(django.hash.expose().trim());
    }
    if let Some(md5) = &password.md5 {
        return Ok(Scheme::Md5(decode_digest("md5", &md5.hash, 16)?));
    }
    if let Some(sha) = &password.sha {
        let (algorithm, length) = match sha.type_.as_deref().unwrap_or("sha256") {
            "sha1" => (&digest::SHA1_FOR_LEGACY_USE_ONLY, 20),
            "" | "sha256" => (&digest::SHA256, 32),
            "sha512" => (&digest::SHA512, 64),
            other => return Err(not_emulated(&format!("SHA of type {other:?}"))),
        };
        // The salt is in hexadecimal digits; one that is not is taken as it stands.
        let salt = sha.salt.as_deref().unwrap_or_default();
        let salt = digits(salt).unwrap_or_else(|| salt.as_bytes().to_vec());
        return Ok(Scheme::Sha { algorithm, salt, hash: decode_digest("sha", &sha.hash, length)? });
    }
    if let Some(phpass) = &password.phpass {
        return by_phpass(phpass);
    }
    if let Some(firebase) = &password.firebase {
        return by_firebase(firebase);
    }
    Err(not_emulated(if password.bach.is_some() { "bach" } else { "buddyauth" }))
}

fn by_bcrypt(hash: &str) -> Result<Scheme<'_>, Refusal> {
    let parts: bcrypt::HashParts = hash.parse().map_err(|_| invalid("bcrypt", "text form"))?;
    if parts.get_cost() > MOST_BCRYPT_COST {
        return Err(Refusal::invalid(format!("The cost of the bcrypt hash is at most {MOST_BCRYPT_COST}")));
    }
    Ok(Scheme::Bcrypt(hash))
}

fn by_argon2(password: &descope_api::types::ImportedPasswordArgon2) -> Result<Scheme<'_>, Refusal> {
    let algorithm = match password.type_.as_deref().unwrap_or("argon2id") {
        "" | "argon2id" | "id" => argon2::Algorithm::Argon2id,
        "argon2i" | "i" => argon2::Algorithm::Argon2i,
        "argon2d" | "d" => argon2::Algorithm::Argon2d,
        other => return Err(not_emulated(&format!("Argon2 of type {other:?}"))),
    };
    if !(1..=MOST_MEMORY_KIB).contains(&password.memory) || !(1..=64).contains(&password.iterations) {
        let message = format!("An argon2 hash has a memory of at most {MOST_MEMORY_KIB} KiB and at most 64 iterations");
        return Err(Refusal::invalid(message));
    }
    let hash = decode("argon2", "hash", password.hash.expose())?;
    let cost = |what: &str, value: i64| u32::try_from(value).map_err(|_| invalid("argon2", what));
    let params = argon2::Params::new(
        cost("memory", password.memory)?,
        cost("iterations", password.iterations)?,
        cost("threads", password.threads)?,
        Some(hash.len()),
    );
    let params = params.map_err(|_| invalid("argon2", "cost"))?;
    let salt = decode("argon2", "salt", &password.salt)?;
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(invalid("argon2", "salt"));
    }
    Ok(Scheme::Argon2 { argon2: argon2::Argon2::new(algorithm, argon2::Version::V0x13, params), salt, hash })
}

/// Django writes the scheme in front, such as `pbkdf2_sha256$1000$salt$hash`, with the salt as it is.
fn by_django(hash: &str) -> Result<Scheme<'_>, Refusal> {
    let mut parts = hash.splitn(4, '$');
    let (name, count, salt, hash) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(name), Some(count), Some(salt), Some(hash)) = (name, count, salt, hash) else {
        return Err(invalid("django", "text form"));
    };
    let Some(by) = name.strip_prefix("pbkdf2_") else {
        return Err(not_emulated(&format!("{name:?} of Django")));
    };
    Ok(Scheme::Pbkdf2 {
        algorithm: pbkdf2_by(by)?,
        iterations: iterations("django", count.parse().map_err(|_| invalid("django", "text form"))?)?,
        salt: salt.as_bytes().to_vec(),
        hash: decode("django", "hash", hash)?,
    })
}

/// The alphabet of crypt, in which phpass writes numbers and hashes.
const ITOA64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn by_phpass(password: &descope_api::types::ImportedPasswordPhpass) -> Result<Scheme<'_>, Refusal> {
    let sha512 = match password.type_.as_deref().unwrap_or("md5") {
        "" | "md5" => false,
        "sha512" => true,
        other => return Err(not_emulated(&format!("phpass with {other:?}"))),
    };
    let hash = password.hash.expose().trim();
    // The whole text form, such as `$P$B` and salt and hash, speaks for itself.
    if let Some(rest) = hash.strip_prefix("$P$").or_else(|| hash.strip_prefix("$H$")) {
        let log = rest.bytes().next().and_then(|byte| ITOA64.iter().position(|known| *known == byte));
        let (salt, hash) = rest.get(1..9).zip(rest.get(9..)).ok_or_else(|| invalid("phpass", "text form"))?;
        let log = log.filter(|log| *log <= 20).ok_or_else(|| invalid("phpass", "text form"))?;
        return Ok(Scheme::Phpass { sha512: false, rounds: 1 << log, salt: salt.as_bytes(), hash });
    }
    // A small number is the logarithm, as phpass itself counts.
    let rounds = match password.iterations {
        log @ 1..=20 => 1 << log,
        count => iterations("phpass", count)?.get(),
    };
    Ok(Scheme::Phpass { sha512, rounds, salt: password.salt.as_bytes(), hash })
}

/// The encoding of phpass: three bytes to four characters, the lowest bits first.
fn encode64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let value = chunk.iter().rev().fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        for place in 0..=chunk.len() {
            text.push(char::from(ITOA64[value >> (6 * place) & 63]));
        }
    }
    text
}

fn by_firebase(password: &descope_api::types::ImportedPasswordFirebase) -> Result<Scheme<'_>, Refusal> {
    if !(1..=16).contains(&password.memory) || !(1..=16).contains(&password.rounds) {
        return Err(Refusal::invalid("The memory and the rounds of the firebase hash are from 1 to 16"));
    }
    let cost = |value: i64| u32::try_from(value).unwrap_or_default();
    let log = u8::try_from(password.memory).unwrap_or_default();
    let params = scrypt::Params::new(log, cost(password.rounds), 1).map_err(|_| invalid("firebase", "cost"))?;
    let mut salt = decode("firebase", "salt", &password.salt)?;
    salt.extend(decode("firebase", "salt separator", &password.salt_separator)?);
    Ok(Scheme::Firebase {
        params,
        salt,
        signer_key: decode("firebase", "signer key", password.signer_key.expose())?,
        hash: decode("firebase", "hash", password.hash.expose())?,
    })
}

impl Scheme<'_> {
    fn matches(&self, given: &[u8]) -> bool {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(given, hash).unwrap_or_default(),
            Self::Pbkdf2 { algorithm, iterations, salt, hash } => {
                pbkdf2::verify(*algorithm, *iterations, salt, given, hash).is_ok()
            }
            Self::Argon2 { argon2, salt, hash } => {
                let mut own = vec![0; hash.len()];
                argon2.hash_password_into(given, salt, &mut own).is_ok() && own == *hash
            }
            Self::Md5(hash) => Md5::digest(given)[..] == hash[..],
            Self::Sha { algorithm, salt, hash } => digest::digest(algorithm, &[given, salt].concat()).as_ref() == hash,
            Self::Phpass { sha512, rounds, salt, hash } => {
                let once = |data: &[u8]| -> Vec<u8> {
                    if *sha512 {
                        digest::digest(&digest::SHA512, data).as_ref().to_vec()
                    } else {
                        Md5::digest(data).to_vec()
                    }
                };
                let first = once(&[*salt, given].concat());
                encode64(&(0..*rounds).fold(first, |hash, _| once(&[&hash, given].concat()))) == *hash
            }
            Self::Firebase { params, salt, signer_key, hash } => {
                let mut key = [0; 32];
                scrypt::scrypt(given, salt, params, &mut key).is_ok()
                    && encrypt(&key, signer_key).is_some_and(|own| own == *hash)
            }
        }
    }
}

/// AES in counter mode, from a counter of zero.
fn encrypt(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    let mut text = text.to_vec();
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn assert_made_from(hash: Value, password: &str) {
        let hash: ImportedPassword = serde_json::from_value(hash).expect("a hash");
        check(&hash).expect("can be compared");
        assert!(matches(&hash, password), "{password} should match");
        assert!(!matches(&hash, &format!("{password}x")));
    }

    fn refusal(hash: Value) -> Refusal {
        let hash: ImportedPassword = serde_json::from_value(hash).expect("a hash");
        assert!(!matches(&hash, ""));
        check(&hash).expect_err("refused")
    }

    #[test]
    fn hashes_of_other_systems_are_compared() {
        let bcrypt = bcrypt::hash_with_salt("secret", 4, [7; 16]).expect("a hash").to_string();
        assert_made_from(json!({"bcrypt": {"hash": bcrypt}}), "secret");
        // RFC 6070.
        let pbkdf2 =
            json!({"hash": "DGDID5YfDnHzqbUkr2ASBi/gN6Y=", "iterations": 1, "salt": "c2FsdA==", "type": "sha1"});
        assert!(refusal(json!({"pbkdf2": pbkdf2, "md5": {"hash": "x"}})).message.contains("exactly one"));
        assert_made_from(json!({"pbkdf2": pbkdf2}), "password");
        assert_made_from(json!({"md5": {"hash": "5ebe2294ecd0e0f08eab7690d2a6ee69"}}), "secret");
        let sha1 = "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4";
        assert_made_from(json!({"sha": {"hash": sha1, "type": "sha1"}}), "secret");
        let salted = digest::digest(&digest::SHA256, b"secret\x01\xff");
        let sha = json!({"hash": BASE64.encode(salted), "salt": "01ff", "type": "sha256"});
        assert_made_from(json!({"sha": sha}), "secret");
        // From the documents of phpass.
        let phpass = json!({"hash": "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "iterations": 8, "salt": ""});
        assert_made_from(json!({"phpass": phpass}), "test12345");
    }

    #[test]
    fn the_example_of_firebase_matches() {
        let firebase = json!({
            "hash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
            "salt": "42xEC+ixf3L2lw==",
            "saltSeparator": "Bw==",
            "signerKey": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
            "memory": 14,
            "rounds": 8,
        });
        assert_made_from(json!({"firebase": firebase}), "user1password");
    }

    #[test]
    fn derived_hashes_of_each_kind_match() {
        let mut own = [0; 32];
        argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            argon2::Params::new(64, 1, 1, Some(32)).expect("cheap"),
        )
        .hash_password_into(b"secret", b"saltsalt", &mut own)
        .expect("a hash");
        let argon2 = json!({
            "hash": BASE64.encode(own), "salt": BASE64.encode("saltsalt"), "memory": 64, "iterations": 1, "threads": 1,
        });
        assert_made_from(json!({"argon2": argon2}), "secret");
        let count = NonZeroU32::new(10).expect("not 0");
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, count, b"salt", b"secret", &mut own);
        let hash = BASE64.encode(own);
        assert_made_from(json!({"django": {"hash": format!("pbkdf2_sha256$10$salt${hash}")}}), "secret");
        let pbkdf2 = json!({"hash": hash, "iterations": 10, "salt": "c2FsdA", "type": "sha256"});
        assert_made_from(json!({"pbkdf2": pbkdf2}), "secret");
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        for (hash, part) in [
            (json!({}), "exactly one"),
            (json!({"bach": {"hash": "x", "key": "y"}}), "bach"),
            (json!({"buddyauth": {"hash": "x"}}), "buddyauth"),
            (json!({"bcrypt": {"hash": "x"}}), "bcrypt"),
            (json!({"bcrypt": {"hash": "$2b$31$GBQUFRUVFRQUFRUVFRQUFO1rIxNK4zcbDWHu0BzCq1VwUc34FLiYm"}}), "cost"),
            (json!({"django": {"hash": "argon2$1$2$3"}}), "argon2"),
            (json!({"md5": {"hash": "zz"}}), "md5"),
            (json!({"sha": {"hash": "zz", "type": "sha3"}}), "sha3"),
            (json!({"phpass": {"hash": "$P$é", "iterations": 1, "salt": ""}}), "phpass"),
            (json!({"pbkdf2": {"hash": "eA==", "iterations": 0, "salt": "eA==", "type": "sha1"}}), "iterations"),
        ] {
            let refusal = refusal(hash.clone());
            assert!(refusal.message.contains(part), "{hash}: {}", refusal.message);
        }
    }
}
