//! Other credentials than the management key, and other things than users that go by two names.

use std::sync::{Arc, Mutex};

use descope_sdk::{Descope, DescopeBuilder, ErrorKind, NameOrId};
use httpmock::{HttpMockResponse, MockServer};
use serde_json::{Value, json};

use crate::support::raw::{PROJECT, http};

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A server that answers one thing, and notes the bearer and the body of each request.
async fn service(answer: Value) -> (DescopeBuilder, Asked, MockServer) {
    let server = MockServer::start_async().await;
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    let respond = move |request: &httpmock::HttpMockRequest| {
        let bearer = request.headers_vec().iter().find(|(name, _)| name == "authorization").cloned();
        let body = serde_json::from_str(&request.body_string()).unwrap_or_default();
        notes.lock().unwrap().push((bearer.expect("a bearer").1, body));
        let answer = HttpMockResponse::builder().status(200).body(answer.to_string());
        answer.header("content-type", "application/json").build()
    };
    server.mock_async(|_, then| drop(then.respond_with(respond))).await;
    (Descope::builder(PROJECT).base_url(server.base_url()).http_client(http()).without_license(), asked, server)
}

#[tokio::test]
async fn an_application_fetches_tokens_by_its_own_token_without_a_management_key() {
    let (builder, asked, _server) = service(json!({ "token": { "accessToken": "ya29" } })).await;
    let descope = builder.build().unwrap();
    let applications = descope.management().outbound_applications();
    let call = applications.fetch_latest_user_token("calendar", descope_sdk::UserId::new("U2Rm"));
    let refused = call.clone().send().await.unwrap_err();
    assert_eq!((refused.kind(), refused.argument()), (ErrorKind::Configuration, Some("management_key")));
    for bad in ["", "a:b"] {
        let refused = call.clone().with_token(bad).send().await.unwrap_err();
        assert_eq!((refused.kind(), refused.argument()), (ErrorKind::InvalidArgument, Some("token")));
    }
    assert!(asked.lock().unwrap().is_empty());
    call.with_token("eyJh.eyJi.c2ln").send().await.unwrap();
    let (bearer, body) = asked.lock().unwrap().remove(0);
    assert_eq!(bearer, format!("Bearer {PROJECT}:eyJh.eyJi.c2ln"));
    assert_eq!(body, json!({ "appId": "calendar", "userId": "U2Rm" }));
}

#[tokio::test]
async fn a_token_goes_in_place_of_the_management_key_and_of_the_auth_management_key() {
    let (builder, asked, _server) = service(json!({ "Resources": [] })).await;
    let descope = builder.management_key("K2Rm").auth_management_key("K2Auth").build().unwrap();
    descope.management().scim().search_users().send().await.unwrap();
    descope.management().scim().search_users().with_token("K2Provisioning").send().await.unwrap();
    let bearers: Vec<String> = asked.lock().unwrap().iter().map(|(bearer, _)| bearer.clone()).collect();
    assert_eq!(bearers, [format!("Bearer {PROJECT}:K2Rm"), format!("Bearer {PROJECT}:K2Provisioning")]);
}

#[tokio::test]
async fn roles_and_permissions_go_by_their_name_or_their_id() {
    let (builder, asked, _server) = service(json!({})).await;
    let descope = builder.management_key("K2Rm").build().unwrap();
    let (roles, permissions) = (descope.management().roles(), descope.management().permissions());
    roles.delete("Auditor").send().await.unwrap();
    roles.delete(NameOrId::id("R2Rm")).tenant_id("T1").send().await.unwrap();
    roles.replace(NameOrId::id("R2Rm"), "Reviewer").send().await.unwrap();
    permissions.delete(NameOrId::id("P2Rm")).send().await.unwrap();
    permissions.replace(String::from("Read"), "Read Reports").send().await.unwrap();
    let bodies: Vec<Value> = asked.lock().unwrap().drain(..).map(|(_, body)| body).collect();
    let expected = [
        json!({ "name": "Auditor" }),
        json!({ "id": "R2Rm", "tenantId": "T1" }),
        json!({ "id": "R2Rm", "newName": "Reviewer" }),
        json!({ "id": "P2Rm" }),
        json!({ "name": "Read", "newName": "Read Reports" }),
    ];
    assert_eq!(bodies, expected);
    for refused in [roles.delete("").send().await, permissions.delete(NameOrId::id(" ")).send().await] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.kind(), refused.argument()), (ErrorKind::InvalidArgument, Some("name")));
    }
    assert!(asked.lock().unwrap().is_empty());
}
