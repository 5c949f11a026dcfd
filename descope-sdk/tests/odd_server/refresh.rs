//! Refreshes whose answer the emulator does not give.

use std::time::{Duration, UNIX_EPOCH};

use descope_sdk::{ErrorKind, session::Clock};
use serde_json::json;

use crate::{
    PROJECT, Server, Then,
    setup::{Key, claims},
};

#[tokio::test]
async fn new_refresh_token_replaces_the_old_and_the_old_one_stays_when_none_comes() {
    for (body, kept) in [
        (r#"{"sessionJwt":"s","refreshJwt":"new"}"#, "new"),
        (r#"{"sessionJwt":"s","refreshJwt":""}"#, "old"),
        (r#"{"sessionJwt":"s","refreshJwt":null}"#, "old"),
        (r#"{"sessionJwt":"s"}"#, "old"),
    ] {
        let server = Server::answering("200 OK", body).await;
        let sessions = server.client().build().unwrap().session();
        assert_eq!(sessions.refresh("old").await.unwrap().refresh_jwt().unwrap().expose(), kept, "{body}");
        let tried = sessions.try_refresh("old").await.unwrap().unwrap();
        assert_eq!(tried.refresh_jwt().unwrap().expose(), kept, "{body}");
    }
}

#[tokio::test]
async fn tokens_that_the_project_keeps_in_cookies_are_found() {
    let body = r#"{"cookieName":"rid","sessionCookieName":"sid"}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: other=1; Path=/\r\n\
        set-cookie: sid=cookie-session; Path=/; HttpOnly; Secure; SameSite=Strict; Domain=auth.example.com\r\n\
        set-cookie: rid=\"cookie-refresh\"; Max-Age=60; Expires=Wed, 21 Oct 2099 07:28:00 GMT\r\n";
    let answer = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let server = Server::start(answer, Then::Close).await;
    let renewed = server.client().build().unwrap().session().refresh("old").await.unwrap();
    assert_eq!(renewed.session_jwt().expose(), "cookie-session");
    assert_eq!(renewed.refresh_jwt().unwrap().expose(), "cookie-refresh");
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_request_and_its_failure() {
    let server = Server::answering("401 Unauthorized", r#"{"errorCode":"E064001","errorMessage":"gone"}"#).await;
    let sessions = server.client().build().unwrap().session();
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let sessions = sessions.clone();
            tokio::spawn(async move { sessions.refresh("same").await })
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(error.operation(), Some("session_refresh"));
        assert_eq!(error.message(), Some("gone"));
    }
    assert_eq!(server.requests(), 1);
    sessions.refresh("same").await.unwrap_err();
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn refusal_is_believed_no_longer_than_the_token_lives() {
    let key = Key::es256();
    let mut claims = claims(1, 1);
    (claims["drn"], claims["iss"]) = (json!("DSR"), json!(PROJECT));
    let exp = claims["exp"].as_u64().unwrap();
    let token = key.token(&claims);
    // The leeway still lets a token pass that has just ended.
    for (now, requests) in [(exp - 3000, 1), (exp - 30, 1), (exp, 3), (exp + 4, 3)] {
        let server = Server::answering("401 Unauthorized", r#"{"errorCode":"E064001","errorMessage":"gone"}"#).await;
        let client = server.client().session_validator(|validator| {
            let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(now));
            validator.static_key(key.published("k1").to_string()).clock(clock)
        });
        let sessions = client.build().unwrap().session();
        for _ in 0..3 {
            let error = sessions.validate_or_refresh(None, Some(&token)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
        }
        assert_eq!(server.requests(), requests, "{now}");
    }
}

#[tokio::test]
async fn empty_lists_are_not_sent() {
    let server = Server::answering("200 OK", "{}").await;
    let sessions = server.client().build().unwrap().session();
    for types in [&[][..], &["web", " "]] {
        let error = sessions.logout_types("r", types.iter().copied()).await.unwrap_err();
        assert_eq!(error.argument(), Some("session_types"));
        let error = sessions.logout_all_types("r", types.iter().copied()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    for ids in [&[][..], &[""]] {
        let error = sessions.my_tenants("r", ids.iter().copied()).await.unwrap_err();
        assert_eq!(error.argument(), Some("tenant_ids"));
    }
    assert_eq!(server.requests(), 0);
}
