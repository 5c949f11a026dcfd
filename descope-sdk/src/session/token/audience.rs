//! For whom a token is meant.

use serde_json::{Map, Value};

/// What is asked of the `aud` claim of a session token.
///
/// Descope puts the project id, an application or a resource there, depending on the project's JWT templates, and often
/// nothing at all; so there is no rule that fits every project, and the choice is the application's. An application
/// that accepts tokens made for OIDC applications or inbound apps should name the audiences that it serves.
///
/// ```
/// use descope_sdk::session::AudiencePolicy;
///
/// let policy = AudiencePolicy::any_of(["https://api.shop.example", "shop-backend"]);
/// assert_ne!(policy, AudiencePolicy::Ignore);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudiencePolicy {
    /// `aud` is not looked at. The default.
    #[default]
    Ignore,
    /// `aud`, a text or a list of texts, must name at least one of these. A token without `aud` is refused.
    AnyOf(Vec<String>),
    /// There must be no `aud`: for an application that only serves plain sessions of the project.
    MustBeAbsent,
}

impl AudiencePolicy {
    /// [`AnyOf`](Self::AnyOf) from anything that gives texts.
    pub fn any_of<T: Into<String>>(audiences: impl IntoIterator<Item = T>) -> Self {
        Self::AnyOf(audiences.into_iter().map(Into::into).collect())
    }

    pub(crate) fn accepts(&self, claims: &Map<String, Value>) -> bool {
        let audience = claims.get("aud").filter(|audience| !audience.is_null());
        match self {
            Self::Ignore => true,
            Self::MustBeAbsent => audience.is_none(),
            Self::AnyOf(accepted) => {
                audience.is_some_and(|audience| names(audience).any(|name| accepted.iter().any(|other| other == name)))
            }
        }
    }
}

/// The texts of a claim that is one text or a list of them; entries of another type are passed over.
pub(crate) fn names(claim: &Value) -> impl Iterator<Item = &str> {
    let (one, many) = match claim {
        Value::String(name) => (Some(name.as_str()), &[][..]),
        Value::Array(entries) => (None, entries.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(many.iter().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_policy_on_every_shape() {
        let any = AudiencePolicy::any_of(["a", "b"]);
        let none = AudiencePolicy::any_of(Vec::<String>::new());
        // `aud`, and whether any_of(a, b) and must-be-absent accept it
        for (aud, by_any, by_absent) in [
            (None, false, true),
            (Some(json!(null)), false, true),
            (Some(json!("a")), true, false),
            (Some(json!("A")), false, false),
            (Some(json!("")), false, false),
            (Some(json!("a b")), false, false),
            (Some(json!("c")), false, false),
            (Some(json!([])), false, false),
            (Some(json!(["c", "b"])), true, false),
            (Some(json!(["c", 1, null, {"a": "a"}, ["a"]])), false, false),
            (Some(json!([7, "a"])), true, false),
            (Some(json!({"a": true})), false, false),
            (Some(json!(7)), false, false),
        ] {
            let mut claims = Map::new();
            if let Some(aud) = aud.clone() {
                claims.insert("aud".to_owned(), aud);
            }
            assert!(AudiencePolicy::Ignore.accepts(&claims));
            assert_eq!(any.accepts(&claims), by_any, "{aud:?}");
            assert_eq!(AudiencePolicy::MustBeAbsent.accepts(&claims), by_absent, "{aud:?}");
            assert!(!none.accepts(&claims), "an empty list accepts nobody: {aud:?}");
        }
    }
}
