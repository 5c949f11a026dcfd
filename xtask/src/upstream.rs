//! Our document held against the published one: `spec/upstream.lock.json` is what we last reviewed of theirs, and
//! `spec/deviations.yaml` says why we differ.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use serde_json::{Map, Value, json};

use crate::{
    bundle,
    diff::{self, Change, sentence},
    document::{Document, METHODS, members},
    output::{self, Output},
    problem::{Failure, Place, Problem},
    text, yaml,
};

const LOCK: &str = "spec/upstream.lock.json";
const DEVIATIONS: &str = "spec/deviations.yaml";

/// Compares, and with `accept` records the file as reviewed. The second value tells whether something is unexplained.
pub(crate) fn run(
    workspace: &Path,
    document: &Document,
    file: Option<&Path>,
    accept: bool,
) -> Result<(String, bool), Failure> {
    let lock_path = workspace.join(LOCK);
    let reviewed = if lock_path.exists() { Some(diff::read(&lock_path)?) } else { None };
    let theirs = match (file, &reviewed) {
        (Some(file), _) => facts(&diff::read(file)?),
        (None, Some(reviewed)) => reviewed.clone(),
        (None, None) => {
            let place = Place { file: LOCK.to_owned(), line: 1 };
            let message = "does not exist; give the published document as an argument, with --accept";
            return Err(Failure::Problems(vec![Problem::new(place, "upstream", message)]));
        }
    };
    let mut text = String::new();
    if let Some(reviewed) = &reviewed {
        let news = diff::compare(reviewed, &theirs);
        for change in &news {
            let _ = writeln!(text, "new upstream: {}", sentence(change));
        }
        if !news.is_empty() {
            let _ = writeln!(text, "{} changes since the last review; --accept records them", news.len());
        }
    }
    let (rows, differences) = (deviations(workspace)?, differences(&theirs, &plain_json(&document.value)));
    let mut used = vec![false; rows.len()];
    let mut unexplained = 0;
    for difference in &differences {
        let mut explained = false;
        for (row, used) in rows.iter().zip(&mut used) {
            if row.explains(difference) {
                explained = true;
                *used = true;
            }
        }
        if !explained {
            unexplained += 1;
            let _ = writeln!(text, "unexplained: {} [{}]", sentence(difference), difference.rule);
        }
    }
    let stale = rows.iter().zip(&used).filter(|(_, used)| !**used);
    let mut stale_count = 0;
    for (row, _) in stale {
        stale_count += 1;
        let _ = writeln!(text, "stale: {DEVIATIONS}:{}: explains nothing any more; has upstream fixed it?", row.line);
    }
    if accept {
        output::apply(workspace, &[Output::new(LOCK, bundle::json(&theirs))], &[], false)?;
        let _ = writeln!(text, "wrote {LOCK}");
    }
    let _ = write!(
        text,
        "{} differences, {} rows: {unexplained} unexplained, {stale_count} stale",
        differences.len(),
        rows.len()
    );
    Ok((text, unexplained > 0))
}

/// JSON under a name of its own is compared with JSON: of two media types nothing but the names would be compared.
fn plain_json(value: &Value) -> Value {
    let plain = |name: &str| if name == "application/scim+json" { "application/json" } else { name }.to_owned();
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (plain(name), plain_json(value))).collect(),
        Value::Array(items) => items.iter().map(plain_json).collect(),
        other => other.clone(),
    }
}

/// What the published document says in names and types; its prose is not ours to keep.
fn facts(document: &Value) -> Value {
    let mut paths = Map::new();
    for (path, item) in members(&document["paths"]) {
        let mut methods = Map::new();
        for (method, operation) in members(item) {
            if METHODS.contains(&method) {
                methods.insert(method.to_owned(), operation_facts(document, item, operation));
            }
        }
        paths.insert(path.to_owned(), Value::Object(methods));
    }
    let schemas: Map<String, Value> = members(&document["components"]["schemas"])
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema_facts(schema)))
        .collect();
    json!({ "openapi": document["openapi"], "paths": paths, "components": { "schemas": schemas } })
}

fn operation_facts(document: &Value, item: &Value, operation: &Value) -> Value {
    let mut facts = Map::new();
    if operation["operationId"].is_string() {
        facts.insert("operationId".to_owned(), operation["operationId"].clone());
    }
    if operation["deprecated"] == true {
        facts.insert("deprecated".to_owned(), json!(true));
    }
    let parameters: Vec<Value> = [item, operation]
        .into_iter()
        .flat_map(|holder| holder["parameters"].as_array().into_iter().flatten())
        .map(|parameter| {
            let parameter = parameter["$ref"]
                .as_str()
                .and_then(|target| document.pointer(target.trim_start_matches('#')))
                .unwrap_or(parameter);
            json!({
                "name": parameter["name"],
                "in": parameter["in"],
                "required": parameter["required"] == true,
                "schema": schema_facts(&parameter["schema"]),
            })
        })
        .collect();
    if !parameters.is_empty() {
        facts.insert("parameters".to_owned(), Value::Array(parameters));
    }
    let security = operation.get("security").unwrap_or(&document["security"]);
    facts.insert("security".to_owned(), schemes(security));
    if operation["requestBody"].is_object() {
        let mut body = content_facts(&operation["requestBody"]);
        body["required"] = json!(operation["requestBody"]["required"] == true);
        facts.insert("requestBody".to_owned(), body);
    }
    let responses: Map<String, Value> = members(&operation["responses"])
        .into_iter()
        .map(|(code, response)| (code.to_owned(), content_facts(response)))
        .collect();
    facts.insert("responses".to_owned(), Value::Object(responses));
    Value::Object(facts)
}

fn content_facts(body: &Value) -> Value {
    let content: Map<String, Value> = members(&body["content"])
        .into_iter()
        .map(|(media, value)| (media.to_owned(), json!({ "schema": schema_facts(&value["schema"]) })))
        .collect();
    if content.is_empty() { json!({}) } else { json!({ "content": content }) }
}

/// The published names of the credentials, as ours call them.
fn schemes(security: &Value) -> Value {
    let name = |theirs: &str| match theirs.to_ascii_lowercase() {
        name if name.contains("management") => "ManagementKey".to_owned(),
        name if name.contains("refresh") => "RefreshJwt".to_owned(),
        name if name.contains("session") => "SessionJwt".to_owned(),
        name if name.contains("access") => "AccessKey".to_owned(),
        name if name.contains("project") => "ProjectId".to_owned(),
        _ => theirs.to_owned(),
    };
    security
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| members(entry).into_iter().map(|(theirs, _)| (name(theirs), json!([]))).collect::<Value>())
        .collect()
}

fn schema_facts(schema: &Value) -> Value {
    const KEPT: [&str; 13] = [
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "default",
        "deprecated",
        "enum",
        "format",
        "items",
        "nullable",
        "oneOf",
        "required",
        "type",
    ];
    let mut facts = Map::new();
    for (name, value) in members(schema) {
        if !KEPT.contains(&name) {
            continue;
        }
        let kept = match value {
            Value::Object(_) if name != "default" => schema_facts(value),
            Value::Array(items) if ["allOf", "anyOf", "oneOf"].contains(&name) => {
                items.iter().map(schema_facts).collect()
            }
            other => other.clone(),
        };
        facts.insert(name.to_owned(), kept);
    }
    let properties: Map<String, Value> = members(&schema["properties"])
        .into_iter()
        .map(|(name, property)| (name.to_owned(), schema_facts(property)))
        .collect();
    if !properties.is_empty() {
        facts.insert("properties".to_owned(), Value::Object(properties));
    }
    Value::Object(facts)
}

/// What differs in fact. Names of schemas and tags and all prose are ours to choose; the published operationId is
/// compared with the one that ours names. What `facts` leaves out of theirs is no difference either.
fn differences(theirs: &Value, ours: &Value) -> Vec<Change> {
    const OURS_TO_CHOOSE: [&str; 10] = [
        "annotation-changed",
        "document-prose-changed",
        "extension-changed",
        "header-added",
        "operation-prose-changed",
        "operation-tag-changed",
        "parameter-prose-changed",
        "schema-prose-changed",
        "schema-renamed",
        "security-scheme-added",
    ];
    let mut ours = ours.clone();
    ours["servers"] = theirs["servers"].clone();
    for operation in
        ours["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut)
    {
        for operation in operation.values_mut() {
            let theirs = operation["x-descope-upstream-operation"].clone();
            // One published stub has no id.
            operation["operationId"] = if theirs == "none" { Value::Null } else { theirs };
        }
    }
    let mut changes = diff::compare(theirs, &ours);
    changes.retain(|change| !OURS_TO_CHOOSE.contains(&change.rule) && !change.rule.starts_with("extensible-enum"));
    changes
}

/// One row: what differs, and why.
struct Row {
    line: usize,
    change: Vec<String>,
    subject: String,
    at: String,
    detail: String,
}

impl Row {
    fn explains(&self, change: &Change) -> bool {
        self.change.iter().any(|rule| rule == change.rule)
            && matches(&self.subject, &change.subject)
            && matches(&self.at, &change.at)
            && matches(&self.detail, &change.detail)
    }
}

fn deviations(workspace: &Path) -> Result<Vec<Row>, Failure> {
    let text = text::read(&workspace.join(DEVIATIONS), DEVIATIONS)?;
    let located = yaml::parse(DEVIATIONS, &text).map_err(|problem| Failure::Problems(vec![problem]))?;
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in located.value["deviations"].as_array().into_iter().flatten().enumerate() {
        let line = located.lines.get(&format!("/deviations/{index}")).copied().unwrap_or(1);
        let mut problem = |message: String| {
            problems.push(Problem::new(Place { file: DEVIATIONS.to_owned(), line }, "deviation", message));
        };
        for member in ["theirs", "ours", "why", "evidence"] {
            if row[member].as_str().unwrap_or_default().trim().is_empty() {
                problem(format!("the row does not say `{member}`"));
            }
        }
        let text = |member: &str| row[member].as_str().unwrap_or("*").to_owned();
        let change: Vec<String> = match &row["change"] {
            Value::String(rule) => vec![rule.clone()],
            Value::Array(rules) => rules.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        for rule in &change {
            if !diff::is_rule(rule) {
                problem(format!("`{rule}` is no rule of `cargo xtask diff`"));
            }
        }
        if change.is_empty() {
            problem("the row does not say which `change` it is about".to_owned());
        }
        let key = format!("{change:?} {} {} {}", text("subject"), text("at"), text("detail"));
        if let Some(first) = seen.insert(key, line) {
            problem(format!("the same row stands at line {first}"));
        }
        rows.push(Row { line, change, subject: text("subject"), at: text("at"), detail: text("detail") });
    }
    if problems.is_empty() { Ok(rows) } else { Err(Failure::Problems(problems)) }
}

/// Whether a text matches a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn published(security: &Value, name: &str) -> Value {
        json!({
            "openapi": "3.0.3",
            "paths": {"/v1/a": {"post": {
                "operationId": "DoA", "summary": "Prose", "security": security,
                "parameters": [{"name": "q", "in": "query", "description": "Prose", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}},
                "responses": {"200": {"description": "Prose"}},
            }}},
            "components": {"schemas": {name: {"type": "object", "description": "Prose", "properties": {"description": {"type": "string", "description": "Prose"}}}}},
        })
    }

    #[test]
    fn facts_hold_names_and_types_and_no_prose() {
        let facts = facts(&published(&json!([{"Descope Project ID:Refresh JWT": []}]), "X"));
        assert!(!facts.to_string().contains("Prose"));
        assert_eq!(facts["paths"]["/v1/a"]["post"]["security"], json!([{"RefreshJwt": []}]));
        assert_eq!(facts["components"]["schemas"]["X"]["properties"]["description"], json!({"type": "string"}));
    }

    #[test]
    fn names_of_schemas_are_no_difference_and_wire_facts_are() {
        let theirs = facts(&published(&json!([{"Descope Project ID": []}]), "X"));
        let mut ours = published(&json!([{"ProjectId": []}]), "Better");
        ours["paths"]["/v1/a"]["post"]["x-descope-upstream-operation"] = json!("DoA");
        assert_eq!(differences(&theirs, &ours), []);
        ours["components"]["schemas"]["Better"]["properties"]["more"] = json!({"type": "string"});
        ours["paths"]["/v1/a"]["post"]["x-descope-upstream-operation"] = json!("DoB");
        let rules: Vec<_> = differences(&theirs, &ours).iter().map(|change| change.rule).collect();
        assert_eq!(rules, ["operation-id-renamed", "property-added-optional"]);
    }
}
