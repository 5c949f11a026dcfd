//! How often things have happened, counted from the audit trail. Nobody knows here on which device and in which country
//! that was, or which page the visitors came from, so those are empty.

use std::collections::BTreeMap;

use descope_api::types::{AnalyticsEntry, AnalyticsSearchRequest, AnalyticsSearchResponse};
use serde_json::json;

use super::{recast, search, some};
use crate::{
    error::{NOT_EMULATED, Refusal},
    http::{Call, Table, op},
};

/// How far back is counted, in seconds.
const REACH: i64 = 365 * 24 * 3600;

pub(super) fn register(table: &mut Table) {
    table.on::<op::ManagementAnalyticsSearch>(count);
}

fn count(call: &mut Call<'_>, body: AnalyticsSearchRequest) -> Result<AnalyticsSearchResponse, Refusal> {
    let length = match some(body.group_by_created.as_deref()) {
        None => None,
        Some("h") => Some(3600),
        Some("d") => Some(24 * 3600),
        Some("w") => Some(7 * 24 * 3600),
        Some(other) => {
            let message =
                format!("The emulator adds up by h, d and w, an hour, a day and a week, and not by {other:?}");
            return Err(Refusal::new(&NOT_EMULATED, message));
        }
    };
    let from = body.from.unwrap_or_default().max((call.now - REACH).saturating_mul(1000));
    let to = body.to.filter(|to| *to > 0).unwrap_or(i64::MAX);
    // What is not known cannot be what somebody looks for.
    let unknown = !body.devices.is_empty() || !body.geos.is_empty();
    let mut counts: BTreeMap<(String, String, String, i64), u64> = BTreeMap::new();
    for entry in call.state.audit.iter().filter(|_| !unknown) {
        let at = entry.at.saturating_mul(1000);
        let fits = (from..=to).contains(&at)
            && search::chosen(&body.actions, &entry.action)
            && (body.excluded_actions.is_empty() || !search::chosen(&body.excluded_actions, &entry.action))
            && search::chosen(&body.methods, &entry.method)
            && search::any_chosen(&body.tenants, entry.tenants.iter().map(String::as_str));
        if !fits {
            continue;
        }
        let by = |wanted: Option<bool>, text: &str| if wanted == Some(true) { text.to_owned() } else { String::new() };
        // An entry about several tenants counts for each of them.
        let tenants: Vec<&str> = match body.group_by_tenant {
            Some(true) if !entry.tenants.is_empty() => entry.tenants.iter().map(String::as_str).collect(),
            _ => vec![""],
        };
        for tenant in tenants.into_iter().filter(|tenant| tenant.is_empty() || search::chosen(&body.tenants, tenant)) {
            let begins = length.map_or(0, |length: i64| entry.at.div_euclid(length) * length * 1000);
            let line = (
                by(body.group_by_action, &entry.action),
                by(body.group_by_method, &entry.method),
                tenant.to_owned(),
                begins,
            );
            *counts.entry(line).or_default() += 1;
        }
    }
    let known_nowhere = (body.group_by_device, body.group_by_geo, body.group_by_referrer);
    let line = |((action, method, tenant, created), count): ((String, String, String, i64), u64)| {
        let empty = |wanted: Option<bool>| wanted.filter(|wanted| *wanted).map(|_| "");
        recast::<AnalyticsEntry>(&json!({
            "projectId": call.project.id, "action": action, "method": method, "tenant": tenant,
            "created": length.map(|_| created.to_string()), "cnt": count.to_string(),
            "device": empty(known_nowhere.0), "geo": empty(known_nowhere.1), "referrer": empty(known_nowhere.2),
        }))
    };
    let lines = counts.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
    Ok(AnalyticsSearchResponse::new().analytics(lines))
}
