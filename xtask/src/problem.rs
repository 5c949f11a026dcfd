//! What can be wrong with the document, and where.

use std::fmt;

/// A place in one of the parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Path as it is to be printed, relative to the workspace.
    pub(crate) file: String,
    /// Line, counted from 1.
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One fault: where, which rule, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(place: Place, rule: &'static str, message: impl Into<String>) -> Self {
        Self { place, rule, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [{}] {}", self.place, self.rule, self.message)
    }
}

/// Why a command ended without doing its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The document breaks rules; nothing was written.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// Files do not hold what they would hold if the command had been run without `--check`.
    #[error("{}\nrun the same command without `--check`", .0.join("\n"))]
    Drift(Vec<String>),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// The public API could not be listed.
    #[error("public API: {0}")]
    PublicApi(String),
    /// The generator refused a document that the lint let pass.
    #[error("code generation: {0}")]
    Generator(String),
}

/// More than this nobody reads at once.
const MOST_LINES: usize = 100;

fn lines(problems: &[Problem]) -> String {
    let mut text: Vec<String> = problems.iter().take(MOST_LINES).map(ToString::to_string).collect();
    if problems.len() > MOST_LINES {
        text.push(format!("… and {} more", problems.len() - MOST_LINES));
    }
    text.push(match problems.len() {
        1 => "1 problem, nothing was written".to_owned(),
        n => format!("{n} problems, nothing was written"),
    });
    text.join("\n")
}
