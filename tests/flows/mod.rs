//! Every flow against the emulator: how it goes well, and every way in which it is refused.

mod access_key;
mod agents;
mod apps;
mod devices;
mod enchanted_link;
mod fedcm;
mod flow;
mod magic_link;
mod messages;
mod otp;
mod passkeys;
mod password;
mod providers;
mod security_questions;
mod session;
mod update;
