//! A message goes to the user, or comes from the user.

use crate::{ADA, Done, PAGE, PHONE, Tour, refresh_of};

impl Tour {
    pub(crate) async fn messages(&self) -> Done {
        self.codes().await?;
        self.magic_links().await?;
        self.enchanted_links().await?;
        self.flow().await?;
        self.notp().await?;
        self.push().await
    }

    async fn codes(&self) -> Done {
        let otp = self.descope.otp();
        let pending = otp.email(ADA).sign_up().name("Ada").send().await?;
        let ada = pending.verify(self.message(ADA).await.code.ok_or("no code")?).await?;
        self.show("One-time code by email", &ada).await?;
        let change = otp.sms(PHONE).update(ADA, refresh_of(&ada)?).add_to_login_ids(true).send().await?;
        change.verify(self.message(PHONE).await.code.ok_or("no code")?).await?;

        let pending = otp.voice(PHONE).sign_in().send().await?;
        let ada = pending.verify(self.message(PHONE).await.code.ok_or("no code")?).await?;
        self.show("One-time code on a call", &ada).await
    }

    /// Drawn in the console; the application shows the screens itself.
    async fn flow(&self) -> Done {
        let flow = self.descope.flow();
        let mut step = flow.start("sign-up-or-in").input([("email", ADA)]).interaction_id("submit").send().await?;
        while step.authentication().is_none() {
            let response = step.response();
            let run = response.execution_id.as_deref().ok_or("the flow has ended")?;
            let at = response.step_id.as_deref().ok_or("the flow has ended")?;
            let code = self.message(ADA).await.code.ok_or("no code")?;
            step = flow.next(run, at, "submit").input([("code", code)]).send().await?;
        }
        let ada = step.into_authentication().ok_or("nobody is signed in")?;
        self.show("Flow", &ada).await
    }

    async fn magic_links(&self) -> Done {
        let magic_link = self.descope.magic_link();
        magic_link.email(ADA).sign_in().redirect_url(PAGE).send().await?;
        // The page behind the link hands over the URL that it was opened with.
        let link = self.message(ADA).await.links.swap_remove(0);
        let ada = magic_link.verify(link.url).await?;
        self.show("Magic link", &ada).await
    }

    async fn enchanted_links(&self) -> Done {
        let enchanted_link = self.descope.enchanted_link();
        let pending = enchanted_link.sign_in(ADA).redirect_url(PAGE).send().await?;
        let mail = self.message(ADA).await;
        let right = mail.link(pending.link_id()).ok_or("no link of this number")?;
        enchanted_link.verify(right.token.as_str()).await?;
        let ada = pending.wait().await?;
        self.show("Enchanted link", &ada).await
    }

    async fn notp(&self) -> Done {
        let pending = self.descope.notp().sign_up_or_in().send().await?;
        // The user sends the message that the link has prepared.
        self.emulator.send_message(pending.redirect_url(), PHONE)?;
        let ada = pending.wait().await?;
        self.show("nOTP", &ada).await
    }

    async fn push(&self) -> Done {
        let push = self.descope.push();
        let pending = self.descope.otp().email(ADA).sign_in().send().await?;
        let ada = pending.verify(self.message(ADA).await.code.ok_or("no code")?).await?;
        let refresh_jwt = refresh_of(&ada)?;
        push.enroll("fcm", "the token of the phone", &refresh_jwt).device("Ada's phone").send().await?;

        let pending = push.sign_in(ADA).await?;
        let transaction = self.message(ADA).await.transaction_id.ok_or("no transaction")?;
        push.finish(transaction, "approved", &refresh_jwt).await?;
        let ada = pending.wait().await?;
        self.show("Push", &ada).await
    }
}
