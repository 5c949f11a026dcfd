//! What end users and machines call.

mod access_key;
mod enchanted_link;
mod link;
mod magic_link;
mod otp;
mod security_questions;
mod session;

pub(crate) use link::{link_to, redirect};
pub(crate) use magic_link::send_link;

use crate::handler::Table;

pub(super) fn register(table: &mut Table) {
    access_key::register(table);
    enchanted_link::register(table);
    magic_link::register(table);
    otp::register(table);
    security_questions::register(table);
    session::register(table);
}
