//! One-time codes.

use descope_api::types::{
    JwtResponse, OtpEmailResponse, OtpPhoneResponse, OtpSignInRequest, OtpSignUpEmailRequest, OtpSignUpPhoneRequest,
    OtpUpdateEmailRequest, OtpUpdatePhoneRequest, OtpVerifyRequest,
};

use crate::{
    address::{mask_email, mask_phone},
    admin::inbox::Channel,
    error::{CODE_EXPIRED, Refusal, TOO_MANY_ATTEMPTS, WRONG_CODE},
    flow::{self, AddressUpdate, Challenge, Code, Outgoing, SignIn, SignUp},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::OtpSignUpEmail>(sign_up_email)
        .on::<op::OtpSignUpSms>(|call, body| sign_up_phone(call, body, Channel::Sms))
        .on::<op::OtpSignUpVoice>(|call, body| sign_up_phone(call, body, Channel::Voice))
        .on::<op::OtpSignUpIm>(|call, body| sign_up_phone(call, body, Channel::Im))
        .on::<op::OtpSignUpWhatsapp>(|call, body| sign_up_phone(call, body, Channel::Whatsapp))
        .on::<op::OtpSignInEmail>(|call, body| sign_in(call, body, Channel::Email, false).map(Sent::email))
        .on::<op::OtpSignInSms>(|call, body| sign_in(call, body, Channel::Sms, false).map(Sent::phone))
        .on::<op::OtpSignInVoice>(|call, body| sign_in(call, body, Channel::Voice, false).map(Sent::phone))
        .on::<op::OtpSignInIm>(|call, body| sign_in(call, body, Channel::Im, false).map(Sent::phone))
        .on::<op::OtpSignInWhatsapp>(|call, body| sign_in(call, body, Channel::Whatsapp, false).map(Sent::phone))
        .on::<op::OtpSignUpOrInEmail>(|call, body| sign_in(call, body, Channel::Email, true).map(Sent::email))
        .on::<op::OtpSignUpOrInSms>(|call, body| sign_in(call, body, Channel::Sms, true).map(Sent::phone))
        .on::<op::OtpSignUpOrInVoice>(|call, body| sign_in(call, body, Channel::Voice, true).map(Sent::phone))
        .on::<op::OtpSignUpOrInIm>(|call, body| sign_in(call, body, Channel::Im, true).map(Sent::phone))
        .on::<op::OtpSignUpOrInWhatsapp>(|call, body| sign_in(call, body, Channel::Whatsapp, true).map(Sent::phone))
        .on::<op::OtpVerifyEmail>(|call, body| verify(call, body, Channel::Email))
        .on::<op::OtpVerifySms>(|call, body| verify(call, body, Channel::Sms))
        .on::<op::OtpVerifyVoice>(|call, body| verify(call, body, Channel::Voice))
        .on::<op::OtpVerifyIm>(|call, body| verify(call, body, Channel::Im))
        .on::<op::OtpVerifyWhatsapp>(|call, body| verify(call, body, Channel::Whatsapp))
        .on::<op::OtpUpdateEmail>(update_email)
        .on::<op::OtpUpdatePhoneSms>(|call, body| update_phone(call, body, Channel::Sms))
        .on::<op::OtpUpdatePhoneVoice>(|call, body| update_phone(call, body, Channel::Voice))
        .on::<op::OtpUpdatePhoneIm>(|call, body| update_phone(call, body, Channel::Im))
        .on::<op::OtpUpdatePhoneWhatsapp>(|call, body| update_phone(call, body, Channel::Whatsapp));
}

/// What is told of a code that is on its way.
struct Sent {
    masked: String,
    attempts: i64,
}

impl Sent {
    fn email(self) -> OtpEmailResponse {
        OtpEmailResponse::new().masked_email(self.masked).verification_attempts(self.attempts)
    }

    fn phone(self) -> OtpPhoneResponse {
        OtpPhoneResponse::new().masked_phone(self.masked).verification_attempts(self.attempts)
    }
}

fn sign_up_email(call: &mut Call<'_>, body: OtpSignUpEmailRequest) -> Result<OtpEmailResponse, Refusal> {
    let request = SignUp { login_id: body.login_id, address: body.email, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Email)?;
    Ok(send(call, &outgoing)?.email())
}

fn sign_up_phone(
    call: &mut Call<'_>,
    body: OtpSignUpPhoneRequest,
    channel: Channel,
) -> Result<OtpPhoneResponse, Refusal> {
    // The number's key follows the method in some clients and is `phone` in the others.
    let address = body.phone.or(body.voice).or(body.whatsapp);
    let request = SignUp { login_id: body.login_id, address, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, channel)?;
    Ok(send(call, &outgoing)?.phone())
}

fn sign_in(call: &mut Call<'_>, body: OtpSignInRequest, channel: Channel, create: bool) -> Result<Sent, Refusal> {
    let use_recovery = body.use_recovery == Some(true);
    let request = SignIn { login_id: body.login_id, options: body.login_options, use_recovery };
    let outgoing = flow::begin_sign_in(call, request, channel, create)?;
    send(call, &outgoing)
}

fn update_email(call: &mut Call<'_>, body: OtpUpdateEmailRequest) -> Result<OtpEmailResponse, Refusal> {
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.email,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: body.mfa,
    };
    let outgoing = flow::begin_update(call, request, Channel::Email)?;
    Ok(send(call, &outgoing)?.email())
}

fn update_phone(
    call: &mut Call<'_>,
    body: OtpUpdatePhoneRequest,
    channel: Channel,
) -> Result<OtpPhoneResponse, Refusal> {
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.phone,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: body.mfa,
    };
    let outgoing = flow::begin_update(call, request, channel)?;
    Ok(send(call, &outgoing)?.phone())
}

/// Sends a new code, which replaces the one that was sent before.
fn send(call: &mut Call<'_>, outgoing: &Outgoing) -> Result<Sent, Refusal> {
    flow::refuse_pkce(&outgoing.challenge.wish)?;
    let digits = call.state.ids.code();
    let owner = Code::owner_of(&outgoing.challenge.login_id);
    let old = call.state.codes.owned(&owner).filter(|code| !code.generated && code.is_for(outgoing.channel));
    let old: Vec<String> = old.map(|code| code.id.clone()).collect();
    for id in old {
        call.state.codes.remove(&mut call.state.log, &id);
    }
    let code = Code {
        id: call.state.ids.id("C"),
        digits: digits.clone(),
        challenge: outgoing.challenge.clone(),
        generated: false,
        wrong_attempts: 0,
    };
    call.state.codes.insert(&mut call.state.log, code)?;
    let message = outgoing.message(call, Some(digits), Vec::new());
    call.outbox.push(message);
    let masked = if outgoing.channel.is_phone() { mask_phone(&outgoing.to) } else { mask_email(&outgoing.to) };
    Ok(Sent { masked, attempts: i64::from(call.state.settings.code_attempts) })
}

fn verify(call: &mut Call<'_>, body: OtpVerifyRequest, channel: Channel) -> Result<JwtResponse, Refusal> {
    let challenge = redeem(call, &body.login_id, body.code.expose(), channel)?;
    flow::complete(call, &challenge)
}

/// Sends somebody a code who is known, or is signed up by it.
pub(super) fn send_to(call: &mut Call<'_>, login_id: String, channel: Channel, create: bool) -> Result<(), Refusal> {
    let request = SignIn { login_id, options: None, use_recovery: false };
    let outgoing = flow::begin_sign_in(call, request, channel, create)?;
    send(call, &outgoing)?;
    Ok(())
}

/// Uses a code up, and gives what it is for.
pub(super) fn redeem(call: &mut Call<'_>, login_id: &str, given: &str, channel: Channel) -> Result<Challenge, Refusal> {
    let (now, attempts) = (call.now, call.state.settings.code_attempts);
    let owner = Code::owner_of(login_id);
    let candidates = || call.state.codes.owned(&owner).filter(|code| code.is_for(channel));
    let given = given.trim();
    let found = candidates().find(|code| code.digits == given && code.challenge.expires_at > now);
    let Some(code) = found.or_else(|| candidates().find(|code| code.digits == given)).cloned() else {
        let open = || candidates().filter(|code| code.challenge.expires_at > now);
        if open().next().is_some() && open().all(|code| code.wrong_attempts >= attempts) {
            return Err(too_many());
        }
        let ids: Vec<String> = candidates().map(|code| code.id.clone()).collect();
        for id in ids {
            call.state.codes.update(&mut call.state.log, &id, |code| code.wrong_attempts += 1);
        }
        return Err(Refusal::new(&WRONG_CODE, "The code is wrong").counted());
    };
    if code.challenge.expires_at <= now {
        return Err(Refusal::new(&CODE_EXPIRED, "The code has expired"));
    }
    if code.wrong_attempts >= attempts {
        return Err(too_many());
    }
    call.state.codes.remove(&mut call.state.log, &code.id);
    Ok(code.challenge)
}

fn too_many() -> Refusal {
    Refusal::new(&TOO_MANY_ATTEMPTS, "Too many wrong codes; ask for a new code")
}
