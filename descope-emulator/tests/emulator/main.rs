//! The emulator, driven over HTTP as any client would.

mod access_key;
mod admin;
mod applications;
mod audit;
mod back_office;
mod bad_input;
mod enchanted_link;
mod flows;
mod links;
mod lists;
mod management;
mod oauth;
mod otp;
mod program;
mod resources;
mod security_questions;
mod session;
mod sso;
mod support;
mod world;
