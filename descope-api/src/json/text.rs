//! The text of JSON before it is read.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

/// Puts the digits of integers that no 64 bits hold into quotes, so that they are not rounded to the next double on the
/// way into a custom attribute or claim.
pub(super) fn with_exact_numbers(body: &[u8]) -> Cow<'_, [u8]> {
    // Hardly any answer has such a number. Of as many digits in a row one has to be at every nineteenth byte.
    if has_digits_in_a_row(body, 19) { quoting(body, is_beyond_64_bits) } else { Cow::Borrowed(body) }
}

/// JSON that no [`Value`] can hold, made into JSON that one can: numbers that are too large for a double as texts, and
/// unpaired surrogates as U+FFFD, as Go's decoder reads them. `None` where there is nothing of the kind.
pub(super) fn readable(body: &[u8]) -> Option<Vec<u8>> {
    let numbers = quoting(body, is_beyond_doubles);
    match with_whole_characters(&numbers) {
        Cow::Owned(whole) => Some(whole),
        Cow::Borrowed(_) => match numbers {
            Cow::Owned(numbers) => Some(numbers),
            Cow::Borrowed(_) => None,
        },
    }
}

/// Puts numbers into quotes, but not in the place of a member's name, where they would make JSON of what is none.
///
/// - `odd`: which of them.
fn quoting(body: &[u8], odd: fn(&[u8]) -> bool) -> Cow<'_, [u8]> {
    let mut quoted = Cow::Borrowed(&body[..0]);
    let (mut copied, mut at) = (0, 0);
    while at < body.len() {
        match body[at] {
            b'"' => {
                at += 1;
                while at < body.len() && body[at] != b'"' {
                    at += if body[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let start = at;
                while at < body.len() && matches!(body[at], b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
                    at += 1;
                }
                if odd(&body[start..at]) && !body[at..].trim_ascii_start().starts_with(b":") {
                    let quoted = quoted.to_mut();
                    quoted.extend_from_slice(&body[copied..start]);
                    quoted.push(b'"');
                    quoted.extend_from_slice(&body[start..at]);
                    quoted.push(b'"');
                    copied = at;
                }
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    quoted.to_mut().extend_from_slice(&body[copied..]);
    quoted
}

fn has_digits_in_a_row(body: &[u8], many: usize) -> bool {
    let mut at = many - 1;
    while at < body.len() {
        if body[at].is_ascii_digit() {
            let before = body[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let from_here = body[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if before + from_here >= many {
                return true;
            }
        }
        at += many;
    }
    false
}

/// Whether this is an integer, written as JSON wants it, that neither `i64` nor `u64` holds.
fn is_beyond_64_bits(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    digits.len() > 18
        && digits.iter().all(u8::is_ascii_digit)
        && digits[0] != b'0'
        && std::str::from_utf8(number).is_ok_and(|text| text.parse::<i64>().is_err() && text.parse::<u64>().is_err())
}

/// Whether this is a number, written as JSON wants it, that is too large for a double. The parser that is to read it is
/// asked: others round differently, right below the limit.
fn is_beyond_doubles(number: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(number).is_ok() && serde_json::from_slice::<Value>(number).is_err()
}

/// Writes U+FFFD in the place of escapes that are half a character.
fn with_whole_characters(body: &[u8]) -> Cow<'_, [u8]> {
    let unit = |at: usize| -> Option<u16> {
        let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut whole = Cow::Borrowed(body);
    let mut at = 0;
    while let Some(next) = body.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        let escape = at + next;
        at = escape + 2;
        match unit(escape) {
            Some(0xd800..=0xdbff) if matches!(unit(escape + 6), Some(0xdc00..=0xdfff)) => at = escape + 12,
            Some(0xd800..=0xdfff) => whole.to_mut()[escape..escape + 6].copy_from_slice(b"\\ufffd"),
            _ => {}
        }
    }
    whole
}
