//! The ID tokens of the emulator's own provider, and the key that signs them.

use std::sync::OnceLock;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::Identity;
use crate::{
    address::is_email,
    error::{Refusal, TOKEN_EXPIRED, VALIDATION_FAILED},
    world::keys::SigningFailed,
};

/// How long a token is good for, in seconds.
const LIFETIME: i64 = 3600;
/// The id under which the one key is published.
const KID: &str = "provider-1";

/// One key for every emulator of the process: nobody keeps these tokens.
fn key() -> Result<&'static EcdsaKeyPair, SigningFailed> {
    static KEY: OnceLock<Option<EcdsaKeyPair>> = OnceLock::new();
    KEY.get_or_init(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()).as_ref().ok_or(SigningFailed)
}

/// The id of a project at the provider.
pub(crate) fn client_id(project: &str) -> String {
    format!("emulator-{project}")
}

/// Who issues the tokens; it ends in this, after the address of the emulator.
const ISSUER: &str = "/_emulator/provider";

/// The public half of the key, for those who want to look a token over.
pub(crate) fn published() -> Result<Value, Refusal> {
    let point = key()?.public_key().as_ref();
    let part = |from: usize, to: usize| URL_SAFE_NO_PAD.encode(point.get(from..to).unwrap_or_default());
    let (x, y) = (part(1, 33), part(33, 65));
    Ok(json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KID, "x": x, "y": y}]}))
}

/// A token that says who somebody is.
pub(crate) fn issue(
    origin: &str,
    project: &str,
    identity: &Identity,
    nonce: Option<&str>,
    now: i64,
) -> Result<String, Refusal> {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iss", json!(format!("{origin}{ISSUER}")));
    put("aud", json!(client_id(project)));
    put("sub", json!(identity.email));
    put("email", json!(identity.email));
    put("email_verified", json!(true));
    put("iat", json!(now));
    put("exp", json!(now + LIFETIME));
    if !identity.name.is_empty() {
        put("name", json!(identity.name));
    }
    if let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty()) {
        put("nonce", json!(nonce));
    }
    claims.extend(identity.claims.clone());
    let header = json!({"alg": "ES256", "kid": KID, "typ": "JWT"}).to_string();
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(Value::Object(claims).to_string(), &mut token);
    let signature = key()?.sign(&SystemRandom::new(), token.as_bytes()).map_err(|_| SigningFailed)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
    Ok(token)
}

fn claims_of(token: &str) -> Option<Map<String, Value>> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key().ok()?.public_key().as_ref());
    let right = header["alg"] == "ES256" && public.verify(message.as_bytes(), &signature).is_ok();
    right.then_some(())?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Who a token says that somebody is, when all about it is right. A nonce that is in the token, or is wanted, has to be
/// the same in both.
pub(in crate::area) fn check(token: &str, project: &str, nonce: Option<&str>, now: i64) -> Result<Identity, Refusal> {
    let refuse = |why: &str| Refusal::new(&TOKEN_EXPIRED, why);
    let claims = claims_of(token.trim()).ok_or_else(|| refuse("The ID token is not one of the emulator's provider"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if !text("iss").ends_with(ISSUER) || text("aud") != client_id(project) {
        return Err(refuse("The ID token was issued for another application"));
    }
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|end| end <= now) {
        return Err(refuse("The ID token has expired"));
    }
    if text("nonce") != nonce.unwrap_or_default() {
        return Err(refuse("The nonce of the ID token is another one than was given"));
    }
    if !is_email(text("email")) {
        return Err(Refusal::new(&VALIDATION_FAILED, "The ID token tells no email address"));
    }
    let (email, name) = (text("email").to_owned(), text("name").to_owned());
    Ok(Identity { email, name, groups: Vec::new(), claims: Map::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(nonce: Option<&str>) -> String {
        let claims = Map::new();
        let ada = Identity { email: "ada@example.com".into(), name: "Ada".into(), groups: Vec::new(), claims };
        issue("http://127.0.0.1:1", "P2a", &ada, nonce, 1_000).expect("signed")
    }

    #[test]
    fn a_token_is_held_against_project_time_and_nonce() {
        let good = token(None);
        assert_eq!(check(&good, "P2a", None, 1_000).expect("good").name, "Ada");
        for (token, project, nonce, now) in [
            (good.clone(), "P2b", None, 1_000),
            (good.clone(), "P2a", None, 4_600),
            (good.clone(), "P2a", Some("n"), 1_000),
            (token(Some("n")), "P2a", None, 1_000),
            (good.replacen('.', ".A", 1), "P2a", None, 1_000),
            (String::new(), "P2a", None, 1_000),
        ] {
            assert!(check(&token, project, nonce, now).is_err(), "{project} {nonce:?} {now}");
        }
        assert!(check(&token(Some("n")), "P2a", Some("n"), 1_000).is_ok());
    }
}
