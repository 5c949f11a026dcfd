//! What can be read of a refusal, whoever wrote it.

use serde_json::{Map, Value};

use crate::{Operation, json, types::ErrorResponse};

/// The words of a refusal, and whether they are Descope's.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) words: ErrorResponse,
    /// Whether the body has the shape of an error of the service, or of the standard that the endpoint follows.
    pub(crate) of_service: bool,
}

/// Reads an error body. Whatever is readable is kept; a member of an odd type costs no other.
pub(crate) fn read(body: &[u8], operation: Option<&Operation>) -> Refusal {
    match json::any(body) {
        Some(Value::Object(members)) => of_members(&members, operation),
        // Some gateways put their error into a list.
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_object)
            .map(|members| of_members(members, operation))
            .find(|refusal| has_words(&refusal.words))
            .unwrap_or_default(),
        _ => Refusal::default(),
    }
}

fn of_members(members: &Map<String, Value>, operation: Option<&Operation>) -> Refusal {
    let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name).and_then(words_of));
    let mut words = ErrorResponse::new();
    words.error_code = text(&["errorCode", "error_code", "code"]);
    words.error_description = text(&["errorDescription", "error_description", "description"]);
    words.error_message = text(&["errorMessage", "error_message"]);
    words.message = text(&["message", "msg", "errors"]);
    words.error = text(&["error"]).map(Into::into);
    words.detail = text(&["detail", "details", "title"]);
    words.scim_type = text(&["scimType"]);
    if let Some(Value::Object(inner)) = members.get("error") {
        fill(&mut words, of_members(inner, None).words);
    }
    let of_service = words.error_code.as_deref().is_some_and(is_code)
        || is_grpc(members)
        || operation.is_some_and(|operation| follows_standard(members, operation.tag));
    Refusal { words, of_service }
}

/// `E` and six digits.
fn is_code(text: &str) -> bool {
    text.strip_prefix('E').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What the service's own gateway writes: a number, a text and a list.
fn is_grpc(members: &Map<String, Value>) -> bool {
    members.get("code").is_some_and(Value::is_u64)
        && members.get("message").is_some_and(Value::is_string)
        && members.get("details").is_some_and(Value::is_array)
}

/// OAuth errors at the endpoints of the identity provider, SCIM errors at those of SCIM.
fn follows_standard(members: &Map<String, Value>, tag: &str) -> bool {
    let scim_error = |schema: &Value| schema == "urn:ietf:params:scim:api:messages:2.0:Error";
    match tag.split('-').next() {
        Some("federation") => members.get("error").is_some_and(Value::is_string),
        Some("scim") => {
            members.get("schemas").and_then(Value::as_array).is_some_and(|schemas| schemas.iter().any(scim_error))
                || (members.contains_key("detail") && members.contains_key("status"))
        }
        _ => false,
    }
}

/// A text, a number, or the texts of a list. Nothing of an object but its message.
fn words_of(value: &Value) -> Option<String> {
    let words = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().filter_map(words_of).collect::<Vec<_>>().join("; "),
        Value::Object(members) => {
            ["message", "errorMessage", "detail"].iter().find_map(|name| members.get(*name)?.as_str())?.to_owned()
        }
        _ => return None,
    };
    Some(words).filter(|words| !words.is_empty())
}

/// Takes from `other` what `words` lacks.
fn fill(words: &mut ErrorResponse, other: ErrorResponse) {
    fn take(mine: &mut Option<String>, other: Option<String>) {
        if mine.is_none() {
            *mine = other;
        }
    }
    take(&mut words.error_code, other.error_code);
    take(&mut words.error_description, other.error_description);
    take(&mut words.error_message, other.error_message);
    take(&mut words.message, other.message);
    take(&mut words.detail, other.detail);
}

fn has_words(words: &ErrorResponse) -> bool {
    let members = [&words.error_code, &words.error_description, &words.error_message, &words.message, &words.detail];
    words.error.is_some() || members.iter().any(|member| member.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(tag: &'static str, body: &str) -> Refusal {
        let operation = crate::OPERATIONS.iter().find(|operation| operation.tag == tag);
        read(body.as_bytes(), operation)
    }

    #[test]
    fn whatever_is_readable_is_kept() {
        for (body, code, text) in [
            (r#"{"errorCode":"E061102","errorDescription":"Wrong"}"#, Some("E061102"), Some("Wrong")),
            (r#"{"errorCode":"E061102","error":{}}"#, Some("E061102"), None),
            (r#"{"errorCode":"E061102","errorDescription":"Wrong","x":1e400}"#, Some("E061102"), Some("Wrong")),
            (r#"{"errorCode":"E061102","errorDescription":"\ud800"}"#, Some("E061102"), Some("\u{fffd}")),
            (
                r#"{"errorCode":"E061102","errorDescription":["Wrong","code"],"errorMessage":5}"#,
                Some("E061102"),
                Some("Wrong; code"),
            ),
            (r#"{"errorCode":61102,"errorDescription":"Wrong"}"#, Some("61102"), Some("Wrong")),
            (r#"{"errorCode":null,"errorDescription":"Wrong","message":{"a":1}}"#, None, Some("Wrong")),
            (r#"{"error":"invalid_grant","error_description":"Wrong"}"#, None, Some("Wrong")),
            (r#"{"error":{"errorCode":"E061102","errorDescription":"Wrong"}}"#, Some("E061102"), Some("Wrong")),
            (r#"{"code":5,"message":"Not Found","details":[]}"#, Some("5"), None),
            (r#"[{"errorCode":"E061102","errorDescription":"Wrong"}]"#, Some("E061102"), Some("Wrong")),
        ] {
            let words = read_at("otp", body).words;
            assert_eq!((words.error_code.as_deref(), words.error_description.as_deref()), (code, text), "{body}");
        }
        let words = read_at("otp", r#"{"message":["a","b"],"detail":"c","errors":[{"message":"d"}]}"#).words;
        assert_eq!((words.message.as_deref(), words.detail.as_deref()), (Some("a; b"), Some("c")));
        let words = read_at("otp", r#"{"errors":[{"message":"d"},"e"]}"#).words;
        assert_eq!(words.message.as_deref(), Some("d; e"));
    }

    #[test]
    fn only_the_service_speaks_for_the_service() {
        for body in [r#"{"errorCode":"E061102"}"#, r#"{"code":16,"message":"Unauthenticated","details":[]}"#] {
            assert!(read_at("otp", body).of_service, "{body}");
        }
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "<html>403 Forbidden</html>",
            r#""E061102""#,
            r#"{"message":"Forbidden"}"#,
            r#"{"error":"forbidden"}"#,
            r#"{"error":"invalid_grant","error_description":"Wrong"}"#,
            r#"{"errorCode":403,"message":"Forbidden"}"#,
            r#"{"errorCode":"AccessDenied"}"#,
            r#"{"errorCode":"E06110"}"#,
            r#"{"code":"blocked","message":"m","details":[]}"#,
        ] {
            assert!(!read_at("otp", body).of_service, "{body}");
        }
    }

    #[cfg(all(feature = "federation", feature = "scim"))]
    #[test]
    fn endpoints_of_a_standard_have_its_errors() {
        assert!(read_at("federation-oidc", r#"{"error":"invalid_grant"}"#).of_service);
        assert!(!read_at("federation-oidc", r#"{"message":"Forbidden"}"#).of_service);
        let scim = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"no user"}"#;
        assert!(read_at("scim-users", scim).of_service);
        assert!(read_at("scim-users", r#"{"status":404,"detail":"no user"}"#).of_service);
        assert!(!read_at("scim-users", r#"{"detail":"Not found"}"#).of_service);
    }
}
