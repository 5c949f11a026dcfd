//! Waiting for what goes on at the service, on the one polling loop.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use descope_sdk::{Descope, ErrorKind, PollOptions};
use httpmock::{HttpMockResponse, MockServer};
use serde_json::{Value, json};

use crate::{
    polling::{Log, pumped},
    support::raw::{PROJECT, http},
};

/// A server that gives one answer after the other, the last of them for good.
async fn service(answers: Vec<(u16, Value)>) -> (MockServer, Descope, Arc<Mutex<usize>>) {
    let server = MockServer::start_async().await;
    let (answers, asked) = (Arc::new(Mutex::new(VecDeque::from(answers))), Arc::<Mutex<usize>>::default());
    let count = Arc::clone(&asked);
    let respond = move |_: &httpmock::HttpMockRequest| {
        *count.lock().unwrap() += 1;
        let mut answers = answers.lock().unwrap();
        let (status, body) = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap();
        let answer = HttpMockResponse::builder().status(status).body(body.to_string());
        answer.header("content-type", "application/json").build()
    };
    server.mock_async(|_, then| drop(then.respond_with(respond))).await;
    let builder = Descope::builder(PROJECT).base_url(server.base_url()).http_client(http()).without_license();
    let descope = builder.management_key("K2Rm").build().unwrap();
    (server, descope, asked)
}

#[tokio::test]
async fn a_flow_is_waited_for_until_it_has_put_something_out() {
    let nothing = json!({ "output": {} });
    let answers = vec![
        (200, json!({})),
        (503, json!({ "errorCode": "E999999", "errorDescription": "later" })),
        (200, nothing.clone()),
        (200, json!({ "output": { "sent": 3 } })),
    ];
    let (_server, descope, asked) = service(answers).await;
    let execution = descope.management().flows().execution("E2Rm");
    assert_eq!(execution.id(), "E2Rm");
    let log = Log::default();
    let options = log.options(PollOptions::new());
    assert_eq!(pumped(&log, execution.wait_with(&options), async |_| {}).await.unwrap()["sent"], 3);
    assert_eq!(*asked.lock().unwrap(), 4, "a failed request is the loop's to repeat, not the client's");
    assert_eq!(execution.check().await.unwrap().unwrap()["sent"], 3);

    let (_server, descope, _) = service(vec![(200, nothing)]).await;
    let execution = descope.management().flows().execution("E2Rm");
    assert_eq!(execution.check().await.unwrap(), None);
    let options = PollOptions::new().deadline(Duration::from_secs(20)).interval(Duration::from_secs(5));
    let log = Log::default();
    let options = log.options(options);
    let error = pumped(&log, execution.wait_with(&options), async |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.waited().unwrap().attempts >= 3);
}

#[tokio::test]
async fn a_clone_ends_with_the_project_or_with_the_reason() {
    let (_server, descope, asked) = service(vec![
        (200, json!({})),
        (200, json!({ "projectId": "", "error": "" })),
        (200, json!({ "projectId": "P2RmNew", "projectName": "Staging" })),
    ])
    .await;
    let process = descope.management().projects().clone_process("C2Rm");
    let log = Log::default();
    let options = log.options(PollOptions::new());
    let project = pumped(&log, process.wait_with(&options), async |_| {}).await.unwrap();
    assert_eq!((project.project_id.as_str(), project.project_name.as_deref()), ("P2RmNew", Some("Staging")));
    assert_eq!(*asked.lock().unwrap(), 3);

    let (_server, descope, asked) = service(vec![(200, json!({ "error": "the name is taken" }))]).await;
    let error = descope.management().projects().clone_process("C2Rm").wait().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Api, Some("the name is taken")));
    assert_eq!(*asked.lock().unwrap(), 1, "that is final");
}

#[tokio::test]
async fn what_can_never_be_right_is_refused_before_anything_is_sent() {
    let (_server, descope, asked) = service(vec![(200, json!({}))]).await;
    for blank in ["", " ", "\n"] {
        let error = descope.management().flows().execution(blank).wait().await.unwrap_err();
        assert_eq!(error.argument(), Some("execution_id"));
        let error = descope.management().projects().clone_process(blank).check().await.unwrap_err();
        assert_eq!(error.argument(), Some("process_id"));
    }
    assert_eq!(*asked.lock().unwrap(), 0);
}
