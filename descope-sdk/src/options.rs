//! What the flows have in common: setters that several builders offer under the same names.
//!
//! They are macros and not a trait, so that they are found on the builder itself and need no import.

use std::collections::BTreeMap;

use descope_api::{Secret, vocabulary::TestUserDelivery};
use serde::{Deserialize, Serialize};

/// How a code or link reaches the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeliveryMethod {
    /// By email.
    Email,
    /// By text message.
    Sms,
    /// Read out on a phone call.
    Voice,
    /// By WhatsApp message.
    Whatsapp,
    /// By the instant messenger that the project is connected to.
    Im,
}

impl DeliveryMethod {
    /// The name of the service for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Whatsapp => "whatsapp",
            Self::Im => "im",
        }
    }
}

impl From<DeliveryMethod> for TestUserDelivery {
    fn from(method: DeliveryMethod) -> Self {
        Self::from(method.as_str())
    }
}

/// How a change of address is made; the wire repeats these members in every such request.
#[derive(Clone, Debug)]
pub(crate) struct UpdateOptions {
    pub(crate) login_id: String,
    pub(crate) refresh_jwt: Secret,
    pub(crate) add_to_login_ids: Option<bool>,
    pub(crate) on_merge_use_existing: Option<bool>,
    pub(crate) fail_on_conflict: Option<bool>,
    pub(crate) provider_id: Option<String>,
    pub(crate) template_id: Option<String>,
    pub(crate) template_options: BTreeMap<String, String>,
    pub(crate) locale: Option<String>,
}

impl UpdateOptions {
    pub(crate) fn new(login_id: String, refresh_jwt: Secret) -> Self {
        Self {
            login_id,
            refresh_jwt,
            add_to_login_ids: None,
            on_merge_use_existing: None,
            fail_on_conflict: None,
            provider_id: None,
            template_id: None,
            template_options: BTreeMap::new(),
            locale: None,
        }
    }
}

/// Setters for what a sign-up or sign-in differs in; the builder has `options`.
macro_rules! option_setters {
    () => {
        /// Adds a claim to the tokens of the session. The service does not trust claims that come with a sign-in:
        /// it puts them inside the claim `nsec`.
        pub fn custom_claim(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
            let options = self.options.get_or_insert_default();
            options.custom_claims.insert(name.into(), value.into());
            self
        }

        /// Sets all claims to add to the tokens of the session, which end up inside the claim `nsec`.
        pub fn custom_claims(mut self, claims: serde_json::Map<String, serde_json::Value>) -> Self {
            self.options.get_or_insert_default().custom_claims = claims;
            self
        }

        /// Uses this message template instead of the one that the project has active.
        pub fn template_id(mut self, template_id: impl Into<String>) -> Self {
            self.options.get_or_insert_default().template_id = Some(template_id.into());
            self
        }

        /// Fills one placeholder of the message template.
        pub fn template_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            let options = self.options.get_or_insert_default();
            options.template_options.insert(name.into(), value.into());
            self
        }

        /// Fills placeholders of the message template.
        pub fn template_options<K: Into<String>, V: Into<String>>(
            mut self,
            values: impl IntoIterator<Item = (K, V)>,
        ) -> Self {
            let values = values.into_iter().map(|(name, value)| (name.into(), value.into()));
            self.options.get_or_insert_default().template_options.extend(values);
            self
        }

        /// The language of the message as a BCP 47 tag, such as `en` or `pt-BR`.
        pub fn locale(mut self, locale: impl Into<String>) -> Self {
            self.options.get_or_insert_default().locale = Some(locale.into());
            self
        }

        /// The tenant whose settings apply.
        pub fn tenant_id(mut self, tenant_id: impl Into<String>) -> Self {
            self.options.get_or_insert_default().tenant_id = Some(tenant_id.into());
            self
        }

        /// Ends the user's other sessions once this one has begun.
        pub fn revoke_other_sessions(mut self, revoke: bool) -> Self {
            self.options.get_or_insert_default().revoke_other_sessions = Some(revoke);
            self
        }
    };
}
pub(crate) use option_setters;

/// The setter for who delivers a message; the builder has `provider_id`.
macro_rules! provider_setter {
    () => {
        /// Sends through this messaging connector instead of the project's default.
        pub fn provider_id(mut self, provider_id: impl Into<String>) -> Self {
            self.provider_id = Some(provider_id.into());
            self
        }
    };
}
pub(crate) use provider_setter;

/// Setters for who signs up; the builder has `user`.
macro_rules! sign_up_setters {
    () => {
        /// The user's display name.
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.user.name = Some(name.into());
            self
        }

        /// The user's first name.
        pub fn given_name(mut self, name: impl Into<String>) -> Self {
            self.user.given_name = Some(name.into());
            self
        }

        /// The user's middle name.
        pub fn middle_name(mut self, name: impl Into<String>) -> Self {
            self.user.middle_name = Some(name.into());
            self
        }

        /// The user's last name.
        pub fn family_name(mut self, name: impl Into<String>) -> Self {
            self.user.family_name = Some(name.into());
            self
        }

        /// Everything that is known of the user, in place of what was set before.
        pub fn user(mut self, user: $crate::SignUpUser) -> Self {
            self.user = user;
            self
        }
    };
}
pub(crate) use sign_up_setters;

/// Setters for how an existing user signs in; the builder has `options`, `refresh_jwt`, `sso_app_id` and
/// `use_recovery`.
macro_rules! sign_in_setters {
    () => {
        /// Steps the user's session up: the new one carries the claim `su`. The user proves once more who they are
        /// before something that deserves it.
        ///
        /// `refresh_jwt` is the refresh token of the session that is stepped up.
        pub fn step_up(mut self, refresh_jwt: impl Into<$crate::Secret>) -> Self {
            self.options.get_or_insert_default().stepup = Some(true);
            self.refresh_jwt = Some(refresh_jwt.into());
            self
        }

        /// Counts this sign-in as a further factor: the new session has `mfa` in the claim `amr`.
        ///
        /// `refresh_jwt` is the refresh token of the session that the first factor gave.
        pub fn mfa(mut self, refresh_jwt: impl Into<$crate::Secret>) -> Self {
            self.options.get_or_insert_default().mfa = Some(true);
            self.refresh_jwt = Some(refresh_jwt.into());
            self
        }

        /// Restricts [`revoke_other_sessions`](Self::revoke_other_sessions) to sessions of these kinds.
        pub fn revoke_other_sessions_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
            self.options.get_or_insert_default().revoke_other_sessions_types =
                types.into_iter().map(Into::into).collect();
            self
        }

        /// The federated application for which the user signs in.
        pub fn sso_app_id(mut self, sso_app_id: impl Into<String>) -> Self {
            self.sso_app_id = Some(sso_app_id.into());
            self
        }

        /// Sends to the user's recovery address or number instead of the usual one.
        pub fn use_recovery(mut self, use_recovery: bool) -> Self {
            self.use_recovery = Some(use_recovery);
            self
        }
    };
}
pub(crate) use sign_in_setters;

/// The setter for where a link leads; the builder has `redirect_url`.
/// What a sign-in says of itself that a back end prepares, where no session of the user is at hand.
#[cfg(feature = "management")]
macro_rules! factor_setters {
    () => {
        /// Whether the session that comes of it is stepped up: its token says so.
        pub fn step_up(mut self, step_up: bool) -> Self {
            self.options.get_or_insert_default().stepup = Some(step_up);
            self
        }

        /// Whether this is a further factor: the token lists it among others.
        pub fn mfa(mut self, mfa: bool) -> Self {
            self.options.get_or_insert_default().mfa = Some(mfa);
            self
        }

        /// Of which kinds the sessions are that [`revoke_other_sessions`](Self::revoke_other_sessions) ends.
        pub fn revoke_other_sessions_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
            self.options.get_or_insert_default().revoke_other_sessions_types =
                types.into_iter().map(Into::into).collect();
            self
        }
    };
}
#[cfg(feature = "management")]
pub(crate) use factor_setters;

macro_rules! redirect_setter {
    () => {
        /// The page that the link leads to; the token is added to it as query parameter `t`. The project's own
        /// setting counts when this is left out.
        pub fn redirect_url(mut self, redirect_url: impl Into<String>) -> Self {
            self.redirect_url = Some(redirect_url.into());
            self
        }
    };
}
pub(crate) use redirect_setter;

/// Setters for a change of address; the builder has `update`, an [`UpdateOptions`].
macro_rules! update_setters {
    () => {
        /// Lets the user sign in with the new address or number too.
        pub fn add_to_login_ids(mut self, add: bool) -> Self {
            self.update.add_to_login_ids = Some(add);
            self
        }

        /// When another user has the new address as login id, merges both and keeps the profile of that other user.
        /// Setting it adds the address to the login ids, without which the service would not merge.
        pub fn on_merge_use_existing(mut self, use_existing: bool) -> Self {
            self.update.add_to_login_ids = Some(true);
            self.update.on_merge_use_existing = Some(use_existing);
            self
        }

        /// Refuses the change when another user has the address or number.
        pub fn fail_on_conflict(mut self, fail: bool) -> Self {
            self.update.fail_on_conflict = Some(fail);
            self
        }

        /// Sends through this messaging connector instead of the project's default.
        pub fn provider_id(mut self, provider_id: impl Into<String>) -> Self {
            self.update.provider_id = Some(provider_id.into());
            self
        }

        /// Uses this message template instead of the one that the project has active.
        pub fn template_id(mut self, template_id: impl Into<String>) -> Self {
            self.update.template_id = Some(template_id.into());
            self
        }

        /// Fills one placeholder of the message template.
        pub fn template_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.update.template_options.insert(name.into(), value.into());
            self
        }

        /// The language of the message as a BCP 47 tag, such as `en` or `pt-BR`.
        pub fn locale(mut self, locale: impl Into<String>) -> Self {
            self.update.locale = Some(locale.into());
            self
        }
    };
}
pub(crate) use update_setters;

/// The body of a change of address: the new one, the options, and what is particular to the request.
macro_rules! update_body {
    ($type:ident, $update:expr, $address:expr, { $($field:ident: $value:expr),* $(,)? }) => {{
        let update = $update;
        let mut body = descope_api::types::$type::new(update.login_id.as_str(), $address);
        body.add_to_login_ids = update.add_to_login_ids;
        body.on_merge_use_existing = update.on_merge_use_existing;
        body.fail_on_conflict = update.fail_on_conflict;
        body.provider_id.clone_from(&update.provider_id);
        body.template_id.clone_from(&update.template_id);
        body.template_options.clone_from(&update.template_options);
        body.locale.clone_from(&update.locale);
        $(body.$field = $value;)*
        body
    }};
}
pub(crate) use update_body;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_method_has_one_name() {
        use DeliveryMethod::{Email, Im, Sms, Voice, Whatsapp};
        for method in [Email, Sms, Voice, Whatsapp, Im] {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
    }
}
