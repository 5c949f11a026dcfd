//! SCIM: the directory of a customer creates, changes and disables its users by itself.

use descope_emulator::Emulator;
use descope_sdk::{LoginId, StatusCode, vocabulary::UserStatus};
use serde_json::{Value, json};

const ADA: &str = "ada@acme.example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().start().await?;
    let descope = emulator.descope()?; // Descope::from_env()? in your application
    let management = descope.management();
    management.tenants().create("Acme").id("acme").send().await?;

    // Address and key go into the settings of the customer's directory. The key is shown once, and opens this tenant alone.
    let key = management.scim_keys().create("acme").name("Okta").send().await?;
    let scim = format!("{}/scim/v2", emulator.base_url());
    let bearer = format!("{}:{}", descope.project_id(), key.cleartext.expose());
    println!("SCIM base URL {scim}, and a bearer token");

    // What the directory does from then on, whichever it is.
    let directory = reqwest::Client::new();
    let call = async |request: reqwest::RequestBuilder, body: Value| {
        let request = request.header("content-type", "application/scim+json").body(body.to_string());
        let response = request.bearer_auth(&bearer).send().await?;
        let status = response.status();
        let text = response.text().await?;
        Ok::<_, reqwest::Error>((status, serde_json::from_str::<Value>(&text).unwrap_or_default()))
    };
    let ada = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": ADA, "name": {"givenName": "Ada"}, "emails": [{"value": ADA, "primary": true}], "active": true,
    });
    let (status, created) = call(directory.post(format!("{scim}/Users")), ada.clone()).await?;
    assert!(status.is_success());
    let (status, _) = call(directory.post(format!("{scim}/Users")), ada).await?;
    assert_eq!(status, StatusCode::CONFLICT, "created twice");

    let known = management.users().load(LoginId::new(ADA)).send().await?;
    assert_eq!(known.user_tenants.first().and_then(|tenant| tenant.tenant_id.as_deref()), Some("acme"));
    println!("the directory has created {}", known.user_id.unwrap_or_default());

    // She leaves the company: the directory disables her, and her sessions end.
    let signed_in = emulator.sign_in(&descope_emulator::SessionRequest::new(ADA))?;
    let user = format!("{scim}/Users/{}", created["id"].as_str().unwrap_or_default());
    let leaves = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}],
    });
    let (status, _) = call(directory.patch(&user), leaves).await?;
    assert!(status.is_success());
    let known = management.users().load(LoginId::new(ADA)).send().await?;
    assert_eq!(known.status, Some(UserStatus::DISABLED));
    assert!(descope.session().try_refresh(&signed_in.refresh_jwt).await?.is_none());
    println!("she is disabled, and signed out");

    // A key that has been seen by too many is replaced.
    management.scim_keys().revoke("acme").send().await?;
    assert_eq!(call(directory.get(&user), Value::Null).await?.0, StatusCode::UNAUTHORIZED);
    Ok(())
}
