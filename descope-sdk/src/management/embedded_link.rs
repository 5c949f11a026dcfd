//! Sign-in tokens that the back end delivers by itself.

use std::time::Duration;

use descope_api::{
    Secret,
    types::{EmbeddedLinkResponse, EmbeddedLinkSignInRequest, EmbeddedLinkSignUpRequest},
};

use crate::{
    Descope, Error, LoginId, Result, call, check,
    options::prepared_setters,
    raw_error::{Answer, call},
    setters::setters,
};

/// Tokens that sign a user in, for a link in a message of your own. From
/// [`Management::embedded_links`](super::Management::embedded_links).
///
/// A token is redeemed with [`magic_link().verify(..)`](crate::MagicLink::verify).
///
/// ```
/// # use std::time::Duration;
/// # use descope_sdk::LoginId;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # descope.management().users().create(LoginId::new("ada@example.com")).status("enabled").send().await?;
/// let token = descope
///     .management()
///     .embedded_links()
///     .sign_in(LoginId::new("ada@example.com"))
///     .timeout(Duration::from_secs(300))
///     .send()
///     .await?;
/// let letter = format!("Your report is ready: https://app.example.com/report?t={}", token.expose());
/// # assert!(letter.len() > 50);
///
/// // When the link is opened:
/// let ada = descope.magic_link().verify(token).await?;
/// # assert!(!ada.session_jwt().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EmbeddedLinks {
    descope: Descope,
}

/// A sign-in token for an existing user. From [`EmbeddedLinks::sign_in`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EmbeddedLinkSignIn {
    descope: Descope,
    body: EmbeddedLinkSignInRequest,
    timeout: Option<Duration>,
}

/// A sign-up token for a new user. From [`EmbeddedLinks::sign_up`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct EmbeddedLinkSignUp {
    descope: Descope,
    body: EmbeddedLinkSignUpRequest,
    timeout: Option<Duration>,
}

impl EmbeddedLinks {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Makes a token that signs an existing user in. Nothing is sent to the user.
    ///
    /// `POST /v1/mgmt/user/signin/embeddedlink`
    pub fn sign_in(&self, login_id: impl Into<LoginId>) -> EmbeddedLinkSignIn {
        let body = EmbeddedLinkSignInRequest::new(login_id.into().into_string());
        EmbeddedLinkSignIn { descope: self.descope.clone(), body, timeout: None }
    }

    /// Makes a token that creates a user when it is redeemed. Nothing is sent to the person.
    ///
    /// `POST /v1/mgmt/user/signup/embeddedlink`
    pub fn sign_up(&self, login_id: impl Into<LoginId>) -> EmbeddedLinkSignUp {
        let body = EmbeddedLinkSignUpRequest::new(login_id.into().into_string());
        EmbeddedLinkSignUp { descope: self.descope.clone(), body, timeout: None }
    }
}

macro_rules! timeout_setter {
    () => {
        /// How long the token can be redeemed. 60 seconds unless set; parts of a second count as a whole one.
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.timeout = Some(timeout);
            self
        }
    };
}

impl EmbeddedLinkSignIn {
    timeout_setter!();
    setters!(EmbeddedLinkSignInRequest at body);

    /// Makes the token.
    ///
    /// `POST /v1/mgmt/user/signin/embeddedlink`; [`EmbeddedLinks`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank or the timeout is zero; nothing
    ///   was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E112102`): nobody has the login id.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn send(self) -> Result<Secret> {
        let Self { descope, mut body, timeout } = self;
        check::text("login_id", &body.login_id)?;
        body.timeout = timeout.map(whole_seconds).transpose()?;
        let answer = call!(descope.managing()?, management_embedded_link_sign_in, &body)?;
        token(answer)
    }
}

impl EmbeddedLinkSignUp {
    timeout_setter!();
    prepared_setters!(body.login_options);
    setters!(SignUpUser at body.user);
    setters!(LoginOptions at body.login_options);
    setters!(EmbeddedLinkSignUpRequest at body);

    /// Everything that is known of the user, in place of what was set before.
    pub fn user(mut self, user: crate::SignUpUser) -> Self {
        self.body.user = Some(user);
        self
    }

    /// Makes the token.
    ///
    /// `POST /v1/mgmt/user/signup/embeddedlink`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let links = descope.management().embedded_links();
    /// let token = links.sign_up(descope_sdk::LoginId::new("ada@example.com")).name("Ada Lovelace").email_verified(true).send().await?;
    /// let ada = descope.magic_link().verify(token).await?;
    /// assert!(ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank or the timeout is zero; nothing
    ///   was sent.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn send(self) -> Result<Secret> {
        let Self { descope, mut body, timeout } = self;
        check::text("login_id", &body.login_id)?;
        body.timeout = timeout.map(whole_seconds).transpose()?;
        let answer = call!(descope.managing()?, management_embedded_link_sign_up, &body)?;
        token(answer)
    }
}

fn token(answer: Answer<EmbeddedLinkResponse>) -> Result<Secret> {
    let token = answer.body.token.filter(|token| !token.is_empty());
    token.ok_or_else(|| answer.origin.lacks("the answer holds no token"))
}

/// 0 would mean the service's default, not "at once".
fn whole_seconds(timeout: Duration) -> Result<i64> {
    call::seconds(timeout).map_err(|why| Error::argument_refused("timeout", why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_is_in_whole_seconds_and_never_zero() {
        assert_eq!(whole_seconds(Duration::from_secs(300)).unwrap(), 300);
        assert_eq!(whole_seconds(Duration::from_millis(1_001)).unwrap(), 2);
        for bad in [Duration::ZERO, Duration::MAX] {
            assert_eq!(whole_seconds(bad).unwrap_err().argument(), Some("timeout"));
        }
    }
}
