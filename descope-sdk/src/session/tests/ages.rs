//! How long keys are trusted, on tokio's paused clock.

use std::time::Duration;

use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, advance, sleep},
};

use super::verdict;
use crate::session::{
    SessionValidator, SessionValidatorBuilder,
    testing::{Endpoint, TestKey, fetching, session_claims},
    token::algorithm::Algorithm,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn ec(kid: &str) -> TestKey {
    TestKey::new(Algorithm::Es256, kid)
}

fn token(key: &TestKey) -> String {
    key.token(&session_claims(json!({})))
}

/// A validator that knows a key, and remembers a token of it.
async fn settled(builder: SessionValidatorBuilder, token: &str) -> SessionValidator {
    let validator = builder.build().expect("a validator");
    for _ in 0..3 {
        assert_eq!(verdict(validator.validate_session(token).await), "ok");
    }
    validator
}

/// The verdict, and how long it took.
async fn timed(validator: &SessionValidator, token: &str) -> (String, Duration) {
    let start = Instant::now();
    let verdict = verdict(validator.validate_session(token).await);
    (verdict, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_key_withdrawn_while_nobody_came_is_not_trusted() {
    for idle in [HOUR, 10 * HOUR, 23 * HOUR, 100 * HOUR] {
        // From memory, and by its signature.
        for capacity in [0, 16] {
            let (old, new) = (ec("old"), ec("new"));
            let endpoint = Endpoint::publishing(&[&old]);
            let validator = settled(fetching(&endpoint).cache_capacity(capacity), &token(&old)).await;
            endpoint.publish(&[&new]);
            advance(idle).await;
            assert_eq!(verdict(validator.validate_session(&token(&old)).await), "UnknownKey", "{idle:?}");
            assert_eq!(verdict(validator.validate_session(&token(&new)).await), "ok", "{idle:?}");
            assert_eq!(endpoint.calls(), 2, "{idle:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn within_the_age_nobody_waits_and_beyond_it_all_wait_for_one_fetch() {
    let key = ec("k1");
    let good = token(&key);
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = settled(fetching(&endpoint), &good).await;
    endpoint.delay(Duration::from_secs(3));
    advance(HOUR.saturating_sub(MINUTE)).await;
    assert_eq!(timed(&validator, &good).await, ("ok".to_owned(), Duration::ZERO));
    sleep(Duration::from_secs(4)).await;
    assert_eq!(endpoint.calls(), 2);
    advance(2 * HOUR).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (validator, good) = (validator.clone(), good.clone());
        tasks.spawn(async move { timed(&validator, &good).await });
    }
    for outcome in tasks.join_all().await {
        assert_eq!(outcome, ("ok".to_owned(), Duration::from_secs(3)));
    }
    assert_eq!(endpoint.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_bridged_but_not_for_good() {
    let key = ec("k1");
    let good = token(&key);
    let endpoint = Endpoint::publishing(&[&key]);
    let validator = settled(fetching(&endpoint), &good).await;
    let start = Instant::now();
    // Neither answers nor refuses.
    endpoint.delay(HOUR);
    advance(2 * HOUR).await;
    assert_eq!(timed(&validator, &good).await, ("ok".to_owned(), Duration::from_secs(5)));
    // Now it is known, so that nobody waits, whether an attempt is under way or not.
    for _ in 0..100 {
        assert_eq!(timed(&validator, &good).await, ("ok".to_owned(), Duration::ZERO));
        advance(Duration::from_secs(2)).await;
    }
    assert!((6..20).contains(&endpoint.calls()), "{}", endpoint.calls());
    // At the last moment, and a moment later.
    let day = start + 24 * HOUR;
    advance((day - Instant::now()).saturating_sub(Duration::from_secs(6))).await;
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    advance(day - Instant::now()).await;
    assert_eq!(verdict(validator.validate_session(&good).await), "KeysUnavailable");
    endpoint.delay(Duration::ZERO);
    advance(MINUTE).await;
    assert_eq!(verdict(validator.validate_session(&good).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn settings_bound_each_other() {
    // key_ttl, key_max_age, key_stale_if_error; the ages at which a request waits, and at which keys are over
    type Row = (u64, Option<u64>, Option<u64>, u64, u64);
    let rows: [Row; 9] = [
        (10, None, None, 60, 24 * 60),
        (0, None, None, 60, 24 * 60),
        (5 * 60, None, None, 5 * 60, 24 * 60),
        (48 * 60, None, None, 48 * 60, 48 * 60),
        (10, Some(20), None, 20, 24 * 60),
        (10, Some(5), None, 5, 24 * 60),
        (10, Some(30 * 60), None, 30 * 60, 30 * 60),
        (10, Some(20), Some(30), 20, 30),
        (10, None, Some(15), 15, 15),
    ];
    for (ttl, max_age, stale, waits, ends) in rows {
        let key = ec("k1");
        let good = token(&key);
        let build = |endpoint: &Endpoint| {
            let mut builder = fetching(endpoint).key_ttl(Duration::from_secs(60 * ttl));
            if let Some(age) = max_age {
                builder = builder.key_max_age(Duration::from_secs(60 * age));
            }
            if let Some(age) = stale {
                builder = builder.key_stale_if_error(Duration::from_secs(60 * age));
            }
            builder
        };
        let row = (ttl, max_age, stale);
        let (waits, ends) = (Duration::from_secs(60 * waits), Duration::from_secs(60 * ends));
        for (age, delay, expected) in [
            (waits.checked_sub(Duration::from_secs(4)), 1, ("ok", 0)),
            (Some(waits), 1, ("ok", 1)),
            (ends.checked_sub(Duration::from_secs(6)), 7, ("ok", if ends > waits { 5 } else { 0 })),
            (Some(ends), 7, ("KeysUnavailable", 5)),
        ] {
            let endpoint = Endpoint::publishing(&[&key]);
            let validator = build(&endpoint).build().expect("a validator");
            validator.preload_keys().await.expect("keys");
            endpoint.delay(Duration::from_secs(delay));
            advance(age.expect("an age")).await;
            let (verdict, took) = timed(&validator, &good).await;
            assert_eq!((verdict.as_str(), took.as_secs()), expected, "{row:?} at {age:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_waits_five_seconds_at_most() {
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    endpoint.delay(HOUR);
    let validator = fetching(&endpoint).build().expect("a validator");
    let mut tasks = JoinSet::new();
    for n in 0..50 {
        let (validator, good) = (validator.clone(), token(&key));
        tasks.spawn(async move {
            // They come one after the other, and none starts an attempt of its own.
            sleep(Duration::from_millis(50 * n)).await;
            timed(&validator, &good).await
        });
    }
    for (verdict, took) in tasks.join_all().await {
        assert_eq!(verdict, "KeysUnavailable");
        assert!(took <= Duration::from_secs(5), "{took:?}");
    }
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_hands_out_is_not_refused_for_a_forged_name() {
    let (old, new) = (ec("old"), ec("new"));
    let endpoint = Endpoint::publishing(&[&old]);
    let validator = settled(fetching(&endpoint), &token(&old)).await;
    // Somebody makes a name up, and the project rotates its keys a moment later.
    assert_eq!(verdict(validator.validate_session(&token(&ec("forged"))).await), "UnknownKey");
    endpoint.publish(&[&old, &new]);
    assert_eq!(verdict(validator.validate_session(&token(&new)).await), "UnknownKey");
    assert_eq!(endpoint.calls(), 2);
    assert_eq!(verdict(validator.validate_received(&token(&new)).await), "ok");
    assert_eq!(endpoint.calls(), 3);
    assert_eq!(verdict(validator.validate_session(&token(&new)).await), "ok");
    assert_eq!(endpoint.calls(), 3);
    // One fetch, and not one more, for a name that not even then is known.
    assert_eq!(verdict(validator.validate_received(&token(&ec("odd"))).await), "UnknownKey");
    assert_eq!(endpoint.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_hands_out_may_ask_after_a_failure_and_behind_an_older_fetch() {
    let (old, new) = (ec("old"), ec("new"));
    let endpoint = Endpoint::publishing(&[&old]);
    let validator = settled(fetching(&endpoint), &token(&old)).await;
    endpoint.answer(None);
    assert_eq!(verdict(validator.validate_session(&token(&ec("forged"))).await), "KeysUnavailable");
    endpoint.publish(&[&old, &new]);
    assert_eq!(verdict(validator.validate_received(&token(&new)).await), "ok");
    // A fetch that was answered before the service signed with its newest key.
    let newest = ec("newest");
    advance(MINUTE).await;
    endpoint.delay(Duration::from_secs(2));
    let calls = endpoint.calls();
    let stranger = tokio::spawn({
        let (validator, forged) = (validator.clone(), token(&ec("forged")));
        async move { verdict(validator.validate_session(&forged).await) }
    });
    sleep(Duration::from_secs(1)).await;
    let received = tokio::spawn({
        let (validator, newest) = (validator.clone(), token(&newest));
        async move { verdict(validator.validate_received(&newest).await) }
    });
    sleep(Duration::from_millis(1500)).await;
    endpoint.publish(&[&old, &new, &newest]);
    assert_eq!(stranger.await.expect("no panic"), "UnknownKey");
    assert_eq!(received.await.expect("no panic"), "ok");
    assert_eq!(endpoint.calls(), calls + 2);
}

#[tokio::test(start_paused = true)]
async fn no_lock_is_held_while_the_keys_are_read() {
    // A fetch that itself asks the validator, by a key that is known and by one that is not.
    let key = ec("k1");
    let endpoint = Endpoint::publishing(&[&key]);
    let (inner, good) = (endpoint.fetch(), token(&key));
    let asked = std::sync::Arc::new(std::sync::OnceLock::<SessionValidator>::new());
    let (own, known) = (std::sync::Arc::clone(&asked), good.clone());
    let fetch: crate::session::KeyFetch = std::sync::Arc::new(move || {
        let (fetch, own, known) = (inner(), std::sync::Arc::clone(&own), known.clone());
        Box::pin(async move {
            let body = fetch.await;
            if let Some(validator) = own.get() {
                assert_eq!(verdict(validator.validate_session(&known).await), "ok");
                assert!(!format!("{validator:?}").is_empty());
            }
            body
        })
    });
    let builder = fetching(&endpoint).fetch_keys(fetch);
    let validator = settled(builder, &good).await;
    asked.set(validator.clone()).expect("set once");
    assert_eq!(verdict(validator.validate_session(&token(&ec("other"))).await), "UnknownKey");
    assert_eq!(endpoint.calls(), 2);
}
