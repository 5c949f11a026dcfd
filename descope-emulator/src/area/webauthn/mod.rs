//! Passkeys: real ceremonies, checked as a relying party has to check them.

mod attestation;
mod ceremony;
mod cose;
mod options;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use descope_api::types::{
    JwtResponse, LoginOptions, WebauthnFinishRequest, WebauthnPasskeyOptions, WebauthnSignInStartRequest,
    WebauthnSignUpOrInStartRequest, WebauthnSignUpStartRequest, WebauthnStartResponse, WebauthnUpdateResult,
    WebauthnUpdateStartRequest,
};
use serde::{Deserialize, Serialize};
use url::Url;

use self::{
    ceremony::{Asserted, Expected},
    options::{Create, Get},
};
use super::{password::with_address, some};
use crate::{
    area::user::{PasskeyRecord, Profile, UserRecord},
    error::{NO_PASSKEYS, Refusal, TOKEN_EXPIRED, USER_NOT_FOUND},
    flow::{self, SessionWish, token},
    http::{Call, Table, op},
    world::{Record, State},
};

/// What a challenge is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Purpose {
    /// A passkey for somebody who comes into being with it.
    SignUp { login_id: String, profile: Box<Profile> },
    /// Another passkey for somebody who is signed in.
    Add { user_id: String },
    /// A signature of a passkey: of this user's, or of whoever's it is.
    SignIn { user_id: Option<String> },
}

/// A challenge that waits for its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebauthnRecord {
    transaction_id: String,
    purpose: Purpose,
    /// In base64url, as the browser gives it back.
    challenge: String,
    origin: String,
    rp_id: String,
    /// Under which the authenticator keeps a new passkey, in base64url.
    user_handle: String,
    /// Whether the user has to show a finger, a face or a PIN.
    verify_user: bool,
    wish: SessionWish,
    expires_at: i64,
}

impl Record for WebauthnRecord {
    fn id(&self) -> &str {
        &self.transaction_id
    }

    fn owners(&self) -> Vec<String> {
        match &self.purpose {
            Purpose::Add { user_id } | Purpose::SignIn { user_id: Some(user_id) } => vec![user_id.clone()],
            Purpose::SignUp { .. } | Purpose::SignIn { user_id: None } => Vec::new(),
        }
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

/// What `amr` says of a sign-in by a passkey.
pub(super) const METHOD: &str = "webauthn";

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::WebauthnSignUpStart>(sign_up_start)
        .on::<op::WebauthnSignUpFinish>(sign_up_finish)
        .on::<op::WebauthnSignInStart>(sign_in_start)
        .on::<op::WebauthnSignInFinish>(sign_in_finish)
        .on::<op::WebauthnSignUpOrInStart>(sign_up_or_in_start)
        .on::<op::WebauthnUpdateStart>(update_start)
        .on::<op::WebauthnUpdateFinish>(update_finish);
}

/// A page that may use passkeys, and the domain that they belong to.
struct Site {
    origin: String,
    host: String,
    rp_id: String,
}

impl Site {
    /// Browsers have passkeys on pages that came over https, or from this computer. An app for Android has an origin of
    /// its own, and belongs to the domain that the project has set.
    fn of(call: &Call<'_>, origin: &str) -> Result<Self, Refusal> {
        let origin = some(Some(origin.trim())).ok_or_else(|| Refusal::required("origin"))?;
        let domain = call.state.settings.passkey_domain.clone();
        if origin.starts_with("android:apk-key-hash:") && !domain.is_empty() {
            return Ok(Self { origin: origin.to_owned(), host: domain.clone(), rp_id: domain });
        }
        let refuse = |why: &str| Refusal::invalid(format!("The origin field {why}"));
        let url = Url::parse(origin).map_err(|_| refuse("is not the origin of a page"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let local = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
        if host.is_empty() || !(url.scheme() == "https" || (url.scheme() == "http" && local)) {
            return Err(refuse("has to begin with https://, or with http:// on localhost"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("has scheme, host and port, and nothing after them"));
        }
        let rp_id = if domain.is_empty() { host.clone() } else { domain };
        if !within(&host, &rp_id) {
            return Err(refuse(&format!("is not within the domain {rp_id:?} that the project has set for passkeys")));
        }
        Ok(Self { origin: url.origin().ascii_serialization(), host, rp_id })
    }

    /// The domain of passkeys that were brought along may be one above the page's host.
    fn of_passkeys(mut self, passkeys: &[PasskeyRecord]) -> Self {
        let fits = |passkey: &&PasskeyRecord| within(&self.host, &passkey.rp_id);
        if !passkeys.iter().any(|passkey| passkey.rp_id == self.rp_id)
            && let Some(passkey) = passkeys.iter().find(fits)
        {
            self.rp_id.clone_from(&passkey.rp_id);
        }
        self
    }
}

/// Whether a host is the domain or below it.
fn within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')) && !domain.is_empty()
}

/// What every challenge needs.
struct Begin {
    site: Site,
    purpose: Purpose,
    user_handle: String,
    verify_user: bool,
    wish: SessionWish,
}

impl Begin {
    fn record(self, call: &mut Call<'_>) -> WebauthnRecord {
        WebauthnRecord {
            transaction_id: call.state.ids.alphanumeric(27),
            purpose: self.purpose,
            challenge: URL_SAFE_NO_PAD.encode(call.state.ids.bytes::<32>()),
            origin: self.site.origin,
            rp_id: self.site.rp_id,
            user_handle: self.user_handle,
            verify_user: self.verify_user,
            wish: self.wish,
            expires_at: call.now + call.state.settings.sent_seconds,
        }
    }
}

fn started(
    call: &mut Call<'_>,
    record: WebauthnRecord,
    options: String,
    create: bool,
) -> Result<WebauthnStartResponse, Refusal> {
    let id = record.transaction_id.clone();
    call.state.webauthn.insert(&mut call.state.log, record)?;
    Ok(WebauthnStartResponse::new().transaction_id(id).options(options).create(create))
}

/// Has the browser make a passkey.
fn start_create(
    call: &mut Call<'_>,
    begin: Begin,
    wanted: Option<WebauthnPasskeyOptions>,
    names: (&str, &str),
) -> Result<WebauthnStartResponse, Refusal> {
    let mut begin = begin;
    let wanted = wanted.unwrap_or_default();
    begin.verify_user = options::verifies_when_made(&wanted);
    let known = match &begin.purpose {
        Purpose::Add { user_id } => call.state.users.get(user_id).map(|user| user.passkeys.clone()).unwrap_or_default(),
        _ => Vec::new(),
    };
    let record = begin.record(call);
    let seconds = call.state.settings.sent_seconds;
    let create = Create {
        challenge: &record.challenge,
        rp_id: &record.rp_id,
        rp_name: call.state.about.name(&call.project.id),
        user_handle: &record.user_handle,
        login_id: names.0,
        display_name: names.1,
        known: &known,
        seconds,
    };
    let options = create.to_json(&wanted)?;
    started(call, record, options, true)
}

/// Has the browser ask a passkey for a signature.
fn start_get(
    call: &mut Call<'_>,
    site: Site,
    user: Option<&UserRecord>,
    wanted: Option<WebauthnPasskeyOptions>,
    wish: SessionWish,
) -> Result<WebauthnStartResponse, Refusal> {
    flow::refuse_pkce(&wish)?;
    let wanted = wanted.unwrap_or_default();
    let passkeys = user.map(|user| user.passkeys.as_slice()).unwrap_or_default();
    let site = site.of_passkeys(passkeys);
    let usable: Vec<&PasskeyRecord> = passkeys.iter().filter(|passkey| passkey.rp_id == site.rp_id).collect();
    if user.is_some() && usable.is_empty() {
        return Err(Refusal::new(&NO_PASSKEYS, "The user has no passkey for this site"));
    }
    let purpose = Purpose::SignIn { user_id: user.map(|user| user.id.clone()) };
    let verify_user = options::verifies_when_asked(&wanted);
    let record = Begin { site, purpose, user_handle: String::new(), verify_user, wish }.record(call);
    let seconds = call.state.settings.sent_seconds;
    let get = Get { challenge: &record.challenge, rp_id: &record.rp_id, usable: &usable, seconds };
    let options = get.to_json(&wanted)?;
    started(call, record, options, false)
}

fn new_handle(call: &mut Call<'_>) -> String {
    URL_SAFE_NO_PAD.encode(call.state.ids.bytes::<32>())
}

fn sign_up_start(call: &mut Call<'_>, body: WebauthnSignUpStartRequest) -> Result<WebauthnStartResponse, Refusal> {
    let site = Site::of(call, &body.origin)?;
    let inside = body.user.as_ref().and_then(|user| user.login_id.clone());
    let login_id = some(body.login_id).or_else(|| some(inside)).ok_or_else(|| Refusal::required("loginId"))?;
    flow::refuse_taken(call, &login_id)?;
    let profile = with_address(flow::checked_profile(body.user, &login_id)?, &login_id);
    let wish = body.login_options.map(flow::wish_of_sign_up).unwrap_or_default();
    create_for(call, site, login_id, profile, body.passkey_options, wish)
}

fn create_for(
    call: &mut Call<'_>,
    site: Site,
    login_id: String,
    profile: Profile,
    wanted: Option<WebauthnPasskeyOptions>,
    wish: SessionWish,
) -> Result<WebauthnStartResponse, Refusal> {
    flow::refuse_pkce(&wish)?;
    let display_name = profile.name.clone().unwrap_or_else(|| login_id.clone());
    let purpose = Purpose::SignUp { login_id: login_id.clone(), profile: Box::new(profile) };
    let begin = Begin { site, purpose, user_handle: new_handle(call), verify_user: false, wish };
    start_create(call, begin, wanted, (&login_id, &display_name))
}

pub(super) fn sign_in_start(
    call: &mut Call<'_>,
    body: WebauthnSignInStartRequest,
) -> Result<WebauthnStartResponse, Refusal> {
    let site = Site::of(call, &body.origin)?;
    let Some(login_id) = some(body.login_id) else {
        // Nobody is named: the browser offers what it has. Whoever steps up is known all the same.
        let options = body.login_options.unwrap_or_else(flow::no_options);
        let stronger = options.stepup == Some(true) || options.mfa == Some(true);
        let user = stronger.then(|| call.user().cloned()).transpose()?;
        let wish = match &user {
            Some(user) => flow::wish_for(call, user, Some(options))?,
            None => flow::wish_of(options)?,
        };
        return start_get(call, site, user.as_ref(), body.passkey_options, wish);
    };
    let user = call.state.users.named(&login_id).cloned();
    let user = user.ok_or_else(|| Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"))?;
    sign_in_as(call, site, &user, body.passkey_options, body.login_options)
}

fn sign_in_as(
    call: &mut Call<'_>,
    site: Site,
    user: &UserRecord,
    wanted: Option<WebauthnPasskeyOptions>,
    options: Option<LoginOptions>,
) -> Result<WebauthnStartResponse, Refusal> {
    token::refuse_disabled(Some(user))?;
    let wish = flow::wish_for(call, user, options)?;
    start_get(call, site, Some(user), wanted, wish)
}

/// Somebody who is known and has no passkey is refused: whoever could give them one here would get their account.
pub(super) fn sign_up_or_in_start(
    call: &mut Call<'_>,
    body: WebauthnSignUpOrInStartRequest,
) -> Result<WebauthnStartResponse, Refusal> {
    let site = Site::of(call, &body.origin)?;
    let login_id = some(Some(body.login_id)).ok_or_else(|| Refusal::required("loginId"))?;
    if let Some(user) = call.state.users.named(&login_id).cloned() {
        return sign_in_as(call, site, &user, body.passkey_options, body.login_options);
    }
    let options = body.login_options.unwrap_or_else(flow::no_options);
    if options.stepup == Some(true) || options.mfa == Some(true) {
        return Err(Refusal::new(&USER_NOT_FOUND, "A user who does not exist cannot step up"));
    }
    let profile = with_address(Profile::default(), &login_id);
    let wish = flow::wish_of(options)?;
    create_for(call, site, login_id, profile, body.passkey_options, wish)
}

fn update_start(call: &mut Call<'_>, body: WebauthnUpdateStartRequest) -> Result<WebauthnStartResponse, Refusal> {
    let site = Site::of(call, body.origin.as_deref().unwrap_or_default())?;
    let user = flow::require_own(call, &body.login_id)?.clone();
    let mut options = body.login_options.unwrap_or_else(flow::no_options);
    options.mfa = Some(options.mfa == Some(true) || body.mfa == Some(true));
    let wish = flow::wish_for(call, &user, Some(options))?;
    flow::refuse_pkce(&wish)?;
    let handle = user.passkeys.iter().map(|passkey| passkey.user_handle.clone()).find(|handle| !handle.is_empty());
    let user_handle = handle.unwrap_or_else(|| new_handle(call));
    let display_name = user.profile.name.clone().unwrap_or_else(|| body.login_id.clone());
    let begin = Begin { site, purpose: Purpose::Add { user_id: user.id }, user_handle, verify_user: false, wish };
    start_create(call, begin, body.passkey_options, (&body.login_id, &display_name))
}

/// The challenge that is answered. It is gone whatever comes of it: an answer that was refused is no second try.
fn take(call: &mut Call<'_>, body: &WebauthnFinishRequest) -> Result<WebauthnRecord, Refusal> {
    let id = body.transaction_id.trim();
    let known = call.state.webauthn.get(id).filter(|record| record.expires_at > call.now).cloned();
    call.state.webauthn.remove(&mut call.state.log, id);
    known.ok_or_else(|| Refusal::new(&TOKEN_EXPIRED, "The transaction is unknown, expired or was answered before"))
}

fn another_kind() -> Refusal {
    Refusal::invalid("The transaction was started for another kind of answer").counted()
}

impl WebauthnRecord {
    fn expected(&self) -> Expected<'_> {
        Expected { challenge: &self.challenge, origin: &self.origin, rp_id: &self.rp_id, verify_user: self.verify_user }
    }
}

/// The new passkey of an answer, checked.
fn made(call: &Call<'_>, record: &WebauthnRecord, body: &WebauthnFinishRequest) -> Result<PasskeyRecord, Refusal> {
    let made = ceremony::created(body.response.expose(), &record.expected())?;
    if owner_of(call.state, &made.id).is_some() {
        return Err(Refusal::invalid("The passkey belongs to a user already"));
    }
    Ok(PasskeyRecord {
        id: made.id,
        public_key: STANDARD.encode(made.public_key),
        rp_id: record.rp_id.clone(),
        aaguid: made.aaguid,
        syncable: made.syncable,
        created_at: call.now,
        user_handle: record.user_handle.clone(),
        counter: made.counter,
    })
}

fn sign_up_finish(call: &mut Call<'_>, body: WebauthnFinishRequest) -> Result<JwtResponse, Refusal> {
    let record = take(call, &body)?;
    let Purpose::SignUp { .. } = &record.purpose else { return Err(another_kind()) };
    let user_id = prove(call, &record, &body)?;
    flow::sign_in(call, &user_id, &record.wish, METHOD)
}

/// The user who has answered, whether by a new passkey or by one that is known.
pub(super) fn answered(call: &mut Call<'_>, body: &WebauthnFinishRequest) -> Result<String, Refusal> {
    let record = take(call, body)?;
    prove(call, &record, body)
}

fn prove(call: &mut Call<'_>, record: &WebauthnRecord, body: &WebauthnFinishRequest) -> Result<String, Refusal> {
    let wanted = match &record.purpose {
        Purpose::Add { .. } => return Err(another_kind()),
        Purpose::SignIn { user_id } => user_id.as_deref(),
        Purpose::SignUp { login_id, profile } => {
            let passkey = made(call, record, body).map_err(Refusal::counted)?;
            let user_id = flow::finish_sign_up(call, login_id, &record.wish, Profile::clone(profile), true)?;
            give(call, &user_id, passkey)?;
            return Ok(user_id);
        }
    };
    let (user_id, asserted) = proven(call, record, wanted, body).map_err(Refusal::counted)?;
    token::refuse_disabled(call.state.users.get(&user_id))?;
    if let Some(tenant) = &record.wish.tenant
        && call.state.users.get(&user_id).is_some_and(|user| !user.tenants.contains_key(tenant))
    {
        return Err(Refusal::invalid(format!("The user does not belong to tenant {tenant}")).counted());
    }
    call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
        for passkey in user.passkeys.iter_mut().filter(|passkey| plain(&passkey.id) == asserted.id) {
            passkey.counter = asserted.counter;
        }
    });
    Ok(user_id)
}

fn give(call: &mut Call<'_>, user_id: &str, passkey: PasskeyRecord) -> Result<(), Refusal> {
    call.state.users.edit(&mut call.state.log, user_id, |user| {
        user.passkeys.push(passkey);
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

fn update_finish(call: &mut Call<'_>, body: WebauthnFinishRequest) -> Result<WebauthnUpdateResult, Refusal> {
    let record = take(call, &body)?;
    let Purpose::Add { user_id } = &record.purpose else { return Err(another_kind()) };
    let user = call.state.users.get(user_id);
    token::refuse_disabled(user)?;
    if user.is_none() {
        return Err(Refusal::new(&USER_NOT_FOUND, "The user does not exist any more"));
    }
    let passkey = made(call, &record, &body).map_err(Refusal::counted)?;
    give(call, user_id, passkey)?;
    let result = WebauthnUpdateResult::new();
    Ok(if record.wish.mfa { result.jwt(flow::sign_in(call, user_id, &record.wish, METHOD)?) } else { result })
}

/// Who has a passkey, and which.
fn owner_of<'a>(state: &'a State, credential_id: &str) -> Option<(&'a UserRecord, &'a PasskeyRecord)> {
    let same = |passkey: &&PasskeyRecord| plain(&passkey.id) == plain(credential_id);
    state.users.iter().find_map(|user| user.passkeys.iter().find(same).map(|passkey| (user, passkey)))
}

/// An id of a credential in base64url without padding, whichever form of base64 it came in.
fn plain(id: &str) -> String {
    id.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn sign_in_finish(call: &mut Call<'_>, body: WebauthnFinishRequest) -> Result<JwtResponse, Refusal> {
    let record = take(call, &body)?;
    let Purpose::SignIn { .. } = &record.purpose else { return Err(another_kind()) };
    let user_id = prove(call, &record, &body)?;
    flow::sign_in(call, &user_id, &record.wish, METHOD)
}

/// The user whose passkey has signed, when all about the signature is right.
fn proven(
    call: &Call<'_>,
    record: &WebauthnRecord,
    wanted: Option<&str>,
    body: &WebauthnFinishRequest,
) -> Result<(String, Asserted), Refusal> {
    let answer = ceremony::Assertion::read(body.response.expose())?;
    let unknown = || Refusal::new(&NO_PASSKEYS, "The passkey belongs to no user of this project");
    let (user, passkey) = owner_of(call.state, &answer.id).ok_or_else(unknown)?;
    if passkey.rp_id != record.rp_id || wanted.is_some_and(|wanted| wanted != user.id) {
        return Err(Refusal::new(&NO_PASSKEYS, "The passkey is not one of those that were asked for"));
    }
    let other = |handle: &String| !passkey.user_handle.is_empty() && plain(handle) != plain(&passkey.user_handle);
    if answer.user_handle.as_ref().is_some_and(other) {
        return Err(Refusal::invalid("The passkey was made for another user"));
    }
    let key = STANDARD.decode(&passkey.public_key).unwrap_or_default();
    let asserted = answer.verify(&key, &record.expected())?;
    // A counter that does not go up betrays a copy; authenticators without one always say 0.
    if (asserted.counter != 0 || passkey.counter != 0) && asserted.counter <= passkey.counter {
        return Err(Refusal::invalid("The counter of the passkey has gone back: there may be a copy of it"));
    }
    Ok((user.id.clone(), asserted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_within_its_own_domain_and_those_above() {
        for (host, domain, fits) in [
            ("app.example.com", "app.example.com", true),
            ("app.example.com", "example.com", true),
            ("badexample.com", "example.com", false),
            ("example.com", "app.example.com", false),
            ("example.com", "", false),
        ] {
            assert_eq!(within(host, domain), fits, "{host} {domain}");
        }
    }
}
