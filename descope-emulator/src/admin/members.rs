//! Reads the members of a JSON object one by one, so that a refusal names the member that is not as it should be.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::Refusal;

/// The members that have not been read yet.
#[derive(Debug)]
pub(super) struct Members {
    left: Map<String, Value>,
}

fn odd(name: &str, wanted: &str) -> Refusal {
    Refusal::invalid(format!("The member {name} has to be {wanted}"))
}

impl Members {
    pub(super) fn new(left: Map<String, Value>) -> Self {
        Self { left }
    }

    /// A member that is there and not null.
    pub(super) fn any(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.any(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(odd(name, "a text")),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.any(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(odd(name, "true or false")),
        }
    }

    pub(super) fn whole(&mut self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.any(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| range.contains(number));
        let wanted = || odd(name, &format!("a whole number from {} to {}", range.start(), range.end()));
        number.map(Some).ok_or_else(wanted)
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.any(name) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| odd(name, "a number"))
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Map<String, Value>, Refusal> {
        match self.any(name) {
            None => Ok(Map::new()),
            Some(Value::Object(fields)) => Ok(fields),
            Some(_) => Err(odd(name, "an object")),
        }
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let wanted = || odd(name, "a list of texts");
        let Some(value) = self.any(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(wanted)?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wanted)).collect()
    }

    /// Refuses what has not been read: nothing is accepted and ignored.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::invalid(format!("There is no member {name} here"))),
        }
    }
}
