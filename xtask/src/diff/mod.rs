//! What changed between two documents: structure first (`compare`), judgement second (`rules`), then text (`render`).

mod compare;
#[cfg(test)]
mod further_tests;
mod input;
mod keywords;
mod parameters;
mod policy;
mod render;
mod rules;
mod schema;
mod security;
mod shape;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::Value;

pub(crate) use compare::{documents as compare, with_policies};
pub(crate) use policy::{Policies, Policy};
pub(crate) use render::{Format, sentence};
pub(crate) use rules::{Level, level};

use crate::problem::Failure;

/// Who is affected by a change inside a body: the one who writes it, or the one who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// The client writes, the service reads.
    Request,
    /// The service writes, the client reads.
    Response,
    /// Not about a body.
    Neither,
}

/// One change, not judged yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    /// The rule that judges it.
    pub(crate) rule: &'static str,
    pub(crate) direction: Direction,
    /// The operation, or the shared schema.
    pub(crate) subject: String,
    /// Where in the subject, such as `query redirectUrl` or `user.email`.
    pub(crate) at: String,
    /// What it was and what it is, where that helps.
    pub(crate) detail: String,
    /// Operations that use the shared schema; empty where the subject is an operation.
    pub(crate) operations: Vec<String>,
}

/// How two documents are compared and judged.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How the changes are written.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
    /// Exit with 1 when a change is at least as serious as this.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) fail_on: Option<Level>,
    /// Count as breaking also what only breaks generated code, such as another operationId.
    #[arg(long)]
    pub(crate) generated_code: bool,
    /// Judge by extensions as well.
    #[arg(long, value_enum, value_name = "POLICY", value_delimiter = ',')]
    pub(crate) policy: Vec<Policy>,
}

/// Compares two files and renders the result. The second value tells whether `fail_on` was met.
pub(crate) fn run(old: &Path, new: &Path, options: &Options) -> Result<(String, bool), Failure> {
    let (old, new) = (input::read(old)?, input::read(new)?);
    let differences = with_policies(&old.value, &new.value, Policies::new(&options.policy));
    let mut not_compared = differences.not_compared;
    for reference in old.not_followed.union(&new.not_followed) {
        not_compared.insert(format!("what is behind {reference}, since the network is not asked"));
    }
    let changes = differences.changes;
    let failed = options
        .fail_on
        .is_some_and(|limit| changes.iter().any(|change| level(change, options.generated_code) >= limit));
    Ok((render::render(&changes, &not_compared, options.generated_code, options.format), failed))
}

/// Whether a rule of this id exists.
pub(crate) fn is_rule(id: &str) -> bool {
    rules::RULES.iter().any(|rule| rule.id == id)
}

/// A document in JSON or YAML, with the files that it refers to.
pub(crate) fn read(path: &Path) -> Result<Value, Failure> {
    input::read(path).map(|input| input.value)
}
