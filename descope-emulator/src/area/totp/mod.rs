//! Authenticator apps, by RFC 6238: sign-up, exchange of the app, sign-in.

mod code;
pub(super) mod picture;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use descope_api::{
    Secret,
    types::{JwtResponse, TotpSeedResponse, TotpSignUpRequest, TotpUpdateRequest, TotpVerifyRequest},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use self::code::{Totp, shown};
use super::password::with_address;
use crate::{
    error::{Refusal, TOO_MANY_ATTEMPTS, USER_NOT_FOUND, WRONG_CODE},
    flow::{self, token},
    http::{Call, Table, op},
};

/// Under which name the app shows its codes.
const ISSUER: &str = "descope-emulator";
/// How often a wrong code may be tried in a row before the app is closed for a while.
const ATTEMPTS: u32 = 10;
/// For how long, in seconds.
const LOCK_SECONDS: i64 = 600;

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::TotpSignUp>(sign_up)
        .on::<op::TotpUpdate>(|call, body: TotpUpdateRequest| {
            let user_id = flow::require_own(call, &body.login_id)?.id.clone();
            give_seed(call, &user_id, &body.login_id)
        })
        .on::<op::TotpVerify>(verify);
}

fn sign_up(call: &mut Call<'_>, body: TotpSignUpRequest) -> Result<TotpSeedResponse, Refusal> {
    flow::refuse_taken(call, &body.login_id)?;
    let profile = with_address(flow::checked_profile(body.user, &body.login_id)?, &body.login_id);
    let wish = flow::SessionWish::default();
    let user_id = flow::finish_sign_up(call, &body.login_id, &wish, profile, true)?;
    give_seed(call, &user_id, &body.login_id)
}

/// Makes a new seed, which counts when a first code has come out of the app. Until then the app that the user had
/// goes on to work.
fn give_seed(call: &mut Call<'_>, user_id: &str, login_id: &str) -> Result<TotpSeedResponse, Refusal> {
    let seed = call.state.ids.bytes::<20>();
    let key = code::encode_base32(&seed);
    call.state.users.update(&mut call.state.log, user_id, |user| {
        user.totp.get_or_insert_default().begin(seed.to_vec());
    });
    let label = utf8_percent_encode(login_id, NON_ALPHANUMERIC);
    let url = format!("otpauth://totp/{ISSUER}:{label}?secret={key}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30");
    let picture = picture::qr_code(&url).ok_or_else(|| Refusal::invalid("The login id is too long for a QR code"))?;
    Ok(TotpSeedResponse::new()
        .provisioning_url(Secret::from(url))
        .image(Secret::from(STANDARD.encode(picture)))
        .key(Secret::from(key)))
}

fn verify(call: &mut Call<'_>, body: TotpVerifyRequest) -> Result<JwtResponse, Refusal> {
    let user = call.state.users.named(&body.login_id).cloned();
    let user = user.ok_or_else(|| Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"))?;
    token::refuse_disabled(Some(&user))?;
    let Some(mut totp) = user.totp.clone() else {
        return Err(Refusal::invalid("The user has no authenticator app"));
    };
    if totp.locked_until > call.now {
        return Err(Refusal::new(&TOO_MANY_ATTEMPTS, "Too many wrong codes; try again later"));
    }
    let right = totp.accept(body.code.expose().trim(), call.now);
    if right {
        totp.failures = 0;
    } else {
        totp.failures += 1;
        if totp.failures >= ATTEMPTS {
            (totp.failures, totp.locked_until) = (0, call.now + LOCK_SECONDS);
        }
    }
    call.state.users.update_quietly(&mut call.state.log, &user.id, |user| user.totp = Some(totp));
    if !right {
        return Err(Refusal::new(&WRONG_CODE, "The code is wrong, or was used before").counted());
    }
    let wish = flow::wish_for(call, &user, body.login_options)?;
    flow::sign_in(call, &user.id, &wish, "totp")
}
