//! Roles and permissions: in the project, in a tenant, and what a session says of them.

use descope_emulator::Emulator;
use descope_sdk::{Descope, LoginId, session::Session, web::Require};

const ADA: &str = "ada@example.com";

/// Ada's session as it is after a sign-in now. Tokens that she has already keep what they say until they are refreshed.
async fn session_of_ada(descope: &Descope) -> descope_sdk::Result<Session> {
    let token = descope.management().embedded_links().sign_in(LoginId::new(ADA)).send().await?;
    let ada = descope.magic_link().verify(token).await?;
    descope.session().validate(ada.session_jwt().expose()).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    let (permissions, roles, users) = (management.permissions(), management.roles(), management.users());

    for name in ["invoices:read", "invoices:write", "users:read"] {
        permissions.create(name).send().await?;
    }
    roles.create("Support").permission_names(["users:read"]).send().await?;
    management.tenants().create("Acme").id("acme").send().await?;
    // A role of one tenant alone, which its administrators see.
    let clerk = roles.create("Clerk").tenant_id("acme").permission_names(["invoices:read", "invoices:write"]);
    let clerk = clerk.send().await?;

    users.create(LoginId::new(ADA)).role_names(["Support"]).tenant("acme", ["Clerk"]).send().await?;
    let session = session_of_ada(&descope).await?;
    assert!(session.has_role("Support") && session.has_permission("users:read"));
    assert!(session.has_tenant_permissions("acme", &["invoices:write"]));
    // The two do not mix.
    assert!(!session.has_permission("invoices:write") && !session.has_tenant_roles("acme", &["Support"]));

    // Ask for permissions rather than roles: who may do what is then changed without a new version of the program.
    let may_write = Require::new().tenant_permission("acme", "invoices:write");
    session.require(&may_write)?;

    // `modify` keeps what is not named; `replace` would have taken the description and the rest away.
    let id = clerk.id.ok_or("a role without an id")?;
    let reading = |role: descope_sdk::management::role::Replace| role.permission_names(["invoices:read"]);
    roles.modify(descope_sdk::NameOrId::id(id), reading).await?;
    assert!(session.require(&may_write).is_ok(), "her token was made before");
    assert!(session_of_ada(&descope).await?.require(&may_write).is_err());

    users.add_roles(LoginId::new(ADA), ["Clerk"]).tenant_id("acme").send().await?;
    users.remove_roles(LoginId::new(ADA), ["Support"]).send().await?;
    let session = session_of_ada(&descope).await?;
    println!("in the project: {:?}; at Acme: {:?}", session.roles(), session.tenant_roles("acme"));
    assert!(session.roles().is_empty());
    Ok(())
}
