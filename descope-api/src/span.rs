//! The spans of a call: one of the operation, and in it one of each attempt. Their fields have the names that OpenTelemetry
//! gives them, and hold nothing but what the document says and what the head of the answer says about the call.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, header};
use reqwest::{Request, Response};
use tracing::{Instrument as _, Span, field::Empty};
use url::Url;

use crate::{Error, ErrorKind, Operation, error, seam::PROJECT};

/// Headers that say who calls. No propagator sets them.
const CALLER: [HeaderName; 2] = [header::AUTHORIZATION, PROJECT];

/// Adds the headers to requests by which a trace goes on at the service, such as `traceparent`.
///
/// It is called for each attempt, inside the attempt's span, so that [`tracing::Span::current`] is the span that the service
/// is to be the child of. It gets an empty map; what it puts there is added to the request, except headers that the request
/// has anyway, and `Authorization` and `x-descope-project-id` in any case.
///
/// With OpenTelemetry (the crates `opentelemetry`, `opentelemetry-http` and `tracing-opentelemetry`) it is this:
///
/// ```ignore
/// use opentelemetry_http::HeaderInjector;
/// use tracing_opentelemetry::OpenTelemetrySpanExt;
///
/// config.propagator = Some(Propagator::new(|headers| {
///     let context = tracing::Span::current().context();
///     opentelemetry::global::get_text_map_propagator(|to| to.inject_context(&context, &mut HeaderInjector(headers)));
/// }));
/// ```
///
/// A header of one's own:
///
/// ```
/// use descope_api::{Client, Config, Propagator};
/// use reqwest::header::HeaderValue;
///
/// let parent = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// let mut config = Config::new("https://api.descope.com", "P2RmuXyZ0123456789abcdefghij");
/// config.propagator = Some(Propagator::new(move |headers| {
///     headers.insert("traceparent", parent.clone());
/// }));
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let client = Client::connect(http, config);
/// # Ok::<_, reqwest::Error>(())
/// ```
#[derive(Clone)]
pub struct Propagator(Arc<dyn Fn(&mut HeaderMap) + Send + Sync>);

impl Propagator {
    /// - `inject`: adds the headers. It is called before each attempt and should neither block nor panic.
    pub fn new(inject: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Arc::new(inject))
    }

    /// Adds the headers to those of an attempt.
    pub(crate) fn inject(&self, attempt: &Span, headers: &mut HeaderMap) {
        let mut given = HeaderMap::new();
        attempt.in_scope(|| self.0(&mut given));
        for name in given.keys().filter(|name| !CALLER.contains(name)) {
            if headers.contains_key(name) {
                continue;
            }
            for value in given.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
    }
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Propagator(..)")
    }
}

/// The span of a call, with all its attempts and the waits between them.
///
/// - `url`: where the call goes, if a request could be made of it.
pub(crate) fn of_operation(known: &Operation, url: Option<&Url>) -> Span {
    tracing::info_span!(
        target: "descope",
        "operation",
        otel.name = known.function,
        otel.kind = "internal",
        otel.status_code = Empty,
        descope.operation = known.function,
        descope.request_id = Empty,
        http.request.method = known.method,
        http.request.resend_count = Empty,
        http.response.status_code = Empty,
        url.template = known.path,
        server.address = url.and_then(address),
        server.port = url.and_then(Url::port_or_known_default),
        "error.type" = Empty,
    )
}

/// The span of one attempt, below the current one, which is that of the operation.
fn of_attempt(known: &Operation, url: &Url, attempt: u32) -> Span {
    tracing::info_span!(
        target: "descope",
        "attempt",
        otel.name = %format_args!("{} {}", known.method, known.path),
        otel.kind = "client",
        otel.status_code = Empty,
        descope.operation = known.function,
        descope.request_id = Empty,
        http.request.method = known.method,
        http.request.resend_count = (attempt > 0).then_some(attempt),
        http.response.status_code = Empty,
        url.template = known.path,
        server.address = address(url),
        server.port = url.port_or_known_default(),
        "error.type" = Empty,
    )
}

/// Waits for a call, and has the span of its operation tell how it failed if it does.
///
/// - `call`: runs inside of the span already. Pinned by the caller, so that it is not copied into this future.
pub(crate) async fn operated<T>(
    span: &Span,
    call: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Result<T, Error> {
    let unfinished = Unfinished(Some(span));
    let outcome = call.await;
    unfinished.finish();
    outcome.map_err(|error| failed(span, error))
}

/// Makes an attempt inside a span of its own.
pub(crate) async fn attempt(
    http: &reqwest::Client,
    mut request: Box<Request>,
    known: &Operation,
    attempt: u32,
    propagator: Option<&Propagator>,
) -> reqwest::Result<Response> {
    let span = of_attempt(known, request.url(), attempt);
    if let Some(propagator) = propagator {
        propagator.inject(&span, request.headers_mut());
    }
    attempted(&span, known, attempt, pin!(http.execute(*request))).await
}

/// Waits for an attempt inside its span, which tells how it ended.
///
/// - `call`: pinned by the caller, so that it is not copied into this future.
async fn attempted(
    span: &Span,
    known: &Operation,
    attempt: u32,
    mut call: Pin<&mut impl Future<Output = reqwest::Result<Response>>>,
) -> reqwest::Result<Response> {
    let unfinished = Unfinished(Some(span));
    let result = poll_fn(|context| span.in_scope(|| call.as_mut().poll(context))).await;
    unfinished.finish();
    answered(span, &result);
    match &result {
        Ok(response) => {
            let status = response.status();
            if status.is_client_error() || status.is_server_error() {
                fail(span, status.as_str());
            }
        }
        Err(error) => fail(span, word(error::kind(error))),
    }
    span.in_scope(|| log(known, attempt, &result));
    result
}

/// Notes what the head of an answer says, if there is one.
pub(crate) fn answered(span: &Span, result: &reqwest::Result<Response>) {
    let (Ok(response), false) = (result, span.is_disabled()) else { return };
    span.record("http.response.status_code", response.status().as_u16());
    span.record("descope.request_id", error::request_id(response.headers()));
}

/// Notes how an operation failed.
pub(crate) fn failed(span: &Span, error: Error) -> Error {
    match error.status() {
        Some(status) if error.kind() == ErrorKind::Refused => fail(span, status.as_str()),
        _ => fail(span, word(error.kind())),
    }
    error
}

fn fail(span: &Span, why: &str) {
    span.record("error.type", why);
    span.record("otel.status_code", "ERROR");
}

/// The values of `error.type` where it is not a status.
fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::Connect => "connect",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Network => "network",
        ErrorKind::Refused => "refused",
        ErrorKind::Intercepted => "intercepted",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Decode => "decode",
    }
}

/// A span of something that is still under way: it was cancelled if this is dropped.
struct Unfinished<'a>(Option<&'a Span>);

impl Unfinished<'_> {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.0 {
            fail(span, "cancelled");
        }
    }
}

/// The host without the brackets around an IPv6 address, which belong to URLs.
fn address(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    let bare = || host.strip_prefix('[')?.strip_suffix(']');
    Some(bare().unwrap_or(host))
}

fn log(known: &Operation, attempt: u32, result: &reqwest::Result<Response>) {
    match result {
        Ok(response) => {
            let status = response.status().as_u16();
            tracing::debug!(target: "descope", operation = known.function, attempt, status, "answered");
        }
        Err(error) => tracing::debug!(
            target: "descope",
            operation = known.function,
            attempt,
            timeout = error.is_timeout(),
            connect = error.is_connect(),
            "failed"
        ),
    }
}

/// Everything that spans add to a call of one attempt, for the benchmark: `response` stands for the network, and comes back.
#[doc(hidden)]
pub async fn spans_alone(known: &Operation, url: &Url, response: reqwest::Result<Response>) -> Result<Response, Error> {
    let span = of_operation(known, Some(url));
    let call = async {
        let attempt = of_attempt(known, url, 0);
        let result = attempted(&attempt, known, 0, pin!(async { response })).await;
        answered(&span, &result);
        result.map_err(|error| Error::transport("", error))
    };
    operated(&span, pin!(call.instrument(span.clone()))).await
}
