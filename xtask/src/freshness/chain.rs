//! Small parts of expressions: chains of calls, arguments, assignments.

use std::ops::Range;

use super::{
    lexer::{Kind, Token},
    program::{assigns, closing, expression_end, split},
};

/// `a.b(…).c`: words, with the arguments of those that are called.
pub(super) struct Chain {
    pub(super) words: Vec<String>,
    pub(super) arguments: Vec<Option<Range<usize>>>,
    pub(super) end: usize,
}

impl Chain {
    pub(super) fn read(tokens: &[Token], start: usize) -> Self {
        let mut chain = Self { words: Vec::new(), arguments: Vec::new(), end: start };
        let mut at = start;
        while let Some(word) = tokens.get(at).and_then(Token::word) {
            chain.words.push(word.to_owned());
            at += 1;
            // `name<Type>(…)`
            if tokens.get(at).is_some_and(|token| token.is('<')) {
                let close = (at..tokens.len().min(at + 12)).find(|&index| tokens[index].is('>'));
                if let Some(close) = close.filter(|close| tokens.get(close + 1).is_some_and(|next| next.is('('))) {
                    at = close + 1;
                }
            }
            let called = tokens.get(at).is_some_and(|token| token.is('('));
            if called {
                let close = closing(tokens, at);
                chain.arguments.push(Some(at + 1..close));
                at = (close + 1).min(tokens.len());
            } else {
                chain.arguments.push(None);
            }
            chain.end = at;
            // `.`, `?.`, `!.`, `!!.`, `::`, `->`, `?->`
            let mut separator = at;
            while tokens.get(separator).is_some_and(|token| token.is('?') || token.is('!')) {
                separator += 1;
            }
            let is = |ahead: usize, punct: char| tokens.get(separator + ahead).is_some_and(|token| token.is(punct));
            at = if is(0, '.') && !is(1, '.') {
                separator + 1
            } else if is(0, ':') && is(1, ':') || is(0, '-') && is(1, '>') {
                separator + 2
            } else {
                break;
            };
        }
        chain
    }

    /// Each call of the chain: the words up to it, and its arguments.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&[String], Range<usize>)> {
        let called = |(index, arguments): (usize, &Option<Range<usize>>)| {
            arguments.clone().map(|arguments| (&self.words[..=index], arguments))
        };
        self.arguments.iter().enumerate().filter_map(called)
    }
}

/// The argument at a position, or with a label.
pub(super) fn pick(arguments: &[Token], (position, label): (usize, &str)) -> Option<Vec<Token>> {
    let parts = split(arguments, false);
    let label_at = |part: &Range<usize>| label_of(&arguments[part.clone()]).0;
    let labelled = parts.iter().find(|part| !label.is_empty() && label_at(part) == Some(label));
    let plain = || parts.get(position).filter(|part| label.is_empty() || label_at(part).is_none());
    let part = labelled.or_else(plain)?;
    Some(label_of(&arguments[part.clone()]).1.to_vec())
}

/// What follows the `=>` that lies in no bracket.
pub(super) fn arrow(tokens: &[Token]) -> Option<usize> {
    let mut index = 0;
    while index + 2 < tokens.len() {
        match tokens[index].kind {
            Kind::Punct('(' | '[' | '{') => index = closing(tokens, index),
            Kind::Punct('=') if tokens[index + 1].is('>') => return Some(index + 2),
            _ => {}
        }
        index += 1;
    }
    None
}

/// `label: value` and `label = value`.
pub(super) fn label_of(argument: &[Token]) -> (Option<&str>, &[Token]) {
    let is = |at: usize, punct: char| argument.get(at).is_some_and(|token| token.is(punct));
    let labelled = is(1, ':') && !is(2, ':') || assigns(argument, 1);
    match argument.first().and_then(Token::word) {
        Some(label) if labelled => (Some(label), &argument[2..]),
        _ => (None, argument),
    }
}

/// The expressions that a variable is given: `name = …`, `name := …`, `name: Type = …`
pub(super) fn assignments(tokens: &[Token], body: Range<usize>, name: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for index in body.clone().filter(|&index| tokens[index].is_word(name)) {
        if index > 0 && tokens[index - 1].is('.') {
            continue;
        }
        let mut at = index + 1;
        if tokens.get(at).is_some_and(|token| token.is(':')) {
            // A type may stand between.
            at = (at + 1..tokens.len().min(at + 12))
                .find(|&at| tokens[at].is('=') || tokens[at].is(',') || tokens[at].is(')') || tokens[at].is('}'))
                .unwrap_or(at);
        }
        if at < body.end && assigns(tokens, at) {
            found.push(at + 1..expression_end(tokens, at + 1).min(body.end));
        }
    }
    found
}
