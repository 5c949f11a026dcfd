//! Proofs of possession: good ones, forged ones, and used ones.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::verdict;
use crate::session::{
    AuthScheme, BurnFuture, Burned, DpopError, DpopRequest, MemoryReplayStore, ProofId, ReplayStore, SessionValidator,
    TokenError,
    keys::jwk::PublicKey,
    testing::{NOW, TestClock, TestKey, encode, fixed, session_claims},
    token::algorithm::{Algorithm, Scheme},
};

pub(super) const URL: &str = "https://api.example.com/orders/7";

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn thumbprint(scheme: Scheme, jwk: &Value) -> String {
    PublicKey::read(scheme, jwk.as_object().expect("an object")).expect("a key").thumbprint()
}

/// Some seconds from [`NOW`], with a fraction.
pub(super) fn later(seconds: f64) -> f64 {
    f64::from(u32::try_from(NOW).expect("32 bits")) + seconds
}

/// Puts `changes` over an object; `null` takes a member away.
fn change(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes {
        if value.is_null() { drop(members.remove(&name)) } else { drop(members.insert(name, value)) }
    }
    object
}

/// A user with a key, the token that is bound to it, and the server that both come to.
pub(super) struct Scene {
    project: TestKey,
    holder: TestKey,
    pub(super) token: String,
    clock: TestClock,
    validator: SessionValidator,
}

fn scene_with(algorithm: Algorithm) -> Scene {
    let (project, holder, clock) =
        (TestKey::new(Algorithm::Es256, "k1"), TestKey::new(algorithm, "holder"), TestClock::new());
    let jkt = thumbprint(algorithm.scheme(), &holder.jwk());
    let token = project.token(&session_claims(json!({"cnf": {"jkt": jkt}})));
    let validator = fixed(&[&project]).clock(clock.clock()).build().expect("a validator");
    Scene { project, holder, token, clock, validator }
}

pub(super) fn scene() -> Scene {
    scene_with(Algorithm::Es256)
}

impl Scene {
    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": self.holder.algorithm_name(), "jwk": self.holder.jwk()})
    }

    pub(super) fn claims(&self) -> Value {
        let ath = encode(digest(&SHA256, self.token.as_bytes()).as_ref());
        json!({"jti": "proof-1", "htm": "POST", "htu": URL, "iat": NOW, "ath": ath})
    }

    /// A proof that is good but for the changes.
    pub(super) fn proof(&self, header: Value, claims: Value) -> String {
        self.holder.token_with_header(&change(self.header(), header), &change(self.claims(), claims))
    }

    pub(super) fn good(&self) -> String {
        self.proof(json!({}), json!({}))
    }

    pub(super) fn ask(&self, token: &str, request: &DpopRequest<'_>) -> String {
        judge(wait(self.validator.validate_session_with_proof(token, request)))
    }

    pub(super) fn judge(&self, proof: &str) -> String {
        self.ask(&self.token, &DpopRequest::new("POST", URL).scheme(AuthScheme::Dpop).proof(proof))
    }
}

/// The name of a verdict's variant; that of the proof, where the proof is at fault.
fn judge<T>(result: Result<T, TokenError>) -> String {
    match result {
        Err(TokenError::InvalidProof(error)) => {
            format!("{error:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
        }
        other => verdict(other),
    }
}

#[test]
fn a_proof_by_every_algorithm_passes_once() {
    for algorithm in Algorithm::ALL {
        let scene = scene_with(algorithm);
        let proof = scene.good();
        assert_eq!(scene.judge(&proof), "ok", "{algorithm:?}");
        assert_eq!(scene.judge(&proof), "Replayed", "{algorithm:?}");
        assert_eq!(scene.judge(&scene.proof(json!({}), json!({"jti": "proof-2"}))), "ok");
    }
}

#[test]
fn es512_is_for_proofs_only() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).expect("a key");
    let (x, y) = pair.public_key().as_ref()[1..].split_at(66);
    let jwk = json!({"kty": "EC", "crv": "P-521", "x": encode(x), "y": encode(y)});
    let scene = scene();
    let jkt = thumbprint(Scheme::ES512, &jwk);
    let token = scene.project.token(&session_claims(json!({"cnf": {"jkt": jkt}})));
    let ath = encode(digest(&SHA256, token.as_bytes()).as_ref());
    let header = json!({"typ": "dpop+jwt", "alg": "ES512", "jwk": jwk});
    let claims = change(scene.claims(), json!({"ath": ath}));
    let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
    let proof = format!("{input}.{}", encode(signature.as_ref()));
    let request = DpopRequest::new("POST", URL).proof(&proof);
    assert_eq!(scene.ask(&token, &request), "ok");
    assert!(Algorithm::from_name("ES512").is_none());
}

#[test]
fn what_the_token_is_bound_to_decides_what_is_needed() {
    let scene = scene();
    let unbound = scene.project.token(&session_claims(json!({})));
    let proof = scene.good();
    let plain = DpopRequest::new("POST", URL);
    for (token, request, expected) in [
        (&unbound, plain.clone(), "ok"),
        (&unbound, plain.clone().proof("not looked at"), "ok"),
        (&unbound, plain.clone().scheme(AuthScheme::Dpop), "NotBound"),
        (&unbound, plain.clone().scheme(AuthScheme::Dpop).proof(&proof), "NotBound"),
        (&scene.token, plain.clone(), "MissingProof"),
        (&scene.token, plain.clone().scheme(AuthScheme::Dpop), "MissingProof"),
        (&scene.token, plain.clone().proof(" \t"), "MissingProof"),
        (&scene.token, plain.clone().proof(&proof).proof(&proof), "SeveralProofs"),
        (&scene.token, plain.clone().proof(&proof).proof(""), "SeveralProofs"),
        // Under `Bearer` as well.
        (&scene.token, plain.clone().proof(&proof), "ok"),
    ] {
        assert_eq!(scene.ask(token, &request), expected, "{request:?}");
    }
    assert_eq!(verdict(wait(scene.validator.validate_session(&scene.token))), "DpopBound");
    for cnf in [json!({"x5t#S256": "x"}), json!({"jkt": 7}), json!("x"), json!([]), json!({"jkt": "x", "jwe": "y"})] {
        let token = scene.project.token(&session_claims(json!({"cnf": cnf})));
        assert_eq!(scene.ask(&token, &plain.clone().proof(&proof)), "UnsupportedBinding", "{cnf}");
        assert_eq!(verdict(wait(scene.validator.validate_session(&token))), "DpopBound", "{cnf}");
    }
    for cnf in [json!({}), json!({"jkt": ""})] {
        let token = scene.project.token(&session_claims(json!({"cnf": cnf})));
        let expected = if cnf == json!({}) { "ok" } else { "WrongKey" };
        assert_eq!(scene.ask(&token, &plain.clone().proof(&proof)), expected, "{cnf}");
    }
}

#[test]
fn the_token_is_judged_first_and_as_always() {
    let scene = scene();
    let jkt =
        thumbprint(Scheme::ES512, &json!({"kty": "EC", "crv": "P-521", "x": encode(&[1; 66]), "y": encode(&[1; 66])}));
    let proof = scene.good();
    let request = DpopRequest::new("POST", URL).proof(&proof);
    for (changes, expected) in [
        (json!({"exp": NOW - 5}), "Expired"),
        (json!({"drn": "DSR"}), "WrongKind"),
        (json!({"iss": "P2bbbbbbbbbbbbbbbbbbbbbbbbbb"}), "WrongIssuer"),
    ] {
        let token = scene.project.token(&session_claims(change(changes, json!({"cnf": {"jkt": jkt}}))));
        assert_eq!(scene.ask(&token, &request), expected);
    }
    assert_eq!(scene.ask("x.y.z", &request), "Malformed");
    // Remembered tokens need a new proof all the same.
    assert_eq!(scene.ask(&scene.token, &request), "ok");
    assert_eq!(scene.ask(&scene.token, &DpopRequest::new("POST", URL)), "MissingProof");
    scene.clock.set(NOW + 700);
    assert_eq!(scene.ask(&scene.token, &request), "Expired");
}

#[test]
fn headers_that_are_refused() {
    let scene = scene();
    let (foreign, rsa, p384) =
        (TestKey::new(Algorithm::Es256, "f"), TestKey::shared_rsa("r"), TestKey::new(Algorithm::Es384, "p"));
    let own = scene.holder.jwk();
    let with = |changes: Value| json!({"jwk": change(own.clone(), changes)});
    for (header, expected) in [
        (json!({"typ": null}), "WrongType"),
        (json!({"typ": "JWT"}), "WrongType"),
        (json!({"typ": "DPOP+JWT"}), "WrongType"),
        (json!({"typ": "application/dpop+jwt"}), "WrongType"),
        (json!({"typ": ["dpop+jwt"]}), "WrongType"),
        (json!({"alg": null}), "UnsupportedAlgorithm"),
        (json!({"alg": "none"}), "UnsupportedAlgorithm"),
        (json!({"alg": "None"}), "UnsupportedAlgorithm"),
        (json!({"alg": "HS256"}), "UnsupportedAlgorithm"),
        (json!({"alg": "es256"}), "UnsupportedAlgorithm"),
        (json!({"alg": "ES256K"}), "UnsupportedAlgorithm"),
        (json!({"alg": "RS1"}), "UnsupportedAlgorithm"),
        (json!({"alg": 256}), "UnsupportedAlgorithm"),
        (json!({"alg": "ES384"}), "UnusableKey"),
        (json!({"alg": "ES512"}), "UnusableKey"),
        (json!({"alg": "RS256"}), "UnusableKey"),
        (json!({"alg": "EdDSA"}), "UnusableKey"),
        (json!({"jwk": null}), "UnusableKey"),
        (json!({"jwk": "x"}), "UnusableKey"),
        (json!({"jwk": [own]}), "UnusableKey"),
        (json!({"jwk": {}}), "UnusableKey"),
        (json!({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}), "UnusableKey"),
        (json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "c2VjcmV0"}}), "UnsupportedAlgorithm"),
        (with(json!({"d": encode(&[7; 32])})), "UnusableKey"),
        (with(json!({"k": "AA"})), "UnusableKey"),
        (with(json!({"crv": "P-384"})), "UnusableKey"),
        (with(json!({"crv": "secp256k1"})), "UnusableKey"),
        (with(json!({"kty": "RSA"})), "UnusableKey"),
        (with(json!({"y": null})), "UnusableKey"),
        (with(json!({"x": "AA"})), "UnusableKey"),
        (with(json!({"x": "!"})), "UnusableKey"),
        // Not on the curve: another name, so nothing is computed.
        (with(json!({"x": encode(&[1; 32])})), "WrongKey"),
        (json!({"jwk": foreign.jwk()}), "WrongKey"),
        (json!({"jwk": rsa.jwk()}), "UnusableKey"),
        (json!({"jwk": rsa.jwk(), "alg": "RS256"}), "WrongKey"),
        (json!({"jwk": TestKey::short_modulus_jwk(), "alg": "RS256"}), "UnusableKey"),
        (json!({"jwk": p384.jwk(), "alg": "ES384"}), "WrongKey"),
        (json!({"crit": ["exp"]}), "Malformed"),
        (json!({"crit": []}), "Malformed"),
    ] {
        assert_eq!(scene.judge(&scene.proof(header.clone(), json!({}))), expected, "{header}");
    }
    // Members that mean nothing here do no harm, and neither do other keys beside `jwk`.
    for header in [
        json!({"kid": 7, "jku": "https://evil.example", "x5c": ["x"], "x": {"y": 1}}),
        with(json!({"use": "enc", "key_ops": ["sign"], "ext": true})),
    ] {
        let proof = scene.proof(header.clone(), json!({"jti": header.to_string().len().to_string()}));
        assert_eq!(scene.judge(&proof), "ok", "{header}");
    }
}

#[test]
fn a_thief_with_a_key_of_his_own() {
    let scene = scene();
    let thief = TestKey::new(Algorithm::Es256, "thief");
    let (header, claims) = (scene.header(), scene.claims());
    let own = change(header.clone(), json!({"jwk": thief.jwk()}));
    assert_eq!(scene.judge(&thief.token_with_header(&own, &claims)), "WrongKey");
    // The holder's key in the header, the thief's under the signature.
    assert_eq!(scene.judge(&thief.token_with_header(&header, &claims)), "BadSignature");
    // The token itself as a proof of itself.
    assert_eq!(scene.judge(&scene.token), "WrongType");
    // Both keys, in the hope that two readers differ.
    let text = header.to_string();
    let twice = format!("{{\"jwk\":{},{}", thief.jwk(), &text[1..]);
    assert_eq!(scene.judge(&thief.token_of_text(&twice, &claims.to_string())), "Malformed");
    // An unbound token under the holder's proof.
    let unbound = scene.project.token(&session_claims(json!({})));
    let proof = scene.good();
    let request = DpopRequest::new("POST", URL).scheme(AuthScheme::Dpop).proof(&proof);
    assert_eq!(scene.ask(&unbound, &request), "NotBound");
}

#[test]
fn claims_that_are_refused() {
    let scene = scene();
    let long = "j".repeat(129);
    for (claims, expected) in [
        (json!({"jti": null}), "InvalidClaim"),
        (json!({"jti": ""}), "InvalidClaim"),
        (json!({"jti": 7}), "InvalidClaim"),
        (json!({"jti": long}), "InvalidClaim"),
        (json!({"htm": null}), "InvalidClaim"),
        (json!({"htm": ["POST"]}), "InvalidClaim"),
        (json!({"htm": "post"}), "WrongMethod"),
        (json!({"htm": "GET"}), "WrongMethod"),
        (json!({"htm": "POST "}), "WrongMethod"),
        (json!({"htu": null}), "InvalidClaim"),
        (json!({"htu": 7}), "InvalidClaim"),
        (json!({"htu": "/orders/7"}), "InvalidClaim"),
        (json!({"htu": ""}), "InvalidClaim"),
        (json!({"iat": null}), "InvalidClaim"),
        (json!({"iat": NOW.to_string()}), "InvalidClaim"),
        (json!({"iat": -1}), "InvalidClaim"),
        (json!({"iat": 1e300}), "InvalidClaim"),
        (json!({"iat": i64::MAX}), "InvalidClaim"),
        (json!({"iat": 0}), "TooOld"),
        (json!({"iat": NOW - 60}), "TooOld"),
        (json!({"iat": NOW - 59}), "ok"),
        (json!({"iat": later(-59.5)}), "TooOld"),
        (json!({"iat": NOW + 4}), "ok"),
        (json!({"iat": later(4.5)}), "IssuedInFuture"),
        (json!({"iat": NOW + 5}), "IssuedInFuture"),
        (json!({"iat": NOW * 1000}), "InvalidClaim"),
        (json!({"ath": null}), "InvalidClaim"),
        (json!({"ath": ""}), "WrongToken"),
        (json!({"ath": encode(&[0; 32])}), "WrongToken"),
        (json!({"ath": encode(digest(&SHA256, b"another token").as_ref())}), "WrongToken"),
        (json!({"ath": format!("{}=", scene.claims()["ath"].as_str().expect("ath"))}), "WrongToken"),
        (json!({"nonce": "x", "exp": 0, "more": [1]}), "ok"),
    ] {
        let mut claims = claims;
        if claims.get("jti").is_none() {
            claims["jti"] = json!(claims.to_string());
        }
        let proof = scene.proof(json!({}), claims.clone());
        assert_eq!(scene.judge(&proof), expected, "{claims}");
    }
    for jti in ["j".repeat(128), "é".repeat(128), "\u{0}".to_owned()] {
        assert_eq!(scene.judge(&scene.proof(json!({}), json!({"jti": jti}))), "ok");
    }
}

#[test]
fn framing_that_is_refused() {
    let scene = scene();
    let good = scene.good();
    let (head, signature) = good.rsplit_once('.').expect("parts");
    let claims = scene.claims().to_string();
    let header = scene.header().to_string();
    for proof in [
        "x".to_owned(),
        "..".to_owned(),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{head}."),
        format!("{good}="),
        format!("{good}, {good}"),
        good.replacen('.', "..", 1),
        format!("{{\"protected\":\"{}\",\"payload\":\"\",\"signature\":\"{signature}\"}}", encode(header.as_bytes())),
        scene.holder.token_of_text("[]", &claims),
        scene.holder.token_of_text(&header, &claims[..claims.len() - 1]),
        scene.holder.token_of_text(&header, &format!("[{claims}]")),
        scene.holder.token_of_text(&header, &format!("{{\"jti\":\"other\",{}", &claims[1..])),
        scene.holder.token_of_text(&header, &format!("{{\"x\":{},{}", "[".repeat(1000), &claims[1..])),
    ] {
        assert_eq!(scene.judge(&proof), "Malformed", "{proof}");
    }
    assert_eq!(scene.judge(&format!("{head}.{}", encode(&[0; 64]))), "BadSignature");
    assert_eq!(scene.judge(&format!("{head}.{}", &signature[4..])), "BadSignature");
    assert_eq!(scene.judge(&format!("{good}AAAA")), "BadSignature");
    // White space around it is the header's, not the proof's.
    assert_eq!(scene.judge(&format!(" {good}\t")), "ok");
}

#[test]
fn the_size_is_looked_at_first() {
    let scene = scene();
    let mut padding = 8192;
    let exact = loop {
        let proof = scene.proof(json!({}), json!({"x": "y".repeat(padding)}));
        match proof.len() {
            8190..=8192 => break proof,
            length => padding -= (length - 8192).div_ceil(2).max(1),
        }
    };
    assert_eq!(scene.judge(&exact), "ok");
    let over = scene.proof(json!({}), json!({"x": "y".repeat(padding + 4)}));
    assert!(over.len() > 8192);
    for proof in [over, "A".repeat(8193), ".".repeat(1 << 20)] {
        assert_eq!(scene.judge(&proof), "TooLarge");
    }
    assert_eq!(scene.judge(&".".repeat(8192)), "Malformed");
}

#[test]
fn a_proof_that_fails_is_not_used_up() {
    let scene = scene();
    let proof = scene.good();
    let other_url = DpopRequest::new("POST", "https://api.example.com/other").proof(&proof);
    assert_eq!(scene.ask(&scene.token, &other_url), "WrongUrl");
    assert_eq!(scene.ask(&scene.token, &DpopRequest::new("GET", URL).proof(&proof)), "WrongMethod");
    scene.clock.set(NOW - 5);
    assert_eq!(scene.judge(&proof), "IssuedInFuture");
    scene.clock.set(NOW);
    assert_eq!(scene.judge(&proof), "ok");
    assert_eq!(scene.judge(&proof), "Replayed");
    scene.clock.set(NOW + 59);
    assert_eq!(scene.judge(&proof), "Replayed");
    scene.clock.set(NOW + 60);
    assert_eq!(scene.judge(&proof), "TooOld");
    // Another proof under the same `jti`. It takes more than another time of day to forget the first one.
    for later in [119, 120, 500] {
        scene.clock.set(NOW + later);
        assert_eq!(scene.judge(&scene.proof(json!({}), json!({"iat": NOW + later}))), "Replayed");
    }
    scene.clock.set(NOW);
    assert_eq!(scene.judge(&proof), "Replayed");
}

#[test]
fn one_users_ids_are_not_anothers() {
    let ada = scene();
    let holder = TestKey::new(Algorithm::EdDsa, "bob");
    let jkt = thumbprint(Algorithm::EdDsa.scheme(), &holder.jwk());
    let token = ada.project.token(&session_claims(json!({"cnf": {"jkt": jkt}})));
    let bob = Scene { holder, token, ..scene() };
    // The same `jti` for both, at the same server.
    assert_eq!(ada.judge(&ada.good()), "ok");
    let proof = bob.good();
    let request = DpopRequest::new("POST", URL).proof(&proof);
    assert_eq!(ada.ask(&bob.token, &request), "ok");
    assert_eq!(ada.ask(&bob.token, &request), "Replayed");
    assert_eq!(ada.judge(&ada.good()), "Replayed");
}

/// A store that gives the answer that it was made with.
struct Told(Option<Burned>, Arc<AtomicUsize>);

impl ReplayStore for Told {
    fn burn(&self, _: ProofId, now: SystemTime, keep_for: Duration) -> BurnFuture<'_> {
        assert_eq!(keep_for, Duration::from_secs(120));
        assert_eq!(now, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs()));
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { self.0.ok_or_else(|| "no connection to MARKED".into()) })
    }
}

#[test]
fn a_store_of_ones_own_decides_and_fails_closed() {
    let scene = scene();
    let proof = scene.good();
    let request = DpopRequest::new("POST", URL).proof(&proof);
    for (answer, expected, unavailable) in [
        (Some(Burned::Now), "ok", false),
        (Some(Burned::Before), "Replayed", false),
        (Some(Burned::NoRoom), "ReplayStoreFull", true),
        (Some(Burned::HolderLimit), "TooManyProofs", false),
        (None, "ReplayStoreUnavailable", true),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let store = Told(answer, Arc::clone(&asked));
        let validator = fixed(&[&scene.project]).replay_store(store).build().expect("a validator");
        let result = wait(validator.validate_session_with_proof(&scene.token, &request));
        assert_eq!(result.as_ref().err().is_some_and(TokenError::is_unavailable), unavailable);
        assert_eq!(judge(result), expected);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        // It is not asked about proofs that are refused anyway.
        let other = DpopRequest::new("GET", URL).proof(&proof);
        assert_eq!(judge(wait(validator.validate_session_with_proof(&scene.token, &other))), "WrongMethod");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    let store = MemoryReplayStore::with_capacity(1).per_key(2);
    let full = fixed(&[&scene.project]).replay_store(store).build().expect("a validator");
    assert_eq!(judge(wait(full.validate_session_with_proof(&scene.token, &request))), "ok");
    let second = scene.proof(json!({}), json!({"jti": "proof-2"}));
    let second = DpopRequest::new("POST", URL).proof(&second);
    assert_eq!(judge(wait(full.validate_session_with_proof(&scene.token, &second))), "ReplayStoreFull");
}

#[test]
fn one_user_cannot_use_up_the_room_of_all() {
    let ada = scene();
    let holder = TestKey::new(Algorithm::EdDsa, "bob");
    let jkt = thumbprint(Algorithm::EdDsa.scheme(), &holder.jwk());
    let token = ada.project.token(&session_claims(json!({"cnf": {"jkt": jkt}})));
    let bob = Scene { holder, token, ..scene() };
    let store = MemoryReplayStore::with_capacity(20);
    let validator = fixed(&[&ada.project]).replay_store(store).build().expect("a validator");
    let ask = |scene: &Scene, jti: &str| {
        let proof = scene.proof(json!({}), json!({"jti": jti}));
        let request = DpopRequest::new("POST", URL).proof(&proof);
        wait(validator.validate_session_with_proof(&scene.token, &request))
    };
    for n in 0..50 {
        let result = ask(&ada, &n.to_string());
        // It is her own doing, and no reason to call the server unavailable.
        assert!(!result.as_ref().err().is_some_and(TokenError::is_unavailable));
        assert_eq!(judge(result), if n < 10 { "ok" } else { "TooManyProofs" });
    }
    assert_eq!(judge(ask(&bob, "0")), "ok");
    assert_eq!(judge(ask(&ada, "0")), "Replayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_one_passes() {
    let scene = scene();
    let (validator, token, proof) = (scene.validator.clone(), Arc::new(scene.token.clone()), Arc::new(scene.good()));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (validator, token, proof) = (validator.clone(), Arc::clone(&token), Arc::clone(&proof));
            tokio::spawn(async move {
                let request = DpopRequest::new("POST", URL).proof(&proof);
                judge(validator.validate_session_with_proof(&token, &request).await)
            })
        })
        .collect();
    let mut verdicts = Vec::new();
    for task in tasks {
        verdicts.push(task.await.expect("a verdict"));
    }
    assert_eq!(verdicts.iter().filter(|verdict| *verdict == "ok").count(), 1);
    assert_eq!(verdicts.iter().filter(|verdict| *verdict == "Replayed").count(), 49);
}

#[test]
fn a_request_is_read_from_headers() {
    let scene = scene();
    let proof = HeaderValue::from_str(&scene.good()).expect("a header");
    let authorization = |text: &str| HeaderValue::from_str(text).expect("a header");
    let ask = |token: &str, build: &dyn Fn(&mut HeaderMap)| {
        let mut headers = HeaderMap::new();
        build(&mut headers);
        scene.ask(token, &DpopRequest::from_headers("POST", URL, &headers))
    };
    let unbound = scene.project.token(&session_claims(json!({})));
    assert_eq!(ask(&unbound, &|_| {}), "ok");
    assert_eq!(ask(&unbound, &|h| drop(h.insert("authorization", authorization("BEARER x")))), "ok");
    assert_eq!(ask(&unbound, &|h| drop(h.insert("authorization", authorization("dpop x")))), "NotBound");
    assert_eq!(
        ask(&unbound, &|h| {
            h.append("authorization", authorization("Bearer x"));
            h.append("authorization", authorization("DPoP x"));
        }),
        "NotBound"
    );
    assert_eq!(ask(&scene.token, &|_| {}), "MissingProof");
    assert_eq!(
        ask(&scene.token, &|h| {
            h.append("dpop", proof.clone());
            h.append("DPoP", proof.clone());
        }),
        "SeveralProofs"
    );
    let binary = HeaderValue::from_bytes(b"\xff").expect("a header");
    assert_eq!(ask(&scene.token, &|h| drop(h.insert("dpop", binary.clone()))), "Malformed");
    assert_eq!(ask(&scene.token, &|h| drop(h.insert("dpop", proof.clone()))), "ok");
}

#[test]
fn schemes_are_told_without_case() {
    for (value, expected) in [
        ("Bearer abc", Some((AuthScheme::Bearer, "abc"))),
        ("bEARER   abc", Some((AuthScheme::Bearer, "abc"))),
        ("DPoP abc", Some((AuthScheme::Dpop, "abc"))),
        (" dpop abc\t", Some((AuthScheme::Dpop, "abc"))),
        ("DPoP a b", Some((AuthScheme::Dpop, "a b"))),
        ("Basic abc", None),
        ("Bearerabc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("abc", None),
        ("", None),
    ] {
        assert_eq!(AuthScheme::split(value), expected, "{value:?}");
    }
}

#[test]
fn nothing_repeats_what_was_sent() {
    let scene = scene();
    let marked = "MARKED";
    let url = format!("https://api.example.com/?code={marked}");
    let mut shown = String::new();
    for (header, claims) in [
        (json!({"typ": marked}), json!({})),
        (json!({"alg": marked}), json!({})),
        (json!({"jwk": {"kty": marked}}), json!({})),
        (json!({}), json!({"htm": marked})),
        (json!({}), json!({"htu": format!("https://{marked}.example")})),
        (json!({}), json!({"htu": marked})),
        (json!({}), json!({"ath": marked, "htu": url})),
        (json!({}), json!({"iat": marked, "htu": url})),
    ] {
        let proof = scene.proof(header, claims);
        let request = DpopRequest::new("POST", url.as_str()).proof(&proof);
        let error = wait(scene.validator.validate_session_with_proof(&scene.token, &request)).expect_err("refused");
        let source = std::error::Error::source(&error).map(ToString::to_string).expect("a source");
        shown = [shown, format!("{error} {error:?} {source} {request:?}")].concat();
        assert!(!shown.contains(&proof));
    }
    assert!(!shown.contains(marked), "{shown}");
    assert!(format!("{:?}", DpopError::Replayed).starts_with("Replayed"));
}
