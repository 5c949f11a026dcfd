//! The memory of verified tokens.

use std::sync::Arc;

use descope_api::Secret;
use serde_json::json;

use super::verdict;
use crate::session::{
    dpop::Binding,
    keys::key_set::{Key, KeySet},
    testing::{TestKey, claims, fixed, session_claims},
    token::algorithm::Algorithm,
    validator::{cache::Cache, verified::Verified},
};

fn key() -> Arc<Key> {
    let jwk = TestKey::new(Algorithm::Es256, "k1").jwk();
    let set = KeySet::parse_static(jwk.to_string().as_bytes()).expect("a key");
    set.find(Some("k1"), Algorithm::Es256).expect("found").expect("a key").only()
}

fn verified(jwt: &str, key: &Arc<Key>) -> Arc<Verified> {
    Arc::new(Verified {
        jwt: Secret::from(jwt),
        claims: claims(json!({})),
        drn: None,
        audience: true,
        key: Arc::clone(key),
        came_early: false,
        binding: Binding::None,
    })
}

fn keep(cache: &Cache, verified: &Arc<Verified>, dead: impl Fn(&Verified) -> bool) {
    cache.group(verified.jwt.expose()).insert(verified, dead);
}

#[test]
fn it_is_bounded_and_can_be_off() {
    assert!(Cache::new(0).is_none());
    let key = key();
    for capacity in [1, 4, 5, 256] {
        let cache = Cache::new(capacity).expect("a cache");
        for i in 0..2000 {
            let jwt = format!("head.{i}.{}", "s".repeat(60));
            keep(&cache, &verified(&jwt, &key), |_| false);
            // Whatever was put in last is there.
            assert!(cache.group(&jwt).get(&jwt).is_some());
        }
        assert!(cache.len() <= capacity.next_multiple_of(4), "{capacity}: {}", cache.len());
    }
}

#[test]
fn a_token_is_compared_as_a_whole() {
    let cache = Cache::new(16).expect("a cache");
    let key = key();
    let tail = "t".repeat(80);
    keep(&cache, &verified(&format!("a.b.{tail}"), &key), |_| false);
    assert!(cache.group(&format!("a.b.{tail}")).get(&format!("a.b.{tail}")).is_some());
    for other in [format!("a.c.{tail}"), format!("a.b.x{tail}"), tail.clone(), String::new(), format!("a.b.{tail}=")] {
        assert!(cache.group(&other).get(&other).is_none(), "{other}");
    }
}

#[test]
fn the_useless_goes_first() {
    let cache = Cache::new(4).expect("a cache");
    let key = key();
    let withdrawn = self::key();
    for name in ["a", "b", "c"] {
        keep(&cache, &verified(name, &key), |_| false);
    }
    keep(&cache, &verified("gone", &withdrawn), |_| false);
    withdrawn.withdraw();
    keep(&cache, &verified("d", &key), |_| false);
    for name in ["a", "b", "c", "d"] {
        assert!(cache.group(name).get(name).is_some(), "{name}");
    }
    assert!(cache.group("gone").get("gone").is_none());
    // An expired one makes room too, and the same token does not take two places.
    keep(&cache, &verified("e", &key), |old| old.jwt.expose() == "b");
    keep(&cache, &verified("e", &key), |_| false);
    for (name, there) in [("a", true), ("b", false), ("c", true), ("d", true), ("e", true)] {
        assert_eq!(cache.group(name).get(name).is_some(), there, "{name}");
    }
    cache.group("a").remove("a");
    assert!(cache.group("a").get("a").is_none());
    assert_eq!(cache.len(), 3);
}

#[test]
fn a_token_comes_again_when_none_has_come_between() {
    let cache = Cache::new(4).expect("a cache");
    for _ in 0..100 {
        let (one, other) = (cache.group("one"), cache.group("other"));
        assert!(!one.comes_again() && one.comes_again() && one.comes_again());
        assert!(!other.comes_again() && other.comes_again());
        // What is marked is bounded, so that others take its place in the end.
        for n in 0..1000 {
            cache.group(&n.to_string()).comes_again();
        }
    }
}

#[tokio::test]
async fn a_token_from_memory_is_the_same_session() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let token = key.token(&session_claims(json!({})));
    let validator = fixed(&[&key]).build().expect("a validator");
    let first = validator.validate_session(&token).await.expect("a session");
    let second = validator.validate_session(&token).await.expect("a session");
    assert!(!std::ptr::eq(first.claims(), second.claims()), "kept at once");
    let third = validator.clone().validate_session(&token).await.expect("a session");
    assert!(std::ptr::eq(second.claims(), third.claims()));
    let off = fixed(&[&key]).cache_capacity(0).build().expect("a validator");
    let first = off.validate_session(&token).await.expect("a session");
    let second = off.validate_session(&token).await.expect("a session");
    assert!(!std::ptr::eq(first.claims(), second.claims()));
}

#[tokio::test]
async fn what_was_refused_is_not_remembered() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let validator = fixed(&[&key]).build().expect("a validator");
    let good = key.token(&session_claims(json!({})));
    let (head, signature) = good.rsplit_once('.').expect("three parts");
    // The end of a good signature under another head.
    let forged = format!(
        "{}.{signature}",
        key.token(&session_claims(json!({"sub": "U2boss"}))).rsplit_once('.').expect("parts").0
    );
    for _ in 0..3 {
        assert_eq!(verdict(validator.validate_session(&good).await), "ok");
    }
    for _ in 0..3 {
        assert_eq!(verdict(validator.validate_session(&forged).await), "BadSignature");
    }
    assert_eq!(verdict(validator.validate_session(&format!("{head}.{signature}")).await), "ok");
}
