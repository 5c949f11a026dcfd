//! An administrator's job: `cargo run -p descope-sdk --example administrate`, on a Descope in this very process.

use std::time::{Duration, SystemTime};

use descope_sdk::{
    UserId,
    management::user::{AssociatedTenant, UserBatchCreateEntry},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = descope_emulator::Emulator::builder().start().await?;
    let management = emulator.descope()?.management();
    let users = management.users();

    management.tenants().create("Analytical Engines").id("engines").send().await?;
    management.roles().create("Auditor").tenant_id("engines").description("Reads the books").send().await?;

    let staff = (0..5000).map(|n| {
        let person = UserBatchCreateEntry::new(format!("user-{n}@example.com")).custom_attributes([("floor", n % 100)]);
        person.user_tenants([AssociatedTenant::new("engines")])
    });
    let mut created = users.create_many(staff, |call| call);
    while let Some(person) = created.next().await {
        person.result?;
    }

    let mut found = users.search().tenant_ids(["engines"]).custom_attribute("floor", 1).stream();
    while let Some(user) = found.next().await {
        let id = UserId::new(user?.user_id.unwrap_or_default());
        users.add_roles(id, ["Auditor"]).tenant_id("engines").send().await?;
    }

    let hour = SystemTime::now() - Duration::from_secs(3600);
    let trail = management.audit().search().tenants(["engines"]).from(hour);
    for entry in trail.page(0, 10).await?.items {
        println!("{:?} {}", entry.occurred_at(), entry.action.unwrap_or_default());
    }
    Ok(())
}
