//! Users without accidents: `create` adds, `patch` changes, and `replace` takes away whatever is not said.

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, LoginId, UserId, vocabulary::UserStatus};

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    let users = management.users();
    management.roles().create("Reader").send().await?;
    management.tenants().create("Acme").id("acme").send().await?;

    // `create` never touches somebody who is there.
    let create = || users.create(LoginId::new(ADA)).email(ADA).name("Ada").phone("+15551234567");
    let ada = create().role_names(["Reader"]).tenant("acme", ["Reader"]).send().await?;
    let again = create().send().await.expect_err("she is there");
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);

    // `patch` changes what is named and keeps the rest. To take something away there is a word of its own.
    let patched = users.patch(LoginId::new(ADA)).name("Ada Lovelace").clear_phone().send().await?;
    assert_eq!((patched.name.as_deref(), patched.email.as_deref()), (Some("Ada Lovelace"), Some(ADA)));
    assert_eq!((patched.role_names.len(), patched.user_tenants.len()), (1, 1));
    assert!(patched.phone.as_deref().unwrap_or_default().is_empty());

    // One thing at a time, where there is a call for it: two callers do not undo each other.
    let user_id = UserId::new(ada.user_id.ok_or("a user without an id")?);
    users.remove_tenant(&user_id, "acme").send().await?;
    users.update_status(&user_id, UserStatus::DISABLED).send().await?;
    users.update_status(&user_id, UserStatus::ENABLED).send().await?;

    // `replace` is for a system that knows everything of its users: what it does not say is gone.
    let replaced = users.replace(&user_id).email(ADA).name("Ada Lovelace").send().await?;
    assert!(replaced.role_names.is_empty());
    println!("after a replace without roles she has {} roles", replaced.role_names.len());

    // Of what has no `patch`, such as a role, `modify` reads, changes and writes back.
    management.tenants().patch("acme").name("Acme Engines").send().await?;
    management.roles().modify("Reader", |role| role.new_name("Viewer")).await?;

    // The id stays when she marries and changes her address. Key your data by it.
    users.update_login_id(LoginId::new(ADA)).new_login_id(LoginId::new("ada@king.example")).send().await?;
    let renamed = users.load(LoginId::new("ada@king.example")).send().await?;
    assert_eq!(renamed.user_id.as_deref(), Some(user_id.as_str()));

    users.delete(&user_id).send().await?;
    let gone = users.load(&user_id).send().await.expect_err("she was deleted");
    println!("after the deletion: {:?}", gone.kind());
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    Ok(())
}
