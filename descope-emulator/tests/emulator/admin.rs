//! The emulator's own endpoints, faults, and its life and end.

use std::time::{Duration, Instant};

use descope_emulator::{Credential, Emulator, Fault, StartError};
use serde_json::{Value, json};

use crate::support::{ADA, Api, text};

async fn own(api: &Api, method: &str, path: &str, body: Option<Value>) -> crate::support::Reply {
    let url = format!("{}/_emulator{path}", api.emulator.base_url());
    let request = api.http.request(method.parse().expect("a method"), url);
    api.send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn the_inbox_is_read_over_http_and_waits() {
    let api = Api::start().await;
    assert_eq!(own(&api, "GET", "/inbox", None).await.ok(), json!({"messages": []}));
    let path = format!("/inbox?to={ADA}&wait=30");
    let (mail, sent) = tokio::join!(own(&api, "GET", &path, None), async {
        tokio::task::yield_now().await;
        api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await
    });
    sent.ok();
    let message = mail.ok()["messages"][0].clone();
    assert_eq!((&message["to"], &message["channel"], &message["id"]), (&json!(ADA), &json!("email"), &json!(1)));
    assert_eq!(text(&message["code"]).len(), 6);
    assert_eq!((&message["operation"], &message["loginId"]), (&json!("otpSignUpOrInEmail"), &json!(ADA)));
    assert_eq!(own(&api, "GET", "/inbox?after=1", None).await.ok()["messages"], json!([]));
    own(&api, "GET", "/inbox?after=x", None).await.refused(400, "E011004");
    own(&api, "DELETE", "/inbox", None).await.ok();
    assert!(api.emulator.inbox().messages().is_empty());
    own(&api, "PUT", "/inbox", None).await.refused(405, "E011001");
    own(&api, "GET", "/nothing", None).await.refused(404, "E011001");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_mail_in_vain_ends() {
    let api = Api::start().await;
    assert_eq!(own(&api, "GET", "/inbox?wait=5", None).await.ok(), json!({"messages": []}));
}

#[tokio::test]
async fn clock_journal_keys_and_reset_work_over_http() {
    let api = Api::start().await;
    let now = own(&api, "GET", "/clock", None).await.ok()["now"].as_i64().expect("a number");
    let then = own(&api, "POST", "/clock", Some(json!({"advanceSeconds": 500}))).await.ok()["now"].as_i64();
    assert!(then >= Some(now + 500));
    own(&api, "POST", "/clock", Some(json!({"advance": 5}))).await.refused(400, "E011001");
    own(&api, "POST", "/keys/rotate", None).await.ok();
    own(&api, "POST", "/keys/rotate", Some(json!({"keepOld": false}))).await.ok();
    own(&api, "POST", "/keys/rotate", Some(json!({"keepOld": true}))).await.ok();
    let keys = format!("/v2/keys/{}", api.emulator.project_id());
    assert_eq!(api.send(api.request("GET", &keys, None)).await.ok()["keys"].as_array().map(Vec::len), Some(2));

    api.signed_in(ADA).await;
    let requests = own(&api, "GET", "/requests", None).await.ok()["requests"].clone();
    assert_eq!(requests.as_array().map(Vec::len), Some(3));
    assert_eq!(requests[1]["operation"], "otpSignUpOrInEmail");
    assert_eq!(requests[1]["credentials"], json!(["projectId"]));
    assert_eq!(requests[1]["body"], json!({"loginId": ADA}));
    let about = own(&api, "GET", "/", None).await.ok();
    assert_eq!(about["projectId"], api.emulator.project_id());

    own(&api, "POST", "/reset", None).await.ok();
    assert!(api.emulator.requests().is_empty());
    assert!(api.emulator.clock().now() < now + 400);
    api.load_user(ADA).await.refused(404, "E112102");
}

#[tokio::test]
async fn the_journal_keeps_what_was_sent_but_no_secrets() {
    let api = Api::start().await;
    let key = api.emulator.management_key().to_owned();
    let request = api.request("POST", "/v1/mgmt/user/create", Some(&key)).header("x-descope-sdk-name", "test");
    api.send(request.json(&json!({"loginId": ADA}))).await.ok();
    api.post("/v1/auth/magiclink/verify", json!({"token": "nonsense"})).await.refused(401, "E062504");
    let requests = api.emulator.requests();
    assert_eq!(requests[0].credentials, [Credential::ManagementKey]);
    assert_eq!(requests[0].header("X-Descope-SDK-Name"), Some("test"));
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!((requests[1].status, requests[1].error_code.as_deref()), (401, Some("E062504")));
    let shown = format!("{requests:?} {:?} {:?}", api.emulator, Emulator::builder().management_key(&key));
    assert!(!shown.contains(&key) && !shown.contains("nonsense"), "{shown}");
}

#[tokio::test]
async fn faults_happen_once_and_are_followed_by_the_real_answer() {
    let api = Api::start().await;
    let path = "/v1/auth/otp/signup-in/email";
    let body = json!({"loginId": ADA});
    api.emulator.fail_next("otpSignUpOrInEmail", Fault::rate_limit(7));
    let response = api.request("POST", path, None).json(&body).send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 429);
    assert_eq!(response.headers().get("retry-after").and_then(|value| value.to_str().ok()), Some("7"));
    let error: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
    assert_eq!(error["errorCode"], "E130429");

    api.emulator.fail_next("otp_sign_up_or_in_email", Fault::body(502, "text/html", "<html>"));
    let reply = api.post(path, body.clone()).await;
    assert_eq!((reply.status, reply.body), (502, json!("<html>")));
    let fault = json!({"operation": "otpSignUpOrInEmail", "status": 503, "times": 2});
    own(&api, "POST", "/faults", Some(fault)).await.ok();
    assert_eq!(api.post(path, body.clone()).await.status, 503);
    assert_eq!(api.post(path, body.clone()).await.status, 503);
    assert!(api.emulator.inbox().messages().is_empty());

    api.emulator.fail_next("otpSignUpOrInEmail", Fault::status(504).after_handling());
    assert_eq!(api.post(path, body.clone()).await.status, 504);
    assert_eq!(api.emulator.inbox().messages().len(), 1);

    api.emulator.fail_next("otpSignUpOrInEmail", Fault::close());
    let error = api.request("POST", path, None).json(&body).send().await.expect_err("no answer");
    assert!(error.status().is_none());
    api.emulator.fail_next("otpSignUpOrInEmail", Fault::large_body(3_000_000));
    let large = api.request("POST", path, None).json(&body).send().await.expect("an answer");
    assert!(large.bytes().await.expect("a body").len() > 3_000_000);
    for fault in [Fault::hang(), Fault::endless_body()] {
        api.emulator.fail_next("otpSignUpOrInEmail", fault);
        let answer = api.request("POST", path, None).json(&body).send();
        let whole = async { answer.await.expect("an answer").bytes().await };
        assert!(tokio::time::timeout(Duration::from_millis(100), whole).await.is_err());
    }
    api.post(path, body).await.ok();
    own(&api, "POST", "/faults", Some(json!({"operation": "nothing"}))).await.refused(400, "E011004");
    let odd = json!({"operation": "otpVerifyEmail", "kind": "odd"});
    own(&api, "POST", "/faults", Some(odd)).await.refused(400, "E011004");
}

#[tokio::test]
async fn an_emulator_ends_when_it_is_dropped() {
    let api = Api::start().await;
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    let url = format!("{}/_emulator/clock", api.emulator.base_url());
    let Api { emulator, http } = api;
    let taken = emulator.base_url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let second = Emulator::builder().port(taken).start().await;
    assert!(matches!(second, Err(StartError::Listen { .. })));
    drop(emulator);
    tokio::task::yield_now().await;
    assert!(http.get(&url).send().await.is_err(), "the open connection ends too");
    let again = Emulator::builder().port(taken).start().await.expect("the port is free again");
    assert!(again.base_url().ends_with(&taken.to_string()));
}

#[tokio::test]
async fn odd_identifiers_are_refused_at_the_start() {
    for bad in ["", "P 2", "P:2", "P/2"] {
        let result = Emulator::builder().project_id(bad).start().await;
        assert!(matches!(result, Err(StartError::Identifier { .. })), "{bad:?}");
    }
    let result = Emulator::builder().management_key("").start().await;
    assert_eq!(
        result.expect_err("refused").to_string(),
        "the management key must not be empty, and must not hold colons, white space or slashes"
    );
}

/// Time stands still in many tests of clients; the emulator must not be what makes it run.
#[tokio::test(start_paused = true)]
async fn paused_time_stays_paused() {
    let started = tokio::time::Instant::now();
    let api = Api::start().await;
    let session = api.signed_in(ADA).await;
    assert!(session["sessionJwt"].is_string());
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_second_emulator_starts_at_once() {
    let _first = Api::start().await;
    let begin = Instant::now();
    let second = Api::start().await;
    second.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    println!("start to first answer: {:?}", begin.elapsed());
}
