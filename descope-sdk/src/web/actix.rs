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
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};

use super::{
    RefreshJwt, Refusal, Require, SessionPolicy,
    admission::{Admission, Extensions, Headers},
    outgoing::Outgoing,
    policy::found,
};
use crate::session::{Session, SetCookies};

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
            let (method, path) = (request.method().as_str(), request.path());
            let admission = Admission::decide(&policy, method, path, request.headers()).await;
            let (entered, outgoing) = admission.enter(&policy, &mut *request.extensions_mut());
            let mut response = match entered {
                Ok(()) => match inner.call(request).await {
                    Ok(response) => response.map_into_left_body(),
                    // The framework makes a response of it, which has to set the cookies too.
                    Err(error) if outgoing.has_cookies() => return Err(ErrorWithCookies { error, outgoing }.into()),
                    Err(error) => return Err(error),
                },
                Err(refusal) => request.into_response(refusal.error_response()).map_into_right_body(),
            };
            outgoing.apply(response.headers_mut());
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
        self.outgoing.apply(response.headers_mut());
        response
    }
}

type LocalFuture<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

impl Headers for HeaderMap {
    fn all<'h>(&'h self, name: &'static str) -> impl Iterator<Item = &'h [u8]> {
        self.get_all(name).map(HeaderValue::as_bytes)
    }

    fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.insert(HeaderName::from_static(name), value);
        }
    }

    fn add(&mut self, name: &'static str, value: &str) {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == header::SET_COOKIE);
            self.append(HeaderName::from_static(name), value);
        }
    }
}

impl Extensions for actix_web::dev::Extensions {
    fn put<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.insert(value);
    }

    fn take_away<T: Send + Sync + 'static>(&mut self) {
        self.remove::<T>();
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
        ready(Self::of(extensions.get(), extensions.get(), request.headers()))
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        // The same numbers in the older types that actix-web has.
        StatusCode::from_u16(self.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::with_body(self.status_code(), BoxBody::new(self.body()));
        self.write_headers(response.headers_mut());
        response
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
