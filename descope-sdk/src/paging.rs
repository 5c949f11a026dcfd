//! Answers that come in pages: one of them, or their items one by one.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use crate::{ErrorKind, Result, error::Inner, patience::Patience};

/// Items of a page, unless a stream is told otherwise.
const PAGE_SIZE: u32 = 100;

/// A search whose answer comes in pages. Implemented by the builders of such searches, for [`Items`].
pub trait Paged: Clone + Send + Sync + Unpin + 'static {
    /// What a page holds.
    type Item: Send + Unpin + 'static;

    /// Asks for one page, counted from 0, of at most `size` items.
    fn fetch(self, page: i64, size: i64) -> impl Future<Output = Result<Page<Self::Item>>> + Send;
}

/// One page of an answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// How many items there are on all pages together, where the service says so.
    pub total: Option<u64>,
    operation: &'static str,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, total: Option<i64>, operation: &'static str) -> Self {
        Self { items, total: total.and_then(|total| u64::try_from(total).ok()), operation }
    }
}

/// How many items a search finds, by a page of one.
pub(crate) async fn count<P: Paged>(search: P) -> Result<u64> {
    let page = search.fetch(0, 1).await?;
    page.total.ok_or_else(|| {
        let detail = Some("the answer does not say how many there are".into());
        Inner { operation: Some(page.operation), detail, ..Inner::of(ErrorKind::Decode) }.into()
    })
}

/// A page that is on its way.
type Fetching<T> = Pin<Box<dyn Future<Output = Result<Page<T>>> + Send>>;

/// The items of a search, one after the other. From `stream` of the search.
///
/// It is lazy: a page is asked for when the one before it is used up, so memory does not grow with the number of items. When
/// the service asks for patience by `Retry-After`, it is waited for. Any other error is an item; polled again after it, the
/// stream asks for the same page again, and no item is given twice.
///
/// The service has no cursors: who adds or removes items meanwhile can shift others over the edge of a page.
///
/// It is a [`Stream`](futures_core::Stream), and [`next`](Self::next) needs no further crate.
#[must_use = "nothing is asked for before the stream is polled"]
pub struct Items<P: Paged> {
    search: P,
    size: u32,
    number: i64,
    ready: VecDeque<P::Item>,
    fetching: Option<Fetching<P::Item>>,
    done: bool,
}

impl<P: Paged> Items<P> {
    pub(crate) fn new(search: P) -> Self {
        Self { search, size: PAGE_SIZE, number: 0, ready: VecDeque::new(), fetching: None, done: false }
    }

    /// How many items are asked for at a time, from 1; 100 unless set. It has to be set before the first item is taken.
    pub fn page_size(mut self, size: u32) -> Self {
        if self.number == 0 && self.fetching.is_none() {
            self.size = size.max(1);
        }
        self
    }

    /// The next item; `None` behind the last.
    ///
    /// # Errors
    ///
    /// As for one page of the search.
    pub async fn next(&mut self) -> Option<Result<P::Item>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All of them at once, in memory.
    ///
    /// # Errors
    ///
    /// As for one page of the search.
    pub async fn collect(mut self) -> Result<Vec<P::Item>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }
}

impl<P: Paged> Stream for Items<P> {
    type Item = Result<P::Item>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            if this.done {
                return Poll::Ready(None);
            }
            let (search, number, size) = (&this.search, this.number, i64::from(this.size));
            let fetching = this.fetching.get_or_insert_with(|| Box::pin(patiently(search.clone(), number, size)));
            let fetched = ready!(fetching.as_mut().poll(context));
            this.fetching = None;
            let page = match fetched {
                Ok(page) => page,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            this.number += 1;
            // A short page is the last one, whatever the total says.
            let seen = u64::try_from(this.number * size).unwrap_or(u64::MAX);
            let short = u64::try_from(page.items.len()).is_ok_and(|length| length < u64::from(this.size));
            this.done = short || page.total.is_some_and(|total| total <= seen);
            this.ready.extend(page.items);
        }
    }
}

/// One page, when the rate limit allows it.
async fn patiently<P: Paged>(search: P, number: i64, size: i64) -> Result<Page<P::Item>> {
    let mut patience = Patience::default();
    loop {
        match search.clone().fetch(number, size).await {
            Err(error) => {
                if !patience.waited(&error).await {
                    return Err(error);
                }
            }
            fetched => return fetched,
        }
    }
}
