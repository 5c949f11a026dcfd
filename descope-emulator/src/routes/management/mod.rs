//! What the back end calls with a management key.

mod access_key;
mod embedded_link;
mod test_user;
mod user;

use std::collections::BTreeMap;

use descope_api::types::AssociatedTenant;

use crate::{
    handler::Table,
    state::{State, Tenancy},
};

pub(super) fn register(table: &mut Table) {
    access_key::register(table);
    embedded_link::register(table);
    test_user::register(table);
    user::register(table);
}

/// The tenants that a user or key is put into; they exist from now on.
fn tenancies(state: &mut State, tenants: Vec<AssociatedTenant>) -> BTreeMap<String, Tenancy> {
    for tenant in &tenants {
        state.ensure_tenant(&tenant.tenant_id);
    }
    tenants.into_iter().map(|tenant| (tenant.tenant_id, Tenancy { roles: tenant.role_names })).collect()
}
