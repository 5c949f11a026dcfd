//! Layers for tower, and with it for axum, tonic and hyper.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{RefreshJwt, Refusal, Require, SessionPolicy, admission::Admission, policy::found};

/// Finds the session of each request by a [`SessionPolicy`] and puts it among the request's extensions, as a
/// [`Session`](crate::session::Session).
///
/// Requests without a good session are answered here, unless the policy makes sessions optional: with a [`Refusal`] as
/// JSON, or for gRPC with a status of `UNAUTHENTICATED` or `UNAVAILABLE`. Works with any body, so also under tonic.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// use std::convert::Infallible;
///
/// use descope_sdk::session::Session;
/// use descope_sdk::web::{SessionLayer, SessionPolicy};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt as _, service_fn};
///
/// let greeter = service_fn(|request: Request<String>| async move {
///     let name = request.extensions().get::<Session>().map(|session| session.user_id().to_owned());
///     Ok::<_, Infallible>(Response::new(format!("Hello {name:?}")))
/// });
/// let app = ServiceBuilder::new().layer(SessionLayer::new(SessionPolicy::new(&descope))).service(greeter);
///
/// let refused = app.oneshot(Request::new(String::new())).await?;
/// assert_eq!(refused.status(), 401);
/// assert_eq!(refused.headers()["www-authenticate"], "Bearer realm=\"session\"");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionLayer {
    policy: Arc<SessionPolicy>,
}

impl SessionLayer {
    /// A layer that follows this policy.
    #[must_use]
    pub fn new(policy: SessionPolicy) -> Self {
        Self { policy: Arc::new(policy) }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, policy: Arc::clone(&self.policy) }
    }
}

/// What [`SessionLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    policy: Arc<SessionPolicy>,
}

impl<S, B, R> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<RefusableBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was asked whether it is ready is the one that has to be called.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let path = original_path(&parts.extensions, &parts.uri);
            let admission = Admission::decide(&policy, parts.method.as_str(), path, &parts.headers).await;
            let (entered, outgoing) = admission.enter(&policy, &mut parts.extensions);
            let mut response = match entered {
                Ok(()) => inner.call(Request::from_parts(parts, body)).await?.map(RefusableBody::passed),
                Err(refusal) => refused(refusal, &parts.headers),
            };
            outgoing.apply(response.headers_mut());
            Ok(response)
        })
    }
}

/// The path by which the client asked. Below `nest`, axum takes the prefix off the URI and keeps the whole one elsewhere.
#[cfg_attr(not(feature = "axum"), allow(unused_variables))]
fn original_path<'r>(extensions: &'r Extensions, uri: &'r Uri) -> &'r str {
    #[cfg(feature = "axum")]
    let uri = extensions.get::<axum::extract::OriginalUri>().map_or(uri, |original| &original.0);
    uri.path()
}

impl RefreshJwt {
    /// Finds the token of a request that has been through a [`SessionLayer`]. In axum it is an extractor.
    ///
    /// ```no_run
    /// # use descope_sdk::{CookieSettings, Descope};
    /// use descope_sdk::web::RefreshJwt;
    ///
    /// # async fn sign_out<B>(descope: Descope, request: http::Request<B>) -> Result<CookieSettings, Box<dyn std::error::Error>> {
    /// let RefreshJwt(refresh_jwt) = RefreshJwt::find(request.extensions(), request.headers())?;
    /// let to_clear = descope.session().logout(refresh_jwt).await?;
    /// # Ok(to_clear)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::Missing`]: the request has none. [`Refusal::Misconfigured`]: there was no layer.
    pub fn find(extensions: &Extensions, headers: &HeaderMap) -> Result<Self, Refusal> {
        Self::of(extensions.get(), extensions.get(), headers)
    }
}

/// Lets requests through whose session satisfies a rule. It goes inside a [`SessionLayer`], which finds the session, on
/// as many or as few routes as it is meant for.
///
/// ```
/// # use descope_sdk::Descope;
/// # let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").build()?;
/// use descope_sdk::web::{Require, RequireLayer, SessionLayer, SessionPolicy};
///
/// let signed_in = SessionLayer::new(SessionPolicy::new(&descope));
/// let admins_only = RequireLayer::new(Require::new().role("admin"));
/// let layers = tower::ServiceBuilder::new().layer(signed_in).layer(admins_only);
/// # let _ = layers;
/// # Ok::<_, descope_sdk::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequireLayer {
    rule: Arc<Require>,
}

impl RequireLayer {
    /// A layer that holds this rule.
    #[must_use]
    pub fn new(rule: Require) -> Self {
        Self { rule: Arc::new(rule) }
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { inner, rule: Arc::clone(&self.rule) }
    }
}

/// What [`RequireLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    rule: Arc<Require>,
}

impl<S, B, R> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<RefusableBody<R>>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        match found(extensions.get(), extensions.get()).and_then(|session| self.rule.check(&session)) {
            Ok(()) => RequireFuture::Passed { inner: self.inner.call(request) },
            Err(refusal) => RequireFuture::Refused { response: Some(refused(refusal, request.headers())) },
        }
    }
}

pin_project! {
    /// What a [`RequireService`] answers, in time.
    #[project = RequireFutureProjection]
    pub enum RequireFuture<F, R> {
        #[doc(hidden)]
        Passed { #[pin] inner: F },
        #[doc(hidden)]
        Refused { response: Option<Response<RefusableBody<R>>> },
    }
}

impl<F, R, E> Future for RequireFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<RefusableBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            RequireFutureProjection::Passed { inner } => {
                let response = ready!(inner.poll(context))?;
                Poll::Ready(Ok(response.map(RefusableBody::passed)))
            }
            // A future that has ended is not polled again; if it is, it has nothing more to say.
            RequireFutureProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |it| Poll::Ready(Ok(it)))
            }
        }
    }
}

pin_project! {
    /// The body of a response that may be a refusal.
    pub struct RefusableBody<R> {
        #[pin]
        body: Kind<R>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<R> {
        Passed { #[pin] body: R },
        Refused { text: Option<Bytes> },
    }
}

/// Empty, for layers that answer by themselves, as those for CORS and timeouts do.
impl<R: Default> Default for RefusableBody<R> {
    fn default() -> Self {
        Self::passed(R::default())
    }
}

impl<R> RefusableBody<R> {
    fn passed(body: R) -> Self {
        Self { body: Kind::Passed { body } }
    }

    fn refused(text: impl Into<Bytes>) -> Self {
        Self { body: Kind::Refused { text: Some(text.into()).filter(|text| !text.is_empty()) } }
    }
}

impl<R: Body<Data = Bytes>> Body for RefusableBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        match self.project().body.project() {
            KindProjection::Passed { body } => body.poll_frame(context),
            KindProjection::Refused { text } => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Kind::Passed { body } => body.is_end_stream(),
            Kind::Refused { text } => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Kind::Passed { body } => body.size_hint(),
            Kind::Refused { text } => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
        }
    }
}

/// The answer to a request that does not get through, in the language of the one who asks.
fn refused<R>(refusal: Refusal, headers: &HeaderMap) -> Response<RefusableBody<R>> {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if content_type.starts_with(b"application/grpc") {
        // gRPC answers 200 always; the status is in the trailers, which are headers when there is no body.
        let mut response = Response::new(RefusableBody::refused(Bytes::new()));
        let headers = response.headers_mut();
        refusal.write_headers(headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static(grpc_status(refusal)));
        // All of the texts are plain ASCII, and none has a percent sign.
        if let Ok(message) = HeaderValue::from_str(&refusal.to_string()) {
            headers.insert("grpc-message", message);
        }
        response
    } else {
        let mut response = Response::new(RefusableBody::refused(refusal.body()));
        *response.status_mut() = refusal.status();
        refusal.write_headers(response.headers_mut());
        response
    }
}

/// The number of a gRPC status: `UNAUTHENTICATED`, `PERMISSION_DENIED`, `RESOURCE_EXHAUSTED`, `UNAVAILABLE` or `INTERNAL`.
fn grpc_status(refusal: Refusal) -> &'static str {
    match refusal.status() {
        StatusCode::UNAUTHORIZED => "16",
        StatusCode::FORBIDDEN => "7",
        StatusCode::TOO_MANY_REQUESTS => "8",
        StatusCode::SERVICE_UNAVAILABLE => "14",
        _ => "13",
    }
}
