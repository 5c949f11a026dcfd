//! Numbers of answers that are times, and types that need nothing.

use std::time::{Duration, SystemTime};

use descope_api::types;
use serde_json::{Value, json};

fn moment(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

#[test]
fn times_are_told_in_their_unit() {
    let user: types::User =
        serde_json::from_value(json!({ "createdTime": 1_700_000_000, "modifiedTime": "1700000001" })).unwrap();
    assert_eq!(
        (user.created_at(), user.modified_at()),
        (Some(moment(1_700_000_000_000)), Some(moment(1_700_000_001_000)))
    );
    assert_eq!(user.consent_expires_at(), None);

    let entry: types::AuditEntry = serde_json::from_value(json!({ "occurred": "1700000000123" })).unwrap();
    assert_eq!(entry.occurred_at(), Some(moment(1_700_000_000_123)));

    let session: types::JwtResponse =
        serde_json::from_value(json!({ "nextRefreshSeconds": 30, "cookieMaxAge": 0 })).unwrap();
    assert_eq!(
        (session.next_refresh(), session.cookie_max_age_duration()),
        (Some(Duration::from_secs(30)), Some(Duration::ZERO))
    );
}

#[test]
fn numbers_that_are_no_times_are_kept_and_told_as_none() {
    for number in [0, -1, i64::MIN] {
        let key: types::AccessKey = serde_json::from_value(json!({ "expireTime": number })).unwrap();
        assert_eq!((key.expires_at(), key.expire_time), (None, Some(number)));
        let session: types::JwtResponse = serde_json::from_value(json!({ "nextRefreshSeconds": number })).unwrap();
        assert_eq!(session.next_refresh(), (number == 0).then_some(Duration::ZERO));
    }
    // Whether there is such a time is the platform's to say; the number is kept.
    let key: types::AccessKey = serde_json::from_value(json!({ "expireTime": i64::MAX })).unwrap();
    let far = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(i64::MAX.unsigned_abs()));
    assert_eq!((key.expires_at(), key.expire_time), (far, Some(i64::MAX)));
}

#[test]
fn what_needs_nothing_has_a_default_that_holds_nothing() {
    fn empty<T: Default + serde::Serialize>() -> Value {
        serde_json::to_value(T::default()).unwrap()
    }
    // Those that keep unknown members, those that do not, and those that are nothing else.
    for nothing in [
        empty::<types::JwtTemplate>(),
        empty::<types::PasswordSettings>(),
        empty::<types::SessionClaims>(),
        empty::<types::UserSearchRequest>(),
        empty::<types::EmptyRequest>(),
        empty::<types::EmptyResponse>(),
    ] {
        assert_eq!(nothing, json!({}));
    }
}
