//! A plain HTTP client with the bearer forms of the service.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_emulator::{Emulator, Message};
use serde_json::{Value, json};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PHONE: &str = "+15551234567";

/// An emulator and a client for it.
pub(crate) struct Api {
    pub(crate) emulator: Emulator,
    pub(crate) http: reqwest::Client,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// The body of a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Checks that it is a refusal with this status and code, in the service's form, and gives its message.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> String {
        assert_eq!((self.status, self.body["errorCode"].as_str()), (status, Some(code)), "{}", self.body);
        assert!(self.body["errorDescription"].is_string(), "{}", self.body);
        assert_eq!(self.body["errorMessage"], self.body["message"]);
        self.body["errorMessage"].as_str().expect("a message").to_owned()
    }
}

impl Api {
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::builder().start().await.expect("starts");
        Self { emulator, http: reqwest::Client::new() }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        Reply { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub(crate) fn request(&self, method: &str, path: &str, secret: Option<&str>) -> reqwest::RequestBuilder {
        let project = self.emulator.project_id();
        let bearer = secret.map_or_else(|| project.to_owned(), |secret| format!("{project}:{secret}"));
        let method = method.parse().expect("a method");
        self.http.request(method, format!("{}{path}", self.emulator.base_url())).bearer_auth(bearer)
    }

    /// A call of an end user who is not signed in.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request("POST", path, None).json(&body)).await
    }

    /// A call with a token or access key.
    pub(crate) async fn post_as(&self, secret: &str, path: &str, body: Value) -> Reply {
        self.send(self.request("POST", path, Some(secret)).json(&body)).await
    }

    pub(crate) async fn get_as(&self, secret: &str, path: &str) -> Reply {
        self.send(self.request("GET", path, Some(secret))).await
    }

    /// A call of the back end.
    pub(crate) async fn manage(&self, path: &str, body: Value) -> Reply {
        self.post_as(self.emulator.management_key(), path, body).await
    }

    pub(crate) async fn load_user(&self, login_id: &str) -> Reply {
        let key = self.emulator.management_key().to_owned();
        self.send(self.request("GET", "/v1/mgmt/user", Some(&key)).query(&[("loginId", login_id)])).await
    }

    pub(crate) async fn mail(&self, to: &str) -> Message {
        tokio::time::timeout(Duration::from_secs(10), self.emulator.inbox().next(to)).await.expect("a message")
    }

    pub(crate) async fn code(&self, to: &str) -> String {
        self.mail(to).await.code.expect("a code")
    }

    /// Signs somebody up or in by email and gives the answer with both tokens.
    pub(crate) async fn signed_in(&self, email: &str) -> Value {
        self.post("/v1/auth/otp/signup-in/email", json!({"loginId": email})).await.ok();
        let code = self.code(email).await;
        self.post("/v1/auth/otp/verify/email", json!({"loginId": email, "code": code})).await.ok()
    }

    pub(crate) async fn tenant(&self, id: &str) {
        self.manage("/v1/mgmt/tenant/create", json!({"id": id, "name": format!("Tenant {id}")})).await.ok();
    }

    pub(crate) async fn role(&self, name: &str) {
        self.manage("/v1/mgmt/role/create", json!({"name": name})).await.ok();
    }

    pub(crate) async fn test_user(&self, login_id: &str) {
        self.manage("/v1/mgmt/user/create/test", json!({"loginId": login_id, "test": true})).await.ok();
    }

    /// A call of the back end by another verb.
    pub(crate) async fn manage_by(&self, method: &str, path: &str, body: Value) -> Reply {
        let key = self.emulator.management_key().to_owned();
        self.send(self.request(method, path, Some(&key)).json(&body)).await
    }

    /// Creates a user and gives what is known of them.
    pub(crate) async fn user(&self, body: Value) -> Value {
        self.manage("/v1/mgmt/user/create", body).await.ok()["user"].clone()
    }

    /// What is known of a user now.
    pub(crate) async fn user_now(&self, login_id: &str) -> Value {
        self.load_user(login_id).await.ok()["user"].clone()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string"))
}

pub(crate) fn refresh_of(session: &Value) -> String {
    text(&session["refreshJwt"]).to_owned()
}

pub(crate) fn session_of(session: &Value) -> String {
    text(&session["sessionJwt"]).to_owned()
}

/// The claims of a JWT, unchecked.
pub(crate) fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

/// Another code than this one.
pub(crate) fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// The token in a link.
pub(crate) fn token_of(link: &str) -> String {
    let (_, value) = url::Url::parse(link)
        .expect("a URL")
        .query_pairs()
        .find(|(name, _)| name == "t")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .expect("a token");
    value
}
