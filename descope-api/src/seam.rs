//! The hand-written half of the client: credentials, retries, bounds and tracing around every generated call.

use std::{fmt::Display, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use progenitor_client::{ClientHooks, ClientInfo as _, Error, OperationInfo};
use rand::RngExt as _;
use reqwest::{Request, Response};

use crate::{Auth, Client, Operation, Retry, Secret, operation, types::ErrorResponse};

/// How a [`Client`] reaches Descope.
///
/// ```
/// use descope_api::{Client, Config};
///
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let mut config = Config::new("https://api.descope.com", "P2RmuXyZ0123456789abcdefghij");
/// config.management_key = Some("K2Rm-management-key".into());
/// let client = Client::connect(http, config);
/// # Ok::<_, reqwest::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Scheme and host, such as `https://api.descope.com`. A trailing slash is dropped.
    pub base_url: String,
    /// The project, such as `P2RmuXyZ0123456789abcdefghij`.
    pub project_id: String,
    /// Sent with management operations, which are refused locally without it.
    pub management_key: Option<Secret>,
    /// Appended to the bearer of all other operations, for projects whose public authentication is switched off.
    pub auth_management_key: Option<Secret>,
    /// When and how often a failed call is repeated.
    pub retry: RetryPolicy,
    /// Answers longer than this many bytes are refused while they are read. 8 MiB unless set.
    pub max_response_bytes: usize,
    /// Added to every request.
    pub headers: HeaderMap,
}

impl Config {
    /// Everything else at its default.
    pub fn new(base_url: impl Into<String>, project_id: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            project_id: project_id.into(),
            management_key: None,
            auth_management_key: None,
            retry: RetryPolicy::default(),
            max_response_bytes: 8 * 1024 * 1024,
            headers: HeaderMap::new(),
        }
    }
}

/// When and how often a failed call is repeated.
///
/// What may be repeated follows from the operation's [`Retry`] class. An operation that sends a message or redeems a
/// code is only repeated when the first attempt cannot have reached the service: no connection, or one of the
/// statuses 429, 503, 521, 522 and 530. The others are also repeated after a broken connection and after 502, 504,
/// 520 and 524. Timeouts are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts after the first one. 3 unless set; 0 switches retries off.
    pub max_retries: u32,
    /// Wait before the first repetition; doubled each time, and shortened by up to half at random. 100 ms unless set.
    pub base_delay: Duration,
    /// Longest wait between two attempts. 5 seconds unless set.
    pub max_delay: Duration,
    /// A `Retry-After` up to this long is waited for; a longer one is left to the caller. 10 seconds unless set.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            max_retry_after: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// Every call is made once.
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// The wait before attempt `attempt` + 1, or `None` to give up.
    fn delay(&self, class: Retry, attempt: u32, result: &reqwest::Result<Response>) -> Option<Duration> {
        if attempt >= self.max_retries || !may_repeat(class, result) {
            return None;
        }
        if let Some(wait) = result.as_ref().ok().and_then(|response| retry_after(response.headers())) {
            return (wait <= self.max_retry_after).then_some(wait);
        }
        if matches!(result, Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS) {
            // Without a `Retry-After` nobody knows when the limit ends; guessing would only prolong it.
            return None;
        }
        let full = self.base_delay.saturating_mul(1 << attempt.min(16)).min(self.max_delay);
        Some(full.mul_f64(rand::rng().random_range(0.5..=1.0)))
    }
}

fn may_repeat(class: Retry, result: &reqwest::Result<Response>) -> bool {
    let harmless = class != Retry::Never;
    match result {
        Ok(response) => match response.status().as_u16() {
            429 | 503 | 521 | 522 | 530 => true,
            502 | 504 | 520 | 524 => harmless,
            _ => false,
        },
        Err(error) if error.is_connect() => true,
        Err(error) => harmless && !error.is_timeout() && !error.is_builder(),
    }
}

/// Whole seconds from `Retry-After`. The form with a date is not used by the service.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The state behind a [`Client`]: shared configuration, and the token of one call.
#[derive(Clone, Debug)]
pub struct Seam {
    config: Arc<Config>,
    token: Option<Secret>,
}

impl Client {
    /// Makes a client on an HTTP client of your own.
    ///
    /// `http` has to be built with `redirect(Policy::none())`: a redirect is an answer here, and following one would
    /// hand the bearer to another address.
    pub fn connect(http: reqwest::Client, config: Config) -> Self {
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        Self::new_with_client(&base_url, http, Seam { config: Arc::new(config), token: None })
    }

    /// The same client, with the refresh JWT, session JWT or access key that the next call acts for.
    ///
    /// The copy is cheap. Operations that take no such token ignore it.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Secret>) -> Self {
        let mut client = self.clone();
        client.inner.token = Some(token.into());
        client
    }

    /// The same client, with another policy for repeating failed calls; for a caller that repeats them itself.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        let mut client = self.clone();
        Arc::make_mut(&mut client.inner.config).retry = retry;
        client
    }

    /// How this client was configured.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }
}

impl ClientHooks<Seam> for Client {
    async fn pre<E>(&self, request: &mut Request, info: &OperationInfo) -> Result<(), Error<E>> {
        let seam = self.inner();
        let headers = request.headers_mut();
        for (name, value) in &seam.config.headers {
            headers.insert(name, value.clone());
        }
        let project = header_value("project id", &seam.config.project_id).map_err(Error::InvalidRequest)?;
        headers.insert(HeaderName::from_static("x-descope-project-id"), project);
        if let Some(bearer) = seam.bearer(info.operation_id).map_err(Error::InvalidRequest)? {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        Ok(())
    }

    async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        let config = &self.inner().config;
        let known = operation(info.operation_id);
        let class = known.map_or(Retry::Never, |known| known.retry);
        let mut request = request;
        let mut attempt = 0;
        loop {
            let spare = request.try_clone();
            let result = self.client().execute(request).await;
            trace(info, attempt, &result);
            let (Some(wait), Some(next)) = (config.retry.delay(class, attempt, &result), spare) else {
                return bounded(result?, config.max_response_bytes, known).await;
            };
            drop(result);
            tokio::time::sleep(wait).await;
            request = next;
            attempt += 1;
        }
    }
}

impl Seam {
    /// The `Authorization` header that an operation asks for.
    fn bearer(&self, name: &str) -> Result<Option<HeaderValue>, String> {
        let operation = operation(name).ok_or_else(|| format!("{name} is not in the operation table"))?;
        let accepts = |auth: &Auth| operation.auth.contains(auth);
        let takes_token = [Auth::RefreshJwt, Auth::SessionJwt, Auth::AccessKey].iter().any(accepts);
        let takes_key = accepts(&Auth::ManagementKey);
        let mut parts = vec![self.config.project_id.as_str()];
        match (&self.token, &self.config.management_key) {
            (Some(token), _) if takes_token => parts.push(token.expose()),
            (_, Some(key)) if takes_key => parts.push(key.expose()),
            _ if accepts(&Auth::ProjectId) => {}
            _ if takes_key => return Err(missing(operation, "a management key")),
            _ if takes_token => return Err(missing(operation, "a token: give one with `with_token`")),
            _ => return Ok(None),
        }
        if !takes_key {
            parts.extend(self.config.auth_management_key.as_ref().map(Secret::expose));
        }
        let mut bearer = header_value("token or key", &format!("Bearer {}", parts.join(":")))?;
        bearer.set_sensitive(true);
        Ok(Some(bearer))
    }
}

fn missing(operation: &Operation, what: impl Display) -> String {
    format!("{} needs {what}", operation.id)
}

fn header_value(what: &str, value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(value).map_err(|_| format!("the {what} has characters that no header can carry"))
}

fn trace(info: &OperationInfo, attempt: u32, result: &reqwest::Result<Response>) {
    match result {
        Ok(response) => {
            let status = response.status().as_u16();
            tracing::debug!(target: "descope", operation = info.operation_id, attempt, status, "answered");
        }
        Err(error) => tracing::debug!(
            target: "descope",
            operation = info.operation_id,
            attempt,
            timeout = error.is_timeout(),
            connect = error.is_connect(),
            "failed"
        ),
    }
}

/// Error bodies longer than this are not Descope's.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Bounds the body, and makes sure that a refusal carries a body that the generated code can read.
async fn bounded(response: Response, limit: usize, known: Option<&Operation>) -> reqwest::Result<Response> {
    let (mut parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let status = parts.status;
    let answers_nothing = known.is_some_and(|known| known.answers_nothing);
    if known.is_some_and(|known| known.redirects) && status.is_redirection() {
        // The generated code knows one success; what matters is in the headers.
        parts.status = StatusCode::OK;
    }
    let body = if status.is_client_error() || status.is_server_error() {
        let known = match Limited::new(body, MAX_ERROR_BYTES).collect().await {
            Ok(body) => described_error(&body.to_bytes()),
            // What matters is the status, which has come already; a broken body does not take it away.
            Err(_) => None,
        };
        known.unwrap_or_else(|| foreign_error(status)).into()
    } else if answers_nothing && status.is_success() && body.size_hint().exact() == Some(0) {
        // An empty answer where nothing is to be told is as good as `{}`.
        "{}".into()
    } else {
        reqwest::Body::wrap(Limited::new(body, limit))
    };
    Ok(http::Response::from_parts(parts, body).into())
}

/// The body as it is, if it is one that Descope writes.
fn described_error(bytes: &[u8]) -> Option<Vec<u8>> {
    let error: ErrorResponse = serde_json::from_slice(bytes).ok()?;
    let told = [
        &error.error_code,
        &error.error_description,
        &error.error_message,
        &error.message,
        &error.error,
        &error.detail,
    ];
    told.iter().any(|member| member.is_some()).then(|| bytes.to_vec())
}

/// Stands in for the page of a proxy. Its text is not passed on: nobody knows what is in it.
fn foreign_error(status: StatusCode) -> Vec<u8> {
    let description = format!("HTTP {} without a Descope error", status.as_u16());
    serde_json::json!({ "errorDescription": description }).to_string().into_bytes()
}

/// Whether a transport error says that an answer was longer than [`Config::max_response_bytes`].
pub fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<LengthLimitError>)
}
