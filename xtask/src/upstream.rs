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

/// Compares, and with `accept` records the file as reviewed. The second value tells whether something is unexplained, or
/// a row explains nothing; then nothing is recorded.
pub(crate) fn run(
    workspace: &Path,
    document: &Document,
    file: Option<&Path>,
    accept: bool,
) -> Result<(String, bool), Failure> {
    let lock_path = workspace.join(LOCK);
    let reviewed = if lock_path.exists() { Some(diff::read(&lock_path)?) } else { None };
    let theirs = match (file, &reviewed) {
        (Some(file), _) => {
            let published = diff::read(file)?;
            if accept {
                let known = reviewed.as_ref().unwrap_or(&document.value);
                is_theirs(&published, known).map_err(|reason| {
                    let place = Place { file: file.display().to_string(), line: 1 };
                    let message = format!("not the document that Descope publishes: {reason}; nothing was recorded");
                    Failure::Problems(vec![Problem::new(place, "upstream", message)])
                })?;
            }
            facts(&published)
        }
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
    let failed = unexplained > 0 || stale_count > 0;
    if accept && failed {
        let _ = writeln!(text, "{LOCK} stays as it is: explain what is unexplained and remove what is stale first");
    } else if accept {
        output::apply(workspace, &[Output::new(LOCK, bundle::json(&theirs))], &[], false)?;
        let _ = writeln!(text, "wrote {LOCK}");
    }
    let _ = write!(
        text,
        "{} differences, {} rows: {unexplained} unexplained, {stale_count} stale",
        differences.len(),
        rows.len()
    );
    Ok((text, failed))
}

/// Whether a document can be a newer state of the published one: by its title and servers, where it has them, and by its
/// paths, of which at least half are known. Anything else would take the place of what was reviewed.
fn is_theirs(published: &Value, known: &Value) -> Result<(), String> {
    let names_them = |text: &str| text.to_ascii_lowercase().contains("descope");
    if let Some(title) = published["info"]["title"].as_str()
        && !names_them(title)
    {
        return Err(format!("its title is `{title}`"));
    }
    // An address without a host says nothing.
    let servers = published["servers"].as_array().into_iter().flatten().filter_map(|server| server["url"].as_str());
    let servers: Vec<&str> = servers.filter(|url| url.contains("://")).collect();
    if !servers.is_empty() && !servers.iter().any(|url| names_them(url)) {
        return Err(format!("its servers are {}", servers.join(", ")));
    }
    let paths = members(&known["paths"]);
    let common = paths.iter().filter(|(path, _)| published["paths"].get(path).is_some()).count();
    if common == 0 || common * 2 < paths.len() {
        return Err(format!("it has {common} of the {} paths that are known", paths.len()));
    }
    Ok(())
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
    // By place and name, so that what an operation says takes the place of what its path says, and nothing else does.
    let mut parameters: BTreeMap<(String, String), Value> = BTreeMap::new();
    for parameter in
        [item, operation].into_iter().flat_map(|holder| holder["parameters"].as_array().into_iter().flatten())
    {
        let parameter = resolved(document, parameter);
        let text = |member: &str| parameter[member].as_str().unwrap_or_default().to_owned();
        let facts = json!({
            "name": parameter["name"],
            "in": parameter["in"],
            "required": parameter["required"] == true,
            "schema": schema_facts(&parameter["schema"]),
        });
        parameters.insert((text("in"), text("name")), facts);
    }
    if !parameters.is_empty() {
        facts.insert("parameters".to_owned(), parameters.into_values().collect());
    }
    let security = operation.get("security").unwrap_or(&document["security"]);
    facts.insert("security".to_owned(), schemes(security));
    let body = resolved(document, &operation["requestBody"]);
    if body.is_object() {
        let required = body["required"] == true;
        let mut body = content_facts(body);
        body["required"] = json!(required);
        facts.insert("requestBody".to_owned(), body);
    }
    let responses: Map<String, Value> = members(&operation["responses"])
        .into_iter()
        .map(|(code, response)| (code.to_owned(), content_facts(resolved(document, response))))
        .collect();
    facts.insert("responses".to_owned(), Value::Object(responses));
    Value::Object(facts)
}

/// A shared parameter, body or response in the place of the reference to it.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|target| document.pointer(target.trim_start_matches('#')));
    target.unwrap_or(value)
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
    #[test]
    fn parameters_are_kept_by_place_and_name() {
        let mut document = published(&json!([]), "X");
        let parameter = |place: &str, kind: &str| json!({"name": "id", "in": place, "schema": {"type": kind}});
        document["components"]["parameters"] = json!({"Id": parameter("header", "number")});
        document["paths"]["/v1/a"]["parameters"] =
            json!([parameter("query", "string"), parameter("cookie", "string"), parameter("path", "string")]);
        document["paths"]["/v1/a"]["post"]["parameters"] =
            json!([parameter("query", "integer"), {"$ref": "#/components/parameters/Id"}]);
        let facts = facts(&document);
        let kept = facts["paths"]["/v1/a"]["post"]["parameters"].as_array().expect("is a list").iter();
        let kept: Vec<String> = kept
            .map(|parameter| format!("{} {}: {}", parameter["in"], parameter["name"], parameter["schema"]["type"]))
            .map(|text| text.replace('"', ""))
            .collect();
        assert_eq!(kept, ["cookie id: string", "header id: number", "path id: string", "query id: integer"]);
    }

    #[test]
    fn shared_bodies_and_responses_are_read() {
        let plain = published(&json!([]), "X");
        let mut shared = plain.clone();
        let post = &plain["paths"]["/v1/a"]["post"];
        shared["components"]["requestBodies"] = json!({"A": post["requestBody"]});
        shared["components"]["responses"] = json!({"A": post["responses"]["200"]});
        shared["paths"]["/v1/a"]["post"]["requestBody"] = json!({"$ref": "#/components/requestBodies/A"});
        shared["paths"]["/v1/a"]["post"]["responses"]["200"] = json!({"$ref": "#/components/responses/A"});
        assert_eq!(facts(&shared), facts(&plain));
    }

    #[test]
    fn only_a_newer_state_of_the_published_document_is_theirs() {
        let known = json!({"paths": {"/a": {}, "/b": {}, "/c": {}, "/d": {}}});
        let paths = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), json!({}))).collect::<Value>();
        for (published, reason) in [
            (json!({"paths": paths(&["/a", "/b", "/new"])}), ""),
            (
                json!({"info": {"title": "Descope APIs"}, "servers": [{"url": "https://api.descope.com"}], "paths": paths(&["/a", "/b"])}),
                "",
            ),
            (json!({"servers": [], "paths": known["paths"]}), ""),
            (json!({"servers": [{"url": "/"}], "paths": known["paths"]}), ""),
            (
                json!({"servers": [{"url": "http://localhost"}, {"url": "https://api.euc1.descope.com"}], "paths": known["paths"]}),
                "",
            ),
            (json!({"paths": paths(&["/a", "/x", "/y"])}), "1 of the 4 paths"),
            (json!({"paths": {}}), "0 of the 4 paths"),
            (json!({}), "0 of the 4 paths"),
            (json!({"info": {"title": "Petstore"}, "paths": known["paths"]}), "title is `Petstore`"),
            (
                json!({"servers": [{"url": "https://pets.example"}], "paths": known["paths"]}),
                "servers are https://pets.example",
            ),
        ] {
            let said = is_theirs(&published, &known).err().unwrap_or_default();
            assert!(said.contains(reason) && said.is_empty() == reason.is_empty(), "{published}: {said}");
        }
        assert!(is_theirs(&json!({"paths": {}}), &json!({"paths": {}})).is_err());
    }
}
