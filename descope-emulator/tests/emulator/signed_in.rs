//! One call that gives a signed-in session.

use descope_emulator::SessionRequest;
use serde_json::{Value, json};

use crate::support::{ADA, Api, PHONE, Reply, claims, refresh_of, text};

async fn session(api: &Api, body: Value) -> Reply {
    api.send(api.http.post(format!("{}/_emulator/session", api.emulator.base_url())).json(&body)).await
}

#[tokio::test]
async fn a_user_is_created_and_signed_in_by_one_call() {
    let api = Api::start().await;
    api.tenant("T1").await;
    api.tenant("T2").await;
    let asked =
        json!({"loginId": ADA, "name": "Ada", "tenant": "T1", "roles": ["Tenant Admin"], "claims": {"plan": "pro"}});
    let answer = session(&api, asked).await.ok();
    assert_eq!(
        (&answer["created"], &answer["user"]["name"], &answer["user"]["verifiedEmail"]),
        (&json!(true), &json!("Ada"), &json!(true))
    );
    let token = claims(text(&answer["sessionJwt"]));
    assert_eq!((&token["dct"], &token["plan"], &token["amr"]), (&json!("T1"), &json!("pro"), &json!(["email"])));
    assert_eq!(token["tenants"]["T1"]["roles"], json!(["Tenant Admin"]));
    // It is a session as any other.
    let refreshed = api.post_as(&refresh_of(&answer), "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(text(&refreshed["sessionJwt"]))["plan"], "pro");

    let again = session(&api, json!({"loginId": ADA, "tenant": "T2"})).await.ok();
    assert_eq!((&again["created"], &again["user"]["userId"]), (&json!(false), &answer["user"]["userId"]));
    assert_eq!(claims(text(&again["sessionJwt"]))["dct"], "T2");
    let known = api.user_now(ADA).await;
    assert_eq!(known["userTenants"].as_array().map(Vec::len), Some(2));
    let by_phone = session(&api, json!({"loginId": "+1 555 123-4567"})).await.ok();
    assert_eq!((&by_phone["user"]["phone"], &by_phone["user"]["verifiedPhone"]), (&json!(PHONE), &json!(true)));
    let other = session(&api, json!({"loginId": ADA, "project": "P2Other"})).await.ok();
    assert_eq!(claims(text(&other["sessionJwt"]))["iss"], "P2Other");
}

#[tokio::test]
async fn cookies_come_in_the_form_of_a_storage_state() {
    let api = Api::start().await;
    let settings =
        json!({"sessionCookieName": "S", "cookieSameSite": "Lax", "cookieSecure": true, "sessionSeconds": 300});
    api.send(api.http.post(format!("{}/_emulator/settings", api.emulator.base_url())).json(&settings)).await.ok();
    let answer = session(&api, json!({"loginId": ADA})).await.ok();
    let cookie = &answer["cookies"][0];
    let expires = cookie["expires"].as_i64().expect("seconds");
    assert_eq!(
        cookie,
        &json!({
            "name": "S", "value": answer["sessionJwt"], "domain": "127.0.0.1", "path": "/", "expires": expires,
            "httpOnly": true, "secure": true, "sameSite": "Lax",
        })
    );
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()).expect("a time");
    assert!((now + 290..=now + 301).contains(&expires), "{expires}");
    assert_eq!((&answer["cookies"][1]["name"], &answer["cookies"][1]["value"]), (&json!("DSR"), &answer["refreshJwt"]));
    assert_eq!(answer["storageState"], json!({"cookies": answer["cookies"], "origins": []}));

    let answer = session(&api, json!({"loginId": ADA, "origin": "https://app.example.com:8443/home"})).await.ok();
    assert_eq!(answer["cookies"][1]["domain"], "app.example.com");
    let stored = json!([{"name": "DS", "value": answer["sessionJwt"]}, {"name": "DSR", "value": answer["refreshJwt"]}]);
    let origin = json!([{"origin": "https://app.example.com:8443", "localStorage": stored}]);
    assert_eq!(answer["storageState"]["origins"], origin);
    // A cookie of such a session is taken as any other.
    let me = api.request("GET", "/v1/auth/me", None).header("cookie", format!("DSR={}", refresh_of(&answer)));
    assert_eq!(api.send(me).await.ok()["userId"], answer["user"]["userId"]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_leaves_no_trace() {
    let api = Api::start().await;
    for (body, status, part) in [
        (json!({}), 400, "loginId"),
        (json!({"loginId": 5}), 400, "loginId"),
        (json!({"loginId": ADA, "tenant": "T9"}), 404, "T9"),
        (json!({"loginId": ADA, "roles": ["Nobody"]}), 404, "Nobody"),
        (json!({"loginId": ADA, "roles": "Nobody"}), 400, "roles"),
        (json!({"loginId": ADA, "claims": []}), 400, "claims"),
        (json!({"loginId": ADA, "claims": {"sub": "x"}}), 400, "claims.sub"),
        (json!({"loginId": ADA, "origin": "localhost"}), 400, "origin"),
        (json!({"loginId": ADA, "project": "a b"}), 404, "project"),
        (json!({"loginId": ADA, "tenannt": "T1"}), 400, "tenannt"),
    ] {
        let reply = session(&api, body.clone()).await;
        assert_eq!(reply.status, status, "{body} {}", reply.body);
        assert!(text(&reply.body["errorMessage"]).contains(part), "{body} {}", reply.body);
    }
    api.load_user(ADA).await.refused(404, "E112102");
    let ada = api.emulator.sign_in(&SessionRequest::new(ADA)).expect("signed in");
    assert!(!format!("{ada:?}").contains(ada.session_jwt.expose()));
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "disabled"})).await.ok();
    let error = api.emulator.sign_in(&SessionRequest::new(ADA)).expect_err("refused");
    assert!(error.to_string().contains("disabled"));
}
