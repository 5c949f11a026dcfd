use serde_json::json;

use crate::support::{ADA, Api, PHONE, refresh_of, session_of};

#[tokio::test]
async fn users_are_created_loaded_and_deleted() {
    let api = Api::start().await;
    api.role("Reader").await;
    // The nulls are what official clients send for everything that is not given.
    let body = json!({
        "loginId": ADA, "email": null, "phone": PHONE, "displayName": "Ada", "roleNames": ["Reader"], "userTenants": [],
        "test": false, "picture": null, "customAttributes": {"n": 1}, "additionalLoginIds": ["ada"], "ssoAppIDs": null,
        "invite": false,
    });
    let made = api.manage("/v1/mgmt/user/create", body.clone()).await.ok()["user"].clone();
    assert_eq!(
        (&made["email"], &made["verifiedEmail"], &made["status"]),
        (&json!(ADA), &json!(true), &json!("invited"))
    );
    assert_eq!((&made["name"], &made["middleName"], &made["ssoAppIds"]), (&json!("Ada"), &json!(""), &json!([])));
    assert_eq!(made["loginIds"], json!([ADA, "ada"]));
    assert_eq!(made["customAttributes"], json!({"n": 1}));
    api.manage("/v1/mgmt/user/create", body).await.refused(400, "E062107");
    let taken = json!({"loginId": "other", "additionalLoginIds": ["ada"]});
    api.manage("/v1/mgmt/user/create", taken).await.refused(400, "E062107");

    assert_eq!(api.load_user("ada").await.ok()["user"], made);
    let key = api.emulator.management_key().to_owned();
    let by_id = [("userId", made["userId"].as_str().unwrap_or_default())];
    let request = api.request("GET", "/v1/mgmt/user", Some(&key)).query(&by_id);
    assert_eq!(api.send(request).await.ok()["user"], made);
    let message = api.get_as(&key, "/v1/mgmt/user").await.refused(400, "E011003");
    assert!(message.contains("The loginId field is required"), "{message}");

    api.manage("/v1/mgmt/user/delete", json!({"loginId": "ada"})).await.ok();
    api.load_user(ADA).await.refused(404, "E112102");
    api.manage("/v1/mgmt/user/delete", json!({"loginId": ADA})).await.refused(404, "E112102");
    api.manage("/v1/mgmt/user/delete", json!({})).await.refused(400, "E011003");
}

#[tokio::test]
async fn an_invited_user_gets_a_link_that_signs_in() {
    let api = Api::start().await;
    let body = json!({"loginId": ADA, "phone": PHONE, "invite": true, "inviteUrl": "https://app.example.com/join"});
    let bad = json!({"loginId": ADA, "invite": true, "inviteUrl": "nowhere"});
    api.manage("/v1/mgmt/user/create", bad).await.refused(400, "E011004");
    let made = api.manage("/v1/mgmt/user/create", body).await.ok();
    assert_eq!(made["user"]["status"], "invited");
    assert_eq!(api.emulator.inbox().messages().len(), 1, "a text message only when it is asked for");
    let link = api.mail(ADA).await.links.remove(0);
    assert!(link.url.starts_with("https://app.example.com/join?t="), "{}", link.url);
    api.wait(6 * 24 * 3600);
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": link.token})).await.ok();
    assert_eq!((&session["firstSeen"], &session["user"]["status"]), (&json!(true), &json!("enabled")));
    let quiet = json!({"loginId": "bob@example.com", "phone": "+15550002222", "invite": true, "sendMail": false, "sendSMS": true});
    api.manage("/v1/mgmt/user/create", quiet).await.ok();
    assert_eq!(
        api.emulator.inbox().messages().last().map(|message| message.to.clone()).as_deref(),
        Some("+15550002222")
    );
}

#[tokio::test]
async fn deleting_or_disabling_a_user_keeps_them_out() {
    let api = Api::start().await;
    let session = api.signed_in(ADA).await;
    api.post("/v1/auth/otp/signin/email", json!({"loginId": ADA})).await.ok();
    let code = api.code(ADA).await;
    api.manage("/v1/mgmt/user/delete", json!({"userId": session["user"]["userId"]})).await.ok();
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.refused(401, "E064001");
    api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.refused(401, "E061102");

    let off = json!({"loginId": ADA, "status": "disabled", "verifiedEmail": false});
    let made = api.manage("/v1/mgmt/user/create", off).await.ok();
    assert_eq!((&made["user"]["status"], &made["user"]["verifiedEmail"]), (&json!("disabled"), &json!(false)));
    api.post("/v1/auth/otp/signin/email", json!({"loginId": ADA})).await.refused(403, "E111119");
    let odd = json!({"loginId": "x", "status": "odd"});
    api.manage("/v1/mgmt/user/create", odd).await.refused(400, "E011003");
}

#[tokio::test]
async fn test_users_are_told_from_others() {
    let api = Api::start().await;
    api.signed_in(ADA).await;
    let otp = |login_id: &str| json!({"loginId": login_id, "deliveryMethod": "email", "loginOptions": {}});
    api.manage("/v1/mgmt/tests/generate/otp", otp(ADA)).await.refused(400, "E011004");
    api.manage("/v1/mgmt/tests/generate/otp", otp("nobody")).await.refused(404, "E112102");
    api.test_user("tess@example.com").await;
    api.manage("/v1/mgmt/user/create", json!({"loginId": "tom@example.com", "test": true})).await.ok();
    let odd = json!({"loginId": "tess@example.com", "deliveryMethod": "pigeon"});
    api.manage("/v1/mgmt/tests/generate/otp", odd).await.refused(400, "E011004");
    api.manage("/v1/mgmt/tests/generate/otp", otp("tom@example.com")).await.ok();
    let key = api.emulator.management_key().to_owned();
    api.send(api.request("DELETE", "/v1/mgmt/user/test/delete/all", Some(&key))).await.ok();
    api.load_user("tess@example.com").await.refused(404, "E112102");
    api.load_user("tom@example.com").await.refused(404, "E112102");
    api.load_user(ADA).await.ok();
}

#[tokio::test]
async fn what_widgets_do_with_a_users_refresh_token_is_refused_as_not_emulated() {
    let api = Api::start().await;
    let answer = api.signed_in(ADA).await;
    let (refresh, session) = (refresh_of(&answer), session_of(&answer));
    // As the user management widget sends it.
    let (path, bob) = ("/v1/mgmt/user/create?tenant=T2RmwA", json!({"loginId": "bob@example.com"}));
    let message = api.post_as(&refresh, path, bob.clone()).await.refused(501, "E990501");
    assert!(message.contains("management key"), "{message}");
    // A session token is not what it takes, and neither is a token that has been tampered with.
    api.post_as(&session, path, bob.clone()).await.refused(401, "E111119");
    api.post_as(&format!("{refresh}x"), path, bob.clone()).await.refused(401, "E111119");
    api.load_user("bob@example.com").await.refused(404, "E112102");
    // With the management key the tenant may be there.
    api.manage(path, bob).await.ok();
}

#[tokio::test]
async fn management_calls_need_the_management_key() {
    let api = Api::start().await;
    let body = json!({"loginId": ADA});
    let message = api.post("/v1/mgmt/user/create", body.clone()).await.refused(401, "E111119");
    assert!(message.contains("management key"), "{message}");
    api.post_as("K2wrong", "/v1/mgmt/user/create", body.clone()).await.refused(401, "E111119");
    let token = refresh_of(&api.signed_in("bob@example.com").await);
    api.post_as(&token, "/v1/mgmt/user/delete", body.clone()).await.refused(401, "E111119");
    api.load_user(ADA).await.refused(404, "E112102");
    // A refresh token in front of the key, and the key on a call that does not need it, are both fine.
    let both = format!("{token}:{}", api.emulator.management_key());
    api.post_as(&both, "/v1/mgmt/user/create", body.clone()).await.ok();
    api.manage("/v1/auth/otp/signin/email", body).await.ok();
    api.get_as(&both, "/v1/auth/me").await.ok();
    let colon = api.http.post(format!("{}/v1/auth/otp/signin/email", api.emulator.base_url()));
    let bearer = format!("{}:", api.emulator.project_id());
    api.send(colon.bearer_auth(bearer).json(&json!({"loginId": ADA}))).await.ok();
}
