//! What a row of the table says, and which of them were of use.

use std::collections::BTreeSet;

use descope_api::Operation;
use serde_json::{Value, json};

use super::table::TABLE;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The client that was recorded: the name of its file, or `*`.
    pub(super) by: &'static str,
    /// The operations: ids with `*` at the end for any rest, or tags behind `#`, with `|` between them.
    pub(super) of: &'static str,
    pub(super) differs: Differs,
    pub(super) why: &'static str,
}

/// What is not the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum Differs {
    /// A place (`body.user.email`, `query.page`, `authorization`, `body` for whether there is one) that was recorded so, and
    /// is sent so. `*` is any name or index, `**` at the end any number of them.
    Unlike(&'static str, What, What),
    /// A member that was recorded under one name and is sent under another; the value is the same.
    Alias(&'static str, &'static str),
    /// A request that goes to another path: its method and the beginning of its path or the whole, and what stands there
    /// instead. Parameters in braces are taken from the query.
    Moved(&'static str, &'static str),
    /// The SDK refuses the argument.
    Refused(&'static str),
    /// The SDK has no function for the operation.
    NoFunction,
}

/// A value at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Absent,
    /// Null where the document does not say that null means something.
    Null,
    /// An empty list or map, with the same proviso.
    Empty,
    /// This JSON.
    Is(&'static str),
    Any,
}

impl What {
    pub(super) fn is(self, value: Option<&Value>, nullable: bool) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (Self::Any, value) => value.is_some(),
            (_, None) => false,
            (Self::Null, Some(value)) => value.is_null() && !nullable,
            (Self::Empty, Some(value)) => [json!([]), json!({})].contains(value) && !nullable,
            (Self::Is(json), Some(value)) => serde_json::from_str::<Value>(json).expect("JSON in the table") == *value,
        }
    }
}

impl Row {
    /// Which of its patterns name the operation.
    pub(super) fn named(&self, client: &str, operation: &Operation) -> Vec<&'static str> {
        let names = |pattern: &&str| match (pattern.strip_prefix('#'), pattern.strip_suffix('*')) {
            (Some(tag), _) => operation.tag == tag,
            (_, Some(start)) => operation.id.starts_with(start),
            _ => operation.id == *pattern,
        };
        let by = self.by == "*" || self.by == client;
        self.of.split('|').filter(|_| by).filter(names).collect()
    }
}

/// What of the table was of use: rows by their number, and their patterns.
#[derive(Default)]
pub(super) struct Table {
    pub(super) used: BTreeSet<(usize, &'static str)>,
}

impl Table {
    /// Whether a row for this operation fits; every one that does is noted as used.
    pub(super) fn covers(&mut self, client: &str, operation: &Operation, fits: impl Fn(&Differs) -> bool) -> bool {
        let mut covered = false;
        for (number, row) in TABLE.iter().enumerate().filter(|(_, row)| fits(&row.differs)) {
            for pattern in row.named(client, operation) {
                self.used.insert((number, pattern));
                covered = true;
            }
        }
        covered
    }

    /// Rows, and patterns of rows, that covered nothing.
    pub(super) fn idle(&self) -> Vec<String> {
        let every = TABLE.iter().enumerate().flat_map(|(number, row)| row.of.split('|').map(move |one| (number, one)));
        let idle = every.filter(|one| !self.used.contains(one));
        idle.map(|(number, pattern)| format!("covers nothing for {pattern}: {:?}", TABLE[number])).collect()
    }
}
