use serde_json::json;

use crate::support::{ADA, Api, refresh_of, text};

/// Browsers send cookies and no bearer.
#[tokio::test]
async fn a_browser_follows_the_addresses_of_the_configuration() {
    let api = Api::start().await;
    let base = api.emulator.base_url().to_owned();
    let cookie = format!("DSR={}", refresh_of(&api.signed_in(ADA).await));
    let created = api.manage("/v1/mgmt/thirdparty/app/create", json!({"name": "Reports"})).await.ok();
    let client_id = text(&created["clientId"]);

    let config = api.send(api.http.get(format!("{base}/{}/fedcm/config", api.emulator.project_id()))).await.ok();
    let at = |name: &str| format!("{base}{}", text(&config[name]));
    let metadata = format!("{}&client_id={client_id}", at("client_metadata_endpoint"));
    api.send(api.http.get(metadata)).await.ok();
    let accounts = api.http.get(at("accounts_endpoint")).header("cookie", &cookie);
    let accounts = api.send(accounts).await.ok();
    let id = text(&accounts["accounts"][0]["id"]);
    let picked = json!({"account_id": id, "client_id": client_id, "nonce": "n"});
    let assert =
        |picked: &serde_json::Value| api.http.post(at("id_assertion_endpoint")).header("cookie", &cookie).json(picked);
    let token = api.send(assert(&picked)).await.ok();
    assert_eq!(crate::support::claims(text(&token["token"]))["nonce"], "n");

    let elsewhere = json!({"account_id": id, "client_id": client_id, "projectId": "P2other"});
    api.send(assert(&elsewhere)).await.refused(400, "E011004");
    let user = json!({"loginId": ADA, "status": "disabled"});
    api.manage("/v1/mgmt/user/update/status", user).await.ok();
    let accounts = api.send(api.http.get(at("accounts_endpoint")).header("cookie", &cookie)).await.ok();
    assert_eq!(accounts["accounts"], json!([]));
}
