//! What a refusal looks like: Descope's codes, the status and the fixed text of each, and the error body.

use descope_api::types::ErrorResponse;
use http::StatusCode;

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

/// A call that is refused. Handlers return it before they have changed anything.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: &'static Code,
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refusal {
    /// Refuses with the status that belongs to the code.
    pub(crate) fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, status: code.status, message: message.into() }
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

    /// The body that the caller gets.
    pub(crate) fn body(&self) -> ErrorResponse {
        ErrorResponse::new()
            .error_code(self.code.id)
            .error_description(self.code.description)
            .error_message(self.message.clone())
            .message(self.message.clone())
    }
}
