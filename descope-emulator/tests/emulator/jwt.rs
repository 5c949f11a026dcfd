use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of, text};

const UPDATE: &str = "/v1/mgmt/jwt/update";
const SIGN_IN: &str = "/v1/mgmt/auth/signin";

fn lifetime(claims: &Value) -> i64 {
    claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat")
}

#[tokio::test]
async fn the_back_end_signs_users_in_without_asking_them() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.user(json!({"loginId": ADA, "userTenants": [{"tenantId": "T1"}]})).await;
    let body =
        json!({"loginId": ADA, "customClaims": {"plan": "pro"}, "refreshDuration": 3600, "selectedTenantId": "T1"});
    let session = api.manage(SIGN_IN, body).await.ok();
    let token = claims(&session_of(&session));
    assert_eq!(
        (&token["plan"], &token["dct"], &token["sub"]),
        (&json!("pro"), &json!("T1"), &session["user"]["userId"])
    );
    assert_eq!(lifetime(&claims(&refresh_of(&session))), 3600);
    let renewed = api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&renewed))["plan"], "pro");

    let stepup = json!({"loginId": ADA, "stepup": true, "mfa": true, "jwt": refresh_of(&session)});
    let stronger = claims(&session_of(&api.manage(SIGN_IN, stepup).await.ok()));
    assert_eq!((&stronger["su"], &stronger["amr"]), (&json!(true), &json!(["management", "mfa"])));
    api.manage(SIGN_IN, json!({"loginId": ADA, "revokeOtherSessions": true})).await.ok();
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.refused(401, "E064001");

    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    for (body, status, code) in [
        (json!({"loginId": "nobody"}), 404, "E112102"),
        (json!({"loginId": ADA, "stepup": true}), 400, "E011003"),
        (json!({"loginId": ADA, "stepup": true, "jwt": bob}), 400, "E011004"),
        (json!({"loginId": ADA, "stepup": true, "jwt": "x"}), 401, "E062504"),
        (json!({"loginId": ADA, "jwt": bob}), 400, "E011004"),
        (json!({"loginId": ADA, "selectedTenantId": "T2"}), 400, "E011004"),
        (json!({"loginId": ADA, "refreshDuration": -1}), 400, "E011004"),
        (json!({"loginId": ADA, "revokeOtherSessionsTypes": ["x"]}), 501, "E990501"),
    ] {
        api.manage(SIGN_IN, body).await.refused(status, code);
    }
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "disabled"})).await.ok();
    api.manage(SIGN_IN, json!({"loginId": ADA})).await.refused(403, "E111119");
}

#[tokio::test]
async fn the_back_end_signs_users_up() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let body = json!({
        "loginId": ADA, "user": {"name": "Ada", "verifiedEmail": true, "ssoAppIds": ["A1"]},
        "userTenants": [{"tenantId": "T1"}], "selectedTenantId": "T1", "customClaims": {"plan": "pro"},
    });
    let session = api.manage("/v1/mgmt/auth/signup", body.clone()).await.ok();
    let user = &session["user"];
    assert_eq!((&session["firstSeen"], &user["name"], &user["email"]), (&json!(true), &json!("Ada"), &json!(ADA)));
    assert_eq!((&user["verifiedEmail"], &user["ssoAppIds"]), (&json!(true), &json!(["A1"])));
    assert_eq!(claims(&session_of(&session))["dct"], "T1");
    api.manage("/v1/mgmt/auth/signup", body.clone()).await.refused(400, "E062107");
    let mut other = body;
    other["user"]["name"] = json!("Somebody");
    let again = api.manage("/v1/mgmt/auth/signup-in", other).await.ok();
    assert_eq!((&again["firstSeen"], &again["user"]["name"]), (&json!(false), &json!("Ada")));
    let new = json!({"loginId": "bob@example.com", "emailVerified": false});
    let new = api.manage("/v1/mgmt/auth/signup-in", new).await.ok();
    assert_eq!((&new["firstSeen"], &new["user"]["verifiedEmail"]), (&json!(true), &json!(false)));
    for (body, status, code) in [
        (json!({"loginId": "c", "user": {"loginId": "d"}}), 400, "E011004"),
        (json!({"loginId": "c", "user": {"email": "nonsense"}}), 400, "E011003"),
        (json!({"loginId": "c", "userTenants": [{"tenantId": "T9"}]}), 404, "E112202"),
        (json!({"loginId": "c", "selectedTenantId": "T1"}), 400, "E011004"),
    ] {
        api.manage("/v1/mgmt/auth/signup", body).await.refused(status, code);
    }
    api.load_user("c").await.refused(404, "E112102");
}

#[tokio::test]
async fn tokens_get_further_claims_and_what_the_user_may_now() {
    let api = Api::start().await;
    api.role("Reader").await;
    let session = api.signed_in(ADA).await;
    api.manage("/v1/mgmt/user/update/role/add", json!({"loginId": ADA, "roleNames": ["Reader"]})).await.ok();
    let body = json!({"jwt": session_of(&session), "customClaims": {"plan": "pro", "sub": "x"}});
    let updated = api.manage(UPDATE, body).await.ok();
    let (old, new) = (claims(&session_of(&session)), claims(text(&updated["jwt"])));
    assert_eq!((&new["plan"], &new["roles"], &new["sub"]), (&json!("pro"), &json!(["Reader"]), &old["sub"]));
    assert_eq!((&new["drn"], &new["exp"]), (&json!("DS"), &old["exp"]));
    api.post_as(text(&updated["jwt"]), "/v1/auth/validate", json!({})).await.ok();
    let plain = api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&plain))["plan"], Value::Null);

    let body = json!({"jwt": refresh_of(&session), "customClaims": {"plan": "pro"}, "refreshDuration": 60});
    let refresh = text(&api.manage(UPDATE, body).await.ok()["jwt"]).to_owned();
    assert_eq!((&claims(&refresh)["drn"], lifetime(&claims(&refresh))), (&json!("DSR"), 60));
    let renewed = api.post_as(&refresh, "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&renewed))["plan"], "pro");
    let again = json!({"jwt": session_of(&renewed)});
    assert_eq!(claims(text(&api.manage(UPDATE, again).await.ok()["jwt"]))["plan"], "pro", "claims stay");

    api.manage(UPDATE, json!({"jwt": "x.y.z"})).await.refused(401, "E062504");
    api.manage(UPDATE, json!({"jwt": refresh, "refreshDuration": -1})).await.refused(400, "E011004");
    api.post_as(&refresh, "/v1/auth/logout", json!({})).await.ok();
    api.manage(UPDATE, json!({"jwt": refresh})).await.refused(401, "E064001");
}

#[tokio::test]
async fn the_token_of_an_access_key_gets_claims_too() {
    let api = Api::start().await;
    let key = api.manage("/v1/mgmt/accesskey/create", json!({"name": "k", "customClaims": {"a": 1}})).await.ok();
    let token = api.post_as(text(&key["cleartext"]), "/v1/auth/accesskey/exchange", json!({})).await.ok();
    let body = json!({"jwt": session_of(&token), "customClaims": {"b": 2}});
    let updated = claims(text(&api.manage(UPDATE, body).await.ok()["jwt"]));
    assert_eq!((&updated["a"], &updated["b"], &updated["sub"]), (&json!(1), &json!(2), &key["key"]["id"]));
}

#[tokio::test]
async fn a_visitor_has_a_session_and_is_no_user() {
    let api = Api::start().await;
    api.role("Guest").await;
    api.tenant("T1").await;
    let path = "/v1/mgmt/auth/anonymous";
    let body = json!({"customClaims": {"cart": 7}, "roles": ["Guest"], "selectedTenant": "T1", "refreshDuration": 600});
    let session = api.manage(path, body).await.ok();
    let token = claims(&session_of(&session));
    assert_eq!((&token["cart"], &token["roles"], &token["dct"]), (&json!(7), &json!(["Guest"]), &json!("T1")));
    assert_eq!(session["cookieMaxAge"], 600);
    let renewed = api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.ok();
    let again = claims(&session_of(&renewed));
    assert_eq!((&again["sub"], &again["cart"], &again["dct"]), (&token["sub"], &json!(7), &json!("T1")));
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.refused(401, "E062108");
    assert_eq!(api.manage("/v2/mgmt/user/search", json!({})).await.ok()["total"], 0);
    api.post_as(&refresh_of(&session), "/v1/auth/logout", json!({})).await.ok();
    api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    api.manage(path, json!({"roles": ["Nobody's"]})).await.refused(404, "E990404");
    api.manage(path, json!({"selectedTenant": "T9"})).await.refused(404, "E112202");
}

#[tokio::test]
async fn the_project_shows_another_service_who_it_is() {
    let api = Api::start().await;
    let path = "/v1/mgmt/token/clientassertion";
    let body = |changes: Value| {
        let mut body =
            json!({"issuer": "c1", "subject": "c1", "audience": ["https://as.example.com"], "expiresIn": 300});
        for (name, value) in changes.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let token = claims(text(&api.manage(path, body(json!({}))).await.ok()["jwt"]));
    assert_eq!((&token["iss"], &token["aud"]), (&json!("c1"), &json!(["https://as.example.com"])));
    assert_eq!(lifetime(&token), 300);
    let flat = body(json!({"flattenAudience": true, "algorithm": "RS256"}));
    assert_eq!(claims(text(&api.manage(path, flat).await.ok()["jwt"]))["aud"], "https://as.example.com");
    for (changes, status, code) in [
        (json!({"algorithm": "ES256"}), 501, "E990501"),
        (json!({"issuer": ""}), 400, "E011003"),
        (json!({"audience": []}), 400, "E011003"),
        (json!({"expiresIn": 0}), 400, "E011004"),
        (json!({"audience": ["a", "b"], "flattenAudience": true}), 400, "E011004"),
    ] {
        api.manage(path, body(changes)).await.refused(status, code);
    }
}
