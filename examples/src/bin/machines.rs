//! Machine to machine: an access key, a session that renews itself, and a rotation that nobody notices.

use std::time::Duration;

use descope_emulator::Emulator;
use descope_sdk::{ErrorCode, ErrorKind, session::Session, web::Require};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    let keys = management.access_keys();
    management.permissions().create("reports:write").send().await?;
    management.roles().create("Reporter").permission_names(["reports:write"]).send().await?;

    // Once, by an administrator. The clear text is shown here and never again; it goes into the secrets of the job.
    let create = keys.create("nightly report").role_names(["Reporter"]).custom_claim("job", "report");
    let created = create.permitted_ips(["127.0.0.0/8"]).send().await?;
    let id = created.key.id.clone().ok_or("a key without an id")?;

    // The job: the key is exchanged when a token is first needed, and again before that one expires.
    let machine = descope.access_key().exchange(&created.cleartext).keep()?;
    let first = machine.session_jwt().await?;
    assert_eq!(first, machine.session_jwt().await?, "the same for as long as it is good");
    emulator.clock().advance(Duration::from_secs(3600));
    assert_ne!(first, machine.session_jwt().await?);

    // The service that it calls: the same check as for users.
    let session = descope.session().validate(machine.session_jwt().await?.expose()).await?;
    serve(&session)?;

    // Rotation without a gap: a second key, a deployment, and then the first one goes.
    let second = keys.create("nightly report, 2").role_names(["Reporter"]).send().await?;
    let redeployed = descope.access_key().exchange(&second.cleartext).keep()?;
    serve(&descope.session().validate(redeployed.session_jwt().await?.expose()).await?)?;
    keys.deactivate(&id).send().await?;
    let refused = descope.access_key().exchange(&created.cleartext).send().await.expect_err("deactivated");
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unauthorized, Some(&ErrorCode::ACCESS_KEY_INVALID)));
    keys.delete(&id).send().await?;
    println!("rotated without a gap");

    // In an emergency, at once: the same key, a new clear text, and the old one is worth nothing.
    let second_id = second.key.id.ok_or("a key without an id")?;
    let rotated = keys.rotate(second_id).send().await?;
    assert!(descope.access_key().exchange(second.cleartext).send().await.is_err());
    descope.access_key().exchange(rotated.cleartext).send().await?;
    println!("rotated at once");
    Ok(())
}

fn serve(session: &Session) -> Result<(), descope_sdk::web::Refusal> {
    session.require(&Require::new().permission("reports:write"))?;
    println!("{} writes a report", session.user_id());
    Ok(())
}
