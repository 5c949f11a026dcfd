//! Applications outside that users and tenants connect to, and the tokens that are kept for them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use descope_api::{
    Secret,
    types::{
        OutboundApplication, OutboundApplicationCreateRequest, OutboundApplicationFetchOptions,
        OutboundApplicationListConnectedResponse, OutboundApplicationLoadAllResponse, OutboundApplicationResponse,
        OutboundApplicationTenantToken, OutboundApplicationToken, OutboundApplicationTokenResponse,
        OutboundApplicationUpdateRequest, OutboundApplicationUploadFailure, OutboundApplicationUploadTokensResponse,
        OutboundApplicationUserToken, OutboundConnectRequest, OutboundRedirect,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ApplicationRecord, Kind, Members, members_of, new_id, refuse_taken, require};
use crate::{
    area::{
        oauth::{self, Begin, Mode, Via},
        recast, some, tenant,
    },
    error::{MANAGED_USER_NOT_FOUND, NOT_EMULATED, NOT_FOUND, Refusal},
    flow::{SessionWish, redirect},
    http::{Call, Nothing, Table, op},
    world::Record,
};

const SCHEMA: &str = "OutboundApplication";

const ALL: Kind = |state| (&mut state.outbound_applications, &mut state.log);

/// A token or key that is kept for a user, for a tenant, or for a user in a tenant.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OutboundToken {
    id: String,
    app_id: String,
    /// Empty for a tenant's own.
    user_id: String,
    tenant_id: String,
    access_token: String,
    /// Epoch seconds; 0 for not known.
    expires_at: i64,
    kind: String,
    external_identifier: String,
    granted_by: String,
    refresh_token: String,
    scopes: Vec<String>,
    /// The name of the account outside, as the id token told it.
    subject: String,
    kept_at: i64,
    /// Counts up, so that the latest of two in one second is known.
    number: usize,
}

impl std::fmt::Debug for OutboundToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundToken").field("id", &self.id).field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Record for OutboundToken {
    const AUDITED: Option<&'static str> = Some("OutboundToken");

    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        let owners = [&self.app_id, &self.user_id, &self.tenant_id];
        owners.into_iter().filter(|owner| !owner.is_empty()).cloned().collect()
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementOutboundApplicationCreate>(create)
        .on::<op::ManagementOutboundApplicationUpdate>(update)
        .done::<op::ManagementOutboundApplicationDelete>(|call, body| {
            let application = require(call, ALL, &body.id)?;
            call.state.outbound_applications.remove(&mut call.state.log, &application.id);
            call.state.remove_owned(&application.id);
            Ok(())
        })
        .on::<op::ManagementOutboundApplicationLoad>(|call, _| {
            let id = call.segment("id").to_owned();
            shown(&require(call, ALL, &id)?)
        })
        .on::<op::ManagementOutboundApplicationLoadAll>(|call, _| {
            let all = call.state.outbound_applications.iter().map(ApplicationRecord::to_api::<OutboundApplication>);
            Ok(OutboundApplicationLoadAllResponse::new().apps(all.collect::<Result<Vec<_>, _>>()?))
        })
        .on::<op::ManagementOutboundApplicationListConnected>(list_connected)
        .done::<op::ManagementOutboundApplicationUploadUserToken>(|call, body| {
            refuse_verification(body.verify_refresh)?;
            keep(call, recast(&body)?, body.id_token.as_ref())
        })
        .done::<op::ManagementOutboundApplicationUploadTenantToken>(|call, body| {
            refuse_verification(body.verify_refresh)?;
            let token: OutboundApplicationTenantToken = recast(&body)?;
            keep(call, of_tenant(token)?, body.id_token.as_ref())
        })
        .done::<op::ManagementOutboundApplicationUploadUserApiKey>(|call, body| {
            let token = OutboundApplicationUserToken::new(body.app_id, body.user_id).access_token(body.api_key);
            keep(call, with_tenant(token, body.tenant_id), None)
        })
        .done::<op::ManagementOutboundApplicationUploadTenantApiKey>(|call, body| {
            let token = OutboundApplicationUserToken::new(body.app_id, "").access_token(body.api_key);
            keep(call, with_tenant(token, Some(body.tenant_id)), None)
        })
        .on::<op::ManagementOutboundApplicationUploadUserTokens>(|call, body| Ok(keep_all(call, body.tokens)))
        .on::<op::ManagementOutboundApplicationUploadTenantTokens>(|call, body| {
            let tokens = body.tokens.into_iter().map(of_tenant).collect::<Result<Vec<_>, _>>()?;
            Ok(keep_all(call, tokens))
        })
        .on::<op::ManagementOutboundApplicationFetchUserToken>(|call, body| {
            let wanted = Wanted {
                app: body.app_id,
                user: body.user_id,
                tenant: some(body.tenant_id),
                external_identifier: some(body.external_identifier),
                scopes: body.scopes,
            };
            fetch(call, &wanted, body.options)
        })
        .on::<op::ManagementOutboundApplicationFetchLatestUserToken>(|call, body| {
            let wanted = Wanted {
                app: body.app_id,
                user: body.user_id,
                tenant: some(body.tenant_id),
                external_identifier: some(body.external_identifier),
                scopes: Vec::new(),
            };
            fetch(call, &wanted, body.options)
        })
        .on::<op::ManagementOutboundApplicationFetchTenantToken>(|call, body| {
            let wanted = Wanted {
                app: body.app_id,
                user: String::new(),
                tenant: Some(body.tenant_id),
                external_identifier: some(body.external_identifier),
                scopes: body.scopes,
            };
            fetch(call, &wanted, body.options)
        })
        .on::<op::ManagementOutboundApplicationFetchLatestTenantToken>(|call, body| {
            let wanted = Wanted {
                app: body.app_id,
                user: String::new(),
                tenant: Some(body.tenant_id),
                external_identifier: some(body.external_identifier),
                scopes: Vec::new(),
            };
            fetch(call, &wanted, body.options)
        })
        .done::<op::ManagementOutboundApplicationDeleteToken>(|call, _| {
            let id = call.query("id").unwrap_or_default().to_owned();
            let removed = call.state.outbound_tokens.remove(&mut call.state.log, &id);
            removed.map(|_| ()).ok_or_else(|| Refusal::missing("token", &id))
        })
        .done::<op::ManagementOutboundApplicationDeleteUserTokens>(delete_user_tokens)
        .on::<op::OutboundConnect>(start_connect);
}

/// An application as it is read: its secret is written once and never comes back.
fn shown(application: &ApplicationRecord) -> Result<OutboundApplicationResponse, Refusal> {
    Ok(OutboundApplicationResponse::new().app(application.to_api::<OutboundApplication>()?))
}

/// The members of a request without the secret. Nothing is asked of the outside service, so that nobody needs it.
fn members(request: &impl Serialize) -> Result<Members, Refusal> {
    let mut members = members_of(SCHEMA, request)?;
    members.remove("clientSecret");
    Ok(members)
}

fn create(call: &mut Call<'_>, body: OutboundApplicationCreateRequest) -> Result<OutboundApplicationResponse, Refusal> {
    if body.use_dcr == Some(true) {
        let message = "The emulator registers no client at an outside service; leave useDcr out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    if let Some(tenant) = body.tenant_id.as_deref().filter(|id| !id.is_empty()) {
        tenant::require(call.state, tenant)?;
    }
    let id = new_id(call, body.id.clone(), "OA", |call, id| call.state.outbound_applications.contains(id))?;
    refuse_taken(&call.state.outbound_applications, &body.name, "")?;
    let mut members = members(&body)?;
    members.insert("id".to_owned(), json!(id));
    let record = ApplicationRecord { id, members, ..Default::default() };
    let record = call.state.outbound_applications.insert(&mut call.state.log, record)?;
    shown(&record)
}

/// Replaces everything.
fn update(call: &mut Call<'_>, body: OutboundApplicationUpdateRequest) -> Result<OutboundApplicationResponse, Refusal> {
    let known = require(call, ALL, &body.app.id)?;
    refuse_taken(&call.state.outbound_applications, &body.app.name, &known.id)?;
    let members = members(&body.app)?;
    let edited = call.state.outbound_applications.edit(&mut call.state.log, &known.id, |application| {
        application.members = members;
        Ok::<_, Refusal>(())
    })?;
    shown(&edited)
}

fn refuse_verification(asked: Option<bool>) -> Result<(), Refusal> {
    if asked == Some(true) {
        let message = "The emulator asks no outside service whether a token is good; leave verifyRefresh out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    Ok(())
}

/// A tenant's token as one of nobody in that tenant.
fn of_tenant(token: OutboundApplicationTenantToken) -> Result<OutboundApplicationUserToken, Refusal> {
    let mut value = serde_json::to_value(token).unwrap_or_default();
    value["userId"] = json!("");
    recast(&value)
}

fn with_tenant(token: OutboundApplicationUserToken, tenant: Option<String>) -> OutboundApplicationUserToken {
    match some(tenant) {
        Some(tenant) => token.tenant_id(tenant),
        None => token,
    }
}

/// Keeps a token in the place of the one that the same account had before.
fn keep(call: &mut Call<'_>, token: OutboundApplicationUserToken, id_token: Option<&Secret>) -> Result<(), Refusal> {
    let app = require(call, ALL, &token.app_id)?.id;
    let user_id = match some(Some(token.user_id)) {
        Some(id) => {
            let user = call.state.users.find(&id);
            user.ok_or_else(|| Refusal::new(&MANAGED_USER_NOT_FOUND, format!("There is no user {id:?}")))?.id.clone()
        }
        None => String::new(),
    };
    let tenant_id = some(token.tenant_id).unwrap_or_default();
    if !tenant_id.is_empty() {
        tenant::require(call.state, &tenant_id)?;
    }
    let access_token = token.access_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default();
    let refresh_token = token.refresh_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default();
    if access_token.is_empty() && refresh_token.is_empty() {
        return Err(Refusal::required("accessToken"));
    }
    let external_identifier = token.external_identifier.unwrap_or_default();
    let (mut scopes, number) = (token.scopes, call.state.outbound_tokens.len());
    scopes.sort_unstable();
    let kept = OutboundToken {
        id: call.state.ids.id("OT"),
        app_id: app,
        user_id,
        tenant_id,
        access_token,
        expires_at: token.access_token_expiry.unwrap_or_default(),
        kind: token.access_token_type.unwrap_or_else(|| "Bearer".to_owned()),
        external_identifier,
        granted_by: token.granted_by.unwrap_or_default(),
        refresh_token,
        scopes,
        subject: id_token.or(token.id_token.as_ref()).map(subject_of).unwrap_or_default(),
        kept_at: call.now,
        number,
    };
    call.state.outbound_tokens.remove_where(&mut call.state.log, |old| {
        (&old.app_id, &old.user_id, &old.tenant_id) == (&kept.app_id, &kept.user_id, &kept.tenant_id)
            && (&old.external_identifier, &old.scopes) == (&kept.external_identifier, &kept.scopes)
    });
    call.state.outbound_tokens.insert(&mut call.state.log, kept)?;
    Ok(())
}

/// The subject of an id token, unchecked: it was signed for somebody else.
fn subject_of(token: &Secret) -> String {
    let payload = token.expose().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    claims.and_then(|claims| claims["sub"].as_str().map(str::to_owned)).unwrap_or_default()
}

/// Keeps all tokens or, when one of them cannot be kept, none, and says which.
fn keep_all(call: &mut Call<'_>, tokens: Vec<OutboundApplicationUserToken>) -> OutboundApplicationUploadTokensResponse {
    let before = call.state.clone();
    let mut failures = Vec::new();
    for token in tokens {
        let failure = OutboundApplicationUploadFailure::new()
            .app_id(token.app_id.as_str())
            .user_id(token.user_id.as_str())
            .tenant_id(token.tenant_id.as_deref().unwrap_or_default());
        if let Err(refusal) = keep(call, token, None) {
            failures.push(failure.error_code(refusal.code.id).reason(refusal.message));
        }
    }
    if !failures.is_empty() {
        *call.state = before;
    }
    OutboundApplicationUploadTokensResponse::new().failures(failures)
}

/// A connection of a user or tenant to an outside application, which the person is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Connection {
    app_id: String,
    /// Empty for a tenant's own.
    user_id: String,
    tenant_id: String,
    granted_by: String,
    pub(in crate::area) scopes: Vec<String>,
    external_identifier: String,
}

/// Sends the user to the page of the outside service, for which the emulator's own provider stands in.
fn start_connect(call: &mut Call<'_>, body: OutboundConnectRequest) -> Result<OutboundRedirect, Refusal> {
    let application = require(call, ALL, &body.app_id)?.to_api::<OutboundApplication>()?;
    if application.app_type.as_ref().is_some_and(|kind| kind.as_str() == "apikey") {
        return Err(Refusal::invalid("The application takes API keys, and has no page to send the user to"));
    }
    let user = call.user()?;
    let (user_id, member) = (user.id.clone(), |tenant: &String| user.tenants.contains_key(tenant));
    let tenant_id = some(body.tenant_id);
    if let Some(tenant) = tenant_id.as_ref().filter(|tenant| !member(tenant)) {
        return Err(Refusal::invalid(format!("The user does not belong to tenant {tenant}")));
    }
    let of_tenant = body.tenant_level == Some(true);
    if of_tenant && tenant_id.is_none() {
        return Err(Refusal::required("tenantId"));
    }
    let options = body.options.unwrap_or_default();
    let page = redirect(some(options.redirect_url), some(application.default_redirect_url))?;
    let mut scopes = if options.scopes.is_empty() { application.default_scopes } else { options.scopes };
    scopes.sort_unstable();
    let connection = Connection {
        app_id: application.id.unwrap_or_default(),
        user_id: if of_tenant { String::new() } else { user_id.clone() },
        tenant_id: tenant_id.unwrap_or_default(),
        granted_by: user_id,
        scopes,
        external_identifier: options.external_identifier.unwrap_or_default(),
    };
    let provider = application.name.unwrap_or_default();
    let via = Via::Outbound(connection);
    let begin = Begin { provider, via, page, mode: Mode::Update, merge: false };
    Ok(OutboundRedirect::new().url(oauth::begin(call, begin, SessionWish::default())?))
}

/// Keeps a token of the account that the person has chosen.
pub(in crate::area) fn connect(call: &mut Call<'_>, connection: &Connection, account: &str) -> Result<(), Refusal> {
    let text = |text: &String| some(Some(text.clone()));
    let mut token = OutboundApplicationUserToken::new(connection.app_id.as_str(), connection.user_id.as_str())
        .access_token(call.state.ids.alphanumeric(40))
        .refresh_token(call.state.ids.alphanumeric(40))
        .access_token_expiry(call.now + LIFETIME)
        .granted_by(connection.granted_by.as_str())
        .scopes(&connection.scopes);
    token.tenant_id = text(&connection.tenant_id);
    token.external_identifier = text(&connection.external_identifier);
    let payload = URL_SAFE_NO_PAD.encode(json!({"sub": account}).to_string());
    keep(call, token, Some(&Secret::from(format!("-.{payload}.-"))))
}

/// How long a token of the emulator's provider is good for, in seconds.
const LIFETIME: i64 = 3600;

/// Which token is asked for.
struct Wanted {
    app: String,
    /// Empty for a tenant's own.
    user: String,
    tenant: Option<String>,
    external_identifier: Option<String>,
    scopes: Vec<String>,
}

/// Without a management key users get what is theirs: their own tokens, and those of their tenants.
fn refuse_foreign(call: &Call<'_>, wanted: &Wanted) -> Result<(), Refusal> {
    if call.caller.managing {
        return Ok(());
    }
    let user = call.user()?;
    let own = wanted.user.is_empty() || call.state.users.find(&wanted.user).is_some_and(|known| known.id == user.id);
    let member = wanted.tenant.as_ref().is_none_or(|tenant| user.tenants.contains_key(tenant));
    if own && member && (!wanted.user.is_empty() || wanted.tenant.is_some()) {
        return Ok(());
    }
    Err(Refusal::invalid("The token is not one of the user who calls").status(http::StatusCode::FORBIDDEN))
}

/// The newest token that fits.
fn fetch(
    call: &mut Call<'_>,
    wanted: &Wanted,
    options: Option<OutboundApplicationFetchOptions>,
) -> Result<OutboundApplicationTokenResponse, Refusal> {
    refuse_foreign(call, wanted)?;
    let app = require(call, ALL, &wanted.app)?.id;
    let user = call.state.users.find(&wanted.user).map_or(wanted.user.as_str(), |user| user.id.as_str());
    let fits = |token: &&OutboundToken| {
        token.user_id == user
            && wanted.tenant.as_ref().is_none_or(|tenant| *tenant == token.tenant_id)
            && wanted.external_identifier.as_ref().is_none_or(|name| *name == token.external_identifier)
            && wanted.scopes.iter().all(|scope| token.scopes.contains(scope))
    };
    let found = call.state.outbound_tokens.owned(&app).filter(fits).max_by_key(|token| (token.kept_at, token.number));
    let token = found.ok_or_else(|| Refusal::new(&NOT_FOUND, "No such token is kept"))?;
    let options = options.unwrap_or_default();
    let over = token.expires_at != 0 && token.expires_at <= call.now;
    if over || options.force_refresh == Some(true) {
        let message = "The token has to be renewed by the outside service, which the emulator does not ask";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let mut answer = OutboundApplicationToken::new()
        .id(token.id.as_str())
        .app_id(token.app_id.as_str())
        .user_id(token.user_id.as_str())
        .tenant_id(token.tenant_id.as_str())
        .access_token(token.access_token.as_str())
        .access_token_expiry(token.expires_at)
        .access_token_type(token.kind.as_str())
        .external_identifier(token.external_identifier.as_str())
        .granted_by(token.granted_by.as_str())
        .has_refresh_token(!token.refresh_token.is_empty())
        .last_refresh_error(String::new())
        .last_refresh_time(token.kept_at)
        .scopes(&token.scopes)
        .token_sub(token.subject.as_str());
    if options.with_refresh_token == Some(true) {
        answer = answer.refresh_token(token.refresh_token.as_str());
    }
    Ok(OutboundApplicationTokenResponse::new().token(answer))
}

/// The applications that a user has a token of.
fn list_connected(call: &mut Call<'_>, _: Nothing) -> Result<OutboundApplicationListConnectedResponse, Refusal> {
    let user = call.query("userId").unwrap_or_default();
    let user = call.state.users.find(user).map_or(user, |user| user.id.as_str());
    let tenant = call.query("tenantId");
    let tokens = call.state.outbound_tokens.owned(user);
    let mut apps: Vec<String> = tokens
        .filter(|token| tenant.is_none_or(|tenant| tenant == token.tenant_id))
        .map(|token| token.app_id.clone())
        .collect();
    apps.sort_unstable();
    apps.dedup();
    Ok(OutboundApplicationListConnectedResponse::new().app_ids(apps))
}

fn delete_user_tokens(call: &mut Call<'_>, _: Nothing) -> Result<(), Refusal> {
    let (app, user) = (call.query("appId").map(str::to_owned), call.query("userId").map(str::to_owned));
    if app.is_none() && user.is_none() {
        return Err(Refusal::required("appId"));
    }
    let user = user.map(|user| call.state.users.find(&user).map_or(user.clone(), |known| known.id.clone()));
    call.state.outbound_tokens.remove_where(&mut call.state.log, |token| {
        !token.user_id.is_empty()
            && app.as_ref().is_none_or(|app| *app == token.app_id)
            && user.as_ref().is_none_or(|user| *user == token.user_id)
    });
    Ok(())
}
