//! Users of the project.

use descope_api::{
    Secret,
    types::{
        AssociatedTenant, FamilyAssociation, ImportedPassword, User, UserCreateRequest, UserDeleteRequest, UserResponse,
    },
};
use serde_json::Value;

use crate::{
    Descope, Result, check,
    raw_error::{Answer, call},
};

/// The users of the project. From [`Management::user`](super::Management::user).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = descope_emulator::Emulator::builder().start().await?;
/// # let descope = emulator.descope()?;
/// let users = descope.management().user();
/// let ada = users.create("ada@example.com").name("Ada Lovelace").verified_email(true).send().await?;
///
/// let found = users.load("ada@example.com").await?;
/// assert_eq!(found.user_id, ada.user_id);
///
/// users.delete("ada@example.com").await?;
/// # assert!(users.load("ada@example.com").await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Users {
    descope: Descope,
}

/// A new user. From [`Users::create`] or [`TestUsers::create`](super::TestUsers::create);
/// [`send`](Self::send) creates it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UserCreate {
    descope: Descope,
    for_tests: bool,
    body: UserCreateRequest,
}

impl Users {
    pub(crate) fn new(descope: Descope) -> Self {
        Self { descope }
    }

    /// Creates a user without a sign-up, and without a message unless [`invite`](UserCreate::invite) asks for one.
    ///
    /// - `login_id`: the name under which the user will sign in, mostly an email address or phone number.
    ///
    /// `POST /v1/mgmt/user/create`
    pub fn create(&self, login_id: impl Into<String>) -> UserCreate {
        UserCreate::new(self.descope.clone(), login_id.into(), false)
    }

    /// Finds a user by one of their login ids.
    ///
    /// `GET /v1/mgmt/user`; [`Users`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E112102`): nobody has it.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn load(&self, login_id: &str) -> Result<User> {
        check::text("login_id", login_id)?;
        let answer = call!(self.descope.managing()?, management_user_load, None, Some(login_id), None)?;
        user(answer)
    }

    /// Finds a user by their id, the claim `sub` of their tokens.
    ///
    /// `GET /v1/mgmt/user`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let ada = descope.management().user().create("ada@example.com").send().await?;
    /// # let user_id = ada.user_id.unwrap();
    /// let ada = descope.management().user().load_by_user_id(&user_id).await?;
    /// assert_eq!(ada.login_ids, ["ada@example.com"]);
    /// descope.management().user().delete_by_user_id(&user_id).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub async fn load_by_user_id(&self, user_id: &str) -> Result<User> {
        check::text("user_id", user_id)?;
        let answer = call!(self.descope.managing()?, management_user_load, None, None, Some(user_id))?;
        user(answer)
    }

    /// Deletes a user for good. Sessions of theirs end.
    ///
    /// `POST /v1/mgmt/user/delete`; [`Users`] has an example.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub async fn delete(&self, login_id: &str) -> Result<()> {
        check::text("login_id", login_id)?;
        self.delete_whom(UserDeleteRequest::new().login_id(login_id)).await
    }

    /// Deletes a user for good, by their id.
    ///
    /// `POST /v1/mgmt/user/delete`; [`load_by_user_id`](Self::load_by_user_id) has an example.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub async fn delete_by_user_id(&self, user_id: &str) -> Result<()> {
        check::text("user_id", user_id)?;
        self.delete_whom(UserDeleteRequest::new().user_id(user_id)).await
    }

    async fn delete_whom(&self, body: UserDeleteRequest) -> Result<()> {
        call!(self.descope.managing()?, management_user_delete, &body)?;
        Ok(())
    }
}

/// Setters that put one value into one member of the body.
macro_rules! members {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty;)+) => {$(
        $(#[doc = $doc])+
        pub fn $name(mut self, $name: impl Into<$type>) -> Self {
            self.body.$name = Some($name.into());
            self
        }
    )+};
}

impl UserCreate {
    pub(super) fn new(descope: Descope, login_id: String, for_tests: bool) -> Self {
        // The path alone does not make a test user.
        let mut body = UserCreateRequest::new(login_id);
        body.test = for_tests.then_some(true);
        Self { descope, for_tests, body }
    }

    members! {
        /// Email address. Taken from the login id when that looks like one and this is left out.
        email: String;
        /// Takes the email address as proven.
        verified_email: bool;
        /// Phone number in E.164 form, such as `+15551234567`.
        phone: String;
        /// Takes the phone number as proven.
        verified_phone: bool;
        /// Email address that is used for recovery only.
        recovery_email: String;
        /// Takes the recovery address as proven.
        verified_recovery_email: bool;
        /// Phone number in E.164 form that is used for recovery only.
        recovery_phone: String;
        /// Takes the recovery number as proven.
        verified_recovery_phone: bool;
        /// Display name.
        name: String;
        /// First name.
        given_name: String;
        /// Middle name.
        middle_name: String;
        /// Last name.
        family_name: String;
        /// Address of a picture of the user.
        picture: String;
        /// Status to start with instead of `invited`: `enabled` or `disabled`.
        status: String;
        /// Password in clear text, for the user to sign in with.
        password: Secret;
        /// Password as another system stored it. Not together with [`password`](Self::password).
        hashed_password: ImportedPassword;
        /// Invites the user by message.
        invite: bool;
        /// Page that the invitation leads to; the project's setting when this is left out.
        invite_url: String;
        /// Sends the invitation by email; the project's setting when this is left out.
        send_mail: bool;
        /// Sends the invitation by text message; the project's setting when this is left out.
        send_sms: bool;
        /// Uses this message template instead of the one that the project has active.
        template_id: String;
        /// The language of the invitation as a BCP 47 tag, such as `en` or `pt-BR`.
        locale: String;
    }

    /// Fills one placeholder of the message template.
    pub fn template_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.body.template_options.insert(name.into(), value.into());
        self
    }

    /// Further names under which the user will sign in.
    pub fn additional_login_ids<T: Into<String>>(mut self, login_ids: impl IntoIterator<Item = T>) -> Self {
        self.body.additional_login_ids.extend(login_ids.into_iter().map(Into::into));
        self
    }

    /// Roles at the level of the project.
    pub fn role_names<T: Into<String>>(mut self, role_names: impl IntoIterator<Item = T>) -> Self {
        self.body.role_names.extend(role_names.into_iter().map(Into::into));
        self
    }

    /// Adds the user to a tenant, with these roles there.
    pub fn tenant<T: Into<String>>(
        mut self,
        tenant_id: impl Into<String>,
        role_names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.body.user_tenants.push(AssociatedTenant::new(tenant_id).role_names(role_names));
        self
    }

    /// Puts the user in a family.
    pub fn family(mut self, family: FamilyAssociation) -> Self {
        self.body.family_associations.push(family);
        self
    }

    /// Federated applications that the user may enter.
    pub fn sso_app_ids<T: Into<String>>(mut self, sso_app_ids: impl IntoIterator<Item = T>) -> Self {
        self.body.sso_app_ids.extend(sso_app_ids.into_iter().map(Into::into));
        self
    }

    /// Sets one of the project's own user attributes. The value has the type that the attribute was defined with.
    pub fn custom_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.custom_attributes.insert(name.into(), value.into());
        self
    }

    /// Creates the user.
    ///
    /// `POST /v1/mgmt/user/create` or `/v1/mgmt/user/create/test`; [`Users`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank; nothing was sent. Or the
    ///   service refuses a value, and [`Error::message`](crate::Error::message) says which.
    /// - [`AlreadyExists`](crate::ErrorKind::AlreadyExists) (`E062107`): somebody has the login id.
    /// - [`Api`](crate::ErrorKind::Api) (`E111111`): not created; [`Error::nested_code`](crate::Error::nested_code) may say why.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn send(self) -> Result<User> {
        check::text("login_id", &self.body.login_id)?;
        let api = self.descope.managing()?;
        if self.for_tests {
            user(call!(api, management_test_user_create, &self.body)?)
        } else {
            user(call!(api, management_user_create, &self.body)?)
        }
    }
}

/// The user inside the envelope.
fn user(answer: Answer<UserResponse>) -> Result<User> {
    answer.body.user.ok_or_else(|| answer.origin.lacks("the answer holds no user"))
}
