//! What was set up in one project, in the next: from development to production.

use descope_emulator::Emulator;
use descope_sdk::LoginId;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (dev_emulator, prod_emulator) = (Emulator::builder().start().await?, Emulator::builder().start().await?);
    // In your pipeline: `Descope::builder(project_id).management_key(key)` for each. An export can be long.
    let dev = dev_emulator.descope_builder().max_response_bytes(64 << 20).build()?.management();
    let prod = prod_emulator.descope()?.management();

    dev.permissions().create("invoices:write").send().await?;
    dev.roles().create("Clerk").permission_names(["invoices:write"]).send().await?;
    dev.users().create(LoginId::new("tester@example.com")).send().await?;

    // The files go into version control: a review sees what changes.
    let snapshot = dev.projects().export_snapshot().send().await?;
    println!("{} files", snapshot.files.len());

    // Whether production would take them, and which secrets are missing there. Nothing is changed.
    let verdict = prod.projects().validate_snapshot(snapshot.files.clone()).send().await?;
    for failure in &verdict.failures {
        println!("not yet: {failure}");
    }
    assert_eq!(verdict.ok, Some(true));

    // Keep what there was, to go back to.
    let before = prod.projects().export_snapshot().send().await?;
    prod.projects().import_snapshot(snapshot.files).send().await?;
    let roles = prod.roles().load_all().send().await?;
    assert!(roles.iter().any(|role| role.name.as_deref() == Some("Clerk")));
    println!("production has the roles of development");

    // Users stay where they are.
    assert!(prod.users().load(LoginId::new("tester@example.com")).send().await.is_err());

    prod.projects().import_snapshot(before.files).send().await?;
    let roles = prod.roles().load_all().send().await?;
    assert!(!roles.iter().any(|role| role.name.as_deref() == Some("Clerk")));
    println!("and back");
    Ok(())
}
