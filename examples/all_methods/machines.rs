//! Back ends that sign users in, and programs.

use descope_sdk::{LoginId, api::types::ThirdPartyApplicationCibaSettings};

use crate::{ADA, Done, Tour};

impl Tour {
    pub(crate) async fn machines(&self) -> Done {
        self.embedded_link().await?;
        self.access_key().await?;
        self.agents().await
    }

    /// The back end makes the token and brings it to the user itself.
    async fn embedded_link(&self) -> Done {
        let token = self.descope.management().embedded_links().sign_in(LoginId::new(ADA)).send().await?;
        let ada = self.descope.magic_link().verify(token).await?;
        self.show("Embedded link", &ada).await
    }

    async fn access_key(&self) -> Done {
        let created = self.descope.management().access_keys().create("Nightly report").send().await?;
        // Exchanged when it is first needed, and again before it expires.
        let machine = self.descope.access_key().exchange(&created.cleartext).keep()?;
        let session_jwt = machine.session_jwt().await?;
        let session = self.descope.session().validate(session_jwt.expose()).await?;
        println!("Access key: {} is signed in", session.user_id());
        Ok(())
    }

    async fn agents(&self) -> Done {
        let settings = ThirdPartyApplicationCibaSettings::new().enabled(true);
        let applications = self.descope.management().third_party_applications();
        let app = applications.create("Reporter").ciba_settings(settings).send().await?;
        let agent = self.descope.agent(app.client_id).client_secret(app.cleartext);
        agent.client_credentials().keep()?.access_token().await?;
        println!("Agent: has a token for itself");

        let pending = agent.device().scope("openid").send().await?;
        self.emulator.approve_device(pending.user_code().ok_or("no code")?, ADA);
        let token = pending.wait().await?;
        agent.keep(token)?.access_token().await?;
        println!("Agent: has a token for a user, who has entered a code on another device");

        let pending = agent.backchannel(ADA, "openid").binding_message("Report 4711").send().await?;
        self.emulator.approve_backchannel(ADA);
        pending.wait().await?;
        println!("Agent: has a token for a user, who was asked on another device");
        Ok(())
    }
}
