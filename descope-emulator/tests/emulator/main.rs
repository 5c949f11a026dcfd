//! The emulator, driven over HTTP as any client would.

mod access_key;
mod admin;
mod bad_input;
mod enchanted_link;
mod family;
mod impersonation;
mod jwt;
mod links;
mod management;
mod otp;
mod password;
mod program;
mod recovery_code;
mod security_questions;
mod session;
mod support;
mod totp;
mod user;
mod user_attribute;
mod user_batch;
mod user_credential;
mod user_search;
