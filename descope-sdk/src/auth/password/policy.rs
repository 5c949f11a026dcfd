//! What a project asks of passwords.

use std::fmt;

use descope_api::types::PasswordRules;

/// What a project asks of passwords. From [`Password::policy`](crate::Password::policy).
///
/// The service has the last word: it also knows former passwords, and measures how easily one is guessed.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    rules: PasswordRules,
}

/// What a password lacks. It is displayed as the end of a sentence: "is shorter than 8 characters".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PasswordProblem {
    /// It is shorter than so many characters.
    TooShort(u64),
    /// It has no lower case letter.
    NoLowercase,
    /// It has no upper case letter.
    NoUppercase,
    /// It has no digit.
    NoNumber,
    /// It has nothing but letters and digits.
    NoNonAlphanumeric,
}

impl PasswordPolicy {
    pub(super) fn new(rules: PasswordRules) -> Self {
        Self { rules }
    }

    /// How many characters a password has at least.
    pub fn min_length(&self) -> u64 {
        self.rules.min_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
    }

    /// The rules as the service tells them.
    pub fn rules(&self) -> &PasswordRules {
        &self.rules
    }

    /// What `password` lacks, in the order in which a form would show it; nothing if this policy has no objection. Nothing
    /// is sent. [`strength_score`](PasswordRules::strength_score) is left to the service.
    ///
    /// Characters are counted as code points. Letters and digits are those of ASCII; any other character counts as neither, and
    /// so as one that is not alphanumeric.
    pub fn check(&self, password: &str) -> Vec<PasswordProblem> {
        use PasswordProblem::{NoLowercase, NoNonAlphanumeric, NoNumber, NoUppercase, TooShort};
        let asked = |rule: Option<bool>| rule == Some(true);
        let has = |kind: fn(&u8) -> bool| password.as_bytes().iter().any(kind);
        let (rules, min_length) = (&self.rules, self.min_length());
        let length = u64::try_from(password.chars().count()).unwrap_or(u64::MAX);
        [
            (length < min_length, TooShort(min_length)),
            (asked(rules.lowercase) && !has(u8::is_ascii_lowercase), NoLowercase),
            (asked(rules.uppercase) && !has(u8::is_ascii_uppercase), NoUppercase),
            (asked(rules.number) && !has(u8::is_ascii_digit), NoNumber),
            (asked(rules.non_alphanumeric) && !has(|byte| !byte.is_ascii_alphanumeric()), NoNonAlphanumeric),
        ]
        .into_iter()
        .filter_map(|(lacks, problem)| lacks.then_some(problem))
        .collect()
    }
}

impl fmt::Display for PasswordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => write!(f, "is shorter than {length} characters"),
            Self::NoLowercase => f.write_str("has no lower case letter"),
            Self::NoUppercase => f.write_str("has no upper case letter"),
            Self::NoNumber => f.write_str("has no digit"),
            Self::NoNonAlphanumeric => f.write_str("has nothing but letters and digits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_checked_and_only_those_that_are_asked_for() {
        use PasswordProblem::{NoLowercase, NoNonAlphanumeric, NoNumber, NoUppercase, TooShort};
        let all =
            PasswordRules::new().min_length(8).lowercase(true).uppercase(true).number(true).non_alphanumeric(true);
        let all = PasswordPolicy::new(all);
        for (password, problems) in [
            ("Engine-2-of-Ada", &[][..]),
            ("", &[TooShort(8), NoLowercase, NoUppercase, NoNumber, NoNonAlphanumeric]),
            ("Ab1-Ab1", &[TooShort(8)]),
            ("ENGINE-2", &[NoLowercase]),
            ("engine-2", &[NoUppercase]),
            ("Engine-x", &[NoNumber]),
            ("Engine22", &[NoNonAlphanumeric]),
            ("Éngine22a", &[NoUppercase]),
            ("ÄÖÜäöüß1", &[NoLowercase, NoUppercase]),
        ] {
            assert_eq!(all.check(password), problems, "{password}");
        }
        let none = PasswordPolicy::new(PasswordRules::new());
        assert!(none.check("").is_empty());
        assert_eq!(TooShort(8).to_string(), "is shorter than 8 characters");
    }
}
