use serde_json::{Value, json};

use crate::support::{ADA, Api};

const CREATE: &str = "/v1/mgmt/user/customattribute/create";

async fn define(api: &Api, attributes: Value) -> Value {
    api.manage(CREATE, json!({"attributes": attributes})).await.ok()
}

#[tokio::test]
async fn attributes_are_defined_listed_and_dropped_with_their_values() {
    let api = Api::start().await;
    let made =
        define(&api, json!([{"name": "plan", "type": 1, "displayName": "Plan"}, {"name": "seats", "type": 2}])).await;
    assert_eq!((&made["total"], &made["data"][0]["displayName"]), (&json!("2"), &json!("Plan")));
    api.user(json!({"loginId": ADA, "customAttributes": {"plan": "pro", "seats": 3}})).await;
    let body = json!({"names": ["seats"]});
    let left = api.manage("/v1/mgmt/user/customattribute/delete", body.clone()).await.ok();
    assert_eq!(left["total"], "1");
    assert_eq!(api.user_now(ADA).await["customAttributes"], json!({"plan": "pro"}));
    api.manage("/v1/mgmt/user/customattribute/delete", body).await.refused(404, "E990404");
    let key = api.emulator.management_key().to_owned();
    assert_eq!(api.get_as(&key, "/v1/mgmt/user/customattributes").await.ok(), left);

    let family = json!({"attributes": [{"name": "plan", "type": 3}]});
    let made = api.manage("/v1/mgmt/user/families/customattribute/create", family).await.ok();
    assert_eq!(made["data"][0]["type"], 3);
    assert_eq!(api.get_as(&key, "/v1/mgmt/user/families/customattributes").await.ok(), made);
    let body = json!({"names": ["plan"]});
    let left = api.manage("/v1/mgmt/user/families/customattribute/delete", body).await.ok();
    assert_eq!(left["total"], "0");
    assert_eq!(api.user_now(ADA).await["customAttributes"], json!({"plan": "pro"}));
}

#[tokio::test]
async fn definitions_that_make_no_sense_are_refused() {
    let api = Api::start().await;
    define(&api, json!([{"name": "plan", "type": 1}])).await;
    for (attribute, status, code) in [
        (json!({"name": "plan", "type": 1}), 409, "E990409"),
        (json!({"name": "", "type": 1}), 400, "E011003"),
        (json!({"name": "x", "type": 8}), 400, "E011004"),
        (json!({"name": "x"}), 400, "E011004"),
        (json!({"name": "x", "type": 4}), 400, "E011004"),
        (json!({"name": "x", "type": 2, "defaultValue": "two"}), 400, "E011004"),
    ] {
        let body = json!({"attributes": [{"name": "fine", "type": 1}, attribute]});
        api.manage(CREATE, body).await.refused(status, code);
    }
    let all = api.get_as(api.emulator.management_key(), "/v1/mgmt/user/customattributes").await.ok();
    assert_eq!(all["total"], "1", "none of a refused list is kept");
}

#[tokio::test]
async fn values_have_to_be_of_the_kind_that_was_defined() {
    let api = Api::start().await;
    api.user(json!({"loginId": ADA, "customAttributes": {"anything": "goes"}})).await;
    let options = json!([{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]);
    define(
        &api,
        json!([
            {"name": "text", "type": 1},
            {"name": "number", "type": 2},
            {"name": "yes", "type": 3},
            {"name": "one", "type": 4, "options": options},
            {"name": "some", "type": 5, "options": options},
            {"name": "day", "type": 6},
            {"name": "birthday", "type": 7},
        ]),
    )
    .await;
    let set = |key: &str, value: Value| json!({"loginId": ADA, "attributeKey": key, "attributeValue": value});
    let path = "/v1/mgmt/user/update/customAttribute";
    for (key, good, bad) in [
        ("text", json!("x"), json!(1)),
        ("number", json!(1.5), json!("1.5")),
        ("yes", json!(true), json!("true")),
        ("one", json!("a"), json!("c")),
        ("some", json!(["a", "b"]), json!(["a", "c"])),
        ("day", json!("2026-03-01"), json!("1 March")),
        ("birthday", json!("03-01"), json!("2026-03-01")),
    ] {
        api.manage(path, set(key, bad)).await.refused(400, "E011004");
        assert_eq!(api.manage(path, set(key, good.clone())).await.ok()["user"]["customAttributes"][key], good);
    }
    api.manage(path, set("unknown", json!("x"))).await.refused(404, "E990404");
    let body = json!({"loginId": "bob", "customAttributes": {"unknown": 1}});
    api.manage("/v1/mgmt/user/create", body.clone()).await.refused(404, "E990404");
    let lenient =
        api.http.post(format!("{}/_emulator/settings", api.emulator.base_url())).json(&json!({"lenient": true}));
    api.send(lenient).await.ok();
    api.manage("/v1/mgmt/user/create", body).await.ok();
    api.manage(path, set("number", json!("one"))).await.refused(400, "E011004");
}

#[tokio::test]
async fn default_values_show_and_required_ones_are_asked_for() {
    let api = Api::start().await;
    define(
        &api,
        json!([{"name": "plan", "type": 1, "defaultValue": "free"}, {"name": "code", "type": 2, "required": true}]),
    )
    .await;
    let message = api.manage("/v1/mgmt/user/create", json!({"loginId": ADA})).await.refused(400, "E011003");
    assert!(message.contains("customAttributes.code"), "{message}");
    let user = api.user(json!({"loginId": ADA, "customAttributes": {"code": 1}})).await;
    assert_eq!(user["customAttributes"], json!({"plan": "free", "code": 1}));
    let found = api.manage("/v2/mgmt/user/search", json!({"customAttributes": {"plan": "free"}})).await.ok();
    assert_eq!(found["total"], 1);
}
