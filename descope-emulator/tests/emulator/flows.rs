use serde_json::{Value, json};

use crate::support::Api;

#[tokio::test]
async fn flows_are_listed_exported_and_imported_in_both_forms() {
    let api = Api::start().await;
    let list = api.manage("/v1/mgmt/flow/list", json!({})).await.ok();
    assert_eq!((list["flows"].as_array().map(Vec::len), &list["total"]), (Some(7), &json!(7)));
    let id = "sign-up-or-in";
    let mut older = api.manage("/v1/mgmt/flow/export", json!({"flowId": id})).await.ok();
    older["flow"]["name"] = json!("Renamed");
    let body = json!({"flowId": "copy", "flow": older["flow"], "screens": older["screens"]});
    let made = api.manage("/v1/mgmt/flow/import", body).await.ok();
    assert_eq!((&made["flow"]["id"], &made["flow"]["name"]), (&json!("copy"), &json!("Renamed")));
    assert_eq!(made["flow"]["dsl"], older["flow"]["dsl"]);
    assert_eq!(made["screens"].as_array().map(Vec::len), Some(2));

    let mut newer = api.manage("/v2/mgmt/flow/export", json!({"flowId": "copy"})).await.ok()["flow"].clone();
    assert_eq!((&newer["metadata"]["name"], &newer["contents"]), (&json!("Renamed"), &older["flow"]["dsl"]));
    newer["flowId"] = json!("third");
    api.manage("/v2/mgmt/flow/import", json!({"flow": newer})).await.ok();
    let again = api.manage("/v2/mgmt/flow/export", json!({"flowId": "third"})).await.ok()["flow"].clone();
    assert_eq!(again["screens"], newer["screens"]);
    let back = api.manage("/v1/mgmt/flow/export", json!({"flowId": "third"})).await.ok();
    assert_eq!(back["screens"][0]["inputs"], older["screens"][0]["inputs"], "nothing is lost on the way");
    assert_eq!(back["screens"][0]["htmlTemplate"], older["screens"][0]["htmlTemplate"]);
    let some = api.manage("/v1/mgmt/flow/list", json!({"ids": ["third", "none"]})).await.ok();
    assert_eq!(some["total"], 1);
    api.manage("/v1/mgmt/flow/delete", json!({"ids": ["third"]})).await.ok();
    for (path, body) in [
        ("/v1/mgmt/flow/delete", json!({"ids": ["third"]})),
        ("/v1/mgmt/flow/export", json!({"flowId": "third"})),
        ("/v1/mgmt/flow/run", json!({"flowId": "third"})),
    ] {
        let message = api.manage(path, body).await.refused(404, "E990404");
        assert!(message.contains("Failed getting flow"), "{message}");
    }
    api.manage("/v1/mgmt/flow/run", json!({"flowId": "copy"})).await.refused(501, "E990501");
}

#[tokio::test]
async fn the_theme_counts_its_versions() {
    let api = Api::start().await;
    let theme = api.manage("/v1/mgmt/theme/export", json!({})).await.ok()["theme"].clone();
    let version = |theme: &Value| theme["version"].as_i64().expect("a number");
    let changed = json!({"cssTemplate": {"light": {"primary": "#000"}}});
    let made = api.manage("/v1/mgmt/theme/import", json!({"theme": changed})).await.ok()["theme"].clone();
    assert_eq!(version(&made), version(&theme) + 1);
    let newer = api.manage("/v2/mgmt/theme/export", json!({})).await.ok()["theme"].clone();
    assert_eq!(newer["styles"], json!({"light": {"primary": "#000"}}));
    api.manage("/v2/mgmt/theme/import", json!({"theme": newer})).await.ok();
    let last = api.manage("/v1/mgmt/theme/export", json!({})).await.ok()["theme"].clone();
    assert_eq!((version(&last), &last["cssTemplate"]), (version(&theme) + 2, &newer["styles"]));
    api.manage("/v2/mgmt/theme/import", json!({"theme": {"styles": {}}})).await.refused(400, "E011003");
}
