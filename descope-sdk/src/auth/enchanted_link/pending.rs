//! Links that were sent and of which the right one has to be clicked.

use descope_api::Secret;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Descope, auth::polled::polled};

/// Links that are on their way to the user. [`wait`](Self::wait) or [`check`](Self::check) finish the sign-in.
///
/// It serialises to its [state](Self::state), from which
/// [`EnchantedLink::resume`](crate::EnchantedLink::resume) makes it again.
///
/// ```
/// # use descope_sdk::{ErrorKind, PollOptions};
/// # use std::time::Duration;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let link = descope.enchanted_link().sign_up("ada@example.com").send().await?;
/// let options = PollOptions::new()
///     .deadline(Duration::from_millis(100))
///     .on_progress(|progress| println!("still waiting after {:?}", progress.elapsed));
///
/// let too_late = link.wait_with(&options).await.unwrap_err();
/// assert_eq!(too_late.kind(), ErrorKind::Timeout);
/// assert_eq!(too_late.waited().unwrap().attempts, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PendingLink {
    descope: Descope,
    state: PendingLinkState,
}

/// What has to be kept of a [`PendingLink`] until the user has clicked.
///
/// Serialised it holds the pending reference in the clear, and whoever has that gets the session: keep it on the
/// server, or encrypted in a cookie.
///
/// ```
/// # use descope_sdk::PendingLinkState;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let link = descope.enchanted_link().sign_up("ada@example.com").send().await?;
/// let stored = serde_json::to_string(&link)?;
///
/// // In another request or another process:
/// let state: PendingLinkState = serde_json::from_str(&stored)?;
/// let link = descope.enchanted_link().resume(state);
/// assert!(link.check().await?.is_none(), "nobody has clicked yet");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLinkState {
    pending_ref: Secret,
    link_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "masked_email")]
    masked_address: Option<String>,
}

impl PendingLink {
    pub(crate) fn new(descope: Descope, state: PendingLinkState) -> Self {
        Self { descope, state }
    }

    /// The number of the right link, two digits. Show it to the user.
    ///
    /// Empty for links of [test users](crate::management::test_user::TestUsers::generate_enchanted_link), of which there is one.
    pub fn link_id(&self) -> &str {
        self.state.link_id()
    }

    /// Where the links went, with most of it hidden. Fit to be shown.
    pub fn masked_address(&self) -> Option<&str> {
        self.state.masked_address()
    }

    /// What to keep when the sign-in is finished in another request or another process.
    pub fn state(&self) -> &PendingLinkState {
        &self.state
    }
}

polled!(
    PendingLink,
    EnchantedLinkPendingSessionRequest,
    enchanted_link_pending_session,
    "/v1/auth/enchantedlink/pending-session",
    "the right link has been clicked"
);

impl Serialize for PendingLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl PendingLinkState {
    pub(crate) fn new(pending_ref: Secret, link_id: String, masked_address: Option<String>) -> Self {
        Self { pending_ref, link_id, masked_address }
    }

    /// The number of the right link, two digits. Show it to the user.
    pub fn link_id(&self) -> &str {
        &self.link_id
    }

    /// Where the links went, with most of it hidden. Fit to be shown.
    pub fn masked_address(&self) -> Option<&str> {
        self.masked_address.as_deref()
    }

    /// The handle that the service gave out for this sign-in.
    pub fn pending_ref(&self) -> &Secret {
        &self.pending_ref
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_being_stored_and_hides_its_reference() {
        let state = PendingLinkState::new(Secret::from("2Rmv-marked"), "42".into(), None);
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<PendingLinkState>(&json).unwrap(), state);
        assert!(json.contains("marked") && !format!("{state:?}").contains("marked"));
    }
}
