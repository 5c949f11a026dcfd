//! How many refreshes the emulator answers, beside a handler that does nothing but sign, over the loopback, in one run.

use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};
use axum::{Json, Router, routing::post};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use descope_emulator::Emulator;
use descope_sdk::{DeliveryMethod, LoginId};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
};

/// How many calls are under way at a time.
const AT_ONCE: u64 = 64;

/// Signs a token of the usual size and answers it.
fn sign(key: &KeyPair) -> Json<Value> {
    let claims = json!({"iss": "P2", "sub": "U2", "exp": 2_000_000_000, "roles": ["admin"], "drn": "DS"}).to_string();
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature).expect("signs");
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Json(json!({"sessionJwt": token}))
}

/// A connection that is kept. Whoever asks shares the cores with whoever answers, and is not what is measured: it sends
/// the same bytes again and again, and looks only for the status and the end of the answer.
struct Connection {
    stream: TcpStream,
    request: Arc<[u8]>,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str, request: &Arc<[u8]>) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        Self { stream, request: Arc::clone(request), answer: Vec::new() }
    }

    async fn ask(mut self) -> Self {
        self.stream.write_all(&self.request).await.expect("sent");
        self.answer.clear();
        while !is_whole(&self.answer) {
            assert_ne!(self.stream.read_buf(&mut self.answer).await.expect("an answer"), 0, "the answer breaks off");
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.answer));
        self
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).expect("a head").to_ascii_lowercase();
    let length = head.split_once("content-length: ").expect("a length").1;
    let length: usize = length.split("\r\n").next().unwrap_or_default().parse().expect("a number");
    answer.len() >= end + 4 + length
}

async fn connections(base_url: &str, path: &str, bearer: &str) -> Vec<Connection> {
    let address = base_url.trim_start_matches("http://");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    let request = request.into_bytes().into();
    let mut connections = Vec::new();
    for _ in 0..AT_ONCE {
        connections.push(Connection::open(address, &request).await);
    }
    connections
}

async fn all_at_once(connections: &mut Vec<Connection>) {
    let calls: JoinSet<Connection> = connections.drain(..).map(Connection::ask).collect();
    *connections = calls.join_all().await;
}

fn refreshes(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (emulator, bearer) = runtime.block_on(async {
        let emulator = Emulator::builder().start().await.expect("starts");
        let descope = emulator.descope().expect("a client");
        let users = descope.management().test_users();
        users.create(LoginId::new("ada")).send().await.expect("made");
        let code = users.generate_otp(LoginId::new("ada"), DeliveryMethod::Email).send().await.expect("a code");
        let session = code.pending().verify(code.code()).await.expect("signed in");
        let refresh = session.refresh_jwt().expect("a refresh token").expose().to_owned();
        let bearer = format!("{}:{refresh}", emulator.project_id());
        (emulator, bearer)
    });
    let bare = runtime.block_on(async {
        let key = Arc::new(KeyPair::generate(KeySize::Rsa2048).expect("a key"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/", post(async move || sign(&key)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    });
    let mut group = criterion.benchmark_group("refresh");
    group.throughput(Throughput::Elements(AT_ONCE));
    for (name, base_url, path) in
        [("emulator", emulator.base_url(), "/v1/auth/refresh"), ("bare handler that signs", bare.as_str(), "/")]
    {
        let mut connections = runtime.block_on(connections(base_url, path, &bearer));
        group.bench_function(name, |bencher| bencher.iter(|| runtime.block_on(all_at_once(&mut connections))));
    }
    group.finish();
}

criterion_group!(benches, refreshes);
criterion_main!(benches);
