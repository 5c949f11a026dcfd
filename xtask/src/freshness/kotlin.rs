//! The Kotlin SDK: `post(route = …, params = …, body = …)`, with routes below `/v1/`.

use super::{
    lexer::{Holes, Syntax},
    program::{Dialect, Parameter, Query, Request},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["//"],
        block_comments: true,
        quotes: &['"', '\''],
        long_texts: true,
        regular_expressions: false,
        holes: Holes::Dollar,
    },
    function: Some("fun"),
    parameter: Parameter::First,
    counted: false,
    implicit_result: false,
    shorthand: false,
    base: "/v1/",
    request,
    types: |_| Vec::new(),
};

fn request(words: &[&str]) -> Option<Request> {
    let [method] = words else { return None };
    let method = super::method(method)?;
    let body = super::has_body(method).then_some((usize::MAX, "body"));
    Some(Request { method, path: (0, "route"), body, query: Some(Query::Argument(usize::MAX, "params")) })
}
