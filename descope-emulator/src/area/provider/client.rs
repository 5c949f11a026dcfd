//! Which application calls, and whether it is the one that it says it is.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use descope_api::Secret;
use http::{HeaderMap, header};
use serde_json::Value;
use url::Url;

use super::{Params, Place, Side, words};
use crate::{
    area::{
        application::{ApplicationRecord, BUILT_IN},
        resource_policy,
    },
    error::{NOT_EMULATED, Refusal},
    http::Call,
    world::State,
};

/// What a scope grants.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Grants {
    /// What OpenID Connect says of it.
    Standard,
    Permissions(Vec<String>),
    Attributes(Vec<String>),
    Connections,
    /// Claims by name, each a text or a template.
    Claims(serde_json::Map<String, Value>),
}

/// A scope that an application may ask for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) grants: Grants,
    /// Whether the user may refuse it and agree to the others.
    pub(super) optional: bool,
    /// Whether it can be asked for a user, and by the application for itself.
    for_user: bool,
    for_itself: bool,
}

/// The application as the engine needs it.
#[derive(Clone, Debug)]
#[allow(clippy::struct_field_names, reason = "OAuth calls it the client id")]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) public: bool,
    pub(super) scopes: Vec<Scope>,
    /// Whether users are asked before the application may act for them.
    pub(super) asks_consent: bool,
    record: ApplicationRecord,
    /// The MCP server whose client it is.
    server: Option<ApplicationRecord>,
    side: Side,
}

const STANDARD_SCOPES: [&str; 5] = ["openid", "profile", "email", "phone", "offline_access"];

/// The client id and the secret of HTTP Basic credentials.
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    // RFC 6749 section 2.3.1: both are encoded as in a form. Many clients leave that out; nothing of ours needs it.
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((decode(id), decode(secret)))
}

fn unknown() -> Refusal {
    Refusal::oauth("invalid_client", "There is no such client, or it could not prove itself")
}

impl Client {
    /// The application of a client id.
    pub(super) fn find(state: &State, project: &str, place: &Place, client_id: &str) -> Option<Self> {
        match place.side {
            Side::Oidc => {
                let id = if client_id == project { BUILT_IN } else { client_id };
                let record = state.sso_applications.find(id)?;
                let fits = place.app.as_ref().is_none_or(|app| *app == record.id);
                let oidc = record.members.get("appType").and_then(Value::as_str) == Some("oidc");
                (fits && oidc).then(|| Self::of_oidc(state, project, record.clone()))
            }
            Side::Inbound => {
                if let Some(record) = state.mcp_clients.find(client_id) {
                    let server = state.mcp_servers.get(record.text("mcpServerId"))?;
                    let fits = place.mcp_server.as_ref().is_none_or(|wanted| *wanted == server.id);
                    return fits.then(|| Self::of_server(record.clone(), server.clone()));
                }
                let record = state.third_party_applications.find(client_id)?;
                // The clients of an MCP server are its own.
                place.mcp_server.is_none().then(|| Self::of_third_party(state, record.clone()))
            }
        }
    }

    /// The application of an id.
    pub(super) fn get(state: &State, project: &str, place: &Place, app_id: &str) -> Result<Self, Refusal> {
        let anywhere = Place { app: None, mcp_server: None, side: place.side };
        Self::find(state, project, &anywhere, app_id).ok_or_else(unknown)
    }

    fn of_oidc(state: &State, project: &str, record: ApplicationRecord) -> Self {
        let client_id = match record.client_id.as_str() {
            "" if record.id == BUILT_IN => project.to_owned(),
            "" => record.id.clone(),
            id => id.to_owned(),
        };
        let mut scopes = standard();
        add_mapped(&mut scopes, state, &[]);
        let public = record.secrets.is_empty();
        let (id, name) = (record.id.clone(), record.text("name").to_owned());
        Self { id, client_id, name, public, scopes, asks_consent: false, record, server: None, side: Side::Oidc }
    }

    fn of_third_party(state: &State, record: ApplicationRecord) -> Self {
        let mut scopes = standard();
        add_defined(&mut scopes, &Value::Object(record.members.clone()), None);
        let own = record.members.get("scopeClaimMapping").and_then(Value::as_array).cloned().unwrap_or_default();
        add_mapped(&mut scopes, state, &own);
        add_of_resources(&mut scopes, state, &record.id);
        Self {
            id: record.id.clone(),
            client_id: record.client_id.clone(),
            name: record.text("name").to_owned(),
            public: record.secrets.is_empty(),
            scopes,
            asks_consent: !record.flag("skipConsentScreen"),
            record,
            server: None,
            side: Side::Inbound,
        }
    }

    fn of_server(record: ApplicationRecord, server: ApplicationRecord) -> Self {
        let mut scopes = standard();
        let allowed = record.texts("scopes");
        let approved = server.members.get("approvedScopes").cloned().unwrap_or_default();
        add_defined(&mut scopes, &approved, Some(&allowed));
        Self {
            id: record.id.clone(),
            client_id: record.client_id.clone(),
            name: record.text("name").to_owned(),
            public: record.secrets.is_empty(),
            scopes,
            asks_consent: !server.flag("skipConsentScreen"),
            record,
            server: Some(server),
            side: Side::Inbound,
        }
    }

    fn settings(&self) -> &serde_json::Map<String, Value> {
        match self.record.members.get("oidcSettings") {
            Some(Value::Object(settings)) if self.side == Side::Oidc => settings,
            _ => &self.record.members,
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.settings().get(name) == Some(&Value::Bool(true))
    }

    fn text(&self, name: &str) -> &str {
        self.settings().get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member that the application or, where it has none, its MCP server has.
    fn member(&self, name: &str) -> Option<&Value> {
        self.settings().get(name).or_else(|| self.server.as_ref()?.members.get(name))
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let list = self.member(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Why the application may not act, where it may not.
    pub(super) fn refuse_disabled(&self) -> Result<(), Refusal> {
        let off = self.record.members.get("enabled") == Some(&Value::Bool(false));
        if off {
            return Err(Refusal::oauth("unauthorized_client", "The application is disabled"));
        }
        if self.flag("forceDpop") {
            return Err(Refusal::new(&NOT_EMULATED, "The application wants DPoP, which the emulator does not know"));
        }
        Ok(())
    }

    /// Whether the application may use a kind of grant.
    pub(super) fn allows(&self, grant: &str) -> bool {
        let registered = &self.record.grants;
        if !registered.is_empty() && !registered.iter().any(|known| known == grant) {
            return false;
        }
        if self.side == Side::Oidc {
            return match grant {
                "authorization_code" => !self.flag("authorizationCodeDisabled"),
                "refresh_token" => !self.flag("refreshTokenDisabled"),
                "client_credentials" => !self.public && !self.flag("clientCredentialsDisabled"),
                "device_code" => !self.flag("deviceCodeDisabled"),
                "jwt_bearer" => !self.flag("jwtBearerDisabled"),
                _ => true,
            };
        }
        match grant {
            "client_credentials" | "token_exchange" => !self.public,
            "ciba" => !self.public && self.member("cibaSettings").is_some_and(|settings| settings["enabled"] == true),
            _ => true,
        }
    }

    pub(super) fn wants_pkce(&self) -> bool {
        self.public || self.flag("forcePkce")
    }

    /// Whether a session in the browser is not enough.
    pub(super) fn forces_sign_in(&self) -> bool {
        self.flag("forceAuthentication")
    }

    /// Whether only signed requests are taken.
    pub(super) fn wants_signed_requests(&self) -> bool {
        self.member("jarSettings").is_some_and(|settings| settings["enforce"] == true)
    }

    /// Whether roles and permissions go into the token whatever was agreed to.
    pub(super) fn takes_all_authorization(&self) -> bool {
        self.flag("forceAddAllAuthorizationInfo")
            || self.server.as_ref().is_some_and(|server| server.flag("forceAddAllAuthorizationInfo"))
    }

    /// Further claims of the ID token.
    pub(super) fn claims(&self) -> Vec<String> {
        if self.side == Side::Oidc { self.texts("claims") } else { Vec::new() }
    }

    /// The trusted issuer of this name, for the grant of assertions.
    pub(super) fn trusted_issuer(&self, issuer: &str) -> Option<&Value> {
        self.member("jwtBearerSettings")?.get("issuers")?.get(issuer)
    }

    pub(super) fn backchannel_seconds(&self) -> Option<i64> {
        let settings = self.member("cibaSettings")?;
        duration(settings, "expirationTime", "expirationTimeUnit")
    }

    /// A lifetime of the application's own, in seconds.
    pub(super) fn lifetime(&self, name: &str) -> Option<i64> {
        let settings = self.member("sessionSettings").filter(|settings| settings["enabled"] == true)?;
        duration(settings, name, &format!("{name}Unit"))
    }

    /// The JWT template of its own for the tokens of users.
    pub(super) fn user_template(&self) -> &str {
        let settings = self.member("sessionSettings").filter(|settings| settings["enabled"] == true);
        settings.and_then(|settings| settings["userTemplateId"].as_str()).unwrap_or_default()
    }

    /// Whether users of a tenant may use the application.
    pub(super) fn takes_tenant(&self, tenant: &str) -> bool {
        let allowed = self.texts("allowedTenants");
        allowed.is_empty() || allowed.iter().any(|known| known == tenant)
    }

    pub(super) fn names_tenants(&self) -> bool {
        !self.texts("allowedTenants").is_empty()
    }

    /// The address that the browser returns to.
    pub(super) fn redirect_uri(&self, given: Option<&str>) -> Result<String, Refusal> {
        let name = if self.side == Side::Oidc { "approvedRedirectUrls" } else { "approvedCallbackUrls" };
        let approved = self.texts(name);
        let refuse = |why: &str| Err(Refusal::oauth("invalid_request", why.to_owned()));
        let Some(given) = given else {
            return match approved.as_slice() {
                [only] => Ok(only.clone()),
                _ => refuse("The parameter redirect_uri is required"),
            };
        };
        let Ok(url) = Url::parse(given) else { return refuse("The redirect_uri is not an address") };
        if url.fragment().is_some() {
            return refuse("The redirect_uri must not have a fragment");
        }
        // A federated application without a list of its own follows the project, which approves every domain here.
        let free = self.side == Side::Oidc && approved.is_empty();
        if free || approved.iter().any(|known| same_address(known, &url)) {
            return Ok(given.to_owned());
        }
        refuse("The redirect_uri is not one of those that are registered for the application")
    }

    /// Whether the browser may be sent to an address after the logout.
    pub(super) fn takes_address(&self, given: &str) -> bool {
        self.redirect_uri(Some(given)).is_ok()
    }

    pub(super) fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// The scopes that are asked for, all of which the application has to be allowed.
    pub(super) fn asked_scopes(&self, text: Option<&str>, for_user: bool) -> Result<Vec<String>, Refusal> {
        let asked = words(text.unwrap_or_default());
        let allowed = |scope: &Scope| if for_user { scope.for_user } else { scope.for_itself };
        match asked.iter().find(|name| !self.scope(name).is_some_and(allowed)) {
            Some(name) => Err(Refusal::oauth("invalid_scope", format!("The application has no scope {name:?}"))),
            None => Ok(asked),
        }
    }

    /// Who a token is for: what is asked for, else what the application is set to.
    pub(super) fn audience(
        &self,
        project: &str,
        asked: Option<&str>,
        resources: &[String],
    ) -> Result<Vec<String>, Refusal> {
        let whitelist = self.texts("audienceWhitelist");
        let refuse = |what: &str| Refusal::oauth("invalid_target", format!("The application may not ask for {what:?}"));
        let mut found: Vec<String> = Vec::new();
        for audience in asked.map(words).unwrap_or_default() {
            if !whitelist.contains(&audience) && audience != project && audience != self.client_id {
                return Err(refuse(&audience));
            }
            found.push(audience);
        }
        for resource in resources {
            let address = Url::parse(resource).ok().filter(|url| url.fragment().is_none());
            let known = self.server.is_none() || whitelist.is_empty() || whitelist.contains(resource);
            if address.is_none() || !known {
                return Err(refuse(resource));
            }
            found.push(resource.clone());
        }
        if !found.is_empty() {
            return Ok(found);
        }
        if self.server.is_some() && !whitelist.is_empty() {
            return Ok(whitelist);
        }
        let (project, client) = (project.to_owned(), self.client_id.clone());
        Ok(match self.text("defaultAudience") {
            "projectId" => vec![project],
            "clientId" => vec![client],
            // The older kind of federated application is known by the project.
            _ if self.side == Side::Oidc && self.text("clientType").is_empty() => vec![project],
            _ => vec![project, client],
        })
    }
}

/// Whether an address is a registered one. The port of a loopback address is free (RFC 8252 section 7.3).
fn same_address(registered: &str, given: &Url) -> bool {
    if registered == given.as_str() {
        return true;
    }
    let Ok(mut registered) = Url::parse(registered) else { return false };
    let loopback =
        |url: &Url| url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if loopback(&registered) && loopback(given) {
        let _ = registered.set_port(given.port());
    }
    registered == *given
}

fn standard() -> Vec<Scope> {
    let scope = |name: &str| Scope {
        name: name.to_owned(),
        description: String::new(),
        grants: Grants::Standard,
        optional: false,
        for_user: true,
        for_itself: true,
    };
    STANDARD_SCOPES.into_iter().map(scope).collect()
}

/// How the values of a list become what its scopes grant.
type Make = fn(Vec<String>) -> Grants;

/// Adds the scopes that are defined in three lists. They come before others of the same name.
fn add_defined(scopes: &mut Vec<Scope>, members: &Value, only: Option<&[String]>) {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let kinds: [(&str, Make); 3] = [
        ("permissionsScopes", Grants::Permissions),
        ("attributesScopes", Grants::Attributes),
        ("connectionsScopes", |_| Grants::Connections),
    ];
    for (list, make) in kinds {
        for scope in members[list].as_array().into_iter().flatten() {
            let name = scope["name"].as_str().unwrap_or_default().to_owned();
            if only.is_some_and(|only| !only.is_empty() && !only.contains(&name)) {
                continue;
            }
            scopes.retain(|known| known.name != name);
            scopes.push(Scope {
                name,
                description: scope["description"].as_str().unwrap_or_default().to_owned(),
                grants: make(texts(&scope["values"])),
                optional: scope["optional"] == true,
                for_user: true,
                for_itself: true,
            });
        }
    }
}

/// Adds the scopes of resources that policies let an application ask for.
fn add_of_resources(scopes: &mut Vec<Scope>, state: &State, application: &str) {
    for resource in state.resources.iter() {
        let allowed = |for_user| resource_policy::allowed(state, &resource.id, application, for_user);
        let (Some(user), Some(client)) = (allowed(true), allowed(false)) else { continue };
        let mut defined = Vec::new();
        add_defined(&mut defined, &resource.members.get("scopes").cloned().unwrap_or_default(), None);
        for mut scope in defined {
            (scope.for_user, scope.for_itself) = (user.has(&scope.name), client.has(&scope.name));
            if !scopes.iter().any(|known| known.name == scope.name) {
                scopes.push(scope);
            }
        }
    }
}

/// Adds the scopes that bring claims: those of the application, then those of the project.
fn add_mapped(scopes: &mut Vec<Scope>, state: &State, own: &[Value]) {
    let mut add = |scope: &Value| {
        let name = scope["scope"].as_str().unwrap_or_default().to_owned();
        let claims = scope["claims"].as_object().cloned().unwrap_or_default();
        let known = scopes.iter().any(|known| known.name == name && known.grants != Grants::Standard);
        if known || name.is_empty() {
            return;
        }
        scopes.retain(|known| known.name != name);
        let description = scope["description"].as_str().unwrap_or_default().to_owned();
        let optional = scope.get("mandatory").is_some_and(|mandatory| mandatory == false);
        scopes.push(Scope {
            name,
            description,
            grants: Grants::Claims(claims),
            optional,
            for_user: true,
            for_itself: true,
        });
    };
    own.iter().filter(|scope| scope["useProjectMapping"] != true).for_each(&mut add);
    for scope in &state.scope_claim_mapping {
        add(&serde_json::to_value(scope).unwrap_or_default());
    }
}

fn duration(settings: &Value, number: &str, unit: &str) -> Option<i64> {
    let seconds = match settings[unit].as_str().unwrap_or_default() {
        "minutes" => 60,
        "hours" => 3600,
        "days" => 24 * 3600,
        "weeks" => 7 * 24 * 3600,
        _ => 1,
    };
    settings[number].as_i64().filter(|number| *number > 0)?.checked_mul(seconds)
}

/// The client that calls, when it has proven itself as it has to: by its secret, in the header or in the form, or, where
/// it is public, by nothing.
pub(super) fn authenticate(call: &Call<'_>, place: &Place, params: &Params) -> Result<Client, Refusal> {
    if params.text("client_assertion").is_some() || params.text("client_assertion_type").is_some() {
        let message = "The emulator knows no keys of clients, so it cannot check client_assertion; use client_secret";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    if call.headers.contains_key("dpop") {
        return Err(Refusal::new(&NOT_EMULATED, "The emulator does not bind tokens by DPoP; leave the header out"));
    }
    let in_header = basic(call.headers);
    let in_form = params.text("client_secret");
    if in_header.is_some() && in_form.is_some() {
        return Err(Refusal::oauth("invalid_request", "The client may prove itself in one way only"));
    }
    let (client_id, secret) = match &in_header {
        Some((id, secret)) => (id.as_str(), Some(secret.as_str()).filter(|secret| !secret.is_empty())),
        None => (client_id_of(call, place, params)?, in_form),
    };
    let client = Client::find(call.state, &call.project.id, place, client_id).ok_or_else(unknown)?;
    let proven =
        match secret {
            Some(given) => client.record.secrets.iter().any(|secret| {
                secret.is_good(call.now) && Secret::from(secret.cleartext.as_str()) == Secret::from(given)
            }),
            None => client.public,
        };
    if !proven {
        return Err(unknown());
    }
    client.refuse_disabled()?;
    Ok(client)
}

/// The client id that a request names, or implies by naming the application.
fn client_id_of<'a>(call: &'a Call<'_>, place: &'a Place, params: &'a Params) -> Result<&'a str, Refusal> {
    let named = params.text("client_id").or(place.app.as_deref()).or_else(|| params.text("ssoAppId"));
    match named {
        Some(named) => Ok(named),
        None if place.side == Side::Oidc => Ok(&call.project.id),
        None => Err(Refusal::oauth("invalid_client", "The parameter client_id is required")),
    }
}

/// The client of a device. It has nothing to hide its secret in; where it sends credentials they have to be right.
pub(super) fn of_device(call: &Call<'_>, place: &Place, params: &Params) -> Result<Client, Refusal> {
    if basic(call.headers).is_some() {
        return authenticate(call, place, params);
    }
    let client = Client::find(call.state, &call.project.id, place, client_id_of(call, place, params)?);
    let client = client.ok_or_else(unknown)?;
    client.refuse_disabled()?;
    Ok(client)
}

/// The client that a browser comes from. It proves nothing there.
pub(super) fn identify(call: &Call<'_>, place: &Place, params: &Params) -> Result<Client, Refusal> {
    let client_id = params.required("client_id")?;
    let client = Client::find(call.state, &call.project.id, place, client_id).ok_or_else(unknown)?;
    if params.text("ssoAppId").is_some_and(|app| place.side == Side::Oidc && app != client.id) {
        return Err(unknown());
    }
    client.refuse_disabled()?;
    Ok(client)
}

impl ApplicationRecord {
    fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> bool {
        self.members.get(name) == Some(&Value::Bool(true))
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let list = self.members.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// The scopes that clients of one side, or of one MCP server, can know of beforehand.
pub(in crate::area) fn supported_scopes(state: &State, side: Side, server: Option<&str>) -> Vec<String> {
    let mut scopes = standard();
    match server.and_then(|id| state.mcp_servers.get(id)) {
        Some(server) => {
            add_defined(&mut scopes, &server.members.get("approvedScopes").cloned().unwrap_or_default(), None);
        }
        None if side == Side::Oidc => add_mapped(&mut scopes, state, &[]),
        // Each application has its own.
        None => {}
    }
    scopes.into_iter().map(|scope| scope.name).collect()
}
