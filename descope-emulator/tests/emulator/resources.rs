use serde_json::json;

use crate::support::{Api, Reply, text};

async fn get(api: &Api, path: &str) -> Reply {
    let key = api.emulator.management_key().to_owned();
    api.get_as(&key, path).await
}

#[tokio::test]
async fn a_resource_is_found_by_its_address_and_changed_at_its_version() {
    let api = Api::start().await;
    let body =
        json!({"name": "Docs", "uri": "https://docs.example.com", "scopes": {"permissionsScopes": [{"name": "read"}]}});
    let made = api.manage("/v1/mgmt/resource/create", body.clone()).await.ok()["resource"].clone();
    assert_eq!((&made["version"], &made["scopes"]["permissionsScopes"][0]["name"]), (&json!("1"), &json!("read")));
    assert_eq!(made["createdTime"].as_str().map(str::len), Some(10), "{made}");
    api.manage("/v1/mgmt/resource/create", body).await.refused(409, "E990409");
    let same = json!({"name": "Other", "uri": "https://docs.example.com"});
    api.manage("/v1/mgmt/resource/create", same).await.refused(409, "E990409");
    let by_uri = "/v1/mgmt/resource/load/uri?uri=https%3A%2F%2Fdocs.example.com";
    assert_eq!(get(&api, by_uri).await.ok()["resource"], made);
    let id = text(&made["id"]).to_owned();
    let change = json!({"resource": {"id": id, "name": "Papers", "version": "1"}});
    let changed = api.manage("/v1/mgmt/resource/update", change.clone()).await.ok()["resource"].clone();
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Papers"), &json!("2")));
    let message = api.manage("/v1/mgmt/resource/update", change).await.refused(400, "E011004");
    assert!(message.contains("version is 2"), "{message}");
    get(&api, by_uri).await.refused(404, "E990404");
    assert_eq!(get(&api, "/v1/mgmt/resources/load").await.ok()["total"], 1);
    api.manage("/v1/mgmt/resource/delete", json!({"id": id})).await.ok();
    api.manage("/v1/mgmt/resource/delete/batch", json!({"ids": [id]})).await.refused(404, "E990404");
}

#[tokio::test]
async fn templates_are_named_by_resources() {
    let api = Api::start().await;
    let path = "/v1/mgmt/resource/dynamic-registration-template";
    let made =
        api.manage(&format!("{path}/create"), json!({"name": "T", "tags": ["a"]})).await.ok()["template"].clone();
    let with = |id: &str| json!({"name": "R", "dynamicRegistrationSettings": {"dynamicRegistrationTemplateId": id}});
    api.manage("/v1/mgmt/resource/create", with("none")).await.refused(404, "E990404");
    api.manage("/v1/mgmt/resource/create", with(text(&made["id"]))).await.ok();
    let load = format!("{path}/load?id={}", text(&made["id"]));
    assert_eq!(get(&api, &load).await.ok()["template"], made);
    let change = json!({"template": {"id": made["id"], "name": "U"}});
    assert_eq!(api.manage(&format!("{path}/update"), change).await.ok()["template"]["tags"], json!([]));
    assert_eq!(get(&api, &format!("{path}s/load")).await.ok()["total"], 1);
    api.manage(&format!("{path}/delete"), json!({"id": made["id"]})).await.ok();
    get(&api, &load).await.refused(404, "E990404");
}
