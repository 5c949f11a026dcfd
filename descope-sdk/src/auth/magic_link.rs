//! Links that sign the user in where they are clicked.

use descope_api::{
    Secret,
    types::{
        MagicLinkEmailResponse, MagicLinkPhoneResponse, MagicLinkSignInRequest, MagicLinkSignUpWhatsappRequest,
        MagicLinkUpdateEmailRequest, MagicLinkVerifyRequest,
    },
};

use crate::{
    Authentication, Descope, Result,
    auth::callback,
    check,
    options::{factor_setters, merge_setter, own_address, same, sign_up_setters},
    raw_error::{Answer, call},
    setters::setters,
};

/// Sign-in by a link. From [`Descope::magic_link`].
///
/// The message holds one link to a page of yours; the page hands its query parameter `t` to
/// [`verify`](Self::verify), and the user is signed in there.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let inbox = emulator.inbox();
/// let sent = descope
///     .magic_link()
///     .email("ada@example.com")
///     .sign_up_or_in()
///     .redirect_url("https://app.example.com/verify")
///     .send()
///     .await?;
/// println!("We have sent a link to {}", sent.masked_address().unwrap_or("you"));
/// # let token = inbox.next("ada@example.com").await.links[0].token.clone();
///
/// // On https://app.example.com/verify?t=...
/// let ada = descope.magic_link().verify(token).await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MagicLink {
    descope: Descope,
}

/// Links that go to one user over one channel. From [`MagicLink::email`] or [`MagicLink::sms`].
#[derive(Clone, Debug)]
pub struct MagicLinkChannel {
    descope: Descope,
    by: Channel,
    login_id: String,
}

/// The ways by which links are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Email,
    Sms,
    Whatsapp,
}

/// A sign-up by magic link. From [`MagicLinkChannel::sign_up`]; [`send`](Self::send) sends the link.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct MagicLinkSignUp {
    channel: MagicLinkChannel,
    address: Option<String>,
    body: MagicLinkSignUpWhatsappRequest,
}

/// A sign-in by magic link. From [`MagicLinkChannel::sign_in`] or [`MagicLinkChannel::sign_up_or_in`];
/// [`send`](Self::send) sends the link.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct MagicLinkSignIn {
    channel: MagicLinkChannel,
    or_sign_up: bool,
    refresh_jwt: Option<Secret>,
    body: MagicLinkSignInRequest,
}

/// A change of address by magic link. From [`MagicLinkChannel::update`]; [`send`](Self::send) sends the link.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct MagicLinkUpdate {
    channel: MagicLinkChannel,
    refresh_jwt: Secret,
    body: MagicLinkUpdateEmailRequest,
}

/// A link that is on its way. Nothing has to be kept of it: the link itself carries all that
/// [`MagicLink::verify`] needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLink {
    masked_address: Option<String>,
}

impl SentLink {
    pub(super) fn new(masked_address: Option<String>) -> Self {
        Self { masked_address }
    }

    /// Where the link went, with most of it hidden. Fit to be shown.
    pub fn masked_address(&self) -> Option<&str> {
        self.masked_address.as_deref()
    }
}

impl MagicLink {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Links by email. `login_id` is the name under which the user signs in, mostly the address itself.
    pub fn email(&self, login_id: impl Into<String>) -> MagicLinkChannel {
        self.channel(Channel::Email, login_id)
    }

    /// Links by text message. `login_id` is mostly the number itself, in E.164 form such as `+15551234567`.
    pub fn sms(&self, login_id: impl Into<String>) -> MagicLinkChannel {
        self.channel(Channel::Sms, login_id)
    }

    /// Links by WhatsApp. `login_id` is mostly the number itself, in E.164 form.
    pub fn whatsapp(&self, login_id: impl Into<String>) -> MagicLinkChannel {
        self.channel(Channel::Whatsapp, login_id)
    }

    fn channel(&self, by: Channel, login_id: impl Into<String>) -> MagicLinkChannel {
        MagicLinkChannel { descope: self.descope.clone(), by, login_id: login_id.into() }
    }

    /// Signs the user in with the link that was clicked. Also redeems the tokens of
    /// [embedded links](crate::management::embedded_link::EmbeddedLinks).
    ///
    /// - `token`: the token of the link, its query parameter `t`, or the whole URL of the page that the link led to.
    ///
    /// A link works once.
    ///
    /// `POST /v1/auth/magiclink/verify`; [`MagicLink`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the token is empty, or the URL has none; nothing was sent.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062504`, `E063010`): the link is too old or was used before.
    /// - [`Decode`](crate::ErrorKind::Decode): the answer holds no session.
    pub async fn verify(&self, token: impl Into<Secret>) -> Result<Authentication> {
        let token = callback::token(token.into())?;
        let answer = call!(self.descope.api(), magic_link_verify, &MagicLinkVerifyRequest::new(token))?;
        Authentication::read(answer, self.descope.token_names())
    }
}

impl MagicLinkChannel {
    /// Creates the user and sends a link. A login id that somebody has already is refused.
    ///
    /// `POST /v1/auth/magiclink/signup/{email|sms|whatsapp}`
    pub fn sign_up(self) -> MagicLinkSignUp {
        let body = MagicLinkSignUpWhatsappRequest::new(self.login_id.as_str());
        MagicLinkSignUp { channel: self, address: None, body }
    }

    /// Sends a link to an existing user. A login id that nobody has is refused.
    ///
    /// `POST /v1/auth/magiclink/signin/{email|sms|whatsapp}`
    pub fn sign_in(self) -> MagicLinkSignIn {
        self.signing_in(false)
    }

    /// Sends a link; the user is created when nobody has the login id yet.
    /// [`Authentication::first_seen`] tells which of the two it was.
    ///
    /// `POST /v1/auth/magiclink/signup-in/{email|sms|whatsapp}`
    pub fn sign_up_or_in(self) -> MagicLinkSignIn {
        self.signing_in(true)
    }

    /// Changes the address or number of a signed-in user to that of this channel, once the link that is sent there has
    /// been verified.
    ///
    /// - `login_id`: the name under which the user signs in now.
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/magiclink/update/email` or `/v1/auth/magiclink/update/phone/{sms|whatsapp}`
    pub fn update(self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> MagicLinkUpdate {
        let body = MagicLinkUpdateEmailRequest::new(login_id, self.login_id.as_str());
        MagicLinkUpdate { channel: self, refresh_jwt: refresh_jwt.into(), body }
    }

    fn signing_in(self, or_sign_up: bool) -> MagicLinkSignIn {
        let body = MagicLinkSignInRequest::new(self.login_id.as_str());
        MagicLinkSignIn { channel: self, or_sign_up, refresh_jwt: None, body }
    }
}

impl MagicLinkSignUp {
    sign_up_setters!();
    setters!(MagicLinkSignUpWhatsappRequest at body);

    /// The email address or phone number to send the link to: that of the user otherwise, or the login id.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Creates the user and sends the link.
    ///
    /// `POST /v1/auth/magiclink/signup/{email|sms|whatsapp}`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// descope
    ///     .magic_link()
    ///     .email("ada@example.com")
    ///     .sign_up()
    ///     .name("Ada Lovelace")
    ///     .redirect_url("https://app.example.com/verify")
    ///     .send()
    ///     .await?;
    /// # let token = inbox.next("ada@example.com").await.links[0].token.clone();
    /// let ada = descope.magic_link().verify(token).await?;
    /// # assert!(ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id, address or redirect URL is blank.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<SentLink> {
        let Self { channel, address, mut body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let login_id = channel.login_id;
        let api = channel.descope.signing_up(body.login_options.as_ref())?;
        let user = body.user.get_or_insert_default();
        if channel.by == Channel::Email {
            let address = own_address(address, "email", &mut user.email, &login_id)?;
            let mut body = same!(
                MagicLinkSignUpEmailRequest::new(login_id) from body,
                user, login_options, provider_id, redirect_url,
            );
            body.email = Some(address);
            return Ok(call!(api, magic_link_sign_up_email, &body)?.into());
        }
        let address = own_address(address, "phone", &mut user.phone, &login_id)?;
        if channel.by == Channel::Whatsapp {
            body.whatsapp = Some(address);
            return Ok(call!(api, magic_link_sign_up_whatsapp, &body)?.into());
        }
        let mut body = same!(
            MagicLinkSignUpPhoneRequest::new(login_id) from body,
            user, login_options, provider_id, redirect_url,
        );
        body.phone = Some(address);
        Ok(call!(api, magic_link_sign_up_sms, &body)?.into())
    }
}

impl MagicLinkSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(MagicLinkSignInRequest at body);

    /// Sends the link.
    ///
    /// `POST /v1/auth/magiclink/signin/{email|sms|whatsapp}` or `/v1/auth/magiclink/signup-in/{email|sms|whatsapp}`; [`MagicLink`] has an
    /// example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or redirect URL is blank, or the refresh
    ///   token of a step-up is not a token.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id; not after
    ///   [`sign_up_or_in`](MagicLinkChannel::sign_up_or_in).
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<SentLink> {
        let Self { channel, or_sign_up, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let api = channel.descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        Ok(match (channel.by, or_sign_up) {
            (Channel::Email, false) => call!(api, magic_link_sign_in_email, &body)?.into(),
            (Channel::Sms, false) => call!(api, magic_link_sign_in_sms, &body)?.into(),
            (Channel::Whatsapp, false) => call!(api, magic_link_sign_in_whatsapp, &body)?.into(),
            (Channel::Email, true) => call!(api, magic_link_sign_up_or_in_email, &body)?.into(),
            (Channel::Sms, true) => call!(api, magic_link_sign_up_or_in_sms, &body)?.into(),
            (Channel::Whatsapp, true) => call!(api, magic_link_sign_up_or_in_whatsapp, &body)?.into(),
        })
    }
}

impl MagicLinkUpdate {
    merge_setter!();
    setters!(MagicLinkUpdateEmailRequest at body);

    /// Sends the link to the new address or number. The change is made when it has been verified.
    ///
    /// `POST /v1/auth/magiclink/update/email` or `/v1/auth/magiclink/update/phone/{sms|whatsapp}`
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
    /// descope
    ///     .magic_link()
    ///     .sms("+15551234567")
    ///     .update("ada@example.com", refresh_jwt)
    ///     .redirect_url("https://app.example.com/verify")
    ///     .send()
    ///     .await?;
    /// # let token = inbox.next("+15551234567").await.links[0].token.clone();
    /// let ada = descope.magic_link().verify(token).await?;
    /// # assert_eq!(ada.user().unwrap().phone.as_deref(), Some("+15551234567"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): a login id, the address, the redirect URL or the
    ///   refresh token is unusable.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists): somebody else has the address and
    ///   [`fail_on_conflict`](Self::fail_on_conflict) is set.
    pub async fn send(self) -> Result<SentLink> {
        let Self { channel, refresh_jwt, body } = self;
        check::text("address", &body.email)?;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let api = channel.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        if channel.by == Channel::Email {
            return Ok(call!(api, magic_link_update_email, &body)?.into());
        }
        let body = same!(
            MagicLinkUpdatePhoneRequest::new(body.login_id, body.email) from body,
            add_to_login_ids, on_merge_use_existing, fail_on_conflict, provider_id, template_id, template_options, locale,
            redirect_url,
        );
        Ok(match channel.by {
            Channel::Whatsapp => call!(api, magic_link_update_phone_whatsapp, &body)?.into(),
            Channel::Sms | Channel::Email => call!(api, magic_link_update_phone_sms, &body)?.into(),
        })
    }
}

impl From<Answer<MagicLinkEmailResponse>> for SentLink {
    fn from(answer: Answer<MagicLinkEmailResponse>) -> Self {
        Self { masked_address: answer.body.masked_email }
    }
}

impl From<Answer<MagicLinkPhoneResponse>> for SentLink {
    fn from(answer: Answer<MagicLinkPhoneResponse>) -> Self {
        Self { masked_address: answer.body.masked_phone }
    }
}
