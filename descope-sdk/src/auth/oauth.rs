//! Accounts at social providers.

mod native;

use descope_api::{
    Secret,
    types::{CodeExchangeRequest, LoginOptions},
    vocabulary::OidcPrompt,
};
pub use native::{OauthNative, OauthNativeFinish, OauthNativeStart, PendingNative};

use super::{
    callback,
    redirect::{Redirect, RedirectState},
};
use crate::{
    Authentication, Descope, Result, check,
    options::{factor_setters, options_setter},
    raw_error::call,
    setters::setters,
    vocabulary::OauthProvider,
};

/// Sign-in with an account at Google, GitHub, Apple and others. From [`Descope::oauth`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let redirect = descope.oauth().start("google").redirect_url("https://app.example.com/back").send().await?;
/// println!("302 Found, Location: {}", redirect.url());
/// # let back = emulator.approve(redirect.url(), "ada@example.com").await?;
///
/// // The browser comes back to `https://app.example.com/back?code=..`:
/// let ada = descope.oauth().exchange(back).await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Oauth {
    descope: Descope,
}

/// A sign-in at a provider that is to begin. From [`Oauth::start`] and its siblings; [`send`](Self::send) gives where to send
/// the user.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OauthStart {
    descope: Descope,
    mode: Mode,
    provider: OauthProvider,
    query: Query,
    with_state: bool,
    refresh_jwt: Option<Secret>,
    login_options: Option<LoginOptions>,
}

/// An account at a provider that is to be connected to a signed-in user. From [`Oauth::update`]; [`send`](Self::send) gives
/// where to send the user.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OauthUpdate {
    descope: Descope,
    provider: OauthProvider,
    query: UpdateQuery,
    with_state: bool,
    refresh_jwt: Secret,
    login_options: Option<LoginOptions>,
}

/// Who is let in.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Anybody,
    New,
    Known,
}

#[derive(Clone, Debug, Default)]
struct Query {
    redirect_url: Option<String>,
    prompt: Option<Vec<OidcPrompt>>,
    test: Option<bool>,
    raw_response: Option<bool>,
    login_hint: Option<String>,
    initiated_email: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct UpdateQuery {
    redirect_url: Option<String>,
    allow_all_merge: Option<bool>,
    prompt: Option<Vec<OidcPrompt>>,
    login_hint: Option<String>,
    initiated_email: Option<String>,
}

impl Oauth {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Begins a sign-in; the user is created when the project does not know them yet.
    ///
    /// - `provider`: one of those that Descope knows, such as [`OauthProvider::GOOGLE`] or `"google"`, or the name of one that
    ///   was added to the project.
    ///
    /// `POST /v1/auth/oauth/authorize`
    pub fn start(&self, provider: impl Into<OauthProvider>) -> OauthStart {
        self.starting(provider.into(), Mode::Anybody)
    }

    /// Begins a sign-up. A user who has an account already is turned away at the exchange.
    ///
    /// `POST /v1/auth/oauth/authorize/signup`
    pub fn sign_up(&self, provider: impl Into<OauthProvider>) -> OauthStart {
        self.starting(provider.into(), Mode::New)
    }

    /// Begins a sign-in of users who have an account. Others are turned away at the exchange.
    ///
    /// `POST /v1/auth/oauth/authorize/signin`
    pub fn sign_in(&self, provider: impl Into<OauthProvider>) -> OauthStart {
        self.starting(provider.into(), Mode::Known)
    }

    /// Begins to connect an account at a provider to a signed-in user, who can sign in by it once the exchange is made.
    ///
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/auth/oauth/authorize/update`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
    /// # let refresh_jwt = ada.refresh_jwt().unwrap();
    /// let page = "https://app.example.com/settings";
    /// let redirect = descope.oauth().update("github", refresh_jwt).redirect_url(page).send().await?;
    /// # let back = emulator.approve(redirect.url(), "ada@example.com").await?;
    /// let ada = descope.oauth().exchange(back).await?;
    /// # assert!(!ada.first_seen());
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, provider: impl Into<OauthProvider>, refresh_jwt: impl Into<Secret>) -> OauthUpdate {
        OauthUpdate {
            descope: self.descope.clone(),
            provider: provider.into(),
            query: UpdateQuery::default(),
            with_state: false,
            refresh_jwt: refresh_jwt.into(),
            login_options: None,
        }
    }

    /// Ends what was begun, and signs the user in. A code works once, and for a short time. Also takes the code that
    /// [`OneTapSignIn::verify`](crate::OneTapSignIn::verify) gives.
    ///
    /// - `code`: the parameter `code` with which the browser came back, or the whole URL that it came back to. An `err` in the
    ///   URL becomes the error.
    ///
    /// `POST /v1/auth/oauth/exchange`; [`Oauth`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the code is empty, or the URL has none; nothing was sent.
    /// - [`Api`](crate::ErrorKind::Api), with [`message`](crate::Error::message), and without a status: the provider or the
    ///   user has refused, as the URL says; nothing was sent.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062504`): the code is unknown, too old, or was used before.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`) after [`sign_in`](Self::sign_in) of somebody who has no account;
    ///   [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`) after [`sign_up`](Self::sign_up) of somebody who has.
    pub async fn exchange(&self, code: impl Into<Secret>) -> Result<Authentication> {
        let body = CodeExchangeRequest::new(callback::code(code.into())?);
        Authentication::read(call!(self.descope.api(), oauth_exchange, &body)?, self.descope.token_names())
    }

    /// Sign-in with what a phone has built in, without a browser.
    pub fn native(&self) -> OauthNative {
        OauthNative::new(self.descope.clone())
    }

    fn starting(&self, provider: OauthProvider, mode: Mode) -> OauthStart {
        OauthStart {
            descope: self.descope.clone(),
            mode,
            provider,
            query: Query::default(),
            with_state: false,
            refresh_jwt: None,
            login_options: None,
        }
    }
}

/// The setter of what protects the return.
macro_rules! state_setter {
    () => {
        /// Adds a random `state` to the redirect URL, by which the return is told from one that somebody else has begun:
        /// [`RedirectState`](crate::RedirectState) has an example. Needs a `redirect_url`.
        ///
        /// Without it, whoever lures a user to the page behind `redirect_url` with a code of their own signs that user in to
        /// their account (login CSRF), unless the page has something else that ties the return to its browser.
        pub fn with_state(mut self) -> Self {
            self.with_state = true;
            self
        }
    };
}
pub(super) use state_setter;

/// The redirect URL as it is sent, and the state that it holds.
pub(super) fn page(redirect_url: Option<&str>, with_state: bool) -> Result<(Option<String>, Option<RedirectState>)> {
    check::optional_text("redirect_url", redirect_url)?;
    if !with_state {
        return Ok((redirect_url.map(str::to_owned), None));
    }
    let state = RedirectState::new();
    Ok((Some(state.added_to(redirect_url)?), Some(state)))
}

impl OauthStart {
    factor_setters!(login_options);
    setters!(LoginOptions at login_options);
    setters!(OauthAuthorizeQuery at query);
    state_setter!();

    /// Asks where to send the user.
    ///
    /// `POST /v1/auth/oauth/authorize`, `/v1/auth/oauth/authorize/signup` or `/v1/auth/oauth/authorize/signin`; [`Oauth`] has
    /// an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the provider, the redirect URL or a text that was set is blank,
    ///   or a step-up has no refresh token, and nothing was sent; or the project has no such provider.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token of a step-up has ended.
    pub async fn send(self) -> Result<Redirect> {
        let Self { descope, mode, provider, query, with_state, refresh_jwt, login_options } = self;
        check::text("provider", provider.as_str())?;
        check::optional_text("login_hint", query.login_hint.as_deref())?;
        check::optional_text("initiated_email", query.initiated_email.as_deref())?;
        let (page, state) = page(query.redirect_url.as_deref(), with_state)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), login_options.as_ref())?;
        let Query { prompt, test, raw_response, login_hint, initiated_email, .. } = &query;
        let options = login_options.unwrap_or_default();
        macro_rules! start {
            ($operation:ident) => {
                call!(
                    api,
                    $operation,
                    initiated_email.as_deref(),
                    login_hint.as_deref(),
                    prompt.as_ref(),
                    &provider,
                    *raw_response,
                    page.as_deref(),
                    *test,
                    &options
                )?
            };
        }
        let answer = match mode {
            Mode::Anybody => start!(oauth_authorize),
            Mode::New => start!(oauth_authorize_sign_up),
            Mode::Known => start!(oauth_authorize_sign_in),
        };
        Redirect::read(answer.body.url, state, &answer.origin)
    }
}

impl OauthUpdate {
    options_setter!(login_options);
    setters!(LoginOptions at login_options);
    setters!(OauthAuthorizeUpdateQuery at query);
    state_setter!();

    /// Asks where to send the user.
    ///
    /// `POST /v1/auth/oauth/authorize/update`; [`Oauth::update`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the provider, the redirect URL or the refresh token is
    ///   unusable, and nothing was sent; or the project has no such provider.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    pub async fn send(self) -> Result<Redirect> {
        let Self { descope, provider, query, with_state, refresh_jwt, login_options } = self;
        check::text("provider", provider.as_str())?;
        check::optional_text("login_hint", query.login_hint.as_deref())?;
        check::optional_text("initiated_email", query.initiated_email.as_deref())?;
        let (page, state) = page(query.redirect_url.as_deref(), with_state)?;
        let api = descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = call!(
            api,
            oauth_authorize_update,
            query.allow_all_merge,
            query.initiated_email.as_deref(),
            query.login_hint.as_deref(),
            query.prompt.as_ref(),
            &provider,
            page.as_deref(),
            &login_options.unwrap_or_default()
        )?;
        Redirect::read(answer.body.url, state, &answer.origin)
    }
}
