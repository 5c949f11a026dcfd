use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use crate::{
    document::{Document, Operation},
    errors::{Row, is_constant, is_emulators, names_in},
};

/// The kinds of the SDK that a refusal of the service can have.
const KINDS: [&str; 12] = [
    "AlreadyExists",
    "Api",
    "Expired",
    "Forbidden",
    "InvalidArgument",
    "NotFound",
    "Pending",
    "RateLimited",
    "Server",
    "TooManyAttempts",
    "Unauthorized",
    "WrongCode",
];

const CONFIDENCE: [&str; 3] = ["high", "medium", "low"];

pub(super) fn check(document: &Document, report: &mut Report<'_>) {
    let mut sources: BTreeSet<&str> = document.operations().iter().filter_map(Operation::id).collect();
    sources.extend(document.value["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()));
    let names: BTreeSet<&str> = document.errors.iter().map(|row| row.name.as_str()).collect();
    let mut seen: BTreeMap<&str, &Row> = BTreeMap::new();
    let mut last = "";
    for row in &document.errors {
        let mut problem = |message: String| report.place(&row.place, message);
        let Row { code, name, kind, meaning, confidence, .. } = row;
        let digits = code.strip_prefix('E').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            problem(format!("`{code}` is not `E` and six digits"));
        }
        for key in [code, name] {
            if let Some(other) = seen.insert(key, row) {
                problem(format!("`{key}` stands here twice, first at {}", other.place));
            }
        }
        if code.as_str() < last {
            problem(format!("`{code}` stands below `{last}`; keep the codes in order"));
        }
        last = code;
        if !is_constant(name) {
            problem(format!("the name `{name}` is not in UPPER_SNAKE_CASE"));
        }
        if is_emulators(code) {
            if row.emulator.is_none() || !kind.is_empty() {
                problem(format!("`{code}` is one of the emulator's own, which have `emulator` and no `kind`"));
            }
        } else if !KINDS.contains(&kind.as_str()) {
            problem(format!("the kind `{kind}` is none of {}", KINDS.join(", ")));
        }
        if !meaning.ends_with('.') {
            problem("the meaning is not a sentence".to_owned());
        }
        for other in names_in(meaning).filter(|other| !names.contains(other)) {
            problem(format!("the meaning names `{other}`, which is not a code"));
        }
        if !is_emulators(code) && !CONFIDENCE.contains(&confidence.as_str()) {
            problem(format!("the confidence `{confidence}` is none of {}", CONFIDENCE.join(", ")));
        }
        for source in row.from.iter().filter(|source| !sources.contains(source.as_str())) {
            problem(format!("`{source}` in `from` is neither a tag nor an operation"));
        }
        if row.emulator.as_ref().is_some_and(|emulated| !(400..600).contains(&emulated.status)) {
            problem("the status of the emulator is not that of a refusal".to_owned());
        }
    }
}
