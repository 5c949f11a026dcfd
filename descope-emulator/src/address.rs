//! Email addresses and phone numbers: are they any, and how are they shown when most of them is to stay hidden.

use std::borrow::Cow;

/// Whether `text` has the form of an email address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !text.chars().any(|character| character.is_whitespace() || character.is_control() || character == ',')
}

/// Whether `text` has the form of a phone number: 6 to 15 digits, `+` before and separators between them allowed.
pub(crate) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    (6..=15).contains(&digits)
        && rest.chars().all(|character| character.is_ascii_digit() || matches!(character, ' ' | '-' | '(' | ')'))
}

/// A phone number without what stands between its digits: `+1-555-123 4567` becomes `+15551234567`.
pub(crate) fn clean_phone(phone: &str) -> String {
    phone.chars().filter(|character| character.is_ascii_digit() || *character == '+').collect()
}

/// A login id as it is stored and looked up: one that is a phone number is cleaned like one.
pub(crate) fn clean_login_id(login_id: &str) -> Cow<'_, str> {
    if login_id.starts_with('+') && is_phone(login_id) {
        Cow::Owned(clean_phone(login_id))
    } else {
        Cow::Borrowed(login_id)
    }
}

/// `ada@example.com` becomes `a**@e******.com`.
pub(crate) fn mask_email(email: &str) -> String {
    let Some((local, domain)) = email.rsplit_once('@') else { return hide(email, 1, 0) };
    let (name, ending) = match domain.rsplit_once('.') {
        Some((name, ending)) => (name, format!(".{ending}")),
        None => (domain, String::new()),
    };
    format!("{}@{}{ending}", hide(local, 1, 0), hide(name, 1, 0))
}

/// `+15551234567` becomes `+1******4567`.
pub(crate) fn mask_phone(phone: &str) -> String {
    hide(phone, 2, 4)
}

fn hide(text: &str, head: usize, tail: usize) -> String {
    let length = text.chars().count();
    text.chars()
        .enumerate()
        .map(|(index, character)| if index < head || index + tail >= length { character } else { '*' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_names() {
        assert!(is_email("ada@example.com"));
        assert!(is_email("ada@localhost"));
        for no in ["", "ada", "@example.com", "ada@", "a da@example.com", "ada@.com", "+15551234567"] {
            assert!(!is_email(no), "{no}");
        }
        assert!(is_phone("+15551234567"));
        assert!(is_phone("+1 (555) 123-4567"));
        for no in ["", "+", "12345", "+1555123456789012", "+1x551234567", "ada@example.com"] {
            assert!(!is_phone(no), "{no}");
        }
    }

    #[test]
    fn phone_numbers_have_one_form() {
        assert_eq!(clean_phone("+1 (555) 123-4567"), "+15551234567");
        assert_eq!(clean_login_id("+1-555-123-4567"), "+15551234567");
        for other in ["ada-1", "ada@example.com", "555-123-4567", "+1"] {
            assert_eq!(clean_login_id(other), other);
        }
    }

    #[test]
    fn masks_hide_most_of_an_address() {
        assert_eq!(mask_email("ada@example.com"), "a**@e******.com");
        assert_eq!(mask_email("ada@localhost"), "a**@l********");
        assert_eq!(mask_phone("+15551234567"), "+1******4567");
    }
}
