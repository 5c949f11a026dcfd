//! Claims of your own in tokens: by a template, by the back end, and those that the client has chosen.

use descope_emulator::Emulator;
use descope_sdk::{LoginId, api::types::JwtTemplate};
use serde_json::json;

const ADA: &str = "ada@example.com";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    management.users().create_attributes([plan()]).send().await?;
    let ada = management.users().create(LoginId::new(ADA)).email(ADA).verified_email(true).name("Ada");
    ada.custom_attribute("plan", "pro").send().await?;

    // For every token of the project: a template, filled in from the user.
    let claims = [("plan", json!("{{user.customAttributes.plan}}")), ("mail", json!("{{user.email}}"))];
    let template = JwtTemplate::new().name("Web").type_("user").template(claims);
    for issue in management.jwt_templates().validate().template(template.clone()).send().await?.issues {
        println!("{issue:?}");
    }
    let template = management.jwt_templates().create(template).send().await?;
    // Which template counts is chosen in the console, in the settings of the project. Of the emulator it is a setting.
    let settings = format!("{}/_emulator/settings", emulator.base_url());
    reqwest::Client::new().post(settings).json(&json!({"userTemplateId": template.id})).send().await?;

    // Of one sign-in: what the back end knows, and what only the caller says.
    let token =
        management.embedded_links().sign_in(LoginId::new(ADA)).custom_claim("campaign", "spring").send().await?;
    let ada = descope.magic_link().verify(token).await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    let plan: Option<String> = session.claim_as("plan")?;
    assert_eq!(plan.as_deref(), Some("pro"));
    assert_eq!(session.claim("campaign"), Some(&json!("spring")));
    println!("her plan is {}", plan.unwrap_or_default());

    // What comes from a sign-in form of yours is for you to trust or not: it stands apart, in `nsec`.
    let pending = descope.otp().email(ADA).sign_in().custom_claim("plan", "enterprise").send().await?;
    let ada = pending.verify(emulator.inbox().next(ADA).await.code.ok_or("a mail without a code")?).await?;
    let session = descope.session().validate(ada.session_jwt().expose()).await?;
    assert_eq!(session.claim("plan"), Some(&json!("pro")));
    assert_eq!(session.client_claims().and_then(|claims| claims.get("plan")), Some(&json!("enterprise")));
    Ok(())
}

/// Attributes have to be known to the project before users can have them.
fn plan() -> descope_sdk::api::types::CustomAttribute {
    descope_sdk::api::types::CustomAttribute::new().name("plan").display_name("Plan").type_(1)
}
