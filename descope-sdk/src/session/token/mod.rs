//! What a token is: its framing, its claims, and what each claim has to satisfy.

pub(super) mod algorithm;
pub(super) mod audience;
pub(super) mod claims;
pub(super) mod error;
pub(super) mod issuer;
pub(super) mod json;
pub(super) mod jws;
pub(super) mod kind;
pub(super) mod permissions;
pub(super) mod times;
