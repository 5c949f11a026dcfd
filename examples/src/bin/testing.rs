//! What a test of your application can do: read mails, move the clock, break the network, look at the requests.

use std::time::Duration;

use descope_emulator::{Emulator, Fault, RequestFilter, SessionRequest};
use descope_sdk::{ErrorKind, RetryPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One for each test, in its own process and on a port of its own: tests run side by side.
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // what the application under test gets

    // A mail is there as soon as the call has returned; `next` waits for it otherwise.
    let pending = descope.otp().email("ada@example.com").sign_up().send().await?;
    let mail = emulator.inbox().next("ada@example.com").await;
    let ada = pending.verify(mail.code.ok_or("a mail without a code")?).await?;

    // Time passes when you say so, for the client too.
    let session_jwt = ada.session_jwt().expose();
    descope.session().validate(session_jwt).await?;
    emulator.clock().advance(Duration::from_secs(3600));
    let expired = descope.session().validate(session_jwt).await.expect_err("an hour has passed");
    assert_eq!(expired.kind(), ErrorKind::InvalidToken);

    // Where the sign-in is not what the test is about.
    let grace = emulator.sign_in(&SessionRequest::new("grace@example.com").claim("plan", "pro"))?;
    let session = descope.session().validate(grace.session_jwt.expose()).await?;
    assert_eq!(session.claim_as::<String>("plan")?.as_deref(), Some("pro"));

    // The service is down: once, for long, or only for one user.
    emulator.fail_next("sessionRefresh", Fault::status(503).times(2));
    let unhurried = emulator.descope_builder().retry(RetryPolicy::none()).build()?;
    let down = unhurried.session().refresh(&grace.refresh_jwt).await.expect_err("it is down");
    assert!(down.is_retryable());
    println!("the application hears of an outage: {:?}", down.kind());
    emulator.clear_faults();

    // The mail was sent, but the answer got lost: the call must not be repeated.
    let lost = Fault::close().after_handling().login_id("ada@example.com");
    emulator.add_fault(lost)?;
    assert!(descope.otp().email("ada@example.com").sign_in().send().await.is_err());
    let sent = emulator.find_requests(&RequestFilter::new().operation("otpSignInEmail"));
    assert_eq!(sent.len(), 1);

    // Everything is forgotten; address and keys stay.
    emulator.reset();
    assert!(emulator.inbox().messages().is_empty());
    println!("{} operations can be tested without a network", Emulator::emulated_operations().len());
    Ok(())
}
