//! Every flow against the emulator: how it goes well, and every way in which it is refused.

mod access_key;
mod embedded_link;
mod enchanted_link;
mod magic_link;
mod otp;
mod security_questions;
mod session;
mod test_user;
mod update;
mod user;
