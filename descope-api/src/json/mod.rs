//! The objects of the API in JSON: read tolerantly, written without what is not set.
//!
//! Every generated type is an [`Object`], which says no more than the names of its members. serde's derives would write
//! some hundred lines for each instead, which alone take three times as long to compile as the whole crate without them.
//!
//! What is read more loosely than it is documented, because the service answers so: `null` means absent, also inside of a
//! list, and integers of 64 bits may come as strings of digits. A member of another type than documented is treated as
//! absent if it may be absent, and reported in the log by its path: it must not cost a session that has been paid for
//! with a code. No message repeats a value, since any of them may be a secret.

mod node;

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use serde_json::{Map, Value};

pub(crate) use self::node::{Members, Node};
use crate::Secret;

/// A type with named members.
pub(crate) trait Object: Sized {
    fn read(from: &mut Members<'_>) -> Read<Self>;
    fn write<M: SerializeMap>(&self, to: &mut Writer<M>);
}

thread_local! {
    /// What was left out of the value that this thread is reading.
    static LEFT_OUT: RefCell<Vec<Fault>> = const { RefCell::new(Vec::new()) };

    /// How many these are: looked at twice for each member, which a vector that has to be dropped makes dear.
    static HOW_MANY: Cell<usize> = const { Cell::new(0) };
}

/// What can be made of a JSON value.
pub(crate) trait FromJson: Sized {
    fn from_json(node: Node<'_>) -> Read<Self>;

    /// What a member that is not there stands for, if it may be left out.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether a value is as good as none.
    fn is_nothing(node: &Node<'_>) -> bool {
        node.is_null()
    }
}

pub(crate) type Read<T> = Result<T, Fault>;

/// Reads an answer.
pub(crate) fn read<T: FromJson>(body: &[u8]) -> Result<T, Problem> {
    let body = with_exact_numbers(body);
    // One look at the whole is cheaper than one at each text. Where it is not UTF-8, the parser says where.
    let node = match std::str::from_utf8(&body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(&body),
    };
    let node = node.map_err(|error| Problem::Syntax {
        foreign: error.is_syntax(),
        line: error.line(),
        column: error.column(),
    })?;
    root(node).map_err(Problem::Value)
}

/// Reads a whole value, and reports what was left out of it.
fn root<T: FromJson>(node: Node<'_>) -> Read<T> {
    let read = T::from_json(node);
    for fault in left_out() {
        tracing::debug!(target: "descope", member = %fault, "left out a member of another type than documented");
    }
    read
}

/// Begins anew, too.
fn left_out() -> Vec<Fault> {
    if HOW_MANY.take() == 0 { Vec::new() } else { LEFT_OUT.take() }
}

/// Reads something that is below `step`, with the step in the paths of whatever is wrong with it.
fn below<T>(step: impl Fn() -> Step, read: impl FnOnce() -> Read<T>) -> Read<T> {
    let known = HOW_MANY.get();
    let read = read();
    if HOW_MANY.get() > known {
        LEFT_OUT.with_borrow_mut(|faults| faults[known..].iter_mut().for_each(|fault| fault.path.push(step())));
    }
    read.map_err(|fault| fault.below(step()))
}

/// Leaves a value out, and remembers why.
fn leave_out<T>(fault: Fault, instead: T) -> T {
    LEFT_OUT.with_borrow_mut(|faults| {
        // Nobody reads thousands of lines about one answer.
        if faults.len() < 20 {
            faults.push(fault);
            HOW_MANY.set(faults.len());
        }
    });
    instead
}

/// Puts the digits of integers that no 64 bits hold into quotes, so that they are not rounded to the next double on the
/// way into a custom attribute or claim.
fn with_exact_numbers(body: &[u8]) -> Cow<'_, [u8]> {
    // Hardly any answer has such a number. Of as many digits in a row one has to be at every nineteenth byte.
    if !has_digits_in_a_row(body, 19) {
        return Cow::Borrowed(body);
    }
    let mut exact = Cow::Borrowed(&body[..0]);
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
                if is_beyond_64_bits(&body[start..at]) {
                    let exact = exact.to_mut();
                    exact.extend_from_slice(&body[copied..start]);
                    exact.push(b'"');
                    exact.extend_from_slice(&body[start..at]);
                    exact.push(b'"');
                    copied = at;
                }
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    exact.to_mut().extend_from_slice(&body[copied..]);
    exact
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

/// Why an answer cannot be read.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It is not JSON, or not all of it has come.
    Syntax { foreign: bool, line: usize, column: usize },
    /// Something that has to be there is missing or of another type.
    Value(Fault),
}

impl Problem {
    /// Whether this was never meant to be JSON.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, Self::Syntax { foreign: true, .. })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { foreign: true, line, column } => write!(f, "not JSON at line {line} column {column}"),
            Self::Syntax { line, column, .. } => write!(f, "JSON that ends too early at line {line} column {column}"),
            Self::Value(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Problem {}

/// A value of another type than is documented: where it is, and what it should be.
#[derive(Debug)]
pub(crate) struct Fault {
    /// From the inside out.
    path: Vec<Step>,
    problem: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Member(&'static str),
    Item(usize),
    /// The value under a name that the answer chose, which is not repeated.
    Entry,
}

impl Fault {
    fn new(problem: &'static str) -> Self {
        Self { path: Vec::new(), problem }
    }

    fn below(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.path.iter().rev().enumerate() {
            match step {
                Step::Member(name) if index == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Entry => f.write_str("{}")?,
            }
        }
        f.write_str(if self.path.is_empty() { "" } else { ": " })?;
        f.write_str(self.problem)
    }
}

/// Reads a member; one that is not as documented is as good as none, where it may be absent.
fn or_absent<T: FromJson>(name: &'static str, node: Node<'_>, absent: Option<T>) -> Read<T> {
    match (below(|| Step::Member(name), || T::from_json(node)), absent) {
        (Err(fault), Some(absent)) => Ok(leave_out(fault, absent)),
        (read, _) => read,
    }
}

/// Takes the members of an object, one after the other. The first failure is kept for the end.
pub(crate) struct Writer<M: SerializeMap> {
    map: M,
    failure: Option<M::Error>,
}

impl<M: SerializeMap> Writer<M> {
    pub(crate) fn always<T: Serialize>(&mut self, name: &str, value: &T) {
        if self.failure.is_none() {
            self.failure = self.map.serialize_entry(name, value).err();
        }
    }

    /// Leaves a member out that is not set.
    pub(crate) fn filled<T: Serialize + Fill>(&mut self, name: &str, value: &T) {
        if value.is_filled() {
            self.always(name, value);
        }
    }

    pub(crate) fn rest(&mut self, members: &Map<String, Value>) {
        members.iter().for_each(|(name, value)| self.always(name, value));
    }
}

/// What can be left out.
pub(crate) trait Fill {
    fn is_filled(&self) -> bool;
}

impl<T> Fill for Option<T> {
    fn is_filled(&self) -> bool {
        self.is_some()
    }
}

impl<T> Fill for Vec<T> {
    fn is_filled(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> Fill for BTreeMap<String, T> {
    fn is_filled(&self) -> bool {
        !self.is_empty()
    }
}

impl Fill for Map<String, Value> {
    fn is_filled(&self) -> bool {
        !self.is_empty()
    }
}

pub(crate) fn serialize<T: Object, S: Serializer>(object: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut writer = Writer { map: serializer.serialize_map(None)?, failure: None };
    object.write(&mut writer);
    match writer.failure {
        Some(failure) => Err(failure),
        None => writer.map.end(),
    }
}

/// Also for members of the few types that serde reads by itself.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: FromJson>(deserializer: D) -> Result<T, D::Error> {
    root(Node::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// For the few types that serde reads by itself.
pub(crate) fn by_serde<T: de::DeserializeOwned>(node: Node<'_>) -> Read<T> {
    // serde's own message would repeat the value.
    serde_json::from_value(node.into()).map_err(|_| Fault::new("has none of the documented forms"))
}

impl<T: Object> FromJson for T {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::Object(mut members) => T::read(&mut members),
            _ => Err(Fault::new("is not an object")),
        }
    }
}

/// Reads one of many; an odd one is left out, so that it does not cost the others.
fn or_skipped<T: FromJson>(step: Step, node: Node<'_>) -> Option<T> {
    below(|| step, || T::from_json(node)).map_or_else(|fault| leave_out(fault, None), Some)
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(node: Node<'_>) -> Read<Self> {
        if T::is_nothing(&node) { Ok(None) } else { T::from_json(node).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::List(items) => {
                // To collect them would reuse the list of nodes, which costs more than a list of the right size.
                let mut list = Self::with_capacity(items.len().min(16));
                let there = items.into_iter().enumerate().filter(|(_, item)| !T::is_nothing(item));
                list.extend(there.filter_map(|(index, item)| or_skipped(Step::Item(index), item)));
                Ok(list)
            }
            Node::Null => Ok(Self::new()),
            _ => Err(Fault::new("is not a list")),
        }
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(node: Node<'_>) -> Read<Self> {
        let entry = |(name, node): (Cow<'_, str>, _)| {
            if T::is_nothing(&node) { None } else { Some((name.into_owned(), or_skipped(Step::Entry, node)?)) }
        };
        match node {
            Node::Object(mut members) => Ok(members.unread().filter_map(entry).collect()),
            Node::Null => Ok(Self::new()),
            _ => Err(Fault::new("is not an object")),
        }
    }
}

impl FromJson for Map<String, Value> {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::Object(mut members) => Ok(members.rest()),
            Node::Null => Ok(Self::new()),
            _ => Err(Fault::new("is not an object")),
        }
    }
}

impl FromJson for Value {
    fn from_json(node: Node<'_>) -> Read<Self> {
        Ok(node.into())
    }

    /// `null` is a value of its own where any value is allowed.
    fn is_nothing(_: &Node<'_>) -> bool {
        false
    }
}

impl FromJson for String {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::Text(text) => Ok(text.into_owned()),
            _ => Err(Fault::new("is not a string")),
        }
    }
}

impl FromJson for Secret {
    fn from_json(node: Node<'_>) -> Read<Self> {
        String::from_json(node).map(Self::from)
    }
}

impl FromJson for bool {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::Bool(is) => Ok(is),
            _ => Err(Fault::new("is neither true nor false")),
        }
    }
}

impl FromJson for i64 {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().and_then(whole))
                .ok_or(Fault::new("is not an integer of 64 bits")),
            Node::Text(digits) => digits.parse().map_err(|_| Fault::new("is a string that is not an integer")),
            _ => Err(Fault::new("is not an integer")),
        }
    }

    fn is_nothing(node: &Node<'_>) -> bool {
        node.is_null() || matches!(node, Node::Text(text) if text.is_empty())
    }
}

impl FromJson for f64 {
    fn from_json(node: Node<'_>) -> Read<Self> {
        match node {
            Node::Number(number) => number.as_f64().ok_or(Fault::new("is not a number")),
            _ => Err(Fault::new("is not a number")),
        }
    }
}

/// Gateways that pass numbers through a double write `1.7e9`.
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "within the range where doubles are exact integers")]
    exact.then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Leaf {
        id: String,
        names: Vec<String>,
        flags: BTreeMap<String, bool>,
        next: Option<Box<Leaf>>,
        at: Option<i64>,
        any: Option<Value>,
    }

    impl FromJson for Box<Leaf> {
        fn from_json(node: Node<'_>) -> Read<Self> {
            Leaf::from_json(node).map(Self::new)
        }
    }

    impl Object for Leaf {
        fn read(from: &mut Members<'_>) -> Read<Self> {
            Ok(Self {
                id: from.take("id")?,
                names: from.take_or_default("names")?,
                flags: from.take_or_default("flags")?,
                next: from.take("next")?,
                at: from.take("at")?,
                any: from.take("any")?,
            })
        }

        fn write<M: SerializeMap>(&self, to: &mut Writer<M>) {
            to.always("id", &self.id);
        }
    }

    fn node(body: &str) -> Result<Leaf, String> {
        read(body.as_bytes()).map_err(|problem| problem.to_string())
    }

    /// The paths of what was left out.
    fn paths_left_out(body: &str) -> Vec<String> {
        let node = serde_json::from_str(body).expect("JSON");
        Leaf::from_json(node).expect("it is read");
        left_out().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn odd_member_is_left_out_and_reported_by_its_path() {
        for (body, path) in [
            (r#"{"id":"a","names":"secret"}"#, "names: is not a list"),
            (r#"{"id":"a","names":["b",5,"c"]}"#, "names[1]: is not a string"),
            (r#"{"id":"a","flags":{"secret":"yes"}}"#, "flags{}: is neither true nor false"),
            (r#"{"id":"a","at":"2026-11-25T10:00:00Z"}"#, "at: is a string that is not an integer"),
            (r#"{"id":"a","next":[]}"#, "next: is not an object"),
            (r#"{"id":"a","next":{"id":5}}"#, "next.id: is not a string"),
            (r#"{"id":"a","next":{"id":"b","at":[]}}"#, "next.at: is not an integer"),
            (r#"{"id":"a","next":{"id":"b","next":{"id":"c","names":[{}]}}}"#, "next.next.names[0]: is not a string"),
        ] {
            assert_eq!(paths_left_out(body), [path], "{body}");
        }
        let read = node(r#"{"id":"a","names":["b",5,null,"c"],"flags":{"x":null,"y":true},"at":{}}"#).expect("read");
        assert_eq!(read.names, ["b", "c"]);
        assert_eq!(read.flags.into_iter().collect::<Vec<_>>(), [("y".to_owned(), true)]);
        assert_eq!(read.at, None);
    }

    #[test]
    fn required_member_is_demanded_without_its_value() {
        assert_eq!(node(r#"{"id":{"very":"secret"}}"#), Err("id: is not a string".to_owned()));
        assert_eq!(node("{}"), Err("id: is missing".to_owned()));
        assert_eq!(node(r#"["secret"]"#), Err("is not an object".to_owned()));
        assert_eq!(node("secret"), Err("not JSON at line 1 column 1".to_owned()));
        assert_eq!(node(r#"{"secret":"#), Err("JSON that ends too early at line 1 column 10".to_owned()));
        assert!(left_out().is_empty());
    }

    #[test]
    fn null_is_absent_but_where_anything_goes() {
        let read = node(r#"{"id":"a","names":null,"flags":null,"next":null,"at":null,"any":null}"#).expect("read");
        assert_eq!(read, Leaf { id: "a".to_owned(), any: read.any.clone(), ..Leaf::default() });
    }

    #[test]
    fn integers_that_no_64_bits_hold_keep_their_digits() {
        for number in ["9007199254740993", "-9223372036854775808", "18446744073709551615", "1.5", "-2e300", "0", "1e22"]
        {
            let body = format!(r#"{{"a":{number},"b":[{number}]}}"#);
            assert!(matches!(with_exact_numbers(body.as_bytes()), Cow::Borrowed(_)), "{number}");
        }
        for number in ["18446744073709551616", "12345678901234567890123", "-9223372036854775809"] {
            let read = node(&format!(r#"{{"id":"12345678901234567890123","any":[1,{number}],"at":2}}"#)).expect("read");
            assert_eq!(read.any, Some(serde_json::json!([1, number])));
            assert_eq!((read.id.as_str(), read.at), ("12345678901234567890123", Some(2)));
        }
        let escaped = r#"{"id":"\\\"18446744073709551616","any":18446744073709551616}"#;
        assert_eq!(node(escaped).expect("read").id, "\\\"18446744073709551616");
        for broken in
            [r#"{"id":"a\"#, "18446744073709551616", "-", "\"", "--18446744073709551616", "018446744073709551616"]
        {
            let _ = node(broken);
        }
    }
}
