//! The checks of a relying party on what a browser answers, by sections 7.1 and 7.2 of the WebAuthn specification.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ciborium::Value as Cbor;
use serde::Deserialize;

use super::{
    attestation::{self, Made},
    cose::PublicKey,
    plain,
};
use crate::error::Refusal;

/// The longest id of a credential, by the specification.
const MAX_ID: usize = 1023;

/// Base64url, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the answer has to be about.
pub(super) struct Expected<'a> {
    pub(super) challenge: &'a str,
    pub(super) origin: &'a str,
    pub(super) rp_id: &'a str,
    pub(super) verify_user: bool,
}

/// A new passkey.
pub(super) struct Created {
    pub(super) id: String,
    /// In COSE form.
    pub(super) public_key: Vec<u8>,
    /// In hexadecimal digits with hyphens.
    pub(super) aaguid: String,
    pub(super) syncable: bool,
    pub(super) counter: u32,
}

/// A signature that was right.
#[derive(Debug)]
pub(super) struct Asserted {
    pub(super) id: String,
    pub(super) counter: u32,
}

/// The browser's credential, with its binary members in base64url.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<R> {
    id: String,
    #[serde(default)]
    raw_id: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    response: R,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attested {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

/// What the browser says that it was asked, and where.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

fn refuse(why: impl Into<String>) -> Refusal {
    Refusal::invalid(why.into())
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    BASE64.decode(text).map_err(|_| refuse(format!("The {field} member of the response is not in base64url")))
}

fn credential<R: for<'de> Deserialize<'de>>(text: &str) -> Result<(Vec<u8>, R), Refusal> {
    let read: Credential<R> = serde_json::from_str(text)
        .map_err(|error| refuse(format!("The response field is not the JSON text of a credential: {error}")))?;
    if read.kind.is_some_and(|kind| kind != "public-key") {
        return Err(refuse("The response is not that of a passkey"));
    }
    let id = bytes("id", &read.id)?;
    if read.raw_id.is_some_and(|raw| bytes("rawId", &raw).ok().as_ref() != Some(&id)) {
        return Err(refuse("The id and rawId members of the response differ"));
    }
    Ok((id, read.response))
}

/// Checks what was asked and where, and gives the hash that the authenticator has seen.
fn client_data(text: &str, kind: &str, expected: &Expected<'_>) -> Result<Vec<u8>, Refusal> {
    let raw = bytes("clientDataJSON", text)?;
    let data: ClientData =
        serde_json::from_slice(&raw).map_err(|_| refuse("The clientDataJSON member of the response cannot be read"))?;
    if data.kind != kind {
        return Err(refuse(format!("The browser has answered {:?}, not {kind:?}", data.kind)));
    }
    if plain(&data.challenge) != expected.challenge {
        return Err(refuse("The browser has answered another challenge than the one of this transaction"));
    }
    if data.origin != expected.origin || data.cross_origin {
        let message = format!("The browser has answered on another page than {}: {:?}", expected.origin, data.origin);
        return Err(refuse(message));
    }
    Ok(digest(&SHA256, &raw).as_ref().to_vec())
}

/// What the authenticator says.
struct AuthenticatorData<'a> {
    flags: u8,
    counter: u32,
    attested: Option<AttestedCredential<'a>>,
}

struct AttestedCredential<'a> {
    aaguid: &'a [u8],
    id: &'a [u8],
    key: &'a [u8],
    public_key: Option<PublicKey>,
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Takes `length` bytes from the front.
fn take<'a>(data: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = data.split_at_checked(length)?;
    *data = rest;
    Some(taken)
}

/// Takes one CBOR value from the front, with the bytes that it was.
fn take_cbor<'a>(data: &mut &'a [u8]) -> Option<(Cbor, &'a [u8])> {
    let before = *data;
    let value: Cbor = ciborium::de::from_reader_with_recursion_limit(&mut *data, 16).ok()?;
    Some((value, before.get(..before.len() - data.len())?))
}

fn authenticator_data<'a>(raw: &'a [u8], expected: &Expected<'_>) -> Result<AuthenticatorData<'a>, Refusal> {
    let unreadable = || refuse("The authenticator data of the response cannot be read");
    let mut rest = raw;
    let hash = take(&mut rest, 32).ok_or_else(unreadable)?;
    let flags = take(&mut rest, 1).and_then(|flags| flags.first().copied()).ok_or_else(unreadable)?;
    let counter = take(&mut rest, 4).and_then(|bytes| bytes.try_into().ok()).ok_or_else(unreadable)?;
    let mut attested = None;
    if flags & ATTESTED != 0 {
        let read = |rest: &mut &'a [u8]| {
            let aaguid = take(rest, 16)?;
            let length = take(rest, 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes)?;
            let id = take(rest, usize::from(length)).filter(|id| !id.is_empty() && id.len() <= MAX_ID)?;
            let (value, key) = take_cbor(rest)?;
            Some(AttestedCredential { aaguid, id, key, public_key: PublicKey::from_value(value) })
        };
        attested = Some(read(&mut rest).ok_or_else(unreadable)?);
    }
    if flags & EXTENSIONS != 0 {
        take_cbor(&mut rest).filter(|(value, _)| value.is_map()).ok_or_else(unreadable)?;
    }
    if !rest.is_empty() {
        return Err(unreadable());
    }
    if hash != digest(&SHA256, expected.rp_id.as_bytes()).as_ref() {
        return Err(refuse(format!("The passkey is not one of {:?}", expected.rp_id)));
    }
    if flags & USER_PRESENT == 0 {
        return Err(refuse("The authenticator has not asked whether anybody is there"));
    }
    if expected.verify_user && flags & USER_VERIFIED == 0 {
        return Err(refuse("The authenticator has not verified the user, which was required"));
    }
    if flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0 {
        return Err(refuse("The passkey says that it is synced and cannot be synced"));
    }
    Ok(AuthenticatorData { flags, counter: u32::from_be_bytes(counter), attested })
}

/// Checks the answer of `navigator.credentials.create`.
pub(super) fn created(response: &str, expected: &Expected<'_>) -> Result<Created, Refusal> {
    let (id, answer) = credential::<Attested>(response)?;
    let hash = client_data(&answer.client_data, "webauthn.create", expected)?;
    let object = bytes("attestationObject", &answer.attestation_object)?;
    let unreadable = || refuse("The attestationObject member of the response cannot be read");
    let mut rest = object.as_slice();
    let (value, _) = take_cbor(&mut rest).ok_or_else(unreadable)?;
    let members = value.into_map().map_err(|_| unreadable())?;
    let member = |name: &str| members.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    let format = member("fmt").and_then(Cbor::as_text).ok_or_else(unreadable)?;
    let statement = member("attStmt").and_then(Cbor::as_map).ok_or_else(unreadable)?;
    let raw = member("authData").and_then(Cbor::as_bytes).ok_or_else(unreadable)?;
    let data = authenticator_data(raw, expected)?;
    let attested = data.attested.ok_or_else(|| refuse("The authenticator data of the response holds no passkey"))?;
    if attested.id != id {
        return Err(refuse("The passkey of the authenticator data is another one than the response names"));
    }
    let key = attested
        .public_key
        .ok_or_else(|| refuse("The key of the passkey is of none of the kinds that were asked for"))?;
    let made = Made { key: &key, id: &id, aaguid: attested.aaguid, data: raw, client_data_hash: &hash };
    attestation::check(format, statement, &made)?;
    Ok(Created {
        id: BASE64.encode(&id),
        public_key: attested.key.to_vec(),
        aaguid: aaguid(attested.aaguid),
        syncable: data.flags & BACKUP_ELIGIBLE != 0,
        counter: data.counter,
    })
}

fn aaguid(bytes: &[u8]) -> String {
    let digits = crate::world::ids::hexadecimal::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default().to_owned());
    parts.join("-")
}

/// The answer of `navigator.credentials.get`, before anything in it was checked.
pub(super) struct Assertion {
    pub(super) id: String,
    pub(super) user_handle: Option<String>,
    signed: Signed,
}

impl Assertion {
    pub(super) fn read(response: &str) -> Result<Self, Refusal> {
        let (id, signed) = credential::<Signed>(response)?;
        let user_handle = signed.user_handle.clone().filter(|handle| !handle.is_empty());
        Ok(Self { id: BASE64.encode(id), user_handle, signed })
    }

    /// Checks it with the passkey's key in COSE form.
    pub(super) fn verify(self, key: &[u8], expected: &Expected<'_>) -> Result<Asserted, Refusal> {
        let hash = client_data(&self.signed.client_data, "webauthn.get", expected)?;
        let raw = bytes("authenticatorData", &self.signed.authenticator_data)?;
        let data = authenticator_data(&raw, expected)?;
        let key = PublicKey::from_slice(key)
            .ok_or_else(|| refuse("The key of the passkey is of none of the kinds that the emulator can use"))?;
        let signature = bytes("signature", &self.signed.signature)?;
        if !key.verifies(&[raw.as_slice(), &hash].concat(), &signature) {
            return Err(refuse("The signature is not that of the passkey"));
        }
        Ok(Asserted { id: self.id, counter: data.counter })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'static> =
        Expected { challenge: "AAAA", origin: "https://a.example", rp_id: "a.example", verify_user: false };

    fn client_data_of(kind: &str) -> String {
        BASE64.encode(json!({"type": kind, "challenge": "AAAA", "origin": "https://a.example"}).to_string())
    }

    /// The right domain and flags, and whatever comes after them.
    fn data() -> impl Strategy<Value = Vec<u8>> {
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(flags, rest)| [digest(&SHA256, b"a.example").as_ref(), &[flags | USER_PRESENT], &rest].concat())
    }

    proptest! {
        /// Nothing but a signature of the right key gets through, and nothing makes the emulator panic.
        #[test]
        fn no_bytes_pass_for_an_answer(data in data(), object in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = Vec::new();
            let members = Cbor::Map(vec![
                ("fmt".into(), "packed".into()), ("attStmt".into(), Cbor::Map(Vec::new())),
                ("authData".into(), Cbor::from(data.clone())),
            ]);
            ciborium::into_writer(&members, &mut whole).expect("written");
            for object in [whole, object] {
                let answer = json!({"id": "AAAA", "response": {
                    "clientDataJSON": client_data_of("webauthn.create"), "attestationObject": BASE64.encode(object),
                }});
                prop_assert!(created(&answer.to_string(), &EXPECTED).is_err());
            }
            let answer = json!({"id": "AAAA", "response": {
                "clientDataJSON": client_data_of("webauthn.get"), "authenticatorData": BASE64.encode(&data),
                "signature": "AAAA",
            }});
            let read = Assertion::read(&answer.to_string()).expect("an answer");
            prop_assert!(read.verify(&data, &EXPECTED).is_err());
        }
    }

    #[test]
    fn the_id_of_a_model_is_written_in_five_parts() {
        assert_eq!(aaguid(&[0xab; 16]), "abababab-abab-abab-abab-abababababab");
    }
}
