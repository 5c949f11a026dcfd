//! YAML to JSON values, with the line that every value came from.
//!
//! Built on parser events rather than on a value type, because a rule that fails has to name a line and because
//! duplicate keys, which most loaders let pass, are a fault here.

use std::{collections::BTreeMap, ops::Range};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use crate::problem::{Place, Problem};

/// Deeper than any document of this kind; keeps a hostile file from overflowing the stack.
const MAX_DEPTH: usize = 200;

/// More nodes than any document of this kind has; keeps aliases of aliases from taking all memory.
const MAX_NODES: usize = 2_000_000;

/// So much text counts as one more value: an alias of a long text is as good a bomb as one of a long list.
const TEXT_OF_A_NODE: usize = 64;

/// A parsed file: its value, and lines by JSON pointer.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) value: Value,
    pub(crate) lines: BTreeMap<String, usize>,
}

/// Parses one file. `file` is only used in messages.
pub(crate) fn parse(file: &str, text: &str) -> Result<Located, Problem> {
    if text.trim_start().starts_with('{') {
        let place = Place { file: file.to_owned(), line: 1 };
        return Err(Problem::new(place, "yaml", "JSON; write YAML, so that a fault has a line to be named by"));
    }
    Loader::new(file, text, true).document()
}

/// Parses one file for its value alone, which is a good deal faster; JSON is taken as well.
pub(crate) fn value(file: &str, text: &str) -> Result<Value, Problem> {
    Loader::new(file, text, false).document().map(|located| located.value)
}

/// One segment of a JSON pointer, escaped.
pub(crate) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

struct Loader<'a> {
    file: &'a str,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Anchored values, each with its number of nodes.
    anchors: BTreeMap<usize, (Value, usize)>,
    with_lines: bool,
    lines: BTreeMap<String, usize>,
    depth: usize,
    /// Nodes so far, with those that aliases repeat.
    nodes: usize,
}

impl<'a> Loader<'a> {
    fn new(file: &'a str, text: &'a str, with_lines: bool) -> Self {
        Self {
            file,
            events: Parser::new_from_str(text),
            anchors: BTreeMap::new(),
            with_lines,
            lines: BTreeMap::new(),
            depth: 0,
            nodes: 0,
        }
    }

    fn problem(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem::new(Place { file: self.file.to_owned(), line: line.max(1) }, "yaml", message)
    }

    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), Problem> {
        match self.events.next() {
            Some(Ok((event, Span { start, end, .. }))) => Ok((event, start.line()..end.line())),
            Some(Err(error)) => Err(self.problem(error.marker().line(), error.info().to_owned())),
            None => Err(self.problem(1, "the document ends too early")),
        }
    }

    fn document(&mut self) -> Result<Located, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                other if root.is_none() => root = Some(self.node(other, &span, "")?),
                _ => return Err(self.problem(span.start, "more than one document in the file")),
            }
        }
        match root {
            Some(mut value @ Value::Object(_)) => {
                // Whatever map type serde_json uses, the same text makes the same document.
                value.sort_all_objects();
                Ok(Located { value, lines: std::mem::take(&mut self.lines) })
            }
            Some(_) => Err(self.problem(1, "the document is not a mapping")),
            None => Err(self.problem(1, "the file is empty")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Range<usize>, pointer: &str) -> Result<Value, Problem> {
        if self.with_lines {
            self.lines.insert(pointer.to_owned(), span.start);
        }
        let before = self.nodes;
        self.count(1, span.start)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.problem(span.start, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    return Err(self.problem(span.start, "tags are not used here"));
                }
                self.count(text.len() / TEXT_OF_A_NODE, span.start)?;
                (anchor, scalar(&text, style))
            }
            Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                return Err(self.problem(span.start, "tags are not used here"));
            }
            Event::SequenceStart(anchor, None) => (anchor, self.sequence(pointer)?),
            Event::MappingStart(anchor, None) => (anchor, self.mapping(pointer)?),
            Event::Alias(id) => {
                let Some(nodes) = self.anchors.get(&id).map(|(_, nodes)| *nodes) else {
                    return Err(self.problem(span.start, "alias of an anchor that is not complete yet"));
                };
                self.count(nodes, span.start)?;
                (0, self.anchors[&id].0.clone())
            }
            other => return Err(self.problem(span.start, format!("unexpected {other:?}"))),
        };
        self.depth -= 1;
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before));
        }
        Ok(value)
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(self.problem(line, format!("more than {MAX_NODES} values, with those that aliases repeat")));
        }
        Ok(())
    }

    /// The pointer of a child, which only lines need.
    fn child(&self, pointer: &str, segment: &str) -> String {
        if self.with_lines { format!("{pointer}/{}", escape(segment)) } else { String::new() }
    }

    fn sequence(&mut self, pointer: &str) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let child = if self.with_lines { format!("{pointer}/{}", items.len()) } else { String::new() };
            let item = self.node(event, &span, &child)?;
            items.push(item);
        }
    }

    fn mapping(&mut self, pointer: &str) -> Result<Value, Problem> {
        let mut map = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Object(map)),
                Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<" => {
                    return Err(self.problem(span.start, "merge keys (`<<`) are not used here; write the members out"));
                }
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.problem(span.start, "a key is not a plain value")),
            };
            self.count(key.len() / TEXT_OF_A_NODE, span.start)?;
            if map.contains_key(&key) {
                return Err(self.problem(span.start, format!("the key `{key}` stands here twice")));
            }
            let key_line = span.start;
            let (event, span) = self.next()?;
            let child = self.child(pointer, &key);
            let value = self.node(event, &span, &child)?;
            // The key's line is where a reader looks, also when the value starts on the next one.
            if self.with_lines {
                self.lines.insert(child, key_line);
            }
            map.insert(key, value);
        }
    }
}

/// YAML 1.2 core schema, as far as a JSON document needs it.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    if numeric {
        if let Ok(integer) = text.parse::<i64>() {
            return Value::Number(integer.into());
        }
        if let Some(number) = text.parse::<f64>().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_take_the_core_schema_types() {
        let located = parse("a.yaml", "a: 1\nb: '1'\nc: true\nd: 3.0.3\ne: ~\nf: 1.5\ng: [x, 2]\n").unwrap();
        assert_eq!(
            located.value,
            json!({"a": 1, "b": "1", "c": true, "d": "3.0.3", "e": null, "f": 1.5, "g": ["x", 2]})
        );
        assert_eq!(located.lines["/f"], 6);
    }

    #[test]
    fn aliases_repeat_their_anchor() {
        let located = parse("a.yaml", "a: &x {k: [1]}\nb: *x\n").unwrap();
        assert_eq!(located.value["b"], json!({"k": [1]}));
    }

    #[test]
    fn faults_name_file_and_line() {
        for (text, line, part) in [
            ("a: 1\na: 2\n", 2, "twice"),
            ("a: [1\nb: 2\n", 2, ""),
            ("", 1, "empty"),
            ("- 1\n", 1, "not a mapping"),
            ("{\"a\": 1}", 1, "JSON"),
            ("a: 1\n---\nb: 1\n", 3, "more than one document"),
            ("a: &x {k: 1}\nb:\n  <<: *x\n", 3, "merge keys"),
            ("a: 1\nb: !!str 2\n", 2, "tags"),
            ("a: 1\nb: !mine [2]\n", 2, "tags"),
            ("a: 1\nb: !!map {c: 2}\n", 2, "tags"),
        ] {
            let problem = parse("spec/x.yaml", text).unwrap_err();
            assert_eq!(problem.place.file, "spec/x.yaml");
            assert_eq!(problem.place.line, line, "{text:?}: {problem}");
            assert!(problem.message.contains(part), "{problem}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let text = format!("a: {}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(parse("a.yaml", &text).is_err());
    }

    #[test]
    fn aliases_of_aliases_are_bounded() {
        let mut text = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n".to_owned();
        for level in 1..=8 {
            let repeated = format!("*a{}", level - 1);
            let line = format!("a{level}: &a{level} [{}]\n", vec![repeated; 10].join(", "));
            text.push_str(&line);
        }
        for problem in [parse("a.yaml", &text).unwrap_err(), value("a.yaml", &text).unwrap_err()] {
            assert_eq!((problem.place.file.as_str(), problem.place.line), ("a.yaml", 7), "{problem}");
            assert!(problem.message.contains("aliases"), "{problem}");
        }
    }

    #[test]
    fn aliases_of_long_texts_are_bounded() {
        let long = "x".repeat(1_000_000);
        let repeated = vec!["*a"; 1000].join(", ");
        for first in [format!("a: &a {long}\n"), format!("a: &a {{k: {long}}}\n"), format!("a: &a [{long}, 1]\n")] {
            let problem = value("a.yaml", &format!("{first}b: [{repeated}]\n")).unwrap_err();
            assert_eq!(problem.place.line, 2, "{problem}");
            assert!(problem.message.contains("aliases"), "{problem}");
        }
        let few = ["*a"; 10].join(", ");
        assert!(value("a.yaml", &format!("a: &a {long}\nb: [{few}]\n")).is_ok());
    }

    #[test]
    fn the_value_is_the_same_with_and_without_lines() {
        let text = "a: &x {k: [1, {b: c}]}\nd: *x\n'<<': quoted\n";
        assert_eq!(parse("a.yaml", text).unwrap().value, value("a.yaml", text).unwrap());
    }
}
