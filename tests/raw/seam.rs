//! Retries, bounds, and what becomes of answers that are not Descope's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::State, http::StatusCode, response::Response};
use descope_api::{Client, Config, Error, RetryPolicy, is_too_large, types};

use crate::support::raw::{PROJECT, http};

/// A server that answers the n-th request with the n-th script line, and the last one from then on.
struct Scripted {
    base_url: String,
    requests: Arc<AtomicUsize>,
}

type Script = Arc<dyn Fn(usize) -> Response + Send + Sync>;

impl Scripted {
    async fn start(script: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let script: Script = Arc::new(script);
        let app = Router::new()
            .fallback(|State((script, requests)): State<(Script, Arc<AtomicUsize>)>| async move {
                script(requests.fetch_add(1, Ordering::SeqCst))
            })
            .with_state((script, Arc::clone(&requests)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn client(&self) -> Client {
        let mut config = Config::new(&self.base_url, PROJECT);
        config.management_key = Some("K2Rm-management-key".into());
        Client::connect(http(), config)
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn code() -> types::OtpVerifyRequest {
    types::OtpVerifyRequest::new("ada@example.com", "123456")
}

fn delete() -> types::AccessKeyDeleteRequest {
    types::AccessKeyDeleteRequest::new("K2RmxQ7w8E9r0T1y2U3i4O5p6As")
}

#[tokio::test(start_paused = true)]
async fn what_never_reached_the_service_is_repeated_whatever_the_operation() {
    for status in [503, 521, 522, 530] {
        let server = Scripted::start(move |n| match n {
            0 | 1 => answer(status, &[], "busy"),
            _ => answer(200, &[JSON], r#"{"sessionJwt":"a.b.c"}"#),
        })
        .await;
        let session = server.client().otp_verify_email(&code()).await.unwrap();
        assert_eq!(session.session_jwt.as_ref().unwrap().expose(), "a.b.c");
        assert_eq!(server.requests(), 3, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_repeated_only_where_twice_is_harmless() {
    for status in [502, 504, 520, 524] {
        let server = Scripted::start(move |_| answer(status, &[], "")).await;
        let error = server.client().otp_verify_email(&code()).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), server.requests()), (status, 1));

        let server =
            Scripted::start(move |n| if n < 3 { answer(status, &[], "") } else { answer(200, &[JSON], "{}") }).await;
        server.client().management_access_key_delete(&delete()).await.unwrap();
        assert_eq!(server.requests(), 4, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_never_repeated() {
    for status in [400, 401, 403, 404, 500, 501] {
        let server = Scripted::start(move |_| answer(status, &[JSON], r#"{"errorCode":"E011001"}"#)).await;
        let error = server.client().management_access_key_delete(&delete()).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), server.requests()), (status, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn retries_end_and_the_last_answer_is_told() {
    let server = Scripted::start(|_| answer(503, &[], "")).await;
    let error = server.client().session_keys(PROJECT, None).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), server.requests()), (503, 4));
}

#[tokio::test(start_paused = true)]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_left_to_the_caller() {
    let server = Scripted::start(|n| match n {
        0 => answer(429, &[("retry-after", "7")], r#"{"errorCode":"E130429"}"#),
        _ => answer(200, &[JSON], r#"{"sessionJwt":"a.b.c"}"#),
    })
    .await;
    let before = tokio::time::Instant::now();
    server.client().otp_verify_email(&code()).await.unwrap();
    let waited = before.elapsed();
    assert!((Duration::from_secs(7)..Duration::from_secs(8)).contains(&waited), "{waited:?}");

    for headers in [&[("retry-after", "60")][..], &[]] {
        let headers: Vec<_> = headers.to_vec();
        let server = Scripted::start(move |_| answer(429, &headers, "slow down")).await;
        let Error::ErrorResponse(error) = server.client().otp_verify_email(&code()).await.unwrap_err() else {
            panic!("not an answer")
        };
        assert_eq!((error.status().as_u16(), server.requests()), (429, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_repeated_and_then_told_as_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::connect(http(), Config::new(base_url, PROJECT));
    let before = tokio::time::Instant::now();
    let error = client.otp_verify_email(&code()).await.unwrap_err();
    assert!(matches!(&error, Error::CommunicationError(error) if error.is_connect()), "{error}");
    // Three waits of at least half of 100, 200 and 400 ms.
    assert!(before.elapsed() >= Duration::from_millis(350));
}

#[tokio::test(start_paused = true)]
async fn retries_can_be_switched_off() {
    let server = Scripted::start(|_| answer(503, &[], "")).await;
    let mut config = Config::new(&server.base_url, PROJECT);
    config.retry = RetryPolicy::none();
    Client::connect(http(), config).session_keys(PROJECT, None).await.unwrap_err();
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_error_body_of_a_proxy_keeps_its_status_and_does_not_leak() {
    let page = "<html>502 Bad Gateway marked-secret</html>";
    for body in [page, "", "[]", "null", "\"text\"", "{\"errorCode\":"] {
        let server = Scripted::start(move |_| answer(502, &[("content-type", "text/html")], body)).await;
        let error = server.client().otp_verify_email(&code()).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::BAD_GATEWAY), "{body}");
        assert!(!format!("{error} {error:?}").contains("marked"), "{error:?}");
    }
}

#[tokio::test]
async fn a_descope_error_comes_through_whole() {
    let body = r#"{"errorCode":"E061102","errorDescription":"Bad code","errorMessage":"Wrong","new":1}"#;
    let server = Scripted::start(move |_| answer(401, &[JSON, ("cf-ray", "8f00")], body)).await;
    let Error::ErrorResponse(error) = server.client().otp_verify_email(&code()).await.unwrap_err() else {
        panic!("not an answer")
    };
    assert_eq!(error.error_code.as_deref(), Some("E061102"));
    assert_eq!(error.headers()["cf-ray"], "8f00");
}

#[tokio::test]
async fn an_endless_error_body_does_not_take_the_status_away() {
    let server = Scripted::start(|_| answer(500, &[], vec![b'x'; 10 << 20])).await;
    let error = server.client().otp_verify_email(&code()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::INTERNAL_SERVER_ERROR));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_while_it_is_read() {
    let big = format!(r#"{{"sessionJwt":"{}"}}"#, "x".repeat(10 << 20));
    let server = Scripted::start(move |_| answer(200, &[JSON], big.clone())).await;
    let error = server.client().otp_verify_email(&code()).await.unwrap_err();
    let Error::ResponseBodyError(error) = error else { panic!("{error}") };
    assert!(is_too_large(&error), "{error:?}");
}

#[tokio::test]
async fn nothing_is_an_answer_only_where_nothing_is_to_be_told() {
    let server = Scripted::start(|_| answer(200, &[], "")).await;
    server.client().management_access_key_delete(&delete()).await.unwrap();
    let error = server.client().otp_verify_email(&code()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidResponsePayload(..)), "{error}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = Scripted::start(|_| answer(302, &[("location", "/elsewhere")], "")).await;
    let error = server.client().otp_verify_email(&code()).await.unwrap_err();
    assert_eq!((error.status(), server.requests()), (Some(StatusCode::FOUND), 1));
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_without_showing_it() {
    let client = Client::connect(http(), Config::new("http://127.0.0.1:9", PROJECT)).with_token("marked\nsecret");
    let error = client.session_me().await.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest(_)));
    assert!(!format!("{error:?}").contains("marked"));
}

#[test]
fn debug_of_a_client_shows_no_credential() {
    let mut config = Config::new("http://127.0.0.1:9", PROJECT);
    config.management_key = Some("marked-secret".into());
    config.auth_management_key = Some("marked-secret".into());
    let client = Client::connect(http(), config).with_token("marked-secret");
    assert!(!format!("{client:?}").contains("marked"));
}
