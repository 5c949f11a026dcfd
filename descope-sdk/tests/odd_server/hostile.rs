//! Answers that nobody should have to expect: each a typed error, in time, in bounded memory.

use std::time::Duration;

use descope_sdk::{DescopeBuilder, Error, ErrorKind, LoginId, RetryPolicy};
use http::StatusCode;

use crate::{Server, Then};

async fn verify(server: &Server) -> Error {
    let descope = server.client().retry(RetryPolicy::none()).timeout(Duration::from_millis(800)).build().unwrap();
    descope.otp().email("ada@example.com").verify("123456").await.unwrap_err()
}

fn status(error: &Error) -> Option<u16> {
    error.status().map(|status| status.as_u16())
}

#[tokio::test]
async fn page_of_a_proxy_keeps_its_status() {
    let server = Server::answering("502 Bad Gateway", "<html>marked-page</html>").await;
    let error = verify(&server).await;
    assert_eq!((error.kind(), status(&error)), (ErrorKind::Server, Some(502)));
    assert_eq!(error.request_id(), Some("8f1-FRA"));
    assert_eq!(error.operation(), Some("otp_verify_email"));
    assert!(!format!("{error} {error:?}").contains("marked"));
}

#[tokio::test]
async fn success_without_a_session_is_none() {
    for body in ["", "{}", "null", "[]", "<html></html>", "{\"sessionJwt\":{\"marked\":1}}"] {
        let error = verify(&Server::answering("201 Created", body).await).await;
        assert_eq!((error.kind(), status(&error)), (ErrorKind::Decode, Some(201)), "{body}");
        assert_eq!(error.request_id(), Some("8f1-FRA"), "{body}");
        assert!(!format!("{error} {error:?}").contains("marked"));
    }
}

#[tokio::test]
async fn words_of_somebody_else_are_kept_but_do_not_pass_for_the_service() {
    for (body, message) in [
        (r#"{"errorDescription":"Blocked by policy"}"#, "Blocked by policy"),
        (r#"{"error":"blocked","error_description":"by policy"}"#, "by policy"),
        (r#"{"error":"blocked"}"#, "blocked"),
        (r#"{"error":{"code":403,"message":"Forbidden"}}"#, "Forbidden"),
        (r#"{"errorCode":"AccessDenied","message":"no"}"#, "no"),
        (r#"{"title":"Forbidden","status":403}"#, "Forbidden"),
    ] {
        let error = verify(&Server::answering("403 Forbidden", body).await).await;
        assert_eq!((error.kind(), status(&error)), (ErrorKind::Intercepted, Some(403)), "{body}");
        assert_eq!((error.code(), error.description(), error.message()), (None, None, Some(message)), "{body}");
        let expected = format!("otp_verify_email: something other than Descope answered (403): {message}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn limit_of_answers_can_be_set() {
    let body = |length: usize| format!(r#"{{"user":{{"name":"{}"}}}}"#, "x".repeat(length));
    for (length, limit, fits) in [
        (9 << 20, None, false),
        (9 << 20, Some(10 << 20), true),
        (1000, Some(500), false),
        (1000, Some(1100), true),
        (1000, None, true),
    ] {
        let server = Server::answering("200 OK", &body(length)).await;
        let builder = server.client().management_key("K2RmxQ7w8E9r0T1y2U3i4O5p6As").without_license();
        let builder = limit.into_iter().fold(builder, DescopeBuilder::max_response_bytes);
        let outcome = builder.build().unwrap().management().users().load(LoginId::new("ada@example.com")).send().await;
        match outcome {
            Ok(user) => assert!(fits && user.name.unwrap().len() == length, "{length} {limit:?}"),
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::Decode, "{length} {limit:?}: {error}");
                assert!(error.to_string().contains("`max_response_bytes`"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn too_much_json_is_cut_off() {
    let body = format!("{{\"sessionJwt\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let error = verify(&Server::answering("200 OK", &body).await).await;
    assert_eq!((error.kind(), status(&error)), (ErrorKind::Decode, Some(200)), "{error:?}");
    let error = verify(&Server::answering("400 Bad Request", &body).await).await;
    assert_eq!((error.kind(), status(&error)), (ErrorKind::Intercepted, Some(400)));
}

#[tokio::test]
async fn body_without_end_is_cut_off() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let error = verify(&Server::start(head, Then::Flood).await).await;
    assert_eq!(error.kind(), ErrorKind::Decode, "{error:?}");
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let target = Server::answering("200 OK", "{\"sessionJwt\":\"stolen\"}").await;
    let head = format!("HTTP/1.1 302 Found\r\nlocation: {}/v1\r\ncontent-length: 0\r\n\r\n", target.base_url);
    let error = verify(&Server::start(head, Then::Close).await).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Intercepted, Some(StatusCode::FOUND)));
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn connection_that_closes_is_a_network_failure() {
    let error = verify(&Server::start("", Then::Close).await).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Network, None));
    assert!(error.is_retryable());
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"session";
    let error = verify(&Server::start(half, Then::Close).await).await;
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
        let error = verify(&Server::start(head, Then::Hang).await).await;
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert!(error.waited().is_none());
    }
    let half = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 100\r\n\r\n{";
    let error = verify(&Server::start(half, Then::Hang).await).await;
    assert_eq!((error.kind(), status(&error)), (ErrorKind::Server, Some(503)));
}

#[tokio::test]
async fn address_is_not_in_the_error() {
    let server = Server::start("", Then::Close).await;
    let descope = server.client().management_key("K2marked-key").retry(RetryPolicy::none()).build().unwrap();
    let error = descope.management().users().load(LoginId::new("marked@example.com")).send().await.unwrap_err();
    let mut chain = vec![format!("{error} {error:?}")];
    let mut next = std::error::Error::source(&error);
    while let Some(source) = next {
        chain.push(format!("{source} {source:?}"));
        next = source.source();
    }
    assert!(chain.len() > 2, "the cause is kept");
    assert!(!chain.concat().contains("marked"), "{chain:?}");
}
