//! Ending sessions: this one, all of a user, those of one type; by the user and by an administrator.

use descope_emulator::Emulator;
use descope_sdk::{Authentication, Descope, ErrorCode, ErrorKind, LoginId, Secret};

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "Difference-Engine-2";

async fn sign_in(descope: &Descope) -> descope_sdk::Result<Authentication> {
    descope.password().sign_in(ADA, PASSWORD).send().await
}

fn refresh_jwt(ada: &Authentication) -> &Secret {
    ada.refresh_jwt().expect("the project gives refresh tokens in the body")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    descope.password().sign_up(ADA, PASSWORD).send().await?;
    let sessions = descope.session();

    // Here: the telephone goes on.
    let (laptop, telephone) = (sign_in(&descope).await?, sign_in(&descope).await?);
    let cookies = sessions.logout(refresh_jwt(&laptop)).await?;
    assert!(descope.session().cookies().clear(&cookies)?.values().count() > 0);
    let ended = sessions.refresh(refresh_jwt(&laptop)).await.expect_err("a session that was ended");
    assert_eq!((ended.kind(), ended.code()), (ErrorKind::Unauthorized, Some(&ErrorCode::LOGGED_OUT)));
    sessions.refresh(refresh_jwt(&telephone)).await?;
    println!("the laptop is signed out, the telephone is not");

    // The session token is checked on your machine, which is not told: it is good until it expires, in minutes.
    sessions.validate(laptop.session_jwt().expose()).await?;
    // Where that is too long, ask the service.
    assert!(sessions.validate_remotely(laptop.session_jwt()).await.is_err());

    // Everywhere, as after a password was stolen.
    let laptop = sign_in(&descope).await?;
    sessions.logout_all(refresh_jwt(&laptop)).await?;
    assert!(sessions.try_refresh(refresh_jwt(&telephone)).await?.is_none());
    println!("signed out everywhere");

    // Of one type. An empty list would mean every type, so it is refused before anything is sent.
    let laptop = sign_in(&descope).await?;
    let empty = sessions.logout_types(refresh_jwt(&laptop), [] as [&str; 0]).await.expect_err("no type");
    assert_eq!(empty.argument(), Some("session_types"));
    match sessions.logout_types(refresh_jwt(&laptop), ["web"]).await {
        Ok(_) => println!("the sessions of type web are signed out"),
        // The sessions of the emulator have no types.
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    }

    // By an administrator, who has no token of hers.
    descope.management().users().logout(LoginId::new(ADA)).send().await?;
    assert!(sessions.try_refresh(refresh_jwt(&laptop)).await?.is_none());
    println!("signed out by an administrator");
    Ok(())
}
