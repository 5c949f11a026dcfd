//! A recorded request, as a line of a file has it.

use std::collections::BTreeMap;

use descope_api::Operation;
use serde::Deserialize;
use serde_json::Value;

use super::{
    rows::{Differs, Table},
    table::TABLE,
};
use crate::{
    requests::{ACCESS_KEY, AUTH_KEY, MANAGEMENT_KEY, REFRESH_JWT, SESSION_JWT},
    support::raw::PROJECT,
};

/// A recorded request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recording {
    call: String,
    #[serde(default)]
    variant: String,
    /// How the recorded client was made.
    #[serde(default)]
    pub(super) client: String,
    pub(super) http_method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) query: BTreeMap<String, Value>,
    pub(super) authorization: Option<String>,
    #[serde(default)]
    pub(super) body: Option<Value>,
    body_present: Option<bool>,
}

impl Recording {
    pub(super) fn read(line: &str) -> Self {
        let placeholders = [
            ("<project_id>", PROJECT),
            ("<management_key>", MANAGEMENT_KEY),
            ("<auth_management_key>", AUTH_KEY),
            ("<refresh_jwt>", REFRESH_JWT),
            ("<session_jwt>", SESSION_JWT),
            ("<access_key>", ACCESS_KEY),
        ];
        let line = placeholders.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value));
        let mut recording: Self = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if recording.body_present == Some(false) {
            recording.body = None;
        } else if recording.body_present == Some(true) {
            recording.body.get_or_insert(Value::Null);
        }
        recording
    }

    pub(super) fn name(&self) -> String {
        let Self { call, variant, client, http_method, path, .. } = self;
        format!("{call} ({variant} {client}) {http_method} {path}")
    }

    /// The user's token or key in the bearer.
    pub(super) fn token(&self) -> Option<String> {
        let bearer = self.authorization.as_deref()?.strip_prefix("Bearer ")?;
        let token = bearer.split(':').nth(1)?;
        (token != MANAGEMENT_KEY && token != AUTH_KEY).then(|| token.to_owned())
    }

    /// Follows the rows that say where a request goes instead.
    pub(super) fn moved(mut self, client: &str, table: &mut Table) -> Self {
        for (number, row) in TABLE.iter().enumerate() {
            let Differs::Moved(from, to) = row.differs else { continue };
            let (method, from) = from.split_once(' ').expect("a method and a path");
            let rest =
                if from.ends_with('/') { self.path.strip_prefix(from) } else { (self.path == from).then_some("") };
            let Some(rest) = rest.filter(|_| method == "*" || method == self.http_method) else { continue };
            let mut moved = self.clone();
            moved.path = format!("{to}{rest}");
            moved.query.retain(|name, value| {
                let place = format!("{{{name}}}");
                let taken = moved.path.contains(&place);
                moved.path = moved.path.replace(&place, &escaped(&said(value)));
                !taken
            });
            let patterns = moved.operation().map_or_else(Vec::new, |(operation, _)| row.named(client, operation));
            if !patterns.is_empty() {
                self = moved;
                table.used.extend(patterns.into_iter().map(|pattern| (number, pattern)));
            }
        }
        self
    }

    /// The operation that it calls, and the parameters in its path.
    pub(super) fn operation(&self) -> Option<(&'static Operation, BTreeMap<String, Value>)> {
        let fits = |operation: &&'static Operation| operation.method == self.http_method;
        let found = descope_api::OPERATIONS.iter().filter(fits).filter_map(|operation| {
            let (template, path): (Vec<_>, Vec<_>) =
                (operation.path.split('/').collect(), self.path.split('/').collect());
            let mut parameters = BTreeMap::new();
            let fits = template.len() == path.len()
                && template.iter().zip(path).all(|(part, given)| match part.strip_prefix('{') {
                    Some(name) if !given.is_empty() => {
                        let given = percent_encoding::percent_decode_str(given).decode_utf8_lossy().into_owned();
                        parameters.insert(name.trim_end_matches('}').to_owned(), Value::String(given));
                        true
                    }
                    _ => *part == given,
                });
            fits.then_some((operation, parameters))
        });
        found.min_by_key(|(_, parameters)| parameters.len())
    }
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
