//! Any number of things, sent in chunks: the outcome of each comes back in the order in which they were given.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{Error, ErrorKind, Result, error::Inner, patience::Patience};

/// Items of a chunk, unless told otherwise.
const CHUNK_SIZE: usize = 100;

/// Chunks that are under way at a time, unless told otherwise.
const CONCURRENCY: usize = 2;

/// What became of the items of one chunk, in their order.
pub(crate) type Outcomes<O> = Result<Vec<Result<O>>>;

type Sending<I, O> = Pin<Box<dyn Future<Output = (Arc<[I]>, Outcomes<O>)> + Send>>;
type SendChunk<I, O> = Arc<dyn Fn(Arc<[I]>) -> Pin<Box<dyn Future<Output = Outcomes<O>> + Send>> + Send + Sync>;
type OnProgress = Box<dyn FnMut(&BatchProgress) + Send>;

/// Any number of things that are sent in chunks. Nothing is sent before it is polled.
///
/// It takes its items from an iterator as it needs them, so that memory does not grow with their number, and keeps a few
/// chunks under way at a time. The outcomes come in the order of the items: whoever has taken *n* of them can continue
/// later with the same items and [`start_at`](Self::start_at) of *n*.
///
/// - **A chunk is sent once.** What the rate limit refuses is sent again when `Retry-After` allows it, because it has not been
///   carried out. When an answer gets lost, nobody knows whether the chunk was: each of its items ends with the error, and
///   [`BatchItem::is_unsettled`] tells them from those that were refused.
/// - **A failure is a failure**: the service answers 200 when it has taken some of the items and not others; those end with an
///   error that has its words.
///
/// It is a [`Stream`](futures_core::Stream), and [`next`](Self::next) needs no further crate.
#[must_use = "nothing is sent before the stream is polled"]
pub struct Batch<I, O> {
    source: Box<dyn Iterator<Item = I> + Send>,
    send: SendChunk<I, O>,
    chunk_size: usize,
    concurrency: usize,
    /// How many items are skipped before the first chunk.
    skip: usize,
    /// The number of the next item that comes out.
    number: usize,
    started: bool,
    exhausted: bool,
    under_way: VecDeque<Flight<I, O>>,
    ready: VecDeque<(I, Result<O>)>,
    progress: BatchProgress,
    on_progress: Option<OnProgress>,
}

/// A chunk that is under way, or has come back before those in front of it.
enum Flight<I, O> {
    Sent(Sending<I, O>),
    Back(Arc<[I]>, Outcomes<O>),
}

/// One item of a batch, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchItem<I, O> {
    /// Its place among all items, from 0.
    pub number: usize,
    /// The item as it was given.
    pub input: I,
    /// What the service made of it, or why it was not done.
    pub result: Result<O>,
}

impl<I, O> BatchItem<I, O> {
    /// Whether nobody knows if it was done: the answer got lost, or somebody else gave it. Look before you send it again.
    pub fn is_unsettled(&self) -> bool {
        self.result.as_ref().is_err_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::Network
                    | ErrorKind::Timeout
                    | ErrorKind::Server
                    | ErrorKind::Intercepted
                    | ErrorKind::Decode
            )
        })
    }
}

/// How a batch is coming along, reported after every chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchProgress {
    /// Items that are settled, those that were skipped included.
    pub done: usize,
    /// Those of them that ended with an error.
    pub failed: usize,
}

impl<I, O> Batch<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    pub(crate) fn new<S, F>(items: impl IntoIterator<Item = I, IntoIter: Send + 'static>, send: S) -> Self
    where
        S: Fn(Arc<[I]>) -> F + Send + Sync + 'static,
        F: Future<Output = Outcomes<O>> + Send + 'static,
    {
        Self {
            source: Box::new(items.into_iter()),
            send: Arc::new(move |chunk| Box::pin(send(chunk))),
            chunk_size: CHUNK_SIZE,
            concurrency: CONCURRENCY,
            skip: 0,
            number: 0,
            started: false,
            exhausted: false,
            under_way: VecDeque::new(),
            ready: VecDeque::new(),
            progress: BatchProgress::default(),
            on_progress: None,
        }
    }

    /// How many items go into one call, from 1; 100 unless set.
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.chunk_size = items.max(1);
        self
    }

    /// How many calls are under way at a time, from 1; 2 unless set.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls.max(1);
        self
    }

    /// Skips the first items, which are settled: the numbers of the others stay what they are.
    pub fn start_at(mut self, number: usize) -> Self {
        if !self.started {
            self.skip = number;
        }
        self
    }

    /// Called after every chunk, in the task that polls; it should return soon.
    pub fn on_progress(mut self, callback: impl FnMut(&BatchProgress) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }

    /// The next item with its outcome; `None` behind the last.
    pub async fn next(&mut self) -> Option<BatchItem<I, O>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// Sends all of them and gives those that failed.
    pub async fn failures(mut self) -> Vec<BatchItem<I, O>> {
        let mut failures = Vec::new();
        while let Some(item) = self.next().await {
            if item.result.is_err() {
                failures.push(item);
            }
        }
        failures
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<BatchItem<I, O>>> {
        loop {
            if let Some((input, result)) = self.ready.pop_front() {
                let number = self.number;
                self.number += 1;
                return Poll::Ready(Some(BatchItem { number, input, result }));
            }
            self.fill();
            if self.under_way.is_empty() {
                return Poll::Ready(None);
            }
            for flight in &mut self.under_way {
                if let Flight::Sent(sending) = flight
                    && let Poll::Ready((chunk, outcomes)) = sending.as_mut().poll(context)
                {
                    *flight = Flight::Back(chunk, outcomes);
                }
            }
            if !matches!(self.under_way.front(), Some(Flight::Back(..))) {
                return Poll::Pending;
            }
            if let Some(Flight::Back(chunk, outcomes)) = self.under_way.pop_front() {
                self.settle(&chunk, outcomes);
            }
        }
    }

    /// Begins calls until enough of them are under way.
    fn fill(&mut self) {
        if !self.started {
            self.started = true;
            let skipped = self.source.by_ref().take(self.skip).count();
            (self.number, self.progress.done) = (skipped, skipped);
        }
        while self.under_way.len() < self.concurrency && !self.exhausted {
            let chunk: Arc<[I]> = self.source.by_ref().take(self.chunk_size).collect();
            // A short chunk is the last: the iterator is not asked again.
            self.exhausted = chunk.len() < self.chunk_size;
            if !chunk.is_empty() {
                let send = Arc::clone(&self.send);
                self.under_way.push_back(Flight::Sent(Box::pin(async move {
                    let outcomes = patiently(&send, &chunk).await;
                    (chunk, outcomes)
                })));
            }
        }
    }

    fn settle(&mut self, chunk: &[I], outcomes: Outcomes<O>) {
        let mut outcomes = match outcomes {
            Ok(outcomes) => outcomes.into_iter(),
            Err(error) => chunk.iter().map(|_| Err(error.clone())).collect::<Vec<_>>().into_iter(),
        };
        for input in chunk {
            let result = outcomes.next().unwrap_or_else(|| Err(unmentioned()));
            self.progress.done += 1;
            self.progress.failed += usize::from(result.is_err());
            self.ready.push_back((input.clone(), result));
        }
        if let Some(callback) = &mut self.on_progress {
            callback(&self.progress);
        }
    }
}

impl<I, O> Stream for Batch<I, O>
where
    I: Clone + Send + Sync + Unpin + 'static,
    O: Send + Unpin + 'static,
{
    type Item = BatchItem<I, O>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }
}

impl<I, O> fmt::Debug for Batch<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// Sends a chunk, again where the rate limit refused it: then nothing of it was carried out.
async fn patiently<I, O>(send: &SendChunk<I, O>, chunk: &Arc<[I]>) -> Outcomes<O> {
    let mut patience = Patience::default();
    loop {
        match send(Arc::clone(chunk)).await {
            Err(error) => {
                if !patience.waited(&error).await {
                    return Err(error);
                }
            }
            outcomes => return outcomes,
        }
    }
}

/// The answer does not say what became of an item.
pub(crate) fn unmentioned() -> Error {
    let detail = Some("the answer says nothing of this item".into());
    Inner { detail, ..Inner::of(ErrorKind::Decode) }.into()
}

/// An item that the service did not take while it took others.
pub(crate) fn refused(operation: &'static str, message: Option<String>) -> Error {
    let message = message.filter(|message| !message.is_empty());
    Inner { operation: Some(operation), message, ..Inner::of(ErrorKind::Api) }.into()
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use tokio::sync::oneshot;

    use super::*;

    /// Chunks that wait to be answered, and what they hold.
    type Waiting = Arc<Mutex<Vec<(Vec<u32>, oneshot::Sender<Outcomes<u32>>)>>>;

    /// A batch of the numbers from 0, each of which is answered with its tenfold when the test says so.
    fn batch(items: u32) -> (Batch<u32, u32>, Waiting) {
        let waiting = Waiting::default();
        let sent = Arc::clone(&waiting);
        let batch = Batch::new(0..items, move |chunk: Arc<[u32]>| {
            let (answer, answered) = oneshot::channel();
            sent.lock().unwrap().push((chunk.to_vec(), answer));
            async move { answered.await.expect("the test answers") }
        });
        (batch, waiting)
    }

    fn answer(waiting: &Waiting, index: usize) {
        let (chunk, answer) = waiting.lock().unwrap().remove(index);
        answer.send(Ok(chunk.into_iter().map(|item| Ok(item * 10)).collect())).unwrap();
    }

    fn chunks(waiting: &Waiting) -> Vec<Vec<u32>> {
        waiting.lock().unwrap().iter().map(|(chunk, _)| chunk.clone()).collect()
    }

    fn poll(batch: &mut Batch<u32, u32>) -> Poll<Option<(usize, u32)>> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        batch.poll_item(&mut context).map(|item| item.map(|item| (item.number, item.result.expect("good"))))
    }

    #[test]
    fn nothing_is_sent_before_it_is_polled_and_never_more_than_wanted() {
        let (batch, waiting) = batch(1000);
        let mut batch = batch.chunk_size(3).concurrency(2);
        assert_eq!(chunks(&waiting).len(), 0);
        assert!(poll(&mut batch).is_pending());
        assert_eq!(chunks(&waiting), [vec![0, 1, 2], vec![3, 4, 5]]);
        assert!(poll(&mut batch).is_pending());
        assert_eq!(chunks(&waiting).len(), 2);
    }

    #[test]
    fn outcomes_come_in_the_order_of_the_items_whichever_chunk_is_first_back() {
        let (batch, waiting) = batch(7);
        let mut batch = batch.chunk_size(2).concurrency(3);
        assert!(poll(&mut batch).is_pending());
        answer(&waiting, 2);
        answer(&waiting, 1);
        assert!(poll(&mut batch).is_pending(), "the first is not back");
        answer(&waiting, 0);
        for number in 0..6 {
            assert_eq!(poll(&mut batch), Poll::Ready(Some((number, u32::try_from(number).unwrap() * 10))));
        }
        assert!(poll(&mut batch).is_pending());
        assert_eq!(chunks(&waiting), [vec![6]], "the rest is sent by then, as a short chunk");
        answer(&waiting, 0);
        assert_eq!(poll(&mut batch), Poll::Ready(Some((6, 60))));
        assert_eq!(poll(&mut batch), Poll::Ready(None));
        assert_eq!(poll(&mut batch), Poll::Ready(None));
    }

    #[test]
    fn it_goes_on_where_it_was_left() {
        for (start, first) in [(0, 0), (3, 3), (6, 6), (7, 7), (100, 7)] {
            let (batch, waiting) = batch(7);
            let mut batch = batch.chunk_size(10).start_at(start);
            if first == 7 {
                assert_eq!(poll(&mut batch), Poll::Ready(None));
                continue;
            }
            assert!(poll(&mut batch).is_pending());
            answer(&waiting, 0);
            assert_eq!(poll(&mut batch), Poll::Ready(Some((first, u32::try_from(first).unwrap() * 10))));
        }
    }

    #[tokio::test]
    async fn a_chunk_that_fails_fails_each_of_its_items_and_no_other() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let batch = Batch::new(0..5_u32, |chunk: Arc<[u32]>| async move {
            if chunk.contains(&2) {
                return Err(Inner::of(ErrorKind::Network).into());
            }
            // One that the answer does not mention.
            Ok(chunk.iter().filter(|item| **item != 1).map(|item| Ok(*item)).collect())
        });
        let mut batch = batch.chunk_size(2).on_progress(move |progress| tell.lock().unwrap().push(*progress));
        let mut items = Vec::new();
        while let Some(item) = batch.next().await {
            items.push((item.input, item.is_unsettled(), item.result.map_err(|error| error.kind())));
        }
        let (lost, silent) = (Err(ErrorKind::Network), Err(ErrorKind::Decode));
        let expected = [(0, false, Ok(0)), (1, true, silent), (2, true, lost), (3, true, lost), (4, false, Ok(4))];
        assert_eq!(items, expected);
        let told: Vec<_> = told.lock().unwrap().iter().map(|progress| (progress.done, progress.failed)).collect();
        assert_eq!(told, [(2, 1), (4, 3), (5, 3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_rate_limit_refuses_is_sent_again_and_nothing_else() {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let count = Arc::clone(&calls);
        let batch = Batch::new(0..2_u32, move |chunk: Arc<[u32]>| {
            let calls = Arc::clone(&count);
            async move {
                let mut calls = calls.lock().unwrap();
                calls.push(chunk[0]);
                let kind = if calls.len() == 1 { ErrorKind::RateLimited } else { ErrorKind::Server };
                let retry_after = Some(Duration::from_secs(60));
                if chunk[0] == 0 { Err(Inner { retry_after, ..Inner::of(kind) }.into()) } else { Ok(vec![Ok(())]) }
            }
        });
        let before = tokio::time::Instant::now();
        let failures = batch.chunk_size(1).concurrency(1).failures().await;
        assert_eq!(failures.iter().map(|item| item.number).collect::<Vec<_>>(), [0]);
        assert_eq!(failures[0].result.as_ref().unwrap_err().kind(), ErrorKind::Server);
        assert_eq!(*calls.lock().unwrap(), [0, 0, 1]);
        assert!(before.elapsed() >= Duration::from_secs(60));
    }
}
