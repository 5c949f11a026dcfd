//! The emulator over plain HTTP, operation by operation: what does not fit is refused in the service's own form, and
//! leaves everything as it was.

use descope_api::{Auth, OPERATIONS, Operation};
use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, LoginId, Secret};
use serde_json::{Map, Value, json};

use crate::{
    support::spec::{self, media, resolve},
    world::{ADA, World, refresh_of, refused},
};

/// A world with somebody in it, and credentials for every operation.
struct Wire {
    world: World,
    http: reqwest::Client,
    refresh: Secret,
    session: Secret,
    access_key: Secret,
}

struct Reply {
    status: u16,
    body: Value,
}

impl Reply {
    /// Checks the form that every refusal of the service has, and gives its message.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &str {
        assert_eq!((self.status, self.body["errorCode"].as_str()), (status, Some(code)), "{}", self.body);
        let members: Vec<_> = self.body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(members, ["errorCode", "errorDescription", "errorMessage", "message"], "{}", self.body);
        assert!(self.body["errorDescription"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(self.body["errorMessage"], self.body["message"]);
        self.body["errorMessage"].as_str().expect("a message")
    }
}

impl Wire {
    async fn start() -> Self {
        let world = World::start().await;
        let ada = world.signed_in(ADA).await;
        let created = world.descope.management().access_keys().create("nightly").send().await.unwrap();
        let (refresh, session) = (refresh_of(&ada), ada.session_jwt().clone());
        Self { world, http: reqwest::Client::new(), refresh, session, access_key: created.cleartext.clone() }
    }

    fn url(&self, operation: &Operation) -> String {
        let project = self.world.emulator.project_id();
        let path = operation.path.replace("{projectId}", project).replace("{project_id}", project);
        let parameters = spec::operation(operation)["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let query: Vec<String> = required
            .filter_map(|parameter| Some(format!("{}={}", parameter["name"].as_str()?, parameter["example"].as_str()?)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{}", self.world.emulator.base_url(), query.join("&"))
    }

    /// A request with credentials that the operation takes.
    fn request(&self, operation: &Operation) -> reqwest::RequestBuilder {
        let project = self.world.emulator.project_id();
        // Where a management key is accepted beside a user's refresh token, the emulator wants the key.
        let auth = if operation.auth.contains(&Auth::ManagementKey) {
            Some(&Auth::ManagementKey)
        } else {
            operation.auth.last()
        };
        let bearer = match auth {
            Some(Auth::RefreshJwt) => format!("{project}:{}", self.refresh.expose()),
            Some(Auth::SessionJwt) => format!("{project}:{}", self.session.expose()),
            Some(Auth::AccessKey) => format!("{project}:{}", self.access_key.expose()),
            Some(Auth::ManagementKey) => format!("{project}:{}", self.world.emulator.management_key()),
            _ => project.to_owned(),
        };
        let method = operation.method.parse().expect("a method");
        self.http.request(method, self.url(operation)).bearer_auth(bearer)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        assert!(response.headers().contains_key("cf-ray"), "every answer has a request id");
        let text = response.text().await.expect("a body");
        Reply { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    async fn post(&self, operation: &Operation, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.request(operation).header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    /// What a caller can find out about the state.
    async fn state(&self) -> Value {
        let user = self.world.descope.management().users().load(LoginId::new(ADA)).send().await.unwrap();
        let history = self.world.descope.session().history(&self.refresh).await.unwrap();
        json!({ "user": user, "history": history, "messages": self.world.messages() })
    }
}

/// Checks a refusal in the words that the operation uses, and gives its message.
#[track_caller]
fn told(reply: &Reply, operation: &Operation, status: u16, code: &str) -> String {
    let member = if operation.tag.starts_with("federation-oidc") || operation.tag == "federation-inbound-app" {
        assert_eq!(reply.body["error"], "invalid_request", "{}: {}", operation.id, reply.body);
        "error_description"
    } else if operation.tag.starts_with("scim-") {
        assert_eq!(reply.body["status"], status.to_string(), "{}: {}", operation.id, reply.body);
        "detail"
    } else {
        return reply.refused(status, code).to_owned();
    };
    assert_eq!(reply.status, status, "{}: {}", operation.id, reply.body);
    reply.body[member].as_str().expect("a message").to_owned()
}

/// Whether standards have the operation pass over members that it does not know.
fn passes_over(operation: &Operation) -> bool {
    operation.tag.starts_with("scim-")
        || ["managementInboundApplicationRegister", "managementMcpRegisterClient"].contains(&operation.id)
}

/// The operations that the emulator carries out.
fn emulated() -> impl Iterator<Item = &'static Operation> {
    let known = Emulator::emulated_operations();
    OPERATIONS.iter().filter(move |operation| known.contains(&operation.id))
}

/// Those of them that take a body, with its schema and an example that fits.
fn with_body() -> impl Iterator<Item = (&'static Operation, &'static Value, &'static Map<String, Value>)> {
    emulated().filter_map(|operation| {
        let (_, schema, example) = media(&spec::operation(operation)["requestBody"]["content"])?;
        Some((operation, resolve(schema), example.as_object()?))
    })
}

#[tokio::test]
async fn every_operation_is_emulated_or_answers_501_with_its_name() {
    let wire = Wire::start().await;
    let emulated = Emulator::emulated_operations();
    for operation in OPERATIONS {
        let reply = wire.post(operation, "{").await;
        if emulated.contains(&operation.id) {
            assert_ne!(reply.status, 501, "{}", operation.id);
        } else {
            let message = reply.refused(501, "E990501");
            assert!(message.contains(operation.id), "{message}");
        }
    }
    // There are things inside emulated operations that are not.
    let operation = descope_api::operation("managementUserCreate").unwrap();
    let reply = wire.post(operation, r#"{"loginId": "bob", "hashedPassword": {"buddyauth": {"hash": "x"}}}"#).await;
    reply.refused(501, "E990501");
}

#[tokio::test]
async fn malformed_bodies_of_every_operation_are_refused_and_change_nothing() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    let mut seen = 0;
    for (operation, _, example) in with_body() {
        let text = Value::Object(example.clone()).to_string();
        let halves = [&text[..text.len() - 1], &format!("{text}{text}"), "{", "nonsense", "\u{0}", "{\"loginId\":}"];
        for body in halves {
            let reply = wire.post(operation, body.to_owned()).await;
            let message = told(&reply, operation, 400, "E011001");
            assert!(message.contains("JSON"), "{}: {message}", operation.id);
        }
        for body in ["[]", "\"text\"", "7", "true"] {
            told(&wire.post(operation, body).await, operation, 400, "E011001");
        }
        told(&wire.post(operation, vec![0xff, 0xfe, 0x00]).await, operation, 400, "E011001");
        told(&wire.post(operation, "[".repeat(50_000)).await, operation, 400, "E011001");
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn fields_that_nobody_knows_are_refused_and_change_nothing() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    for (operation, _, example) in with_body().filter(|(operation, ..)| !passes_over(operation)) {
        for value in [json!(1), Value::Null, json!({"a": []})] {
            let mut body = example.clone();
            body.insert("notAField".to_owned(), value);
            let reply = wire.post(operation, Value::Object(body).to_string()).await;
            let message = told(&reply, operation, 400, "E011001");
            assert!(message.contains("notAField"), "{}: {message}", operation.id);
        }
    }
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn values_of_the_wrong_type_are_refused_and_change_nothing() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    let mut seen = 0;
    for (operation, schema, example) in with_body() {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let wrong = match resolve(property)["type"].as_str() {
                Some("string") => [json!(5), json!([]), json!({})],
                Some("boolean") => [json!("true"), json!(1), json!([])],
                Some("integer") => [json!("soon"), json!(1.5), json!([])],
                Some("array") => [json!("a"), json!({}), json!(5)],
                Some(_) => [json!("a"), json!([]), json!(5)],
                // Any value will do.
                None => continue,
            };
            for value in wrong {
                let mut body = example.clone();
                body.insert(name.clone(), value.clone());
                let reply = wire.post(operation, Value::Object(body).to_string()).await;
                let message = told(&reply, operation, 400, "E011001");
                assert!(message.contains(name.as_str()), "{} {name}={value}: {message}", operation.id);
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen}");
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn fields_that_are_required_are_asked_for_by_name() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    for (operation, schema, example) in with_body() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut body = example.clone();
            body.remove(name);
            let without = Value::Object(body.clone()).to_string();
            body.insert(name.to_owned(), Value::Null);
            for body in [without, Value::Object(body).to_string()] {
                let reply = wire.post(operation, body).await;
                let message = told(&reply, operation, 400, "E011003");
                assert_eq!(message, format!("The {name} field is required"), "{}", operation.id);
            }
        }
    }
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_changes_nothing() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    let operation = descope_api::operation("otpSignInEmail").unwrap();
    let claims = json!({"loginId": ADA, "loginOptions": {"customClaims": {"x": "y".repeat(2_000_000)}}});
    wire.post(operation, claims.to_string()).await.refused(413, "E011001");
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn without_its_credentials_every_operation_is_refused_and_changes_nothing() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    for operation in emulated().filter(|operation| !operation.auth.contains(&Auth::None)) {
        let example = media(&spec::operation(operation)["requestBody"]["content"]).map(|(_, _, example)| example);
        let body = example.map_or_else(String::new, ToString::to_string);
        let method: reqwest::Method = operation.method.parse().unwrap();
        let bare = wire.http.request(method, wire.url(operation)).body(body).header("content-type", "application/json");
        let again = || bare.try_clone().expect("a body that can be sent again");
        told(&wire.send(again()).await, operation, 401, "E011002");
        let reply = wire.send(again().bearer_auth("P2AnotherProject00000000000A")).await;
        told(&reply, operation, 401, "E011008");
        let bad = format!("{}:nonsense", wire.world.emulator.project_id());
        let reply = wire.send(again().bearer_auth(bad)).await;
        // Trying to refresh never fails for a bad token; it has nothing to tell then.
        if operation.id == "sessionTryRefresh" {
            assert_eq!((reply.status, reply.body.get("sessionJwt")), (200, None));
        } else {
            assert_eq!(reply.status, 401, "{}: {}", operation.id, reply.body);
        }
        if !operation.auth.contains(&Auth::ProjectId) && operation.id != "sessionTryRefresh" {
            let reply = wire.send(again().bearer_auth(wire.world.emulator.project_id())).await;
            assert_eq!(reply.status, 401, "{}: {}", operation.id, reply.body);
        }
    }
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn a_token_in_place_of_a_management_key_is_refused() {
    let wire = Wire::start().await;
    let before = wire.state().await;
    for operation in emulated().filter(|operation| operation.auth.contains(&Auth::ManagementKey)) {
        for secret in [&wire.refresh, &wire.session, &wire.access_key] {
            let bearer = format!("{}:{}", wire.world.emulator.project_id(), secret.expose());
            let method = operation.method.parse().unwrap();
            let request = wire.http.request(method, wire.url(operation)).bearer_auth(bearer);
            let reply = wire.send(request).await;
            if secret == &wire.refresh && operation.auth.contains(&Auth::RefreshJwt) {
                // The service would go by what the user may do; the emulator does not know that.
                reply.refused(501, "E990501");
            } else if operation.auth.contains(&Auth::AccessKey) {
                // Another kind of token is no access key, and this key is that of no tenant; an odd call is refused for
                // that first.
                assert!(matches!(reply.status, 400 | 401 | 403), "{}: {}", operation.id, reply.body);
            } else if operation.auth.contains(&Auth::SessionJwt) {
                // Users may fetch what is their own: another kind of token is refused as such, a bare call for nothing.
                assert!(matches!(reply.status, 400 | 401), "{}: {}", operation.id, reply.body);
            } else {
                reply.refused(401, "E111119");
            }
        }
    }
    assert_eq!(wire.state().await, before);
}

#[tokio::test]
async fn refused_attempts_do_not_use_a_code_up() {
    let wire = Wire::start().await;
    let pending = wire.world.descope.otp().email(ADA).sign_in().send().await.unwrap();
    let code = wire.world.code(ADA).await;
    let verify = descope_api::operation("otpVerifyEmail").unwrap();
    for _ in 0..6 {
        let extra = json!({"loginId": ADA, "code": code, "extra": 1});
        wire.post(verify, extra.to_string()).await.refused(400, "E011001");
        wire.post(verify, json!({"loginId": ADA, "code": ""}).to_string()).await.refused(400, "E011003");
        let number: i64 = code.parse().unwrap();
        wire.post(verify, json!({"loginId": ADA, "code": number}).to_string()).await.refused(400, "E011001");
    }
    pending.verify(code.as_str()).await.unwrap();
    refused(pending.verify(code).await, ErrorKind::WrongCode, 401, "E061102");
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_refused_in_the_services_form() {
    let wire = Wire::start().await;
    let base = wire.world.emulator.base_url();
    for path in ["/v1", "/v1/auth/otp/verify/pigeon", "/v1/auth/otp/verify/email/x", "/v2/keys", "/v9/keys/x"] {
        wire.send(wire.http.get(format!("{base}{path}"))).await.refused(404, "E011001");
    }
    let patched =
        |path: &str| descope_api::OPERATIONS.iter().any(|other| other.path == path && other.method == "PATCH");
    for operation in emulated().filter(|operation| !patched(operation.path)) {
        let url = wire.url(operation);
        let reply = wire.send(wire.http.patch(&url)).await;
        // What speaks SCIM speaks it here too.
        let by_scim = operation.tag.starts_with("scim-");
        let message = if by_scim { told(&reply, operation, 405, "") } else { reply.refused(405, "E011001").to_owned() };
        assert!(message.contains(operation.method), "{message}");
    }
}
