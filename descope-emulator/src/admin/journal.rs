//! What callers asked of the emulator.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

use super::{fault::fits, seen::is_same, token::IssuedToken};

/// How many requests are kept; the oldest go first.
const CAPACITY: usize = 2_000;

/// What the bearer of a request carried, without the secrets in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Credential {
    /// No usable `Authorization` header.
    None,
    /// The project id alone.
    ProjectId,
    /// A refresh JWT.
    RefreshJwt,
    /// A session JWT.
    SessionJwt,
    /// Something that is neither a JWT nor the management key, such as an access key.
    AccessKey,
    /// The management key.
    ManagementKey,
    /// A JWT that is not valid here.
    InvalidJwt,
}

/// One request that the emulator has answered.
///
/// Secrets are not kept: tokens, passwords, codes and keys in query, headers and bodies are `***`, and of the `Authorization`
/// header only what kind of credentials it carried is told.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordedRequest {
    /// Number of the request, counted up from 1 since the emulator started.
    pub id: u64,
    /// The id of the project that the call was about; `None` when it was about none.
    pub project_id: Option<String>,
    /// The operation of the specification, such as `otpVerifyEmail`; `None` when there is none at that path.
    pub operation: Option<String>,
    /// The HTTP method in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query without its `?`, as it was sent but for its secrets.
    pub query: Option<String>,
    /// The login ids in query and body.
    pub login_ids: Vec<String>,
    /// The other headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// What the bearer carried beside the project id. Two entries when a token was followed by a management key.
    pub credentials: Vec<Credential>,
    /// The body, when it was JSON or a form of at most 16 KiB. Its secrets are `***`.
    pub body: Option<Value>,
    /// The body of the answer, when it was JSON of at most 16 KiB and no fault. Its secrets are `***`.
    pub reply: Option<Value>,
    /// What the tokens of the answer say, in the body or in cookies.
    pub tokens: Vec<IssuedToken>,
    /// The status of the answer; 0 when the connection was closed instead.
    pub status: u16,
    /// The id of the fault that happened to it, if one did.
    pub fault: Option<u64>,
    /// The error code of the answer, if it was a refusal.
    pub error_code: Option<String>,
    /// Why it was refused, if it was, in the words that the caller got.
    pub error_message: Option<String>,
    /// When it was answered, in seconds since 1970 by the emulator's clock.
    pub at: i64,
}

impl RecordedRequest {
    /// A header by its name, whatever its case.
    ///
    /// ```
    /// # fn show(emulator: &descope_emulator::Emulator) {
    /// for request in emulator.requests() {
    ///     println!("{} {:?}", request.path, request.header("x-descope-sdk-name"));
    /// }
    /// # }
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for RecordedRequest {
    /// Leaves headers and body out, which may hold codes and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("id", &self.id)
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("credentials", &self.credentials)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

/// Which requests are meant; what is not named makes no difference.
///
/// ```
/// # async fn example(emulator: &descope_emulator::Emulator) {
/// use descope_emulator::RequestFilter;
///
/// let codes = RequestFilter::new().operation("otpVerifyEmail").login_id("ada@example.com").status(401);
/// assert_eq!(emulator.find_requests(&codes).len(), 0);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    operation: Option<String>,
    method: Option<String>,
    path: Option<String>,
    project: Option<String>,
    login_id: Option<String>,
    status: Option<u16>,
    after: u64,
}

impl RequestFilter {
    /// All requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of an operation: its id in the specification, or the name of the function of the raw client.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        let id = descope_api::operation(operation).map_or(operation, |operation| operation.id);
        self.operation = Some(id.to_owned());
        self
    }

    /// Those by an HTTP method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Those of a path, in which `*` stands for any letters.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Those for a project.
    #[must_use]
    pub fn project(mut self, project_id: impl Into<String>) -> Self {
        self.project = Some(project_id.into());
        self
    }

    /// Those that carry a login id in their body or query.
    #[must_use]
    pub fn login_id(mut self, login_id: impl Into<String>) -> Self {
        self.login_id = Some(login_id.into());
        self
    }

    /// Those that were answered with a status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Those after the request with this number.
    #[must_use]
    pub fn after(mut self, id: u64) -> Self {
        self.after = id;
        self
    }

    fn takes(&self, request: &RecordedRequest) -> bool {
        request.id > self.after
            && self.operation.as_deref().is_none_or(|wanted| request.operation.as_deref() == Some(wanted))
            && self.method.as_deref().is_none_or(|wanted| request.method.eq_ignore_ascii_case(wanted))
            && self.path.as_deref().is_none_or(|wanted| fits(wanted, &request.path))
            && self.project.as_deref().is_none_or(|wanted| request.project_id.as_deref() == Some(wanted))
            && self.login_id.as_deref().is_none_or(|wanted| request.login_ids.iter().any(|id| is_same(id, wanted)))
            && self.status.is_none_or(|wanted| request.status == wanted)
    }
}

/// A request as it is kept: as values, body and answer take ten times the memory that they take as text.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Without body and answer.
    request: RecordedRequest,
    body: Option<Box<str>>,
    reply: Option<Box<str>>,
}

impl Kept {
    fn new(mut request: RecordedRequest) -> Self {
        let text = |value: Option<Value>| value.map(|value| value.to_string().into_boxed_str());
        let (body, reply) = (text(request.body.take()), text(request.reply.take()));
        Self { request, body, reply }
    }

    pub(super) fn project_id(&self) -> Option<&str> {
        self.request.project_id.as_deref()
    }

    /// The request with all that belongs to it.
    pub(super) fn read(&self) -> RecordedRequest {
        let value = |text: &Option<Box<str>>| text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        RecordedRequest { body: value(&self.body), reply: value(&self.reply), ..self.request.clone() }
    }
}

#[derive(Debug, Default)]
struct Store {
    last_id: u64,
    requests: VecDeque<Arc<Kept>>,
    /// How often each operation was called, also when these requests are not kept any more.
    calls: HashMap<String, u64>,
}

/// The requests since the start or the last reset, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    store: Mutex<Store>,
}

impl Journal {
    pub(crate) fn record(&self, request: RecordedRequest) -> Arc<Kept> {
        let mut kept = Kept::new(request);
        let mut store = self.store();
        store.last_id += 1;
        kept.request.id = store.last_id;
        if let Some(operation) = &kept.request.operation {
            match store.calls.get_mut(operation) {
                Some(calls) => *calls += 1,
                None => drop(store.calls.insert(operation.clone(), 1)),
            }
        }
        if store.requests.len() == CAPACITY {
            store.requests.pop_front();
        }
        let kept = Arc::new(kept);
        store.requests.push_back(Arc::clone(&kept));
        kept
    }

    /// The requests that are kept and meant, oldest first.
    pub(crate) fn find(&self, filter: &RequestFilter) -> Vec<RecordedRequest> {
        let kept: Vec<_> = self.store().requests.iter().filter(|kept| filter.takes(&kept.request)).cloned().collect();
        kept.iter().map(|kept| kept.read()).collect()
    }

    /// How many requests are kept and meant.
    pub(crate) fn count(&self, filter: &RequestFilter) -> usize {
        self.store().requests.iter().filter(|kept| filter.takes(&kept.request)).count()
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> u64 {
        self.store().calls.get(operation).copied().unwrap_or_default()
    }

    /// How often each operation was called that was, and how many requests came in all.
    pub(crate) fn all_calls(&self) -> std::collections::BTreeMap<String, u64> {
        self.store().calls.clone().into_iter().collect()
    }

    pub(crate) fn clear(&self) {
        let mut store = self.store();
        store.requests.clear();
        store.calls.clear();
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(operation: &str) -> RecordedRequest {
        RecordedRequest {
            id: 0,
            project_id: None,
            operation: Some(operation.to_owned()),
            method: "POST".to_owned(),
            path: "/v1/a".to_owned(),
            query: None,
            login_ids: vec!["+15551234567".to_owned()],
            headers: Vec::new(),
            credentials: Vec::new(),
            body: None,
            reply: None,
            tokens: Vec::new(),
            status: 200,
            fault: None,
            error_code: None,
            error_message: None,
            at: 0,
        }
    }

    #[test]
    fn the_oldest_requests_go_and_are_still_counted() {
        let journal = Journal::default();
        for _ in 0..=CAPACITY {
            journal.record(request("a"));
        }
        journal.record(request("b"));
        assert_eq!(journal.find(&RequestFilter::new()).len(), CAPACITY);
        assert_eq!((journal.calls("a"), journal.calls("b"), journal.calls("c")), (2001, 1, 0));
        assert_eq!(journal.find(&RequestFilter::new().after(2001)).len(), 1);
        journal.clear();
        assert_eq!((journal.calls("a"), journal.find(&RequestFilter::new()).len()), (0, 0));
    }

    #[test]
    fn bodies_and_answers_come_back_as_they_were() {
        let (body, reply) = (json!({"a": [1, "é\n", null]}), json!([1.5, {"b": false}]));
        let sent = RecordedRequest { body: Some(body.clone()), reply: Some(reply.clone()), ..request("a") };
        let journal = Journal::default();
        let told = journal.record(sent).read();
        let found = journal.find(&RequestFilter::new()).remove(0);
        for read in [told, found] {
            assert_eq!((read.id, read.body.as_ref(), read.reply.as_ref()), (1, Some(&body), Some(&reply)));
        }
        assert_eq!(journal.count(&RequestFilter::new().operation("a")), 1);
        journal.record(request("b"));
        let none = journal.find(&RequestFilter::new().operation("b")).remove(0);
        assert_eq!((none.body, none.reply), (None, None), "an absent body is no null");
    }

    #[test]
    fn filters_take_what_fits_all_of_them() {
        let journal = Journal::default();
        journal.record(request("a"));
        let one =
            RequestFilter::new().operation("a").method("post").path("/v1/*").login_id("+1 555 123-4567").status(200);
        assert_eq!(journal.find(&one).len(), 1);
        for none in [
            one.clone().operation("b"),
            one.clone().method("GET"),
            one.clone().path("/v2/*"),
            one.clone().login_id("ada"),
            one.clone().status(500),
            one.clone().project("P2"),
            one.after(1),
        ] {
            assert!(journal.find(&none).is_empty(), "{none:?}");
        }
    }
}
