//! Every operation puts on the wire what the document says, and reads the answer that the document shows.

use descope_api::{Auth, OPERATIONS, Operation};
use httpmock::{Method, MockServer};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::{
    generated::call,
    support::{
        raw::{Arguments, PROJECT, client},
        spec::{self, as_numbers, essence, resolve},
    },
};

pub(super) const MANAGEMENT_KEY: &str = "K2Rm-management-key";
pub(super) const TOKEN: &str = "header.payload.signature";

/// A value for a parameter that would go wrong if it were not encoded.
fn sample(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("boolean") => json!(true),
        Some("integer") => json!(7),
        Some("array") => json!(["a b&c", "d"]),
        _ => json!("a/b?c=d&e#f g+ü"),
    }
}

pub(super) fn arguments(operation: &Operation) -> (Value, Vec<String>, Vec<(String, String)>) {
    let described = spec::operation(operation);
    let mut arguments = Map::new();
    let mut path: Vec<String> = operation.path.split('/').map(str::to_owned).collect();
    let mut query = Vec::new();
    // Headers that may be left out are no arguments.
    let parameters = described["parameters"].as_array().into_iter().flatten().map(resolve);
    for parameter in parameters.filter(|parameter| parameter["in"] != "header") {
        let name = parameter["name"].as_str().unwrap();
        let value = sample(resolve(&parameter["schema"]));
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if parameter["in"] == "path" {
            let template = format!("{{{name}}}");
            path.iter_mut().filter(|segment| **segment == template).for_each(|segment| segment.clone_from(&text));
        } else {
            match value.as_array() {
                Some(values) => {
                    query.extend(values.iter().filter_map(|value| Some((name.to_owned(), value.as_str()?.to_owned()))));
                }
                None => query.push((name.to_owned(), text)),
            }
        }
        arguments.insert(heck::ToSnakeCase::to_snake_case(name), value);
    }
    if let Some((_, _, example)) = spec::media(&described["requestBody"]["content"]) {
        arguments.insert("body".to_owned(), example.clone());
    }
    (Value::Object(arguments), path, query)
}

/// The segments of a path, decoded one by one, so that an encoded slash does not make two of one.
fn segments(path: &str) -> Vec<String> {
    path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

/// The bearer that goes with an alternative, and whether the call brings a token.
pub(super) fn bearer(auth: Auth) -> (Option<String>, bool) {
    match auth {
        Auth::ProjectId => (Some(format!("Bearer {PROJECT}")), false),
        Auth::ManagementKey => (Some(format!("Bearer {PROJECT}:{MANAGEMENT_KEY}")), false),
        Auth::None => (None, false),
        _ => (Some(format!("Bearer {PROJECT}:{TOKEN}")), true),
    }
}

#[tokio::test]
async fn every_operation_sends_the_documented_request_under_each_of_its_credentials() {
    let server = MockServer::start_async().await;
    let mut calls = 0;
    for operation in OPERATIONS {
        let (arguments, path, query) = arguments(operation);
        let described = spec::operation(operation);
        let (status, answer) = spec::success(described);
        let answered = spec::media(&described["responses"][status.to_string()]["content"]);
        for auth in operation.auth {
            let (bearer, brings_token) = bearer(*auth);
            let mock = server
                .mock_async(|when, then| {
                    let mut when = when.method(Method::from(operation.method)).header("x-descope-project-id", PROJECT);
                    when = when.is_true({
                        let path = path.clone();
                        move |request| segments(request.uri().path()) == path
                    });
                    when = match &bearer {
                        Some(bearer) => when.header("authorization", bearer),
                        None => when.header_missing("authorization"),
                    };
                    for (name, value) in &query {
                        when = when.query_param(name, value);
                    }
                    when = when.header_missing("api-version");
                    match (arguments.get("body"), spec::media(&described["requestBody"]["content"])) {
                        (Some(body), Some(("application/x-www-form-urlencoded", ..))) => {
                            body.as_object().into_iter().flatten().fold(when, |when, (name, value)| {
                                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                                when.form_urlencoded_tuple(name, text)
                            })
                        }
                        (Some(body), _) => when.header("content-type", "application/json").is_true({
                            // An empty list or object is as good as none, and is not sent.
                            let schema = spec::media(&described["requestBody"]["content"]).map(|(_, schema, _)| schema);
                            let expected = essence(&schema.map_or(body.clone(), |schema| as_numbers(schema, body)));
                            move |request| {
                                serde_json::from_slice(request.body().as_ref())
                                    .is_ok_and(|sent: Value| essence(&sent) == expected)
                            }
                        }),
                        (None, _) if ["GET", "HEAD"].contains(&operation.method) => when,
                        (None, _) => when.body(""),
                    };
                    match answer {
                        Some((media, answer)) if media.ends_with("json") => {
                            then.status(status).json_body(answer.clone())
                        }
                        Some((media, _)) => then.status(status).header("content-type", media).body("<xml/>"),
                        None => then.status(status).header("location", "https://app.example.com/"),
                    };
                })
                .await;
            let mut client = client(&server.base_url(), Some(MANAGEMENT_KEY));
            if brings_token {
                client = client.with_token(TOKEN);
            }
            let outcome = call(&client, operation.function, &Arguments(arguments.clone())).await;
            let read = outcome.unwrap_or_else(|error| panic!("{} as {auth:?}: {error}", operation.id));
            if let Some((media, schema, answer)) = answered
                && media.ends_with("json")
            {
                assert_eq!(essence(&read), essence(&as_numbers(schema, answer)), "{}", operation.id);
            }
            mock.assert_async().await;
            mock.delete_async().await;
            calls += 1;
        }
    }
    assert!(calls >= OPERATIONS.len());
}

#[tokio::test]
async fn an_auth_management_key_is_the_last_part_of_every_bearer_but_managements() {
    let server = MockServer::start_async().await;
    for operation in OPERATIONS {
        let (arguments, ..) = arguments(operation);
        let takes = |auth| operation.auth.contains(&auth);
        let takes_token = [Auth::RefreshJwt, Auth::SessionJwt, Auth::AccessKey].into_iter().any(takes);
        let expected = match (takes_token, takes(Auth::ManagementKey)) {
            (false, true) => format!("Bearer {PROJECT}:{MANAGEMENT_KEY}"),
            (true, true) => format!("Bearer {PROJECT}:{TOKEN}"),
            (true, false) => format!("Bearer {PROJECT}:{TOKEN}:auth-key"),
            (false, false) if takes(Auth::ProjectId) => format!("Bearer {PROJECT}:auth-key"),
            _ => continue,
        };
        let mock = server
            .mock_async(|when, then| {
                when.header("authorization", expected);
                then.status(404).json_body(json!({"errorCode": "E062108"}));
            })
            .await;
        let mut config = descope_api::Config::new(server.base_url(), PROJECT);
        config.management_key = Some(MANAGEMENT_KEY.into());
        config.auth_management_key = Some("auth-key".into());
        let client = descope_api::Client::connect(crate::support::raw::http(), config).with_token(TOKEN);
        let error = call(&client, operation.function, &Arguments(arguments)).await.expect_err("404");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(404), "{}", operation.id);
        mock.assert_async().await;
        mock.delete_async().await;
    }
}

#[tokio::test]
async fn without_its_credential_an_operation_is_refused_before_any_network() {
    // Nothing listens there; a request would end as a transport error.
    let client = client("http://127.0.0.1:9", None);
    for operation in OPERATIONS {
        let public = operation.auth.iter().any(|auth| matches!(auth, Auth::None | Auth::ProjectId));
        if public {
            continue;
        }
        let (arguments, ..) = arguments(operation);
        let error = call(&client, operation.function, &Arguments(arguments)).await.expect_err("refused");
        assert_eq!(error.kind(), descope_api::ErrorKind::InvalidRequest, "{}: {error}", operation.id);
        assert!(error.to_string().contains(operation.id), "{error}");
    }
}

#[test]
fn the_table_finds_every_operation_by_both_names() {
    for operation in OPERATIONS {
        assert_eq!(descope_api::operation(operation.id), Some(operation));
        assert_eq!(descope_api::operation(operation.function), Some(operation));
    }
    assert_eq!(descope_api::operation("nothing"), None);
}
