//! Something that the user knows, or has.

use descope_sdk::Secret;

use crate::{
    ADA, Done, PAGE, PASSWORD, Tour,
    browser::{Browser, ORIGIN},
    refresh_of,
};

impl Tour {
    /// Gives the refresh token of a session that is still there.
    pub(crate) async fn factors(&self) -> Done<Secret> {
        let refresh_jwt = self.passwords().await?;
        self.apps(&refresh_jwt).await?;
        self.recovery_codes(&refresh_jwt).await?;
        self.security_questions(&refresh_jwt).await?;
        self.passkeys(&refresh_jwt).await?;
        Ok(refresh_jwt)
    }

    async fn passwords(&self) -> Done<Secret> {
        let password = self.descope.password();
        let policy = password.policy().await?;
        println!("Password: \"abc\" falls short in {} ways", policy.check("abc").len());
        // A mail with a link by which the user chooses the first one.
        password.reset(ADA).redirect_url(PAGE).send().await?;
        let link = self.message(ADA).await.links.swap_remove(0);
        let ada = self.descope.magic_link().verify(link.token).await?;
        password.update(ADA, PASSWORD, refresh_of(&ada)?).await?;

        let ada = password.sign_in(ADA, PASSWORD).send().await?;
        self.show("Password", &ada).await?;
        refresh_of(&ada)
    }

    async fn apps(&self, refresh_jwt: &Secret) -> Done {
        let totp = self.descope.totp();
        let seed = totp.update(ADA, refresh_jwt).await?;
        let shown_by_the_app = self.emulator.totp_code(seed.key().expose()).ok_or("no seed")?;
        let ada = totp.verify(ADA, shown_by_the_app).mfa(refresh_jwt).send().await?;
        self.show("Authenticator app, as a second factor", &ada).await
    }

    async fn recovery_codes(&self, refresh_jwt: &Secret) -> Done {
        let recovery_codes = self.descope.recovery_codes();
        let codes = recovery_codes.generate(ADA, refresh_jwt).await?;
        let ada = recovery_codes.sign_in(ADA, codes.first().ok_or("no codes")?).send().await?;
        self.show("Recovery code", &ada).await
    }

    async fn security_questions(&self, refresh_jwt: &Secret) -> Done {
        let questions = self.descope.security_questions();
        questions.setup(ADA, refresh_jwt).answer("first-machine", "Analytical Engine").send().await?;
        let passed = questions.verify(ADA, refresh_jwt).answer("first-machine", "analytical engine").send().await?;
        self.show("Security question", &passed).await
    }

    async fn passkeys(&self, refresh_jwt: &Secret) -> Done {
        let (webauthn, mut browser) = (self.descope.webauthn(), Browser::new());
        let pending = webauthn.add_device(ADA, ORIGIN, refresh_jwt).send().await?;
        let credential = browser.answer(true, pending.options_json()).await;
        pending.finish(&credential).await?;

        let pending = webauthn.sign_in(ADA, ORIGIN).send().await?;
        let credential = browser.answer(pending.creates(), pending.options_json()).await;
        let ada = pending.finish(&credential).await?;
        self.show("Passkey", &ada).await
    }
}
