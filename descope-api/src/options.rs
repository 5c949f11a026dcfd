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

    /// Adds a header, in place of one of the same name. Those that say who calls, `Authorization` and
    /// `x-descope-project-id`, stay the client's.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// These options, and what only the former ones say.
    pub(crate) fn over(mut self, former: &Self) -> Self {
        self.timeout = self.timeout.or(former.timeout);
        self.retry = self.retry.or(former.retry);
        for (name, value) in &former.headers {
            self.headers.entry(name).or_insert_with(|| value.clone());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_newer_options_do_not_say_stays() {
        let header =
            |name: &'static str, value: &'static str| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let ((a, one), (b, two), (_, three)) = (header("x-a", "1"), header("x-b", "2"), header("x-b", "3"));
        let former = CallOptions::new().timeout(Duration::from_secs(5)).header(a, one).header(b.clone(), two);
        let both = CallOptions::new().retry(RetryPolicy::none()).header(b, three).over(&former);
        assert_eq!((both.deadline(), both.policy()), (Some(Duration::from_secs(5)), Some(RetryPolicy::none())));
        assert_eq!(
            (&both.headers()["x-a"], &both.headers()["x-b"]),
            (&HeaderValue::from_static("1"), &HeaderValue::from_static("3"))
        );
        assert_eq!(former.timeout(Duration::from_secs(1)).deadline(), Some(Duration::from_secs(1)));
    }
}
