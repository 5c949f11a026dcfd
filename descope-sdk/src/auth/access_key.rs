//! Sessions for machines.

use std::time::SystemTime;

use descope_api::{
    Secret,
    types::{AccessKeyExchangeRequest, AccessKeyLoginOptions},
};

use crate::{
    Descope, Result,
    authentication::missing_session,
    check,
    raw_error::{call, operation},
    session::SessionValidator,
    setters::setters,
    token_source::{Lived, TokenSource},
};

/// Sign-in of machines. From [`Descope::access_key`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let created = descope.management().access_keys().create("nightly report").send().await?;
/// # let access_key = &created.cleartext;
/// let session = descope.access_key().exchange(access_key).send().await?;
/// let header = format!("Bearer {}", session.session_jwt().expose());
/// # assert!(session.key_id().is_some() && header.len() > 100);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AccessKeyAuth {
    descope: Descope,
}

/// An exchange of an access key for a session. From [`AccessKeyAuth::exchange`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AccessKeyExchange {
    descope: Descope,
    access_key: Secret,
    options: Option<AccessKeyLoginOptions>,
}

/// The session of a machine. There is no refresh token: the key is exchanged again when the session has expired.
#[derive(Clone, Debug)]
pub struct AccessKeySession {
    key_id: Option<String>,
    session_jwt: Secret,
    expires_at: Option<SystemTime>,
}

impl AccessKeyAuth {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Exchanges an access key, in clear text as it was shown when it was made, for a session JWT.
    ///
    /// `POST /v1/auth/accesskey/exchange`
    pub fn exchange(&self, access_key: impl Into<Secret>) -> AccessKeyExchange {
        AccessKeyExchange { descope: self.descope.clone(), access_key: access_key.into(), options: None }
    }
}

impl AccessKeyExchange {
    setters!(AccessKeyLoginOptions at options);

    /// The tenant that becomes the current one of the session (claim `dct`). The key has to belong to it.
    pub fn tenant_id(mut self, tenant_id: impl Into<String>) -> Self {
        self.options.get_or_insert_default().selected_tenant = Some(tenant_id.into());
        self
    }

    /// Keeps a session by this exchange: made when it is first needed, and again before it expires. Nothing is sent now.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let created = descope.management().access_keys().create("nightly report").send().await?;
    /// # let access_key = &created.cleartext;
    /// let machine = descope.access_key().exchange(access_key).keep()?;
    ///
    /// // Before each request:
    /// let session_jwt = machine.session_jwt().await?;
    /// # assert_eq!(session_jwt, machine.clone().session_jwt().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the key or the tenant is empty, or has characters that no key can have.
    pub fn keep(self) -> Result<MachineSession> {
        self.check()?;
        let validator = self.descope.validator().clone();
        let fetch = move || {
            let (exchange, validator) = (self.clone(), validator.clone());
            async move { Ok(Kept { session: exchange.send().await?, validator }) }
        };
        Ok(MachineSession { source: TokenSource::new(operation!(access_key_exchange), fetch) })
    }

    fn check(&self) -> Result<descope_api::Client> {
        let tenant = self.options.as_ref().and_then(|options| options.selected_tenant.as_deref());
        check::optional_text("tenant_id", tenant)?;
        self.descope.acting_for("access_key", &self.access_key)
    }

    /// Exchanges the key.
    ///
    /// `POST /v1/auth/accesskey/exchange`; [`AccessKeyAuth`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the key is empty or has characters that no key has;
    ///   nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E062803`): the key is unknown, expired or deactivated.
    /// - [`Decode`](crate::ErrorKind::Decode): the answer holds no session.
    pub async fn send(self) -> Result<AccessKeySession> {
        let api = self.check()?;
        let mut body = AccessKeyExchangeRequest::new();
        body.login_options = self.options;
        let answer = call!(api, access_key_exchange, &body)?;
        let expires_at = answer.body.expires_at();
        let session_jwt = answer.body.session_jwt.filter(|token| !token.is_empty());
        Ok(AccessKeySession {
            key_id: answer.body.key_id,
            session_jwt: session_jwt.ok_or_else(|| missing_session(&answer.origin))?,
            expires_at,
        })
    }
}

/// The session of a machine that renews itself. Clones share it. From [`AccessKeyExchange::keep`].
#[derive(Clone, Debug)]
pub struct MachineSession {
    source: TokenSource<Kept>,
}

/// A session, and what tells how long it lives on.
#[derive(Clone)]
struct Kept {
    session: AccessKeySession,
    validator: SessionValidator,
}

impl Lived for Kept {
    fn life_left(&self) -> Option<std::time::Duration> {
        self.validator.life_left(self.session.session_jwt.expose())
    }
}

impl MachineSession {
    /// A session token that is good for a minute at least, or for a quarter of its life if that is less: the one that is kept,
    /// or a new one. Callers at the same time share one exchange. While a token lives that the service does not renew for the
    /// moment, because it cannot be reached for instance, it is given all the same. It needs a tokio runtime.
    ///
    /// `POST /v1/auth/accesskey/exchange`, when it is needed; [`AccessKeyExchange::keep`] has an example.
    ///
    /// # Errors
    ///
    /// - As [`AccessKeyExchange::send`].
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no tokio runtime.
    pub async fn session_jwt(&self) -> Result<Secret> {
        Ok(self.source.get().await?.session.session_jwt)
    }

    /// The whole session.
    ///
    /// # Errors
    ///
    /// As [`session_jwt`](Self::session_jwt).
    pub async fn session(&self) -> Result<AccessKeySession> {
        Ok(self.source.get().await?.session)
    }

    /// Forgets the session, so that the next call exchanges the key: after a change of the key's roles, or when somebody has
    /// refused the token.
    pub fn forget(&self) {
        self.source.forget();
    }
}

impl AccessKeySession {
    /// Identifies the access key. It is no secret.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The session token. It is validated like that of a user.
    pub fn session_jwt(&self) -> &Secret {
        &self.session_jwt
    }

    /// When the session expires.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }
}
