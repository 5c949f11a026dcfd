//! Tokens that a thief cannot use: bound to a key of the client, which proves with each request that it has it (DPoP).

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{Router, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{
    Descope, StatusCode,
    session::Session,
    web::{SessionLayer, SessionPolicy},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The server. It has to know the address by which clients know it: proofs are made for that.
fn app(descope: &Descope, origin: &str) -> Router {
    let policy = SessionPolicy::new(descope).without_cookies().origin(origin);
    Router::new()
        .route("/me", get(async |session: Session| session.user_id().to_owned()))
        .layer(SessionLayer::new(policy))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, app(&descope, &origin)).into_future());
    let url = format!("{origin}/me");

    // The service binds a token to the key by its thumbprint, in the claim `cnf`.
    let (client, thief) = (Holder::new()?, Holder::new()?);
    let bound = SessionRequest::new("ada@example.com").claim("cnf", json!({"jkt": client.thumbprint()}));
    let ada = emulator.sign_in(&bound)?;
    let token = ada.session_jwt.expose();
    let now = emulator.clock().now();

    let good = client.proof(token, "GET", &url, now, "1")?;
    for (what, scheme, proof, expected) in [
        ("with a proof", "DPoP", Some(good.clone()), StatusCode::OK),
        ("the same proof again", "DPoP", Some(good), StatusCode::UNAUTHORIZED),
        ("a new proof", "DPoP", Some(client.proof(token, "GET", &url, now, "2")?), StatusCode::OK),
        ("stolen, without a proof", "Bearer", None, StatusCode::UNAUTHORIZED),
        (
            "stolen, with another key",
            "DPoP",
            Some(thief.proof(token, "GET", &url, now, "3")?),
            StatusCode::UNAUTHORIZED,
        ),
        ("made for a POST", "DPoP", Some(client.proof(token, "POST", &url, now, "4")?), StatusCode::UNAUTHORIZED),
    ] {
        let request = reqwest::Client::new().get(&url).header("authorization", format!("{scheme} {token}"));
        let response = proof.into_iter().fold(request, |request, proof| request.header("dpop", proof)).send().await?;
        println!("{what}: {}", response.status());
        assert_eq!(response.status(), expected);
    }
    Ok(())
}

/// The client: its key never leaves it. Browsers keep one by `crypto.subtle.generateKey`, not extractable.
struct Holder(EcdsaKeyPair);

impl Holder {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
    }

    /// With its members in the order of RFC 7638.
    fn jwk(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
    }

    fn thumbprint(&self) -> String {
        encode(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    fn proof(
        &self,
        token: &str,
        method: &str,
        url: &str,
        now: i64,
        id: &str,
    ) -> Result<String, Box<dyn std::error::Error>> {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let ath = encode(digest(&SHA256, token.as_bytes()));
        let claims = json!({"jti": id, "htm": method, "htu": url, "iat": now, "ath": ath});
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes())?;
        Ok(format!("{text}.{}", encode(signature)))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
