//! Takes the secrets out of what the journal keeps. The structure stays, so that a test can still see what was sent.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";
/// The largest body that is kept, in bytes of its texts and names.
const MAX_BODY: usize = 16 * 1024;
/// Deeper than any body of the specification.
const MAX_DEPTH: usize = 64;

/// Names that end like this hold a secret, whatever stands before.
const ENDINGS: [&str; 18] = [
    "jwt",
    "token",
    "tokens",
    "password",
    "secret",
    "cleartext",
    "verifier",
    "assertion",
    "pendingref",
    "apikey",
    "accesskey",
    "managementkey",
    "privatekey",
    "signingkey",
    "authorization",
    "cookie",
    "otp",
    "credential",
];
/// Names that hold a secret as they are.
const NAMES: [&str; 23] = [
    "code",
    "codes",
    "key",
    "t",
    "link",
    "links",
    "pin",
    "hash",
    "hashed",
    "salt",
    "image",
    "provisioningurl",
    "samlresponse",
    "recoverycodes",
    "backupcodes",
    "answer",
    "answers",
    "response",
    "usercode",
    "devicecode",
    "adminlink",
    "authreqid",
    "requesturi",
];
/// Names that would be taken for one of these and hold none.
const HARMLESS: [&str; 4] = ["errorcode", "countrycode", "statuscode", "responsecode"];

/// Whether what bears this name is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect();
    !HARMLESS.contains(&name.as_str())
        && (NAMES.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

/// A body without its secrets; nothing where it is too large to be kept.
pub(crate) fn body(value: &Value) -> Option<Value> {
    let mut room = MAX_BODY;
    masked(value, false, &mut room, MAX_DEPTH)
}

fn masked(value: &Value, secret: bool, room: &mut usize, depth: usize) -> Option<Value> {
    let take = |room: &mut usize, size: usize| room.checked_sub(size).map(|left| *room = left);
    take(room, 2)?;
    Some(match value {
        Value::Object(fields) => {
            let depth = depth.checked_sub(1)?;
            let mut kept = Map::new();
            for (name, value) in fields {
                take(room, name.len())?;
                // A record that is named after a key has a name and roles too.
                let record = value.is_object() && name.to_ascii_lowercase().ends_with("key");
                kept.insert(name.clone(), masked(value, secret || is_secret(name) && !record, room, depth)?);
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let depth = depth.checked_sub(1)?;
            let items = items.iter().map(|item| masked(item, secret, room, depth));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Value::String(text) if text.is_empty() => value.clone(),
        Value::String(_) | Value::Number(_) if secret => MASK.into(),
        Value::String(text) => {
            let text = self::text(text);
            take(room, text.len())?;
            text.into()
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => value.clone(),
    })
}

/// A text that may be a token, or an address that holds one.
fn text(text: &str) -> String {
    let is_jwt = |text: &str| text.starts_with("eyJ") && text.split('.').count() >= 3;
    if text.split([' ', ':', '=', '&', '"']).any(is_jwt) {
        return MASK.to_owned();
    }
    match text.split_once('?') {
        Some((before, query)) if text.contains("://") || text.starts_with('/') => {
            format!("{before}?{}", self::query(query))
        }
        _ => text.to_owned(),
    }
}

/// A query without its secrets.
pub(crate) fn query(query: &str) -> String {
    let one = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned());
        let secret = !value.is_empty() && is_secret(&plain.unwrap_or_default());
        if secret { format!("{name}={MASK}") } else { pair.to_owned() }
    };
    query.split('&').map(one).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_and_the_structure_stays() {
        let given = json!({
            "loginId": "ada@x.org", "code": "123456", "password": "p", "newPassword": "", "errorCode": "E1",
            "user": {"refreshJwt": "r", "name": "Ada", "verifiedEmail": true},
            "keys": [{"kty": "RSA", "name": "k", "cleartext": "c"}], "tokens": {"a": "x", "n": [5, null]},
            "note": "Bearer P2:eyJhbGciOi.eyJzdWIi.sig", "url": "https://x/y?t=abc&lang=de", "timeout": 5,
            "access_token": "a", "expires_in": 60, "key": {"id": "K2"},
        });
        let kept = json!({
            "loginId": "ada@x.org", "code": "***", "password": "***", "newPassword": "", "errorCode": "E1",
            "user": {"refreshJwt": "***", "name": "Ada", "verifiedEmail": true},
            "keys": [{"kty": "RSA", "name": "k", "cleartext": "***"}], "tokens": {"a": "***", "n": ["***", null]},
            "note": "***", "url": "https://x/y?t=***&lang=de", "timeout": 5,
            "access_token": "***", "expires_in": 60, "key": {"id": "K2"},
        });
        assert_eq!(body(&given), Some(kept));
    }

    #[test]
    fn large_and_deep_bodies_are_not_kept() {
        assert!(body(&json!({"a": "x".repeat(MAX_BODY)})).is_none());
        assert!(body(&json!(vec![1; MAX_BODY])).is_none());
        let deep = (0..=MAX_DEPTH).fold(json!(1), |value, _| json!([value]));
        assert!(body(&deep).is_none());
    }

    #[test]
    fn queries_lose_their_secrets() {
        assert_eq!(query("loginId=a%40b&t=abc&code=&x"), "loginId=a%40b&t=***&code=&x");
        assert_eq!(query(""), "");
    }
}
