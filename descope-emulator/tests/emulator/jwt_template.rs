//! Templates that shape tokens.

use serde_json::{Value, json};

use crate::{
    provider::{APPROVE, param},
    support::{ADA, Api, Reply, claims, refresh_of, session_of, text},
};

async fn template(api: &Api, body: Value) -> String {
    let mut template = json!({"name": "T", "type": "user"});
    template.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    let made = api.manage("/v1/mgmt/jwt/templates/create", json!({"template": template})).await.ok();
    text(&made["template"]["id"]).to_owned()
}

async fn choose(api: &Api, setting: &str, id: &str) -> Reply {
    let url = format!("{}/_emulator/settings", api.emulator.base_url());
    api.send(api.http.post(url).json(&json!({setting: id}))).await
}

/// What the session and the refresh token of a user say.
async fn tokens(api: &Api) -> (Value, Value) {
    let session = api.signed_in(ADA).await;
    (claims(&session_of(&session)), claims(&refresh_of(&session)))
}

async fn ada(api: &Api) -> String {
    for tenant in ["T1"] {
        api.tenant(tenant).await;
    }
    api.manage("/v1/mgmt/permission/create", json!({"name": "Write"})).await.ok();
    api.manage("/v1/mgmt/role/create", json!({"name": "Author", "permissionNames": ["Write"]})).await.ok();
    let tenants = [json!({"tenantId": "T1", "roleNames": ["Author"]})];
    let user = json!({"loginId": ADA, "email": ADA, "verifiedEmail": true, "name": "Ada", "userTenants": tenants});
    text(&api.user(user).await["userId"]).to_owned()
}

#[tokio::test]
async fn templates_are_kept_and_those_in_use_stay() {
    let api = Api::start().await;
    let id = template(&api, json!({"template": {"mail": "{{user.email}}"}, "tags": ["web"]})).await;
    let key = template(&api, json!({"type": "key", "name": "K"})).await;
    let load = async |id: &str| api.manage("/v1/mgmt/jwt/templates/load", json!({"id": id})).await;
    let known = load(&id).await.ok()["template"].clone();
    assert_eq!((&known["tags"], &known["template"]), (&json!(["web"]), &json!({"mail": "{{user.email}}"})));
    let all = api.manage("/v1/mgmt/jwt/templates/list", json!({})).await.ok();
    assert_eq!(all["templates"].as_array().map(Vec::len), Some(2));
    for (setting, wrong) in [("userTemplateId", key.as_str()), ("keyTemplateId", &id), ("userTemplateId", "JT9")] {
        choose(&api, setting, wrong).await.refused(400, "E011004");
    }
    choose(&api, "userTemplateId", &id).await.ok();
    let update = async |body: Value| api.manage("/v1/mgmt/jwt/templates/update", json!({"template": body})).await;
    update(json!({"id": id, "name": "T", "type": "key"})).await.refused(400, "E011004");
    update(json!({"id": "JT9", "name": "T"})).await.refused(404, "E990404");
    update(json!({"name": "T"})).await.refused(400, "E011003");
    assert_eq!(update(json!({"id": id, "name": "U"})).await.ok()["template"]["name"], "U");
    let delete = async |id: &str| api.manage("/v1/mgmt/jwt/templates/delete", json!({"id": id})).await;
    delete(&id).await.refused(400, "E011004");
    choose(&api, "userTemplateId", "").await.ok();
    delete(&id).await.ok();
    delete(&id).await.refused(404, "E990404");
    load(&id).await.refused(404, "E990404");
    api.manage("/v1/mgmt/jwt/templates/library/list", json!({})).await.refused(501, "E990501");
}

#[tokio::test]
async fn what_is_wrong_with_a_template_is_told() {
    let api = Api::start().await;
    let validate = async |body: Value| api.manage("/v1/mgmt/jwt/templates/validate", body).await;
    let wrong = json!({"template": {"template": {"sub": "x", "exp": 1, "fine": 1}, "authSchema": "odd"}});
    let told = validate(wrong.clone()).await.ok();
    assert_eq!(told["valid"], false);
    let codes: Vec<&str> =
        told["issues"].as_array().expect("issues").iter().map(|issue| text(&issue["code"])).collect();
    assert_eq!(codes, ["NAME_MISSING", "RESERVED_CLAIM_KEY", "RESERVED_CLAIM_KEY", "INVALID_VALUE"]);
    // The order of members is not that of the request everywhere.
    let mut hints = told["issues"].as_array().expect("issues").iter().map(|issue| &issue["hint"]);
    assert!(hints.any(|hint| hint == "Use overrideSubject"), "{told}");
    api.manage("/v1/mgmt/jwt/templates/create", wrong).await.refused(400, "E011004");
    let fine = json!({"template": {"name": "x", "template": {"sub": "x"}, "overrideSubject": true}});
    assert_eq!(validate(fine).await.ok(), json!({"valid": true, "issues": []}));
    let id = template(&api, json!({})).await;
    assert_eq!(validate(json!({"id": id})).await.ok()["valid"], true);
    validate(json!({"id": "JT9"})).await.refused(404, "E990404");
    validate(json!({})).await.refused(400, "E011003");
}

#[tokio::test]
async fn claims_of_a_template_are_filled_in() {
    let api = Api::start().await;
    ada(&api).await;
    let (plain, _) = tokens(&api).await;
    assert_eq!((&plain["dct"], &plain["tenants"]["T1"]["roles"]), (&json!("T1"), &json!(["Author"])));
    let claims = json!({
        "mail": "{{user.email}}", "greeting": "Dear {{user.name}}", "verified": "{{user.verifiedEmail}}",
        "tenant": "{{tenant.name}}", "none": "{{user.nothing}}", "deep": {"ids": "{{user.loginIds}}"},
    });
    for (policy, none) in [("none", Some(json!(""))), ("nil", Some(Value::Null)), ("delete", None)] {
        let body = json!({"template": claims, "emptyClaimPolicy": policy, "autoDCT": true, "omitCustomClaimsFromDSR": policy == "nil"});
        let id = template(&api, body).await;
        choose(&api, "userTemplateId", &id).await.ok();
        let (session, refresh) = tokens(&api).await;
        assert_eq!((&session["mail"], &session["greeting"]), (&json!(ADA), &json!("Dear Ada")));
        assert_eq!((&session["verified"], &session["tenant"]), (&json!(true), &json!("Tenant T1")));
        assert_eq!(session["deep"], json!({"ids": [ADA]}));
        assert_eq!(session.get("none"), none.as_ref(), "{policy}");
        assert_eq!(refresh.get("mail").is_none(), policy == "nil");
    }
}

#[tokio::test]
async fn roles_tenants_and_subject_stand_where_the_template_wants_them() {
    let api = Api::start().await;
    let user_id = ada(&api).await;
    let with = async |body: Value| {
        let id = template(&api, body).await;
        choose(&api, "userTemplateId", &id).await.ok();
        tokens(&api).await.0
    };
    let slim = with(json!({"authSchema": "tenantOnly", "autoDCT": true})).await;
    assert_eq!((&slim["roles"], &slim["permissions"]), (&json!(["Author"]), &json!(["Write"])));
    assert!(slim.get("tenants").is_none() && slim["dct"] == "T1");
    let bare = with(json!({"authSchema": "none"})).await;
    assert!(["roles", "permissions", "tenants", "dct"].iter().all(|name| bare.get(name).is_none()), "{bare}");
    let roles = with(json!({"excludePermissions": true})).await;
    assert_eq!(roles["tenants"]["T1"], json!({"roles": ["Author"]}));
    let issuers = [
        (json!({"issuerType": "inbound"}), "/v1/apps/"),
        (json!({"issuerType": "federated"}), "/"),
        (json!({"issuerType": "legacy", "conformanceIssuer": true}), "/"),
    ];
    for (body, between) in issuers {
        let issuer = format!("{}{between}{}", api.emulator.base_url(), api.emulator.project_id());
        assert_eq!(with(body).await["iss"], issuer.as_str());
    }
    let id =
        template(&api, json!({"template": {"sub": "{{user.email}}"}, "overrideSubject": true, "enforceIssuer": true}))
            .await;
    let old = api.signed_in(ADA).await;
    choose(&api, "userTemplateId", &id).await.ok();
    api.post_as(&refresh_of(&old), "/v1/auth/refresh", json!({})).await.refused(401, "E062504");
    let session = api.signed_in(ADA).await;
    let token = claims(&session_of(&session));
    assert_eq!((&token["sub"], &token["dsub"]), (&json!(ADA), &json!(user_id)));
    let renewed = api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&renewed))["dsub"], user_id.as_str());
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.ok();
}

#[tokio::test]
async fn tokens_of_keys_and_applications_are_shaped_too() {
    let api = Api::start().await;
    let key = template(&api, json!({"type": "key", "template": {"called": "{{key.name}}"}})).await;
    choose(&api, "keyTemplateId", &key).await.ok();
    let made = api.manage("/v1/mgmt/accesskey/create", json!({"name": "robot", "expireTime": 0})).await.ok();
    let session = api.post_as(text(&made["cleartext"]), "/v1/auth/accesskey/exchange", json!({})).await.ok();
    assert_eq!(claims(text(&session["sessionJwt"]))["called"], "robot");
    let id = template(&api, json!({"template": {"mail": "{{user.email}}", "sub": "x"}, "overrideSubject": true})).await;
    let app = api.inbound(json!({"sessionSettings": {"enabled": true, "userTemplateId": id}})).await;
    let back = api.authorized("/oauth2/v1/apps/authorize", &app, "read", APPROVE).await;
    let given = api.redeem("/oauth2/v1/apps/token", &app, &param(&back, "code").expect("a code")).await.ok();
    let token = claims(text(&given["access_token"]));
    assert_eq!((&token["mail"], token.get("dsub")), (&json!(ADA), None));
}
