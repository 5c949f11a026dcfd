//! What a handler gets, and the table of all handlers: each is bound to its operation by the operation's own types.

use std::collections::HashMap;

use descope_api::{Operation, Secret, types};
use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    credential::Caller,
    reply::{Reply, Unsigned},
};
use crate::{
    admin::inbox::Message,
    area::{project::ProjectSettings, user::UserRecord},
    error::{BAD_REQUEST, MISSING_ARGUMENTS, Refusal, USER_NOT_FOUND},
    flow::Presented,
    world::{Project, SavedProject, State, clock},
};

/// No body, or an answer that tells nothing.
pub(crate) type Nothing = serde::de::IgnoredAny;

/// An operation of the document with the types of its body and answer.
pub(crate) trait Typed {
    const ID: &'static str;
    /// The status of its success.
    const STATUS: u16;
    type Body: DeserializeOwned;
    type Answer;
}

/// The operations of the document.
#[allow(dead_code, reason = "some of the operations are not emulated")]
pub(crate) mod op {
    use super::{Nothing, Typed, types};

    macro_rules! operations {
        ($($name:ident = $id:literal, $status:literal, $body:ty => $answer:ty;)*) => {
            $(pub(crate) struct $name;
            impl Typed for $name {
                const ID: &'static str = $id;
                const STATUS: u16 = $status;
                type Body = $body;
                type Answer = $answer;
            })*
        };
    }

    include!("../generated/operations.rs");
}

/// One call that has passed the checks of bearer, query and body.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) state: &'a mut State,
    pub(crate) project: &'a Project,
    /// Epoch seconds by the emulator's clock.
    pub(crate) now: i64,
    pub(crate) caller: Caller,
    pub(crate) path: HashMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: &'a http::HeaderMap,
    pub(crate) ip: String,
    /// The other projects, where the operation is about them too.
    pub(crate) others: Vec<(String, ProjectSettings)>,
    /// A project that comes into being with the success of the call.
    pub(crate) new_project: Option<(String, SavedProject)>,
    /// Messages that go out when the call has succeeded.
    pub(crate) outbox: Vec<Message>,
    /// Tokens that are signed when the lock is gone.
    pub(crate) unsigned: Unsigned,
}

impl Call<'_> {
    /// A parameter of the path.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A parameter of the query that is not blank.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query_all(name).next()
    }

    /// All values of a parameter that may be repeated, those that are not blank.
    pub(crate) fn query_all<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> + use<'s> {
        let name = name.to_owned();
        let values = self.query.iter().filter(move |(known, _)| *known == name);
        values.map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
    }

    /// Where the emulator is, as the caller knows it, without a slash at the end.
    pub(crate) fn origin(&self) -> String {
        let host = self.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        format!("http://{}", host.unwrap_or("localhost"))
    }

    /// The token of the signed-in user who calls.
    pub(crate) fn token(&self) -> Result<&Presented, Refusal> {
        self.caller.token.as_ref().ok_or_else(|| {
            Refusal::new(&MISSING_ARGUMENTS, "The refresh token of a signed-in user is required in the bearer")
                .status(StatusCode::UNAUTHORIZED)
        })
    }

    /// The signed-in user who calls.
    pub(crate) fn user(&self) -> Result<&UserRecord, Refusal> {
        let token = self.token()?;
        self.state.users.get(&token.user_id).ok_or_else(|| {
            Refusal::new(&USER_NOT_FOUND, "The user of the token does not exist any more")
                .status(StatusCode::UNAUTHORIZED)
        })
    }

    /// When a token that is made now says that it was issued. That is never later than the computer's time, because
    /// clients check tokens by that one.
    pub(crate) fn issued_at(&self) -> i64 {
        if self.state.settings.issue_in_future { self.now } else { self.now.min(clock::system_now()) }
    }

    /// A token with these claims. It is signed after the call, so that nobody waits for that under the lock; until then
    /// something else stands in its place.
    pub(crate) fn sign(&mut self, claims: Map<String, Value>) -> Secret {
        self.unsigned.add(claims)
    }

    /// The claims of a token that this project has signed.
    pub(crate) fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        self.project.keys().verify(token)
    }
}

/// What a handler answers before it is written.
type Erased = Box<dyn Fn(&mut Call<'_>, Value) -> Result<Reply, Refusal> + Send + Sync>;

/// One entry of the table.
pub(crate) struct Entry {
    pub(crate) handler: Erased,
    /// Whether a bad token counts as none instead of ending the call.
    pub(crate) lenient: bool,
}

/// All handlers by operation id.
#[derive(Default)]
pub(crate) struct Table {
    entries: HashMap<&'static str, Entry>,
}

impl Table {
    /// A handler that takes the operation's body and gives its answer; anything else does not compile. It runs to its
    /// end under the lock of the project's state and never waits.
    pub(crate) fn on<O: Typed>(
        &mut self,
        handler: impl Fn(&mut Call<'_>, O::Body) -> Result<O::Answer, Refusal> + Send + Sync + 'static,
    ) -> &mut Self
    where
        O::Answer: Serialize,
    {
        self.reply::<O>(move |call, body| Reply::json(O::STATUS, &handler(call, body)?))
    }

    /// A handler of an operation whose success tells nothing.
    pub(crate) fn done<O: Typed>(
        &mut self,
        handler: impl Fn(&mut Call<'_>, O::Body) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> &mut Self {
        self.reply::<O>(move |call, body| {
            handler(call, body)?;
            Reply::json(O::STATUS, &Map::new())
        })
    }

    /// A handler that answers something else than JSON with the usual status.
    pub(crate) fn reply<O: Typed>(
        &mut self,
        handler: impl Fn(&mut Call<'_>, O::Body) -> Result<Reply, Refusal> + Send + Sync + 'static,
    ) -> &mut Self {
        let handler: Erased = Box::new(move |call, body| {
            let body = serde_json::from_value(body)
                .map_err(|error| Refusal::new(&BAD_REQUEST, format!("The request body does not fit: {error}")))?;
            handler(call, body)
        });
        self.entries.insert(O::ID, Entry { handler, lenient: false });
        self
    }

    /// A handler of an operation whose body has no name in the document, such as a bare list.
    pub(crate) fn on_bare<O: Typed, B: DeserializeOwned>(
        &mut self,
        handler: impl Fn(&mut Call<'_>, B) -> Result<O::Answer, Refusal> + Send + Sync + 'static,
    ) -> &mut Self
    where
        O::Answer: Serialize,
    {
        let handler: Erased = Box::new(move |call, body| {
            let body = serde_json::from_value(body)
                .map_err(|error| Refusal::new(&BAD_REQUEST, format!("The request body does not fit: {error}")))?;
            Reply::json(O::STATUS, &handler(call, body)?)
        });
        self.entries.insert(O::ID, Entry { handler, lenient: false });
        self
    }

    /// Has an operation take a bad token for none.
    pub(crate) fn lenient<O: Typed>(&mut self) -> &mut Self {
        if let Some(entry) = self.entries.get_mut(O::ID) {
            entry.lenient = true;
        }
        self
    }

    pub(crate) fn get(&self, operation: &str) -> Option<&Entry> {
        self.entries.get(operation)
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.entries.keys().copied()
    }
}
