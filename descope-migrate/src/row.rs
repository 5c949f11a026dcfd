//! One user of a source, and what is wrong with it.

use descope_sdk::management::user::{ImportedPassword, UserBatchCreateEntry, UserStatus};
use serde::{Deserialize, Serialize};

/// Where in the source something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the record, from 1.
    pub(crate) number: u64,
    /// The line on which it begins, where the source has lines.
    pub(crate) line: Option<u64>,
    /// How far the source has been read with it, in bytes, or in records where it has no bytes.
    pub(crate) read: u64,
}

/// What is to become of a row, or has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Nothing is in the way.
    Ok,
    /// The record cannot be read.
    Malformed,
    /// It has nothing by which the user could sign in.
    NoLoginId,
    /// An email address or a phone number that is none.
    InvalidAddress,
    /// An earlier record has the login id.
    Duplicate,
    /// A user of the project has the login id.
    Exists,
    /// The project lacks a role.
    MissingRole,
    /// The project lacks a tenant.
    MissingTenant,
    /// The project lacks a custom attribute.
    MissingAttribute,
    /// A password hash by a scheme that Descope does not take.
    UnsupportedHash,
    /// A password hash that does not have the form of its scheme.
    MalformedHash,
    /// The service did not take the user.
    Refused,
    /// Created, by this run or an earlier one.
    Created,
    /// `undo`: deleted.
    Deleted,
    /// `verify`: not in the project.
    Missing,
    /// `verify`: in the project, and different.
    Differs,
    /// `verify`: the known password does not sign in.
    SignInFailed,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Malformed => "malformed",
            Self::NoLoginId => "no_login_id",
            Self::InvalidAddress => "invalid_address",
            Self::Duplicate => "duplicate",
            Self::Exists => "exists",
            Self::MissingRole => "missing_role",
            Self::MissingTenant => "missing_tenant",
            Self::MissingAttribute => "missing_attribute",
            Self::UnsupportedHash => "unsupported_hash",
            Self::MalformedHash => "malformed_hash",
            Self::Refused => "refused",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Missing => "missing",
            Self::Differs => "differs",
            Self::SignInFailed => "sign_in_failed",
        }
    }
}

/// Why a row cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) verdict: Verdict,
    /// The member, column or path in the source that is to blame.
    pub(crate) member: String,
    pub(crate) reason: String,
}

/// One user, read.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) place: Place,
    /// Without a login id where the record has none.
    pub(crate) entry: UserBatchCreateEntry,
    pub(crate) problems: Vec<Problem>,
    /// The user has a password that stays behind.
    pub(crate) password_left: bool,
}

impl Row {
    /// A user who is enabled and whose addresses are not verified: where nothing is said of an address, the service would
    /// believe it.
    pub(crate) fn new(place: Place) -> Self {
        let entry = UserBatchCreateEntry::new(String::new())
            .verified_email(false)
            .verified_phone(false)
            .status(UserStatus::ENABLED);
        Self { place, entry, problems: Vec::new(), password_left: false }
    }

    /// A record that cannot be read.
    pub(crate) fn malformed(place: Place, member: impl Into<String>, reason: impl Into<String>) -> Self {
        let mut row = Self::new(place);
        row.blame(Verdict::Malformed, member, reason);
        row
    }

    pub(crate) fn blame(&mut self, verdict: Verdict, member: impl Into<String>, reason: impl Into<String>) {
        self.problems.push(Problem { verdict, member: member.into(), reason: reason.into() });
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.problems.iter().map(|problem| problem.verdict).min().unwrap_or(Verdict::Ok)
    }

    pub(crate) fn login_id(&self) -> &str {
        &self.entry.login_id
    }

    /// All names under which the user is to sign in.
    pub(crate) fn login_ids(&self) -> impl Iterator<Item = &str> {
        let further = self.entry.additional_identifiers.iter().map(String::as_str);
        std::iter::once(self.login_id()).chain(further)
    }

    pub(crate) fn email(&mut self, member: &str, email: &str, verified: bool) {
        let email = email.trim();
        if email.is_empty() {
            return;
        }
        if is_email(email) {
            self.entry.email = Some(normal(email));
            self.entry.verified_email = Some(verified);
        } else {
            self.blame(Verdict::InvalidAddress, member, "is not an email address");
        }
    }

    pub(crate) fn phone(&mut self, member: &str, phone: &str, verified: bool) {
        let phone = phone.trim();
        if phone.is_empty() {
            return;
        }
        if is_phone(phone) {
            self.entry.phone = Some(normal(phone));
            self.entry.verified_phone = Some(verified);
        } else {
            self.blame(Verdict::InvalidAddress, member, "is not a phone number with its country, such as +15551234567");
        }
    }

    pub(crate) fn status(&mut self, enabled: bool) {
        self.entry.status = Some(if enabled { UserStatus::ENABLED } else { UserStatus::DISABLED });
    }

    pub(crate) fn password(&mut self, member: &str, hash: Result<ImportedPassword, Problem>) {
        match hash {
            Ok(hash) => self.entry.hashed_password = Some(hash),
            Err(Problem { verdict, member: inner, reason }) => {
                let member = if inner.is_empty() { member.to_owned() } else { format!("{member}.{inner}") };
                self.blame(verdict, member, reason);
            }
        }
    }

    /// Sets the names under which the user signs in. The first is the one by which the user is found again.
    pub(crate) fn names(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            let name = normal(&name);
            if name.is_empty() || name == self.entry.login_id || self.entry.additional_identifiers.contains(&name) {
                continue;
            }
            if self.entry.login_id.is_empty() {
                self.entry.login_id = name;
            } else {
                self.entry.additional_identifiers.push(name);
            }
        }
    }

    /// The last check of a row that was read.
    pub(crate) fn finished(mut self) -> Self {
        if self.entry.login_id.is_empty() && self.problems.iter().all(|one| one.verdict != Verdict::Malformed) {
            self.blame(Verdict::NoLoginId, "", "nothing of it can be a login id; --login-id says what may");
        }
        self
    }
}

/// A name in the form in which it is compared and sent: email addresses small, phone numbers without separators, everything
/// else as it is.
pub(crate) fn normal(name: &str) -> String {
    let name = name.trim();
    if is_email(name) {
        name.to_lowercase()
    } else if is_phone(name) {
        name.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect()
    } else {
        name.to_owned()
    }
}

pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || matches!(character, ',' | '<' | '>');
    !local.is_empty()
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !local.contains('@')
        && !text.chars().any(odd)
}

/// Whether it is a number in international form, separators allowed.
pub(crate) fn is_phone(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('+') else { return false };
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    (6..=15).contains(&digits)
        && rest.chars().all(|character| character.is_ascii_digit() || matches!(character, ' ' | '-' | '(' | ')' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for (name, form) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("+1 (555) 123-4567", "+15551234567"),
            ("Ada", "Ada"),
            ("555-123-4567", "555-123-4567"),
        ] {
            assert_eq!(normal(name), form);
        }
    }

    #[test]
    fn addresses_that_are_none_are_blamed_and_not_kept() {
        let mut row = Row::new(Place::default());
        row.email("mail", "ada@", true);
        row.phone("tel", "555 123", true);
        assert_eq!((&row.entry.email, &row.entry.phone), (&None, &None));
        assert_eq!((row.entry.verified_email, row.entry.verified_phone), (Some(false), Some(false)));
        let blamed: Vec<_> = row.problems.iter().map(|problem| problem.member.as_str()).collect();
        assert_eq!(blamed, ["mail", "tel"]);
        assert_eq!(row.finished().verdict(), Verdict::NoLoginId);
    }
}
