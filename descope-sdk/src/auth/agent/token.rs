//! The tokens that a program gets, and those that it keeps.

use std::time::Duration;

use descope_api::{Secret, types::OauthTokenResponse};
use tokio::time::Instant;

use crate::{
    Result,
    raw_error::Answer,
    token_source::{Lived, TokenSource},
};

/// A token, and what came with it.
#[derive(Clone, Debug)]
pub struct AgentToken {
    answer: OauthTokenResponse,
    access_token: Secret,
    ends: Option<Instant>,
}

/// A token that is renewed before it expires. Clones share it. From [`AgentGrant::keep`](crate::AgentGrant::keep) or
/// [`Agent::keep`](crate::Agent::keep).
#[derive(Clone, Debug)]
pub struct AgentTokens {
    pub(super) source: TokenSource<AgentToken>,
}

impl AgentToken {
    pub(super) fn read(Answer { body: mut answer, origin }: Answer<OauthTokenResponse>) -> Result<Self> {
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
    /// - As [`AgentGrant::send`](crate::AgentGrant::send).
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
