//! The two kinds of token, by the `drn` claim.

use std::fmt;

use serde_json::{Map, Value};

use super::error::{ConfigError, TokenError};
use crate::authentication::{REFRESH_COOKIE, SESSION_COOKIE};

/// What a token is for, by its `drn` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A session token (`DS`): short-lived, sent with every request.
    Session,
    /// A refresh token (`DSR`): long-lived, only good for getting new session tokens.
    Refresh,
    /// A `drn` that is neither. Where the project has renamed its cookies, the validator has to know the names:
    /// [`token_names`](crate::session::SessionValidatorBuilder::token_names) and
    /// [`former_token_names`](crate::session::SessionValidatorBuilder::former_token_names).
    Other,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Refresh => "refresh",
            Self::Other => "other",
        })
    }
}

/// The values of `drn` that stand for the two kinds.
///
/// The claim doubles as the name of the cookie that carries the token, and a project can rename its cookies: tokens of
/// the former names are still around then.
#[derive(Clone, Debug)]
pub(crate) struct KindNames {
    session: Names,
    refresh: Names,
}

/// The names of one kind.
#[derive(Clone, Debug)]
struct Names {
    current: String,
    former: Vec<String>,
}

impl Names {
    fn new(current: impl Into<String>) -> Self {
        Self { current: current.into(), former: Vec::new() }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current).chain(&self.former).map(String::as_str)
    }
}

impl Default for KindNames {
    fn default() -> Self {
        Self { session: Names::new(SESSION_COOKIE), refresh: Names::new(REFRESH_COOKIE) }
    }
}

impl KindNames {
    /// Names the tokens that the project issues now.
    pub(crate) fn set_current(&mut self, session: String, refresh: String) {
        (self.session.current, self.refresh.current) = (session, refresh);
    }

    /// Adds names of tokens that the project issued before.
    pub(crate) fn add_former<'n>(
        &mut self,
        session: impl IntoIterator<Item = &'n String>,
        refresh: impl IntoIterator<Item = &'n String>,
    ) {
        for (names, more) in [
            (&mut self.session, session.into_iter().collect::<Vec<_>>()),
            (&mut self.refresh, refresh.into_iter().collect()),
        ] {
            for name in more {
                if !names.all().any(|known| known == name) {
                    names.former.push(name.clone());
                }
            }
        }
    }

    /// What session tokens are called, the current name first.
    pub(crate) fn session(&self) -> impl Iterator<Item = &str> {
        self.session.all()
    }

    /// What refresh tokens are called, the current name first.
    pub(crate) fn refresh(&self) -> impl Iterator<Item = &str> {
        self.refresh.all()
    }

    /// Refuses names by which the two kinds could be taken for each other.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.session().chain(self.refresh()).any(str::is_empty) {
            return Err(ConfigError::TokenNames("a name is empty"));
        }
        if self.session().any(|name| self.refresh().any(|other| name == other)) {
            return Err(ConfigError::TokenNames("session and refresh tokens have a name in common"));
        }
        if self.session().any(|name| name == REFRESH_COOKIE) || self.refresh().any(|name| name == SESSION_COOKIE) {
            return Err(ConfigError::TokenNames("`DS` always is a session token and `DSR` a refresh token"));
        }
        Ok(())
    }

    /// The kind of a token with this `drn`. Current and built-in names keep their meaning whatever former ones there
    /// are: a project that renames its session cookie must not start to accept an old refresh token as a session.
    fn kind(&self, name: &str) -> TokenKind {
        if name == self.session.current || name == SESSION_COOKIE {
            return TokenKind::Session;
        }
        if name == self.refresh.current || name == REFRESH_COOKIE {
            return TokenKind::Refresh;
        }
        let is_among = |names: &Names| names.former.iter().any(|former| former == name);
        match (is_among(&self.session), is_among(&self.refresh)) {
            (true, false) => TokenKind::Session,
            (false, true) => TokenKind::Refresh,
            _ => TokenKind::Other,
        }
    }

    /// Refuses a token of another kind than the one that is needed. A token that does not say is let through: not every
    /// JWT template keeps the claim.
    pub(crate) fn expect(&self, expected: TokenKind, drn: Option<&str>) -> Result<(), TokenError> {
        match drn.map(|name| self.kind(name)) {
            Some(found) if found != expected => Err(TokenError::WrongKind { expected, found }),
            _ => Ok(()),
        }
    }
}

/// The claim `drn`, where a token has it.
pub(crate) fn drn(claims: &Map<String, Value>) -> Result<Option<&str>, TokenError> {
    match claims.get("drn") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(_) => Err(TokenError::InvalidClaim("drn")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        TokenKind::{Other, Refresh, Session},
        *,
    };

    fn names(current: (&str, &str), former: (&[&str], &[&str])) -> KindNames {
        let mut names = KindNames::default();
        names.set_current(current.0.to_owned(), current.1.to_owned());
        let owned = |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        names.add_former(&owned(former.0), &owned(former.1));
        names
    }

    #[test]
    fn claim_is_read() {
        let claims = |drn: Value| Map::from_iter([("drn".to_owned(), drn)]);
        assert_eq!(drn(&claims(json!("DS"))).expect("a name"), Some("DS"));
        assert_eq!(drn(&claims(Value::Null)).expect("no name"), None);
        assert_eq!(drn(&Map::new()).expect("no name"), None);
        for odd in [json!(1), json!(["DS"]), json!({"DS": true}), json!(true)] {
            assert!(matches!(drn(&claims(odd)), Err(TokenError::InvalidClaim("drn"))));
        }
    }

    #[test]
    fn kinds_by_name() {
        let default = KindNames::default();
        let renamed = names(("s2", "r2"), (&["s1", "s0", "both"], &["r1", "r0", "both"]));
        // Built-in and current names cannot be turned into another kind by a former one.
        let turned = names(("s2", "r2"), (&["DSR", "r2"], &["DS", "s2"]));
        for (names, expected) in [
            (&default, [("DS", Session), ("DSR", Refresh), ("dsr", Other), ("s2", Other), ("", Other)].as_slice()),
            (&renamed, &[("s2", Session), ("s1", Session), ("s0", Session), ("DS", Session)]),
            (&renamed, &[("r2", Refresh), ("r1", Refresh), ("r0", Refresh), ("DSR", Refresh)]),
            (&renamed, &[("both", Other), ("s3", Other), ("S1", Other), ("", Other)]),
            (&turned, &[("DS", Session), ("s2", Session), ("DSR", Refresh), ("r2", Refresh)]),
        ] {
            for (name, kind) in expected {
                assert_eq!(names.kind(name), *kind, "{name}");
                assert_eq!(names.expect(Session, Some(name)).is_ok(), *kind == Session, "{name}");
                assert_eq!(names.expect(Refresh, Some(name)).is_ok(), *kind == Refresh, "{name}");
            }
            assert!(names.expect(Session, None).is_ok() && names.expect(Refresh, None).is_ok());
        }
        assert!(matches!(
            default.expect(Session, Some("DSR")),
            Err(TokenError::WrongKind { expected: Session, found: Refresh })
        ));
    }

    #[test]
    fn names_are_listed_once_and_the_current_one_first() {
        let names = names(("s", "r"), (&["DS", "s", "DS"], &["x"]));
        assert_eq!(names.session().collect::<Vec<_>>(), ["s", "DS"]);
        assert_eq!(names.refresh().collect::<Vec<_>>(), ["r", "x"]);
    }

    #[test]
    fn names_that_mix_the_kinds_up_are_refused() {
        type Case<'c> = ((&'c str, &'c str), (&'c [&'c str], &'c [&'c str]), bool);
        let cases: [Case<'_>; 9] = [
            (("DS", "DSR"), (&[], &[]), true),
            (("s", "r"), (&["DS", "s1"], &["DSR", "r1"]), true),
            (("s", "s"), (&[], &[]), false),
            (("", "r"), (&[], &[]), false),
            (("s", "r"), (&[""], &[]), false),
            (("DSR", "r"), (&[], &[]), false),
            (("s", "DS"), (&[], &[]), false),
            (("s", "r"), (&["r"], &[]), false),
            (("s", "r"), (&["x"], &["x"]), false),
        ];
        for (current, former, good) in cases {
            assert_eq!(names(current, former).check().is_ok(), good, "{current:?} {former:?}");
        }
    }
}
