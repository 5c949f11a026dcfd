//! The objects of the API in JSON: read tolerantly, written without what is not set.
//!
//! Every generated type is an [`Object`], which says no more than the names of its members. serde's derives would write
//! some hundred lines for each instead, which alone take three times as long to compile as the whole crate without them.
//!
//! What is read more loosely than it is documented, because the service answers so: `null` means absent, also inside of a
//! list, and integers of 64 bits may come as strings of digits. A member of another type than documented is treated as
//! absent if it may be absent, and reported in the log by its path: it must not cost a session that has been paid for
//! with a code. A number that is too large for 64 bits, or for a double, is a text, and an unpaired surrogate is U+FFFD. No
//! message repeats a value, since any of them may be a secret.

mod object;
mod text;
mod value;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use serde_json::{Map, Value};

pub(crate) use self::object::{Members, Object};

thread_local! {
    /// What was left out of the value that this thread is reading.
    static LEFT_OUT: RefCell<Vec<Fault>> = const { RefCell::new(Vec::new()) };

    /// How many these are: looked at twice for each member, which a vector that has to be dropped makes dear.
    static HOW_MANY: Cell<usize> = const { Cell::new(0) };
}

/// What can be read from JSON.
///
/// A value is read where it is to stay: the types of the API are large, and to hand them on costs more than to read them.
pub(crate) trait FromJson: Sized {
    /// Whether `null` can be read as one, where one has to be there.
    const NULLABLE: bool = false;

    /// One of which nothing has been read.
    fn blank() -> Self;

    /// Reads a value to its end, also if it is not as documented, so that what comes after it can be read. The error is that
    /// of the text.
    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error>;
}

/// What became of a value.
pub(crate) enum Read {
    /// It has been read.
    Value,
    /// It is as good as none.
    Nothing,
    /// It is not as documented.
    Misfit(Fault),
}

/// Reads an answer. Where it cannot be read as it is, lines and columns of the problem can be those of the readable text.
///
/// - `value`: a blank one. It is of no use after an error.
pub(crate) fn read<T: FromJson>(body: &[u8], value: &mut T) -> Result<(), Problem> {
    let body = text::with_exact_numbers(body);
    let problem = match parse(&body, value) {
        Err(problem @ Problem::Syntax { .. }) => problem,
        read => return read,
    };
    let Some(body) = text::readable(&body) else { return Err(problem) };
    *value = T::blank();
    parse(&body, value)
}

fn parse<T: FromJson>(body: &[u8], value: &mut T) -> Result<(), Problem> {
    // One look at the whole is cheaper than one at each text. Where it is not UTF-8, the parser says where.
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(match serde_json::from_slice::<Value>(body) {
            Err(error) => Problem::syntax(&error),
            Ok(_) => Problem::Value(Fault::new("is not UTF-8")),
        });
    };
    let mut text = serde_json::Deserializer::from_str(text);
    let read = root(&mut text, value).and_then(|read| text.end().map(|()| read));
    read.map_err(|error| Problem::syntax(&error))?.map_err(Problem::Value)
}

/// Reads JSON of which nothing is known, if it is JSON.
pub(crate) fn any(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| serde_json::from_slice(&text::readable(body)?).ok())
}

/// Reads a whole value, and reports what was left out of it.
fn root<'de, D: Deserializer<'de>, T: FromJson>(from: D, value: &mut T) -> Result<Result<(), Fault>, D::Error> {
    // What an earlier text has left behind that broke off.
    left_out();
    let read = value.read(from)?;
    for fault in left_out() {
        tracing::debug!(target: "descope", member = %fault, "left out a member of another type than documented");
    }
    Ok(match read {
        Read::Value => Ok(()),
        Read::Nothing if T::NULLABLE => {
            *value = T::blank();
            Ok(())
        }
        Read::Nothing => Err(Fault::new("is null")),
        Read::Misfit(fault) => Err(fault),
    })
}

/// Begins anew, too.
fn left_out() -> Vec<Fault> {
    if HOW_MANY.take() == 0 { Vec::new() } else { LEFT_OUT.take() }
}

/// Reads something that is below `step`, with the step in the paths of whatever is wrong with it.
fn below<E>(step: impl Fn() -> Step, read: impl FnOnce() -> Result<Read, E>) -> Result<Read, E> {
    let known = HOW_MANY.get();
    let read = read()?;
    if HOW_MANY.get() > known {
        LEFT_OUT.with_borrow_mut(|faults| faults[known..].iter_mut().for_each(|fault| fault.0.path.push(step())));
    }
    Ok(match read {
        Read::Misfit(fault) => Read::Misfit(fault.below(step())),
        read => read,
    })
}

/// Leaves a value out, and remembers why.
#[cold]
fn leave_out(fault: Fault) {
    LEFT_OUT.with_borrow_mut(|faults| {
        // Nobody reads thousands of lines about one answer.
        if faults.len() < 20 {
            faults.push(fault);
            HOW_MANY.set(faults.len());
        }
    });
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
    fn syntax(error: &serde_json::Error) -> Self {
        Self::Syntax { foreign: error.is_syntax(), line: error.line(), column: error.column() }
    }

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
///
/// Boxed, so that the result of reading a value is two words: it is handed on often, and is hardly ever a fault.
#[derive(Debug)]
pub(crate) struct Fault(Box<Misfit>);

#[derive(Debug)]
struct Misfit {
    /// From the inside out.
    path: Vec<Step>,
    problem: &'static str,
}

#[derive(Debug)]
enum Step {
    /// By its documented name.
    Member(Box<str>),
    Item(usize),
    /// The value under a name that the answer chose, which is not repeated.
    Entry,
}

impl Fault {
    #[cold]
    fn new(problem: &'static str) -> Self {
        Self(Box::new(Misfit { path: Vec::new(), problem }))
    }

    fn below(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misfit { path, problem } = &*self.0;
        for (index, step) in path.iter().rev().enumerate() {
            match step {
                Step::Member(name) if index == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Entry => f.write_str("{}")?,
            }
        }
        f.write_str(if path.is_empty() { "" } else { ": " })?;
        f.write_str(problem)
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
    let from = Value::deserialize(deserializer)?;
    let mut value = T::blank();
    root(from, &mut value).map_err(de::Error::custom)?.map_err(de::Error::custom)?;
    Ok(value)
}

/// For the few types that serde reads by itself.
pub(crate) fn by_serde<'de, D: Deserializer<'de>, T: de::DeserializeOwned>(
    from: D,
    value: &mut T,
) -> Result<Read, D::Error> {
    Ok(match serde_json::from_value(Value::deserialize(from)?) {
        Ok(read) => {
            *value = read;
            Read::Value
        }
        // serde's own message would repeat the value.
        Err(_) => Read::Misfit(Fault::new("has none of the documented forms")),
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde::de::MapAccess;

    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Leaf {
        id: String,
        names: Vec<String>,
        flags: BTreeMap<String, bool>,
        next: Option<Box<Leaf>>,
        at: Option<i64>,
        share: Option<f64>,
        any: Option<Value>,
        rest: Map<String, Value>,
    }

    impl FromJson for Box<Leaf> {
        fn blank() -> Self {
            Self::default()
        }

        fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<Read, D::Error> {
            (**self).read(from)
        }
    }

    impl Object for Leaf {
        const REQUIRED: &'static [&'static str] = &["id"];

        fn blank() -> Self {
            Self::default()
        }

        fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Members<A>) -> Result<(), A::Error> {
            match name {
                "id" => from.required(name, 0, &mut self.id),
                "names" => from.told(1).optional(name, &mut self.names),
                "labels" if from.is_told(1) => from.unknown(),
                "labels" => from.optional("names", &mut self.names),
                "flags" => from.optional(name, &mut self.flags),
                "next" => from.optional(name, &mut self.next),
                "at" => from.optional(name, &mut self.at),
                "share" => from.optional(name, &mut self.share),
                "any" => from.optional(name, &mut self.any),
                _ => from.rest(name, &mut self.rest),
            }
        }

        fn write<M: SerializeMap>(&self, to: &mut Writer<M>) {
            to.always("id", &self.id);
        }
    }

    /// One that keeps nothing of what it does not know.
    #[derive(Default)]
    struct Bare {
        id: String,
    }

    impl Object for Bare {
        fn blank() -> Self {
            Self::default()
        }

        fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Members<A>) -> Result<(), A::Error> {
            match name {
                "id" => from.optional(name, &mut self.id),
                _ => from.unknown(),
            }
        }

        fn write<M: SerializeMap>(&self, _: &mut Writer<M>) {}
    }

    fn node(body: &str) -> Result<Leaf, String> {
        let mut leaf = Leaf::default();
        read(body.as_bytes(), &mut leaf).map(|()| leaf).map_err(|problem| problem.to_string())
    }

    /// The paths of what was left out.
    fn paths_left_out(body: &str) -> Vec<String> {
        let mut leaf = Leaf::default();
        let read = leaf.read(&mut serde_json::Deserializer::from_str(body)).expect("JSON");
        assert!(matches!(read, Read::Value), "{body}");
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
    fn the_last_of_two_members_with_one_name_counts() {
        let read = node(r#"{"id":"a","names":["b"],"at":1,"next":{"id":"c","at":2},"id":"d","names":["e"],"at":"f","x":1,"x":2,"next":{"id":"g"}}"#)
            .expect("read");
        assert_eq!((read.id.as_str(), read.at), ("d", None));
        assert_eq!(read.names, ["e"]);
        assert_eq!(read.next, Some(Box::new(Leaf { id: "g".to_owned(), ..Leaf::default() })));
        assert_eq!(Value::from(read.rest), serde_json::json!({"x": 2}));
        let odd = r#"{"id":"a","flags":{"x":true,"y":false,"x":null},"id":5}"#;
        assert_eq!(node(odd), Err("id: is not a string".to_owned()));
    }

    #[test]
    fn the_first_name_of_a_member_counts_before_its_others() {
        for (body, names) in [
            (r#"{"id":"a","labels":["b"]}"#, &["b"][..]),
            (r#"{"id":"a","labels":["b"],"names":["c"]}"#, &["c"]),
            (r#"{"id":"a","names":["c"],"labels":["b"]}"#, &["c"]),
            (r#"{"id":"a","names":null,"labels":["b"]}"#, &[]),
        ] {
            let read = node(body).expect("read");
            assert_eq!(read.names, names, "{body}");
            assert!(read.rest.is_empty(), "{body}");
        }
        assert_eq!(paths_left_out(r#"{"id":"a","labels":[1]}"#), ["names[0]: is not a string"]);
    }

    #[test]
    fn what_is_passed_over_need_not_be_anything_that_could_be_kept() {
        let mut bare = Bare::default();
        let mut text = serde_json::Deserializer::from_str(r#"{"x":1e400,"id":"a","y":["\ud800",{"z":-1e999}]}"#);
        assert!(matches!(bare.read(&mut text).expect("JSON"), Read::Value));
        assert_eq!(bare.id, "a");
    }

    #[test]
    fn what_no_value_can_hold_costs_its_member_at_most() {
        for number in [
            "1e400",
            "-1e400",
            "1E+400",
            "1.5e999",
            // Not too large, but serde_json rounds them up.
            "1.7976931348623158e308",
            "-1.797693134862315708e308",
            "1.7976931348623157081452742373170436e308",
            &format!("{}.0", "9".repeat(400)),
            &"9".repeat(400),
        ] {
            let body = format!(
                r#"{{"id":"a","at":{number},"share":{number},"any":[{number}],"flags":{{"b":{number}}},"x":{number}}}"#
            );
            let read = node(&body).expect("read");
            assert_eq!((read.id.as_str(), read.at, read.flags.len()), ("a", None, 0), "{body}");
            assert!(read.share.is_none_or(f64::is_finite), "{body}");
            // A number after all, where serde_json keeps the text of numbers.
            let is_kept = |value: &Value| value.as_str().map_or(value.is_number(), |text| text == number);
            assert!(is_kept(&read.any.expect("a value")[0]) && is_kept(&read.rest["x"]), "{body}");
            assert!(is_kept(&any(body.as_bytes()).expect("JSON")["any"][0]), "{body}");
        }
        let body = r#"{"id":"\ud83d\ude00","names":["\ud800","a\udc00b","\\ud800"],"next":{"id":"\ud800\ud83d\ude00"},"\udfff":1}"#;
        let read = node(body).expect("read");
        assert_eq!(
            (read.id.as_str(), read.names),
            ("😀", ["\u{fffd}", "a\u{fffd}b", "\\ud800"].map(str::to_owned).to_vec())
        );
        assert_eq!(read.next.expect("one").id, "\u{fffd}😀");
        assert_eq!(Value::from(read.rest), serde_json::json!({"\u{fffd}": 1}));
        assert_eq!(node(r#"{"id":"a","share":1.5}"#).expect("read").share, Some(1.5));
        for broken in [
            "1e400",
            "{1e400}",
            "{1e400:1}",
            "{1e400 :1}",
            "{18446744073709551616:1}",
            r#"{"id":"\ud800"#,
            r#"{"id":"a","at":01e400}"#,
            r#"{"id":"a","at":.1e999}"#,
        ] {
            node(broken).expect_err(broken);
        }
    }

    #[test]
    fn an_object_that_serde_hands_on_is_read_as_a_text_is() {
        let body =
            r#"{"id":"a","names":["b",null],"flags":{"x":true},"next":{"id":"c"},"at":"5","any":[1.5],"x":{"y":[]}}"#;
        let value: Value = serde_json::from_str(body).expect("JSON");
        let read: Leaf = deserialize(value).expect("read");
        assert_eq!(Ok(read), node(body));
        let odd: Leaf = deserialize(serde_json::json!({"id": "a", "next": {}, "names": 5})).expect("read");
        assert_eq!(odd, Leaf { id: "a".to_owned(), ..Leaf::default() });
        let error = deserialize::<_, Leaf>(serde_json::json!({"id": null})).expect_err("refused").to_string();
        assert_eq!(error, "id: is null");
    }

    #[test]
    fn integers_that_no_64_bits_hold_keep_their_digits() {
        for number in ["9007199254740993", "-9223372036854775808", "18446744073709551615", "1.5", "-2e300", "0", "1e22"]
        {
            let body = format!(r#"{{"a":{number},"b":[{number}]}}"#);
            assert!(matches!(text::with_exact_numbers(body.as_bytes()), Cow::Borrowed(_)), "{number}");
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
