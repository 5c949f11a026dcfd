//! The language that schemas are written in, "model AuthZ 1.0".
//!
//! ```text
//! model AuthZ 1.0
//!
//! constraint Office:IpRange("10.0.0.0/8")
//! condition Adult(age int) { age >= 18 }
//!
//! type user
//!
//! type group
//!   relation member: user
//!
//! type doc
//!   relation parent: folder
//!   relation owner: user | group#member with Office
//!   permission can_view: owner | parent.owner & (editor - blocked) with Adult
//! ```
//!
//! `&` and `-` bind closer than `|`, and from the left; `but not` is the same as `-`. In a permission, `with` belongs to
//! what stands right before it; at the end of a relation it belongs to all of it.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{
    condition::{Condition, Gate, Source},
    schema::{Definition, MAX_DEPTH, Node, Schema, TargetKind, Type},
};

const KEYWORDS: &[&str] = &["model", "type", "relation", "permission", "condition", "constraint", "with"];

/// Why a text is not a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) message: String,
}

fn fail<T>(line: usize, message: impl Into<String>) -> Result<T, Error> {
    Err(Error { line, message: message.into() })
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Number(String),
    Text(String),
    /// What stands between the braces of a condition.
    Body(String),
    Sign(char),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(text) | Self::Number(text) => write!(f, "{text:?}"),
            Self::Text(text) => write!(f, "the text {text:?}"),
            Self::Body(_) => write!(f, "an expression in braces"),
            Self::Sign(sign) => write!(f, "{:?}", sign.to_string()),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Error> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\n' => line += 1,
            letter if letter.is_whitespace() => {}
            letter if letter.is_ascii_alphabetic() || letter == '_' => {
                let mut name = String::from(letter);
                while let Some(letter) = rest.next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '_') {
                    name.push(letter);
                }
                found.push((Token::Name(name), line));
            }
            letter if letter.is_ascii_digit() => {
                let mut number = String::from(letter);
                while let Some(letter) = rest.next_if(|letter| letter.is_ascii_digit() || *letter == '.') {
                    number.push(letter);
                }
                found.push((Token::Number(number), line));
            }
            '"' => {
                // As in JSON, so that what is written comes back the same.
                let start = line;
                let mut literal = String::from('"');
                loop {
                    match rest.next() {
                        None | Some('\n') => return fail(start, "A text does not end"),
                        Some('\\') => {
                            literal.push('\\');
                            literal.extend(rest.next());
                        }
                        Some('"') => break literal.push('"'),
                        Some(letter) => literal.push(letter),
                    }
                }
                match serde_json::from_str(&literal) {
                    Ok(text) => found.push((Token::Text(text), start)),
                    Err(_) => return fail(start, format!("{literal} is not a text")),
                }
            }
            '{' => {
                let start = line;
                let body = body(&mut rest, &mut line)
                    .ok_or(Error { line: start, message: "The brace of a condition is not closed".to_owned() })?;
                found.push((Token::Body(body), start));
            }
            ':' | '|' | '&' | '-' | '.' | '#' | '(' | ')' | ',' | '!' => found.push((Token::Sign(letter), line)),
            '/' if rest.peek() == Some(&'/') => return fail(line, "Comments are not part of the language"),
            other => return fail(line, format!("{:?} does not belong here", other.to_string())),
        }
    }
    Ok(found)
}

/// The text up to the brace that closes the one before.
fn body(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, line: &mut usize) -> Option<String> {
    let mut body = String::new();
    let mut depth = 1;
    let mut quote = None;
    loop {
        let letter = rest.next()?;
        if letter == '\n' {
            *line += 1;
        }
        match (quote, letter) {
            (Some(_), '\\') => {
                body.push(letter);
                body.push(rest.next()?);
                continue;
            }
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(body.trim().to_owned());
        }
        body.push(letter);
    }
}

/// An expression as it is written. What names mean is told when all types are known.
#[derive(Clone, Debug)]
enum Written {
    Name(String, usize),
    Set(String, String, usize),
    Arrow(String, String, usize),
    Join(Join, Vec<Written>),
    Gated(Box<Written>, Gate),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Join {
    Union,
    Intersect,
    Sub,
}

struct WrittenDefinition {
    name: String,
    line: usize,
    permission: bool,
    expression: Written,
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    conditions: HashSet<String>,
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|(token, _)| token)
    }

    /// The line of the next token, or of the last one at the end.
    fn line(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(1, |(_, line)| *line)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek(0).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, Error> {
        match self.peek(0) {
            Some(token) => fail(self.line(), format!("Expected {wanted}, found {token}")),
            None => fail(self.line(), format!("Expected {wanted}, found the end")),
        }
    }

    fn sign(&mut self, sign: char) -> bool {
        let there = self.peek(0) == Some(&Token::Sign(sign));
        self.next += usize::from(there);
        there
    }

    fn expect(&mut self, sign: char) -> Result<(), Error> {
        if self.sign(sign) { Ok(()) } else { self.unexpected(&format!("{:?}", sign.to_string())) }
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek(ahead), Some(Token::Name(name)) if name == word)
    }

    fn word(&mut self, word: &str) -> bool {
        let there = self.is_word(0, word);
        self.next += usize::from(there);
        there
    }

    fn name(&mut self, wanted: &str) -> Result<String, Error> {
        match self.peek(0) {
            Some(Token::Name(name)) if !KEYWORDS.contains(&name.as_str()) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => self.unexpected(wanted),
        }
    }

    fn condition(&mut self) -> Result<Condition, Error> {
        let line = self.line();
        let name = self.name("the name of a condition")?;
        self.expect('(')?;
        let mut params = Vec::new();
        while !self.sign(')') {
            if !params.is_empty() {
                self.expect(',')?;
            }
            let variable = self.name("a variable")?;
            params.push((variable, self.name("the type of the variable")?));
        }
        let Some(Token::Body(expression)) = self.peek(0).cloned() else {
            return self.unexpected("an expression in braces");
        };
        self.next += 1;
        let described = name.clone();
        Condition::cel(name, params, expression)
            .map_err(|why| Error { line, message: format!("In the condition {described:?}, {why}") })
    }

    fn constraint(&mut self) -> Result<Condition, Error> {
        let line = self.line();
        let name = self.name("the name of a constraint")?;
        let kind = if self.sign(':') { self.name("the kind of the constraint")? } else { name.clone() };
        let mut args = Vec::new();
        if self.sign('(') {
            while !self.sign(')') {
                if !args.is_empty() {
                    self.expect(',')?;
                }
                args.push(self.argument()?);
            }
        }
        let described = name.clone();
        Condition::constraint(name, &kind, args)
            .map_err(|why| Error { line, message: format!("In the constraint {described:?}, {why}") })
    }

    fn argument(&mut self) -> Result<Value, Error> {
        let negative = self.sign('-');
        let value = match self.peek(0) {
            Some(Token::Text(text)) if !negative => Some(Value::from(text.clone())),
            Some(Token::Number(number)) => {
                let number: Option<i64> = number.parse().ok();
                number.map(|number| Value::from(if negative { -number } else { number }))
            }
            Some(Token::Name(name)) if !negative && name == "true" => Some(Value::Bool(true)),
            Some(Token::Name(name)) if !negative && name == "false" => Some(Value::Bool(false)),
            _ => None,
        };
        match value {
            Some(value) => {
                self.next += 1;
                Ok(value)
            }
            None => self.unexpected("a text, a whole number, true or false"),
        }
    }

    /// An expression. In a permission, `with` belongs to the operand before it.
    fn expression(&mut self, gates: bool, depth: usize) -> Result<Written, Error> {
        if depth > MAX_DEPTH {
            return fail(self.line(), format!("An expression is nested more than {MAX_DEPTH} levels deep"));
        }
        let mut parts = vec![self.product(gates, depth)?];
        while self.sign('|') {
            parts.push(self.product(gates, depth)?);
        }
        Ok(joined(Join::Union, parts))
    }

    fn product(&mut self, gates: bool, depth: usize) -> Result<Written, Error> {
        let mut parts = vec![self.operand(gates, depth)?];
        let mut join = Join::Intersect;
        let mut turns = 0;
        loop {
            let now = if self.sign('&') {
                Join::Intersect
            } else if self.sign('-') {
                Join::Sub
            } else if self.is_word(0, "but") && self.is_word(1, "not") {
                self.next += 2;
                Join::Sub
            } else {
                return Ok(joined(join, parts));
            };
            if now != join && parts.len() > 1 {
                turns += 1;
                if turns > MAX_DEPTH {
                    return fail(self.line(), format!("More than {MAX_DEPTH} changes between & and - in a row"));
                }
                parts = vec![joined(join, parts)];
            }
            join = now;
            parts.push(self.operand(gates, depth)?);
        }
    }

    fn operand(&mut self, gates: bool, depth: usize) -> Result<Written, Error> {
        let line = self.line();
        let mut operand = if self.sign('(') {
            let inner = self.expression(true, depth + 1)?;
            self.expect(')')?;
            inner
        } else {
            let name = self.name("a name")?;
            if self.sign('#') {
                Written::Set(name, self.name("a relation")?, line)
            } else if self.sign('.') {
                Written::Arrow(name, self.name("a relation")?, line)
            } else {
                Written::Name(name, line)
            }
        };
        if gates && self.word("with") {
            operand = Written::Gated(Box::new(operand), self.gate(0)?);
        }
        Ok(operand)
    }

    /// Whether what follows is about conditions still. After `|`, a relation may come as well.
    fn gate_goes_on(&self) -> bool {
        let mut ahead = 1;
        while matches!(self.peek(ahead), Some(Token::Sign('!' | '('))) {
            ahead += 1;
        }
        matches!(self.peek(ahead), Some(Token::Name(name)) if self.conditions.contains(name))
    }

    fn gate(&mut self, depth: usize) -> Result<Gate, Error> {
        if depth > MAX_DEPTH {
            return fail(self.line(), format!("Conditions are nested more than {MAX_DEPTH} levels deep"));
        }
        let mut any = vec![self.all_of(depth)?];
        while self.peek(0) == Some(&Token::Sign('|')) && self.gate_goes_on() {
            self.next += 1;
            any.push(self.all_of(depth)?);
        }
        Ok(match any.pop() {
            Some(only) if any.is_empty() => only,
            last => Gate::Or(any.into_iter().chain(last).collect()),
        })
    }

    fn all_of(&mut self, depth: usize) -> Result<Gate, Error> {
        let mut all = vec![self.one_of(depth)?];
        while self.peek(0) == Some(&Token::Sign('&')) && self.gate_goes_on() {
            self.next += 1;
            all.push(self.one_of(depth)?);
        }
        Ok(match all.pop() {
            Some(only) if all.is_empty() => only,
            last => Gate::And(all.into_iter().chain(last).collect()),
        })
    }

    fn one_of(&mut self, depth: usize) -> Result<Gate, Error> {
        if depth > MAX_DEPTH {
            return fail(self.line(), format!("Conditions are nested more than {MAX_DEPTH} levels deep"));
        }
        if self.sign('!') {
            return Ok(Gate::Not(Box::new(self.one_of(depth + 1)?)));
        }
        if self.sign('(') {
            let inner = self.gate(depth + 1)?;
            self.expect(')')?;
            return Ok(inner);
        }
        let line = self.line();
        let name = self.name("the name of a condition")?;
        if self.conditions.contains(&name) {
            Ok(Gate::Holds(name))
        } else {
            fail(line, format!("There is no condition {name:?}"))
        }
    }

    fn definition(&mut self, permission: bool) -> Result<WrittenDefinition, Error> {
        let line = self.line();
        let name = self.name("the name of a relation or permission")?;
        self.expect(':')?;
        let mut expression = self.expression(permission, 0)?;
        if !permission && self.word("with") {
            expression = Written::Gated(Box::new(expression), self.gate(0)?);
        }
        Ok(WrittenDefinition { name, line, permission, expression })
    }
}

fn joined(join: Join, mut parts: Vec<Written>) -> Written {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => Written::Join(join, parts.into_iter().chain(last).collect()),
    }
}

/// Reads a schema.
pub(super) fn parse(text: &str) -> Result<Schema, Error> {
    let tokens = tokens(text)?;
    let mut conditions = HashSet::new();
    for pair in tokens.windows(2) {
        if let [(Token::Name(keyword), _), (Token::Name(name), _)] = pair
            && matches!(keyword.as_str(), "condition" | "constraint")
        {
            conditions.insert(name.clone());
        }
    }
    let mut parser = Parser { tokens, next: 0, conditions };
    let line = parser.line();
    let head = [parser.take(), parser.take(), parser.take()];
    let wanted = [Token::Name("model".into()), Token::Name("AuthZ".into()), Token::Number("1.0".into())];
    if !head.iter().flatten().eq(&wanted) {
        return fail(line, "A schema begins with \"model AuthZ 1.0\"");
    }
    let mut schema = Schema::default();
    let mut written: Vec<(String, Vec<WrittenDefinition>)> = Vec::new();
    while let Some(token) = parser.peek(0).cloned() {
        let line = parser.line();
        let keyword = match &token {
            Token::Name(name) => name.as_str(),
            _ => "",
        };
        match keyword {
            "condition" | "constraint" => {
                parser.next += 1;
                let condition = if keyword == "condition" { parser.condition()? } else { parser.constraint()? };
                if schema.conditions.iter().any(|known| known.name == condition.name) {
                    return fail(line, format!("The condition {:?} is there twice", condition.name));
                }
                schema.conditions.push(condition);
            }
            "type" => {
                parser.next += 1;
                let name = parser.name("the name of a type")?;
                if written.iter().any(|(known, _)| *known == name) {
                    return fail(line, format!("The type {name:?} is there twice"));
                }
                written.push((name, Vec::new()));
            }
            "relation" | "permission" => {
                parser.next += 1;
                let definition = parser.definition(keyword == "permission")?;
                let Some((of, definitions)) = written.last_mut() else {
                    return fail(line, format!("A {keyword} belongs to a type, and there is none before it"));
                };
                if definitions.iter().any(|known| known.name == definition.name) {
                    return fail(line, format!("{:?} is there twice in the type {of:?}", definition.name));
                }
                definitions.push(definition);
            }
            _ => return parser.unexpected("type, relation, permission, condition or constraint"),
        }
    }
    resolve(schema, &written)
}

/// Tells what the names mean.
fn resolve(mut schema: Schema, written: &[(String, Vec<WrittenDefinition>)]) -> Result<Schema, Error> {
    let types = Types { written };
    for (of, definitions) in written {
        let mut one = Type { name: of.clone(), definitions: Vec::new() };
        for definition in definitions {
            let mut targets = Vec::new();
            let node = types.node(of, definition, &definition.expression, &mut targets)?;
            if !definition.permission && !node.has_own() {
                let message =
                    format!("The relation {:?} takes no targets; a permission says what follows", definition.name);
                return fail(definition.line, message);
            }
            let node = Some(node).filter(|node| *node != Node::Own);
            let (name, permission) = (definition.name.clone(), definition.permission);
            one.definitions.push(Definition { name, permission, targets, node });
        }
        schema.types.push(one);
    }
    Ok(schema)
}

struct Types<'a> {
    written: &'a [(String, Vec<WrittenDefinition>)],
}

impl Types<'_> {
    fn is_type(&self, name: &str) -> bool {
        self.written.iter().any(|(known, _)| known == name)
    }

    fn definition(&self, of: &str, name: &str) -> Option<&WrittenDefinition> {
        let (_, definitions) = self.written.iter().find(|(known, _)| known == of)?;
        definitions.iter().find(|definition| definition.name == name)
    }

    /// The types of the single targets that an expression takes.
    fn target_types(&self, expression: &Written, found: &mut Vec<String>) {
        match expression {
            Written::Name(name, _) if self.is_type(name) && !found.contains(name) => found.push(name.clone()),
            Written::Join(_, parts) => parts.iter().for_each(|part| self.target_types(part, found)),
            Written::Gated(part, _) => self.target_types(part, found),
            _ => {}
        }
    }

    fn node(
        &self,
        of: &str,
        definition: &WrittenDefinition,
        expression: &Written,
        targets: &mut Vec<TargetKind>,
    ) -> Result<Node, Error> {
        let mut take = |target: TargetKind| {
            if !targets.contains(&target) {
                targets.push(target);
            }
            Node::Own
        };
        match expression {
            Written::Name(name, _) if !definition.permission && self.is_type(name) => {
                Ok(take(TargetKind { namespace: name.clone(), relation: None }))
            }
            Written::Name(name, _) if self.definition(of, name).is_some() => {
                Ok(Node::Same { namespace: of.to_owned(), relation: name.clone() })
            }
            Written::Name(name, line) if definition.permission => {
                fail(*line, format!("The type {of:?} has no relation or permission {name:?}"))
            }
            Written::Name(name, line) => fail(*line, format!("There is no type {name:?}")),
            Written::Set(namespace, relation, line) => {
                if definition.permission {
                    fail(*line, format!("{namespace}#{relation} is a kind of target, which a permission does not take"))
                } else if !self.is_type(namespace) {
                    fail(*line, format!("There is no type {namespace:?}"))
                } else if self.definition(namespace, relation).is_none() {
                    fail(*line, format!("The type {namespace:?} has no relation or permission {relation:?}"))
                } else {
                    Ok(take(TargetKind { namespace: namespace.clone(), relation: Some(relation.clone()) }))
                }
            }
            Written::Arrow(relation, target, line) => {
                let Some(followed) = self.definition(of, relation) else {
                    return fail(*line, format!("The type {of:?} has no relation {relation:?}"));
                };
                if followed.permission {
                    return fail(*line, format!("{relation:?} is a permission; only a relation leads to resources"));
                }
                let mut types = Vec::new();
                self.target_types(&followed.expression, &mut types);
                types.retain(|there| self.definition(there, target).is_some());
                if types.is_empty() {
                    return fail(*line, format!("No type that {relation:?} leads to has a relation {target:?}"));
                }
                Ok(Node::Right {
                    namespace: of.to_owned(),
                    relation: relation.clone(),
                    target: target.clone(),
                    target_namespaces: types,
                })
            }
            Written::Join(join, parts) => {
                let mut nodes: Vec<Node> = Vec::new();
                for part in parts {
                    let node = self.node(of, definition, part, targets)?;
                    // Several kinds of targets in a row are one list of those that were created.
                    if *join != Join::Union || !nodes.contains(&node) {
                        nodes.push(node);
                    }
                }
                Ok(match (join, nodes.pop()) {
                    (Join::Union, Some(only)) if nodes.is_empty() => only,
                    (Join::Union, last) => Node::Union(nodes.into_iter().chain(last).collect()),
                    (Join::Intersect, last) => Node::Intersect(nodes.into_iter().chain(last).collect()),
                    (Join::Sub, last) => Node::Sub(nodes.into_iter().chain(last).collect()),
                })
            }
            Written::Gated(part, gate) => {
                Ok(Node::Gated(Box::new(self.node(of, definition, part, targets)?), gate.clone()))
            }
        }
    }
}

/// Writes a schema, or tells what of it the language cannot say.
pub(super) fn print(schema: &Schema) -> Result<String, String> {
    let mut schema = schema.clone();
    name_targets(&mut schema);
    let mut lines = vec!["model AuthZ 1.0".to_owned()];
    if !schema.conditions.is_empty() {
        lines.push(String::new());
    }
    for condition in &schema.conditions {
        lines.push(condition_text(condition)?);
    }
    for one in &schema.types {
        lines.extend([String::new(), format!("type {}", word(&one.name)?)]);
        for definition in &one.definitions {
            let kind = if definition.permission { "permission" } else { "relation" };
            let name = word(&definition.name)?;
            let printer = Printer { schema: &schema, of: one, definition };
            let expression = match &definition.node {
                None => printer.own().join(" | "),
                // At the end of a relation, a condition belongs to all of it.
                Some(Node::Gated(node, gate)) if !definition.permission => {
                    format!("{} with {}", printer.top(node)?, gate_text(gate, true))
                }
                Some(node) => printer.top(node)?,
            };
            lines.push(format!("  {kind} {name}: {expression}"));
        }
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn condition_text(condition: &Condition) -> Result<String, String> {
    let name = word(&condition.name)?;
    match &condition.source {
        Source::Cel(expression) => {
            let params = condition.params.iter().map(|(name, kind)| Ok(format!("{} {kind}", word(name)?)));
            let params: Vec<String> = params.collect::<Result<_, String>>()?;
            Ok(format!("condition {name}({}) {{ {} }}", params.join(", "), expression.trim()))
        }
        Source::Constraint { kind, args } => {
            let kind = if kind == name { String::new() } else { format!(":{kind}") };
            let args: Vec<String> = args.iter().map(Value::to_string).collect();
            let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
            Ok(format!("constraint {name}{kind}{args}"))
        }
    }
}

/// Gives relations whose targets are not known those that the schema implies: the types that arrows follow them to, or
/// users.
fn name_targets(schema: &mut Schema) {
    let mut followed: BTreeSet<(String, String, String)> = BTreeSet::new();
    for definition in schema.types.iter().flat_map(|one| &one.definitions) {
        let mut leaves = Vec::new();
        definition.node.iter().for_each(|node| node.leaves(&mut leaves));
        for leaf in leaves {
            if let Node::Right { namespace, relation, target_namespaces, .. } = leaf {
                followed.extend(target_namespaces.iter().map(|to| (namespace.clone(), relation.clone(), to.clone())));
            }
        }
    }
    let mut users = false;
    for one in &mut schema.types {
        for definition in one.definitions.iter_mut().filter(|one| !one.permission && one.targets.is_empty()) {
            let to = followed.iter().filter(|(of, name, _)| *of == one.name && *name == definition.name);
            definition.targets = to.map(|(_, _, to)| TargetKind { namespace: to.clone(), relation: None }).collect();
            if definition.targets.is_empty() {
                users = true;
                definition.targets.push(TargetKind { namespace: "user".to_owned(), relation: None });
            }
        }
    }
    if users && schema.type_named("user").is_none() {
        schema.types.insert(0, Type { name: "user".to_owned(), definitions: Vec::new() });
    }
}

/// A name that can stand in a schema.
fn word(name: &str) -> Result<&str, String> {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') && !KEYWORDS.contains(&name) {
        Ok(name)
    } else {
        Err(format!("the name {name:?}"))
    }
}

struct Printer<'a> {
    schema: &'a Schema,
    of: &'a Type,
    definition: &'a Definition,
}

impl Printer<'_> {
    /// The kinds of targets.
    fn own(&self) -> Vec<String> {
        let kinds = self.definition.targets.iter().map(|kind| match &kind.relation {
            Some(relation) => format!("{}#{relation}", kind.namespace),
            None => kind.namespace.clone(),
        });
        kinds.collect()
    }

    /// An expression that nothing is around.
    fn top(&self, node: &Node) -> Result<String, String> {
        match node {
            Node::Union(nodes) | Node::Intersect(nodes) | Node::Sub(nodes) if nodes.len() == 1 => self.top(&nodes[0]),
            Node::Own => Ok(self.own().join(" | ")),
            Node::Union(nodes) => self.union(nodes),
            Node::Intersect(nodes) => self.join(nodes, " & "),
            Node::Sub(nodes) => self.join(nodes, " - "),
            Node::Gated(node, gate) if self.definition.permission => {
                Ok(format!("{} with {}", self.inner(node)?, gate_text(gate, true)))
            }
            Node::Same { .. } | Node::Right { .. } | Node::Left { .. } | Node::Gated(..) => self.inner(node),
        }
    }

    fn join(&self, nodes: &[Node], sign: &str) -> Result<String, String> {
        let parts: Vec<String> = nodes.iter().map(|node| self.inner(node)).collect::<Result<_, _>>()?;
        Ok(parts.join(sign))
    }

    fn union(&self, nodes: &[Node]) -> Result<String, String> {
        let mut parts: Vec<String> = Vec::new();
        for node in nodes {
            let texts = match node {
                Node::Own => self.own(),
                Node::Right { namespace, relation, target, .. } => {
                    // Ways to several types are one arrow.
                    let mut all: Vec<&str> = Vec::new();
                    for other in nodes {
                        if let Node::Right { namespace: one, relation: two, target: three, target_namespaces } = other
                            && (one, two, three) == (namespace, relation, target)
                        {
                            all.extend(target_namespaces.iter().map(String::as_str));
                        }
                    }
                    vec![self.arrow(namespace, relation, target, &all)?]
                }
                other => vec![self.inner(other)?],
            };
            for text in texts {
                if !parts.contains(&text) {
                    parts.push(text);
                }
            }
        }
        Ok(parts.join(" | "))
    }

    /// An expression within another.
    fn inner(&self, node: &Node) -> Result<String, String> {
        match node {
            Node::Same { namespace, relation } if *namespace == self.of.name => {
                // In a relation, the name of a type is a kind of target.
                if !self.definition.permission && self.schema.type_named(relation).is_some() {
                    return Err(format!("the relation {relation:?}, which has the name of a type"));
                }
                word(relation).map(str::to_owned)
            }
            Node::Same { namespace, relation } => Err(format!("{namespace}#{relation} of the same resource")),
            Node::Right { namespace, relation, target, target_namespaces } => {
                let types: Vec<&str> = target_namespaces.iter().map(String::as_str).collect();
                self.arrow(namespace, relation, target, &types)
            }
            Node::Left { namespace, relation, .. } => Err(format!("the way back over {namespace}#{relation}")),
            Node::Own if self.definition.targets.len() == 1 => Ok(self.own().join(" | ")),
            Node::Union(nodes) | Node::Intersect(nodes) | Node::Sub(nodes) if nodes.len() == 1 => self.inner(&nodes[0]),
            Node::Gated(node, gate) => Ok(format!("({} with {})", self.inner(node)?, gate_text(gate, true))),
            other => Ok(format!("({})", self.top(other)?)),
        }
    }

    fn arrow(&self, namespace: &str, relation: &str, target: &str, types: &[&str]) -> Result<String, String> {
        let text = format!("{}.{}", word(relation)?, word(target)?);
        let followed = self.of.definition(relation).filter(|followed| !followed.permission);
        let means: Option<BTreeSet<&str>> = followed.map(|followed| {
            let singles = followed.targets.iter().filter(|kind| kind.relation.is_none());
            let types = singles.map(|kind| kind.namespace.as_str());
            types.filter(|one| self.schema.definition(one, target).is_some()).collect()
        });
        if namespace == self.of.name && means == Some(types.iter().copied().collect()) {
            Ok(text)
        } else {
            Err(format!("that {text} leads from {namespace} to {} alone", types.join(", ")))
        }
    }
}

fn gate_text(gate: &Gate, top: bool) -> String {
    let join = |gates: &[Gate], sign: &str| {
        let parts: Vec<String> = gates.iter().map(|gate| gate_text(gate, false)).collect();
        if top { parts.join(sign) } else { format!("({})", parts.join(sign)) }
    };
    match gate {
        Gate::Holds(name) => name.clone(),
        Gate::Not(gate) => format!("!{}", gate_text(gate, false)),
        Gate::And(gates) => join(gates, " & "),
        Gate::Or(gates) => join(gates, " | "),
    }
}
