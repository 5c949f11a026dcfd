//! Calls that keep to the rate limits by themselves. The server is in this thread and time is tokio's, which goes on by itself
//! when nothing else is left to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use descope_api::{CallOptions, Client, Config, ErrorKind, OPERATIONS, Pacing, RateGroup, RetryPolicy, types};
use descope_sdk::{Descope, management::user::UserBatchCreateEntry};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::raw::{PROJECT, http};

const MINUTE: Duration = Duration::from_secs(60);

/// What the server has got: when, on which path, with which body.
type Seen = Arc<Mutex<Vec<(Instant, String, Value)>>>;
/// What refuses a call: the number of those before it decides, and gives the value of `Retry-After`.
type Refuse = Arc<dyn Fn(usize) -> Option<Option<&'static str>> + Send + Sync>;

struct Service {
    base_url: String,
    seen: Seen,
    began: Instant,
}

impl Service {
    async fn start() -> Self {
        Self::refusing(|_| None).await
    }

    async fn refusing(refuse: impl Fn(usize) -> Option<Option<&'static str>> + Send + Sync + 'static) -> Self {
        let seen = Seen::default();
        let app = Router::new().fallback(answer).with_state((Arc::clone(&seen), Arc::new(refuse) as Refuse));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { base_url, seen, began: Instant::now() }
    }

    fn client(&self, pacing: Pacing) -> Client {
        let mut config = Config::new(&self.base_url, PROJECT);
        config.management_key = Some("K2Rm-management-key".into());
        config.retry = RetryPolicy::none();
        config.pacing = Some(pacing);
        Client::connect(http(), config)
    }

    /// When the calls came, counted from the beginning.
    fn times(&self) -> Vec<Duration> {
        self.seen.lock().unwrap().iter().map(|(when, ..)| *when - self.began).collect()
    }
}

async fn answer(State((seen, refuse)): State<(Seen, Refuse)>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let created: Vec<_> =
        body["users"].as_array().into_iter().flatten().map(|user| json!({ "loginIds": [user["loginId"]] })).collect();
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push((Instant::now(), path, body));
        seen.len() - 1
    };
    let response = Response::builder().header("content-type", "application/json");
    if let Some(retry_after) = refuse(before) {
        let response = response.status(StatusCode::TOO_MANY_REQUESTS);
        let response = retry_after.into_iter().fold(response, |to, value| to.header("retry-after", value));
        return response.body(Body::from(r#"{"errorCode":"E130429"}"#)).unwrap();
    }
    response.body(Body::from(json!({ "user": {}, "id": "T1", "createdUsers": created }).to_string())).unwrap()
}

/// The most calls that came within any `period`.
fn most(times: &[Duration], period: Duration) -> usize {
    let within = |first: Duration| times.iter().filter(|time| (first..first + period).contains(*time)).count();
    times.iter().map(|first| within(*first)).max().unwrap_or_default()
}

fn user(n: usize) -> types::UserCreateRequest {
    types::UserCreateRequest::new(format!("user-{n}@example.com"))
}

fn tenant() -> types::TenantCreateRequest {
    types::TenantCreateRequest::new("Acme")
}

fn one_each(period: Duration) -> Pacing {
    Pacing::documented().limit(RateGroup::UserCreation, 1, period)
}

/// Lets the other tasks go as far as they can at this moment.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_users_is_spread_over_minutes_and_none_is_lost() {
    let service = Service::start().await;
    let client = service.client(Pacing::documented());
    let calls: Vec<_> = (0..250)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.management_user_create(None, &user(n)).await.map(drop) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let times = service.times();
    assert_eq!(times.len(), 250);
    assert_eq!(most(&times, MINUTE), 100);
    for (n, time) in times.iter().enumerate() {
        let earliest = MINUTE * u32::try_from(n / 100).unwrap();
        assert!((earliest..earliest + Duration::from_secs(2)).contains(time), "call {n} after {time:?}");
    }
    let names = service.seen.lock().unwrap();
    let names: BTreeSet<_> = names.iter().map(|(.., body)| body["loginId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn calls_go_in_the_order_in_which_they_came() {
    let service = Service::start().await;
    let client = service.client(one_each(Duration::from_secs(1)));
    let mut calls = Vec::new();
    for n in 0..8 {
        let client = client.clone();
        calls.push(tokio::spawn(async move { client.management_user_create(None, &user(n)).await.map(drop) }));
        tokio::task::yield_now().await;
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let seen = service.seen.lock().unwrap();
    for (n, (when, _, body)) in seen.iter().enumerate() {
        assert_eq!(body["loginId"], format!("user-{n}@example.com"));
        assert!(*when - service.began >= Duration::from_secs(n as u64));
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_limit_of_its_own_waits_for_the_common_one_alone() {
    let service = Service::start().await;
    let client = service.client(Pacing::documented());
    for _ in 0..1000 {
        client.management_tenant_create(&tenant()).await.unwrap();
    }
    assert!(service.began.elapsed() < Duration::from_secs(1), "{:?}", service.began.elapsed());
    client.management_tenant_create(&tenant()).await.unwrap();
    let last = *service.times().last().unwrap();
    assert!((Duration::from_secs(10)..Duration::from_secs(11)).contains(&last), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_waits_holds_up_no_other() {
    let service = Service::start().await;
    let client = service.client(one_each(MINUTE));
    client.management_user_create(None, &user(0)).await.unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.management_user_create(None, &user(1)).await.map(drop) }
    });
    settle().await;
    client.management_tenant_create(&tenant()).await.unwrap();
    client.management_user_delete(&types::UserDeleteRequest::new()).await.unwrap();
    assert!(service.began.elapsed() < Duration::from_secs(1));
    waiting.await.unwrap().unwrap();
    assert!(service.began.elapsed() >= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn keys_of_the_project_do_not_wait() {
    let service = Service::refusing(|before| (before == 0).then_some(Some("60"))).await;
    let client = service.client(Pacing::documented().limit(RateGroup::All, 1, MINUTE));
    client.management_tenant_create(&tenant()).await.unwrap_err();
    // Whatever the answer is.
    drop(client.session_keys(PROJECT, None).await);
    assert_eq!(service.times().len(), 2);
    assert!(service.began.elapsed() < Duration::from_secs(1));
    client.management_tenant_create(&tenant()).await.unwrap();
    assert!(service.began.elapsed() >= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_back_all_clones_until_its_retry_after() {
    for (retry_after, expected) in [
        (Some("7"), Duration::from_secs(7)),
        // Without one, the documented time.
        (None, MINUTE),
        // Something is wrong there; nobody waits for a month.
        (Some("2592000"), Duration::from_secs(300)),
    ] {
        let service = Service::refusing(move |before| (before == 0).then_some(retry_after)).await;
        let client = service.client(Pacing::documented());
        let error = client.management_user_create(None, &user(0)).await.unwrap_err();
        assert_eq!(error.status().unwrap(), 429);
        // Others are not meant.
        client.management_tenant_create(&tenant()).await.unwrap();
        assert!(service.began.elapsed() < Duration::from_secs(1));
        let calls: Vec<_> = (1..4)
            .map(|n| {
                let client = client.clone();
                tokio::spawn(async move { client.management_user_create(None, &user(n)).await.map(drop) })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        for time in &service.times()[2..] {
            assert!((expected..expected + Duration::from_secs(1)).contains(time), "{retry_after:?}: {time:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_leaves_its_place_to_the_next() {
    let service = Service::start().await;
    let client = service.client(one_each(MINUTE));
    client.management_user_create(None, &user(0)).await.unwrap();
    let start = |n| {
        let client = client.clone();
        tokio::spawn(async move { client.management_user_create(None, &user(n)).await.map(drop) })
    };
    let (first, second, third) = (start(1), start(2), start(3));
    settle().await;
    // One that is next, and one that is behind it.
    first.abort();
    third.abort();
    second.await.unwrap().unwrap();
    let elapsed = service.began.elapsed();
    assert!((MINUTE..MINUTE + Duration::from_secs(1)).contains(&elapsed), "{elapsed:?}");
    let seen = service.seen.lock().unwrap();
    assert_eq!(
        seen.iter().map(|(.., body)| body["loginId"].clone()).collect::<Vec<_>>(),
        ["user-0@example.com", "user-2@example.com"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_on_its_way_may_have_been_counted() {
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::start().await;
    let pacing = one_each(MINUTE);
    // Two clients that share a pacing. Nobody answers the first.
    let mut unheard = Config::new(format!("http://{}", deaf.local_addr().unwrap()), PROJECT);
    unheard.management_key = Some("K2Rm".into());
    unheard.pacing = Some(pacing.clone());
    let unheard = Client::connect(http(), unheard);
    let dropped = tokio::time::timeout(Duration::from_secs(5), unheard.management_user_create(None, &user(0))).await;
    assert!(dropped.is_err());
    service.client(pacing).management_user_create(None, &user(1)).await.unwrap();
    let time = service.times()[0];
    assert!((Duration::from_secs(65)..Duration::from_secs(66)).contains(&time), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_ends_its_waiting_and_nothing_is_sent() {
    let service = Service::start().await;
    let client = service.client(one_each(MINUTE));
    client.management_user_create(None, &user(0)).await.unwrap();
    let hasty = client.with_options(CallOptions::new().timeout(Duration::from_secs(5)));
    let error = hasty.management_user_create(None, &user(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    client.management_user_create(None, &user(2)).await.unwrap();
    assert_eq!(service.times().len(), 2);
    assert!(service.times()[1] < MINUTE + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_a_call_of_its_own() {
    let service = Service::refusing(|before| (before == 0).then_some(Some("1"))).await;
    let mut config = Config::new(&service.base_url, PROJECT);
    config.management_key = Some("K2Rm".into());
    config.pacing = Some(one_each(Duration::from_secs(30)));
    Client::connect(http(), config).management_user_create(None, &user(0)).await.unwrap();
    let times = service.times();
    assert_eq!(times.len(), 2);
    assert!((Duration::from_secs(30)..Duration::from_secs(31)).contains(&times[1]), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_without_a_limit_is_not_paced_and_odd_limits_do_no_harm() {
    let service = Service::start().await;
    let free = Pacing::documented().unlimited(RateGroup::UserCreation);
    let free = service.client(free.limit(RateGroup::All, u32::MAX, Duration::MAX));
    for n in 0..150 {
        free.management_user_create(None, &user(n)).await.unwrap();
    }
    assert!(service.began.elapsed() < Duration::from_secs(1));
    // None at all is one, and a period of nothing is no limit.
    let odd = service.client(Pacing::documented().limit(RateGroup::UserCreation, 0, Duration::ZERO));
    for n in 0..3 {
        odd.management_user_create(None, &user(n)).await.unwrap();
    }
    assert!(service.began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_keeps_to_the_limits_by_itself() {
    let service = Service::start().await;
    let descope = Descope::builder(PROJECT).base_url(&service.base_url).http_client(http()).without_license();
    let descope = descope.management_key("K2Rm").pace(Pacing::documented()).build().unwrap();
    let users = (0..500).map(|n| UserBatchCreateEntry::new(format!("user-{n}@example.com")));
    let mut batch = descope.management().users().create_many(users, |call| call).chunk_size(2).concurrency(8);
    let mut numbers = Vec::new();
    while let Some(item) = batch.next().await {
        item.result.unwrap();
        numbers.push(item.number);
    }
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    let times = service.times();
    assert_eq!((times.len(), most(&times, MINUTE)), (250, 100));
    assert!(service.began.elapsed() < MINUTE * 2 + Duration::from_secs(2));
}

#[test]
fn every_documented_path_is_one_of_an_operation() {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for operation in OPERATIONS {
        match RateGroup::of(operation) {
            Some(RateGroup::Users) => assert!(operation.path.contains("/mgmt/user/"), "{}", operation.path),
            Some(group) => groups.entry(format!("{group:?}")).or_default().push(operation.path),
            None => assert!(!operation.path.starts_with("/v1/mgmt/user/"), "{}", operation.path),
        }
    }
    for paths in groups.values_mut() {
        paths.sort_unstable();
    }
    let expected = [
        ("AuditSearch", vec!["/v1/mgmt/audit/search"]),
        ("UserCreation", vec!["/v1/mgmt/user/create", "/v1/mgmt/user/create/batch"]),
        ("UserUpdates", vec!["/v1/mgmt/user/search", "/v1/mgmt/user/update", "/v2/mgmt/user/search"]),
    ];
    assert_eq!(groups, expected.map(|(group, paths)| (group.to_owned(), paths)).into());
}
