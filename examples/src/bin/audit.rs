//! The audit trail into a system of your own, without gaps and without doubles.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use descope_emulator::Emulator;
use descope_sdk::{Descope, Pacing, management::user::UserBatchCreateEntry, vocabulary::AuditType};

/// Where the export has come to. Store it with the entries, in one transaction.
struct Position {
    from: SystemTime,
    /// What has been taken of this very moment: others can have the same.
    taken: HashSet<String>,
}

/// Takes what has come since, oldest first, and gives one line for each.
async fn export(descope: &Descope, position: &mut Position) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let search = descope.management().audit().search().from(position.from).oldest_first(true);
    let mut trail = search.stream().page_size(100);
    let mut lines = Vec::new();
    while let Some(entry) = trail.next().await {
        let entry = entry?;
        let (Some(id), Some(at)) = (entry.id.clone(), entry.occurred_at()) else { continue };
        if at > position.from {
            (position.from, position.taken) = (at, HashSet::new());
        }
        if position.taken.insert(id) {
            lines.push(serde_json::to_string(&entry)?);
        }
    }
    Ok(lines)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    // Ten searches a minute are documented; the pace keeps to that.
    let descope = emulator.descope_builder().pace(Pacing::documented()).build()?;
    let users = descope.management().users();

    let mut position = Position { from: SystemTime::now() - Duration::from_secs(30 * 86_400), taken: HashSet::new() };
    descope.management().tenants().create("Acme").id("acme").send().await?;
    for day in ["monday", "tuesday"] {
        let people = (0..60).map(move |n| UserBatchCreateEntry::new(format!("{day}-{n}@example.com")));
        assert!(users.create_many(people, |call| call).failures().await.is_empty());
        emulator.clock().advance(Duration::from_secs(24 * 3600));
    }
    let first = export(&descope, &mut position).await?;
    println!("{} entries, such as {}", first.len(), first.last().ok_or("nothing")?);
    assert!(first.len() >= 120);

    // The next run, at once: nothing comes twice.
    assert!(export(&descope, &mut position).await?.is_empty());

    // Events of your own are in the same trail.
    let audit = descope.management().audit();
    let event = audit.create_event("InvoicesExported", AuditType::INFO, "nightly-export", "acme");
    event.data([("rows", 5)]).send().await?;
    let second = export(&descope, &mut position).await?;
    assert!(second.len() == 1 && second[0].contains("InvoicesExported"));
    Ok(())
}
