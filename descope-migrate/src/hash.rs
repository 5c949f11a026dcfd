//! Password hashes of other systems, as Descope takes them. What Descope has no scheme for is said to be so here, before
//! anything is sent.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use descope_sdk::management::user::{
    ImportedPassword, ImportedPasswordArgon2, ImportedPasswordFirebase, ImportedPasswordHash, ImportedPasswordPbkdf2,
    ImportedPasswordPhpass, ImportedPasswordSha, Pbkdf2Hash,
};

use crate::row::{Problem, Verdict};

pub(crate) type Hash = Result<ImportedPassword, Problem>;

/// Base64 as systems export it: padded or not.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// SHA functions and the lengths of what they give.
const SHA: [(&str, usize); 3] = [("sha1", 20), ("sha256", 32), ("sha512", 64)];

pub(crate) fn unsupported(member: &str, what: impl Into<String>) -> Problem {
    Problem { verdict: Verdict::UnsupportedHash, member: member.into(), reason: what.into() }
}

pub(crate) fn malformed(member: &str, what: impl Into<String>) -> Problem {
    Problem { verdict: Verdict::MalformedHash, member: member.into(), reason: what.into() }
}

/// The bytes of base64 of either alphabet.
pub(crate) fn base64(member: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let text = text.trim().replace('-', "+").replace('_', "/");
    BASE64.decode(text).map_err(|_| malformed(member, "is not base64"))
}

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes of hexadecimal digits.
pub(crate) fn hex(member: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(malformed(member, "does not consist of hexadecimal digits"));
    }
    Ok((0..text.len() / 2).filter_map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect())
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A digest in hexadecimal digits or base64, whichever has the right length.
pub(crate) fn digest(member: &str, text: &str, length: usize) -> Result<Vec<u8>, Problem> {
    let fits = |bytes: &Vec<u8>| bytes.len() == length;
    let bytes = hex(member, text).ok().filter(fits).or_else(|| base64(member, text).ok().filter(fits));
    bytes.ok_or_else(|| malformed(member, format!("is not a digest of {length} bytes in base64 or hexadecimal digits")))
}

/// `$2b$10$` and 53 characters of salt and hash.
pub(crate) fn bcrypt(member: &str, hash: &str) -> Hash {
    let hash = hash.trim();
    let mut parts = hash.split('$');
    let good = parts.next() == Some("")
        && parts.next().is_some_and(|version| matches!(version, "2" | "2a" | "2b" | "2x" | "2y"))
        && parts
            .next()
            .is_some_and(|cost| cost.len() == 2 && cost.parse().is_ok_and(|cost: u8| (4..=31).contains(&cost)))
        && parts.next().is_some_and(|rest| {
            rest.len() == 53 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
        })
        && parts.next().is_none();
    if !good {
        return Err(malformed(member, "is not a bcrypt hash, which begins like $2b$10$ and has 60 characters"));
    }
    Ok(ImportedPassword::new().bcrypt(ImportedPasswordHash::new(hash)))
}

pub(crate) fn md5(member: &str, digest: &[u8]) -> Hash {
    if digest.len() != 16 {
        return Err(malformed(member, "is not a digest of 16 bytes"));
    }
    Ok(ImportedPassword::new().md5(ImportedPasswordHash::new(to_hex(digest))))
}

/// SHA of the password with the salt behind it.
pub(crate) fn sha(member: &str, name: &str, digest: &[u8], salt: &[u8]) -> Hash {
    let Some((_, length)) = SHA.iter().find(|(known, _)| *known == name) else {
        return Err(unsupported(member, format!("SHA of type {name:?}; it can be sha1, sha256 and sha512")));
    };
    if digest.len() != *length {
        return Err(malformed(member, format!("is not a digest of {length} bytes")));
    }
    let mut sha = ImportedPasswordSha::new(to_hex(digest)).type_(name);
    if !salt.is_empty() {
        sha = sha.salt(to_hex(salt));
    }
    Ok(ImportedPassword::new().sha(sha))
}

/// How long the digest of a SHA function is.
pub(crate) fn sha_length(name: &str) -> Option<usize> {
    SHA.iter().find(|(known, _)| *known == name).map(|(_, length)| *length)
}

pub(crate) fn pbkdf2(member: &str, name: &str, iterations: i64, salt: &[u8], hash: &[u8]) -> Hash {
    let by = match name {
        "sha1" => Pbkdf2Hash::SHA1,
        "sha256" => Pbkdf2Hash::SHA256,
        "sha512" => Pbkdf2Hash::SHA512,
        _ => return Err(unsupported(member, format!("PBKDF2 with {name:?}; it can be sha1, sha256 and sha512"))),
    };
    if iterations < 1 || hash.is_empty() || salt.is_empty() {
        return Err(malformed(member, "a PBKDF2 hash has a hash, a salt and at least one iteration"));
    }
    let pbkdf2 = ImportedPasswordPbkdf2::new(to_base64(hash), to_base64(salt), iterations, by);
    Ok(ImportedPassword::new().pbkdf2(pbkdf2))
}

pub(crate) fn argon2(
    member: &str,
    name: &str,
    (iterations, memory, threads): (i64, i64, i64),
    salt: &[u8],
    hash: &[u8],
) -> Hash {
    if !matches!(name, "argon2id" | "argon2i" | "argon2d") {
        return Err(unsupported(member, format!("Argon2 of type {name:?}; it can be argon2id, argon2i and argon2d")));
    }
    if iterations < 1 || threads < 1 || memory < 8 * threads || hash.len() < 4 || salt.len() < 8 {
        let why =
            "an Argon2 hash has a salt of at least 8 bytes, iterations, threads, and 8 KiB of memory for each of those";
        return Err(malformed(member, why));
    }
    let argon2 = ImportedPasswordArgon2::new(to_base64(hash), to_base64(salt), iterations, memory, threads);
    Ok(ImportedPassword::new().argon2(argon2.type_(name)))
}

/// `$P$B` with salt and hash, as WordPress and phpBB have it.
pub(crate) fn phpass(member: &str, hash: &str) -> Hash {
    let hash = hash.trim();
    let rest = hash.strip_prefix("$P$").or_else(|| hash.strip_prefix("$H$"));
    let cost = rest.and_then(|rest| rest.bytes().next()).and_then(|byte| match byte {
        b'.' => Some(0),
        b'/' => Some(1),
        b'0'..=b'9' => Some(i64::from(byte - b'0') + 2),
        b'A'..=b'Z' => Some(i64::from(byte - b'A') + 12),
        _ => None,
    });
    let (Some(rest), Some(cost @ 1..=30), true) = (rest, cost, hash.is_ascii() && hash.len() == 34) else {
        return Err(malformed(member, "is not a phpass hash, which begins with $P$ or $H$ and has 34 characters"));
    };
    // The text form speaks for itself; the parts go with it because the service asks for them.
    let salt = rest.get(1..9).unwrap_or_default();
    Ok(ImportedPassword::new().phpass(ImportedPasswordPhpass::new(hash, salt, 1 << cost).type_("md5")))
}

/// `pbkdf2_sha256$iterations$salt$hash`.
pub(crate) fn django(member: &str, hash: &str) -> Hash {
    let hash = hash.trim();
    let parts: Vec<&str> = hash.split('$').collect();
    let (Some(name), 4) = (parts.first(), parts.len()) else {
        return Err(malformed(member, "is not a hash of Django, such as pbkdf2_sha256$1000$salt$hash"));
    };
    if !matches!(*name, "pbkdf2_sha1" | "pbkdf2_sha256" | "pbkdf2_sha512") {
        return Err(unsupported(member, format!("{name:?} of Django; it can be pbkdf2_sha1, pbkdf2_sha256 and so on")));
    }
    if !parts[1].parse().is_ok_and(|count: u32| count > 0) || parts[2].is_empty() || base64(member, parts[3]).is_err() {
        return Err(malformed(member, "is not a hash of Django, such as pbkdf2_sha256$1000$salt$hash"));
    }
    Ok(ImportedPassword::new().django(ImportedPasswordHash::new(hash)))
}

/// What all hashes of a Firebase project have in common.
#[derive(Clone, Debug)]
pub(crate) struct Scrypt {
    pub(crate) signer_key: descope_sdk::Secret,
    pub(crate) salt_separator: String,
    pub(crate) rounds: i64,
    pub(crate) memory: i64,
}

pub(crate) fn firebase(member: &str, hash: &str, salt: &str, by: &Scrypt) -> Hash {
    let (hash, salt) = (base64(member, hash)?, base64("salt", salt)?);
    if hash.is_empty() || salt.is_empty() {
        return Err(malformed(member, "a hash of Firebase has a salt"));
    }
    let firebase = ImportedPasswordFirebase::new(
        to_base64(&hash),
        to_base64(&salt),
        &*by.salt_separator,
        by.signer_key.clone(),
        by.memory,
        by.rounds,
    );
    Ok(ImportedPassword::new().firebase(firebase))
}

/// The text form of the password hashing competition: `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`, or with `pbkdf2-sha256`.
pub(crate) fn phc(member: &str, text: &str) -> Hash {
    let text = text.trim();
    let mut parts: Vec<&str> = text.strip_prefix('$').unwrap_or_default().split('$').collect();
    if parts.get(1).is_some_and(|part| part.starts_with("v=")) {
        let version = parts.remove(1);
        if parts[0].starts_with("argon2") && version != "v=19" {
            return Err(unsupported(member, format!("Argon2 of version {version:?}; it can be v=19")));
        }
    }
    let [name, costs, salt, hash] = parts[..] else {
        return Err(malformed(member, "has not the form $name$costs$salt$hash"));
    };
    let cost = |wanted: &str| {
        let value = costs.split(',').find_map(|cost| cost.strip_prefix(wanted)?.strip_prefix('='));
        let value = value.and_then(|value| value.parse().ok());
        value.ok_or_else(|| malformed(member, format!("lacks the cost {wanted:?}")))
    };
    let (salt, hash) = (base64(member, salt)?, base64(member, hash)?);
    match name.strip_prefix("pbkdf2-").or_else(|| (name == "pbkdf2").then_some("sha1")) {
        Some(by) => pbkdf2(member, by, cost("i")?, &salt, &hash),
        None => argon2(member, name, (cost("t")?, cost("m")?, cost("p")?), &salt, &hash),
    }
}

/// A hash of an LDAP server: `{SSHA}` and base64 of digest and salt, and its relatives.
pub(crate) fn ldap(member: &str, text: &str) -> Hash {
    let parts = text.trim().strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let Some((name, rest)) = parts else { return Err(malformed(member, "does not begin with a scheme in braces")) };
    let name = name.to_ascii_uppercase();
    let salted = name.starts_with("SSHA");
    let by = match name.as_str() {
        "SHA" | "SSHA" => "sha1",
        "SHA256" | "SSHA256" => "sha256",
        "SHA512" | "SSHA512" => "sha512",
        "MD5" => return md5(member, &base64(member, rest)?),
        "BCRYPT" => return bcrypt(member, rest),
        "CRYPT" if rest.starts_with("$2") => return bcrypt(member, rest),
        _ => return Err(unsupported(member, format!("the LDAP scheme {name:?}"))),
    };
    let bytes = base64(member, rest)?;
    let length = sha_length(by).unwrap_or_default();
    if bytes.len() < length || (bytes.len() > length) != salted {
        return Err(malformed(member, "has not the length of its scheme"));
    }
    let (digest, salt) = bytes.split_at(length);
    sha(member, by, digest, salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn verdict(hash: Hash) -> Verdict {
        hash.expect_err("refused").verdict
    }

    #[test]
    fn what_is_no_hash_of_its_scheme_is_told_from_what_is_not_taken() {
        let (unsupported, malformed) = (Verdict::UnsupportedHash, Verdict::MalformedHash);
        for text in
            ["", "$2b$10$short", "$1$abc", "$2b$3$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghi", "päss"]
        {
            assert_eq!(verdict(bcrypt("", text)), malformed, "{text}");
        }
        assert_eq!(verdict(phc("", "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2g")), malformed);
        assert_eq!(verdict(phc("", "$scrypt$t=1,m=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2g")), unsupported);
        assert_eq!(verdict(phc("", "$argon2id$v=16$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g")), unsupported);
        assert_eq!(verdict(phc("", "$argon2id$v=19$m=1,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g")), malformed);
        assert_eq!(verdict(phc("", "$pbkdf2-md5$i=1000$c2FsdA$aGFzaA")), unsupported);
        assert_eq!(verdict(phc("", "nothing")), malformed);
        assert_eq!(verdict(django("", "argon2$argon2id$v=19$x")), unsupported);
        assert_eq!(verdict(django("", "pbkdf2_sha256$many$salt$aGFzaA==")), malformed);
        assert_eq!(verdict(ldap("", "{CRYPT}ab0123456789.")), unsupported);
        assert_eq!(verdict(ldap("", "{SSHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=")), malformed);
        assert_eq!(verdict(phpass("", "$P$B12345678")), malformed);
        assert_eq!(verdict(md5("", b"short")), malformed);
        assert_eq!(verdict(sha("", "sha3", b"x", b"")), unsupported);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in
            ["$", "$$$$", "$argon2id$v=19$$$", "{", "{}", "{SSHA}", "$P$é", "$2b$10$é", "pbkdf2_sha1$1$$", "é$é"]
        {
            for scheme in [bcrypt, phc, django, ldap, phpass] {
                assert!(scheme("", text).is_err(), "{text}");
            }
            assert!(digest("", text, 16).is_err());
        }
    }
}
