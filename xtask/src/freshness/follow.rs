//! Follows the arguments of a request back to the texts that they are made of: through variables, functions,
//! parameters and types.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use super::{
    chain::{Chain, arrow, assignments, label_of, pick},
    lexer::{Holes, Kind, Piece, Token},
    program::{self, Field, Program, Query, Request, assigns, closing, expression_end, like_path, split},
};

/// Deeper than any SDK hides a path; keeps recursive functions from being followed for ever.
const MAX_DEPTH: usize = 12;

/// More names than any request of an SDK is made of.
const MOST_NAMES: usize = 500;

/// More variants of one path than this say nothing.
const MOST_VARIANTS: usize = 16;

/// What stands for a part of a path that is only known when the request is made.
pub(super) const UNKNOWN: &str = "{}";

/// Functions that hand on the members of their arguments.
const PASSING: [&str; 14] = [
    "assign",
    "array_filter",
    "array_merge",
    "compact",
    "merge",
    "map",
    "array_map",
    "fromEntries",
    "stringify",
    "removeNils",
    "filter",
    "dumps",
    "list",
    "listOf",
];

/// Functions that make an object of names and values.
const MAPS: [&str; 5] = ["mapOf", "mutableMapOf", "dict", "hashMapOf", "of"];

/// Methods of a map that add to it.
const ADDING: [&str; 6] = ["put", "update", "merge", "putAll", "mergeWith", "push"];

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

    /// The members of the object that an expression can be.
    fn members(&self, site: &Site, tokens: &[Token], around: &[String], out: &mut Vec<Member>) {
        if site.depth > MAX_DEPTH || around.len() > 4 {
            return;
        }
        if let Some(body) = arrow(tokens).filter(|_| self.program.dialect.shorthand) {
            // What a function makes of each element.
            let body = &tokens[body..];
            if !body.first().is_some_and(|first| first.is('{')) {
                return self.members(site, body, around, out);
            }
            for (index, _) in body.iter().enumerate().filter(|(_, token)| token.is_word("return")) {
                let end = expression_end(body, index + 1);
                self.members(site, &body[index + 1..end], around, out);
            }
            return;
        }
        let mut index = 0;
        while index < tokens.len() {
            match &tokens[index].kind {
                Kind::Punct('{' | '[') => {
                    let close = closing(tokens, index);
                    self.entries(site, &tokens[index + 1..close], around, out);
                    index = close + 1;
                }
                Kind::Punct('(') => {
                    let close = closing(tokens, index);
                    self.members(site, &tokens[index + 1..close], around, out);
                    index = close + 1;
                }
                Kind::Word(_) => {
                    let chain = Chain::read(tokens, index);
                    let start = index;
                    index = chain.end;
                    let made = tokens.get(index).is_some_and(|token| token.is('{'))
                        || start > 0 && tokens[start - 1].is_word("new")
                        || chain.words.iter().any(|word| word == "builder");
                    let known = chain.words.iter().find(|word| self.program.types.contains_key(*word));
                    if let Some(name) = known.filter(|_| made) {
                        // `Type{…}`, `new Type(…)`, `Type.builder()…`
                        self.typed(name, around, out, &mut BTreeSet::new());
                        if tokens.get(index).is_some_and(|token| token.is('{')) {
                            index = closing(tokens, index) + 1;
                        }
                    } else {
                        self.chain_members(site, &chain, tokens, around, out);
                    }
                }
                _ => index += 1,
            }
        }
    }

    fn chain_members(&self, site: &Site, chain: &Chain, tokens: &[Token], around: &[String], out: &mut Vec<Member>) {
        let Some(last) = chain.words.last() else { return };
        if let Some(arguments) = &chain.arguments[chain.words.len() - 1] {
            let arguments = &tokens[arguments.clone()];
            let parts: Vec<&[Token]> = split(arguments, false).into_iter().map(|part| &arguments[part]).collect();
            if MAPS.contains(&last.as_str()) {
                let named = |part: &&&[Token]| part.len() == 1 && part[0].literal().is_some();
                if parts.len().is_multiple_of(2) && parts.iter().step_by(2).all(|part| named(&part)) {
                    // `mapOf("name", value, …)`
                    for pair in parts.chunks(2) {
                        self.member(
                            site,
                            &pair[0][0].literal().unwrap_or_default(),
                            pair[0][0].line,
                            pair[1],
                            around,
                            out,
                        );
                    }
                    return;
                }
                return self.entries(site, arguments, around, out);
            }
            if PASSING.contains(&last.as_str()) {
                for part in &parts {
                    self.members(site, part, around, out);
                }
            } else {
                for result in self.results(site, &chain.words, &parts) {
                    self.members(&result.site, &result.value, around, out);
                }
            }
            if chain.words.len() == 1 || PASSING.contains(&last.as_str()) && chain.words.len() > 2 {
                return;
            }
        }
        // `body`, `body.compact`
        let passes = chain.words.len() == 1 || chain.words.len() == 2 && PASSING.contains(&last.as_str());
        if passes && chain.arguments[0].is_none() {
            self.variable(site, &chain.words[0], around, out);
        }
    }

    /// The members of what a variable holds, and those added to it.
    fn variable(&self, site: &Site, name: &str, around: &[String], out: &mut Vec<Member>) {
        self.follow(site, name, || self.held(site, name, around, out));
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

    fn held(&self, site: &Site, name: &str, around: &[String], out: &mut Vec<Member>) {
        for value in self.values(site, name, false) {
            self.members(&value.site, &value.value, around, out);
        }
        let file = &self.program.files[site.file];
        let mut function = site.function;
        while let Some(number) = function {
            let definition = &file.functions[number];
            let own = Site { function: Some(number), depth: site.depth + 1, ..site.clone() };
            self.added(&own, number, name, around, out);
            if let Some((_, range)) = definition.parameters.iter().find(|(parameter, _)| parameter == name) {
                let mut types = file.tokens[range.clone()].iter().rev().filter_map(Token::word);
                if let Some(known) = types.find(|word| self.program.types.contains_key(*word)) {
                    self.typed(known, around, out, &mut BTreeSet::new());
                }
                return;
            }
            function = file.parent(number);
        }
    }

    /// `name[key] = value`, `name.put(key, value)`, `name.update({…})`, `add(name, key, value)`, `Type name = …`
    fn added(&self, site: &Site, function: usize, name: &str, around: &[String], out: &mut Vec<Member>) {
        let file = &self.program.files[site.file];
        let body = file.functions[function].body.clone();
        let tokens = &file.tokens[..body.end];
        for index in body.filter(|&index| tokens[index].is_word(name) && file.directly_in(function, index)) {
            let is = |at: usize, punct: char| tokens.get(at).is_some_and(|token| token.is(punct));
            let preceding = index.checked_sub(1).map(|before| &tokens[before]);
            if let Some(known) = preceding.and_then(Token::word).filter(|word| self.program.types.contains_key(*word)) {
                self.typed(known, around, out, &mut BTreeSet::new());
            }
            if is(index + 1, '[') {
                let close = closing(tokens, index + 1);
                let key = tokens[index + 2..close.min(tokens.len())].iter().find_map(|token| match &token.kind {
                    Kind::Text(_) => token.literal(),
                    Kind::Word(word) if is(index + 2, ':') => Some(word.clone()),
                    _ => None,
                });
                if let Some(key) = key.filter(|_| assigns(tokens, close + 1) && close <= index + 5) {
                    let end = expression_end(tokens, close + 2);
                    self.member(site, &key, tokens[index].line, &tokens[close + 2..end], around, out);
                }
            } else if is(index + 1, '.') {
                let chain = Chain::read(tokens, index);
                let adds = chain.words.len() == 2 && ADDING.contains(&chain.words[1].as_str());
                let mut arguments = chain.arguments.get(1).cloned().flatten();
                if adds && arguments.is_none() && is(chain.end, '!') && is(chain.end + 1, '(') {
                    // `merge!(…)`
                    arguments = Some(chain.end + 2..closing(tokens, chain.end + 1));
                }
                if let Some(arguments) = arguments.filter(|_| adds) {
                    self.pair(site, &tokens[arguments], around, out);
                } else if self.program.dialect.shorthand && chain.words.len() == 2 && assigns(tokens, chain.end) {
                    let end = expression_end(tokens, chain.end + 1);
                    let value = &tokens[chain.end + 1..end];
                    self.member(site, &chain.words[1], tokens[index].line, value, around, out);
                }
            } else if is(index + 1, ',') && index > 1 && is(index - 1, '(') && tokens[index - 2].word().is_some() {
                let close = closing(tokens, index - 1);
                let parts = split(&tokens[index..close], false);
                if parts.len() == 3 && tokens[index + 2].literal().is_some() {
                    self.pair(site, &tokens[index + 2..close], around, out);
                }
            }
        }
    }

    /// `key, value`, or an object to be taken over.
    fn pair(&self, site: &Site, tokens: &[Token], around: &[String], out: &mut Vec<Member>) {
        let parts = split(tokens, false);
        match (parts.as_slice(), tokens.first().and_then(Token::literal)) {
            ([_, value], Some(key)) => self.member(site, &key, tokens[0].line, &tokens[value.clone()], around, out),
            _ => {
                for part in parts {
                    self.members(site, &tokens[part], around, out);
                }
            }
        }
    }

    /// What stands between the brackets of an object or list.
    fn entries(&self, site: &Site, tokens: &[Token], around: &[String], out: &mut Vec<Member>) {
        for part in split(tokens, false) {
            let part = &tokens[part];
            let is = |at: usize, punct: char| part.get(at).is_some_and(|token| token.is(punct));
            let key = match &part[0].kind {
                Kind::Text(_) => part[0].literal(),
                Kind::Word(word) => Some(word.clone()),
                Kind::Punct(_) => None,
            };
            let quoted = matches!(part[0].kind, Kind::Text(_));
            let dialect = &self.program.dialect;
            let bare = dialect.shorthand || dialect.syntax.holes == Holes::Hash || dialect.function == Some("func");
            if !quoted && is(1, ':') && !bare {
                // A name that a comprehension makes, or a type.
                continue;
            }
            let value = if is(1, ':') && !is(2, ':')
                || assigns(part, 1) && !quoted
                || part.get(1).is_some_and(|token| token.is_word("to"))
            {
                Some(2)
            } else if is(1, '=') && is(2, '>') && quoted {
                Some(3)
            } else {
                None
            };
            match (key, value) {
                (Some(key), Some(value)) => {
                    self.member(site, &key, part[0].line, &part[value.min(part.len())..], around, out);
                }
                (Some(key), None) if part.len() == 1 && self.program.dialect.shorthand && !quoted => {
                    self.member(site, &key, part[0].line, part, around, out);
                }
                _ => self.members(site, part, around, out),
            }
        }
    }

    fn member(&self, site: &Site, key: &str, line: usize, value: &[Token], around: &[String], out: &mut Vec<Member>) {
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:$".contains(c)) {
            return;
        }
        // Left out on purpose.
        if value.first().is_some_and(|first| ["undefined", "void"].iter().any(|word| first.is_word(word))) {
            return;
        }
        let path: Vec<String> = around.iter().cloned().chain([key.to_owned()]).collect();
        out.push(Member { path: path.clone(), file: self.program.files[site.file].name.clone(), line });
        let inner = Site { depth: site.depth + 1, ..site.clone() };
        self.members(&inner, value, &path, out);
    }

    fn typed(&self, name: &str, around: &[String], out: &mut Vec<Member>, seen: &mut BTreeSet<String>) {
        let Some((file, fields)) = self.program.types.get(name) else { return };
        if around.len() > 4 || !seen.insert(name.to_owned()) {
            return;
        }
        for Field { json, types, line } in fields {
            let mut path = around.to_vec();
            if let Some(json) = json {
                path.push(json.clone());
                out.push(Member { path: path.clone(), file: self.program.files[*file].name.clone(), line: *line });
            }
            for inner in types {
                self.typed(inner, &path, out, seen);
            }
        }
        seen.remove(name);
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

/// What a path of the document begins with.
const ROOTS: [&str; 6] = ["/v1/", "/v2/", "/v3/", "/scim/v2/", "/oauth2/v1/", "/fedcm/"];
