//! Schemas, compared once for each pair and direction however many operations use them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Change, Direction,
    policy::{Policies, stability},
    shape::{Head, Shape, Side, follow},
};
use crate::document::members;

/// Deeper than this, schemas written into each other are not compared.
const DEEPEST: usize = 150;

/// Where a change is reported: the shared schema it is in, or the operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rule: &'static str,
    direction: Direction,
    subject: String,
    at: String,
    detail: String,
}

/// A pair of shared schemas that is still to be compared.
struct Pending<'a> {
    old: Side<'a>,
    new: Side<'a>,
    direction: Direction,
    subject: String,
}

/// What has been found so far, with the operations that each shared schema is used by.
#[derive(Default)]
pub(super) struct Schemas<'a> {
    pub(super) policies: Policies,
    found: BTreeSet<Key>,
    users: BTreeMap<(String, Direction), BTreeSet<String>>,
    done: BTreeSet<(*const Value, *const Value, Direction)>,
    uses: BTreeMap<(String, Direction), BTreeSet<String>>,
    pending: Vec<Pending<'a>>,
    /// Whether something was nested too deeply to be compared.
    pub(super) too_deep: bool,
}

/// Where a schema is used.
#[derive(Clone, Copy)]
pub(super) struct Use<'u> {
    pub(super) direction: Direction,
    pub(super) operation: &'u str,
    pub(super) at: &'u str,
    /// Whether this is the schema of a parameter, and of one that has to be sent.
    pub(super) parameter: Option<bool>,
    /// Whether values are written as plain text, so that a string takes in every other type.
    pub(super) as_text: bool,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(policies: Policies) -> Self {
        Self { policies, ..Self::default() }
    }

    /// Compares two schemas, and every shared one that they refer to.
    pub(super) fn compare(&mut self, old: &Side<'a>, new: &Side<'a>, usage: Use<'_>) {
        let mut walk = Walk {
            schemas: self,
            direction: usage.direction,
            subject: usage.operation.to_owned(),
            shared: false,
            parameter: usage.parameter.map(|required| (usage.at.to_owned(), required)),
            as_text: usage.as_text,
            open: Vec::new(),
        };
        let default = |side: &Side<'a>| side.head().map(|head| &head.target["default"]);
        if usage.parameter.is_some() && default(old) != default(new) {
            // Whether it matters depends on the parameter, so that it is not a matter of the shared schema.
            walk.shapes(old, new, usage.at);
        } else {
            walk.compare(old, new, usage.at);
        }
        while let Some(Pending { old, new, direction, subject }) = self.pending.pop() {
            let mut walk = Walk {
                schemas: self,
                direction,
                subject,
                shared: true,
                parameter: None,
                as_text: false,
                open: Vec::new(),
            };
            walk.shapes(&old, &new, "");
        }
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

pub(super) struct Walk<'s, 'a> {
    pub(super) schemas: &'s mut Schemas<'a>,
    pub(super) direction: Direction,
    subject: String,
    /// Whether the subject is a shared schema rather than an operation.
    shared: bool,
    /// Where the parameter is whose schema this is, and whether it has to be sent.
    parameter: Option<(String, bool)>,
    pub(super) as_text: bool,
    /// The pairs that this one is inside of: a schema that holds itself without a name is compared once.
    open: Vec<(Vec<*const Value>, Vec<*const Value>)>,
}

impl<'a> Walk<'_, 'a> {
    pub(super) fn note(&mut self, rule: &'static str, at: &str, detail: impl Into<String>) {
        let rule = match (&self.parameter, rule) {
            (Some((root, _)), "type-changed") if root == at => "parameter-type-changed",
            (Some((root, _)), "schema-prose-changed") if root == at => "parameter-prose-changed",
            (Some((root, true)), "default-changed") if root == at => "unused-default-changed",
            (Some((root, false)), "default-changed") if root == at => "parameter-default-changed",
            (_, "default-changed") if self.schemas.policies.defaults => "body-default-changed",
            (_, rule) => rule,
        };
        let key = Key {
            rule,
            direction: self.direction,
            subject: self.subject.clone(),
            at: at.to_owned(),
            detail: detail.into(),
        };
        self.schemas.found.insert(key);
    }

    pub(super) fn compare(&mut self, old: &Side<'a>, new: &Side<'a>, at: &str) {
        match (old.head(), new.head()) {
            (Some(before), Some(after)) => self.shared(old, new, &before, &after, at),
            _ => self.shapes(old, new, at),
        }
    }

    /// Compares what stands beside two references, and leaves what they lead to for later.
    fn shared(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Head<'a>, after: &Head<'a>, at: &str) {
        if before.name != after.name {
            self.note("schema-renamed", at, format!("{} to {}", before.name, after.name));
        }
        let subject = format!("schema {}", after.name);
        if self.shared {
            let users = self.schemas.uses.entry((self.subject.clone(), self.direction)).or_default();
            users.insert(subject.clone());
        } else {
            let users = self.schemas.users.entry((subject.clone(), self.direction)).or_default();
            users.insert(self.subject.clone());
        }
        self.beside(before, after, at);
        let ids = (std::ptr::from_ref(before.target), std::ptr::from_ref(after.target), self.direction);
        if self.schemas.done.insert(ids) {
            self.schemas.pending.push(Pending {
                old: Side::new(old.document, before.target),
                new: Side::new(new.document, after.target),
                direction: self.direction,
                subject,
            });
        }
    }

    fn beside(&mut self, before: &Head<'a>, after: &Head<'a>, at: &str) {
        let says = |head: &Head<'_>, member: &str| head.beside.is_some_and(|schema| schema[member] == true);
        let null = |head: &Head<'_>| head.or_null || says(head, "nullable");
        if before.target["nullable"] == after.target["nullable"] && before.target["nullable"] != true {
            self.flag(null(before), null(after), at, "became-nullable", "became-not-nullable");
        }
        self.flag(says(before, "deprecated"), says(after, "deprecated"), at, "deprecated", "undeprecated");
        let value = |head: &Head<'a>, member: &str| head.beside.map_or(&Value::Null, |schema| &schema[member]);
        let (old, new) = (value(before, "default"), value(after, "default"));
        if old != new {
            self.note("default-changed", at, format!("{old} to {new}"));
        }
        if value(before, "description") != value(after, "description") {
            self.note("schema-prose-changed", at, "");
        }
        let names = [before.beside, after.beside].into_iter().flatten().filter_map(Value::as_object);
        for name in names.flat_map(|map| map.keys()).collect::<BTreeSet<_>>() {
            if name.starts_with("x-") && value(before, name) != value(after, name) {
                self.note("extension-changed", at, name.clone());
            }
        }
    }

    fn flag(&mut self, old: bool, new: bool, at: &str, set: &'static str, unset: &'static str) {
        match (old, new) {
            (false, true) => self.note(set, at, ""),
            (true, false) => self.note(unset, at, ""),
            _ => {}
        }
    }

    fn shapes(&mut self, old: &Side<'a>, new: &Side<'a>, at: &str) {
        let (before, after) = (old.shape(), new.shape());
        let pair = (before.identity(), after.identity());
        if self.open.contains(&pair) {
            return;
        }
        if self.open.len() >= DEEPEST {
            self.schemas.too_deep = true;
            return;
        }
        self.open.push(pair);
        self.keywords(old, new, &before, &after, at);
        self.open.pop();
    }

    fn keywords(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Shape<'a>, after: &Shape<'a>, at: &str) {
        self.other_keywords(before, after, at);
        self.flag(before.says("deprecated"), after.says("deprecated"), at, "deprecated", "undeprecated");
        if self.schemas.policies.stability
            && let Some((rule, detail)) = stability(before.get("x-stability-level"), after.get("x-stability-level"))
        {
            self.note(rule, at, detail);
        }
        let level =
            |shape: &Shape<'a>| json!({"deprecated": shape.says("deprecated"), "x-sunset": shape.get("x-sunset")});
        if self.schemas.policies.sunset
            && let Some((rule, detail)) = self.schemas.policies.sunset(&level(before), &level(after))
        {
            self.note(rule, at, detail);
        }
        let any = |shape: &Shape<'_>| shape.types().is_none() && !shape.nullable;
        if !any(before) && !any(after) {
            self.flag(before.allows_null(), after.allows_null(), at, "became-nullable", "became-not-nullable");
        }
        if before.get("default") != after.get("default") {
            self.note("default-changed", at, format!("{} to {}", before.get("default"), after.get("default")));
        }
        if self.wrapped(old, new, before, after, at) {
            return;
        }
        if !self.types(before, after, at) {
            return;
        }
        self.format(before, after, at);
        self.limits(before, after, at);
        self.pattern(before, after, at);
        self.multiples(before, after, at);
        self.values(before, after, at);
        self.discriminator(before, after, at);
        self.alternatives(old, new, (&before.one_of, &after.one_of), at);
        self.alternatives(old, new, (&before.any_of, &after.any_of), at);
        self.properties(old, new, before, after, at);
        self.items(old, new, before, after, at);
        self.further_members(old, new, before, after, at);
    }

    fn items(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Shape<'a>, after: &Shape<'a>, at: &str) {
        let (one, other): (Vec<_>, Vec<_>) = (before.all("items").collect(), after.all("items").collect());
        if !one.is_empty() || !other.is_empty() {
            let (old, new) = (Side::of(old.document, one), Side::of(new.document, other));
            self.compare(&old, &new, &format!("{at}[]"));
        }
    }

    /// One schema that became one of several, or the other way round.
    fn wrapped(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Shape<'a>, after: &Shape<'a>, at: &str) -> bool {
        let alternatives = |shape: &Shape<'a>| -> Vec<&'a Value> {
            if shape.property_names().is_empty() { [&shape.one_of[..], &shape.any_of[..]].concat() } else { Vec::new() }
        };
        let (one, other) = (alternatives(before), alternatives(after));
        let (lone, several, rule) = match (one.is_empty(), other.is_empty()) {
            (true, false) => ((old, before), (new, &other), "variant-added"),
            (false, true) => ((new, after), (old, &one), "variant-removed"),
            _ => return false,
        };
        let same = several.1.iter().position(|schema| {
            let shape = Side::new(several.0.document, schema).shape();
            shape.leaves == lone.1.leaves
        });
        let Some(same) = same else { return false };
        for (index, schema) in several.1.iter().enumerate().filter(|(index, _)| *index != same) {
            self.note(rule, at, variant_name(schema, index));
        }
        true
    }

    fn alternatives(&mut self, old: &Side<'a>, new: &Side<'a>, lists: (&[&'a Value], &[&'a Value]), at: &str) {
        let (mut before, mut after) = (numbered(lists.0), numbered(lists.1));
        let mut pairs = Vec::new();
        // A name tells which one is meant, then being the same, then the place among what is left.
        for same in [named_alike, equal] {
            before.retain(|old| {
                let Some(found) = after.iter().position(|new| same(old.1, new.1)) else { return true };
                pairs.push((*old, after.remove(found)));
                false
            });
        }
        if before.len() == after.len() && before.iter().chain(&after).all(|(_, schema)| own_name(schema).is_none()) {
            pairs.extend(before.drain(..).zip(after.drain(..)).filter(|(old, new)| old.1["type"] == new.1["type"]));
        }
        for ((_, one), (index, other)) in pairs {
            let at = format!("{at}<{}>", variant_name(other, index));
            self.compare(&Side::new(old.document, one), &Side::new(new.document, other), &at);
        }
        for (index, schema) in after {
            self.note("variant-added", at, variant_name(schema, index));
        }
        for (index, schema) in before {
            self.note("variant-removed", at, variant_name(schema, index));
        }
    }

    fn properties(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Shape<'a>, after: &Shape<'a>, at: &str) {
        let (had, has) = (before.required(), after.required());
        let names: BTreeSet<&str> =
            [before.property_names(), after.property_names(), had.clone(), has.clone()].into_iter().flatten().collect();
        for name in names {
            let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            let one = Side::of(old.document, before.property(name));
            let other = Side::of(new.document, after.property(name));
            let (was_required, is_required) = (had.contains(name), has.contains(name));
            let hidden = |side: &Side<'_>| self.is_hidden(side);
            match (one.parts.is_empty(), other.parts.is_empty()) {
                (false, false) if hidden(&one) && hidden(&other) => {}
                (false, true) if hidden(&one) => self.note("hidden-property-removed", &at, ""),
                (true, false) if hidden(&other) => self.note("hidden-property-added", &at, ""),
                (false, true) => self.note("property-removed", &at, ""),
                (true, false) if is_required => self.note("property-added-required", &at, ""),
                (true, false) => self.note("property-added-optional", &at, ""),
                (neither, _) => {
                    if !hidden(&one) && !hidden(&other) {
                        self.flag(
                            was_required,
                            is_required,
                            &at,
                            "property-became-required",
                            "property-became-optional",
                        );
                    } else if hidden(&other) {
                        self.note(if was_required { "required-property-hidden" } else { "property-hidden" }, &at, "");
                        continue;
                    } else {
                        self.note(if is_required { "required-property-shown" } else { "property-shown" }, &at, "");
                        continue;
                    }
                    if !neither {
                        self.compare(&one, &other, &at);
                    }
                }
            }
        }
    }

    /// Whether a property does not take part: a read-only one in a request, a write-only one in an answer.
    fn is_hidden(&self, side: &Side<'_>) -> bool {
        let flag = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
            Direction::Neither => return false,
        };
        side.parts.iter().any(|part| part[flag] == true || follow(side.document, part)[flag] == true)
    }

    fn further_members(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Shape<'a>, after: &Shape<'a>, at: &str) {
        let closed = |shape: &Shape<'_>| shape.all("additionalProperties").any(|value| *value == false);
        self.patterns_of_names(old, new, before, after, at);
        // An absent keyword means open, and so does an empty schema.
        match (closed(before), closed(after)) {
            (false, true) => return self.note("map-closed", at, ""),
            (true, false) => return self.note("map-opened", at, ""),
            _ => {}
        }
        let typed = |shape: &Shape<'a>| -> Vec<&'a Value> {
            let schemas = shape.all("additionalProperties");
            schemas.filter(|value| value.as_object().is_some_and(|schema| !schema.is_empty())).collect()
        };
        let (one, other) = (typed(before), typed(after));
        if !one.is_empty() || !other.is_empty() {
            let (old, new) = (Side::of(old.document, one), Side::of(new.document, other));
            self.compare(&old, &new, &format!("{at}{{}}"));
        }
    }

    fn patterns_of_names(&mut self, old: &Side<'a>, new: &Side<'a>, before: &Shape<'a>, after: &Shape<'a>, at: &str) {
        let (one, other) = (before.get("patternProperties"), after.get("patternProperties"));
        let names = members(one).into_iter().chain(members(other)).map(|(name, _)| name);
        for name in names.collect::<BTreeSet<_>>() {
            let schema = |of: &'a Value| of.get(name).unwrap_or(&Value::Null);
            let (old, new) = (Side::new(old.document, schema(one)), Side::new(new.document, schema(other)));
            self.compare(&old, &new, &format!("{at}{{{name}}}"));
        }
    }
}

fn numbered<'a>(schemas: &[&'a Value]) -> Vec<(usize, &'a Value)> {
    schemas.iter().copied().enumerate().collect()
}

fn own_name(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next());
    reference.or(schema["title"].as_str())
}

fn named_alike(old: &Value, new: &Value) -> bool {
    own_name(old).is_some_and(|name| own_name(new) == Some(name))
}

fn equal(old: &Value, new: &Value) -> bool {
    old == new
}

/// Variants have no key of their own: a reference or a title names one, its place in the list otherwise.
fn variant_name(schema: &Value, index: usize) -> String {
    own_name(schema).map_or_else(|| index.to_string(), str::to_owned)
}
