//! Access keys of machines: made and changed by the back end, exchanged for a session.

mod exchange;
mod record;

use descope_api::types::{
    self, AccessKeyCreateRequest, AccessKeyCreateResponse, AccessKeyImportEntry, AccessKeyResponse,
    AccessKeySearchRequest, AccessKeyUpdateRequest, AccessKeysResponse,
};
use http::StatusCode;

pub(crate) use self::record::{AccessKeyRecord, in_range, is_range};
use super::{role, search, set, some, tenancies, user};
use crate::{
    error::{ACCESS_KEY_INVALID, ALREADY_EXISTS, INVALID_ARGUMENTS, Refusal, VALIDATION_FAILED},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    exchange::register(table);
    table
        .on::<op::ManagementAccessKeyCreate>(create)
        .on::<op::ManagementAccessKeyLoad>(|call, _| {
            let key = find(call, call.query("id").unwrap_or_default())?;
            Ok(AccessKeyResponse::new().key(key.to_api(call.state, call.now)))
        })
        .on::<op::ManagementAccessKeySearch>(search_keys)
        .on::<op::ManagementAccessKeyUpdate>(update)
        .on::<op::ManagementAccessKeyRotate>(|call, body| rotate(call, &body.id))
        .on::<op::ManagementAccessKeyImport>(|call, body| {
            let keys = body.keys.into_iter().map(|entry| import(call, entry)).collect::<Result<Vec<_>, _>>()?;
            Ok(AccessKeysResponse::new().keys(keys))
        })
        .done::<op::ManagementAccessKeyActivate>(|call, body| set_active(call, &body.id, true))
        .done::<op::ManagementAccessKeyDeactivate>(|call, body| set_active(call, &body.id, false))
        .done::<op::ManagementAccessKeyDelete>(|call, body| delete(call, &body.id))
        .done::<op::ManagementAccessKeyActivateBatch>(|call, body| {
            body.ids.iter().try_for_each(|id| set_active(call, id, true))
        })
        .done::<op::ManagementAccessKeyDeactivateBatch>(|call, body| {
            body.ids.iter().try_for_each(|id| set_active(call, id, false))
        })
        .done::<op::ManagementAccessKeyDeleteBatch>(|call, body| body.ids.iter().try_for_each(|id| delete(call, id)));
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(&ACCESS_KEY_INVALID, format!("There is no access key with the id {id:?}"))
        .status(StatusCode::NOT_FOUND)
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a AccessKeyRecord, Refusal> {
    call.state.access_keys.get(id).ok_or_else(|| not_found(id))
}

fn check_expiry(call: &Call<'_>, expires_at: i64) -> Result<i64, Refusal> {
    if expires_at < 0 || (expires_at > 0 && expires_at <= call.now) {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The expireTime field lies in the past"));
    }
    Ok(expires_at)
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

/// The id of the user that a key is bound to.
fn bound_user(call: &Call<'_>, id: Option<String>) -> Result<Option<String>, Refusal> {
    match some(id) {
        Some(id) => Ok(Some(call.state.users.find(&id).ok_or_else(user::not_found)?.id.clone())),
        None => Ok(None),
    }
}

fn create(call: &mut Call<'_>, body: AccessKeyCreateRequest) -> Result<AccessKeyCreateResponse, Refusal> {
    let expires_at = check_expiry(call, body.expire_time.unwrap_or_default())?;
    check_ranges(&body.permitted_ips)?;
    role::require(call.state, &body.role_names, None)?;
    let id = call.state.ids.id("K");
    let cleartext = format!("{id}{}", call.state.ids.alphanumeric(32));
    let key = AccessKeyRecord {
        id,
        name: body.name,
        description: body.description.unwrap_or_default(),
        cleartext: cleartext.clone(),
        created_at: call.now,
        expires_at,
        inactive: false,
        roles: body.role_names,
        tenants: tenancies(call.state, body.key_tenants)?,
        bound_user_id: bound_user(call, body.user_id)?,
        custom_claims: body.custom_claims,
        custom_attributes: body.custom_attributes,
        permitted_ips: body.permitted_ips,
        scim_sso_id: None,
    };
    let key = call.state.access_keys.insert(&mut call.state.log, key)?;
    Ok(AccessKeyCreateResponse::new().cleartext(cleartext).key(key.to_api(call.state, call.now)))
}

fn search_keys(call: &mut Call<'_>, body: AccessKeySearchRequest) -> Result<AccessKeysResponse, Refusal> {
    let bound = body.bound_user_id.as_deref().filter(|id| !id.is_empty());
    // Every key is made by the back end; no user has made any.
    let made_by_user = body.creating_user.as_deref().is_some_and(|user| !user.is_empty());
    let fits = |key: &&AccessKeyRecord| {
        !made_by_user
            && bound.is_none_or(|user| key.bound_user_id.as_deref() == Some(user))
            && search::any_chosen(&body.tenant_ids, key.tenants.keys().map(String::as_str))
            && search::attributes_fit(&body.custom_attributes, &key.custom_attributes)
            && body
                .text
                .as_deref()
                .is_none_or(|part| search::contains(&key.name, part) || search::contains(&key.description, part))
    };
    let mut keys: Vec<_> =
        call.state.access_keys.iter().filter(fits).map(|key| key.to_api(call.state, call.now)).collect();
    search::sort(&mut keys, &body.sort);
    Ok(AccessKeysResponse::new().keys(search::page(keys, body.page, body.limit)?))
}

/// Changes name, description and what else is named; the service keeps the rest.
fn update(call: &mut Call<'_>, body: AccessKeyUpdateRequest) -> Result<AccessKeyResponse, Refusal> {
    find(call, &body.id)?;
    check_ranges(body.permitted_ips.as_deref().unwrap_or_default())?;
    role::require(call.state, body.role_names.as_deref().unwrap_or_default(), None)?;
    let tenants = body.key_tenants.map(|tenants| tenancies(call.state, tenants)).transpose()?;
    let key = call.state.access_keys.edit(&mut call.state.log, &body.id, |key| {
        key.name = body.name;
        set(&mut key.description, body.description);
        set(&mut key.roles, body.role_names);
        set(&mut key.tenants, tenants);
        set(&mut key.custom_claims, Some(body.custom_claims).filter(|given| !given.is_empty()));
        set(&mut key.custom_attributes, Some(body.custom_attributes).filter(|given| !given.is_empty()));
        set(&mut key.permitted_ips, body.permitted_ips);
        Ok::<_, Refusal>(())
    })?;
    Ok(AccessKeyResponse::new().key(key.to_api(call.state, call.now)))
}

/// Gives the key another clear text; the old one is refused from now on.
fn rotate(call: &mut Call<'_>, id: &str) -> Result<AccessKeyCreateResponse, Refusal> {
    find(call, id)?;
    let cleartext = format!("{id}{}", call.state.ids.alphanumeric(32));
    let key = call.state.access_keys.edit(&mut call.state.log, id, |key| {
        key.cleartext.clone_from(&cleartext);
        Ok::<_, Refusal>(())
    })?;
    Ok(AccessKeyCreateResponse::new().cleartext(cleartext).key(key.to_api(call.state, call.now)))
}

fn set_active(call: &mut Call<'_>, id: &str, active: bool) -> Result<(), Refusal> {
    find(call, id)?;
    call.state.access_keys.update(&mut call.state.log, id, |key| key.inactive = !active);
    Ok(())
}

fn delete(call: &mut Call<'_>, id: &str) -> Result<(), Refusal> {
    call.state.access_keys.remove(&mut call.state.log, id).ok_or_else(|| not_found(id))?;
    Ok(())
}

/// Takes a key over from another system, with its clear text.
fn import(call: &mut Call<'_>, entry: AccessKeyImportEntry) -> Result<types::AccessKey, Refusal> {
    let expires_at = check_expiry(call, entry.expire_time.unwrap_or_default())?;
    check_ranges(&entry.permitted_ips)?;
    role::require(call.state, &entry.role_names, None)?;
    let cleartext = entry.cleartext.expose().to_owned();
    if call.state.access_keys.named(&cleartext).is_some() {
        return Err(Refusal::new(&ALREADY_EXISTS, format!("The clear text of the key {:?} is taken", entry.name)));
    }
    let key = AccessKeyRecord {
        id: call.state.ids.id("K"),
        name: entry.name,
        description: entry.description.unwrap_or_default(),
        cleartext,
        created_at: call.now,
        expires_at,
        inactive: false,
        roles: entry.role_names,
        tenants: tenancies(call.state, entry.key_tenants)?,
        bound_user_id: bound_user(call, entry.user_id)?,
        custom_claims: entry.custom_claims,
        custom_attributes: entry.custom_attributes,
        permitted_ips: entry.permitted_ips,
        scim_sso_id: None,
    };
    Ok(call.state.access_keys.insert(&mut call.state.log, key)?.to_api(call.state, call.now))
}
