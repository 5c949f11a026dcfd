//! The times in a token: `exp`, `nbf`, `iat`, and `rexp`.

use serde_json::{Map, Value};

use super::error::TokenError;

/// The end of the year 9999. Times beyond it are not dates but accidents, or attempts to overflow something.
const END_OF_TIME: i64 = 253_402_300_799;

/// The times of a token that are checked, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) expires_at: i64,
    pub(crate) not_before: Option<i64>,
    pub(crate) issued_at: Option<i64>,
}

impl Times {
    pub(crate) fn read(claims: &Map<String, Value>) -> Result<Self, TokenError> {
        Ok(Self {
            expires_at: seconds(claims, "exp", Round::Down)?.ok_or(TokenError::MissingClaim("exp"))?,
            not_before: seconds(claims, "nbf", Round::Up)?,
            issued_at: seconds(claims, "iat", Round::Up)?,
        })
    }

    /// Checks the times against the clock, in milliseconds. `exp` is the first moment at which a token is over; `ahead_ms`
    /// is how far `nbf` and `iat` may lie ahead.
    pub(crate) fn check(&self, now_ms: i64, leeway_ms: i64, ahead_ms: i64) -> Result<(), TokenError> {
        if self.is_over(now_ms, leeway_ms) {
            return Err(TokenError::Expired);
        }
        let latest = now_ms.saturating_add(ahead_ms);
        if self.not_before.is_some_and(|at| at * 1000 > latest) {
            return Err(TokenError::NotYetValid);
        }
        if self.issued_at.is_some_and(|at| at * 1000 > latest) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }

    /// How far the token lies ahead of the clock, in milliseconds; nothing or less for one that does not.
    pub(crate) fn ahead_ms(&self, now_ms: i64) -> i64 {
        let start = self.not_before.max(self.issued_at).unwrap_or(0);
        (start * 1000).saturating_sub(now_ms)
    }

    pub(crate) fn is_over(&self, now_ms: i64, leeway_ms: i64) -> bool {
        now_ms.saturating_sub(leeway_ms) >= self.expires_at * 1000
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Round {
    Down,
    Up,
}

/// A time claim. Fractions are rounded so that the token is valid for no longer than it says.
pub(crate) fn seconds(
    claims: &Map<String, Value>,
    name: &'static str,
    round: Round,
) -> Result<Option<i64>, TokenError> {
    let number = match claims.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number,
        // A text that looks like a number is refused: other parsers would read something else into it.
        Some(_) => return Err(TokenError::InvalidClaim(name)),
    };
    let whole = number.as_i64().or_else(|| {
        let fraction = number.as_f64()?;
        let whole = match round {
            Round::Down => fraction.floor(),
            Round::Up => fraction.ceil(),
        };
        // The bounds are exact as floating point numbers, and what lies between them fits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        (0.0..=END_OF_TIME as f64).contains(&whole).then_some(whole as i64)
    });
    match whole {
        Some(whole) if (0..=END_OF_TIME).contains(&whole) => Ok(Some(whole)),
        _ => Err(TokenError::InvalidClaim(name)),
    }
}

/// Seconds since 1970 of an RFC 3339 time, as Descope writes it into `rexp`. Fractions of a second are dropped.
pub(crate) fn rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = &bytes[from..to];
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let separated = bytes[4] == b'-'
        && bytes[7] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
        && bytes[13] == b':'
        && bytes[16] == b':';
    if !separated {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // 60 is a leap second.
    if day < 1 || day > days_in_month || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut zone = 19;
    if bytes[zone] == b'.' {
        let digits = bytes[zone + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        zone += 1 + digits;
    }
    let offset = match &bytes[zone..] {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(zone + 1, zone + 3)?, number(zone + 4, zone + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Days from 1 January 1970 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin with March put the leap day last, where it disturbs nothing.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exp(value: &Value) -> Result<Times, TokenError> {
        Times::read(json!({"exp": value}).as_object().expect("an object"))
    }

    #[test]
    fn numbers_of_every_sort() {
        for (value, seconds) in [
            (json!(1_750_000_000), 1_750_000_000),
            (json!(1_750_000_000.0), 1_750_000_000),
            (json!(1_750_000_000.9), 1_750_000_000),
            (json!(1.75e9), 1_750_000_000),
            (json!(0), 0),
            (json!(END_OF_TIME), END_OF_TIME),
        ] {
            assert_eq!(exp(&value).expect("a time").expires_at, seconds, "{value}");
        }
        for value in [
            json!("1750000000"),
            json!(""),
            json!(true),
            json!([1_750_000_000]),
            json!({"$date": 1}),
            json!(-1),
            json!(-0.5),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
            json!(-1e300),
            json!(END_OF_TIME + 1),
        ] {
            assert!(matches!(exp(&value), Err(TokenError::InvalidClaim("exp"))), "{value}");
        }
        assert!(matches!(exp(&json!(null)), Err(TokenError::MissingClaim("exp"))));
        assert!(matches!(Times::read(&Map::new()), Err(TokenError::MissingClaim("exp"))));
        for name in ["nbf", "iat"] {
            let claims = json!({"exp": 1, name: "1"});
            assert!(Times::read(claims.as_object().expect("an object")).is_err());
        }
    }

    #[test]
    fn rounding_never_lengthens() {
        let claims = json!({"exp": 10.9, "nbf": 5.1, "iat": 4.0});
        let times = Times::read(claims.as_object().expect("an object")).expect("times");
        assert_eq!(times, Times { expires_at: 10, not_before: Some(6), issued_at: Some(4) });
    }

    #[test]
    fn the_borders() {
        let times = Times { expires_at: 100, not_before: Some(50), issued_at: Some(40) };
        let at = |now: i64| times.check(now, 5_000, 5_000);
        assert!(at(104_999).is_ok());
        assert!(matches!(at(105_000), Err(TokenError::Expired)));
        assert!(at(45_000).is_ok());
        assert!(matches!(at(44_999), Err(TokenError::NotYetValid)));
        let times = Times { expires_at: 100, not_before: None, issued_at: Some(40) };
        assert!(times.check(35_000, 5_000, 5_000).is_ok());
        assert!(matches!(times.check(34_999, 5_000, 5_000), Err(TokenError::IssuedInFuture)));
        assert!(times.check(34_999, 0, 5_001).is_ok());
        assert!(times.check(99_999, 0, 0).is_ok());
        assert!(matches!(times.check(100_000, 0, 5_000), Err(TokenError::Expired)));
        // The extremes do not overflow.
        assert!(times.check(i64::MAX, i64::MAX, i64::MAX).is_ok());
        assert!(times.check(i64::MAX, 0, i64::MAX).is_err());
        assert!(times.check(0, i64::MAX, i64::MAX).is_ok());
    }

    #[test]
    fn how_far_ahead() {
        let times = |not_before, issued_at| Times { expires_at: 100, not_before, issued_at };
        assert_eq!(times(None, Some(40)).ahead_ms(33_000), 7_000);
        assert_eq!(times(Some(41), Some(40)).ahead_ms(33_000), 8_000);
        assert_eq!(times(Some(39), Some(40)).ahead_ms(33_000), 7_000);
        assert_eq!(times(Some(39), None).ahead_ms(39_001), -1);
        assert!(times(None, None).ahead_ms(1) <= 0);
        assert!(times(None, Some(END_OF_TIME)).ahead_ms(i64::MIN) > 0);
    }

    #[test]
    fn refresh_expiry() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2023-11-07T18:50:29Z", 1_699_383_029),
            ("2023-11-07T18:50:29.999999999Z", 1_699_383_029),
            ("2023-11-07t20:50:29+02:00", 1_699_383_029),
            ("2023-11-07 13:20:29-05:30", 1_699_383_029),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2024-02-29T23:59:60Z", 1_709_251_200),
            ("1969-12-31T23:59:59Z", -1),
            ("9999-12-31T23:59:59Z", END_OF_TIME),
        ] {
            assert_eq!(rfc3339(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "now",
            "2023-11-07",
            "2023-11-07T18:50:29",
            "2023-11-07T18:50:29.Z",
            "2023-11-07T18:50:29+0200",
            "2023-11-07T18:50:29+25:00",
            "2023-11-07T18:50:29Zx",
            "2023-13-07T18:50:29Z",
            "2023-00-07T18:50:29Z",
            "2023-02-29T18:50:29Z",
            "1900-02-29T18:50:29Z",
            "2023-11-31T18:50:29Z",
            "2023-11-07T24:50:29Z",
            "2023-11-07T18:60:29Z",
            "+023-11-07T18:50:29Z",
            "2023-11-0\u{e9}T18:50:29Z",
            "2023/11/07T18:50:29Z",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
