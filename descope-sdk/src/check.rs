//! What can be refused before anything is sent.
//!
//! Only what can never be right: the service alone knows what an acceptable address or password is, and a copy
//! of its rules would go stale and turn valid users away.

use descope_api::Secret;

use crate::{Error, Result};

/// A text that goes into a body: a login id, an address, a key's name.
pub(crate) fn text(argument: &'static str, value: &str) -> Result<()> {
    if value.trim().is_empty() {
        return Err(Error::argument_refused(argument, "is empty"));
    }
    if value.chars().any(char::is_control) {
        return Err(Error::argument_refused(argument, "contains a control character"));
    }
    Ok(())
}

/// Members of a request, of which one has to say what is meant.
#[cfg(feature = "management")]
pub(crate) fn some_of<const N: usize>(members: [(&'static str, bool); N]) -> Result<()> {
    match members.first() {
        Some((first, _)) if !members.iter().any(|(_, given)| *given) => Err(Error::argument_refused(
            first,
            "is not given, nor anything else that says what: the service would take that for all there is",
        )),
        _ => Ok(()),
    }
}

/// Whether a text says something.
#[cfg(feature = "management")]
pub(crate) fn is_given(value: Option<&str>) -> bool {
    value.is_some_and(|value| !value.trim().is_empty())
}

/// A text that may have lines: a schema, a certificate, a description.
#[cfg(feature = "management")]
pub(crate) fn lines(argument: &'static str, value: &str) -> Result<()> {
    if value.trim().is_empty() {
        return Err(Error::argument_refused(argument, "is empty"));
    }
    if value.chars().any(|c| c.is_control() && !['\n', '\r', '\t'].contains(&c)) {
        return Err(Error::argument_refused(argument, "contains a control character"));
    }
    Ok(())
}

/// A text that may be left out, but not given empty.
pub(crate) fn optional_text(argument: &'static str, value: Option<&str>) -> Result<()> {
    value.map_or(Ok(()), |value| text(argument, value))
}

/// A list of which something is to be done with each.
#[cfg(feature = "management")]
pub(crate) fn list<T>(argument: &'static str, value: &[T]) -> Result<()> {
    if value.is_empty() {
        return Err(Error::argument_refused(argument, "is empty"));
    }
    Ok(())
}

/// A code, a link token or an answer: secret, and goes into a body.
pub(crate) fn secret(argument: &'static str, value: &Secret) -> Result<()> {
    text(argument, value.expose())
}

/// A password as the user typed it, which may have any character.
pub(crate) fn password(argument: &'static str, value: &Secret) -> Result<()> {
    if value.is_empty() { Err(Error::argument_refused(argument, "is empty")) } else { Ok(()) }
}

/// A credential that becomes one part of the bearer: a JWT or a key.
///
/// The parts are joined by colons, so a colon inside would make two of one; whatever does not fit a header would
/// be refused by the HTTP client with words that blame no argument.
pub(crate) fn bearer(argument: &'static str, value: &Secret) -> Result<()> {
    let value = value.expose();
    if value.trim().is_empty() {
        return Err(Error::argument_refused(argument, "is empty"));
    }
    if value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        Ok(())
    } else {
        Err(Error::argument_refused(argument, "contains white space, a colon or another character that no token has"))
    }
}

/// The id of the project, by its shape: `P` and at least 27 more ASCII letters and digits.
pub(crate) fn project_id(argument: &'static str, value: &str) -> Result<()> {
    let shape = value.starts_with('P')
        && value.len() >= PROJECT_ID_LENGTH
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if shape {
        return Ok(());
    }
    let detail = if value.trim().is_empty() {
        format!("`{argument}` is empty: the project id is shown in the console under Project")
    } else {
        format!("`{argument}` is not a project id, which is `P` and at least 27 more letters and digits")
    };
    Err(Error::configuration(argument, detail))
}

/// Shortest id of a project; those with a region inside have four characters more.
const PROJECT_ID_LENGTH: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn texts_are_neither_blank_nor_broken() {
        for bad in ["", " ", "\t\n", "ada\n@example.com", "ada\u{0}"] {
            let error = text("login_id", bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.argument(), Some("login_id"));
            assert!(error.to_string().starts_with("`login_id` "), "{error}");
        }
        text("login_id", "ada lovelace+x@example.com").unwrap();
        optional_text("redirect_url", None).unwrap();
        optional_text("redirect_url", Some("")).unwrap_err();
    }

    #[test]
    fn bearers_fit_a_header_and_are_one_part() {
        for bad in ["", "  ", "a b", "a\nb", "a\r\nX-Evil: 1", "a:b", "é", "\u{7f}"] {
            let error = bearer("refresh_jwt", &Secret::from(bad)).unwrap_err();
            assert_eq!(error.argument(), Some("refresh_jwt"));
            assert!(bad.trim().is_empty() || !format!("{error}{error:?}").contains(bad));
        }
        bearer("refresh_jwt", &Secret::from("eyJh.eyJk-_.c2ln")).unwrap();
    }

    #[test]
    fn project_ids_have_a_shape() {
        let id = |length: usize| format!("P{}", "2".repeat(length - 1));
        for length in [28, 31, 32, 33] {
            project_id("project_id", &id(length)).unwrap();
        }
        let spaced = format!("{} ", id(28));
        for bad in [String::new(), id(27), id(28).to_lowercase(), spaced, format!("P/{}", id(28))] {
            let error = project_id("DESCOPE_PROJECT_ID", &bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(error.argument(), Some("DESCOPE_PROJECT_ID"));
        }
    }
}
