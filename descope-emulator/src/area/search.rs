//! What searches have in common: parts of texts, attributes, order and pages.

use descope_api::types::SearchSort;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Refusal;

/// Whether a text holds another, without regard to case.
pub(super) fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// Whether a list is empty, and so chooses nothing in particular, or holds the value.
pub(super) fn chosen<T: AsRef<str>>(wanted: &[T], value: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| wanted.as_ref() == value)
}

/// Whether a list is empty, or any of the values is in it.
pub(super) fn any_chosen<'a>(wanted: &[String], values: impl IntoIterator<Item = &'a str>) -> bool {
    wanted.is_empty() || values.into_iter().any(|value| wanted.iter().any(|wanted| wanted == value))
}

/// Whether attributes are as they are wanted. Of a list, any value will do.
pub(super) fn attributes_fit(wanted: &Map<String, Value>, given: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, wanted)| match (wanted, given.get(name)) {
        (Value::Array(any), Some(given)) if !given.is_array() => any.contains(given),
        (wanted, Some(given)) => wanted == given,
        (_, None) => false,
    })
}

/// Sorts by members, the first of them first. Members are compared as they are in JSON.
pub(super) fn sort<T: Serialize>(items: &mut [T], by: &[SearchSort]) {
    if by.is_empty() {
        return;
    }
    items.sort_by_cached_key(|item| {
        let value = serde_json::to_value(item).unwrap_or_default();
        by.iter()
            .map(|sort| Key { value: value[&sort.field].clone(), descending: sort.desc == Some(true) })
            .collect::<Vec<_>>()
    });
}

#[derive(PartialEq, Eq)]
struct Key {
    value: Value,
    descending: bool,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = match (&self.value, &other.value) {
            (Value::Number(one), Value::Number(two)) => {
                one.as_f64().unwrap_or_default().total_cmp(&two.as_f64().unwrap_or_default())
            }
            (one, two) => text_of(one).cmp(&text_of(two)),
        };
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_lowercase(),
        other => other.to_string(),
    }
}

/// One page of the items; a limit of 0 means all of them.
pub(super) fn page<T>(items: Vec<T>, page: Option<i64>, limit: Option<i64>) -> Result<Vec<T>, Refusal> {
    let whole = |name: &str, value: Option<i64>| {
        usize::try_from(value.unwrap_or_default())
            .map_err(|_| Refusal::invalid(format!("The {name} field must not be negative")))
    };
    let (page, limit) = (whole("page", page)?, whole("limit", limit)?);
    if limit == 0 {
        return Ok(if page == 0 { items } else { Vec::new() });
    }
    Ok(items.into_iter().skip(page.saturating_mul(limit)).take(limit).collect())
}

/// How many there are, as the service says it.
pub(super) fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_by_kind_and_in_both_directions() {
        let mut items = vec![json!({"n": 10, "t": "b"}), json!({"n": 9, "t": "A"}), json!({"t": "c"})];
        sort(&mut items, &[SearchSort::new("t").desc(true)]);
        assert_eq!(items[0]["t"], "c");
        sort(&mut items, &[SearchSort::new("n")]);
        assert_eq!(items.iter().map(|item| item["n"].clone()).collect::<Vec<_>>(), [json!(null), json!(9), json!(10)]);
    }

    #[test]
    fn pages_end_and_negative_ones_are_refused() {
        let items = || (0..5).collect::<Vec<_>>();
        assert_eq!(page(items(), Some(1), Some(2)).expect("page"), [2, 3]);
        assert_eq!(page(items(), Some(9), Some(2)).expect("page"), [0; 0]);
        assert_eq!(page(items(), None, Some(0)).expect("page").len(), 5);
        assert_eq!(page(items(), Some(i64::MAX), Some(i64::MAX)).expect("page"), [0; 0]);
        assert!(page(items(), Some(-1), None).is_err() && page(items(), None, Some(-1)).is_err());
    }
}
