//! One before/after pair for every rule, both directions where they differ.

use serde_json::{Value, json};

use super::{
    Change, Direction, Level,
    Level::{Breaking, Compatible, Docs},
    compare, rules,
};

/// A document with one operation, whose pieces the cases replace.
pub(super) fn document(request: &Value, response: &Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "paths": {"/a": {"post": {
            "operationId": "a", "tags": ["t"], "summary": "A", "description": "Does it.",
            "security": [{"ProjectId": []}],
            "parameters": [{"name": "q", "in": "query", "required": false, "description": "Q.", "schema": {"type": "string"}}],
            "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
            "responses": {
                "200": {"description": "ok", "content": {"application/json": {"schema": response}}},
                "404": {"description": "no"},
            },
        }}},
    })
}

pub(super) fn plain() -> Value {
    document(&json!({"type": "object"}), &json!({"type": "object"}))
}

fn level(change: &Change) -> Level {
    rules::level(change, false)
}

fn only(changes: &[Change]) -> (&'static str, Direction, Level) {
    assert_eq!(changes.len(), 1, "{changes:#?}");
    (changes[0].rule, changes[0].direction, level(&changes[0]))
}

#[test]
fn nothing_changed_is_nothing_told() {
    assert_eq!(compare::documents(&plain(), &plain()), []);
}

#[allow(clippy::needless_pass_by_value, reason = "called with literals")]
fn answer(response: Value) -> Value {
    json!({"200": response})
}

#[allow(clippy::needless_pass_by_value, reason = "called with literals")]
fn headers(header: Value) -> Value {
    let mut full = json!({"schema": {"type": "string"}});
    for (name, value) in header.as_object().unwrap() {
        full[name] = value.clone();
    }
    answer(json!({"headers": {"X-Rate": full}}))
}

/// A callback whose body the service sends.
fn callback(schema: &Value) -> Value {
    json!({"done": {"{$request.body#/url}": {"post": {
        "requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {"204": {}},
    }}}})
}

#[allow(clippy::too_many_lines, reason = "a table")]
/// Edits of the operation: rule, pointer below the operation, old value, new value. `null` means absent.
pub(super) fn operation_cases() -> Vec<(&'static str, Level, &'static str, Value, Value)> {
    let parameter = |extra: Value| {
        let mut parameter = plain()["paths"]["/a"]["post"]["parameters"][0].clone();
        for (name, value) in extra.as_object().unwrap() {
            parameter[name] = value.clone();
        }
        json!([parameter])
    };
    let content = json!({"required": true, "content": {"application/json": {"schema": {"type": "object"}}}});
    let other = json!({"required": true, "content": {"application/json": {"schema": {"type": "object"}}, "text/plain": {"schema": {"type": "string"}}}});
    let optional = json!({"required": false, "content": content["content"]});
    let codes = |codes: &[&str]| -> Value {
        codes
            .iter()
            .map(|code| ((*code).to_owned(), json!({"description": "x"})))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    vec![
        ("operation-deprecated", Compatible, "/deprecated", json!(null), json!(true)),
        ("operation-undeprecated", Compatible, "/deprecated", json!(true), json!(null)),
        ("operation-id-renamed", Compatible, "/operationId", json!("a"), json!("b")),
        ("operation-tag-changed", Compatible, "/tags", json!(["t"]), json!(["u"])),
        ("operation-prose-changed", Docs, "/description", json!("Does it."), json!("Does that.")),
        ("parameter-added-required", Breaking, "/parameters", json!([]), parameter(json!({"required": true}))),
        ("parameter-added-optional", Compatible, "/parameters", json!([]), parameter(json!({}))),
        ("parameter-removed", Breaking, "/parameters", parameter(json!({})), json!([])),
        (
            "parameter-became-required",
            Breaking,
            "/parameters",
            parameter(json!({})),
            parameter(json!({"required": true})),
        ),
        (
            "parameter-became-optional",
            Compatible,
            "/parameters",
            parameter(json!({"required": true})),
            parameter(json!({})),
        ),
        (
            "parameter-type-changed",
            Breaking,
            "/parameters",
            parameter(json!({"schema": {"type": "integer"}})),
            parameter(json!({"schema": {"type": "boolean"}})),
        ),
        (
            "parameter-location-changed",
            Breaking,
            "/parameters",
            parameter(json!({})),
            parameter(json!({"in": "header"})),
        ),
        (
            "parameter-default-changed",
            Breaking,
            "/parameters",
            parameter(json!({})),
            parameter(json!({"schema": {"type": "string", "default": "x"}})),
        ),
        ("parameter-prose-changed", Docs, "/parameters", parameter(json!({})), parameter(json!({"description": "R."}))),
        (
            "parameter-style-changed",
            Breaking,
            "/parameters",
            parameter(json!({"schema": {"type": "array", "items": {"type": "string"}}})),
            parameter(json!({"explode": false, "schema": {"type": "array", "items": {"type": "string"}}})),
        ),
        (
            "parameter-style-changed",
            Breaking,
            "/parameters",
            parameter(json!({})),
            parameter(json!({"style": "pipeDelimited"})),
        ),
        (
            "parameter-empty-refused",
            Breaking,
            "/parameters",
            parameter(json!({"allowEmptyValue": true})),
            parameter(json!({})),
        ),
        (
            "parameter-empty-allowed",
            Compatible,
            "/parameters",
            parameter(json!({})),
            parameter(json!({"allowEmptyValue": true})),
        ),
        (
            "unused-default-changed",
            Compatible,
            "/parameters",
            parameter(json!({"required": true, "schema": {"type": "string", "default": "x"}})),
            parameter(json!({"required": true, "schema": {"type": "string", "default": "y"}})),
        ),
        ("deprecated", Compatible, "/parameters", parameter(json!({})), parameter(json!({"deprecated": true}))),
        ("undeprecated", Compatible, "/parameters", parameter(json!({"deprecated": true})), parameter(json!({}))),
        ("annotation-changed", Docs, "/parameters", parameter(json!({})), parameter(json!({"example": "e"}))),
        ("extension-changed", Docs, "/x-rate", json!(1), json!(2)),
        ("server-changed", Breaking, "/servers", json!(null), json!([{"url": "https://b"}])),
        ("server-added", Compatible, "/servers", json!([{"url": "/a"}]), json!([{"url": "/a/"}, {"url": "/b"}])),
        ("server-removed", Breaking, "/servers", json!([{"url": "/a"}, {"url": "/b"}]), json!([{"url": "/b"}])),
        ("security-relaxed", Compatible, "/security", json!([{"A": []}, {"A": [], "B": []}]), json!([{"A": []}])),
        ("scope-added", Breaking, "/security", json!([{"A": ["r"]}]), json!([{"A": ["r", "w"]}])),
        ("scope-removed", Compatible, "/security", json!([{"A": ["r", "w"]}]), json!([{"A": ["r"]}])),
        ("body-added-optional", Compatible, "/requestBody", json!(null), json!({"content": {"application/json": {}}})),
        (
            "media-type-parameters-changed",
            Compatible,
            "/requestBody",
            json!({"content": {"application/json": {}}}),
            json!({"content": {"application/json; charset=utf-8": {}}}),
        ),
        (
            "media-type-widened",
            Compatible,
            "/requestBody",
            json!({"content": {"application/problem+json": {}}}),
            json!({"content": {"application/json": {}}}),
        ),
        (
            "media-type-narrowed",
            Breaking,
            "/requestBody",
            json!({"content": {"application/*": {}}}),
            json!({"content": {"application/json": {}}}),
        ),
        (
            "encoding-changed",
            Breaking,
            "/requestBody",
            json!({"content": {"multipart/form-data": {}}}),
            json!({"content": {"multipart/form-data": {"encoding": {"a": {"contentType": "text/plain"}}}}}),
        ),
        ("links-changed", Compatible, "/responses", answer(json!({})), answer(json!({"links": {"a": {}}}))),
        ("header-added", Compatible, "/responses", answer(json!({})), headers(json!({}))),
        ("header-removed", Breaking, "/responses", headers(json!({})), answer(json!({}))),
        ("header-became-required", Compatible, "/responses", headers(json!({})), headers(json!({"required": true}))),
        ("header-became-optional", Breaking, "/responses", headers(json!({"required": true})), headers(json!({}))),
        (
            "type-changed",
            Breaking,
            "/responses",
            headers(json!({"schema": {"type": "boolean"}})),
            headers(json!({"schema": {"type": "integer"}})),
        ),
        ("callback-added", Compatible, "/callbacks", json!(null), callback(&json!({}))),
        ("callback-removed", Breaking, "/callbacks", callback(&json!({})), json!(null)),
        (
            "reference-changed",
            Breaking,
            "/requestBody",
            json!({"$ref": "https://a/b.yaml"}),
            json!({"$ref": "https://a/c.yaml"}),
        ),
        ("security-added", Compatible, "/security", json!([{"A": []}]), json!([{"A": []}, {"B": []}])),
        ("security-removed", Breaking, "/security", json!([{"A": []}, {"B": []}]), json!([{"A": []}])),
        ("body-added", Breaking, "/requestBody", json!(null), content.clone()),
        ("body-removed", Breaking, "/requestBody", content.clone(), json!(null)),
        ("body-became-required", Breaking, "/requestBody", optional.clone(), content.clone()),
        ("body-became-optional", Compatible, "/requestBody", content.clone(), optional),
        ("media-type-added", Compatible, "/requestBody", content.clone(), other.clone()),
        ("media-type-removed", Breaking, "/requestBody", other, content),
        ("status-added", Compatible, "/responses", codes(&["200"]), codes(&["200", "404"])),
        ("error-status-removed", Compatible, "/responses", codes(&["200", "404"]), codes(&["200"])),
        ("success-status-removed", Breaking, "/responses", codes(&["200", "202"]), codes(&["202"])),
    ]
}

#[test]
fn changes_of_an_operation_are_found_and_judged() {
    for (rule, expected, pointer, old, new) in operation_cases() {
        let edited = |value: &Value| {
            let mut document = plain();
            let operation = document["paths"]["/a"]["post"].as_object_mut().unwrap();
            let name = pointer.trim_start_matches('/');
            if value.is_null() {
                operation.remove(name);
            } else {
                operation.insert(name.to_owned(), value.clone());
            }
            document
        };
        let (found, _, judged) = only(&compare::documents(&edited(&old), &edited(&new)));
        assert_eq!((found, judged), (rule, expected));
    }
}

#[allow(clippy::too_many_lines, reason = "a table")]
/// Edits of a body: rule, level in a request, level in a response, old schema, new schema.
pub(super) fn schema_cases() -> Vec<(&'static str, Level, Level, Value, Value)> {
    let object =
        |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
    let string = json!({"type": "string"});
    vec![
        (
            "property-added-required",
            Breaking,
            Compatible,
            object(json!({}), json!([])),
            object(json!({"p": string}), json!(["p"])),
        ),
        (
            "property-added-optional",
            Compatible,
            Compatible,
            object(json!({}), json!([])),
            object(json!({"p": string}), json!([])),
        ),
        ("property-removed", Breaking, Breaking, object(json!({"p": string}), json!([])), object(json!({}), json!([]))),
        (
            "property-became-required",
            Breaking,
            Compatible,
            object(json!({"p": string}), json!([])),
            object(json!({"p": string}), json!(["p"])),
        ),
        (
            "property-became-optional",
            Compatible,
            Breaking,
            object(json!({"p": string}), json!(["p"])),
            object(json!({"p": string}), json!([])),
        ),
        (
            "type-changed",
            Breaking,
            Breaking,
            json!({"type": "array", "items": string}),
            json!({"type": "array", "items": {"type": "integer"}}),
        ),
        (
            "type-widened",
            Compatible,
            Breaking,
            json!({"type": "object", "additionalProperties": string}),
            json!({"type": "object", "additionalProperties": true}),
        ),
        ("type-widened", Compatible, Breaking, json!({"type": "integer"}), json!({"type": "number"})),
        ("type-widened", Compatible, Breaking, json!({"type": "integer"}), json!({"type": ["integer", "string"]})),
        ("type-narrowed", Breaking, Compatible, json!({"type": "array"}), json!({"type": "array", "items": string})),
        ("type-narrowed", Breaking, Compatible, json!({"type": ["boolean", "string"]}), string.clone()),
        (
            "type-changed",
            Breaking,
            Breaking,
            object(json!({"p": string}), json!([])),
            json!({"oneOf": [{"type": "object", "required": ["q"]}, {"type": "string"}]}),
        ),
        (
            "format-widened",
            Compatible,
            Breaking,
            json!({"type": "integer", "format": "int32"}),
            json!({"type": "integer", "format": "int64"}),
        ),
        ("format-narrowed", Breaking, Compatible, string.clone(), json!({"type": "string", "format": "date-time"})),
        (
            "format-changed",
            Breaking,
            Breaking,
            json!({"type": "string", "format": "date"}),
            json!({"type": "string", "format": "date-time"}),
        ),
        ("pattern-added", Breaking, Compatible, string.clone(), json!({"type": "string", "pattern": "^a$"})),
        ("pattern-removed", Compatible, Compatible, json!({"type": "string", "pattern": "^a$"}), string.clone()),
        (
            "pattern-changed",
            Breaking,
            Compatible,
            json!({"type": "string", "pattern": "^a$"}),
            json!({"type": "string", "pattern": "^b$"}),
        ),
        ("exclusion-added", Breaking, Compatible, string.clone(), json!({"type": "string", "not": {"enum": ["a"]}})),
        ("exclusion-removed", Compatible, Breaking, json!({"type": "string", "not": {"enum": ["a"]}}), string.clone()),
        (
            "exclusion-changed",
            Breaking,
            Breaking,
            json!({"type": "string", "not": {"enum": ["a"]}}),
            json!({"type": "string", "not": {"enum": ["b"]}}),
        ),
        ("bounds-tightened", Breaking, Compatible, json!({"multipleOf": 2}), json!({"multipleOf": 4})),
        ("bounds-loosened", Compatible, Breaking, json!({"multipleOf": 4}), json!({"multipleOf": 2})),
        (
            "bounds-tightened",
            Breaking,
            Compatible,
            json!({"type": "array"}),
            json!({"type": "array", "uniqueItems": true}),
        ),
        ("bounds-loosened", Compatible, Breaking, json!({"maxProperties": 1}), json!({"maxProperties": 2})),
        ("bounds-tightened", Breaking, Compatible, json!({"minProperties": 1}), json!({"minProperties": 2})),
        (
            "bounds-tightened",
            Breaking,
            Compatible,
            json!({"maximum": 5}),
            json!({"maximum": 5, "exclusiveMaximum": true}),
        ),
        ("bounds-loosened", Compatible, Breaking, json!({"exclusiveMinimum": 5}), json!({"minimum": 5})),
        ("bounds-tightened", Breaking, Compatible, json!({"minimum": 5}), json!({"exclusiveMinimum": 5})),
        ("enum-value-removed", Breaking, Compatible, json!({"enum": ["a", "b"]}), json!({"const": "a"})),
        ("became-nullable", Compatible, Breaking, string.clone(), json!({"type": ["string", "null"]})),
        ("became-nullable", Compatible, Breaking, string.clone(), json!({"anyOf": [string, {"type": "null"}]})),
        (
            "discriminator-added",
            Compatible,
            Compatible,
            json!({"type": "object"}),
            json!({"type": "object", "discriminator": {"propertyName": "kind"}}),
        ),
        (
            "discriminator-removed",
            Compatible,
            Compatible,
            json!({"type": "object", "discriminator": {"propertyName": "kind"}}),
            json!({"type": "object"}),
        ),
        (
            "discriminator-changed",
            Breaking,
            Breaking,
            json!({"type": "object", "discriminator": {"propertyName": "kind"}}),
            json!({"type": "object", "discriminator": {"propertyName": "sort"}}),
        ),
        (
            "discriminator-value-added",
            Compatible,
            Compatible,
            json!({"discriminator": {"propertyName": "k", "mapping": {}}}),
            json!({"discriminator": {"propertyName": "k", "mapping": {"a": "A"}}}),
        ),
        (
            "discriminator-value-removed",
            Compatible,
            Compatible,
            json!({"discriminator": {"propertyName": "k", "mapping": {"a": "A"}}}),
            json!({"discriminator": {"propertyName": "k", "mapping": {}}}),
        ),
        (
            "discriminator-value-changed",
            Compatible,
            Compatible,
            json!({"discriminator": {"propertyName": "k", "mapping": {"a": "A"}}}),
            json!({"discriminator": {"propertyName": "k", "mapping": {"a": "B"}}}),
        ),
        ("keyword-changed", Breaking, Breaking, json!({"if": {"const": 1}}), json!({"if": {"const": 2}})),
        ("extension-changed", Docs, Docs, string.clone(), json!({"type": "string", "x-order": 1})),
        ("annotation-changed", Docs, Docs, string.clone(), json!({"type": "string", "example": "a"})),
        ("deprecated", Compatible, Compatible, string.clone(), json!({"type": "string", "deprecated": true})),
        ("undeprecated", Compatible, Compatible, json!({"type": "string", "deprecated": true}), string.clone()),
        // `allOf` adds what its parts add, and what stands beside it counts.
        (
            "property-added-required",
            Breaking,
            Compatible,
            json!({"allOf": [object(json!({"p": string}), json!([]))]}),
            json!({"allOf": [object(json!({"p": string}), json!([])), object(json!({"q": string}), json!(["q"]))]}),
        ),
        (
            "property-removed",
            Breaking,
            Breaking,
            json!({"allOf": [object(json!({"p": string}), json!([])), object(json!({"q": string}), json!([]))]}),
            json!({"allOf": [object(json!({"p": string}), json!([]))]}),
        ),
        (
            "property-became-required",
            Breaking,
            Compatible,
            json!({"allOf": [object(json!({"p": string}), json!([]))]}),
            json!({"allOf": [object(json!({"p": string}), json!([]))], "required": ["p"]}),
        ),
        (
            "variant-added",
            Compatible,
            Breaking,
            json!({"type": "string", "maxLength": 3}),
            json!({"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer"}]}),
        ),
        (
            "variant-removed",
            Breaking,
            Compatible,
            json!({"anyOf": [{"title": "A", "type": "string"}, {"title": "B", "type": "integer"}]}),
            json!({"anyOf": [{"title": "A", "type": "string"}]}),
        ),
        (
            "type-narrowed",
            Breaking,
            Compatible,
            json!({"type": "object", "patternProperties": {"^a": {"type": "number"}}}),
            json!({"type": "object", "patternProperties": {"^a": {"type": "integer"}}}),
        ),
        ("secret-changed", Compatible, Compatible, string.clone(), json!({"type": "string", "format": "password"})),
        ("became-nullable", Compatible, Breaking, string.clone(), json!({"type": "string", "nullable": true})),
        ("became-not-nullable", Breaking, Compatible, json!({"type": "string", "nullable": true}), string.clone()),
        (
            "enum-value-added",
            Compatible,
            Breaking,
            json!({"type": "string", "enum": ["a"]}),
            json!({"type": "string", "enum": ["a", "b"]}),
        ),
        (
            "enum-value-removed",
            Breaking,
            Compatible,
            json!({"type": "string", "enum": ["a", "b"]}),
            json!({"type": "string", "enum": ["a"]}),
        ),
        ("enum-closed", Breaking, Compatible, string.clone(), json!({"type": "string", "enum": ["a"]})),
        ("enum-opened", Compatible, Breaking, json!({"type": "string", "enum": ["a"]}), string.clone()),
        (
            "extensible-enum-value-added",
            Compatible,
            Compatible,
            json!({"type": "string", "x-extensible-enum": ["a"]}),
            json!({"type": "string", "x-extensible-enum": ["a", "b"]}),
        ),
        (
            "extensible-enum-value-removed",
            Compatible,
            Compatible,
            json!({"type": "string", "x-extensible-enum": ["a", "b"]}),
            json!({"type": "string", "x-extensible-enum": ["a"]}),
        ),
        (
            "map-opened",
            Compatible,
            Compatible,
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object"}),
        ),
        (
            "map-closed",
            Breaking,
            Breaking,
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": false}),
        ),
        (
            "variant-added",
            Compatible,
            Breaking,
            json!({"oneOf": [{"title": "A", "type": "string"}]}),
            json!({"oneOf": [{"title": "A", "type": "string"}, {"title": "B", "type": "integer"}]}),
        ),
        (
            "variant-removed",
            Breaking,
            Compatible,
            json!({"oneOf": [{"title": "A", "type": "string"}, {"title": "B", "type": "integer"}]}),
            json!({"oneOf": [{"title": "A", "type": "string"}]}),
        ),
        (
            "bounds-tightened",
            Breaking,
            Compatible,
            json!({"type": "integer", "maximum": 10}),
            json!({"type": "integer", "maximum": 5}),
        ),
        ("bounds-loosened", Compatible, Breaking, json!({"type": "integer", "minimum": 1}), json!({"type": "integer"})),
        ("default-changed", Compatible, Compatible, string.clone(), json!({"type": "string", "default": "x"})),
        ("schema-prose-changed", Docs, Docs, string, json!({"type": "string", "description": "New."})),
    ]
}

#[test]
fn changes_of_a_schema_are_judged_by_who_reads_it() {
    let same = json!({"type": "object"});
    for (rule, request, response, old, new) in schema_cases() {
        let found = only(&compare::documents(&document(&old, &same), &document(&new, &same)));
        assert_eq!(found, (rule, Direction::Request, request));
        let found = only(&compare::documents(&document(&same, &old), &document(&same, &new)));
        assert_eq!(found, (rule, Direction::Response, response));
    }
}

#[test]
fn paths_and_methods_come_and_go() {
    let mut more = plain();
    more["paths"]["/b"] = more["paths"]["/a"].clone();
    assert_eq!(only(&compare::documents(&plain(), &more)).0, "path-added");
    assert_eq!(only(&compare::documents(&more, &plain())).0, "path-removed");
    let mut more = plain();
    more["paths"]["/a"]["get"] = more["paths"]["/a"]["post"].clone();
    assert_eq!(only(&compare::documents(&plain(), &more)).0, "operation-added");
    assert_eq!(only(&compare::documents(&more, &plain())), ("operation-removed", Direction::Neither, Level::Breaking));
}

/// Two operations that share a schema, which shares another one.
fn shared(name: &str, property: &str) -> Value {
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    let mut document = document(&reference, &json!({"type": "object"}));
    document["paths"]["/b"] = document["paths"]["/a"].clone();
    document["components"]["schemas"] = json!({
        name: {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Inner"}}},
        "Inner": {"type": "object", "properties": {property: {"type": "string"}, "self": {"$ref": "#/components/schemas/Inner"}}},
    });
    document
}

#[test]
fn a_change_in_a_shared_schema_is_told_once_with_the_operations_that_use_it() {
    let changes = compare::documents(&shared("Outer", "p"), &shared("Outer", "q"));
    let told: Vec<_> =
        changes.iter().map(|change| (change.rule, change.subject.as_str(), change.at.as_str())).collect();
    assert_eq!(told, [("property-added-optional", "schema Inner", "q"), ("property-removed", "schema Inner", "p")]);
    for change in &changes {
        assert_eq!(change.operations, ["POST /a", "POST /b"]);
    }
}

#[test]
fn a_renamed_schema_is_told() {
    let changes = compare::documents(&shared("Outer", "p"), &shared("Other", "p"));
    assert!(!changes.is_empty());
    assert!(changes.iter().all(|change| change.rule == "schema-renamed"), "{changes:?}");
    assert!(changes.iter().all(|change| level(change) == Compatible && rules::level(change, true) == Breaking));
}

#[test]
fn a_circle_of_references_ends() {
    let looped = json!({"$ref": "#/components/schemas/A"});
    let mut document = document(&looped, &looped);
    document["components"]["schemas"] =
        json!({"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}});
    assert_eq!(compare::documents(&document, &document), []);
}
