//! Searching any number of users in little memory.

use descope_emulator::Emulator;
use descope_sdk::{
    Pacing,
    management::user::{AssociatedTenant, UserBatchCreateEntry},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    // Paced, a search over millions keeps to the documented limits by itself.
    let descope = emulator.descope_builder().pace(Pacing::documented()).build()?;
    let management = descope.management();
    management.tenants().create("Acme").id("acme").send().await?;
    let people = (0..1500).map(|n| {
        let person = UserBatchCreateEntry::new(format!("user-{n:04}@example.com"));
        if n % 3 == 0 { person.user_tenants([AssociatedTenant::new("acme")]) } else { person }
    });
    let failures = management.users().create_many(people, |call| call).failures().await;
    assert!(failures.is_empty());

    let of_acme = || management.users().search().tenant_ids(["acme"]);
    println!("{} users are at Acme", of_acme().count().await?);

    // A stream asks for a page when the one before it is used up. Nothing is kept that you do not keep.
    let mut users = of_acme().stream().page_size(100);
    let mut seen = 0;
    while let Some(user) = users.next().await {
        // An error does not end the stream: polled again, it asks for the same page again.
        let user = user?;
        assert!(user.user_id.is_some());
        seen += 1;
    }
    assert_eq!(seen, 500);
    assert_eq!(emulator.calls("managementUserSearch"), 1 + 5);

    // The first few: one page, or a stream that you stop taking from.
    let first = of_acme().page(0, 10).await?;
    println!("{} of {:?}", first.items.len(), first.total);
    let found = management.users().search().text("user-0042").stream().collect().await?;
    assert_eq!(found.len(), 1);
    Ok(())
}
