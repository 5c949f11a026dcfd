//! Sessions under tonic: a server and a client of its own kind, over HTTP/2.

use descope_emulator::{Emulator, Fault};
use descope_sdk::{
    Descope,
    session::Session,
    web::{Require, RequireLayer, SessionLayer, SessionPolicy},
};
use tonic::{
    Code, Request, Status,
    service::LayerExt as _,
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_health::{
    pb::{HealthCheckRequest, health_client::HealthClient, health_server::HealthServer},
    server::{HealthReporter, HealthService},
};

use crate::{
    tower_app,
    web::{self, Web, session_of},
};

/// A service that answers nobody whose session it does not see. With `admins`, one for admins only.
async fn serve(emulator: Emulator, admins: bool) -> (Emulator, Descope, String) {
    let descope = tower_app::prepare(&emulator).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let service = HealthServer::with_interceptor(
        HealthService::from_health_reporter(HealthReporter::new()),
        |request: Request<()>| match request.extensions().get::<Session>() {
            Some(_) => Ok(request),
            None => Err(Status::internal("the layer has found no session")),
        },
    );
    let policy = SessionPolicy::new(&descope).without_cookies();
    let mut server = Server::builder().layer(SessionLayer::new(policy));
    let router = if admins {
        server.add_service(RequireLayer::new(Require::new().role("admin")).named_layer(service))
    } else {
        server.add_service(service)
    };
    tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener)));
    (emulator, descope, base_url)
}

async fn start(emulator: Emulator) -> (Emulator, Descope, String) {
    serve(emulator, false).await
}

async fn start_for_admins(emulator: Emulator) -> (Emulator, Descope, String) {
    serve(emulator, true).await
}

struct Grpc(HealthClient<Channel>);

impl Grpc {
    async fn new(web: &Web) -> Self {
        Self(HealthClient::new(Channel::from_shared(web.base_url().to_owned()).unwrap().connect().await.unwrap()))
    }

    fn request(bearer: Option<&str>) -> Request<HealthCheckRequest> {
        let mut request = Request::new(HealthCheckRequest::default());
        if let Some(token) = bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    /// What the service says, 1 for "serving".
    async fn check(&mut self, bearer: Option<&str>) -> Result<i32, Status> {
        Ok(self.0.check(Self::request(bearer)).await?.into_inner().status)
    }
}

#[tokio::test]
async fn calls_without_a_good_session_are_unauthenticated_and_the_others_are_answered() {
    let web = Web::new(start).await;
    let mut grpc = Grpc::new(&web).await;
    let ada = web.ada().await;
    for (bearer, message) in [
        (None, "a session is needed"),
        (Some("nonsense"), "the session token is not valid"),
        (Some(web::refresh_of(&ada)), "the session token is not valid"),
    ] {
        let refused = grpc.check(bearer).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, message));
    }
    assert_eq!(grpc.check(Some(session_of(&ada))).await.unwrap(), 1);
    web.an_hour_passes();
    let refused = grpc.check(Some(session_of(&ada))).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::Unauthenticated, "the session has expired"));
}

#[tokio::test]
async fn streams_go_through_as_they_come() {
    let web = Web::new(start).await;
    let mut grpc = Grpc::new(&web).await;
    let ada = web.ada().await;
    let mut stream = grpc.0.watch(Grpc::request(Some(session_of(&ada)))).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status, 1);
    let refused = grpc.0.watch(Grpc::request(None)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_role_that_is_missing_is_permission_denied() {
    let web = Web::new(start_for_admins).await;
    let mut grpc = Grpc::new(&web).await;
    let refused = grpc.check(Some(session_of(&web.ada().await))).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::PermissionDenied, "the session does not allow this"));
    assert_eq!(grpc.check(Some(session_of(&web.grace().await))).await.unwrap(), 1);
}

#[tokio::test]
async fn an_outage_is_unavailable() {
    let web = Web::new(start).await;
    let ada = web.ada().await;
    let mut grpc = Grpc::new(&web).await;
    web.emulator.fail_next("sessionKeys", Fault::status(503).times(100));
    let refused = grpc.check(Some(session_of(&ada))).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Code::Unavailable, "sessions cannot be checked at the moment"));
}
