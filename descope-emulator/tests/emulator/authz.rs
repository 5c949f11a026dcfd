use serde_json::{Value, json};

use crate::support::{Api, Reply, text};

async fn call(api: &Api, path: &str, body: Value) -> Reply {
    api.manage(&format!("/v1/mgmt/authz/{path}"), body).await
}

fn leaf(kind: &str, more: &[(&str, &str)]) -> Value {
    let mut expression = json!({"neType": kind});
    for (name, value) in more {
        expression[*name] = json!(value);
    }
    json!({"nType": "child", "expression": expression, "children": []})
}

fn join(kind: &str, children: &[Value]) -> Value {
    json!({"nType": kind, "children": children})
}

fn files() -> Value {
    let parent = [
        ("relationDefinition", "parent"),
        ("relationDefinitionNamespace", "doc"),
        ("targetRelationDefinition", "owner"),
        ("targetRelationDefinitionNamespace", "folder"),
    ];
    let same = |name: &'static str| {
        leaf("targetSet", &[("targetRelationDefinition", name), ("targetRelationDefinitionNamespace", "doc")])
    };
    let below = [
        ("relationDefinition", "parent"),
        ("relationDefinitionNamespace", "org"),
        ("targetRelationDefinition", "member"),
        ("targetRelationDefinitionNamespace", "org"),
    ];
    let own = leaf("self", &[]);
    json!({"name": "files-1", "namespaces": [
        {"name": "org", "relationDefinitions": [
            {"name": "parent"},
            {"name": "member", "complexDefinition": join("union", &[own.clone(), leaf("relationLeft", &below)])},
        ]},
        {"name": "folder", "relationDefinitions": [{"name": "owner"}]},
        {"name": "doc", "relationDefinitions": [
            {"name": "parent"},
            {"name": "owner", "complexDefinition": join("union", &[own.clone(), leaf("relationRight", &parent)])},
            {"name": "banned"},
            {"name": "editor", "complexDefinition": join("sub", &[same("owner"), same("banned")])},
            {"name": "auditor", "complexDefinition": join("intersect", &[own, same("owner")])},
        ]},
    ]})
}

fn relation(namespace: &str, resource: &str, name: &str, target: &str) -> Value {
    json!({"namespace": namespace, "resource": resource, "relationDefinition": name, "target": target})
}

fn set(namespace: &str, resource: &str, name: &str, set: [&str; 3]) -> Value {
    json!({
        "namespace": namespace, "resource": resource, "relationDefinition": name, "targetSetResource": set[0],
        "targetSetRelationDefinition": set[1], "targetSetRelationDefinitionNamespace": set[2],
    })
}

async fn started() -> Api {
    let api = Api::start().await;
    call(&api, "schema/save", json!({"schema": files(), "upgrade": true})).await.ok();
    api
}

async fn create(api: &Api, relations: &[Value]) {
    call(api, "re/create", json!({"relations": relations})).await.ok();
}

async fn has(api: &Api, namespace: &str, resource: &str, name: &str, target: &str) -> (Value, Value) {
    let query = relation(namespace, resource, name, target);
    let body = call(api, "re/has", json!({"relationQueries": [query]})).await.ok();
    (body["relationQueries"][0]["hasRelation"].clone(), body["directRelations"][0].clone())
}

async fn who(api: &Api, namespace: &str, resource: &str, name: &str) -> Value {
    let body = json!({"namespace": namespace, "resource": resource, "relationDefinition": name});
    call(api, "re/who", body).await.ok()["targets"].clone()
}

#[tokio::test]
async fn relations_follow_from_the_schema() {
    let api = started().await;
    assert_eq!(call(&api, "schema/load", json!({})).await.ok()["schema"]["namespaces"], files()["namespaces"]);
    create(
        &api,
        &[
            relation("folder", "plans", "owner", "ada"),
            relation("doc", "roadmap", "parent", "plans"),
            relation("doc", "roadmap", "owner", "bob"),
            relation("doc", "roadmap", "banned", "bob"),
            relation("doc", "roadmap", "auditor", "bob"),
            relation("doc", "roadmap", "auditor", "eve"),
            set("doc", "roadmap", "owner", ["sales", "member", "org"]),
            relation("org", "berlin", "parent", "sales"),
            relation("org", "berlin", "member", "cid"),
        ],
    )
    .await;
    // One that is there already is no error.
    create(&api, &[relation("doc", "roadmap", "owner", "bob")]).await;
    let yes = |direct: bool| (json!(true), json!(direct));
    let no = |direct: bool| (json!(false), json!(direct));
    assert_eq!(has(&api, "doc", "roadmap", "owner", "bob").await, yes(true));
    assert_eq!(has(&api, "doc", "roadmap", "owner", "ada").await, yes(false));
    assert_eq!(has(&api, "doc", "roadmap", "owner", "cid").await, yes(false));
    assert_eq!(has(&api, "doc", "roadmap", "owner", "eve").await, no(false));
    assert_eq!(has(&api, "doc", "roadmap", "editor", "bob").await, no(true));
    assert_eq!(has(&api, "folder", "plans", "owner", "eve").await, no(true));
    assert_eq!(who(&api, "doc", "roadmap", "owner").await, json!(["ada", "bob", "cid"]));
    assert_eq!(who(&api, "doc", "roadmap", "editor").await, json!(["ada", "cid"]));
    assert_eq!(who(&api, "doc", "roadmap", "auditor").await, json!(["bob"]));
    assert_eq!(who(&api, "org", "sales", "member").await, json!(["cid"]));
    let all = call(&api, "re/targetall", json!({"target": "ada"})).await.ok();
    let expected = json!([
        relation("doc", "roadmap", "editor", "ada"),
        relation("doc", "roadmap", "owner", "ada"),
        relation("folder", "plans", "owner", "ada"),
    ]);
    assert_eq!(all["relations"], expected);
    let reached = async |more: Value| {
        let mut body = json!({"target": "ada", "relationDefinition": "owner", "namespace": "doc"});
        more.as_object().into_iter().flatten().for_each(|(name, value)| body[name] = value.clone());
        call(&api, "re/targetwithrelation", body).await
    };
    assert_eq!(reached(json!({})).await.ok()["resources"], json!(["roadmap"]));
    let below = |target: &str| json!({"ParentTarget": target, "ParentRelationDefinition": "parent"});
    assert_eq!(reached(below("plans")).await.ok()["resources"], json!(["roadmap"]));
    assert_eq!(reached(below("other")).await.ok()["resources"], json!([]));
    reached(json!({"ParentTarget": "plans"})).await.refused(400, "E011003");
    reached(json!({"ParentRelationDefinition": "parent"})).await.refused(400, "E011003");
}

#[tokio::test]
async fn relations_are_listed_and_taken_back() {
    let api = started().await;
    let team = set("doc", "roadmap", "owner", ["sales", "member", "org"]);
    let bob = relation("doc", "roadmap", "owner", "bob");
    let above = relation("doc", "roadmap", "parent", "plans");
    create(&api, &[team.clone(), bob.clone(), above.clone(), relation("folder", "plans", "owner", "bob")]).await;
    let of = async |ignore: bool| {
        let body = json!({"resource": "roadmap", "ignoreTargetSetRelations": ignore});
        call(&api, "re/resource", body).await.ok()["relations"].clone()
    };
    assert_eq!(of(false).await, json!([above, bob, team]));
    assert_eq!(of(true).await, json!([above, bob]));
    let targets = async |sets: bool| {
        let body = json!({"targets": ["bob", "sales"], "includeTargetSetRelations": sets});
        call(&api, "re/targets", body).await.ok()["relations"].as_array().expect("a list").len()
    };
    assert_eq!((targets(false).await, targets(true).await), (2, 3));
    call(&api, "re/delete", json!({"relations": [bob]})).await.ok();
    assert_eq!(of(false).await, json!([above, team]));
    call(&api, "re/deleteresourcesrelations", json!({"resources": ["plans"]})).await.ok();
    assert_eq!(of(false).await, json!([above, team]));
    assert_eq!(who(&api, "folder", "plans", "owner").await, json!([]));
    call(&api, "re/deleteresources", json!({"resources": ["plans", "sales"]})).await.ok();
    assert_eq!(of(false).await, json!([]));
}

#[tokio::test]
async fn what_a_relation_lacks_is_told() {
    let api = started().await;
    let refused = async |change: Value, status: u16, code: &str| {
        let mut one = relation("doc", "roadmap", "owner", "bob");
        change.as_object().into_iter().flatten().for_each(|(name, value)| one[name] = value.clone());
        call(&api, "re/create", json!({"relations": [one]})).await.refused(status, code)
    };
    for field in ["resource", "relationDefinition", "namespace", "target"] {
        assert!(refused(json!({field: ""}), 400, "E011003").await.contains(field));
    }
    refused(json!({"namespace": "car"}), 404, "E990404").await;
    refused(json!({"relationDefinition": "driver"}), 404, "E990404").await;
    refused(json!({"query": {}}), 400, "E011004").await;
    refused(json!({"target": "", "targetSetResource": "sales"}), 400, "E011003").await;
    let nowhere = json!({
        "target": "", "targetSetResource": "sales", "targetSetRelationDefinition": "x",
        "targetSetRelationDefinitionNamespace": "org",
    });
    refused(nowhere, 404, "E990404").await;
    let statuses = json!({"target": "", "query": {"statuses": ["sleepy"]}});
    assert!(refused(statuses, 400, "E011004").await.contains("sleepy"));
    // Nothing of a call that is refused stays.
    let half = json!({"relations": [relation("doc", "x", "owner", "bob"), relation("car", "x", "owner", "bob")]});
    call(&api, "re/create", half).await.refused(404, "E990404");
    assert_eq!(who(&api, "doc", "x", "owner").await, json!([]));
    for (path, body) in [
        ("re/create", json!({"relations": []})),
        ("re/delete", json!({"relations": []})),
        ("re/has", json!({"relationQueries": []})),
        ("re/has", json!({"relationQueries": [{"resource": "roadmap"}]})),
        ("re/targets", json!({"targets": []})),
        ("re/deleteresources", json!({"resources": []})),
        ("re/deleteresourcesrelations", json!({"resources": []})),
    ] {
        call(&api, path, body).await.refused(400, "E011003");
    }
    let unknown = json!({"resource": "a", "namespace": "doc", "relationDefinition": "nothing"});
    call(&api, "re/who", unknown).await.refused(404, "E990404");
    let unknown = relation("doc", "a", "nothing", "ada");
    call(&api, "re/has", json!({"relationQueries": [unknown]})).await.refused(404, "E990404");
    let unknown = json!({"target": "a", "namespace": "car", "relationDefinition": "owner"});
    call(&api, "re/targetwithrelation", unknown).await.refused(404, "E990404");
    call(&api, "getmodified", json!({"since": -1})).await.refused(400, "E011004");
}

#[tokio::test]
async fn a_query_means_the_users_who_fit_at_the_time_of_the_check() {
    let api = started().await;
    api.tenant("acme").await;
    api.role("Editor").await;
    let create_user =
        async |body: Value| text(&api.manage("/v1/mgmt/user/create", body).await.ok()["user"]["userId"]).to_owned();
    let ada = create_user(json!({
        "loginId": "ada", "displayName": "Ada Lovelace", "userTenants": [{"tenantId": "acme"}], "roleNames": ["Editor"],
    }))
    .await;
    let bob = create_user(json!({"loginId": "bob", "status": "enabled"})).await;
    api.test_user("tess").await;
    for (query, expected) in [
        (json!({}), vec![&ada, &bob]),
        (json!({"tenants": ["acme", "other"]}), vec![&ada]),
        (json!({"roles": ["Editor"]}), vec![&ada]),
        (json!({"text": "lovelace"}), vec![&ada]),
        (json!({"statuses": ["enabled"]}), vec![&bob]),
        (json!({"userStatus": ["enabled"]}), vec![&bob]),
        (json!({"statuses": ["expired"]}), vec![]),
        (json!({"ssoOnly": true}), vec![]),
        (json!({"roles": ["Editor"], "statuses": ["enabled"]}), vec![]),
    ] {
        let one = json!({"namespace": "doc", "resource": "list", "relationDefinition": "owner", "query": query});
        create(&api, std::slice::from_ref(&one)).await;
        let mut expected: Vec<&String> = expected;
        expected.sort();
        assert_eq!(who(&api, "doc", "list", "owner").await, json!(expected), "{one}");
        let (held, direct) = has(&api, "doc", "list", "owner", &bob).await;
        assert_eq!((held, direct), (json!(expected.contains(&&bob)), json!(false)), "{one}");
        let all = call(&api, "re/targetall", json!({"target": ada})).await.ok();
        assert_eq!(!all["relations"].as_array().expect("a list").is_empty(), expected.contains(&&ada), "{one}");
        call(&api, "re/delete", json!({"relations": [one]})).await.ok();
    }
    let tests = json!({
        "namespace": "doc", "resource": "list", "relationDefinition": "owner", "query": {"withTestUser": true, "text": "tess"},
    });
    create(&api, &[tests]).await;
    assert_eq!(who(&api, "doc", "list", "owner").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn namespaces_and_definitions_are_saved_renamed_and_deleted_with_their_relations() {
    let api = started().await;
    create(
        &api,
        &[
            relation("folder", "plans", "owner", "ada"),
            relation("doc", "roadmap", "parent", "plans"),
            set("doc", "roadmap", "owner", ["sales", "member", "org"]),
            relation("org", "sales", "member", "bob"),
        ],
    )
    .await;
    let rename =
        json!({"namespace": {"name": "shelf", "relationDefinitions": []}, "oldName": "folder", "schemaName": "v2"});
    call(&api, "ns/save", rename).await.ok();
    assert_eq!(who(&api, "shelf", "plans", "owner").await, json!(["ada"]));
    assert_eq!(who(&api, "doc", "roadmap", "owner").await, json!(["ada", "bob"]));
    assert_eq!(call(&api, "schema/load", json!({})).await.ok()["schema"]["name"], "v2");
    let rename = json!({"namespace": "shelf", "relationDefinition": {"name": "keeper"}, "oldName": "owner"});
    call(&api, "rd/save", rename).await.ok();
    assert_eq!(who(&api, "doc", "roadmap", "owner").await, json!(["ada", "bob"]));
    let rename = json!({"namespace": "org", "relationDefinition": {"name": "person"}, "oldName": "member"});
    call(&api, "rd/save", rename).await.ok();
    assert_eq!(who(&api, "doc", "roadmap", "owner").await, json!(["ada", "bob"]));
    call(&api, "rd/save", json!({"namespace": "doc", "relationDefinition": {"name": "viewer"}})).await.ok();
    create(&api, &[relation("doc", "roadmap", "viewer", "eve")]).await;
    call(&api, "rd/delete", json!({"namespace": "doc", "name": "viewer"})).await.ok();
    call(&api, "rd/save", json!({"namespace": "doc", "relationDefinition": {"name": "viewer"}})).await.ok();
    assert_eq!(who(&api, "doc", "roadmap", "viewer").await, json!([]));
    call(&api, "ns/save", json!({"namespace": {"name": "car", "relationDefinitions": [{"name": "driver"}]}}))
        .await
        .ok();
    create(&api, &[relation("car", "bus", "driver", "eve")]).await;
    call(&api, "ns/delete", json!({"name": "car"})).await.ok();
    call(&api, "ns/save", json!({"namespace": {"name": "car", "relationDefinitions": [{"name": "driver"}]}}))
        .await
        .ok();
    assert_eq!(who(&api, "car", "bus", "driver").await, json!([]));

    // What others refer to stays, and names are not taken twice.
    assert!(call(&api, "ns/delete", json!({"name": "shelf"})).await.refused(400, "E011004").contains("shelf#keeper"));
    call(&api, "rd/delete", json!({"namespace": "doc", "name": "banned"})).await.refused(400, "E011004");
    call(&api, "ns/delete", json!({"name": "boat"})).await.refused(404, "E990404");
    call(&api, "rd/delete", json!({"namespace": "doc", "name": "boat"})).await.refused(404, "E990404");
    call(&api, "ns/save", json!({"namespace": {"name": "doc"}, "oldName": "car"})).await.refused(409, "E990409");
    call(&api, "ns/save", json!({"namespace": {"name": "x"}, "oldName": "boat"})).await.refused(404, "E990404");
    let definition =
        |name: &str, old: &str| json!({"namespace": "doc", "relationDefinition": {"name": name}, "oldName": old});
    call(&api, "rd/save", definition("owner", "viewer")).await.refused(409, "E990409");
    call(&api, "rd/save", definition("x", "boat")).await.refused(404, "E990404");
    call(&api, "rd/save", json!({"namespace": "boat", "relationDefinition": {"name": "x"}}))
        .await
        .refused(404, "E990404");
    call(&api, "rd/save", json!({"namespace": "doc", "relationDefinition": {}})).await.refused(400, "E011003");
}

#[tokio::test]
async fn a_schema_is_replaced_only_by_an_upgrade() {
    let api = started().await;
    create(&api, &[relation("doc", "roadmap", "owner", "ada"), relation("folder", "plans", "owner", "ada")]).await;
    let only = json!({"name": "v2", "namespaces": [{"name": "folder", "relationDefinitions": [{"name": "owner"}]}]});
    let names = async || {
        let schema = call(&api, "schema/load", json!({})).await.ok();
        let names = schema["schema"]["namespaces"].as_array().into_iter().flatten().map(|one| one["name"].clone());
        names.collect::<Vec<_>>()
    };
    call(&api, "schema/save", json!({"schema": only})).await.ok();
    assert_eq!(names().await, ["org", "folder", "doc"]);
    call(&api, "schema/save", json!({"schema": only, "upgrade": true})).await.ok();
    assert_eq!(names().await, ["folder"]);
    call(&api, "schema/save", json!({"schema": files(), "upgrade": true})).await.ok();
    assert_eq!(who(&api, "doc", "roadmap", "owner").await, json!([]));
    assert_eq!(who(&api, "folder", "plans", "owner").await, json!(["ada"]));
    call(&api, "schema/delete", json!({})).await.ok();
    assert_eq!(names().await, Vec::<Value>::new());
    let ask = json!({"namespace": "folder", "resource": "plans", "relationDefinition": "owner"});
    call(&api, "re/who", ask).await.refused(404, "E990404");
    call(&api, "schema/save", json!({"schema": files()})).await.ok();
    assert_eq!(who(&api, "folder", "plans", "owner").await, json!([]));
}

#[tokio::test]
async fn schemas_that_say_nothing_clear_are_refused() {
    let api = Api::start().await;
    let refused = async |node: Value| {
        let definitions = json!([{"name": "owner", "complexDefinition": node}]);
        let schema = json!({"namespaces": [{"name": "doc", "relationDefinitions": definitions}]});
        call(&api, "schema/save", json!({"schema": schema})).await
    };
    refused(json!({"nType": "maybe", "children": [leaf("self", &[])]})).await.refused(400, "E011004");
    refused(json!({"nType": "union", "children": []})).await.refused(400, "E011004");
    refused(json!({"nType": "child"})).await.refused(400, "E011003");
    refused(leaf("userSet", &[])).await.refused(400, "E011004");
    refused(leaf("targetSet", &[])).await.refused(400, "E011003");
    let message = refused(leaf("targetSet", &[("targetRelationDefinition", "viewer")])).await.refused(400, "E011004");
    assert!(message.contains("doc#viewer"), "{message}");
    let save = async |namespaces: Value| call(&api, "schema/save", json!({"schema": {"namespaces": namespaces}})).await;
    save(json!([{"name": "doc"}, {"name": "doc"}])).await.refused(400, "E011004");
    save(json!([{"name": ""}])).await.refused(400, "E011003");
    let twice = json!([{"name": "doc", "relationDefinitions": [{"name": "a"}, {"name": "a"}]}]);
    save(twice).await.refused(400, "E011004");
    let conditions = json!({"conditions": [{"name": "Adult", "expression": "age >", "params": []}]});
    call(&api, "schema/save", json!({"schema": conditions})).await.refused(400, "E011004");
}

#[tokio::test]
async fn changes_are_told_from_a_moment_on() {
    let api = Api::start().await;
    api.emulator.clock().freeze();
    let modified = async |since: i64| call(&api, "getmodified", json!({"since": since})).await.ok();
    assert_eq!(modified(0).await, json!({"resources": [], "targets": [], "schemaChanged": false}));
    call(&api, "schema/save", json!({"schema": files()})).await.ok();
    create(&api, &[relation("folder", "plans", "owner", "ada")]).await;
    let all = json!({"resources": ["plans"], "targets": ["ada"], "schemaChanged": true});
    assert_eq!(modified(0).await, all);
    // A change within the second of the question may have come after it.
    assert_eq!(modified(api.emulator.clock().now() * 1000 + 500).await, all);
    api.wait(10);
    let since = api.emulator.clock().now() * 1000;
    assert_eq!(modified(since).await, json!({"resources": [], "targets": [], "schemaChanged": false}));
    call(&api, "re/delete", json!({"relations": [relation("folder", "plans", "owner", "ada")]})).await.ok();
    assert_eq!(modified(since).await, json!({"resources": ["plans"], "targets": ["ada"], "schemaChanged": false}));
}
