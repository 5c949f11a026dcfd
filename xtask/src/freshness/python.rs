//! The Python SDK: `self._http.post(path, body=…, params=…)`.

use super::{
    lexer::{Holes, Syntax},
    program::{Dialect, Parameter, Query, Request},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["#"],
        block_comments: false,
        quotes: &['"', '\''],
        long_texts: true,
        regular_expressions: false,
        holes: Holes::Braces,
    },
    function: Some("def"),
    parameter: Parameter::First,
    counted: false,
    implicit_result: false,
    shorthand: false,
    base: "",
    request,
    types: |_| Vec::new(),
};

fn request(words: &[&str]) -> Option<Request> {
    let [.., client, method] = words else { return None };
    let method = super::method(method).filter(|_| client.contains("http"))?;
    let body = super::has_body(method).then_some((usize::MAX, "body"));
    Some(Request { method, path: (0, "uri"), body, query: Some(Query::Argument(usize::MAX, "params")) })
}
