//! Sessions in front of a gRPC service made with tonic. The service here is the one for health checks.

use descope_emulator::{Emulator, SessionRequest};
use descope_sdk::{
    session::Session,
    web::{Require, RequireLayer, SessionLayer, SessionPolicy},
};
use tokio::net::TcpListener;
use tonic::{
    Code, Request, Status,
    service::LayerExt as _,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_health::{
    pb::{HealthCheckRequest, health_client::HealthClient, health_server::HealthServer},
    server::{HealthReporter, HealthService},
};

/// In a service of your own: `request.extensions().get::<Session>()` in the method itself.
#[allow(clippy::needless_pass_by_value, clippy::result_large_err, reason = "an interceptor has this form")]
fn log(request: Request<()>) -> Result<Request<()>, Status> {
    let Some(session) = request.extensions().get::<Session>() else {
        return Err(Status::internal("not behind a session layer"));
    };
    println!("asked by {}", session.user_id());
    Ok(request)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    descope.management().roles().create("operator").send().await?;

    let health = HealthServer::with_interceptor(HealthService::from_health_reporter(HealthReporter::new()), log);
    let operators_only = RequireLayer::new(Require::new().role("operator"));
    let policy = SessionPolicy::new(&descope).without_cookies();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = Server::builder()
        .layer(SessionLayer::new(policy))
        .add_service(operators_only.named_layer(health))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);

    let mut client = HealthClient::new(Channel::from_shared(address)?.connect().await?);
    let mut ask = async |token: Option<&str>| {
        let mut request = Request::new(HealthCheckRequest::default());
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("a token is ASCII");
            request.metadata_mut().insert("authorization", value);
        }
        client.check(request).await.map(|_| ()).map_err(|status| status.code())
    };
    let ada = emulator.sign_in(&SessionRequest::new("ada@example.com").role("operator"))?;
    let bob = emulator.sign_in(&SessionRequest::new("bob@example.com"))?;
    assert_eq!(ask(None).await, Err(Code::Unauthenticated));
    assert_eq!(ask(Some("nonsense")).await, Err(Code::Unauthenticated));
    assert_eq!(ask(Some(bob.session_jwt.expose())).await, Err(Code::PermissionDenied));
    assert_eq!(ask(Some(ada.session_jwt.expose())).await, Ok(()));
    println!("refusals come as the codes that gRPC has for them");
    Ok(())
}
