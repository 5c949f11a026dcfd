//! Integration tests of the workspace, driven through the public APIs. One binary, so that it is linked once.

#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, reason = "generated")]
mod generated;
mod raw;
mod support;
