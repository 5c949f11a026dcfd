//! A project with its keys, and the tokens that it issues.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_sdk::session::{SessionValidator, SessionValidatorBuilder};
use serde_json::{Value, json};

pub(crate) const PROJECT: &str = "P2aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Where the proofs of possession are made for.
pub(crate) const URL: &str = "https://api.example.com/orders/7";

/// A private key, and the name that the project publishes it under.
pub(crate) enum Key {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
}

impl Key {
    pub(crate) fn rs256() -> Self {
        Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key"))
    }

    pub(crate) fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("an EC key"))
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
        }
    }

    /// The members of the public JWK that are necessary, in the order of RFC 7638.
    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Rs256(pair) => {
                let (n, e) = rsa_components(pair.public_key().as_ref());
                json!({"e": encode(e), "kty": "RSA", "n": encode(n)})
            }
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
            }
        }
    }

    /// Its name in tokens that are bound to it (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        encode(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    /// The header of its proofs of possession.
    pub(crate) fn proof_header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": self.algorithm(), "jwk": self.jwk()})
    }

    /// The same as the keys endpoint has it.
    pub(crate) fn published(&self, kid: &str) -> Value {
        let mut jwk = self.jwk();
        for (name, value) in [("kid", kid), ("alg", self.algorithm()), ("use", "sig")] {
            jwk[name] = json!(value);
        }
        jwk
    }

    /// What a program has that does nothing but check signatures.
    pub(crate) fn bare(&self) -> ParsedPublicKey {
        match self {
            Self::Rs256(pair) => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
            Self::Es256(pair) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
        }
        .expect("a key")
    }

    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        self.sign_text(&header.to_string(), &payload.to_string())
    }

    pub(crate) fn sign_text(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature).expect("a signature");
                signature
            }
            Self::Es256(pair) => pair.sign(&random, input.as_bytes()).expect("a signature").as_ref().to_vec(),
        };
        format!("{input}.{}", encode(signature))
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": self.algorithm(), "kid": "k1", "typ": "JWT"}), claims)
    }

    /// Tokens that differ, as those of many users do.
    pub(crate) fn tokens(&self, count: usize) -> Vec<String> {
        (0..count).map(|n| self.token(&claims(n, 1))).collect()
    }
}

/// What a session token of Descope's says.
pub(crate) fn claims(user: usize, tenants: usize) -> Value {
    let tenants: serde_json::Map<_, _> = (0..tenants)
        .map(|n| {
            let entry = json!({"roles": ["editor", "viewer"], "permissions": ["articles:edit", "articles:read"]});
            (format!("T2tenant{n:019}"), entry)
        })
        .collect();
    let now = now();
    json!({
        "amr": ["email", "mfa"], "dct": "T2tenant0000000000000000000", "drn": "DS", "exp": now + 3600, "iat": now,
        "iss": format!("https://api.descope.com/v1/apps/{PROJECT}"), "permissions": ["profile:read"],
        "rexp": "2099-01-01T00:00:00Z", "roles": ["user"], "sub": format!("U2user{user:021}"), "tenants": tenants,
    })
}

/// A validator for a project that publishes `key` among `keys` in all.
pub(crate) fn validator(key: &Key, keys: usize) -> SessionValidatorBuilder {
    let others = (1..keys).map(|n| Key::es256().published(&format!("other{n}")));
    let published: Vec<Value> = std::iter::once(key.published("k1")).chain(others).collect();
    let body = json!({"keys": published}).to_string().into_bytes();
    SessionValidator::builder(PROJECT).fetch_keys(Arc::new(move || Box::pin(std::future::ready(Ok(body.clone())))))
}

/// A token that is bound to a key, and one good proof for each `jti`.
pub(crate) struct Bound {
    pub(crate) holder: Key,
    pub(crate) token: String,
}

impl Bound {
    pub(crate) fn new(project: &Key) -> Self {
        let holder = Key::es256();
        let mut claims = claims(0, 1);
        claims["cnf"] = json!({"jkt": holder.thumbprint()});
        Self { token: project.token(&claims), holder }
    }

    pub(crate) fn proof(&self, jti: u64) -> String {
        self.holder.sign(&self.holder.proof_header(), &self.claims(jti))
    }

    pub(crate) fn claims(&self, jti: u64) -> Value {
        json!({"jti": jti.to_string(), "htm": "POST", "htu": URL, "iat": now(), "ath": hash(&self.token)})
    }
}

/// By what a proof names its token.
pub(crate) fn hash(token: &str) -> String {
    encode(digest(&SHA256, token.as_bytes()))
}

/// What a signature check gets: the text that was signed, and the signature.
pub(crate) fn split(token: &str) -> (&[u8], Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').expect("a token");
    (input.as_bytes(), URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
}

/// A validation that needs no network ends the first time it is polled.
pub(crate) fn done<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The two integers of an RSAPublicKey (RFC 8017, appendix A.1.1) in DER.
fn rsa_components(der: &[u8]) -> (&[u8], &[u8]) {
    fn value(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, start) = match der[1] {
            short @ 0..=127 => (usize::from(short), 2),
            long => {
                let size = usize::from(long & 127);
                (der[2..2 + size].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 2 + size)
            }
        };
        der[start..].split_at(length)
    }
    let (sequence, _) = value(der);
    let (n, rest) = value(sequence);
    let (e, _) = value(rest);
    (&n[usize::from(n[0] == 0)..], e)
}
