use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of, text, token_of};

async fn poll(api: &Api, sent: &Value) -> crate::support::Reply {
    api.post("/v1/auth/enchantedlink/pending-session", json!({"pendingRef": sent["pendingRef"]})).await
}

async fn click(api: &Api, token: &str) -> crate::support::Reply {
    api.post("/v1/auth/enchantedlink/verify", json!({"token": token})).await
}

#[tokio::test]
async fn the_right_link_of_three_opens_the_session_once() {
    let api = Api::start().await;
    let body =
        json!({"loginId": ADA, "URI": "https://app.example.com/in", "user": {"email": ADA}, "crossDevice": true});
    let sent = api.post("/v1/auth/enchantedlink/signup/email", body).await.ok();
    assert_eq!(sent["maskedEmail"], "a**@e******.com");
    let message = api.mail(ADA).await;
    assert_eq!(message.links.len(), 3);
    let shown = text(&sent["linkId"]);
    let right = message.link(shown).expect("the right link");
    poll(&api, &sent).await.refused(401, "E062503");
    for other in message.links.iter().filter(|link| link.link_id.as_deref() != Some(shown)) {
        assert_eq!(token_of(&other.url), other.token);
        click(&api, &other.token).await.refused(401, "E062504");
        poll(&api, &sent).await.refused(401, "E062503");
    }
    assert_eq!(click(&api, &right.token).await.ok(), json!({}));
    click(&api, &right.token).await.refused(401, "E062504");
    let session = poll(&api, &sent).await.ok();
    assert_eq!((&session["firstSeen"], &session["user"]["email"]), (&json!(true), &json!(ADA)));
    assert_eq!(claims(&session_of(&session))["amr"], json!(["email"]));
    poll(&api, &sent).await.refused(400, "E063010");
    click(&api, &right.token).await.refused(401, "E062504");
}

#[tokio::test]
async fn unclicked_and_unknown_sign_ins_end_for_good() {
    let api = Api::start().await;
    poll(&api, &json!({"pendingRef": "nonsense"})).await.refused(400, "E063010");
    api.post("/v1/auth/enchantedlink/signin/email", json!({"loginId": ADA})).await.refused(400, "E062108");
    let sent = api.post("/v1/auth/enchantedlink/signup-in/email", json!({"loginId": ADA})).await.ok();
    let message = api.mail(ADA).await;
    let right = message.link(text(&sent["linkId"])).expect("the right link");
    api.wait(180);
    poll(&api, &sent).await.refused(400, "E063010");
    click(&api, &right.token).await.refused(401, "E062504");
    api.load_user(ADA).await.refused(404, "E112102");
}

#[tokio::test]
async fn a_clicked_session_waits_a_while() {
    let api = Api::start().await;
    let sent = api.post("/v1/auth/enchantedlink/signup-in/email", json!({"loginId": ADA})).await.ok();
    let message = api.mail(ADA).await;
    api.wait(170);
    click(&api, &message.link(text(&sent["linkId"])).expect("link").token).await.ok();
    api.wait(170);
    poll(&api, &sent).await.ok();
}

#[tokio::test]
async fn an_address_changes_by_enchanted_link() {
    let api = Api::start().await;
    let token = refresh_of(&api.signed_in(ADA).await);
    let body = json!({"loginId": ADA, "email": "ada@new.example", "addToLoginIDs": true});
    let sent = api.post_as(&token, "/v1/auth/enchantedlink/update/email", body).await.ok();
    let message = api.mail("ada@new.example").await;
    click(&api, &message.link(text(&sent["linkId"])).expect("link").token).await.ok();
    assert_eq!(api.load_user(ADA).await.ok()["user"]["email"], ADA);
    let session = poll(&api, &sent).await.ok();
    assert_eq!(session["user"]["email"], "ada@new.example");
    assert_eq!(session["user"]["loginIds"], json!([ADA, "ada@new.example"]));
}

#[tokio::test]
async fn a_test_users_link_is_answered() {
    let api = Api::start().await;
    api.test_user(ADA).await;
    let body = json!({"loginId": ADA, "URI": "https://app.example.com/in", "loginOptions": {}});
    let sent = api.manage("/v1/mgmt/tests/generate/enchantedlink", body).await.ok();
    poll(&api, &sent).await.refused(401, "E062503");
    click(&api, &token_of(text(&sent["link"]))).await.ok();
    poll(&api, &sent).await.ok();
}

#[tokio::test]
async fn a_challenge_needs_its_verifier() {
    let api = Api::start().await;
    let verifier = b"a verifier of the first device";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier);
    let options = json!({"pkceChallenge": STANDARD.encode(digest.as_ref())});
    let body = json!({"loginId": ADA, "loginOptions": options});
    let sent = api.post("/v1/auth/enchantedlink/signup-in/email", body).await.ok();
    let message = api.mail(ADA).await;
    let token = message.link(text(&sent["linkId"])).expect("link").token.clone();
    click(&api, &token).await.refused(401, "E062504");
    let body = json!({"token": token, "pkceVerifier": STANDARD.encode(verifier)});
    api.post("/v1/auth/enchantedlink/verify", body).await.ok();
    poll(&api, &sent).await.ok();
}
