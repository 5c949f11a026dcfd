use heck::ToSnakeCase as _;
use serde_json::Value;

use super::{Report, form};
use crate::{
    codegen::overlay,
    document::{Document, members},
};

/// The types of a schema, and the formats of each that are read as they are meant.
const TYPES: [(&str, &[&str]); 6] = [
    ("array", &[]),
    ("boolean", &[]),
    ("integer", &["int64"]),
    ("number", &["double"]),
    ("object", &[]),
    // Digits in quotes, as the service writes 64-bit numbers.
    ("string", &["byte", "int64", "password"]),
];

/// The members of a schema that mean nothing beside another type.
const BELONGS_TO: [(&str, &[&str]); 10] = [
    ("items", &["array"]),
    ("properties", &["object"]),
    ("additionalProperties", &["object"]),
    ("required", &["object"]),
    ("x-descope-aliases", &["object"]),
    ("minimum", &["integer", "number"]),
    ("maximum", &["integer", "number"]),
    ("x-extensible-enum", &["string", "integer"]),
    ("x-descope-vocabulary", &["string"]),
    // Digits in quotes are numbers too.
    ("x-descope-unit", &["integer", "string"]),
];

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

pub(super) fn kind(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        if schema["$ref"].is_string() {
            return;
        }
        let Some(kind) = schema["type"].as_str() else {
            return untyped(schema, pointer, report);
        };
        if !TYPES.iter().any(|(known, _)| *known == kind) {
            let known = TYPES.map(|(known, _)| known);
            let meant = known.iter().min_by_key(|known| strsim::osa_distance(known, kind)).unwrap_or(&"string");
            let known = known.join(", ");
            let at = format!("{pointer}/type");
            report.at(&at, format!("`{kind}` is not a type ({known}); did you mean `{meant}`?"));
            return;
        }
        if kind == "number" && schema["format"] != "double" {
            report.at(pointer, "a number without `format: double`; whole numbers are `integer` with `format: int64`");
        }
        for (member, kinds) in BELONGS_TO {
            if schema.get(member).is_some() && !kinds.contains(&kind) {
                let at = format!("{pointer}/{member}");
                report.at(&at, format!("`{member}` belongs to {}, not to `type: {kind}`", kinds.join(" or ")));
            }
        }
        if schema["x-descope-any"] == true {
            report.at(pointer, format!("`x-descope-any` beside `type: {kind}`: leave one of them out"));
        }
        if schema["required"].as_array().is_some_and(Vec::is_empty) {
            report.at(&format!("{pointer}/required"), "an empty `required` is not allowed in 3.0; take it out");
        }
        for (index, name) in schema["required"].as_array().into_iter().flatten().enumerate() {
            let known = name.as_str().is_none_or(|name| schema["properties"].get(name).is_some());
            if !known {
                let at = format!("{pointer}/required/{index}");
                report.at(&at, format!("{name} is required and not among the properties"));
            }
        }
        if schema["minimum"].as_f64().is_some_and(|minimum| minimum > 0.0) {
            let message = "a minimum above 0 becomes a type that refuses a lower value in an answer; say it in the \
                           description";
            report.at(&format!("{pointer}/minimum"), message);
        }
        if schema["maximum"].as_f64().is_some_and(|maximum| schema["minimum"].as_f64().is_some_and(|m| m > maximum)) {
            report.at(&format!("{pointer}/maximum"), "the maximum is below the minimum");
        }
    });
}

fn untyped(schema: &Value, pointer: &str, report: &mut Report<'_>) {
    if let Some(variants) = schema["oneOf"].as_array() {
        if variants.len() < 2 {
            report.at(pointer, "`oneOf` has fewer than two forms");
        }
        return;
    }
    // What else a map holds needs no word.
    if schema["x-descope-any"] == true || pointer.ends_with("/additionalProperties") {
        return;
    }
    let message = match BELONGS_TO.iter().find(|(member, _)| schema.get(member).is_some()) {
        Some((member, kinds)) => format!("`{member}` without a type; write `type: {}`", kinds[0]),
        None => "no `type`; a value that may be any JSON says `x-descope-any: true`".to_owned(),
    };
    report.at(pointer, message);
}

pub(super) fn known_values(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        let Some(values) = schema["x-extensible-enum"].as_array() else { return };
        let pointer = format!("{pointer}/x-extensible-enum");
        let kind = schema["type"].as_str().unwrap_or_default();
        if values.is_empty() {
            report.at(&pointer, "no value; leave x-extensible-enum out");
        }
        for (index, value) in values.iter().enumerate() {
            let at = format!("{pointer}/{index}");
            let fits = if kind == "integer" { value.is_i64() } else { value.is_string() };
            if !fits {
                let hint = if kind == "string" { "; put it in quotes" } else { "" };
                report.at(&at, format!("{value} is not of the type `{kind}`{hint}"));
            }
            if values[..index].contains(value) {
                report.at(&at, format!("{value} stands in the list twice"));
            }
        }
    });
}

/// Calls `visit` for every schema of the document, components and inline ones, with its pointer.
fn each<'a>(document: &'a Document, visit: &mut dyn FnMut(&str, &'a Value)) {
    form::schemas(document, visit);
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
        let kind = schema["type"].as_str().unwrap_or_default();
        let known = TYPES.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, formats)| formats);
        if let Some(format) = format
            && !known.contains(&format)
        {
            let message = match known {
                [] => format!("`{kind}` has no formats; leave `format: {format}` out"),
                known => format!(
                    "`format: {format}` becomes a type that refuses other spellings or is not read at all; describe \
                     the form instead (formats of `{kind}`: {})",
                    known.join(", ")
                ),
            };
            report.at(pointer, message);
        }
        if kind == "integer" && format != Some("int64") {
            report.at(pointer, "an integer without `format: int64`");
        }
    });
}

/// How a unit is called in descriptions; the longer words first.
const UNITS: [(&str, &str); 4] = [
    ("epoch-milliseconds", "in epoch milliseconds"),
    ("epoch-seconds", "in epoch seconds"),
    ("milliseconds", "in milliseconds"),
    ("seconds", "in seconds"),
];

pub(super) fn unit(document: &Document, report: &mut Report<'_>) {
    each(document, &mut |pointer, schema| {
        let unit = schema["x-descope-unit"].as_str();
        if let Some(unit) = unit
            && !UNITS.iter().any(|(known, _)| *known == unit)
        {
            let known = UNITS.map(|(known, _)| known).join(", ");
            report.at(pointer, format!("`{unit}` is not a unit: {known}"));
            return;
        }
        let words = schema["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let told = UNITS.iter().find(|(_, told)| words.contains(told)).map(|(unit, _)| *unit);
        if schema["format"] == "int64" && unit != told {
            let said = |unit: Option<&str>| unit.map_or("none".to_owned(), |unit| format!("`{unit}`"));
            report.at(pointer, format!("the description says {}, x-descope-unit {}", said(told), said(unit)));
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

/// In the body of a call that changes only what is sent, what is sent has to be told from what is not: generators start
/// an optional list or map with nothing in it and send it, which clears what the service holds.
pub(super) fn partial(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        for (media, body) in members(&operation.value["requestBody"]["content"]) {
            let target = body["schema"]["$ref"].as_str();
            let name = target.and_then(|target| target.rsplit('/').next()).unwrap_or_default();
            if !overlay::is_partial(&operation, name) {
                continue;
            }
            let pointer = target.and_then(|target| target.strip_prefix('#')).map_or_else(
                || format!("{}/requestBody/content/{}/schema", operation.pointer(), crate::yaml::escape(media)),
                str::to_owned,
            );
            let schema = document.resolve(&body["schema"]);
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, property) in members(&schema["properties"]) {
                let known = document.resolve(property);
                let holds_many = known["type"] == "array" || known["type"] == "object" && known["properties"].is_null();
                if holds_many && known["nullable"] != true && !required.contains(&name) {
                    let at = format!("{pointer}/properties/{}", crate::yaml::escape(name));
                    let id = operation.id().unwrap_or_default();
                    report.at(&at, format!("`{name}` is left alone by `{id}` when it is left out: `nullable: true`"));
                }
            }
        }
    }
}
