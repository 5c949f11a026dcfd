use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase as _;
use serde_json::Value;

use super::Report;
use crate::{
    document::{Document, Operation, members},
    yaml::escape,
};

/// The refusals that every operation lists.
const ERROR_CODES: [&str; 6] = ["400", "401", "403", "404", "429", "500"];

const SHARED_ERROR: &str = "#/components/responses/Error";

pub(super) fn head(document: &Document, report: &mut Report<'_>) {
    match document.value["openapi"].as_str() {
        Some(version) if version.starts_with("3.0.") => {}
        other => report.at("/openapi", format!("version {} is not 3.0", other.unwrap_or("unknown"))),
    }
    for member in ["info", "servers", "tags", "paths"] {
        if document.value[member].is_null() {
            report.at("", format!("`{member}` is missing"));
        }
    }
    let mut seen = BTreeMap::new();
    for (path, _) in members(&document.value["paths"]) {
        let pointer = format!("/paths/{}", escape(path));
        if !path.starts_with('/') || path.len() > 1 && path.ends_with('/') {
            report.at(&pointer, format!("`{path}` does not start with a slash, or ends with one"));
        }
        let shape: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        if let Some(other) = seen.insert(shape, path) {
            report.at(&pointer, format!("`{path}` matches the same addresses as `{other}`"));
        }
    }
}

pub(super) fn tag(document: &Document, report: &mut Report<'_>) {
    let declared: BTreeSet<&str> =
        document.value["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    let mut used = BTreeSet::new();
    for operation in document.operations() {
        let pointer = operation.pointer();
        let tags = operation.value["tags"].as_array().map_or(&[][..], Vec::as_slice);
        let [tag] = tags else {
            report.at(&pointer, format!("{} tags instead of one", tags.len()));
            continue;
        };
        let tag = tag.as_str().unwrap_or_default();
        used.insert(tag.to_owned());
        if !declared.contains(tag) {
            report.at(&pointer, format!("the tag `{tag}` is not declared in spec/openapi.yaml"));
        }
        let file = document.place(&pointer).file;
        let expected = file.trim_start_matches("spec/").trim_end_matches(".yaml").replace('/', "-");
        if expected.trim_start_matches("auth-") != tag {
            report.at(&pointer, format!("the tag `{tag}` belongs into a file of that name"));
        }
    }
    for (index, tag) in document.value["tags"].as_array().into_iter().flatten().enumerate() {
        let pointer = format!("/tags/{index}");
        let name = tag["name"].as_str().unwrap_or_default();
        if !used.contains(name) {
            report.at(&pointer, format!("no operation has the tag `{name}`"));
        }
        if text(&tag["description"]).is_empty() {
            report.at(&pointer, format!("the tag `{name}` has no description"));
        }
    }
}

pub(super) fn prose(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        let (summary, description) = (text(&operation.value["summary"]), text(&operation.value["description"]));
        let pointer = operation.pointer();
        if summary.is_empty() || summary.ends_with('.') || summary.len() > 100 {
            report.at(&pointer, "a summary of one line without a full stop is missing");
        }
        if description.len() < 40 || description == summary {
            report.at(&pointer, "a description that tells what the operation does to the user is missing");
        }
        if description.contains("undefined") || description.contains("TODO") {
            report.at(&pointer, "the description is not finished");
        }
    }
}

pub(super) fn security(document: &Document, report: &mut Report<'_>) {
    let schemes = &document.value["components"]["securitySchemes"];
    for operation in document.operations() {
        let pointer = operation.pointer();
        let Some(alternatives) = operation.value["security"].as_array() else {
            report.at(&pointer, "no security; a public operation says `security: []`");
            continue;
        };
        for alternative in alternatives {
            match members(alternative).as_slice() {
                [(scheme, _)] if !schemes[*scheme].is_null() => {}
                [(scheme, _)] => report.at(&pointer, format!("the security scheme `{scheme}` is not declared")),
                several => report.at(
                    &pointer,
                    format!(
                        "{} schemes in one entry mean all of them at once; list them as alternatives",
                        several.len()
                    ),
                ),
            }
        }
    }
}

pub(super) fn responses(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        let pointer = format!("{}/responses", operation.pointer());
        let responses = members(&operation.value["responses"]);
        let (errors, successes): (Vec<_>, Vec<_>) =
            responses.into_iter().partition(|(code, _)| !code.starts_with(['2', '3']));
        if successes.len() != 1 {
            report.at(&pointer, format!("{} successes instead of one", successes.len()));
        }
        for (code, success) in successes {
            if members(&success["content"]).len() > 1 {
                report.at(&pointer, format!("{code} has more than one media type"));
            }
        }
        for (code, error) in &errors {
            if !ERROR_CODES.contains(code) {
                report.at(&pointer, format!("`{code}` is not one of the listed error codes"));
            } else if error["$ref"] != SHARED_ERROR {
                report.at(&pointer, format!("{code} does not refer to {SHARED_ERROR}"));
            }
        }
        for code in ERROR_CODES {
            if !errors.iter().any(|(listed, _)| *listed == code) {
                report.at(&pointer, format!("{code} is missing"));
            }
        }
    }
}

pub(super) fn extensions(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        let pointer = operation.pointer();
        let source = text(&operation.value["x-descope-source"]);
        let upstream = text(&operation.value["x-descope-upstream-operation"]);
        match (source, upstream.is_empty()) {
            ("published", false) | ("sdk", true) => {}
            ("published", true) => report.at(&pointer, "x-descope-upstream-operation is missing"),
            ("sdk", false) => report.at(&pointer, "an operation that only SDKs know has no published operationId"),
            _ => report.at(&pointer, "x-descope-source is neither `published` nor `sdk`"),
        }
        let retry = text(&operation.value["x-descope-retry"]);
        if !["safe", "idempotent", "never"].contains(&retry) {
            report.at(&pointer, "x-descope-retry is none of `safe`, `idempotent` and `never`");
        }
        if operation.method == "get" && retry != "safe" && operation.value["x-descope-changes"].is_null() {
            report.at(&pointer, "a GET reads, so x-descope-retry is `safe` (x-descope-changes says why it is not)");
        }
        for (name, _) in members(operation.value).iter().filter(|(name, _)| name.starts_with("x-")) {
            if !KNOWN_EXTENSIONS.contains(name) {
                report.at(&pointer, format!("`{name}` is not an extension that anything reads"));
            }
        }
    }
}

const KNOWN_EXTENSIONS: [&str; 5] =
    ["x-descope-changes", "x-descope-retry", "x-descope-source", "x-descope-upstream-operation", "x-internal"];

pub(super) fn parameters(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        let pointer = operation.pointer();
        let declared: Vec<&Value> = operation.value["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| document.resolve(parameter))
            .collect();
        let in_path: BTreeSet<&str> = names_in_path(operation.path);
        let mut seen = BTreeMap::new();
        for parameter in &declared {
            let name = text(&parameter["name"]);
            if text(&parameter["description"]).is_empty() {
                report.at(&pointer, format!("the parameter `{name}` has no description"));
            }
            if text(&parameter["in"]) == "path" && (!in_path.contains(name) || parameter["required"] != true) {
                report.at(&pointer, format!("the path parameter `{name}` is not in the path, or not required"));
            }
            if parameter["schema"].is_null() {
                report.at(&pointer, format!("the parameter `{name}` has no schema"));
            }
            if let Some(other) = seen.insert(name.to_snake_case(), name) {
                report.at(&pointer, format!("the parameter `{name}` meets `{other}` in snake_case"));
            }
        }
        for name in in_path {
            if !declared.iter().any(|parameter| parameter["name"] == name && parameter["in"] == "path") {
                report.at(&pointer, format!("the path parameter `{name}` is not declared"));
            }
            let body = body_schema(document, operation).map(|schema| &schema["properties"][name]);
            if body.is_some_and(|property| !property.is_null()) {
                report.at(&pointer, format!("the path parameter `{name}` stands in the body too"));
            }
        }
    }
}

fn names_in_path(path: &str) -> BTreeSet<&str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

fn body_schema<'a>(document: &'a Document, operation: Operation<'a>) -> Option<&'a Value> {
    let (_, media) = members(&operation.value["requestBody"]["content"]).into_iter().next()?;
    Some(document.resolve(&media["schema"]))
}

pub(super) fn body(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        let body = &operation.value["requestBody"];
        if body.is_null() {
            continue;
        }
        let pointer = format!("{}/requestBody", operation.pointer());
        if ["get", "delete", "head"].contains(&operation.method) {
            report.at(&pointer, "neither GET nor DELETE carries a body");
        }
        let insists = body_schema(document, operation)
            .is_some_and(|schema| schema["required"].as_array().is_some_and(|names| !names.is_empty()));
        // A body without required members may be left out where the part says so.
        if body["required"] != true && (insists || body["required"] != false) {
            report.at(&pointer, "the body is not `required`");
        }
        if members(&body["content"]).len() != 1 {
            report.at(&pointer, "the body has not exactly one media type");
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}
