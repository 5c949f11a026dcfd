//! What the tokens say that a call was answered with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;

use super::mask;
use crate::http::{Reply, reply::Content};

/// Deeper than any answer of the specification.
const MAX_DEPTH: usize = 16;
/// More tokens than any answer has.
const MAX_TOKENS: usize = 16;

/// A token that an answer has handed out, without its signature: it can be read and not be used.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IssuedToken {
    /// The member of the answer that holds it, such as `sessionJwt`, or the name of the cookie.
    pub name: String,
    /// Its header, such as `{"alg": "RS256", "kid": ..}`.
    pub header: Value,
    /// Its claims. Secrets among them are `***`.
    pub claims: Value,
}

impl fmt::Debug for IssuedToken {
    /// Leaves the claims out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The tokens of an answer, in the order in which they stand there.
pub(crate) fn issued(reply: &Reply) -> Vec<IssuedToken> {
    let mut found = Vec::new();
    if let Content::Json(body) | Content::TypedJson(_, body) = &reply.content {
        collect("", body, &mut found, MAX_DEPTH);
    }
    for cookie in reply.cookies() {
        if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
            found.extend(read(name, value));
        }
    }
    found.truncate(MAX_TOKENS);
    found
}

fn collect(name: &str, value: &Value, found: &mut Vec<IssuedToken>, depth: usize) {
    if depth == 0 || found.len() >= MAX_TOKENS {
        return;
    }
    match value {
        Value::String(text) => found.extend(read(name, text)),
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, found, depth - 1)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(name, value, found, depth - 1)),
        _ => {}
    }
}

/// The token in a text, when the text is one.
fn read(name: &str, text: &str) -> Option<IssuedToken> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let part = |part: Option<&str>| {
        let bytes = URL_SAFE_NO_PAD.decode(part?).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
    };
    let mut parts = text.split('.');
    let (header, claims) = (part(parts.next())?, part(parts.next())?);
    (parts.count() == 1).then(|| IssuedToken {
        name: name.to_owned(),
        header,
        claims: mask::body(&claims).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use http::header::SET_COOKIE;
    use serde_json::json;

    use super::*;

    fn jwt(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims))
    }

    #[test]
    fn tokens_are_found_wherever_they_stand_and_lose_their_signature() {
        let (session, refresh) = (jwt(&json!({"sub": "U2", "password": "p"})), jwt(&json!({"sub": "U3"})));
        let body = json!({
            "sessionJwt": session, "user": {"name": "eyJ.not.one", "note": "a.b.c"}, "list": [refresh, 5, "eyJ"],
        });
        let cookie = format!("DSR={refresh}; Path=/");
        let reply = Reply::json(200, &body).expect("JSON").header(SET_COOKIE, cookie).header(SET_COOKIE, "odd");
        let found = issued(&reply);
        let told: Vec<_> = found.iter().map(|token| (token.name.as_str(), &token.claims)).collect();
        let (first, second) = (json!({"sub": "U2", "password": "***"}), json!({"sub": "U3"}));
        assert_eq!(told.len(), 3);
        assert!(told.contains(&("sessionJwt", &first)) && told.contains(&("list", &second)));
        assert_eq!(told[2], ("DSR", &second));
        assert_eq!(found[2].header, json!({"alg": "RS256"}));
        assert!(!format!("{found:?}{}", json!(found)).contains("c2ln"));
    }
}
