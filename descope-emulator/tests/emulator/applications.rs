use serde_json::{Value, json};

use crate::support::{ADA, Api, Reply, session_of, text};

async fn get(api: &Api, path: &str) -> Reply {
    let key = api.emulator.management_key().to_owned();
    api.get_as(&key, path).await
}

async fn delete(api: &Api, path: &str) -> Reply {
    let key = api.emulator.management_key().to_owned();
    api.send(api.request("DELETE", path, Some(&key))).await
}

#[tokio::test]
async fn oidc_applications_are_made_replaced_and_have_secrets() {
    let api = Api::start().await;
    let body = json!({
        "name": "Portal", "description": "d", "loginPageUrl": "https://login.example.com", "claims": ["email"],
        "approvedRedirectUrls": ["https://portal.example.com"], "forcePkce": true, "customAttributes": {"n": 1},
    });
    let id = text(&api.manage("/v1/mgmt/sso/idp/app/oidc/create", body.clone()).await.ok()["id"]).to_owned();
    api.manage("/v1/mgmt/sso/idp/app/oidc/create", body).await.refused(409, "E990409");
    let load = format!("/v1/mgmt/sso/idp/app/load?id={id}");
    let app = get(&api, &load).await.ok();
    assert_eq!((&app["name"], &app["appType"], &app["enabled"]), (&json!("Portal"), &json!("oidc"), &json!(true)));
    assert_eq!(app["oidcSettings"]["loginPageUrl"], "https://login.example.com");
    assert_eq!((&app["oidcSettings"]["claims"], &app["oidcSettings"]["forcePkce"]), (&json!(["email"]), &json!(true)));
    assert_eq!(app["customAttributes"], json!({"n": 1}));
    assert_eq!(app["app"]["name"], "Portal", "clients read the root or `app`");
    let secret =
        async || text(&get(&api, &format!("/v1/mgmt/sso/idp/app/secret?id={id}")).await.ok()["cleartext"]).to_owned();
    let first = secret().await;
    let rotated = api.manage("/v1/mgmt/sso/idp/app/rotate", json!({"id": id})).await.ok();
    assert_ne!(rotated["cleartext"], first.as_str());
    assert_eq!(rotated["cleartext"], secret().await.as_str());
    let more = json!({"appId": id, "name": "second"});
    let added = api.manage("/v1/mgmt/sso/idp/app/secret/add", more.clone()).await.ok();
    assert_eq!(added["meta"]["name"], "second");
    api.manage("/v1/mgmt/sso/idp/app/secret/add", more.clone()).await.refused(409, "E990409");
    let left = api.manage("/v1/mgmt/sso/idp/app/secret/revoke", more.clone()).await.ok();
    assert_eq!(left["secrets"].as_array().map(Vec::len), Some(1));
    api.manage("/v1/mgmt/sso/idp/app/secret/revoke", more).await.refused(404, "E990404");

    api.manage("/v1/mgmt/sso/idp/app/oidc/update", json!({"id": id, "name": "Door"})).await.ok();
    let app = get(&api, &load).await.ok();
    assert_eq!((&app["name"], &app["oidcSettings"]["claims"]), (&json!("Door"), &json!([])), "replaced");
    api.manage("/v1/mgmt/sso/idp/app/saml/update", json!({"id": id, "name": "x"})).await.refused(400, "E011004");
    api.manage("/v1/mgmt/sso/idp/app/delete", json!({"id": id})).await.ok();
    get(&api, &load).await.refused(404, "E990404");
}

#[tokio::test]
async fn saml_and_ws_federation_applications_keep_their_settings() {
    let api = Api::start().await;
    let saml = json!({
        "id": "wiki", "name": "Wiki", "entityId": "e", "acsUrl": "https://wiki.example.com/acs", "certificate": "c",
        "attributeMapping": [{"name": "mail", "type": "", "value": "user.email"}], "subjectNameIdType": "email",
    });
    api.manage("/v1/mgmt/sso/idp/app/saml/create", saml).await.ok();
    let app = get(&api, "/v1/mgmt/sso/idp/app/load?id=wiki").await.ok();
    assert_eq!(app["samlSettings"]["acsUrl"], "https://wiki.example.com/acs");
    assert_eq!(app["samlSettings"]["attributeMapping"][0]["value"], "user.email");
    let bad = json!({"name": "x", "useMetadataInfo": true});
    api.manage("/v1/mgmt/sso/idp/app/saml/create", bad).await.refused(400, "E011003");
    api.manage("/v1/mgmt/sso/idp/app/rotate", json!({"id": "wiki"})).await.refused(400, "E011004");
    let ws = json!({"name": "Old", "realm": "urn:old", "replyUrl": "https://old.example.com"});
    let id = text(&api.manage("/v1/mgmt/sso/idp/app/wsfed/create", ws).await.ok()["id"]).to_owned();
    let app = get(&api, &format!("/v1/mgmt/sso/idp/app/load?id={id}")).await.ok();
    assert_eq!(app["wsfedSettings"]["realm"], "urn:old");
    let all = get(&api, "/v1/mgmt/sso/idp/apps/load").await.ok();
    let mut kinds: Vec<&str> = all["apps"].as_array().expect("apps").iter().map(|app| text(&app["appType"])).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["oidc", "saml", "wsfed"], "and the one that every project has");
    api.manage("/v1/mgmt/sso/idp/app/delete", json!({"id": "descope-default-oidc"})).await.refused(400, "E011004");
}

#[tokio::test]
async fn third_party_applications_are_patched_and_found_by_client_id() {
    let api = Api::start().await;
    let scopes = json!([{"name": "read", "description": "Read", "values": ["Tenant Admin"]}]);
    let body = json!({
        "name": "Partner", "loginPageUrl": "https://login.example.com", "permissionsScopes": scopes,
        "approvedCallbackUrls": ["https://partner.example.com"], "allowedTenants": ["T1"],
    });
    let made = api.manage("/v1/mgmt/thirdparty/app/create", body).await.ok();
    let (id, client) = (text(&made["id"]).to_owned(), text(&made["clientId"]).to_owned());
    assert!(!text(&made["cleartext"]).is_empty());
    let by_client = get(&api, &format!("/v1/mgmt/thirdparty/app/load?clientId={client}")).await.ok();
    assert_eq!(by_client, get(&api, &format!("/v1/mgmt/thirdparty/app/load?id={id}")).await.ok());
    assert_eq!(by_client["permissionsScopes"][0]["name"], "read");

    api.manage("/v1/mgmt/thirdparty/app/patch", json!({"id": id, "description": "new", "allowedTenants": []}))
        .await
        .ok();
    let patched = get(&api, &format!("/v1/mgmt/thirdparty/app/load?id={id}")).await.ok();
    assert_eq!((&patched["description"], &patched["allowedTenants"]), (&json!("new"), &json!([])));
    assert_eq!(patched["approvedCallbackUrls"], json!(["https://partner.example.com"]));
    api.manage("/v1/mgmt/thirdparty/app/update", json!({"id": id, "name": "Partner 2"})).await.ok();
    let replaced = get(&api, &format!("/v1/mgmt/thirdparty/app/load?id={id}")).await.ok();
    assert_eq!((&replaced["name"], &replaced["approvedCallbackUrls"]), (&json!("Partner 2"), &json!([])));
    assert_eq!(replaced["clientId"], client.as_str(), "kept");

    let rotated = api.manage("/v1/mgmt/thirdparty/app/rotate", json!({"id": id})).await.ok();
    assert_ne!(rotated["cleartext"], made["cleartext"]);
    let read = get(&api, &format!("/v1/mgmt/thirdparty/app/secret?id={id}")).await.ok();
    assert_eq!(read["cleartext"], rotated["cleartext"]);
    let second = json!({"name": "Second", "clientType": "public"});
    let public = api.manage("/v2/mgmt/thirdparty/app/create", second).await.ok();
    assert_eq!(public["cleartext"], "");
    api.manage("/v1/mgmt/thirdparty/app/rotate", json!({"id": public["id"]})).await.refused(400, "E011004");
    let page = get(&api, "/v1/mgmt/thirdparty/apps/load?page=1&limit=1").await.ok();
    assert_eq!((page["apps"].as_array().map(Vec::len), &page["total"]), (Some(1), &json!(2)));
    let none = api.manage("/v1/mgmt/thirdparty/consents/search", json!({"appId": id})).await.ok();
    assert_eq!((&none["consents"], &none["total"]), (&json!([]), &json!(0)));
    api.manage("/v1/mgmt/thirdparty/consents/delete", json!({})).await.refused(400, "E011003");
    api.manage("/v1/mgmt/thirdparty/app/delete/batch", json!({"ids": [id, public["id"]]})).await.ok();
    api.manage("/v1/mgmt/thirdparty/app/delete", json!({"id": id})).await.refused(404, "E990404");
}

#[tokio::test]
async fn tokens_of_outside_services_are_kept_and_fetched() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let made = api.manage("/v1/mgmt/user/create", json!({"loginId": ADA})).await.ok();
    let user = text(&made["user"]["userId"]).to_owned();
    let body =
        json!({"id": "google", "name": "Google", "clientId": "c", "clientSecret": "s3cret", "defaultScopes": ["mail"]});
    let app = api.manage("/v1/mgmt/outbound/app/create", body).await.ok();
    assert!(!app.to_string().contains("s3cret"), "{app}");
    assert_eq!(app["app"]["defaultScopes"], json!(["mail"]));
    let upload = |token: &str, scopes: Value| json!({"appId": "google", "userId": user, "accessToken": token, "refreshToken": "r", "scopes": scopes});
    api.manage("/v1/mgmt/outbound/app/user/oauthtoken/upload", upload("one", json!(["mail"]))).await.ok();
    api.manage("/v1/mgmt/outbound/app/user/oauthtoken/upload", upload("two", json!(["mail", "files"]))).await.ok();
    let fetch = async |body: Value| api.manage("/v1/mgmt/outbound/app/user/token", body).await;
    let wanted = |scopes: Value| json!({"appId": "google", "userId": user, "scopes": scopes});
    let found = fetch(wanted(json!(["files"]))).await.ok()["token"].clone();
    assert_eq!((&found["accessToken"], &found["hasRefreshToken"]), (&json!("two"), &json!(true)));
    assert_eq!(found.get("refreshToken"), None, "only when it is asked for");
    fetch(wanted(json!(["other"]))).await.refused(404, "E990404");
    let latest = json!({"appId": "google", "userId": user, "options": {"withRefreshToken": true}});
    let latest = api.manage("/v1/mgmt/outbound/app/user/token/latest", latest).await.ok()["token"].clone();
    assert_eq!((&latest["accessToken"], &latest["refreshToken"]), (&json!("two"), &json!("r")));
    let renewed = json!({"appId": "google", "userId": user, "scopes": ["mail"], "options": {"forceRefresh": true}});
    fetch(renewed).await.refused(501, "E990501");

    // Users get their own tokens, and nobody else's.
    let (ada, bob) = (session_of(&api.signed_in(ADA).await), session_of(&api.signed_in("bob@example.com").await));
    let path = "/v1/mgmt/outbound/app/user/token";
    api.post_as(&ada, path, wanted(json!(["files"]))).await.ok();
    api.post_as(&bob, path, wanted(json!(["files"]))).await.refused(403, "E011004");
    let of_tenant = json!({"appId": "google", "tenantId": "T1", "scopes": []});
    api.post_as(&bob, "/v1/mgmt/outbound/app/tenant/token", of_tenant).await.refused(403, "E011004");

    let connected = format!("/v1/mgmt/outbound/apps-with-user-token?userId={user}");
    assert_eq!(get(&api, &connected).await.ok()["appIds"], json!(["google"]));
    let key = json!({"appId": "google", "tenantId": "T1", "apiKey": "key"});
    api.manage("/v1/mgmt/outbound/app/tenant/apikey/upload", key).await.ok();
    let tenants = api.manage("/v1/mgmt/outbound/app/tenant/token/latest", json!({"appId": "google", "tenantId": "T1"}));
    assert_eq!(tenants.await.ok()["token"]["accessToken"], "key");
    let batch = json!({"tokens": [
        {"appId": "google", "userId": user, "accessToken": "three", "scopes": ["three"]},
        {"appId": "google", "userId": "nobody", "accessToken": "four"},
    ]});
    let answer = api.manage("/v1/mgmt/outbound/app/user/oauthtoken/batch/upload", batch).await.ok();
    assert_eq!(
        (answer["failures"].as_array().map(Vec::len), &answer["failures"][0]["userId"]),
        (Some(1), &json!("nobody"))
    );
    fetch(wanted(json!(["three"]))).await.refused(404, "E990404");
    delete(&api, &format!("/v1/mgmt/outbound/token?id={}", text(&latest["id"]))).await.ok();
    fetch(wanted(json!(["files"]))).await.refused(404, "E990404");
    delete(&api, "/v1/mgmt/outbound/user/tokens").await.refused(400, "E011003");
    delete(&api, &format!("/v1/mgmt/outbound/user/tokens?userId={user}")).await.ok();
    assert_eq!(get(&api, &connected).await.ok()["appIds"], json!([]));
    let update = json!({"app": {"id": "google", "name": "G"}});
    assert_eq!(api.manage("/v1/mgmt/outbound/app/update", update).await.ok()["app"]["name"], "G");
    get(&api, "/v1/mgmt/outbound/app/google").await.ok();
    api.manage("/v1/mgmt/outbound/app/delete", json!({"id": "google"})).await.ok();
    get(&api, "/v1/mgmt/outbound/app/google").await.refused(404, "E990404");
}

#[tokio::test]
async fn where_an_application_has_users_written_is_kept_without_being_switched_on() {
    let api = Api::start().await;
    let app = json!({"id": "wiki", "name": "Wiki", "loginPageUrl": "https://login.example.com"});
    api.manage("/v1/mgmt/sso/idp/app/oidc/create", app.clone()).await.ok();
    let scim = async |what: &str, body: Value| api.manage(&format!("/v1/mgmt/outbound/scim/{what}"), body).await;
    let load = async || get(&api, "/v1/mgmt/outbound/scim/wiki").await;
    let settings =
        |url: &str| json!({"baseUrl": url, "authentication": {"bearerToken": "s3cr3t"}, "exportGroups": true});
    load().await.refused(404, "E990404");
    let made = scim("create", json!({"appId": "wiki", "configuration": settings("https://a.example.com")})).await.ok();
    let kept = made["configuration"].clone();
    assert_eq!((&kept["appId"], &kept["enabled"], &kept["version"]), (&json!("wiki"), &json!(false), &json!(1)));
    assert_eq!(
        kept["configuration"],
        json!({"baseUrl": "https://a.example.com", "exportGroups": true}),
        "without credentials"
    );
    assert_eq!(load().await.ok(), made);
    scim("create", json!({"appId": "wiki"})).await.refused(409, "E990409");
    scim("create", json!({"appId": "none"})).await.refused(404, "E990404");

    let update =
        |version: i64| json!({"appId": "wiki", "version": version, "configuration": settings("https://b.example.com")});
    let newer = scim("update", update(1)).await.ok()["configuration"].clone();
    assert_eq!((&newer["version"], &newer["configuration"]["baseUrl"]), (&json!(2), &json!("https://b.example.com")));
    let why = scim("update", update(1)).await.refused(400, "E011004");
    assert!(why.contains("its version is 2"), "{why}");
    scim("enabled/set", json!({"appId": "wiki", "enabled": false})).await.ok();
    scim("enabled/set", json!({"appId": "wiki", "enabled": true})).await.refused(501, "E990501");

    scim("delete", json!({"appId": "wiki"})).await.ok();
    scim("delete", json!({"appId": "wiki"})).await.refused(404, "E990404");
    scim("create", json!({"appId": "wiki"})).await.ok();
    api.manage("/v1/mgmt/sso/idp/app/delete", json!({"id": "wiki"})).await.ok();
    api.manage("/v1/mgmt/sso/idp/app/oidc/create", app).await.ok();
    load().await.refused(404, "E990404");
}
