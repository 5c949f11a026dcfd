#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg_attr(not(feature = "federation"), allow(dead_code, reason = "each slice needs some of them"))]
mod answer;
mod error;
#[cfg_attr(
    not(all(feature = "auth", feature = "management")),
    allow(dead_code, reason = "each slice needs some of them")
)]
mod json;
#[cfg(feature = "auth")]
mod keys;
mod license;
mod open;
mod operation;
mod options;
mod pacing;
mod path;
mod refusal;
mod retry;
#[cfg(feature = "schemars")]
mod schema;
mod seam;
mod secret;
mod span;
#[cfg_attr(
    not(all(feature = "auth", feature = "management", feature = "federation")),
    allow(dead_code, reason = "each slice needs some of them")
)]
mod time;

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    rust_2018_idioms,
    unreachable_pub,
    unused_imports,
    reason = "written by progenitor"
)]
#[rustfmt::skip]
mod generated;

pub use error::{Error, ErrorKind};
pub use generated::{Client, operations::OPERATIONS, types, vocabulary};
pub use operation::{Auth, Operation, Retry, operation};
pub use options::CallOptions;
pub use pacing::{Pacing, RateGroup};
pub use progenitor_client::{ByteStream, ResponseValue};
pub use retry::RetryPolicy;
pub use seam::Config;
pub use secret::Secret;
pub use span::Propagator;
#[doc(hidden)]
pub use span::spans_alone;
