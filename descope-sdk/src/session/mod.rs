//! Sessions: who is signed in, told locally from the token that a request brings.
//!
//! Every request of a signed-in user carries a **session token**, a JWT that Descope signed. A [`SessionValidator`] tells
//! a valid one from all others with the project's public keys, without asking the service: the first token of a process
//! fetches the keys, every other is a matter of microseconds, and one that was seen before of nanoseconds. What comes
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
//! | `aud`, by an [`AudiencePolicy`] | tokens made for another application of the project pass; whether they should is for you to say |
//! | the token is not bound to a key of its holder (`cnf`) | a stolen DPoP token would work without the proof that it was made to need |
//!
//! # What is not checked
//!
//! - **Whether the user was signed out, disabled or deleted meanwhile.** A session token is valid until it expires; that is
//!   what makes it cheap, and why it is short-lived. The service says no at the next refresh.
//! - **Proofs of possession.** DPoP-bound tokens are refused, not half-checked.
//! - **The host in `iss`**: a custom domain changes it, and the key says who signed.
//! - **What claims mean to you**: read `nsec` ([`Claims::client_claims`]) as user input.
//!
//! # Keys
//!
//! Keys are fetched when the first token comes ([`SessionValidator::preload_keys`] does so earlier) and again every ten
//! minutes, in the background, while the old ones go on serving; a key that is no longer published is forgotten then,
//! and with it every token of its that is remembered. If the endpoint fails, known keys go on serving, and attempts are
//! spaced from one second up to the cool-down. A token with an unknown `kid` causes a fetch at once, since keys do get
//! rotated, but at most one in 30 seconds: made-up tokens cannot be turned into requests. However many tokens wait,
//! there is one request at a time, and a caller that gives up does not break it off for the others.
//!
//! # What to configure
//!
//! Nothing, for most projects. [`SessionValidatorBuilder`] has the leeway (5 s), the audience policy, the ages above, the
//! number of remembered tokens (256; 0 for none), a static key for machines without network, and a clock for tests. If
//! the project renames its cookies, give the names to [`token_names`](SessionValidatorBuilder::token_names).

mod algorithm;
mod api;
mod audience;
mod cache;
mod claims;
mod clock;
mod issuer;
mod json;
mod jwks;
mod jws;
mod keys;
mod kind;
mod permissions;
mod times;
mod token_error;
mod validator;
mod verified;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use api::Sessions;
pub(crate) use api::key_fetch;
pub use audience::AudiencePolicy;
pub use claims::Claims;
pub use clock::Clock;
pub use jwks::{KeyFetch, KeyFetchResult};
pub use jws::MAX_TOKEN_BYTES;
pub use kind::TokenKind;
pub use token_error::{ConfigError, KeysError, TokenError};
pub use validator::{SessionValidator, SessionValidatorBuilder};
pub use verified::{RefreshToken, Session};
