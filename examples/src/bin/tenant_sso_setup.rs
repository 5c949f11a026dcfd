//! The administrator of a customer sets single sign-on up, by a link and without your help.

use std::time::Duration;

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, api::types::SsoSamlSettings};

const PAGE: &str = "https://app.example.com/back";
const GRACE: &str = "grace@acme.example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let tenants = descope.management().tenants();
    tenants.create("Acme").id("acme").send().await?;

    // A link to a page of Descope's, good for a week, in a mail to her. It opens the settings of this tenant alone.
    let link = tenants.generate_admin_link("acme").email(GRACE).expire_time(Duration::from_secs(7 * 86_400));
    let link = link.send().await?;
    let mail = emulator.inbox().next(GRACE).await;
    assert_eq!(mail.links.first().map(|link| link.url.as_str()), Some(link.expose()));
    println!("the mail is on its way");

    // Sent to the wrong person: take it back. A new link has the same effect.
    tenants.revoke_admin_link("acme").send().await?;
    tenants.send_admin_link("acme", GRACE).send().await?;
    assert_ne!(emulator.inbox().next(GRACE).await.links.swap_remove(0).url, link.expose());

    // Before she is done, nobody can sign in that way.
    let early = descope.sso().start("acme").redirect_url(PAGE).send().await.expect_err("it is not set up");
    println!("before: {:?}", early.kind());

    // What she does on the page comes to this.
    let settings = SsoSamlSettings::new("https://idp.acme.example/sso", "their entity id", "their certificate");
    descope.management().sso().configure_saml("acme", settings).domains(["acme.example"]).send().await?;

    // From now on members of Acme sign in there, and with nothing else. `patch` keeps the other settings of the tenant.
    tenants.patch("acme").enforce_sso(true).send().await?;

    let redirect = descope.sso().start("bob@acme.example").redirect_url(PAGE).with_state().send().await?;
    let back = emulator.approve(redirect.url(), "bob@acme.example").await?;
    let bob = descope.sso().exchange(redirect.state().ok_or("no state")?.accept(&back)?).await?;
    let session = descope.session().validate(bob.session_jwt().expose()).await?;
    assert!(session.has_tenant("acme"));
    println!("after: bob is signed in");

    // Gone with the customer.
    descope.management().sso().delete("acme").send().await?;
    let late = descope.sso().start("acme").redirect_url(PAGE).send().await.expect_err("it was taken away");
    assert_ne!(late.kind(), ErrorKind::Network);
    Ok(())
}
