use std::collections::BTreeSet;

use super::Report;
use crate::{
    document::{Document, members, walk},
    yaml::escape,
};

pub(super) fn resolve(document: &Document, report: &mut Report<'_>) {
    walk(&document.value, "", &mut |pointer, value| {
        let Some(target) = value.get("$ref").and_then(|target| target.as_str()) else { return };
        if pointer.ends_with("/example") || pointer.contains("/example/") {
            return;
        }
        match target.strip_prefix('#') {
            None => report.at(pointer, format!("`{target}` leads out of the document")),
            Some(inner) if document.value.pointer(inner).is_none() => {
                report.at(pointer, format!("`{target}` does not exist"));
            }
            Some(_) if members(value).len() > 1 => {
                report.at(pointer, format!("members beside the reference to `{target}` are ignored by every reader"));
            }
            Some(inner) if circles(document, inner) => {
                report.at(pointer, format!("`{target}` leads back to itself through references alone"));
            }
            Some(_) => {}
        }
    });
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
