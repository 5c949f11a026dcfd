//! Validation and refresh against the emulator, whose clock makes tokens expire.

use std::time::Duration;

use descope_emulator::{Emulator, Fault};
use descope_sdk::{Authentication, Descope, ErrorKind};

struct World {
    emulator: Emulator,
    descope: Descope,
    ada: Authentication,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let descope = emulator.descope().unwrap();
        let pending = descope.otp().email("ada@example.com").sign_up().send().await.unwrap();
        let code = emulator.inbox().next("ada@example.com").await.code.unwrap();
        let ada = pending.verify(code).await.unwrap();
        Self { emulator, descope, ada }
    }

    fn session_jwt(&self) -> &str {
        self.ada.session_jwt().expose()
    }

    fn refresh_jwt(&self) -> &str {
        self.ada.refresh_jwt().unwrap().expose()
    }

    fn calls(&self, operation: &str) -> usize {
        self.emulator.requests().iter().filter(|request| request.operation.as_deref() == Some(operation)).count()
    }
}

#[tokio::test]
async fn either_token_alone_is_enough() {
    let world = World::new().await;
    let sessions = world.descope.session();
    let (session_jwt, refresh_jwt) = (world.session_jwt(), world.refresh_jwt());

    let valid = sessions.validate_or_refresh(Some(session_jwt), None).await.unwrap();
    assert!(valid.refreshed().is_none());
    let valid = sessions.validate_or_refresh(Some(session_jwt), Some("not even looked at")).await.unwrap();
    assert!(valid.refreshed().is_none());
    assert_eq!(world.calls("sessionRefresh"), 0);

    for session_jwt in [None, Some(""), Some("nonsense"), Some(refresh_jwt)] {
        let valid = sessions.validate_or_refresh(session_jwt, Some(refresh_jwt)).await.unwrap();
        let (session, refreshed) = valid.into_parts();
        assert_eq!(session.user_id(), world.ada.user().unwrap().user_id.as_deref().unwrap());
        assert_eq!(refreshed.unwrap().session_jwt(), session.jwt());
    }
    assert_eq!(world.calls("sessionRefresh"), 1);
}

#[tokio::test]
async fn what_is_missing_or_bad_is_told_apart() {
    let world = World::new().await;
    let sessions = world.descope.session();
    let kind = async |session_jwt, refresh_jwt| {
        sessions.validate_or_refresh(session_jwt, refresh_jwt).await.unwrap_err().kind()
    };
    assert_eq!(kind(None, None).await, ErrorKind::InvalidArgument);
    assert_eq!(kind(Some(""), Some("")).await, ErrorKind::InvalidArgument);
    assert_eq!(kind(Some("nonsense"), None).await, ErrorKind::InvalidToken);
    assert_eq!(kind(None, Some("nonsense")).await, ErrorKind::InvalidToken);
    assert_eq!(kind(None, Some(world.session_jwt())).await, ErrorKind::InvalidToken);

    world.emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(kind(Some(world.session_jwt()), None).await, ErrorKind::InvalidToken);
    assert_eq!(world.calls("sessionRefresh"), 0);
    sessions.logout(world.refresh_jwt()).await.unwrap();
    assert_eq!(kind(Some(world.session_jwt()), Some(world.refresh_jwt())).await, ErrorKind::Unauthorized);

    // A year later not even the refresh token is good, and the service is not bothered.
    world.emulator.clock().advance(Duration::from_secs(365 * 24 * 3600));
    assert_eq!(kind(Some(world.session_jwt()), Some(world.refresh_jwt())).await, ErrorKind::InvalidToken);
    assert_eq!(world.calls("sessionRefresh"), 1);
}

#[tokio::test]
async fn without_keys_nothing_is_refreshed() {
    let world = World::new().await;
    world.emulator.fail_next("sessionKeys", Fault::status(500).times(100));
    let sessions = world.descope.session();
    let error = sessions.validate_or_refresh(Some(world.session_jwt()), Some(world.refresh_jwt())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(world.calls("sessionRefresh"), 0);
}

/// On one thread every caller joins before the answer can have come.
#[tokio::test(flavor = "current_thread")]
async fn fifty_requests_of_an_expired_session_cause_one_refresh() {
    let world = World::new().await;
    world.descope.session().validator().preload_keys().await.unwrap();
    world.emulator.clock().advance(Duration::from_secs(3600));
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let sessions = world.descope.session();
            let (session_jwt, refresh_jwt) = (world.session_jwt().to_owned(), world.refresh_jwt().to_owned());
            tokio::spawn(async move { sessions.validate_or_refresh(Some(&session_jwt), Some(&refresh_jwt)).await })
        })
        .collect();
    let mut tokens = Vec::new();
    for request in requests {
        let valid = request.await.unwrap().unwrap();
        tokens.push(valid.refreshed().unwrap().session_jwt().expose().to_owned());
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(world.calls("sessionRefresh"), 1);
}

#[tokio::test]
async fn logout_sends_the_types() {
    let world = World::new().await;
    // The emulator's sessions are of no kind; this is what the service answers.
    world.emulator.fail_next("sessionLogout", Fault::body(200, "application/json", "{}"));
    world.descope.session().logout_types(world.refresh_jwt(), ["web", "mobile"]).await.unwrap();
    let requests = world.emulator.requests();
    let logout = requests.iter().find(|request| request.operation.as_deref() == Some("sessionLogout")).unwrap();
    assert_eq!(logout.body.as_ref().unwrap()["logoutType"], serde_json::json!(["web", "mobile"]));
}
