//! Somebody else vouches for the user.

use descope_sdk::{Secret, api::types::SsoSamlSettings};

use crate::{ADA, Done, PAGE, Tour};

impl Tour {
    pub(crate) async fn providers(&self, refresh_jwt: &Secret) -> Done {
        self.oauth().await?;
        self.native().await?;
        self.one_tap().await?;
        self.sso().await?;
        self.outbound(refresh_jwt).await
    }

    async fn oauth(&self) -> Done {
        let oauth = self.descope.oauth();
        let redirect = oauth.start("google").redirect_url(PAGE).with_state().send().await?;
        // Kept in the browser's session until it comes back.
        let state = redirect.state().ok_or("no state")?;
        let back = self.emulator.approve(redirect.url(), ADA).await?;
        let ada = oauth.exchange(state.accept(&back)?).await?;
        self.show("OAuth", &ada).await
    }

    async fn native(&self) -> Done {
        let native = self.descope.oauth().native();
        let pending = native.start("google").implicit(true).send().await?;
        let id_token = self.emulator.provider_id_token(ADA, "Ada", pending.nonce())?;
        let ada = native.finish(&pending).id_token(id_token).send().await?;
        self.show("OAuth without a browser", &ada).await
    }

    async fn one_tap(&self) -> Done {
        let id_token = self.emulator.provider_id_token(ADA, "Ada", None)?;
        let ada = self.descope.one_tap().sign_in("google", id_token).exchange().await?;
        self.show("One Tap", &ada).await
    }

    async fn sso(&self) -> Done {
        let management = self.descope.management();
        management.tenants().create("Engines").id("engines").send().await?;
        let settings = SsoSamlSettings::new("https://idp.example.com/sso", "entity", "certificate");
        management.sso().configure_saml("engines", settings).domains(["example.com"]).send().await?;

        let sso = self.descope.sso();
        let redirect = sso.start(ADA).redirect_url(PAGE).send().await?;
        let back = self.emulator.approve(redirect.url(), ADA).await?;
        let ada = sso.exchange(back).await?;
        self.show("Single sign-on", &ada).await
    }

    async fn outbound(&self, refresh_jwt: &Secret) -> Done {
        let applications = self.descope.management().outbound_applications();
        applications.create("Calendar").id("calendar").default_scopes(["read"]).send().await?;
        let redirect = self.descope.outbound().connect("calendar", refresh_jwt).redirect_url(PAGE).send().await?;
        self.emulator.approve(redirect.url(), "ada@calendar.example").await?;
        println!("Outbound: the calendar of the user is connected");
        Ok(())
    }
}
