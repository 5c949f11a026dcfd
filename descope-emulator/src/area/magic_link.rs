//! Magic links, and the redeeming of embedded ones.

use descope_api::types::{
    JwtResponse, LoginOptions, MagicLinkEmailResponse, MagicLinkPhoneResponse, MagicLinkSignInRequest,
    MagicLinkSignUpEmailRequest, MagicLinkSignUpPhoneRequest, MagicLinkSignUpWhatsappRequest,
    MagicLinkUpdateEmailRequest, MagicLinkUpdatePhoneRequest, MagicLinkVerifyRequest,
};
use url::Url;

use crate::{
    address::{mask_email, mask_phone},
    admin::inbox::{Channel, MessageLink},
    error::{Refusal, TOKEN_EXPIRED},
    flow::{self, AddressUpdate, Challenge, Link, Outgoing, SignIn, SignUp, link_to, redirect},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::MagicLinkSignUpEmail>(sign_up_email)
        .on::<op::MagicLinkSignUpSms>(sign_up_sms)
        .on::<op::MagicLinkSignUpWhatsapp>(sign_up_whatsapp)
        .on::<op::MagicLinkSignInEmail>(|call, body| sign_in(call, body, Channel::Email, false).map(email))
        .on::<op::MagicLinkSignInSms>(|call, body| sign_in(call, body, Channel::Sms, false).map(phone))
        .on::<op::MagicLinkSignInWhatsapp>(|call, body| sign_in(call, body, Channel::Whatsapp, false).map(phone))
        .on::<op::MagicLinkSignUpOrInEmail>(|call, body| sign_in(call, body, Channel::Email, true).map(email))
        .on::<op::MagicLinkSignUpOrInSms>(|call, body| sign_in(call, body, Channel::Sms, true).map(phone))
        .on::<op::MagicLinkSignUpOrInWhatsapp>(|call, body| sign_in(call, body, Channel::Whatsapp, true).map(phone))
        .on::<op::MagicLinkVerify>(verify)
        .on::<op::MagicLinkUpdateEmail>(update_email)
        // Without a channel in the path it is a text message.
        .on::<op::MagicLinkUpdatePhone>(|call, body| update_phone(call, body, Channel::Sms))
        .on::<op::MagicLinkUpdatePhoneSms>(|call, body| update_phone(call, body, Channel::Sms))
        .on::<op::MagicLinkUpdatePhoneWhatsapp>(|call, body| update_phone(call, body, Channel::Whatsapp));
}

fn email(masked: String) -> MagicLinkEmailResponse {
    MagicLinkEmailResponse::new().masked_email(masked)
}

fn phone(masked: String) -> MagicLinkPhoneResponse {
    MagicLinkPhoneResponse::new().masked_phone(masked)
}

fn sign_up_email(call: &mut Call<'_>, body: MagicLinkSignUpEmailRequest) -> Result<MagicLinkEmailResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.email, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Email)?;
    send(call, outgoing, &page).map(email)
}

fn sign_up_sms(call: &mut Call<'_>, body: MagicLinkSignUpPhoneRequest) -> Result<MagicLinkPhoneResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = SignUp { login_id: body.login_id, address: body.phone, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Sms)?;
    send(call, outgoing, &page).map(phone)
}

fn sign_up_whatsapp(
    call: &mut Call<'_>,
    body: MagicLinkSignUpWhatsappRequest,
) -> Result<MagicLinkPhoneResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    // The number's key follows the method in some clients and is `phone` in the others.
    let address = body.phone.or(body.whatsapp);
    let request = SignUp { login_id: body.login_id, address, user: body.user, options: body.login_options };
    let outgoing = flow::begin_sign_up(call, request, Channel::Whatsapp)?;
    send(call, outgoing, &page).map(phone)
}

fn sign_in(
    call: &mut Call<'_>,
    body: MagicLinkSignInRequest,
    channel: Channel,
    create: bool,
) -> Result<String, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let use_recovery = body.use_recovery == Some(true);
    let options: Option<LoginOptions> = body.login_options;
    let request = SignIn { login_id: body.login_id, options, use_recovery };
    let outgoing = flow::begin_sign_in(call, request, channel, create)?;
    send(call, outgoing, &page)
}

fn update_email(call: &mut Call<'_>, body: MagicLinkUpdateEmailRequest) -> Result<MagicLinkEmailResponse, Refusal> {
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
    send(call, outgoing, &page).map(email)
}

fn update_phone(
    call: &mut Call<'_>,
    body: MagicLinkUpdatePhoneRequest,
    channel: Channel,
) -> Result<MagicLinkPhoneResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let request = AddressUpdate {
        login_id: body.login_id,
        address: body.phone,
        add_to_login_ids: body.add_to_login_ids,
        on_merge_use_existing: body.on_merge_use_existing,
        fail_on_conflict: body.fail_on_conflict,
        mfa: None,
    };
    let outgoing = flow::begin_update(call, request, channel)?;
    send(call, outgoing, &page).map(phone)
}

/// Sends a link, and tells where it goes without telling all of the address.
fn send(call: &mut Call<'_>, outgoing: Outgoing, page: &Url) -> Result<String, Refusal> {
    let masked = if outgoing.channel.is_phone() { mask_phone(&outgoing.to) } else { mask_email(&outgoing.to) };
    send_link(call, outgoing, page)?;
    Ok(masked)
}

/// Sends a message with one link that can be redeemed as a magic link.
pub(super) fn send_link(call: &mut Call<'_>, outgoing: Outgoing, page: &Url) -> Result<(), Refusal> {
    flow::refuse_pkce(&outgoing.challenge.wish)?;
    let token = call.state.ids.alphanumeric(40);
    let link = MessageLink { link_id: None, url: link_to(page, &token), token: token.clone() };
    let message = outgoing.message(call, None, vec![link]);
    call.outbox.push(message);
    call.state.links.insert(&mut call.state.log, Link { token, challenge: outgoing.challenge })?;
    Ok(())
}

fn verify(call: &mut Call<'_>, body: MagicLinkVerifyRequest) -> Result<JwtResponse, Refusal> {
    redeem(call, body.token.expose(), flow::complete)
}

/// Uses a link up, unless what it is for is refused.
pub(super) fn redeem<T>(
    call: &mut Call<'_>,
    token: &str,
    complete: impl FnOnce(&mut Call<'_>, &Challenge) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let token = token.trim();
    let Some(link) = call.state.links.get(token).cloned() else {
        let message = "Failed to load the token: it is unknown, expired or was used before";
        return Err(Refusal::new(&TOKEN_EXPIRED, message));
    };
    if link.challenge.expires_at <= call.now {
        return Err(Refusal::new(&TOKEN_EXPIRED, "The token has expired"));
    }
    let response = complete(call, &link.challenge)?;
    call.state.links.remove(&mut call.state.log, token);
    Ok(response)
}
