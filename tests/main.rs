//! Integration tests of the workspace, driven through the public APIs. One binary, so that it is linked once.

#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, reason = "generated")]
#[path = "generated/raw.rs"]
mod generated;
mod another_process;
mod browser;
mod emulator;
mod flows;
mod management;
mod members;
mod pacing;
mod parity;
mod polling;
mod proxy;
mod raw;
mod requests;
mod resume;
mod retries;
mod secrets;
mod support;
mod traces;
mod world;
