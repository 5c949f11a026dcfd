//! The emulator, driven over HTTP as any client would.

mod access_key;
mod admin;
mod audit;
mod authz;
mod bad_input;
mod enchanted_link;
mod fga;
mod links;
mod lists;
mod management;
mod otp;
mod program;
mod security_questions;
mod session;
mod support;
mod world;
