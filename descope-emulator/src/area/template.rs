//! Values with placeholders in double braces, such as `{{user.email}}`, which are filled in when a token is made.

use serde_json::{Map, Value};

/// A value with its placeholders filled in. A text that is one placeholder and nothing else becomes the value itself,
/// of whatever type; a placeholder for nothing becomes null there, and an empty text elsewhere.
pub(super) fn fill(template: &Value, context: &Value) -> Value {
    match template {
        Value::String(text) => fill_text(text, context),
        Value::Array(items) => items.iter().map(|item| fill(item, context)).collect(),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), fill(value, context))).collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

fn fill_text(text: &str, context: &Value) -> Value {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((path, after)) = after.split_once("}}") else { break };
        let value = look_up(path.trim(), context);
        if before.is_empty() && after.is_empty() && filled.is_empty() {
            return value;
        }
        filled.push_str(before);
        match value {
            Value::Null => {}
            Value::String(text) => filled.push_str(&text),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Value::String(filled)
}

/// The value at a path of names that are joined by dots.
fn look_up(path: &str, context: &Value) -> Value {
    let mut value = context;
    for name in path.split('.') {
        value = match value {
            Value::Array(items) => match name.parse::<usize>().ok().and_then(|index| items.get(index)) {
                Some(item) => item,
                None => return Value::Null,
            },
            other => &other[name],
        };
    }
    value.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_are_filled_in_wherever_they_stand() {
        let context = json!({"user": {"name": "Ada", "loginIds": ["a", "b"], "age": 36}});
        for (template, filled) in [
            (json!("{{user.name}}"), json!("Ada")),
            (json!("{{ user.age }}"), json!(36)),
            (json!("{{user.loginIds}}"), json!(["a", "b"])),
            (json!("{{user.loginIds.1}}"), json!("b")),
            (json!("{{user.loginIds.9}}"), json!(null)),
            (json!("{{user.nothing.more}}"), json!(null)),
            (json!("Dear {{user.name}} ({{user.age}}{{user.nothing}})!"), json!("Dear Ada (36)!")),
            (json!("{{user.name}}{{user.name}}"), json!("AdaAda")),
            (json!("open {{user.name"), json!("open {{user.name")),
            (json!({"deep": ["{{user.name}}", true, 1]}), json!({"deep": ["Ada", true, 1]})),
        ] {
            assert_eq!(fill(&template, &context), filled, "{template}");
        }
    }
}
