//! What one call through the SDK costs beside the same call by plain reqwest, over the loopback, in the same run.

use std::{
    hint::black_box,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use criterion::{Criterion, criterion_group, criterion_main};
use descope_sdk::{Descope, LoginId, reqwest};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const PROJECT: &str = "P2RmuXyZ0123456789abcdefghij";
const KEY: &str = "K2RmxQ7w8E9r0T1y2U3i4O5p6As";
const ADA: &str = "ada@example.com";

/// The members that whoever writes the call by hand would ask for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read, and that is what is measured")]
struct Loaded {
    user: Person,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read, and that is what is measured")]
struct Person {
    user_id: String,
    login_ids: Vec<String>,
    email: Option<String>,
    name: Option<String>,
    verified_email: bool,
    role_names: Vec<String>,
    user_tenants: Vec<Tenant>,
    custom_attributes: Value,
    created_time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read, and that is what is measured")]
struct Tenant {
    tenant_id: String,
    role_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read, and that is what is measured")]
struct Verified {
    session_jwt: String,
    refresh_jwt: String,
    session_expiration: i64,
    user: Person,
}

fn user() -> Value {
    let tenants: Vec<_> =
        (0..3).map(|n| json!({"tenantId": format!("T{n}"), "roleNames": ["editor", "viewer"]})).collect();
    json!({
        "userId": "U2RmuXyZ0123456789abcdefghij", "loginIds": [ADA], "email": ADA, "verifiedEmail": true, "name": "Ada Lovelace",
        "givenName": "Ada", "familyName": "Lovelace", "phone": "", "verifiedPhone": false, "roleNames": ["admin"],
        "userTenants": tenants, "status": "enabled", "externalIds": [ADA], "picture": "", "test": false,
        "customAttributes": {"plan": "pro", "seats": 12}, "createdTime": 1_750_000_000, "TOTP": false, "SAML": false,
        "OAuth": {"google": true}, "webauthn": false, "password": true, "ssoAppIds": [], "editable": true,
    })
}

/// Answers `GET` with a user and `POST` with a session, over connections that are kept, on threads of its own.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = |body: &Value| {
        let body = body.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncf-ray: 8f00-FRA\r\ncontent-length: ";
        format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let token = |last: &str| format!("{}.{}.{last}", "h".repeat(80), "p".repeat(500));
    let session = json!({
        "sessionJwt": token("s"), "refreshJwt": token("r"), "sessionExpiration": 1_750_000_600, "firstSeen": false, "user": user(),
    });
    let answers = [answer(&json!({"user": user()})), answer(&session)];
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let answers = answers.clone();
            std::thread::spawn(move || keep(connection.expect("a connection"), &answers));
        }
    });
    base_url
}

fn keep(mut connection: TcpStream, [of_get, of_post]: &[Vec<u8>; 2]) {
    connection.set_nodelay(true).expect("an option");
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = connection.read(&mut piece) {
        request.extend_from_slice(&piece[..length]);
        let answer = match request.first() {
            Some(b'G') if request.ends_with(b"\r\n\r\n") => of_get,
            // The body is the only thing with a brace.
            Some(b'P') if request.ends_with(b"}") => of_post,
            _ => continue,
        };
        request.clear();
        if connection.write_all(answer).is_err() {
            return;
        }
    }
}

/// What the SDK sends, too.
fn headers(bearer: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-descope-sdk-name", HeaderValue::from_static("rust"));
    headers.insert("x-descope-sdk-version", HeaderValue::from_static("0.1.0"));
    headers.insert("x-descope-project-id", HeaderValue::from_static(PROJECT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::AUTHORIZATION, HeaderValue::from_str(bearer).expect("a header"));
    headers
}

/// By hand: everything but what is in the answer is as the SDK sends it.
async fn load<T: DeserializeOwned>(http: &reqwest::Client, base_url: &str) -> T {
    let request = http.get(format!("{base_url}/v1/mgmt/user")).query(&[("loginId", ADA)]);
    read(request.headers(headers(&format!("Bearer {PROJECT}:{KEY}")))).await
}

async fn verify<T: DeserializeOwned>(http: &reqwest::Client, base_url: &str) -> T {
    let request = http.post(format!("{base_url}/v1/auth/otp/verify/email"));
    let body = json!({"loginId": ADA, "code": "123456"});
    read(request.headers(headers(&format!("Bearer {PROJECT}"))).json(&body)).await
}

async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> T {
    let answer = request.send().await.and_then(reqwest::Response::error_for_status).expect("an answer");
    answer.json().await.expect("what is asked for")
}

/// One way to make a call.
type Way<'a> = (&'static str, Box<dyn Fn() + 'a>);

const PLAIN: &str = "plain reqwest";

fn calls(c: &mut Criterion) {
    let base_url = &serve();
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http =
        &reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().expect("a client");
    let descope = &Descope::builder(PROJECT)
        .management_key(KEY)
        .base_url(base_url)
        .http_client(http.clone())
        .without_license()
        .build()
        .expect("a client");
    let users = &descope.management().users();

    // The SDK hands out every member, too.
    let loads: [Way<'_>; 3] = [
        (PLAIN, Box::new(|| drop(runtime.block_on(async { black_box(load::<Loaded>(http, base_url).await) })))),
        (
            "plain reqwest, every member",
            Box::new(|| drop(runtime.block_on(async { black_box(load::<Value>(http, base_url).await) }))),
        ),
        (
            "this crate",
            Box::new(|| {
                drop(
                    runtime.block_on(async { black_box(users.load(LoginId::new(ADA)).send().await.expect("a user")) }),
                );
            }),
        ),
    ];
    let verifications: [Way<'_>; 3] = [
        (PLAIN, Box::new(|| drop(runtime.block_on(async { black_box(verify::<Verified>(http, base_url).await) })))),
        (
            "plain reqwest, every member",
            Box::new(|| drop(runtime.block_on(async { black_box(verify::<Value>(http, base_url).await) }))),
        ),
        (
            "this crate",
            Box::new(|| {
                let verified = async { black_box(descope.otp().email(ADA).verify("123456").await.expect("a session")) };
                drop(runtime.block_on(verified));
            }),
        ),
    ];
    for (name, ways) in [("load a user", loads), ("verify a code", verifications)] {
        let mut group = c.benchmark_group(name);
        for (way, call) in &ways {
            group.bench_function(*way, |b| b.iter(call));
        }
        group.finish();
        if is_measured(name) {
            in_turns(name, &ways);
        }
    }
}

/// Whether cargo runs this as a benchmark, and of this group.
fn is_measured(name: &str) -> bool {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |option: &str| arguments.iter().any(|argument| argument == option);
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    is_given("--bench") && !is_given("--list") && filter.is_none_or(|filter| name.contains(filter.as_str()))
}

/// Has the ways take turns of a few milliseconds, and prints each one's time relative to the first, by the median of the
/// turns. What else a machine does, and how fast it runs just then, is the same for all of them in a round; between the
/// groups above it is not, and makes more of a difference than what is measured.
fn in_turns(name: &str, ways: &[Way<'_>]) {
    const ROUNDS: usize = 300;
    const CALLS: u32 = 100;
    let mut turns = vec![Vec::new(); ways.len()];
    for round in 0..ROUNDS {
        for way in 0..ways.len() {
            let way = (way + round) % ways.len();
            let start = Instant::now();
            (0..CALLS).for_each(|_| ways[way].1());
            turns[way].push(start.elapsed().as_secs_f64() / f64::from(CALLS));
        }
    }
    let median = |mut of: Vec<f64>| {
        of.sort_by(f64::total_cmp);
        of[of.len() / 2]
    };
    for ((way, _), times) in ways.iter().zip(&turns) {
        let times_first = times.iter().zip(&turns[0]).map(|(time, first)| time / first).collect();
        let (micros, ratio) = (1e6 * median(times.clone()), median(times_first));
        println!("{name}, in turns, {way}: {micros:.1} µs, {ratio:.3} × {PLAIN}");
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
