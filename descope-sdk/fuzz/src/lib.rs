//! What the fuzz targets share: a project and a user whose keys and clock never change, so that seeds stay good.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use descope_sdk::session::{Clock, SessionValidator, SessionValidatorBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const PROJECT: &str = "P2aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The moment at which everything takes place, in seconds since 1970.
pub const NOW: u64 = 1_750_000_000;

pub const METHOD: &str = "POST";
pub const URL: &str = "https://api.example.com/orders/7";

/// Somebody with a key.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    pub fn project() -> Self {
        Self::from_seed(1)
    }

    pub fn holder() -> Self {
        Self::from_seed(2)
    }

    fn from_seed(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key"))
    }

    /// The public key, with its members in the order of RFC 7638.
    pub fn jwk(&self) -> Value {
        json!({"crv": "Ed25519", "kty": "OKP", "x": encode(self.0.public_key())})
    }

    /// A compact JWS of any two texts.
    pub fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = self.0.sign(input.as_bytes());
        format!("{input}.{}", encode(signature))
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The project's key as the keys endpoint has it.
pub fn published() -> Value {
    let mut jwk = Signer::project().jwk();
    jwk["kid"] = json!("k1");
    jwk["alg"] = json!("EdDSA");
    jwk["use"] = json!("sig");
    jwk
}

pub fn token_header() -> String {
    json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT"}).to_string()
}

pub fn token_claims() -> Value {
    json!({
        "amr": ["email"], "dct": "acme", "drn": "DS", "exp": NOW + 600, "iat": NOW, "iss": PROJECT, "sub": "U2test",
        "rexp": "2099-01-01T00:00:00Z", "tenants": {"acme": {"roles": ["editor"], "permissions": ["articles:edit"]}},
    })
}

/// A session token that is bound to the holder's key.
pub fn bound_token() -> String {
    let mut claims = token_claims();
    let thumbprint = encode(digest(&SHA256, Signer::holder().jwk().to_string().as_bytes()));
    claims["cnf"] = json!({"jkt": thumbprint});
    Signer::project().sign(token_header().as_bytes(), claims.to_string().as_bytes())
}

pub fn proof_header() -> String {
    json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": Signer::holder().jwk()}).to_string()
}

pub fn proof_claims() -> String {
    let ath = encode(digest(&SHA256, bound_token().as_bytes()));
    json!({"jti": "proof-1", "htm": METHOD, "htu": URL, "iat": NOW, "ath": ath}).to_string()
}

/// A validator at [`NOW`] without keys.
pub fn validator() -> SessionValidatorBuilder {
    SessionValidator::builder(PROJECT).clock(Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(NOW)))
}

/// What needs no network ends the first time it is polled.
pub fn done<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

/// The input without its first byte, which says what is done with it.
pub fn split(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(first, rest)| (first % 4, rest))
}

/// A server on this machine that answers every request with the bytes it was given.
pub struct Service {
    runtime: Runtime,
    pub base_url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answer: Vec<u8>,
    requests: Vec<Vec<u8>>,
}

impl Service {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let state = Arc::new(Mutex::new(State::default()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    // One read may bring a part of a request only.
                    while connection.read_buf(&mut request).await.is_ok_and(|length| length > 0) {
                        if is_whole(&request) {
                            let answer = {
                                let mut state = locked(&shared);
                                state.requests.push(std::mem::take(&mut request));
                                state.answer.clone()
                            };
                            if connection.write_all(&answer).await.is_err() {
                                break;
                            }
                        }
                    }
                });
            }
        });
        Self { runtime, base_url, state }
    }

    /// Makes a call that meets this answer, and gives its outcome and the requests that it sent.
    pub fn call<T>(&self, answer: Vec<u8>, call: impl Future<Output = T>) -> (T, Vec<Vec<u8>>) {
        *locked(&self.state) = State { answer, requests: Vec::new() };
        let outcome = self.runtime.block_on(call);
        (outcome, std::mem::take(&mut locked(&self.state).requests))
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("a lock")
}

/// The head has come; and the body, where there is one: it is `{}`.
fn is_whole(request: &[u8]) -> bool {
    request.ends_with(b"\r\n\r\n") || request.ends_with(b"{}")
}
