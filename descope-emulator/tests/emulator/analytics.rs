use serde_json::{Value, json};

use crate::support::{ADA, Api};

#[tokio::test]
async fn what_has_happened_is_counted() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.user(json!({"loginId": ADA, "email": ADA, "verifiedEmail": true, "userTenants": [{"tenantId": "T1"}]})).await;
    for _ in 0..2 {
        api.signed_in(ADA).await;
    }
    api.wait(24 * 3600);
    api.signed_in("bob@example.com").await;
    let search = async |body: Value| api.manage("/v1/mgmt/analytics/search", body).await.ok()["analytics"].clone();
    let logins = json!({"actions": ["LoginSucceed"]});
    let all = search(logins.clone()).await;
    assert_eq!((all.as_array().map(Vec::len), &all[0]["cnt"]), (Some(1), &json!("3")));
    let with = |name: &str, value: Value| {
        let mut body = logins.clone();
        body[name] = value;
        body
    };
    let days = search(with("groupByCreated", json!("d"))).await;
    assert_eq!((&days[0]["cnt"], &days[1]["cnt"]), (&json!("2"), &json!("1")));
    let of_tenant = search(with("groupByTenant", json!(true))).await;
    let cells: Vec<(&Value, &Value)> =
        of_tenant.as_array().expect("lines").iter().map(|line| (&line["tenant"], &line["cnt"])).collect();
    assert_eq!(cells, [(&json!(""), &json!("1")), (&json!("T1"), &json!("2"))]);
    let methods = search(with("groupByMethod", json!(true))).await;
    assert_eq!((&methods[0]["method"], &methods[0]["cnt"]), (&json!("email"), &json!("3")));
    let now = api.emulator.clock().now() * 1000;
    assert_eq!(search(with("from", json!(now - 3_600_000))).await[0]["cnt"], "1");
    assert_eq!(search(with("to", json!(now - 3_600_000))).await[0]["cnt"], "2");
    for nothing in [("methods", json!(["totp"])), ("excludedActions", json!(["LoginSucceed"])), ("geos", json!(["US"]))]
    {
        assert_eq!(search(with(nothing.0, nothing.1)).await, json!([]));
    }
    let actions = search(json!({"groupByAction": true, "tenants": ["T1"]})).await;
    assert!(actions.as_array().expect("lines").iter().any(|line| line["action"] == "TenantCreated"), "{actions}");
    api.manage("/v1/mgmt/analytics/search", with("groupByCreated", json!("M"))).await.refused(501, "E990501");
}
