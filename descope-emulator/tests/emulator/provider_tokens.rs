//! The project as the provider of applications: the grants without a browser, and how tokens end.

use serde_json::{Value, json};

use crate::{
    provider::{APPROVE, App, BACK, Browser, param},
    support::{ADA, Api, Reply, claims, session_of, text},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA: &str = "urn:openid:params:grant-type:ciba";
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

async fn tokens(api: &Api, app: &App, scope: &str) -> Value {
    let back = api.authorized("/oauth2/v1/apps/authorize", app, scope, APPROVE).await;
    api.redeem("/oauth2/v1/apps/token", app, &param(&back, "code").expect("a code")).await.ok()
}

async fn refresh(api: &Api, app: &App, token: &Value, more: &[(&str, &str)]) -> Reply {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", text(token))];
    form.extend_from_slice(more);
    api.form("/oauth2/v1/apps/token", Some(app), &form).await
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_stolen_one_ends_them_all() {
    let api = Api::start().await;
    let app = api
        .inbound(json!({"sessionSettings": {
            "enabled": true, "sessionTokenExpiration": 2, "sessionTokenExpirationUnit": "minutes",
            "refreshTokenExpiration": 1, "refreshTokenExpirationUnit": "hours",
        }}))
        .await;
    let other = api.inbound(json!({"name": "Other"})).await;
    let first = tokens(&api, &app, "openid read").await;
    assert_eq!(first["expires_in"], 120);
    api.wait(121);
    api.user_info("/oauth2/v1/apps/userinfo", &first["access_token"]).await.oauth(401, "invalid_token");
    refresh(&api, &other, &first["refresh_token"], &[]).await.oauth(400, "invalid_grant");
    refresh(&api, &app, &first["access_token"], &[]).await.oauth(400, "invalid_grant");
    let wide = [("scope", "openid read plan")];
    refresh(&api, &app, &first["refresh_token"], &wide).await.oauth(400, "invalid_scope");
    let narrow = refresh(&api, &app, &first["refresh_token"], &[("scope", "read")]).await.ok();
    assert_eq!(narrow["scope"], "read");
    assert!(narrow.get("id_token").is_none());
    let second = refresh(&api, &app, &narrow["refresh_token"], &[]).await.ok();
    assert_eq!(second["scope"], "openid read", "narrowing was for one token");
    api.user_info("/oauth2/v1/apps/userinfo", &second["access_token"]).await.ok();
    refresh(&api, &app, &first["refresh_token"], &[]).await.oauth(400, "invalid_grant");
    refresh(&api, &app, &second["refresh_token"], &[]).await.oauth(400, "invalid_grant");
    api.user_info("/oauth2/v1/apps/userinfo", &second["access_token"]).await.oauth(401, "invalid_token");
    let late = tokens(&api, &app, "read").await;
    api.wait(3601);
    refresh(&api, &app, &late["refresh_token"], &[]).await.oauth(400, "invalid_grant");
}

#[tokio::test]
async fn tokens_end_by_revocation_and_with_the_user() {
    let api = Api::start().await;
    let app = api.inbound(json!({})).await;
    let other = api.inbound(json!({"name": "Other"})).await;
    let revoke = async |app: &App, token: &str, hint: &str| {
        api.form("/oauth2/v1/apps/revoke", Some(app), &[("token", token), ("token_type_hint", hint)]).await
    };
    for (hint, which) in
        [("access_token", "access_token"), ("access_token", "refresh_token"), ("refresh_token", "refresh_token")]
    {
        let given = tokens(&api, &app, "read").await;
        revoke(&other, text(&given[which]), hint).await.oauth(400, "unauthorized_client");
        assert_eq!(revoke(&app, text(&given[which]), hint).await.ok(), json!({}));
        api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.oauth(401, "invalid_token");
        refresh(&api, &app, &given["refresh_token"], &[]).await.oauth(400, "invalid_grant");
        revoke(&app, text(&given[which]), hint).await.ok();
    }
    revoke(&app, "nonsense", "refresh_token").await.ok();
    api.form("/oauth2/v1/apps/revoke", None, &[("token", "x"), ("client_id", &app.client_id)])
        .await
        .oauth(401, "invalid_client");
    let given = tokens(&api, &app, "read").await;
    let status = async |status: &str| {
        api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": status})).await.ok();
    };
    status("disabled").await;
    api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.oauth(401, "invalid_token");
    refresh(&api, &app, &given["refresh_token"], &[]).await.oauth(400, "invalid_grant");
    status("enabled").await;
    api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.ok();
    api.manage("/v1/mgmt/user/delete", json!({"loginId": ADA})).await.ok();
    api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.oauth(401, "invalid_token");
    let consents = api.manage("/v1/mgmt/thirdparty/consents/search", json!({"appId": app.id})).await.ok();
    assert_eq!(consents["total"], 0);
    let again = tokens(&api, &app, "read").await;
    api.manage("/v1/mgmt/thirdparty/app/delete", json!({"id": app.id})).await.ok();
    api.user_info("/oauth2/v1/apps/userinfo", &again["access_token"]).await.oauth(401, "invalid_token");
}

#[tokio::test]
async fn applications_act_for_themselves() {
    let api = Api::start().await;
    let app =
        api.inbound(json!({"audienceWhitelist": ["https://api.example.com"], "defaultAudience": "clientId"})).await;
    let public =
        api.manage("/v2/mgmt/thirdparty/app/create", json!({"name": "Cli", "clientType": "public"})).await.ok();
    let ask = async |more: &[(&str, &str)]| {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend_from_slice(more);
        api.form("/oauth2/v1/apps/token", Some(&app), &form).await
    };
    let given = ask(&[("scope", "read")]).await.ok();
    assert!(given.get("refresh_token").is_none() && given.get("id_token").is_none());
    let token = claims(text(&given["access_token"]));
    assert_eq!((&token["sub"], &token["aud"]), (&json!(app.client_id), &json!([app.client_id])));
    assert_eq!(token["permissions"], json!(["Reports"]));
    let asked = ask(&[("audience", "https://api.example.com"), ("resource", "https://mcp.example.com/")]).await.ok();
    let token = claims(text(&asked["access_token"]));
    assert_eq!(token["aud"], json!(["https://api.example.com", "https://mcp.example.com/"]));
    ask(&[("audience", "https://other.example.com")]).await.oauth(400, "invalid_target");
    ask(&[("resource", "no address")]).await.oauth(400, "invalid_target");
    ask(&[("scope", "openid")]).await.oauth(400, "invalid_scope");
    ask(&[("scope", "write")]).await.oauth(400, "invalid_scope");
    ask(&[("tenantId", "T9")]).await.oauth(400, "invalid_request");
    api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.oauth(401, "invalid_token");
    let client = [("grant_type", "client_credentials"), ("client_id", text(&public["clientId"]))];
    api.form("/oauth2/v1/apps/token", None, &client).await.oauth(400, "unauthorized_client");
    let portal = api.federated(json!({"clientCredentialsDisabled": true})).await;
    let refused = api.form("/oauth2/v1/token", Some(&portal), &[("grant_type", "client_credentials")]).await;
    refused.oauth(400, "unauthorized_client");
}

#[tokio::test]
async fn a_device_polls_until_its_user_has_decided() {
    let api = Api::start().await;
    let app = api.inbound(json!({})).await;
    let begin = async || {
        let form = [("client_id", app.client_id.as_str()), ("scope", "openid read")];
        api.form("/oauth2/v1/apps/device", None, &form).await.ok()
    };
    let poll = async |device: &Value| {
        let form = [("grant_type", DEVICE), ("device_code", text(&device["device_code"]))];
        api.form("/oauth2/v1/apps/token", Some(&app), &form).await
    };
    let device = begin().await;
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(1800), &json!(5)));
    let code = text(&device["user_code"]).to_owned();
    assert_eq!(device["verification_uri_complete"], format!("{}?user_code={code}", text(&device["verification_uri"])));
    poll(&device).await.oauth(400, "authorization_pending");
    poll(&device).await.oauth(400, "slow_down");
    api.wait(9);
    poll(&device).await.oauth(400, "slow_down");
    api.wait(20);
    poll(&device).await.oauth(400, "authorization_pending");
    let page =
        api.http.get(text(&device["verification_uri"])).send().await.expect("a page").text().await.expect("text");
    assert!(page.contains("user_code"), "{page}");
    let page = api.http.get(text(&device["verification_uri_complete"])).send().await.expect("a page");
    assert!(page.text().await.expect("text").contains("Sign in to Partner"));
    assert!(!api.emulator.approve_device(&code, "nobody"), "who is that?");
    assert!(api.emulator.approve_device(&code.replace('-', "").to_lowercase(), ADA));
    assert!(!api.emulator.refuse_device(&code), "it is decided");
    api.wait(60);
    let given = poll(&device).await.ok();
    assert_eq!(given["scope"], "openid read");
    assert_eq!(claims(text(&given["id_token"]))["sub"], api.user_now(ADA).await["userId"]);
    poll(&device).await.oauth(400, "invalid_grant");
    let device = begin().await;
    let decision = json!({"userCode": device["user_code"], "outcome": "refuse"});
    let decide = async |body: Value| {
        api.send(api.http.post(format!("{}/_emulator/device", api.emulator.base_url())).json(&body)).await
    };
    decide(decision.clone()).await.ok();
    decide(decision).await.refused(404, "E990404");
    poll(&device).await.oauth(400, "access_denied");
    let device = begin().await;
    api.wait(1801);
    poll(&device).await.oauth(400, "expired_token");
    let form = [("client_id", "nobody"), ("scope", "openid")];
    api.form("/oauth2/v1/apps/device", None, &form).await.oauth(401, "invalid_client");
    let bad = [("client_id", app.client_id.as_str()), ("scope", "everything")];
    api.form("/oauth2/v1/apps/device", None, &bad).await.oauth(400, "invalid_scope");
    let portal = api.federated(json!({"deviceCodeDisabled": true})).await;
    let refused = api.form("/oauth2/v1/device", None, &[("client_id", portal.client_id.as_str())]).await;
    refused.oauth(400, "unauthorized_client");
}

#[tokio::test]
async fn the_built_in_application_serves_a_device_by_the_project_id() {
    let api = Api::start().await;
    let project = api.emulator.project_id().to_owned();
    let form = [("client_id", project.as_str()), ("scope", "openid email")];
    let device = api.form("/oauth2/v1/device", None, &form).await.ok();
    assert!(api.emulator.approve_device(text(&device["user_code"]), ADA));
    let form = [("grant_type", DEVICE), ("device_code", text(&device["device_code"])), ("client_id", project.as_str())];
    let given = api.form("/oauth2/v1/token", None, &form).await.ok();
    let id = claims(text(&given["id_token"]));
    assert_eq!((&id["aud"], &id["email"]), (&json!(project), &json!(ADA)));
}

#[tokio::test]
async fn a_user_is_asked_on_another_device() {
    let api = Api::start().await;
    let app = api
        .inbound(json!({"cibaSettings": {"enabled": true, "expirationTime": 3, "expirationTimeUnit": "minutes"}}))
        .await;
    let plain = api.inbound(json!({"name": "Plain"})).await;
    api.user(json!({"loginId": ADA, "email": ADA})).await;
    let begin = async |app: &App, more: &[(&str, &str)]| {
        let mut form = vec![("scope", "openid read"), ("binding_message", "Report 4711")];
        form.extend_from_slice(more);
        api.form("/oauth2/v1/apps/bc-authorize", Some(app), &form).await
    };
    let poll = async |asked: &Value| {
        let form = [("grant_type", CIBA), ("auth_req_id", text(&asked["auth_req_id"]))];
        api.form("/oauth2/v1/apps/token", Some(&app), &form).await
    };
    begin(&plain, &[("login_hint", ADA)]).await.oauth(400, "unauthorized_client");
    begin(&app, &[("login_hint", "nobody")]).await.oauth(400, "unknown_user_id");
    begin(&app, &[]).await.oauth(400, "invalid_request");
    begin(&app, &[("login_hint", ADA), ("requested_expiry", "0")]).await.oauth(400, "invalid_request");
    let asked = begin(&app, &[("login_hint", ADA)]).await.ok();
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(180), &json!(5)));
    let mail = api.mail(ADA).await;
    let page = mail.links[0].url.clone();
    let shown = api.http.get(&page).send().await.expect("a page").text().await.expect("text");
    assert!(shown.contains("Report 4711") && shown.contains(ADA), "{shown}");
    poll(&asked).await.oauth(400, "authorization_pending");
    let url = format!("{}/_emulator/backchannel", api.emulator.base_url());
    let waiting = api.send(api.http.get(&url)).await.ok();
    assert_eq!(waiting["requests"][0]["bindingMessage"], "Report 4711");
    api.send(api.http.get(format!("{page}&outcome=approve&loginId=x"))).await.refused(400, "E011004");
    assert_eq!(api.send(api.http.get(format!("{page}&outcome=approve"))).await.status, 200);
    api.wait(5);
    let given = poll(&asked).await.ok();
    assert_eq!(claims(text(&given["access_token"]))["sub"], api.user_now(ADA).await["userId"]);
    let second = begin(&app, &[("login_hint", ADA)]).await.ok();
    assert!(api.emulator.refuse_backchannel(ADA));
    assert!(!api.emulator.approve_backchannel(ADA));
    poll(&second).await.oauth(400, "access_denied");
    let third = begin(&app, &[("login_hint", ADA), ("requested_expiry", "30")]).await.ok();
    api.send(api.http.post(&url).json(&json!({"outcome": "approve"}))).await.refused(400, "E011003");
    api.wait(31);
    poll(&third).await.oauth(400, "expired_token");
    let fourth = begin(&app, &[("login_hint", ADA)]).await.ok();
    let body = json!({"outcome": "approve", "authReqId": fourth["auth_req_id"]});
    api.send(api.http.post(&url).json(&body)).await.ok();
    poll(&fourth).await.ok();
}

#[tokio::test]
async fn assertions_and_other_tokens_are_traded() {
    let api = Api::start().await;
    let keys = format!("{}/v2/keys/{}", api.emulator.base_url(), api.emulator.project_id());
    let project = api.emulator.project_id().to_owned();
    let app = api
        .inbound(json!({"jwtBearerSettings": {"issuers": {
            project.as_str(): {"jwksUri": keys, "signAlgorithm": "RS256"},
            "https://idp.example.com": {"jwksUri": "https://idp.example.com/keys"},
        }}}))
        .await;
    let session = session_of(&api.signed_in(ADA).await);
    let trade = async |more: &[(&str, &str)]| api.form("/oauth2/v1/apps/token", Some(&app), more).await;
    let by = [("grant_type", ASSERTION), ("assertion", session.as_str()), ("scope", "read")];
    trade(&by).await.oauth(400, "invalid_scope");
    tokens(&api, &app, "openid read").await;
    let given = trade(&by).await.ok();
    assert!(given.get("refresh_token").is_none());
    assert_eq!(claims(text(&given["access_token"]))["sub"], api.user_now(ADA).await["userId"]);
    let foreign = "e30.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbSJ9.x";
    trade(&[("grant_type", ASSERTION), ("assertion", foreign)]).await.refused(501, "E990501");
    let unknown = "e30.eyJpc3MiOiJodHRwczovL2V2aWwuZXhhbXBsZS5jb20ifQ.x";
    trade(&[("grant_type", ASSERTION), ("assertion", unknown)]).await.oauth(400, "invalid_grant");
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let form = [
        ("grant_type", EXCHANGE),
        ("subject_token", session.as_str()),
        ("subject_token_type", kind),
        ("scope", "read"),
    ];
    let other = trade(&form).await.ok();
    assert_eq!(other["issued_token_type"], kind);
    assert_eq!(claims(text(&other["access_token"]))["act"], json!({"sub": app.client_id}));
    let again = text(&other["access_token"]).to_owned();
    let narrow = [("grant_type", EXCHANGE), ("subject_token", again.as_str()), ("subject_token_type", kind)];
    assert_eq!(trade(&narrow).await.ok()["scope"], "read");
    let wide = [
        ("grant_type", EXCHANGE),
        ("subject_token", again.as_str()),
        ("subject_token_type", kind),
        ("scope", "openid"),
    ];
    trade(&wide).await.oauth(400, "invalid_scope");
    let bad = [("grant_type", EXCHANGE), ("subject_token", "x"), ("subject_token_type", kind)];
    trade(&bad).await.oauth(400, "invalid_request");
    let odd = [("grant_type", EXCHANGE), ("subject_token", again.as_str()), ("subject_token_type", "urn:x")];
    trade(&odd).await.oauth(400, "invalid_request");
    api.wait(601);
    trade(&by).await.oauth(400, "invalid_grant");
    trade(&form).await.oauth(400, "invalid_request");
}

#[tokio::test]
async fn a_federated_application_takes_the_password_itself() {
    let api = Api::start().await;
    let app = api.federated(json!({})).await;
    let user = json!({"loginId": ADA, "password": "WASD+ijkl", "user": {"name": "Ada"}});
    api.post("/v1/auth/password/signup", user).await.ok();
    let ask = async |password: &str| {
        let form = [("grant_type", "password"), ("username", ADA), ("password", password), ("scope", "openid profile")];
        api.form("/oauth2/v1/token", Some(&app), &form).await
    };
    ask("wrong").await.oauth(400, "invalid_grant");
    let given = ask("WASD+ijkl").await.ok();
    assert_eq!(claims(text(&given["id_token"]))["name"], "Ada");
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&given["refresh_token"]))];
    api.form("/oauth2/v1/token", Some(&app), &form).await.ok();
    api.form("/oauth2/v1/revoke", None, &[("token", text(&given["access_token"]))]).await.ok();
    api.user_info("/oauth2/v1/userinfo", &given["access_token"]).await.oauth(401, "invalid_token");
}

#[tokio::test]
async fn scopes_bring_the_claims_that_are_mapped() {
    let api = Api::start().await;
    let mapping = json!({"mappings": [{"scope": "greeting", "claims": {"hello": "Dear {{user.name}}", "sub": "x"}}]});
    api.manage("/v1/mgmt/scopeClaimMapping/set", mapping).await.ok();
    let app = api.inbound(json!({})).await;
    let own = json!({"id": app.id, "scopeClaimMapping": [
        {"scope": "ids", "claims": {"logins": "{{user.loginIds}}", "none": "{{user.nothing}}"}},
        {"scope": "greeting", "useProjectMapping": true, "claims": {"hello": "ignored"}},
    ]});
    api.manage("/v2/mgmt/thirdparty/app/patch", own).await.ok();
    api.user(json!({"loginId": ADA, "email": ADA, "name": "Ada"})).await;
    let given = tokens(&api, &app, "ids greeting").await;
    let info = api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.ok();
    let id = api.user_now(ADA).await["userId"].clone();
    assert_eq!(info, json!({"sub": id, "logins": [ADA], "hello": "Dear Ada"}));
}

#[tokio::test]
async fn clients_of_an_mcp_server_get_tokens_for_it() {
    let api = Api::start().await;
    let server = json!({
        "name": "Tools", "audienceWhitelist": ["https://mcp.example.com"], "dynamicRegistration": {"enabled": true},
        "approvedScopes": {"permissionsScopes": [{"name": "run", "description": "Run tools", "values": ["Run"]}]},
    });
    let made = api.manage("/v1/mgmt/mcp/server/create", server.clone()).await.ok();
    api.manage("/v1/mgmt/mcp/server/create", server).await.refused(409, "E990409");
    let server = text(&made["server"]["id"]).to_owned();
    let client = json!({"mcpServerId": server, "name": "Agent", "approvedCallbackUrls": [BACK], "scopes": ["run"], "tags": ["a"]});
    let bad = json!({"mcpServerId": server, "name": "Agent", "scopes": ["fly"]});
    api.manage("/v1/mgmt/mcp/server/client/create", bad).await.refused(400, "E011004");
    let made = api.manage("/v1/mgmt/mcp/server/client/create", client).await.ok();
    let of = |name: &str| text(&made[name]).to_owned();
    let app = App { id: of("id"), client_id: of("clientId"), secret: of("cleartext") };
    let project = api.emulator.project_id();
    let paths = |kind: &str| format!("/oauth2/v1/apps/agentic/{project}/{server}/{kind}");
    let browser = Browser::new();
    let resource = [("resource", "https://mcp.example.com")];
    let page = browser.open(&api.ask(&paths("authorize"), &app, "run", &resource)).await.expect("a page");
    let back = browser.decide(&page, APPROVE).await;
    let given = api.redeem(&paths("token"), &app, &param(&back, "code").expect("a code")).await.ok();
    let token = claims(text(&given["access_token"]));
    assert_eq!(token["aud"], json!(["https://mcp.example.com"]));
    let issuer = format!("{}/v1/apps/agentic/{project}/{server}", api.emulator.base_url());
    assert_eq!(token["iss"], issuer.as_str());
    for kind in ["openid-configuration", "oauth-authorization-server"] {
        let known = api.send(api.http.get(format!("{issuer}/.well-known/{kind}"))).await.ok();
        assert_eq!(known["issuer"], issuer.as_str());
        assert_eq!(known["token_endpoint"], format!("{}{}", api.emulator.base_url(), paths("token")));
        assert_eq!(known["scopes_supported"].as_array().and_then(|all| all.last()), Some(&json!("run")));
    }
    api.send(api.http.get(format!("{issuer}x/.well-known/openid-configuration"))).await.refused(404, "E990404");
    let other = api.ask(&paths("authorize"), &app, "run", &[("resource", "https://other.example.com")]);
    assert_eq!(param(&browser.open(&other).await.expect("back"), "error").as_deref(), Some("invalid_target"));
    let stranger = api.inbound(json!({})).await;
    api.redeem(&paths("token"), &stranger, "x").await.oauth(401, "invalid_client");
    let elsewhere = format!("/oauth2/v1/apps/agentic/{project}/MSx/token");
    api.redeem(&elsewhere, &app, "x").await.oauth(401, "invalid_client");

    let search = async |more: Value| {
        let mut body = json!({"mcpServerId": server});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        api.manage("/v1/mgmt/mcp/server/clients/search", body).await.ok()["total"].clone()
    };
    assert_eq!(search(json!({"text": "age", "tag": "a", "registrationMethod": "manual"})).await, 1);
    for none in [json!({"tag": "b"}), json!({"name": "x"}), json!({"status": "x"}), json!({"clientId": "x"})] {
        assert_eq!(search(none).await, 0);
    }
    let one = json!({"mcpServerId": server, "id": app.id});
    let by_client = json!({"mcpServerId": server, "clientId": app.client_id});
    let load = async |body: &Value| api.manage("/v1/mgmt/mcp/server/client/load", body.clone()).await;
    assert_eq!(load(&one).await.ok(), load(&by_client).await.ok());
    let secret = api.manage("/v1/mgmt/mcp/server/client/secret", one.clone()).await.ok();
    assert_eq!(secret["cleartext"], app.secret.as_str());
    let rotated = api.manage("/v1/mgmt/mcp/server/client/secret/rotate", one.clone()).await.ok();
    assert_ne!(rotated["cleartext"], app.secret.as_str());
    let update = json!({"mcpServerId": server, "id": app.id, "name": "Agent 2"});
    let updated = api.manage("/v1/mgmt/mcp/server/client/update", update).await.ok();
    assert_eq!(
        (&updated["client"]["name"], &updated["client"]["clientId"]),
        (&json!("Agent 2"), &json!(app.client_id))
    );

    let path = format!("/v1/mgmt/mcp/client/{project}/{server}/register");
    let described = json!({"client_name": "Robot", "redirect_uris": [BACK], "scope": "openid run", "software_id": "x"});
    let register =
        async |body: &Value| api.send(api.http.post(format!("{}{path}", api.emulator.base_url())).json(body)).await;
    let robot = register(&described).await.ok();
    assert_eq!(robot["token_endpoint_auth_method"], "client_secret_basic");
    let robot = App {
        id: String::new(),
        client_id: text(&robot["client_id"]).to_owned(),
        secret: text(&robot["client_secret"]).to_owned(),
    };
    let back = api.authorized(&paths("authorize"), &robot, "run", APPROVE).await;
    let given = api.redeem(&paths("token"), &robot, &param(&back, "code").expect("a code")).await.ok();
    assert!(given.get("refresh_token").is_none(), "it has not registered for that");
    assert_eq!(search(json!({"registrationMethod": "dynamic"})).await, 1);
    let gone = json!({"mcpServerId": server, "ids": [app.id]});
    api.manage("/v1/mgmt/mcp/server/clients/delete", gone).await.ok();
    load(&one).await.refused(404, "E990404");
    let changed = json!({"server": {"id": server, "name": "Tools 2"}});
    assert_eq!(api.manage("/v1/mgmt/mcp/server/update", changed).await.ok()["server"]["name"], "Tools 2");
    register(&described).await.refused(400, "E011004");
    assert_eq!(api.manage("/v1/mgmt/mcp/servers/all", json!({})).await.ok()["total"], 1);
    api.manage("/v1/mgmt/mcp/server/delete", json!({"id": server})).await.ok();
    api.manage("/v1/mgmt/mcp/server/load", json!({"id": server})).await.refused(404, "E990404");
    api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.oauth(401, "invalid_token");
}

#[tokio::test]
async fn clients_register_themselves_where_the_project_lets_them() {
    let api = Api::start().await;
    let path = format!("{}/v1/mgmt/inboundapp/app/{}/register", api.emulator.base_url(), api.emulator.project_id());
    let register = async |body: Value| api.send(api.http.post(&path).json(&body)).await;
    let described = json!({
        "client_name": "Agenda", "redirect_uris": [BACK], "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none", "scope": "openid diary", "client_uri": "https://agenda.example.net",
        "permissions_scopes": [{"name": "diary", "description": "Your diary", "values": ["Diary"]}], "contacts": ["x"],
    });
    register(described.clone()).await.refused(400, "E011004");
    let settings = format!("{}/_emulator/settings", api.emulator.base_url());
    api.send(api.http.post(settings).json(&json!({"dynamicRegistration": true}))).await.ok();
    let with = |name: &str, value: Value| {
        let mut body = described.clone();
        body[name] = value;
        body
    };
    register(with("redirect_uris", json!([]))).await.oauth(400, "invalid_redirect_uri");
    register(with("redirect_uris", json!(["nowhere"]))).await.oauth(400, "invalid_redirect_uri");
    register(with("scope", json!("openid everything"))).await.oauth(400, "invalid_client_metadata");
    register(with("grant_types", json!(["password"]))).await.oauth(400, "invalid_client_metadata");
    register(with("response_types", json!(["token"]))).await.oauth(400, "invalid_client_metadata");
    register(with("token_endpoint_auth_method", json!("tls_client_auth"))).await.oauth(400, "invalid_client_metadata");
    let made = register(described.clone()).await.ok();
    assert!(made.get("client_secret").is_none());
    assert_eq!((&made["client_uri"], &made["scope"]), (&described["client_uri"], &described["scope"]));
    let app = App { id: String::new(), client_id: text(&made["client_id"]).to_owned(), secret: String::new() };
    let back = api.authorized("/oauth2/v1/apps/authorize", &app, "openid diary", APPROVE).await;
    let given = api.redeem("/oauth2/v1/apps/token", &app, &param(&back, "code").expect("a code")).await.ok();
    assert!(given["refresh_token"].is_string());
    let form = [("grant_type", DEVICE), ("device_code", "x"), ("client_id", app.client_id.as_str())];
    api.form("/oauth2/v1/apps/token", None, &form).await.oauth(400, "unauthorized_client");
    let key = api.emulator.management_key().to_owned();
    let loaded = api.get_as(&key, &format!("/v1/mgmt/thirdparty/app/load?clientId={}", app.client_id)).await.ok();
    assert_eq!((&loaded["dynamic"], &loaded["name"]), (&json!(true), &json!("Agenda")));
}

#[tokio::test]
async fn each_project_provides_for_its_own() {
    let api = Api::start().await;
    let one = api.federated(json!({})).await;
    let key = api.emulator.management_key().to_owned();
    let made = api.http.post(format!("{}/v1/mgmt/thirdparty/app/create", api.emulator.base_url()));
    let body = json!({"name": "There", "loginPageUrl": "https://x.example.com", "approvedCallbackUrls": [BACK]});
    let made = api.send(made.bearer_auth(format!("P2Other:{key}")).json(&body)).await.ok();
    let of = |name: &str| text(&made[name]).to_owned();
    let two = App { id: of("id"), client_id: of("clientId"), secret: of("cleartext") };
    let back = api.authorized("/oauth2/v1/apps/authorize", &two, "openid", APPROVE).await;
    let given = api.redeem("/oauth2/v1/apps/token", &two, &param(&back, "code").expect("a code")).await.ok();
    assert_eq!(claims(text(&given["id_token"]))["iss"], format!("{}/v1/apps/P2Other", api.emulator.base_url()));
    api.user_info("/oauth2/v1/apps/userinfo", &given["access_token"]).await.ok();
    let here = format!("/oauth2/v1/apps/{}/userinfo", api.emulator.project_id());
    api.user_info(&here, &given["access_token"]).await.oauth(401, "invalid_token");
    api.load_user(ADA).await.refused(404, "E112102");
    api.authorized("/oauth2/v1/authorize", &one, "openid", APPROVE).await;
    api.load_user(ADA).await.ok();
}

#[tokio::test]
async fn grants_and_requests_survive_in_the_saved_state() {
    let api = Api::start().await;
    let app = api.inbound(json!({"cibaSettings": {"enabled": true}})).await;
    let given = tokens(&api, &app, "openid read").await;
    let form = [("client_id", app.client_id.as_str()), ("scope", "read")];
    let device = api.form("/oauth2/v1/apps/device", None, &form).await.ok();
    let asked = [("scope", "read"), ("login_hint", ADA)];
    api.form("/oauth2/v1/apps/bc-authorize", Some(&app), &asked).await.ok();
    let url = format!("{}/_emulator/state", api.emulator.base_url());
    let export = async || api.http.get(&url).send().await.expect("an answer").text().await.expect("a state");
    let saved = export().await;
    api.emulator.reset();
    refresh(&api, &app, &given["refresh_token"], &[]).await.oauth(401, "invalid_client");
    api.send(api.http.put(&url).body(saved.clone())).await.ok();
    assert_eq!(export().await, saved);
    refresh(&api, &app, &given["refresh_token"], &[]).await.ok();
    assert!(api.emulator.approve_device(text(&device["user_code"]), ADA));
    assert!(api.emulator.approve_backchannel(ADA));
}
