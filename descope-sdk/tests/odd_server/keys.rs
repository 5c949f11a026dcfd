//! Keys as the service publishes them, odd ones among them.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use descope_sdk::ErrorKind;
use serde_json::{Value, json};

use crate::{
    PROJECT, Server, Then,
    setup::{Key, claims},
};

/// The key of the project. Making one takes a while.
static KEY: LazyLock<Key> = LazyLock::new(Key::rs256);

fn rsa(changes: Value) -> Value {
    let mut jwk = KEY.published("k1");
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    jwk.as_object_mut().expect("an object").extend(changes);
    jwk
}

/// What a client that fetches this set says of a good token.
async fn verdict(body: &str) -> Result<(), ErrorKind> {
    let server = Server::answering("200 OK", body).await;
    let descope = server.client().build().unwrap();
    let mut claims = claims(0, 0);
    claims["iss"] = json!(PROJECT);
    descope.session().validate(&KEY.token(&claims)).await.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn one_odd_key_locks_nobody_out() {
    let good = rsa(json!({}));
    for odd in [
        json!({"kty": "oct", "kid": 5, "k": "AA"}),
        rsa(json!({"kid": 5})),
        rsa(json!({"kid": "k2", "x5c": "no list"})),
        rsa(json!({"kid": "k2", "x5c": null, "x5t": 7})),
        json!({"kty": 7}),
        json!({}),
        json!(null),
        json!("key"),
        json!([]),
    ] {
        for body in [
            json!({"keys": [odd, good]}),
            json!({"keys": [good, odd]}),
            json!([odd, good]),
            json!({"extra": odd, "keys": [good]}),
        ] {
            assert_eq!(verdict(&body.to_string()).await, Ok(()), "{odd}");
        }
    }
}

#[tokio::test]
async fn every_member_of_a_key_counts() {
    for (changes, expected) in [
        (json!({}), Ok(())),
        (json!({"key_ops": ["verify"]}), Ok(())),
        (json!({"x5c": "no list"}), Ok(())),
        (json!({"key_ops": ["encrypt"]}), Err(ErrorKind::InvalidToken)),
        (json!({"key_ops": []}), Err(ErrorKind::InvalidToken)),
        (json!({"use": "enc"}), Err(ErrorKind::InvalidToken)),
    ] {
        let body = json!({"keys": [rsa(changes.clone())]}).to_string();
        assert_eq!(verdict(&body).await, expected, "{changes}");
    }
    let other = Key::rs256().published("k1");
    assert_eq!(verdict(&json!({"keys": [other, rsa(json!({}))]}).to_string()).await, Ok(()));
    assert_eq!(verdict(&json!({"keys": [other]}).to_string()).await, Err(ErrorKind::InvalidToken));
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_nobodys_fault() {
    for body in ["", "<html>", "{}", "null", "[7]", r#"{"keys":"marked"}"#, r#"{"keys":["marked"]}"#] {
        let kind = verdict(body).await.expect_err("no keys");
        assert!(!matches!(kind, ErrorKind::InvalidToken | ErrorKind::Unauthorized), "{body}: {kind:?}");
    }
}

#[tokio::test]
async fn the_keys_are_asked_for_once() {
    let server = Server::answering("503 Service Unavailable", "{}").await;
    let descope = server.client().build().unwrap();
    let error = descope.session().validator().preload_keys().await.expect_err("no keys");
    assert!(error.is_unavailable());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_left_after_five_seconds() {
    let server = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", Then::Hang).await;
    let descope = server.client().build().unwrap();
    // The clock starts to run ahead once the request has gone out.
    let preload = tokio::spawn(async move { descope.session().validator().preload_keys().await });
    while server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    let start = Instant::now();
    tokio::time::advance(Duration::from_secs(6)).await;
    let error = preload.await.expect("no panic").expect_err("no keys");
    assert!(error.is_unavailable() && start.elapsed() < Duration::from_secs(5));
}
