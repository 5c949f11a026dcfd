//! YAML and JSON as values, and the lines that the values stand on.

use std::collections::{BTreeMap, HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

/// Deeper than any document of this kind; keeps a hostile file from overflowing the stack.
const MAX_DEPTH: usize = 200;
/// More values than any document of this kind has; keeps aliases of aliases from taking all memory.
const MAX_NODES: usize = 2_000_000;
/// So much text counts as one more value: an alias of a long text is as good a bomb as one of a long list.
const TEXT_OF_A_NODE: usize = 64;

/// Where something is wrong, as a line from 1, and what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line: line.max(1), message: message.into() }
    }
}

/// The value of a text, which is JSON when it begins with a brace, else YAML.
pub(crate) fn value(text: &str) -> Result<Value, Problem> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| Problem::new(error.line(), error.to_string()));
    }
    Loader::new(text, false).document().map(|(value, _)| value)
}

/// The line of each value of such a text, by its JSON pointer; as far as it can be told.
pub(crate) fn lines(text: &str) -> HashMap<String, usize> {
    Loader::new(text, true).document().map(|(_, lines)| lines).unwrap_or_default()
}

/// One segment of a JSON pointer.
pub(crate) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

struct Loader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// Anchored values, each with its number of nodes.
    anchors: BTreeMap<usize, (Value, usize)>,
    with_lines: bool,
    lines: HashMap<String, usize>,
    depth: usize,
    /// Nodes so far, with those that aliases repeat.
    nodes: usize,
}

impl<'a> Loader<'a> {
    fn new(text: &'a str, with_lines: bool) -> Self {
        let events = Parser::new_from_str(text);
        Self { events, anchors: BTreeMap::new(), with_lines, lines: HashMap::new(), depth: 0, nodes: 0 }
    }

    fn next(&mut self) -> Result<(Event<'a>, usize), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(Problem::new(error.marker().line(), error.info())),
            None => Err(Problem::new(1, "the document ends too early")),
        }
    }

    fn document(mut self) -> Result<(Value, HashMap<String, usize>), Problem> {
        let mut root = None;
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                other if root.is_none() => root = Some(self.node(other, line, "")?),
                _ => return Err(Problem::new(line, "there is more than one document in the file")),
            }
        }
        root.map(|root| (root, self.lines)).ok_or_else(|| Problem::new(1, "the file is empty"))
    }

    fn node(&mut self, event: Event<'a>, line: usize, pointer: &str) -> Result<Value, Problem> {
        if self.with_lines {
            self.lines.entry(pointer.to_owned()).or_insert(line);
        }
        let before = self.nodes;
        self.count(1, line)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::new(line, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let tagged = || Err(Problem::new(line, "tags are not used here"));
        let (anchor, value) = match event {
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                return tagged();
            }
            Event::Scalar(text, style, anchor, None) => {
                self.count(text.len() / TEXT_OF_A_NODE, line)?;
                (anchor, scalar(&text, style))
            }
            Event::SequenceStart(anchor, None) => (anchor, self.sequence(pointer)?),
            Event::MappingStart(anchor, None) => (anchor, self.mapping(pointer)?),
            Event::Alias(id) => {
                let Some(nodes) = self.anchors.get(&id).map(|(_, nodes)| *nodes) else {
                    return Err(Problem::new(line, "alias of an anchor that is not complete yet"));
                };
                self.count(nodes, line)?;
                (0, self.anchors[&id].0.clone())
            }
            other => return Err(Problem::new(line, format!("unexpected {other:?}"))),
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
            return Err(Problem::new(line, format!("more than {MAX_NODES} values, with those that aliases repeat")));
        }
        Ok(())
    }

    fn child(&self, pointer: &str, segment: impl FnOnce() -> String) -> String {
        if self.with_lines { format!("{pointer}/{}", segment()) } else { String::new() }
    }

    fn sequence(&mut self, pointer: &str) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let child = self.child(pointer, || items.len().to_string());
            items.push(self.node(event, line, &child)?);
        }
    }

    fn mapping(&mut self, pointer: &str) -> Result<Value, Problem> {
        let mut map = Map::new();
        loop {
            let (event, line) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Object(map)),
                Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<" => {
                    return Err(Problem::new(line, "merge keys (<<) are not used here; write the members out"));
                }
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Problem::new(line, "a key is not a plain value")),
            };
            self.count(key.len() / TEXT_OF_A_NODE, line)?;
            if map.contains_key(&key) {
                return Err(Problem::new(line, format!("the member {key} stands here twice")));
            }
            let child = self.child(pointer, || escape(&key));
            if self.with_lines {
                // The key's line is where a reader looks, also when the value starts on the next one.
                self.lines.insert(child.clone(), line);
            }
            let (event, line) = self.next()?;
            let value = self.node(event, line, &child)?;
            map.insert(key, value);
        }
    }
}

/// YAML 1.2 core schema, as far as a JSON document needs it, but for numbers with a plus: those are phone numbers.
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
    if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
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
    fn scalars_have_the_types_that_a_reader_expects() {
        let text = "a: 1\nb: '1'\nc: true\nd: 3.0.3\ne: ~\nf: -1.5\ng: [x, 2]\nh: +15551234567\ni: &x {k: []}\nj: *x\n";
        let wanted = json!({
            "a": 1, "b": "1", "c": true, "d": "3.0.3", "e": null, "f": -1.5, "g": ["x", 2], "h": "+15551234567",
            "i": {"k": []}, "j": {"k": []},
        });
        assert_eq!(value(text), Ok(wanted));
        assert_eq!(lines(text)["/g/1"], 7);
        let json = "{\"a\": {\n\"b/c\": [1,\n2]}}";
        assert_eq!(value(json), Ok(json!({"a": {"b/c": [1, 2]}})));
        assert_eq!((lines(json)["/a/b~1c"], lines(json)["/a/b~1c/1"]), (2, 3));
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, part) in [
            ("a: 1\na: 2\n", 2, "twice"),
            ("a:\n  - !!str x\n", 2, "tags"),
            ("a: {}\n---\nb: 1\n", 3, "more than one"),
            ("a: 1\n<<: {b: 1}\n", 2, "merge"),
            ("{\"a\":\n 1,,}", 2, "line 2"),
            ("", 1, "empty"),
            ("a: *x\n", 1, ""),
        ] {
            let problem = value(text).expect_err(text);
            assert!(problem.line == line && problem.message.contains(part), "{text}: {problem:?}");
        }
        assert!(value(&"[".repeat(500)).is_err());
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n".to_owned()
            + &(0..6).fold(String::new(), |text, level| {
                let (above, own) = ((b'b' + level) as char, (b'c' + level) as char);
                format!("{text}{own}: &{own} [{}]\n", vec![format!("*{above}"); 10].join(","))
            });
        assert!(value(&bomb).expect_err("refused").message.contains("aliases"));
    }
}
