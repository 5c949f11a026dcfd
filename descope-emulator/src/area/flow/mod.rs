//! Flows and the theme as documents: listed, exported, imported and deleted; runs of simple ones, and what a browser needs
//! for them.

mod action;
mod pages;
mod run;
mod seeds;

use descope_api::types::{
    FlowBundle, FlowDetails, FlowExportRequest, FlowExportResponse, FlowImportRequest, FlowImportV1Request,
    FlowListRequest, FlowListResponse, FlowRunRequest, FlowRunResponse, FlowScreen, FlowV1Response, ThemeBundle,
    ThemeExportResponse, ThemeImportRequest, ThemeImportV1Request, ThemeV1, ThemeV1Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(super) use self::seeds::furnish;
pub(crate) use self::{
    pages::{LIBRARY, page},
    run::{FlowPrimeRecord, FlowRunRecord},
};
use super::{recast, search};
use crate::{
    error::{NOT_EMULATED, NOT_FOUND, Refusal, VALIDATION_FAILED},
    http::{Call, Table, op},
    world::Record,
};

/// One flow, in the form that has everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FlowRecord {
    id: String,
    version: i64,
    /// The steps.
    contents: Map<String, Value>,
    /// Name, description and whatever else is said of the flow as a whole.
    details: Map<String, Value>,
    screens: Vec<ScreenRecord>,
}

/// One screen of a flow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ScreenRecord {
    id: String,
    contents: Map<String, Value>,
    interactions: Value,
    inputs: Value,
}

/// Where the newer form keeps the inputs of a screen.
const INPUTS: &str = "inputs";

/// How pages look.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ThemeRecord {
    styles: Map<String, Value>,
    components_version: String,
    /// Counts the imports.
    version: i64,
}

impl Record for FlowRecord {
    const AUDITED: Option<&'static str> = Some("Flow");

    fn id(&self) -> &str {
        &self.id
    }
}

/// What both forms call by the same name.
const SHARED: [&str; 8] = [
    "name",
    "description",
    "disabled",
    "fingerprint",
    "management",
    "managementConfig",
    "sharedInteractions",
    "widget",
];

impl FlowRecord {
    /// The form that lists and the older exports have.
    fn details(&self) -> Result<FlowDetails, Refusal> {
        let mut details = self.details.clone();
        details.insert("id".to_owned(), json!(self.id));
        details.insert("version".to_owned(), json!(self.version));
        details.insert("etag".to_owned(), json!(self.version.to_string()));
        details.insert("dsl".to_owned(), Value::Object(self.contents.clone()));
        recast(&details)
    }

    fn screens(&self) -> Result<Vec<FlowScreen>, Refusal> {
        let one = |screen: &ScreenRecord| {
            recast(&json!({
                "id": screen.id, "flowId": self.id, "version": self.version, "htmlTemplate": screen.contents,
                "interactions": screen.interactions, "inputs": screen.inputs,
            }))
        };
        self.screens.iter().map(one).collect()
    }

    /// The form that newer exports have.
    fn bundle(&self) -> Result<FlowBundle, Refusal> {
        // This form has no place for the inputs, but for what else belongs to the screen.
        let contents = |screen: &ScreenRecord| {
            let mut contents = screen.contents.clone();
            if screen.inputs.as_array().is_some_and(|inputs| !inputs.is_empty()) {
                contents.insert(INPUTS.to_owned(), screen.inputs.clone());
            }
            contents
        };
        let screen = |screen: &ScreenRecord| json!({"screenId": screen.id, "contents": contents(screen), "interactions": screen.interactions});
        let metadata = self.details.iter().filter(|(name, _)| SHARED.contains(&name.as_str()));
        let metadata: Map<String, Value> = metadata.map(|(name, value)| (name.clone(), value.clone())).collect();
        recast(&json!({
            "flowId": self.id, "contents": self.contents, "metadata": metadata,
            "screens": self.screens.iter().map(screen).collect::<Vec<_>>(),
        }))
    }
}

pub(super) fn register(table: &mut Table) {
    run::register(table);
    table
        .on::<op::ManagementFlowList>(list)
        .on::<op::ManagementFlowExport>(|call, body| {
            Ok(FlowExportResponse::new().flow(find(call, &body.flow_id)?.bundle()?))
        })
        .on::<op::ManagementFlowExportV1>(export_v1)
        .done::<op::ManagementFlowImport>(import)
        .on::<op::ManagementFlowImportV1>(import_v1)
        .done::<op::ManagementFlowDelete>(|call, body| {
            for id in &body.ids {
                find(call, id)?;
                call.state.flows.remove(&mut call.state.log, id);
            }
            Ok(())
        })
        .on::<op::ManagementFlowRun>(run_for_back_end)
        .on::<op::ManagementThemeExport>(|call, _| Ok(ThemeExportResponse::new().theme(bundle_of(&call.state.theme)?)))
        .done::<op::ManagementThemeImport>(import_theme)
        .on::<op::ManagementThemeExportV1>(|call, _| Ok(ThemeV1Response::new().theme(older_form(&call.state.theme)?)))
        .on::<op::ManagementThemeImportV1>(import_theme_v1);
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a FlowRecord, Refusal> {
    let missing = || Refusal::new(&NOT_FOUND, format!("Failed getting flow: there is no flow {id:?}"));
    call.state.flows.get(id).ok_or_else(missing)
}

/// All flows, or those that are named; without their steps, as the service lists them.
fn list(call: &mut Call<'_>, body: FlowListRequest) -> Result<FlowListResponse, Refusal> {
    let wanted = call.state.flows.iter().filter(|flow| search::chosen(&body.ids, &flow.id));
    let flows = wanted.map(FlowRecord::details).collect::<Result<Vec<_>, _>>()?;
    let total = search::count(&flows);
    Ok(FlowListResponse::new().flows(flows).total(total))
}

fn export_v1(call: &mut Call<'_>, body: FlowExportRequest) -> Result<FlowV1Response, Refusal> {
    let flow = find(call, &body.flow_id)?;
    Ok(FlowV1Response::new().flow(flow.details()?).screens(flow.screens()?))
}

/// Puts a flow in the place of the one with its id, or beside the others.
fn store(call: &mut Call<'_>, mut flow: FlowRecord) -> Result<(), Refusal> {
    if flow.id.trim().is_empty() {
        return Err(Refusal::required("flowId"));
    }
    flow.version = call.state.flows.get(&flow.id).map_or(0, |known| known.version) + 1;
    if call.state.flows.contains(&flow.id) {
        let id = flow.id.clone();
        call.state.flows.update(&mut call.state.log, &id, |known| *known = flow);
    } else {
        call.state.flows.insert(&mut call.state.log, flow)?;
    }
    Ok(())
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn import(call: &mut Call<'_>, body: FlowImportRequest) -> Result<(), Refusal> {
    let bundle: Value = recast(&body.flow)?;
    let screens = bundle["screens"].as_array().into_iter().flatten();
    let screens = screens.map(|screen| {
        let mut contents = object(&screen["contents"]);
        ScreenRecord {
            id: screen["screenId"].as_str().unwrap_or_default().to_owned(),
            inputs: contents.remove(INPUTS).unwrap_or_else(|| json!([])),
            contents,
            interactions: screen["interactions"].clone(),
        }
    });
    let flow = FlowRecord {
        id: bundle["flowId"].as_str().unwrap_or_default().to_owned(),
        version: 0,
        contents: object(&bundle["contents"]),
        details: object(&bundle["metadata"]),
        screens: screens.collect(),
    };
    if let Some(why) = body.changelog.filter(|why| !why.is_empty()) {
        let data = object(&json!({"changelog": why}));
        call.state.log.event(crate::world::Event {
            action: "FlowImported".to_owned(),
            target: flow.id.clone(),
            data,
            ..Default::default()
        });
    }
    store(call, flow)
}

fn import_v1(call: &mut Call<'_>, body: FlowImportV1Request) -> Result<FlowV1Response, Refusal> {
    let mut details = object(&recast(&body.flow)?);
    let contents = details.remove("dsl").map(|dsl| object(&dsl)).unwrap_or_default();
    for own in ["id", "version", "etag"] {
        details.remove(own);
    }
    let mut screens = Vec::new();
    for screen in &body.screens {
        let screen: Value = recast(screen)?;
        screens.push(ScreenRecord {
            id: screen["id"].as_str().unwrap_or_default().to_owned(),
            contents: object(&screen["htmlTemplate"]),
            interactions: screen["interactions"].clone(),
            inputs: screen["inputs"].clone(),
        });
    }
    store(call, FlowRecord { id: body.flow_id.clone(), version: 0, contents, details, screens })?;
    let flow = find(call, &body.flow_id)?;
    Ok(FlowV1Response::new().flow(flow.details()?).screens(flow.screens()?))
}

/// Says of an unknown flow that it is unknown. Those that the emulator runs are for users.
fn run_for_back_end(call: &mut Call<'_>, body: FlowRunRequest) -> Result<FlowRunResponse, Refusal> {
    find(call, &body.flow_id)?;
    Err(Refusal::new(&NOT_EMULATED, "The emulator runs no flows of the back end"))
}

fn bundle_of(theme: &ThemeRecord) -> Result<ThemeBundle, Refusal> {
    recast(&json!({"styles": theme.styles, "componentsVersion": theme.components_version}))
}

fn older_form(theme: &ThemeRecord) -> Result<ThemeV1, Refusal> {
    recast(&json!({
        "id": "theme", "cssTemplate": theme.styles, "componentsVersion": theme.components_version,
        "version": theme.version,
    }))
}

fn import_theme(call: &mut Call<'_>, body: ThemeImportRequest) -> Result<(), Refusal> {
    let bundle: Value = recast(&body.theme)?;
    set_theme(call, object(&bundle["styles"]), bundle["componentsVersion"].as_str())
}

fn import_theme_v1(call: &mut Call<'_>, body: ThemeImportV1Request) -> Result<ThemeV1Response, Refusal> {
    let theme: Value = recast(&body.theme)?;
    set_theme(call, object(&theme["cssTemplate"]), theme["componentsVersion"].as_str())?;
    Ok(ThemeV1Response::new().theme(older_form(&call.state.theme)?))
}

fn set_theme(call: &mut Call<'_>, styles: Map<String, Value>, components: Option<&str>) -> Result<(), Refusal> {
    if styles.is_empty() {
        return Err(Refusal::new(&VALIDATION_FAILED, "The theme has no styles"));
    }
    let theme = &mut call.state.theme;
    theme.styles = styles;
    if let Some(version) = components {
        version.clone_into(&mut theme.components_version);
    }
    theme.version += 1;
    call.state.log.event(crate::world::Event { action: "ThemeModified".to_owned(), ..Default::default() });
    Ok(())
}
