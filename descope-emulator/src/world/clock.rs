//! The emulator's idea of the time: the computer's clock plus whatever a test has added to it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::admin::events::Events;

/// The clock that codes, links and tokens expire by. Clones share one clock.
///
/// It runs with the computer's clock until a test moves, sets or stops it, so that expiry can be seen without waiting.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), descope_emulator::StartError> {
/// use std::time::Duration;
///
/// let emulator = descope_emulator::Emulator::builder().start().await?;
/// let clock = emulator.clock();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3600));
/// assert!(clock.now() >= before + 3600);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    time: Arc<Mutex<Time>>,
    /// Those who are told that it shows another time than was to be expected.
    events: Events,
}

/// What the clock shows.
#[derive(Clone, Copy, Debug)]
enum Time {
    /// The computer's time and so many milliseconds.
    Running { ahead: i64 },
    /// Always the same, in milliseconds since 1970.
    Frozen { at: i64 },
}

impl Default for Time {
    fn default() -> Self {
        Self::Running { ahead: 0 }
    }
}

impl Clock {
    /// One that tells when it is set, moved or stopped.
    pub(crate) fn with_events(events: Events) -> Self {
        Self { events, ..Self::default() }
    }

    /// The emulator's time in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.millis().div_euclid(1000)
    }

    fn millis(&self) -> i64 {
        match *self.time() {
            Time::Running { ahead } => system_millis() + ahead,
            Time::Frozen { at } => at,
        }
    }

    /// Moves the clock on by `by`. Everything that would have expired in that time is expired.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(FARTHEST);
        self.change(|time| match time {
            Time::Running { ahead } => *ahead = ahead.saturating_add(by).min(FARTHEST),
            Time::Frozen { at } => *at = at.saturating_add(by).min(FARTHEST),
        });
    }

    /// Sets the clock to a time, in seconds since 1970, forwards or backwards. It runs on from there unless it stands
    /// still.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), descope_emulator::StartError> {
    /// let emulator = descope_emulator::Emulator::builder().start().await?;
    /// emulator.clock().freeze();
    /// emulator.clock().set(1_900_000_000);
    /// assert_eq!(emulator.clock().now(), 1_900_000_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set(&self, epoch_seconds: i64) {
        let wanted = epoch_seconds.clamp(0, FARTHEST / 1000) * 1000;
        self.change(|time| match time {
            Time::Running { ahead } => *ahead = wanted - system_millis(),
            Time::Frozen { at } => *at = wanted,
        });
    }

    /// Stops the clock. It can still be set and moved on.
    pub fn freeze(&self) {
        let at = self.millis();
        self.change(|time| *time = Time::Frozen { at });
    }

    /// Lets a stopped clock run again, from the time that it shows.
    pub fn unfreeze(&self) {
        let ahead = self.millis() - system_millis();
        self.change(|time| *time = Time::Running { ahead });
    }

    /// Whether the clock stands still.
    pub fn is_frozen(&self) -> bool {
        matches!(*self.time(), Time::Frozen { .. })
    }

    /// How many seconds it is ahead of the computer's time.
    pub(crate) fn ahead(&self) -> i64 {
        (self.millis() - system_millis()) / 1000
    }

    /// Goes back to the computer's time.
    pub(crate) fn reset(&self) {
        self.change(|time| *time = Time::default());
    }

    fn change(&self, change: impl FnOnce(&mut Time)) {
        change(&mut self.time());
        self.events.change("clock", None);
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The computer's time in seconds since 1970.
pub(crate) fn system_now() -> i64 {
    system_millis().div_euclid(1000)
}

/// Four thousand years: far more than a test needs, and no date arithmetic can overflow with it.
const FARTHEST: i64 = 4000 * 365 * 24 * 3600 * 1000;

fn system_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}

/// Writes epoch seconds as RFC 3339 in UTC, such as `2026-03-01T12:00:00Z`.
pub(crate) fn rfc3339(epoch: i64) -> String {
    let (days, rest) = (epoch.div_euclid(86_400), epoch.rem_euclid(86_400));
    // Days since 0000-03-01; a year that begins in March has its leap day at the end.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_699_383_029), "2023-11-07T18:50:29Z");
        assert_eq!(rfc3339(4_107_542_399), "2100-02-28T23:59:59Z");
    }

    #[test]
    fn advancing_cannot_overflow() {
        let clock = Clock::default();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now() > 0);
        clock.reset();
        assert!(clock.now() < 100_000_000_000);
    }

    #[test]
    fn a_stopped_clock_can_be_set_moved_and_started_again() {
        let clock = Clock::default();
        clock.freeze();
        clock.set(1_000_000);
        clock.advance(Duration::from_secs(5));
        assert_eq!((clock.now(), clock.is_frozen()), (1_000_005, true));
        clock.unfreeze();
        assert!((1_000_005..1_000_100).contains(&clock.now()) && !clock.is_frozen());
        clock.set(-5);
        assert!((0..100).contains(&clock.now()));
        clock.set(i64::MAX);
        assert!(clock.now() > 0);
    }
}
