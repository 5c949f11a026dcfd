//! Single things about a user: login ids, addresses, names, picture, status, custom attributes.

use descope_api::types::{
    UserResponse, UserUpdateCustomAttributeRequest, UserUpdateEmailRequest, UserUpdateLoginIdRequest,
    UserUpdateNameRequest, UserUpdatePhoneRequest, UserUpdateRecoveryEmailRequest, UserUpdateRecoveryPhoneRequest,
    UserUpdateStatusRequest,
};
use serde_json::Map;

use super::{
    UserRecord,
    attribute::{self, Scope},
    change, edit, find,
};
use crate::{
    address::clean_login_id,
    area::some,
    error::{Refusal, USER_ALREADY_EXISTS},
    http::{Call, Table, op},
    world::State,
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserProfileUpdateLoginId>(update_login_id)
        .on::<op::ManagementUserProfileUpdateEmail>(update_email)
        .on::<op::ManagementUserProfileUpdatePhone>(update_phone)
        .on::<op::ManagementUserProfileUpdateName>(update_name)
        .on::<op::ManagementUserProfileUpdatePicture>(|call, body| {
            edit(call, &body.login_id, |user| user.profile.picture = some(body.picture))
        })
        .on::<op::ManagementUserProfileUpdateCustomAttribute>(update_custom_attribute)
        .on::<op::ManagementUserProfileUpdateRecoveryEmail>(update_recovery_email)
        .on::<op::ManagementUserProfileUpdateRecoveryPhone>(update_recovery_phone)
        .on::<op::ManagementUserUpdateStatus>(update_status);
}

/// Puts another login id in the place of one, or takes it away.
fn update_login_id(call: &mut Call<'_>, body: UserUpdateLoginIdRequest) -> Result<UserResponse, Refusal> {
    let user = find(call.state, &body.login_id)?;
    let old = clean_login_id(&body.login_id).into_owned();
    if !user.login_ids.contains(&old) {
        return Err(Refusal::invalid("The loginId field has to be the login id that goes; it is the id of the user"));
    }
    let new = some(body.new_login_id).map(|new| clean_login_id(&new).into_owned());
    match &new {
        Some(new) => change::refuse_taken(call.state, std::slice::from_ref(new), &user.id)?,
        None if user.login_ids.len() == 1 => {
            return Err(Refusal::invalid("The user has no other login id, so this one cannot be taken away"));
        }
        None => {}
    }
    edit(call, &body.login_id, |user| {
        let place = user.login_ids.iter().position(|login_id| *login_id == old).unwrap_or_default();
        user.login_ids.remove(place);
        if let Some(new) = new.filter(|new| !user.login_ids.contains(new)) {
            user.login_ids.insert(place, new);
        }
    })
}

/// Refuses an address that another user has, where the caller wants that.
fn refuse_conflict(state: &State, own: &str, address: Option<&str>, wanted: Option<bool>) -> Result<(), Refusal> {
    let (Some(address), Some(true)) = (address, wanted) else { return Ok(()) };
    let has = |user: &UserRecord| {
        let addresses = [user.profile.email.as_deref(), user.profile.phone.as_deref()];
        user.id != own && (addresses.contains(&Some(address)) || user.login_ids.iter().any(|known| known == address))
    };
    if state.users.iter().any(has) {
        return Err(Refusal::new(&USER_ALREADY_EXISTS, "Another user has this address"));
    }
    Ok(())
}

fn update_email(call: &mut Call<'_>, body: UserUpdateEmailRequest) -> Result<UserResponse, Refusal> {
    let email = change::checked_email("email", body.email)?;
    let id = find(call.state, &body.login_id)?.id.clone();
    refuse_conflict(call.state, &id, email.as_deref(), body.fail_on_conflict)?;
    edit(call, &id, |user| {
        user.profile.verified_email = body.verified == Some(true) && email.is_some();
        user.profile.email = email;
    })
}

fn update_phone(call: &mut Call<'_>, body: UserUpdatePhoneRequest) -> Result<UserResponse, Refusal> {
    let phone = change::checked_phone("phone", body.phone)?;
    let id = find(call.state, &body.login_id)?.id.clone();
    refuse_conflict(call.state, &id, phone.as_deref(), body.fail_on_conflict)?;
    edit(call, &id, |user| {
        user.profile.verified_phone = body.verified == Some(true) && phone.is_some();
        user.profile.phone = phone;
    })
}

/// Sets the names that are given; an empty one clears. Without any, the display name is taken away.
fn update_name(call: &mut Call<'_>, body: UserUpdateNameRequest) -> Result<UserResponse, Refusal> {
    let mut name = body.display_name.or(body.name);
    if [&name, &body.given_name, &body.middle_name, &body.family_name].iter().all(|name| name.is_none()) {
        name = Some(String::new());
    }
    edit(call, &body.login_id, |user| {
        let profile = &mut user.profile;
        change::put(&mut profile.name, name);
        change::put(&mut profile.given_name, body.given_name);
        change::put(&mut profile.middle_name, body.middle_name);
        change::put(&mut profile.family_name, body.family_name);
    })
}

/// Sets one attribute; without a value it is taken away.
fn update_custom_attribute(
    call: &mut Call<'_>,
    body: UserUpdateCustomAttributeRequest,
) -> Result<UserResponse, Refusal> {
    if body.attribute_key.trim().is_empty() {
        return Err(Refusal::required("attributeKey"));
    }
    let values = Map::from_iter([(body.attribute_key, body.attribute_value.unwrap_or_default())]);
    find(call.state, &body.login_id)?;
    attribute::check(call.state, Scope::User, &values)?;
    edit(call, &body.login_id, |user| attribute::merge(&mut user.custom_attributes, values))
}

fn update_recovery_email(call: &mut Call<'_>, body: UserUpdateRecoveryEmailRequest) -> Result<UserResponse, Refusal> {
    let email = change::checked_email("recoveryEmail", body.recovery_email)?;
    edit(call, &body.login_id, |user| {
        user.profile.verified_recovery_email = body.verified == Some(true) && email.is_some();
        user.profile.recovery_email = email;
    })
}

fn update_recovery_phone(call: &mut Call<'_>, body: UserUpdateRecoveryPhoneRequest) -> Result<UserResponse, Refusal> {
    let phone = change::checked_phone("recoveryPhone", body.recovery_phone)?;
    edit(call, &body.login_id, |user| {
        user.profile.verified_recovery_phone = body.verified == Some(true) && phone.is_some();
        user.profile.recovery_phone = phone;
    })
}

fn update_status(call: &mut Call<'_>, body: UserUpdateStatusRequest) -> Result<UserResponse, Refusal> {
    super::require_administered(call, &body.login_id)?;
    let status = change::checked_status(&body.status)?;
    edit(call, &body.login_id, |user| user.set_status(status))
}
