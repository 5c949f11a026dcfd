//! The Go SDK, and what is built on its client, such as the Terraform provider: `client.DoPostRequest(ctx, path, body, …)`.

use super::{
    lexer::{Holes, Kind, Syntax, Token},
    program::{Dialect, Field, Parameter, Query, Request, Type, closing},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["//"],
        block_comments: true,
        quotes: &['"', '`', '\''],
        long_texts: false,
        regular_expressions: false,
        holes: Holes::None,
    },
    function: Some("func"),
    parameter: Parameter::First,
    counted: true,
    implicit_result: false,
    shorthand: false,
    base: "",
    request,
    types,
};

fn request(words: &[&str]) -> Option<Request> {
    let name = words.last()?.strip_prefix("Do")?.strip_suffix("Request")?;
    let method = super::method(&name.to_ascii_lowercase())?;
    let body = super::has_body(method).then_some((2, ""));
    let options = if body.is_some() { 3 } else { 2 };
    Some(Request { method, path: (1, ""), body, query: Some(Query::Member(options, "QueryParams")) })
}

/// The structures whose fields have names in JSON.
fn types(tokens: &[Token]) -> Vec<Type> {
    let mut types = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let declared = index > 0 && token.is_word("struct") && tokens.get(index + 1).is_some_and(|next| next.is('{'));
        if let Some(name) = declared.then(|| tokens[index - 1].word()).flatten() {
            let fields = fields(&tokens[index + 2..closing(tokens, index + 1)]);
            if fields.iter().any(|field| field.json.is_some()) {
                types.push(Type { name: name.to_owned(), fields });
            }
        }
    }
    types
}

fn fields(tokens: &[Token]) -> Vec<Field> {
    let starts: Vec<usize> = (0..tokens.len()).filter(|&index| tokens[index].starts_line.is_some()).collect();
    let mut fields = Vec::new();
    for (number, &start) in starts.iter().enumerate() {
        let line = &tokens[start..starts.get(number + 1).copied().unwrap_or(tokens.len())];
        let words: Vec<String> = line.iter().filter_map(Token::word).map(str::to_owned).collect();
        let tag = line.iter().find(|token| matches!(token.kind, Kind::Text(_))).and_then(Token::literal);
        let json = tag
            .as_deref()
            .and_then(|tag| tag.split_once("json:\""))
            .map(|(_, rest)| rest.split(['"', ',']).next().unwrap_or_default().to_owned());
        let embedded =
            words.len() == 1 || line[0].is('*') || words.len() == 2 && line.get(1).is_some_and(|dot| dot.is('.'));
        match json.as_deref() {
            Some("-") => {}
            Some(name) if !name.is_empty() => {
                fields.push(Field {
                    json: Some(name.to_owned()),
                    types: words.into_iter().skip(1).collect(),
                    line: line[0].line,
                });
            }
            _ if embedded => fields.push(Field { json: None, types: words, line: line[0].line }),
            _ => {}
        }
    }
    fields
}
