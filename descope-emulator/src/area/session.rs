//! What happens between sign-in and logout.

use descope_api::{
    Secret,
    types::{
        AuthHistory, JwkSet, JwtResponse, OptionalJwtResponse, SessionClaims, SessionLogoutRequest,
        SessionRefreshRequest, SessionSelectTenantRequest, SessionTenant, SessionTenantList, SessionTenantsRequest,
    },
};

use crate::{
    area::{
        oauth::{self, Via},
        sso, tenant,
        user::{Login, history::entry as history_entry},
    },
    error::{INVALID_ARGUMENTS, Refusal, USER_NOT_FOUND},
    flow::{self, token},
    http::{Call, Nothing, Reply, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        // The older form is a bare array.
        .reply::<op::SessionKeysV1>(|call, _| Ok(Reply::json(200, &call.project.keys().published()?)?.bare()))
        .reply::<op::SessionKeys>(keys)
        .on::<op::SessionRefresh>(|call, body| refresh(call, external(body)))
        .on::<op::SessionRefreshGet>(|call, _| {
            let external_token = call.query("externalToken").map(Secret::from);
            refresh(call, external_token)
        })
        .reply::<op::SessionTryRefresh>(|call, body| Ok(Reply::json(200, &try_refresh(call, body)?)?.bare()))
        .lenient::<op::SessionTryRefresh>()
        .on::<op::SessionValidate>(|call, _| Ok(SessionClaims::new().parsed_jwt(call.token()?.claims.clone())))
        .on::<op::SessionLogout>(logout)
        .on::<op::SessionLogoutAll>(logout_all)
        .on::<op::SessionMe>(|call, _| Ok(call.user()?.to_api(call.state)))
        .on::<op::SessionHistory>(history)
        .on::<op::SessionSelectTenant>(select_tenant)
        .on::<op::SessionTenants>(tenants)
        .on::<op::SessionExchange>(exchange);
}

/// The keys as they are: a reader of keys that finds empty lists in them may take offence.
pub(super) fn keys(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Refusal> {
    Ok(Reply::json(200, &JwkSet::new().keys(call.project.keys().published()?))?.bare())
}

fn external(body: SessionRefreshRequest) -> Option<Secret> {
    body.external_token.filter(|token| !token.is_empty())
}

fn refresh(call: &mut Call<'_>, external_token: Option<Secret>) -> Result<JwtResponse, Refusal> {
    match external_token {
        Some(token) => migrate(call, &token),
        None => token::reissue(call),
    }
}

/// Makes a session of that of an outside system. The emulator's own provider plays that system, since nobody else is
/// asked for keys. As with the service, the user has to be there already.
fn migrate(call: &mut Call<'_>, external_token: &Secret) -> Result<JwtResponse, Refusal> {
    let identity = oauth::id_token::check(external_token.expose(), &call.project.id, None, call.now)?;
    let user = call.state.users.named(&identity.email);
    token::refuse_disabled(user)?;
    let Some(user_id) = user.map(|user| user.id.clone()) else {
        return Err(Refusal::new(&USER_NOT_FOUND, "The user of the external token does not exist here"));
    };
    flow::sign_in(call, &user_id, &flow::SessionWish::default(), "externaltoken")
}

/// The session for a code of social login or of single sign-on, in an older form.
fn exchange(call: &mut Call<'_>, _: Nothing) -> Result<JwtResponse, Refusal> {
    let code = call.query("code").unwrap_or_default().to_owned();
    let (record, identity) = oauth::redeem(call, &code, |via| matches!(via, Via::Social | Via::Sso { .. }))?;
    if *record.via() == Via::Social {
        oauth::sign_in(call, &record, identity)
    } else {
        sso::sign_in::finish(call, &record, &identity)
    }
}

/// Answers an empty object when there is nothing to refresh.
fn try_refresh(call: &mut Call<'_>, body: SessionRefreshRequest) -> Result<OptionalJwtResponse, Refusal> {
    let external_token = external(body);
    if call.caller.token.is_none() && external_token.is_none() {
        return Ok(OptionalJwtResponse::default());
    }
    let full = refresh(call, external_token)?;
    let mut renewed = OptionalJwtResponse::new();
    renewed.session_jwt = full.session_jwt;
    renewed.refresh_jwt = full.refresh_jwt;
    renewed.cookie_domain = full.cookie_domain;
    renewed.cookie_path = full.cookie_path;
    renewed.cookie_max_age = full.cookie_max_age;
    renewed.cookie_expiration = full.cookie_expiration;
    renewed.cookie_name = full.cookie_name;
    renewed.session_cookie_name = full.session_cookie_name;
    renewed.session_expiration = full.session_expiration;
    renewed.next_refresh_seconds = full.next_refresh_seconds;
    Ok(renewed)
}

fn logout(call: &mut Call<'_>, body: SessionLogoutRequest) -> Result<JwtResponse, Refusal> {
    flow::refuse_session_kinds("logoutType", &body.logout_type)?;
    let session_id = call.token()?.session_id.clone();
    call.state.sessions.update(&mut call.state.log, &session_id, |session| session.revoked = true);
    Ok(cleared(call))
}

fn logout_all(call: &mut Call<'_>, body: SessionLogoutRequest) -> Result<JwtResponse, Refusal> {
    flow::refuse_session_kinds("logoutType", &body.logout_type)?;
    let user_id = call.token()?.user_id.clone();
    call.state.revoke_sessions(&user_id, None);
    Ok(cleared(call))
}

/// Empty tokens and the attributes of the cookies that are to be cleared.
fn cleared(call: &Call<'_>) -> JwtResponse {
    let settings = &call.state.settings;
    JwtResponse::new()
        .session_jwt(Secret::default())
        .refresh_jwt(Secret::default())
        .cookie_domain(settings.cookie_domain.as_str())
        .cookie_path("/")
        .cookie_max_age(0)
        .cookie_expiration(0)
        .cookie_name(settings.refresh_cookie_name.as_str())
        .session_cookie_name(settings.session_cookie_name.as_str())
        .first_seen(false)
}

/// A bare array, newest sign-in first.
fn history(call: &mut Call<'_>, _: Nothing) -> Result<AuthHistory, Refusal> {
    let user = call.user()?;
    let entry = |login: &Login| history_entry(user, login);
    Ok(AuthHistory::Bare(user.logins.iter().rev().map(entry).collect()))
}

/// The current tenant, or those of the ones asked for that the user belongs to.
fn tenants(call: &mut Call<'_>, body: SessionTenantsRequest) -> Result<SessionTenantList, Refusal> {
    let asked = match (body.dct == Some(true), body.ids) {
        (true, ids) if ids.is_empty() => {
            call.token()?.claims.get("dct").and_then(|id| id.as_str()).map(str::to_owned).into_iter().collect()
        }
        (false, ids) if !ids.is_empty() => ids,
        _ => return Err(Refusal::new(&INVALID_ARGUMENTS, "Either dct or ids has to be given")),
    };
    let user = call.user()?;
    let tenants = asked.into_iter().filter(|id| user.tenants.contains_key(id)).map(|id| {
        let attributes = call.state.tenants.get(&id).map(|tenant| tenant.custom_attributes.clone());
        let named = SessionTenant::new().name(tenant::name_of(call.state, &id)).id(id);
        named.custom_attributes(attributes.unwrap_or_default())
    });
    Ok(SessionTenantList::new().tenants(tenants))
}

/// Both tokens with another current tenant. Those that were issued before keep theirs, so that two tabs do not disturb
/// each other.
fn select_tenant(call: &mut Call<'_>, body: SessionSelectTenantRequest) -> Result<JwtResponse, Refusal> {
    if !call.user()?.tenants.contains_key(&body.tenant) {
        let message = format!("The user does not belong to tenant {}", body.tenant);
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    }
    let session_id = call.token()?.session_id.clone();
    token::issue_in(call, &session_id, Some(&body.tenant))
}
