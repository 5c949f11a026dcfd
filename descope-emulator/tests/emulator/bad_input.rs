//! Refusals of what no honest client sends. None of them may change anything.

use serde_json::{Value, json};

use crate::support::{ADA, Api};

const SIGN_UP_OR_IN: &str = "/v1/auth/otp/signup-in/email";

async fn raw(api: &Api, path: &str, body: impl Into<reqwest::Body>) -> crate::support::Reply {
    let request = api.request("POST", path, None).header("content-type", "application/json");
    api.send(request.body(body)).await
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_and_change_nothing() {
    let api = Api::start().await;
    for body in ["{", "not json", "{\"loginId\":}", "\u{0}", "[1", "{\"loginId\":\"a\"} {}"] {
        raw(&api, SIGN_UP_OR_IN, body).await.refused(400, "E011001");
    }
    raw(&api, SIGN_UP_OR_IN, vec![0xff, 0xfe]).await.refused(400, "E011001");
    raw(&api, SIGN_UP_OR_IN, "[".repeat(100_000)).await.refused(400, "E011001");
    for body in [json!({}), Value::Null, json!({"loginId": null}), json!({"loginId": ""}), json!({"loginId": "  "})] {
        let message = api.post(SIGN_UP_OR_IN, body).await.refused(400, "E011003");
        assert!(message.contains("The loginId field is required"), "{message}");
    }
    let message = raw(&api, SIGN_UP_OR_IN, "").await.refused(400, "E011003");
    assert!(message.contains("The loginId field is required"), "{message}");
    for body in [
        json!([]),
        json!("text"),
        json!({"loginId": 5}),
        json!({"loginId": ADA, "loginOptions": []}),
        json!({"loginId": ADA, "loginOptions": {"stepup": "yes"}}),
        json!({"loginId": ADA, "loginOptions": {"templateOptions": {"a": 1}}}),
    ] {
        api.post(SIGN_UP_OR_IN, body).await.refused(400, "E011001");
    }
    for (body, field) in [
        (json!({"loginId": ADA, "logonId": ADA}), "logonId"),
        (json!({"loginId": ADA, "extra": null}), "extra"),
        (json!({"loginId": ADA, "loginOptions": {"mfaa": true}}), "loginOptions.mfaa"),
    ] {
        let message = api.post(SIGN_UP_OR_IN, body).await.refused(400, "E011001");
        assert!(message.contains(field), "{message}");
    }
    assert!(api.emulator.inbox().messages().is_empty());
}

#[tokio::test]
async fn a_body_may_be_large_but_not_too_large() {
    let api = Api::start().await;
    let body = |bytes: usize| json!({"loginId": ADA, "loginOptions": {"customClaims": {"x": "y".repeat(bytes)}}});
    api.post(SIGN_UP_OR_IN, body(1_000_000)).await.ok();
    assert_eq!(api.emulator.inbox().messages().len(), 1);
    for bytes in [1_100_000, 5_000_000] {
        api.post(SIGN_UP_OR_IN, body(bytes)).await.refused(413, "E011001");
    }
    assert_eq!(api.emulator.inbox().messages().len(), 1);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_services_form() {
    let api = Api::start().await;
    api.post("/v1/auth/otp/verify/pigeon", json!({})).await.refused(404, "E011001");
    api.post("/", json!({})).await.refused(404, "E011001");
    let message = api.send(api.request("GET", SIGN_UP_OR_IN, None)).await.refused(405, "E011001");
    assert!(message.contains("POST"), "{message}");
    let requests = api.emulator.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.operation.is_none()));
}

#[tokio::test]
async fn the_bearer_has_to_name_the_project() {
    let api = Api::start().await;
    let url = format!("{}{SIGN_UP_OR_IN}", api.emulator.base_url());
    let call = |header: Option<&'static str>| {
        let request = api.http.post(&url).json(&json!({"loginId": ADA}));
        api.send(match header {
            Some(value) => request.header("authorization", value),
            None => request,
        })
    };
    for header in [None, Some("Bearer"), Some("Bearer "), Some("Basic UDpL"), Some("Bearer :secret")] {
        call(header).await.refused(401, "E011002");
    }
    call(Some("Bearer P2:too/bad")).await.refused(401, "E062504");
    call(Some("Bearer bad/id")).await.refused(401, "E011008");
    api.post_as("K2nonsense", SIGN_UP_OR_IN, json!({"loginId": ADA})).await.refused(401, "E062504");
    api.post_as("K2nonsense", "/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": "1"}))
        .await
        .refused(401, "E111119");
    assert!(api.emulator.inbox().messages().is_empty());
}

#[tokio::test]
async fn a_refused_call_leaves_the_state_as_it_was() {
    let api = Api::start().await;
    api.signed_in(ADA).await;
    let before = api.load_user(ADA).await.ok();
    api.post(SIGN_UP_OR_IN, json!({"loginId": ADA})).await.ok();
    let code = api.code(ADA).await;
    // None of these uses the code up or counts as an attempt.
    for _ in 0..6 {
        let bad = json!({"loginId": ADA, "code": code, "extra": 1});
        api.post("/v1/auth/otp/verify/email", bad).await.refused(400, "E011001");
        api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": ""})).await.refused(400, "E011003");
        api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": 123_456})).await.refused(400, "E011001");
    }
    let bad = json!({"loginId": "bob", "email": "nonsense"});
    api.manage("/v1/mgmt/user/create", bad).await.refused(400, "E011003");
    api.load_user("bob").await.refused(404, "E112102");
    assert_eq!(api.load_user(ADA).await.ok(), before);
    api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
}
