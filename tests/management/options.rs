//! Options of a call, and of a client for all of its calls.

use descope_sdk::{
    CallOptions, Descope, RetryPolicy,
    reqwest::header::{HeaderName, HeaderValue},
};
use httpmock::MockServer;

use crate::support::raw::{PROJECT, http};

fn header(name: &'static str, value: &'static str) -> CallOptions {
    CallOptions::new().header(HeaderName::from_static(name), HeaderValue::from_static(value))
}

#[tokio::test]
async fn a_call_adds_to_the_options_of_its_client_and_replaces_none_but_its_own() {
    let server = MockServer::start_async().await;
    let both = server
        .mock_async(|when, then| {
            let when = when.path("/v1/mgmt/engines/load").header("x-client", "1").header("x-call", "2");
            drop(when.header("authorization", format!("Bearer {PROJECT}:K2Rm")));
            then.status(503);
        })
        .await;
    let builder = Descope::builder(PROJECT).base_url(server.base_url()).http_client(http()).without_license();
    let client = builder.management_key("K2Rm").build().unwrap();
    let client = client.with_options(header("x-client", "1").retry(RetryPolicy::none()));
    let engines = client.management().engines();
    let call = header("x-call", "2").header(HeaderName::from_static("authorization"), HeaderValue::from_static("mine"));
    engines.load_all().with_options(call).send().await.unwrap_err();
    assert_eq!(both.calls_async().await, 1, "with the headers of both, and once as the client says");
}
