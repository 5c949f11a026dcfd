//! Groups that came with sign-ins: who is in which, and the roles that they bring.

use std::collections::BTreeMap;

use descope_api::{
    types::{Group, GroupMember, SsoGroupsMapping, SsoRecalculateMappingsRequest},
    vocabulary::GroupSource,
};

use super::{DEFAULT, SsoRecord, existing, key, sign_in::protocol_of};
use crate::{
    area::{
        tenant,
        user::{Tenancy, UserRecord},
    },
    error::Refusal,
    http::Call,
    world::{State, ids::hexadecimal},
};

/// The roles of a configuration: by group, in the order of rank, and for everybody.
pub(super) struct Roles<'a> {
    mappings: &'a [SsoGroupsMapping],
    ranks: &'a [String],
    defaults: &'a [String],
}

fn role_of(mapping: &SsoGroupsMapping) -> Option<&String> {
    mapping.role.as_ref().and_then(|role| role.name.as_ref())
}

impl<'a> Roles<'a> {
    pub(super) fn of(record: &'a SsoRecord, protocol: &str) -> Self {
        let (saml, oidc) = (&record.saml, &record.oidc);
        if protocol == "saml" {
            let (mappings, ranks) = (&saml.groups_mapping, &saml.groups_priority);
            Self { mappings, ranks, defaults: &saml.default_sso_roles }
        } else {
            let (mappings, ranks) = (&oidc.groups_mapping, &oidc.groups_priority);
            Self { mappings, ranks, defaults: &oidc.default_sso_roles }
        }
    }

    /// The roles that groups bring. Where groups have ranks, only the highest one counts.
    fn brought_by(&self, groups: &[String]) -> Vec<&'a String> {
        let highest = self.ranks.iter().find(|group| groups.contains(group));
        let counts = |group: &String| highest.map_or_else(|| groups.contains(group), |highest| highest == group);
        let fits = self.mappings.iter().filter(|mapping| mapping.groups.iter().any(counts));
        fits.filter_map(role_of).collect()
    }

    /// Gives a member the roles of the groups. A role that a group brings goes with the group; others were given by
    /// somebody and stay.
    pub(super) fn give(&self, tenancy: &mut Tenancy, groups: &[String]) {
        let brought = self.brought_by(groups);
        let by_group: Vec<&String> = self.mappings.iter().filter_map(role_of).collect();
        tenancy.roles.retain(|role| !by_group.contains(&role) || brought.contains(&role));
        for role in brought.into_iter().chain(self.defaults) {
            if !tenancy.roles.contains(role) {
                tenancy.roles.push(role.clone());
            }
        }
    }
}

/// The configurations of a tenant that there are, or the one that is named.
fn configurations(state: &State, tenant: &str, sso_id: Option<&str>) -> Vec<String> {
    let made = state.sso.owned(tenant).map(|record| record.sso_id.clone()).filter(|id| id != DEFAULT);
    let mut all: Vec<String> = [DEFAULT.to_owned()].into_iter().chain(made).collect();
    all.retain(|id| sso_id.is_none_or(|wanted| wanted == id));
    all
}

/// Works the roles of members out anew, by the groups of their last sign-in and the mapping as it is now.
pub(super) fn recalculate(call: &mut Call<'_>, body: SsoRecalculateMappingsRequest) -> Result<(), Refusal> {
    let record = existing(call, &body.tenant_id, body.sso_id)?;
    let tenant = tenant::require(call.state, &body.tenant_id)?.clone();
    // Nobody has signed in by a configuration that is not set up.
    let Ok(protocol) = protocol_of(&record, &tenant) else { return Ok(()) };
    let signed_in = |user: &&UserRecord| user.sso_groups.contains_key(&record.key);
    let users: Vec<String> = call.state.users.iter().filter(signed_in).map(|user| user.id.clone()).collect();
    for id in users {
        call.state.users.update(&mut call.state.log, &id, |user| {
            if let (Some(tenancy), Some(groups)) = (user.tenants.get_mut(&tenant.id), user.sso_groups.get(&record.key))
            {
                Roles::of(&record, protocol).give(tenancy, groups);
            }
        });
    }
    Ok(())
}

/// The id of a group, which the provider knows by its name alone.
fn group_id(configuration: &str, name: &str) -> String {
    let text = format!("{configuration}/{name}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    format!("G2{}", hexadecimal::encode(digest.as_ref().get(..13).unwrap_or_default()))
}

/// The groups that members of a tenant were in when they signed in last, by one configuration or by all.
pub(in crate::area) fn of_tenant(state: &State, tenant: &str, sso_id: Option<&str>) -> Vec<Group> {
    let mut groups = Vec::new();
    for sso_id in configurations(state, tenant, sso_id) {
        let configuration = key(tenant, &sso_id);
        let mut members: BTreeMap<&String, Vec<GroupMember>> = BTreeMap::new();
        for user in state.users.iter().filter(|user| user.tenants.contains_key(tenant)) {
            for group in user.sso_groups.get(&configuration).into_iter().flatten() {
                let member = GroupMember::new()
                    .user_id(user.id.as_str())
                    .login_id(user.login_ids.first().cloned().unwrap_or_default())
                    .display(user.profile.name.clone().unwrap_or_default());
                members.entry(group).or_default().push(member);
            }
        }
        groups.extend(members.into_iter().map(|(name, members)| {
            Group::new()
                .id(group_id(&configuration, name))
                .display(name.as_str())
                .source(GroupSource::JIT)
                .sso_id(sso_id.as_str())
                .members(members)
        }));
    }
    groups
}

/// Whether a tenant has a configuration.
pub(in crate::area) fn has(state: &State, tenant: &str, sso_id: &str) -> bool {
    !configurations(state, tenant, Some(sso_id)).is_empty()
}
