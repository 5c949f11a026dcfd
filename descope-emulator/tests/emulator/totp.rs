use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of, text};

const VERIFY: &str = "/v1/auth/totp/verify";

/// What an app that knows the secret shows, `steps` of 30 seconds from now.
fn code(api: &Api, seed: &Value, steps: i64) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = text(&seed["key"]).chars().map(|letter| format!("{:05b}", ALPHABET.find(letter).expect("base32")));
    let bits: String = bits.collect();
    let key: Vec<u8> =
        bits.as_bytes().chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | (bit & 1))).collect();
    let step = api.emulator.clock().now() / 30 + steps;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    let place = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[place..place + 4].try_into().expect("four bytes"));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

fn with(code: &str) -> Value {
    json!({"loginId": ADA, "code": code})
}

#[tokio::test]
async fn an_app_signs_up_and_in() {
    let api = Api::start().await;
    api.emulator.clock().freeze();
    let seed = api.post("/v1/auth/totp/signup", json!({"loginId": ADA, "user": {"name": "Ada"}})).await.ok();
    let url = url::Url::parse(text(&seed["provisioningURL"])).expect("a URL");
    assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
    assert!(url.query_pairs().any(|(name, value)| name == "secret" && value == text(&seed["key"])));
    assert!(STANDARD.decode(text(&seed["image"])).expect("base64").starts_with(b"\x89PNG"));
    assert_eq!(api.user_now(ADA).await["TOTP"], false, "not before the first code");

    let first = code(&api, &seed, 0);
    let session = api.post(VERIFY, with(&first)).await.ok();
    assert_eq!((&session["firstSeen"], &session["user"]["TOTP"]), (&json!(true), &json!(true)));
    assert_eq!(claims(&session_of(&session))["amr"], json!(["totp"]));
    api.post(VERIFY, with(&first)).await.refused(401, "E061102");
    api.post(VERIFY, with(&code(&api, &seed, 1))).await.ok();
    api.post(VERIFY, with(&code(&api, &seed, 2))).await.refused(401, "E061102");
    api.post("/v1/auth/totp/signup", json!({"loginId": ADA})).await.refused(400, "E062107");
    api.post(VERIFY, json!({"loginId": "nobody", "code": "000000"})).await.refused(400, "E062108");
}

#[tokio::test]
async fn an_app_is_exchanged_and_taken_away() {
    let api = Api::start().await;
    api.emulator.clock().freeze();
    let session = api.signed_in(ADA).await;
    api.post(VERIFY, with("000000")).await.refused(400, "E011004");
    let update = json!({"loginId": ADA});
    api.post("/v1/auth/totp/update", update.clone()).await.refused(401, "E011002");
    let old = api.post_as(&refresh_of(&session), "/v1/auth/totp/update", update.clone()).await.ok();
    api.post(VERIFY, with(&code(&api, &old, 0))).await.ok();
    let new = api.post_as(&refresh_of(&session), "/v1/auth/totp/update", update.clone()).await.ok();
    api.post(VERIFY, with(&code(&api, &old, 1))).await.ok();
    api.post(VERIFY, with(&code(&api, &new, 0))).await.ok();
    api.wait(60);
    api.post(VERIFY, with(&code(&api, &old, 0))).await.refused(401, "E061102");
    let options = json!({"loginId": ADA, "code": code(&api, &new, 0), "loginOptions": {"mfa": true}});
    let stronger = api.post_as(&refresh_of(&session), VERIFY, options).await.ok();
    assert_eq!(claims(&session_of(&stronger))["amr"], json!(["email", "totp", "mfa"]));

    api.manage("/v1/mgmt/user/totp/delete", update).await.ok();
    assert_eq!(api.user_now(ADA).await["TOTP"], false);
    api.post(VERIFY, with(&code(&api, &new, 1))).await.refused(400, "E011004");
    api.manage("/v1/mgmt/user/totp/delete", json!({"loginId": "nobody"})).await.refused(404, "E112102");
}

#[tokio::test]
async fn wrong_codes_close_the_app_for_a_while() {
    let api = Api::start().await;
    api.emulator.clock().freeze();
    let seed = api.post("/v1/auth/totp/signup", json!({"loginId": ADA})).await.ok();
    for _ in 0..10 {
        api.post(VERIFY, with("12345")).await.refused(401, "E061102");
    }
    api.post(VERIFY, with(&code(&api, &seed, 0))).await.refused(401, "E061103");
    api.wait(600);
    api.post(VERIFY, with(&code(&api, &seed, 0))).await.ok();
}

#[tokio::test]
async fn a_seed_that_is_brought_along_goes_on_to_work() {
    let api = Api::start().await;
    let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let body = json!({"users": [{"loginId": ADA, "seed": key}]});
    let made = api.manage("/v1/mgmt/user/create/batch", body).await.ok();
    assert_eq!(made["createdUsers"][0]["TOTP"], true);
    api.post(VERIFY, with(&code(&api, &json!({"key": key}), 0))).await.ok();
}
