//! Users and the login ids that lead to them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use descope_api::types;
use serde_json::{Map, Value};

use crate::random;

/// How many sign-ins of one user are remembered.
const HISTORY: usize = 100;

/// Whether a user may sign in, and has ever done so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Invited => "invited",
        }
    }
}

/// What is known of a person.
#[derive(Clone, Debug, Default)]
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
    }
}

/// A user's place in one tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tenancy {
    pub(crate) roles: Vec<String>,
}

/// The answers to security questions, and how often they were missed.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuestionRecord {
    /// Question ids with the answers, in the form that they are compared in.
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) failures: u32,
    pub(crate) locked_until: i64,
}

/// One sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) at: i64,
    pub(crate) ip: String,
    pub(crate) tenant: Option<String>,
}

/// One user.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserRecord {
    pub(crate) id: String,
    pub(crate) login_ids: Vec<String>,
    pub(crate) profile: Profile,
    pub(crate) status: Status,
    pub(crate) test: bool,
    /// Whether the user has ever signed in.
    pub(crate) seen: bool,
    pub(crate) created_at: i64,
    pub(crate) roles: Vec<String>,
    pub(crate) tenants: BTreeMap<String, Tenancy>,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) sso_app_ids: Vec<String>,
    /// The password as another system stored it.
    pub(crate) hashed_password: Option<types::ImportedPassword>,
    pub(crate) questions: QuestionRecord,
    pub(crate) logins: VecDeque<Login>,
}

impl UserRecord {
    /// A user who has just come into being.
    pub(crate) fn new(login_ids: Vec<String>, profile: Profile, now: i64) -> Self {
        Self { id: random::id('U'), login_ids, profile, created_at: now, ..Self::default() }
    }

    /// Remembers a sign-in.
    pub(crate) fn record_login(&mut self, login: Login) {
        if self.logins.len() == HISTORY {
            self.logins.pop_front();
        }
        self.logins.push_back(login);
    }

    /// The user as the API shows it.
    pub(crate) fn to_api(&self, tenant_names: &BTreeMap<String, String>) -> types::User {
        let profile = &self.profile;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let tenants = self.tenants.iter().map(|(id, tenancy)| {
            let mut tenant = types::UserTenant::new().tenant_id(id).role_names(&tenancy.roles);
            tenant.tenant_name = tenant_names.get(id).cloned();
            tenant
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
            .verified_phone(profile.verified_phone)
            .verified_recovery_email(false)
            .verified_recovery_phone(false)
            .status(self.status.as_str())
            .test(self.test)
            .created_time(self.created_at)
            .role_names(&self.roles)
            .user_tenants(tenants)
            .custom_attributes(self.custom_attributes.clone())
            .sso_app_ids(&self.sso_app_ids)
            .editable(true)
            .totp(false)
            .saml(false)
            .oidc(false)
            .scim(false)
            .password(self.hashed_password.is_some())
            .webauthn(false)
            .push(false)
    }
}

/// All users, with an index of their login ids.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_id: BTreeMap<String, UserRecord>,
    by_login_id: HashMap<String, String>,
}

impl Users {
    pub(crate) fn get(&self, user_id: &str) -> Option<&UserRecord> {
        self.by_id.get(user_id)
    }

    pub(crate) fn get_mut(&mut self, user_id: &str) -> Option<&mut UserRecord> {
        self.by_id.get_mut(user_id)
    }

    pub(crate) fn by_login_id(&self, login_id: &str) -> Option<&UserRecord> {
        self.by_id.get(self.by_login_id.get(login_id)?)
    }

    /// Finds a user by login id or, where the service takes it too, by user id.
    pub(crate) fn find(&self, key: &str) -> Option<&UserRecord> {
        self.by_login_id(key).or_else(|| self.by_id.get(key))
    }

    pub(crate) fn insert(&mut self, user: UserRecord) {
        for login_id in &user.login_ids {
            self.by_login_id.insert(login_id.clone(), user.id.clone());
        }
        self.by_id.insert(user.id.clone(), user);
    }

    pub(crate) fn remove(&mut self, user_id: &str) -> Option<UserRecord> {
        let user = self.by_id.remove(user_id)?;
        for login_id in &user.login_ids {
            self.by_login_id.remove(login_id);
        }
        Some(user)
    }

    /// Lets a user sign in under one more name. The caller has made sure that nobody else has it.
    pub(crate) fn add_login_id(&mut self, user_id: &str, login_id: &str) {
        if let Some(user) = self.by_id.get_mut(user_id) {
            if !user.login_ids.iter().any(|known| known == login_id) {
                user.login_ids.push(login_id.to_owned());
            }
            self.by_login_id.insert(login_id.to_owned(), user_id.to_owned());
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &UserRecord> {
        self.by_id.values()
    }
}
