//! One emulated project: everything that a request can reach, and the way of a request through it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    extract::{Request, State as Shared},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use descope_api::Operation;
use http::{HeaderValue, StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::{
    auth,
    clock::Clock,
    error::{BAD_REQUEST, NOT_EMULATED, Refusal},
    fault::Faults,
    handler::{Call, Table},
    inbox::Inbox,
    journal::{Credential, Journal, RecordedRequest},
    random,
    router::{Found, Routes},
    schema::Document,
    state::State,
};

/// The largest body that is read, in bytes. A larger one is refused with 413.
const MAX_BODY: usize = 1024 * 1024;
/// How much of a body that is too large is thrown away before the answer, so that the client gets to read it.
const MAX_DISCARD: usize = 64 * 1024 * 1024;
/// The largest body that the journal keeps.
const MAX_JOURNAL_BODY: usize = 16 * 1024;

/// The address of the caller, added to each request by the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// One emulated project.
pub(crate) struct App {
    pub(crate) project_id: String,
    pub(crate) management_key: String,
    pub(crate) clock: Clock,
    pub(crate) inbox: Inbox,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) document: &'static Document,
    pub(crate) routes: Routes,
    pub(crate) table: Table,
    state: Mutex<State>,
}

/// What becomes of a call.
struct Outcome {
    credentials: Vec<Credential>,
    result: Result<Value, Refusal>,
}

impl App {
    pub(crate) fn new(project_id: String, management_key: String, document: &'static Document, table: Table) -> Self {
        Self {
            project_id,
            management_key,
            clock: Clock::default(),
            inbox: Inbox::default(),
            faults: Faults::default(),
            journal: Journal::default(),
            document,
            routes: Routes::new(descope_api::OPERATIONS),
            table,
            state: Mutex::new(State::new()),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has left the state as it was between two statements: good enough to go on with.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything but the signing keys, which clients may have cached.
    pub(crate) fn reset(&self) {
        self.state().reset();
        self.inbox.clear();
        self.faults.clear();
        self.journal.clear();
        self.clock.reset();
    }

    /// Checks a call and carries it out.
    fn handle(
        &self,
        operation: &'static Operation,
        path: HashMap<String, String>,
        parts: &Parts,
        ip: String,
        body: &Bytes,
    ) -> Outcome {
        let now = self.clock.now();
        let mut state = self.state();
        state.sweep(now);
        let entry = self.table.get(operation.id);
        let lenient = entry.is_some_and(|entry| entry.lenient);
        let project = (self.project_id.as_str(), self.management_key.as_str());
        let (credentials, caller) = auth::authorise(operation, lenient, &parts.headers, &state, project, now);
        let result = caller.and_then(|caller| {
            let Some(entry) = entry else {
                let message = format!("The emulator does not know how to answer {} yet", operation.id);
                return Err(Refusal::new(&NOT_EMULATED, message));
            };
            let query = parse_query(parts.uri.query());
            self.document.check_query(operation.id, &query)?;
            let body = self.document.check_body(operation.id, parse_body(body)?)?;
            let mut call = Call {
                operation,
                state: &mut state,
                inbox: &self.inbox,
                project_id: &self.project_id,
                now,
                caller,
                path,
                query,
                ip,
                body,
            };
            (entry.handler)(&mut call)
        });
        Outcome { credentials, result }
    }

    fn record(
        &self,
        operation: Option<&Operation>,
        parts: &Parts,
        body: &Bytes,
        credentials: Vec<Credential>,
        answer: (u16, Option<String>),
    ) {
        let hidden = |name: &header::HeaderName| *name == header::AUTHORIZATION || *name == header::COOKIE;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts
            .headers
            .iter()
            .filter(|(name, _)| !hidden(name))
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
        self.journal.record(RecordedRequest {
            id: 0,
            operation: operation.map(|operation| operation.id.to_owned()),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers,
            credentials,
            body: Some(body)
                .filter(|body| body.len() <= MAX_JOURNAL_BODY)
                .and_then(|body| serde_json::from_slice(body).ok()),
            status: answer.0,
            error_code: answer.1,
            at: self.clock.now(),
        });
    }
}

/// Answers every request that is not about the emulator itself.
pub(crate) async fn dispatch(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let ip = parts.extensions.get::<Peer>().map_or_else(String::new, |peer| peer.0.to_string());
    let found = app.routes.find(parts.method.as_str(), parts.uri.path());
    let (operation, parameters) = match found {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::OtherMethod(methods) => {
            let message = format!("{} {} does not exist; use {}", parts.method, parts.uri.path(), methods.join(" or "));
            return refuse_unrouted(&app, &parts, StatusCode::METHOD_NOT_ALLOWED, message);
        }
        Found::Nothing => {
            let message = format!("{} {} does not exist", parts.method, parts.uri.path());
            return refuse_unrouted(&app, &parts, StatusCode::NOT_FOUND, message);
        }
    };
    let fault = app.faults.take(operation.id);
    let body = read_body(body).await;
    if let Some(fault) = fault.as_ref().filter(|fault| !fault.is_after_handling()) {
        let seen = body.as_ref().cloned().unwrap_or_default();
        app.record(Some(operation), &parts, &seen, Vec::new(), (fault.recorded_status(), None));
        return fault.respond().await;
    }
    let (seen, outcome) = match body {
        Ok(body) => {
            let outcome = app.handle(operation, parameters, &parts, ip, &body);
            (body, outcome)
        }
        Err(refusal) => (Bytes::new(), Outcome { credentials: Vec::new(), result: Err(refusal) }),
    };
    let (status, code) = match &outcome.result {
        Ok(_) => (StatusCode::OK, None),
        Err(refusal) => (refusal.status, Some(refusal.code.id.to_owned())),
    };
    app.record(Some(operation), &parts, &seen, outcome.credentials, (status.as_u16(), code));
    match fault {
        Some(fault) => fault.respond().await,
        None => respond(outcome.result),
    }
}

fn refuse_unrouted(app: &App, parts: &Parts, status: StatusCode, message: String) -> Response {
    let refusal = Refusal::new(&BAD_REQUEST, message).status(status);
    app.record(None, parts, &Bytes::new(), Vec::new(), (status.as_u16(), Some(refusal.code.id.to_owned())));
    respond(Err(refusal))
}

/// The answer with its status, and with the request id that the service's front adds.
pub(crate) fn respond(result: Result<Value, Refusal>) -> Response {
    let mut response = match result {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(refusal) => (refusal.status, axum::Json(refusal.body())).into_response(),
    };
    if let Ok(ray) = HeaderValue::from_str(&format!("{}-EMU", random::alphanumeric(16).to_lowercase())) {
        response.headers_mut().insert("cf-ray", ray);
    }
    response
}

/// Reads a body up to the limit. What comes after it is read too, and thrown away.
async fn read_body(mut body: Body) -> Result<Bytes, Refusal> {
    let mut read = Vec::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::new(&BAD_REQUEST, "The request body ended too early"))?;
        let Ok(data) = frame.into_data() else { continue };
        total += data.len();
        if total <= MAX_BODY {
            read.extend_from_slice(&data);
        } else {
            read = Vec::new();
            if total > MAX_DISCARD {
                break;
            }
        }
    }
    if total > MAX_BODY {
        let message = format!("The request body is larger than {MAX_BODY} bytes");
        return Err(Refusal::new(&BAD_REQUEST, message).status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(read.into())
}

fn parse_body(body: &Bytes) -> Result<Option<Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(body)
        .map(Some)
        .map_err(|error| Refusal::new(&BAD_REQUEST, format!("The request body is not JSON: {error}")))
}

fn parse_query(query: Option<&str>) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Reads a JSON body of the emulator's own endpoints.
pub(crate) async fn read_json(body: Body) -> Result<Option<Value>, Refusal> {
    parse_body(&read_body(body).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operation_without_a_handler_says_so() {
        let document = Document::built_in().expect("parses");
        let app = Arc::new(App::new("P2".to_owned(), "K2".to_owned(), document, Table::default()));
        for (bearer, status, code) in [("Bearer P2", 501, "E990501"), ("Bearer P3", 401, "E011008")] {
            let request = Request::post("/v1/auth/otp/verify/email")
                .header(header::AUTHORIZATION, bearer)
                .body(Body::from("{}"))
                .expect("a request");
            let response = dispatch(Shared(Arc::clone(&app)), request).await;
            assert_eq!(response.status().as_u16(), status);
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["errorCode"], code);
            assert!(status != 501 || body["errorMessage"].to_string().contains("otpVerifyEmail"), "{body}");
        }
    }
}
