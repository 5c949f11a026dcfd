//! The prompt in the corner of the page.

use std::borrow::Cow;

use descope_api::{Secret, types::OnetapIdTokenRequest, vocabulary::OnetapProvider};

use crate::{Authentication, Descope, Result, check, options::factor_setters, raw_error::call, setters::setters};

/// Google One Tap. From [`Descope::one_tap`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let client_id = descope.one_tap().client_id("google").await?;
/// println!("google.accounts.id.initialize({{client_id: \"{client_id}\", ..}})");
/// # let id_token = emulator.provider_id_token("ada@example.com", "Ada", None)?;
///
/// // The prompt has given the page an ID token:
/// let ada = descope.one_tap().sign_in("google", id_token).exchange().await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OneTap {
    descope: Descope,
}

/// A sign-in with what the prompt has given. From [`OneTap::sign_in`]; [`exchange`](Self::exchange) or
/// [`verify`](Self::verify) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `exchange` or `verify`"]
pub struct OneTapSignIn {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: OnetapIdTokenRequest,
}

impl OneTap {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// The id under which the project is registered with the provider, for the prompt.
    ///
    /// `GET /v1/auth/onetap/clientid/{provider}`; [`OneTap`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the provider is blank, and nothing was sent; or the project
    ///   has no such provider of its own.
    pub async fn client_id(&self, provider: impl Into<OnetapProvider>) -> Result<String> {
        let provider = provider.into();
        check::text("provider", provider.as_str())?;
        let answer = call!(self.descope.api(), onetap_client_id, &provider)?;
        answer.body.client_id.ok_or_else(|| answer.origin.lacks("the answer holds no client id"))
    }

    /// A sign-in with the ID token that the prompt has given; the user is created when the project does not know them yet.
    pub fn sign_in(&self, provider: impl Into<OnetapProvider>, id_token: impl Into<Secret>) -> OneTapSignIn {
        let body = OnetapIdTokenRequest::new(provider, id_token);
        OneTapSignIn { descope: self.descope.clone(), refresh_jwt: None, body }
    }
}

impl OneTapSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(OnetapIdTokenRequest at body);

    /// Signs the user in.
    ///
    /// `POST /v1/auth/onetap/idtoken/exchange`; [`OneTap`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the provider or the ID token is empty, or a step-up has no
    ///   refresh token; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the token is not the provider's, not for this project, or too old.
    pub async fn exchange(self) -> Result<Authentication> {
        let api = self.api()?;
        Authentication::read(call!(api, onetap_exchange, &self.body)?, self.descope.token_names())
    }

    /// Has the ID token checked, and gives a code in place of a session, for a server or a flow to which the page hands it on:
    /// [`Oauth::exchange`](crate::Oauth::exchange) makes a session of it.
    ///
    /// `POST /v1/auth/onetap/idtoken/verify`
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange).
    pub async fn verify(self) -> Result<Secret> {
        let api = self.api()?;
        let answer = call!(api, onetap_verify, &self.body)?;
        let code = answer.body.code.filter(|code| !code.is_empty());
        code.ok_or_else(|| answer.origin.lacks("the answer holds no code"))
    }

    fn api(&self) -> Result<Cow<'_, descope_api::Client>> {
        check::text("provider", self.body.provider.as_str())?;
        check::secret("id_token", &self.body.id_token)?;
        self.descope.signing_in(self.refresh_jwt.as_ref(), self.body.login_options.as_ref())
    }
}
