//! One-time codes.

use descope_api::types::{
    OtpEmailResponse, OtpPhoneResponse, OtpSignInRequest, OtpSignUpEmailRequest, OtpSignUpPhoneRequest,
    OtpUpdateEmailRequest, OtpUpdatePhoneRequest, OtpVerifyRequest,
};

use crate::{
    address::{mask_email, mask_phone},
    error::{CODE_EXPIRED, Refusal, TOO_MANY_ATTEMPTS, WRONG_CODE},
    flow::{self, AddressUpdate, Outgoing, SignIn, SignUp},
    handler::{Answer, Call, Table, reply},
    inbox::Channel,
    random,
    state::Code,
};

/// How often a wrong code may be tried before the right one is refused too.
const ATTEMPTS: u32 = 5;

pub(super) fn register(table: &mut Table) {
    table.add("otpSignUpEmail", sign_up_email);
    table.add("otpSignUpSms", |call| sign_up_phone(call, Channel::Sms));
    table.add("otpSignUpVoice", |call| sign_up_phone(call, Channel::Voice));
    table.add("otpSignUpIm", |call| sign_up_phone(call, Channel::Im));
    table.add("otpSignUpWhatsapp", |call| sign_up_phone(call, Channel::Whatsapp));
    table.add("otpSignInEmail", |call| sign_in(call, Channel::Email, false));
    table.add("otpSignInSms", |call| sign_in(call, Channel::Sms, false));
    table.add("otpSignInVoice", |call| sign_in(call, Channel::Voice, false));
    table.add("otpSignInIm", |call| sign_in(call, Channel::Im, false));
    table.add("otpSignInWhatsapp", |call| sign_in(call, Channel::Whatsapp, false));
    table.add("otpSignUpOrInEmail", |call| sign_in(call, Channel::Email, true));
    table.add("otpSignUpOrInSms", |call| sign_in(call, Channel::Sms, true));
    table.add("otpSignUpOrInVoice", |call| sign_in(call, Channel::Voice, true));
    table.add("otpSignUpOrInIm", |call| sign_in(call, Channel::Im, true));
    table.add("otpSignUpOrInWhatsapp", |call| sign_in(call, Channel::Whatsapp, true));
    table.add("otpVerifyEmail", |call| verify(call, Channel::Email));
    table.add("otpVerifySms", |call| verify(call, Channel::Sms));
    table.add("otpVerifyVoice", |call| verify(call, Channel::Voice));
    table.add("otpVerifyIm", |call| verify(call, Channel::Im));
    table.add("otpVerifyWhatsapp", |call| verify(call, Channel::Whatsapp));
    table.add("otpUpdateEmail", update_email);
    table.add("otpUpdatePhoneSms", |call| update_phone(call, Channel::Sms));
    table.add("otpUpdatePhoneVoice", |call| update_phone(call, Channel::Voice));
    table.add("otpUpdatePhoneIm", |call| update_phone(call, Channel::Im));
    table.add("otpUpdatePhoneWhatsapp", |call| update_phone(call, Channel::Whatsapp));
}

fn sign_up_email(call: &mut Call<'_>) -> Answer {
    let body: OtpSignUpEmailRequest = call.body()?;
    let request = SignUp { login_id: body.login_id, address: body.email, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Email)?;
    send(call, &outgoing)
}

fn sign_up_phone(call: &mut Call<'_>, channel: Channel) -> Answer {
    let body: OtpSignUpPhoneRequest = call.body()?;
    // The number's key follows the method in some clients and is `phone` in the others.
    let address = body.phone.or(body.voice).or(body.whatsapp);
    let request = SignUp { login_id: body.login_id, address, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, channel)?;
    send(call, &outgoing)
}

fn sign_in(call: &mut Call<'_>, channel: Channel, create: bool) -> Answer {
    let body: OtpSignInRequest = call.body()?;
    let use_recovery = body.use_recovery == Some(true);
    let request = SignIn { login_id: body.login_id, options: body.login_options, use_recovery };
    let outgoing = flow::begin_sign_in(call, request, channel, create)?;
    send(call, &outgoing)
}

fn update_email(call: &mut Call<'_>) -> Answer {
    let body: OtpUpdateEmailRequest = call.body()?;
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.email,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: body.mfa,
    };
    let outgoing = flow::begin_update(call, request, Channel::Email)?;
    send(call, &outgoing)
}

fn update_phone(call: &mut Call<'_>, channel: Channel) -> Answer {
    let body: OtpUpdatePhoneRequest = call.body()?;
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.phone,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: body.mfa,
    };
    let outgoing = flow::begin_update(call, request, channel)?;
    send(call, &outgoing)
}

/// Sends a new code, which replaces the one that was sent before.
fn send(call: &mut Call<'_>, outgoing: &Outgoing) -> Answer {
    let digits = random::code();
    let login_id = &outgoing.challenge.login_id;
    call.state.codes.retain(|code| code.generated || !code.is_for(login_id, outgoing.channel));
    call.state.codes.push(Code {
        digits: digits.clone(),
        challenge: outgoing.challenge.clone(),
        generated: false,
        wrong_attempts: 0,
    });
    call.inbox.deliver(outgoing.message(call, Some(digits), Vec::new()));
    let verification_attempts = i64::from(ATTEMPTS);
    if outgoing.channel.is_phone() {
        let masked = mask_phone(&outgoing.to);
        reply(&OtpPhoneResponse::new().masked_phone(masked).verification_attempts(verification_attempts))
    } else {
        let masked = mask_email(&outgoing.to);
        reply(&OtpEmailResponse::new().masked_email(masked).verification_attempts(verification_attempts))
    }
}

fn verify(call: &mut Call<'_>, channel: Channel) -> Answer {
    let body: OtpVerifyRequest = call.body()?;
    let now = call.now;
    let candidates = || {
        let wanted = |code: &&Code| code.is_for(&body.login_id, channel);
        call.state.codes.iter().filter(wanted)
    };
    let given = body.code.expose().trim();
    let found = candidates().find(|code| code.digits == given && code.challenge.expires_at > now);
    let Some(code) = found.or_else(|| candidates().find(|code| code.digits == given)) else {
        let open = candidates().filter(|code| code.challenge.expires_at > now);
        let (all, used_up) =
            open.fold((0, 0), |(all, used_up), code| (all + 1, used_up + u32::from(code.wrong_attempts >= ATTEMPTS)));
        if all > 0 && all == used_up {
            return Err(too_many());
        }
        for code in call.state.codes.iter_mut().filter(|code| code.is_for(&body.login_id, channel)) {
            code.wrong_attempts += 1;
        }
        return Err(Refusal::new(&WRONG_CODE, "The code is wrong"));
    };
    if code.challenge.expires_at <= now {
        return Err(Refusal::new(&CODE_EXPIRED, "The code has expired"));
    }
    if code.wrong_attempts >= ATTEMPTS {
        return Err(too_many());
    }
    let challenge = code.challenge.clone();
    let response = flow::complete(call, &challenge)?;
    let mut used = false;
    call.state.codes.retain(|code| {
        let fits = code.digits == given && code.is_for(&body.login_id, channel);
        let this = !used && fits && code.challenge.expires_at > now;
        used |= this;
        !this
    });
    reply(&response)
}

fn too_many() -> Refusal {
    Refusal::new(&TOO_MANY_ATTEMPTS, "Too many wrong codes; ask for a new code")
}
