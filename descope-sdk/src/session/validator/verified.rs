//! Tokens that passed.

use std::{fmt, ops::Deref, sync::Arc};

use descope_api::Secret;

use crate::session::{dpop::Binding, keys::key_set::Key, token::claims::Claims};

/// The outcome of a verification, shared by everybody who holds the token.
pub(crate) struct Verified {
    pub(crate) jwt: Secret,
    pub(crate) claims: Claims,
    /// The claim `drn`, by which the two kinds are told apart.
    pub(crate) drn: Option<Box<str>>,
    /// Whether the audience policy accepts it, which matters where it is used as a session token.
    pub(crate) audience: bool,
    /// The key that signed it; the token is good no longer than its key.
    pub(crate) key: Arc<Key>,
    /// Whether it came from the service itself, with a time that lay ahead of this machine's clock. Whose token it is and
    /// that it is good already is known then, whatever the clock says.
    pub(crate) came_early: bool,
    /// Whether it is bound to a key of its holder, who then has to prove that it is theirs.
    pub(crate) binding: Binding,
}

/// A session whose token was validated: a user who is signed in.
///
/// Only a [`SessionValidator`](crate::session::SessionValidator) makes these, so a function that takes a `Session` cannot be
/// called without a valid one. Reads like its [`Claims`]; cheap to clone.
///
/// ```no_run
/// use descope_sdk::session::Session;
///
/// fn greet(session: &Session) -> String {
///     let boss = if session.has_role("admin") { ", you may do everything" } else { "" };
///     format!("Hello {}{boss}", session.user_id())
/// }
/// ```
#[derive(Clone)]
pub struct Session(Arc<Verified>);

/// A refresh token that was validated. It gets new session tokens and opens nothing by itself, which is why it is not a
/// [`Session`]. Reads like its [`Claims`]; cheap to clone.
#[derive(Clone)]
pub struct RefreshToken(Arc<Verified>);

macro_rules! token {
    ($name:ident) => {
        impl $name {
            pub(crate) fn new(verified: Arc<Verified>) -> Self {
                Self(verified)
            }

            /// The token itself, to pass it on to another service.
            pub fn jwt(&self) -> &Secret {
                &self.0.jwt
            }

            /// What the token says.
            pub fn claims(&self) -> &Claims {
                &self.0.claims
            }
        }

        impl Deref for $name {
            type Target = Claims;

            fn deref(&self) -> &Claims {
                &self.0.claims
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("claims", &self.0.claims).finish_non_exhaustive()
            }
        }
    };
}

token!(Session);
token!(RefreshToken);
