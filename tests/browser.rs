//! A browser whose passkeys are those of the software authenticator of 1Password, which knows nothing of this workspace.

use passkey::{
    authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::aws_lc_rs::AwsLcRsBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use public_suffix::PublicSuffixList;
use serde_json::Value;
use url::Url;

/// Of the page that asks.
pub(crate) const ORIGIN: &str = "https://app.example.com";

/// Somebody who touches the device and shows a face.
struct Person;

#[async_trait::async_trait]
impl UserValidationMethod for Person {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// A browser with an authenticator.
pub(crate) struct Browser(Client<MemoryStore, Person, AwsLcRsBackend, PublicSuffixList, ()>);

impl Browser {
    pub(crate) fn new() -> Self {
        let store = MemoryStore::new();
        Self(Client::new(Authenticator::new(Aaguid::new_empty(), store, Person, AwsLcRsBackend)))
    }

    /// What the page would post: the credential, by its own `Serialize`.
    pub(crate) async fn answer(&mut self, creates: bool, options: &str) -> Value {
        let origin = Url::parse(ORIGIN).expect("a URL");
        if creates {
            let options = serde_json::from_str(options).expect("options of a browser");
            let made = self.0.register(&origin, options, DefaultClientData).await.expect("a passkey");
            return serde_json::to_value(made).expect("JSON");
        }
        let options = serde_json::from_str(options).expect("options of a browser");
        let signed = self.0.authenticate(&origin, options, DefaultClientData).await.expect("a signature");
        serde_json::to_value(signed).expect("JSON")
    }
}
