//! Accounts at providers that a phone has built in.

use descope_api::{
    Secret,
    types::{OauthNativeFinishRequest, OauthNativeStartRequest},
    vocabulary::OauthNativeProvider,
};
use serde::{Deserialize, Serialize};

use crate::{Authentication, Descope, Result, check, options::factor_setters, raw_error::call, setters::setters};

/// Sign-in with Apple or Google inside of a mobile app, without a browser. From [`Oauth::native`](crate::Oauth::native).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let pending = descope.oauth().native().start("google").implicit(true).send().await?;
/// // The phone signs the user in with `pending.client_id()` and `pending.nonce()`, and gets an ID token:
/// # let nonce = pending.nonce();
/// # let id_token = emulator.provider_id_token("ada@example.com", "Ada", nonce)?;
/// let ada = descope.oauth().native().finish(&pending).id_token(id_token).send().await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OauthNative {
    descope: Descope,
}

/// A sign-in on a phone that is to begin. From [`OauthNative::start`]; [`send`](Self::send) begins it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OauthNativeStart {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: OauthNativeStartRequest,
}

/// The end of a sign-in on a phone. From [`OauthNative::finish`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OauthNativeFinish {
    descope: Descope,
    body: OauthNativeFinishRequest,
}

/// What the phone needs to ask the user, and what is needed to go on. It serialises, to be kept until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingNative {
    provider: OauthNativeProvider,
    state_id: String,
    client_id: Option<String>,
    nonce: Option<String>,
}

impl OauthNative {
    pub(super) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Begins a sign-in; the user is created when the project does not know them yet.
    ///
    /// - `provider`: `apple` or `google`.
    ///
    /// `POST /v1/auth/oauth/native/start`
    pub fn start(&self, provider: impl Into<OauthNativeProvider>) -> OauthNativeStart {
        let body = OauthNativeStartRequest::new(provider);
        OauthNativeStart { descope: self.descope.clone(), refresh_jwt: None, body }
    }

    /// Ends a sign-in with what the phone has given: an ID token in the implicit way, an authorization code otherwise.
    ///
    /// `POST /v1/auth/oauth/native/finish`
    pub fn finish(&self, pending: &PendingNative) -> OauthNativeFinish {
        let body = OauthNativeFinishRequest::new(pending.provider.clone(), pending.state_id.as_str());
        OauthNativeFinish { descope: self.descope.clone(), body }
    }
}

impl OauthNativeStart {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(OauthNativeStartRequest at body);

    /// Begins the sign-in.
    ///
    /// `POST /v1/auth/oauth/native/start`; [`OauthNative`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the provider is blank, or a step-up has no refresh token,
    ///   and nothing was sent; or the project has no such provider.
    /// - [`Decode`](crate::ErrorKind::Decode): the answer holds nothing to go on with.
    pub async fn send(self) -> Result<PendingNative> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("provider", body.provider.as_str())?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        let answer = call!(api, oauth_native_start, &body)?;
        let state_id = answer.body.state_id.filter(|id| !id.is_empty());
        Ok(PendingNative {
            provider: body.provider,
            state_id: state_id.ok_or_else(|| answer.origin.lacks("the answer holds no `stateId` to go on with"))?,
            client_id: answer.body.client_id,
            nonce: answer.body.nonce,
        })
    }
}

impl OauthNativeFinish {
    setters!(OauthNativeFinishRequest at body);

    /// Signs the user in.
    ///
    /// `POST /v1/auth/oauth/native/finish`; [`OauthNative`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): neither a code nor an ID token was given, and nothing was
    ///   sent; or the token is not one for this project.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062504`): the sign-in was not begun, or took too long.
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, body } = self;
        if body.code.is_none() && body.id_token.is_none() {
            return Err(crate::Error::argument_refused("id_token", "is missing, and so is `code`"));
        }
        for (argument, given) in [("code", &body.code), ("id_token", &body.id_token)] {
            given.as_ref().map_or(Ok(()), |given| check::secret(argument, given))?;
        }
        Authentication::read(call!(descope.api(), oauth_native_finish, &body)?, descope.token_names())
    }
}

impl PendingNative {
    /// The id under which the project is registered with the provider, for the phone.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// What the ID token has to repeat, for the phone.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}
