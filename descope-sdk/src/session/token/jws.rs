//! The framing of a compact JWS (RFC 7515, section 3.1), read strictly.
//!
//! Nothing here trusts the token: the text is bounded before anything is decoded, base64url must be canonical (so that
//! one token has one spelling), and what the parser does not support ends the reading instead of being skipped.

use std::sync::{Arc, LazyLock};

use base64::{
    Engine as _,
    engine::{Simd, general_purpose::NO_PAD},
};
use serde_json::{Map, Value};

use super::{algorithm::Algorithm, error::TokenError, json};

/// The longest token that is looked at, in bytes. A token of Descope's is one to four thousand bytes long; the claims of
/// a user with very many tenants may take several times that.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// base64url without padding, several characters at a time where the processor can: of a long token this is a good part of
/// the work.
static BASE64URL: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

/// The three parts of a text that has the form of a compact JWS.
pub(crate) struct Parts<'t> {
    header: &'t str,
    /// What was signed: header and payload as they stand in the text.
    pub(crate) signing_input: &'t [u8],
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Parts<'t> {
    /// Takes a text of at most `limit` bytes apart.
    pub(crate) fn split(text: &'t str, limit: usize) -> Result<Self, TokenError> {
        if text.len() > limit {
            return Err(TokenError::TooLarge { limit });
        }
        // The payload, most of the text, need not be searched: a dot in it is not base64url.
        let parts = text.split_once('.').and_then(|(header, rest)| Some((header, rest.rsplit_once('.')?)));
        let Some((header, (payload, signature))) = parts else {
            return Err(TokenError::Malformed("it has not exactly three parts"));
        };
        let signing_input = &text.as_bytes()[..header.len() + 1 + payload.len()];
        Ok(Self { header, signing_input, payload, signature })
    }

    /// The JSON object of the header.
    pub(crate) fn read_header(&self) -> Result<Map<String, Value>, TokenError> {
        let mut header = Vec::new();
        decode(self.header, &mut header, "its header is not base64url")?;
        let header = json::object(&header, "its header is not a JSON object")?;
        // No extension is supported, so none may be demanded.
        if header.contains_key("crit") { Err(TokenError::CriticalHeader) } else { Ok(header) }
    }

    /// The payload and the signature, decoded.
    pub(crate) fn decode(&self) -> Result<Decoded, TokenError> {
        let mut bytes = Vec::with_capacity((self.payload.len() + self.signature.len()) / 4 * 3 + 6);
        decode(self.payload, &mut bytes, "its payload is not base64url")?;
        let payload = bytes.len();
        decode(self.signature, &mut bytes, "its signature is not base64url")?;
        if bytes.len() == payload {
            Err(TokenError::Malformed("it has no signature"))
        } else {
            Ok(Decoded { bytes, payload })
        }
    }
}

/// Payload and signature, one after the other.
pub(crate) struct Decoded {
    bytes: Vec<u8>,
    /// Where the one ends and the other begins.
    payload: usize,
}

impl Decoded {
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[..self.payload]
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.bytes[self.payload..]
    }
}

/// The JSON object of a payload, all of it. To be asked for once the signature is known to be good.
pub(crate) fn read_payload(payload: &[u8]) -> Result<Map<String, Value>, TokenError> {
    json::object(payload, "its payload is not a JSON object")
}

/// What a token's header says. One key's tokens all have the same, so it is kept together with its text, and need not be
/// read again for the next one.
pub(crate) struct Header {
    text: Box<str>,
    /// The algorithm that the header names. It is only ever compared with the key's own.
    pub(crate) algorithm: Algorithm,
    /// The key that the header names.
    pub(crate) kid: Option<String>,
}

/// A token that has been taken apart, and about which nothing is known yet.
pub(crate) struct Jws<'t> {
    pub(crate) header: Arc<Header>,
    /// What was signed: header and payload as they stand in the text.
    pub(crate) signing_input: &'t [u8],
    decoded: Decoded,
}

impl<'t> Jws<'t> {
    /// Takes a token apart. `known` is the header of another token, which may be that of this one.
    pub(crate) fn parse(token: &'t str, known: Option<Arc<Header>>) -> Result<Self, TokenError> {
        let parts = Parts::split(token, MAX_TOKEN_BYTES)?;
        let header = match known.filter(|known| *known.text == *parts.header) {
            Some(known) => known,
            None => Arc::new(Header::read(&parts)?),
        };
        Ok(Self { header, signing_input: parts.signing_input, decoded: parts.decode()? })
    }

    /// The payload, to be read once the signature is known to be good.
    pub(crate) fn into_payload(self) -> Vec<u8> {
        let Decoded { mut bytes, payload } = self.decoded;
        bytes.truncate(payload);
        bytes
    }

    pub(crate) fn signature(&self) -> &[u8] {
        self.decoded.signature()
    }
}

/// base64url without padding, without white space, and with no stray bits in the last character.
fn decode(part: &str, bytes: &mut Vec<u8>, complaint: &'static str) -> Result<(), TokenError> {
    BASE64URL.decode_vec(part, bytes).map_err(|_| TokenError::Malformed(complaint))
}

impl Header {
    /// The two members that matter. `typ` is free, and keys that come inside the token (`jwk`, `jku`, `x5c`, `x5u`) are
    /// not looked at: a token cannot say by what it is to be verified.
    fn read(parts: &Parts<'_>) -> Result<Self, TokenError> {
        let mut header = parts.read_header()?;
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => Algorithm::from_name(name).ok_or(TokenError::UnsupportedAlgorithm)?,
            Some(_) => return Err(TokenError::UnsupportedAlgorithm),
            None => return Err(TokenError::Malformed("its header names no algorithm")),
        };
        let kid = match header.remove("kid") {
            Some(Value::String(kid)) => Some(kid),
            Some(_) => return Err(TokenError::Malformed("its key id is not text")),
            None => None,
        };
        Ok(Self { text: parts.header.into(), algorithm, kid })
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.{}", encode(header), encode(payload), encode("signature"))
    }

    fn refused(token: &str) -> TokenError {
        match Jws::parse(token, None) {
            Ok(_) => panic!("accepted: {token}"),
            Err(error) => error,
        }
    }

    const HEADER: &str = r#"{"alg":"RS256","kid":"k1"}"#;

    #[test]
    fn a_token_comes_apart() {
        let text =
            token(r#"{"typ":"anything","alg":"ES384","kid":"k1","jku":"https://evil.example","x":[1]}"#, r#"{"a":1}"#);
        let jws = Jws::parse(&text, None).expect("a token");
        assert_eq!(jws.header.algorithm, Algorithm::Es384);
        assert_eq!(jws.header.kid.as_deref(), Some("k1"));
        assert_eq!(jws.signature(), b"signature");
        assert_eq!(jws.signing_input, text.rsplit_once('.').expect("parts").0.as_bytes());
        assert_eq!(read_payload(&jws.into_payload()).expect("claims")["a"], 1);
    }

    #[test]
    fn a_known_header_is_taken_for_its_own_text_only() {
        let (rs, es) = (r#"{"alg":"RS256","kid":"k1"}"#, r#"{"alg":"ES256","kid":"k1"}"#);
        let first = Jws::parse(&token(rs, "{}"), None).expect("a token").header;
        let again = Jws::parse(&token(rs, "{\"a\":1}"), Some(Arc::clone(&first))).expect("a token").header;
        assert!(Arc::ptr_eq(&first, &again));
        let other = Jws::parse(&token(es, "{}"), Some(Arc::clone(&first))).expect("a token").header;
        assert_eq!(other.algorithm, Algorithm::Es256);
        for longer in [r#"{"alg":"RS256","kid":"k1","crit":[]}"#, r#"{"alg":"none"}"#, ""] {
            assert!(Jws::parse(&token(longer, "{}"), Some(Arc::clone(&first))).is_err());
        }
    }

    #[test]
    fn exactly_three_parts() {
        let good = token(HEADER, "{}");
        let mut parts = good.split('.');
        let (h, p, s) = (parts.next().expect("h"), parts.next().expect("p"), parts.next().expect("s"));
        for bad in [
            String::new(),
            ".".into(),
            "..".into(),
            h.into(),
            format!("{h}.{p}"),
            format!("{h}.{p}."),
            format!("{h}..{s}x."),
            format!(".{p}.{s}"),
            format!("{h}.{p}.{s}."),
            format!("{h}.{p}.{s}.{s}"),
            format!("{h}.{p}.{s}.{s}.{s}"),
            format!("{h}. {p}.{s}"),
        ] {
            assert!(matches!(refused(&bad), TokenError::Malformed(_)), "{bad}");
        }
    }

    #[test]
    fn only_canonical_base64url() {
        let good = token(HEADER, r#"{"a":"?????"}"#);
        assert!(Jws::parse(&good, None).is_ok() && good.contains('_'));
        for bad in [
            format!("{good}="),
            format!("{good}\n"),
            format!(" {good}"),
            format!("{good}\u{e9}"),
            good.replacen('.', "=.", 1),
            good.replace('_', "/"),
        ] {
            assert!(matches!(refused(&bad), TokenError::Malformed(_)), "{bad}");
        }
        // The last character may carry bits that are not used; they must be zero.
        let head = good.rsplit_once('.').expect("parts").0;
        assert!(Jws::parse(&format!("{head}.AA"), None).is_ok());
        for stray in ["AB", "AP", "A", "AAB", "AA=", "AA=="] {
            assert!(matches!(refused(&format!("{head}.{stray}")), TokenError::Malformed(_)), "{stray}");
        }
        assert!(Jws::parse(&format!("{head}.-_-_"), None).is_ok());
        assert!(matches!(refused(&format!("{head}.+/+/")), TokenError::Malformed(_)));
    }

    #[test]
    fn the_size_is_looked_at_first() {
        let long = "A".repeat(MAX_TOKEN_BYTES + 1);
        assert!(matches!(refused(&long), TokenError::TooLarge { .. }));
        assert!(matches!(refused(&"A".repeat(MAX_TOKEN_BYTES)), TokenError::Malformed(_)));
    }

    #[test]
    fn headers_that_are_not_taken() {
        for (header, expected) in [
            (r#"{"alg":"none"}"#, "UnsupportedAlgorithm"),
            (r#"{"alg":"rs256"}"#, "UnsupportedAlgorithm"),
            (r#"{"alg":["RS256"]}"#, "UnsupportedAlgorithm"),
            (r#"{"alg":null}"#, "UnsupportedAlgorithm"),
            (r#"{"kid":"k1"}"#, "Malformed"),
            (r#"{"alg":"RS256","kid":7}"#, "Malformed"),
            (r#"{"alg":"RS256","kid":null}"#, "Malformed"),
            (r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "CriticalHeader"),
            (r#"{"alg":"RS256","crit":[]}"#, "CriticalHeader"),
            (r#"{"alg":"RS256","crit":null}"#, "CriticalHeader"),
            (r#"{"alg":"RS256","alg":"RS256"}"#, "DuplicateMember"),
            (r#"{"alg":"none","alg":"RS256"}"#, "DuplicateMember"),
            (r#"["RS256"]"#, "Malformed"),
            ("", "Malformed"),
        ] {
            let error = format!("{:?}", refused(&token(header, "{}")));
            assert!(error.starts_with(expected), "{header}: {error}");
        }
    }

    #[test]
    fn payloads_that_are_not_taken() {
        for (payload, expected) in [
            ("", "Malformed"),
            ("[]", "Malformed"),
            ("\"a\"", "Malformed"),
            (r#"{"exp":1,"exp":2}"#, "DuplicateMember"),
            (r#"{"tenants":{"a":{},"a":{}}}"#, "DuplicateMember"),
        ] {
            let text = token(HEADER, payload);
            let jws = Jws::parse(&text, None).expect("framing");
            let error = read_payload(&jws.into_payload()).expect_err("claims");
            assert!(format!("{error:?}").starts_with(expected), "{payload}");
        }
    }
}
