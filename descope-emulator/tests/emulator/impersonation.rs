use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, session_of, text};

const START: &str = "/v1/mgmt/impersonate";
const STOP: &str = "/v1/mgmt/stop/impersonation";

fn who(more: impl std::borrow::Borrow<Value>) -> Value {
    let mut body = json!({"impersonatorId": "agent", "loginId": ADA});
    for (name, value) in more.borrow().as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn agent_and_user() -> (Api, Value) {
    let api = Api::start().await;
    api.tenant("T1").await;
    let agent = api.user(json!({"loginId": "agent", "roleNames": ["Tenant Admin"]})).await;
    api.user(json!({"loginId": ADA, "userTenants": [{"tenantId": "T1"}]})).await;
    (api, agent)
}

#[tokio::test]
async fn an_agent_acts_as_a_user_and_stops() {
    let (api, agent) = agent_and_user().await;
    let ada = api.user_now(ADA).await;
    let more = json!({"customClaims": {"ticket": 7}, "selectedTenant": "T1", "refreshDuration": 3600});
    let jwt = text(&api.manage(START, who(more)).await.ok()["jwt"]).to_owned();
    let token = claims(&jwt);
    assert_eq!((&token["sub"], &token["act"]["sub"]), (&ada["userId"], &agent["userId"]));
    assert_eq!((&token["drn"], &token["ticket"], &token["dct"]), (&json!("DSR"), &json!(7), &json!("T1")));
    let session = api.post_as(&jwt, "/v1/auth/refresh", json!({})).await.ok();
    assert_eq!(claims(&session_of(&session))["act"]["sub"], agent["userId"]);
    assert_eq!(api.user_now(ADA).await["status"], "invited", "the user has not signed in");

    let back = api.manage(STOP, json!({"jwt": jwt, "customClaims": {"back": true}})).await.ok();
    let token = claims(text(&back["jwt"]));
    assert_eq!((&token["sub"], &token["act"], &token["back"]), (&agent["userId"], &Value::Null, &json!(true)));
    api.post_as(&jwt, "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    api.post_as(text(&back["jwt"]), "/v1/auth/refresh", json!({})).await.ok();
    api.manage(STOP, json!({"jwt": back["jwt"]})).await.refused(400, "E011004");
    api.manage(STOP, json!({"jwt": jwt})).await.refused(401, "E064001");

    let stepped = api.manage("/v1/mgmt/impersonate/stepup", who(json!({}))).await.ok();
    assert_eq!(claims(text(&stepped["jwt"]))["su"], true);
    let stepped = api.manage(START, who(json!({"stepup": true}))).await.ok();
    assert_eq!(claims(text(&stepped["jwt"]))["su"], true);
}

#[tokio::test]
async fn the_agent_has_to_be_allowed_and_the_user_to_agree() {
    let (api, _) = agent_and_user().await;
    let path = "/v1/mgmt/user/update/impersonationConsent";
    let asked = who(json!({"validateConsent": true}));
    api.manage(START, asked.clone()).await.refused(403, "E111119");
    let until = api.emulator.clock().now() + 60;
    let consent = json!({"loginId": ADA, "impersonationConsent": until});
    assert_eq!(api.manage(path, consent).await.ok()["user"]["consentExpiration"], until);
    api.manage(START, asked.clone()).await.ok();
    api.wait(60);
    api.manage(START, asked).await.refused(403, "E111119");
    api.manage(path, json!({"loginId": ADA, "impersonationConsent": -1})).await.refused(400, "E011004");
    api.manage(path, json!({"loginId": "x", "impersonationConsent": 0})).await.refused(404, "E112102");

    for (more, status, code) in [
        (json!({"loginId": "nobody"}), 404, "E112102"),
        (json!({"impersonatorId": "nobody"}), 404, "E112102"),
        (json!({"selectedTenant": "T2"}), 400, "E011004"),
        (json!({"refreshDuration": -1}), 400, "E011004"),
        (json!({"sessionCookieName": "DS2"}), 501, "E990501"),
        (json!({"impersonatorId": ADA, "loginId": "agent"}), 403, "E111119"),
    ] {
        api.manage(START, who(more)).await.refused(status, code);
    }
    let helper = json!({"loginId": "helper", "userTenants": [{"tenantId": "T1", "roleNames": ["Tenant Admin"]}]});
    api.user(helper).await;
    api.manage(START, who(json!({"impersonatorId": "helper"}))).await.ok();
    api.manage(START, who(json!({"impersonatorId": "helper", "loginId": "agent"}))).await.refused(403, "E111119");
}
