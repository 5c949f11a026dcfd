//! Policies about the life of an operation. They go by extensions that not every document has, so each is an option.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde_json::Value;

/// Levels of `x-stability-level`, the least stable first.
const LEVELS: [&str; 4] = ["draft", "alpha", "beta", "stable"];

const SECONDS_A_DAY: u64 = 86_400;

/// A policy to judge by as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    /// `x-sunset`: what is deprecated may be removed once its day has come, and the day may not be moved forward.
    Sunset,
    /// `x-stability-level`: drafts and alphas may change, and nothing may become less stable.
    Stability,
    /// `x-extensible-enum`: a value gone from the list is no longer accepted in a request.
    ExtensibleEnum,
    /// Another default in a body is breaking as well: who leaves the value out gets something else.
    Defaults,
}

/// The policies that were asked for.
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    pub(crate) sunset: bool,
    pub(crate) stability: bool,
    pub(crate) extensible_enum: bool,
    pub(crate) defaults: bool,
    /// Today, as in `2026-11-25`.
    pub(crate) today: String,
}

impl Policies {
    pub(crate) fn new(policies: &[Policy]) -> Self {
        Self {
            sunset: policies.contains(&Policy::Sunset),
            stability: policies.contains(&Policy::Stability),
            extensible_enum: policies.contains(&Policy::ExtensibleEnum),
            defaults: policies.contains(&Policy::Defaults),
            today: today(),
        }
    }

    /// Whether changes to something of this stability are nobody's concern.
    pub(super) fn is_unstable(&self, value: &Value) -> bool {
        self.stability && ["draft", "alpha"].iter().any(|level| value["x-stability-level"] == *level)
    }

    /// Whether something deprecated has reached the day from which it may be removed.
    pub(super) fn is_retired(&self, value: &Value) -> bool {
        self.sunset
            && value["deprecated"] == true
            && match date(&value["x-sunset"]) {
                Sunset::None => true,
                Sunset::Day(day) => day <= self.today,
                Sunset::Malformed => false,
            }
    }

    /// What changed about the day from which something deprecated may be removed.
    pub(super) fn sunset(&self, old: &Value, new: &Value) -> Option<(&'static str, String)> {
        if !self.sunset || new["deprecated"] != true {
            return None;
        }
        let (before, after) = (&old["x-sunset"], &new["x-sunset"]);
        let detail = format!("{before} to {after}");
        let was_deprecated = old["deprecated"] == true;
        match (date(before), date(after)) {
            (_, Sunset::Malformed) => Some(("sunset-malformed", detail)),
            (Sunset::Malformed, _) if was_deprecated => Some(("sunset-malformed", detail)),
            (Sunset::Day(_), Sunset::None) if was_deprecated => Some(("sunset-removed", detail)),
            (Sunset::Day(before), Sunset::Day(after)) if was_deprecated && after < before => {
                Some(("sunset-moved-forward", detail))
            }
            _ => None,
        }
    }
}

/// What changed about a stability level.
pub(super) fn stability(old: &Value, new: &Value) -> Option<(&'static str, String)> {
    let rank = |value: &Value| match value {
        Value::Null => Some(LEVELS.len() - 1),
        value => LEVELS.iter().position(|level| value == *level),
    };
    match (rank(old), rank(new)) {
        (Some(before), Some(after)) if after < before => Some(("stability-decreased", format!("{old} to {new}"))),
        (Some(_), Some(_)) => None,
        _ => Some(("stability-unknown", format!("{old} to {new}"))),
    }
}

enum Sunset {
    None,
    Day(String),
    Malformed,
}

fn date(value: &Value) -> Sunset {
    let Some(text) = value.as_str() else {
        return if value.is_null() { Sunset::None } else { Sunset::Malformed };
    };
    let (day, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let shaped = day.len() == 10
        && day
            .bytes()
            .enumerate()
            .all(|(index, byte)| if index == 4 || index == 7 { byte == b'-' } else { byte.is_ascii_digit() })
        && ("01"..="12").contains(&&day[5..7])
        && ("01"..="31").contains(&&day[8..])
        && (rest.is_empty() || rest.starts_with('T'));
    if shaped { Sunset::Day(day.to_owned()) } else { Sunset::Malformed }
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    civil(seconds / SECONDS_A_DAY)
}

/// The date of a day counted from 1970-01-01.
fn civil(mut days: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (19_723, "2024-01-01"),
            (20_088, "2024-12-31"),
        ] {
            assert_eq!(civil(days), date);
        }
    }
}
