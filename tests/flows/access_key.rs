//! Machines: making keys, exchanging them, and taking them away.

use std::time::{Duration, SystemTime};

use descope_sdk::{ErrorCode, ErrorKind, LoginId, UserId, management::access_key::CreateAnswer};

use crate::world::{ADA, World, refused, refused_here};

async fn key(world: &World) -> CreateAnswer {
    world.descope.management().access_keys().create("nightly").send().await.unwrap()
}

#[tokio::test]
async fn a_key_is_made_and_exchanged_for_a_session() {
    let world = World::start().await;
    let keys = world.descope.management().access_keys();
    let created = keys.create("nightly").description("report").custom_claim("team", "finance");
    let created = created.role_names(["reader"]).tenant("T1", ["writer"]).tenant("T2", [""; 0]).send().await.unwrap();
    assert_eq!((created.key.name.as_deref(), created.key.status.as_deref()), (Some("nightly"), Some("active")));
    assert_eq!(created.key.role_names, ["reader"]);
    assert_eq!(created.key.key_tenants.len(), 2);

    let exchange = world.descope.access_key().exchange(&created.cleartext).custom_claim("job", 7).tenant_id("T2");
    let machine = exchange.send().await.unwrap();
    assert_eq!(machine.key_id(), created.key.id.as_deref());
    assert!(machine.expires_at().unwrap() > SystemTime::now());
    let session = world.descope.session().validate(machine.session_jwt().expose()).await.unwrap();
    assert_eq!(Some(session.user_id()), created.key.id.as_deref());
    assert_eq!(session.claim("team").unwrap(), "finance", "the claims of the key are trusted");
    assert_eq!(session.client_claims().unwrap()["job"], 7, "those of the machine are not");
    assert_eq!(session.current_tenant(), Some("T2"));
    assert!(session.has_role("reader") && session.has_tenant_roles("T1", &["writer"]));
    for operation in ["managementAccessKeyCreate", "accessKeyExchange"] {
        assert_eq!(world.calls(operation), 1, "{operation}");
    }
}

#[tokio::test]
async fn a_deleted_key_is_refused() {
    let world = World::start().await;
    let created = key(&world).await;
    world.descope.access_key().exchange(&created.cleartext).send().await.unwrap();
    let keys = world.descope.management().access_keys();
    keys.delete(created.key.id.as_deref().unwrap()).send().await.unwrap();
    assert_eq!(world.calls("managementAccessKeyDelete"), 1);
    let outcome = world.descope.access_key().exchange(&created.cleartext).send().await;
    let error = refused(outcome, ErrorKind::Unauthorized, 401, "E062803");
    assert_eq!(error.code(), Some(&ErrorCode::ACCESS_KEY_INVALID));
    refused(keys.delete(created.key.id.as_deref().unwrap()).send().await, ErrorKind::NotFound, 404, "E062803");
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let world = World::start().await;
    let created = key(&world).await;
    let id = created.key.id.as_deref().unwrap().to_owned();
    let wrong = format!("{}x", created.cleartext.expose());
    for cleartext in ["K2nonsense", &id, &wrong, "a.b.c"] {
        let outcome = world.descope.access_key().exchange(cleartext).send().await;
        refused(outcome, ErrorKind::Unauthorized, 401, "E062803");
    }
    let outcome = world.descope.access_key().exchange(world.emulator.management_key()).send().await;
    refused(outcome, ErrorKind::Unauthorized, 401, "E062802");
}

#[tokio::test]
async fn a_key_ends_with_its_time_and_its_sessions_with_it() {
    let world = World::start().await;
    let keys = world.descope.management().access_keys();
    let end = SystemTime::now() + Duration::from_secs(300);
    let created = keys.create("short").expire_time(end).send().await.unwrap();
    let machine = world.descope.access_key().exchange(&created.cleartext).send().await.unwrap();
    assert!(machine.expires_at().unwrap() <= end);
    world.wait(301);
    let outcome = world.descope.access_key().exchange(&created.cleartext).send().await;
    refused(outcome, ErrorKind::Unauthorized, 401, "E062803");
    let past = keys.create("late").expire_time(SystemTime::now()).send().await;
    refused(past, ErrorKind::InvalidArgument, 400, "E011004");
}

#[tokio::test]
async fn a_tenant_or_an_address_that_the_key_does_not_have_is_refused() {
    let world = World::start().await;
    let keys = world.descope.management().access_keys();
    let created = keys.create("one").tenant("T1", [""; 0]).send().await.unwrap();
    let outcome = world.descope.access_key().exchange(&created.cleartext).tenant_id("T2").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");

    let created = keys.create("elsewhere").permitted_ips(["203.0.113.0/24"]).send().await.unwrap();
    let outcome = world.descope.access_key().exchange(&created.cleartext).send().await;
    refused(outcome, ErrorKind::Unauthorized, 401, "E062803");
    let created = keys.create("here").permitted_ips(["203.0.113.0/24", "127.0.0.0/8"]).send().await.unwrap();
    world.descope.access_key().exchange(&created.cleartext).send().await.unwrap();
    refused(keys.create("odd").permitted_ips(["home"]).send().await, ErrorKind::InvalidArgument, 400, "E011003");
}

#[tokio::test]
async fn a_key_can_be_bound_to_a_user_who_exists() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let user_id = world.descope.management().users().load(LoginId::new(ADA)).send().await.unwrap().user_id.unwrap();
    let keys = world.descope.management().access_keys();
    let created = keys.create("adas").user_id(UserId::new(user_id.as_str())).send().await.unwrap();
    assert_eq!(created.key.bound_user_id, Some(user_id));
    refused(keys.create("nobodys").user_id(UserId::new("U2nobody")).send().await, ErrorKind::NotFound, 404, "E112102");
}

#[tokio::test]
async fn keys_are_managed_with_a_management_key_only() {
    let world = World::start().await;
    let created = key(&world).await;
    let bare = descope_sdk::Descope::builder(world.emulator.project_id()).base_url(world.emulator.base_url());
    let keys = bare.build().unwrap().management().access_keys();
    refused_here(keys.create("x").send().await, ErrorKind::Configuration, "management_key");
    refused_here(keys.delete("x").send().await, ErrorKind::Configuration, "management_key");
    // An access key is no management key.
    let descope = world.emulator.descope_builder().management_key(&created.cleartext).build().unwrap();
    let outcome = descope.management().access_keys().create("x").send().await;
    let error = refused(outcome, ErrorKind::Unauthorized, 401, "E111119");
    assert_eq!(error.code(), Some(&ErrorCode::MANAGEMENT_UNAUTHORIZED));
    assert_eq!(world.calls("managementAccessKeyCreate"), 2);
}
