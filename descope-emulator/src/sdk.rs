//! A client of the SDK that talks to an emulator.

use std::time::{Duration, UNIX_EPOCH};

use descope_sdk::{Descope, DescopeBuilder, session::Clock};

use crate::Emulator;

impl Emulator {
    /// A client for this emulator, with its management key and its clock: what a test begins with.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let descope = emulator.descope()?;
    ///
    /// let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// let mail = emulator.inbox().next("ada@example.com").await;
    /// let ada = pending.verify(mail.code.unwrap_or_default()).await?;
    /// assert!(ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](descope_sdk::ErrorKind::Configuration): the emulator was given a project id that the SDK does not
    /// take, such as a short one.
    pub fn descope(&self) -> descope_sdk::Result<Descope> {
        self.descope_builder().build()
    }

    /// The same before it is built, for more settings.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let descope = emulator.descope_builder().timeout(Duration::from_secs(2)).build()?;
    /// assert_eq!(descope.project_id(), emulator.project_id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn descope_builder(&self) -> DescopeBuilder {
        let time = self.clock();
        let now = move || UNIX_EPOCH + Duration::from_secs(u64::try_from(time.now()).unwrap_or_default());
        Descope::builder(self.project_id())
            .base_url(self.base_url())
            .management_key(self.management_key())
            // Its host may be one of the network, as in a container.
            .allow_insecure_http()
            .session_validator(|validator| validator.clock(Clock::from_fn(now)))
    }
}
