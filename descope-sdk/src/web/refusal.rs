//! What a request is answered that does not get through.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use super::admission::Headers;
use crate::{
    Error, ErrorKind,
    session::{DpopError, PROOFS_KEPT, TokenError},
};

/// Why a request does not get through, and at the same time its answer: a status, the header `WWW-Authenticate` (RFC
/// 6750, 9449 and 9470) and the body `{"error": …, "error_description": …}`.
///
/// | refusal | status | error |
/// | --- | --- | --- |
/// | [`Missing`](Self::Missing) | 401 | `unauthorized` |
/// | [`Expired`](Self::Expired), [`Invalid`](Self::Invalid), [`ProofMissing`](Self::ProofMissing) | 401 | `invalid_token` |
/// | [`ProofInvalid`](Self::ProofInvalid) | 401 | `invalid_dpop_proof` |
/// | [`StepUpNeeded`](Self::StepUpNeeded) | 401 | `insufficient_user_authentication` |
/// | [`Forbidden`](Self::Forbidden) | 403 | `insufficient_scope` |
/// | [`TooManyProofs`](Self::TooManyProofs) | 429 | `too_many_requests` |
/// | [`Unavailable`](Self::Unavailable) | 503 | `temporarily_unavailable` |
/// | [`Misconfigured`](Self::Misconfigured) | 500 | `server_error` |
///
/// The texts are fixed: they tell neither what the token says nor which role would have helped.
///
/// ```
/// use descope_sdk::web::Refusal;
///
/// assert_eq!(Refusal::Forbidden.status(), 403);
/// assert!(Refusal::Expired.challenge().unwrap().starts_with("Bearer error=\"invalid_token\""));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request brings no token.
    #[error("a session is needed")]
    Missing,
    /// The session was good once. Whoever it belongs to has to refresh it, or to sign in again.
    #[error("the session has expired")]
    Expired,
    /// The token is not valid.
    #[error("the session token is not valid")]
    Invalid,
    /// The token is bound to a key of its holder, and the request does not prove that its sender has it.
    #[error("the session token needs a proof of possession")]
    ProofMissing,
    /// The proof of possession is not good.
    #[error("the proof of possession is not valid")]
    ProofInvalid,
    /// The user has to sign in again, or with another factor.
    #[error("a stronger sign-in is needed")]
    StepUpNeeded,
    /// The user is signed in, and may not do this.
    #[error("the session does not allow this")]
    Forbidden,
    /// The holder of the key has used more proofs of possession than are remembered for one key
    /// ([`DpopError::TooManyProofs`]). The session is as good as before; the client has to slow down.
    #[error("too many proofs of possession were used with this key")]
    TooManyProofs,
    /// Nothing is known of the token, because the service could not be reached.
    #[error("sessions cannot be checked at the moment")]
    Unavailable,
    /// The application is set up wrongly: what asks for a session is not behind what finds one, or the cookies have
    /// names that no cookie can have. The log says which.
    #[error("sessions are not set up")]
    Misconfigured,
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Missing
            | Self::Expired
            | Self::Invalid
            | Self::ProofMissing
            | Self::ProofInvalid
            | Self::StepUpNeeded => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooManyProofs => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The member `error` of the body.
    #[must_use]
    pub fn error(self) -> &'static str {
        match self {
            Self::Missing => "unauthorized",
            Self::Expired | Self::Invalid | Self::ProofMissing => "invalid_token",
            Self::ProofInvalid => "invalid_dpop_proof",
            Self::StepUpNeeded => "insufficient_user_authentication",
            Self::Forbidden => "insufficient_scope",
            Self::TooManyProofs => "too_many_requests",
            Self::Unavailable => "temporarily_unavailable",
            Self::Misconfigured => "server_error",
        }
    }

    /// The header `WWW-Authenticate`, for 401 and 403.
    #[must_use]
    pub fn challenge(self) -> Option<String> {
        let scheme = match self {
            // A client that sent nothing learns how to, and not that it did something wrong.
            Self::Missing => return Some("Bearer realm=\"session\"".to_owned()),
            Self::Expired | Self::Invalid | Self::StepUpNeeded | Self::Forbidden => "Bearer",
            Self::ProofMissing | Self::ProofInvalid => "DPoP",
            // Another token would not help.
            Self::TooManyProofs | Self::Unavailable | Self::Misconfigured => return None,
        };
        Some(format!("{scheme} error=\"{}\", error_description=\"{self}\"", self.error()))
    }

    /// The header `Retry-After`, for 429: after this time all proofs that were used until now are forgotten.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        (self == Self::TooManyProofs).then_some(PROOFS_KEPT)
    }

    /// Sets the headers of the answer.
    pub(crate) fn write_headers(self, headers: &mut impl Headers) {
        headers.set("content-type", "application/json");
        headers.set("cache-control", "no-store");
        if let Some(challenge) = self.challenge() {
            headers.set("www-authenticate", &challenge);
        }
        if let Some(after) = self.retry_after() {
            headers.set("retry-after", &after.as_secs().to_string());
        }
    }

    /// The JSON body.
    #[must_use]
    pub fn body(self) -> String {
        json!({ "error": self.error(), "error_description": self.to_string() }).to_string()
    }
}

impl From<&TokenError> for Refusal {
    fn from(error: &TokenError) -> Self {
        match error {
            TokenError::KeysUnavailable(_) => Self::Unavailable,
            TokenError::Expired => Self::Expired,
            TokenError::DpopBound | TokenError::InvalidProof(DpopError::MissingProof) => Self::ProofMissing,
            TokenError::InvalidProof(DpopError::NotBound) => Self::Invalid,
            TokenError::InvalidProof(DpopError::TooManyProofs) => Self::TooManyProofs,
            TokenError::InvalidProof(proof) if proof.is_unavailable() => Self::Unavailable,
            TokenError::InvalidProof(_) => Self::ProofInvalid,
            _ => Self::Invalid,
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::from(&error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Refusal {
    /// For what [`validate`](crate::Sessions::validate) and
    /// [`validate_or_refresh`](crate::Sessions::validate_or_refresh) end with.
    fn from(error: &Error) -> Self {
        let token_error = std::error::Error::source(error).and_then(|source| source.downcast_ref::<TokenError>());
        match (token_error, error.kind()) {
            (Some(refused), _) => refused.into(),
            (None, ErrorKind::InvalidArgument) => Self::Missing,
            (None, ErrorKind::Configuration) => Self::Misconfigured,
            // The service did not want to refresh: signed out, disabled, deleted, or too old.
            (None, _) if error.is_refusal() => Self::Expired,
            // It failed, or something else answered in its place: nothing is known of the user.
            (None, _) => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        error::Inner,
        session::{KeysError, TokenKind},
    };

    const ALL: [Refusal; 10] = [
        Refusal::Missing,
        Refusal::Expired,
        Refusal::Invalid,
        Refusal::ProofMissing,
        Refusal::ProofInvalid,
        Refusal::StepUpNeeded,
        Refusal::Forbidden,
        Refusal::TooManyProofs,
        Refusal::Unavailable,
        Refusal::Misconfigured,
    ];

    #[test]
    fn every_refusal_is_a_whole_answer() {
        for refusal in ALL {
            let body: serde_json::Value = serde_json::from_str(&refusal.body()).unwrap();
            assert_eq!(body["error"], refusal.error());
            assert!(!body["error_description"].as_str().unwrap().contains(['"', '\\']));
            let challenged = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&refusal.status());
            assert_eq!(refusal.challenge().is_some(), challenged, "{refusal:?}");
            let come_back = refusal.status() == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(refusal.retry_after().is_some(), come_back, "{refusal:?}");
            if let Some(challenge) = refusal.challenge() {
                http::HeaderValue::from_str(&challenge).unwrap();
            }
        }
    }

    #[test]
    fn errors_of_tokens() {
        let wrong_kind = TokenError::WrongKind { expected: TokenKind::Session, found: TokenKind::Refresh };
        for (error, refusal) in [
            (TokenError::Expired, Refusal::Expired),
            (TokenError::BadSignature, Refusal::Invalid),
            (wrong_kind, Refusal::Invalid),
            (TokenError::DpopBound, Refusal::ProofMissing),
            (TokenError::InvalidProof(DpopError::MissingProof), Refusal::ProofMissing),
            (TokenError::InvalidProof(DpopError::Replayed), Refusal::ProofInvalid),
            (TokenError::InvalidProof(DpopError::NotBound), Refusal::Invalid),
            (TokenError::InvalidProof(DpopError::TooManyProofs), Refusal::TooManyProofs),
            (TokenError::InvalidProof(DpopError::ReplayStoreFull), Refusal::Unavailable),
            (
                TokenError::InvalidProof(DpopError::ReplayStoreUnavailable(Arc::new(std::io::Error::other("down")))),
                Refusal::Unavailable,
            ),
            (TokenError::KeysUnavailable(KeysError::new("down")), Refusal::Unavailable),
        ] {
            assert_eq!(Refusal::from(&error), refusal, "{error:?}");
            assert_eq!(Refusal::from(&Error::from(error)), refusal);
        }
    }

    #[test]
    fn errors_of_calls() {
        use Refusal::{Expired, Misconfigured, Missing, Unavailable};
        // What it means with a code of the service, and without.
        for (kind, with_code, without) in [
            (ErrorKind::InvalidArgument, Missing, Missing),
            (ErrorKind::Configuration, Misconfigured, Misconfigured),
            (ErrorKind::Unauthorized, Expired, Unavailable),
            (ErrorKind::Forbidden, Expired, Unavailable),
            (ErrorKind::NotFound, Expired, Unavailable),
            (ErrorKind::Api, Expired, Unavailable),
            (ErrorKind::Network, Unavailable, Unavailable),
            (ErrorKind::RateLimited, Unavailable, Unavailable),
            (ErrorKind::Server, Unavailable, Unavailable),
            (ErrorKind::Intercepted, Unavailable, Unavailable),
            (ErrorKind::Decode, Expired, Unavailable),
        ] {
            let coded = Inner { code: Some("E064001".into()), ..Inner::of(kind) };
            assert_eq!(Refusal::from(&Error::from(coded)), with_code, "{kind:?}");
            assert_eq!(Refusal::from(&Error::from(Inner::of(kind))), without, "{kind:?}");
        }
    }
}
