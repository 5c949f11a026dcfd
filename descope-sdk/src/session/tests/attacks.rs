//! Tokens that somebody made to get in.

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::json;

use super::verdict;
use crate::session::{
    MAX_TOKEN_BYTES, SessionValidator,
    testing::{NOW, TestKey, encode, fixed, session_claims},
    token::algorithm::Algorithm,
};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn judge(validator: &SessionValidator, token: &str) -> String {
    wait(async { verdict(validator.validate_session(token).await) })
}

struct Scene {
    rsa: TestKey,
    ec: TestKey,
    validator: SessionValidator,
}

fn scene() -> Scene {
    let (rsa, ec) = (TestKey::shared_rsa("rsa"), TestKey::new(Algorithm::Es256, "ec"));
    let validator = fixed(&[&rsa, &ec]).build().expect("a validator");
    Scene { rsa, ec, validator }
}

fn unsigned(header: &serde_json::Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(session_claims(json!({})).to_string().as_bytes()))
}

#[test]
fn no_algorithm_at_all() {
    let Scene { validator, rsa, .. } = scene();
    for name in ["none", "None", "NONE", "nOnE", "none ", "", "null", "n\u{43e}ne"] {
        let head = unsigned(&json!({"alg": name, "kid": "rsa"}));
        assert_eq!(judge(&validator, &format!("{head}.")), "UnsupportedAlgorithm", "{name}");
        assert_eq!(judge(&validator, &format!("{head}.AAAA")), "UnsupportedAlgorithm", "{name}");
        let signed = rsa.token_with_header(&json!({"alg": name, "kid": "rsa"}), &session_claims(json!({})));
        assert_eq!(judge(&validator, &signed), "UnsupportedAlgorithm", "{name}");
    }
    for odd in [json!(null), json!(["RS256"]), json!({"RS256": 1}), json!(256), json!(true)] {
        assert_eq!(
            judge(&validator, &format!("{}.AAAA", unsigned(&json!({"alg": odd, "kid": "rsa"})))),
            "UnsupportedAlgorithm"
        );
    }
    assert_eq!(judge(&validator, &format!("{}.AAAA", unsigned(&json!({"kid": "rsa"})))), "Malformed");
    assert_eq!(judge(&validator, &format!("{}.", unsigned(&json!({"alg": "RS256", "kid": "rsa"})))), "Malformed");
}

#[test]
fn the_public_key_as_a_secret() {
    let Scene { validator, rsa, .. } = scene();
    let der = rsa.public_der();
    let jwk = rsa.jwk();
    for secret in [der.as_slice(), jwk.to_string().as_bytes(), jwk["n"].as_str().expect("n").as_bytes()] {
        for (name, algorithm) in
            [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        {
            let head = unsigned(&json!({"alg": name, "kid": "rsa"}));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), head.as_bytes());
            assert_eq!(judge(&validator, &format!("{head}.{}", encode(tag.as_ref()))), "UnsupportedAlgorithm");
            // The same under the name of an algorithm that is allowed.
            let head = unsigned(&json!({"alg": "RS256", "kid": "rsa"}));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), head.as_bytes());
            assert_eq!(judge(&validator, &format!("{head}.{}", encode(tag.as_ref()))), "BadSignature");
        }
    }
}

#[test]
fn the_algorithm_of_another_key() {
    let Scene { validator, rsa, ec, .. } = scene();
    for algorithm in Algorithm::ALL {
        let key = TestKey::new(algorithm, "x");
        for (kid, own) in [("rsa", Algorithm::Rs256), ("ec", Algorithm::Es256)] {
            let token =
                key.token_with_header(&json!({"alg": key.algorithm_name(), "kid": kid}), &session_claims(json!({})));
            let expected = if algorithm == own && kid == "rsa" {
                // The shared RSA key is the project's own.
                "ok"
            } else if algorithm == own {
                "BadSignature"
            } else {
                "AlgorithmMismatch"
            };
            assert_eq!(judge(&validator, &token), expected, "{algorithm:?} {kid}");
        }
    }
    let swapped = ec.token_with_header(&json!({"alg": "RS256", "kid": "rsa"}), &session_claims(json!({})));
    assert_eq!(judge(&validator, &swapped), "BadSignature");
    let swapped = rsa.token_with_header(&json!({"alg": "ES256", "kid": "ec"}), &session_claims(json!({})));
    assert_eq!(judge(&validator, &swapped), "BadSignature");
}

#[test]
fn keys_and_key_names_that_the_token_brings() {
    let Scene { validator, .. } = scene();
    let evil = TestKey::foreign_rsa("evil");
    for header in [
        json!({"alg": "RS256", "kid": "rsa", "jwk": evil.jwk()}),
        json!({"alg": "RS256", "kid": "rsa", "jku": "https://evil.example/keys"}),
        json!({"alg": "RS256", "kid": "rsa", "x5u": "https://evil.example/cert"}),
        json!({"alg": "RS256", "kid": "rsa", "x5c": [encode(&evil.public_der())]}),
    ] {
        assert_eq!(
            judge(&validator, &evil.token_with_header(&header, &session_claims(json!({})))),
            "BadSignature",
            "{header}"
        );
    }
    for kid in ["", "RSA", "rsa ", "rsa\0", "../../rsa", "' OR 1=1 --", "/dev/null", "https://evil.example/", "rsa,ec"]
    {
        let header = json!({"alg": "RS256", "kid": kid, "jwk": evil.jwk()});
        assert_eq!(
            judge(&validator, &evil.token_with_header(&header, &session_claims(json!({})))),
            "UnknownKey",
            "{kid}"
        );
    }
    let header = json!({"alg": "RS256", "jwk": evil.jwk()});
    assert_eq!(judge(&validator, &evil.token_with_header(&header, &session_claims(json!({})))), "UnknownKey");
    for kid in [json!(null), json!(["rsa"]), json!({"rsa": 1}), json!(0)] {
        let header = json!({"alg": "RS256", "kid": kid});
        assert_eq!(judge(&validator, &evil.token_with_header(&header, &session_claims(json!({})))), "Malformed");
    }
}

#[test]
fn signatures_that_are_almost_right() {
    let Scene { validator, rsa, ec, .. } = scene();
    for key in [&rsa, &ec] {
        let good = key.token(&session_claims(json!({})));
        assert_eq!(judge(&validator, &good), "ok");
        let (head, _) = good.rsplit_once('.').expect("three parts");
        let signature = key.sign(head.as_bytes());
        let mut forged = vec![
            signature[1..].to_vec(),
            signature[..signature.len() - 1].to_vec(),
            [signature.as_slice(), &[0]].concat(),
            [&[0], signature.as_slice()].concat(),
            [signature.as_slice(), signature.as_slice()].concat(),
            vec![0; signature.len()],
            vec![0xff; signature.len()],
            vec![0],
        ];
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if bit % 61 == 0 {
                forged.push(flipped);
            }
        }
        for signature in forged {
            assert_eq!(judge(&validator, &format!("{head}.{}", encode(&signature))), "BadSignature");
        }
    }
    // An ASN.1 signature where the fixed one of JWS belongs.
    let good = ec.token(&session_claims(json!({})));
    let (head, _) = good.rsplit_once('.').expect("three parts");
    let fixed = ec.sign(head.as_bytes());
    let mut der = vec![0x30, 0];
    for half in fixed.chunks(32) {
        let number: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        let zero: &[u8] = if number.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
        der.extend([&[2, u8::try_from(number.len() + zero.len()).expect("short")], zero, &number].concat());
    }
    der[1] = u8::try_from(der.len() - 2).expect("short");
    assert_eq!(judge(&validator, &format!("{head}.{}", encode(&der))), "BadSignature");
}

#[test]
fn other_spellings_of_a_good_token() {
    let Scene { validator, ec, .. } = scene();
    let good = ec.token(&session_claims(json!({})));
    let (head, signature) = good.rsplit_once('.').expect("three parts");
    let mut others = vec![
        format!("{good}="),
        format!("{good}=="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}\r\n"),
        format!("{good}\0"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("Bearer {good}"),
        good.replacen('.', "..", 1),
        good.replacen('.', " .", 1),
        good.replacen('.', "%2e", 1),
        good.to_uppercase(),
        format!("{{\"token\":\"{good}\"}}"),
    ];
    // A P-256 signature is 64 bytes, so four bits of its last character mean nothing, and must be zero.
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).expect("base64url");
    assert_eq!(value % 16, 0);
    others.extend((1..16).map(|bits| format!("{rest}{}", &alphabet[value + bits..=value + bits])));
    for other in &others {
        assert_eq!(judge(&validator, other), "Malformed", "{other}");
    }
    if signature.contains(['-', '_']) {
        let standard = format!("{head}.{}", signature.replace('-', "+").replace('_', "/"));
        assert_eq!(judge(&validator, &standard), "Malformed");
    }
}

#[test]
fn claims_that_play_tricks_though_the_project_signed_them() {
    let Scene { validator, ec, .. } = scene();
    let header = ec.header().to_string();
    let plain = session_claims(json!({})).to_string();
    let body = plain.trim_end_matches('}');
    for (payload, expected) in [
        (format!("{body},\"exp\":{}}}", NOW + 999_999), "DuplicateMember"),
        (format!("{body},\"\\u0065xp\":{}}}", NOW + 999_999), "DuplicateMember"),
        (format!("{body},\"tenants\":{{\"a\":{{\"roles\":[]}},\"a\":{{\"roles\":[\"admin\"]}}}}}}"), "DuplicateMember"),
        (format!("{body},\"x\":1e999}}"), "Malformed"),
        (format!("{body},}}"), "Malformed"),
        (format!("{body}}}{{}}"), "Malformed"),
        (format!("{body},\"x\":NaN}}"), "Malformed"),
        (format!("{body},\"x\":\"\u{7}\"}}"), "Malformed"),
        (format!("{body},\"x\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000)), "Malformed"),
        (format!("{body},\"x\":{}", "{\"a\":".repeat(9_000)), "Malformed"),
        (format!("[{plain}]"), "Malformed"),
        (format!("\"{}\"", "x".repeat(10)), "Malformed"),
        (String::new(), "Malformed"),
        ("{}".to_owned(), "MissingClaim"),
    ] {
        let token = ec.token_of_text(&header, &payload);
        assert_eq!(judge(&validator, &token), expected, "{}", &payload[payload.len().saturating_sub(80)..]);
    }
    for header in [
        r#"{"alg":"ES256","kid":"ec","alg":"none"}"#,
        r#"{"alg":"ES256","kid":"x","kid":"ec"}"#,
        r#"{"alg":"ES256","kid":"ec","x":{"a":1,"a":1}}"#,
    ] {
        assert_eq!(judge(&validator, &ec.token_of_text(header, &plain)), "DuplicateMember");
    }
    for crit in [r#"["exp"]"#, r#"["b64"],"b64":false"#, "[]", "null", "\"x\""] {
        let header = format!("{{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":{crit}}}");
        assert_eq!(judge(&validator, &ec.token_of_text(&header, &plain)), "CriticalHeader");
    }
}

#[test]
fn big_ones_are_not_even_decoded() {
    let Scene { validator, ec, .. } = scene();
    let huge = ec.token(&session_claims(json!({"x": "y".repeat(1 << 20)})));
    let dots = ".".repeat(1 << 20);
    for text in [&huge, &dots] {
        assert_eq!(judge(&validator, text), "TooLarge");
    }
    let dots = ".".repeat(MAX_TOKEN_BYTES);
    assert_eq!(judge(&validator, &dots), "Malformed");
    // A big one that is honest passes.
    let roles: Vec<String> = (0..2000).map(|i| format!("role-{i}")).collect();
    let big = ec.token(&session_claims(json!({"roles": roles})));
    assert!(big.len() < MAX_TOKEN_BYTES);
    assert_eq!(judge(&validator, &big), "ok");
}

#[test]
fn no_error_repeats_the_token() {
    let Scene { validator, ec, .. } = scene();
    let marked = "MARKED";
    for claims in [
        json!({"drn": marked}),
        json!({"aud": marked, "exp": marked}),
        json!({"exp": {marked: 1}}),
        json!({"cnf": {"jkt": marked}}),
    ] {
        let token = ec.token(&session_claims(claims));
        let error = wait(validator.validate_session(&token)).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains(marked), "{error:?}");
    }
    for header in
        [json!({"alg": marked}), json!({"alg": "ES256", "kid": marked}), json!({"alg": "ES256", "crit": [marked]})]
    {
        let error = wait(validator.validate_session(&ec.token_with_header(&header, &json!({})))).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains(marked), "{error:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "\\PC{0,200}") {
        let Scene { validator, .. } = scene();
        prop_assert_ne!(judge(&validator, &text), "ok");
    }

    #[test]
    fn any_three_parts_are_judged(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let Scene { validator, .. } = scene();
        let token = format!("{}.{}.{}", encode(&header), encode(&payload), encode(&signature));
        prop_assert_ne!(judge(&validator, &token), "ok");
    }
}
