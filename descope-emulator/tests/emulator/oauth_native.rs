use serde_json::{Value, json};

use crate::{
    oauth::walk,
    support::{ADA, Api, Reply, claims, refresh_of, session_of, text},
};

fn token(api: &Api, nonce: Option<&str>) -> String {
    api.emulator.provider_id_token(ADA, "Ada", nonce).expect("an email address")
}

async fn start(api: &Api, body: Value) -> Value {
    api.post("/v1/auth/oauth/native/start", body).await.ok()
}

async fn finish(api: &Api, begun: &Value, with: Value) -> Reply {
    let mut body = json!({"provider": "apple", "stateId": begun["stateId"]});
    body.as_object_mut().expect("an object").extend(with.as_object().expect("an object").clone());
    api.post("/v1/auth/oauth/native/finish", body).await
}

#[tokio::test]
async fn a_phone_signs_in_with_an_id_token_that_bears_the_nonce() {
    let api = Api::start().await;
    let options = json!({"customClaims": {"a": 1}});
    let begun = start(&api, json!({"provider": "apple", "implicit": true, "loginOptions": options})).await;
    assert_eq!((&begun["implicit"], begun["clientId"].is_string()), (&json!(true), true));
    let nonce = text(&begun["nonce"]);
    finish(&api, &begun, json!({})).await.refused(400, "E011003");
    finish(&api, &begun, json!({"code": "x"})).await.refused(400, "E011003");
    finish(&api, &begun, json!({"idToken": token(&api, None)})).await.refused(401, "E062504");
    finish(&api, &begun, json!({"idToken": "x.y.z"})).await.refused(401, "E062504");
    finish(&api, &begun, json!({"idToken": token(&api, Some(nonce)), "user": "x"})).await.refused(400, "E011003");
    let good = json!({"idToken": token(&api, Some(nonce)), "user": "{\"name\":{\"firstName\":\"Ada\",\"lastName\":\"King\"}}"});
    let other = json!({"provider": "google", "stateId": begun["stateId"], "idToken": good["idToken"]});
    api.post("/v1/auth/oauth/native/finish", other).await.refused(400, "E011004");
    let session = finish(&api, &begun, good.clone()).await.ok();
    let user = &session["user"];
    assert_eq!(
        (&user["name"], &user["OAuth"], &user["email"]),
        (&json!("Ada King"), &json!({"apple": true}), &json!(ADA))
    );
    let claims = claims(&session_of(&session));
    assert_eq!((&claims["amr"], &claims["nsec"]), (&json!(["oauth"]), &json!({"a": 1})));
    finish(&api, &begun, good).await.refused(401, "E062504");
}

#[tokio::test]
async fn a_phone_signs_in_with_a_code_that_the_person_has_approved() {
    let api = Api::start().await;
    let begun = start(&api, json!({"provider": "apple"})).await;
    assert_eq!(begun["implicit"], false);
    let page = format!("{}/_emulator/provider?state={}", api.emulator.base_url(), text(&begun["stateId"]));
    let refused = api.send(api.http.get(format!("{page}&outcome=refuse"))).await.ok();
    assert_eq!(refused, json!({"error": "access_denied"}));
    let given = api.send(api.http.get(format!("{page}&outcome=approve&email=ada%40example.com&name=Ada"))).await.ok();
    assert_eq!(claims(text(&given["idToken"]))["nonce"], begun["nonce"]);
    finish(&api, &begun, json!({"idToken": given["idToken"]})).await.refused(400, "E011003");
    finish(&api, &begun, json!({"code": "x"})).await.refused(401, "E062504");
    let session = finish(&api, &begun, json!({"code": given["code"]})).await.ok();
    assert_eq!(session["user"]["name"], "Ada");
    let late = start(&api, json!({"provider": "apple"})).await;
    api.wait(181);
    finish(&api, &late, json!({"code": "x"})).await.refused(401, "E062504");
    let raw = json!({"provider": "apple", "rawResponse": true});
    api.post("/v1/auth/oauth/native/start", raw).await.refused(501, "E990501");
    let bad = json!({"provider": "../x"});
    api.post("/v1/auth/oauth/native/start", bad).await.refused(400, "E011004");
}

async fn tap(api: &Api, what: &str, nonce: Option<&str>, token: &str) -> Reply {
    let body = json!({"provider": "google", "idToken": token, "nonce": nonce});
    api.post(&format!("/v1/auth/onetap/idtoken/{what}"), body).await
}

#[tokio::test]
async fn a_tap_signs_in_at_once_or_by_a_code() {
    let api = Api::start().await;
    let get = async |path: &str| api.send(api.request("GET", path, None)).await;
    let client = get("/v1/auth/onetap/clientid/google").await.ok();
    let good = token(&api, Some("n"));
    assert_eq!(claims(&good)["aud"], client["clientId"]);
    let session = tap(&api, "exchange", Some("n"), &good).await.ok();
    assert_eq!((&session["firstSeen"], &session["user"]["OAuth"]), (&json!(true), &json!({"google": true})));
    tap(&api, "exchange", None, &good).await.refused(401, "E062504");
    tap(&api, "exchange", Some("m"), &good).await.refused(401, "E062504");
    tap(&api, "verify", Some("n"), "junk").await.refused(401, "E062504");

    let code = tap(&api, "verify", Some("n"), &good).await.ok()["code"].clone();
    let session = api.post("/v1/auth/oauth/exchange", json!({"code": code})).await.ok();
    assert_eq!(session["firstSeen"], false);
    api.post("/v1/auth/oauth/exchange", json!({"code": code})).await.refused(401, "E062504");
    api.wait(3601);
    tap(&api, "exchange", Some("n"), &good).await.refused(401, "E062504");
    assert!(api.emulator.provider_id_token("nobody", "", None).is_err());

    let bob = refresh_of(&api.signed_in("bob@example.com").await);
    let body = json!({"provider": "google", "idToken": token(&api, None), "loginOptions": {"stepup": true}});
    api.post("/v1/auth/onetap/idtoken/exchange", body.clone()).await.refused(401, "E011002");
    api.post_as(&bob, "/v1/auth/onetap/idtoken/exchange", body).await.refused(400, "E011004");
}

#[tokio::test]
async fn tokens_come_over_http_too_and_their_key_is_published() {
    let api = Api::start().await;
    let base = format!("{}/_emulator/provider", api.emulator.base_url());
    let query = [("email", ADA), ("name", "Ada"), ("claims", "{\"hd\": \"example.com\"}")];
    let given = api.send(api.http.post(format!("{base}/token")).query(&query)).await.ok();
    let good = text(&given["idToken"]).to_owned();
    assert_eq!((&claims(&good)["hd"], &claims(&good)["iss"]), (&json!("example.com"), &json!(base)));
    tap(&api, "exchange", None, &good).await.ok();
    api.send(api.http.post(format!("{base}/token")).query(&[("email", "x")])).await.refused(400, "E011003");
    let keys = api.send(api.http.get(format!("{base}/keys"))).await.ok();
    let key = &keys["keys"][0];
    let part = |name: &str| {
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text(&key[name])).expect("base64url")
    };
    let point = [vec![4], part("x"), part("y")].concat();
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).expect("base64url");
    let public = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED, point);
    public.verify(message.as_bytes(), &signature).expect("signed with the published key");
}

#[tokio::test]
async fn the_older_exchange_takes_codes_of_both_kinds() {
    let api = Api::start().await;
    let get = async |code: &str| api.send(api.request("GET", &format!("/v1/auth/exchange?code={code}"), None)).await;
    let good = token(&api, None);
    let code = tap(&api, "verify", None, &good).await.ok()["code"].clone();
    assert_eq!(get(text(&code)).await.ok()["user"]["email"], ADA);
    get(text(&code)).await.refused(401, "E062504");

    api.tenant("T1").await;
    let settings = json!({"name": "Okta", "clientId": "c"});
    api.manage("/v1/mgmt/sso/oidc", json!({"tenantId": "T1", "settings": settings})).await.ok();
    let begun =
        api.post("/v1/auth/sso/authorize?tenant=T1&redirectURL=https%3A%2F%2Fapp.example.com%2F", json!({})).await.ok();
    let code = walk(&begun, "&outcome=approve&email=ada%40example.com").await.1;
    assert_eq!(get(&code).await.ok()["tenantSSOID"], "default_ssoid");
}
