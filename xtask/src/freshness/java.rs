//! The Java SDK: `apiProxy.post(uri, body, Answer.class)`.

use super::{
    lexer::{Holes, Syntax, Token},
    program::{Dialect, Field, Parameter, Request, Type, closing},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["//"],
        block_comments: true,
        quotes: &['"', '\''],
        long_texts: true,
        regular_expressions: false,
        holes: Holes::None,
    },
    function: None,
    parameter: Parameter::Last,
    counted: true,
    implicit_result: false,
    shorthand: false,
    base: "",
    request,
    types,
};

fn request(words: &[&str]) -> Option<Request> {
    let [.., client, method] = words else { return None };
    let method = method.trim_end_matches("AndGetArray").trim_end_matches("Array");
    let method = super::method(method).filter(|_| client.ends_with("Proxy"))?;
    Some(Request { method, path: (0, ""), body: super::has_body(method).then_some((1, "")), query: None })
}

/// The classes that Jackson writes: their fields, or what `toMap` puts under other names.
fn types(tokens: &[Token]) -> Vec<Type> {
    let mut types = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(index + 1).and_then(Token::word).filter(|_| token.is_word("class")) else {
            continue;
        };
        let Some(open) = (index + 2..tokens.len()).find(|&at| tokens[at].is('{')) else { continue };
        let mut fields: Vec<Field> = tokens[index + 2..open]
            .iter()
            .skip_while(|token| !token.is_word("extends"))
            .nth(1)
            .and_then(Token::word)
            .map(|base| Field { json: None, types: vec![base.to_owned()], line: token.line })
            .into_iter()
            .collect();
        fields.extend(self::fields(tokens, open + 1, closing(tokens, open)));
        let data = fields.iter().any(|field| field.json.is_some());
        if data && !name.ends_with("Impl") && !name.ends_with("Base") {
            types.push(Type { name: name.to_owned(), fields });
        }
    }
    types
}

fn fields(tokens: &[Token], start: usize, end: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut renamed = None;
    let mut at = start;
    while at < end {
        if tokens[at].is('@') {
            let named = tokens.get(at + 1).is_some_and(|word| word.is_word("JsonProperty"));
            let arguments = tokens.get(at + 2).filter(|token| token.is('(')).map(|_| at + 3..closing(tokens, at + 2));
            if let Some(arguments) = arguments.as_ref().filter(|_| named) {
                renamed = tokens[arguments.clone()].iter().find_map(Token::literal);
            }
            if tokens.get(at + 1).is_some_and(|word| word.is_word("JsonIgnore")) {
                renamed = Some(String::new());
            }
            at = arguments.map_or(at + 2, |arguments| arguments.end + 1);
            continue;
        }
        // A declaration ends with `;`, a method with its body.
        let stop = (at..end).find(|&index| tokens[index].is(';') || tokens[index].is('{') || tokens[index].is('='));
        let Some(stop) = stop else { break };
        let declaration = &tokens[at..stop];
        let words: Vec<&str> = declaration.iter().filter_map(Token::word).collect();
        let method = declaration.iter().any(|token| token.is('('));
        if let [types @ .., name] = words.as_slice()
            && !tokens[stop].is('{')
            && !method
            && !types.is_empty()
            && !types.iter().any(|word| ["static", "transient", "class", "enum", "return"].contains(word))
        {
            let json = renamed.take().unwrap_or_else(|| (*name).to_owned());
            if !json.is_empty() {
                let types = types.iter().map(|word| (*word).to_owned()).collect();
                fields.push(Field { json: Some(json), types, line: tokens[at].line });
            }
        }
        renamed = None;
        at = if tokens[stop].is('{') {
            closing(tokens, stop) + 1
        } else {
            (stop..end).find(|&index| tokens[index].is(';')).unwrap_or(end) + 1
        };
    }
    // `toMap` has the names that are sent; the fields may be called otherwise.
    let mapped = mapped(&tokens[start..end]);
    if mapped.is_empty() { fields } else { mapped }
}

/// `addIfNotNull(m, "name", value)` and `m.put("name", value)` of a method `toMap`.
fn mapped(tokens: &[Token]) -> Vec<Field> {
    let Some(open) = (0..tokens.len())
        .find(|&at| tokens[at].is_word("toMap"))
        .and_then(|at| (at..tokens.len()).find(|&at| tokens[at].is('{')))
    else {
        return Vec::new();
    };
    let body = &tokens[open..closing(tokens, open)];
    let named = |(index, token): (usize, &Token)| {
        let put = index > 0 && (body[index - 1].is(',') || body[index - 1].is('('));
        let json = token.literal().filter(|_| put)?;
        Some(Field { json: Some(json), types: Vec::new(), line: token.line })
    };
    body.iter().enumerate().filter_map(named).collect()
}
