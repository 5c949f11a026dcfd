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
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize, PublicKeyComponents},
    signature::{self, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_api::types::Jwk;
use serde_json::{Map, Value, json};

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
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let public = pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
        let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
        let fingerprint = digest::digest(&digest::SHA256, public.as_der()?.as_ref());
        let kid = format!("SK2{}", hex(fingerprint.as_ref().get(..12).unwrap_or_default()));
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

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

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

/// The keys of one emulator: the one that signs, the ones that are published, and all that ever signed.
#[derive(Debug)]
pub(crate) struct KeyRing {
    current: usize,
    published_from: usize,
}

impl KeyRing {
    pub(crate) fn new() -> Self {
        Self { current: 0, published_from: 0 }
    }

    /// Signs with a new key from now on. The older ones stay published only with `keep_old`; the emulator itself goes
    /// on accepting the tokens that they signed.
    pub(crate) fn rotate(&mut self, keep_old: bool) {
        self.current += 1;
        if !keep_old {
            self.published_from = self.current;
        }
    }

    /// What `/v2/keys` answers, newest key first.
    pub(crate) fn published(&self) -> Result<Vec<Jwk>, SigningFailed> {
        (self.published_from..=self.current).rev().map(|index| Ok(pooled(index)?.jwk())).collect()
    }

    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningFailed> {
        pooled(self.current)?.sign(claims)
    }

    /// The claims of a token that one of this emulator's keys has signed. Expiry is for the caller to check.
    pub(crate) fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header["alg"] != "RS256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = (0..=self.current).filter_map(|index| pooled(index).ok()).find(|key| header["kid"] == key.kid)?;
        if !key.verifies(message.as_bytes(), &signature) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
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
}
