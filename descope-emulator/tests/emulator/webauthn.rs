//! Ceremonies with the software authenticator of 1Password, which knows nothing of the emulator.

use passkey::{
    authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::{aws_lc_rs::AwsLcRsBackend, iana},
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use public_suffix::PublicSuffixList;
use serde_json::{Value, json};
use url::Url;

use crate::support::{ADA, Api, Reply, claims, refresh_of, session_of, text};

pub(crate) const ORIGIN: &str = "https://app.example.com";

/// Somebody who touches the device and shows a face, or only touches it.
struct Person {
    shows_face: bool,
}

#[async_trait::async_trait]
impl UserValidationMethod for Person {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification: verification && self.shows_face })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        self.shows_face.then_some(true)
    }
}

/// A browser with an authenticator.
struct Device {
    client: Client<MemoryStore, Person, AwsLcRsBackend, PublicSuffixList, ()>,
}

impl Device {
    fn new() -> Self {
        Self::with(&[iana::Algorithm::ES256], true)
    }

    fn with(algorithms: &[iana::Algorithm], shows_face: bool) -> Self {
        let mut authenticator =
            Authenticator::new(Aaguid::new_empty(), MemoryStore::new(), Person { shows_face }, AwsLcRsBackend);
        authenticator.set_algorithms(algorithms).expect("algorithms");
        authenticator.set_make_credentials_with_signature_counter(true);
        Self { client: Client::new(authenticator) }
    }

    async fn create(&mut self, started: &Value) -> String {
        let options = serde_json::from_str(text(&started["options"])).expect("options of a browser");
        let origin = Url::parse(ORIGIN).expect("a URL");
        let made = self.client.register(&origin, options, DefaultClientData).await.expect("a passkey");
        serde_json::to_string(&made).expect("JSON")
    }

    async fn get(&mut self, started: &Value) -> String {
        let options = serde_json::from_str(text(&started["options"])).expect("options of a browser");
        let origin = Url::parse(ORIGIN).expect("a URL");
        let signed = self.client.authenticate(&origin, options, DefaultClientData).await.expect("a signature");
        serde_json::to_string(&signed).expect("JSON")
    }
}

pub(crate) async fn start(api: &Api, kind: &str, body: Value) -> Reply {
    api.post(&format!("/v1/auth/webauthn/{kind}/start"), body).await
}

pub(crate) async fn finish(api: &Api, kind: &str, started: &Value, response: &str) -> Reply {
    let body = json!({"transactionId": started["transactionId"], "response": response});
    api.post(&format!("/v1/auth/webauthn/{kind}/finish"), body).await
}

async fn sign_up(api: &Api, device: &mut Device, login_id: &str) -> Value {
    let started = start(api, "signup", json!({"loginId": login_id, "origin": ORIGIN})).await.ok();
    let made = device.create(&started).await;
    finish(api, "signup", &started, &made).await.ok()
}

#[tokio::test]
async fn a_new_user_signs_up_and_in_with_a_passkey() {
    let api = Api::start().await;
    let mut device = Device::new();
    let body =
        json!({"user": {"loginId": ADA, "name": "Ada"}, "origin": ORIGIN, "loginOptions": {"customClaims": {"a": 1}}});
    let started = start(&api, "signup", body).await.ok();
    assert_eq!(started["create"], true);
    let made = device.create(&started).await;
    let session = finish(&api, "signup", &started, &made).await.ok();
    let user = &session["user"];
    assert_eq!((&session["firstSeen"], &user["webauthn"], &user["name"]), (&json!(true), &json!(true), &json!("Ada")));
    let token = claims(&session_of(&session));
    assert_eq!((&token["amr"], &token["nsec"]), (&json!(["webauthn"]), &json!({"a": 1})));

    let started = start(&api, "signin", json!({"loginId": ADA, "origin": ORIGIN})).await.ok();
    assert_eq!(started["create"], false);
    let signed = device.get(&started).await;
    // The SDK for Go spells it like this.
    let body = json!({"transactionID": started["transactionId"], "response": signed});
    let session = api.post("/v1/auth/webauthn/signin/finish", body).await.ok();
    assert_eq!((&session["firstSeen"], &session["user"]["loginIds"]), (&json!(false), &json!([ADA])));
    start(&api, "signup", json!({"loginId": ADA, "origin": ORIGIN})).await.refused(400, "E062107");
}

#[tokio::test]
async fn keys_of_every_kind_that_is_asked_for_sign_in() {
    let api = Api::start().await;
    for (index, algorithm) in [iana::Algorithm::ES256, iana::Algorithm::EdDSA].into_iter().enumerate() {
        let login_id = format!("user{index}@example.com");
        let mut device = Device::with(&[algorithm], true);
        sign_up(&api, &mut device, &login_id).await;
        let started = start(&api, "signin", json!({"loginId": login_id, "origin": ORIGIN})).await.ok();
        let signed = device.get(&started).await;
        finish(&api, "signin", &started, &signed).await.ok();
    }
}

#[tokio::test]
async fn nobody_has_to_be_named_where_the_device_knows_who_it_is() {
    let api = Api::start().await;
    let mut device = Device::new();
    let body = json!({"loginId": ADA, "origin": ORIGIN, "passkeyOptions": {"authenticatorSelection": {
        "residentKey": "required", "authenticatorAttachment": "platform",
    }}});
    let started = start(&api, "signup", body).await.ok();
    let made = device.create(&started).await;
    finish(&api, "signup", &started, &made).await.ok();
    let started = start(&api, "signin", json!({"origin": ORIGIN, "loginId": ""})).await.ok();
    let options: Value = serde_json::from_str(text(&started["options"])).expect("JSON");
    assert_eq!(options["publicKey"]["allowCredentials"], Value::Null);
    // This authenticator looks its passkeys up by their ids alone.
    let mut options = options;
    let id = device.client.authenticator().store().keys().next().expect("a passkey").clone();
    let id = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, id);
    options["publicKey"]["allowCredentials"] = json!([{"type": "public-key", "id": id}]);
    let mut asked = started.clone();
    asked["options"] = json!(options.to_string());
    let signed = device.get(&asked).await;
    let session = finish(&api, "signin", &started, &signed).await.ok();
    assert_eq!(session["user"]["loginIds"], json!([ADA]));
}

#[tokio::test]
async fn one_form_signs_newcomers_up_and_known_users_in() {
    let api = Api::start().await;
    let mut device = Device::new();
    let body = json!({"loginId": ADA, "origin": ORIGIN});
    let started = start(&api, "signup-in", body.clone()).await.ok();
    assert_eq!(started["create"], true);
    let made = device.create(&started).await;
    finish(&api, "signin", &started, &made).await.refused(400, "E011004");
    let started = start(&api, "signup-in", body.clone()).await.ok();
    let made = device.create(&started).await;
    finish(&api, "signup", &started, &made).await.ok();
    let started = start(&api, "signup-in", body.clone()).await.ok();
    assert_eq!(started["create"], false);
    let signed = device.get(&started).await;
    finish(&api, "signin", &started, &signed).await.ok();
    api.signed_in("bob@example.com").await;
    let bob = json!({"loginId": "bob@example.com", "origin": ORIGIN});
    start(&api, "signup-in", bob).await.refused(400, "E067010");
    let stepping = json!({"loginId": "new@example.com", "origin": ORIGIN, "loginOptions": {"stepup": true}});
    start(&api, "signup-in", stepping).await.refused(400, "E062108");
}

#[tokio::test]
async fn a_user_who_is_signed_in_adds_a_passkey_and_uses_it_as_a_further_factor() {
    let api = Api::start().await;
    let mut device = Device::new();
    let refresh = refresh_of(&api.signed_in(ADA).await);
    let path = "/v1/auth/webauthn/update/start";
    let body = json!({"loginId": ADA, "origin": ORIGIN});
    api.post(path, body.clone()).await.refused(401, "E011002");
    let other = refresh_of(&api.signed_in("bob@example.com").await);
    api.post_as(&other, path, body.clone()).await.refused(403, "E011004");
    api.post_as(&refresh, path, json!({"loginId": ADA})).await.refused(400, "E011003");
    start(&api, "signin", body.clone()).await.refused(400, "E067010");

    let started = api.post_as(&refresh, path, body.clone()).await.ok();
    let made = device.create(&started).await;
    assert_eq!(finish(&api, "update", &started, &made).await.ok(), json!({}));
    assert_eq!(api.user_now(ADA).await["webauthn"], true);

    let mut second = Device::new();
    let started = api.post_as(&refresh, path, json!({"loginId": ADA, "origin": ORIGIN, "mfa": true})).await.ok();
    let options: Value = serde_json::from_str(text(&started["options"])).expect("JSON");
    assert_eq!(options["publicKey"]["excludeCredentials"].as_array().map(Vec::len), Some(1));
    let made = second.create(&started).await;
    let answer = finish(&api, "update", &started, &made).await.ok();
    assert_eq!(claims(&session_of(&answer["jwt"]))["amr"], json!(["email", "webauthn", "mfa"]));

    let stepping = json!({"loginId": ADA, "origin": ORIGIN, "loginOptions": {"stepup": true}});
    start(&api, "signin", stepping.clone()).await.refused(401, "E011002");
    let started = api.post_as(&refresh, "/v1/auth/webauthn/signin/start", stepping).await.ok();
    let signed = second.get(&started).await;
    let session = finish(&api, "signin", &started, &signed).await.ok();
    assert_eq!(claims(&session_of(&session))["su"], true);
}

#[tokio::test]
async fn the_back_end_sees_passkeys_and_takes_them_away() {
    let api = Api::start().await;
    let mut device = Device::new();
    sign_up(&api, &mut device, ADA).await;
    let of = json!({"loginId": ADA});
    let known = api.manage("/v1/mgmt/user/passkeys/list", of.clone()).await.ok();
    let passkey = &known["passkeys"][0];
    assert_eq!((&passkey["rpId"], &passkey["kind"]), (&json!("app.example.com"), &json!("multi_device")));
    api.manage("/v1/mgmt/user/passkeys/delete", of).await.ok();
    assert_eq!(api.user_now(ADA).await["webauthn"], false);
    start(&api, "signin", json!({"loginId": ADA, "origin": ORIGIN})).await.refused(400, "E067010");
}

#[tokio::test]
async fn a_user_who_has_to_show_a_face_and_does_not_is_refused() {
    let api = Api::start().await;
    let mut device = Device::with(&[iana::Algorithm::ES256], false);
    let selection = json!({"userVerification": "discouraged"});
    let mut body = json!({"loginId": ADA, "origin": ORIGIN, "passkeyOptions": {"authenticatorSelection": selection}});
    let started = start(&api, "signup", body.clone()).await.ok();
    let made = device.create(&started).await;
    finish(&api, "signup", &started, &made).await.ok();
    body["passkeyOptions"] = json!({"userVerification": "required"});
    let started = start(&api, "signin", body.clone()).await.ok();
    let mut asked = started.clone();
    asked["options"] = json!(text(&started["options"]).replace("\"required\"", "\"discouraged\""));
    let signed = device.get(&asked).await;
    let why = finish(&api, "signin", &started, &signed).await.refused(400, "E011004");
    assert!(why.contains("verified"), "{why}");
    body["passkeyOptions"] = json!({"userVerification": "discouraged"});
    let started = start(&api, "signin", body).await.ok();
    let signed = device.get(&started).await;
    finish(&api, "signin", &started, &signed).await.ok();
}
