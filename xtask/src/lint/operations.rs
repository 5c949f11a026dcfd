use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Report, names::squashed};
use crate::{
    document::{Document, Operation, members},
    yaml::escape,
};

/// The refusals that every operation lists.
const ERROR_CODES: [&str; 6] = ["400", "401", "403", "404", "429", "500"];

/// Media types of bodies.
const BODY_TYPES: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];

/// Media types of answers.
const ANSWER_TYPES: [&str; 3] = ["application/json", "application/samlmetadata+xml", "application/scim+json"];

/// What parameters of each place may be; lists are lists of text.
const PARAMETER_TYPES: [(&str, &[&str]); 3] =
    [("path", &["string"]), ("query", &["array", "boolean", "integer", "string"]), ("header", &["string"])];

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
    servers(document, report);
    links(document, report);
    let mut seen = BTreeMap::new();
    for (path, _) in members(&document.value["paths"]) {
        let pointer = format!("/paths/{}", escape(path));
        if !path.starts_with('/') || path.len() > 1 && path.ends_with('/') {
            report.at(&pointer, format!("`{path}` does not start with a slash, or ends with one"));
        } else if let Some(part) = path.split('/').skip(1).find(|part| !is_segment(part) && path.len() > 1) {
            report.at(
                &pointer,
                format!("`{part}` in `{path}` is neither a plain segment nor one parameter in braces, as `{{id}}`"),
            );
        }
        let shape: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        if let Some(other) = seen.insert(shape, path) {
            report.at(&pointer, format!("`{path}` matches the same addresses as `{other}`"));
        }
    }
}

/// Addresses that a client can call, with each of their variables declared.
fn servers(document: &Document, report: &mut Report<'_>) {
    for (index, server) in document.value["servers"].as_array().into_iter().flatten().enumerate() {
        let (pointer, url) = (format!("/servers/{index}"), text(&server["url"]));
        if !is_address(url) {
            report.at(&format!("{pointer}/url"), format!("`{url}` does not begin with `https://`"));
        }
        let (used, declared) = (names_in_url(url), members(&server["variables"]));
        for name in used.iter().filter(|name| declared.iter().all(|(known, _)| known != *name)) {
            report.at(&format!("{pointer}/url"), format!("`{{{name}}}` is not among the `variables` of the server"));
        }
        for (name, _) in declared.iter().filter(|(name, _)| !used.contains(name)) {
            let pointer = format!("{pointer}/variables/{}", escape(name));
            report.at(&pointer, format!("the address of the server has no `{{{name}}}`"));
        }
    }
}

/// What leads out of the document leads to an address.
fn links(document: &Document, report: &mut Report<'_>) {
    let tags = document.value["tags"].as_array().into_iter().flatten().enumerate();
    let tags = tags.map(|(index, tag)| (format!("/tags/{index}"), tag));
    let operations = document.operations().into_iter().map(|operation| (operation.pointer(), operation.value));
    for (pointer, value) in tags.chain(operations) {
        let docs = &value["externalDocs"]["url"];
        if docs.as_str().is_some_and(|url| !is_address(url)) {
            report.at(&format!("{pointer}/externalDocs/url"), format!("{docs} does not begin with `https://`"));
        }
    }
}

/// An address with its scheme. Without one, a reader takes it for a path below the document.
fn is_address(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

/// A name in braces, or text that needs no escape.
fn is_segment(part: &str) -> bool {
    let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let plain = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    name.map_or_else(|| plain(part, "-._~"), |name| plain(name, "-_"))
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
        if summary.is_empty() || summary.ends_with('.') || summary.len() > 100 || summary.contains('\n') {
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
    for (name, scheme) in members(schemes) {
        if scheme["type"] != "http" || scheme["scheme"] != "bearer" {
            let pointer = format!("/components/securitySchemes/{}", escape(name));
            report.at(&pointer, "every credential goes as a bearer: write `type: http` and `scheme: bearer`");
        }
    }
    for operation in document.operations() {
        let pointer = operation.pointer();
        let Some(alternatives) = operation.value["security"].as_array() else {
            report.at(&pointer, "no security; a public operation says `security: []`");
            continue;
        };
        for (index, alternative) in alternatives.iter().enumerate() {
            let pointer = format!("{pointer}/security/{index}");
            if alternatives[..index].contains(alternative) {
                report.at(&pointer, "the same credential stands here twice; take one out");
            }
            match members(alternative).as_slice() {
                [(scheme, scopes)] if !schemes[*scheme].is_null() => {
                    if scopes.as_array().is_some_and(|scopes| !scopes.is_empty()) {
                        report.at(&pointer, format!("a bearer has no scopes; write `{scheme}: []`"));
                    }
                }
                [(scheme, _)] => report.at(&pointer, format!("the security scheme `{scheme}` is not declared")),
                [] => report.at(
                    &pointer,
                    "an empty entry makes the credential optional; a public operation says `security: []`",
                ),
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
        let (errors, successes): (Vec<_>, Vec<_>) = responses.into_iter().partition(|(code, _)| !is_success(code));
        if successes.len() != 1 {
            report.at(&pointer, format!("{} successes instead of one", successes.len()));
        }
        for (code, success) in successes {
            if success["$ref"].is_string() {
                report.at(&format!("{pointer}/{code}"), "write the success out; only errors are shared by reference");
            }
            let content = members(&success["content"]);
            if content.len() > 1 {
                report.at(&pointer, format!("{code} has more than one media type"));
            }
            if code.starts_with('3') && !content.is_empty() {
                report.at(&format!("{pointer}/{code}/content"), "a redirect has no content that a client reads");
            }
            for (name, _) in content.iter().filter(|(name, _)| !ANSWER_TYPES.contains(name)) {
                let pointer = format!("{pointer}/{code}/content/{}", escape(name));
                report.at(&pointer, not_a_type(name, &ANSWER_TYPES));
            }
        }
        for (code, error) in &errors {
            if !ERROR_CODES.contains(code) {
                let known = ERROR_CODES.join(", ");
                report.at(
                    &format!("{pointer}/{}", escape(code)),
                    format!(
                        "`{code}` is neither a success (`200`, `302`) nor one of the errors that are listed: {known}"
                    ),
                );
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

/// Three digits of which the first is a 2 or a 3.
fn is_success(code: &str) -> bool {
    code.len() == 3 && code.starts_with(['2', '3']) && code.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_a_type(name: &str, known: &[&str]) -> String {
    format!("the media type `{name}` is not one that the raw client is generated for: {}", known.join(", "))
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
    }
}

pub(super) fn parameters(document: &Document, report: &mut Report<'_>) {
    for operation in document.operations() {
        let pointer = operation.pointer();
        let in_path: BTreeSet<&str> = names_in_path(operation.path);
        let mut declared = Vec::new();
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (index, parameter) in operation.value["parameters"].as_array().into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/parameters/{index}");
            let parameter = document.resolve(parameter);
            let name = text(&parameter["name"]);
            declared.push(parameter);
            if text(&parameter["description"]).is_empty() {
                report.at(&pointer, format!("the parameter `{name}` has no description"));
            }
            let place = text(&parameter["in"]);
            if place == "path" && (!in_path.contains(name) || parameter["required"] != true) {
                report.at(&pointer, format!("the path parameter `{name}` is not in the path, or not required"));
            }
            let kind = text(&parameter["schema"]["type"]);
            match PARAMETER_TYPES.iter().find(|(known, _)| *known == place) {
                None => report.at(&pointer, format!("`in: {place}` is none of `path`, `query` and `header`")),
                Some((_, kinds)) if !kinds.contains(&kind) => {
                    let kinds = kinds.join(", ");
                    report.at(&pointer, format!("the {place} parameter `{name}` has to be one of these: {kinds}"));
                }
                Some(_) if kind == "array" && parameter["schema"]["items"]["type"] != "string" => {
                    report.at(&pointer, format!("the items of the parameter `{name}` are not strings"));
                }
                Some(_) => {}
            }
            if name == "body" {
                report.at(&pointer, "a parameter called `body` meets that of the body in the generated function");
            }
            match seen.insert(squashed(name), name) {
                Some(other) if other == name => report.at(&pointer, format!("`{name}` is declared twice")),
                Some(other) => report.at(
                    &pointer,
                    format!("the parameter `{name}` meets `{other}`; they differ only in case, underscores or hyphens"),
                ),
                None => {}
            }
        }
        for name in in_path {
            if !declared.iter().any(|parameter| parameter["name"] == name && parameter["in"] == "path") {
                report.at(&pointer, format!("the path parameter `{name}` is not declared under `parameters`"));
            }
            let body = body_schema(document, operation).map(|schema| &schema["properties"][name]);
            if body.is_some_and(|property| !property.is_null()) {
                report.at(&pointer, format!("the path parameter `{name}` stands in the body too"));
            }
        }
    }
}

fn names_in_url(url: &str) -> Vec<&str> {
    url.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
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
        let content = members(&body["content"]);
        if content.len() != 1 {
            report.at(&pointer, "the body has not exactly one media type");
        }
        for (name, _) in content.iter().filter(|(name, _)| !BODY_TYPES.contains(name)) {
            report.at(&format!("{pointer}/content/{}", escape(name)), not_a_type(name, &BODY_TYPES));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}
