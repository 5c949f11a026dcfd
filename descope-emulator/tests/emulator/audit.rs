use serde_json::{Value, json};

use crate::support::{ADA, Api};

async fn search(api: &Api, body: Value) -> Vec<Value> {
    api.manage("/v1/mgmt/audit/search", body).await.ok()["audits"].as_array().expect("entries").clone()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().expect("an action")).collect()
}

#[tokio::test]
async fn whatever_has_changed_is_in_the_trail() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.role("Reader").await;
    let tenants = json!([{"tenantId": "T1"}]);
    let made = api.manage("/v1/mgmt/user/create", json!({"loginId": ADA, "userTenants": tenants})).await.ok();
    // What is refused leaves no trace.
    api.manage("/v1/mgmt/user/create", json!({"loginId": ADA})).await.refused(400, "E062107");
    api.signed_in(ADA).await;
    api.manage("/v1/mgmt/user/delete", json!({"loginId": ADA})).await.ok();
    let all = search(&api, json!({"oldestFirst": true})).await;
    let expected = ["TenantCreated", "RoleCreated", "UserCreated", "LoginSucceed", "UserDeleted"];
    let seen: Vec<&str> = actions(&all).into_iter().filter(|action| *action != "UserModified").collect();
    assert_eq!(seen, expected);
    let user = &made["user"]["userId"];
    let of_user = search(&api, json!({"userIds": [user], "actions": ["LoginSucceed"]})).await;
    assert_eq!(of_user.len(), 1);
    let login = &of_user[0];
    assert_eq!(
        (&login["method"], &login["externalIds"], &login["tenants"]),
        (&json!("email"), &json!([ADA]), &json!(["T1"]))
    );
    assert_eq!(login["remoteAddress"], "127.0.0.1");
    assert!(login["occurred"].as_str().is_some_and(|time| time.len() == 13), "{login}");
}

#[tokio::test]
async fn events_of_the_back_end_are_kept_and_found() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let event = |action: &str, kind: &str| json!({"action": action, "type": kind, "actorId": "cron", "tenantId": "T1", "data": {"rows": 5}});
    api.manage("/v1/mgmt/audit/event", event("Exported", "info")).await.ok();
    api.wait(10);
    api.manage("/v1/mgmt/audit/event", event("Failed", "error")).await.ok();
    api.manage("/v1/mgmt/audit/event", event("Odd", "shout")).await.refused(400, "E011004");
    let found = async |body: Value| actions(&search(&api, body).await).join(" ");
    assert_eq!(found(json!({"actorIds": ["cron"]})).await, "Failed Exported", "newest first");
    assert_eq!(found(json!({"actorIds": ["cron"], "oldestFirst": true})).await, "Exported Failed");
    assert_eq!(found(json!({"auditTypes": ["error"]})).await, "Failed");
    assert_eq!(found(json!({"tenants": ["T1"], "excludedActions": ["TenantCreated", "Failed"]})).await, "Exported");
    assert_eq!(found(json!({"text": "exportED"})).await, "Exported");
    assert_eq!(found(json!({"searchFields": [{"field": "data.rows", "valStr": "5"}]})).await, "Failed Exported");
    assert_eq!(
        found(json!({"searchFields": [{"field": "actorId", "valArr": ["cron"], "negative": true}]})).await,
        "TenantCreated"
    );
    assert_eq!(found(json!({"actorIds": ["cron"], "size": 1, "page": 1})).await, "Exported");
    let from = (api.emulator.clock().now() - 5) * 1000;
    assert_eq!(found(json!({"from": from})).await, "Failed");
    assert_eq!(found(json!({"to": from, "actorIds": ["cron"]})).await, "Exported");
    api.manage("/v1/mgmt/audit/search", json!({"page": -1, "size": 1})).await.refused(400, "E011004");
    let missing = json!({"action": "A", "type": "info", "actorId": "cron", "tenantId": "T9"});
    api.manage("/v1/mgmt/audit/event", missing).await.refused(404, "E112202");
}
