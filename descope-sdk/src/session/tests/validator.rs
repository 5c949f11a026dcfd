//! What is accepted, what is refused, and by which name.

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use serde_json::{Value, json};

use super::verdict;
use crate::session::{
    AudiencePolicy, ConfigError, DpopRequest, SessionValidator, TokenError, TokenKind,
    testing::{Endpoint, NOW, PROJECT, TestClock, TestKey, fetching, fixed, session_claims},
    token::algorithm::Algorithm,
};

#[tokio::test]
async fn a_session_is_told_by_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::new(algorithm, "k1");
        let validator = fixed(&[&key]).build().expect("a validator");
        let token = key.token(&session_claims(json!({"email": "ada@example.com"})));
        let session = validator.validate_session(&token).await.expect("a session");
        assert_eq!(session.user_id(), "U2test");
        assert_eq!(session.jwt().expose(), token);
        assert_eq!(session.claims().claim("email"), Some(&json!("ada@example.com")));
        assert!(!format!("{session:?} {validator:?}").contains(&token));
    }
}

#[tokio::test]
async fn claims_decide() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let validator = fixed(&[&key]).build().expect("a validator");
    for (changes, as_session, as_refresh) in [
        (json!({}), "ok", "WrongKind"),
        (json!({"drn": "DSR"}), "WrongKind", "ok"),
        (json!({"drn": null}), "ok", "ok"),
        (json!({"drn": "SOMETHING"}), "WrongKind", "WrongKind"),
        (json!({"drn": 7}), "InvalidClaim", "InvalidClaim"),
        (json!({"exp": null}), "MissingClaim", "MissingClaim"),
        (json!({"exp": (NOW + 600).to_string()}), "InvalidClaim", "InvalidClaim"),
        (json!({"exp": NOW - 4}), "ok", "WrongKind"),
        (json!({"exp": NOW - 5}), "Expired", "WrongKind"),
        (json!({"exp": 0}), "Expired", "WrongKind"),
        (json!({"exp": -1}), "InvalidClaim", "InvalidClaim"),
        (json!({"exp": 1e18}), "InvalidClaim", "InvalidClaim"),
        (json!({"exp": f64::from(1_750_000_600) + 0.5}), "ok", "WrongKind"),
        (json!({"nbf": NOW + 5}), "ok", "WrongKind"),
        (json!({"nbf": NOW + 6}), "NotYetValid", "WrongKind"),
        (json!({"iat": NOW + 6}), "IssuedInFuture", "WrongKind"),
        (json!({"iat": null}), "ok", "WrongKind"),
        (json!({"iat": "now"}), "InvalidClaim", "InvalidClaim"),
        (json!({"iss": null}), "MissingClaim", "MissingClaim"),
        (json!({"iss": "P2bbbbbbbbbbbbbbbbbbbbbbbbbb"}), "WrongIssuer", "WrongIssuer"),
        (json!({"iss": format!("https://api.descope.com/v1/apps/{PROJECT}")}), "ok", "WrongKind"),
        (json!({"iss": format!("https://api.descope.com/v1/apps/agentic/{PROJECT}/MS1")}), "ok", "WrongKind"),
        (json!({"sub": null}), "MissingClaim", "MissingClaim"),
        (json!({"sub": null, "dsub": "U1"}), "ok", "WrongKind"),
        (json!({"cnf": {"jkt": "x"}}), "DpopBound", "WrongKind"),
        (json!({"cnf": {"x5t#S256": "x"}}), "DpopBound", "WrongKind"),
        (json!({"cnf": "x"}), "DpopBound", "WrongKind"),
        (json!({"cnf": {}}), "ok", "WrongKind"),
        (json!({"drn": "DSR", "cnf": {"jkt": "x"}}), "WrongKind", "DpopBound"),
        (json!({"aud": ["anything"]}), "ok", "WrongKind"),
    ] {
        let token = key.token(&session_claims(changes.clone()));
        // From memory, at the last, the verdict is the same.
        for _ in 0..3 {
            assert_eq!(verdict(validator.validate_session(&token).await), as_session, "{changes}");
            assert_eq!(verdict(validator.validate_refresh(&token).await), as_refresh, "{changes}");
        }
    }
}

#[tokio::test]
async fn the_wrong_kind_is_named() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let validator = fixed(&[&key]).build().expect("a validator");
    let token = key.token(&session_claims(json!({"drn": "DSR"})));
    let error = validator.validate_session(&token).await.expect_err("a refresh token");
    assert!(matches!(error, TokenError::WrongKind { expected: TokenKind::Session, found: TokenKind::Refresh }));
    assert_eq!(error.to_string(), "a session token is needed, not a refresh token");
    let token = key.token(&session_claims(json!({})));
    let error = validator.validate_refresh(&token).await.expect_err("a session token");
    assert_eq!(error.to_string(), "a refresh token is needed, not a session token");
}

#[tokio::test]
async fn a_name_of_neither_kind_points_to_the_setting() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let named = fixed(&[&key]).token_names("shop", "shop_refresh").build().expect("a validator");
    for validator in [fixed(&[&key]).build().expect("a validator"), named] {
        for drn in ["dsr", "DS ", "", "shop2", "\u{e9}"] {
            let token = key.token(&session_claims(json!({"drn": drn})));
            for error in [
                validator.validate_session(&token).await.expect_err("neither"),
                validator.validate_refresh(&token).await.expect_err("neither"),
            ] {
                assert!(matches!(error, TokenError::WrongKind { found: TokenKind::Other, .. }), "{drn}");
                assert!(error.to_string().contains("token_names"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn tokens_of_former_names_stay_good_for_what_they_are() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let builder = fixed(&[&key]).token_names("s3", "r3").former_token_names("s2", "r2").former_token_names("s1", "r1");
    let validator = builder.build().expect("a validator");
    for (drn, as_session, as_refresh) in [
        (json!("s3"), "ok", "WrongKind"),
        (json!("s2"), "ok", "WrongKind"),
        (json!("s1"), "ok", "WrongKind"),
        (json!("DS"), "ok", "WrongKind"),
        (json!("r3"), "WrongKind", "ok"),
        (json!("r2"), "WrongKind", "ok"),
        (json!("r1"), "WrongKind", "ok"),
        (json!("DSR"), "WrongKind", "ok"),
        (json!("s4"), "WrongKind", "WrongKind"),
        (json!("S2"), "WrongKind", "WrongKind"),
        (json!(null), "ok", "ok"),
        (json!(7), "InvalidClaim", "InvalidClaim"),
    ] {
        let token = key.token(&session_claims(json!({"drn": drn})));
        // From memory, at the last, the verdicts are the same.
        for _ in 0..3 {
            assert_eq!(verdict(validator.validate_session(&token).await), as_session, "{drn}");
            assert_eq!(verdict(validator.validate_received(&token).await), as_session, "{drn}");
            assert_eq!(verdict(validator.validate_refresh(&token).await), as_refresh, "{drn}");
        }
    }
    for mixed_up in [
        fixed(&[&key]).token_names("same", "same"),
        fixed(&[&key]).token_names("s", ""),
        fixed(&[&key]).token_names("s", "r").former_token_names("r", "x"),
        fixed(&[&key]).former_token_names("DSR", "x"),
    ] {
        assert!(matches!(mixed_up.build(), Err(ConfigError::TokenNames(_))));
    }
}

#[test]
fn life_of_a_token_is_what_it_says_by_the_validators_clock() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let validator = fixed(&[&key]).build().expect("a validator");
    let token = |exp: Value| key.token(&session_claims(json!({"drn": "DSR", "exp": exp})));
    for (token, left) in [
        (token(json!(NOW + 5)), Some(5)),
        (token(json!(NOW + 5000)), Some(5000)),
        (token(json!(NOW)), Some(0)),
        (token(json!(NOW - 5)), Some(0)),
        (token(json!(null)), None),
        (token(json!("soon")), None),
        ("opaque".to_owned(), None),
        ("a.b.c".to_owned(), None),
        (String::new(), None),
    ] {
        assert_eq!(validator.life_left(&token), left.map(Duration::from_secs), "{token}");
    }
}

#[tokio::test]
async fn the_audience_is_a_matter_of_session_tokens() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let any = AudiencePolicy::any_of(["shop"]);
    // policy, `aud`, as a session, as a refresh token
    for (policy, aud, as_session, as_refresh) in [
        (any.clone(), json!(null), "AudienceRejected", "ok"),
        (any.clone(), json!("other"), "AudienceRejected", "ok"),
        (any.clone(), json!(["other", PROJECT]), "AudienceRejected", "ok"),
        (any.clone(), json!("shop"), "ok", "ok"),
        (any, json!(7), "AudienceRejected", "ok"),
        (AudiencePolicy::any_of([""; 0]), json!("shop"), "AudienceRejected", "ok"),
        (AudiencePolicy::MustBeAbsent, json!("shop"), "AudienceRejected", "ok"),
        (AudiencePolicy::MustBeAbsent, json!(null), "ok", "ok"),
        (AudiencePolicy::Ignore, json!("other"), "ok", "ok"),
    ] {
        let validator = fixed(&[&key]).audience(policy.clone()).build().expect("a validator");
        let session = key.token(&session_claims(json!({"aud": aud})));
        let refresh = key.token(&session_claims(json!({"aud": aud, "drn": "DSR"})));
        // One token that does not say what it is, used as both.
        let either = key.token(&session_claims(json!({"aud": aud, "drn": null})));
        let bound = key.token(&session_claims(json!({"aud": aud, "cnf": {"jkt": "x"}})));
        // From memory, at the last, the verdicts are the same.
        for _ in 0..3 {
            assert_eq!(verdict(validator.validate_session(&session).await), as_session, "{policy:?} {aud}");
            assert_eq!(verdict(validator.validate_refresh(&refresh).await), as_refresh, "{policy:?} {aud}");
            assert_eq!(verdict(validator.validate_refresh(&either).await), as_refresh, "{policy:?} {aud}");
            assert_eq!(verdict(validator.validate_session(&either).await), as_session, "{policy:?} {aud}");
            assert_eq!(verdict(validator.validate_received(&session).await), as_session, "{policy:?} {aud}");
            // The kind comes first: it says what to do.
            assert_eq!(verdict(validator.validate_session(&refresh).await), "WrongKind");
            let request = DpopRequest::new("GET", "https://api.example.com/");
            let expected = if as_session == "ok" { "InvalidProof" } else { as_session };
            assert_eq!(verdict(validator.validate_session_with_proof(&bound, &request).await), expected);
        }
    }
}

#[tokio::test]
async fn settings_change_the_verdict() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let ask = async |builder: crate::session::SessionValidatorBuilder, changes: Value| {
        let token = key.token(&session_claims(changes));
        verdict(builder.build().expect("a validator").validate_session(&token).await)
    };
    assert_eq!(ask(fixed(&[&key]).leeway(Duration::from_secs(60)), json!({"exp": NOW - 59})).await, "ok");
    assert_eq!(ask(fixed(&[&key]).leeway(Duration::ZERO), json!({"exp": NOW})).await, "Expired");
    assert_eq!(ask(fixed(&[&key]).leeway(Duration::ZERO), json!({"exp": NOW + 1})).await, "ok");
    assert_eq!(ask(fixed(&[&key]).leeway(Duration::MAX), json!({"exp": 1})).await, "ok");
    assert_eq!(ask(fixed(&[&key]).audience(AudiencePolicy::any_of(["a"])), json!({"aud": ["b", "a"]})).await, "ok");
    assert_eq!(
        ask(fixed(&[&key]).audience(AudiencePolicy::any_of(["a"])), json!({"aud": "b"})).await,
        "AudienceRejected"
    );
    assert_eq!(ask(fixed(&[&key]).audience(AudiencePolicy::any_of(["a"])), json!({})).await, "AudienceRejected");
    assert_eq!(
        ask(fixed(&[&key]).audience(AudiencePolicy::MustBeAbsent), json!({"aud": "a"})).await,
        "AudienceRejected"
    );
    assert_eq!(ask(fixed(&[&key]).audience(AudiencePolicy::MustBeAbsent), json!({})).await, "ok");
    assert_eq!(ask(fixed(&[&key]), json!({"drn": "shop"})).await, "WrongKind");
    assert_eq!(ask(fixed(&[&key]).token_names("shop", "shop_refresh"), json!({"drn": "shop"})).await, "ok");
    assert_eq!(
        ask(fixed(&[&key]).token_names("shop", "shop_refresh"), json!({"drn": "shop_refresh"})).await,
        "WrongKind"
    );
}

#[tokio::test]
async fn the_clock_is_asked_each_time() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let clock = TestClock::new();
    for cache in [0, 16] {
        clock.set(NOW);
        let validator = fixed(&[&key]).clock(clock.clock()).cache_capacity(cache).build().expect("a validator");
        let token = key.token(&session_claims(json!({})));
        assert_eq!(verdict(validator.validate_session(&token).await), "ok");
        clock.set(NOW + 604);
        assert_eq!(verdict(validator.validate_session(&token).await), "ok");
        clock.set(NOW + 605);
        assert_eq!(verdict(validator.validate_session(&token).await), "Expired");
        clock.set(NOW - 6);
        assert_eq!(verdict(validator.validate_session(&token).await), "IssuedInFuture");
    }
}

#[test]
fn builders_that_cannot_work() {
    let key = TestKey::new(Algorithm::Es256, "k1").jwk().to_string();
    let refused =
        |project: &str| SessionValidator::builder(project).static_key(&key).build().expect_err("a bad project id");
    for project in ["", " ", "P2/x", "P2 ", "P2\n", "https://x", "P2\u{e9}"] {
        assert_eq!(refused(project), ConfigError::ProjectId, "{project:?}");
    }
    assert_eq!(SessionValidator::builder(PROJECT).build().expect_err("no keys"), ConfigError::NoKeys);
    for bad in ["", "{}", "null", "[]", "{\"keys\":[]}", "{\"kty\":\"oct\",\"k\":\"AA\"}", "-----BEGIN PUBLIC KEY-----"]
    {
        let error = SessionValidator::builder(PROJECT).static_key(bad).build().expect_err("no key");
        assert!(matches!(error, ConfigError::StaticKey(_)), "{bad}");
    }
}

#[test]
fn it_works_without_a_runtime() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = fetching(&endpoint).key_ttl(Duration::ZERO).build().expect("a validator");
    let token = key.token(&session_claims(json!({})));
    // No tokio here: the first fetch and every renewal happen inside the call.
    for calls in 1..4 {
        let mut future = Box::pin(validator.validate_session(&token));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(outcome) = future.as_mut().poll(&mut context) else { panic!("nothing to wait for") };
        assert_eq!(outcome.expect("a session").user_id(), "U2test");
        assert_eq!(endpoint.calls(), calls);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_agree() {
    let keys: Vec<TestKey> = (0..4).map(|i| TestKey::new(Algorithm::Es256, &format!("k{i}"))).collect();
    let endpoint = Endpoint::publishing(&keys.iter().collect::<Vec<_>>());
    // Few places for many tokens, so that they push each other out all the time.
    let validator = fetching(&endpoint).cache_capacity(8).build().expect("a validator");
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..64 {
        let user = format!("U{i}");
        let token = keys[i % 4].token(&session_claims(json!({"sub": user})));
        let validator = validator.clone();
        tasks.spawn(async move {
            for _ in 0..20 {
                let session = validator.validate_session(&token).await.expect("a session");
                assert_eq!((session.user_id(), session.jwt().expose()), (user.as_str(), token.as_str()));
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(endpoint.calls(), 1);
}

#[test]
fn everything_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn sendable<T: Send>(_: &T) {}
    shared::<SessionValidator>();
    shared::<crate::session::Session>();
    shared::<crate::session::RefreshToken>();
    shared::<TokenError>();
    let validator = fixed(&[&TestKey::new(Algorithm::Es256, "k1")]).build().expect("a validator");
    sendable(&validator.validate_session("x"));
}
