//! Keys and tokens for the tests of this module.

use std::{
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    keys::store::{KeyFetch, KeyFetchResult},
    token::{algorithm::Algorithm, claims::Claims},
    validator::{SessionValidator, SessionValidatorBuilder, clock::Clock},
};

pub(crate) const PROJECT: &str = "P2aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The moment at which the tests take place, in seconds.
pub(crate) const NOW: i64 = 1_750_000_000;

/// RSA keys take long to make, so the tests share two of them.
static RSA: LazyLock<[RsaKeyPair; 2]> =
    LazyLock::new(|| [(); 2].map(|()| RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")));

enum Pair {
    Rsa(&'static RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A private key that a project might have.
pub(crate) struct TestKey {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
}

impl TestKey {
    /// A key of any algorithm; a new one, but for RSA.
    pub(crate) fn new(algorithm: Algorithm, kid: &str) -> Self {
        let rsa = |encoding| Pair::Rsa(&RSA[0], encoding);
        let ec = |algorithm| Pair::Ec(EcdsaKeyPair::generate(algorithm).expect("an EC key"));
        let pair = match algorithm {
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
            Algorithm::Ps384 => rsa(&RSA_PSS_SHA384),
            Algorithm::Ps512 => rsa(&RSA_PSS_SHA512),
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key")),
        };
        Self { kid: kid.to_owned(), algorithm, pair }
    }

    /// The project's RS256 key.
    pub(crate) fn shared_rsa(kid: &str) -> Self {
        Self::new(Algorithm::Rs256, kid)
    }

    /// Somebody else's RS256 key.
    pub(crate) fn foreign_rsa(kid: &str) -> Self {
        Self { pair: Pair::Rsa(&RSA[1], &RSA_PKCS1_SHA256), ..Self::shared_rsa(kid) }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Ps256 => "PS256",
            Algorithm::Ps384 => "PS384",
            Algorithm::Ps512 => "PS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The public half as the keys endpoint publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let (n, e) = rsa_components(pair.public_key().as_ref());
                json!({"kty": "RSA", "n": encode(&n), "e": encode(&e)})
            }
            Pair::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if self.algorithm == Algorithm::Es256 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())}),
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm_name());
        jwk["use"] = json!("sig");
        jwk
    }

    /// An RSA key of 1024 bits; nobody needs its private half.
    pub(crate) fn short_modulus_jwk() -> Value {
        json!({"kty": "RSA", "alg": "RS256", "kid": "short", "use": "sig", "n": encode(&[0xff; 128]), "e": "AQAB"})
    }

    /// The public key as X.509 DER: what a confused verifier would take for an HMAC secret.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair, _) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_der().expect("DER").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature).expect("a signature");
                signature
            }
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this key's own header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with_header(&self.header(), claims)
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm_name(), "kid": self.kid, "typ": "JWT"})
    }

    pub(crate) fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        self.token_of_text(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn token_of_text(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.sign(input.as_bytes());
        format!("{input}.{}", encode(&signature))
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The two integers of an RSAPublicKey (RFC 8017, appendix A.1.1) in DER.
fn rsa_components(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn value(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, start) = match der[1] {
            short @ 0..=127 => (usize::from(short), 2),
            long => {
                let size = usize::from(long & 127);
                (der[2..2 + size].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 2 + size)
            }
        };
        (&der[start..start + length], &der[start + length..])
    }
    let (sequence, _) = value(der);
    let (n, rest) = value(sequence);
    let (e, _) = value(rest);
    (n.iter().copied().skip_while(|byte| *byte == 0).collect(), e.to_vec())
}

/// Claims of a token that was never signed.
pub(crate) fn claims(body: Value) -> Claims {
    let Value::Object(mut all) = body else { panic!("claims are an object") };
    all.entry("exp").or_insert(json!(NOW + 600));
    all.entry("sub").or_insert(json!("U2test"));
    Claims::read(Value::Object(all).to_string().into_bytes()).expect("claims")
}

/// What a session token of the project says at [`NOW`]; `changes` are put over it, and `null` takes a claim away.
pub(crate) fn session_claims(changes: Value) -> Value {
    let mut all = json!({
        "sub": "U2test", "iss": PROJECT, "drn": "DS", "iat": NOW, "exp": NOW + 600,
        "rexp": "2099-01-01T00:00:00Z", "amr": ["email"],
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            all.as_object_mut().map(|all: &mut Map<String, Value>| all.remove(&name));
        } else {
            all[&name] = value;
        }
    }
    all
}

/// A clock that the test sets.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW)))
    }

    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst).unsigned_abs()))
    }
}

/// A keys endpoint that counts.
#[derive(Clone, Default)]
pub(crate) struct Endpoint(Arc<EndpointState>);

#[derive(Default)]
struct EndpointState {
    /// What is answered; `None` is a failure.
    answer: Mutex<Option<String>>,
    calls: AtomicUsize,
    /// How long an answer takes, on tokio's clock.
    delay: Mutex<Duration>,
}

impl Endpoint {
    pub(crate) fn publishing(keys: &[&TestKey]) -> Self {
        let endpoint = Self::default();
        endpoint.publish(keys);
        endpoint
    }

    pub(crate) fn publish(&self, keys: &[&TestKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.answer(Some(json!({"keys": keys}).to_string()));
    }

    pub(crate) fn answer(&self, body: Option<String>) {
        *self.0.answer.lock().expect("a lock") = body;
    }

    pub(crate) fn delay(&self, delay: Duration) {
        *self.0.delay.lock().expect("a lock") = delay;
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn fetch(&self) -> KeyFetch {
        let state = Arc::clone(&self.0);
        Arc::new(move || {
            let state = Arc::clone(&state);
            Box::pin(async move {
                state.calls.fetch_add(1, Ordering::SeqCst);
                let delay = *state.delay.lock().expect("a lock");
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                let answer: KeyFetchResult = match &*state.answer.lock().expect("a lock") {
                    Some(body) => Ok(body.clone().into_bytes()),
                    None => Err("the endpoint is down".into()),
                };
                answer
            })
        })
    }
}

/// A validator at [`NOW`] whose keys are fixed.
pub(crate) fn fixed(keys: &[&TestKey]) -> SessionValidatorBuilder {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    SessionValidator::builder(PROJECT).static_key(json!(keys).to_string()).clock(TestClock::new().clock())
}

/// A validator at [`NOW`] that fetches.
pub(crate) fn fetching(endpoint: &Endpoint) -> SessionValidatorBuilder {
    SessionValidator::builder(PROJECT).fetch_keys(endpoint.fetch()).clock(TestClock::new().clock())
}
