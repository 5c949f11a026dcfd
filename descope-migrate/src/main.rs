//! Moves users to Descope. `descope-migrate --help` says how.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;

fn main() -> ExitCode {
    // Two threads carry many chunks; more would only hold more memory.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(descope_migrate::run(descope_migrate::Cli::parse()));
            // A thread that reads a file may wait for room that nobody makes any more.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "descope-migrate: {error}");
            ExitCode::FAILURE
        }
    }
}
