//! An authenticator app as a second factor, and codes for the day when the telephone is gone.

use std::time::Duration;

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, web::Require};

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "Difference-Engine-2";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let needs_two = Require::new().factor("mfa");

    let ada = descope.password().sign_up(ADA, PASSWORD).send().await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    assert!(session.require(&needs_two).is_err());

    // Once, in her settings: the picture is shown, and she scans it with the app.
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    let seed = descope.totp().update(ADA, refresh_jwt).await?;
    let picture = format!("<img src=\"data:image/png;base64,{}\">", seed.image().expose());
    assert!(picture.len() > 100);
    let recovery_codes = descope.recovery_codes().generate(ADA, refresh_jwt).await?;
    println!("{} recovery codes are shown, to be printed", recovery_codes.len());

    // From then on, after the password: the code that the app shows. The refresh token joins the two.
    let first = descope.password().sign_in(ADA, PASSWORD).send().await?;
    let first = first.refresh_jwt().ok_or("no refresh token")?;
    let shown = emulator.totp_code(seed.key().expose()).ok_or("no seed")?;
    let both = descope.totp().verify(ADA, shown.as_str()).mfa(first).send().await?;
    let session = descope.session().validate(both.session_jwt().expose()).await?;
    session.require(&needs_two)?;
    println!("signed in by {}", session.factors().join(" and "));

    // A code is good once; whoever looks over her shoulder is too late.
    let again = descope.totp().verify(ADA, shown).send().await.expect_err("a used code");
    assert_eq!(again.kind(), ErrorKind::WrongCode);
    emulator.clock().advance(Duration::from_secs(30));

    // The telephone is gone.
    let first = descope.password().sign_in(ADA, PASSWORD).send().await?;
    let first = first.refresh_jwt().ok_or("no refresh token")?;
    let code = recovery_codes.first().ok_or("no codes")?;
    let both = descope.recovery_codes().sign_in(ADA, code).mfa(first).send().await?;
    descope.session().validate(both.session_jwt().expose()).await?.require(&needs_two)?;
    assert!(descope.recovery_codes().sign_in(ADA, code).send().await.is_err(), "each is good once");
    println!("signed in by a recovery code");
    Ok(())
}
