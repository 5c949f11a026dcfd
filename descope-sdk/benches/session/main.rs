//! What a session costs, each figure beside its baseline in the same run. `benches/README.md` says how to read them.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use descope_sdk::session::{AuthScheme, DpopRequest, SessionValidator};
use jsonwebtoken::{DecodingKey, Validation, jwk::Jwk};
use serde_json::{Map, Value};

mod setup;

use setup::{Bound, Key, URL, claims, done, split, validator};

/// More than the validator remembers: by the time that a token comes again, it is forgotten.
const TOKENS: usize = 2048;

/// A ring of things that are taken one after the other.
struct Ring<T>(Vec<T>, usize);

impl<T> Ring<T> {
    fn new(items: Vec<T>) -> Self {
        Self(items, 0)
    }

    fn next(&mut self) -> &T {
        self.1 = (self.1 + 1) % self.0.len();
        &self.0[self.1]
    }
}

fn validate(validator: &SessionValidator, token: &str) -> usize {
    done(validator.validate_session(black_box(token))).expect("a session").user_id().len()
}

fn bare(key: &ParsedPublicKey, (input, signature): (&[u8], &[u8])) {
    key.verify_sig(black_box(input), black_box(signature)).expect("a signature");
}

/// A token that was never seen, against a signature check alone and against `jsonwebtoken`.
fn unseen(c: &mut Criterion) {
    for key in [Key::rs256(), Key::es256()] {
        let mut group = c.benchmark_group(format!("unseen {}", key.algorithm()));
        let tokens = key.tokens(TOKENS);
        let signed: Vec<(&[u8], Vec<u8>)> = tokens.iter().map(|token| split(token)).collect();

        let parsed = key.bare();
        let mut ring = Ring::new(signed);
        group.bench_function("bare aws-lc-rs", |b| {
            b.iter(|| {
                let (input, signature) = ring.next();
                bare(&parsed, (input, signature));
            });
        });

        let validator = validator(&key, 1).build().expect("a validator");
        let mut ring = Ring::new(tokens);
        group.bench_function("descope-sdk", |b| b.iter(|| validate(&validator, ring.next())));

        // The second of each pair has the token remembered, and another one forgotten.
        group.bench_function("descope-sdk, twice each", |b| {
            b.iter(|| {
                let token = ring.next();
                validate(&validator, token) + validate(&validator, token)
            });
        });

        let jwk: Jwk = serde_json::from_value(key.published("k1")).expect("a JWK");
        let decoding = DecodingKey::from_jwk(&jwk).expect("a key");
        let validation = Validation::new(key.algorithm().parse().expect("an algorithm"));
        group.bench_function("jsonwebtoken", |b| {
            b.iter(|| {
                let token = black_box(ring.next().as_str());
                jsonwebtoken::decode::<Map<String, Value>>(token, &decoding, &validation).expect("a token").claims.len()
            });
        });
        group.finish();
    }
}

/// A token that is remembered, against comparing it with a copy of itself.
fn seen(c: &mut Criterion) {
    let mut group = c.benchmark_group("seen");
    let key = Key::rs256();
    let token = key.token(&claims(0, 1));
    let copy = token.clone();
    group.bench_function("comparison of the text", |b| b.iter(|| black_box(&token) == black_box(&copy)));
    let validator = validator(&key, 1).build().expect("a validator");
    group.bench_function("descope-sdk", |b| b.iter(|| validate(&validator, &token)));
    group.finish();
}

/// Eight tasks at once on two threads. The time is that of eight validations, one by each task.
fn parallel(c: &mut Criterion) {
    const TASKS: usize = 8;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime");
    let mut group = c.benchmark_group("8 tasks on 2 threads");
    group.throughput(Throughput::Elements(TASKS as u64));
    let key = Key::rs256();
    let tokens: &'static [String] = key.tokens(TOKENS).leak();
    let validator = validator(&key, 1).build().expect("a validator");
    // Inside a runtime keys are fetched by a task of its own, which would have to be waited for.
    runtime.block_on(validator.preload_keys()).expect("keys");
    let parsed: &'static ParsedPublicKey = Box::leak(Box::new(key.bare()));

    let all = |iterations: u64, work: Arc<dyn Fn(usize) + Send + Sync>| {
        runtime.block_on(async {
            let start = Instant::now();
            let tasks: Vec<_> = (0..TASKS)
                .map(|task| {
                    let work = Arc::clone(&work);
                    tokio::spawn(async move {
                        // Each task has its own part of the tokens.
                        let first = task * TOKENS / TASKS;
                        (0..usize::try_from(iterations).expect("a count")).for_each(|n| work((first + n) % TOKENS));
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no panic");
            }
            start.elapsed()
        })
    };

    group.bench_function("bare aws-lc-rs, RS256", |b| {
        b.iter_custom(|iterations| {
            all(
                iterations,
                Arc::new(move |n| {
                    let (input, signature) = split(&tokens[n]);
                    bare(parsed, (input, &signature));
                }),
            )
        });
    });
    for (name, wrap) in [("descope-sdk, unseen RS256", TOKENS), ("descope-sdk, seen", 1)] {
        let validator = validator.clone();
        group.bench_function(name, |b| {
            b.iter_custom(|iterations| {
                let validator = validator.clone();
                all(
                    iterations,
                    Arc::new(move |n| {
                        validate(&validator, &tokens[n % wrap]);
                    }),
                )
            });
        });
    }
    group.finish();
}

/// The number of keys that the project publishes must not matter.
fn keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("keys");
    let key = Key::es256();
    let tokens = key.tokens(TOKENS);
    let parsed = key.bare();
    let (input, signature) = split(&tokens[0]);
    group.bench_function("bare aws-lc-rs, ES256", |b| b.iter(|| bare(&parsed, (input, &signature))));
    for count in [1, 10, 100] {
        let validator = validator(&key, count).build().expect("a validator");
        let mut ring = Ring::new(tokens.clone());
        group.bench_function(BenchmarkId::new("unseen", count), |b| b.iter(|| validate(&validator, ring.next())));
        group.bench_function(BenchmarkId::new("seen", count), |b| b.iter(|| validate(&validator, &tokens[0])));
    }
    group.finish();
}

/// The more a token says, the longer it is to hash and to read.
fn tenants(c: &mut Criterion) {
    let mut group = c.benchmark_group("tenants");
    let key = Key::rs256();
    let parsed = key.bare();
    for count in [1, 10, 100] {
        let tokens: Vec<String> = (0..TOKENS).map(|user| key.token(&claims(user, count))).collect();
        group.throughput(Throughput::Bytes(tokens[0].len() as u64));
        let (input, signature) = split(&tokens[0]);
        group.bench_function(BenchmarkId::new("bare aws-lc-rs, RS256", count), |b| {
            b.iter(|| bare(&parsed, (input, &signature)));
        });
        let validator = validator(&key, 1).build().expect("a validator");
        group.bench_function(BenchmarkId::new("seen", count), |b| b.iter(|| validate(&validator, &tokens[0])));
        let mut ring = Ring::new(tokens);
        group.bench_function(BenchmarkId::new("unseen", count), |b| b.iter(|| validate(&validator, ring.next())));
    }
    group.finish();
}

/// A role of the last tenant, against looking it up in the JSON by hand.
fn roles(c: &mut Criterion) {
    let mut group = c.benchmark_group("role check");
    let key = Key::es256();
    let validator = validator(&key, 1).build().expect("a validator");
    for count in [1, 10, 100] {
        let claims = claims(0, count);
        let tenant = format!("T2tenant{:019}", count - 1);
        let session = done(validator.validate_session(&key.token(&claims))).expect("a session");
        group.bench_function(BenchmarkId::new("by hand", count), |b| {
            b.iter(|| {
                let roles = black_box(&claims)["tenants"][black_box(tenant.as_str())]["roles"].as_array();
                roles.is_some_and(|roles| roles.iter().any(|role| role == "viewer"))
            });
        });
        group.bench_function(BenchmarkId::new("descope-sdk", count), |b| {
            b.iter(|| black_box(&session).has_tenant_roles(black_box(&tenant), &["viewer"]));
        });
    }
    group.finish();
}

/// A proof of possession with a token that was seen, against parsing the proof's key and one signature check. Every
/// proof is a new one, made outside of the time that is measured.
fn dpop(c: &mut Criterion) {
    let mut group = c.benchmark_group("DPoP proof ES256");
    let key = Key::rs256();
    let bound = Bound::new(&key);
    let Key::Es256(holder) = &bound.holder else { unreachable!("holders have EC keys") };
    let point = aws_lc_rs::signature::KeyPair::public_key(holder).as_ref();
    let proof = bound.proof(0);
    let (input, signature) = split(&proof);
    group.bench_function("bare aws-lc-rs, key parsed", |b| {
        b.iter(|| {
            let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, black_box(point)).expect("a key");
            bare(&key, (input, &signature));
        });
    });
    group.bench_function("descope-sdk", |b| {
        b.iter_custom(|iterations| {
            // The memory of used proofs is bounded, so every round has its own; a part at a time, since proofs age.
            let mut spent = Duration::ZERO;
            let mut jti = 0;
            while jti < iterations {
                let validator = validator(&key, 1).build().expect("a validator");
                let upto = iterations.min(jti + 10_000);
                let proofs: Vec<String> = (jti..upto).map(|jti| bound.proof(jti)).collect();
                jti = upto;
                // Has the token remembered.
                for _ in 0..2 {
                    assert!(done(validator.validate_session(&bound.token)).is_err());
                }
                let start = Instant::now();
                for proof in &proofs {
                    let request = DpopRequest::new("POST", URL).scheme(AuthScheme::Dpop).proof(black_box(proof));
                    done(validator.validate_session_with_proof(&bound.token, &request)).expect("a session");
                }
                spent += start.elapsed();
            }
            spent
        });
    });
    group.finish();
}

criterion_group!(benches, unseen, seen, parallel, keys, tenants, roles, dpop);
criterion_main!(benches);
