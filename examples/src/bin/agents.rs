//! Agents: tokens for programs, for themselves and for users who approve on another device.

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, PendingApprovalState, api::types::ThirdPartyApplicationCibaSettings};

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    descope.password().sign_up(ADA, "Difference-Engine-2").email(ADA).send().await?;

    // Once: the agent is an application of its own, with the scopes that it may ask for.
    let backchannel = ThirdPartyApplicationCibaSettings::new().enabled(true);
    let applications = descope.management().third_party_applications();
    let app = applications.create("Reporter").ciba_settings(backchannel).send().await?;
    let agent = descope.agent(app.client_id).client_secret(app.cleartext);

    // For itself. The token is kept, and renewed before it expires.
    let own = agent.client_credentials().keep()?;
    assert_eq!(own.access_token().await?, own.access_token().await?);
    println!("a token for itself");

    // For a user, from a terminal or a television: the user opens a page elsewhere and enters a code.
    let pending = agent.device().scope("openid").send().await?;
    let code = pending.user_code().ok_or("no code")?;
    println!("open {} and enter {code}", pending.verification_uri().unwrap_or_default());
    assert!(emulator.approve_device(code, ADA));
    let token = pending.wait().await?;
    let of_ada = agent.keep(token)?;
    assert!(!of_ada.access_token().await?.is_empty());

    // For a user who is asked on their telephone (CIBA). The message says what for: it stands on both screens.
    let pending = agent.backchannel(ADA, "openid").binding_message("Order 1843").send().await?;
    // Whoever waits may be another process.
    let stored = serde_json::to_string(pending.state())?;
    assert!(emulator.approve_backchannel(ADA));
    let state: PendingApprovalState = serde_json::from_str(&stored)?;
    agent.resume(state).wait().await?;
    println!("a token for Ada, who has approved order 1843");

    // She says no, and that is that.
    let pending = agent.backchannel(ADA, "openid").binding_message("Order 1844").send().await?;
    assert!(emulator.refuse_backchannel(ADA));
    let refused = pending.wait().await.expect_err("she has refused");
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    println!("no token for order 1844");
    Ok(())
}
