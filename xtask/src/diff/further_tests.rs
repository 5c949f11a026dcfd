//! Changes that one edit of one schema does not show: credentials, addresses, policies, sides, files, circles.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use super::{
    Change, Direction,
    Level::{self, Breaking, Compatible, Docs},
    Policies, Policy, compare, input,
    rules::{self, RULES},
    tests::{document, operation_cases, plain, schema_cases},
};

fn told(changes: &[Change]) -> Vec<(&'static str, Level)> {
    changes.iter().map(|change| (change.rule, rules::level(change, false))).collect()
}

fn with(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut holder = &mut document;
    for segment in parent.split('/').skip(1) {
        holder = &mut holder[segment.replace("~1", "/")];
    }
    if value.is_null() {
        holder.as_object_mut().unwrap().remove(&name.replace("~1", "/"));
    } else {
        holder[name.replace("~1", "/")] = value;
    }
    document
}

type Case = (&'static str, Level, &'static str, Value, Value);

/// Edits of the whole document: rule, level, pointer, old value, new value.
fn document_cases() -> Vec<Case> {
    let scheme = "/components/securitySchemes";
    let bearer = json!({"A": {"type": "http", "scheme": "bearer"}});
    let flows = |flows: Value| json!({"A": {"type": "oauth2", "flows": flows}});
    let code = |url: &str, scopes: Value| json!({"authorizationCode": {"tokenUrl": url, "scopes": scopes}});
    vec![
        ("path-removed", Breaking, "/paths/~1b", json!({"get": {}}), json!(null)),
        ("empty-path-removed", Docs, "/paths/~1b", json!({"parameters": []}), json!(null)),
        ("path-added", Compatible, "/paths/~1b", json!(null), json!({"get": {}})),
        ("operation-added", Compatible, "/paths/~1a/trace", json!(null), json!({})),
        ("operation-removed", Breaking, "/paths/~1a/trace", json!({}), json!(null)),
        ("document-prose-changed", Docs, "/info", json!({"title": "a"}), json!({"title": "b"})),
        ("extension-changed", Docs, "/x-owner", json!("a"), json!("b")),
        (
            "server-added",
            Compatible,
            "/servers",
            json!([{"url": "https://a"}]),
            json!([{"url": "https://a"}, {"url": "https://b"}]),
        ),
        (
            "server-removed",
            Breaking,
            "/servers",
            json!([{"url": "https://a"}, {"url": "https://b"}]),
            json!([{"url": "https://a"}]),
        ),
        (
            "server-changed",
            Breaking,
            "/servers",
            json!([{"url": "https://{region}.a", "variables": {"region": {"default": "eu"}}}]),
            json!([{"url": "https://{region}.a", "variables": {"region": {"default": "us"}}}]),
        ),
        ("callback-removed", Breaking, "/webhooks", json!({"done": {"post": {}}}), json!({})),
        ("callback-added", Compatible, "/webhooks", json!({}), json!({"done": {"post": {}}})),
        ("security-scheme-added", Compatible, scheme, json!({}), bearer.clone()),
        ("security-scheme-removed", Compatible, scheme, bearer.clone(), json!({})),
        ("security-scheme-changed", Breaking, scheme, bearer, json!({"A": {"type": "http", "scheme": "basic"}})),
        ("security-flow-added", Compatible, scheme, flows(json!({})), flows(code("/t", json!({})))),
        ("security-flow-removed", Breaking, scheme, flows(code("/t", json!({}))), flows(json!({}))),
        ("security-address-changed", Compatible, scheme, flows(code("/t", json!({}))), flows(code("/u", json!({})))),
        ("scope-offered", Compatible, scheme, flows(code("/t", json!({}))), flows(code("/t", json!({"r": "Read"})))),
        ("scope-withdrawn", Compatible, scheme, flows(code("/t", json!({"r": "Read"}))), flows(code("/t", json!({})))),
    ]
}

#[test]
fn changes_of_the_whole_document_are_found_and_judged() {
    for (rule, level, pointer, old, new) in document_cases() {
        let changes = compare::documents(&with(&plain(), pointer, old), &with(&plain(), pointer, new));
        assert_eq!(told(&changes), [(rule, level)], "{changes:?}");
    }
}

/// Properties that take part on one side only: rule, level in a request, level in an answer, old and new schema. The
/// rule is told on the side that the flag is about.
fn hidden_cases() -> Vec<(&'static str, Direction, Level, Value, Value)> {
    let object = |property: Value, required: bool| json!({"type": "object", "properties": {"p": property}, "required": if required { json!(["p"]) } else { json!([]) }});
    let none = json!({"type": "object", "properties": {}, "required": []});
    let mut cases = Vec::new();
    for (flag, direction) in [("readOnly", Direction::Request), ("writeOnly", Direction::Response)] {
        let hidden = |required| object(json!({"type": "string", flag: true}), required);
        let shown = |required| object(json!({"type": "string"}), required);
        let gone = if direction == Direction::Request { Compatible } else { Breaking };
        cases.extend([
            ("hidden-property-added", direction, Compatible, none.clone(), hidden(true)),
            ("hidden-property-removed", direction, Compatible, hidden(true), none.clone()),
            ("property-hidden", direction, Compatible, shown(false), hidden(false)),
            ("required-property-hidden", direction, gone, shown(true), hidden(true)),
            ("property-shown", direction, Compatible, hidden(false), shown(false)),
            ("required-property-shown", direction, Breaking, hidden(true), shown(true)),
        ]);
    }
    cases
}

#[test]
fn properties_of_the_other_side_do_not_take_part() {
    let same = json!({"type": "object"});
    for (rule, direction, level, old, new) in hidden_cases() {
        let make = |schema: &Value| match direction {
            Direction::Request => document(schema, &same),
            _ => document(&same, schema),
        };
        let changes = compare::documents(&make(&old), &make(&new));
        assert_eq!(told(&changes), [(rule, level)], "{direction:?} {changes:?}");
    }
    let limited = |limit: i64| json!({"type": "object", "properties": {"p": {"type": "string", "readOnly": true, "maxLength": limit}}});
    let (old, new) = (document(&limited(9), &same), document(&limited(5), &same));
    assert_eq!(compare::documents(&old, &new), [], "nobody sends it");
}

/// What a policy adds: the policies, then rule, level, pointer below the operation, old value, new value.
fn policy_cases() -> Vec<(&'static [Policy], Case)> {
    const SUNSET: &[Policy] = &[Policy::Sunset];
    const STABILITY: &[Policy] = &[Policy::Stability];
    let ending = |day: Value| json!({"deprecated": true, "x-sunset": day});
    let level = |level: &str| json!({"x-stability-level": level});
    let listed = |values: Value| json!({"requestBody": {"content": {"application/json": {"schema": {"type": "string", "x-extensible-enum": values}}}}});
    let default = |value: Value| json!({"requestBody": {"content": {"application/json": {"schema": {"type": "string", "default": value}}}}});
    let at = "/paths/~1b/get";
    vec![
        (SUNSET, ("retired-removed", Compatible, at, ending(json!("2020-01-01")), json!(null))),
        (SUNSET, ("retired-removed", Compatible, at, json!({"deprecated": true}), json!(null))),
        (SUNSET, ("operation-removed", Breaking, at, ending(json!("9999-01-01")), json!(null))),
        (SUNSET, ("operation-removed", Breaking, at, ending(json!("soon")), json!(null))),
        (SUNSET, ("sunset-removed", Breaking, at, ending(json!("9999-01-01")), json!({"deprecated": true}))),
        (SUNSET, ("sunset-moved-forward", Breaking, at, ending(json!("9999-02-01")), ending(json!("9999-01-01")))),
        (SUNSET, ("sunset-malformed", Breaking, at, ending(json!("9999-02-01")), ending(json!("9999-13-01")))),
        (STABILITY, ("unstable-removed", Compatible, at, level("draft"), json!(null))),
        (STABILITY, ("operation-removed", Breaking, at, level("beta"), json!(null))),
        (STABILITY, ("stability-decreased", Breaking, at, level("stable"), level("beta"))),
        (STABILITY, ("stability-unknown", Breaking, at, level("beta"), level("rocky"))),
        (
            &[Policy::ExtensibleEnum],
            ("known-value-withdrawn", Breaking, at, listed(json!(["a", "b"])), listed(json!(["a"]))),
        ),
        (&[Policy::Defaults], ("body-default-changed", Breaking, at, default(json!("a")), default(json!("b")))),
    ]
}

#[test]
fn policies_judge_when_they_are_asked_for() {
    let base = with(&plain(), "/paths/~1b", json!({"post": {}}));
    for (policies, (rule, level, pointer, old, new)) in policy_cases() {
        let (old, new) = (with(&base, pointer, old), with(&base, pointer, new));
        let changes = compare::with_policies(&old, &new, Policies::new(policies)).changes;
        assert_eq!(told(&changes), [(rule, level)], "{changes:?}");
        let plain: BTreeSet<&str> = compare::documents(&old, &new).iter().map(|change| change.rule).collect();
        assert!(rule == "operation-removed" || !plain.contains(rule), "{rule} without the policy");
    }
}

#[test]
fn changes_to_a_draft_are_left_aside_and_that_is_said() {
    let draft = with(&plain(), "/paths/~1a/post/x-stability-level", json!("draft"));
    let changed = with(&draft, "/paths/~1a/post/requestBody", json!({"required": true, "content": {}}));
    let policies = || Policies::new(&[Policy::Stability]);
    let differences = compare::with_policies(&draft, &changed, policies());
    assert_eq!(differences.changes, []);
    assert_eq!(
        differences.not_compared.iter().map(String::as_str).collect::<Vec<_>>(),
        ["operations that are drafts or alphas"]
    );
    assert!(!compare::documents(&draft, &changed).is_empty());
}

#[test]
fn parameters_of_one_name_in_two_places_are_two() {
    let parameter = |place: &str, kind: &str| json!({"name": "id", "in": place, "schema": {"type": kind}});
    let at = "/paths/~1a/post/parameters";
    let old = with(&plain(), at, json!([parameter("query", "boolean"), parameter("header", "integer")]));
    let new = with(&plain(), at, json!([parameter("query", "integer"), parameter("header", "integer")]));
    let changes = compare::documents(&old, &new);
    assert_eq!(told(&changes), [("parameter-type-changed", Breaking)]);
    assert_eq!(changes[0].at, "query id");
    let fewer = with(&plain(), at, json!([parameter("query", "boolean")]));
    assert_eq!(told(&compare::documents(&old, &fewer)), [("parameter-removed", Breaking)]);
}

#[test]
fn the_whole_schema_of_a_parameter_counts() {
    let at = "/paths/~1a/post/parameters";
    let with_schema = |schema: &Value| with(&plain(), at, json!([{"name": "q", "in": "query", "schema": schema}]));
    for (old, new, rule) in [
        (json!({"type": "string"}), json!({"type": "string", "enum": ["a"]}), "enum-closed"),
        (json!({"type": "integer", "maximum": 9}), json!({"type": "integer", "maximum": 5}), "bounds-tightened"),
        (json!({"type": "string"}), json!({"type": "string", "pattern": "^a"}), "pattern-added"),
        (json!({"type": "string", "nullable": true}), json!({"type": "string"}), "became-not-nullable"),
        (
            json!({"type": "array", "items": {"enum": ["a", "b"]}}),
            json!({"type": "array", "items": {"enum": ["a"]}}),
            "enum-value-removed",
        ),
    ] {
        let changes = compare::documents(&with_schema(&old), &with_schema(&new));
        assert_eq!(told(&changes), [(rule, Breaking)]);
        assert_eq!(changes[0].direction, Direction::Request);
    }
    // In a query everything is text, and a list of one is written like a single value.
    for (old, new) in [("integer", "string"), ("boolean", "string")] {
        let changes = compare::documents(&with_schema(&json!({"type": old})), &with_schema(&json!({"type": new})));
        assert_eq!(told(&changes), [("type-widened", Compatible)]);
    }
    let list = json!({"type": "array", "items": {"type": "string"}});
    let changes = compare::documents(&with_schema(&json!({"type": "string"})), &with_schema(&list));
    assert_eq!(told(&changes), [("type-widened", Compatible)]);
}

#[test]
fn names_of_headers_have_no_case_and_those_in_a_path_are_not_seen() {
    let header = |name: &str| {
        let document =
            with(&plain(), "/paths/~1a/post/parameters", json!([{"name": name, "in": "header", "schema": {}}]));
        with(&document, "/paths/~1a/post/responses", json!({"200": {"headers": {name: {"schema": {}}}}}))
    };
    assert_eq!(compare::documents(&header("X-Id"), &header("x-id")), []);
    let path = |name: &str, kind: &str| {
        let item =
            json!({"get": {"parameters": [{"name": name, "in": "path", "required": true, "schema": {"type": kind}}]}});
        json!({"openapi": "3.0.3", "paths": {format!("/users/{{{name}}}"): item}})
    };
    let changes = compare::documents(&path("id", "string"), &path("userId", "string"));
    assert_eq!(told(&changes), [("path-parameter-renamed", Compatible)]);
    assert_eq!(rules::level(&changes[0], true), Breaking);
    let changes = compare::documents(&path("id", "string"), &path("userId", "integer"));
    assert_eq!(
        told(&changes),
        [("type-narrowed", Breaking), ("path-parameter-renamed", Compatible)][..]
            .iter()
            .copied()
            .rev()
            .collect::<Vec<_>>()
    );
}

#[test]
fn in_a_callback_who_reads_and_who_writes_change_places() {
    let with_body = |schema: Value| {
        let item = json!({"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}});
        with(&plain(), "/paths/~1a/post/callbacks", json!({"done": {"{$url}": item}}))
    };
    let (old, new) = (json!({"type": "string", "enum": ["a"]}), json!({"type": "string", "enum": ["a", "b"]}));
    assert_eq!(told(&compare::documents(&with_body(old), &with_body(new))), [("enum-value-added", Breaking)]);
}

#[test]
fn a_path_item_behind_a_reference_is_compared() {
    let make = |kind: &str| {
        let item = json!({"get": {"parameters": [{"name": "q", "in": "query", "schema": {"type": kind}}]}});
        json!({"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/components/pathItems/A"}}, "components": {"pathItems": {"A": item}}})
    };
    assert_eq!(told(&compare::documents(&make("array"), &make("object"))), [("parameter-type-changed", Breaking)]);
}

#[test]
fn alternatives_in_another_order_and_a_status_within_a_range_are_no_change() {
    let same = json!({"type": "object"});
    let (a, b) = (json!({"type": "string", "maxLength": 3}), json!({"type": "integer"}));
    let (old, new) = (json!({"oneOf": [a, b]}), json!({"oneOf": [b, a]}));
    assert_eq!(compare::documents(&document(&old, &same), &document(&new, &same)), []);
    let answers = |code: &str| with(&plain(), "/paths/~1a/post/responses", json!({code: {}}));
    assert_eq!(told(&compare::documents(&answers("200"), &answers("2XX"))), [("status-added", Compatible)]);
}

#[test]
fn schemas_that_hold_themselves_end() {
    let reference = json!({"$ref": "#/components/schemas/Node"});
    let node = |kind: &str| {
        // The inner one has a member beside the reference, so that it is a schema without a name.
        let inner = json!({"allOf": [reference, {"type": "object", "properties": {"extra": {"type": kind}}}]});
        json!({"type": "object", "properties": {"value": {"type": kind}, "next": inner, "null": {"anyOf": [reference, {"type": "null"}]}}})
    };
    let make = |kind: &str| {
        with(&document(&reference, &json!({"type": "object"})), "/components", json!({"schemas": {"Node": node(kind)}}))
    };
    assert_eq!(compare::documents(&make("string"), &make("string")), []);
    let changes = compare::documents(&make("string"), &make("integer"));
    assert!(changes.iter().all(|change| change.rule == "type-changed"), "{changes:?}");
    assert!(!changes.is_empty());
}

#[test]
fn references_into_other_files_are_followed_and_those_into_the_network_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let make = |version: &str, kind: &str| {
        write(
            &format!("{version}/parts/paths.yaml"),
            "a:\n  post:\n    requestBody:\n      content:\n        application/json:\n          schema: {$ref: '../schemas.json#/Y'}\n    responses: {}\n",
        );
        write(
            &format!("{version}/schemas.json"),
            &format!(
                "{{\"Y\": {{\"$ref\": \"#/Z\"}}, \"Z\": {{\"type\": \"object\", \"properties\": {{\"p\": {{\"type\": \"{kind}\"}}}}}}}}"
            ),
        );
        let root = "openapi: 3.0.3\npaths:\n  /a: {$ref: './parts/paths.yaml#/a'}\n  /b: {$ref: 'https://example.com/b.yaml'}\n";
        input::read(&write(&format!("{version}/openapi.yaml"), root)).unwrap()
    };
    let (old, new) = (make("old", "string"), make("new", "integer"));
    let changes = compare::documents(&old.value, &new.value);
    assert_eq!(told(&changes), [("type-changed", Breaking)], "{changes:?}");
    assert_eq!(changes[0].at, "p");
    assert_eq!(old.not_followed.iter().map(String::as_str).collect::<Vec<_>>(), ["https://example.com/b.yaml"]);
}

#[test]
fn sixty_levels_of_properties_are_compared() {
    let nested = |kind: &str| {
        let schema =
            (0..60).fold(json!({"type": kind}), |inner, _| json!({"type": "object", "properties": {"p": inner}}));
        document(&schema, &json!({"type": "object"})).to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        input::read(&path).unwrap().value
    };
    let changes = compare::documents(&read("old.json", nested("string")), &read("new.json", nested("boolean")));
    assert_eq!(told(&changes), [("type-changed", Breaking)]);
}

#[test]
fn every_rule_has_a_case() {
    let covered: BTreeSet<&str> = operation_cases()
        .iter()
        .map(|case| case.0)
        .chain(schema_cases().iter().map(|case| case.0))
        .chain(document_cases().iter().map(|case| case.0))
        .chain(hidden_cases().iter().map(|case| case.0))
        .chain(policy_cases().iter().map(|case| case.1.0))
        .chain(["schema-renamed", "path-parameter-renamed"])
        .collect();
    assert_eq!(covered, RULES.iter().map(|rule| rule.id).collect());
}
