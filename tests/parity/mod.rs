//! Requests that official clients were recorded sending, sent again by the SDK: the same, or as a row of `table` says.
//!
//! Each file of JSON lines in this folder is walked; README.md says what stands in a line.

mod flows;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, reason = "written by cargo xtask codegen")]
#[path = "../generated/replay.rs"]
mod generated;
mod given;
mod recording;
mod rows;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use descope_api::Operation;
use given::{Failed, Given, Replay, moment, span};
use recording::Recording;
use rows::{Differs, Row, Table};
use serde_json::{Value, json};
use table::TABLE;

use crate::{
    requests::{self, AUTH_KEY, MANAGEMENT_KEY, Recorder, Sent},
    support::spec,
};

/// The page and its size that are asked for where a recording has none: the SDK always says which.
const PAGE: (u32, u32) = (0, 100);

/// A place that is not the same: where, what was recorded, and what is sent.
#[derive(Debug)]
struct Difference {
    at: String,
    recorded: Option<Value>,
    sent: Option<Value>,
}

/// Every place where two values differ. Only objects and lists of the same length are looked into.
fn compare(at: &str, recorded: Option<&Value>, sent: Option<&Value>, found: &mut Vec<Difference>) {
    match (recorded, sent) {
        (Some(Value::Object(recorded)), Some(Value::Object(sent))) => {
            let names: BTreeSet<&String> = recorded.keys().chain(sent.keys()).collect();
            for name in names {
                compare(&format!("{at}.{name}"), recorded.get(name), sent.get(name), found);
            }
        }
        (Some(Value::Array(recorded)), Some(Value::Array(sent))) if recorded.len() == sent.len() => {
            for (index, (recorded, sent)) in recorded.iter().zip(sent).enumerate() {
                compare(&format!("{at}.{index}"), Some(recorded), Some(sent), found);
            }
        }
        _ if recorded == sent => {}
        _ => found.push(Difference { at: at.to_owned(), recorded: recorded.cloned(), sent: sent.cloned() }),
    }
}

/// Whether a place is one that a pattern names.
fn is_at(pattern: &str, at: &str) -> bool {
    let (mut pattern, mut at) = (pattern.split('.').peekable(), at.split('.'));
    loop {
        match (pattern.next(), at.next()) {
            (Some("**"), Some(_)) if pattern.peek().is_none() => return true,
            (Some("*"), Some(_)) => {}
            (Some(part), Some(given)) if part == given => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// Whether null means something at a place of the body.
fn is_nullable(operation: &Operation, at: &str) -> bool {
    let Some((_, mut schema, _)) = spec::media(&spec::operation(operation)["requestBody"]["content"]) else {
        return false;
    };
    for part in at.split('.').skip(1) {
        schema = spec::resolve(schema);
        schema = match (&schema["properties"][part], &schema["items"]) {
            (Value::Null, Value::Null) => &schema["additionalProperties"],
            (Value::Null, items) => items,
            (member, _) => member,
        };
    }
    schema["nullable"] == true || spec::resolve(schema)["nullable"] == true
}

/// Gives a member of the body, however deep, its other name. Whether there was one.
fn rename(value: &mut Value, from: &[&str], to: &str) -> bool {
    let (first, rest) = from.split_first().expect("a name");
    match (value, rest) {
        (Value::Object(members), []) => {
            let taken = members.contains_key(to);
            let Some(value) = members.remove(*first).filter(|_| !taken) else { return false };
            members.insert(to.to_owned(), value).is_none()
        }
        (Value::Object(members), rest) if *first == "*" => {
            members.values_mut().fold(false, |any, it| rename(it, rest, to) | any)
        }
        (Value::Array(items), rest) if *first == "*" => {
            items.iter_mut().fold(false, |any, it| rename(it, rest, to) | any)
        }
        (Value::Object(members), rest) => members.get_mut(*first).is_some_and(|it| rename(it, rest, to)),
        _ => false,
    }
}

/// What was sent, as a recording: its path, query, bearer and body.
fn as_recorded(sent: &Sent) -> Value {
    let (method, target) = sent.line.split_once(' ').expect("a method and a target");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut names: BTreeMap<String, Value> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let text = value.replace('+', " ");
        let text = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        match names.get_mut(name) {
            Some(Value::Array(values)) => values.push(text.into()),
            Some(one) => *one = Value::Array(vec![one.take(), text.into()]),
            None => drop(names.insert(name.to_owned(), text.into())),
        }
    }
    let body =
        (!sent.body.is_empty()).then(|| serde_json::from_str(&sent.body).unwrap_or(Value::String(sent.body.clone())));
    facts(method, path, &names, sent.header("authorization"), body.as_ref())
}

fn facts(
    method: &str,
    path: &str,
    query: &BTreeMap<String, Value>,
    bearer: Option<&str>,
    body: Option<&Value>,
) -> Value {
    let path: Vec<_> =
        path.split('/').map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy()).collect();
    let mut facts = json!({"method": method, "path": path, "query": query});
    let further = [("authorization", bearer.map(Value::from)), ("body", body.cloned())];
    for (name, value) in further.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        facts[name] = value;
    }
    facts
}

/// The recorded files, by the name of the client.
fn files() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity");
    let paths =
        std::fs::read_dir(folder).expect("the folder of this file").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

/// Sends a recorded request again and says what differs that no row of the table covers.
async fn replay(server: &Recorder, client: &str, recording: Recording, table: &mut Table) -> Vec<String> {
    let mut recording = recording.moved(client, table);
    let Some((operation, mut parameters)) = recording.operation() else { return vec!["no such operation".to_owned()] };
    for (number, row) in TABLE.iter().enumerate() {
        let Differs::Alias(from, to) = row.differs else { continue };
        let from: Vec<&str> = from.split('.').skip(1).collect();
        let Some(body) = recording.body.as_mut().filter(|_| !row.named(client, operation).is_empty()) else { continue };
        if rename(body, &from, to) {
            table.used.extend(row.named(client, operation).into_iter().map(|pattern| (number, pattern)));
        }
    }
    let Some(call) = generated::call(operation.id).or_else(|| flows::call(operation.id)) else {
        let covered = table.covers(client, operation, |differs| matches!(differs, Differs::NoFunction));
        return if covered { Vec::new() } else { vec![format!("{}: the SDK has no function", operation.id)] };
    };
    parameters.extend(recording.query.clone());
    let given = Given::new(parameters, recording.body.clone(), recording.token());
    let builder = server.client();
    let descope = match recording.client.as_str() {
        "auth_management_key" => builder.management_key(MANAGEMENT_KEY).auth_management_key(AUTH_KEY),
        "no_management_key" => builder,
        _ => builder.management_key(MANAGEMENT_KEY),
    };
    server.expect(operation.id);
    let outcome = call(descope.build().expect("a client"), given).await;
    let mut sent = server.sent();
    let left = match outcome {
        Ok(left) => left,
        Err(failed) => {
            let (argument, what) = match failed {
                Failed::Lacks(name) => (name.clone(), format!("the function needs `{name}`, which was not sent")),
                Failed::Unreadable(name, error) => (name.clone(), format!("`{name}` cannot be said: {error}")),
                Failed::Refused(error) => (error.argument().unwrap_or_default().to_owned(), format!("{error:?}")),
            };
            let refused = |differs: &Differs| matches!(differs, Differs::Refused(name) if *name == argument);
            let covered = sent.is_empty() && table.covers(client, operation, refused);
            return if covered { Vec::new() } else { vec![format!("{}: {what}", operation.id)] };
        }
    };
    let (Some(sent), true) = (sent.pop(), sent.is_empty()) else {
        return vec![format!("{}: not one request was sent", operation.id)];
    };
    let Recording { http_method, path, query, authorization, body, .. } = &recording;
    let recorded = facts(http_method, path, query, authorization.as_deref(), body.as_ref());
    let (sent, mut found) = (as_recorded(&sent), Vec::new());
    let places = recorded.as_object().into_iter().chain(sent.as_object()).flat_map(serde_json::Map::keys);
    for name in places.collect::<BTreeSet<_>>() {
        compare(name, recorded.get(name), sent.get(name), &mut found);
    }
    let uncovered = found.into_iter().filter(|Difference { at, recorded, sent }| {
        let nullable = is_nullable(operation, at);
        !table.covers(client, operation, |differs| match differs {
            Differs::Unlike(place, was, is) => {
                is_at(place, at) && was.is(recorded.as_ref(), nullable) && is.is(sent.as_ref(), nullable)
            }
            _ => false,
        })
    });
    let shown = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
    uncovered
        .map(|Difference { at, recorded, sent }| {
            let unsaid = left.iter().any(|name| at.ends_with(&format!(".{name}")));
            let unsaid = if unsaid { ", which the function has no place for" } else { "" };
            format!("{}: {at}: {} was recorded{unsaid}, {} is sent", operation.id, shown(&recorded), shown(&sent))
        })
        .collect()
}

#[test]
fn every_row_of_the_table_has_a_reason() {
    let reasoned = |row: &Row| row.why.split_whitespace().count() >= 6;
    let without: Vec<_> = TABLE.iter().filter(|row| !reasoned(row)).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn functions_that_are_tested_are_compared() {
    let missing: BTreeSet<&str> = requests::all()
        .iter()
        .map(|case| case.operation)
        .filter(|id| generated::call(id).or_else(|| flows::call(id)).is_none())
        .collect();
    assert_eq!(missing, BTreeSet::new(), "tests/parity/flows.rs does not call these");
}

/// What the harness finds wrong with a recording, of a client that no row of the table is for.
async fn faults(server: &Recorder, recording: &Value) -> Vec<String> {
    replay(server, "another", Recording::read(&recording.to_string()), &mut Table::default()).await
}

#[tokio::test]
async fn whatever_is_not_the_same_is_found() {
    let server = Recorder::start().await;
    // As a recorder writes it, with members that are of no interest here.
    let recorded = json!({
        "sdk": "another", "call": "role.create", "args": ["Auditor"], "variant": "full", "client": "default", "seq": 0,
        "http_method": "POST", "path": "/v1/mgmt/role/create", "query": {}, "headers": {"x-descope-sdk-name": "another"},
        "authorization": "Bearer <project_id>:<management_key>", "outcome": "returned", "body_present": true,
        "body": {"name": "Auditor", "permissionNames": ["Read Reports"]}
    });
    assert_eq!(faults(&server, &recorded).await, Vec::<String>::new());
    let changes: [(&str, Value, &str); 8] = [
        ("/body/permissionNames", json!([]), "body.permissionNames: [] was recorded, nothing is sent"),
        ("/body/description", json!(null), "body.description: null was recorded, nothing is sent"),
        ("/body/colour", json!("red"), "body.colour: \"red\" was recorded, which the function has no place for"),
        ("/body/default", json!("yes"), "`default` cannot be said"),
        (
            "/authorization",
            json!("Bearer <project_id>"),
            "authorization: \"Bearer P2RmuXyZ0123456789abcdefghij\" was recorded",
        ),
        ("/query/tenant", json!("T1"), "query.tenant: \"T1\" was recorded, which the function has no place for"),
        ("/path", json!("/v1/mgmt/role/make"), "no such operation"),
        ("/path", json!("/v1/flow/event"), "flowReportEvents: the SDK has no function"),
    ];
    for (place, value, fault) in changes {
        let mut other = recorded.clone();
        let (parent, name) = place.rsplit_once('/').expect("a place");
        other.pointer_mut(parent).expect("its parent")[name] = value;
        let found = faults(&server, &other).await;
        assert!(found.iter().any(|found| found.contains(fault)), "{place}: {found:?}");
    }
    let mut without = recorded.clone();
    without["body"]["name"].take();
    assert_eq!(
        faults(&server, &without).await,
        ["managementRoleCreate: the function needs `name`, which was not sent"]
    );
    let mut bare = recorded;
    (bare["path"], bare["body_present"]) = ("/v1/mgmt/flow/list".into(), false.into());
    assert_eq!(faults(&server, &bare).await, ["managementFlowList: body: nothing was recorded, {} is sent"]);
}

#[tokio::test]
async fn recorded_requests_are_sent_alike_or_a_row_says_why_not() {
    let server = Recorder::start().await;
    let (mut table, mut wrong) = (Table::default(), Vec::new());
    let files = files();
    assert!(!files.is_empty(), "there are recordings");
    for (client, path) in &files {
        let text = std::fs::read_to_string(path).expect("a file of text");
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let recording = Recording::read(line);
            let name = recording.name();
            for fault in replay(&server, client, recording, &mut table).await {
                wrong.push(format!("{client}: {name}: {fault}"));
            }
        }
    }
    wrong.extend(table.idle());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
