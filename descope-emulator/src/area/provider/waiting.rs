//! Requests that the user decides on another device, while the application polls.

use descope_api::types::{InboundAppBackchannelResponse, OauthDeviceResponse};

use super::{
    Params, Place, claims,
    client::{self, Client},
    grant,
    request::{Approval, Decision, How, RequestRecord},
};
use crate::{
    admin::inbox::{Channel, Message, MessageLink},
    error::{NOT_EMULATED, Refusal},
    http::{Call, Reply},
};

/// How long a device waits for its user, in seconds.
const DEVICE: i64 = 1800;
/// How long a backchannel request waits where nothing says otherwise, in seconds.
const BACKCHANNEL: i64 = 120;
/// How long to wait between two polls, in seconds.
const INTERVAL: i64 = 5;
/// The letters of user codes: no vowels, which could make words, and nothing that looks like something else (RFC 8628
/// section 6.1).
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Gives a device a code to show.
pub(super) fn device(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let client = client::of_device(call, place, params)?;
    if !client.allows("device_code") {
        return Err(Refusal::oauth("unauthorized_client", "The application may not use device codes"));
    }
    let user_code = user_code(call);
    let request = waiting(call, place, &client, params, How::Device { user_code: user_code.clone() }, DEVICE)?;
    let page = format!("{}/_emulator/device", call.origin());
    let mut answer = OauthDeviceResponse::new()
        .user_code(user_code.as_str())
        .verification_uri(page.as_str())
        .verification_uri_complete(format!("{page}?user_code={user_code}"))
        .expires_in(DEVICE)
        .interval(INTERVAL);
    answer.device_code = Some(request.id.clone().into());
    call.state.provider_requests.insert(&mut call.state.log, request)?;
    grant::reply(&answer)
}

/// A code of eight letters that no other device shows.
fn user_code(call: &mut Call<'_>) -> String {
    loop {
        let mut code = String::new();
        for place in 0..8 {
            if place == 4 {
                code.push('-');
            }
            let letter = LETTERS.get(call.state.ids.below(LETTERS.len())).copied().unwrap_or(b'B');
            code.push(char::from(letter));
        }
        if call.state.provider_requests.named(&code).is_none() {
            return code;
        }
    }
}

fn waiting(
    call: &mut Call<'_>,
    place: &Place,
    client: &Client,
    params: &Params,
    how: How,
    seconds: i64,
) -> Result<RequestRecord, Refusal> {
    if params.text("dpop_jkt").is_some() {
        return Err(Refusal::new(&NOT_EMULATED, "The emulator does not bind tokens by DPoP; leave dpop_jkt out"));
    }
    Ok(RequestRecord {
        id: call.state.ids.alphanumeric(40),
        how,
        place: place.clone(),
        app_id: client.id.clone(),
        scopes: client.asked_scopes(params.text("scope"), true)?,
        audience: client.audience(&call.project.id, params.text("audience"), &[])?,
        interval: INTERVAL,
        expires_at: call.now + seconds,
        ..RequestRecord::default()
    })
}

/// Has a user asked on another device. The message goes to the inbox, with the address of the page that decides.
pub(super) fn backchannel(call: &mut Call<'_>, place: &Place, params: &Params) -> Result<Reply, Refusal> {
    let client = client::authenticate(call, place, params)?;
    if !client.allows("ciba") {
        return Err(Refusal::oauth("unauthorized_client", "The application may not ask users on another device"));
    }
    let login_id = params.required("login_hint")?;
    let user = call.state.users.named(login_id).cloned();
    let user = user.ok_or_else(|| Refusal::oauth("unknown_user_id", "The login_hint names no user"))?;
    claims::refuse_user(&client, &user, None)?;
    let seconds = match params.number("requested_expiry") {
        Some(seconds) if !(1..=86_400).contains(&seconds) => {
            return Err(Refusal::oauth("invalid_request", "The requested_expiry is in seconds, up to a day"));
        }
        Some(seconds) => seconds,
        None => client.backchannel_seconds().unwrap_or(BACKCHANNEL),
    };
    let how = How::Backchannel {
        user_id: user.id.clone(),
        binding_message: params.owned("binding_message").unwrap_or_default(),
    };
    let request = waiting(call, place, &client, params, how, seconds)?;
    let page = format!("{}/_emulator/backchannel?project={}&t={}", call.origin(), call.project.id, request.id);
    let (channel, to) = match (&user.profile.email, &user.profile.phone) {
        (Some(email), _) => (Channel::Email, email.clone()),
        (None, Some(phone)) => (Channel::Sms, phone.clone()),
        (None, None) => (Channel::Email, login_id.to_owned()),
    };
    call.outbox.push(Message {
        transaction_id: None,
        id: 0,
        to,
        channel,
        operation: call.operation.id.to_owned(),
        code: None,
        links: vec![MessageLink { link_id: None, url: page, token: request.id.clone() }],
        login_id: login_id.to_owned(),
        sent_at: call.now,
    });
    let mut answer = InboundAppBackchannelResponse::new().expires_in(seconds).interval(INTERVAL);
    answer.auth_req_id = Some(request.id.clone().into());
    call.state.provider_requests.insert(&mut call.state.log, request)?;
    grant::reply(&answer)
}

/// What has become of a request that a client polls for. A poll that comes too early is refused, and makes the client wait
/// longer from then on.
pub(super) fn poll(
    call: &mut Call<'_>,
    client: &Client,
    id: &str,
    by_device: bool,
) -> Result<(RequestRecord, Approval), Refusal> {
    let fits = |request: &&RequestRecord| {
        let same_kind = match request.how {
            How::Device { .. } => by_device,
            How::Backchannel { .. } => !by_device,
            How::Browser | How::Pushed => false,
        };
        same_kind && request.app_id == client.id && request.grant_id.is_none()
    };
    let known = call.state.provider_requests.get(id).filter(fits).cloned();
    let request = known.ok_or_else(|| Refusal::oauth("invalid_grant", "The code is unknown or was used before"))?;
    if request.expires_at <= call.now {
        return Err(Refusal::oauth("expired_token", "The user has not decided in time"));
    }
    let now = call.now;
    let early = now < request.next_poll;
    call.state.provider_requests.update_quietly(&mut call.state.log, id, |request| {
        request.interval += if early { INTERVAL } else { 0 };
        request.next_poll = now + request.interval;
    });
    match &request.decision {
        _ if early => Err(Refusal::oauth("slow_down", "The client polls too often").counted()),
        Decision::Pending => Err(Refusal::oauth("authorization_pending", "The user has not decided yet").counted()),
        Decision::Refused => Err(Refusal::oauth("access_denied", "The user has refused").counted()),
        Decision::Approved(approval) => Ok((request.clone(), approval.clone())),
    }
}
