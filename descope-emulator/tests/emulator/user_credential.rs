use serde_json::json;

use crate::support::{ADA, Api};

const SIGN_IN: &str = "/v1/auth/password/signin";

#[tokio::test]
async fn the_back_end_gives_passwords_and_ends_them() {
    let api = Api::start().await;
    api.user(json!({"loginId": ADA})).await;
    let body = |password: &str| json!({"loginId": ADA, "password": password});
    api.manage("/v1/mgmt/user/password/expire", json!({"loginId": ADA})).await.refused(400, "E011004");
    let given = api.manage("/v1/mgmt/user/password/set/temporary", body("WASD+ijkl")).await.ok();
    assert_eq!(given["cleartext"], "WASD+ijkl");
    api.post(SIGN_IN, body("WASD+ijkl")).await.refused(401, "E062909");
    let replace = json!({"loginId": ADA, "oldPassword": "WASD+ijkl", "newPassword": "WASD+ijkm"});
    api.post("/v1/auth/password/replace", replace).await.ok();
    api.post(SIGN_IN, body("WASD+ijkm")).await.ok();

    api.manage("/v1/mgmt/user/password/set/active", body("WASD+ijkn")).await.ok();
    api.post(SIGN_IN, body("WASD+ijkn")).await.ok();
    api.manage("/v1/mgmt/user/password/expire", json!({"loginId": ADA})).await.ok();
    api.post(SIGN_IN, body("WASD+ijkn")).await.refused(401, "E062909");
    api.post(SIGN_IN, body("WASD+ijkx")).await.refused(401, "E062903");

    let first = |active: bool| json!({"loginId": ADA, "password": "WASD+ijko", "setActive": active});
    api.manage("/v1/mgmt/user/password/set", first(false)).await.ok();
    api.post(SIGN_IN, body("WASD+ijko")).await.refused(401, "E062909");
    api.manage("/v1/mgmt/user/password/set", first(true)).await.ok();
    api.post(SIGN_IN, body("WASD+ijko")).await.ok();

    for path in ["set", "set/active", "set/temporary"] {
        let path = format!("/v1/mgmt/user/password/{path}");
        api.manage(&path, body("weak")).await.refused(400, "E011004");
        api.manage(&path, json!({"loginId": "x", "password": "WASD+ijkl"})).await.refused(404, "E112102");
    }
}

#[tokio::test]
async fn passkeys_are_brought_along_listed_and_deleted() {
    let api = Api::start().await;
    let ada = api.user(json!({"loginId": ADA})).await;
    assert_eq!(ada["webauthn"], false);
    let list = async || {
        let all = api.manage("/v1/mgmt/user/passkeys/list", json!({"loginId": ADA})).await.ok();
        all["passkeys"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
    };
    assert!(list().await.is_empty());
    let one =
        json!({"descope": {"credentialId": "c1", "publicKey": "eA==", "rpId": "example.com", "backupEligible": true}});
    let two = json!({"auth0": {"keyId": "c2", "publicKey": "eA==", "rpId": "example.com"}});
    let import = |devices: serde_json::Value| json!({"loginId": ADA, "devices": devices});
    let path = "/v1/mgmt/user/passkeys/import";
    api.manage(path, import(json!([one, two]))).await.ok();
    assert_eq!(list().await, ["c1", "c2"]);
    assert_eq!(api.user_now(ADA).await["webauthn"], true);
    for (device, code) in [
        (one, "E011004"),
        (json!({}), "E011004"),
        (json!({"descope": {"credentialId": "c3", "rpId": "example.com"}}), "E011003"),
        (json!({"descope": {"credentialId": "c3", "publicKey": "?", "rpId": "example.com"}}), "E011004"),
    ] {
        api.manage(path, import(json!([device]))).await.refused(400, code);
    }
    let delete = json!({"loginId": ADA, "credentialId": "c1"});
    api.manage("/v1/mgmt/user/passkey/delete", delete.clone()).await.ok();
    api.manage("/v1/mgmt/user/passkey/delete", delete.clone()).await.refused(404, "E990404");
    api.manage("/v1/mgmt/user/passkeys/delete", delete).await.refused(404, "E990404");
    assert_eq!(list().await, ["c2"]);
    api.manage("/v1/mgmt/user/passkeys/delete", json!({"loginId": ADA})).await.ok();
    assert!(list().await.is_empty());
}

#[tokio::test]
async fn there_are_no_provider_tokens_and_no_trusted_devices() {
    let api = Api::start().await;
    api.user(json!({"loginId": ADA})).await;
    let key = api.emulator.management_key().to_owned();
    let token = |login_id: &str| format!("/v1/mgmt/user/provider/token?loginId={login_id}&provider=google");
    api.get_as(&key, &token(ADA)).await.refused(404, "E990404");
    api.get_as(&key, &token("nobody")).await.refused(404, "E112102");
    let list = "/v1/mgmt/user/trusteddevices/list";
    assert_eq!(api.manage(list, json!({"identifiers": [ADA]})).await.ok()["devices"], json!([]));
    api.manage(list, json!({"identifiers": ["nobody"]})).await.refused(404, "E112102");
    let remove = "/v1/mgmt/user/trusteddevices/remove";
    api.manage(remove, json!({"loginId": ADA, "deviceIds": ["d"]})).await.refused(404, "E990404");
    api.manage(remove, json!({"identifier": ADA, "deviceIds": []})).await.refused(400, "E011003");
    api.manage(remove, json!({"loginId": "nobody", "deviceIds": ["d"]})).await.refused(404, "E112102");
}
