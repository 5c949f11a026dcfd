//! The rules for passwords, of the project and of tenants that have their own.

use descope_api::types::{PasswordRules, PasswordSettings};
use serde::{Deserialize, Serialize};

use super::record::MOST_FORMER;
use crate::{
    area::{some, tenant, user::UserRecord},
    error::Refusal,
    http::{Call, Nothing, Table, op},
    world::{Record, State},
};

/// The id under which the rules of the project itself are kept. No tenant's id is empty.
const PROJECT: &str = "";
/// A week in seconds.
const WEEK: i64 = 7 * 24 * 3600;

/// Rules that somebody has configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PasswordSettingsRecord {
    /// The tenant's; empty for the project.
    id: String,
    settings: PasswordSettings,
}

impl Record for PasswordSettingsRecord {
    const AUDITED: Option<&'static str> = Some("PasswordSettings");

    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        Some(self.id.clone()).filter(|tenant| !tenant.is_empty()).into_iter().collect()
    }

    fn tenant_ids(&self) -> Vec<String> {
        self.owners()
    }
}

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementPasswordSettingsLoad>(load).done::<op::ManagementPasswordSettingsConfigure>(configure);
}

/// What counts where nobody has configured anything.
fn defaults() -> PasswordSettings {
    PasswordSettings::new()
        .enabled(true)
        .min_length(8)
        .lowercase(true)
        .uppercase(true)
        .number(false)
        .non_alphanumeric(true)
        .any_letter(false)
        .disallow_email_match(false)
        .disallowed_characters("")
        .enable_password_strength(false)
        .password_strength_score(2)
        .expiration(false)
        .expiration_weeks(26)
        .reuse(false)
        .reuse_amount(5)
        .lock(false)
        .lock_attempts(5)
        .temp_lock(false)
        .temp_lock_attempts(3)
        .temp_lock_duration(5)
}

/// The rules of a tenant, or `None` where it has none of its own; without a tenant those of the project.
fn settings(state: &State, tenant: Option<&str>) -> Option<PasswordSettings> {
    let own = state.password_settings.get(tenant.unwrap_or(PROJECT)).map(|record| record.settings.clone());
    match tenant {
        Some(_) => own,
        None => Some(own.unwrap_or_else(defaults)),
    }
}

fn load(call: &mut Call<'_>, _: Nothing) -> Result<PasswordSettings, Refusal> {
    let tenant = call.query("tenantId");
    if let Some(tenant) = tenant {
        tenant::require(call.state, tenant)?;
    }
    let found = settings(call.state, tenant).or_else(|| settings(call.state, None)).unwrap_or_else(defaults);
    Ok(found.tenant_id(tenant.unwrap_or_default()))
}

/// Replaces the rules; those that are left out are switched off.
fn configure(call: &mut Call<'_>, body: PasswordSettings) -> Result<(), Refusal> {
    let tenant = some(body.tenant_id.clone());
    if let Some(tenant) = &tenant {
        tenant::require(call.state, tenant)?;
    }
    for (field, value, least, most, on) in [
        ("minLength", body.min_length, 0, 128, None),
        ("passwordStrengthScore", body.password_strength_score, 0, 4, body.enable_password_strength),
        ("expirationWeeks", body.expiration_weeks, 1, 520, body.expiration),
        ("reuseAmount", body.reuse_amount, 1, MOST_FORMER, body.reuse),
        ("lockAttempts", body.lock_attempts, 1, 1000, body.lock),
        ("tempLockAttempts", body.temp_lock_attempts, 1, 1000, body.temp_lock),
        ("tempLockDuration", body.temp_lock_duration, 1, 525_600, body.temp_lock),
    ] {
        let value = value.unwrap_or_default();
        // Of a rule that is off the number does not matter, as long as it is one.
        let least = if on == Some(true) { least } else { 0 };
        if !(least..=most).contains(&value) {
            return Err(Refusal::invalid(format!("The {field} field is a number from {least} to {most}")));
        }
    }
    let id = tenant.unwrap_or_default();
    let mut settings = body;
    settings.tenant_id = None;
    if call.state.password_settings.contains(&id) {
        call.state.password_settings.update(&mut call.state.log, &id, |record| record.settings = settings);
    } else {
        call.state.password_settings.insert(&mut call.state.log, PasswordSettingsRecord { id, settings })?;
    }
    Ok(())
}

/// The rules that count for somebody.
#[derive(Clone, Debug)]
pub(crate) struct Rules(PasswordSettings);

impl Rules {
    /// Those of a tenant that has its own, else those of the project.
    pub(super) fn of(state: &State, tenant: Option<&str>) -> Self {
        let own = tenant.and_then(|tenant| settings(state, Some(tenant)));
        Self(own.or_else(|| settings(state, None)).unwrap_or_else(defaults))
    }

    /// Those of the tenant that is asked for, or of the only one that the user is in.
    pub(super) fn for_user(state: &State, user: &UserRecord, tenant: Option<&str>) -> Self {
        let only = user.tenants.keys().next().filter(|_| user.tenants.len() == 1).map(String::as_str);
        Self::of(state, tenant.or(only))
    }

    pub(super) fn enabled(&self) -> bool {
        self.0.enabled == Some(true)
    }

    pub(super) fn to_policy(&self) -> PasswordRules {
        let rules = &self.0;
        PasswordRules::new()
            .min_length(rules.min_length.unwrap_or_default())
            .lowercase(rules.lowercase == Some(true))
            .uppercase(rules.uppercase == Some(true))
            .number(rules.number == Some(true))
            .non_alphanumeric(rules.non_alphanumeric == Some(true))
            .strength_score_enabled(rules.enable_password_strength == Some(true))
            .strength_score(rules.password_strength_score.unwrap_or_default())
    }

    /// How many passwords back none may come again; the present one counts.
    pub(super) fn remembered(&self) -> usize {
        let amount = self.0.reuse_amount.and_then(|amount| usize::try_from(amount).ok());
        amount.filter(|_| self.0.reuse == Some(true)).unwrap_or_default()
    }

    /// For how many seconds a password is good.
    pub(super) fn lifetime(&self) -> Option<i64> {
        self.0.expiration_weeks.filter(|_| self.0.expiration == Some(true)).map(|weeks| weeks * WEEK)
    }

    /// After how many wrong passwords the user is locked for good.
    pub(super) fn lock_after(&self) -> Option<i64> {
        self.0.lock_attempts.filter(|_| self.0.lock == Some(true))
    }

    /// After how many wrong passwords the user is locked for a while, and for how many seconds. The duration counts
    /// minutes.
    pub(super) fn passing_lock(&self) -> Option<(i64, i64)> {
        let both = self.0.temp_lock_attempts.zip(self.0.temp_lock_duration);
        both.filter(|_| self.0.temp_lock == Some(true)).map(|(attempts, minutes)| (attempts.max(1), minutes * 60))
    }

    /// Refuses a password that is against the rules, and says which of them.
    pub(super) fn check(&self, password: &str, user: &UserRecord) -> Result<(), Refusal> {
        let rules = &self.0;
        let has = |wanted: Option<bool>, kind: fn(char) -> bool| wanted != Some(true) || password.chars().any(kind);
        let length = i64::try_from(password.chars().count()).unwrap_or(i64::MAX);
        let forbidden = rules.disallowed_characters.as_deref().unwrap_or_default();
        let broken = [
            (length < rules.min_length.unwrap_or_default(), "is too short"),
            (password.is_empty(), "is empty"),
            (!has(rules.lowercase, char::is_lowercase), "has no lower-case letter"),
            (!has(rules.uppercase, char::is_uppercase), "has no upper-case letter"),
            (!has(rules.any_letter, char::is_alphabetic), "has no letter"),
            (!has(rules.number, |character| character.is_ascii_digit()), "has no digit"),
            (!has(rules.non_alphanumeric, |character| !character.is_alphanumeric()), "has no special character"),
            (password.chars().any(|character| forbidden.contains(character)), "has a character that is not allowed"),
            (
                rules.disallow_email_match == Some(true) && resembles_address(password, user),
                "resembles the email address",
            ),
            (
                rules.enable_password_strength == Some(true)
                    && strength(password) < rules.password_strength_score.unwrap_or_default(),
                "is too easy to guess",
            ),
        ];
        match broken.iter().find(|(broken, _)| *broken) {
            Some((_, why)) => Err(Refusal::invalid(format!("The password {why}"))),
            None => Ok(()),
        }
    }
}

fn resembles_address(password: &str, user: &UserRecord) -> bool {
    let password = password.to_lowercase();
    let addresses = user.profile.email.iter().chain(&user.login_ids).map(|address| address.to_lowercase());
    addresses.filter(|address| address.contains('@')).any(|address| {
        let local = address.split('@').next().unwrap_or_default();
        password.contains(&address) || local.chars().count() >= 3 && password.contains(local)
    })
}

/// How hard a password is to guess, from 0 to 4, by how many of its characters do not follow from the one before.
fn strength(password: &str) -> i64 {
    let characters: Vec<u32> = password.chars().map(u32::from).collect();
    let follows = |pair: &[u32]| matches!(pair, [one, two] if one.abs_diff(*two) <= 1);
    let surprises = characters.len().min(1) + characters.windows(2).filter(|pair| !follows(pair)).count();
    match surprises {
        0..3 => 0,
        3..6 => 1,
        6..8 => 2,
        8..10 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::user::Profile;

    fn broken(settings: PasswordSettings, password: &str) -> Option<String> {
        let profile = Profile { email: Some("ada@example.com".to_owned()), ..Profile::default() };
        let user = UserRecord::new("U2".to_owned(), vec!["ada".to_owned()], profile, 0);
        Rules(settings).check(password, &user).err().map(|refusal| refusal.message)
    }

    #[test]
    fn the_default_rules_ask_for_no_digit() {
        assert_eq!(broken(defaults(), "WASD+ijkl"), None);
        for (password, why) in
            [("A!a4", "short"), ("Aaa456789", "special"), ("wasd+ijkl", "upper"), ("WASD+IJKL", "lower")]
        {
            assert!(broken(defaults(), password).is_some_and(|message| message.contains(why)), "{password}");
        }
    }

    #[test]
    fn each_rule_counts_when_it_is_on() {
        let on = PasswordSettings::new().enabled(true);
        assert!(broken(on.clone().any_letter(true), "1234").is_some());
        assert!(broken(on.clone().number(true), "abcd").is_some());
        assert!(broken(on.clone().disallowed_characters("xy"), "axb").is_some());
        assert!(broken(on.clone().disallow_email_match(true), "my-ADA-password").is_some());
        assert!(broken(on.clone().disallow_email_match(true), "nothing").is_none());
        let strong = on.enable_password_strength(true).password_strength_score(3);
        assert!(broken(strong.clone(), "abcdefghijklmnop").is_some(), "each letter follows from the one before");
        assert!(broken(strong, "tQ4-ok9!").is_none());
    }
}
