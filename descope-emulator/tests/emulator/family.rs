use serde_json::{Value, json};

use crate::support::{ADA, Api, claims, text};

const SETTINGS: &str = "/v1/mgmt/family/settings";

async fn families() -> Api {
    let api = Api::start().await;
    api.manage(SETTINGS, json!({"enabled": true})).await.ok();
    for id in ["F1", "F2"] {
        api.manage("/v1/mgmt/family/create", json!({"name": format!("Family {id}"), "familyId": id})).await.ok();
    }
    api
}

async fn found(api: &Api, body: Value) -> Vec<String> {
    let found = api.manage("/v1/mgmt/family/search", body).await.ok()["families"].clone();
    found.as_array().expect("a list").iter().map(|family| text(&family["id"]).to_owned()).collect()
}

#[tokio::test]
async fn families_have_to_be_switched_on() {
    let api = Api::start().await;
    let key = api.emulator.management_key().to_owned();
    let settings = api.get_as(&key, SETTINGS).await.ok();
    assert_eq!((&settings["enabled"], &settings["allowMultipleFamiliesUsers"]), (&json!(false), &json!(false)));
    api.manage("/v1/mgmt/family/create", json!({"name": "x"})).await.refused(400, "E011004");
    api.manage(SETTINGS, json!({"maxFamilyMembers": 0})).await.refused(400, "E011004");
    let changed = api.manage(SETTINGS, json!({"enabled": true, "maxFamilyMembers": 2})).await.ok();
    assert_eq!(changed["maxFamilyMembers"], 2);
    let kept = api.manage(SETTINGS, json!({"allowMultipleFamiliesUsers": true})).await.ok();
    assert_eq!((&kept["enabled"], &kept["maxFamilyMembers"]), (&json!(true), &json!(2)));
    assert_eq!(api.get_as(&key, SETTINGS).await.ok(), kept);
}

#[tokio::test]
async fn families_are_made_changed_found_and_deleted() {
    let api = families().await;
    let made =
        api.manage("/v1/mgmt/family/create", json!({"name": "Third", "photo": "p", "customAttributes": {"a": 1}}));
    let made = made.await.ok()["family"].clone();
    assert_eq!((&made["photo"], &made["customAttributes"]), (&json!("p"), &json!({"a": 1})));
    let change = json!({"id": made["id"], "name": "Last", "disabled": true});
    let changed = api.manage("/v1/mgmt/family/update", change).await.ok()["family"].clone();
    assert_eq!(
        (&changed["name"], &changed["photo"], &changed["disabled"]),
        (&json!("Last"), &json!("p"), &json!(true))
    );
    let change = json!({"id": made["id"], "customAttributes": {"b": 2}});
    let changed = api.manage("/v1/mgmt/family/update", change).await.ok()["family"].clone();
    assert_eq!((&changed["name"], &changed["customAttributes"]), (&json!("Last"), &json!({"b": 2})));
    let id = text(&made["id"]).to_owned();
    for (body, expected) in [
        (json!({"familyIds": ["F1"]}), vec!["F1"]),
        (json!({"familyNames": ["Family F2"]}), vec!["F2"]),
        (json!({"freeText": "last"}), vec![&*id]),
        (json!({"customAttributes": {"b": 2}}), vec![&*id]),
        (json!({"size": 1, "page": 9}), vec![]),
    ] {
        assert_eq!(found(&api, body.clone()).await, expected, "{body}");
    }
    assert_eq!(found(&api, json!({})).await.len(), 3);
    api.manage("/v1/mgmt/family/delete", json!({"id": id})).await.ok();
    assert_eq!(found(&api, json!({})).await, ["F1", "F2"]);
    for (path, body, status, code) in [
        ("delete", json!({"id": id}), 404, "E990404"),
        ("update", json!({"id": id}), 404, "E990404"),
        ("update", json!({"id": "F1", "name": ""}), 400, "E011003"),
        ("create", json!({"name": "x", "familyId": "F1"}), 409, "E990409"),
        ("search", json!({"size": 1001}), 400, "E011004"),
    ] {
        api.manage(&format!("/v1/mgmt/family/{path}"), body).await.refused(status, code);
    }
}

#[tokio::test]
async fn attributes_of_families_are_defined_for_themselves() {
    let api = families().await;
    let attributes = json!({"attributes": [{"name": "town", "type": 1, "defaultValue": "here"}]});
    let made = api.manage("/v1/mgmt/family/customattribute/create", attributes).await.ok();
    let key = api.emulator.management_key().to_owned();
    assert_eq!(api.get_as(&key, "/v1/mgmt/family/customattributes").await.ok(), made);
    assert_eq!(found(&api, json!({"customAttributes": {"town": "here"}})).await.len(), 2);
    let bad = json!({"id": "F1", "customAttributes": {"town": 5}});
    api.manage("/v1/mgmt/family/update", bad).await.refused(400, "E011004");
    let body = json!({"id": "F1", "customAttributes": {"town": "there"}});
    api.manage("/v1/mgmt/family/update", body).await.ok();
    let names = json!({"names": ["town"]});
    assert_eq!(api.manage("/v1/mgmt/family/customattribute/delete", names).await.ok()["total"], "0");
    let family = api.manage("/v1/mgmt/family/search", json!({"familyIds": ["F1"]})).await.ok();
    assert_eq!(family["families"][0]["customAttributes"], json!({}));
    api.user(json!({"loginId": ADA, "customAttributes": {"town": 7}})).await;
}

#[tokio::test]
async fn users_join_and_leave_families() {
    let api = families().await;
    api.role("Parent").await;
    let joins =
        |family: &str| json!({"loginId": ADA, "familyAssociations": [{"familyId": family, "roleNames": ["Parent"]}]});
    api.user(joins("F1")).await;
    let of = async |family: &str| {
        api.manage("/v2/mgmt/user/search", json!({"familyIds": [family]})).await.ok()["total"].clone()
    };
    assert_eq!((of("F1").await, of("F2").await), (json!(1), json!(0)));
    let add = "/v1/mgmt/user/update/family/add";
    api.manage(add, joins("F2")).await.refused(400, "E011004");
    api.manage(SETTINGS, json!({"allowMultipleFamiliesUsers": true, "maxFamilyMembers": 1})).await.ok();
    api.manage(add, joins("F2")).await.ok();
    api.manage(add, joins("F2")).await.ok();
    assert_eq!(of("F2").await, 1);
    api.manage(add, joins("F9")).await.refused(404, "E990404");
    let crowd = json!({"loginId": "bob", "familyAssociations": [{"familyId": "F1"}]});
    api.manage("/v1/mgmt/user/create", crowd).await.refused(400, "E011004");
    let remove = "/v1/mgmt/user/update/family/remove";
    api.manage(remove, json!({"loginId": ADA, "familyIds": ["F2"]})).await.ok();
    api.manage(remove, json!({"loginId": ADA, "familyIds": ["F2"]})).await.refused(404, "E990404");
    assert_eq!((of("F1").await, of("F2").await), (json!(1), json!(0)));
    api.manage("/v1/mgmt/user/update", json!({"loginId": ADA, "name": "Ada"})).await.ok();
    assert_eq!(of("F1").await, 0, "an update clears what it does not name");
    api.manage("/v1/mgmt/family/update", json!({"id": "F1", "disabled": true})).await.ok();
    api.manage(add, joins("F1")).await.refused(400, "E011004");
}

#[tokio::test]
async fn members_act_for_dependents() {
    let api = families().await;
    let parent = json!({"loginId": ADA, "familyAssociations": [{"familyId": "F1", "roleNames": ["Tenant Admin"]}]});
    let parent = api.user(parent).await;
    api.user(json!({"loginId": "bob", "familyAssociations": [{"familyId": "F1"}]})).await;
    api.user(json!({"loginId": "agent", "roleNames": ["Tenant Admin"]})).await;
    let create = "/v1/mgmt/family/dependent/create";
    let child =
        json!({"familyId": "F1", "loginId": "kid", "name": "Kid", "familyScopedAttributes": {"F1": {"age": 7}}});
    let child = api.manage(create, child).await.ok()["user"].clone();
    let unnamed = api.manage(create, json!({"familyId": "F1", "name": "Baby"})).await.ok()["user"].clone();
    assert!(text(&unnamed["loginIds"][0]).starts_with("DEP2"), "{unnamed}");
    assert_eq!(api.manage("/v2/mgmt/user/search", json!({"dependent": true})).await.ok()["total"], 2);
    for (body, status, code) in [
        (json!({"familyId": "F9", "name": "x"}), 404, "E990404"),
        (json!({"familyId": "F1", "loginId": "kid"}), 400, "E062107"),
        (json!({"familyId": "F1", "familyScopedAttributes": {"F2": {}}}), 400, "E011004"),
    ] {
        api.manage(create, body).await.refused(status, code);
    }

    let act = |who: &str, more: Value| {
        let mut body = json!({"impersonatorUserIdOrLoginId": who, "dependentLoginId": "kid"});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let path = "/v1/mgmt/family/impersonate";
    let jwt = api.manage(path, act(ADA, json!({"selectedFamily": "F1"}))).await.ok()["jwt"].clone();
    let token = claims(text(&jwt));
    assert_eq!((&token["sub"], &token["act"]["sub"]), (&child["userId"], &parent["userId"]));
    let back = api.manage("/v1/mgmt/family/impersonate/stop", json!({"jwt": jwt, "refreshDuration": 60})).await.ok();
    assert_eq!(claims(text(&back["jwt"]))["sub"], parent["userId"]);
    api.manage("/v1/mgmt/family/impersonate/stop", json!({"jwt": jwt})).await.refused(401, "E064001");
    for (who, more, status, code) in [
        ("bob", json!({}), 403, "E111119"),
        ("agent", json!({}), 403, "E111119"),
        (ADA, json!({"selectedFamily": "F2"}), 400, "E011004"),
        (ADA, json!({"dependentLoginId": "bob"}), 400, "E011004"),
        ("nobody", json!({}), 404, "E112102"),
    ] {
        api.manage(path, act(who, more)).await.refused(status, code);
    }

    let remove = json!({"loginId": "kid", "familyIds": ["F1"]});
    api.manage("/v1/mgmt/user/update/family/remove", remove).await.refused(400, "E011004");
    let delete = "/v1/mgmt/family/dependent/delete";
    api.manage(delete, json!({"userId": parent["userId"]})).await.refused(400, "E011004");
    api.manage(delete, json!({"userId": child["userId"]})).await.ok();
    api.manage(delete, json!({"userId": child["userId"]})).await.refused(404, "E112102");
    api.manage("/v1/mgmt/family/delete", json!({"id": "F1"})).await.ok();
    assert_eq!(api.manage("/v2/mgmt/user/search", json!({"dependent": true})).await.ok()["total"], 0);
}
