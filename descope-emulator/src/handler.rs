//! What a handler gets and gives, and the table of all handlers.

use std::collections::HashMap;

use descope_api::{Operation, types::EmptyResponse};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    auth::Caller,
    error::{BAD_REQUEST, MISSING_ARGUMENTS, Refusal},
    inbox::Inbox,
    schema::Document,
    state::{State, UserRecord},
    token::Presented,
};

/// What a handler answers: the JSON body of a 200, or a refusal.
pub(crate) type Answer = Result<Value, Refusal>;

/// A handler runs to its end under the state's lock and never waits.
pub(crate) type Handler = fn(&mut Call<'_>) -> Answer;

/// One call that has passed the checks of bearer and body.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) state: &'a mut State,
    pub(crate) inbox: &'a Inbox,
    pub(crate) project_id: &'a str,
    pub(crate) now: i64,
    pub(crate) caller: Caller,
    pub(crate) path: HashMap<String, String>,
    pub(crate) query: HashMap<String, String>,
    pub(crate) ip: String,
    pub(crate) body: Value,
}

impl Call<'_> {
    /// The checked body as the type of the operation. To be called once.
    pub(crate) fn body<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        serde_json::from_value(self.body.take())
            .map_err(|error| Refusal::new(&BAD_REQUEST, format!("The request body does not fit: {error}")))
    }

    /// The token of the signed-in user who calls.
    pub(crate) fn token(&self) -> Result<&Presented, Refusal> {
        self.caller.token.as_ref().ok_or_else(|| {
            Refusal::new(&MISSING_ARGUMENTS, "The refresh token of a signed-in user is required in the bearer")
                .status(http::StatusCode::UNAUTHORIZED)
        })
    }

    /// The signed-in user who calls.
    pub(crate) fn user(&self) -> Result<&UserRecord, Refusal> {
        let token = self.token()?;
        self.state.users.get(&token.user_id).ok_or_else(|| {
            Refusal::new(&crate::error::USER_NOT_FOUND, "The user of the token does not exist any more")
                .status(http::StatusCode::UNAUTHORIZED)
        })
    }
}

/// Serialises an answer, with empty arrays and maps where the service sends them.
///
/// The types of the client bear the names of their schemas, which is how the schema of the answer is found.
pub(crate) fn reply<T: Serialize>(body: &T) -> Answer {
    let mut answer = reply_bare(body)?;
    let name = std::any::type_name::<T>();
    let schema = name.rsplit("::").next().unwrap_or(name);
    if let Ok(document) = Document::built_in() {
        document.fill_answer(schema, &mut answer);
    }
    Ok(answer)
}

/// Serialises an answer as it is.
pub(crate) fn reply_bare<T: Serialize>(body: &T) -> Answer {
    serde_json::to_value(body).map_err(|error| {
        Refusal::new(&BAD_REQUEST, format!("The emulator could not write its answer: {error}"))
            .status(http::StatusCode::INTERNAL_SERVER_ERROR)
    })
}

/// An empty success.
pub(crate) fn empty() -> Answer {
    reply_bare(&EmptyResponse(Map::new()))
}

/// One entry of the table.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) handler: Handler,
    /// Whether a bad token counts as none instead of ending the call.
    pub(crate) lenient: bool,
}

/// All handlers by operation id.
#[derive(Default)]
pub(crate) struct Table {
    entries: HashMap<&'static str, Entry>,
}

impl Table {
    pub(crate) fn add(&mut self, operation: &'static str, handler: Handler) {
        self.entries.insert(operation, Entry { handler, lenient: false });
    }

    /// For the operation that never fails because of its token.
    pub(crate) fn add_lenient(&mut self, operation: &'static str, handler: Handler) {
        self.entries.insert(operation, Entry { handler, lenient: true });
    }

    pub(crate) fn get(&self, operation: &str) -> Option<Entry> {
        self.entries.get(operation).copied()
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.entries.keys().copied()
    }
}
