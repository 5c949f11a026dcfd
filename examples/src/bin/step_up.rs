//! A fresh sign-in before a payment.

use axum::{Router, routing::post};
use descope_emulator::Emulator;
use descope_sdk::{
    Descope, StatusCode,
    session::Session,
    web::{Refusal, Require, SessionLayer, SessionPolicy},
};
use http::header;
use tokio::net::TcpListener;

const ADA: &str = "ada@example.com";

async fn pay(session: Session) -> Result<&'static str, Refusal> {
    session.require(&Require::new().step_up())?;
    Ok("paid")
}

fn app(descope: &Descope) -> Router {
    let policy = SessionPolicy::new(descope).without_cookies();
    Router::new().route("/pay", post(pay)).layer(SessionLayer::new(policy))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let pay = format!("http://{}/pay", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, app(&descope)).into_future());
    let browser = reqwest::Client::new();

    // She has signed in days ago, and the session is good.
    let ada = descope.password().sign_up(ADA, "Difference-Engine-2").email(ADA).send().await?;
    let response = browser.post(&pay).bearer_auth(ada.session_jwt().expose()).send().await?;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    println!("{}", response.headers()[header::WWW_AUTHENTICATE].to_str()?);

    // The page sees that and asks her for a code. Her refresh token says whose session it is.
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    let pending = descope.otp().email(ADA).sign_in().step_up(refresh_jwt).send().await?;
    let code = emulator.inbox().next(ADA).await.code.ok_or("a mail without a code")?;
    let stepped_up = pending.verify(code).await?;

    // The new session is good for a payment; the old one still is not.
    let response = browser.post(&pay).bearer_auth(stepped_up.session_jwt().expose()).send().await?;
    assert_eq!(response.status(), StatusCode::OK);
    println!("{}", response.text().await?);
    let response = browser.post(&pay).bearer_auth(ada.session_jwt().expose()).send().await?;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}
