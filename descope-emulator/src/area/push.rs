//! Sign-in that is approved on another device of the user's. The push message goes to the inbox.

use descope_api::types::{
    JwtResponse, PushEnrollDeviceRequest, PushPendingSessionRequest, PushSignInFinishRequest, PushSignInPending,
    PushSignInStartRequest,
};
use serde::{Deserialize, Serialize};

use super::some;
use crate::{
    admin::inbox::{Channel, Message},
    error::{INVALID_ARGUMENTS, LINK_EXPIRED, PENDING, Refusal, TOKEN_EXPIRED, USER_NOT_FOUND},
    flow::{self, SessionWish, token},
    http::{Call, Table, op},
    world::Record,
};

/// A phone that can approve sign-ins.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PushDevice {
    provider: String,
    token: String,
    name: String,
}

impl std::fmt::Debug for PushDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushDevice").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Progress {
    Waiting,
    Approved,
    Denied,
}

/// A sign-in that waits for the user's decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PushRecord {
    transaction_id: String,
    pending_ref: String,
    user_id: String,
    progress: Progress,
    expires_at: i64,
}

impl Record for PushRecord {
    fn id(&self) -> &str {
        &self.transaction_id
    }

    fn names(&self) -> Vec<String> {
        vec![self.pending_ref.clone()]
    }

    fn owners(&self) -> Vec<String> {
        vec![self.user_id.clone()]
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .done::<op::PushEnrollDevice>(enroll)
        .on::<op::PushSignInStart>(start)
        .done::<op::PushSignInFinish>(finish)
        .on::<op::PushPendingSession>(pending_session);
}

/// A phone that is enrolled once more has a new token from then on.
fn enroll(call: &mut Call<'_>, body: PushEnrollDeviceRequest) -> Result<(), Refusal> {
    let provider = body.provider.as_str().to_owned();
    if provider != "fcm" {
        return Err(Refusal::invalid(format!("There is no messaging service {provider:?}; there is fcm")));
    }
    let token = some(Some(body.token.expose().to_owned())).ok_or_else(|| Refusal::required("token"))?;
    let device = PushDevice { provider, token, name: body.device.unwrap_or_default() };
    let user_id = call.user()?.id.clone();
    call.state.users.update(&mut call.state.log, &user_id, |user| {
        let same =
            |known: &PushDevice| known.token == device.token || (!device.name.is_empty() && known.name == device.name);
        user.push_devices.retain(|known| !same(known));
        user.push_devices.push(device);
    });
    Ok(())
}

fn start(call: &mut Call<'_>, body: PushSignInStartRequest) -> Result<PushSignInPending, Refusal> {
    let user = call.state.users.named(&body.login_id);
    let user = user.ok_or_else(|| Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"))?;
    token::refuse_disabled(Some(user))?;
    if user.push_devices.is_empty() {
        return Err(Refusal::invalid("The user has no phone enrolled for push sign-in"));
    }
    let user_id = user.id.clone();
    let record = PushRecord {
        transaction_id: call.state.ids.alphanumeric(27),
        pending_ref: call.state.ids.alphanumeric(32),
        user_id,
        progress: Progress::Waiting,
        expires_at: call.now + call.state.settings.sent_seconds,
    };
    call.outbox.push(Message {
        id: 0,
        to: body.login_id.clone(),
        channel: Channel::Push,
        operation: call.operation.id.to_owned(),
        code: None,
        transaction_id: Some(record.transaction_id.clone()),
        links: Vec::new(),
        login_id: body.login_id,
        sent_at: call.now,
    });
    let answer = PushSignInPending::new().pending_ref(record.pending_ref.as_str());
    call.state.push.insert(&mut call.state.log, record)?;
    Ok(answer)
}

fn finish(call: &mut Call<'_>, body: PushSignInFinishRequest) -> Result<(), Refusal> {
    let user_id = call.user()?.id.clone();
    let known = call.state.push.get(body.transaction_id.trim());
    let open = known.filter(|record| record.expires_at > call.now && record.progress == Progress::Waiting);
    let refuse = || Refusal::new(&TOKEN_EXPIRED, "The transaction is unknown, expired or was decided before");
    let record = open.ok_or_else(refuse)?;
    if record.user_id != user_id {
        return Err(
            Refusal::new(&INVALID_ARGUMENTS, "The sign-in is that of another user").status(http::StatusCode::FORBIDDEN)
        );
    }
    let progress = match body.result.as_str() {
        "approved" => Progress::Approved,
        "denied" => Progress::Denied,
        other => return Err(Refusal::invalid(format!("The result field is approved or denied, not {other:?}"))),
    };
    let (id, expires_at) = (record.transaction_id.clone(), call.now + call.state.settings.sent_seconds);
    call.state.push.update(&mut call.state.log, &id, |record| {
        record.progress = progress;
        record.expires_at = expires_at;
    });
    Ok(())
}

fn pending_session(call: &mut Call<'_>, body: PushPendingSessionRequest) -> Result<JwtResponse, Refusal> {
    let known = call.state.push.named(body.pending_ref.expose().trim());
    let known = known.filter(|record| record.expires_at > call.now).cloned();
    let over = |why: &str| Refusal::new(&LINK_EXPIRED, why);
    let record = known.ok_or_else(|| over("The sign-in is unknown, expired or its session was fetched"))?;
    match record.progress {
        Progress::Waiting => return Err(Refusal::new(&PENDING, "The user has not decided yet")),
        Progress::Denied => return Err(over("The user has denied the sign-in")),
        Progress::Approved => {}
    }
    let session = flow::sign_in(call, &record.user_id, &SessionWish::default(), "push")?;
    call.state.push.remove(&mut call.state.log, &record.transaction_id);
    Ok(session)
}
