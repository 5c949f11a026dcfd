//! Keywords of a schema that stand for themselves: types, formats, limits, patterns, lists of values.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    schema::Walk,
    shape::{ANNOTATIONS, Shape},
};

/// Keywords that a rule of their own looks at.
const COMPARED: [&str; 38] = [
    "$ref",
    "$defs",
    "$id",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "definitions",
    "deprecated",
    "discriminator",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "readOnly",
    "required",
    "type",
    "uniqueItems",
    "writeOnly",
    "$anchor",
    "$vocabulary",
];

/// Limits: the keyword, whether it is a lower one, and what its absence means.
const LIMITS: [(&str, bool, Option<f64>); 6] = [
    ("minLength", true, Some(0.0)),
    ("minItems", true, Some(0.0)),
    ("minProperties", true, Some(0.0)),
    ("maxLength", false, None),
    ("maxItems", false, None),
    ("maxProperties", false, None),
];

/// How the types of two schemas relate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Same,
    Wider,
    Narrower,
    Other,
}

fn shown(types: Option<&BTreeSet<&str>>) -> String {
    match types.map(|types| types.iter().copied().collect::<Vec<_>>()) {
        None => "null".to_owned(),
        Some(types) if types.len() == 1 => json!(types[0]).to_string(),
        Some(types) => json!(types).to_string(),
    }
}

fn fit(old: Option<&BTreeSet<&str>>, new: Option<&BTreeSet<&str>>, as_text: bool) -> Fit {
    let within = |inner: &BTreeSet<&str>, outer: &BTreeSet<&str>| {
        (as_text && outer.contains("string"))
            || inner.iter().all(|name| outer.contains(name) || (*name == "integer" && outer.contains("number")))
    };
    match (old, new) {
        (None, None) => Fit::Same,
        (None, Some(_)) => Fit::Narrower,
        (Some(_), None) => Fit::Wider,
        (Some(old), Some(new)) => match (within(old, new), within(new, old)) {
            (true, true) => Fit::Same,
            (true, false) => Fit::Wider,
            (false, true) => Fit::Narrower,
            (false, false) => Fit::Other,
        },
    }
}

impl Walk<'_, '_> {
    /// Compares the types, and tells whether anything further can be compared.
    pub(super) fn types(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) -> bool {
        let (old, new) = (before.types(), after.types());
        if before.is_union() != after.is_union() {
            return self.union(before, after, at);
        }
        let rule = match fit(old.as_ref(), new.as_ref(), self.as_text) {
            Fit::Same => return true,
            Fit::Wider => "type-widened",
            Fit::Narrower => "type-narrowed",
            Fit::Other => "type-changed",
        };
        self.note(rule, at, format!("{} to {}", shown(old.as_ref()), shown(new.as_ref())));
        old.is_some() && new.is_some() && rule != "type-changed"
    }

    /// One type that became alternatives, or the other way round; of values with an inside, the types say too little.
    fn union(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) -> bool {
        let (old, new) = (before.union_types(), after.union_types());
        let plain = |types: &Option<BTreeSet<&str>>| {
            types.as_ref().is_some_and(|types| !types.contains("object") && !types.contains("array"))
        };
        let rule = match fit(old.as_ref(), new.as_ref(), self.as_text) {
            Fit::Same if plain(&old) && plain(&new) => return true,
            Fit::Wider if plain(&old) => "type-widened",
            Fit::Narrower if plain(&new) => "type-narrowed",
            _ => "type-changed",
        };
        self.note(rule, at, format!("{} to {}", shown(before.types().as_ref()), shown(after.types().as_ref())));
        false
    }

    pub(super) fn format(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        let (old, new) = (before.get("format"), after.get("format"));
        if old == new {
            return;
        }
        let (one, other) = (old.as_str().unwrap_or_default(), new.as_str().unwrap_or_default());
        let rule = match (one, other) {
            ("password", "") | ("", "password") => "secret-changed",
            (_, "") | ("int32", "int64") | ("float", "double") => "format-widened",
            ("", _) | ("int64", "int32") | ("double", "float") => "format-narrowed",
            // The type tells it already: an int32 is a number of any kind.
            _ if before.types() != after.types() => return,
            _ => "format-changed",
        };
        self.note(rule, at, format!("{old} to {new}"));
    }

    pub(super) fn limits(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        for (keyword, low, absent) in LIMITS {
            let tightest = |shape: &Shape<'_>| {
                let limits = shape.all(keyword).filter_map(Value::as_f64);
                limits.reduce(if low { f64::max } else { f64::min })
            };
            let (old, new) = (tightest(before), tightest(after));
            if old.or(absent) != new.or(absent) {
                let rule =
                    if tighter(old.or(absent), new.or(absent), low) { "bounds-tightened" } else { "bounds-loosened" };
                self.note(rule, at, format!("{keyword} {} to {}", before.get(keyword), after.get(keyword)));
            }
        }
        self.range(before, after, at, true);
        self.range(before, after, at, false);
    }

    /// `minimum` or `maximum` with its exclusive form, a flag in 3.0 and a number in 3.1.
    fn range(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str, low: bool) {
        let (plain, exclusive) = if low { ("minimum", "exclusiveMinimum") } else { ("maximum", "exclusiveMaximum") };
        // The limit, and whether the limit itself is excluded; ordered so that the tightest is the greatest.
        let limit = |shape: &Shape<'_>| -> Option<(f64, bool)> {
            let limits = shape.leaves.iter().flat_map(|leaf| {
                let open = leaf[exclusive] == true;
                [leaf[plain].as_f64().map(|limit| (limit, open)), leaf[exclusive].as_f64().map(|limit| (limit, true))]
            });
            let sign = |limit: f64| if low { limit } else { -limit };
            limits.flatten().reduce(
                |one, other| {
                    if (sign(one.0), one.1) >= (sign(other.0), other.1) { one } else { other }
                },
            )
        };
        let (old, new) = (limit(before), limit(after));
        if old == new {
            return;
        }
        let tightened = match (old, new) {
            (None, _) => true,
            (_, None) => false,
            #[allow(clippy::float_cmp, reason = "both come from the text of a document")]
            (Some((old, was_open)), Some((new, is_open))) => {
                if old == new {
                    is_open && !was_open
                } else {
                    (new > old) == low
                }
            }
        };
        let rule = if tightened { "bounds-tightened" } else { "bounds-loosened" };
        let shown = |shape: &Shape<'_>, limit: Option<(f64, bool)>| match limit {
            None => "null".to_owned(),
            Some((_, false)) => shape.get(plain).to_string(),
            Some((limit, true)) => format!("{limit} (exclusive)"),
        };
        self.note(rule, at, format!("{plain} {} to {}", shown(before, old), shown(after, new)));
    }

    pub(super) fn pattern(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        let patterns = |shape: &Shape<'_>| -> BTreeSet<String> {
            let listed = shape.all("pattern").filter_map(Value::as_str);
            // Matches everything, as no pattern does.
            listed.filter(|pattern| ![".*", "^.*$", ""].contains(pattern)).map(str::to_owned).collect()
        };
        let (old, new) = (patterns(before), patterns(after));
        let rule = match (new.is_superset(&old), old.is_superset(&new)) {
            (true, true) => return,
            (true, false) => "pattern-added",
            (false, true) => "pattern-removed",
            (false, false) => "pattern-changed",
        };
        self.note(rule, at, format!("{} to {}", before.get("pattern"), after.get("pattern")));
    }

    pub(super) fn multiples(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        let (old, new) = (before.get("multipleOf").as_f64(), after.get("multipleOf").as_f64());
        if old != new {
            let divides = |small: f64, large: f64| {
                let times = large / small;
                (times - times.round()).abs() < 1e-9
            };
            let looser = match (old, new) {
                (Some(old), Some(new)) => divides(new, old),
                (_, new) => new.is_none(),
            };
            let rule = if looser { "bounds-loosened" } else { "bounds-tightened" };
            let detail = format!("multipleOf {} to {}", before.get("multipleOf"), after.get("multipleOf"));
            self.note(rule, at, detail);
        }
        match (before.says("uniqueItems"), after.says("uniqueItems")) {
            (false, true) => self.note("bounds-tightened", at, "uniqueItems false to true"),
            (true, false) => self.note("bounds-loosened", at, "uniqueItems true to false"),
            _ => {}
        }
        let (old, new): (Vec<_>, Vec<_>) = (before.all("not").collect(), after.all("not").collect());
        if old != new {
            let rule = match (old.is_empty(), new.is_empty()) {
                (true, _) => "exclusion-added",
                (_, true) => "exclusion-removed",
                _ => "exclusion-changed",
            };
            self.note(rule, at, "");
        }
    }

    pub(super) fn values(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        match (before.values("enum"), after.values("enum")) {
            (None, Some(_)) => self.note("enum-closed", at, ""),
            (Some(_), None) => self.note("enum-opened", at, ""),
            (Some(old), Some(new)) => self.listed(&old, &new, at, "enum-value-added", "enum-value-removed"),
            (None, None) => {}
        }
        let known = |shape: &Shape<'_>| shape.values("x-extensible-enum").unwrap_or_default();
        let (old, new) = (known(before), known(after));
        let removed = if self.schemas.policies.extensible_enum {
            "known-value-withdrawn"
        } else {
            "extensible-enum-value-removed"
        };
        self.listed(&old, &new, at, "extensible-enum-value-added", removed);
    }

    pub(super) fn listed(
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

    pub(super) fn discriminator(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        let (old, new) = (before.get("discriminator"), after.get("discriminator"));
        match (old.is_null(), new.is_null()) {
            (true, true) => return,
            (true, false) => return self.note("discriminator-added", at, new["propertyName"].to_string()),
            (false, true) => return self.note("discriminator-removed", at, old["propertyName"].to_string()),
            (false, false) => {}
        }
        let (one, other) = (&old["propertyName"], &new["propertyName"]);
        if one != other {
            self.note("discriminator-changed", at, format!("{one} to {other}"));
        }
        let (old, new) = (&old["mapping"], &new["mapping"]);
        let names = [old, new].into_iter().filter_map(Value::as_object).flat_map(|map| map.keys());
        for name in names.collect::<BTreeSet<_>>() {
            match (old.get(name), new.get(name)) {
                (None, _) => self.note("discriminator-value-added", at, name.clone()),
                (_, None) => self.note("discriminator-value-removed", at, name.clone()),
                (Some(old), Some(new)) if old != new => {
                    self.note("discriminator-value-changed", at, format!("{name}: {old} to {new}"));
                }
                _ => {}
            }
        }
    }

    /// Whatever no other rule looks at: prose, extensions, and keywords that are compared as a whole.
    pub(super) fn other_keywords(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &str) {
        let names = before.leaves.iter().chain(&after.leaves).filter_map(|leaf| leaf.as_object());
        let names: BTreeSet<&String> = names.flat_map(|map| map.keys()).collect();
        for name in names {
            let keyword = name.as_str();
            if COMPARED.contains(&keyword) || keyword == "x-extensible-enum" || keyword == "x-stability-level" {
                continue;
            }
            let (old, new) = (before.get(keyword), after.get(keyword));
            if old == new {
                continue;
            }
            if keyword == "description" || keyword == "title" {
                self.note("schema-prose-changed", at, if keyword == "title" { "title" } else { "" });
            } else if keyword.starts_with("x-") {
                self.note("extension-changed", at, keyword);
            } else if ANNOTATIONS.contains(&keyword) {
                self.note("annotation-changed", at, keyword);
            } else {
                self.note("keyword-changed", at, keyword);
            }
        }
    }
}

fn tighter(old: Option<f64>, new: Option<f64>, low: bool) -> bool {
    match (old, new) {
        (None, Some(_)) => true,
        (Some(old), Some(new)) => (new > old) == low,
        _ => false,
    }
}
