//! Sessions: what a refresh token stands for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::world::Record;

/// A signed-in user on one device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Session {
    /// What the `jti` of its tokens begins with.
    pub(crate) id: String,
    pub(crate) user_id: String,
    /// How the user has proven who they are, as in the claim `amr`.
    pub(crate) amr: Vec<String>,
    /// Claims asked for by the client; they stand in `nsec`.
    pub(crate) nsec: Map<String, Value>,
    /// Claims asked for by the back end; they stand at the top level.
    pub(crate) claims: Map<String, Value>,
    /// The current tenant, when one was chosen.
    pub(crate) tenant: Option<String>,
    /// Until when a step-up counts, in epoch seconds; 0 without one.
    pub(crate) stepped_up_until: i64,
    /// Who acts in the user's place, as in the claim `act`.
    pub(crate) actor: Option<String>,
    /// The roles of a visitor who has not signed in; nobody else has any here.
    pub(crate) anonymous_roles: Option<Vec<String>>,
    /// When the refresh token ends, in epoch seconds.
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
}

impl Record for Session {
    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        vec![self.user_id.clone()]
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}
