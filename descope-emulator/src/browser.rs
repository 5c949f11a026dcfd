//! A browser in the hands of somebody who signs in at the emulator's identity provider.

use descope_sdk::reqwest::{self, header::LOCATION, redirect::Policy};
use thiserror::Error;
use url::Url;

use crate::Emulator;

/// Why a sign-in at the emulator's provider did not lead back to the application.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// The URL is not one of this emulator.
    #[error("the URL is not one of this emulator")]
    Elsewhere,
    /// The emulator did not send the browser on.
    #[error("the emulator answered {status} instead of sending the browser on: {text}")]
    Stopped {
        /// The status of the answer.
        status: u16,
        /// What the page says.
        text: String,
    },
    /// The emulator could not be reached.
    #[error("the emulator could not be reached")]
    Network(#[from] reqwest::Error),
}

impl Emulator {
    /// Signs somebody in at the provider: opens the URL to which the user is sent, chooses the user with this email address
    /// and approves. Gives the URL of the application to which the browser is sent back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let redirect = descope.oauth().start("google").redirect_url("https://app.example.com/back").send().await?;
    /// let back = emulator.approve(redirect.url(), "ada@example.com").await?;
    /// let ada = descope.oauth().exchange(back).await?;
    /// assert!(ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BrowserError`]: the URL is not one of this emulator, or the sign-in has ended.
    pub async fn approve(&self, url: &str, email: &str) -> Result<String, BrowserError> {
        self.browse(url, &[("outcome", "approve"), ("email", email)]).await
    }

    /// The same, and the user refuses: the application gets `err` in the query.
    ///
    /// # Errors
    ///
    /// As [`approve`](Self::approve).
    pub async fn refuse(&self, url: &str) -> Result<String, BrowserError> {
        self.browse(url, &[("outcome", "refuse")]).await
    }

    /// Opens a URL of this emulator with these parameters added, as the form on its page would send them, and follows it
    /// until it leads elsewhere.
    ///
    /// # Errors
    ///
    /// As [`approve`](Self::approve).
    pub async fn browse(&self, url: &str, choice: &[(&str, &str)]) -> Result<String, BrowserError> {
        let own = Url::parse(self.base_url()).map_err(|_| BrowserError::Elsewhere)?;
        let mut url = Url::parse(url).map_err(|_| BrowserError::Elsewhere)?;
        if url.origin() != own.origin() {
            return Err(BrowserError::Elsewhere);
        }
        url.query_pairs_mut().extend_pairs(choice);
        let browser = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build()?;
        loop {
            let answer = browser.get(url.as_str()).send().await?;
            let status = answer.status();
            let next = answer.headers().get(LOCATION).and_then(|next| next.to_str().ok());
            let Some(next) = next.and_then(|next| url.join(next).ok()) else {
                return Err(BrowserError::Stopped { status: status.as_u16(), text: answer.text().await? });
            };
            if next.origin() != own.origin() {
                return Ok(next.into());
            }
            url = next;
        }
    }
}
