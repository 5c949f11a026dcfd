//! Passkeys with a page of your own. What the browser does, a software authenticator does here.

use descope_emulator::Emulator;
use descope_sdk::PendingPasskeyState;
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
use url::Url;

const ADA: &str = "ada@example.com";
/// Of the page. Passkeys are bound to its domain.
const ORIGIN: &str = "https://app.example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let webauthn = descope.webauthn();
    let mut browser = Browser::new();

    // The form with the address was sent; new users get a passkey, known ones use theirs.
    let pending = webauthn.sign_up_or_in(ADA, ORIGIN).send().await?;
    assert!(pending.creates(), "nobody has this address");
    // To the page: whether it is navigator.credentials.create or .get, and the options for it. Into the session of the
    // browser: the state, for the answer may reach another process of yours.
    let kept = serde_json::to_string(pending.state())?;
    let credential = browser.answer(pending.creates(), pending.options_json()).await?;

    // From the page: the credential, as its `toJSON()` gives it.
    let state: PendingPasskeyState = serde_json::from_str(&kept)?;
    let ada = webauthn.resume(state).finish_json(credential).await?;
    assert!(ada.first_seen());

    // The next time the options list her passkeys, and the browser signs with the one that it has.
    let pending = webauthn.sign_in(ADA, ORIGIN).send().await?;
    let credential = browser.answer(pending.creates(), pending.options_json()).await?;
    let ada = pending.finish_json(credential.as_str()).await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    println!("{} is signed in by a passkey", session.user_id());
    assert!(pending.finish_json(credential).await.is_err(), "an answer is good once");

    // A second device, once she is signed in.
    let mut tablet = Browser::new();
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    let pending = webauthn.add_device(ADA, ORIGIN, refresh_jwt).send().await?;
    let credential = tablet.answer(true, pending.options_json()).await?;
    pending.finish_json(credential).await?;
    let passkeys = descope.management().users().load_passkeys(descope_sdk::LoginId::new(ADA)).send().await?;
    assert_eq!(passkeys.len(), 2);
    println!("she has two passkeys");
    Ok(())
}

/// A browser with an authenticator, in place of the page's few lines of JavaScript.
struct Browser(Client<MemoryStore, Finger, AwsLcRsBackend, PublicSuffixList, ()>);

impl Browser {
    fn new() -> Self {
        let authenticator = Authenticator::new(Aaguid::new_empty(), MemoryStore::new(), Finger, AwsLcRsBackend);
        Self(Client::new(authenticator))
    }

    async fn answer(&mut self, creates: bool, options: &str) -> Result<String, Box<dyn std::error::Error>> {
        let page = Url::parse(ORIGIN)?;
        Ok(if creates {
            let made = self.0.register(&page, serde_json::from_str(options)?, DefaultClientData).await;
            serde_json::to_string(&made.map_err(|error| format!("{error:?}"))?)?
        } else {
            let signed = self.0.authenticate(&page, serde_json::from_str(options)?, DefaultClientData).await;
            serde_json::to_string(&signed.map_err(|error| format!("{error:?}"))?)?
        })
    }
}

/// Somebody who touches the device.
struct Finger;

#[async_trait::async_trait]
impl UserValidationMethod for Finger {
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
