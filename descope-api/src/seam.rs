//! The hand-written half of the client: configuration, credentials and retries around every generated call.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::{Request, Response};
use tracing::Span;
use url::Url;

use crate::{
    Auth, CallOptions, Client, Error, Operation, Pacing, Propagator, RetryPolicy, Secret, license::License, pacing,
    path, span,
};

/// Names the project to the service.
pub(crate) const PROJECT: HeaderName = HeaderName::from_static("x-descope-project-id");

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
#[derive(Clone)]
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
    /// Whether the first management call has the project's licence read in the background, which later ones then name: the
    /// service allows more requests to those who do. Off unless set.
    pub name_license: bool,
    /// Adds the headers to each attempt by which a trace goes on at the service. None unless set.
    pub propagator: Option<Propagator>,
    /// Has calls wait that would exceed a rate limit. None unless set.
    pub pacing: Option<Pacing>,
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
            name_license: false,
            propagator: None,
            pacing: None,
        }
    }
}

impl fmt::Debug for Config {
    /// Headers are shown by name: what a proxy or a gateway asks for is often secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base_url, project_id, management_key, auth_management_key, retry, .. } = self;
        f.debug_struct("Config")
            .field("base_url", base_url)
            .field("project_id", project_id)
            .field("management_key", management_key)
            .field("auth_management_key", auth_management_key)
            .field("retry", retry)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("headers", &self.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
            .field("name_license", &self.name_license)
            .field("propagator", &self.propagator)
            .field("pacing", &self.pacing.is_some())
            .finish()
    }
}

/// The state behind a [`Client`]: shared configuration, and the token of one call.
#[derive(Clone, Debug)]
pub struct Seam {
    config: Arc<Config>,
    /// The path of the base URL, below which the documented paths begin.
    base_path: Arc<str>,
    /// The id of the project, if a header can carry it.
    project: Option<HeaderValue>,
    token: Option<Secret>,
    /// The management key of the next call, where it is not that of the configuration.
    key: Option<Secret>,
    /// What the next call has of its own.
    options: Option<Arc<CallOptions>>,
    license: License,
}

impl Client {
    /// Makes a client on an HTTP client of your own.
    ///
    /// `http` has to be built with `redirect(Policy::none())`: a redirect is an answer here, and following one would
    /// hand the bearer to another address.
    pub fn connect(http: reqwest::Client, config: Config) -> Self {
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        // What is not a URL is reported by the first call.
        let base_path = Url::parse(&base_url).map(|url| url.path().trim_end_matches('/').into()).unwrap_or_default();
        let seam = Seam {
            project: HeaderValue::from_str(&config.project_id).ok(),
            config: Arc::new(config),
            base_path,
            token: None,
            key: None,
            options: None,
            license: License::default(),
        };
        Self::new_with_client(&base_url, http, seam)
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

    /// The same client, with another management key; for keys that change while the application runs.
    ///
    /// The copy is cheap.
    #[must_use]
    pub fn with_management_key(&self, key: impl Into<Secret>) -> Self {
        let mut client = self.clone();
        client.inner.key = Some(key.into());
        client
    }

    /// The same client, with options of their own for the calls that are made through it.
    ///
    /// The copy is cheap. What the options do not say stays as it was.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        let mut client = self.clone();
        client.inner.options = Some(Arc::new(match &self.inner.options {
            Some(former) => options.over(former),
            None => options,
        }));
        client
    }

    /// How this client was configured.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }
}

impl Client {
    /// Adds what every request carries, once it is certain that it goes where it should.
    pub(crate) fn prepare(&self, request: &mut Request, operation: &'static Operation) -> Result<(), String> {
        let seam = &self.inner;
        let path = request.url().path().strip_prefix(&*seam.base_path).unwrap_or_default();
        path::check(path, operation.path)?;
        let headers = request.headers_mut();
        // Those of the configuration, and the three below; they find room one by one, too.
        let _ = headers.try_reserve(seam.config.headers.keys_len() + 3);
        for (name, value) in &seam.config.headers {
            headers.insert(name, value.clone());
        }
        let own = seam.options.iter().flat_map(|options| options.headers());
        for (name, value) in own.filter(|(name, _)| **name != header::AUTHORIZATION) {
            headers.insert(name, value.clone());
        }
        let project = seam.project.clone().ok_or_else(|| unfit("project id"))?;
        headers.insert(PROJECT, project);
        if let Some(bearer) = seam.bearer(operation)? {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        if seam.config.name_license && operation.auth.contains(&Auth::ManagementKey) {
            seam.license.name(&self.client, &seam.config, seam.management_key(), headers);
        }
        Ok(())
    }

    /// Ends a call at its own deadline, if it has one.
    pub(crate) async fn within<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(deadline) = self.inner.options.as_ref().and_then(|options| options.deadline()) else {
            return call.await;
        };
        match tokio::time::timeout(deadline, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(crate::ErrorKind::Timeout, operation)),
        }
    }

    /// Sends a request, again if that is safe and of use.
    ///
    /// - `operation`: the span of the call, inside of which this runs.
    pub(crate) async fn execute(
        &self,
        request: Box<Request>,
        known: &'static Operation,
        operation: &Span,
    ) -> reqwest::Result<Response> {
        let own = self.inner.options.as_ref().and_then(|options| options.policy());
        let retry = own.unwrap_or(self.config().retry);
        let propagator = self.config().propagator.as_ref();
        let mut request = request;
        let mut attempt = 0;
        loop {
            let spare = if attempt < retry.max_retries { request.try_clone().map(Box::new) } else { None };
            let turn = pacing::turn(self.config().pacing.as_ref(), known).await;
            let result = span::attempt(&self.client, request, known, attempt, propagator).await;
            turn.ended(&result);
            let (Some(wait), Some(next)) = (retry.delay(known.retry, attempt, &result), spare) else {
                span::answered(operation, &result);
                return result;
            };
            drop(result);
            tokio::time::sleep(wait).await;
            request = next;
            attempt += 1;
            operation.record("http.request.resend_count", attempt);
        }
    }
}

impl Seam {
    fn management_key(&self) -> Option<&Secret> {
        self.key.as_ref().or(self.config.management_key.as_ref())
    }

    /// The `Authorization` header that an operation asks for.
    fn bearer(&self, operation: &Operation) -> Result<Option<HeaderValue>, String> {
        let accepts = |auth: &Auth| operation.auth.contains(auth);
        let takes_token = [Auth::RefreshJwt, Auth::SessionJwt, Auth::AccessKey].iter().any(accepts);
        let takes_key = accepts(&Auth::ManagementKey);
        let credential = match (&self.token, self.management_key()) {
            (Some(token), _) if takes_token => Some(token),
            (_, Some(key)) if takes_key => Some(key),
            _ if accepts(&Auth::ProjectId) => None,
            _ if takes_key => return Err(missing(operation, "a management key")),
            _ if takes_token => return Err(missing(operation, "a token: give one with `with_token`")),
            _ => return Ok(None),
        };
        let and_key = self.config.auth_management_key.as_ref().filter(|_| !takes_key);
        let secrets = [credential, and_key].into_iter().flatten();
        let mut bearer = format!("Bearer {}", self.config.project_id);
        // At once, so that growing leaves no copy of a secret behind.
        bearer.reserve_exact(secrets.clone().map(|part| part.expose().len() + 1).sum());
        for part in secrets {
            bearer.push(':');
            bearer.push_str(part.expose());
        }
        let mut bearer = header_value("token or key", bearer)?;
        bearer.set_sensitive(true);
        Ok(Some(bearer))
    }
}

fn missing(operation: &Operation, what: impl Display) -> String {
    format!("{} needs {what}", operation.id)
}

pub(crate) fn header_value(what: &str, value: String) -> Result<HeaderValue, String> {
    value.try_into().map_err(|_| unfit(what))
}

fn unfit(what: &str) -> String {
    format!("the {what} has characters that no header can carry")
}
