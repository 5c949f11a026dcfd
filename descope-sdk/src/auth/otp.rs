//! One-time codes.

mod pending;
mod send;

use descope_api::Secret;
pub use pending::{PendingCode, PendingCodeState};
pub use send::{OtpSignIn, OtpSignUp, OtpUpdate};

use crate::{Authentication, DeliveryMethod, Descope, Result};

/// Sign-in by a one-time code. From [`Descope::otp`].
///
/// Choose how the code reaches the user, then what it is for:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let inbox = emulator.inbox();
/// let pending = descope.otp().email("ada@example.com").sign_up_or_in().send().await?;
/// println!("We have sent a code to {}", pending.masked_address().unwrap_or("you"));
/// # let code = inbox.next("ada@example.com").await.code.unwrap();
///
/// let ada = pending.verify(code).await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Otp {
    descope: Descope,
}

/// Codes that go to one user over one channel. From [`Otp::email`] and its siblings.
#[derive(Clone, Debug)]
pub struct OtpChannel {
    descope: Descope,
    method: DeliveryMethod,
    login_id: String,
}

impl Otp {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Codes by email. `login_id` is the name under which the user signs in, mostly the address itself.
    pub fn email(&self, login_id: impl Into<String>) -> OtpChannel {
        self.channel(DeliveryMethod::Email, login_id)
    }

    /// Codes by text message. `login_id` is mostly the number itself, in E.164 form such as `+15551234567`.
    pub fn sms(&self, login_id: impl Into<String>) -> OtpChannel {
        self.channel(DeliveryMethod::Sms, login_id)
    }

    /// Codes read out on a phone call. `login_id` is mostly the number itself, in E.164 form.
    pub fn voice(&self, login_id: impl Into<String>) -> OtpChannel {
        self.channel(DeliveryMethod::Voice, login_id)
    }

    /// Codes by WhatsApp. `login_id` is mostly the number itself, in E.164 form.
    pub fn whatsapp(&self, login_id: impl Into<String>) -> OtpChannel {
        self.channel(DeliveryMethod::Whatsapp, login_id)
    }

    /// Codes by the instant messenger that the project is connected to. `login_id` is mostly the phone number.
    pub fn im(&self, login_id: impl Into<String>) -> OtpChannel {
        self.channel(DeliveryMethod::Im, login_id)
    }

    /// Codes over a channel that is chosen at run time.
    pub fn channel(&self, method: DeliveryMethod, login_id: impl Into<String>) -> OtpChannel {
        OtpChannel { descope: self.descope.clone(), method, login_id: login_id.into() }
    }

    /// Goes on with a code that was sent earlier, perhaps by another process.
    ///
    /// ```
    /// # use descope_sdk::PendingCodeState;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// let pending = descope.otp().sms("+15551234567").sign_up_or_in().send().await?;
    /// let stored = serde_json::to_string(&pending)?;
    /// # let code = inbox.next("+15551234567").await.code.unwrap();
    ///
    /// // With the next request of the user, wherever it arrives:
    /// let state: PendingCodeState = serde_json::from_str(&stored)?;
    /// let ada = descope.otp().resume(state).verify(code).await?;
    /// # assert!(ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&self, state: PendingCodeState) -> PendingCode {
        PendingCode::new(self.descope.clone(), state)
    }
}

impl OtpChannel {
    /// Creates the user and sends a code. A login id that somebody has already is refused.
    ///
    /// `POST /v1/auth/otp/signup/{method}`
    pub fn sign_up(self) -> OtpSignUp {
        OtpSignUp::new(self)
    }

    /// Sends a code to an existing user. A login id that nobody has is refused.
    ///
    /// `POST /v1/auth/otp/signin/{method}`
    pub fn sign_in(self) -> OtpSignIn {
        OtpSignIn::new(self, false)
    }

    /// Sends a code, and creates the user when nobody has the login id yet;
    /// [`Authentication::first_seen`] tells which of the two it was.
    ///
    /// `POST /v1/auth/otp/signup-in/{method}`
    pub fn sign_up_or_in(self) -> OtpSignIn {
        OtpSignIn::new(self, true)
    }

    /// Changes the address or number of a signed-in user to that of this channel, once the code that is sent there
    /// has been verified.
    ///
    /// - `login_id`: the name under which the user signs in now.
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/otp/update/email` or `/v1/auth/otp/update/phone/{method}`
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
    /// let pending = descope
    ///     .otp()
    ///     .email("ada@lovelace.example")
    ///     .update("ada@example.com", refresh_jwt)
    ///     .add_to_login_ids(true)
    ///     .send()
    ///     .await?;
    /// # let code = inbox.next("ada@lovelace.example").await.code.unwrap();
    /// let ada = pending.verify(code).await?;
    /// # assert_eq!(ada.user().unwrap().email.as_deref(), Some("ada@lovelace.example"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(self, login_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> OtpUpdate {
        OtpUpdate::new(self, login_id.into(), refresh_jwt.into())
    }

    /// Checks a code without the [`PendingCode`] of the request for it.
    ///
    /// `POST /v1/auth/otp/verify/{method}`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// # descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let code = inbox.next("ada@example.com").await.code.unwrap();
    /// let ada = descope.otp().email("ada@example.com").verify(code).await?;
    /// # assert!(ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`PendingCode::verify`].
    pub async fn verify(&self, code: impl Into<Secret>) -> Result<Authentication> {
        pending::verify(&self.descope, self.method, &self.login_id, code.into()).await
    }
}
