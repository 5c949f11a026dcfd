//! What generic readers of tokens and generic clients look up: the keys, the endpoints, and what these can do.

use descope_api::types::{DiscoveryConfigurationResponse, DiscoveryProjectResponse};

use super::{
    application::BUILT_IN,
    provider::{Side, grants, scopes},
    session,
};
use crate::{
    error::{NOT_EMULATED, Refusal},
    http::{Call, Nothing, Reply, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .reply::<op::FederationDiscoveryJwks>(session::keys)
        .on::<op::FederationDiscoveryProject>(|_, _| {
            // No page of the emulator forbids it.
            Ok(DiscoveryProjectResponse::new().allow_auth_hosting_iframe_embedding(true))
        })
        .reply::<op::FederationDiscoveryOpenId>(of_project)
        .reply::<op::FederationDiscoveryOpenIdByApp>(of_project)
        .reply::<op::FederationDiscoveryAuthServer>(of_project)
        .reply::<op::FederationDiscoveryAuthServerBySuffix>(of_project)
        .reply::<op::FederationDiscoveryInboundOpenId>(of_inbound)
        .reply::<op::FederationDiscoveryInboundAuthServer>(of_inbound)
        .reply::<op::FederationDiscoveryAgenticOpenId>(of_inbound)
        .reply::<op::FederationDiscoveryAgenticAuthServer>(of_inbound);
}

fn of_project(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Refusal> {
    let inbound = call.query("isThirdPartyApps") == Some("true");
    configuration(call, if inbound { Side::Inbound } else { Side::Oidc })
}

fn of_inbound(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Refusal> {
    configuration(call, Side::Inbound)
}

/// Where the endpoints are that the emulator has, and what they can do.
fn configuration(call: &Call<'_>, side: Side) -> Result<Reply, Refusal> {
    if call.query("mfa") == Some("true") {
        return Err(Refusal::new(&NOT_EMULATED, "The emulator is no external authentication method of Entra ID"));
    }
    let project = call.project.id.as_str();
    let given = call.query("baseUrl").map(|base| base.trim_end_matches('/').to_owned());
    let base = given.unwrap_or_else(|| call.origin());
    let in_path = |name: &str| Some(call.segment(name)).filter(|segment| !segment.is_empty());
    let server = in_path("mcpServerId").or(call.query("mcpServerId")).filter(|_| side == Side::Inbound);
    if server.is_some_and(|server| !call.state.mcp_servers.contains(server)) {
        return Err(Refusal::missing("MCP server", server.unwrap_or_default()));
    }
    let app = in_path("ssoAppId").or(call.query("ssoAppId")).filter(|_| side == Side::Oidc);
    if app.is_some_and(|app| app != BUILT_IN && !call.state.sso_applications.contains(app)) {
        return Err(Refusal::missing("application", app.unwrap_or_default()));
    }
    let with_project = call.query("urlsWithProjectID") == Some("true");
    let (issuer, endpoints) = match (side, app, server) {
        (Side::Oidc, Some(app), _) => (format!("{base}/{project}/{app}"), format!("{base}/{app}/oauth2/v1")),
        (Side::Oidc, None, _) => (format!("{base}/{project}"), format!("{base}/oauth2/v1")),
        (_, _, Some(server)) => (
            format!("{base}/v1/apps/agentic/{project}/{server}"),
            format!("{base}/oauth2/v1/apps/agentic/{project}/{server}"),
        ),
        (_, _, None) if with_project => {
            (format!("{base}/v1/apps/{project}"), format!("{base}/oauth2/v1/apps/{project}"))
        }
        (_, _, None) => (format!("{base}/v1/apps/{project}"), format!("{base}/oauth2/v1/apps")),
    };
    // An MCP server has two endpoints of its own; the others are those of the project.
    let others = if server.is_some() { format!("{base}/oauth2/v1/apps/{project}") } else { endpoints.clone() };
    let claims: Vec<String> = match call.query("usePreLoadedClaims") {
        Some("true") => call.query_all("claims").map(str::to_owned).collect(),
        _ => [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "nonce",
            "auth_time",
            "name",
            "given_name",
            "family_name",
            "email",
            "email_verified",
            "phone_number",
            "phone_number_verified",
            "picture",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let mut answer = DiscoveryConfigurationResponse::new()
        .issuer(issuer)
        .jwks_uri(format!("{base}/{project}/.well-known/jwks.json"))
        .authorization_endpoint(format!("{endpoints}/authorize"))
        .token_endpoint(format!("{endpoints}/token"))
        .userinfo_endpoint(format!("{others}/userinfo"))
        .revocation_endpoint(format!("{others}/revoke"))
        .device_authorization_endpoint(format!("{others}/device"))
        .response_types_supported(["code"])
        .grant_types_supported(grants(side).iter().copied())
        .code_challenge_methods_supported(["S256", "plain"])
        .token_endpoint_auth_methods_supported(["client_secret_basic", "client_secret_post", "none"])
        .id_token_signing_alg_values_supported(["RS256"])
        .subject_types_supported(["public"])
        .request_parameter_supported(false)
        .request_uri_parameter_supported(false)
        .backchannel_logout_supported(false)
        .claims_supported(claims)
        .scopes_supported(scopes(call.state, side, server));
    if side == Side::Oidc {
        answer = answer.end_session_endpoint(format!("{endpoints}/logout"));
    } else {
        answer = answer
            .backchannel_authentication_endpoint(format!("{others}/bc-authorize"))
            .backchannel_token_delivery_modes_supported(["poll"])
            .client_id_metadata_document_supported(false);
        let registration = match server {
            Some(server) => format!("{base}/v1/mgmt/mcp/client/{project}/{server}/register"),
            None => format!("{base}/v1/mgmt/inboundapp/app/{project}/register"),
        };
        let open = match server {
            None => call.state.settings.dynamic_registration,
            Some(id) => call.state.mcp_servers.get(id).is_some_and(|server| {
                server.members.get("dynamicRegistration").is_some_and(|settings| settings["enabled"] == true)
            }),
        };
        answer.registration_endpoint = open.then_some(registration);
    }
    Ok(Reply::json(200, &answer)?.bare())
}
