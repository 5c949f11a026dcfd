//! How often the keys endpoint is asked, on tokio's paused clock.

use std::time::Duration;

use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{advance, sleep},
};

use super::verdict;
use crate::session::{
    SessionValidator, TokenError,
    testing::{Endpoint, TestKey, fetching, session_claims},
    token::algorithm::Algorithm,
};

fn ec(kid: &str) -> TestKey {
    TestKey::new(Algorithm::Es256, kid)
}

fn token(key: &TestKey) -> String {
    key.token(&session_claims(json!({})))
}

fn validator(endpoint: &Endpoint) -> SessionValidator {
    fetching(endpoint).build().expect("a validator")
}

/// Lets tasks that were started in the background come to their end.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

async fn crowd(validator: &SessionValidator, token: &str, size: usize) -> Vec<String> {
    let mut tasks = JoinSet::new();
    for _ in 0..size {
        let (validator, token) = (validator.clone(), token.to_owned());
        tasks.spawn(async move { verdict(validator.validate_session(&token).await) });
    }
    tasks.join_all().await
}

#[tokio::test(start_paused = true)]
async fn fifty_at_a_cold_start_are_one_fetch() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    endpoint.delay(Duration::from_millis(200));
    let validator = validator(&endpoint);
    let verdicts = crowd(&validator, &token(&key), 50).await;
    assert!(verdicts.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_unknown_keys_are_two_fetches() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = validator(&endpoint);
    for i in 0..10_000 {
        let header = json!({"alg": "ES256", "kid": format!("random-{i}")});
        let jws = crate::session::testing::encode(header.to_string().as_bytes());
        let verdict = verdict(validator.validate_session(&format!("{jws}.e30.AAAA")).await);
        assert_eq!(verdict, "UnknownKey");
    }
    assert!(endpoint.calls() <= 2, "{}", endpoint.calls());
    assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_unknown_keys_at_once_are_one_more_fetch() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = validator(&endpoint);
    validator.preload_keys().await.expect("keys");
    validator.preload_keys().await.expect("keys");
    assert_eq!(endpoint.calls(), 1);
    endpoint.delay(Duration::from_millis(200));
    let verdicts = crowd(&validator, &token(&ec("other")), 100).await;
    assert!(verdicts.iter().all(|verdict| verdict == "UnknownKey"), "{verdicts:?}");
    assert_eq!(endpoint.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_at_once_and_then_after_the_cool_down() {
    let (old, new, newer) = (ec("old"), ec("new"), ec("newer"));
    let endpoint = Endpoint::publishing(&[&old]);
    let validator = validator(&endpoint);
    assert_eq!(verdict(validator.validate_session(&token(&old)).await), "ok");
    endpoint.publish(&[&old, &new]);
    endpoint.delay(Duration::from_millis(200));
    let verdicts = crowd(&validator, &token(&new), 20).await;
    assert!(verdicts.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
    assert_eq!(endpoint.calls(), 2);
    endpoint.delay(Duration::ZERO);
    endpoint.publish(&[&old, &new, &newer]);
    assert_eq!(verdict(validator.validate_session(&token(&newer)).await), "UnknownKey");
    assert_eq!(endpoint.calls(), 2);
    advance(Duration::from_secs(30)).await;
    assert_eq!(verdict(validator.validate_session(&token(&newer)).await), "ok");
    assert_eq!(endpoint.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_fetch_is_shared_and_not_repeated_at_once() {
    let key = ec("k1");
    let endpoint = Endpoint::default();
    endpoint.delay(Duration::from_millis(200));
    let validator = validator(&endpoint);
    let good = token(&key);
    let verdicts = crowd(&validator, &good, 50).await;
    assert!(verdicts.iter().all(|verdict| verdict == "KeysUnavailable"), "{verdicts:?}");
    assert_eq!(endpoint.calls(), 1);
    // 1, 2, 4, 8, 16 and then 30 seconds.
    for (calls, seconds) in [(2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 30), (8, 30)] {
        advance(Duration::from_millis(seconds * 1000 - 1)).await;
        assert_eq!(verdict(validator.validate_session(&good).await), "KeysUnavailable");
        assert_eq!(endpoint.calls(), calls - 1);
        advance(Duration::from_millis(1)).await;
        let error = validator.validate_session(&good).await.expect_err("no keys");
        assert!(matches!(&error, TokenError::KeysUnavailable(source) if source.to_string() == "the endpoint is down"));
        assert_eq!(endpoint.calls(), calls);
    }
    endpoint.publish(&[&key]);
    advance(Duration::from_secs(30)).await;
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn old_keys_are_renewed_behind_the_callers_back() {
    let (old, new) = (ec("old"), ec("new"));
    let endpoint = Endpoint::publishing(&[&old]);
    let validator = validator(&endpoint);
    let good = token(&old);
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    endpoint.publish(&[&new]);
    advance(Duration::from_secs(599)).await;
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    settle().await;
    assert_eq!(endpoint.calls(), 1);
    advance(Duration::from_secs(1)).await;
    endpoint.delay(Duration::from_secs(3));
    // Served at once, from memory and by the old key, by however many.
    let before = tokio::time::Instant::now();
    assert!(crowd(&validator, &good, 20).await.iter().all(|verdict| verdict == "ok"));
    assert!(crowd(&validator, &token(&old), 20).await.iter().all(|verdict| verdict == "ok"));
    assert_eq!(tokio::time::Instant::now(), before);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(endpoint.calls(), 2);
    // The key is gone, and the token that was remembered went with it.
    endpoint.delay(Duration::ZERO);
    assert_eq!(verdict(validator.validate_session(&good).await), "UnknownKey");
    assert_eq!(endpoint.calls(), 3);
    assert_eq!(verdict(validator.validate_session(&token(&new)).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn known_keys_serve_while_the_endpoint_fails() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = validator(&endpoint);
    assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
    for body in [None, Some("<html>"), Some("{}"), Some("{\"keys\":7}"), Some("")] {
        endpoint.answer(body.map(str::to_owned));
        advance(Duration::from_secs(3600)).await;
        let calls = endpoint.calls();
        assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
        settle().await;
        assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
        settle().await;
        assert_eq!(endpoint.calls(), calls + 1, "a failed renewal waits before the next");
        // Whether an unknown key is really unknown cannot be determined now.
        assert_eq!(verdict(validator.validate_session(&token(&ec("other"))).await), "KeysUnavailable");
    }
    endpoint.publish(&[&key]);
    advance(Duration::from_secs(3600)).await;
    assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
    settle().await;
    assert_eq!(verdict(validator.validate_session(&token(&ec("other"))).await), "UnknownKey");
}

#[tokio::test(start_paused = true)]
async fn a_failed_search_for_an_unknown_key_cools_down_too() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = validator(&endpoint);
    validator.preload_keys().await.expect("keys");
    endpoint.answer(None);
    for _ in 0..29 {
        assert_eq!(verdict(validator.validate_session(&token(&ec("other"))).await), "KeysUnavailable");
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(endpoint.calls(), 2);
    assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_is_taken_at_its_word() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = validator(&endpoint);
    let good = token(&key);
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    endpoint.answer(Some("{\"keys\":[]}".to_owned()));
    advance(Duration::from_secs(600)).await;
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    settle().await;
    assert_eq!(verdict(validator.validate_session(&good).await), "UnknownKey");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_break_the_fetch_off() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    endpoint.delay(Duration::from_secs(2));
    let validator = validator(&endpoint);
    let good = token(&key);
    let gave_up = tokio::time::timeout(Duration::from_secs(1), validator.validate_session(&good)).await;
    assert!(gave_up.is_err());
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    assert_eq!(endpoint.calls(), 1);
    // The same for a search that an impatient stranger starts again and again.
    let other = token(&ec("other"));
    for _ in 0..20 {
        let _ = tokio::time::timeout(Duration::from_millis(10), validator.validate_session(&other)).await;
    }
    sleep(Duration::from_secs(3)).await;
    assert_eq!(endpoint.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_is_a_failed_one() {
    let validator = SessionValidator::builder(crate::session::testing::PROJECT)
        .fetch_keys(std::sync::Arc::new(|| Box::pin(async { panic!("on purpose") })))
        .build()
        .expect("a validator");
    let good = token(&ec("k1"));
    for _ in 0..2 {
        assert_eq!(verdict(validator.validate_session(&good).await), "KeysUnavailable");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_needs_no_key_fetches_any() {
    let endpoint = Endpoint::default();
    let validator = validator(&endpoint);
    let long = "A".repeat(1 << 20);
    for junk in ["", "a.b.c", "x", long.as_str(), "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"] {
        assert_ne!(verdict(validator.validate_session(junk).await), "KeysUnavailable");
    }
    assert_eq!(endpoint.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_static_key_never_fetches() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = fetching(&endpoint).static_key(key.jwk().to_string()).build().expect("a validator");
    assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
    advance(Duration::from_secs(3600)).await;
    assert_eq!(verdict(validator.validate_session(&token(&key)).await), "ok");
    assert_eq!(verdict(validator.validate_session(&token(&ec("other"))).await), "UnknownKey");
    validator.preload_keys().await.expect("keys");
    settle().await;
    assert_eq!(endpoint.calls(), 0);
}
