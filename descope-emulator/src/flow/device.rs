//! The devices that users sign in on, by the tokens that they keep.

use descope_api::{Secret, types::JwtResponse};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::http::{Call, cookie};

/// How long a device is trusted, in seconds.
pub(crate) const LIFETIME: i64 = 30 * 24 * 3600;
/// The cookie that holds the token of a trusted device where tokens go into cookies.
pub(crate) const COOKIE: &str = "DTD";

const KNOWN_HEADER: &str = "x-descope-known-device-token";
const TRUSTED_HEADER: &str = "x-descope-trusted-device-token";
/// What the tokens are for, as their claim `drn` says it.
const KNOWN: &str = "DKD";
const TRUSTED: &str = "DTD";

/// A device on which a user need not show a further factor.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TrustedDevice {
    pub(crate) id: String,
    /// What the browser or the app has told of itself.
    pub(crate) name: String,
    pub(crate) last_login_at: i64,
    pub(crate) expires_at: i64,
}

impl TrustedDevice {
    /// `Mobile` or `Desktop`, as far as the name tells.
    pub(crate) fn kind(&self) -> &'static str {
        let mobile = ["Mobi", "Android", "iPhone", "iPad"].iter().any(|word| self.name.contains(word));
        if mobile { "Mobile" } else { "Desktop" }
    }
}

/// Puts the tokens of a device that was not known, or is trusted from now on, into the answer to a sign-in.
pub(super) fn recognise(call: &mut Call<'_>, user_id: &str, by_further_factor: bool, response: &mut JwtResponse) {
    if !call.state.settings.device_tokens {
        return;
    }
    let known = in_header(call, KNOWN_HEADER).and_then(|token| device_of(call, &token, KNOWN, user_id));
    if known.is_none() {
        let id = call.state.ids.alphanumeric(20);
        response.known_device_jwt = Some(token(call, KNOWN, user_id, &id));
    }
    let shown = in_header(call, TRUSTED_HEADER).or_else(|| cookie(call.headers, COOKIE));
    let trusted = shown.and_then(|token| device_of(call, &token, TRUSTED, user_id));
    let now = call.now;
    let mut found = false;
    call.state.users.update_quietly(&mut call.state.log, user_id, |user| {
        user.trusted_devices.retain(|device| device.expires_at > now);
        if let Some(device) = user.trusted_devices.iter_mut().find(|device| Some(&device.id) == trusted.as_ref()) {
            device.last_login_at = now;
            found = true;
        }
    });
    if by_further_factor && !found {
        let id = call.state.ids.id("TD");
        let agent = call.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let name = agent.unwrap_or_default().to_owned();
        let device = TrustedDevice { id: id.clone(), name, last_login_at: now, expires_at: now + LIFETIME };
        call.state.users.update_quietly(&mut call.state.log, user_id, |user| user.trusted_devices.push(device));
        response.trusted_device_jwt = Some(token(call, TRUSTED, user_id, &id));
    }
}

fn in_header(call: &Call<'_>, name: &str) -> Option<String> {
    Some(call.headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// The id of the device whose token it is, when the token is one of the user's and still good.
fn device_of(call: &Call<'_>, token: &str, kind: &str, user_id: &str) -> Option<String> {
    let claims = call.verify(token)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let good = text("drn") == Some(kind)
        && text("sub") == Some(user_id)
        && claims.get("exp").and_then(Value::as_i64).is_some_and(|end| end > call.now);
    good.then(|| text("jti").map(str::to_owned))?
}

fn token(call: &mut Call<'_>, kind: &str, user_id: &str, device_id: &str) -> Secret {
    let claims = [
        ("iss", json!(call.project.id)),
        ("sub", json!(user_id)),
        ("drn", json!(kind)),
        ("iat", json!(call.issued_at())),
        ("exp", json!(call.now + LIFETIME)),
        ("jti", json!(device_id)),
    ];
    let claims: Map<String, Value> = claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    call.sign(claims)
}
