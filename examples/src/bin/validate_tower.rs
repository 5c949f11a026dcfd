//! Sessions in front of any service of tower, such as one that hyper serves.

use std::convert::Infallible;

use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{
    session::Session,
    web::{Require, RequireLayer, SessionLayer, SessionPolicy},
};
use http::{Request, Response, StatusCode, header};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

/// The service itself. It gets no request that the layers have not let through.
async fn report(request: Request<String>) -> Result<Response<String>, Infallible> {
    let who = request.extensions().get::<Session>().map(|session| session.user_id().to_owned());
    Ok(Response::new(format!("for {}", who.unwrap_or_default())))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    descope.management().roles().create("auditor").send().await?;

    // Tokens from the header alone: no other site can make a browser send one along.
    let policy = SessionPolicy::new(&descope).without_cookies();
    let service = ServiceBuilder::new()
        .layer(SessionLayer::new(policy))
        .layer(RequireLayer::new(Require::new().role("auditor")))
        .service(service_fn(report));

    let ada = emulator.sign_in(&SessionRequest::new("ada@example.com").role("auditor"))?;
    let bob = emulator.sign_in(&SessionRequest::new("bob@example.com"))?;
    for (token, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(ada.refresh_jwt.expose()), StatusCode::UNAUTHORIZED), // good, but not for this
        (Some(bob.session_jwt.expose()), StatusCode::FORBIDDEN),
        (Some(ada.session_jwt.expose()), StatusCode::OK),
    ] {
        let mut request = Request::get("/report");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = service.clone().oneshot(request.body(String::new())?).await?;
        println!("{} {:?}", response.status(), response.headers().get(header::WWW_AUTHENTICATE));
        assert_eq!(response.status(), expected);
    }

    // The keys were fetched once, whatever came.
    assert_eq!(emulator.calls("sessionKeys"), 1);
    Ok(())
}
