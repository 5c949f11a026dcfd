//! Answers that a test wants to see for once: errors, broken bodies, cut connections, late ones.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use descope_api::types::ErrorResponse;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::seen::is_same;
use crate::error::{RATE_LIMIT_EXCEEDED, Refusal};

/// The longest latency of a fault.
pub(super) const MAX_LATENCY: Duration = Duration::from_secs(600);
/// The largest body of a fault, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024 * 1024;

/// A value of a [`Fault`] that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} {reason}")]
pub struct FaultError {
    member: &'static str,
    reason: String,
}

impl FaultError {
    pub(super) fn new(member: &'static str, reason: impl Into<String>) -> Self {
        Self { member, reason: reason.into() }
    }

    /// Which value it is, by its name in JSON, such as `probability`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use descope_emulator::{Emulator, Fault};
    /// let emulator = Emulator::builder().start().await?;
    /// let error = emulator.add_fault(Fault::status(503).probability(7.0)).expect_err("refused");
    /// assert_eq!(error.member(), "probability");
    /// # Ok(())
    /// # }
    /// ```
    pub fn member(&self) -> &'static str {
        self.member
    }
}

/// What a call gets instead of its answer, and which calls do.
///
/// Without further words it happens to the next call, whichever that is: [`Emulator::fail_next`](crate::Emulator::fail_next)
/// names the operation, and [`operation`](Self::operation), [`method`](Self::method), [`path`](Self::path),
/// [`project`](Self::project) and [`login_id`](Self::login_id) choose for
/// [`Emulator::add_fault`](crate::Emulator::add_fault). Of several faults for one call the one that was added first
/// happens.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use descope_emulator::{Emulator, Fault};
///
/// let emulator = Emulator::builder().start().await?;
/// emulator.fail_next("sessionKeys", Fault::status(503).times(2));
/// emulator.fail_next("sessionKeys", Fault::error(429, "E130429", "Slow down").retry_after(2));
///
/// let url = format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id());
/// let mut seen = Vec::new();
/// for _ in 0..4 {
///     seen.push(reqwest::get(&url).await?.status().as_u16());
/// }
/// assert_eq!(seen, [503, 503, 429, 200]);
///
/// let broken = emulator.add_fault(Fault::status(500).path("/v2/keys/*").always())?;
/// assert_eq!(reqwest::get(&url).await?.status(), 500);
/// emulator.withdraw_fault(broken);
/// assert_eq!(reqwest::get(&url).await?.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    retry_after: Option<u64>,
    /// How often it is still to happen; until it is withdrawn without.
    pub(super) times: Option<u32>,
    after_handling: bool,
    latency: Duration,
    pub(super) probability: f64,
    pub(super) calls: Calls,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The answer that the call would have got.
    Real,
    Empty,
    Error {
        code: String,
        message: String,
    },
    Body {
        content_type: String,
        body: String,
    },
    Large {
        bytes: usize,
    },
    Redirect {
        location: String,
    },
    Endless,
    Hang,
    Close,
}

/// Which calls a fault is for; what is not named makes no difference.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    pub(super) operation: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) project: Option<String>,
    pub(super) login_id: Option<String>,
}

/// A call that comes in.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The id of the operation and its path with names in braces.
    pub(crate) operation: Option<(&'a str, &'a str)>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) project: &'a str,
    pub(crate) login_ids: &'a [String],
}

impl Calls {
    pub(super) fn include(&self, asked: &Asked<'_>) -> bool {
        let operation = asked.operation.map(|(id, _)| id);
        let paths = [Some(asked.path), asked.operation.map(|(_, path)| path)];
        self.operation.as_deref().is_none_or(|wanted| operation == Some(wanted))
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(asked.method))
            && self.path.as_deref().is_none_or(|wanted| paths.into_iter().flatten().any(|path| fits(wanted, path)))
            && self.project.as_deref().is_none_or(|wanted| wanted == asked.project)
            && self.login_id.as_deref().is_none_or(|wanted| asked.login_ids.iter().any(|id| is_same(id, wanted)))
    }
}

/// Whether a path is as the pattern has it, in which `*` stands for any letters, slashes too.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl Fault {
    fn new(kind: Kind, status: u16) -> Self {
        Self {
            kind,
            status,
            headers: Vec::new(),
            retry_after: None,
            times: Some(1),
            after_handling: false,
            latency: Duration::ZERO,
            probability: 1.0,
            calls: Calls::default(),
        }
    }

    /// A status without a body. A number that is no HTTP status counts as 500 with `fail_next`, and is refused by
    /// `add_fault`.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Empty, status)
    }

    /// A refusal with a Descope error body.
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::Error { code: code.into(), message: message.into() }, status)
    }

    /// A refusal because of too many calls (429), with the number of seconds to wait.
    pub fn rate_limit(seconds: u64) -> Self {
        let body = Refusal::new(&RATE_LIMIT_EXCEEDED, "API rate limit exceeded");
        Self::error(body.status.as_u16(), body.code.id, body.message).retry_after(seconds)
    }

    /// A body of any kind, such as the HTML page of a proxy.
    pub fn body(status: u16, content_type: impl Into<String>, body: impl Into<String>) -> Self {
        Self::new(Kind::Body { content_type: content_type.into(), body: body.into() }, status)
    }

    /// Status 200 and JSON of about `bytes` bytes, 64 MiB at most.
    pub fn large_body(bytes: usize) -> Self {
        Self::new(Kind::Large { bytes: bytes.min(MAX_BODY) }, 200)
    }

    /// A redirect (302) to `location`.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::new(Kind::Redirect { location: location.into() }, 302)
    }

    /// Status 200 and a body that begins and never ends.
    pub fn endless_body() -> Self {
        Self::new(Kind::Endless, 200)
    }

    /// No answer at all; the connection stays open.
    pub fn hang() -> Self {
        Self::new(Kind::Hang, 200)
    }

    /// The connection is closed without an answer.
    pub fn close() -> Self {
        Self::new(Kind::Close, 200)
    }

    /// The answer that the call would have got, only later: ten minutes at most.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # use descope_emulator::{Emulator, Fault};
    /// let emulator = Emulator::builder().start().await?;
    /// emulator.add_fault(Fault::delay(Duration::from_secs(20)).operation("sessionKeys"))?;
    /// let url = format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id());
    /// let asked = tokio::time::Instant::now();
    /// assert_eq!(reqwest::get(&url).await?.status(), 200);
    /// assert!(asked.elapsed() >= Duration::from_secs(20));
    /// # Ok(())
    /// # }
    /// ```
    pub fn delay(by: Duration) -> Self {
        Self::new(Kind::Real, 200).latency(by)
    }

    /// Adds a `Retry-After` header with so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds a header to the answer, also to a delayed one.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Answers so much later, ten minutes at most. It is the runtime's time that passes, not that of the emulator's clock.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Happens to the next `times` calls instead of one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Happens until it is withdrawn.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Happens to this share of the calls, from 0 to 1. Which of them follows from the emulator's
    /// [`random_seed`](crate::EmulatorBuilder::random_seed), so that runs repeat; calls that are spared do not count
    /// among its [`times`](Self::times).
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// The call is carried out first, and only its answer gets lost.
    #[must_use]
    pub fn after_handling(mut self) -> Self {
        self.after_handling = true;
        self
    }

    /// Only calls of this operation: its id in the specification, or the name of the function of the raw client.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.calls.operation = Some(operation.into());
        self
    }

    /// Only calls by this HTTP method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.calls.method = Some(method.into());
        self
    }

    /// Only calls of this path, in which `*` stands for any letters. The path of the specification, such as
    /// `/v2/keys/{projectId}`, does too.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.calls.path = Some(path.into());
        self
    }

    /// Only calls for this project.
    #[must_use]
    pub fn project(mut self, project_id: impl Into<String>) -> Self {
        self.calls.project = Some(project_id.into());
        self
    }

    /// Only calls that carry this login id in their body or query.
    #[must_use]
    pub fn login_id(mut self, login_id: impl Into<String>) -> Self {
        self.calls.login_id = Some(login_id.into());
        self
    }

    /// Refuses what cannot be, and gives the operation its id.
    pub(super) fn check(&mut self) -> Result<(), FaultError> {
        let refuse = |member, reason: &str| Err(FaultError::new(member, reason));
        if !(200..=599).contains(&self.status) {
            return refuse("status", "is the status of an answer, from 200 to 599");
        }
        if self.times == Some(0) {
            return refuse("times", "is at least 1");
        }
        if !(self.probability > 0.0 && self.probability <= 1.0) {
            return refuse("probability", "is more than 0 and at most 1");
        }
        if self.latency > MAX_LATENCY {
            return refuse("latencyMillis", "is ten minutes at most");
        }
        for (name, value) in &self.headers {
            let Ok(name) = HeaderName::try_from(name) else {
                return Err(FaultError::new("headers", format!("has the name {name:?}, which no header can have")));
            };
            if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(&name) {
                return Err(FaultError::new("headers", format!("has {name}, which follows from the body")));
            }
            if HeaderValue::from_str(value).is_err() {
                return Err(FaultError::new("headers", format!("has a value for {name} that no header can have")));
            }
        }
        match &self.kind {
            Kind::Body { content_type, .. } if HeaderValue::from_str(content_type).is_err() => {
                return refuse("contentType", "is not the value of a header");
            }
            Kind::Redirect { location } if HeaderValue::from_str(location).is_err() => {
                return refuse("location", "is not the value of a header");
            }
            _ => {}
        }
        let calls = &mut self.calls;
        if let Some(name) = &mut calls.operation {
            let Some(operation) = descope_api::operation(name) else {
                return Err(FaultError::new("operation", format!("is {name:?}, and there is no such operation")));
            };
            operation.id.clone_into(name);
        }
        if let Some(method) = &mut calls.method {
            method.make_ascii_uppercase();
            if !["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                return Err(FaultError::new("method", format!("is {method:?}, which no operation has")));
            }
        }
        if calls.path.as_deref().is_some_and(|path| !path.starts_with(['/', '*'])) {
            return refuse("path", "begins with a slash or with *");
        }
        for (member, value) in [("project", &calls.project), ("loginId", &calls.login_id)] {
            if value.as_deref().is_some_and(str::is_empty) {
                return refuse(member, "is empty");
            }
        }
        Ok(())
    }

    pub(crate) fn is_after_handling(&self) -> bool {
        self.after_handling || matches!(self.kind, Kind::Real)
    }

    /// The status for the journal: 0 when there is no answer, and nothing when it is the real one.
    pub(crate) fn recorded_status(&self) -> Option<u16> {
        match self.kind {
            Kind::Real => None,
            Kind::Close | Kind::Hang => Some(0),
            _ => Some(self.status),
        }
    }

    /// The code and the message in the answer that the caller gets, where they are the fault's.
    pub(crate) fn recorded_error(&self) -> Option<(String, String)> {
        match &self.kind {
            Kind::Error { code, message } => Some((code.clone(), message.clone())),
            _ => None,
        }
    }

    /// Waits before the call is carried out, where that is what is late.
    pub(crate) async fn wait_before(&self) {
        if !self.after_handling {
            self.wait().await;
        }
    }

    async fn wait(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// The answer in place of the real one, after the latency if that is still to pass; a hanging one never comes.
    pub(crate) async fn respond(&self, real: Response) -> Response {
        if self.after_handling {
            self.wait().await;
        }
        let mut response = match &self.kind {
            Kind::Real => real,
            _ => self.made_up().await,
        };
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    async fn made_up(&self) -> Response {
        let mut response = match &self.kind {
            Kind::Empty | Kind::Real => Response::default(),
            Kind::Error { code, message } => axum::Json(
                ErrorResponse::new()
                    .error_code(code.clone())
                    .error_description("Injected fault")
                    .error_message(message.clone())
                    .message(message.clone()),
            )
            .into_response(),
            Kind::Body { content_type, body } => typed(content_type, Body::from(body.clone())),
            Kind::Large { bytes } => {
                typed("application/json", Body::from(format!("{{\"filler\":\"{}\"}}", "x".repeat(*bytes))))
            }
            Kind::Redirect { location } => {
                let mut response = Response::default();
                if let Ok(location) = HeaderValue::from_str(location) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            Kind::Endless => typed("application/json", Body::new(Endless { begun: false })),
            Kind::Hang => std::future::pending().await,
            Kind::Close => {
                let mut response = Response::default();
                response.extensions_mut().insert(CloseConnection);
                response
            }
        };
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
    }

    /// The fault in JSON, in the members that `POST /_emulator/faults` takes. A large body is told by its size alone.
    pub(super) fn describe(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        let calls = &self.calls;
        for (name, value) in [
            ("operation", &calls.operation),
            ("method", &calls.method),
            ("path", &calls.path),
            ("project", &calls.project),
            ("loginId", &calls.login_id),
        ] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        match &self.kind {
            Kind::Real | Kind::Empty => {}
            Kind::Error { code, message } => {
                put("errorCode", json!(code));
                put("errorMessage", json!(message));
            }
            Kind::Body { content_type, body } => {
                put("contentType", json!(content_type));
                put("body", json!(body));
            }
            Kind::Large { bytes } => put("largeBody", json!(bytes)),
            Kind::Redirect { location } => put("location", json!(location)),
            Kind::Endless => put("kind", json!("endlessBody")),
            Kind::Hang => put("kind", json!("hang")),
            Kind::Close => put("kind", json!("close")),
        }
        if let Some(status) = self.recorded_status().filter(|status| *status != 0) {
            put("status", json!(status));
        }
        if !self.headers.is_empty() {
            let headers = self.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
            put("headers", Value::Object(headers.collect()));
        }
        if let Some(seconds) = self.retry_after {
            put("retryAfter", json!(seconds));
        }
        if !self.latency.is_zero() {
            put("latencyMillis", json!(u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX)));
        }
        if self.probability < 1.0 {
            put("probability", json!(self.probability));
        }
        match self.times {
            Some(times) => put("times", json!(times)),
            None => put("always", json!(true)),
        }
        put("afterHandling", json!(self.after_handling));
        members
    }
}

fn typed(content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    if let Ok(value) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

/// Marks a response whose connection is to be closed instead of answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloseConnection;

/// A body that sends one brace and then nothing, without an end.
struct Endless {
    begun: bool,
}

impl hyper::body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        if self.begun {
            return std::task::Poll::Pending;
        }
        self.begun = true;
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(bytes::Bytes::from_static(b"{")))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_paths_stand_for_any_letters() {
        for (pattern, path) in [
            ("/v1/a", "/v1/a"),
            ("/v1/*", "/v1/"),
            ("/v1/*", "/v1/a/b"),
            ("*/verify/*", "/v1/auth/otp/verify/email"),
            ("/a*b*c", "/abbc"),
            ("*", "/"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("/v1/a", "/v1/a/b"), ("/v1/*", "/v2/a"), ("/a*b*c", "/acb"), ("*aa", "/a"), ("", "/")]
        {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn odd_values_are_refused_by_name() {
        let refused = |mut fault: Fault| fault.check().expect_err("refused").member();
        assert_eq!(refused(Fault::status(7)), "status");
        assert_eq!(refused(Fault::status(503).times(0)), "times");
        for odd in [0.0, -1.0, 1.5, f64::NAN] {
            assert_eq!(refused(Fault::status(503).probability(odd)), "probability");
        }
        assert_eq!(refused(Fault::delay(Duration::from_secs(601))), "latencyMillis");
        assert_eq!(refused(Fault::status(503).header("a b", "c")), "headers");
        assert_eq!(refused(Fault::status(503).header("a", "c\n")), "headers");
        assert_eq!(refused(Fault::status(503).header("Content-Length", "5")), "headers");
        assert_eq!(refused(Fault::body(503, "text\n", "")), "contentType");
        assert_eq!(refused(Fault::redirect("\n")), "location");
        assert_eq!(refused(Fault::status(503).operation("otpVerifyPigeon")), "operation");
        assert_eq!(refused(Fault::status(503).method("FETCH")), "method");
        assert_eq!(refused(Fault::status(503).path("v1")), "path");
        assert_eq!(refused(Fault::status(503).login_id("")), "loginId");
        assert_eq!(refused(Fault::status(503).project("")), "project");
        assert!(Fault::status(503).method("post").operation("otp_verify_email").check().is_ok());
    }
}
