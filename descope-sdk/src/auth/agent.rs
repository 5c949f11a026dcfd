//! Programs that act for users, or for themselves.

mod approval;
mod token;

use std::sync::{Arc, Mutex, PoisonError};

use descope_api::{
    Secret,
    types::InboundAppTokenRequest,
    vocabulary::{ClientAssertionType, InboundAppGrantType},
};

pub use self::{
    approval::{AgentBackchannel, AgentDevice, PendingApproval, PendingApprovalState},
    token::{AgentToken, AgentTokens},
};
use crate::{
    Descope, Error, ErrorCode, ErrorKind, Result, check,
    raw_error::{call, operation},
    setters::setters,
    token_source::TokenSource,
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
