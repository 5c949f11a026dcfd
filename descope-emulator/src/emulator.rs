//! An emulator that is running: look inside, do what a person would do, and stop it.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    admin::{
        fault::Fault,
        inbox::Inbox,
        person::{self, PersonError},
    },
    area::{self, notp::Decision, provider::page::Which},
    builder::EmulatorBuilder,
    http::App,
    world::Clock,
};

/// A local Descope that is running. It stops, with all its connections, when it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use descope_emulator::Emulator;
///
/// let emulator = Emulator::builder().start().await?;
/// let keys = format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id());
/// let keys = reqwest::get(keys).await?.text().await?;
/// assert!(keys.contains("RS256"));
/// # Ok(())
/// # }
/// ```
#[must_use = "the emulator stops when it is dropped"]
pub struct Emulator {
    pub(crate) app: Arc<App>,
    base_url: String,
    server: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Emulator {
    /// An emulator that is still to be set up and started.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }

    pub(crate) fn running(app: Arc<App>, base_url: String, server: JoinHandle<()>, stop: watch::Sender<bool>) -> Self {
        Self { app, base_url, server, stop }
    }

    /// The ids of the operations that the emulator carries out, sorted. It answers every other one with 501.
    ///
    /// ```
    /// let operations = descope_emulator::Emulator::emulated_operations();
    /// assert!(operations.contains(&"otpVerifyEmail"));
    /// ```
    pub fn emulated_operations() -> Vec<&'static str> {
        let mut operations: Vec<_> = area::table().operations().collect();
        operations.sort_unstable();
        operations
    }

    /// Stops listening, finishes the calls that are under way, and ends. Dropping it ends at once instead. Calls that
    /// are not done within `patience` are cut.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// emulator.stop(Duration::from_secs(10)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(mut self, patience: Duration) {
        let _ = self.stop.send(true);
        // Whoever listens would do so for ever.
        self.app.world.events.close();
        let _ = tokio::time::timeout(patience, &mut self.server).await;
    }

    /// Where it listens, such as `http://127.0.0.1:41234`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The id of the emulated project.
    pub fn project_id(&self) -> &str {
        &self.app.project_id
    }

    /// The management key that it accepts.
    pub fn management_key(&self) -> &str {
        &self.app.management_key
    }

    /// The messages that the service would have sent.
    pub fn inbox(&self) -> Inbox {
        self.app.world.default_project().inbox.clone()
    }

    /// The clock that codes, links and tokens expire by.
    pub fn clock(&self) -> Clock {
        self.app.world.clock.clone()
    }

    /// The code that an authenticator app with this seed shows now, by the time of the emulator: six digits. Nothing when
    /// `key` is not a seed in base32.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let code = emulator.totp_code("JBSWY3DPEHPK3PXP").expect("a seed");
    /// assert_eq!(code.len(), 6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn totp_code(&self, key: &str) -> Option<String> {
        crate::area::totp::shown(key, self.clock().now())
    }

    /// Answers the next call of an operation with a fault. Several faults for one operation happen one after the other.
    ///
    /// `operation` is the id in the specification, such as `otpVerifyEmail`, or the name of the function of the raw
    /// client, such as `otp_verify_email`. An operation that does not exist is never called, so its faults never
    /// happen.
    ///
    /// ```
    /// # fn example(emulator: &descope_emulator::Emulator) {
    /// use descope_emulator::Fault;
    ///
    /// emulator.fail_next("otpVerifyEmail", Fault::status(503).times(2));
    /// # }
    /// ```
    pub fn fail_next(&self, operation: &str, fault: Fault) {
        let id = descope_api::operation(operation).map_or(operation, |operation| operation.id);
        self.app.faults.add_unchecked(fault.operation(id));
    }

    /// Approves what a device asks for that shows this code (RFC 8628), as the user of a login id would on another
    /// device. An email address that nobody has signs up. Whether a device waited and the user may do that.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let url = format!("{}/oauth2/v1/device", emulator.base_url());
    /// let form = format!("client_id={}&scope=openid", emulator.project_id());
    /// let form = reqwest::Client::new().post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    /// let device: serde_json::Value = serde_json::from_str(&form.send().await?.text().await?)?;
    ///
    /// let code = device["user_code"].as_str().unwrap_or_default();
    /// assert!(emulator.approve_device(code, "ada@example.com"));
    /// assert!(!emulator.approve_device(code, "ada@example.com"), "it is decided");
    /// # Ok(())
    /// # }
    /// ```
    pub fn approve_device(&self, user_code: &str, login_id: &str) -> bool {
        self.app.decide(Which::Device(user_code), Some(login_id), "approve")
    }

    /// Refuses what a device asks for that shows this code. Whether a device waited for that.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// assert!(!emulator.refuse_device("WDJB-MJHT"), "no device shows that");
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_device(&self, user_code: &str) -> bool {
        self.app.decide(Which::Device(user_code), None, "refuse")
    }

    /// Approves the oldest backchannel request (CIBA) that waits for a user, as that user would on their own device.
    /// Whether one waited.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// assert!(!emulator.approve_backchannel("ada@example.com"), "nobody has asked");
    /// # Ok(())
    /// # }
    /// ```
    pub fn approve_backchannel(&self, login_id: &str) -> bool {
        self.app.decide(Which::BackchannelOf(login_id), None, "approve")
    }

    /// Refuses the oldest backchannel request (CIBA) that waits for a user. Whether one waited.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// assert!(!emulator.refuse_backchannel("ada@example.com"), "nobody has asked");
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_backchannel(&self, login_id: &str) -> bool {
        self.app.decide(Which::BackchannelOf(login_id), None, "refuse")
    }

    /// Forgets users, sessions, codes, links, access keys, messages, faults and requests, and sets the clock right.
    /// Address, project id, management key and signing keys stay.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// emulator.reset();
    /// assert!(emulator.inbox().messages().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) {
        self.app.reset();
    }

    /// An ID token of the emulator's own identity provider, which stands in for Google, Apple and all others: what a
    /// prompt in the page gives for `onetapExchange`, or a phone for `oauthNativeFinish`. It is good for an hour.
    ///
    /// `email` and `name` say who signs in; an empty name is left out. `nonce` is what the call that takes the token
    /// expects in it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use descope_api::{Client, Config, types};
    /// # use descope_api::vocabulary::OnetapProvider;
    ///
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let config = Config::new(emulator.base_url(), emulator.project_id());
    /// let client = Client::connect(reqwest::Client::new(), config);
    ///
    /// let token = emulator.provider_id_token("ada@example.com", "Ada", None)?;
    /// let tapped = types::OnetapIdTokenRequest::new(OnetapProvider::GOOGLE, token);
    /// let session = client.onetap_exchange(&tapped).await?.into_inner();
    /// assert_eq!(session.user.and_then(|user| user.name).as_deref(), Some("Ada"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PersonError`]: `email` is not an email address.
    pub fn provider_id_token(&self, email: &str, name: &str, nonce: Option<&str>) -> Result<String, PersonError> {
        person::issue_token(&self.app, &self.base_url, email, name, nonce)
    }

    /// Sends the message of an nOTP sign-in, as the user does whom `redirect_url` of the answer has led to the messenger.
    /// The device that polls gets its session then.
    ///
    /// `phone` is the number that it comes from, such as `+15551234567`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use descope_api::{Client, Config, types};
    /// # use descope_api::vocabulary::NotpProvider;
    ///
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let config = Config::new(emulator.base_url(), emulator.project_id());
    /// let client = Client::connect(reqwest::Client::new(), config);
    /// let begun = client.notp_sign_up_or_in(&NotpProvider::WHATSAPP, &types::NotpSignInRequest::new()).await?.into_inner();
    ///
    /// emulator.send_message(&begun.redirect_url.unwrap_or_default(), "+15551234567")?;
    ///
    /// let pending = types::NotpPendingSessionRequest::new(begun.pending_ref.unwrap_or_default());
    /// let session = client.notp_pending_session(&pending).await?.into_inner();
    /// assert_eq!(session.user.and_then(|user| user.phone).as_deref(), Some("+15551234567"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PersonError`]: the address is none of the messenger's, the message was sent before or has expired, or it has to
    /// come from another number.
    pub fn send_message(&self, redirect_url: &str, phone: &str) -> Result<(), PersonError> {
        person::decide_message(&self.app, redirect_url, Decision::Send { phone: phone.to_owned() })
    }

    /// Refuses to send the message of an nOTP sign-in. The device that polls is refused for good.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let nowhere = format!("{}/_emulator/messenger?message=unknown", emulator.base_url());
    /// assert!(emulator.refuse_message(&nowhere).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PersonError`]: the address is none of the messenger's, or the message was sent before or has expired.
    pub fn refuse_message(&self, redirect_url: &str) -> Result<(), PersonError> {
        person::decide_message(&self.app, redirect_url, Decision::Refuse)
    }

    /// Signs with a new key from now on and withdraws the old one from `/v2/keys`, so that tokens signed before are
    /// no longer valid for those who check them locally. The emulator itself still accepts them, as the service does:
    /// a refresh leads to a session signed with the new key.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let url = format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id());
    /// let before = reqwest::get(&url).await?.text().await?;
    /// emulator.rotate_keys();
    /// assert_ne!(reqwest::get(&url).await?.text().await?, before);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rotate_keys(&self) {
        self.app.world.default_project().change_keys(|keys| keys.rotate(false));
        let _ = self.app.world.save();
    }

    /// Signs with a new key from now on and keeps the old one in `/v2/keys`, so that tokens signed before stay valid
    /// for everybody.
    pub fn add_key(&self) {
        self.app.world.default_project().change_keys(|keys| keys.rotate(true));
        let _ = self.app.world.save();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .field("project_id", &self.app.project_id)
            .finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.abort();
        self.app.world.release();
    }
}
