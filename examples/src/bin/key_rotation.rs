//! A drill: the project's signing keys change, the endpoint of the keys is down, and users notice nothing.

use descope_emulator::{Emulator, Fault, SessionRequest};
use descope_sdk::ErrorKind;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let sessions = descope.session();
    let sign_in = || emulator.sign_in(&SessionRequest::new("ada@example.com"));

    // At the start, so that the first user does not wait for the keys.
    sessions.validator().preload_keys().await?;
    let before = sign_in()?;
    sessions.validate(before.session_jwt.expose()).await?;

    // A rotation: new tokens are signed with a new key, and the old key is still published. The new one is fetched with the
    // first token that names it, however many come.
    emulator.add_key();
    let after = sign_in()?;
    for _ in 0..100 {
        sessions.validate(after.session_jwt.expose()).await?;
        sessions.validate(before.session_jwt.expose()).await?;
    }
    assert_eq!(emulator.calls("sessionKeys"), 2);
    println!("rotated: both keys count, after one more fetch");

    // The endpoint is down. Known keys go on serving, for a day unless you say otherwise.
    emulator.fail_next("sessionKeys", Fault::status(503).always());
    sessions.validate(after.session_jwt.expose()).await?;

    // A server that is started just now knows no keys. That is no verdict on the user: answer 503, not 401.
    let started_now = emulator.descope()?;
    let unknown = started_now.session().validate(after.session_jwt.expose()).await.expect_err("there are no keys");
    assert!(unknown.is_retryable() && unknown.kind() != ErrorKind::InvalidToken);
    println!("an outage: who has the keys goes on, who has none says {:?}", unknown.kind());
    emulator.clear_faults();

    // An emergency: the key was stolen, and is withdrawn. Whoever reads the keys anew, which a server does by itself every
    // ten minutes, does not accept it any more.
    emulator.rotate_keys();
    let reread = emulator.descope()?;
    let refused = reread.session().validate(after.session_jwt.expose()).await.expect_err("withdrawn");
    assert_eq!(refused.kind(), ErrorKind::InvalidToken);

    // Nobody has to sign in again: the refresh token is checked by the service, and leads to a token of the new key.
    let renewed = reread.session().refresh(&after.refresh_jwt).await?;
    reread.session().validate(renewed.session_jwt().expose()).await?;
    println!("withdrawn: old tokens are refused, and a refresh leads to new ones");
    Ok(())
}
