//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use descope_sdk::Secret;
use serde::{Deserialize, Serialize};

/// Move users to Descope from Auth0, Cognito, Firebase, a CSV file or another Descope project
///
/// The project is the one of DESCOPE_PROJECT_ID, DESCOPE_MANAGEMENT_KEY and, unless the region follows from the id,
/// DESCOPE_BASE_URL.
///
/// Exit codes: 0 everything is good; 1 some rows cannot be applied, failed or differ; 2 the command line is wrong; 3 something
/// that was given cannot be used; 4 the service kept the program from ending, and `resume` goes on.
#[derive(Debug, Parser)]
#[command(name = "descope-migrate", version)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Give each row a verdict, and change nothing
    Plan(PlanArguments),
    /// Create the users, with a journal that survives
    Apply(ApplyArguments),
    /// Go on where `apply` was left or killed
    Resume(ResumeArguments),
    /// Read the users back and compare them with the source
    Verify(VerifyArguments),
    /// Delete the users that the journal says were created, and only those
    Undo(UndoArguments),
}

#[derive(Args, Debug)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// Ask the project nothing: roles, tenants, attributes and users who are there already are not checked
    #[arg(long)]
    pub(crate) offline: bool,
    /// Write the verdict of each row to a CSV file
    #[arg(long, value_name = "FILE")]
    pub(crate) verdicts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ApplyArguments {
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// Where the journal is to be; there must be none yet. It holds login ids and ids of users, and no secrets
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: PathBuf,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ResumeArguments {
    /// The journal of `apply`; it knows the source
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: PathBuf,
    /// Send those once more that the service has refused
    #[arg(long)]
    pub(crate) retry_failed: bool,
    #[command(flatten)]
    pub(crate) signer: SignerKey,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// The journal of `apply`; it knows the source
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: PathBuf,
    /// Sign these users in: a CSV file with the columns login_id and password
    #[arg(long, value_name = "FILE")]
    pub(crate) passwords: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signer: SignerKey,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Args, Debug)]
pub(crate) struct UndoArguments {
    /// The journal of `apply`
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) report: ReportArguments,
    #[command(flatten)]
    pub(crate) service: ServiceArguments,
}

#[derive(Args, Debug)]
pub(crate) struct SendingArguments {
    /// How many users go into one call
    #[arg(long, value_name = "USERS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(crate) chunk: u16,
    /// How many chunks are under way at a time
    #[arg(long, value_name = "CHUNKS", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) concurrency: u8,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// Write the result to a JSON file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the rows that are not good to a CSV file, with the reason
    #[arg(long, value_name = "FILE")]
    pub(crate) failures: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ServiceArguments {
    /// Where the project is reached, instead of DESCOPE_BASE_URL
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// How much of the documented rate limits to use: 0.5 leaves half of them to others, 2 is for a contract with twice as much
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    pub(crate) limit_factor: f64,
    /// How many seconds a call may take before its answer counts as lost
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.01..=10_000.0).contains(&factor) => Ok(factor),
        _ => Err("it is a number from 0.01 to 10000".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err("it is a number from 1 to 600".to_owned()),
    }
}

/// Systems that users come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum From {
    /// Export of Auth0, one JSON object a line
    Auth0,
    /// CSV file with the header of Cognito's user import
    Cognito,
    /// JSON of `firebase auth:export`
    Firebase,
    /// CSV file with the columns that the README lists
    Csv,
    /// Another project, by DESCOPE_SOURCE_PROJECT_ID, DESCOPE_SOURCE_MANAGEMENT_KEY and DESCOPE_SOURCE_BASE_URL
    Descope,
}

/// What of a user can become a login id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Name {
    Email,
    Phone,
    Username,
    /// The id in the old system
    Id,
}

#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct SourceArguments {
    /// Where the users come from
    #[arg(long, value_enum)]
    pub(crate) from: From,
    /// The file; none for another Descope project
    pub(crate) file: Option<PathBuf>,
    /// What becomes the login id: the first of these that a user has. CSV files and Descope projects have login ids
    #[arg(long, value_enum, value_delimiter = ',', default_value = "email,phone,username")]
    pub(crate) login_id: Vec<Name>,
    /// What becomes a further login id
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) further_login_id: Vec<Name>,
    /// A custom attribute and where its value is, such as plan=app_metadata.plan. All metadata become attributes unless given
    #[arg(long, value_name = "NAME=MEMBER", value_parser = pair)]
    pub(crate) attribute: Vec<(String, String)>,
    /// Leave metadata behind
    #[arg(long, conflicts_with = "attribute")]
    pub(crate) no_attributes: bool,
    /// Where the roles are: one, or a list
    #[arg(long, value_name = "MEMBER")]
    pub(crate) roles: Option<String>,
    /// Where the ids of the tenants are: one, or a list
    #[arg(long, value_name = "MEMBER")]
    pub(crate) tenants: Option<String>,
    /// Create users without a password whose hash Descope does not take
    #[arg(long)]
    pub(crate) without_unusable_hashes: bool,
    /// Auth0: the file with the password hashes
    #[arg(long, value_name = "FILE")]
    pub(crate) hashes: Option<PathBuf>,
    /// CSV: a column that has another name, such as email=E-Mail
    #[arg(long, value_name = "MEMBER=COLUMN", value_parser = pair)]
    pub(crate) map: Vec<(String, String)>,
    /// CSV: a column to leave behind
    #[arg(long, value_name = "COLUMN")]
    pub(crate) ignore: Vec<String>,
    /// CSV: what is between the columns
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    pub(crate) delimiter: char,
    /// Firebase, and CSV with its hashes: the file with the password hash parameters, as the console shows them or as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) hash_config: Option<PathBuf>,
    /// Firebase: the algorithm of the hashes, SCRYPT unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) hash_algorithm: Option<String>,
    /// Firebase: the salt separator in base64
    #[arg(long, value_name = "BASE64")]
    pub(crate) salt_separator: Option<String>,
    /// Firebase: the rounds of the hash
    #[arg(long, value_name = "NUMBER")]
    pub(crate) rounds: Option<i64>,
    /// Firebase: the memory cost of the hash
    #[arg(long, value_name = "NUMBER")]
    pub(crate) mem_cost: Option<i64>,
    /// Firebase: the salt of MD5 and SHA hashes stands before the password
    #[arg(long)]
    pub(crate) salt_first: bool,
    #[command(flatten)]
    #[serde(skip)]
    pub(crate) signer: SignerKey,
}

/// The signer key of a Firebase project.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SignerKey {
    /// Firebase: the signer key in base64. Better in --hash-config, where no list of processes shows it
    #[arg(long, value_name = "BASE64", env = "FIREBASE_SIGNER_KEY", hide_env_values = true)]
    pub(crate) signer_key: Option<Secret>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("it has the form NAME=VALUE".to_owned()),
    }
}

fn delimiter(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) if one.is_ascii() && !matches!(one, '"' | '\n' | '\r') => Ok(one),
        _ if matches!(text, "\\t" | "tab") => Ok('\t'),
        _ => Err("it is one ASCII character, or tab".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
