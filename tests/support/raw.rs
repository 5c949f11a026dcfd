//! Reaching generated types and operations by name. `generated.rs` is the other half.

use descope_api::{Client, Config, Error, ResponseValue, RetryPolicy};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Something to do with a type that is only known by the name of its schema.
pub(crate) trait TypeVisitor {
    type Output;
    fn visit<T: DeserializeOwned + Serialize + schemars::JsonSchema>(self, name: &str) -> Self::Output;
}

/// What every growing vocabulary can do.
pub(crate) trait Vocabulary:
    Clone
    + std::fmt::Debug
    + std::fmt::Display
    + Ord
    + std::hash::Hash
    + AsRef<str>
    + for<'a> From<&'a str>
    + From<String>
    + Into<String>
    + PartialEq<str>
    + for<'a> PartialEq<&'a str>
    + DeserializeOwned
    + Serialize
    + schemars::JsonSchema
{
}

impl<T> Vocabulary for T where
    T: Clone
        + std::fmt::Debug
        + std::fmt::Display
        + Ord
        + std::hash::Hash
        + AsRef<str>
        + for<'a> From<&'a str>
        + From<String>
        + Into<String>
        + PartialEq<str>
        + for<'a> PartialEq<&'a str>
        + DeserializeOwned
        + Serialize
        + schemars::JsonSchema
{
}

/// Something to do with every vocabulary.
pub(crate) trait VocabularyVisitor {
    /// - `constants`: what the document has, by the names of the constants.
    /// - `known`: what the type says itself that it knows.
    fn visit<T: Vocabulary>(&mut self, name: &'static str, constants: &[(&'static str, T)], known: &[T]);
}

/// The arguments of a call, by the names of the parameters.
pub(crate) struct Arguments(pub(crate) Value);

impl Arguments {
    /// The request body, as the type that the operation takes.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> T {
        T::deserialize(&self.0["body"]).unwrap_or_else(|error| panic!("{error}: {}", self.0["body"]))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("no text for {name}"))
    }

    pub(crate) fn value<T: DeserializeOwned>(&self, name: &str) -> T {
        T::deserialize(&self.0[name]).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// What a call came to: the answer as JSON, or the error.
pub(crate) type Outcome = Result<Value, Error>;

pub(crate) fn answer<T: Serialize>(result: Result<ResponseValue<T>, Error>) -> Outcome {
    result.map(|answer| serde_json::to_value(answer.into_inner()).expect("answers are JSON"))
}

/// An answer that is no JSON: that it came is all that is told.
pub(crate) fn streamed(result: Result<ResponseValue<descope_api::ByteStream>, Error>) -> Outcome {
    result.map(|_| Value::Null)
}

pub(crate) const PROJECT: &str = "P2RmuXyZ0123456789abcdefghij";

/// A raw client that calls every operation once.
pub(crate) fn client(base_url: &str, management_key: Option<&str>) -> Client {
    let mut config = Config::new(base_url, PROJECT);
    config.management_key = management_key.map(Into::into);
    config.retry = RetryPolicy::none();
    Client::connect(http(), config)
}

pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client")
}
