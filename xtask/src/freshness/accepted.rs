//! `spec/freshness.yaml`: gaps that are known, with the reason why the document keeps them.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::Gap;
use crate::{
    problem::{Failure, Place, Problem},
    text, yaml,
};

const FILE: &str = "spec/freshness.yaml";

pub(super) struct Accepted {
    rows: Vec<Row>,
}

struct Row {
    line: usize,
    request: String,
    member: Option<String>,
    /// The packages that send it, and whether each was seen to.
    packages: Vec<(String, bool)>,
}

impl Accepted {
    /// The rows; none if there is no such file.
    pub(super) fn read(workspace: &Path) -> Result<Self, Failure> {
        let path = workspace.join(FILE);
        if !path.exists() {
            return Ok(Self { rows: Vec::new() });
        }
        Self::parse(&text::read(&path, FILE)?)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let located = yaml::parse(FILE, text).map_err(|problem| Failure::Problems(vec![problem]))?;
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        for (name, rows) in crate::document::members(&located.value) {
            if name != "accepted" || !rows.is_array() {
                let line = located.lines.get(&format!("/{name}")).copied().unwrap_or(1);
                let message = format!("`{name}` is not read; the file holds the list `accepted` alone");
                problems.push(Problem::new(Place { file: FILE.to_owned(), line }, "freshness", message));
            }
        }
        for (index, row) in located.value["accepted"].as_array().into_iter().flatten().enumerate() {
            let line = located.lines.get(&format!("/accepted/{index}")).copied().unwrap_or(1);
            match self::row(row, line) {
                Ok(row) => rows.push(row),
                Err(message) => {
                    problems.push(Problem::new(Place { file: FILE.to_owned(), line }, "freshness", message));
                }
            }
        }
        if problems.is_empty() { Ok(Self { rows }) } else { Err(Failure::Problems(problems)) }
    }

    /// Whether a row accepts what a package sends; the row is then not stale.
    pub(super) fn accepts(&mut self, package: &str, gap: &Gap) -> bool {
        let mut accepted = false;
        for row in &mut self.rows {
            if matches(&row.request, &gap.request)
                && row.member.as_deref().map_or(gap.member.is_none(), |member| {
                    gap.member.as_deref().is_some_and(|found| matches(member, found))
                })
            {
                for (name, seen) in row.packages.iter_mut().filter(|(name, _)| name == package) {
                    let _ = name;
                    *seen = true;
                    accepted = true;
                }
            }
        }
        accepted
    }

    /// A line for each row that names a scanned package which does not send it any more.
    pub(super) fn stale(&self, scanned: &BTreeSet<String>) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            for (package, _) in row.packages.iter().filter(|(package, seen)| !seen && scanned.contains(package)) {
                let member = row.member.as_ref().map_or_else(String::new, |member| format!(", {member}"));
                let subject = format!("{}{member}", row.request);
                lines.push(format!(
                    "{FILE}:{}: stale: {package} sends nothing like this, or the document has it: {subject}",
                    row.line
                ));
            }
        }
        lines
    }
}

fn row(value: &Value, line: usize) -> Result<Row, String> {
    const MEMBERS: [&str; 4] = ["request", "member", "packages", "why"];
    if let Some((unknown, _)) = crate::document::members(value).into_iter().find(|(name, _)| !MEMBERS.contains(name)) {
        return Err(format!("`{unknown}` is not a member of a row: {}", MEMBERS.join(", ")));
    }
    let text = |name: &str| value[name].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let request = text("request").ok_or("`request` is missing: `POST /v1/…`")?;
    text("why").ok_or("`why` is missing: say why the document does without")?;
    let member = text("member");
    if member.as_ref().is_some_and(|member| !member.starts_with("body ") && !member.starts_with("query ")) {
        return Err("`member` begins with `body` or `query`: `body user.email`".to_owned());
    }
    let packages: Vec<(String, bool)> = value["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), false))
        .collect();
    if packages.is_empty() {
        return Err("`packages` is missing: the names of the packages that send it, as printed".to_owned());
    }
    Ok(Row { line, request, member, packages })
}

/// Whether a text is that of a row, where each `*` stands for anything.
fn matches(row: &str, text: &str) -> bool {
    let Some((start, rest)) = row.split_once('*') else { return row == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
}
