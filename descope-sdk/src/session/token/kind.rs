//! The two kinds of token, by the `drn` claim.

use std::fmt;

use serde_json::{Map, Value};

use super::error::TokenError;

/// What a token is for, by its `drn` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A session token (`DS`): short-lived, sent with every request.
    Session,
    /// A refresh token (`DSR`): long-lived, only good for getting new session tokens.
    Refresh,
    /// A `drn` that is neither. Where the project has renamed its cookies, the validator has to know the names:
    /// [`token_names`](crate::session::SessionValidatorBuilder::token_names).
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
/// The claim doubles as the name of the cookie that carries the token, and a project can rename its cookies.
#[derive(Clone, Debug)]
pub(crate) struct KindNames {
    pub(crate) session: Box<str>,
    pub(crate) refresh: Box<str>,
}

impl Default for KindNames {
    fn default() -> Self {
        Self { session: "DS".into(), refresh: "DSR".into() }
    }
}

impl KindNames {
    /// The kind of a token with these claims; `None` when it does not say.
    pub(crate) fn of(&self, claims: &Map<String, Value>) -> Result<Option<TokenKind>, TokenError> {
        match claims.get("drn") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => Ok(Some(self.kind(name))),
            Some(_) => Err(TokenError::InvalidClaim("drn")),
        }
    }

    fn kind(&self, name: &str) -> TokenKind {
        // The built-in names keep their meaning whatever the configuration says: a project that renames its session
        // cookie must not start to accept an old refresh token as something unheard of.
        if name == &*self.session {
            TokenKind::Session
        } else if name == &*self.refresh {
            TokenKind::Refresh
        } else {
            match name {
                "DS" => TokenKind::Session,
                "DSR" => TokenKind::Refresh,
                _ => TokenKind::Other,
            }
        }
    }
}

/// Refuses a token of another kind than the one that is needed. A token that does not say is let through: not every
/// JWT template keeps the claim.
pub(crate) fn check(expected: TokenKind, found: Option<TokenKind>) -> Result<(), TokenError> {
    match found {
        Some(found) if found != expected => Err(TokenError::WrongKind { expected, found }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind_of(names: &KindNames, drn: Value) -> Result<Option<TokenKind>, TokenError> {
        let mut claims = Map::new();
        claims.insert("drn".to_owned(), drn);
        names.of(&claims)
    }

    #[test]
    fn kinds_by_name() {
        let names = KindNames::default();
        assert_eq!(kind_of(&names, json!("DS")).expect("a kind"), Some(TokenKind::Session));
        assert_eq!(kind_of(&names, json!("DSR")).expect("a kind"), Some(TokenKind::Refresh));
        assert_eq!(kind_of(&names, json!("dsr")).expect("a kind"), Some(TokenKind::Other));
        assert_eq!(kind_of(&names, Value::Null).expect("no kind"), None);
        assert_eq!(names.of(&Map::new()).expect("no kind"), None);
        for odd in [json!(1), json!(["DS"]), json!({"DS": true}), json!(true)] {
            assert!(matches!(kind_of(&names, odd), Err(TokenError::InvalidClaim("drn"))));
        }
    }

    #[test]
    fn renamed_cookies_rename_the_kinds_and_the_old_names_stay() {
        let names = KindNames { session: "shop_session".into(), refresh: "shop_refresh".into() };
        assert_eq!(kind_of(&names, json!("shop_session")).expect("a kind"), Some(TokenKind::Session));
        assert_eq!(kind_of(&names, json!("shop_refresh")).expect("a kind"), Some(TokenKind::Refresh));
        assert_eq!(kind_of(&names, json!("DSR")).expect("a kind"), Some(TokenKind::Refresh));
    }

    #[test]
    fn the_wrong_kind_is_refused_and_an_unnamed_one_passes() {
        use TokenKind::{Other, Refresh, Session};
        for kind in [Session, Refresh] {
            assert!(check(kind, Some(kind)).is_ok());
            assert!(check(kind, None).is_ok());
            assert!(check(kind, Some(Other)).is_err());
        }
        assert!(matches!(
            check(Session, Some(Refresh)),
            Err(TokenError::WrongKind { expected: Session, found: Refresh })
        ));
        assert!(check(Refresh, Some(Session)).is_err());
    }
}
