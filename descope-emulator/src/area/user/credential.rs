//! How users prove who they are, seen and changed by the back end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use descope_api::types::{
    ImportedPasskey, TrustedDevice, UserPasskey, UserPasskeysDeleteRequest, UserPasskeysImportRequest,
    UserPasskeysLoadRequest, UserPasskeysResponse, UserPasswordExpireRequest, UserPasswordSetRequest,
    UserPasswordSetResponse, UserRecoveryCodesDeleteRequest, UserTotpDeleteRequest, UserTrustedDevicesLoadRequest,
    UserTrustedDevicesRemoveRequest, UserTrustedDevicesResponse,
};

use super::{UserRecord, change, find, named, record::PasskeyRecord, require_administered};
use crate::{
    area::{password::Password, recovery_code::RecoveryCodes},
    error::Refusal,
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .done::<op::ManagementUserCredentialSetPassword>(|call, body| {
            let active = body.set_active == Some(true);
            set_password(call, body, active).map(|_| ())
        })
        .on::<op::ManagementUserCredentialSetActivePassword>(|call, body| set_password(call, body, true))
        .on::<op::ManagementUserCredentialSetTemporaryPassword>(|call, body| {
            require_administered(call, &body.login_id)?;
            set_password(call, body, false)
        })
        .done::<op::ManagementUserCredentialExpirePassword>(expire_password)
        .done::<op::ManagementUserCredentialDeleteTotp>(delete_totp)
        .done::<op::ManagementUserCredentialDeleteRecoveryCodes>(delete_recovery_codes)
        .on::<op::ManagementUserCredentialLoadPasskeys>(load_passkeys)
        .done::<op::ManagementUserCredentialImportPasskeys>(import_passkeys)
        .done::<op::ManagementUserCredentialDeletePasskey>(|call, body| {
            delete_passkey(call, &body.login_id, &body.credential_id)
        })
        .done::<op::ManagementUserCredentialDeletePasskeys>(delete_passkeys)
        .on::<op::ManagementUserCredentialLoadTrustedDevices>(load_trusted_devices)
        .done::<op::ManagementUserCredentialRemoveTrustedDevices>(remove_trusted_devices);
}

/// Gives a password that is good at once, or one that has to be replaced first.
fn set_password(
    call: &mut Call<'_>,
    body: UserPasswordSetRequest,
    active: bool,
) -> Result<UserPasswordSetResponse, Refusal> {
    let user = find(call.state, &body.login_id)?.clone();
    let mut password = Password::checked(call, &user, &body.password)?;
    password.has_to_be_replaced = !active;
    change::change(call, &user.id, |user| user.password = Some(password))?;
    Ok(UserPasswordSetResponse::new().cleartext(body.password))
}

fn expire_password(call: &mut Call<'_>, body: UserPasswordExpireRequest) -> Result<(), Refusal> {
    let user = find(call.state, &body.login_id)?;
    if user.password.is_none() {
        return Err(Refusal::invalid("The user has no password"));
    }
    let id = user.id.clone();
    change::change(call, &id, |user| {
        if let Some(password) = &mut user.password {
            password.has_to_be_replaced = true;
        }
    })?;
    Ok(())
}

fn delete_totp(call: &mut Call<'_>, body: UserTotpDeleteRequest) -> Result<(), Refusal> {
    let id = find(call.state, &body.login_id)?.id.clone();
    change::change(call, &id, |user| user.totp = None)?;
    Ok(())
}

fn delete_recovery_codes(call: &mut Call<'_>, body: UserRecoveryCodesDeleteRequest) -> Result<(), Refusal> {
    let id = find(call.state, &body.login_id)?.id.clone();
    change::change(call, &id, |user| user.recovery_codes = RecoveryCodes::default())?;
    Ok(())
}

fn load_passkeys(call: &mut Call<'_>, body: UserPasskeysLoadRequest) -> Result<UserPasskeysResponse, Refusal> {
    let passkey = |passkey: &PasskeyRecord| {
        UserPasskey::new()
            .id(passkey.id.as_str())
            .rp_id(passkey.rp_id.as_str())
            .kind(if passkey.syncable { "multi_device" } else { "single_device" })
            .created_time(passkey.created_at)
            .display_name("")
    };
    let user = find(call.state, &body.login_id)?;
    Ok(UserPasskeysResponse::new().passkeys(user.passkeys.iter().map(passkey)))
}

/// The passkey of an export, whichever system has made it.
fn passkey_of(device: ImportedPasskey, now: i64) -> Result<PasskeyRecord, Refusal> {
    let record = match (device.descope, device.auth0) {
        (Some(device), None) => PasskeyRecord {
            id: device.credential_id.unwrap_or_default(),
            public_key: device.public_key.unwrap_or_default(),
            rp_id: device.rp_id.unwrap_or_default(),
            aaguid: device.aaguid.unwrap_or_default(),
            syncable: device.backup_eligible == Some(true),
            created_at: now,
            ..PasskeyRecord::default()
        },
        (None, Some(device)) => PasskeyRecord {
            id: device.key_id.unwrap_or_default(),
            public_key: device.public_key.unwrap_or_default(),
            rp_id: device.rp_id.unwrap_or_default(),
            aaguid: device.aaguid.unwrap_or_default(),
            syncable: device.credential_device_type.as_deref() == Some("multi_device"),
            created_at: now,
            user_handle: device.user_handle.unwrap_or_default(),
            counter: 0,
        },
        _ => return Err(Refusal::invalid("Each of the devices has either descope or auth0")),
    };
    for (field, value) in [("credentialId", &record.id), ("publicKey", &record.public_key), ("rpId", &record.rp_id)] {
        if value.trim().is_empty() {
            return Err(Refusal::required(field));
        }
    }
    if STANDARD.decode(&record.public_key).is_err() {
        return Err(Refusal::invalid("The publicKey field is not in base64"));
    }
    Ok(record)
}

fn import_passkeys(call: &mut Call<'_>, body: UserPasskeysImportRequest) -> Result<(), Refusal> {
    let id = find(call.state, &body.login_id)?.id.clone();
    for device in body.devices {
        let passkey = passkey_of(device, call.now)?;
        let taken = |user: &UserRecord| user.passkeys.iter().any(|known| known.id == passkey.id);
        if call.state.users.iter().any(taken) {
            return Err(Refusal::invalid(format!("There is a passkey {:?} already", passkey.id)));
        }
        change::change(call, &id, |user| user.passkeys.push(passkey))?;
    }
    Ok(())
}

fn delete_passkey(call: &mut Call<'_>, login_id: &str, credential_id: &str) -> Result<(), Refusal> {
    let user = find(call.state, login_id)?;
    if !user.passkeys.iter().any(|passkey| passkey.id == credential_id) {
        return Err(Refusal::missing("passkey", credential_id));
    }
    let id = user.id.clone();
    change::change(call, &id, |user| user.passkeys.retain(|passkey| passkey.id != credential_id))?;
    Ok(())
}

fn delete_passkeys(call: &mut Call<'_>, body: UserPasskeysDeleteRequest) -> Result<(), Refusal> {
    require_administered(call, &body.login_id)?;
    if let Some(credential_id) = body.credential_id.filter(|id| !id.is_empty()) {
        return delete_passkey(call, &body.login_id, &credential_id);
    }
    let id = find(call.state, &body.login_id)?.id.clone();
    change::change(call, &id, |user| user.passkeys.clear())?;
    Ok(())
}

fn load_trusted_devices(
    call: &mut Call<'_>,
    body: UserTrustedDevicesLoadRequest,
) -> Result<UserTrustedDevicesResponse, Refusal> {
    let mut devices = Vec::new();
    for identifier in &body.identifiers {
        let user = find(call.state, identifier)?;
        let good = user.trusted_devices.iter().filter(|device| device.expires_at > call.now);
        devices.extend(good.map(|device| {
            TrustedDevice::new()
                .id(&device.id)
                .user_id(&user.id)
                .name(&device.name)
                .device_type(device.kind())
                .last_login_time(device.last_login_at)
                .expiration_time(device.expires_at)
                .is_current_device(false)
        }));
    }
    Ok(UserTrustedDevicesResponse::new().devices(devices))
}

fn remove_trusted_devices(call: &mut Call<'_>, body: UserTrustedDevicesRemoveRequest) -> Result<(), Refusal> {
    let user = named(call, body.login_id.or(body.identifier), None)?;
    if body.device_ids.is_empty() {
        return Err(Refusal::required("deviceIds"));
    }
    let known = |id: &&String| user.trusted_devices.iter().any(|device| device.id == **id);
    if let Some(unknown) = body.device_ids.iter().find(|id| !known(id)) {
        return Err(Refusal::missing("trusted device", unknown));
    }
    let id = user.id.clone();
    change::change(call, &id, |user| user.trusted_devices.retain(|device| !body.device_ids.contains(&device.id)))?;
    Ok(())
}
