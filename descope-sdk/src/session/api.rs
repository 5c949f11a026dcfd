//! What is done with a session over the network.

use std::sync::Arc;

use descope_api::Secret;
use descope_api::types::{
    AuthHistory, AuthHistoryEntry, SessionLogoutRequest, SessionRefreshRequest, SessionSelectTenantRequest, User,
};
use serde_json::{Map, Value};

use super::{KeyFetch, Session, SessionValidator};
use crate::api_error::{Answer, call};
use crate::{Authentication, CookieSettings, Descope, Result, check};

/// Sessions of signed-in users. From [`Descope::session`].
///
/// ```
/// # use descope_sdk::Descope;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = Descope::builder(emulator.project_id()).base_url(emulator.base_url()).build()?;
/// # let inbox = emulator.inbox();
/// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
/// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
/// # let (session_jwt, refresh_jwt) = (ada.session_jwt(), ada.refresh_jwt().unwrap());
/// let session = descope.session().validate(session_jwt.expose()).await?;
/// println!("{} is signed in", session.user_id());
///
/// let renewed = descope.session().refresh(refresh_jwt).await?;
/// # assert!(!renewed.session_jwt().is_empty());
/// descope.session().logout(refresh_jwt).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sessions {
    descope: Descope,
}

impl Sessions {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Checks a session token against the project's public keys, on this machine: no call to the service unless the
    /// keys have to be fetched.
    ///
    /// - `session_jwt`: the token as it came with the user's request.
    ///
    /// `GET /v2/keys/{projectId}` when keys are needed; [`Sessions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidToken`](crate::ErrorKind::InvalidToken): the token is not good; the
    ///   [`TokenError`](super::TokenError) in the error's source says why.
    /// - [`Network`](crate::ErrorKind::Network), [`Server`](crate::ErrorKind::Server) or
    ///   [`Timeout`](crate::ErrorKind::Timeout): the keys are not available, and nothing is known of the token.
    pub async fn validate(&self, session_jwt: &str) -> Result<Session> {
        Ok(self.validator().validate_session(session_jwt).await?)
    }

    /// The validator of this project's tokens, to be used by itself.
    pub fn validator(&self) -> &SessionValidator {
        self.descope.validator()
    }

    /// Gets a new session token. The user notices nothing.
    ///
    /// - `refresh_jwt`: the user's refresh token. It stays in the answer unless the service replaced it, so
    ///   [`Authentication::refresh_jwt`] is always the one to use next time.
    ///
    /// `POST /v1/auth/refresh`; [`Sessions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the refresh token is none; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E064001` after a logout): the refresh token has ended. The
    ///   user has to sign in again.
    pub async fn refresh(&self, refresh_jwt: impl Into<Secret>) -> Result<Authentication> {
        let refresh_jwt = refresh_jwt.into();
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = call!(api, session_refresh, &SessionRefreshRequest::default())?;
        Ok(Authentication::read(answer)?.keeping(refresh_jwt))
    }

    /// Gets a new session token if there is one to be had, and `None` when the refresh token has ended. The answer
    /// names no [user](Authentication::user).
    ///
    /// - `refresh_jwt`: a refresh token that may be good or not.
    ///
    /// `POST /v1/auth/try-refresh`
    ///
    /// ```
    /// # use descope_sdk::Descope;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = Descope::builder(emulator.project_id()).base_url(emulator.base_url()).build()?;
    /// let stale = "eyJhbGciOiJSUzI1NiJ9.eyJkcm4iOiJEU1IifQ.c2lnbmF0dXJl";
    /// assert!(descope.session().try_refresh(stale).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the refresh token cannot be one; nothing was sent.
    /// - [`Network`](crate::ErrorKind::Network) and the like: nothing is known.
    pub async fn try_refresh(&self, refresh_jwt: impl Into<Secret>) -> Result<Option<Authentication>> {
        let refresh_jwt = refresh_jwt.into();
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = call!(api, session_try_refresh, &SessionRefreshRequest::default())?;
        Ok(Authentication::read_optional(answer).map(|session| session.keeping(refresh_jwt)))
    }

    /// Has the service check a session token, and gives its claims. Costs a call, and notices at once when a session
    /// was ended; [`validate`](Self::validate) does neither.
    ///
    /// - `session_jwt`: the token as it came with the user's request.
    ///
    /// `POST /v1/auth/validate`
    ///
    /// ```
    /// # use descope_sdk::Descope;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = Descope::builder(emulator.project_id()).base_url(emulator.base_url()).build()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// let claims = descope.session().validate_remotely(ada.session_jwt()).await?;
    /// assert_eq!(claims["sub"].as_str(), ada.user().unwrap().user_id.as_deref());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the token cannot be one; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the session has ended.
    /// - [`Decode`](crate::ErrorKind::Decode): the answer holds no claims.
    pub async fn validate_remotely(&self, session_jwt: impl Into<Secret>) -> Result<Map<String, Value>> {
        let api = self.descope.acting_for("session_jwt", &session_jwt.into())?;
        let answer = call!(api, session_validate)?;
        let Answer { body, origin } = answer;
        // The published reply wraps the claims; both forms are in use.
        let claims = if body.parsed_jwt.is_empty() { body.extra } else { body.parsed_jwt };
        if claims.is_empty() {
            return Err(origin.lacks("the answer holds no claims"));
        }
        Ok(claims)
    }

    /// Ends the session on this device. Its tokens stop working; a session token that is only checked locally runs
    /// until it expires.
    ///
    /// The answer says which cookies to clear.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/logout`; [`Sessions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the refresh token is none; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the session has ended already.
    pub async fn logout(&self, refresh_jwt: impl Into<Secret>) -> Result<CookieSettings> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        let answer = call!(api, session_logout, &SessionLogoutRequest::default())?;
        Ok(CookieSettings::of(&answer.body))
    }

    /// Ends the user's sessions on all devices.
    ///
    /// - `refresh_jwt`: a refresh token of the user.
    ///
    /// `POST /v1/auth/logoutall`
    ///
    /// ```
    /// # use descope_sdk::{Descope, ErrorKind};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = Descope::builder(emulator.project_id()).base_url(emulator.base_url()).build()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// descope.session().logout_all(refresh_jwt).await?;
    ///
    /// let ended = descope.session().refresh(refresh_jwt).await.unwrap_err();
    /// assert_eq!(ended.kind(), ErrorKind::Unauthorized);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`logout`](Self::logout).
    pub async fn logout_all(&self, refresh_jwt: impl Into<Secret>) -> Result<CookieSettings> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        let answer = call!(api, session_logout_all, &SessionLogoutRequest::default())?;
        Ok(CookieSettings::of(&answer.body))
    }

    /// The signed-in user as the service knows them now.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `GET /v1/auth/me`
    ///
    /// ```
    /// # use descope_sdk::Descope;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = Descope::builder(emulator.project_id()).base_url(emulator.base_url()).build()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// let me = descope.session().me(refresh_jwt).await?;
    /// assert_eq!(me.email.as_deref(), Some("ada@example.com"));
    ///
    /// for sign_in in descope.session().history(refresh_jwt).await? {
    ///     println!("{:?} from {:?}", sign_in.login_time, sign_in.ip);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the refresh token is none; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E064001` after a logout): the session has ended.
    pub async fn me(&self, refresh_jwt: impl Into<Secret>) -> Result<User> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        Ok(call!(api, session_me)?.body)
    }

    /// When and from where the signed-in user has signed in.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `GET /v1/auth/me/history`; [`me`](Self::me) has an example.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me).
    pub async fn history(&self, refresh_jwt: impl Into<Secret>) -> Result<Vec<AuthHistoryEntry>> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        Ok(match call!(api, session_history)?.body {
            AuthHistory::Bare(entries) | AuthHistory::Wrapped { auth_history: entries } => entries,
        })
    }

    /// Makes one of the user's tenants the current one: the new session has it in the claim `dct`.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    /// - `tenant_id`: a tenant that the user belongs to.
    ///
    /// `POST /v1/auth/tenant/select`
    ///
    /// ```
    /// # use descope_sdk::Descope;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = Descope::builder(emulator.project_id())
    /// #     .base_url(emulator.base_url()).management_key(emulator.management_key()).build()?;
    /// let tenant = "T2RmwA1b2C3d4E5f6G7h8J9k0Lm";
    /// # let member = descope.management().user().create("ada@example.com").tenant(tenant, ["writer"]);
    /// # member.status("enabled").send().await?;
    /// # let token = descope.management().embedded_link().sign_in("ada@example.com").send().await?;
    /// # let ada = descope.magic_link().verify(token).await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// let ada = descope.session().select_tenant(refresh_jwt, tenant).await?;
    /// let session = descope.session().validate(ada.session_jwt().expose()).await?;
    /// assert_eq!(session.current_tenant(), Some(tenant));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the refresh token is none or the tenant id is blank;
    ///   nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the session has ended, or the user is not in the tenant.
    pub async fn select_tenant(
        &self,
        refresh_jwt: impl Into<Secret>,
        tenant_id: impl Into<String>,
    ) -> Result<Authentication> {
        let (refresh_jwt, tenant) = (refresh_jwt.into(), tenant_id.into());
        check::text("tenant_id", &tenant)?;
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = call!(api, session_select_tenant, &SessionSelectTenantRequest { tenant })?;
        Ok(Authentication::read(answer)?.keeping(refresh_jwt))
    }
}

/// Reads the project's keys through the client, whose bounds and retries then count for them too.
pub(crate) fn key_fetch(api: &descope_api::Client) -> KeyFetch {
    let api = api.clone();
    Arc::new(move || {
        let api = api.clone();
        Box::pin(async move {
            let project_id = api.config().project_id.clone();
            let keys = call!(api, session_keys, &project_id, None)?;
            Ok(serde_json::to_vec(&keys.body)?)
        })
    })
}
