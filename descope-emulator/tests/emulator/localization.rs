use serde_json::{Value, json};

use crate::support::{Api, text};

#[tokio::test]
async fn translations_are_imported_and_exported() {
    let api = Api::start().await;
    let flows = api.manage("/v1/mgmt/flow/list", json!({})).await.ok();
    let flow = text(&flows["flows"][0]["id"]).to_owned();
    let call = async |what: &str, body: Value| api.manage(&format!("/v1/mgmt/localization/{what}"), body).await;
    let empty = call("flow/export", json!({"flowId": flow})).await.ok();
    assert_eq!((&empty["overrides"]["version"], &empty["overrides"]["languages"]), (&json!(0), &json!({})));
    let languages = json!({"de": {"screen.title": "Willkommen"}});
    let import = json!({"flowId": flow, "overrides": {"languages": languages, "version": 9}});
    let first = call("flow/import", import.clone()).await.ok();
    assert_eq!((&first["overrides"]["version"], &first["overrides"]["flowId"]), (&json!(1), &json!(flow)));
    assert_eq!(call("flow/import", import).await.ok()["overrides"]["version"], 2);
    let known = call("flow/export", json!({"flowId": flow})).await.ok();
    assert_eq!(known["overrides"]["languages"], languages);
    call("flow/export", json!({"flowId": "none"})).await.refused(404, "E990404");
    let other = json!({"flowId": flow, "overrides": {"flowId": "other", "languages": {}}});
    call("flow/import", other).await.refused(400, "E011004");
    let messages = call("messaging/import", json!({"overrides": {"languages": languages}})).await.ok();
    assert_eq!(messages, call("messaging/export", json!({})).await.ok());
    assert!(messages["overrides"].get("flowId").is_none());
}
