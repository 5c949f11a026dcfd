//! Session tokens that have just come from the service.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::advance;

use super::verdict;
use crate::session::{
    AudiencePolicy, SessionValidatorBuilder,
    testing::{NOW, TestClock, TestKey, fixed, session_claims},
    token::algorithm::Algorithm,
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What is logged on this thread from now on.
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.0.lock().expect("a lock")).lines().map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a token with these claims is judged when it comes from the service, and how when it comes from a request.
async fn both(builder: SessionValidatorBuilder, key: &TestKey, claims: &Value) -> (String, String) {
    let validator = builder.build().expect("a validator");
    let token = key.token(claims);
    let of_request = verdict(validator.validate_session(&token).await);
    (verdict(validator.validate_received(&token).await), of_request)
}

#[tokio::test]
async fn a_clock_that_is_behind_loses_no_token() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    for (changes, received, of_request) in [
        (json!({}), "ok", "ok"),
        (json!({"iat": NOW + 5}), "ok", "ok"),
        (json!({"iat": NOW + 6}), "ok", "IssuedInFuture"),
        (json!({"iat": NOW + 7, "nbf": NOW + 7}), "ok", "NotYetValid"),
        (json!({"iat": null, "nbf": NOW + 60}), "ok", "NotYetValid"),
        (json!({"iat": NOW + 300, "exp": NOW + 900}), "ok", "IssuedInFuture"),
        (json!({"iat": NOW + 301, "exp": NOW + 900}), "IssuedInFuture", "IssuedInFuture"),
        (json!({"nbf": NOW + 3600, "exp": NOW + 7200}), "NotYetValid", "NotYetValid"),
        // Everything else is checked as ever.
        (json!({"iat": NOW + 7, "exp": NOW - 5}), "Expired", "Expired"),
        (json!({"iat": NOW + 7, "iss": "P2other"}), "WrongIssuer", "WrongIssuer"),
        (json!({"iat": NOW + 7, "drn": "DSR"}), "WrongKind", "WrongKind"),
        (json!({"iat": NOW + 7, "sub": null}), "MissingClaim", "MissingClaim"),
        (json!({"iat": NOW + 7, "cnf": {"jkt": "x"}}), "DpopBound", "IssuedInFuture"),
        (json!({"iat": "now"}), "InvalidClaim", "InvalidClaim"),
    ] {
        for capacity in [0, 16] {
            let verdicts = both(fixed(&[&key]).cache_capacity(capacity), &key, &session_claims(changes.clone())).await;
            assert_eq!(verdicts, (received.to_owned(), of_request.to_owned()), "{changes}");
        }
    }
    let early = session_claims(json!({"iat": NOW + 7}));
    let strict = fixed(&[&key]).audience(AudiencePolicy::any_of(["shop"]));
    assert_eq!(both(strict, &key, &early).await.0, "AudienceRejected");
    let forged = TestKey::new(Algorithm::Es256, "k1");
    assert_eq!(both(fixed(&[&key]), &forged, &early).await.0, "BadSignature");
    // Nor does a large leeway become a smaller one.
    let lenient = fixed(&[&key]).leeway(Duration::from_secs(600));
    assert_eq!(both(lenient, &key, &session_claims(json!({"iat": NOW + 599}))).await, ("ok".into(), "ok".into()));
    let boundless = fixed(&[&key]).leeway(Duration::MAX);
    assert_eq!(both(boundless, &key, &session_claims(json!({"iat": NOW + 599}))).await, ("ok".into(), "ok".into()));
}

#[tokio::test]
async fn it_goes_on_being_good_while_the_clock_catches_up() {
    let key = TestKey::new(Algorithm::Es256, "k1");
    let clock = TestClock::new();
    let validator = fixed(&[&key]).clock(clock.clock()).build().expect("a validator");
    let token = key.token(&session_claims(json!({"iat": NOW + 60, "exp": NOW + 660})));
    let other = key.token(&session_claims(json!({"iat": NOW + 60, "exp": NOW + 660, "sub": "U2other"})));
    assert_eq!(verdict(validator.validate_received(&token).await), "ok");
    for (at, early, late) in [(NOW, "ok", "IssuedInFuture"), (NOW + 56, "ok", "ok"), (NOW + 665, "Expired", "Expired")]
    {
        clock.set(at);
        for _ in 0..3 {
            assert_eq!(verdict(validator.validate_session(&token).await), early, "{at}");
            assert_eq!(verdict(validator.validate_session(&other).await), late, "{at}");
            assert_ne!(verdict(validator.validate_refresh(&token).await), "ok");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_says_by_how_much_and_not_each_time() {
    let (log, _guard) = Log::start();
    let key = TestKey::new(Algorithm::Es256, "k1");
    let validator = fixed(&[&key]).build().expect("a validator");
    let receive = async |ahead: i64| {
        let token = key.token(&session_claims(json!({"iat": NOW + ahead})));
        (verdict(validator.validate_received(&token).await), token)
    };
    for ahead in [0, 5] {
        assert_eq!(receive(ahead).await.0, "ok");
    }
    assert!(log.lines().is_empty(), "{:?}", log.lines());
    for _ in 0..20 {
        let (verdict, token) = receive(7).await;
        assert_eq!(verdict, "ok");
        assert!(!log.lines().concat().contains(&token));
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("skew_seconds=7"), "{lines:?}");
    advance(Duration::from_secs(600)).await;
    assert_eq!(receive(12).await.0, "ok");
    assert!(log.lines()[1].contains("skew_seconds=12"), "{:?}", log.lines());
}
