//! Retries, bounds, and what becomes of answers that are not Descope's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::State, http::StatusCode, response::Response};
use descope_api::{Client, Config, ErrorKind, RetryPolicy, types};

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
        let error = server.client().otp_verify_email(&code()).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), server.requests()), (429, 1));
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
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
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
    let error = server.client().otp_verify_email(&code()).await.unwrap_err();
    assert_eq!((error.kind(), error.code(), error.request_id()), (ErrorKind::Refused, Some("E061102"), Some("8f00")));
    assert_eq!(error.refusal().unwrap().error_message.as_deref(), Some("Wrong"));
    assert_eq!(error.to_string(), "otp_verify_email: refused (401 E061102)");
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
    assert_eq!((error.kind(), error.status()), (ErrorKind::TooLarge, Some(StatusCode::OK)), "{error:?}");
}

#[tokio::test]
async fn nothing_is_an_answer_only_where_nothing_is_to_be_told() {
    // With a length, without one, and in chunks of nothing but blanks.
    let bodies: [fn() -> Body; 3] = [
        || Body::from(""),
        || Body::from_stream(futures(Vec::new())),
        || Body::from_stream(futures(vec![" ", "\r\n", ""])),
    ];
    for body in bodies {
        for status in [200, 201, 202] {
            let server = Scripted::start(move |_| answer(status, &[], body())).await;
            let client = server.client().with_token("a.b.c");
            client.management_access_key_delete(&delete()).await.unwrap();
            client.enchanted_link_verify(&types::EnchantedLinkVerifyRequest::new("t")).await.unwrap();
            client.session_logout(&types::SessionLogoutRequest::new()).await.unwrap();
            client.session_logout_all(&types::SessionLogoutRequest::new()).await.unwrap();
            let error = client.otp_verify_email(&code()).await.unwrap_err();
            assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, status), "{error}");
            assert!(error.to_string().contains("the answer is empty"), "{error}");
        }
    }
    // A status that says so is taken at its word, whatever the operation.
    for status in [204, 205] {
        let server = Scripted::start(move |_| answer(status, &[], "")).await;
        assert!(server.client().otp_verify_email(&code()).await.unwrap().session_jwt.is_none());
        server.client().management_access_key_delete(&delete()).await.unwrap();
    }
}

/// A body that comes in these pieces.
fn futures(pieces: Vec<&'static str>) -> impl futures_core::Stream<Item = Result<&'static str, std::io::Error>> {
    tokio_stream::iter(pieces.into_iter().map(Ok))
}

#[tokio::test]
async fn what_cannot_be_read_keeps_its_status_and_request_id_and_shows_nothing() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJtYXJrZWQi.c2ln";
    for (status, media, body, kind) in [
        (200, "application/json", format!(r#"{{"sessionJwt":"{token}","#), ErrorKind::Decode),
        (201, "application/json", format!(r#""{token}""#), ErrorKind::Decode),
        (200, "application/json", format!("<html>{token}"), ErrorKind::Decode),
        (200, "application/json; charset=utf-8", format!("<html>{token}"), ErrorKind::Decode),
        (200, "Application/JSON ;charset=utf-8", format!("<html>{token}"), ErrorKind::Decode),
        (200, "application/problem+json", format!("<html>{token}"), ErrorKind::Decode),
        (200, "text/plain; boundary=json", format!("<html>{token}"), ErrorKind::Intercepted),
        (200, "text/html", format!("<html>{token}"), ErrorKind::Intercepted),
        (203, "text/plain", token.to_owned(), ErrorKind::Intercepted),
        (302, "text/html", token.to_owned(), ErrorKind::Intercepted),
        (403, "text/html", format!("<html>{token}"), ErrorKind::Intercepted),
        (403, "application/json", format!(r#"{{"message":"{token}"}}"#), ErrorKind::Intercepted),
        (
            401,
            "application/json",
            format!(r#"{{"errorCode":"{token}","errorMessage":"{token}"}}"#),
            ErrorKind::Intercepted,
        ),
        (401, "application/json", format!(r#"{{"errorCode":"E061102","errorMessage":"{token}"}}"#), ErrorKind::Refused),
        (502, "text/html", token.to_owned(), ErrorKind::Intercepted),
    ] {
        let headers = [("content-type", media), ("cf-ray", "8f1-FRA"), ("retry-after", "1.5")];
        let server = Scripted::start({
            let body = body.clone();
            move |_| answer(status, &headers, body.clone())
        })
        .await;
        let error = server.client().otp_verify_email(&code()).await.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (kind, status), "{body}");
        assert_eq!(error.operation(), "otp_verify_email");
        assert_eq!((error.request_id(), error.retry_after()), (Some("8f1-FRA"), Some(Duration::from_millis(1500))));
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown = format!("{shown} {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!shown.contains("eyJ"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_in_every_form() {
    let date = || httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(5));
    for (value, at_least) in [("2".to_owned(), 2.0), ("0.5".to_owned(), 0.5), (date(), 3.0)] {
        let server = Scripted::start(move |n| match n {
            0 => answer(429, &[("retry-after", value.as_str())], r#"{"errorCode":"E130429"}"#),
            _ => answer(200, &[JSON], r#"{"sessionJwt":"a.b.c"}"#),
        })
        .await;
        let before = tokio::time::Instant::now();
        server.client().otp_verify_email(&code()).await.unwrap();
        assert!(before.elapsed().as_secs_f64() >= at_least, "{:?}", before.elapsed());
    }
}

#[tokio::test]
async fn licence_is_read_in_the_background_and_named_from_then_on() {
    /// Answers everything, and keeps the path and the licence of each request.
    async fn recording(license: Response) -> (String, Arc<std::sync::Mutex<Vec<(String, Option<String>)>>>) {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (parts, body) = license.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let log = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: axum::extract::Request| {
            let path = request.uri().path().to_owned();
            let named = request.headers().get("x-descope-license").map(|name| name.to_str().unwrap().to_owned());
            log.lock().unwrap().push((path.clone(), named));
            let (parts, body) = (parts.clone(), body.clone());
            async move {
                let license = Response::from_parts(parts, Body::from(body));
                if path == "/v1/mgmt/license" { license } else { answer(200, &[JSON], "{}") }
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (base_url, seen)
    }

    let tier = |name: &str| answer(200, &[JSON], format!(r#"{{"rateLimitTier":"{name}"}}"#));
    for (license, expected) in [
        (tier("tier3"), Some("tier3")),
        (tier("tier 3!"), None),
        (tier(&"x".repeat(100)), None),
        (answer(200, &[JSON], "{}"), None),
        (answer(200, &[], vec![b' '; 100_000]), None),
        (answer(501, &[JSON], r#"{"errorCode":"E011001"}"#), None),
        (answer(302, &[("location", "/elsewhere")], ""), None),
    ] {
        let (base_url, seen) = recording(license).await;
        let mut config = Config::new(base_url, PROJECT);
        config.management_key = Some("K2Rm-management-key".into());
        config.name_license = true;
        let client = Client::connect(http(), config);
        client.otp_verify_email(&code()).await.unwrap();
        assert_eq!(seen.lock().unwrap().len(), 1, "a sign-in needs no licence");
        client.management_access_key_delete(&delete()).await.unwrap();
        // A clone shares what is known.
        let named =
            |seen: &[(String, Option<String>)]| seen.iter().filter(|(path, _)| path == "/v1/mgmt/license").count();
        let mut last = None;
        for _ in 0..200 {
            client.clone().management_access_key_delete(&delete()).await.unwrap();
            last = seen.lock().unwrap().last().and_then(|(_, name)| name.clone());
            if last.is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(last.as_deref(), expected);
        assert_eq!(named(&seen.lock().unwrap()), 1, "it is asked for once");
    }
}

/// Callers hold many of them, one in the other, on stacks of 2 MiB.
#[test]
fn a_call_under_way_is_small() {
    let (client, body) = (Client::connect(http(), Config::new("http://127.0.0.1:9", PROJECT)), code());
    let size = size_of_val(&client.otp_verify_email(&body));
    assert!(size <= 256, "{size} bytes");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server = Scripted::start(|_| answer(302, &[("location", "/elsewhere")], "")).await;
    let error = server.client().otp_verify_email(&code()).await.unwrap_err();
    assert_eq!((error.status(), server.requests()), (Some(StatusCode::FOUND), 1));
}

#[tokio::test]
async fn a_project_that_no_header_can_carry_is_refused_by_name() {
    let client = Client::connect(http(), Config::new("http://127.0.0.1:9", "P2Rm\nuXyZ"));
    let error = client.otp_verify_email(&code()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(error.detail_text(), Some("the project id has characters that no header can carry"));
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_without_showing_it() {
    let client = Client::connect(http(), Config::new("http://127.0.0.1:9", PROJECT)).with_token("marked\nsecret");
    let error = client.session_me().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(!format!("{error:?}").contains("marked"));
}

#[test]
fn debug_of_a_client_shows_no_credential() {
    let mut config = Config::new("http://127.0.0.1:9", PROJECT);
    config.management_key = Some("marked-secret".into());
    config.auth_management_key = Some("marked-secret".into());
    config.headers.insert("proxy-authorization", "Basic marked-secret".parse().unwrap());
    let shown = format!("{config:?}");
    assert!(shown.contains("proxy-authorization") && !shown.contains("marked"), "{shown}");
    let client = Client::connect(http(), config).with_token("marked-secret");
    assert!(!format!("{client:?}").contains("marked"));
}
