//! What the browser is told: the arguments of `navigator.credentials.create` and `get`, as JSON text.

use descope_api::{
    types::{WebauthnAuthenticatorSelection, WebauthnPasskeyOptions},
    vocabulary::{WebauthnAttachment, WebauthnAttestation, WebauthnResidentKey, WebauthnUserVerification},
};
use serde_json::{Map, Value, json};

use super::{cose::ALGORITHMS, plain};
use crate::{
    area::{some, user::PasskeyRecord},
    error::Refusal,
};

/// For the making of a passkey.
pub(super) struct Create<'a> {
    pub(super) challenge: &'a str,
    pub(super) rp_id: &'a str,
    pub(super) rp_name: String,
    pub(super) user_handle: &'a str,
    pub(super) login_id: &'a str,
    pub(super) display_name: &'a str,
    /// Those that the user has already, so that no authenticator makes a second one.
    pub(super) known: &'a [PasskeyRecord],
    /// How long there is time for it.
    pub(super) seconds: i64,
}

/// For a signature.
pub(super) struct Get<'a> {
    pub(super) challenge: &'a str,
    pub(super) rp_id: &'a str,
    /// Empty: the browser offers what it has.
    pub(super) usable: &'a [&'a PasskeyRecord],
    pub(super) seconds: i64,
}

/// One of the words that the browser knows, or the usual one. `crossplatform` is written with a hyphen there.
fn word(field: &str, given: Option<&str>, known: &[&str], usual: &str) -> Result<String, Refusal> {
    match some(given) {
        None => Ok(usual.to_owned()),
        Some(given) if known.contains(&given) => Ok(given.to_owned()),
        Some(other) => {
            Err(Refusal::invalid(format!("The {field} field cannot be {other:?}; it is {}", known.join(", "))))
        }
    }
}

const VERIFICATION: [&str; 3] = ["preferred", "required", "discouraged"];

/// Whether the user has to be verified when the passkey is made.
pub(super) fn verifies_when_made(wanted: &WebauthnPasskeyOptions) -> bool {
    let selection = wanted.authenticator_selection.as_ref();
    selection.and_then(|selection| selection.user_verification.as_ref()).is_some_and(|word| word.as_str() == "required")
}

/// Whether the user has to be verified at sign-in.
pub(super) fn verifies_when_asked(wanted: &WebauthnPasskeyOptions) -> bool {
    wanted.user_verification.as_ref().is_some_and(|word| word.as_str() == "required")
}

/// Extensions, which come as JSON text.
fn extensions(field: &str, given: Option<&String>) -> Result<Map<String, Value>, Refusal> {
    let Some(text) = some(given) else { return Ok(Map::new()) };
    serde_json::from_str(text).map_err(|_| Refusal::invalid(format!("The {field} field is not a JSON object")))
}

fn descriptor(passkey: &PasskeyRecord) -> Value {
    json!({"type": "public-key", "id": plain(&passkey.id)})
}

/// What kind of authenticator is wanted.
fn selection(wanted: Option<&WebauthnAuthenticatorSelection>) -> Result<Value, Refusal> {
    let fresh = WebauthnAuthenticatorSelection::default();
    let wanted = wanted.unwrap_or(&fresh);
    let at = |name: &str| format!("passkeyOptions.authenticatorSelection.{name}");
    let attachment = word(
        &at("authenticatorAttachment"),
        wanted.authenticator_attachment.as_ref().map(WebauthnAttachment::as_str),
        &["any", "platform", "crossplatform"],
        "any",
    )?;
    let older = match wanted.require_resident_key.as_deref() {
        Some("true" | "required") => "required",
        _ => "preferred",
    };
    let resident = word(
        &at("residentKey"),
        wanted.resident_key.as_ref().map(WebauthnResidentKey::as_str),
        &["discouraged", "preferred", "required"],
        older,
    )?;
    let verification = wanted.user_verification.as_ref().map(WebauthnUserVerification::as_str);
    let mut selection = json!({
        "requireResidentKey": resident == "required",
        "residentKey": resident,
        "userVerification": word(&at("userVerification"), verification, &VERIFICATION, "preferred")?,
    });
    match attachment.as_str() {
        "platform" => selection["authenticatorAttachment"] = json!("platform"),
        "crossplatform" => selection["authenticatorAttachment"] = json!("cross-platform"),
        _ => {}
    }
    Ok(selection)
}

impl Create<'_> {
    pub(super) fn to_json(&self, wanted: &WebauthnPasskeyOptions) -> Result<String, Refusal> {
        let attestation = wanted.attestation.as_ref().map(WebauthnAttestation::as_str);
        let attestation = word("passkeyOptions.attestation", attestation, &["none", "indirect", "direct"], "none")?;
        let chosen = wanted.authenticator_selection.as_ref();
        let mut asked = extensions("passkeyOptions.extensionsJSON", wanted.extensions_json.as_ref())?;
        let inner = chosen.and_then(|chosen| chosen.extensions_json.as_ref());
        asked.extend(extensions("passkeyOptions.authenticatorSelection.extensionsJSON", inner)?);
        let known: Vec<Value> =
            self.known.iter().filter(|passkey| passkey.rp_id == self.rp_id).map(descriptor).collect();
        let kinds: Vec<Value> = ALGORITHMS.iter().map(|alg| json!({"type": "public-key", "alg": alg})).collect();
        let mut options = json!({
            "rp": {"id": self.rp_id, "name": self.rp_name},
            "user": {"id": self.user_handle, "name": self.login_id, "displayName": self.display_name},
            "challenge": self.challenge,
            "pubKeyCredParams": kinds,
            "timeout": self.seconds * 1000,
            "excludeCredentials": known,
            "authenticatorSelection": selection(chosen)?,
            "attestation": attestation,
        });
        if !asked.is_empty() {
            options["extensions"] = Value::Object(asked);
        }
        Ok(json!({"publicKey": options}).to_string())
    }
}

impl Get<'_> {
    pub(super) fn to_json(&self, wanted: &WebauthnPasskeyOptions) -> Result<String, Refusal> {
        let verification = wanted.user_verification.as_ref().map(WebauthnUserVerification::as_str);
        let asked = extensions("passkeyOptions.extensionsJSON", wanted.extensions_json.as_ref())?;
        let usable: Vec<Value> = self.usable.iter().map(|passkey| descriptor(passkey)).collect();
        let mut options = json!({
            "challenge": self.challenge,
            "timeout": self.seconds * 1000,
            "rpId": self.rp_id,
            "userVerification": word("passkeyOptions.userVerification", verification, &VERIFICATION, "preferred")?,
        });
        if !usable.is_empty() {
            options["allowCredentials"] = Value::Array(usable);
        }
        if !asked.is_empty() {
            options["extensions"] = Value::Object(asked);
        }
        Ok(json!({"publicKey": options}).to_string())
    }
}
