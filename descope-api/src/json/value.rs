//! Everything in JSON that is not an object of the API.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{
    Fault, FromJson, Read, Step, below, leave_out,
    object::{Name, Seed},
};
use crate::Secret;

/// The member under which serde_json hands out numbers when some crate of the build asks for arbitrary precision.
const NUMBER: &str = "$serde_json::private::Number";

/// The part of a visitor that finds a value of another kind than is documented: read to its end, and refused. `null` is no
/// value at all.
macro_rules! refused {
    ($why:literal: $($kind:ident)*) => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Read::Nothing)
        }

        $($crate::json::value::refused!(@$kind $why);)*
    };
    (@bool $why:literal) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }
    };
    (@number $why:literal) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }
    };
    (@str $why:literal) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }
    };
    (@seq $why:literal) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }
    };
    (@map $why:literal) => {
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok($crate::json::Read::Misfit($crate::json::Fault::new($why)))
        }
    };
}

pub(super) use refused;

impl<T: FromJson> FromJson for Option<T> {
    const NULLABLE: bool = true;

    fn blank() -> Self {
        None
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        self.insert(T::blank()).read(from)
    }
}

/// `null` is a value of its own where any value is allowed.
impl FromJson for Value {
    fn blank() -> Self {
        Self::Null
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        *self = Self::deserialize(from)?;
        Ok(Read::Value)
    }
}

struct Text<'a>(&'a mut String);

impl<'de> Visitor<'de> for Text<'_> {
    type Value = Read;

    refused!("is not a string": bool number seq map);

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        text.clone_into(self.0);
        Ok(Read::Value)
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        *self.0 = text;
        Ok(Read::Value)
    }
}

impl FromJson for String {
    fn blank() -> Self {
        Self::new()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Text(self))
    }
}

impl FromJson for Secret {
    fn blank() -> Self {
        Self::default()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        let mut text = String::new();
        let read = text.read(from)?;
        *self = Self::from(text);
        Ok(read)
    }
}

struct Truth<'a>(&'a mut bool);

impl<'de> Visitor<'de> for Truth<'_> {
    type Value = Read;

    refused!("is neither true nor false": number str seq map);

    fn visit_bool<E>(self, is: bool) -> Result<Self::Value, E> {
        *self.0 = is;
        Ok(Read::Value)
    }
}

impl FromJson for bool {
    fn blank() -> Self {
        false
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Truth(self))
    }
}

/// An integer of 64 bits, which may come as a string of digits.
struct Integer<'a>(&'a mut i64);

impl Integer<'_> {
    fn becomes(self, number: Option<i64>, or: &'static str) -> Read {
        let Some(number) = number else { return Read::Misfit(Fault::new(or)) };
        *self.0 = number;
        Read::Value
    }
}

impl<'de> Visitor<'de> for Integer<'_> {
    type Value = Read;

    refused!("is not an integer": bool seq);

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.becomes(Some(number), ""))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.becomes(number.try_into().ok(), "is not an integer of 64 bits"))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.becomes(whole(number), "is not an integer of 64 bits"))
    }

    fn visit_str<E>(self, digits: &str) -> Result<Self::Value, E> {
        if digits.is_empty() {
            return Ok(Read::Nothing);
        }
        Ok(self.becomes(digits.parse().ok(), "is a string that is not an integer"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let Some(digits) = digits(map)? else { return Ok(Read::Misfit(Fault::new("is not an integer"))) };
        let number = digits.parse().ok().or_else(|| whole(digits.parse().ok()?));
        Ok(self.becomes(number, "is not an integer of 64 bits"))
    }
}

impl FromJson for i64 {
    fn blank() -> Self {
        0
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Integer(self))
    }
}

struct Real<'a>(&'a mut f64);

impl<'de> Visitor<'de> for Real<'_> {
    type Value = Read;

    refused!("is not a number": bool str seq);

    #[allow(clippy::cast_precision_loss, reason = "as every reader of JSON does")]
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        *self.0 = number as f64;
        Ok(Read::Value)
    }

    #[allow(clippy::cast_precision_loss, reason = "as every reader of JSON does")]
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        *self.0 = number as f64;
        Ok(Read::Value)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        *self.0 = number;
        Ok(Read::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let number = digits(map)?.and_then(|digits| digits.parse().ok()).filter(|number: &f64| number.is_finite());
        let Some(number) = number else { return Ok(Read::Misfit(Fault::new("is not a number"))) };
        *self.0 = number;
        Ok(Read::Value)
    }
}

impl FromJson for f64 {
    fn blank() -> Self {
        0.0
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Real(self))
    }
}

/// The text of a number, in a build where serde_json keeps it.
fn digits<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<String>, A::Error> {
    let mut digits = None;
    while let Some(Name(name)) = map.next_key()? {
        let value: Value = map.next_value()?;
        if name == NUMBER {
            digits = value.as_str().map(str::to_owned);
        }
    }
    Ok(digits)
}

/// Gateways that pass numbers through a double write `1.7e9`.
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "within the range where doubles are exact integers")]
    exact.then_some(number as i64)
}

struct List<'a, T>(&'a mut Vec<T>);

impl<'de, T: FromJson> Visitor<'de> for List<'_, T> {
    type Value = Read;

    refused!("is not a list": bool number str map);

    /// An odd item is left out, so that it does not cost the others.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let list = self.0;
        list.clear();
        for index in 0.. {
            // Room for an item that may not come is cheaper than to move it.
            list.push(T::blank());
            let Some(item) = list.last_mut() else { break };
            let mut ended = false;
            let read = below(
                || Step::Item(index),
                || {
                    let read = items.next_element_seed(Seed(item))?;
                    ended = read.is_none();
                    Ok(read.unwrap_or(Read::Nothing))
                },
            )?;
            match read {
                Read::Value => {}
                Read::Nothing => drop(list.pop()),
                Read::Misfit(fault) => {
                    leave_out(fault);
                    list.pop();
                }
            }
            if ended {
                break;
            }
        }
        Ok(Read::Value)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    const NULLABLE: bool = true;

    fn blank() -> Self {
        Self::new()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(List(self))
    }
}

struct Entries<'a, T>(&'a mut BTreeMap<String, T>);

impl<'de, T: FromJson> Visitor<'de> for Entries<'_, T> {
    type Value = Read;

    refused!("is not an object": bool number str seq);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        self.0.clear();
        while let Some(Name(name)) = map.next_key()? {
            let mut value = T::blank();
            match below(|| Step::Entry, || map.next_value_seed(Seed(&mut value)))? {
                Read::Value => drop(self.0.insert(name.into_owned(), value)),
                Read::Nothing => drop(self.0.remove(&*name)),
                Read::Misfit(fault) => {
                    leave_out(fault);
                    self.0.remove(&*name);
                }
            }
        }
        Ok(Read::Value)
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    const NULLABLE: bool = true;

    fn blank() -> Self {
        Self::new()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Entries(self))
    }
}

struct Anything<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for Anything<'_> {
    type Value = Read;

    refused!("is not an object": bool number str seq);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        self.0.clear();
        while let Some((name, value)) = map.next_entry()? {
            self.0.insert(name, value);
        }
        Ok(Read::Value)
    }
}

impl FromJson for Map<String, Value> {
    const NULLABLE: bool = true;

    fn blank() -> Self {
        Self::new()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
        from.deserialize_any(Anything(self))
    }
}
