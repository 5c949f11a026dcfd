use std::collections::BTreeMap;

use heck::{ToLowerCamelCase as _, ToSnakeCase as _, ToUpperCamelCase as _};
use serde_json::Value;

use super::{Report, form};
use crate::{
    codegen::function_name,
    document::{Document, Operation, members},
    yaml::escape,
};

/// Endings that generators add to names of their own.
const ADDED_SUFFIXES: [&str; 5] = ["Async", "WithHttpInfo", "Request", "Response", "WithRawResponse"];

/// Names that stand for something else in one of the languages that clients are generated for.
const BUILT_IN: [&str; 24] = [
    "Any", "Array", "Box", "Client", "Date", "Error", "File", "Function", "Input", "List", "Map", "Node", "Object",
    "Option", "Record", "Resource", "Response", "Result", "Screen", "Set", "String", "Type", "Value", "Vec",
];

/// What a generator of Go (oapi-codegen) adds to the id of an operation, in `PascalCase`, for types of its own.
const GO_SUFFIXES: [&str; 13] = [
    "FormdataBody",
    "FormdataRequestBody",
    "JSONBody",
    "JSONRequestBody",
    "MultipartBody",
    "MultipartRequestBody",
    "Params",
    "RequestBody",
    "RequestObject",
    "Response",
    "ResponseObject",
    "TextBody",
    "TextRequestBody",
];

/// Properties that the service sends beside the one they ask about; `spec/README.md` tells how Go gets along with them.
const HAS_BESIDE: [&str; 1] = ["hasRefreshToken"];

pub(super) fn operation_id(document: &Document, report: &mut Report<'_>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
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
        if let Some(other) = seen.insert(squashed(id), pointer.clone()) {
            let other = document.place(&other);
            report.at(&pointer, format!("the operationId `{id}` meets that of the operation at {other}"));
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
    let components: BTreeMap<String, &str> =
        document.schemas().into_iter().map(|(name, _)| (squashed(name), name)).collect();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    form::schemas(document, &mut |pointer, value| {
        let Some(title) = value["title"].as_str() else { return };
        let type_name = title.to_upper_camel_case();
        if let Some(component) = components.get(&squashed(title)) {
            report.at(pointer, format!("the title `{title}` meets the name of the component `{component}`"));
        }
        if !type_name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            report.at(pointer, format!("the title `{title}` cannot become the name of a type"));
        }
        if let Some(first) = seen.insert(squashed(title), pointer.to_owned()) {
            let first = document.place(&first);
            report.at(pointer, format!("the title `{title}` stands for two types, the other at {first}"));
        }
    });
}

pub(super) fn components(document: &Document, report: &mut Report<'_>) {
    for id in document.operations().iter().filter_map(Operation::id) {
        let pascal = id.to_upper_camel_case();
        let go = GO_SUFFIXES.map(|suffix| format!("{pascal}{suffix}"));
        let around = [
            format!("New{pascal}Request"),
            format!("New{pascal}RequestWithBody"),
            format!("Parse{pascal}Response"),
            format!("Api{pascal}Request"),
        ];
        for name in go.into_iter().chain(around) {
            if !document.value["components"]["schemas"][&name].is_null() {
                let at = format!("/components/schemas/{}", escape(&name));
                report.at(
                    &at,
                    format!("`{name}` is what a generator of Go writes for `{id}`; name it after what it holds"),
                );
            }
        }
    }
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, _) in document.schemas() {
        let pointer = format!("/components/schemas/{}", escape(name));
        if BUILT_IN.contains(&name) {
            report.at(&pointer, format!("`{name}` is a built-in name somewhere; say whose it is"));
        }
        if name.to_upper_camel_case() != name {
            report.at(&pointer, format!("`{name}` would become `{}`", name.to_upper_camel_case()));
        }
        if let Some(other) = seen.insert(squashed(name), name) {
            report.at(&pointer, format!("`{name}` meets `{other}`, as they differ only in case"));
        }
    }
}

pub(super) fn properties(document: &Document, report: &mut Report<'_>) {
    form::schemas(document, &mut |pointer, value| {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (name, _) in members(&value["properties"]) {
            let at = format!("{pointer}/properties/{}", escape(name));
            if !name.starts_with(|c: char| c.is_ascii_alphabetic() || "$_".contains(c)) || squashed(name).is_empty() {
                report.at(&at, format!("`{name}` cannot become the name of a field: it does not begin with a letter"));
            }
            if let Some(other) = seen.insert(squashed(name), name) {
                let of_other = format!("{pointer}/properties/{}", escape(other));
                // The one that was added below is the one to look at.
                let below = document.place(&of_other) > document.place(&at);
                let (at, name, other) = if below { (&of_other, other, name) } else { (&at, name, other) };
                report.at(
                    at,
                    format!(
                        "`{name}` meets `{other}`, as they differ only in case, underscores or hyphens; keep one and \
                         list the other in x-descope-aliases"
                    ),
                );
            }
            let question = name.strip_prefix("has").filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
            if let Some(rest) = question
                && !value["properties"][rest.to_lower_camel_case()].is_null()
                && !HAS_BESIDE.contains(&name)
            {
                report.at(&at, format!("`{name}` meets the accessor that generators of Go write for `{rest}`"));
            }
        }
        for (name, aliases) in members(&value["x-descope-aliases"]) {
            let at = format!("{pointer}/x-descope-aliases/{}", escape(name));
            if value["properties"][name].is_null() {
                report.at(&at, format!("`{name}` is not a property"));
            }
            let aliases = aliases.as_array().map_or(std::slice::from_ref(aliases), Vec::as_slice);
            for alias in aliases.iter().filter_map(Value::as_str) {
                if !value["properties"][alias].is_null() {
                    report.at(&at, format!("the alias `{alias}` is a property of its own"));
                }
            }
        }
    });
}

/// A name as the generators see it that are least exact: without case, underscores, hyphens and other marks.
pub(super) fn squashed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
