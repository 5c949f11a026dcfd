//! Passwords.

mod policy;

use descope_api::{
    Secret,
    types::{
        PasswordReplaceRequest, PasswordResetDelivery, PasswordResetRequest, PasswordSignInRequest,
        PasswordSignUpRequest, PasswordUpdateRequest,
    },
    vocabulary::PasswordResetMethod,
};
pub use policy::{PasswordPolicy, PasswordProblem};

use crate::{
    Authentication, Descope, PendingLink, PendingLinkState, Result, SentLink, check,
    options::{factor_setters, sign_up_setters},
    raw_error::{Answer, call},
    setters::setters,
};

/// Sign-in by password. From [`Descope::password`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let ada = descope
///     .password()
///     .sign_up("ada@example.com", "Difference-Engine-2")
///     .name("Ada Lovelace")
///     .send()
///     .await?;
/// # assert!(ada.first_seen());
///
/// let ada = descope.password().sign_in("ada@example.com", "Difference-Engine-2").send().await?;
/// # assert!(!ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Password {
    descope: Descope,
}

/// A sign-up with a password. From [`Password::sign_up`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PasswordSignUp {
    descope: Descope,
    body: PasswordSignUpRequest,
}

/// A sign-in with a password. From [`Password::sign_in`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PasswordSignIn {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: PasswordSignInRequest,
}

/// A new password for an old one. From [`Password::replace`]; [`send`](Self::send) makes the exchange.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PasswordReplace {
    descope: Descope,
    body: PasswordReplaceRequest,
}

/// A message for somebody who has forgotten the password. From [`Password::reset`]; [`send`](Self::send) sends it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PasswordReset {
    descope: Descope,
    body: PasswordResetRequest,
}

/// What was sent to a user who forgot the password; the project's settings decide which.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PasswordResetSent {
    /// A magic link: the page behind it gives its token to [`MagicLink::verify`](crate::MagicLink::verify).
    MagicLink(SentLink),
    /// Enchanted links: the page behind them gives the token to [`EnchantedLink::verify`](crate::EnchantedLink::verify),
    /// and the session arrives here.
    EnchantedLink(PendingLink),
}

impl Password {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Creates a user with a password, and signs the user in. A login id that somebody has already is refused, and so is
    /// a password that does not meet the [policy](Self::policy).
    ///
    /// This proves no address; let the user verify it by another method.
    ///
    /// - `login_id`: the name under which the user will sign in.
    /// - `password`: as the user typed it. It is neither trimmed nor changed.
    ///
    /// `POST /v1/auth/password/signup`
    pub fn sign_up(&self, login_id: impl Into<String>, password: impl Into<Secret>) -> PasswordSignUp {
        PasswordSignUp { descope: self.descope.clone(), body: PasswordSignUpRequest::new(login_id, password) }
    }

    /// Signs an existing user in.
    ///
    /// - `login_id`: the name under which the user signed up.
    /// - `password`: as the user typed it.
    ///
    /// `POST /v1/auth/password/signin`
    pub fn sign_in(&self, login_id: impl Into<String>, password: impl Into<Secret>) -> PasswordSignIn {
        let body = PasswordSignInRequest::new(login_id, password);
        PasswordSignIn { descope: self.descope.clone(), refresh_jwt: None, body }
    }

    /// Exchanges the password for another, and signs the user in. Needs no session, so that it also helps a user whose
    /// password has expired ([`Expired`](crate::ErrorKind::Expired) at [`sign_in`](Self::sign_in)) or was temporary.
    ///
    /// `POST /v1/auth/password/replace`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
    /// let ada = descope
    ///     .password()
    ///     .replace("ada@example.com", "Difference-Engine-2", "Analytical-Engine-1")
    ///     .revoke_other_sessions(true)
    ///     .send()
    ///     .await?;
    /// # assert!(ada.refresh_jwt().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace(
        &self,
        login_id: impl Into<String>,
        old_password: impl Into<Secret>,
        new_password: impl Into<Secret>,
    ) -> PasswordReplace {
        let body = PasswordReplaceRequest::new(login_id, old_password, new_password);
        PasswordReplace { descope: self.descope.clone(), body }
    }

    /// Gives a signed-in user a new password without asking for the old one: the end of a [`reset`](Self::reset), or a
    /// first password for somebody who came in another way.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `new_password`: as the user typed it.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/password/update`; [`PasswordReset::send`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id, the password or the refresh token is
    ///   unusable, and nothing was sent; or the password does not meet the policy.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    pub async fn update(
        &self,
        login_id: impl Into<String>,
        new_password: impl Into<Secret>,
        refresh_jwt: impl Into<Secret>,
    ) -> Result<()> {
        let body = PasswordUpdateRequest::new(login_id, new_password);
        check::text("login_id", &body.login_id)?;
        check::password("new_password", &body.new_password)?;
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        call!(api, password_update, &body)?;
        Ok(())
    }

    /// Emails a link to a user who has forgotten the password. Nothing changes until the user has come back with it.
    ///
    /// `POST /v1/auth/password/reset`
    pub fn reset(&self, login_id: impl Into<String>) -> PasswordReset {
        PasswordReset { descope: self.descope.clone(), body: PasswordResetRequest::new(login_id) }
    }

    /// The rules that a password has to meet, so that a form can tell what is missing while the user types.
    ///
    /// `GET /v1/auth/password/policy`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let policy = descope.password().policy().await?;
    /// for problem in policy.check("short") {
    ///     println!("The password {problem}");
    /// }
    /// # assert!(!policy.check("short").is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of any call; nothing can be wrong with this one.
    pub async fn policy(&self) -> Result<PasswordPolicy> {
        Ok(PasswordPolicy::new(call!(self.descope.api(), password_policy)?.body))
    }
}

impl PasswordSignUp {
    sign_up_setters!();
    setters!(PasswordSignUpRequest at body);

    /// Creates the user and signs them in.
    ///
    /// `POST /v1/auth/password/signup`; [`Password`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or the password is empty, and nothing was
    ///   sent; or the password does not meet the policy.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, body } = self;
        check::text("login_id", &body.login_id)?;
        check::password("password", &body.password)?;
        let api = descope.signing_up(body.login_options.as_ref())?;
        Authentication::read(call!(api, password_sign_up, &body)?, descope.token_names())
    }
}

impl PasswordSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(PasswordSignInRequest at body);

    /// Signs the user in.
    ///
    /// `POST /v1/auth/password/signin`; [`Password`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or the password is empty, or a step-up has
    ///   no refresh token; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E062903`): the login id or the password is wrong, the service does
    ///   not tell which; or wrong ones have locked the account for a while. Or the refresh token of a step-up has ended.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062909`): the password was right and has expired, or was temporary.
    ///   Ask for a new one and call [`Password::replace`].
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::password("password", &body.password)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        Authentication::read(call!(api, password_sign_in, &body)?, descope.token_names())
    }
}

impl PasswordReplace {
    setters!(PasswordReplaceRequest at body);

    /// Exchanges the passwords, and signs the user in.
    ///
    /// `POST /v1/auth/password/replace`; [`Password::replace`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or one of the passwords is empty, and nothing
    ///   was sent; or the new one does not meet the policy.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E062903`): the login id or the old password is wrong.
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, body } = self;
        check::text("login_id", &body.login_id)?;
        check::password("old_password", &body.old_password)?;
        check::password("new_password", &body.new_password)?;
        Authentication::read(call!(descope.api(), password_replace, &body)?, descope.token_names())
    }
}

impl PasswordReset {
    setters!(PasswordResetRequest at body);

    /// Sends the message.
    ///
    /// `POST /v1/auth/password/reset`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # descope.password().update("ada@example.com", "Difference-Engine-2", ada.refresh_jwt().unwrap()).await?;
    /// descope.password().reset("ada@example.com").redirect_url("https://app.example.com/reset").send().await?;
    /// # let token = inbox.next("ada@example.com").await.links[0].token.clone();
    ///
    /// // On the page behind the link:
    /// let ada = descope.magic_link().verify(token).await?;
    /// let refresh_jwt = ada.refresh_jwt().expect("a refresh token");
    /// descope.password().update("ada@example.com", "Analytical-Engine-1", refresh_jwt).await?;
    /// # descope.password().sign_in("ada@example.com", "Analytical-Engine-1").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or redirect URL is blank; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id, where the project tells.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`E130429`): too many messages.
    pub async fn send(self) -> Result<PasswordResetSent> {
        let Self { descope, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let answer = call!(descope.api(), password_reset, &body)?;
        PasswordResetSent::read(descope, answer)
    }
}

impl PasswordResetSent {
    fn read(descope: Descope, Answer { body, origin }: Answer<PasswordResetDelivery>) -> Result<Self> {
        if body.reset_method != Some(PasswordResetMethod::ENCHANTEDLINK) {
            return Ok(Self::MagicLink(SentLink::new(body.masked_email)));
        }
        let pending_ref = body.pending_ref.filter(|reference| !reference.is_empty());
        let missing = || origin.lacks("the answer holds no `pendingRef` to wait with");
        let state = PendingLinkState::new(
            pending_ref.ok_or_else(missing)?,
            body.link_id.unwrap_or_default(),
            body.masked_email,
        );
        Ok(Self::EnchantedLink(PendingLink::new(descope, state)))
    }

    /// Where the message went, with most of it hidden. Fit to be shown.
    pub fn masked_address(&self) -> Option<&str> {
        match self {
            Self::MagicLink(sent) => sent.masked_address(),
            Self::EnchantedLink(pending) => pending.masked_address(),
        }
    }
}
