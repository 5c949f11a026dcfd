//! Codes on paper, for the day on which the phone is gone.

use descope_api::{
    Secret,
    types::{RecoveryCodesGenerateRequest, RecoveryCodesSignInRequest},
};

use crate::{Authentication, Descope, Result, check, options::factor_setters, raw_error::call, setters::setters};

/// Codes that the user keeps in a safe place. From [`Descope::recovery_codes`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
/// # let refresh_jwt = ada.refresh_jwt().unwrap();
/// let codes = descope.recovery_codes().generate("ada@example.com", refresh_jwt).await?;
/// for code in &codes {
///     println!("{}", code.expose());
/// }
///
/// // When the phone is gone:
/// let ada = descope.recovery_codes().sign_in("ada@example.com", &codes[0]).send().await?;
/// # assert!(ada.refresh_jwt().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RecoveryCodes {
    descope: Descope,
}

/// A sign-in with a recovery code. From [`RecoveryCodes::sign_in`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RecoveryCodesSignIn {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: RecoveryCodesSignInRequest,
}

impl RecoveryCodes {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Makes new codes for a signed-in user, who has to write them down now: they cannot be read again. Those that the
    /// user had before stop working. How many there are is set in the project.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/recovery-codes`; [`RecoveryCodes`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or the refresh token is unusable; nothing was
    ///   sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    pub async fn generate(&self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> Result<Vec<Secret>> {
        let body = RecoveryCodesGenerateRequest::new(login_id);
        check::text("login_id", &body.login_id)?;
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        let answer = call!(api, recovery_codes_generate, &body)?;
        let codes: Option<Vec<Secret>> = answer.body.codes.into_iter().map(|code| code.code).collect();
        let lacking = || answer.origin.lacks("the answer holds no codes");
        codes.filter(|codes| !codes.is_empty()).ok_or_else(lacking)
    }

    /// Signs a user in with one of the codes, which is used up by it.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `code`: as the user typed it.
    ///
    /// `POST /v1/auth/recovery-codes/signin`
    pub fn sign_in(&self, login_id: impl Into<String>, code: impl Into<Secret>) -> RecoveryCodesSignIn {
        let body = RecoveryCodesSignInRequest::new(login_id, code);
        RecoveryCodesSignIn { descope: self.descope.clone(), refresh_jwt: None, body }
    }
}

impl RecoveryCodesSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);

    /// Signs the user in.
    ///
    /// `POST /v1/auth/recovery-codes/signin`; [`RecoveryCodes`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or the code is empty, or a step-up has no
    ///   refresh token; nothing was sent.
    /// - [`WrongCode`](crate::ErrorKind::WrongCode) (`E061102`): the code is none of the user's, or was used before.
    /// - [`TooManyAttempts`](crate::ErrorKind::TooManyAttempts) (`E061103`): too many wrong codes.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token of a step-up has ended.
    pub async fn send(self) -> Result<Authentication> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::secret("code", &body.code)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        Authentication::read(call!(api, recovery_codes_sign_in, &body)?, descope.token_names())
    }
}
