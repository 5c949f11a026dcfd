//! What only shows against a server that does not behave: one that speaks raw bytes.

mod edge;
mod hostile;
mod keys;
mod refresh;

// The benchmarks use the rest.
#[allow(dead_code)]
#[path = "../../benches/session/setup.rs"]
mod setup;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use descope_sdk::{Descope, DescopeBuilder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub(crate) const PROJECT: &str = "P2RmuXyZ0123456789abcdefghij";

/// Answers every request with the same bytes.
pub(crate) struct Server {
    base_url: String,
    requests: Arc<AtomicUsize>,
}

/// What a server does after its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Close,
    Hang,
    /// Sends the same byte over and over.
    Flood,
}

impl Server {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (answer, counter) = (Arc::new(answer.into()), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer: Arc<Vec<u8>> = Arc::clone(&answer);
                tokio::spawn(async move {
                    let mut head = [0; 16 * 1024];
                    let _ = stream.read(&mut head).await;
                    let _ = stream.write_all(&answer).await;
                    while then == Then::Flood && stream.write_all(&[b' '; 8 * 1024]).await.is_ok() {}
                    if then == Then::Hang {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { base_url, requests }
    }

    /// A JSON answer with the right length.
    pub(crate) async fn answering(status: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncf-ray: 8f1-FRA\r\n");
        let answer = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        Self::start(answer, Then::Close).await
    }

    pub(crate) fn client(&self) -> DescopeBuilder {
        Descope::builder(PROJECT).base_url(&self.base_url)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}
