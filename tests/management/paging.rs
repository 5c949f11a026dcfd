//! Searches that come in pages, against a server that has 250 users and counts what it is asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use descope_sdk::{Descope, ErrorKind, LoginId, management::user::Search};
use httpmock::{HttpMockResponse, MockServer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::raw::{PROJECT, http};

const USERS: usize = 250;

/// What the server does with the next request instead of answering it: status, `Retry-After`.
type Faults = Arc<Mutex<VecDeque<(u16, Option<&'static str>)>>>;

/// Gives a search a list that selects nothing.
type Empty = fn(Search) -> Search;

struct Service {
    descope: Descope,
    asked: Arc<Mutex<Vec<(u64, u64)>>>,
    bearers: Arc<Mutex<Vec<String>>>,
    faults: Faults,
    _server: MockServer,
}

impl Service {
    /// `total` is what the service says that there are.
    async fn start(users: usize, total: Option<usize>) -> Self {
        let server = MockServer::start_async().await;
        let (asked, bearers) = (Arc::<Mutex<Vec<(u64, u64)>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let faults = Faults::default();
        let (notes, seen, next) = (Arc::clone(&asked), Arc::clone(&bearers), Arc::clone(&faults));
        server
            .mock_async(|when, then| {
                when.method("POST").path("/v2/mgmt/user/search");
                then.respond_with(move |request| {
                    let body: Value = serde_json::from_str(&request.body_string()).expect("JSON");
                    let number = |name: &str| body[name].as_u64().expect("a number");
                    let (page, limit) = (number("page"), number("limit"));
                    notes.lock().unwrap().push((page, limit));
                    let bearer = request.headers_vec().iter().find(|(name, _)| name == "authorization").cloned();
                    seen.lock().unwrap().push(bearer.expect("a bearer").1);
                    if let Some((status, wait)) = next.lock().unwrap().pop_front() {
                        let error = json!({ "errorCode": "E130429", "errorDescription": "Rate limit exceeded" });
                        let answer = HttpMockResponse::builder().status(status).body(error.to_string());
                        let answer = answer.header("content-type", "application/json");
                        return match wait {
                            Some(wait) => answer.header("retry-after", wait).build(),
                            None => answer.build(),
                        };
                    }
                    let first = usize::try_from(page * limit).unwrap().min(users);
                    let last = (first + usize::try_from(limit).unwrap()).min(users);
                    let found: Vec<Value> = (first..last).map(|n| json!({ "userId": format!("U{n}") })).collect();
                    let answer = json!({ "users": found, "total": total });
                    let answer = HttpMockResponse::builder().status(200).body(answer.to_string());
                    answer.header("content-type", "application/json").build()
                });
            })
            .await;
        let builder = Descope::builder(PROJECT).base_url(server.base_url()).http_client(http()).without_license();
        let descope = builder.management_key("K2Rm").build().unwrap();
        Self { descope, asked, bearers, faults, _server: server }
    }

    fn search(&self) -> Search {
        self.descope.management().users().search()
    }

    fn asked(&self) -> Vec<(u64, u64)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn ids(users: &[descope_sdk::User]) -> Vec<String> {
    users.iter().map(|user| user.user_id.clone().expect("an id")).collect()
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("U{n}")).collect()
}

#[tokio::test]
async fn every_item_comes_once_and_in_order_whatever_the_size_of_a_page() {
    for total in [Some(USERS), None] {
        let service = Service::start(USERS, total).await;
        for (size, pages) in [(100, 3), (1, 250), (249, 2), (1000, 1)] {
            let users = service.search().stream().page_size(size).collect().await.unwrap();
            assert_eq!(ids(&users), expected(USERS));
            let mut asked = service.asked();
            // Without a total only a short page tells that it was the last.
            assert!(asked.len() == pages || total.is_none() && asked.len() == pages + 1, "{size}: {}", asked.len());
            asked.dedup();
            assert!(asked.iter().enumerate().all(|(n, it)| *it == (n as u64, u64::from(size))), "{asked:?}");
        }
        assert!(service.bearers.lock().unwrap().iter().all(|bearer| *bearer == format!("Bearer {PROJECT}:K2Rm")));
    }
}

#[tokio::test]
async fn a_page_is_asked_for_when_the_one_before_is_used_up() {
    let service = Service::start(USERS, Some(USERS)).await;
    let mut users = service.search().stream();
    assert_eq!(service.asked().len(), 0, "before the first item");
    for n in 0..100 {
        users.next().await.unwrap().unwrap();
        assert_eq!(service.asked().len(), usize::from(n == 0), "{n}");
    }
    users.next().await.unwrap().unwrap();
    assert_eq!(service.asked(), [(1, 100)]);
    drop(users);
    assert_eq!(service.asked().len(), 0);
}

#[tokio::test]
async fn nobody_is_an_empty_stream_and_a_wrong_total_ends_it() {
    let nobody = Service::start(0, Some(0)).await;
    assert!(nobody.search().stream().next().await.is_none());
    assert_eq!(nobody.search().count().await.unwrap(), 0);
    let promising = Service::start(150, Some(1_000_000)).await;
    let mut users = promising.search().stream();
    while let Some(user) = users.next().await {
        user.unwrap();
    }
    assert_eq!(promising.asked().len(), 2, "a short page is the last");
    assert!(users.next().await.is_none(), "and stays so");
    assert_eq!(promising.asked().len(), 0);
}

#[tokio::test]
async fn one_page_and_the_number_of_all_are_asked_for_alone() {
    let service = Service::start(USERS, Some(USERS)).await;
    let page = service.search().page(2, 100).await.unwrap();
    assert_eq!((page.items.len(), page.total), (50, Some(250)));
    assert_eq!(service.search().count().await.unwrap(), 250);
    assert_eq!(service.asked(), [(2, 100), (0, 1)]);
    let silent = Service::start(USERS, None).await;
    assert_eq!(silent.search().count().await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn an_error_is_an_item_after_which_the_same_page_is_asked_for_again() {
    let service = Service::start(USERS, Some(USERS)).await;
    let mut users = service.search().stream();
    let mut found = Vec::new();
    for _ in 0..100 {
        found.push(users.next().await.unwrap().unwrap());
    }
    service.faults.lock().unwrap().push_back((403, None));
    assert_eq!(users.next().await.unwrap().unwrap_err().status().unwrap(), 403);
    while let Some(user) = users.next().await {
        found.push(user.unwrap());
    }
    assert_eq!(ids(&found), expected(USERS));
    assert_eq!(service.asked(), [(0, 100), (1, 100), (1, 100), (2, 100)]);
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_is_waited_for_but_not_for_ever() {
    let service = Service::start(USERS, Some(USERS)).await;
    // Longer than the client waits for a single call.
    service.faults.lock().unwrap().extend([(429, Some("60")), (429, Some("30"))]);
    let before = Instant::now();
    let users = service.search().stream().collect().await.unwrap();
    assert_eq!(ids(&users), expected(USERS));
    assert!(before.elapsed() >= Duration::from_secs(90), "{:?}", before.elapsed());
    assert_eq!(service.asked().iter().filter(|(page, _)| *page == 0).count(), 3);

    for endless in [vec![(429, Some("3600"))], vec![(429, None)], vec![(429, Some("60")); 20]] {
        service.faults.lock().unwrap().clear();
        service.faults.lock().unwrap().extend(endless);
        let error = service.search().stream().collect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
}

#[tokio::test]
async fn a_list_that_selects_must_not_be_empty() {
    let service = Service::start(USERS, Some(USERS)).await;
    let nobody: [LoginId; 0] = [];
    let lists: [(&str, Empty); 4] = [
        ("tenant_ids", |search| search.tenant_ids([""; 0])),
        ("role_names", |search| search.role_names([""; 0])),
        ("statuses", |search| search.statuses([""; 0])),
        ("emails", |search| search.emails([""; 0])),
    ];
    for (name, empty) in lists {
        for error in [
            empty(service.search()).page(0, 1).await.unwrap_err(),
            empty(service.search()).count().await.unwrap_err(),
            empty(service.search()).stream().next().await.unwrap().unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some(name)));
        }
    }
    let error = service.search().login_ids(nobody).count().await.unwrap_err();
    assert_eq!(error.argument(), Some("login_ids"));
    assert_eq!(service.asked().len(), 0, "nothing was sent");
    // Set right again, it counts.
    service.search().tenant_ids([""; 0]).tenant_ids(["T1"]).count().await.unwrap();
}
