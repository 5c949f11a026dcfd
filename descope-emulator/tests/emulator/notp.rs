use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE, Reply, claims, refresh_of, session_of, text};

const OTHER: &str = "+15557654321";

async fn start(api: &Api, kind: &str, body: Value) -> Reply {
    api.post(&format!("/v1/auth/notp/whatsapp/{kind}"), body).await
}

async fn poll(api: &Api, begun: &Value) -> Reply {
    api.post("/v1/auth/notp/pending-session", json!({"pendingRef": begun["pendingRef"]})).await
}

fn send(api: &Api, begun: &Value, phone: &str) -> Result<(), String> {
    api.emulator.send_message(text(&begun["redirectUrl"]), phone).map_err(|error| error.to_string())
}

#[tokio::test]
async fn whoever_writes_is_signed_up_under_the_number() {
    let api = Api::start().await;
    let begun =
        start(&api, "signup", json!({"user": {"name": "Ada"}, "loginOptions": {"customClaims": {"a": 1}}})).await.ok();
    assert!(STANDARD.decode(text(&begun["image"])).expect("base64").starts_with(b"\x89PNG"));
    assert!(
        !text(&begun["redirectUrl"]).contains(text(&begun["pendingRef"])),
        "the message lets nobody fetch a session"
    );
    poll(&api, &begun).await.refused(401, "E066103");
    send(&api, &begun, "+1 555-123-4567").expect("sent");
    let session = poll(&api, &begun).await.ok();
    let user = &session["user"];
    assert_eq!(
        (&user["loginIds"], &user["phone"], &user["verifiedPhone"]),
        (&json!([PHONE]), &json!(PHONE), &json!(true))
    );
    assert_eq!((&session["firstSeen"], &user["name"]), (&json!(true), &json!("Ada")));
    assert_eq!(claims(&session_of(&session))["nsec"], json!({"a": 1}));
    poll(&api, &begun).await.refused(400, "E063010");
    assert!(send(&api, &begun, PHONE).is_err(), "sent before");

    let again = start(&api, "signup", json!({})).await.ok();
    send(&api, &again, PHONE).expect("sent");
    poll(&api, &again).await.refused(400, "E062107");
    start(&api, "signup", json!({"loginId": PHONE})).await.refused(400, "E062107");
}

#[tokio::test]
async fn the_message_has_to_come_from_the_number_of_who_is_named() {
    let api = Api::start().await;
    api.user(json!({"loginId": ADA, "email": ADA})).await;
    start(&api, "signin", json!({"loginId": ADA})).await.refused(400, "E011004");
    api.manage("/v1/mgmt/user/update/phone", json!({"loginId": ADA, "phone": PHONE, "verified": true})).await.ok();
    let begun = start(&api, "signin", json!({"loginId": ADA})).await.ok();
    let why = send(&api, &begun, OTHER).expect_err("another number");
    assert!(why.contains("another number"), "{why}");
    poll(&api, &begun).await.refused(401, "E066103");
    send(&api, &begun, PHONE).expect("sent");
    assert_eq!(poll(&api, &begun).await.ok()["user"]["loginIds"], json!([ADA]));
    start(&api, "signin", json!({"loginId": "nobody"})).await.refused(400, "E062108");

    let begun = start(&api, "signin", json!({})).await.ok();
    send(&api, &begun, OTHER).expect("sent");
    poll(&api, &begun).await.refused(400, "E062108");

    let begun = start(&api, "signup", json!({"loginId": "bob", "phone": OTHER})).await.ok();
    assert!(send(&api, &begun, PHONE).is_err());
    send(&api, &begun, OTHER).expect("sent");
    let user = poll(&api, &begun).await.ok()["user"].clone();
    assert_eq!((&user["loginIds"], &user["phone"]), (&json!(["bob"]), &json!(OTHER)));
    start(&api, "signup", json!({"loginId": "carol", "phone": "12"})).await.refused(400, "E011003");
}

#[tokio::test]
async fn one_button_signs_newcomers_up_and_known_users_in() {
    let api = Api::start().await;
    for first in [true, false] {
        let begun = start(&api, "signup-in", json!({})).await.ok();
        send(&api, &begun, PHONE).expect("sent");
        let session = poll(&api, &begun).await.ok();
        assert_eq!((&session["firstSeen"], &session["user"]["loginIds"]), (&json!(first), &json!([PHONE])));
    }
    let begun = start(&api, "signup-in", json!({"loginId": ADA})).await.ok();
    send(&api, &begun, OTHER).expect("sent");
    let user = poll(&api, &begun).await.ok()["user"].clone();
    assert_eq!((&user["loginIds"], &user["phone"]), (&json!([ADA]), &json!(OTHER)));
    let stepping = json!({"loginId": "new", "loginOptions": {"mfa": true}});
    start(&api, "signup-in", stepping).await.refused(400, "E062108");
}

#[tokio::test]
async fn a_session_is_stepped_up_by_a_message() {
    let api = Api::start().await;
    let refresh = refresh_of(&api.signed_in(ADA).await);
    api.manage("/v1/mgmt/user/update/phone", json!({"loginId": ADA, "phone": PHONE, "verified": true})).await.ok();
    let path = "/v1/auth/notp/whatsapp/signin";
    for login_id in [json!(ADA), Value::Null] {
        let options = json!({"loginId": login_id, "loginOptions": {"stepup": true}});
        api.post(path, options.clone()).await.refused(401, "E011002");
        let begun = api.post_as(&refresh, path, options).await.ok();
        send(&api, &begun, PHONE).expect("sent");
        assert_eq!(claims(&session_of(&poll(&api, &begun).await.ok()))["su"], true);
    }
}

#[tokio::test]
async fn a_number_is_changed_by_writing_from_it() {
    let api = Api::start().await;
    let refresh = refresh_of(&api.signed_in(ADA).await);
    let path = "/v1/auth/notp/whatsapp/update";
    api.post(path, json!({"loginId": ADA})).await.refused(401, "E011002");
    let begun = api.post_as(&refresh, path, json!({"loginId": ADA, "addToLoginIDs": true})).await.ok();
    send(&api, &begun, PHONE).expect("sent");
    let user = poll(&api, &begun).await.ok()["user"].clone();
    assert_eq!(
        (&user["phone"], &user["verifiedPhone"], &user["loginIds"]),
        (&json!(PHONE), &json!(true), &json!([ADA, PHONE]))
    );

    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    let taken = json!({"loginId": "bob@example.com", "phone": PHONE, "failOnConflict": true});
    api.post_as(&bob, path, taken).await.refused(400, "E062107");
    api.post_as(&bob, path, json!({"loginId": ADA})).await.refused(403, "E011004");
    let late = json!({"loginId": "bob@example.com", "failOnConflict": true});
    let begun = api.post_as(&bob, path, late).await.ok();
    send(&api, &begun, PHONE).expect("sent");
    poll(&api, &begun).await.refused(400, "E062107");
}

#[tokio::test]
async fn a_message_is_refused_late_or_for_another_messenger() {
    let api = Api::start().await;
    let begun = start(&api, "signup-in", json!({})).await.ok();
    api.emulator.refuse_message(text(&begun["redirectUrl"])).expect("refused");
    poll(&api, &begun).await.refused(400, "E063010");
    let begun = start(&api, "signup-in", json!({})).await.ok();
    api.wait(181);
    assert!(send(&api, &begun, PHONE).is_err());
    poll(&api, &begun).await.refused(400, "E063010");
    api.post("/v1/auth/notp/pigeon/signup", json!({})).await.refused(400, "E011004");
    for address in ["", "nowhere", "http://127.0.0.1/_emulator/provider", "http://127.0.0.1/_emulator/messenger"] {
        assert!(api.emulator.send_message(address, PHONE).is_err(), "{address}");
    }
}

#[tokio::test]
async fn the_page_of_the_messenger_does_the_same() {
    let api = Api::start().await;
    let begun = start(&api, "signup", json!({"phone": PHONE})).await.ok();
    let url = text(&begun["redirectUrl"]);
    let get = async |more: &str| api.send(api.http.get(format!("{url}{more}"))).await;
    let page = get("").await.ok();
    assert!(text(&page).contains("Do not send") && text(&page).contains(PHONE), "{page}");
    get("&outcome=shrug").await.refused(400, "E011004");
    get("&outcome=send&phone=12").await.refused(400, "E011003");
    get("&outcome=send").await.refused(400, "E011003");
    get("&outcome=send&phone=+15551234567").await.ok();
    poll(&api, &begun).await.ok();
    get("").await.refused(404, "E990404");
    let begun = start(&api, "signup-in", json!({})).await.ok();
    api.send(api.http.get(format!("{}&outcome=refuse", text(&begun["redirectUrl"])))).await.ok();
    poll(&api, &begun).await.refused(400, "E063010");
}
