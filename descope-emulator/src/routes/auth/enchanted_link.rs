//! Enchanted links: three in the message, one of them right, and a first device that polls.

use base64::{Engine as _, engine::general_purpose};
use descope_api::types::{
    EnchantedLinkPendingSessionRequest, EnchantedLinkResponse, EnchantedLinkSignInRequest,
    EnchantedLinkSignUpEmailRequest, EnchantedLinkUpdateEmailRequest, EnchantedLinkVerifyRequest,
};
use url::Url;

use super::{link_to, redirect};
use crate::{
    address::mask_email,
    error::{ENCHANTED_LINK_PENDING, LINK_EXPIRED, Refusal, TOKEN_EXPIRED},
    flow::{self, AddressUpdate, Outgoing, SENT_SECONDS, SignIn, SignUp},
    handler::{Answer, Call, Table, empty, reply},
    inbox::{Channel, MessageLink},
    random,
    state::{EnchantedToken, Pending, PendingState},
};

pub(super) fn register(table: &mut Table) {
    table.add("enchantedLinkSignUpEmail", sign_up_email);
    table.add("enchantedLinkSignInEmail", |call| sign_in_email(call, false));
    table.add("enchantedLinkSignUpOrInEmail", |call| sign_in_email(call, true));
    table.add("enchantedLinkVerify", verify);
    table.add("enchantedLinkPendingSession", pending_session);
    table.add("enchantedLinkUpdateEmail", update_email);
}

fn sign_up_email(call: &mut Call<'_>) -> Answer {
    let body: EnchantedLinkSignUpEmailRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.email, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Email)?;
    send(call, outgoing, &page)
}

fn sign_in_email(call: &mut Call<'_>, create: bool) -> Answer {
    let body: EnchantedLinkSignInRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let use_recovery = body.use_recovery == Some(true);
    let request = SignIn { login_id: body.login_id, options: body.login_options, use_recovery };
    let outgoing = flow::begin_sign_in(call, request, Channel::Email, create)?;
    send(call, outgoing, &page)
}

fn update_email(call: &mut Call<'_>) -> Answer {
    let body: EnchantedLinkUpdateEmailRequest = call.body()?;
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
    send(call, outgoing, &page)
}

fn send(call: &mut Call<'_>, outgoing: Outgoing, page: &Url) -> Answer {
    let pending_ref = random::alphanumeric(32);
    let ids = random::link_ids();
    let right = random::below(ids.len());
    let mut links = Vec::new();
    for (index, link_id) in ids.iter().enumerate() {
        let token = random::alphanumeric(40);
        links.push(MessageLink { link_id: Some(link_id.clone()), url: link_to(page, &token), token: token.clone() });
        let link = EnchantedToken { pending_ref: pending_ref.clone(), right: index == right };
        call.state.enchanted.insert(token, link);
    }
    call.inbox.deliver(outgoing.message(call, None, links));
    let pending = Pending { challenge: outgoing.challenge, state: PendingState::Waiting };
    call.state.pending.insert(pending_ref.clone(), pending);
    let mut sent = EnchantedLinkResponse::new().pending_ref(pending_ref).masked_email(mask_email(&outgoing.to));
    sent.link_id = ids.get(right).cloned();
    reply(&sent)
}

fn verify(call: &mut Call<'_>) -> Answer {
    let body: EnchantedLinkVerifyRequest = call.body()?;
    let refuse = |why: &str| Err(Refusal::new(&TOKEN_EXPIRED, why));
    let token = body.token.expose().trim();
    let Some(link) = call.state.enchanted.get(token) else {
        return refuse("Failed to load the token: it is unknown, expired or was used before");
    };
    let Some(pending) = call.state.pending.get_mut(&link.pending_ref) else {
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
    pending.state = PendingState::Clicked;
    // The session waits for the polling device as long again as a link is good for.
    pending.challenge.expires_at = call.now + SENT_SECONDS;
    empty()
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

fn pending_session(call: &mut Call<'_>) -> Answer {
    let body: EnchantedLinkPendingSessionRequest = call.body()?;
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
    call.state.pending.remove(pending_ref);
    call.state.enchanted.retain(|_, link| link.pending_ref != pending_ref);
    reply(&response)
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
