//! New addresses and numbers, by code, magic link and enchanted link.

use descope_sdk::{Authentication, DeliveryMethod, ErrorKind, LoginId, Secret, User};

use crate::world::{ADA, BOB, PHONE, World, refused};

const NEW: &str = "ada@lovelace.example";

async fn load(world: &World, login_id: &str) -> User {
    world.descope.management().users().load(LoginId::new(login_id)).send().await.expect("the user")
}

/// Begins a change, whatever sends the proof, and redeems it.
async fn by_code(world: &World, method: DeliveryMethod, address: &str, token: &Secret) -> Authentication {
    let pending = world.descope.otp().channel(method, address).update(ADA, token).send().await.unwrap();
    assert_eq!(pending.state().login_id(), ADA);
    pending.verify(world.code(address).await).await.unwrap()
}

#[tokio::test]
async fn a_code_confirms_a_new_address_on_every_channel() {
    for (method, operation) in [
        (DeliveryMethod::Email, "otpUpdateEmail"),
        (DeliveryMethod::Sms, "otpUpdatePhoneSms"),
        (DeliveryMethod::Voice, "otpUpdatePhoneVoice"),
        (DeliveryMethod::Whatsapp, "otpUpdatePhoneWhatsapp"),
        (DeliveryMethod::Im, "otpUpdatePhoneIm"),
    ] {
        let world = World::start().await;
        let token = world.refresh_jwt(ADA).await;
        let address = if method == DeliveryMethod::Email { NEW } else { PHONE };
        by_code(&world, method, address, &token).await;
        assert_eq!(world.calls(operation), 1);
        let ada = load(&world, ADA).await;
        let (found, verified) = match method {
            DeliveryMethod::Email => (ada.email, ada.verified_email),
            _ => (ada.phone, ada.verified_phone),
        };
        assert_eq!((found.as_deref(), verified), (Some(address), Some(true)), "{method:?}");
        assert_eq!(ada.login_ids, [ADA]);
    }
}

#[tokio::test]
async fn nothing_changes_before_the_code_is_redeemed() {
    let world = World::start().await;
    let token = world.refresh_jwt(ADA).await;
    world.descope.otp().email(NEW).update(ADA, &token).send().await.unwrap();
    assert_eq!(load(&world, ADA).await.email.as_deref(), Some(ADA));
}

#[tokio::test]
async fn links_confirm_a_new_address() {
    let world = World::start().await;
    let token = world.refresh_jwt(ADA).await;
    let magic = world.descope.magic_link();
    let sent = magic.email(NEW).update(ADA, &token).send().await.unwrap();
    assert!(sent.masked_address().unwrap().contains('*'));
    magic.verify(world.token(NEW).await).await.unwrap();
    assert_eq!(load(&world, ADA).await.email.as_deref(), Some(NEW));
    magic.sms(PHONE).update(ADA, &token).send().await.unwrap();
    magic.verify(world.token(PHONE).await).await.unwrap();
    assert_eq!(load(&world, ADA).await.phone.as_deref(), Some(PHONE));

    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.email("third@example.com").update(ADA, &token).send().await.unwrap();
    let mail = world.mail("third@example.com").await;
    enchanted.verify(mail.link(pending.link_id()).unwrap().token.as_str()).await.unwrap();
    assert_eq!(load(&world, ADA).await.email.as_deref(), Some(NEW), "the waiting device finishes it");
    pending.check().await.unwrap().expect("a session");
    assert_eq!(load(&world, ADA).await.email.as_deref(), Some("third@example.com"));
    for operation in ["magicLinkUpdateEmail", "magicLinkUpdatePhoneSms", "enchantedLinkUpdateEmail"] {
        assert_eq!(world.calls(operation), 1, "{operation}");
    }
}

#[tokio::test]
async fn the_new_address_becomes_a_login_id_when_asked_for() {
    let world = World::start().await;
    let token = world.refresh_jwt(ADA).await;
    let pending = world.descope.otp().email(NEW).update(ADA, &token).add_to_login_ids(true).send().await.unwrap();
    pending.verify(world.code(NEW).await).await.unwrap();
    assert_eq!(load(&world, NEW).await.login_ids, [ADA, NEW]);
    assert!(!world.signed_in(NEW).await.first_seen());
}

#[tokio::test]
async fn an_address_of_somebody_else_is_refused_or_merges_the_users() {
    let world = World::start().await;
    let token = world.refresh_jwt(ADA).await;
    let bob = world.signed_in(BOB).await.user().unwrap().user_id.clone();
    let update = || world.descope.otp().email(BOB).update(ADA, &token);
    refused(update().fail_on_conflict(true).send().await, ErrorKind::AlreadyExists, 400, "E062107");

    let pending = update().on_merge_use_existing(true).send().await.unwrap();
    let merged = pending.verify(world.code(BOB).await).await.unwrap();
    assert_eq!(merged.user().unwrap().user_id, bob);
    let (ada, bob) = (load(&world, ADA).await, load(&world, BOB).await);
    assert_eq!(ada.user_id, bob.user_id);
}

#[tokio::test]
async fn only_ones_own_address_can_be_changed() {
    let world = World::start().await;
    let ada = world.refresh_jwt(ADA).await;
    let bob = world.refresh_jwt(BOB).await;
    let before = world.messages();
    let (otp, magic, enchanted) = (world.descope.otp(), world.descope.magic_link(), world.descope.enchanted_link());
    let (kind, status, code) = (ErrorKind::InvalidArgument, 403, "E011004");
    refused(otp.email(NEW).update(ADA, &bob).send().await, kind, status, code);
    refused(magic.sms(PHONE).update(ADA, &bob).send().await, kind, status, code);
    refused(enchanted.email(NEW).update(ADA, &bob).send().await, kind, status, code);
    let outcome = otp.email(NEW).update("nobody@example.com", &ada).send().await;
    refused(outcome, ErrorKind::NotFound, 400, "E062108");
    refused(otp.email("nonsense").update(ADA, &ada).send().await, ErrorKind::InvalidArgument, 400, "E011003");
    world.descope.session().logout(&ada).await.unwrap();
    refused(otp.email(NEW).update(ADA, ada).send().await, ErrorKind::Unauthorized, 401, "E064001");
    assert_eq!(world.messages(), before);
}
