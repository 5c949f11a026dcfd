//! Users as a whole: created, replaced, patched.

use std::collections::BTreeMap;

use descope_api::{
    Secret,
    types::{UserCreateRequest, UserPatchRequest, UserUpdateRequest},
};
use http::StatusCode;
use serde_json::Map;
use url::Url;

use super::{
    Profile, Status, UserRecord,
    attribute::{self, Scope},
    find,
};
use crate::{
    address::{clean_login_id, clean_phone, is_email, is_phone},
    admin::inbox::Channel,
    area::{family, magic_link::send_link, password::Password, role, set, some, tenancies, totp::Totp},
    error::{Refusal, USER_ALREADY_EXISTS, VALIDATION_FAILED},
    flow::{Challenge, Outgoing, Purpose, SessionWish, redirect},
    http::Call,
    world::State,
};

/// How long the link of an invitation can be followed, in seconds: a week.
const INVITATION_SECONDS: i64 = 7 * 24 * 3600;

/// What only those who bring users along from elsewhere say of them.
#[derive(Default)]
pub(in crate::area) struct Past {
    pub(in crate::area) created_at: Option<i64>,
    /// The secret of an authenticator app, in base32.
    pub(in crate::area) seed: Option<Secret>,
}

/// Whether and how users are invited. In which language and by which template is left to the service: the emulator's
/// messages hold codes and links and no words, so nothing of that would show in them.
#[derive(Clone)]
pub(in crate::area) struct Invitation {
    page: Url,
    by_mail: bool,
    by_sms: bool,
}

impl Invitation {
    /// `None` where nobody is invited.
    pub(super) fn new(
        invite: Option<bool>,
        page: Option<String>,
        send_mail: Option<bool>,
        send_sms: Option<bool>,
    ) -> Result<Option<Self>, Refusal> {
        let page = redirect(page, None)?;
        let invitation = Self { page, by_mail: send_mail != Some(false), by_sms: send_sms == Some(true) };
        Ok(Some(invitation).filter(|_| invite == Some(true)))
    }

    /// Sends the user a link that signs in.
    pub(super) fn send(&self, call: &mut Call<'_>, user: &UserRecord) -> Result<(), Refusal> {
        let by_mail = user.profile.email.clone().filter(|_| self.by_mail);
        let by_sms = user.profile.phone.clone().filter(|_| self.by_sms);
        for (channel, to) in [(Channel::Email, by_mail), (Channel::Sms, by_sms)] {
            let Some(to) = to else { continue };
            let purpose = Purpose::SignIn { user_id: user.id.clone() };
            let login_id = user.login_ids.first().cloned().unwrap_or_default();
            let expires_at = call.now + INVITATION_SECONDS;
            let challenge =
                Challenge { purpose, login_id, channel: Some(channel), wish: SessionWish::default(), expires_at };
            send_link(call, Outgoing { challenge, channel, to }, &self.page)?;
        }
        Ok(())
    }
}

pub(super) fn checked_status(status: &str) -> Result<Status, Refusal> {
    Status::parse(status).ok_or_else(|| {
        let message = format!("The status field cannot be {status:?}; it is enabled, disabled or invited");
        Refusal::new(&VALIDATION_FAILED, message)
    })
}

pub(super) fn checked_email(field: &str, email: Option<String>) -> Result<Option<String>, Refusal> {
    match some(email) {
        Some(email) if !is_email(&email) => {
            Err(Refusal::new(&VALIDATION_FAILED, format!("The {field} field is not valid")))
        }
        email => Ok(email),
    }
}

pub(super) fn checked_phone(field: &str, phone: Option<String>) -> Result<Option<String>, Refusal> {
    match some(phone) {
        Some(phone) if !is_phone(&phone) => {
            Err(Refusal::new(&VALIDATION_FAILED, format!("The {field} field is not valid")))
        }
        phone => Ok(phone.as_deref().map(clean_phone)),
    }
}

/// Writes a text where one is given; an empty one clears.
pub(super) fn put(place: &mut Option<String>, given: Option<String>) {
    if given.is_some() {
        *place = some(given);
    }
}

/// Refuses login ids that another user has.
pub(super) fn refuse_taken(state: &State, login_ids: &[String], own: &str) -> Result<(), Refusal> {
    let taken = |login_id: &&String| state.users.named(login_id).is_some_and(|user| user.id != own);
    match login_ids.iter().find(taken) {
        Some(taken) => Err(Refusal::new(&USER_ALREADY_EXISTS, format!("A user with login id {taken} exists already"))),
        None => Ok(()),
    }
}

/// The login ids together, each once.
fn with_further(first: String, further: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut login_ids = vec![clean_login_id(&first).into_owned()];
    for login_id in further {
        let login_id = clean_login_id(&login_id).into_owned();
        if !login_id.trim().is_empty() && !login_ids.contains(&login_id) {
            login_ids.push(login_id);
        }
    }
    login_ids
}

/// The login id by which a user was named; the first one where that was the user's id.
fn first_login_id(user: &UserRecord, named: String) -> String {
    let named = clean_login_id(&named).into_owned();
    if user.login_ids.contains(&named) { named } else { user.login_ids.first().cloned().unwrap_or(named) }
}

fn guessed(login_ids: &[String], fits: fn(&str) -> bool) -> Option<String> {
    login_ids.iter().find(|login_id| fits(login_id)).cloned()
}

/// Adds a user and invites them, if that is asked for. Nothing has changed when it refuses.
pub(in crate::area) fn add(
    call: &mut Call<'_>,
    body: UserCreateRequest,
    test: bool,
    past: Past,
    invitation: Option<&Invitation>,
) -> Result<UserRecord, Refusal> {
    let login_ids =
        with_further(body.login_id, body.additional_login_ids.into_iter().chain(body.additional_identifiers));
    refuse_taken(call.state, &login_ids, "")?;
    let families = family::memberships(call.state, "", &BTreeMap::new(), body.family_associations)?;
    let status = some(body.status.as_deref().map(str::to_owned))
        .map_or(Ok(Status::Invited), |status| checked_status(&status))?;
    let email = checked_email("email", body.email)?.or_else(|| guessed(&login_ids, is_email));
    let phone = checked_phone("phone", body.phone)?.or_else(|| guessed(&login_ids, is_phone));
    let recovery_email = checked_email("recoveryEmail", body.recovery_email)?;
    let recovery_phone = checked_phone("recoveryPhone", body.recovery_phone)?;
    let profile = Profile {
        name: some(body.display_name).or_else(|| some(body.name)),
        given_name: some(body.given_name),
        middle_name: some(body.middle_name),
        family_name: some(body.family_name),
        picture: some(body.picture),
        // What the back end says of an address is believed unless it says otherwise.
        verified_email: body.verified_email.unwrap_or(true) && email.is_some(),
        verified_phone: body.verified_phone.unwrap_or(true) && phone.is_some(),
        verified_recovery_email: body.verified_recovery_email == Some(true) && recovery_email.is_some(),
        verified_recovery_phone: body.verified_recovery_phone == Some(true) && recovery_phone.is_some(),
        email,
        phone,
        recovery_email,
        recovery_phone,
    };
    role::require(call.state, &body.role_names, None)?;
    attribute::check(call.state, Scope::User, &body.custom_attributes)?;
    attribute::check_complete(call.state, Scope::User, &body.custom_attributes)?;
    let mut user = UserRecord::new(call.state.ids.id("U"), login_ids, profile, call.now);
    user.created_at = past.created_at.filter(|time| *time > 0).unwrap_or(call.now);
    user.status = status;
    user.test = test || body.test == Some(true);
    user.roles = body.role_names;
    user.tenants = tenancies(call.state, body.user_tenants)?;
    user.families = families;
    attribute::merge(&mut user.custom_attributes, body.custom_attributes);
    user.sso_app_ids = body.sso_app_ids;
    user.totp = past.seed.filter(|seed| !seed.is_empty()).map(|seed| Totp::brought_along(&seed)).transpose()?;
    user.password = match (body.password.filter(|password| !password.is_empty()), body.hashed_password) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("Either password or hashedPassword can be given, not both"));
        }
        (Some(password), None) => Some(Password::checked(call, &user, &password)?),
        (None, Some(hash)) => Some(Password::imported(hash, call.now)?),
        (None, None) => None,
    };
    let user = call.state.users.insert(&mut call.state.log, user)?;
    if let Some(invitation) = invitation {
        invitation.send(call, &user)?;
    }
    Ok(UserRecord::clone(&user))
}

/// A test user is found by those only who say that they look for one, and no other user is by them.
fn require_kind(user: &UserRecord, test: Option<bool>) -> Result<(), Refusal> {
    if test == Some(true) && !user.test { Err(super::not_found()) } else { Ok(()) }
}

/// Overwrites everything: what is not named is cleared.
pub(super) fn replace(call: &mut Call<'_>, body: UserUpdateRequest) -> Result<UserRecord, Refusal> {
    let user = find(call.state, &body.login_id)?.clone();
    require_kind(&user, body.test)?;
    let families = family::memberships(call.state, &user.id, &BTreeMap::new(), body.family_associations)?;
    let first = first_login_id(&user, body.login_id);
    let login_ids = with_further(first, body.additional_login_ids.into_iter().chain(body.additional_identifiers));
    refuse_taken(call.state, &login_ids, &user.id)?;
    let status = some(body.status.as_deref().map(str::to_owned)).map(|status| checked_status(&status)).transpose()?;
    let email = checked_email("email", body.email)?.or_else(|| guessed(&login_ids, is_email));
    let phone = checked_phone("phone", body.phone)?.or_else(|| guessed(&login_ids, is_phone));
    let recovery_email = checked_email("recoveryEmail", body.recovery_email)?;
    let recovery_phone = checked_phone("recoveryPhone", body.recovery_phone)?;
    let old = &user.profile;
    let profile = Profile {
        name: some(body.display_name).or_else(|| some(body.name)),
        given_name: some(body.given_name),
        middle_name: some(body.middle_name),
        family_name: some(body.family_name),
        picture: some(body.picture),
        // An address that stays is proven or not as before; of a new one the back end is believed.
        verified_email: email.is_some()
            && body.verified_email.unwrap_or_else(|| email != old.email || old.verified_email),
        verified_phone: phone.is_some()
            && body.verified_phone.unwrap_or_else(|| phone != old.phone || old.verified_phone),
        verified_recovery_email: body.verified_recovery_email == Some(true) && recovery_email.is_some(),
        verified_recovery_phone: body.verified_recovery_phone == Some(true) && recovery_phone.is_some(),
        email,
        phone,
        recovery_email,
        recovery_phone,
    };
    role::require(call.state, &body.role_names, None)?;
    let tenants = tenancies(call.state, body.user_tenants)?;
    attribute::check(call.state, Scope::User, &body.custom_attributes)?;
    attribute::check_complete(call.state, Scope::User, &body.custom_attributes)?;
    change(call, &user.id, |user| {
        user.login_ids = login_ids;
        user.profile = profile;
        user.roles = body.role_names;
        user.tenants = tenants;
        user.families = families;
        user.custom_attributes = Map::new();
        attribute::merge(&mut user.custom_attributes, body.custom_attributes);
        user.sso_app_ids = body.sso_app_ids;
        if let Some(status) = status {
            user.set_status(status);
        }
    })
}

/// Changes what is named and keeps the rest.
pub(super) fn patch(call: &mut Call<'_>, body: UserPatchRequest) -> Result<UserRecord, Refusal> {
    let user = find(call.state, &body.login_id)?.clone();
    require_kind(&user, body.test)?;
    let families =
        body.family_associations.map(|given| family::memberships(call.state, &user.id, &BTreeMap::new(), given));
    let families = families.transpose()?;
    let further = match (body.additional_login_ids, body.additional_identifiers) {
        (None, None) => None,
        (one, two) => Some(one.into_iter().chain(two).flatten()),
    };
    let login_ids = further.map(|further| with_further(first_login_id(&user, body.login_id), further));
    refuse_taken(call.state, login_ids.as_deref().unwrap_or_default(), &user.id)?;
    let status = some(body.status.as_deref().map(str::to_owned)).map(|status| checked_status(&status)).transpose()?;
    checked_email("email", body.email.clone())?;
    checked_email("recoveryEmail", body.recovery_email.clone())?;
    // An empty number clears, so that it has to stay one.
    let phone = checked_phone("phone", body.phone.clone())?.or(body.phone);
    let recovery_phone = checked_phone("recoveryPhone", body.recovery_phone.clone())?.or(body.recovery_phone);
    role::require(call.state, body.role_names.as_deref().unwrap_or_default(), None)?;
    let tenants = body.user_tenants.map(|tenants| tenancies(call.state, tenants)).transpose()?;
    let attributes = body.custom_attributes.unwrap_or_default();
    attribute::check(call.state, Scope::User, &attributes)?;
    change(call, &user.id, |user| {
        set(&mut user.login_ids, login_ids);
        let profile = &mut user.profile;
        put(&mut profile.name, body.display_name.or(body.name));
        put(&mut profile.given_name, body.given_name);
        put(&mut profile.middle_name, body.middle_name);
        put(&mut profile.family_name, body.family_name);
        put(&mut profile.picture, body.picture);
        // An address that the back end gives is believed, unless it says otherwise.
        for (place, verified, given, said) in [
            (&mut profile.email, &mut profile.verified_email, body.email, body.verified_email),
            (&mut profile.phone, &mut profile.verified_phone, phone, body.verified_phone),
            (
                &mut profile.recovery_email,
                &mut profile.verified_recovery_email,
                body.recovery_email,
                body.verified_recovery_email,
            ),
            (
                &mut profile.recovery_phone,
                &mut profile.verified_recovery_phone,
                recovery_phone,
                body.verified_recovery_phone,
            ),
        ] {
            let new = given.is_some();
            put(place, given);
            *verified = place.is_some() && said.unwrap_or(new || *verified);
        }
        set(&mut user.roles, body.role_names);
        set(&mut user.tenants, tenants);
        set(&mut user.families, families);
        set(&mut user.sso_app_ids, body.sso_app_ids);
        set(&mut user.scim, body.scim);
        attribute::merge(&mut user.custom_attributes, attributes);
        if let Some(status) = status {
            user.set_status(status);
        }
    })
}

/// Changes the user of an id, and notes when.
pub(in crate::area) fn change(
    call: &mut Call<'_>,
    id: &str,
    change: impl FnOnce(&mut UserRecord),
) -> Result<UserRecord, Refusal> {
    let now = call.now;
    let user = call.state.users.edit(&mut call.state.log, id, |user| {
        change(user);
        // Nobody depends on a family without being in it.
        let families = &user.families;
        user.dependent_of = user.dependent_of.take().filter(|family| families.contains_key(family));
        user.modified_at = now;
        Ok::<_, Refusal>(())
    })?;
    Ok(UserRecord::clone(&user))
}

/// The refusal of something that the emulator has none of.
pub(super) fn not_there(what: &str) -> Refusal {
    Refusal::new(&crate::error::NOT_FOUND, format!("There is no {what}")).status(StatusCode::NOT_FOUND)
}
