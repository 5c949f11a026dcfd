//! How a client is set up: the builder, the environment, and where a project lives.

use std::{fmt, time::Duration};

use descope_api::{Config, Pacing, Propagator, RetryPolicy, Secret};
use http::{HeaderMap, HeaderValue};
use url::{Host, Url};

use crate::{
    Descope, Error, ManagementKey, PollOptions, Result, check,
    session::{self, ConfigError, SessionValidator, SessionValidatorBuilder},
};

/// Sets a [`Descope`] client up.
///
/// Only the project id is needed; where the project lives follows from it.
///
/// ```
/// use std::time::Duration;
/// use descope_sdk::Descope;
///
/// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij")
///     .management_key("K2RmxQ7w8E9r0T1y2U3i4O5p6As")
///     .timeout(Duration::from_secs(20))
///     .build()?;
/// assert_eq!(descope.base_url(), "https://api.descope.com");
/// # Ok::<_, descope_sdk::Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct DescopeBuilder {
    project_id: Setting<String>,
    management_key: Option<Setting<ManagementKey>>,
    auth_management_key: Option<Setting<Secret>>,
    base_url: Option<Setting<String>>,
    fga_cache_url: Option<Setting<String>>,
    allow_insecure_http: bool,
    http: Option<reqwest::Client>,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    retry: RetryPolicy,
    max_response_bytes: Option<usize>,
    name_license: bool,
    propagator: Option<Propagator>,
    pacing: Option<Pacing>,
    /// The variable that gave the key of the validator.
    static_key_from: Option<&'static str>,
    validator: SessionValidatorBuilder,
    poll: PollOptions,
}

/// A value and the name of what set it, which an error has to tell.
struct Setting<T> {
    value: T,
    argument: &'static str,
}

impl DescopeBuilder {
    pub(crate) fn new(project_id: String) -> Self {
        Self::from_setting(Setting { value: project_id, argument: "project_id" })
    }

    fn from_setting(project_id: Setting<String>) -> Self {
        Self {
            validator: SessionValidator::builder(project_id.value.as_str()),
            project_id,
            management_key: None,
            auth_management_key: None,
            base_url: None,
            fga_cache_url: None,
            allow_insecure_http: false,
            http: None,
            timeout: None,
            connect_timeout: None,
            retry: RetryPolicy::default(),
            max_response_bytes: None,
            name_license: true,
            propagator: None,
            pacing: None,
            static_key_from: None,
            poll: PollOptions::new(),
        }
    }

    /// Takes the settings from the environment; more can be set afterwards.
    ///
    /// | variable | sets |
    /// | --- | --- |
    /// | `DESCOPE_PROJECT_ID` | the project, needed |
    /// | `DESCOPE_MANAGEMENT_KEY` | [`management_key`](Self::management_key) |
    /// | `DESCOPE_AUTH_MANAGEMENT_KEY` | [`auth_management_key`](Self::auth_management_key) |
    /// | `DESCOPE_BASE_URL`, or else `DESCOPE_BASE_URI` | [`base_url`](Self::base_url) |
    /// | `DESCOPE_PUBLIC_KEY` | the project's public key as JSON, one JWK or a JWK set: sessions are validated with it and no key is fetched, as by [`static_key`](SessionValidatorBuilder::static_key) |
    ///
    /// A variable that is empty counts as not set. `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read by the
    /// built-in HTTP client, but never for a base URL on this machine.
    ///
    /// Other official SDKs read some more, which are not read here: `DESCOPE_FGA_CACHE_URL`, `DESCOPE_LOG_LEVEL`,
    /// `DESCOPE_DEBUG` and `DESCOPE_LOG_PATH` (this crate logs through `tracing`), and `SSL_CERT_FILE`, `SSL_CERT_DIR` and
    /// `REQUESTS_CA_BUNDLE` (give your roots to [`http_client`](Self::http_client)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when `DESCOPE_PROJECT_ID` is not set.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let read = |argument: &'static str| {
            let value = lookup(argument).filter(|value| !value.trim().is_empty())?;
            Some(Setting { value: value.trim().to_owned(), argument })
        };
        let secret = |argument| read(argument).map(|setting| Setting { value: Secret::from(setting.value), argument });
        let Some(project_id) = read("DESCOPE_PROJECT_ID") else {
            let why = "`DESCOPE_PROJECT_ID` is not set: it holds the id of the project";
            return Err(Error::configuration("DESCOPE_PROJECT_ID", why));
        };
        let mut builder = Self::from_setting(project_id);
        builder.management_key = secret("DESCOPE_MANAGEMENT_KEY")
            .map(|Setting { value, argument }| Setting { value: ManagementKey::value(value), argument });
        builder.auth_management_key = secret("DESCOPE_AUTH_MANAGEMENT_KEY");
        // Both spellings are in use among the official SDKs.
        builder.base_url = read("DESCOPE_BASE_URL").or_else(|| read("DESCOPE_BASE_URI"));
        if let Some(key) = read("DESCOPE_PUBLIC_KEY") {
            builder.validator = builder.validator.static_key(key.value);
            builder.static_key_from = Some(key.argument);
        }
        Ok(builder)
    }

    /// The key for [`Descope::management`], from the company settings of the console, or where it is to be read:
    /// [`ManagementKey`] can be a file or a function. It stays on the server.
    pub fn management_key(mut self, key: impl Into<ManagementKey>) -> Self {
        self.management_key = Some(Setting { value: key.into(), argument: "management_key" });
        self
    }

    /// The key that lets this server sign users in when the project has public authentication switched off.
    pub fn auth_management_key(mut self, key: impl Into<Secret>) -> Self {
        self.auth_management_key = Some(Setting { value: key.into(), argument: "auth_management_key" });
        self
    }

    /// Scheme and host to talk to instead of the project's region: a custom domain, or the emulator.
    ///
    /// Plain `http` is taken for this machine alone, unless [`allow_insecure_http`](Self::allow_insecure_http)
    /// is called.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(Setting { value: base_url.into(), argument: "base_url" });
        self
    }

    /// Where the authorization cache of your own network is reached: checks, relations and schemas of
    /// [`fga`](crate::management::Management::fga), and who can do what of
    /// [`authz`](crate::management::Management::authz), go there instead of to the service.
    ///
    /// What only reads is asked of the service where the cache fails; what changes something is not sent twice. The cache gets
    /// the same credentials, so the same holds for its scheme as for [`base_url`](Self::base_url).
    #[cfg(feature = "management")]
    pub fn fga_cache_url(mut self, url: impl Into<String>) -> Self {
        self.fga_cache_url = Some(Setting { value: url.into(), argument: "fga_cache_url" });
        self
    }

    /// Takes a base URL with `http` for any host. Tokens and keys then travel in the clear: for tests in a
    /// closed network only.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// Sends everything through an HTTP client of your own, with your proxy, certificates or pool.
    ///
    /// Build it with `redirect(Policy::none())`, without a cookie store and with a timeout: a redirect that is
    /// followed could hand a token to another host, and tokens are read from `Set-Cookie` themselves.
    /// [`timeout`](Self::timeout) and [`connect_timeout`](Self::connect_timeout) belong to the built-in client
    /// and cannot be combined with this.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// How long one request may take from the first byte sent to the last byte read. 60 seconds unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long it may take to connect. 10 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// When and how often a failed call is repeated. Calls that send a message or use up a code are only repeated
    /// when the first attempt cannot have reached the service, whatever is set here.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Has calls wait that would exceed a rate limit, instead of being refused: all clones of the client together, in the
    /// order in which they come. Without this every call is sent at once.
    ///
    /// Batches and streams of any length keep to the limits by themselves then. Waiting counts towards
    /// [`CallOptions::timeout`](crate::CallOptions::timeout), not towards [`timeout`](Self::timeout). Calls to the
    /// [authorization cache](Self::fga_cache_url) do not wait.
    ///
    /// - `pacing`: [`Pacing::documented`], or limits of your own. Give clones of one to several clients, and they share it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use descope_sdk::{Pacing, RateGroup, management::user::UserBatchCreateEntry};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let builder = emulator.descope_builder();
    /// // Half of what Descope allows; the rest is for the other process that creates users.
    /// let pacing = Pacing::documented().limit(RateGroup::UserCreation, 50, Duration::from_secs(60));
    /// let descope = builder.pace(pacing).build()?;
    ///
    /// // The 51st call, after 5,000 users, would wait for a minute.
    /// let users = (0..1000).map(|n| UserBatchCreateEntry::new(format!("user-{n}@example.com")));
    /// let mut created = descope.management().users().create_many(users, |call| call);
    /// while let Some(person) = created.next().await {
    ///     person.result?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pace(mut self, pacing: Pacing) -> Self {
        self.pacing = Some(pacing);
        self
    }

    /// The longest answer that is read, in bytes. 8 MiB unless set; exports of a whole project may need more.
    ///
    /// ```
    /// use descope_sdk::Descope;
    ///
    /// let exporting = Descope::builder("P2RmuXyZ0123456789abcdefghij").max_response_bytes(64 << 20).build()?;
    /// # let _ = exporting;
    /// # Ok::<_, descope_sdk::Error>(())
    /// ```
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = Some(bytes);
        self
    }

    /// Does not read the project's licence (`GET /v1/mgmt/license`). Otherwise that happens once, in the background of the
    /// first management call, and later management calls name the licence (header `x-descope-license`), because the
    /// service allows more requests to clients that do.
    pub fn without_license(mut self) -> Self {
        self.name_license = false;
        self
    }

    /// Lets traces go on at the service: `inject` adds headers such as `traceparent` to each request.
    ///
    /// It is called for each attempt, inside the attempt's span, with an empty map. What it puts there is added to the
    /// request, except headers that the request has anyway, and `Authorization` and `x-descope-project-id` in any case. It
    /// should neither block nor panic.
    ///
    /// With OpenTelemetry (the crates `opentelemetry`, `opentelemetry-http` and `tracing-opentelemetry`) it is this:
    ///
    /// ```ignore
    /// use opentelemetry_http::HeaderInjector;
    /// use tracing_opentelemetry::OpenTelemetrySpanExt;
    ///
    /// builder.propagate_trace(|headers| {
    ///     let context = tracing::Span::current().context();
    ///     opentelemetry::global::get_text_map_propagator(|to| to.inject_context(&context, &mut HeaderInjector(headers)));
    /// })
    /// ```
    ///
    /// A header of one's own:
    ///
    /// ```
    /// use descope_sdk::{Descope, reqwest::header::HeaderValue};
    /// use httpmock::MockServer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let server = MockServer::start_async().await;
    /// let sent = server.mock_async(|when, then| {
    ///     when.path("/v1/auth/otp/signin/email").header("traceparent", parent);
    ///     then.status(200).body(r#"{"maskedEmail": "a**@example.com"}"#);
    /// }).await;
    ///
    /// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij")
    ///     .base_url(server.base_url())
    ///     .propagate_trace(move |headers| {
    ///         headers.insert("traceparent", HeaderValue::from_static(parent));
    ///     })
    ///     .build()?;
    /// descope.otp().email("ada@example.com").sign_in().send().await?;
    /// sent.assert_async().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn propagate_trace(mut self, inject: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        self.propagator = Some(Propagator::new(inject));
        self
    }

    /// How far the clocks of this machine and the service may be apart when a session is validated. 5 seconds
    /// unless set.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.validator = self.validator.leeway(leeway);
        self
    }

    /// How sessions are validated: the audience they must be for, how long keys are kept, the clock. Keys are fetched
    /// by this client unless a static one is given.
    ///
    /// ```
    /// use descope_sdk::Descope;
    /// use descope_sdk::session::AudiencePolicy;
    ///
    /// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij")
    ///     .session_validator(|validator| validator.audience(AudiencePolicy::any_of(["shop"])))
    ///     .build()?;
    /// # let _ = descope;
    /// # Ok::<_, descope_sdk::Error>(())
    /// ```
    pub fn session_validator(
        mut self,
        configure: impl FnOnce(SessionValidatorBuilder) -> SessionValidatorBuilder,
    ) -> Self {
        self.validator = configure(self.validator);
        self
    }

    /// How [`PendingLink::wait`](crate::PendingLink::wait) waits.
    pub fn poll(mut self, options: PollOptions) -> Self {
        self.poll = options;
        self
    }

    /// Checks the settings and makes the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) with
    /// [`Error::argument`] naming the setting: a project id of a wrong shape, a base URL that is not a URL, a key
    /// with characters that no key has, or an HTTP client together with a timeout.
    pub fn build(self) -> Result<Descope> {
        check::project_id(self.project_id.argument, &self.project_id.value)?;
        let base_url = match &self.base_url {
            Some(given) => checked_base_url(given, self.allow_insecure_http)?,
            None => region_url(&self.project_id.value),
        };
        let mut config = Config::new(base_url, self.project_id.value);
        if let Some(Setting { value, argument }) = &self.management_key
            && let Some(fixed) = value.fixed()
        {
            config.management_key = Some(key(Setting { value: fixed.clone(), argument })?);
        }
        let management_key = self.management_key.map(|setting| setting.value);
        config.auth_management_key = self.auth_management_key.map(key).transpose()?;
        config.retry = self.retry;
        config.headers = sdk_headers();
        config.name_license = self.name_license;
        config.propagator = self.propagator;
        config.pacing = self.pacing;
        if let Some(bytes) = self.max_response_bytes {
            config.max_response_bytes = bytes;
        }
        let cache_url = self.fga_cache_url.as_ref();
        let cache_url = cache_url.map(|given| checked_base_url(given, self.allow_insecure_http)).transpose()?;
        let local = is_local(&config.base_url);

        let http = match self.http {
            Some(_) if self.timeout.is_some() || self.connect_timeout.is_some() => {
                let why = "`timeout` belongs to the built-in HTTP client: set it on the one given to `http_client`";
                return Err(Error::configuration("timeout", why));
            }
            Some(http) => http,
            None => http_client(self.timeout, self.connect_timeout, local)?,
        };
        let fga_cache = cache_url.map(|base_url| {
            // The licence is told by the client of the service, whose limits are not those of the cache.
            let mut config = config.clone();
            (config.base_url, config.name_license, config.pacing) = (base_url, false, None);
            descope_api::Client::connect(http.clone(), config)
        });
        let api = descope_api::Client::connect(http, config);
        let key_from = self.static_key_from;
        let validator = self.validator.fetch_keys(session::key_fetch(&api)).build();
        let validator = validator.map_err(|unusable| {
            let argument = match (&unusable, key_from) {
                (ConfigError::StaticKey(_), Some(variable)) => variable,
                _ => "session_validator",
            };
            Error::configuration(argument, unusable.to_string())
        })?;
        Ok(Descope::assemble(api, management_key, fga_cache, validator, self.poll))
    }
}

impl fmt::Debug for DescopeBuilder {
    /// Leaves out what may be secret: keys, and the base URL, which has not been checked for a password yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescopeBuilder")
            .field("project_id", &self.project_id.value)
            .field("management_key", &self.management_key.as_ref().map(|setting| &setting.value))
            .field("auth_management_key", &self.auth_management_key.is_some())
            .field("base_url", &self.base_url.is_some())
            .field("http_client", &self.http.is_some())
            .finish_non_exhaustive()
    }
}

fn key(setting: Setting<Secret>) -> Result<Secret> {
    match check::bearer(setting.argument, &setting.value) {
        Ok(()) => Ok(setting.value),
        Err(refused) => Err(Error::configuration(setting.argument, refused.to_string())),
    }
}

/// Where a project lives: ids with a region in them are longer, and the region is characters 2 to 5.
fn region_url(project_id: &str) -> String {
    match project_id.get(1..5) {
        Some(region) if project_id.len() >= REGIONAL_ID_LENGTH => {
            format!("https://api.{region}.descope.com")
        }
        _ => "https://api.descope.com".to_owned(),
    }
}

/// The URL without a slash at the end. Errors do not repeat it: there may be a password in it.
fn checked_base_url(given: &Setting<String>, allow_insecure_http: bool) -> Result<String> {
    let argument = given.argument;
    let refuse = |why: &str| Err(Error::configuration(argument, format!("`{argument}` {why}")));
    let Ok(url) = Url::parse(&given.value) else {
        return refuse("is not a URL such as https://api.descope.com");
    };
    let Some(host) = url.host() else {
        return refuse("names no host");
    };
    match url.scheme() {
        "https" => {}
        "http" if allow_insecure_http || is_loopback(&host) => {}
        "http" => {
            return refuse("is plain http to another machine: use https, or `allow_insecure_http` in a test");
        }
        _ => return refuse("is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("contains a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or a fragment");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_ipv4_mapped().map_or(address.is_loopback(), |mapped| mapped.is_loopback()),
    }
}

fn is_local(base_url: &str) -> bool {
    Url::parse(base_url).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
}

/// - `local`: whether the base URL is on this machine. A proxy could do nothing for it but read the keys.
fn http_client(timeout: Option<Duration>, connect: Option<Duration>, local: bool) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder();
    let builder = if local { builder.no_proxy() } else { builder };
    builder
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout.unwrap_or(Duration::from_secs(60)))
        .connect_timeout(connect.unwrap_or(Duration::from_secs(10)))
        .build()
        .map_err(|_| Error::configuration("http_client", "the HTTP client could not be set up"))
}

/// What every SDK tells of itself.
fn sdk_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-descope-sdk-name", HeaderValue::from_static("rust"));
    headers.insert("x-descope-sdk-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    headers
}

/// Ids from this length on carry a region.
const REGIONAL_ID_LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const PROJECT: &str = "P2RmuXyZ0123456789abcdefghij";

    fn build(base_url: &str) -> Result<Descope> {
        Descope::builder(PROJECT).base_url(base_url).build()
    }

    #[test]
    fn region_is_characters_two_to_five_of_long_ids() {
        let url = |length: usize| region_url(&format!("Peuc1{}", "2".repeat(length - 5)));
        for length in [27, 28, 31] {
            assert_eq!(url(length), "https://api.descope.com");
        }
        for length in [32, 33, 36] {
            assert_eq!(url(length), "https://api.euc1.descope.com");
        }
    }

    #[test]
    fn base_url_wins_over_the_region_and_loses_its_slash() {
        assert_eq!(build("https://auth.example.com/").unwrap().base_url(), "https://auth.example.com");
        for local in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080", "http://a.localhost"] {
            assert_eq!(build(local).unwrap().base_url(), local);
        }
        let descope = Descope::builder(PROJECT).base_url("http://10.0.0.1").allow_insecure_http();
        assert_eq!(descope.build().unwrap().base_url(), "http://10.0.0.1");
    }

    #[test]
    fn base_url_that_is_none_is_refused_by_name() {
        for bad in [
            "",
            "api.descope.com",
            "https://",
            "ftp://api.descope.com",
            "file:///etc/passwd",
            "http://api.descope.com",
            "http://127.0.0.1.example.com",
            "https://ada:secret@api.descope.com",
            "https://api.descope.com?x=1",
            "https://api.descope.com#x",
        ] {
            let error = build(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{bad}");
            assert_eq!(error.argument(), Some("base_url"), "{bad}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[test]
    fn environment_names_its_variables() {
        let lookup = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let error = DescopeBuilder::from_lookup(lookup(&[("DESCOPE_PROJECT_ID", " ")])).unwrap_err();
        assert_eq!(error.argument(), Some("DESCOPE_PROJECT_ID"));

        let short = lookup(&[("DESCOPE_PROJECT_ID", "P1")]);
        let error = DescopeBuilder::from_lookup(short).unwrap().build().unwrap_err();
        assert_eq!(error.argument(), Some("DESCOPE_PROJECT_ID"));

        let broken = lookup(&[("DESCOPE_PROJECT_ID", PROJECT), ("DESCOPE_MANAGEMENT_KEY", "K1\nK2")]);
        let error = DescopeBuilder::from_lookup(broken).unwrap().build().unwrap_err();
        assert_eq!(error.argument(), Some("DESCOPE_MANAGEMENT_KEY"));
        assert_eq!(error.kind(), ErrorKind::Configuration);

        let both = lookup(&[
            ("DESCOPE_PROJECT_ID", PROJECT),
            ("DESCOPE_BASE_URI", "https://uri.example.com"),
            ("DESCOPE_BASE_URL", "https://url.example.com"),
        ]);
        let descope = DescopeBuilder::from_lookup(both).unwrap().build().unwrap();
        assert_eq!(descope.base_url(), "https://url.example.com");
        let uri = lookup(&[("DESCOPE_PROJECT_ID", PROJECT), ("DESCOPE_BASE_URI", "nonsense")]);
        let error = DescopeBuilder::from_lookup(uri).unwrap().build().unwrap_err();
        assert_eq!(error.argument(), Some("DESCOPE_BASE_URI"));
    }

    #[tokio::test]
    async fn public_key_of_the_environment_is_the_only_one_that_counts() {
        use crate::session::testing::{TestClock, TestKey, session_claims};

        let signer = TestKey::shared_rsa("K1");
        let key = signer.jwk().to_string();
        let lookup = move |name: &str| match name {
            "DESCOPE_PROJECT_ID" => Some(crate::session::testing::PROJECT.to_owned()),
            "DESCOPE_PUBLIC_KEY" => Some(key.clone()),
            // Nothing listens there: a fetch would fail.
            "DESCOPE_BASE_URL" => Some("http://127.0.0.1:9".to_owned()),
            _ => None,
        };
        let clock = TestClock::new();
        let builder = DescopeBuilder::from_lookup(lookup).unwrap().session_validator(|it| it.clock(clock.clock()));
        let descope = builder.build().unwrap();
        descope.session().validate(&signer.token(&session_claims(serde_json::json!({})))).await.unwrap();

        for unusable in ["nonsense", "{}", "[]", r#"{"kty":"oct","k":"secret"}"#] {
            let lookup = |name: &str| match name {
                "DESCOPE_PROJECT_ID" => Some(PROJECT.to_owned()),
                "DESCOPE_PUBLIC_KEY" => Some(unusable.to_owned()),
                _ => None,
            };
            let error = DescopeBuilder::from_lookup(lookup).unwrap().build().unwrap_err();
            assert_eq!(error.argument(), Some("DESCOPE_PUBLIC_KEY"), "{unusable}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        for local in [
            "http://127.0.0.1:8080",
            "http://127.255.0.3",
            "http://localhost",
            "http://LOCALHOST.:80",
            "http://a.b.localhost/x",
            "http://[::1]:8080",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(is_local(local), "{local}");
            build(local).unwrap();
        }
        for elsewhere in ["http://127.0.0.1.example.com", "http://10.0.0.1", "http://[::ffff:10.0.0.1]", "http://[::2]"]
        {
            assert!(!is_local(elsewhere), "{elsewhere}");
            let error = build(elsewhere).unwrap_err();
            assert!(error.to_string().contains("allow_insecure_http"), "{error}");
        }
    }

    #[test]
    fn timeout_and_own_http_client_exclude_each_other() {
        let builder = Descope::builder(PROJECT).http_client(reqwest::Client::new());
        builder.build().unwrap();
        let builder = Descope::builder(PROJECT).http_client(reqwest::Client::new());
        let error = builder.timeout(Duration::from_secs(1)).build().unwrap_err();
        assert_eq!(error.argument(), Some("timeout"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let builder =
            Descope::builder(PROJECT).management_key("K2marked-secret").auth_management_key("K3marked-secret");
        assert!(!format!("{builder:?}").contains("marked"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("marked"));
    }
}
