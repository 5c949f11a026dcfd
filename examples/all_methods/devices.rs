//! What a user's device has: its own tokens, the session of the system before, and a browser that signs in by itself.

use descope_sdk::{DeviceTokens, LoginId, Secret};

use crate::{ADA, Done, PASSWORD, Tour};

impl Tour {
    pub(crate) async fn devices(&self, refresh_jwt: &Secret) -> Done {
        let password = self.descope.password();
        let sign_in = password.sign_in(ADA, PASSWORD).mfa(refresh_jwt);
        let device = DeviceTokens::of(&sign_in.send().await?);
        let here = self.descope.with_device(&device)?;
        let ada = here.password().sign_in(ADA, PASSWORD).send().await?;
        self.show("Device that is known and trusted", &ada).await?;

        self.descope.management().users().create(LoginId::new("grace@example.com")).send().await?;
        let external_token = self.emulator.provider_id_token("grace@example.com", "Grace Hopper", None)?;
        let grace = self.descope.session().migrate(external_token).await?;
        self.show("Session of another system", &grace).await?;

        let site = self.descope.management().third_party_applications().create("Reports").send().await?.client_id;
        let cookies = format!("DSR={}", refresh_jwt.expose());
        let accounts = self.descope.fedcm().accounts(cookies.as_str()).await?;
        let account = accounts.first().and_then(|account| account.id.clone()).ok_or("nobody is signed in")?;
        self.descope.fedcm().assertion(account, site).send(cookies).await?;
        println!("Dialog of the browser: a site has a token");
        Ok(())
    }
}
