//! Machines that exchange an access key for a session.

use descope_api::types::{AccessKeyExchangeRequest, AccessKeySession};

use crate::{
    error::{ACCESS_KEY_INVALID, ACCESS_KEY_MISSING, INVALID_ARGUMENTS, Refusal},
    flow::token,
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table.on::<op::AccessKeyExchange>(exchange);
}

fn exchange(call: &mut Call<'_>, body: AccessKeyExchangeRequest) -> Result<AccessKeySession, Refusal> {
    let options = body.login_options;
    let Some(cleartext) = &call.caller.access_key else {
        return Err(Refusal::new(&ACCESS_KEY_MISSING, "The bearer holds no access key"));
    };
    let invalid = |why: &str| Refusal::new(&ACCESS_KEY_INVALID, why);
    let key =
        call.state.access_keys.named(cleartext.expose()).ok_or_else(|| invalid("There is no such access key"))?.clone();
    if key.inactive {
        return Err(invalid("The access key is deactivated"));
    }
    if key.is_expired(call.now) {
        return Err(invalid("The access key has expired"));
    }
    if !key.permits(&call.ip) {
        return Err(invalid("The access key may not be used from this address"));
    }
    let (nsec, tenant) = options.map(|options| (options.custom_claims, options.selected_tenant)).unwrap_or_default();
    let tenant = tenant.filter(|tenant| !tenant.is_empty());
    if let Some(tenant) = tenant.as_deref().filter(|tenant| !key.tenants.contains_key(*tenant)) {
        let message = format!("The access key does not belong to tenant {tenant}");
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    }
    let (session_jwt, expiration) = token::issue_for_access_key(call, &key, &nsec, tenant.as_deref());
    Ok(AccessKeySession::new().key_id(key.id).session_jwt(session_jwt).expiration(expiration))
}
