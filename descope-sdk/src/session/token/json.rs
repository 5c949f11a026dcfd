//! JSON that names every member once.
//!
//! RFC 8725 wants a parser that cannot be talked into reading another value than the one another parser saw.
//! `serde_json` keeps the last of several members of one name; here the second one ends the reading.

use std::{borrow::Cow, collections::HashSet, fmt, sync::LazyLock};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::TokenError;

/// About as many members as a token has, and as an object inside of it has.
const CLAIMS: usize = 16;
const INSIDE: usize = 4;

/// As many names as the largest of the claims may have open.
const MANY: usize = 128;

/// Up to how many names are compared one with the other.
const FEW: usize = 8;

const DUPLICATE: &str = "duplicate member";

/// The member under which serde_json hands out numbers when some crate of the build asks for arbitrary precision.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads `bytes` as one JSON object in which no object, at any depth, names a member twice.
///
/// The depth is bounded by `serde_json`'s own limit of 128.
pub(crate) fn object(bytes: &[u8], not_an_object: &'static str) -> Result<Map<String, Value>, TokenError> {
    object_without(None, bytes, not_an_object)
}

/// The same, with `null` in the place of the member `later`, which is checked as all of the text is and can be had from
/// [`member`].
pub(crate) fn object_without(
    later: Option<&'static str>,
    bytes: &[u8],
    not_an_object: &'static str,
) -> Result<Map<String, Value>, TokenError> {
    // Looked at once, so that not every string in it has to be.
    let text = std::str::from_utf8(bytes).map_err(|_| TokenError::Malformed(not_an_object))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let visitor = StrictVisitor { members: CLAIMS, later };
    let read = reader.deserialize_any(visitor).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Object(map)) => Ok(map),
        // The text of serde_json's error may quote the input, so only the verdict is taken from it.
        Err(error) if error.to_string().starts_with(DUPLICATE) => Err(TokenError::DuplicateMember),
        Ok(_) | Err(_) => Err(TokenError::Malformed(not_an_object)),
    }
}

/// One member of a text that was read by [`object_without`], or `null` where the text has none of that name.
pub(crate) fn member(name: &'static str, bytes: &[u8]) -> Value {
    struct Only(&'static str);
    impl<'de> Visitor<'de> for Only {
        type Value = Value;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
            let mut found = Value::Null;
            while let Some(Name(name)) = map.next_key()? {
                if name == self.0 {
                    found = map.next_value::<Strict>()?.0;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    reader.deserialize_map(Only(name)).unwrap_or(Value::Null)
}

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
        deserializer.deserialize_any(StrictVisitor { members: INSIDE, later: None }).map(Strict)
    }
}

struct StrictVisitor {
    /// For how many members room is made at once.
    members: usize,
    /// The member that is checked and not kept.
    later: Option<&'static str>,
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
            let value = if self.later.is_some_and(|later| later == name) {
                map.next_value_seed(Check(&mut Vec::with_capacity(MANY)))?;
                Value::Null
            } else {
                map.next_value::<Strict>()?.0
            };
            members.push((name, value));
        }
        let count = members.len();
        let members: Map<String, Value> = members.into_iter().collect();
        // Of members of one name the map keeps one.
        if members.len() == count { Ok(Value::Object(members)) } else { Err(A::Error::custom(DUPLICATE)) }
    }
}

/// The name of a member, which costs nothing unless it is written with escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Looks for members of one name in a value of which nothing is kept. The names of all objects that are open stand one
/// after the other in one list, so that an object costs no memory of its own.
struct Check<'n, 'de>(&'n mut Vec<Cow<'de, str>>);

impl<'de> DeserializeSeed<'de> for Check<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Check(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let first = self.0.len();
        while let Some(Name(name)) = map.next_key()? {
            self.0.push(name);
            map.next_value_seed(Check(self.0))?;
        }
        let twice = has_twice(&self.0[first..]);
        self.0.truncate(first);
        if twice { Err(A::Error::custom(DUPLICATE)) } else { Ok(()) }
    }
}

/// Whether two names are the same.
fn has_twice(names: &[Cow<'_, str>]) -> bool {
    if names.len() <= FEW {
        return names.iter().enumerate().any(|(at, name)| names[..at].contains(name));
    }
    // Names with different sums are different, and hardly any two have the same one.
    let mut sums: Vec<u64> = names.iter().map(|name| sum(name)).collect();
    sums.sort_unstable();
    sums.windows(2).any(|pair| pair[0] == pair[1]) && names.iter().collect::<HashSet<_>>().len() < names.len()
}

/// A number that is quickly made of a text. Nothing depends on how well it spreads.
fn sum(text: &str) -> u64 {
    text.as_bytes().chunks(8).fold(0, |sum: u64, bytes| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        (sum.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
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
    fn what_is_read_later_is_checked_at_once_and_reads_the_same() {
        let many = (0..20).fold(String::new(), |many, n| many + &format!("\"t{n}\":{{\"roles\":[\"a\",{{}}]}},"));
        for value in [
            "null",
            "true",
            "-3",
            "1.5",
            "18446744073709551615",
            "\"x\\u00e9\"",
            "[]",
            "[1,[{\"a\":1},{\"a\":2}]]",
            "{}",
            "{\"a\":{\"a\":1,\"b\":{\"a\":1}},\"b\":[1.5,null,true,-1]}",
            &format!("{{{many}\"u\":1}}"),
        ] {
            let text = format!("{{\"a\":1,\"ten\\u0061nts\":{value},\"z\":[2]}}");
            let whole = read(&text).expect("an object");
            let mut parts = object_without(Some("tenants"), text.as_bytes(), "").expect("an object");
            assert_eq!(parts["tenants"], Value::Null);
            parts.insert("tenants".to_owned(), member("tenants", text.as_bytes()));
            assert_eq!(parts, whole);
        }
        assert_eq!(member("tenants", b"{\"a\":{\"tenants\":1}}"), Value::Null);
        for bad in [
            "{\"a\":1,\"a\":2}",
            "[{\"a\":[{\"b\":1,\"\\u0062\":2}]}]",
            &format!("{{{many}\"t7\":1}}"),
            "1,\"tenants\":2",
        ] {
            let text = format!("{{\"tenants\":{bad}}}");
            let refused = object_without(Some("tenants"), text.as_bytes(), "");
            assert!(matches!(refused, Err(TokenError::DuplicateMember)), "{text}");
        }
        for bad in ["", "{", "[1,]", "{\"a\"}", "\"\\ud800\"", "01", "nul", "{1:2}", &"[".repeat(200)] {
            let text = format!("{{\"tenants\":{bad}}}");
            let refused = object_without(Some("tenants"), text.as_bytes(), "not an object");
            assert!(matches!(refused, Err(TokenError::Malformed("not an object"))), "{text}");
        }
    }

    #[test]
    fn names_with_the_same_sum_are_not_the_same() {
        // Zeros at the end do not change what is made of a text of up to eight bytes.
        let names = |last: &str| {
            let mut names: Vec<_> = ('a'..='i').map(|name| Cow::Owned(name.to_string())).collect();
            names.push(Cow::Owned(last.to_owned()));
            names
        };
        assert_eq!(sum("a"), sum("a\0"));
        assert!(!has_twice(&names("a\0")));
        assert!(has_twice(&names("a")));
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
