//! Users whom the back end makes.

use descope_sdk::{
    Descope, ErrorCode, ErrorKind, LoginId, UserId,
    management::user::{ImportedPassword, ImportedPasswordHash},
    vocabulary::UserStatus,
};

use crate::world::{ADA, BOB, PHONE, World, refused, refused_here};

#[tokio::test]
async fn a_user_is_created_loaded_and_deleted() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let create = users.create(LoginId::new("countess")).email(ADA).phone(PHONE).name("Ada Lovelace").given_name("Ada");
    let create = create.verified_phone(false).role_names(["reader"]).tenant("T1", ["writer"]);
    let created = create.custom_attribute("plan", "pro").additional_login_ids([ADA]).send().await.unwrap();
    assert_eq!(created.status, Some(UserStatus::INVITED));
    assert_eq!((created.verified_email, created.verified_phone), (Some(true), Some(false)));
    assert_eq!(created.login_ids, ["countess", ADA]);
    assert_eq!(created.role_names, ["reader"]);
    assert_eq!(created.custom_attributes["plan"], "pro");
    assert_eq!(created.user_tenants[0].tenant_id.as_deref(), Some("T1"));

    let user_id = created.user_id.clone().unwrap();
    for loaded in [
        users.load(LoginId::new("countess")).send().await,
        users.load(LoginId::new(ADA)).send().await,
        users.load(UserId::new(&user_id)).send().await,
    ] {
        assert_eq!(serde_json::to_value(loaded.unwrap()).unwrap(), serde_json::to_value(&created).unwrap());
    }
    users.delete(LoginId::new(ADA)).send().await.unwrap();
    refused(users.load(LoginId::new("countess")).send().await, ErrorKind::NotFound, 404, "E112102");
    users.create(LoginId::new("countess")).send().await.unwrap();
    for (operation, calls) in [("managementUserCreate", 2), ("managementUserLoad", 4), ("managementUserDelete", 1)] {
        assert_eq!(world.calls(operation), calls, "{operation}");
    }
}

#[tokio::test]
async fn login_ids_of_any_shape_lead_to_their_user() {
    let world = World::start().await;
    let users = world.descope.management().users();
    for login_id in ["a+b&c=d@example.com", "ünïcödé", "a/b?c#d", "a b", "%41", "🙂"] {
        let created = users.create(LoginId::new(login_id)).send().await.unwrap();
        assert_eq!(users.load(LoginId::new(login_id)).send().await.unwrap().user_id, created.user_id, "{login_id}");
        users.delete(UserId::new(created.user_id.as_deref().unwrap())).send().await.unwrap();
        refused(users.load(LoginId::new(login_id)).send().await, ErrorKind::NotFound, 404, "E112102");
    }
}

#[tokio::test]
async fn somebody_known_is_not_created_again() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let users = world.descope.management().users();
    let error = refused(users.create(LoginId::new(ADA)).send().await, ErrorKind::AlreadyExists, 400, "E062107");
    assert_eq!(error.code(), Some(&ErrorCode::USER_ALREADY_EXISTS));
    let outcome = users.create(LoginId::new(BOB)).additional_login_ids([ADA]).send().await;
    refused(outcome, ErrorKind::AlreadyExists, 400, "E062107");
    refused(users.load(LoginId::new(BOB)).send().await, ErrorKind::NotFound, 404, "E112102");
}

#[tokio::test]
async fn somebody_unknown_is_neither_loaded_nor_deleted() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let error = refused(users.load(LoginId::new(ADA)).send().await, ErrorKind::NotFound, 404, "E112102");
    assert_eq!(error.code(), Some(&ErrorCode::MANAGED_USER_NOT_FOUND));
    refused(users.load(UserId::new("U2nobody")).send().await, ErrorKind::NotFound, 404, "E112102");
    refused(users.delete(LoginId::new(ADA)).send().await, ErrorKind::NotFound, 404, "E112102");
    refused(users.delete(UserId::new("U2nobody")).send().await, ErrorKind::NotFound, 404, "E112102");
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_and_nobody_is_created() {
    let world = World::start().await;
    let users = world.descope.management().users();
    let (kind, status, code) = (ErrorKind::InvalidArgument, 400, "E011003");
    refused(users.create(LoginId::new("ada")).email("nonsense").send().await, kind, status, code);
    refused(users.create(LoginId::new("ada")).phone("12").send().await, kind, status, code);
    refused(users.create(LoginId::new("ada")).status("asleep").send().await, kind, status, code);
    let outcome = users.create(LoginId::new("ada")).email(ADA).invite(true).invite_url("verify").send().await;
    refused(outcome, kind, status, "E011004");
    refused(users.load(LoginId::new("ada")).send().await, ErrorKind::NotFound, 404, "E112102");
    assert_eq!(world.messages(), 0);
}

#[tokio::test]
async fn an_invitation_signs_the_user_in() {
    let world = World::start().await;
    let users = world.descope.management().users();
    users.create(LoginId::new(ADA)).invite(true).invite_url("https://app.example.com/welcome").send().await.unwrap();
    let mail = world.mail(ADA).await;
    assert!(mail.links[0].url.starts_with("https://app.example.com/welcome"), "{mail:?}");
    let ada = world.descope.magic_link().verify(mail.links[0].token.as_str()).await.unwrap();
    assert!(ada.first_seen());
    assert_eq!(users.load(LoginId::new(ADA)).send().await.unwrap().status.as_deref(), Some("enabled"));
}

#[tokio::test]
async fn what_the_emulator_cannot_do_is_told_as_unsupported() {
    let world = World::start().await;
    let hash = ImportedPassword::new().buddyauth(ImportedPasswordHash::new("x"));
    let outcome = world.descope.management().users().create(LoginId::new(ADA)).hashed_password(hash).send().await;
    refused(outcome, ErrorKind::Unsupported, 501, "E990501");
    refused(
        world.descope.management().users().load(LoginId::new(ADA)).send().await,
        ErrorKind::NotFound,
        404,
        "E112102",
    );
}

#[tokio::test]
async fn management_needs_its_key() {
    let world = World::start().await;
    let bare = Descope::builder(world.emulator.project_id()).base_url(world.emulator.base_url()).build().unwrap();
    let users = bare.management().users();
    for outcome in [
        users.create(LoginId::new(ADA)).send().await,
        users.load(LoginId::new(ADA)).send().await,
        users.load(UserId::new("U2Rm")).send().await,
    ] {
        let error = refused_here(outcome, ErrorKind::Configuration, "management_key");
        let text = error.to_string();
        assert!(text.contains("DESCOPE_MANAGEMENT_KEY") && text.contains("management_key(..)"), "{text}");
    }
    refused_here(users.delete(LoginId::new(ADA)).send().await, ErrorKind::Configuration, "management_key");
    refused_here(users.delete(UserId::new("U2Rm")).send().await, ErrorKind::Configuration, "management_key");
    assert!(world.operations().is_empty());

    let wrong = world.emulator.descope_builder().management_key("K2wrong").build().unwrap();
    let outcome = wrong.management().users().create(LoginId::new(ADA)).send().await;
    refused(outcome, ErrorKind::Unauthorized, 401, "E111119");
    let ada = world.refresh_jwt(ADA).await;
    let token = world.emulator.descope_builder().management_key(ada).build().unwrap();
    refused(token.management().users().load(LoginId::new(ADA)).send().await, ErrorKind::Unauthorized, 401, "E111119");
}

#[tokio::test]
async fn another_project_is_refused() {
    let world = World::start().await;
    let other = Descope::builder("P2AnotherProject00000000000A").base_url(world.emulator.base_url());
    let other = other.management_key(world.emulator.management_key()).build().unwrap();
    let outcome = other.management().users().create(LoginId::new(ADA)).send().await;
    let error = refused(outcome, ErrorKind::NotFound, 401, "E011008");
    assert_eq!(error.code(), Some(&ErrorCode::PROJECT_NOT_FOUND));
    refused(other.otp().email(ADA).sign_up().send().await, ErrorKind::NotFound, 401, "E011008");
    assert_eq!(world.messages(), 0);
}
