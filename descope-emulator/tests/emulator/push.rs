use serde_json::{Value, json};

use crate::support::{ADA, Api, Reply, claims, refresh_of, session_of};

async fn enroll(api: &Api, refresh: &str, token: &str) {
    let device = json!({"provider": "fcm", "token": token, "device": "Ada's phone"});
    assert_eq!(api.post_as(refresh, "/v1/auth/push/update", device).await.ok(), json!({}));
}

async fn start(api: &Api, login_id: &str) -> Reply {
    api.post("/v1/auth/push/signin/start", json!({"loginId": login_id})).await
}

async fn poll(api: &Api, begun: &Value) -> Reply {
    api.post("/v1/auth/push/pending-session", json!({"pendingRef": begun["pendingRef"]})).await
}

async fn decide(api: &Api, refresh: &str, transaction: &str, result: &str) -> Reply {
    let body = json!({"transactionId": transaction, "result": result});
    api.post_as(refresh, "/v1/auth/push/signin/finish", body).await
}

#[tokio::test]
async fn a_sign_in_is_approved_on_the_phone() {
    let api = Api::start().await;
    let refresh = refresh_of(&api.signed_in(ADA).await);
    start(&api, ADA).await.refused(400, "E011004");
    assert_eq!(api.user_now(ADA).await["push"], false);
    enroll(&api, &refresh, "token").await;
    enroll(&api, &refresh, "newer token").await;
    assert_eq!(api.user_now(ADA).await["push"], true);
    let begun = start(&api, ADA).await.ok();
    let message = api.mail(ADA).await;
    assert_eq!((message.channel.as_str(), message.code), ("push", None));
    let transaction = message.transaction_id.expect("a transaction");
    poll(&api, &begun).await.refused(401, "E990401");
    assert_eq!(decide(&api, &refresh, &transaction, "approved").await.ok(), json!({}));
    let session = poll(&api, &begun).await.ok();
    assert_eq!(claims(&session_of(&session))["amr"], json!(["push"]));
    poll(&api, &begun).await.refused(400, "E063010");
    decide(&api, &refresh, &transaction, "approved").await.refused(401, "E062504");
}

#[tokio::test]
async fn what_is_denied_late_or_somebody_elses_gives_no_session() {
    let api = Api::start().await;
    let refresh = refresh_of(&api.signed_in(ADA).await);
    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    enroll(&api, &refresh, "token").await;
    let begun = start(&api, ADA).await.ok();
    let transaction = api.mail(ADA).await.transaction_id.expect("a transaction");
    decide(&api, &bob, &transaction, "approved").await.refused(403, "E011004");
    decide(&api, &refresh, &transaction, "perhaps").await.refused(400, "E011004");
    decide(&api, &refresh, "nonsense", "approved").await.refused(401, "E062504");
    let body = json!({"transactionId": transaction, "result": "approved"});
    api.post("/v1/auth/push/signin/finish", body).await.refused(401, "E011002");
    decide(&api, &refresh, &transaction, "denied").await.ok();
    poll(&api, &begun).await.refused(400, "E063010");
    decide(&api, &refresh, &transaction, "approved").await.refused(401, "E062504");

    let late = start(&api, ADA).await.ok();
    let transaction = api.mail(ADA).await.transaction_id.expect("a transaction");
    api.wait(181);
    decide(&api, &refresh, &transaction, "approved").await.refused(401, "E062504");
    poll(&api, &late).await.refused(400, "E063010");
    start(&api, "nobody").await.refused(400, "E062108");
    let device = json!({"provider": "pigeon", "token": "x"});
    api.post_as(&refresh, "/v1/auth/push/update", device).await.refused(400, "E011004");
    let device = json!({"provider": "fcm", "token": ""});
    api.post_as(&refresh, "/v1/auth/push/update", device).await.refused(400, "E011003");
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "disabled"})).await.ok();
    start(&api, ADA).await.refused(403, "E111119");
}
