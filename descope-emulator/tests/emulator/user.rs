use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE, refresh_of};

const PATCH: &str = "/v1/mgmt/user/patch";

#[tokio::test]
async fn an_update_replaces_and_a_patch_merges() {
    let api = Api::start().await;
    api.role("Reader").await;
    api.tenant("T1").await;
    let body = json!({
        "loginId": ADA, "name": "Ada", "givenName": "A", "phone": PHONE, "roleNames": ["Reader"], "picture": "p",
        "customAttributes": {"a": 1, "b": 2}, "userTenants": [{"tenantId": "T1"}], "additionalIdentifiers": ["ada"],
    });
    api.user(body).await;
    api.wait(60);
    let change = json!({"loginId": ADA, "middleName": "M", "customAttributes": {"b": 3, "a": null}});
    let patched = api.manage_by("PATCH", PATCH, change).await.ok()["user"].clone();
    assert_eq!((&patched["name"], &patched["middleName"]), (&json!("Ada"), &json!("M")));
    assert_eq!((&patched["customAttributes"], &patched["roleNames"]), (&json!({"b": 3}), &json!(["Reader"])));
    assert!(patched["modifiedTime"].as_i64() > patched["createdTime"].as_i64());

    let cleared = json!({"loginId": ADA, "roleNames": [], "userTenants": [], "picture": "", "additionalLoginIds": []});
    let cleared = api.manage_by("PATCH", PATCH, cleared).await.ok()["user"].clone();
    assert_eq!(
        (&cleared["roleNames"], &cleared["userTenants"], &cleared["picture"]),
        (&json!([]), &json!([]), &json!(""))
    );
    assert_eq!(cleared["loginIds"], json!([ADA]));

    let nulls = json!({"loginId": ADA, "displayName": "Countess", "email": null, "phone": null, "roleNames": null});
    let updated = api.manage("/v1/mgmt/user/update", nulls).await.ok()["user"].clone();
    assert_eq!(
        (&updated["name"], &updated["givenName"], &updated["phone"]),
        (&json!("Countess"), &json!(""), &json!(""))
    );
    assert_eq!((&updated["email"], &updated["verifiedEmail"]), (&json!(ADA), &json!(true)));
    assert_eq!(updated["customAttributes"], json!({}));
}

#[tokio::test]
async fn a_patched_address_counts_as_proven_unless_it_is_said_not_to() {
    let api = Api::start().await;
    api.user(json!({"loginId": ADA})).await;
    let body = json!({"loginId": ADA, "phone": PHONE, "recoveryEmail": "r@example.com"});
    let user = api.manage_by("PATCH", PATCH, body).await.ok()["user"].clone();
    assert_eq!((&user["phone"], &user["verifiedPhone"]), (&json!(PHONE), &json!(true)));
    assert_eq!(user["verifiedRecoveryEmail"], true);
    let body = json!({"loginId": ADA, "email": "b@example.com", "verifiedEmail": false, "scim": true});
    let user = api.manage_by("PATCH", PATCH, body).await.ok()["user"].clone();
    assert_eq!(
        (&user["verifiedEmail"], &user["verifiedPhone"], &user["SCIM"]),
        (&json!(false), &json!(true), &json!(true))
    );
    let body = json!({"loginId": ADA, "phone": ""});
    let user = api.manage_by("PATCH", PATCH, body).await.ok()["user"].clone();
    assert_eq!((&user["phone"], &user["verifiedPhone"]), (&json!(""), &json!(false)));
}

#[tokio::test]
async fn changes_that_cannot_be_are_refused_and_change_nothing() {
    let api = Api::start().await;
    api.user(json!({"loginId": ADA, "phone": PHONE})).await;
    api.user(json!({"loginId": "bob"})).await;
    let before = api.user_now(ADA).await;
    for (body, status, code) in [
        (json!({"loginId": "nobody", "name": "x"}), 404, "E112102"),
        (json!({"loginId": ADA, "email": "nonsense"}), 400, "E011003"),
        (json!({"loginId": ADA, "phone": "nonsense"}), 400, "E011003"),
        (json!({"loginId": ADA, "recoveryPhone": "nonsense"}), 400, "E011003"),
        (json!({"loginId": ADA, "status": "odd"}), 400, "E011003"),
        (json!({"loginId": ADA, "name": "x", "roleNames": ["Nobody's"]}), 404, "E990404"),
        (json!({"loginId": ADA, "userTenants": [{"tenantId": "T9"}]}), 404, "E112202"),
        (json!({"loginId": ADA, "additionalIdentifiers": ["bob"]}), 400, "E062107"),
        (json!({"loginId": ADA, "test": true}), 404, "E112102"),
        (json!({"loginId": ADA, "familyAssociations": [{"familyId": "F1"}]}), 400, "E011004"),
    ] {
        api.manage_by("PATCH", PATCH, body.clone()).await.refused(status, code);
        api.manage("/v1/mgmt/user/update", body).await.refused(status, code);
    }
    assert_eq!(api.user_now(ADA).await, before);
    let scoped = format!("{PATCH}?tenant=T1");
    api.manage_by("PATCH", &scoped, json!({"loginId": ADA, "name": "x"})).await.refused(404, "E112102");
}

#[tokio::test]
async fn single_things_are_set_and_taken_away() {
    let api = Api::start().await;
    let made = api.user(json!({"loginId": ADA, "additionalLoginIds": ["ada"]})).await;
    let set = async |what: &str, body: Value| {
        api.manage(&format!("/v1/mgmt/user/update/{what}"), body).await.ok()["user"].clone()
    };
    let user = set("loginid", json!({"loginId": "ada", "newLoginId": "lovelace"})).await;
    assert_eq!(user["loginIds"], json!([ADA, "lovelace"]));
    assert_eq!(set("loginid", json!({"loginId": "lovelace"})).await["loginIds"], json!([ADA]));
    let user = set("email", json!({"loginId": ADA, "email": "new@example.com"})).await;
    assert_eq!((&user["email"], &user["verifiedEmail"]), (&json!("new@example.com"), &json!(false)));
    assert_eq!(set("email", json!({"loginId": made["userId"], "email": ""})).await["email"], "");
    let user = set("phone", json!({"loginId": ADA, "phone": PHONE, "verified": true})).await;
    assert_eq!((&user["phone"], &user["verifiedPhone"]), (&json!(PHONE), &json!(true)));
    let user = set("name", json!({"loginId": ADA, "displayName": "Ada", "familyName": "L"})).await;
    assert_eq!((&user["name"], &user["familyName"]), (&json!("Ada"), &json!("L")));
    assert_eq!(set("name", json!({"loginId": ADA, "familyName": ""})).await["name"], "Ada");
    assert_eq!(set("name", json!({"loginId": ADA, "displayName": null})).await["name"], "");
    assert_eq!(set("picture", json!({"loginId": ADA, "picture": "https://x"})).await["picture"], "https://x");
    let user = set("recovery/email", json!({"loginId": ADA, "recoveryEmail": "r@example.com", "verified": true})).await;
    assert_eq!((&user["recoveryEmail"], &user["verifiedRecoveryEmail"]), (&json!("r@example.com"), &json!(true)));
    let user = set("recovery/phone", json!({"loginId": ADA, "recoveryPhone": PHONE})).await;
    assert_eq!((&user["recoveryPhone"], &user["verifiedRecoveryPhone"]), (&json!(PHONE), &json!(false)));
    let body = json!({"loginId": ADA, "attributeKey": "k", "attributeValue": [1]});
    assert_eq!(set("customAttribute", body).await["customAttributes"], json!({"k": [1]}));
    let body = json!({"loginId": ADA, "attributeKey": "k"});
    assert_eq!(set("customAttribute", body).await["customAttributes"], json!({}));
    assert_eq!(set("status", json!({"loginId": ADA, "status": "disabled"})).await["status"], "disabled");
    api.post("/v1/auth/otp/signin/sms", json!({"loginId": ADA})).await.refused(403, "E111119");
    assert_eq!(set("status", json!({"loginId": ADA, "status": "enabled"})).await["status"], "enabled");

    api.user(json!({"loginId": "bob@example.com", "phone": "+15550002222"})).await;
    for (what, body, status, code) in [
        ("loginid", json!({"loginId": ADA}), 400, "E011004"),
        ("loginid", json!({"loginId": made["userId"], "newLoginId": "x"}), 400, "E011004"),
        ("loginid", json!({"loginId": ADA, "newLoginId": "bob@example.com"}), 400, "E062107"),
        ("loginid", json!({"loginId": "nobody", "newLoginId": "x"}), 404, "E112102"),
        ("email", json!({"loginId": ADA, "email": "bob@example.com", "failOnConflict": true}), 400, "E062107"),
        ("email", json!({"loginId": ADA, "email": "nonsense"}), 400, "E011003"),
        ("phone", json!({"loginId": ADA, "phone": "+15550002222", "failOnConflict": true}), 400, "E062107"),
        ("phone", json!({"loginId": ADA, "phone": "x"}), 400, "E011003"),
        ("name", json!({"loginId": "nobody"}), 404, "E112102"),
        ("customAttribute", json!({"loginId": ADA, "attributeKey": ""}), 400, "E011003"),
        ("recovery/email", json!({"loginId": ADA, "recoveryEmail": "x"}), 400, "E011003"),
        ("recovery/phone", json!({"loginId": ADA, "recoveryPhone": "x"}), 400, "E011003"),
        ("status", json!({"loginId": ADA, "status": "expired"}), 400, "E011003"),
    ] {
        api.manage(&format!("/v1/mgmt/user/update/{what}"), body).await.refused(status, code);
    }
    let body = json!({"loginId": ADA, "email": "bob@example.com"});
    assert_eq!(set("email", body).await["email"], "bob@example.com", "two users may have one address");
}

#[tokio::test]
async fn roles_tenants_and_applications_are_given_and_taken() {
    let api = Api::start().await;
    for role in ["Reader", "Writer"] {
        api.role(role).await;
    }
    api.tenant("T1").await;
    api.user(json!({"loginId": ADA})).await;
    let change = async |path: &str, body: Value| api.manage(&format!("/{path}"), body).await.ok()["user"].clone();
    let roles = |names: &[&str], tenant: &str| json!({"loginId": ADA, "roleNames": names, "tenantId": tenant});
    let user = change("v2/mgmt/user/update/role/add", roles(&["Reader"], "")).await;
    assert_eq!(user["roleNames"], json!(["Reader"]));
    let user = change("v1/mgmt/user/update/role/add", roles(&["Reader", "Writer"], "")).await;
    assert_eq!(user["roleNames"], json!(["Reader", "Writer"]));
    let user = change("v1/mgmt/user/update/role/remove", roles(&["Reader", "unknown"], "")).await;
    assert_eq!(user["roleNames"], json!(["Writer"]));
    let user = change("v1/mgmt/user/update/role/set", roles(&["Reader"], "")).await;
    assert_eq!(user["roleNames"], json!(["Reader"]));

    let in_tenant = "/v1/mgmt/user/update/role/set";
    api.manage(in_tenant, roles(&["Writer"], "T1")).await.refused(400, "E011004");
    api.manage(in_tenant, roles(&["Writer"], "T9")).await.refused(404, "E112202");
    api.manage(in_tenant, roles(&["Nobody's"], "")).await.refused(404, "E990404");
    change("v1/mgmt/user/update/tenant/add", json!({"loginId": ADA, "tenantId": "T1"})).await;
    let user = change("v2/mgmt/user/update/role/add", roles(&["Tenant Admin"], "T1")).await;
    assert_eq!(user["userTenants"][0]["roleNames"], json!(["Tenant Admin"]));
    let again = change("v1/mgmt/user/update/tenant/add", json!({"loginId": ADA, "tenantId": "T1"})).await;
    assert_eq!(again["userTenants"], user["userTenants"]);
    let user = change("v1/mgmt/user/update/tenant/remove", json!({"loginId": ADA, "tenantId": "T1"})).await;
    assert_eq!(user["userTenants"], json!([]));
    for (tenant, status, code) in [("T1", 400, "E011004"), ("T9", 404, "E112202")] {
        let body = json!({"loginId": ADA, "tenantId": tenant});
        api.manage("/v1/mgmt/user/update/tenant/remove", body).await.refused(status, code);
    }
    let body = json!({"loginId": ADA, "tenantId": "T9"});
    api.manage("/v1/mgmt/user/update/tenant/add", body).await.refused(404, "E112202");

    let apps = |ids: &[&str]| json!({"loginId": ADA, "ssoAppIds": ids});
    change("v1/mgmt/user/update/ssoapp/set", apps(&["descope-default-oidc"])).await;
    let user = change("v1/mgmt/user/update/ssoapp/add", apps(&["A2"])).await;
    assert_eq!(user["ssoAppIds"], json!(["descope-default-oidc", "A2"]));
    let user = change("v1/mgmt/user/update/ssoapp/remove", apps(&["descope-default-oidc"])).await;
    assert_eq!(user["ssoAppIds"], json!(["A2"]));
    api.manage("/v1/mgmt/user/update/ssoapp/add", json!({"loginId": "x", "ssoAppIds": ["A"]}))
        .await
        .refused(404, "E112102");
}

#[tokio::test]
async fn past_sign_ins_are_told_and_sessions_ended() {
    let api = Api::start().await;
    let first = api.signed_in(ADA).await;
    api.wait(60);
    let second = api.signed_in(ADA).await;
    let bob = api.signed_in("bob@example.com").await;
    let ids = json!([first["user"]["userId"], bob["user"]["userId"], "U2unknown"]);
    let bare = api.manage("/v1/mgmt/user/history", ids.clone()).await.ok();
    assert_eq!(bare.as_array().map(Vec::len), Some(3));
    assert_eq!(bare[0]["userId"], first["user"]["userId"]);
    assert!(bare[0]["loginTime"].as_i64() > bare[1]["loginTime"].as_i64(), "newest first");
    let wrapped = api.manage("/v2/mgmt/user/history", json!({"userIds": ids})).await.ok();
    assert_eq!(wrapped["usersAuthHistory"], bare);

    let kinds = json!({"loginId": ADA, "sessionTypes": ["inbound"]});
    api.manage("/v1/mgmt/user/logout", kinds).await.refused(501, "E990501");
    api.manage("/v1/mgmt/user/logout", json!({})).await.refused(400, "E011003");
    api.manage("/v1/mgmt/user/logout", json!({"userId": "x"})).await.refused(404, "E112102");
    api.manage("/v1/mgmt/user/logout", json!({"loginId": ADA})).await.ok();
    for session in [&first, &second] {
        api.get_as(&refresh_of(session), "/v1/auth/me").await.refused(401, "E064001");
    }
    api.get_as(&refresh_of(&bob), "/v1/auth/me").await.ok();
    api.manage("/v1/mgmt/user/logout", json!({"userId": bob["user"]["userId"]})).await.ok();
    api.get_as(&refresh_of(&bob), "/v1/auth/me").await.refused(401, "E064001");
}

#[tokio::test]
async fn a_phone_number_is_the_same_however_it_is_written() {
    let api = Api::start().await;
    let user = api.user(json!({"loginId": "+1-555-123-4567", "recoveryPhone": "+1 (555) 000-2222"})).await;
    assert_eq!((&user["loginIds"], &user["phone"]), (&json!([PHONE]), &json!(PHONE)));
    assert_eq!(user["recoveryPhone"], "+15550002222");
    assert_eq!(api.user_now(PHONE).await, user);
    api.manage("/v1/mgmt/user/create", json!({"loginId": PHONE})).await.refused(400, "E062107");
    let found =
        api.manage("/v2/mgmt/user/search", json!({"phones": ["+1 555 1234567"], "loginId": "+1-5551234567"})).await;
    assert_eq!(found.ok()["total"], 1);
    api.post("/v1/auth/otp/signin/sms", json!({"loginId": "+1-555-123-4567"})).await.ok();
    let code = api.code(PHONE).await;
    api.post("/v1/auth/otp/verify/sms", json!({"loginId": PHONE, "code": code})).await.ok();
    let body = json!({"loginId": "+1-555-123-4567", "phone": "+1-555-000-3333"});
    assert_eq!(api.manage_by("PATCH", PATCH, body).await.ok()["user"]["phone"], "+15550003333");
    let body = json!({"loginId": "+1 5551234567", "newLoginId": "+1-555-000-4444"});
    assert_eq!(
        api.manage("/v1/mgmt/user/update/loginid", body).await.ok()["user"]["loginIds"],
        json!(["+15550004444"])
    );
    api.manage("/v1/mgmt/user/delete", json!({"loginId": "+1-555-000-4444"})).await.ok();
}
