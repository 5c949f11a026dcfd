//! What a user comes back with: a token or a code by itself, or the whole URL of the page that they came back to.

use descope_api::Secret;

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
    let Some(query) = query(given.expose()) else {
        if is_url(given.expose()) {
            return Err(Error::argument_refused(argument, missing(name)));
        }
        return Ok(given);
    };
    if let Some(why) = of(query, "err").next() {
        return Err(refused(why));
    }
    let value = of(query, name).next().ok_or_else(|| Error::argument_refused(argument, missing(name)))?;
    let value = Secret::from(value);
    check::secret(argument, &value)?;
    Ok(value)
}

/// The query of a URL, a whole one or what a server sees of it: no token and no code has a question mark.
pub(super) fn query(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    Some(query.split_once('#').map_or(query, |(query, _)| query).trim())
}

/// The values of a parameter that say something.
pub(super) fn of<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = String> + 'q {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.filter(move |(known, value)| known == name && !value.trim().is_empty());
    found.map(|(_, value)| value.into_owned())
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.trim_start().starts_with('/')
}

/// An error if the user comes back without having been let in.
pub(super) fn refusal(url: &str) -> Result<()> {
    let why = query(url).and_then(|query| of(query, "err").next());
    why.map_or(Ok(()), |why| Err(refused(why)))
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
    let code = why.split(|c: char| !c.is_ascii_alphanumeric()).find_map(ErrorCode::numbered);
    // Nothing that would make a program wait or try again.
    let kind = code.as_ref().and_then(ErrorCode::kind);
    let kind = kind.filter(|kind| FINAL.contains(kind));
    let kind = kind.unwrap_or(ErrorKind::Api);
    Inner { code, message: Some(why), ..Inner::of(kind) }.into()
}

/// The kinds of errors that the text of a URL can make.
const FINAL: [ErrorKind; 5] =
    [ErrorKind::AlreadyExists, ErrorKind::Expired, ErrorKind::Forbidden, ErrorKind::NotFound, ErrorKind::Unauthorized];

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
            ("/back?code=abc&state=1", "abc"),
            ("?code=abc", "abc"),
            ("com.example.app:/back?code=abc", "abc"),
            ("/back?next=https://x&code=abc", "abc"),
        ] {
            assert_eq!(found(given).unwrap(), code, "{given}");
        }
        assert_eq!(token(Secret::from("https://app.example.com/?t=abc&code=no")).unwrap().expose(), "abc");
    }

    #[test]
    fn url_without_a_code_is_refused_and_not_sent() {
        for given in [
            "",
            " ",
            "https://app.example.com/",
            "https://app.example.com/?Code=abc",
            "/back",
            "/back?x=1",
            "https://app.example.com/?code=a%0Ab",
        ] {
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
            ("https://app.example.com/?err=%7B%22code%22%3A%22E130429%22%7D", ErrorKind::Api, Some("E130429")),
            ("/back?err=E062503", ErrorKind::Api, Some("E062503")),
            ("https://app.example.com/?err=E12345x", ErrorKind::Api, None),
        ] {
            let error = found(given).unwrap_err();
            assert_eq!((error.kind(), error.code().map(ErrorCode::as_str)), (kind, code), "{given}");
            assert!(error.message().is_some());
        }
    }
}
