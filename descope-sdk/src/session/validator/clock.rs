//! The time of day that tokens are checked against.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Where a [`SessionValidator`](crate::session::SessionValidator) takes the time from: the system, or a function of yours.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use descope_sdk::session::Clock;
///
/// let noon = Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(1_750_000_000));
/// assert_eq!(noon.now(), UNIX_EPOCH + Duration::from_secs(1_750_000_000));
/// ```
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>);

impl Clock {
    /// The system's clock, the default.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that asks `now` each time. It is called on every validation and should be quick.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    /// The time this clock shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            None => SystemTime::now(),
            Some(now) => now(),
        }
    }

    /// Milliseconds since 1970; a clock before that shows 0, at which every token lies in the future.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now().duration_since(UNIX_EPOCH).map_or(0, millis)
    }
}

/// A duration in milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock(custom)" } else { "Clock(system)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_clocks_do_no_harm() {
        assert_eq!(Clock::from_fn(|| UNIX_EPOCH).now_ms(), 0);
        let before = UNIX_EPOCH.checked_sub(Duration::from_secs(1)).expect("a time before 1970");
        assert_eq!(Clock::from_fn(move || before).now_ms(), 0);
        assert_eq!(millis(Duration::MAX), i64::MAX);
        assert!(Clock::system().now_ms() > 1_700_000_000_000);
        assert_eq!(format!("{:?}", Clock::system()), "Clock(system)");
    }
}
