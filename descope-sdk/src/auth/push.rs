//! Sign-ins that the user approves on the phone.

use descope_api::{
    Secret,
    types::{PushEnrollDeviceRequest, PushSignInFinishRequest, PushSignInStartRequest},
    vocabulary::{PushDecision, PushProvider},
};
use serde::{Deserialize, Serialize, Serializer};

use super::polled::polled;
use crate::{Descope, Error, ErrorKind, Result, StatusCode, check, raw_error::call, setters::setters};

/// Sign-in by a message to the user's phone, on which the user approves it. From [`Descope::push`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
/// # let refresh_jwt = ada.refresh_jwt().unwrap();
/// // Once, from the phone:
/// descope.push().enroll("fcm", "token of the phone", refresh_jwt).device("Ada's phone").send().await?;
///
/// let pending = descope.push().sign_in("ada@example.com").await?;
/// assert!(pending.check().await?.is_none(), "nobody has approved yet");
/// # let transaction_id = emulator.inbox().next("ada@example.com").await.transaction_id.unwrap();
/// // On the phone, which knows the transaction from the message:
/// descope.push().finish(transaction_id, "approved", refresh_jwt).await?;
/// let ada = pending.wait().await?;
/// # assert!(ada.refresh_jwt().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Push {
    descope: Descope,
}

/// A phone that is to be enrolled. From [`Push::enroll`]; [`send`](Self::send) enrolls it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PushEnroll {
    descope: Descope,
    refresh_jwt: Secret,
    body: PushEnrollDeviceRequest,
}

/// A sign-in that the user has to approve on the phone. [`wait`](Self::wait) or [`check`](Self::check) finish it.
///
/// It serialises to its [state](Self::state), from which [`Push::resume`] makes it again.
#[derive(Clone, Debug)]
pub struct PendingPush {
    descope: Descope,
    state: PendingPushState,
}

/// What has to be kept of a [`PendingPush`] until the user has decided.
///
/// Serialised it holds the pending reference in the clear, and whoever has that gets the session: keep it on the server, or
/// encrypted in a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPushState {
    pending_ref: Secret,
}

impl Push {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Enrolls the phone of a user who is signed in on it: sign-ins elsewhere can be approved there from then on.
    ///
    /// - `provider`: the messaging service, such as `fcm`.
    /// - `token`: the address of the phone at that service.
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/push/update`
    pub fn enroll(
        &self,
        provider: impl Into<PushProvider>,
        token: impl Into<Secret>,
        refresh_jwt: impl Into<Secret>,
    ) -> PushEnroll {
        let body = PushEnrollDeviceRequest::new(provider, token);
        PushEnroll { descope: self.descope.clone(), refresh_jwt: refresh_jwt.into(), body }
    }

    /// Asks the user to approve a sign-in on the enrolled phone.
    ///
    /// `POST /v1/auth/push/signin/start`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank, and nothing was sent; or the user has no
    ///   enrolled phone.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id.
    pub async fn sign_in(&self, login_id: impl Into<String>) -> Result<PendingPush> {
        let body = PushSignInStartRequest::new(login_id);
        check::text("login_id", &body.login_id)?;
        let answer = call!(self.descope.api(), push_sign_in_start, &body)?;
        let pending_ref = answer.body.pending_ref.filter(|reference| !reference.is_empty());
        let missing = || answer.origin.lacks("the answer holds no `pendingRef` to wait with");
        Ok(self.resume(PendingPushState { pending_ref: pending_ref.ok_or_else(missing)? }))
    }

    /// Tells what the user has decided, from the enrolled phone.
    ///
    /// - `transaction_id`: as the message to the phone says.
    /// - `result`: whether the user has approved.
    /// - `refresh_jwt`: the refresh token of the user on the phone.
    ///
    /// `POST /v1/auth/push/signin/finish`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): an argument is empty; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    /// - [`Expired`](crate::ErrorKind::Expired), [`NotFound`](crate::ErrorKind::NotFound): no such sign-in is waiting.
    pub async fn finish(
        &self,
        transaction_id: impl Into<String>,
        result: impl Into<PushDecision>,
        refresh_jwt: impl Into<Secret>,
    ) -> Result<()> {
        let body = PushSignInFinishRequest::new(transaction_id, result);
        check::text("transaction_id", &body.transaction_id)?;
        check::text("result", body.result.as_str())?;
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        call!(api, push_sign_in_finish, &body)?;
        Ok(())
    }

    /// Goes on with a sign-in that began earlier, perhaps in another process.
    pub fn resume(&self, state: PendingPushState) -> PendingPush {
        PendingPush { descope: self.descope.clone(), state }
    }
}

impl PushEnroll {
    setters!(PushEnrollDeviceRequest at body);

    /// Enrolls the phone.
    ///
    /// `POST /v1/auth/push/update`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the provider or one of the tokens is unusable.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    pub async fn send(self) -> Result<()> {
        check::text("provider", self.body.provider.as_str())?;
        check::secret("token", &self.body.token)?;
        let api = self.descope.acting_for("refresh_jwt", &self.refresh_jwt)?;
        call!(api, push_enroll_device, &self.body)?;
        Ok(())
    }
}

polled!(
    PendingPush,
    PushPendingSessionRequest,
    push_pending_session,
    "/v1/auth/push/pending-session",
    "the user has approved the sign-in",
    told
);

/// No code is known by which the service says that the user has not decided yet: 401 with one that means nothing else does.
fn told(error: Error) -> Error {
    let undecided =
        error.status() == Some(StatusCode::UNAUTHORIZED) && error.code().is_some_and(|code| code.kind().is_none());
    if undecided { error.of_kind(ErrorKind::Pending) } else { error }
}

impl PendingPush {
    /// What to keep when the sign-in is finished in another request or another process.
    pub fn state(&self) -> &PendingPushState {
        &self.state
    }
}

impl Serialize for PendingPush {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}
