//! The document as progenitor wants it. Nothing of this reaches the bundle.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    fixup::{Fixup, Tally},
    vocabulary,
};
use crate::document::members;

const WIDE_ERRORS: Fixup =
    Fixup::new("wide-errors", "progenitor merges classes of status codes into one error, not a list of codes");
const ANY_SUCCESS: Fixup = Fixup::new("any-success", "every 2xx is a success, whichever one the document shows");
const REDIRECT: Fixup = Fixup::new("redirect", "progenitor knows no success that is a redirect");
const NO_EXTENSIONS: Fixup = Fixup::new("no-extensions", "typify repeats extensions and examples in the documentation");
const SINGLE_IN_QUERY: Fixup = Fixup::new("single-in-query", "a mock of a list in the query does not compile");

const NO_HEADERS: Fixup =
    Fixup::new("no-headers", "a header that may be left out is not an argument of every call: it goes with the client");
const ALWAYS_BODY: Fixup = Fixup::new("always-body", "a body that may be left out is sent as an empty object");
const SCIM_AS_JSON: Fixup = Fixup::new("scim-as-json", "progenitor knows no other JSON than application/json");
const DIGITS: Fixup = Fixup::new("digits", "integers that come as strings of digits are integers in Rust");

const KEEP_UNKNOWN: Fixup =
    Fixup::new("keep-unknown", "what is read and written back keeps members that are newer than this client");

/// What [`for_progenitor`] and [`for_mocks`] change.
pub(super) const FIXUPS: [Fixup; 12] = [
    vocabulary::VOCABULARY,
    vocabulary::TEXT_IN_MOCK,
    KEEP_UNKNOWN,
    NO_HEADERS,
    ALWAYS_BODY,
    SCIM_AS_JSON,
    DIGITS,
    WIDE_ERRORS,
    ANY_SUCCESS,
    REDIRECT,
    NO_EXTENSIONS,
    SINGLE_IN_QUERY,
];

/// Accepted spellings beside the documented one: schema, property, further names.
pub(crate) type Aliases = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The media type of SCIM, which is JSON to a client.
const SCIM_JSON: &str = "application/scim+json";

/// Widens the listed error codes to the two classes that progenitor can merge into one typed error, and drops
/// what would only bloat the generated documentation, or the arguments of the generated functions.
pub(super) fn for_progenitor(bundle: &Value, tally: &mut Tally) -> Value {
    let mut document = bundle.clone();
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
            without_headers(operation, bundle, tally);
            always_with_body(operation, tally);
            scim_as_json(operation, tally);
            widen_errors(operation, tally);
        }
    }
    if let Some(components) = document["components"].as_object_mut() {
        components.remove("responses");
        components.remove("parameters");
    }
    tally.made_times(DIGITS, digits_as_integers(&mut document));
    for name in written_back(bundle) {
        let schema = &mut document["components"]["schemas"][&name];
        if schema["properties"].is_object() && schema["additionalProperties"].is_null() {
            // With `true` typify adds nothing: that is what a schema allows anyway.
            schema["additionalProperties"] = json!({});
            tally.made(KEEP_UNKNOWN);
        }
    }
    vocabulary::mark(&mut document, tally);
    strip(&mut document, false, tally);
    document
}

/// The schemas that stand in a body and in an answer.
fn written_back(bundle: &Value) -> BTreeSet<String> {
    reached(bundle, Side::Bodies).intersection(&reached(bundle, Side::Answers)).cloned().collect()
}

/// Where a schema can stand.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Bodies,
    Answers,
}

/// The schemas that stand on one side, somewhere.
pub(super) fn reached(bundle: &Value, side: Side) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, operation) in members(&bundle["paths"]).into_iter().flat_map(|(_, item)| members(item)) {
        match side {
            Side::Bodies => reach(bundle, &operation["requestBody"], &mut found),
            Side::Answers => {
                let answers = members(&operation["responses"]).into_iter();
                answers
                    .filter(|(code, _)| code.starts_with('2'))
                    .for_each(|(_, answer)| reach(bundle, answer, &mut found));
            }
        }
    }
    found
}

/// The schemas that a value refers to, and those that they refer to.
fn reach(bundle: &Value, value: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = value["$ref"].as_str().and_then(|target| target.strip_prefix("#/components/schemas/"))
        && found.insert(name.to_owned())
    {
        reach(bundle, &bundle["components"]["schemas"][name], found);
    }
    match value {
        Value::Object(map) => map.values().for_each(|child| reach(bundle, child, found)),
        Value::Array(items) => items.iter().for_each(|item| reach(bundle, item, found)),
        _ => {}
    }
}

/// Headers that may be left out go with the options of a call, not among the arguments of a function.
fn without_headers(operation: &mut Value, bundle: &Value, tally: &mut Tally) {
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    let all = parameters.len();
    parameters.retain(|parameter| {
        let target = parameter["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
        let parameter = target.and_then(|pointer| bundle.pointer(pointer)).unwrap_or(parameter);
        parameter["in"] != "header" || parameter["required"] == true
    });
    tally.made_times(NO_HEADERS, all - parameters.len());
}

/// A body that may be left out is sent as an empty object, which the service takes for the same.
fn always_with_body(operation: &mut Value, tally: &mut Tally) {
    if let Some(body) = operation.get_mut("requestBody").and_then(Value::as_object_mut)
        && body.insert("required".to_owned(), json!(true)) != Some(json!(true))
    {
        tally.made(ALWAYS_BODY);
    }
}

fn scim_as_json(operation: &mut Value, tally: &mut Tally) {
    let responses = operation["responses"].as_object_mut().into_iter().flat_map(|responses| responses.values_mut());
    for content in responses.filter_map(|response| response.get_mut("content")?.as_object_mut()) {
        if let Some(media) = content.remove(SCIM_JSON) {
            content.insert("application/json".to_owned(), media);
            tally.made(SCIM_AS_JSON);
        }
    }
}

/// What the service writes as a string of digits is a number to us: `crate::json` reads either.
/// Gives how many there were.
pub(super) fn digits_as_integers(value: &mut Value) -> usize {
    match value {
        Value::Object(map) => {
            let digits = map.get("type").is_some_and(|kind| kind == "string")
                && map.get("format").is_some_and(|format| format == "int64");
            if digits {
                map.insert("type".to_owned(), json!("integer"));
            }
            usize::from(digits) + map.values_mut().map(digits_as_integers).sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(digits_as_integers).sum(),
        _ => 0,
    }
}

fn widen_errors(operation: &mut Value, tally: &mut Tally) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    let all = responses.len();
    responses.retain(|code, _| code.starts_with(['2', '3']));
    tally.made_times(WIDE_ERRORS, all - responses.len());
    // Any 2xx is a success, whichever one the document shows. A redirect is the success of some browser endpoints; the
    // seam hands it on as an answer without content.
    if let Some(code) = responses.keys().next().cloned() {
        let success = responses.remove(&code).filter(|_| code.starts_with('2'));
        let redirect = || json!({ "description": "The redirect, with its `Location`." });
        tally.made(if success.is_some() { ANY_SUCCESS } else { REDIRECT });
        responses.insert("2XX".to_owned(), success.unwrap_or_else(redirect));
    }
    let error = json!({
        "description": "The call was refused.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
    });
    responses.insert("4XX".to_owned(), error.clone());
    responses.insert("5XX".to_owned(), error);
}

fn strip(value: &mut Value, names_are_data: bool, tally: &mut Tally) {
    match value {
        Value::Object(map) => {
            if !names_are_data {
                let all = map.len();
                map.retain(|name, _| !name.starts_with("x-") && name != "example");
                tally.made_times(NO_EXTENSIONS, all - map.len());
            }
            for (name, child) in map.iter_mut() {
                // A schema may have a property called `example`.
                strip(child, !names_are_data && ["properties", "schemas"].contains(&name.as_str()), tally);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, false, tally)),
        _ => {}
    }
}

/// The same for the mocks, where progenitor writes code for a list in the query that does not compile. A mock is given
/// one element instead, and matches a query that holds it. A parameter with a vocabulary is given as a text.
pub(super) fn for_mocks(prepared: &Value, tally: &mut Tally) -> Value {
    let mut document = prepared.clone();
    tally.made_times(vocabulary::TEXT_IN_MOCK, vocabulary::unmark(&mut document));
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["schema"]["type"] == "array" {
                parameter["schema"] = parameter["schema"]["items"].take();
                tally.made(SINGLE_IN_QUERY);
            }
        }
    }
    document
}

/// The names of the required members of each schema, as it orders them.
pub(super) type Required = BTreeMap<String, Vec<String>>;

/// Reads `required` of every schema.
pub(super) fn required(bundle: &Value) -> Required {
    members(&bundle["components"]["schemas"])
        .into_iter()
        .map(|(schema, value)| {
            let names = value["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            (schema.to_owned(), names.map(str::to_owned).collect())
        })
        .collect()
}

/// Reads `x-descope-aliases` of every schema.
pub(crate) fn aliases(bundle: &Value) -> Aliases {
    let mut aliases = Aliases::new();
    for (schema, value) in members(&bundle["components"]["schemas"]) {
        for (property, names) in members(&value["x-descope-aliases"]) {
            let names: Vec<String> = match names {
                Value::String(name) => vec![name.clone()],
                Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => continue,
            };
            aliases.entry(schema.to_owned()).or_default().insert(property.to_owned(), names);
        }
    }
    aliases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_the_generated_functions_is_made_plain() {
        let header = json!({ "name": "x-token", "in": "header", "required": false, "schema": { "type": "string" } });
        let answer = json!({ "type": "object", "properties": { "at": { "type": "string", "format": "int64" } } });
        let bundle = json!({
            "paths": { "/a": { "post": {
                "parameters": [{ "$ref": "#/components/parameters/Token" }, header, { "name": "q", "in": "query" }],
                "requestBody": { "required": false },
                "responses": { "200": { "content": { SCIM_JSON: { "schema": answer } } } },
            } } },
            "components": { "parameters": { "Token": header } },
        });
        let prepared = for_progenitor(&bundle, &mut Tally::default());
        let operation = &prepared["paths"]["/a"]["post"];
        assert_eq!(operation["parameters"], json!([{ "name": "q", "in": "query" }]));
        assert_eq!(operation["requestBody"]["required"], true);
        let schema = &operation["responses"]["2XX"]["content"]["application/json"]["schema"];
        assert_eq!(schema["properties"]["at"], json!({ "type": "integer", "format": "int64" }));
        assert!(prepared["components"]["parameters"].is_null());
    }

    #[test]
    fn a_header_that_is_required_stays_an_argument() {
        let header = json!({ "name": "x-token", "in": "header", "required": true });
        let mut operation = json!({ "parameters": [header] });
        without_headers(&mut operation, &Value::Null, &mut Tally::default());
        assert_eq!(operation["parameters"], json!([header]));
    }
}
