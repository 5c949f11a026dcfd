//! The joined document as JSON and as YAML, sorted and byte-stable.

use std::fmt::Write as _;

use serde_json::Value;

use crate::document::members;

/// Pretty JSON, members in the order of their names, a line feed at the end.
pub(crate) fn json(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(&sorted(value)).unwrap_or_default();
    text.push('\n');
    text
}

/// The same document as YAML. Strings are always quoted, so that no reader can take one for a number or a date.
pub(crate) fn yaml(value: &Value) -> String {
    let mut text = String::from("# Written by `cargo xtask bundle` from the parts in spec/. Do not edit.\n");
    block(value, 0, &mut text);
    text
}

/// A copy whose objects list their members in the order of their names, whatever map type serde_json uses.
fn sorted(value: &Value) -> Value {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sorted
}

fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, child) in members(value) {
                let _ = write!(text, "{:indent$}{}:", "", key(name));
                nested(child, indent + 2, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(text, "{:indent$}-", "");
                nested(item, indent + 2, text);
            }
        }
        other => {
            let _ = writeln!(text, "{:indent$}{other}", "");
        }
    }
}

fn nested(value: &Value, indent: usize, text: &mut String) {
    let holds_more = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if holds_more {
        text.push('\n');
        block(value, indent, text);
    } else {
        // A JSON scalar, `{}` and `[]` are YAML as they stand.
        let _ = writeln!(text, " {value}");
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.{}$".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name.to_ascii_lowercase().as_str());
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_reads_back_as_the_same_value() {
        let value = json!({
            "openapi": "3.0.3",
            "paths": {"/v1/{id}": {"get": {"tags": [], "x": {}, "d": "a: b\n\"c\" # no", "200": [[1, 2], {"y": null}]}}},
            "no": true, "n": -1.5,
        });
        let read = crate::yaml::parse("bundle.yaml", &yaml(&value)).unwrap();
        assert_eq!(read.value, value);
    }

    #[test]
    fn members_are_sorted() {
        assert_eq!(json(&json!({"b": 1, "a": {"d": 1, "c": 2}})).find("\"a\""), Some(4));
    }
}
