use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{ADA, Api};

#[tokio::test]
async fn users_of_a_batch_stand_alone() {
    let api = Api::start().await;
    let users = json!([
        {"loginId": ADA, "createdTime": 1_600_000_000, "password": "WASD+ijkl"},
        {"loginId": "bob", "email": "nonsense"},
        {"loginId": "cleo@example.com", "password": "weak"},
        {"loginId": "dora", "seed": "1"},
    ]);
    let answer = api.manage("/v1/mgmt/user/create/batch", json!({"users": users, "invite": false})).await.ok();
    let made = &answer["createdUsers"];
    assert_eq!(made.as_array().map(Vec::len), Some(1));
    assert_eq!((&made[0]["email"], &made[0]["createdTime"]), (&json!(ADA), &json!(1_600_000_000)));
    assert_eq!((&made[0]["status"], &made[0]["password"]), (&json!("invited"), &json!(true)));
    let failed: Vec<&Value> = answer["failedUsers"].as_array().expect("a list").iter().collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert_eq!(failed[0]["user"]["loginIds"], json!(["bob"]));
    assert!(failed.iter().all(|failed| failed["failure"].as_str().is_some_and(|failure| !failure.is_empty())));

    let patches = json!([{"loginId": ADA, "name": "Ada"}, {"loginId": "nobody", "name": "x"}]);
    let answer = api.manage_by("PATCH", "/v1/mgmt/user/patch/batch", json!({"users": patches})).await.ok();
    assert_eq!(answer["patchedUsers"][0]["name"], "Ada");
    assert_eq!(answer["failedUsers"][0]["user"]["loginIds"], json!(["nobody"]));
}

#[tokio::test]
async fn a_batch_invites_and_invites_once_more_by_id() {
    let api = Api::start().await;
    let batch = |login_id: &Value| json!({"users": [{"loginId": login_id}], "invite": true});
    let made = api.manage("/v1/mgmt/user/create/batch", batch(&json!(ADA))).await.ok();
    api.mail(ADA).await;
    let again = api.manage("/v1/mgmt/user/create/batch", batch(&made["createdUsers"][0]["userId"])).await.ok();
    assert_eq!(again["createdUsers"][0]["loginIds"], json!([ADA]));
    api.mail(ADA).await;
    assert_eq!(api.manage("/v2/mgmt/user/search", json!({})).await.ok()["total"], 1);
}

#[tokio::test]
async fn many_users_are_loaded_and_deleted() {
    let api = Api::start().await;
    api.tenant("T1").await;
    let ada = api.user(json!({"loginId": ADA, "userTenants": [{"tenantId": "T1"}]})).await;
    let bob = api.user(json!({"loginId": "bob"})).await;
    let ids = json!([bob["userId"], "U2unknown", ada["userId"]]);
    api.manage("/v1/mgmt/users/load", json!({"userIds": ids})).await.refused(404, "E112102");
    let body = json!({"userIds": ids, "includeInvalidUsers": true});
    assert_eq!(api.manage("/v1/mgmt/users/load", body.clone()).await.ok()["users"], json!([bob, ada]));
    api.manage("/v1/mgmt/user/delete/batch?tenant=T1", json!({"userIds": ids})).await.ok();
    assert_eq!(api.manage("/v1/mgmt/users/load", body.clone()).await.ok()["users"], json!([bob]));
    api.manage("/v1/mgmt/user/delete/batch", json!({"userIds": ids})).await.ok();
    assert_eq!(api.manage("/v1/mgmt/users/load", body).await.ok()["total"], 0);
}

#[tokio::test]
async fn an_export_of_auth0_is_imported_with_its_passwords() {
    let api = Api::start().await;
    let users = format!(
        "{}\n{}\n",
        json!({"user_id": "auth0|1", "email": ADA, "email_verified": true, "name": "Ada", "given_name": "A"}),
        json!({"user_id": "auth0|2", "email": "nonsense", "blocked": true}),
    );
    let hash = bcrypt::hash_with_salt("WASD+ijkl", 4, [7; 16]).expect("a hash").to_string();
    let hashes = json!({"_id": {"$oid": "1"}, "email": ADA, "passwordHash": hash}).to_string();
    let body = |dryrun: bool| {
        json!({
            "source": "auth0", "users": STANDARD.encode(&users), "hashes": STANDARD.encode(&hashes), "dryrun": dryrun,
        })
    };
    let tried = api.manage("/v1/mgmt/user/import", body(true)).await.ok();
    assert_eq!((&tried["users"][0]["name"], &tried["failures"][0]["user"]), (&json!("Ada"), &json!("nonsense")));
    api.load_user(ADA).await.refused(404, "E112102");
    let done = api.manage("/v1/mgmt/user/import", body(false)).await.ok();
    assert_eq!(done["users"].as_array().map(Vec::len), Some(1));
    let sign_in = json!({"loginId": ADA, "password": "WASD+ijkl"});
    let session = api.post("/v1/auth/password/signin", sign_in.clone()).await.ok();
    assert_eq!(session["user"]["verifiedEmail"], true);
    // By now it is compared with a hash of the emulator's own.
    api.post("/v1/auth/password/signin", sign_in).await.ok();

    let odd = json!({"source": "elsewhere", "users": STANDARD.encode(&users)});
    let message = api.manage("/v1/mgmt/user/import", odd).await.refused(501, "E990501");
    assert!(message.contains("elsewhere"), "{message}");
    for file in ["", "%", "eA==", "WzFd"] {
        let body = json!({"source": "auth0", "users": file});
        assert_eq!(api.manage("/v1/mgmt/user/import", body).await.status, 400, "{file}");
    }
}
