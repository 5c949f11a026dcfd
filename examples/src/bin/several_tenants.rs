//! A user who works for several customers, and switches between them.

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, LoginId};

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    for (id, name) in [("acme", "Acme"), ("beta", "Beta"), ("gamma", "Gamma")] {
        management.tenants().create(name).id(id).send().await?;
    }
    management.roles().create("admin").send().await?;
    management.roles().create("reader").send().await?;
    let ada = management.users().create(LoginId::new(ADA)).email(ADA).verified_email(true);
    ada.tenant("acme", ["admin"]).tenant("beta", ["reader"]).send().await?;

    let pending = descope.otp().email(ADA).sign_in().send().await?;
    let ada = pending.verify(emulator.inbox().next(ADA).await.code.ok_or("a mail without a code")?).await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;

    // She is in two, and works in none of them yet: the page shows a menu.
    assert_eq!(session.current_tenant(), None);
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    for tenant in descope.session().my_tenants(refresh_jwt, session.tenants()).await? {
        println!("{} ({})", tenant.name.unwrap_or_default(), tenant.id.unwrap_or_default());
    }

    // She chooses. The new tokens take the place of the old ones in her cookies.
    let in_acme = descope.session().select_tenant(refresh_jwt, "acme").await?;
    let session = descope.session().validate(in_acme.session_jwt().expose()).await?;
    let tenant = session.current_tenant().ok_or("no tenant is chosen")?;
    assert!(session.has_tenant_roles(tenant, &["admin"]));

    // The role is hers in Acme, neither in the project nor in Beta.
    assert!(!session.has_role("admin") && !session.has_tenant_roles("beta", &["admin"]));
    println!("she works for {tenant} as {}", session.tenant_roles(tenant).join(", "));

    // A refresh keeps the choice, and nobody chooses a tenant of others.
    let refresh_jwt = in_acme.refresh_jwt().ok_or("no refresh token")?;
    let renewed = descope.session().refresh(refresh_jwt).await?;
    let session = descope.session().validate(renewed.session_jwt().expose()).await?;
    assert_eq!(session.current_tenant(), Some("acme"));
    let refused = descope.session().select_tenant(refresh_jwt, "gamma").await.expect_err("not hers");
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    Ok(())
}
