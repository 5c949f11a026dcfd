//! Sign-in by a message that the user sends, instead of one that is sent to the user. The emulator has a messenger of
//! its own, in which the message is sent by whoever opens it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use descope_api::types::{
    JwtResponse, LoginOptions, NotpPendingSessionRequest, NotpResponse, NotpSignInRequest, NotpSignUpRequest,
    NotpUpdatePhoneRequest,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{some, totp::picture::qr_code, user::Profile};
use crate::{
    address::{clean_phone, is_phone},
    admin::inbox::Channel,
    error::{INVALID_ARGUMENTS, LINK_EXPIRED, NOT_FOUND, NOTP_PENDING, Refusal, USER_NOT_FOUND, VALIDATION_FAILED},
    flow::{self, AddressUpdate, Challenge, Purpose, SessionWish, Update, token},
    http::{Call, Table, op},
    world::{Record, State},
};

/// What the message does when it arrives. Who it is may only be known then, by the number that it comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Wanted {
    SignUp { login_id: Option<String>, profile: Box<Profile> },
    SignIn { login_id: Option<String>, create: bool },
    Update(Update),
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Progress {
    Waiting,
    /// The message has come from this number.
    Written {
        phone: String,
    },
    Refused,
}

/// A message that the user is to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NotpRecord {
    /// What stands in the message. The user sees it, so that it lets nobody fetch the session.
    message: String,
    pending_ref: String,
    wanted: Wanted,
    /// The only number that it may come from.
    phone: Option<String>,
    wish: SessionWish,
    progress: Progress,
    expires_at: i64,
}

impl Record for NotpRecord {
    fn id(&self) -> &str {
        &self.pending_ref
    }

    fn names(&self) -> Vec<String> {
        vec![self.message.clone()]
    }

    fn owners(&self) -> Vec<String> {
        match &self.wanted {
            Wanted::Update(update) => vec![update.user_id.clone()],
            Wanted::SignUp { .. } | Wanted::SignIn { .. } => Vec::new(),
        }
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::NotpSignUp>(sign_up)
        .on::<op::NotpSignIn>(|call, body| sign_in(call, body, false))
        .on::<op::NotpSignUpOrIn>(|call, body| sign_in(call, body, true))
        .on::<op::NotpUpdatePhone>(update_phone)
        .on::<op::NotpPendingSession>(pending_session);
}

/// There is one messenger.
fn refuse_others(call: &Call<'_>) -> Result<(), Refusal> {
    match call.segment("provider") {
        "whatsapp" => Ok(()),
        other => Err(Refusal::invalid(format!("There is no messenger {other:?}; there is whatsapp"))),
    }
}

fn checked_phone(field: &str, phone: Option<String>) -> Result<Option<String>, Refusal> {
    match some(phone) {
        Some(phone) if is_phone(&phone) => Ok(Some(clean_phone(&phone))),
        Some(_) => Err(Refusal::new(&VALIDATION_FAILED, format!("The {field} field is not valid"))),
        None => Ok(None),
    }
}

fn begin(
    call: &mut Call<'_>,
    wanted: Wanted,
    phone: Option<String>,
    wish: SessionWish,
) -> Result<NotpResponse, Refusal> {
    flow::refuse_pkce(&wish)?;
    let record = NotpRecord {
        message: call.state.ids.alphanumeric(12),
        pending_ref: call.state.ids.alphanumeric(32),
        wanted,
        phone,
        wish,
        progress: Progress::Waiting,
        expires_at: call.now + call.state.settings.sent_seconds,
    };
    let url = Url::parse_with_params(
        &format!("{}/_emulator/messenger", call.origin()),
        [("project", call.project.id.as_str()), ("message", &record.message)],
    );
    let url = String::from(url.map_err(|error| Refusal::new(&INVALID_ARGUMENTS, error.to_string()))?);
    let picture = qr_code(&url).ok_or_else(|| Refusal::invalid("The address is too long for a QR code"))?;
    let answer = NotpResponse::new().image(STANDARD.encode(picture)).redirect_url(url);
    let answer = answer.pending_ref(record.pending_ref.as_str());
    call.state.notp.insert(&mut call.state.log, record)?;
    Ok(answer)
}

fn sign_up(call: &mut Call<'_>, body: NotpSignUpRequest) -> Result<NotpResponse, Refusal> {
    refuse_others(call)?;
    let inside = body.user.as_ref().and_then(|user| user.login_id.clone());
    let login_id = some(body.login_id).or_else(|| some(inside));
    if let Some(login_id) = &login_id {
        flow::refuse_taken(call, login_id)?;
    }
    let profile = flow::checked_profile(body.user, login_id.as_deref().unwrap_or_default())?;
    let as_phone = login_id.clone().filter(|login_id| is_phone(login_id)).map(|phone| clean_phone(&phone));
    let phone = checked_phone("phone", body.phone)?.or_else(|| profile.phone.clone()).or(as_phone);
    let wish = body.login_options.map(flow::wish_of_sign_up).unwrap_or_default();
    begin(call, Wanted::SignUp { login_id, profile: Box::new(profile) }, phone, wish)
}

fn sign_in(call: &mut Call<'_>, body: NotpSignInRequest, create: bool) -> Result<NotpResponse, Refusal> {
    refuse_others(call)?;
    let Some(login_id) = some(body.login_id) else {
        // Whoever steps up is known already; everybody else is known by the number.
        let options = body.login_options.unwrap_or_else(flow::no_options);
        if options.stepup == Some(true) || options.mfa == Some(true) {
            let user = call.user()?.clone();
            let login_id = user.login_ids.first().cloned().unwrap_or_else(|| user.id.clone());
            return sign_in_as(call, login_id, Some(options));
        }
        let wish = flow::wish_of(options)?;
        return begin(call, Wanted::SignIn { login_id: None, create }, None, wish);
    };
    if call.state.users.named(&login_id).is_some() {
        return sign_in_as(call, login_id, body.login_options);
    }
    if !create {
        return Err(Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"));
    }
    let options = body.login_options.unwrap_or_else(flow::no_options);
    if options.stepup == Some(true) || options.mfa == Some(true) {
        return Err(Refusal::new(&USER_NOT_FOUND, "A user who does not exist cannot step up"));
    }
    let phone = Some(login_id.clone()).filter(|login_id| is_phone(login_id)).map(|phone| clean_phone(&phone));
    let wish = flow::wish_of(options)?;
    begin(call, Wanted::SignIn { login_id: Some(login_id), create }, phone, wish)
}

/// The message of somebody who is named has to come from that user's own number.
fn sign_in_as(call: &mut Call<'_>, login_id: String, options: Option<LoginOptions>) -> Result<NotpResponse, Refusal> {
    let user = call.state.users.find(&login_id).cloned();
    let user = user.ok_or_else(|| Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"))?;
    token::refuse_disabled(Some(&user))?;
    let as_phone = || Some(login_id.clone()).filter(|login_id| is_phone(login_id)).map(|phone| clean_phone(&phone));
    let phone = some(user.profile.phone.clone()).or_else(as_phone);
    let phone = phone.ok_or_else(|| Refusal::invalid("The user has no phone number to write from"))?;
    let wish = flow::wish_for(call, &user, options)?;
    begin(call, Wanted::SignIn { login_id: Some(login_id), create: false }, Some(phone), wish)
}

fn update_phone(call: &mut Call<'_>, body: NotpUpdatePhoneRequest) -> Result<NotpResponse, Refusal> {
    refuse_others(call)?;
    let user_id = flow::require_own(call, &body.login_id)?.id.clone();
    let phone = checked_phone("phone", body.phone)?;
    if let Some(phone) = &phone {
        // Refuses what can be known to be refused in the end.
        let request = AddressUpdate {
            login_id: body.login_id.clone(),
            address: phone.clone(),
            add_to_login_ids: body.add_to_login_ids,
            on_merge_use_existing: body.on_merge_use_existing,
            fail_on_conflict: body.fail_on_conflict,
            mfa: None,
        };
        flow::begin_update(call, request, Channel::Whatsapp)?;
    }
    let update = Update {
        user_id,
        address: phone.clone().unwrap_or_default(),
        add_to_login_ids: body.add_to_login_ids == Some(true),
        on_merge_use_existing: body.on_merge_use_existing == Some(true),
        fail_on_conflict: body.fail_on_conflict == Some(true),
    };
    let wish = SessionWish { earlier_amr: flow::earlier_amr(call), ..SessionWish::default() };
    begin(call, Wanted::Update(update), phone, wish)
}

/// What the person does who has the message before them.
pub(crate) enum Decision {
    Send { phone: String },
    Refuse,
}

/// A message that waits to be sent.
fn waiting<'a>(state: &'a State, message: &str, now: i64) -> Result<&'a NotpRecord, Refusal> {
    let known = state.notp.named(message);
    let open = known.filter(|record| record.expires_at > now && record.progress == Progress::Waiting);
    open.ok_or_else(|| Refusal::new(&NOT_FOUND, "No sign-in waits for such a message"))
}

/// The number that the message has to come from, where there is only one.
pub(crate) fn expected(state: &State, message: &str, now: i64) -> Result<Option<String>, Refusal> {
    Ok(waiting(state, message, now)?.phone.clone())
}

/// Carries out what the person does.
pub(crate) fn decide(state: &mut State, message: &str, decision: Decision, now: i64) -> Result<(), Refusal> {
    let record = waiting(state, message, now)?;
    let progress = match decision {
        Decision::Refuse => Progress::Refused,
        Decision::Send { phone } => {
            let phone = checked_phone("phone", Some(phone))?.ok_or_else(|| Refusal::required("phone"))?;
            if record.phone.as_ref().is_some_and(|expected| *expected != phone) {
                return Err(Refusal::invalid("The message has to come from another number"));
            }
            Progress::Written { phone }
        }
    };
    let (id, expires_at) = (record.pending_ref.clone(), now + state.settings.sent_seconds);
    state.notp.update(&mut state.log, &id, |record| {
        record.progress = progress;
        // The session waits for the device that polls as long again as the message did.
        record.expires_at = expires_at;
    });
    Ok(())
}

fn pending_session(call: &mut Call<'_>, body: NotpPendingSessionRequest) -> Result<JwtResponse, Refusal> {
    let pending_ref = body.pending_ref.expose().trim();
    let known = call.state.notp.get(pending_ref).filter(|record| record.expires_at > call.now).cloned();
    let over = |why: &str| Refusal::new(&LINK_EXPIRED, why);
    let record = known.ok_or_else(|| over("The sign-in is unknown, expired or its session was fetched"))?;
    let phone = match record.progress {
        Progress::Waiting => return Err(Refusal::new(&NOTP_PENDING, "The message has not arrived yet")),
        Progress::Refused => return Err(over("The user has not sent the message and will not")),
        Progress::Written { phone } => phone,
    };
    let (purpose, login_id) = match record.wanted {
        Wanted::SignUp { login_id, mut profile } => {
            profile.phone.get_or_insert_with(|| phone.clone());
            let login_id = login_id.unwrap_or_else(|| phone.clone());
            (Purpose::SignUp { profile, strict: true, proves_address: true }, login_id)
        }
        Wanted::SignIn { login_id, create } => {
            let login_id = login_id.unwrap_or_else(|| phone.clone());
            match call.state.users.find(&login_id) {
                Some(user) => (Purpose::SignIn { user_id: user.id.clone() }, login_id),
                None if create => {
                    let profile = Box::new(Profile { phone: Some(phone), ..Profile::default() });
                    (Purpose::SignUp { profile, strict: false, proves_address: true }, login_id)
                }
                None => return Err(Refusal::new(&USER_NOT_FOUND, "Nobody has the number that the message came from")),
            }
        }
        Wanted::Update(update) => (Purpose::Update(Update { address: phone.clone(), ..update }), phone),
    };
    let channel = Some(Channel::Whatsapp);
    let challenge = Challenge { purpose, login_id, channel, wish: record.wish, expires_at: record.expires_at };
    let session = flow::complete(call, &challenge)?;
    call.state.notp.remove(&mut call.state.log, pending_ref);
    Ok(session)
}
