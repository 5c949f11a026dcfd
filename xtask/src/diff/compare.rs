//! Operations, parameters, credentials and bodies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Change, Direction,
    schema::{Schemas, Side, follow},
};
use crate::document::{METHODS, members};

/// Every difference, sorted and each told once.
pub(crate) fn documents(old: &Value, new: &Value) -> Vec<Change> {
    let mut comparison = Comparison { old, new, changes: Vec::new(), schemas: Schemas::default() };
    comparison.paths();
    let mut changes = comparison.changes;
    changes.extend(comparison.schemas.into_changes());
    changes.sort();
    changes.dedup();
    changes
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    changes: Vec<Change>,
    schemas: Schemas,
}

impl<'a> Comparison<'a> {
    fn note(&mut self, rule: &'static str, subject: &str, at: impl Into<String>, detail: impl Into<String>) {
        self.changes.push(Change {
            rule,
            direction: Direction::Neither,
            subject: subject.to_owned(),
            at: at.into(),
            detail: detail.into(),
            operations: Vec::new(),
        });
    }

    fn paths(&mut self) {
        let (old, new) = (index(&self.old["paths"]), index(&self.new["paths"]));
        for path in keys(&old, &new) {
            match (old.get(path), new.get(path)) {
                (Some(_), None) => self.note("path-removed", path, "", ""),
                (None, Some(_)) => self.note("path-added", path, "", ""),
                (Some(old), Some(new)) => self.methods(path, old, new),
                (None, None) => {}
            }
        }
    }

    fn methods(&mut self, path: &str, old: &'a Value, new: &'a Value) {
        for method in METHODS {
            let subject = format!("{} {path}", method.to_ascii_uppercase());
            match (old.get(method), new.get(method)) {
                (Some(_), None) => self.note("operation-removed", &subject, "", ""),
                (None, Some(_)) => self.note("operation-added", &subject, "", ""),
                (Some(before), Some(after)) => {
                    self.operation(&subject, before, after);
                    self.parameters(&subject, (old, before), (new, after));
                }
                (None, None) => {}
            }
        }
    }

    fn operation(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        match (old["deprecated"] == true, new["deprecated"] == true) {
            (false, true) => self.note("operation-deprecated", subject, "", ""),
            (true, false) => self.note("operation-undeprecated", subject, "", ""),
            _ => {}
        }
        if old["operationId"] != new["operationId"] {
            let detail = format!("{} to {}", old["operationId"], new["operationId"]);
            self.note("operation-id-renamed", subject, "", detail);
        }
        if old["tags"] != new["tags"] {
            self.note("operation-tag-changed", subject, "", format!("{} to {}", old["tags"], new["tags"]));
        }
        if old["summary"] != new["summary"] || old["description"] != new["description"] {
            self.note("operation-prose-changed", subject, "", "");
        }
        self.security(subject, old, new);
        let (before, after) = (follow(self.old, &old["requestBody"]), follow(self.new, &new["requestBody"]));
        self.body(subject, "body", Direction::Request, before, after);
        self.responses(subject, old, new);
    }

    fn security(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let before = alternatives(old.get("security").unwrap_or(&self.old["security"]));
        let after = alternatives(new.get("security").unwrap_or(&self.new["security"]));
        for scheme in before.difference(&after) {
            self.note("security-removed", subject, scheme.clone(), "");
        }
        for scheme in after.difference(&before) {
            self.note("security-added", subject, scheme.clone(), "");
        }
    }

    fn parameters(&mut self, subject: &str, old: (&'a Value, &'a Value), new: (&'a Value, &'a Value)) {
        let before = parameters_of(self.old, old);
        let after = parameters_of(self.new, new);
        for name in keys(&before, &after) {
            match (before.get(name), after.get(name)) {
                (Some(old), None) => self.note("parameter-removed", subject, described(old), ""),
                (None, Some(new)) if new["required"] == true => {
                    self.note("parameter-added-required", subject, described(new), "");
                }
                (None, Some(new)) => self.note("parameter-added-optional", subject, described(new), ""),
                (Some(old), Some(new)) => self.parameter(subject, old, new),
                (None, None) => {}
            }
        }
    }

    fn parameter(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let at = described(new);
        if old["in"] != new["in"] {
            self.note("parameter-location-changed", subject, at.clone(), format!("{} to {}", old["in"], new["in"]));
        }
        match (old["required"] == true, new["required"] == true) {
            (false, true) => self.note("parameter-became-required", subject, at.clone(), ""),
            (true, false) => self.note("parameter-became-optional", subject, at.clone(), ""),
            _ => {}
        }
        let (before, after) = (follow(self.old, &old["schema"]), follow(self.new, &new["schema"]));
        if before["type"] != after["type"] || before["format"] != after["format"] || before["items"] != after["items"] {
            let detail = format!("{} to {}", kind(before), kind(after));
            self.note("parameter-type-changed", subject, at.clone(), detail);
        }
        if before["default"] != after["default"] {
            let detail = format!("{} to {}", before["default"], after["default"]);
            self.note("parameter-default-changed", subject, at.clone(), detail);
        }
        if old["description"] != new["description"] {
            self.note("parameter-prose-changed", subject, at, "");
        }
    }

    fn responses(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (index(&old["responses"]), index(&new["responses"]));
        for code in keys(&before, &after) {
            match (before.get(code), after.get(code)) {
                (Some(_), None) if code.starts_with(['2', '3']) => {
                    self.note("success-status-removed", subject, code.clone(), "");
                }
                (Some(_), None) => self.note("error-status-removed", subject, code.clone(), ""),
                (None, Some(_)) => self.note("status-added", subject, code.clone(), ""),
                (Some(old), Some(new)) => {
                    let (old, new) = (follow(self.old, old), follow(self.new, new));
                    self.body(subject, code, Direction::Response, old, new);
                }
                (None, None) => {}
            }
        }
    }

    fn body(&mut self, subject: &str, at: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        let note = |comparison: &mut Self, rule, at: &str, detail: &str| {
            comparison.changes.push(Change {
                rule,
                direction,
                subject: subject.to_owned(),
                at: at.to_owned(),
                detail: detail.to_owned(),
                operations: Vec::new(),
            });
        };
        let (before, after) = (index(&old["content"]), index(&new["content"]));
        match (before.is_empty(), after.is_empty()) {
            (true, false) => return note(self, "body-added", at, ""),
            (false, true) => return note(self, "body-removed", at, ""),
            _ => {}
        }
        if direction == Direction::Request && !before.is_empty() {
            match (old["required"] == true, new["required"] == true) {
                (false, true) => note(self, "body-became-required", at, ""),
                (true, false) => note(self, "body-became-optional", at, ""),
                _ => {}
            }
        }
        for media in keys(&before, &after) {
            match (before.get(media), after.get(media)) {
                (Some(_), None) => note(self, "media-type-removed", at, media),
                (None, Some(_)) => note(self, "media-type-added", at, media),
                (Some(old), Some(new)) => {
                    let old = Side { document: self.old, schema: &old["schema"] };
                    let new = Side { document: self.new, schema: &new["schema"] };
                    self.schemas.compare(old, new, direction, subject, at);
                }
                (None, None) => {}
            }
        }
    }
}

fn parameters_of<'a>(document: &'a Value, (item, operation): (&'a Value, &'a Value)) -> BTreeMap<String, &'a Value> {
    [item, operation]
        .into_iter()
        .flat_map(|holder| holder["parameters"].as_array().into_iter().flatten())
        .map(|parameter| follow(document, parameter))
        .filter_map(|parameter| Some((parameter["name"].as_str()?.to_owned(), parameter)))
        .collect()
}

fn index(value: &Value) -> BTreeMap<String, &Value> {
    members(value).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn keys<'k, V>(old: &'k BTreeMap<String, V>, new: &'k BTreeMap<String, V>) -> Vec<&'k String> {
    old.keys().chain(new.keys()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The accepted credentials; a public operation accepts `none`.
fn alternatives(security: &Value) -> BTreeSet<String> {
    let named: BTreeSet<String> = security
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| members(entry).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" and "))
        .collect();
    if named.is_empty() { BTreeSet::from(["none".to_owned()]) } else { named }
}

fn described(parameter: &Value) -> String {
    let text = |member: &str| parameter[member].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("in"), text("name"))
}

fn kind(schema: &Value) -> String {
    let text = |member: &str| schema[member].as_str().unwrap_or_default().to_owned();
    [text("type"), text("format")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
