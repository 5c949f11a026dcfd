//! Sign-in by the dialog of the browser.

use descope_api::{
    CallOptions, Secret,
    types::{FedcmAccount, FedcmAssertRequest, FedcmClientMetadataResponse, FedcmConfigResponse},
};
use http::{HeaderValue, header};

use crate::{Descope, Error, Result, check, raw_error::call};

/// What a browser asks the project as identity provider by Federated Credential Management (`FedCM`), in which its own
/// dialog, and no page, shows the accounts. From [`Descope::fedcm`]; needs the feature `fedcm`.
///
/// Browsers make these calls by themselves. They are here for a back end that answers them on a domain of its own and asks
/// the service in the browser's name. What a browser gives a page after One Tap goes to [`OneTap`](crate::OneTap).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let site = descope.management().third_party_applications().create("Reports").send().await?.client_id;
/// # let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
/// # let cookies = format!("DSR={}", ada.refresh_jwt().ok_or("no token")?.expose());
/// let config = descope.fedcm().config().await?;
/// assert!(config.accounts_endpoint.is_some());
///
/// // `cookies` is the header `Cookie` of the browser's request.
/// let accounts = descope.fedcm().accounts(cookies.as_str()).await?;
/// let account_id = accounts[0].id.clone().ok_or("no id")?;
/// let token = descope.fedcm().assertion(account_id, site).nonce("n-0S6_WzA2Mj").send(cookies.as_str()).await?;
/// assert_eq!(token.expose().split('.').count(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fedcm {
    descope: Descope,
}

/// A token for a site that is still to be asked for. From [`Fedcm::assertion`]; [`send`](Self::send) asks for it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct FedcmAssertion {
    descope: Descope,
    body: FedcmAssertRequest,
}

impl Fedcm {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// The endpoints of the project as identity provider, and how its dialog looks.
    ///
    /// `GET /{projectId}/fedcm/config`; [`Fedcm`] has an example.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): there is no such project.
    pub async fn config(&self) -> Result<FedcmConfigResponse> {
        Ok(call!(self.descope.api(), federation_fedcm_config, self.descope.project_id())?.body)
    }

    /// Where a site has its privacy policy and its terms, which the dialog links to.
    ///
    /// - `client_id`: of the application that the site is.
    ///
    /// `GET /fedcm/clientmetadata`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the client id is blank; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound): there is no such application.
    pub async fn client_metadata(&self, client_id: impl AsRef<str>) -> Result<FedcmClientMetadataResponse> {
        let client_id = client_id.as_ref();
        check::text("client_id", client_id)?;
        Ok(call!(self.descope.api(), federation_fedcm_client_metadata, Some(client_id))?.body)
    }

    /// The accounts that are signed in in a browser; none where nobody is.
    ///
    /// - `cookies`: the header `Cookie` of the browser's request, as it came.
    ///
    /// `GET /v1/auth/fedcm/accounts`; [`Fedcm`] has an example.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the cookies have characters that no header can have; nothing
    /// was sent.
    pub async fn accounts(&self, cookies: impl Into<Secret>) -> Result<Vec<FedcmAccount>> {
        let api = with_cookies(&self.descope, &cookies.into())?;
        let project_id = Some(self.descope.project_id());
        Ok(call!(api, federation_fedcm_accounts, project_id)?.body.accounts)
    }

    /// A token by which a site knows the user who has picked an account in the dialog.
    ///
    /// - `account_id`: [`FedcmAccount::id`] of the account.
    /// - `client_id`: of the application that the site is.
    pub fn assertion(&self, account_id: impl Into<String>, client_id: impl Into<String>) -> FedcmAssertion {
        let body = FedcmAssertRequest::new(account_id, client_id).project_id(self.descope.project_id());
        FedcmAssertion { descope: self.descope.clone(), body }
    }
}

impl FedcmAssertion {
    /// A value of the site that comes back in the token, by which it knows that the token was made for it just now.
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.body.nonce = Some(nonce.into());
        self
    }

    /// Whether the browser has shown the policies of the site to the user.
    pub fn disclosure_text_shown(mut self, shown: bool) -> Self {
        self.body.disclosure_text_shown = Some(shown.to_string());
        self
    }

    /// Whether the browser has picked the account by itself, because the user had agreed before.
    pub fn is_auto_selected(mut self, auto_selected: bool) -> Self {
        self.body.is_auto_selected = Some(auto_selected.to_string());
        self
    }

    /// Asks for the token. Whoever holds it may pass for the user at the site until it expires.
    ///
    /// - `cookies`: the header `Cookie` of the browser's request, as it came.
    ///
    /// `POST /v1/auth/fedcm/assertion`; [`Fedcm`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): an id is blank, or the cookies have characters that no header
    ///   can have, and nothing was sent; or the account is not the one that is signed in.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): nobody is signed in in the browser.
    /// - [`NotFound`](crate::ErrorKind::NotFound): there is no such application.
    pub async fn send(self, cookies: impl Into<Secret>) -> Result<Secret> {
        check::text("account_id", &self.body.account_id)?;
        check::text("client_id", &self.body.client_id)?;
        let api = with_cookies(&self.descope, &cookies.into())?;
        let answer = call!(api, federation_fedcm_assert, &self.body)?;
        let token = answer.body.token.filter(|token| !token.is_empty());
        token.ok_or_else(|| answer.origin.lacks("the answer holds no token"))
    }
}

fn with_cookies(descope: &Descope, cookies: &Secret) -> Result<descope_api::Client> {
    if cookies.expose().trim().is_empty() {
        return Ok(descope.api().clone());
    }
    let mut value = HeaderValue::from_str(cookies.expose())
        .map_err(|_| Error::argument_refused("cookies", "have characters that no header can have"))?;
    value.set_sensitive(true);
    Ok(descope.api().with_options(CallOptions::new().header(header::COOKIE, value)))
}
