//! What the SDK does for a request is in the trace of the request, also where it does it once for several.

use descope_sdk::LoginId;
use http::HeaderValue;
use tracing::Instrument as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{
    support::spans::{Call, Collector, Seen, calls, here},
    world::{ADA, BOB, World, refresh_of},
};

#[tokio::test]
async fn a_refresh_and_the_keys_that_a_request_waits_for_are_in_its_span() {
    if !here("traces::a_refresh_and_the_keys_that_a_request_waits_for_are_in_its_span").await {
        return;
    }
    let collector = Collector::default();
    let _guard = collector.subscriber().set_default();
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    assert_eq!(collector.calls().len(), 2);

    // No key has been read yet.
    let request = tracing::info_span!("request");
    let sessions = world.descope.session();
    sessions.validate(ada.session_jwt().expose()).instrument(request.clone()).await.unwrap();
    sessions.refresh(&refresh_of(&ada)).instrument(request).await.unwrap();
    let spans = collector.spans();
    let of_request =
        |call: &&Call| call.operation.parent.is_some_and(|at| spans[at].name == "request") && call.attempts.len() == 1;
    let made = calls(&spans);
    let names: Vec<_> =
        made.iter().filter(of_request).map(|call| call.operation.fields["otel.name"].as_str()).collect();
    assert_eq!(names, ["session_keys", "session_refresh"]);
    assert_eq!(made.len(), 2);
    // The answer of the refresh is kept for a while, the span is not.
    assert!(spans.iter().all(|span| span.closed), "{spans:?}");
}

#[tokio::test]
async fn traceparent_of_the_application_goes_out_with_every_call() {
    let world = World::start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let descope = world.emulator.descope_builder().propagate_trace(move |headers| {
        headers.insert("traceparent", HeaderValue::from_static(parent));
    });
    let descope = descope.build().unwrap();
    descope.otp().email(ADA).sign_up().send().await.unwrap();
    descope.management().users().create(LoginId::new(BOB)).send().await.unwrap();
    // The licence is read in the background, and tells of itself by being there.
    let sent = ["otpSignUpEmail", "managementUserCreate", "managementLicenseLoad"];
    while world.calls(sent[2]) == 0 {
        tokio::task::yield_now().await;
    }
    let requests = world.emulator.requests();
    let carried = |operation: &&str| {
        let mut of_this = requests.iter().filter(|request| request.operation.as_deref() == Some(*operation));
        of_this.all(|request| request.header("traceparent") == Some(parent))
    };
    assert!(sent.iter().all(carried), "{requests:?}");
    assert_eq!(requests.len(), sent.len());
}

#[tokio::test]
async fn reading_the_licence_is_an_operation_of_its_own() {
    if !here("traces::reading_the_licence_is_an_operation_of_its_own").await {
        return;
    }
    let collector = Collector::default();
    let _guard = collector.subscriber().set_default();
    let world = World::start().await;
    let creating = world.descope.management().users().create(LoginId::new(BOB));
    creating.send().instrument(tracing::info_span!("request")).await.unwrap();
    let is_license = |span: &&Seen| span.name == "operation" && span.fields["url.template"] == "/v1/mgmt/license";
    while !collector.spans().iter().any(|span| is_license(&span) && span.closed) {
        tokio::task::yield_now().await;
    }
    let license = collector.calls().into_iter().find(|call| is_license(&&call.operation)).expect("it was read");
    assert_eq!(license.operation.parent, None);
    assert_eq!(license.operation.fields["otel.name"], "management_license_load");
    assert_eq!(license.attempts.len(), 1);
    for span in [&license.operation, &license.attempts[0]] {
        let request = world.emulator.requests().into_iter().find(|request| request.path == "/v1/mgmt/license").unwrap();
        assert_eq!(span.fields["http.response.status_code"], request.status.to_string());
        assert_eq!(span.fields.contains_key("error.type"), request.status >= 400);
    }
}
