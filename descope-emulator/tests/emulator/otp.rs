use serde_json::json;

use crate::support::{ADA, Api, PHONE, claims, refresh_of, session_of, text, wrong};

#[tokio::test]
async fn a_new_user_signs_up_and_in() {
    let api = Api::start().await;
    let body = json!({"loginId": ADA, "email": ADA, "user": {"name": "Ada", "email": ADA}});
    let sent = api.post("/v1/auth/otp/signup/email", body.clone()).await.ok();
    assert_eq!(sent["maskedEmail"], "a**@e******.com");
    api.load_user(ADA).await.refused(404, "E112102");
    let code = api.code(ADA).await;
    let first = api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
    assert_eq!(first["firstSeen"], true);
    assert_eq!(first["user"]["name"], "Ada");
    assert_eq!(first["user"]["verifiedEmail"], true);
    assert_eq!(first["user"]["status"], "enabled");
    let session = claims(&session_of(&first));
    assert_eq!(session["sub"], first["user"]["userId"]);
    assert_eq!(session["iss"], api.emulator.project_id());
    assert_eq!((&session["drn"], &session["amr"]), (&json!("DS"), &json!(["email"])));
    let end = session["exp"].as_i64().unwrap_or_default() - session["iat"].as_i64().unwrap_or_default();
    assert_eq!(end, 600);
    assert!(text(&session["rexp"]).ends_with('Z'));
    assert_eq!(claims(&refresh_of(&first))["drn"], "DSR");

    api.post("/v1/auth/otp/signup/email", body).await.refused(400, "E062107");
    let second = api.signed_in(ADA).await;
    assert_eq!(second["firstSeen"], false);
    assert_eq!(second["user"]["userId"], first["user"]["userId"]);
}

#[tokio::test]
async fn every_phone_channel_delivers_to_its_own_verify() {
    let api = Api::start().await;
    for (channel, field) in [("sms", "phone"), ("voice", "voice"), ("whatsapp", "whatsapp"), ("im", "phone")] {
        let number = format!("+1555000{}", 1000 + channel.len());
        let path = |step: &str| format!("/v1/auth/otp/{step}/{channel}");
        let sent = api.post(&path("signup"), json!({"loginId": number, field: number})).await.ok();
        assert!(text(&sent["maskedPhone"]).starts_with("+1****"), "{sent}");
        let message = api.mail(&number).await;
        assert_eq!(message.channel.as_str(), channel);
        let body = json!({"loginId": number, "code": message.code});
        let other = if channel == "sms" { "voice" } else { "sms" };
        api.post(&format!("/v1/auth/otp/verify/{other}"), body.clone()).await.refused(401, "E061102");
        let session = api.post(&path("verify"), body).await.ok();
        assert_eq!(session["user"]["verifiedPhone"], true);
        assert_eq!(claims(&session_of(&session))["amr"], json!([channel]));
        api.post(&path("signin"), json!({"loginId": number})).await.ok();
        let code = api.code(&number).await;
        api.post(&path("verify"), json!({"loginId": number, "code": code})).await.ok();
        api.manage("/v1/mgmt/user/delete", json!({"loginId": number})).await.ok();
    }
}

#[tokio::test]
async fn unknown_users_cannot_sign_in_and_strange_login_ids_need_an_address() {
    let api = Api::start().await;
    let message = api.post("/v1/auth/otp/signin/email", json!({"loginId": ADA})).await.refused(400, "E062108");
    assert!(message.contains("user"), "{message}");
    let message = api.post("/v1/auth/otp/signup/email", json!({"loginId": "ada"})).await.refused(400, "E011003");
    assert!(message.contains("The email field is required"), "{message}");
    let message = api.post("/v1/auth/otp/signup-in/sms", json!({"loginId": ADA})).await.refused(400, "E011003");
    assert!(message.contains("The phone field is required"), "{message}");
    let body = json!({"loginId": "ada", "email": "not an address"});
    api.post("/v1/auth/otp/signup/email", body).await.refused(400, "E011003");
    api.post("/v1/auth/otp/signup/email", json!({"loginId": "ada", "email": ADA})).await.ok();
    let code = api.code(ADA).await;
    let session = api.post("/v1/auth/otp/verify/email", json!({"loginId": "ada", "code": code})).await.ok();
    assert_eq!(session["user"]["loginIds"], json!(["ada"]));
    assert_eq!(session["user"]["email"], ADA);
    api.post("/v1/auth/otp/signin/sms", json!({"loginId": "ada"})).await.refused(400, "E011004");
}

#[tokio::test]
async fn a_code_can_be_missed_five_times() {
    let api = Api::start().await;
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    let code = api.code(ADA).await;
    let verify = |code: &str| api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code}));
    for _ in 0..5 {
        let message = verify(wrong(&code)).await.refused(401, "E061102");
        assert!(message.contains("code"), "{message}");
    }
    verify(&code).await.refused(401, "E061103");
    verify(wrong(&code)).await.refused(401, "E061103");
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.ok();
    let code = api.code(ADA).await;
    verify(wrong(&code)).await.refused(401, "E061102");
    verify(&code).await.ok();
}

#[tokio::test]
async fn codes_expire_are_replaced_and_work_once() {
    let api = Api::start().await;
    let send = || api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA}));
    let verify = |code: &str| api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code}));
    send().await.ok();
    let old = api.code(ADA).await;
    api.wait(181);
    verify(&old).await.refused(401, "E061104");
    send().await.ok();
    let replaced = api.code(ADA).await;
    send().await.ok();
    let code = api.code(ADA).await;
    if replaced != code {
        verify(&replaced).await.refused(401, "E061102");
    }
    api.wait(170);
    verify(&code).await.ok();
    verify(&code).await.refused(401, "E061102");
}

#[tokio::test]
async fn generated_codes_survive_a_later_sign_up_and_sign_in() {
    let api = Api::start().await;
    api.test_user(PHONE).await;
    let generate = json!({"loginId": PHONE, "deliveryMethod": "sms", "loginOptions": {}});
    let generated = api.manage("/v1/mgmt/tests/generate/otp", generate).await.ok();
    api.post("/v1/auth/otp/signup/sms", json!({"loginId": PHONE, "phone": PHONE})).await.ok();
    let body = json!({"loginId": PHONE, "code": generated["code"]});
    let first = api.post("/v1/auth/otp/verify/sms", body.clone()).await.ok();
    assert_eq!(first["firstSeen"], true);
    assert_eq!(claims(&session_of(&first))["tu"], true);
    api.post("/v1/auth/otp/verify/sms", body).await.refused(401, "E061102");
    // Once it has signed in, a test user exists as every other does.
    let again = json!({"loginId": PHONE, "phone": PHONE});
    api.post("/v1/auth/otp/signup/sms", again).await.refused(400, "E062107");
    let generate = json!({"loginId": PHONE, "deliveryMethod": "Embedded"});
    let generated = api.manage("/v1/mgmt/tests/generate/otp", generate).await.ok();
    api.post("/v1/auth/otp/signin/sms", json!({"loginId": PHONE})).await.ok();
    let body = json!({"loginId": PHONE, "code": generated["code"]});
    api.post("/v1/auth/otp/verify/sms", body).await.ok();
}

#[tokio::test]
async fn claims_that_the_client_asks_for_are_kept_apart() {
    let api = Api::start().await;
    let options = json!({"customClaims": {"plan": "pro", "sub": "x"}});
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA, "loginOptions": options})).await.ok();
    let code = api.code(ADA).await;
    let session = api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
    let claims = claims(&session_of(&session));
    assert_eq!(claims["nsec"], json!({"plan": "pro", "sub": "x"}));
    assert!(claims.get("plan").is_none());
    assert_eq!(claims["sub"], session["user"]["userId"]);
}

#[tokio::test]
async fn step_up_and_further_factors_need_the_users_own_refresh_token() {
    let api = Api::start().await;
    let ada = api.signed_in(ADA).await;
    let bob = api.signed_in("bob@example.com").await;
    let step_up = json!({"loginId": ADA, "loginOptions": {"stepup": true}});
    api.post("/v1/auth/otp/signin/email", step_up.clone()).await.refused(401, "E011002");
    let path = "/v1/auth/otp/signin/email";
    api.post_as(&refresh_of(&bob), path, step_up.clone()).await.refused(403, "E011004");
    api.post_as(&session_of(&ada), path, step_up.clone()).await.refused(401, "E062504");
    api.post_as(&refresh_of(&ada), path, step_up).await.ok();
    let code = api.code(ADA).await;
    let body = json!({"loginId": ADA, "code": code});
    let stepped = api.post("/v1/auth/otp/verify/email", body).await.ok();
    assert_eq!(claims(&session_of(&stepped))["su"], true);

    api.manage("/v1/mgmt/user/create", json!({"loginId": "cora", "phone": PHONE})).await.ok();
    api.post("/v1/auth/otp/signin/sms", json!({"loginId": "cora"})).await.ok();
    let code = api.code(PHONE).await;
    let cora = api.post("/v1/auth/otp/verify/sms", json!({"loginId": "cora", "code": code})).await.ok();
    let mfa = json!({"loginId": "cora", "loginOptions": {"mfa": true}});
    api.post_as(&refresh_of(&cora), "/v1/auth/otp/signin/voice", mfa).await.ok();
    let code = api.code(PHONE).await;
    let both = api.post("/v1/auth/otp/verify/voice", json!({"loginId": "cora", "code": code})).await.ok();
    assert_eq!(claims(&session_of(&both))["amr"], json!(["sms", "voice", "mfa"]));
}

#[tokio::test]
async fn an_address_changes_when_its_code_comes_back() {
    let api = Api::start().await;
    let ada = refresh_of(&api.signed_in(ADA).await);
    let update =
        json!({"loginId": ADA, "email": "ada@new.example", "addToLoginIDs": true, "onMergeUseExisting": false});
    api.post("/v1/auth/otp/update/email", update.clone()).await.refused(401, "E011002");
    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    api.post_as(&bob, "/v1/auth/otp/update/email", update.clone()).await.refused(403, "E011004");
    let sent = api.post_as(&ada, "/v1/auth/otp/update/email", update).await.ok();
    assert_eq!(sent["maskedEmail"], "a**@n**.example");
    assert_eq!(api.load_user(ADA).await.ok()["user"]["email"], ADA);
    let code = api.code("ada@new.example").await;
    let session = api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
    assert_eq!(session["user"]["email"], "ada@new.example");
    assert_eq!(session["user"]["loginIds"], json!([ADA, "ada@new.example"]));
    assert_eq!(session["firstSeen"], false);

    let phone = json!({"loginId": ADA, "phone": PHONE});
    api.post_as(&ada, "/v1/auth/otp/update/phone/sms", phone).await.ok();
    let code = api.code(PHONE).await;
    let session = api.post("/v1/auth/otp/verify/sms", json!({"loginId": ADA, "code": code})).await.ok();
    assert_eq!((&session["user"]["phone"], &session["user"]["verifiedPhone"]), (&json!(PHONE), &json!(true)));
}

#[tokio::test]
async fn a_taken_address_is_refused_or_merges_the_users() {
    let api = Api::start().await;
    let ada = api.signed_in(ADA).await;
    let bob = api.signed_in("bob@example.com").await;
    let token = refresh_of(&ada);
    let update = |more: serde_json::Value| {
        let mut body = json!({"loginId": ADA, "email": "bob@example.com"});
        body.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        body
    };
    let path = "/v1/auth/otp/update/email";
    api.post_as(&token, path, update(json!({"failOnConflict": true}))).await.refused(400, "E062107");
    let merge = update(json!({"addToLoginIDs": true, "onMergeUseExisting": true}));
    api.post_as(&token, path, merge).await.ok();
    let code = api.code("bob@example.com").await;
    let merged = api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
    assert_eq!(merged["user"]["userId"], bob["user"]["userId"]);
    assert_eq!(merged["user"]["loginIds"], json!(["bob@example.com", ADA]));
    assert_eq!(api.load_user(ADA).await.ok()["user"]["userId"], bob["user"]["userId"]);
    api.get_as(&token, "/v1/auth/me").await.refused(401, "E064001");
}
