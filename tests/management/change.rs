//! Changing some of what is there: what is left alone stays, and what is taken away is said.

use std::sync::{Arc, Mutex};

use descope_sdk::{Descope, LoginId, Result, management::tenant::TenantRoleInheritance, vocabulary::UserStatus};
use httpmock::{HttpMockResponse, MockServer};
use serde_json::{Value, json};

use crate::support::raw::{PROJECT, http};

/// A server that answers whatever reads with one value, and notes what is written.
struct Service {
    descope: Descope,
    written: Arc<Mutex<Vec<Value>>>,
    _server: MockServer,
}

impl Service {
    async fn holding(answer: Value) -> Self {
        let server = MockServer::start_async().await;
        let written = Arc::<Mutex<Vec<Value>>>::default();
        let notes = Arc::clone(&written);
        let respond = move |request: &httpmock::HttpMockRequest| {
            let answer = if request.method_str() == "GET" || request.uri().path().ends_with("/load") {
                answer.clone()
            } else {
                let body: Value = serde_json::from_str(&request.body_string()).expect("JSON");
                notes.lock().unwrap().push(body.clone());
                // The areas that answer with what they hold now wrap it.
                json!({ "list": body, "template": body["template"], "server": body["server"], "resource": body["resource"] })
            };
            let answer = HttpMockResponse::builder().status(200).body(answer.to_string());
            answer.header("content-type", "application/json").build()
        };
        server.mock_async(|_, then| drop(then.respond_with(respond))).await;
        let builder = Descope::builder(PROJECT).base_url(server.base_url()).http_client(http()).without_license();
        let descope = builder.management_key("K2Rm").build().unwrap();
        Self { descope, written, _server: server }
    }

    fn written(&self) -> Value {
        let written = std::mem::take(&mut *self.written.lock().unwrap());
        assert_eq!(written.len(), 1, "{written:?}");
        written.into_iter().next().unwrap()
    }
}

#[tokio::test]
async fn a_tenant_keeps_what_is_not_changed_in_either_form_of_the_answer() {
    let tenant = json!({
        "id": "T1", "name": "Engines", "selfProvisioningDomains": ["engines.example.com"], "disabled": false,
        "customAttributes": { "plan": "gold" }, "enforceSSO": true, "createdTime": 1_767_225_600, "successors": ["T2"],
    });
    for answer in [tenant.clone(), json!({ "tenant": tenant })] {
        let service = Service::holding(answer).await;
        let tenants = service.descope.management().tenants();
        tenants.modify("T1", |tenant| tenant.disabled(true).custom_attribute("seats", 5)).await.unwrap();
        let mut expected = json!({
            "id": "T1", "name": "Engines", "selfProvisioningDomains": ["engines.example.com"], "disabled": true,
            "customAttributes": { "plan": "gold", "seats": 5 }, "enforceSSO": true,
        });
        assert_eq!(service.written(), expected);
        // `replace` sends what it is told and no more.
        tenants.replace("T1", "Engines").disabled(true).send().await.unwrap();
        expected = json!({ "id": "T1", "name": "Engines", "disabled": true });
        assert_eq!(service.written(), expected);
    }
}

#[tokio::test]
async fn what_is_written_back_whole_keeps_members_that_are_newer_than_this_client() {
    let of_tomorrow = json!({ "deep": [1, null] });
    let held = json!({ "id": "X1", "name": "Old", "type": "texts", "ofTomorrow": of_tomorrow });
    let service = Service::holding(json!({ "list": held, "template": held, "server": held, "resource": held })).await;
    let management = service.descope.management();
    let renamed = |envelope: &str, written: &Value| {
        let expected = json!({ "id": "X1", "name": "New", "type": "texts", "ofTomorrow": of_tomorrow });
        assert_eq!(written[envelope], expected, "{envelope}");
    };
    management.jwt_templates().modify("X1", |template| template.name("New")).await.unwrap();
    renamed("template", &service.written());
    management.mcp().modify_server("X1", |server| server.name("New")).await.unwrap();
    renamed("server", &service.written());
    management.resources().modify("X1", |resource| resource.name("New")).await.unwrap();
    renamed("resource", &service.written());
    management.resources().modify_registration_template("X1", |template| template.name("New")).await.unwrap();
    renamed("template", &service.written());
    // A list is written by its members; one that the request does not have would be refused.
    management.lists().modify("X1", |list| list.description("Mine")).await.unwrap();
    assert_eq!(service.written(), json!({ "id": "X1", "name": "Old", "type": "texts", "description": "Mine" }));
}

#[tokio::test]
async fn what_has_to_be_there_can_be_changed_too() {
    let held = json!({ "id": "X1", "entity": "flow", "data": { "a": 1 }, "name": "Old", "type": "texts" });
    let service = Service::holding(json!({ "list": held, "id": "X1", "entity": "flow", "data": { "a": 1 } })).await;
    let management = service.descope.management();
    management.lists().modify("X1", |list| list.name("New")).await.unwrap();
    assert_eq!(service.written(), json!({ "id": "X1", "name": "New", "type": "texts", "data": { "a": 1 } }));
    management.infra().modify("flow", "X1", |entity| entity.data([("b", 2)])).await.unwrap();
    assert_eq!(service.written(), json!({ "id": "X1", "entity": "flow", "data": { "b": 2 } }));
    let service = Service::holding(json!({ "id": "T1", "name": "Engines", "disabled": true })).await;
    service.descope.management().tenants().modify("T1", |tenant| tenant.name("Motors")).await.unwrap();
    assert_eq!(service.written(), json!({ "id": "T1", "name": "Motors", "disabled": true }));
}

#[tokio::test]
async fn what_can_not_be_written_back_is_told_and_not_written() {
    let service = Service::holding(json!({ "list": { "id": "X1" } })).await;
    let error = service.descope.management().lists().modify("X1", |list| list).await.unwrap_err();
    assert_eq!(error.kind(), descope_sdk::ErrorKind::Decode);
    assert_eq!(service.written.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_patch_tells_apart_what_is_left_alone_set_and_taken_away() {
    let service = Service::holding(json!({})).await;
    let users = service.descope.management().users();
    let ada = LoginId::new("ada");
    // The answer holds no user, which is not what matters here.
    let ended = |_: Result<descope_sdk::User>| {};
    ended(users.patch(&ada).send().await);
    assert_eq!(service.written(), json!({ "loginId": "ada" }));
    ended(users.patch(&ada).name("Ada").role_names(["reader"]).verified_email(false).send().await);
    let set = json!({ "loginId": "ada", "name": "Ada", "roleNames": ["reader"], "verifiedEmail": false });
    assert_eq!(service.written(), set);
    ended(users.patch(&ada).clear_name().clear_role_names().send().await);
    assert_eq!(service.written(), json!({ "loginId": "ada", "name": "", "roleNames": [] }));
    // The last word counts.
    ended(users.patch(&ada).clear_name().name("Ada").role_names(["reader"]).clear_role_names().send().await);
    assert_eq!(service.written(), json!({ "loginId": "ada", "name": "Ada", "roleNames": [] }));
    service.descope.management().tenants().patch("T1").clear_self_provisioning_domains().send().await.unwrap();
    assert_eq!(service.written(), json!({ "id": "T1", "selfProvisioningDomains": [] }));
}

#[tokio::test]
async fn a_known_value_is_a_constant_and_any_other_a_text() {
    let service = Service::holding(json!({})).await;
    let tenants = service.descope.management().tenants();
    tenants.patch("T1").role_inheritance(TenantRoleInheritance::USER_ONLY).send().await.unwrap();
    assert_eq!(service.written(), json!({ "id": "T1", "roleInheritance": "userOnly" }));
    tenants.patch("T1").role_inheritance("everybody").send().await.unwrap();
    assert_eq!(service.written(), json!({ "id": "T1", "roleInheritance": "everybody" }));
    tenants.patch("T1").role_inheritance("everybody").clear_role_inheritance().send().await.unwrap();
    assert_eq!(service.written(), json!({ "id": "T1", "roleInheritance": "" }));
    let users = service.descope.management().users();
    let _ = users.update_status(LoginId::new("ada"), UserStatus::DISABLED).send().await;
    assert_eq!(service.written(), json!({ "loginId": "ada", "status": "disabled" }));
}
