#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

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

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use generated::{MockServerExt, operations};

/// What the client leaves as it is in a segment of a path: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The value of a path parameter as it arrives, in a form that is fit for a regular expression.
fn segment(value: &str) -> String {
    regex::escape(&utf8_percent_encode(value, RESERVED).to_string())
}
