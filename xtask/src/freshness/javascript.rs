//! The SDKs for Node and browsers, as TypeScript or as the minified bundle that npm delivers:
//! `httpClient.post(path, body, { queryParams })`.

use super::{
    lexer::{Holes, Syntax},
    program::{Dialect, Parameter, Query, Request},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["//"],
        block_comments: true,
        quotes: &['"', '\'', '`'],
        long_texts: false,
        regular_expressions: true,
        holes: Holes::Backticks,
    },
    function: None,
    parameter: Parameter::First,
    counted: false,
    implicit_result: false,
    shorthand: true,
    base: "",
    request,
    types: |_| Vec::new(),
};

fn request(words: &[&str]) -> Option<Request> {
    let [_, .., method] = words else { return None };
    let method = super::method(method)?;
    let body = super::has_body(method).then_some((1, ""));
    let options = if body.is_some() { 2 } else { 1 };
    Some(Request { method, path: (0, ""), body, query: Some(Query::Member(options, "queryParams")) })
}
