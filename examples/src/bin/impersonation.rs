//! A support agent sees what a user sees: with consent, for a while, and with both names in the token.

use std::time::{Duration, UNIX_EPOCH};

use descope_emulator::Emulator;
use descope_sdk::{ErrorKind, LoginId, session::Session, web::Refusal};

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@support.example";

/// What is not for somebody else to do.
fn change_password(session: &Session) -> Result<(), Refusal> {
    if session.is_impersonated() { Err(Refusal::Forbidden) } else { Ok(()) }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    let impersonation = management.impersonation();
    management.roles().create("Support").permission_names(["Impersonate"]).send().await?;
    management.users().create(LoginId::new(ADA)).send().await?;
    let grace = management.users().create(LoginId::new(GRACE)).role_names(["Support"]).send().await?;

    let start = || impersonation.start(LoginId::new(ADA), GRACE).validate_consent(true);
    let refused = start().send().await.expect_err("nobody has asked Ada");
    assert_eq!(refused.kind(), ErrorKind::Unauthorized);

    // Ada presses "Let the support look at my account for an hour".
    let an_hour = UNIX_EPOCH + Duration::from_secs(emulator.clock().now().unsigned_abs() + 3600);
    impersonation.set_consent(LoginId::new(ADA), an_hour).send().await?;

    let refresh_jwt = start().refresh_duration(Duration::from_secs(900)).send().await?;
    let as_ada = descope.session().refresh(&refresh_jwt).await?;
    let session = descope.session().validate(as_ada.session_jwt().expose()).await?;
    assert_eq!(session.impersonator(), grace.user_id.as_deref());
    println!("{} acts as {}", session.impersonator().unwrap_or_default(), session.user_id());
    assert!(change_password(&session).is_err());

    // Back to her own name, without a new sign-in. The session as Ada is over.
    let own = impersonation.stop(&refresh_jwt).send().await?;
    let own = descope.session().refresh(own).await?;
    let session = descope.session().validate(own.session_jwt().expose()).await?;
    assert!(!session.is_impersonated());
    assert!(descope.session().try_refresh(refresh_jwt).await?.is_none());

    // The trail has it, with both.
    let trail = management.audit().search().actions(["ImpersonationStarted", "ImpersonationStopped"]);
    for entry in trail.page(0, 10).await?.items {
        println!("{} {:?}", entry.action.unwrap_or_default(), entry.data);
    }

    // An hour later the consent has run out.
    emulator.clock().advance(Duration::from_secs(3601));
    assert!(start().send().await.is_err());
    Ok(())
}
