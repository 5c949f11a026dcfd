//! A code that was sent and has to come back.

use descope_api::{Secret, types::OtpVerifyRequest};
use serde::{Deserialize, Serialize, Serializer};

use crate::{Authentication, DeliveryMethod, Descope, Result, check, raw_error::call};

/// A code that is on its way to the user. [`verify`](Self::verify) finishes the sign-in.
///
/// It serialises to its [state](Self::state), from which [`Otp::resume`](crate::Otp::resume) makes it again.
#[derive(Clone, Debug)]
pub struct PendingCode {
    descope: Descope,
    state: PendingCodeState,
}

/// What has to be kept of a [`PendingCode`] until the user has typed the code in. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCodeState {
    method: DeliveryMethod,
    login_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    masked_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempts: Option<i64>,
}

impl PendingCode {
    pub(crate) fn new(descope: Descope, state: PendingCodeState) -> Self {
        Self { descope, state }
    }

    /// Checks the code that the user typed in and signs the user in.
    ///
    /// After a wrong code this can be called again until the service has seen too many.
    ///
    /// `POST /v1/auth/otp/verify/{method}`
    ///
    /// ```
    /// # use descope_sdk::ErrorKind;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let right = inbox.next("ada@example.com").await.code.unwrap();
    /// # let wrong = if right == "000000" { "111111" } else { "000000" };
    /// match pending.verify(wrong).await {
    ///     Ok(ada) => println!("{:?} is in", ada.user()),
    ///     Err(error) if error.kind() == ErrorKind::WrongCode => println!("That is not the code. Try again."),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # pending.verify(right).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the code is empty; nothing was sent.
    /// - [`WrongCode`](crate::ErrorKind::WrongCode) (`E061102`), [`TooManyAttempts`](crate::ErrorKind::TooManyAttempts)
    ///   (`E061103`), [`Expired`](crate::ErrorKind::Expired) (`E061104`).
    /// - [`Decode`](crate::ErrorKind::Decode): the answer holds no session.
    pub async fn verify(&self, code: impl Into<Secret>) -> Result<Authentication> {
        verify(&self.descope, self.state.method, &self.state.login_id, code.into()).await
    }

    /// Where the code went, with most of it hidden. Fit to be shown.
    pub fn masked_address(&self) -> Option<&str> {
        self.state.masked_address()
    }

    /// What to keep when the code comes back in another request or another process.
    pub fn state(&self) -> &PendingCodeState {
        &self.state
    }
}

impl Serialize for PendingCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl PendingCodeState {
    pub(crate) fn new(
        method: DeliveryMethod,
        login_id: String,
        masked_address: Option<String>,
        attempts: Option<i64>,
    ) -> Self {
        Self { method, login_id, masked_address, attempts }
    }

    /// How the code was sent.
    pub fn method(&self) -> DeliveryMethod {
        self.method
    }

    /// Who signs in.
    pub fn login_id(&self) -> &str {
        &self.login_id
    }

    /// Where the code went, with most of it hidden. Fit to be shown.
    pub fn masked_address(&self) -> Option<&str> {
        self.masked_address.as_deref()
    }

    /// How many codes may be tried before a new one has to be asked for, when the service says so.
    pub fn attempts(&self) -> Option<i64> {
        self.attempts
    }
}

pub(super) async fn verify(
    descope: &Descope,
    method: DeliveryMethod,
    login_id: &str,
    code: Secret,
) -> Result<Authentication> {
    check::text("login_id", login_id)?;
    check::secret("code", &code)?;
    let body = OtpVerifyRequest::new(login_id, code);
    let api = descope.api();
    let answer = match method {
        DeliveryMethod::Email => call!(api, otp_verify_email, &body),
        DeliveryMethod::Sms => call!(api, otp_verify_sms, &body),
        DeliveryMethod::Voice => call!(api, otp_verify_voice, &body),
        DeliveryMethod::Whatsapp => call!(api, otp_verify_whatsapp, &body),
        DeliveryMethod::Im => call!(api, otp_verify_im, &body),
    };
    Authentication::read(answer?, descope.token_names())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_being_stored() {
        let state =
            PendingCodeState::new(DeliveryMethod::Whatsapp, "+15551234567".into(), Some("+1*******67".into()), Some(3));
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<PendingCodeState>(&json).unwrap(), state);
        let least = r#"{"method":"email","login_id":"ada@example.com","later":true}"#;
        let state: PendingCodeState = serde_json::from_str(least).unwrap();
        assert_eq!((state.method(), state.attempts()), (DeliveryMethod::Email, None));
    }
}
