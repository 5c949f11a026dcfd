//! Groups, which come by SCIM, and by single sign-on: what the provider has said at the last sign-in of each member.

use descope_api::types::{Group, Groups};

use super::{scim, sso, tenant};
use crate::{
    error::{MANAGED_USER_NOT_FOUND, Refusal},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementGroupLoadAll>(|call, body| {
            Ok(Groups::from(of_tenant(call, &body.tenant_id, body.sso_id.as_deref())?))
        })
        .on::<op::ManagementGroupLoadForUsers>(|call, body| {
            let mut groups = of_tenant(call, &body.tenant_id, body.sso_id.as_deref())?;
            let mut ids = Vec::new();
            for id in body.user_ids.iter().chain(&body.login_ids) {
                let user = call
                    .state
                    .users
                    .find(id)
                    .ok_or_else(|| Refusal::new(&MANAGED_USER_NOT_FOUND, format!("There is no user {id:?}")))?;
                ids.push(user.id.clone());
            }
            let wanted = |id: Option<&String>| id.is_some_and(|id| ids.contains(id));
            groups.retain(|group| group.members.iter().any(|member| wanted(member.user_id.as_ref())));
            Ok(Groups::from(groups))
        })
        .on::<op::ManagementGroupLoadMembers>(|call, body| {
            let mut groups = of_tenant(call, &body.tenant_id, body.sso_id.as_deref())?;
            groups.retain(|group| group.id.as_deref() == Some(body.group_id.as_str()));
            if groups.is_empty() {
                return Err(Refusal::missing("group", &body.group_id));
            }
            Ok(Groups::from(groups))
        });
}

/// The groups of a tenant, by one of its SSO configurations.
fn of_tenant(call: &Call<'_>, tenant_id: &str, sso_id: Option<&str>) -> Result<Vec<Group>, Refusal> {
    tenant::require(call.state, tenant_id)?;
    let asked = sso_id.filter(|id| !id.is_empty());
    let mut groups = scim::shown_to_management(call.state, tenant_id, scim::configuration(sso_id))?;
    if let Some(id) = asked.filter(|id| groups.is_empty() && !sso::groups::has(call.state, tenant_id, id)) {
        return Err(Refusal::missing("SSO configuration", id));
    }
    groups.extend(sso::groups::of_tenant(call.state, tenant_id, asked));
    Ok(groups)
}
