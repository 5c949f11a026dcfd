//! A project's public keys, parsed once.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::signature::ParsedPublicKey;
use serde_json::{Map, Value, value::RawValue};

use super::jwk::PublicKey;
use crate::session::token::{algorithm::Algorithm, error::TokenError, json};

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
    #[error("the key set is neither an array of keys nor an object with an array of them in `keys`")]
    Shape,
}

/// The keys that may have signed a token: one, unless several have its name.
#[derive(Debug)]
pub(crate) struct Candidates {
    first: Arc<Key>,
    others: Vec<Arc<Key>>,
}

impl Candidates {
    #[cfg(any(test, shuttle))]
    pub(crate) fn only(self) -> Arc<Key> {
        assert!(self.others.is_empty(), "{self:?}");
        self.first
    }

    /// The one of them whose signature this is over `message`.
    pub(crate) fn verify(self, message: &[u8], signature: &[u8]) -> Result<Arc<Key>, TokenError> {
        let signed = |key: &Arc<Key>| key.verify(message, signature).is_ok();
        if signed(&self.first) {
            return Ok(self.first);
        }
        self.others.into_iter().find(signed).ok_or(TokenError::BadSignature)
    }
}

/// The keys of a project by `kid`.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    /// More than one under a name only when names collide. Then each of them may have signed.
    by_kid: HashMap<Box<str>, Vec<Arc<Key>>>,
    /// Keys that carry no name. They are of use only when there is no other.
    unnamed: Vec<Arc<Key>>,
}

impl KeySet {
    /// Reads the shapes of `/v2/keys/{projectId}` (an object with `keys`) and `/v1/keys/{projectId}` (an array).
    ///
    /// Each key is read by itself. One that this crate cannot use (another type, curve, algorithm or `use`, a weak
    /// modulus, members that make no sense) is left out: one odd key must not lock every user out.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLarge);
        }
        // Not looked into: what is inside of one key is that key's own affair.
        let whole: &RawValue = serde_json::from_slice(bytes).map_err(|_| KeySetError::NotJson)?;
        let keys = match serde_json::from_str::<BTreeMap<String, &RawValue>>(whole.get()) {
            Ok(set) => set.get("keys").map(|keys| keys.get()).ok_or(KeySetError::Shape)?,
            Err(_) => whole.get(),
        };
        let keys: Vec<&RawValue> = serde_json::from_str(keys).map_err(|_| KeySetError::Shape)?;
        let keys: Vec<&str> = keys.into_iter().map(RawValue::get).collect();
        if !keys.is_empty() && !keys.iter().any(|key| is_jwk(key)) {
            return Err(KeySetError::Shape);
        }
        Ok(Self::from_jwks(keys.into_iter()))
    }

    /// Reads keys from a configuration: a key set in one of the two shapes, or a single JWK.
    pub(crate) fn parse_static(bytes: &[u8]) -> Result<Self, KeySetError> {
        match std::str::from_utf8(bytes) {
            Ok(text) if is_jwk(text) => Ok(Self::from_jwks(std::iter::once(text))),
            _ => Self::parse(bytes),
        }
    }

    fn from_jwks<'j>(jwks: impl Iterator<Item = &'j str>) -> Self {
        let mut set = Self::default();
        for (index, jwk) in jwks.enumerate() {
            let key = match read_key(jwk) {
                Ok(key) => key,
                Err(reason) => {
                    tracing::debug!(target: "descope", index, reason, "skipped a public key that cannot be used");
                    continue;
                }
            };
            let place = match &key.kid {
                Some(kid) => set.by_kid.entry(kid.clone()).or_default(),
                None => &mut set.unnamed,
            };
            // One key that is listed twice is one key.
            if !place.iter().any(|other| other.same_as(&key)) {
                place.push(Arc::new(key));
            }
        }
        set
    }

    /// The keys for a token's header, or `None` when no key has its name.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Result<Candidates, TokenError>> {
        let candidates = match kid {
            Some(kid) => match self.by_kid.get(kid) {
                Some(keys) => keys.as_slice(),
                // The one key of a configuration that leaves its name out.
                None => std::slice::from_ref(self.sole().filter(|key| key.kid.is_none())?),
            },
            // Without a name there is no choice to make only where there is nothing to choose from.
            None => std::slice::from_ref(self.sole()?),
        };
        let mut fitting = candidates.iter().filter(|key| key.algorithm == algorithm).map(Arc::clone);
        let Some(first) = fitting.next() else { return Some(Err(TokenError::AlgorithmMismatch)) };
        Some(Ok(Candidates { first, others: fitting.collect() }))
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

/// Whether a text is an object with a `kty`, the one member that every JWK has.
fn is_jwk(text: &str) -> bool {
    serde_json::from_str::<BTreeMap<String, &RawValue>>(text).is_ok_and(|members| members.contains_key("kty"))
}

/// One JWK (RFC 7517, 7518, 8037), or why it is not for verifying signatures by an allowed algorithm.
fn read_key(jwk: &str) -> Result<Key, &'static str> {
    let jwk = json::object(jwk.as_bytes(), "").map_err(|_| "it is not a JSON object, or names a member twice")?;
    if text(&jwk, "use").ok_or("its `use` is not text")?.is_some_and(|purpose| purpose != "sig") {
        return Err("its `use` is not `sig`");
    }
    match jwk.get("key_ops") {
        None | Some(Value::Null) => {}
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => {}
        Some(_) => return Err("its `key_ops` do not contain `verify`"),
    }
    let kty = text(&jwk, "kty").flatten().ok_or("its `kty` is not text")?;
    let algorithm = match text(&jwk, "alg").ok_or("its `alg` is not text")? {
        Some(name) => Algorithm::from_name(name),
        None => Algorithm::implied_by(kty, text(&jwk, "crv").flatten()),
    };
    let algorithm = algorithm.ok_or("its algorithm is not allowed")?;
    let scheme = algorithm.scheme();
    let key = PublicKey::read(scheme, &jwk).ok_or("its type or its numbers are not those of its algorithm, or weak")?;
    let verifier = key.verifier(scheme).ok_or("its numbers are not a key")?;
    let kid = text(&jwk, "kid").ok_or("its `kid` is not text")?.map(Into::into);
    Ok(Key { kid, algorithm, verifier, withdrawn: AtomicBool::new(false) })
}

/// A member that is text, if it is there. Absent, null and empty are alike; `None` for any other type.
#[allow(clippy::option_option, reason = "a wrong member is not an absent one")]
fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Option<Option<&'j str>> {
    match jwk.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::session::testing::TestKey;

    fn usable(jwk: &Value) -> bool {
        read_key(&jwk.to_string()).is_ok()
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
                    let found = found.expect("a key").only();
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
            with(&good, &[("n", json!(format!("{}E", &good["n"].as_str().expect("n")[..341])))]),
            with(&good, &[("key_ops", json!(["sign"]))]),
            with(&good, &[("key_ops", json!([]))]),
            with(&good, &[("key_ops", json!(["Verify", 7, null]))]),
            with(&good, &[("key_ops", json!(["encrypt", "wrapKey"]))]),
            with(&good, &[("key_ops", json!("verify"))]),
            with(&good, &[("key_ops", json!({"verify": true}))]),
            with(&good, &[("use", json!("enc")), ("key_ops", json!(["verify"]))]),
            with(&good, &[("use", json!("SIG"))]),
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

        // One that is listed twice is still one.
        let twice = set(&[&named, &named]);
        assert_eq!(twice.len(), 1);
        assert!(twice.find(None, Algorithm::Rs256).expect("the only key").is_ok());

        let collision = set(&[&named, &with(&other, &[("kid", json!("k1"))])]);
        assert!(collision.find(Some("k1"), Algorithm::Rs256).expect("found").is_ok());
        assert!(collision.find(Some("k1"), Algorithm::Es256).expect("found").is_ok());
        assert!(collision.find(Some("k1"), Algorithm::Ps256).expect("found").is_err());
    }

    #[test]
    fn keys_of_one_name_are_all_tried() {
        for algorithm in Algorithm::ALL {
            // RSA keys are shared by the tests, so the second one of them is somebody else's.
            let own = TestKey::new(algorithm, "k");
            let other = match algorithm {
                Algorithm::Rs256 => TestKey::foreign_rsa("k"),
                Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => TestKey::new(algorithm, "k"),
                _ => continue,
            };
            let stranger = TestKey::new(Algorithm::EdDsa, "k");
            let signature = own.sign(b"message");
            for keys in [
                vec![own.jwk(), other.jwk()],
                vec![other.jwk(), own.jwk()],
                vec![other.jwk(), stranger.jwk(), own.jwk()],
                vec![own.jwk(), other.jwk(), own.jwk()],
            ] {
                let set = KeySet::parse(json!(keys).to_string().as_bytes()).expect("a set");
                let find = || set.find(Some("k"), algorithm).expect("found").expect("keys");
                find().verify(b"message", &signature).expect("one of them signed");
                find().verify(b"message", &other.sign(b"message")).expect("the other one signed");
                assert!(matches!(find().verify(b"massage", &signature), Err(TokenError::BadSignature)));
            }
        }
    }

    /// What else may be in the list, whole or as a member, disturbs no other key.
    #[test]
    fn one_odd_key_disturbs_no_other() {
        let good = TestKey::shared_rsa("good").jwk().to_string();
        let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let odd = [
            "null",
            "7",
            "1e999",
            "\"text\"",
            "[]",
            "{}",
            r#"{"kty":"oct","kid":5,"k":"AA"}"#,
            r#"{"kty":"RSA","kid":5,"n":"AA","e":"AQAB"}"#,
            r#"{"kty":"RSA","x5c":"no list"}"#,
            r#"{"kty":"RSA","x5c":null,"x5t":[]}"#,
            r#"{"kty":"RSA","kid":"a","kid":"b"}"#,
            r#"{"kty":"RSA","n":"\ud800"}"#,
            r#"{"kty":"RSA","n":1e999}"#,
            r#"{"kty":["RSA"],"alg":{},"use":1,"key_ops":{}}"#,
            bomb.as_str(),
        ];
        for odd in odd {
            for body in [
                format!("[{odd},{good}]"),
                format!("[{good},{odd}]"),
                format!(r#"{{"keys":[{odd},{good}]}}"#),
                format!(r#"{{"extra":{odd},"keys":[{good}]}}"#),
            ] {
                let set = KeySet::parse(body.as_bytes());
                let set = set.unwrap_or_else(|error| panic!("{error}: {body:.100}"));
                assert_eq!(set.len(), 1, "{body:.100}");
                set.find(Some("good"), Algorithm::Rs256).expect("found").expect("a key");
            }
        }
        // What is not a list of keys at all is not taken for a project that has withdrawn its keys.
        for body in ["[null]", "[7]", "[{}]", r#"["key"]"#, r#"{"keys":["key"]}"#, r#"[{"kid":"a"}]"#] {
            assert_eq!(KeySet::parse(body.as_bytes()).expect_err("no keys"), KeySetError::Shape, "{body}");
        }
        for (body, length) in [("[]", 0), (r#"{"keys":[]}"#, 0), (r#"[{"kty":"oct","k":"AA"}]"#, 0)] {
            assert_eq!(KeySet::parse(body.as_bytes()).expect("a set").len(), length, "{body}");
        }
    }

    #[test]
    fn a_key_that_stays_is_the_same_key() {
        let (a, b) = (TestKey::shared_rsa("a").jwk(), TestKey::new(Algorithm::Es256, "b").jwk());
        let old = KeySet::parse(json!([a, b]).to_string().as_bytes()).expect("a set");
        let kept = old.find(Some("a"), Algorithm::Rs256).expect("found").expect("a key").only();
        // Under the name of `b` there is another key now.
        let changed = with(&TestKey::new(Algorithm::Es256, "b").jwk(), &[]);
        let mut new = KeySet::parse(json!([a, changed]).to_string().as_bytes()).expect("a set");
        let gone = new.succeed(&old);
        assert_eq!(gone.len(), 1);
        assert!(Arc::ptr_eq(&kept, &new.find(Some("a"), Algorithm::Rs256).expect("found").expect("a key").only()));
        let old_b = old.find(Some("b"), Algorithm::Es256).expect("found").expect("a key").only();
        assert!(Arc::ptr_eq(&gone[0], &old_b));
        assert!(!Arc::ptr_eq(&old_b, &new.find(Some("b"), Algorithm::Es256).expect("found").expect("a key").only()));
    }

    #[test]
    fn a_key_prints_its_name_only() {
        let set = KeySet::parse(json!([TestKey::shared_rsa("k1").jwk()]).to_string().as_bytes()).expect("a set");
        let key = set.find(Some("k1"), Algorithm::Rs256).expect("found").expect("a key").only();
        assert_eq!(format!("{key:?}"), "Key { kid: Some(\"k1\"), algorithm: Rs256, .. }");
    }
}
