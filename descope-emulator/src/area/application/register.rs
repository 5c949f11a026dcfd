//! Clients that nobody has heard of and that describe themselves (RFC 7591).

use descope_api::types::{ApplicationRegisterRequest, ApplicationRegisterResponse, ThirdPartyApplication};
use serde_json::json;
use url::Url;

use super::{ApplicationRecord, Secrets, client_id_of, members_of, refuse_taken};
use crate::{
    area::some,
    error::Refusal,
    http::{Call, Table, op},
};

/// Scopes that every client may ask for without naming them anywhere.
const STANDARD: [&str; 5] = ["openid", "profile", "email", "phone", "offline_access"];

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementInboundApplicationRegister>(register_itself);
}

fn refuse(error: &'static str, why: impl Into<String>) -> Refusal {
    Refusal::oauth(error, why)
}

/// Gives a new client its client id and its secret, which is the second answer.
pub(in crate::area) fn register_client(
    call: &mut Call<'_>,
    mut record: ApplicationRecord,
    secret: Secrets,
    client_id: &str,
) -> Result<(ApplicationRecord, String), Refusal> {
    record.client_id =
        if client_id.is_empty() { client_id_of(&call.project.id, &record.id) } else { client_id.to_owned() };
    record.members.insert("clientId".to_owned(), json!(record.client_id));
    let secret = secret.make(call);
    let cleartext = secret.as_ref().map(|secret| secret.cleartext.clone()).unwrap_or_default();
    record.secrets = secret.into_iter().collect();
    Ok((record, cleartext))
}

/// The scopes that a client names and that are not those which everybody has.
pub(in crate::area) fn registered_scopes(body: &ApplicationRegisterRequest) -> Vec<&str> {
    let words = body.scope.as_deref().unwrap_or_default().split_ascii_whitespace();
    words.filter(|word| !STANDARD.contains(word)).collect()
}

/// Gives a client what it has asked for, and the answer that tells it.
pub(in crate::area) fn describe(
    call: &mut Call<'_>,
    record: ApplicationRecord,
    body: &ApplicationRegisterRequest,
) -> Result<(ApplicationRecord, ApplicationRegisterResponse), Refusal> {
    let method = body.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic").to_owned();
    if !["none", "client_secret_basic", "client_secret_post"].contains(&method.as_str()) {
        return Err(refuse("invalid_client_metadata", "The token_endpoint_auth_method is not known"));
    }
    let texts = |list: Vec<String>, usual: &str| if list.is_empty() { vec![usual.to_owned()] } else { list };
    let grants: Vec<String> = body.grant_types.iter().map(|kind| kind.as_str().to_owned()).collect();
    let grants = texts(grants, "authorization_code");
    let known = ["authorization_code", "refresh_token", "client_credentials"];
    if let Some(grant) = grants.iter().find(|grant| !known.contains(&grant.as_str())) {
        return Err(refuse("invalid_client_metadata", format!("There is no grant type {grant:?} for such clients")));
    }
    let responses: Vec<String> = body.response_types.iter().map(|kind| kind.as_str().to_owned()).collect();
    let responses = texts(responses, "code");
    if responses.iter().any(|kind| kind != "code") {
        return Err(refuse("invalid_client_metadata", "The only response type is code"));
    }
    if body.redirect_uris.is_empty() && grants.iter().any(|grant| grant == "authorization_code") {
        return Err(refuse("invalid_redirect_uri", "The redirect_uris field is required"));
    }
    if let Some(bad) =
        body.redirect_uris.iter().find(|uri| Url::parse(uri).map_or(true, |url| url.fragment().is_some()))
    {
        return Err(refuse("invalid_redirect_uri", format!("{bad:?} is not an address without a fragment")));
    }
    let public = method == "none";
    let secret = if public { Secrets::Nothing } else { Secrets::One(None) };
    let (mut record, cleartext) = register_client(call, record, secret, "")?;
    record.grants.clone_from(&grants);
    let mut answer = ApplicationRegisterResponse::new()
        .client_id(record.client_id.as_str())
        .client_id_issued_at(call.now)
        .redirect_uris(&body.redirect_uris)
        .grant_types(grants)
        .response_types(responses)
        .token_endpoint_auth_method(method)
        .audience_whitelist(&body.audience_whitelist);
    if !public {
        answer = answer.client_secret(cleartext).client_secret_expires_at(0);
    }
    answer.client_name.clone_from(&body.client_name);
    answer.scope.clone_from(&body.scope);
    answer.client_uri.clone_from(&body.client_uri);
    answer.logo_uri.clone_from(&body.logo_uri);
    answer.description.clone_from(&body.description);
    answer.login_page_url.clone_from(&body.login_page_url);
    answer.jwt_bearer_settings.clone_from(&body.jwt_bearer_settings);
    answer.session_settings.clone_from(&body.session_settings);
    Ok((record, answer))
}

fn register_itself(
    call: &mut Call<'_>,
    body: ApplicationRegisterRequest,
) -> Result<ApplicationRegisterResponse, Refusal> {
    if !call.state.settings.dynamic_registration {
        let message = "Clients may not register themselves; the setting dynamicRegistration of the emulator lets them";
        return Err(Refusal::invalid(message));
    }
    let id = call.state.ids.id("TPA");
    let name = some(body.client_name.clone()).unwrap_or_else(|| id.clone());
    refuse_taken(&call.state.third_party_applications, &name, "")?;
    let lists = [&body.permissions_scopes, &body.attributes_scopes, &body.connections_scopes];
    let defined: Vec<String> = lists.into_iter().flatten().filter_map(|scope| scope.name.clone()).collect();
    if let Some(scope) = registered_scopes(&body).into_iter().find(|scope| !defined.iter().any(|known| known == scope))
    {
        return Err(refuse("invalid_client_metadata", format!("There is no scope {scope:?}")));
    }
    let described = json!({
        "id": id, "name": name, "description": body.description, "logo": body.logo_content, "logoUrl": body.logo_uri,
        "loginPageUrl": body.login_page_url, "approvedCallbackUrls": body.redirect_uris,
        "permissionsScopes": body.permissions_scopes, "attributesScopes": body.attributes_scopes,
        "connectionsScopes": body.connections_scopes, "audienceWhitelist": body.audience_whitelist,
        "defaultAudience": body.default_audience, "useResources": body.use_resources,
        "skipConsentScreen": body.skip_consent_screen, "jwtBearerSettings": body.jwt_bearer_settings,
        "jarSettings": body.jar_settings, "sessionSettings": body.session_settings, "dynamic": true,
        "nonConfidentialClient": body.token_endpoint_auth_method.as_deref() == Some("none"),
    });
    let mut members = members_of("ThirdPartyApplication", &described)?;
    members.retain(|_, value| !value.is_null());
    let record = ApplicationRecord { id, members, ..ApplicationRecord::default() };
    let (record, answer) = describe(call, record, &body)?;
    record.to_api::<ThirdPartyApplication>()?;
    call.state.third_party_applications.insert(&mut call.state.log, record)?;
    Ok(answer)
}
