//! Codes and links that wait to be redeemed, and what redeeming them does.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{address::clean_login_id, admin::inbox::Channel, area::user::Profile, world::Record};

/// What the session shall look like that a code or link leads to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SessionWish {
    pub(crate) nsec: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) tenant: Option<String>,
    pub(crate) stepup: bool,
    pub(crate) mfa: bool,
    pub(crate) revoke_other_sessions: bool,
    pub(crate) pkce_challenge: Option<String>,
    /// The `amr` of the session in which a step-up or a further factor was asked for.
    pub(crate) earlier_amr: Vec<String>,
}

/// The change of an email address or phone number that has to be confirmed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    pub(crate) user_id: String,
    pub(crate) address: String,
    pub(crate) add_to_login_ids: bool,
    pub(crate) on_merge_use_existing: bool,
    pub(crate) fail_on_conflict: bool,
}

/// What redeeming a code or link does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Purpose {
    SignIn {
        user_id: String,
    },
    SignUp {
        profile: Box<Profile>,
        /// Refuse when the login id was taken in the meantime; a combined sign-up or sign-in signs in instead.
        strict: bool,
        /// Whether redeeming proves that the address belongs to the user.
        proves_address: bool,
    },
    Update(Update),
}

/// A proof of who the user is that is still to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Challenge {
    pub(crate) purpose: Purpose,
    pub(crate) login_id: String,
    /// How the code or link reached the user; `None` when the back end passed it on itself.
    pub(crate) channel: Option<Channel>,
    pub(crate) wish: SessionWish,
    /// Epoch seconds from which it is refused.
    pub(crate) expires_at: i64,
}

impl Challenge {
    /// The user it is about, unless that user is still to be created.
    pub(crate) fn user_id(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::SignIn { user_id } | Purpose::Update(Update { user_id, .. }) => Some(user_id),
            Purpose::SignUp { .. } => None,
        }
    }

    fn owners(&self) -> impl Iterator<Item = String> {
        self.user_id().map(str::to_owned).into_iter()
    }
}

/// A one-time code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Code {
    pub(crate) id: String,
    pub(crate) digits: String,
    pub(crate) challenge: Challenge,
    /// Codes made for a test user are not replaced by those that are sent.
    pub(crate) generated: bool,
    pub(crate) wrong_attempts: u32,
}

impl Code {
    /// Whether the code goes with this channel. A generated one without a channel goes with all of them.
    pub(crate) fn is_for(&self, channel: Channel) -> bool {
        self.challenge.channel.is_none_or(|own| own == channel)
    }

    /// What the codes of a login id are found by.
    pub(crate) fn owner_of(login_id: &str) -> String {
        format!("login:{}", clean_login_id(login_id))
    }
}

impl Record for Code {
    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        self.challenge.owners().chain([Self::owner_of(&self.challenge.login_id)]).collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.challenge.expires_at)
    }
}

/// A magic or embedded link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) token: String,
    pub(crate) challenge: Challenge,
}

impl Record for Link {
    fn id(&self) -> &str {
        &self.token
    }

    fn owners(&self) -> Vec<String> {
        self.challenge.owners().collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.challenge.expires_at)
    }
}

/// One link of an enchanted message. It goes with the sign-in that it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EnchantedLink {
    pub(crate) token: String,
    pub(crate) pending_ref: String,
    pub(crate) right: bool,
    /// As the sign-in: the latest time that matters.
    pub(crate) expires_at: i64,
}

impl Record for EnchantedLink {
    fn id(&self) -> &str {
        &self.token
    }

    fn owners(&self) -> Vec<String> {
        vec![self.pending_ref.clone()]
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

/// An enchanted sign-in, seen from the device that polls.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the service calls it `pendingRef`")]
pub(crate) struct Pending {
    pub(crate) pending_ref: String,
    pub(crate) challenge: Challenge,
    pub(crate) state: PendingState,
}

impl Record for Pending {
    fn id(&self) -> &str {
        &self.pending_ref
    }

    fn owners(&self) -> Vec<String> {
        self.challenge.owners().collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.challenge.expires_at)
    }
}

/// How far an enchanted sign-in has come. One that is over is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PendingState {
    Waiting,
    /// The right link was clicked; the session waits to be fetched.
    Clicked,
}
