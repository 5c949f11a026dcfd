//! Many users: how much memory a stream of them needs, and how many go through a batch in a second. Prints two tables.
//!
//! The server is in this process, on threads of its own. Its answers are there before anything is counted.

use std::{
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use descope_sdk::{Descope, management::user::UserBatchCreateEntry, reqwest};
use peak_alloc::PeakAlloc;
use serde::Deserialize;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const PROJECT: &str = "P2RmuXyZ0123456789abcdefghij";
const KEY: &str = "K2RmxQ7w8E9r0T1y2U3i4O5p6As";
const PAGE: usize = 100;

/// What the test of the emulator and these figures agree on: a stream of this many users.
const USERS: usize = 10_000;

fn user(login_id: &str) -> Value {
    let tenants: Vec<_> =
        (0..3).map(|n| json!({"tenantId": format!("T{n}"), "roleNames": ["editor", "viewer"]})).collect();
    json!({
        "userId": "U2RmuXyZ0123456789abcdefghij", "loginIds": [login_id], "email": login_id, "verifiedEmail": true,
        "name": "Ada Lovelace", "givenName": "Ada", "familyName": "Lovelace", "phone": "", "verifiedPhone": false,
        "roleNames": ["admin"], "userTenants": tenants, "status": "enabled", "externalIds": [login_id], "picture": "",
        "test": false, "customAttributes": {"plan": "pro", "seats": 12}, "createdTime": 1_750_000_000, "TOTP": false,
        "SAML": false, "OAuth": {"google": true}, "webauthn": false, "password": true, "ssoAppIds": [], "editable": true,
    })
}

/// The body of a batch creation, as far as the server needs it.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    users: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    login_id: &'a str,
}

/// Answers searches with a full page and batches with the users that were asked for.
struct Server {
    base_url: String,
    /// How many users a search finds.
    total: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let total = Arc::new(AtomicUsize::new(0));
        let page: Vec<_> = (0..PAGE).map(|n| user(&format!("user-{n}@example.com")).to_string()).collect();
        let page: Arc<str> = page.join(",").into();
        let found = Arc::clone(&total);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let (page, found) = (Arc::clone(&page), Arc::clone(&found));
                std::thread::spawn(move || keep(connection.expect("a connection"), &page, &found));
            }
        });
        Self { base_url, total }
    }
}

/// Answers the requests of a connection, until it is closed.
fn keep(connection: TcpStream, page: &str, total: &AtomicUsize) {
    connection.set_nodelay(true).expect("an option");
    let mut reader = BufReader::new(connection.try_clone().expect("a connection"));
    let mut writer = connection;
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let (mut length, mut search) = (0, false);
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            search |= line.contains("/user/search ");
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().expect("a length"),
                _ if line == "\r\n" => break,
                _ => {}
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).expect("a body");
        let (begin, middle, end) = if search {
            (r#"{"users":["#, page.to_owned(), format!(r#"],"total":{}}}"#, total.load(Ordering::Relaxed)))
        } else {
            let batch: Batch<'_> = serde_json::from_slice(&body).expect("a batch");
            let created: Vec<_> = batch.users.iter().map(|entry| user(entry.login_id).to_string()).collect();
            (r#"{"createdUsers":["#, created.join(","), "]}".to_owned())
        };
        let length = begin.len() + middle.len() + end.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        let answer = [head.as_str(), begin, &middle, &end].concat();
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The most memory that something needs beyond what is in use before, in bytes, and how long it takes.
async fn measured(work: impl Future<Output = usize>) -> (usize, Duration) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let began = Instant::now();
    black_box(work.await);
    (MEMORY.peak_usage().saturating_sub(before), began.elapsed())
}

#[allow(clippy::cast_precision_loss, reason = "figures for a table")]
fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}

async fn streams(descope: &Descope, server: &Server) {
    println!("| | memory at most | time |\n| --- | ---: | ---: |");
    let search = || descope.management().users().search().stream().page_size(100);
    let stream = async || {
        let (mut users, mut count) = (search(), 0);
        while let Some(user) = users.next().await {
            count += user.expect("a user").login_ids.len();
        }
        count
    };
    // Connections and buffers are there afterwards.
    server.total.store(USERS, Ordering::Relaxed);
    stream().await;
    let mut peaks = Vec::new();
    for total in [USERS / 10, USERS, USERS * 10] {
        server.total.store(total, Ordering::Relaxed);
        let (peak, took) = measured(stream()).await;
        println!("| {total} users, streamed | {:.0} kB | {took:.0?} |", kilobytes(peak));
        peaks.push(peak);
    }
    server.total.store(USERS, Ordering::Relaxed);
    let all = async { search().collect().await.expect("users").len() };
    let (peak, took) = measured(all).await;
    println!("| {USERS} users, collected | {:.0} kB | {took:.0?} |\n", kilobytes(peak));
    let (least, most) = (peaks.iter().min().expect("some"), peaks.iter().max().expect("some"));
    assert!(*most < least * 2, "memory grows with the number of users: {peaks:?}");
}

/// Creates the users chunk after chunk by plain reqwest, reading what the answers say of each.
async fn by_hand(http: &reqwest::Client, base_url: &str) -> usize {
    let mut created = 0;
    for first in (0..USERS).step_by(PAGE) {
        let users: Vec<_> =
            (first..first + PAGE).map(|n| json!({ "loginId": format!("user-{n}@example.com") })).collect();
        let request = http.post(format!("{base_url}/v1/mgmt/user/create/batch")).json(&json!({ "users": users }));
        let answer = request.bearer_auth(format!("{PROJECT}:{KEY}")).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        created += answer["createdUsers"].as_array().expect("users").len();
    }
    created
}

#[allow(clippy::cast_precision_loss, reason = "figures for a table")]
fn per_second(took: Duration) -> f64 {
    USERS as f64 / took.as_secs_f64()
}

async fn batches(descope: &Descope, http: &reqwest::Client, server: &Server) {
    println!("| {USERS} users in chunks of {PAGE} | users per second | memory at most |\n| --- | ---: | ---: |");
    by_hand(http, &server.base_url).await;
    let (peak, took) = measured(by_hand(http, &server.base_url)).await;
    println!("| plain reqwest, one call after the other | {:.0} | {:.0} kB |", per_second(took), kilobytes(peak));
    for concurrency in [1, 2, 8] {
        let work = async {
            let users = (0..USERS).map(|n| UserBatchCreateEntry::new(format!("user-{n}@example.com")));
            let mut batch = descope.management().users().create_many(users, |call| call).concurrency(concurrency);
            let mut count = 0;
            while let Some(item) = batch.next().await {
                item.result.expect("a user");
                count += 1;
            }
            assert_eq!(count, USERS);
            count
        };
        let (peak, took) = measured(work).await;
        println!("| {concurrency} calls at a time | {:.0} | {:.0} kB |", per_second(took), kilobytes(peak));
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let server = Server::start();
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
    let builder = Descope::builder(PROJECT).management_key(KEY).base_url(&server.base_url).http_client(http.clone());
    let descope = builder.without_license().build().expect("a client");
    streams(&descope, &server).await;
    batches(&descope, &http, &server).await;
}
