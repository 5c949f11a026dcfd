//! A migration during which nobody has to sign in again: sessions of the old system become sessions of Descope.

use descope_emulator::Emulator;
use descope_sdk::{Authentication, Descope, ErrorKind, LoginId, session::Session};

/// What a request of a browser brings.
#[derive(Default)]
struct Cookies {
    session: Option<String>,
    refresh: Option<String>,
    /// Of the system before, until it is switched off.
    old: Option<String>,
}

/// Who it is, and the tokens that the browser gets in place of what it has.
async fn who(descope: &Descope, cookies: &Cookies) -> descope_sdk::Result<Option<(Session, Option<Authentication>)>> {
    let sessions = descope.session();
    match sessions.validate_or_refresh(cookies.session.as_deref(), cookies.refresh.as_deref()).await {
        Ok(valid) => return Ok(Some(valid.into_parts())),
        // The service could not be asked: that says nothing of the user.
        Err(error) if error.is_retryable() => return Err(error),
        Err(_) => {}
    }
    let Some(old) = cookies.old.as_deref() else { return Ok(None) };
    match sessions.migrate(old).await {
        Ok(user) => {
            let session = sessions.validate(user.session_jwt().expose()).await?;
            Ok(Some((session, Some(user))))
        }
        // Not brought along yet, too old, or not of that system: the page for signing in.
        Err(error) if [ErrorKind::NotFound, ErrorKind::Expired, ErrorKind::Unauthorized].contains(&error.kind()) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    descope.management().users().create(LoginId::new("ada@example.com")).send().await?;

    // A session that Ada began with the old system. The emulator takes the ID tokens of its own provider for such.
    let old = emulator.provider_id_token("ada@example.com", "Ada", None)?;
    let request = Cookies { old: Some(old), ..Cookies::default() };
    let (session, tokens) = who(&descope, &request).await?.ok_or("she has to sign in again")?;
    println!("{} stays signed in", session.user_id());

    // Her next request brings the new cookies, and the old system is not needed any more.
    let tokens = tokens.ok_or("no tokens")?;
    let next = Cookies { session: Some(tokens.session_jwt().expose().to_owned()), ..Cookies::default() };
    let (again, tokens) = who(&descope, &next).await?.ok_or("she has to sign in again")?;
    assert_eq!(again.user_id(), session.user_id());
    assert!(tokens.is_none());

    // Bob was not brought along, and Eve has made her token up.
    let bob = emulator.provider_id_token("bob@example.com", "Bob", None)?;
    for old in [bob, "made.up.token".to_owned()] {
        assert!(who(&descope, &Cookies { old: Some(old), ..Cookies::default() }).await?.is_none());
    }
    Ok(())
}
