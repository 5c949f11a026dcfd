//! What a refusal looks like: Descope's codes, the status and the fixed text of each, and the error body.

use descope_api::types::ErrorResponse;
use http::StatusCode;

use crate::world::Conflict;

/// One error code with the status and the description that always go with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) id: &'static str,
    status: StatusCode,
    description: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $status:literal, $description:literal;)*) => {
        $($(#[$doc])*
        pub(crate) static $name: Code = Code {
            id: $id,
            status: match StatusCode::from_u16($status) {
                Ok(status) => status,
                Err(_) => panic!("not a status"),
            },
            description: $description,
        };)*
    };
}

include!("generated/codes.rs");

/// A call that is refused. Whatever it has changed before is undone.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static Code,
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Whether changes stay all the same, such as the count of wrong codes.
    pub(crate) keeps_changes: bool,
    /// When to try again, in seconds.
    pub(crate) retry_after: Option<i64>,
}

impl Refusal {
    /// Refuses with the status that belongs to the code.
    pub(crate) fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, status: code.status, message: message.into(), keeps_changes: false, retry_after: None }
    }

    /// Refuses, and keeps what was counted before.
    pub(crate) fn counted(mut self) -> Self {
        self.keeps_changes = true;
        self
    }

    /// Answers another status than the usual one of the code.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// A field without which the operation makes no sense. The wording is the service's.
    pub(crate) fn required(field: &str) -> Self {
        Self::new(&VALIDATION_FAILED, format!("The {field} field is required"))
    }

    /// Too many calls; they are welcome again after so many seconds.
    pub(crate) fn rate_limited(seconds: i64) -> Self {
        let refusal = Self::new(&RATE_LIMIT_EXCEEDED, "API rate limit exceeded");
        Self { retry_after: Some(seconds), ..refusal }
    }

    /// A value that cannot be.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(&INVALID_ARGUMENTS, message)
    }

    /// Something that is named and does not exist.
    pub(crate) fn missing(what: &str, id: &str) -> Self {
        Self::new(&NOT_FOUND, format!("There is no {what} {id:?}"))
    }

    /// The body that the caller gets.
    pub(crate) fn body(&self) -> ErrorResponse {
        ErrorResponse::new()
            .error_code(self.code.id)
            .error_description(self.code.description)
            .error_message(self.message.clone())
            .message(self.message.clone())
    }
}

impl From<Conflict> for Refusal {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Taken(name) => Self::new(&ALREADY_EXISTS, format!("{name:?} exists already")),
            Conflict::Missing(id) => Self::new(&NOT_FOUND, format!("{id:?} does not exist")),
        }
    }
}
