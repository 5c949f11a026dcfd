//! Every flow against the emulator: how it goes well, and every way in which it is refused.

mod access_key;
mod enchanted_link;
mod magic_link;
mod otp;
mod security_questions;
mod session;
mod update;
