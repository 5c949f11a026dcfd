//! By what a user is named: a login id or a user id, which no function takes for one another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; a call that it is given to refuses one that is empty.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            #[cfg_attr(not(feature = "management"), allow(dead_code, reason = "read by management calls"))]
            pub(crate) fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$name> for $name {
            fn from(id: &$name) -> Self {
                id.clone()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// One of the names under which a user signs in: mostly an email address or a phone number.
    ///
    /// ```
    /// use descope_sdk::LoginId;
    ///
    /// let ada = LoginId::new("ada@example.com");
    /// assert_eq!(ada.as_str(), "ada@example.com");
    /// ```
    LoginId
}

id! {
    /// The id of a user, which never changes: the claim `sub` of their tokens,
    /// [`Claims::user_id`](crate::session::Claims::user_id).
    ///
    /// ```
    /// use descope_sdk::UserId;
    ///
    /// let ada = UserId::new("U2RmxQ7w8E9r0T1y2U3i4O5p6As");
    /// assert!(ada.as_str().starts_with('U'));
    /// ```
    UserId
}

/// Names one user, by one of their login ids or by their user id.
///
/// Functions take `impl Into<UserIdentifier>`, so either id can be given as it is; a plain text cannot, because it does not
/// say which of the two it is.
///
/// ```
/// use descope_sdk::{LoginId, UserId, UserIdentifier};
///
/// fn load(user: impl Into<UserIdentifier>) -> UserIdentifier {
///     user.into()
/// }
///
/// assert_eq!(load(LoginId::new("ada@example.com")).as_str(), "ada@example.com");
/// assert_eq!(load(UserId::new("U2Rmx")).as_str(), "U2Rmx");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserIdentifier {
    /// One of the names under which the user signs in.
    LoginId(LoginId),
    /// The id that the user has from the start.
    UserId(UserId),
}

impl UserIdentifier {
    /// The id, whichever it is.
    pub fn as_str(&self) -> &str {
        match self {
            Self::LoginId(id) => id.as_str(),
            Self::UserId(id) => id.as_str(),
        }
    }

    #[cfg(feature = "management")]
    pub(crate) fn into_string(self) -> String {
        match self {
            Self::LoginId(id) => id.0,
            Self::UserId(id) => id.0,
        }
    }

    /// The login id or the user id, for operations that have a parameter for each.
    #[cfg(feature = "management")]
    pub(crate) fn into_either(self) -> (Option<String>, Option<String>) {
        match self {
            Self::LoginId(id) => (Some(id.0), None),
            Self::UserId(id) => (None, Some(id.0)),
        }
    }
}

impl From<LoginId> for UserIdentifier {
    fn from(id: LoginId) -> Self {
        Self::LoginId(id)
    }
}

impl From<UserId> for UserIdentifier {
    fn from(id: UserId) -> Self {
        Self::UserId(id)
    }
}

impl From<&LoginId> for UserIdentifier {
    fn from(id: &LoginId) -> Self {
        Self::LoginId(id.clone())
    }
}

impl From<&UserId> for UserIdentifier {
    fn from(id: &UserId) -> Self {
        Self::UserId(id.clone())
    }
}

impl From<&UserIdentifier> for UserIdentifier {
    fn from(id: &UserIdentifier) -> Self {
        id.clone()
    }
}

/// Names one of what has a name and an id, such as a role or a permission.
///
/// Functions take `impl Into<NameOrId>`: a text is a name, and an id says that it is one.
///
/// ```
/// use descope_sdk::NameOrId;
///
/// fn delete(role: impl Into<NameOrId>) -> NameOrId {
///     role.into()
/// }
///
/// assert_eq!(delete("Auditor"), NameOrId::Name("Auditor".to_owned()));
/// assert_eq!(delete(NameOrId::id("R2RmxQ7w8E9r")), NameOrId::Id("R2RmxQ7w8E9r".to_owned()));
/// ```
#[cfg(feature = "management")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameOrId {
    /// The name that it has now.
    Name(String),
    /// The id, which outlasts a change of the name.
    Id(String),
}

#[cfg(feature = "management")]
impl NameOrId {
    /// Takes the text for an id; a call that it is given to refuses one that is empty.
    pub fn id(id: impl Into<String>) -> Self {
        Self::Id(id.into())
    }
}

#[cfg(feature = "management")]
impl From<&str> for NameOrId {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

#[cfg(feature = "management")]
impl From<String> for NameOrId {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

#[cfg(feature = "management")]
impl From<&String> for NameOrId {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}
