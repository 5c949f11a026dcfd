//! The changes as text, JSON or Markdown.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::ValueEnum;
use serde_json::json;

use super::{
    Change, Direction, Level,
    rules::{level, rule},
};

/// How the changes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line for each change, most serious first.
    Text,
    /// For programs.
    Json,
    /// For release notes.
    Markdown,
}

/// Renders changes with their levels, and what was not compared.
pub(super) fn render(
    changes: &[Change],
    not_compared: &BTreeSet<String>,
    generated_code: bool,
    format: Format,
) -> String {
    let mut changes: Vec<Judged<'_>> = changes.iter().map(|change| (level(change, generated_code), change)).collect();
    changes.sort_by_key(|(level, change)| (std::cmp::Reverse(*level), *change));
    match format {
        Format::Text => text(&changes, not_compared),
        Format::Json => json_text(&changes, not_compared),
        Format::Markdown => markdown(&changes, not_compared),
    }
}

type Judged<'a> = (Level, &'a Change);

fn count(changes: &[Judged<'_>], wanted: Level) -> usize {
    changes.iter().filter(|(level, _)| *level == wanted).count()
}

fn summary(changes: &[Judged<'_>]) -> String {
    format!(
        "{} breaking, {} compatible, {} docs",
        count(changes, Level::Breaking),
        count(changes, Level::Compatible),
        count(changes, Level::Docs)
    )
}

fn text(changes: &[Judged<'_>], not_compared: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for (level, change) in changes {
        let _ = writeln!(text, "{:10} {} [{}]", level.name(), sentence(change), change.rule);
        if !change.operations.is_empty() {
            let _ = writeln!(text, "           used by {}", change.operations.join(", "));
        }
    }
    for what in not_compared {
        let _ = writeln!(text, "not compared: {what}");
    }
    let _ = write!(text, "{}", summary(changes));
    text
}

/// A change in one line.
pub(crate) fn sentence(change: &Change) -> String {
    let side = match change.direction {
        Direction::Request => " (request)",
        Direction::Response => " (response)",
        Direction::Neither => "",
    };
    let at = if change.at.is_empty() { String::new() } else { format!(" {}", change.at) };
    let detail = if change.detail.is_empty() { String::new() } else { format!(": {}", change.detail) };
    format!("{}{at}{side}: {}{detail}", change.subject, rule(change).message)
}

fn json_text(changes: &[Judged<'_>], not_compared: &BTreeSet<String>) -> String {
    let rows: Vec<_> = changes
        .iter()
        .map(|(level, change)| {
            json!({
                "level": level.name(),
                "rule": change.rule,
                "direction": match change.direction {
                    Direction::Request => Some("request"),
                    Direction::Response => Some("response"),
                    Direction::Neither => None,
                },
                "subject": change.subject,
                "at": change.at,
                "message": rule(change).message,
                "detail": change.detail,
                "operations": change.operations,
            })
        })
        .collect();
    let counts = json!({
        "breaking": count(changes, Level::Breaking),
        "compatible": count(changes, Level::Compatible),
        "docs": count(changes, Level::Docs),
    });
    serde_json::to_string_pretty(&json!({ "counts": counts, "notCompared": not_compared, "changes": rows }))
        .unwrap_or_default()
}

fn markdown(changes: &[Judged<'_>], not_compared: &BTreeSet<String>) -> String {
    let mut text = format!("{}\n", summary(changes));
    for (wanted, title) in
        [(Level::Breaking, "Breaking"), (Level::Compatible, "Compatible"), (Level::Docs, "Documentation")]
    {
        if count(changes, wanted) == 0 {
            continue;
        }
        let _ = write!(text, "\n### {title}\n\n");
        for (_, change) in changes.iter().filter(|(level, _)| *level == wanted) {
            let _ = write!(text, "- `{}`", change.subject);
            if !change.at.is_empty() {
                let _ = write!(text, " `{}`", change.at);
            }
            let _ = write!(text, ": {}", rule(change).message);
            if !change.detail.is_empty() {
                let _ = write!(text, " ({})", change.detail);
            }
            match change.operations.len() {
                0 => {}
                1 => {
                    let _ = write!(text, "; used by `{}`", change.operations[0]);
                }
                several => {
                    let _ = write!(text, "; used by {several} operations");
                }
            }
            text.push('\n');
        }
    }
    if !not_compared.is_empty() {
        text.push_str("\n### Not compared\n\n");
        for what in not_compared {
            let _ = writeln!(text, "- {what}");
        }
    }
    text.trim_end().to_owned()
}
