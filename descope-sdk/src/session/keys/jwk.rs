//! The public key inside a JWK (RFC 7517, 7518, 8037).

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ParsedPublicKey, RsaPublicKeyComponents},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::weak_rsa::is_weak;
use crate::session::token::algorithm::Scheme;

/// The numbers of a public key, decoded and of the right sizes for its algorithm.
pub(crate) enum PublicKey {
    /// Modulus and exponent, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The name of the curve and the coordinates, in full length.
    Ec {
        curve: &'static str,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
}

impl PublicKey {
    /// The key of a JWK whose type and curve are those of an algorithm; `None` for any other.
    pub(crate) fn read(scheme: Scheme, jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        match (scheme, text("kty")?) {
            (Scheme::Rsa(_), "RSA") => {
                let (n, e) = (unsigned(text("n")?)?, unsigned(text("e")?)?);
                acceptable_rsa(&n, &e).then_some(Self::Rsa { n, e })
            }
            (Scheme::Ec(curve, size, _), "EC") if text("crv") == Some(curve) => {
                let (x, y) = (bytes(text("x")?)?, bytes(text("y")?)?);
                (x.len() == size && y.len() == size).then_some(Self::Ec { curve, x, y })
            }
            (Scheme::Ed25519(_), "OKP") if text("crv") == Some("Ed25519") => {
                let x = bytes(text("x")?)?;
                (x.len() == 32).then_some(Self::Ed25519 { x })
            }
            _ => None,
        }
    }

    /// What checks the signatures of this key; `None` when the numbers do not make a key of that algorithm.
    pub(crate) fn verifier(&self, scheme: Scheme) -> Option<ParsedPublicKey> {
        match (scheme, self) {
            (Scheme::Rsa(parameters), Self::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
            }
            (Scheme::Ec(_, _, verifier), Self::Ec { x, y, .. }) => {
                // The uncompressed point of SEC 1; whether it lies on the curve is checked as it is read.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                ParsedPublicKey::new(verifier, point).ok()
            }
            (Scheme::Ed25519(verifier), Self::Ed25519 { x }) => ParsedPublicKey::new(verifier, x).ok(),
            _ => None,
        }
    }

    /// The key's name by its content: SHA-256 over its necessary members (RFC 7638), as base64url.
    ///
    /// Made from the numbers and not from the JWK's text, so that one key has one name however it is spelled.
    pub(crate) fn thumbprint(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Self::Ec { curve, x, y } => {
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        };
        text(digest(&SHA256, members.as_bytes()).as_ref())
    }
}

/// 2048 to 8192 bits, and an odd exponent of 2 to 33 bits: what the signature code accepts. Checked here too, so that a
/// key that could never verify anything is known as unusable when it arrives. A modulus that is known to be weak is
/// refused besides: with one, anybody could sign.
fn acceptable_rsa(n: &[u8], e: &[u8]) -> bool {
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let bits = |number: &[u8]| number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize);
    (2048..=8192).contains(&bits(n)) && (2..=33).contains(&bits(e)) && odd(e) && !is_weak(n)
}

/// A number of a JWK. Some issuers write leading zeros.
fn unsigned(text: &str) -> Option<Vec<u8>> {
    let mut number = bytes(text)?;
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    Some(number)
}

/// base64url of a JWK. Some issuers pad it.
fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::token::algorithm::Algorithm;

    fn thumbprint(algorithm: Algorithm, jwk: &Value) -> Option<String> {
        PublicKey::read(algorithm.scheme(), jwk.as_object()?).map(|key| key.thumbprint())
    }

    /// The examples of RFC 7638, section 3.1, RFC 9449, section 6.1, and RFC 8037, appendix A.3.
    #[test]
    fn thumbprints_of_the_standards() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                 FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnY\
                 b9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0L\
                 s1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let rsa = json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
        let ec = json!({
            "kty": "EC", "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        });
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (algorithm, jwk, expected) in [
            (Algorithm::Rs256, &rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
            (Algorithm::Es256, &ec, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
            (Algorithm::EdDsa, &ed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        ] {
            assert_eq!(thumbprint(algorithm, jwk).as_deref(), Some(expected));
        }
        // The same number in another spelling is the same key.
        let mut padded = rsa.clone();
        padded["e"] = json!("AAEAAQ==");
        assert_eq!(thumbprint(Algorithm::Rs256, &padded), thumbprint(Algorithm::Ps512, &rsa));
        assert_eq!(thumbprint(Algorithm::Es256, &rsa), None);
    }
}
