//! Each operation is a span and each attempt a span below it, with what OpenTelemetry asks for and nothing secret.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response};
use descope_api::{CallOptions, Client, Config, OPERATIONS, Operation, Propagator, RetryPolicy, types};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tracing::{Instrument as _, Span, level_filters::LevelFilter};
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::operations::{MANAGEMENT_KEY, TOKEN, arguments, bearer};
use crate::{
    generated::call,
    support::{
        raw::{Arguments, PROJECT, http},
        spans::{Call, Collector, Fields, Seen, calls, here},
        spec,
    },
};

const JSON: &str = "application/json";
const REFUSAL: &str = r#"{"errorCode": "E011001", "errorDescription": "marked-words of the service"}"#;

/// What a server answers next.
#[derive(Clone)]
enum Then {
    Answer(u16, &'static str, String, &'static str),
    Never,
}

/// A server with a list of answers, which keeps the headers of the requests.
#[derive(Clone)]
struct Server {
    base_url: String,
    port: u16,
    next: Arc<Mutex<VecDeque<Then>>>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base_url = format!("http://127.0.0.1:{port}");
        let server = Self { base_url, port, next: Arc::default(), headers: Arc::default() };
        let own = server.clone();
        let app = Router::new().fallback(move |request: Request| {
            own.headers.lock().unwrap().push(request.headers().clone());
            let then = own.next.lock().unwrap().pop_front().expect("an answer is left");
            async move {
                let Then::Answer(status, media, body, ray) = then else { return std::future::pending().await };
                let answer = Response::builder().status(status).header("content-type", media).header("cf-ray", ray);
                answer.header("location", "https://app.example.com/?marked").body(Body::from(body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    fn then(&self, status: u16, media: &'static str, body: impl Into<String>, ray: &'static str) -> &Self {
        self.next.lock().unwrap().push_back(Then::Answer(status, media, body.into(), ray));
        self
    }

    fn config(&self) -> Config {
        let mut config = Config::new(&self.base_url, PROJECT);
        config.management_key = Some(MANAGEMENT_KEY.into());
        config
    }

    fn client(&self) -> Client {
        Client::connect(http(), self.config())
    }

    /// What every span of a call to this server has.
    fn about(&self, operation: &Operation) -> Fields {
        let port = self.port.to_string();
        fields(&[
            ("descope.operation", operation.function),
            ("http.request.method", operation.method),
            ("url.template", operation.path),
            ("server.address", "127.0.0.1"),
            ("server.port", &port),
        ])
    }

    fn operation(&self, operation: &Operation, more: &[(&str, &str)]) -> Fields {
        let own = [("otel.name", operation.function), ("otel.kind", "internal")];
        [self.about(operation), fields(&own), fields(more)].into_iter().flatten().collect()
    }

    fn attempt(&self, operation: &Operation, more: &[(&str, &str)]) -> Fields {
        let name = format!("{} {}", operation.method, operation.path);
        let own = [("otel.name", name.as_str()), ("otel.kind", "client")];
        [self.about(operation), fields(&own), fields(more)].into_iter().flatten().collect()
    }
}

fn fields(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn code() -> types::OtpVerifyRequest {
    types::OtpVerifyRequest::new("ada@example.com", "123456")
}

/// The only call that was made.
#[track_caller]
fn one(mut calls: Vec<Call>) -> Call {
    assert_eq!(calls.len(), 1, "{calls:#?}");
    calls.remove(0)
}

fn of_all(spans: Vec<Seen>) -> Vec<Fields> {
    spans.into_iter().map(|span| span.fields).collect()
}

/// The texts among the arguments that a span could only have from there.
fn given(arguments: &Value, operation: &Operation) -> Vec<String> {
    fn leaves(value: &Value, to: &mut Vec<String>) {
        match value {
            Value::String(text) => to.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| leaves(item, to)),
            Value::Object(members) => members.values().for_each(|member| leaves(member, to)),
            _ => {}
        }
    }
    let mut texts = ["a/b?c", "a%2Fb", "Bearer", "marked", TOKEN, MANAGEMENT_KEY].map(str::to_owned).to_vec();
    leaves(arguments, &mut texts);
    let public = [operation.function, operation.path, operation.method, "127.0.0.1"];
    texts.retain(|text| text.len() >= 5 && !public.iter().any(|public| public.contains(text.as_str())));
    texts
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_a_span_and_each_attempt_one_below_it_without_an_argument_in_any() {
    if !here("raw::spans::every_operation_is_a_span_and_each_attempt_one_below_it_without_an_argument_in_any").await {
        return;
    }
    let collector = Collector::default();
    let _guard = collector.subscriber().set_default();
    let server = Server::start().await;
    let client = server.client();
    let mut seen = 0;
    for operation in OPERATIONS {
        let (arguments, ..) = arguments(operation);
        let described = spec::operation(operation);
        let (status, answer) = spec::success(described);
        let client = match bearer(operation.auth[0]) {
            (_, true) => client.with_token(TOKEN),
            _ => client.clone(),
        };
        let (media, body) = match answer {
            Some((media, answer)) if media.ends_with("json") => (JSON, answer.to_string()),
            Some((media, _)) => (media, "<xml/>".to_owned()),
            None => (JSON, String::new()),
        };
        let given = given(&arguments, operation);
        let arguments = Arguments(arguments);

        // Busy at first, and then a success.
        server.then(503, "text/html", "marked-page", "8f0-FRA").then(status, media, body, "8f1-FRA");
        let outcome = call(&client, operation.function, &arguments).await;
        outcome.unwrap_or_else(|error| panic!("{}: {error}", operation.id));
        let made = one(collector.calls());
        assert_eq!(made.operation.parent, None);
        let status = status.to_string();
        let succeeded = [
            ("http.response.status_code", status.as_str()),
            ("http.request.resend_count", "1"),
            ("descope.request_id", "8f1-FRA"),
        ];
        assert_eq!(made.operation.fields, server.operation(operation, &succeeded));
        let busy = [
            ("http.response.status_code", "503"),
            ("descope.request_id", "8f0-FRA"),
            ("error.type", "503"),
            ("otel.status_code", "ERROR"),
        ];
        let attempts = [server.attempt(operation, &busy), server.attempt(operation, &succeeded)];
        assert_eq!(of_all(made.attempts), attempts);

        // Refused.
        server.then(400, JSON, REFUSAL, "8f2-FRA");
        let error = call(&client, operation.function, &arguments).await.expect_err("a refusal");
        assert_eq!(error.request_id(), Some("8f2-FRA"));
        let made = one(collector.calls());
        let refused = [
            ("http.response.status_code", "400"),
            ("descope.request_id", "8f2-FRA"),
            ("error.type", "400"),
            ("otel.status_code", "ERROR"),
        ];
        assert_eq!(made.operation.fields, server.operation(operation, &refused));
        assert_eq!(of_all(made.attempts), [server.attempt(operation, &refused)]);

        // The spans are as they should be to the last field; the log lines hold nothing that was given, either.
        let lines = collector.events();
        assert!(lines.len() >= 3, "{lines:?}");
        for text in lines.iter().flat_map(Fields::values) {
            let leaked = given.iter().find(|given| text.contains(given.as_str()));
            assert_eq!(leaked, None, "{} logs {text}", operation.id);
        }
        seen += 1;
    }
    assert_eq!(seen, OPERATIONS.len());
}

#[tokio::test(start_paused = true)]
async fn spans_tell_how_a_call_failed() {
    if !here("raw::spans::spans_tell_how_a_call_failed").await {
        return;
    }
    let collector = Collector::default();
    let _guard = collector.subscriber().set_default();
    let server = Server::start().await;
    let failed = |call: &Call| {
        let of = |span: &Seen| span.fields.get("error.type").cloned().unwrap_or_default();
        let marked =
            |span: &Seen| span.fields.contains_key("error.type") == span.fields.contains_key("otel.status_code");
        assert!(marked(&call.operation) && call.attempts.iter().all(marked), "{call:?}");
        (of(&call.operation), call.attempts.iter().map(of).collect::<Vec<_>>())
    };

    // What somebody answers.
    for (status, media, body, operation, attempt) in [
        (401, JSON, REFUSAL, "401", "401"),
        (403, "text/html", "<html>", "intercepted", "403"),
        (302, "text/html", "<html>", "intercepted", ""),
        (200, "text/html", "<html>", "intercepted", ""),
        (200, JSON, "{", "decode", ""),
        (200, JSON, "", "decode", ""),
        (200, JSON, "{                                               }", "too_large", ""),
        (500, JSON, REFUSAL, "500", "500"),
    ] {
        let mut config = server.config();
        config.max_response_bytes = 40;
        server.then(status, media, body, "8f1-FRA");
        Client::connect(http(), config).otp_verify_email(&code()).await.unwrap_err();
        let made = one(collector.calls());
        assert_eq!(failed(&made), (operation.to_owned(), vec![attempt.to_owned()]), "{status} {media} {body}");
        let status = status.to_string();
        assert_eq!(made.operation.fields["http.response.status_code"], status);
        assert_eq!(made.attempts[0].fields["http.response.status_code"], status);
        assert_eq!(made.operation.fields["descope.request_id"], "8f1-FRA");
    }

    // Nobody listens.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = Client::connect(http(), Config::new(format!("http://127.0.0.1:{closed}"), PROJECT));
    nowhere.otp_verify_email(&code()).await.unwrap_err();
    let made = one(collector.calls());
    assert_eq!(failed(&made), ("connect".to_owned(), vec!["connect".to_owned(); 4]));
    assert_eq!(made.operation.fields["http.request.resend_count"], "3");
    let resends: Vec<_> = made.attempts.iter().map(|span| span.fields.get("http.request.resend_count")).collect();
    assert_eq!(resends, [None, Some(&"1".to_owned()), Some(&"2".to_owned()), Some(&"3".to_owned())]);
    assert!(!made.operation.fields.contains_key("http.response.status_code"));

    // The connection breaks.
    let listener = tokio::net::TcpListener::bind("[::1]:0").await.unwrap();
    let broken = format!("http://{}", listener.local_addr().unwrap());
    let breaking = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    Client::connect(http(), Config::new(broken, PROJECT)).otp_verify_email(&code()).await.unwrap_err();
    breaking.abort();
    let made = one(collector.calls());
    assert_eq!(failed(&made), ("network".to_owned(), vec!["network".to_owned()]));
    assert_eq!(made.attempts[0].fields["server.address"], "::1");

    // No answer comes: the HTTP client gives up, the call's own deadline passes, the caller goes away.
    let slow = || server.next.lock().unwrap().push_back(Then::Never);
    slow();
    let hasty = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap();
    Client::connect(hasty, server.config()).otp_verify_email(&code()).await.unwrap_err();
    assert_eq!(failed(&one(collector.calls())), ("timeout".to_owned(), vec!["timeout".to_owned()]));
    slow();
    let options = CallOptions::new().timeout(Duration::from_secs(2));
    server.client().with_options(options).otp_verify_email(&code()).await.unwrap_err();
    assert_eq!(failed(&one(collector.calls())), ("timeout".to_owned(), vec!["cancelled".to_owned()]));
    slow();
    let gone = tokio::time::timeout(Duration::from_secs(2), server.client().otp_verify_email(&code())).await;
    assert!(gone.is_err());
    assert_eq!(failed(&one(collector.calls())), ("cancelled".to_owned(), vec!["cancelled".to_owned()]));

    // Nothing is sent.
    server.client().session_me().await.unwrap_err();
    assert_eq!(failed(&one(collector.calls())), ("invalid_request".to_owned(), vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_the_same_time_have_their_spans_where_they_were_made() {
    const CALLERS: usize = 40;
    if !here("raw::spans::calls_at_the_same_time_have_their_spans_where_they_were_made").await {
        return;
    }
    let collector = Collector::default();
    collector.subscriber().init();
    // Nobody is answered before all have asked, and all are busy once.
    let barrier = Arc::new(tokio::sync::Barrier::new(CALLERS));
    let rounds = Arc::new(Mutex::new(0));
    let app = Router::new().fallback(move || {
        let (barrier, rounds) = (Arc::clone(&barrier), Arc::clone(&rounds));
        async move {
            barrier.wait().await;
            let mut rounds = rounds.lock().unwrap();
            *rounds += 1;
            let status = if *rounds <= CALLERS { 503 } else { 200 };
            Response::builder().status(status).header("content-type", JSON).body(Body::from("{}")).unwrap()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = Config::new(format!("http://{}", listener.local_addr().unwrap()), PROJECT);
    config.retry.base_delay = Duration::from_millis(1);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::connect(http(), config);

    let mut callers = tokio::task::JoinSet::new();
    for n in 0..CALLERS {
        let client = client.clone();
        let made = async move {
            match n % 2 {
                0 => drop(client.otp_verify_email(&code()).await.unwrap()),
                _ => drop(client.otp_verify_sms(&code()).await.unwrap()),
            }
            // Nothing of the call is left behind.
            tracing::info_span!("after").in_scope(|| ());
        };
        let function = ["otp_verify_email", "otp_verify_sms"][n % 2];
        callers.spawn(made.instrument(tracing::info_span!("caller", n, function)));
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }

    let spans = collector.spans();
    let at = |call: &Call| call.operation.parent.expect("it is in the caller's span");
    let mut of_callers = Vec::new();
    for call in calls(&spans) {
        assert_eq!(spans[at(&call)].fields["function"], call.operation.fields["descope.operation"]);
        assert_eq!(call.attempts.len(), 2);
        let statuses = call.attempts.iter().map(|attempt| attempt.fields["http.response.status_code"].as_str());
        assert_eq!(statuses.collect::<Vec<_>>(), ["503", "200"]);
        of_callers.push(spans[at(&call)].fields["n"].parse::<usize>().unwrap());
    }
    of_callers.sort_unstable();
    assert_eq!(of_callers, (0..CALLERS).collect::<Vec<_>>());
    let after: Vec<_> = spans.iter().filter(|span| span.name == "after").collect();
    assert_eq!(after.len(), CALLERS);
    assert!(after.iter().all(|span| spans[span.parent.unwrap()].name == "caller"));
}

/// A propagator as that of OpenTelemetry, with the span's id here as there.
fn traceparent(headers: &mut HeaderMap) {
    let id = Span::current().id().map_or(0, |id| id.into_u64());
    let value = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{id:016x}-01");
    headers.insert("traceparent", HeaderValue::from_str(&value).unwrap());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_goes_out_with_its_own_traceparent() {
    if !here("raw::spans::each_attempt_goes_out_with_its_own_traceparent").await {
        return;
    }
    let collector = Collector::default();
    let _guard = collector.subscriber().set_default();
    let server = Server::start().await;
    let mut config = server.config();
    config.propagator = Some(Propagator::new(traceparent));
    server.then(503, JSON, "", "8f0-FRA").then(200, JSON, "{}", "8f1-FRA");
    Client::connect(http(), config).otp_verify_email(&code()).await.unwrap();
    let made = one(collector.calls());
    let sent: Vec<_> = server.headers.lock().unwrap().iter().map(|headers| headers["traceparent"].clone()).collect();
    let expected = made.attempts.iter().map(|span| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016x}-01", span.id));
    assert_eq!(sent, expected.collect::<Vec<_>>());
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn a_propagator_adds_headers_and_replaces_none() {
    let server = Server::start().await;
    let mut config = server.config();
    config.headers.insert("x-gateway", HeaderValue::from_static("of the client"));
    config.propagator = Some(Propagator::new(|headers| {
        assert!(headers.is_empty(), "it sees nothing of the request");
        for name in ["authorization", "x-descope-project-id", "x-gateway", "x-own", "accept", "content-type"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("of the propagator"));
        }
        headers.append("baggage", HeaderValue::from_static("a=1"));
        headers.append("baggage", HeaderValue::from_static("b=2"));
        traceparent(headers);
    }));
    assert!(format!("{config:?}").contains("propagator: Some(Propagator(..))"), "{config:?}");
    let own = CallOptions::new().header(HeaderName::from_static("x-own"), HeaderValue::from_static("of the call"));
    let client = Client::connect(http(), config).with_options(own);

    server.then(200, JSON, "{}", "8f1-FRA");
    client.otp_verify_email(&code()).await.unwrap();
    // This one has no bearer at all.
    let public = OPERATIONS.iter().find(|known| known.auth == [descope_api::Auth::None] && known.method == "GET");
    let public = public.expect("there is one");
    server.then(404, JSON, REFUSAL, "8f2-FRA");
    call(&client, public.function, &Arguments(arguments(public).0)).await.unwrap_err();

    let sent = server.headers.lock().unwrap().clone();
    let values = |headers: &HeaderMap, name: &str| -> Vec<String> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&sent[0], "authorization"), [format!("Bearer {PROJECT}")]);
    assert_eq!(values(&sent[1], "authorization"), [""; 0]);
    for headers in &sent {
        assert_eq!(values(headers, "x-descope-project-id"), [PROJECT]);
        assert_eq!(values(headers, "x-gateway"), ["of the client"]);
        assert_eq!(values(headers, "x-own"), ["of the call"]);
        assert_eq!(values(headers, "accept").len(), 1);
        assert_eq!(values(headers, "baggage"), ["a=1", "b=2"]);
        // Without a subscriber there is no span, and the propagator is called all the same.
        assert_eq!(values(headers, "traceparent"), ["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"]);
    }
    assert_eq!(values(&sent[0], "content-type"), [JSON]);
    assert_eq!(sent.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_wants_no_spans_gets_none_and_the_callers_span_is_left_alone() {
    if !here("raw::spans::a_subscriber_that_wants_no_spans_gets_none_and_the_callers_span_is_left_alone").await {
        return;
    }
    let collector = Collector::default();
    let _guard = collector.subscriber().with(LevelFilter::WARN).set_default();
    let server = Server::start().await;
    let mut config = server.config();
    config.propagator = Some(Propagator::new(traceparent));
    config.retry = RetryPolicy::none();
    server.then(401, JSON, REFUSAL, "8f1-FRA");
    // With fields of the same names as those of the SDK.
    let caller = tracing::warn_span!(
        "caller",
        "error.type" = tracing::field::Empty,
        "http.response.status_code" = tracing::field::Empty,
        "descope.request_id" = tracing::field::Empty,
    );
    let refused = async { Client::connect(http(), config).otp_verify_email(&code()).await };
    refused.instrument(caller.clone()).await.unwrap_err();
    let spans = collector.spans();
    assert_eq!(spans.iter().filter(|span| span.target == "descope").count(), 0, "{spans:?}");
    let caller_seen = spans.iter().find(|span| span.name == "caller").expect("the caller's");
    assert_eq!(caller_seen.fields, Fields::new());
    // The trace goes on from the caller's span.
    let sent = server.headers.lock().unwrap()[0]["traceparent"].clone();
    assert_eq!(sent, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016x}-01", caller.id().unwrap().into_u64()));
}
