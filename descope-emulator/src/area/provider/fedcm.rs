//! Sign-in by the dialog of the browser (Federated Credential Management): the browser, not a page, shows the accounts
//! and hands a token to the site.

use descope_api::types::{
    FedcmAccount, FedcmAccountsResponse, FedcmAssertRequest, FedcmAssertResponse, FedcmBranding,
    FedcmClientMetadataResponse, FedcmConfigResponse,
};
use serde_json::json;

use super::{authorize, claims, client::Client, grant};
use crate::{
    area::{some, user::UserRecord},
    error::{INVALID_ARGUMENTS, Refusal, TOKEN_EXPIRED},
    http::{Call, Nothing, Table, op},
};

/// How long a token for a site is good, in seconds.
const LIFETIME: i64 = 600;
/// What a site learns of a user: the dialog of the browser tells the user of these and of no more.
const SCOPES: [&str; 3] = ["openid", "profile", "email"];

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::FederationFedcmConfig>(|call, _| Ok(config(call)))
        .on::<op::FederationFedcmClientMetadata>(client_metadata)
        .on::<op::FederationFedcmAccounts>(|call, _| Ok(accounts(call)))
        .on::<op::FederationFedcmAssert>(assert);
}

/// A browser sends no bearer, so the addresses name the project.
fn config(call: &Call<'_>) -> FedcmConfigResponse {
    let project = call.project.id.as_str();
    let named = |path: &str| format!("{path}?projectId={project}");
    FedcmConfigResponse::new()
        .accounts_endpoint(named("/v1/auth/fedcm/accounts"))
        .client_metadata_endpoint(named("/fedcm/clientmetadata"))
        .id_assertion_endpoint(named("/v1/auth/fedcm/assertion"))
        .login_url(format!("/_emulator/?project={project}"))
        .branding(FedcmBranding::new())
}

fn find(call: &Call<'_>, client_id: &str) -> Result<Client, Refusal> {
    Client::anywhere(call.state, &call.project.id, client_id).ok_or_else(|| Refusal::missing("application", client_id))
}

/// Applications hold no addresses of policies, so there is nothing to tell of one that exists.
fn client_metadata(call: &mut Call<'_>, _: Nothing) -> Result<FedcmClientMetadataResponse, Refusal> {
    let client_id = call.query("client_id").ok_or_else(|| Refusal::required("client_id"))?;
    find(call, client_id)?;
    Ok(FedcmClientMetadataResponse::new())
}

/// The user who is signed in in the browser: in the project itself, or at its page for applications.
fn signed_in<'a>(call: &'a Call<'_>) -> Option<&'a UserRecord> {
    let id = authorize::presented(call)
        .map(|presented| presented.user_id)
        .or_else(|| authorize::browser(call).map(|browser| browser.user_id.clone()))?;
    call.state.users.get(&id)
}

fn accounts(call: &mut Call<'_>) -> FedcmAccountsResponse {
    FedcmAccountsResponse::new().accounts(signed_in(call).map(|user| account(call, user)))
}

fn account(call: &Call<'_>, user: &UserRecord) -> FedcmAccount {
    let profile = &user.profile;
    let consents = call.state.consents.owned(&user.id);
    let client_ids = consents.filter_map(|consent| {
        let application = call.state.third_party_applications.get(&consent.app_id)?;
        Some(application.client_id.clone())
    });
    let mut account = FedcmAccount::new()
        .id(&user.id)
        .approved_clients(client_ids)
        .login_hints(&user.login_ids)
        .domain_hints(profile.email.as_deref().and_then(|email| Some(email.split_once('@')?.1)));
    account.name = some(profile.name.clone());
    account.given_name = some(profile.given_name.clone());
    account.email = some(profile.email.clone());
    account.picture = some(profile.picture.clone());
    account
}

/// The browser has asked the user, so the sign-in is an agreement too.
fn assert(call: &mut Call<'_>, body: FedcmAssertRequest) -> Result<FedcmAssertResponse, Refusal> {
    if some(body.project_id).is_some_and(|id| id != call.project.id) {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The projectId is not that of the project that is called"));
    }
    let client = find(call, &body.client_id)?;
    client.refuse_disabled()?;
    let Some(user) = signed_in(call).cloned() else {
        return Err(Refusal::new(&TOKEN_EXPIRED, "No user is signed in in this browser"));
    };
    if user.id != body.account_id {
        return Err(Refusal::new(&INVALID_ARGUMENTS, "The accountId is not that of the user who is signed in"));
    }
    claims::refuse_user(&client, &user, None)?;
    let scopes = SCOPES.map(str::to_owned);
    if client.asks_consent {
        authorize::record_consent(call.state, &client, &user.id, "", &scopes, call.now)?;
    }
    let issuer = client.issuer(&call.origin(), &call.project.id);
    let mut token = grant::id_claims(call, &client, &user, &scopes, (&issuer, LIFETIME));
    if let Some(nonce) = some(body.nonce) {
        token.insert("nonce".to_owned(), json!(nonce));
    }
    let token = call.sign(token);
    Ok(FedcmAssertResponse::new().token(token))
}
