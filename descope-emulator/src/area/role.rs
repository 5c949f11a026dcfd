//! Roles, of the project and of single tenants.

use std::collections::BTreeSet;

use descope_api::types::{self, RoleCreateRequest, RoleSearchRequest, RoleUpdateRequest, RolesResponse};
use serde::{Deserialize, Serialize};

use super::{permission, search, some, tenant};
use crate::{
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::{Record, State},
};

/// The role that every project has, and what it allows.
const TENANT_ADMIN: (&str, [&str; 3]) = ("Tenant Admin", ["Impersonate", "SSO Admin", "User Admin"]);

/// One role.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "as the service has them")]
pub(crate) struct RoleRecord {
    id: String,
    name: String,
    description: String,
    permissions: Vec<String>,
    /// Empty for a role of the project.
    tenant_id: String,
    created_at: i64,
    default: bool,
    private: bool,
    built_in: bool,
}

impl Record for RoleRecord {
    const AUDITED: Option<&'static str> = Some("Role");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![key(&self.name, Some(&self.tenant_id))]
    }

    fn owners(&self) -> Vec<String> {
        Some(self.tenant_id.clone()).filter(|tenant| !tenant.is_empty()).into_iter().collect()
    }

    fn tenant_ids(&self) -> Vec<String> {
        self.owners()
    }
}

/// A name is unique within the project, and within each tenant.
fn key(name: &str, tenant: Option<&str>) -> String {
    format!("{}\n{name}", tenant.unwrap_or_default())
}

impl RoleRecord {
    fn to_api(&self) -> types::Role {
        types::Role::new()
            .id(self.id.as_str())
            .name(self.name.as_str())
            .description(self.description.as_str())
            .permission_names(&self.permissions)
            .tenant_id(self.tenant_id.as_str())
            .created_time(self.created_at)
            .default(self.default)
            .private(self.private)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementRoleLoadAll>(|call, _| {
            Ok(RolesResponse::new().roles(call.state.roles.iter().map(RoleRecord::to_api)))
        })
        .on::<op::ManagementRoleCreate>(create)
        .on::<op::ManagementRoleCreateBatch>(|call, body| {
            let roles = body.roles.into_iter().map(|one| create(call, one)).collect::<Result<Vec<_>, _>>()?;
            Ok(RolesResponse::new().roles(roles))
        })
        .on::<op::ManagementRoleUpdate>(update)
        .on::<op::ManagementRoleUpdateBatch>(|call, body| {
            let roles = body.roles.into_iter().map(|one| update(call, one)).collect::<Result<Vec<_>, _>>()?;
            Ok(RolesResponse::new().roles(roles))
        })
        .done::<op::ManagementRoleDelete>(|call, body| delete(call, body.id, body.name, body.tenant_id))
        .done::<op::ManagementRoleDeleteBatch>(|call, body| {
            body.role_ids.into_iter().try_for_each(|id| delete(call, Some(id), None, None))?;
            let tenant = body.tenant_id;
            body.role_names.into_iter().try_for_each(|name| delete(call, None, Some(name), tenant.clone()))
        })
        .on::<op::ManagementRoleSearch>(search);
}

/// Puts the built-in role into a new project.
pub(super) fn furnish(state: &mut State) {
    let role = RoleRecord {
        id: "tenant-admin".to_owned(),
        name: TENANT_ADMIN.0.to_owned(),
        permissions: TENANT_ADMIN.1.map(str::to_owned).to_vec(),
        built_in: true,
        ..RoleRecord::default()
    };
    let _ = state.roles.insert(&mut state.log, role);
}

/// The role that a name means: that of the tenant, else that of the project.
fn find<'a>(state: &'a State, name: &str, tenant: Option<&str>) -> Option<&'a RoleRecord> {
    state.roles.named(&key(name, tenant)).or_else(|| state.roles.named(&key(name, None)))
}

/// Refuses names that no role has.
pub(crate) fn require(state: &State, names: &[String], tenant: Option<&str>) -> Result<(), Refusal> {
    match names.iter().find(|name| find(state, name, tenant).is_none()) {
        Some(name) if !state.settings.lenient => Err(Refusal::missing("role", name)),
        _ => Ok(()),
    }
}

/// The name of the role of an id.
pub(super) fn name_of<'a>(state: &'a State, id: &str) -> Option<&'a str> {
    state.roles.get(id).map(|role| role.name.as_str())
}

/// The id of the role that a name means.
pub(super) fn id_of(state: &State, name: &str, tenant: Option<&str>) -> Option<String> {
    find(state, name, tenant).map(|role| role.id.clone())
}

/// What the roles allow together, in the order of the alphabet.
pub(crate) fn permissions_of(state: &State, roles: &[String], tenant: Option<&str>) -> BTreeSet<String> {
    let roles = roles.iter().filter_map(|name| find(state, name, tenant));
    roles.flat_map(|role| role.permissions.iter().cloned()).collect()
}

/// The names of the roles that whoever signs up gets.
pub(crate) fn defaults(state: &State) -> Vec<String> {
    let default = |role: &&RoleRecord| role.default && role.tenant_id.is_empty();
    state.roles.iter().filter(default).map(|role| role.name.clone()).collect()
}

/// Writes the new name of a permission into the roles that have it, or takes it out of them.
pub(super) fn rename_permission(state: &mut State, old: &str, new: Option<&str>) {
    let has = |role: &&RoleRecord| role.permissions.iter().any(|permission| permission == old);
    let ids: Vec<String> = state.roles.iter().filter(has).map(|role| role.id.clone()).collect();
    for id in ids {
        state.roles.update(&mut state.log, &id, |role| replace(&mut role.permissions, old, new));
    }
}

/// Puts another name in the place of a name, or nothing.
fn replace(names: &mut Vec<String>, old: &str, new: Option<&str>) {
    match new {
        Some(new) => names.iter_mut().filter(|name| *name == old).for_each(|name| new.clone_into(name)),
        None => names.retain(|name| name != old),
    }
}

/// Refuses a name that stands for the same role twice in one place.
fn refuse_taken(state: &State, name: &str, tenant: &str, except: &str) -> Result<(), Refusal> {
    match state.roles.named(&key(name, Some(tenant))) {
        Some(other) if other.id != except => {
            Err(Refusal::new(&ALREADY_EXISTS, format!("A role with the name {name:?} exists already")))
        }
        _ => Ok(()),
    }
}

fn create(call: &mut Call<'_>, body: RoleCreateRequest) -> Result<types::Role, Refusal> {
    let tenant_id = some(body.tenant_id).unwrap_or_default();
    if !tenant_id.is_empty() {
        tenant::require(call.state, &tenant_id)?;
    }
    permission::require(call.state, &body.permission_names)?;
    refuse_taken(call.state, &body.name, &tenant_id, "")?;
    let role = RoleRecord {
        id: call.state.ids.id("ROL"),
        name: body.name,
        description: body.description.unwrap_or_default(),
        permissions: body.permission_names,
        tenant_id,
        created_at: call.now,
        default: body.default == Some(true),
        private: body.private == Some(true),
        built_in: false,
    };
    Ok(call.state.roles.insert(&mut call.state.log, role)?.to_api())
}

/// The id of a role that may be changed.
fn own(call: &Call<'_>, id: Option<String>, name: Option<String>, tenant: Option<&str>) -> Result<String, Refusal> {
    let (role, wanted) = match (some(id), some(name)) {
        (Some(id), _) => (call.state.roles.get(&id), id),
        (None, Some(name)) => (call.state.roles.named(&key(&name, tenant)), name),
        (None, None) => return Err(Refusal::required("name")),
    };
    let role = role.ok_or_else(|| Refusal::missing("role", &wanted))?;
    if role.built_in {
        return Err(Refusal::invalid(format!("The role {:?} is built in and cannot be changed", role.name)));
    }
    Ok(role.id.clone())
}

fn update(call: &mut Call<'_>, body: RoleUpdateRequest) -> Result<types::Role, Refusal> {
    let tenant = some(body.tenant_id);
    let id = own(call, body.id, body.name, tenant.as_deref())?;
    permission::require(call.state, &body.permission_names)?;
    let old = call.state.roles.get(&id).cloned().unwrap_or_default();
    refuse_taken(call.state, &body.new_name, &old.tenant_id, &id)?;
    let role = call.state.roles.edit(&mut call.state.log, &id, |role| {
        role.name.clone_from(&body.new_name);
        role.description = body.description.unwrap_or_default();
        role.permissions = body.permission_names;
        role.default = body.default.unwrap_or(role.default);
        role.private = body.private.unwrap_or(role.private);
        Ok::<_, Refusal>(())
    })?;
    if old.name != body.new_name {
        rename(call.state, &old, Some(&body.new_name));
    }
    Ok(role.to_api())
}

fn delete(
    call: &mut Call<'_>,
    id: Option<String>,
    name: Option<String>,
    tenant: Option<String>,
) -> Result<(), Refusal> {
    let id = own(call, id, name, some(tenant).as_deref())?;
    if let Some(role) = call.state.roles.remove(&mut call.state.log, &id) {
        rename(call.state, &role, None);
    }
    Ok(())
}

/// Gives the new name of a role to whoever has it, or takes the role away.
fn rename(state: &mut State, role: &RoleRecord, new: Option<&str>) {
    let change = |roles: &mut Vec<String>, tenants: &mut std::collections::BTreeMap<String, super::user::Tenancy>| {
        if role.tenant_id.is_empty() {
            replace(roles, &role.name, new);
        }
        for (tenant, tenancy) in tenants {
            if role.tenant_id.is_empty() || *tenant == role.tenant_id {
                replace(&mut tenancy.roles, &role.name, new);
            }
        }
    };
    let has = |roles: &[String]| roles.contains(&role.name);
    let users = state.users.iter().filter(|user| has(&user.roles) || user.tenants.values().any(|one| has(&one.roles)));
    let users: Vec<String> = users.map(|user| user.id.clone()).collect();
    for id in users {
        state.users.update(&mut state.log, &id, |user| change(&mut user.roles, &mut user.tenants));
    }
    let keys =
        state.access_keys.iter().filter(|key| has(&key.roles) || key.tenants.values().any(|one| has(&one.roles)));
    let keys: Vec<String> = keys.map(|key| key.id.clone()).collect();
    for id in keys {
        state.access_keys.update(&mut state.log, &id, |key| change(&mut key.roles, &mut key.tenants));
    }
}

fn search(call: &mut Call<'_>, body: RoleSearchRequest) -> Result<RolesResponse, Refusal> {
    let of_tenant = |role: &RoleRecord| {
        if body.tenant_ids.is_empty() {
            return true;
        }
        let project = role.tenant_id.is_empty() && body.include_project_roles == Some(true);
        project || body.tenant_ids.contains(&role.tenant_id)
    };
    let fits = |role: &&RoleRecord| {
        of_tenant(role)
            && search::chosen(&body.role_names, &role.name)
            && search::chosen(&body.role_ids, &role.id)
            && body.role_name_like.as_deref().is_none_or(|part| search::contains(&role.name, part))
            && body
                .text
                .as_deref()
                .is_none_or(|part| search::contains(&role.name, part) || search::contains(&role.description, part))
            && body.permission_names.iter().all(|permission| role.permissions.contains(permission))
    };
    let mut roles: Vec<_> = call.state.roles.iter().filter(fits).map(RoleRecord::to_api).collect();
    search::sort(&mut roles, &body.sort);
    Ok(RolesResponse::new().roles(roles))
}
