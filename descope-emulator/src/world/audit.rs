//! What has happened in a project, as the audit trail tells it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How many entries a project keeps; the oldest go first.
pub(crate) const CAPACITY: usize = 10_000;

/// One entry of the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AuditEntry {
    pub(crate) id: String,
    /// What happened, such as `UserCreated`.
    pub(crate) action: String,
    /// `info`, `warn` or `error`.
    pub(crate) kind: String,
    /// The id of the thing it happened to.
    pub(crate) target: String,
    /// Who did it: a user, an access key, or `management`.
    pub(crate) actor: String,
    /// How the user proved who they are, where it is about a sign-in.
    pub(crate) method: String,
    pub(crate) login_ids: Vec<String>,
    pub(crate) tenants: Vec<String>,
    pub(crate) ip: String,
    /// Epoch seconds.
    pub(crate) at: i64,
    pub(crate) data: Map<String, Value>,
}
