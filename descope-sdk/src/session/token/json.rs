//! JSON that names every member once.
//!
//! RFC 8725 wants a parser that cannot be talked into reading another value than the one another parser saw.
//! `serde_json` keeps the last of several members of one name; here the second one ends the reading.

use std::{fmt, sync::LazyLock};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::TokenError;

/// Reads `bytes` as one JSON object in which no object, at any depth, names a member twice.
///
/// The depth is bounded by `serde_json`'s own limit of 128.
pub(crate) fn object(bytes: &[u8], not_an_object: &'static str) -> Result<Map<String, Value>, TokenError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = reader.deserialize_any(StrictVisitor { members: CLAIMS }).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Object(map)) => Ok(map),
        // The text of serde_json's error may quote the input, so only the verdict is taken from it.
        Err(error) if error.to_string().starts_with(DUPLICATE) => Err(TokenError::DuplicateMember),
        Ok(_) | Err(_) => Err(TokenError::Malformed(not_an_object)),
    }
}

/// About as many members as a token has, and as an object inside of it has.
const CLAIMS: usize = 16;
const INSIDE: usize = 4;

const DUPLICATE: &str = "duplicate member";

/// The member under which serde_json hands out numbers when some crate of the build asks for arbitrary precision.
const NUMBER: &str = "$serde_json::private::Number";

/// Whether this build's serde_json hands numbers out that way. Another crate's feature decides it, so it is found out
/// by trying; without this an `exp` would arrive as an object in such a build, and every token would be refused.
static NUMBERS_AS_MAPS: LazyLock<bool> = LazyLock::new(|| {
    struct Probe;
    impl<'de> Visitor<'de> for Probe {
        type Value = bool;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }
        fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            while map.next_entry::<String, String>()?.is_some() {}
            Ok(true)
        }
    }
    let mut one = serde_json::Deserializer::from_str("1");
    one.deserialize_any(Probe).unwrap_or(false)
});

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor { members: INSIDE }).map(Strict)
    }
}

struct StrictVisitor {
    /// For how many members room is made at once.
    members: usize,
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        // Made into a map at once, which takes fewer comparisons than putting the members in one by one.
        let mut members = Vec::with_capacity(self.members);
        while let Some(name) = map.next_key::<String>()? {
            if name == NUMBER && *NUMBERS_AS_MAPS {
                let digits: String = map.next_value()?;
                return serde_json::from_str(&digits).map_err(A::Error::custom);
            }
            let Strict(value) = map.next_value()?;
            members.push((name, value));
        }
        let count = members.len();
        let members: Map<String, Value> = members.into_iter().collect();
        // Of members of one name the map keeps one.
        if members.len() == count { Ok(Value::Object(members)) } else { Err(A::Error::custom(DUPLICATE)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Map<String, Value>, TokenError> {
        object(text.as_bytes(), "no object")
    }

    #[test]
    fn every_type_arrives_as_serde_json_reads_it() {
        let text =
            r#"{"a":null,"b":true,"c":-3,"d":18446744073709551615,"e":1.5,"f":"x\u00e9","g":[1,[2]],"h":{"i":{}}}"#;
        let plain: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(Value::Object(read(text).expect("an object")), plain);
    }

    #[test]
    fn duplicates_are_refused_at_every_depth_and_in_every_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[0,{"a":{"b":1,"b":2}}]}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert!(matches!(read(text), Err(TokenError::DuplicateMember)), "{text}");
        }
        assert!(read(r#"{"a":{"a":{"a":1}},"A":[{"a":1},{"a":2}]}"#).is_ok());
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        for text in ["", "null", "[]", "1", "\"a\"", "{", "{}{}", "{} x", "{\"a\":1,}", "{a:1}", "{\"a\":\"\\ud800\"}"]
        {
            assert!(matches!(read(text), Err(TokenError::Malformed("no object"))), "{text}");
        }
        assert!(object(b"{\"a\":\"\xff\"}", "no object").is_err());
        assert!(object(b"\xef\xbb\xbf{}", "no object").is_err());
        // A claim that carries the very words of the verdict does not forge it.
        assert!(read(r#"{"duplicate member":1}"#).is_ok());
    }

    #[test]
    fn nesting_is_bounded() {
        let bomb = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(read(&bomb), Err(TokenError::Malformed(_))));
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert!(read(&deep).is_ok());
        assert!(matches!(
            read(&format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200))),
            Err(TokenError::Malformed(_))
        ));
    }

    #[test]
    fn a_number_in_disguise_is_just_an_object() {
        let value = read(r#"{"exp":{"$serde_json::private::Number":"5"}}"#).expect("an object");
        if !*NUMBERS_AS_MAPS {
            assert!(value["exp"].is_object());
        }
        assert_eq!(read("{\"exp\":5}").expect("an object")["exp"], json!(5));
    }
}
