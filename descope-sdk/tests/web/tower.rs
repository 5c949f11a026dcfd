//! The example application that is made of tower alone, on a port of its own.

use descope_emulator::Emulator;
use descope_sdk::Descope;

// Each test program uses its share.
#[allow(dead_code)]
#[path = "../../examples/tower_app.rs"]
mod app;

pub(crate) use app::prepare;

#[allow(dead_code)]
pub(crate) async fn start(emulator: Emulator) -> (Emulator, Descope, String) {
    let descope = prepare(&emulator).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(app::serve(listener, descope.clone()));
    (emulator, descope, base_url)
}
