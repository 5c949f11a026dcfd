//! Test users, whose codes and links are answered instead of being sent.

use descope_api::types::{
    LoginOptions, TestUserGenerateEnchantedLinkRequest, TestUserGenerateEnchantedLinkResponse,
    TestUserGenerateMagicLinkRequest, TestUserGenerateMagicLinkResponse, TestUserGenerateOtpRequest,
    TestUserGenerateOtpResponse,
};

use super::user;
use crate::{
    error::{INVALID_ARGUMENTS, Refusal},
    flow::{self, SENT_SECONDS},
    handler::{Answer, Call, Table, empty, reply},
    inbox::Channel,
    random,
    routes::auth::{link_to, redirect},
    state::{Challenge, Code, EnchantedToken, Pending, PendingState, Purpose},
};

pub(super) fn register(table: &mut Table) {
    table.add("managementTestUserCreate", |call| user::create(call, true));
    table.add("managementTestUserGenerateOtp", generate_otp);
    table.add("managementTestUserGenerateMagicLink", generate_magic_link);
    table.add("managementTestUserGenerateEnchantedLink", generate_enchanted_link);
    table.add("managementTestUserDeleteAll", delete_all);
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
    Ok(Challenge { purpose, login_id, channel, wish, expires_at: call.now + SENT_SECONDS })
}

fn generate_otp(call: &mut Call<'_>) -> Answer {
    let body: TestUserGenerateOtpRequest = call.body()?;
    let channel = channel(&body.delivery_method)?;
    let challenge = challenge(call, body.login_id.clone(), channel, body.login_options)?;
    let digits = random::code();
    call.state.codes.push(Code { digits: digits.clone(), challenge, generated: true, wrong_attempts: 0 });
    reply(&TestUserGenerateOtpResponse::new().code(digits).login_id(body.login_id))
}

fn generate_magic_link(call: &mut Call<'_>) -> Answer {
    let body: TestUserGenerateMagicLinkRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let channel = channel(&body.delivery_method)?;
    let challenge = challenge(call, body.login_id.clone(), channel, body.login_options)?;
    let token = random::alphanumeric(40);
    let link = link_to(&page, &token);
    call.state.links.insert(token, challenge);
    reply(&TestUserGenerateMagicLinkResponse::new().link(link).login_id(body.login_id))
}

fn generate_enchanted_link(call: &mut Call<'_>) -> Answer {
    let body: TestUserGenerateEnchantedLinkRequest = call.body()?;
    let page = redirect(body.redirect_url, body.uri)?;
    let challenge = challenge(call, body.login_id.clone(), Some(Channel::Email), body.login_options)?;
    let (token, pending_ref) = (random::alphanumeric(40), random::alphanumeric(32));
    let link = link_to(&page, &token);
    let entry = EnchantedToken { pending_ref: pending_ref.clone(), right: true };
    call.state.enchanted.insert(token, entry);
    call.state.pending.insert(pending_ref.clone(), Pending { challenge, state: PendingState::Waiting });
    reply(&TestUserGenerateEnchantedLinkResponse::new().link(link).login_id(body.login_id).pending_ref(pending_ref))
}

fn delete_all(call: &mut Call<'_>) -> Answer {
    let ids: Vec<String> = call.state.users.iter().filter(|user| user.test).map(|user| user.id.clone()).collect();
    for id in ids {
        call.state.remove_user(&id);
    }
    empty()
}
