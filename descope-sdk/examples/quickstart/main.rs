//! A tour: links, codes, questions and keys, from nothing to a validated session. `examples/all_methods` at the top of the
//! repository has the other ways to sign in.
//!
//! ```sh
//! cargo run -p descope-sdk --example quickstart
//! ```
//!
//! starts a Descope in this very process, so it needs no account and no network. With `DESCOPE_PROJECT_ID` set (and
//! `DESCOPE_MANAGEMENT_KEY` for the second half) the same tour talks to the real service and asks at the terminal for
//! what arrives in the mail.

mod mailbox;

use std::error::Error;

use descope_sdk::{Descope, LoginId, session::Session};
use mailbox::Mailbox;
use serde_json::json;

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// Where the links lead. The real page would hand the token in its address to `verify`.
const VERIFY_PAGE: &str = "https://app.example.com/verify";

#[tokio::main]
async fn main() -> Done {
    let started = std::time::Instant::now();
    let (descope, mailbox) = if std::env::var_os("DESCOPE_PROJECT_ID").is_some() {
        println!("Talking to project {}.\n", std::env::var("DESCOPE_PROJECT_ID")?);
        (Descope::from_env()?, Mailbox::Terminal)
    } else {
        let emulator = descope_emulator::Emulator::builder().start().await?;
        println!("No DESCOPE_PROJECT_ID, so a local Descope was started at {}.\n", emulator.base_url());
        (emulator.descope()?, Mailbox::Emulator(emulator))
    };
    let login_id = mailbox.login_id().await?;

    let refresh_jwt = enchanted_link(&descope, &mailbox, &login_id).await?;
    one_time_code(&descope, &mailbox, &login_id).await?;
    magic_link(&descope, &mailbox, &login_id).await?;
    security_questions(&descope, &mailbox, &login_id, &refresh_jwt).await?;
    if mailbox.has_management_key() {
        embedded_link(&descope, &login_id).await?;
        access_key(&descope).await?;
    } else {
        println!("Set DESCOPE_MANAGEMENT_KEY to see embedded links and access keys as well.");
    }

    heading("Log out");
    descope.session().logout(&refresh_jwt).await?;
    let refused = descope.session().refresh(&refresh_jwt).await.expect_err("a session that was ended");
    println!("  after logout the refresh token is worth nothing: {refused}");
    println!("\nThat was {} ms.", started.elapsed().as_millis());
    Ok(())
}

/// The user starts on one device and clicks on another.
async fn enchanted_link(descope: &Descope, mailbox: &Mailbox, login_id: &str) -> Done<descope_sdk::Secret> {
    heading("Enchanted link");
    let pending = descope.enchanted_link().sign_up_or_in(login_id).redirect_url(VERIFY_PAGE).send().await?;
    let shown = pending.masked_address().unwrap_or(login_id);
    println!("  mail sent to {shown}; on the screen stands the number {}", pending.link_id());

    // One task waits for the session, as a web page would, while the user reads the mail.
    let link_id = pending.link_id().to_owned();
    let (waited, clicked) = tokio::join!(pending.wait(), mailbox.click(descope, login_id, &link_id));
    clicked?;
    let ada = waited?;
    println!("  the waiting device is signed in");

    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    show(&session);
    Ok(ada.refresh_jwt().ok_or("the project keeps refresh tokens in cookies")?.clone())
}

async fn one_time_code(descope: &Descope, mailbox: &Mailbox, login_id: &str) -> Done {
    heading("One-time code");
    let pending = descope.otp().email(login_id).sign_in().send().await?;
    println!("  code sent to {}", pending.masked_address().unwrap_or(login_id));
    let code = mailbox.code(login_id).await?;

    let wrong = if code == "000000" { "111111" } else { "000000" };
    let refused = pending.verify(wrong).await.expect_err("a wrong code");
    println!("  with {wrong}: {:?} ({refused})", refused.kind());

    let ada = pending.verify(code.as_str()).await?;
    println!("  with the right one: signed in, {}", if ada.first_seen() { "a new user" } else { "a known user" });
    Ok(())
}

async fn magic_link(descope: &Descope, mailbox: &Mailbox, login_id: &str) -> Done {
    heading("Magic link");
    descope.magic_link().email(login_id).sign_in().redirect_url(VERIFY_PAGE).send().await?;
    let token = mailbox.link_token(login_id).await?;
    descope.magic_link().verify(token.as_str()).await?;
    println!("  clicked: signed in");
    let again = descope.magic_link().verify(token.as_str()).await.expect_err("a link is good for one click");
    println!("  clicked again: {:?}", again.kind());
    Ok(())
}

async fn security_questions(
    descope: &Descope,
    mailbox: &Mailbox,
    login_id: &str,
    refresh_jwt: &descope_sdk::Secret,
) -> Done {
    heading("Security questions");
    let Some(id) = mailbox.question_id().await? else {
        println!("  left out");
        return Ok(());
    };
    let questions = descope.security_questions();
    questions.setup(login_id, refresh_jwt).answer(&id, "Analytical Engine").send().await?;
    for question in questions.get(refresh_jwt).await? {
        println!("  asked: {}", question.text.unwrap_or_default());
    }
    let wrong = questions.verify(login_id, refresh_jwt).answer(&id, "Abacus").send().await.expect_err("a wrong answer");
    println!("  \"Abacus\": {:?}", wrong.kind());
    questions.verify(login_id, refresh_jwt).answer(&id, "analytical engine").send().await?;
    println!("  \"analytical engine\": passed");
    Ok(())
}

/// The back end makes the token and brings it to the user itself.
async fn embedded_link(descope: &Descope, login_id: &str) -> Done {
    heading("Embedded link");
    let token = descope.management().embedded_links().sign_in(LoginId::new(login_id)).send().await?;
    descope.magic_link().verify(token).await?;
    println!("  made by the back end, redeemed like a magic link: signed in");
    Ok(())
}

async fn access_key(descope: &Descope) -> Done {
    heading("Access key");
    let keys = descope.management();
    let created = keys.access_keys().create("Nightly report").custom_claim("job", json!("report")).send().await?;
    let machine = descope.access_key().exchange(&created.cleartext).send().await?;
    let session = descope.session().validate(machine.session_jwt().expose()).await?;
    println!("  exchanged for a session of {}", session.user_id());
    println!("  its claim `job`: {}", session.claim("job").unwrap_or(&json!(null)));
    keys.access_keys().delete(session.user_id()).send().await?;
    println!("  deleted again");
    Ok(())
}

fn show(session: &Session) {
    println!("  validated here, without a call: user {}", session.user_id());
    let claims = serde_json::to_value(session.claims()).unwrap_or_default();
    for (name, value) in claims.as_object().into_iter().flatten() {
        println!("    {name:12} {value}");
    }
}

fn heading(text: &str) {
    println!("{text}");
}
