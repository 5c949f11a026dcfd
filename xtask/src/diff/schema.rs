//! Schemas, compared once for each pair and direction however many operations use them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Change, Direction};
use crate::document::members;

/// A schema and the document that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) document: &'a Value,
    pub(super) schema: &'a Value,
}

impl<'a> Side<'a> {
    fn name(&self) -> Option<&'a str> {
        self.schema["$ref"].as_str()?.rsplit('/').next()
    }

    fn resolved(self) -> Self {
        Self { schema: follow(self.document, self.schema), ..self }
    }

    fn child(self, schema: &'a Value) -> Self {
        Self { schema, ..self }
    }
}

/// Follows document-internal references, a single `allOf` included, which is how descriptions are hung on one in 3.0.
pub(super) fn follow<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    // Longer chains than this do not occur; a circle of references ends here.
    for _ in 0..32 {
        if let Some(target) = value["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            match document.pointer(target) {
                Some(next) => value = next,
                None => return value,
            }
        } else if let Some([only]) = value["allOf"].as_array().map(Vec::as_slice) {
            value = only;
        } else {
            break;
        }
    }
    value
}

/// Where a change is told: the shared schema it is in, or the operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rule: &'static str,
    direction: Direction,
    subject: String,
    at: String,
    detail: String,
}

/// What has been found so far, with the operations that each shared schema is used by.
#[derive(Default)]
pub(super) struct Schemas {
    found: BTreeSet<Key>,
    users: BTreeMap<(String, Direction), BTreeSet<String>>,
    done: BTreeSet<(String, String, Direction)>,
    uses: BTreeMap<(String, Direction), BTreeSet<String>>,
}

impl Schemas {
    /// Compares the schemas of one body.
    pub(super) fn compare(&mut self, old: Side<'_>, new: Side<'_>, direction: Direction, operation: &str, at: &str) {
        let mut walk = Walk { schemas: self, direction, subject: operation.to_owned(), shared: false };
        walk.compare(old, new, at);
    }

    pub(super) fn into_changes(mut self) -> Vec<Change> {
        self.spread_users();
        let users = self.users;
        self.found
            .into_iter()
            .map(|key| {
                let operations = users.get(&(key.subject.clone(), key.direction)).into_iter().flatten().cloned();
                Change {
                    rule: key.rule,
                    direction: key.direction,
                    operations: operations.collect(),
                    subject: key.subject,
                    at: key.at,
                    detail: key.detail,
                }
            })
            .collect()
    }

    /// A schema that another one refers to is used by all operations of that one.
    fn spread_users(&mut self) {
        let mut open: Vec<(String, Direction)> = self.users.keys().cloned().collect();
        while let Some(user) = open.pop() {
            let operations = self.users.get(&user).cloned().unwrap_or_default();
            for used in self.uses.get(&user).cloned().unwrap_or_default() {
                let known = self.users.entry((used.clone(), user.1)).or_default();
                let before = known.len();
                known.extend(operations.iter().cloned());
                if known.len() > before {
                    open.push((used, user.1));
                }
            }
        }
    }
}

struct Walk<'s> {
    schemas: &'s mut Schemas,
    direction: Direction,
    subject: String,
    /// Whether the subject is a shared schema rather than an operation.
    shared: bool,
}

impl Walk<'_> {
    fn note(&mut self, rule: &'static str, at: &str, detail: impl Into<String>) {
        let key = Key {
            rule,
            direction: self.direction,
            subject: self.subject.clone(),
            at: at.to_owned(),
            detail: detail.into(),
        };
        self.schemas.found.insert(key);
    }

    fn compare(&mut self, old: Side<'_>, new: Side<'_>, at: &str) {
        let (Some(before), Some(after)) = (old.name(), new.name()) else {
            return self.shapes(old.resolved(), new.resolved(), at);
        };
        if before != after {
            self.note("schema-renamed", at, format!("{before} to {after}"));
        }
        let subject = format!("schema {after}");
        if self.shared {
            let users = self.schemas.uses.entry((self.subject.clone(), self.direction)).or_default();
            users.insert(subject.clone());
        } else {
            let users = self.schemas.users.entry((subject.clone(), self.direction)).or_default();
            users.insert(self.subject.clone());
        }
        if self.schemas.done.insert((before.to_owned(), after.to_owned(), self.direction)) {
            let mut walk = Walk { schemas: self.schemas, direction: self.direction, subject, shared: true };
            walk.shapes(old.resolved(), new.resolved(), "");
        }
    }

    fn shapes(&mut self, old: Side<'_>, new: Side<'_>, at: &str) {
        let (before, after) = (old.schema, new.schema);
        if before["description"] != after["description"] {
            self.note("schema-prose-changed", at, "");
        }
        match (before["nullable"] == true, after["nullable"] == true) {
            (false, true) => self.note("became-nullable", at, ""),
            (true, false) => self.note("became-not-nullable", at, ""),
            _ => {}
        }
        if before["default"] != after["default"] {
            self.note("default-changed", at, format!("{} to {}", before["default"], after["default"]));
        }
        if before["type"] != after["type"] {
            return self.note("type-changed", at, format!("{} to {}", before["type"], after["type"]));
        }
        self.format(before, after, at);
        self.bounds(before, after, at);
        self.values(before, after, at);
        self.variants(old, new, at);
        self.properties(old, new, at);
        if before["items"].is_object() && after["items"].is_object() {
            self.compare(old.child(&before["items"]), new.child(&after["items"]), &format!("{at}[]"));
        }
        self.further_members(old, new, at);
    }

    fn format(&mut self, old: &Value, new: &Value, at: &str) {
        if old["format"] == new["format"] {
            return;
        }
        let secret = |schema: &Value| schema["format"] == "password";
        let rule = if (secret(old) && new["format"].is_null()) || (old["format"].is_null() && secret(new)) {
            "secret-changed"
        } else {
            "format-changed"
        };
        self.note(rule, at, format!("{} to {}", old["format"], new["format"]));
    }

    fn bounds(&mut self, old: &Value, new: &Value, at: &str) {
        for (member, low) in [
            ("minimum", true),
            ("minLength", true),
            ("minItems", true),
            ("maximum", false),
            ("maxLength", false),
            ("maxItems", false),
        ] {
            let (before, after) = (old[member].as_f64(), new[member].as_f64());
            if before == after {
                continue;
            }
            let tighter = match (before, after) {
                (None, Some(_)) => true,
                (Some(before), Some(after)) => (after > before) == low,
                _ => false,
            };
            let rule = if tighter { "bounds-tightened" } else { "bounds-loosened" };
            self.note(rule, at, format!("{member} {} to {}", old[member], new[member]));
        }
    }

    fn values(&mut self, old: &Value, new: &Value, at: &str) {
        match (listed(&old["enum"]), listed(&new["enum"])) {
            (None, Some(_)) => self.note("enum-closed", at, ""),
            (Some(_), None) => self.note("enum-opened", at, ""),
            (Some(before), Some(after)) => {
                self.listed(&before, &after, at, "enum-value-added", "enum-value-removed");
            }
            (None, None) => {}
        }
        let (before, after) = (listed(&old["x-extensible-enum"]), listed(&new["x-extensible-enum"]));
        self.listed(
            &before.unwrap_or_default(),
            &after.unwrap_or_default(),
            at,
            "extensible-enum-value-added",
            "extensible-enum-value-removed",
        );
    }

    fn listed(
        &mut self,
        old: &BTreeSet<String>,
        new: &BTreeSet<String>,
        at: &str,
        added: &'static str,
        removed: &'static str,
    ) {
        for value in new.difference(old) {
            self.note(added, at, value.clone());
        }
        for value in old.difference(new) {
            self.note(removed, at, value.clone());
        }
    }

    fn variants(&mut self, old: Side<'_>, new: Side<'_>, at: &str) {
        for keyword in ["oneOf", "anyOf", "allOf"] {
            let variants = |side: Side<'_>| -> BTreeMap<String, Value> {
                let list = side.schema[keyword].as_array().into_iter().flatten().enumerate();
                list.map(|(index, schema)| (variant_name(schema, index), schema.clone())).collect()
            };
            let (before, after) = (variants(old), variants(new));
            for (name, schema) in &after {
                match before.get(name) {
                    None => self.note("variant-added", at, name.clone()),
                    Some(previous) => {
                        let (old, new) = (Side { schema: previous, ..old }, Side { schema, ..new });
                        self.compare(old, new, &format!("{at}<{name}>"));
                    }
                }
            }
            for name in before.keys().filter(|name| !after.contains_key(*name)) {
                self.note("variant-removed", at, name.clone());
            }
        }
    }

    fn properties(&mut self, old: Side<'_>, new: Side<'_>, at: &str) {
        let (before, after) = (&old.schema["properties"], &new.schema["properties"]);
        let required = |side: Side<'_>, name: &str| {
            side.schema["required"].as_array().is_some_and(|names| names.iter().any(|listed| listed == name))
        };
        let names: BTreeSet<&str> = members(before).into_iter().chain(members(after)).map(|(name, _)| name).collect();
        for name in names {
            let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            match (before.get(name), after.get(name)) {
                (Some(_), None) => self.note("property-removed", &at, ""),
                (None, Some(_)) if required(new, name) => self.note("property-added-required", &at, ""),
                (None, Some(_)) => self.note("property-added-optional", &at, ""),
                (Some(one), Some(other)) => {
                    match (required(old, name), required(new, name)) {
                        (false, true) => self.note("property-became-required", &at, ""),
                        (true, false) => self.note("property-became-optional", &at, ""),
                        _ => {}
                    }
                    self.compare(old.child(one), new.child(other), &at);
                }
                (None, None) => {}
            }
        }
    }

    fn further_members(&mut self, old: Side<'_>, new: Side<'_>, at: &str) {
        let (before, after) = (&old.schema["additionalProperties"], &new.schema["additionalProperties"]);
        // In 3.0 an absent keyword means open, and so does an empty schema.
        match (*before == false, *after == false) {
            (false, true) => return self.note("map-closed", at, ""),
            (true, false) => return self.note("map-opened", at, ""),
            _ => {}
        }
        let typed = |value: &Value| value.as_object().is_some_and(|schema| !schema.is_empty());
        let at = format!("{at}{{}}");
        match (typed(before), typed(after)) {
            (true, true) => self.compare(old.child(before), new.child(after), &at),
            (true, false) => self.note("type-changed", &at, "a given type to any"),
            (false, true) => self.note("type-changed", &at, "any to a given type"),
            (false, false) => {}
        }
    }
}

/// Variants have no key of their own: a reference or a title names one, its place in the list otherwise.
fn variant_name(schema: &Value, index: usize) -> String {
    let reference = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next());
    reference.or(schema["title"].as_str()).map_or_else(|| index.to_string(), str::to_owned)
}

fn listed(value: &Value) -> Option<BTreeSet<String>> {
    Some(value.as_array()?.iter().map(ToString::to_string).collect())
}
