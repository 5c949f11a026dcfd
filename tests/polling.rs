//! Waiting for an enchanted link, against the emulator.
//!
//! Time stands still while a request is under way and flies while there is none: the pump moves the runtime's clock by
//! exactly the pause that the waiting side has announced to its progress callback.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use descope_emulator::Fault;
use descope_sdk::{Authentication, Error, ErrorKind, PendingLink, PollOptions, Result, RetryPolicy};
use tokio::time::Instant;

use crate::world::{ADA, World, refused};

const PENDING_SESSION: &str = "enchantedLinkPendingSession";

/// What the progress callback was told of one request.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) next_in: Duration,
    pub(crate) problem: Option<ErrorKind>,
}

/// Everything that was told, and what of it the pump has not seen yet.
#[derive(Clone, Default)]
pub(crate) struct Log {
    told: Arc<Mutex<Vec<Told>>>,
}

impl Log {
    pub(crate) fn options(&self, options: PollOptions) -> PollOptions {
        let told = Arc::clone(&self.told);
        options.on_progress(move |progress| {
            told.lock().unwrap().push(Told {
                attempts: progress.attempts,
                elapsed: progress.elapsed,
                next_in: progress.next_in,
                problem: progress.problem.map(Error::kind),
            });
        })
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }
}

/// Runs `wait`; after each request that did not end it calls `step`, and then lets the announced pause pass.
pub(crate) async fn pumped<T>(log: &Log, wait: impl Future<Output = T>, mut step: impl AsyncFnMut(u32)) -> T {
    tokio::time::pause();
    let pump = async {
        let mut seen = 0;
        loop {
            tokio::task::yield_now().await;
            let next = log.told().get(seen).cloned();
            if let Some(told) = next {
                seen += 1;
                step(told.attempts).await;
                // The timer of the runtime works in whole milliseconds.
                tokio::time::advance(told.next_in + Duration::from_millis(1)).await;
            }
        }
    };
    let outcome = tokio::select! {
        outcome = wait => outcome,
        () = pump => unreachable!("the pump never ends"),
    };
    tokio::time::resume();
    outcome
}

/// A world whose client sends every request once, and a sign-in that waits in it.
struct Waiting {
    world: World,
    pending: PendingLink,
    right: String,
    wrong: String,
}

impl Waiting {
    async fn start() -> Self {
        let mut world = World::start().await;
        world.descope = world.emulator.descope_builder().retry(RetryPolicy::none()).build().unwrap();
        let pending = world.descope.enchanted_link().sign_up_or_in(ADA).send().await.unwrap();
        let mail = world.mail(ADA).await;
        let right = mail.link(pending.link_id()).unwrap().token.clone();
        let wrong = mail.links.iter().find(|link| link.token != right).unwrap().token.clone();
        Self { world, pending, right, wrong }
    }

    async fn click(&self, token: &str) -> Result<()> {
        self.world.descope.enchanted_link().verify(token).await
    }

    fn fail(&self, fault: Fault) {
        self.world.emulator.fail_next(PENDING_SESSION, fault);
    }

    /// Waits, and clicks the right link after `attempts` requests.
    async fn clicked_after(&self, attempts: u32) -> (Result<Authentication>, Vec<Told>, Duration) {
        let log = Log::default();
        let options = log.options(PollOptions::new());
        let start = Instant::now();
        let outcome = pumped(&log, self.pending.wait_with(&options), async |told| {
            if told == attempts {
                self.click(&self.right).await.unwrap();
            }
        })
        .await;
        (outcome, log.told(), start.elapsed())
    }

    /// The status and error code of every answer to the polling.
    fn answers(&self) -> Vec<(u16, Option<String>)> {
        let requests = self.world.emulator.requests().into_iter();
        let polls = requests.filter(|request| request.operation.as_deref() == Some(PENDING_SESSION));
        polls.map(|request| (request.status, request.error_code)).collect()
    }
}

#[tokio::test]
async fn waiting_asks_about_every_second_until_the_right_link_is_clicked() {
    let waiting = Waiting::start().await;
    let (ada, told, elapsed) = waiting.clicked_after(4).await;
    assert!(ada.unwrap().first_seen());
    let mut answers = waiting.answers();
    assert_eq!(answers.pop(), Some((200, None)));
    assert_eq!(answers, vec![(401, Some("E062503".to_owned())); 4], "pending is told by a code");
    assert_eq!(told.iter().map(|told| told.attempts).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for told in &told {
        assert!((Duration::from_secs(1)..=Duration::from_millis(1250)).contains(&told.next_in), "{told:?}");
        assert_eq!(told.problem, None, "pending is no problem");
    }
    assert!(told.windows(2).all(|pair| pair[1].elapsed >= pair[0].elapsed + pair[0].next_in), "{told:?}");
    assert!((Duration::from_secs(4)..Duration::from_millis(5100)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test]
async fn a_wrong_link_leaves_the_waiting_side_waiting() {
    let waiting = Waiting::start().await;
    let log = Log::default();
    let options = log.options(PollOptions::new());
    let outcome = pumped(&log, waiting.pending.wait_with(&options), async |attempts| match attempts {
        1 => drop(refused(waiting.click(&waiting.wrong).await, ErrorKind::Expired, 401, "E062504")),
        3 => waiting.click(&waiting.right).await.unwrap(),
        _ => {}
    })
    .await;
    outcome.unwrap();
    assert_eq!(waiting.answers().len(), 4);
}

#[tokio::test]
async fn an_interval_of_ones_own_is_kept() {
    let waiting = Waiting::start().await;
    let log = Log::default();
    let options = log.options(PollOptions::new().interval(Duration::from_secs(8)));
    let wait = waiting.pending.wait_with(&options);
    pumped(&log, wait, async |attempts| {
        if attempts == 2 {
            waiting.click(&waiting.right).await.unwrap();
        }
    })
    .await
    .unwrap();
    let fits = |told: &Told| (Duration::from_secs(8)..=Duration::from_secs(10)).contains(&told.next_in);
    assert!(log.told().iter().all(fits), "{:?}", log.told());
}

#[tokio::test]
async fn retry_after_is_honoured() {
    for (fault, seconds) in
        [(Fault::rate_limit(30), 30), (Fault::status(429).retry_after(45), 45), (Fault::status(503).retry_after(5), 5)]
    {
        let waiting = Waiting::start().await;
        waiting.fail(fault);
        let (ada, told, elapsed) = waiting.clicked_after(2).await;
        ada.unwrap();
        assert_eq!(told[0].next_in, Duration::from_secs(seconds));
        assert!(told[1].next_in < Duration::from_secs(2));
        assert!(elapsed >= Duration::from_secs(seconds + 1));
        assert_eq!(waiting.answers().len(), 3);
    }
}

#[tokio::test]
async fn passing_failures_are_outlived_and_told() {
    let waiting = Waiting::start().await;
    let faults = [
        (Fault::status(503), ErrorKind::Server),
        (Fault::status(500), ErrorKind::Server),
        (Fault::body(502, "text/html", "<html>Bad Gateway</html>"), ErrorKind::Server),
        (Fault::error(429, "E130429", "slow down"), ErrorKind::RateLimited),
        (Fault::close(), ErrorKind::Network),
    ];
    for (fault, _) in &faults {
        waiting.fail(fault.clone());
    }
    let (ada, told, _) = waiting.clicked_after(6).await;
    ada.unwrap();
    let problems: Vec<_> = told.iter().filter_map(|told| told.problem).collect();
    assert_eq!(problems, faults.map(|(_, kind)| kind));
    assert_eq!(told[5].problem, None);
}

#[tokio::test]
async fn every_other_refusal_is_final() {
    for (fault, kind) in [
        (Fault::error(404, "E011008", "no such project"), ErrorKind::NotFound),
        (Fault::error(401, "E062504", "token"), ErrorKind::Expired),
        (Fault::error(401, "E111119", "no"), ErrorKind::Unauthorized),
        (Fault::error(400, "E011001", "bad"), ErrorKind::InvalidArgument),
        (Fault::error(400, "E063010", "gone"), ErrorKind::Expired),
        (Fault::error(501, "E011001", "not emulated"), ErrorKind::Unsupported),
    ] {
        let waiting = Waiting::start().await;
        waiting.fail(fault.clone());
        let (outcome, told, _) = waiting.clicked_after(1).await;
        assert_eq!(outcome.unwrap_err().kind(), kind, "{fault:?}");
        assert_eq!((waiting.answers().len(), told.len()), (1, 0), "{fault:?}");
    }
}

#[tokio::test]
async fn what_somebody_else_answers_does_not_end_the_wait() {
    for (fault, kind) in [
        (Fault::status(400), ErrorKind::Intercepted),
        (Fault::status(401), ErrorKind::Intercepted),
        (Fault::status(403), ErrorKind::Intercepted),
        (Fault::status(404), ErrorKind::Intercepted),
        (Fault::status(405), ErrorKind::Intercepted),
        (Fault::status(407), ErrorKind::Intercepted),
        (Fault::status(451), ErrorKind::Intercepted),
        (Fault::status(408), ErrorKind::Timeout),
        (Fault::status(501), ErrorKind::Server),
        (Fault::body(403, "application/json", r#"{"message":"Forbidden"}"#), ErrorKind::Intercepted),
        (Fault::body(200, "text/html", "<html>"), ErrorKind::Intercepted),
        (Fault::redirect("https://elsewhere.example.com"), ErrorKind::Intercepted),
    ] {
        let waiting = Waiting::start().await;
        waiting.fail(fault.clone());
        let (outcome, told, _) = waiting.clicked_after(1).await;
        outcome.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(told[0].problem, Some(kind), "{fault:?}");
    }
}

#[tokio::test]
async fn pending_is_told_by_its_code_whatever_the_status() {
    let waiting = Waiting::start().await;
    waiting.fail(Fault::error(400, "E062503", "pending"));
    let (ada, told, _) = waiting.clicked_after(1).await;
    ada.unwrap();
    assert_eq!(told[0].problem, None);
}

#[tokio::test]
async fn a_link_that_expires_meanwhile_ends_the_wait() {
    let waiting = Waiting::start().await;
    let log = Log::default();
    let options = log.options(PollOptions::new());
    let outcome = pumped(&log, waiting.pending.wait_with(&options), async |attempts| {
        if attempts == 3 {
            waiting.world.wait(180);
        }
    })
    .await;
    refused(outcome, ErrorKind::Expired, 400, "E063010");
    assert_eq!(waiting.answers().len(), 4);
}

#[tokio::test]
async fn the_deadline_is_kept_and_told() {
    let waiting = Waiting::start().await;
    for (options, seconds) in [(PollOptions::new(), 600), (PollOptions::new().deadline(Duration::from_secs(20)), 20)] {
        let before = waiting.answers().len();
        let log = Log::default();
        let options = log.options(options);
        let error = pumped(&log, waiting.pending.wait_with(&options), async |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.operation(), Some("enchanted_link_pending_session"));
        assert!(!error.is_retryable() && !error.is_pending());
        let waited = error.waited().expect("how long it was waited");
        assert!(waited.elapsed.abs_diff(Duration::from_secs(seconds)) < Duration::from_secs(1), "{waited:?}");
        assert_eq!(waited.attempts as usize, waiting.answers().len() - before);
        assert!(u64::from(waited.attempts) > seconds * 3 / 4 && u64::from(waited.attempts) <= seconds);
        assert!(std::error::Error::source(&error).is_none(), "the last answer was no failure");
    }
}

#[tokio::test]
async fn the_deadline_tells_the_failure_that_kept_coming() {
    let waiting = Waiting::start().await;
    waiting.fail(Fault::status(503).times(100));
    let log = Log::default();
    let options = log.options(PollOptions::new().deadline(Duration::from_secs(5)));
    let error = pumped(&log, waiting.pending.wait_with(&options), async |_| {}).await.unwrap_err();
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Error>()).unwrap();
    assert_eq!(source.kind(), ErrorKind::Server);
}

#[tokio::test]
async fn a_request_without_an_answer_is_cut_at_the_deadline() {
    let waiting = Waiting::start().await;
    waiting.fail(Fault::hang());
    let options = PollOptions::new().deadline(Duration::from_secs(30));
    let mut wait = pin!(waiting.pending.wait_with(&options));
    tokio::time::pause();
    let cut = async {
        while waiting.answers().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(Duration::from_secs(31)).await;
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        outcome = &mut wait => outcome.unwrap_err(),
        () = cut => unreachable!(),
    };
    assert_eq!((error.kind(), error.waited().unwrap().attempts), (ErrorKind::Timeout, 1));
}

#[tokio::test]
async fn a_request_that_times_out_is_asked_again() {
    let mut waiting = Waiting::start().await;
    let impatient = waiting.world.emulator.descope_builder().retry(RetryPolicy::none()).timeout(Duration::from_secs(4));
    waiting.world.descope = impatient.build().unwrap();
    waiting.pending = waiting.world.descope.enchanted_link().resume(waiting.pending.state().clone());
    waiting.fail(Fault::hang());
    waiting.click(&waiting.right).await.unwrap();
    let log = Log::default();
    let options = log.options(PollOptions::new());
    let hung = async {
        while waiting.answers().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(Duration::from_millis(4001)).await;
    };
    let (ada, ()) = pumped(&log, async { tokio::join!(waiting.pending.wait_with(&options), hung) }, async |_| {}).await;
    ada.unwrap();
    assert_eq!(log.told()[0].problem, Some(ErrorKind::Timeout));
}

#[tokio::test]
async fn dropping_the_wait_ends_it() {
    let waiting = Waiting::start().await;
    let log = Log::default();
    let options = log.options(PollOptions::new());
    {
        let wait = pin!(waiting.pending.wait_with(&options));
        let twice = async {
            while log.told().len() < 3 {
                tokio::task::yield_now().await;
            }
        };
        let both = async {
            tokio::select! {
                _ = wait => panic!("nobody has clicked"),
                () = twice => {}
            }
        };
        pumped(&log, both, async |_| {}).await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
    assert_eq!(waiting.answers().len(), 3);
    // And the sign-in is as good as before.
    waiting.click(&waiting.right).await.unwrap();
    assert!(waiting.pending.check().await.unwrap().is_some());
}

#[tokio::test]
async fn the_options_of_the_client_are_those_of_a_plain_wait() {
    let waiting = Waiting::start().await;
    let log = Log::default();
    let options = log.options(PollOptions::new().interval(Duration::from_secs(3)).deadline(Duration::from_secs(10)));
    let descope = waiting.world.emulator.descope_builder().poll(options).build().unwrap();
    let pending = descope.enchanted_link().resume(waiting.pending.state().clone());
    let error = pumped(&log, pending.wait(), async |_| {}).await.unwrap_err();
    assert_eq!(error.waited().unwrap().attempts as usize, log.told().len());
    assert!((3..=4).contains(&log.told().len()), "{:?}", log.told());
}

#[tokio::test]
async fn a_check_asks_once_and_does_not_wait() {
    let waiting = Waiting::start().await;
    assert!(waiting.pending.check().await.unwrap().is_none());
    assert!(waiting.pending.check().await.unwrap().is_none());
    waiting.fail(Fault::status(503));
    let error = waiting.pending.check().await.unwrap_err();
    assert!(error.is_retryable() && !error.is_pending());
    waiting.click(&waiting.right).await.unwrap();
    assert!(waiting.pending.check().await.unwrap().is_some());
    assert_eq!(waiting.answers().len(), 4);
}

#[tokio::test]
async fn a_session_whose_answer_is_lost_is_not_waited_for_until_the_deadline() {
    let waiting = Waiting::start().await;
    waiting.click(&waiting.right).await.unwrap();
    waiting.fail(Fault::status(502).after_handling());
    let (outcome, told, _) = waiting.clicked_after(9).await;
    refused(outcome, ErrorKind::Expired, 400, "E063010");
    assert_eq!(told[0].problem, Some(ErrorKind::Server));
}
