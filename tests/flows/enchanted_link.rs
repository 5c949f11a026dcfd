//! Links that are clicked anywhere while the first device waits. How it waits is in `polling`.

use descope_emulator::Message;
use descope_sdk::{ErrorCode, ErrorKind, LoginId, PendingLink};

use crate::world::{ADA, BOB, World, refresh_of, refused};

/// The tokens in a message: of the right link, and of the others.
fn tokens(mail: &Message, pending: &PendingLink) -> (String, Vec<String>) {
    assert_eq!(mail.links.len(), 3);
    assert!(pending.link_id().len() == 2 && pending.link_id().bytes().all(|byte| byte.is_ascii_digit()));
    let right = mail.link(pending.link_id()).expect("the link with the number on the screen").token.clone();
    let wrong = mail.links.iter().map(|link| link.token.clone()).filter(|token| *token != right).collect();
    (right, wrong)
}

#[tokio::test]
async fn a_link_signs_up_and_in_on_the_device_that_waits() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let mut users = Vec::new();
    for (operation, pending) in [
        ("enchantedLinkSignUpEmail", enchanted.sign_up(ADA).name("Ada Lovelace").send().await),
        ("enchantedLinkSignInEmail", enchanted.sign_in(BOB).send().await),
    ] {
        assert_eq!(world.calls(operation), 1);
        if operation == "enchantedLinkSignInEmail" {
            // Bob is not known before he has signed up.
            refused(pending, ErrorKind::NotFound, 400, "E062108");
            continue;
        }
        let pending = pending.unwrap();
        assert!(pending.masked_address().unwrap().contains('*'));
        assert!(pending.check().await.unwrap().is_none(), "nobody has clicked");
        let (right, _) = tokens(&world.mail(ADA).await, &pending);
        enchanted.verify(right).await.unwrap();
        let ada = pending.check().await.unwrap().expect("a session");
        assert!(ada.first_seen());
        assert_eq!(ada.user().unwrap().name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(ada.user().unwrap().verified_email, Some(true));
        assert_eq!(Some(world.claims(&ada).await.user_id()), ada.user().unwrap().user_id.as_deref());
        users.push(ada.user().unwrap().user_id.clone());
    }
    for (operation, pending) in [
        ("enchantedLinkSignInEmail", enchanted.sign_in(ADA).send().await.unwrap()),
        ("enchantedLinkSignUpOrInEmail", enchanted.sign_up_or_in(ADA).send().await.unwrap()),
    ] {
        let (right, _) = tokens(&world.mail(ADA).await, &pending);
        enchanted.verify(right).await.unwrap();
        let ada = pending.wait().await.unwrap();
        assert!(!ada.first_seen());
        users.push(ada.user().unwrap().user_id.clone());
        assert!(world.calls(operation) > 0);
    }
    users.dedup();
    assert_eq!(users.len(), 1);
    assert_eq!((world.calls("enchantedLinkVerify"), world.calls("enchantedLinkPendingSession")), (3, 4));
}

#[tokio::test]
async fn a_wrong_link_signs_nobody_in_and_the_right_one_still_does() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.sign_up_or_in(ADA).send().await.unwrap();
    let (right, wrong) = tokens(&world.mail(ADA).await, &pending);
    for token in wrong {
        refused(enchanted.verify(token).await, ErrorKind::Expired, 401, "E062504");
        assert!(pending.check().await.unwrap().is_none());
    }
    enchanted.verify(right).await.unwrap();
    assert!(pending.check().await.unwrap().is_some());
}

#[tokio::test]
async fn a_link_is_clicked_once_and_its_session_fetched_once() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.sign_up_or_in(ADA).send().await.unwrap();
    let (right, _) = tokens(&world.mail(ADA).await, &pending);
    enchanted.verify(right.as_str()).await.unwrap();
    refused(enchanted.verify(right.as_str()).await, ErrorKind::Expired, 401, "E062504");
    assert!(pending.check().await.unwrap().is_some());
    let error = refused(pending.check().await, ErrorKind::Expired, 400, "E063010");
    assert_eq!(error.code(), Some(&ErrorCode::LINK_EXPIRED));
    refused(pending.wait().await, ErrorKind::Expired, 400, "E063010");
    refused(enchanted.verify(right).await, ErrorKind::Expired, 401, "E062504");
}

#[tokio::test]
async fn a_link_that_nobody_clicks_expires_for_both_sides() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.sign_up(ADA).send().await.unwrap();
    let (right, _) = tokens(&world.mail(ADA).await, &pending);
    world.wait(180);
    refused(enchanted.verify(right).await, ErrorKind::Expired, 401, "E062504");
    refused(pending.check().await, ErrorKind::Expired, 400, "E063010");
    refused(
        world.descope.management().users().load(LoginId::new(ADA)).send().await,
        ErrorKind::NotFound,
        404,
        "E112102",
    );
}

#[tokio::test]
async fn a_session_that_nobody_fetches_is_gone_after_a_while() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.sign_up(ADA).send().await.unwrap();
    world.wait(170);
    enchanted.verify(tokens(&world.mail(ADA).await, &pending).0).await.unwrap();
    world.wait(170);
    assert!(pending.check().await.unwrap().is_some(), "the click began the time anew");

    let pending = enchanted.sign_in(ADA).send().await.unwrap();
    enchanted.verify(tokens(&world.mail(ADA).await, &pending).0).await.unwrap();
    world.wait(180);
    refused(pending.check().await, ErrorKind::Expired, 400, "E063010");
}

#[tokio::test]
async fn references_and_tokens_that_are_none_are_refused() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let state = serde_json::from_str(r#"{"pending_ref": "nonsense", "link_id": "42"}"#).unwrap();
    refused(enchanted.resume(state).check().await, ErrorKind::Expired, 400, "E063010");
    refused(enchanted.verify("nonsense").await, ErrorKind::Expired, 401, "E062504");
    world.descope.magic_link().email(ADA).sign_up_or_in().send().await.unwrap();
    refused(enchanted.verify(world.token(ADA).await).await, ErrorKind::Expired, 401, "E062504");
}

#[tokio::test]
async fn two_sign_ins_at_a_time_do_not_get_in_each_others_way() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let first = enchanted.sign_up_or_in(ADA).send().await.unwrap();
    let second = enchanted.sign_up_or_in(ADA).send().await.unwrap();
    let (_, mail) = (world.mail(ADA).await, world.mail(ADA).await);
    enchanted.verify(tokens(&mail, &second).0).await.unwrap();
    assert!(first.check().await.unwrap().is_none());
    assert!(second.check().await.unwrap().is_some());
    assert!(first.check().await.unwrap().is_none());
}

#[tokio::test]
async fn known_and_unknown_users_are_told_apart() {
    let world = World::start().await;
    world.user(BOB, "enabled").await;
    world.user("carl@example.com", "disabled").await;
    let enchanted = world.descope.enchanted_link();
    refused(enchanted.sign_in(ADA).send().await, ErrorKind::NotFound, 400, "E062108");
    refused(enchanted.sign_up(BOB).send().await, ErrorKind::AlreadyExists, 400, "E062107");
    refused(enchanted.sign_in("carl@example.com").send().await, ErrorKind::Unauthorized, 403, "E111119");
    refused(enchanted.sign_up("countess").send().await, ErrorKind::InvalidArgument, 400, "E011003");
    let outcome = enchanted.sign_in(BOB).redirect_url("verify").send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
    assert_eq!(world.messages(), 0);
}

#[tokio::test]
async fn a_user_who_is_deleted_meanwhile_gets_no_session() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.sign_in(ADA).send().await.unwrap();
    let (right, _) = tokens(&world.mail(ADA).await, &pending);
    world.descope.management().users().delete(LoginId::new(ADA)).send().await.unwrap();
    refused(enchanted.verify(right).await, ErrorKind::Expired, 401, "E062504");
    refused(pending.check().await, ErrorKind::Expired, 400, "E063010");
}

#[tokio::test]
async fn a_link_can_step_up_a_session_of_the_same_user() {
    let world = World::start().await;
    let (ada, bob) = (world.signed_in(ADA).await, world.signed_in(BOB).await);
    let enchanted = world.descope.enchanted_link();
    let outcome = enchanted.sign_in(ADA).step_up(refresh_of(&bob)).send().await;
    refused(outcome, ErrorKind::InvalidArgument, 403, "E011004");
    let pending = enchanted.sign_in(ADA).step_up(refresh_of(&ada)).send().await.unwrap();
    enchanted.verify(tokens(&world.mail(ADA).await, &pending).0).await.unwrap();
    let stepped_up = pending.check().await.unwrap().unwrap();
    assert!(world.claims(&stepped_up).await.is_step_up());
}

#[tokio::test]
async fn two_waiting_devices_with_one_reference_get_one_session() {
    let world = World::start().await;
    let enchanted = world.descope.enchanted_link();
    let pending = enchanted.sign_up_or_in(ADA).send().await.unwrap();
    let twin = enchanted.resume(pending.state().clone());
    enchanted.verify(tokens(&world.mail(ADA).await, &pending).0).await.unwrap();
    let (one, other) = tokio::join!(pending.check(), twin.check());
    let sessions = [one, other];
    assert_eq!(sessions.iter().filter(|session| matches!(session, Ok(Some(_)))).count(), 1, "{sessions:?}");
}
