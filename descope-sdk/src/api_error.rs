//! From the raw client's error to ours, and the one way in which this crate calls the raw client.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use descope_api::{ResponseValue, is_too_large, types::ErrorResponse};
use http::{HeaderMap, StatusCode, header};

use crate::{Error, ErrorCode, ErrorKind, Result, error::Inner};

/// Calls an operation of the raw client; its name in errors is the function's own.
macro_rules! call {
    ($client:expr, $operation:ident $(, $argument:expr)* $(,)?) => {
        $crate::api_error::answered(
            stringify!($operation),
            $client.$operation($($argument),*).await,
        )
    };
}
pub(crate) use call;

/// The name of an operation, for what is told before or after a call; it does not compile unless there is one.
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
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Origin {
    /// A success that does not hold what it should.
    pub(crate) fn lacks(&self, detail: &'static str) -> Error {
        Inner {
            operation: Some(self.operation),
            status: Some(self.status),
            request_id: request_id(&self.headers),
            detail: Some(detail.into()),
            ..Inner::of(ErrorKind::Decode)
        }
        .into()
    }
}

pub(crate) fn answered<T>(
    operation: &'static str,
    answer: Result<ResponseValue<T>, descope_api::Error<ErrorResponse>>,
) -> Result<Answer<T>> {
    match answer {
        Ok(answer) => {
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok(Answer { body: answer.into_inner(), origin: Origin { operation, status, headers } })
        }
        Err(error) => Err(Error::from(error).in_operation(operation)),
    }
}

impl From<descope_api::Error<ErrorResponse>> for Error {
    /// For calls made with the raw client, [`Descope::api`](crate::Descope::api).
    fn from(error: descope_api::Error<ErrorResponse>) -> Self {
        use descope_api::Error as Raw;
        match error {
            Raw::ErrorResponse(response) => refused(response).into(),
            Raw::ResponseBodyError(error) if is_too_large(&error) => Inner {
                status: Some(StatusCode::OK),
                detail: Some("the answer is too long".into()),
                ..Inner::of(ErrorKind::Decode)
            }
            .into(),
            Raw::CommunicationError(error) | Raw::InvalidUpgrade(error) | Raw::ResponseBodyError(error) => {
                transport(error).into()
            }
            // The document gives bodies to 200 and to refusals, and those of refusals are mended by the raw
            // client. The payload is dropped: it may hold tokens.
            Raw::InvalidResponsePayload(payload, error) => Inner {
                status: Some(StatusCode::OK),
                detail: payload.is_empty().then_some("the answer is empty".into()),
                source: Some(Arc::new(DecodeProblem::from(&error))),
                ..Inner::of(ErrorKind::Decode)
            }
            .into(),
            Raw::UnexpectedResponse(response) => {
                let status = response.status();
                Inner {
                    status: Some(status),
                    request_id: request_id(response.headers()),
                    retry_after: retry_after(response.headers()),
                    detail: status.is_redirection().then_some("redirected, which is not followed".into()),
                    ..Inner::of(ErrorKind::of_status(status))
                }
                .into()
            }
            Raw::InvalidRequest(why) | Raw::Custom(why) => {
                Inner { message: Some(why), ..Inner::of(ErrorKind::InvalidArgument) }.into()
            }
        }
    }
}

/// A refusal with the service's own words, or with a status alone when something in front of it answered.
fn refused(response: ResponseValue<ErrorResponse>) -> Inner {
    let status = response.status();
    let request_id = request_id(response.headers());
    let retry_after = retry_after(response.headers());
    let body = response.into_inner();
    let code = body.error_code.filter(|code| is_plausible(code)).map(ErrorCode::from);
    let by_code = code.as_ref().and_then(ErrorCode::kind).unwrap_or(ErrorKind::of_status(status));
    let kind = match (status, by_code) {
        // A limit enforced by a proxy comes without a code, or with another one.
        (StatusCode::TOO_MANY_REQUESTS, _) => ErrorKind::RateLimited,
        // What is not there is not there, whatever code goes with it.
        (StatusCode::NOT_IMPLEMENTED, _) => ErrorKind::Unsupported,
        (StatusCode::NOT_FOUND, ErrorKind::Unauthorized) => ErrorKind::NotFound,
        (_, kind) => kind,
    };
    Inner {
        status: Some(status),
        code,
        description: body.error_description.filter(|text| !text.is_empty()),
        message: body.error_message.or(body.message).filter(|text| !text.is_empty()),
        request_id,
        retry_after,
        ..Inner::of(kind)
    }
}

/// No answer, or half of one. The address is taken out: its query may name a user.
fn transport(error: reqwest::Error) -> Inner {
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Network };
    let status = error.status();
    Inner { status, source: Some(Arc::new(error.without_url())), ..Inner::of(kind) }
}

/// Anything that is not short and plain is not a code, whatever member it came in.
fn is_plausible(code: &str) -> bool {
    (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("cf-ray")?.to_str().ok()?;
    (id.len() <= 64).then(|| id.to_owned())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// Where a body stopped making sense. Stands in for the parser's own error, whose text quotes the body.
#[derive(Debug)]
struct DecodeProblem {
    category: serde_json::error::Category,
    line: usize,
    column: usize,
    /// The member, as the raw client tells it.
    member: Option<String>,
}

impl From<&serde_json::Error> for DecodeProblem {
    fn from(error: &serde_json::Error) -> Self {
        // Its types name the member and never its value, and know of no lines; what has one is the parser's.
        let member = (error.is_data() && error.line() == 0).then(|| error.to_string());
        Self { category: error.classify(), line: error.line(), column: error.column(), member }
    }
}

impl fmt::Display for DecodeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use serde_json::error::Category;
        if let Some(member) = &self.member {
            return f.write_str(member);
        }
        let what = match self.category {
            Category::Io => "unreadable",
            Category::Syntax => "not JSON",
            Category::Data => "a member of another type than documented",
            Category::Eof => "JSON that ends too early",
        };
        write!(f, "{what} at line {} column {}", self.line, self.column)
    }
}

impl StdError for DecodeProblem {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Error {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let body = serde_json::from_str(body).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        descope_api::Error::ErrorResponse(ResponseValue::new(body, status, map)).into()
    }

    #[test]
    fn refusal_keeps_everything_the_service_said() {
        let error = error(
            429,
            &[("cf-ray", "8f1-FRA"), ("retry-after", "7")],
            r#"{"errorCode":"E130429","errorDescription":"Rate limit exceeded","errorMessage":"slow down"}"#,
        );
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.code(), Some(&ErrorCode::RATE_LIMIT_EXCEEDED));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.request_id(), Some("8f1-FRA"));
        assert_eq!(error.message(), Some("slow down"));
        assert!(error.is_retryable());
    }

    #[test]
    fn code_comes_before_status_and_status_before_nothing() {
        assert_eq!(error(401, &[], r#"{"errorCode":"E062503"}"#).kind(), ErrorKind::Pending);
        assert_eq!(error(401, &[], r#"{"errorCode":"E069999"}"#).kind(), ErrorKind::Unauthorized);
        assert_eq!(error(502, &[], "{}").kind(), ErrorKind::Server);
        assert_eq!(error(429, &[], "{}").kind(), ErrorKind::RateLimited);
        assert_eq!(error(400, &[("retry-after", "soon")], r#"{"message":"m"}"#).message(), Some("m"));
        // These statuses say more than the code.
        assert_eq!(error(429, &[], r#"{"errorCode":"E011001"}"#).kind(), ErrorKind::RateLimited);
        assert_eq!(error(501, &[], r#"{"errorCode":"E011001"}"#).kind(), ErrorKind::Unsupported);
        assert_eq!(error(404, &[], r#"{"errorCode":"E062803"}"#).kind(), ErrorKind::NotFound);
    }

    #[test]
    fn text_in_place_of_a_code_is_not_one() {
        let error = error(400, &[], r#"{"errorCode":"eyJhbGciOiJSUzI1NiJ9.eyJkcm4iOiJEUyJ9.c2ln"}"#);
        assert_eq!(error.code(), None);
        assert!(!format!("{error:?}").contains("eyJ"));
    }

    #[test]
    fn unreadable_body_is_not_quoted() {
        fn unreadable<T: serde::de::DeserializeOwned>(body: &str) -> String {
            let Err(problem) = serde_json::from_str::<T>(body) else { panic!("{body} is read") };
            let payload = body.to_owned().into();
            let error = Error::from(descope_api::Error::InvalidResponsePayload(payload, problem));
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert_eq!(error.status(), Some(StatusCode::OK));
            let printed = format!("{error} {error:?} {}", error.source().unwrap());
            assert!(!printed.contains("secret"), "{printed}");
            error.source().unwrap().to_string()
        }

        use descope_api::types::{AuthHistory, EmptyResponse, JwtResponse};
        assert_eq!(unreadable::<JwtResponse>(r#"{"sessionJwt":{"very":"secret"}}"#), "sessionJwt: is no string");
        assert_eq!(unreadable::<JwtResponse>(r#"{"user":{"loginIds":[1]}}"#), "user.loginIds[0]: is no string");
        assert_eq!(unreadable::<JwtResponse>(r#""secret""#), "is no object");
        assert!(unreadable::<JwtResponse>(r#"{"secret":"#).ends_with("at line 1 column 10"));
        assert!(unreadable::<EmptyResponse>(r#""secret""#).starts_with("a member of another type"));
        unreadable::<AuthHistory>(r#"[{"city":{"very":"secret"}}]"#);
    }
}
