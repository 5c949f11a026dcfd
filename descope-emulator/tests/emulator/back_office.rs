//! What the back end manages beside users: its own keys, administrators, engines, links and the project itself.

use serde_json::{Value, json};

use crate::support::{ADA, Api, Reply, refresh_of, text};

async fn call(api: &Api, method: &str, path: &str, body: Option<Value>) -> Reply {
    let key = api.emulator.management_key().to_owned();
    let request = api.request(method, path, Some(&key));
    api.send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn a_management_key_that_was_made_is_accepted_until_it_ends() {
    let api = Api::start().await;
    let body = json!({"name": "ci", "expiresIn": 100, "permittedIps": ["127.0.0.1"]});
    let made = call(&api, "PUT", "/v1/mgmt/managementkey", Some(body)).await.ok();
    let (key, id) = (text(&made["cleartext"]).to_owned(), made["key"]["id"].clone());
    let use_it = async || api.post_as(&key, "/v1/mgmt/user/create/test", json!({"loginId": "t"})).await;
    use_it().await.ok();
    let off = json!({"id": id, "status": "inactive"});
    call(&api, "PATCH", "/v1/mgmt/managementkey", Some(off)).await.ok();
    let message = use_it().await.refused(401, "E111119");
    assert!(message.contains("deactivated"), "{message}");
    let on = json!({"id": id, "status": "active", "description": "d"});
    let shown = call(&api, "PATCH", "/v1/mgmt/managementkey", Some(on)).await.ok();
    assert_eq!((&shown["key"]["description"], &shown["key"]["name"]), (&json!("d"), &json!("ci")));
    use_it().await.ok();
    api.wait(101);
    use_it().await.refused(401, "E111119");
    let gone = call(&api, "POST", "/v1/mgmt/managementkey/delete", Some(json!({"ids": [id, "x"]}))).await.ok();
    assert_eq!(gone["total"], 1);
    let all = call(&api, "GET", "/v1/mgmt/managementkey/search", None).await.ok();
    assert_eq!(all["keys"], json!([]));

    let elsewhere = json!({"name": "far", "permittedIps": ["10.0.0.1"]});
    let far = call(&api, "PUT", "/v1/mgmt/managementkey", Some(elsewhere)).await.ok();
    api.post_as(text(&far["cleartext"]), "/v1/mgmt/tenant/search", json!({})).await.refused(401, "E111119");
    let others = json!({"name": "others", "reBac": {"projectRoles": [{"projectIds": ["P2x"], "roles": ["admin"]}]}});
    let others = call(&api, "PUT", "/v1/mgmt/managementkey", Some(others)).await.ok();
    api.post_as(text(&others["cleartext"]), "/v1/mgmt/tenant/search", json!({})).await.refused(401, "E111119");
    let past = json!({"name": "past", "expireTime": 5});
    call(&api, "PUT", "/v1/mgmt/managementkey", Some(past)).await.refused(400, "E011004");
}

#[tokio::test]
async fn administrators_and_engines_are_kept() {
    let api = Api::start().await;
    let entry = json!({"loginId": ADA, "attributes": {"displayName": "Ada"}, "sendInvite": true});
    let made = call(&api, "PUT", "/v1/mgmt/descoper", Some(json!({"descopers": [entry.clone()]}))).await.ok();
    let id = text(&made["descopers"][0]["id"]).to_owned();
    assert_eq!(api.mail(ADA).await.operation, "managementDescoperCreate");
    call(&api, "PUT", "/v1/mgmt/descoper", Some(json!({"descopers": [entry]}))).await.refused(409, "E990409");
    let change = json!({"id": id, "attributes": {"phone": "+15550000001"}, "rbac": {"isCompanyAdmin": true}});
    let changed = call(&api, "PATCH", "/v1/mgmt/descoper", Some(change)).await.ok()["descoper"].clone();
    assert_eq!(changed["attributes"], json!({"displayName": "Ada", "phone": "+15550000001"}));
    assert_eq!(changed["rbac"]["isCompanyAdmin"], true);
    assert_eq!(call(&api, "POST", "/v1/mgmt/descoper/list", Some(json!({}))).await.ok()["total"], 1);
    call(&api, "DELETE", &format!("/v1/mgmt/descoper?id={id}"), None).await.ok();
    call(&api, "GET", &format!("/v1/mgmt/descoper?id={id}"), None).await.refused(404, "E990404");

    let engine = api.manage("/v1/mgmt/engine/create", json!({"name": "one"})).await.ok()["engine"].clone();
    api.manage("/v1/mgmt/engine/create", json!({"name": "one"})).await.refused(409, "E990409");
    let load = format!("/v1/mgmt/engine/load?id={}", text(&engine["id"]));
    assert_eq!(call(&api, "GET", &load, None).await.ok()["engine"].get("secret"), None);
    let rotated = api.manage("/v1/mgmt/engine/rotate", json!({"id": engine["id"]})).await.ok();
    assert_ne!(rotated["secret"], engine["secret"]);
    api.manage("/v1/mgmt/engine/update", json!({"id": engine["id"], "name": "two"})).await.ok();
    assert_eq!(call(&api, "GET", "/v1/mgmt/engines/load", None).await.ok()["engines"][0]["name"], "two");
    api.manage("/v1/mgmt/engine/delete", json!({"id": engine["id"]})).await.ok();
    call(&api, "GET", &load, None).await.refused(404, "E990404");
}

#[tokio::test]
async fn admin_links_are_made_sent_and_revoked() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let made =
        api.manage("/v2/mgmt/tenant/adminlinks/sso/generate", json!({"tenantId": "T1", "email": ADA})).await.ok();
    let link = text(&made["adminSSOConfigurationLink"]).to_owned();
    assert_eq!(api.mail(ADA).await.links[0].url, link);
    api.manage("/v1/mgmt/tenant/adminlinks/sso/send", json!({"tenantId": "T1", "email": "x"}))
        .await
        .refused(400, "E011003");
    api.manage("/v1/mgmt/tenant/adminlinks/sso/send", json!({"tenantId": "T1", "email": ADA})).await.ok();
    assert_ne!(api.mail(ADA).await.links[0].url, link);
    api.manage("/v1/mgmt/tenant/adminlinks/sso/revoke", json!({"tenantId": "T1"})).await.ok();
    api.manage("/v1/mgmt/tenant/adminlinks/sso/revoke", json!({"tenantId": "T1"})).await.refused(404, "E990404");
    api.manage("/v2/mgmt/tenant/adminlinks/sso/generate", json!({"tenantId": "T9"})).await.refused(404, "E112202");
    let template = json!({"tenantId": "T1", "templateId": "x"});
    api.manage("/v2/mgmt/tenant/adminlinks/sso/generate", template).await.refused(501, "E990501");
}

#[tokio::test]
async fn a_project_is_copied_without_its_users() {
    let api = Api::start().await;
    api.role("Reader").await;
    api.manage("/v1/mgmt/user/create", json!({"loginId": ADA, "roleNames": ["Reader"]})).await.ok();
    api.manage("/v1/mgmt/project/update/name", json!({"name": "Blue"})).await.ok();
    api.manage("/v1/mgmt/project/update/tags", json!({"tags": ["dev"]})).await.ok();
    let copy = api.manage("/v1/mgmt/project/clone", json!({"name": "Green", "environment": "production"})).await.ok();
    let id = text(&copy["projectId"]).to_owned();
    let there = async |path: &str, body: Value| {
        let bearer = format!("{id}:{}", api.emulator.management_key());
        let url = format!("{}{path}", api.emulator.base_url());
        api.send(api.http.post(url).bearer_auth(bearer).json(&body)).await
    };
    there("/v1/mgmt/user/create", json!({"loginId": ADA, "roleNames": ["Reader"]})).await.ok();
    let projects = api.manage("/v1/mgmt/projects/list", json!({})).await.ok()["projects"].clone();
    let mut names: Vec<&str> = projects.as_array().expect("a list").iter().map(|one| text(&one["name"])).collect();
    names.sort_unstable();
    assert_eq!(names, ["Blue", "Green"]);
    let started = api.manage("/v1/mgmt/project/clone/async", json!({"name": "Red"})).await.ok();
    let process = format!("/v1/mgmt/project/clone/async/{}", text(&started["processId"]));
    assert_eq!(call(&api, "GET", &process, None).await.ok()["projectName"], "Red");
    call(&api, "GET", "/v1/mgmt/project/clone/async/none", None).await.refused(404, "E990404");
}

#[tokio::test]
async fn the_configuration_is_exported_and_imported_again() {
    let api = Api::start().await;
    api.role("Reader").await;
    api.manage("/v1/mgmt/list", json!({"name": "beta", "type": "texts", "data": ["ada"]})).await.ok();
    let mapping = json!({"mappings": [{"scope": "read", "claims": {"plan": "pro"}}]});
    api.manage("/v1/mgmt/scopeClaimMapping/set", mapping.clone()).await.ok();
    let files = api.manage("/v1/mgmt/project/snapshot/export", json!({})).await.ok()["files"].clone();

    let other = Api::start().await;
    let valid = other.manage("/v1/mgmt/project/snapshot/validate", json!({"files": files})).await.ok();
    assert_eq!((&valid["ok"], &valid["failures"]), (&json!(true), &json!([])));
    other.manage("/v1/mgmt/project/snapshot/import", json!({"files": files})).await.ok();
    assert_eq!(other.manage("/v1/mgmt/project/snapshot/export", json!({})).await.ok()["files"], files);
    assert_eq!(other.manage("/v1/mgmt/scopeClaimMapping/get", json!({})).await.ok(), mapping);
    other.manage("/v1/mgmt/user/create", json!({"loginId": ADA, "roleNames": ["Reader"]})).await.ok();

    let mut broken = files.clone();
    broken["roles.json"] = json!("{");
    let invalid = other.manage("/v1/mgmt/project/snapshot/validate", json!({"files": broken})).await.ok();
    assert_eq!(invalid["ok"], false);
    other.manage("/v1/mgmt/project/import", json!({"files": broken})).await.refused(400, "E011003");
    other.manage("/v1/mgmt/project/import", json!({"files": {"nonsense.json": "{}"}})).await.refused(400, "E011003");
    other.manage("/v1/mgmt/project/import", json!({"files": {}})).await.refused(400, "E011003");
    let excluded = json!({"files": {"roles.json": "[]"}, "excludes": ["roles"]});
    other.manage("/v1/mgmt/project/import", excluded).await.ok();
    other.manage("/v1/mgmt/user/create", json!({"loginId": "b", "roleNames": ["Reader"]})).await.ok();
    other.manage("/v1/mgmt/scopeClaimMapping/delete", json!({})).await.ok();
    assert_eq!(other.manage("/v1/mgmt/scopeClaimMapping/get", json!({})).await.ok(), json!({"mappings": []}));
    let twice = json!({"mappings": [{"scope": "a"}, {"scope": "a"}]});
    other.manage("/v1/mgmt/scopeClaimMapping/set", twice).await.refused(400, "E011003");
}

#[tokio::test]
async fn a_deleted_project_refuses_every_call_until_it_is_brought_back() {
    let api = Api::start().await;
    let snapshot = async |method: &str, path: &str| {
        let url = format!("{}/_emulator/snapshots/{path}", api.emulator.base_url());
        api.send(api.http.request(method.parse().expect("a method"), url)).await.ok()
    };
    let session = api.signed_in(ADA).await;
    let copy = api.manage("/v1/mgmt/project/clone", json!({"name": "Green"})).await.ok();
    snapshot("PUT", "before").await;
    api.manage("/v1/mgmt/project/delete", json!({})).await.ok();

    let why = api.load_user(ADA).await.refused(401, "E011008");
    assert!(why.ends_with("was deleted"), "{why}");
    api.post("/v1/auth/otp/signup-in/email", json!({"loginId": ADA})).await.refused(401, "E011008");
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.refused(401, "E011008");
    let keys = format!("{}/v2/keys/{}", api.emulator.base_url(), api.emulator.project_id());
    api.send(api.http.get(keys)).await.refused(404, "E011008");
    assert!(api.emulator.inbox().messages().is_empty(), "the messages are gone as well");

    let bearer = format!("{}:{}", text(&copy["projectId"]), api.emulator.management_key());
    let list = format!("{}/v1/mgmt/projects/list", api.emulator.base_url());
    let projects = api.send(api.http.post(list).bearer_auth(bearer).json(&json!({}))).await.ok()["projects"].clone();
    let names: Vec<&str> = projects.as_array().expect("a list").iter().map(|one| text(&one["name"])).collect();
    assert_eq!(names, ["Green"]);

    snapshot("POST", "before/restore").await;
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.ok();
}

#[tokio::test]
async fn a_snapshot_is_imported_with_secrets_that_name_none() {
    let api = Api::start().await;
    let files = api.manage("/v1/mgmt/project/snapshot/export", json!({})).await.ok()["files"].clone();
    let import = async |secrets: Value| {
        api.manage("/v1/mgmt/project/snapshot/import", json!({"files": files, "inputSecrets": secrets})).await
    };
    import(json!({})).await.ok();
    import(json!({"connectors": [], "outboundApps": []})).await.ok();
    let secret = json!([{"id": "c", "name": "key", "value": "s"}]);
    import(json!({"connectors": secret})).await.refused(501, "E990501");
    import(json!({"outboundApps": secret})).await.refused(501, "E990501");
}
