//! Operations with their bodies and answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Change, Direction,
    policy::{Policies, stability},
    schema::{Schemas, Use},
    shape::{Side, follow},
};
use crate::document::members;

/// HTTP methods that a path may have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Every difference, sorted and each reported once, and what was not compared.
pub(crate) struct Differences {
    pub(crate) changes: Vec<Change>,
    pub(crate) not_compared: BTreeSet<String>,
}

/// Every difference, with no policy beyond what the documents say in standard terms.
pub(crate) fn documents(old: &Value, new: &Value) -> Vec<Change> {
    with_policies(old, new, Policies::default()).changes
}

/// Every difference, judged by some policies as well.
pub(crate) fn with_policies(old: &Value, new: &Value, policies: Policies) -> Differences {
    let mut comparison = Comparison {
        old,
        new,
        changes: Vec::new(),
        schemas: Schemas::new(policies.clone()),
        policies,
        flipped: false,
        not_compared: BTreeSet::new(),
    };
    comparison.whole();
    let mut not_compared = comparison.not_compared;
    if comparison.schemas.too_deep {
        not_compared.insert("schemas written into each other more than 150 levels deep".to_owned());
    }
    let mut changes = comparison.changes;
    changes.extend(comparison.schemas.into_changes());
    changes.sort();
    changes.dedup();
    Differences { changes, not_compared }
}

pub(super) struct Comparison<'a> {
    pub(super) old: &'a Value,
    pub(super) new: &'a Value,
    pub(super) changes: Vec<Change>,
    pub(super) schemas: Schemas<'a>,
    pub(super) policies: Policies,
    /// Whether the service is the one that calls, as in callbacks and webhooks.
    pub(super) flipped: bool,
    pub(super) not_compared: BTreeSet<String>,
}

/// A value before and after.
type Pair<'a> = (&'a Value, &'a Value);

impl<'a> Comparison<'a> {
    pub(super) fn note(&mut self, rule: &'static str, subject: &str, at: impl Into<String>, detail: impl Into<String>) {
        self.note_in(rule, Direction::Neither, subject, at, detail);
    }

    pub(super) fn note_in(
        &mut self,
        rule: &'static str,
        direction: Direction,
        subject: &str,
        at: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.changes.push(Change {
            rule,
            direction,
            subject: subject.to_owned(),
            at: at.into(),
            detail: detail.into(),
            operations: Vec::new(),
        });
    }

    /// Who reads what goes into an operation.
    pub(super) fn inward(&self) -> Direction {
        if self.flipped { Direction::Response } else { Direction::Request }
    }

    fn outward(&self) -> Direction {
        if self.flipped { Direction::Request } else { Direction::Response }
    }

    fn whole(&mut self) {
        let (old, new) = (self.old, self.new);
        for member in ["info", "tags", "externalDocs"] {
            if old[member] != new[member] {
                self.note("document-prose-changed", "document", member, "");
            }
        }
        self.extensions("document", "", old, new);
        self.servers("document", old, new);
        self.security_schemes();
        self.paths("", &old["paths"], &new["paths"]);
        self.flipped = true;
        let (before, after) = (index(&old["webhooks"]), index(&new["webhooks"]));
        for name in keys(&before, &after) {
            let subject = format!("webhook {name}");
            match (before.get(name), after.get(name)) {
                (Some(_), None) => self.note("callback-removed", &subject, "", ""),
                (None, Some(_)) => self.note("callback-added", &subject, "", ""),
                (Some(old), Some(new)) => self.item(&subject, "", old, new, &BTreeMap::new()),
                (None, None) => {}
            }
        }
        self.flipped = false;
    }

    /// Compares paths. What a path calls its parameters is not seen on the wire, so it does not tell two paths apart.
    fn paths(&mut self, prefix: &str, old: &'a Value, new: &'a Value) {
        let is_path = |name: &String| !name.starts_with("x-");
        let (mut before, mut after) = (index(old), index(new));
        before.retain(|name, _| is_path(name));
        after.retain(|name, _| is_path(name));
        let renamed: Vec<(String, String)> = before
            .keys()
            .filter(|path| !after.contains_key(*path))
            .filter_map(|path| {
                let other =
                    after.keys().find(|other| !before.contains_key(*other) && template(other) == template(path));
                Some((path.clone(), other?.clone()))
            })
            .collect();
        for (path, other) in renamed {
            let (Some(old), Some(new)) = (before.remove(&path), after.remove(&other)) else { continue };
            let names: BTreeMap<String, String> = placeholders(&path).into_iter().zip(placeholders(&other)).collect();
            self.note("path-parameter-renamed", &format!("{prefix}{other}"), "", format!("{path} to {other}"));
            self.item(prefix, &other, old, new, &names);
        }
        for path in keys(&before, &after) {
            let subject = format!("{prefix}{path}");
            match (before.get(path), after.get(path)) {
                (Some(old), None) => self.path_removed(&subject, old),
                (None, Some(_)) => self.note("path-added", &subject, "", ""),
                (Some(old), Some(new)) => self.item(prefix, path, old, new, &BTreeMap::new()),
                (None, None) => {}
            }
        }
    }

    /// A path goes with its operations: it may, if every one of them may.
    fn path_removed(&mut self, subject: &str, item: &'a Value) {
        let item = follow(self.old, item);
        if item["$ref"].is_null() && METHODS.iter().all(|method| item[*method].is_null()) {
            return self.note("empty-path-removed", subject, "", "");
        }
        let operations: Vec<&Value> = METHODS.iter().filter_map(|method| item.get(*method)).collect();
        let all = |test: &dyn Fn(&Value) -> bool| !operations.is_empty() && operations.iter().all(|value| test(value));
        if all(&|value| self.policies.is_unstable(value)) {
            self.note("unstable-removed", subject, "", "");
        } else if all(&|value| self.policies.is_unstable(value) || self.policies.is_retired(value)) {
            self.note("retired-removed", subject, "", "");
        } else {
            self.note("path-removed", subject, "", "");
        }
    }

    fn item(&mut self, prefix: &str, path: &str, old: &'a Value, new: &'a Value, renamed: &BTreeMap<String, String>) {
        let (old, new) = (follow(self.old, old), follow(self.new, new));
        self.unresolved(old, new, &format!("{prefix}{path}"));
        self.servers(&format!("{prefix}{path}"), old, new);
        self.extensions(&format!("{prefix}{path}"), "", old, new);
        if old["summary"] != new["summary"] || old["description"] != new["description"] {
            self.note("operation-prose-changed", &format!("{prefix}{path}"), "", "");
        }
        for method in METHODS {
            let name = method.to_ascii_uppercase();
            let subject = format!("{prefix}{}{name} {path}", if prefix.is_empty() { "" } else { " " });
            let subject = subject.trim_end();
            match (old.get(method), new.get(method)) {
                (Some(value), None) => {
                    let rule = if self.policies.is_unstable(value) {
                        "unstable-removed"
                    } else if self.policies.is_retired(value) {
                        "retired-removed"
                    } else {
                        "operation-removed"
                    };
                    self.note(rule, subject, "", "");
                }
                (None, Some(_)) => self.note("operation-added", subject, "", ""),
                (Some(before), Some(after)) => {
                    if self.policies.stability {
                        let levels = (&before["x-stability-level"], &after["x-stability-level"]);
                        if let Some((rule, detail)) = stability(levels.0, levels.1) {
                            self.note(rule, subject, "", detail);
                        }
                        if self.policies.is_unstable(before) {
                            self.not_compared.insert("operations that are drafts or alphas".to_owned());
                            continue;
                        }
                    }
                    self.operation(subject, before, after);
                    self.parameters(subject, (old, before), (new, after), renamed);
                }
                (None, None) => {}
            }
        }
    }

    /// A reference that leads nowhere is compared by its text.
    pub(super) fn unresolved(&mut self, old: &Value, new: &Value, subject: &str) {
        if (old["$ref"].is_string() || new["$ref"].is_string()) && old["$ref"] != new["$ref"] {
            self.note("reference-changed", subject, "", format!("{} to {}", old["$ref"], new["$ref"]));
        }
    }

    /// Members that start with `x-`, but for those that a policy is about.
    pub(super) fn extensions(&mut self, subject: &str, at: &str, old: &Value, new: &Value) {
        let names = [old, new].into_iter().filter_map(Value::as_object).flat_map(|map| map.keys());
        for name in names.filter(|name| name.starts_with("x-")).collect::<BTreeSet<_>>() {
            let by_policy = (name == "x-sunset" && self.policies.sunset)
                || (name == "x-stability-level" && self.policies.stability);
            if old[name] != new[name] && !by_policy {
                let detail = if at.is_empty() { "" } else { name };
                self.note("extension-changed", subject, if at.is_empty() { name } else { at }, detail);
            }
        }
    }

    fn operation(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        match (old["deprecated"] == true, new["deprecated"] == true) {
            (false, true) => self.note("operation-deprecated", subject, "", ""),
            (true, false) => self.note("operation-undeprecated", subject, "", ""),
            _ => {}
        }
        if let Some((rule, detail)) = self.policies.sunset(old, new) {
            self.note(rule, subject, "", detail);
        }
        if old["operationId"] != new["operationId"] {
            let detail = format!("{} to {}", old["operationId"], new["operationId"]);
            self.note("operation-id-renamed", subject, "", detail);
        }
        if old["tags"] != new["tags"] {
            self.note("operation-tag-changed", subject, "", format!("{} to {}", old["tags"], new["tags"]));
        }
        if old["summary"] != new["summary"]
            || old["description"] != new["description"]
            || old["externalDocs"] != new["externalDocs"]
        {
            self.note("operation-prose-changed", subject, "", "");
        }
        self.extensions(subject, "", old, new);
        self.servers(subject, old, new);
        self.security(subject, old, new);
        self.request_body(subject, (&old["requestBody"], &new["requestBody"]));
        self.responses(subject, old, new);
        self.callbacks(subject, old, new);
    }

    fn request_body(&mut self, subject: &str, (old, new): Pair<'a>) {
        let (old, new) = (follow(self.old, old), follow(self.new, new));
        self.unresolved(old, new, subject);
        let direction = self.inward();
        let required = |body: &Value| body["required"] == true;
        match (old.is_object(), new.is_object()) {
            (false, false) => return,
            (false, true) if required(new) => return self.note_in("body-added", direction, subject, "body", ""),
            (false, true) => return self.note_in("body-added-optional", direction, subject, "body", ""),
            (true, false) => return self.note_in("body-removed", direction, subject, "body", ""),
            (true, true) => {}
        }
        match (required(old), required(new)) {
            (false, true) => self.note_in("body-became-required", direction, subject, "body", ""),
            (true, false) => self.note_in("body-became-optional", direction, subject, "body", ""),
            _ => {}
        }
        if old["description"] != new["description"] {
            self.note("operation-prose-changed", subject, "body", "");
        }
        self.extensions(subject, "body", old, new);
        self.content(subject, "body", direction, old, new);
    }

    fn responses(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let codes = |value: &'a Value| -> BTreeMap<String, &'a Value> {
            let known = index(value).into_iter().filter(|(code, _)| !code.starts_with("x-"));
            known.map(|(code, value)| (if code == "default" { code } else { code.to_uppercase() }, value)).collect()
        };
        let (before, after) = (codes(&old["responses"]), codes(&new["responses"]));
        let range = |code: &str| code.get(..1).map(|first| format!("{first}XX"));
        for code in keys(&before, &after) {
            match (before.get(code), after.get(code)) {
                (Some(old), None) => match range(code).and_then(|range| after.get(&range)) {
                    Some(new) => self.response(subject, code, old, new),
                    None if code.starts_with(['2', '3']) => {
                        self.note("success-status-removed", subject, code.clone(), "");
                    }
                    None => self.note("error-status-removed", subject, code.clone(), ""),
                },
                (None, Some(_)) => self.note("status-added", subject, code.clone(), ""),
                (Some(old), Some(new)) => self.response(subject, code, old, new),
                (None, None) => {}
            }
        }
    }

    fn response(&mut self, subject: &str, code: &str, old: &'a Value, new: &'a Value) {
        let (old, new) = (follow(self.old, old), follow(self.new, new));
        self.unresolved(old, new, subject);
        let direction = self.outward();
        if old["description"] != new["description"] {
            self.note("operation-prose-changed", subject, code, "");
        }
        if old["links"] != new["links"] {
            self.note("links-changed", subject, code, "");
        }
        self.extensions(subject, code, old, new);
        self.headers(subject, code, direction, (&old["headers"], &new["headers"]));
        let empty = |body: &Value| body["content"].as_object().is_none_or(serde_json::Map::is_empty);
        match (empty(old), empty(new)) {
            (true, true) => {}
            (true, false) => self.note_in("body-added", direction, subject, code, ""),
            (false, true) => self.note_in("body-removed", direction, subject, code, ""),
            (false, false) => self.content(subject, code, direction, old, new),
        }
    }

    /// Names of headers have no case.
    fn headers(&mut self, subject: &str, at: &str, direction: Direction, (old, new): Pair<'a>) {
        let by_name = |headers: &'a Value| -> BTreeMap<String, (&'a str, &'a Value)> {
            let listed = members(headers).into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            listed.map(|(name, header)| (name.to_ascii_lowercase(), (name, header))).collect()
        };
        let (before, after) = (by_name(old), by_name(new));
        for key in keys(&before, &after) {
            match (before.get(key), after.get(key)) {
                (Some((name, _)), None) => {
                    self.note_in("header-removed", direction, subject, format!("{at} header {name}"), "");
                }
                (None, Some((name, _))) => {
                    self.note_in("header-added", direction, subject, format!("{at} header {name}"), "");
                }
                (Some((_, old)), Some((name, new))) => {
                    self.header(subject, &format!("{at} header {name}"), direction, (old, new));
                }
                (None, None) => {}
            }
        }
    }

    fn header(&mut self, subject: &str, at: &str, direction: Direction, (old, new): Pair<'a>) {
        let (old, new) = (follow(self.old, old), follow(self.new, new));
        match (old["required"] == true, new["required"] == true) {
            (false, true) => self.note_in("header-became-required", direction, subject, at, ""),
            (true, false) => self.note_in("header-became-optional", direction, subject, at, ""),
            _ => {}
        }
        if old["description"] != new["description"] {
            self.note("parameter-prose-changed", subject, at, "");
        }
        self.extensions(subject, at, old, new);
        let as_text = old["content"].is_null();
        let (old, new) = (Side::new(self.old, carried(old)), Side::new(self.new, carried(new)));
        self.schemas.compare(&old, &new, Use { direction, operation: subject, at, parameter: None, as_text });
    }

    fn content(&mut self, subject: &str, at: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        let (mut before, mut after) = (index(&old["content"]), index(&new["content"]));
        let mut pairs: Vec<(bool, Pair<'a>)> = Vec::new();
        let exact: Vec<String> = before.keys().filter(|name| after.contains_key(*name)).cloned().collect();
        for name in exact {
            pairs.extend(before.remove(&name).zip(after.remove(&name)).map(|pair| (is_text(&name), pair)));
        }
        // What is left may be the same media type, but for its parameters or for being more or less exact.
        let left: Vec<String> = before.keys().cloned().collect();
        for name in left {
            let found = after.keys().find_map(|other| Some((other.clone(), media_rule(&name, other)?)));
            if let Some((other, rule)) = found {
                self.note_in(rule, direction, subject, at, format!("{name} to {other}"));
                pairs.extend(before.remove(&name).zip(after.remove(&other)).map(|pair| (is_text(&name), pair)));
            }
        }
        for name in before.keys() {
            self.note_in("media-type-removed", direction, subject, at, name);
        }
        for name in after.keys() {
            self.note_in("media-type-added", direction, subject, at, name);
        }
        for (as_text, (old, new)) in pairs {
            if old["encoding"] != new["encoding"] {
                self.note_in("encoding-changed", direction, subject, at, "");
            }
            if old["example"] != new["example"] || old["examples"] != new["examples"] {
                self.note("annotation-changed", subject, at, "example");
            }
            let (old, new) = (Side::new(self.old, &old["schema"]), Side::new(self.new, &new["schema"]));
            self.schemas.compare(&old, &new, Use { direction, operation: subject, at, parameter: None, as_text });
        }
    }

    /// Callbacks are operations that the service calls, so that who reads and who writes change places.
    fn callbacks(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (index(&old["callbacks"]), index(&new["callbacks"]));
        for name in keys(&before, &after) {
            match (before.get(name), after.get(name)) {
                (Some(_), None) => self.note("callback-removed", subject, name.clone(), ""),
                (None, Some(_)) => self.note("callback-added", subject, name.clone(), ""),
                (Some(old), Some(new)) => {
                    let (old, new) = (follow(self.old, old), follow(self.new, new));
                    self.flipped = !self.flipped;
                    self.callback(&format!("{subject} callback {name}"), old, new);
                    self.flipped = !self.flipped;
                }
                (None, None) => {}
            }
        }
    }

    fn callback(&mut self, subject: &str, old: &'a Value, new: &'a Value) {
        let (before, after) = (index(old), index(new));
        for name in keys(&before, &after).into_iter().filter(|name| !name.starts_with("x-")) {
            match (before.get(name), after.get(name)) {
                (Some(_), None) => self.note("callback-removed", subject, name.clone(), ""),
                (None, Some(_)) => self.note("callback-added", subject, name.clone(), ""),
                (Some(old), Some(new)) => self.item(subject, name, old, new, &BTreeMap::new()),
                (None, None) => {}
            }
        }
    }
}

/// The schema of a parameter or header, which may be given for a media type.
pub(super) fn carried(holder: &Value) -> &Value {
    let by_media = holder["content"].as_object().and_then(|content| content.values().next());
    if holder["schema"].is_null() { by_media.map_or(&Value::Null, |media| &media["schema"]) } else { &holder["schema"] }
}

pub(super) fn index(value: &Value) -> BTreeMap<String, &Value> {
    members(value).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn keys<'k, K: Ord, V>(old: &'k BTreeMap<K, V>, new: &'k BTreeMap<K, V>) -> Vec<&'k K> {
    old.keys().chain(new.keys()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A path without the names of its parameters.
fn template(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|character| {
            let was_inside = inside;
            inside = (inside || *character == '{') && *character != '}';
            !was_inside || !inside
        })
        .collect()
}

fn placeholders(path: &str) -> Vec<String> {
    path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect()
}

/// Whether values have no types of their own in a media type, as they have in JSON.
fn is_text(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    ["xml", "text/", "x-www-form-urlencoded"].iter().any(|part| media.contains(part))
        && !["json", "yaml"].iter().any(|part| media.contains(part))
}

/// Which rule one media type became another by, where they are related.
fn media_rule(old: &str, new: &str) -> Option<&'static str> {
    let parts = |media: &str| -> (String, String, BTreeSet<String>) {
        let media = media.to_ascii_lowercase();
        let mut pieces = media.split(';').map(|piece| piece.trim().to_owned());
        let essence = pieces.next().unwrap_or_default();
        let (kind, subtype) = essence.split_once('/').unwrap_or((essence.as_str(), ""));
        (kind.to_owned(), subtype.to_owned(), pieces.collect())
    };
    let ((old_kind, old_sub, _), (new_kind, new_sub, _)) = (parts(old), parts(new));
    if (&old_kind, &old_sub) == (&new_kind, &new_sub) {
        return Some("media-type-parameters-changed");
    }
    // `application/*` takes in `application/json`, and that `application/problem+json`.
    let within = |(kind, sub): (&str, &str), (outer_kind, outer_sub): (&str, &str)| {
        (outer_kind == "*" || kind == outer_kind) && (outer_sub == "*" || sub.ends_with(&format!("+{outer_sub}")))
    };
    let (one, other) = ((old_kind.as_str(), old_sub.as_str()), (new_kind.as_str(), new_sub.as_str()));
    if within(other, one) {
        Some("media-type-narrowed")
    } else if within(one, other) {
        Some("media-type-widened")
    } else {
        None
    }
}
