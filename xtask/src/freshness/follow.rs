//! Follows the arguments of a request back to the texts that they are made of: through variables, functions,
//! parameters and types.

mod members;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use super::{
    chain::{Chain, assignments, label_of, pick},
    lexer::{Kind, Piece, Token},
    program::{self, Program, Query, Request, closing, like_path, split},
};

/// Deeper than any SDK hides a path; keeps recursive functions from being followed for ever.
const MAX_DEPTH: usize = 12;

/// More names than any request of an SDK is made of.
const MOST_NAMES: usize = 500;

/// More variants of one path than this say nothing.
const MOST_VARIANTS: usize = 16;

/// What stands for a part of a path that is only known when the request is made.
pub(super) const UNKNOWN: &str = "{}";

/// What a path of the document begins with.
const ROOTS: [&str; 6] = ["/v1/", "/v2/", "/v3/", "/scim/v2/", "/oauth2/v1/", "/fedcm/"];

/// A request that the sources make.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// The paths that it can go to.
    pub(super) paths: Vec<String>,
    pub(super) body: Vec<Member>,
    pub(super) query: Vec<Member>,
    pub(super) file: String,
    pub(super) line: usize,
}

/// A member of an object that is sent, with the names of those around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) path: Vec<String>,
    pub(super) file: String,
    pub(super) line: usize,
}

/// Where an expression stands, and what the parameters around it are.
#[derive(Clone)]
struct Site {
    file: usize,
    function: Option<usize>,
    bound: Vec<(String, Rc<Bound>)>,
    depth: usize,
}

struct Bound {
    site: Site,
    value: Vec<Token>,
}

/// Every request that the sources make.
pub(super) fn calls(program: &Program) -> Vec<Call> {
    let mut calls = Vec::new();
    for (number, file) in program.files.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for index in 0..file.tokens.len() {
            if file.tokens[index].word().is_none() {
                continue;
            }
            let chain = Chain::read(&file.tokens, index);
            let function = file.function_at(index);
            let site = Site { file: number, function, bound: Vec::new(), depth: 0 };
            for (words, arguments) in chain.calls() {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let Some(request) = (program.dialect.request)(&words) else { continue };
                if !seen.insert(arguments.start) {
                    continue;
                }
                let follower = Follower { program, active: RefCell::default(), budget: Cell::new(MOST_NAMES) };
                let line = file.tokens[arguments.start - 1].line;
                let arguments = &file.tokens[arguments];
                let wrapped = follower.callers_of_wrapper(&site, &request, arguments);
                if wrapped.is_empty() {
                    calls.extend(follower.call(&request, &site, arguments, (number, line)));
                }
                for (site, place) in wrapped {
                    follower.budget.set(MOST_NAMES);
                    calls.extend(follower.call(&request, &site, arguments, place));
                }
            }
        }
    }
    calls
}

struct Follower<'a> {
    program: &'a Program,
    /// The names that are being followed: file, function, name. One that leads to itself leads nowhere.
    active: RefCell<Vec<(usize, Option<usize>, String)>>,
    /// How many more names are followed for one request.
    budget: Cell<usize>,
}

impl Follower<'_> {
    /// Where a function is called that hands its own parameter on as the path: the sites with its parameters bound, and
    /// the places of the calls.
    fn callers_of_wrapper(&self, site: &Site, request: &Request, arguments: &[Token]) -> Vec<(Site, (usize, usize))> {
        let path = pick(arguments, request.path).unwrap_or_default();
        let [Some(name)] = path.iter().map(Token::word).collect::<Vec<_>>()[..] else { return Vec::new() };
        let Some(function) = site.function else { return Vec::new() };
        let definition = &self.program.files[site.file].functions[function];
        if definition.name.is_empty() || !definition.parameters.iter().any(|(parameter, _)| parameter == name) {
            return Vec::new();
        }
        // In JavaScript a name means something only where it is declared; minified, one letter means many things.
        let parent = self.program.files[site.file].parent(function).filter(|_| self.program.dialect.shorthand);
        let scope = parent.map(|parent| self.program.files[site.file].functions[parent].body.clone());
        let mut found = Vec::new();
        for (file, token) in self.program.callers(site.file, &definition.name) {
            if scope.as_ref().is_some_and(|scope| file != site.file || !scope.contains(&token)) {
                continue;
            }
            let tokens = &self.program.files[file].tokens;
            let arguments = &tokens[token + 2..closing(tokens, token + 1)];
            let caller = self.program.files[file].function_at(token);
            let outer = Site { file, function: caller, bound: Vec::new(), depth: 1 };
            let parts: Vec<&[Token]> = split(arguments, false).into_iter().map(|part| &arguments[part]).collect();
            let bound = bound(&outer, &definition.parameters, &parts);
            found.push((Site { bound, ..site.clone() }, (file, tokens[token].line)));
        }
        found
    }

    fn call(&self, request: &Request, site: &Site, arguments: &[Token], (file, line): (usize, usize)) -> Option<Call> {
        let pick = |which| pick(arguments, which);
        let mut paths: Vec<String> =
            self.paths(site, &pick(request.path)?).iter().filter_map(|path| self.rooted(path)).collect();
        paths.sort();
        paths.dedup();
        if paths.is_empty() {
            return None;
        }
        let members = |tokens: Option<Vec<Token>>| {
            let mut found = Vec::new();
            self.members(site, &tokens.unwrap_or_default(), &[], &mut found);
            found.sort();
            found.dedup();
            found
        };
        let query = match request.query {
            Some(Query::Argument(position, label)) => members(pick((position, label))),
            Some(Query::Member(position, name)) => members(pick((position, "")))
                .into_iter()
                .filter(|member| member.path.len() > 1 && member.path[0] == name)
                .map(|member| Member { path: member.path[1..].to_vec(), ..member })
                .collect(),
            None => Vec::new(),
        };
        Some(Call {
            method: request.method,
            paths,
            body: request.body.map(|body| members(pick(body))).unwrap_or_default(),
            query,
            file: self.program.files[file].name.clone(),
            line,
        })
    }

    /// A path as the document writes it: from the version on, without a query.
    fn rooted(&self, path: &str) -> Option<String> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let marked = format!("/{path}").replace("//", "/");
        let start = ROOTS.iter().filter_map(|root| marked.find(root)).min();
        let path = match start {
            Some(start) => marked[start..].to_owned(),
            None if self.program.dialect.base.is_empty() || !like_path(path) || path.starts_with(['/', '{']) => {
                return None;
            }
            None => format!("{}{path}", self.program.dialect.base),
        };
        Some(path.trim_end_matches('/').to_owned())
    }

    /// The paths, or parts of paths, that an expression can be.
    fn paths(&self, site: &Site, tokens: &[Token]) -> Vec<String> {
        if site.depth > MAX_DEPTH {
            return vec![UNKNOWN.to_owned()];
        }
        let mut done: Vec<String> = Vec::new();
        let mut parts: Vec<String> = Vec::new();
        let mut joins = true;
        let mut index = 0;
        while index < tokens.len() {
            let token = &tokens[index];
            let (values, end) = match &token.kind {
                Kind::Text(pieces) => (self.text(site, pieces), index + 1),
                Kind::Word(_) => {
                    let chain = Chain::read(tokens, index);
                    (self.chain(site, &chain, tokens), chain.end)
                }
                Kind::Punct('(' | '{' | '[') => {
                    let close = closing(tokens, index);
                    (self.paths(site, &tokens[index + 1..close]), close + 1)
                }
                Kind::Punct(punct) => {
                    joins = "+.".contains(*punct);
                    index += 1;
                    continue;
                }
            };
            index = end;
            let rooted = |values: &[String]| values.iter().any(|value| self.rooted(value).is_some());
            if parts.is_empty() || rooted(&values) && (rooted(&parts) || !joins) {
                // Another one, as in the branches of a condition.
                parts.retain(|part| self.rooted(part).is_some());
                done.append(&mut parts);
                parts = values;
            } else if joins {
                parts =
                    parts.iter().flat_map(|part| values.iter().map(move |value| format!("{part}{value}"))).collect();
            }
            parts.truncate(MOST_VARIANTS);
            joins = false;
        }
        done.append(&mut parts);
        done.sort();
        done.dedup();
        done.truncate(MOST_VARIANTS);
        done
    }

    fn text(&self, site: &Site, pieces: &[Piece]) -> Vec<String> {
        let mut texts = vec![String::new()];
        for piece in pieces {
            let values = match piece {
                Piece::Literal(text) => vec![text.clone()],
                Piece::Hole(source) => {
                    let tokens = program::lex(source, self.program.dialect.syntax);
                    let found = self.paths(site, &tokens);
                    let begun = texts.iter().any(|text| self.rooted(text).is_some());
                    let fits = |path: &String| like_path(path) && !(begun && self.rooted(path).is_some());
                    let found: Vec<String> = found.into_iter().filter(fits).collect();
                    if found.is_empty() { vec![UNKNOWN.to_owned()] } else { found }
                }
            };
            texts = texts.iter().flat_map(|text| values.iter().map(move |value| format!("{text}{value}"))).collect();
            texts.truncate(MOST_VARIANTS);
        }
        texts
    }

    fn chain(&self, site: &Site, chain: &Chain, tokens: &[Token]) -> Vec<String> {
        let unknown = || vec![UNKNOWN.to_owned()];
        // `path.replace(…)`: from the longest beginning that means something.
        for length in (1..=chain.words.len()).rev() {
            let words = &chain.words[..length];
            let found = match &chain.arguments[length - 1] {
                Some(arguments) => self.called(site, words, &tokens[arguments.clone()]),
                None => self.named(site, words),
            };
            if let Some(found) = found.filter(|found| found.iter().any(|value| like_path(value))) {
                return found;
            }
        }
        unknown()
    }

    /// What a name can stand for.
    fn named(&self, site: &Site, words: &[String]) -> Option<Vec<String>> {
        if let [name] = words {
            let values = self.values(site, name, true);
            if !values.is_empty() {
                let mut found = Vec::new();
                self.follow(site, name, || {
                    found = values.iter().flat_map(|value| self.paths(&value.site, &value.value)).collect();
                });
                return Some(found);
            }
            if self.is_parameter(site, name) {
                return None;
            }
        }
        let found = self.program.constant(site.file, words);
        (!found.is_empty()).then_some(found)
    }

    /// What a call can answer.
    fn called(&self, site: &Site, words: &[String], arguments: &[Token]) -> Option<Vec<String>> {
        let parts: Vec<&[Token]> = split(arguments, false).into_iter().map(|part| &arguments[part]).collect();
        let name = words.last()?.to_ascii_lowercase();
        let definitions = self.definitions(site, words, parts.len());
        let takes_all = definitions.iter().any(|(file, function)| self.program.files[*file].functions[*function].rest);
        let joins = takes_all || name.contains("join");
        if !joins {
            let mut found = Vec::new();
            for result in self.results(site, words, &parts) {
                found.extend(self.paths(&result.site, &result.value).into_iter().filter(|path| like_path(path)));
            }
            if !found.is_empty() {
                return Some(found);
            }
        }
        let values: Vec<Vec<String>> = parts.iter().map(|part| self.paths(site, part)).collect();
        let first = values.iter().position(|value| value.iter().any(|value| like_path(value)))?;
        let mut joined = values[first].clone();
        for more in values[first + 1..].iter().filter(|_| joins) {
            joined = joined
                .iter()
                .flat_map(|path| more.iter().map(move |more| format!("{path}/{more}").replace("//", "/")))
                .collect();
            joined.truncate(MOST_VARIANTS);
        }
        Some(joined)
    }

    fn definitions(&self, site: &Site, words: &[String], arguments: usize) -> Vec<(usize, usize)> {
        self.program.functions(site.file, site.function, words, arguments)
    }

    /// The expressions that a call can answer, with its parameters bound.
    fn results(&self, site: &Site, words: &[String], arguments: &[&[Token]]) -> Vec<Bound> {
        if site.depth > MAX_DEPTH {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (file, function) in self.definitions(site, words, arguments.len()) {
            let definition = &self.program.files[file].functions[function];
            let bound = bound(site, &definition.parameters, arguments);
            let inner = Site { file, function: Some(function), bound, depth: site.depth + 1 };
            for result in &definition.results {
                let value = self.program.files[file].tokens[result.clone()].to_vec();
                found.push(Bound { site: inner.clone(), value });
            }
        }
        found
    }

    /// The values that a variable or parameter is given; with `callers`, those that any caller hands over.
    fn values(&self, site: &Site, name: &str, callers: bool) -> Vec<Bound> {
        if site.depth > MAX_DEPTH {
            return Vec::new();
        }
        let deeper = |site: &Site| Site { depth: site.depth + 1, ..site.clone() };
        let mut found = Vec::new();
        if let Some((_, bound)) = site.bound.iter().find(|(bound, _)| bound == name) {
            let outer = Site { depth: site.depth + 1, ..bound.site.clone() };
            found.push(Bound { site: outer, value: bound.value.clone() });
        }
        // In JavaScript another variable of a block can have the name of a parameter.
        if !found.is_empty() && self.program.dialect.shorthand {
            return found;
        }
        let file = &self.program.files[site.file];
        let mut function = site.function;
        while let Some(number) = function {
            let definition = &file.functions[number];
            let ranges = assignments(&file.tokens, definition.body.clone(), name);
            for range in ranges.into_iter().filter(|range| file.directly_in(number, range.start - 1)) {
                let own = Site { function: Some(number), ..deeper(site) };
                found.push(Bound { site: own, value: file.tokens[range].to_vec() });
            }
            if !found.is_empty() {
                return found;
            }
            if let Some(position) = definition.parameters.iter().position(|(parameter, _)| parameter == name) {
                return if callers { self.arguments_for(site, &definition.name, name, position) } else { found };
            }
            function = file.parent(number);
        }
        found
    }

    /// What the callers of a function hand over as one of its parameters.
    fn arguments_for(&self, site: &Site, function: &str, name: &str, position: usize) -> Vec<Bound> {
        let mut found = Vec::new();
        if function.is_empty() {
            return found;
        }
        for (file, token) in self.program.callers(site.file, function) {
            let tokens = &self.program.files[file].tokens;
            let arguments = &tokens[token + 2..closing(tokens, token + 1)];
            let parts = split(arguments, false);
            let labelled = parts.iter().find(|part| label_of(&arguments[(*part).clone()]).0 == Some(name));
            let plain = || parts.get(position).filter(|part| label_of(&arguments[(*part).clone()]).0.is_none());
            let Some(part) = labelled.or_else(plain) else { continue };
            let caller = self.program.files[file].function_at(token);
            let site = Site { file, function: caller, bound: Vec::new(), depth: site.depth + 2 };
            found.push(Bound { site, value: label_of(&arguments[part.clone()]).1.to_vec() });
        }
        found
    }

    fn is_parameter(&self, site: &Site, name: &str) -> bool {
        let file = &self.program.files[site.file];
        let mut function = site.function;
        while let Some(number) = function {
            if file.functions[number].parameters.iter().any(|(parameter, _)| parameter == name) {
                return true;
            }
            function = file.parent(number);
        }
        false
    }

    /// Calls `step` unless the name is being followed already, or too many were.
    fn follow(&self, site: &Site, name: &str, step: impl FnOnce()) {
        let key = (site.file, site.function, name.to_owned());
        let left = self.budget.get();
        if site.depth > MAX_DEPTH || left == 0 || self.active.borrow().contains(&key) {
            return;
        }
        self.budget.set(left - 1);
        self.active.borrow_mut().push(key);
        step();
        self.active.borrow_mut().pop();
    }
}

/// The parameters of a function with what a call hands over.
fn bound(
    site: &Site,
    parameters: &[(String, std::ops::Range<usize>)],
    arguments: &[&[Token]],
) -> Vec<(String, Rc<Bound>)> {
    let mut bound = Vec::new();
    for (position, argument) in arguments.iter().enumerate() {
        let (label, value) = label_of(argument);
        let name = match label {
            Some(label) => Some(label.to_owned()),
            None => parameters.get(position).map(|(name, _)| name.clone()),
        };
        let value = Bound { site: Site { depth: site.depth + 1, ..site.clone() }, value: value.to_vec() };
        bound.extend(name.map(|name| (name, Rc::new(value))));
    }
    bound
}
