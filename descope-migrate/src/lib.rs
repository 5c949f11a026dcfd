//! Moves users to Descope from Auth0, Cognito, Firebase, a CSV file or another Descope project.
//!
//! This is the inside of the program `descope-migrate`, whose README says how it is used. Everything that it does at the
//! service goes through `descope-sdk`.
//!
//! A source reads records one after the other into rows, the judge gives each a verdict, and `apply` sends those
//! that are good in chunks, with a journal on disk around each of them.

mod apply;
mod cli;
mod error;
mod hash;
mod journal;
mod known;
mod plan;
mod report;
mod row;
mod service;
mod source;
mod undo;
mod verify;

use std::{error::Error as _, io::Write as _, process::ExitCode};

pub use cli::Cli;
use cli::Command;
use error::Error;

/// Not everything is as it should be: rows that cannot be applied, that failed, or that differ.
const SOME: u8 = 1;
/// Something that was given cannot be used: a file, an option, a journal, a credential.
const UNUSABLE: u8 = 3;
/// The service could not be reached, or refused to go on: `resume` continues.
const STOPPED: u8 = 4;

/// Runs the program and says how it ended: 0 when everything is good, 1 when rows are not, 3 when what was given cannot be
/// used, 4 when the service kept it from ending. The command line itself is refused with 2, by clap.
pub async fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Plan(arguments) => plan::run(arguments).await,
        Command::Apply(arguments) => apply::run(arguments).await,
        Command::Resume(arguments) => apply::resume(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Undo(arguments) => undo::run(arguments).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(SOME),
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "descope-migrate: {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                let _ = write!(stderr, ": {source}");
                cause = source.source();
            }
            let _ = writeln!(stderr);
            ExitCode::from(if matches!(error, Error::Stopped { .. }) { STOPPED } else { UNUSABLE })
        }
    }
}
