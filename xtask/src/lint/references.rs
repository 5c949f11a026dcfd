use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use crate::{
    document::{Document, members, walk},
    yaml::escape,
};

pub(super) fn resolve(document: &Document, report: &mut Report<'_>) {
    // One wrong anchor is repeated at every place that uses it: the first place of each file is enough.
    let mut wrong: BTreeMap<(String, String), (String, usize)> = BTreeMap::new();
    walk(&document.value, "", &mut |pointer, value| {
        let Some(target) = value.get("$ref").and_then(|target| target.as_str()) else { return };
        if pointer.ends_with("/example") || pointer.contains("/example/") {
            return;
        }
        let message = match target.strip_prefix('#') {
            None => format!("`{target}` leads out of the document; write `'#/components/schemas/NAME'`"),
            Some(inner) if document.value.pointer(inner).is_none() => format!("`{target}` does not exist"),
            Some(_) if members(value).len() > 1 => {
                format!("members beside the reference to `{target}` are ignored by every reader; take them out")
            }
            Some(inner) if circles(document, inner) => {
                format!("`{target}` leads back to itself through references alone")
            }
            Some(_) => return,
        };
        let place = document.place(pointer);
        let entry = wrong.entry((place.file.clone(), message)).or_insert_with(|| (pointer.to_owned(), 0));
        entry.1 += 1;
        if place < document.place(&entry.0) {
            pointer.clone_into(&mut entry.0);
        }
    });
    for ((_, message), (pointer, count)) in wrong {
        let more = if count > 1 { format!(" (and {} more in this file)", count - 1) } else { String::new() };
        report.at(&pointer, format!("{message}{more}"));
    }
}

/// Whether one reference leads to the next without end. A schema that holds itself as a property does not.
fn circles(document: &Document, start: &str) -> bool {
    let mut seen = BTreeSet::from([start]);
    let mut next = start;
    while let Some(target) = document.value.pointer(next).and_then(|value| value["$ref"].as_str()) {
        next = target.trim_start_matches('#');
        if !seen.insert(next) {
            return true;
        }
    }
    false
}

pub(super) fn unused(document: &Document, report: &mut Report<'_>) {
    // What operations reach; a circle of schemas that only refer to each other is as dead as a single one.
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut open = references(&document.value["paths"]);
    while let Some(target) = open.pop() {
        if reached.insert(target.clone())
            && let Some(value) = document.value.pointer(&target)
        {
            open.extend(references(value));
        }
    }
    for (kind, components) in members(&document.value["components"]) {
        if kind == "securitySchemes" {
            continue;
        }
        for (name, _) in members(components) {
            let pointer = format!("/components/{}/{}", escape(kind), escape(name));
            if !reached.contains(&pointer) {
                report.at(&pointer, format!("nothing refers to `{name}`"));
            }
        }
    }
}

fn references(value: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, "", &mut |_, value| {
        if let Some(target) = value.get("$ref").and_then(|target| target.as_str()) {
            found.extend(target.strip_prefix('#').map(str::to_owned));
        }
    });
    found
}
