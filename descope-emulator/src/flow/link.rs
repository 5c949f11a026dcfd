//! The address of a link.

use url::Url;

use crate::error::{INVALID_ARGUMENTS, Refusal};

/// Where links lead when neither the call nor a project setting tells.
const DEFAULT_REDIRECT: &str = "https://app.example.com/verify";

/// The page that links lead to. `redirectUrl` and `URI` are two names for it.
pub(crate) fn redirect(redirect_url: Option<String>, uri: Option<String>) -> Result<Url, Refusal> {
    let given = redirect_url.into_iter().chain(uri).find(|address| !address.trim().is_empty());
    let given = given.as_deref().unwrap_or(DEFAULT_REDIRECT);
    Url::parse(given.trim())
        .map_err(|error| Refusal::new(&INVALID_ARGUMENTS, format!("The redirect URL is not valid: {error}")))
}

/// The link with its token as query parameter `t`.
pub(crate) fn link_to(redirect: &Url, token: &str) -> String {
    let mut url = redirect.clone();
    url.query_pairs_mut().append_pair("t", token);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(redirect_url: Option<&str>, uri: Option<&str>) -> Option<String> {
        let url = redirect(redirect_url.map(str::to_owned), uri.map(str::to_owned)).ok()?;
        Some(link_to(&url, "tok"))
    }

    #[test]
    fn the_token_is_added_to_whatever_query_there_is() {
        assert_eq!(link(None, None).as_deref(), Some("https://app.example.com/verify?t=tok"));
        assert_eq!(
            link(Some(""), Some("https://a.example/v?x=1#top")).as_deref(),
            Some("https://a.example/v?x=1&t=tok#top")
        );
        assert_eq!(link(Some("myapp://verify"), None).as_deref(), Some("myapp://verify?t=tok"));
        assert_eq!(link(Some("verify"), None), None);
    }
}
