//! The one error of this crate and the classification to match on.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::StatusCode;

use crate::{ErrorCode, session::TokenError};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not succeed.
///
/// Match on [`kind`](Self::kind) for what to do, on [`code`](Self::code) for the exact refusal. The message of
/// `Display` is one line for a log: it names the operation and holds no token, no key and no body. The causes
/// below are reached through [`source`](StdError::source) and are not repeated in it.
///
/// ```
/// # use descope_sdk::{Error, ErrorCode, ErrorKind};
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let refused = descope.otp().email("nobody@example.com").sign_in().send().await.unwrap_err();
///
/// assert_eq!(refused.kind(), ErrorKind::NotFound);
/// assert_eq!(refused.code(), Some(&ErrorCode::USER_NOT_FOUND));
/// assert_eq!(refused.operation(), Some("otp_sign_in_email"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

/// What went wrong, coarse enough to decide by.
///
/// New kinds may be added; keep a `_` arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is not acceptable. When this crate found out by itself, nothing was sent and
    /// [`Error::argument`] names the argument; otherwise the service refused it.
    InvalidArgument,
    /// The client is not set up for this call: a missing management key, a base URL that is not a URL, a project id
    /// of a wrong shape. Nothing was sent.
    Configuration,
    /// The credential of the call is missing, unknown, expired or was revoked. The user has to sign in again,
    /// or the key has to be replaced.
    Unauthorized,
    /// The credential is good, but not for this.
    Forbidden,
    /// What the call names does not exist, mostly the user.
    NotFound,
    /// Sign-up of somebody who is there already.
    AlreadyExists,
    /// The one-time code is wrong. The user may try again.
    WrongCode,
    /// The code, the link or the password has expired. Start again.
    Expired,
    /// Too many wrong codes. Start again.
    TooManyAttempts,
    /// The user has not done the awaited thing yet. Only seen in errors of the raw client and of `verify`-like
    /// calls; [`PendingLink::check`](crate::PendingLink::check) turns it into `None`.
    Pending,
    /// Too many calls. [`Error::retry_after`] tells when to come back.
    RateLimited,
    /// A JWT did not pass local validation. The [`TokenError`] in [`source`](StdError::source) says why.
    InvalidToken,
    /// A JWT could not be judged, because the memory of used proofs of possession (DPoP) is full or failed. Not the
    /// user's fault: answer 503. When it is the project's keys that are missing, the kind is that of what kept them away.
    Unavailable,
    /// The service, or a proxy in front of it, failed. Trying again later may help.
    Server,
    /// The service could not be reached, or the connection broke.
    Network,
    /// Something between this machine and Descope answered in its place: a firewall, a proxy, a captive portal. Nothing
    /// is known about the outcome of the call.
    Intercepted,
    /// The answer did not come in time; or a wait came to its deadline, and then [`Error::waited`] is set.
    Timeout,
    /// The answer is not what the service sends: it is too long, of another shape, or without the session it should hold.
    Decode,
    /// The other side does not implement the operation (status 501), as the emulator says of some.
    Unsupported,
    /// The service refused the call for another reason; see [`Error::code`] and [`Error::message`].
    Api,
}

impl ErrorKind {
    /// The words of `Display` when the service gave none of its own.
    fn text(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid argument",
            Self::Configuration => "the client is not set up for this",
            Self::Unauthorized => "not authorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::WrongCode => "wrong code",
            Self::Expired => "expired",
            Self::TooManyAttempts => "too many attempts",
            Self::Pending => "still pending",
            Self::RateLimited => "rate limit exceeded",
            Self::InvalidToken => "the token is not valid",
            Self::Unavailable => "the token cannot be judged at the moment",
            Self::Server => "the service failed",
            Self::Network => "the service could not be reached",
            Self::Intercepted => "something other than Descope answered",
            Self::Timeout => "timed out",
            Self::Decode => "the answer could not be understood",
            Self::Unsupported => "operation not supported",
            Self::Api => "refused",
        }
    }

    /// What the status of a refusal means when no known code came with it.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 => Self::Timeout,
            429 => Self::RateLimited,
            501 => Self::Unsupported,
            500.. => Self::Server,
            _ => Self::Api,
        }
    }
}

/// How long a wait had lasted when its deadline came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// Time since the wait began.
    pub elapsed: Duration,
    /// Requests made in that time.
    pub attempts: u32,
}

/// Everything an [`Error`] knows, boxed so that a `Result` stays small.
#[derive(Clone, Default)]
pub(crate) struct Inner {
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) operation: Option<&'static str>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) description: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) argument: Option<&'static str>,
    /// Words of our own, printed as they are: they never hold anything that came from outside.
    pub(crate) detail: Option<std::borrow::Cow<'static, str>>,
    pub(crate) waited: Option<Waited>,
    pub(crate) source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What went wrong, coarse and stable.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or(ErrorKind::Api)
    }

    /// The status of the answer, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The code with which the service refused the call.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.code.as_ref()
    }

    /// A second code that the service wrapped into the text of the first, such as the exceeded limit behind
    /// [`ErrorCode::USER_NOT_CREATED`].
    pub fn nested_code(&self) -> Option<ErrorCode> {
        [self.message(), self.description()].into_iter().flatten().find_map(ErrorCode::nested_in)
    }

    /// The service's fixed English text for the code.
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What the service says about this call in particular. It may repeat what was sent, so it is for the
    /// developer and not for the end user.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The id of the request (header `CF-Ray`), which Descope's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service wants to be left alone (header `Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The operation that failed, by the name of its function in [`descope_api::Client`], such as `otp_verify_email`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The argument, builder method or environment variable that is to blame, when this crate found out before
    /// sending anything.
    pub fn argument(&self) -> Option<&'static str> {
        self.0.argument
    }

    /// How long was waited and how often was asked, when a wait came to its deadline.
    pub fn waited(&self) -> Option<Waited> {
        self.0.waited
    }

    /// Whether the service itself refused, by a code of its own: only that is a verdict. A bare status may come from
    /// anything on the way.
    pub(crate) fn is_refusal(&self) -> bool {
        self.code().is_some() && !self.is_retryable() && !self.is_pending()
    }

    /// Whether the same call may succeed later without anything being changed.
    ///
    /// Retries of this kind have already been made where that is safe; calls that send a message or use up a
    /// code are never repeated silently, so asking the user may be the better retry.
    pub fn is_retryable(&self) -> bool {
        let passing = matches!(
            self.kind(),
            ErrorKind::Network
                | ErrorKind::Timeout
                | ErrorKind::RateLimited
                | ErrorKind::Server
                | ErrorKind::Intercepted
                | ErrorKind::Unavailable
        );
        // A failing server may well name a code that means something else.
        let failing = self.status().is_some_and(|status| status.is_server_error() && status.as_u16() != 501);
        self.0.waited.is_none() && (passing || failing)
    }

    /// Whether the awaited thing has not been done yet.
    pub fn is_pending(&self) -> bool {
        self.kind() == ErrorKind::Pending
    }

    /// An argument that cannot be sent; `why` follows its name in the message.
    pub(crate) fn argument_refused(argument: &'static str, why: &'static str) -> Self {
        Inner {
            argument: Some(argument),
            detail: Some(format!("`{argument}` {why}").into()),
            ..Inner::of(ErrorKind::InvalidArgument)
        }
        .into()
    }

    /// A setting that is missing or unusable.
    pub(crate) fn configuration(argument: &'static str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Inner { argument: Some(argument), detail: Some(detail.into()), ..Inner::of(ErrorKind::Configuration) }.into()
    }

    /// A wait that came to its deadline; `last` is the failure of the last request, if it failed.
    pub(crate) fn deadline(operation: &'static str, waited: Waited, last: Option<Error>) -> Self {
        Inner {
            operation: Some(operation),
            detail: Some(
                format!("nothing happened within {:.1} s ({} requests)", waited.elapsed.as_secs_f64(), waited.attempts)
                    .into(),
            ),
            waited: Some(waited),
            source: last.map(|error| Arc::new(error) as _),
            ..Inner::of(ErrorKind::Timeout)
        }
        .into()
    }

    /// The same error as one of another kind, where the code alone does not tell it.
    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = Some(kind);
        self
    }

    /// The same error with a code in the words of another standard.
    #[cfg(feature = "agents")]
    pub(crate) fn coded(mut self, code: Option<ErrorCode>) -> Self {
        self.0.code = code.or(self.0.code);
        self
    }

    /// The same error; if another request is to follow it, not before that time.
    #[cfg(feature = "agents")]
    pub(crate) fn paced(mut self, wait: Duration) -> Self {
        if self.is_pending() || self.is_retryable() {
            self.0.retry_after = self.0.retry_after.max(Some(wait));
        }
        self
    }

    /// Names the operation, unless a deeper layer has done so.
    pub(crate) fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }
}

impl Inner {
    /// Nothing but a kind.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
}

impl From<Inner> for Error {
    fn from(inner: Inner) -> Self {
        Self(Box::new(inner))
    }
}

impl From<TokenError> for Error {
    /// A token that could not be judged is not an invalid one: that error has the kind of what kept the keys away.
    fn from(source: TokenError) -> Self {
        let kind = match &source {
            TokenError::KeysUnavailable(keys) => {
                keys.get_ref().downcast_ref::<Self>().map_or(ErrorKind::Network, Self::kind)
            }
            // Only the store of proofs is left.
            other if other.is_unavailable() => ErrorKind::Unavailable,
            _ => ErrorKind::InvalidToken,
        };
        Inner { source: Some(Arc::new(source)), ..Inner::of(kind) }.into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        match (&inner.detail, &inner.description) {
            (Some(detail), _) => f.write_str(detail)?,
            (None, Some(description)) => write!(f, "{}", Printable(description))?,
            (None, None) => f.write_str(self.kind().text())?,
        }
        match (inner.status, &inner.code) {
            (Some(status), Some(code)) => {
                write!(f, " ({} {})", status.as_u16(), Printable(code.as_str()))?;
            }
            (Some(status), None) => write!(f, " ({})", status.as_u16())?,
            (None, Some(code)) => write!(f, " ({})", Printable(code.as_str()))?,
            (None, None) => {}
        }
        match &inner.message {
            // Often a copy of the description.
            Some(message) if inner.description.as_ref() != Some(message) => {
                write!(f, ": {}", Printable(message))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind());
        // Absent parts are left out: this is what `unwrap` prints.
        macro_rules! present {
            ($($name:ident)+) => {$(if let Some(value) = &inner.$name { out.field(stringify!($name), value); })+};
        }
        present!(operation status code);
        if let Some(text) = &inner.description {
            out.field("description", &format_args!("{}", Printable(text)));
        }
        if let Some(text) = &inner.message {
            out.field("message", &format_args!("{}", Printable(text)));
        }
        present!(request_id retry_after argument detail waited source);
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Text from the other side in a form that is fit for a log line: no control characters, bounded, and without
/// long words, because a token, a key or a digest is one and a sentence has none.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = PRINTED_CHARACTERS;
        for (index, word) in self.0.split_whitespace().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            let length = word.chars().count();
            if length > left {
                return f.write_str("…");
            }
            left = left.saturating_sub(length + 1);
            if length > LONGEST_WORD {
                f.write_str("…")?;
            } else {
                for character in word.chars().filter(|c| !c.is_control()) {
                    fmt::Write::write_char(f, character)?;
                }
            }
        }
        Ok(())
    }
}

/// Longest piece of the service's text in one message.
const PRINTED_CHARACTERS: usize = 300;
/// Words above this are left out; OTP codes never appear in texts, tokens and keys are longer.
const LONGEST_WORD: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        Inner {
            operation: Some("otp_verify_email"),
            status: Some(StatusCode::UNAUTHORIZED),
            code: Some(ErrorCode::WRONG_CODE),
            description: Some("Wrong OTP code".into()),
            message: Some("tried eyJhbGciOiJSUzI1NiJ9.eyJkcm4iOiJEUyJ9.c2ln\nagain".into()),
            ..Inner::of(ErrorKind::WrongCode)
        }
        .into()
    }

    #[test]
    fn is_one_word_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
    }

    #[test]
    fn display_is_one_line_without_long_words() {
        assert_eq!(refused().to_string(), "otp_verify_email: Wrong OTP code (401 E061102): tried … again");
        assert!(!format!("{:?}", refused()).contains("eyJ"));
        assert!(refused().message().unwrap().contains("eyJ"));
    }

    #[test]
    fn display_is_bounded() {
        let error: Error = Inner { message: Some("word ".repeat(1_000_000)), ..Inner::of(ErrorKind::Api) }.into();
        assert!(error.to_string().chars().count() < 350);
        let error: Error = Inner { message: Some("x".repeat(400)), ..Inner::of(ErrorKind::Api) }.into();
        assert_eq!(error.to_string(), "refused: …");
    }

    #[test]
    fn source_is_not_printed_twice() {
        let waited = Waited { elapsed: Duration::from_secs(600), attempts: 540 };
        let error = Error::deadline("enchanted_link_pending_session", waited, Some(refused()));
        assert_eq!(error.waited(), Some(waited));
        assert!(!error.to_string().contains("otp_verify_email"));
        assert!(error.source().unwrap().to_string().contains("otp_verify_email"));
        assert!(!error.is_retryable());
    }

    #[test]
    fn token_that_cannot_be_judged_is_not_called_invalid() {
        use crate::session::{DpopError, KeysError};

        let limited: Error = Inner::of(ErrorKind::RateLimited).into();
        let error = Error::from(TokenError::KeysUnavailable(KeysError::new(limited)));
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let error = Error::from(TokenError::KeysUnavailable(KeysError::new("no route")));
        assert_eq!(error.kind(), ErrorKind::Network);
        let error = Error::from(TokenError::InvalidProof(DpopError::ReplayStoreFull));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.is_retryable());
        let error = Error::from(TokenError::InvalidProof(DpopError::Replayed));
        assert_eq!(error.kind(), ErrorKind::InvalidToken);
        assert!(!error.is_retryable());
        let error = Error::from(TokenError::Expired);
        assert_eq!(error.kind(), ErrorKind::InvalidToken);
        assert!(error.source().unwrap().is::<TokenError>());
    }

    #[test]
    fn status_decides_when_no_code_is_known() {
        for (status, kind) in [
            (400, ErrorKind::Api),
            (401, ErrorKind::Unauthorized),
            (403, ErrorKind::Forbidden),
            (404, ErrorKind::NotFound),
            (429, ErrorKind::RateLimited),
            (501, ErrorKind::Unsupported),
            (502, ErrorKind::Server),
            (530, ErrorKind::Server),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(ErrorKind::of_status(status), kind, "{status}");
        }
    }
}
