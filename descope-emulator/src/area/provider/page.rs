//! The emulator's own pages in the place of the service's hosted ones: a person, or a test by the query, chooses who
//! signs in and whether they agree.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    authorize, claims,
    client::Client,
    request::{Approval, BrowserRecord, Decision, How, RequestRecord},
};
use crate::{
    address::is_email,
    area::{
        role,
        user::{Profile, Status, UserRecord},
    },
    error::{INVALID_ARGUMENTS, NOT_FOUND, Refusal, USER_NOT_FOUND},
    http::escape,
    world::State,
};

/// What has been decided, by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing yet: the page is to be shown.
    Undecided,
    Approve {
        /// Who signs in. The page of a backchannel request knows it.
        login_id: Option<String>,
        /// The scopes that are agreed to; all of them where there are none.
        scopes: Vec<String>,
    },
    Refuse,
}

impl Outcome {
    /// Reads it from the query or the body.
    pub(crate) fn read(outcome: Option<&str>, login_id: Option<&str>, scopes: Vec<String>) -> Result<Self, Refusal> {
        match outcome {
            None => Ok(Self::Undecided),
            Some("approve") => Ok(Self::Approve { login_id: login_id.map(str::to_owned), scopes }),
            Some("refuse") => Ok(Self::Refuse),
            Some(other) => {
                let message = format!("The outcome cannot be {other:?}; it is approve or refuse");
                Err(Refusal::new(&INVALID_ARGUMENTS, message))
            }
        }
    }
}

/// Which request a decision is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which<'a> {
    /// That of a browser, by its `state_id`.
    Browser(&'a str),
    /// That of a device, by the code that it shows.
    Device(&'a str),
    /// One that waits for the user, by its `auth_req_id`.
    Backchannel(&'a str),
    /// The oldest one that waits for a user, by a login id.
    BackchannelOf(&'a str),
}

/// What the page answers.
#[derive(Debug)]
pub(crate) enum Step {
    /// The browser goes on, signed in where there is a cookie.
    Redirect(String, Option<String>),
    Page(String),
    /// The user may close the page.
    Done(&'static str),
}

/// The request that is meant, as long as it waits.
fn find<'a>(state: &'a State, which: Which<'_>, now: i64) -> Option<&'a RequestRecord> {
    let found = match which {
        Which::Browser(id) => state.provider_requests.get(id).filter(|request| request.how == How::Browser),
        Which::Device(code) => {
            let code = clean_code(code);
            let known = state.provider_requests.named(&code);
            known.filter(|request| matches!(&request.how, How::Device { user_code } if *user_code == code))
        }
        Which::Backchannel(id) => {
            let known = state.provider_requests.get(id);
            known.filter(|request| matches!(request.how, How::Backchannel { .. }))
        }
        Which::BackchannelOf(login_id) => {
            let user = state.users.named(login_id)?;
            let waits = |request: &&RequestRecord| {
                request.decision == Decision::Pending && request.expires_at > now && is_asked(request, &user.id)
            };
            state.provider_requests.owned(&user.id).filter(waits).min_by_key(|request| request.expires_at)
        }
    };
    found.filter(|request| request.decision == Decision::Pending && request.expires_at > now)
}

fn is_asked(request: &RequestRecord, user: &str) -> bool {
    matches!(&request.how, How::Backchannel { user_id, .. } if user_id == user)
}

/// A user code as it was given: people leave the hyphen out, and do not mind capitals.
fn clean_code(typed: &str) -> String {
    let letters: String = typed.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    match letters.split_at_checked(4) {
        Some((first, second)) if !second.is_empty() => format!("{first}-{second}"),
        _ => letters,
    }
}

/// Whether a project has the request that is meant.
pub(crate) fn knows(state: &State, which: Which<'_>, now: i64) -> bool {
    find(state, which, now).is_some()
}

/// The backchannel requests that wait, oldest first.
pub(crate) fn waiting(state: &State, now: i64) -> Vec<Value> {
    let mut found: Vec<&RequestRecord> = state.provider_requests.iter().collect();
    found.retain(|request| request.decision == Decision::Pending && request.expires_at > now);
    found.sort_by_key(|request| request.expires_at);
    let show = |request: &RequestRecord| match &request.how {
        How::Backchannel { user_id, binding_message } => {
            let login_ids = state.users.get(user_id).map(|user| user.login_ids.clone()).unwrap_or_default();
            Some(json!({
                "authReqId": request.id, "loginIds": login_ids, "bindingMessage": binding_message,
                "scopes": request.scopes, "appId": request.app_id, "expiresAt": request.expires_at,
            }))
        }
        _ => None,
    };
    found.into_iter().filter_map(show).collect()
}

/// Carries a decision out.
pub(crate) fn decide(
    state: &mut State,
    project: &str,
    which: Which<'_>,
    outcome: Outcome,
    now: i64,
) -> Result<Step, Refusal> {
    let request = find(state, which, now).cloned();
    let request = request.ok_or_else(|| Refusal::new(&NOT_FOUND, "No such request waits for a decision"))?;
    let client = Client::get(state, project, &request.place, &request.app_id)?;
    let by_browser = request.how == How::Browser;
    match outcome {
        Outcome::Undecided => Ok(Step::Page(page(state, project, &client, &request))),
        Outcome::Refuse if by_browser => Ok(Step::Redirect(authorize::turned_down(state, &request), None)),
        Outcome::Refuse => {
            set(state, &request.id, Decision::Refused);
            Ok(Step::Done("The request is refused."))
        }
        Outcome::Approve { login_id, scopes } => {
            let user = user_of(state, &request, login_id.as_deref(), now)?;
            if let Err(refusal) = claims::refuse_user(&client, &user, request.tenant.as_deref()) {
                // A test that lets somebody in who may not come in hears of it at once.
                return Err(Refusal::new(&INVALID_ARGUMENTS, refusal.message));
            }
            let scopes = agreed(&client, &request, scopes)?;
            let tenant = request.tenant.clone().unwrap_or_default();
            let consent_id = if client.asks_consent {
                authorize::record_consent(state, &client, &user.id, &tenant, &scopes, now)?
            } else {
                String::new()
            };
            let mut approval = Approval { user_id: user.id, scopes, consent_id, session_id: String::new(), at: now };
            if !by_browser {
                set(state, &request.id, Decision::Approved(approval));
                return Ok(Step::Done("The request is approved. You can go back to the device."));
            }
            let seconds = state.settings.refresh_seconds;
            let browser = BrowserRecord {
                id: state.ids.alphanumeric(40),
                user_id: approval.user_id.clone(),
                signed_in_at: now,
                expires_at: now + seconds,
            };
            let cookie = authorize::cookie(&browser.id, seconds);
            approval.session_id.clone_from(&browser.id);
            state.provider_browsers.insert(&mut state.log, browser)?;
            Ok(Step::Redirect(authorize::finished(state, request, approval, now)?, Some(cookie)))
        }
    }
}

fn set(state: &mut State, id: &str, decision: Decision) {
    let mut request = state.provider_requests.get(id).cloned().unwrap_or_default();
    request.decision = decision;
    // The index of owners follows the decision.
    state.provider_requests.remove(&mut state.log, id);
    let _ = state.provider_requests.insert(&mut state.log, request);
}

/// Who signs in. Whoever is unknown and gives an email address signs up, as in the service's flow for both.
fn user_of(
    state: &mut State,
    request: &RequestRecord,
    login_id: Option<&str>,
    now: i64,
) -> Result<UserRecord, Refusal> {
    let unknown = || Refusal::new(&USER_NOT_FOUND, "The parameter loginId names nobody, and is no email address");
    if let How::Backchannel { user_id, .. } = &request.how {
        let user = state.users.get(user_id).cloned().ok_or_else(unknown)?;
        let other = login_id.is_some_and(|login_id| state.users.find(login_id).is_none_or(|other| other.id != user.id));
        return if other { Err(Refusal::invalid("Another user was asked")) } else { Ok(user) };
    }
    let login_id = login_id.ok_or_else(|| Refusal::required("loginId"))?;
    if let Some(user) = state.users.named(login_id) {
        let id = user.id.clone();
        state.users.update_quietly(&mut state.log, &id, |user| {
            user.seen = true;
            if user.status == Status::Invited {
                user.status = Status::Enabled;
            }
        });
        return state.users.get(&id).cloned().ok_or_else(unknown);
    }
    if !is_email(login_id) {
        return Err(unknown());
    }
    let profile = Profile { email: Some(login_id.to_owned()), verified_email: true, ..Profile::default() };
    let mut user = UserRecord::new(state.ids.id("U"), vec![login_id.to_owned()], profile, now);
    user.roles = role::defaults(state);
    user.seen = true;
    user.status = Status::Enabled;
    Ok(UserRecord::clone(&*state.users.insert(&mut state.log, user)?))
}

/// The scopes that the user agrees to. Those that are not optional cannot be left out.
fn agreed(client: &Client, request: &RequestRecord, chosen: Vec<String>) -> Result<Vec<String>, Refusal> {
    if chosen.is_empty() {
        return Ok(request.scopes.clone());
    }
    if let Some(scope) = chosen.iter().find(|scope| !request.scopes.contains(scope)) {
        return Err(Refusal::invalid(format!("The scope {scope:?} was not asked for")));
    }
    let optional = |name: &str| client.scope(name).is_some_and(|scope| scope.optional);
    match request.scopes.iter().find(|scope| !chosen.contains(scope) && !optional(scope)) {
        Some(scope) => Err(Refusal::invalid(format!("The scope {scope:?} cannot be left out"))),
        None => Ok(request.scopes.iter().filter(|scope| chosen.contains(scope)).cloned().collect()),
    }
}

fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>\
         <p>This page of the emulator stands in for the hosted one.</p>{body}\n"
    )
}

/// The page on which a device's code is typed in.
pub(crate) fn code_page() -> String {
    let form = "<form method=\"get\"><p><label>Code <input name=\"user_code\" autofocus></label></p>\
                <p><button>Go on</button></p></form>";
    document("Connect a device", form)
}

/// The page that tells that all is done.
pub(crate) fn done_page(what: &str) -> String {
    document(what, "")
}

fn page(state: &State, project: &str, client: &Client, request: &RequestRecord) -> String {
    let (hidden, hint) = match &request.how {
        How::Device { user_code } => (("user_code", user_code.clone()), String::new()),
        How::Backchannel { user_id, .. } => {
            let user = state.users.get(user_id).and_then(|user| user.login_ids.first().cloned());
            (("t", request.id.clone()), user.unwrap_or_default())
        }
        How::Browser | How::Pushed => (("state_id", request.id.clone()), request.login_hint.clone()),
    };
    let mut known = String::new();
    for login_id in state.users.iter().filter_map(|user| user.login_ids.first()).take(50) {
        let _ = write!(known, "<option value=\"{}\">", escape(login_id));
    }
    let mut scopes = String::new();
    for scope in request.scopes.iter().filter_map(|name| client.scope(name)) {
        let (name, told) = (escape(&scope.name), escape(&scope.description));
        let fixed = if scope.optional { "" } else { " onclick=\"return false\"" };
        let _ = write!(
            scopes,
            "<li><label><input type=\"checkbox\" name=\"scope\" value=\"{name}\" checked{fixed}> {name} {told}</label></li>"
        );
    }
    let message = match &request.how {
        How::Backchannel { binding_message, .. } if !binding_message.is_empty() => {
            format!("<p>{}</p>", escape(binding_message))
        }
        _ => String::new(),
    };
    let body = format!(
        "{message}<form method=\"get\"><input type=\"hidden\" name=\"project\" value=\"{}\">\
         <input type=\"hidden\" name=\"{}\" value=\"{}\">\
         <p><label>Login id <input name=\"loginId\" list=\"known\" value=\"{}\" autofocus></label>\
         <datalist id=\"known\">{known}</datalist></p><ul>{scopes}</ul>\
         <p><button name=\"outcome\" value=\"approve\">Approve</button>\
         <button name=\"outcome\" value=\"refuse\">Refuse</button></p></form>",
        escape(project),
        hidden.0,
        escape(&hidden.1),
        escape(&hint),
    );
    document(&format!("Sign in to {}", client.name), &body)
}
