//! Sessions in an application made with axum.

use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{
    Descope,
    session::Session,
    web::{Refusal, Require, RequireLayer, SessionLayer, SessionPolicy},
};
use http::StatusCode;
use tokio::net::TcpListener;

fn app(descope: &Descope) -> Router {
    // Cookies, with a refresh when the session token has expired. For an API: `.without_cookies()`.
    let policy = SessionPolicy::new(descope).refresh();
    let anybody = Router::new().route("/", get(home)).layer(SessionLayer::new(policy.clone().optional()));
    let admins = Router::new()
        .route("/admin", get(async || "the keys to everything"))
        .layer(RequireLayer::new(Require::new().role("admin")));
    let signed_in = Router::new()
        .route("/me", get(me))
        .route("/tenants/{tenant}/invoices", post(invoice))
        .merge(admins)
        .layer(SessionLayer::new(policy));
    anybody.merge(signed_in)
}

async fn home(session: Option<Session>) -> String {
    format!("Hello {}", session.as_ref().map_or("stranger", |session| session.user_id()))
}

async fn me(session: Session) -> String {
    session.user_id().to_owned()
}

/// What a rule needs to know of the request is asked in the handler.
async fn invoice(session: Session, Path(tenant): Path<String>) -> Result<&'static str, Refusal> {
    session.require(&Require::new().tenant_permission(&tenant, "invoices:write"))?;
    Ok("written")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    management.permissions().create("invoices:write").send().await?;
    management.roles().create("admin").send().await?;
    management.roles().create("clerk").permission_names(["invoices:write"]).send().await?;
    management.tenants().create("Acme").id("acme").send().await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let site = format!("http://{}", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, app(&descope)).into_future());

    let ada = emulator.sign_in(&SessionRequest::new("ada@example.com").tenant("acme").role("clerk"))?;
    let grace = emulator.sign_in(&SessionRequest::new("grace@example.com").role("admin"))?;
    let (ada, grace) = (Some(ada.session_jwt.expose()), Some(grace.session_jwt.expose()));
    let browser = reqwest::Client::new();
    for (request, bearer, expected) in [
        (browser.get(format!("{site}/")), None, StatusCode::OK),
        (browser.get(format!("{site}/me")), None, StatusCode::UNAUTHORIZED),
        (browser.get(format!("{site}/me")), Some("nonsense"), StatusCode::UNAUTHORIZED),
        (browser.get(format!("{site}/me")), ada, StatusCode::OK),
        (browser.get(format!("{site}/admin")), ada, StatusCode::FORBIDDEN),
        (browser.get(format!("{site}/admin")), grace, StatusCode::OK),
        (browser.post(format!("{site}/tenants/acme/invoices")), ada, StatusCode::OK),
        (browser.post(format!("{site}/tenants/other/invoices")), ada, StatusCode::FORBIDDEN),
    ] {
        let request = if let Some(token) = bearer { request.bearer_auth(token) } else { request };
        let response = request.send().await?;
        println!("{} {}", response.status(), response.url().path());
        assert_eq!(response.status(), expected);
    }
    Ok(())
}
