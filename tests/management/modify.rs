//! Changing some of what the service only replaces, on the emulator, which replaces too.

use descope_sdk::{
    Descope, ErrorKind, NameOrId,
    management::{outbound_application::OutboundApplicationUrlParam, sso_application::SsoApplicationAttributeMapping},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::world::World;

/// What is there, as JSON without what a change touches by itself, and without what is there twice.
fn held(thing: &impl Serialize) -> Value {
    let mut thing = serde_json::to_value(thing).unwrap();
    thing.as_object_mut().unwrap().retain(|name, _| !["modifiedTime", "app"].contains(&name.as_str()));
    thing
}

fn with(mut thing: Value, pointer: &str, value: impl Into<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    thing.pointer_mut(parent).unwrap()[name] = value.into();
    thing
}

#[tokio::test]
async fn a_role_keeps_what_is_not_changed() {
    let world = World::start().await;
    let management = world.descope.management();
    let roles = management.roles();
    management.tenants().create("Acme").id("acme").send().await.unwrap();
    for name in ["read", "write"] {
        management.permissions().create(name).send().await.unwrap();
    }
    let full = |tenant: Option<&str>| {
        let role = roles.create("Auditor").description("Audits").permission_names(["read", "write"]);
        let role = role.default(true).private(true);
        tenant.map_or(role.clone(), |tenant| role.tenant_id(tenant))
    };
    let of_project = full(None).send().await.unwrap();
    let of_tenant = full(Some("acme")).description("Audits Acme").send().await.unwrap();

    let modified = roles.modify("Auditor", |role| role.description("Reads")).await.unwrap();
    assert_eq!(held(&modified), with(held(&of_project), "/description", "Reads"));
    let id = NameOrId::id(of_tenant.id.clone().unwrap());
    let modified =
        roles.modify(id.clone(), |role| role.new_name("Accountant").permission_names(["read"])).await.unwrap();
    let expected = with(held(&of_tenant), "/name", "Accountant");
    assert_eq!(held(&modified), with(expected, "/permissionNames", json!(["read"])));
    // The other one is as it was left.
    let all = roles.load_all().send().await.unwrap();
    let project = all.iter().find(|role| role.id == of_project.id).unwrap();
    assert_eq!((project.name.as_deref(), project.description.as_deref()), (Some("Auditor"), Some("Reads")));
}

#[tokio::test]
async fn a_permission_keeps_what_is_not_changed() {
    let world = World::start().await;
    let permissions = world.descope.management().permissions();
    permissions.create("read").description("See things").send().await.unwrap();
    permissions.modify("read", |permission| permission.new_name("view")).await.unwrap();
    let found = |name: &'static str| {
        let permissions = permissions.clone();
        async move {
            let all = permissions.load_all().send().await.unwrap();
            all.into_iter().find(|permission| permission.name.as_deref() == Some(name))
        }
    };
    assert!(found("read").await.is_none());
    let view = found("view").await.unwrap();
    assert_eq!(view.description.as_deref(), Some("See things"));
    permissions.modify(NameOrId::id(view.id.unwrap()), |permission| permission.description("Look")).await.unwrap();
    assert_eq!(found("view").await.unwrap().description.as_deref(), Some("Look"));
}

#[tokio::test]
async fn several_keep_what_is_not_changed() {
    let world = World::start().await;
    let management = world.descope.management();
    let (roles, permissions) = (management.roles(), management.permissions());
    management.tenants().create("Acme").id("acme").send().await.unwrap();
    for name in ["read", "write"] {
        permissions.create(name).description("Things").send().await.unwrap();
    }
    let one = roles.create("Auditor").description("Audits").permission_names(["read"]).send().await.unwrap();
    let other = roles.create("Auditor").tenant_id("acme").default(true).send().await.unwrap();

    let ids = [NameOrId::from("Auditor"), NameOrId::id(other.id.clone().unwrap())];
    let modified = roles.modify_batch(ids, |role| role.private(true)).await.unwrap();
    for (was, is) in [&one, &other].into_iter().zip(&modified) {
        let mut expected = was.clone();
        expected.private = Some(true);
        assert_eq!(held(is), held(&expected));
    }

    let mut names = Vec::new();
    permissions
        .modify_batch(["write", "read"], |mut permission| {
            names.push(permission.new_name.clone());
            permission.new_name += " all";
            permission
        })
        .await
        .unwrap();
    assert_eq!(names, ["write", "read"]);
    let all = permissions.load_all().send().await.unwrap();
    for name in ["read all", "write all"] {
        let found = all.iter().find(|permission| permission.name.as_deref() == Some(name)).unwrap();
        assert_eq!(found.description.as_deref(), Some("Things"));
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_and_nothing_is_written() {
    let world = World::start().await;
    let management = world.descope.management();
    management.roles().create("Auditor").send().await.unwrap();
    let (roles, permissions) = (management.roles(), management.permissions());
    for error in [
        roles.modify("auditor", |role| role).await.unwrap_err(),
        // A name is not taken for an id.
        roles.modify(NameOrId::id("Auditor"), |role| role).await.unwrap_err(),
        roles.modify_batch(["Auditor", "auditor"], |role| role).await.unwrap_err(),
        permissions.modify("read", |permission| permission).await.unwrap_err(),
        permissions.modify_batch([NameOrId::id("P1")], |permission| permission).await.unwrap_err(),
        management.resource_policies().modify(third_party(&world.descope).await, "RS1", |it| it).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, None), "{error}");
    }
    for operation in [
        "managementRoleUpdate",
        "managementRoleUpdateBatch",
        "managementPermissionUpdate",
        "managementPermissionUpdateBatch",
        "managementResourcePolicyUpdate",
    ] {
        assert_eq!(world.calls(operation), 0, "{operation}");
    }
    let error = roles.modify(" ", |role| role).await.unwrap_err();
    assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("role")));
    let error = permissions.modify(NameOrId::id(""), |permission| permission).await.unwrap_err();
    assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("permission")));
    let none: [&str; 0] = [];
    for error in [
        roles.modify_batch(none, |role| role).await.unwrap_err(),
        roles.modify_batch(["Auditor", ""], |role| role).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("roles")));
    }
    let error = permissions.modify_batch(none, |permission| permission).await.unwrap_err();
    assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("permissions")));
}

async fn third_party(descope: &Descope) -> String {
    let created = descope.management().third_party_applications().create("Calendar").send().await.unwrap();
    created.id
}

#[tokio::test]
async fn a_policy_keeps_what_is_not_changed() {
    let world = World::start().await;
    let management = world.descope.management();
    let application = third_party(&world.descope).await;
    let resource = management.resources().create("Invoices").send().await.unwrap().id.unwrap();
    let policies = management.resource_policies();
    let before = policies.create(&resource, &application).all_client_scopes(true).send().await.unwrap();
    let after = policies.modify(&application, &resource, |policy| policy.all_user_scopes(true)).await.unwrap();
    let mut expected = with(held(&before), "/allUserScopes", true);
    expected["version"] = held(&after)["version"].clone();
    assert_eq!(held(&after), expected);
}

#[tokio::test]
async fn an_application_for_single_sign_on_keeps_what_is_not_changed() {
    let world = World::start().await;
    let management = world.descope.management();
    let applications = management.sso_applications();
    let oidc = applications.create_oidc("Wiki").id("wiki").description("Pages").logo("https://example.com/logo.png");
    let oidc = oidc.client_id("wiki-client").client_secret("s3cret").force_pkce(true).claims(["email"]);
    let oidc = oidc.approved_redirect_urls(["https://wiki.example.com/back"]).device_code_disabled(true).enabled(true);
    oidc.login_page_url("https://wiki.example.com/login").send().await.unwrap();
    let before = applications.load("wiki").send().await.unwrap();
    applications.modify_oidc("wiki", |wiki| wiki.description("All pages").force_authentication(true)).await.unwrap();
    let after = applications.load("wiki").send().await.unwrap();
    let expected = with(held(&before), "/description", "All pages");
    assert_eq!(held(&after), with(expected, "/oidcSettings/forceAuthentication", true));
    // Neither has been sent: empty ones would clear what is there.
    assert_eq!(after.oidc_settings.unwrap().client_id.as_deref(), Some("wiki-client"));

    let saml =
        applications.create_saml("Payroll").id("payroll").entity_id("payroll").acs_url("https://pay.example.com");
    let mapping = [SsoApplicationAttributeMapping::new().name("mail").value("email")];
    saml.attribute_mapping(mapping).default_relay_state("home").enabled(true).send().await.unwrap();
    let before = applications.load("payroll").send().await.unwrap();
    applications.modify_saml("payroll", |saml| saml.name("Wages")).await.unwrap();
    assert_eq!(held(&applications.load("payroll").send().await.unwrap()), with(held(&before), "/name", "Wages"));

    let ws_fed =
        applications.create_ws_fed("Portal").id("portal").realm("urn:portal").reply_url("https://p.example.com");
    ws_fed.enabled(true).send().await.unwrap();
    let before = applications.load("portal").send().await.unwrap();
    applications.modify_ws_fed("portal", |portal| portal.name("Door")).await.unwrap();
    assert_eq!(held(&applications.load("portal").send().await.unwrap()), with(held(&before), "/name", "Door"));

    // One of another kind is not made into this kind.
    let error = applications.modify_oidc("payroll", |it| it).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(world.calls("managementSsoApplicationUpdateOidc"), 1);
}

#[tokio::test]
async fn an_outbound_application_keeps_what_is_not_changed() {
    let world = World::start().await;
    let applications = world.descope.management().outbound_applications();
    let calendar = applications.create("Calendar").id("calendar").client_id("us").client_secret("s3cret").pkce(true);
    let calendar = calendar.authorization_url("https://c.example.com/auth").token_url("https://c.example.com/token");
    let parameter = OutboundApplicationUrlParam::new().name("access").value("offline");
    calendar.authorization_url_params([parameter]).default_scopes(["read"]).send().await.unwrap();
    let before = applications.load("calendar").send().await.unwrap();
    let after = applications.modify("calendar", |calendar| calendar.description("Meetings")).await.unwrap();
    assert_eq!(held(&after), with(held(&before), "/description", "Meetings"));
}
