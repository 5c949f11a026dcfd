//! A local Descope, a client for it, and the usual steps of a flow.

use std::{fmt::Debug, time::Duration};

use descope_emulator::{Emulator, Message};
use descope_sdk::{Authentication, Descope, Error, ErrorKind, LoginId, Secret};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const BOB: &str = "bob@example.com";
pub(crate) const PHONE: &str = "+15551234567";

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) descope: Descope,
}

impl World {
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::builder().only_listed_projects().lenient().start().await.expect("the emulator starts");
        let descope = emulator.descope().expect("a client");
        Self { emulator, descope }
    }

    /// Moves the time of the emulator and of the session validator on.
    pub(crate) fn wait(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }

    /// The oldest message to somebody that was not read.
    pub(crate) async fn mail(&self, to: &str) -> Message {
        let message = tokio::time::timeout(Duration::from_secs(30), self.emulator.inbox().next(to)).await;
        message.unwrap_or_else(|_| panic!("no message to {to}"))
    }

    pub(crate) async fn code(&self, to: &str) -> String {
        self.mail(to).await.code.expect("a message with a code")
    }

    /// The token of the only link in the oldest message.
    pub(crate) async fn token(&self, to: &str) -> String {
        let message = self.mail(to).await;
        assert_eq!(message.links.len(), 1, "{message:?}");
        message.links[0].token.clone()
    }

    /// Signs somebody up or in by email.
    pub(crate) async fn signed_in(&self, email: &str) -> Authentication {
        let pending = self.descope.otp().email(email).sign_up_or_in().send().await.expect("a code is sent");
        pending.verify(self.code(email).await).await.expect("the code is right")
    }

    pub(crate) async fn refresh_jwt(&self, email: &str) -> Secret {
        refresh_of(&self.signed_in(email).await)
    }

    /// A user whom the back end has made.
    pub(crate) async fn user(&self, login_id: &str, status: &str) {
        let users = self.descope.management().users();
        users.create(LoginId::new(login_id)).status(status).send().await.expect("the user is created");
    }

    /// The operations that were called, without what the SDK reads in the background: keys and the licence.
    pub(crate) fn operations(&self) -> Vec<String> {
        let called = self.emulator.requests().into_iter().filter_map(|request| request.operation);
        called.filter(|operation| !["sessionKeys", "managementLicenseLoad"].contains(&operation.as_str())).collect()
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.emulator.requests().iter().filter(|request| request.operation.as_deref() == Some(operation)).count()
    }

    /// How many messages were sent.
    pub(crate) fn messages(&self) -> usize {
        self.emulator.inbox().messages().len()
    }

    /// Checks a session with the published keys, and gives its claims.
    pub(crate) async fn claims(&self, ada: &Authentication) -> descope_sdk::session::Session {
        self.descope.session().validate(ada.session_jwt().expose()).await.expect("a valid session")
    }
}

pub(crate) fn refresh_of(session: &Authentication) -> Secret {
    session.refresh_jwt().expect("a refresh token").clone()
}

/// Another code than this one.
pub(crate) fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// Checks that the service refused a call with this status and code, and what the SDK makes of it.
#[track_caller]
pub(crate) fn refused<T: Debug>(outcome: Result<T, Error>, kind: ErrorKind, status: u16, code: &str) -> Error {
    let error = outcome.expect_err("accepted");
    let found = (error.kind(), error.status().map(|status| status.as_u16()), error.code().map(ToString::to_string));
    assert_eq!(found, (kind, Some(status), Some(code.to_owned())), "{error:?}");
    assert!(error.operation().is_some() && error.message().is_some() && error.description().is_some(), "{error:?}");
    assert!(error.request_id().is_some(), "the emulator names every request");
    assert!(!error.is_retryable(), "{error:?}");
    error
}

/// Checks that a call was refused without being sent, because of this argument.
#[track_caller]
pub(crate) fn refused_here<T: Debug>(outcome: Result<T, Error>, kind: ErrorKind, argument: &str) -> Error {
    let error = outcome.expect_err("accepted");
    assert_eq!((error.kind(), error.argument(), error.status()), (kind, Some(argument), None), "{error:?}");
    error
}
