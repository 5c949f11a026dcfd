//! What callers asked of the emulator.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

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
/// The `Authorization` header is not kept, only what kind of credentials it carried.
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
    /// The query without its `?`, as it was sent.
    pub query: Option<String>,
    /// The login ids in query and body.
    pub login_ids: Vec<String>,
    /// The other headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// What the bearer carried beside the project id. Two entries when a token was followed by a management key.
    pub credentials: Vec<Credential>,
    /// The body, when it was JSON or a form of at most 16 KiB.
    pub body: Option<Value>,
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

#[derive(Debug, Default)]
struct Store {
    last_id: u64,
    requests: VecDeque<RecordedRequest>,
}

/// The requests since the start or the last reset, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    store: Mutex<Store>,
}

impl Journal {
    pub(crate) fn record(&self, mut request: RecordedRequest) {
        let mut store = self.store();
        store.last_id += 1;
        request.id = store.last_id;
        if store.requests.len() == CAPACITY {
            store.requests.pop_front();
        }
        store.requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.store().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.store().requests.clear();
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
