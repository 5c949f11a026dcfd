//! No parameter leaves its segment of the path, whatever it holds.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::Request};
use descope_api::{ErrorKind, OPERATIONS, Operation};
use heck::ToSnakeCase as _;
use percent_encoding::percent_decode_str;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::{
    generated::call,
    support::{
        raw::{Arguments, PROJECT, http},
        spec::{self, resolve},
    },
};

/// What could leave its segment, be lost on the way, or be taken for something else.
const HOSTILE: &[&str] = &[
    "..\\..\\user\\test\\delete\\all",
    "../../user/test/delete/all",
    "%2e%2e",
    "%2E%2E%2F",
    "..%2f..",
    "..;",
    ";",
    "a;b=c",
    "//",
    "/",
    "\\",
    "\\\\host\\share",
    "\0",
    "a\0b",
    "\n",
    "\r\n",
    "\t",
    "a\tb",
    "?",
    "?x=1",
    "#",
    "@",
    ":",
    "a:b@c",
    " ",
    " ..",
    ".. ",
    ".\t.",
    "...",
    "..a",
    "+",
    "%",
    "%00",
    "%zz",
    "ü",
    "日本",
    "\u{202e}",
    "\u{ff0e}\u{ff0e}",
    "\u{2215}",
    "~",
    "a b",
];

/// What no segment can hold.
const IMPOSSIBLE: &[&str] = &["", ".", ".."];

/// Remembers the path of every request.
struct Listener {
    base_url: String,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    async fn start(below: &str) -> Self {
        let paths = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&paths);
        let app = Router::new().fallback(move |request: Request| {
            log.lock().unwrap().push(request.uri().path().to_owned());
            async { axum::Json(json!({"errorCode": "E011001"})) }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}{below}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, paths }
    }

    fn client(&self) -> descope_api::Client {
        let mut config = descope_api::Config::new(&self.base_url, PROJECT);
        config.management_key = Some("K2Rm-management-key".into());
        config.retry = descope_api::RetryPolicy::none();
        descope_api::Client::connect(http(), config).with_token("a.b.c")
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.paths.lock().unwrap())
    }
}

fn with_parameters() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.path.contains('{'))
}

/// The arguments of a call, with these values for the parameters of its path.
fn arguments(operation: &Operation, value: &str, other: &str, hostile: usize) -> (Arguments, Vec<String>) {
    let described = spec::operation(operation);
    let mut arguments = Map::new();
    let mut path: Vec<String> = operation.path.split('/').map(str::to_owned).collect();
    let mut position = 0;
    for segment in &mut path {
        if let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            let value = if position == hostile { value } else { other };
            position += 1;
            arguments.insert(name.to_snake_case(), json!(value));
            value.clone_into(segment);
        }
    }
    for parameter in described["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "query") {
        let value = match resolve(&parameter["schema"])["type"].as_str() {
            Some("boolean") => json!(true),
            Some("integer") => json!(1),
            Some("array") => json!(["x"]),
            _ => json!("x"),
        };
        arguments.insert(parameter["name"].as_str().unwrap().to_snake_case(), value);
    }
    if let Some((_, _, example)) = spec::media(&described["requestBody"]["content"]) {
        arguments.insert("body".to_owned(), Value::clone(example));
    }
    (Arguments(Value::Object(arguments)), path)
}

fn decoded(path: &str) -> Vec<String> {
    path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

#[tokio::test]
async fn hostile_parameters_stay_in_their_segment_at_every_operation() {
    for below in ["", "/gateway/descope"] {
        let listener = Listener::start(below).await;
        let client = listener.client();
        let mut operations = 0;
        for operation in with_parameters() {
            operations += 1;
            for hostile in 0..operation.path.matches('{').count() {
                for value in HOSTILE {
                    let (arguments, path) = arguments(operation, value, "plain", hostile);
                    let _ = call(&client, operation.function, &arguments).await;
                    let requests = listener.requests();
                    assert_eq!(requests.len(), 1, "{} {value:?}", operation.id);
                    let expected = [decoded(below), path[1..].to_vec()].concat();
                    assert_eq!(decoded(&requests[0]), expected, "{} {value:?}", operation.id);
                }
            }
        }
        assert!(operations >= 44, "{operations}");
    }
}

#[tokio::test]
async fn parameter_that_no_segment_can_hold_is_refused_by_name_before_any_network() {
    let listener = Listener::start("").await;
    let client = listener.client();
    for operation in with_parameters() {
        for hostile in 0..operation.path.matches('{').count() {
            // Another parameter that leaves nothing, too.
            for (value, other) in IMPOSSIBLE.iter().flat_map(|value| [(value, "plain"), (value, *value)]) {
                let (arguments, _) = arguments(operation, value, other, hostile);
                let error = call(&client, operation.function, &arguments).await.expect_err(operation.id);
                assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{} {value:?}", operation.id);
                let name = operation.path.split('/').find(|segment| segment.starts_with('{')).unwrap();
                assert!(error.to_string().contains(name), "{error}");
                assert_eq!(listener.requests(), [""; 0], "{} {value:?}", operation.id);
            }
        }
    }
}

#[test]
fn no_text_leaves_its_segment() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(Listener::start(""));
    let client = listener.client();
    let operations: Vec<_> = with_parameters().collect();
    let text = prop_oneof![any::<String>(), "[./\\\\%2eE;\t\n\r ?#]{0,6}"];
    let cases = Config { cases: 600, ..Config::default() };
    TestRunner::new(cases)
        .run(&(0..operations.len(), text), |(index, value)| {
            let operation = operations[index];
            let (arguments, path) = arguments(operation, &value, "plain", 0);
            let outcome = runtime.block_on(call(&client, operation.function, &arguments));
            let requests = listener.requests();
            if IMPOSSIBLE.contains(&value.as_str()) {
                prop_assert_eq!(outcome.map_err(|error| error.kind()), Err(ErrorKind::InvalidRequest));
                prop_assert_eq!(requests, [""; 0]);
            } else {
                prop_assert_eq!(requests.len(), 1);
                prop_assert_eq!(decoded(&requests[0]), path);
            }
            Ok(())
        })
        .unwrap();
}
