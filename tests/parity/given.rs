//! What a recorded request gives to the call that is to send it again.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use descope_sdk::{Descope, Error, LoginId, NameOrId, UserId, UserIdentifier};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Makes the call of one operation.
pub(super) type Replay = fn(Descope, Given) -> Pin<Box<dyn Future<Output = Result<Vec<String>, Failed>> + Send>>;

/// Why a recorded request could not be sent again.
#[derive(Debug)]
pub(super) enum Failed {
    /// The function has an argument that the recording lacks.
    Lacks(String),
    /// The type of the SDK does not take this value.
    Unreadable(String, String),
    /// The SDK refused the call, or did not take the answer.
    Refused(Box<Error>),
}

/// The parameters and the body of a recorded request. What is taken is gone; the rest is left over.
pub(super) struct Given {
    parameters: BTreeMap<String, Value>,
    body: Value,
    /// What stands behind the project id in the bearer, but for management keys.
    token: Option<String>,
    left: Vec<String>,
}

impl Given {
    pub(super) fn new(parameters: BTreeMap<String, Value>, body: Option<Value>, token: Option<String>) -> Self {
        Self { parameters, body: body.unwrap_or_default(), token, left: Vec::new() }
    }

    /// A member of the body. One that is null is not set.
    pub(super) fn member<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failed> {
        let value = self.body.as_object_mut().and_then(|members| members.remove(name));
        value.filter(|value| !value.is_null()).map(|value| read(name, value)).transpose()
    }

    /// A parameter of the path or the query.
    pub(super) fn parameter<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failed> {
        self.parameters.remove(name).map(|value| read(name, value)).transpose()
    }

    /// What an argument is made of, which has to be there.
    pub(super) fn needed<T>(name: &str, value: Option<T>) -> Result<T, Failed> {
        value.ok_or_else(|| Failed::Lacks(name.to_owned()))
    }

    /// A text of the body that has to be there.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Failed> {
        let text = self.member(name)?;
        Self::needed(name, text)
    }

    /// A user who is named by the one or the other.
    pub(super) fn user(
        &mut self,
        login_id: &str,
        user_id: &str,
        read: fn(&mut Self, &str) -> Result<Option<String>, Failed>,
    ) -> Result<UserIdentifier, Failed> {
        if let Some(id) = read(self, login_id)? {
            return Ok(LoginId::new(id).into());
        }
        let id = read(self, user_id)?;
        Ok(UserId::new(Self::needed(login_id, id)?).into())
    }

    /// Something that is named by its name or its id.
    pub(super) fn named(
        &mut self,
        name: &str,
        id: &str,
        read: fn(&mut Self, &str) -> Result<Option<String>, Failed>,
    ) -> Result<NameOrId, Failed> {
        if let Some(id) = read(self, id)? {
            return Ok(NameOrId::id(id));
        }
        let given = read(self, name)?;
        Ok(Self::needed(name, given)?.into())
    }

    /// The whole body.
    pub(super) fn whole<T: DeserializeOwned>(&mut self) -> Result<T, Failed> {
        read("body", self.body.take())
    }

    /// A member that the SDK always sends so.
    pub(super) fn fixed(&mut self, name: &str, value: impl Into<Value>) {
        if self.body.get(name) == Some(&value.into()) {
            self.body.as_object_mut().and_then(|members| members.remove(name));
        }
    }

    /// An object within the body, to be taken apart by itself.
    pub(super) fn part(&mut self, name: &str) -> Result<Self, Failed> {
        let members: Map<String, Value> = self.member(name)?.unwrap_or_default();
        let mut part = Self::new(BTreeMap::new(), Some(Value::Object(members)), self.token.clone());
        part.left.push(name.to_owned());
        Ok(part)
    }

    /// Notes what is left over of a part.
    pub(super) fn rest(&mut self, mut part: Self) {
        let name = part.left.remove(0);
        self.left.extend(part.leftover().into_iter().map(|left| format!("{name}.{left}")));
    }

    /// The user's token or access key, which has to be there.
    pub(super) fn bearer(&self) -> Result<String, Failed> {
        Self::needed("authorization", self.token.clone())
    }

    /// What became of the call, and what of the recording it could not be given.
    pub(super) fn end(mut self, outcome: Result<(), Error>) -> Result<Vec<String>, Failed> {
        outcome.map_err(|error| Failed::Refused(Box::new(error)))?;
        Ok(self.leftover())
    }

    fn leftover(&mut self) -> Vec<String> {
        let parameters = std::mem::take(&mut self.parameters).into_keys();
        let members = match self.body.take() {
            Value::Object(members) => {
                members.into_iter().filter(|(_, value)| !value.is_null()).map(|it| it.0).collect()
            }
            Value::Null => Vec::new(),
            _ => vec!["body".to_owned()],
        };
        self.left.drain(..).chain(parameters).chain(members).collect()
    }
}

/// Reads a value as the type that the SDK takes: as it is, as a number or flag in a text, as a list of one, or without the
/// nulls inside, which stand for what was not given.
fn read<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Failed> {
    let refused = match T::deserialize(&value) {
        Ok(it) => return Ok(it),
        Err(error) => error,
    };
    let spelled = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    let other = spelled.or_else(|| T::deserialize(without_nulls(&value)).ok());
    other
        .or_else(|| T::deserialize(Value::Array(vec![value])).ok())
        .ok_or_else(|| Failed::Unreadable(name.to_owned(), refused.to_string()))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The moment that a number stands for, of so many milliseconds each since 1970.
pub(super) fn moment(count: i64, milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + span(count, milliseconds)
}

/// The length of time that a number stands for.
pub(super) fn span(count: i64, milliseconds: u64) -> Duration {
    Duration::from_millis(count.unsigned_abs().saturating_mul(milliseconds))
}
