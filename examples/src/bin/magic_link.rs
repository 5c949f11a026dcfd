//! Sign-in by a link in a mail, where it is clicked.

use std::time::Duration;

use descope_emulator::Emulator;
use descope_sdk::LoginId;

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application

    // The form with the email address was sent. The link leads to this page of yours.
    let page = "https://app.example.com/verify";
    let sent = descope.magic_link().email(ADA).sign_up_or_in().redirect_url(page).send().await?;
    println!("a link is on its way to {}", sent.masked_address().unwrap_or(ADA));

    // Ada opens her mail, and the page is opened as https://app.example.com/verify?t=…
    let link = emulator.inbox().next(ADA).await.links.swap_remove(0);
    assert!(link.url.starts_with(page));

    // The page hands over the address that it was opened with; the token alone does as well.
    let ada = descope.magic_link().verify(link.url.as_str()).await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    println!("{} is signed in, {}", session.user_id(), if ada.first_seen() { "for the first time" } else { "again" });

    // A link is good for one click, and for a short time.
    assert!(descope.magic_link().verify(link.url).await.is_err());
    descope.magic_link().email(ADA).sign_in().redirect_url(page).send().await?;
    let late = emulator.inbox().next(ADA).await.links.swap_remove(0);
    emulator.clock().advance(Duration::from_secs(3600));
    let refused = descope.magic_link().verify(late.token).await.expect_err("an old link");
    println!("an hour later: {:?}", refused.kind());

    // In a message of your own, such as the mail with an invoice: the back end makes the token, and nothing is sent.
    let links = descope.management().embedded_links();
    let token = links.sign_in(LoginId::new(ADA)).timeout(Duration::from_secs(300)).send().await?;
    descope.magic_link().verify(token).await?;
    println!("signed in by a link of our own");
    Ok(())
}
