//! What the spans of a call cost, beside the same call without them. Nothing is sent: the response is there already.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use criterion::{Criterion, criterion_group, criterion_main};
use descope_sdk::{
    api,
    reqwest::{self, Response, Url},
};
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

type Answer = reqwest::Result<Response>;

/// Runs a future that waits for nothing.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

async fn without(answer: Answer) -> Answer {
    let answered = async || black_box(answer);
    answered().await
}

fn spans(c: &mut Criterion) {
    let known = api::operation("management_user_load").expect("an operation");
    let url = Url::parse("https://api.descope.com/v1/mgmt/user?loginId=ada").expect("a URL");
    let response = || {
        let head = http::Response::builder().header("cf-ray", "8f00-FRA");
        Response::from(head.body("{}").expect("a response"))
    };
    let mut group = c.benchmark_group("spans");
    group.bench_function("a call without them", |b| {
        let mut answer = Some(response());
        b.iter(|| answer = run(without(Ok(answer.take().expect("it came back")))).ok());
    });
    let with_spans = |b: &mut criterion::Bencher<'_>| {
        let mut answer = Some(response());
        b.iter(|| {
            let given = Ok(answer.take().expect("it came back"));
            answer = run(api::spans_alone(black_box(known), black_box(&url), given)).ok();
        });
    };
    group.bench_function("no subscriber", with_spans);
    {
        let _guard = tracing_subscriber::registry().with(LevelFilter::WARN).set_default();
        group.bench_function("a subscriber for warnings", with_spans);
    }
    {
        let _guard = tracing_subscriber::registry().set_default();
        group.bench_function("a subscriber that keeps the spans", with_spans);
    }
    group.finish();
}

criterion_group!(benches, spans);
criterion_main!(benches);
