use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Number, Value, json};

use super::Report;
use crate::document::{Document, members};

pub(super) fn check(document: &Document, report: &mut Report<'_>) {
    let mut checker = match Checker::new(document) {
        Ok(checker) => checker,
        Err(error) => return report.at("/components", format!("the schemas cannot be compiled: {error}")),
    };
    for operation in document.operations() {
        let pointer = operation.pointer();
        let body = &operation.value["requestBody"];
        let mut bodies = vec![(format!("{pointer}/requestBody"), body)];
        for (code, response) in members(&operation.value["responses"]) {
            bodies.push((format!("{pointer}/responses/{code}"), response));
        }
        for (pointer, body) in bodies {
            media(&mut checker, &pointer, body, report);
        }
    }
    for (name, response) in members(&document.value["components"]["responses"]) {
        media(&mut checker, &format!("/components/responses/{name}"), response, report);
    }
}

fn media(checker: &mut Checker, pointer: &str, body: &Value, report: &mut Report<'_>) {
    for (name, media) in members(&body["content"]) {
        let pointer = format!("{pointer}/content/{}", crate::yaml::escape(name));
        let Some(example) = media.get("example") else {
            report.at(&pointer, "no example");
            continue;
        };
        let pointer = format!("{pointer}/example");
        if let Some(number) = too_large(example) {
            report.at(&pointer, format!("the example holds {number}, which no integer of 64 bits reaches"));
        }
        match checker.faults(&media["schema"], example) {
            Ok(faults) => {
                for fault in faults {
                    report.at(&pointer, format!("the example does not validate: {fault}"));
                }
            }
            Err(error) => report.at(&pointer, format!("the schema cannot be compiled: {error}")),
        }
    }
}

/// A whole number that an integer of 64 bits cannot hold; no fraction is as large as that.
fn too_large(value: &Value) -> Option<&Number> {
    match value {
        Value::Number(number) => {
            (!number.is_i64() && number.as_f64().is_some_and(|float| float.abs() >= 2f64.powi(63))).then_some(number)
        }
        Value::Array(items) => items.iter().find_map(too_large),
        Value::Object(map) => map.values().find_map(too_large),
        _ => None,
    }
}

/// Validates values against schemas of the document, with no unknown member let pass.
pub(crate) struct Checker {
    registry: jsonschema::Registry<'static>,
    compiled: HashMap<String, Validator>,
}

impl Checker {
    pub(crate) fn new(document: &Document) -> Result<Self, String> {
        Self::build(document, false)
    }

    /// Takes digits in a string for an integer, as the service does.
    pub(crate) fn lenient(document: &Document) -> Result<Self, String> {
        Self::build(document, true)
    }

    fn build(document: &Document, lenient: bool) -> Result<Self, String> {
        let mut schemas = document.value["components"]["schemas"].clone();
        strict(&mut schemas, true);
        if lenient {
            loosen(&mut schemas, true);
        }
        let root = json!({ "components": { "schemas": schemas } });
        let resource = jsonschema::Resource::from_contents(root);
        let registry = jsonschema::Registry::new()
            .add("urn:descope", resource)
            .and_then(jsonschema::RegistryBuilder::prepare)
            .map_err(|error| error.to_string())?;
        Ok(Self { registry, compiled: HashMap::new() })
    }

    /// What is wrong with `value`, in words.
    pub(crate) fn faults(&mut self, schema: &Value, value: &Value) -> Result<Vec<String>, String> {
        let key = schema.to_string();
        if !self.compiled.contains_key(&key) {
            let mut strict_schema = schema.clone();
            strict(&mut strict_schema, false);
            let compiled = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft4)
                .with_registry(&self.registry)
                .build(&strict_schema)
                .map_err(|error| error.to_string())?;
            self.compiled.insert(key.clone(), compiled);
        }
        let validator = &self.compiled[&key];
        Ok(validator
            .iter_errors(value)
            .map(|error| match error.instance_path().to_string() {
                path if path.is_empty() => error.to_string(),
                path => format!("{path}: {error}"),
            })
            .collect())
    }
}

/// From the dialect of OpenAPI 3.0 to JSON Schema draft 4, with objects closed where they list their properties.
fn strict(value: &mut Value, names_are_data: bool) {
    match value {
        Value::Object(map) => {
            if !names_are_data {
                adapt(map);
            }
            for (name, child) in map.iter_mut() {
                strict(child, !names_are_data && name == "properties");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strict(item, false)),
        _ => {}
    }
}

fn loosen(value: &mut Value, names_are_data: bool) {
    match value {
        Value::Object(map) => {
            // A string of digits is one that the service would take as a number too.
            let whole = map.get("type").is_some_and(|kind| kind == "integer")
                || map.get("format").is_some_and(|format| format == "int64");
            if !names_are_data && whole {
                map.insert("type".to_owned(), json!(["integer", "string"]));
                map.insert("pattern".to_owned(), json!("^-?[0-9]+$"));
            }
            for (name, child) in map.iter_mut() {
                loosen(child, !names_are_data && name == "properties");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| loosen(item, false)),
        _ => {}
    }
}

fn adapt(schema: &mut Map<String, Value>) {
    if let Some(Value::String(target)) = schema.get_mut("$ref")
        && target.starts_with('#')
    {
        *target = format!("urn:descope{target}");
    }
    if schema.remove("nullable") == Some(Value::Bool(true))
        && let Some(kind) = schema.get("type").cloned()
    {
        schema.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(aliases) = schema.remove("x-descope-aliases") {
        for (property, names) in members(&aliases) {
            let names = names.as_array().cloned().unwrap_or_else(|| vec![names.clone()]);
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            accept_aliases(schema, property, &names);
        }
    }
    if schema.get("properties").is_some_and(Value::is_object) && !schema.contains_key("additionalProperties") {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    schema.remove("example");
}

/// Lets a property go by any of its names, and asks for one of them where it is required.
fn accept_aliases(schema: &mut Map<String, Value>, property: &str, aliases: &[&str]) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let same = properties.get(property).cloned().unwrap_or_default();
        properties.extend(aliases.iter().map(|alias| ((*alias).to_owned(), same.clone())));
    }
    let required = schema.get_mut("required").and_then(Value::as_array_mut);
    let asked = required.is_some_and(|required| {
        let before = required.len();
        required.retain(|name| name != property);
        required.len() < before
    });
    if asked {
        let one_of: Vec<Value> =
            [&[property], aliases].concat().iter().map(|name| json!({ "required": [name] })).collect();
        let all = schema.entry("allOf").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.push(json!({ "anyOf": one_of }));
        }
    }
    // Draft 4 knows no empty list of required names.
    if schema.get("required").is_some_and(|required| required == &json!([])) {
        schema.remove("required");
    }
}
