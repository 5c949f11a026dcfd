//! How sessions are found in requests, whatever the framework.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;

use super::{Refusal, outgoing::Outgoing};
use crate::{
    Authentication, CookieSettings, Descope, Error, Secret, Sessions,
    session::{
        DpopRequest, RequestTokens, Session, SessionCookies, SessionValidator, SetCookies, TokenError, refresh_may_help,
    },
};

/// How the session of a request is found, and what happens to requests without one.
///
/// The token is taken from the header `Authorization` (`Bearer` or `DPoP`) or else from a cookie, and validated. A
/// request without a good one is refused unless the session is [`optional`](Self::optional).
///
/// ```
/// use descope_sdk::Descope;
/// use descope_sdk::web::SessionPolicy;
///
/// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").build()?;
/// let for_an_api = SessionPolicy::new(&descope).without_cookies();
/// let for_pages = SessionPolicy::new(&descope).refresh();
/// # Ok::<_, descope_sdk::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a policy does nothing until a layer or middleware is made of it"]
pub struct SessionPolicy {
    sessions: Sessions,
    /// The project's, which also accepts tokens that are named after the cookies.
    validator: SessionValidator,
    cookies: SessionCookies,
    refresh: bool,
    optional: bool,
    origin: Option<String>,
    /// How the project wants its cookies to be set, as the last refresh said it: a browser takes a cookie away only when
    /// domain and path are those that it was set with.
    settings: Arc<ArcSwapOption<CookieSettings>>,
}

/// What became of a request.
pub(crate) struct Admission {
    /// The session, or why there is none.
    pub(crate) session: Result<Session, Refusal>,
    /// New tokens.
    pub(crate) refreshed: Option<Authentication>,
    /// What the response gets, whoever makes it.
    pub(crate) outgoing: Outgoing,
}

impl SessionPolicy {
    /// Sessions of this project, in the header or in cookies of the project's names; no refresh.
    pub fn new(descope: &Descope) -> Self {
        let sessions = descope.session();
        let cookies = sessions.cookies();
        let validator = sessions.validator().clone();
        Self { sessions, validator, cookies, refresh: false, optional: false, origin: None, settings: Arc::default() }
    }

    /// Looks for the tokens under these names, and sets cookies with these attributes. Tokens whose `drn` is one of the
    /// names are accepted, wherever they come from: they were made for a cookie that was called so.
    pub fn cookies(mut self, cookies: SessionCookies) -> Self {
        self.validator = self.sessions.validator().knowing(&cookies);
        self.cookies = cookies;
        self
    }

    /// Takes tokens from the header `Authorization` alone, so that no other site can make a browser send one along.
    pub fn without_cookies(mut self) -> Self {
        self.cookies = self.cookies.session_names([] as [&str; 0]).refresh_names([] as [&str; 0]);
        self
    }

    /// Refreshes sessions that are kept in cookies: a request whose session token has expired or is gone, and which
    /// brings a refresh token, is served as if nothing were, and its response sets the new cookies. The application finds
    /// the new tokens as an [`Authentication`] among the request's extensions.
    ///
    /// A token in the header `Authorization` is judged by itself: whoever sends one keeps it elsewhere, and would not get
    /// to know the new one from a cookie.
    pub fn refresh(mut self) -> Self {
        self.refresh = true;
        self
    }

    /// Lets requests without a good session pass, and leaves it to the handlers to ask for one. They are still refused
    /// when nothing can be known of their token ([`Refusal::Unavailable`]).
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The origin by which clients know this server, as `https://api.example.com`. It is needed to check proofs of
    /// possession (DPoP); without it, tokens that need one are refused.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        let origin: String = origin.into();
        self.origin = Some(origin.trim_end_matches('/').to_owned());
        self
    }

    /// The cookies of the applications, to set and clear them in handlers.
    pub fn session_cookies(&self) -> &SessionCookies {
        &self.cookies
    }

    /// Judges a request by what it brings.
    ///
    /// - `path`: the path of its URL.
    /// - `describe`: what a proof of possession is checked against, given the URL.
    pub(crate) async fn admit<'r>(
        &self,
        tokens: RequestTokens<'r>,
        path: &str,
        describe: impl FnOnce(String) -> DpopRequest<'r>,
    ) -> Admission {
        let validator = &self.validator;
        let mut refused = Refusal::Missing;
        let request = self.origin.as_ref().map(|origin| describe(format!("{origin}{path}")));
        for session_jwt in tokens.session_jwts() {
            let validated = match &request {
                None => validator.validate_session(session_jwt).await,
                Some(request) => validator.validate_session_with_proof(session_jwt, request).await,
            };
            match validated {
                Ok(session) => return Admission::of(Ok(session)),
                Err(error) => {
                    tracing::debug!(target: "descope", %error, "the session token of a request is not good");
                    refused = Refusal::from(&error);
                    if tokens.scheme().is_some() || !refresh_may_help(&error) {
                        return Admission::of(Err(refused));
                    }
                }
            }
        }
        if !self.refresh {
            return Admission::of(Err(refused));
        }
        let mut admission = Admission::of(Err(refused));
        let several = tokens.session_jwts().nth(1).is_some() || tokens.refresh_jwts().nth(1).is_some();
        for refresh_jwt in tokens.refresh_jwts() {
            match self.renew(refresh_jwt, several).await {
                Ok(admission) => return admission,
                Err(error) => {
                    tracing::debug!(target: "descope", %error, "the session of a request could not be refreshed");
                    let refused = Refusal::from(&error);
                    let outgoing = Outgoing::new(self.farewell(refresh_jwt, &error).await);
                    admission = Admission { outgoing, ..Admission::of(Err(refused)) };
                    // Nothing is known of this one, so nothing may be said of all of them.
                    if refused.status() != http::StatusCode::UNAUTHORIZED {
                        break;
                    }
                }
            }
        }
        admission
    }

    /// - `several`: whether the request brought several cookies of one kind, of which all but the new ones are to go.
    async fn renew(&self, refresh_jwt: &str, several: bool) -> Result<Admission, Error> {
        let (session, refreshed) = self.sessions.renew(&self.validator, refresh_jwt).await?.into_parts();
        let set = |tokens| {
            let stale = if several { self.cookies.clear_of_host(tokens)? } else { SetCookies::default() };
            Ok(stale.and(self.cookies.set(tokens)?))
        };
        if let Some(tokens) = &refreshed {
            self.settings.store(Some(Arc::new(tokens.cookies().clone())));
        }
        let cookies: Result<Option<SetCookies>, Error> = refreshed.as_ref().map(set).transpose();
        if let Err(error) = &cookies {
            tracing::error!(target: "descope", %error, "the cookies of a refreshed session cannot be set");
        }
        Ok(Admission { session: Ok(session), refreshed, outgoing: Outgoing::new(cookies?) })
    }

    /// The cookies that take the tokens away, if the refresh token has ended: it would be refused with every request. Not
    /// when nothing is known of it.
    async fn farewell(&self, refresh_jwt: &str, error: &Error) -> Option<SetCookies> {
        let ended = error.is_refusal()
            || matches!(self.validator.validate_refresh(refresh_jwt).await, Err(TokenError::Expired));
        if !ended {
            return None;
        }
        let of_host = self.cookies.clear(&CookieSettings::default()).ok()?;
        let Some(settings) = self.settings.load_full() else { return Some(of_host) };
        Some(self.cookies.clear(&settings).ok()?.and_other(of_host))
    }

    /// Whether the application gets to see a request with this outcome.
    pub(crate) fn lets_pass(&self, refusal: Refusal) -> bool {
        self.optional && refusal.status() == http::StatusCode::UNAUTHORIZED
    }
}

impl Admission {
    fn of(session: Result<Session, Refusal>) -> Self {
        Self { session, refreshed: None, outgoing: Outgoing::default() }
    }
}

/// The refresh token that counts for a request now: the new one if its session was refreshed on the way in, the one of
/// its cookie otherwise. An extractor for handlers that sign somebody out or switch the tenant.
///
/// It has been found and not validated; the service does that when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshJwt(pub Secret);

impl RefreshJwt {
    /// - `policy`: by which the request was let in.
    /// - `refreshed`: what came of a refresh.
    pub(crate) fn of<'h>(
        policy: Option<&Arc<SessionPolicy>>,
        refreshed: Option<&Authentication>,
        tokens: impl FnOnce(&SessionCookies) -> RequestTokens<'h>,
    ) -> Result<Self, Refusal> {
        let Some(policy) = policy else { return Err(not_behind_a_layer()) };
        refreshed
            .and_then(Authentication::refresh_jwt)
            .cloned()
            .or_else(|| tokens(&policy.cookies).refresh_jwt().map(Secret::from))
            .map(Self)
            .ok_or(Refusal::Missing)
    }
}

/// The session of a request that has been through a layer or middleware.
pub(crate) fn found(session: Option<&Session>, refusal: Option<&Refusal>) -> Result<Session, Refusal> {
    match (session, refusal) {
        (Some(session), _) => Ok(session.clone()),
        (None, Some(refusal)) => Err(*refusal),
        (None, None) => Err(not_behind_a_layer()),
    }
}

fn not_behind_a_layer() -> Refusal {
    tracing::error!(target: "descope", "a session is asked for where no session layer or middleware has looked for one");
    Refusal::Misconfigured
}

impl fmt::Debug for SessionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions: _, validator: _, cookies, refresh, optional, origin, settings: _ } = self;
        f.debug_struct("SessionPolicy")
            .field("cookies", cookies)
            .field("refresh", refresh)
            .field("optional", optional)
            .field("origin", origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_shows_no_secret_and_its_refresh_token_neither() {
        let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").management_key("marked").build().unwrap();
        let policy = SessionPolicy::new(&descope).origin("https://api.example.com/").optional();
        let shown = format!("{policy:?} {:?}", RefreshJwt("marked".into()));
        assert!(shown.contains("\"https://api.example.com\"") && !shown.contains("marked"), "{shown}");
        assert!(policy.lets_pass(Refusal::Expired) && !policy.lets_pass(Refusal::Unavailable));
        let closed = policy.clone().without_cookies();
        let mut headers = http::HeaderMap::new();
        headers.insert("cookie", "DS=x; DSR=y".parse().unwrap());
        assert_eq!(closed.session_cookies().tokens(&headers).session_jwt(), None);
        assert_eq!(policy.session_cookies().tokens(&headers).session_jwt(), Some("x"));
    }

    #[test]
    fn renamed_tokens_rename_the_cookies() {
        let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij")
            .session_validator(|validator| validator.token_names("sid", "rid").former_token_names("DS", "old"))
            .build()
            .unwrap();
        let expected = SessionCookies::new().session_names(["sid", "DS"]).refresh_names(["rid", "old"]);
        assert_eq!(SessionPolicy::new(&descope).session_cookies(), &expected);
    }

    #[test]
    fn what_is_not_behind_a_layer_is_a_mistake_of_the_application() {
        assert_eq!(found(None, None).unwrap_err(), Refusal::Misconfigured);
        assert_eq!(found(None, Some(&Refusal::Expired)).unwrap_err(), Refusal::Expired);
        assert_eq!(RefreshJwt::of(None, None, |_| RequestTokens::default()), Err(Refusal::Misconfigured));
    }
}
