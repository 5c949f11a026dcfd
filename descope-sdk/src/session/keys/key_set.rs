//! A project's public keys, parsed once.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value};

use super::jwk::PublicKey;
use crate::session::token::{algorithm::Algorithm, error::TokenError};

/// The longest answer of the keys endpoint that is read. A key takes some 500 bytes.
pub(crate) const MAX_KEY_SET_BYTES: usize = 1024 * 1024;

/// One public key, made for one algorithm.
pub(crate) struct Key {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    verifier: ParsedPublicKey,
    /// Set when the project stops publishing the key. Whoever still holds it (the cache of verified tokens) looks here.
    withdrawn: AtomicBool,
}

impl Key {
    /// Whether `signature` is this key's over `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        self.verifier.verify_sig(message, signature).map_err(|_| TokenError::BadSignature)
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }

    pub(crate) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Release);
    }

    fn same_as(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm && self.verifier.as_ref() == other.verifier.as_ref()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What is wrong with an answer of the keys endpoint as a whole. A key that is not understood is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("the key set is longer than {MAX_KEY_SET_BYTES} bytes")]
    TooLarge,
    #[error("the key set is not JSON")]
    NotJson,
    #[error("the key set is neither an array of keys nor an object with `keys`")]
    Shape,
}

/// The keys of a project by `kid`.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// More than one under a name only when the names collide; they then differ in algorithm.
    by_kid: HashMap<Box<str>, Vec<Arc<Key>>>,
    /// Keys that carry no name. They are of use only when there is no other.
    unnamed: Vec<Arc<Key>>,
}

impl KeySet {
    /// Reads the shapes of `/v2/keys/{projectId}` (an object with `keys`) and `/v1/keys/{projectId}` (an array).
    ///
    /// Keys that this crate cannot use (another type, curve, algorithm or `use`, a short modulus, broken numbers) are
    /// left out; one odd key must not lock every user out.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        match serde_json::from_slice(bytes).map_err(|_| KeySetError::NotJson)? {
            Value::Array(keys) => Ok(Self::from_jwks(&keys)),
            Value::Object(mut set) => match set.remove("keys") {
                Some(Value::Array(keys)) => Ok(Self::from_jwks(&keys)),
                _ => Err(KeySetError::Shape),
            },
            _ => Err(KeySetError::Shape),
        }
    }

    /// Reads keys from a configuration: a key set in one of the two shapes, or a single JWK.
    pub(crate) fn parse_static(bytes: &[u8]) -> Result<Self, KeySetError> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(jwk)) if jwk.contains_key("kty") => Ok(Self::from_jwks(&[Value::Object(jwk)])),
            _ => Self::parse(bytes),
        }
    }

    fn from_jwks(jwks: &[Value]) -> Self {
        let mut set = Self::default();
        for key in jwks.iter().filter_map(|jwk| read_key(jwk.as_object()?)) {
            let place = match &key.kid {
                Some(kid) => set.by_kid.entry(kid.clone()).or_default(),
                None => &mut set.unnamed,
            };
            place.push(Arc::new(key));
        }
        set
    }

    /// The key for a token's header, or `None` when no key has its name.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Result<Arc<Key>, TokenError>> {
        let candidates = match kid {
            Some(kid) => match self.by_kid.get(kid) {
                Some(keys) => keys.as_slice(),
                // The one key of a configuration that leaves its name out.
                None => std::slice::from_ref(self.sole().filter(|key| key.kid.is_none())?),
            },
            // Without a name there is no choice to make only where there is nothing to choose from.
            None => std::slice::from_ref(self.sole()?),
        };
        let key = candidates.iter().find(|key| key.algorithm == algorithm);
        Some(key.map(Arc::clone).ok_or(TokenError::AlgorithmMismatch))
    }

    fn sole(&self) -> Option<&Arc<Key>> {
        let mut all = self.iter();
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.by_kid.values().flatten().chain(&self.unnamed)
    }

    /// Takes over those keys of `old` that this set holds too, so that whoever has one keeps the living one, and
    /// returns the keys that are gone.
    pub(crate) fn succeed(&mut self, old: &Self) -> Vec<Arc<Key>> {
        let mut gone = Vec::new();
        for before in old.iter() {
            let place = match &before.kid {
                Some(kid) => self.by_kid.get_mut(kid),
                None => Some(&mut self.unnamed),
            };
            match place.and_then(|keys| keys.iter_mut().find(|key| key.same_as(before))) {
                Some(key) => *key = Arc::clone(before),
                None => gone.push(Arc::clone(before)),
            }
        }
        gone
    }
}

/// One JWK (RFC 7517, 7518, 8037); `None` when it is not for verifying signatures by an allowed algorithm.
fn read_key(jwk: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // Absent, null and empty are alike; anything else must be `sig`.
    match jwk.get("use") {
        None | Some(Value::Null) => {}
        Some(Value::String(purpose)) if purpose.is_empty() || purpose == "sig" => {}
        Some(_) => return None,
    }
    if let Some(Value::Array(operations)) = jwk.get("key_ops")
        && !operations.iter().any(|operation| operation == "verify")
    {
        return None;
    }
    let kty = text("kty")?;
    let crv = text("crv");
    let algorithm = match jwk.get("alg") {
        None | Some(Value::Null) => Algorithm::implied_by(kty, crv)?,
        Some(Value::String(name)) if name.is_empty() => Algorithm::implied_by(kty, crv)?,
        Some(Value::String(name)) => Algorithm::from_name(name)?,
        Some(_) => return None,
    };
    let scheme = algorithm.scheme();
    let verifier = PublicKey::read(scheme, jwk)?.verifier(scheme)?;
    let kid = match jwk.get("kid") {
        None | Some(Value::Null) => None,
        Some(Value::String(kid)) if kid.is_empty() => None,
        Some(Value::String(kid)) => Some(kid.as_str().into()),
        Some(_) => return None,
    };
    Some(Key { kid, algorithm, verifier, withdrawn: AtomicBool::new(false) })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::session::testing::TestKey;

    fn usable(jwk: &Value) -> bool {
        jwk.as_object().and_then(read_key).is_some()
    }

    fn with(jwk: &Value, changes: &[(&str, Value)]) -> Value {
        let mut jwk = jwk.clone();
        for (name, value) in changes {
            jwk[*name] = value.clone();
        }
        jwk
    }

    fn without(jwk: &Value, name: &str) -> Value {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().expect("an object").remove(name);
        jwk
    }

    #[test]
    fn every_algorithm_verifies_its_own_signature_and_no_other() {
        let keys: Vec<TestKey> = Algorithm::ALL.iter().map(|algorithm| TestKey::new(*algorithm, "k")).collect();
        for key in &keys {
            let set = KeySet::parse(json!({"keys": [key.jwk()]}).to_string().as_bytes()).expect("a set");
            let signature = key.sign(b"message");
            for algorithm in Algorithm::ALL {
                let found = set.find(Some("k"), algorithm).expect("the name is known");
                if algorithm == key.algorithm() {
                    let found = found.expect("a key");
                    found.verify(b"message", &signature).expect("its own signature");
                    assert!(found.verify(b"massage", &signature).is_err());
                    assert!(found.verify(b"message", &signature[1..]).is_err());
                    assert!(found.verify(b"message", &[signature.as_slice(), &[0]].concat()).is_err());
                    assert!(found.verify(b"message", &[]).is_err());
                } else {
                    assert!(matches!(found, Err(TokenError::AlgorithmMismatch)));
                }
            }
        }
    }

    #[test]
    fn both_shapes_and_a_single_key() {
        let jwk = TestKey::shared_rsa("k1").jwk();
        for text in [json!({"keys": [jwk]}).to_string(), json!([jwk]).to_string()] {
            assert_eq!(KeySet::parse(text.as_bytes()).expect("a set").len(), 1);
            assert_eq!(KeySet::parse_static(text.as_bytes()).expect("a set").len(), 1);
        }
        assert_eq!(KeySet::parse_static(jwk.to_string().as_bytes()).expect("a key").len(), 1);
        assert_eq!(KeySet::parse(jwk.to_string().as_bytes()).err(), Some(KeySetError::Shape));
        assert_eq!(KeySet::parse(b"{\"keys\":[]}").expect("a set").len(), 0);
        assert_eq!(KeySet::parse(b"[]").expect("a set").len(), 0);
        for (text, error) in [
            ("", KeySetError::NotJson),
            ("<html>", KeySetError::NotJson),
            ("{}", KeySetError::Shape),
            ("{\"keys\":null}", KeySetError::Shape),
            ("{\"keys\":{}}", KeySetError::Shape),
            ("{\"errorCode\":\"E011008\"}", KeySetError::Shape),
            ("null", KeySetError::Shape),
            ("7", KeySetError::Shape),
        ] {
            assert_eq!(KeySet::parse(text.as_bytes()).err(), Some(error), "{text}");
        }
        assert_eq!(KeySet::parse(&vec![b' '; MAX_KEY_SET_BYTES + 1]).err(), Some(KeySetError::TooLarge));
    }

    #[test]
    fn odd_keys_are_skipped_and_the_good_one_stays() {
        let good = TestKey::shared_rsa("good").jwk();
        let ec = TestKey::new(Algorithm::Es256, "ec").jwk();
        let ed = TestKey::new(Algorithm::EdDsa, "ed").jwk();
        let short = TestKey::short_modulus_jwk();
        let odd = [
            json!(null),
            json!(7),
            json!("key"),
            json!([]),
            json!({}),
            json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "h"}),
            json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
            json!({"kty": "RSA"}),
            short,
            with(&good, &[("n", json!(7))]),
            with(&good, &[("n", json!("!!!"))]),
            with(&good, &[("n", json!(""))]),
            with(&good, &[("e", json!("AA"))]),
            with(&good, &[("e", json!("AQ"))]),
            with(&good, &[("e", json!("AAAA"))]),
            with(&good, &[("e", json!("BA"))]),
            with(&good, &[("e", good["n"].clone())]),
            with(&good, &[("alg", json!("HS256"))]),
            with(&good, &[("alg", json!("none"))]),
            with(&good, &[("alg", json!("RSA-OAEP"))]),
            with(&good, &[("alg", json!("ES256"))]),
            with(&good, &[("alg", json!(5))]),
            with(&good, &[("use", json!("enc"))]),
            with(&good, &[("use", json!(["sig"]))]),
            with(&good, &[("key_ops", json!(["sign"]))]),
            with(&good, &[("kid", json!(5))]),
            with(&ec, &[("crv", json!("P-384"))]),
            with(&ec, &[("alg", json!("ES384"))]),
            with(&ec, &[("x", ec["y"].clone()), ("y", ec["x"].clone())]),
            with(&ec, &[("x", json!("AA"))]),
            with(&ec, &[("alg", json!("RS256"))]),
            without(&ec, "y"),
            with(&ed, &[("crv", json!("X25519"))]),
            with(&ed, &[("x", json!("AA"))]),
            with(&ed, &[("alg", json!("RS256"))]),
        ];
        for jwk in &odd {
            assert!(!usable(jwk), "{jwk}");
        }
        let mut keys = odd.to_vec();
        keys.insert(odd.len() / 2, good.clone());
        let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).expect("a set");
        assert_eq!(set.len(), 1);
        assert!(set.find(Some("good"), Algorithm::Rs256).expect("found").is_ok());
    }

    #[test]
    fn spellings_of_a_good_key() {
        let good = TestKey::shared_rsa("good").jwk();
        let n = good["n"].as_str().expect("n");
        let mut zero_led = vec![0, 0];
        zero_led.extend(URL_SAFE_NO_PAD.decode(n).expect("base64url"));
        for jwk in [
            with(&good, &[("use", json!(""))]),
            with(&good, &[("use", json!(null))]),
            without(&good, "use"),
            without(&good, "alg"),
            with(&good, &[("alg", json!(""))]),
            with(&good, &[("alg", json!(null)), ("kid", json!(null))]),
            with(&good, &[("key_ops", json!(["verify", "sign"]))]),
            with(&good, &[("n", json!(format!("{n}==")))]),
            with(&good, &[("n", json!(URL_SAFE_NO_PAD.encode(&zero_led)))]),
            with(&good, &[("x5c", json!(["junk"])), ("unknown", json!({}))]),
        ] {
            assert!(usable(&jwk), "{jwk}");
        }
    }

    #[test]
    fn names_decide_unless_there_is_one_key_only() {
        let named = TestKey::shared_rsa("k1").jwk();
        let unnamed = without(&named, "kid");
        let other = TestKey::new(Algorithm::Es256, "k2").jwk();
        let set = |keys: &[&Value]| KeySet::parse(json!(keys).to_string().as_bytes()).expect("a set");

        let one = set(&[&named]);
        assert!(one.find(None, Algorithm::Rs256).expect("the only key").is_ok());
        assert!(one.find(None, Algorithm::Es256).expect("the only key").is_err());
        assert!(one.find(Some("k2"), Algorithm::Rs256).is_none());
        assert!(one.find(Some(""), Algorithm::Rs256).is_none());

        let free = set(&[&unnamed]);
        assert!(free.find(Some("anything"), Algorithm::Rs256).expect("the only key").is_ok());
        assert!(free.find(None, Algorithm::Rs256).expect("the only key").is_ok());

        let two = set(&[&named, &other]);
        assert!(two.find(None, Algorithm::Rs256).is_none());
        assert!(set(&[&unnamed, &other]).find(Some("k1"), Algorithm::Rs256).is_none());

        let collision = set(&[&named, &with(&other, &[("kid", json!("k1"))])]);
        assert!(collision.find(Some("k1"), Algorithm::Rs256).expect("found").is_ok());
        assert!(collision.find(Some("k1"), Algorithm::Es256).expect("found").is_ok());
        assert!(collision.find(Some("k1"), Algorithm::Ps256).expect("found").is_err());
    }

    #[test]
    fn a_key_that_stays_is_the_same_key() {
        let (a, b) = (TestKey::shared_rsa("a").jwk(), TestKey::new(Algorithm::Es256, "b").jwk());
        let old = KeySet::parse(json!([a, b]).to_string().as_bytes()).expect("a set");
        let kept = old.find(Some("a"), Algorithm::Rs256).expect("found").expect("a key");
        // Under the name of `b` there is another key now.
        let changed = with(&TestKey::new(Algorithm::Es256, "b").jwk(), &[]);
        let mut new = KeySet::parse(json!([a, changed]).to_string().as_bytes()).expect("a set");
        let gone = new.succeed(&old);
        assert_eq!(gone.len(), 1);
        assert!(Arc::ptr_eq(&kept, &new.find(Some("a"), Algorithm::Rs256).expect("found").expect("a key")));
        let old_b = old.find(Some("b"), Algorithm::Es256).expect("found").expect("a key");
        assert!(Arc::ptr_eq(&gone[0], &old_b));
        assert!(!Arc::ptr_eq(&old_b, &new.find(Some("b"), Algorithm::Es256).expect("found").expect("a key")));
    }

    #[test]
    fn a_key_prints_its_name_only() {
        let set = KeySet::parse(json!([TestKey::shared_rsa("k1").jwk()]).to_string().as_bytes()).expect("a set");
        let key = set.find(Some("k1"), Algorithm::Rs256).expect("found").expect("a key");
        assert_eq!(format!("{key:?}"), "Key { kid: Some(\"k1\"), algorithm: Rs256, .. }");
    }
}
