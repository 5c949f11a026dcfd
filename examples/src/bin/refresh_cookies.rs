//! Tokens in cookies, and a session that goes on when its token expires.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use descope_emulator::Emulator;
use descope_sdk::{
    Descope, StatusCode,
    session::{Session, SessionCookies, SetCookies},
    web::{RefreshJwt, SessionLayer, SessionPolicy},
};
use http::header;
use serde::Deserialize;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Shared {
    descope: Descope,
    cookies: SessionCookies,
}

#[derive(Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

/// The cookies are returned in front of a body.
type Page = Result<(SetCookies, &'static str), StatusCode>;

async fn sign_in(State(shared): State<Shared>, Json(form): Json<SignIn>) -> Page {
    let ada = shared.descope.password().sign_in(form.email, form.password).send().await;
    let ada = ada.map_err(|_| StatusCode::UNAUTHORIZED)?;
    Ok((shared.cookies.set(&ada).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?, "welcome"))
}

async fn sign_out(State(shared): State<Shared>, RefreshJwt(refresh_jwt): RefreshJwt) -> Page {
    let settings = shared.descope.session().logout(refresh_jwt).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok((shared.cookies.clear(&settings).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?, "bye"))
}

fn app(descope: Descope) -> Router {
    // `HttpOnly`, `Secure` and `SameSite=Strict`, under the names `DS` and `DSR`.
    let cookies = descope.session().cookies();
    let policy = SessionPolicy::new(&descope).cookies(cookies.clone()).refresh();
    let signed_in = Router::new()
        .route("/me", get(async |session: Session| session.user_id().to_owned()))
        .route("/sign-out", post(sign_out))
        .layer(SessionLayer::new(policy));
    Router::new().route("/sign-in", post(sign_in)).merge(signed_in).with_state(Shared { descope, cookies })
}

/// What the browser does with `Set-Cookie`: it sends name and value back.
fn jar(response: &reqwest::Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|value| value.split(';').next()).collect::<Vec<_>>().join("; ")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let site = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, app(descope)).into_future());

    let browser = reqwest::Client::new();
    let form = serde_json::json!({"email": "ada@example.com", "password": "Difference-Engine-2"});
    let response = browser.post(format!("{site}/sign-in")).json(&form).send().await?;
    let cookies = jar(&response);
    assert!(cookies.contains("DS=") && cookies.contains("DSR="));
    let me = async |cookies: &str| browser.get(format!("{site}/me")).header(header::COOKIE, cookies).send().await;
    assert!(jar(&me(&cookies).await?).is_empty(), "as long as the token is good nothing is set");

    // An hour later the session token has expired. She is served all the same, and gets new cookies.
    emulator.clock().advance(Duration::from_secs(3600));
    let response = me(&cookies).await?;
    assert_eq!(response.status(), StatusCode::OK);
    let renewed = jar(&response);
    println!("refreshed on the way in: {}", renewed.contains("DS="));
    assert!(renewed.contains("DS=") && renewed != cookies);

    let response = browser.post(format!("{site}/sign-out")).header(header::COOKIE, &renewed).send().await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(jar(&response).matches("DS=;").count(), 1, "the browser forgets them");
    emulator.clock().advance(Duration::from_secs(3600));
    assert_eq!(me(&renewed).await?.status(), StatusCode::UNAUTHORIZED);
    println!("after the sign-out nothing is refreshed");
    Ok(())
}
