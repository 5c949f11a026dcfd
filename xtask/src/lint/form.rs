//! Whether every object holds only what its kind may hold. What no reader knows is dropped by all of them, silently:
//! a misspelt method takes its operation with it.

use serde_json::Value;

use super::{
    Report,
    shapes::{Kind, ROOT, SCHEMA, Shape},
};
use crate::{
    document::{Document, members},
    yaml::escape,
};

/// How far a misspelling may be from what was meant, in letters.
const NEAR: usize = 2;

pub(super) fn check(document: &Document, report: &mut Report<'_>) {
    let mut walk =
        Walk { on_object: &mut |_, _, _| {}, on_problem: &mut |pointer, message| report.at(pointer, message) };
    walk.object(&document.value, "", &ROOT);
}

/// Calls `visit` for every schema, wherever one stands, with its pointer; references among them.
pub(super) fn schemas<'a>(document: &'a Document, visit: &mut dyn FnMut(&str, &'a Value)) {
    let mut walk = Walk {
        on_object: &mut |pointer, kind: &'static Kind, value| {
            if std::ptr::eq(kind, &raw const SCHEMA) {
                visit(pointer, value);
            }
        },
        on_problem: &mut |_, _| {},
    };
    walk.object(&document.value, "", &ROOT);
}

/// A walk along the structure. Unlike one along the values, it tells a schema from a property that is called `type`.
struct Walk<'a, 'v> {
    on_object: &'v mut dyn FnMut(&str, &'static Kind, &'a Value),
    on_problem: &'v mut dyn FnMut(&str, String),
}

impl<'a> Walk<'a, '_> {
    fn object(&mut self, value: &'a Value, pointer: &str, kind: &'static Kind) {
        let Value::Object(map) = value else {
            return self.expected("a mapping", value, pointer);
        };
        (self.on_object)(pointer, kind, value);
        for (name, member) in members(value) {
            let child = format!("{pointer}/{}", escape(name));
            match kind.shape(name) {
                Some(shape) => self.value(member, &child, shape),
                None => (self.on_problem)(&child, unknown(name, kind)),
            }
        }
        for name in kind.required.iter().filter(|name| !map.contains_key(**name)) {
            (self.on_problem)(pointer, format!("{} without `{name}`", kind.name));
        }
    }

    fn value(&mut self, value: &'a Value, pointer: &str, shape: Shape) {
        match (shape, value) {
            (Shape::Any, _)
            | (Shape::Text, Value::String(_))
            | (Shape::Flag | Shape::FlagOrSchema, Value::Bool(_))
            | (Shape::Number, Value::Number(_)) => {}
            (Shape::Text, Value::Number(_) | Value::Bool(_)) => {
                (self.on_problem)(pointer, format!("{value} is read as {}; put it in quotes", name_of(value)));
            }
            (Shape::Text, _) => self.expected("text", value, pointer),
            (Shape::Flag, Value::String(text)) if is_spoken_flag(text) => {
                (self.on_problem)(pointer, format!("`{text}` is text in YAML 1.2; write `true` or `false`"));
            }
            (Shape::Flag, _) => self.expected("`true` or `false`", value, pointer),
            (Shape::Number, _) => self.expected("a number without quotes", value, pointer),
            (Shape::Texts, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &format!("{pointer}/{index}"), Shape::Text);
                    if items[..index].contains(item) {
                        (self.on_problem)(&format!("{pointer}/{index}"), format!("{item} stands in the list twice"));
                    }
                }
            }
            (Shape::Names, Value::Object(_)) => {
                for (name, names) in members(value) {
                    let child = format!("{pointer}/{}", escape(name));
                    let shape = if names.is_array() { Shape::Texts } else { Shape::Text };
                    self.value(names, &child, shape);
                }
            }
            (Shape::Object(kind), _) => match value.get("$ref") {
                Some(_) if kind.refused.iter().all(|(name, _)| *name != "$ref") => {
                    let what = kind.name;
                    (self.on_problem)(pointer, format!("{what} is written out here; a reference is not followed"));
                }
                _ => self.object(value, pointer, kind),
            },
            (Shape::Referable(kind), _) => match value.get("$ref") {
                Some(Value::String(target)) => {
                    (self.on_object)(pointer, kind, value);
                    let home = kind.home.map(|home| format!("#/components/{home}/")).unwrap_or_default();
                    if target.starts_with('#') && !target.starts_with(&home) {
                        (self.on_problem)(pointer, format!("`{target}`: {} is referred to as `{home}…`", kind.name));
                    }
                }
                Some(_) => {
                    let message = "the reference is empty: put it in quotes, as `'#/components/…'`; a comment begins \
                                   at a `#` without them";
                    (self.on_problem)(&format!("{pointer}/$ref"), message.to_owned());
                }
                None => self.object(value, pointer, kind),
            },
            (Shape::FlagOrSchema, _) => self.value(value, pointer, Shape::Referable(&SCHEMA)),
            (Shape::List(shape), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &format!("{pointer}/{index}"), *shape);
                }
            }
            (Shape::Texts | Shape::List(_), _) => self.expected("a list", value, pointer),
            (Shape::Map(shape), Value::Object(_)) => {
                for (name, member) in members(value) {
                    let child = format!("{pointer}/{}", escape(name));
                    self.value(member, &child, *shape);
                }
            }
            (Shape::Map(_) | Shape::Names, _) => self.expected("a mapping", value, pointer),
        }
    }

    fn expected(&mut self, what: &str, value: &Value, pointer: &str) {
        let name = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        (self.on_problem)(pointer, format!("`{name}` has to be {what}, not {}", name_of(value)));
    }
}

fn unknown(name: &str, kind: &Kind) -> String {
    let what = kind.name;
    if let Some((_, reason)) = kind.refused.iter().find(|(refused, _)| *refused == name) {
        return format!("`{name}` is not used in {what}: {reason}");
    }
    let meant = kind
        .members
        .iter()
        .map(|(known, _)| (strsim::osa_distance(&known.to_ascii_lowercase(), &name.to_ascii_lowercase()), known))
        .filter(|(distance, known)| *distance <= NEAR && *distance < known.len())
        .min();
    match meant {
        Some((_, known)) => format!("`{name}` is not a member of {what}; did you mean `{known}`?"),
        None if name.starts_with("x-") => {
            format!("`{name}` is not an extension that anything reads in {what}; spec/README.md lists those that are")
        }
        None => {
            let known: Vec<&str> = kind.members.iter().map(|(known, _)| *known).collect();
            format!("`{name}` is not a member of {what}, which has {}", known.join(", "))
        }
    }
}

fn is_spoken_flag(text: &str) -> bool {
    ["yes", "no", "on", "off", "y", "n", "true", "false"].contains(&text.to_ascii_lowercase().as_str())
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
