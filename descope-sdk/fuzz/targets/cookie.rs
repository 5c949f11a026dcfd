//! The headers in which a request brings tokens: `Cookie`, and `Authorization`.

#![no_main]

use descope_sdk::session::SessionCookies;
use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // One header a line; those that begin with `A` are `Authorization`.
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let (name, value) = match line.split_first() {
            Some((b'A', value)) => (header::AUTHORIZATION, value),
            _ => (header::COOKIE, line),
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    for cookies in [SessionCookies::new(), SessionCookies::new().session_names(["a", "DS"]).refresh_names(["b", "DSR"])]
    {
        let tokens = cookies.tokens(&headers);
        for token in [tokens.session_jwt(), tokens.refresh_jwt()].into_iter().flatten() {
            // Nothing is made up, and no cookie runs into the next.
            let from = headers.values().any(|value| contains(value.as_bytes(), token.as_bytes()));
            assert!(from, "{token:?}");
            assert!(tokens.scheme().is_some() || !token.contains(';'), "{token:?}");
        }
    }
});

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
