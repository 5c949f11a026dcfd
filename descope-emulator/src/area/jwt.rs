//! Sessions that the back end opens by itself, and tokens that it changes.

use descope_api::{
    Secret,
    types::{
        JwtAnonymousRequest, JwtAnonymousResponse, JwtClientAssertionRequest, JwtIssuedResponse, JwtResponse,
        JwtSignInRequest, JwtSignUpRequest, JwtUpdateRequest, SignUpUser,
    },
};
use serde_json::{Map, Value, json};

use super::{password::with_address, role, set, some, tenancies, tenant, user};
use crate::{
    error::{NOT_EMULATED, Refusal, TOKEN_EXPIRED},
    flow::{self, Kind, Presented, Session, SessionWish, token},
    http::{Call, Table, op},
    world::{Settings, State},
};

/// What a sign-in by the back end adds to the claim `amr`.
const METHOD: &str = "management";

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementJwtUpdate>(update)
        .on::<op::ManagementJwtSignIn>(sign_in)
        .on::<op::ManagementJwtSignUp>(|call, body| sign_up(call, body, true))
        .on::<op::ManagementJwtSignUpOrIn>(|call, body| sign_up(call, body, false))
        .on::<op::ManagementJwtAnonymous>(anonymous)
        .on::<op::ManagementJwtClientAssertion>(client_assertion);
}

/// How long a refresh token is to last where the call says so.
pub(super) fn duration(seconds: Option<i64>) -> Result<Option<i64>, Refusal> {
    match seconds.unwrap_or_default() {
        0 => Ok(None),
        seconds @ 1..=Settings::LONGEST => Ok(Some(seconds)),
        _ => Err(Refusal::invalid("The refreshDuration field is in seconds, from 1 to ten years")),
    }
}

/// A token that came in the body of a call and is good, and of which kind it is.
pub(super) fn presented(call: &Call<'_>, jwt: &Secret) -> Result<(Presented, Kind), Refusal> {
    let jwt = jwt.expose().trim();
    let claims = call.verify(jwt);
    let drn = claims.as_ref().and_then(|claims| claims.get("drn")).and_then(Value::as_str);
    let kind = if drn == Some("DSR") { Kind::Refresh } else { Kind::Session };
    Ok((token::check(call.state, &call.project.id, jwt, claims, kind, call.now)?, kind))
}

/// The same for one that has to be a refresh token.
pub(super) fn presented_refresh(call: &Call<'_>, jwt: &Secret) -> Result<Presented, Refusal> {
    match presented(call, jwt)? {
        (presented, Kind::Refresh) => Ok(presented),
        _ => Err(Refusal::new(&TOKEN_EXPIRED, "The token is not a refresh token")),
    }
}

fn update(call: &mut Call<'_>, body: JwtUpdateRequest) -> Result<JwtIssuedResponse, Refusal> {
    let seconds = duration(body.refresh_duration)?;
    let (presented, kind) = presented(call, &body.jwt)?;
    let jwt = token::renew(call, &presented, kind, &body.custom_claims, seconds)?;
    Ok(JwtIssuedResponse::new().jwt(jwt))
}

/// The tenant that is asked for, to which the user has to belong.
pub(super) fn chosen_tenant(state: &State, user_id: &str, tenant: Option<String>) -> Result<Option<String>, Refusal> {
    let tenant = some(tenant);
    let belongs = |tenant: &String| state.users.get(user_id).is_some_and(|user| user.tenants.contains_key(tenant));
    match tenant {
        Some(tenant) if !belongs(&tenant) => {
            Err(Refusal::invalid(format!("The user does not belong to tenant {tenant}")))
        }
        tenant => Ok(tenant),
    }
}

/// Opens a session. The claims that the back end asks for need no quarantine.
fn start(call: &mut Call<'_>, user_id: &str, wish: &SessionWish, seconds: Option<i64>) -> Result<JwtResponse, Refusal> {
    let mut session = flow::new_session(call, user_id, wish, METHOD);
    set(&mut session.expires_at, seconds.map(|seconds| call.now + seconds));
    flow::open_session(call, session, wish.revoke_other_sessions, METHOD)
}

/// Neither the language of the user nor the application that the session is for shows in anything that is answered.
fn sign_in(call: &mut Call<'_>, body: JwtSignInRequest) -> Result<JwtResponse, Refusal> {
    flow::refuse_session_kinds("revokeOtherSessionsTypes", &body.revoke_other_sessions_types)?;
    let seconds = duration(body.refresh_duration)?;
    let user = user::find(call.state, &body.login_id)?.clone();
    token::refuse_disabled(Some(&user))?;
    let mut wish = SessionWish {
        claims: body.custom_claims,
        tenant: chosen_tenant(call.state, &user.id, some(body.selected_tenant_id).or(body.tenant_id))?,
        stepup: body.stepup == Some(true),
        mfa: body.mfa == Some(true),
        revoke_other_sessions: body.revoke_other_sessions == Some(true),
        ..SessionWish::default()
    };
    let jwt = body.jwt.filter(|jwt| !jwt.is_empty());
    if wish.stepup || wish.mfa {
        let jwt = jwt.ok_or_else(|| Refusal::required("jwt"))?;
        let earlier = presented_refresh(call, &jwt)?;
        if earlier.user_id != user.id {
            return Err(Refusal::invalid("The refresh token belongs to another user"));
        }
        let session = call.state.sessions.get(&earlier.session_id);
        wish.earlier_amr = session.map(|session| session.amr.clone()).unwrap_or_default();
    } else if jwt.is_some() {
        return Err(Refusal::invalid("The jwt field goes with stepup or mfa only"));
    }
    start(call, &user.id, &wish, seconds)
}

fn sign_up(call: &mut Call<'_>, body: JwtSignUpRequest, strict: bool) -> Result<JwtResponse, Refusal> {
    let seconds = duration(body.refresh_duration)?;
    let known = call.state.users.named(&body.login_id).map(|user| user.id.clone());
    if strict {
        flow::refuse_taken(call, &body.login_id)?;
    }
    let about = body.user.unwrap_or_default();
    let mut said = SignUpUser::new();
    said.email = about.email;
    said.family_name = about.family_name;
    said.given_name = about.given_name;
    said.login_id = about.login_id;
    said.middle_name = about.middle_name;
    said.name = about.name;
    said.phone = about.phone;
    said.recovery_email = about.recovery_email;
    said.recovery_phone = about.recovery_phone;
    let mut profile = with_address(flow::checked_profile(Some(said), &body.login_id)?, &body.login_id);
    let email = [body.email_verified, about.email_verified, about.verified_email];
    let phone = [body.phone_verified, about.phone_verified, about.verified_phone];
    profile.verified_email = email.contains(&Some(true)) && profile.email.is_some();
    profile.verified_phone = phone.contains(&Some(true)) && profile.phone.is_some();
    let tenants = tenancies(call.state, body.user_tenants)?;
    let mut wish = SessionWish { claims: body.custom_claims, ..SessionWish::default() };
    let user_id = match known {
        // What is said of a new user does not touch one who is there already.
        Some(user_id) if !strict => {
            token::refuse_disabled(call.state.users.get(&user_id))?;
            user_id
        }
        _ => {
            let user_id = flow::finish_sign_up(call, &body.login_id, &wish, profile, strict)?;
            call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
                user.tenants.extend(tenants);
                user.sso_app_ids.extend(about.sso_app_ids);
            });
            user_id
        }
    };
    wish.tenant = chosen_tenant(call.state, &user_id, body.selected_tenant_id)?;
    start(call, &user_id, &wish, seconds)
}

/// A session of a visitor, who is no user.
fn anonymous(call: &mut Call<'_>, body: JwtAnonymousRequest) -> Result<JwtAnonymousResponse, Refusal> {
    let seconds = duration(body.refresh_duration)?.unwrap_or(call.state.settings.refresh_seconds);
    let tenant = some(body.selected_tenant);
    if let Some(tenant) = &tenant {
        tenant::require_named(call.state, tenant)?;
    }
    role::require(call.state, &body.roles, tenant.as_deref())?;
    let session = Session {
        id: call.state.ids.alphanumeric(20),
        user_id: call.state.ids.id("ANON"),
        claims: body.custom_claims,
        tenant,
        anonymous_roles: Some(body.roles),
        expires_at: call.now + seconds,
        ..Session::default()
    };
    let session = call.state.sessions.insert(&mut call.state.log, session)?;
    let issued = token::issue(call, &session.id)?;
    let mut response = JwtAnonymousResponse::new();
    response.session_jwt = issued.session_jwt;
    response.refresh_jwt = issued.refresh_jwt;
    response.cookie_domain = issued.cookie_domain;
    response.cookie_path = issued.cookie_path;
    response.cookie_max_age = issued.cookie_max_age;
    response.cookie_expiration = issued.cookie_expiration;
    Ok(response)
}

/// A token by which the project shows another service who it is (RFC 7523), signed with the key of its sessions.
fn client_assertion(call: &mut Call<'_>, body: JwtClientAssertionRequest) -> Result<JwtIssuedResponse, Refusal> {
    if let Some(algorithm) = some(body.algorithm.as_deref().map(str::to_owned)).filter(|algorithm| algorithm != "RS256")
    {
        let message = format!("The keys of the emulator sign by RS256 and not by {algorithm}");
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    for (field, value) in [("issuer", &body.issuer), ("subject", &body.subject)] {
        if value.trim().is_empty() {
            return Err(Refusal::required(field));
        }
    }
    if body.audience.iter().all(|audience| audience.trim().is_empty()) {
        return Err(Refusal::required("audience"));
    }
    if !(1..=Settings::LONGEST).contains(&body.expires_in) {
        return Err(Refusal::invalid("The expiresIn field is in seconds, from 1 to ten years"));
    }
    let audience = match &body.audience[..] {
        [only] if body.flatten_audience == Some(true) => json!(only),
        [_, ..] if body.flatten_audience == Some(true) => {
            return Err(Refusal::invalid("More than one audience cannot be written as a text"));
        }
        all => json!(all),
    };
    let claims = Map::from_iter([
        ("iss".to_owned(), json!(body.issuer)),
        ("sub".to_owned(), json!(body.subject)),
        ("aud".to_owned(), audience),
        ("iat".to_owned(), json!(call.issued_at())),
        ("exp".to_owned(), json!(call.now + body.expires_in)),
        ("jti".to_owned(), json!(call.state.ids.alphanumeric(24))),
    ]);
    Ok(JwtIssuedResponse::new().jwt(call.sign(claims)))
}
