//! Passkeys.

use descope_api::{
    Secret,
    types::{
        WebauthnFinishRequest, WebauthnSignInStartRequest, WebauthnSignUpOrInStartRequest, WebauthnSignUpStartRequest,
        WebauthnStartResponse, WebauthnUpdateStartRequest,
    },
};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{
    Authentication, Descope, Error, ErrorKind, Result, check,
    error::Inner,
    options::{factor_setters, options_setter, sign_up_setters},
    raw_error::{Answer, Origin, call},
    setters::setters,
};

/// Sign-in by passkey: a key on the device or on a security key, by WebAuthn. From [`Descope::webauthn`].
///
/// Each is a ceremony in two calls with the browser in between:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = httpmock::MockServer::start_async().await;
/// # for (path, body) in [
/// #     ("start", r#"{"transactionId":"tx","options":"{\"publicKey\":{\"challenge\":\"Zm9v\"}}","create":false}"#),
/// #     ("finish", r#"{"sessionJwt":"eyJh.eyJk.c2ln","refreshJwt":"eyJh.eyJy.c2ln"}"#),
/// # ] {
/// #     server.mock_async(|when, then| {
/// #         when.method("POST").path(format!("/v1/auth/webauthn/signin/{path}"));
/// #         then.status(200).header("content-type", "application/json").body(body);
/// #     }).await;
/// # }
/// # let descope = descope_sdk::Descope::builder("P2RmuXyZ0123456789abcdefghij").base_url(server.base_url()).build()?;
/// # let answer_of_browser = r#"{"id": "cred"}"#;
/// let pending = descope.webauthn().sign_in("ada@example.com", "https://app.example.com").send().await?;
/// // The page: navigator.credentials.get(PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey))
/// println!("{}", pending.options_json());
/// // What comes back is the credential as JSON, by its `toJSON()`:
/// let ada = pending.finish_json(answer_of_browser).await?;
/// # assert!(ada.refresh_jwt().is_some());
/// # Ok(())
/// # }
/// ```
///
/// In Rust the options fit the types of `webauthn-rs-proto` and `passkey-types`: [`PendingPasskey::options`], and
/// [`PendingPasskey::finish`] for the answer.
#[derive(Clone, Debug)]
pub struct Webauthn {
    descope: Descope,
}

/// A sign-up with a passkey. From [`Webauthn::sign_up`]; [`send`](Self::send) makes the challenge.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WebauthnSignUp {
    descope: Descope,
    body: WebauthnSignUpStartRequest,
}

/// A sign-in with a passkey. From [`Webauthn::sign_in`] or [`Webauthn::sign_in_with_any`]; [`send`](Self::send) makes the
/// challenge.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WebauthnSignIn {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: WebauthnSignInStartRequest,
}

/// A sign-up or sign-in with a passkey. From [`Webauthn::sign_up_or_in`]; [`send`](Self::send) makes the challenge.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WebauthnSignUpOrIn {
    descope: Descope,
    refresh_jwt: Option<Secret>,
    body: WebauthnSignUpOrInStartRequest,
}

/// One more passkey for a signed-in user. From [`Webauthn::add_device`]; [`send`](Self::send) makes the challenge.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct WebauthnAddDevice {
    descope: Descope,
    refresh_jwt: Secret,
    body: WebauthnUpdateStartRequest,
}

/// A challenge that the browser has to answer. [`finish`](Self::finish) signs the user in.
///
/// It serialises to its [state](Self::state), from which [`Webauthn::resume`] makes it again: the answer usually comes with
/// another request.
#[derive(Clone, Debug)]
pub struct PendingPasskey {
    descope: Descope,
    state: PendingPasskeyState,
}

/// A challenge from which the browser makes one more passkey. [`finish`](Self::finish) stores it.
///
/// It serialises to its [state](Self::state), from which [`Webauthn::resume_device`] makes it again.
#[derive(Clone, Debug)]
pub struct PendingDevice {
    descope: Descope,
    state: PendingDeviceState,
}

/// What has to be kept of a challenge until the browser has answered. It holds no secret. That of a passkey to be added is
/// refused when it is read as this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPasskeyState {
    ceremony: Ceremony,
    transaction_id: String,
    options: String,
}

/// What has to be kept of a passkey that is to be added until the browser has answered. It holds no secret. That of a sign-in
/// is refused when it is read as this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingDeviceState {
    ceremony: Adding,
    transaction_id: String,
    options: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ceremony {
    SignUp,
    SignIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Adding {
    AddDevice,
}

impl Webauthn {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Begins the sign-up of a user who makes a passkey. A login id that somebody has already is refused.
    ///
    /// - `login_id`: the name under which the user will sign in.
    /// - `origin`: of the page, as `window.location.origin` tells it, such as `https://app.example.com`.
    ///
    /// `POST /v1/auth/webauthn/signup/start`
    pub fn sign_up(&self, login_id: impl Into<String>, origin: impl Into<String>) -> WebauthnSignUp {
        let body = WebauthnSignUpStartRequest::new(origin).login_id(login_id);
        WebauthnSignUp { descope: self.descope.clone(), body }
    }

    /// Begins the sign-in of a user who has a passkey.
    ///
    /// - `login_id`: the name under which the user signed up.
    /// - `origin`: of the page.
    ///
    /// `POST /v1/auth/webauthn/signin/start`
    pub fn sign_in(&self, login_id: impl Into<String>, origin: impl Into<String>) -> WebauthnSignIn {
        self.signing_in(WebauthnSignInStartRequest::new(origin).login_id(login_id))
    }

    /// Begins a sign-in without a name: the browser offers whatever passkeys it has for the site.
    ///
    /// - `origin`: of the page.
    ///
    /// `POST /v1/auth/webauthn/signin/start`
    pub fn sign_in_with_any(&self, origin: impl Into<String>) -> WebauthnSignIn {
        self.signing_in(WebauthnSignInStartRequest::new(origin))
    }

    /// Begins a sign-up or a sign-in, as the login id is new or known. [`PendingPasskey::creates`] tells which of the two it is.
    ///
    /// - `login_id`: the name under which the user signed up or will sign in.
    /// - `origin`: of the page.
    ///
    /// `POST /v1/auth/webauthn/signup-in/start`
    pub fn sign_up_or_in(&self, login_id: impl Into<String>, origin: impl Into<String>) -> WebauthnSignUpOrIn {
        let body = WebauthnSignUpOrInStartRequest::new(login_id, origin);
        WebauthnSignUpOrIn { descope: self.descope.clone(), refresh_jwt: None, body }
    }

    /// Begins to add a passkey to a signed-in user, on another device for instance.
    ///
    /// - `login_id`: the name under which the user signs in.
    /// - `origin`: of the page.
    /// - `refresh_jwt`: the refresh token of the same user.
    ///
    /// `POST /v1/auth/webauthn/update/start`
    pub fn add_device(
        &self,
        login_id: impl Into<String>,
        origin: impl Into<String>,
        refresh_jwt: impl Into<Secret>,
    ) -> WebauthnAddDevice {
        let body = WebauthnUpdateStartRequest::new(login_id).origin(origin);
        WebauthnAddDevice { descope: self.descope.clone(), refresh_jwt: refresh_jwt.into(), body }
    }

    /// Goes on with a sign-up or sign-in that began earlier, perhaps in another process.
    pub fn resume(&self, state: PendingPasskeyState) -> PendingPasskey {
        PendingPasskey { descope: self.descope.clone(), state }
    }

    /// Goes on with a passkey that is to be added.
    pub fn resume_device(&self, state: PendingDeviceState) -> PendingDevice {
        PendingDevice { descope: self.descope.clone(), state }
    }

    fn signing_in(&self, body: WebauthnSignInStartRequest) -> WebauthnSignIn {
        WebauthnSignIn { descope: self.descope.clone(), refresh_jwt: None, body }
    }
}

/// The setter of how the passkey is made or asked for.
macro_rules! passkey_setter {
    () => {
        /// How the passkey is made or asked for, in place of the project's settings.
        pub fn passkey_options(mut self, options: descope_api::types::WebauthnPasskeyOptions) -> Self {
            self.body.passkey_options = Some(options);
            self
        }
    };
}

impl WebauthnSignUp {
    sign_up_setters!();
    passkey_setter!();

    /// Makes the challenge, from which the page makes a passkey by `navigator.credentials.create`.
    ///
    /// `POST /v1/auth/webauthn/signup/start`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or origin is blank, and nothing was sent; or the
    ///   origin does not fit the project's domain.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    pub async fn send(self) -> Result<PendingPasskey> {
        let Self { descope, body } = self;
        check::optional_text("login_id", body.login_id.as_deref())?;
        check::text("origin", &body.origin)?;
        let api = descope.signing_up(body.login_options.as_ref())?;
        let state = PendingPasskeyState::read(call!(api, webauthn_sign_up_start, &body)?, Some(Ceremony::SignUp))?;
        Ok(PendingPasskey { descope, state })
    }
}

impl WebauthnSignIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    passkey_setter!();

    /// Makes the challenge, which the page has signed by `navigator.credentials.get`.
    ///
    /// `POST /v1/auth/webauthn/signin/start`; [`Webauthn`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or origin is blank, or a step-up has no refresh
    ///   token, and nothing was sent; or the origin does not fit the project's domain.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E062108`, `E067010`): nobody has the login id, or the user has no passkey.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token of a step-up has ended.
    pub async fn send(self) -> Result<PendingPasskey> {
        let Self { descope, refresh_jwt, body } = self;
        check::optional_text("login_id", body.login_id.as_deref())?;
        check::text("origin", &body.origin)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        let state = PendingPasskeyState::read(call!(api, webauthn_sign_in_start, &body)?, Some(Ceremony::SignIn))?;
        Ok(PendingPasskey { descope, state })
    }
}

impl WebauthnSignUpOrIn {
    factor_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    passkey_setter!();

    /// Makes the challenge.
    ///
    /// `POST /v1/auth/webauthn/signup-in/start`
    ///
    /// # Errors
    ///
    /// As [`WebauthnSignIn::send`], but that it does not matter whether somebody has the login id.
    pub async fn send(self) -> Result<PendingPasskey> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::text("origin", &body.origin)?;
        let api = descope.signing_in(refresh_jwt.as_ref(), body.login_options.as_ref())?;
        let state = PendingPasskeyState::read(call!(api, webauthn_sign_up_or_in_start, &body)?, None)?;
        Ok(PendingPasskey { descope, state })
    }
}

impl WebauthnAddDevice {
    options_setter!(body.login_options);
    setters!(LoginOptions at body.login_options);
    passkey_setter!();

    /// Has [`PendingDevice::finish`] give a new session that counts the passkey as a further factor.
    pub fn mfa(mut self, mfa: bool) -> Self {
        self.body.mfa = Some(mfa);
        self
    }

    /// Makes the challenge, from which the page makes a passkey by `navigator.credentials.create`.
    ///
    /// `POST /v1/auth/webauthn/update/start`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id, the origin or the refresh token is unusable.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the refresh token has ended. One of another user is an
    ///   [`InvalidArgument`](crate::ErrorKind::InvalidArgument) (`E011004`).
    pub async fn send(self) -> Result<PendingDevice> {
        let Self { descope, refresh_jwt, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("origin", body.origin.as_deref())?;
        let api = descope.acting_for("refresh_jwt", &refresh_jwt)?;
        let state = PendingDeviceState::read(call!(api, webauthn_update_start, &body)?)?;
        Ok(PendingDevice { descope, state })
    }
}

/// What both kinds of challenges have.
macro_rules! challenge {
    ($type:ident, $state:ident) => {
        impl $type {
            /// The options for the browser as JSON text: an object with the member `publicKey`, its binary members in
            /// base64url.
            pub fn options_json(&self) -> &str {
                &self.state.options
            }

            /// The options as a type that reads them, such as `webauthn_rs_proto::CreationChallengeResponse` or
            /// [`serde_json::Value`].
            ///
            /// # Errors
            ///
            /// [`Decode`](crate::ErrorKind::Decode): they do not fit the type.
            pub fn options<T: DeserializeOwned>(&self) -> Result<T> {
                let unfit = || Inner { detail: Some(UNFIT.into()), ..Inner::of(ErrorKind::Decode) };
                serde_json::from_str(&self.state.options).map_err(|_| unfit().into())
            }

            /// What to keep when the browser answers in another request or to another process.
            pub fn state(&self) -> &$state {
                &self.state
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.state.serialize(serializer)
            }
        }
    };
}

const UNFIT: &str = "the options of the passkey are not what the type reads";

challenge!(PendingPasskey, PendingPasskeyState);
challenge!(PendingDevice, PendingDeviceState);

impl PendingPasskey {
    /// Whether the browser has to make a passkey (`navigator.credentials.create`) rather than to use one
    /// (`navigator.credentials.get`).
    pub fn creates(&self) -> bool {
        self.state.ceremony == Ceremony::SignUp
    }

    /// Signs the user in with the browser's answer.
    ///
    /// - `credential`: what serialises as the browser's `PublicKeyCredential` does, such as a [`serde_json::Value`], or
    ///   `webauthn_rs_proto::PublicKeyCredential`.
    ///
    /// `POST /v1/auth/webauthn/signup/finish` or `/v1/auth/webauthn/signin/finish`
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the credential cannot be written as a JSON object, and nothing
    ///   was sent; or it does not answer the challenge.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized), [`Expired`](crate::ErrorKind::Expired),
    ///   [`NotFound`](crate::ErrorKind::NotFound): the challenge was answered before or took too long, or the passkey is
    ///   nobody's.
    pub async fn finish(&self, credential: &impl Serialize) -> Result<Authentication> {
        self.answered(written(credential)?).await
    }

    /// The same with the credential as JSON text, as the page has sent it.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub async fn finish_json(&self, credential: impl Into<Secret>) -> Result<Authentication> {
        self.answered(taken(credential.into())?).await
    }

    async fn answered(&self, response: Secret) -> Result<Authentication> {
        let body = WebauthnFinishRequest::new(self.state.transaction_id.as_str(), response);
        let api = self.descope.api();
        let answer = if self.creates() {
            call!(api, webauthn_sign_up_finish, &body)?
        } else {
            call!(api, webauthn_sign_in_finish, &body)?
        };
        Authentication::read(answer, self.descope.token_names())
    }
}

impl PendingDevice {
    /// Stores the new passkey. A session comes of it if [`WebauthnAddDevice::mfa`] asked for one.
    ///
    /// - `credential`: what serialises as the browser's `PublicKeyCredential` does.
    ///
    /// `POST /v1/auth/webauthn/update/finish`
    ///
    /// # Errors
    ///
    /// As [`PendingPasskey::finish`].
    pub async fn finish(&self, credential: &impl Serialize) -> Result<Option<Authentication>> {
        self.answered(written(credential)?).await
    }

    /// The same with the credential as JSON text, as the page has sent it.
    ///
    /// # Errors
    ///
    /// As [`PendingPasskey::finish`].
    pub async fn finish_json(&self, credential: impl Into<Secret>) -> Result<Option<Authentication>> {
        self.answered(taken(credential.into())?).await
    }

    async fn answered(&self, response: Secret) -> Result<Option<Authentication>> {
        let body = WebauthnFinishRequest::new(self.state.transaction_id.as_str(), response);
        let Answer { body, origin } = call!(self.descope.api(), webauthn_update_finish, &body)?;
        let session = body.jwt.map(|body| Authentication::read(Answer { body, origin }, self.descope.token_names()));
        session.transpose()
    }
}

impl PendingPasskeyState {
    /// - `ceremony`: what the browser has to do, where the answer need not say it.
    fn read(Answer { body, origin }: Answer<WebauthnStartResponse>, ceremony: Option<Ceremony>) -> Result<Self> {
        let told = body.create.map(|creates| if creates { Ceremony::SignUp } else { Ceremony::SignIn });
        let Some(ceremony) = ceremony.or(told) else {
            return Err(origin.lacks("the answer does not say what the browser has to do: it has no `create`"));
        };
        let (transaction_id, options) = parts(body, &origin)?;
        Ok(Self { ceremony, transaction_id, options })
    }
}

impl PendingDeviceState {
    fn read(Answer { body, origin }: Answer<WebauthnStartResponse>) -> Result<Self> {
        let (transaction_id, options) = parts(body, &origin)?;
        Ok(Self { ceremony: Adding::AddDevice, transaction_id, options })
    }
}

/// Transaction and options.
fn parts(body: WebauthnStartResponse, origin: &Origin) -> Result<(String, String)> {
    let id = body.transaction_id.filter(|id| !id.is_empty());
    id.zip(body.options).ok_or_else(|| origin.lacks("the answer holds no challenge: `transactionId` and `options`"))
}

/// The credential as the service wants it: JSON inside of a text.
fn written(credential: &impl Serialize) -> Result<Secret> {
    match serde_json::to_value(credential) {
        Ok(Value::String(text)) => taken(Secret::from(text)),
        Ok(Value::Object(members)) => Ok(Secret::from(Value::Object(members).to_string())),
        _ => Err(Error::argument_refused("credential", "is not a JSON object")),
    }
}

fn taken(text: Secret) -> Result<Secret> {
    let object = text.expose().trim_start().starts_with('{');
    if !object || serde_json::from_str::<&RawValue>(text.expose()).is_err() {
        return Err(Error::argument_refused("credential", "is not a JSON object"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_json_objects_however_they_are_given() {
        assert_eq!(written(&json!({"id": "x"})).unwrap().expose(), r#"{"id":"x"}"#);
        assert_eq!(written(&r#" {"id":"x"}"#).unwrap().expose(), r#" {"id":"x"}"#);
        for bad in [json!(null), json!([]), json!(1), json!("no"), json!("{"), json!("[1]"), json!("")] {
            let error = written(&bad).unwrap_err();
            assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some("credential")), "{bad}");
        }
    }
}
