//! Tokens that are bound to a key of their holder (DPoP), through the layer of tower and the middleware of actix-web.

#[allow(dead_code)]
#[path = "../benches/session/setup.rs"]
mod setup;

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use actix_web::test as actix;
use descope_emulator::Emulator;
use descope_sdk::{
    Descope, LoginId,
    session::{MemoryReplayStore, Session},
    web::{SessionLayer, SessionMiddleware, SessionPolicy},
};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use setup::{Key, hash};
use tower::{Layer as _, ServiceExt as _, service_fn};

type Body = Full<hyper::body::Bytes>;

const ORIGIN: &str = "https://api.example.com";

/// The key of a token's holder.
struct Holder {
    key: Key,
    proofs: AtomicUsize,
}

impl Holder {
    fn new() -> Self {
        Self { key: Key::es256(), proofs: AtomicUsize::new(0) }
    }

    fn proof(&self, token: &str, now: i64, method: &str, url: &str) -> String {
        let jti = format!("proof-{}", self.proofs.fetch_add(1, Ordering::SeqCst));
        let claims = json!({"jti": jti, "htm": method, "htu": url, "iat": now, "ath": hash(token)});
        self.key.sign(&self.key.proof_header(), &claims)
    }
}

/// A request by the headers that matter, and what it must be answered: a status and the start of the challenge.
struct Case {
    authorization: String,
    proofs: Vec<String>,
    status: u16,
    challenge: &'static str,
}

/// With the proof of the right holder, and in every other way.
async fn cases(emulator: &Emulator, descope: &Descope) -> Vec<Case> {
    let (holder, thief) = (Holder::new(), Holder::new());
    descope.management().users().create(LoginId::new("ada@example.com")).status("enabled").send().await.unwrap();
    let link = descope.management().embedded_links().sign_in(LoginId::new("ada@example.com"));
    let link = link.custom_claim("cnf", json!({"jkt": holder.key.thumbprint()})).send().await.unwrap();
    let ada = descope.magic_link().verify(link).await.unwrap();
    let token = ada.session_jwt().expose();
    let now = emulator.clock().now();
    let url = format!("{ORIGIN}/me");
    let good = holder.proof(token, now, "GET", &url);
    let case = |scheme: &str, proofs: Vec<String>, status, challenge| Case {
        authorization: format!("{scheme} {token}"),
        proofs,
        status,
        challenge,
    };
    vec![
        case("DPoP", vec![good.clone()], 200, ""),
        case("DPoP", vec![good], 401, "DPoP error=\"invalid_dpop_proof\""),
        case("dpop", vec![holder.proof(token, now, "GET", &url)], 200, ""),
        case("DPoP", vec![], 401, "DPoP error=\"invalid_token\""),
        case("Bearer", vec![], 401, "DPoP error=\"invalid_token\""),
        case("DPoP", vec![thief.proof(token, now, "GET", &url)], 401, "DPoP error=\"invalid_dpop_proof\""),
        case("DPoP", vec![holder.proof(token, now, "POST", &url)], 401, "DPoP error=\"invalid_dpop_proof\""),
        case("DPoP", vec![holder.proof(token, now, "GET", ORIGIN)], 401, "DPoP error=\"invalid_dpop_proof\""),
        case("DPoP", vec!["nonsense".to_owned()], 401, "DPoP error=\"invalid_dpop_proof\""),
        case(
            "DPoP",
            vec![holder.proof(token, now, "GET", &url), holder.proof(token, now, "GET", &url)],
            401,
            "DPoP error=\"invalid_dpop_proof\"",
        ),
    ]
}

async fn world() -> (Emulator, Descope) {
    let emulator = Emulator::builder().start().await.unwrap();
    let descope = emulator.descope().unwrap();
    (emulator, descope)
}

#[tokio::test]
async fn layer_checks_proofs_once_it_knows_its_origin() {
    let (emulator, descope) = world().await;
    let routes = service_fn(|request: Request<String>| async move {
        assert!(request.extensions().get::<Session>().is_some());
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let app = SessionLayer::new(SessionPolicy::new(&descope).origin(ORIGIN)).layer(routes);
    let without_origin = SessionLayer::new(SessionPolicy::new(&descope)).layer(routes);
    for (index, case) in cases(&emulator, &descope).await.into_iter().enumerate() {
        let mut request = Request::get("/me?page=2").header("authorization", &case.authorization);
        for proof in &case.proofs {
            request = request.header("dpop", proof);
        }
        let request = request.body(String::new()).unwrap();
        let response = without_origin.clone().oneshot(request.clone()).await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("DPoP error=\"invalid_token\""));

        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), case.status, "{index}");
        let challenge = response.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap());
        assert!(challenge.starts_with(case.challenge), "{index}: {challenge}");
    }
}

/// Proofs for the whole path and for what is left of it below a prefix, and which of them is good.
async fn below_a_prefix(emulator: &Emulator, descope: &Descope) -> Vec<(String, String, u16)> {
    let holder = Holder::new();
    descope.management().users().create(LoginId::new("ada@example.com")).status("enabled").send().await.unwrap();
    let link = descope.management().embedded_links().sign_in(LoginId::new("ada@example.com"));
    let link = link.custom_claim("cnf", json!({"jkt": holder.key.thumbprint()})).send().await.unwrap();
    let ada = descope.magic_link().verify(link).await.unwrap();
    let token = ada.session_jwt().expose();
    let now = emulator.clock().now();
    [("/v1/me", 200), ("/me", 401), ("/v1/v1/me", 401), ("/v1", 401), ("/v1/me/", 401)]
        .into_iter()
        .map(|(path, status)| {
            (format!("DPoP {token}"), holder.proof(token, now, "GET", &format!("{ORIGIN}{path}")), status)
        })
        .collect()
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn proof_is_for_the_whole_path_below_nest() {
    use axum::{Router, routing::get};

    let (emulator, descope) = world().await;
    let layer = SessionLayer::new(SessionPolicy::new(&descope).origin(ORIGIN));
    let routes = || Router::new().route("/me", get(async |session: Session| session.user_id().to_owned()));
    let apps: [Router; 3] = [
        Router::new().nest("/v1", routes().layer(layer.clone())),
        Router::new().nest("/v1", routes()).layer(layer.clone()),
        Router::new().nest("/v1", routes().route_layer(layer)),
    ];
    for (index, app) in apps.into_iter().enumerate() {
        for (authorization, proof, status) in below_a_prefix(&emulator, &descope).await {
            let request = Request::get("/v1/me?page=2").header("authorization", authorization).header("dpop", proof);
            let response = app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), status, "{index}");
        }
        descope.management().users().delete(LoginId::new("ada@example.com")).send().await.unwrap();
    }
}

#[tokio::test]
async fn proof_is_for_the_whole_path_in_a_scope() {
    let (emulator, descope) = world().await;
    let policy = SessionPolicy::new(&descope).origin(ORIGIN);
    let me = || actix_web::web::get().to(async |session: Session| session.user_id().to_owned());
    let scope = actix_web::web::scope("/v1").wrap(SessionMiddleware::new(policy)).route("/me", me());
    let app = actix::init_service(actix_web::App::new().service(scope)).await;
    for (authorization, proof, status) in below_a_prefix(&emulator, &descope).await {
        let request = actix::TestRequest::get().uri("/v1/me?page=2");
        let request = request.insert_header(("authorization", authorization)).insert_header(("dpop", proof));
        let response = actix::call_service(&app, request.to_request()).await;
        assert_eq!(response.status().as_u16(), status);
    }
}

/// Requests of a holder who has used all of their proofs but one, and of another one.
struct Hasty {
    descope: Descope,
    /// `Cookie`, `DPoP`, and the status.
    requests: Vec<(String, String, u16)>,
    _emulator: Emulator,
}

impl Hasty {
    async fn new() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        let replay = || MemoryReplayStore::with_capacity(100).per_key(2);
        let builder = emulator.descope_builder();
        let descope = builder.session_validator(|validator| validator.replay_store(replay())).build().unwrap();
        let mut requests = Vec::new();
        for name in ["ada@example.com", "grace@example.com"] {
            let holder = Holder::new();
            descope.management().users().create(LoginId::new(name)).status("enabled").send().await.unwrap();
            let link = descope.management().embedded_links().sign_in(LoginId::new(name));
            let link = link.custom_claim("cnf", json!({"jkt": holder.key.thumbprint()})).send().await.unwrap();
            let user = descope.magic_link().verify(link).await.unwrap();
            let token = user.session_jwt().expose();
            let cookie = format!("DS={token}; DSR={}", user.refresh_jwt().unwrap().expose());
            for status in [200, 200, 429, 429] {
                let proof = holder.proof(token, emulator.clock().now(), "GET", &format!("{ORIGIN}/me"));
                requests.push((cookie.clone(), proof, status));
            }
        }
        Self { descope, requests, _emulator: emulator }
    }

    fn policies(&self) -> [SessionPolicy; 2] {
        let policy = || SessionPolicy::new(&self.descope).origin(ORIGIN).refresh();
        [policy(), policy().optional()]
    }
}

const TOO_MANY: &str =
    r#"{"error":"too_many_requests","error_description":"too many proofs of possession were used with this key"}"#;

/// What an answer of 429 says, and that the session is left alone.
fn assert_told_to_slow_down<'h>(header: impl Fn(&str) -> Option<&'h str>, body: &[u8]) {
    assert_eq!(header("retry-after"), Some("120"));
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!((header("set-cookie"), header("www-authenticate")), (None, None));
    assert_eq!(body, TOO_MANY.as_bytes());
}

#[tokio::test]
async fn layer_tells_a_hasty_holder_to_slow_down() {
    for optional in [false, true] {
        let hasty = Hasty::new().await;
        let routes = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::default())));
        let app = SessionLayer::new(hasty.policies()[usize::from(optional)].clone()).layer(routes);
        let ask = |cookie: &str, proof: &str, content_type: &str| {
            let request = Request::get("/me").header("cookie", cookie).header("dpop", proof);
            app.clone().oneshot(request.header("content-type", content_type).body(Body::default()).unwrap())
        };
        for (cookie, proof, status) in &hasty.requests {
            let response = ask(cookie, proof, "text/plain").await.unwrap();
            assert_eq!(response.status(), *status);
            let headers = response.headers().clone();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            if *status == 429 {
                assert_told_to_slow_down(|name| headers.get(name).map(|value| value.to_str().unwrap()), &body);
                let response = ask(cookie, proof, "application/grpc").await.unwrap();
                assert_eq!(response.headers()["grpc-status"], "8");
                assert_eq!(response.headers()["retry-after"], "120");
            }
        }
    }
}

#[tokio::test]
async fn middleware_tells_a_hasty_holder_to_slow_down() {
    for optional in [false, true] {
        let hasty = Hasty::new().await;
        let policy = hasty.policies()[usize::from(optional)].clone();
        let me = actix_web::web::get().to(actix_web::HttpResponse::Ok);
        let app = actix::init_service(actix_web::App::new().wrap(SessionMiddleware::new(policy)).route("/me", me));
        let app = app.await;
        for (cookie, proof, status) in hasty.requests {
            let request = actix::TestRequest::get().uri("/me");
            let request = request.insert_header(("cookie", cookie)).insert_header(("dpop", proof));
            let response = actix::call_service(&app, request.to_request()).await;
            assert_eq!(response.status().as_u16(), status);
            let headers = response.headers().clone();
            let body = actix::read_body(response).await;
            if status == 429 {
                assert_told_to_slow_down(|name| headers.get(name).map(|value| value.to_str().unwrap()), &body);
            }
        }
    }
}

#[tokio::test]
async fn middleware_checks_proofs_once_it_knows_its_origin() {
    let (emulator, descope) = world().await;
    let policy = SessionPolicy::new(&descope).origin(ORIGIN);
    let me = actix_web::web::get().to(async |session: Session| session.user_id().to_owned());
    let app = actix_web::App::new().wrap(SessionMiddleware::new(policy)).route("/me", me);
    let app = actix::init_service(app).await;
    for (index, case) in cases(&emulator, &descope).await.into_iter().enumerate() {
        let mut request = actix::TestRequest::get().uri("/me?page=2");
        request = request.insert_header(("authorization", case.authorization));
        for proof in case.proofs {
            request = request.append_header(("dpop", proof));
        }
        let response = actix::call_service(&app, request.to_request()).await;
        assert_eq!(response.status().as_u16(), case.status, "{index}");
        let challenge = response.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap());
        assert!(challenge.starts_with(case.challenge), "{index}: {challenge}");
    }
}
