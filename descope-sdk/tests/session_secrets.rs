//! What is secret about a session shows nowhere: in no `Debug`, in no error, in no refusal, in no log line.

#[path = "web/tower.rs"]
mod tower_app;

#[allow(dead_code)]
#[path = "../benches/session/setup.rs"]
mod setup;

use std::{
    error::Error as StdError,
    fmt::{Debug, Write as _},
    future,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use descope_emulator::Emulator;
use descope_sdk::{
    Descope, Error, LoginId,
    session::{
        AudiencePolicy, AuthScheme, BurnFuture, DpopRequest, MemoryReplayStore, ProofId, ReplayStore, SessionCookies,
        SessionValidator, TokenError,
    },
    web::{
        RefreshJwt, Refusal, Require, RequireLayer, RequireMiddleware, SessionLayer, SessionMiddleware, SessionPolicy,
    },
};
use http::HeaderMap;
use serde_json::{Value, json};
use setup::{Bound, Key, URL, claims, done, validator};
use tower::Layer as _;

/// What every secret of these tests begins with.
const MARK: &str = "marked";

fn json_of(value: &Value, changes: Value) -> Value {
    let (mut value, Value::Object(changes)) = (value.clone(), changes) else { panic!("changes are an object") };
    value.as_object_mut().expect("an object").extend(changes);
    value
}

/// A value as a log would show it.
fn shown(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}\n")
}

/// An error with everything below it.
fn printed(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        next = error.source();
    }
    text
}

#[track_caller]
fn assert_silent(text: &str, secrets: &[&str]) {
    for secret in secrets.iter().chain([&MARK]) {
        assert!(secret.len() >= 4, "too short to be looked for");
        assert!(!text.contains(secret), "{secret} shows in: {text}");
    }
}

/// A token and its three parts.
fn parts(token: &str) -> Vec<&str> {
    token.split('.').chain([token]).filter(|part| part.len() >= 4).collect()
}

#[test]
fn what_holds_a_token_does_not_show_it() {
    let key = Key::rs256();
    let bound = Bound::new(&key);
    let proof = bound.proof(1);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("DPoP {}", bound.token).parse().unwrap());
    headers.insert("cookie", "DS=marked-session; DSR=marked-refresh".parse().unwrap());
    headers.insert("dpop", proof.parse().unwrap());

    let cookies = SessionCookies::new();
    let tokens = cookies.tokens(&headers);
    let request = DpopRequest::from_headers("POST", format!("{URL}?code=marked-code"), &headers);
    let validator = validator(&key, 1).build().unwrap();
    let session = done(validator.validate_session_with_proof(&bound.token, &request)).unwrap();
    let descope = Descope::builder(setup::PROJECT).management_key("marked-key").build().unwrap();
    let policy = SessionPolicy::new(&descope).refresh().origin("https://api.example.com");
    let rule = Require::new().role("admin").step_up();
    let texts = [
        shown(&(tokens, AuthScheme::split("DPoP marked-token").unwrap().0)),
        shown(&request),
        shown(&(&session, session.jwt(), session.claims(), &validator)),
        shown(&(descope.session(), descope.session().validator(), &cookies)),
        shown(&(SessionLayer::new(policy.clone()).layer(()), SessionMiddleware::new(policy))),
        shown(&(RequireLayer::new(rule.clone()).layer(()), RequireMiddleware::new(rule))),
        shown(&RefreshJwt("marked-refresh".into())),
        shown(&MemoryReplayStore::default()),
    ];
    let mut secrets = parts(&bound.token);
    secrets.extend(parts(&proof));
    for text in &texts {
        assert_silent(text, &secrets);
    }
    assert!(texts[2].contains(session.user_id()), "it does show what is no secret: {}", texts[2]);
}

#[tokio::test]
async fn what_a_refresh_gives_does_not_show_it() {
    let emulator = Emulator::builder().start().await.unwrap();
    let descope = tower_app::prepare(&emulator).await.unwrap();
    let token = descope.management().embedded_links().sign_in(LoginId::new("ada@example.com")).send().await.unwrap();
    let ada = descope.magic_link().verify(token).await.unwrap();
    let old = ada.refresh_jwt().unwrap();
    let validated = descope.session().validate_or_refresh(None, Some(old.expose())).await.unwrap();
    let new = validated.refreshed().unwrap();
    let cookies = descope.session().cookies();
    let set = cookies.set(new).unwrap();
    let settings = descope.session().logout(new.refresh_jwt().unwrap()).await.unwrap();
    let text = shown(&(&validated, &set, cookies.clear(&settings).unwrap(), &settings));
    let secrets = [old.expose(), new.session_jwt().expose(), new.refresh_jwt().unwrap().expose()];
    assert_silent(&text, &secrets.into_iter().flat_map(parts).collect::<Vec<_>>());
}

/// Notes which proofs it is asked about, and fails.
struct Broken(Arc<Mutex<Vec<ProofId>>>);

impl ReplayStore for Broken {
    fn burn(&self, proof: ProofId, _now: SystemTime, _keep_for: Duration) -> BurnFuture<'_> {
        self.0.lock().unwrap().push(proof);
        Box::pin(future::ready(Err("the store is down".into())))
    }
}

/// Everything that is told of a refusal: the error itself, the same as the error of a call, and the answer.
fn told(error: &TokenError) -> String {
    let refusal = Refusal::from(error);
    let whole = Error::from(error.clone());
    let answer = (refusal, refusal.body(), refusal.challenge());
    printed(error) + &printed(&whole) + &shown(&answer)
}

/// The name of a variant.
fn name(error: &TokenError) -> String {
    let text = match error {
        TokenError::InvalidProof(proof) => format!("{proof:?}"),
        other => format!("{other:?}"),
    };
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

#[test]
fn no_error_of_a_token_tells_anything_of_it() {
    let key = Key::rs256();
    let other = Key::rs256();
    let validator = validator(&key, 1).audience(AudiencePolicy::any_of(["shop"])).build().unwrap();
    let good =
        json_of(&claims(0, 1), json!({"aud": "shop", "nsec": {"note": "marked-note"}, "email": "marked@example.com"}));
    let header = json!({"alg": "RS256", "kid": "k1"});
    let with = |changes: Value| key.token(&json_of(&good, changes));
    let under = |changes: Value| key.sign(&json_of(&header, changes), &good);
    let token = with(json!({}));
    assert!(done(validator.validate_session(&token)).is_ok());
    let without_exp = {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove("exp");
        key.token(&claims)
    };
    let cases = [
        ("Malformed", "marked-text".to_owned()),
        ("Malformed", format!("{token}.marked")),
        ("Malformed", format!("{token}!marked")),
        ("TooLarge", "marked".repeat(20_000)),
        ("DuplicateMember", {
            let twice = good.to_string().replacen('{', r#"{"sub": "marked-sub","#, 1);
            key.sign_text(&header.to_string(), &twice)
        }),
        ("CriticalHeader", under(json!({"crit": ["marked-crit"]}))),
        ("UnsupportedAlgorithm", under(json!({"alg": "marked-alg"}))),
        ("AlgorithmMismatch", under(json!({"alg": "ES256"}))),
        ("UnknownKey", under(json!({"kid": "marked-kid"}))),
        ("BadSignature", other.token(&good)),
        ("Expired", with(json!({"exp": 1_000}))),
        ("NotYetValid", with(json!({"nbf": 9_999_999_999_u64}))),
        ("IssuedInFuture", with(json!({"iat": 9_999_999_999_u64}))),
        ("MissingClaim", without_exp),
        ("InvalidClaim", with(json!({"exp": "marked-exp"}))),
        ("InvalidClaim", with(json!({"nbf": ["marked-nbf"]}))),
        // The issuer is not a secret, and is what is asked for first; the rest of the token stays unsaid.
        ("WrongIssuer", with(json!({"iss": "https://issuer.example.com/P2other"}))),
        ("WrongKind", with(json!({"drn": "DSR"}))),
        ("AudienceRejected", with(json!({"aud": ["marked-audience"]}))),
        ("DpopBound", with(json!({"cnf": {"jkt": "marked-thumbprint"}}))),
    ];
    for (variant, token) in &cases {
        let error = done(validator.validate_session(token)).unwrap_err();
        assert_eq!(&name(&error), variant, "{token:.200}");
        assert_silent(&told(&error), &parts(token));
    }
    let down = SessionValidator::builder(setup::PROJECT);
    let down = down.fetch_keys(Arc::new(|| Box::pin(future::ready(Err("no route".into()))))).build().unwrap();
    let error = done_in_a_runtime(down.validate_session(&token)).unwrap_err();
    assert_eq!(name(&error), "KeysUnavailable");
    assert_silent(&told(&error), &parts(&token));
}

fn done_in_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

#[test]
fn no_error_of_a_proof_tells_anything_of_it() {
    let key = Key::rs256();
    let bound = Bound::new(&key);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let strict = validator(&key, 1).build().unwrap();
    let broken = validator(&key, 1).replay_store(Broken(Arc::clone(&asked))).build().unwrap();
    let full = validator(&key, 1).replay_store(MemoryReplayStore::with_capacity(0)).build().unwrap();
    let header = bound.holder.proof_header();
    let good = bound.claims(7);
    let with = |changes: Value| bound.holder.sign(&header, &json_of(&good, changes));
    let under = |changes: Value| bound.holder.sign(&json_of(&header, changes), &good);
    let stranger = Key::es256();
    let proof = with(json!({}));
    let url = format!("{URL}?code=marked-code");
    let ask = |validator: &SessionValidator, proof: &str, url: &str| {
        let request = DpopRequest::new("POST", url).scheme(AuthScheme::Dpop).proof(proof);
        done(validator.validate_session_with_proof(&bound.token, &request))
    };
    let cases = [
        ("MissingProof", String::new()),
        ("TooLarge", "marked".repeat(2_000)),
        ("Malformed", "marked-proof".to_owned()),
        ("WrongType", under(json!({"typ": "marked-type"}))),
        ("UnsupportedAlgorithm", under(json!({"alg": "marked-alg"}))),
        ("UnusableKey", under(json!({"jwk": {"kty": "marked-type", "d": "marked-secret"}}))),
        ("WrongKey", under(json!({"jwk": stranger.jwk()}))),
        ("BadSignature", stranger.sign(&header, &good)),
        ("InvalidClaim", with(json!({"jti": ["marked-jti"]}))),
        ("WrongMethod", with(json!({"htm": "marked-method"}))),
        ("WrongUrl", with(json!({"htu": "https://marked.example.com/"}))),
        ("TooOld", with(json!({"iat": 1_000}))),
        ("IssuedInFuture", with(json!({"iat": 9_999_999_999_u64}))),
        ("WrongToken", with(json!({"ath": "marked-hash"}))),
    ];
    let secrets = parts(&bound.token);
    let check = |variant: &str, proof: &str, error: TokenError| {
        assert_eq!(name(&error), variant, "{proof:.200}");
        assert_silent(&told(&error), &secrets.iter().copied().chain(parts(proof)).collect::<Vec<_>>());
    };
    for (variant, proof) in &cases {
        check(variant, proof, ask(&strict, proof, &url).unwrap_err());
    }
    check("ReplayStoreUnavailable", &proof, ask(&broken, &proof, &url).unwrap_err());
    check("ReplayStoreFull", &proof, ask(&full, &proof, &url).unwrap_err());
    check("RequestUrl", &proof, ask(&strict, &proof, "/marked-path").unwrap_err());
    assert!(ask(&strict, &proof, &url).is_ok());
    check("Replayed", &proof, ask(&strict, &proof, &url).unwrap_err());
    let twice = DpopRequest::new("POST", URL).scheme(AuthScheme::Dpop).proof(&proof).proof("marked-proof");
    check("SeveralProofs", &proof, done(strict.validate_session_with_proof(&bound.token, &twice)).unwrap_err());
    let free = key.token(&claims(0, 1));
    let unbound = DpopRequest::new("POST", URL).scheme(AuthScheme::Dpop).proof(&proof);
    check("NotBound", &proof, done(strict.validate_session_with_proof(&free, &unbound)).unwrap_err());
    let certificate = key.token(&json_of(&claims(0, 1), json!({"cnf": {"x5t#S256": "marked-certificate"}})));
    check("UnsupportedBinding", &proof, done(strict.validate_session_with_proof(&certificate, &unbound)).unwrap_err());
    // What a store gets to know of a proof is a hash.
    assert_silent(&shown(&asked.lock().unwrap()), &parts(&proof));
    assert_eq!(asked.lock().unwrap().len(), 1);
}
