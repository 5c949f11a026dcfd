//! The emulator as a program.

mod program;

use std::{error::Error, io::Write as _, net::IpAddr, path::PathBuf, process::ExitCode, task::Poll, time::Duration};

use clap::{Args, Parser, Subcommand};
use descope_emulator::Emulator;

/// How long calls may go on that are under way when the program is asked to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A local Descope: sign users in with no account and no network.
///
/// In a browser, /_emulator/ is a page of what happens: messages with their codes and links, users, sessions, requests and
/// why they were refused. For programs, codes and links are at GET /_emulator/inbox, requests at GET /_emulator/requests,
/// and what else can be looked at and changed at GET /_emulator/.
#[derive(Parser)]
#[command(name = "descope-emulator", version, args_conflicts_with_subcommands = true)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Start, run a command with the variables that the official SDKs read, and end with its exit code
    Exec {
        #[command(flatten)]
        arguments: Arguments,
        /// The command and its arguments, after `--`
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Say what is wrong with the variables that SDKs read, and which to set
    ///
    /// Reads DESCOPE_BASE_URL, DESCOPE_BASE_URI, DESCOPE_PROJECT_ID and DESCOPE_MANAGEMENT_KEY, and asks the emulator that
    /// they lead to. Ends with 1 when calls would fail.
    Doctor {
        /// The emulator to ask; DESCOPE_BASE_URL or DESCOPE_BASE_URI unless given
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
    },
    /// Write a seed to begin with
    Init {
        /// Where to; JSON when its name ends like that, else YAML. JSON to stdout unless given
        file: Option<PathBuf>,
    },
    /// Say whether a seed could be used, without starting
    Check {
        /// The file
        seed: PathBuf,
    },
}

#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Arguments {
    /// TCP port to listen on, 8080 unless given; 0, which `exec` takes unless told otherwise, takes a free one
    #[arg(long, env = "DESCOPE_EMULATOR_PORT")]
    port: Option<u16>,
    /// Address or name to listen on, such as localhost; the default can only be reached from this computer
    #[arg(long, default_value = "127.0.0.1", env = "DESCOPE_EMULATOR_HOST")]
    host: String,
    /// Name by which clients reach the emulator's own endpoints, below /_emulator/; more than one with commas. Addresses,
    /// localhost and names of private networks need not be named
    #[arg(long, value_name = "NAME", value_delimiter = ',', env = "DESCOPE_EMULATOR_ALLOW_HOST")]
    allow_host: Vec<String>,
    /// Id of the emulated project
    #[arg(long, env = "DESCOPE_PROJECT_ID")]
    project_id: Option<String>,
    /// Management key to accept; a random one unless given
    #[arg(long, env = "DESCOPE_MANAGEMENT_KEY", hide_env_values = true)]
    management_key: Option<String>,
    /// Refuse calls for other projects instead of making a project of any id
    #[arg(long)]
    only_listed_projects: bool,
    /// Take roles, permissions, tenants and custom attributes that nobody has created
    #[arg(long)]
    lenient: bool,
    /// Have ids and codes come out the same each time
    #[arg(long, value_name = "NUMBER", env = "DESCOPE_EMULATOR_RANDOM_SEED")]
    random_seed: Option<u64>,
    /// Add what a file in YAML or JSON says: users, tenants, roles, keys, settings (see `init`)
    #[arg(long, value_name = "FILE", env = "DESCOPE_EMULATOR_SEED")]
    seed: Option<PathBuf>,
    /// Say whether the seed could be used, and do not start
    #[arg(long, requires = "seed")]
    check: bool,
    /// Keep everything in a file, and begin with what is in it
    #[arg(long, value_name = "FILE", env = "DESCOPE_EMULATOR_DATA")]
    data: Option<PathBuf>,
    /// Write the line of JSON to a file too, once calls are answered
    #[arg(long, value_name = "FILE", env = "DESCOPE_EMULATOR_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// Write a line to stderr for each request
    #[arg(long, env = "DESCOPE_EMULATOR_LOG", value_parser = clap::builder::FalseyValueParser::new())]
    log: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Program::parse()).await {
        Ok(code) => code,
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "descope-emulator: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                let _ = write!(stderr, ": {cause}");
                source = cause.source();
            }
            let _ = writeln!(stderr);
            ExitCode::FAILURE
        }
    }
}

async fn run(program: Program) -> Result<ExitCode, Box<dyn Error>> {
    match program.command {
        None => {
            if let Some(seed) = program.arguments.seed.as_deref().filter(|_| program.arguments.check) {
                return program::seed::check(seed);
            }
            let emulator = start(&program.arguments, 8080).await?;
            announce(&emulator)?;
            let _ready = ReadyFile::write(&emulator, &program.arguments)?;
            ended().await?;
            emulator.stop(PATIENCE).await;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Exec { arguments, command }) => {
            if let Some(seed) = arguments.seed.as_deref().filter(|_| arguments.check) {
                return program::seed::check(seed);
            }
            let emulator = start(&arguments, 0).await?;
            let _ready = ReadyFile::write(&emulator, &arguments)?;
            let code = exec(&emulator, &command).await?;
            emulator.stop(PATIENCE).await;
            Ok(code)
        }
        Some(Command::Doctor { base_url }) => Ok(program::doctor::run(base_url.as_deref())),
        Some(Command::Init { file }) => program::seed::init(file.as_deref()),
        Some(Command::Check { seed }) => program::seed::check(&seed),
    }
}

async fn start(arguments: &Arguments, port: u16) -> Result<Emulator, Box<dyn Error>> {
    let port = arguments.port.unwrap_or(port);
    let builder = Emulator::builder().port(port);
    let mut builder = match arguments.host.parse::<IpAddr>() {
        Ok(address) => builder.host(address),
        Err(_) => builder.host_name(&arguments.host),
    };
    for name in &arguments.allow_host {
        builder = builder.allow_host(name);
    }
    if let Some(project_id) = &arguments.project_id {
        builder = builder.project_id(project_id);
    }
    if let Some(management_key) = &arguments.management_key {
        builder = builder.management_key(management_key);
    }
    if arguments.only_listed_projects {
        builder = builder.only_listed_projects();
    }
    if arguments.lenient {
        builder = builder.lenient();
    }
    if let Some(seed) = arguments.random_seed {
        builder = builder.random_seed(seed);
    }
    if let Some(file) = &arguments.seed {
        builder = builder.seed_file(file);
    }
    if let Some(file) = &arguments.data {
        builder = builder.data_file(file);
    }
    if arguments.log {
        builder = builder.log_requests();
    }
    Ok(builder.start().await?)
}

/// The variables that official SDKs read, and what they are to hold.
fn variables(emulator: &Emulator) -> [(&'static str, &str); 4] {
    [
        ("DESCOPE_PROJECT_ID", emulator.project_id()),
        ("DESCOPE_MANAGEMENT_KEY", emulator.management_key()),
        ("DESCOPE_BASE_URL", emulator.base_url()),
        ("DESCOPE_BASE_URI", emulator.base_url()),
    ]
}

/// Runs a command to its end. One that was killed counts as failed.
async fn exec(emulator: &Emulator, command: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    // Before the command runs, so that there is no moment in which being asked to end would end this program alone.
    let mut ended = Box::pin(ended());
    let none = std::future::poll_fn(|cx| Poll::Ready(ended.as_mut().poll(cx))).await;
    if let Poll::Ready(asked) = none {
        asked?;
        return Ok(ExitCode::FAILURE);
    }
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .envs(variables(emulator))
        // They hold keys of the service, which SDKs would use instead of, or send to, those of the emulator.
        .env_remove("DESCOPE_PUBLIC_KEY")
        .env_remove("DESCOPE_AUTH_MANAGEMENT_KEY")
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let status = tokio::select! {
        status = child.wait() => status?,
        asked = ended => {
            // A command that is run from a terminal has got Ctrl-C too.
            if asked? == Asked::Terminate {
                terminate(&child).await;
            }
            if let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await {
                status?
            } else {
                child.kill().await?;
                child.wait().await?
            }
        }
    };
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What a program that has started the emulator wants to know.
fn line(emulator: &Emulator) -> serde_json::Value {
    let (base_url, project_id, key) = (emulator.base_url(), emulator.project_id(), emulator.management_key());
    serde_json::json!({"baseUrl": base_url, "projectId": project_id, "managementKey": key})
}

/// One line of JSON on stdout for programs, exports on stderr for shells.
fn announce(emulator: &Emulator) -> std::io::Result<()> {
    let line = line(emulator);
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    let mut stderr = std::io::stderr().lock();
    for (name, value) in variables(emulator) {
        writeln!(stderr, "export {name}={}", quoted(value))?;
    }
    stderr.flush()
}

/// The file that tells others that calls are answered. It goes with the emulator.
struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Whoever waits for the file finds it whole: it comes into being under another name. There is a key in it, so nobody
    /// else may read it.
    fn write(emulator: &Emulator, arguments: &Arguments) -> Result<Option<Self>, String> {
        let Some(file) = &arguments.ready_file else { return Ok(None) };
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&new).and_then(|mut file| writeln!(file, "{}", line(emulator)));
        let placed = written.and_then(|()| std::fs::rename(&new, file));
        placed.map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Some(Self(file.clone())))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A word for a POSIX shell: in single quotes when it needs them.
fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./:[]".contains(character);
    if !text.contains('[') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// How the program was asked to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Interrupt,
    Terminate,
}

/// Waits for Ctrl-C or for the system to ask for an end.
async fn ended() -> std::io::Result<Asked> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result.map(|()| Asked::Interrupt),
            _ = terminate.recv() => Ok(Asked::Terminate),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| Asked::Interrupt)
}

/// Asks a command to end, so that it can clear up.
async fn terminate(child: &tokio::process::Child) {
    let Some(id) = child.id().filter(|_| cfg!(unix)) else { return };
    let _ = tokio::process::Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
}
