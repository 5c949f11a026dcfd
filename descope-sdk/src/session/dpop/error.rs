//! Why a proof of possession was refused.

use std::{error::Error as StdError, sync::Arc};

/// The reason for which a proof of possession (DPoP, RFC 9449) was refused. In
/// [`TokenError::InvalidProof`](crate::session::TokenError::InvalidProof).
///
/// No variant holds text of the proof or of the token: an error of this type may be logged as it is.
///
/// ```
/// use descope_sdk::session::{DpopError, TokenError};
///
/// /// What RFC 9449 wants in the `WWW-Authenticate` of a 401.
/// fn challenge(refused: &TokenError) -> &'static str {
///     match refused {
///         TokenError::InvalidProof(DpopError::MissingProof | DpopError::NotBound) => r#"DPoP error="invalid_token""#,
///         TokenError::InvalidProof(_) => r#"DPoP error="invalid_dpop_proof""#,
///         _ => r#"Bearer error="invalid_token""#,
///     }
/// }
/// assert!(challenge(&TokenError::InvalidProof(DpopError::Replayed)).contains("proof"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DpopError {
    /// The token is bound to a key of its holder (`cnf.jkt`), and the request has no `DPoP` header.
    #[error("the token is DPoP-bound and came without a proof")]
    MissingProof,
    /// The request has more than one `DPoP` header.
    #[error("there is more than one proof")]
    SeveralProofs,
    /// The token came under the scheme `DPoP` and is bound to no key, so a proof would prove nothing.
    #[error("the token came under the scheme DPoP and is not DPoP-bound")]
    NotBound,
    /// The token is bound to something else than a key that DPoP can prove, as a client certificate.
    #[error("the token is bound in a way that DPoP does not prove")]
    UnsupportedBinding,
    /// The proof is longer than [`MAX_PROOF_BYTES`](crate::session::MAX_PROOF_BYTES). It was not decoded.
    #[error("the proof is longer than {limit} bytes")]
    TooLarge {
        /// The longest proof that is read, in bytes.
        limit: usize,
    },
    /// The proof is not a compact JWS: not three parts, not canonical base64url, no JSON object inside, a member twice, or
    /// a header extension that it demands (`crit`).
    #[error("the proof is malformed: {0}")]
    Malformed(&'static str),
    /// `typ` is not `dpop+jwt`: the text was signed for another purpose.
    #[error("the proof's type is not `dpop+jwt`")]
    WrongType,
    /// The header names no algorithm of the allow list; `none` and the HMAC family end here.
    #[error("the proof's signature algorithm is not allowed")]
    UnsupportedAlgorithm,
    /// `jwk` is not there, is not a public key, or is not one for the algorithm.
    #[error("the proof's key is not a public key for its algorithm")]
    UnusableKey,
    /// The proof is made with another key than the one that the token is bound to.
    #[error("the proof is made with another key than the token's")]
    WrongKey,
    /// The signature does not belong to this header and payload.
    #[error("the proof's signature is wrong")]
    BadSignature,
    /// A claim that every proof must have is not there, or has a type or length that makes no sense there.
    #[error("the proof's claim `{0}` is missing or not usable")]
    InvalidClaim(&'static str),
    /// `htm` is not the request's method.
    #[error("the proof is made for another method")]
    WrongMethod,
    /// `htu` is not the request's URL.
    #[error("the proof is made for another URL")]
    WrongUrl,
    /// `iat` lies 60 seconds or more in the past.
    #[error("the proof is too old")]
    TooOld,
    /// `iat` lies 5 seconds or more in the future.
    #[error("the proof was issued in the future")]
    IssuedInFuture,
    /// `ath` is not the hash of this token.
    #[error("the proof is made for another token")]
    WrongToken,
    /// The proof was used before.
    #[error("the proof was used before")]
    Replayed,
    /// The holder of this key has used more proofs within two minutes than are remembered for one key, 1,000 unless
    /// [set otherwise](crate::session::MemoryReplayStore::per_key). That is the sender's own doing: others are not
    /// affected, and it ends by itself when they slow down.
    #[error("too many proofs were used with this key within two minutes")]
    TooManyProofs,
    /// No more proofs can be remembered, so that nobody can say whether this one comes for the first time. Not the
    /// user's fault.
    #[error("no more proofs can be remembered")]
    ReplayStoreFull,
    /// The [`ReplayStore`](crate::session::ReplayStore) failed. Not the user's fault.
    #[error("the store of used proofs is not available")]
    ReplayStoreUnavailable(#[source] Arc<dyn StdError + Send + Sync>),
    /// The URL of the [`DpopRequest`](crate::session::DpopRequest) is not an absolute `http` or `https` URL: the `Host` header is
    /// odd, or the application put it together wrongly.
    #[error("the request's own URL is not absolute")]
    RequestUrl,
}

impl DpopError {
    /// Whether the proof may be good and only the memory of used ones failed: a case for 503, not for 401.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::ReplayStoreFull | Self::ReplayStoreUnavailable(_))
    }
}
