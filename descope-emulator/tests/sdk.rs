//! The clients that the emulator hands out.

use std::time::Duration;

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, LoginId, RetryPolicy};

#[tokio::test]
async fn client_signs_in_and_manages() {
    let emulator = Emulator::builder().start().await.unwrap();
    let descope = emulator.descope().unwrap();
    assert_eq!((descope.project_id(), descope.base_url()), (emulator.project_id(), emulator.base_url()));
    let pending = descope.otp().email("ada@example.com").sign_up().send().await.unwrap();
    let code = emulator.inbox().next("ada@example.com").await.code.unwrap();
    let ada = pending.verify(code).await.unwrap();
    let loaded = descope.management().users().load(LoginId::new("ada@example.com")).send().await.unwrap();
    assert_eq!(loaded.user_id, ada.user().unwrap().user_id);
}

#[tokio::test]
async fn sessions_expire_by_the_emulators_clock() {
    let emulator = Emulator::builder().start().await.unwrap();
    let descope = emulator.descope_builder().retry(RetryPolicy::none()).build().unwrap();
    let pending = descope.otp().email("ada@example.com").sign_up().send().await.unwrap();
    let ada = pending.verify(emulator.inbox().next("ada@example.com").await.code.unwrap()).await.unwrap();
    descope.session().validate(ada.session_jwt().expose()).await.unwrap();
    emulator.clock().advance(Duration::from_secs(3600));
    let expired = descope.session().validate(ada.session_jwt().expose()).await.unwrap_err();
    assert_eq!(expired.kind(), ErrorKind::InvalidToken);
    let again = descope.session().refresh(ada.refresh_jwt().unwrap().expose()).await.unwrap();
    descope.session().validate(again.session_jwt().expose()).await.unwrap();
}

#[tokio::test]
async fn each_emulator_has_a_client_of_its_own() {
    let (one, other) = (
        Emulator::builder().start().await.unwrap(),
        Emulator::builder().project_id("P2OtherProject00000000000000B").start().await.unwrap(),
    );
    one.descope().unwrap().management().users().create(LoginId::new("ada@example.com")).send().await.unwrap();
    let missing =
        other.descope().unwrap().management().users().load(LoginId::new("ada@example.com")).send().await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn project_id_that_the_service_would_not_give_is_refused_by_name() {
    let emulator = Emulator::builder().project_id("Projekt-Ü").start().await.unwrap();
    let refused = emulator.descope().unwrap_err();
    assert_eq!((refused.kind(), refused.argument()), (ErrorKind::Configuration, Some("project_id")));
}
