//! What test users would have received.

use descope_api::{
    Secret,
    types::{TestUserGenerateEnchantedLinkRequest, TestUserGenerateMagicLinkRequest, TestUserGenerateOtpRequest},
    vocabulary::TestUserDelivery,
};
use url::Url;

use super::test_user::TestUsers;
use crate::{
    DeliveryMethod, Descope, LoginId, PendingCode, PendingCodeState, PendingLink, PendingLinkState, Result, check,
    options::prepared_setters,
    raw_error::{Answer, Origin, call},
    setters::setters,
};

/// A code for a test user. From [`TestUsers::generate_otp`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct TestUserGenerateOtp {
    descope: Descope,
    method: DeliveryMethod,
    body: TestUserGenerateOtpRequest,
}

/// A magic link for a test user. From [`TestUsers::generate_magic_link`] or [`TestUsers::generate_embedded_link`];
/// [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct TestUserGenerateMagicLink {
    descope: Descope,
    body: TestUserGenerateMagicLinkRequest,
}

/// An enchanted link for a test user. From [`TestUsers::generate_enchanted_link`]; [`send`](Self::send) makes it.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct TestUserGenerateEnchantedLink {
    descope: Descope,
    body: TestUserGenerateEnchantedLinkRequest,
}

/// A code that a user would have received, and what takes it.
#[derive(Clone, Debug)]
pub struct TestUserCode {
    code: Secret,
    pending: PendingCode,
}

/// A link that a user would have received.
#[derive(Clone, Debug)]
pub struct TestUserLink {
    link: Secret,
    token: Secret,
}

/// An enchanted link that a user would have received, and what waits for it.
#[derive(Clone, Debug)]
pub struct TestUserEnchantedLink {
    link: TestUserLink,
    pending: PendingLink,
}

impl TestUsers {
    /// Makes the one-time code that the test user would have received by `method`.
    ///
    /// `POST /v1/mgmt/tests/generate/otp`
    ///
    /// ```
    /// # use descope_sdk::{DeliveryMethod, LoginId};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let test_users = descope.management().test_users();
    /// let ada = LoginId::new("test-ada@example.com");
    /// test_users.create(&ada).email("test-ada@example.com").send().await?;
    ///
    /// let code = test_users.generate_otp(&ada, DeliveryMethod::Email).send().await?;
    /// let ada = code.pending().verify(code.code()).await?;
    ///
    /// test_users.delete_all().send().await?;
    /// # assert!(!ada.session_jwt().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate_otp(&self, login_id: impl Into<LoginId>, method: DeliveryMethod) -> TestUserGenerateOtp {
        let body = TestUserGenerateOtpRequest::new(login_id.into().into_string(), method);
        TestUserGenerateOtp { descope: self.descope.clone(), method, body }
    }

    /// Makes the magic link that the test user would have received by `method`.
    ///
    /// `POST /v1/mgmt/tests/generate/magiclink`
    ///
    /// ```
    /// # use descope_sdk::DeliveryMethod;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let test_users = descope.management().test_users();
    /// # let ada = descope_sdk::LoginId::new("test-ada@example.com");
    /// # test_users.create(&ada).email("test-ada@example.com").send().await?;
    /// let link = test_users
    ///     .generate_magic_link(&ada, DeliveryMethod::Email)
    ///     .redirect_url("https://app.example.com/verify")
    ///     .send()
    ///     .await?;
    /// let ada = descope.magic_link().verify(link.token()).await?;
    /// # assert!(!ada.session_jwt().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate_magic_link(
        &self,
        login_id: impl Into<LoginId>,
        method: DeliveryMethod,
    ) -> TestUserGenerateMagicLink {
        self.magic_link(login_id.into().into_string(), method.into())
    }

    /// Makes an embedded link for the test user. It is redeemed like a magic link.
    ///
    /// `POST /v1/mgmt/tests/generate/magiclink`
    pub fn generate_embedded_link(&self, login_id: impl Into<LoginId>) -> TestUserGenerateMagicLink {
        self.magic_link(login_id.into().into_string(), TestUserDelivery::EMBEDDED)
    }

    /// Makes the enchanted link that the test user would have received.
    ///
    /// `POST /v1/mgmt/tests/generate/enchantedlink`
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// # let test_users = descope.management().test_users();
    /// # let ada = descope_sdk::LoginId::new("test-ada@example.com");
    /// # test_users.create(&ada).email("test-ada@example.com").send().await?;
    /// let generated = test_users
    ///     .generate_enchanted_link(&ada)
    ///     .redirect_url("https://app.example.com/verify")
    ///     .send()
    ///     .await?;
    /// descope.enchanted_link().verify(generated.link().token()).await?;
    /// let ada = generated.pending().wait().await?;
    /// # assert!(!ada.session_jwt().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn generate_enchanted_link(&self, login_id: impl Into<LoginId>) -> TestUserGenerateEnchantedLink {
        let body = TestUserGenerateEnchantedLinkRequest::new(login_id.into().into_string());
        TestUserGenerateEnchantedLink { descope: self.descope.clone(), body }
    }

    fn magic_link(&self, login_id: String, delivery_method: TestUserDelivery) -> TestUserGenerateMagicLink {
        let body = TestUserGenerateMagicLinkRequest::new(login_id, delivery_method);
        TestUserGenerateMagicLink { descope: self.descope.clone(), body }
    }
}

impl TestUserGenerateOtp {
    prepared_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);

    /// Makes the code.
    ///
    /// `POST /v1/mgmt/tests/generate/otp`; [`TestUsers::generate_otp`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id is blank; nothing was sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E112102`): no test user has the login id.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn send(self) -> Result<TestUserCode> {
        let Self { descope, method, body } = self;
        check::text("login_id", &body.login_id)?;
        let answer = call!(descope.managing()?, management_test_user_generate_otp, &body)?;
        let code = answer.body.code.filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| answer.origin.lacks("the answer holds no code"))?;
        let state = PendingCodeState::new(method, body.login_id, None, None);
        Ok(TestUserCode { code, pending: PendingCode::new(descope, state) })
    }
}

impl TestUserGenerateMagicLink {
    prepared_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(TestUserGenerateMagicLinkRequest at body);

    /// Makes the link.
    ///
    /// `POST /v1/mgmt/tests/generate/magiclink`; [`TestUsers::generate_magic_link`] has an example.
    ///
    /// # Errors
    ///
    /// - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): the login id or redirect URL is blank; nothing was
    ///   sent.
    /// - [`NotFound`](crate::ErrorKind::NotFound) (`E112102`): no test user has the login id.
    /// - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent.
    pub async fn send(self) -> Result<TestUserLink> {
        let Self { descope, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let answer = call!(descope.managing()?, management_test_user_generate_magic_link, &body)?;
        TestUserLink::read(answer.body.link, &answer.origin)
    }
}

impl TestUserGenerateEnchantedLink {
    prepared_setters!(body.login_options);
    setters!(LoginOptions at body.login_options);
    setters!(TestUserGenerateEnchantedLinkRequest at body);

    /// Makes the link.
    ///
    /// `POST /v1/mgmt/tests/generate/enchantedlink`; [`TestUsers::generate_enchanted_link`] has an example.
    ///
    /// # Errors
    ///
    /// As [`TestUserGenerateMagicLink::send`].
    pub async fn send(self) -> Result<TestUserEnchantedLink> {
        let Self { descope, body } = self;
        check::text("login_id", &body.login_id)?;
        check::optional_text("redirect_url", body.redirect_url.as_deref())?;
        let answer = call!(descope.managing()?, management_test_user_generate_enchanted_link, &body)?;
        let Answer { body, origin } = answer;
        let pending_ref = body.pending_ref.filter(|reference| !reference.is_empty());
        let missing = || origin.lacks("the answer holds no `pendingRef` to wait with");
        let pending_ref = pending_ref.ok_or_else(missing)?;
        let state = PendingLinkState::new(pending_ref, String::new(), None);
        Ok(TestUserEnchantedLink {
            link: TestUserLink::read(body.link, &origin)?,
            pending: PendingLink::new(descope, state),
        })
    }
}

impl TestUserCode {
    /// The code.
    pub fn code(&self) -> &Secret {
        &self.code
    }

    /// What verifies the code.
    pub fn pending(&self) -> &PendingCode {
        &self.pending
    }
}

impl TestUserLink {
    /// The whole link. Whoever has it can sign in.
    pub fn link(&self) -> &Secret {
        &self.link
    }

    /// The token in the link, its query parameter `t`: what the page behind the link would verify.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    fn read(link: Option<Secret>, origin: &Origin) -> Result<Self> {
        let missing = || origin.lacks("the answer holds no link with a token");
        let link = link.ok_or_else(missing)?;
        let token = token_of(&link).ok_or_else(missing)?;
        Ok(Self { link, token })
    }
}

impl TestUserEnchantedLink {
    /// The link.
    pub fn link(&self) -> &TestUserLink {
        &self.link
    }

    /// What waits for the link to be clicked. It has no [`link_id`](PendingLink::link_id): there is one link only.
    pub fn pending(&self) -> &PendingLink {
        &self.pending
    }
}

fn token_of(link: &Secret) -> Option<Secret> {
    let url = Url::parse(link.expose()).ok()?;
    let token = url.query_pairs().find(|(name, value)| name == "t" && !value.is_empty())?.1;
    Some(Secret::from(token.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_the_query_parameter_t() {
        let token = |link: &str| token_of(&link.into()).map(|token| token.expose().to_owned());
        assert_eq!(token("https://app.example.com/verify?x=1&t=abc%2B1#f").as_deref(), Some("abc+1"));
        for bad in ["https://app.example.com/verify", "https://app.example.com/?t=", "no link", ""] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
