//! The authorization cache: what it answers, and when the service is asked all the same.

use std::sync::{Arc, Mutex};

use descope_sdk::{Descope, ErrorKind, management::fga::FgaTuple};
use httpmock::{HttpMockResponse, MockServer};
use serde_json::{Value, json};

use crate::support::raw::{PROJECT, http};

/// A server that gives one answer to everything, and notes what is asked.
struct Side {
    server: MockServer,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Side {
    async fn answering(status: u16, body: Value) -> Self {
        let server = MockServer::start_async().await;
        let asked = Arc::<Mutex<Vec<(String, String)>>>::default();
        let notes = Arc::clone(&asked);
        let respond = move |request: &httpmock::HttpMockRequest| {
            let bearer = request.headers_vec().iter().find(|(name, _)| name == "authorization").cloned();
            notes.lock().unwrap().push((request.uri().path().to_owned(), bearer.unwrap_or_default().1));
            let answer = HttpMockResponse::builder().status(status).body(body.to_string());
            answer.header("content-type", "application/json").build()
        };
        server.mock_async(|_, then| drop(then.respond_with(respond))).await;
        Self { server, asked }
    }

    fn asked(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn client(service: &Side, cache: &Side) -> Descope {
    let builder = Descope::builder(PROJECT).base_url(service.server.base_url()).http_client(http()).without_license();
    let builder = builder.retry(descope_sdk::RetryPolicy::none()).management_key("K2Rm");
    builder.fga_cache_url(cache.server.base_url()).build().unwrap()
}

fn tuple() -> FgaTuple {
    FgaTuple::new().resource("doc1").resource_type("doc").relation("viewer").target("ada").target_type("user")
}

fn allowed(allowed: bool) -> Value {
    json!({ "tuples": [{ "allowed": allowed, "tuple": {
        "resource": "doc1", "resourceType": "doc", "relation": "viewer", "target": "ada", "targetType": "user",
    } }], "targets": [], "relations": [] })
}

#[tokio::test]
async fn the_cache_answers_and_the_service_is_not_asked() {
    let (service, cache) = (Side::answering(200, allowed(false)).await, Side::answering(200, allowed(true)).await);
    let management = client(&service, &cache).management();
    let answer = management.fga().check([tuple()]).send().await.unwrap();
    assert_eq!(answer.tuples[0].allowed, Some(true));
    management.fga().create_relations([tuple()]).send().await.unwrap();
    management.fga().delete_relations([tuple()]).send().await.unwrap();
    management.fga().save_schema("model AuthZ 1.0\ntype user").send().await.unwrap();
    management.authz().who_can_access("doc", "viewer", "doc1").send().await.unwrap();
    management.authz().what_can_target_access("ada").send().await.unwrap();
    let asked = cache.asked();
    let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    let expected =
        ["fga/check", "fga/relations", "fga/relations/delete", "fga/schema", "authz/re/who", "authz/re/targetall"];
    assert_eq!(paths, expected.map(|path| format!("/v1/mgmt/{path}")));
    assert!(asked.iter().all(|(_, bearer)| *bearer == format!("Bearer {PROJECT}:K2Rm")));
    assert_eq!(service.asked(), []);
    // All else is the service's.
    management.fga().load_schema().send().await.unwrap();
    management.fga().delete_all_relations().send().await.unwrap();
    assert_eq!((service.asked().len(), cache.asked().len()), (2, 0));
}

#[tokio::test]
async fn where_the_cache_fails_reads_go_to_the_service_and_changes_do_not() {
    let refusal = json!({ "errorCode": "E999999", "errorDescription": "away" });
    for (status, body) in
        [(503, refusal.clone()), (500, refusal), (404, json!("page not found")), (200, json!("hello"))]
    {
        let (service, cache) = (Side::answering(200, allowed(true)).await, Side::answering(status, body).await);
        let management = client(&service, &cache).management();
        let answer = management.fga().check([tuple()]).send().await.unwrap();
        assert_eq!(answer.tuples[0].allowed, Some(true), "{status}");
        assert_eq!((cache.asked().len(), service.asked().len()), (1, 1));
        if status != 200 {
            management.fga().create_relations([tuple()]).send().await.unwrap_err();
            assert_eq!((cache.asked().len(), service.asked().len()), (1, 0), "{status}: nothing is written twice");
        }
    }
}

#[tokio::test]
async fn what_the_cache_refuses_for_the_service_is_refused() {
    let refusal = json!({ "errorCode": "E011003", "errorDescription": "Request is invalid" });
    let (service, cache) = (Side::answering(200, allowed(true)).await, Side::answering(400, refusal).await);
    let error = client(&service, &cache).management().fga().check([tuple()]).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(service.asked(), []);
}

#[test]
fn the_address_of_the_cache_is_held_to_the_same_rules() {
    for bad in ["", "cache", "ftp://cache.example.com", "http://cache.example.com"] {
        let error = Descope::builder(PROJECT).fga_cache_url(bad).build().unwrap_err();
        assert_eq!((error.kind(), error.argument()), (ErrorKind::Configuration, Some("fga_cache_url")), "{bad}");
    }
    Descope::builder(PROJECT).fga_cache_url("https://cache.example.com/").build().unwrap();
}
