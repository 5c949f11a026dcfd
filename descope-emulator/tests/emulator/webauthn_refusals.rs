//! An authenticator that can do everything wrong, and what the emulator says to it.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use serde_json::{Value, json};

use crate::{
    support::{ADA, Api, Reply, claims, refresh_of, session_of, text},
    webauthn::{ORIGIN, finish, start},
};

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).expect("signed").as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signed");
                signature
            }
        }
    }

    /// Numbers of key type and algorithm, and the rest of the key.
    fn cose(&self) -> Cbor {
        let pair = |label: i64, value: Cbor| (Cbor::from(label), value);
        let of = |kind: i64, algorithm: i64| vec![pair(1, kind.into()), pair(3, algorithm.into())];
        let (mut members, rest) = match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                let x = Cbor::from(point[1..33].to_vec());
                (of(2, -7), vec![pair(-1, 1.into()), pair(-2, x), pair(-3, Cbor::from(point[33..].to_vec()))])
            }
            Self::EdDsa(key) => {
                (of(1, -8), vec![pair(-1, 6.into()), pair(-2, Cbor::from(key.public_key().as_ref().to_vec()))])
            }
            Self::Rs256(key) => {
                let n = key.public_key().modulus().big_endian_without_leading_zero().to_vec();
                let e = key.public_key().exponent().big_endian_without_leading_zero().to_vec();
                (of(3, -257), vec![pair(-1, Cbor::from(n)), pair(-2, Cbor::from(e))])
            }
        };
        members.extend(rest);
        Cbor::Map(members)
    }
}

fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("written");
    bytes
}

type Lie = fn(&mut Soft);

/// A browser and an authenticator in one. Whatever is changed in it makes it lie.
struct Soft {
    key: Key,
    id: Vec<u8>,
    origin: String,
    rp_id: String,
    flags: u8,
    counter: u32,
    challenge: Option<String>,
    kind: Option<&'static str>,
    format: &'static str,
    statement: Option<Cbor>,
    aaguid: [u8; 16],
    /// The maker's key and certificate.
    maker: Option<(EcdsaKeyPair, Vec<u8>)>,
    user_handle: Option<String>,
    spoil: bool,
}

impl Soft {
    fn new(key: Key) -> Self {
        Self {
            key,
            id: b"sixteen bytes id".to_vec(),
            origin: ORIGIN.to_owned(),
            rp_id: "app.example.com".to_owned(),
            flags: 0b101,
            counter: 0,
            challenge: None,
            kind: None,
            format: "none",
            statement: None,
            aaguid: [7; 16],
            maker: None,
            user_handle: None,
            spoil: false,
        }
    }

    fn client_data(&self, started: &Value, kind: &str) -> String {
        let options: Value = serde_json::from_str(text(&started["options"])).expect("JSON");
        let challenge = self.challenge.clone().unwrap_or_else(|| text(&options["publicKey"]["challenge"]).to_owned());
        let kind = self.kind.unwrap_or(kind);
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false}).to_string()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn create(&self, started: &Value) -> String {
        let client_data = self.client_data(started, "webauthn.create");
        let mut data = self.data(self.flags | 0x40);
        data.extend(self.aaguid);
        data.extend(u16::try_from(self.id.len()).expect("short").to_be_bytes());
        data.extend(&self.id);
        data.extend(cbor(&self.key.cose()));
        let signed = [&data[..], digest(&SHA256, client_data.as_bytes()).as_ref()].concat();
        let algorithm = self.key.cose().as_map().expect("a map")[1].1.clone();
        let spoilt = |mut signature: Vec<u8>| {
            signature[8] ^= u8::from(self.spoil);
            Cbor::from(signature)
        };
        let by_maker = |message: &[u8]| {
            let (key, certificate) = self.maker.as_ref().expect("a maker");
            let signature = key.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec();
            let chain = Cbor::Array(vec![Cbor::from(certificate.clone())]);
            vec![("alg".into(), (-7).into()), ("sig".into(), spoilt(signature)), ("x5c".into(), chain)]
        };
        let hash = digest(&SHA256, client_data.as_bytes());
        let statement = match (&self.statement, self.format) {
            (Some(statement), _) => statement.clone(),
            (None, "packed") if self.maker.is_some() => Cbor::Map(by_maker(&signed)),
            (None, "packed") => {
                Cbor::Map(vec![("alg".into(), algorithm), ("sig".into(), spoilt(self.key.sign(&signed)))])
            }
            (None, "fido-u2f") => {
                let Key::Es256(key) = &self.key else { panic!("another kind of key") };
                let point = key.public_key().as_ref();
                Cbor::Map(by_maker(&[&[0], &data[..32], hash.as_ref(), &self.id, point].concat()))
            }
            (None, _) => Cbor::Map(Vec::new()),
        };
        let object = Cbor::Map(vec![
            ("fmt".into(), self.format.into()),
            ("attStmt".into(), statement),
            ("authData".into(), Cbor::from(data)),
        ]);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(cbor(&object)),
        }})
        .to_string()
    }

    fn get(&self, started: &Value) -> String {
        let client_data = self.client_data(started, "webauthn.get");
        let data = self.data(self.flags);
        let mut signature = self.key.sign(&[&data[..], digest(&SHA256, client_data.as_bytes()).as_ref()].concat());
        signature[8] ^= u8::from(self.spoil);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": self.user_handle,
        }})
        .to_string()
    }
}

fn named(login_id: &str) -> Value {
    json!({"loginId": login_id, "origin": ORIGIN})
}

async fn sign_up(api: &Api, soft: &Soft, login_id: &str) -> Reply {
    let started = start(api, "signup", named(login_id)).await.ok();
    finish(api, "signup", &started, &soft.create(&started)).await
}

async fn sign_in(api: &Api, soft: &Soft, login_id: &str) -> Reply {
    let started = start(api, "signin", named(login_id)).await.ok();
    finish(api, "signin", &started, &soft.get(&started)).await
}

#[tokio::test]
async fn every_kind_of_key_signs_in_with_and_without_an_attestation_of_its_own() {
    let api = Api::start().await;
    let keys = [
        || Key::es256(),
        || Key::EdDsa(Ed25519KeyPair::generate().expect("a key")),
        || Key::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
    ];
    for (index, key) in keys.into_iter().enumerate() {
        for format in ["none", "packed"] {
            let mut soft = Soft::new(key());
            soft.format = format;
            soft.id = format!("a passkey of {index} {format}").into_bytes();
            let login_id = format!("user{index}{format}@example.com");
            sign_up(&api, &soft, &login_id).await.ok();
            sign_in(&api, &soft, &login_id).await.ok();
            soft.spoil = true;
            let why = sign_in(&api, &soft, &login_id).await.refused(400, "E011004");
            assert!(why.contains("signature"), "{why}");
        }
    }
}

/// An element of DER.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len();
    let mut element = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 128 => element.push(short),
        Ok(length) => element.extend([0x81, length]),
        Err(_) => element.extend([&[0x82][..], &u16::try_from(length).expect("short").to_be_bytes()].concat()),
    }
    element.extend(body);
    element
}

/// A maker's key with a certificate for authenticators: of this unit, and of a model if one is told.
fn maker(unit: &str, model: Option<[u8; 16]>) -> (EcdsaKeyPair, Vec<u8>) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let sha_ecdsa = der(0x30, &[&der(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]])]);
    let kind = [
        der(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]]),
        der(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]]),
    ]
    .concat();
    let public = der(0x30, &[&der(0x30, &[&kind]), &der(0x03, &[&[0], key.public_key().as_ref()])]);
    let unit = der(0x30, &[&der(0x06, &[&[0x55, 0x04, 0x0b]]), &der(0x0c, &[unit.as_bytes()])]);
    let name = der(0x30, &[&der(0x31, &[&unit])]);
    let times = der(0x30, &[&der(0x17, &[b"250101000000Z"]), &der(0x17, &[b"450101000000Z"])]);
    let constraints = der(0x30, &[&der(0x06, &[&[0x55, 0x1d, 0x13]]), &der(0x04, &[&der(0x30, &[])])]);
    let oid = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04];
    let model = model.map(|model| der(0x30, &[&der(0x06, &[&oid]), &der(0x04, &[&der(0x04, &[&model])])]));
    let extensions = der(0xa3, &[&der(0x30, &[&constraints, &model.unwrap_or_default()])]);
    let version = der(0xa0, &[&der(0x02, &[&[2]])]);
    let body = der(0x30, &[&version, &der(0x02, &[&[1]]), &sha_ecdsa, &name, &times, &name, &public, &extensions]);
    let signature = key.sign(&SystemRandom::new(), &body).expect("signed");
    let certificate = der(0x30, &[&body, &sha_ecdsa, &der(0x03, &[&[0], signature.as_ref()])]);
    (key, certificate)
}

const UNIT: &str = "Authenticator Attestation";

#[tokio::test]
async fn makers_attest_their_authenticators_with_certificates() {
    let api = Api::start().await;
    for (index, (format, aaguid, model)) in
        [("packed", [7; 16], Some([7; 16])), ("packed", [7; 16], None), ("fido-u2f", [0; 16], None)]
            .into_iter()
            .enumerate()
    {
        let mut soft = Soft::new(Key::es256());
        (soft.format, soft.aaguid, soft.maker) = (format, aaguid, Some(maker(UNIT, model)));
        soft.id = format!("a passkey, number {index}").into_bytes();
        let login_id = format!("user{index}@example.com");
        soft.spoil = true;
        let why = sign_up(&api, &soft, &login_id).await.refused(400, "E011004");
        assert!(why.contains("was not signed by the key of its certificate"), "{why}");
        soft.spoil = false;
        sign_up(&api, &soft, &login_id).await.ok();
        sign_in(&api, &soft, &login_id).await.ok();
    }
    for (why, format, aaguid, maker) in [
        ("another model", "packed", [7; 16], maker(UNIT, Some([8; 16]))),
        ("not one of an authenticator", "packed", [7; 16], maker("Web server", None)),
        ("do not tell their model", "fido-u2f", [7; 16], maker(UNIT, None)),
    ] {
        let mut soft = Soft::new(Key::es256());
        (soft.format, soft.aaguid, soft.maker) = (format, aaguid, Some(maker));
        let message = sign_up(&api, &soft, ADA).await.refused(400, "E011004");
        assert!(message.contains(why), "{why}: {message}");
    }
}

#[tokio::test]
async fn attestations_that_cannot_be_checked_are_not_taken_on_trust() {
    let api = Api::start().await;
    let mut soft = Soft::new(Key::es256());
    soft.format = "packed";
    soft.spoil = true;
    let why = sign_up(&api, &soft, ADA).await.refused(400, "E011004");
    assert!(why.contains("attestation"), "{why}");
    soft.spoil = false;
    let certificates = Cbor::Array(vec![Cbor::from(vec![1_u8])]);
    soft.statement = Some(Cbor::Map(vec![("alg".into(), (-7).into()), ("x5c".into(), certificates)]));
    let why = sign_up(&api, &soft, ADA).await.refused(400, "E011004");
    assert!(why.contains("cannot be read"), "{why}");
    soft.statement = Some(Cbor::Map(vec![("x5c".into(), Cbor::Array(Vec::new()))]));
    sign_up(&api, &soft, ADA).await.refused(400, "E011004");
    soft.format = "none";
    sign_up(&api, &soft, ADA).await.refused(400, "E011004");
    soft.statement = None;
    soft.format = "tpm";
    let why = sign_up(&api, &soft, ADA).await.refused(501, "E990501");
    assert!(why.contains("tpm"), "{why}");
    api.load_user(ADA).await.refused(404, "E112102");
}

#[tokio::test]
async fn an_answer_that_lies_about_page_challenge_domain_or_presence_is_refused() {
    let api = Api::start().await;
    let honest = Soft::new(Key::es256());
    sign_up(&api, &honest, ADA).await.ok();
    let lies: [(&str, Lie); 6] = [
        ("another page", |soft| soft.origin = "https://evil.example".to_owned()),
        ("another challenge", |soft| soft.challenge = Some("AAAA".to_owned())),
        ("not one of \"app.example.com\"", |soft| soft.rp_id = "evil.example".to_owned()),
        ("anybody is there", |soft| soft.flags = 0),
        ("synced", |soft| soft.flags = 0b1_0101),
        ("has answered \"webauthn.other\"", |soft| soft.kind = Some("webauthn.other")),
    ];
    for (why, lie) in lies {
        let mut soft = Soft::new(Key::es256());
        soft.id = b"another passkey!".to_vec();
        lie(&mut soft);
        let message = sign_up(&api, &soft, "bob@example.com").await.refused(400, "E011004");
        assert!(message.contains(why), "{why}: {message}");
        soft.id.clone_from(&honest.id);
        let message = sign_in(&api, &soft, ADA).await.refused(400, "E011004");
        assert!(message.contains(why), "{why}: {message}");
    }
    sign_in(&api, &honest, ADA).await.ok();
}

#[tokio::test]
async fn a_challenge_is_answered_once_and_in_time() {
    let api = Api::start().await;
    let soft = Soft::new(Key::es256());
    sign_up(&api, &soft, ADA).await.ok();
    let started = start(&api, "signin", named(ADA)).await.ok();
    let signed = soft.get(&started);
    finish(&api, "signin", &started, &signed).await.ok();
    finish(&api, "signin", &started, &signed).await.refused(401, "E062504");
    let next = start(&api, "signin", named(ADA)).await.ok();
    finish(&api, "signin", &next, &signed).await.refused(400, "E011004");
    finish(&api, "signin", &next, &soft.get(&next)).await.refused(401, "E062504");
    let late = start(&api, "signin", named(ADA)).await.ok();
    api.wait(181);
    finish(&api, "signin", &late, &soft.get(&late)).await.refused(401, "E062504");
    finish(&api, "signin", &json!({"transactionId": "nonsense"}), "{}").await.refused(401, "E062504");
    for kind in ["signup", "update"] {
        let started = start(&api, "signin", named(ADA)).await.ok();
        finish(&api, kind, &started, &soft.get(&started)).await.refused(400, "E011004");
    }
}

#[tokio::test]
async fn a_counter_that_goes_back_betrays_a_copy() {
    let api = Api::start().await;
    let mut soft = Soft::new(Key::es256());
    soft.counter = 5;
    sign_up(&api, &soft, ADA).await.ok();
    for (counter, fine) in [(6, true), (6, false), (5, false), (0, false), (9, true)] {
        soft.counter = counter;
        let reply = sign_in(&api, &soft, ADA).await;
        if fine {
            reply.ok();
        } else {
            let why = reply.refused(400, "E011004");
            assert!(why.contains("counter"), "{why}");
        }
    }
}

#[tokio::test]
async fn passkeys_that_are_unknown_or_somebody_elses_do_not_sign_in() {
    let api = Api::start().await;
    let ada = Soft::new(Key::es256());
    sign_up(&api, &ada, ADA).await.ok();
    let mut bob = Soft::new(Key::es256());
    bob.id = b"the key of Bob's".to_vec();
    sign_up(&api, &bob, "bob@example.com").await.ok();
    sign_in(&api, &bob, ADA).await.refused(400, "E067010");
    bob.id = b"a key of nobody!".to_vec();
    sign_in(&api, &bob, ADA).await.refused(400, "E067010");
    start(&api, "signin", named("nobody@example.com")).await.refused(400, "E062108");
    let mut other = Soft::new(Key::es256());
    other.id.clone_from(&ada.id);
    sign_in(&api, &other, ADA).await.refused(400, "E011004");
    let why = sign_up(&api, &other, "carol@example.com").await.refused(400, "E011004");
    assert!(why.contains("already"), "{why}");
    let mut handled = ada;
    handled.user_handle = Some("AAAA".to_owned());
    let why = sign_in(&api, &handled, ADA).await.refused(400, "E011004");
    assert!(why.contains("another user"), "{why}");
}

#[tokio::test]
async fn users_who_are_disabled_or_gone_do_not_come_in() {
    let api = Api::start().await;
    let soft = Soft::new(Key::es256());
    let session = sign_up(&api, &soft, ADA).await.ok();
    let started = start(&api, "signin", named(ADA)).await.ok();
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "disabled"})).await.ok();
    finish(&api, "signin", &started, &soft.get(&started)).await.refused(403, "E111119");
    start(&api, "signin", named(ADA)).await.refused(403, "E111119");
    api.manage("/v1/mgmt/user/update/status", json!({"loginId": ADA, "status": "enabled"})).await.ok();
    let path = "/v1/auth/webauthn/update/start";
    let started = api.post_as(&refresh_of(&session), path, named(ADA)).await.ok();
    api.manage("/v1/mgmt/user/delete", json!({"loginId": ADA})).await.ok();
    finish(&api, "update", &started, &soft.create(&started)).await.refused(401, "E062504");
}

#[tokio::test]
async fn answers_that_are_no_answers_are_refused() {
    let api = Api::start().await;
    let soft = Soft::new(Key::es256());
    sign_up(&api, &soft, ADA).await.ok();
    let good: Value = serde_json::from_str(&soft.get(&start(&api, "signin", named(ADA)).await.ok())).expect("JSON");
    let mut junk = vec![String::new(), "[]".to_owned(), "{\"id\": 1}".to_owned()];
    for (at, value) in [
        ("/type", json!("password")),
        ("/rawId", json!("AAAA")),
        ("/id", json!("*")),
        ("/response/clientDataJSON", json!("AAAA")),
        ("/response/authenticatorData", json!("AAAA")),
        ("/response/signature", json!("*")),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(at).expect("a member") = value;
        junk.push(changed.to_string());
    }
    for response in junk {
        let started = start(&api, "signin", named(ADA)).await.ok();
        let code = finish(&api, "signin", &started, &response).await;
        assert!((400..500).contains(&code.status), "{response}: {}", code.body);
    }
    for length in [0, 10, 36, 37, 60, 100] {
        let started = start(&api, "signup", named("bob@example.com")).await.ok();
        let mut made: Value = serde_json::from_str(&soft.create(&started)).expect("JSON");
        let object = URL_SAFE_NO_PAD.decode(text(&made["response"]["attestationObject"])).expect("base64");
        let mut cut: Cbor = ciborium::from_reader(&object[..]).expect("CBOR");
        let data = &mut cut.as_map_mut().expect("a map")[2].1;
        *data = Cbor::from(data.as_bytes().expect("bytes")[..length].to_vec());
        made["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(cbor(&cut)));
        finish(&api, "signup", &started, &made.to_string()).await.refused(400, "E011004");
    }
}

#[tokio::test]
async fn pages_and_options_that_cannot_be_are_refused() {
    let api = Api::start().await;
    for origin in ["", "app.example.com", "http://app.example.com", "https://app.example.com/page", "ftp://x.example"] {
        let code = start(&api, "signup", json!({"loginId": ADA, "origin": origin})).await;
        assert_eq!(code.status, 400, "{origin}: {}", code.body);
    }
    for options in [
        json!({"attestation": "loud"}),
        json!({"extensionsJSON": "[]"}),
        json!({"authenticatorSelection": {"residentKey": "perhaps"}}),
        json!({"authenticatorSelection": {"authenticatorAttachment": "glue"}}),
        json!({"authenticatorSelection": {"extensionsJSON": "x"}}),
    ] {
        let body = json!({"loginId": ADA, "origin": ORIGIN, "passkeyOptions": options});
        start(&api, "signup", body).await.refused(400, "E011004");
    }
    start(&api, "signup", json!({"origin": ORIGIN})).await.refused(400, "E011003");
    let body = json!({"loginId": ADA, "origin": "http://localhost:3000", "passkeyOptions": {
        "attestation": "direct", "extensionsJSON": "{\"credProps\": true}",
        "authenticatorSelection": {"authenticatorAttachment": "crossplatform", "requireResidentKey": "true"},
    }});
    let started = start(&api, "signup", body).await.ok();
    let options: Value = serde_json::from_str(text(&started["options"])).expect("JSON");
    let options = &options["publicKey"];
    assert_eq!((&options["rp"]["id"], &options["attestation"]), (&json!("localhost"), &json!("direct")));
    assert_eq!(options["extensions"], json!({"credProps": true}));
    let selection = &options["authenticatorSelection"];
    assert_eq!(
        (&selection["authenticatorAttachment"], &selection["residentKey"]),
        (&json!("cross-platform"), &json!("required"))
    );
}

#[tokio::test]
async fn the_project_can_have_one_domain_for_all_its_pages() {
    let api = Api::start().await;
    let settings = format!("{}/_emulator/settings", api.emulator.base_url());
    api.send(api.http.post(&settings).json(&json!({"passkeyDomain": "example.com"}))).await.ok();
    let mut soft = Soft::new(Key::es256());
    soft.rp_id = "example.com".to_owned();
    sign_up(&api, &soft, ADA).await.ok();
    soft.origin = "https://other.example.com".to_owned();
    let started = start(&api, "signin", json!({"loginId": ADA, "origin": soft.origin})).await.ok();
    finish(&api, "signin", &started, &soft.get(&started)).await.ok();
    start(&api, "signin", json!({"loginId": ADA, "origin": "https://example.org"})).await.refused(400, "E011004");
    soft.origin = "android:apk-key-hash:abc".to_owned();
    let started = start(&api, "signin", json!({"loginId": ADA, "origin": soft.origin})).await.ok();
    finish(&api, "signin", &started, &soft.get(&started)).await.ok();
}

#[tokio::test]
async fn a_passkey_that_was_brought_along_signs_in() {
    let api = Api::start().await;
    let soft = Soft { rp_id: "example.com".to_owned(), ..Soft::new(Key::es256()) };
    api.user(json!({"loginId": ADA, "email": ADA})).await;
    let device = json!({"descope": {
        "credentialId": base64::engine::general_purpose::STANDARD.encode(&soft.id), "rpId": "example.com",
        "publicKey": base64::engine::general_purpose::STANDARD.encode(cbor(&soft.key.cose())),
    }});
    let key = api.emulator.management_key().to_owned();
    api.post_as(&key, "/v1/mgmt/user/passkeys/import", json!({"loginId": ADA, "devices": [device]})).await.ok();
    let session = sign_in(&api, &soft, ADA).await.ok();
    assert_eq!(claims(&session_of(&session))["amr"], json!(["webauthn"]));
}
