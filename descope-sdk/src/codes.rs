//! The codes of the service. Their names, meanings and kinds are generated from the table that the emulator uses too.

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

include!("generated/codes.rs");

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
        text.split('[').skip(1).filter_map(|rest| rest.split(']').next()).find_map(Self::numbered)
    }

    /// A word that has the form of a code: `E` and six digits.
    pub(crate) fn numbered(word: &str) -> Option<Self> {
        let digits = word.strip_prefix('E')?;
        let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| Self::from(word))
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
