//! What becomes of a session after the sign-in.

use descope_emulator::{Emulator, Fault};
use descope_sdk::{ErrorCode, ErrorKind, LoginId, session::TokenError};

use crate::world::{ADA, BOB, World, refresh_of, refused, refused_here};

/// Why a token was not valid.
fn reason(error: &descope_sdk::Error) -> &TokenError {
    assert_eq!(error.kind(), ErrorKind::InvalidToken, "{error:?}");
    std::error::Error::source(error).and_then(|source| source.downcast_ref()).expect("a reason")
}

#[tokio::test]
async fn a_session_is_validated_here_and_by_the_service_alike() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let local = world.claims(&ada).await;
    let remote = world.descope.session().validate_remotely(ada.session_jwt()).await.unwrap();
    assert_eq!(serde_json::to_value(local.claims()).unwrap(), serde_json::Value::Object(remote));
    assert_eq!(local.issuer(), Some(world.emulator.project_id()));
    for _ in 0..10 {
        world.claims(&ada).await;
    }
    assert_eq!((world.calls("sessionKeys"), world.calls("sessionValidate")), (1, 1));
}

#[tokio::test]
async fn a_session_expires_and_is_refreshed() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    assert_eq!(ada.next_refresh_in().map(|left| left.as_secs()), Some(540));
    world.wait(606);
    let error = world.descope.session().validate(ada.session_jwt().expose()).await.unwrap_err();
    assert!(matches!(reason(&error), TokenError::Expired));
    refused(world.descope.session().validate_remotely(ada.session_jwt()).await, ErrorKind::Expired, 401, "E062504");

    let fresh = world.descope.session().refresh(refresh_of(&ada)).await.unwrap();
    assert_eq!(world.claims(&fresh).await.user_id(), ada.user().unwrap().user_id.as_deref().unwrap());
    assert_eq!(refresh_of(&fresh).expose(), refresh_of(&ada).expose());
    assert!(!fresh.first_seen());
    let tried = world.descope.session().try_refresh(refresh_of(&ada)).await.unwrap().expect("a session");
    world.claims(&tried).await;
    assert_eq!((world.calls("sessionRefresh"), world.calls("sessionTryRefresh")), (1, 1));
}

#[tokio::test]
async fn refresh_ends_with_the_refresh_token() {
    let world = World::start().await;
    let ada = world.refresh_jwt(ADA).await;
    world.wait(28 * 24 * 3600);
    let error = refused(world.descope.session().refresh(&ada).await, ErrorKind::Expired, 401, "E062504");
    assert_eq!(error.code(), Some(&ErrorCode::TOKEN_EXPIRED));
    assert!(world.descope.session().try_refresh(ada).await.unwrap().is_none());
}

#[tokio::test]
async fn each_token_is_good_for_its_own_purpose_only() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let (session, refresh) = (ada.session_jwt(), refresh_of(&ada));
    let sessions = world.descope.session();
    refused(sessions.refresh(session).await, ErrorKind::Expired, 401, "E062504");
    refused(sessions.me(session).await, ErrorKind::Expired, 401, "E062504");
    refused(sessions.validate_remotely(&refresh).await, ErrorKind::Expired, 401, "E062504");
    assert!(sessions.try_refresh(session).await.unwrap().is_none());
    let error = sessions.validate(refresh.expose()).await.unwrap_err();
    assert!(matches!(reason(&error), TokenError::WrongKind { .. }));
    sessions.validator().validate_refresh(refresh.expose()).await.unwrap();
    assert!(matches!(
        sessions.validator().validate_refresh(session.expose()).await.unwrap_err(),
        TokenError::WrongKind { .. }
    ));
}

#[tokio::test]
async fn tokens_of_another_project_are_refused() {
    let world = World::start().await;
    // Emulators in one process share their signing keys, so that nothing but the project tells the tokens apart.
    let emulator = Emulator::builder().project_id("P2AnotherProject00000000000A").start().await.unwrap();
    let descope = emulator.descope_builder().build().unwrap();
    let other = World { emulator, descope };
    let stranger = other.signed_in(ADA).await;
    let sessions = world.descope.session();
    refused(sessions.refresh(refresh_of(&stranger)).await, ErrorKind::Expired, 401, "E062504");
    refused(sessions.me(refresh_of(&stranger)).await, ErrorKind::Expired, 401, "E062504");
    assert!(sessions.try_refresh(refresh_of(&stranger)).await.unwrap().is_none());
    let error = sessions.validate(stranger.session_jwt().expose()).await.unwrap_err();
    assert!(matches!(reason(&error), TokenError::WrongIssuer { .. }), "{error:?}");
    other.claims(&stranger).await;
}

#[tokio::test]
async fn logging_out_ends_one_session_and_tells_which_cookies_to_clear() {
    let world = World::start().await;
    let (one, two) = (world.signed_in(ADA).await, world.signed_in(ADA).await);
    let cookies = world.descope.session().logout(refresh_of(&one)).await.unwrap();
    assert_eq!(cookies.refresh_name.as_deref(), Some("DSR"));
    assert_eq!(cookies.max_age.map(|age| age.as_secs()), Some(0));
    let sessions = world.descope.session();
    let error = refused(sessions.refresh(refresh_of(&one)).await, ErrorKind::Unauthorized, 401, "E064001");
    assert_eq!(error.code(), Some(&ErrorCode::LOGGED_OUT));
    assert_eq!(error.message(), Some("Expired due to logout"));
    refused(sessions.me(refresh_of(&one)).await, ErrorKind::Unauthorized, 401, "E064001");
    refused(sessions.history(refresh_of(&one)).await, ErrorKind::Unauthorized, 401, "E064001");
    refused(sessions.logout(refresh_of(&one)).await, ErrorKind::Unauthorized, 401, "E064001");
    refused(sessions.select_tenant(refresh_of(&one), "T1").await, ErrorKind::Unauthorized, 401, "E064001");
    refused(sessions.validate_remotely(one.session_jwt()).await, ErrorKind::Unauthorized, 401, "E064001");
    assert!(sessions.try_refresh(refresh_of(&one)).await.unwrap().is_none());
    sessions.refresh(refresh_of(&two)).await.unwrap();
    // Known and documented: without asking the service, a session is good until it expires.
    world.claims(&one).await;
    assert_eq!(world.calls("sessionLogout"), 2);
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_of_the_user_and_nobody_elses() {
    let world = World::start().await;
    let (one, two) = (world.refresh_jwt(ADA).await, world.refresh_jwt(ADA).await);
    let bob = world.refresh_jwt(BOB).await;
    let sessions = world.descope.session();
    sessions.logout_all(&one).await.unwrap();
    assert_eq!(world.calls("sessionLogoutAll"), 1);
    for token in [one, two] {
        refused(sessions.refresh(token).await, ErrorKind::Unauthorized, 401, "E064001");
    }
    sessions.refresh(bob).await.unwrap();
}

#[tokio::test]
async fn the_user_and_the_history_of_a_session_are_read() {
    let world = World::start().await;
    let first = world.signed_in(ADA).await;
    world.wait(60);
    let ada = world.refresh_jwt(ADA).await;
    let user = world.descope.session().me(&ada).await.unwrap();
    assert_eq!(user.user_id, first.user().unwrap().user_id);
    let history = world.descope.session().history(&ada).await.unwrap();
    assert_eq!(history.len(), 2);
    assert!(history[0].login_time.unwrap() >= history[1].login_time.unwrap() + 60);
    assert_eq!(history[0].user_id, user.user_id);
    assert_eq!((world.calls("sessionMe"), world.calls("sessionHistory")), (1, 1));
}

#[tokio::test]
async fn a_tenant_is_selected_among_ones_own() {
    let world = World::start().await;
    let users = world.descope.management().users();
    users
        .create(LoginId::new(ADA))
        .tenant("T1", ["Tenant Admin"])
        .tenant("T2", [""; 0])
        .status("enabled")
        .send()
        .await
        .unwrap();
    let ada = world.signed_in(ADA).await;
    assert_eq!(world.claims(&ada).await.current_tenant(), None);
    let sessions = world.descope.session();
    let selected = sessions.select_tenant(refresh_of(&ada), "T1").await.unwrap();
    let session = world.claims(&selected).await;
    assert_eq!(session.current_tenant(), Some("T1"));
    assert!(session.has_tenant_roles("T1", &["Tenant Admin"]) && !session.has_role("Tenant Admin"));
    let renewed = sessions.refresh(refresh_of(&selected)).await.unwrap();
    assert_eq!(world.claims(&renewed).await.current_tenant(), Some("T1"));
    let outcome = sessions.select_tenant(refresh_of(&ada), "T3").await;
    refused(outcome, ErrorKind::InvalidArgument, 400, "E011004");
    assert_eq!(world.calls("sessionSelectTenant"), 2);
}

#[tokio::test]
async fn a_deleted_user_has_no_session_left() {
    let world = World::start().await;
    let ada = world.refresh_jwt(ADA).await;
    world.descope.management().users().delete(LoginId::new(ADA)).send().await.unwrap();
    let error = world.descope.session().refresh(&ada).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401), "{error:?}");
    assert!(world.descope.session().me(ada).await.is_err());
}

#[tokio::test]
async fn a_new_signing_key_is_fetched_when_its_first_token_comes() {
    let world = World::start().await;
    let before = world.signed_in(ADA).await;
    world.claims(&before).await;
    world.emulator.add_key();
    // The validator asks for an unknown key at most once in 30 seconds.
    world.wait(31);
    let after = world.signed_in(ADA).await;
    world.claims(&after).await;
    assert_eq!(world.calls("sessionKeys"), 2);
    world.claims(&before).await;
}

#[tokio::test]
async fn keys_are_listed_in_their_older_form_too() {
    let world = World::start().await;
    let api = world.descope.api();
    let set = api.session_keys(world.descope.project_id(), None).await.unwrap();
    let bare = api.session_keys_v1(world.descope.project_id(), None).await.unwrap();
    assert_eq!(serde_json::to_value(&set.keys).unwrap(), serde_json::to_value(&**bare).unwrap());
    assert_eq!((world.calls("sessionKeys"), world.calls("sessionKeysV1")), (1, 1));
    let error = descope_sdk::Error::from(api.session_keys_v1("P2other", None).await.unwrap_err());
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some(&ErrorCode::PROJECT_NOT_FOUND)));
}

#[tokio::test]
async fn a_token_that_cannot_be_judged_is_not_called_invalid() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    world.emulator.fail_next("sessionKeys", Fault::status(500));
    let error = world.descope.session().validate(ada.session_jwt().expose()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_forged_token_is_refused_on_both_sides() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let jwt = ada.session_jwt().expose();
    let (head, signature) = jwt.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{head}.{flipped}{}", &signature[1..]);
    let error = world.descope.session().validate(&forged).await.unwrap_err();
    assert!(matches!(reason(&error), TokenError::BadSignature));
    refused(world.descope.session().validate_remotely(forged).await, ErrorKind::Expired, 401, "E062504");
}

#[tokio::test]
async fn a_session_of_the_system_before_becomes_one_of_the_project() {
    let world = World::start().await;
    let id_token = |email: &str| world.emulator.provider_id_token(email, "Ada", None).expect("a token");
    let migrate = |token: String| {
        let sessions = world.descope.session();
        async move { sessions.migrate(token).await }
    };
    refused(migrate(id_token(ADA)).await, ErrorKind::NotFound, 400, "E062108");
    world.user(ADA, "invited").await;
    let ada = migrate(id_token(ADA)).await.unwrap();
    let session = world.claims(&ada).await;
    assert_eq!(Some(session.user_id()), ada.user().unwrap().user_id.as_deref());
    world.descope.session().refresh(refresh_of(&ada)).await.unwrap();

    for token in [ada.session_jwt().expose().to_owned(), "a.b.c".to_owned(), format!("{}x", id_token(ADA))] {
        refused(migrate(token).await, ErrorKind::Expired, 401, "E062504");
    }
    let late = id_token(ADA);
    world.wait(3600);
    refused(migrate(late).await, ErrorKind::Expired, 401, "E062504");
    world.user(BOB, "disabled").await;
    refused(migrate(id_token(BOB)).await, ErrorKind::Unauthorized, 403, "E111119");
    refused_here(world.descope.session().migrate(" ").await, ErrorKind::InvalidArgument, "external_token");
}
