//! Paths: what a parameter may not do to them.
//!
//! A URL parser takes `\` for `/`, drops tabs and newlines, and resolves `..` however it is encoded. So everything but
//! unreserved characters is encoded, and the finished URL is compared with the path of the operation once more: a call
//! that would reach another endpoint is not made, whatever the parameter was.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A parameter as one segment of a path.
pub(crate) fn encode_path(segment: &str) -> String {
    utf8_percent_encode(segment, RESERVED).to_string()
}

/// Compares a path with the one of the operation, segment by segment.
///
/// - `path`: of the finished URL, below the base URL.
/// - `template`: the documented path, with parameters in braces.
pub(crate) fn check(path: &str, template: &str) -> Result<(), String> {
    if path == template {
        return Ok(());
    }
    let is_parameter = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let mut segments = path.split('/');
    let fits = template.split('/').all(|expected| match segments.next() {
        Some(segment) if is_parameter(expected) => !segment.is_empty(),
        segment => segment == Some(expected),
    });
    if fits && segments.next().is_none() {
        return Ok(());
    }
    let parameters: Vec<&str> = template.split('/').filter(|segment| is_parameter(segment)).collect();
    Err(format!("the path parameter {} must not be empty, `.` or `..`", parameters.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode_path("Az09-._~"), "Az09-._~");
        assert_eq!(encode_path("..\\..\\a"), "..%5C..%5Ca");
        assert_eq!(encode_path("a/b?c#d%2e;e+f\n\0ü"), "a%2Fb%3Fc%23d%252e%3Be%2Bf%0A%00%C3%BC");
    }

    #[test]
    fn path_of_another_operation_is_refused() {
        let template = "/v1/mgmt/fga/backup/{id}";
        check("/v1/mgmt/fga/backup/B1", template).expect("its own path");
        for other in ["/v1/mgmt/fga/backup/", "/v1/mgmt/fga/", "/v1/mgmt/fga/backup/a/b", "/v1/mgmt/user/delete/all"] {
            let why = check(other, template).expect_err(other);
            assert!(why.contains("{id}"), "{why}");
        }
        check("/v1/users", "/v1/users").expect("no parameter");
        check("/v1/users/", "/v1/users").expect_err("one segment more");
    }
}
