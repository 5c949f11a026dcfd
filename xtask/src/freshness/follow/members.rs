//! Which members an object has that a request sends.

use std::collections::BTreeSet;

use super::{Follower, MAX_DEPTH, Member, Site};
use crate::freshness::{
    chain::{Chain, arrow},
    lexer::{Holes, Kind, Token},
    program::{Field, assigns, closing, expression_end, split},
};

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

impl Follower<'_> {
    /// The members of the object that an expression can be.
    pub(super) fn members(&self, site: &Site, tokens: &[Token], around: &[String], out: &mut Vec<Member>) {
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
                    self.entries(site, &tokens[index + 1..close], tokens[index].is('{'), around, out);
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
                return self.entries(site, arguments, true, around, out);
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

    /// What stands between the brackets of an object or list. Only between braces is a bare name a member.
    fn entries(&self, site: &Site, tokens: &[Token], braces: bool, around: &[String], out: &mut Vec<Member>) {
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
                (Some(key), None) if part.len() == 1 && self.program.dialect.shorthand && !quoted && braces => {
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
