//! [Descope](https://www.descope.com) for Rust: sign users in, with passwords or without, validate their sessions on your
//! own machine, and manage them from your back end.
//!
//! ```
//! use descope_sdk::Descope;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let emulator = descope_emulator::Emulator::builder().start().await?;
//! # let inbox = emulator.inbox();
//! # let descope = emulator.descope()?;
//! // Send Ada a code, and sign her in with it.
//! let pending = descope.otp().email("ada@example.com").sign_up_or_in().send().await?;
//! # let code_from_the_form = inbox.next("ada@example.com").await.code.unwrap();
//! let ada = pending.verify(code_from_the_form).await?;
//!
//! // With each of her requests: no call to Descope, only a signature check.
//! let session = descope.session().validate(ada.session_jwt().expose()).await?;
//! println!("{} is signed in", session.user_id());
//! # Ok(())
//! # }
//! ```
//!
//! `descope` comes from [`Descope::from_env`], which reads `DESCOPE_PROJECT_ID`, or from [`Descope::builder`].
//!
//! # What is in it
//!
//! | start from | to |
//! | --- | --- |
//! | [`Descope::otp`] | sign in by a one-time code: email, text message, call, WhatsApp, instant message |
//! | [`Descope::magic_link`] | sign in by a link, where it is clicked |
//! | [`Descope::enchanted_link`] | sign in by a link that is clicked on another device, while this one waits |
//! | [`Descope::notp`] | sign in by a message that the user sends from WhatsApp |
//! | [`Descope::push`] | sign in by an answer on a phone that the user has enrolled |
//! | [`Descope::password`] | sign in by a password, change it, reset it |
//! | [`Descope::totp`], [`Descope::recovery_codes`] | a further factor from an authenticator app, and codes for when it is lost |
//! | [`Descope::webauthn`] | sign in by a passkey |
//! | [`Descope::oauth`], [`Descope::one_tap`] | sign in at Google, Apple, GitHub and others: in the browser, in an app, by One Tap |
//! | `Descope::fedcm` (feature `fedcm`) | answer browsers whose own dialog signs users in at other sites |
//! | [`Descope::sso`] | sign in at the identity provider of a tenant, by SAML or OpenID Connect |
//! | [`Descope::flow`] | run a flow that was designed in the console, or finish one that ran in a browser |
//! | [`Descope::outbound`] | connect a user with an account elsewhere |
//! | [`Descope::security_questions`] | ask a signed-in user to prove once more who they are |
//! | [`Descope::access_key`] | sign machines in, once or for as long as they run ([`MachineSession`]) |
//! | `Descope::agent` (feature `agents`) | get tokens by OAuth for programs that act for themselves or for users: client credentials, device code, CIBA, JWT bearer, token exchange |
//! | [`Descope::with_device`] | name the user's device in every sign-in from there on |
//! | [`Descope::session`] | validate, refresh and end sessions; the [`session`] module says what is checked |
//! | [features](#features) `tower`, `axum`, `actix-web` | the session of each request, in the module `web` |
//! | [`Descope::management`] (feature `management`, on by default) | users, tenants, roles, keys, applications, flows, authorization and all else that a management key opens |
//! | [`Descope::api`] | every other operation, typed, as the API has it |
//!
//! # Features
//!
//! `management` is on by default. An application that only signs users in and checks their sessions builds faster with
//! `default-features = false`. The others are off, and what they need is not in the dependency tree without them: `tower`
//! has layers for every service of tower, as those of tonic; `axum` adds extractors; `actix-web` has a middleware and
//! extractors. `blocking` lets code that is not async wait for any call. `agents` has programs get tokens by OAuth, and
//! `fedcm` answers browsers; both bring the types of the raw client's `federation`.
//!
//! # How it works
//!
//! - **A flow returns what can finish it.** Sending a code gives a [`PendingCode`] with `verify`; sending an enchanted
//!   link gives a [`PendingLink`] with `wait` and `check`. Both can be stored and resumed in another request or process.
//! - **One [`Error`].** [`Error::kind`] says what to do, [`Error::code`] is the service's own code, and
//!   [`Error::message`] is for the developer. What can never be right is refused before anything is sent.
//! - **Secrets do not show.** Tokens, codes and keys are [`Secret`]: `Debug` hides them, [`Secret::expose`] reads them.
//! - **Retries do no harm.** A call that sends a message or uses up a code is repeated only when the first attempt
//!   cannot have arrived. [`DescopeBuilder::retry`] sets another [`RetryPolicy`].
//! - **Tests need no account.** `descope-emulator` is a local Descope with an inbox to read the codes from; the examples
//!   here run against it.
//!
//! # Logs and traces
//!
//! Both come through [`tracing`](https://docs.rs/tracing) with the target `descope`, and hold no token, no argument and no
//! body.
//!
//! Each call is a span `operation`, with its retries and the waits between them. Each attempt is a span `attempt` in it, from
//! the first byte sent until the head of the answer has come. The fields have OpenTelemetry's names:
//!
//! | field | `operation` | `attempt` |
//! | --- | --- | --- |
//! | `otel.name` | `otp_verify_email` | `POST /v1/auth/otp/verify/email` |
//! | `otel.kind` | `internal` | `client` |
//! | `descope.operation` | `otp_verify_email` | the same |
//! | `http.request.method`, `url.template` | `POST`, `/v1/auth/otp/verify/email`: parameters in braces, no query | the same |
//! | `server.address`, `server.port` | `api.descope.com`, `443` | the same |
//! | `http.request.resend_count` | how often the call was repeated, if it was | which repetition this is, if it is one |
//! | `http.response.status_code` | of the last attempt | its own |
//! | `descope.request_id` | the header `cf-ray` of the last attempt | its own |
//! | `error.type` | the status of a refusal, or `invalid_request`, `connect`, `timeout`, `network`, `intercepted`, `too_large`, `decode`, `cancelled` | the status from 400 on, or `connect`, `timeout`, `network`, `cancelled` |
//! | `otel.status_code` | `ERROR` with an `error.type` | the same |
//!
//! `cancelled` is what was dropped before it ended. A call that ends at the deadline of its [`CallOptions`] is a `timeout`,
//! and its last attempt was cancelled.
//!
//! All spans have the level INFO: OpenTelemetry wants the attempts, which are what happens on the network, as much as the
//! operations, and a log that prints lines alone is no longer for them. One line at DEBUG says how an attempt ended. To see
//! the operations alone, filter the spans named `attempt` out. Without a subscriber the spans of a call cost well under a
//! microsecond.
//!
//! A refresh and the reading of keys are in the trace of the request that waits for them first; what goes on in the background
//! has a trace of its own. [`DescopeBuilder::propagate_trace`] lets the trace go on at the service.

#![deny(missing_docs)]

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "management")]
pub mod management;
pub mod session;
#[cfg(any(feature = "actix-web", feature = "tower"))]
pub mod web;

mod auth;
mod authentication;
#[cfg(feature = "management")]
mod batch;
#[cfg(feature = "management")]
mod call;
mod check;
mod client;
mod codes;
mod config;
mod error;
mod identifier;
#[cfg_attr(not(feature = "management"), allow(dead_code, reason = "only management calls read the key"))]
mod management_key;
mod options;
#[cfg(feature = "management")]
mod paging;
#[cfg(feature = "management")]
mod patience;
mod poll;
mod raw_error;
mod sync;
mod token_source;
#[allow(unused_macro_rules, reason = "not everything that can be set has a flow yet")]
#[rustfmt::skip]
#[path = "generated/setters.rs"]
mod setters;

#[doc(inline)]
pub use auth::*;
pub use authentication::{Authentication, CookieSettings};
pub use client::Descope;
pub use codes::ErrorCode;
pub use config::DescopeBuilder;
/// The raw typed client underneath, with every operation of the API.
pub use descope_api as api;
pub use descope_api::{
    CallOptions, Pacing, RateGroup, RetryPolicy, Secret,
    types::{
        AuthHistoryEntry, IdpResponse, LoginOptions, SecurityQuestion, SessionTenant, SignUpOptions, SignUpUser, User,
        UserTenant,
    },
    vocabulary,
};
pub use error::{Error, ErrorKind, Result, Waited};
/// The type of [`Error::status`].
pub use http::StatusCode;
#[cfg(feature = "management")]
pub use identifier::NameOrId;
pub use identifier::{LoginId, UserId, UserIdentifier};
pub use management_key::ManagementKey;
pub use options::DeliveryMethod;
pub use poll::{PollOptions, Progress};
/// The HTTP client underneath, in the version that [`DescopeBuilder::http_client`] takes.
pub use reqwest;
pub use session::Sessions;

/// Holds the example of the README to the code.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct WorkspaceReadme;
