//! A link that is clicked on one device and signs the user in on another.

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, PendingLinkState};

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application

    // On the laptop. Its screen shows a number, and the mail has three links with one number each.
    let page = "https://app.example.com/verify";
    let pending = descope.enchanted_link().sign_up_or_in(ADA).redirect_url(page).send().await?;
    println!("open the link with the number {} in your mail", pending.link_id());

    // The browser of the laptop asks again and again, and each request may reach another process of yours. Keep this
    // in its session; it holds a secret.
    let stored = serde_json::to_string(&pending)?;
    let state: PendingLinkState = serde_json::from_str(&stored)?;
    let pending = descope.enchanted_link().resume(state);
    assert!(pending.check().await?.is_none(), "nobody has clicked yet");

    // On the telephone Ada takes a wrong link first.
    let mail = emulator.inbox().next(ADA).await;
    let wrong = mail.links.iter().find(|link| link.link_id.as_deref() != Some(pending.link_id())).ok_or("one link")?;
    let refused = descope.enchanted_link().verify(wrong.token.as_str()).await.expect_err("a wrong link");
    println!("the wrong link: {:?}", refused.kind());

    // The page behind the link says "go back to where you came from"; it gets no session.
    let right = mail.link(pending.link_id()).ok_or("no link with this number")?;
    descope.enchanted_link().verify(right.token.as_str()).await?;

    // The laptop is signed in. `wait` asks as often as is right, and `check` once.
    let ada = pending.wait().await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    println!("{} is signed in on the laptop", session.user_id());

    // The session is handed out once.
    let again = pending.check().await.expect_err("it was fetched");
    assert_ne!(again.kind(), ErrorKind::Network);
    Ok(())
}
