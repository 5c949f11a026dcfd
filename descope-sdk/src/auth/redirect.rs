//! Where a user is sent, and how to tell a return that does not belong to it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use descope_api::Secret;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use url::Url;

use super::callback;
use crate::{Error, Result, raw_error::Origin};

/// Where to send the user's browser. After a sign-in it comes back to the redirect URL that was asked for, with a `code` in
/// the query.
///
/// It serialises, so that all of it can be kept in the user's session until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<RedirectState>,
}

/// What the browser has to bring back, so that nobody can have a user finish a sign-in that somebody else began. Keep it in
/// the user's session, or in a cookie that scripts cannot read.
///
/// ```
/// # use descope_sdk::RedirectState;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let redirect = descope.oauth().start("google").redirect_url("https://app.example.com/back").with_state().send().await?;
/// let kept = serde_json::to_string(redirect.state().expect("asked for"))?;
/// # let back = emulator.approve(redirect.url(), "ada@example.com").await?;
///
/// // When the browser is back, at `https://app.example.com/back?state=..&code=..`:
/// let state: RedirectState = serde_json::from_str(&kept)?;
/// let ada = descope.oauth().exchange(state.accept(&back)?).await?;
/// # assert!(ada.first_seen());
/// # assert!(state.accept("https://app.example.com/back?state=another&code=x").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectState(Secret);

impl Redirect {
    /// Reads the answer of a start.
    pub(super) fn read(url: Option<String>, state: Option<RedirectState>, origin: &Origin) -> Result<Self> {
        let url = url.filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| origin.lacks("the answer holds no `url` to send the user to"))?;
        Ok(Self { url, state })
    }

    /// The URL to send the browser to, with status 302 or 303.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What to keep until the browser is back, if `with_state` asked for it.
    pub fn state(&self) -> Option<&RedirectState> {
        self.state.as_ref()
    }

    /// The URL alone.
    pub fn into_url(self) -> String {
        self.url
    }
}

impl RedirectState {
    /// A new one: 32 random bytes.
    pub(super) fn new() -> Self {
        Self(random())
    }

    /// The redirect URL with the state in its query, from where it comes back.
    pub(super) fn added_to(&self, redirect_url: Option<&str>) -> Result<String> {
        let missing = "is missing: the state comes back as a part of it, and `with_state` was called";
        let url = redirect_url.ok_or_else(|| Error::argument_refused("redirect_url", missing))?;
        let mut url = Url::parse(url).map_err(|_| Error::argument_refused("redirect_url", "is not a URL"))?;
        if url.query_pairs().any(|(name, _)| name == "state") {
            return Err(Error::argument_refused("redirect_url", "has a parameter `state` already"));
        }
        url.query_pairs_mut().append_pair("state", self.0.expose());
        Ok(url.into())
    }

    /// The code in the URL that the browser came back to, if the return belongs to the start from which this state is.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument) with the argument `state`: the URL brings back another state,
    ///   or none. Do not go on: somebody may have made the user open it.
    /// - Otherwise as the functions that exchange a code.
    pub fn accept(&self, url: &str) -> Result<Secret> {
        self.check(url)?;
        callback::code(Secret::from(url))
    }

    /// Whether the URL that the browser came back to belongs to the start from which this state is, where the return has no
    /// code: that of an outbound application.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument) with the argument `state`, as for [`accept`](Self::accept).
    /// - [`Api`](crate::ErrorKind::Api): the URL says `err`, that the user or the provider has refused.
    pub fn check(&self, url: &str) -> Result<()> {
        let mut states = callback::query(url).into_iter().flat_map(|query| callback::of(query, "state"));
        // Of two, one is not ours.
        let brought = states.next().filter(|_| states.next().is_none());
        if brought.is_none_or(|brought| Secret::from(brought) != self.0) {
            return Err(Error::argument_refused("state", "is not the one of this sign-in"));
        }
        callback::refusal(url)
    }
}

/// A verifier that stays on the device that begins, and the challenge that is sent in its place (PKCE, RFC 7636).
///
/// ```
/// let pkce = descope_sdk::Pkce::new();
/// assert_eq!(pkce.verifier().expose().len(), 43);
/// assert_eq!(pkce.challenge().len(), 43);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pkce {
    verifier: Secret,
}

impl Pkce {
    /// With a new verifier of 32 random bytes.
    #[allow(clippy::new_without_default, reason = "each is another")]
    pub fn new() -> Self {
        Self { verifier: random() }
    }

    /// The secret that is shown at the end. Keep it where the sign-in began.
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// SHA-256 of the verifier in base64url, which is sent at the beginning.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest())
    }

    /// The two as calls that take bytes want them: in base64.
    pub(super) fn in_base64(&self) -> (String, String) {
        (STANDARD.encode(self.digest()), STANDARD.encode(self.verifier.expose()))
    }

    fn digest(&self) -> aws_lc_rs::digest::Digest {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.verifier.expose().as_bytes())
    }
}

fn random() -> Secret {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    Secret::from(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn only_the_own_state_is_accepted_and_only_once_in_a_url() {
        let state = RedirectState::new();
        let page = state.added_to(Some("https://app.example.com/back?x=1")).unwrap();
        assert_eq!(state.accept(&format!("{page}&code=abc")).unwrap().expose(), "abc");
        let own = state.0.expose();
        for url in [
            "https://app.example.com/back?code=abc".to_owned(),
            "https://app.example.com/back?code=abc&state=".to_owned(),
            format!("https://app.example.com/back?code=abc&state={own}x"),
            format!("{page}&code=abc&state=other"),
            format!("https://app.example.com/back?state=other&code=abc&state={own}"),
            format!("code=abc&state={own}"),
            format!("/back#state={own}"),
        ] {
            let error = state.accept(&url).unwrap_err();
            assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("state")), "{url}");
        }
        assert_eq!(state.accept(&format!("/back?state={own}&code=abc")).unwrap().expose(), "abc");
        state.check(&page).unwrap();
        assert_eq!(state.check(&format!("{page}&err=no")).unwrap_err().kind(), ErrorKind::Api);
        assert_eq!(
            state.added_to(Some("https://app.example.com/?state=1")).unwrap_err().argument(),
            Some("redirect_url")
        );
        assert_eq!(state.accept(&format!("{page}&err=no")).unwrap_err().kind(), ErrorKind::Api);
        assert_eq!(state.added_to(None).unwrap_err().argument(), Some("redirect_url"));
        assert!(!format!("{state:?}").contains(own));
    }

    #[test]
    fn challenge_is_that_of_rfc_7636() {
        let pkce = Pkce { verifier: Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") };
        assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_ne!(Pkce::new(), Pkce::new());
    }
}
