//! How every generated function ends: send, and read the answer by its status.
//!
//! The generator writes this out in each of them; `cargo xtask codegen` replaces it by these calls, because hundreds of
//! copies take as long to compile as everything else in the crate.

use std::pin::{Pin, pin};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use progenitor_client::{ByteStream, ResponseValue};
use reqwest::{Request, RequestBuilder, Response};
use serde::Serialize;
use tracing::{Instrument as _, Span};

use crate::{
    Client, Error, ErrorKind, Operation,
    json::{self, FromJson},
    refusal, span,
};

/// Error bodies longer than this are not Descope's.
const MAX_ERROR_BYTES: usize = 64 * 1024;

type Result<T> = std::result::Result<T, Error>;

/// An answer that has come, without its body.
pub(crate) struct Head {
    status: StatusCode,
    headers: HeaderMap,
}

/// A request, or why there is none. Boxed, because each async function that it passes through would store it twice.
type Outgoing = reqwest::Result<Box<Request>>;

impl Client {
    /// Sends a request that is answered with JSON.
    pub(crate) fn answered<T: FromJson>(
        &self,
        request: reqwest::Result<Request>,
        known: &'static Operation,
    ) -> impl Future<Output = Result<ResponseValue<T>>> {
        let read = self.read(request, known);
        async move {
            let (span, head, body) = read.await?;
            let mut inner = T::blank();
            match span.in_scope(|| json::read(&body, &mut inner)) {
                Ok(()) => Ok(ResponseValue::new(inner, head.status, head.headers)),
                Err(problem) => Err(span::failed(&span, unreadable(known.function, &head, problem))),
            }
        }
    }

    /// Sends a request whose success is all that the answer tells.
    pub(crate) fn acknowledged(
        &self,
        request: reqwest::Result<Request>,
        known: &'static Operation,
    ) -> impl Future<Output = Result<ResponseValue<()>>> {
        let head = self.head(accepting_json(request), known);
        async move {
            // `ResponseValue::empty` copies the headers.
            let (parts, _) = http::Response::<reqwest::Body>::from(head.await?).into_parts();
            Ok(ResponseValue::new((), parts.status, parts.headers))
        }
    }

    /// Sends a request that is answered with something else than JSON.
    pub(crate) fn streamed(
        &self,
        request: reqwest::Result<Request>,
        known: &'static Operation,
    ) -> impl Future<Output = Result<ResponseValue<ByteStream>>> {
        let head = self.head(request.map(Box::new), known);
        async move { Ok(ResponseValue::stream(head.await?)) }
    }

    /// The answer to a request, of which the body has not been read.
    fn head(&self, request: Outgoing, known: &'static Operation) -> Pin<Box<impl Future<Output = Result<Response>>>> {
        Box::pin(async move {
            let span = span_of(known, &request);
            let sent = pin!(self.send(request, known, &span).instrument(span.clone()));
            let sent = pin!(self.within(known.function, sent));
            Ok(self.bounded(span::operated(&span, sent).await?))
        })
    }

    /// The part of [`answered`](Self::answered) that is the same for every type. The span of the operation goes on for as
    /// long as it is kept.
    ///
    /// Boxed, it does not make the futures of callers larger, which may hold many.
    pub(crate) fn read(
        &self,
        request: reqwest::Result<Request>,
        known: &'static Operation,
    ) -> Pin<Box<impl Future<Output = Result<(Span, Head, Bytes)>>>> {
        let request = accepting_json(request);
        Box::pin(async move {
            let span = span_of(known, &request);
            let (head, body) = {
                let read = pin!(self.read_within(request, known, &span).instrument(span.clone()));
                let read = pin!(self.within(known.function, read));
                span::operated(&span, read).await?
            };
            Ok((span, head, body))
        })
    }

    async fn read_within(&self, request: Outgoing, known: &'static Operation, span: &Span) -> Result<(Head, Bytes)> {
        let operation = known.function;
        let response = http::Response::<reqwest::Body>::from(self.send(request, known, span).await?);
        let (http::response::Parts { status, headers, .. }, body) = response.into_parts();
        let head = Head { status, headers };
        let body = Limited::new(body, self.config().max_response_bytes).collect().await;
        let body = body.map_err(|error| Error::body(operation, error).answered(head.status, &head.headers))?.to_bytes();
        if !body.trim_ascii().is_empty() {
            return Ok((head, body));
        }
        // Where the answer holds nothing of use, no body is as good as `{}`; and 204 says that there is none.
        let says_so = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
        if says_so || known.answers_nothing {
            return Ok((head, Bytes::from_static(b"{}")));
        }
        Err(Error::new(ErrorKind::Decode, operation).answered(head.status, &head.headers).detail("the answer is empty"))
    }

    /// - `span`: that of the operation, inside of which this runs.
    async fn send(&self, request: Outgoing, known: &'static Operation, span: &Span) -> Result<Response> {
        let name = known.function;
        let mut request = request.map_err(|error| Error::transport(name, error))?;
        self.prepare(&mut request, known).map_err(|why| Error::invalid(name, why))?;
        let response = self.execute(request, known, span).await.map_err(|error| Error::transport(name, error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        if known.redirects && response.status().is_redirection() {
            // The generated code knows one success; what matters is in the headers.
            let mut response = http::Response::<reqwest::Body>::from(response);
            *response.status_mut() = StatusCode::OK;
            return Ok(response.into());
        }
        Err(Box::pin(refused(response, known)).await)
    }

    /// The same answer, whose body ends with an error when it is longer than is read.
    fn bounded(&self, response: Response) -> Response {
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let body = reqwest::Body::wrap(Limited::new(body, self.config().max_response_bytes));
        http::Response::from_parts(parts, body).into()
    }
}

fn span_of(known: &Operation, request: &Outgoing) -> Span {
    span::of_operation(known, request.as_ref().ok().map(|request| request.url()))
}

/// What a refusal says, if its body can be read. What matters is the status, which has come already: a broken body does
/// not take it away.
async fn refused(response: Response, known: &'static Operation) -> Error {
    let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let body = Limited::new(body, MAX_ERROR_BYTES).collect().await.map(http_body_util::Collected::to_bytes);
    let refusal = refusal::read(&body.unwrap_or_default(), Some(known));
    let redirected = parts.status.is_redirection();
    let of_service = refusal.of_service && !redirected;
    let kind = if of_service { ErrorKind::Refused } else { ErrorKind::Intercepted };
    let error = Error::new(kind, known.function).answered(parts.status, &parts.headers).refused(refusal.words);
    if redirected { error.detail("redirected, which is not followed") } else { error }
}

/// A success that cannot be read: not JSON at all when somebody else answered.
fn unreadable(operation: &'static str, head: &Head, problem: json::Problem) -> Error {
    let foreign = problem.is_foreign() && !says_json(&head.headers);
    let kind = if foreign { ErrorKind::Intercepted } else { ErrorKind::Decode };
    Error::new(kind, operation).answered(head.status, &head.headers).source(problem)
}

/// Whether the media type is one of JSON, with parameters or without.
fn says_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn accepting_json(request: reqwest::Result<Request>) -> Outgoing {
    request.map(|request| {
        let mut request = Box::new(request);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request
    })
}

/// Bodies of forms, by the name that the generated code calls.
pub(crate) trait FormBody: Sized {
    fn form_urlencoded<T: Serialize + ?Sized>(self, body: &T) -> Result<Self>;
}

impl FormBody for RequestBuilder {
    fn form_urlencoded<T: Serialize + ?Sized>(self, body: &T) -> Result<Self> {
        let form = serde_urlencoded::to_string(body)
            .map_err(|_| Error::invalid("form", "the body holds something that no form can carry"))?;
        Ok(self.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form))
    }
}
