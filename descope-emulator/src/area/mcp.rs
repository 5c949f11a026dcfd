//! MCP servers and their clients, which get their tokens at the project.

use descope_api::types::{
    ApplicationRegisterRequest, ApplicationRegisterResponse, ApplicationSecretResponse, McpServer, McpServerClient,
    McpServerClientCreateResponse, McpServerClientLoadRequest, McpServerClientResponse, McpServerClientSearchRequest,
    McpServerClientSearchResponse, McpServerLoadAllResponse, McpServerResponse, SearchSort,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    application::{ApplicationRecord, Kind, Secrets, members_of, register_client, rotate_secret},
    recast, search, some,
};
use crate::{
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
};

const CLIENTS: Kind = |state| (&mut state.mcp_clients, &mut state.log);

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementMcpCreateServer>(|call, body| {
            let id = call.state.ids.id("MS");
            let record = server(call, &id, &body)?;
            let server = record.to_api()?;
            call.state.mcp_servers.insert(&mut call.state.log, record)?;
            Ok(McpServerResponse::new().server(server))
        })
        .on::<op::ManagementMcpUpdateServer>(|call, body| {
            let id = body.server.id.clone().unwrap_or_default();
            require_server(call, &id)?;
            let record = server(call, &id, &body.server)?;
            let server = record.to_api()?;
            call.state.mcp_servers.update(&mut call.state.log, &id, |known| known.members = record.members);
            Ok(McpServerResponse::new().server(server))
        })
        .on::<op::ManagementMcpLoadServer>(|call, body| {
            Ok(McpServerResponse::new().server(require_server(call, &body.id)?.to_api()?))
        })
        .on::<op::ManagementMcpLoadAllServers>(|call, _| {
            let all = call.state.mcp_servers.iter().map(ApplicationRecord::to_api::<McpServer>);
            let all = all.collect::<Result<Vec<_>, _>>()?;
            let total = search::count(&all);
            Ok(McpServerLoadAllResponse::new().servers(all).total(total))
        })
        .done::<op::ManagementMcpDeleteServer>(|call, body| delete_server(call, &body.id))
        .done::<op::ManagementMcpDeleteServers>(|call, body| body.ids.iter().try_for_each(|id| delete_server(call, id)))
        .on::<op::ManagementMcpCreateClient>(|call, body| {
            let id = call.state.ids.id("MC");
            let record = client(call, &body.mcp_server_id, &id, &body, "manual")?;
            let (record, secret) = register_client(call, record, Secrets::One(None), "")?;
            let client_id = record.client_id.clone();
            call.state.mcp_clients.insert(&mut call.state.log, record)?;
            Ok(McpServerClientCreateResponse::new().id(id).client_id(client_id).cleartext(secret))
        })
        .on::<op::ManagementMcpUpdateClient>(|call, body| {
            let known = require_client(call, &body.mcp_server_id, &body.id)?;
            let kind = known.members.get("registrationType").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut record = client(call, &body.mcp_server_id, &body.id, &body, &kind)?;
            record.members.insert("clientId".to_owned(), json!(known.client_id));
            let shown = record.to_api()?;
            call.state.mcp_clients.update(&mut call.state.log, &body.id, |known| known.members = record.members);
            Ok(McpServerClientResponse::new().client(shown))
        })
        .on::<op::ManagementMcpLoadClient>(load_client)
        .on::<op::ManagementMcpLoadClientSecret>(|call, body| {
            let known = require_client(call, &body.mcp_server_id, &body.id)?;
            let secret = known.secrets.last().ok_or_else(|| Refusal::missing("secret", &body.id))?;
            Ok(ApplicationSecretResponse::new().cleartext(secret.cleartext.as_str()))
        })
        .on::<op::ManagementMcpRotateClientSecret>(|call, body| {
            require_client(call, &body.mcp_server_id, &body.id)?;
            Ok(ApplicationSecretResponse::new().cleartext(rotate_secret(call, CLIENTS, &body.id)?))
        })
        .done::<op::ManagementMcpDeleteClient>(|call, body| delete_client(call, &body.mcp_server_id, &body.id))
        .done::<op::ManagementMcpDeleteClients>(|call, body| {
            body.ids.iter().try_for_each(|id| delete_client(call, &body.mcp_server_id, id))
        })
        .on::<op::ManagementMcpSearchClients>(search_clients)
        .on::<op::ManagementMcpRegisterClient>(register_itself);
}

fn require_server(call: &Call<'_>, id: &str) -> Result<ApplicationRecord, Refusal> {
    call.state.mcp_servers.get(id).cloned().ok_or_else(|| Refusal::missing("MCP server", id))
}

/// The server as it is described.
fn server(call: &Call<'_>, id: &str, request: &impl Serialize) -> Result<ApplicationRecord, Refusal> {
    let mut members = members_of("McpServer", request)?;
    let name = some(members.get("name").and_then(Value::as_str)).ok_or_else(|| Refusal::required("name"))?;
    if call.state.mcp_servers.iter().any(|other| other.id != id && other.name() == name) {
        return Err(Refusal::new(&ALREADY_EXISTS, format!("An MCP server with the name {name:?} exists already")));
    }
    members.insert("id".to_owned(), json!(id));
    Ok(ApplicationRecord { id: id.to_owned(), members, ..ApplicationRecord::default() })
}

fn delete_server(call: &mut Call<'_>, id: &str) -> Result<(), Refusal> {
    require_server(call, id)?;
    call.state.mcp_servers.remove(&mut call.state.log, id);
    let clients = call.state.mcp_clients.iter().filter(|client| server_of(client) == id);
    for client in clients.map(|client| client.id.clone()).collect::<Vec<_>>() {
        remove_client(call, &client);
    }
    Ok(())
}

fn server_of(client: &ApplicationRecord) -> &str {
    client.members.get("mcpServerId").and_then(Value::as_str).unwrap_or_default()
}

fn require_client(call: &Call<'_>, server: &str, id: &str) -> Result<ApplicationRecord, Refusal> {
    require_server(call, server)?;
    let client = call.state.mcp_clients.get(id).filter(|client| server_of(client) == server);
    client.cloned().ok_or_else(|| Refusal::missing("client", id))
}

/// The client as it is described. Its scopes have to be some of those of the server.
fn client(
    call: &Call<'_>,
    server: &str,
    id: &str,
    request: &impl Serialize,
    kind: &str,
) -> Result<ApplicationRecord, Refusal> {
    let server = require_server(call, server)?;
    let mut members = members_of("McpServerClient", request)?;
    let approved = server.members.get("approvedScopes").cloned().unwrap_or_default();
    let lists = ["permissionsScopes", "attributesScopes", "connectionsScopes"].into_iter();
    let known: Vec<&str> = lists
        .filter_map(|list| approved[list].as_array())
        .flatten()
        .filter_map(|scope| scope["name"].as_str())
        .collect();
    let asked = members.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(scope) = asked.into_iter().find(|scope| !known.contains(scope)) {
        return Err(Refusal::invalid(format!("The MCP server approves of no scope {scope:?}")));
    }
    for (name, value) in [
        ("id", json!(id)),
        ("mcpServerId", json!(server.id)),
        ("registrationType", json!(kind)),
        ("status", json!("active")),
    ] {
        members.insert(name.to_owned(), value);
    }
    Ok(ApplicationRecord { id: id.to_owned(), members, ..ApplicationRecord::default() })
}

fn delete_client(call: &mut Call<'_>, server: &str, id: &str) -> Result<(), Refusal> {
    require_client(call, server, id)?;
    remove_client(call, id);
    Ok(())
}

fn remove_client(call: &mut Call<'_>, id: &str) {
    call.state.mcp_clients.remove(&mut call.state.log, id);
    call.state.remove_owned(id);
}

fn load_client(call: &mut Call<'_>, body: McpServerClientLoadRequest) -> Result<McpServerClientResponse, Refusal> {
    let by_client_id = some(body.client_id).and_then(|id| call.state.mcp_clients.named(&id)).map(|one| one.id.clone());
    let id = some(body.id).or(by_client_id).ok_or_else(|| Refusal::missing("client", "of this id"))?;
    let client = require_client(call, &body.mcp_server_id, &id)?.to_api::<McpServerClient>()?;
    Ok(McpServerClientResponse::new().client(client))
}

fn search_clients(
    call: &mut Call<'_>,
    body: McpServerClientSearchRequest,
) -> Result<McpServerClientSearchResponse, Refusal> {
    require_server(call, &body.mcp_server_id)?;
    let clients = call.state.mcp_clients.iter().filter(|client| server_of(client) == body.mcp_server_id);
    let mut found = clients.map(ApplicationRecord::to_api::<McpServerClient>).collect::<Result<Vec<_>, _>>()?;
    let shown = |member: &Option<String>| member.clone().unwrap_or_default();
    let is = |wanted: &Option<String>, given: String| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || *wanted == *given)
    };
    let has_tag = |client: &McpServerClient| {
        some(body.tag.as_deref()).is_none_or(|tag| client.tags.iter().any(|known| known == tag))
    };
    found.retain(|client| {
        let text = some(body.text.as_deref()).unwrap_or_default();
        let hay = format!("{} {}", shown(&client.name), shown(&client.client_id));
        search::contains(&hay, text)
            && is(&body.name, shown(&client.name))
            && is(&body.client_id, shown(&client.client_id))
            && is(&body.registration_method, shown(&client.registration_type))
            && is(&body.status, shown(&client.status))
            && has_tag(client)
    });
    let sort: Vec<SearchSort> = recast(&body.sort)?;
    search::sort(&mut found, &sort);
    let total = search::count(&found);
    Ok(McpServerClientSearchResponse::new().clients(search::page(found, body.page, body.limit)?).total(total))
}

/// A client that nobody has heard of describes itself (RFC 7591). What it says in `grant_types`, `response_types` and
/// `token_endpoint_auth_method` counts as for other applications, and `client_uri` and `login_page_url` are told back.
fn register_itself(
    call: &mut Call<'_>,
    body: ApplicationRegisterRequest,
) -> Result<ApplicationRegisterResponse, Refusal> {
    let server = require_server(call, call.segment("mcpServerId"))?;
    let registration = server.members.get("dynamicRegistration").cloned().unwrap_or_default();
    if registration["enabled"] != true {
        return Err(Refusal::invalid("Clients may not register themselves at this MCP server"));
    }
    let scopes = [&body.permissions_scopes, &body.attributes_scopes, &body.connections_scopes];
    for (name, given) in [
        ("jarSettings", body.jar_settings.is_some()),
        ("jwtBearerSettings", body.jwt_bearer_settings.is_some()),
        ("sessionSettings", body.session_settings.is_some()),
        ("defaultAudience", body.default_audience.is_some()),
        ("audienceWhitelist", !body.audience_whitelist.is_empty()),
        ("useResources", body.use_resources.is_some()),
        ("skipConsentScreen", body.skip_consent_screen.is_some()),
        ("logo_content", body.logo_content.is_some()),
        ("permissions_scopes, attributes_scopes and connections_scopes", scopes.iter().any(|list| !list.is_empty())),
    ] {
        if given {
            return Err(Refusal::oauth("invalid_client_metadata", format!("The MCP server itself has the {name}")));
        }
    }
    let id = call.state.ids.id("MC");
    let request = json!({
        "name": body.client_name, "approvedCallbackUrls": body.redirect_uris, "logo": body.logo_uri,
        "scopes": super::application::registered_scopes(&body),
    });
    let record = client(call, &server.id, &id, &request, "dynamic")?;
    let (record, answer) = super::application::describe(call, record, &body)?;
    call.state.mcp_clients.insert(&mut call.state.log, record)?;
    Ok(answer)
}
