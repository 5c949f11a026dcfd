//! Enchanted links: three in the message, one of them right, and a first device that polls.

use base64::{Engine as _, engine::general_purpose};
use descope_api::types::{
    EnchantedLinkPendingSessionRequest, EnchantedLinkPhoneResponse, EnchantedLinkResponse, EnchantedLinkSignInRequest,
    EnchantedLinkSignUpEmailRequest, EnchantedLinkSignUpPhoneRequest, EnchantedLinkUpdateEmailRequest,
    EnchantedLinkUpdatePhoneRequest, EnchantedLinkVerifyRequest, JwtResponse,
};
use url::Url;

use crate::{
    address::{mask_email, mask_phone},
    admin::inbox::{Channel, MessageLink},
    error::{ENCHANTED_LINK_PENDING, LINK_EXPIRED, Refusal, TOKEN_EXPIRED},
    flow::{self, AddressUpdate, EnchantedLink, Outgoing, Pending, PendingState, SignIn, SignUp, link_to, redirect},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::EnchantedLinkSignUpEmail>(sign_up_email)
        .on::<op::EnchantedLinkSignUpSms>(sign_up_sms)
        .on::<op::EnchantedLinkSignInEmail>(|call, body| sign_in(call, body, Channel::Email, false).map(Sent::email))
        .on::<op::EnchantedLinkSignInSms>(|call, body| sign_in(call, body, Channel::Sms, false).map(Sent::phone))
        .on::<op::EnchantedLinkSignUpOrInEmail>(|call, body| sign_in(call, body, Channel::Email, true).map(Sent::email))
        .on::<op::EnchantedLinkSignUpOrInSms>(|call, body| sign_in(call, body, Channel::Sms, true).map(Sent::phone))
        .done::<op::EnchantedLinkVerify>(verify)
        .on::<op::EnchantedLinkPendingSession>(pending_session)
        .on::<op::EnchantedLinkUpdateEmail>(update_email)
        .on::<op::EnchantedLinkUpdatePhoneSms>(update_phone_sms);
}

/// What the first device is told.
struct Sent {
    pending_ref: String,
    link_id: String,
    masked: String,
}

impl Sent {
    fn email(self) -> EnchantedLinkResponse {
        EnchantedLinkResponse::new().pending_ref(self.pending_ref).link_id(self.link_id).masked_email(self.masked)
    }

    fn phone(self) -> EnchantedLinkPhoneResponse {
        EnchantedLinkPhoneResponse::new().pending_ref(self.pending_ref).link_id(self.link_id).masked_phone(self.masked)
    }
}

fn sign_up_email(call: &mut Call<'_>, body: EnchantedLinkSignUpEmailRequest) -> Result<EnchantedLinkResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.email, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Email)?;
    send(call, outgoing, &page).map(Sent::email)
}

fn sign_up_sms(
    call: &mut Call<'_>,
    body: EnchantedLinkSignUpPhoneRequest,
) -> Result<EnchantedLinkPhoneResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.phone, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Sms)?;
    send(call, outgoing, &page).map(Sent::phone)
}

fn sign_in(
    call: &mut Call<'_>,
    body: EnchantedLinkSignInRequest,
    channel: Channel,
    create: bool,
) -> Result<Sent, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let use_recovery = body.use_recovery == Some(true);
    let request = SignIn { login_id: body.login_id, options: body.login_options, use_recovery };
    let outgoing = flow::begin_sign_in(call, request, channel, create)?;
    send(call, outgoing, &page)
}

fn update_email(call: &mut Call<'_>, body: EnchantedLinkUpdateEmailRequest) -> Result<EnchantedLinkResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.email,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: None,
    };
    let outgoing = flow::begin_update(call, request, Channel::Email)?;
    send(call, outgoing, &page).map(Sent::email)
}

fn update_phone_sms(
    call: &mut Call<'_>,
    body: EnchantedLinkUpdatePhoneRequest,
) -> Result<EnchantedLinkPhoneResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.phone,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: None,
    };
    let outgoing = flow::begin_update(call, request, Channel::Sms)?;
    send(call, outgoing, &page).map(Sent::phone)
}

fn send(call: &mut Call<'_>, outgoing: Outgoing, page: &Url) -> Result<Sent, Refusal> {
    let pending_ref = call.state.ids.alphanumeric(32);
    let ids = call.state.ids.link_ids();
    let right = call.state.ids.below(ids.len());
    let mut links = Vec::new();
    for (index, link_id) in ids.iter().enumerate() {
        let token = call.state.ids.alphanumeric(40);
        links.push(MessageLink { link_id: Some(link_id.clone()), url: link_to(page, &token), token: token.clone() });
        let (pending_ref, expires_at) = (pending_ref.clone(), outgoing.challenge.expires_at);
        let link = EnchantedLink { token, pending_ref, right: index == right, expires_at };
        call.state.enchanted.insert(&mut call.state.log, link)?;
    }
    let message = outgoing.message(call, None, links);
    call.outbox.push(message);
    let masked = if outgoing.channel.is_phone() { mask_phone(&outgoing.to) } else { mask_email(&outgoing.to) };
    let pending =
        Pending { pending_ref: pending_ref.clone(), challenge: outgoing.challenge, state: PendingState::Waiting };
    call.state.pending.insert(&mut call.state.log, pending)?;
    Ok(Sent { pending_ref, link_id: ids.get(right).cloned().unwrap_or_default(), masked })
}

fn verify(call: &mut Call<'_>, body: EnchantedLinkVerifyRequest) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::new(&TOKEN_EXPIRED, why));
    let token = body.token.expose().trim();
    let Some(link) = call.state.enchanted.get(token).cloned() else {
        return refuse("Failed to load the token: it is unknown, expired or was used before");
    };
    let Some(pending) = call.state.pending.get(&link.pending_ref) else {
        return refuse("Failed to load the token: its sign-in is over");
    };
    if pending.challenge.expires_at <= call.now {
        return refuse("The token has expired");
    }
    if !link.right {
        return refuse("The token belongs to a link with another number than the one shown");
    }
    if pending.state == PendingState::Clicked {
        return refuse("The token was used before");
    }
    if let Some(challenge) = &pending.challenge.wish.pkce_challenge
        && !verifier_fits(challenge, body.pkce_verifier.as_deref().unwrap_or_default())
    {
        return refuse("The token needs the verifier of the device that asked for it");
    }
    // The session waits for the polling device as long again as a link is good for.
    let expires_at = call.now + call.state.settings.sent_seconds;
    call.state.pending.update(&mut call.state.log, &link.pending_ref, |pending| {
        pending.state = PendingState::Clicked;
        pending.challenge.expires_at = expires_at;
    });
    Ok(())
}

/// Whether the challenge is the SHA-256 digest of the verifier; both come in base64.
fn verifier_fits(challenge: &str, verifier: &str) -> bool {
    let (Some(challenge), Some(verifier)) = (base64_bytes(challenge), base64_bytes(verifier)) else { return false };
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &verifier).as_ref() == challenge
}

/// Decodes base64 of either alphabet, padded or not.
fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let plain = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    general_purpose::STANDARD_NO_PAD.decode(plain).ok()
}

fn pending_session(call: &mut Call<'_>, body: EnchantedLinkPendingSessionRequest) -> Result<JwtResponse, Refusal> {
    let pending_ref = body.pending_ref.expose().trim();
    let Some(pending) = call.state.pending.get(pending_ref).filter(|known| known.challenge.expires_at > call.now)
    else {
        return Err(Refusal::new(&LINK_EXPIRED, "The enchanted link is unknown, expired or its session was fetched"));
    };
    if pending.state == PendingState::Waiting {
        return Err(Refusal::new(&ENCHANTED_LINK_PENDING, "The right link was not clicked yet"));
    }
    let challenge = pending.challenge.clone();
    let response = flow::complete(call, &challenge)?;
    call.state.pending.remove(&mut call.state.log, pending_ref);
    call.state.remove_owned(pending_ref);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_held_against_its_challenge() {
        // The example of RFC 7636, appendix B, whose verifier is hashed as text.
        let verifier = general_purpose::STANDARD.encode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(verifier_fits(challenge, &verifier));
        assert!(!verifier_fits(challenge, ""));
        assert!(!verifier_fits(challenge, "not base64!"));
    }
}
