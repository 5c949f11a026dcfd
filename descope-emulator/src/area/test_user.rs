//! Test users, whose codes and links are answered instead of being sent.

use descope_api::types::{
    LoginOptions, TestUserGenerateEnchantedLinkRequest, TestUserGenerateEnchantedLinkResponse,
    TestUserGenerateMagicLinkRequest, TestUserGenerateMagicLinkResponse, TestUserGenerateOtpRequest,
    TestUserGenerateOtpResponse, UserCreateRequest, UserResponse,
};

use super::user;
use crate::{
    admin::inbox::Channel,
    error::{INVALID_ARGUMENTS, Refusal},
    flow::{self, Challenge, Code, EnchantedLink, Link, Pending, PendingState, Purpose, link_to, redirect},
    http::{Call, Nothing, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementTestUserCreate>(create)
        .on::<op::ManagementTestUserGenerateOtp>(generate_otp)
        .on::<op::ManagementTestUserGenerateMagicLink>(generate_magic_link)
        .on::<op::ManagementTestUserGenerateEnchantedLink>(generate_enchanted_link)
        .done::<op::ManagementTestUserDeleteAll>(delete_all);
}

/// Creates a test user, or answers the one that is there already.
fn create(call: &mut Call<'_>, body: UserCreateRequest) -> Result<UserResponse, Refusal> {
    match call.state.users.named(&body.login_id) {
        Some(user) if user.test => Ok(UserResponse::new().user(user.to_api(call.state)).created(false)),
        _ => user::create(call, body, true),
    }
}

/// The channel of a delivery method; `Embedded` stands for none in particular.
fn channel(delivery_method: &str) -> Result<Option<Channel>, Refusal> {
    let channels = [Channel::Email, Channel::Sms, Channel::Voice, Channel::Whatsapp, Channel::Im];
    if delivery_method.eq_ignore_ascii_case("embedded") {
        return Ok(None);
    }
    channels.into_iter().find(|channel| delivery_method.eq_ignore_ascii_case(channel.as_str())).map(Some).ok_or_else(
        || {
            let message = format!(
                "The deliveryMethod field cannot be {delivery_method:?}; it is email, sms, voice, whatsapp, im or Embedded"
            );
            Refusal::new(&INVALID_ARGUMENTS, message)
        },
    )
}

fn challenge(
    call: &Call<'_>,
    login_id: String,
    channel: Option<Channel>,
    options: Option<LoginOptions>,
) -> Result<Challenge, Refusal> {
    let user = call.state.users.find(&login_id).ok_or_else(user::not_found)?;
    if !user.test {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The user is not a test user"));
    }
    let wish = flow::wish_for(call, user, options)?;
    let purpose = Purpose::SignIn { user_id: user.id.clone() };
    Ok(Challenge { purpose, login_id, channel, wish, expires_at: call.now + call.state.settings.sent_seconds })
}

fn generate_otp(call: &mut Call<'_>, body: TestUserGenerateOtpRequest) -> Result<TestUserGenerateOtpResponse, Refusal> {
    let channel = channel(&body.delivery_method)?;
    let challenge = challenge(call, body.login_id.clone(), channel, body.login_options)?;
    let (id, digits) = (call.state.ids.id("C"), call.state.ids.code());
    let code = Code { id, digits: digits.clone(), challenge, generated: true, wrong_attempts: 0 };
    call.state.codes.insert(&mut call.state.log, code)?;
    Ok(TestUserGenerateOtpResponse::new().code(digits).login_id(body.login_id))
}

fn generate_magic_link(
    call: &mut Call<'_>,
    body: TestUserGenerateMagicLinkRequest,
) -> Result<TestUserGenerateMagicLinkResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let channel = channel(&body.delivery_method)?;
    let challenge = challenge(call, body.login_id.clone(), channel, body.login_options)?;
    let token = call.state.ids.alphanumeric(40);
    let link = link_to(&page, &token);
    call.state.links.insert(&mut call.state.log, Link { token, challenge })?;
    Ok(TestUserGenerateMagicLinkResponse::new().link(link).login_id(body.login_id))
}

fn generate_enchanted_link(
    call: &mut Call<'_>,
    body: TestUserGenerateEnchantedLinkRequest,
) -> Result<TestUserGenerateEnchantedLinkResponse, Refusal> {
    let page = redirect(body.redirect_url, body.uri)?;
    let challenge = challenge(call, body.login_id.clone(), Some(Channel::Email), body.login_options)?;
    let (token, pending_ref) = (call.state.ids.alphanumeric(40), call.state.ids.alphanumeric(32));
    let link = link_to(&page, &token);
    let expires_at = challenge.expires_at;
    let entry = EnchantedLink { token, pending_ref: pending_ref.clone(), right: true, expires_at };
    call.state.enchanted.insert(&mut call.state.log, entry)?;
    let pending = Pending { pending_ref: pending_ref.clone(), challenge, state: PendingState::Waiting };
    call.state.pending.insert(&mut call.state.log, pending)?;
    Ok(TestUserGenerateEnchantedLinkResponse::new().link(link).login_id(body.login_id).pending_ref(pending_ref))
}

fn delete_all(call: &mut Call<'_>, _: Nothing) -> Result<(), Refusal> {
    let ids: Vec<String> = call.state.users.iter().filter(|user| user.test).map(|user| user.id.clone()).collect();
    for id in ids {
        call.state.remove_user(&id);
    }
    Ok(())
}
