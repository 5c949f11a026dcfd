//! What happens between sign-in and logout.

use descope_api::{
    Secret,
    types::{
        AuthHistory, AuthHistoryEntry, JwkSet, JwtResponse, OptionalJwtResponse, SessionClaims, SessionRefreshRequest,
        SessionSelectTenantRequest, SessionTenant, SessionTenantList, SessionTenantsRequest,
    },
};

use crate::{
    error::{INVALID_ARGUMENTS, PROJECT_NOT_FOUND, Refusal},
    handler::{Answer, Call, Table, reply, reply_bare},
    token,
};

pub(super) fn register(table: &mut Table) {
    table.add("sessionKeysV1", keys_v1);
    table.add("sessionKeys", keys);
    table.add("sessionRefresh", refresh);
    table.add_lenient("sessionTryRefresh", try_refresh);
    table.add("sessionValidate", validate);
    table.add("sessionLogout", logout);
    table.add("sessionLogoutAll", logout_all);
    table.add("sessionMe", me);
    table.add("sessionHistory", history);
    table.add("sessionSelectTenant", select_tenant);
    table.add("sessionTenants", tenants);
}

fn check_project(call: &Call<'_>) -> Result<(), Refusal> {
    let asked = call.path.get("projectId").map(String::as_str).unwrap_or_default();
    if asked == call.project_id {
        return Ok(());
    }
    Err(Refusal::new(&PROJECT_NOT_FOUND, format!("Project {asked} is not the one that is emulated")))
}

/// The older form is a bare array.
fn keys_v1(call: &mut Call<'_>) -> Answer {
    check_project(call)?;
    reply_bare(&call.state.keys.published()?)
}

fn keys(call: &mut Call<'_>) -> Answer {
    check_project(call)?;
    reply_bare(&JwkSet::new().keys(call.state.keys.published()?))
}

fn refresh(call: &mut Call<'_>) -> Answer {
    let _: SessionRefreshRequest = call.body()?;
    reply(&token::reissue(call.state, call.project_id, call.token()?, call.now)?)
}

/// Answers an empty object when there is nothing to refresh.
fn try_refresh(call: &mut Call<'_>) -> Answer {
    let _: SessionRefreshRequest = call.body()?;
    let response = match call.token() {
        Err(_) => OptionalJwtResponse::default(),
        Ok(presented) => {
            let full = token::reissue(call.state, call.project_id, presented, call.now)?;
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
            renewed
        }
    };
    reply_bare(&response)
}

fn validate(call: &mut Call<'_>) -> Answer {
    let parsed_jwt = call.token()?.claims.clone();
    reply_bare(&SessionClaims::new().parsed_jwt(parsed_jwt))
}

fn logout(call: &mut Call<'_>) -> Answer {
    let session_id = call.token()?.session_id.clone();
    if let Some(session) = call.state.sessions.get_mut(&session_id) {
        session.revoked = true;
    }
    reply(&cleared())
}

fn logout_all(call: &mut Call<'_>) -> Answer {
    let user_id = call.token()?.user_id.clone();
    call.state.revoke_sessions(&user_id, None);
    reply(&cleared())
}

/// Empty tokens and the attributes of the cookies that are to be cleared.
fn cleared() -> JwtResponse {
    JwtResponse::new()
        .session_jwt(Secret::default())
        .refresh_jwt(Secret::default())
        .cookie_domain(String::new())
        .cookie_path("/")
        .cookie_max_age(0)
        .cookie_expiration(0)
        .cookie_name("DSR")
        .session_cookie_name("DS")
        .first_seen(false)
}

fn me(call: &mut Call<'_>) -> Answer {
    reply(&call.user()?.to_api(&call.state.tenants))
}

/// A bare array, newest sign-in first.
fn history(call: &mut Call<'_>) -> Answer {
    let user = call.user()?;
    let entry = |login: &crate::state::Login| {
        AuthHistoryEntry::new()
            .user_id(user.id.clone())
            .login_time(login.at)
            .ip(login.ip.clone())
            .city(String::new())
            .country(String::new())
            .selected_tenant(login.tenant.clone().unwrap_or_default())
    };
    reply(&AuthHistory::Bare(user.logins.iter().rev().map(entry).collect()))
}

/// The current tenant, or those of the ones asked for that the user belongs to.
fn tenants(call: &mut Call<'_>) -> Answer {
    let body: SessionTenantsRequest = call.body()?;
    let asked = match (body.dct == Some(true), body.ids) {
        (true, ids) if ids.is_empty() => {
            call.token()?.claims.get("dct").and_then(|id| id.as_str()).map(str::to_owned).into_iter().collect()
        }
        (false, ids) if !ids.is_empty() => ids,
        _ => return Err(Refusal::new(&INVALID_ARGUMENTS, "Either dct or ids has to be given")),
    };
    let user = call.user()?;
    let tenants = asked
        .into_iter()
        .filter(|id| user.tenants.contains_key(id))
        .map(|id| SessionTenant::new().name(call.state.tenants.get(&id).unwrap_or(&id).clone()).id(id));
    reply(&SessionTenantList::new().tenants(tenants))
}

fn select_tenant(call: &mut Call<'_>) -> Answer {
    let body: SessionSelectTenantRequest = call.body()?;
    if !call.user()?.tenants.contains_key(&body.tenant) {
        let message = format!("The user does not belong to tenant {}", body.tenant);
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    }
    let session_id = call.token()?.session_id.clone();
    if let Some(session) = call.state.sessions.get_mut(&session_id) {
        session.tenant = Some(body.tenant);
    }
    reply(&token::issue(call.state, call.project_id, &session_id, call.now)?)
}
