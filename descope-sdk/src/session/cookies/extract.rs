//! Where the tokens are in a request.

use std::fmt;

use http::{HeaderMap, HeaderValue, header};

use crate::session::{AuthScheme, SessionCookies};

/// The most cookies of one kind that are looked at. A browser keeps one for the host and one for each domain above it.
const MOST_CANDIDATES: usize = 4;

/// The tokens that a request brings, not validated yet. From [`SessionCookies::tokens`].
///
/// A browser may send several cookies of one name, as one of this host alone beside one of the whole domain, and nothing
/// in the request says which is the newer one. All of them are candidates.
#[derive(Clone, Copy, Default)]
pub struct RequestTokens<'h> {
    session_jwts: Candidates<'h>,
    /// `None` for a cookie.
    scheme: Option<AuthScheme>,
    refresh_jwts: Candidates<'h>,
}

type Candidates<'h> = [Option<&'h str>; MOST_CANDIDATES];

impl<'h> RequestTokens<'h> {
    /// The session token as it was sent, the first of several. It is empty when there is one that cannot be read.
    pub fn session_jwt(&self) -> Option<&'h str> {
        self.session_jwts[0]
    }

    /// Every session token that was sent, in the order in which they are looked for: any good one counts.
    pub fn session_jwts(&self) -> impl Iterator<Item = &'h str> + use<'h> {
        self.session_jwts.into_iter().flatten()
    }

    /// The scheme of the `Authorization` header that brought the session token; `None` if it came in a cookie, or if
    /// there is none.
    pub fn scheme(&self) -> Option<AuthScheme> {
        self.scheme
    }

    /// The refresh token as it was sent, the first of several, which is always in a cookie.
    pub fn refresh_jwt(&self) -> Option<&'h str> {
        self.refresh_jwts[0]
    }

    /// Every refresh token that was sent, as [`session_jwts`](Self::session_jwts).
    pub fn refresh_jwts(&self) -> impl Iterator<Item = &'h str> + use<'h> {
        self.refresh_jwts.into_iter().flatten()
    }
}

impl fmt::Debug for RequestTokens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTokens")
            .field("session_jwts", &self.session_jwts().count())
            .field("scheme", &self.scheme)
            .field("refresh_jwts", &self.refresh_jwts().count())
            .finish()
    }
}

impl SessionCookies {
    /// Finds the tokens of a request: the session token in the header `Authorization` (`Bearer` or `DPoP`, in any case)
    /// or else in a cookie, the refresh token in a cookie. The names of the cookies are tried in their order; of several
    /// cookies of one name, up to four are candidates.
    ///
    /// A token in the header always counts, even when it is broken and there is a good one in a cookie; two headers with
    /// a token count as a broken one, since whoever is in front of the application may have looked at the other.
    ///
    /// ```
    /// use descope_sdk::session::{AuthScheme, SessionCookies};
    ///
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("cookie", "theme=dark; DSR=eyJ.def.ghi".parse().unwrap());
    /// headers.insert("authorization", "bearer eyJ.abc.def".parse().unwrap());
    ///
    /// let cookies = SessionCookies::new();
    /// let tokens = cookies.tokens(&headers);
    /// assert_eq!(tokens.session_jwt(), Some("eyJ.abc.def"));
    /// assert_eq!(tokens.scheme(), Some(AuthScheme::Bearer));
    /// assert_eq!(tokens.refresh_jwt(), Some("eyJ.def.ghi"));
    /// ```
    pub fn tokens<'h>(&self, headers: &'h HeaderMap) -> RequestTokens<'h> {
        let values = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        self.tokens_in(values(header::AUTHORIZATION), || values(header::COOKIE))
    }

    /// The same from the values of the two headers, for frameworks with a header map of their own.
    pub(crate) fn tokens_in<'h, I: Iterator<Item = &'h [u8]>>(
        &self,
        authorization: impl Iterator<Item = &'h [u8]>,
        cookies: impl Fn() -> I,
    ) -> RequestTokens<'h> {
        let cookie = |names: &[String]| {
            let mut found = Candidates::default();
            let mut places = found.iter_mut();
            for token in names.iter().flat_map(|name| find(cookies(), name)) {
                match places.next() {
                    Some(place) => *place = Some(token),
                    None => break,
                }
            }
            found
        };
        let refresh_jwts = cookie(self.searched_refresh_names());
        match explicit(authorization) {
            Some((scheme, token)) => {
                let mut session_jwts = Candidates::default();
                session_jwts[0] = Some(token);
                RequestTokens { session_jwts, scheme: Some(scheme), refresh_jwts }
            }
            None => RequestTokens { session_jwts: cookie(self.searched_session_names()), scheme: None, refresh_jwts },
        }
    }
}

/// The token of the header `Authorization`; empty when there is one that cannot be read. Headers with other schemes are
/// meant for somebody else.
fn explicit<'h>(values: impl Iterator<Item = &'h [u8]>) -> Option<(AuthScheme, &'h str)> {
    let mut found = values.filter_map(|value| match str::from_utf8(value) {
        Ok(text) => AuthScheme::split(text),
        Err(error) => {
            let text = str::from_utf8(&value[..error.valid_up_to()]).unwrap_or_default();
            AuthScheme::split(text).map(|(scheme, _)| (scheme, ""))
        }
    });
    let first = found.next()?;
    Some(if found.next().is_some() { (first.0, "") } else { first })
}

/// The cookies of that name that are not empty. Non-UTF-8 cookies are ignored.
fn find<'h>(headers: impl Iterator<Item = &'h [u8]>, name: &str) -> impl Iterator<Item = &'h str> {
    headers.flat_map(|header| header.split(|byte| *byte == b';')).filter_map(move |pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        if key != name.as_bytes() {
            return None;
        }
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        str::from_utf8(value).ok().filter(|value| !value.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cookie_of_a_name_is_a_candidate_up_to_four() {
        let cookies = SessionCookies::new().session_names(["new", "DS"]);
        let headers = headers(&[
            ("cookie", b"DS=old; DSR=a; DS=\"older\"; DS=; DSRX=z; DSR=b"),
            ("cookie", b"new=first; DSR=c; DSR=d; DSR=e"),
        ]);
        let tokens = cookies.tokens(&headers);
        assert_eq!(tokens.session_jwts().collect::<Vec<_>>(), ["first", "old", "older"]);
        assert_eq!(tokens.refresh_jwts().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!((tokens.session_jwt(), tokens.refresh_jwt()), (Some("first"), Some("a")));
    }

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).unwrap();
        pairs.iter().map(|(name, bytes)| (name.parse::<header::HeaderName>().unwrap(), value(bytes))).collect()
    }

    /// Session token, its place, and the refresh token.
    fn found(cookies: &SessionCookies, pairs: &[(&'static str, &[u8])]) -> (Option<String>, Option<String>) {
        let headers = headers(pairs);
        let tokens = cookies.tokens(&headers);
        let shown = format!("{tokens:?}");
        assert!(!shown.contains("tok"), "{shown}");
        let place = tokens.scheme().map_or("Cookie".to_owned(), |scheme| format!("{scheme:?}"));
        let session = tokens.session_jwt().map(|token| format!("{place} {token}"));
        (session, tokens.refresh_jwt().map(str::to_owned))
    }

    fn session(pairs: &[(&'static str, &[u8])]) -> Option<String> {
        found(&SessionCookies::new(), pairs).0
    }

    #[test]
    fn header_in_any_case_with_any_space() {
        for value in ["Bearer tok", "bearer tok", "BEARER   tok", " Bearer tok ", "bEaReR tok"] {
            assert_eq!(session(&[("authorization", value.as_bytes())]).as_deref(), Some("Bearer tok"), "{value}");
        }
        assert_eq!(session(&[("authorization", b"dpop tok")]).as_deref(), Some("Dpop tok"));
        for value in ["Basic tok", "BearerTok", "Bearer\ttok", "tok", "", "Token tok"] {
            assert_eq!(session(&[("authorization", value.as_bytes())]), None, "{value}");
        }
    }

    #[test]
    fn explicit_token_counts_even_when_it_is_broken() {
        let cookie = ("cookie", &b"DS=cookie-tok"[..]);
        assert_eq!(session(&[cookie, ("authorization", b"Bearer tok")]).as_deref(), Some("Bearer tok"));
        assert_eq!(session(&[cookie, ("authorization", b"Bearer tok\xff")]).as_deref(), Some("Bearer "));
        for none in [&b"Bearer"[..], b"Bearer ", b"\xff"] {
            assert_eq!(session(&[cookie, ("authorization", none)]).as_deref(), Some("Cookie cookie-tok"));
        }
        let two = [cookie, ("authorization", b"Bearer tok"), ("authorization", b"DPoP tok")];
        assert_eq!(session(&two).as_deref(), Some("Bearer "));
        let basic = [cookie, ("authorization", b"Basic YTpi")];
        assert_eq!(session(&basic).as_deref(), Some("Cookie cookie-tok"));
        let after_basic = [("authorization", &b"Basic YTpi"[..]), ("authorization", b"Bearer tok")];
        assert_eq!(session(&after_basic).as_deref(), Some("Bearer tok"));
    }

    #[test]
    fn cookies_are_found_among_others() {
        for value in [
            &b"DS=tok"[..],
            b"a=b; DS=tok; c=d",
            b"a=b;DS=tok;c",
            b" DS = tok ",
            b"DS=\"tok\"",
            b"DS=; DS=tok; DS=second",
            b"XDS=no; DSX=no; ds=no; DS=tok",
            b"a=\xff\xfe; DS=tok",
            b"DS=\xff; DS=tok",
            b";;=;DS=tok",
        ] {
            assert_eq!(session(&[("cookie", value)]).as_deref(), Some("Cookie tok"), "{value:?}");
        }
        assert_eq!(session(&[("cookie", b"a=b"), ("cookie", b"DS=tok")]).as_deref(), Some("Cookie tok"));
        for value in [&b"DS"[..], b"DS=", b"=tok", b"", b";", b"DS=\"\"", b"a=DS=tok"] {
            assert_eq!(session(&[("cookie", value)]), None, "{value:?}");
        }
        // One quote belongs to the value; the validator will not like it.
        assert_eq!(session(&[("cookie", b"DS=\"")]).as_deref(), Some("Cookie \""));
    }

    #[test]
    fn names_are_tried_in_the_callers_order() {
        let cookies = SessionCookies::new().session_names(["new", "DS"]).refresh_names(["z", "a"]);
        let both = found(&cookies, &[("cookie", b"DS=old-tok; a=r1-tok; new=new-tok; z=r2-tok")]);
        assert_eq!(both, (Some("Cookie new-tok".into()), Some("r2-tok".into())));
        let fallback = found(&cookies, &[("cookie", b"DS=old-tok; a=r1-tok")]);
        assert_eq!(fallback, (Some("Cookie old-tok".into()), Some("r1-tok".into())));
        let none = SessionCookies::new().session_names([] as [&str; 0]).refresh_names([] as [&str; 0]);
        assert_eq!(found(&none, &[("cookie", b"DS=tok; DSR=tok")]), (None, None));
    }
}
