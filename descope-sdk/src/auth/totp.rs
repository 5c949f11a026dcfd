//! Codes of authenticator apps.

use descope_api::{
    Secret,
    types::{TotpSeedResponse, TotpSignUpRequest, TotpUpdateRequest, TotpVerifyRequest},
};

use crate::{
    Authentication, Descope, Result, check,
    options::factor_setters,
    raw_error::{Answer, call},
    setters::setters,
};

/// Sign-in by the code of an authenticator app. From [`Descope::totp`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let seed = descope.totp().sign_up("ada@example.com").name("Ada Lovelace").send().await?;
/// // Show the picture of `seed.image()`, which the user scans with the app. Then ask for the first code:
/// # let code = emulator.totp_code(seed.key().expose()).unwrap();
/// let ada = descope.totp().verify("ada@example.com", code).send().await?;
/// # assert!(ada.refresh_jwt().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Totp {
    descope: Descope,
}

/// A sign-up with an authenticator app. From [`Totp::sign_up`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct TotpSignUp {
    descope: Descope,
    body: TotpSignUpRequest,
}

/// A code to check. From [`Totp::verify`]; [`send`](Self::send) has it checked.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct TotpVerify {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: TotpVerifyRequest,
}

/// What the authenticator app needs, in three forms. Whoever sees one of them can make the user's codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpSeed {
    provisioning_url: Secret,
    image: Secret,
    key: Secret,
}

impl Totp {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Creates a user with a new seed. The sign-up is complete when [`verify`](Self::verify) gets the first code.
    ///
    /// `POST /v1/auth/totp/signup`
    pub fn sign_up(&self, login_id: impl Into<String>) -> TotpSignUp {
        TotpSignUp { descope: self.descope.clone(), body: TotpSignUpRequest::new(login_id) }
    }

    /// Gives a signed-in user a seed: a first one, or one in place of that of a lost phone. It counts from the first code
    /// that [`verify`](Self::verify) gets.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/totp/update`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// let seed = descope.totp().update("ada@example.com", refresh_jwt).await?;
    /// println!("<img src=\"data:image/png;base64,{}\">", seed.image().expose());
    /// # let code = emulator.totp_code(seed.key().expose()).unwrap();
    /// // The second factor after a password:
    /// let ada = descope.totp().verify("ada@example.com", code).mfa(refresh_jwt).send().await?;
    /// # assert!(ada.refresh_jwt().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or the refresh token is unusable; nothing was
    ///   sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    pub async fn update(&self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> Result<TotpSeed> {
        let body = TotpUpdateRequest::new(login_id);
        check::text("login_id", &body.login_id)?;
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        TotpSeed::read(call!(api, totp_update, &body)?)
    }

    /// Signs the user in with the code that the app shows.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `code`: six digits.
    ///
    /// `POST /v1/auth/totp/verify`
    pub fn verify(&self, login_id: impl Into<String>, code: impl Into<Secret>) -> TotpVerify {
        let body = TotpVerifyRequest::new(login_id, code);
        TotpVerify { descope: self.descope.clone(), refresh_jwt: None, body }
    }
}

impl TotpSignUp {
    setters!(SignUpUser at body.user);
    setters!(TotpSignUpRequest at body);

    /// Everything that is known of the user, in place of what was set before.
    pub fn user(mut self, user: crate::SignUpUser) -> Self {
        self.body.user = Some(user);
        self
    }

    /// Creates the user.
    ///
    /// `POST /v1/auth/totp/signup`; [`Totp`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank; nothing was sent.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    pub async fn send(self) -> Result<TotpSeed> {
        check::text("login_id", &self.body.login_id)?;
        TotpSeed::read(call!(self.descope.api(), totp_sign_up, &self.body)?)
    }
}

impl TotpVerify {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);

    /// Has the code checked.
    ///
    /// `POST /v1/auth/totp/verify`; [`Totp`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or the code is empty, or a step-up has no
    ///   refresh token; nothing was sent.
    /// - [`WrongCode`](crate::ErrorKind::WrongCode) (`E061102`): the code is not that of the app, or was used before.
    /// - [`TooManyAttempts`](crate::ErrorKind::TooManyAttempts) (`E061103`): too many wrong codes.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): nobody has the login id.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token of a step-up has ended.
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::secret("code", &body.code)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        Authentication::read(call!(api, totp_verify, &body)?, descope.token_names())
    }
}

impl TotpSeed {
    fn read(Answer { body, origin }: Answer<TotpSeedResponse>) -> Result<Self> {
        match body {
            TotpSeedResponse { provisioning_url: Some(provisioning_url), image, key: Some(key), .. } => {
                Ok(Self { provisioning_url, image: image.unwrap_or_default(), key })
            }
            _ => Err(origin.lacks("the answer holds no seed")),
        }
    }

    /// The `otpauth:` URL that apps on the same device open.
    pub fn provisioning_url(&self) -> &Secret {
        &self.provisioning_url
    }

    /// The same URL as a QR code: a PNG picture in base64.
    pub fn image(&self) -> &Secret {
        &self.image
    }

    /// The seed in base32, to be typed in where nothing can be scanned.
    pub fn key(&self) -> &Secret {
        &self.key
    }
}
