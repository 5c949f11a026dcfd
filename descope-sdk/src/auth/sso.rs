//! The identity providers of customers.

use descope_api::{
    Secret,
    types::{CodeExchangeRequest, LoginOptions},
    vocabulary::OidcPrompt,
};

use super::{
    callback,
    oauth::{page, state_setter},
    redirect::Redirect,
};
use crate::{Authentication, Descope, Result, check, options::factor_setters, raw_error::call, setters::setters};

/// Single sign-on: users sign in with the identity provider of their company, by SAML or OIDC as the tenant is set up. From
/// [`Descope::sso`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let management = descope.management();
/// # management.tenants().create("Engines").id("engines").send().await?;
/// # let settings = descope_sdk::api::types::SsoSamlSettings::new("https://idp.example.com/sso", "entity", "certificate");
/// # management.sso().configure_saml("engines", settings).domains(["example.com"]).send().await?;
/// // The tenant, or any email address of the company:
/// let redirect = descope.sso().start("engines").redirect_url("https://app.example.com/back").send().await?;
/// println!("302 Found, Location: {}", redirect.url());
/// # let back = emulator.approve(redirect.url(), "ada@example.com").await?;
///
/// // The browser comes back to `https://app.example.com/back?code=..`:
/// let ada = descope.sso().exchange(back).await?;
/// # assert!(ada.first_seen());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sso {
    descope: Descope,
    saml: bool,
}

/// A sign-in at a customer's provider that is to begin. From [`Sso::start`]; [`send`](Self::send) gives where to send the user.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct SsoStart {
    descope: Descope,
    saml: bool,
    tenant: String,
    query: Query,
    with_state: bool,
    refresh_jwt: Option<Secret>,
    login_options: Option<LoginOptions>,
}

#[derive(Clone, Debug, Default)]
struct Query {
    redirect_url: Option<String>,
    prompt: Option<Vec<OidcPrompt>>,
    sso_id: Option<String>,
    login_hint: Option<String>,
    force_authn: Option<bool>,
    initiated_email: Option<String>,
    test: Option<bool>,
}

impl Sso {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope, saml: false }
    }

    /// The same at the older addresses, which serve SAML and OIDC as well. Only where a proxy knows no others.
    #[must_use]
    pub fn saml(self) -> Self {
        Self { saml: true, ..self }
    }

    /// Begins a sign-in.
    ///
    /// - `tenant`: the id of the tenant, or an email address, whose domain tells the tenant.
    ///
    /// `POST /v1/auth/sso/authorize`
    pub fn start(&self, tenant: impl Into<String>) -> SsoStart {
        SsoStart {
            descope: self.descope.clone(),
            saml: self.saml,
            tenant: tenant.into(),
            query: Query::default(),
            with_state: false,
            refresh_jwt: None,
            login_options: None,
        }
    }

    /// Ends what was begun, and signs the user in. [`Authentication::idp_response`] has what the provider said of the user.
    /// A code works once, and for a short time.
    ///
    /// - `code`: the parameter `code` with which the browser came back, or the whole URL that it came back to. An `err` in the
    ///   URL becomes the error.
    ///
    /// `POST /v1/auth/sso/exchange`, or `/v1/auth/saml/exchange` after [`saml`](Self::saml); [`Sso`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the code is empty, or the URL has none; nothing was sent.
    /// - [`Api`](crate::ErrorKind::Api), with [`message`](crate::Error::message), and without a status: the provider or the
    ///   user has refused, as the URL says; nothing was sent.
    /// - [`Expired`](crate::ErrorKind::Expired) (`E062504`): the code is unknown, too old, or was used before.
    pub async fn exchange(&self, code: impl Into<Secret>) -> Result<Authentication> {
        let body = CodeExchangeRequest::new(callback::code(code.into())?);
        let api = self.descope.api();
        let answer = if self.saml { call!(api, sso_saml_exchange, &body)? } else { call!(api, sso_exchange, &body)? };
        Authentication::read(answer, self.descope.token_names())
    }
}

impl SsoStart {
    factor_setters!(login_options);
    setters!(LoginOptions at login_options);
    setters!(SsoAuthorizeQuery at query);
    state_setter!();

    /// Asks where to send the user.
    ///
    /// `POST /v1/auth/sso/authorize`, or `/v1/auth/saml/authorize` after [`Sso::saml`]; [`Sso`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the tenant, the redirect URL or a text that was set is blank, or
    ///   a step-up has no refresh token, and nothing was sent; or the tenant has no single sign-on.
    /// - [`NotFound`](crate::ErrorKind::NotFound): there is no such tenant.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token of a step-up has ended.
    pub async fn send(self) -> Result<Redirect> {
        let Self { descope, saml, tenant, query, with_state, refresh_jwt, login_options } = self;
        check::text("tenant", &tenant)?;
        check::optional_text("sso_id", query.sso_id.as_deref())?;
        check::optional_text("login_hint", query.login_hint.as_deref())?;
        check::optional_text("initiated_email", query.initiated_email.as_deref())?;
        let (page, state) = page(query.redirect_url.as_deref(), with_state)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), login_options.as_ref())?;
        let Query { prompt, sso_id, login_hint, force_authn, initiated_email, test, .. } = &query;
        let options = login_options.unwrap_or_default();
        macro_rules! start {
            ($operation:ident) => {
                call!(
                    api,
                    $operation,
                    *force_authn,
                    initiated_email.as_deref(),
                    login_hint.as_deref(),
                    prompt.as_ref(),
                    page.as_deref(),
                    sso_id.as_deref(),
                    &tenant,
                    *test,
                    &options
                )?
            };
        }
        let answer = if saml { start!(sso_saml_authorize) } else { start!(sso_authorize) };
        Redirect::read(answer.body.url, state, &answer.origin)
    }
}
