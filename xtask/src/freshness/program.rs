//! What the sources of one SDK define: functions, constants and types, to be found by name.

use std::{collections::BTreeMap, ops::Range};

use super::lexer::{self, Holes, Kind, Syntax, Token};

/// Functions of one name that are looked into, at most; beyond that a name says nothing.
const MOST_CALLERS: usize = 40;

/// What a method calls the value, or the class, that it belongs to.
const OWN: [&str; 5] = ["self", "this", "cls", "super", "static"];

/// How a language writes what matters here.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) syntax: Syntax,
    /// The word before the name of a function, if the language has one.
    pub(super) function: Option<&'static str>,
    /// Where a parameter has its name.
    pub(super) parameter: Parameter,
    /// Whether a call has as many arguments as its function has parameters.
    pub(super) counted: bool,
    /// Whether the last statement of a function is its result.
    pub(super) implicit_result: bool,
    /// Whether `{name}` in an object means `{name: name}`.
    pub(super) shorthand: bool,
    /// What stands before a path that has no version.
    pub(super) base: &'static str,
    /// Recognises a request by the words of its call.
    pub(super) request: fn(&[&str]) -> Option<Request>,
    /// The members of the types that a file declares.
    pub(super) types: fn(&[Token]) -> Vec<Type>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// `name type`, `name: type`, `name = default`
    First,
    /// `type name`
    Last,
    /// `label name: type`
    BeforeColon,
}

/// Which arguments of a call are its path, body and query: by position, and by any label it may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: (usize, &'static str),
    pub(super) body: Option<(usize, &'static str)>,
    pub(super) query: Option<Query>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Query {
    Argument(usize, &'static str),
    /// A member of an argument.
    Member(usize, &'static str),
}

/// A type whose values are sent as JSON.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its name in JSON; none for a type whose members are taken over.
    pub(super) json: Option<String>,
    /// Words of its type.
    pub(super) types: Vec<String>,
    pub(super) line: usize,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    class: Option<usize>,
    pub(super) parameters: Vec<(String, Range<usize>)>,
    /// Whether its last parameter takes all the arguments that are left.
    pub(super) rest: bool,
    pub(super) body: Range<usize>,
    pub(super) results: Vec<Range<usize>>,
}

#[derive(Debug)]
struct Class {
    name: String,
    bases: Vec<String>,
}

pub(super) struct File {
    pub(super) name: String,
    pub(super) tokens: Vec<Token>,
    pub(super) functions: Vec<Function>,
    classes: Vec<Class>,
    /// The innermost function around each token.
    around: Vec<Option<usize>>,
    /// The function around each function.
    parents: Vec<Option<usize>>,
}

impl File {
    pub(super) fn function_at(&self, token: usize) -> Option<usize> {
        self.around.get(token).copied().flatten()
    }

    /// Whether a token lies in the function itself, and not in one inside of it.
    pub(super) fn directly_in(&self, function: usize, token: usize) -> bool {
        self.around[token] == Some(function)
    }

    pub(super) fn parent(&self, function: usize) -> Option<usize> {
        self.parents[function]
    }
}

struct Constant {
    keys: Vec<String>,
    file: usize,
    value: String,
}

pub(super) struct Program {
    pub(super) dialect: Dialect,
    pub(super) files: Vec<File>,
    constants: BTreeMap<String, Vec<Constant>>,
    functions: BTreeMap<String, Vec<(usize, usize)>>,
    callers: BTreeMap<String, Vec<(usize, usize)>>,
    pub(super) types: BTreeMap<String, (usize, Vec<Field>)>,
}

impl Program {
    pub(super) fn new(dialect: Dialect, sources: &[(String, String)]) -> Self {
        let mut program = Self {
            dialect,
            files: Vec::new(),
            constants: BTreeMap::new(),
            functions: BTreeMap::new(),
            callers: BTreeMap::new(),
            types: BTreeMap::new(),
        };
        for (name, text) in sources {
            program.add(name, lex(text, dialect.syntax));
        }
        program
    }

    fn add(&mut self, name: &str, tokens: Vec<Token>) {
        let index = self.files.len();
        let (classes, class_at) = classes(&tokens);
        let functions = functions(&tokens, &self.dialect, &class_at);
        let mut around = vec![None; tokens.len()];
        let mut parents = vec![None; functions.len()];
        // A function that begins later lies inside of the one that is still open.
        for (number, function) in functions.iter().enumerate() {
            parents[number] = around.get(function.body.start).copied().flatten();
            around[function.body.clone()].fill(Some(number));
            self.functions.entry(function.name.clone()).or_default().push((index, number));
        }
        for (position, pair) in tokens.windows(2).enumerate() {
            if let Some(word) = pair[0].word().filter(|_| pair[1].is('(')) {
                self.callers.entry(word.to_owned()).or_default().push((index, position));
            }
        }
        for (keys, value) in constants(&tokens) {
            let last = keys.last().cloned().unwrap_or_default();
            self.constants.entry(last).or_default().push(Constant { keys, file: index, value });
        }
        for found in (self.dialect.types)(&tokens) {
            self.types.entry(found.name).or_insert((index, found.fields));
        }
        self.files.push(File { name: name.to_owned(), tokens, functions, classes, around, parents });
    }

    /// Values of the constants that a chain of words can mean: those with most of its words, the same file first.
    pub(super) fn constant(&self, file: usize, chain: &[String]) -> Vec<String> {
        let Some(candidates) = chain.last().and_then(|last| self.constants.get(last)) else { return Vec::new() };
        let score = |constant: &Constant| {
            let alike =
                constant.keys.iter().rev().zip(chain.iter().rev()).take_while(|(key, word)| key == word).count();
            (alike, constant.file == file)
        };
        // In JavaScript a member of anything can have the name of a constant.
        let whole = |constant: &&Constant| {
            let alike = score(constant).0;
            !self.dialect.shorthand || chain.len() == 1 || alike > 1 || alike == constant.keys.len()
        };
        let best = candidates.iter().filter(whole).map(score).max();
        let mut values: Vec<String> =
            candidates.iter().filter(|constant| Some(score(constant)) == best).map(|c| c.value.clone()).collect();
        values.sort();
        values.dedup();
        values
    }

    /// The functions that a call can mean: of its class and what that is derived from, else of its file, else all.
    /// Where arguments have no labels, only those that take as many.
    pub(super) fn functions(
        &self,
        file: usize,
        caller: Option<usize>,
        chain: &[String],
        arguments: usize,
    ) -> Vec<(usize, usize)> {
        let Some(all) = chain.last().and_then(|name| self.functions.get(name)) else { return Vec::new() };
        let mut all = all.clone();
        if self.dialect.counted {
            let count = |(file, function): &(usize, usize)| self.files[*file].functions[*function].parameters.len();
            if all.iter().any(|definition| count(definition) == arguments) {
                all.retain(|definition| count(definition) == arguments);
            }
        }
        if all.len() == 1 {
            return all;
        }
        let of_itself = chain.len() == 1 || chain.len() == 2 && OWN.contains(&chain[0].as_str());
        let own = caller.filter(|_| of_itself).and_then(|function| self.files[file].functions[function].class);
        let mut names: Vec<String> = Vec::new();
        if let Some(class) = own.map(|class| &self.files[file].classes[class]) {
            names.extend(std::iter::once(class.name.clone()).chain(class.bases.clone()));
        }
        if chain.len() > 1 {
            let head = &chain[chain.len() - 2];
            if !OWN.contains(&head.as_str()) {
                names.insert(0, head.clone());
                names.insert(1, format!("{head}Base"));
            }
        }
        for name in names {
            let found: Vec<_> = all
                .iter()
                .copied()
                .filter(|(file, function)| {
                    let file = &self.files[*file];
                    file.functions[*function].class.is_some_and(|class| file.classes[class].name == name)
                })
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        // A method of a value whose class is not known can be any of that name.
        if !of_itself {
            return Vec::new();
        }
        let near: Vec<_> = all.iter().copied().filter(|(place, _)| *place == file).collect();
        if near.is_empty() { all.iter().copied().take(8).collect() } else { near }
    }

    /// Where a function is called: file and token. The same file alone, if it is called there.
    pub(super) fn callers(&self, file: usize, name: &str) -> Vec<(usize, usize)> {
        // The client has methods of these names itself.
        if super::method(name).is_some() {
            return Vec::new();
        }
        let all = self.callers.get(name).map_or(&[][..], Vec::as_slice);
        let used = |&(place, token): &(usize, usize)| {
            let before = token.checked_sub(1).and_then(|before| self.files[place].tokens[before].word());
            before.is_none_or(|before| Some(before) != self.dialect.function)
        };
        let qualified = |&(place, token): &(usize, usize)| {
            let tokens = &self.files[place].tokens;
            let receiver = (token > 1 && tokens[token - 1].is('.')).then(|| tokens[token - 2].word()).flatten();
            receiver.is_some_and(|receiver| !OWN.contains(&receiver) && !receiver.starts_with(char::is_uppercase))
        };
        let near: Vec<_> = all.iter().copied().filter(|found| found.0 == file && used(found)).collect();
        let far = || all.iter().copied().filter(|found| used(found) && !qualified(found)).collect();
        let found: Vec<_> = if near.is_empty() { far() } else { near };
        if found.len() > MOST_CALLERS { Vec::new() } else { found }
    }
}

/// The tokens of a source; PHP's names without their dollar.
pub(super) fn lex(text: &str, syntax: Syntax) -> Vec<Token> {
    let mut tokens = lexer::tokens(text, syntax);
    if syntax.holes == Holes::Php {
        for token in &mut tokens {
            if let Kind::Word(word) = &mut token.kind {
                *word = word.trim_start_matches('$').to_owned();
            }
        }
    }
    tokens
}

/// The bracket that closes the one at `open`, or the end.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if let Kind::Punct(punct) = token.kind {
            match punct {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index;
                    }
                }
                _ => {}
            }
        }
    }
    tokens.len()
}

/// Whether there is one `=` at `index`, which assigns.
pub(super) fn assigns(tokens: &[Token], index: usize) -> bool {
    let is = |index: usize, puncts: &str| {
        tokens.get(index).is_some_and(|token| matches!(token.kind, Kind::Punct(punct) if puncts.contains(punct)))
    };
    is(index, "=") && !is(index + 1, "=>") && !(index > 0 && is(index - 1, "=!<>"))
}

/// Where the expression that begins at `start` ends.
pub(super) fn expression_end(tokens: &[Token], start: usize) -> usize {
    let mut index = start;
    while index < tokens.len() {
        let token = &tokens[index];
        if index > start && token.starts_line.is_some() && !continues(&tokens[index - 1], token) {
            return index;
        }
        match token.kind {
            Kind::Punct('(' | '[' | '{') => index = closing(tokens, index),
            Kind::Punct(')' | ']' | '}' | ';' | ',') => return index,
            _ => {}
        }
        index += 1;
    }
    tokens.len()
}

/// Whether a line goes on with what the one before it began.
fn continues(before: &Token, first: &Token) -> bool {
    let open = match &before.kind {
        Kind::Punct(punct) => "=+.?:&|,([{<>-".contains(*punct),
        Kind::Word(word) => ["return", "or", "and", "else", "in", "to", "await"].contains(&word.as_str()),
        Kind::Text(_) => false,
    };
    let goes_on = match &first.kind {
        Kind::Punct(punct) => ".+?:&|=".contains(*punct),
        Kind::Word(word) => ["or", "and", "else", "if"].contains(&word.as_str()),
        Kind::Text(_) => matches!(before.kind, Kind::Text(_)),
    };
    open || goes_on
}

/// Splits at the commas that lie in no bracket; with `generics`, angle brackets count.
pub(super) fn split(tokens: &[Token], generics: bool) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut depth, mut angles, mut start) = (0_usize, 0_usize, 0);
    for (index, token) in tokens.iter().enumerate() {
        let Kind::Punct(punct) = token.kind else { continue };
        match punct {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '<' if generics => angles += 1,
            '>' if generics && index > 0 && !tokens[index - 1].is('=') && !tokens[index - 1].is('-') => {
                angles = angles.saturating_sub(1);
            }
            ',' if depth == 0 && angles == 0 => {
                parts.push(start..index);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(start..tokens.len());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The classes of a file, and for each token the one that it stands in.
fn classes(tokens: &[Token]) -> (Vec<Class>, Vec<Option<usize>>) {
    let mut classes = Vec::new();
    let mut at = vec![None; tokens.len()];
    for (index, token) in tokens.iter().enumerate() {
        let named = ["class", "module", "object"].iter().any(|word| token.is_word(word));
        if let Some(name) = tokens.get(index + 1).and_then(Token::word).filter(|_| named) {
            let end = (index + 2..tokens.len())
                .find(|&end| tokens[end].is('{') || tokens[end].is(':') || tokens[end].starts_line.is_some());
            let bases = &tokens[index + 2..end.unwrap_or(tokens.len())];
            let bases = bases.iter().filter_map(Token::word).map(str::to_owned).collect();
            classes.push(Class { name: name.to_owned(), bases });
        }
        at[index] = classes.len().checked_sub(1);
    }
    (classes, at)
}

fn functions(tokens: &[Token], dialect: &Dialect, class_at: &[Option<usize>]) -> Vec<Function> {
    let mut found = Vec::new();
    for (index, class) in class_at.iter().copied().enumerate() {
        let Some((name, parameters, body)) = function_at(tokens, index, dialect) else { continue };
        let inside = parameters.start + 1..closing(tokens, parameters.start).min(tokens.len());
        let parameters = if tokens[parameters.start].is('(') {
            parameter_names(tokens, inside, dialect)
        } else {
            vec![(tokens[parameters.start].word().unwrap_or_default().to_owned(), parameters)]
        };
        let results = results(tokens, &body, dialect);
        let rest = dialect.shorthand && parameters.iter().any(|(_, range)| tokens[range.start].is('.'));
        found.push(Function { name, class, parameters, rest, body, results });
    }
    found
}

/// Name, parameters (from their opening bracket, or the only one without) and body of the function that begins here.
fn function_at(tokens: &[Token], index: usize, dialect: &Dialect) -> Option<(String, Range<usize>, Range<usize>)> {
    let token = &tokens[index];
    if dialect.shorthand {
        return arrow_at(tokens, index).or_else(|| keyword_at(tokens, index));
    }
    match dialect.function {
        Some(word) if token.is_word(word) => {
            let mut at = index + 1;
            if tokens.get(at)?.is('(') {
                // The receiver of a method.
                at = closing(tokens, at) + 1;
            }
            // `self.name`
            while tokens.get(at + 1).is_some_and(|token| token.is('.')) {
                at += 2;
            }
            let name = tokens.get(at)?.word()?.to_owned();
            let mut open = at + 1;
            if tokens.get(open)?.is('<') {
                open = (open..tokens.len()).find(|&index| tokens[index].is('('))?;
            }
            if !tokens.get(open)?.is('(') {
                // Without parameters, and so without brackets.
                return Some((name, at..at + 1, body(tokens, index, at)));
            }
            let close = closing(tokens, open);
            Some((name, open..close, body(tokens, index, close)))
        }
        Some(_) => None,
        // `type name(…) throws … {`
        None => {
            let name = token.word()?;
            let after_type = index > 0
                && (tokens[index - 1].is('>') || tokens[index - 1].is(']') || tokens[index - 1].word().is_some())
                && !tokens[index - 1].is_word("new")
                && !tokens[index - 1].is_word("return")
                && !tokens[index - 1].is_word("else");
            if !after_type || !tokens.get(index + 1)?.is('(') {
                return None;
            }
            let close = closing(tokens, index + 1);
            let open = (close + 1..tokens.len())
                .find(|&at| !tokens[at].is(',') && !tokens[at].is('.') && tokens[at].word().is_none())?;
            tokens[open].is('{').then(|| (name.to_owned(), index + 1..close, open + 1..closing(tokens, open)))
        }
    }
}

/// The body of a function whose first line begins left of it: up to the next line that begins no further right.
fn body(tokens: &[Token], keyword: usize, close: usize) -> Range<usize> {
    let column = (0..=keyword).rev().find_map(|index| tokens[index].starts_line).unwrap_or_default();
    let end = (close + 1..tokens.len())
        .find(|&index| tokens[index].starts_line.is_some_and(|at| at <= column) && !tokens[index].is('{'))
        .unwrap_or(tokens.len());
    (close + 1).min(end)..end
}

/// `(a, b) => …` and `a => …`
fn arrow_at(tokens: &[Token], index: usize) -> Option<(String, Range<usize>, Range<usize>)> {
    let close = if tokens[index].is('(') { closing(tokens, index) } else { index };
    if close == index && tokens[index].word().is_none() {
        return None;
    }
    let mut arrow = close + 1;
    if tokens.get(arrow)?.is(':') && tokens[index].is('(') {
        // The type of the result.
        arrow = (arrow..tokens.len().min(arrow + 80))
            .find(|&at| tokens[at].is('=') && tokens.get(at + 1).is_some_and(|next| next.is('>')))?;
    }
    if !tokens.get(arrow)?.is('=') || !tokens.get(arrow + 1)?.is('>') {
        return None;
    }
    let start = arrow + 2;
    let body =
        if tokens.get(start)?.is('{') { start + 1..closing(tokens, start) } else { start..arrow_end(tokens, start) };
    Some((name_before(tokens, index), index..close.max(index + 1), body))
}

/// The end of an expression that goes on over lines.
fn arrow_end(tokens: &[Token], start: usize) -> usize {
    let mut index = start;
    while index < tokens.len() {
        match tokens[index].kind {
            Kind::Punct('(' | '[' | '{') => index = closing(tokens, index),
            Kind::Punct(')' | ']' | '}' | ';' | ',') => return index,
            _ => {}
        }
        index += 1;
    }
    tokens.len()
}

/// `function name(…) {` and `name(…) {`
fn keyword_at(tokens: &[Token], index: usize) -> Option<(String, Range<usize>, Range<usize>)> {
    let word = tokens[index].word()?;
    if ["if", "for", "while", "switch", "catch", "return"].contains(&word) || !tokens.get(index + 1)?.is('(') {
        return None;
    }
    let close = closing(tokens, index + 1);
    let open = if tokens.get(close + 1)?.is(':') {
        (close + 2..tokens.len().min(close + 40)).find(|&at| tokens[at].is('{'))?
    } else {
        close + 1
    };
    if !tokens.get(open)?.is('{') {
        return None;
    }
    let name = if word == "function" { name_before(tokens, index) } else { word.to_owned() };
    Some((name, index + 1..close, open + 1..closing(tokens, open)))
}

/// The name that a function without one is given: `name = …`, `name: …`.
fn name_before(tokens: &[Token], index: usize) -> String {
    let mut at = index;
    while at > 0 && (tokens[at - 1].is_word("async") || tokens[at - 1].is('(')) {
        at -= 1;
    }
    let named = at > 1 && (tokens[at - 1].is(':') || tokens[at - 1].is('='));
    if named { tokens[at - 2].word().unwrap_or_default().to_owned() } else { String::new() }
}

fn parameter_names(tokens: &[Token], inside: Range<usize>, dialect: &Dialect) -> Vec<(String, Range<usize>)> {
    let mut names = Vec::new();
    for part in split(&tokens[inside.clone()], true) {
        let range = inside.start + part.start..inside.start + part.end;
        let part = &tokens[range.clone()];
        let words = || part.iter().filter_map(Token::word);
        let before = |end: char| part.iter().take_while(|token| !token.is(end)).filter_map(Token::word).last();
        let name = match dialect.parameter {
            Parameter::First if part[0].is('{') => None,
            Parameter::First => words().find(|word| !["vararg", "readonly"].contains(word)),
            Parameter::Last => before('='),
            Parameter::BeforeColon => before(':'),
        };
        if !["self", "cls"].contains(&name.unwrap_or_default()) {
            names.push((name.unwrap_or_default().to_owned(), range));
        }
    }
    names
}

/// The expressions that a function can end with.
fn results(tokens: &[Token], body: &Range<usize>, dialect: &Dialect) -> Vec<Range<usize>> {
    let mut results = Vec::new();
    for index in body.clone() {
        if tokens[index].is_word("return") {
            let end = if dialect.shorthand { arrow_end(tokens, index + 1) } else { expression_end(tokens, index + 1) };
            results.push(index + 1..end.min(body.end));
        }
    }
    let Some(first) = tokens.get(body.start).filter(|_| !body.is_empty()) else { return results };
    if first.is('=') {
        // `fun name() = …`
        results.push(body.start + 1..body.end);
    } else if dialect.shorthand && !tokens[body.start - 1].is('{') {
        results.push(body.clone());
    } else if dialect.implicit_result {
        let open = body.clone().find(|&index| tokens[index].starts_line.is_some());
        let column = open.and_then(|open| tokens[open].starts_line);
        let last = body.clone().rev().find(|&index| column.is_some() && tokens[index].starts_line == column);
        let closes = |index: usize| tokens[index].is(')') || tokens[index].is('}') || tokens[index].is(']');
        let last = last.map(|last| {
            if !closes(last) {
                return last;
            }
            (body.start..last).rev().find(|&index| tokens[index].starts_line == column).unwrap_or(last)
        });
        if let Some(last) = last.or((!body.is_empty()).then_some(body.start)) {
            results.push(last..body.end);
        }
    }
    results
}

/// Texts with a name that can be a path or a part of one: `name = "…"`, `name: "…"`, with the names around them.
fn constants(tokens: &[Token]) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut around: Vec<Option<String>> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Punct('{') => around.push(opener(tokens, index)),
            Kind::Punct('}') => drop(around.pop()),
            Kind::Text(_) => {
                let Some(value) = token.literal().filter(|value| like_path(value)) else { continue };
                if let Some(name) = opener_of_text(tokens, index) {
                    found.push((around.iter().flatten().cloned().chain([name]).collect(), value));
                }
            }
            _ => {}
        }
    }
    found
}

pub(super) fn like_path(text: &str) -> bool {
    text.contains('/')
        && text.contains(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.{}:".contains(c))
        && !text.contains("//")
}

/// The name before a text: `name = "…"`, `name: Type = "…"`, `self::name = base + "…"`.
fn opener_of_text(tokens: &[Token], text: usize) -> Option<String> {
    let mut at = text.checked_sub(1)?;
    let base_before = tokens[at].is('.') || tokens[at].is('+');
    if base_before {
        at = (0..at).rev().take(8).find(|&index| tokens[index].is('='))?;
    }
    opener(tokens, at + 1)
}

/// The name that the value at `index` is given.
fn opener(tokens: &[Token], index: usize) -> Option<String> {
    let mut at = index.checked_sub(1)?;
    // The type of a literal: `name: Type{`.
    while at > 0 && (tokens[at].word().is_some() || tokens[at].is('.') || tokens[at].is('&')) && index - at < 5 {
        at -= 1;
    }
    if !(tokens[at].is(':') || assigns(tokens, at)) {
        return None;
    }
    let mut name = at.checked_sub(1)?;
    if tokens[name].is(':') {
        name = name.checked_sub(1)?;
    }
    // `name: Type = …`
    if tokens[at].is('=') && name > 1 && tokens[name - 1].is(':') && tokens[name - 2].word().is_some() {
        name -= 2;
    }
    match &tokens[name].kind {
        Kind::Word(word) => Some(word.clone()),
        Kind::Text(_) => tokens[name].literal(),
        Kind::Punct(_) => None,
    }
}
