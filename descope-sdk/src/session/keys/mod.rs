//! The project's public keys: one, a set of them, and the store that keeps the set up to date.

pub(super) mod jwk;
pub(super) mod key_set;
pub(super) mod store;
mod weak_rsa;
