//! Tenants, their settings, and the hierarchy of them.

use descope_api::{
    types::{
        self, TenantCreateRequest, TenantCreateResponse, TenantDeleteRequest, TenantPatchRequest, TenantSearchRequest,
        TenantSettings, TenantSettingsConfigureRequest, TenantUpdateDefaultRolesRequest, TenantUpdateRequest,
        TenantsResponse,
    },
    vocabulary::TenantAuthType,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{recast, role, search, set, some};
use crate::{
    error::{ALREADY_EXISTS, Refusal, TENANT_NOT_FOUND},
    http::{Call, Table, op},
    world::{Record, State},
};

/// How deep tenants can be below one another.
const MAX_DEPTH: usize = 3;

/// One tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TenantRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Empty at the top.
    pub(crate) parent: String,
    pub(crate) created_at: i64,
    pub(crate) disabled: bool,
    pub(crate) auth_type: String,
    pub(crate) enforce_sso: bool,
    pub(crate) enforce_sso_exclusions: Vec<String>,
    pub(crate) federated_app_ids: Vec<String>,
    pub(crate) role_inheritance: String,
    pub(crate) default_roles: Vec<String>,
    pub(crate) self_provisioning_domains: Vec<String>,
    /// The domains whose users sign in by SSO.
    pub(crate) domains: Vec<String>,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) settings: TenantSettings,
}

impl Record for TenantRecord {
    const AUDITED: Option<&'static str> = Some("Tenant");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn tenant_ids(&self) -> Vec<String> {
        vec![self.id.clone()]
    }
}

impl TenantRecord {
    /// How users sign in by SSO, as the API shows it.
    fn shown_auth_type(&self) -> &str {
        if self.auth_type.is_empty() { "none" } else { &self.auth_type }
    }

    pub(super) fn to_api(&self) -> types::Tenant {
        types::Tenant::new()
            .id(self.id.as_str())
            .name(self.name.as_str())
            .parent(self.parent.as_str())
            .created_time(self.created_at)
            .disabled(self.disabled)
            .auth_type(self.shown_auth_type())
            .enforce_sso(self.enforce_sso)
            .enforce_sso_exclusions(&self.enforce_sso_exclusions)
            .federated_app_ids(&self.federated_app_ids)
            .role_inheritance(self.role_inheritance.as_str())
            .default_roles(&self.default_roles)
            .self_provisioning_domains(&self.self_provisioning_domains)
            .domains(&self.domains)
            .custom_attributes(self.custom_attributes.clone())
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementTenantCreate>(create)
        .done::<op::ManagementTenantUpdate>(update)
        .done::<op::ManagementTenantPatch>(patch)
        .done::<op::ManagementTenantDelete>(delete)
        .on::<op::ManagementTenantLoad>(load)
        .on::<op::ManagementTenantLoadAll>(|call, _| {
            Ok(TenantsResponse::new().tenants(call.state.tenants.iter().map(TenantRecord::to_api)))
        })
        .on::<op::ManagementTenantSearch>(search)
        .on::<op::ManagementTenantSettingsLoad>(load_settings)
        .done::<op::ManagementTenantSettingsConfigure>(configure)
        .done::<op::ManagementTenantUpdateDefaultRoles>(update_default_roles);
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(&TENANT_NOT_FOUND, format!("There is no tenant {id:?}"))
}

/// The tenant of an id, which has to be there.
pub(crate) fn require<'a>(state: &'a State, id: &str) -> Result<&'a TenantRecord, Refusal> {
    state.tenants.get(id).ok_or_else(|| not_found(id))
}

/// The same for naming a tenant: a lenient project takes one that is not there.
pub(crate) fn require_named(state: &State, id: &str) -> Result<(), Refusal> {
    if state.settings.lenient { Ok(()) } else { require(state, id).map(|_| ()) }
}

/// The names of tenants for those who are shown them: the id where there is none.
pub(crate) fn name_of(state: &State, id: &str) -> String {
    state.tenants.get(id).map_or_else(|| id.to_owned(), |tenant| tenant.name.clone())
}

/// The tenant and those above it, from the inside out.
fn line(state: &State, id: &str) -> Vec<String> {
    let mut line = Vec::new();
    let mut next = id.to_owned();
    while let Some(tenant) = state.tenants.get(&next).filter(|tenant| !line.contains(&tenant.id)) {
        line.push(tenant.id.clone());
        next.clone_from(&tenant.parent);
    }
    line
}

/// The tenants right below one.
fn children<'a>(state: &'a State, id: &'a str) -> impl Iterator<Item = &'a TenantRecord> {
    state.tenants.iter().filter(move |tenant| tenant.parent == id)
}

/// The tenants below one, at any depth.
pub(super) fn successors(state: &State, id: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![id.to_owned()]);
    while let Some(parent) = open.pop() {
        for child in children(state, &parent) {
            found.push(child.id.clone());
            open.push(child.id.clone());
        }
    }
    found.sort_unstable();
    found
}

fn refuse_taken(state: &State, name: &str, except: &str) -> Result<(), Refusal> {
    match state.tenants.named(name) {
        Some(other) if other.id != except => {
            Err(Refusal::new(&ALREADY_EXISTS, format!("A tenant with the name {name:?} exists already")))
        }
        _ => Ok(()),
    }
}

pub(super) fn checked_auth_type(auth_type: Option<TenantAuthType>) -> Result<String, Refusal> {
    match some(auth_type.map(String::from)).unwrap_or_default() {
        known if ["", "none", "saml", "oidc"].contains(&known.as_str()) => Ok(known),
        other => Err(Refusal::invalid(format!("The authType field cannot be {other:?}; it is none, saml or oidc"))),
    }
}

fn create(call: &mut Call<'_>, body: TenantCreateRequest) -> Result<TenantCreateResponse, Refusal> {
    let id = match some(body.id) {
        Some(id) if call.state.tenants.contains(&id) => {
            return Err(Refusal::new(&ALREADY_EXISTS, format!("A tenant with the id {id:?} exists already")));
        }
        Some(id) => id,
        None => call.state.ids.id("T"),
    };
    refuse_taken(call.state, &body.name, "")?;
    let parent = some(body.parent).unwrap_or_default();
    if !parent.is_empty() {
        require(call.state, &parent)?;
        if line(call.state, &parent).len() >= MAX_DEPTH {
            return Err(Refusal::invalid(format!("Tenants are at most {MAX_DEPTH} deep")));
        }
    }
    let tenant = TenantRecord {
        id: id.clone(),
        name: body.name,
        parent,
        created_at: call.now,
        disabled: body.disabled == Some(true),
        auth_type: checked_auth_type(body.auth_type)?,
        enforce_sso: body.enforce_sso == Some(true),
        enforce_sso_exclusions: body.enforce_sso_exclusions,
        federated_app_ids: body.federated_app_ids,
        role_inheritance: body.role_inheritance.map(String::from).unwrap_or_default(),
        self_provisioning_domains: body.self_provisioning_domains,
        custom_attributes: body.custom_attributes,
        ..TenantRecord::default()
    };
    call.state.tenants.insert(&mut call.state.log, tenant)?;
    Ok(TenantCreateResponse::new().id(id))
}

/// Replaces everything; what is not named is cleared.
fn update(call: &mut Call<'_>, body: TenantUpdateRequest) -> Result<(), Refusal> {
    require(call.state, &body.id)?;
    refuse_taken(call.state, &body.name, &body.id)?;
    let auth_type = checked_auth_type(body.auth_type)?;
    call.state.tenants.edit(&mut call.state.log, &body.id, |tenant| {
        tenant.name = body.name;
        tenant.disabled = body.disabled == Some(true);
        tenant.auth_type = auth_type;
        tenant.enforce_sso = body.enforce_sso == Some(true);
        tenant.enforce_sso_exclusions = body.enforce_sso_exclusions;
        tenant.federated_app_ids = body.federated_app_ids;
        tenant.role_inheritance = body.role_inheritance.map(String::from).unwrap_or_default();
        tenant.self_provisioning_domains = body.self_provisioning_domains;
        tenant.custom_attributes = body.custom_attributes;
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

/// Changes what is named and keeps the rest.
fn patch(call: &mut Call<'_>, body: TenantPatchRequest) -> Result<(), Refusal> {
    require(call.state, &body.id)?;
    if let Some(name) = &body.name {
        if name.trim().is_empty() {
            return Err(Refusal::required("name"));
        }
        refuse_taken(call.state, name, &body.id)?;
    }
    call.state.tenants.edit(&mut call.state.log, &body.id, |tenant| {
        set(&mut tenant.name, body.name);
        set(&mut tenant.disabled, body.disabled);
        set(&mut tenant.enforce_sso, body.enforce_sso);
        set(&mut tenant.enforce_sso_exclusions, body.enforce_sso_exclusions);
        set(&mut tenant.federated_app_ids, body.federated_app_ids);
        set(&mut tenant.role_inheritance, body.role_inheritance.map(String::from));
        set(&mut tenant.self_provisioning_domains, body.self_provisioning_domains);
        for (name, value) in body.custom_attributes.into_iter().flatten() {
            tenant.custom_attributes.insert(name, value);
        }
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

fn delete(call: &mut Call<'_>, body: TenantDeleteRequest) -> Result<(), Refusal> {
    require(call.state, &body.id)?;
    let below = successors(call.state, &body.id);
    if !below.is_empty() && body.cascade != Some(true) {
        return Err(Refusal::invalid("The tenant has others below it; delete them too with cascade"));
    }
    for id in below.iter().chain([&body.id]) {
        remove(call.state, id, body.cascade == Some(true));
    }
    Ok(())
}

/// Removes a tenant with all that is its own, and with the users and keys that are in no other when asked for.
fn remove(state: &mut State, id: &str, with_members: bool) {
    let users: Vec<(String, bool)> = state
        .users
        .iter()
        .filter(|user| user.tenants.contains_key(id))
        .map(|user| (user.id.clone(), user.tenants.len() == 1))
        .collect();
    for (user, only) in users {
        if only && with_members {
            state.remove_user(&user);
        } else {
            state.users.update(&mut state.log, &user, |user| {
                user.tenants.remove(id);
            });
        }
    }
    let keys: Vec<(String, bool)> = state
        .access_keys
        .iter()
        .filter(|key| key.tenants.contains_key(id))
        .map(|key| (key.id.clone(), key.tenants.len() == 1))
        .collect();
    for (key, only) in keys {
        if only && with_members {
            state.access_keys.remove(&mut state.log, &key);
        } else {
            state.access_keys.update(&mut state.log, &key, |key| {
                key.tenants.remove(id);
            });
        }
    }
    state.tenants.remove(&mut state.log, id);
    state.remove_owned(id);
}

fn load(call: &mut Call<'_>, _: crate::http::Nothing) -> Result<types::TenantLoadResponse, Refusal> {
    let id = call.query("id").unwrap_or_default().to_owned();
    let loaded: types::TenantLoadResponse = recast(&require(call.state, &id)?.to_api())?;
    Ok(loaded.successors(successors(call.state, &id)))
}

fn search(call: &mut Call<'_>, body: TenantSearchRequest) -> Result<TenantsResponse, Refusal> {
    let fits = |tenant: &&TenantRecord| {
        search::chosen(&body.tenant_ids, &tenant.id)
            && search::chosen(&body.tenant_names, &tenant.name)
            && search::any_chosen(
                &body.tenant_self_provisioning_domains,
                tenant.self_provisioning_domains.iter().map(String::as_str),
            )
            && search::any_chosen(&body.tenant_sso_domains, tenant.domains.iter().map(String::as_str))
            && search::attributes_fit(&body.custom_attributes, &tenant.custom_attributes)
            && body.auth_type.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == tenant.shown_auth_type())
            && body.disabled.is_none_or(|wanted| wanted == tenant.disabled)
            && body.enforce_sso.is_none_or(|wanted| wanted == tenant.enforce_sso)
            && body.parent_tenant_id.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == tenant.parent)
            && (body.top_level_only != Some(true) || tenant.parent.is_empty())
    };
    Ok(TenantsResponse::new().tenants(call.state.tenants.iter().filter(fits).map(TenantRecord::to_api)))
}

fn load_settings(call: &mut Call<'_>, _: crate::http::Nothing) -> Result<TenantSettings, Refusal> {
    let tenant = require(call.state, call.query("id").unwrap_or_default())?;
    let mut settings = tenant.settings.clone();
    settings.domains.clone_from(&tenant.domains);
    settings.self_provisioning_domains.clone_from(&tenant.self_provisioning_domains);
    settings.auth_type = Some(tenant.shown_auth_type().into());
    Ok(settings)
}

fn configure(call: &mut Call<'_>, body: TenantSettingsConfigureRequest) -> Result<(), Refusal> {
    require(call.state, &body.tenant_id)?;
    let auth_type = checked_auth_type(body.auth_type)?;
    call.state.tenants.edit(&mut call.state.log, &body.tenant_id, |tenant| {
        tenant.auth_type = auth_type;
        tenant.domains = body.domains;
        tenant.self_provisioning_domains = body.self_provisioning_domains;
        set(&mut tenant.enforce_sso, body.enforce_sso);
        tenant.enforce_sso_exclusions = body.enforce_sso_exclusions;
        tenant.federated_app_ids = body.federated_app_ids;
        let settings = &mut tenant.settings;
        settings.enabled = body.enabled.or(body.session_settings_enabled);
        settings.enable_inactivity = body.enable_inactivity;
        settings.inactivity_time = body.inactivity_time;
        settings.inactivity_time_unit = body.inactivity_time_unit;
        settings.jit_disabled = body.jit_disabled;
        settings.refresh_token_expiration = body.refresh_token_expiration;
        settings.refresh_token_expiration_unit = body.refresh_token_expiration_unit;
        settings.session_token_expiration = body.session_token_expiration;
        settings.session_token_expiration_unit = body.session_token_expiration_unit;
        settings.stepup_token_expiration = body.stepup_token_expiration;
        settings.stepup_token_expiration_unit = body.stepup_token_expiration_unit;
        settings.sso_setup_suite_settings = body.sso_setup_suite_settings;
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

fn update_default_roles(call: &mut Call<'_>, body: TenantUpdateDefaultRolesRequest) -> Result<(), Refusal> {
    require(call.state, &body.id)?;
    role::require(call.state, &body.default_roles, Some(&body.id))?;
    call.state.tenants.edit(&mut call.state.log, &body.id, |tenant| {
        tenant.default_roles = body.default_roles;
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}
