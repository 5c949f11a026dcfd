//! How an emulator is set up, and started.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    admin::hosts::Hosts,
    area,
    emulator::Emulator,
    http::{App, Table, listen::listen, schema::Document, server},
    world::{Projects, Settings, World, ids, is_project_id, keys, seed},
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
    pub(crate) fn new() -> Self {
        Self {
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
        Ok(Emulator::running(app, base_url, server, stop))
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
