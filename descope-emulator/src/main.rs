//! The emulator as a program.

use std::{
    error::Error,
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    process::ExitCode,
};

use clap::Parser;
use descope_emulator::Emulator;

/// A local Descope: sign users in with no account and no network.
#[derive(Parser)]
#[command(name = "descope-emulator", version)]
struct Arguments {
    /// TCP port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to listen on; the default can only be reached from this computer
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Id of the emulated project
    #[arg(long)]
    project_id: Option<String>,
    /// Management key to accept; a random one unless given
    #[arg(long)]
    management_key: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
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

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let mut builder = Emulator::builder().host(arguments.host).port(arguments.port);
    if let Some(project_id) = arguments.project_id {
        builder = builder.project_id(project_id);
    }
    if let Some(management_key) = arguments.management_key {
        builder = builder.management_key(management_key);
    }
    let emulator = builder.start().await?;
    announce(&emulator)?;
    ended().await?;
    drop(emulator);
    Ok(())
}

/// One line of JSON on stdout for programs, exports on stderr for shells.
fn announce(emulator: &Emulator) -> std::io::Result<()> {
    let (base_url, project_id, key) = (emulator.base_url(), emulator.project_id(), emulator.management_key());
    let line = serde_json::json!({"baseUrl": base_url, "projectId": project_id, "managementKey": key});
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "export DESCOPE_PROJECT_ID={}", quoted(project_id))?;
    writeln!(stderr, "export DESCOPE_MANAGEMENT_KEY={}", quoted(key))?;
    writeln!(stderr, "export DESCOPE_BASE_URL={}", quoted(base_url))?;
    writeln!(stderr, "export DESCOPE_BASE_URI={}", quoted(base_url))?;
    stderr.flush()
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

/// Waits for Ctrl-C or for the system to ask for an end.
async fn ended() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
