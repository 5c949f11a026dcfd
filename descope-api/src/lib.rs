#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg_attr(not(feature = "federation"), allow(dead_code, reason = "each slice needs some of them"))]
mod answer;
#[cfg_attr(
    not(all(feature = "auth", feature = "management")),
    allow(dead_code, reason = "each slice needs some of them")
)]
mod json;
#[cfg(feature = "auth")]
mod keys;
mod operation;
mod seam;
mod secret;

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

#[cfg(feature = "httpmock")]
pub use generated::mocks;
pub use generated::{Client, operations::OPERATIONS, types};
pub use operation::{Auth, Operation, Retry, operation};
pub use progenitor_client::{ByteStream, Error, ResponseValue};
pub use seam::{Config, RetryPolicy, is_too_large};
pub use secret::Secret;
