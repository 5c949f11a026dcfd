//! The cookies in which an application keeps the tokens of its users.

pub(super) mod extract;

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

use cookie::{
    Cookie,
    time::{Duration, OffsetDateTime},
};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    Authentication, CookieSettings, Error, ErrorKind, Result, Secret,
    authentication::{REFRESH_COOKIE, SESSION_COOKIE},
    error::Inner,
};

/// The longest cookie that browsers keep, with its name and attributes.
const MAX_COOKIE_BYTES: usize = 4096;

/// How an application keeps the tokens of its users in cookies: their names, and the attributes that they are set with.
///
/// Unless something else is set the cookies are `DS` and `DSR`, out of reach of scripts (`HttpOnly`), sent over
/// encrypted connections only (`Secure`) and not with requests that another site causes (`SameSite=Strict`). Path, domain
/// and age are those that the project is configured with.
///
/// Browsers drop cookies of more than 4096 bytes, name and attributes included, without a word; a token with many
/// tenants, roles or claims gets there. The log has a warning with the size then. Ways out: put less into the token, by
/// the JWT template of the project or by selecting one tenant
/// ([`select_tenant`](crate::Sessions::select_tenant)); or hand the session token to the client in the body, have it sent
/// in the `Authorization` header, and keep only the refresh token in a cookie
/// (`session_names([])`).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let inbox = emulator.inbox();
/// # let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
/// # let code = inbox.next("ada@example.com").await.code.unwrap();
/// use descope_sdk::session::SessionCookies;
///
/// let cookies = SessionCookies::new();
/// let ada = pending.verify(code).await?;
/// let mut headers = http::HeaderMap::new();
/// cookies.set(&ada)?.append_to(&mut headers);
/// assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
///
/// // Later, when she leaves:
/// let settings = descope.session().logout(ada.refresh_jwt().unwrap()).await?;
/// for cookie in cookies.clear(&settings)?.values() {
///     assert!(cookie.contains("Max-Age=0"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookies {
    session_names: Vec<String>,
    refresh_names: Vec<String>,
    domain: Option<String>,
    path: Option<String>,
    same_site: SameSite,
    secure: bool,
    http_only: bool,
}

/// Whether a cookie goes with requests that other sites cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Never: somebody who follows a link from elsewhere arrives signed out. The default.
    #[default]
    Strict,
    /// When somebody follows a link.
    Lax,
    /// Always. The application has to tell forged requests from real ones by itself.
    None,
}

impl Default for SessionCookies {
    fn default() -> Self {
        Self::new()
    }
}

impl SessionCookies {
    /// Cookies named `DS` and `DSR`, with the attributes that are safe.
    #[must_use]
    pub fn new() -> Self {
        Self {
            session_names: vec![SESSION_COOKIE.to_owned()],
            refresh_names: vec![REFRESH_COOKIE.to_owned()],
            domain: None,
            path: None,
            same_site: SameSite::default(),
            secure: true,
            http_only: true,
        }
    }

    /// Names of the cookie for the session token. It is set under the first; a request is searched for all of them in
    /// this order, so that a cookie can be renamed while users are signed in. None at all: the token is neither looked
    /// for nor kept in a cookie.
    ///
    /// Tokens say which cookie they were made for (`drn`). A `SessionPolicy` of the web frameworks with these cookies
    /// accepts tokens of all of their names; otherwise the validator has to know those that the project's cookies had
    /// before: [`former_token_names`](super::SessionValidatorBuilder::former_token_names).
    ///
    /// The prefixes `__Host-` and `__Secure-` are honoured, that is, the attributes that browsers demand for them are set
    /// whatever else is configured.
    #[must_use]
    pub fn session_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.session_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Names of the cookie for the refresh token, as for [`session_names`](Self::session_names).
    #[must_use]
    pub fn refresh_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.refresh_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The domain whose hosts get the cookies, in place of the project's; an empty one for this host alone.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// The path below which the cookies are sent, in place of the project's.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Whether the cookies go with requests that other sites cause. [`SameSite::None`] makes them `Secure`.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Whether the cookies are sent over encrypted connections only. Turn it off for tests without one, nowhere else.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether the session cookie is out of reach of scripts. The refresh cookie always is.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// The cookies that keep a user signed in. Both live as long as the refresh token, so that an expired session token
    /// can be refreshed. An answer without a refresh token leaves that cookie alone.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) with [`Error::argument`]: a name, a path or a domain has
    /// characters that no cookie can have. [`Decode`](crate::ErrorKind::Decode): a token has.
    pub fn set(&self, authentication: &Authentication) -> Result<SetCookies> {
        let settings = authentication.cookies();
        let refresh_jwt = authentication.refresh_jwt().map(Secret::expose);
        let tokens = [
            (Kind::Session, self.session_names.first(), Some(authentication.session_jwt().expose())),
            (Kind::Refresh, self.refresh_names.first(), refresh_jwt),
        ];
        let mut cookies = SetCookies::default();
        for (kind, name, token) in tokens {
            let (Some(name), Some(token)) = (name, token) else { continue };
            let mut cookie = self.cookie(kind, name, token, settings)?;
            // Zero is what the service says when it has nothing to say; a browser would take the cookie away.
            match (settings.max_age.filter(|age| !age.is_zero()), settings.expires_at) {
                (Some(age), _) => {
                    cookie.set_max_age(Duration::seconds(i64::try_from(age.as_secs()).unwrap_or(i64::MAX)));
                }
                (None, Some(at)) => cookie.set_expires(moment(at)),
                (None, None) => {}
            }
            cookies.push(&cookie);
            cookies.warn_of_size(name);
        }
        Ok(cookies)
    }

    /// The cookies that take those of [`set`](Self::set) away again, under every name that is looked for.
    ///
    /// - `settings`: as [`logout`](super::Sessions::logout) gives them. A browser takes a cookie away only when domain and
    ///   path are the ones that it was set with.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn clear(&self, settings: &CookieSettings) -> Result<SetCookies> {
        let mut cookies = SetCookies::default();
        for (kind, names) in [(Kind::Session, &self.session_names), (Kind::Refresh, &self.refresh_names)] {
            for name in names {
                let mut cookie = self.cookie(kind, name, "", settings)?;
                cookie.set_max_age(Duration::ZERO);
                cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
                cookies.push(&cookie);
            }
        }
        Ok(cookies)
    }

    /// The cookies that take away those of the same names that are of this host alone, where new ones are set for a whole
    /// domain: a browser would go on sending both. Nothing where new ones are of this host alone, too.
    #[cfg(any(feature = "actix-web", feature = "tower"))]
    pub(crate) fn clear_of_host(&self, authentication: &Authentication) -> Result<SetCookies> {
        let settings = authentication.cookies();
        let mut cookies = SetCookies::default();
        for (kind, name) in [(Kind::Session, self.session_names.first()), (Kind::Refresh, self.refresh_names.first())] {
            let Some(name) = name else { continue };
            let mut cookie = self.cookie(kind, name, "", settings)?;
            if cookie.domain().is_some() {
                cookie.unset_domain();
                cookie.set_max_age(Duration::ZERO);
                cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
                cookies.push(&cookie);
            }
        }
        Ok(cookies)
    }

    /// The cookie without an age.
    fn cookie<'a>(
        &'a self,
        kind: Kind,
        name: &'a str,
        token: &'a str,
        settings: &'a CookieSettings,
    ) -> Result<Cookie<'a>> {
        let (argument, projects_domain) = match kind {
            Kind::Session => ("session_names", settings.session_domain.as_deref().or(settings.domain.as_deref())),
            Kind::Refresh => ("refresh_names", settings.domain.as_deref()),
        };
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Error::configuration(argument, format!("`{argument}` has a name that no cookie can have")));
        }
        if !token.bytes().all(is_value) {
            let detail = Some("a token has characters that no cookie can have".into());
            return Err(Inner { detail, ..Inner::of(ErrorKind::Decode) }.into());
        }
        let host = name.starts_with("__Host-");
        let domain = self.domain.as_deref().or(projects_domain).filter(|domain| !host && !domain.is_empty());
        let path = self.path.as_deref().or(settings.path.as_deref()).filter(|path| !host && !path.is_empty());
        for (argument, value) in [("domain", domain), ("path", path)] {
            if !value.is_none_or(|value| value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';')) {
                let detail = format!("`{argument}` has characters that no cookie can have");
                return Err(Error::configuration(argument, detail));
            }
        }
        let secure = self.secure || host || name.starts_with("__Secure-") || self.same_site == SameSite::None;
        let mut cookie = Cookie::new(name, token);
        cookie.set_path(path.unwrap_or("/"));
        if let Some(domain) = domain {
            cookie.set_domain(domain);
        }
        cookie.set_secure(secure);
        cookie.set_http_only(self.http_only || matches!(kind, Kind::Refresh));
        cookie.set_same_site(match self.same_site {
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::Lax => cookie::SameSite::Lax,
            SameSite::None => cookie::SameSite::None,
        });
        Ok(cookie)
    }

    /// Where to look for the session token, in this order.
    pub(crate) fn searched_session_names(&self) -> &[String] {
        &self.session_names
    }

    /// Where to look for the refresh token, in this order.
    pub(crate) fn searched_refresh_names(&self) -> &[String] {
        &self.refresh_names
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Session,
    Refresh,
}

/// Characters of a name (RFC 6265, `token`).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}

/// Characters of a value (RFC 6265, `cookie-octet`).
fn is_value(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

/// A point in time as cookies tell it, if they can.
fn moment(at: SystemTime) -> Option<OffsetDateTime> {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
}

/// Values of the header `Set-Cookie`, to be appended to a response.
///
/// With the feature `axum` it can be returned from a handler in front of the body.
#[derive(Clone, Default)]
pub struct SetCookies(Vec<(String, Secret)>);

impl SetCookies {
    fn push(&mut self, cookie: &Cookie<'_>) {
        self.0.push((cookie.name().to_owned(), Secret::from(cookie.to_string())));
    }

    /// These, and then others.
    #[cfg(any(feature = "actix-web", feature = "tower"))]
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// These, and those of the others that are not among them.
    #[cfg(any(feature = "actix-web", feature = "tower"))]
    pub(crate) fn and_other(mut self, others: Self) -> Self {
        let new: Vec<_> = others.0.into_iter().filter(|other| !self.0.contains(other)).collect();
        self.0.extend(new);
        self
    }

    /// Says once in a process that the last cookie is one that browsers drop without a word.
    fn warn_of_size(&self, name: &str) {
        static WARNED: AtomicBool = AtomicBool::new(false);
        let bytes = self.0.last().map_or(0, |(_, value)| value.expose().len());
        if bytes > MAX_COOKIE_BYTES && !WARNED.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "descope",
                cookie = name,
                bytes,
                "browsers drop cookies of more than {MAX_COOKIE_BYTES} bytes: make the token shorter in the project's JWT \
                 template, or send it in the `Authorization` header"
            );
        }
    }

    /// The values, one for each header line. They contain tokens.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.expose())
    }

    /// The names and values of the cookies, as [`values`](Self::values).
    #[cfg(any(test, feature = "actix-web", feature = "tower"))]
    pub(crate) fn named_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    /// Appends the header lines, marked as sensitive, and leaves the ones that are there.
    pub fn append_to(&self, headers: &mut HeaderMap) {
        for mut value in self.values().filter_map(|value| HeaderValue::from_str(value).ok()) {
            value.set_sensitive(true);
            headers.append(header::SET_COOKIE, value);
        }
    }
}

impl fmt::Debug for SetCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::authentication::testing::authentication;

    #[test]
    fn cookie_that_browsers_drop_is_reported_once_with_its_size() {
        let log = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Log(Arc::clone(&log))).finish();
        let too_long = signed_in(&json!({"sessionJwt": "marked".repeat(800)}));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                SessionCookies::new().set(&signed_in(&json!({}))).unwrap();
                assert!(SessionCookies::new().set(&too_long).unwrap().values().next().unwrap().len() > 4800);
            }
        });
        let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        assert_eq!(log.matches("browsers drop cookies of more than 4096 bytes").count(), 1, "{log}");
        assert!(log.contains("cookie=\"DS\"") && log.contains("bytes=48") && !log.contains("marked"), "{log}");
    }

    #[cfg(any(feature = "actix-web", feature = "tower"))]
    #[test]
    fn stale_cookies_of_the_host_go_where_the_new_ones_are_of_a_domain() {
        let new = signed_in(&json!({"cookieDomain": "example.com", "cookiePath": "/"}));
        let cleared: Vec<String> =
            SessionCookies::new().clear_of_host(&new).unwrap().values().map(str::to_owned).collect();
        assert_eq!(cleared.len(), 2);
        assert!(cleared.iter().all(|it| it.contains("=; ") && it.contains("Max-Age=0") && !it.contains("Domain")));
        for of_host in [
            SessionCookies::new().domain(""),
            SessionCookies::new().session_names(["__Host-s"]).refresh_names(["__Host-r"]),
        ] {
            assert_eq!(of_host.clear_of_host(&new).unwrap().values().count(), 0);
        }
        assert_eq!(SessionCookies::new().clear_of_host(&signed_in(&json!({}))).unwrap().values().count(), 0);
    }

    #[derive(Clone)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn signed_in(more: &Value) -> Authentication {
        let mut body = json!({"sessionJwt": "s.e.s", "refreshJwt": "r.e.f"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        authentication(body)
    }

    fn values(cookies: &SetCookies) -> Vec<&str> {
        cookies.values().collect()
    }

    #[test]
    fn cookies_are_safe_unless_told_otherwise() {
        let ada = signed_in(&json!({
            "cookiePath": "/app", "cookieDomain": "example.com", "sessionCookieDomain": "app.example.com",
            "cookieMaxAge": 3600, "cookieExpiration": 1_700_000_000, "cookieName": "other",
        }));
        let cookies = SessionCookies::new();
        let set = cookies.set(&ada).unwrap();
        assert_eq!(
            values(&set),
            [
                "DS=s.e.s; HttpOnly; SameSite=Strict; Secure; Path=/app; Domain=app.example.com; Max-Age=3600",
                "DSR=r.e.f; HttpOnly; SameSite=Strict; Secure; Path=/app; Domain=example.com; Max-Age=3600",
            ]
        );
        let cleared = cookies.clear(ada.cookies()).unwrap();
        for (set, cleared) in set.values().zip(cleared.values()) {
            let attributes = |value: &str| value.split_once(';').unwrap().1.replace("Max-Age=3600", "Max-Age=0");
            assert_eq!(format!("{}; Expires=Thu, 01 Jan 1970 00:00:00 GMT", attributes(set)), attributes(cleared));
        }
        assert_eq!(format!("{set:?}"), r#"["DS", "DSR"]"#);

        let mut headers = HeaderMap::new();
        headers.insert(header::SET_COOKIE, "a=b".parse().unwrap());
        set.append_to(&mut headers);
        assert_eq!(headers.len(), 3);
        assert!(!format!("{headers:?}").contains("e.s"), "{headers:?}");
    }

    #[test]
    fn attributes_can_be_set() {
        let ada = signed_in(&json!({"cookieDomain": "auth.example.com", "cookiePath": "/x", "cookieMaxAge": 0}));
        let cookies = SessionCookies::new()
            .session_names(["sid", "DS"])
            .refresh_names(["rid", "DSR"])
            .domain("example.com")
            .path("/")
            .same_site(SameSite::Lax)
            .secure(false)
            .http_only(false);
        let set = cookies.set(&ada).unwrap();
        assert_eq!(
            values(&set),
            [
                "sid=s.e.s; SameSite=Lax; Path=/; Domain=example.com",
                "rid=r.e.f; HttpOnly; SameSite=Lax; Path=/; Domain=example.com",
            ]
        );
        let cleared = cookies.clear(&CookieSettings::default()).unwrap();
        let names: Vec<&str> = cleared.named_values().map(|(name, _)| name).collect();
        assert_eq!(names, ["sid", "DS", "rid", "DSR"]);

        let host_only = SessionCookies::new().domain("").refresh_names([] as [&str; 0]);
        assert_eq!(values(&host_only.set(&ada).unwrap()), ["DS=s.e.s; HttpOnly; SameSite=Strict; Secure; Path=/x"]);
    }

    #[test]
    fn prefixes_and_same_site_none_bring_what_browsers_demand() {
        let ada = signed_in(&json!({"cookieDomain": "example.com", "cookiePath": "/x", "cookieExpiration": 86400}));
        let set = SessionCookies::new().session_names(["__Host-DS"]).refresh_names(["__Secure-DSR"]).secure(false);
        let expires = "Expires=Fri, 02 Jan 1970 00:00:00 GMT";
        assert_eq!(
            values(&set.set(&ada).unwrap()),
            [
                format!("__Host-DS=s.e.s; HttpOnly; SameSite=Strict; Secure; Path=/; {expires}"),
                format!(
                    "__Secure-DSR=r.e.f; HttpOnly; SameSite=Strict; Secure; Path=/x; Domain=example.com; {expires}"
                ),
            ]
        );
        let anywhere = SessionCookies::new().same_site(SameSite::None).secure(false);
        assert!(anywhere.set(&ada).unwrap().values().all(|value| value.contains("SameSite=None; Secure")));
    }

    #[test]
    fn what_would_break_out_of_a_cookie_is_refused() {
        let ada = signed_in(&json!({}));
        let cases = [
            ("session_names", SessionCookies::new().session_names(["a b"])),
            ("session_names", SessionCookies::new().session_names([""])),
            ("refresh_names", SessionCookies::new().refresh_names(["a=b"])),
            ("domain", SessionCookies::new().domain("example.com; Secure")),
            ("path", SessionCookies::new().path("/\r\nX-Evil: 1")),
        ];
        for (argument, cookies) in cases {
            let error = cookies.set(&ada).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(error.argument(), Some(argument));
            assert_eq!(cookies.clear(ada.cookies()).unwrap_err().argument(), Some(argument));
        }
        let broken = signed_in(&json!({"refreshJwt": "marked; Domain=evil.example"}));
        let error = SessionCookies::new().set(&broken).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(!format!("{error} {error:?}").contains("marked"));
    }
}
