//! Access keys, made and deleted by the back end.

use descope_api::types::{AccessKeyCreateRequest, AccessKeyCreateResponse, AccessKeyDeleteRequest};
use http::StatusCode;

use super::{tenancies, user};
use crate::{
    error::{ACCESS_KEY_INVALID, INVALID_ARGUMENTS, Refusal, VALIDATION_FAILED},
    handler::{Answer, Call, Table, empty, reply},
    random,
    state::{AccessKeyRecord, is_range},
};

pub(super) fn register(table: &mut Table) {
    table.add("managementAccessKeyCreate", create);
    table.add("managementAccessKeyDelete", delete);
}

fn create(call: &mut Call<'_>) -> Answer {
    let body: AccessKeyCreateRequest = call.body()?;
    let expires_at = body.expire_time.unwrap_or_default();
    if expires_at < 0 || (expires_at > 0 && expires_at <= call.now) {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The expireTime field lies in the past"));
    }
    if let Some(range) = body.permitted_ips.iter().find(|range| !is_range(range)) {
        let message = format!("The permittedIps field holds {range:?}, which is no address and no network");
        return Err(Refusal::new(&VALIDATION_FAILED, message));
    }
    let bound_user_id = match body.user_id.filter(|id| !id.is_empty()) {
        Some(id) => Some(call.state.users.find(&id).ok_or_else(user::not_found)?.id.clone()),
        None => None,
    };
    let id = random::id('K');
    let key = AccessKeyRecord {
        id: id.clone(),
        name: body.name,
        description: body.description.unwrap_or_default(),
        cleartext: format!("{id}{}", random::alphanumeric(32)),
        created_at: call.now,
        expires_at,
        roles: body.role_names,
        tenants: tenancies(call.state, body.key_tenants),
        bound_user_id,
        custom_claims: body.custom_claims,
        custom_attributes: body.custom_attributes,
        permitted_ips: body.permitted_ips,
    };
    let response =
        AccessKeyCreateResponse::new().cleartext(key.cleartext.as_str()).key(key.to_api(&call.state.tenants, call.now));
    call.state.access_keys.insert(id, key);
    reply(&response)
}

fn delete(call: &mut Call<'_>) -> Answer {
    let body: AccessKeyDeleteRequest = call.body()?;
    match call.state.access_keys.remove(&body.id) {
        Some(_) => empty(),
        None => {
            Err(Refusal::new(&ACCESS_KEY_INVALID, "There is no access key with this id").status(StatusCode::NOT_FOUND))
        }
    }
}
