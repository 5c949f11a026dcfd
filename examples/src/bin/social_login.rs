//! Sign-in at Google, GitHub and others.

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, RedirectState};

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let oauth = descope.oauth();

    // The button "Sign in with Google": the answer is a redirect, and the state goes into the browser's session.
    let page = "https://app.example.com/back?next=cart";
    let redirect = oauth.start("google").redirect_url(page).with_state().send().await?;
    println!("302 Found, Location: {}", redirect.url().split('?').next().unwrap_or_default());
    let kept = serde_json::to_string(redirect.state().ok_or("no state")?)?;

    // Ada approves at the provider; the emulator is the provider too.
    let back = emulator.approve(redirect.url(), ADA).await?;

    // The browser comes back to https://app.example.com/back?next=cart&state=…&code=…
    let state: RedirectState = serde_json::from_str(&kept)?;
    let ada = oauth.exchange(state.accept(&back)?).await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    println!("{} is signed in", session.user_id());

    // A link that somebody else has begun would sign her in as them. Its state is not hers.
    let other = oauth.start("google").redirect_url(page).with_state().send().await?;
    let planted = emulator.approve(other.url(), "mallory@example.com").await?;
    assert_eq!(state.accept(&planted).expect_err("not hers").argument(), Some("state"));

    // She presses "Cancel" at the provider: an error without any call.
    let redirect = oauth.start("google").redirect_url(page).send().await?;
    let back = emulator.refuse(redirect.url()).await?;
    let refused = oauth.exchange(back).await.expect_err("she has refused");
    assert_eq!((refused.kind(), refused.message()), (ErrorKind::Api, Some("access_denied")));

    // Only for those who have an account already, as on a page for customers.
    let redirect = oauth.sign_in("github").redirect_url(page).send().await?;
    let back = emulator.approve(redirect.url(), "stranger@example.com").await?;
    assert_eq!(oauth.exchange(back).await.expect_err("nobody").kind(), ErrorKind::NotFound);

    // A second provider for the account that she is signed in to.
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    let redirect = oauth.update("github", refresh_jwt).redirect_url(page).send().await?;
    let back = emulator.approve(redirect.url(), ADA).await?;
    assert!(!oauth.exchange(back).await?.first_seen());
    println!("GitHub leads to the same account");
    Ok(())
}
