//! What a user may do and enter: roles, tenants, federated applications.

use descope_api::types::{
    UserFamiliesAddRequest, UserFamiliesRemoveRequest, UserResponse, UserRolesRequest, UserSsoAppsRequest,
    UserTenantRequest,
};

use super::{edit, find};
use crate::{
    area::{family, role, some, tenant},
    error::Refusal,
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserAccessAddRoles>(|call, body| change_roles(call, body, List::Add))
        .on::<op::ManagementUserAccessAddRolesV1>(|call, body| change_roles(call, body, List::Add))
        .on::<op::ManagementUserAccessSetRoles>(|call, body| change_roles(call, body, List::Set))
        .on::<op::ManagementUserAccessRemoveRoles>(|call, body| change_roles(call, body, List::Remove))
        .on::<op::ManagementUserAccessAddSsoApps>(|call, body| change_sso_apps(call, body, List::Add))
        .on::<op::ManagementUserAccessSetSsoApps>(|call, body| change_sso_apps(call, body, List::Set))
        .on::<op::ManagementUserAccessRemoveSsoApps>(|call, body| change_sso_apps(call, body, List::Remove))
        .on::<op::ManagementUserAccessAddTenant>(add_tenant)
        .on::<op::ManagementUserAccessRemoveTenant>(remove_tenant)
        .on::<op::ManagementUserAccessAddFamilies>(add_families)
        .on::<op::ManagementUserAccessRemoveFamilies>(remove_families);
}

/// What is done to a list of names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Add,
    Set,
    /// Names that are not in the list are passed over.
    Remove,
}

impl List {
    fn change(self, names: &mut Vec<String>, given: Vec<String>) {
        match self {
            Self::Remove => names.retain(|name| !given.contains(name)),
            Self::Add | Self::Set => {
                if self == Self::Set {
                    names.clear();
                }
                for name in given {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
        }
    }
}

fn change_roles(call: &mut Call<'_>, body: UserRolesRequest, list: List) -> Result<UserResponse, Refusal> {
    let tenant = some(body.tenant_id);
    let user = find(call.state, &body.login_id)?;
    if let Some(tenant) = tenant.as_deref().filter(|tenant| !user.tenants.contains_key(*tenant)) {
        tenant::require_named(call.state, tenant)?;
        return Err(Refusal::invalid(format!("The user does not belong to tenant {tenant}")));
    }
    if list != List::Remove {
        role::require(call.state, &body.role_names, tenant.as_deref())?;
    }
    edit(call, &body.login_id, |user| match tenant {
        Some(tenant) => list.change(&mut user.tenants.entry(tenant).or_default().roles, body.role_names),
        None => list.change(&mut user.roles, body.role_names),
    })
}

fn change_sso_apps(call: &mut Call<'_>, body: UserSsoAppsRequest, list: List) -> Result<UserResponse, Refusal> {
    edit(call, &body.login_id, |user| list.change(&mut user.sso_app_ids, body.sso_app_ids))
}

/// Roles that the user has in the tenant already stay.
fn add_tenant(call: &mut Call<'_>, body: UserTenantRequest) -> Result<UserResponse, Refusal> {
    find(call.state, &body.login_id)?;
    tenant::require_named(call.state, &body.tenant_id)?;
    edit(call, &body.login_id, |user| {
        user.tenants.entry(body.tenant_id).or_default();
    })
}

fn remove_tenant(call: &mut Call<'_>, body: UserTenantRequest) -> Result<UserResponse, Refusal> {
    if !find(call.state, &body.login_id)?.tenants.contains_key(&body.tenant_id) {
        tenant::require_named(call.state, &body.tenant_id)?;
        return Err(Refusal::invalid(format!("The user does not belong to tenant {}", body.tenant_id)));
    }
    edit(call, &body.login_id, |user| {
        user.tenants.remove(&body.tenant_id);
    })
}

/// Roles and attributes that the user has in a family already stay beside the new ones.
fn add_families(call: &mut Call<'_>, body: UserFamiliesAddRequest) -> Result<UserResponse, Refusal> {
    let user = find(call.state, &body.login_id)?.clone();
    let families = family::memberships(call.state, &user.id, &user.families, body.family_associations)?;
    edit(call, &user.id, |user| user.families = families)
}

fn remove_families(call: &mut Call<'_>, body: UserFamiliesRemoveRequest) -> Result<UserResponse, Refusal> {
    let user = find(call.state, &body.login_id)?;
    if user.dependent_of.as_ref().is_some_and(|family| body.family_ids.contains(family)) {
        return Err(Refusal::invalid("A dependent leaves the family by being deleted"));
    }
    if let Some(unknown) = body.family_ids.iter().find(|id| !user.families.contains_key(*id)) {
        return Err(Refusal::missing("family of this user", unknown));
    }
    edit(call, &body.login_id, |user| user.families.retain(|id, _| !body.family_ids.contains(id)))
}
