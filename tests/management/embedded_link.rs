//! Tokens that the back end delivers by itself.

use std::time::Duration;

use descope_sdk::{Descope, ErrorKind, LoginId};

use crate::world::{ADA, PHONE, World, refused, refused_here};

#[tokio::test]
async fn a_token_signs_an_existing_user_in() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let links = world.descope.management().embedded_links();
    let token = links.sign_in(LoginId::new(ADA)).custom_claim("report", 7).send().await.unwrap();
    let ada = world.descope.magic_link().verify(&token).await.unwrap();
    let session = world.claims(&ada).await;
    assert_eq!(session.claim("report").unwrap(), 7, "the back end asked for it, so it is trusted");
    assert!(session.client_claims().is_none());
    assert_eq!(world.messages(), 0);
    refused(world.descope.magic_link().verify(token).await, ErrorKind::Expired, 401, "E062504");
    assert_eq!(world.calls("managementEmbeddedLinkSignIn"), 1);
}

#[tokio::test]
async fn a_token_signs_a_new_user_up() {
    let world = World::start().await;
    let links = world.descope.management().embedded_links();
    let sign_up = links.sign_up(LoginId::new("countess")).email(ADA).phone(PHONE).name("Ada").email_verified(true);
    let token = sign_up.custom_claim("campaign", "spring").send().await.unwrap();
    let users = world.descope.management().users();
    refused(users.load(LoginId::new("countess")).send().await, ErrorKind::NotFound, 404, "E112102");
    let ada = world.descope.magic_link().verify(&token).await.unwrap();
    assert!(ada.first_seen());
    let user = users.load(LoginId::new("countess")).send().await.unwrap();
    assert_eq!((user.email.as_deref(), user.phone.as_deref()), (Some(ADA), Some(PHONE)));
    assert_eq!((user.verified_email, user.verified_phone), (Some(true), Some(false)));
    assert_eq!(world.claims(&ada).await.client_claims().unwrap()["campaign"], "spring");
    assert_eq!(world.messages(), 0);
    refused(world.descope.magic_link().verify(token).await, ErrorKind::Expired, 401, "E062504");
    assert_eq!(world.calls("managementEmbeddedLinkSignUp"), 1);
}

#[tokio::test]
async fn a_token_expires_with_its_timeout() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let links = world.descope.management().embedded_links();
    let (usual, short) =
        (links.sign_in(LoginId::new(ADA)), links.sign_in(LoginId::new(ADA)).timeout(Duration::from_secs(10)));
    let long = links.sign_up(LoginId::new("new@example.com")).timeout(Duration::from_secs(3600));
    let [usual, short, long] = [usual.send().await.unwrap(), short.send().await.unwrap(), long.send().await.unwrap()];
    let magic = world.descope.magic_link();
    world.wait(11);
    let error = refused(magic.verify(short).await, ErrorKind::Expired, 401, "E062504");
    assert!(error.message().unwrap().contains("expire"), "{error:?}");
    world.wait(50);
    refused(magic.verify(usual).await, ErrorKind::Expired, 401, "E062504");
    world.wait(3000);
    magic.verify(long).await.unwrap();
}

#[tokio::test]
async fn known_and_unknown_users_are_told_apart() {
    let world = World::start().await;
    let links = world.descope.management().embedded_links();
    refused(links.sign_in(LoginId::new(ADA)).send().await, ErrorKind::NotFound, 404, "E112102");
    let early = links.sign_up(LoginId::new(ADA)).send().await.unwrap();
    world.user(ADA, "enabled").await;
    refused(links.sign_up(LoginId::new(ADA)).send().await, ErrorKind::AlreadyExists, 400, "E062107");
    refused(world.descope.magic_link().verify(early).await, ErrorKind::AlreadyExists, 400, "E062107");
    world.user("carl@example.com", "disabled").await;
    refused(links.sign_in(LoginId::new("carl@example.com")).send().await, ErrorKind::Unauthorized, 403, "E111119");
}

#[tokio::test]
async fn a_user_who_is_deleted_meanwhile_cannot_use_the_token() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let token = world.descope.management().embedded_links().sign_in(LoginId::new(ADA)).send().await.unwrap();
    world.descope.management().users().delete(LoginId::new(ADA)).send().await.unwrap();
    refused(world.descope.magic_link().verify(token).await, ErrorKind::Expired, 401, "E062504");
}

#[tokio::test]
async fn a_timeout_that_makes_no_sense_is_refused() {
    let world = World::start().await;
    world.user(ADA, "enabled").await;
    let links = world.descope.management().embedded_links();
    refused_here(
        links.sign_in(LoginId::new(ADA)).timeout(Duration::ZERO).send().await,
        ErrorKind::InvalidArgument,
        "timeout",
    );
    refused_here(
        links.sign_up(LoginId::new("x")).timeout(Duration::MAX).send().await,
        ErrorKind::InvalidArgument,
        "timeout",
    );
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let outcome = links.sign_in(LoginId::new(ADA)).timeout(century).send().await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
}

#[tokio::test]
async fn embedded_links_need_a_management_key() {
    let world = World::start().await;
    let bare = Descope::builder(world.emulator.project_id()).base_url(world.emulator.base_url()).build().unwrap();
    let links = bare.management().embedded_links();
    refused_here(links.sign_in(LoginId::new(ADA)).send().await, ErrorKind::Configuration, "management_key");
    refused_here(links.sign_up(LoginId::new(ADA)).send().await, ErrorKind::Configuration, "management_key");
    assert!(world.operations().is_empty());
}
