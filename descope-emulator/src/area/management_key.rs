//! Management keys, made by the back end beside the one that the emulator was started with.

use descope_api::types::{
    self, ManagementKeyCreateRequest, ManagementKeyCreateResponse, ManagementKeyDeleteRequest,
    ManagementKeyDeleteResponse, ManagementKeyResponse, ManagementKeyRoles, ManagementKeySearchResponse,
    ManagementKeyUpdateRequest,
};
use serde::{Deserialize, Serialize};

use super::{
    access_key::{in_range, is_range},
    set,
};
use crate::{
    error::{INVALID_ARGUMENTS, MANAGEMENT_UNAUTHORIZED, Refusal, VALIDATION_FAILED},
    http::{Call, Table, op},
    world::{Record, State},
};

/// One management key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ManagementKeyRecord {
    id: String,
    name: String,
    description: String,
    cleartext: String,
    created_at: i64,
    /// Epoch seconds; 0 for never.
    expires_at: i64,
    inactive: bool,
    permitted_ips: Vec<String>,
    roles: Option<ManagementKeyRoles>,
    version: i64,
}

impl std::fmt::Debug for ManagementKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManagementKeyRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Record for ManagementKeyRecord {
    const AUDITED: Option<&'static str> = Some("ManagementKey");

    fn id(&self) -> &str {
        &self.id
    }

    /// By its clear text, which comes with each call.
    fn names(&self) -> Vec<String> {
        vec![self.cleartext.clone()]
    }
}

impl ManagementKeyRecord {
    fn to_api(&self) -> types::ManagementKey {
        let key = types::ManagementKey::new()
            .id(self.id.as_str())
            .name(self.name.as_str())
            .description(self.description.as_str())
            .created_time(self.created_at)
            .expire_time(self.expires_at)
            .permitted_ips(&self.permitted_ips)
            .status(if self.inactive { "inactive" } else { "active" })
            .version(self.version);
        match &self.roles {
            Some(roles) => key.re_bac(roles.clone()),
            None => key,
        }
    }

    /// Whether the roles of the key are about this project. Without any it may do everything.
    fn is_for(&self, project: &str) -> bool {
        let Some(roles) = &self.roles else { return true };
        let named = !roles.company_roles.is_empty() || !roles.project_roles.is_empty() || !roles.tag_roles.is_empty();
        let ours = |role: &types::ManagementKeyProjectRole| role.project_ids.iter().any(|id| id == project);
        !named || !roles.company_roles.is_empty() || roles.project_roles.iter().any(ours)
    }
}

/// Whether a text is a management key of this project that may be used now and from here.
pub(crate) fn admit(state: &State, text: &str, project: &str, ip: &str, now: i64) -> Result<bool, Refusal> {
    let Some(key) = state.management_keys.named(text) else { return Ok(false) };
    let refuse = |why: &str| Err(Refusal::new(&MANAGEMENT_UNAUTHORIZED, why));
    if key.inactive {
        return refuse("The management key is deactivated");
    }
    if key.expires_at != 0 && key.expires_at <= now {
        return refuse("The management key has expired");
    }
    let here = ip.parse().ok();
    let within = |range: &String| here.is_some_and(|ip| in_range(ip, range));
    if !key.permitted_ips.is_empty() && !key.permitted_ips.iter().any(within) {
        return refuse("The management key may not be used from this address");
    }
    if !key.is_for(project) {
        return refuse("The management key is not for this project");
    }
    Ok(true)
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementManagementKeyCreate>(create)
        .on::<op::ManagementManagementKeyUpdate>(update)
        .on::<op::ManagementManagementKeyLoad>(|call, _| {
            let id = call.query("id").unwrap_or_default();
            Ok(ManagementKeyResponse::new().key(find(call, id)?.to_api()))
        })
        .on::<op::ManagementManagementKeySearch>(|call, _| {
            let keys = call.state.management_keys.iter().map(ManagementKeyRecord::to_api);
            Ok(ManagementKeySearchResponse::new().keys(keys))
        })
        .on::<op::ManagementManagementKeyDelete>(delete);
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a ManagementKeyRecord, Refusal> {
    call.state.management_keys.get(id).ok_or_else(|| Refusal::missing("management key", id))
}

fn check_ranges(ranges: &[String]) -> Result<(), Refusal> {
    match ranges.iter().find(|range| !is_range(range)) {
        Some(range) => {
            let message = format!("The permittedIps field holds {range:?}, which is not an address or a network");
            Err(Refusal::new(&VALIDATION_FAILED, message))
        }
        None => Ok(()),
    }
}

fn create(call: &mut Call<'_>, body: ManagementKeyCreateRequest) -> Result<ManagementKeyCreateResponse, Refusal> {
    check_ranges(&body.permitted_ips)?;
    let expires_at = match (body.expire_time.unwrap_or_default(), body.expires_in.unwrap_or_default()) {
        (0, 0) => 0,
        (0, seconds) if seconds > 0 => call.now.saturating_add(seconds),
        (time, 0) if time > call.now => time,
        _ => return Err(Refusal::new(&INVALID_ARGUMENTS, "expireTime lies in the past, or expiresIn is there too")),
    };
    let id = call.state.ids.id("MK");
    let cleartext = format!("K2{}", call.state.ids.alphanumeric(58));
    let key = ManagementKeyRecord {
        id,
        name: body.name,
        description: body.description.unwrap_or_default(),
        cleartext: cleartext.clone(),
        created_at: call.now,
        expires_at,
        inactive: false,
        permitted_ips: body.permitted_ips,
        roles: body.re_bac,
        version: 1,
    };
    let key = call.state.management_keys.insert(&mut call.state.log, key)?;
    Ok(ManagementKeyCreateResponse::new().cleartext(cleartext).key(key.to_api()))
}

fn update(call: &mut Call<'_>, body: ManagementKeyUpdateRequest) -> Result<ManagementKeyResponse, Refusal> {
    find(call, &body.id)?;
    check_ranges(body.permitted_ips.as_deref().unwrap_or_default())?;
    let inactive = match body.status.as_deref() {
        None | Some("") => None,
        Some("active") => Some(false),
        Some("inactive") => Some(true),
        Some(other) => {
            return Err(Refusal::invalid(format!("The status field cannot be {other:?}; it is active or inactive")));
        }
    };
    let key = call.state.management_keys.edit(&mut call.state.log, &body.id, |key| {
        set(&mut key.name, super::some(body.name));
        set(&mut key.description, body.description);
        set(&mut key.permitted_ips, body.permitted_ips);
        set(&mut key.inactive, inactive);
        key.version += 1;
        Ok::<_, Refusal>(())
    })?;
    Ok(ManagementKeyResponse::new().key(key.to_api()))
}

/// Deletes those that are there, and tells how many they were.
fn delete(call: &mut Call<'_>, body: ManagementKeyDeleteRequest) -> Result<ManagementKeyDeleteResponse, Refusal> {
    let gone = call.state.management_keys.remove_where(&mut call.state.log, |key| body.ids.contains(&key.id));
    Ok(ManagementKeyDeleteResponse::new().total(i64::try_from(gone).unwrap_or(i64::MAX)))
}
