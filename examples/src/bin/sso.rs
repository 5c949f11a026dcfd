//! Single sign-on at the provider of a company: found by the domain of the address, with roles from its groups.

use descope_emulator::Emulator;
use descope_sdk::api::types::{SsoRoleMapping, SsoSamlSettings};

const PAGE: &str = "https://app.example.com/back";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application

    // Once for each customer. Their administrator can do it too, see the recipe for that.
    let management = descope.management();
    management.tenants().create("Analytical Engines").id("engines").send().await?;
    management.roles().create("Reader").tenant_id("engines").send().await?;
    let settings = SsoSamlSettings::new("https://idp.engines.example/sso", "their entity id", "their certificate")
        .role_mappings([SsoRoleMapping::new().groups(["staff"]).role_name("Reader")]);
    management.sso().configure_saml("engines", settings).domains(["engines.example"]).send().await?;

    // The form asks for the address alone; its domain leads to the tenant. The id of the tenant does as well.
    let sso = descope.sso();
    for who in ["ada@engines.example", "engines"] {
        let redirect = sso.start(who).redirect_url(PAGE).login_hint("ada@engines.example").with_state().send().await?;

        // Ada signs in at her company, which tells the groups that she is in.
        let approved = [("outcome", "approve"), ("email", "ada@engines.example"), ("groups", "staff")];
        let back = emulator.browse(redirect.url(), &approved).await?;

        let ada = sso.exchange(redirect.state().ok_or("no state")?.accept(&back)?).await?;
        let session = descope.session().validate(ada.session_jwt().expose()).await?;
        assert!(session.has_tenant_roles("engines", &["Reader"]));
        println!("{who}: {} is a reader of {}", session.user_id(), session.tenants().join(", "));
    }

    // An address of nobody's domain: show the other ways to sign in.
    let nobody = sso.start("bob@example.org").redirect_url(PAGE).send().await.expect_err("no such tenant");
    println!("bob@example.org: {:?}", nobody.kind());
    Ok(())
}
