//! Asking for a code.

use descope_api::{
    Secret,
    types::{OtpEmailResponse, OtpPhoneResponse, OtpSignInRequest, OtpSignUpPhoneRequest, OtpUpdateEmailRequest},
};

use super::{OtpChannel, PendingCode, PendingCodeState};
use crate::{
    DeliveryMethod, Result, check,
    options::{factor_setters, merge_setter, own_address, same, sign_up_setters},
    raw_error::{Answer, call},
    setters::setters,
};

/// A sign-up by one-time code. From [`OtpChannel::sign_up`]; [`send`](Self::send) sends the code.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OtpSignUp {
    channel: OtpChannel,
    address: Option<String>,
    body: OtpSignUpPhoneRequest,
}

/// A sign-in by one-time code. From [`OtpChannel::sign_in`] or [`OtpChannel::sign_up_or_in`];
/// [`send`](Self::send) sends the code.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OtpSignIn {
    channel: OtpChannel,
    or_sign_up: bool,
    refresh_jwt: Option<Secret>,
    body: OtpSignInRequest,
}

/// A change of address by one-time code. From [`OtpChannel::update`]; [`send`](Self::send) sends the code.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OtpUpdate {
    channel: OtpChannel,
    refresh_jwt: Secret,
    body: OtpUpdateEmailRequest,
}

impl OtpSignUp {
    pub(super) fn new(channel: OtpChannel) -> Self {
        let body = OtpSignUpPhoneRequest::new(channel.login_id.as_str());
        Self { channel, address: None, body }
    }

    sign_up_setters!();
    setters!(OtpSignUpPhoneRequest at body);

    /// The email address or phone number to send the code to: that of the user otherwise, or the login id.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Creates the user and sends the code.
    ///
    /// `POST /v1/auth/otp/signup/{method}`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let pending = descope
    ///     .otp()
    ///     .email("ada@example.com")
    ///     .sign_up()
    ///     .name("Ada Lovelace")
    ///     .custom_claim("campaign", "spring")
    ///     .send()
    ///     .await?;
    /// # assert!(pending.masked_address().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or address is blank.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<PendingCode> {
        let Self { channel, address, mut body } = self;
        check::text("login_id", &channel.login_id)?;
        let api = channel.descope.signing_up(body.login_options.as_ref())?.clone();
        let user = body.user.get_or_insert_default();
        if channel.method == DeliveryMethod::Email {
            let address = own_address(address, "email", &mut user.email, &channel.login_id)?;
            let login_id = channel.login_id.as_str();
            let mut body = same!(OtpSignUpEmailRequest::new(login_id) from body, user, login_options, provider_id);
            body.email = Some(address);
            return Ok(channel.sent(call!(api, otp_sign_up_email, &body)?));
        }
        let address = own_address(address, "phone", &mut user.phone, &channel.login_id)?;
        // The number's member is named after the channel on WhatsApp alone.
        let number = match channel.method {
            DeliveryMethod::Whatsapp => &mut body.whatsapp,
            _ => &mut body.phone,
        };
        *number = Some(address);
        let sent = match channel.method {
            DeliveryMethod::Voice => call!(api, otp_sign_up_voice, &body),
            DeliveryMethod::Whatsapp => call!(api, otp_sign_up_whatsapp, &body),
            DeliveryMethod::Im => call!(api, otp_sign_up_im, &body),
            DeliveryMethod::Sms | DeliveryMethod::Email => call!(api, otp_sign_up_sms, &body),
        }?;
        Ok(channel.sent(sent))
    }
}

impl OtpSignIn {
    pub(super) fn new(channel: OtpChannel, or_sign_up: bool) -> Self {
        let body = OtpSignInRequest::new(channel.login_id.as_str());
        Self { channel, or_sign_up, refresh_jwt: None, body }
    }

    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(OtpSignInRequest at body);

    /// Sends the code.
    ///
    /// `POST /v1/auth/otp/signin/{method}` or `/v1/auth/otp/signup-in/{method}`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// // Before a payment, ask a signed-in user for a code once more.
    /// let pending = descope.otp().email("ada@example.com").sign_in().step_up(refresh_jwt).send().await?;
    /// # pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank, or the refresh token of a
    ///   step-up is not a token.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id; not after
    ///   [`sign_up_or_in`](OtpChannel::sign_up_or_in).
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<PendingCode> {
        let Self { channel, or_sign_up, refresh_jwt, body } = self;
        check::text("login_id", &channel.login_id)?;
        let api = channel.descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        let sent = match (channel.method, or_sign_up) {
            (DeliveryMethod::Email, false) => call!(api, otp_sign_in_email, &body)?.into(),
            (DeliveryMethod::Sms, false) => call!(api, otp_sign_in_sms, &body)?.into(),
            (DeliveryMethod::Voice, false) => call!(api, otp_sign_in_voice, &body)?.into(),
            (DeliveryMethod::Whatsapp, false) => call!(api, otp_sign_in_whatsapp, &body)?.into(),
            (DeliveryMethod::Im, false) => call!(api, otp_sign_in_im, &body)?.into(),
            (DeliveryMethod::Email, true) => call!(api, otp_sign_up_or_in_email, &body)?.into(),
            (DeliveryMethod::Sms, true) => call!(api, otp_sign_up_or_in_sms, &body)?.into(),
            (DeliveryMethod::Voice, true) => call!(api, otp_sign_up_or_in_voice, &body)?.into(),
            (DeliveryMethod::Whatsapp, true) => call!(api, otp_sign_up_or_in_whatsapp, &body)?.into(),
            (DeliveryMethod::Im, true) => call!(api, otp_sign_up_or_in_im, &body)?.into(),
        };
        Ok(channel.sent::<Sent>(sent))
    }
}

impl OtpUpdate {
    pub(super) fn new(channel: OtpChannel, login_id: String, refresh_jwt: Secret) -> Self {
        let body = OtpUpdateEmailRequest::new(login_id, channel.login_id.as_str());
        Self { channel, refresh_jwt, body }
    }

    merge_setter!();
    setters!(OtpUpdateEmailRequest at body);

    /// Sends the code to the new address or number. The change is made when it has been verified.
    ///
    /// `POST /v1/auth/otp/update/email` or `/v1/auth/otp/update/phone/{method}`; [`OtpChannel::update`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): a login id, the address or the refresh token is
    ///   unusable.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists): somebody else has the address and
    ///   [`fail_on_conflict`](Self::fail_on_conflict) is set.
    pub async fn send(self) -> Result<PendingCode> {
        let Self { mut channel, refresh_jwt, body } = self;
        check::text("address", &body.email)?;
        check::text("login_id", &body.login_id)?;
        let api = channel.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        // The code is verified under the login id that the user has until then.
        channel.login_id.clone_from(&body.login_id);
        if channel.method == DeliveryMethod::Email {
            let sent = call!(api, otp_update_email, &body)?;
            return Ok(channel.sent(sent));
        }
        let body = same!(
            OtpUpdatePhoneRequest::new(body.login_id, body.email) from body,
            add_to_login_ids, on_merge_use_existing, fail_on_conflict, provider_id, template_id, template_options, locale, mfa,
        );
        let sent = match channel.method {
            DeliveryMethod::Voice => call!(api, otp_update_phone_voice, &body),
            DeliveryMethod::Whatsapp => call!(api, otp_update_phone_whatsapp, &body),
            DeliveryMethod::Im => call!(api, otp_update_phone_im, &body),
            DeliveryMethod::Sms | DeliveryMethod::Email => call!(api, otp_update_phone_sms, &body),
        }?;
        Ok(channel.sent(sent))
    }
}

/// Where a code went, whatever the channel.
struct Sent {
    masked_address: Option<String>,
    attempts: Option<i64>,
}

impl From<Answer<OtpEmailResponse>> for Sent {
    fn from(answer: Answer<OtpEmailResponse>) -> Self {
        let answer = answer.body;
        Self { masked_address: answer.masked_email, attempts: answer.verification_attempts }
    }
}

impl From<Answer<OtpPhoneResponse>> for Sent {
    fn from(answer: Answer<OtpPhoneResponse>) -> Self {
        let answer = answer.body;
        Self { masked_address: answer.masked_phone, attempts: answer.verification_attempts }
    }
}

impl OtpChannel {
    fn sent<S: Into<Sent>>(self, sent: S) -> PendingCode {
        let Sent { masked_address, attempts } = sent.into();
        let state = PendingCodeState::new(self.method, self.login_id, masked_address, attempts);
        PendingCode::new(self.descope, state)
    }
}
