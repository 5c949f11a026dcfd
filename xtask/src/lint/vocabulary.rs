//! Growing vocabularies: each has a name, and the same values wherever the name stands.

use std::collections::BTreeMap;

use heck::ToUpperCamelCase as _;
use serde_json::Value;

use super::{Report, form};
use crate::{
    codegen::{VOCABULARY, constant},
    document::Document,
};

pub(super) fn check(document: &Document, report: &mut Report<'_>) {
    let mut seen: BTreeMap<&str, (String, &Value)> = BTreeMap::new();
    form::schemas(document, &mut |pointer, schema| {
        let values = &schema["x-extensible-enum"];
        let Some(name) = schema[VOCABULARY].as_str() else {
            if values.is_array() && schema["type"] == "string" {
                let message = format!("known values without a name; write `{VOCABULARY}: UserStatus`, say");
                report.at(&format!("{pointer}/x-extensible-enum"), message);
            }
            return;
        };
        let at = format!("{pointer}/{VOCABULARY}");
        if !values.is_array() {
            return report.at(&at, format!("`{name}` has no values; list them under x-extensible-enum"));
        }
        if name.to_upper_camel_case() != name || !name.starts_with(|first: char| first.is_ascii_uppercase()) {
            report.at(&at, format!("`{name}` is not in UpperCamelCase"));
        }
        if document.value["components"]["schemas"][name].is_object() {
            report.at(&at, format!("`{name}` is the name of a schema"));
        }
        if let Some((first, known)) = seen.get(name) {
            if *known != values {
                let place = document.place(first);
                report
                    .at(&at, format!("`{name}` has other values at {place}; give it another name, or the same values"));
            }
            return;
        }
        constants(name, values, pointer, report);
        seen.insert(name, (pointer.to_owned(), values));
    });
}

/// Whether every value can have a constant of its own.
fn constants(name: &str, values: &Value, pointer: &str, report: &mut Report<'_>) {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for (index, value) in values.as_array().into_iter().flatten().enumerate() {
        let Some(value) = value.as_str() else { continue };
        let at = format!("{pointer}/x-extensible-enum/{index}");
        let constant = constant(name, value);
        if syn::parse_str::<syn::Ident>(&constant).is_err() {
            report.at(&at, format!("`{value}` would be the constant `{constant}`, which is no name"));
        } else if let Some(other) = taken.insert(constant.clone(), value).filter(|other| *other != value) {
            report.at(&at, format!("`{value}` and `{other}` would both be the constant `{constant}`"));
        }
    }
}
