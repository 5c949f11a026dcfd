//! The objects of the API in JSON: read tolerantly, written without what is not set.
//!
//! Every generated type is an [`Object`], which says no more than the names of its members. serde's derives would write
//! some hundred lines for each instead, which alone take three times as long to compile as the whole crate without them.
//!
//! What is read more loosely than it is documented, because the service answers so: `null` means absent, and integers of
//! 64 bits may come as strings of digits. No message repeats a value, since any of them may be a secret.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::Secret;

/// A type with named members.
pub(crate) trait Object: Sized {
    fn read(from: &mut Members) -> Read<Self>;
    fn write<M: SerializeMap>(&self, to: &mut Writer<M>);
}

/// What can be made of a JSON value.
pub(crate) trait FromJson: Sized {
    fn from_json(value: Value) -> Read<Self>;

    /// What a member that is not there stands for, if it may be left out.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether a value is as good as none.
    fn is_nothing(value: &Value) -> bool {
        value.is_null()
    }
}

pub(crate) type Read<T> = Result<T, Fault>;

/// A value of another type than is documented: where it is, and what it should be.
#[derive(Debug)]
pub(crate) struct Fault {
    /// From the inside out.
    path: Vec<Step>,
    problem: &'static str,
}

#[derive(Debug)]
enum Step {
    Member(&'static str),
    Item(usize),
    /// The value under a name that the answer chose, which is not repeated.
    Entry,
}

impl Fault {
    fn new(problem: &'static str) -> Self {
        Self { path: Vec::new(), problem }
    }

    fn below(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.path.iter().rev().enumerate() {
            match step {
                Step::Member(name) if index == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Entry => f.write_str("{}")?,
            }
        }
        f.write_str(if self.path.is_empty() { "" } else { ": " })?;
        f.write_str(self.problem)
    }
}

/// The members of an object that were not read yet.
pub(crate) struct Members(Map<String, Value>);

impl Members {
    pub(crate) fn take<T: FromJson>(&mut self, name: &'static str) -> Read<T> {
        match self.0.remove(name) {
            Some(value) => T::from_json(value).map_err(|fault| fault.below(Step::Member(name))),
            None => T::absent().ok_or_else(|| Fault::new("is missing").below(Step::Member(name))),
        }
    }

    pub(crate) fn take_or_default<T: FromJson + Default>(&mut self, name: &'static str) -> Read<T> {
        if self.0.contains_key(name) { self.take(name) } else { Ok(T::default()) }
    }

    /// Lets a member be called by another name, too.
    pub(crate) fn alias(&mut self, name: &'static str, other: &str) {
        if let Some(value) = self.0.remove(other) {
            self.0.entry(name).or_insert(value);
        }
    }

    /// All that are left.
    pub(crate) fn rest(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.0)
    }
}

/// Takes the members of an object, one after the other. The first failure is kept for the end.
pub(crate) struct Writer<M: SerializeMap> {
    map: M,
    failure: Option<M::Error>,
}

impl<M: SerializeMap> Writer<M> {
    pub(crate) fn always<T: Serialize>(&mut self, name: &str, value: &T) {
        if self.failure.is_none() {
            self.failure = self.map.serialize_entry(name, value).err();
        }
    }

    /// Leaves a member out that is not set.
    pub(crate) fn filled<T: Serialize + Fill>(&mut self, name: &str, value: &T) {
        if value.is_filled() {
            self.always(name, value);
        }
    }

    pub(crate) fn rest(&mut self, members: &Map<String, Value>) {
        members.iter().for_each(|(name, value)| self.always(name, value));
    }
}

/// What can be left out.
pub(crate) trait Fill {
    fn is_filled(&self) -> bool;
}

impl<T> Fill for Option<T> {
    fn is_filled(&self) -> bool {
        self.is_some()
    }
}

impl<T> Fill for Vec<T> {
    fn is_filled(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> Fill for BTreeMap<String, T> {
    fn is_filled(&self) -> bool {
        !self.is_empty()
    }
}

impl Fill for Map<String, Value> {
    fn is_filled(&self) -> bool {
        !self.is_empty()
    }
}

pub(crate) fn serialize<T: Object, S: Serializer>(object: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut writer = Writer { map: serializer.serialize_map(None)?, failure: None };
    object.write(&mut writer);
    match writer.failure {
        Some(failure) => Err(failure),
        None => writer.map.end(),
    }
}

/// Also for members of the few types that serde reads by itself.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: FromJson>(deserializer: D) -> Result<T, D::Error> {
    T::from_json(Value::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// For the few types that serde reads by itself.
pub(crate) fn by_serde<T: de::DeserializeOwned>(value: Value) -> Read<T> {
    // serde's own message would repeat the value.
    serde_json::from_value(value).map_err(|_| Fault::new("is none of the documented forms"))
}

impl<T: Object> FromJson for T {
    fn from_json(value: Value) -> Read<Self> {
        match value {
            Value::Object(members) => T::read(&mut Members(members)),
            _ => Err(Fault::new("is no object")),
        }
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Value) -> Read<Self> {
        if T::is_nothing(&value) { Ok(None) } else { T::from_json(value).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Value) -> Read<Self> {
        match value {
            Value::Array(items) => {
                let item = |(index, value)| T::from_json(value).map_err(|fault| fault.below(Step::Item(index)));
                items.into_iter().enumerate().map(item).collect()
            }
            Value::Null => Ok(Self::new()),
            _ => Err(Fault::new("is no list")),
        }
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(value: Value) -> Read<Self> {
        let entry = |(name, value)| match T::from_json(value) {
            Ok(value) => Ok((name, value)),
            Err(fault) => Err(fault.below(Step::Entry)),
        };
        Map::from_json(value)?.into_iter().map(entry).collect()
    }
}

impl FromJson for Map<String, Value> {
    fn from_json(value: Value) -> Read<Self> {
        match value {
            Value::Object(members) => Ok(members),
            Value::Null => Ok(Self::new()),
            _ => Err(Fault::new("is no object")),
        }
    }
}

impl FromJson for Value {
    fn from_json(value: Value) -> Read<Self> {
        Ok(value)
    }
}

impl FromJson for String {
    fn from_json(value: Value) -> Read<Self> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Fault::new("is no string")),
        }
    }
}

impl FromJson for Secret {
    fn from_json(value: Value) -> Read<Self> {
        String::from_json(value).map(Self::from)
    }
}

impl FromJson for bool {
    fn from_json(value: Value) -> Read<Self> {
        value.as_bool().ok_or(Fault::new("is neither true nor false"))
    }
}

impl FromJson for i64 {
    fn from_json(value: Value) -> Read<Self> {
        match &value {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().and_then(whole))
                .ok_or(Fault::new("is no integer of 64 bits")),
            Value::String(digits) => digits.parse().map_err(|_| Fault::new("is a string that is no integer")),
            _ => Err(Fault::new("is no integer")),
        }
    }

    fn is_nothing(value: &Value) -> bool {
        value.is_null() || value.as_str() == Some("")
    }
}

impl FromJson for f64 {
    fn from_json(value: Value) -> Read<Self> {
        value.as_f64().ok_or(Fault::new("is not a number"))
    }
}

/// Gateways that pass numbers through a double write `1.7e9`.
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "within the range where doubles are exact integers")]
    exact.then_some(number as i64)
}
