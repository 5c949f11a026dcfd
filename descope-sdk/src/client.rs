//! The client that everything starts from.

use std::{borrow::Cow, fmt, sync::Arc};

use descope_api::{
    CallOptions, Secret,
    types::{LoginOptions, SignUpOptions},
};

use crate::{
    DescopeBuilder, Error, ManagementKey, PollOptions, Result,
    auth::{
        AccessKeyAuth, EnchantedLink, Flow, MagicLink, Notp, Oauth, OneTap, Otp, Outbound, Password, Push,
        RecoveryCodes, SecurityQuestions, Sso, Totp, Webauthn,
    },
    check,
    session::{Flights, KindNames, SessionValidator, Sessions},
};

/// A client for one Descope project.
///
/// Make one and share it: it is `Send + Sync`, and a clone is another handle to the same connections and keys.
///
/// ```
/// use descope_sdk::Descope;
///
/// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").build()?;
/// let for_another_task = descope.clone();
/// # drop(for_another_task);
/// # Ok::<_, descope_sdk::Error>(())
/// ```
#[derive(Clone)]
pub struct Descope {
    inner: Arc<Inner>,
}

struct Inner {
    api: descope_api::Client,
    management_key: Option<ManagementKey>,
    fga_cache: Option<descope_api::Client>,
    validator: SessionValidator,
    poll: PollOptions,
    refreshes: Arc<Flights>,
}

impl Descope {
    /// Begins with the id of the project, `P` and at least 27 letters and digits.
    pub fn builder(project_id: impl Into<String>) -> DescopeBuilder {
        DescopeBuilder::new(project_id.into())
    }

    /// Makes a client from the environment; [`DescopeBuilder::from_env`] lists the variables.
    ///
    /// ```no_run
    /// let descope = descope_sdk::Descope::from_env()?;
    /// # Ok::<_, descope_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) with [`Error::argument`](crate::Error::argument) naming the
    /// variable that is missing or unusable.
    pub fn from_env() -> Result<Self> {
        DescopeBuilder::from_env()?.build()
    }

    /// Signs users in by a one-time code, sent by email, text message, call, WhatsApp or instant message.
    pub fn otp(&self) -> Otp {
        Otp::new(self.clone())
    }

    /// Signs users in by a link that they click on the device where they want to be signed in.
    pub fn magic_link(&self) -> MagicLink {
        MagicLink::new(self.clone())
    }

    /// Signs users in by a link that they click on any device, while this one waits.
    pub fn enchanted_link(&self) -> EnchantedLink {
        EnchantedLink::new(self.clone())
    }

    /// Signs users in by a password.
    pub fn password(&self) -> Password {
        Password::new(self.clone())
    }

    /// Signs users in by the code of an authenticator app.
    pub fn totp(&self) -> Totp {
        Totp::new(self.clone())
    }

    /// Signs users in by codes that they keep on paper.
    pub fn recovery_codes(&self) -> RecoveryCodes {
        RecoveryCodes::new(self.clone())
    }

    /// Signs users in with their account at a social provider, such as Google or GitHub.
    pub fn oauth(&self) -> Oauth {
        Oauth::new(self.clone())
    }

    /// Signs users in with the identity provider of their company, by SAML or OIDC.
    pub fn sso(&self) -> Sso {
        Sso::new(self.clone())
    }

    /// Signs users in by passkeys.
    pub fn webauthn(&self) -> Webauthn {
        Webauthn::new(self.clone())
    }

    /// Signs users in by a WhatsApp message that they send.
    pub fn notp(&self) -> Notp {
        Notp::new(self.clone())
    }

    /// Signs users in by the prompt of Google One Tap.
    pub fn one_tap(&self) -> OneTap {
        OneTap::new(self.clone())
    }

    /// Answers what browsers ask the project as identity provider, for a back end with a domain of its own. Needs the
    /// feature `fedcm`.
    #[cfg(feature = "fedcm")]
    pub fn fedcm(&self) -> crate::Fedcm {
        crate::Fedcm::new(self.clone())
    }

    /// Signs users in by a message to their phone, on which they approve it.
    pub fn push(&self) -> Push {
        Push::new(self.clone())
    }

    /// Runs flows that are drawn in the console.
    pub fn flow(&self) -> Flow {
        Flow::new(self.clone())
    }

    /// Connects signed-in users to their accounts at third parties.
    pub fn outbound(&self) -> Outbound {
        Outbound::new(self.clone())
    }

    /// Gets tokens for a program that acts for users, or for itself, as an inbound application of the project. Needs the
    /// feature `agents`.
    ///
    /// - `client_id`: of the inbound application.
    #[cfg(feature = "agents")]
    pub fn agent(&self, client_id: impl Into<String>) -> crate::Agent {
        crate::Agent::new(self.clone(), client_id.into())
    }

    /// Asks signed-in users questions that they have answered before.
    pub fn security_questions(&self) -> SecurityQuestions {
        SecurityQuestions::new(self.clone())
    }

    /// Signs machines in by an access key.
    pub fn access_key(&self) -> AccessKeyAuth {
        AccessKeyAuth::new(self.clone())
    }

    /// Validates, refreshes and ends sessions.
    pub fn session(&self) -> Sessions {
        Sessions::new(self.clone())
    }

    /// Manages the users and keys of the project. Needs a management key, and the feature `management`, which is on by
    /// default.
    #[cfg(feature = "management")]
    pub fn management(&self) -> crate::management::Management {
        crate::management::Management::new(self.clone())
    }

    /// The raw client, for operations that have no function of their own here.
    ///
    /// It has the management key if that is a value; one that comes from elsewhere ([`ManagementKey`]) is given to it by
    /// [`with_management_key`](descope_api::Client::with_management_key).
    ///
    /// Its errors turn into [`Error`](crate::Error) by `?`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let keys = descope.api().session_keys(descope.project_id(), None).await?;
    /// assert!(!keys.keys.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn api(&self) -> &descope_api::Client {
        &self.inner.api
    }

    /// The same client with options of their own for the calls that are made through it: a deadline, another policy for
    /// retries, further headers.
    ///
    /// The copy is cheap, and shares connections, keys and refreshes. Builders of management calls take options for one call
    /// too.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use descope_sdk::CallOptions;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let hasty = descope.with_options(CallOptions::new().timeout(Duration::from_secs(2)));
    /// let pending = hasty.otp().email("ada@example.com").sign_up_or_in().send().await?;
    /// # drop(pending);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        let Inner { api, management_key, fga_cache, validator, poll, refreshes } = &*self.inner;
        let inner = Inner {
            api: api.with_options(options),
            management_key: management_key.clone(),
            fga_cache: fga_cache.clone(),
            validator: validator.clone(),
            poll: poll.clone(),
            refreshes: Arc::clone(refreshes),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The id of the project.
    pub fn project_id(&self) -> &str {
        &self.api().config().project_id
    }

    /// Where the project is reached, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.api().config().base_url
    }

    pub(crate) fn assemble(
        api: descope_api::Client,
        management_key: Option<ManagementKey>,
        fga_cache: Option<descope_api::Client>,
        validator: SessionValidator,
        poll: PollOptions,
    ) -> Self {
        Self { inner: Arc::new(Inner { api, management_key, fga_cache, validator, poll, refreshes: Arc::default() }) }
    }

    pub(crate) fn validator(&self) -> &SessionValidator {
        &self.inner.validator
    }

    /// What the project's tokens and cookies are called.
    pub(crate) fn token_names(&self) -> &KindNames {
        self.inner.validator.kinds()
    }

    /// The refreshes that are under way.
    pub(crate) fn refreshes(&self) -> &Flights {
        &self.inner.refreshes
    }

    pub(crate) fn poll_options(&self) -> &PollOptions {
        &self.inner.poll
    }

    /// The raw client for a call that acts for the bearer of a token.
    pub(crate) fn acting_for(&self, argument: &'static str, token: &Secret) -> Result<descope_api::Client> {
        check::bearer(argument, token)?;
        Ok(self.api().with_token(token))
    }

    /// The raw client for a sign-in: with the user's refresh token if the sign-in builds on a session.
    pub(crate) fn signing_in(
        &self,
        refresh_jwt: Option<&Secret>,
        options: Option<&LoginOptions>,
    ) -> Result<Cow<'_, descope_api::Client>> {
        if let Some(options) = options {
            // A tenant that is blank would be no tenant, and the user of another one would be signed in.
            check::optional_text("tenant_id", options.tenant_id.as_deref())?;
            check::optional_text("template_id", options.template_id.as_deref())?;
            check::optional_text("sso_app_id", options.sso_app_id.as_deref())?;
        }
        if let Some(token) = refresh_jwt {
            return self.acting_for("refresh_jwt", token).map(Cow::Owned);
        }
        if options.is_some_and(|options| options.stepup == Some(true) || options.mfa == Some(true)) {
            let why = "is missing: a step-up or a further factor needs it, and `step_up` and `mfa` take it";
            return Err(Error::argument_refused("refresh_jwt", why));
        }
        Ok(Cow::Borrowed(self.api()))
    }

    /// The raw client for a sign-up.
    pub(crate) fn signing_up(&self, options: Option<&SignUpOptions>) -> Result<&descope_api::Client> {
        if let Some(options) = options {
            check::optional_text("tenant_id", options.tenant_id.as_deref())?;
            check::optional_text("template_id", options.template_id.as_deref())?;
        }
        Ok(self.api())
    }

    /// The raw client for a management call, refused here when there is no key to make it with.
    #[cfg(feature = "management")]
    pub(crate) fn managing(&self) -> Result<Cow<'_, descope_api::Client>> {
        self.keyed(self.api())
    }

    /// The raw client that reaches the authorization cache, if there is one.
    #[cfg(feature = "management")]
    pub(crate) fn fga_cache(&self) -> Option<Result<Cow<'_, descope_api::Client>>> {
        self.inner.fga_cache.as_ref().map(|cache| self.keyed(cache))
    }

    #[cfg(feature = "management")]
    fn keyed<'a>(&self, api: &'a descope_api::Client) -> Result<Cow<'a, descope_api::Client>> {
        match &self.inner.management_key {
            Some(key) if key.fixed().is_some() => return Ok(Cow::Borrowed(api)),
            Some(key) => return Ok(Cow::Owned(api.with_management_key(key.now()?))),
            None => {}
        }
        Err(Error::configuration(
            "management_key",
            "management calls need a management key: set `DESCOPE_MANAGEMENT_KEY` for `Descope::from_env()`, \
             or call `Descope::builder(..).management_key(..)`",
        ))
    }
}

impl fmt::Debug for Descope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.api().config();
        f.debug_struct("Descope")
            .field("project_id", &config.project_id)
            .field("base_url", &config.base_url)
            .field("management_key", &self.inner.management_key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_can_be_shared() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        shared::<Descope>();
    }
}
