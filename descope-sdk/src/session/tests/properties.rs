//! What the fuzz targets look for in keys and cookies, in the small.

use http::{HeaderMap, HeaderValue, header};
use proptest::{prelude::*, sample::Index};
use serde_json::json;

use super::verdict;
use crate::{
    Authentication,
    raw_error::{Answer, Origin},
    session::{
        KindNames, SessionCookies, SessionValidator,
        keys::key_set::KeySet,
        testing::{TestKey, fixed, session_claims},
        token::algorithm::Algorithm,
    },
};

/// Text of the pieces that matter, in no good order.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => prop::sample::select(pieces).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn headers(name: &header::HeaderName, values: &[String]) -> HeaderMap {
    let values = values.iter().filter_map(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
    values.map(|value| (name.clone(), value)).collect()
}

proptest! {
    #[test]
    fn any_answer_of_the_keys_endpoint_is_read_or_refused(body in any::<Vec<u8>>()) {
        prop_assert!(KeySet::parse(&body).is_err() || body.first().is_some_and(|first| !first.is_ascii_alphanumeric()));
        let _ = SessionValidator::builder("P2x").static_key(&body).build();
    }

    #[test]
    fn no_damage_makes_another_key_of_a_key(damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4)) {
        let (key, other) = (TestKey::new(Algorithm::Es256, "k1"), TestKey::new(Algorithm::Es256, "k1"));
        let mut body = json!({"keys": [key.jwk(), {"kty": "oct", "k": "AA"}]}).to_string().into_bytes();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let Ok(set) = KeySet::parse(&body) else { return Ok(()) };
        prop_assert!(set.len() <= 1);
        if let Some(Ok(found)) = set.find(Some("k1"), Algorithm::Es256) {
            let found = found.only();
            prop_assert!(found.verify(b"message", &key.sign(b"message")).is_ok());
            prop_assert!(found.verify(b"message", &other.sign(b"message")).is_err());
        }
    }

    #[test]
    fn claims_of_any_shape_are_judged_and_read(name in "[a-z]{2,6}|exp|tenants|dct|roles|amr|act|aud|rexp", value in pieces(&[
        "{", "}", "[", "]", ":", ",", "\"a\"", "1", "-1.5e300", "null", "true", "\"\\u0000\"", "{\"a\":{\"roles\":[\"x\"]}}",
    ])) {
        let key = TestKey::new(Algorithm::EdDsa, "k1");
        let validator = fixed(&[&key]).build().expect("a validator");
        let good = session_claims(json!({})).to_string();
        let token = key.token_of_text(&key.header().to_string(), &format!("{{\"{name}\":{value},{}", &good[1..]));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        match runtime.block_on(validator.validate_session(&token)) {
            Ok(session) => {
                prop_assert_eq!(session.user_id(), "U2test");
                for tenant in session.tenants() {
                    prop_assert!(session.has_tenant(tenant));
                    let _ = (session.tenant_roles(tenant), session.tenant_permissions(tenant));
                }
            }
            Err(error) => prop_assert_ne!(verdict::<()>(Err(error)), "BadSignature"),
        }
    }

    #[test]
    fn tokens_of_a_request_are_whole_cookies(cookies in prop::collection::vec(pieces(&[
        "DS", "DSR", "=", ";", "; ", "\"", "eyJ.a.b", " ", ",", "x=y", "DS=t1; ", "DSR=\"t2\"",
    ]), 0..4)) {
        let headers = headers(&header::COOKIE, &cookies);
        let found = SessionCookies::new();
        let found = found.tokens(&headers);
        prop_assert!(found.scheme().is_none());
        for token in [found.session_jwt(), found.refresh_jwt()].into_iter().flatten() {
            prop_assert!(!token.contains(';') && cookies.iter().any(|cookie| cookie.contains(token)), "{}", token);
        }
    }

    #[test]
    fn tokens_of_an_answer_are_whole_cookies(cookies in prop::collection::vec(pieces(&[
        "DS", "DSR", "=", ";", "; ", "\"", "eyJ.a.b", " ", "Path=/", "Max-Age=", "0", "-9", "Expires=", "DS=t1; ", "DSR=t2",
    ]), 0..4)) {
        let headers = headers(&header::SET_COOKIE, &cookies);
        let body = serde_json::from_str("{}").expect("an answer");
        let origin = Origin::of("session_refresh", headers);
        if let Ok(session) = Authentication::read(Answer { body, origin }, &KindNames::default()) {
            let (session_jwt, refresh_jwt) = session.into_tokens();
            for token in [Some(session_jwt), refresh_jwt].iter().flatten() {
                let token = token.expose();
                prop_assert!(!token.is_empty() && !token.contains(';'), "{}", token);
                prop_assert!(cookies.iter().any(|cookie| cookie.contains(token)), "{}", token);
            }
        }
    }
}
