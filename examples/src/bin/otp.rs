//! Sign-in by a one-time code.

use descope_emulator::Emulator;
use descope_sdk::ErrorKind;

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application

    // The form with the email address was sent.
    let pending = descope.otp().email(ADA).sign_up_or_in().send().await?;
    println!("a code is on its way to {}", pending.masked_address().unwrap_or(ADA));

    // Ada reads her mail.
    let code = emulator.inbox().next(ADA).await.code.ok_or("a mail without a code")?;

    // She mistypes it first: her session has not begun, and the code is still good.
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let refused = pending.verify(wrong).await.expect_err("a wrong code");
    assert_eq!(refused.kind(), ErrorKind::WrongCode);

    let ada = pending.verify(code.as_str()).await?;
    assert!(ada.first_seen());

    // With each of her requests: a signature check on this machine, no call to Descope.
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    println!("{} is signed in", session.user_id());

    // A code is good once.
    assert!(pending.verify(code).await.is_err());
    Ok(())
}
