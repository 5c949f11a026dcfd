//! Data of one customer that no user of another gets to see.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    routing::get,
};
use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{
    Descope, StatusCode,
    session::Session,
    web::{Refusal, SessionLayer, SessionPolicy},
};
use http::request::Parts;
use tokio::net::TcpListener;

/// The tenant that the session is in. The only way to get one is a token that Descope has signed: no handler takes the
/// tenant from the address or the body.
struct Tenant(String);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let session = Session::from_request_parts(parts, state).await?;
        let current = session.current_tenant().filter(|tenant| session.has_tenant(tenant));
        current.map(|tenant| Self(tenant.to_owned())).ok_or(Refusal::Forbidden)
    }
}

/// The database, which cannot be asked without a tenant.
#[derive(Clone, Default)]
struct Invoices(HashMap<String, Vec<&'static str>>);

impl Invoices {
    fn of(&self, Tenant(tenant): &Tenant) -> Vec<&'static str> {
        self.0.get(tenant).cloned().unwrap_or_default()
    }
}

async fn list(tenant: Tenant, State(invoices): State<Invoices>) -> Json<Vec<&'static str>> {
    Json(invoices.of(&tenant))
}

fn app(descope: &Descope, invoices: Invoices) -> Router {
    let policy = SessionPolicy::new(descope).without_cookies();
    Router::new().route("/invoices", get(list)).layer(SessionLayer::new(policy)).with_state(invoices)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    for id in ["acme", "beta"] {
        descope.management().tenants().create(id).id(id).send().await?;
    }
    let invoices = [("acme", vec!["1815"]), ("beta", vec!["1843", "1852"])];
    let invoices = Invoices(invoices.map(|(tenant, numbers)| (tenant.to_owned(), numbers)).into());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/invoices", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, app(&descope, invoices)).into_future());

    let client = reqwest::Client::new();
    for (who, tenant, expected) in [("ada", "acme", r#"["1815"]"#), ("bob", "beta", r#"["1843","1852"]"#)] {
        let user = emulator.sign_in(&SessionRequest::new(format!("{who}@example.com")).tenant(tenant))?;
        let answer = client.get(&url).bearer_auth(user.session_jwt.expose()).send().await?.text().await?;
        println!("{who} sees {answer}");
        assert_eq!(answer, expected);
    }

    // Somebody who is in no tenant, or has not chosen one, sees nothing rather than everything.
    let nobody = emulator.sign_in(&SessionRequest::new("eve@example.com"))?;
    let refused = client.get(&url).bearer_auth(nobody.session_jwt.expose()).send().await?;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    Ok(())
}
