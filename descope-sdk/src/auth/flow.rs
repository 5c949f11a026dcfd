//! Flows that are drawn in the console.

use std::fmt;

use descope_api::{
    Secret,
    types::{FlowExchangeRequest, FlowNextRequest, FlowPrimeRequest, FlowStartRequest, FlowStepResponse},
};

use super::{callback, redirect::Pkce};
use crate::{
    Authentication, Descope, Result, check,
    raw_error::{Answer, call},
    setters::setters,
};

/// Runs flows of the project step by step, for clients that draw the screens themselves, and ends flows that ran in a browser.
/// From [`Descope::flow`].
#[derive(Clone, Debug)]
pub struct Flow {
    descope: Descope,
}

/// A flow that is to begin. From [`Flow::start`]; [`send`](Self::send) begins it.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct FlowStart {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: FlowStartRequest,
}

/// The next step of a flow. From [`Flow::next`]; [`send`](Self::send) takes it.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct FlowNext {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: FlowNextRequest,
}

/// Where a flow stands. From [`FlowStart::send`] and [`FlowNext::send`].
///
/// [`authentication`](Self::authentication) is there when the flow has signed the user in. Otherwise
/// [`response`](Self::response) says in `status` and `action` how it goes on: a `screen` to show, a page to go to, a passkey to
/// ask for; `poll` asks for a [`Flow::next`] after a while; and a flow with the status `failed` has ended, `error` saying why.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let typed = async |screen: &str| match screen {
/// #     "ask" => ("email", "ada@example.com".to_owned()),
/// #     _ => ("code", emulator.inbox().next("ada@example.com").await.code.unwrap()),
/// # };
/// let mut step = descope.flow().start("sign-up-or-in").send().await?;
/// while step.authentication().is_none() {
///     let response = step.response();
///     let (Some(execution_id), Some(step_id)) = (&response.execution_id, &response.step_id) else {
///         return Err(format!("the flow has ended: {:?}", response.error).into());
///     };
///     // Show the screen, and tell what the user typed and which button it was:
///     let screen = response.screen.as_ref().and_then(|screen| screen.id.as_deref()).unwrap_or_default();
///     let next = descope.flow().next(execution_id, step_id, "submit").input([typed(screen).await]);
///     step = next.send().await?;
/// }
/// let ada = step.into_authentication().unwrap();
/// # assert!(ada.refresh_jwt().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FlowStep {
    response: FlowStepResponse,
    authentication: Option<Authentication>,
}

impl Flow {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Begins a flow. The answer is its first step: a screen to show, a page to go to, or the session when nothing has to be
    /// asked.
    ///
    /// - `flow_id`: such as `sign-up-or-in`.
    ///
    /// `POST /v1/flow/start`
    pub fn start(&self, flow_id: impl Into<String>) -> FlowStart {
        FlowStart { descope: self.descope.clone(), refresh_jwt: None, body: FlowStartRequest::new(flow_id) }
    }

    /// Tells what the user did on a step.
    ///
    /// - `execution_id`, `step_id`: of the step, as the answer before says.
    /// - `interaction_id`: of what the user did, such as the button.
    ///
    /// `POST /v1/flow/next`
    pub fn next(
        &self,
        execution_id: impl Into<String>,
        step_id: impl Into<String>,
        interaction_id: impl Into<String>,
    ) -> FlowNext {
        let body = FlowNextRequest::new(execution_id, step_id, interaction_id);
        FlowNext { descope: self.descope.clone(), refresh_jwt: None, body }
    }

    /// Prepares a flow in a browser for a user who is signed in to the app: the flow that begins with the same challenge acts
    /// for that user, whose refresh token never passes through the browser.
    ///
    /// `POST /v1/flow/prime`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the flow id or the refresh token is unusable; nothing was sent.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    pub async fn prime(&self, flow_id: impl Into<String>, pkce: &Pkce, refresh_jwt: impl Into<Secret>) -> Result<()> {
        let body = FlowPrimeRequest::new(flow_id, pkce.challenge());
        check::text("flow_id", &body.flow_id)?;
        let api = self.descope.acting_for("refresh_jwt", &refresh_jwt.into())?;
        call!(api, flow_prime, &body)?;
        Ok(())
    }

    /// Ends a flow that ran in a browser, which has opened the app with a code.
    ///
    /// - `code`: the parameter `code`, or the whole URL with which the app was opened.
    /// - `pkce`: the one that the flow was started with.
    ///
    /// `POST /v1/flow/exchange`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the code is empty, or the URL has none; nothing was sent.
    /// - [`Api`](crate::ErrorKind::Api) without a status: the URL has an `err`; nothing was sent.
    /// - [`Expired`](crate::ErrorKind::Expired), [`Unauthorized`](crate::ErrorKind::Unauthorized): the code is unknown, too old,
    ///   was used before, or belongs to another verifier.
    pub async fn exchange(&self, code: impl Into<Secret>, pkce: &Pkce) -> Result<Authentication> {
        let body = FlowExchangeRequest::new(callback::code(code.into())?, pkce.verifier().clone());
        Authentication::read(call!(self.descope.api(), flow_exchange, &body)?, self.descope.token_names())
    }
}

/// What users type into screens may be passwords and codes, so that no input is shown.
macro_rules! debug {
    ($type:ident, $($member:ident),*) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($member), &self.body.$member))*
                    .field("input", &self.body.input.keys().collect::<Vec<_>>())
                    .finish_non_exhaustive()
            }
        }
    };
}

debug!(FlowStart, flow_id);
debug!(FlowNext, execution_id, step_id, interaction_id);

/// The setter of who runs the flow.
macro_rules! refresh_setter {
    () => {
        /// Runs the flow for a signed-in user: their refresh token.
        pub fn refresh_jwt(mut self, refresh_jwt: impl Into<Secret>) -> Self {
            self.refresh_jwt = Some(refresh_jwt.into());
            self
        }
    };
}

impl FlowStart {
    setters!(FlowStartRequest at body);
    refresh_setter!();

    /// In which circumstances the flow runs: the page, the tenant, the application.
    pub fn options(mut self, options: descope_api::types::FlowStartOptions) -> Self {
        self.body.options = Some(options);
        self
    }

    /// Begins the flow.
    ///
    /// `POST /v1/flow/start`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the flow id is blank or the refresh token unusable; nothing was
    ///   sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound): there is no such flow.
    pub async fn send(self) -> Result<FlowStep> {
        check::text("flow_id", &self.body.flow_id)?;
        let api = self.descope.signing_in(self.refresh_jwt.as_ref(), None)?;
        Ok(FlowStep::read(call!(api, flow_start, &self.body)?, &self.descope))
    }
}

impl FlowNext {
    setters!(FlowNextRequest at body);
    setters!(FlowNextOptions at body.options);
    refresh_setter!();

    /// Takes the step.
    ///
    /// `POST /v1/flow/next`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): an id is blank or the refresh token unusable; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E102116`, `E103202`), [`Expired`](crate::ErrorKind::Expired) (`E103205`),
    ///   [`Forbidden`](crate::ErrorKind::Forbidden) (`E108201`), [`Api`](crate::ErrorKind::Api) (`E102004`, `E102122`): the
    ///   flow cannot go on; begin again.
    pub async fn send(self) -> Result<FlowStep> {
        check::text("execution_id", &self.body.execution_id)?;
        check::text("step_id", &self.body.step_id)?;
        check::text("interaction_id", &self.body.interaction_id)?;
        let api = self.descope.signing_in(self.refresh_jwt.as_ref(), None)?;
        Ok(FlowStep::read(call!(api, flow_next, &self.body)?, &self.descope))
    }
}

impl FlowStep {
    fn read(Answer { body: mut response, origin }: Answer<FlowStepResponse>, descope: &Descope) -> Self {
        let session = response.auth_info.take();
        let authentication =
            session.and_then(|session| Authentication::found(session, origin.headers(), descope.token_names()));
        Self { response, authentication }
    }

    /// Everything that the service says of the step, but for the session.
    pub fn response(&self) -> &FlowStepResponse {
        &self.response
    }

    /// The session, when the flow has signed the user in.
    pub fn authentication(&self) -> Option<&Authentication> {
        self.authentication.as_ref()
    }

    /// The session to keep, when the flow has signed the user in.
    pub fn into_authentication(self) -> Option<Authentication> {
        self.authentication
    }
}
