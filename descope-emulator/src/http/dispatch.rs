//! The way of a request through the emulator.

use std::{borrow::Cow, collections::HashMap, net::IpAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State as Shared},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use descope_api::{Operation, Secret};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use http_body_util::BodyExt as _;
use percent_encoding::NON_ALPHANUMERIC;
use serde_json::Value;

use super::{
    call::{Call, Table},
    cors,
    credential::{self, Bearer},
    reply::{Content, Reply, Unsigned},
    router::{Found, Routes},
    schema::Document,
};
use crate::{
    admin::{
        events::Happening,
        fault::{Asked, Fault},
        faults::Faults,
        hosts::Hosts,
        journal::{Credential, Journal, RecordedRequest},
        mask,
        seen::Seen,
        token::{self, IssuedToken},
    },
    area::{project::ProjectSettings, provider},
    error::{BAD_REQUEST, NOT_EMULATED, PROJECT_NOT_FOUND, Refusal, Words},
    world::{Actor, Project, Settings, World, ids, keys::KeyRing},
};

/// The largest body that is read, in bytes. A larger one is refused with 413.
const MAX_BODY: usize = 1024 * 1024;
/// How much of a body that is too large is thrown away before the answer, so that the client gets to read it.
const MAX_DISCARD: usize = 64 * 1024 * 1024;

/// The address of the caller, added to each request by the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Everything that a request can reach.
pub(crate) struct App {
    pub(crate) project_id: String,
    pub(crate) management_key: String,
    /// The management key once more, and that of the emulator's page: drawn anew at each start, so that the page needs
    /// no key that is good anywhere else.
    keys: [Secret; 2],
    /// The names under which the emulator tells about itself.
    pub(crate) hosts: Hosts,
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) document: &'static Document,
    pub(crate) routes: Routes,
    pub(crate) table: Table,
    /// Whether a line on stderr tells of each request.
    pub(crate) log: bool,
}

/// What becomes of a call.
struct Outcome {
    project: Option<String>,
    credentials: Vec<Credential>,
    result: Result<Reply, Refusal>,
}

impl Outcome {
    fn refused(refusal: Refusal) -> Self {
        Self { project: None, credentials: Vec::new(), result: Err(refusal) }
    }
}

/// What a call of a project gets that is not there. Whoever names it in a bearer has no valid credentials.
fn unknown_project(id: &str, why: &str, in_path: bool) -> Refusal {
    let refusal = Refusal::new(&PROJECT_NOT_FOUND, format!("Project {id} {why}"));
    if in_path { refusal } else { refusal.status(StatusCode::UNAUTHORIZED) }
}

impl App {
    pub(crate) fn new(
        project_id: String,
        management_key: String,
        world: World,
        document: &'static Document,
        table: Table,
    ) -> Self {
        let seed = world.seed();
        let events = world.events.clone();
        let keys = [management_key.as_str().into(), format!("KP{}", ids::alphanumeric(58)).into()];
        Self {
            project_id,
            management_key,
            keys,
            hosts: Hosts::default(),
            world,
            faults: Faults::new(seed, events),
            journal: Journal::default(),
            document,
            routes: Routes::new(descope_api::OPERATIONS),
            table,
            log: false,
        }
    }

    /// Forgets everything but the signing keys, which clients may have cached.
    pub(crate) fn reset(&self) {
        self.world.reset();
        self.faults.reset();
        self.journal.clear();
    }

    /// The key of the emulator's page.
    pub(crate) fn page_key(&self) -> &Secret {
        &self.keys[1]
    }

    fn bearer(&self, headers: &HeaderMap) -> Option<Bearer> {
        let [own, page] = &self.keys;
        Bearer::parse(headers, [own, page])
    }

    /// Whether a call comes from the emulator's page. Whoever looks on must not change what is seen: its calls are
    /// neither noted nor counted, and no fault happens to them.
    fn is_by_page(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|bearer| bearer.to_str().ok());
        bearer.is_some_and(|bearer| bearer.split(':').any(|part| Secret::from(part) == *self.page_key()))
    }

    /// The project that a call is about: that of the bearer, else that of the path, else the default one.
    fn project(
        &self,
        operation: &Operation,
        bearer: Option<&Bearer>,
        in_path: Option<&str>,
    ) -> Result<Arc<Project>, Refusal> {
        let Some(named) = named(operation, bearer, in_path) else { return Ok(self.world.default_project()) };
        self.world.project(named).ok_or_else(|| unknown_project(named, "is not emulated here", in_path.is_some()))
    }

    /// The id of the project that a call will be about.
    fn asked_project(
        &self,
        operation: Option<&Operation>,
        path: &HashMap<String, String>,
        parts: &Parts,
        body: &Bytes,
    ) -> String {
        let bearer = self.bearer(&parts.headers);
        let Some(operation) = operation else {
            return bearer.map_or_else(|| self.project_id.clone(), |bearer| bearer.project_id);
        };
        let query = parse_query(parts.uri.query());
        let of_provider = provider::project_of(&self.world, operation, parts, path, &query, body);
        let in_path = of_provider.as_deref().or_else(|| project_in(path, &query));
        named(operation, bearer.as_ref(), in_path).unwrap_or(&self.project_id).to_owned()
    }

    /// Checks a call and carries it out. The state's lock is held neither for signatures nor for checks of the body.
    fn handle(
        &self,
        operation: &'static Operation,
        path: HashMap<String, String>,
        parts: &Parts,
        ip: String,
        body: &Bytes,
    ) -> Outcome {
        let now = self.world.clock.now();
        let bearer = self.bearer(&parts.headers);
        let query = parse_query(parts.uri.query());
        let bearer = bearer.or_else(|| Bearer::of_browser(operation, project_in(&path, &query)));
        let of_provider = provider::project_of(&self.world, operation, parts, &path, &query, body);
        let in_path = of_provider.as_deref().or_else(|| project_in(&path, &query));
        let project = match self.project(operation, bearer.as_ref(), in_path) {
            Ok(project) => project,
            Err(refusal) => return Outcome::refused(refusal),
        };
        let (settings, deleted) = {
            let state = project.state();
            (state.settings.clone(), state.about.is_deleted())
        };
        if deleted {
            return Outcome::refused(unknown_project(&project.id, "was deleted", in_path.is_some()));
        }
        let rotated = project.rotate_by_clock(settings.key_rotation_seconds, now);
        let keys = project.keys();
        let names = (settings.session_cookie_name.as_str(), settings.refresh_cookie_name.as_str());
        let bearer = bearer.map(|bearer| bearer.or_cookie(operation, &parts.headers, names));
        let claims = bearer.as_ref().and_then(|bearer| bearer.verify(&keys));
        let entry = self.table.get(operation.id);
        let checked = entry.map(|entry| {
            let body = self
                .document
                .check_query(operation.id, &query)
                .and_then(|()| self.document.check_body(operation.id, body, parts.headers.get(header::CONTENT_TYPE)));
            (entry, body)
        });
        let within_limit = self.is_by_page(&parts.headers) || project.count_call(settings.calls_per_minute, now);
        // Before our own lock: nobody ever holds two.
        let others = if operation.tag == "management-project" { self.others(&project.id) } else { Vec::new() };
        let mut unsigned = Unsigned::new();
        let mut outbox = Vec::new();
        let mut new_project = None;
        let mut credentials = Vec::new();
        let good = |claims: &&serde_json::Map<String, Value>| {
            claims.get("iss").and_then(Value::as_str).is_some_and(|issuer| issuer.ends_with(&project.id))
                && claims.get("exp").and_then(Value::as_i64).is_some_and(|end| end > now)
        };
        let actor_id = claims.as_ref().filter(good).and_then(|claims| claims.get("sub")).and_then(Value::as_str);
        let actor = Actor { id: actor_id.unwrap_or("management"), ip: &ip.clone(), now };
        let (result, changed) = project.transact(&actor, |state| {
            state.sweep(now);
            let lenient = entry.is_some_and(|entry| entry.lenient);
            let (seen, caller) =
                credential::authorise(operation, lenient, bearer, claims.clone(), state, (&project.id, &ip), now);
            credentials = seen;
            let caller = caller?;
            if !within_limit {
                return Err(Refusal::rate_limited(60 - now.rem_euclid(60)));
            }
            let Some((entry, body)) = checked else {
                let message = format!("The emulator does not know how to answer {} yet", operation.id);
                return Err(Refusal::new(&NOT_EMULATED, message));
            };
            let mut call = Call {
                operation,
                state,
                project: &project,
                now,
                caller,
                path,
                query,
                headers: &parts.headers,
                ip,
                others,
                new_project: None,
                outbox: Vec::new(),
                unsigned: Unsigned::new(),
            };
            let reply = (entry.handler)(&mut call, body?)?;
            (unsigned, outbox, new_project) = (call.unsigned, call.outbox, call.new_project);
            Ok(reply)
        });
        let result = result.and_then(|reply| self.finish(reply, operation, &unsigned, &project.keys(), &settings));
        for message in outbox {
            project.deliver(message);
        }
        if let Some((id, saved)) = new_project {
            self.world.add(&id).import(saved);
        }
        let saved = if changed || rotated { self.world.save() } else { Ok(()) };
        let result = saved.map_err(unsaved).and(result);
        Outcome { project: Some(project.id.clone()), credentials, result }
    }

    /// What the projects but one say of themselves.
    fn others(&self, id: &str) -> Vec<(String, ProjectSettings)> {
        let others = self.world.projects().into_iter().filter(|project| project.id != id);
        let others = others.map(|project| (project.id.clone(), project.state().about.clone()));
        others.filter(|(_, about)| !about.is_deleted()).collect()
    }

    /// Signs the tokens of an answer, and adds what the service sends along.
    fn finish(
        &self,
        mut reply: Reply,
        operation: &Operation,
        unsigned: &Unsigned,
        keys: &KeyRing,
        settings: &Settings,
    ) -> Result<Reply, Refusal> {
        if let (false, Content::Json(body)) = (reply.bare, &mut reply.content) {
            self.document.fill_answer(operation.id, body);
        }
        // The back end wants its tokens in the body: it has no cookies.
        let by_back_end = operation.auth == [descope_api::Auth::ManagementKey];
        reply.finish(unsigned, keys, (!by_back_end).then_some(settings))?;
        Ok(reply)
    }

    /// The fault that happens to a call, and its id.
    fn fault(&self, found: &Found, parts: &Parts, body: &Bytes, seen: &Seen) -> Option<(u64, Fault)> {
        if self.faults.is_empty() || self.is_by_page(&parts.headers) {
            return None;
        }
        let nothing = HashMap::new();
        let (operation, parameters) = match found {
            Found::Operation(operation, parameters) => (Some(*operation), parameters),
            _ => (None, &nothing),
        };
        self.faults.take(&Asked {
            operation: operation.map(|operation| (operation.id, operation.path)),
            method: parts.method.as_str(),
            path: parts.uri.path(),
            project: &self.asked_project(operation, parameters, parts, body),
            login_ids: &seen.login_ids,
        })
    }

    fn record(&self, operation: Option<&Operation>, parts: &Parts, seen: Seen, noted: Noted) {
        if self.log {
            let why = noted.message.as_deref().map(|why| format!(" {why}")).unwrap_or_default();
            let named = operation.map_or("-", |operation| operation.id);
            eprintln!("{} {} {} {named}{why}", noted.status, parts.method, parts.uri.path());
        }
        if self.is_by_page(&parts.headers) {
            return;
        }
        let hidden = |name: &header::HeaderName| *name == header::AUTHORIZATION || *name == header::COOKIE;
        let text = |name: &header::HeaderName, value: &HeaderValue| {
            let secret = mask::is_secret(name.as_str());
            if secret { mask::MASK.to_owned() } else { String::from_utf8_lossy(value.as_bytes()).into_owned() }
        };
        let headers = parts
            .headers
            .iter()
            .filter(|(name, _)| !hidden(name))
            .map(|(name, value)| (name.as_str().to_owned(), text(name, value)))
            .collect();
        let request = self.journal.record(RecordedRequest {
            id: 0,
            project_id: noted.project,
            operation: operation.map(|operation| operation.id.to_owned()),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(mask::query),
            login_ids: seen.login_ids,
            headers,
            credentials: noted.credentials,
            body: seen.body.as_ref().and_then(mask::body),
            reply: noted.reply,
            tokens: noted.tokens,
            status: noted.status,
            fault: noted.fault,
            error_code: noted.code,
            error_message: noted.message,
            at: self.world.clock.now(),
        });
        self.world.events.publish(Happening::Request(request));
    }
}

/// What the journal notes beside the request.
#[derive(Default)]
struct Noted {
    project: Option<String>,
    credentials: Vec<Credential>,
    status: u16,
    fault: Option<u64>,
    code: Option<String>,
    message: Option<String>,
    reply: Option<Value>,
    tokens: Vec<IssuedToken>,
}

impl Noted {
    fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    fn of(result: &Result<Reply, Refusal>) -> Self {
        match result {
            Ok(reply) => Self {
                reply: match &reply.content {
                    Content::Json(body) | Content::TypedJson(_, body) => mask::body(body),
                    Content::Text(..) | Content::Nothing => None,
                },
                tokens: token::issued(reply),
                ..Self::new(reply.status.as_u16())
            },
            Err(refusal) => Self {
                reply: mask::body(&refusal.body()),
                code: Some(refusal.code.id.to_owned()),
                message: Some(refusal.message.clone()),
                ..Self::new(refusal.status.as_u16())
            },
        }
    }
}

/// The id of the project that a call names, if it names any.
fn named<'a>(operation: &Operation, bearer: Option<&'a Bearer>, in_path: Option<&'a str>) -> Option<&'a str> {
    match (bearer, in_path) {
        // What the path names counts where no bearer is needed: it may be that of another call.
        (_, Some(id)) if operation.auth.is_empty() || operation.auth.contains(&descope_api::Auth::None) => Some(id),
        (Some(bearer), _) => Some(&bearer.project_id),
        (None, in_path) => in_path,
    }
}

fn project_in<'a>(path: &'a HashMap<String, String>, query: &'a [(String, String)]) -> Option<&'a str> {
    let in_query = || query.iter().find(|(name, _)| name == "projectId").map(|(_, value)| value.as_str());
    path.get("projectId").map(String::as_str).or_else(in_query)
}

/// Answers every request that is not about the emulator itself, and lets the page that has asked read the answer.
pub(crate) async fn dispatch(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match cors::preflight(request.method(), request.headers()) {
        Some(response) => response,
        None => answer(app, request).await,
    };
    cors::allow(origin.as_ref(), response.headers_mut());
    response
}

async fn answer(app: Arc<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let ip = parts.extensions.get::<Peer>().map_or_else(String::new, |peer| peer.0.to_string());
    let found = app.routes.find(parts.method.as_str(), &path_of(&parts));
    let body = read_body(body, MAX_BODY).await;
    let raw = body.as_ref().cloned().unwrap_or_default();
    let seen = Seen::new(&parts, &raw);
    let fault = app.fault(&found, &parts, &raw, &seen);
    if let Some((_, fault)) = &fault {
        fault.wait_before().await;
    }
    if let Some((id, fault)) = fault.as_ref().filter(|(_, fault)| !fault.is_after_handling()) {
        let (code, message) = fault.recorded_error().unzip();
        let status = fault.recorded_status().unwrap_or_default();
        let noted = Noted { fault: Some(*id), code, message, ..Noted::new(status) };
        app.record(found.operation(), &parts, seen, noted);
        return fault.respond(Response::default()).await;
    }
    let (operation, parameters) = match found {
        Found::Operation(operation, parameters) => (operation, parameters),
        Found::OtherMethod(methods) => {
            let message = format!("{} {} does not exist; use {}", parts.method, parts.uri.path(), methods.join(" or "));
            let mut response = refuse_unrouted(&app, &parts, seen, StatusCode::METHOD_NOT_ALLOWED, message);
            if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
                response.headers_mut().insert(header::ALLOW, methods);
            }
            return response;
        }
        Found::Nothing => {
            let hint = app.hint_of_path(&parts).unwrap_or_default();
            let message = format!("{} {} does not exist{hint}", parts.method, parts.uri.path());
            return refuse_unrouted(&app, &parts, seen, StatusCode::NOT_FOUND, message);
        }
    };
    let outcome = match body {
        Ok(body) => app.handle(operation, parameters, &parts, ip, &body),
        Err(refusal) => Outcome::refused(refusal),
    };
    let result = outcome.result.map_err(|refusal| app.with_hint(refusal).in_words_of(operation.tag));
    let mut noted = Noted::of(&result);
    (noted.project, noted.credentials) = (outcome.project, outcome.credentials);
    if let Some((id, fault)) = &fault {
        noted.fault = Some(*id);
        if let Some(status) = fault.recorded_status() {
            (noted.status, noted.reply) = (status, None);
            noted.tokens.clear();
            (noted.code, noted.message) = fault.recorded_error().unzip();
        }
    }
    app.record(Some(operation), &parts, seen, noted);
    let response = respond(result.map(Reply::into_response));
    match fault {
        Some((_, fault)) => fault.respond(response).await,
        None => response,
    }
}

/// The path of a request. The SDK for Python names a list in the query, where everybody else does in the path.
pub(super) fn path_of(parts: &Parts) -> Cow<'_, str> {
    let path = parts.uri.path();
    for (form, name) in [("/v1/mgmt/list", "id"), ("/v1/mgmt/list/name", "name")] {
        if parts.method == http::Method::GET && path == form {
            let query = parse_query(parts.uri.query());
            if let Some((_, value)) = query.into_iter().find(|(known, value)| known == name && !value.is_empty()) {
                return format!("{path}/{}", percent_encoding::utf8_percent_encode(&value, NON_ALPHANUMERIC)).into();
            }
        }
    }
    path.into()
}

/// The change was made, and is lost with the process.
#[allow(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
pub(crate) fn unsaved(why: String) -> Refusal {
    let message = format!("The data file was not written: {why}");
    Refusal::new(&BAD_REQUEST, message).status(StatusCode::INTERNAL_SERVER_ERROR)
}

fn refuse_unrouted(app: &App, parts: &Parts, seen: Seen, status: StatusCode, message: String) -> Response {
    let refusal = Refusal::new(&BAD_REQUEST, message).status(status);
    let by_scim = path_of(parts).starts_with("/scim/v2/");
    let result = Err(if by_scim { refusal.in_words_of("scim-service") } else { refusal });
    app.record(None, parts, seen, Noted::of(&result));
    respond(result.map(Reply::into_response))
}

/// The answer with its status, and with the request id that the service's front adds.
pub(crate) fn respond(result: Result<Response, Refusal>) -> Response {
    let mut response = result.unwrap_or_else(|refusal| {
        let mut response = (refusal.status, axum::Json(refusal.body())).into_response();
        match refusal.words {
            Words::Scim(_) => {
                let kind = HeaderValue::from_static("application/scim+json");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            Words::Oauth("invalid_token" | "insufficient_scope") => {
                let wanted = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, wanted);
            }
            Words::Oauth("invalid_client") => {
                let wanted = HeaderValue::from_static("Basic realm=\"descope\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, wanted);
            }
            _ => {}
        }
        if let Some(seconds) = refusal.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    });
    if let Ok(ray) = HeaderValue::from_str(&format!("{}-EMU", ids::alphanumeric(16).to_lowercase())) {
        response.headers_mut().insert("cf-ray", ray);
    }
    response
}

/// Reads a body up to the limit. What comes after it is read too, and thrown away.
pub(crate) async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut read = Vec::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::new(&BAD_REQUEST, "The request body ended too early"))?;
        let Ok(data) = frame.into_data() else { continue };
        total += data.len();
        if total <= limit {
            read.extend_from_slice(&data);
        } else {
            read = Vec::new();
            if total > limit.max(MAX_DISCARD) {
                break;
            }
        }
    }
    if total > limit {
        let message = format!("The request body is larger than {limit} bytes");
        return Err(Refusal::new(&BAD_REQUEST, message).status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(read.into())
}

pub(crate) fn parse_query(query: Option<&str>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Reads a JSON body of the emulator's own endpoints.
pub(crate) async fn read_json(body: Body) -> Result<Option<Value>, Refusal> {
    super::schema::parse_json(&read_body(body, MAX_BODY).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operation_without_a_handler_says_so() {
        let document = Document::built_in().expect("parses");
        let world = World::new("P2", crate::world::Projects::Listed, None, Settings::default());
        let app = Arc::new(App::new("P2".to_owned(), "K2".to_owned(), world, document, Table::default()));
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
