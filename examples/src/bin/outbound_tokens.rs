//! Acting for a user elsewhere: tokens for a calendar, a drive, an issue tracker that they have connected.

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, UserId};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let applications = descope.management().outbound_applications();

    // Once, mostly in the console: which service it is, and what to ask for.
    applications.create("Calendar").id("calendar").default_scopes(["read"]).send().await?;

    let ada = descope.password().sign_up("ada@example.com", "Difference-Engine-2").send().await?;
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    let user_id = UserId::new(session.user_id());

    // Nothing is connected yet.
    let missing = applications.fetch_latest_user_token("calendar", user_id.clone()).send().await.expect_err("no token");
    assert_eq!(missing.kind(), ErrorKind::NotFound);

    // The button "Connect my calendar": off to the calendar, and back without a code, for Descope keeps the tokens.
    let page = "https://app.example.com/settings";
    let redirect = descope.outbound().connect("calendar", refresh_jwt).redirect_url(page).with_state().send().await?;
    let back = emulator.approve(redirect.url(), "ada@calendar.example").await?;
    // The state tells that this user has begun it, and nobody who has sent her a link.
    redirect.state().ok_or("no state")?.check(&back)?;
    let connected = applications.list_connected(user_id.clone()).send().await?;
    println!("connected: {}", connected.join(", "));

    // The back end, whenever it needs the calendar. Descope renews the token when it has to.
    let token = applications.fetch_user_token("calendar", user_id.clone(), ["read"]).send().await?;
    let bearer = token.access_token.ok_or("no access token")?;
    println!("a token of {} characters, for {:?}", bearer.expose().len(), token.scopes);

    // More than she has agreed to is not to be had: ask her again, with these scopes.
    let wider = applications.fetch_user_token("calendar", user_id.clone(), ["write"]).send().await;
    assert!(wider.is_err());
    let more = descope.outbound().connect("calendar", refresh_jwt).redirect_url(page).scopes(["read", "write"]);
    let redirect = more.with_state().send().await?;
    let back = emulator.approve(redirect.url(), "ada@calendar.example").await?;
    redirect.state().ok_or("no state")?.check(&back)?;
    applications.fetch_user_token("calendar", user_id.clone(), ["write"]).send().await?;

    // The button "Disconnect".
    applications.delete_user_tokens().app_id("calendar").user_id(user_id.clone()).send().await?;
    assert!(applications.fetch_latest_user_token("calendar", user_id).send().await.is_err());
    println!("disconnected");
    Ok(())
}
