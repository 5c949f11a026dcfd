//! Why a token was refused.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::kind::TokenKind;
use crate::session::dpop::error::DpopError;

/// The reason for which a token was refused, or could not be judged.
///
/// Every reason has a variant of its own, so that an application can tell "send the user to the sign-in page" from
/// "refresh the session" and from "our side is broken". An error of this type may be logged as it is: of a token's own
/// text it holds nothing but a foreign issuer, which is not a secret, shortened and made printable.
///
/// ```
/// use descope_sdk::session::TokenError;
///
/// fn status(refused: &TokenError) -> u16 {
///     match refused {
///         TokenError::KeysUnavailable(_) => 503,
///         _ => 401,
///     }
/// }
/// assert_eq!(status(&TokenError::Expired), 401);
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is no compact JWS: not three parts, not canonical base64url, or no JSON object inside.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The text is longer than [`MAX_TOKEN_BYTES`](crate::session::MAX_TOKEN_BYTES). It was not decoded.
    #[error("the token is longer than {limit} bytes")]
    TooLarge {
        /// The longest token that is read, in bytes.
        limit: usize,
    },
    /// A JSON object of the header or the payload names the same member twice.
    #[error("the token names a member twice")]
    DuplicateMember,
    /// The header demands an extension (`crit`), and none is supported.
    #[error("the token demands a critical header extension")]
    CriticalHeader,
    /// The header names no algorithm of the allow list; `none` and the HMAC family end here.
    #[error("the token's signature algorithm is not allowed")]
    UnsupportedAlgorithm,
    /// The header names another algorithm than the key is made for.
    #[error("the token's signature algorithm is not that of its key")]
    AlgorithmMismatch,
    /// No key of the project has the token's `kid`, even after the keys were read again.
    #[error("the token is signed by a key that the project does not have")]
    UnknownKey,
    /// The signature does not belong to this header and payload.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `exp` has passed, leeway included. A refresh may help.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies in the future, leeway included.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` lies in the future, leeway included: the clocks disagree, or the token was made up.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// A claim that every token must have is not there.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(&'static str),
    /// A claim that is checked has a type or a value that makes no sense there, as `exp` given as text.
    #[error("the token's claim `{0}` is not usable")]
    InvalidClaim(&'static str),
    /// `iss` names another project: the token comes from another environment, or the client is configured with the wrong
    /// project id.
    #[error("the token was issued by `{issuer}`, which is not the project `{project_id}` nor a URL that ends with it")]
    WrongIssuer {
        /// The token's `iss`, at most some 120 characters of it. What is not printable ASCII is escaped.
        issuer: Box<str>,
        /// The project whose tokens are accepted.
        project_id: Box<str>,
    },
    /// A refresh token where a session token is needed, or the other way round.
    #[error("a {expected} token is needed, {}", not_of(*found))]
    WrongKind {
        /// The kind that the call accepts.
        expected: TokenKind,
        /// The kind that the token says it is.
        found: TokenKind,
    },
    /// `aud` does not satisfy the [`AudiencePolicy`](crate::session::AudiencePolicy).
    #[error("the token is meant for another audience")]
    AudienceRejected,
    /// The token is bound to a key of its holder (`cnf.jkt`), and the call checks no proof of possession; use
    /// [`validate_session_with_proof`](crate::session::SessionValidator::validate_session_with_proof).
    #[error("the token is DPoP-bound and came without a checked proof")]
    DpopBound,
    /// The token is good, and the request does not show that it comes from the token's holder.
    #[error("the proof of possession was refused")]
    InvalidProof(#[source] DpopError),
    /// The project's keys could not be read, so nothing is known about the token. Not the user's fault.
    #[error("the project's public keys are not available")]
    KeysUnavailable(#[source] KeysError),
}

/// What is wrong with the kind of a token, and what to do where it is the configuration's fault.
fn not_of(found: TokenKind) -> &'static str {
    match found {
        TokenKind::Session => "not a session token",
        TokenKind::Refresh => "not a refresh token",
        TokenKind::Other => {
            "and this token's `drn` is the name of neither: if the project has renamed its cookies, give their names to \
             `token_names`, and those they had before to `former_token_names`"
        }
    }
}

impl TokenError {
    /// Whether the token was good once and only its time is over, so that a refresh may help.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self, Self::Expired)
    }

    /// Whether the token may be good and only what it takes to judge it (the project's keys, or the memory of used
    /// proofs) was not to be had: a case for 503, not for 401.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::KeysUnavailable(_) => true,
            Self::InvalidProof(proof) => proof.is_unavailable(),
            _ => false,
        }
    }
}

/// Why the project's public keys could not be read. Shared by every caller that waited for the same attempt.
#[derive(Clone)]
pub struct KeysError(Arc<dyn StdError + Send + Sync>);

impl KeysError {
    pub(crate) fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }

    /// The error that the fetch ended with, for a caller that knows its type.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }
}

// Transparent: this type only makes one error shareable, and must not show up as a link of its own in the chain.
impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for KeysError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// A [`SessionValidator`](crate::session::SessionValidator) was asked for with settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The project id is empty, or holds characters that no project id has.
    #[error("the project id is not usable: it must be letters, digits, `-` and `_`")]
    ProjectId,
    /// Neither a way to fetch keys nor a static key was given.
    #[error("no source of keys: give a fetch function or a static key")]
    NoKeys,
    /// The static key is not a JWK, an array of JWKs or a JWK set, or no key in it is usable.
    #[error("the static public key is not usable: {0}")]
    StaticKey(&'static str),
    /// The names of the two kinds of token are empty or could be taken for each other.
    #[error("the names of the tokens are not usable: {0}")]
    TokenNames(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_source_appears_once_in_the_chain() {
        let source = std::io::Error::other("connection refused");
        let error = TokenError::KeysUnavailable(KeysError::new(source));
        let mut chain = vec![error.to_string()];
        let mut next = StdError::source(&error);
        while let Some(link) = next {
            chain.push(link.to_string());
            next = link.source();
        }
        assert_eq!(chain, ["the project's public keys are not available", "connection refused"]);
        assert!(error.is_unavailable());
        assert!(!error.is_expired());
    }

    #[test]
    fn the_original_error_can_be_had_back() {
        let error = KeysError::new(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let io = error.get_ref().downcast_ref::<std::io::Error>().expect("the io error");
        assert_eq!(io.kind(), std::io::ErrorKind::TimedOut);
    }
}
