//! Recovery codes: printed once, for the day when nothing else is at hand.

use aws_lc_rs::digest;
use descope_api::{
    Secret,
    types::{
        JwtResponse, RecoveryCode, RecoveryCodesGenerateRequest, RecoveryCodesResponse, RecoveryCodesSignInRequest,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Refusal, TOO_MANY_ATTEMPTS, USER_NOT_FOUND, WRONG_CODE},
    flow::{self, token},
    http::{Call, Table, op},
    world::ids::hexadecimal,
};

/// How many codes a set has.
const CODES: usize = 10;
/// How often a wrong code may be tried before the way in is locked for a while.
const ATTEMPTS: u32 = 5;
/// For how long, in seconds.
const LOCK_SECONDS: i64 = 600;

/// The codes of one user that were not used yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RecoveryCodes {
    /// SHA-256 of each, in hexadecimal digits.
    digests: Vec<String>,
    failures: u32,
    pub(crate) locked_until: i64,
}

pub(super) fn register(table: &mut Table) {
    table.on::<op::RecoveryCodesGenerate>(generate).on::<op::RecoveryCodesSignIn>(sign_in);
}

/// Codes are compared without regard to case and to what stands between their halves.
fn digest_of(code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    hexadecimal::encode(digest::digest(&digest::SHA256, code.to_ascii_lowercase().as_bytes()).as_ref())
}

fn generate(call: &mut Call<'_>, body: RecoveryCodesGenerateRequest) -> Result<RecoveryCodesResponse, Refusal> {
    let user_id = flow::require_own(call, &body.login_id)?.id.clone();
    let ids = &mut call.state.ids;
    let half = |text: String| text.to_ascii_lowercase();
    let codes: Vec<String> =
        (0..CODES).map(|_| format!("{}-{}", half(ids.alphanumeric(5)), half(ids.alphanumeric(5)))).collect();
    let digests = codes.iter().map(|code| digest_of(code)).collect();
    call.state.users.update(&mut call.state.log, &user_id, |user| {
        user.recovery_codes = RecoveryCodes { digests, ..RecoveryCodes::default() };
    });
    Ok(RecoveryCodesResponse::new().codes(codes.into_iter().map(|code| RecoveryCode::new().code(Secret::from(code)))))
}

fn sign_in(call: &mut Call<'_>, body: RecoveryCodesSignInRequest) -> Result<JwtResponse, Refusal> {
    let user = call.state.users.named(&body.login_id).cloned();
    let user = user.ok_or_else(|| Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"))?;
    token::refuse_disabled(Some(&user))?;
    let mut codes = user.recovery_codes.clone();
    if codes.locked_until > call.now {
        return Err(Refusal::new(&TOO_MANY_ATTEMPTS, "Too many wrong codes; try again later"));
    }
    let digest = digest_of(body.code.expose());
    let place = codes.digests.iter().position(|known| *known == digest);
    if let Some(place) = place {
        codes.digests.remove(place);
        codes.failures = 0;
    } else {
        codes.failures += 1;
        if codes.failures >= ATTEMPTS {
            (codes.failures, codes.locked_until) = (0, call.now + LOCK_SECONDS);
        }
    }
    call.state.users.update_quietly(&mut call.state.log, &user.id, |user| user.recovery_codes = codes);
    if place.is_none() {
        return Err(Refusal::new(&WRONG_CODE, "The code is wrong, or was used before").counted());
    }
    let wish = flow::wish_for(call, &user, body.login_options)?;
    flow::sign_in(call, &user.id, &wish, "recovery_codes")
}
