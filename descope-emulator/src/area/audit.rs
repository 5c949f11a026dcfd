//! The audit trail: whatever has changed, signed in or was told by the back end.

use descope_api::types::{self, AuditEventCreateRequest, AuditSearchField, AuditSearchRequest, AuditSearchResponse};
use serde_json::Value;

use super::{search, tenant};
use crate::{
    error::Refusal,
    http::{Call, Table, op},
    world::{Event, audit::AuditEntry},
};

/// How many entries a page holds at most.
const PAGE: i64 = 1000;
/// How far back a search goes, in seconds: 30 days.
const REACH: i64 = 30 * 24 * 3600;

pub(super) fn register(table: &mut Table) {
    table.done::<op::ManagementAuditCreateEvent>(create_event).on::<op::ManagementAuditSearch>(search_entries);
}

fn create_event(call: &mut Call<'_>, body: AuditEventCreateRequest) -> Result<(), Refusal> {
    if !["info", "warn", "error"].contains(&body.type_.as_str()) {
        return Err(Refusal::invalid(format!("The type field cannot be {:?}; it is info, warn or error", body.type_)));
    }
    tenant::require_named(call.state, &body.tenant_id)?;
    let user = body.user_id.as_deref().and_then(|id| call.state.users.find(id));
    let login_ids = user.map(|user| user.login_ids.clone()).unwrap_or_default();
    call.state.log.event(Event {
        action: body.action,
        kind: Some(body.type_.into()),
        actor: Some(body.actor_id),
        target: body.user_id.unwrap_or_default(),
        login_ids,
        tenants: vec![body.tenant_id],
        data: body.data,
        ..Event::default()
    });
    Ok(())
}

fn to_api(entry: &AuditEntry, project: &str) -> types::AuditEntry {
    types::AuditEntry::new()
        .id(entry.id.as_str())
        .action(entry.action.as_str())
        .actor_id(entry.actor.as_str())
        .data(entry.data.clone())
        .device("Unknown")
        .external_ids(&entry.login_ids)
        .geo(String::new())
        .method(entry.method.as_str())
        .occurred(entry.at * 1000)
        .project_id(project)
        .remote_address(entry.ip.as_str())
        .tenants(&entry.tenants)
        .type_(entry.kind.as_str())
        .user_id(entry.target.as_str())
}

/// Conditions are joined by AND, the values within one list by OR.
fn search_entries(call: &mut Call<'_>, body: AuditSearchRequest) -> Result<AuditSearchResponse, Refusal> {
    let from = body.from.map_or(call.now - REACH, |from| from.div_euclid(1000)).max(call.now - REACH);
    let to = body.to.filter(|to| *to > 0).map_or(i64::MAX, |to| to.div_euclid(1000));
    let fits = |entry: &&AuditEntry| {
        let in_tenants = search::any_chosen(&body.tenants, entry.tenants.iter().map(String::as_str))
            || (body.no_tenants == Some(true) && entry.tenants.is_empty());
        let login_ids = || entry.login_ids.iter().map(String::as_str);
        let holds = |parts: &[String]| login_ids().any(|id| parts.iter().any(|part| search::contains(id, part)));
        (from..=to).contains(&entry.at)
            && in_tenants
            && search::chosen(&body.actions, &entry.action)
            && !body.excluded_actions.contains(&entry.action)
            && search::chosen(&body.actor_ids, &entry.actor)
            && search::chosen(&body.user_ids, &entry.target)
            && search::chosen(&body.audit_types, &entry.kind)
            && search::chosen(&body.levels, &entry.kind)
            && search::chosen(&body.methods, &entry.method)
            && search::chosen(&body.devices, "Unknown")
            && search::chosen(&body.geos, "")
            && search::chosen(&body.remote_addresses, &entry.ip)
            && search::any_chosen(&body.external_ids, login_ids())
            && !login_ids().any(|id| body.excluded_external_ids.iter().any(|excluded| excluded == id))
            && (body.login_ids_contain.is_empty() || holds(&body.login_ids_contain))
            && !holds(&body.login_ids_not_contain)
    };
    let mut found: Vec<types::AuditEntry> =
        call.state.audit.iter().filter(fits).map(|entry| to_api(entry, &call.project.id)).collect();
    if let Some(text) = body.text.as_deref().filter(|text| !text.is_empty()) {
        found.retain(|entry| serde_json::to_string(entry).is_ok_and(|json| search::contains(&json, text)));
    }
    for field in &body.search_fields {
        found.retain(|entry| has(entry, field));
    }
    if body.oldest_first != Some(true) {
        found.reverse();
    }
    search::sort(&mut found, &body.sort);
    let total = search::count(&found);
    let size = body.size.or(body.limit).filter(|size| *size != 0).unwrap_or(PAGE).min(PAGE);
    Ok(AuditSearchResponse::new().audits(search::page(found, body.page, Some(size))?).total(total))
}

/// Whether an entry is as a condition on one of its members says.
fn has(entry: &types::AuditEntry, condition: &AuditSearchField) -> bool {
    let entry = serde_json::to_value(entry).unwrap_or_default();
    let mut value = &entry;
    for part in condition.field.split('.') {
        value = &value[part];
    }
    let wanted: Vec<&str> =
        condition.val_str.as_deref().into_iter().chain(condition.val_arr.iter().map(String::as_str)).collect();
    let is = |value: &Value| match value {
        Value::String(text) => wanted.contains(&text.as_str()),
        other => wanted.contains(&other.to_string().as_str()),
    };
    let found = match value {
        Value::Array(values) => values.iter().any(is),
        value => is(value),
    };
    found != (condition.negative == Some(true))
}
