use std::collections::BTreeMap;

use heck::{ToLowerCamelCase as _, ToSnakeCase as _, ToUpperCamelCase as _};
use serde_json::Value;

use super::Report;
use crate::{
    codegen::function_name,
    document::{Document, members, walk},
    yaml::escape,
};

/// Endings that generators add to names of their own.
const ADDED_SUFFIXES: [&str; 5] = ["Async", "WithHttpInfo", "Request", "Response", "WithRawResponse"];

/// Names that stand for something else in one of the languages that clients are generated for.
const BUILT_IN: [&str; 24] = [
    "Any", "Array", "Box", "Client", "Date", "Error", "File", "Function", "Input", "List", "Map", "Node", "Object",
    "Option", "Record", "Resource", "Response", "Result", "Screen", "Set", "String", "Type", "Value", "Vec",
];

/// Properties that the service sends beside the one they ask about; `spec/README.md` tells how Go gets along with them.
const HAS_BESIDE: [&str; 1] = ["hasRefreshToken"];

pub(super) fn operation_id(document: &Document, report: &mut Report<'_>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for operation in document.operations() {
        let pointer = operation.pointer();
        let Some(id) = operation.id() else {
            report.at(&pointer, "no operationId");
            continue;
        };
        let pointer = format!("{pointer}/operationId");
        let camel = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(|c| c.is_ascii_alphanumeric());
        if !camel {
            report.at(&pointer, format!("`{id}` is not lowerCamelCase"));
        }
        if function_name(id) != id.to_snake_case() {
            report.at(&pointer, format!("`{id}`: write acronyms as words, so that every capital starts one"));
        }
        if let Some(suffix) = ADDED_SUFFIXES.iter().find(|suffix| id.ends_with(**suffix)) {
            report.at(&pointer, format!("`{id}` ends in `{suffix}`, which generators add themselves"));
        }
        if let Some(other) = seen.insert(id.to_snake_case(), id) {
            report.at(&pointer, format!("the operationId `{id}` meets `{other}` of another operation"));
        }
        let named = format!("{}Request", id.to_upper_camel_case());
        let taken = !document.value["components"]["schemas"][&named].is_null();
        if taken && !bodies(operation.value).iter().any(|body| body.ends_with(&format!("/{named}"))) {
            report.at(&pointer, format!("`{named}`, which generators of Go write for `{id}`, is another body's name"));
        }
        if let Some(tag) = operation.tag()
            && !id.to_snake_case().starts_with(&tag.replace('-', "_"))
        {
            report.at(&pointer, format!("`{id}` does not begin with its tag `{tag}`"));
        }
    }
}

/// What the bodies of an operation refer to.
fn bodies(operation: &Value) -> Vec<&str> {
    let media = members(&operation["requestBody"]["content"]);
    media.into_iter().filter_map(|(_, media)| media["schema"]["$ref"].as_str()).collect()
}

pub(super) fn titles(document: &Document, report: &mut Report<'_>) {
    let components: Vec<&str> = document.schemas().into_iter().map(|(name, _)| name).collect();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for part in ["components", "paths"] {
        walk(&document.value[part], &format!("/{part}"), &mut |pointer, value| {
            let Some(title) = value["title"].as_str().filter(|_| is_schema(value)) else { return };
            let type_name = title.to_upper_camel_case();
            if components.contains(&type_name.as_str()) {
                report.at(pointer, format!("the title `{title}` is the name of a component"));
            }
            if let Some(first) = seen.insert(type_name, pointer.to_owned()) {
                let first = document.place(&first);
                report.at(pointer, format!("the title `{title}` stands for two types, the other at {first}"));
            }
        });
    }
}

pub(super) fn components(document: &Document, report: &mut Report<'_>) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, _) in document.schemas() {
        let pointer = format!("/components/schemas/{}", escape(name));
        if BUILT_IN.contains(&name) {
            report.at(&pointer, format!("`{name}` is a built-in name somewhere; say whose it is"));
        }
        if name.to_upper_camel_case() != name {
            report.at(&pointer, format!("`{name}` would become `{}`", name.to_upper_camel_case()));
        }
        if let Some(other) = seen.insert(name.to_snake_case(), name) {
            report.at(&pointer, format!("`{name}` meets `{other}` in snake_case"));
        }
    }
}

pub(super) fn properties(document: &Document, report: &mut Report<'_>) {
    walk(&document.value["components"]["schemas"], "/components/schemas", &mut |pointer, value| {
        if let (Some(Value::Object(_)), true) = (value.get("properties"), is_schema(value)) {
            let mut seen: BTreeMap<String, &str> = BTreeMap::new();
            for (name, _) in members(&value["properties"]) {
                if let Some(other) = seen.insert(name.to_snake_case(), name) {
                    let at = format!("{pointer}/properties/{}", escape(name));
                    report.at(
                        &at,
                        format!(
                            "`{name}` meets `{other}` in snake_case; keep one and list the other in x-descope-aliases"
                        ),
                    );
                }
                let question =
                    name.strip_prefix("has").filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
                if let Some(rest) = question
                    && !value["properties"][rest.to_lower_camel_case()].is_null()
                    && !HAS_BESIDE.contains(&name)
                {
                    let at = format!("{pointer}/properties/{}", escape(name));
                    report.at(&at, format!("`{name}` meets the accessor that generators of Go write for `{rest}`"));
                }
            }
            for (name, _) in members(&value["x-descope-aliases"]) {
                if value["properties"][name].is_null() {
                    report.at(&format!("{pointer}/x-descope-aliases"), format!("`{name}` is no property"));
                }
            }
        }
    });
}

/// Tells a schema from a map of properties that happens to have one called `properties`.
pub(super) fn is_schema(value: &Value) -> bool {
    value.get("type").is_some_and(Value::is_string) || value.get("oneOf").is_some_and(Value::is_array)
}
