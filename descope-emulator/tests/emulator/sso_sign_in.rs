use serde_json::{Value, json};

use crate::{
    oauth::walk,
    support::{ADA, Api, Reply, claims, refresh_of, session_of, text},
};

const APPROVE: &str = "&outcome=approve&email=ada%40example.com&name=Ada";
const PAGE: &str = "redirectURL=https%3A%2F%2Fapp.example.com%2Fdone";

async fn saml(api: &Api, tenant: &str) {
    api.tenant(tenant).await;
    for role in ["Reader", "Writer", "Guest"] {
        api.manage("/v1/mgmt/role/create", json!({"name": role, "tenantId": tenant})).await.ok();
    }
    let body = json!({
        "tenantId": tenant, "domains": [format!("{}.example", tenant.to_lowercase())],
        "redirectUrl": "https://app.example.com/tenant",
        "settings": {
            "idpUrl": "https://idp.example.com/sso", "entityId": "entity", "idpCert": "cert",
            "attributeMapping": {
                "email": "mail", "name": "displayName", "group": "memberOf", "familyName": "sn", "phoneNumber": "tel",
            },
            "roleMappings": [
                {"groups": ["staff"], "roleName": "Reader"}, {"groups": ["authors", "editors"], "roleName": "Writer"},
            ],
            "defaultSSORoles": ["Guest"],
        },
    });
    api.manage("/v1/mgmt/sso/saml", body).await.ok();
}

async fn oidc(api: &Api, settings: Value) {
    api.tenant("T1").await;
    api.role("Reader").await;
    let body = json!({"tenantId": "T1", "settings": settings, "domains": ["acme.example"]});
    api.manage("/v1/mgmt/sso/oidc", body).await.ok();
}

async fn start(api: &Api, tenant: &str, more: &str) -> Reply {
    api.post(&format!("/v1/auth/sso/authorize?tenant={tenant}&{PAGE}{more}"), json!({})).await
}

async fn exchange(api: &Api, code: &str) -> Reply {
    api.post("/v1/auth/sso/exchange", json!({"code": code})).await
}

async fn sign_in(api: &Api, tenant: &str, decision: &str) -> Value {
    let (name, code) = walk(&start(api, tenant, "").await.ok(), decision).await;
    assert_eq!(name, "code", "{code}");
    exchange(api, &code).await.ok()
}

#[tokio::test]
async fn a_member_signs_in_by_saml_with_the_roles_of_the_groups() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    let begun = start(&api, "T1", "&loginHint=ada%40example.com&forceAuthn=true").await.ok();
    let page = api.http.get(text(&begun["url"])).send().await.expect("an answer").text().await.expect("a page");
    for part in ["Tenant T1", "SAML", "ada@example.com", "anew", "Groups"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let more = "%7B%22sn%22%3A%5B%22Lovelace%22%5D%2C%22tel%22%3A%22%2B15551234567%22%7D";
    let decision = format!("{APPROVE}&groups=staff,editors,others&claims={more}");
    let (name, code) = walk(&begun, &decision).await;
    assert_eq!(name, "code");
    let session = exchange(&api, &code).await.ok();
    assert_eq!((&session["firstSeen"], &session["tenantSSOID"]), (&json!(true), &json!("default_ssoid")));
    assert_eq!(session["idpResponse"]["idpGroups"], json!(["staff", "editors", "others"]));
    let attributes = json!({
        "mail": ADA, "displayName": "Ada", "memberOf": ["staff", "editors", "others"], "sn": ["Lovelace"],
        "tel": "+15551234567",
    });
    assert_eq!(session["idpResponse"]["idpSAMLAttributes"], attributes);
    let user = &session["user"];
    assert_eq!((&user["email"], &user["name"], &user["familyName"]), (&json!(ADA), &json!("Ada"), &json!("Lovelace")));
    assert_eq!((&user["phone"], &user["SAML"], &user["OIDC"]), (&json!("+15551234567"), &json!(true), &json!(false)));
    let token = claims(&session_of(&session));
    assert_eq!((&token["dct"], &token["amr"]), (&json!("T1"), &json!(["saml"])));
    assert_eq!(token["tenants"]["T1"]["roles"], json!(["Reader", "Writer", "Guest"]));
    exchange(&api, &code).await.refused(401, "E062504");

    let again = sign_in(&api, "T1", &format!("{APPROVE}&groups=authors")).await;
    assert_eq!(again["firstSeen"], false);
    let roles = claims(&session_of(&again))["tenants"]["T1"]["roles"].clone();
    assert_eq!(roles, json!(["Writer", "Guest"]), "a role goes with its group");
}

#[tokio::test]
async fn roles_that_no_group_brings_stay_and_ranks_let_one_group_count() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    api.role("Boss").await;
    let tenants = json!([{"tenantId": "T1", "roleNames": ["Boss", "Writer"]}]);
    api.user(json!({"loginId": ADA, "email": ADA, "userTenants": tenants})).await;
    let session = sign_in(&api, "T1", &format!("{APPROVE}&groups=staff")).await;
    let roles = claims(&session_of(&session))["tenants"]["T1"]["roles"].clone();
    assert_eq!(roles, json!(["Boss", "Reader", "Guest"]));
    let mapping = json!({
        "tenantId": "T1", "groupsPriority": ["authors", "staff"], "attributeMapping": {"group": "memberOf"},
        "roleMappings": [{"groups": ["staff"], "roleName": "Reader"}, {"groups": ["authors"], "roleName": "Writer"}],
    });
    api.manage("/v1/mgmt/sso/mapping", mapping).await.ok();
    let session = sign_in(&api, "T1", &format!("{APPROVE}&groups=staff,authors")).await;
    let roles = claims(&session_of(&session))["tenants"]["T1"]["roles"].clone();
    assert!(roles.to_string().contains("Writer") && !roles.to_string().contains("Reader"), "{roles}");
}

#[tokio::test]
async fn groups_are_listed_and_their_roles_are_worked_out_anew() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    let ask = async |path: &str, body: Value| api.manage(&format!("/v1/mgmt/group/{path}"), body).await;
    assert_eq!(ask("all", json!({"tenantId": "T1"})).await.ok(), json!([]));
    let session = sign_in(&api, "T1", &format!("{APPROVE}&groups=staff,authors")).await;
    sign_in(&api, "T1", "&outcome=approve&email=bob%40example.com&groups=staff").await;
    let all = ask("all", json!({"tenantId": "T1"})).await.ok();
    let names: Vec<&str> = all.as_array().expect("a list").iter().map(|group| text(&group["display"])).collect();
    assert_eq!(names, ["authors", "staff"]);
    assert_eq!((&all[0]["source"], &all[0]["ssoId"]), (&json!("jit"), &json!("default_ssoid")));
    assert_eq!(all[0]["members"][0]["userId"], session["user"]["userId"]);
    assert_eq!(all[1]["members"].as_array().map(Vec::len), Some(2));
    let of_bob = ask("member/all", json!({"tenantId": "T1", "loginIds": ["bob@example.com"]})).await.ok();
    assert_eq!((&of_bob[0]["display"], of_bob.as_array().map(Vec::len)), (&json!("staff"), Some(1)));
    let one = ask("members", json!({"tenantId": "T1", "groupId": all[0]["id"]})).await.ok();
    assert_eq!(one[0]["members"][0]["loginID"].as_str().or(one[0]["members"][0]["loginId"].as_str()), Some(ADA));
    ask("all", json!({"tenantId": "T1", "ssoId": "other"})).await.refused(404, "E990404");

    let mapping = json!({
        "tenantId": "T1", "attributeMapping": {"group": "memberOf"},
        "roleMappings": [{"groups": ["authors"], "roleName": "Reader"}, {"groups": ["boss"], "roleName": "Writer"}],
    });
    api.manage("/v1/mgmt/sso/mapping", mapping).await.ok();
    let roles = async |login_id: &str| api.user_now(login_id).await["userTenants"][0]["roleNames"].clone();
    assert_eq!(roles(ADA).await, json!(["Reader", "Writer", "Guest"]), "as before");
    api.manage("/v1/mgmt/sso/recalculate-mappings", json!({"tenantId": "T1"})).await.ok();
    assert_eq!(roles(ADA).await, json!(["Reader", "Guest"]));
    assert_eq!(roles("bob@example.com").await, json!(["Guest"]));
    let other = json!({"tenantId": "T1", "ssoId": "other"});
    api.manage("/v1/mgmt/sso/recalculate-mappings", other).await.refused(404, "E990404");
}

#[tokio::test]
async fn a_member_signs_in_by_oidc_with_mapped_claims() {
    let api = Api::start().await;
    let mapping = json!({"loginId": "upn", "email": "mail", "name": "cn", "verifiedEmail": "proven", "group": "grp",
        "customAttributes": {"desk": "room"}});
    let groups = json!([{"groups": ["g"], "roleName": "Reader"}]);
    oidc(&api, json!({"name": "Okta", "clientId": "c", "userAttrMapping": mapping, "roleMappings": groups})).await;
    let more = "%7B%22upn%22%3A%22ada%22%2C%22proven%22%3Afalse%2C%22room%22%3A%227b%22%7D";
    let session = sign_in(&api, "T1", &format!("{APPROVE}&groups=g&claims={more}")).await;
    let user = &session["user"];
    assert_eq!(
        (&user["loginIds"], &user["email"], &user["verifiedEmail"]),
        (&json!(["ada"]), &json!(ADA), &json!(false))
    );
    assert_eq!((&user["OIDC"], &user["customAttributes"]), (&json!(true), &json!({"desk": "7b"})));
    let said = &session["idpResponse"]["idpOIDCClaims"];
    assert_eq!((&said["sub"], &said["cn"], &said["grp"]), (&json!(ADA), &json!("Ada"), &json!(["g"])));
    let token = claims(&session_of(&session));
    assert_eq!((&token["amr"], &token["tenants"]["T1"]["roles"]), (&json!(["oidc"]), &json!(["Reader"])));
}

#[tokio::test]
async fn without_a_mapping_the_usual_claims_count() {
    let api = Api::start().await;
    oidc(&api, json!({"name": "Okta", "clientId": "c", "roleMappings": [{"groups": ["g"], "roleName": "Reader"}]}))
        .await;
    let session = sign_in(&api, "T1", &format!("{APPROVE}&groups=g")).await;
    let user = &session["user"];
    assert_eq!((&user["name"], &user["email"], &user["verifiedEmail"]), (&json!("Ada"), &json!(ADA), &json!(true)));
    assert_eq!(claims(&session_of(&session))["tenants"]["T1"]["roles"], json!(["Reader"]));
}

#[tokio::test]
async fn a_tenant_is_found_by_an_email_address_of_its_domain() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    saml(&api, "T2").await;
    let session = sign_in(&api, "someone%40T2.example", APPROVE).await;
    assert_eq!(claims(&session_of(&session))["dct"], "T2");
    start(&api, "someone%40nowhere.example", "").await.refused(404, "E112202");
    start(&api, "T9", "").await.refused(404, "E112202");
}

#[tokio::test]
async fn the_older_addresses_do_the_same() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    let begun = api.post(&format!("/v1/auth/saml/authorize?tenant=T1&{PAGE}"), json!({})).await.ok();
    let code = walk(&begun, APPROVE).await.1;
    api.post("/v1/auth/oauth/exchange", json!({"code": code})).await.refused(401, "E062504");
    api.post("/v1/auth/saml/exchange", json!({"code": code})).await.ok();
    let begun = api.post("/v1/auth/saml/authorize?tenant=T1", json!({})).await.ok();
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let back = browser.get(format!("{}{APPROVE}", text(&begun["url"]))).send().await.expect("an answer");
    let back = back.headers()["location"].to_str().expect("text").to_owned();
    let end =
        browser.get(back).send().await.expect("an answer").headers()["location"].to_str().expect("text").to_owned();
    assert!(end.starts_with("https://app.example.com/tenant?code="), "the tenant's own page: {end}");
}

#[tokio::test]
async fn what_is_not_set_up_is_refused() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let why = start(&api, "T1", "").await.refused(400, "E011004");
    assert!(why.contains("not configured"), "{why}");
    saml(&api, "T2").await;
    start(&api, "T2", "&ssoId=other").await.refused(404, "E990404");
    start(&api, "T2", "&test=true").await.refused(501, "E990501");
    let other = json!({"tenantId": "T1"});
    api.post("/v1/auth/sso/authorize?tenant=T2", other).await.refused(400, "E011004");
    let only = json!({"tenantId": "T2", "settings": {
        "idpUrl": "https://idp.example.com/sso", "entityId": "e", "idpCert": "c", "authenticationOnly": true,
    }});
    api.manage("/v1/mgmt/sso/saml", only).await.ok();
    start(&api, "T2", "").await.refused(501, "E990501");
    api.post("/v1/auth/sso/authorize", json!({})).await.refused(400, "E011003");
    saml(&api, "T3").await;
    let disabled = json!({"id": "T3", "name": "Tenant T3", "disabled": true});
    api.manage("/v1/mgmt/tenant/update", disabled).await.ok();
    start(&api, "T3", "").await.refused(400, "E011004");
}

#[tokio::test]
async fn one_of_several_configurations_is_chosen() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    let new = json!({"tenantId": "T1", "ssoId": "okta", "displayName": "Okta of T1"});
    api.manage("/v1/mgmt/sso/settings/new", new).await.ok();
    start(&api, "T1", "&ssoId=okta").await.refused(400, "E011004");
    let settings = json!({"name": "Okta", "clientId": "c", "authUrl": "https://idp.example.com/auth"});
    api.manage("/v1/mgmt/sso/oidc", json!({"tenantId": "T1", "ssoId": "okta", "settings": settings})).await.ok();
    let code = walk(&start(&api, "T1", "&ssoId=okta").await.ok(), APPROVE).await.1;
    let session = exchange(&api, &code).await.ok();
    assert_eq!((&session["tenantSSOID"], &session["user"]["OIDC"]), (&json!("okta"), &json!(true)));
    let first = walk(&start(&api, "T1", "").await.ok(), APPROVE).await.1;
    assert_eq!(exchange(&api, &first).await.ok()["tenantSSOID"], "default_ssoid");
}

#[tokio::test]
async fn refusals_codes_that_are_late_and_other_accounts_do_not_sign_in() {
    let api = Api::start().await;
    saml(&api, "T1").await;
    let outcome = async |decision: &str, more: &str| walk(&start(&api, "T1", more).await.ok(), decision).await;
    assert_eq!(outcome("&outcome=refuse", "").await, ("err".to_owned(), "access_denied".to_owned()));
    assert_eq!(outcome("&outcome=fail", "").await, ("err".to_owned(), "server_error".to_owned()));
    assert_eq!(outcome("", "&prompt=none").await.1, "login_required");
    assert_eq!(outcome(APPROVE, "&initiatedEmail=bob%40example.com").await.0, "err");
    let begun = start(&api, "T1", "").await.ok();
    let junk = format!("{}{APPROVE}&claims=%5B%5D", text(&begun["url"]));
    api.send(api.http.get(junk)).await.refused(400, "E011003");
    let late = outcome(APPROVE, "").await.1;
    api.wait(181);
    exchange(&api, &late).await.refused(401, "E062504");
    exchange(&api, "nonsense").await.refused(401, "E062504");

    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    let step_up = json!({"stepup": true});
    let path = format!("/v1/auth/sso/authorize?tenant=T1&{PAGE}");
    api.post(&path, step_up.clone()).await.refused(401, "E011002");
    let begun = api.post_as(&bob, &path, step_up.clone()).await.ok();
    exchange(&api, &walk(&begun, APPROVE).await.1).await.refused(400, "E011004");
    let begun = api.post_as(&bob, &path, step_up).await.ok();
    let own = "&outcome=approve&email=bob%40example.com";
    let session = exchange(&api, &walk(&begun, own).await.1).await.ok();
    let token = claims(&session_of(&session));
    assert_eq!((&token["su"], &token["amr"]), (&json!(true), &json!(["email", "saml"])));

    api.manage("/v1/mgmt/user/update/status", json!({"loginId": "bob@example.com", "status": "disabled"})).await.ok();
    let code = walk(&start(&api, "T1", "").await.ok(), own).await.1;
    exchange(&api, &code).await.refused(403, "E111119");
}

#[tokio::test]
async fn the_tenants_own_page_can_be_where_the_browser_is_sent() {
    let api = Api::start().await;
    let auth = "https://idp.example.com/auth?x=1";
    oidc(&api, json!({"name": "Okta", "clientId": "c", "authUrl": auth, "scope": ["openid", "mail"]})).await;
    let settings = format!("{}/_emulator/settings", api.emulator.base_url());
    api.send(api.http.post(&settings).json(&json!({"oidcByTenantUrl": true}))).await.ok();
    let url = start(&api, "T1", "&loginHint=ada%40example.com&prompt=login").await.ok()["url"].clone();
    let url = url::Url::parse(text(&url)).expect("a URL");
    assert_eq!((url.host_str(), url.path()), (Some("idp.example.com"), "/auth"));
    let of = |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    for (name, value) in
        [("x", "1"), ("client_id", "c"), ("scope", "openid mail"), ("login_hint", ADA), ("prompt", "login")]
    {
        assert_eq!(of(name).as_deref(), Some(value), "{name}");
    }
    assert!(of("state").is_some_and(|state| state.len() == 32), "{url}");
    oidc_without_url(&api).await;
}

async fn oidc_without_url(api: &Api) {
    api.manage("/v1/mgmt/sso/oidc", json!({"tenantId": "T1", "settings": {"name": "x", "clientId": "c"}})).await.ok();
    start(api, "T1", "").await.refused(400, "E011004");
}
