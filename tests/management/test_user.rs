//! Users for automated tests, whose codes and links are answered instead of sent.

use descope_sdk::{DeliveryMethod, Descope, ErrorKind, LoginId};

use crate::world::{ADA, BOB, PHONE, World, refused, refused_here};

const METHODS: [DeliveryMethod; 5] =
    [DeliveryMethod::Email, DeliveryMethod::Sms, DeliveryMethod::Voice, DeliveryMethod::Whatsapp, DeliveryMethod::Im];

async fn with_test_user() -> World {
    let world = World::start().await;
    let created = world.descope.management().test_users().create(LoginId::new(ADA)).phone(PHONE).send().await.unwrap();
    assert_eq!((created.test, created.status.as_deref()), (Some(true), Some("invited")));
    world
}

#[tokio::test]
async fn a_code_is_answered_for_every_channel_and_signs_in() {
    let world = with_test_user().await;
    for method in METHODS {
        let generated =
            world.descope.management().test_users().generate_otp(LoginId::new(ADA), method).send().await.unwrap();
        let ada = generated.pending().verify(generated.code()).await.unwrap();
        assert!(world.claims(&ada).await.is_test_user());
        refused(generated.pending().verify(generated.code()).await, ErrorKind::WrongCode, 401, "E061102");
    }
    assert_eq!(world.messages(), 0);
    assert_eq!((world.calls("managementTestUserCreate"), world.calls("managementTestUserGenerateOtp")), (1, 5));
}

#[tokio::test]
async fn a_code_stays_good_when_a_sign_in_sends_another() {
    let world = with_test_user().await;
    let tests = world.descope.management().test_users();
    let generated = tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Email).send().await.unwrap();
    world.descope.otp().email(ADA).sign_in().send().await.unwrap();
    generated.pending().verify(generated.code()).await.unwrap();
}

#[tokio::test]
async fn a_test_user_may_sign_up_until_it_has_signed_in() {
    let world = with_test_user().await;
    world.descope.otp().email(ADA).sign_up().send().await.unwrap();
    let tests = world.descope.management().test_users();
    let generated = tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Email).send().await.unwrap();
    generated.pending().verify(generated.code()).await.unwrap();
    refused(world.descope.otp().email(ADA).sign_up().send().await, ErrorKind::AlreadyExists, 400, "E062107");
}

#[tokio::test]
async fn a_generated_code_can_step_up() {
    let world = with_test_user().await;
    let tests = world.descope.management().test_users();
    let generated = tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Email).step_up(true).send().await.unwrap();
    let ada = generated.pending().verify(generated.code()).await.unwrap();
    assert!(world.claims(&ada).await.is_step_up());
    let generated = tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Email).step_up(false).send().await.unwrap();
    let ada = generated.pending().verify(generated.code()).await.unwrap();
    assert!(!world.claims(&ada).await.is_step_up());
}

#[tokio::test]
async fn links_are_answered_and_sign_in() {
    let world = with_test_user().await;
    let tests = world.descope.management().test_users();
    for method in METHODS {
        let page = "https://app.example.com/verify";
        let generated = tests.generate_magic_link(LoginId::new(ADA), method).redirect_url(page).send().await.unwrap();
        assert!(generated.link().expose().starts_with(page));
        world.descope.magic_link().verify(generated.token()).await.unwrap();
        refused(world.descope.magic_link().verify(generated.token()).await, ErrorKind::Expired, 401, "E062504");
    }
    let embedded = tests.generate_embedded_link(LoginId::new(ADA)).send().await.unwrap();
    world.descope.magic_link().verify(embedded.token()).await.unwrap();

    let enchanted = tests.generate_enchanted_link(LoginId::new(ADA)).custom_claim("a", 1).send().await.unwrap();
    assert!(enchanted.pending().check().await.unwrap().is_none());
    world.descope.enchanted_link().verify(enchanted.link().token()).await.unwrap();
    let ada = enchanted.pending().check().await.unwrap().expect("a session");
    assert_eq!(world.claims(&ada).await.client_claims().unwrap()["a"], 1);
    assert_eq!(world.messages(), 0);
    for (operation, calls) in
        [("managementTestUserGenerateMagicLink", 6), ("managementTestUserGenerateEnchantedLink", 1)]
    {
        assert_eq!(world.calls(operation), calls, "{operation}");
    }
}

#[tokio::test]
async fn codes_and_links_expire_like_those_that_are_sent() {
    let world = with_test_user().await;
    let tests = world.descope.management().test_users();
    let code = tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Sms).send().await.unwrap();
    let link = tests.generate_magic_link(LoginId::new(ADA), DeliveryMethod::Email).send().await.unwrap();
    let enchanted = tests.generate_enchanted_link(LoginId::new(ADA)).send().await.unwrap();
    world.wait(180);
    refused(code.pending().verify(code.code()).await, ErrorKind::Expired, 401, "E061104");
    refused(world.descope.magic_link().verify(link.token()).await, ErrorKind::Expired, 401, "E062504");
    let clicked = world.descope.enchanted_link().verify(enchanted.link().token()).await;
    refused(clicked, ErrorKind::Expired, 401, "E062504");
    refused(enchanted.pending().check().await, ErrorKind::Expired, 400, "E063010");
}

#[tokio::test]
async fn only_test_users_have_their_codes_answered() {
    let world = with_test_user().await;
    world.user(BOB, "enabled").await;
    let tests = world.descope.management().test_users();
    let email = DeliveryMethod::Email;
    let real = (ErrorKind::InvalidArgument, 400, "E011004");
    refused(tests.generate_otp(LoginId::new(BOB), email).send().await, real.0, real.1, real.2);
    refused(tests.generate_magic_link(LoginId::new(BOB), email).send().await, real.0, real.1, real.2);
    refused(tests.generate_embedded_link(LoginId::new(BOB)).send().await, real.0, real.1, real.2);
    refused(tests.generate_enchanted_link(LoginId::new(BOB)).send().await, real.0, real.1, real.2);
    let nobody = "nobody@example.com";
    let unknown = (ErrorKind::NotFound, 404, "E112102");
    refused(tests.generate_otp(LoginId::new(nobody), email).send().await, unknown.0, unknown.1, unknown.2);
    refused(tests.generate_magic_link(LoginId::new(nobody), email).send().await, unknown.0, unknown.1, unknown.2);
    refused(tests.generate_enchanted_link(LoginId::new(nobody)).send().await, unknown.0, unknown.1, unknown.2);
    refused(tests.create(LoginId::new(BOB)).send().await, ErrorKind::AlreadyExists, 400, "E062107");
    let again = tests.create(LoginId::new(ADA)).send().await.unwrap();
    assert_eq!(again.login_ids, [ADA], "creating a test user again answers the one that is there");
    refused(tests.generate_otp(LoginId::new(ADA), email).tenant_id("T9").send().await, real.0, real.1, real.2);
}

#[tokio::test]
async fn deleting_all_deletes_the_test_users_and_nobody_else() {
    let world = with_test_user().await;
    world.user(BOB, "enabled").await;
    let tests = world.descope.management().test_users();
    let code = tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Email).send().await.unwrap();
    tests.delete_all().send().await.unwrap();
    tests.delete_all().send().await.unwrap();
    assert_eq!(world.calls("managementTestUserDeleteAll"), 2);
    let users = world.descope.management().users();
    refused(users.load(LoginId::new(ADA)).send().await, ErrorKind::NotFound, 404, "E112102");
    refused(code.pending().verify(code.code()).await, ErrorKind::WrongCode, 401, "E061102");
    users.load(LoginId::new(LoginId::new(BOB))).send().await.unwrap();
}

#[tokio::test]
async fn test_users_need_a_management_key() {
    let world = World::start().await;
    let bare = Descope::builder(world.emulator.project_id()).base_url(world.emulator.base_url()).build().unwrap();
    let tests = bare.management().test_users();
    let kind = ErrorKind::Configuration;
    refused_here(tests.create(LoginId::new(ADA)).send().await, kind, "management_key");
    refused_here(tests.generate_otp(LoginId::new(ADA), DeliveryMethod::Sms).send().await, kind, "management_key");
    refused_here(
        tests.generate_magic_link(LoginId::new(ADA), DeliveryMethod::Sms).send().await,
        kind,
        "management_key",
    );
    refused_here(tests.generate_embedded_link(LoginId::new(ADA)).send().await, kind, "management_key");
    refused_here(tests.generate_enchanted_link(LoginId::new(ADA)).send().await, kind, "management_key");
    refused_here(tests.delete_all().send().await, kind, "management_key");
    assert!(world.operations().is_empty());
}
