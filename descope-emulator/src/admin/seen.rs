//! What a request carries, for those who look at it from outside: the journal and the faults.

use bytes::Bytes;
use http::{header, request::Parts};
use serde_json::{Map, Value};

use crate::{
    address::{clean_login_id, clean_phone, is_phone},
    http::dispatch::parse_query,
};

/// Members and parameters that hold the login id of a user.
const LOGIN_IDS: [&str; 6] = ["loginid", "login_id", "loginids", "identifier", "login_hint", "username"];
/// How deep such a member may stand, so that a hostile body costs no stack.
const MAX_DEPTH: usize = 8;

/// The body of a request, and whom it is about.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The body, where it is JSON or a form.
    pub(crate) body: Option<Value>,
    pub(crate) login_ids: Vec<String>,
}

impl Seen {
    pub(crate) fn new(parts: &Parts, body: &Bytes) -> Self {
        let body = if body.is_empty() { None } else { read(parts, body) };
        let mut login_ids = Vec::new();
        for (name, value) in parse_query(parts.uri.query()) {
            if is_login_id(&name) {
                login_ids.push(plus_of(&value));
            }
        }
        if let Some(body) = &body {
            collect(body, &mut login_ids, MAX_DEPTH);
        }
        Self { body, login_ids }
    }
}

fn read(parts: &Parts, body: &Bytes) -> Option<Value> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs = parse_query(std::str::from_utf8(body).ok());
        let mut fields = Map::new();
        for (name, value) in pairs {
            match fields.get_mut(&name) {
                Some(Value::Array(values)) => values.push(value.into()),
                Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
                None => drop(fields.insert(name, value.into())),
            }
        }
        return Some(Value::Object(fields));
    }
    serde_json::from_slice(body).ok()
}

fn is_login_id(name: &str) -> bool {
    LOGIN_IDS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn collect(value: &Value, found: &mut Vec<String>, depth: usize) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if is_login_id(name) => found.push(text.clone()),
                    Value::Array(items) if is_login_id(name) => {
                        found.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    other => collect(other, found, depth - 1),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found, depth - 1)),
        _ => {}
    }
}

/// Whether two texts mean the same user or address: phone numbers may be written with separators, and the case of email
/// addresses makes no difference.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    clean_login_id(one).eq_ignore_ascii_case(&clean_login_id(other))
}

/// A text of a query as it was meant: whoever types a phone number into a URL means a plus by `+`, not a space.
pub(crate) fn plus_of(text: &str) -> String {
    match text.strip_prefix(' ') {
        Some(digits) if is_phone(digits) => format!("+{}", clean_phone(digits)),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(uri: &str, kind: &str, body: &str) -> Seen {
        let request = http::Request::post(uri).header(header::CONTENT_TYPE, kind).body(()).expect("a request");
        Seen::new(&request.into_parts().0, &Bytes::from(body.to_owned()))
    }

    #[test]
    fn login_ids_are_found_wherever_a_call_carries_them() {
        let json = "application/json";
        assert_eq!(seen("/x?loginId=%2B15551234567", json, "").login_ids, ["+15551234567"]);
        assert_eq!(seen("/x?loginId=+1+555+1234567", json, "").login_ids, ["+15551234567"]);
        assert_eq!(
            seen("/x", json, r#"{"user": {"loginId": "a"}, "users": [{"identifier": "b"}]}"#).login_ids,
            ["a", "b"]
        );
        assert_eq!(seen("/x", json, r#"{"loginIds": ["a", 5, "b"], "loginId": 7}"#).login_ids, ["a", "b"]);
        let form = seen("/x", "application/x-www-form-urlencoded", "login_hint=ada%40x.org&scope=a&scope=b");
        assert_eq!(form.login_ids, ["ada@x.org"]);
        assert_eq!(form.body, Some(serde_json::json!({"login_hint": "ada@x.org", "scope": ["a", "b"]})));
        assert!(seen("/x", json, "{").body.is_none());
    }

    #[test]
    fn users_are_the_same_in_any_writing() {
        assert!(is_same("+1 (555) 123-4567", "+15551234567") && is_same("ADA@x.org", "ada@X.org"));
        assert!(!is_same("ada@x.org", "bob@x.org"));
        assert_eq!(plus_of(" ada"), " ada");
    }
}
