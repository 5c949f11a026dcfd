//! How long a stream of calls waits when the service asks for patience.

use std::time::Duration;

use crate::{Error, ErrorKind};

/// How often in a row one call waits.
const MAX_WAITS: u32 = 10;

/// The longest `Retry-After` that is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The waits of one call.
#[derive(Default)]
pub(crate) struct Patience {
    waits: u32,
}

impl Patience {
    /// Waits as long as the service asks for, if it refused the call by its rate limit and it makes sense to try again.
    /// Tells whether to.
    pub(crate) async fn waited(&mut self, error: &Error) -> bool {
        let limited = error.kind() == ErrorKind::RateLimited && self.waits < MAX_WAITS;
        let Some(wait) = error.retry_after().filter(|wait| limited && *wait <= LONGEST_WAIT) else { return false };
        self.waits += 1;
        tokio::time::sleep(wait).await;
        true
    }
}
