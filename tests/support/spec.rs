//! The bundle, as the tests read it.

use std::sync::LazyLock;

use serde_json::Value;

/// The document that everything is generated from.
pub(crate) static BUNDLE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../spec/bundle/descope.openapi.json")).expect("the bundle is JSON")
});

/// The schema behind a reference, or the schema itself.
pub(crate) fn resolve(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(target) => BUNDLE.pointer(target.trim_start_matches('#')).expect("references resolve"),
        None => schema,
    }
}

/// A component schema.
pub(crate) fn schema(name: &str) -> &'static Value {
    &BUNDLE["components"]["schemas"][name]
}

/// The document's part on an operation of the table.
pub(crate) fn operation(operation: &descope_api::Operation) -> &'static Value {
    &BUNDLE["paths"][operation.path][operation.method.to_ascii_lowercase()]
}

/// The only media type of a body or an answer: its name, schema and example.
pub(crate) fn media(content: &'static Value) -> Option<(&'static str, &'static Value, &'static Value)> {
    let (name, media) = content.as_object()?.iter().next()?;
    Some((name, &media["schema"], &media["example"]))
}

/// The status of success, and media type and example of what comes with it.
pub(crate) fn success(operation: &'static Value) -> (u16, Option<(&'static str, &'static Value)>) {
    let mut responses = operation["responses"].as_object().expect("responses").iter();
    let (code, response) = responses.find(|(code, _)| code.starts_with(['2', '3'])).expect("a success");
    let answer = media(&response["content"]).map(|(name, _, example)| (name, example));
    (code.parse().expect("a status"), answer)
}

/// A copy without what means nothing: nulls, empty arrays and empty objects.
pub(crate) fn essence(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), essence(value)))
            .filter(|(_, value)| {
                !value.is_null()
                    && value.as_array().is_none_or(|items| !items.is_empty())
                    && value.as_object().is_none_or(|members| !members.is_empty())
            })
            .collect(),
        Value::Array(items) => items.iter().map(essence).collect(),
        other => other.clone(),
    }
}

/// Whether a schema is that of a number which the service writes as a string of digits.
pub(crate) fn is_digits(schema: &Value) -> bool {
    schema["type"] == "string" && schema["format"] == "int64"
}

/// The value as a type of ours writes it: strings of digits become the numbers that they stand for.
pub(crate) fn as_numbers(schema: &'static Value, value: &Value) -> Value {
    let schema = resolve(schema);
    match value {
        Value::String(digits) if is_digits(schema) => digits.parse::<i64>().map_or_else(|_| value.clone(), Value::from),
        Value::Array(items) => items.iter().map(|item| as_numbers(&schema["items"], item)).collect(),
        Value::Object(members) if schema["properties"].is_object() => members
            .iter()
            .map(|(name, member)| (name.clone(), as_numbers(&schema["properties"][name], member)))
            .collect(),
        other => other.clone(),
    }
}
