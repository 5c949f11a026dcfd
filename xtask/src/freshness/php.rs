//! The PHP SDK: `$this->api->doPost($path, $body, …)`.

use super::{
    lexer::{Holes, Syntax},
    program::{Dialect, Parameter, Request},
};

pub(super) const DIALECT: Dialect = Dialect {
    syntax: Syntax {
        line_comments: &["//", "#"],
        block_comments: true,
        quotes: &['"', '\''],
        long_texts: false,
        regular_expressions: false,
        holes: Holes::Php,
    },
    function: Some("function"),
    parameter: Parameter::Last,
    counted: false,
    implicit_result: false,
    shorthand: false,
    base: "",
    request,
    types: |_| Vec::new(),
};

fn request(words: &[&str]) -> Option<Request> {
    let method = super::method(&words.last()?.strip_prefix("do")?.to_ascii_lowercase())?;
    Some(Request { method, path: (0, ""), body: super::has_body(method).then_some((1, "")), query: None })
}
