//! A subscriber that keeps the spans and the log lines of the SDK.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

use crate::another_process;

/// The names and values of fields, as text.
pub(crate) type Fields = BTreeMap<String, String>;

/// A span that was opened.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) level: Level,
    pub(crate) id: u64,
    /// Which of those that were kept it is in.
    pub(crate) parent: Option<usize>,
    pub(crate) fields: Fields,
    pub(crate) closed: bool,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Seen>,
    events: Vec<Fields>,
}

/// Keeps everything; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Kept>>);

/// Where a span is kept.
struct At(usize);

impl Collector {
    pub(crate) fn subscriber(&self) -> impl Subscriber + Send + Sync + 'static {
        tracing_subscriber::registry().with(self.clone())
    }

    /// All spans, in the order in which they were opened.
    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.0.lock().unwrap().spans.clone()
    }

    /// Forgets what was kept, and gives the spans of the SDK with what they are in: the operations with their attempts.
    /// Fails when one is still open.
    #[track_caller]
    pub(crate) fn calls(&self) -> Vec<Call> {
        let spans = std::mem::take(&mut self.0.lock().unwrap().spans);
        calls(&spans)
    }

    /// Forgets the log lines of the SDK and gives their fields.
    pub(crate) fn events(&self) -> Vec<Fields> {
        std::mem::take(&mut self.0.lock().unwrap().events)
    }
}

/// An operation and its attempts.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Seen,
    pub(crate) attempts: Vec<Seen>,
}

#[track_caller]
pub(crate) fn calls(spans: &[Seen]) -> Vec<Call> {
    let own: Vec<_> = spans.iter().enumerate().filter(|(_, span)| span.target == "descope").collect();
    for (_, span) in &own {
        assert!(span.closed, "{span:?} was left open");
        assert_eq!(span.level, Level::INFO, "{span:?}");
        assert!(["operation", "attempt"].contains(&span.name), "{span:?}");
    }
    let operations = own.iter().filter(|(_, span)| span.name == "operation");
    let calls: Vec<_> = operations
        .map(|(at, operation)| {
            let below = own.iter().filter(|(_, span)| span.name == "attempt" && span.parent == Some(*at));
            Call { operation: (*operation).clone(), attempts: below.map(|(_, span)| (*span).clone()).collect() }
        })
        .collect();
    let found: usize = calls.iter().map(|call| 1 + call.attempts.len()).sum();
    assert_eq!(found, own.len(), "an attempt is outside of its operation: {own:?}");
    calls
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let span = context.span(id).expect("it was opened");
        let parent = span.parent().and_then(|parent| Some(parent.extensions().get::<At>()?.0));
        let metadata = attributes.metadata();
        let mut seen = Seen {
            name: metadata.name(),
            target: metadata.target(),
            level: *metadata.level(),
            id: id.into_u64(),
            parent,
            fields: Fields::new(),
            closed: false,
        };
        attributes.record(&mut Texts(&mut seen.fields));
        let spans = &mut self.0.lock().unwrap().spans;
        span.extensions_mut().insert(At(spans.len()));
        spans.push(seen);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let at = context.span(id).expect("it was opened").extensions().get::<At>().expect("it was kept").0;
        values.record(&mut Texts(&mut self.0.lock().unwrap().spans[at].fields));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "descope" {
            let mut fields = Fields::new();
            event.record(&mut Texts(&mut fields));
            self.0.lock().unwrap().events.push(fields);
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let at = context.span(&id).expect("it was opened").extensions().get::<At>().expect("it was kept").0;
        // What was taken away meanwhile is of no interest any more.
        if let Some(span) = self.0.lock().unwrap().spans.get_mut(at) {
            span.closed = true;
        }
    }
}

struct Texts<'a>(&'a mut Fields);

impl Visit for Texts<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

/// Whether the test `name` runs in this process. Otherwise it has been run in one of its own: whether a span is wanted is
/// remembered for the whole process, and the other tests want none.
pub(crate) async fn here(name: &'static str) -> bool {
    if another_process::job(name).is_some() {
        return true;
    }
    another_process::run(name, Value::Null).await;
    false
}
