//! Connections: taken in, served, and ended with the emulator.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{
    dispatch::{App, Peer, dispatch},
    pages,
};
use crate::admin::{self, fault::CloseConnection};

/// Serves until it is asked to stop, which lets it finish what is under way, or until it is dropped, and every connection
/// with it.
pub(crate) async fn serve(listeners: Vec<TcpListener>, app: Arc<App>, stop: watch::Receiver<bool>) {
    let router = Router::new()
        .merge(admin::router(&app))
        .route("/", axum::routing::get(admin::welcome).fallback(dispatch))
        .route("/pages/{project}/v2-beta/{name}", axum::routing::get(pages::of_project))
        .route("/npm/{*path}", axum::routing::get(pages::library))
        .fallback(dispatch)
        .with_state(app);
    let mut all = JoinSet::new();
    for listener in listeners {
        all.spawn(accept(listener, router.clone(), stop.clone()));
    }
    while all.join_next().await.is_some() {}
}

/// Serves the connections of one address.
async fn accept(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, router.clone(), stop.clone()));
                }
                // Out of file handles, most likely; there is nothing to do but to wait for some.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            () = asked(&mut stop) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when the emulator is asked to stop.
async fn asked(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// The fault of a connection that is to end without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed on request")
    }
}

impl std::error::Error for Closed {}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, mut stop: watch::Receiver<bool>) {
    // Answers are small; waiting to fill a packet would only slow them down.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        let answer = router.call(request);
        async move {
            match answer.await {
                Ok(response) if response.extensions().get::<CloseConnection>().is_some() => Err(Closed),
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        }
    });
    let mut serving = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A connection that breaks is the client's affair.
        _ = serving.as_mut() => {}
        () = asked(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
