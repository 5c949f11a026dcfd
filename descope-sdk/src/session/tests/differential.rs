//! Our framing and signature checks against `jsonwebtoken`, on tokens that are valid, damaged and hostile.
//!
//! Whatever we accept, it accepts. Whatever it accepts, we accept too, unless one of the rules refuses it in which we
//! mean to be stricter.

use std::sync::LazyLock;

use jsonwebtoken::{DecodingKey, Validation, jwk::Jwk};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use crate::session::{
    keys::key_set::KeySet,
    testing::{TestKey, encode, session_claims},
    token::{
        algorithm::Algorithm,
        error::TokenError,
        jws::{Jws, read_payload},
    },
};

static KEYS: LazyLock<Vec<TestKey>> =
    LazyLock::new(|| Algorithm::ALL.iter().map(|algorithm| TestKey::new(*algorithm, "k1")).collect());

fn ours(key: &TestKey, token: &str) -> Result<Map<String, Value>, TokenError> {
    let set = KeySet::parse_static(key.jwk().to_string().as_bytes()).expect("a key");
    let jws = Jws::parse(token, None)?;
    set.find(jws.header.kid.as_deref(), jws.header.algorithm)
        .unwrap_or(Err(TokenError::UnknownKey))?
        .verify(jws.signing_input, jws.signature())?;
    read_payload(&jws.into_payload())
}

fn theirs(key: &TestKey, token: &str) -> Option<Map<String, Value>> {
    let jwk: Jwk = serde_json::from_value(key.jwk()).expect("a JWK");
    let algorithm = key.algorithm_name().parse().expect("an algorithm");
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, &DecodingKey::from_jwk(&jwk).expect("a key"), &validation).ok().map(|data| data.claims)
}

/// Rules of ours that `jsonwebtoken` does not have, or not on this path: the name of the key is one.
fn stricter(error: &TokenError) -> bool {
    matches!(
        error,
        TokenError::DuplicateMember
            | TokenError::CriticalHeader
            | TokenError::TooLarge { .. }
            | TokenError::UnknownKey
            | TokenError::Malformed("its key id is not text")
    )
}

fn compare(key: &TestKey, token: &str) {
    match (ours(key, token), theirs(key, token)) {
        (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs, "{token}"),
        (Ok(_), None) => panic!("only we accept {token}"),
        (Err(error), Some(_)) if !stricter(&error) => panic!("only they accept {token}: {error:?}"),
        (Err(_), _) => {}
    }
}

#[derive(Clone, Debug)]
enum Damage {
    None,
    Flip(Index, u8),
    Remove(Index),
    Insert(Index, char),
    Swap(Index, Index),
    Truncate(Index),
    Append(String),
    Header(Value),
    Payload(String),
    Signature(Vec<u8>),
    Resign(Value, String),
}

fn damage() -> impl Strategy<Value = Damage> {
    let header = prop_oneof![
        Just(json!({"alg": "none"})),
        Just(json!({"alg": "HS256", "kid": "k1"})),
        Just(json!({"alg": "RS256", "kid": "k1"})),
        Just(json!({"alg": "PS256", "kid": "k1"})),
        Just(json!({"alg": "ES256", "kid": "k1"})),
        Just(json!({"alg": "ES384"})),
        Just(json!({"alg": "EdDSA", "kid": "k2"})),
        Just(json!({"kid": "k1"})),
        Just(json!([])),
    ];
    let payload = prop_oneof![
        Just("{}".to_owned()),
        Just("{\"a\":1,\"a\":2}".to_owned()),
        Just("[]".to_owned()),
        Just("null".to_owned()),
        Just("{\"a\":".to_owned()),
        Just(format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200))),
        Just("{\"exp\":\"1\",\"x\":1.5e3,\"y\":-7,\"z\":[null,true,\"\\u00e9\"]}".to_owned()),
        "\\PC{0,40}",
    ];
    prop_oneof![
        2 => Just(Damage::None),
        3 => (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        2 => any::<Index>().prop_map(Damage::Remove),
        2 => (any::<Index>(), prop_oneof![Just('.'), Just('='), Just('A'), Just('\n'), Just('+')]).prop_map(|(at, c)| Damage::Insert(at, c)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Damage::Swap(a, b)),
        2 => any::<Index>().prop_map(Damage::Truncate),
        1 => "[A-Za-z0-9_=.-]{1,6}".prop_map(Damage::Append),
        2 => header.clone().prop_map(Damage::Header),
        2 => payload.clone().prop_map(Damage::Payload),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Damage::Signature),
        4 => (header, payload).prop_map(|(header, payload)| Damage::Resign(header, payload)),
    ]
}

fn apply(key: &TestKey, damage: &Damage) -> String {
    let good = key.token(&session_claims(json!({"tenants": {"t": {"roles": ["a"]}}, "n": 1.5})));
    let parts: Vec<&str> = good.split('.').collect();
    let mut bytes = good.clone().into_bytes();
    let length = bytes.len();
    match damage {
        Damage::None => return good,
        Damage::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Damage::Remove(at) => drop(bytes.remove(at.index(length))),
        Damage::Insert(at, c) => bytes.insert(at.index(length), u8::try_from(*c).expect("ASCII")),
        Damage::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
        Damage::Truncate(at) => bytes.truncate(at.index(length)),
        Damage::Append(text) => bytes.extend(text.as_bytes()),
        Damage::Header(header) => {
            return format!("{}.{}.{}", encode(header.to_string().as_bytes()), parts[1], parts[2]);
        }
        Damage::Payload(payload) => return format!("{}.{}.{}", parts[0], encode(payload.as_bytes()), parts[2]),
        Damage::Signature(signature) => return format!("{}.{}.{}", parts[0], parts[1], encode(signature)),
        Damage::Resign(header, payload) => return key.token_of_text(&header.to_string(), payload),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_same_verdict(which in any::<Index>(), damage in damage()) {
        let key = which.get(&KEYS);
        compare(key, &apply(key, &damage));
    }
}

#[test]
fn good_tokens_of_every_algorithm_are_good_to_both() {
    for key in KEYS.iter() {
        let token = apply(key, &Damage::None);
        assert_eq!(ours(key, &token).expect("our verdict"), theirs(key, &token).expect("their verdict"));
    }
}

#[test]
fn each_last_character_of_a_signature() {
    for key in KEYS.iter() {
        let good = apply(key, &Damage::None);
        for last in ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_', '=', '+', '/']) {
            compare(key, &format!("{}{last}", &good[..good.len() - 1]));
            compare(key, &format!("{good}{last}"));
        }
    }
}
