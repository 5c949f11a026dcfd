//! Passkeys, made and used by an authenticator of somebody else's.

use descope_sdk::{ErrorKind, PendingDeviceState, PendingPasskey, PendingPasskeyState};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, ORIGIN},
    world::{ADA, BOB, World, refresh_of, refused, refused_here},
};

impl Browser {
    async fn answer_to(&mut self, pending: &PendingPasskey) -> Value {
        self.answer(pending.creates(), pending.options_json()).await
    }
}

#[tokio::test]
async fn a_passkey_signs_up_and_in() {
    let (world, mut browser) = (World::start().await, Browser::new());
    let webauthn = world.descope.webauthn();
    let pending = webauthn.sign_up(ADA, ORIGIN).name("Ada").custom_claim("a", 1).send().await.unwrap();
    assert!(pending.creates() && pending.options::<Value>().unwrap()["publicKey"]["challenge"].is_string());
    // The answer comes with another request.
    let state: PendingPasskeyState = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    let answer = browser.answer_to(&pending).await;
    let ada = webauthn.resume(state).finish(&answer).await.unwrap();
    assert!(ada.first_seen() && ada.user().unwrap().webauthn == Some(true));
    assert_eq!(world.claims(&ada).await.claim("nsec").unwrap()["a"], 1);

    let pending = webauthn.sign_in(ADA, ORIGIN).send().await.unwrap();
    assert!(!pending.creates());
    let answer = browser.answer_to(&pending).await;
    let again = pending.finish_json(answer.to_string()).await.unwrap();
    assert!(!again.first_seen());
    let replayed = pending.finish(&answer).await.unwrap_err();
    assert!(replayed.code().is_some(), "{replayed:?}");

    let pending = webauthn.sign_up_or_in(ADA, ORIGIN).step_up(refresh_of(&again)).send().await.unwrap();
    assert!(!pending.creates());
    let answer = browser.answer_to(&pending).await;
    let stepped = pending.finish(&answer).await.unwrap();
    assert_eq!(world.claims(&stepped).await.claim("su").unwrap(), &true);
    assert!(webauthn.sign_up_or_in(BOB, ORIGIN).send().await.unwrap().creates());
    assert!(!webauthn.sign_in_with_any(ORIGIN).send().await.unwrap().creates());
}

#[tokio::test]
async fn a_signed_in_user_adds_a_device_and_it_can_count_as_a_factor() {
    let (world, mut browser, mut second) = (World::start().await, Browser::new(), Browser::new());
    let (webauthn, ada) = (world.descope.webauthn(), world.refresh_jwt(ADA).await);
    refused(webauthn.sign_in(ADA, ORIGIN).send().await, ErrorKind::NotFound, 400, "E067010");
    let pending = webauthn.add_device(ADA, ORIGIN, &ada).send().await.unwrap();
    let answer = browser.answer(true, pending.options_json()).await;
    assert!(pending.finish(&answer).await.unwrap().is_none());
    let pending = webauthn.add_device(ADA, ORIGIN, &ada).mfa(true).send().await.unwrap();
    let answer = second.answer(true, pending.options_json()).await;
    // A challenge of one kind is not taken for one of the other.
    let state = serde_json::to_string(&pending).unwrap();
    serde_json::from_str::<PendingPasskeyState>(&state).unwrap_err();
    let sign_in = serde_json::to_string(&webauthn.sign_in(ADA, ORIGIN).send().await.unwrap()).unwrap();
    serde_json::from_str::<PendingDeviceState>(&sign_in).unwrap_err();
    let both = webauthn.resume_device(pending.state().clone()).finish(&answer).await.unwrap().expect("a session");
    assert!(world.claims(&both).await.claim("amr").unwrap().as_array().unwrap().iter().any(|one| one == "mfa"));
}

#[tokio::test]
async fn wrong_answers_and_unusable_arguments_are_refused() {
    let (world, mut browser) = (World::start().await, Browser::new());
    let webauthn = world.descope.webauthn();
    let pending = webauthn.sign_up(ADA, ORIGIN).send().await.unwrap();
    let mut answer = browser.answer_to(&pending).await;
    answer["response"]["clientDataJSON"] = json!("e30");
    let error = pending.finish(&answer).await.unwrap_err();
    assert!(error.status().is_some_and(|status| status.is_client_error()), "{error:?}");
    let before = world.operations().len();
    let kind = ErrorKind::InvalidArgument;
    refused_here(pending.finish(&json!([1])).await, kind, "credential");
    refused_here(pending.finish_json("no JSON").await, kind, "credential");
    refused_here(webauthn.sign_up("", ORIGIN).send().await, kind, "login_id");
    refused_here(webauthn.sign_up(ADA, "").send().await, kind, "origin");
    refused_here(webauthn.sign_in(" ", ORIGIN).send().await, kind, "login_id");
    refused_here(webauthn.sign_in_with_any("").send().await, kind, "origin");
    refused_here(webauthn.sign_up_or_in("", ORIGIN).send().await, kind, "login_id");
    refused_here(webauthn.add_device(ADA, ORIGIN, "").send().await, kind, "refresh_jwt");
    assert_eq!(world.operations().len(), before);
    refused(webauthn.sign_in(BOB, ORIGIN).send().await, ErrorKind::NotFound, 400, "E062108");
}
