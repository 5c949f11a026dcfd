//! Links that are clicked on one device and sign the user in on another.

mod pending;

use descope_api::{
    Secret,
    types::{
        EnchantedLinkResponse, EnchantedLinkSignInRequest, EnchantedLinkSignUpEmailRequest, EnchantedLinkVerifyRequest,
        LoginOptions, SignUpOptions, SignUpUser,
    },
};
pub use pending::{PendingLink, PendingLinkState};

use crate::{
    Descope, Result, check,
    options::{
        UpdateOptions, option_setters, provider_setter, redirect_setter, sign_in_setters, sign_up_setters, update_body,
        update_setters,
    },
    raw_error::{Answer, call},
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

/// A sign-up by enchanted link. From [`EnchantedLink::sign_up`]; [`send`](Self::send) sends the links.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EnchantedLinkSignUp {
    descope: Descope,
    login_id: String,
    email: Option<String>,
    user: SignUpUser,
    options: Option<SignUpOptions>,
    provider_id: Option<String>,
    redirect_url: Option<String>,
}

/// A sign-in by enchanted link. From [`EnchantedLink::sign_in`] or [`EnchantedLink::sign_up_or_in`];
/// [`send`](Self::send) sends the links.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EnchantedLinkSignIn {
    descope: Descope,
    login_id: String,
    or_sign_up: bool,
    options: Option<LoginOptions>,
    refresh_jwt: Option<Secret>,
    provider_id: Option<String>,
    redirect_url: Option<String>,
    sso_app_id: Option<String>,
    use_recovery: Option<bool>,
}

/// A change of email address by enchanted link. From [`EnchantedLink::update_email`]; [`send`](Self::send) sends
/// the links.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EnchantedLinkUpdateEmail {
    descope: Descope,
    email: String,
    update: UpdateOptions,
    redirect_url: Option<String>,
}

impl EnchantedLink {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Creates the user and sends the links by email. A login id that somebody has already is refused.
    ///
    /// `POST /v1/auth/enchantedlink/signup/email`
    pub fn sign_up(&self, login_id: impl Into<String>) -> EnchantedLinkSignUp {
        EnchantedLinkSignUp {
            descope: self.descope.clone(),
            login_id: login_id.into(),
            email: None,
            user: SignUpUser::default(),
            options: None,
            provider_id: None,
            redirect_url: None,
        }
    }

    /// Sends the links to an existing user by email. A login id that nobody has is refused.
    ///
    /// `POST /v1/auth/enchantedlink/signin/email`
    pub fn sign_in(&self, login_id: impl Into<String>) -> EnchantedLinkSignIn {
        self.signing_in(login_id.into(), false)
    }

    /// Sends the links by email, and creates the user when nobody has the login id yet;
    /// [`Authentication::first_seen`](crate::Authentication::first_seen) tells which of the two it was.
    ///
    /// `POST /v1/auth/enchantedlink/signup-in/email`
    pub fn sign_up_or_in(&self, login_id: impl Into<String>) -> EnchantedLinkSignIn {
        self.signing_in(login_id.into(), true)
    }

    /// Changes the email address of a signed-in user, once the right link in the message to the new address has been
    /// clicked.
    ///
    /// - `login_id`: the name under which the user signs in now.
    /// - `email`: the new address.
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/enchantedlink/update/email`
    pub fn update_email(
        &self,
        login_id: impl Into<String>,
        email: impl Into<String>,
        refresh_jwt: impl Into<Secret>,
    ) -> EnchantedLinkUpdateEmail {
        EnchantedLinkUpdateEmail {
            descope: self.descope.clone(),
            email: email.into(),
            update: UpdateOptions::new(login_id.into(), refresh_jwt.into()),
            redirect_url: None,
        }
    }

    /// Accepts the link that was clicked: to be called by the page behind the links with their query parameter `t`.
    ///
    /// No session comes of it here; the device that waits gets it. The links with the other numbers are refused.
    ///
    /// `POST /v1/auth/enchantedlink/verify`; [`EnchantedLink`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the token is empty; nothing was sent.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062504`, `E063010`): the link is too old, was used before, or is
    ///   one of the wrong ones.
    pub async fn verify(&self, token: impl Into<Secret>) -> Result<()> {
        let token = token.into();
        check::secret("token", &token)?;
        let body = EnchantedLinkVerifyRequest::new(token);
        call!(self.descope.api(), enchanted_link_verify, &body)?;
        Ok(())
    }

    /// Goes on with a link that was sent earlier, perhaps by another process. [`PendingLinkState`] has an example.
    pub fn resume(&self, state: PendingLinkState) -> PendingLink {
        PendingLink::new(self.descope.clone(), state)
    }

    fn signing_in(&self, login_id: String, or_sign_up: bool) -> EnchantedLinkSignIn {
        EnchantedLinkSignIn {
            descope: self.descope.clone(),
            login_id,
            or_sign_up,
            options: None,
            refresh_jwt: None,
            provider_id: None,
            redirect_url: None,
            sso_app_id: None,
            use_recovery: None,
        }
    }
}

impl EnchantedLinkSignUp {
    sign_up_setters!();
    option_setters!();
    provider_setter!();
    redirect_setter!();

    /// The address to send the links to, when it is not the login id.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
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
    /// assert!(link.masked_email().is_some());
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
        check::text("login_id", &self.login_id)?;
        check::optional_text("email", self.email.as_deref())?;
        check::optional_text("redirect_url", self.redirect_url.as_deref())?;
        let email = self.email.unwrap_or_else(|| self.login_id.clone());
        let mut user = self.user;
        user.email.get_or_insert_with(|| email.clone());
        let mut body = EnchantedLinkSignUpEmailRequest::new(self.login_id);
        body.email = Some(email);
        body.user = Some(user);
        body.login_options = self.options;
        body.provider_id = self.provider_id;
        body.redirect_url = self.redirect_url;
        let sent = call!(self.descope.api(), enchanted_link_sign_up_email, &body)?;
        pending(self.descope, sent)
    }
}

impl EnchantedLinkSignIn {
    sign_in_setters!();
    option_setters!();
    provider_setter!();
    redirect_setter!();

    /// Sends the links.
    ///
    /// `POST /v1/auth/enchantedlink/signin/email` or `/v1/auth/enchantedlink/signup-in/email`; [`EnchantedLink`] has an
    /// example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or redirect URL is blank, or the refresh
    ///   token of a step-up is none.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id; not after
    ///   [`sign_up_or_in`](EnchantedLink::sign_up_or_in).
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<PendingLink> {
        check::text("login_id", &self.login_id)?;
        check::optional_text("redirect_url", self.redirect_url.as_deref())?;
        let api = self.descope.signing_in(self.refresh_jwt.as_ref())?;
        let mut body = EnchantedLinkSignInRequest::new(self.login_id);
        body.login_options = self.options;
        body.provider_id = self.provider_id;
        body.redirect_url = self.redirect_url;
        body.sso_app_id = self.sso_app_id;
        body.use_recovery = self.use_recovery;
        if self.or_sign_up {
            let sent = call!(api, enchanted_link_sign_up_or_in_email, &body)?;
            pending(self.descope, sent)
        } else {
            let sent = call!(api, enchanted_link_sign_in_email, &body)?;
            pending(self.descope, sent)
        }
    }
}

impl EnchantedLinkUpdateEmail {
    update_setters!();
    redirect_setter!();

    /// Sends the links to the new address.
    ///
    /// `POST /v1/auth/enchantedlink/update/email`
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
    ///     .update_email("ada@example.com", "ada@lovelace.example", refresh_jwt)
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
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended, or is another user's.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists): somebody else has the address and
    ///   [`fail_on_conflict`](Self::fail_on_conflict) is set.
    pub async fn send(self) -> Result<PendingLink> {
        let Self { descope, email, update, redirect_url } = self;
        check::text("login_id", &update.login_id)?;
        check::text("email", &email)?;
        check::optional_text("redirect_url", redirect_url.as_deref())?;
        let api = descope.acting_for("refresh_jwt", &update.refresh_jwt)?;
        let body = update_body!(EnchantedLinkUpdateEmailRequest, &update, email, { redirect_url: redirect_url });
        let sent = call!(api, enchanted_link_update_email, &body)?;
        pending(descope, sent)
    }
}

/// What has been sent, if the answer holds what is needed to wait for it.
fn pending(descope: Descope, answer: Answer<EnchantedLinkResponse>) -> Result<PendingLink> {
    let Answer { body, origin } = answer;
    match (body.pending_ref.filter(|reference| !reference.is_empty()), body.link_id) {
        (Some(pending_ref), Some(link_id)) => {
            let state = PendingLinkState::new(pending_ref, link_id, body.masked_email);
            Ok(PendingLink::new(descope, state))
        }
        _ => Err(origin.lacks("the answer holds no `pendingRef` and `linkId` to wait with")),
    }
}
