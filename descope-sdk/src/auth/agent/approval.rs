//! Users who approve elsewhere: on a device of their own, after a code or a question.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use descope_api::{
    CallOptions, RetryPolicy, Secret,
    types::{InboundAppBackchannelRequest, InboundAppDeviceRequest, InboundAppTokenRequest},
    vocabulary::InboundAppGrantType,
};
use serde::{Deserialize, Serialize, Serializer};

use super::{Agent, AgentToken, told};
use crate::{
    Error, PollOptions, Result, check, poll,
    raw_error::{Answer, call, operation},
    setters::setters,
};

/// How much longer to wait after each `slow_down` (RFC 8628).
const MORE_PATIENCE: Duration = Duration::from_secs(5);

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
}

impl AgentDevice {
    setters!(InboundAppDeviceRequest at body);

    /// Gets the code to show.
    ///
    /// `POST /oauth2/v1/apps/device`; [`Agent::device`] has an example.
    ///
    /// # Errors
    ///
    /// As [`AgentGrant::send`](crate::AgentGrant::send).
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
    /// - As [`AgentGrant::send`](crate::AgentGrant::send).
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
    /// - As [`AgentGrant::send`](crate::AgentGrant::send).
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
                // Each time that the service asks for it, more from then on.
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

fn seconds(given: Option<i64>, otherwise: u64) -> u64 {
    given.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0).unwrap_or(otherwise)
}
