//! The emulator's own endpoints, below `/_emulator/`: the HTTP twin of [`Emulator`](crate::Emulator)'s functions.

mod doctor;
pub(crate) mod events;
pub(crate) mod fault;
pub(crate) mod faults;
mod front;
pub(crate) mod hosts;
pub(crate) mod inbox;
pub(crate) mod journal;
pub(crate) mod mask;
mod members;
pub(crate) mod messages;
pub(crate) mod person;
pub(crate) mod seen;
pub(crate) mod session;
pub(crate) mod token;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, Request, State as Shared},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::{journal::RequestFilter, messages::MessageFilter};
use crate::{
    area::{jwt_template, provider::page},
    error::{BAD_REQUEST, INVALID_ARGUMENTS, NOT_FOUND, PROJECT_NOT_FOUND, Refusal},
    http::{
        App, Reply,
        dispatch::{read_body, read_json, respond, unsaved},
        escape,
    },
    world::{Actor, Project, Saved, Settings},
};

/// The longest that a caller may wait for a message, in seconds.
const MAX_WAIT: u64 = 60;
/// The largest document of a state that is read, in bytes.
const MAX_STATE: usize = 256 * 1024 * 1024;

type AppState = Shared<Arc<App>>;
type Answer = Result<Value, Refusal>;
type Pairs = Query<Vec<(String, String)>>;

/// The emulator's own routes, closed to pages of others.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .nest("/_emulator", routes())
        .route("/_emulator/", get(entrance))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(app), guard))
}

/// Answers whom the emulator tells about itself, and refuses the others.
async fn guard(Shared(app): AppState, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let path = path.strip_prefix("/_emulator").unwrap_or(path);
    let mut response = match app.hosts.check(request.method(), path, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => answer(Err(refusal)),
    };
    front::close_off(response.headers_mut());
    response
}

/// The page for browsers, and for programs what is emulated here.
async fn entrance(Shared(app): AppState, headers: http::HeaderMap) -> Response {
    let mut response = if front::is_wanted(&headers) { front::page() } else { about(&app) };
    response.headers_mut().append(http::header::VARY, http::HeaderValue::from_static("Accept"));
    response
}

/// The routes below `/_emulator`.
fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(entrance))
        .route("/page/key", post(front::key))
        .route("/page/{file}", get(front::asset))
        .route("/operations", get(|app: AppState| async move { answer(Ok(front::operations(&app))) }))
        .route("/sessions", get(|app: AppState, query: Pairs| async move { answer(front::sessions(&app, &query)) }))
        .route("/health", get(|| async { answer(Ok(json!({"status": "ok"}))) }))
        .route("/inbox", get(|app: AppState, query: Pairs| async move { answer(inbox(app, query).await) }))
        .route("/inbox", delete(|app: AppState, query: Pairs| async move { answer(clear_inbox(&app, &query)) }))
        .route(
            "/doctor",
            get(|app: AppState, headers| async move { answer(doctor(&app, &headers, Body::empty()).await) }),
        )
        .route(
            "/doctor",
            post(|app: AppState, headers, body| async move { answer(doctor(&app, &headers, body).await) }),
        )
        .route("/events", get(events))
        .route(
            "/session",
            post(|app, query, headers, body| async move { answer(session(app, query, headers, body).await) }),
        )
        .route("/clock", get(|app: AppState| async move { answer(Ok(clock(&app))) }))
        .route("/clock", post(|app, body| async move { answer(set_clock(app, body).await) }))
        .route("/settings", get(|app: AppState, query: Pairs| async move { answer(settings(&app, &query)) }))
        .route("/settings", post(|app, query, body| async move { answer(change_settings(app, query, body).await) }))
        .route("/state", get(export))
        .route("/state", axum::routing::put(|app, body| async move { answer(import(app, body).await) }))
        .route("/snapshots", get(|app: AppState, query: Pairs| async move { answer(snapshots(&app, &query)) }))
        .route(
            "/snapshots/{name}",
            axum::routing::put(|app: AppState, query: Pairs, name: Path<String>| async move {
                answer(save(&app, &query, &name))
            }),
        )
        .route(
            "/snapshots/{name}/restore",
            post(|app: AppState, query: Pairs, name: Path<String>| async move { answer(restore(&app, &query, &name)) }),
        )
        .route("/faults", get(|app: AppState| async move { answer(Ok(list_faults(&app))) }))
        .route("/faults", post(|app: AppState, body| async move { answer(add_fault(&app, body).await) }))
        .route(
            "/faults",
            delete(|app: AppState| async move {
                app.faults.clear();
                answer(Ok(json!({})))
            }),
        )
        .route("/faults/{id}", get(|app: AppState, id: Path<String>| async move { answer(show_fault(&app, &id)) }))
        .route(
            "/faults/{id}",
            delete(|app: AppState, id: Path<String>| async move { answer(withdraw_fault(&app, &id)) }),
        )
        .route("/requests", get(|app: AppState, query: Pairs| async move { answer(requests(&app, &query)) }))
        .route(
            "/requests/count",
            get(|app: AppState, query: Pairs| async move { answer(count_requests(&app, &query)) }),
        )
        .route(
            "/requests",
            delete(|app: AppState| async move {
                app.journal.clear();
                app.world.events.change("requests", None);
                answer(Ok(json!({})))
            }),
        )
        .route("/provider", get(person::provider))
        .route("/provider/keys", get(person::provider_keys))
        .route("/provider/token", post(person::provider_token))
        .route("/messenger", get(person::messenger))
        .route("/authorize", get(authorize))
        .route("/device", get(device))
        .route("/device", post(|app: AppState, body| async move { answer(decide_device(&app, body).await) }))
        .route("/backchannel", get(backchannel))
        .route(
            "/backchannel",
            post(
                |app: AppState, query: Pairs, body| async move { answer(decide_backchannel(&app, &query, body).await) },
            ),
        )
        .route(
            "/reset",
            post(|app: AppState| async move {
                app.reset();
                answer(Ok(json!({})))
            }),
        )
        .route("/keys/rotate", post(|app, query, body| async move { answer(rotate(app, query, body).await) }))
        .fallback(|method: Method, uri: http::Uri| async move {
            answer(Err(Refusal::new(&BAD_REQUEST, format!("The emulator has no {method} {uri} of its own"))
                .status(StatusCode::NOT_FOUND)))
        })
        .method_not_allowed_fallback(|| async {
            answer(Err(Refusal::new(&BAD_REQUEST, "The emulator's endpoint does not take this method")
                .status(StatusCode::METHOD_NOT_ALLOWED)))
        })
}

fn answer(answer: Answer) -> Response {
    respond(answer.map(|body| axum::Json(body).into_response()))
}

/// What is emulated here.
fn about(app: &App) -> Response {
    let operations = app.routes.count();
    let emulated = app.table.operations().count();
    answer(Ok(json!({
        "what": "A local Descope. Nothing here leaves this computer. See /_emulator/inbox for codes and links.",
        "projectId": app.project_id,
        "version": env!("CARGO_PKG_VERSION"),
        "operations": operations,
        "emulated": emulated,
        "now": app.world.clock.now(),
        "projects": app.world.projects().iter().map(|project| project.id.clone()).collect::<Vec<_>>(),
        "page": "/_emulator/",
        "endpoints": [
            "GET /_emulator/",
            "GET /_emulator/inbox", "GET /_emulator/events", "GET /_emulator/sessions", "GET /_emulator/operations", "GET /_emulator/requests", "GET /_emulator/requests/count", "POST /_emulator/clock", "POST /_emulator/settings",
            "GET /_emulator/provider", "POST /_emulator/provider/token", "GET /_emulator/messenger",
            "POST /_emulator/session", "POST /_emulator/doctor", "GET /_emulator/state", "POST /_emulator/faults", "POST /_emulator/keys/rotate", "POST /_emulator/reset",
            "PUT /_emulator/snapshots/NAME", "POST /_emulator/snapshots/NAME/restore", "GET /_emulator/health",
        ],
    })))
}

/// What somebody sees who opens the emulator's address in a browser.
pub(crate) async fn welcome(Shared(app): AppState) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Descope emulator</title>\
         <h1>A local Descope</h1><p>Project <code>{}</code>, {} of {} operations. Nothing leaves this computer.</p>\
         <ul><li><a href=\"/_emulator/\">The page of the emulator: messages, users, sessions, requests, faults, the clock</a></li>\
         <li><a href=\"/_emulator/inbox\">Codes and links that would have been sent</a></li>\
         <li><a href=\"/_emulator/requests\">Requests and why they were refused</a></li>\
         <li><a href=\"/_emulator/state\">Everything that is known</a></li></ul>\n",
        escape(&app.project_id),
        app.table.operations().count(),
        app.routes.count(),
    );
    axum::response::Html(page).into_response()
}

/// The last value of a parameter of the query.
fn given<'a>(query: &'a Pairs, name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

/// The project that the parameter `project` names, else the default one.
fn project(app: &App, query: &Pairs) -> Result<Arc<Project>, Refusal> {
    match given(query, "project") {
        None => Ok(app.world.default_project()),
        Some(id) => app
            .world
            .existing(id)
            .ok_or_else(|| Refusal::new(&PROJECT_NOT_FOUND, format!("Project {id} has not been asked for yet"))),
    }
}

/// The messages that the query asks for, newest first; waits for one if it says so.
async fn inbox(Shared(app): AppState, query: Pairs) -> Answer {
    only(&query, &["to", "kind", "channel", "after", "wait", "order", "limit", "project"])?;
    let mut filter = MessageFilter::new().after(number(&query, "after")?.unwrap_or_default());
    if let Some(to) = given(&query, "to") {
        filter = filter.to(seen::plus_of(to));
    }
    for name in ["kind", "channel"] {
        if let Some(word) = given(&query, name) {
            filter = filter.named(word).ok_or_else(|| {
                Refusal::invalid(format!(
                    "The query parameter {name} cannot be {word:?}; it is code, magicLink, enchantedLink, link, push or \
                     notice, or email, sms, voice, whatsapp or im"
                ))
            })?;
        }
    }
    let oldest_first = match given(&query, "order") {
        None | Some("newest") => false,
        Some("oldest") => true,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "The query parameter order cannot be {other:?}; it is newest or oldest"
            )));
        }
    };
    let wait = number::<u64>(&query, "wait")?.unwrap_or_default().min(MAX_WAIT);
    let limit = number(&query, "limit")?.unwrap_or(usize::MAX);
    let inbox = &project(&app, &query)?.inbox;
    let mut messages = inbox.find(&filter);
    if messages.is_empty() && wait > 0 {
        let waiting = inbox.wait_for(&filter);
        messages = tokio::time::timeout(Duration::from_secs(wait), waiting).await.unwrap_or_default();
    }
    messages.truncate(limit);
    if oldest_first {
        messages.reverse();
    }
    let messages: Vec<Value> = messages.iter().map(inbox::Message::describe).collect();
    Ok(json!({"messages": messages}))
}

/// What happens from now on, or after the event with the number that a client gives which comes back.
async fn events(Shared(app): AppState, query: Pairs, headers: http::HeaderMap) -> Response {
    let wanted = || {
        only(&query, &["kind", "project", "after"])?;
        let mut kinds = Vec::new();
        for word in given(&query, "kind").into_iter().flat_map(|words| words.split(',')) {
            let kind = events::Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
            kinds.push(kind.ok_or_else(|| {
                Refusal::invalid(format!(
                    "The query parameter kind cannot be {word:?}; it is message, request or record"
                ))
            })?);
        }
        let last = headers.get("last-event-id").and_then(|last| last.to_str().ok()).and_then(|last| last.parse().ok());
        let after = if last.is_some() { last } else { number(&query, "after")? };
        Ok((events::Wanted { kinds, project: given(&query, "project").map(str::to_owned) }, after))
    };
    respond(wanted().map(|(wanted, after)| {
        let headers = [(http::header::CONTENT_TYPE, "text/event-stream"), (http::header::CACHE_CONTROL, "no-store")];
        (headers, Body::new(app.world.events.subscribe(wanted, after))).into_response()
    }))
}

/// The host by which the caller has reached the emulator, without the port.
fn host_of(headers: &http::HeaderMap) -> String {
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| url::Url::parse(&format!("http://{host}")).ok());
    url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost").to_owned()
}

/// What is wrong with the settings of a client that calls as it would call the service.
async fn doctor(app: &App, headers: &http::HeaderMap, body: Body) -> Answer {
    let client = doctor::Client::of_headers(headers).and(body_of(body).await?)?;
    Ok(doctor::examine(app, &client, &person::origin_of(headers)))
}

async fn session(Shared(app): AppState, query: Pairs, headers: http::HeaderMap, body: Body) -> Answer {
    only(&query, &["project"])?;
    let mut request = session::SessionRequest::read(body_of(body).await?)?;
    if let Some(project) = given(&query, "project") {
        request = request.project(project);
    }
    Ok(session::sign_in(&app, &request, &host_of(&headers))?.into_answer())
}

fn clear_inbox(app: &App, query: &Pairs) -> Answer {
    let project = project(app, query)?;
    project.inbox.clear();
    app.world.events.change("inbox", Some(&project.id));
    Ok(json!({}))
}

async fn body_of<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let value = read_json(body).await?.unwrap_or_else(|| json!({}));
    serde_json::from_value(value).map_err(|error| Refusal::new(&BAD_REQUEST, error.to_string()))
}

/// What is to happen to the clock. It is set before it is moved on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockRequest {
    #[serde(default)]
    set: Option<i64>,
    #[serde(default)]
    advance_seconds: u64,
    #[serde(default)]
    frozen: Option<bool>,
}

fn clock(app: &App) -> Value {
    json!({"now": app.world.clock.now(), "frozen": app.world.clock.is_frozen()})
}

async fn set_clock(Shared(app): AppState, body: Body) -> Answer {
    let request: ClockRequest = body_of(body).await?;
    let clock_of_all = &app.world.clock;
    match request.frozen {
        Some(true) => clock_of_all.freeze(),
        Some(false) => clock_of_all.unfreeze(),
        None => {}
    }
    if let Some(time) = request.set {
        clock_of_all.set(time);
    }
    clock_of_all.advance(Duration::from_secs(request.advance_seconds));
    Ok(clock(&app))
}

fn settings(app: &App, query: &Pairs) -> Answer {
    let settings = project(app, query)?.state().settings.clone();
    serde_json::to_value(settings).map_err(|error| Refusal::new(&BAD_REQUEST, error.to_string()))
}

/// Changes the settings that are named and keeps the others.
async fn change_settings(Shared(app): AppState, query: Pairs, body: Body) -> Answer {
    let changes: serde_json::Map<String, Value> = body_of(body).await?;
    let project = project(&app, &query)?;
    {
        let mut state = project.state();
        let mut merged = serde_json::to_value(&state.settings).unwrap_or_default();
        if let Some(fields) = merged.as_object_mut() {
            fields.extend(changes);
        }
        let wanted: Settings =
            serde_json::from_value(merged).map_err(|error| Refusal::new(&INVALID_ARGUMENTS, error.to_string()))?;
        wanted.check()?;
        jwt_template::check_settings(&state, &wanted)?;
        state.settings = wanted;
    }
    app.world.events.change("settings", Some(&project.id));
    app.world.save().map_err(unsaved)?;
    settings(&app, &query)
}

/// Everything that the emulator knows, keys included, in a form that is always the same for the same state.
async fn export(Shared(app): AppState) -> Response {
    match serde_json::to_string_pretty(&app.world.export()) {
        Ok(text) => ([(http::header::CONTENT_TYPE, "application/json")], text + "\n").into_response(),
        Err(error) => {
            answer(Err(Refusal::new(&BAD_REQUEST, error.to_string()).status(StatusCode::INTERNAL_SERVER_ERROR)))
        }
    }
}

async fn import(Shared(app): AppState, body: Body) -> Answer {
    let text = read_body(body, MAX_STATE).await?;
    let refuse = |why: String| Refusal::new(&INVALID_ARGUMENTS, why);
    let saved: Saved = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
    app.world.import(saved).map_err(refuse)?;
    Ok(json!({}))
}

fn snapshots(app: &App, query: &Pairs) -> Answer {
    let project = project(app, query)?;
    let names: Vec<String> = project.snapshots().keys().cloned().collect();
    Ok(json!({"snapshots": names}))
}

fn save(app: &App, query: &Pairs, name: &Path<String>) -> Answer {
    project(app, query)?.save_snapshot(name);
    Ok(json!({}))
}

fn restore(app: &App, query: &Pairs, name: &Path<String>) -> Answer {
    if !project(app, query)?.restore_snapshot(name) {
        return Err(Refusal::new(&NOT_FOUND, format!("There is no snapshot {:?}", name.0)));
    }
    app.world.save().map_err(unsaved)?;
    Ok(json!({}))
}

/// Refuses a parameter of the query that nobody reads.
fn only(query: &Pairs, names: &[&str]) -> Result<(), Refusal> {
    match query.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Refusal::invalid(format!("There is no query parameter {name} here; there are {}", names.join(", "))))
        }
    }
}

/// A parameter of the query that is a whole number.
fn number<T: std::str::FromStr>(query: &Pairs, name: &str) -> Result<Option<T>, Refusal> {
    let odd = |_| Refusal::invalid(format!("The query parameter {name} has to be a whole number"));
    given(query, name).map(|value| value.parse().map_err(odd)).transpose()
}

/// What the query says of the requests that are meant.
fn request_filter(query: &Pairs) -> Result<RequestFilter, Refusal> {
    only(query, &["operation", "method", "path", "project", "loginId", "status", "after"])?;
    let mut filter = RequestFilter::new();
    if let Some(operation) = given(query, "operation") {
        if descope_api::operation(operation).is_none() {
            return Err(Refusal::invalid(format!("The query parameter operation is {operation:?}, and there is none")));
        }
        filter = filter.operation(operation);
    }
    if let Some(method) = given(query, "method") {
        filter = filter.method(method);
    }
    if let Some(path) = given(query, "path") {
        filter = filter.path(path);
    }
    if let Some(project) = given(query, "project") {
        filter = filter.project(project);
    }
    if let Some(login_id) = given(query, "loginId") {
        filter = filter.login_id(seen::plus_of(login_id));
    }
    if let Some(status) = number(query, "status")? {
        filter = filter.status(status);
    }
    Ok(filter.after(number(query, "after")?.unwrap_or_default()))
}

/// The requests that were answered, all or those that fit, and how many they are.
fn requests(app: &App, query: &Pairs) -> Answer {
    let requests = app.journal.find(&request_filter(query)?);
    Ok(json!({"count": requests.len(), "requests": requests}))
}

/// How many requests fit, and where nothing is asked for but an operation, how often it was called since the start.
fn count_requests(app: &App, query: &Pairs) -> Answer {
    let filter = request_filter(query)?;
    let by_operation = app.journal.all_calls();
    let count = match query.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()[..] {
        ["operation"] => {
            let name = given(query, "operation").unwrap_or_default();
            let id = descope_api::operation(name).map_or(name, |operation| operation.id);
            app.journal.calls(id)
        }
        _ => app.journal.count(&filter) as u64,
    };
    Ok(json!({"count": count, "byOperation": by_operation}))
}

/// Decides a request of an application in one project.
fn decide_request(
    app: &App,
    project: &Project,
    which: page::Which<'_>,
    outcome: page::Outcome,
) -> Result<page::Step, Refusal> {
    let now = app.world.clock.now();
    let actor = Actor { id: "provider", ip: "", now };
    let (step, changed) = project.transact(&actor, |state| page::decide(state, &project.id, which, outcome, now));
    if changed {
        app.world.save().map_err(unsaved)?;
    }
    step
}

/// What the query of a page decides.
fn page_outcome(query: &Pairs) -> Result<page::Outcome, Refusal> {
    let scopes = query.iter().filter(|(name, value)| name == "scope" && !value.is_empty());
    let scopes = scopes.map(|(_, value)| value.clone()).collect();
    page::Outcome::read(given(query, "outcome"), given(query, "loginId"), scopes)
}

fn show(step: Result<page::Step, Refusal>) -> Response {
    respond(step.map(|step| match step {
        page::Step::Redirect(to, cookie) => {
            let reply = Reply::redirect(to);
            match cookie {
                Some(cookie) => reply.header(http::header::SET_COOKIE, cookie).into_response(),
                None => reply.into_response(),
            }
        }
        page::Step::Page(text) => Reply::html(text).into_response(),
        page::Step::Done(what) => Reply::html(page::done_page(what)).into_response(),
    }))
}

/// The page on which a user signs in to an application and agrees.
async fn authorize(Shared(app): AppState, query: Pairs) -> Response {
    let step = || {
        let which = page::Which::Browser(given(&query, "state_id").unwrap_or_default());
        decide_request(&app, &*project(&app, &query)?, which, page_outcome(&query)?)
    };
    show(step())
}

/// The page on which the code of a device is typed in, and then decided on.
async fn device(Shared(app): AppState, query: Pairs) -> Response {
    let Some(code) = given(&query, "user_code") else { return Reply::html(page::code_page()).into_response() };
    let step = || {
        let which = page::Which::Device(code);
        decide_request(&app, &*app.project_that_waits(which)?, which, page_outcome(&query)?)
    };
    show(step())
}

/// What a test decides about a device or a backchannel request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DecisionRequest {
    #[serde(default)]
    user_code: Option<String>,
    #[serde(default)]
    auth_req_id: Option<String>,
    #[serde(default)]
    login_id: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    /// `approve` or `refuse`.
    outcome: String,
}

impl DecisionRequest {
    fn outcome(&self) -> Result<page::Outcome, Refusal> {
        page::Outcome::read(Some(&self.outcome), self.login_id.as_deref(), self.scopes.clone())
    }
}

async fn decide_device(app: &App, body: Body) -> Answer {
    let request: DecisionRequest = body_of(body).await?;
    let which = page::Which::Device(request.user_code.as_deref().unwrap_or_default());
    decide_request(app, &*app.project_that_waits(which)?, which, request.outcome()?)?;
    Ok(json!({}))
}

/// The page of a backchannel request, where the query names one by `t`, else all that wait.
async fn backchannel(Shared(app): AppState, query: Pairs) -> Response {
    match given(&query, "t") {
        Some(id) => show((|| {
            decide_request(&app, &*project(&app, &query)?, page::Which::Backchannel(id), page_outcome(&query)?)
        })()),
        None => answer(
            project(&app, &query)
                .map(|project| json!({"requests": page::waiting(&project.state(), app.world.clock.now())})),
        ),
    }
}

async fn decide_backchannel(app: &App, query: &Pairs, body: Body) -> Answer {
    let request: DecisionRequest = body_of(body).await?;
    let which = match (&request.auth_req_id, &request.login_id) {
        (Some(id), _) => page::Which::Backchannel(id),
        (None, Some(login_id)) => page::Which::BackchannelOf(login_id),
        (None, None) => return Err(Refusal::required("authReqId")),
    };
    decide_request(app, &*project(app, query)?, which, request.outcome()?)?;
    Ok(json!({}))
}

impl App {
    /// The project with a request that waits for a decision.
    fn project_that_waits(&self, which: page::Which<'_>) -> Result<Arc<Project>, Refusal> {
        let now = self.world.clock.now();
        let found = self.world.projects().into_iter().find(|project| page::knows(&project.state(), which, now));
        found.ok_or_else(|| Refusal::new(&NOT_FOUND, "No such request waits for a decision"))
    }

    /// Decides a request of the default project, or of a device of any. Whether it waited for that.
    pub(crate) fn decide(&self, which: page::Which<'_>, login_id: Option<&str>, outcome: &str) -> bool {
        let project = match which {
            page::Which::Device(_) => self.project_that_waits(which),
            _ => Ok(self.world.default_project()),
        };
        let outcome = page::Outcome::read(Some(outcome), login_id, Vec::new());
        project.and_then(|project| decide_request(self, &project, which, outcome?)).is_ok()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotate {
    /// Whether the old key stays published.
    #[serde(default = "yes")]
    keep_old: bool,
    /// Whether what the old keys have signed is refused from now on.
    #[serde(default)]
    revoke: bool,
}

fn yes() -> bool {
    true
}

async fn rotate(Shared(app): AppState, query: Pairs, body: Body) -> Answer {
    let rotate: Rotate = body_of(body).await?;
    project(&app, &query)?.change_keys(|keys| if rotate.revoke { keys.revoke() } else { keys.rotate(rotate.keep_old) });
    app.world.save().map_err(unsaved)?;
    Ok(json!({}))
}

fn list_faults(app: &App) -> Value {
    let faults: Vec<Value> = app.faults.list().iter().map(faults::PendingFault::describe).collect();
    json!({"faults": faults})
}

async fn add_fault(app: &App, body: Body) -> Answer {
    let fault = faults::read(body_of(body).await?)?;
    let id = app.faults.add(fault)?;
    show_fault(app, &id.to_string())
}

fn show_fault(app: &App, id: &str) -> Answer {
    let found = app.faults.list().into_iter().find(|fault| fault.id.to_string() == id);
    found.map(|fault| fault.describe()).ok_or_else(|| no_fault(id))
}

fn withdraw_fault(app: &App, id: &str) -> Answer {
    let withdrawn = id.parse().is_ok_and(|id| app.faults.withdraw(id));
    if withdrawn { Ok(json!({})) } else { Err(no_fault(id)) }
}

fn no_fault(id: &str) -> Refusal {
    Refusal::new(&NOT_FOUND, format!("There is no fault {id:?}, or it has happened as often as it was to"))
}
