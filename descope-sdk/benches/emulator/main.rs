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
use descope_sdk::{DeliveryMethod, LoginId, reqwest};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, task::JoinSet};

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

async fn all_at_once(client: &reqwest::Client, url: &str, bearer: &str) {
    let mut calls = JoinSet::new();
    for _ in 0..AT_ONCE {
        let call = client.post(url).bearer_auth(bearer).json(&json!({}));
        calls.spawn(async move {
            let answer = call.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("a body")
        });
    }
    while let Some(call) = calls.join_next().await {
        call.expect("no panic");
    }
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
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let router = Router::new().route("/", post(async move || sign(&key)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    });
    let client = reqwest::Client::new();
    let mut group = criterion.benchmark_group("refresh");
    group.throughput(Throughput::Elements(AT_ONCE));
    let url = format!("{}/v1/auth/refresh", emulator.base_url());
    group.bench_function("emulator", |bencher| {
        bencher.iter(|| runtime.block_on(all_at_once(&client, &url, &bearer)));
    });
    group.bench_function("bare handler that signs", |bencher| {
        bencher.iter(|| runtime.block_on(all_at_once(&client, &bare, &bearer)));
    });
    group.finish();
}

criterion_group!(benches, refreshes);
criterion_main!(benches);
