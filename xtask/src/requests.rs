//! The truth test: requests that official clients were recorded sending, checked against the document.
//!
//! One JSON object a line with `http_method`, `path`, `query`, `authorization` and `body`. Secrets stand as
//! placeholders such as `<refresh_jwt>`, and the project as `<project_id>`.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::{
    document::{Document, Operation, members},
    lint::Checker,
    problem::{Failure, Place, Problem},
    text, yaml,
};

const DEVIATIONS: &str = "spec/deviations.yaml";

/// Checks every request of a file. What an SDK gets wrong by itself is listed in `spec/deviations.yaml`.
pub(crate) fn run(workspace: &Path, document: &Document, file: &Path) -> Result<String, Failure> {
    let name = file.display().to_string();
    let text = text::read(file, &name)?;
    let mistakes = mistakes(workspace)?;
    let mut used = vec![false; mistakes.len()];
    let mut checker = Checker::lenient(document).map_err(Failure::Generator)?;
    let mut problems = Vec::new();
    let mut count = 0;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = Place { file: name.clone(), line: index + 1 };
        let request: Value = match serde_json::from_str(line) {
            Ok(request) => request,
            Err(error) => {
                problems.push(Problem::new(place, "request", error.to_string()));
                continue;
            }
        };
        count += 1;
        let sent = format!("{} {}", text_of(&request["http_method"]), text_of(&request["path"]));
        for fault in faults(document, &mut checker, &request) {
            let known = mistakes.iter().position(|(listed, part)| *listed == sent && fault.contains(part.as_str()));
            match known {
                Some(known) => used[known] = true,
                None => problems.push(Problem::new(place.clone(), "request", format!("{sent}: {fault}"))),
            }
        }
    }
    if count == 0 && problems.is_empty() {
        problems.push(Problem::new(Place { file: name, line: 1 }, "request", "the file holds no request"));
    }
    if problems.is_empty() {
        let used = used.into_iter().filter(|used| *used).count();
        Ok(format!("{count} requests are described, {used} of the SDKs' own mistakes among them"))
    } else {
        Err(Failure::Problems(problems))
    }
}

/// Requests that an SDK gets wrong: method and path, and a part of the fault.
fn mistakes(workspace: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = text::read(&workspace.join(DEVIATIONS), DEVIATIONS)?;
    let located = yaml::parse(DEVIATIONS, &text).map_err(|problem| Failure::Problems(vec![problem]))?;
    let mut found = Vec::new();
    for (index, row) in located.value["sdkMistakes"].as_array().into_iter().flatten().enumerate() {
        if ["request", "fault", "why"].iter().any(|member| text_of(&row[member]).trim().is_empty()) {
            let line = located.lines.get(&format!("/sdkMistakes/{index}")).copied().unwrap_or(1);
            let place = Place { file: DEVIATIONS.to_owned(), line };
            let message = "a mistake of an SDK has `request`, `fault` and `why`";
            return Err(Failure::Problems(vec![Problem::new(place, "deviation", message)]));
        }
        found.push((text_of(&row["request"]).to_owned(), text_of(&row["fault"]).to_owned()));
    }
    Ok(found)
}

fn faults(document: &Document, checker: &mut Checker, request: &Value) -> Vec<String> {
    let path = text_of(&request["path"]);
    // A cache in front of the service has a base URL of its own, which may have a path.
    let path = path.find("/v1/mgmt/").map_or(path, |start| &path[start..]);
    let Some(operation) = find(document, text_of(&request["http_method"]), path) else {
        return vec!["no such operation".to_owned()];
    };
    let mut faults = Vec::new();
    let declared: Vec<&str> = operation.value["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| document.resolve(parameter))
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    for (name, _) in members(&request["query"]) {
        if !declared.contains(&name) {
            faults.push(format!("the query `{name}` is not declared"));
        }
    }
    faults.extend(credential(operation, text_of(&request["authorization"])));
    match members(&operation.value["requestBody"]["content"]).first() {
        Some((_, media)) => {
            let sent = without_nulls(&request["body"]);
            // No body at all is as good as an empty object.
            let body = if sent.is_null() { Value::Object(serde_json::Map::new()) } else { sent };
            match checker.faults(&media["schema"], &body) {
                Ok(found) => faults.extend(found),
                Err(error) => faults.push(error),
            }
        }
        None if !members(&request["body"]).is_empty() => faults.push("a body where none is described".to_owned()),
        None => {}
    }
    faults
}

/// The operation that a path belongs to; a fixed path wins over one with parameters.
fn find<'a>(document: &'a Document, method: &str, path: &str) -> Option<Operation<'a>> {
    let method = method.to_ascii_lowercase();
    let parts: Vec<&str> = path.split('/').collect();
    let mut candidates: Vec<Operation<'a>> = document
        .operations()
        .into_iter()
        .filter(|operation| {
            let template: Vec<&str> = operation.path.split('/').collect();
            operation.method == method
                && template.len() == parts.len()
                && template.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
        })
        .collect();
    candidates.sort_by_key(|operation| operation.path.matches('{').count());
    candidates.first().copied()
}

/// Whether the bearer is one that the operation takes.
fn credential(operation: Operation<'_>, authorization: &str) -> Option<String> {
    let scheme_of: BTreeMap<&str, &str> = BTreeMap::from([
        ("<refresh_jwt>", "RefreshJwt"),
        ("<session_jwt>", "SessionJwt"),
        ("<access_key>", "AccessKey"),
        ("<management_key>", "ManagementKey"),
    ]);
    let parts: Vec<&str> = authorization.trim_start_matches("Bearer ").split(':').collect();
    let scheme = match parts.as_slice() {
        ["<project_id>"] | ["<project_id>", "<auth_management_key>"] => "ProjectId",
        ["<project_id>", part, ..] => scheme_of.get(part).copied()?,
        _ => return None,
    };
    let alternatives = operation.value["security"].as_array()?;
    // A public operation ignores what comes with it.
    let accepted = alternatives.is_empty() || alternatives.iter().any(|entry| !entry[scheme].is_null());
    (!accepted).then(|| format!("the credential {scheme} is not one of those described"))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
