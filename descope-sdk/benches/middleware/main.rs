//! What finding the session adds to a request, each figure beside the bare handler in the same run.

use std::{convert::Infallible, future::ready, hint::black_box};

use actix_web::{
    App,
    dev::{Service as ActixService, ServiceResponse},
    rt::{System, SystemRunner},
    test, web,
};
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use descope_sdk::{
    Descope,
    web::{Require, RequireLayer, RequireMiddleware, SessionLayer, SessionMiddleware, SessionPolicy},
};
use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Layer as _, Service, service_fn};

// The other program uses the rest.
#[allow(dead_code)]
#[path = "../session/setup.rs"]
mod setup;

use setup::{Key, PROJECT, claims, done};

const TOKENS: usize = 2048;

fn policy(key: &Key) -> SessionPolicy {
    let jwk = key.published("k1").to_string();
    let descope = Descope::builder(PROJECT).session_validator(|validator| validator.static_key(jwk)).build();
    SessionPolicy::new(&descope.expect("a client"))
}

/// A request as a browser or a program sends it, apart from the token.
fn request(name: &'static str, token: &HeaderValue) -> Request<String> {
    Request::builder()
        .uri("/orders/7")
        .header("host", "api.example.com")
        .header("accept", "application/json")
        .header("user-agent", "bench/1.0")
        .header(name, token)
        .body(String::new())
        .expect("a request")
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a header")
}

fn answered<S, R>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    title: &str,
    mut service: S,
    requests: &[Request<String>],
    status: u16,
) where
    S: Service<Request<String>, Response = Response<R>, Error = Infallible>,
{
    let mut turns = requests.iter().cycle();
    group.bench_function(title, |b| {
        b.iter(|| {
            let request = turns.next().expect("a request").clone();
            let Ok(response) = done(service.call(black_box(request)));
            assert_eq!(response.status(), StatusCode::from_u16(status).expect("a status"));
        });
    });
}

fn tower(c: &mut Criterion) {
    let key = Key::rs256();
    let bearer = |token: &str| request("authorization", &value(&format!("Bearer {token}")));
    let tokens: Vec<Request<String>> = key.tokens(TOKENS).iter().map(|token| bearer(token)).collect();
    let seen = &tokens[..1];
    let cookie = [request("cookie", &value(&format!("theme=dark; DS={}", key.token(&claims(0, 1)))))];
    let handler = service_fn(|request: Request<String>| ready(Ok::<_, Infallible>(Response::new(request.into_body()))));
    let session = SessionLayer::new(policy(&key));
    let member = RequireLayer::new(Require::new().role("user"));

    let mut group = c.benchmark_group("tower");
    answered(&mut group, "bare handler", handler, seen, 200);
    answered(&mut group, "session, seen token", session.layer(handler), seen, 200);
    answered(&mut group, "session, seen token in a cookie", session.layer(handler), &cookie, 200);
    answered(&mut group, "session and role, seen token", session.layer(member.layer(handler)), seen, 200);
    answered(&mut group, "session, unseen RS256 token", session.layer(handler), &tokens, 200);
    answered(&mut group, "session, no token", session.layer(handler), &[request("accept", &value("*/*"))], 401);
    group.finish();
}

fn asked<S, R, B>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    title: &str,
    system: &SystemRunner,
    service: &S,
    request: impl Fn() -> R,
) where
    S: ActixService<R, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    group.bench_function(title, |b| {
        b.iter(|| {
            let response = system.block_on(service.call(black_box(request()))).expect("a response");
            assert_eq!(response.status().as_u16(), 200);
        });
    });
}

fn actix(c: &mut Criterion) {
    let system = System::new();
    let key = Key::rs256();
    let bearer = format!("Bearer {}", key.token(&claims(0, 1)));
    let request = || test::TestRequest::get().uri("/").insert_header(("authorization", bearer.as_str())).to_request();
    let handler = || web::get().to(async || "done");
    let session = || SessionMiddleware::new(policy(&key));
    let member = RequireMiddleware::new(Require::new().role("user"));

    let mut group = c.benchmark_group("actix-web");
    let bare = system.block_on(test::init_service(App::new().route("/", handler())));
    asked(&mut group, "bare handler", &system, &bare, request);
    let app = App::new().service(web::resource("/").wrap(session()).route(handler()));
    let with_session = system.block_on(test::init_service(app));
    asked(&mut group, "session, seen token", &system, &with_session, request);
    let app = App::new().service(web::resource("/").wrap(member).wrap(session()).route(handler()));
    let with_role = system.block_on(test::init_service(app));
    asked(&mut group, "session and role, seen token", &system, &with_role, request);
    group.finish();
}

criterion_group!(benches, tower, actix);
criterion_main!(benches);
