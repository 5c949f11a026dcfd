use heck::ToSnakeCase as _;
use serde_json::Value;

use super::{Report, names::is_schema};
use crate::document::{Document, members, walk};

const FORMATS: [&str; 12] =
    ["int32", "int64", "float", "double", "byte", "binary", "date", "date-time", "password", "uuid", "uri", "email"];

/// Properties that are secrets wherever they stand.
const SECRETS: [&str; 14] = [
    "password",
    "newPassword",
    "oldPassword",
    "sessionJwt",
    "refreshJwt",
    "trustedDeviceJwt",
    "cleartext",
    "secret",
    "clientSecret",
    "client_secret",
    "accessToken",
    "refreshToken",
    "managementKey",
    "pendingRef",
];

/// Calls `visit` for every schema of the document, components and inline ones, with its pointer.
fn each<'a>(document: &'a Document, visit: &mut dyn FnMut(&str, &'a Value)) {
    for root in ["components", "paths"] {
        walk(&document.value[root], &format!("/{root}"), &mut |pointer, value| {
            if is_schema(value) && !pointer.contains("/example") && !pointer.contains("/securitySchemes/") {
                visit(pointer, value);
            }
        });
    }
}

pub(super) fn prose(document: &Document, report: &mut Report<'_>) {
    for (name, schema) in document.schemas() {
        let pointer = format!("/components/schemas/{name}");
        described(name, schema, &pointer, report);
    }
    each(document, &mut |pointer, schema| {
        for (name, property) in members(&schema["properties"]) {
            if property["$ref"].is_null() {
                described(name, property, &format!("{pointer}/properties/{}", crate::yaml::escape(name)), report);
            }
        }
    });
}

fn described(name: &str, schema: &Value, pointer: &str, report: &mut Report<'_>) {
    let description = schema["description"].as_str().unwrap_or_default().trim();
    if description.is_empty() {
        report.at(pointer, format!("`{name}` has no description"));
    } else if words(description) == words(name) {
        report.at(pointer, format!("the description of `{name}` only restates the name"));
    } else if ["undefined", "TODO", "No description"].iter().any(|stub| description.contains(stub)) {
        report.at(pointer, format!("the description of `{name}` is not finished"));
    }
}

/// The words of a name or a sentence that carry meaning, for comparison.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .flat_map(|word| word.to_snake_case().split('_').map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| !["", "a", "an", "the", "of", "for", "this", "is"].contains(&word.as_str()))
        .collect();
    words.sort();
    words
}

pub(super) fn free_form(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        let bare = schema["type"] == "object" && schema["properties"].is_null();
        if bare && schema["additionalProperties"].is_null() {
            report.at(pointer, "a bare object; a free-form map says `additionalProperties: true`");
        }
        if schema["additionalProperties"] == false {
            report.at(pointer, "`additionalProperties: false` breaks readers when the service adds a member");
        }
        if schema["type"] == "array" && schema["items"].is_null() {
            report.at(pointer, "an array without `items`");
        }
    });
}

pub(super) fn default(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        let Some(default) = schema.get("default") else { return };
        let expected = schema["type"].as_str().unwrap_or_default();
        let fits = match default {
            Value::Bool(_) => expected == "boolean",
            Value::String(_) => expected == "string",
            Value::Number(number) => expected == "number" || expected == "integer" && number.is_i64(),
            Value::Array(_) => expected == "array",
            Value::Object(_) => expected == "object",
            Value::Null => schema["nullable"] == true,
        };
        if fits {
            report.at(pointer, "a default; say in the description what the service assumes");
        } else {
            report.at(pointer, format!("the default {default} is not of the type `{expected}`"));
        }
    });
}

pub(super) fn format(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        let format = schema["format"].as_str();
        match format {
            Some(format) if !FORMATS.contains(&format) => report.at(pointer, format!("`{format}` is no format of 3.0")),
            _ => {}
        }
        if schema["type"] == "integer" && format != Some("int64") {
            report.at(pointer, "an integer without `format: int64`");
        }
    });
}

pub(super) fn closed_enum(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        if schema.get("enum").is_some() {
            report.at(pointer, "a closed `enum`; use x-extensible-enum");
        }
    });
}

pub(super) fn secret(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        for (name, property) in members(&schema["properties"]) {
            if SECRETS.contains(&name) && property["type"] == "string" && property["format"] != "password" {
                let at = format!("{pointer}/properties/{name}");
                report.at(&at, format!("`{name}` is a secret: `format: password`"));
            }
        }
    });
}
