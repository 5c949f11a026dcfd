//! Groups, which come by SCIM or by single sign-on. Neither is emulated so far, so that no tenant has any.

use descope_api::types::{Group, Groups};

use super::tenant;
use crate::{
    error::{MANAGED_USER_NOT_FOUND, Refusal},
    http::{Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementGroupLoadAll>(|call, body| {
            tenant::require(call.state, &body.tenant_id)?;
            none_of(body.sso_id.as_deref())
        })
        .on::<op::ManagementGroupLoadForUsers>(|call, body| {
            tenant::require(call.state, &body.tenant_id)?;
            let known = |id: &String| call.state.users.find(id).is_some();
            if let Some(unknown) = body.user_ids.iter().chain(&body.login_ids).find(|id| !known(id)) {
                return Err(Refusal::new(&MANAGED_USER_NOT_FOUND, format!("There is no user {unknown:?}")));
            }
            none_of(body.sso_id.as_deref())
        })
        .on::<op::ManagementGroupLoadMembers>(|call, body| {
            tenant::require(call.state, &body.tenant_id)?;
            none_of(body.sso_id.as_deref())?;
            Err(Refusal::missing("group", &body.group_id))
        });
}

/// The groups of a tenant, or of one of its SSO configurations.
fn none_of(sso_id: Option<&str>) -> Result<Groups, Refusal> {
    match sso_id.filter(|id| !id.is_empty()) {
        Some(id) => Err(Refusal::missing("SSO configuration", id)),
        None => Ok(Groups::from(Vec::<Group>::new())),
    }
}
