//! Messages that the user sends.

use descope_api::{
    Secret,
    types::{NotpResponse, NotpSignInRequest, NotpSignUpRequest, NotpUpdatePhoneRequest},
    vocabulary::NotpProvider,
};
use serde::{Deserialize, Serialize, Serializer};

use super::polled::polled;
use crate::{
    Descope, Result, check,
    options::{factor_setters, merge_setter, sign_up_setters},
    raw_error::{Answer, call},
    setters::setters,
};

/// Sign-in by a WhatsApp message that the user sends as it stands: nothing is typed, and nothing is sent to the user. From
/// [`Descope::notp`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let pending = descope.notp().sign_up_or_in().send().await?;
/// println!("On a phone, open {}; on a computer, scan the picture.", pending.redirect_url());
/// # emulator.send_message(pending.redirect_url(), "+15551234567")?;
///
/// let ada = pending.wait().await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Notp {
    descope: Descope,
}

/// A sign-up by a message of the user. From [`Notp::sign_up`]; [`send`](Self::send) makes the message.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct NotpSignUp {
    descope: Descope,
    body: NotpSignUpRequest,
}

/// A sign-in by a message of the user. From [`Notp::sign_in`] or [`Notp::sign_up_or_in`]; [`send`](Self::send) makes the
/// message.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct NotpSignIn {
    descope: Descope,
    or_sign_up: bool,
    refresh_jwt: Option<Secret>,
    body: NotpSignInRequest,
}

/// A change of number by a message of the user. From [`Notp::update`]; [`send`](Self::send) makes the message.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct NotpUpdate {
    descope: Descope,
    refresh_jwt: Secret,
    body: NotpUpdatePhoneRequest,
}

/// A message that the user has to send. [`wait`](Self::wait) or [`check`](Self::check) finish the sign-in.
///
/// It serialises to its [state](Self::state), from which [`Notp::resume`] makes it again.
#[derive(Clone, Debug)]
pub struct PendingMessage {
    descope: Descope,
    state: PendingMessageState,
}

/// What has to be kept of a [`PendingMessage`] until the user has sent it.
///
/// Serialised it holds the pending reference in the clear, and whoever has that gets the session: keep it on the server, or
/// encrypted in a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMessageState {
    pending_ref: Secret,
    redirect_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
}

impl Notp {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Creates the user who sends the message. Without a [`login_id`](NotpSignUp::login_id), the number that it comes from is
    /// the login id.
    ///
    /// `POST /v1/auth/notp/whatsapp/signup`
    pub fn sign_up(&self) -> NotpSignUp {
        NotpSignUp { descope: self.descope.clone(), body: NotpSignUpRequest::new() }
    }

    /// Signs in the user who sends the message. A number that nobody has is refused.
    ///
    /// `POST /v1/auth/notp/whatsapp/signin`
    pub fn sign_in(&self) -> NotpSignIn {
        self.signing_in(false)
    }

    /// Signs in the user who sends the message, and creates them when nobody has the login id yet;
    /// [`Authentication::first_seen`](crate::Authentication::first_seen) tells which of the two it was.
    ///
    /// `POST /v1/auth/notp/whatsapp/signup-in`
    pub fn sign_up_or_in(&self) -> NotpSignIn {
        self.signing_in(true)
    }

    /// Changes the number of a signed-in user to that from which the message comes.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/notp/whatsapp/update`
    pub fn update(&self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> NotpUpdate {
        let body = NotpUpdatePhoneRequest::new(login_id);
        NotpUpdate { descope: self.descope.clone(), refresh_jwt: refresh_jwt.into(), body }
    }

    /// Goes on with a message that was made earlier, perhaps by another process.
    pub fn resume(&self, state: PendingMessageState) -> PendingMessage {
        PendingMessage { descope: self.descope.clone(), state }
    }

    fn signing_in(&self, or_sign_up: bool) -> NotpSignIn {
        let body = NotpSignInRequest::new();
        NotpSignIn { descope: self.descope.clone(), or_sign_up, refresh_jwt: None, body }
    }
}

impl NotpSignUp {
    sign_up_setters!();
    setters!(NotpTemplates at body.templates);
    setters!(NotpSignUpRequest at body);

    /// The number that the message has to come from, in E.164 form such as `+15551234567`. Any will do otherwise.
    pub fn from_phone(mut self, phone: impl Into<String>) -> Self {
        self.body.phone = Some(phone.into());
        self
    }

    /// Makes the message.
    ///
    /// `POST /v1/auth/notp/whatsapp/signup`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank; nothing was sent.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    pub async fn send(self) -> Result<PendingMessage> {
        check::optional_text("login_id", self.body.login_id.as_deref())?;
        check::optional_text("phone", self.body.phone.as_deref())?;
        let api = self.descope.signing_up(self.body.login_options.as_ref())?;
        let answer = call!(api, notp_sign_up, &NotpProvider::WHATSAPP, &self.body)?;
        PendingMessage::read(self.descope, answer)
    }
}

impl NotpSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(NotpTemplates at body.templates);
    setters!(NotpSignInRequest at body);

    /// Makes the message.
    ///
    /// `POST /v1/auth/notp/whatsapp/signin` or `/v1/auth/notp/whatsapp/signup-in`; [`Notp`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank, or a step-up has no refresh token;
    ///   nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id; not after
    ///   [`sign_up_or_in`](Notp::sign_up_or_in).
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token of a step-up has ended.
    pub async fn send(self) -> Result<PendingMessage> {
        let Self { descope, or_sign_up, refresh_jwt, body } = self;
        check::optional_text("login_id", body.login_id.as_deref())?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        let answer = if or_sign_up {
            call!(api, notp_sign_up_or_in, &NotpProvider::WHATSAPP, &body)?
        } else {
            call!(api, notp_sign_in, &NotpProvider::WHATSAPP, &body)?
        };
        PendingMessage::read(descope, answer)
    }
}

impl NotpUpdate {
    merge_setter!();
    setters!(NotpTemplates at body.templates);
    setters!(NotpUpdatePhoneRequest at body);

    /// Makes the message.
    ///
    /// `POST /v1/auth/notp/whatsapp/update`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id, the number or the refresh token is unusable.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    pub async fn send(self) -> Result<PendingMessage> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("phone", body.phone.as_deref())?;
        let api = descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = call!(api, notp_update_phone, &NotpProvider::WHATSAPP, &body)?;
        PendingMessage::read(descope, answer)
    }
}

impl PendingMessage {
    fn read(descope: Descope, Answer { body, origin }: Answer<NotpResponse>) -> Result<Self> {
        match (body.pending_ref.filter(|reference| !reference.is_empty()), body.redirect_url) {
            (Some(pending_ref), Some(redirect_url)) => {
                let state = PendingMessageState { pending_ref, redirect_url, image: body.image };
                Ok(Self { descope, state })
            }
            _ => Err(origin.lacks("the answer holds no `pendingRef` and `redirectUrl` to go on with")),
        }
    }

    /// The URL that opens WhatsApp with the message, on the user's phone.
    pub fn redirect_url(&self) -> &str {
        self.state.redirect_url()
    }

    /// The same URL as a QR code for the phone to scan: a PNG picture in base64.
    pub fn image(&self) -> Option<&str> {
        self.state.image()
    }

    /// What to keep when the sign-in is finished in another request or another process.
    pub fn state(&self) -> &PendingMessageState {
        &self.state
    }
}

polled!(
    PendingMessage,
    NotpPendingSessionRequest,
    notp_pending_session,
    "/v1/auth/notp/pending-session",
    "the user has sent the message"
);

impl Serialize for PendingMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl PendingMessageState {
    /// The URL that opens WhatsApp with the message.
    pub fn redirect_url(&self) -> &str {
        &self.redirect_url
    }

    /// The same URL as a QR code: a PNG picture in base64.
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// What the session is asked for with.
    pub fn pending_ref(&self) -> &Secret {
        &self.pending_ref
    }
}
