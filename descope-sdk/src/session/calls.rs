//! What is done with a session over the network.

use std::sync::Arc;

use descope_api::{
    CallOptions, RetryPolicy, Secret,
    types::{
        AuthHistory, AuthHistoryEntry, SessionLogoutRequest, SessionRefreshRequest, SessionSelectTenantRequest,
        SessionTenant, SessionTenantsRequest, User,
    },
};
use serde_json::{Map, Value};

use super::{KeyFetch, Session, SessionCookies, SessionValidator, TokenError, single_flight::Reuse};
use crate::{
    Authentication, CookieSettings, Descope, Error, Result, check,
    raw_error::{Answer, call, operation},
};

/// Sessions of signed-in users. From [`Descope::session`].
///
/// ```
/// # use descope_sdk::Descope;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
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

/// A valid session, and the new tokens if it took a refresh to get one. From [`Sessions::validate_or_refresh`].
#[derive(Clone, Debug)]
#[must_use = "new tokens are lost unless the user's client gets them"]
pub struct ValidatedSession {
    session: Session,
    refreshed: Option<Authentication>,
}

impl ValidatedSession {
    /// Who is signed in.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The new tokens, if there was a refresh. The user's client has to get them in place of those it has, for which
    /// [`SessionCookies::set`] makes the cookies.
    pub fn refreshed(&self) -> Option<&Authentication> {
        self.refreshed.as_ref()
    }

    /// Takes the two apart.
    pub fn into_parts(self) -> (Session, Option<Authentication>) {
        (self.session, self.refreshed)
    }
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

    /// The cookies for the tokens of this project: under the names that were given to
    /// [`token_names`](super::SessionValidatorBuilder::token_names), `DS` and `DSR` otherwise. Those of
    /// [`former_token_names`](super::SessionValidatorBuilder::former_token_names) are looked for after them.
    #[must_use]
    pub fn cookies(&self) -> SessionCookies {
        let names = self.descope.token_names();
        SessionCookies::new().session_names(names.session()).refresh_names(names.refresh())
    }

    /// Gets a new session token. The user notices nothing.
    ///
    /// Callers that refresh the same token at the same time share one request and its answer. Where the service replaces
    /// the refresh token, whoever comes with the old one within ten seconds gets the same answer. It needs a tokio
    /// runtime.
    ///
    /// - `refresh_jwt`: the user's refresh token. It stays in the answer unless the service replaced it, so
    ///   [`Authentication::refresh_jwt`] is always the one to use next time.
    ///
    /// `POST /v1/auth/refresh`; [`Sessions`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is not a refresh token; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E064001` after a logout): the refresh token has ended. The
    ///   user has to sign in again.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no tokio runtime.
    pub async fn refresh(&self, refresh_jwt: impl Into<Secret>) -> Result<Authentication> {
        self.refresh_or_reuse(self.validator(), refresh_jwt.into(), Reuse::Rotated).await
    }

    /// Signs a user in by the session of the system that the project is migrating from, so that nobody has to sign in again.
    /// The project has to be set up for it.
    ///
    /// - `external_token`: the token of that system's session.
    ///
    /// `POST /v1/auth/refresh`
    ///
    /// ```
    /// # use descope_sdk::LoginId;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # descope.management().users().create(LoginId::new("ada@example.com")).send().await?;
    /// # let external_token = emulator.provider_id_token("ada@example.com", "Ada", None)?;
    /// // The request came with a session of the system before:
    /// let ada = descope.session().migrate(external_token).await?;
    /// let cookies = descope.session().cookies().set(&ada)?;
    /// # assert!(cookies.values().count() > 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the token is empty, and nothing was sent; or the project is
    ///   not set up for it.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`): the user was not brought along yet. Nobody is signed up here.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) or [`Expired`](crate::ErrorKind::Expired): the token is not one of
    ///   the other system, or too old.
    pub async fn migrate(&self, external_token: impl Into<Secret>) -> Result<Authentication> {
        let external_token = external_token.into();
        crate::check::secret("external_token", &external_token)?;
        let body = SessionRefreshRequest::new().external_token(external_token);
        Authentication::read(call!(self.descope.api(), session_refresh, &body)?, self.descope.token_names())
    }

    /// - `validator`: it knows what the new tokens may be called.
    async fn refresh_or_reuse(
        &self,
        validator: &SessionValidator,
        refresh_jwt: Secret,
        reuse: Reuse,
    ) -> Result<Authentication> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let token = refresh_jwt.clone();
        let life_left = validator.life_left(token.expose());
        let validator = validator.clone();
        let refresh = move || async move {
            let answer = call!(api, session_refresh, &SessionRefreshRequest::default())?;
            Ok(Authentication::read(answer, validator.kinds())?.keeping(refresh_jwt))
        };
        self.descope.refreshes().join(&token, life_left, reuse, refresh).await
    }

    /// Validates the session token, and if it is not good, gets and validates a new one: what a server does with the
    /// tokens that a request brings. Either token alone is enough.
    ///
    /// The refresh token is validated first, so that made-up ones cause no requests to the service; and callers that
    /// refresh the same one at the same time share one request.
    ///
    /// - `session_jwt`: the session token, if the request has one. An empty one counts as none.
    /// - `refresh_jwt`: the refresh token, likewise. Without one this is [`validate`](Self::validate).
    ///
    /// `POST /v1/auth/refresh`, only when it is needed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let inbox = emulator.inbox();
    /// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    /// # let ada = pending.verify(inbox.next("ada@example.com").await.code.unwrap()).await?;
    /// # let session_jwt = ada.session_jwt().expose();
    /// # let refresh_jwt = ada.refresh_jwt().unwrap().expose();
    /// let valid = descope.session().validate_or_refresh(Some(session_jwt), Some(refresh_jwt)).await?;
    /// assert!(valid.refreshed().is_none());
    ///
    /// // An hour later the session token has expired.
    /// # emulator.clock().advance(Duration::from_secs(3600));
    /// let valid = descope.session().validate_or_refresh(Some(session_jwt), Some(refresh_jwt)).await?;
    /// let new_tokens = valid.refreshed().unwrap();
    /// assert_ne!(new_tokens.session_jwt().expose(), session_jwt);
    /// println!("{} is signed in", valid.session().user_id());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): there is neither token.
    /// - [`InvalidToken`](crate::ErrorKind::InvalidToken): the session token is not good and there is no refresh token, or
    ///   that one is not good either.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E064001` after a logout): the refresh token has ended. The
    ///   user has to sign in again.
    /// - [`Network`](crate::ErrorKind::Network), [`Server`](crate::ErrorKind::Server) or
    ///   [`Timeout`](crate::ErrorKind::Timeout): nothing is known of the tokens.
    pub async fn validate_or_refresh(
        &self,
        session_jwt: Option<&str>,
        refresh_jwt: Option<&str>,
    ) -> Result<ValidatedSession> {
        let refused = match session_jwt.filter(|token| !token.is_empty()) {
            None => Error::argument_refused("session_jwt", "is missing, and there is no refresh token either"),
            Some(session_jwt) => match self.validator().validate_session(session_jwt).await {
                Ok(session) => return Ok(ValidatedSession { session, refreshed: None }),
                Err(refused) if !refresh_may_help(&refused) => return Err(refused.into()),
                Err(refused) => refused.into(),
            },
        };
        let Some(refresh_jwt) = refresh_jwt.filter(|token| !token.is_empty()) else { return Err(refused) };
        self.renew(self.validator(), refresh_jwt).await
    }

    /// A new session by the refresh token alone, which is validated first.
    ///
    /// - `validator`: the project's, which may know further names of tokens.
    pub(crate) async fn renew(&self, validator: &SessionValidator, refresh_jwt: &str) -> Result<ValidatedSession> {
        let refresh_jwt = validator.validate_refresh(refresh_jwt).await?;
        let mut refreshed = self.refresh_or_reuse(validator, refresh_jwt.jwt().into(), Reuse::All).await?;
        let mut session = validator.validate_received(refreshed.session_jwt().expose()).await;
        // Tokens of an earlier refresh may have had their time; the newest refresh token gets others.
        if matches!(session, Err(TokenError::Expired))
            && let Some(newest) = refreshed.refresh_jwt().cloned()
        {
            refreshed = self.refresh_or_reuse(validator, newest, Reuse::Rotated).await?;
            session = validator.validate_received(refreshed.session_jwt().expose()).await;
        }
        Ok(ValidatedSession { session: session?, refreshed: Some(refreshed) })
    }

    /// Gets a new session token if there is one to be had, and `None` when the refresh token has ended. The answer
    /// names no [user](Authentication::user).
    ///
    /// - `refresh_jwt`: a refresh token that may be good or not.
    ///
    /// `POST /v1/auth/try-refresh`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
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
        Ok(Authentication::read_optional(answer, self.descope.token_names())
            .map(|session| session.keeping(refresh_jwt)))
    }

    /// Has the service check a session token, and gives its claims. Costs a call, and notices at once when a session
    /// was ended; [`validate`](Self::validate) does neither.
    ///
    /// - `session_jwt`: the token as it came with the user's request.
    ///
    /// `POST /v1/auth/validate`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
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
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is not a refresh token; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the session has ended already.
    pub async fn logout(&self, refresh_jwt: impl Into<Secret>) -> Result<CookieSettings> {
        self.end(refresh_jwt.into(), SessionLogoutRequest::default(), Devices::This).await
    }

    /// Ends the session on this device as [`logout`](Self::logout) does, if it is of one of these types.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    /// - `session_types`: the types of session to end, as the service names them. Not empty: no type at all would mean
    ///   every type.
    ///
    /// `POST /v1/auth/logout`
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
    /// # // The emulator's sessions are of no kind; this is what the service answers.
    /// # emulator.fail_next("sessionLogout", descope_emulator::Fault::body(200, "application/json", "{}"));
    /// descope.session().logout_types(refresh_jwt, ["web"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`logout`](Self::logout); [`InvalidArgument`](crate::ErrorKind::InvalidArgument) also when no type is given or
    /// one is blank.
    pub async fn logout_types(
        &self,
        refresh_jwt: impl Into<Secret>,
        session_types: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<CookieSettings> {
        self.end(refresh_jwt.into(), of_types(session_types)?, Devices::This).await
    }

    /// Ends the user's sessions on all devices.
    ///
    /// - `refresh_jwt`: a refresh token of the user.
    ///
    /// `POST /v1/auth/logoutall`
    ///
    /// ```
    /// # use descope_sdk::ErrorKind;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
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
        self.end(refresh_jwt.into(), SessionLogoutRequest::default(), Devices::All).await
    }

    /// Ends the user's sessions of these types on all devices.
    ///
    /// - `refresh_jwt`: a refresh token of the user.
    /// - `session_types`: as for [`logout_types`](Self::logout_types), which has an example.
    ///
    /// `POST /v1/auth/logoutall`
    ///
    /// # Errors
    ///
    /// As [`logout_types`](Self::logout_types).
    pub async fn logout_all_types(
        &self,
        refresh_jwt: impl Into<Secret>,
        session_types: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<CookieSettings> {
        self.end(refresh_jwt.into(), of_types(session_types)?, Devices::All).await
    }

    async fn end(&self, refresh_jwt: Secret, body: SessionLogoutRequest, on: Devices) -> Result<CookieSettings> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = match on {
            Devices::This => call!(api, session_logout, &body)?,
            Devices::All => call!(api, session_logout_all, &body)?,
        };
        self.descope.refreshes().forget(&refresh_jwt);
        Ok(CookieSettings::of(&answer.body))
    }

    /// The signed-in user as the service knows them now.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `GET /v1/auth/me`
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
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is not a refresh token; nothing was sent.
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

    /// Names and attributes of tenants that the user belongs to, as for a menu to switch between them.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    /// - `tenant_ids`: which tenants, as [`Claims::tenants`](super::Claims::tenants) lists them; those that the user is
    ///   not in are left out. Not empty.
    ///
    /// `POST /v1/auth/me/tenants`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().lenient().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let member = descope.management().users().create(descope_sdk::LoginId::new("ada@example.com"));
    /// # let member = member.tenant("T2acme", ["writer"]).tenant("T2beta", ["reader"]);
    /// # member.status("enabled").send().await?;
    /// # let token = descope.management().embedded_links().sign_in(descope_sdk::LoginId::new("ada@example.com")).send().await?;
    /// # let ada = descope.magic_link().verify(token).await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// let session = descope.session().validate(ada.session_jwt().expose()).await?;
    /// let tenants = descope.session().my_tenants(refresh_jwt, session.tenants()).await?;
    /// assert_eq!(tenants.len(), 2);
    ///
    /// // She has two and has chosen none yet.
    /// assert!(descope.session().my_current_tenant(refresh_jwt).await?.is_none());
    /// let ada = descope.session().select_tenant(refresh_jwt, "T2acme").await?;
    /// let current = descope.session().my_current_tenant(ada.refresh_jwt().unwrap()).await?;
    /// assert_eq!(current.unwrap().id.as_deref(), Some("T2acme"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is not a refresh token, or there is no tenant id or a
    ///   blank one; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) (`E064001` after a logout): the session has ended.
    pub async fn my_tenants(
        &self,
        refresh_jwt: impl Into<Secret>,
        tenant_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<SessionTenant>> {
        let ids = texts("tenant_ids", tenant_ids)?;
        self.tenants(refresh_jwt.into(), SessionTenantsRequest::new().ids(ids)).await
    }

    /// Name and attributes of the tenant that the user works in now, if there is one.
    ///
    /// - `refresh_jwt`: the user's refresh token, whose claim `dct` names the tenant.
    ///
    /// `POST /v1/auth/me/tenants`; [`my_tenants`](Self::my_tenants) has an example.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me).
    pub async fn my_current_tenant(&self, refresh_jwt: impl Into<Secret>) -> Result<Option<SessionTenant>> {
        let current = SessionTenantsRequest::new().dct(true);
        Ok(self.tenants(refresh_jwt.into(), current).await?.into_iter().next())
    }

    async fn tenants(&self, refresh_jwt: Secret, body: SessionTenantsRequest) -> Result<Vec<SessionTenant>> {
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt)?;
        Ok(call!(api, session_tenants, &body)?.body.tenants)
    }

    /// Makes one of the user's tenants the current one: the new session has it in the claim `dct`.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    /// - `tenant_id`: a tenant that the user belongs to.
    ///
    /// `POST /v1/auth/tenant/select`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().lenient().start().await?;
    /// # let descope = emulator.descope()?;
    /// let tenant = "T2RmwA1b2C3d4E5f6G7h8J9k0Lm";
    /// # let member = descope.management().users().create(descope_sdk::LoginId::new("ada@example.com")).tenant(tenant, ["writer"]);
    /// # member.status("enabled").send().await?;
    /// # let token = descope.management().embedded_links().sign_in(descope_sdk::LoginId::new("ada@example.com")).send().await?;
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
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): this is not a refresh token, or the tenant id is blank;
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
        let answer = call!(api, session_select_tenant, &SessionSelectTenantRequest::new(tenant))?;
        Ok(Authentication::read(answer, self.descope.token_names())?.keeping(refresh_jwt))
    }
}

/// Without keys a new token could not be judged either, and a new bound one would need a good proof too.
pub(crate) fn refresh_may_help(refused: &TokenError) -> bool {
    !matches!(refused, TokenError::KeysUnavailable(_) | TokenError::DpopBound | TokenError::InvalidProof(_))
}

/// Where sessions are ended.
enum Devices {
    This,
    All,
}

/// A logout of sessions of some types.
fn of_types(session_types: impl IntoIterator<Item = impl Into<String>>) -> Result<SessionLogoutRequest> {
    Ok(SessionLogoutRequest::new().logout_type(texts("session_types", session_types)?))
}

/// A list that selects something. An empty one is left out on the wire and would mean everything, or nothing.
fn texts(argument: &'static str, values: impl IntoIterator<Item = impl Into<String>>) -> Result<Vec<String>> {
    let values: Vec<String> = values.into_iter().map(Into::into).collect();
    if values.is_empty() {
        return Err(Error::argument_refused(argument, "is empty"));
    }
    values.iter().try_for_each(|value| check::text(argument, value))?;
    Ok(values)
}

/// Reads the project's keys through the client, whose bounds and headers then hold for them too. Once: requests wait for
/// it, and the key store decides when to try again.
pub(crate) fn key_fetch(api: &descope_api::Client) -> KeyFetch {
    let api = api.with_options(CallOptions::new().retry(RetryPolicy::none()));
    Arc::new(move || {
        let api = api.clone();
        Box::pin(async move {
            let body = api.session_keys_bytes().await;
            let body = body.map_err(|error| Error::from(error).in_operation(operation!(session_keys)))?;
            Ok(body.into())
        })
    })
}
