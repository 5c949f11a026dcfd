//! Sessions: what a refresh token stands for.

use serde_json::{Map, Value};

/// A signed-in user on one device.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user_id: String,
    /// How the user has proven who they are, as in the claim `amr`.
    pub(crate) amr: Vec<String>,
    /// Claims asked for by the client; they stand in `nsec`.
    pub(crate) nsec: Map<String, Value>,
    /// Claims asked for by the back end; they stand at the top level.
    pub(crate) claims: Map<String, Value>,
    /// The current tenant, when one was chosen.
    pub(crate) tenant: Option<String>,
    /// Whether a step-up was passed.
    pub(crate) stepped_up: bool,
    /// When the refresh token ends, in epoch seconds.
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
}
