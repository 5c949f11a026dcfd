//! Sessions: who is signed in, determined locally from the token that a request brings.
//!
//! Every request of a signed-in user carries a **session token**, a JWT that Descope signed. A [`SessionValidator`] tells
//! a valid one from all others with the project's public keys, without asking the service: the first token of a process
//! fetches the keys, every other is a matter of microseconds, and one that has come twice of nanoseconds. What comes
//! out is a [`Session`], which reads like its [`Claims`]: the user, their tenants, roles and permissions, how they signed
//! in, and the project's own claims.
//!
//! ```no_run
//! use descope_sdk::session::{Session, SessionValidator, TokenError};
//!
//! async fn may_edit(validator: &SessionValidator, bearer: &str) -> Result<bool, TokenError> {
//!     let session: Session = validator.validate_session(bearer).await?;
//!     Ok(session.has_tenant_permissions("acme", &["articles:edit"]))
//! }
//! ```
//!
//! # What is checked, and why
//!
//! | check | without it |
//! | --- | --- |
//! | the text is at most 64 KiB, before anything is decoded | a request could cost memory and time at will |
//! | exactly three parts, canonical base64url, no member named twice, no `crit` | two readers could see two different tokens in one text |
//! | the algorithm is the **key's** own, and one of RS256/384/512, PS256/384/512, ES256/384, EdDSA | `none`, or an HMAC made with the public key, would pass |
//! | the key is one that the project publishes, found by `kid`; keys inside the token are not looked at | a token could bring its own judge |
//! | the signature | anybody could write tokens |
//! | `exp` is there and has not passed; `nbf` and `iat` do not lie ahead | a stolen token would work forever |
//! | `iss` names the project: it is the project id, or a URL whose last or last but one segment is it | tokens of another project would pass where keys are shared or mixed up |
//! | `drn`, where the token has one, is that of a session for a session, of a refresh token for a refresh | a refresh token, valid for weeks, would work as a session |
//! | `sub` (or `dsub`) names somebody | an application that keys data by user id would share one record among all such tokens |
//! | `aud` of session tokens, by an [`AudiencePolicy`] | tokens made for another application of the project pass; whether they should is for you to say |
//! | a token that is bound to a key of its holder (`cnf`) comes with a proof of possession | a stolen DPoP token would work without the proof that it was made to need |
//!
//! # What is not checked
//!
//! - **Whether the user was signed out, disabled or deleted meanwhile.** A session token is valid until it expires; that is
//!   what makes it cheap, and why it is short-lived. The service says no at the next refresh.
//! - **The host in `iss`**: a custom domain changes it, and the key says who signed.
//! - **What claims mean to you**: read `nsec` ([`Claims::client_claims`]) as user input.
//!
//! # Tokens that are bound to a key
//!
//! A DPoP token (RFC 9449) names a key (`cnf.jkt`), and every request with it brings a **proof**, a small JWT in the `DPoP`
//! header that is made with that key. [`SessionValidator::validate_session_with_proof`] takes the token and a
//! [`DpopRequest`], which is made of values that every framework has; [`SessionValidator::validate_session`], which does
//! not get the request, refuses bound tokens. A proof is accepted if
//!
//! - there is exactly one, of at most 8 KiB, with `typ` `dpop+jwt` and one of the algorithms above or ES512;
//! - its `jwk` is public, and is the key that the token names (by its RFC 7638 thumbprint), and the signature is that key's;
//! - `htm` is the method, letter by letter, and `htu` the URL without query and fragment, however scheme, host and default
//!   port are spelled;
//! - it is less than 60 seconds old and not 5 seconds or more ahead, whatever the leeway for tokens is;
//! - `ath` is the hash of this token;
//! - its `jti`, of 1 to 128 characters, comes for the first time with this key. A proof is marked as used last, so that
//!   one that fails can be sent again, in a [`ReplayStore`]: in the memory of this process unless you bring another.
//!   A store that is full or fails refuses, which is not the user's fault.
//!
//! The memory of this process has room for 100,000 proofs, each of which is kept for two minutes. One key gets 1,000 of
//! them, which is 8 requests per second, so that nobody can take all the room: further proofs of that key are refused as
//! [`DpopError::TooManyProofs`] until old ones have been forgotten. [`MemoryReplayStore::per_key`] sets another share.
//!
//! Behind a proxy the client's URL is not the one that the server sees. `X-Forwarded-Proto` and `X-Forwarded-Host` count
//! only if you hand them to [`DpopRequest::forwarded`]. Nonces (`DPoP-Nonce`) are not asked for.
//!
//! # Keys
//!
//! Keys are fetched when the first token comes ([`SessionValidator::preload_keys`] does so earlier), and fetched again by
//! their age, whenever a token comes:
//!
//! | age | setting | what happens |
//! | --- | --- | --- |
//! | 10 minutes | [`key_ttl`](SessionValidatorBuilder::key_ttl) | they are fetched again in the background, while the known ones go on serving |
//! | 1 hour | [`key_max_age`](SessionValidatorBuilder::key_max_age) | a request waits until they have been fetched; if the endpoint fails, the known ones go on serving |
//! | 24 hours | [`key_stale_if_error`](SessionValidatorBuilder::key_stale_if_error) | they are no longer trusted even if the endpoint fails: tokens are refused as [`TokenError::KeysUnavailable`] |
//!
//! A key that is no longer published is dropped with the next fetch, and every remembered token that it signed with it.
//! After a failed fetch the next one waits for a second at first, and for up to 30 seconds
//! ([`key_cool_down`](SessionValidatorBuilder::key_cool_down)) after further failures. A token with an unknown `kid` causes
//! a fetch at once, since keys do get rotated, but at most one in 30 seconds: made-up tokens cannot be turned into
//! requests. However many tokens wait, there is one request at a time, and a caller that gives up does not interrupt it
//! for the others.
//!
//! Keys are read one by one: a key of an unknown type, or one that is malformed, is skipped and does not stop the others
//! from being used. RSA keys that are too weak are refused.
//!
//! # Tokens in requests and cookies
//!
//! [`SessionCookies`] finds the tokens of a request, in the header `Authorization` or in cookies, and makes the cookies
//! that keep a user signed in and those that take them away. [`Sessions::validate_or_refresh`] does with the tokens what a
//! server has to do. The features `tower`, `axum` and `actix-web` do both for every request.
//!
//! # Refresh
//!
//! [`Sessions::validate_or_refresh`] validates the session token; if it is expired, invalid or missing, it validates the
//! refresh token and exchanges it at the service for new tokens. No call is made if the refresh token is not valid, if
//! the keys cannot be read, or if the session token is bound to a key and only its proof is missing or refused.
//!
//! Requests that refresh the same token at the same time share one call to the service and its answer. That call
//! continues when a caller gives up, because its answer may hold the only refresh token that works from then on. Its
//! outcome is kept:
//!
//! - New tokens for 10 seconds: a request that still brings the old refresh token gets the same answer.
//! - A refusal by the service for 60 seconds, or until the refresh token expires if that is sooner: requests with an
//!   ended token cost one call a minute.
//! - Any other failure (network, timeout, 5xx, an answer that is not Descope's) is not kept: the next request tries again.
//!
//! [`Sessions::refresh`] always asks the service, unless the same token is being refreshed at this moment or has just been
//! replaced. [`Sessions::logout`] drops what is kept for its token.
//!
//! A session token that has just come from the service may lie up to 5 minutes ahead of this machine's clock; the log has
//! a warning then. Tokens of requests get the leeway and nothing more.
//!
//! # What to configure
//!
//! Nothing, for most projects. [`SessionValidatorBuilder`] has the leeway (5 s), the audience policy, the ages above, the
//! number of remembered tokens (256 of those that came twice; 0 for none), a static key for machines without network,
//! and a clock for tests. If the project has renamed its cookies, give the names to
//! [`token_names`](SessionValidatorBuilder::token_names), and those that they had before to
//! [`former_token_names`](SessionValidatorBuilder::former_token_names): users who signed in before stay signed in.

mod calls;
mod cookies;
mod dpop;
mod keys;
mod single_flight;
mod token;
mod validator;

#[cfg(shuttle)]
#[allow(missing_docs, reason = "nobody sees it")]
#[path = "../../shuttle/interleavings.rs"]
pub mod interleavings;
#[cfg(any(test, shuttle))]
#[cfg_attr(shuttle, allow(dead_code, reason = "what is tried needs a part of it"))]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use calls::key_fetch;
#[cfg(any(feature = "actix-web", feature = "tower"))]
pub(crate) use calls::refresh_may_help;
pub use calls::{Sessions, ValidatedSession};
pub use cookies::{SameSite, SessionCookies, SetCookies, extract::RequestTokens};
#[cfg(any(feature = "actix-web", feature = "tower"))]
pub(crate) use dpop::PROOFS_KEPT;
pub use dpop::{
    AuthScheme, DpopRequest, MAX_PROOF_BYTES,
    error::DpopError,
    replay::{BurnFuture, Burned, MemoryReplayStore, ProofId, ReplayStore},
};
pub use keys::store::{KeyFetch, KeyFetchResult};
pub(crate) use single_flight::Flights;
pub(crate) use token::kind::KindNames;
pub use token::{
    audience::AudiencePolicy,
    claims::Claims,
    error::{ConfigError, KeysError, TokenError},
    jws::MAX_TOKEN_BYTES,
    kind::TokenKind,
};
pub use validator::{
    SessionValidator, SessionValidatorBuilder,
    clock::Clock,
    verified::{RefreshToken, Session},
};
