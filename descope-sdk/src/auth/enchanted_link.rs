//! Links that are clicked on one device and sign the user in on another.

mod pending;

use descope_api::{
    Secret,
    types::{
        EnchantedLinkPhoneResponse, EnchantedLinkResponse, EnchantedLinkSignInRequest, EnchantedLinkSignUpPhoneRequest,
        EnchantedLinkUpdateEmailRequest, EnchantedLinkVerifyRequest,
    },
};
pub use pending::{PendingLink, PendingLinkState};

use crate::{
    Descope, Result,
    auth::{callback, redirect::Pkce},
    check,
    options::{factor_setters, merge_setter, own_address, same, sign_up_setters},
    raw_error::{Answer, Origin, call},
    setters::setters,
};

/// Sign-in by a link that is clicked on any device. From [`Descope::enchanted_link`].
///
/// The message holds three links, each with a number. Show the user [`PendingLink::link_id`]; when the link with that
/// number has been clicked, wherever that was, [`PendingLink::wait`] gives the session.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let inbox = emulator.inbox();
/// let link = descope
///     .enchanted_link()
///     .sign_up_or_in("ada@example.com")
///     .redirect_url("https://app.example.com/verify")
///     .send()
///     .await?;
/// println!("Click the link with the number {}", link.link_id());
/// # let mail = inbox.next("ada@example.com").await;
/// # let right = mail.links.iter().find(|one| one.link_id.as_deref() == Some(link.link_id())).unwrap();
/// # descope.enchanted_link().verify(right.token.clone()).await?;
///
/// let ada = link.wait().await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EnchantedLink {
    descope: Descope,
}

/// Links that go to one user over one channel. From [`EnchantedLink::email`] or [`EnchantedLink::sms`].
#[derive(Clone, Debug)]
pub struct EnchantedLinkChannel {
    descope: Descope,
    by_email: bool,
    login_id: String,
}

/// A sign-up by enchanted link. From [`EnchantedLinkChannel::sign_up`]; [`send`](Self::send) sends the links.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EnchantedLinkSignUp {
    channel: EnchantedLinkChannel,
    address: Option<String>,
    body: EnchantedLinkSignUpPhoneRequest,
}

/// A sign-in by enchanted link. From [`EnchantedLinkChannel::sign_in`] or [`EnchantedLinkChannel::sign_up_or_in`];
/// [`send`](Self::send) sends the links.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EnchantedLinkSignIn {
    channel: EnchantedLinkChannel,
    or_sign_up: bool,
    refresh_jwt: Option<Secret>,
    body: EnchantedLinkSignInRequest,
}

/// A change of address by enchanted link. From [`EnchantedLinkChannel::update`]; [`send`](Self::send) sends the links.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EnchantedLinkUpdate {
    channel: EnchantedLinkChannel,
    refresh_jwt: Secret,
    body: EnchantedLinkUpdateEmailRequest,
}

impl EnchantedLink {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Links by email. `login_id` is the name under which the user signs in, mostly the address itself.
    pub fn email(&self, login_id: impl Into<String>) -> EnchantedLinkChannel {
        EnchantedLinkChannel { descope: self.descope.clone(), by_email: true, login_id: login_id.into() }
    }

    /// Links by text message. `login_id` is mostly the number itself, in E.164 form such as `+15551234567`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// let link = descope.enchanted_link().sms("+15551234567").sign_up_or_in().send().await?;
    /// println!("Open the link with the number {}", link.link_id());
    /// # let message = inbox.next("+15551234567").await;
    /// # let right = message.links.iter().find(|one| one.link_id.as_deref() == Some(link.link_id())).unwrap();
    /// # descope.enchanted_link().verify(right.token.clone()).await?;
    /// # assert!(link.wait().await?.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    pub fn sms(&self, login_id: impl Into<String>) -> EnchantedLinkChannel {
        EnchantedLinkChannel { descope: self.descope.clone(), by_email: false, login_id: login_id.into() }
    }

    /// The same as [`email`](Self::email), then [`sign_up`](EnchantedLinkChannel::sign_up).
    pub fn sign_up(&self, login_id: impl Into<String>) -> EnchantedLinkSignUp {
        self.email(login_id).sign_up()
    }

    /// The same as [`email`](Self::email), then [`sign_in`](EnchantedLinkChannel::sign_in).
    pub fn sign_in(&self, login_id: impl Into<String>) -> EnchantedLinkSignIn {
        self.email(login_id).sign_in()
    }

    /// The same as [`email`](Self::email), then [`sign_up_or_in`](EnchantedLinkChannel::sign_up_or_in).
    pub fn sign_up_or_in(&self, login_id: impl Into<String>) -> EnchantedLinkSignIn {
        self.email(login_id).sign_up_or_in()
    }

    /// Accepts the link that was clicked: to be called by the page behind the links.
    ///
    /// - `token`: the token of the link, its query parameter `t`, or the whole URL of the page that the link led to.
    ///
    /// No session comes of it here; the device that waits gets it. The links with the other numbers are refused.
    ///
    /// `POST /v1/auth/enchantedlink/verify`; [`EnchantedLink`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the token is empty, or the URL has none; nothing was sent.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062504`, `E063010`): the link is too old, was used before, or is
    ///   one of the wrong ones.
    pub async fn verify(&self, token: impl Into<Secret>) -> Result<()> {
        self.accept(EnchantedLinkVerifyRequest::new(callback::token(token.into())?)).await
    }

    /// The same for links that were asked for with [`pkce`](EnchantedLinkSignIn::pkce).
    ///
    /// - `pkce`: the one that they were asked for with.
    ///
    /// `POST /v1/auth/enchantedlink/verify`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// let pkce = descope_sdk::Pkce::new();
    /// let link = descope.enchanted_link().sign_up_or_in("ada@example.com").pkce(&pkce).send().await?;
    /// # let mail = inbox.next("ada@example.com").await;
    /// # let right = mail.links.iter().find(|one| one.link_id.as_deref() == Some(link.link_id())).unwrap();
    /// # let token = right.token.clone();
    /// # assert!(descope.enchanted_link().verify(token.clone()).await.is_err());
    /// descope.enchanted_link().verify_with(token, &pkce).await?;
    /// # link.wait().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and a refusal when the verifier is that of another challenge.
    pub async fn verify_with(&self, token: impl Into<Secret>, pkce: &Pkce) -> Result<()> {
        let token = callback::token(token.into())?;
        self.accept(EnchantedLinkVerifyRequest::new(token).pkce_verifier(pkce.in_base64().1)).await
    }

    async fn accept(&self, body: EnchantedLinkVerifyRequest) -> Result<()> {
        call!(self.descope.api(), enchanted_link_verify, &body)?;
        Ok(())
    }

    /// Goes on with a link that was sent earlier, perhaps by another process. [`PendingLinkState`] has an example.
    pub fn resume(&self, state: PendingLinkState) -> PendingLink {
        PendingLink::new(self.descope.clone(), state)
    }
}

impl EnchantedLinkChannel {
    /// Creates the user and sends the links. A login id that somebody has already is refused.
    ///
    /// `POST /v1/auth/enchantedlink/signup/{email|sms}`
    pub fn sign_up(self) -> EnchantedLinkSignUp {
        let body = EnchantedLinkSignUpPhoneRequest::new(self.login_id.as_str());
        EnchantedLinkSignUp { channel: self, address: None, body }
    }

    /// Sends the links to an existing user. A login id that nobody has is refused.
    ///
    /// `POST /v1/auth/enchantedlink/signin/{email|sms}`
    pub fn sign_in(self) -> EnchantedLinkSignIn {
        self.signing_in(false)
    }

    /// Sends the links, and creates the user when nobody has the login id yet;
    /// [`Authentication::first_seen`](crate::Authentication::first_seen) tells which of the two it was.
    ///
    /// `POST /v1/auth/enchantedlink/signup-in/{email|sms}`
    pub fn sign_up_or_in(self) -> EnchantedLinkSignIn {
        self.signing_in(true)
    }

    /// Changes the address or number of a signed-in user to that of this channel, once the right link in the message that is
    /// sent there has been clicked.
    ///
    /// - `login_id`: the name under which the user signs in now.
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/enchantedlink/update/email` or `/v1/auth/enchantedlink/update/phone/sms`
    pub fn update(self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> EnchantedLinkUpdate {
        let body = EnchantedLinkUpdateEmailRequest::new(login_id, self.login_id.as_str());
        EnchantedLinkUpdate { channel: self, refresh_jwt: refresh_jwt.into(), body }
    }

    fn signing_in(self, or_sign_up: bool) -> EnchantedLinkSignIn {
        let body = EnchantedLinkSignInRequest::new(self.login_id.as_str());
        EnchantedLinkSignIn { channel: self, or_sign_up, refresh_jwt: None, body }
    }
}

impl EnchantedLinkSignUp {
    sign_up_setters!();
    setters!(EnchantedLinkSignUpPhoneRequest at body);

    /// Has the link count only together with the verifier of `pkce`, by
    /// [`EnchantedLink::verify_with`]: who has only seen the message cannot accept it.
    pub fn pkce(mut self, pkce: &Pkce) -> Self {
        let options = self.body.login_options.get_or_insert_default();
        options.pkce_challenge = Some(pkce.in_base64().0);
        self
    }

    /// The email address or phone number to send the links to: that of the user otherwise, or the login id.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Creates the user and sends the links.
    ///
    /// `POST /v1/auth/enchantedlink/signup/email`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let link = descope
    ///     .enchanted_link()
    ///     .sign_up("ada@example.com")
    ///     .name("Ada Lovelace")
    ///     .redirect_url("https://app.example.com/verify")
    ///     .send()
    ///     .await?;
    /// assert_eq!(link.link_id().len(), 2);
    /// assert!(link.masked_address().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id, address or redirect URL is blank.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<PendingLink> {
        let Self { channel, address, mut body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let api = channel.descope.signing_up(body.login_options.as_ref())?;
        let user = body.user.get_or_insert_default();
        let sent: Sent = if channel.by_email {
            let address = own_address(address, "email", &mut user.email, &body.login_id)?;
            let mut body = same!(
                EnchantedLinkSignUpEmailRequest::new(body.login_id) from body,
                user, login_options, provider_id, redirect_url,
            );
            body.email = Some(address);
            call!(api, enchanted_link_sign_up_email, &body)?.into()
        } else {
            let address = own_address(address, "phone", &mut user.phone, &body.login_id)?;
            body.phone = Some(address);
            call!(api, enchanted_link_sign_up_sms, &body)?.into()
        };
        sent.pending(channel.descope)
    }
}

impl EnchantedLinkSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(EnchantedLinkSignInRequest at body);

    /// Has the link count only together with the verifier of `pkce`, by
    /// [`EnchantedLink::verify_with`]: who has only seen the message cannot accept it.
    pub fn pkce(mut self, pkce: &Pkce) -> Self {
        let options = self.body.login_options.get_or_insert_default();
        options.pkce_challenge = Some(pkce.in_base64().0);
        self
    }

    /// Sends the links.
    ///
    /// `POST /v1/auth/enchantedlink/signin/{email|sms}` or `/v1/auth/enchantedlink/signup-in/{email|sms}`; [`EnchantedLink`]
    /// has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or redirect URL is blank, or the refresh
    ///   token of a step-up is not a token.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id; not after
    ///   [`sign_up_or_in`](EnchantedLinkChannel::sign_up_or_in).
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<PendingLink> {
        let Self { channel, or_sign_up, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let api = channel.descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        let sent: Sent = match (channel.by_email, or_sign_up) {
            (true, false) => call!(api, enchanted_link_sign_in_email, &body)?.into(),
            (false, false) => call!(api, enchanted_link_sign_in_sms, &body)?.into(),
            (true, true) => call!(api, enchanted_link_sign_up_or_in_email, &body)?.into(),
            (false, true) => call!(api, enchanted_link_sign_up_or_in_sms, &body)?.into(),
        };
        sent.pending(channel.descope)
    }
}

impl EnchantedLinkUpdate {
    merge_setter!();
    setters!(EnchantedLinkUpdateEmailRequest at body);

    /// Sends the links to the new address or number.
    ///
    /// `POST /v1/auth/enchantedlink/update/email` or `/v1/auth/enchantedlink/update/phone/sms`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// # let code = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = code.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// let link = descope
    ///     .enchanted_link()
    ///     .email("ada@lovelace.example")
    ///     .update("ada@example.com", refresh_jwt)
    ///     .redirect_url("https://app.example.com/verify")
    ///     .add_to_login_ids(true)
    ///     .send()
    ///     .await?;
    /// println!("Click the link with the number {}", link.link_id());
    /// # let mail = inbox.next("ada@lovelace.example").await;
    /// # let right = mail.links.iter().find(|one| one.link_id.as_deref() == Some(link.link_id())).unwrap();
    /// # descope.enchanted_link().verify(right.token.clone()).await?;
    /// # link.wait().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id, the address, the redirect URL or the
    ///   refresh token is unusable.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists): somebody else has the address and
    ///   [`fail_on_conflict`](Self::fail_on_conflict) is set.
    pub async fn send(self) -> Result<PendingLink> {
        let Self { channel, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::text("address", &body.email)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let api = channel.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let sent: Sent = if channel.by_email {
            call!(api, enchanted_link_update_email, &body)?.into()
        } else {
            let body = same!(
                EnchantedLinkUpdatePhoneRequest::new(body.login_id, body.email) from body,
                add_to_login_ids, on_merge_use_existing, fail_on_conflict, provider_id, template_id, template_options,
                locale, redirect_url,
            );
            call!(api, enchanted_link_update_phone_sms, &body)?.into()
        };
        sent.pending(channel.descope)
    }
}

/// What has been sent, whatever the channel.
struct Sent {
    pending_ref: Option<Secret>,
    link_id: Option<String>,
    masked_address: Option<String>,
    origin: Origin,
}

impl From<Answer<EnchantedLinkResponse>> for Sent {
    fn from(Answer { body, origin }: Answer<EnchantedLinkResponse>) -> Self {
        Self { pending_ref: body.pending_ref, link_id: body.link_id, masked_address: body.masked_email, origin }
    }
}

impl From<Answer<EnchantedLinkPhoneResponse>> for Sent {
    fn from(Answer { body, origin }: Answer<EnchantedLinkPhoneResponse>) -> Self {
        Self { pending_ref: body.pending_ref, link_id: body.link_id, masked_address: body.masked_phone, origin }
    }
}

impl Sent {
    /// What is waited for, if the answer holds what is needed to wait.
    fn pending(self, descope: Descope) -> Result<PendingLink> {
        match (self.pending_ref.filter(|reference| !reference.is_empty()), self.link_id) {
            (Some(pending_ref), Some(link_id)) => {
                let state = PendingLinkState::new(pending_ref, link_id, self.masked_address);
                Ok(PendingLink::new(descope, state))
            }
            _ => Err(self.origin.lacks("the answer holds no `pendingRef` and `linkId` to wait with")),
        }
    }
}
