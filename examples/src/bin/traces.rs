//! Every call as a span, in the trace of the request that it is for, with the trace going on at the service.

use std::{
    io,
    sync::{Arc, Mutex},
};

use descope_emulator::Emulator;
use descope_sdk::reqwest::header::HeaderValue;
use tracing::Instrument as _;
use tracing_subscriber::fmt::format::FmtSpan;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In place of a collector: a line for each span when it ends. An application adds the layer of
    // `tracing-opentelemetry` to its subscriber, and has the same spans there; their fields have OpenTelemetry's names.
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(move || writer.clone())
        .init();

    let emulator = Emulator::builder().start().await?;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    // Called for each attempt, inside its span: here the propagator of OpenTelemetry puts the current context.
    let builder = emulator.descope_builder().propagate_trace(move |headers| {
        headers.insert("traceparent", HeaderValue::from_static(parent));
    });
    let descope = builder.build()?;

    let request = tracing::info_span!("request", path = "/sign-in");
    descope.otp().email("ada@example.com").sign_up().send().instrument(request).await?;

    let text = lines.text();
    let of_call = text.lines().find(|line| line.contains("attempt")).ok_or("no span")?;
    println!("{of_call}");
    assert!(of_call.contains("request{path=\"/sign-in\"}") && of_call.contains("http.response.status_code=200"));

    // Neither addresses nor codes nor tokens.
    let code = emulator.inbox().next("ada@example.com").await.code.ok_or("a mail without a code")?;
    assert!(!text.contains("ada@example.com") && !text.contains(&code));

    // The service can put its own spans below ours.
    let sent = emulator.requests().pop().ok_or("no request")?;
    assert_eq!(sent.header("traceparent"), Some(parent));
    Ok(())
}

/// What is written, to look at.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics")).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
