//! What one call has of its own.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::RetryPolicy;

/// What a call does otherwise than its client: how long it may take, how it is repeated, what headers it has besides.
///
/// ```
/// use std::time::Duration;
/// use descope_api::{CallOptions, RetryPolicy};
///
/// let options = CallOptions::new().timeout(Duration::from_secs(5)).retry(RetryPolicy::none());
/// ```
#[derive(Clone, Default)]
pub struct CallOptions {
    timeout: Option<Duration>,
    retry: Option<RetryPolicy>,
    headers: HeaderMap,
}

impl CallOptions {
    /// Nothing but what the client does anyway.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the call may take, all attempts and the waits between them together.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// When and how often the call is repeated, instead of by the policy of the client.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Adds a header, in place of one of the same name. Those that say who calls, `Authorization` and `x-descope-project-id`, stay the client's.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.timeout
    }

    pub(crate) fn policy(&self) -> Option<RetryPolicy> {
        self.retry
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl fmt::Debug for CallOptions {
    /// Headers are shown by name: what a gateway asks for is often secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .finish()
    }
}
