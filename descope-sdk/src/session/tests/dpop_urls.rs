//! Proofs of possession: which URL one is for, and proofs made by chance.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::dpop::{URL, later, scene};
use crate::session::{DpopRequest, testing::NOW};

#[test]
fn urls_that_are_the_same_and_urls_that_are_not() {
    let scene = scene();
    for (asked, claimed, expected) in [
        (URL, URL, "ok"),
        (URL, "HTTPS://API.Example.COM/orders/7", "ok"),
        (URL, "https://api.example.com:443/orders/7", "ok"),
        (URL, "https://api.example.com/orders/7?x=1#y", "ok"),
        ("https://api.example.com:443/orders/7?page=2#top", URL, "ok"),
        ("http://api.example.com:80/a", "http://api.example.com/a", "ok"),
        ("https://api.example.com:8443/a", "https://api.example.com:8443/a", "ok"),
        ("https://api.example.com", "https://api.example.com/", "ok"),
        ("https://[::1]:8080/a", "https://[::1]:8080/a", "ok"),
        (URL, "http://api.example.com/orders/7", "WrongUrl"),
        (URL, "https://api.example.com:80/orders/7", "WrongUrl"),
        (URL, "https://api.example.com:8443/orders/7", "WrongUrl"),
        (URL, "https://api.example.com/orders/7/", "WrongUrl"),
        (URL, "https://api.example.com/Orders/7", "WrongUrl"),
        (URL, "https://api.example.com/orders/8", "WrongUrl"),
        (URL, "https://api.example.com/orders%2F7", "WrongUrl"),
        (URL, "https://api.example.com//orders/7", "WrongUrl"),
        (URL, "https://api.example.com./orders/7", "WrongUrl"),
        (URL, "https://api.example.com.evil.example/orders/7", "WrongUrl"),
        (URL, "https://evil.example/orders/7", "WrongUrl"),
        (URL, "https://api.example.com", "WrongUrl"),
        (URL, "https://api.example.com@evil.example/orders/7", "InvalidClaim"),
        (URL, "https://user:pass@api.example.com/orders/7", "InvalidClaim"),
        (URL, "https:api.example.com/orders/7", "InvalidClaim"),
        (URL, "https:/api.example.com/orders/7", "InvalidClaim"),
        (URL, "https:///api.example.com/orders/7", "InvalidClaim"),
        (URL, "https:\\\\api.example.com\\orders\\7", "InvalidClaim"),
        (URL, "//api.example.com/orders/7", "InvalidClaim"),
        (URL, "api.example.com/orders/7", "InvalidClaim"),
        (URL, "file:///orders/7", "InvalidClaim"),
        (URL, "ftp://api.example.com/orders/7", "InvalidClaim"),
        (URL, "https://", "InvalidClaim"),
        (URL, "https://api.example.com/orders\t/7", "InvalidClaim"),
        (URL, " https://api.example.com/orders/7", "InvalidClaim"),
        (URL, "https://api.example.com/orders/7\n", "InvalidClaim"),
        (URL, "https://api.example.com:99999/orders/7", "InvalidClaim"),
        ("/orders/7", URL, "RequestUrl"),
        ("", URL, "RequestUrl"),
        ("https://user@api.example.com/orders/7", URL, "RequestUrl"),
        ("ws://api.example.com/orders/7", URL, "RequestUrl"),
    ] {
        let proof = scene.proof(json!({}), json!({"htu": claimed, "jti": format!("{asked} {claimed}")}));
        let request = DpopRequest::new("POST", asked).proof(&proof);
        assert_eq!(scene.ask(&scene.token, &request), expected, "{asked} {claimed}");
    }
}

#[test]
fn forwarded_headers_count_only_when_they_are_given() {
    let scene = scene();
    let inner = "http://127.0.0.1:3000/orders/7?page=2";
    for (n, (proto, host, claimed, expected)) in [
        (None, None, URL, "WrongUrl"),
        (None, None, "http://127.0.0.1:3000/orders/7", "ok"),
        (Some("https"), Some("api.example.com"), URL, "ok"),
        (Some("HTTPS , http"), Some(" api.example.com, inner"), URL, "ok"),
        (Some("https"), Some("api.example.com:8443"), "https://api.example.com:8443/orders/7", "ok"),
        (Some("https"), Some("api.example.com:443"), URL, "ok"),
        (Some("https"), None, "https://127.0.0.1:3000/orders/7", "ok"),
        (None, Some("api.example.com"), "http://api.example.com/orders/7", "ok"),
        (Some(""), Some(""), "http://127.0.0.1:3000/orders/7", "ok"),
        (Some("https"), Some("evil.example"), URL, "WrongUrl"),
        (Some("javascript"), Some("api.example.com"), URL, "RequestUrl"),
        (Some("https"), Some("api.example.com/orders/7?"), URL, "RequestUrl"),
        (Some("https"), Some("api.example.com#"), URL, "RequestUrl"),
        (Some("https"), Some("x@api.example.com"), URL, "RequestUrl"),
        (Some("https://api.example.com/orders/7?"), None, URL, "RequestUrl"),
    ]
    .into_iter()
    .enumerate()
    {
        let proof = scene.proof(json!({}), json!({"htu": claimed, "jti": n.to_string()}));
        let request = DpopRequest::new("POST", inner).forwarded(proto, host).proof(&proof);
        assert_eq!(scene.ask(&scene.token, &request), expected, "{proto:?} {host:?} {claimed}");
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Remove(Index),
    Insert(Index, char),
    Truncate(Index),
    Swap(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 0..7u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        any::<Index>().prop_map(Damage::Remove),
        (any::<Index>(), prop_oneof![Just('.'), Just('='), Just('A'), Just(','), Just('+')])
            .prop_map(|(at, c)| Damage::Insert(at, c)),
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

fn claim() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (NOW - 70..NOW + 10).prop_map(Value::from),
        "\\PC{0,140}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({"a": 1})),
    ]
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "\\PC{0,200}") {
        prop_assert_ne!(scene().judge(&text), "ok");
    }

    #[test]
    fn no_damaged_proof_passes(damage in prop::collection::vec(damage(), 1..4)) {
        let scene = scene();
        let good = scene.good();
        let mut bytes = good.clone().into_bytes();
        for damage in damage {
            let length = bytes.len().max(1);
            match damage {
                Damage::Flip(at, bit) => if let Some(byte) = bytes.get_mut(at.index(length)) { *byte ^= 1 << bit },
                Damage::Remove(at) => if !bytes.is_empty() { bytes.remove(at.index(length)); },
                Damage::Insert(at, c) => bytes.insert(at.index(length).min(bytes.len()), u8::try_from(c).expect("ASCII")),
                Damage::Truncate(at) => bytes.truncate(at.index(length)),
                Damage::Swap(a, b) => if !bytes.is_empty() { bytes.swap(a.index(length), b.index(length)) },
            }
        }
        let damaged = String::from_utf8(bytes).expect("ASCII");
        prop_assume!(damaged.trim() != good);
        prop_assert_ne!(scene.judge(&damaged), "ok", "{}", damaged);
    }

    #[test]
    fn signed_claims_of_any_type_pass_only_when_they_are_right(name in prop_oneof![
        Just("jti"), Just("htm"), Just("htu"), Just("iat"), Just("ath"),
    ], value in claim()) {
        let scene = scene();
        let verdict = scene.judge(&scene.proof(json!({}), json!({name: value})));
        let right = match name {
            "jti" => value.as_str().is_some_and(|jti| (1..=128).contains(&jti.chars().count())),
            "iat" => value.as_f64().is_some_and(|iat| iat.floor() > later(-60.0) && iat.ceil() < later(5.0)),
            _ => false,
        };
        prop_assert_eq!(verdict == "ok", right, "{}: {} {}", verdict, name, value);
    }

    #[test]
    fn a_url_is_its_own_and_no_others(
        host in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}", port in prop::option::of(1024..u16::MAX), path in "(/[A-Za-z0-9_~%-]{0,6}){0,4}",
        query in prop::option::of("[a-z=&]{0,8}"), other in "[A-Za-z0-9:/?#@.%\\\\ -]{0,40}",
    ) {
        let scene = scene();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("https://{host}{port}{path}{query}");
        let claimed = format!("HTTPS://{}{port}{path}#x", host.to_uppercase());
        for (jti, htu, same) in [("1", &claimed, true), ("2", &format!("{url}x"), !query.is_empty()), ("3", &other, false)] {
            let proof = scene.proof(json!({}), json!({"jti": jti, "htu": htu}));
            let request = DpopRequest::new("POST", url.as_str()).proof(&proof);
            prop_assert_eq!(scene.ask(&scene.token, &request) == "ok", same, "{} {}", url, htu);
        }
    }
}
