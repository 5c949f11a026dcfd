use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, refresh_of, session_of, text};

const GENERATE: &str = "/v1/auth/recovery-codes";
const SIGN_IN: &str = "/v1/auth/recovery-codes/signin";

fn with(code: &str) -> Value {
    json!({"loginId": ADA, "code": code})
}

async fn codes(api: &Api, token: &str) -> Vec<String> {
    let set = api.post_as(token, GENERATE, json!({"loginId": ADA})).await.ok();
    set["codes"].as_array().expect("a list").iter().map(|one| text(&one["code"]).to_owned()).collect()
}

#[tokio::test]
async fn each_code_signs_in_once() {
    let api = Api::start().await;
    let token = refresh_of(&api.signed_in(ADA).await);
    api.post(GENERATE, json!({"loginId": ADA})).await.refused(401, "E011002");
    let first = codes(&api, &token).await;
    assert_eq!(first.len(), 10);
    let session = api.post(SIGN_IN, with(&first[0].to_uppercase())).await.ok();
    assert_eq!(claims(&session_of(&session))["amr"], json!(["recovery_codes"]));
    api.post(SIGN_IN, with(&first[0])).await.refused(401, "E061102");
    let options = json!({"loginId": ADA, "code": first[1], "loginOptions": {"mfa": true}});
    let session = api.post_as(&token, SIGN_IN, options).await.ok();
    assert_eq!(claims(&session_of(&session))["amr"], json!(["email", "recovery_codes", "mfa"]));

    let second = codes(&api, &token).await;
    api.post(SIGN_IN, with(&first[2])).await.refused(401, "E061102");
    api.post(SIGN_IN, with(&second[2])).await.ok();
    api.manage("/v1/mgmt/user/recovery-codes/delete", json!({"loginId": ADA})).await.ok();
    api.post(SIGN_IN, with(&second[3])).await.refused(401, "E061102");
    let nobody = json!({"loginId": "nobody"});
    api.manage("/v1/mgmt/user/recovery-codes/delete", nobody).await.refused(404, "E112102");
    api.post(SIGN_IN, json!({"loginId": "nobody", "code": "x"})).await.refused(400, "E062108");
}

#[tokio::test]
async fn wrong_codes_lock_for_a_while() {
    let api = Api::start().await;
    let codes = codes(&api, &refresh_of(&api.signed_in(ADA).await)).await;
    for _ in 0..5 {
        api.post(SIGN_IN, with("nonsense")).await.refused(401, "E061102");
    }
    api.post(SIGN_IN, with(&codes[0])).await.refused(401, "E061103");
    let found = api.manage("/v2/mgmt/user/search", json!({"tempLockReasons": ["recovery_codes"]})).await.ok();
    assert_eq!(found["total"], 1);
    api.wait(600);
    api.post(SIGN_IN, with(&codes[0])).await.ok();
}
