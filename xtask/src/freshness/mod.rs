//! What official SDKs send, read from their sources, against the document: operations and members that we lack.
//!
//! Nothing is run and nothing is fetched. Each language has a module that knows how its SDK writes a request; `follow`
//! traces the path and the body of a request back to the texts that they are made of. What cannot be traced is left
//! out: a member that is found is there, and one that is not found proves nothing.

mod accepted;
mod chain;
mod describe;
mod dotnet;
mod follow;
mod go;
mod java;
mod javascript;
mod kotlin;
mod lexer;
mod php;
mod program;
mod python;
mod ruby;
mod sources;
mod swift;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
};

use self::{
    accepted::Accepted,
    describe::Described,
    follow::{Call, calls},
    program::{Dialect, Program},
    sources::{Language, Package},
};
use crate::{
    document::Document,
    problem::{Failure, Place, Problem},
};

/// The methods that requests are made with.
fn method(name: &str) -> Option<&'static str> {
    ["get", "post", "put", "patch", "delete"].into_iter().find(|method| *method == name)
}

fn has_body(method: &str) -> bool {
    ["post", "put", "patch"].contains(&method)
}

/// Something that an SDK sends and the document lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gap {
    /// `POST /v1/…`, with `{}` for what is only known when the request is made.
    request: String,
    /// `body user.email` or `query tenant`; none if the operation itself is missing.
    member: Option<String>,
    file: String,
    line: usize,
    message: String,
}

/// Prints what the packages in the folders send and the document lacks. The second value is true if some of it is not
/// accepted, or if a row accepts what no scanned package sends any more.
pub(crate) fn run(workspace: &Path, document: &Document, folders: &[PathBuf]) -> Result<(String, bool), Failure> {
    let mut accepted = Accepted::read(workspace)?;
    let described = Described::new(document);
    let mut text = String::new();
    let mut summary = String::new();
    let mut unexplained = BTreeSet::new();
    let mut scanned = BTreeSet::new();
    for package in sources::packages(folders)? {
        let calls = package.calls();
        if calls.is_empty() {
            continue;
        }
        let mut operations = BTreeSet::new();
        let mut known = 0;
        for gap in gaps(&described, &calls, &mut operations) {
            if accepted.accepts(&package.name, &gap) {
                known += 1;
            } else {
                unexplained.insert((gap, package.name.clone()));
            }
        }
        let language = package.language.name();
        let _ = writeln!(
            summary,
            "{} ({language}): {} requests to {} operations, {known} accepted gaps",
            package.name,
            calls.len(),
            operations.len()
        );
        scanned.insert(package.name);
    }
    if scanned.is_empty() {
        let folder = folders.first().map_or_else(String::new, |folder| folder.display().to_string());
        let message = "no request was found; give the folders of official packages or of their sources";
        return Err(Failure::Problems(vec![Problem::new(Place { file: folder, line: 1 }, "freshness", message)]));
    }
    for (gap, package) in &unexplained {
        let _ = writeln!(text, "{}:{}: {package}: {}", gap.file, gap.line, gap.message);
    }
    let stale = accepted.stale(&scanned);
    for row in &stale {
        let _ = writeln!(text, "{row}");
    }
    let _ = write!(text, "{summary}{} gaps that no row accepts, {} stale rows", unexplained.len(), stale.len());
    Ok((text, !unexplained.is_empty() || !stale.is_empty()))
}

/// The gaps of the calls; each operation that a call belongs to is put into `operations`.
fn gaps<'a>(described: &Described<'a>, calls: &[Call], operations: &mut BTreeSet<(&'a str, &'a str)>) -> Vec<Gap> {
    let mut gaps: BTreeMap<(String, Option<String>), Gap> = BTreeMap::new();
    for call in calls {
        for path in &call.paths {
            let request = format!("{} {path}", call.method.to_ascii_uppercase());
            let found = described.find(call.method, path);
            operations.extend(found.iter().map(|operation| (operation.method, operation.path)));
            let mut add = |member: Option<String>, file: &str, line: usize, message: String| {
                let key = (request.clone(), member.clone());
                let gap = Gap { request: request.clone(), member, file: file.to_owned(), line, message };
                gaps.entry(key).or_insert(gap);
            };
            if found.is_empty() {
                let other = described.methods(path);
                let message = if other.is_empty() {
                    format!("{request} is not in the document")
                } else {
                    format!("{request} is not in the document, which has {} there", other.join(", "))
                };
                add(None, &call.file, call.line, message);
                continue;
            }
            for (kind, members) in [("body", &call.body), ("query", &call.query)] {
                for member in members {
                    let lacks = |operation: &&crate::document::Operation<'_>| match kind {
                        "body" => !described.has_member(**operation, &member.path),
                        _ => !described.has_query(**operation, &member.path[0]),
                    };
                    // A path with unknown parts can belong to operations that take different members.
                    if found.iter().all(|operation| lacks(&operation)) {
                        let name = format!("{kind} {}", member.path.join("."));
                        let message =
                            format!("{request}: the {kind} member `{}` is not in the document", member.path.join("."));
                        add(Some(name), &member.file, member.line, message);
                    }
                }
            }
        }
    }
    // A member inside of one that is missing itself adds nothing.
    let missing: BTreeSet<_> = gaps.keys().cloned().collect();
    gaps.retain(|(request, member), _| {
        let Some(member) = member else { return true };
        !member.match_indices('.').any(|(dot, _)| missing.contains(&(request.clone(), Some(member[..dot].to_owned()))))
    });
    gaps.into_values().collect()
}

impl Package {
    fn calls(&self) -> Vec<Call> {
        match self.language.dialect() {
            Some(dialect) => calls(&Program::new(dialect, &self.sources)),
            None => dotnet::calls(&self.sources),
        }
    }
}

impl Language {
    fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Go => Some(go::DIALECT),
            Self::Java => Some(java::DIALECT),
            Self::JavaScript => Some(javascript::DIALECT),
            Self::Kotlin => Some(kotlin::DIALECT),
            Self::Php => Some(php::DIALECT),
            Self::Python => Some(python::DIALECT),
            Self::Ruby => Some(ruby::DIALECT),
            Self::Swift => Some(swift::DIALECT),
            Self::DotNet => None,
        }
    }
}
