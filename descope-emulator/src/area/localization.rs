//! Translations of flows and messages. They are documents here: no flow is shown, and messages have no words.

use descope_api::types::{
    LocalizationFlowOverrides, LocalizationFlowResponse, LocalizationMessagingOverrides, LocalizationMessagingResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::recast;
use crate::{
    error::Refusal,
    http::{Call, Table, op},
    world::Record,
};

/// What the translations of messages are kept under; no flow has that id.
const MESSAGES: &str = "";

/// The translations of one flow, or of the messages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TranslationRecord {
    id: String,
    /// Empty for messages.
    flow_id: String,
    languages: Map<String, Value>,
    version: i64,
    modified_at: i64,
}

impl Record for TranslationRecord {
    const AUDITED: Option<&'static str> = Some("Localization");

    #[allow(clippy::misnamed_getters, reason = "the id of the translations is one more thing that the service tells")]
    fn id(&self) -> &str {
        &self.flow_id
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementLocalizationExportFlow>(|call, body| {
            require_flow(call, &body.flow_id)?;
            Ok(LocalizationFlowResponse::new().overrides(shown::<LocalizationFlowOverrides>(call, &body.flow_id)?))
        })
        .on::<op::ManagementLocalizationImportFlow>(|call, body| {
            require_flow(call, &body.flow_id)?;
            let other = body.overrides.flow_id.as_deref().is_some_and(|id| !id.is_empty() && id != body.flow_id);
            if other {
                return Err(Refusal::invalid("The overrides are those of another flow"));
            }
            import(call, &body.flow_id, recast(&body.overrides.languages)?)?;
            Ok(LocalizationFlowResponse::new().overrides(shown::<LocalizationFlowOverrides>(call, &body.flow_id)?))
        })
        .on::<op::ManagementLocalizationExportMessaging>(|call, _| {
            Ok(LocalizationMessagingResponse::new().overrides(shown::<LocalizationMessagingOverrides>(call, MESSAGES)?))
        })
        .on::<op::ManagementLocalizationImportMessaging>(|call, body| {
            import(call, MESSAGES, recast(&body.overrides.languages)?)?;
            Ok(LocalizationMessagingResponse::new().overrides(shown::<LocalizationMessagingOverrides>(call, MESSAGES)?))
        });
}

fn require_flow(call: &Call<'_>, id: &str) -> Result<(), Refusal> {
    if call.state.flows.contains(id) { Ok(()) } else { Err(Refusal::missing("flow", id)) }
}

/// Replaces what was there; `id`, `version` and `modifiedTime` are the service's.
fn import(call: &mut Call<'_>, flow_id: &str, languages: Map<String, Value>) -> Result<(), Refusal> {
    let now = call.now;
    let changed = call.state.translations.update(&mut call.state.log, flow_id, |known| {
        known.languages.clone_from(&languages);
        known.version += 1;
        known.modified_at = now;
    });
    if changed.is_none() {
        let id = call.state.ids.id("LO");
        let record = TranslationRecord { id, flow_id: flow_id.to_owned(), languages, version: 1, modified_at: now };
        call.state.translations.insert(&mut call.state.log, record)?;
    }
    Ok(())
}

/// The translations, none of them where nothing was imported.
fn shown<T: serde::de::DeserializeOwned>(call: &Call<'_>, flow_id: &str) -> Result<T, Refusal> {
    let known = call.state.translations.get(flow_id).cloned().unwrap_or_default();
    let mut members = json!({
        "id": known.id, "languages": known.languages, "version": known.version,
        "modifiedTime": known.modified_at.to_string(),
    });
    if flow_id != MESSAGES {
        members["flowId"] = json!(flow_id);
    }
    recast(&members)
}
