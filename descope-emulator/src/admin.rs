//! The emulator's own endpoints, below `/_emulator/`: the HTTP twin of [`Emulator`](crate::Emulator)'s functions.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Query, State as Shared},
    http::Method,
    response::Response,
    routing::{delete, get, post},
};
use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    app::{App, read_json, respond},
    error::{BAD_REQUEST, INVALID_ARGUMENTS, Refusal},
    fault::Fault,
};

/// The longest that a caller may wait for a message, in seconds.
const MAX_WAIT: u64 = 60;

type AppState = Shared<Arc<App>>;
type Answer = Result<Value, Refusal>;

/// The routes below `/_emulator`.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(about))
        .route("/inbox", get(|app, query| async move { respond(inbox(app, query).await) }))
        .route("/inbox", delete(clear_inbox))
        .route("/clock", get(|app: AppState| async move { respond(Ok(json!({"now": app.clock.now()}))) }))
        .route("/clock", post(|app, body| async move { respond(advance(app, body).await) }))
        .route("/faults", post(|app, body| async move { respond(add_fault(app, body).await) }))
        .route(
            "/requests",
            get(|app: AppState| async move { respond(Ok(json!({"requests": app.journal.requests()}))) }),
        )
        .route("/reset", post(reset))
        .route("/keys/rotate", post(|app, body| async move { respond(rotate(app, body).await) }))
        .fallback(|method: Method, uri: http::Uri| async move {
            respond(Err(Refusal::new(&BAD_REQUEST, format!("The emulator has no {method} {uri} of its own"))
                .status(StatusCode::NOT_FOUND)))
        })
        .method_not_allowed_fallback(|| async {
            respond(Err(Refusal::new(&BAD_REQUEST, "The emulator's endpoint does not take this method")
                .status(StatusCode::METHOD_NOT_ALLOWED)))
        })
}

/// What is emulated here.
pub(crate) async fn about(Shared(app): AppState) -> Response {
    let operations = app.routes.count();
    let emulated = app.table.operations().count();
    respond(Ok(json!({
        "projectId": app.project_id,
        "version": env!("CARGO_PKG_VERSION"),
        "operations": operations,
        "emulated": emulated,
        "now": app.clock.now(),
    })))
}

async fn inbox(Shared(app): AppState, Query(query): Query<HashMap<String, String>>) -> Answer {
    let number = |name: &str| match query.get(name).filter(|value| !value.is_empty()) {
        None => Ok(0),
        Some(value) => value.parse::<u64>().map_err(|_| {
            Refusal::new(&INVALID_ARGUMENTS, format!("The query parameter {name} has to be a whole number"))
        }),
    };
    let to = query.get("to").filter(|to| !to.is_empty()).map(String::as_str);
    let (after, wait) = (number("after")?, number("wait")?.min(MAX_WAIT));
    let mut messages = app.inbox.after(to, after);
    if messages.is_empty() && wait > 0 {
        let waiting = app.inbox.wait_after(to, after);
        messages = tokio::time::timeout(Duration::from_secs(wait), waiting).await.unwrap_or_default();
    }
    Ok(json!({"messages": messages}))
}

async fn clear_inbox(Shared(app): AppState) -> Response {
    app.inbox.clear();
    respond(Ok(json!({})))
}

async fn reset(Shared(app): AppState) -> Response {
    app.reset();
    respond(Ok(json!({})))
}

async fn body_of<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let value = read_json(body).await?.unwrap_or_else(|| json!({}));
    serde_json::from_value(value).map_err(|error| Refusal::new(&BAD_REQUEST, error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

async fn advance(Shared(app): AppState, body: Body) -> Answer {
    let advance: Advance = body_of(body).await?;
    app.clock.advance(Duration::from_secs(advance.advance_seconds));
    Ok(json!({"now": app.clock.now()}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotate {
    #[serde(default)]
    keep_old: bool,
}

async fn rotate(Shared(app): AppState, body: Body) -> Answer {
    let rotate: Rotate = body_of(body).await?;
    app.state().keys.rotate(rotate.keep_old);
    Ok(json!({}))
}

/// A fault in JSON. Which kind it is follows from the fields that are there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultRequest {
    operation: String,
    /// `close`, `hang`, `endlessBody`; an ordinary answer without it.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    large_body: Option<usize>,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    after_handling: bool,
}

async fn add_fault(Shared(app): AppState, body: Body) -> Answer {
    let request: FaultRequest = body_of(body).await?;
    let Some(operation) = descope_api::operation(&request.operation) else {
        let message = format!("There is no operation {:?}", request.operation);
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    };
    let fault = fault(request)?;
    app.faults.add(operation.id, fault);
    Ok(json!({}))
}

fn fault(request: FaultRequest) -> Result<Fault, Refusal> {
    let status = request.status.unwrap_or(500);
    let mut fault = match request.kind.as_deref() {
        Some("close") => Fault::close(),
        Some("hang") => Fault::hang(),
        Some("endlessBody") => Fault::endless_body(),
        Some(other) => {
            let message = format!("There is no fault of kind {other:?}; there are close, hang and endlessBody");
            return Err(Refusal::new(&INVALID_ARGUMENTS, message));
        }
        None => match (request.error_code, request.body, request.large_body, request.location) {
            (Some(code), ..) => Fault::error(status, code, request.error_message.unwrap_or_default()),
            (_, Some(body), ..) => Fault::body(status, request.content_type.as_deref().unwrap_or("text/html"), body),
            (_, _, Some(bytes), _) => Fault::large_body(bytes),
            (_, _, _, Some(location)) => Fault::redirect(location),
            _ => Fault::status(status),
        },
    };
    if let Some(seconds) = request.retry_after {
        fault = fault.retry_after(seconds);
    }
    if let Some(times) = request.times {
        fault = fault.times(times);
    }
    Ok(if request.after_handling { fault.after_handling() } else { fault })
}
