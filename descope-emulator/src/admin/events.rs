//! What happens, as it happens: messages, requests and changes of records, as server-sent events.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{inbox::Message, journal::Kept};
use crate::world::audit::AuditEntry;

/// How many events are kept for those who come back.
const CAPACITY: usize = 1_000;
/// How many events may wait for a subscriber that reads slowly; one that is further behind is cut off and may come back.
const BACKLOG: usize = 1_000;

/// Something that has happened.
#[derive(Debug)]
pub(crate) enum Happening {
    Message {
        project: String,
        message: Box<Message>,
    },
    Request(Arc<Kept>),
    Record {
        project: String,
        entry: Box<AuditEntry>,
    },
    /// Something about the emulator itself is not as it was: its clock, the faults, the snapshots and so on.
    Change {
        project: Option<String>,
        what: &'static str,
    },
}

/// The name of a kind of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Request,
    Record,
    Change,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Message, Self::Request, Self::Record, Self::Change];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Request => "request",
            Self::Record => "record",
            Self::Change => "change",
        }
    }
}

impl Happening {
    fn kind(&self) -> Kind {
        match self {
            Self::Message { .. } => Kind::Message,
            Self::Request(_) => Kind::Request,
            Self::Record { .. } => Kind::Record,
            Self::Change { .. } => Kind::Change,
        }
    }

    fn project(&self) -> Option<&str> {
        match self {
            Self::Message { project, .. } | Self::Record { project, .. } => Some(project),
            Self::Request(request) => request.project_id(),
            Self::Change { project, .. } => project.as_deref(),
        }
    }

    fn data(&self) -> Value {
        match self {
            Self::Message { project, message } => {
                let mut told = message.describe();
                told["projectId"] = json!(project);
                told
            }
            Self::Request(request) => serde_json::to_value(request.read()).unwrap_or_default(),
            Self::Record { project, entry } => {
                let mut told = serde_json::to_value(&**entry).unwrap_or_default();
                told["projectId"] = json!(project);
                told
            }
            Self::Change { project, what } => json!({"projectId": project, "what": what}),
        }
    }
}

type Numbered = (u64, Arc<Happening>);

/// Which events a subscriber wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// All kinds when there is none.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) project: Option<String>,
}

impl Wanted {
    fn takes(&self, happening: &Happening) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&happening.kind()))
            && self.project.as_deref().is_none_or(|wanted| match happening {
                // What changes for all of them changes for this one.
                Happening::Change { project: None, .. } => true,
                _ => happening.project() == Some(wanted),
            })
    }
}

#[derive(Debug)]
struct Subscriber {
    wanted: Wanted,
    sender: mpsc::Sender<Numbered>,
}

#[derive(Debug, Default)]
struct Store {
    last_id: u64,
    kept: VecDeque<Numbered>,
    subscribers: Vec<Subscriber>,
    closed: bool,
}

/// Everything that happens, and those who want to be told. Clones share one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    store: Arc<Mutex<Store>>,
}

impl Events {
    pub(crate) fn publish(&self, happening: Happening) {
        let mut store = self.store();
        store.last_id += 1;
        let numbered = (store.last_id, Arc::new(happening));
        if store.kept.len() == CAPACITY {
            store.kept.pop_front();
        }
        store.subscribers.retain(|subscriber| {
            if subscriber.wanted.takes(&numbered.1) {
                subscriber.sender.try_send(numbered.clone()).is_ok()
            } else {
                !subscriber.sender.is_closed()
            }
        });
        store.kept.push_back(numbered);
    }

    /// Tells that something about the emulator itself has changed, for all projects or for one.
    pub(crate) fn change(&self, what: &'static str, project: Option<&str>) {
        self.publish(Happening::Change { project: project.map(str::to_owned), what });
    }

    /// A body that tells what happens from now on or, for one who comes back, after the event with a number.
    pub(crate) fn subscribe(&self, wanted: Wanted, after: Option<u64>) -> Stream {
        let mut store = self.store();
        let (sender, receiver) = mpsc::channel(BACKLOG + CAPACITY);
        // A number that is not given yet is one of an emulator before this one, or of before a reset.
        let after = after.map(|after| if after > store.last_id { 0 } else { after });
        for numbered in store.kept.iter().filter(|(id, _)| after.is_some_and(|after| *id > after)) {
            if wanted.takes(&numbered.1) {
                let _ = sender.try_send(numbered.clone());
            }
        }
        if !store.closed {
            store.subscribers.push(Subscriber { wanted, sender });
        }
        Stream { begun: false, receiver }
    }

    /// Forgets what has happened; whoever listens goes on.
    pub(crate) fn clear(&self) {
        self.store().kept.clear();
    }

    /// Ends all bodies: the emulator stops.
    pub(crate) fn close(&self) {
        let mut store = self.store();
        store.closed = true;
        store.subscribers.clear();
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer that tells what happens.
#[derive(Debug)]
pub(crate) struct Stream {
    begun: bool,
    receiver: mpsc::Receiver<Numbered>,
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.begun {
            self.begun = true;
            // A comment at once, so that the client knows that it is heard from now on.
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b": listening\n\n")))));
        }
        self.receiver.poll_recv(cx).map(|numbered| {
            numbered.map(|(id, happening)| {
                let text = format!("id: {id}\nevent: {}\ndata: {}\n\n", happening.kind().as_str(), happening.data());
                Ok(Frame::data(text.into()))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn entry(target: &str) -> Happening {
        let entry = AuditEntry { target: target.to_owned(), ..AuditEntry::default() };
        Happening::Record { project: "P2".to_owned(), entry: Box::new(entry) }
    }

    async fn read(stream: Stream) -> String {
        String::from_utf8(stream.collect().await.expect("a body").to_bytes().to_vec()).expect("text")
    }

    #[tokio::test]
    async fn whoever_comes_back_is_told_what_was_missed() {
        let events = Events::default();
        events.publish(entry("U1"));
        events.publish(entry("U2"));
        let (fresh, back) = (events.subscribe(Wanted::default(), None), events.subscribe(Wanted::default(), Some(1)));
        let restarted = events.subscribe(Wanted::default(), Some(99));
        let others = events.subscribe(Wanted { kinds: vec![Kind::Message], project: None }, Some(0));
        let elsewhere = events.subscribe(Wanted { kinds: Vec::new(), project: Some("P3".to_owned()) }, Some(0));
        events.publish(entry("U3"));
        events.close();
        let late = events.subscribe(Wanted::default(), None);
        assert_eq!(read(fresh).await.matches("data: ").count(), 1);
        let back = read(back).await;
        assert!(back.starts_with(": listening\n\nid: 2\nevent: record\ndata: {"), "{back}");
        assert_eq!(back.matches("data: ").count(), 2);
        assert_eq!(read(restarted).await.matches("data: ").count(), 3);
        for nothing in [others, elsewhere, late] {
            assert_eq!(read(nothing).await, ": listening\n\n");
        }
    }

    #[tokio::test]
    async fn a_subscriber_that_does_not_read_is_cut_off() {
        let events = Events::default();
        let slow = events.subscribe(Wanted::default(), None);
        for _ in 0..=BACKLOG + CAPACITY {
            events.publish(entry("U1"));
        }
        assert_eq!(events.store().subscribers.len(), 0);
        assert_eq!(events.store().kept.len(), CAPACITY);
        assert_eq!(read(slow).await.matches("data: ").count(), BACKLOG + CAPACITY);
    }
}
