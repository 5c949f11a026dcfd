//! Embedded links: tokens that the back end passes on itself, redeemed like a magic link.

use descope_api::types::{EmbeddedLinkResponse, EmbeddedLinkSignInRequest, EmbeddedLinkSignUpRequest};

use super::user;
use crate::{
    address::{clean_phone, is_email, is_phone},
    error::{INVALID_ARGUMENTS, Refusal, USER_ALREADY_EXISTS},
    flow::{self, Challenge, Link, Purpose, SessionWish, token},
    http::{Call, Table, op},
};

/// How long the token is good for when the call does not say, in seconds.
const DEFAULT_TIMEOUT: i64 = 60;
/// The longest time that can be asked for, in seconds: a year.
const MAX_TIMEOUT: i64 = 365 * 24 * 3600;

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementEmbeddedLinkSignIn>(sign_in).on::<op::ManagementEmbeddedLinkSignUp>(sign_up);
}

fn expires_at(now: i64, timeout: Option<i64>) -> Result<i64, Refusal> {
    match timeout.unwrap_or_default() {
        0 => Ok(now + DEFAULT_TIMEOUT),
        seconds @ 1..=MAX_TIMEOUT => Ok(now + seconds),
        _ => Err(Refusal::new(&INVALID_ARGUMENTS, "The timeout field is in seconds, from 1 to a year")),
    }
}

fn sign_in(call: &mut Call<'_>, body: EmbeddedLinkSignInRequest) -> Result<EmbeddedLinkResponse, Refusal> {
    let expires_at = expires_at(call.now, body.timeout)?;
    let user = call.state.users.find(&body.login_id).ok_or_else(user::not_found)?;
    token::refuse_disabled(Some(user))?;
    let purpose = Purpose::SignIn { user_id: user.id.clone() };
    // The back end asks for these claims, so they need no quarantine.
    let wish = SessionWish { claims: body.custom_claims, ..SessionWish::default() };
    embed(call, Challenge { purpose, login_id: body.login_id, channel: None, wish, expires_at })
}

fn sign_up(call: &mut Call<'_>, body: EmbeddedLinkSignUpRequest) -> Result<EmbeddedLinkResponse, Refusal> {
    let expires_at = expires_at(call.now, body.timeout)?;
    if call.state.users.named(&body.login_id).is_some_and(|user| !user.test || user.seen) {
        return Err(Refusal::new(&USER_ALREADY_EXISTS, "A user with this login id exists already"));
    }
    let mut profile = flow::checked_profile(body.user, &body.login_id)?;
    if profile.email.is_none() && is_email(&body.login_id) {
        profile.email = Some(body.login_id.clone());
    }
    if profile.phone.is_none() && is_phone(&body.login_id) {
        profile.phone = Some(clean_phone(&body.login_id));
    }
    profile.verified_email = body.email_verified == Some(true) && profile.email.is_some();
    profile.verified_phone = body.phone_verified == Some(true) && profile.phone.is_some();
    let wish = flow::wish_of(body.login_options.unwrap_or_else(flow::no_options))?;
    let purpose = Purpose::SignUp { profile: Box::new(profile), strict: true, proves_address: false };
    embed(call, Challenge { purpose, login_id: body.login_id, channel: None, wish, expires_at })
}

fn embed(call: &mut Call<'_>, challenge: Challenge) -> Result<EmbeddedLinkResponse, Refusal> {
    let token = call.state.ids.alphanumeric(40);
    call.state.links.insert(&mut call.state.log, Link { token: token.clone(), challenge })?;
    Ok(EmbeddedLinkResponse::new().token(token))
}
