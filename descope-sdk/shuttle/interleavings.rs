//! What must hold in whichever order tasks and threads come. Only in the package `descope-sdk/shuttle`, whose tests call it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use descope_api::Secret;
use serde_json::json;
use shuttle::{
    Config, Runner,
    future::block_on,
    scheduler::{PctScheduler, RandomScheduler},
};
use shuttle_tokio::task::{JoinHandle, spawn, yield_now};

use crate::{
    Authentication, Error, ErrorKind,
    authentication::testing::authentication,
    error::Inner,
    session::{
        dpop::Binding,
        keys::{
            key_set::KeySet,
            store::{KeyFetch, KeyStore, KeyStoreSettings, Source},
        },
        single_flight::{Flights, Reuse},
        testing::{Endpoint, TestKey, claims},
        token::algorithm::Algorithm,
        validator::{cache::Cache, verified::Verified},
    },
    token_source::{Lived, TokenSource},
};

/// How many orders of each kind are tried.
const TRIES: usize = 500;
/// How many times the less likely task is preferred, in half of them.
const CHANGES: usize = 3;

fn explore(test: impl Fn() + Send + Sync + Copy + 'static) {
    let config = || {
        let mut config = Config::new();
        // Signatures and hashes take more than the usual 32 KiB.
        config.stack_size = 0x8_0000;
        config
    };
    Runner::new(RandomScheduler::new(TRIES), config()).run(test);
    Runner::new(PctScheduler::new(CHANGES, TRIES), config()).run(test);
}

/// Something that one may do at a time, and each time has its number.
#[derive(Clone, Default)]
struct Turns {
    begun: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
}

impl Turns {
    async fn take(&self) -> usize {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        assert_eq!(self.under_way.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
        yield_now().await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        number
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

fn tokens(number: usize) -> Authentication {
    authentication(json!({"sessionJwt": format!("s{number}"), "refreshJwt": format!("r{number}")}))
}

fn failure(number: usize) -> Error {
    Inner { detail: Some(number.to_string().into()), ..Inner::of(ErrorKind::Network) }.into()
}

type Refreshed = Result<Authentication, Error>;

/// Comes with the one token, whose refreshes end as `end` says.
fn join(flights: &Arc<Flights>, turns: &Turns, end: fn(usize) -> Refreshed) -> JoinHandle<Refreshed> {
    let (flights, turns) = (Arc::clone(flights), turns.clone());
    spawn(async move {
        let refresh = move || async move { end(turns.take().await) };
        flights.join(&Secret::from("old"), None, Reuse::All, refresh).await
    })
}

/// Waits until what was kept is forgotten, which is the case when nobody is under way any more.
async fn emptied(flights: &Flights) {
    while !flights.is_empty() {
        yield_now().await;
    }
}

pub fn a_refresh_serves_everybody_who_comes_with_its_token() {
    explore(|| {
        block_on(async {
            let (flights, turns) = (Arc::default(), Turns::default());
            let all = [(); 3].map(|()| join(&flights, &turns, |number| Ok(tokens(number))));
            for one in all {
                one.await.expect("no panic").expect("tokens");
            }
            emptied(&flights).await;
        });
    });
}

pub fn a_failed_refresh_is_never_given_to_who_tries_again() {
    explore(|| {
        block_on(async {
            let (flights, turns) = (Arc::<Flights>::default(), Turns::default());
            let again = [(); 2].map(|()| {
                let (flights, turns) = (Arc::clone(&flights), turns.clone());
                spawn(async move {
                    let mut heard = Vec::new();
                    for _ in 0..2 {
                        let outcome = join(&flights, &turns, |number| Err(failure(number))).await;
                        heard.push(outcome.expect("no panic").expect_err("a failure").to_string());
                    }
                    assert_ne!(heard[0], heard[1], "the old failure");
                })
            });
            for one in again {
                one.await.expect("no panic");
            }
            assert!(flights.is_empty());
        });
    });
}

pub fn a_caller_who_gives_up_takes_the_answer_from_nobody() {
    explore(|| {
        block_on(async {
            let (flights, turns) = (Arc::default(), Turns::default());
            let first = join(&flights, &turns, |number| Ok(tokens(number)));
            let second = join(&flights, &turns, |number| Ok(tokens(number)));
            first.abort();
            second.await.expect("no panic").expect("tokens");
            emptied(&flights).await;
        });
    });
}

pub fn a_session_that_was_ended_is_not_refreshed_from_memory() {
    explore(|| {
        block_on(async {
            let (flights, turns) = (Arc::default(), Turns::default());
            let first = join(&flights, &turns, |number| Ok(tokens(number))).await;
            let given = first.expect("no panic").expect("tokens");
            // The logout with what came of the old token.
            flights.forget(given.refresh_jwt().expect("a token"));
            let begun = turns.begun();
            join(&flights, &turns, |number| Ok(tokens(number))).await.expect("no panic").expect("tokens");
            assert!(turns.begun() > begun, "the service was not asked");
        });
    });
}

#[derive(Clone)]
struct Token(usize);

impl Lived for Token {
    fn life_left(&self) -> Option<std::time::Duration> {
        Some(std::time::Duration::from_secs(600))
    }
}

pub fn a_token_that_was_forgotten_does_not_come_back() {
    explore(|| {
        block_on(async {
            let begun = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&begun);
            let source = TokenSource::new("access_key_exchange", move || {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    yield_now().await;
                    Ok(Token(number))
                }
            });
            let others = [(); 2].map(|()| {
                let source = source.clone();
                spawn(async move { source.get().await })
            });
            source.forget();
            let first_good = begun.load(Ordering::SeqCst);
            let token = source.get().await.expect("a token");
            assert!(token.0 >= first_good, "{} was asked for before", token.0);
            for other in others {
                other.await.expect("no panic").expect("a token");
            }
            assert!(source.get().await.expect("a token").0 >= first_good);
        });
    });
}

/// Reads an endpoint, by one at a time.
fn counted(endpoint: &Endpoint, turns: &Turns) -> KeyFetch {
    let (fetch, turns) = (endpoint.fetch(), turns.clone());
    Arc::new(move || {
        let (answer, turns) = (fetch(), turns.clone());
        Box::pin(async move {
            let answer = answer.await;
            turns.take().await;
            answer
        })
    })
}

fn find(store: &KeyStore, kid: &'static str, source: Source) -> JoinHandle<bool> {
    let store = store.clone();
    spawn(async move { store.find(Some(kid), Algorithm::Es256, source).await.is_ok() })
}

thread_local! {
    /// Made once: what is tried is not how keys are made.
    static KEYS: [TestKey; 2] = ["k1", "k2"].map(|kid| TestKey::new(Algorithm::Es256, kid));
}

pub fn keys_are_read_by_one_at_a_time() {
    explore(|| {
        block_on(async {
            let turns = Turns::default();
            let endpoint = KEYS.with(|keys| Endpoint::publishing(&[&keys[0]]));
            let store = KeyStore::fetching(counted(&endpoint, &turns), KeyStoreSettings::default());
            let known = [(); 2].map(|()| find(&store, "k1", Source::Request));
            let unknown = find(&store, "k9", Source::Request);
            for one in known {
                assert!(one.await.expect("no panic"), "a known key");
            }
            assert!(!unknown.await.expect("no panic"), "nobody's key");
            // Once for all, and once more for the unknown one, which does not open the endpoint to who makes up keys.
            assert!((1..=2).contains(&turns.begun()), "{}", turns.begun());
            assert!(!find(&store, "k8", Source::Request).await.expect("no panic"));
            assert!(turns.begun() <= 2, "{}", turns.begun());
        });
    });
}

pub fn a_token_of_a_new_key_is_let_in_when_it_comes_from_the_service() {
    explore(|| {
        block_on(async {
            let turns = Turns::default();
            let endpoint = KEYS.with(|keys| Endpoint::publishing(&[&keys[0]]));
            let store = KeyStore::fetching(counted(&endpoint, &turns), KeyStoreSettings::default());
            let others = [find(&store, "k1", Source::Request), find(&store, "k9", Source::Request)];
            yield_now().await;
            // The key that signs from now on is published before anybody gets a token of it.
            KEYS.with(|keys| endpoint.publish(&[&keys[0], &keys[1]]));
            assert!(find(&store, "k2", Source::Service).await.expect("no panic"), "the new key");
            for other in others {
                other.await.expect("no panic");
            }
        });
    });
}

pub fn a_withdrawn_key_opens_nothing_from_then_on() {
    explore(|| {
        let jwk = KEYS.with(|keys| keys[0].jwk());
        let set = KeySet::parse_static(jwk.to_string().as_bytes()).expect("a key");
        let key = set.find(Some("k1"), Algorithm::Es256).expect("found").expect("a key").only();
        let verified = |jwt: &str| {
            Arc::new(Verified {
                jwt: Secret::from(jwt),
                claims: claims(json!({})),
                drn: None,
                audience: true,
                key: Arc::clone(&key),
                came_early: false,
                binding: Binding::None,
            })
        };
        let cache = Arc::new(Cache::new(4).expect("a cache"));
        let writers = ["a.b.c", "a.b.d"].map(|jwt| {
            let (cache, verified) = (Arc::clone(&cache), verified(jwt));
            shuttle::thread::spawn(move || {
                cache.group(jwt).insert(&verified, |_| false);
                // Of two that take the same place one may be gone; another token is never given.
                if let Some(found) = cache.group(jwt).get(jwt) {
                    assert_eq!(found.jwt.expose(), jwt);
                }
            })
        });
        key.withdraw();
        for jwt in ["a.b.c", "a.b.d"] {
            assert!(cache.group(jwt).get(jwt).is_none(), "{jwt}");
        }
        for writer in writers {
            writer.join().expect("no panic");
        }
        for jwt in ["a.b.c", "a.b.d"] {
            assert!(cache.group(jwt).get(jwt).is_none(), "{jwt}");
        }
    });
}
