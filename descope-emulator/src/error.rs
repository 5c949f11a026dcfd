//! What a refusal looks like: Descope's codes, the status and the fixed text of each, and the error body.

use descope_api::types::ErrorResponse;
use http::StatusCode;
use serde_json::{Value, json};

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

/// In whose words a refusal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// The service's own: a code, its description, a message.
    Service,
    /// Those of OAuth (RFC 6749): the error.
    Oauth(&'static str),
    /// Those of SCIM (RFC 7644): the kind of a bad request, or nothing.
    Scim(&'static str),
}

/// A call that is refused. Whatever it has changed before is undone.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) words: Words,
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
        let message = message.into();
        Self { words: Words::Service, code, status: code.status, message, keeps_changes: false, retry_after: None }
    }

    /// Refuses in the words of OAuth.
    pub(crate) fn oauth(error: &'static str, message: impl Into<String>) -> Self {
        let refusal = Self { words: Words::Oauth(error), ..Self::new(&BAD_REQUEST, message) };
        match error {
            "invalid_client" | "invalid_token" => refusal.status(StatusCode::UNAUTHORIZED),
            "insufficient_scope" => refusal.status(StatusCode::FORBIDDEN),
            _ => refusal,
        }
    }

    /// Refuses in the words of SCIM.
    pub(crate) fn scim(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { words: Words::Scim(kind), ..Self::new(&BAD_REQUEST, message).status(status) }
    }

    /// The refusal in the words that the operations of a tag use. What the emulator does not know how to answer is
    /// always said in the service's words.
    pub(crate) fn in_words_of(mut self, tag: &str) -> Self {
        if self.words == Words::Service && self.code != &NOT_EMULATED && self.code != &RATE_LIMIT_EXCEEDED {
            if tag.starts_with("federation-oidc") || tag == "federation-inbound-app" {
                self.words =
                    Words::Oauth(if self.status.is_server_error() { "server_error" } else { "invalid_request" });
            } else if tag.starts_with("scim-") {
                self.words = Words::Scim("");
            }
        }
        self
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
    pub(crate) fn body(&self) -> Value {
        match self.words {
            Words::Service => {
                let body = ErrorResponse::new()
                    .error_code(self.code.id)
                    .error_description(self.code.description)
                    .error_message(self.message.clone())
                    .message(self.message.clone());
                serde_json::to_value(body).unwrap_or_default()
            }
            Words::Oauth(error) => json!({"error": error, "error_description": self.message}),
            Words::Scim(kind) => {
                let mut body = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                    "detail": self.message,
                    "status": self.status.as_str(),
                });
                if let (false, Some(fields)) = (kind.is_empty(), body.as_object_mut()) {
                    fields.insert("scimType".to_owned(), kind.into());
                }
                body
            }
        }
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
