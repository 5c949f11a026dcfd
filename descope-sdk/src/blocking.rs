//! Every call of this crate for code that is not async: [`Wait::wait`] in the place of `.await`.
//!
//! ```
//! use descope_sdk::blocking::Wait as _;
//! # use descope_sdk::LoginId;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let emulator = tokio::runtime::Runtime::new()?;
//! # let running = emulator.block_on(descope_emulator::Emulator::builder().start())?;
//! # let descope = running.descope()?;
//! let pending = descope.otp().email("ada@example.com").sign_up().send().wait()?;
//! # let code = emulator.block_on(running.inbox().next("ada@example.com")).code.unwrap_or_default();
//! let ada = pending.verify(code).wait()?;
//! # assert!(ada.first_seen());
//! # #[cfg(feature = "management")]
//! let loaded = descope.management().users().load(LoginId::new("ada@example.com")).send().wait()?;
//! # Ok(())
//! # }
//! ```
//!
//! The calls run on one runtime that all threads share; it begins with the first call.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::OnceLock,
};

use futures_core::Stream;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, Result};

static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();

/// Waits for a call on the thread that makes it.
pub trait Wait<T>: Future<Output = Result<T>> + Sized {
    /// The outcome of the call.
    ///
    /// # Errors
    ///
    /// - [`Configuration`](crate::ErrorKind::Configuration): this thread is one of an async runtime, which must not wait:
    ///   `.await` the call there. Or the runtime of this crate cannot be started.
    /// - As the call itself.
    fn wait(self) -> Result<T> {
        runtime()?.block_on(self)
    }
}

impl<T, F: Future<Output = Result<T>>> Wait<T> for F {}

/// The items of a stream, such as the `Items` of a search or a `Batch`, on the thread
/// that takes them.
///
/// ```
/// # use descope_sdk::management::user::UserBatchCreateEntry;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = tokio::runtime::Runtime::new()?;
/// # let running = emulator.block_on(descope_emulator::Emulator::builder().start())?;
/// # let descope = running.descope()?;
/// let users = (0..3).map(|n| UserBatchCreateEntry::new(format!("user{n}")));
/// for item in descope_sdk::blocking::each(descope.management().users().create_many(users, |call| call))? {
///     println!("{}: {}", item.input.login_id, item.result.is_ok());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Configuration`](crate::ErrorKind::Configuration): as for [`Wait::wait`].
pub fn each<S: Stream + Unpin>(mut stream: S) -> Result<impl Iterator<Item = S::Item>> {
    let runtime = runtime()?;
    Ok(std::iter::from_fn(move || runtime.block_on(poll_fn(|context| Pin::new(&mut stream).poll_next(context)))))
}

fn runtime() -> Result<&'static Runtime> {
    let refuse = |why: String| Error::configuration("blocking", why);
    if Handle::try_current().is_ok() {
        return Err(refuse("`wait` was called on a thread of an async runtime: use `.await` there".to_owned()));
    }
    let runtime = RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_all().build());
    runtime.as_ref().map_err(|error| refuse(format!("no runtime can be started: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Descope, ErrorKind};

    #[test]
    fn waiting_gives_the_outcome() {
        assert_eq!(async { Ok(7) }.wait().unwrap(), 7);
        let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij").build().unwrap();
        let refused = descope.otp().email("").sign_in().send().wait().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        let threads: Vec<_> = (0..8).map(|n| std::thread::spawn(move || async move { Ok(n) }.wait())).collect();
        let outcomes: Vec<i32> = threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
        assert_eq!(outcomes, (0..8).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn waiting_inside_of_a_runtime_is_an_error_and_no_panic() {
        let error = async { Ok(()) }.wait().unwrap_err();
        assert_eq!((error.kind(), error.argument()), (ErrorKind::Configuration, Some("blocking")));
    }
}
