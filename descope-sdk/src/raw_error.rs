//! From the raw client's error to ours, and the one way in which this crate calls the raw client.

use std::{convert::Infallible, error::Error as StdError, sync::Arc};

use descope_api::ResponseValue;
use http::{HeaderMap, StatusCode};

use crate::{Error, ErrorCode, ErrorKind, Result, error::Inner};

/// Calls an operation of the raw client; its name in errors is the function's own.
macro_rules! call {
    ($client:expr, $operation:ident $(, $argument:expr)* $(,)?) => {
        $crate::raw_error::answered(
            stringify!($operation),
            $client.$operation($($argument),*).await,
        )
    };
}
pub(crate) use call;

/// The name of an operation, for what is reported before or after a call; it does not compile unless there is one.
macro_rules! operation {
    ($operation:ident) => {{
        let _ = descope_api::Client::$operation;
        stringify!($operation)
    }};
}
pub(crate) use operation;

/// What an operation answered.
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    pub(crate) origin: Origin,
}

/// Where an answer came from, for what turns out to be wrong with it.
pub(crate) struct Origin {
    pub(crate) operation: &'static str,
    pub(crate) head: ResponseValue<()>,
}

impl Origin {
    #[cfg(test)]
    pub(crate) fn of(operation: &'static str, headers: HeaderMap) -> Self {
        Self { operation, head: ResponseValue::new((), StatusCode::OK, headers) }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// A success that does not hold what it should.
    pub(crate) fn lacks(&self, detail: &'static str) -> Error {
        Inner {
            operation: Some(self.operation),
            status: Some(self.head.status()),
            request_id: request_id(self.headers()),
            detail: Some(detail.into()),
            ..Inner::of(ErrorKind::Decode)
        }
        .into()
    }
}

pub(crate) fn answered<T>(
    operation: &'static str,
    answer: Result<ResponseValue<T>, descope_api::Error>,
) -> Result<Answer<T>> {
    match answer {
        Ok(answer) => {
            // `headers()` only borrows, and a copy would cost more than the rest of this function.
            let mut body = None;
            let Ok(head) = answer.map::<(), _, Infallible>(|inner| body = Some(inner));
            let Some(body) = body else { unreachable!("`map` calls what it is given") };
            Ok(Answer { body, origin: Origin { operation, head } })
        }
        Err(error) => Err(Error::from(error).in_operation(operation)),
    }
}

impl From<descope_api::Error> for Error {
    /// For calls made with the raw client, [`Descope::api`](crate::Descope::api).
    fn from(error: descope_api::Error) -> Self {
        use descope_api::ErrorKind as Raw;
        let status = error.status();
        let request_id = error.request_id().map(str::to_owned);
        let (operation, retry_after) = (error.operation(), error.retry_after());
        let detail = error.detail_text().map(|detail| detail.to_owned().into());
        let raw = error.kind();
        let (words, source) = error.into_parts();
        let words = words.unwrap_or_default();
        let code = words.error_code.filter(|code| is_plausible(code)).map(ErrorCode::from);
        let ours = raw == Raw::Refused;
        let filled = |text: &String| !text.is_empty();
        // Only the service's own descriptions are fixed texts.
        let (description, theirs) =
            if ours { (words.error_description, None) } else { (None, words.error_description) };
        let message = [words.error_message, words.message, words.detail, theirs, words.error.map(String::from)];
        let kind = match raw {
            Raw::InvalidRequest => ErrorKind::InvalidArgument,
            Raw::Timeout => ErrorKind::Timeout,
            Raw::Refused => refused(status, code.as_ref()),
            Raw::Intercepted => intercepted(status),
            Raw::TooLarge | Raw::Decode => ErrorKind::Decode,
            // No connection, or one that broke.
            _ => ErrorKind::Network,
        };
        let detail = match raw {
            Raw::TooLarge => Some("the answer is too long: `max_response_bytes` allows more".into()),
            _ => detail,
        };
        Inner {
            operation: Some(operation),
            status,
            // Only the service's own codes mean what they say.
            code: code.filter(|_| ours),
            description: description.filter(filled),
            message: message.into_iter().flatten().find(filled),
            request_id,
            retry_after,
            detail,
            source: source.map(|source| Arc::from(source) as Arc<dyn StdError + Send + Sync>),
            ..Inner::of(kind)
        }
        .into()
    }
}

/// What the service's refusal means.
fn refused(status: Option<StatusCode>, code: Option<&ErrorCode>) -> ErrorKind {
    let by_status = status.map_or(ErrorKind::Api, ErrorKind::of_status);
    match (status, code.and_then(ErrorCode::kind).unwrap_or(by_status)) {
        // A limit enforced in front of the service comes with another code.
        (Some(StatusCode::TOO_MANY_REQUESTS), _) => ErrorKind::RateLimited,
        // What is not there is not there, whatever code goes with it.
        (Some(StatusCode::NOT_IMPLEMENTED), _) => ErrorKind::Unsupported,
        (Some(StatusCode::NOT_FOUND), ErrorKind::Unauthorized) => ErrorKind::NotFound,
        (_, kind) => kind,
    }
}

/// What an answer of somebody else means: its status is no verdict on the call, but says whether to come back.
fn intercepted(status: Option<StatusCode>) -> ErrorKind {
    match status.map(|status| status.as_u16()) {
        Some(408) => ErrorKind::Timeout,
        Some(429) => ErrorKind::RateLimited,
        Some(500..) => ErrorKind::Server,
        _ => ErrorKind::Intercepted,
    }
}

/// Anything that is not short and plain is not a code, whatever member it came in.
fn is_plausible(code: &str) -> bool {
    (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("cf-ray")?.to_str().ok()?;
    (id.len() <= 64).then(|| id.to_owned())
}
