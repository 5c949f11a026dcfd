//! The journal: what was asked and answered without the secrets, and how often.

use descope_emulator::RequestFilter;
use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE, Reply, refresh_of, session_of, text};

async fn own(api: &Api, path: &str) -> Reply {
    api.send(api.http.get(format!("{}/_emulator{path}", api.emulator.base_url()))).await
}

#[tokio::test]
async fn secrets_are_masked_and_the_structure_is_kept() {
    let api = Api::start().await;
    let session = api.signed_in(ADA).await;
    api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    let password = json!({"loginId": "bob@example.com", "password": "Correct-horse-7"});
    api.post("/v1/auth/password/signup", password).await.ok();
    let key = api.manage("/v1/mgmt/accesskey/create", json!({"name": "ci"})).await.ok();
    let form = "grant_type=client_credentials&client_id=a&client_secret=hush";
    let token = api.http.post(format!("{}/oauth2/v1/token", api.emulator.base_url()));
    let token = token.header("content-type", "application/x-www-form-urlencoded").header("x-csrf-token", "hush");
    api.send(token.body(form)).await;
    api.send(api.http.get(format!("{}/v1/auth/me?t=hush&loginId=a", api.emulator.base_url()))).await;

    let listed = own(&api, "/requests").await.ok();
    let requests = listed["requests"].as_array().expect("a list");
    let verify = &requests[1];
    assert_eq!((&verify["operation"], &verify["loginIds"]), (&json!("otpVerifyEmail"), &json!([ADA])));
    assert_eq!(verify["body"], json!({"loginId": ADA, "code": "***"}));
    assert_eq!((&verify["reply"]["sessionJwt"], &verify["reply"]["refreshJwt"]), (&json!("***"), &json!("***")));
    assert_eq!(verify["reply"]["user"]["loginIds"], json!([ADA]));
    assert_eq!(requests[3]["body"]["password"], "***");
    assert_eq!(
        (&requests[4]["reply"]["key"]["name"], &requests[4]["reply"]["cleartext"]),
        (&json!("ci"), &json!("***"))
    );
    assert_eq!(requests[5]["body"]["client_secret"], "***");
    assert_eq!(requests[5]["body"]["grant_type"], "client_credentials");
    assert_eq!(requests[6]["query"], "t=***&loginId=a");
    let refused = &requests[6];
    assert_eq!(refused["status"], 401);
    assert_eq!(refused["reply"]["errorCode"], refused["errorCode"]);
    assert_eq!(refused["reply"]["errorMessage"], refused["errorMessage"]);
    let whole = listed.to_string();
    for secret in [&session_of(&session), &refresh_of(&session), "Correct-horse-7", text(&key["cleartext"]), "hush"] {
        assert!(!whole.contains(secret), "{whole}");
    }
}

#[tokio::test]
async fn calls_are_counted_by_operation_and_by_filter() {
    let api = Api::start().await;
    for (login_id, times) in [(ADA, 3), ("bob@example.com", 1)] {
        for _ in 0..times {
            api.post("/v1/auth/otp/signup-in/email", json!({"loginId": login_id})).await.ok();
        }
    }
    api.post("/v1/auth/otp/signup-in/sms", json!({"loginId": PHONE})).await.ok();
    api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": "x"})).await;
    assert_eq!((api.emulator.calls("otpSignUpOrInEmail"), api.emulator.calls("otp_verify_email")), (4, 1));
    let of_ada = RequestFilter::new().operation("otp_sign_up_or_in_email").login_id(ADA);
    assert_eq!(api.emulator.find_requests(&of_ada).len(), 3);
    for (query, count) in [
        ("", 6),
        ("?operation=otpSignUpOrInEmail", 4),
        ("?operation=otp_sign_up_or_in_email&loginId=ada%40example.com", 3),
        ("?loginId=+15551234567", 1),
        ("?loginId=%2B15551234567", 1),
        ("?path=/v1/auth/otp/*&method=post&status=200", 5),
        ("?after=4", 2),
        ("?project=P2Nobody", 0),
        ("?operation=otpVerifySms", 0),
    ] {
        assert_eq!(own(&api, &format!("/requests/count{query}")).await.ok()["count"], count, "{query}");
        assert_eq!(own(&api, &format!("/requests{query}")).await.ok()["count"], count, "{query}");
    }
    let by_operation = own(&api, "/requests/count").await.ok()["byOperation"].clone();
    assert_eq!(by_operation, json!({"otpSignUpOrInEmail": 4, "otpSignUpOrInSms": 1, "otpVerifyEmail": 1}));
    for (query, name) in [("status=x", "status"), ("operation=otpVerifyPigeon", "operation"), ("statuss=5", "statuss")]
    {
        let why = own(&api, &format!("/requests?{query}")).await.refused(400, "E011004");
        assert!(why.contains(name), "{why}");
    }
    let _: Value = own(&api, "/requests").await.ok();
}
