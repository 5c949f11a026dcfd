//! What ends the program. A record with a fault ends nothing: it gets a verdict.

use std::path::{Path, PathBuf};

use descope_sdk::ErrorKind;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file that cannot be opened, read or written.
    #[error("{}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file that does not hold what it should, so that nothing behind the place can be read either.
    #[error("{}{}{}: {reason}", path.display(), at_line(*line), at_member(member.as_deref()))]
    Input { path: PathBuf, line: Option<u64>, member: Option<String>, reason: String },
    /// An option that does not go with the others.
    #[error("--{option}: {reason}")]
    Option { option: &'static str, reason: String },
    /// A journal that is of something else, or is in use.
    #[error("{}{}: {reason}", path.display(), at_line(*line))]
    Journal { path: PathBuf, line: Option<u64>, reason: String },
    /// The client could not be made, or the credentials are not accepted.
    #[error("the project cannot be reached with what the environment says")]
    Client(#[source] descope_sdk::Error),
    /// The service could not be reached for long, or refuses to go on.
    #[error("stopped; `resume` goes on from here")]
    Stopped { source: descope_sdk::Error },
}

fn at_line(line: Option<u64>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}

fn at_member(member: Option<&str>) -> String {
    member.map(|member| format!(", {member}")).unwrap_or_default()
}

impl Error {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }

    pub(crate) fn input(path: &Path, line: impl Into<Option<u64>>, reason: impl Into<String>) -> Self {
        Self::Input { path: path.to_owned(), line: line.into(), member: None, reason: reason.into() }
    }

    pub(crate) fn option(option: &'static str, reason: impl Into<String>) -> Self {
        Self::Option { option, reason: reason.into() }
    }

    pub(crate) fn journal(path: &Path, line: impl Into<Option<u64>>, reason: impl Into<String>) -> Self {
        Self::Journal { path: path.to_owned(), line: line.into(), reason: reason.into() }
    }

    /// What the service said that ends the program.
    pub(crate) fn service(source: descope_sdk::Error) -> Self {
        let unwelcome = source.status().is_some_and(|status| matches!(status.as_u16(), 401 | 403));
        match source.kind() {
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Configuration => Self::Client(source),
            _ if unwelcome => Self::Client(source),
            _ => Self::Stopped { source },
        }
    }
}
