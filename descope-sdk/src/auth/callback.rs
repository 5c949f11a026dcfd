//! What a user comes back with: a token or a code by itself, or the whole URL of the page that they came back to.

use descope_api::Secret;
use url::Url;

use crate::{Error, ErrorCode, ErrorKind, Result, check, error::Inner};

/// The token of a link that was clicked.
pub(super) fn token(given: Secret) -> Result<Secret> {
    parameter("token", "t", given)
}

/// The code of a sign-in at a provider.
pub(super) fn code(given: Secret) -> Result<Secret> {
    parameter("code", "code", given)
}

/// - `argument`: what the caller names the value.
/// - `name`: of the parameter in the query.
fn parameter(argument: &'static str, name: &str, given: Secret) -> Result<Secret> {
    check::secret(argument, &given)?;
    // No token and no code has this in it, and every URL with a query of its own has.
    if !given.expose().contains("://") {
        return Ok(given);
    }
    let url = Url::parse(given.expose().trim());
    let url = url.map_err(|_| Error::argument_refused(argument, "is not a URL, although it has `://` in it"))?;
    let of = |name: &str| {
        let found = url.query_pairs().find(|(known, value)| known == name && !value.trim().is_empty());
        found.map(|(_, value)| value.into_owned())
    };
    if let Some(why) = of("err") {
        return Err(refused(why));
    }
    let value = of(name).ok_or_else(|| Error::argument_refused(argument, missing(name)))?;
    Ok(Secret::from(value))
}

fn missing(name: &str) -> &'static str {
    match name {
        "t" => "is a URL without a parameter `t`",
        _ => "is a URL without a parameter `code`",
    }
}

/// The sign-in did not come about. Whoever sends the user to the page can write anything here, so that the words are the
/// error's message, and only a code of the service's own form says what kind of error it is.
fn refused(why: String) -> Error {
    let words = why.split(|c: char| !c.is_ascii_alphanumeric());
    let code = words.into_iter().find(|word| is_code(word)).map(|word| ErrorCode::from(word.to_owned()));
    let kind = code.as_ref().and_then(ErrorCode::kind).unwrap_or(ErrorKind::Api);
    Inner { code, message: Some(why), ..Inner::of(kind) }.into()
}

fn is_code(word: &str) -> bool {
    word.len() == 7 && word.starts_with('E') && word[1..].bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(given: &str) -> Result<String> {
        code(Secret::from(given)).map(|code| code.expose().to_owned())
    }

    #[test]
    fn code_comes_by_itself_or_in_the_url_of_the_page() {
        for (given, code) in [
            ("abc-123_x", "abc-123_x"),
            ("https://app.example.com/back?code=abc&state=1", "abc"),
            ("https://app.example.com/back?state=1&code=a%2Bb#top", "a+b"),
            ("myapp://back?code=abc", "abc"),
            (" https://app.example.com/?code=abc ", "abc"),
            ("https://app.example.com/?err=&code=abc", "abc"),
            ("https://app.example.com/?code=&code=abc", "abc"),
        ] {
            assert_eq!(found(given).unwrap(), code, "{given}");
        }
        assert_eq!(token(Secret::from("https://app.example.com/?t=abc&code=no")).unwrap().expose(), "abc");
    }

    #[test]
    fn url_without_a_code_is_refused_and_not_sent() {
        for given in ["", " ", "https://app.example.com/", "https://app.example.com/?Code=abc", "://?code=abc"] {
            let error = found(given).unwrap_err();
            assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("code")), "{given}");
        }
    }

    #[test]
    fn refusal_in_the_url_is_an_error_of_its_kind() {
        for (given, kind, code) in [
            ("https://app.example.com/?err=access_denied", ErrorKind::Api, None),
            ("https://app.example.com/?err=access_denied&code=abc", ErrorKind::Api, None),
            ("https://app.example.com/?err=%5BE062108%5D%20User%20not%20found", ErrorKind::NotFound, Some("E062108")),
            ("https://app.example.com/?err=%7B%22code%22%3A%22E130429%22%7D", ErrorKind::RateLimited, Some("E130429")),
            ("https://app.example.com/?err=E12345x", ErrorKind::Api, None),
        ] {
            let error = found(given).unwrap_err();
            assert_eq!((error.kind(), error.code().map(ErrorCode::as_str)), (kind, code), "{given}");
            assert!(error.message().is_some());
        }
    }
}
