//! Waiting for something that the user does elsewhere: one loop for every waiting endpoint.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{Error, Result, error::Waited};

/// How to wait for a user to act, for example to click an enchanted link.
///
/// ```
/// use std::time::Duration;
/// use descope_sdk::PollOptions;
///
/// let options = PollOptions::new()
///     .interval(Duration::from_secs(2))
///     .deadline(Duration::from_secs(120))
///     .on_progress(|progress| println!("asked {} times", progress.attempts));
/// # let _ = options;
/// ```
#[derive(Clone)]
#[must_use]
pub struct PollOptions {
    interval: Duration,
    deadline: Duration,
    on_progress: Option<OnProgress>,
}

type OnProgress = Arc<dyn Fn(&Progress<'_>) + Send + Sync>;

/// How a wait is coming along, reported after every request that did not end it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Requests made so far.
    pub attempts: u32,
    /// Time since the wait began.
    pub elapsed: Duration,
    /// Time until the next request, or until the deadline if that comes first.
    pub next_in: Duration,
    /// The failure of the last request, when it did not simply say "still pending". It will be tried again.
    pub problem: Option<&'a Error>,
}

impl PollOptions {
    /// Every second, for ten minutes at most.
    pub fn new() -> Self {
        Self { interval: MIN_INTERVAL, deadline: Duration::from_secs(600), on_progress: None }
    }

    /// Time between two requests. One second unless set, which is also the least: shorter times count as one
    /// second. Up to a quarter is added at random, so that many waiting clients do not ask in step.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(MIN_INTERVAL);
        self
    }

    /// How long to wait altogether. Ten minutes unless set. No request begins or goes on after it.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Called after every request that did not end the wait, in the task that waits; it should return soon.
    pub fn on_progress(mut self, callback: impl Fn(&Progress<'_>) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(callback));
        self
    }
}

impl Default for PollOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PollOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollOptions")
            .field("interval", &self.interval)
            .field("deadline", &self.deadline)
            .field("on_progress", &self.on_progress.is_some())
            .finish()
    }
}

/// Asks until the answer is neither "pending" nor a transient failure, or the deadline comes.
///
/// The first request is made at once and there is never more than one under way. Dropping the future ends the
/// wait. Transient failures are retried: the user may be clicking while the network is away.
pub(crate) async fn until_ready<T, F>(
    operation: &'static str,
    options: &PollOptions,
    mut check: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let start = Instant::now();
    // An absurdly long deadline is as good as none.
    let deadline =
        start.checked_add(options.deadline).unwrap_or_else(|| start + Duration::from_secs(86_400 * 365 * 30));
    let mut attempts = 0;
    let mut last = None;

    while Instant::now() < deadline {
        attempts += 1;
        let Ok(answer) = timeout_at(deadline, check()).await else {
            break;
        };
        let error = match answer {
            Ok(value) => return Ok(value),
            Err(error) if error.is_pending() || error.is_retryable() => error,
            Err(error) => return Err(error),
        };
        let now = Instant::now();
        let delay = jittered(options.interval).max(error.retry_after().unwrap_or_default());
        let delay = delay.min(deadline.saturating_duration_since(now));
        let problem = (!error.is_pending()).then_some(error);
        if let Some(callback) = &options.on_progress {
            callback(&Progress { attempts, elapsed: now - start, next_in: delay, problem: problem.as_ref() });
        }
        tracing::debug!(target: "descope", operation, attempts, failed = problem.is_some(), "still waiting");
        last = problem;
        sleep_until(now + delay).await;
    }
    let waited = Waited { elapsed: start.elapsed(), attempts };
    Err(Error::deadline(operation, waited, last))
}

/// Adds up to a quarter.
fn jittered(interval: Duration) -> Duration {
    interval.saturating_add(interval.mul_f64(rand::random_range(0.0..0.25)))
}

/// The service asks not to be polled faster.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;
    use crate::{ErrorCode, ErrorKind, error::Inner};

    const OPERATION: &str = "enchanted_link_pending_session";

    fn pending() -> Error {
        Inner { code: Some(ErrorCode::ENCHANTED_LINK_PENDING), ..Inner::of(ErrorKind::Pending) }.into()
    }

    fn failed(kind: ErrorKind, retry_after: Option<u64>) -> Error {
        Inner { retry_after: retry_after.map(Duration::from_secs), ..Inner::of(kind) }.into()
    }

    /// Answers from a script, one after the other, and keeps the time of each request.
    struct Script {
        start: Instant,
        times: Mutex<Vec<Duration>>,
        answers: Mutex<Vec<Result<&'static str>>>,
    }

    impl Script {
        fn new(answers: Vec<Result<&'static str>>) -> Self {
            let answers = Mutex::new(answers.into_iter().rev().collect());
            Self { start: Instant::now(), times: Mutex::default(), answers }
        }

        async fn run(&self, options: &PollOptions) -> Result<&'static str> {
            until_ready(OPERATION, options, async || {
                self.times.lock().unwrap().push(self.start.elapsed());
                self.answers.lock().unwrap().pop().unwrap_or_else(|| Err(pending()))
            })
            .await
        }

        fn gaps(&self) -> Vec<Duration> {
            self.times.lock().unwrap().windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn asks_at_once_and_then_about_every_second() {
        let script = Script::new(vec![Err(pending()), Err(pending()), Err(pending()), Ok("session")]);
        assert_eq!(script.run(&PollOptions::new()).await.unwrap(), "session");
        assert_eq!(script.times.lock().unwrap()[0], Duration::ZERO);
        assert_eq!(script.gaps().len(), 3);
        for gap in script.gaps() {
            assert!(gap >= Duration::from_secs(1) && gap < Duration::from_millis(1300), "{gap:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn never_asks_faster_than_once_a_second() {
        let script = Script::new(vec![Err(pending()), Ok("session")]);
        script.run(&PollOptions::new().interval(Duration::ZERO)).await.unwrap();
        assert!(script.gaps()[0] >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn outlives_failures_and_honours_retry_after() {
        let script = Script::new(vec![
            Err(failed(ErrorKind::Network, None)),
            Err(failed(ErrorKind::Server, None)),
            Err(failed(ErrorKind::RateLimited, Some(7))),
            Ok("session"),
        ]);
        script.run(&PollOptions::new()).await.unwrap();
        assert!(script.gaps()[2] >= Duration::from_secs(7));
        assert!(script.gaps()[1] < Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn any_other_refusal_is_final() {
        for kind in [ErrorKind::Unauthorized, ErrorKind::Expired, ErrorKind::Decode, ErrorKind::NotFound] {
            let script = Script::new(vec![Err(pending()), Err(failed(kind, None)), Ok("never")]);
            assert_eq!(script.run(&PollOptions::new()).await.unwrap_err().kind(), kind);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_is_kept_and_told() {
        let script = Script::new(vec![]);
        let options = PollOptions::new().deadline(Duration::from_secs(600));
        let error = script.run(&options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.operation(), Some(OPERATION));
        let waited = error.waited().unwrap();
        // The timer of the runtime works in whole milliseconds.
        assert!(waited.elapsed.abs_diff(Duration::from_secs(600)) <= Duration::from_millis(2));
        let times = script.times.lock().unwrap();
        assert_eq!(waited.attempts as usize, times.len());
        assert!(*times.last().unwrap() < Duration::from_secs(600));
        assert!((480..=600).contains(&times.len()), "{}", times.len());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_retry_after_ends_at_the_deadline() {
        let script = Script::new(vec![Err(failed(ErrorKind::RateLimited, Some(u64::MAX)))]);
        let options = PollOptions::new().deadline(Duration::from_secs(30));
        let error = script.run(&options).await.unwrap_err();
        assert_eq!(error.waited().unwrap().attempts, 1);
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<Error>().unwrap();
        assert_eq!(source.kind(), ErrorKind::RateLimited);
    }

    #[tokio::test(start_paused = true)]
    async fn request_that_hangs_is_cut_at_the_deadline() {
        let options = PollOptions::new().deadline(Duration::from_secs(5));
        let hanging = || std::future::pending::<Result<()>>();
        let error = until_ready(OPERATION, &options, hanging).await.unwrap_err();
        assert_eq!(error.waited().unwrap().attempts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_means_no_request_and_endless_time_no_overflow() {
        let script = Script::new(vec![]);
        let error = script.run(&PollOptions::new().deadline(Duration::ZERO)).await.unwrap_err();
        assert_eq!(error.waited().unwrap().attempts, 0);
        let script = Script::new(vec![Err(pending()), Ok("session")]);
        let options = PollOptions::new().deadline(Duration::MAX).interval(Duration::from_secs(3600));
        script.run(&options).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_told_and_dropping_cancels() {
        let seen = Arc::new(AtomicU32::new(0));
        let inside = Arc::clone(&seen);
        let options = PollOptions::new().on_progress(move |progress| {
            assert!(progress.problem.is_none());
            assert!(progress.next_in >= Duration::from_secs(1));
            inside.store(progress.attempts, Ordering::Relaxed);
        });
        let script = Script::new(vec![]);
        let cut = tokio::time::timeout(Duration::from_millis(1900), script.run(&options)).await;
        assert!(cut.is_err());
        assert_eq!(seen.load(Ordering::Relaxed), 2);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(script.times.lock().unwrap().len(), 2);
    }
}
