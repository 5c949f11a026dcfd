//! What a successful sign-in gives.

use std::time::{Duration, SystemTime};

use cookie::Cookie;
use descope_api::{
    Secret,
    types::{IdpResponse, JwtResponse, OptionalJwtResponse, User},
};
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::{
    Error, Result,
    raw_error::{Answer, Origin},
    session::KindNames,
};

/// A signed-in user: the tokens of the session, and what came with them.
///
/// Hand [`session_jwt`](Self::session_jwt) to the user's client, which sends it with every request, and keep
/// [`refresh_jwt`](Self::refresh_jwt) where only [`session().refresh`](crate::Sessions::refresh) needs it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let inbox = emulator.inbox();
/// let pending = descope.otp().email("ada@example.com").sign_up().name("Ada Lovelace").send().await?;
/// # let code = inbox.next("ada@example.com").await.code.unwrap();
/// let ada = pending.verify(code).await?;
///
/// assert!(ada.first_seen());
/// assert_eq!(ada.user().and_then(|user| user.name.as_deref()), Some("Ada Lovelace"));
/// let header = format!("Bearer {}", ada.session_jwt().expose());
/// # assert!(header.len() > 100 && ada.refresh_jwt().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Authentication {
    session_jwt: Secret,
    refresh_jwt: Option<Secret>,
    cookies: CookieSettings,
    /// The rest of the answer; the tokens have been taken out. Boxed: it is a kilobyte, which every future that gives an
    /// `Authentication` would have room for, and copy.
    answer: Box<JwtResponse>,
}

/// How the project wants the tokens to be kept in cookies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookieSettings {
    /// Name of the cookie for the refresh JWT; `DSR` when the project has not renamed it.
    pub refresh_name: Option<String>,
    /// Name of the cookie for the session JWT; `DS` when the project has not renamed it.
    pub session_name: Option<String>,
    /// Domain of the refresh cookie.
    pub domain: Option<String>,
    /// Domain of the session cookie, when it is another one.
    pub session_domain: Option<String>,
    /// Path of both cookies.
    pub path: Option<String>,
    /// How long the refresh cookie lives.
    pub max_age: Option<Duration>,
    /// When the refresh cookie expires.
    pub expires_at: Option<SystemTime>,
}

impl Authentication {
    /// The session token: short-lived, sent with every request, validated without a call to Descope.
    pub fn session_jwt(&self) -> &Secret {
        &self.session_jwt
    }

    /// The refresh token: lives for days or weeks and gets new session tokens. `None` for the session of a machine
    /// or when the project withholds it.
    pub fn refresh_jwt(&self) -> Option<&Secret> {
        self.refresh_jwt.as_ref()
    }

    /// The user as the service knows them now. Some answers, such as that of a refresh, may leave it out.
    pub fn user(&self) -> Option<&User> {
        self.answer.user.as_ref()
    }

    /// Whether this sign-in created the user.
    pub fn first_seen(&self) -> bool {
        self.answer.first_seen.unwrap_or(false)
    }

    /// When the session token expires.
    pub fn session_expires_at(&self) -> Option<SystemTime> {
        self.answer.session_expires_at()
    }

    /// How long the service suggests to wait before the session is refreshed.
    pub fn next_refresh_in(&self) -> Option<Duration> {
        self.answer.next_refresh()
    }

    /// How the project wants the tokens to be kept in cookies.
    pub fn cookies(&self) -> &CookieSettings {
        &self.cookies
    }

    /// Claims of the session token, when the service repeats them beside it. They are not signed here:
    /// [`session().validate`](crate::Sessions::validate) gives claims that are.
    pub fn unverified_claims(&self) -> &Map<String, Value> {
        &self.answer.claims
    }

    /// What the user's identity provider said, after a sign-in by SSO.
    pub fn idp_response(&self) -> Option<&IdpResponse> {
        self.answer.idp_response.as_ref()
    }

    /// The SSO configuration of the tenant by which the user came in.
    pub fn tenant_sso_id(&self) -> Option<&str> {
        self.answer.tenant_sso_id.as_deref()
    }

    /// The token of another system that the project issues alongside.
    pub fn external_token(&self) -> Option<&Secret> {
        self.answer.external_token.as_ref()
    }

    /// The token by which the service knows this device again.
    pub fn known_device_jwt(&self) -> Option<&Secret> {
        self.answer.known_device_jwt.as_ref()
    }

    /// The token that marks this device as trusted.
    pub fn trusted_device_jwt(&self) -> Option<&Secret> {
        self.answer.trusted_device_jwt.as_ref()
    }

    /// Takes the tokens out: the session JWT and the refresh JWT.
    pub fn into_tokens(self) -> (Secret, Option<Secret>) {
        (self.session_jwt, self.refresh_jwt)
    }

    /// Reads the answer of a sign-in, whose tokens may be in the body or in cookies.
    ///
    /// - `names`: under which cookies are looked for if the answer does not name them.
    pub(crate) fn read(answer: Answer<JwtResponse>, names: &KindNames) -> Result<Self> {
        Self::found(answer.body, answer.origin.headers(), names).ok_or_else(|| missing_session(&answer.origin))
    }

    /// Reads an answer that may hold no session at all.
    pub(crate) fn read_optional(answer: Answer<OptionalJwtResponse>, names: &KindNames) -> Option<Self> {
        let Answer { body: answer, origin } = answer;
        let mut session = JwtResponse::new();
        session.claims = answer.claims;
        session.cookie_domain = answer.cookie_domain;
        session.cookie_expiration = answer.cookie_expiration;
        session.cookie_max_age = answer.cookie_max_age;
        session.cookie_name = answer.cookie_name;
        session.cookie_path = answer.cookie_path;
        session.external_token = answer.external_token;
        session.next_refresh_seconds = answer.next_refresh_seconds;
        session.refresh_jwt = answer.refresh_jwt;
        session.session_cookie_domain = answer.session_cookie_domain;
        session.session_cookie_name = answer.session_cookie_name;
        session.session_expiration = answer.session_expiration;
        session.session_jwt = answer.session_jwt;
        session.tenant_sso_id = answer.tenant_sso_id;
        session.trusted_device_jwt = answer.trusted_device_jwt;
        Self::found(session, origin.headers(), names)
    }

    /// The same session with the refresh token that it was refreshed with, unless the service sent a new one.
    pub(crate) fn keeping(mut self, refresh_jwt: Secret) -> Self {
        self.refresh_jwt.get_or_insert(refresh_jwt);
        self
    }

    /// The session, if the answer holds one.
    pub(crate) fn found(answer: JwtResponse, headers: &HeaderMap, names: &KindNames) -> Option<Self> {
        let mut answer = Box::new(answer);
        let cookies = CookieSettings::of(&answer);
        let session_jwt = in_body(answer.session_jwt.take()).or_else(|| {
            let own = cookies.session_name.as_deref().into_iter();
            from_cookies(headers, own.chain(names.session()).chain([SESSION_COOKIE]))
        })?;
        let refresh_jwt = in_body(answer.refresh_jwt.take()).or_else(|| {
            let own = cookies.refresh_name.as_deref().into_iter();
            from_cookies(headers, own.chain(names.refresh()).chain([REFRESH_COOKIE]))
        });
        Some(Self { session_jwt, refresh_jwt, cookies, answer })
    }
}

impl CookieSettings {
    pub(crate) fn of(answer: &JwtResponse) -> Self {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            refresh_name: text(&answer.cookie_name),
            session_name: text(&answer.session_cookie_name),
            domain: text(&answer.cookie_domain),
            session_domain: text(&answer.session_cookie_domain),
            path: text(&answer.cookie_path),
            max_age: answer.cookie_max_age_duration(),
            expires_at: answer.cookie_expires_at(),
        }
    }
}

/// An answer that should have held a session and did not.
pub(crate) fn missing_session(origin: &Origin) -> Error {
    origin.lacks("the answer holds no session JWT, neither in its body nor in a cookie")
}

fn in_body(token: Option<Secret>) -> Option<Secret> {
    token.filter(|token| !token.is_empty())
}

/// A token that the project keeps out of the body, under the first of these names that is there. Of several cookies of
/// one name the last counts, as for a browser; those that only take an older one away are passed over.
fn from_cookies<'n>(headers: &HeaderMap, mut names: impl Iterator<Item = &'n str>) -> Option<Secret> {
    let now = cookie::time::OffsetDateTime::from(SystemTime::now());
    let cookies: Vec<_> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| Cookie::parse(value.to_str().ok()?).ok())
        .filter(|cookie| !cookie.value_trimmed().is_empty())
        // `Max-Age` goes before `Expires`.
        .filter(|cookie| match cookie.max_age() {
            Some(age) => age.is_positive(),
            None => cookie.expires_datetime().is_none_or(|at| at > now),
        })
        .collect();
    names.find_map(|name| {
        let last = cookies.iter().rfind(|cookie| cookie.name() == name)?;
        Some(Secret::from(last.value_trimmed()))
    })
}

/// Name of the session cookie where the project has not renamed it; also the claim `drn` of such a token.
pub(crate) const SESSION_COOKIE: &str = "DS";
/// Name of the refresh cookie where the project has not renamed it.
pub(crate) const REFRESH_COOKIE: &str = "DSR";

#[cfg(any(test, shuttle))]
pub(crate) mod testing {
    use super::*;

    /// A sign-in as this body tells it.
    pub(crate) fn authentication(body: Value) -> Authentication {
        let body = serde_json::from_value(body).unwrap();
        Authentication::found(body, &HeaderMap::new(), &KindNames::default()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::ErrorKind;

    fn read(body: &str, cookies: &[&str]) -> Result<Authentication> {
        read_under(&KindNames::default(), body, cookies)
    }

    fn read_under(names: &KindNames, body: &str, cookies: &[&str]) -> Result<Authentication> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie.parse().unwrap());
        }
        let body = serde_json::from_str(body).unwrap();
        let origin = Origin::of("otp_verify_email", headers);
        Authentication::read(Answer { body, origin }, names)
    }

    #[test]
    fn tokens_come_from_the_body_first() {
        let both = read(
            r#"{"sessionJwt":"body","refreshJwt":"refresh","firstSeen":true,"sessionExpiration":"1700000000"}"#,
            &["DS=cookie; Path=/"],
        )
        .unwrap();
        assert_eq!(both.session_jwt().expose(), "body");
        assert_eq!(both.refresh_jwt().unwrap().expose(), "refresh");
        assert!(both.first_seen());
        assert_eq!(both.session_expires_at(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        assert!(!format!("{both:?}").contains("refresh\""));
    }

    #[test]
    fn tokens_missing_from_the_body_come_from_cookies() {
        let cookies = ["other=1", "DS=session; Path=/; HttpOnly; Secure; SameSite=Strict", "DSR=refresh; Max-Age=60"];
        let found = read(r#"{"sessionJwt":"","user":{"name":"Ada"}}"#, &cookies).unwrap();
        assert_eq!(found.session_jwt().expose(), "session");
        assert_eq!(found.refresh_jwt().unwrap().expose(), "refresh");

        let renamed = r#"{"cookieName":"r","sessionCookieName":"s"}"#;
        let found = read(renamed, &["DS=wrong", "s=session", "r=refresh"]).unwrap();
        assert_eq!(found.session_jwt().expose(), "session");
        assert_eq!(found.refresh_jwt().unwrap().expose(), "refresh");
    }

    #[test]
    fn cookies_are_found_under_configured_names() {
        let mut names = KindNames::default();
        names.set_current("s2".into(), "r2".into());
        names.add_former([&"s1".into()], [&"r1".into()]);
        let renaming = r#"{"sessionCookieName":"s3","cookieName":"r3"}"#;
        for (body, cookies, session, refresh) in [
            ("{}", &["s2=a", "r2=b"][..], "a", Some("b")),
            ("{}", &["s1=a", "r1=b"], "a", Some("b")),
            ("{}", &["DS=a", "DSR=b"], "a", Some("b")),
            ("{}", &["s2=a", "DSR=b"], "a", Some("b")),
            ("{}", &["DS=z", "s1=y", "s2=a", "DSR=z", "r1=y", "r2=b"], "a", Some("b")),
            ("{}", &["DS=z", "s1=a", "DSR=z", "r1=b"], "a", Some("b")),
            // What only takes the older cookie away does not count under any name.
            ("{}", &["s2=; Max-Age=0", "s1=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "DS=a"], "a", None),
            ("{}", &["s2=a; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "a", None),
            ("{}", &["s2=a; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "rid=x"], "a", None),
            (r#"{"sessionCookieName":"","cookieName":null}"#, &["s2=a", "r2=b"], "a", Some("b")),
            (renaming, &["s2=z", "s3=a", "r2=z", "r3=b"], "a", Some("b")),
            (renaming, &["s2=a", "r1=b"], "a", Some("b")),
            (r#"{"sessionJwt":"a"}"#, &["s2=z", "r2=b"], "a", Some("b")),
        ] {
            let found = read_under(&names, body, cookies).unwrap();
            assert_eq!(found.session_jwt().expose(), session, "{body} {cookies:?}");
            assert_eq!(found.refresh_jwt().map(Secret::expose), refresh, "{body} {cookies:?}");
        }
        read("{}", &["s2=a"]).unwrap_err();
        read_under(&names, "{}", &["S2=a", "s3=a", "r2=a"]).unwrap_err();
    }

    #[test]
    fn cookies_are_parsed_with_their_attributes() {
        let refresh = |cookies: &[&str]| {
            let found = read(r#"{"sessionJwt":"s","refreshJwt":""}"#, cookies).unwrap();
            found.refresh_jwt().map(|token| token.expose().to_owned())
        };
        assert_eq!(refresh(&["DSR=\"quoted\"; path=/; HTTPONLY; secure; samesite=lax"]).as_deref(), Some("quoted"));
        assert_eq!(refresh(&[" DSR = spaced ;Max-Age=60"]).as_deref(), Some("spaced"));
        assert_eq!(refresh(&["DSR=old", "DSR=new"]).as_deref(), Some("new"));
        assert_eq!(refresh(&["DSR=good", "DSR=gone; Max-Age=0", "DSR=; Domain=old.example"]).as_deref(), Some("good"));
        assert_eq!(refresh(&["X=1; DSR=attribute", "dsr=case", "DSR", "=DSR", "XDSR=longer"]), None);
    }

    #[test]
    fn answer_without_a_session_is_an_error_with_status() {
        for (body, cookies) in [("{}", &[][..]), (r#"{"refreshJwt":"r"}"#, &["DS="]), ("{}", &["DSR=r"])] {
            let error = read(body, cookies).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert_eq!(error.status(), Some(StatusCode::OK));
            assert_eq!(error.operation(), Some("otp_verify_email"));
        }
    }

    #[test]
    fn optional_answer_without_a_session_is_none() {
        let answer = |body| {
            let body = serde_json::from_str(body).unwrap();
            Answer { body, origin: Origin::of("session_try_refresh", HeaderMap::new()) }
        };
        assert!(Authentication::read_optional(answer("{}"), &KindNames::default()).is_none());
        let found = answer(r#"{"sessionJwt":"s","nextRefreshSeconds":30}"#);
        let found = Authentication::read_optional(found, &KindNames::default());
        assert_eq!(found.unwrap().next_refresh_in(), Some(Duration::from_secs(30)));
    }
}
