//! Filters of RFC 7644 section 3.4.2.2, such as `userName eq "ada@example.com" and active eq true`.

use std::cmp::Ordering;

use serde_json::Value;

/// How deep parentheses and brackets may nest.
const MAX_DEPTH: usize = 32;

/// A filter that has been understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    /// The attribute has a value.
    Present(Vec<String>),
    Compare(Vec<String>, Operator, Value),
    /// One of the values of an attribute fits.
    Any(Vec<String>, Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((start, letter)) = letters.next() {
        match letter {
            '(' => found.push(Token::Open),
            ')' => found.push(Token::Close),
            '[' => found.push(Token::OpenBracket),
            ']' => found.push(Token::CloseBracket),
            letter if letter.is_whitespace() => {}
            '"' => {
                let mut escaped = false;
                let end = letters.by_ref().find(|(_, letter)| {
                    let ends = *letter == '"' && !escaped;
                    escaped = *letter == '\\' && !escaped;
                    ends
                });
                let (end, _) = end.ok_or("a text does not end")?;
                let quoted = text.get(start..=end).unwrap_or_default();
                found.push(Token::Text(serde_json::from_str(quoted).map_err(|_| "a text is not one of JSON")?));
            }
            _ => {
                let mut end = start + letter.len_utf8();
                while let Some((at, next)) =
                    letters.next_if(|(_, next)| !next.is_whitespace() && !"()[]\"".contains(*next))
                {
                    end = at + next.len_utf8();
                }
                found.push(Token::Word(text.get(start..end).unwrap_or_default().to_owned()));
            }
        }
    }
    Ok(found)
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// The URN that may stand before an attribute.
    schema: &'a str,
}

impl Parser<'_> {
    fn word(&mut self, wanted: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted))).is_some()
    }

    fn expect(&mut self, wanted: &Token, what: &str) -> Result<(), String> {
        self.tokens.next_if_eq(wanted).map(|_| ()).ok_or_else(|| format!("{what} is missing"))
    }

    fn any_of(&mut self, depth: usize) -> Result<Filter, String> {
        let mut left = self.all_of(depth)?;
        while self.word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.all_of(depth)?));
        }
        Ok(left)
    }

    fn all_of(&mut self, depth: usize) -> Result<Filter, String> {
        let mut left = self.one(depth)?;
        while self.word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, String> {
        let depth = depth.checked_sub(1).ok_or("it is nested too deeply")?;
        if self.tokens.next_if_eq(&Token::Open).is_some() {
            let inner = self.any_of(depth)?;
            self.expect(&Token::Close, "a closing parenthesis")?;
            return Ok(inner);
        }
        let Some(Token::Word(word)) = self.tokens.next() else { return Err("an attribute is missing".to_owned()) };
        if word.eq_ignore_ascii_case("not") && self.tokens.peek() == Some(&Token::Open) {
            return Ok(Filter::Not(Box::new(self.one(depth)?)));
        }
        let path = path(&word, self.schema)?;
        if self.tokens.next_if_eq(&Token::OpenBracket).is_some() {
            let inner = self.any_of(depth)?;
            self.expect(&Token::CloseBracket, "a closing bracket")?;
            return Ok(Filter::Any(path, Box::new(inner)));
        }
        if self.word("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = self.operator()?;
        let value = match self.tokens.next() {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Word(word)) => {
                let known = serde_json::from_str(&word.to_ascii_lowercase());
                known.map_err(|_| format!("{word:?} is not a value; texts stand in quotation marks"))?
            }
            _ => return Err("a value is missing".to_owned()),
        };
        Ok(Filter::Compare(path, operator, value))
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let Some(Token::Word(word)) = self.tokens.next() else { return Err("an operator is missing".to_owned()) };
        Ok(match word.to_ascii_lowercase().as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "co" => Operator::Contains,
            "sw" => Operator::StartsWith,
            "ew" => Operator::EndsWith,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            _ => return Err(format!("there is no operator {word:?}")),
        })
    }
}

/// The names of an attribute and its sub-attribute, without the URN of the schema.
pub(super) fn path(text: &str, schema: &str) -> Result<Vec<String>, String> {
    let lower = text.to_ascii_lowercase();
    let rest = match lower.strip_prefix(&schema.to_ascii_lowercase()) {
        Some(rest) => text.get(text.len() - rest.len()..).unwrap_or_default().trim_start_matches(':'),
        None => text,
    };
    let names: Vec<String> = rest.split('.').map(str::to_owned).collect();
    let fine = |name: &String| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "$_-:".contains(letter))
    };
    if names.len() <= 2 && names.iter().all(fine) { Ok(names) } else { Err(format!("{text:?} is not an attribute")) }
}

/// The member of a name, in whatever case.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The values of an attribute: several of one that has many.
fn values<'a>(resource: &'a Value, path: &[String]) -> Vec<&'a Value> {
    let mut found = vec![resource];
    for name in path {
        found = found
            .into_iter()
            .filter_map(|value| member(value, name))
            .flat_map(|value| value.as_array().map_or_else(|| vec![value], |items| items.iter().collect()))
            .collect();
    }
    found
}

impl Filter {
    /// Reads a filter about resources of a schema.
    pub(super) fn parse(text: &str, schema: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), schema };
        let filter = parser.any_of(MAX_DEPTH)?;
        match parser.tokens.next() {
            None => Ok(filter),
            Some(_) => Err("there is something behind its end".to_owned()),
        }
    }

    /// Whether a resource, or one value of an attribute, is chosen.
    pub(super) fn fits(&self, resource: &Value) -> bool {
        match self {
            Self::And(left, right) => left.fits(resource) && right.fits(resource),
            Self::Or(left, right) => left.fits(resource) || right.fits(resource),
            Self::Not(inner) => !inner.fits(resource),
            Self::Present(path) => values(resource, path).iter().any(|value| says_something(value)),
            Self::Any(path, inner) => values(resource, path).into_iter().any(|value| inner.fits(value)),
            Self::Compare(path, Operator::NotEqual, wanted) => {
                !Self::Compare(path.clone(), Operator::Equal, wanted.clone()).fits(resource)
            }
            Self::Compare(path, operator, wanted) => {
                let found = values(resource, path);
                if found.is_empty() {
                    return *operator == Operator::Equal && wanted.is_null();
                }
                let exact = path.last().is_some_and(|name| name.eq_ignore_ascii_case("id"));
                found.into_iter().any(|value| compare(value, *operator, wanted, exact))
            }
        }
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

fn compare(value: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    // Of a value with parts, such as an email address, `value` is meant.
    let value = if value.is_object() { member(value, "value").unwrap_or(value) } else { value };
    let order = match (value, wanted) {
        (Value::String(one), Value::String(two)) => {
            let (one, two) = if exact { (one.clone(), two.clone()) } else { (one.to_lowercase(), two.to_lowercase()) };
            match operator {
                Operator::Contains => return one.contains(&two),
                Operator::StartsWith => return one.starts_with(&two),
                Operator::EndsWith => return one.ends_with(&two),
                _ => one.cmp(&two),
            }
        }
        (Value::Number(one), Value::Number(two)) => {
            one.as_f64().unwrap_or_default().total_cmp(&two.as_f64().unwrap_or_default())
        }
        (one, two) => return operator == Operator::Equal && one == two,
    };
    match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::NotEqual | Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

    #[test]
    fn filters_choose_what_they_say() {
        let ada = json!({
            "id": "U1a", "userName": "Ada@Example.com", "active": true, "name": {"familyName": "O'Malley"},
            "emails": [{"value": "ada@work.org", "type": "work"}, {"value": "ada@home.net", "type": "home"}],
            "meta": {"lastModified": "2026-01-02T09:30:00Z"}, "n": 5, "displayName": "a \"b\" (c)",
        });
        for (filter, fits) in [
            (r#"userName eq "ada@example.COM""#, true),
            (r#"USERNAME Eq "ada@example.com""#, true),
            (r#"id eq "u1a""#, false),
            (r#"id eq "U1a""#, true),
            (r#"userName ne "bob""#, true),
            (r#"nickName ne "bob""#, true),
            (r#"nickName eq "bob""#, false),
            ("nickName eq null", true),
            (r#"userName sw "ADA" and userName ew ".com" and userName co "@""#, true),
            (r#"name.familyName eq "o'malley""#, true),
            (r#"emails eq "ada@home.net""#, true),
            (r#"emails.type eq "home""#, true),
            (r#"emails[type eq "work" and value co "@work"]"#, true),
            (r#"emails[type eq "work" and value co "@home"]"#, false),
            (r#"emails co "@home" and emails.type eq "work""#, true),
            ("active eq true", true),
            ("active eq False", false),
            ("emails pr and not (title pr)", true),
            (r#"userName eq "x" or (active eq true and n gt 4)"#, true),
            (r#"userName eq "x" or active eq true and n gt 5"#, false),
            ("n ge 5 and n le 5 and not (n lt 5)", true),
            (r#"meta.lastModified gt "2026-01-01T00:00:00Z""#, true),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ada""#, true),
            (r#"displayName eq "a \"b\" (c)""#, true),
        ] {
            let parsed = Filter::parse(filter, SCHEMA).unwrap_or_else(|why| panic!("{filter}: {why}"));
            assert_eq!(parsed.fits(&ada), fits, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            "userName",
            "userName eq",
            "userName is \"x\"",
            "eq \"x\"",
            "userName eq x",
            "userName eq \"x",
            "(userName pr",
            "userName pr)",
            "emails[type pr",
            "a.b.c pr",
            "userName pr and",
            "not userName pr",
            "\"x\" pr",
        ] {
            assert!(Filter::parse(text, SCHEMA).is_err(), "{text}");
        }
        assert!(Filter::parse(&"(".repeat(100_000), SCHEMA).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in any::<String>(), more in "[a-z ()\\[\\]\"eq.]{0,40}") {
            for text in [text, more] {
                if let Ok(filter) = Filter::parse(&text, SCHEMA) {
                    let _ = filter.fits(&json!({"a": [{"value": 1}]}));
                }
            }
        }
    }
}
