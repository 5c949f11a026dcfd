use serde_json::{Value, json};

use crate::{
    provider::{APPROVE, Browser, param},
    support::{Api, Reply, text},
};

#[tokio::test]
async fn policies_open_resources_to_applications() {
    let api = Api::start().await;
    let app = api.inbound(json!({})).await;
    let scopes = json!({"permissionsScopes": [
        {"name": "pay", "description": "Pay", "values": ["Pay"]}, {"name": "bill", "description": "Bill", "values": ["Bill"]},
    ]});
    let body = json!({"name": "Bank", "uri": "https://bank.example.com", "type": "api", "scopes": scopes});
    let made = api.manage("/v1/mgmt/resource/create", body).await.ok();
    let resource = text(&made["resource"]["id"]).to_owned();
    let call = async |what: &str, body: Value| api.manage(&format!("/v1/mgmt/resourcepolicy/{what}"), body).await;
    let policy = json!({
        "resourceId": resource, "thirdPartyApplicationId": app.id, "userAccessScopes": ["pay"], "allClientScopes": true,
    });
    let ask = async |scope: &str| {
        Browser::new().open(&api.ask("/oauth2/v1/apps/authorize", &app, scope, &[])).await.expect("on")
    };
    assert_eq!(param(&ask("pay").await, "error").as_deref(), Some("invalid_scope"), "without a policy");
    let first = call("create", policy.clone()).await.ok();
    assert_eq!(
        (&first["resourcePolicy"]["version"], &first["resourcePolicy"]["allClientScopes"]),
        (&json!("1"), &json!(true))
    );
    call("create", policy.clone()).await.refused(409, "E990409");
    for (name, value) in [("resourceId", "none"), ("thirdPartyApplicationId", "none")] {
        let mut wrong = policy.clone();
        wrong[name] = json!(value);
        call("create", wrong.clone()).await.refused(404, "E990404");
        call("update", wrong).await.refused(404, "E990404");
    }
    assert_eq!(param(&ask("bill").await, "error").as_deref(), Some("invalid_scope"), "not for users");
    let back = api.authorized("/oauth2/v1/apps/authorize", &app, "pay", APPROVE).await;
    let given = api.redeem("/oauth2/v1/apps/token", &app, &param(&back, "code").expect("a code")).await.ok();
    assert_eq!(given["scope"], "pay");
    let own = async |scope: &str| -> Reply {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        api.form("/oauth2/v1/apps/token", Some(&app), &form).await
    };
    own("bill pay").await.ok();
    let mut less = policy.clone();
    less["allClientScopes"] = json!(false);
    assert_eq!(call("update", less).await.ok()["resourcePolicy"]["version"], "2");
    own("bill").await.oauth(400, "invalid_scope");
    let key = api.emulator.management_key().to_owned();
    let load = async |app: &str| {
        api.get_as(&key, &format!("/v1/mgmt/resourcepolicy/app/load?thirdPartyApplicationId={app}")).await
    };
    assert_eq!(load(&app.id).await.ok()["resourcePolicies"].as_array().map(Vec::len), Some(1));
    load("none").await.refused(404, "E990404");
    let one = json!({"resourceId": resource, "thirdPartyApplicationId": app.id});
    call("delete", one.clone()).await.ok();
    call("delete", one.clone()).await.refused(404, "E990404");
    call("update", policy.clone()).await.refused(404, "E990404");
    let made = call("create/batch", json!({"policies": [policy]})).await.ok();
    assert_eq!(made["resourcePolicies"].as_array().map(Vec::len), Some(1));
    call("delete/batch", json!({"policies": [one]})).await.ok();
    call("create", policy).await.ok();
    api.manage("/v1/mgmt/resource/delete", json!({"id": resource})).await.ok();
    assert_eq!(load(&app.id).await.ok()["resourcePolicies"], json!([]), "gone with the resource");
}

#[tokio::test]
async fn applications_have_attributes_of_their_own() {
    let api = Api::start().await;
    let call =
        async |what: &str, body: Value| api.manage(&format!("/v1/mgmt/sso/idp/app/customattribute/{what}"), body).await;
    let team = json!({"attributes": [{"name": "team", "type": 1, "displayName": "Team"}]});
    assert_eq!(call("create", team.clone()).await.ok()["data"][0]["name"], "team");
    call("create", team).await.refused(409, "E990409");
    let bad = json!({"name": "x", "customAttributes": {"team": 5}});
    assert_eq!(api.manage("/v1/mgmt/sso/idp/app/oidc/create", bad).await.status, 400);
    let bad = json!({"name": "x", "customAttributes": {"other": "x"}});
    api.manage("/v1/mgmt/sso/idp/app/oidc/create", bad).await.refused(404, "E990404");
    let app = api.federated(json!({"customAttributes": {"team": "core"}})).await;
    let key = api.emulator.management_key().to_owned();
    let load = async || api.get_as(&key, &format!("/v1/mgmt/sso/idp/app/load?id={}", app.id)).await.ok();
    assert_eq!(load().await["customAttributes"], json!({"team": "core"}));
    let all = api.get_as(&key, "/v1/mgmt/sso/idp/app/customattributes").await.ok();
    assert_eq!(all["total"], "1", "{all}");
    call("delete", json!({"names": ["team"]})).await.ok();
    call("delete", json!({"names": ["team"]})).await.refused(404, "E990404");
    assert_eq!(load().await["customAttributes"], json!({}));
}
