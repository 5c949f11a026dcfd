//! How requests get in, whatever the framework: what is read from them, what becomes of them, and what their responses get.
//! The modules of the frameworks only translate between their types and these.

use std::sync::Arc;

use super::{Refusal, SessionPolicy, outgoing::Outgoing};
use crate::{
    Authentication, CookieSettings, Error,
    session::{DpopRequest, RequestTokens, Session, SessionCookies, SetCookies, TokenError, refresh_may_help},
};

/// The headers of a message, in the type that a framework has for them. Names are in lower case.
pub(crate) trait Headers {
    /// Every value of one name.
    fn all<'h>(&'h self, name: &'static str) -> impl Iterator<Item = &'h [u8]>;

    /// Puts a value in the place of those that are there.
    fn set(&mut self, name: &'static str, value: &str);

    /// Adds a value to those that are there.
    fn add(&mut self, name: &'static str, value: &str);
}

/// What a request carries from one part of an application to another, likewise.
pub(crate) trait Extensions {
    fn put<T: Clone + Send + Sync + 'static>(&mut self, value: T);

    fn take_away<T: Send + Sync + 'static>(&mut self);
}

/// What became of a request.
pub(crate) struct Admission {
    /// The session, or why there is none.
    session: Result<Session, Refusal>,
    /// New tokens.
    refreshed: Option<Authentication>,
    /// What the response gets, whoever makes it.
    outgoing: Outgoing,
}

/// Finds the tokens in a request.
pub(crate) fn tokens<'h>(cookies: &SessionCookies, headers: &'h impl Headers) -> RequestTokens<'h> {
    cookies.tokens_in(headers.all("authorization"), || headers.all("cookie"))
}

/// What a proof of possession is checked against.
fn described<'r>(
    method: &'r str,
    url: String,
    tokens: &RequestTokens<'_>,
    headers: &'r impl Headers,
) -> DpopRequest<'r> {
    let request = DpopRequest::new(method, url).scheme(tokens.scheme().unwrap_or_default());
    // A header that is not text is as good as an empty one: a proof, and not a good one.
    headers.all("dpop").fold(request, |request, proof| request.proof(str::from_utf8(proof).unwrap_or_default()))
}

impl Admission {
    /// Judges a request by what it brings.
    ///
    /// - `path`: the path of its URL, as the client sent it.
    pub(crate) async fn decide(policy: &SessionPolicy, method: &str, path: &str, headers: &impl Headers) -> Self {
        let tokens = tokens(&policy.cookies, headers);
        let url = policy.origin.as_ref().map(|origin| format!("{origin}{path}"));
        let request = url.map(|url| described(method, url, &tokens, headers));
        let validator = &policy.validator;
        let mut refused = Refusal::Missing;
        for session_jwt in tokens.session_jwts() {
            let validated = match &request {
                None => validator.validate_session(session_jwt).await,
                Some(request) => validator.validate_session_with_proof(session_jwt, request).await,
            };
            match validated {
                Ok(session) => return Self::of(Ok(session)),
                Err(error) => {
                    tracing::debug!(target: "descope", %error, "the session token of a request is not good");
                    refused = Refusal::from(&error);
                    if tokens.scheme().is_some() || !refresh_may_help(&error) {
                        return Self::of(Err(refused));
                    }
                }
            }
        }
        let mut admission = Self::of(Err(refused));
        if !policy.refresh {
            return admission;
        }
        let several = tokens.session_jwts().nth(1).is_some() || tokens.refresh_jwts().nth(1).is_some();
        for refresh_jwt in tokens.refresh_jwts() {
            match Self::by_refresh(policy, refresh_jwt, several).await {
                Ok(admission) => return admission,
                Err(error) => {
                    tracing::debug!(target: "descope", %error, "the session of a request could not be refreshed");
                    let refused = Refusal::from(&error);
                    let outgoing = Outgoing::new(farewell(policy, refresh_jwt, &error).await);
                    admission = Self { outgoing, ..Self::of(Err(refused)) };
                    // Nothing is known of this one, so nothing may be said of all of them.
                    if refused.status() != http::StatusCode::UNAUTHORIZED {
                        break;
                    }
                }
            }
        }
        admission
    }

    fn of(session: Result<Session, Refusal>) -> Self {
        Self { session, refreshed: None, outgoing: Outgoing::default() }
    }

    /// - `several`: whether the request brought several cookies of one kind, of which all but the new ones are to go.
    async fn by_refresh(policy: &SessionPolicy, refresh_jwt: &str, several: bool) -> Result<Self, Error> {
        let (session, refreshed) = policy.sessions.renew(&policy.validator, refresh_jwt).await?.into_parts();
        let set = |tokens| {
            let stale = if several { policy.cookies.clear_of_host(tokens)? } else { SetCookies::default() };
            Ok(stale.and(policy.cookies.set(tokens)?))
        };
        if let Some(tokens) = &refreshed {
            policy.settings.store(Some(Arc::new(tokens.cookies().clone())));
        }
        let cookies: Result<Option<SetCookies>, Error> = refreshed.as_ref().map(set).transpose();
        if let Err(error) = &cookies {
            tracing::error!(target: "descope", %error, "the cookies of a refreshed session cannot be set");
        }
        Ok(Self { session: Ok(session), refreshed, outgoing: Outgoing::new(cookies?) })
    }

    /// Puts what was found among the request's extensions, or says how the request is refused. The response gets the
    /// rest in either case.
    pub(crate) fn enter(
        self,
        policy: &Arc<SessionPolicy>,
        extensions: &mut impl Extensions,
    ) -> (Result<(), Refusal>, Outgoing) {
        let Self { session, refreshed, outgoing } = self;
        // What an outer layer has found is not about this project.
        extensions.take_away::<Session>();
        extensions.take_away::<Refusal>();
        extensions.take_away::<Authentication>();
        match session {
            Ok(session) => extensions.put(session),
            Err(refusal) if policy.lets_pass(refusal) => extensions.put(refusal),
            Err(refusal) => return (Err(refusal), outgoing),
        }
        extensions.put(Arc::clone(policy));
        if let Some(refreshed) = refreshed {
            extensions.put(refreshed);
        }
        (Ok(()), outgoing)
    }
}

/// The cookies that take the tokens away, if the refresh token has ended: it would be refused with every request. Not when
/// nothing is known of it.
async fn farewell(policy: &SessionPolicy, refresh_jwt: &str, error: &Error) -> Option<SetCookies> {
    let ended =
        error.is_refusal() || matches!(policy.validator.validate_refresh(refresh_jwt).await, Err(TokenError::Expired));
    if !ended {
        return None;
    }
    let of_host = policy.cookies.clear(&CookieSettings::default()).ok()?;
    let Some(settings) = policy.settings.load_full() else { return Some(of_host) };
    Some(policy.cookies.clear(&settings).ok()?.and_other(of_host))
}
