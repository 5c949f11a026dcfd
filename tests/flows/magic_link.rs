//! Links that are clicked where the user wants to be signed in.

use descope_sdk::{ErrorKind, LoginId};

use crate::world::{ADA, BOB, PHONE, World, refused};

#[tokio::test]
async fn a_link_signs_up_and_in_by_email_and_sms() {
    for (by_email, address, operations) in [
        (true, ADA, ["magicLinkSignUpEmail", "magicLinkSignInEmail", "magicLinkSignUpOrInEmail"]),
        (false, PHONE, ["magicLinkSignUpSms", "magicLinkSignInSms", "magicLinkSignUpOrInSms"]),
    ] {
        let world = World::start().await;
        let magic = world.descope.magic_link();
        let channel = || if by_email { magic.email(address) } else { magic.sms(address) };

        let sent = channel().sign_up().given_name("Ada").send().await.unwrap();
        let masked = sent.masked_address().expect("a masked address");
        assert!(masked.contains('*') && masked != address, "{masked}");
        let first = magic.verify(world.token(address).await).await.unwrap();
        assert!(first.first_seen());
        assert_eq!(first.user().unwrap().given_name.as_deref(), Some("Ada"));
        assert_eq!(Some(world.claims(&first).await.user_id()), first.user().unwrap().user_id.as_deref());

        channel().sign_in().send().await.unwrap();
        let second = magic.verify(world.token(address).await).await.unwrap();
        channel().sign_up_or_in().send().await.unwrap();
        let third = magic.verify(world.token(address).await).await.unwrap();
        for again in [second, third] {
            assert!(!again.first_seen());
            assert_eq!(again.user().unwrap().user_id, first.user().unwrap().user_id);
        }
        for operation in operations {
            assert_eq!(world.calls(operation), 1, "{operation}");
        }
        assert_eq!(world.calls("magicLinkVerify"), 3);
    }
}

#[tokio::test]
async fn the_link_leads_to_the_page_that_was_asked_for() {
    let world = World::start().await;
    let magic = world.descope.magic_link();
    let page = "https://shop.example.com/in?next=%2Fcart";
    magic.email(ADA).sign_up_or_in().redirect_url(page).send().await.unwrap();
    let link = world.mail(ADA).await.links[0].clone();
    assert!(link.url.starts_with(page) && link.url.ends_with(&link.token), "{}", link.url);
    let outcome = magic.email(ADA).sign_up_or_in().redirect_url("verify").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
    assert_eq!(world.messages(), 1);
}

#[tokio::test]
async fn a_link_works_once() {
    let world = World::start().await;
    let magic = world.descope.magic_link();
    magic.email(ADA).sign_up().send().await.unwrap();
    let token = world.token(ADA).await;
    magic.verify(token.as_str()).await.unwrap();
    let error = refused(magic.verify(token).await, ErrorKind::Expired, 401, "E062504");
    assert!(error.message().unwrap().contains("token"));
}

#[tokio::test]
async fn a_link_expires_after_three_minutes() {
    let world = World::start().await;
    let magic = world.descope.magic_link();
    magic.email(ADA).sign_up().send().await.unwrap();
    let token = world.token(ADA).await;
    world.wait(180);
    refused(magic.verify(token).await, ErrorKind::Expired, 401, "E062504");
    refused(
        world.descope.management().users().load(LoginId::new(ADA)).send().await,
        ErrorKind::NotFound,
        404,
        "E112102",
    );
}

#[tokio::test]
async fn an_earlier_link_stays_good() {
    let world = World::start().await;
    let magic = world.descope.magic_link();
    magic.email(ADA).sign_up_or_in().send().await.unwrap();
    magic.email(ADA).sign_up_or_in().send().await.unwrap();
    let (first, second) = (world.token(ADA).await, world.token(ADA).await);
    assert!(magic.verify(first).await.unwrap().first_seen());
    assert!(!magic.verify(second).await.unwrap().first_seen());
}

#[tokio::test]
async fn tokens_that_are_none_are_refused() {
    let world = World::start().await;
    let pending = world.descope.enchanted_link().sign_up_or_in(ADA).send().await.unwrap();
    let enchanted = world.mail(ADA).await.link(pending.link_id()).unwrap().token.clone();
    for token in ["nonsense", "é", &"x".repeat(5000), &enchanted] {
        refused(world.descope.magic_link().verify(token).await, ErrorKind::Expired, 401, "E062504");
    }
}

#[tokio::test]
async fn known_and_unknown_users_are_told_apart() {
    let world = World::start().await;
    world.user(BOB, "enabled").await;
    world.user(PHONE, "enabled").await;
    let magic = world.descope.magic_link();
    refused(magic.email(ADA).sign_in().send().await, ErrorKind::NotFound, 400, "E062108");
    refused(magic.sms("+15550000000").sign_in().send().await, ErrorKind::NotFound, 400, "E062108");
    refused(magic.email(BOB).sign_up().send().await, ErrorKind::AlreadyExists, 400, "E062107");
    refused(magic.sms(PHONE).sign_up().send().await, ErrorKind::AlreadyExists, 400, "E062107");
    assert_eq!(world.messages(), 0);
}

#[tokio::test]
async fn a_user_who_is_deleted_meanwhile_cannot_use_the_link() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let magic = world.descope.magic_link();
    magic.email(ADA).sign_in().send().await.unwrap();
    let token = world.token(ADA).await;
    world.descope.management().users().delete(LoginId::new(ADA)).send().await.unwrap();
    refused(magic.verify(token).await, ErrorKind::Expired, 401, "E062504");
}

#[tokio::test]
async fn of_two_sign_ups_at_a_time_the_later_link_is_refused() {
    let world = World::start().await;
    let magic = world.descope.magic_link();
    magic.email(ADA).sign_up().send().await.unwrap();
    magic.email(ADA).sign_up().send().await.unwrap();
    let (first, second) = (world.token(ADA).await, world.token(ADA).await);
    magic.verify(first).await.unwrap();
    refused(magic.verify(second).await, ErrorKind::AlreadyExists, 400, "E062107");
}

#[tokio::test]
async fn a_link_can_step_up_a_session_of_the_same_user() {
    let world = World::start().await;
    let (ada, bob) = (world.refresh_jwt(ADA).await, world.refresh_jwt(BOB).await);
    let magic = world.descope.magic_link();
    let outcome = magic.email(ADA).sign_in().step_up(bob).send().await;
    refused(outcome, ErrorKind::InvalidArgument, 403, "E011004");
    magic.email(ADA).sign_in().step_up(ada).send().await.unwrap();
    let stepped_up = magic.verify(world.token(ADA).await).await.unwrap();
    assert!(world.claims(&stepped_up).await.is_step_up());
}
