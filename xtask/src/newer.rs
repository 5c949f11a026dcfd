//! The document as OpenAPI 3.1, for tools that want JSON Schema as it is today.
//!
//! What 3.0 says in words of its own becomes what JSON Schema has for it: `nullable` a type, an exclusive bound a number,
//! an example one of a list. `format` stays as it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The members of a schema that hold one schema, a list of them, or one for each name.
const ONE: [&str; 3] = ["additionalProperties", "items", "not"];
const LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const NAMED: [&str; 1] = ["properties"];

/// The members of anything else whose value is data, and no part of the description.
const DATA: [&str; 4] = ["default", "enum", "example", "examples"];

/// The same document in 3.1.
pub(crate) fn render(document: &Value) -> Value {
    let mut newer = document.clone();
    // Rewritten before the rest is walked, where each of them would be met as the member `schema` only.
    if let Some(schemas) = newer["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(schema);
    }
    for (name, part) in newer.as_object_mut().into_iter().flatten() {
        if name == "components" {
            let parts = part.as_object_mut().into_iter().flatten();
            parts.filter(|(kind, _)| *kind != "schemas").for_each(|(_, part)| schemas_in(part));
        } else {
            schemas_in(part);
        }
    }
    newer["openapi"] = json!("3.1.0");
    newer["jsonSchemaDialect"] = json!("https://spec.openapis.org/oas/3.1/dialect/base");
    newer
}

/// The named schemas alone, in 3.1, in the order of their names.
pub(crate) fn schemas(document: &Value) -> BTreeMap<String, Value> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    schemas
        .map(|(name, old)| {
            let mut new = old.clone();
            schema(&mut new);
            (name.clone(), new)
        })
        .collect()
}

/// Rewrites the schemas of parameters, headers and bodies below a value.
fn schemas_in(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, child) in map {
                if name == "schema" {
                    schema(child);
                } else if !DATA.contains(&name.as_str()) && !name.starts_with("x-") {
                    schemas_in(child);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(schemas_in),
        _ => {}
    }
}

fn schema(value: &mut Value) {
    let Value::Object(map) = value else { return };
    for (name, child) in map.iter_mut() {
        match (name.as_str(), child) {
            (name, child @ Value::Object(_)) if ONE.contains(&name) => schema(child),
            (name, Value::Array(items)) if LIST.contains(&name) => items.iter_mut().for_each(schema),
            (name, Value::Object(named)) if NAMED.contains(&name) => named.values_mut().for_each(schema),
            _ => {}
        }
    }
    if let Some(example) = map.remove("example") {
        map.insert("examples".to_owned(), json!([example]));
    }
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(Value::Bool(exclusive)) = map.get(flag).cloned() {
            map.remove(flag);
            if let Some(limit) = map.get(bound).cloned().filter(|_| exclusive) {
                map.remove(bound);
                map.insert(flag.to_owned(), limit);
            }
        }
    }
    // Says in JSON Schema what the format says in OpenAPI.
    if map.get("format").is_some_and(|format| format == "byte") {
        map.insert("contentEncoding".to_owned(), json!("base64"));
    }
    if map.remove("nullable") == Some(Value::Bool(true)) {
        nullable(map);
    }
}

fn nullable(map: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = map.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(kind) = map.get("type").filter(|kind| kind.is_string()).cloned() {
        map.insert("type".to_owned(), json!([kind, "null"]));
    } else if LIST.iter().chain(&["$ref"]).any(|name| map.contains_key(*name)) {
        let other = Value::Object(std::mem::take(map));
        map.insert("anyOf".to_owned(), json!([other, { "type": "null" }]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(schema: &Value) -> Value {
        let document = json!({ "openapi": "3.0.3", "components": { "schemas": { "Thing": schema } } });
        render(&document)["components"]["schemas"]["Thing"].take()
    }

    #[test]
    fn each_word_of_3_0_becomes_that_of_json_schema() {
        for (old, new) in [
            (json!({"type": "string", "nullable": true}), json!({"type": ["string", "null"]})),
            (json!({"type": "string", "nullable": false}), json!({"type": "string"})),
            (
                json!({"type": "string", "nullable": true, "enum": ["a"]}),
                json!({"type": ["string", "null"], "enum": ["a", null]}),
            ),
            (
                json!({"nullable": true, "allOf": [{"$ref": "#/components/schemas/Other"}]}),
                json!({"anyOf": [{"allOf": [{"$ref": "#/components/schemas/Other"}]}, {"type": "null"}]}),
            ),
            (json!({"nullable": true}), json!({})),
            (json!({"minimum": 1, "exclusiveMinimum": true}), json!({"exclusiveMinimum": 1})),
            (json!({"maximum": 9, "exclusiveMaximum": true}), json!({"exclusiveMaximum": 9})),
            (json!({"minimum": 1, "exclusiveMinimum": false}), json!({"minimum": 1})),
            (json!({"type": "integer", "example": 5}), json!({"type": "integer", "examples": [5]})),
            (json!({"type": "string", "example": null}), json!({"type": "string", "examples": [null]})),
            (json!({"type": "string", "format": "password"}), json!({"type": "string", "format": "password"})),
            (
                json!({"type": "string", "format": "byte"}),
                json!({"type": "string", "format": "byte", "contentEncoding": "base64"}),
            ),
        ] {
            assert_eq!(rendered(&old), new, "{old}");
            for (around, expected) in [
                (json!({"type": "array", "items": old}), json!({"type": "array", "items": new})),
                (json!({"properties": {"nullable": old}}), json!({"properties": {"nullable": new}})),
                (json!({"additionalProperties": old}), json!({"additionalProperties": new})),
                (json!({"oneOf": [old]}), json!({"oneOf": [new]})),
            ] {
                assert_eq!(rendered(&around), expected, "{around}");
            }
        }
    }

    #[test]
    fn properties_called_like_words_of_the_specification_stay() {
        let schema =
            json!({"type": "object", "properties": {"example": {"type": "string"}, "nullable": {"type": "boolean"}}});
        assert_eq!(rendered(&schema), schema);
    }

    #[test]
    fn examples_are_data_and_bodies_keep_theirs() {
        let document = json!({"openapi": "3.0.3", "paths": {"/a": {"post": {
            "parameters": [{"name": "q", "in": "query", "example": 1, "schema": {"type": "integer", "nullable": true}}],
            "requestBody": {"content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/A"},
                "example": {"schema": {"nullable": true}},
            }}},
        }}}});
        let newer = render(&document);
        assert_eq!(newer["openapi"], "3.1.0");
        let operation = &newer["paths"]["/a"]["post"];
        assert_eq!(operation["parameters"][0]["schema"]["type"], json!(["integer", "null"]));
        assert_eq!(operation["parameters"][0]["example"], 1);
        let media = &operation["requestBody"]["content"]["application/json"];
        assert_eq!(media["example"], json!({"schema": {"nullable": true}}));
    }
}
