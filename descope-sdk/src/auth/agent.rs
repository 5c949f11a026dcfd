//! Programs that act for users, or for themselves.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use descope_api::{
    CallOptions, RetryPolicy, Secret,
    types::{InboundAppBackchannelRequest, InboundAppDeviceRequest, InboundAppTokenRequest, OauthTokenResponse},
    vocabulary::{ClientAssertionType, InboundAppGrantType},
};
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;

use crate::{
    Descope, Error, ErrorCode, ErrorKind, PollOptions, Result, check, poll,
    raw_error::{Answer, call, operation},
    setters::setters,
    token_source::{Lived, TokenSource},
};

/// An inbound application of the project, as which a program gets tokens by OAuth: a command line, a service, an agent that
/// works for users. From [`Descope::agent`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let app = descope.management().third_party_applications().create("Reporter").send().await?;
/// # let (client_id, client_secret) = (app.client_id, app.cleartext);
/// let agent = descope.agent(client_id).client_secret(client_secret);
/// let tokens = agent.client_credentials().keep()?;
///
/// // Before each request: the token that is kept, or a new one.
/// let header = format!("Bearer {}", tokens.access_token().await?.expose());
/// # assert!(header.len() > 100);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Agent {
    descope: Descope,
    client_id: String,
    client_secret: Option<Secret>,
    client_assertion: Option<Secret>,
}

/// Something that a token is given for. From [`Agent::client_credentials`] and its siblings; [`send`](Self::send) gets the
/// token.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AgentGrant {
    agent: Agent,
    body: InboundAppTokenRequest,
}

/// A device that is to show a code. From [`Agent::device`]; [`send`](Self::send) gets the code.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AgentDevice {
    agent: Agent,
    body: InboundAppDeviceRequest,
}

/// A user who is to be asked on another device (CIBA). From [`Agent::backchannel`]; [`send`](Self::send) asks.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AgentBackchannel {
    agent: Agent,
    requested_expiry: Option<Duration>,
    body: InboundAppBackchannelRequest,
}

/// A token, and what came with it.
#[derive(Clone, Debug)]
pub struct AgentToken {
    answer: OauthTokenResponse,
    access_token: Secret,
    ends: Option<Instant>,
}

/// A token that is renewed before it expires. Clones share it. From [`AgentGrant::keep`] or [`Agent::keep`].
#[derive(Clone, Debug)]
pub struct AgentTokens {
    source: TokenSource<AgentToken>,
}

/// A user who has to approve elsewhere. [`wait`](Self::wait) or [`check`](Self::check) give the token.
///
/// It serialises to its [state](Self::state), from which [`Agent::resume`] makes it again.
#[derive(Clone, Debug)]
pub struct PendingApproval {
    agent: Agent,
    state: PendingApprovalState,
}

/// What has to be kept of a [`PendingApproval`] until the user has approved. Serialised it holds in the clear what the token is
/// fetched with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingApprovalState {
    handle: Handle,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    /// Seconds between two polls, as the service asks.
    interval: u64,
    /// Seconds for which the service waits for the user.
    expires_in: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Handle {
    DeviceCode(Secret),
    AuthReqId(Secret),
}

impl Agent {
    pub(crate) fn new(descope: Descope, client_id: String) -> Self {
        Self { descope, client_id, client_secret: None, client_assertion: None }
    }

    /// The secret of the application. Public ones, such as command lines, have none.
    #[must_use]
    pub fn client_secret(mut self, client_secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// A JWT that the application has signed with a key of its own, in place of a secret (RFC 7523).
    #[must_use]
    pub fn client_assertion(mut self, jwt: impl Into<Secret>) -> Self {
        self.client_assertion = Some(jwt.into());
        self
    }

    /// A token for the application itself.
    ///
    /// `POST /oauth2/v1/apps/token` with `client_credentials`; [`Agent`] has an example.
    pub fn client_credentials(&self) -> AgentGrant {
        self.grant(InboundAppGrantType::CLIENT_CREDENTIALS)
    }

    /// A token for the user of a JWT that a trusted issuer has signed (RFC 7523).
    ///
    /// `POST /oauth2/v1/apps/token` with `urn:ietf:params:oauth:grant-type:jwt-bearer`
    pub fn jwt_bearer(&self, assertion: impl Into<Secret>) -> AgentGrant {
        let mut grant = self.grant(InboundAppGrantType::JWT_BEARER);
        grant.body.assertion = Some(assertion.into());
        grant
    }

    /// A token in exchange for another (RFC 8693): for a resource, such as an MCP server, or for a connection of the user.
    ///
    /// - `subject_token`: the token that the caller has.
    /// - `subject_token_type`: what it is, such as `urn:ietf:params:oauth:token-type:access_token`.
    ///
    /// `POST /oauth2/v1/apps/token` with `urn:ietf:params:oauth:grant-type:token-exchange`
    pub fn exchange(&self, subject_token: impl Into<Secret>, subject_token_type: impl Into<String>) -> AgentGrant {
        let mut grant = self.grant(InboundAppGrantType::TOKEN_EXCHANGE);
        grant.body.subject_token = Some(subject_token.into());
        grant.body.subject_token_type = Some(subject_token_type.into());
        grant
    }

    /// A token for the code with which the browser came back from the authorization endpoint.
    ///
    /// - `code_verifier`: of the PKCE challenge that was sent there.
    ///
    /// `POST /oauth2/v1/apps/token` with `authorization_code`
    pub fn code(&self, code: impl Into<Secret>, code_verifier: impl Into<Secret>) -> AgentGrant {
        let mut grant = self.grant(InboundAppGrantType::AUTHORIZATION_CODE);
        grant.body.code = Some(code.into());
        grant.body.code_verifier = Some(code_verifier.into());
        grant
    }

    /// A new token for a refresh token, which the service may replace at that.
    ///
    /// `POST /oauth2/v1/apps/token` with `refresh_token`
    pub fn refresh(&self, refresh_token: impl Into<Secret>) -> AgentGrant {
        let mut grant = self.grant(InboundAppGrantType::REFRESH_TOKEN);
        grant.body.refresh_token = Some(refresh_token.into());
        grant
    }

    /// Asks for a code that the user enters on another device, for programs without a browser.
    ///
    /// `POST /oauth2/v1/apps/device`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let app = descope.management().third_party_applications().create("Cli").send().await?;
    /// # let agent = descope.agent(app.client_id).client_secret(app.cleartext);
    /// let pending = agent.device().scope("openid").send().await?;
    /// println!("Open {} and enter {}", pending.verification_uri().unwrap(), pending.user_code().unwrap());
    /// # assert!(emulator.approve_device(pending.user_code().unwrap(), "ada@example.com"));
    ///
    /// let token = pending.wait().await?;
    /// // For as long as the user allows it:
    /// let tokens = agent.keep(token)?;
    /// # assert!(!tokens.access_token().await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn device(&self) -> AgentDevice {
        AgentDevice { agent: self.clone(), body: InboundAppDeviceRequest::new() }
    }

    /// Asks a user on another device to approve (CIBA), while this program waits and no browser is at hand.
    ///
    /// - `login_hint`: a login id of the user.
    /// - `scope`: what is asked for, with spaces between them, such as `openid`.
    ///
    /// `POST /oauth2/v1/apps/bc-authorize`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
    /// # let settings = descope_sdk::api::types::ThirdPartyApplicationCibaSettings::new().enabled(true);
    /// # let app = descope.management().third_party_applications().create("Agent").ciba_settings(settings).send().await?;
    /// # let agent = descope.agent(app.client_id).client_secret(app.cleartext);
    /// let pending = agent.backchannel("ada@example.com", "openid").binding_message("Order 1843").send().await?;
    /// # assert!(emulator.approve_backchannel("ada@example.com"));
    /// let token = pending.wait().await?;
    /// # assert!(!token.access_token().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn backchannel(&self, login_hint: impl Into<String>, scope: impl Into<String>) -> AgentBackchannel {
        let body = InboundAppBackchannelRequest::new(login_hint, scope);
        AgentBackchannel { agent: self.clone(), requested_expiry: None, body }
    }

    /// Goes on with an approval that was asked for earlier, perhaps by another process.
    pub fn resume(&self, state: PendingApprovalState) -> PendingApproval {
        PendingApproval { agent: self.clone(), state }
    }

    /// Keeps a token that came with a refresh token, and renews it by that before it expires.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the token came without a refresh token; nothing was sent.
    pub fn keep(&self, token: AgentToken) -> Result<AgentTokens> {
        let missing = || Error::argument_refused("token", "came without a refresh token, so that nothing can renew it");
        let refresh_token = token.refresh_token().cloned().ok_or_else(missing)?;
        let agent = self.clone();
        let next = Arc::new(Mutex::new(refresh_token));
        let fetch = move || {
            let (agent, next) = (agent.clone(), Arc::clone(&next));
            async move {
                let refresh_token = next.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let token = agent.refresh(refresh_token).send().await?;
                if let Some(new) = token.refresh_token() {
                    *next.lock().unwrap_or_else(PoisonError::into_inner) = new.clone();
                }
                Ok(token)
            }
        };
        Ok(AgentTokens { source: TokenSource::holding(operation!(federation_inbound_app_token), token, fetch) })
    }

    fn grant(&self, grant_type: InboundAppGrantType) -> AgentGrant {
        AgentGrant { agent: self.clone(), body: InboundAppTokenRequest::new(grant_type) }
    }

    fn check(&self) -> Result<()> {
        check::text("client_id", &self.client_id)?;
        for (argument, secret) in [("client_secret", &self.client_secret), ("client_assertion", &self.client_assertion)]
        {
            if let Some(secret) = secret {
                check::secret(argument, secret)?;
            }
        }
        Ok(())
    }

    async fn token(&self, api: &descope_api::Client, mut body: InboundAppTokenRequest) -> Result<AgentToken> {
        body.client_id = Some(self.client_id.clone());
        body.project_id = Some(self.descope.project_id().to_owned());
        body.client_secret.clone_from(&self.client_secret);
        if let Some(assertion) = &self.client_assertion {
            body.client_assertion = Some(assertion.clone());
            body.client_assertion_type = Some(ClientAssertionType::JWT_BEARER);
        }
        let answer = call!(api, federation_inbound_app_token, &body).map_err(told)?;
        AgentToken::read(answer)
    }
}

impl AgentGrant {
    setters!(InboundAppTokenRequest at body);

    /// Gets the token.
    ///
    /// `POST /oauth2/v1/apps/token`
    ///
    /// # Errors
    ///
    /// [`code`](crate::Error::code) is the word of the OAuth standard:
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the client id, a secret or what is exchanged is empty, and
    ///   nothing was sent; or `invalid_request`, `invalid_scope`, `invalid_target`.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): `invalid_client`, `invalid_grant`: the secret, the code or the token is
    ///   wrong, or has ended.
    /// - [`Forbidden`](crate::ErrorKind::Forbidden): `unauthorized_client`, `access_denied`: the application may not do this.
    pub async fn send(self) -> Result<AgentToken> {
        self.check()?;
        let Self { agent, body } = self;
        agent.token(agent.descope.api(), body).await
    }

    /// Keeps a token by this: got when it is first needed, and again before it expires. Only for what can be done again: client
    /// credentials, an assertion or a token that lives on. Nothing is sent now.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): as for [`send`](Self::send), and for codes and refresh tokens,
    /// which work once: [`Agent::keep`] keeps what they give.
    pub fn keep(self) -> Result<AgentTokens> {
        self.check()?;
        let once = [("code", &self.body.code), ("refresh_token", &self.body.refresh_token)];
        if let Some((argument, _)) = once.into_iter().find(|(_, secret)| secret.is_some()) {
            return Err(Error::argument_refused(argument, "works once: send it, and keep the token by `Agent::keep`"));
        }
        let fetch = move || {
            let grant = self.clone();
            async move { grant.send().await }
        };
        Ok(AgentTokens { source: TokenSource::new(operation!(federation_inbound_app_token), fetch) })
    }

    fn check(&self) -> Result<()> {
        self.agent.check()?;
        let body = &self.body;
        let secrets = [
            ("assertion", &body.assertion),
            ("subject_token", &body.subject_token),
            ("code", &body.code),
            ("code_verifier", &body.code_verifier),
            ("refresh_token", &body.refresh_token),
        ];
        for (argument, secret) in secrets {
            secret.as_ref().map_or(Ok(()), |secret| check::secret(argument, secret))?;
        }
        check::optional_text("subject_token_type", body.subject_token_type.as_deref())?;
        check::optional_text("scope", body.scope.as_deref())
    }
}

impl AgentDevice {
    setters!(InboundAppDeviceRequest at body);

    /// Gets the code to show.
    ///
    /// `POST /oauth2/v1/apps/device`; [`Agent::device`] has an example.
    ///
    /// # Errors
    ///
    /// As [`AgentGrant::send`].
    pub async fn send(self) -> Result<PendingApproval> {
        let Self { agent, mut body } = self;
        agent.check()?;
        body.client_id = Some(agent.client_id.clone());
        body.project_id = Some(agent.descope.project_id().to_owned());
        let Answer { body, origin } = call!(agent.descope.api(), federation_inbound_app_device, &body).map_err(told)?;
        match (body.device_code.filter(|code| !code.is_empty()), body.user_code) {
            (Some(code), Some(user_code)) => {
                let state = PendingApprovalState {
                    handle: Handle::DeviceCode(code),
                    user_code: Some(user_code),
                    verification_uri: body.verification_uri,
                    verification_uri_complete: body.verification_uri_complete,
                    interval: seconds(body.interval, 5),
                    expires_in: seconds(body.expires_in, 600),
                };
                Ok(PendingApproval { agent, state })
            }
            _ => Err(origin.lacks("the answer holds no `device_code` and `user_code`")),
        }
    }
}

impl AgentBackchannel {
    setters!(InboundAppBackchannelRequest at body);

    /// How long the request may wait for the user. The service decides otherwise.
    pub fn requested_expiry(mut self, requested_expiry: Duration) -> Self {
        self.requested_expiry = Some(requested_expiry);
        self
    }

    /// Asks the user.
    ///
    /// `POST /oauth2/v1/apps/bc-authorize`; [`Agent::backchannel`] has an example.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`unknown_user_id`): nobody has the login id.
    /// - [`Forbidden`](crate::ErrorKind::Forbidden) (`unauthorized_client`): the application may not ask users this way.
    /// - As [`AgentGrant::send`].
    pub async fn send(self) -> Result<PendingApproval> {
        let Self { agent, requested_expiry, mut body } = self;
        agent.check()?;
        check::text("login_hint", &body.login_hint)?;
        check::text("scope", &body.scope)?;
        if let Some(expiry) = requested_expiry {
            let whole = i64::try_from(expiry.as_secs()).ok().filter(|seconds| *seconds > 0);
            let whole =
                whole.ok_or_else(|| Error::argument_refused("requested_expiry", "is no time that can be waited"))?;
            body.requested_expiry = Some(whole);
        }
        body.client_id = Some(agent.client_id.clone());
        body.project_id = Some(agent.descope.project_id().to_owned());
        body.client_secret.clone_from(&agent.client_secret);
        let answer = call!(agent.descope.api(), federation_inbound_app_backchannel_authorize, &body);
        let Answer { body, origin } = answer.map_err(told)?;
        let id = body.auth_req_id.filter(|id| !id.is_empty());
        let state = PendingApprovalState {
            handle: Handle::AuthReqId(id.ok_or_else(|| origin.lacks("the answer holds no `auth_req_id`"))?),
            user_code: None,
            verification_uri: None,
            verification_uri_complete: None,
            interval: seconds(body.interval, 5),
            expires_in: seconds(body.expires_in, 600),
        };
        Ok(PendingApproval { agent, state })
    }
}

impl PendingApproval {
    /// The code that the user has to enter on the other device. `None` where the user is asked there (CIBA).
    pub fn user_code(&self) -> Option<&str> {
        self.state.user_code.as_deref()
    }

    /// The page on which the user enters the code.
    pub fn verification_uri(&self) -> Option<&str> {
        self.state.verification_uri.as_deref()
    }

    /// The same page with the code filled in, for a QR code.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.state.verification_uri_complete.as_deref()
    }

    /// How long the service waits for the user, from the request on.
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.state.expires_in)
    }

    /// What to keep when the token is fetched by another process.
    pub fn state(&self) -> &PendingApprovalState {
        &self.state
    }

    /// Asks once whether the user has approved: the token if so, `None` if not yet. Not to be called more often than every five
    /// seconds, or the service asks for more patience; [`wait`](Self::wait) keeps to that by itself.
    ///
    /// `POST /oauth2/v1/apps/token`
    ///
    /// # Errors
    ///
    /// - [`Forbidden`](crate::ErrorKind::Forbidden) (`access_denied`): the user has refused.
    /// - [`Expired`](crate::ErrorKind::Expired) (`expired_token`): the user was too late.
    /// - [`RateLimited`](crate::ErrorKind::RateLimited) (`slow_down`): ask less often.
    /// - As [`AgentGrant::send`].
    pub async fn check(&self) -> Result<Option<AgentToken>> {
        match self.fetch(self.agent.descope.api()).await {
            Ok(token) => Ok(Some(token)),
            Err(error) if error.is_pending() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until the user has approved, as often as the service wants to be asked, and for as long as it waits for the user.
    /// Dropping the future ends the wait.
    ///
    /// `POST /oauth2/v1/apps/token`, again and again
    ///
    /// # Errors
    ///
    /// - [`Timeout`](crate::ErrorKind::Timeout) with [`Error::waited`](crate::Error::waited): the user did nothing in time.
    /// - As [`check`](Self::check) for what is final.
    pub async fn wait(&self) -> Result<AgentToken> {
        let options = PollOptions::new().deadline(self.expires_in()).interval(self.interval());
        self.wait_with(&options).await
    }

    /// The same in a way of its own; the service is asked no more often than it wants.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub async fn wait_with(&self, options: &PollOptions) -> Result<AgentToken> {
        // The loop is the retry; the raw client's own would ask several times within one interval.
        let api = self.agent.descope.api().with_options(CallOptions::new().retry(RetryPolicy::none()));
        let slower = AtomicU32::new(0);
        poll::until_ready(operation!(federation_inbound_app_token), options, async || {
            self.fetch(&api).await.map_err(|error| {
                if error.message() == Some("slow_down") {
                    slower.fetch_add(1, Ordering::Relaxed);
                }
                // Each time that the service asks for it, five seconds more from then on (RFC 8628).
                let more = MORE_PATIENCE.saturating_mul(slower.load(Ordering::Relaxed));
                error.paced(self.interval().saturating_add(more))
            })
        })
        .await
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.state.interval)
    }

    async fn fetch(&self, api: &descope_api::Client) -> Result<AgentToken> {
        self.agent.check()?;
        let body = match &self.state.handle {
            Handle::DeviceCode(code) => {
                InboundAppTokenRequest::new(InboundAppGrantType::DEVICE_CODE).device_code(code.clone())
            }
            Handle::AuthReqId(id) => InboundAppTokenRequest::new(InboundAppGrantType::CIBA).auth_req_id(id.clone()),
        };
        self.agent.token(api, body).await
    }
}

impl Serialize for PendingApproval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl AgentToken {
    fn read(Answer { body: mut answer, origin }: Answer<OauthTokenResponse>) -> Result<Self> {
        let access_token = answer.access_token.take().filter(|token| !token.is_empty());
        let access_token = access_token.ok_or_else(|| origin.lacks("the answer holds no `access_token`"))?;
        let life = answer.expires_in.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        let ends = life.and_then(|life| Instant::now().checked_add(life));
        Ok(Self { answer, access_token, ends })
    }

    /// What goes to the API that is called.
    pub fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// What renews it, where the grant gives one.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.answer.refresh_token.as_ref().filter(|token| !token.is_empty())
    }

    /// Who the user is, where the scope has `openid`. It is a signed JWT, and nothing of it has been checked here.
    pub fn id_token(&self) -> Option<&Secret> {
        self.answer.id_token.as_ref()
    }

    /// What the token allows, with spaces between them.
    pub fn scope(&self) -> Option<&str> {
        self.answer.scope.as_deref()
    }

    /// What kind of token an exchange has given, such as `urn:ietf:params:oauth:token-type:access_token`.
    pub fn issued_token_type(&self) -> Option<&str> {
        self.answer.issued_token_type.as_deref()
    }

    /// How long it lives on.
    pub fn expires_in(&self) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_duration_since(Instant::now()))
    }
}

impl Lived for AgentToken {
    fn life_left(&self) -> Option<Duration> {
        self.expires_in()
    }
}

impl AgentTokens {
    /// A token that is good for a minute at least, or for a quarter of its life if that is less: the one that is kept, or a new
    /// one. Callers at the same time share one request. It needs a tokio runtime.
    ///
    /// `POST /oauth2/v1/apps/token`, when it is needed
    ///
    /// # Errors
    ///
    /// - As [`AgentGrant::send`].
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no tokio runtime.
    pub async fn access_token(&self) -> Result<Secret> {
        Ok(self.source.get().await?.access_token)
    }

    /// The same with what came with it.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token).
    pub async fn token(&self) -> Result<AgentToken> {
        self.source.get().await
    }

    /// Forgets the token, so that the next call gets a new one: when an API has refused it.
    pub fn forget(&self) {
        self.source.forget();
    }
}

const MORE_PATIENCE: Duration = Duration::from_secs(5);

/// An error in the words of OAuth as one of ours.
fn told(error: Error) -> Error {
    if error.status().is_none_or(|status| !status.is_client_error()) {
        return error;
    }
    let kind = match error.message() {
        Some("authorization_pending") => ErrorKind::Pending,
        Some("slow_down") => ErrorKind::RateLimited,
        Some("access_denied" | "unauthorized_client") => ErrorKind::Forbidden,
        Some("expired_token") => ErrorKind::Expired,
        Some("unknown_user_id") => ErrorKind::NotFound,
        Some("invalid_client" | "invalid_grant") => ErrorKind::Unauthorized,
        Some(
            "invalid_request"
            | "invalid_scope"
            | "invalid_target"
            | "invalid_binding_message"
            | "unsupported_grant_type",
        ) => ErrorKind::InvalidArgument,
        _ => return error,
    };
    // With a code of its own it is a verdict: a token that is kept is given no longer.
    let word = error.message().map(ErrorCode::from);
    error.of_kind(kind).coded(word)
}

fn seconds(given: Option<i64>, otherwise: u64) -> u64 {
    given.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0).unwrap_or(otherwise)
}
