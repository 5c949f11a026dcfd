//! The .NET SDK, which Kiota generated: a request builder for each path, a class for each body.

use std::collections::BTreeMap;

use super::{
    follow::{Call, Member},
    lexer::{Holes, Syntax, Token, tokens},
    program::closing,
};

const SYNTAX: Syntax = Syntax {
    line_comments: &["//", "#"],
    block_comments: true,
    quotes: &['"', '\''],
    long_texts: false,
    regular_expressions: false,
    holes: Holes::None,
};

/// What `Serialize` of a class writes: name in JSON, class of the value, file, line.
type Written = Vec<(String, Option<String>, String, usize)>;

pub(super) fn calls(sources: &[(String, String)]) -> Vec<Call> {
    let files: Vec<(&str, Vec<Token>)> =
        sources.iter().map(|(name, text)| (name.as_str(), tokens(text, SYNTAX))).collect();
    let mut classes: BTreeMap<String, Written> = BTreeMap::new();
    for (name, tokens) in &files {
        written(name, tokens, &mut classes);
    }
    files.iter().flat_map(|(name, tokens)| requests(name, tokens, &classes)).collect()
}

/// A class by its full name, without `global::`.
fn class_name(tokens: &[Token]) -> Option<String> {
    let words: Vec<&str> =
        tokens.iter().filter_map(Token::word).filter(|word| *word != "global" && *word != "List").collect();
    (!words.is_empty()).then(|| words.join("."))
}

fn written(file: &str, tokens: &[Token], classes: &mut BTreeMap<String, Written>) {
    let mut space = String::new();
    let mut class = String::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is_word("namespace") {
            let end = (index..tokens.len()).find(|&at| tokens[at].is('{')).unwrap_or(tokens.len());
            space = class_name(&tokens[index + 1..end]).unwrap_or_default();
        } else if let Some(name) = tokens.get(index + 1).and_then(Token::word).filter(|_| token.is_word("class")) {
            class = format!("{space}.{name}");
        } else if token.is_word("writer")
            && tokens.get(index + 2).and_then(Token::word).is_some_and(|word| word.starts_with("Write"))
        {
            let Some(open) = (index..tokens.len()).find(|&at| tokens[at].is('(') || tokens[at].is(';')) else {
                continue;
            };
            let Some(json) = tokens.get(open + 1).and_then(Token::literal) else { continue };
            let inner = tokens[index + 3..open].iter().any(|token| token.is('<'));
            let inner = inner.then(|| class_name(&tokens[index + 3..open])).flatten();
            classes.entry(class.clone()).or_default().push((json, inner, file.to_owned(), token.line));
        }
    }
}

fn requests(file: &str, tokens: &[Token], classes: &BTreeMap<String, Written>) -> Vec<Call> {
    let template = tokens.iter().find_map(|token| token.literal().filter(|text| text.starts_with("{+baseurl}")));
    let Some(template) = template else { return Vec::new() };
    let path = path_of(&template);
    let mut calls = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let made = index > 0 && token.is_word("RequestInformation") && tokens[index - 1].is_word("new");
        let method = tokens.get(index + 4).and_then(Token::word).filter(|_| made);
        let Some(method) = method.and_then(|method| super::method(&method.to_ascii_lowercase())) else { continue };
        let mut body = Vec::new();
        if let Some(class) = body_class(&tokens[..index]) {
            members(&class, classes, &[], &mut body);
        }
        let query = query(file, tokens, method);
        calls.push(Call { method, paths: vec![path.clone()], body, query, file: file.to_owned(), line: token.line });
    }
    calls
}

/// `{+baseurl}/v1/…/{id}{?a,b*}` as a path.
fn path_of(template: &str) -> String {
    let path = template.trim_start_matches("{+baseurl}");
    path.split_once("{?").map_or(path, |(path, _)| path).to_owned()
}

/// What the class of a method's query, `…GetQueryParameters`, calls its members.
fn query(file: &str, tokens: &[Token], method: &str) -> Vec<Member> {
    let ending = format!("{method}queryparameters");
    let class = tokens.windows(2).position(|pair| {
        pair[0].is_word("class") && pair[1].word().is_some_and(|name| name.to_ascii_lowercase().ends_with(&ending))
    });
    let Some(open) = class.and_then(|at| (at..tokens.len()).find(|&at| tokens[at].is('{'))) else { return Vec::new() };
    let inside = &tokens[open..closing(tokens, open)];
    let named = inside.windows(3).filter(|three| three[0].is_word("QueryParameter")).filter_map(|three| {
        Some(Member { path: vec![three[2].literal()?], file: file.to_owned(), line: three[2].line })
    });
    let mut members: Vec<Member> = named.collect();
    members.dedup_by(|a, b| a.path == b.path);
    members
}

/// The class of the parameter `body` of the method that the last tokens belong to.
fn body_class(before: &[Token]) -> Option<String> {
    let start = before.iter().rposition(|token| {
        token.word().is_some_and(|word| word.starts_with("To") && word.ends_with("RequestInformation"))
    })?;
    let open = start + 1;
    let inside = before.get(open + 1..closing(before, open))?;
    let end = inside.iter().position(|token| token.is_word("body"))?;
    class_name(&inside[..end])
}

fn members(class: &str, classes: &BTreeMap<String, Written>, around: &[String], out: &mut Vec<Member>) {
    if around.len() > 4 {
        return;
    }
    for (json, inner, file, line) in classes.get(class).into_iter().flatten() {
        let path: Vec<String> = around.iter().cloned().chain([json.clone()]).collect();
        out.push(Member { path: path.clone(), file: file.clone(), line: *line });
        if let Some(inner) = inner.as_ref().filter(|inner| *inner != class) {
            members(inner, classes, &path, out);
        }
    }
}
