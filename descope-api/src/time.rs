//! Numbers that are times, for the accessors of generated types. What cannot be told as one is nothing.

use std::time::{Duration, SystemTime};

/// - `number`: counted from 1970. The service writes 0 for a time that is not set.
/// - `unit`: makes a duration of it.
pub(crate) fn moment(number: Option<i64>, unit: fn(u64) -> Duration) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(span(number, unit).filter(|since| !since.is_zero())?)
}

pub(crate) fn span(number: Option<i64>, unit: fn(u64) -> Duration) -> Option<Duration> {
    number.and_then(|number| u64::try_from(number).ok()).map(unit)
}
