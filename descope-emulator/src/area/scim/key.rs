//! The access keys by which identity providers provision.

use std::collections::BTreeMap;

use descope_api::types::{
    ScimKey, ScimKeyActivateRequest, ScimKeyActivateResponse, ScimKeyCreateRequest, ScimKeyResponse,
    ScimKeyRevokeResponse, ScimKeysResponse,
};

use crate::{
    area::{access_key::AccessKeyRecord, some, tenant, user::Tenancy},
    error::Refusal,
    http::{Call, Nothing, Table, op},
};

/// The role that such a key has in its tenant.
const ROLE: &str = "Tenant Admin";

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementScimKeyLoad>(load)
        .on::<op::ManagementScimKeyCreate>(create)
        .on::<op::ManagementScimKeyRotate>(|call, body| {
            let tenant_id = body.tenant_id.clone();
            revoke(call, &tenant_id, body.sso_id.clone(), body.revoke_mode.as_deref())?;
            let mut request = ScimKeyCreateRequest::new(tenant_id);
            request.sso_id = body.sso_id;
            create(call, request)
        })
        .on::<op::ManagementScimKeyRevoke>(|call, body| {
            let ids = revoke(call, &body.tenant_id, body.sso_id, body.revoke_mode.as_deref())?;
            Ok(ScimKeyRevokeResponse::new().revoked_key_ids(ids))
        })
        .on::<op::ManagementScimKeyActivate>(activate);
}

/// The SSO configuration of a tenant that is meant; empty for the default one.
fn configuration(call: &Call<'_>, tenant_id: &str, sso_id: Option<String>) -> Result<String, Refusal> {
    tenant::require(call.state, tenant_id)?;
    let sso_id = super::configuration(sso_id.as_deref()).to_owned();
    if sso_id.is_empty() || super::configurations(call.state, tenant_id).iter().any(|(known, _)| *known == sso_id) {
        return Ok(sso_id);
    }
    Err(Refusal::missing("SSO configuration", &sso_id))
}

/// The SCIM keys of a tenant, all or those of one configuration.
fn keys<'a>(call: &'a Call<'_>, tenant_id: &str, sso_id: Option<&str>) -> Vec<&'a AccessKeyRecord> {
    let fits = |key: &&AccessKeyRecord| {
        let of_sso = key.scim_sso_id.as_deref().is_some_and(|own| sso_id.is_none_or(|wanted| wanted == own));
        of_sso && key.tenants.contains_key(tenant_id)
    };
    call.state.access_keys.iter().filter(fits).collect()
}

fn load(call: &mut Call<'_>, _: Nothing) -> Result<ScimKeysResponse, Refusal> {
    let tenant_id = call.query("tenantId").unwrap_or_default().to_owned();
    let sso_id = call.query("ssoId").map(str::to_owned);
    let wanted = configuration(call, &tenant_id, sso_id.clone())?;
    let keys = keys(call, &tenant_id, sso_id.map(|_| wanted.as_str())).into_iter().map(|key| {
        ScimKey::new().key(key.to_api(call.state, call.now)).sso_id(key.scim_sso_id.clone().unwrap_or_default())
    });
    Ok(ScimKeysResponse::new().keys(keys.collect::<Vec<_>>()))
}

fn create(call: &mut Call<'_>, body: ScimKeyCreateRequest) -> Result<ScimKeyResponse, Refusal> {
    let sso_id = configuration(call, &body.tenant_id, body.sso_id)?;
    let expires_at = body.expire_time.unwrap_or_default();
    if expires_at != 0 && expires_at <= call.now {
        return Err(Refusal::invalid("The expireTime field lies in the past"));
    }
    let usual = format!("SCIM of {} {sso_id}", tenant::name_of(call.state, &body.tenant_id));
    let id = call.state.ids.id("K");
    let cleartext = format!("{id}{}", call.state.ids.alphanumeric(32));
    let key = AccessKeyRecord {
        id,
        name: some(body.name).unwrap_or_else(|| usual.trim().to_owned()),
        cleartext: cleartext.clone(),
        created_at: call.now,
        expires_at,
        tenants: BTreeMap::from([(body.tenant_id, Tenancy { roles: vec![ROLE.to_owned()] })]),
        scim_sso_id: Some(sso_id),
        ..AccessKeyRecord::default()
    };
    let key = call.state.access_keys.insert(&mut call.state.log, key)?;
    Ok(ScimKeyResponse::new().cleartext(cleartext).key(key.to_api(call.state, call.now)))
}

/// Takes the keys of a configuration out of use, and tells which they were.
fn revoke(
    call: &mut Call<'_>,
    tenant_id: &str,
    sso_id: Option<String>,
    mode: Option<&str>,
) -> Result<Vec<String>, Refusal> {
    let sso_id = configuration(call, tenant_id, sso_id)?;
    let deactivate = match mode {
        Some("SCIM_KEY_REVOKE_MODE_DEACTIVATE") => true,
        None | Some("" | "SCIM_KEY_REVOKE_MODE_DELETE") => false,
        Some(other) => return Err(Refusal::invalid(format!("The revokeMode field cannot be {other:?}"))),
    };
    let in_use = keys(call, tenant_id, Some(&sso_id)).into_iter().filter(|key| !(deactivate && key.inactive));
    let ids: Vec<String> = in_use.map(|key| key.id.clone()).collect();
    for id in &ids {
        if deactivate {
            call.state.access_keys.update(&mut call.state.log, id, |key| key.inactive = true);
        } else {
            call.state.access_keys.remove(&mut call.state.log, id);
        }
    }
    Ok(ids)
}

fn activate(call: &mut Call<'_>, body: ScimKeyActivateRequest) -> Result<ScimKeyActivateResponse, Refusal> {
    let sso_id = configuration(call, &body.tenant_id, body.sso_id)?;
    if body.key_ids.is_empty() {
        return Err(Refusal::required("keyIds"));
    }
    let known: Vec<String> = keys(call, &body.tenant_id, Some(&sso_id)).iter().map(|key| key.id.clone()).collect();
    if let Some(id) = body.key_ids.iter().find(|id| !known.contains(id)) {
        return Err(Refusal::missing("SCIM key", id));
    }
    for id in &body.key_ids {
        call.state.access_keys.update(&mut call.state.log, id, |key| key.inactive = false);
    }
    Ok(ScimKeyActivateResponse::new().activated_key_ids(body.key_ids))
}
