//! Passwords.

use descope_sdk::{ErrorKind, PasswordProblem, PasswordResetSent};

use crate::world::{ADA, BOB, World, refresh_of, refused, refused_here};

const FIRST: &str = "Difference-Engine-2";
const SECOND: &str = "Analytical-Engine-1";

#[tokio::test]
async fn a_password_signs_up_and_in_and_is_replaced() {
    let world = World::start().await;
    let password = world.descope.password();
    let ada = password.sign_up(ADA, FIRST).name("Ada").email(ADA).custom_claim("a", 1).send().await.unwrap();
    assert!(ada.first_seen() && ada.user().unwrap().name.as_deref() == Some("Ada"));
    assert_eq!(world.claims(&ada).await.claim("nsec").unwrap()["a"], 1);
    let again = password.sign_in(ADA, FIRST).send().await.unwrap();
    assert!(!again.first_seen());
    let replaced = password.replace(ADA, FIRST, SECOND).revoke_other_sessions(true).send().await.unwrap();
    world.claims(&replaced).await;
    let ended = world.descope.session().refresh(refresh_of(&again)).await;
    refused(ended, ErrorKind::Unauthorized, 401, "E064001");
    refused(password.sign_in(ADA, FIRST).send().await, ErrorKind::Unauthorized, 401, "E062903");
    password.sign_in(ADA, SECOND).send().await.unwrap();
}

#[tokio::test]
async fn a_step_up_by_password_needs_the_session() {
    let world = World::start().await;
    let password = world.descope.password();
    let ada = password.sign_up(ADA, FIRST).send().await.unwrap();
    let stepped = password.sign_in(ADA, FIRST).step_up(refresh_of(&ada)).send().await.unwrap();
    assert_eq!(world.claims(&stepped).await.claim("su").unwrap(), &true);
    for options in [descope_sdk::LoginOptions::new().stepup(true), descope_sdk::LoginOptions::new().mfa(true)] {
        let outcome = password.sign_in(ADA, FIRST).options(options).send().await;
        refused_here(outcome, ErrorKind::InvalidArgument, "refresh_jwt");
    }
    assert_eq!(world.calls("passwordSignIn"), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_password_is_told_and_unusable_ones_are_not_sent() {
    let world = World::start().await;
    let password = world.descope.password();
    let policy = password.policy().await.unwrap();
    assert!(policy.check("short").contains(&PasswordProblem::TooShort(policy.min_length())));
    assert!(policy.check(FIRST).is_empty());
    let weak = password.sign_up(ADA, "short").send().await.unwrap_err();
    assert_eq!((weak.kind(), weak.status().unwrap().as_u16()), (ErrorKind::InvalidArgument, 400));
    password.sign_up(ADA, FIRST).send().await.unwrap();
    refused(password.sign_up(ADA, FIRST).send().await, ErrorKind::AlreadyExists, 400, "E062107");
    refused(password.sign_in(BOB, FIRST).send().await, ErrorKind::Unauthorized, 401, "E062903");
    refused(password.replace(ADA, SECOND, FIRST).send().await, ErrorKind::Unauthorized, 401, "E062903");
    let before = world.operations().len();
    let kind = ErrorKind::InvalidArgument;
    refused_here(password.sign_up(" ", FIRST).send().await, kind, "login_id");
    refused_here(password.sign_up(ADA, "").send().await, kind, "password");
    refused_here(password.sign_in("", FIRST).send().await, kind, "login_id");
    refused_here(password.replace(ADA, "", FIRST).send().await, kind, "old_password");
    refused_here(password.replace(ADA, FIRST, "").send().await, kind, "new_password");
    refused_here(password.update(ADA, "", "token").await, kind, "new_password");
    refused_here(password.update(ADA, FIRST, "no token").await, kind, "refresh_jwt");
    refused_here(password.reset("\n").send().await, kind, "login_id");
    refused_here(password.reset(ADA).redirect_url("").send().await, kind, "redirect_url");
    assert_eq!(world.operations().len(), before);
}

#[tokio::test]
async fn who_has_forgotten_the_password_comes_back_by_a_link() {
    let world = World::start().await;
    let (password, page) = (world.descope.password(), "https://app.example.com/reset");
    refused(password.reset(BOB).send().await, ErrorKind::NotFound, 400, "E062108");
    let ada = world.signed_in(ADA).await;
    password.update(ADA, FIRST, refresh_of(&ada)).await.unwrap();
    let PasswordResetSent::MagicLink(sent) = password.reset(ADA).redirect_url(page).send().await.unwrap() else {
        panic!("the project sends magic links");
    };
    assert!(sent.masked_address().unwrap().contains('*'));
    let link = world.mail(ADA).await.links.remove(0);
    // The whole URL that the browser shows.
    let ada = world.descope.magic_link().verify(link.url).await.unwrap();
    password.update(ADA, SECOND, refresh_of(&ada)).await.unwrap();
    password.sign_in(ADA, SECOND).send().await.unwrap();
    let bob = world.refresh_jwt(BOB).await;
    refused(password.update(ADA, FIRST, bob).await, ErrorKind::InvalidArgument, 403, "E011004");
}

#[tokio::test]
async fn an_expired_password_has_to_be_replaced() {
    let world = World::start().await;
    let password = world.descope.password();
    password.sign_up(ADA, FIRST).send().await.unwrap();
    let users = world.descope.management().users();
    users.set_temporary_password(descope_sdk::LoginId::new(ADA), SECOND).send().await.unwrap();
    refused(password.sign_in(ADA, SECOND).send().await, ErrorKind::Expired, 401, "E062909");
    password.replace(ADA, SECOND, FIRST).send().await.unwrap();
    password.sign_in(ADA, FIRST).send().await.unwrap();
}
