//! The Ruby SDK: `post(path, body)`, `get(path, query)`.

use super::{
    lexer::{Holes, Syntax},
    program::{Dialect, Parameter, Query, Request},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["#"],
        block_comments: false,
        quotes: &['"', '\''],
        long_texts: false,
        regular_expressions: true,
        holes: Holes::Hash,
    },
    function: Some("def"),
    parameter: Parameter::First,
    counted: false,
    implicit_result: true,
    shorthand: false,
    base: "",
    request,
    types: |_| Vec::new(),
};

fn request(words: &[&str]) -> Option<Request> {
    let [method] = words else { return None };
    let name = ["_file", "_form", "_with_body"].iter().fold(*method, |name, ending| name.trim_end_matches(ending));
    let body = super::has_body(super::method(name)?) || name != *method;
    Some(Request {
        method: super::method(name)?,
        path: (0, ""),
        body: body.then_some((1, "")),
        query: (!body).then_some(Query::Argument(1, "")),
    })
}
