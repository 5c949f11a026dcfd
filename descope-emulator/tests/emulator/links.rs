use serde_json::json;

use crate::support::{ADA, Api, PHONE, claims, refresh_of, session_of, text, token_of};

#[tokio::test]
async fn a_magic_link_works_once() {
    let api = Api::start().await;
    let body = json!({"loginId": ADA, "email": ADA, "URI": "https://app.example.com/in?x=1", "user": {"email": ADA}});
    let sent = api.post("/v1/auth/magiclink/signup/email", body).await.ok();
    assert_eq!(sent["maskedEmail"], "a**@e******.com");
    let message = api.mail(ADA).await;
    assert_eq!(message.operation, "magicLinkSignUpEmail");
    let link = &message.links[0];
    assert_eq!(link.url, format!("https://app.example.com/in?x=1&t={}", link.token));
    assert_eq!(link.link_id, None);
    let verify = json!({"token": link.token});
    let session = api.post("/v1/auth/magiclink/verify", verify.clone()).await.ok();
    assert_eq!(session["firstSeen"], true);
    assert_eq!(session["user"]["email"], ADA);
    let message = api.post("/v1/auth/magiclink/verify", verify).await.refused(401, "E062504");
    assert!(message.contains("token"), "{message}");
    api.post("/v1/auth/magiclink/verify", json!({"token": "nonsense"})).await.refused(401, "E062504");
}

#[tokio::test]
async fn a_magic_link_expires_and_a_bad_page_is_refused() {
    let api = Api::start().await;
    api.post("/v1/auth/magiclink/signup-in/sms", json!({"loginId": PHONE})).await.ok();
    let link = api.mail(PHONE).await.links.remove(0);
    assert!(link.url.starts_with("https://app.example.com/verify?t="), "{}", link.url);
    api.wait(180);
    api.post("/v1/auth/magiclink/verify", json!({"token": link.token})).await.refused(401, "E062504");
    let bad = json!({"loginId": PHONE, "redirectUrl": "no url"});
    api.post("/v1/auth/magiclink/signup-in/sms", bad).await.refused(400, "E011004");
    api.post("/v1/auth/magiclink/signin/sms", json!({"loginId": PHONE})).await.refused(400, "E062108");
}

#[tokio::test]
async fn generated_links_are_answered_and_stay_valid() {
    let api = Api::start().await;
    api.test_user(ADA).await;
    let body = json!({"loginId": ADA, "deliveryMethod": "email", "URI": "https://app.example.com/in"});
    let generated = api.manage("/v1/mgmt/tests/generate/magiclink", body).await.ok();
    assert!(text(&generated["link"]).starts_with("https://app.example.com/in?t="), "{generated}");
    api.post("/v1/auth/magiclink/signup-in/email", json!({"loginId": ADA, "URI": ""})).await.ok();
    api.post("/v1/auth/magiclink/signin/email", json!({"loginId": ADA})).await.ok();
    let token = token_of(text(&generated["link"]));
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": token})).await.ok();
    assert_eq!(session["user"]["test"], true);
}

#[tokio::test]
async fn links_change_addresses() {
    let api = Api::start().await;
    let token = refresh_of(&api.signed_in(ADA).await);
    let body = json!({"loginId": ADA, "phone": PHONE, "addToLoginIDs": true});
    let sent = api.post_as(&token, "/v1/auth/magiclink/update/phone/sms", body).await.ok();
    assert_eq!(sent["maskedPhone"], "+1******4567");
    let link = api.mail(PHONE).await.links.remove(0);
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": link.token})).await.ok();
    assert_eq!(session["user"]["loginIds"], json!([ADA, PHONE]));
    let body = json!({"loginId": ADA, "email": "ada@new.example"});
    api.post_as(&token, "/v1/auth/magiclink/update/email", body).await.ok();
    let link = api.mail("ada@new.example").await.links.remove(0);
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": link.token})).await.ok();
    assert_eq!(session["user"]["email"], "ada@new.example");
}

#[tokio::test]
async fn embedded_links_sign_in_with_trusted_claims() {
    let api = Api::start().await;
    api.manage("/v1/mgmt/user/signin/embeddedlink", json!({"loginId": ADA})).await.refused(404, "E112102");
    api.signed_in(ADA).await;
    let body = json!({"loginId": ADA, "customClaims": {"plan": "pro"}, "timeout": 90});
    let answer = api.manage("/v1/mgmt/user/signin/embeddedlink", body).await.ok();
    api.wait(85);
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": answer["token"]})).await.ok();
    assert_eq!(claims(&session_of(&session))["plan"], "pro");
    assert_eq!(session["firstSeen"], false);

    let answer = api
        .manage("/v1/mgmt/user/signin/embeddedlink", json!({"loginId": ADA, "customClaims": null, "timeout": 0}))
        .await
        .ok();
    api.wait(60);
    let message =
        api.post("/v1/auth/magiclink/verify", json!({"token": answer["token"]})).await.refused(401, "E062504");
    assert!(message.contains("expire"), "{message}");
    let body = json!({"loginId": ADA, "timeout": -1});
    api.manage("/v1/mgmt/user/signin/embeddedlink", body).await.refused(400, "E011004");
}

#[tokio::test]
async fn embedded_links_sign_new_users_up() {
    let api = Api::start().await;
    let body = json!({
        "loginId": "ada", "user": {"email": ADA, "given_name": "Ada", "name": "Ada L"}, "loginOptions": {},
        "emailVerified": true, "phoneVerified": false, "timeout": 0,
    });
    let answer = api.manage("/v1/mgmt/user/signup/embeddedlink", body.clone()).await.ok();
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": answer["token"]})).await.ok();
    let user = &session["user"];
    assert_eq!(
        (&user["givenName"], &user["verifiedEmail"], &user["verifiedPhone"]),
        (&json!("Ada"), &json!(true), &json!(false))
    );
    assert_eq!(session["firstSeen"], true);
    api.manage("/v1/mgmt/user/signup/embeddedlink", body).await.refused(400, "E062107");
}
