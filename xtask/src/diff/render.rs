//! The changes as text, JSON or Markdown.

use std::fmt::Write as _;

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

pub(super) fn render(changes: &[Change], format: Format) -> String {
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| (std::cmp::Reverse(level(change)), *change));
    match format {
        Format::Text => text(&changes),
        Format::Json => json_text(&changes),
        Format::Markdown => markdown(&changes),
    }
}

fn count(changes: &[&Change], wanted: Level) -> usize {
    changes.iter().filter(|change| level(change) == wanted).count()
}

fn summary(changes: &[&Change]) -> String {
    format!(
        "{} breaking, {} compatible, {} docs",
        count(changes, Level::Breaking),
        count(changes, Level::Compatible),
        count(changes, Level::Docs)
    )
}

fn text(changes: &[&Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let _ = writeln!(text, "{:10} {} [{}]", level(change).name(), sentence(change), change.rule);
        if !change.operations.is_empty() {
            let _ = writeln!(text, "           used by {}", change.operations.join(", "));
        }
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

fn json_text(changes: &[&Change]) -> String {
    let rows: Vec<_> = changes
        .iter()
        .map(|change| {
            json!({
                "level": level(change).name(),
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
    serde_json::to_string_pretty(&json!({ "counts": counts, "changes": rows })).unwrap_or_default()
}

fn markdown(changes: &[&Change]) -> String {
    let mut text = format!("{}\n", summary(changes));
    for (wanted, title) in
        [(Level::Breaking, "Breaking"), (Level::Compatible, "Compatible"), (Level::Docs, "Documentation")]
    {
        if count(changes, wanted) == 0 {
            continue;
        }
        let _ = write!(text, "\n### {title}\n\n");
        for change in changes.iter().filter(|change| level(change) == wanted) {
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
    text.trim_end().to_owned()
}
