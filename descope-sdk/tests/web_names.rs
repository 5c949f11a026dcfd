//! Projects that have renamed their cookies, through the layer of tower and the middleware of actix-web, against a service
//! that answers with cookies alone.

#[allow(dead_code)]
#[path = "../benches/session/setup.rs"]
mod setup;

use std::{convert::Infallible, sync::Arc};

use actix_web::test as actix;
use axum::{Router, http::HeaderMap, routing::post};
use descope_sdk::{
    Descope, Secret,
    session::{Session, SessionCookies},
    web::{SessionLayer, SessionMiddleware, SessionPolicy},
};
use http::{Request, Response, header};
use serde_json::json;
use setup::{Key, PROJECT, claims};
use tower::{Layer as _, ServiceExt as _, service_fn};

/// A token of this name, good or expired.
fn token(key: &Key, drn: &str, expired: bool) -> String {
    let mut claims = claims(1, 1);
    claims["drn"] = json!(drn);
    if expired {
        claims["exp"] = json!(1_700_000_000);
        claims["iat"] = json!(1_600_000_000);
    }
    key.token(&claims)
}

/// A service that sets its tokens as cookies of these names, which the body does not repeat.
async fn service(key: &Key, session: &str, refresh: &str) -> String {
    let cookies = [(session, token(key, session, false)), (refresh, token(key, refresh, false))];
    let cookies = Arc::new(cookies.map(|(name, token)| format!("{name}={token}; Path=/; HttpOnly; Secure")));
    let answer = move || {
        let cookies = Arc::clone(&cookies);
        async move {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            for cookie in &*cookies {
                headers.append(header::SET_COOKIE, cookie.parse().unwrap());
            }
            (headers, "{}")
        }
    };
    let mut routes = Router::new();
    for path in ["refresh", "try-refresh", "tenant/select", "otp/verify/email", "magiclink/verify"] {
        routes = routes.route(&format!("/v1/auth/{path}"), post(answer.clone()));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    base_url
}

/// What the application has configured.
#[derive(Clone, Copy)]
enum Named {
    /// The validator's current and former names.
    InValidator(&'static [(&'static str, &'static str)]),
    /// The cookies of the policy alone.
    InCookies(&'static [(&'static str, &'static str)]),
}

impl Named {
    fn descope(self, key: &Key, base_url: &str) -> Descope {
        let published = key.published("k1").to_string();
        let builder = Descope::builder(PROJECT).base_url(base_url).session_validator(|validator| {
            let mut validator = validator.static_key(published);
            if let Self::InValidator([current, former @ ..]) = self {
                validator = validator.token_names(current.0, current.1);
                for (session, refresh) in former {
                    validator = validator.former_token_names(*session, *refresh);
                }
            }
            validator
        });
        builder.build().unwrap()
    }

    fn policy(self, descope: &Descope) -> SessionPolicy {
        let policy = SessionPolicy::new(descope).refresh();
        match self {
            Self::InValidator(_) => policy,
            Self::InCookies(names) => policy.cookies(
                SessionCookies::new()
                    .session_names(names.iter().map(|(session, _)| *session))
                    .refresh_names(names.iter().map(|(_, refresh)| *refresh)),
            ),
        }
    }
}

/// A request, its status, and the names of the cookies that are set in answer.
struct Case {
    named: Named,
    header: (&'static str, String),
    status: u16,
    set: &'static [&'static str],
}

fn cases(key: &Key) -> Vec<Case> {
    const NAMES: &[(&str, &str)] = &[("s2", "r2"), ("s1", "r1"), ("DS", "DSR")];
    let good = |drn: &str| token(key, drn, false);
    let expired = |drn: &str| token(key, drn, true);
    let cookie = |pairs: &[(&str, String)]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, token)| format!("{name}={token}")).collect();
        ("cookie", pairs.join("; "))
    };
    let bearer = |token: String| ("authorization", format!("Bearer {token}"));
    let mut cases = Vec::new();
    for named in [Named::InValidator(NAMES), Named::InCookies(NAMES)] {
        let mut case = |header, status, set| cases.push(Case { named, header, status, set });
        for (session, refresh) in NAMES {
            case(cookie(&[(session, good(session))]), 200, &[][..]);
            case(bearer(good(session)), 200, &[]);
            case(bearer(good(refresh)), 401, &[]);
            // A refresh token does not become a session by standing in the wrong cookie, nor the other way round.
            case(cookie(&[(session, good(refresh))]), 401, &[]);
            case(cookie(&[(refresh, good(session))]), 401, &[]);
            case(cookie(&[(refresh, good(refresh))]), 200, &["s2", "r2"]);
            case(cookie(&[(session, expired(session)), (refresh, good(refresh))]), 200, &["s2", "r2"]);
        }
        case(cookie(&[("s2", expired("s2")), ("s1", good("s1"))]), 200, &[]);
        case(cookie(&[("s3", good("s2"))]), 401, &[]);
        case(bearer(good("s3")), 401, &[]);
        case(cookie(&[("s1", good("s3"))]), 401, &[]);
        case(cookie(&[("r1", good("r3"))]), 401, &[]);
    }
    cases
}

fn names(set: impl Iterator<Item = String>) -> Vec<String> {
    set.map(|value| value.split('=').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn layer_takes_tokens_of_every_name() {
    let key = Key::es256();
    let base_url = service(&key, "s2", "r2").await;
    let routes = service_fn(|request: Request<String>| async move {
        assert!(request.extensions().get::<Session>().is_some());
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    for (index, case) in cases(&key).into_iter().enumerate() {
        let app = SessionLayer::new(case.named.policy(&case.named.descope(&key, &base_url))).layer(routes);
        let request = Request::get("/me").header(case.header.0, case.header.1).body(String::new()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), case.status, "{index}");
        let set = response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(names(set), case.set, "{index}");
    }
}

#[tokio::test]
async fn middleware_takes_tokens_of_every_name() {
    let key = Key::es256();
    let base_url = service(&key, "s2", "r2").await;
    for (index, case) in cases(&key).into_iter().enumerate() {
        let policy = case.named.policy(&case.named.descope(&key, &base_url));
        let me = actix_web::web::get().to(async |session: Session| session.user_id().to_owned());
        let app = actix_web::App::new().wrap(SessionMiddleware::new(policy)).route("/me", me);
        let app = actix::init_service(app).await;
        let request = actix::TestRequest::get().uri("/me").insert_header(case.header);
        let response = actix::call_service(&app, request.to_request()).await;
        assert_eq!(response.status().as_u16(), case.status, "{index}");
        let set = response.headers().get_all("set-cookie").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(names(set), case.set, "{index}");
    }
}

/// Whatever ends with tokens finds them in the service's cookies: under the current name, a former one, and the default.
#[tokio::test]
async fn tokens_of_answers_are_found_in_cookies_of_every_name() {
    let key = Key::es256();
    let named = Named::InValidator(&[("s2", "r2"), ("s1", "r1")]);
    for (session, refresh) in [("s2", "r2"), ("s1", "r1"), ("DS", "DSR")] {
        let descope = named.descope(&key, &service(&key, session, refresh).await);
        let sessions = descope.session();
        let old = || Secret::from(token(&key, "r2", false));
        let answers = [
            sessions.refresh(old()).await.unwrap(),
            sessions.try_refresh(old()).await.unwrap().unwrap(),
            sessions.select_tenant(old(), "T2acme").await.unwrap(),
            descope.magic_link().verify("token").await.unwrap(),
        ];
        for answer in answers {
            let claims = sessions.validate(answer.session_jwt().expose()).await.unwrap();
            assert_eq!(claims.claim("drn").unwrap(), session);
            let refresh_jwt = answer.refresh_jwt().unwrap().expose();
            assert_eq!(
                sessions.validator().validate_refresh(refresh_jwt).await.unwrap().claim("drn").unwrap(),
                refresh
            );
        }
    }
    // Names that nobody has configured are not guessed.
    let descope = named.descope(&key, &service(&key, "s9", "r9").await);
    descope.session().refresh(token(&key, "r2", false)).await.unwrap_err();
    assert!(descope.session().try_refresh(token(&key, "r2", false)).await.unwrap().is_none());
}
