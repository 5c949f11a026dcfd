//! Access to accounts of the user at third parties.

use descope_api::{Secret, types::OutboundConnectRequest};

use super::{
    oauth::{page, state_setter},
    redirect::Redirect,
};
use crate::{Descope, Error, Result, check, raw_error::call, setters::setters};

/// Lets signed-in users give the project access to their accounts elsewhere, such as a calendar. From [`Descope::outbound`].
///
/// The tokens are then at hand by
/// [`management().outbound_applications()`](crate::management::Management::outbound_applications).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// # let applications = descope.management().outbound_applications();
/// # applications.create("Calendar").id("calendar").default_scopes(["read"]).send().await?;
/// # let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
/// # let refresh_jwt = ada.refresh_jwt().unwrap();
/// let page = "https://app.example.com/settings";
/// let connect = descope.outbound().connect("calendar", refresh_jwt).redirect_url(page).with_state();
/// let redirect = connect.send().await?;
/// println!("302 Found, Location: {}", redirect.url());
/// # let back = emulator.approve(redirect.url(), "ada@calendar.example").await?;
///
/// // The browser comes back, without a code; the state tells that this user has begun it.
/// redirect.state().unwrap().check(&back)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Outbound {
    descope: Descope,
}

/// A connection that is to be made. From [`Outbound::connect`]; [`send`](Self::send) gives where to send the user.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct OutboundConnect {
    descope: Descope,
    refresh_jwt: Secret,
    with_state: bool,
    body: OutboundConnectRequest,
}

impl Outbound {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Begins to connect a signed-in user to an outbound application.
    ///
    /// - `app_id`: the id of the outbound application.
    /// - `refresh_jwt`: the user's refresh token.
    ///
    /// `POST /v1/outbound/oauth/connect`
    pub fn connect(&self, app_id: impl Into<String>, refresh_jwt: impl Into<Secret>) -> OutboundConnect {
        OutboundConnect {
            descope: self.descope.clone(),
            refresh_jwt: refresh_jwt.into(),
            with_state: false,
            body: OutboundConnectRequest::new(app_id),
        }
    }
}

impl OutboundConnect {
    setters!(OutboundConnectRequest at body);
    setters!(OutboundConnectOptions at body.options);
    state_setter!();

    /// Asks where to send the user.
    ///
    /// `POST /v1/outbound/oauth/connect`; [`Outbound`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the app id, the redirect URL or the refresh token is unusable, or
    ///   `tenant_level` has no `tenant_id`; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound): there is no such application.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended.
    pub async fn send(self) -> Result<Redirect> {
        let Self { descope, refresh_jwt, with_state, mut body } = self;
        check::text("app_id", &body.app_id)?;
        check::optional_text("tenant_id", body.tenant_id.as_deref())?;
        if body.tenant_level == Some(true) && body.tenant_id.is_none() {
            return Err(Error::argument_refused("tenant_id", "is missing: `tenant_level` connects a tenant"));
        }
        let asked = body.options.as_ref().and_then(|options| options.redirect_url.as_deref());
        let (page, state) = page(asked, with_state)?;
        if let Some(options) = &mut body.options {
            options.redirect_url = page;
        }
        let api = descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let answer = call!(api, outbound_connect, &body)?;
        Redirect::read(answer.body.url, state, &answer.origin)
    }
}
