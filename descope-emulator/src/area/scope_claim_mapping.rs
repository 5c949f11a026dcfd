//! Which claims the scopes of applications bring.

use descope_api::types::{ScopeClaimMappingEntry, ScopeClaimMappingResponse, ScopeClaimMappingSetRequest};

use super::some;
use crate::{
    error::{Refusal, VALIDATION_FAILED},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementScopeClaimMappingLoad>(|call, _| {
            Ok(ScopeClaimMappingResponse::new().mappings(call.state.scope_claim_mapping.iter().cloned()))
        })
        .done::<op::ManagementScopeClaimMappingSet>(set)
        .done::<op::ManagementScopeClaimMappingDelete>(|call, _| {
            call.state.scope_claim_mapping.clear();
            call.state.log.touch();
            Ok(())
        });
}

/// Puts the mapping in the place of the one before.
fn set(call: &mut Call<'_>, body: ScopeClaimMappingSetRequest) -> Result<(), Refusal> {
    let mut seen: Vec<&str> = Vec::new();
    for ScopeClaimMappingEntry { scope, .. } in &body.mappings {
        let Some(scope) = scope.as_deref().filter(|scope| some(Some((*scope).to_owned())).is_some()) else {
            return Err(Refusal::required("mappings.scope"));
        };
        if seen.contains(&scope) {
            return Err(Refusal::new(&VALIDATION_FAILED, format!("The scope {scope:?} is there twice")));
        }
        seen.push(scope);
    }
    call.state.scope_claim_mapping = body.mappings;
    call.state.log.touch();
    Ok(())
}
