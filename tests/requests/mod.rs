//! The exact request that each function of the SDK sends. The tables name every operation; `retries` and `secrets`
//! walk them too.

mod enchanted_link;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, reason = "written by cargo xtask codegen")]
#[path = "../generated/requests.rs"]
mod generated;
mod magic_link;
mod management;
mod methods;
mod otp;
mod session;

use std::{
    collections::BTreeSet,
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use descope_sdk::{Descope, DescopeBuilder, DeviceTokens, Error, RetryPolicy};
use httpmock::{HttpMockResponse, MockServer};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::support::{
    raw::{PROJECT, http},
    spec::{self, media},
};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PHONE: &str = "+15551234567";
pub(crate) const REFRESH_JWT: &str = "eyJhbGciOiJSUzI1NiJ9.cmVmcmVzaA.c2ln";
pub(crate) const SESSION_JWT: &str = "eyJhbGciOiJSUzI1NiJ9.c2Vzc2lvbg.c2ln";
pub(crate) const ACCESS_KEY: &str = "K2RmxQ7w8E9r0T1y2U3i4O5p6AsCleartext";
pub(crate) const MANAGEMENT_KEY: &str = "K2RmManagementKey";
pub(crate) const AUTH_KEY: &str = "K2RmAuthKey";

/// What stands in the bearer after the project id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// No bearer at all: the endpoint is public.
    Absent,
    Nothing,
    Token(&'static str),
    ManagementKey,
}

pub(crate) type Call = fn(Descope) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// One call of the SDK, and the request that it has to send.
pub(crate) struct Case {
    pub(crate) operation: &'static str,
    /// Method, path and query as they go over the wire.
    request: &'static str,
    pub(crate) bearer: Bearer,
    body: Option<Value>,
    pub(crate) call: Call,
}

macro_rules! case {
    ($operation:literal, $request:literal, $bearer:expr, {$($body:tt)*}, $descope:ident => $call:expr $(,)?) => {
        case!(@ $operation, $request, $bearer, Some(serde_json::json!({$($body)*})), $descope => $call)
    };
    ($operation:literal, $request:literal, $bearer:expr, $descope:ident => $call:expr $(,)?) => {
        case!(@ $operation, $request, $bearer, None, $descope => $call)
    };
    (@ $operation:literal, $request:literal, $bearer:expr, $body:expr, $descope:ident => $call:expr) => {
        $crate::requests::Case {
            operation: $operation,
            request: $request,
            bearer: $bearer,
            body: $body,
            call: |$descope| Box::pin(async move { $call.await.map(drop) }),
        }
    };
}
use case;

/// Reads a part of an example. Generated cases are full of them.
fn value<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn json(text: &str) -> Value {
    value(text)
}

/// The cases that are written by hand and those that are generated.
pub(crate) fn all() -> Vec<Case> {
    cases().into_iter().chain(generated::cases()).collect()
}

/// Every case that is written by hand, by group. The first case of an operation sets nothing that can be left out.
pub(crate) fn cases() -> Vec<Case> {
    [
        otp::cases(),
        magic_link::cases(),
        enchanted_link::cases(),
        session::cases(),
        methods::cases(),
        management::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first case of each operation.
pub(crate) fn least() -> Vec<Case> {
    let mut seen = BTreeSet::new();
    cases().into_iter().filter(|case| seen.insert(case.operation)).collect()
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Method, path and query.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is sent twice");
        value
    }
}

/// A server that gives the documented answer of whatever is to be called next, and notes what it is sent.
pub(crate) struct Recorder {
    server: MockServer,
    http: reqwest::Client,
    answer: Arc<Mutex<Value>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Recorder {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start_async().await;
        let (answer, sent) = (Arc::new(Mutex::new(Value::Null)), Arc::new(Mutex::new(Vec::new())));
        let (answers, notes) = (Arc::clone(&answer), Arc::clone(&sent));
        server
            .mock_async(|_, then| {
                then.respond_with(move |request| {
                    let uri = request.uri();
                    let target = uri.path_and_query().map_or_else(String::new, ToString::to_string);
                    notes.lock().unwrap().push(Sent {
                        line: format!("{} {target}", request.method_str()),
                        headers: request.headers_vec().clone(),
                        body: request.body_string(),
                    });
                    let body = answers.lock().unwrap().to_string();
                    HttpMockResponse::builder()
                        .status(200)
                        .header("content-type", "application/json")
                        .body(body)
                        .build()
                });
            })
            .await;
        Self { server, http: http(), answer, sent }
    }

    pub(crate) fn client(&self) -> DescopeBuilder {
        let builder = Descope::builder(PROJECT).base_url(self.server.base_url()).http_client(self.http.clone());
        // The licence is read in the background, whenever that may be.
        builder.retry(RetryPolicy::none()).without_license()
    }

    /// Makes the call and gives the one request that it sent.
    async fn run(&self, case: &Case, descope: Descope) -> Sent {
        self.expect(case.operation);
        let outcome = (case.call)(descope).await;
        outcome.unwrap_or_else(|error| panic!("{} did not take the documented answer: {error:?}", case.operation));
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{}: {sent:?}", case.operation);
        sent.pop().expect("one request")
    }

    /// Answers from now on what the document shows of this operation.
    pub(crate) fn expect(&self, operation: &str) {
        let operation = descope_api::operation(operation).expect("the table names operations");
        let described = spec::operation(operation);
        let answers = described["responses"].as_object().expect("answers");
        let (_, answer) = answers.iter().find(|(status, _)| status.starts_with('2')).expect("a success");
        *self.answer.lock().unwrap() = media(&answer["content"]).map_or(Value::Null, |(_, _, example)| example.clone());
    }

    /// What has arrived since this was last asked.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

#[tokio::test]
async fn every_function_sends_its_request_and_nothing_more() {
    let recorder = Recorder::start().await;
    let mut wrong = Vec::new();
    for case in all() {
        let descope = recorder.client().management_key(MANAGEMENT_KEY).build().unwrap();
        let sent = recorder.run(&case, descope).await;
        let mut check = |what: &str, found: &dyn Debug, expected: &dyn Debug| {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            if found != expected {
                wrong.push(format!("{}: {what}: {found} instead of {expected}", case.operation));
            }
        };
        check("request", &sent.line, &case.request);
        match &case.body {
            Some(body) => {
                // However the members are ordered: what else is built along decides that.
                let [mut found, mut body] = [serde_json::from_str(&sent.body).unwrap_or_default(), body.clone()];
                Value::sort_all_objects(&mut found);
                body.sort_all_objects();
                check("body", &found, &body);
                check("media type", &sent.header("content-type"), &Some("application/json"));
            }
            None => check("body", &(sent.body.as_str(), sent.header("content-type")), &("", None::<&str>)),
        }
        let bearer = match case.bearer {
            Bearer::Absent => None,
            Bearer::Nothing => Some(format!("Bearer {PROJECT}")),
            Bearer::Token(token) => Some(format!("Bearer {PROJECT}:{token}")),
            Bearer::ManagementKey => Some(format!("Bearer {PROJECT}:{MANAGEMENT_KEY}")),
        };
        check("bearer", &sent.header("authorization"), &bearer.as_deref());
        check("project", &sent.header("x-descope-project-id"), &Some(PROJECT));
        check("SDK", &sent.header("x-descope-sdk-name"), &Some("rust"));
        // Of the generator, not of the service.
        check("version", &sent.header("api-version"), &None::<&str>);
        check("cookies", &sent.header("cookie"), &None::<&str>);
    }
    assert_eq!(wrong.len(), 0, "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_auth_management_key_ends_the_bearer_of_every_call_but_managements() {
    let recorder = Recorder::start().await;
    for case in cases() {
        let builder = recorder.client().management_key(MANAGEMENT_KEY).auth_management_key(AUTH_KEY);
        let sent = recorder.run(&case, builder.build().unwrap()).await;
        let expected = match case.bearer {
            Bearer::Absent => None,
            Bearer::Nothing => Some(format!("Bearer {PROJECT}:{AUTH_KEY}")),
            Bearer::Token(token) => Some(format!("Bearer {PROJECT}:{token}:{AUTH_KEY}")),
            Bearer::ManagementKey => Some(format!("Bearer {PROJECT}:{MANAGEMENT_KEY}")),
        };
        assert_eq!(sent.header("authorization"), expected.as_deref(), "{}", case.operation);
    }
}

#[tokio::test]
async fn the_tokens_of_a_device_go_with_every_call_for_a_user_of_the_client_that_has_them() {
    let recorder = Recorder::start().await;
    let known = |token: &str| DeviceTokens::new().with_known(token);
    let trusted = |token: &str| DeviceTokens::new().with_trusted(token);
    for case in least().into_iter().filter(|case| matches!(case.bearer, Bearer::Nothing | Bearer::Token(_))) {
        for (devices, expected) in [
            (vec![known("k.n.o"), trusted("t.r.u")], [Some("k.n.o"), Some("t.r.u")]),
            (vec![known("k.n.o"), trusted("t.r.u"), known("k.2.o")], [Some("k.2.o"), Some("t.r.u")]),
            (vec![known("k.n.o")], [Some("k.n.o"), None]),
            (vec![], [None, None]),
        ] {
            let mut descope = recorder.client().build().unwrap();
            for device in devices {
                descope = descope.with_device(&device).unwrap();
            }
            let sent = recorder.run(&case, descope).await;
            let found =
                ["x-descope-known-device-token", "x-descope-trusted-device-token"].map(|name| sent.header(name));
            assert_eq!(found, expected, "{}", case.operation);
        }
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_sent() {
    fn says_something(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty() && items.iter().all(says_something),
            Value::Object(members) => !members.is_empty() && members.values().all(says_something),
            _ => true,
        }
    }
    let recorder = Recorder::start().await;
    for case in cases() {
        let descope = recorder.client().management_key(MANAGEMENT_KEY).build().unwrap();
        let body = recorder.run(&case, descope).await.body;
        // The session calls want an object, if only an empty one.
        assert!(
            body.is_empty() || body == "{}" || says_something(&serde_json::from_str(&body).unwrap()),
            "{}: {body}",
            case.operation
        );
    }
}

#[test]
fn every_operation_with_a_management_key_is_a_function_of_the_sdk() {
    let tested: BTreeSet<&str> = all().iter().map(|case| case.operation).collect();
    let missing: Vec<&str> = descope_api::OPERATIONS
        .iter()
        .filter(|operation| operation.auth.contains(&descope_api::Auth::ManagementKey))
        .map(|operation| operation.id)
        .filter(|id| !tested.contains(id))
        .collect();
    assert_eq!(missing, [] as [&str; 0]);
}

/// Operations by which users and machines sign in that have no function of their own, and why.
const WITHOUT_A_FUNCTION: [(&str, &str); 8] = [
    ("flowReportEvents", "the flow component of the browser reports by it, and nobody reads the answer"),
    ("flowValidateDomain", "the hosted page asks it for the page that it is shown on"),
    ("magicLinkUpdatePhone", "an older form of `magicLinkUpdatePhoneSms`, which has a function"),
    ("oauthCallback", "the provider sends the browser there; no application calls it"),
    ("oauthCallbackForm", "the provider sends the browser there; no application calls it"),
    ("sessionExchange", "an older form of `oauthExchange` with the code in the address, where logs see it"),
    ("sessionKeysV1", "an older form of `sessionKeys`"),
    ("sessionRefreshGet", "an older form of `sessionRefresh`, with the external token in the address"),
];

#[test]
fn every_way_to_sign_in_is_a_function_of_the_sdk_or_has_a_reason() {
    let tested: BTreeSet<&str> = all().iter().map(|case| case.operation).collect();
    let own = ["/v1/auth/", "/v1/flow/", "/v1/outbound/", "/v2/keys/", "/v1/keys/"];
    let signing_in = descope_api::OPERATIONS.iter().filter(|operation| {
        own.iter().any(|start| operation.path.starts_with(start))
            && spec::operation(operation)["tags"][0].as_str().is_some_and(|tag| !tag.starts_with("federation"))
    });
    let without: BTreeSet<&str> =
        signing_in.map(|operation| operation.id).filter(|operation| !tested.contains(operation)).collect();
    assert_eq!(without, WITHOUT_A_FUNCTION.iter().map(|(operation, _)| *operation).collect());
}

#[test]
fn the_cases_agree_with_the_document_on_method_path_and_credentials() {
    use descope_api::Auth;
    for case in cases() {
        let operation = descope_api::operation(case.operation).unwrap();
        let (method, target) = case.request.split_once(' ').unwrap();
        let path = target.split('?').next().unwrap_or_default();
        let alike = |(template, part): (&str, &str)| template == part || template.starts_with('{') && !part.is_empty();
        let fits = path.split('/').count() == operation.path.split('/').count()
            && operation.path.split('/').zip(path.split('/')).all(alike);
        assert!(method == operation.method && fits, "{}: {}", case.operation, case.request);
        let fits = |auth: &Auth| match case.bearer {
            Bearer::Absent => *auth == Auth::None,
            Bearer::Nothing => *auth == Auth::ProjectId,
            Bearer::Token(_) => matches!(auth, Auth::RefreshJwt | Auth::SessionJwt | Auth::AccessKey),
            Bearer::ManagementKey => *auth == Auth::ManagementKey,
        };
        assert!(operation.auth.iter().any(fits), "{} as {:?}", case.operation, case.bearer);
    }
}
