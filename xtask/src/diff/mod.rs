//! What changed between two documents: structure first (`compare`), judgement second (`rules`), then text (`render`).

mod compare;
mod render;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::Value;

pub(crate) use compare::documents as compare;
pub(crate) use render::{Format, sentence};
pub(crate) use rules::Level;

use crate::{
    problem::{Failure, Place, Problem},
    text, yaml,
};

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

/// Compares two files and renders the result. The second value tells whether `fail_on` was met.
pub(crate) fn run(old: &Path, new: &Path, format: Format, fail_on: Option<Level>) -> Result<(String, bool), Failure> {
    let changes = compare(&read(old)?, &read(new)?);
    let failed = fail_on.is_some_and(|limit| changes.iter().any(|change| rules::level(change) >= limit));
    Ok((render::render(&changes, format), failed))
}

/// Whether a rule of this id exists.
pub(crate) fn is_rule(id: &str) -> bool {
    rules::RULES.iter().any(|rule| rule.id == id)
}

/// A document in JSON or YAML.
pub(crate) fn read(path: &Path) -> Result<Value, Failure> {
    let name = path.display().to_string();
    let problem = |line: usize, message: String| {
        Failure::Problems(vec![Problem::new(Place { file: name.clone(), line }, "document", message)])
    };
    let text = text::read(path, &name)?;
    let value = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| problem(error.line().max(1), error.to_string()))?
    } else {
        yaml::parse(&name, &text).map_err(|problem| Failure::Problems(vec![problem]))?.value
    };
    let value: Value = value;
    match value["openapi"].as_str() {
        Some(version) if version.starts_with("3.0.") => Ok(value),
        Some(version) => Err(problem(1, format!("version {version} is not 3.0"))),
        None => Err(problem(1, "not an OpenAPI document: `openapi` is missing".to_owned())),
    }
}
