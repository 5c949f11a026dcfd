//! Sessions in an application made with actix-web.

use std::net::TcpListener;

use actix_web::{
    App, HttpServer,
    web::{self, Path, ServiceConfig, get, post},
};
use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{
    session::Session,
    web::{Refusal, Require, RequireMiddleware, SessionMiddleware, SessionPolicy},
};
use http::StatusCode;

fn routes(policy: SessionPolicy) -> impl FnOnce(&mut ServiceConfig) {
    move |app| {
        let optional = SessionMiddleware::new(policy.clone().optional());
        let admins_only = RequireMiddleware::new(Require::new().role("admin"));
        app.service(web::resource("/").wrap(optional).route(get().to(home))).service(
            web::scope("")
                .wrap(SessionMiddleware::new(policy))
                .route("/me", get().to(me))
                .route("/tenants/{tenant}/invoices", post().to(invoice))
                .service(web::resource("/admin").wrap(admins_only).route(get().to(async || "the keys to everything"))),
        );
    }
}

async fn home(session: Option<Session>) -> String {
    format!("Hello {}", session.as_ref().map_or("stranger", |session| session.user_id()))
}

async fn me(session: Session) -> String {
    session.user_id().to_owned()
}

/// What a rule needs to know of the request is asked in the handler.
async fn invoice(session: Session, tenant: Path<String>) -> Result<&'static str, Refusal> {
    session.require(&Require::new().tenant_permission(tenant.as_str(), "invoices:write"))?;
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

    // Cookies, with a refresh when the session token has expired. For an API: `.without_cookies()`.
    let policy = SessionPolicy::new(&descope).refresh();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let site = format!("http://{}", listener.local_addr()?);
    let server = HttpServer::new(move || App::new().configure(routes(policy.clone())));
    tokio::spawn(server.workers(1).disable_signals().listen(listener)?.run());

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
