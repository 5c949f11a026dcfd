//! Answers that a test wants to see for once: errors, broken bodies, cut connections.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use descope_api::types::ErrorResponse;
use http::{HeaderValue, StatusCode, header};

use crate::error::{RATE_LIMIT_EXCEEDED, Refusal};

/// What the next call of an operation gets instead of its answer.
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
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    status: StatusCode,
    retry_after: Option<u64>,
    times: u32,
    after_handling: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Empty,
    Error { code: String, message: String },
    Body { content_type: String, body: String },
    Large { bytes: usize },
    Redirect { location: String },
    Endless,
    Hang,
    Close,
}

impl Fault {
    fn new(kind: Kind, status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { kind, status, retry_after: None, times: 1, after_handling: false }
    }

    /// A status without a body. A number that is no HTTP status counts as 500.
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
        Self::new(Kind::Large { bytes: bytes.min(64 * 1024 * 1024) }, 200)
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

    /// Adds a `Retry-After` header with so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Happens to the next `times` calls instead of one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The call is carried out first, and only its answer gets lost.
    #[must_use]
    pub fn after_handling(mut self) -> Self {
        self.after_handling = true;
        self
    }

    pub(crate) fn is_after_handling(&self) -> bool {
        self.after_handling
    }

    /// The status for the journal: 0 when there is no answer.
    pub(crate) fn recorded_status(&self) -> u16 {
        match self.kind {
            Kind::Close | Kind::Hang => 0,
            _ => self.status.as_u16(),
        }
    }

    /// The answer; a hanging one never comes.
    pub(crate) async fn respond(&self) -> Response {
        let mut response = match &self.kind {
            Kind::Empty => Response::default(),
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
        *response.status_mut() = self.status;
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
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

/// The faults that wait for their call, by operation.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Mutex<HashMap<String, VecDeque<Fault>>>,
}

impl Faults {
    pub(crate) fn add(&self, operation: &str, fault: Fault) {
        if fault.times > 0 {
            self.waiting().entry(operation.to_owned()).or_default().push_back(fault);
        }
    }

    /// The fault for a call that happens now.
    pub(crate) fn take(&self, operation: &str) -> Option<Fault> {
        let mut waiting = self.waiting();
        let queue = waiting.get_mut(operation)?;
        let fault = queue.front_mut()?;
        fault.times -= 1;
        let taken = fault.clone();
        if taken.times == 0 {
            queue.pop_front();
        }
        Some(taken)
    }

    /// The faults that are still to come, by operation: what they answer, and how often.
    pub(crate) fn list(&self) -> Vec<serde_json::Value> {
        let waiting = self.waiting();
        let mut operations: Vec<_> = waiting.iter().collect();
        operations.sort_unstable_by_key(|(operation, _)| operation.as_str());
        let of = |(operation, faults): (&String, &VecDeque<Fault>)| {
            let one = |fault: &Fault| {
                serde_json::json!({
                    "operation": operation,
                    "status": fault.recorded_status(),
                    "times": fault.times,
                    "afterHandling": fault.after_handling,
                })
            };
            faults.iter().map(one).collect::<Vec<_>>()
        };
        operations.into_iter().flat_map(of).collect()
    }

    pub(crate) fn clear(&self) {
        self.waiting().clear();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Fault>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_happen_in_order_and_as_often_as_asked() {
        let faults = Faults::default();
        faults.add("a", Fault::status(503).times(2));
        faults.add("a", Fault::status(500));
        faults.add("a", Fault::status(501).times(0));
        faults.add("b", Fault::status(400));
        let next = |operation: &str| faults.take(operation).map(|fault| fault.status.as_u16());
        assert_eq!([next("a"), next("a"), next("a"), next("a")], [Some(503), Some(503), Some(500), None]);
        assert_eq!(next("b"), Some(400));
        assert_eq!(Fault::status(7).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
