//! Why a call did not succeed.

use std::{error::Error as StdError, fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use http_body_util::LengthLimitError;

use crate::{retry::retry_after, types::ErrorResponse};

/// The longest request id and error code that are shown.
const MAX_ID: usize = 64;

/// Why a call of a [`Client`](crate::Client) did not succeed.
///
/// Neither `Display` nor `Debug` shows a body, a parameter or a credential: what the service said about the call is in
/// [`refusal`](Self::refusal), and may repeat what was sent.
///
/// ```
/// use descope_api::{Client, Config, ErrorKind};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), reqwest::Error> {
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let client = Client::connect(http, Config::new("https://api.descope.com", "P2RmuXyZ0123456789abcdefghij"));
/// let error = client.session_me().await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidRequest);
/// assert_eq!(error.to_string(), "session_me: sessionMe needs a token: give one with `with_token`");
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

/// What went wrong.
///
/// New kinds may be added; keep a `_` arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call cannot be made: a credential is missing, or a parameter has a value that no request can carry. Nothing was
    /// sent.
    InvalidRequest,
    /// No connection could be made, so nothing was sent.
    Connect,
    /// The answer did not come in time. Whether the call was carried out is not known.
    Timeout,
    /// The connection broke. Whether the call was carried out is not known.
    Network,
    /// The service refused the call: [`Error::refusal`] says why.
    Refused,
    /// Something other than the service answered: a firewall, a proxy, a captive portal. Nothing is known about the call.
    Intercepted,
    /// The answer is longer than [`Config::max_response_bytes`](crate::Config::max_response_bytes).
    TooLarge,
    /// The call succeeded, but its answer is not what is documented.
    Decode,
}

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    status: Option<StatusCode>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    refusal: Option<ErrorResponse>,
    /// Words of our own: they hold nothing that came from outside.
    detail: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self(Box::new(Inner {
            kind,
            operation,
            status: None,
            request_id: None,
            retry_after: None,
            refusal: None,
            detail: None,
            source: None,
        }))
    }

    /// A call that cannot be made.
    pub(crate) fn invalid(operation: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, operation).detail(detail)
    }

    /// A failure of the connection. The address is taken out: its path and query may name a user.
    pub(crate) fn transport(operation: &'static str, error: reqwest::Error) -> Self {
        Self::new(kind(&error), operation).source(error.without_url())
    }

    /// A body that has not come whole, or is longer than is read.
    pub(crate) fn body(operation: &'static str, error: Box<dyn StdError + Send + Sync>) -> Self {
        match error.downcast::<reqwest::Error>() {
            Ok(error) => Self::transport(operation, *error),
            Err(error) => Self::new(ErrorKind::TooLarge, operation).source(error),
        }
    }

    /// What an answer says about itself.
    pub(crate) fn answered(mut self, status: StatusCode, headers: &HeaderMap) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id(headers).map(str::to_owned);
        self.0.retry_after = retry_after(headers);
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub(crate) fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn refused(mut self, words: ErrorResponse) -> Self {
        self.0.refusal = Some(words);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The function of the client that failed, such as `otp_verify_email`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The status of the answer, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The id of the request (header `CF-Ray`), which Descope's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service wants to be left alone (header `Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the answer says about the refusal. With the kind [`Intercepted`](ErrorKind::Intercepted) these are not
    /// Descope's words.
    pub fn refusal(&self) -> Option<&ErrorResponse> {
        self.0.refusal.as_ref()
    }

    /// The code of the refusal, such as `E061102`, if it is one that may be shown.
    pub fn code(&self) -> Option<&str> {
        let code = self.refusal()?.error_code.as_deref()?;
        (code.len() <= 16 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
    }

    /// A sentence about the cause where there is one to say. It holds nothing that came from outside.
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The words of the refusal and the cause, for an error of another type.
    #[must_use]
    pub fn into_parts(self) -> (Option<ErrorResponse>, Option<Box<dyn StdError + Send + Sync>>) {
        (self.0.refusal, self.0.source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, operation, status, detail, .. } = &*self.0;
        write!(f, "{operation}: ")?;
        match (detail, kind) {
            (Some(detail), _) => f.write_str(detail)?,
            (None, ErrorKind::InvalidRequest) => f.write_str("the request cannot be made")?,
            (None, ErrorKind::Connect) => f.write_str("no connection")?,
            (None, ErrorKind::Timeout) => f.write_str("no answer in time")?,
            (None, ErrorKind::Network) => f.write_str("the connection broke")?,
            (None, ErrorKind::Refused) => f.write_str("refused")?,
            (None, ErrorKind::Intercepted) => f.write_str("something other than Descope answered")?,
            (None, ErrorKind::TooLarge) => f.write_str("the answer is too long")?,
            (None, ErrorKind::Decode) => f.write_str("the answer is not as documented")?,
        }
        match (status, self.code()) {
            (Some(status), Some(code)) => write!(f, " ({} {code})", status.as_u16()),
            (Some(status), None) => write!(f, " ({})", status.as_u16()),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, operation, status, request_id, retry_after, refusal: _, detail, source } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("operation", operation)
            .field("status", status)
            .field("code", &self.code())
            .field("request_id", request_id)
            .field("retry_after", retry_after)
            .field("detail", detail)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// What kind of failure of the connection this is.
pub(crate) fn kind(error: &reqwest::Error) -> ErrorKind {
    match error {
        error if error.is_builder() => ErrorKind::InvalidRequest,
        error if is_too_large(error) => ErrorKind::TooLarge,
        // A connection that took too long was never made.
        error if error.is_connect() => ErrorKind::Connect,
        error if error.is_timeout() => ErrorKind::Timeout,
        _ => ErrorKind::Network,
    }
}

/// The id that an answer gives to its request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("cf-ray").and_then(|id| id.to_str().ok()).filter(|id| id.len() <= MAX_ID)
}

/// Whether the body was cut because it is longer than the client reads.
fn is_too_large(error: &(dyn StdError + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_too_large)
}
