//! Members of a family who have no credentials, and those who act for them.

use descope_api::types::{
    FamilyAssociation, FamilyDependentCreateRequest, FamilyDependentDeleteRequest, FamilyImpersonateRequest,
    FamilyStopImpersonationRequest, ImpersonationStopRequest, JwtIssuedResponse, UserCreateRequest, UserResponse,
};

use super::require_enabled;
use crate::{
    area::{
        impersonation, role, some,
        user::{
            self, UserRecord,
            change::{self, Past},
        },
    },
    error::Refusal,
    flow::{self, SessionWish, token},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementFamilyCreateDependent>(create)
        .done::<op::ManagementFamilyDeleteDependent>(delete)
        .on::<op::ManagementFamilyImpersonate>(impersonate)
        .on::<op::ManagementFamilyStopImpersonation>(stop);
}

fn create(call: &mut Call<'_>, body: FamilyDependentCreateRequest) -> Result<UserResponse, Refusal> {
    require_enabled(call.state)?;
    let mut scoped = body.family_scoped_attributes;
    let mut association = FamilyAssociation::new(body.family_id.as_str());
    if let Some(attributes) = scoped.remove(&body.family_id) {
        association.family_scoped_attributes = attributes;
    }
    if let Some(other) = scoped.keys().next() {
        let message = format!("The familyScopedAttributes field names {other:?}, and a dependent has one family only");
        return Err(Refusal::invalid(message));
    }
    let login_id = match some(body.login_id) {
        Some(login_id) => login_id,
        None => call.state.ids.id("DEP"),
    };
    let mut one = UserCreateRequest::new(login_id);
    one.name = body.name;
    one.given_name = body.given_name;
    one.middle_name = body.middle_name;
    one.family_name = body.family_name;
    one.email = body.email;
    one.phone = body.phone;
    one.picture = body.picture;
    one.custom_attributes = body.custom_attributes;
    (one.verified_email, one.verified_phone) = (Some(false), Some(false));
    one.family_associations = vec![association];
    let user = change::add(call, one, false, Past::default(), None)?;
    let user = change::change(call, &user.id, |user| user.dependent_of = Some(body.family_id))?;
    Ok(UserResponse::new().user(user.to_api(call.state)).created(true))
}

fn delete(call: &mut Call<'_>, body: FamilyDependentDeleteRequest) -> Result<(), Refusal> {
    let user = call.state.users.get(&body.user_id).ok_or_else(user::not_found)?;
    family_of(user)?;
    call.state.remove_user(&body.user_id);
    Ok(())
}

/// The family that a dependent belongs to.
fn family_of(user: &UserRecord) -> Result<&str, Refusal> {
    user.dependent_of.as_deref().ok_or_else(|| Refusal::invalid("The user is no dependent of a family"))
}

/// The member has to have the permission by a role in the family, or by one in the project.
fn impersonate(call: &mut Call<'_>, body: FamilyImpersonateRequest) -> Result<JwtIssuedResponse, Refusal> {
    require_enabled(call.state)?;
    let member = user::find(call.state, &body.impersonator_user_id_or_login_id)?.clone();
    let dependent = user::find(call.state, &body.dependent_login_id)?.clone();
    let family = family_of(&dependent)?;
    token::refuse_disabled(Some(&member))?;
    token::refuse_disabled(Some(&dependent))?;
    if some(body.selected_family).is_some_and(|selected| selected != family) {
        return Err(Refusal::invalid("The selectedFamily field has to be the family of the dependent"));
    }
    let Some(membership) = member.families.get(family) else {
        return Err(impersonation::forbidden("The one who acts is no member of the dependent's family"));
    };
    let roles: Vec<String> = membership.roles.iter().chain(&member.roles).cloned().collect();
    if !role::permissions_of(call.state, &roles, None).contains(impersonation::PERMISSION) {
        return Err(impersonation::forbidden("The member does not have the permission Impersonate in the family"));
    }
    let mut session = flow::new_session(call, &dependent.id, &SessionWish::default(), "impersonation");
    session.actor = Some(member.id);
    impersonation::open(call, session, "ImpersonationStarted")
}

fn stop(call: &mut Call<'_>, body: FamilyStopImpersonationRequest) -> Result<JwtIssuedResponse, Refusal> {
    let mut request = ImpersonationStopRequest::new(body.jwt);
    request.custom_claims = body.custom_claims;
    request.refresh_duration = body.refresh_duration;
    impersonation::stop(call, request)
}
