//! Every call as a span at a collector, in the trace of the request that it is for; the trace goes on at the service.

use std::sync::{Arc, Mutex};

use descope_emulator::Emulator;
use opentelemetry::trace::{SpanId, TracerProvider as _};
use opentelemetry_http::HeaderInjector;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let collector = Collector::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?); // that of your collector
    let service = Server::builder().add_service(TraceServiceServer::new(collector.clone()));
    tokio::spawn(service.serve_with_incoming(TcpIncoming::from(listener)));

    // As in every application with OpenTelemetry: an exporter, a layer for `tracing`, and how traces are passed on.
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(layer).init();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());

    let emulator = Emulator::builder().start().await?;
    // Called for each attempt, inside its span.
    let builder = emulator.descope_builder().propagate_trace(|headers| {
        let context = tracing::Span::current().context();
        opentelemetry::global::get_text_map_propagator(|to| to.inject_context(&context, &mut HeaderInjector(headers)));
    });
    let descope = builder.build()?;

    // The span of a request to the application; `tower_http::trace` makes one, for instance.
    let request = tracing::info_span!("POST /sign-in");
    descope.otp().email("ada@example.com").sign_up().send().instrument(request).await?;

    tokio::task::spawn_blocking(move || provider.force_flush()).await??;
    let spans = collector.named();
    let [request, call, attempt] = ["POST /sign-in", "otp_sign_up_email", "POST /v1/auth/otp/signup/email"]
        .map(|name| spans.iter().find(|span| span.name == name).expect("the collector has it"));
    assert!(call.parent_span_id == request.span_id && attempt.parent_span_id == call.span_id);
    for span in [request, call, attempt] {
        println!("{}", span.name);
    }

    // The service's own spans would be below ours.
    let sent = emulator.requests().pop().ok_or("no request")?;
    let parent = sent.header("traceparent").ok_or("no header")?;
    let attempt = SpanId::from_bytes(attempt.span_id.as_slice().try_into()?);
    assert_eq!(parent.split('-').nth(2), Some(attempt.to_string().as_str()));

    // No address, no code, no token.
    assert!(!format!("{spans:?}").contains("ada@example.com"));
    Ok(())
}

/// A collector that keeps what it gets. Yours is a program of its own.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    fn named(&self) -> Vec<Span> {
        self.0.lock().expect("nobody panics").clone()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let of_resources = request.into_inner().resource_spans.into_iter().flat_map(|it| it.scope_spans);
        self.0.lock().expect("nobody panics").extend(of_resources.flat_map(|it| it.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
