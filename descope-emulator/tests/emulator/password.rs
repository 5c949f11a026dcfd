use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of};

const GOOD: &str = "WASD+ijkl";
const SIGN_UP: &str = "/v1/auth/password/signup";
const SIGN_IN: &str = "/v1/auth/password/signin";
const REPLACE: &str = "/v1/auth/password/replace";
const SETTINGS: &str = "/v1/mgmt/password/settings";

fn with(password: &str) -> Value {
    json!({"loginId": ADA, "password": password})
}

async fn signed_up(api: &Api) -> Value {
    api.post(SIGN_UP, json!({"loginId": ADA, "password": GOOD, "user": {"name": "Ada"}})).await.ok()
}

/// The rules as they are at first, with some changes.
async fn configure(api: &Api, changes: Value) {
    let key = api.emulator.management_key().to_owned();
    let mut settings = api.get_as(&key, SETTINGS).await.ok();
    for (name, value) in changes.as_object().expect("an object") {
        settings[name] = value.clone();
    }
    api.manage(SETTINGS, settings).await.ok();
}

#[tokio::test]
async fn a_password_signs_up_and_in() {
    let api = Api::start().await;
    let session = signed_up(&api).await;
    assert_eq!((&session["firstSeen"], &session["user"]["name"]), (&json!(true), &json!("Ada")));
    assert_eq!((&session["user"]["email"], &session["user"]["verifiedEmail"]), (&json!(ADA), &json!(false)));
    assert_eq!(session["user"]["password"], true);
    assert_eq!(claims(&session_of(&session))["amr"], json!(["pwd"]));
    let options = json!({"loginId": ADA, "password": GOOD, "loginOptions": {"customClaims": {"a": 1}}});
    let again = api.post(SIGN_IN, options).await.ok();
    assert_eq!(again["firstSeen"], false);
    assert_eq!(claims(&session_of(&again))["nsec"], json!({"a": 1}));
    assert!(!api.emulator.inbox().messages().iter().any(|_| true), "nothing is sent");

    api.post(SIGN_UP, with(GOOD)).await.refused(400, "E062107");
    let message = api.post(SIGN_IN, with("WASD+ijkx")).await.refused(401, "E062903");
    assert_eq!(message, "Invalid signin credentials");
    let unknown = json!({"loginId": "nobody", "password": GOOD});
    assert_eq!(api.post(SIGN_IN, unknown).await.refused(401, "E062903"), message, "nobody learns who is there");
    api.user(json!({"loginId": "bob"})).await;
    api.post(SIGN_IN, json!({"loginId": "bob", "password": "x"})).await.refused(401, "E062903");
}

#[tokio::test]
async fn a_user_can_be_created_with_a_password_or_with_a_hash() {
    let api = Api::start().await;
    api.manage("/v1/mgmt/user/create", with("weak")).await.refused(400, "E011004");
    api.load_user(ADA).await.refused(404, "E112102");
    assert_eq!(api.user(with(GOOD)).await["password"], true);
    api.post(SIGN_IN, with(GOOD)).await.ok();

    let hash = json!({"md5": {"hash": "5ebe2294ecd0e0f08eab7690d2a6ee69"}});
    let both = json!({"loginId": "bob", "password": GOOD, "hashedPassword": hash});
    api.manage("/v1/mgmt/user/create", both).await.refused(400, "E011004");
    api.user(json!({"loginId": "bob", "hashedPassword": hash})).await;
    let sign_in = json!({"loginId": "bob", "password": "secret"});
    api.post(SIGN_IN, sign_in.clone()).await.ok();
    api.post(SIGN_IN, sign_in).await.ok();
    let odd = json!({"loginId": "cleo", "hashedPassword": {"buddyauth": {"hash": "x"}}});
    let message = api.manage("/v1/mgmt/user/create", odd).await.refused(501, "E990501");
    assert!(message.contains("buddyauth"), "{message}");
}

#[tokio::test]
async fn disabled_users_and_switched_off_passwords_let_nobody_in() {
    let api = Api::start().await;
    signed_up(&api).await;
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "disabled"})).await.ok();
    api.post(SIGN_IN, with(GOOD)).await.refused(403, "E111119");
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "enabled"})).await.ok();
    configure(&api, json!({"enabled": false})).await;
    api.post(SIGN_IN, with(GOOD)).await.refused(400, "E011004");
    api.post(SIGN_UP, json!({"loginId": "bob", "password": GOOD})).await.refused(400, "E011004");
    api.load_user("bob").await.refused(404, "E112102");
}

#[tokio::test]
async fn the_rules_are_told_and_kept() {
    let api = Api::start().await;
    let project = api.emulator.project_id().to_owned();
    let policy = api.http.get(format!("{}/v1/auth/password/policy", api.emulator.base_url())).bearer_auth(project);
    let policy = api.send(policy).await.ok();
    assert_eq!(
        (&policy["minLength"], &policy["nonAlphanumeric"], &policy["number"]),
        (&json!(8), &json!(true), &json!(false))
    );
    for weak in ["A!a4", "Aaa456789", "wasd+ijkl"] {
        api.post(SIGN_UP, with(weak)).await.refused(400, "E011004");
    }
    configure(&api, json!({"number": true, "minLength": 10})).await;
    let message = api.post(SIGN_UP, with("WASD+ijklm")).await.refused(400, "E011004");
    assert!(message.contains("digit"), "{message}");
    api.post(SIGN_UP, with("WASD+ijkl5")).await.ok();
}

#[tokio::test]
async fn a_tenant_may_have_rules_of_its_own() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let key = api.emulator.management_key().to_owned();
    let of_tenant = format!("{SETTINGS}?tenantId=T1");
    let inherited = api.get_as(&key, &of_tenant).await.ok();
    assert_eq!((&inherited["tenantId"], &inherited["minLength"]), (&json!("T1"), &json!(8)));
    api.manage(SETTINGS, json!({"tenantId": "T1", "enabled": true, "minLength": 4})).await.ok();
    let own = api.get_as(&key, &of_tenant).await.ok();
    assert_eq!((&own["minLength"], &own["uppercase"]), (&json!(4), &json!(null)), "what is left out is off");
    assert_eq!(api.get_as(&key, SETTINGS).await.ok()["minLength"], 8);
    let user = |tenants: Value| json!({"loginId": ADA, "password": "easy", "userTenants": tenants});
    api.manage("/v1/mgmt/user/create", user(json!([]))).await.refused(400, "E011004");
    api.user(user(json!([{"tenantId": "T1"}]))).await;

    api.get_as(&key, &format!("{SETTINGS}?tenantId=T9")).await.refused(404, "E112202");
    for (body, status, code) in [
        (json!({"tenantId": "T9", "enabled": true}), 404, "E112202"),
        (json!({"minLength": -1}), 400, "E011004"),
        (json!({"lock": true}), 400, "E011004"),
        (json!({"enablePasswordStrength": true, "passwordStrengthScore": 5}), 400, "E011004"),
        (json!({"expiration": true, "expirationWeeks": 0}), 400, "E011004"),
    ] {
        api.manage(SETTINGS, body).await.refused(status, code);
    }
}

#[tokio::test]
async fn passwords_expire_and_are_replaced_by_new_ones() {
    let api = Api::start().await;
    api.emulator.clock().freeze();
    configure(&api, json!({"expiration": true, "expirationWeeks": 1, "reuse": true, "reuseAmount": 2})).await;
    let first = signed_up(&api).await;
    api.wait(7 * 24 * 3600 - 1);
    api.post(SIGN_IN, with(GOOD)).await.ok();
    api.wait(1);
    api.post(SIGN_IN, with(GOOD)).await.refused(401, "E062909");
    let replace = |old: &str, new: &str| json!({"loginId": ADA, "oldPassword": old, "newPassword": new, "revokeOtherSessions": true});
    api.post(REPLACE, replace("WASD+ijkx", "WASD+ijk2")).await.refused(401, "E062903");
    api.post(REPLACE, replace(GOOD, GOOD)).await.refused(400, "E011004");
    api.post(REPLACE, replace(GOOD, "weak")).await.refused(400, "E011004");
    let session = api.post(REPLACE, replace(GOOD, "WASD+ijk2")).await.ok();
    api.get_as(&refresh_of(&session), "/v1/auth/me").await.ok();
    api.get_as(&refresh_of(&first), "/v1/auth/me").await.refused(401, "E064001");
    api.post(SIGN_IN, with("WASD+ijk2")).await.ok();
    api.post(REPLACE, replace("WASD+ijk2", GOOD)).await.refused(400, "E011004");
    api.post(REPLACE, replace("WASD+ijk2", "WASD+ijk3")).await.ok();
    api.post(REPLACE, replace("WASD+ijk3", GOOD)).await.ok();
    let mut kinds = replace(GOOD, "WASD+ijk4");
    kinds["revokeOtherSessionsTypes"] = json!(["inbound"]);
    api.post(REPLACE, kinds).await.refused(501, "E990501");
}

#[tokio::test]
async fn too_many_wrong_passwords_lock_for_good_or_for_a_while() {
    let api = Api::start().await;
    let locked = async |kind: &str| {
        let found = api.manage("/v2/mgmt/user/search", json!({kind: ["password"]})).await.ok();
        found["total"] == 1
    };
    configure(&api, json!({"tempLock": true, "tempLockAttempts": 2, "tempLockDuration": 5})).await;
    signed_up(&api).await;
    for _ in 0..2 {
        api.post(SIGN_IN, with("WASD+ijkx")).await.refused(401, "E062903");
    }
    api.post(SIGN_IN, with(GOOD)).await.refused(401, "E062903");
    assert!(locked("tempLockReasons").await && !locked("lockReasons").await);
    api.wait(5 * 60);
    api.post(SIGN_IN, with(GOOD)).await.ok();

    configure(&api, json!({"tempLock": false, "lock": true, "lockAttempts": 3})).await;
    api.post(SIGN_IN, with("WASD+ijkx")).await.refused(401, "E062903");
    api.post(SIGN_IN, with("WASD+ijkx")).await.refused(401, "E062903");
    api.post(SIGN_IN, with(GOOD)).await.ok();
    for _ in 0..3 {
        api.post(SIGN_IN, with("WASD+ijkx")).await.refused(401, "E062903");
    }
    api.wait(24 * 3600);
    api.post(SIGN_IN, with(GOOD)).await.refused(401, "E062903");
    assert!(locked("lockReasons").await);
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "enabled"})).await.ok();
    api.post(SIGN_IN, with(GOOD)).await.ok();
}

#[tokio::test]
async fn whoever_has_forgotten_the_password_gets_a_link() {
    let api = Api::start().await;
    signed_up(&api).await;
    let reset = json!({"loginId": ADA, "redirectUrl": "https://app.example.com/reset", "templateOptions": {"a": "b"}});
    let path = "/v1/auth/password/reset";
    api.post(path, json!({"loginId": "nobody"})).await.refused(400, "E062108");
    api.post(path, reset.clone()).await.refused(400, "E011004");
    let verified = json!({"loginId": ADA, "email": ADA, "verified": true});
    api.manage("/v1/mgmt/user/update/email", verified).await.ok();
    let sent = api.post(path, reset.clone()).await.ok();
    assert_eq!((&sent["resetMethod"], &sent["maskedEmail"]), (&json!("magiclink"), &json!("a**@e******.com")));
    let link = api.mail(ADA).await.links.remove(0);
    assert!(link.url.starts_with("https://app.example.com/reset?t="), "{}", link.url);
    api.post(SIGN_IN, with(GOOD)).await.ok();
    let session = api.post("/v1/auth/magiclink/verify", json!({"token": link.token})).await.ok();
    let update = "/v1/auth/password/update";
    let body = |password: &str| json!({"loginId": ADA, "newPassword": password});
    api.post(update, body("WASD+ijkm")).await.refused(401, "E011002");
    api.post_as(&refresh_of(&session), update, body("weak")).await.refused(400, "E011004");
    assert_eq!(api.post_as(&refresh_of(&session), update, body("WASD+ijkm")).await.ok(), json!({}));
    api.post(SIGN_IN, with(GOOD)).await.refused(401, "E062903");
    api.post(SIGN_IN, with("WASD+ijkm")).await.ok();
    let bob = api.signed_in("bob@example.com").await;
    api.post_as(&refresh_of(&bob), update, body("WASD+ijkn")).await.refused(403, "E011004");

    let recovery = json!({"loginId": ADA, "useRecovery": true});
    api.post(path, recovery.clone()).await.refused(400, "E011004");
    let address = json!({"loginId": ADA, "recoveryEmail": "r@example.com"});
    api.manage("/v1/mgmt/user/update/recovery/email", address).await.ok();
    api.post(path, recovery).await.ok();
    api.mail("r@example.com").await;
}

#[tokio::test]
async fn what_is_said_of_a_user_who_signs_up_has_to_make_sense() {
    let api = Api::start().await;
    let with = |user: Value| json!({"loginId": "countess", "password": GOOD, "user": user});
    api.post(SIGN_UP, with(json!({"loginId": "another"}))).await.refused(400, "E011004");
    api.post(SIGN_UP, with(json!({"email": "nonsense"}))).await.refused(400, "E011003");
    api.post(SIGN_UP, with(json!({"recoveryPhone": "nonsense"}))).await.refused(400, "E011003");
    // Some clients copy the login id to wherever an address was not given.
    let session =
        api.post(SIGN_UP, with(json!({"loginId": "countess", "email": "countess", "phone": "countess"}))).await;
    let user = session.ok()["user"].clone();
    assert_eq!((&user["email"], &user["phone"]), (&json!(""), &json!("")));
}

#[tokio::test]
async fn kinds_of_sessions_cannot_be_told_apart() {
    let api = Api::start().await;
    let session = signed_up(&api).await;
    let options = json!({"loginId": ADA, "password": GOOD, "loginOptions": {"revokeOtherSessionsTypes": ["inbound"]}});
    api.post(SIGN_IN, options).await.refused(501, "E990501");
    let token = refresh_of(&session);
    for path in ["logout", "logoutall"] {
        let path = format!("/v1/auth/{path}");
        api.post_as(&token, &path, json!({"logoutType": ["inbound"]})).await.refused(501, "E990501");
    }
    api.post_as(&token, "/v1/auth/refresh", json!({})).await.ok();
}
