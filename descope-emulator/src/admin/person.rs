//! What a person does who is not the application: signs in on a provider's page, sends a message.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header};
use serde_json::json;

use super::{AppState, Pairs, given, project};
use crate::{
    area::{
        notp::{self, Decision},
        oauth::{
            id_token,
            provider::{Outcome, Step, decide, identity},
        },
    },
    error::{INVALID_ARGUMENTS, Refusal},
    http::{
        App, Reply,
        dispatch::{respond, unsaved},
        escape,
    },
    world::{Actor, Project, State},
};

/// The caller did something that cannot be done: there is no such sign-in, or it is over, or an argument is not valid.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct PersonError {
    reason: String,
}

impl From<Refusal> for PersonError {
    fn from(refusal: Refusal) -> Self {
        Self { reason: refusal.message }
    }
}

/// Changes a project in the name of somebody outside.
fn act<T>(
    app: &App,
    project: &Project,
    who: &str,
    act: impl FnOnce(&mut State, i64) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let now = app.world.clock.now();
    let actor = Actor { id: who, ip: "", now };
    let (result, changed) = project.transact(&actor, |state| act(state, now));
    if changed {
        app.world.save().map_err(unsaved)?;
    }
    result
}

pub(super) fn origin_of(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}

/// The page of the identity provider that stands in for all of them.
pub(super) async fn provider(Shared(app): AppState, query: Pairs, headers: HeaderMap) -> Response {
    let step = || {
        let project = project(&app, &query)?;
        let outcome = Outcome::read(|name| given(&query, name))?;
        let (origin, id) = (origin_of(&headers), given(&query, "state").unwrap_or_default());
        act(&app, &project, "provider", |state, now| decide(state, &project.id, &origin, id, outcome, now))
    };
    respond(step().map(|step| match step {
        Step::Redirect(to) => Reply::redirect(to).into_response(),
        Step::Page(page) => Reply::html(page).into_response(),
        Step::Given(given) => axum::Json(given).into_response(),
    }))
}

/// The public key of the provider.
pub(super) async fn provider_keys() -> Response {
    respond(id_token::published().map(|keys| axum::Json(keys).into_response()))
}

/// An ID token as the provider gives it to a prompt in the page, or to a phone.
pub(super) async fn provider_token(Shared(app): AppState, query: Pairs, headers: HeaderMap) -> Response {
    let token = || {
        let project = project(&app, &query)?;
        let identity = identity(|name| given(&query, name))?;
        let now = app.world.clock.now();
        id_token::issue(&origin_of(&headers), &project.id, &identity, given(&query, "nonce"), now)
    };
    respond(token().map(|token| axum::Json(json!({"idToken": token})).into_response()))
}

/// The same for who has the emulator in the same process.
pub(crate) fn issue_token(
    app: &App,
    origin: &str,
    email: &str,
    name: &str,
    nonce: Option<&str>,
) -> Result<String, PersonError> {
    let who = |wanted: &str| match wanted {
        "email" => Some(email),
        "name" => Some(name),
        _ => None,
    };
    Ok(id_token::issue(origin, &app.project_id, &identity(who)?, nonce, app.world.clock.now())?)
}

/// The messenger in which the message of an nOTP sign-in is sent, or not.
pub(super) async fn messenger(Shared(app): AppState, query: Pairs) -> Response {
    let page = || {
        let project = project(&app, &query)?;
        let message = given(&query, "message").unwrap_or_default();
        let decision = match given(&query, "outcome") {
            None => {
                let phone = notp::expected(&project.state(), message, app.world.clock.now())?;
                return Ok(form(&project.id, message, phone.as_deref().unwrap_or_default()));
            }
            Some("send") => Decision::Send { phone: phone_in(&query) },
            Some("refuse") => Decision::Refuse,
            Some(other) => {
                let message = format!("The outcome cannot be {other:?}; it is send or refuse");
                return Err(Refusal::new(&INVALID_ARGUMENTS, message));
            }
        };
        act(&app, &project, "messenger", |state, now| notp::decide(state, message, decision, now))?;
        Ok(html("<p>Done. Go back to the application.</p>"))
    };
    respond(page().map(|page| Reply::html(page).into_response()))
}

/// Whoever types a phone number into a URL means a plus by `+`, not a space.
fn phone_in(query: &Pairs) -> String {
    let phone = given(query, "phone").unwrap_or_default();
    phone.strip_prefix(' ').map_or_else(|| phone.to_owned(), |digits| format!("+{digits}"))
}

fn html(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Messenger</title><h1>Messenger</h1>\
         <p>This page of the emulator stands in for WhatsApp.</p>{body}\n"
    )
}

fn form(project: &str, message: &str, phone: &str) -> String {
    html(&format!(
        "<form method=\"get\"><input type=\"hidden\" name=\"project\" value=\"{}\">\
         <p>Message <input name=\"message\" value=\"{}\" readonly></p>\
         <p><label>From <input name=\"phone\" value=\"{}\" placeholder=\"+15551234567\" autofocus></label></p>\
         <p><button name=\"outcome\" value=\"send\">Send</button>\
         <button name=\"outcome\" value=\"refuse\">Do not send</button></p></form>",
        escape(project),
        escape(message),
        escape(phone),
    ))
}

/// Decides about the message that an address leads to.
pub(crate) fn decide_message(app: &Arc<App>, address: &str, decision: Decision) -> Result<(), PersonError> {
    let refuse = || PersonError { reason: "the address is not one of the emulator's messenger".to_owned() };
    let url = url::Url::parse(address).map_err(|_| refuse())?;
    if url.path() != "/_emulator/messenger" {
        return Err(refuse());
    }
    let query = axum::extract::Query(url.query_pairs().into_owned().collect());
    let project = project(app, &query)?;
    let message = given(&query, "message").unwrap_or_default();
    Ok(act(app, &project, "messenger", |state, now| notp::decide(state, message, decision, now))?)
}
