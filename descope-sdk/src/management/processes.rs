//! What goes on at the service after the call that began it: flows that were started, and projects that are being cloned.

use std::fmt;

use serde_json::{Map, Value};

use super::{flow::Flows, project::Projects};
use crate::{
    CallOptions, Error, ErrorKind, PollOptions, Result, RetryPolicy, error::Inner, poll, raw_error::operation,
};

/// A flow that was started and may still run. From [`Flows::execution`].
///
/// It is no more than its id, so it can be waited for by another process.
#[derive(Clone)]
pub struct FlowExecution {
    flows: Flows,
    id: String,
}

/// A clone of the project that is being made. From [`Projects::clone_process`].
///
/// It is no more than its id, so it can be waited for by another process.
#[derive(Clone)]
pub struct CloneProcess {
    projects: Projects,
    id: String,
}

/// A project that came out of a clone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClonedProject {
    /// The id of the new project.
    pub project_id: String,
    /// Its name.
    pub project_name: Option<String>,
}

impl Flows {
    /// A flow that [`start`](Self::start) began, to wait for what comes of it.
    ///
    /// - `execution_id`: what `start` gave.
    ///
    /// ```
    /// # use descope_sdk::Descope;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = httpmock::MockServer::start_async().await;
    /// # server.mock_async(|when, then| {
    /// #     when.path("/v1/mgmt/flow/async/run");
    /// #     then.status(200).body(r#"{"executionId":"E2Rm"}"#);
    /// # }).await;
    /// # server.mock_async(|when, then| {
    /// #     when.path("/v1/mgmt/flow/async/result");
    /// #     then.status(200).body(r#"{"output":{"sent":3}}"#);
    /// # }).await;
    /// # let builder = Descope::builder("P2RmuXyZ0123456789abcdefghij").base_url(server.base_url()).without_license();
    /// # let descope = builder.management_key("K2Rm").build()?;
    /// let flows = descope.management().flows();
    /// let execution_id = flows.start("send-reminders").send().await?;
    /// let output = flows.execution(execution_id).wait().await?;
    /// println!("{} sent", output["sent"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn execution(&self, execution_id: impl Into<String>) -> FlowExecution {
        FlowExecution { flows: self.clone(), id: execution_id.into() }
    }
}

impl FlowExecution {
    /// Names the execution to the service.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks once what has come of the flow: its output, or `None` as long as there is none.
    ///
    /// A flow that has put out nothing looks like one that still runs.
    ///
    /// `POST /v1/mgmt/flow/async/result`
    ///
    /// # Errors
    ///
    /// As [`LoadResult::send`](super::flow::LoadResult::send).
    pub async fn check(&self) -> Result<Option<Map<String, Value>>> {
        self.output(CallOptions::new()).await
    }

    /// Waits for the output, as the client's [`poll`](crate::DescopeBuilder::poll) options say: every second, for ten
    /// minutes at most. Transient failures are retried; dropping the future ends the wait.
    ///
    /// `POST /v1/mgmt/flow/async/result`, again and again; [`Flows::execution`] has an example.
    ///
    /// # Errors
    ///
    /// - [`Timeout`](ErrorKind::Timeout) with [`Error::waited`]: nothing came in time.
    /// - As [`check`](Self::check) for what is final.
    pub async fn wait(&self) -> Result<Map<String, Value>> {
        self.wait_with(self.flows.descope.poll_options()).await
    }

    /// Waits for the output, in a way of its own.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub async fn wait_with(&self, options: &PollOptions) -> Result<Map<String, Value>> {
        poll::until_ready(operation!(management_flow_load_result), options, || async {
            self.output(once()).await?.ok_or_else(pending)
        })
        .await
    }

    async fn output(&self, options: CallOptions) -> Result<Option<Map<String, Value>>> {
        let output = self.flows.load_result(&self.id).with_options(options).send().await?;
        Ok((!output.is_empty()).then_some(output))
    }
}

impl Projects {
    /// A clone that [`start_clone`](Self::start_clone) began, to wait for the new project.
    ///
    /// - `process_id`: what `start_clone` gave.
    ///
    /// ```
    /// # use descope_sdk::Descope;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = httpmock::MockServer::start_async().await;
    /// # server.mock_async(|when, then| {
    /// #     when.method("POST").path("/v1/mgmt/project/clone/async");
    /// #     then.status(200).body(r#"{"processId":"C2Rm"}"#);
    /// # }).await;
    /// # server.mock_async(|when, then| {
    /// #     when.method("GET").path("/v1/mgmt/project/clone/async/C2Rm");
    /// #     then.status(200).body(r#"{"projectId":"P2RmNew","projectName":"Staging"}"#);
    /// # }).await;
    /// # let builder = Descope::builder("P2RmuXyZ0123456789abcdefghij").base_url(server.base_url()).without_license();
    /// # let descope = builder.management_key("K2Rm").build()?;
    /// let projects = descope.management().projects();
    /// let process_id = projects.start_clone("Staging").send().await?;
    /// let project = projects.clone_process(process_id).wait().await?;
    /// assert_eq!(project.project_id, "P2RmNew");
    /// # Ok(())
    /// # }
    /// ```
    pub fn clone_process(&self, process_id: impl Into<String>) -> CloneProcess {
        CloneProcess { projects: self.clone(), id: process_id.into() }
    }
}

impl CloneProcess {
    /// Names the process to the service.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks once whether the new project is there; `None` as long as it is being made.
    ///
    /// `GET /v1/mgmt/project/clone/async/{processId}`
    ///
    /// # Errors
    ///
    /// - [`Api`](ErrorKind::Api): the clone failed; [`Error::message`] says why.
    /// - As [`LoadClone::send`](super::project::LoadClone::send).
    pub async fn check(&self) -> Result<Option<ClonedProject>> {
        self.project(CallOptions::new()).await
    }

    /// Waits for the new project, as the client's [`poll`](crate::DescopeBuilder::poll) options say: every second, for ten
    /// minutes at most. Transient failures are retried; dropping the future ends the wait.
    ///
    /// `GET /v1/mgmt/project/clone/async/{processId}`, again and again; [`Projects::clone_process`] has an example.
    ///
    /// # Errors
    ///
    /// - [`Timeout`](ErrorKind::Timeout) with [`Error::waited`]: it was not made in time.
    /// - As [`check`](Self::check) for what is final.
    pub async fn wait(&self) -> Result<ClonedProject> {
        self.wait_with(self.projects.descope.poll_options()).await
    }

    /// Waits for the new project, in a way of its own.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub async fn wait_with(&self, options: &PollOptions) -> Result<ClonedProject> {
        poll::until_ready(operation!(management_project_load_clone), options, || async {
            self.project(once()).await?.ok_or_else(pending)
        })
        .await
    }

    async fn project(&self, options: CallOptions) -> Result<Option<ClonedProject>> {
        let state = self.projects.load_clone(&self.id).with_options(options).send().await?;
        if let Some(message) = state.error.filter(|error| !error.is_empty()) {
            let operation = Some(operation!(management_project_load_clone));
            return Err(Inner { operation, message: Some(message), ..Inner::of(ErrorKind::Api) }.into());
        }
        let id = state.project_id.filter(|id| !id.is_empty());
        Ok(id.map(|project_id| ClonedProject { project_id, project_name: state.project_name }))
    }
}

/// The loop is the retry; the raw client's own would ask several times within one interval.
fn once() -> CallOptions {
    CallOptions::new().retry(RetryPolicy::none())
}

fn pending() -> Error {
    Inner::of(ErrorKind::Pending).into()
}

impl fmt::Debug for FlowExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowExecution").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for CloneProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloneProcess").field("id", &self.id).finish_non_exhaustive()
    }
}
