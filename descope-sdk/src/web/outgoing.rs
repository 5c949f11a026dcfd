//! What a response gets because of what became of its request, whatever the framework.

use super::admission::Headers;
use crate::session::SetCookies;

/// The headers on which the session of a request depends.
const DEPENDS_ON: [&str; 2] = ["Cookie", "Authorization"];

/// Cookies for the user's client: new tokens, or none any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outgoing {
    cookies: Option<SetCookies>,
}

/// Changes of a response's headers.
#[derive(Debug, PartialEq, Eq)]
struct Changes<'c> {
    /// Values of `Set-Cookie` to append.
    set_cookie: Vec<&'c str>,
    /// Whether no cache may keep the response, whatever it says itself.
    no_store: bool,
    /// A value of `Vary` to append.
    vary: Option<String>,
}

impl Outgoing {
    pub(crate) fn new(cookies: Option<SetCookies>) -> Self {
        Self { cookies }
    }

    /// Changes the headers of a response.
    pub(crate) fn apply(&self, headers: &mut impl Headers) {
        let Changes { set_cookie, no_store, vary } = {
            let (set, vary): (Vec<_>, Vec<_>) = (headers.all("set-cookie").collect(), headers.all("vary").collect());
            self.changes(&set, &vary)
        };
        for cookie in set_cookie {
            headers.add("set-cookie", cookie);
        }
        if no_store {
            headers.set("cache-control", "no-store");
        }
        if let Some(vary) = vary {
            headers.add("vary", &vary);
        }
    }

    /// Whether there are cookies to set.
    pub(crate) fn has_cookies(&self) -> bool {
        self.cookies.is_some()
    }

    /// What to change in a response.
    ///
    /// - `set`: the values of its `Set-Cookie` headers. Cookies that it sets by itself win, as those of a handler that
    ///   signs somebody out.
    /// - `vary`: the values of its `Vary` headers.
    fn changes(&self, set: &[&[u8]], vary: &[&[u8]]) -> Changes<'_> {
        let sets = |name: &str| {
            set.iter().any(|value| {
                let end = value.iter().position(|byte| *byte == b'=').unwrap_or_default();
                value[..end].trim_ascii() == name.as_bytes()
            })
        };
        let new = self.cookies.iter().flat_map(SetCookies::named_values);
        let set_cookie: Vec<_> = new.filter(|(name, _)| !sets(name)).map(|(_, value)| value).collect();
        let varies = |by: &str| {
            let mut names = vary.iter().flat_map(|value| value.split(|byte| *byte == b','));
            names.any(|name| name.trim_ascii() == b"*" || name.trim_ascii().eq_ignore_ascii_case(by.as_bytes()))
        };
        let missing: Vec<_> = DEPENDS_ON.into_iter().filter(|by| !varies(by)).collect();
        // Also when the handler has set the cookies in the place of these: they hold tokens too.
        let no_store = self.has_cookies();
        Changes { set_cookie, no_store, vary: Some(missing.join(", ")).filter(|missing| !missing.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{authentication::testing::authentication, session::SessionCookies};

    #[test]
    fn cookies_of_the_handler_win() {
        let ada = authentication(serde_json::json!({"sessionJwt": "s", "refreshJwt": "r"}));
        let new = Outgoing::new(Some(SessionCookies::new().set(&ada).unwrap()));
        let added = |set: &[&[u8]]| -> Vec<String> {
            let changes = new.changes(set, &[]);
            assert!(changes.no_store);
            changes.set_cookie.iter().map(|value| value.split('=').next().unwrap().to_owned()).collect()
        };
        assert_eq!(added(&[]), ["DS", "DSR"]);
        assert_eq!(added(&[b"theme=dark", b"DS", b"=DS", b"DSX=1"]), ["DS", "DSR"]);
        assert_eq!(added(&[b"DS=; Max-Age=0"]), ["DSR"]);
        assert_eq!(added(&[b" DSR =x", b"DS=x"]), [] as [&str; 0]);
    }

    #[test]
    fn vary_is_merged() {
        for (vary, added) in [
            (&[][..], Some("Cookie, Authorization")),
            (&[&b"Accept"[..], b"Origin"][..], Some("Cookie, Authorization")),
            (&[&b"accept, cookie"[..]][..], Some("Authorization")),
            (&[&b"COOKIE"[..], b"authorization"][..], None),
            (&[&b"*"[..]][..], None),
            (&[&b"Accept, *"[..]][..], None),
        ] {
            let outgoing = Outgoing::default();
            let changes = outgoing.changes(&[], vary);
            assert_eq!(changes.vary.as_deref(), added);
            assert!(!changes.no_store && changes.set_cookie.is_empty());
        }
    }
}
