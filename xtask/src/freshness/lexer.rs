//! Source text of nine languages as tokens: words, texts and punctuation. Just enough to follow what a request is made
//! of; whatever a language has besides is skipped.

/// What tells the languages apart here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// What begins a comment that ends with the line.
    pub(super) line_comments: &'static [&'static str],
    /// Whether `/* … */` is a comment.
    pub(super) block_comments: bool,
    /// What opens and closes a text.
    pub(super) quotes: &'static [char],
    /// Whether three quotes open a text that ends with three.
    pub(super) long_texts: bool,
    /// Whether `/…/` can be a regular expression.
    pub(super) regular_expressions: bool,
    /// How an expression is put into a text.
    pub(super) holes: Holes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holes {
    None,
    /// `{…}` in a text with `f` or `$` before it, as in Python and C#.
    Braces,
    /// `${…}` and `$name` in any text, as in Kotlin.
    Dollar,
    /// `${…}` between backticks, as in JavaScript.
    Backticks,
    /// `#{…}` between double quotes, as in Ruby.
    Hash,
    /// `\(…)`, as in Swift.
    Backslash,
    /// `{$…}` and `$name` between double quotes, as in PHP.
    Php,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Word(String),
    Text(Vec<Piece>),
    Punct(char),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    /// The source of an expression, to be lexed by itself.
    Hole(String),
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Line, counted from 1.
    pub(super) line: usize,
    /// Column of a line's first token; none for the others.
    pub(super) starts_line: Option<usize>,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        if let Kind::Word(word) = &self.kind { Some(word) } else { None }
    }

    pub(super) fn is(&self, punct: char) -> bool {
        self.kind == Kind::Punct(punct)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    /// A text without holes.
    pub(super) fn literal(&self) -> Option<String> {
        let Kind::Text(pieces) = &self.kind else { return None };
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                Piece::Hole(_) => None,
            })
            .collect()
    }
}

/// Reads a whole file. Nothing is an error: an unclosed text ends with the file.
pub(super) fn tokens(text: &str, syntax: Syntax) -> Vec<Token> {
    let mut lexer = Lexer { text: text.chars().collect(), at: 0, line: 1, column: 0, fresh_line: true, syntax };
    let mut tokens: Vec<Token> = Vec::new();
    while let Some(token) = lexer.next(tokens.last()) {
        tokens.push(token);
    }
    tokens
}

struct Lexer {
    text: Vec<char>,
    at: usize,
    line: usize,
    column: usize,
    fresh_line: bool,
    syntax: Syntax,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.at += 1;
        if next == '\n' {
            self.line += 1;
            self.column = 0;
            self.fresh_line = true;
        } else {
            self.column += 1;
        }
        Some(next)
    }

    fn begins_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, wanted)| self.peek(index) == Some(wanted))
    }

    fn skip_to(&mut self, end: &str) {
        while self.peek(0).is_some() && !self.begins_with(end) {
            self.bump();
        }
        self.skip(end.len());
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.bump();
        }
    }

    fn next(&mut self, before: Option<&Token>) -> Option<Token> {
        loop {
            if self.peek(0)?.is_whitespace() {
                self.bump();
            } else if let Some(mark) = self.syntax.line_comments.iter().find(|mark| self.begins_with(mark)) {
                // `#[…]` is an attribute of PHP.
                if *mark == "#" && self.peek(1) == Some('[') {
                    break;
                }
                while self.peek(0).is_some_and(|next| next != '\n') {
                    self.bump();
                }
            } else if self.syntax.block_comments && self.begins_with("/*") {
                self.skip_to("*/");
            } else {
                break;
            }
        }
        let (line, column, starts_line) = (self.line, self.column, self.fresh_line);
        self.fresh_line = false;
        let kind = self.kind(before)?;
        Some(Token { kind, line, starts_line: starts_line.then_some(column) })
    }

    fn kind(&mut self, before: Option<&Token>) -> Option<Kind> {
        let first = self.peek(0)?;
        if first.is_alphanumeric() || first == '_' || first == '$' && self.syntax.holes != Holes::Braces {
            let mut word = String::new();
            while let Some(next) = self.peek(0).filter(|next| next.is_alphanumeric() || ['_', '$'].contains(next)) {
                word.push(next);
                self.bump();
            }
            // A prefix of a text, such as `f` or `r`.
            let prefix = self.syntax.holes == Holes::Braces && word.len() <= 2 && self.at_quote();
            return Some(if prefix { self.text(word.contains(['f', 'F'])) } else { Kind::Word(word) });
        }
        if self.at_quote() {
            return Some(self.text(false));
        }
        if first == '/' && self.syntax.regular_expressions && before.is_none_or(begins_expression) {
            return Some(self.regular_expression());
        }
        self.bump();
        if first == '$' && self.at_quote() {
            return Some(self.text(true));
        }
        Some(Kind::Punct(first))
    }

    fn at_quote(&self) -> bool {
        self.peek(0).is_some_and(|next| self.syntax.quotes.contains(&next))
    }

    fn regular_expression(&mut self) -> Kind {
        self.bump();
        let mut in_class = false;
        while let Some(next) = self.peek(0).filter(|next| *next != '\n') {
            self.bump();
            match next {
                '\\' => {
                    self.bump();
                }
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => break,
                _ => {}
            }
        }
        Kind::Text(Vec::new())
    }

    fn text(&mut self, marked: bool) -> Kind {
        let quote = self.bump().unwrap_or('"');
        let long = self.syntax.long_texts && self.peek(0) == Some(quote) && self.peek(1) == Some(quote);
        if long {
            self.bump();
            self.bump();
        }
        let end: String = std::iter::repeat_n(quote, if long { 3 } else { 1 }).collect();
        let mut pieces = Vec::new();
        let mut literal = String::new();
        while let Some(next) = self.peek(0) {
            if self.begins_with(&end) {
                self.skip(end.len());
                break;
            }
            if let Some(hole) = self.hole(quote, marked) {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Hole(hole));
                continue;
            }
            self.bump();
            // In Go, a backtick quotes what it holds as it stands.
            let escapes = quote != '`' || self.syntax.holes == Holes::Backticks;
            if next == '\\' && escapes {
                literal.extend(self.bump());
            } else {
                literal.push(next);
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Kind::Text(pieces)
    }

    /// The source of the expression that is put into the text here.
    fn hole(&mut self, quote: char, marked: bool) -> Option<String> {
        let (opening, closing) = match self.syntax.holes {
            Holes::Braces if marked && self.begins_with("{{") => {
                self.bump();
                return None;
            }
            Holes::Braces if marked => ("{", '}'),
            Holes::Backticks if quote == '`' => ("${", '}'),
            Holes::Dollar => ("${", '}'),
            Holes::Hash if quote == '"' => ("#{", '}'),
            Holes::Php if quote == '"' => ("{$", '}'),
            Holes::Backslash => ("\\(", ')'),
            _ => return None,
        };
        if self.begins_with(opening) {
            self.skip(opening.len());
            let open = opening.chars().find(|c| "{(".contains(*c)).unwrap_or('{');
            let mut depth = 1;
            let mut source = String::new();
            while let Some(next) = self.bump() {
                depth += i32::from(next == open) - i32::from(next == closing);
                if depth == 0 {
                    break;
                }
                source.push(next);
            }
            return Some(source);
        }
        let named = matches!(self.syntax.holes, Holes::Dollar | Holes::Php)
            && self.peek(0) == Some('$')
            && self.peek(1).is_some_and(char::is_alphabetic);
        if !named {
            return None;
        }
        self.bump();
        let mut name = String::new();
        while let Some(next) = self.peek(0).filter(|next| next.is_alphanumeric() || *next == '_') {
            name.push(next);
            self.bump();
        }
        Some(name)
    }
}

/// Whether a `/` after this token begins a regular expression, and does not divide.
fn begins_expression(before: &Token) -> bool {
    match &before.kind {
        Kind::Punct(punct) => !")]}".contains(*punct),
        Kind::Word(word) => ["return", "typeof", "case"].contains(&word.as_str()),
        Kind::Text(_) => false,
    }
}
