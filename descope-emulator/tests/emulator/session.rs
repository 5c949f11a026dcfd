use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of, text};

#[tokio::test]
async fn a_session_is_refreshed_validated_and_ended() {
    let api = Api::start().await;
    let first = api.signed_in(ADA).await;
    let (refresh, session) = (refresh_of(&first), session_of(&first));
    api.wait(700);
    api.post_as(&session, "/v1/auth/validate", json!({})).await.refused(401, "E062504");
    let renewed = api.post_as(&refresh, "/v1/auth/refresh", json!({})).await.ok();
    let fresh = session_of(&renewed);
    assert_eq!(claims(&fresh)["sub"], claims(&session)["sub"]);
    assert_eq!(renewed["refreshJwt"], first["refreshJwt"]);
    let valid = api.post_as(&fresh, "/v1/auth/validate", json!({})).await.ok();
    assert_eq!(valid["parsedJWT"], claims(&fresh));
    assert_eq!(api.get_as(&refresh, "/v1/auth/me").await.ok()["userId"], first["user"]["userId"]);
    let history = api.get_as(&refresh, "/v1/auth/me/history").await.ok();
    assert_eq!(history.as_array().map(Vec::len), Some(1));
    assert_eq!(history[0]["userId"], first["user"]["userId"]);

    let out = api.post_as(&refresh, "/v1/auth/logout", json!({})).await.ok();
    assert_eq!((&out["sessionJwt"], &out["refreshJwt"]), (&json!(""), &json!("")));
    let message = api.get_as(&refresh, "/v1/auth/me").await.refused(401, "E064001");
    assert_eq!(message, "Expired due to logout");
    api.post_as(&refresh, "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    api.post_as(&fresh, "/v1/auth/validate", json!({})).await.refused(401, "E064001");
}

#[tokio::test]
async fn logging_out_everywhere_ends_the_other_sessions_too() {
    let api = Api::start().await;
    let (one, two) = (refresh_of(&api.signed_in(ADA).await), refresh_of(&api.signed_in(ADA).await));
    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    api.send(api.request("POST", "/v1/auth/logoutall", Some(&one))).await.ok();
    for token in [&one, &two] {
        api.post_as(token, "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    }
    api.post_as(&bob, "/v1/auth/refresh", json!({})).await.ok();
}

#[tokio::test]
async fn one_logout_leaves_the_other_sessions_alone() {
    let api = Api::start().await;
    let (one, two) = (refresh_of(&api.signed_in(ADA).await), refresh_of(&api.signed_in(ADA).await));
    api.post_as(&one, "/v1/auth/logout", json!({})).await.ok();
    api.post_as(&two, "/v1/auth/refresh", json!({})).await.ok();
    let options = json!({"revokeOtherSessions": true});
    api.post("/v1/auth/otp/signin/email", json!({"loginId": ADA, "loginOptions": options})).await.ok();
    let code = api.code(ADA).await;
    let three = api.post("/v1/auth/otp/verify/email", json!({"loginId": ADA, "code": code})).await.ok();
    api.post_as(&two, "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    api.post_as(&refresh_of(&three), "/v1/auth/refresh", json!({})).await.ok();
}

#[tokio::test]
async fn tokens_of_the_wrong_kind_or_project_or_time_are_refused() {
    let api = Api::start().await;
    let first = api.signed_in(ADA).await;
    let (refresh, session) = (refresh_of(&first), session_of(&first));
    api.post_as(&session, "/v1/auth/refresh", json!({})).await.refused(401, "E062504");
    api.post_as(&refresh, "/v1/auth/validate", json!({})).await.refused(401, "E062504");
    let mut forged = refresh.clone();
    forged.insert(refresh.find('.').expect("a dot") + 5, 'A');
    for bad in ["nonsense", "a.b.c", &forged] {
        api.post_as(bad, "/v1/auth/refresh", json!({})).await.refused(401, "E062504");
    }
    let other = Api::start().await;
    other.post_as(&refresh, "/v1/auth/refresh", json!({})).await.refused(401, "E062504");
    api.wait(28 * 24 * 3600);
    api.post_as(&refresh, "/v1/auth/refresh", json!({})).await.refused(401, "E062504");
}

#[tokio::test]
async fn trying_to_refresh_never_fails_for_a_bad_token() {
    let api = Api::start().await;
    let path = "/v1/auth/try-refresh";
    assert_eq!(api.post(path, json!({})).await.ok()["sessionJwt"], Value::Null);
    for bad in ["nonsense", "a.b.c"] {
        assert_eq!(api.post_as(bad, path, json!({})).await.ok()["sessionJwt"], Value::Null);
    }
    let refresh = refresh_of(&api.signed_in(ADA).await);
    assert!(api.post_as(&refresh, path, json!({})).await.ok()["sessionJwt"].is_string());
    api.post_as(&refresh, "/v1/auth/logout", json!({})).await.ok();
    assert_eq!(api.post_as(&refresh, path, json!({})).await.ok()["sessionJwt"], Value::Null);
}

#[tokio::test]
async fn a_user_selects_one_of_their_tenants() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.tenant("T2").await;
    let tenants = json!([{"tenantId": "T1", "roleNames": ["Tenant Admin"]}, {"tenantId": "T2"}]);
    api.manage("/v1/mgmt/user/create", json!({"loginId": ADA, "userTenants": tenants})).await.ok();
    let first = api.signed_in(ADA).await;
    let token = claims(&session_of(&first));
    assert!(token.get("dct").is_none());
    assert_eq!(token["tenants"]["T1"]["roles"], json!(["Tenant Admin"]));
    let refresh = refresh_of(&first);
    api.post_as(&refresh, "/v1/auth/tenant/select", json!({"tenant": "T3"})).await.refused(400, "E011004");
    let selected = api.post_as(&refresh, "/v1/auth/tenant/select", json!({"tenant": "T2"})).await.ok();
    assert_eq!(claims(&session_of(&selected))["dct"], "T2");
    assert_eq!(claims(&refresh_of(&selected))["dct"], "T2");
    let renewed = api.post_as(&refresh_of(&selected), "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&renewed))["dct"], "T2");
    let earlier = api.post_as(&refresh, "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&earlier)).get("dct"), None, "the token from before keeps its choice");
}

#[tokio::test]
async fn keys_are_published_in_both_forms_and_rotate() {
    let api = Api::start().await;
    let project = api.emulator.project_id().to_owned();
    let base = api.emulator.base_url().to_owned();
    let get = |path: String| api.send(api.http.get(format!("{base}{path}")));
    let set = get(format!("/v2/keys/{project}")).await.ok();
    let listed = get(format!("/v1/keys/{project}?certs=false")).await.ok();
    assert_eq!(set["keys"], listed);
    assert_eq!(
        (&listed[0]["alg"], &listed[0]["kty"], &listed[0]["use"]),
        (&json!("RS256"), &json!("RSA"), &json!("sig"))
    );
    get("/v2/keys/P2%3Aother".to_owned()).await.refused(404, "E011008");

    let refresh = refresh_of(&api.signed_in(ADA).await);
    let kid =
        |jwt: &str| crate::support::claims(&format!(".{}", jwt.split('.').next().unwrap_or_default()))["kid"].clone();
    assert_eq!(kid(&refresh), listed[0]["kid"]);
    api.emulator.rotate_keys();
    let renewed = api.post_as(&refresh, "/v1/auth/refresh", json!({})).await.ok();
    let rotated = get(format!("/v2/keys/{project}")).await.ok();
    assert_eq!(rotated["keys"].as_array().map(Vec::len), Some(1));
    assert_ne!(rotated["keys"][0]["kid"], listed[0]["kid"]);
    assert_eq!(kid(text(&renewed["sessionJwt"])), rotated["keys"][0]["kid"]);
}
