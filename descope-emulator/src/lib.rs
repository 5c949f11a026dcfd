#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod address;
mod admin;
mod app;
mod auth;
mod clock;
mod emulator;
mod error;
mod fault;
mod flow;
mod handler;
mod inbox;
mod journal;
mod keys;
mod random;
mod router;
mod routes;
mod schema;
#[cfg(feature = "sdk")]
mod sdk;
mod server;
mod state;
mod token;

pub use clock::Clock;
pub use emulator::{Emulator, EmulatorBuilder, StartError};
pub use fault::Fault;
pub use inbox::{Channel, Inbox, Message, MessageLink};
pub use journal::{Credential, RecordedRequest};
