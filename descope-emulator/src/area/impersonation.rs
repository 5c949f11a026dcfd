//! One user acting as another.

use descope_api::types::{
    ImpersonationConsentRequest, ImpersonationStartRequest, ImpersonationStopRequest, JwtIssuedResponse, UserResponse,
};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    jwt::{chosen_tenant, duration, presented_refresh},
    role, set, some,
    user::{self, UserRecord},
};
use crate::{
    error::{MANAGEMENT_UNAUTHORIZED, NOT_EMULATED, Refusal},
    flow::{self, Session, SessionWish, token},
    http::{Call, Table, op},
    world::{Event, State},
};

/// What the impersonator has to be allowed.
pub(super) const PERMISSION: &str = "Impersonate";

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementImpersonationStart>(|call, body| {
            let stepup = body.stepup == Some(true);
            start(call, body, stepup)
        })
        .on::<op::ManagementImpersonationStartStepup>(|call, body| start(call, body, true))
        .on::<op::ManagementImpersonationStop>(stop)
        .on::<op::ManagementImpersonationSetConsent>(set_consent);
}

pub(super) fn forbidden(why: &str) -> Refusal {
    Refusal::new(&MANAGEMENT_UNAUTHORIZED, why).status(StatusCode::FORBIDDEN)
}

/// Whether the permission is given in the project, or in a tenant that both are in.
fn may_impersonate(state: &State, impersonator: &UserRecord, user: &UserRecord) -> bool {
    let allows =
        |roles: &[String], tenant: Option<&str>| role::permissions_of(state, roles, tenant).contains(PERMISSION);
    allows(&impersonator.roles, None)
        || impersonator
            .tenants
            .iter()
            .any(|(tenant, tenancy)| user.tenants.contains_key(tenant) && allows(&tenancy.roles, Some(tenant)))
}

/// A session that nobody has signed in to, and its refresh token.
pub(super) fn open(call: &mut Call<'_>, session: Session, action: &str) -> Result<JwtIssuedResponse, Refusal> {
    let session = call.state.sessions.insert(&mut call.state.log, session)?;
    let login_ids = call.state.users.get(&session.user_id).map(|user| user.login_ids.clone()).unwrap_or_default();
    let actor = session.actor.clone().map(|actor| ("actor".to_owned(), Value::from(actor)));
    call.state.log.event(Event {
        action: action.to_owned(),
        target: session.user_id.clone(),
        login_ids,
        tenants: session.tenant.iter().cloned().collect(),
        data: Map::from_iter(actor),
        ..Event::default()
    });
    let issued = token::issue(call, &session.id)?;
    Ok(JwtIssuedResponse::new().jwt(issued.refresh_jwt.unwrap_or_default()))
}

fn start(call: &mut Call<'_>, body: ImpersonationStartRequest, stepup: bool) -> Result<JwtIssuedResponse, Refusal> {
    if some(body.session_cookie_name).is_some() {
        let message = "Session cookies of several names are not emulated, so sessionCookieName cannot choose one";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let seconds = duration(body.refresh_duration)?;
    let impersonator = user::find(call.state, &body.impersonator_id)?.clone();
    let user = user::find(call.state, &body.login_id)?.clone();
    token::refuse_disabled(Some(&impersonator))?;
    token::refuse_disabled(Some(&user))?;
    if !may_impersonate(call.state, &impersonator, &user) {
        return Err(forbidden("The impersonator does not have the permission Impersonate"));
    }
    if body.validate_consent == Some(true) && user.consent_until <= call.now {
        return Err(forbidden("The user does not agree to be impersonated, or not any more"));
    }
    let wish = SessionWish {
        claims: body.custom_claims,
        tenant: chosen_tenant(call.state, &user.id, body.selected_tenant)?,
        stepup,
        ..SessionWish::default()
    };
    let mut session = flow::new_session(call, &user.id, &wish, "impersonation");
    session.actor = Some(impersonator.id);
    set(&mut session.expires_at, seconds.map(|seconds| call.now + seconds));
    open(call, session, "ImpersonationStarted")
}

/// Ends the session that began with the impersonation, and opens one of the impersonator.
pub(super) fn stop(call: &mut Call<'_>, body: ImpersonationStopRequest) -> Result<JwtIssuedResponse, Refusal> {
    let seconds = duration(body.refresh_duration)?;
    let presented = presented_refresh(call, &body.jwt)?;
    let session = call.state.sessions.get(&presented.session_id);
    let actor = session.and_then(|session| session.actor.clone());
    let actor = actor.ok_or_else(|| Refusal::invalid("The token did not come of an impersonation"))?;
    let impersonator = user::find(call.state, &actor)?.id.clone();
    token::refuse_disabled(call.state.users.get(&impersonator))?;
    let tenant = chosen_tenant(call.state, &impersonator, body.selected_tenant)?;
    call.state.sessions.update(&mut call.state.log, &presented.session_id, |session| session.revoked = true);
    let wish = SessionWish { claims: body.custom_claims, tenant, ..SessionWish::default() };
    let mut session = flow::new_session(call, &impersonator, &wish, "impersonation");
    set(&mut session.expires_at, seconds.map(|seconds| call.now + seconds));
    open(call, session, "ImpersonationStopped")
}

fn set_consent(call: &mut Call<'_>, body: ImpersonationConsentRequest) -> Result<UserResponse, Refusal> {
    if body.impersonation_consent < 0 {
        return Err(Refusal::invalid("The impersonationConsent field is a time in epoch seconds"));
    }
    let id = user::find(call.state, &body.login_id)?.id.clone();
    let edited = call.state.users.update(&mut call.state.log, &id, |user| {
        user.consent_until = body.impersonation_consent;
    });
    let user = edited.ok_or_else(user::not_found)?;
    Ok(UserResponse::new().user(user.to_api(call.state)).created(false))
}
