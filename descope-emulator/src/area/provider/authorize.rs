//! The way of a browser: from the application to the page, and back with a code.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_api::types::InboundAppPushedRequest;
use http::header;
use url::Url;

use super::{
    Params, Place, Side, claims,
    client::{self, Client},
    grant,
    request::{Approval, BrowserRecord, Decision, How, RequestRecord},
};
use crate::{
    area::application::ConsentRecord,
    error::{NOT_EMULATED, Refusal, Words},
    flow::{Kind, token},
    http::{Call, Reply},
    world::State,
};

/// How long a user may take to decide, in seconds.
const PATIENCE: i64 = 600;
/// How long a pushed request waits for the browser, in seconds.
const PUSHED: i64 = 60;
/// How long a code can be traded for tokens, in seconds.
pub(super) const CODE: i64 = 60;
/// The cookie of a browser in which a user is signed in.
const COOKIE: &str = "DSSO";
/// What the address of a pushed request begins with.
const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Begins the way of a browser.
pub(super) fn begin(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let client = client::identify(call, place, params)?;
    if let Some(uri) = params.text("request_uri").filter(|_| place.side == Side::Inbound) {
        let request = take_pushed(call, &client, uri)?;
        return proceed(call, &client, request);
    }
    let redirect_uri = client.redirect_uri(params.text("redirect_uri"))?;
    match wanted(call, place, &client, params, redirect_uri.clone()) {
        Ok(request) => proceed(call, &client, request),
        Err(refusal) => go_back(&redirect_uri, params.text("state"), refusal),
    }
}

/// Sends the browser back with the reason of a refusal. What is not emulated is said here and now.
fn go_back(redirect_uri: &str, state: Option<&str>, refusal: Refusal) -> Result<Reply, Refusal> {
    match refusal.words {
        Words::Oauth(error) => Ok(Reply::redirect(refused(redirect_uri, state, error, &refusal.message))),
        _ => Err(refusal),
    }
}

fn refused(redirect_uri: &str, state: Option<&str>, error: &str, why: &str) -> String {
    match Url::parse(redirect_uri) {
        Ok(url) => with_query(url, &[("error", Some(error)), ("error_description", Some(why)), ("state", state)]),
        Err(_) => redirect_uri.to_owned(),
    }
}

/// An address with further parameters.
pub(super) fn with_query(mut url: Url, pairs: &[(&str, Option<&str>)]) -> String {
    if pairs.iter().any(|(_, value)| value.is_some()) {
        let mut query = url.query_pairs_mut();
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
    }
    url.into()
}

/// What is asked for, when it can be.
fn wanted(
    call: &mut Call<'_>,
    place: &Place,
    client: &Client,
    params: &Params,
    redirect_uri: String,
) -> Result<RequestRecord, Refusal> {
    let refuse = |error: &'static str, why: &str| Err(Refusal::oauth(error, why.to_owned()));
    if params.text("flow_token").is_some() {
        return Err(Refusal::new(&NOT_EMULATED, "Flows do not run here, so none can be gone on with by flow_token"));
    }
    if params.text("dpop_jkt").is_some() {
        return Err(Refusal::new(&NOT_EMULATED, "The emulator does not bind codes by DPoP; leave dpop_jkt out"));
    }
    if params.text("request").is_some() {
        return refuse("request_not_supported", "The emulator reads no request objects");
    }
    if client.wants_signed_requests() {
        return refuse("invalid_request", "The application takes signed requests only");
    }
    match params.text("response_type") {
        Some("code") => {}
        None => return refuse("invalid_request", "The parameter response_type is required"),
        Some(_) => return refuse("unsupported_response_type", "The emulator answers codes only"),
    }
    if params.text("response_mode").is_some_and(|mode| mode != "query") {
        return refuse("invalid_request", "The emulator answers in the query only");
    }
    if !client.allows("authorization_code") {
        return refuse("unauthorized_client", "The application may not use authorization codes");
    }
    let method = params.text("code_challenge_method");
    let challenge = match (params.text("code_challenge"), method) {
        (Some(challenge), Some(method @ ("S256" | "plain"))) => Some((challenge.to_owned(), method.to_owned())),
        (Some(challenge), None) => Some((challenge.to_owned(), "plain".to_owned())),
        (Some(_), Some(_)) => return refuse("invalid_request", "The code_challenge_method is S256 or plain"),
        (None, Some(_)) => return refuse("invalid_request", "A code_challenge_method needs a code_challenge"),
        (None, None) if client.wants_pkce() => return refuse("invalid_request", "The application has to use PKCE"),
        (None, None) => None,
    };
    let prompt = params.words("prompt");
    let none = prompt.iter().any(|prompt| prompt == "none");
    if none && prompt.len() > 1 {
        return refuse("invalid_request", "The prompt none goes with no other");
    }
    if prompt.iter().any(|prompt| !["none", "login", "consent", "select_account"].contains(&prompt.as_str())) {
        return refuse("invalid_request", "The prompt is none, login, consent or select_account");
    }
    let tenant = params.owned("tenant");
    if tenant.as_ref().is_some_and(|tenant| !call.state.tenants.contains(tenant)) {
        return refuse("invalid_request", "There is no such tenant");
    }
    if tenant.as_ref().is_some_and(|tenant| !client.takes_tenant(tenant)) {
        return refuse("access_denied", "Users of the tenant may not use the application");
    }
    Ok(RequestRecord {
        id: call.state.ids.alphanumeric(32),
        place: place.clone(),
        app_id: client.id.clone(),
        redirect_uri,
        redirect_named: params.text("redirect_uri").is_some(),
        state: params.owned("state"),
        nonce: params.owned("nonce"),
        challenge,
        scopes: client.asked_scopes(params.text("scope"), true)?,
        audience: client.audience(&call.project.id, None, &params.list("resource"))?,
        tenant,
        prompt,
        login_hint: params.owned("loginHint").unwrap_or_default(),
        expires_at: call.now + PATIENCE,
        ..RequestRecord::default()
    })
}

/// Stores what a client would put into the address of the browser.
pub(super) fn push(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let client = client::authenticate(call, place, params)?;
    let redirect_uri = client.redirect_uri(params.text("redirect_uri"))?;
    let mut request = wanted(call, place, &client, params, redirect_uri)?;
    request.how = How::Pushed;
    request.expires_at = call.now + PUSHED;
    let answer =
        InboundAppPushedRequest::new().request_uri(format!("{PUSHED_PREFIX}{}", request.id)).expires_in(PUSHED);
    call.state.provider_requests.insert(&mut call.state.log, request)?;
    grant::reply(&answer)
}

/// The pushed request of an address. It is good once.
fn take_pushed(call: &mut Call<'_>, client: &Client, uri: &str) -> Result<RequestRecord, Refusal> {
    let id = uri.strip_prefix(PUSHED_PREFIX).unwrap_or_default();
    let known =
        call.state.provider_requests.get(id).filter(|request| {
            request.how == How::Pushed && request.app_id == client.id && request.expires_at > call.now
        });
    let mut request = known.cloned().ok_or_else(|| {
        Refusal::oauth("invalid_request_uri", "The request_uri is unknown, expired or was used before")
    })?;
    call.state.provider_requests.remove(&mut call.state.log, id);
    request.id = call.state.ids.alphanumeric(32);
    request.how = How::Browser;
    request.expires_at = call.now + PATIENCE;
    Ok(request)
}

/// The browser in which a user is signed in, by its cookie.
pub(super) fn browser<'a>(call: &'a Call<'_>) -> Option<&'a BrowserRecord> {
    let pairs = call.headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, id) = pairs.find(|(name, _)| *name == COOKIE)?;
    call.state.provider_browsers.get(id).filter(|browser| browser.expires_at > call.now)
}

/// The cookie of a browser, or with no time the one that takes it away.
pub(super) fn cookie(id: &str, seconds: i64) -> String {
    format!("{COOKIE}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax")
}

/// Sends the browser to the page, or straight back when nothing has to be asked.
fn proceed(call: &mut Call<'_>, client: &Client, request: RequestRecord) -> Result<Reply, Refusal> {
    let asks = |prompt: &str| request.prompt.iter().any(|known| known == prompt);
    let browser =
        browser(call).cloned().filter(|_| !client.forces_sign_in() && !asks("login") && !asks("select_account"));
    let user = browser.as_ref().and_then(|browser| call.state.users.get(&browser.user_id)).cloned();
    let back = |error: &'static str, why: &str| {
        Ok(Reply::redirect(refused(&request.redirect_uri, request.state.as_deref(), error, why)))
    };
    if let (Some(browser), Some(user)) = (browser, user) {
        let consent = standing_consent(call.state, client, &user.id, &request);
        if (consent.is_some() && !asks("consent")) || !client.asks_consent {
            if let Err(refusal) = claims::refuse_user(client, &user, request.tenant.as_deref()) {
                return go_back(&request.redirect_uri, request.state.as_deref(), refusal);
            }
            let approval = Approval {
                user_id: user.id,
                scopes: request.scopes.clone(),
                consent_id: consent.unwrap_or_default(),
                session_id: browser.id,
                at: browser.signed_in_at,
            };
            return Ok(Reply::redirect(finished(call.state, request, approval, call.now)?));
        }
        if asks("none") {
            return back("consent_required", "The user has not agreed to that yet");
        }
    } else if asks("none") {
        return back("login_required", "The user is not signed in");
    }
    let page = format!("{}/_emulator/authorize?project={}&state_id={}", call.origin(), call.project.id, request.id);
    call.state.provider_requests.insert(&mut call.state.log, request)?;
    Ok(Reply::redirect(page))
}

/// The consent that covers a request already.
fn standing_consent(state: &State, client: &Client, user_id: &str, request: &RequestRecord) -> Option<String> {
    let tenant = request.tenant.as_deref().unwrap_or_default();
    let own =
        state.consents.owned(user_id).find(|consent| consent.app_id == client.id && consent.tenant_id == tenant)?;
    request.scopes.iter().all(|scope| own.scopes.contains(scope)).then(|| own.id.clone())
}

/// Records what a user has agreed to, beside what they have before.
pub(super) fn record_consent(
    state: &mut State,
    client: &Client,
    user_id: &str,
    tenant: &str,
    scopes: &[String],
    now: i64,
) -> Result<String, Refusal> {
    let own = state.consents.owned(user_id).find(|consent| consent.app_id == client.id && consent.tenant_id == tenant);
    if let Some(id) = own.map(|consent| consent.id.clone()) {
        state.consents.update(&mut state.log, &id, |consent| {
            for scope in scopes {
                if !consent.scopes.contains(scope) {
                    consent.scopes.push(scope.clone());
                }
            }
        });
        return Ok(id);
    }
    let id = state.ids.id("TPC");
    let consent = ConsentRecord {
        id: id.clone(),
        app_id: client.id.clone(),
        user_id: user_id.to_owned(),
        tenant_id: tenant.to_owned(),
        scopes: scopes.to_vec(),
        granted_at: now,
    };
    state.consents.insert(&mut state.log, consent)?;
    Ok(id)
}

/// Makes the code of an approved request and gives the address that the browser takes it to.
pub(super) fn finished(
    state: &mut State,
    mut request: RequestRecord,
    approval: Approval,
    now: i64,
) -> Result<String, Refusal> {
    let code = state.ids.alphanumeric(40);
    let url = Url::parse(&request.redirect_uri).map_err(|error| Refusal::invalid(error.to_string()))?;
    let next = with_query(url, &[("code", Some(&code)), ("state", request.state.as_deref())]);
    request.decision = Decision::Approved(approval);
    request.code = Some(code);
    request.expires_at = now + CODE;
    state.provider_requests.remove(&mut state.log, &request.id);
    state.provider_requests.insert(&mut state.log, request)?;
    Ok(next)
}

/// Where the browser goes when the user has refused.
pub(super) fn turned_down(state: &mut State, request: &RequestRecord) -> String {
    state.provider_requests.remove(&mut state.log, &request.id);
    refused(&request.redirect_uri, request.state.as_deref(), "access_denied", "The user has refused")
}

/// The last step of a page of one's own, which has signed the user in: the refresh token, in the bearer or in a cookie,
/// tells who it is.
pub(super) fn finish(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    match finish_or_refuse(call, place, params) {
        Err(refusal) if matches!(refusal.words, Words::Oauth(_)) => match params.text("error_redirect_uri") {
            Some(page) => go_back(page, None, refusal),
            None => Err(refusal),
        },
        other => other,
    }
}

fn finish_or_refuse(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let id = params.required("state_id")?;
    let known = call.state.provider_requests.get(id).filter(|request| {
        request.how == How::Browser
            && request.decision == Decision::Pending
            && request.place.side == place.side
            && request.expires_at > call.now
    });
    let request = known
        .cloned()
        .ok_or_else(|| Refusal::oauth("invalid_request", "The state_id is unknown, expired or was used before"))?;
    let app = params.text("app_id").or_else(|| params.text("sso_app_id"));
    if app.is_some_and(|app| app != request.app_id) {
        return Err(Refusal::oauth("invalid_request", "The sign-in is for another application"));
    }
    let client = Client::get(call.state, &call.project.id, &request.place, &request.app_id)?;
    let presented = presented(call).ok_or_else(|| Refusal::oauth("login_required", "No user is signed in"))?;
    let user = call.state.users.get(&presented.user_id).cloned();
    let user = user.ok_or_else(|| Refusal::oauth("login_required", "No user is signed in"))?;
    claims::refuse_user(&client, &user, request.tenant.as_deref())?;
    let consent_id = if client.asks_consent {
        let named = params.text("consent_id").and_then(|id| call.state.consents.get(id));
        let covers = named.filter(|consent| {
            consent.user_id == user.id
                && consent.app_id == client.id
                && request.scopes.iter().all(|scope| consent.scopes.contains(scope))
        });
        covers
            .map(|consent| consent.id.clone())
            .or_else(|| standing_consent(call.state, &client, &user.id, &request))
            .ok_or_else(|| Refusal::oauth("consent_required", "The user has not agreed to that yet"))?
    } else {
        String::new()
    };
    let approval = Approval {
        user_id: user.id,
        scopes: request.scopes.clone(),
        consent_id,
        session_id: presented.session_id,
        at: call.now,
    };
    Ok(Reply::redirect(finished(call.state, request, approval, call.now)?))
}

/// The user's session, by the refresh token of the bearer or of the cookie.
pub(super) fn presented(call: &Call<'_>) -> Option<token::Presented> {
    let bearer = super::bearer(call.headers).map(|value| value.rsplit(':').next().unwrap_or_default().to_owned());
    let name = call.state.settings.refresh_cookie_name.as_str();
    let cookies = call.headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let cookie = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned());
    bearer.into_iter().chain(cookie).find_map(|raw| {
        let claims = call.verify(&raw);
        token::check(call.state, &call.project.id, &raw, claims, Kind::Refresh, call.now).ok()
    })
}

/// Whether a verifier is the one that a challenge was made of.
pub(in crate::area) fn verifies(challenge: &(String, String), verifier: &str) -> bool {
    let made = match challenge.1.as_str() {
        "S256" => URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes())),
        _ => verifier.to_owned(),
    };
    descope_api::Secret::from(made) == descope_api::Secret::from(challenge.0.as_str())
}
