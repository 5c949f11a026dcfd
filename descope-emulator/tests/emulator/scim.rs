//! Provisioning by SCIM, as an identity provider does it.

use serde_json::{Value, json};

use crate::support::{ADA, Api, Reply, refresh_of, text};

/// An identity provider with its key.
struct Provider<'a> {
    api: &'a Api,
    key: String,
}

impl Provider<'_> {
    async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        let request = self.api.request(method, &format!("/scim/v2{path}"), Some(&self.key));
        let body = (!body.is_null()).then(|| body.to_string());
        let request = match body {
            Some(body) => request.header("content-type", "application/scim+json").body(body),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        let body: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
        let plain = body == json!({});
        assert!(kind == "application/scim+json" || plain, "{kind} {body}");
        Reply { status, body }
    }

    async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    async fn find(&self, kind: &str, filter: &str) -> Value {
        let request = self.api.request("GET", &format!("/scim/v2/{kind}"), Some(&self.key));
        self.api.send(request.query(&[("filter", filter)])).await.ok()
    }

    async fn patch(&self, path: &str, operations: Value) -> Reply {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
        self.call("PATCH", path, json!({"schemas": schemas, "Operations": operations})).await
    }

    async fn user(&self, login_id: &str) -> Value {
        self.call("POST", "/Users", json!({"userName": login_id})).await.ok()
    }
}

impl Reply {
    /// Checks that it is a refusal in the words of SCIM.
    #[track_caller]
    fn scim(self, status: u16, kind: &str) {
        assert_eq!((self.status, self.body["scimType"].as_str().unwrap_or_default()), (status, kind), "{}", self.body);
        assert_eq!(self.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(self.body["status"], status.to_string().as_str());
        assert!(self.body["detail"].is_string(), "{}", self.body);
    }
}

/// A key of a tenant, which comes into being.
async fn provider<'a>(api: &'a Api, tenant: &str) -> Provider<'a> {
    api.tenant(tenant).await;
    let made = api.manage("/v1/mgmt/scim/key/create", json!({"tenantId": tenant})).await.ok();
    Provider { api, key: text(&made["cleartext"]).to_owned() }
}

#[tokio::test]
async fn users_are_provisioned_found_and_deleted() {
    let api = Api::start().await;
    let attribute = json!({"attributes": [{"name": "level", "type": 2, "displayName": "Level"}]});
    api.manage("/v1/mgmt/user/customattribute/create", attribute).await.ok();
    let idp = provider(&api, "T1").await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": ADA, "externalId": "00u1",
        "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"}, "title": "Countess",
        "emails": [{"value": "home@example.com", "type": "home"}, {"value": "work@example.com", "primary": true}],
        "phoneNumbers": [{"value": "+1 555-123 4567", "type": "mobile"}], "active": true,
    });
    let made = idp.call("POST", "/Users", body.clone()).await.ok();
    assert_eq!((&made["userName"], &made["displayName"]), (&json!(ADA), &json!("Ada Lovelace")));
    assert_eq!(made["emails"], json!([{"value": "work@example.com", "type": "work", "primary": true}]));
    assert_eq!(made["phoneNumbers"][0]["value"], "+15551234567");
    assert_eq!((&made["active"], &made["meta"]["resourceType"]), (&json!(true), &json!("User")));
    let known = api.user_now(ADA).await;
    assert_eq!((&known["userId"], &known["SCIM"]), (&made["id"], &json!(true)));
    assert_eq!((&known["email"], &known["status"]), (&json!("work@example.com"), &json!("enabled")));
    assert_eq!(known["userTenants"][0]["tenantId"], "T1");
    idp.call("POST", "/Users", body).await.scim(409, "uniqueness");
    idp.call("POST", "/Users", json!({"displayName": "x"})).await.scim(400, "");
    let bad = json!({"userName": "x", "emails": [{"value": "nobody"}]});
    idp.call("POST", "/Users", bad).await.scim(400, "invalidValue");
    idp.call("POST", "/Users", json!({"userName": "x", "attributes": {"plan": 1}})).await.scim(400, "invalidValue");
    let path = format!("/Users/{}", text(&made["id"]));
    assert_eq!(idp.get(&path).await.ok(), made);
    assert_eq!(made["meta"]["location"], format!("/scim/v2{path}"));
    let list = idp.find("Users", &format!("userName eq \"{}\"", ADA.to_uppercase())).await;
    assert_eq!((&list["totalResults"], &list["Resources"][0]), (&json!(1), &made));
    idp.call("DELETE", &path, Value::Null).await.ok();
    idp.get(&path).await.scim(404, "");
    idp.call("DELETE", &path, Value::Null).await.scim(404, "");
    api.load_user(ADA).await.refused(404, "E112102");
}

#[tokio::test]
async fn searches_filter_and_come_in_pages() {
    let api = Api::start().await;
    let idp = provider(&api, "T1").await;
    for number in 0..5 {
        idp.user(&format!("u{number}@example.com")).await;
    }
    let page = idp.get("/Users?startIndex=2&count=2").await.ok();
    assert_eq!((&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]), (&json!(5), &json!(2), &json!(2)));
    assert_eq!(page["Resources"].as_array().map(Vec::len), Some(2));
    assert_eq!(idp.get("/Users?startIndex=0&count=-1").await.ok()["itemsPerPage"], 0);
    assert_eq!(idp.get("/Users?startIndex=-3&count=3").await.ok()["startIndex"], 1);
    assert_eq!(idp.get("/Users?startIndex=99").await.ok()["Resources"], json!([]));
    assert_eq!(idp.find("Users", "userName sw \"u1\" or emails.value co \"u2@\"").await["totalResults"], 2);
    assert_eq!(idp.find("Users", "active eq false").await["totalResults"], 0);
    idp.get("/Users?filter=userName").await.scim(400, "invalidFilter");
    idp.get("/Users?startIndex=x").await.scim(400, "");
}

#[tokio::test]
async fn users_are_replaced_patched_and_deactivated() {
    let api = Api::start().await;
    let attribute = json!({"attributes": [{"name": "plan", "type": 1, "displayName": "Plan"}]});
    api.manage("/v1/mgmt/user/customattribute/create", attribute).await.ok();
    let idp = provider(&api, "T1").await;
    let made = idp.user(ADA).await;
    idp.user("bob@example.com").await;
    let path = format!("/Users/{}", text(&made["id"]));
    let full =
        json!({"userName": ADA, "displayName": "Ada", "name": {"givenName": "A"}, "attributes": {"plan": "gold"}});
    let replaced = idp.call("PUT", &path, full).await.ok();
    assert_eq!((&replaced["displayName"], &replaced["attributes"]["plan"]), (&json!("Ada"), &json!("gold")));
    let patched = idp.patch(&path, json!([
        {"op": "Replace", "path": "displayName", "value": "Countess"},
        {"op": "add", "path": "name.familyName", "value": "Lovelace"},
        {"op": "add", "path": "emails[type eq \"work\"].value", "value": "new@example.com"},
        {"op": "remove", "path": "attributes.plan"},
        {"op": "add", "value": {"name.middleName": "King", "nickName": "x", "phoneNumbers": [{"value": "+15551234567"}]}},
    ])).await.ok();
    assert_eq!(patched["displayName"], "Countess");
    assert_eq!(patched["name"], json!({"givenName": "A", "middleName": "King", "familyName": "Lovelace"}));
    assert_eq!(patched["emails"][0]["value"], "new@example.com");
    assert_eq!((&patched["phoneNumbers"][0]["value"], patched.get("attributes")), (&json!("+15551234567"), None));
    for (operations, status, kind) in [
        (json!([]), 400, "invalidSyntax"),
        (json!([{"op": "move", "path": "active"}]), 400, "invalidSyntax"),
        (json!([{"op": "add", "path": "nickName", "value": "x"}]), 400, "invalidPath"),
        (json!([{"op": "add", "path": "a.b.c", "value": "x"}]), 400, "invalidPath"),
        (json!([{"op": "add", "path": "emails[type", "value": "x"}]), 400, "invalidPath"),
        (json!([{"op": "add", "path": "emails[type]", "value": "x"}]), 400, "invalidFilter"),
        (json!([{"op": "add", "path": "displayName[x eq 1]", "value": "x"}]), 400, "invalidPath"),
        (json!([{"op": "add", "path": "displayName.x", "value": "x"}]), 400, "invalidPath"),
        (
            json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "x@y.org"}}]),
            400,
            "noTarget",
        ),
        (json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "x@y.org"}]), 400, "noTarget"),
        (json!([{"op": "remove"}]), 400, "noTarget"),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), 400, "mutability"),
        (json!([{"op": "replace", "value": "x"}]), 400, "invalidValue"),
        (json!([{"op": "replace", "path": "active", "value": "perhaps"}]), 400, "invalidValue"),
        (json!([{"op": "replace", "path": "userName", "value": "bob@example.com"}]), 409, "uniqueness"),
        (json!([{"op": "remove", "path": "userName"}]), 400, "invalidValue"),
        (json!([{"op": "replace", "path": "displayName"}]), 400, "invalidValue"),
        (
            json!([{"op": "add", "path": "displayName", "value": "lost"}, {"op": "remove", "path": "id"}]),
            400,
            "mutability",
        ),
    ] {
        let answer = idp.patch(&path, operations.clone()).await;
        assert_eq!(answer.status, status, "{operations} {}", answer.body);
        answer.scim(status, kind);
    }
    assert_eq!(idp.get(&path).await.ok()["displayName"], "Countess", "all or none");
    api.manage("/v1/mgmt/user/update/email", json!({"loginId": ADA, "email": ADA, "verified": true})).await.ok();
    let session = api.signed_in(ADA).await;
    let off = idp.patch(&path, json!([{"op": "replace", "path": "active", "value": "False"}])).await.ok();
    assert_eq!(off["active"], false);
    api.post_as(&refresh_of(&session), "/v1/auth/refresh", json!({})).await.refused(401, "E064001");
    let published = json!({"operations": [{"op": "replace", "path": "active", "valueBoolean": true}]});
    assert_eq!(idp.call("PATCH", &path, published).await.ok()["active"], true);
    let names =
        json!({"operations": [{"op": "replace", "valueDisplayName": "By the reference", "valueID": made["id"]}]});
    assert_eq!(idp.call("PATCH", &path, names).await.ok()["displayName"], "By the reference");
    let other = json!({"operations": [{"op": "replace", "valueDisplayName": "x", "valueID": "U9"}]});
    idp.call("PATCH", &path, other).await.scim(400, "mutability");
    let several = json!([
        {"op": "add", "path": "emails", "value": [{"value": "a@x.org", "type": "other", "primary": true}]},
        {"op": "remove", "path": "phoneNumbers"},
    ]);
    let changed = idp.patch(&path, several).await.ok();
    assert_eq!((&changed["emails"][0]["value"], changed.get("phoneNumbers")), (&json!("a@x.org"), None));
}

#[tokio::test]
async fn groups_bring_the_roles_that_they_are_mapped_to() {
    let api = Api::start().await;
    let idp = provider(&api, "T1").await;
    for role in ["Developer", "Operator"] {
        api.role(role).await;
    }
    let mapping = [
        json!({"groups": ["Engineers"], "roleName": "Developer"}),
        json!({"groups": ["Engineers", "Night"], "roleName": "Operator"}),
    ];
    let settings = json!({"tenantId": "T1", "settings": {
        "idpUrl": "https://idp.example.com", "entityId": "e", "idpCert": "c", "roleMappings": mapping,
    }});
    api.manage("/v1/mgmt/sso/saml", settings).await.ok();
    let ada = text(&idp.user(ADA).await["id"]).to_owned();
    let bob = text(&idp.user("bob@example.com").await["id"]).to_owned();
    let roles = async |login_id: &str| api.user_now(login_id).await["userTenants"][0]["roleNames"].clone();
    let group = async |name: &str, members: Value| {
        idp.call("POST", "/Groups", json!({"displayName": name, "externalId": "x1", "members": members})).await
    };
    let engineers = group("Engineers", json!([{"value": ada}])).await.ok();
    assert_eq!(engineers["members"], json!([{"value": ada, "display": ADA}]));
    assert_eq!(engineers["externalId"], "x1");
    assert_eq!(roles(ADA).await, json!(["Developer", "Operator"]));
    group("Engineers", json!([])).await.scim(409, "uniqueness");
    group("Strangers", json!([{"value": "U9"}])).await.scim(400, "invalidValue");
    let night = group("Night", json!([{"value": ada}, {"value": bob}])).await.ok();
    assert_eq!(roles("bob@example.com").await, json!(["Operator"]));
    let path = format!("/Groups/{}", text(&engineers["id"]));
    let swap = json!([
        {"op": "remove", "path": format!("members[value eq \"{ada}\"]")},
        {"op": "add", "path": "members", "value": [{"value": bob}]},
    ]);
    assert_eq!(idp.patch(&path, swap).await.ok(), json!({}));
    assert_eq!(roles(ADA).await, json!(["Operator"]), "by the other group still");
    assert_eq!(roles("bob@example.com").await, json!(["Operator", "Developer"]));
    assert_eq!(idp.find("Groups", &format!("members.value eq \"{bob}\"")).await["totalResults"], 2);
    let bare = idp.get(&format!("{path}?excludedAttributes=members,meta")).await.ok();
    assert!(bare.get("members").is_none() && bare.get("meta").is_none() && bare["id"] == engineers["id"]);
    let list = idp.get("/Groups?excludedAttributes=members").await.ok();
    assert!(list["Resources"].as_array().expect("groups").iter().all(|group| group.get("members").is_none()));
    let full = json!({"displayName": "Developers", "members": [{"value": ada}], "excludedAttributes": "members"});
    let replaced = idp.call("PUT", &path, full).await.ok();
    assert_eq!((&replaced["displayName"], replaced.get("members")), (&json!("Developers"), None));
    assert_eq!(roles("bob@example.com").await, json!(["Operator"]), "the name is mapped to nothing");
    let seen = api.manage("/v1/mgmt/group/all", json!({"tenantId": "T1"})).await.ok();
    assert_eq!(seen.as_array().map(Vec::len), Some(2), "{seen}");
    let of_bob = json!({"tenantId": "T1", "loginIds": ["bob@example.com"]});
    let seen = api.manage("/v1/mgmt/group/member/all", of_bob).await.ok();
    assert_eq!((&seen[0]["display"], &seen[0]["source"]), (&json!("Night"), &json!("scim")));
    let members = json!({"tenantId": "T1", "groupId": night["id"]});
    let seen = api.manage("/v1/mgmt/group/members", members).await.ok();
    assert_eq!(seen[0]["members"].as_array().map(Vec::len), Some(2));
    idp.call("DELETE", &format!("/Groups/{}", text(&night["id"])), Value::Null).await.ok();
    assert_eq!(roles("bob@example.com").await, json!([]));
    idp.get(&format!("/Groups/{}", text(&night["id"]))).await.scim(404, "");
    let rename = json!([{"op": "replace", "path": "displayName", "valueString": "Night"}, {"op": "replace", "path": "members", "valueArray": [{"value": bob}]}]);
    idp.patch(&path, rename).await.ok();
    assert_eq!(roles("bob@example.com").await, json!(["Operator"]));
    idp.call("DELETE", &format!("/Users/{bob}"), Value::Null).await.ok();
    assert!(idp.get(&path).await.ok().get("members").is_none());
}

#[tokio::test]
async fn a_key_reaches_its_own_tenant_only() {
    let api = Api::start().await;
    let one = provider(&api, "T1").await;
    let two = provider(&api, "T2").await;
    let ada = one.user(ADA).await;
    let path = format!("/Users/{}", text(&ada["id"]));
    two.get(&path).await.scim(404, "");
    assert_eq!(two.get("/Users").await.ok()["totalResults"], 0);
    let group = one.call("POST", "/Groups", json!({"displayName": "G"})).await.ok();
    two.get(&format!("/Groups/{}", text(&group["id"]))).await.scim(404, "");
    two.call("POST", "/Groups", json!({"displayName": "H", "members": [{"value": ada["id"]}]}))
        .await
        .scim(400, "invalidValue");
    let back_end = Provider { api: &api, key: api.emulator.management_key().to_owned() };
    assert_eq!(back_end.get(&path).await.ok(), ada);
    let of = |key: &Value| Provider { api: &api, key: text(&key["cleartext"]).to_owned() };
    let weak = json!({"name": "weak", "expireTime": 0, "keyTenants": [{"tenantId": "T1"}]});
    let weak = of(&api.manage("/v1/mgmt/accesskey/create", weak).await.ok());
    weak.get(&path).await.scim(403, "");
    let none = of(&api.manage("/v1/mgmt/accesskey/create", json!({"name": "none", "expireTime": 0})).await.ok());
    none.get(&path).await.scim(403, "");
    let strong =
        json!({"name": "strong", "expireTime": 0, "keyTenants": [{"tenantId": "T1", "roleNames": ["Tenant Admin"]}]});
    of(&api.manage("/v1/mgmt/accesskey/create", strong).await.ok()).get(&path).await.ok();
    Provider { api: &api, key: "wrong".to_owned() }.get(&path).await.scim(401, "");
    api.send(api.request("GET", "/scim/v2/Users", None)).await.scim(401, "");
    let config = one.get("/ServiceProviderConfig").await.ok();
    assert_eq!((&config["patch"]["supported"], &config["bulk"]["supported"]), (&json!(true), &json!(false)));
    let kinds = one.get("/ResourceTypes").await.ok();
    assert_eq!(
        (&kinds["totalResults"], &kinds["Resources"], &kinds["values"][1]["id"]),
        (&json!(2), &kinds["values"], &json!("Group"))
    );
}

#[tokio::test]
async fn keys_of_a_tenant_are_listed_rotated_revoked_and_activated() {
    let api = Api::start().await;
    let first = provider(&api, "T1").await;
    let list = async |query: &str| {
        let key = api.emulator.management_key().to_owned();
        api.get_as(&key, &format!("/v1/mgmt/scim/key?{query}")).await
    };
    let manage = async |what: &str, body: Value| api.manage(&format!("/v1/mgmt/scim/key/{what}"), body).await;
    let known = list("tenantId=T1").await.ok();
    let key = &known["keys"][0];
    assert_eq!((&key["ssoId"], &key["key"]["name"]), (&json!(""), &json!("SCIM of Tenant T1")));
    assert_eq!(key["key"]["keyTenants"][0]["roleNames"], json!(["Tenant Admin"]));
    list("tenantId=T9").await.refused(404, "E112202");
    list("tenantId=T1&ssoId=none").await.refused(404, "E990404");
    manage("create", json!({"tenantId": "T9"})).await.refused(404, "E112202");
    manage("create", json!({"tenantId": "T1", "ssoId": "none"})).await.refused(404, "E990404");
    manage("create", json!({"tenantId": "T1", "expireTime": 5})).await.refused(400, "E011004");
    let mode = "SCIM_KEY_REVOKE_MODE_DEACTIVATE";
    let rotated = manage("rotate", json!({"tenantId": "T1", "revokeMode": mode})).await.ok();
    let second = Provider { api: &api, key: text(&rotated["cleartext"]).to_owned() };
    first.get("/Users").await.scim(401, "");
    second.get("/Users").await.ok();
    let again = manage("activate", json!({"tenantId": "T1", "keyIds": [key["key"]["id"]]})).await.ok();
    assert_eq!(again["activatedKeyIds"], json!([key["key"]["id"]]));
    first.get("/Users").await.ok();
    manage("activate", json!({"tenantId": "T1", "keyIds": ["K9"]})).await.refused(404, "E990404");
    manage("activate", json!({"tenantId": "T1", "keyIds": []})).await.refused(400, "E011003");
    manage("revoke", json!({"tenantId": "T1", "revokeMode": "SOMEHOW"})).await.refused(400, "E011004");
    let gone = manage("revoke", json!({"tenantId": "T1"})).await.ok();
    assert_eq!(gone["revokedKeyIds"].as_array().map(Vec::len), Some(2));
    second.get("/Users").await.scim(401, "");
    assert_eq!(list("tenantId=T1").await.ok()["keys"], json!([]));
    let soon = api.emulator.clock().now() + 60;
    let okta = manage("create", json!({"tenantId": "T1", "name": "Okta", "expireTime": soon})).await.ok();
    let third = Provider { api: &api, key: text(&okta["cleartext"]).to_owned() };
    third.get("/Users").await.ok();
    api.wait(61);
    third.get("/Users").await.scim(401, "");
}

#[tokio::test]
async fn who_asks_for_the_media_type_of_the_standard_gets_its_statuses() {
    let api = Api::start().await;
    let key = api.emulator.management_key().to_owned();
    let call = async |method: &str, path: &str, body: Value| {
        let accept = "application/json;q=0.5, application/scim+json; charset=utf-8";
        let request = api.request(method, &format!("/scim/v2{path}"), Some(&key)).header("accept", accept);
        let response = request.json(&body).send().await.expect("an answer");
        let location = response.headers().get("location").map(|place| place.to_str().expect("text").to_owned());
        (response.status().as_u16(), location, response.text().await.expect("a body"))
    };
    let place_of = |(status, location, shown): (u16, Option<String>, String)| {
        assert_eq!(status, 201, "{shown}");
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        let place = text(&shown["meta"]["location"]);
        assert_eq!(location, Some(format!("{}{place}", api.emulator.base_url())));
        place.trim_start_matches("/scim/v2").to_owned()
    };
    let user = place_of(call("POST", "/Users", json!({"userName": ADA})).await);
    let group = place_of(call("POST", "/Groups", json!({"displayName": "Engineers"})).await);
    assert_eq!(call("GET", &user, Value::Null).await.0, 200);
    let rename = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "Makers"}]});
    assert_eq!(call("PATCH", &group, rename).await, (204, None, String::new()));
    assert!(call("GET", &group, Value::Null).await.2.contains("Makers"));
    for place in [user, group] {
        assert_eq!(call("DELETE", &place, Value::Null).await, (204, None, String::new()));
        assert_eq!(call("GET", &place, Value::Null).await.0, 404);
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_the_words_of_scim() {
    let api = Api::start().await;
    let key = api.emulator.management_key().to_owned();
    api.get_as(&key, "/scim/v2/Schemas").await.scim(404, "");
    api.post_as(&key, "/scim/v2/ServiceProviderConfig", json!({})).await.scim(405, "");
    api.get_as(&key, "/scim/v3/Users").await.refused(404, "E011001");
}
