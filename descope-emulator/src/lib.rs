#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod address;
mod admin;
mod area;
#[cfg(feature = "sdk")]
mod browser;
mod builder;
mod control;
mod emulator;
mod error;
mod flow;
mod http;
#[cfg(feature = "sdk")]
mod sdk;
mod world;

#[cfg(feature = "sdk")]
pub use self::browser::BrowserError;
pub use self::{
    admin::{
        fault::{Fault, FaultError},
        faults::PendingFault,
        inbox::{Channel, Inbox, Message, MessageLink},
        journal::{Credential, RecordedRequest, RequestFilter},
        messages::{MessageFilter, MessageKind},
        person::PersonError,
        session::{BrowserCookie, SessionRequest, SignInError, SignedIn},
        token::IssuedToken,
    },
    builder::{EmulatorBuilder, StartError},
    emulator::Emulator,
    world::clock::Clock,
};
