//! Middleware, extractors and answers for actix-web.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
};

use super::{
    RefreshJwt, Refusal, Require, SessionPolicy,
    outgoing::{Changes, Outgoing},
    policy::{Admission, found},
};
use crate::{
    Authentication,
    session::{DpopRequest, RequestTokens, Session, SessionCookies, SetCookies},
};

/// Finds the session of each request by a [`SessionPolicy`] and puts it among the request's extensions, as a
/// [`Session`].
///
/// Requests without a good session are answered here with a [`Refusal`], unless the policy makes sessions optional.
///
/// ```no_run
/// # use descope_sdk::Descope;
/// use actix_web::{App, HttpResponse, HttpServer, web};
/// use descope_sdk::session::Session;
/// use descope_sdk::web::{Require, RequireMiddleware, SessionMiddleware, SessionPolicy};
///
/// async fn hello(session: Session) -> String {
///     format!("Hello {}", session.user_id())
/// }
///
/// # async fn serve(descope: Descope) -> std::io::Result<()> {
/// let policy = SessionPolicy::new(&descope).refresh();
/// HttpServer::new(move || {
///     let admins_only = RequireMiddleware::new(Require::new().role("admin"));
///     App::new()
///         .wrap(SessionMiddleware::new(policy.clone()))
///         .route("/hello", web::get().to(hello))
///         .service(web::scope("/admin").wrap(admins_only).route("", web::get().to(HttpResponse::Ok)))
/// })
/// .bind(("127.0.0.1", 3000))?
/// .run()
/// .await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionMiddleware {
    policy: Arc<SessionPolicy>,
}

impl SessionMiddleware {
    /// A middleware that follows this policy.
    #[must_use]
    pub fn new(policy: SessionPolicy) -> Self {
        Self { policy: Arc::new(policy) }
    }
}

impl<S, B> Transform<S, ServiceRequest> for SessionMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = SessionMiddlewareService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionMiddlewareService { inner: Rc::new(inner), policy: Arc::clone(&self.policy) }))
    }
}

/// What [`SessionMiddleware`] makes of a service.
#[derive(Debug)]
pub struct SessionMiddlewareService<S> {
    inner: Rc<S>,
    policy: Arc<SessionPolicy>,
}

impl<S, B> Service<ServiceRequest> for SessionMiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = LocalFuture<Self::Response>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, policy) = (Rc::clone(&self.inner), Arc::clone(&self.policy));
        Box::pin(async move {
            let tokens = tokens(policy.session_cookies(), request.headers());
            let describe = |url| describe(&request, url, &tokens);
            let Admission { session, refreshed, outgoing } = policy.admit(tokens, request.path(), describe).await;

            let mut response = match enter(&request, session, refreshed, &policy) {
                Ok(()) => match inner.call(request).await {
                    Ok(response) => response.map_into_left_body(),
                    // The framework makes a response of it, which has to set the cookies too.
                    Err(error) if outgoing.has_cookies() => return Err(ErrorWithCookies { error, outgoing }.into()),
                    Err(error) => return Err(error),
                },
                Err(refusal) => request.into_response(refusal.error_response()).map_into_right_body(),
            };
            finish(&outgoing, response.headers_mut());
            Ok(response)
        })
    }
}

/// An error of the application whose response sets cookies.
#[derive(Debug)]
struct ErrorWithCookies {
    error: actix_web::Error,
    outgoing: Outgoing,
}

impl fmt::Display for ErrorWithCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for ErrorWithCookies {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = self.error.error_response();
        finish(&self.outgoing, response.headers_mut());
        response
    }
}

/// Puts what was found among the request's extensions, or refuses the request.
fn enter(
    request: &ServiceRequest,
    session: Result<Session, Refusal>,
    refreshed: Option<Authentication>,
    policy: &Arc<SessionPolicy>,
) -> Result<(), Refusal> {
    let mut extensions = request.extensions_mut();
    // What an outer middleware has found is not about this project.
    extensions.remove::<Session>();
    extensions.remove::<Refusal>();
    extensions.remove::<Authentication>();
    match session {
        Ok(session) => drop(extensions.insert(session)),
        Err(refusal) if policy.lets_pass(refusal) => drop(extensions.insert(refusal)),
        Err(refusal) => return Err(refusal),
    }
    extensions.insert(Arc::clone(policy));
    if let Some(refreshed) = refreshed {
        extensions.insert(refreshed);
    }
    Ok(())
}

type LocalFuture<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

fn tokens<'h>(cookies: &SessionCookies, headers: &'h HeaderMap) -> RequestTokens<'h> {
    let values = |name| headers.get_all(name).map(HeaderValue::as_bytes);
    cookies.tokens_in(values(header::AUTHORIZATION), || values(header::COOKIE))
}

fn describe<'r>(request: &'r ServiceRequest, url: String, tokens: &RequestTokens<'_>) -> DpopRequest<'r> {
    let described = DpopRequest::new(request.method().as_str(), url).scheme(tokens.scheme().unwrap_or_default());
    // A header that is not text is as good as an empty one: a proof, and no good one.
    let proofs = request.headers().get_all("dpop").map(|value| value.to_str().unwrap_or_default());
    proofs.fold(described, DpopRequest::proof)
}

fn finish(outgoing: &Outgoing, headers: &mut HeaderMap) {
    let values = |name| -> Vec<HeaderValue> { headers.get_all(name).cloned().collect() };
    let (set, vary) = (values(header::SET_COOKIE), values(header::VARY));
    let set: Vec<_> = set.iter().map(HeaderValue::as_bytes).collect();
    let vary: Vec<_> = vary.iter().map(HeaderValue::as_bytes).collect();
    let Changes { set_cookie, no_store, vary } = outgoing.changes(&set, &vary);
    for mut value in set_cookie.into_iter().filter_map(|value| HeaderValue::from_str(value).ok()) {
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
    }
    if no_store {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(Ok(vary)) = vary.map(HeaderValue::try_from) {
        headers.append(header::VARY, vary);
    }
}

/// Lets requests through whose session satisfies a rule. It goes inside a [`SessionMiddleware`], which finds the session,
/// on as many or as few routes as it is meant for; there is an example.
#[derive(Clone, Debug)]
pub struct RequireMiddleware {
    rule: Arc<Require>,
}

impl RequireMiddleware {
    /// A middleware that holds this rule.
    #[must_use]
    pub fn new(rule: Require) -> Self {
        Self { rule: Arc::new(rule) }
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequireMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = RequireMiddlewareService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(RequireMiddlewareService { inner, rule: Arc::clone(&self.rule) }))
    }
}

/// What [`RequireMiddleware`] makes of a service.
#[derive(Debug)]
pub struct RequireMiddlewareService<S> {
    inner: S,
    rule: Arc<Require>,
}

impl<S, B> Service<ServiceRequest> for RequireMiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = LocalFuture<Self::Response>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), actix_web::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match session_of(request.request()).and_then(|session| self.rule.check(&session)) {
            Ok(()) => {
                let response = self.inner.call(request);
                Box::pin(async move { Ok(response.await?.map_into_left_body()) })
            }
            Err(refusal) => {
                let response = request.into_response(refusal.error_response()).map_into_right_body();
                Box::pin(ready(Ok(response)))
            }
        }
    }
}

fn session_of(request: &HttpRequest) -> Result<Session, Refusal> {
    let extensions = request.extensions();
    found(extensions.get(), extensions.get())
}

/// For handlers that need somebody to be signed in. `Option<Session>` is for those that do not, on routes where the
/// session is [optional](super::SessionPolicy::optional).
impl FromRequest for Session {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(session_of(request))
    }
}

/// For handlers that do something with the session at the service, as ending it.
impl FromRequest for RefreshJwt {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let found = |cookies: &SessionCookies| tokens(cookies, request.headers());
        ready(Self::of(extensions.get(), extensions.get(), found))
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        // The same numbers in the older types that actix-web has.
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/json").insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(challenge) = self.challenge() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(self.body())
    }
}

impl SetCookies {
    /// Appends the header lines to a response of actix-web.
    pub fn append_to_response(&self, response: &mut HttpResponseBuilder) {
        for value in self.values() {
            response.append_header((header::SET_COOKIE, value));
        }
    }
}
