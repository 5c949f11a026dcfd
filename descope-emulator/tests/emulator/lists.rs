use serde_json::{Value, json};

use crate::support::{Api, Reply};

async fn make(api: &Api, name: &str, kind: &str, data: Value) -> String {
    let made = api.manage("/v1/mgmt/list", json!({"name": name, "type": kind, "data": data})).await.ok();
    made["list"]["id"].as_str().expect("an id").to_owned()
}

async fn get(api: &Api, path: &str) -> Reply {
    let key = api.emulator.management_key().to_owned();
    api.get_as(&key, path).await
}

#[tokio::test]
async fn texts_are_added_checked_removed_and_cleared() {
    let api = Api::start().await;
    let id = make(&api, "beta", "texts", json!(["ada"])).await;
    api.manage("/v1/mgmt/list/text/add", json!({"id": id, "texts": ["bob", "ada"]})).await.ok();
    assert_eq!(get(&api, &format!("/v1/mgmt/list/{id}")).await.ok()["list"]["data"], json!(["ada", "bob"]));
    let check = async |body: Value| api.manage("/v1/mgmt/list/text/check", body).await.ok()["exists"].clone();
    assert_eq!(check(json!({"id": id, "text": "bob"})).await, json!(true));
    assert_eq!(check(json!({"id": id, "texts": ["bob", "eve"]})).await, json!(true));
    assert_eq!(check(json!({"id": id, "texts": ["bob", "eve"], "matchAll": true})).await, json!(false));
    api.manage("/v1/mgmt/list/text/check", json!({"id": id})).await.refused(400, "E011003");
    api.manage("/v1/mgmt/list/text/remove", json!({"id": id, "texts": ["ada"]})).await.ok();
    assert_eq!(check(json!({"id": id, "text": "ada"})).await, json!(false));
    api.manage("/v1/mgmt/list/clear", json!({"id": id})).await.ok();
    assert_eq!(check(json!({"id": id, "text": "bob"})).await, json!(false));
    api.manage("/v1/mgmt/list/delete", json!({"id": id})).await.ok();
    for path in ["/v1/mgmt/list/delete", "/v1/mgmt/list/clear"] {
        api.manage(path, json!({"id": id})).await.refused(404, "E990404");
    }
}

#[tokio::test]
async fn addresses_are_checked_against_networks() {
    let api = Api::start().await;
    let id = make(&api, "office", "ips", json!(["10.0.0.0/8"])).await;
    let check = async |ip: &str| api.manage("/v1/mgmt/list/ip/check", json!({"id": id, "ip": ip})).await;
    assert_eq!(check("10.2.3.4").await.ok()["exists"], true);
    assert_eq!(check("192.168.0.1").await.ok()["exists"], false);
    check("nowhere").await.refused(400, "E011003");
    api.manage("/v1/mgmt/list/ip/add", json!({"id": id, "ips": ["192.168.0.1"]})).await.ok();
    assert_eq!(check("192.168.0.1").await.ok()["exists"], true);
    api.manage("/v1/mgmt/list/ip/add", json!({"id": id, "ips": ["300.1.1.1"]})).await.refused(400, "E011003");
    api.manage("/v1/mgmt/list/ip/remove", json!({"id": id, "ips": ["10.0.0.0/8"]})).await.ok();
    assert_eq!(check("10.2.3.4").await.ok()["exists"], false);
    api.manage("/v1/mgmt/list/text/add", json!({"id": id, "texts": ["x"]})).await.refused(400, "E011004");
}

#[tokio::test]
async fn lists_are_found_by_id_and_by_name_in_both_forms() {
    let api = Api::start().await;
    let id = make(&api, "plan names", "json", json!({"free": 1})).await;
    let all = get(&api, "/v1/mgmt/list/all").await.ok();
    let list = all["lists"][0].clone();
    assert_eq!(list["data"], json!({"free": 1}));
    for path in [
        format!("/v1/mgmt/list/{id}"),
        format!("/v1/mgmt/list?id={id}"),
        "/v1/mgmt/list/name/plan%20names".to_owned(),
        "/v1/mgmt/list/name?name=plan+names".to_owned(),
    ] {
        assert_eq!(get(&api, &path).await.ok()["list"], list, "{path}");
    }
    get(&api, "/v1/mgmt/list/none").await.refused(404, "E990404");
    get(&api, "/v1/mgmt/list/name/none").await.refused(404, "E990404");
}

#[tokio::test]
async fn a_list_is_overwritten_and_imported() {
    let api = Api::start().await;
    let id = make(&api, "one", "texts", json!(["a"])).await;
    make(&api, "two", "texts", json!([])).await;
    let body = |name: &str, kind: &str, data: Value| json!({"id": id, "name": name, "type": kind, "data": data});
    api.manage("/v1/mgmt/list/update", body("two", "texts", json!([]))).await.refused(409, "E990409");
    api.manage("/v1/mgmt/list/update", body("one", "pigeons", json!([]))).await.refused(400, "E011004");
    api.manage("/v1/mgmt/list/update", body("one", "ips", json!(["x"]))).await.refused(400, "E011003");
    api.manage("/v1/mgmt/list/update", body("one", "texts", json!([5]))).await.refused(400, "E011003");
    let changed = api.manage("/v1/mgmt/list/update", json!({"id": id, "name": "uno", "type": "texts"})).await.ok();
    assert_eq!((&changed["list"]["name"], &changed["list"]["data"]), (&json!("uno"), &json!([])));
    let lists = json!([{"name": "uno", "type": "ips", "data": ["::1"]}, {"id": "L7", "name": "new", "type": "json"}]);
    api.manage("/v1/mgmt/list/import", json!({"lists": lists})).await.ok();
    assert_eq!(get(&api, &format!("/v1/mgmt/list/{id}")).await.ok()["list"]["type"], "ips");
    assert_eq!(get(&api, "/v1/mgmt/list/L7").await.ok()["list"]["data"], json!({}));
    api.manage("/v1/mgmt/list", json!({"name": "new", "type": "texts"})).await.refused(409, "E990409");
}
