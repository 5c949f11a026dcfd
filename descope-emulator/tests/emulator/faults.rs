//! Faults: which calls they happen to, what these get, and how faults are listed and withdrawn.

use std::time::Duration;

use descope_emulator::{Emulator, Fault};
use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE, Reply, text};

const SIGN_IN: &str = "/v1/auth/otp/signup-in/email";

async fn own(api: &Api, method: &str, path: &str, body: Value) -> Reply {
    let url = format!("{}/_emulator{path}", api.emulator.base_url());
    let request = api.http.request(method.parse().expect("a method"), url);
    api.send(if body.is_null() { request } else { request.json(&body) }).await
}

async fn sign_in(api: &Api, login_id: &str) -> u16 {
    api.post(SIGN_IN, json!({"loginId": login_id})).await.status
}

#[tokio::test]
async fn a_fault_chooses_its_calls_by_method_path_project_and_login_id() {
    let api = Api::start().await;
    for (fault, hit, spared) in [
        (json!({"loginId": "ADA@example.com"}), ADA, "bob@example.com"),
        (json!({"path": "/v1/auth/*/signup-in/*", "loginId": ADA}), ADA, "bob@example.com"),
    ] {
        let mut fault = fault;
        fault["status"] = json!(503);
        let id = own(&api, "POST", "/faults", fault).await.ok()["id"].clone();
        assert_eq!(sign_in(&api, spared).await, 200);
        assert_eq!(sign_in(&api, hit).await, 503);
        own(&api, "DELETE", &format!("/faults/{id}"), Value::Null).await.refused(404, "E990404");
    }
    let key = api.emulator.management_key().to_owned();
    let by_method = own(&api, "POST", "/faults", json!({"method": "get", "always": true, "status": 500})).await.ok();
    assert_eq!(api.load_user(ADA).await.status, 500);
    assert_eq!(sign_in(&api, ADA).await, 200);
    own(&api, "DELETE", &format!("/faults/{}", by_method["id"]), Value::Null).await.ok();

    api.emulator.add_fault(Fault::status(500).project("P2Other").path("*").always()).expect("added");
    assert_eq!(sign_in(&api, ADA).await, 200);
    let other = api.http.post(format!("{}{SIGN_IN}", api.emulator.base_url())).bearer_auth("P2Other");
    assert_eq!(api.send(other.json(&json!({"loginId": ADA}))).await.status, 500);
    let keys = format!("{}/v2/keys/P2Other", api.emulator.base_url());
    assert_eq!(api.send(api.http.get(keys)).await.status, 500, "the project of the path");
    api.emulator.clear_faults();

    // The login id in a query, with its plus percent-encoded or not.
    api.emulator.add_fault(Fault::status(500).operation("managementUserLoad").login_id(PHONE).times(2)).expect("added");
    for query in ["loginId=%2B15551234567", "loginId=+1-555-1234567"] {
        let reply = api.get_as(&key, &format!("/v1/mgmt/user?{query}")).await;
        assert_eq!(reply.status, 500, "{query}");
    }
    // A path of no operation.
    api.emulator.add_fault(Fault::body(502, "text/html", "<html>").path("/elsewhere")).expect("added");
    assert_eq!(api.send(api.http.get(format!("{}/elsewhere", api.emulator.base_url()))).await.status, 502);
    assert!(api.emulator.faults().is_empty());
}

#[tokio::test]
async fn a_fault_has_headers_a_body_and_a_number_of_times() {
    let api = Api::start().await;
    let fault = json!({
        "operation": "otp_sign_up_or_in_email", "status": 418, "body": {"kettle": true}, "count": 2,
        "headers": {"x-served-by": "proxy", "cf-ray": "none"}, "retryAfter": 3,
    });
    let told = own(&api, "POST", "/faults", fault).await.ok();
    assert_eq!(
        (&told["operation"], &told["times"], &told["happened"]),
        (&json!("otpSignUpOrInEmail"), &json!(2), &json!(0))
    );
    let response = api.request("POST", SIGN_IN, None).json(&json!({"loginId": ADA})).send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 418);
    for (name, value) in [("x-served-by", "proxy"), ("content-type", "application/json"), ("retry-after", "3")] {
        assert_eq!(response.headers().get(name).and_then(|value| value.to_str().ok()), Some(value));
    }
    assert_eq!(response.text().await.expect("a body"), "{\"kettle\":true}");
    let listed = own(&api, "GET", "/faults", Value::Null).await.ok()["faults"].clone();
    assert_eq!((&listed[0]["times"], &listed[0]["happened"]), (&json!(1), &json!(1)));
    assert_eq!(own(&api, "GET", "/faults/1", Value::Null).await.ok(), listed[0]);
    assert_eq!(sign_in(&api, ADA).await, 418);
    assert_eq!(own(&api, "GET", "/faults", Value::Null).await.ok()["faults"], json!([]));
    let requests = api.emulator.requests();
    assert_eq!((requests[0].status, requests[0].fault), (418, Some(1)));
    own(&api, "POST", "/faults", json!({"headers": {"x-late": "yes"}})).await.ok();
    let real = api.request("POST", SIGN_IN, None).json(&json!({"loginId": ADA})).send().await.expect("an answer");
    assert_eq!((real.status().as_u16(), real.headers().contains_key("x-late")), (200, true));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_the_real_one_or_a_fault() {
    let api = Api::start().await;
    own(&api, "POST", "/faults", json!({"latencyMillis": 30_000, "loginId": ADA})).await.ok();
    let begun = tokio::time::Instant::now();
    assert_eq!(sign_in(&api, ADA).await, 200);
    assert!(begun.elapsed() >= Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(api.emulator.inbox().messages().len(), 1);

    let late = Fault::status(504).latency(Duration::from_secs(40)).after_handling();
    api.emulator.add_fault(late.login_id(ADA)).expect("added");
    let begun = tokio::time::Instant::now();
    assert_eq!(sign_in(&api, ADA).await, 504);
    assert!(begun.elapsed() >= Duration::from_secs(40));
    assert_eq!(api.emulator.inbox().messages().len(), 2, "it was carried out");
}

#[tokio::test]
async fn a_share_of_the_calls_fails_in_the_same_way_each_time() {
    let run = |seed: u64| async move {
        let emulator = Emulator::builder().random_seed(seed).start().await.expect("starts");
        let api = Api { emulator, http: reqwest::Client::new() };
        own(&api, "POST", "/faults", json!({"probability": 0.5, "always": true, "status": 503})).await.ok();
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(sign_in(&api, ADA).await);
        }
        let listed = own(&api, "GET", "/faults", Value::Null).await.ok()["faults"][0].clone();
        assert_eq!(listed["happened"].as_u64(), Some(seen.iter().filter(|status| **status == 503).count() as u64));
        seen
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    assert!(first.contains(&200) && first.contains(&503));
}

#[tokio::test]
async fn odd_members_are_refused_by_name() {
    let api = Api::start().await;
    for (fault, member) in [
        (json!({"status": 42}), "status"),
        (json!({"status": "503"}), "status"),
        (json!({"latencyMillis": -1}), "latencyMillis"),
        (json!({"latencyMillis": 3_600_000}), "latencyMillis"),
        (json!({"probability": 1.01}), "probability"),
        (json!({"probability": "often"}), "probability"),
        (json!({"times": 0}), "times"),
        (json!({"count": 1.5}), "count"),
        (json!({"count": 1, "times": 1}), "count"),
        (json!({"always": true, "times": 1}), "always"),
        (json!({"always": "yes"}), "always"),
        (json!({"headers": {"a b": "c"}}), "headers"),
        (json!({"headers": {"a": 5}}), "headers.a"),
        (json!({"headers": []}), "headers"),
        (json!({"operation": "otpVerifyPigeon"}), "operation"),
        (json!({"method": "FETCH"}), "method"),
        (json!({"path": "v1"}), "path"),
        (json!({"loginId": ""}), "loginId"),
        (json!({"project": 5}), "project"),
        (json!({"kind": "slow"}), "kind"),
        (json!({"kind": "close", "status": 503}), "status"),
        (json!({"kind": "close", "body": ""}), "body"),
        (json!({"errorMessage": "x"}), "errorMessage"),
        (json!({"contentType": "text/plain"}), "contentType"),
        (json!({"largeBody": 1e12}), "largeBody"),
        (json!({"location": "/", "errorCode": "E1"}), "location"),
        (json!({"propability": 0.5}), "propability"),
    ] {
        let why = own(&api, "POST", "/faults", fault.clone()).await.refused(400, "E011004");
        assert!(why.contains(&format!("member {member} ")) || why.ends_with(member), "{fault}: {why}");
    }
    assert_eq!(own(&api, "GET", "/faults", Value::Null).await.ok()["faults"], json!([]));
    let missing = own(&api, "DELETE", "/faults/5", Value::Null).await.refused(404, "E990404");
    assert!(text(&json!(missing)).contains("\"5\""));
}
