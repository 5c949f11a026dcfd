//! Signing keys: RSA with 2048 bits, made once per process and shared by every emulator in it.
//!
//! Making a key takes a good part of a second in an unoptimised build, which is more than a test wants to pay for each
//! emulator. Rotation takes the next key of the same pool.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
};

use aws_lc_rs::{
    digest,
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize, PublicKeyComponents},
    signature::{self, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use descope_api::types::Jwk;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::{Map, Value, json};

use super::ids::hexadecimal;

/// One RS256 key with the id under which it is published.
pub(crate) struct SigningKey {
    kid: String,
    pair: KeyPair,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        Self::of(KeyPair::generate(KeySize::Rsa2048)?)
    }

    /// A key as it was saved.
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        Self::of(KeyPair::from_pkcs8(der).ok()?).ok()
    }

    fn of(pair: KeyPair) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let public = pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
        let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
        let fingerprint = digest::digest(&digest::SHA256, public.as_der()?.as_ref());
        let kid = format!("SK2{}", hexadecimal::encode(fingerprint.as_ref().get(..12).unwrap_or_default()));
        Ok(Self { kid, pair, modulus, exponent })
    }

    /// The public half, as `/v2/keys` lists it.
    pub(crate) fn jwk(&self) -> Jwk {
        Jwk::new()
            .alg("RS256")
            .e(URL_SAFE_NO_PAD.encode(&self.exponent))
            .kid(self.kid.clone())
            .kty("RSA")
            .n(URL_SAFE_NO_PAD.encode(&self.modulus))
            .use_("sig")
    }

    /// Signs claims to a compact JWT.
    fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningFailed> {
        let header = json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"}).to_string();
        let payload = serde_json::to_string(claims).map_err(|_| SigningFailed)?;
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|_| SigningFailed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        PublicKeyComponents { n: &self.modulus, e: &self.exponent }
            .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }
}

/// The cryptographic library refused to sign or to make a key; it never does in practice.
#[derive(Debug)]
pub(crate) struct SigningFailed;

type Slot = Arc<OnceLock<Option<Arc<SigningKey>>>>;

static POOL: Mutex<Vec<Slot>> = Mutex::new(Vec::new());

/// The key number `index` of this process. Waits, without giving way to other tasks, while the key is being made: a
/// wait that the runtime could see would let paused time run on.
fn pooled(index: usize) -> Result<Arc<SigningKey>, SigningFailed> {
    let slot = {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        while pool.len() <= index {
            pool.push(Slot::default());
        }
        pool.get(index).cloned().unwrap_or_default()
    };
    slot.get_or_init(|| SigningKey::generate().ok().map(Arc::new)).clone().ok_or(SigningFailed)
}

/// Has the first key made in the background, so that it is there when the first user signs in.
pub(crate) fn warm_up() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // Without a thread the key is made when it is first needed.
        let _ = thread::Builder::new().name("descope-emulator-key".to_owned()).spawn(|| pooled(0));
    });
}

/// How many keys stay published where they rotate by the clock.
const HORIZON: usize = 12;

/// A key of the pool, which is made when it is needed, or one that was loaded.
#[derive(Clone, Debug)]
enum Source {
    Pooled(usize),
    Loaded(Arc<SigningKey>),
}

impl Source {
    fn key(&self) -> Result<Arc<SigningKey>, SigningFailed> {
        match self {
            Self::Pooled(index) => pooled(*index),
            Self::Loaded(key) => Ok(Arc::clone(key)),
        }
    }
}

/// The keys of one project: the one that signs, which is the last, the ones that are published, and all that ever
/// signed. A copy takes no time.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    keys: Vec<Source>,
    published_from: usize,
    next_pooled: usize,
    /// When the last one came, in epoch seconds; 0 for the first.
    since: i64,
    /// What comes before this number was revoked: its tokens are refused.
    accepted_from: usize,
}

impl KeyRing {
    pub(crate) fn new() -> Self {
        Self { keys: vec![Source::Pooled(0)], published_from: 0, next_pooled: 1, since: 0, accepted_from: 0 }
    }

    /// Signs with a new key from now on. The older ones stay published only with `keep_old`; the emulator itself goes
    /// on accepting the tokens that they signed.
    pub(crate) fn rotate(&mut self, keep_old: bool) {
        self.keys.push(Source::Pooled(self.next_pooled));
        self.next_pooled += 1;
        if !keep_old {
            self.published_from = self.keys.len() - 1;
        }
    }

    /// Signs with a new key from now on, and refuses whatever an older one has signed.
    pub(crate) fn revoke(&mut self) {
        self.rotate(false);
        self.accepted_from = self.published_from;
    }

    /// Rotates where the last key has signed for `period` seconds. Whether it did.
    pub(crate) fn rotate_by_clock(&mut self, period: i64, now: i64) -> bool {
        if period == 0 || now < self.since.saturating_add(period) {
            return false;
        }
        let first = self.since == 0;
        self.since = now;
        if !first {
            self.rotate(true);
            self.published_from = self.published_from.max(self.keys.len().saturating_sub(HORIZON));
        }
        true
    }

    /// Whether [`rotate_by_clock`](Self::rotate_by_clock) would do something.
    pub(crate) fn is_due(&self, period: i64, now: i64) -> bool {
        period > 0 && now >= self.since.saturating_add(period)
    }

    /// What `/v2/keys` answers, newest key first.
    pub(crate) fn published(&self) -> Result<Vec<Jwk>, SigningFailed> {
        self.keys.iter().skip(self.published_from).rev().map(|key| Ok(key.key()?.jwk())).collect()
    }

    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningFailed> {
        self.keys.last().ok_or(SigningFailed)?.key()?.sign(claims)
    }

    /// The claims of a token that one of this project's keys has signed. Expiry is for the caller to check.
    pub(crate) fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header["alg"] != "RS256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let accepted = self.keys.iter().skip(self.accepted_from);
        let key = accepted.rev().filter_map(|key| key.key().ok()).find(|key| header["kid"] == key.kid)?;
        if !key.verifies(message.as_bytes(), &signature) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

/// How keys are saved: private keys as PKCS #8 in base64.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Saved {
    keys: Vec<String>,
    published_from: usize,
    accepted_from: usize,
    since: i64,
}

impl Serialize for KeyRing {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let encode = |source: &Source| {
            let der = source.key().ok().and_then(|key| AsDer::<Pkcs8V1Der<'static>>::as_der(&key.pair).ok());
            Ok(STANDARD.encode(der.ok_or_else(|| S::Error::custom("a signing key cannot be written"))?.as_ref()))
        };
        let keys = self.keys.iter().map(encode).collect::<Result<_, _>>()?;
        let Self { published_from, accepted_from, since, .. } = *self;
        Saved { keys, published_from, accepted_from, since }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for KeyRing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(from)?;
        let decode = |text: &String| {
            let der = STANDARD.decode(text).ok();
            let key = der.and_then(|der| SigningKey::from_pkcs8(&der));
            Ok(Source::Loaded(Arc::new(key.ok_or_else(|| D::Error::custom("not a private key in PKCS #8"))?)))
        };
        let keys: Vec<Source> = saved.keys.iter().map(decode).collect::<Result<_, _>>()?;
        if saved.published_from >= keys.len() || saved.accepted_from > saved.published_from {
            return Err(D::Error::custom("there has to be a key that is published"));
        }
        // Loaded keys may be those of the pool; the next one has to be new all the same.
        let next_pooled = keys.len();
        Ok(Self {
            keys,
            published_from: saved.published_from,
            next_pooled,
            since: saved.since,
            accepted_from: saved.accepted_from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Map<String, Value> {
        json!({"sub": "U2"}).as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_signed_token_verifies_and_a_changed_one_does_not() {
        let ring = KeyRing::new();
        let token = ring.sign(&claims()).expect("signed");
        assert_eq!(ring.verify(&token), Some(claims()));
        let forged = token.replacen('.', ".A", 1);
        assert_eq!(ring.verify(&forged), None);
        for junk in ["", ".", "..", "a.b.c", "ey.ey.ey"] {
            assert_eq!(ring.verify(junk), None, "{junk}");
        }
    }

    #[test]
    fn rotation_withdraws_the_old_key_or_keeps_it() {
        let mut ring = KeyRing::new();
        let old = ring.sign(&claims()).expect("signed");
        let first = ring.published().expect("keys");
        ring.rotate(true);
        assert_eq!(ring.published().expect("keys").len(), 2);
        ring.rotate(false);
        let last = ring.published().expect("keys");
        assert_eq!(last.len(), 1);
        assert_ne!(first[0].kid, last[0].kid);
        assert!(ring.verify(&old).is_some(), "the emulator still knows its own tokens");
    }

    #[test]
    fn revoked_keys_sign_nothing_that_is_accepted() {
        let mut ring = KeyRing::new();
        let old = ring.sign(&claims()).expect("signed");
        ring.revoke();
        assert!(ring.verify(&old).is_none());
        assert!(ring.verify(&ring.sign(&claims()).expect("signed")).is_some());
    }

    #[test]
    fn keys_rotate_by_the_clock_and_the_last_twelve_stay() {
        let mut ring = KeyRing::new();
        assert!(ring.rotate_by_clock(100, 1_000), "the clock starts");
        assert!(!ring.is_due(100, 1_099) && !ring.rotate_by_clock(100, 1_099));
        for day in 1..=15 {
            assert!(ring.rotate_by_clock(100, 1_000 + day * 100));
        }
        assert_eq!((ring.keys.len(), ring.keys.len() - ring.published_from), (16, HORIZON));
        assert!(!ring.rotate_by_clock(0, i64::MAX));
    }

    #[test]
    fn saved_keys_verify_what_they_have_signed() {
        let mut ring = KeyRing::new();
        let old = ring.sign(&claims()).expect("signed");
        ring.rotate(true);
        let text = serde_json::to_string(&ring).expect("JSON");
        let again: KeyRing = serde_json::from_str(&text).expect("reads");
        assert_eq!(again.verify(&old), Some(claims()));
        assert_eq!(serde_json::to_string(&again).expect("JSON"), text);
        assert_eq!(again.published().expect("keys")[0].kid, ring.published().expect("keys")[0].kid);
        assert!(serde_json::from_str::<KeyRing>(&text.replace("\"publishedFrom\":0", "\"publishedFrom\":2")).is_err());
    }
}
