//! Passwords: sign-up, sign-in, change, reset, and the rules for them.

mod imported;
mod record;
pub(crate) mod rules;

use descope_api::{
    Secret,
    types::{
        JwtResponse, PasswordReplaceRequest, PasswordResetDelivery, PasswordResetRequest, PasswordSignInRequest,
        PasswordSignUpRequest, PasswordUpdateRequest,
    },
};

pub(crate) use self::record::Password;
use self::rules::Rules;
use super::{
    magic_link::send_link,
    user::{Profile, UserRecord},
};
use crate::{
    address::{clean_phone, is_email, is_phone, mask_email},
    admin::inbox::Channel,
    error::{INVALID_ARGUMENTS, PASSWORD_EXPIRED, PASSWORD_SIGN_IN_REFUSED, Refusal, USER_NOT_FOUND},
    flow::{self, Challenge, Outgoing, Purpose, SessionWish, redirect, token},
    http::{Call, Table, op},
};

/// What a sign-in by password adds to the claim `amr`.
pub(super) const METHOD: &str = "pwd";

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::PasswordPolicy>(|call, _| Ok(Rules::of(call.state, None).to_policy()))
        .on::<op::PasswordSignUp>(sign_up)
        .on::<op::PasswordSignIn>(sign_in)
        .on::<op::PasswordReplace>(replace)
        .done::<op::PasswordUpdate>(update)
        .on::<op::PasswordReset>(reset);
    rules::register(table);
}

/// The same for nobody, a wrong password and a locked user, so that nobody learns which login ids there are. The wording
/// is the service's.
fn refused() -> Refusal {
    Refusal::new(&PASSWORD_SIGN_IN_REFUSED, "Invalid signin credentials")
}

fn require_enabled(rules: &Rules) -> Result<(), Refusal> {
    if rules.enabled() { Ok(()) } else { Err(Refusal::invalid("Passwords are switched off in the password settings")) }
}

/// A login id that looks like an address is taken for one.
pub(super) fn with_address(mut profile: Profile, login_id: &str) -> Profile {
    if profile.email.is_none() && is_email(login_id) {
        profile.email = Some(login_id.to_owned());
    }
    if profile.phone.is_none() && is_phone(login_id) {
        profile.phone = Some(clean_phone(login_id));
    }
    profile
}

fn sign_up(call: &mut Call<'_>, body: PasswordSignUpRequest) -> Result<JwtResponse, Refusal> {
    flow::refuse_taken(call, &body.login_id)?;
    let profile = with_address(flow::checked_profile(body.user, &body.login_id)?, &body.login_id);
    let wish = body.login_options.map(flow::wish_of_sign_up).unwrap_or_default();
    let user_id = add(call, &body.login_id, &body.password, profile, &wish)?;
    flow::sign_in(call, &user_id, &wish, METHOD)
}

/// Brings a user into being who has a password.
fn add(
    call: &mut Call<'_>,
    login_id: &str,
    password: &Secret,
    profile: Profile,
    wish: &SessionWish,
) -> Result<String, Refusal> {
    let user_id = flow::finish_sign_up(call, login_id, wish, profile, true)?;
    let user = call.state.users.get(&user_id).cloned().unwrap_or_default();
    require_enabled(&Rules::for_user(call.state, &user, wish.tenant.as_deref()))?;
    let password = Password::checked(call, &user, password)?;
    call.state.users.update_quietly(&mut call.state.log, &user_id, |user| user.password = Some(password));
    Ok(user_id)
}

/// The new user of a login id and a password.
pub(super) fn sign_up_by(call: &mut Call<'_>, login_id: &str, password: &Secret) -> Result<String, Refusal> {
    flow::refuse_taken(call, login_id)?;
    add(call, login_id, password, with_address(Profile::default(), login_id), &SessionWish::default())
}

/// Compares a password, and counts those that are wrong. A right one that has run out is no matter here.
fn prove(call: &mut Call<'_>, login_id: &str, given: &str, tenant: Option<&str>) -> Result<UserRecord, Refusal> {
    let Some(user) = call.state.users.named(login_id).cloned() else { return Err(refused()) };
    let rules = Rules::for_user(call.state, &user, tenant);
    require_enabled(&rules)?;
    let Some(password) = &user.password else { return Err(refused()) };
    if password.is_locked(call.now) {
        return Err(refused());
    }
    let now = call.now;
    if !password.matches(given) {
        call.state.users.update_quietly(&mut call.state.log, &user.id, |user| {
            if let Some(password) = &mut user.password {
                password.count_failure(&rules, now);
            }
        });
        return Err(refused().counted());
    }
    token::refuse_disabled(Some(&user))?;
    let own = password.is_imported().then(|| Password::hash(&mut call.state.ids, given));
    call.state.users.update_quietly(&mut call.state.log, &user.id, |user| {
        if let Some(password) = &mut user.password {
            password.unlock();
            // The hash of another system may be slow to compare, by intention.
            super::set(&mut password.hash, own);
        }
    });
    call.state.users.get(&user.id).cloned().ok_or_else(refused)
}

/// The user of a login id and a password that both are right, and good for a sign-in.
pub(super) fn sign_in_by(call: &mut Call<'_>, login_id: &str, given: &str) -> Result<UserRecord, Refusal> {
    let user = prove(call, login_id, given, None)?;
    refuse_run_out(call, &user, None)?;
    Ok(user)
}

fn refuse_run_out(call: &Call<'_>, user: &UserRecord, tenant: Option<&str>) -> Result<(), Refusal> {
    let rules = Rules::for_user(call.state, user, tenant);
    if user.password.as_ref().is_some_and(|password| password.has_run_out(&rules, call.now)) {
        // The count of wrong ones has ended all the same.
        let message = "The password has expired; it has to be replaced";
        return Err(Refusal::new(&PASSWORD_EXPIRED, message).counted());
    }
    Ok(())
}

fn sign_in(call: &mut Call<'_>, body: PasswordSignInRequest) -> Result<JwtResponse, Refusal> {
    let tenant = body.login_options.as_ref().and_then(|options| options.tenant_id.clone());
    let user = prove(call, &body.login_id, body.password.expose(), tenant.as_deref())?;
    refuse_run_out(call, &user, tenant.as_deref())?;
    let wish = flow::wish_for(call, &user, body.login_options)?;
    flow::sign_in(call, &user.id, &wish, METHOD)
}

/// Puts another password in the place of one that the user knows.
fn replace(call: &mut Call<'_>, body: PasswordReplaceRequest) -> Result<JwtResponse, Refusal> {
    flow::refuse_session_kinds("revokeOtherSessionsTypes", &body.revoke_other_sessions_types)?;
    let user = prove(call, &body.login_id, body.old_password.expose(), None)?;
    let password = Password::checked(call, &user, &body.new_password)?;
    call.state.users.update(&mut call.state.log, &user.id, |user| user.password = Some(password));
    let revoke_other_sessions = body.revoke_other_sessions == Some(true);
    let wish = SessionWish { revoke_other_sessions, ..SessionWish::default() };
    flow::sign_in(call, &user.id, &wish, METHOD)
}

/// Gives a user who is signed in a password.
fn update(call: &mut Call<'_>, body: PasswordUpdateRequest) -> Result<(), Refusal> {
    let user = flow::require_own(call, &body.login_id)?.clone();
    require_enabled(&Rules::for_user(call.state, &user, None))?;
    let password = Password::checked(call, &user, &body.new_password)?;
    call.state.users.update(&mut call.state.log, &user.id, |user| user.password = Some(password));
    Ok(())
}

/// Sends a link that signs in, so that the user can choose another password.
fn reset(call: &mut Call<'_>, body: PasswordResetRequest) -> Result<PasswordResetDelivery, Refusal> {
    let page = redirect(body.redirect_url, None)?;
    let user =
        call.state.users.named(&body.login_id).ok_or_else(|| {
            Refusal::new(&USER_NOT_FOUND, "The password of a user who does not exist cannot be reset")
        })?;
    token::refuse_disabled(Some(user))?;
    require_enabled(&Rules::for_user(call.state, user, None))?;
    let profile = &user.profile;
    let to = if body.use_recovery == Some(true) {
        profile.recovery_email.clone()
    } else {
        profile.email.clone().filter(|_| profile.verified_email)
    };
    let to = to.ok_or_else(|| {
        let message = "The user has no verified email address, or no recovery address where that is asked for";
        Refusal::new(&INVALID_ARGUMENTS, message)
    })?;
    let masked = mask_email(&to);
    let challenge = Challenge {
        purpose: Purpose::SignIn { user_id: user.id.clone() },
        login_id: body.login_id,
        channel: Some(Channel::Email),
        wish: SessionWish::default(),
        expires_at: call.now + call.state.settings.sent_seconds,
    };
    send_link(call, Outgoing { challenge, channel: Channel::Email, to }, &page)?;
    Ok(PasswordResetDelivery::new().reset_method("magiclink").masked_email(masked))
}
