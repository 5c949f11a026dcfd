//! `init` and `check`: seeds are written and looked through without starting.

use std::{error::Error, fs::OpenOptions, io::Write as _, path::Path, process::ExitCode};

use descope_emulator::{EmulatorBuilder, StartError};

/// Writes a seed to begin with, to stdout or to a file that is not there yet.
pub(crate) fn init(file: Option<&Path>) -> Result<ExitCode, Box<dyn Error>> {
    let Some(file) = file else {
        std::io::stdout().write_all(EmulatorBuilder::SEED_STARTER.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    let json = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let text = if json { EmulatorBuilder::SEED_STARTER } else { EmulatorBuilder::SEED_STARTER_YAML };
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let written = opened.and_then(|mut new| new.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Says on stderr what is wrong with a seed, a line for each thing.
pub(crate) fn check(file: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    match EmulatorBuilder::check_seed(&name, &text) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(StartError::Seed { problems }) => {
            let mut stderr = std::io::stderr().lock();
            for problem in problems {
                writeln!(stderr, "{problem}")?;
            }
            Ok(ExitCode::FAILURE)
        }
        Err(other) => Err(other.into()),
    }
}
