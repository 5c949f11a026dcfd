//! What is emulated, one room for each tag of the document.
//!
//! A room registers its handlers, and has the records that only it knows. A record becomes part of a project's state by
//! a line in `world/state.rs`; saving, undoing, sweeping and the audit trail follow from that.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "every handler takes the body of its operation and may refuse"
)]

pub(crate) mod access_key;
pub(crate) mod admin_link;
mod analytics;
pub(crate) mod application;
mod audit;
pub(crate) mod descoper;
mod discovery;
mod embedded_link;
mod enchanted_link;
pub(crate) mod engine;
pub(crate) mod family;
pub(crate) mod fga;
pub(crate) mod flow;
mod group;
mod impersonation;
mod jwt;
pub(crate) mod jwt_template;
mod license;
pub(crate) mod list;
pub(crate) mod localization;
mod magic_link;
pub(crate) mod management_key;
mod mcp;
pub(crate) mod notp;
pub(crate) mod oauth;
mod otp;
pub(crate) mod password;
pub(crate) mod permission;
pub(crate) mod project;
pub(crate) mod provider;
pub(crate) mod push;
pub(crate) mod recovery_code;
pub(crate) mod resource;
pub(crate) mod resource_policy;
pub(crate) mod role;
pub(crate) mod scim;
mod scope_claim_mapping;
mod search;
mod security_questions;
mod session;
pub(crate) mod sso;
mod template;
pub(crate) mod tenant;
mod test_user;
pub(crate) mod totp;
pub(crate) mod user;
pub(crate) mod webauthn;

use std::collections::BTreeMap;

use descope_api::types::AssociatedTenant;
use serde::{Serialize, de::DeserializeOwned};

use self::user::Tenancy;
use crate::{
    error::{BAD_REQUEST, Refusal},
    http::Table,
    world::State,
};

/// All handlers.
pub(crate) fn table() -> Table {
    let mut table = Table::default();
    access_key::register(&mut table);
    admin_link::register(&mut table);
    analytics::register(&mut table);
    application::register(&mut table);
    audit::register(&mut table);
    descoper::register(&mut table);
    discovery::register(&mut table);
    embedded_link::register(&mut table);
    enchanted_link::register(&mut table);
    engine::register(&mut table);
    family::register(&mut table);
    flow::register(&mut table);
    fga::register(&mut table);
    group::register(&mut table);
    impersonation::register(&mut table);
    jwt::register(&mut table);
    jwt_template::register(&mut table);
    license::register(&mut table);
    list::register(&mut table);
    localization::register(&mut table);
    magic_link::register(&mut table);
    management_key::register(&mut table);
    notp::register(&mut table);
    mcp::register(&mut table);
    oauth::register(&mut table);
    otp::register(&mut table);
    password::register(&mut table);
    permission::register(&mut table);
    project::register(&mut table);
    push::register(&mut table);
    provider::register(&mut table);
    recovery_code::register(&mut table);
    resource::register(&mut table);
    resource_policy::register(&mut table);
    role::register(&mut table);
    scim::register(&mut table);
    scope_claim_mapping::register(&mut table);
    security_questions::register(&mut table);
    session::register(&mut table);
    sso::register(&mut table);
    tenant::register(&mut table);
    test_user::register(&mut table);
    totp::register(&mut table);
    user::register(&mut table);
    webauthn::register(&mut table);
    table
}

/// Puts what every project has from the beginning into a new one.
pub(crate) fn furnish(state: &mut State) {
    application::furnish(state);
    flow::furnish(state);
    permission::furnish(state);
    role::furnish(state);
}

/// The tenants that a user or key is put into, each with its roles.
fn tenancies(state: &State, tenants: Vec<AssociatedTenant>) -> Result<BTreeMap<String, Tenancy>, Refusal> {
    let mut found = BTreeMap::new();
    for tenant in tenants {
        tenant::require_named(state, &tenant.tenant_id)?;
        role::require(state, &tenant.role_names, Some(&tenant.tenant_id))?;
        found.insert(tenant.tenant_id, Tenancy { roles: tenant.role_names });
    }
    Ok(found)
}

/// A text that is more than white space.
fn some<T: AsRef<str>>(text: Option<T>) -> Option<T> {
    text.filter(|text| !text.as_ref().trim().is_empty())
}

/// Writes a value where there is one.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// One type of the API as another that has the members which matter.
fn recast<T: DeserializeOwned>(value: &impl Serialize) -> Result<T, Refusal> {
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(|error| Refusal::new(&BAD_REQUEST, format!("The emulator cannot read what it has written: {error}")))
}
