//! What a schema allows, put together from its `$ref`, its `allOf` and what stands beside them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::input::percent_decoded;

/// Keywords that say something about a schema, but nothing about which values it allows.
pub(super) const ANNOTATIONS: [&str; 8] =
    ["title", "description", "example", "examples", "externalDocs", "xml", "$comment", "$schema"];

/// Keywords that may stand beside a lone reference without making a schema of its own out of it.
const BESIDE: [&str; 5] = ["nullable", "default", "deprecated", "readOnly", "writeOnly"];

/// Longer chains of references than this do not occur.
const LONGEST_CHAIN: usize = 32;

/// Schemas that a value has to satisfy all at once, and the document that they belong to.
#[derive(Clone)]
pub(super) struct Side<'a> {
    pub(super) document: &'a Value,
    pub(super) parts: Vec<&'a Value>,
}

/// A reference to a shared schema, and what stands beside it.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) target: &'a Value,
    pub(super) beside: Option<&'a Value>,
    pub(super) or_null: bool,
}

/// A schema without references and `allOf`.
#[derive(Default)]
pub(super) struct Shape<'a> {
    /// Every schema that takes part, none of which is a reference.
    pub(super) leaves: Vec<&'a Value>,
    pub(super) nullable: bool,
    pub(super) one_of: Vec<&'a Value>,
    pub(super) any_of: Vec<&'a Value>,
    seen: BTreeSet<*const Value>,
}

/// Whether members beside a `$ref` count, as they do from 3.1 on.
fn siblings_count(document: &Value) -> bool {
    document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1"))
}

/// What a document-internal reference leads to.
pub(super) fn lookup<'a>(document: &'a Value, target: &str) -> Option<&'a Value> {
    let pointer = target.strip_prefix('#')?;
    document.pointer(pointer).or_else(|| document.pointer(&percent_decoded(pointer)))
}

/// Follows references; a circle of them ends where it began.
pub(super) fn follow<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    for _ in 0..LONGEST_CHAIN {
        match value["$ref"].as_str().and_then(|target| lookup(document, target)) {
            Some(next) => value = next,
            None => break,
        }
    }
    value
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null" && schema.as_object().is_some_and(|members| members.len() == 1)
}

/// The alternatives of a keyword, and whether null was one of them.
fn alternatives<'a>(schema: &'a Value, keyword: &str) -> (Vec<&'a Value>, bool) {
    let all = schema[keyword].as_array().map(Vec::as_slice).unwrap_or_default();
    let other: Vec<&Value> = all.iter().filter(|schema| !is_null(schema)).collect();
    let null = other.len() < all.len();
    (other, null)
}

impl<'a> Side<'a> {
    pub(super) fn new(document: &'a Value, schema: &'a Value) -> Self {
        // An absent schema allows everything, like an empty one.
        Self { document, parts: if schema.is_null() { Vec::new() } else { vec![schema] } }
    }

    pub(super) fn of(document: &'a Value, parts: Vec<&'a Value>) -> Self {
        Self { document, parts }
    }

    /// The shared schema, if this is a reference to one with at most some annotations beside it.
    pub(super) fn head(&self) -> Option<Head<'a>> {
        let [schema] = self.parts[..] else { return None };
        if let Some(target) = schema["$ref"].as_str() {
            let members = schema.as_object()?;
            let counts = members.len() > 1 && siblings_count(self.document);
            if counts && !members.keys().all(|name| name == "$ref" || may_stand_beside(name)) {
                return None;
            }
            return self.named(target, counts.then_some(schema), false);
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            if schema[keyword].is_null() {
                continue;
            }
            let (others, or_null) = alternatives(schema, keyword);
            let [only] = others[..] else { return None };
            let members = schema.as_object()?;
            if keyword != "allOf" && !or_null || keyword == "allOf" && or_null {
                return None;
            }
            if only.as_object()?.len() != 1 || !members.keys().all(|name| name == keyword || may_stand_beside(name)) {
                return None;
            }
            return self.named(only["$ref"].as_str()?, Some(schema), or_null);
        }
        None
    }

    fn named(&self, target: &'a str, beside: Option<&'a Value>, or_null: bool) -> Option<Head<'a>> {
        let found = lookup(self.document, target)?;
        Some(Head { name: target.rsplit('/').next().unwrap_or(target), target: found, beside, or_null })
    }

    pub(super) fn shape(&self) -> Shape<'a> {
        let mut shape = Shape::default();
        for part in &self.parts {
            shape.gather(self.document, part);
        }
        shape.seen.clear();
        shape
    }
}

fn may_stand_beside(name: &str) -> bool {
    ANNOTATIONS.contains(&name) || BESIDE.contains(&name) || name.starts_with("x-")
}

impl<'a> Shape<'a> {
    fn gather(&mut self, document: &'a Value, schema: &'a Value) {
        if !self.seen.insert(std::ptr::from_ref(schema)) {
            return;
        }
        if let Some(target) = schema["$ref"].as_str() {
            match lookup(document, target) {
                Some(next) => self.gather(document, next),
                // Compared as it stands.
                None => self.leaves.push(schema),
            }
            if !siblings_count(document) || schema.as_object().is_none_or(|members| members.len() == 1) {
                return;
            }
        }
        self.leaves.push(schema);
        self.nullable |= schema["nullable"] == true;
        for keyword in ["oneOf", "anyOf"] {
            let (others, null) = alternatives(schema, keyword);
            self.nullable |= null;
            match others[..] {
                [only] if null => self.gather(document, only),
                _ if keyword == "oneOf" => self.one_of.extend(others),
                _ => self.any_of.extend(others),
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(document, part);
        }
    }

    /// The first leaf's value of a keyword, or null.
    pub(super) fn get(&self, keyword: &str) -> &'a Value {
        self.all(keyword).next().unwrap_or(&Value::Null)
    }

    /// Every leaf's value of a keyword.
    pub(super) fn all<'s>(&'s self, keyword: &'s str) -> impl Iterator<Item = &'a Value> + 's {
        self.leaves.iter().filter_map(move |leaf| leaf.get(keyword)).filter(|value| !value.is_null())
    }

    pub(super) fn says(&self, keyword: &str) -> bool {
        self.all(keyword).any(|value| *value == true)
    }

    /// The types that are allowed, null left aside; `None` for any.
    pub(super) fn types(&self) -> Option<BTreeSet<&'a str>> {
        let mut types: Option<BTreeSet<&str>> = None;
        for leaf in &self.leaves {
            let named: BTreeSet<&str> = match &leaf["type"] {
                Value::String(name) => BTreeSet::from([name.as_str()]),
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                // A schema that is just `false` allows nothing.
                _ if **leaf == false => BTreeSet::new(),
                _ => continue,
            };
            let named: BTreeSet<&str> = named.into_iter().filter(|name| *name != "null").collect();
            types = Some(match types {
                None => named,
                Some(before) => before.intersection(&named).copied().collect(),
            });
        }
        types.or_else(|| self.implied_type())
    }

    /// Whether this is nothing but a choice between alternatives.
    pub(super) fn is_union(&self) -> bool {
        self.types().is_none() && !(self.one_of.is_empty() && self.any_of.is_empty())
    }

    /// The types that are allowed, those of alternatives included.
    pub(super) fn union_types(&self) -> Option<BTreeSet<&'a str>> {
        if !self.is_union() {
            return self.types();
        }
        let mut types = BTreeSet::new();
        for alternative in self.one_of.iter().chain(&self.any_of) {
            match &alternative["type"] {
                Value::String(name) => types.insert(name.as_str()),
                // Not known without looking inside.
                _ => return None,
            };
        }
        Some(types)
    }

    fn implied_type(&self) -> Option<BTreeSet<&'a str>> {
        let only = |name| Some(BTreeSet::from([name]));
        if self.all("properties").next().is_some() {
            only("object")
        } else if self.all("items").next().is_some() {
            only("array")
        } else {
            None
        }
    }

    /// Whether null is allowed.
    pub(super) fn allows_null(&self) -> bool {
        self.nullable
            || self.leaves.iter().any(|leaf| match &leaf["type"] {
                Value::String(name) => name == "null",
                Value::Array(names) => names.iter().any(|name| name == "null"),
                _ => false,
            })
    }

    /// The schemas of a property, one for each leaf that has it.
    pub(super) fn property(&self, name: &str) -> Vec<&'a Value> {
        self.all("properties").filter_map(|properties| properties.get(name)).collect()
    }

    pub(super) fn property_names(&self) -> BTreeSet<&'a str> {
        let declared = self.all("properties").filter_map(Value::as_object).flat_map(|map| map.keys());
        declared.map(String::as_str).collect()
    }

    pub(super) fn required(&self) -> BTreeSet<&'a str> {
        self.all("required")
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_str)
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The listed values, null left aside; `None` for any.
    pub(super) fn values(&self, keyword: &str) -> Option<BTreeSet<String>> {
        let mut listed: Option<BTreeSet<String>> = None;
        let single = if keyword == "enum" { "const" } else { "" };
        let lists = self.all(keyword).filter_map(Value::as_array).map(|values| values.iter().collect::<Vec<_>>());
        for values in lists.chain(self.all(single).map(|value| vec![value])) {
            let values: BTreeSet<String> =
                values.into_iter().filter(|value| !value.is_null()).map(ToString::to_string).collect();
            listed = Some(match listed {
                None => values,
                Some(before) => before.intersection(&values).cloned().collect(),
            });
        }
        listed
    }

    /// Where the leaves stand in memory, which tells one shape from another.
    pub(super) fn identity(&self) -> Vec<*const Value> {
        let mut identity: Vec<_> = self.leaves.iter().map(|leaf| std::ptr::from_ref::<Value>(leaf)).collect();
        identity.sort_unstable();
        identity
    }
}
