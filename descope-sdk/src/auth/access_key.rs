//! Sessions for machines.

use std::time::SystemTime;

use descope_api::{
    Secret,
    types::{AccessKeyExchangeRequest, AccessKeyLoginOptions},
};
use serde_json::{Map, Value};

use crate::{
    Descope, Result,
    authentication::{epoch, missing_session},
    check,
    raw_error::call,
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
    /// Adds a claim to the session JWT. The service does not trust it: it lands inside the claim `nsec`, unlike the
    /// claims of the key itself.
    pub fn custom_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.get_or_insert_default().custom_claims.insert(name.into(), value.into());
        self
    }

    /// Sets all claims to add to the session JWT, which end up inside the claim `nsec`.
    pub fn custom_claims(mut self, claims: Map<String, Value>) -> Self {
        self.options.get_or_insert_default().custom_claims = claims;
        self
    }

    /// The tenant that becomes the current one of the session (claim `dct`). The key has to belong to it.
    pub fn tenant(mut self, tenant_id: impl Into<String>) -> Self {
        self.options.get_or_insert_default().selected_tenant = Some(tenant_id.into());
        self
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
        let tenant = self.options.as_ref().and_then(|options| options.selected_tenant.as_deref());
        check::optional_text("tenant", tenant)?;
        let api = self.descope.acting_for("access_key", &self.access_key)?;
        let mut body = AccessKeyExchangeRequest::new();
        body.login_options = self.options;
        let answer = call!(api, access_key_exchange, &body)?;
        let session_jwt = answer.body.session_jwt.filter(|token| !token.is_empty());
        Ok(AccessKeySession {
            key_id: answer.body.key_id,
            session_jwt: session_jwt.ok_or_else(|| missing_session(&answer.origin))?,
            expires_at: answer.body.expiration.and_then(epoch),
        })
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
