//! Parameters of an operation.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    compare::{Comparison, carried, keys},
    schema::Use,
    shape::{Side, follow},
};

/// Where a parameter is sent, and its name there: headers have no case.
type Key = (String, String);

impl<'a> Comparison<'a> {
    /// Compares parameters by place and name. `renamed` has the new names of those in the path.
    pub(super) fn parameters(
        &mut self,
        subject: &str,
        old: (&'a Value, &'a Value),
        new: (&'a Value, &'a Value),
        renamed: &BTreeMap<String, String>,
    ) {
        let mut before = parameters_of(self.old, old);
        let after = parameters_of(self.new, new);
        for (old, new) in renamed {
            if let Some(parameter) = before.remove(&("path".to_owned(), old.clone())) {
                before.insert(("path".to_owned(), new.clone()), parameter);
            }
        }
        let (gone, fresh): (Vec<Key>, Vec<Key>) = (
            before.keys().filter(|key| !after.contains_key(*key)).cloned().collect(),
            after.keys().filter(|key| !before.contains_key(*key)).cloned().collect(),
        );
        for key in gone {
            let alike = |other: &&Key| {
                let without_case = key.0 == "header" || other.0 == "header";
                other.1 == key.1 || without_case && other.1.eq_ignore_ascii_case(&key.1)
            };
            let others: Vec<&Key> = fresh.iter().filter(alike).collect();
            let [other] = others[..] else { continue };
            let (Some(old), Some(new)) = (before.remove(&key), after.get(other)) else { continue };
            let detail = format!("{} to {}", old["in"], new["in"]);
            self.note("parameter-location-changed", subject, described(new), detail);
            before.insert(other.clone(), old);
        }
        for key in keys(&before, &after) {
            match (before.get(key), after.get(key)) {
                (Some(old), None) => {
                    let rule = if self.policies.is_unstable(old) {
                        "unstable-removed"
                    } else if self.policies.is_retired(old) {
                        "retired-removed"
                    } else {
                        "parameter-removed"
                    };
                    self.note(rule, subject, described(old), "");
                }
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
        if self.policies.is_unstable(old) {
            return;
        }
        match (old["required"] == true, new["required"] == true) {
            (false, true) => self.note("parameter-became-required", subject, at.clone(), ""),
            (true, false) => self.note("parameter-became-optional", subject, at.clone(), ""),
            _ => {}
        }
        match (old["deprecated"] == true, new["deprecated"] == true) {
            (false, true) => self.note("deprecated", subject, at.clone(), ""),
            (true, false) => self.note("undeprecated", subject, at.clone(), ""),
            _ => {}
        }
        if let Some((rule, detail)) = self.policies.sunset(old, new) {
            self.note(rule, subject, at.clone(), detail);
        }
        if old["description"] != new["description"] {
            self.note("parameter-prose-changed", subject, at.clone(), "");
        }
        if old["example"] != new["example"] || old["examples"] != new["examples"] {
            self.note("annotation-changed", subject, at.clone(), "example");
        }
        self.extensions(subject, &at, old, new);
        match (old["allowEmptyValue"] == true, new["allowEmptyValue"] == true) {
            (true, false) => self.note("parameter-empty-refused", subject, at.clone(), ""),
            (false, true) => self.note("parameter-empty-allowed", subject, at.clone(), ""),
            _ => {}
        }
        self.parameter_schema(subject, &at, old, new);
    }

    fn parameter_schema(&mut self, subject: &str, at: &str, old: &'a Value, new: &'a Value) {
        let before = Side::new(self.old, carried(old));
        let mut after = Side::new(self.new, carried(new));
        let (one, other) = (before.shape(), after.shape());
        let is =
            |shape: &super::shape::Shape<'_>, wanted: &str| shape.types().is_some_and(|types| types.contains(wanted));
        // A single value is written like a list of one, where the list repeats the name.
        let (style, explode) = sent_as(new);
        if style == "form" && explode && is(&other, "array") && one.types().is_some() && !is(&one, "array") {
            self.note_in("type-widened", self.inward(), subject, at, "a value to a list");
            after = Side::of(self.new, other.all("items").collect());
        } else if old["in"] != new["in"] {
            // Sent elsewhere, which is reported by itself.
        } else if sent_as(old).0 != style || old["allowReserved"] == true && new["allowReserved"] != true {
            let detail = format!("{} to {style}", sent_as(old).0);
            self.note("parameter-style-changed", subject, at, detail);
        } else if sent_as(old).1 != explode && (is(&other, "array") || is(&other, "object") || other.types().is_none())
        {
            self.note("parameter-style-changed", subject, at, format!("explode {} to {explode}", sent_as(old).1));
        }
        if old["content"].is_object() != new["content"].is_object() {
            self.note("parameter-style-changed", subject, at, "a schema to a media type, or the other way round");
        }
        let required = old["required"] == true && new["required"] == true;
        let usage = Use {
            direction: self.inward(),
            operation: subject,
            at,
            parameter: Some(required),
            as_text: old["content"].is_null(),
        };
        self.schemas.compare(&before, &after, usage);
    }
}

/// How a parameter is written: its style, and whether each value stands for itself.
fn sent_as(parameter: &Value) -> (&str, bool) {
    let usual = if ["query", "cookie"].iter().any(|place| parameter["in"] == *place) { "form" } else { "simple" };
    let style = parameter["style"].as_str().unwrap_or(usual);
    (style, parameter["explode"].as_bool().unwrap_or(style == "form"))
}

/// Those of the operation take the place of those of its path.
fn parameters_of<'a>(document: &'a Value, (item, operation): (&'a Value, &'a Value)) -> BTreeMap<Key, &'a Value> {
    [item, operation]
        .into_iter()
        .flat_map(|holder| holder["parameters"].as_array().into_iter().flatten())
        .map(|parameter| follow(document, parameter))
        .filter_map(|parameter| {
            let place = parameter["in"].as_str().unwrap_or_default();
            let name = parameter["name"].as_str()?;
            let name = if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
            Some(((place.to_owned(), name), parameter))
        })
        .collect()
}

fn described(parameter: &Value) -> String {
    let text = |member: &str| parameter[member].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("in"), text("name"))
}
