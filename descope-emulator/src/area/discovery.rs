//! What generic readers of tokens look up: the keys, and the configuration that leads to them.

use descope_api::types::DiscoveryConfigurationResponse;

use super::session;
use crate::{
    error::Refusal,
    http::{Call, Nothing, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .reply::<op::FederationDiscoveryJwks>(session::keys)
        .on::<op::FederationDiscoveryOpenId>(configuration)
        .on::<op::FederationDiscoveryAuthServer>(configuration)
        .on::<op::FederationDiscoveryAuthServerBySuffix>(configuration)
        .on::<op::FederationDiscoveryInboundOpenId>(configuration)
        .on::<op::FederationDiscoveryInboundAuthServer>(configuration);
}

/// What is emulated of it: who issues tokens, and where the keys are.
fn configuration(call: &mut Call<'_>, _: Nothing) -> Result<DiscoveryConfigurationResponse, Refusal> {
    let (origin, project) = (call.origin(), &call.project.id);
    Ok(DiscoveryConfigurationResponse::new()
        .issuer(format!("{origin}/{project}"))
        .jwks_uri(format!("{origin}/{project}/.well-known/jwks.json"))
        .id_token_signing_alg_values_supported(["RS256"])
        .subject_types_supported(["public"])
        .claims_supported(["iss", "sub", "aud", "exp", "iat", "email", "name"])
        .scopes_supported(["openid", "profile", "email"]))
}
