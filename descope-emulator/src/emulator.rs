//! The emulator as a library: build one, start it, and look inside while it runs.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    admin::{
        fault::Fault,
        hosts::Hosts,
        inbox::Inbox,
        person::{self, PersonError},
    },
    area::{self, notp::Decision, provider::page::Which},
    http::{App, Table, listen::listen, schema::Document, server},
    world::{Clock, Projects, Settings, World, ids, is_project_id, keys, seed},
};

/// The project that is emulated unless the builder says otherwise.
const DEFAULT_PROJECT_ID: &str = "P2EmulatorProject0000000000A";

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The name to listen on has no address.
    #[error("{name} has no address to listen on")]
    Name {
        /// The name.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The port is taken or the address is not one of this computer's.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A project id or management key that cannot stand in a bearer.
    #[error("the {what} must not be empty, and must not hold colons, white space or slashes")]
    Identifier {
        /// Which of the two it is.
        what: &'static str,
    },
    /// The data file cannot be read, or does not hold what an emulator has written.
    #[error("the data file is unusable: {reason}")]
    Data {
        /// What is wrong with it.
        reason: String,
    },
    /// The seed cannot be read, or names something that is nowhere.
    #[error("the seed is unusable: {}", .problems.join("\n"))]
    Seed {
        /// Each thing that is wrong, as `FILE:LINE: MEMBER: WHY`.
        problems: Vec<String>,
    },
    /// The emulator was built with a document that does not fit its handlers: a fault of the build.
    #[error("the built-in API document is unusable: {reason}")]
    Document {
        /// What is wrong with it.
        reason: String,
    },
}

/// How an emulator is set up.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), descope_emulator::StartError> {
/// let emulator = descope_emulator::Emulator::builder()
///     .project_id("P2MyProject")
///     .management_key("K2secret")
///     .start()
///     .await?;
/// assert_eq!(emulator.project_id(), "P2MyProject");
/// assert_eq!(emulator.management_key(), "K2secret");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing listens before `start`"]
pub struct EmulatorBuilder {
    host: IpAddr,
    host_name: Option<String>,
    port: u16,
    project_id: String,
    management_key: Option<String>,
    further: Vec<String>,
    only_listed: bool,
    seed: Option<u64>,
    settings: Settings,
    data: Option<PathBuf>,
    seed_file: Option<PathBuf>,
    allowed: Vec<String>,
    log: bool,
}

impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorBuilder")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("project_id", &self.project_id)
            .finish_non_exhaustive()
    }
}

impl EmulatorBuilder {
    /// The id of the emulated project. `P2EmulatorProject0000000000A` unless set.
    pub fn project_id(mut self, project_id: impl Into<String>) -> Self {
        self.project_id = project_id.into();
        self
    }

    /// The management key that the emulator accepts. A random one unless set.
    pub fn management_key(mut self, management_key: impl Into<String>) -> Self {
        self.management_key = Some(management_key.into());
        self
    }

    /// One more project that is there from the beginning. Without [`only_listed_projects`](Self::only_listed_projects)
    /// there is no need to name them: any project id makes a project of its own, isolated from the others, when it is
    /// first asked for.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder()
    ///     .project_id("P2Blue")
    ///     .also_project("P2Green")
    ///     .only_listed_projects()
    ///     .start()
    ///     .await?;
    /// let keys = |project: &str| reqwest::get(format!("{}/v2/keys/{project}", emulator.base_url()));
    /// assert_eq!(keys("P2Green").await?.status(), 200);
    /// assert_eq!(keys("P2Red").await?.status(), 404);
    /// # Ok(())
    /// # }
    /// ```
    pub fn also_project(mut self, project_id: impl Into<String>) -> Self {
        self.further.push(project_id.into());
        self
    }

    /// Refuses calls for projects that were not named, with the code `E011008`, as the service does.
    pub fn only_listed_projects(mut self) -> Self {
        self.only_listed = true;
        self
    }

    /// Has ids, codes and keys of users come out the same each time, for tests that compare texts. Unset, nobody can
    /// guess them. Signing keys are new each time.
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Takes roles, permissions, tenants and custom attributes that nobody has created, instead of refusing them as the
    /// service does. For tests that are not about them.
    pub fn lenient(mut self) -> Self {
        self.settings.lenient = true;
        self
    }

    /// How long session tokens and refresh tokens of new projects are good for. 10 minutes and 28 days unless set.
    /// Whole seconds count; less than one is one.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let short = (Duration::from_secs(2), Duration::from_secs(3600));
    /// let emulator = descope_emulator::Emulator::builder().token_lifetimes(short.0, short.1).start().await?;
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    pub fn token_lifetimes(mut self, session: Duration, refresh: Duration) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX).clamp(1, Settings::LONGEST);
        self.settings.session_seconds = seconds(session);
        self.settings.refresh_seconds = seconds(refresh);
        self
    }

    /// Sends tokens as cookies instead of in the body, as projects do that manage them in cookies.
    pub fn tokens_in_cookies(mut self) -> Self {
        self.settings.tokens_in_cookies = true;
        self
    }

    /// Hands out the tokens of devices: with each sign-in on a device that is not known one by which it will be, and
    /// with a sign-in by a further factor one by which the device is trusted for 30 days. With the service it is a flow
    /// that trusts a device.
    pub fn device_tokens(mut self) -> Self {
        self.settings.device_tokens = true;
        self
    }

    /// Keeps everything in a file, and begins with what is in it. The file is written before a change is acknowledged;
    /// whenever the process ends, it is whole.
    pub fn data_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = Some(path.into());
        self
    }

    /// Adds what a file says to what every new project has: users, tenants, roles, keys, settings. It has the form of
    /// the document that `GET /_emulator/state` answers, in YAML or JSON; what is left out has its default. References to
    /// what is nowhere are refused: roles, permissions, tenants, users, families and applications. A project that the data
    /// file has already stays as it is there.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let file = std::env::temp_dir().join("descope-emulator-seed.json");
    /// std::fs::write(&file, descope_emulator::EmulatorBuilder::SEED_STARTER)?;
    /// let emulator = descope_emulator::Emulator::builder().seed_file(&file).start().await?;
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    pub fn seed_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.seed_file = Some(path.into());
        self
    }

    /// A document for [`seed_file`](Self::seed_file) to begin with: a role, a tenant, a user and an access key.
    pub const SEED_STARTER: &'static str = seed::STARTER;

    /// The same in YAML, with comments.
    pub const SEED_STARTER_YAML: &'static str = seed::STARTER_YAML;

    /// Whether a text could be given to [`seed_file`](Self::seed_file). `file` is the name that stands in what is said.
    ///
    /// ```
    /// # use descope_emulator::EmulatorBuilder;
    /// assert!(EmulatorBuilder::check_seed("seed.yaml", EmulatorBuilder::SEED_STARTER_YAML).is_ok());
    /// assert!(EmulatorBuilder::check_seed("seed.json", "{}").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`StartError::Seed`], which says where and why.
    pub fn check_seed(file: &str, text: &str) -> Result<(), StartError> {
        let read = seed::read(file, text, None, &Settings::default());
        read.map(|_| ()).map_err(|problems| StartError::Seed { problems })
    }

    /// Writes a line to stderr for each request: method, path, status and, for a refusal, why. No secrets.
    pub fn log_requests(mut self) -> Self {
        self.log = true;
        self
    }

    /// The TCP port to listen on. 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address to listen on. 127.0.0.1, the default, can only be reached from this computer.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// The name to listen on, such as `localhost`: on all its addresses, because some clients try IPv6 first and others
    /// only IPv4. [`base_url`](Emulator::base_url) has the name, which browsers want for passkeys and secure cookies.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().host_name("localhost").start().await?;
    /// assert!(emulator.base_url().starts_with("http://localhost:"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_name = Some(name.into());
        self
    }

    /// A name of this computer by which clients reach the emulator, such as `auth.example.com`. What is below `/_emulator/`
    /// tells codes and keys to whoever asks, so it is not answered under public names that nobody has allowed: a page in
    /// a browser could have its own name lead here. Addresses, names without a dot, the name of
    /// [`host_name`](Self::host_name) and those that end in `.localhost`, `.local`, `.internal`, `.test` and `.home.arpa`
    /// are always good, and all other calls are answered under any name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().allow_host("auth.example.com").start().await?;
    /// let http = reqwest::Client::new();
    /// let ask = |host| http.get(format!("{}/_emulator/inbox", emulator.base_url())).header("host", host).send();
    /// assert_eq!(ask("auth.example.com").await?.status(), 200);
    /// assert_eq!(ask("other.example.com").await?.status(), 403);
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.allowed.push(name.into());
        self
    }

    /// Starts to serve on the current tokio runtime. It answers from the moment that this returns.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] when the port is taken, [`StartError::Name`] for a name without an address,
    /// [`StartError::Identifier`] for a project id or management key that is empty or has a colon in it,
    /// [`StartError::Data`] for a data file that cannot be read, [`StartError::Seed`] for a seed that cannot be used.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let management_key = self.management_key.unwrap_or_else(|| format!("K2{}", ids::alphanumeric(58)));
        if [&self.project_id].into_iter().chain(&self.further).any(|id| !is_project_id(id)) {
            return Err(StartError::Identifier { what: "project id" });
        }
        let bad = |character: char| character.is_whitespace() || matches!(character, ':' | '/');
        if management_key.is_empty() || management_key.contains(bad) {
            return Err(StartError::Identifier { what: "management key" });
        }
        let document = Document::built_in().map_err(|reason| StartError::Document { reason: reason.to_owned() })?;
        let table = area::table();
        check_table(&table, document)?;
        keys::warm_up();
        let (listeners, base_url) = listen(self.host, self.host_name.as_deref(), self.port).await?;
        let which = if self.only_listed { Projects::Listed } else { Projects::Any };
        let mut world = World::new(&self.project_id, which, self.seed, self.settings.clone());
        for id in &self.further {
            world.add(id);
        }
        if let Some(path) = self.data {
            world = world.with_file(path).map_err(|reason| StartError::Data { reason })?;
        }
        if let Some(path) = self.seed_file {
            let name = path.display().to_string();
            let of = |why: String| StartError::Seed { problems: vec![format!("{name}: {why}")] };
            let text = std::fs::read_to_string(&path).map_err(|error| of(error.to_string()))?;
            let seed = seed::read(&name, &text, self.seed, &self.settings);
            world.plant(seed.map_err(|problems| StartError::Seed { problems })?).map_err(of)?;
        }
        let mut app = App::new(self.project_id, management_key, world, document, table);
        app.log = self.log;
        app.hosts = Hosts::new(self.allowed.into_iter().chain(self.host_name));
        let app = Arc::new(app);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server::serve(listeners, Arc::clone(&app), stopped));
        Ok(Emulator { app, base_url, server, stop })
    }
}

/// Every handler has to belong to an operation of the specification.
fn check_table(table: &Table, document: &Document) -> Result<(), StartError> {
    let unknown = |operation: &&str| descope_api::operation(operation).is_none() || !document.has(operation);
    match table.operations().find(unknown) {
        None => Ok(()),
        Some(operation) => {
            let reason = format!("there is a handler for {operation}, which is not an operation");
            Err(StartError::Document { reason })
        }
    }
}

/// A local Descope that is running. It stops, with all its connections, when it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use descope_emulator::Emulator;
///
/// let emulator = Emulator::builder().start().await?;
/// let keys = format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id());
/// let keys = reqwest::get(keys).await?.text().await?;
/// assert!(keys.contains("RS256"));
/// # Ok(())
/// # }
/// ```
#[must_use = "the emulator stops when it is dropped"]
pub struct Emulator {
    pub(crate) app: Arc<App>,
    base_url: String,
    server: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Emulator {
    /// An emulator that is still to be set up and started.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder {
            host: Ipv4Addr::LOCALHOST.into(),
            host_name: None,
            port: 0,
            project_id: DEFAULT_PROJECT_ID.to_owned(),
            management_key: None,
            further: Vec::new(),
            only_listed: false,
            seed: None,
            settings: Settings::default(),
            data: None,
            seed_file: None,
            allowed: Vec::new(),
            log: false,
        }
    }

    /// The ids of the operations that the emulator carries out, sorted. It answers every other one with 501.
    ///
    /// ```
    /// let operations = descope_emulator::Emulator::emulated_operations();
    /// assert!(operations.contains(&"otpVerifyEmail"));
    /// ```
    pub fn emulated_operations() -> Vec<&'static str> {
        let mut operations: Vec<_> = area::table().operations().collect();
        operations.sort_unstable();
        operations
    }

    /// Stops listening, finishes the calls that are under way, and ends. Dropping it ends at once instead. Calls that
    /// are not done within `patience` are cut.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// emulator.stop(Duration::from_secs(10)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(mut self, patience: Duration) {
        let _ = self.stop.send(true);
        // Whoever listens would do so for ever.
        self.app.world.events.close();
        let _ = tokio::time::timeout(patience, &mut self.server).await;
    }

    /// Where it listens, such as `http://127.0.0.1:41234`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The id of the emulated project.
    pub fn project_id(&self) -> &str {
        &self.app.project_id
    }

    /// The management key that it accepts.
    pub fn management_key(&self) -> &str {
        &self.app.management_key
    }

    /// The messages that the service would have sent.
    pub fn inbox(&self) -> Inbox {
        self.app.world.default_project().inbox.clone()
    }

    /// The clock that codes, links and tokens expire by.
    pub fn clock(&self) -> Clock {
        self.app.world.clock.clone()
    }

    /// The code that an authenticator app with this seed shows now, by the time of the emulator: six digits. Nothing when
    /// `key` is not a seed in base32.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let code = emulator.totp_code("JBSWY3DPEHPK3PXP").expect("a seed");
    /// assert_eq!(code.len(), 6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn totp_code(&self, key: &str) -> Option<String> {
        crate::area::totp::shown(key, self.clock().now())
    }

    /// Answers the next call of an operation with a fault. Several faults for one operation happen one after the other.
    ///
    /// `operation` is the id in the specification, such as `otpVerifyEmail`, or the name of the function of the raw
    /// client, such as `otp_verify_email`. An operation that does not exist is never called, so its faults never
    /// happen.
    ///
    /// ```
    /// # fn example(emulator: &descope_emulator::Emulator) {
    /// use descope_emulator::Fault;
    ///
    /// emulator.fail_next("otpVerifyEmail", Fault::status(503).times(2));
    /// # }
    /// ```
    pub fn fail_next(&self, operation: &str, fault: Fault) {
        let id = descope_api::operation(operation).map_or(operation, |operation| operation.id);
        self.app.faults.add_unchecked(fault.operation(id));
    }

    /// Approves what a device asks for that shows this code (RFC 8628), as the user of a login id would on another
    /// device. An email address that nobody has signs up. Whether a device waited and the user may do that.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let url = format!("{}/oauth2/v1/device", emulator.base_url());
    /// let form = format!("client_id={}&scope=openid", emulator.project_id());
    /// let form = reqwest::Client::new().post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
    /// let device: serde_json::Value = serde_json::from_str(&form.send().await?.text().await?)?;
    ///
    /// let code = device["user_code"].as_str().unwrap_or_default();
    /// assert!(emulator.approve_device(code, "ada@example.com"));
    /// assert!(!emulator.approve_device(code, "ada@example.com"), "it is decided");
    /// # Ok(())
    /// # }
    /// ```
    pub fn approve_device(&self, user_code: &str, login_id: &str) -> bool {
        self.app.decide(Which::Device(user_code), Some(login_id), "approve")
    }

    /// Refuses what a device asks for that shows this code. Whether a device waited for that.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// assert!(!emulator.refuse_device("WDJB-MJHT"), "no device shows that");
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_device(&self, user_code: &str) -> bool {
        self.app.decide(Which::Device(user_code), None, "refuse")
    }

    /// Approves the oldest backchannel request (CIBA) that waits for a user, as that user would on their own device.
    /// Whether one waited.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// assert!(!emulator.approve_backchannel("ada@example.com"), "nobody has asked");
    /// # Ok(())
    /// # }
    /// ```
    pub fn approve_backchannel(&self, login_id: &str) -> bool {
        self.app.decide(Which::BackchannelOf(login_id), None, "approve")
    }

    /// Refuses the oldest backchannel request (CIBA) that waits for a user. Whether one waited.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// assert!(!emulator.refuse_backchannel("ada@example.com"), "nobody has asked");
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_backchannel(&self, login_id: &str) -> bool {
        self.app.decide(Which::BackchannelOf(login_id), None, "refuse")
    }

    /// Forgets users, sessions, codes, links, access keys, messages, faults and requests, and sets the clock right.
    /// Address, project id, management key and signing keys stay.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// emulator.reset();
    /// assert!(emulator.inbox().messages().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset(&self) {
        self.app.reset();
    }

    /// An ID token of the emulator's own identity provider, which stands in for Google, Apple and all others: what a
    /// prompt in the page gives for `onetapExchange`, or a phone for `oauthNativeFinish`. It is good for an hour.
    ///
    /// `email` and `name` say who signs in; an empty name is left out. `nonce` is what the call that takes the token
    /// expects in it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use descope_api::{Client, Config, types};
    /// # use descope_api::vocabulary::OnetapProvider;
    ///
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let config = Config::new(emulator.base_url(), emulator.project_id());
    /// let client = Client::connect(reqwest::Client::new(), config);
    ///
    /// let token = emulator.provider_id_token("ada@example.com", "Ada", None)?;
    /// let tapped = types::OnetapIdTokenRequest::new(OnetapProvider::GOOGLE, token);
    /// let session = client.onetap_exchange(&tapped).await?.into_inner();
    /// assert_eq!(session.user.and_then(|user| user.name).as_deref(), Some("Ada"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PersonError`]: `email` is not an email address.
    pub fn provider_id_token(&self, email: &str, name: &str, nonce: Option<&str>) -> Result<String, PersonError> {
        person::issue_token(&self.app, &self.base_url, email, name, nonce)
    }

    /// Sends the message of an nOTP sign-in, as the user does whom `redirect_url` of the answer has led to the messenger.
    /// The device that polls gets its session then.
    ///
    /// `phone` is the number that it comes from, such as `+15551234567`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use descope_api::{Client, Config, types};
    /// # use descope_api::vocabulary::NotpProvider;
    ///
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let config = Config::new(emulator.base_url(), emulator.project_id());
    /// let client = Client::connect(reqwest::Client::new(), config);
    /// let begun = client.notp_sign_up_or_in(&NotpProvider::WHATSAPP, &types::NotpSignInRequest::new()).await?.into_inner();
    ///
    /// emulator.send_message(&begun.redirect_url.unwrap_or_default(), "+15551234567")?;
    ///
    /// let pending = types::NotpPendingSessionRequest::new(begun.pending_ref.unwrap_or_default());
    /// let session = client.notp_pending_session(&pending).await?.into_inner();
    /// assert_eq!(session.user.and_then(|user| user.phone).as_deref(), Some("+15551234567"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PersonError`]: the address is none of the messenger's, the message was sent before or has expired, or it has to
    /// come from another number.
    pub fn send_message(&self, redirect_url: &str, phone: &str) -> Result<(), PersonError> {
        person::decide_message(&self.app, redirect_url, Decision::Send { phone: phone.to_owned() })
    }

    /// Refuses to send the message of an nOTP sign-in. The device that polls is refused for good.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let nowhere = format!("{}/_emulator/messenger?message=unknown", emulator.base_url());
    /// assert!(emulator.refuse_message(&nowhere).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PersonError`]: the address is none of the messenger's, or the message was sent before or has expired.
    pub fn refuse_message(&self, redirect_url: &str) -> Result<(), PersonError> {
        person::decide_message(&self.app, redirect_url, Decision::Refuse)
    }

    /// Signs with a new key from now on and withdraws the old one from `/v2/keys`, so that tokens signed before are
    /// no longer valid for those who check them locally. The emulator itself still accepts them, as the service does:
    /// a refresh leads to a session signed with the new key.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// let url = format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id());
    /// let before = reqwest::get(&url).await?.text().await?;
    /// emulator.rotate_keys();
    /// assert_ne!(reqwest::get(&url).await?.text().await?, before);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rotate_keys(&self) {
        self.app.world.default_project().change_keys(|keys| keys.rotate(false));
        let _ = self.app.world.save();
    }

    /// Signs with a new key from now on and keeps the old one in `/v2/keys`, so that tokens signed before stay valid
    /// for everybody.
    pub fn add_key(&self) {
        self.app.world.default_project().change_keys(|keys| keys.rotate(true));
        let _ = self.app.world.save();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .field("project_id", &self.app.project_id)
            .finish_non_exhaustive()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.abort();
        self.app.world.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Nothing, Typed};

    struct Pigeon;

    impl Typed for Pigeon {
        const ID: &'static str = "otpVerifyPigeon";
        const STATUS: u16 = 200;
        type Body = Nothing;
        type Answer = Nothing;
    }

    #[test]
    fn a_handler_of_no_operation_is_found_at_the_start() {
        let document = Document::built_in().expect("parses");
        assert!(check_table(&area::table(), document).is_ok());
        let mut table = Table::default();
        table.done::<Pigeon>(|_, _| Ok(()));
        let error = check_table(&table, document).expect_err("refused");
        assert!(error.to_string().contains("otpVerifyPigeon"), "{error}");
    }
}
