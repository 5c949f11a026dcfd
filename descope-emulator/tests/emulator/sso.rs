use serde_json::{Value, json};

use crate::support::{Api, Reply};

async fn load(api: &Api, path: &str) -> Reply {
    let key = api.emulator.management_key().to_owned();
    api.get_as(&key, path).await
}

async fn delete(api: &Api, path: &str) -> Reply {
    let key = api.emulator.management_key().to_owned();
    api.send(api.request("DELETE", path, Some(&key))).await
}

#[tokio::test]
async fn oidc_is_set_and_its_secret_is_never_read_back() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.role("Reader").await;
    let settings = json!({
        "name": "Okta", "clientId": "c", "clientSecret": "s3cret", "authUrl": "https://idp.example.com/auth",
        "scope": ["openid"], "userAttrMapping": {"email": "mail"}, "roleMappings": [{"groups": ["g"], "roleName": "Reader"}],
    });
    let body = json!({"tenantId": "T1", "settings": settings, "domains": ["acme.example"]});
    api.manage("/v1/mgmt/sso/oidc", body.clone()).await.ok();
    let found = load(&api, "/v2/mgmt/sso/settings?tenantId=T1").await.ok();
    assert!(!found.to_string().contains("s3cret"), "{found}");
    let oidc = &found["oidc"];
    assert_eq!((&oidc["clientId"], &oidc["clientSecret"]), (&json!("c"), &json!("")));
    assert_eq!(oidc["userAttrMapping"]["email"], "mail");
    assert_eq!(oidc["groupsMapping"][0]["role"]["name"], "Reader");
    assert_eq!((&found["ssoId"], &found["tenant"]["id"]), (&json!("default_ssoid"), &json!("T1")));
    assert_eq!(found["tenant"]["domains"], json!(["acme.example"]));
    assert_eq!(found["tenant"]["authType"], "oidc");

    api.tenant("T2").await;
    let taken = json!({"tenantId": "T2", "settings": {"name": "x"}, "domains": ["acme.example"]});
    api.manage("/v1/mgmt/sso/oidc", taken).await.refused(409, "E990409");
    let mut unknown = body;
    unknown["settings"]["roleMappings"][0]["roleName"] = json!("Nobody");
    api.manage("/v1/mgmt/sso/oidc", unknown).await.refused(404, "E990404");
    api.manage("/v1/mgmt/sso/oidc", json!({"tenantId": "T9", "settings": {}})).await.refused(404, "E112202");
}

#[tokio::test]
async fn saml_is_set_by_hand_and_by_metadata() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let project = api.emulator.project_id().to_owned();
    let mut body = json!({
        "tenantId": "T1", "redirectUrl": "https://app.example.com", "domains": ["acme.example"],
        "settings": {
            "idpUrl": "https://idp.example.com/sso", "entityId": "entity", "idpCert": "cert",
            "attributeMapping": {"group": "groups"}, "roleMappings": [{"groups": ["a"], "roleName": "Tenant Admin"}],
        },
    });
    api.manage("/v1/mgmt/sso/saml", body.clone()).await.ok();
    let saml = load(&api, "/v2/mgmt/sso/settings?tenantId=T1").await.ok()["saml"].clone();
    assert_eq!((&saml["idpSSOUrl"], &saml["idpEntityId"]), (&json!("https://idp.example.com/sso"), &json!("entity")));
    assert_eq!((&saml["idpCertificate"], &saml["redirectUrl"]), (&json!("cert"), &json!("https://app.example.com")));
    assert_eq!(saml["spEntityId"], format!("{project}-T1"));
    let acs = saml["spACSUrl"].as_str().expect("a URL");
    assert!(acs.contains(&format!("projectId={project}")) && acs.contains("tenantId=T1"), "{acs}");
    assert_eq!(saml["attributeMapping"]["group"], "groups");
    assert_eq!(
        saml["groupsMapping"][0],
        json!({"role": {"id": "tenant-admin", "name": "Tenant Admin"}, "groups": ["a"]})
    );
    body["settings"]["idpUrl"] = json!("nowhere");
    api.manage("/v1/mgmt/sso/saml", body).await.refused(400, "E011003");

    let metadata = json!({"tenantId": "T1", "settings": {"idpMetadataUrl": "https://idp.example.com/meta"}});
    api.manage("/v1/mgmt/sso/saml/metadata", metadata).await.ok();
    let saml = load(&api, "/v2/mgmt/sso/settings?tenantId=T1").await.ok()["saml"].clone();
    assert_eq!(saml["idpMetadataUrl"], "https://idp.example.com/meta");
    assert_eq!(saml["redirectUrl"], "https://app.example.com", "what is left out stays");
    let keys = json!({"tenantId": "T1", "settings": {"idpMetadataUrl": "https://i.example/m", "spSignKey": "k"}});
    api.manage("/v1/mgmt/sso/saml/metadata", keys).await.refused(501, "E990501");
}

#[tokio::test]
async fn the_older_form_is_flat() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let fresh = load(&api, "/v1/mgmt/sso/settings?tenantId=T1").await.ok();
    for empty in ["idpEntityId", "idpSSOUrl", "idpCertificate", "idpMetadataUrl", "redirectUrl", "domain"] {
        assert_eq!(fresh[empty], "", "{empty}");
    }
    let mut mapping = json!({
        "name": "name", "email": "email", "phoneNumber": "phone", "username": "", "group": "", "givenName": "",
        "middleName": "", "familyName": "", "picture": "", "verifiedEmail": "", "verifiedPhone": "",
        "customAttributes": {},
    });
    assert_eq!(fresh["userMapping"], mapping);
    let settings = json!({
        "tenantId": "T1", "idpURL": "https://idp.example.com", "entityId": "e", "idpCert": "c",
        "redirectURL": "https://app.example.com", "domains": ["a.example", "b.example"],
    });
    api.manage("/v1/mgmt/sso/settings", settings).await.ok();
    let body = json!({"tenantId": "T1", "attributeMapping": {"email": "mail"}, "roleMappings": [{"groups": ["g"], "roleName": "Tenant Admin"}]});
    api.manage("/v1/mgmt/sso/mapping", body).await.ok();
    let metadata = json!({"tenantId": "T1", "idpMetadataURL": "https://idp.example.com/meta", "redirectURL": null});
    api.manage("/v1/mgmt/sso/metadata", metadata).await.ok();
    let found = load(&api, "/v1/mgmt/sso/settings?tenantId=T1").await.ok();
    assert_eq!((&found["domain"], &found["idpEntityId"]), (&json!("a.example"), &json!("e")));
    assert_eq!(found["redirectUrl"], "https://app.example.com");
    assert_eq!(found["idpMetadataUrl"], "https://idp.example.com/meta");
    for unnamed in ["name", "phoneNumber"] {
        mapping[unnamed] = json!("");
    }
    mapping["email"] = json!("mail");
    assert_eq!(found["userMapping"], mapping, "what a mapping does not name is taken over no more");
    delete(&api, "/v1/mgmt/sso/settings?tenantId=T1").await.ok();
    let gone = load(&api, "/v1/mgmt/sso/settings?tenantId=T1").await.ok();
    assert_eq!((&gone["idpEntityId"], &gone["domains"]), (&json!(""), &json!([])));
}

#[tokio::test]
async fn a_tenant_has_several_configurations() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let body = json!({"tenantId": "T1", "ssoId": "second", "displayName": "Second"});
    api.manage("/v1/mgmt/sso/settings/new", body.clone()).await.ok();
    api.manage("/v1/mgmt/sso/settings/new", body).await.refused(409, "E990409");
    let ids = async || -> Vec<Value> {
        let all = load(&api, "/v2/mgmt/sso/settings/all?tenantId=T1").await.ok();
        all["SSOSettings"].as_array().expect("a list").iter().map(|one| one["ssoId"].clone()).collect()
    };
    assert_eq!(ids().await, [json!("default_ssoid"), json!("second")]);
    let redirect = json!({"tenantId": "T1", "ssoId": "second", "samlRedirectUrl": "https://s.example/x"});
    api.manage("/v1/mgmt/sso/redirect", redirect).await.ok();
    let found = load(&api, "/v2/mgmt/sso/settings?tenantId=T1&ssoId=second").await.ok();
    assert_eq!(found["saml"]["redirectUrl"], "https://s.example/x");
    load(&api, "/v2/mgmt/sso/settings?tenantId=T1&ssoId=third").await.refused(404, "E990404");
    delete(&api, "/v1/mgmt/sso/settings?tenantId=T1&ssoId=second").await.ok();
    assert_eq!(ids().await, [json!("default_ssoid")]);
    api.manage("/v1/mgmt/sso/settings/authtype", json!({"tenantId": "T1", "authType": "saml"})).await.ok();
    api.manage("/v1/mgmt/sso/settings/authtype", json!({"tenantId": "T1", "authType": "x"}))
        .await
        .refused(400, "E011004");
    api.manage("/v1/mgmt/tenant/delete", json!({"id": "T1"})).await.ok();
    load(&api, "/v2/mgmt/sso/settings?tenantId=T1").await.refused(404, "E112202");
}

#[tokio::test]
async fn trust_in_agents_tokens_is_set_and_taken_back() {
    let api = Api::start().await;
    api.tenant("T1").await;
    load(&api, "/v1/mgmt/sso/xaa/settings?tenantId=T1").await.refused(404, "E990404");
    let issuers = json!({"issuers": {"https://idp.example.com": {"jwksUri": "https://idp.example.com/keys"}}});
    api.manage("/v1/mgmt/sso/xaa/settings", json!({"tenantId": "T1", "enabled": true, "settings": issuers})).await.ok();
    let found = load(&api, "/v1/mgmt/sso/xaa/settings?tenantId=T1").await.ok();
    assert_eq!((&found["enabled"], &found["settings"]), (&json!(true), &issuers));
    let all = load(&api, "/v1/mgmt/sso/xaa/settings/all?tenantId=T1").await.ok();
    assert_eq!(all["XAASettings"].as_array().map(Vec::len), Some(1));
    delete(&api, "/v1/mgmt/sso/xaa/settings?tenantId=T1").await.ok();
    delete(&api, "/v1/mgmt/sso/xaa/settings?tenantId=T1").await.refused(404, "E990404");
}
