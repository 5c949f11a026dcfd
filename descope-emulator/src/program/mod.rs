//! What the program does besides serving.

pub(crate) mod doctor;
mod http;
pub(crate) mod seed;
