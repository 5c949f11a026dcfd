//! What one call has changed. A collection cannot be changed without a log, so nothing is changed without a trace.

use serde_json::{Map, Value};

use super::collection::Record;

/// What was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    Modified,
    Deleted,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Modified => "Modified",
            Self::Deleted => "Deleted",
        }
    }
}

/// Something that happened and is worth an audit entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    /// What happened, such as `UserCreated`.
    pub(crate) action: String,
    /// `info`, `warn` or `error`; `info` where it is not said.
    pub(crate) kind: Option<String>,
    /// Who did it, where that is not who has called.
    pub(crate) actor: Option<String>,
    /// The id of the thing it happened to.
    pub(crate) target: String,
    /// How the user has proven who they are, where it is about a sign-in.
    pub(crate) method: String,
    pub(crate) login_ids: Vec<String>,
    pub(crate) tenants: Vec<String>,
    pub(crate) data: Map<String, Value>,
}

/// The changes of one call, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    changed: bool,
    events: Vec<Event>,
}

impl Log {
    pub(super) fn note<R: Record>(&mut self, change: Change, record: &R) {
        self.changed = true;
        if let Some(kind) = R::AUDITED {
            self.events.push(Event {
                action: format!("{kind}{}", change.as_str()),
                target: record.id().to_owned(),
                kind: None,
                actor: None,
                method: String::new(),
                login_ids: record.login_ids(),
                tenants: record.tenant_ids(),
                data: Map::new(),
            });
        }
    }

    /// Notes what is no change of a record, such as a sign-in.
    pub(crate) fn event(&mut self, event: Event) {
        self.changed = true;
        self.events.push(event);
    }

    /// Notes that something was changed that no audit tells of.
    pub(crate) fn touch(&mut self) {
        self.changed = true;
    }

    /// Whether anything was changed since the events were last taken.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// The events so far; the log is empty then.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(self).events
    }
}
