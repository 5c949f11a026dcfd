//! The codes of the service, each once: its name, its meaning and the kind it belongs to.

use std::{borrow::Cow, fmt};

use crate::ErrorKind;

/// The code with which Descope refused a call, such as `E062108`.
///
/// `E` and six digits, stable, made to branch on. Every code that is known today has a constant; a code that
/// is not known passes through as text and compares like any other.
///
/// ```
/// use descope_sdk::ErrorCode;
///
/// let code = ErrorCode::from("E061102");
/// assert_eq!(code, ErrorCode::WRONG_CODE);
/// assert_eq!(code.as_str(), "E061102");
/// assert!(!ErrorCode::from("E999999").is_known());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(Cow<'static, str>);

/// Declares the constants of [`ErrorCode`] and, from the same rows, what each stands for.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal => $kind:ident;)+) => {
        impl ErrorCode {
            $($(#[doc = $doc])+ pub const $name: Self = Self(Cow::Borrowed($code));)+

            /// Every code that has a constant, in the order of the codes.
            ///
            /// Meant for tables and tests; the list grows with new releases.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),+];

            /// What the code tells by itself, if it is known.
            pub(crate) fn kind(&self) -> Option<ErrorKind> {
                match self.as_str() {
                    $($code => Some(ErrorKind::$kind),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The request is malformed, or nothing fits it.
    BAD_REQUEST = "E011001" => InvalidArgument;
    /// Arguments are missing.
    MISSING_ARGUMENTS = "E011002" => InvalidArgument;
    /// A field did not pass the service's checks; [`Error::message`](crate::Error::message) says which.
    VALIDATION_FAILED = "E011003" => InvalidArgument;
    /// Arguments are present but not acceptable.
    INVALID_ARGUMENTS = "E011004" => InvalidArgument;
    /// There is no project with this id in this region.
    PROJECT_NOT_FOUND = "E011008" => NotFound;
    /// The project has as many test users as its plan allows. Comes nested in [`USER_NOT_CREATED`](Self::USER_NOT_CREATED).
    TEST_USER_LIMIT = "E013002" => Api;
    /// The one-time code is not the one that was sent. Let the user try again.
    WRONG_CODE = "E061102" => WrongCode;
    /// Too many wrong codes were tried; a new one has to be asked for.
    TOO_MANY_ATTEMPTS = "E061103" => TooManyAttempts;
    /// The one-time code has expired; a new one has to be asked for.
    CODE_EXPIRED = "E061104" => Expired;
    /// Sign-up of a login id that somebody has already.
    USER_ALREADY_EXISTS = "E062107" => AlreadyExists;
    /// Sign-in of a login id that nobody has. Management calls answer [`MANAGED_USER_NOT_FOUND`](Self::MANAGED_USER_NOT_FOUND) instead.
    USER_NOT_FOUND = "E062108" => NotFound;
    /// The enchanted link has not been clicked yet.
    ENCHANTED_LINK_PENDING = "E062503" => Pending;
    /// The token has expired, or the link it came from was used before.
    TOKEN_EXPIRED = "E062504" => Expired;
    /// No access key came with the call.
    ACCESS_KEY_MISSING = "E062802" => Unauthorized;
    /// The access key is unknown, expired or deactivated.
    ACCESS_KEY_INVALID = "E062803" => Unauthorized;
    /// The password was right but has expired; it has to be replaced or reset first.
    PASSWORD_EXPIRED = "E062909" => Expired;
    /// The link is not known any more, most probably because it expired.
    LINK_EXPIRED = "E063010" => Expired;
    /// The user has not given the consent that was asked for.
    CONSENT_NOT_FOUND = "E063302" => NotFound;
    /// The token ended with a logout.
    LOGGED_OUT = "E064001" => Unauthorized;
    /// The nOTP message has not arrived yet.
    NOTP_PENDING = "E066103" => Pending;
    /// The user has no passkey.
    NO_PASSKEYS = "E067010" => NotFound;
    /// The flow was changed while the user was in it.
    FLOW_VERSION_CHANGED = "E102004" => Api;
    /// The step of the flow is not known.
    FLOW_STEP_NOT_FOUND = "E102116" => NotFound;
    /// The flow was aborted, by the user or by one of its steps.
    FLOW_ABORTED = "E102122" => Api;
    /// The flow that is polled for is not known.
    FLOW_STATUS_NOT_FOUND = "E103202" => NotFound;
    /// The flow took too long.
    FLOW_TIMED_OUT = "E103205" => Expired;
    /// The flow belongs to another browser.
    FLOW_NONCE_MISMATCH = "E108201" => Forbidden;
    /// The user could not be created; [`Error::nested_code`](crate::Error::nested_code) may say why.
    USER_NOT_CREATED = "E111111" => Api;
    /// The management call carries no credential that is good for it.
    MANAGEMENT_UNAUTHORIZED = "E111119" => Unauthorized;
    /// A management call names a user that does not exist.
    MANAGED_USER_NOT_FOUND = "E112102" => NotFound;
    /// Too many calls; [`Error::retry_after`](crate::Error::retry_after) tells how long to wait.
    RATE_LIMIT_EXCEEDED = "E130429" => RateLimited;
    /// The token of the outbound application is not usable.
    OUTBOUND_TOKEN_INVALID = "E152110" => Unauthorized;
}

impl ErrorCode {
    /// The code as the service wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this release has a constant for the code.
    pub fn is_known(&self) -> bool {
        self.kind().is_some()
    }

    /// The first code in square brackets inside a text: the service nests codes that way.
    pub(crate) fn nested_in(text: &str) -> Option<Self> {
        let is_code = |word: &str| {
            word.strip_prefix('E').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()))
        };
        text.split('[')
            .skip(1)
            .filter_map(|rest| rest.split(']').next())
            .find(|word| is_code(word))
            .map(|word| Self::from(word.to_owned()))
    }
}

impl From<String> for ErrorCode {
    fn from(code: String) -> Self {
        Self(Cow::Owned(code))
    }
}

impl From<&str> for ErrorCode {
    fn from(code: &str) -> Self {
        Self(Cow::Owned(code.to_owned()))
    }
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_well_formed_unique_and_sorted() {
        for code in ErrorCode::KNOWN {
            assert_eq!(code.as_str().len(), 7, "{code}");
            assert!(code.is_known());
        }
        assert!(ErrorCode::KNOWN.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn both_waiting_endpoints_are_pending() {
        for code in ["E062503", "E066103"] {
            assert_eq!(ErrorCode::from(code).kind(), Some(ErrorKind::Pending));
        }
    }

    #[test]
    fn nested_code_is_found_in_brackets_only() {
        let text = "failed to create user, [x] err: [E013002] limit of 5";
        assert_eq!(ErrorCode::nested_in(text), Some(ErrorCode::TEST_USER_LIMIT));
        assert_eq!(ErrorCode::nested_in("E013002 without brackets"), None);
        assert_eq!(ErrorCode::nested_in("[E01300] [E0130022] ["), None);
    }
}
