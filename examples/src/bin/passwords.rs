//! Passwords: the project's policy, sign-up, sign-in, a change, and a reset by mail.

use descope_emulator::Emulator;

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let password = descope.password();

    // The policy is fetched once and checked here, while the user types.
    let policy = password.policy().await?;
    for problem in policy.check("short") {
        println!("the password {problem}");
    }
    assert!(!policy.check("short").is_empty() && policy.check("Difference-Engine-2").is_empty());

    let ada = password.sign_up(ADA, "Difference-Engine-2").email(ADA).name("Ada Lovelace").send().await?;
    assert!(ada.first_seen());
    // Nothing says yet that the address is hers. A code does, and only then can a password be reset by mail.
    let pending = descope.otp().email(ADA).sign_in().send().await?;
    pending.verify(emulator.inbox().next(ADA).await.code.ok_or("a mail without a code")?).await?;
    let refused = password.sign_in(ADA, "Difference-Engine-3").send().await.expect_err("a wrong password");
    println!("a wrong password: {:?}", refused.kind());

    // Known old password: no mail is needed. Sessions elsewhere end.
    let elsewhere = password.sign_in(ADA, "Difference-Engine-2").send().await?;
    let change = password.replace(ADA, "Difference-Engine-2", "Analytical-Engine-1").revoke_other_sessions(true);
    let ada = change.send().await?;
    let elsewhere = elsewhere.refresh_jwt().ok_or("no refresh token")?;
    assert!(descope.session().try_refresh(elsewhere).await?.is_none());
    assert!(ada.refresh_jwt().is_some());

    // Forgotten: a mail with a link to a page of yours, which asks for the new one.
    password.reset(ADA).redirect_url("https://app.example.com/new-password").send().await?;
    let link = emulator.inbox().next(ADA).await.links.swap_remove(0);
    let ada = descope.magic_link().verify(link.url).await?;
    let refresh_jwt = ada.refresh_jwt().ok_or("no refresh token")?;
    let weak = password.update(ADA, "short", refresh_jwt).await.expect_err("the policy holds here too");
    println!("a weak one: {:?}", weak.kind());
    password.update(ADA, "Jacquard-Loom-5", refresh_jwt).await?;
    password.sign_in(ADA, "Jacquard-Loom-5").send().await?;
    println!("signed in with the new password");
    Ok(())
}
