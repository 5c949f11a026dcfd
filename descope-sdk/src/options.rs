//! What the flows have in common: setters with a meaning that the document does not tell. Those that only say what a member
//! is are generated (`setters!`).
//!
//! They are macros and not a trait, so that they are found on the builder itself and need no import.

use descope_api::vocabulary::TestUserDelivery;
use serde::{Deserialize, Serialize};

use crate::{Result, check};

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

/// What a sign-in builds on: a step-up or a further factor needs the refresh token of the session that is there. The builder
/// has `refresh_jwt`, and its `LoginOptions` at the place that is given.
macro_rules! factor_setters {
    ($($at:ident).+) => {
        /// Steps the user's session up: the new one carries the claim `su`. The user proves once more who they are
        /// before something that deserves it.
        ///
        /// `refresh_jwt` is the refresh token of the session that is stepped up.
        pub fn step_up(mut self, refresh_jwt: impl Into<$crate::Secret>) -> Self {
            self.$($at).+.get_or_insert_default().stepup = Some(true);
            self.refresh_jwt = Some(refresh_jwt.into());
            self
        }

        /// Counts this sign-in as a further factor: the new session has `mfa` in the claim `amr`.
        ///
        /// `refresh_jwt` is the refresh token of the session that the first factor gave.
        pub fn mfa(mut self, refresh_jwt: impl Into<$crate::Secret>) -> Self {
            self.$($at).+.get_or_insert_default().mfa = Some(true);
            self.refresh_jwt = Some(refresh_jwt.into());
            self
        }

        /// Everything in which this sign-in differs from the project's defaults, in place of what was set before, but
        /// for [`step_up`](Self::step_up) and [`mfa`](Self::mfa): the two need a refresh token, and `options` that ask
        /// for one of them without are refused when they are sent.
        pub fn options(mut self, options: $crate::LoginOptions) -> Self {
            let former = self.$($at).+.replace(options).unwrap_or_default();
            let options = self.$($at).+.get_or_insert_default();
            options.stepup = former.stepup.or(options.stepup);
            options.mfa = former.mfa.or(options.mfa);
            self
        }
    };
}
pub(crate) use factor_setters;

/// The options as a whole, where a refresh token is there in any case. The builder has its `LoginOptions` at the place that is
/// given.
macro_rules! options_setter {
    ($($at:ident).+) => {
        /// Everything in which this differs from the project's defaults, in place of what was set before.
        pub fn options(mut self, options: $crate::LoginOptions) -> Self {
            self.$($at).+ = Some(options);
            self
        }
    };
}
pub(crate) use options_setter;

/// Setters for who signs up and how, as a whole. The builder has a `body` with `user` and `login_options`.
macro_rules! sign_up_setters {
    () => {
        /// Everything that is known of the user, in place of what was set before.
        pub fn user(mut self, user: $crate::SignUpUser) -> Self {
            self.body.user = Some(user);
            self
        }

        /// Everything in which this sign-up differs from the project's defaults, in place of what was set before.
        pub fn options(mut self, options: $crate::SignUpOptions) -> Self {
            self.body.login_options = Some(options);
            self
        }

        $crate::setters::setters!(SignUpUser at body.user);
        $crate::setters::setters!(SignUpOptions at body.login_options);
    };
}
pub(crate) use sign_up_setters;

/// Where a message of a sign-up goes, and the address of the new user: what was said, what is known of the user, or the login
/// id. `member` is the name of the user's.
pub(crate) fn own_address(
    said: Option<String>,
    member: &'static str,
    of_user: &mut Option<String>,
    login_id: &str,
) -> Result<String> {
    check::optional_text("address", said.as_deref())?;
    check::optional_text(member, of_user.as_deref())?;
    let address = said.or_else(|| of_user.clone()).unwrap_or_else(|| login_id.to_owned());
    of_user.get_or_insert_with(|| address.clone());
    Ok(address)
}

/// The setter of a change of address that has a meaning of its own. The builder has a `body`.
macro_rules! merge_setter {
    () => {
        /// When another user has the new address as login id, merges both and keeps the profile of that other user.
        /// Setting it adds the address to the login ids, without which the service would not merge.
        pub fn on_merge_use_existing(mut self, use_existing: bool) -> Self {
            if use_existing {
                self.body.add_to_login_ids = Some(true);
            }
            self.body.on_merge_use_existing = Some(use_existing);
            self
        }
    };
}
pub(crate) use merge_setter;

/// A request of one type with the members of another, where two channels say the same in two types.
macro_rules! same {
    ($type:ident::new($($argument:expr),*) from $from:ident, $($member:ident),* $(,)?) => {{
        let mut same = descope_api::types::$type::new($($argument),*);
        $(same.$member = $from.$member;)*
        same
    }};
}
pub(crate) use same;

/// What a sign-in says of itself that a back end prepares, where no session of the user is at hand.
#[cfg(feature = "management")]
macro_rules! prepared_setters {
    ($($at:ident).+) => {
        /// Whether the session that comes of it is stepped up: its token says so.
        pub fn step_up(mut self, step_up: bool) -> Self {
            self.$($at).+.get_or_insert_default().stepup = Some(step_up);
            self
        }

        /// Whether this is a further factor: the token lists it among others.
        pub fn mfa(mut self, mfa: bool) -> Self {
            self.$($at).+.get_or_insert_default().mfa = Some(mfa);
            self
        }

        /// Everything in which this sign-in differs from the project's defaults, in place of what was set before.
        pub fn options(mut self, options: $crate::LoginOptions) -> Self {
            self.$($at).+ = Some(options);
            self
        }
    };
}
#[cfg(feature = "management")]
pub(crate) use prepared_setters;

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
