//! People who do not exist, with hashes as each system makes them.

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    digest,
    iv::FixedLength,
    pbkdf2,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest as _, Md5};

/// The signer key and salt separator of a Firebase project, in base64.
pub(crate) const SIGNER_KEY: &str = "c2lnbmVyIGtleSBvZiBhIHByb2plY3QgdGhhdCBkb2VzIG5vdCBleGlzdCwgbG9uZyBlbm91Z2g=";
pub(crate) const SALT_SEPARATOR: &str = "Bw==";
/// Costs that take no time.
pub(crate) const ROUNDS: u32 = 1;
pub(crate) const MEM_COST: u8 = 1;

pub(crate) fn bcrypt(password: &str) -> String {
    bcrypt::hash_with_salt(password, 4, [7; 16]).expect("a hash").to_string()
}

pub(crate) fn md5(password: &[u8]) -> Vec<u8> {
    Md5::digest(password).to_vec()
}

/// The digest of the password with the salt behind it.
pub(crate) fn sha(name: &str, password: &str, salt: &[u8]) -> Vec<u8> {
    let by = match name {
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &digest::SHA256,
        _ => &digest::SHA512,
    };
    digest::digest(by, &[password.as_bytes(), salt].concat()).as_ref().to_vec()
}

pub(crate) fn pbkdf2(name: &str, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
    let (by, length) = match name {
        "sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        _ => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
    };
    let mut hash = vec![0; length];
    pbkdf2::derive(by, iterations.try_into().expect("some"), salt, password.as_bytes(), &mut hash);
    hash
}

/// `$argon2id$v=19$m=8,t=1,p=1$salt$hash`.
pub(crate) fn argon2(name: &str, password: &str, salt: &[u8]) -> String {
    let algorithm = match name {
        "argon2i" => argon2::Algorithm::Argon2i,
        "argon2d" => argon2::Algorithm::Argon2d,
        _ => argon2::Algorithm::Argon2id,
    };
    let params = argon2::Params::new(8, 1, 1, Some(16)).expect("params");
    let mut hash = [0; 16];
    let by = argon2::Argon2::new(algorithm, argon2::Version::V0x13, params);
    by.hash_password_into(password.as_bytes(), salt, &mut hash).expect("a hash");
    format!("${name}$v=19$m=8,t=1,p=1${}${}", unpadded(salt), unpadded(&hash))
}

/// Firebase's own scrypt.
pub(crate) fn firebase(password: &str, salt: &[u8]) -> Vec<u8> {
    let salt = [salt, &BASE64.decode(SALT_SEPARATOR).expect("base64")].concat();
    let params = scrypt::Params::new(MEM_COST, ROUNDS, 1).expect("params");
    let mut key = [0; 32];
    scrypt::scrypt(password.as_bytes(), &salt, &params, &mut key).expect("a key");
    let mut text = BASE64.decode(SIGNER_KEY).expect("base64");
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, &key).expect("a key")).expect("a key");
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from([0; 16]))).expect("a hash");
    text
}

/// `$P$` with 2^7 rounds.
pub(crate) fn phpass(password: &str, salt: &str) -> String {
    const ITOA64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let first = md5(&[salt.as_bytes(), password.as_bytes()].concat());
    let hash = (0..128).fold(first, |hash, _| md5(&[&hash, password.as_bytes()].concat()));
    let mut text = String::new();
    for chunk in hash.chunks(3) {
        let value = chunk.iter().rev().fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        text.extend((0..=chunk.len()).map(|place| char::from(ITOA64[value >> (6 * place) & 63])));
    }
    format!("$P$5{salt}{text}")
}

pub(crate) fn django(password: &str, salt: &str) -> String {
    format!("pbkdf2_sha256$10${salt}${}", BASE64.encode(pbkdf2("sha256", password, salt.as_bytes(), 10)))
}

/// `{SSHA}` and base64 of digest and salt.
pub(crate) fn ssha(password: &str, salt: &[u8]) -> String {
    format!("{{SSHA}}{}", BASE64.encode([sha("sha1", password, salt).as_slice(), salt].concat()))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unpadded(bytes: &[u8]) -> String {
    BASE64.encode(bytes).trim_end_matches('=').to_owned()
}

/// The header of CSV files with these people.
pub(crate) const HEADER: &str = "login_id,email,email_verified,phone,name,status,roles,tenants,created,custom.plan,custom.seat:number,\
     password_scheme,password_hash,password_salt,password_iterations,password_type";

/// Every kind of hash that a CSV file can have: scheme, hash, salt, iterations, type. All are of the same password.
pub(crate) fn kinds(password: &str) -> Vec<[String; 5]> {
    let kind = |scheme: &str, hash: String, salt: String, iterations: &str, by: &str| {
        [scheme.to_owned(), hash, salt, iterations.to_owned(), by.to_owned()]
    };
    let salt = b"salt-of-8+";
    let mut kinds = vec![
        kind("bcrypt", bcrypt(password), String::new(), "", ""),
        kind("md5", hex(&md5(password.as_bytes())), String::new(), "", ""),
        kind("phpass", phpass(password, "saltsalt"), String::new(), "", ""),
        kind("django", django(password, "pepper"), String::new(), "", ""),
        kind("ldap", ssha(password, b"salt"), String::new(), "", ""),
    ];
    for name in ["sha1", "sha256", "sha512"] {
        kinds.push(kind("sha", base64(&sha(name, password, b"\x01\xff")), "01ff".to_owned(), "", name));
        kinds.push(kind("pbkdf2", base64(&pbkdf2(name, password, salt, 5)), base64(salt), "5", name));
    }
    for name in ["argon2id", "argon2i", "argon2d"] {
        kinds.push(kind("phc", argon2(name, password, salt), String::new(), "", ""));
    }
    kinds
}

/// Those, and the kind that needs the file with the parameters of a Firebase project.
pub(crate) fn all_kinds(password: &str) -> Vec<[String; 5]> {
    let hash = base64(&firebase(password, b"salt"));
    let firebase = ["firebase", &hash, &base64(b"salt"), "", ""].map(str::to_owned);
    kinds(password).into_iter().chain([firebase]).collect()
}

/// The parameters of a Firebase project, as its console shows them.
pub(crate) fn hash_config() -> String {
    format!(
        "hash_config {{\n  algorithm: SCRYPT,\n  base64_signer_key: {SIGNER_KEY},\n  base64_salt_separator: {SALT_SEPARATOR},\n  \
         rounds: {ROUNDS},\n  mem_cost: {MEM_COST},\n}}\n"
    )
}

/// The line of one of them.
pub(crate) fn line(n: usize, kinds: &[[String; 5]]) -> String {
    let [scheme, hash, salt, iterations, by] = &kinds[n % kinds.len()];
    let (verified, plan) = (n.is_multiple_of(2), if n.is_multiple_of(10) { "gold" } else { "free" });
    let status = if n.is_multiple_of(50) { "disabled" } else { "" };
    let (roles, tenants) = if n.is_multiple_of(3) { ("Editor", "T1:Editor") } else { ("", "") };
    let phone = if n.is_multiple_of(5) { format!("+1555{n:07}") } else { String::new() };
    format!(
        "user{n}@example.com,User{n}@Example.com,{verified},{phone},User {n},{status},{roles},{tenants},1700000000,{plan},{n},\
         {scheme},\"{hash}\",{salt},{iterations},{by}\n"
    )
}
