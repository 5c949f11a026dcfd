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
    ($($(#[$doc:meta])* $name:ident = $id:literal, $status:ident, $description:literal;)*) => {
        $($(#[$doc])*
        pub(crate) static $name: Code =
            Code { id: $id, status: StatusCode::$status, description: $description };)*
    };
}

codes! {
    /// Malformed JSON, unknown fields, wrong types, unknown paths.
    REQUEST_MALFORMED = "E011001", BAD_REQUEST, "Request is malformed";
    /// Something that has to be there is missing, such as the bearer.
    ARGUMENTS_MISSING = "E011002", BAD_REQUEST, "Request is missing required arguments";
    /// A field is required or its value has the wrong form.
    VALIDATION = "E011003", BAD_REQUEST, "Request is invalid";
    /// The fields are well formed, and what they ask for does not fit.
    ARGUMENTS_INVALID = "E011004", BAD_REQUEST, "Request arguments are invalid";
    PROJECT_NOT_FOUND = "E011008", NOT_FOUND, "Project not found";
    CODE_WRONG = "E061102", UNAUTHORIZED, "Invalid one time code";
    CODE_ATTEMPTS = "E061103", UNAUTHORIZED, "Too many one time code attempts";
    CODE_EXPIRED = "E061104", UNAUTHORIZED, "One time code expired";
    USER_EXISTS = "E062107", BAD_REQUEST, "User already exists";
    USER_NOT_FOUND = "E062108", BAD_REQUEST, "User not found";
    LINK_PENDING = "E062503", UNAUTHORIZED, "Enchanted link is still pending";
    TOKEN_INVALID = "E062504", UNAUTHORIZED, "Token expired or invalid";
    ACCESS_KEY_MISSING = "E062802", UNAUTHORIZED, "Access key is missing";
    ACCESS_KEY_INVALID = "E062803", UNAUTHORIZED, "Access key is invalid";
    /// Not 401, because some official clients take every 401 of a poll for "still pending".
    LINK_GONE = "E063010", BAD_REQUEST, "Link does not exist any more";
    LOGGED_OUT = "E064001", UNAUTHORIZED, "Token invalidated by logout";
    UNAUTHORIZED = "E111119", UNAUTHORIZED, "Unauthorized";
    MANAGED_USER_NOT_FOUND = "E112102", NOT_FOUND, "User not found";
    RATE_LIMIT = "E130429", TOO_MANY_REQUESTS, "API rate limit exceeded";
    /// The emulator's own: the service has no such code.
    NOT_EMULATED = "E990501", NOT_IMPLEMENTED, "Not emulated";
}

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
        Self::new(&VALIDATION, format!("The {field} field is required"))
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
