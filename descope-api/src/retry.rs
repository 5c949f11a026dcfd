//! When a failed call is repeated.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use rand::RngExt as _;
use reqwest::Response;

use crate::Retry;

/// When and how often a failed call is repeated.
///
/// What may be repeated follows from the operation's [`Retry`] class. An operation that sends a message or redeems a
/// code is only repeated when the first attempt cannot have reached the service: no connection, or one of the
/// statuses 429, 503, 521, 522 and 530. The others are also repeated after a broken connection and after 502, 504,
/// 520 and 524. Timeouts are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts after the first one. 3 unless set; 0 switches retries off.
    pub max_retries: u32,
    /// Wait before the first repetition; doubled each time, and shortened by up to half at random. 100 ms unless set.
    pub base_delay: Duration,
    /// Longest wait between two attempts. 5 seconds unless set.
    pub max_delay: Duration,
    /// A `Retry-After` up to this long is waited for; a longer one is left to the caller. 10 seconds unless set.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 3,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            max_retry_after: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// Every call is made once.
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// The wait before attempt `attempt` + 1, or `None` to give up.
    pub(crate) fn delay(&self, class: Retry, attempt: u32, result: &reqwest::Result<Response>) -> Option<Duration> {
        if attempt >= self.max_retries || !may_repeat(class, result) {
            return None;
        }
        if let Some(wait) = result.as_ref().ok().and_then(|response| retry_after(response.headers())) {
            return (wait <= self.max_retry_after).then_some(wait);
        }
        if matches!(result, Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS) {
            // Without a `Retry-After` nobody knows when the limit ends; guessing would only prolong it.
            return None;
        }
        let full = self.base_delay.saturating_mul(1 << attempt.min(16)).min(self.max_delay);
        Some(full.mul_f64(rand::rng().random_range(0.5..=1.0)))
    }
}

fn may_repeat(class: Retry, result: &reqwest::Result<Response>) -> bool {
    let harmless = class != Retry::Never;
    match result {
        Ok(response) => match response.status().as_u16() {
            429 | 503 | 521 | 522 | 530 => true,
            502 | 504 | 520 | 524 => harmless,
            _ => false,
        },
        Err(error) if error.is_connect() => true,
        Err(error) => harmless && !error.is_timeout() && !error.is_builder(),
    }
}

/// How long the service wants to be left alone: `Retry-After` in seconds, whole or not, or as a date.
///
/// The longest counts where there are several, in lines of their own or joined by commas; a date that has passed is a
/// wait of nothing.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let now = SystemTime::now();
    let values = headers.get_all(header::RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|value| longest(value, now)).max()
}

/// A date has a comma itself, so the whole is tried first.
fn longest(value: &str, now: SystemTime) -> Option<Duration> {
    wait(value.trim(), now).or_else(|| value.split(',').filter_map(|part| wait(part.trim(), now)).max())
}

fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(date) = httpdate::parse_http_date(value) {
        return Some(date.duration_since(now).unwrap_or_default());
    }
    if !value.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    // More seconds than any wait may last are as good as the most.
    value
        .parse::<f64>()
        .ok()
        .filter(|seconds| seconds.is_finite())
        .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_every_form() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 10:00:00 GMT").expect("a date");
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (value, expected) in [
            ("7", seconds(7)),
            ("0", seconds(0)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("18446744073709551615", seconds(u64::MAX)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("Wed, 25 Nov 2026 10:00:30 GMT", seconds(30)),
            ("Wednesday, 25-Nov-26 10:00:30 GMT", seconds(30)),
            ("Wed Nov 25 10:00:30 2026", seconds(30)),
            ("Wed, 25 Nov 2026 09:59:00 GMT", seconds(0)),
            ("-3", None),
            ("+3", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("", None),
            ("1e999", None),
            ("7 seconds", None),
        ] {
            let found = wait(value, now);
            let close = |a: Duration, b: Duration| a == b || a.as_secs_f64() / b.as_secs_f64() > 0.999;
            assert!(
                match (found, expected) {
                    (Some(found), Some(expected)) => close(found, expected),
                    (found, expected) => found == expected,
                },
                "{value}: {found:?}"
            );
        }
    }

    #[test]
    fn longest_of_several_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        for value in ["2", "never", "9"] {
            headers.append(header::RETRY_AFTER, value.parse().expect("a value"));
        }
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(9)));
        headers.append(header::RETRY_AFTER, "3, 12 , soon".parse().expect("a value"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(12)));
    }
}
