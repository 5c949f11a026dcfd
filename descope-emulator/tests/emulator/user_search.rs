use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE};

const SEARCH: &str = "/v2/mgmt/user/search";

async fn people() -> Api {
    let api = Api::start().await;
    for tenant in ["T1", "T2"] {
        api.tenant(tenant).await;
    }
    api.manage("/v1/mgmt/tenant/create", json!({"id": "T1a", "name": "Below", "parent": "T1"})).await.ok();
    api.role("Reader").await;
    let ada = json!({
        "loginId": ADA, "name": "Ada Lovelace", "phone": PHONE, "roleNames": ["Reader"], "customAttributes": {"plan": "pro"},
        "recoveryEmail": "r@example.com", "verifiedRecoveryEmail": true, "ssoAppIds": ["A1"], "password": "WASD+ijkl",
    });
    api.user(ada).await;
    api.wait(100);
    let bob = json!({
        "loginId": "bob", "name": "Bob", "status": "enabled", "verifiedEmail": false, "email": "bob@example.com",
        "userTenants": [{"tenantId": "T1", "roleNames": ["Tenant Admin"]}],
    });
    api.user(bob).await;
    api.wait(100);
    api.user(json!({"loginId": "cleo", "name": "Cleo", "userTenants": [{"tenantId": "T1a"}]})).await;
    api.wait(1);
    api.test_user("tess@example.com").await;
    api
}

async fn found(api: &Api, body: Value) -> Vec<String> {
    let users = api.manage(SEARCH, body).await.ok()["users"].clone();
    let first = |user: &Value| user["loginIds"][0].as_str().expect("a login id").to_owned();
    users.as_array().expect("a list").iter().map(first).collect()
}

#[tokio::test]
async fn each_condition_counts() {
    let api = people().await;
    let role = api.manage_by("GET", "/v1/mgmt/role/all", json!(null)).await;
    assert_eq!(role.status, 200, "{}", role.body);
    let role_id = role.body["roles"].as_array().expect("roles").iter().find(|role| role["name"] == "Tenant Admin");
    let role_id = role_id.expect("built in")["id"].clone();
    let now = api.user_now("cleo").await["createdTime"].as_i64().expect("a time");
    for (body, expected) in [
        (json!({}), vec![ADA, "bob", "cleo"]),
        (json!({"withTestUser": true, "limit": 0, "page": 0}), vec![ADA, "bob", "cleo", "tess@example.com"]),
        (json!({"testUsersOnly": true}), vec!["tess@example.com"]),
        (json!({"loginId": "bob"}), vec!["bob"]),
        (json!({"loginIds": ["bob", "cleo"]}), vec!["bob", "cleo"]),
        // Each once, in the order in which they came, however they are named.
        (json!({"loginIds": ["cleo", "nobody", PHONE, ADA, "cleo"]}), vec![ADA, "cleo"]),
        (json!({"loginIds": ["bob", "cleo"], "statuses": ["enabled"]}), vec!["bob"]),
        (json!({"loginIds": ["bob"], "loginId": "cleo"}), vec![]),
        (json!({"loginIds": ["tess@example.com"]}), vec![]),
        (json!({"loginIds": ["tess@example.com"], "withTestUser": true}), vec!["tess@example.com"]),
        (json!({"userIds": ["U-nobody"]}), vec![]),
        (json!({"emails": [ADA]}), vec![ADA]),
        (json!({"phones": [PHONE]}), vec![ADA]),
        (json!({"recoveryEmails": ["r@example.com"]}), vec![ADA]),
        (json!({"verifiedRecoveryEmail": true}), vec![ADA]),
        (json!({"verifiedRecoveryPhone": true}), vec![]),
        (json!({"recoveryPhones": [PHONE]}), vec![]),
        (json!({"statuses": ["enabled"]}), vec!["bob"]),
        (json!({"tenantIds": ["T1"]}), vec!["bob"]),
        (json!({"tenantIds": ["T1"], "includeSubTenants": true}), vec!["bob", "cleo"]),
        (json!({"roleNames": ["Reader"]}), vec![ADA]),
        (json!({"roleNames": ["Tenant Admin"]}), vec!["bob"]),
        (json!({"tenantRoleNames": {"T1": {"values": ["Tenant Admin", "Reader"]}}}), vec!["bob"]),
        (json!({"tenantRoleNames": {"T1": {"values": ["Tenant Admin", "Reader"], "and": true}}}), vec![]),
        (json!({"tenantRoleIds": {"T1": {"values": [role_id]}}}), vec!["bob"]),
        (json!({"customAttributes": {"plan": "pro"}}), vec![ADA]),
        (json!({"customAttributes": {"plan": "free"}}), vec![]),
        (json!({"ssoAppIds": ["A1", "A2"]}), vec![ADA]),
        (json!({"text": "LOVE"}), vec![ADA]),
        (json!({"text": "bob@ex"}), vec!["bob"]),
        (json!({"verifiedEmail": false}), vec!["bob", "cleo"]),
        (json!({"verifiedPhone": true}), vec![ADA]),
        (json!({"password": true}), vec![ADA]),
        (json!({"totp": true}), vec![]),
        (json!({"webauthn": true}), vec![]),
        (json!({"scim": false, "scimOnly": false, "ssoOnly": false, "dependent": false}), vec![ADA, "bob", "cleo"]),
        (json!({"scimOnly": true}), vec![]),
        (json!({"familyIds": ["F1"]}), vec![]),
        (json!({"dependent": true}), vec![]),
        (json!({"ssoOnly": true}), vec![]),
        (json!({"lockReasons": ["password"]}), vec![]),
        (json!({"tempLockReasons": ["password"]}), vec![]),
        (json!({"fromCreatedTime": now * 1000}), vec!["cleo"]),
        (json!({"toModifiedTime": (now - 50) * 1000}), vec![ADA, "bob"]),
        (json!({"fromModifiedTime": now * 1000, "toCreatedTime": (now - 50) * 1000}), vec![]),
    ] {
        assert_eq!(found(&api, body.clone()).await, expected, "{body}");
    }
}

#[tokio::test]
async fn answers_are_sorted_paged_and_cut() {
    let api = people().await;
    let by_name = json!([{"field": "name", "desc": true}]);
    assert_eq!(found(&api, json!({"sort": by_name})).await, ["cleo", "bob", ADA]);
    assert_eq!(found(&api, json!({"sort": by_name, "limit": 2, "page": 1})).await, [ADA]);
    assert_eq!(found(&api, json!({"offset": 1, "limit": 1})).await, ["bob"]);
    let page = api.manage(SEARCH, json!({"limit": 1})).await.ok();
    assert_eq!((page["total"].as_i64(), page["users"].as_array().map(Vec::len)), (Some(3), Some(1)));
    let cut = api.manage(SEARCH, json!({"loginId": "bob", "selectedColumns": ["displayName", "email"]})).await.ok();
    let bob = api.user_now("bob").await;
    assert_eq!(cut["users"], json!([{"userId": bob["userId"], "name": "Bob", "email": "bob@example.com"}]));
    let deleted = found(&api, json!({"loginId": "bob"})).await;
    api.manage("/v1/mgmt/user/delete", json!({"loginId": deleted[0]})).await.ok();
    assert_eq!(found(&api, json!({})).await, [ADA, "cleo"]);
}

#[tokio::test]
async fn the_other_searches_are_the_same_and_nonsense_is_refused() {
    let api = people().await;
    let old = api.manage("/v1/mgmt/user/search", json!({"loginId": "bob"})).await.ok();
    assert_eq!(old["users"], json!([api.user_now("bob").await]));
    let scoped = api.manage("/v1/mgmt/user/search?tenant=T1", json!({})).await.ok();
    assert_eq!(scoped["total"], 1);
    api.manage("/v1/mgmt/user/search?tenant=T1", json!({"tenantIds": ["T2"]})).await.refused(400, "E011004");
    let test = api.manage("/v2/mgmt/user/search/test", json!({})).await.ok();
    assert_eq!((&test["total"], &test["users"][0]["test"]), (&json!(1), &json!(true)));
    for (body, status, code) in [
        (json!({"sort": [{"field": "shoeSize"}]}), 400, "E011004"),
        (json!({"selectedColumns": ["shoeSize"]}), 400, "E011004"),
        (json!({"page": 1, "offset": 1}), 400, "E011004"),
        (json!({"tenantRoleIds": {"T1": {"values": ["nothing"]}}}), 404, "E990404"),
    ] {
        api.manage(SEARCH, body).await.refused(status, code);
    }
}
