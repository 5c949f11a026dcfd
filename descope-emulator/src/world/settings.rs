//! What a project can be set to: lifetimes, limits, and how strict it is.

use serde::{Deserialize, Serialize};

use crate::error::{INVALID_ARGUMENTS, Refusal};

/// The settings of a project, as `/_emulator/settings` shows and takes them. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Settings {
    /// How long a session token is good for.
    pub(crate) session_seconds: i64,
    /// How long a refresh token is good for.
    pub(crate) refresh_seconds: i64,
    /// How long a step-up counts.
    pub(crate) stepup_seconds: i64,
    /// How long a code, magic link or enchanted link that was sent can be redeemed.
    pub(crate) sent_seconds: i64,
    /// How often a wrong code may be tried before the right one is refused too.
    pub(crate) code_attempts: u32,
    /// Whether a refresh answers a new refresh token too, and ends the old one.
    pub(crate) rotate_refresh_tokens: bool,
    /// Whether tokens go into cookies instead of into the body.
    pub(crate) tokens_in_cookies: bool,
    /// The name of the cookie with the session token.
    pub(crate) session_cookie_name: String,
    /// The name of the cookie with the refresh token.
    pub(crate) refresh_cookie_name: String,
    /// The domain that the cookies are set for; that of the request where it is empty.
    pub(crate) cookie_domain: String,
    /// `Strict`, `Lax` or `None`.
    pub(crate) cookie_same_site: String,
    /// Whether cookies go over https only. A browser takes such a cookie from `localhost` over http too.
    pub(crate) cookie_secure: bool,
    /// Whether sign-ins hand out tokens by which the device is known again, and after a further factor those by which it
    /// is trusted. With the service it is a flow that trusts a device.
    pub(crate) device_tokens: bool,
    /// Whether roles, permissions and custom attributes that nobody has created are taken.
    pub(crate) lenient: bool,
    /// The JWT template that shapes the tokens of users; empty for none.
    pub(crate) user_template_id: String,
    /// The JWT template that shapes the tokens of access keys; empty for none.
    pub(crate) key_template_id: String,
    /// Whether applications may register themselves as inbound ones.
    pub(crate) dynamic_registration: bool,
    /// Whether tokens say that they were issued at the emulator's time although that lies in the future. Clients that
    /// check tokens by the computer's clock would refuse them.
    pub(crate) issue_in_future: bool,
    /// After how long a new signing key takes over; 0 for never. The last twelve stay published.
    pub(crate) key_rotation_seconds: i64,
    /// The domain that passkeys belong to; the host of the page that asks for one where it is empty.
    pub(crate) passkey_domain: String,
    /// Whether single sign-on by OpenID Connect leads to the page that the tenant has set, as with the service, instead
    /// of to the emulator's own provider. There it goes no further: the emulator asks nobody outside.
    pub(crate) oidc_by_tenant_url: bool,
    /// The rate limit tier that the licence tells.
    pub(crate) rate_limit_tier: String,
    /// How many calls a project answers within a minute before it refuses with 429; 0 for any number.
    pub(crate) calls_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_seconds: 10 * 60,
            refresh_seconds: 28 * 24 * 3600,
            stepup_seconds: 10 * 60,
            sent_seconds: 180,
            code_attempts: 5,
            rotate_refresh_tokens: false,
            tokens_in_cookies: false,
            session_cookie_name: "DS".to_owned(),
            refresh_cookie_name: "DSR".to_owned(),
            cookie_domain: String::new(),
            cookie_same_site: "Strict".to_owned(),
            cookie_secure: false,
            device_tokens: false,
            lenient: false,
            user_template_id: String::new(),
            key_template_id: String::new(),
            dynamic_registration: false,
            issue_in_future: false,
            key_rotation_seconds: 0,
            passkey_domain: String::new(),
            oidc_by_tenant_url: false,
            rate_limit_tier: "tier4".to_owned(),
            calls_per_minute: 0,
        }
    }
}

impl Settings {
    /// The longest time that can be set, in seconds: ten years.
    pub(crate) const LONGEST: i64 = 10 * 365 * 24 * 3600;

    /// Refuses what cannot be.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let refuse = |why: String| Err(Refusal::new(&INVALID_ARGUMENTS, why));
        for (name, seconds, least) in [
            ("sessionSeconds", self.session_seconds, 1),
            ("refreshSeconds", self.refresh_seconds, 1),
            ("stepupSeconds", self.stepup_seconds, 1),
            ("sentSeconds", self.sent_seconds, 1),
            ("keyRotationSeconds", self.key_rotation_seconds, 0),
        ] {
            if !(least..=Self::LONGEST).contains(&seconds) {
                return refuse(format!("{name} is in seconds, from {least} to ten years"));
            }
        }
        let token = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        };
        for (name, value) in
            [("sessionCookieName", &self.session_cookie_name), ("refreshCookieName", &self.refresh_cookie_name)]
        {
            if !token(value) {
                return refuse(format!("{name} is not the name of a cookie"));
            }
        }
        for (name, domain) in [("cookieDomain", &self.cookie_domain), ("passkeyDomain", &self.passkey_domain)] {
            if !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
                return refuse(format!("{name} is not a domain"));
            }
        }
        if !["Strict", "Lax", "None"].contains(&self.cookie_same_site.as_str()) {
            return refuse("cookieSameSite is Strict, Lax or None".to_owned());
        }
        Ok(())
    }
}
