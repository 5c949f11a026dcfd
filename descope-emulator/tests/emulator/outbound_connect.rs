use serde_json::{Value, json};

use crate::{
    oauth::walk,
    support::{ADA, Api, refresh_of, text},
};

const PATH: &str = "/v1/outbound/oauth/connect";
const APPROVE: &str = "&outcome=approve&email=ada%40calendar.example";

async fn app(api: &Api) {
    let body = json!({
        "id": "calendar", "name": "Calendar", "defaultScopes": ["write", "read"],
        "defaultRedirectUrl": "https://app.example.com/connected?x=1",
    });
    api.manage("/v1/mgmt/outbound/app/create", body).await.ok();
}

#[tokio::test]
async fn a_user_connects_an_account_and_the_back_end_gets_its_token() {
    let api = Api::start().await;
    app(&api).await;
    let session = api.signed_in(ADA).await;
    let (refresh, user) = (refresh_of(&session), text(&session["user"]["userId"]).to_owned());
    api.post(PATH, json!({"appId": "calendar"})).await.refused(401, "E011002");
    let begun = api.post_as(&refresh, PATH, json!({"appId": "calendar"})).await.ok();
    let page = api.send(api.http.get(text(&begun["url"]))).await.ok();
    assert!(text(&page).contains("Calendar") && text(&page).contains("read, write"), "{page}");
    assert_eq!(walk(&begun, APPROVE).await, ("x".to_owned(), "1".to_owned()), "there is no code to exchange");
    let wanted = json!({"appId": "calendar", "userId": user, "scopes": ["read"]});
    let token = api.manage("/v1/mgmt/outbound/app/user/token", wanted).await.ok()["token"].clone();
    assert_eq!((&token["scopes"], &token["tokenSub"]), (&json!(["read", "write"]), &json!("ada@calendar.example")));
    assert_eq!((&token["grantedBy"], &token["hasRefreshToken"]), (&json!(user), &json!(true)));
    let twice = api.send(api.http.get(format!("{}{APPROVE}", text(&begun["url"])))).await;
    twice.refused(404, "E990404");
}

#[tokio::test]
async fn connections_of_tenants_and_what_is_refused() {
    let api = Api::start().await;
    app(&api).await;
    api.tenant("T1").await;
    let refresh = refresh_of(&api.signed_in(ADA).await);
    let ask = async |body: Value| api.post_as(&refresh, PATH, body).await;
    ask(json!({"appId": "unknown"})).await.refused(404, "E990404");
    ask(json!({"appId": "calendar", "tenantLevel": true})).await.refused(400, "E011003");
    ask(json!({"appId": "calendar", "tenantId": "T1"})).await.refused(400, "E011004");
    api.manage("/v1/mgmt/user/update/tenant/add", json!({"loginId": ADA, "tenantId": "T1"})).await.ok();
    let options =
        json!({"redirectUrl": "https://app.example.com/t?y=2", "scopes": ["all"], "externalIdentifier": "work"});
    let body = json!({"appId": "calendar", "tenantId": "T1", "tenantLevel": true, "options": options});
    let begun = ask(body.clone()).await.ok();
    let refused = walk(&begun, "&outcome=refuse").await;
    assert_eq!(refused, ("err".to_owned(), "access_denied".to_owned()));
    let wanted = json!({"appId": "calendar", "tenantId": "T1", "externalIdentifier": "work"});
    let fetch = async || api.manage("/v1/mgmt/outbound/app/tenant/token/latest", wanted.clone()).await;
    fetch().await.refused(404, "E990404");
    walk(&ask(body).await.ok(), APPROVE).await;
    let token = fetch().await.ok()["token"].clone();
    assert_eq!((&token["scopes"], &token["userId"], &token["tenantId"]), (&json!(["all"]), &json!(""), &json!("T1")));
}
