//! What a proxy of the environment gets to see: never what goes to this machine.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::Request};
use descope_sdk::{Descope, LoginId, RetryPolicy};
use serde_json::json;

use crate::{another_process, support::raw::PROJECT};

const KEY: &str = "K2RmxQ7w8E9r0T1y2U3i4O5p6As";

/// Names of this machine. Not every system knows all of them; a call that finds nobody is no harm.
const HERE: &[&str] =
    &["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "localhost.", "a.localhost", "[::1]", "[::ffff:127.0.0.1]"];

/// Answers everything, and keeps what was asked for.
struct Listener {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    async fn start() -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let app = Router::new().fallback(move |request: Request| {
            log.lock().unwrap().push(request.uri().to_string());
            async { Json(json!({"user": {"userId": "U1"}})) }
        });
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_goes_to_this_machine_never_meets_a_proxy() {
    let name = "proxy::what_goes_to_this_machine_never_meets_a_proxy";
    if let Some(job) = another_process::job(name) {
        for base_url in job["base_urls"].as_array().unwrap() {
            let builder = Descope::builder(PROJECT).base_url(base_url.as_str().unwrap()).allow_insecure_http();
            let descope = builder.management_key(KEY).retry(RetryPolicy::none()).build().unwrap();
            let _ = descope.management().users().load(LoginId::new("ada@example.com")).send().await;
        }
        return;
    }
    let (proxy, here) = (Listener::start().await, Listener::start().await);
    let environment = || {
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let mut all: Vec<_> = names.into_iter().map(|name| (name, url.clone())).collect();
        all.extend([("NO_PROXY", String::new()), ("no_proxy", String::new())]);
        all
    };

    let local: Vec<_> = HERE.iter().map(|host| format!("http://{host}:{}", here.port)).collect();
    another_process::run_in(name, json!({ "base_urls": local }), environment()).await;
    assert_eq!(proxy.requests(), [""; 0]);
    assert!(here.requests().iter().filter(|path| path.starts_with("/v1/mgmt/user")).count() >= 3);

    // The same environment does have a proxy, for whoever asked for plain http to elsewhere.
    let elsewhere = json!({"base_urls": ["http://descope.example.com"]});
    another_process::run_in(name, elsewhere, environment()).await;
    assert!(proxy.requests().iter().any(|url| url.starts_with("http://descope.example.com/v1/mgmt/user")));
}
