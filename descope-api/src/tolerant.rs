//! Readers for fields that the service fills more loosely than it documents.
//!
//! `null` means absent everywhere, and 64-bit integers may come as strings of digits.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};

/// An array or a map, or `null` for an empty one.
pub(crate) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An integer, as a number or as digits in a string.
pub(crate) fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let value = deserializer.deserialize_any(Integer)?;
    narrow(value.ok_or_else(|| D::Error::invalid_type(Unexpected::Unit, &Integer))?)
}

/// The same, where `null` and an empty string stand for an absent value.
pub(crate) fn optional_integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    deserializer.deserialize_any(Integer)?.map(narrow).transpose()
}

/// A list of integers, or `null` for an empty one.
pub(crate) fn integers<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let values = Option::<Vec<One<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(values.into_iter().map(|value| value.0).collect())
}

/// Integers by name, or `null` for none.
pub(crate) fn integers_by_name<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let values = Option::<BTreeMap<String, One<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(values.into_iter().map(|(name, value)| (name, value.0)).collect())
}

/// One integer of several.
struct One<T>(T);

impl<'de, T: TryFrom<i128>> Deserialize<'de> for One<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        integer(deserializer).map(Self)
    }
}

fn narrow<T: TryFrom<i128>, E: Error>(value: i128) -> Result<T, E> {
    T::try_from(value).map_err(|_| E::custom(format_args!("the integer {value} is out of range")))
}

struct Integer;

impl<'de> Visitor<'de> for Integer {
    type Value = Option<i128>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer or a string of digits")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        // Gateways that pass numbers through a double write `1.7e9`.
        #[allow(clippy::cast_possible_truncation, reason = "within the range where doubles are exact integers")]
        if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
            return Ok(Some(value as i128));
        }
        Err(E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        if value.is_empty() {
            return Ok(None);
        }
        // The value is not repeated in the message: a field that should be a number may hold anything.
        value.parse::<i64>().map(|value| Some(value.into())).map_err(|_| E::custom("a string that is no integer"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Seq, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Map, &self))
    }
}
