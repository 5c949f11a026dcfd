//! What an application has asked for, until a user has decided and the application has fetched what it gets.

use serde::{Deserialize, Serialize};

use super::Place;
use crate::world::Record;

/// How a request came in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum How {
    /// By a browser.
    #[default]
    Browser,
    /// Ahead of the browser (RFC 9126).
    Pushed,
    /// By a device that shows a code (RFC 8628).
    Device { user_code: String },
    /// By a client that has the user asked on another device (CIBA).
    Backchannel { user_id: String, binding_message: String },
}

/// What the user has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Decision {
    #[default]
    Pending,
    Approved(Approval),
    Refused,
}

/// Who has agreed, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Approval {
    pub(super) user_id: String,
    pub(super) scopes: Vec<String>,
    /// Empty where the application needs no consent.
    pub(super) consent_id: String,
    /// The browser or session in which the user is signed in; empty on another device.
    pub(super) session_id: String,
    /// When the user has proven who they are.
    pub(super) at: i64,
}

/// One request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RequestRecord {
    /// Also the secret of the device, or the `auth_req_id`.
    pub(super) id: String,
    pub(super) how: How,
    pub(super) place: Place,
    pub(super) app_id: String,
    pub(super) redirect_uri: String,
    /// Whether the client has named the address itself, and so has to name it again.
    pub(super) redirect_named: bool,
    /// Whether the ID token goes to the application at once, by the browser.
    pub(super) implicit: bool,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    /// The challenge of PKCE, with the method that it was made by.
    pub(super) challenge: Option<(String, String)>,
    pub(super) scopes: Vec<String>,
    pub(super) audience: Vec<String>,
    pub(super) tenant: Option<String>,
    pub(super) prompt: Vec<String>,
    pub(super) login_hint: String,
    pub(super) decision: Decision,
    /// What the application trades for tokens.
    pub(super) code: Option<String>,
    /// What the code has bought; it must not buy anything again.
    pub(super) grant_id: Option<String>,
    /// How long a client that polls has to wait in between, in seconds.
    pub(super) interval: i64,
    pub(super) next_poll: i64,
    pub(super) expires_at: i64,
}

impl Record for RequestRecord {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        let user_code = match &self.how {
            How::Device { user_code } => Some(user_code.clone()),
            _ => None,
        };
        self.code.clone().into_iter().chain(user_code).collect()
    }

    fn owners(&self) -> Vec<String> {
        let user = match (&self.how, &self.decision) {
            (_, Decision::Approved(approval)) => Some(approval.user_id.clone()),
            (How::Backchannel { user_id, .. }, _) => Some(user_id.clone()),
            _ => None,
        };
        std::iter::once(self.app_id.clone()).chain(user).collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

/// A browser in which a user is signed in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct BrowserRecord {
    /// The value of the cookie.
    pub(super) id: String,
    pub(super) user_id: String,
    pub(super) signed_in_at: i64,
    pub(super) expires_at: i64,
}

impl Record for BrowserRecord {
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
