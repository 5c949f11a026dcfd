//! Answers that nobody should have to expect: each a typed error, in time, in bounded memory.

use std::time::Duration;

use http::StatusCode;

use super::{Server, Then};
use crate::{Error, ErrorKind, RetryPolicy};

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
    let error = descope.management().user().load("marked@example.com").await.unwrap_err();
    let mut chain = vec![format!("{error} {error:?}")];
    let mut next = std::error::Error::source(&error);
    while let Some(source) = next {
        chain.push(format!("{source} {source:?}"));
        next = source.source();
    }
    assert!(chain.len() > 2, "the cause is kept");
    assert!(!chain.concat().contains("marked"), "{chain:?}");
}
