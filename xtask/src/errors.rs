//! `spec/errors.yaml`: the codes of the service, read and checked.

use std::path::Path;

use serde_json::Value;

use crate::{
    document::members,
    problem::{Failure, Place, Problem},
    text, yaml,
};

pub(crate) const FILE: &str = "spec/errors.yaml";

/// What a row may hold.
const MEMBERS: [&str; 9] = ["code", "confidence", "emulator", "from", "kind", "meaning", "name", "sdk", "seen"];

/// What a row of the service has to hold; one of the emulator's own has no more than a name and a meaning.
const REQUIRED: [&str; 6] = ["code", "confidence", "kind", "meaning", "name", "seen"];

/// One code.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) place: Place,
    pub(crate) code: String,
    pub(crate) name: String,
    /// The `ErrorKind` of the SDK; empty for what only the emulator says.
    pub(crate) kind: String,
    pub(crate) meaning: String,
    /// A sentence with links of Rust, for the documentation of the constant.
    pub(crate) sdk: String,
    /// Tags and operations.
    pub(crate) from: Vec<String>,
    pub(crate) seen: String,
    pub(crate) confidence: String,
    pub(crate) emulator: Option<Emulated>,
}

/// How the emulator answers.
#[derive(Debug)]
pub(crate) struct Emulated {
    pub(crate) status: u64,
    pub(crate) description: String,
}

/// Reads the table of a workspace.
pub(crate) fn read(workspace: &Path) -> Result<Vec<Row>, Failure> {
    parse(&text::read(&workspace.join(FILE), FILE)?).map_err(Failure::Problems)
}

/// Reads the table; what the rows mean is for the lint to judge.
pub(crate) fn parse(text: &str) -> Result<Vec<Row>, Vec<Problem>> {
    let located = yaml::parse(FILE, text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut at = |pointer: &str, message: String| problems.push(problem(located.place(pointer), message));
    for (name, _) in members(&located.value).into_iter().filter(|(name, _)| *name != "errors") {
        at(&format!("/{}", yaml::escape(name)), format!("`{name}` is not read; the file holds `errors` alone"));
    }
    let Some(rows) = located.value["errors"].as_array() else {
        at("/errors", "`errors` is not a list".to_owned());
        return Err(problems);
    };
    for (index, row) in rows.iter().enumerate() {
        let pointer = format!("/errors/{index}");
        for (name, value) in members(row) {
            let child = format!("{pointer}/{}", yaml::escape(name));
            let fits = match name {
                "from" => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
                "emulator" => {
                    value.as_object().is_some_and(|map| map.len() == 2)
                        && value["status"].is_u64()
                        && value["description"].is_string()
                }
                _ => value.is_string(),
            };
            if !MEMBERS.contains(&name) {
                at(&child, format!("`{name}` is not a member of a code, which has {}", MEMBERS.join(", ")));
            } else if !fits {
                let expected = match name {
                    "from" => "a list of tags and operations",
                    "emulator" => "`{status: 400, description: …}`",
                    _ => "text",
                };
                at(&child, format!("`{name}` has to be {expected}"));
            }
        }
        let own = row["kind"].is_null() && row["code"].as_str().is_some_and(is_emulators);
        for name in REQUIRED {
            if row[name].is_null() && !(own && ["confidence", "kind", "seen"].contains(&name)) {
                at(&pointer, format!("a code without `{name}`"));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Ok(rows
        .iter()
        .enumerate()
        .map(|(index, row)| Row {
            place: located.place(&format!("/errors/{index}")),
            code: text(row, "code"),
            name: text(row, "name"),
            kind: text(row, "kind"),
            meaning: text(row, "meaning"),
            sdk: text(row, "sdk"),
            from: row["from"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            seen: text(row, "seen"),
            confidence: text(row, "confidence"),
            emulator: row["emulator"]["status"]
                .as_u64()
                .map(|status| Emulated { status, description: text(&row["emulator"], "description") }),
        })
        .collect())
}

/// The range that the service does not use.
pub(crate) fn is_emulators(code: &str) -> bool {
    code.starts_with("E99")
}

/// The names in backticks that are written as constants are.
pub(crate) fn names_in(meaning: &str) -> impl Iterator<Item = &str> {
    meaning.split('`').skip(1).step_by(2).filter(|name| is_constant(name))
}

/// `UPPER_SNAKE_CASE`.
pub(crate) fn is_constant(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn problem(place: Place, message: impl Into<String>) -> Problem {
    Problem::new(place, "errors", message)
}

impl yaml::Located {
    fn place(&self, pointer: &str) -> Place {
        Place { file: FILE.to_owned(), line: self.lines.get(pointer).copied().unwrap_or(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "errors:\n  - code: E011001\n    name: A\n    kind: Api\n    meaning: M.\n    seen: s\n    \
                        confidence: low\n    from: [otp]\n    emulator: {status: 400, description: d}\n";

    #[test]
    fn rows_are_read_with_their_lines() {
        let rows = parse(&format!("# head\n{GOOD}")).expect("is good");
        assert_eq!((rows[0].place.line, rows[0].code.as_str(), rows[0].from.len()), (3, "E011001", 1));
        assert_eq!(rows[0].emulator.as_ref().map(|emulated| emulated.status), Some(400));
    }

    #[test]
    fn what_a_row_cannot_be_is_reported_with_its_line() {
        for (from, to, line, words) in [
            ("errors:", "codes:", 1, "the file holds `errors` alone"),
            ("    name: A\n", "", 2, "a code without `name`"),
            ("    kind: Api\n", "", 2, "a code without `kind`"),
            ("name: A", "naem: A", 3, "`naem` is not a member of a code"),
            ("meaning: M.", "meaning: [M]", 5, "`meaning` has to be text"),
            ("code: E011001", "code: 11001", 2, "`code` has to be text"),
            ("[otp]", "otp", 8, "`from` has to be a list"),
            ("status: 400", "status: '400'", 9, "`emulator` has to be `{status"),
            (", description: d", "", 9, "`emulator` has to be `{status"),
            ("  - code", "    code", 1, "`errors` is not a list"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let problems = parse(&GOOD.replacen(from, to, 1)).expect_err(to);
            let found = problems.iter().any(|p| p.message.contains(words) && p.place.line == line);
            assert!(found, "{to}: {problems:?}");
        }
    }

    #[test]
    fn constants_are_found_in_a_meaning() {
        assert_eq!(names_in("As `A_B` says, not `a` nor `A b`; `C`.").collect::<Vec<_>>(), ["A_B", "C"]);
    }
}
