//! Magic links, and the redeeming of embedded ones.

use descope_api::types::{
    MagicLinkEmailResponse, MagicLinkPhoneResponse, MagicLinkSignInRequest, MagicLinkSignUpEmailRequest,
    MagicLinkSignUpPhoneRequest, MagicLinkUpdateEmailRequest, MagicLinkUpdatePhoneRequest, MagicLinkVerifyRequest,
};
use url::Url;

use super::{link_to, redirect};
use crate::{
    address::{mask_email, mask_phone},
    error::{Refusal, TOKEN_EXPIRED},
    flow::{self, AddressUpdate, Outgoing, SignIn, SignUp},
    handler::{Answer, Call, Table, reply},
    inbox::{Channel, MessageLink},
    random,
};

pub(super) fn register(table: &mut Table) {
    table.add("magicLinkSignUpEmail", sign_up_email);
    table.add("magicLinkSignUpSms", sign_up_sms);
    table.add("magicLinkSignInEmail", |call| sign_in(call, Channel::Email, false));
    table.add("magicLinkSignInSms", |call| sign_in(call, Channel::Sms, false));
    table.add("magicLinkSignUpOrInEmail", |call| sign_in(call, Channel::Email, true));
    table.add("magicLinkSignUpOrInSms", |call| sign_in(call, Channel::Sms, true));
    table.add("magicLinkVerify", verify);
    table.add("magicLinkUpdateEmail", update_email);
    table.add("magicLinkUpdatePhoneSms", update_phone_sms);
}

fn sign_up_email(call: &mut Call<'_>) -> Answer {
    let body: MagicLinkSignUpEmailRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.email, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Email)?;
    send(call, outgoing, &page)
}

fn sign_up_sms(call: &mut Call<'_>) -> Answer {
    let body: MagicLinkSignUpPhoneRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.phone, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Sms)?;
    send(call, outgoing, &page)
}

fn sign_in(call: &mut Call<'_>, channel: Channel, create: bool) -> Answer {
    let body: MagicLinkSignInRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let use_recovery = body.use_recovery == Some(true);
    let request = SignIn { login_id: body.login_id, options: body.login_options, use_recovery };
    let outgoing = flow::begin_sign_in(call, request, channel, create)?;
    send(call, outgoing, &page)
}

fn update_email(call: &mut Call<'_>) -> Answer {
    let body: MagicLinkUpdateEmailRequest = call.body()?;
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

fn update_phone_sms(call: &mut Call<'_>) -> Answer {
    let body: MagicLinkUpdatePhoneRequest = call.body()?;
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
    send(call, outgoing, &page)
}

fn send(call: &mut Call<'_>, outgoing: Outgoing, page: &Url) -> Answer {
    let masked = if outgoing.channel.is_phone() { mask_phone(&outgoing.to) } else { mask_email(&outgoing.to) };
    let by_phone = outgoing.channel.is_phone();
    send_link(call, outgoing, page);
    if by_phone {
        reply(&MagicLinkPhoneResponse::new().masked_phone(masked))
    } else {
        reply(&MagicLinkEmailResponse::new().masked_email(masked))
    }
}

/// Sends a message with one link that can be redeemed as a magic link.
pub(crate) fn send_link(call: &mut Call<'_>, outgoing: Outgoing, page: &Url) {
    let token = random::alphanumeric(40);
    let link = MessageLink { link_id: None, url: link_to(page, &token), token: token.clone() };
    call.inbox.deliver(outgoing.message(call, None, vec![link]));
    call.state.links.insert(token, outgoing.challenge);
}

fn verify(call: &mut Call<'_>) -> Answer {
    let body: MagicLinkVerifyRequest = call.body()?;
    let token = body.token.expose().trim();
    let Some(challenge) = call.state.links.get(token).cloned() else {
        let message = "Failed to load the token: it is unknown, expired or was used before";
        return Err(Refusal::new(&TOKEN_EXPIRED, message));
    };
    if challenge.expires_at <= call.now {
        return Err(Refusal::new(&TOKEN_EXPIRED, "The token has expired"));
    }
    let response = flow::complete(call, &challenge)?;
    call.state.links.remove(token);
    reply(&response)
}
