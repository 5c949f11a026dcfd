//! Users of another system, with the hashes of their passwords: they sign in as ever.

use descope_emulator::Emulator;
use descope_sdk::{
    LoginId, Pacing,
    management::user::{ImportedPassword, ImportedPasswordHash, UserBatchCreateEntry},
};

/// Of the password "Difference-Engine-2", by bcrypt.
const HASH: &str = "$2b$04$5l9o/3apsYGShhO57K1qYubV5867xdcPtPLB/rrueVSAwSTP3vDoS";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    // The import goes as fast as the limits allow, and no faster.
    let descope = emulator.descope_builder().pace(Pacing::documented()).build()?;
    let users = descope.management().users();

    // Row by row from the old system's export, as an iterator: of any length, in little memory.
    let rows = (0..250).map(|n| {
        let email = format!("user-{n}@example.com");
        UserBatchCreateEntry::new(email.as_str())
            .email(email)
            // Only if the old system has verified it: whoever has the address can take the account over.
            .verified_email(n % 2 == 0)
            .hashed_password(ImportedPassword::new().bcrypt(ImportedPasswordHash::new(HASH)))
            .created_time(1_700_000_000)
    });

    // One answer gets lost on the way, and one row is there already.
    users.create(LoginId::new("user-7@example.com")).send().await?;
    emulator.fail_next("managementUserBatchCreate", descope_emulator::Fault::close().after_handling());

    let (mut moved, mut unsettled, mut refused) = (0, Vec::new(), 0);
    let mut import = users.create_many(rows, |call| call).chunk_size(100).concurrency(2);
    while let Some(item) = import.next().await {
        let nobody_knows = item.is_unsettled();
        match item.result {
            Ok(_) => moved += 1,
            // Nobody knows whether it was done. Look before it is sent again.
            Err(_) if nobody_knows => unsettled.push(item.input.login_id),
            Err(error) => {
                println!("{}: {error}", item.input.login_id);
                refused += 1;
            }
        }
        // `item.number + 1` is what `start_at` takes to go on here after a crash.
    }
    for login_id in unsettled {
        users.load(LoginId::new(login_id)).send().await?;
        moved += 1;
    }
    println!("{moved} moved, {refused} refused");

    // Nobody gets a mail, nobody chooses a password anew.
    descope.password().sign_in("user-42@example.com", "Difference-Engine-2").send().await?;
    assert!(descope.password().sign_in("user-42@example.com", "Difference-Engine-3").send().await.is_err());
    Ok(())
}
