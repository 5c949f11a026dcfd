//! Sessions in a service made of tower alone, as one of tonic is. Needs no account: it brings an emulated Descope along.
//!
//! ```sh
//! cargo run -p descope-sdk --features tower --example tower_app
//! ```
//!
//! It prints the addresses of the application and of the emulator, and a session token for Ada and one for Grace, who is
//! an admin. In another terminal:
//!
//! ```sh
//! APP=http://127.0.0.1:3000 ADA=eyJ… GRACE=eyJ…                  # as printed
//!
//! curl -i $APP/me                                                # 401, WWW-Authenticate: Bearer realm="session"
//! curl -i -H 'Authorization: Bearer nonsense' $APP/me            # 401, error="invalid_token"
//! curl -H "Authorization: Bearer $ADA" $APP/me                   # her user id
//! curl -H "Cookie: DS=$ADA" $APP/me                              # the same
//! curl -i -H "Authorization: Bearer $ADA" $APP/admin             # 403
//! curl -H "Authorization: Bearer $GRACE" $APP/admin
//!
//! # To gRPC clients a refusal comes as a status of gRPC.
//! curl -i -H 'Content-Type: application/grpc' $APP/me            # grpc-status: 16
//! ```

use std::convert::Infallible;

use descope_emulator::Emulator;
use descope_sdk::{
    Authentication, Descope, LoginId, StatusCode,
    session::Session,
    vocabulary::UserStatus,
    web::{Require, RequireLayer, SessionLayer, SessionPolicy},
};
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// Serves the application until the end of the process.
pub(crate) async fn serve(listener: TcpListener, descope: Descope) -> std::io::Result<()> {
    let policy = SessionPolicy::new(&descope).cookies(descope.session().cookies().secure(false)).refresh();
    let admin = RequireLayer::new(Require::new().role("admin")).layer(service_fn(admin));
    let routes = service_fn(move |request: Request<Incoming>| {
        let admin = admin.clone();
        async move {
            match request.uri().path() {
                "/me" => Ok(me(&request).map(Either::Left)),
                "/admin" => admin.oneshot(request).await.map(|response| response.map(Either::Right)),
                _ => Ok(text(StatusCode::NOT_FOUND, "nothing here").map(Either::Left)),
            }
        }
    });
    let app = SessionLayer::new(policy).layer(routes);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(app.clone());
        tokio::spawn(async move {
            // A connection that breaks is the client's affair.
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn admin(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(text(StatusCode::OK, "the keys to everything"))
}

fn me<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    match request.extensions().get::<Session>() {
        Some(session) => text(StatusCode::OK, session.user_id().to_owned()),
        None => text(StatusCode::INTERNAL_SERVER_ERROR, "not behind a session layer"),
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}

/// A client for the emulator that shares its clock, so that time can be made to pass.
pub(crate) async fn prepare(emulator: &Emulator) -> descope_sdk::Result<Descope> {
    let descope = emulator.descope()?;
    descope.management().roles().create("admin").send().await?;
    let users = descope.management().users();
    users.create(LoginId::new("ada@example.com")).status(UserStatus::ENABLED).send().await?;
    users.create(LoginId::new("grace@example.com")).role_names(["admin"]).status(UserStatus::ENABLED).send().await?;
    Ok(descope)
}

/// Signs a user in without further ado.
async fn sign_in(descope: &Descope, login_id: &str) -> descope_sdk::Result<Authentication> {
    let token = descope.management().embedded_links().sign_in(LoginId::new(login_id)).send().await?;
    descope.magic_link().verify(token).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = prepare(&emulator).await?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("APP=http://{} EMULATOR={}", listener.local_addr()?, emulator.base_url());
    for (name, login_id) in [("ADA", "ada@example.com"), ("GRACE", "grace@example.com")] {
        println!("{name}={}", sign_in(&descope, login_id).await?.session_jwt().expose());
    }
    serve(listener, descope).await?;
    Ok(())
}
