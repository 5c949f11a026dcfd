//! Where a federated application would have users written by SCIM. The settings are kept; nothing is written, so they cannot
//! be switched on.

use descope_api::types::{
    OutboundApplicationCreateScimRequest, OutboundApplicationScim, OutboundApplicationScimResponse,
    OutboundApplicationSetScimEnabledRequest, OutboundApplicationUpdateScimRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{ALREADY_EXISTS, INVALID_ARGUMENTS, NOT_EMULATED, Refusal},
    http::{Call, Nothing, Table, op},
    world::Record,
};

/// The settings of one application.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OutboundScimRecord {
    app_id: String,
    configuration: Map<String, Value>,
    version: i64,
}

impl std::fmt::Debug for OutboundScimRecord {
    /// Leaves the credentials out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundScimRecord").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Record for OutboundScimRecord {
    const AUDITED: Option<&'static str> = Some("OutboundScim");

    fn id(&self) -> &str {
        &self.app_id
    }

    fn owners(&self) -> Vec<String> {
        vec![self.app_id.clone()]
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementOutboundApplicationCreateScim>(create)
        .on::<op::ManagementOutboundApplicationUpdateScim>(update)
        .on::<op::ManagementOutboundApplicationLoadScim>(load)
        .on::<op::ManagementOutboundApplicationSetScimEnabled>(set_enabled)
        .done::<op::ManagementOutboundApplicationDeleteScim>(|call, body| {
            let removed = call.state.outbound_scim.remove(&mut call.state.log, &body.app_id);
            removed.map(|_| ()).ok_or_else(|| missing(&body.app_id))
        });
}

fn missing(app_id: &str) -> Refusal {
    Refusal::missing("SCIM configuration of the application", app_id)
}

fn find<'a>(call: &'a Call<'_>, app_id: &str) -> Result<&'a OutboundScimRecord, Refusal> {
    call.state.outbound_scim.get(app_id).ok_or_else(|| missing(app_id))
}

/// The settings as they are read: without credentials, which are written once and never come back.
fn shown(record: &OutboundScimRecord) -> OutboundApplicationScimResponse {
    let mut configuration = record.configuration.clone();
    configuration.remove("authentication");
    let shown = OutboundApplicationScim::new()
        .app_id(&record.app_id)
        .configuration(configuration)
        .enabled(false)
        .version(record.version)
        .failures(0)
        .last_export_time(0)
        .last_processing_time(0);
    OutboundApplicationScimResponse::new().configuration(shown)
}

fn create(
    call: &mut Call<'_>,
    body: OutboundApplicationCreateScimRequest,
) -> Result<OutboundApplicationScimResponse, Refusal> {
    if call.state.sso_applications.get(&body.app_id).is_none() {
        return Err(Refusal::missing("application", &body.app_id));
    }
    if call.state.outbound_scim.contains(&body.app_id) {
        let message = format!("The application {:?} has a SCIM configuration already", body.app_id);
        return Err(Refusal::new(&ALREADY_EXISTS, message));
    }
    let record = OutboundScimRecord { app_id: body.app_id, configuration: body.configuration, version: 1 };
    let record = call.state.outbound_scim.insert(&mut call.state.log, record)?;
    Ok(shown(&record))
}

/// Replaces everything, unless somebody else has done so since the settings were read.
fn update(
    call: &mut Call<'_>,
    body: OutboundApplicationUpdateScimRequest,
) -> Result<OutboundApplicationScimResponse, Refusal> {
    let version = find(call, &body.app_id)?.version;
    if body.version != version {
        let message = format!("The configuration was changed meanwhile: its version is {version}");
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    }
    let record = call.state.outbound_scim.edit(&mut call.state.log, &body.app_id, |record| {
        record.configuration = body.configuration;
        record.version += 1;
        Ok::<_, Refusal>(())
    })?;
    Ok(shown(&record))
}

fn load(call: &mut Call<'_>, _: Nothing) -> Result<OutboundApplicationScimResponse, Refusal> {
    find(call, call.segment("appId")).map(shown)
}

fn set_enabled(
    call: &mut Call<'_>,
    body: OutboundApplicationSetScimEnabledRequest,
) -> Result<OutboundApplicationScimResponse, Refusal> {
    let record = find(call, &body.app_id)?;
    if body.enabled {
        let message = "The emulator writes no users to other servers, so that SCIM cannot be switched on";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    Ok(shown(record))
}
