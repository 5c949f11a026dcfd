use serde_json::json;

use crate::support::{ADA, Api, claims, session_of, text};

const EXCHANGE: &str = "/v1/auth/accesskey/exchange";

#[tokio::test]
async fn a_key_is_exchanged_for_a_session() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.tenant("T2").await;
    api.role("Reader").await;
    let body = json!({
        "name": "ci", "expireTime": "0", "customClaims": {"team": "a"}, "description": null, "permittedIps": null,
        "roleNames": ["Tenant Admin"], "keyTenants": [{"tenantId": "T1"}, {"tenantId": "T2", "roleNames": ["Reader"]}],
    });
    let made = api.manage("/v1/mgmt/accesskey/create", body).await.ok();
    assert_eq!((&made["key"]["name"], &made["key"]["description"]), (&json!("ci"), &json!("")));
    assert_eq!(made["key"]["permittedIps"], json!([]));
    assert_eq!(made["key"]["status"], "active");
    let key = text(&made["cleartext"]);
    assert!(!key.contains(':'));
    let options = json!({"loginOptions": {"customClaims": {"job": 7}, "selectedTenant": "T2"}});
    let session = api.post_as(key, EXCHANGE, options).await.ok();
    assert_eq!(session["keyId"], made["key"]["id"]);
    assert!(session.get("refreshJwt").is_none());
    let token = claims(&session_of(&session));
    assert_eq!((&token["sub"], &token["team"], &token["nsec"]), (&made["key"]["id"], &json!("a"), &json!({"job": 7})));
    assert_eq!((&token["dct"], &token["drn"]), (&json!("T2"), &json!("DS")));
    assert_eq!(token["tenants"]["T2"]["roles"], json!(["Reader"]));
    assert_eq!(session["expiration"], token["exp"]);
    let valid = api.post_as(&session_of(&session), "/v1/auth/validate", json!({})).await.ok();
    assert_eq!(valid["parsedJWT"]["sub"], made["key"]["id"]);
    let other = json!({"loginOptions": {"selectedTenant": "T3"}});
    api.post_as(key, EXCHANGE, other).await.refused(400, "E011004");

    api.manage("/v1/mgmt/accesskey/delete", json!({"id": made["key"]["id"]})).await.ok();
    api.post_as(key, EXCHANGE, json!({})).await.refused(401, "E062803");
    api.manage("/v1/mgmt/accesskey/delete", json!({"id": made["key"]["id"]})).await.refused(404, "E062803");
}

#[tokio::test]
async fn missing_wrong_expired_and_foreign_keys_are_refused() {
    let api = Api::start().await;
    api.post(EXCHANGE, json!({})).await.refused(401, "E062802");
    api.post_as("K2nonsense", EXCHANGE, json!({})).await.refused(401, "E062803");
    let end = api.emulator.clock().now() + 100;
    let made = api.manage("/v1/mgmt/accesskey/create", json!({"name": "short", "expireTime": end})).await.ok();
    let key = text(&made["cleartext"]);
    let session = api.post_as(key, EXCHANGE, json!({})).await.ok();
    assert_eq!(session["expiration"], end, "the session ends with its key");
    api.wait(101);
    api.post_as(key, EXCHANGE, json!({})).await.refused(401, "E062803");
    let past = json!({"name": "past", "expireTime": end});
    api.manage("/v1/mgmt/accesskey/create", past).await.refused(400, "E011004");

    let far = json!({"name": "far", "permittedIps": ["10.0.0.1"]});
    let made = api.manage("/v1/mgmt/accesskey/create", far).await.ok();
    api.post_as(text(&made["cleartext"]), EXCHANGE, json!({})).await.refused(401, "E062803");
    let near = json!({"name": "near", "permittedIps": ["127.0.0.0/8"]});
    let made = api.manage("/v1/mgmt/accesskey/create", near).await.ok();
    api.post_as(text(&made["cleartext"]), EXCHANGE, json!({})).await.ok();
    let bound = json!({"name": "bound", "userId": ADA});
    api.manage("/v1/mgmt/accesskey/create", bound).await.refused(404, "E112102");
}
