//! The layer stands among the usual ones of tower-http, in either order.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use descope_emulator::Emulator;
use descope_sdk::web::{Require, RequireLayer, SessionLayer, SessionPolicy};
use http::{HeaderName, Request, Response, StatusCode};
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::CorsLayer,
    limit::RequestBodyLimitLayer,
    normalize_path::NormalizePathLayer,
    request_id::{MakeRequestUuid, SetRequestIdLayer},
    sensitive_headers::SetSensitiveHeadersLayer,
    timeout::TimeoutLayer,
    trace::TraceLayer,
};

async fn greet(_request: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from("hello")))
}

/// What an application answers to somebody with a token and to somebody without.
async fn answers<S, R>(app: S, token: &str) -> [StatusCode; 2]
where
    S: Service<Request<Body>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
{
    let mut statuses = [StatusCode::OK; 2];
    for (status, authorization) in statuses.iter_mut().zip([format!("Bearer {token}"), "Bearer nonsense".to_owned()]) {
        let request = Request::get("/").header("authorization", authorization).body(Body::empty()).unwrap();
        *status = app.clone().oneshot(request).await.unwrap().status();
    }
    statuses
}

#[tokio::test]
async fn usual_layers_go_around_it_and_inside() {
    let emulator = Emulator::builder().start().await.unwrap();
    let descope = emulator.descope().unwrap();
    let link = descope.management().embedded_links().sign_in(descope_sdk::LoginId::new("ada@example.com"));
    descope
        .management()
        .users()
        .create(descope_sdk::LoginId::new("ada@example.com"))
        .status("enabled")
        .send()
        .await
        .unwrap();
    let ada = descope.magic_link().verify(link.send().await.unwrap()).await.unwrap();
    let token = ada.session_jwt().expose();
    let session = || SessionLayer::new(SessionPolicy::new(&descope).refresh());
    let require = || RequireLayer::new(Require::new());
    let timeout = || TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(5));

    macro_rules! in_both_orders {
        ($($layer:expr),+ $(,)?) => {$(
            let around = ServiceBuilder::new().layer($layer).layer(session()).layer(require()).service(service_fn(greet));
            assert_eq!(answers(around, token).await, [200, 401], "{}", stringify!($layer));
            let inside = ServiceBuilder::new().layer(session()).layer(require()).layer($layer).service(service_fn(greet));
            assert_eq!(answers(inside, token).await, [200, 401], "{}", stringify!($layer));
        )+};
    }
    in_both_orders!(
        CorsLayer::permissive(),
        timeout(),
        TraceLayer::new_for_http(),
        CompressionLayer::new(),
        SetRequestIdLayer::new(HeaderName::from_static("x-request-id"), MakeRequestUuid),
        SetSensitiveHeadersLayer::new([http::header::AUTHORIZATION]),
        NormalizePathLayer::trim_trailing_slash(),
        CatchPanicLayer::new(),
    );
    let around = ServiceBuilder::new().layer(CorsLayer::permissive()).layer(timeout()).layer(session());
    assert_eq!(answers(around.service(service_fn(greet)), token).await, [200, 401]);
    let limited = ServiceBuilder::new().layer(session()).map_request(|request: Request<Body>| request);
    let limited = limited.layer(RequestBodyLimitLayer::new(1024)).map_request(|it: Request<_>| it.map(Body::new));
    assert_eq!(answers(limited.service(service_fn(greet)), token).await, [200, 401]);
}
