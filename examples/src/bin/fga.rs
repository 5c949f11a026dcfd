//! Fine-grained authorization: who may see which document, because of whom they know.

use descope_emulator::Emulator;
use descope_sdk::management::fga::{Fga, FgaTuple};

const SCHEMA: &str = "model AuthZ 1.0

type user

type team
  relation member: user

type folder
  relation owner: user
  relation viewer: user | team#member
  permission can_view: owner | viewer

type doc
  relation parent: folder
  relation owner: user
  permission can_edit: owner
  permission can_view: owner | parent.can_view
";

/// "`target` is the `relation` of `resource`", as in "ada is the owner of the roadmap".
fn tuple((kind, resource): (&str, &str), relation: &str, (target_kind, target): (&str, &str)) -> FgaTuple {
    let tuple = FgaTuple::new().resource_type(kind).resource(resource).relation(relation);
    tuple.target_type(target_kind).target(target)
}

async fn may(fga: &Fga, who: &str, permission: &str, doc: &str) -> descope_sdk::Result<bool> {
    let answer = fga.check([tuple(("doc", doc), permission, ("user", who))]).send().await?;
    // No answer is a no.
    Ok(answer.tuples.first().and_then(|result| result.allowed) == Some(true))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let (fga, authz) = (descope.management().fga(), descope.management().authz());

    // Once, with a deployment. `dry_run_schema` says what a new version would delete.
    fga.save_schema(SCHEMA).send().await?;
    println!("a second time it would delete {:?}", fga.dry_run_schema(SCHEMA).send().await?.relations);

    // With what users do: Ada writes a document in the folder of the team that Bob is in.
    let relations = [
        tuple(("team", "engines"), "member", ("user", "bob")),
        tuple(("folder", "plans"), "viewer", ("team#member", "engines")),
        tuple(("doc", "roadmap"), "parent", ("folder", "plans")),
        tuple(("doc", "roadmap"), "owner", ("user", "ada")),
    ];
    fga.create_relations(relations).send().await?;

    assert!(may(&fga, "ada", "can_edit", "roadmap").await?);
    assert!(may(&fga, "bob", "can_view", "roadmap").await?, "through the team and the folder");
    assert!(!may(&fga, "bob", "can_edit", "roadmap").await?);
    assert!(!may(&fga, "eve", "can_view", "roadmap").await?);

    // For a page "shared with": everybody who may.
    let who = authz.who_can_access("roadmap", "can_view", "doc").send().await?;
    println!("the roadmap is seen by {}", who.join(" and "));
    assert_eq!(who, ["ada", "bob"]);

    // Bob leaves the team, and with one relation all its documents.
    fga.delete_relations([tuple(("team", "engines"), "member", ("user", "bob"))]).send().await?;
    assert!(!may(&fga, "bob", "can_view", "roadmap").await?);
    Ok(())
}
