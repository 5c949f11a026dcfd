use serde_json::{Value, json};

use crate::support::{Api, Reply, text};

const FILES: &str = "model AuthZ 1.0

constraint Office:IpRange(\"10.0.0.0/8\")
condition Adult(age int) { age >= 18 }

type user

type group
  relation member: user | group#member

type folder
  relation parent: folder
  relation owner: user | group#member
  permission can_view: owner | parent.can_view

type doc
  relation parent: folder
  relation owner: user
  relation viewer: user | group#member with Adult
  relation blocked: user
  permission can_view: (owner | viewer | parent.can_view) - blocked
  permission can_delete: owner with Office & Adult
";

async fn call(api: &Api, path: &str, body: Value) -> Reply {
    api.manage(&format!("/v1/mgmt/fga/{path}"), body).await
}

async fn send(api: &Api, method: &str, path: &str) -> Reply {
    api.send(api.request(method, &format!("/v1/mgmt/fga/{path}"), Some(api.emulator.management_key()))).await
}

fn tuple(resource: [&str; 2], relation: &str, target: [&str; 2]) -> Value {
    json!({
        "resourceType": resource[0], "resource": resource[1], "relation": relation, "targetType": target[0],
        "target": target[1],
    })
}

async fn started() -> Api {
    let api = Api::start().await;
    call(&api, "schema", json!({"dsl": FILES})).await.ok();
    api
}

async fn create(api: &Api, tuples: &[Value]) {
    call(api, "relations", json!({"tuples": tuples})).await.ok();
}

async fn check(api: &Api, tuple: Value, context: Value) -> Value {
    let body = json!({"tuples": [tuple], "context": context, "listConditions": true});
    let answer = call(api, "check", body).await.ok();
    assert_eq!(answer["tuples"][0]["tuple"], tuple);
    answer["tuples"][0].clone()
}

#[tokio::test]
async fn permissions_follow_from_relations() {
    let api = started().await;
    create(
        &api,
        &[
            tuple(["group", "staff"], "member", ["user", "ada"]),
            tuple(["group", "all"], "member", ["group#member", "staff"]),
            tuple(["folder", "top"], "owner", ["group#member", "all"]),
            tuple(["folder", "plans"], "parent", ["folder", "top"]),
            tuple(["doc", "roadmap"], "parent", ["folder", "plans"]),
            tuple(["doc", "roadmap"], "owner", ["user", "bob"]),
            tuple(["doc", "roadmap"], "owner", ["user", "eve"]),
            tuple(["doc", "roadmap"], "blocked", ["user", "eve"]),
        ],
    )
    .await;
    let view = |target: [&str; 2]| tuple(["doc", "roadmap"], "can_view", target);
    for (target, allowed, direct) in [
        (["user", "ada"], true, false),
        (["user", "bob"], true, true),
        (["user", "eve"], false, true),
        (["user", "joe"], false, false),
        (["group#member", "staff"], true, false),
        (["group#member", "other"], false, false),
        (["group", "bob"], false, false),
    ] {
        let answer = check(&api, view(target), json!({})).await;
        assert_eq!((&answer["allowed"], &answer["info"]["direct"]), (&json!(allowed), &json!(direct)), "{target:?}");
    }
    // The other calls see the same relations.
    let body = json!({"namespace": "doc", "resource": "roadmap", "relationDefinition": "can_view"});
    let who = api.manage("/v1/mgmt/authz/re/who", body).await.ok();
    assert_eq!(who["targets"], json!(["ada", "bob"]));
    let one = tuple(["doc", "roadmap"], "owner", ["user", "bob"]);
    call(&api, "relations/delete", json!({"tuples": [one]})).await.ok();
    assert_eq!(check(&api, view(["user", "bob"]), json!({})).await["allowed"], false);
    assert_eq!(check(&api, view(["user", "ada"]), json!({})).await["allowed"], true);
    send(&api, "DELETE", "relations").await.ok();
    assert_eq!(check(&api, view(["user", "ada"]), json!({})).await["allowed"], false);
}

#[tokio::test]
async fn conditions_are_held_against_the_context() {
    let api = started().await;
    create(
        &api,
        &[tuple(["doc", "roadmap"], "viewer", ["user", "ada"]), tuple(["doc", "roadmap"], "owner", ["user", "bob"])],
    )
    .await;
    let view = || tuple(["doc", "roadmap"], "can_view", ["user", "ada"]);
    let delete = || tuple(["doc", "roadmap"], "can_delete", ["user", "bob"]);
    let info = |conditional: bool, missing: Value, yes: Value, no: Value| {
        json!({
            "direct": true, "conditional": conditional, "missingContext": missing, "conditionalErr": "",
            "factUsed": false, "trueConditions": yes, "falseConditions": no,
        })
    };
    let expect = |answer: &Value, allowed: bool, expected: Value| {
        let mut expected = expected;
        expected["direct"] = answer["info"]["direct"].clone();
        let with_lists = |mut info: Value| {
            for list in ["missingContext", "trueConditions", "falseConditions"] {
                if info[list].is_null() {
                    info[list] = json!([]);
                }
            }
            info
        };
        let got = (answer["allowed"].clone(), with_lists(answer["info"].clone()));
        assert_eq!(got, (json!(allowed), with_lists(expected)));
    };
    expect(&check(&api, view(), json!({"age": 20})).await, true, info(true, json!([]), json!([2]), json!([])));
    expect(&check(&api, view(), json!({"age": 17})).await, false, info(true, json!([]), json!([]), json!([2])));
    expect(&check(&api, view(), json!({})).await, false, info(true, json!(["age"]), json!([]), json!([])));
    let both = json!({"age": 20, "ip": "10.1.1.1"});
    expect(&check(&api, delete(), both).await, true, info(true, json!([]), json!([1, 2]), json!([])));
    expect(&check(&api, delete(), json!({})).await, false, info(true, json!(["age", "ip"]), json!([]), json!([])));
    // What one of them refuses, the other cannot allow.
    let outside = json!({"ip": "192.168.0.1"});
    expect(&check(&api, delete(), outside).await, false, info(true, json!([]), json!([]), json!([1])));
    let wrong = check(&api, view(), json!({"age": "old"})).await;
    assert_eq!(wrong["allowed"], false);
    assert!(text(&wrong["info"]["conditionalErr"]).contains("age"), "{wrong}");
    // The owner may view whatever the conditions say.
    let owner = tuple(["doc", "roadmap"], "can_view", ["user", "bob"]);
    expect(&check(&api, owner, json!({})).await, true, info(false, json!([]), json!([]), json!([])));
    // The ReBAC calls take a context too.
    let who = async |context: Value| {
        let body =
            json!({"namespace": "doc", "resource": "roadmap", "relationDefinition": "viewer", "context": context});
        api.manage("/v1/mgmt/authz/re/who", body).await.ok()["targets"].clone()
    };
    assert_eq!((who(json!({"age": 20})).await, who(json!({})).await), (json!(["ada"]), json!([])));
    let all = async |context: Value| {
        let body = json!({"target": "ada", "context": context});
        api.manage("/v1/mgmt/authz/re/targetall", body).await.ok()["relations"].as_array().map(Vec::len)
    };
    assert_eq!((all(json!({"age": 20})).await, all(json!({})).await), (Some(2), Some(0)));
}

#[tokio::test]
async fn a_schema_comes_back_as_it_was_written_and_with_a_version_that_grows() {
    let api = Api::start().await;
    let empty = send(&api, "GET", "schema").await.ok();
    assert_eq!((&empty["dsl"], &empty["version"]), (&json!(""), &json!("0")));
    call(&api, "schema", json!({"dsl": FILES})).await.ok();
    let loaded = send(&api, "GET", "schema").await.ok();
    assert_eq!((&loaded["dsl"], &loaded["version"]), (&json!(FILES), &json!("1")));
    let conditions = &loaded["schema"]["conditions"];
    assert_eq!((&conditions[0]["builtin"], &conditions[1]["expression"]), (&json!(true), &json!("age >= 18")));
    assert_eq!(conditions[1]["params"], json!([{"name": "age", "type": "int"}]));
    call(&api, "schema", json!({"dsl": FILES})).await.ok();
    assert_eq!(send(&api, "GET", "schema").await.ok()["version"], "1");
    // What the structured form cannot say stays when it is saved as it came.
    let same = json!({"schema": loaded["schema"], "upgrade": true});
    api.manage("/v1/mgmt/authz/schema/save", same).await.ok();
    assert_eq!(send(&api, "GET", "schema").await.ok()["dsl"], FILES);
    // A change in the structured form is written anew.
    let more = json!({"namespace": "doc", "relationDefinition": {"name": "editor"}});
    api.manage("/v1/mgmt/authz/rd/save", more).await.ok();
    let changed = send(&api, "GET", "schema").await.ok();
    assert_eq!(changed["version"], "2");
    let dsl = text(&changed["dsl"]);
    assert!(dsl.contains("  relation editor: user\n"), "{dsl}");
    assert!(dsl.contains("  relation viewer: user | group#member with Adult\n"), "{dsl}");
    call(&api, "schema/dryrun", json!({"dsl": dsl})).await.ok();
    let answer = call(&api, "check", json!({"tuples": [tuple(["doc", "a"], "editor", ["user", "b"])]})).await.ok();
    assert_eq!(answer["schemaVersion"], "2");
}

#[tokio::test]
async fn what_saving_would_delete_is_told_before_and_deleted_then() {
    let api = started().await;
    let owner = tuple(["doc", "roadmap"], "owner", ["user", "ada"]);
    create(
        &api,
        &[
            owner.clone(),
            tuple(["doc", "roadmap"], "blocked", ["user", "bob"]),
            tuple(["doc", "roadmap"], "viewer", ["user", "bob"]),
            tuple(["group", "staff"], "member", ["user", "bob"]),
        ],
    )
    .await;
    let preview =
        async |dsl: &str| call(&api, "schema/dryrun", json!({"dsl": dsl})).await.ok()["deletesPreview"].clone();
    let same = preview(FILES).await;
    assert_eq!(same["hasDeletes"], false);
    // Another condition is no other relation, and permissions hold nothing.
    let condition = FILES
        .replace("with Adult\n", "with Office\n")
        .replace("  permission can_view: owner", "  permission see: owner");
    assert_eq!(preview(&condition.replace("parent.can_view", "parent.see")).await["hasDeletes"], false);
    let less = "model AuthZ 1.0\ntype user\ntype folder\n relation parent: folder\n relation owner: user\n\
                type doc\n relation parent: folder\n relation owner: user\n relation viewer: user\n";
    let deletes = preview(less).await;
    let relations = json!(["folder#owner", "doc#viewer", "doc#blocked"]);
    assert_eq!(deletes, json!({"hasDeletes": true, "types": ["group"], "relations": relations}));
    assert_eq!(send(&api, "GET", "schema").await.ok()["dsl"], FILES);
    call(&api, "schema", json!({"dsl": less})).await.ok();
    assert_eq!(check(&api, owner, json!({})).await["allowed"], true);
    call(&api, "schema", json!({"dsl": FILES})).await.ok();
    for gone in [
        tuple(["doc", "roadmap"], "blocked", ["user", "bob"]),
        tuple(["group", "staff"], "member", ["user", "bob"]),
        tuple(["doc", "roadmap"], "viewer", ["user", "bob"]),
    ] {
        assert_eq!(check(&api, gone, json!({"age": 20})).await["allowed"], false);
    }
}

#[tokio::test]
async fn what_does_not_fit_the_schema_is_refused() {
    let api = started().await;
    let refused = async |tuple: Value, status: u16, code: &str| {
        call(&api, "relations", json!({"tuples": [tuple]})).await.refused(status, code)
    };
    let good = || tuple(["doc", "a"], "owner", ["user", "ada"]);
    for field in ["resource", "resourceType", "relation", "target", "targetType"] {
        let mut bad = good();
        bad[field] = json!(" ");
        assert!(refused(bad, 400, "E011003").await.contains(field));
    }
    refused(tuple(["car", "a"], "owner", ["user", "ada"]), 404, "E990404").await;
    refused(tuple(["doc", "a"], "driver", ["user", "ada"]), 404, "E990404").await;
    refused(tuple(["doc", "a"], "owner", ["folder", "b"]), 400, "E011004").await;
    refused(tuple(["doc", "a"], "owner", ["group#member", "b"]), 400, "E011004").await;
    assert!(refused(tuple(["doc", "a"], "can_view", ["user", "b"]), 400, "E011004").await.contains("permission"));
    for path in ["relations", "relations/delete", "check"] {
        call(&api, path, json!({"tuples": []})).await.refused(400, "E011003");
    }
    call(&api, "check", json!({"tuples": [tuple(["doc", "a"], "driver", ["user", "b"])]}))
        .await
        .refused(404, "E990404");
    let paths = json!({"tuples": [good()], "computePaths": true});
    call(&api, "check", paths).await.refused(501, "E990501");
    for path in ["schema", "schema/dryrun"] {
        call(&api, path, json!({"dsl": " "})).await.refused(400, "E011003");
        let message =
            call(&api, path, json!({"dsl": "model AuthZ 1.0\ntype a\n  relation b: c"})).await.refused(400, "E011004");
        assert!(message.contains("Line 3"), "{message}");
    }
    let only_structured = json!({"schema": {"namespaces": [{"name": "my type"}]}, "upgrade": true});
    api.manage("/v1/mgmt/authz/schema/save", only_structured).await.ok();
    assert!(send(&api, "GET", "schema").await.refused(400, "E011004").contains("my type"));
}

#[tokio::test]
async fn details_of_resources_are_kept_and_searched() {
    let api = started().await;
    api.tenant("acme").await;
    create(
        &api,
        &[tuple(["doc", "roadmap"], "owner", ["user", "ada"]), tuple(["doc", "plan"], "owner", ["user", "ada"])],
    )
    .await;
    let details = |name: &str| json!([{"resourceId": "roadmap", "resourceType": "doc", "displayName": name}]);
    call(&api, "resources/save", json!({"resourcesDetails": details("Old")})).await.ok();
    call(&api, "resources/save", json!({"resourcesDetails": details("The Way")})).await.ok();
    let ids = json!([{"resourceId": "roadmap", "resourceType": "doc"}, {"resourceId": "plan", "resourceType": "doc"}]);
    let loaded = call(&api, "resources/load", json!({"resourceIdentifiers": ids})).await.ok();
    assert_eq!(loaded["resourcesDetails"], details("The Way"));
    let schema = send(&api, "GET", "mappable/schema?tenantId=acme&resourcesLimit=1").await.ok();
    let docs = &schema["mappableResources"][2];
    assert_eq!((&docs["type"], &docs["resources"]), (&json!("doc"), &json!([{"resource": "plan"}])));
    let names: Vec<_> =
        schema["schema"]["namespaces"].as_array().into_iter().flatten().map(|one| &one["name"]).collect();
    assert_eq!(names, ["group", "folder", "doc"]);
    let search = async |query: Value, tenant: &str, limit: &str| {
        let body = json!({"tenantId": tenant, "resourcesQueries": query, "resourcesLimit": limit});
        call(&api, "mappable/resources", body).await
    };
    let found = search(json!([{"type": "doc", "queries": ["way"]}]), "acme", "").await.ok();
    assert_eq!(found["mappableResources"][0]["resources"], json!([{"resource": "roadmap", "displayName": "The Way"}]));
    let all = search(json!([{"type": "doc"}]), "acme", "0").await.ok();
    assert_eq!(all["mappableResources"][0]["resources"].as_array().map(Vec::len), Some(2));
    search(json!([{"type": "doc"}]), "nobody", "").await.refused(404, "E112202");
    search(json!([{"type": "car"}]), "acme", "").await.refused(404, "E990404");
    search(json!([{"type": "doc"}]), "acme", "many").await.refused(400, "E011004");
    search(json!([]), "acme", "").await.refused(400, "E011003");
    send(&api, "GET", "mappable/schema?tenantId=nobody").await.refused(404, "E112202");
    call(&api, "resources/save", json!({"resourcesDetails": []})).await.refused(400, "E011003");
    call(&api, "resources/save", json!({"resourcesDetails": [{"resourceId": "a"}]})).await.refused(400, "E011003");
    call(&api, "resources/load", json!({"resourceIdentifiers": []})).await.refused(400, "E011003");
}

#[tokio::test]
async fn a_backup_brings_schema_and_relations_back() {
    let api = started().await;
    let owner = tuple(["doc", "roadmap"], "owner", ["user", "ada"]);
    create(&api, std::slice::from_ref(&owner)).await;
    let id = text(&call(&api, "backup", json!({})).await.ok()["backupId"]).to_owned();
    let backup = send(&api, "GET", &format!("backup/{id}")).await.ok()["backup"].clone();
    assert_eq!((&backup["status"], &backup["tupleCount"]), (&json!("completed"), &json!(1)));
    assert_eq!(backup["projectId"], api.emulator.project_id());
    call(&api, "schema", json!({"dsl": "model AuthZ 1.0\ntype user"})).await.ok();
    let undo = text(&call(&api, &format!("backup/{id}/restore"), json!({})).await.ok()["autoBackupId"]).to_owned();
    assert_eq!(check(&api, owner.clone(), json!({})).await["allowed"], true);
    let schema = send(&api, "GET", "schema").await.ok();
    assert_eq!((&schema["dsl"], &schema["version"]), (&json!(FILES), &json!("3")));
    assert_eq!(send(&api, "GET", "backups").await.ok()["backups"].as_array().map(Vec::len), Some(2));
    call(&api, &format!("backup/{undo}/restore"), json!({})).await.ok();
    assert_eq!(send(&api, "GET", "schema").await.ok()["dsl"], "model AuthZ 1.0\ntype user");
    send(&api, "DELETE", &format!("backup/{id}")).await.ok();
    send(&api, "GET", &format!("backup/{id}")).await.refused(404, "E990404");
    send(&api, "DELETE", &format!("backup/{id}")).await.refused(404, "E990404");
    call(&api, &format!("backup/{id}/restore"), json!({})).await.refused(404, "E990404");
}
