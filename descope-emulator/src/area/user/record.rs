//! Users and the login ids that lead to them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use descope_api::types;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    attribute::{self, Scope},
    provider_token::ProviderToken,
};
use crate::{
    address::clean_login_id,
    area::{password::Password, push::PushDevice, recovery_code::RecoveryCodes, role, tenant, totp::Totp},
    flow::TrustedDevice,
    world::{Record, State},
};

/// How many sign-ins of one user are remembered.
const HISTORY: usize = 100;

/// Whether a user may sign in, and has ever done so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Status {
    Enabled,
    Disabled,
    /// Created by the management API and never signed in.
    #[default]
    Invited,
}

impl Status {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "enabled" => Some(Self::Enabled),
            "disabled" => Some(Self::Disabled),
            "invited" => Some(Self::Invited),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Invited => "invited",
        }
    }
}

/// What is known of a person.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "each address is proven or not")]
pub(crate) struct Profile {
    pub(crate) name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) middle_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) picture: Option<String>,
    pub(crate) recovery_email: Option<String>,
    pub(crate) recovery_phone: Option<String>,
    pub(crate) verified_email: bool,
    pub(crate) verified_phone: bool,
    pub(crate) verified_recovery_email: bool,
    pub(crate) verified_recovery_phone: bool,
}

impl Profile {
    /// Takes over what `newer` knows and keeps the rest.
    pub(crate) fn merge(&mut self, newer: Self) {
        let fields = [
            (&mut self.name, newer.name),
            (&mut self.given_name, newer.given_name),
            (&mut self.middle_name, newer.middle_name),
            (&mut self.family_name, newer.family_name),
            (&mut self.email, newer.email),
            (&mut self.phone, newer.phone),
            (&mut self.picture, newer.picture),
            (&mut self.recovery_email, newer.recovery_email),
            (&mut self.recovery_phone, newer.recovery_phone),
        ];
        for (field, value) in fields {
            if value.is_some() {
                *field = value;
            }
        }
        self.verified_email |= newer.verified_email;
        self.verified_phone |= newer.verified_phone;
        self.verified_recovery_email |= newer.verified_recovery_email;
        self.verified_recovery_phone |= newer.verified_recovery_phone;
    }
}

/// A user's place in one tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Tenancy {
    pub(crate) roles: Vec<String>,
}

/// A user's place in one family.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Membership {
    pub(crate) roles: Vec<String>,
    /// Attributes that count within this family only.
    pub(crate) attributes: Map<String, Value>,
}

/// The answers to security questions, and how often they were missed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct QuestionRecord {
    /// Question ids with the answers, in the form that they are compared in.
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) failures: u32,
    pub(crate) locked_until: i64,
}

/// One sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) at: i64,
    pub(crate) ip: String,
    pub(crate) tenant: Option<String>,
}

/// A passkey: one that was made here, or that was brought along from another system.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PasskeyRecord {
    pub(crate) id: String,
    /// In COSE form, in base64.
    pub(crate) public_key: String,
    pub(crate) rp_id: String,
    pub(crate) aaguid: String,
    /// Whether the passkey can be synced.
    pub(crate) syncable: bool,
    pub(crate) created_at: i64,
    /// Under which the authenticator keeps it, in base64url; empty where that is not known.
    pub(crate) user_handle: String,
    /// How often it has signed, as it says itself.
    pub(crate) counter: u32,
}

/// One user.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct UserRecord {
    pub(crate) id: String,
    pub(crate) login_ids: Vec<String>,
    pub(crate) profile: Profile,
    pub(crate) status: Status,
    pub(crate) test: bool,
    /// Whether the user has ever signed in.
    pub(crate) seen: bool,
    pub(crate) created_at: i64,
    pub(crate) modified_at: i64,
    /// The groups that providers of tenants have said at the last sign-in, by the configuration.
    pub(crate) sso_groups: BTreeMap<String, Vec<String>>,
    /// Whether another system provisions the user by SCIM.
    pub(crate) scim: bool,
    /// By which methods the user has ever signed in, as in the claim `amr`.
    pub(crate) methods: BTreeSet<String>,
    /// Until when the user agrees to be impersonated, in epoch seconds; 0 for not at all.
    pub(crate) consent_until: i64,
    pub(crate) roles: Vec<String>,
    pub(crate) tenants: BTreeMap<String, Tenancy>,
    pub(crate) families: BTreeMap<String, Membership>,
    /// The family whose members act for the user, who has no credentials.
    pub(crate) dependent_of: Option<String>,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) sso_app_ids: Vec<String>,
    /// The providers by which the user has signed in.
    pub(crate) oauth: BTreeMap<String, bool>,
    /// What those providers have given, where they were asked for a code.
    pub(crate) provider_tokens: BTreeMap<String, ProviderToken>,
    pub(crate) password: Option<Password>,
    pub(crate) totp: Option<Totp>,
    pub(crate) recovery_codes: RecoveryCodes,
    pub(crate) passkeys: Vec<PasskeyRecord>,
    pub(crate) trusted_devices: Vec<TrustedDevice>,
    /// Phones that approve sign-ins.
    pub(crate) push_devices: Vec<PushDevice>,
    pub(crate) questions: QuestionRecord,
    pub(crate) logins: VecDeque<Login>,
}

impl UserRecord {
    /// A user who has just come into being.
    pub(crate) fn new(id: String, login_ids: Vec<String>, profile: Profile, now: i64) -> Self {
        let login_ids = login_ids.iter().map(|login_id| clean_login_id(login_id).into_owned()).collect();
        Self { id, login_ids, profile, created_at: now, modified_at: now, ..Self::default() }
    }

    /// Lets the user sign in under one more name.
    pub(crate) fn add_login_id(&mut self, login_id: &str) {
        let login_id = clean_login_id(login_id).into_owned();
        if !self.login_ids.contains(&login_id) {
            self.login_ids.push(login_id);
        }
    }

    /// Enabling a user ends the locks of the password too.
    pub(crate) fn set_status(&mut self, status: Status) {
        self.status = status;
        if let Some(password) = self.password.as_mut().filter(|_| status == Status::Enabled) {
            password.unlock();
        }
    }

    /// Remembers a sign-in.
    pub(crate) fn record_login(&mut self, login: Login) {
        if self.logins.len() == HISTORY {
            self.logins.pop_front();
        }
        self.logins.push_back(login);
    }

    /// Why the user is locked for good.
    pub(super) fn lock_reasons(&self) -> impl Iterator<Item = &'static str> {
        self.password.as_ref().is_some_and(|password| password.locked).then_some("password").into_iter()
    }

    /// Why the user is locked for a while.
    pub(super) fn passing_lock_reasons(&self, now: i64) -> impl Iterator<Item = &'static str> {
        let password = self.password.as_ref().is_some_and(|password| password.locked_until > now);
        let codes = self.recovery_codes.locked_until > now;
        [password.then_some("password"), codes.then_some("recovery_codes")].into_iter().flatten()
    }

    /// Whether the user has ever signed in by SSO.
    pub(super) fn by_sso(&self) -> bool {
        ["saml", "oidc", "sso"].iter().any(|method| self.methods.contains(*method))
    }

    /// The user as the API shows it.
    pub(crate) fn to_api(&self, state: &State) -> types::User {
        let profile = &self.profile;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let tenants = self.tenants.iter().map(|(id, tenancy)| {
            types::UserTenant::new()
                .tenant_id(id)
                .tenant_name(tenant::name_of(state, id))
                .role_names(&tenancy.roles)
                .permissions(role::permissions_of(state, &tenancy.roles, Some(id)))
        });
        types::User::new()
            .user_id(&self.id)
            .login_ids(&self.login_ids)
            .external_ids(&self.login_ids)
            .email(text(&profile.email))
            .phone(text(&profile.phone))
            .name(text(&profile.name))
            .given_name(text(&profile.given_name))
            .middle_name(text(&profile.middle_name))
            .family_name(text(&profile.family_name))
            .picture(text(&profile.picture))
            .recovery_email(text(&profile.recovery_email))
            .recovery_phone(text(&profile.recovery_phone))
            .verified_email(profile.verified_email)
            .verified_recovery_email(profile.verified_recovery_email)
            .verified_recovery_phone(profile.verified_recovery_phone)
            .modified_time(self.modified_at)
            .consent_expiration(self.consent_until)
            .verified_phone(profile.verified_phone)
            .status(self.status.as_str())
            .test(self.test)
            .created_time(self.created_at)
            .role_names(&self.roles)
            .permissions(role::permissions_of(state, &self.roles, None))
            .user_tenants(tenants)
            .custom_attributes(attribute::with_defaults(state, Scope::User, &self.custom_attributes))
            .sso_app_ids(&self.sso_app_ids)
            .editable(true)
            .oauth(self.oauth.clone())
            .totp(self.totp.as_ref().is_some_and(Totp::is_confirmed))
            .saml(self.by_sso())
            .oidc(self.methods.contains("oidc"))
            .scim(self.scim)
            .password(self.password.is_some())
            .webauthn(!self.passkeys.is_empty())
            .push(!self.push_devices.is_empty())
    }
}

impl Record for UserRecord {
    const AUDITED: Option<&'static str> = Some("User");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        self.login_ids.clone()
    }

    fn canonical(name: &str) -> Cow<'_, str> {
        clean_login_id(name)
    }

    /// A user belongs to no tenant alone: it stays when one goes.
    fn owners(&self) -> Vec<String> {
        Vec::new()
    }

    fn login_ids(&self) -> Vec<String> {
        self.login_ids.clone()
    }

    fn tenant_ids(&self) -> Vec<String> {
        self.tenants.keys().cloned().collect()
    }
}
