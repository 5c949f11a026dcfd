//! Compares the verdicts of `cargo xtask diff` with those of another tool.
//!
//! `cargo run -p xtask --example agreement -- DIR VERDICTS`: DIR holds `ID.old.json` and `ID.new.json`, VERDICTS a line
//! for each pair with the columns id, level and findings, separated by tabs. The levels `error` and `warning` mean
//! breaking. Every policy is on, since the other tool has its policies on.

#![allow(dead_code, unused_imports, reason = "the modules are those of the command, which uses more of them")]

#[path = "../src/diff/mod.rs"]
mod diff;
#[path = "../src/document.rs"]
mod document;
#[path = "../src/errors.rs"]
mod errors;
#[path = "../src/problem.rs"]
mod problem;
#[path = "../src/text.rs"]
mod text;
#[path = "../src/yaml.rs"]
mod yaml;

use std::{collections::BTreeMap, env, fs, path::Path, process::ExitCode};

use diff::{Level, Policies, Policy};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, verdicts] = &arguments[..] else {
        eprintln!("usage: agreement DIR VERDICTS");
        return ExitCode::FAILURE;
    };
    match measure(Path::new(folder), Path::new(verdicts)) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn measure(folder: &Path, verdicts: &Path) -> Result<String, String> {
    let table = fs::read_to_string(verdicts).map_err(|error| format!("{}: {error}", verdicts.display()))?;
    let mut matrix: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut differences = Vec::new();
    let (mut pairs, mut alike) = (0, 0);
    for line in table.lines().skip(1) {
        let mut columns = line.split('\t');
        let (Some(id), Some(theirs)) = (columns.next(), columns.next()) else { continue };
        let findings = columns.next().unwrap_or_default();
        pairs += 1;
        let read = |side: &str| diff::read(&folder.join(format!("{id}.{side}.json")));
        let (old, new) = match (read("old"), read("new")) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(failure), _) | (_, Err(failure)) => {
                *matrix.entry((theirs.to_owned(), "refused")).or_default() += 1;
                let reason = failure.to_string();
                let reason = reason.lines().next().unwrap_or_default();
                differences.push(format!("| {id} | {theirs}: {findings} | refused: {reason} |"));
                continue;
            }
        };
        let policies = Policies::new(&[Policy::Sunset, Policy::Stability, Policy::ExtensibleEnum]);
        let changes = diff::with_policies(&old, &new, policies).changes;
        let worst = changes.iter().map(|change| diff::level(change, false)).max();
        let ours = worst.map_or("nothing", level_name);
        let breaking = ["error", "warning"].contains(&theirs);
        *matrix.entry((theirs.to_owned(), ours)).or_default() += 1;
        if breaking == (worst == Some(Level::Breaking)) {
            alike += 1;
        } else {
            let mut said: Vec<&str> = changes
                .iter()
                .filter(|change| Some(diff::level(change, false)) == worst)
                .map(|change| change.rule)
                .collect();
            said.dedup();
            differences.push(format!("| {id} | {theirs}: {findings} | {ours}: {} |", said.join(" ")));
        }
    }
    let mut text = vec!["theirs -> ours: pairs".to_owned()];
    text.extend(matrix.iter().map(|((theirs, ours), count)| format!("{theirs} -> {ours}: {count}")));
    text.push("| pair | theirs | ours |\n| --- | --- | --- |".to_owned());
    text.extend(differences);
    text.push(format!("{alike} of {pairs} alike ({} per mille)", alike * 1000 / pairs.max(1)));
    Ok(text.join("\n"))
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Docs => "docs",
        Level::Compatible => "compatible",
        Level::Breaking => "breaking",
    }
}
