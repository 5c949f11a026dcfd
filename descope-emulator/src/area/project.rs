//! The project itself: its name and tags, copies of it, and its configuration as files.

use std::collections::BTreeMap;

use descope_api::types::{
    ProjectCloneRequest, ProjectCloneResponse, ProjectImportSnapshotRequest, ProjectListResponse,
    ProjectLoadCloneResponse, ProjectSnapshot, ProjectSnapshotSecrets, ProjectStartCloneResponse, ProjectSummary,
    ProjectValidateSnapshotResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{NOT_EMULATED, Refusal, VALIDATION_FAILED},
    http::{Call, Nothing, Table, op, schema::check_depth},
    world::{SavedProject, State},
};

/// What a project says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ProjectSettings {
    pub(crate) name: String,
    tags: Vec<String>,
    environment: String,
    /// Copies that were asked for without waiting for them, by the process: the id of the copy.
    clones: BTreeMap<String, String>,
    /// Whether nothing is left but the id, which stays taken.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

impl ProjectSettings {
    /// Whether calls of the project are refused.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// The name that people are shown: the id where there is none.
    pub(super) fn name(&self, id: &str) -> String {
        if self.name.is_empty() { id.to_owned() } else { self.name.clone() }
    }
}

/// The files of a snapshot, each with what it holds: everything that is set up, and nobody's data.
const FILES: [&str; 11] = [
    "roles.json",
    "permissions.json",
    "lists.json",
    "flows.json",
    "theme.json",
    "ssoApplications.json",
    "thirdPartyApplications.json",
    "outboundApplications.json",
    "scopeClaimMapping.json",
    "settings.json",
    "project.json",
];

pub(super) fn register(table: &mut Table) {
    table
        .done::<op::ManagementProjectUpdateName>(|call, body| {
            call.state.about.name = body.name;
            call.state.log.touch();
            Ok(())
        })
        .done::<op::ManagementProjectUpdateTags>(|call, body| {
            call.state.about.tags = body.tags;
            call.state.log.touch();
            Ok(())
        })
        .done::<op::ManagementProjectDelete>(|call, _| {
            delete(call);
            Ok(())
        })
        .on::<op::ManagementProjectList>(list)
        .on::<op::ManagementProjectClone>(|call, body| {
            let environment = body.environment.clone();
            let id = clone(call, &body)?;
            let mut copy = ProjectCloneResponse::new().project_id(id).project_name(body.name).tags(body.tags);
            copy.environment = environment;
            Ok(copy)
        })
        .on::<op::ManagementProjectStartClone>(|call, body| {
            let id = clone(call, &body)?;
            let process = call.state.ids.id("PC");
            call.state.about.clones.insert(process.clone(), id);
            Ok(ProjectStartCloneResponse::new().process_id(process))
        })
        .on::<op::ManagementProjectLoadClone>(load_clone)
        .on::<op::ManagementProjectExport>(|call, body| {
            check_format(body.format.as_deref())?;
            export(call.state)
        })
        .on::<op::ManagementProjectExportSnapshot>(|call, body| {
            check_format(body.format.as_deref())?;
            export(call.state)
        })
        .done::<op::ManagementProjectImport>(import)
        .done::<op::ManagementProjectImportSnapshot>(import)
        .on::<op::ManagementProjectValidateSnapshot>(|call, body| {
            let failures: Vec<String> = match imported(call.state, &body) {
                Ok(_) => Vec::new(),
                Err(refusal) => vec![refusal.message],
            };
            Ok(ProjectValidateSnapshotResponse::new().ok(failures.is_empty()).failures(failures))
        });
}

fn list(call: &mut Call<'_>, _: descope_api::types::EmptyRequest) -> Result<ProjectListResponse, Refusal> {
    let own = summary(&call.project.id, &call.state.about);
    // Each of the others has a lock of its own, and whoever holds one never asks for ours: projects are listed by one
    // call at a time.
    let others = call.others.iter().map(|(id, about)| summary(id, about));
    let mut all: Vec<ProjectSummary> = others.chain([own]).collect();
    all.sort_by(|one, two| one.id.cmp(&two.id));
    Ok(ProjectListResponse::new().projects(all))
}

fn summary(id: &str, about: &ProjectSettings) -> ProjectSummary {
    let name = if about.name.is_empty() { id } else { &about.name };
    let project = ProjectSummary::new().id(id).name(name).tags(&about.tags);
    if about.environment.is_empty() { project } else { project.environment(about.environment.as_str()) }
}

/// What a copy takes over: everything that is set up, and nobody's data.
fn configuration(state: &State) -> State {
    State {
        settings: state.settings.clone(),
        about: state.about.clone(),
        roles: state.roles.clone(),
        permissions: state.permissions.clone(),
        lists: state.lists.clone(),
        flows: state.flows.clone(),
        theme: state.theme.clone(),
        sso_applications: state.sso_applications.clone(),
        third_party_applications: state.third_party_applications.clone(),
        outbound_applications: state.outbound_applications.clone(),
        scope_claim_mapping: state.scope_claim_mapping.clone(),
        ..State::default()
    }
}

fn clone(call: &mut Call<'_>, body: &ProjectCloneRequest) -> Result<String, Refusal> {
    let id = call.state.ids.id("P");
    let mut state = configuration(call.state);
    state.about = ProjectSettings {
        name: body.name.clone(),
        tags: body.tags.clone(),
        environment: body.environment.as_deref().unwrap_or_default().to_owned(),
        ..ProjectSettings::default()
    };
    // Roles of tenants stay behind with the tenants.
    let tenants: Vec<String> = call.state.tenants.iter().map(|tenant| tenant.id.clone()).collect();
    for tenant in tenants {
        state.roles.remove_owned(&mut state.log, &tenant);
    }
    state.log.take();
    call.state.log.touch();
    call.new_project = Some((id.clone(), SavedProject { keys: None, state }));
    Ok(id)
}

/// Leaves nothing of the project but its id. A reset of the emulator, or a snapshot that it has kept, brings it back.
fn delete(call: &mut Call<'_>) {
    let about = ProjectSettings { deleted: true, ..ProjectSettings::default() };
    let settings = std::mem::take(&mut call.state.settings);
    *call.state = State { settings, about, ..State::default() };
    call.state.log.touch();
    call.project.inbox.clear();
}

fn load_clone(call: &mut Call<'_>, _: Nothing) -> Result<ProjectLoadCloneResponse, Refusal> {
    let process = call.segment("processId");
    let id = call.state.about.clones.get(process).ok_or_else(|| Refusal::missing("clone process", process))?;
    let name = call.others.iter().find(|(other, _)| other == id).map(|(_, about)| about.name.clone());
    Ok(ProjectLoadCloneResponse::new().project_id(id.as_str()).project_name(name.unwrap_or_default()))
}

fn check_format(format: Option<&str>) -> Result<(), Refusal> {
    match format.filter(|format| !format.is_empty()) {
        Some(format) if format != "string" && format != "json" => {
            Err(Refusal::new(&NOT_EMULATED, format!("The emulator does not write snapshots in the format {format:?}")))
        }
        _ => Ok(()),
    }
}

fn unreadable(error: serde_json::Error) -> Refusal {
    Refusal::new(&VALIDATION_FAILED, error.to_string())
}

/// One text for each part of the configuration.
fn export(state: &State) -> Result<ProjectSnapshot, Refusal> {
    let value = serde_json::to_value(configuration(state)).map_err(unreadable)?;
    let mut files = BTreeMap::new();
    for file in FILES {
        let part = &value[member_of(file)];
        let text = serde_json::to_string_pretty(part).map_err(unreadable)?;
        files.insert(file.to_owned(), Value::String(text));
    }
    Ok(ProjectSnapshot::new().files(files.into_iter().collect::<serde_json::Map<_, _>>()))
}

/// The member of the state that a file holds.
fn member_of(file: &str) -> &str {
    match file.trim_end_matches(".json") {
        "project" => "about",
        member => member,
    }
}

fn is_empty(secrets: &ProjectSnapshotSecrets) -> bool {
    let ProjectSnapshotSecrets { connectors, external_auth, oauth_providers, outbound_apps, extra, .. } = secrets;
    extra.is_empty() && [connectors, external_auth, oauth_providers, outbound_apps].iter().all(|kind| kind.is_empty())
}

/// The configuration that a snapshot describes, over the one that there is.
fn imported(state: &State, body: &ProjectImportSnapshotRequest) -> Result<State, Refusal> {
    if body.input_secrets.as_ref().is_some_and(|secrets| !is_empty(secrets)) {
        let message = "The emulator has no connectors that would need inputSecrets; leave it out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    if body.files.is_empty() {
        return Err(Refusal::required("files"));
    }
    let mut value = serde_json::to_value(configuration(state)).map_err(unreadable)?;
    for (file, content) in &body.files {
        if !FILES.contains(&file.as_str()) {
            let known = FILES.join(", ");
            return Err(Refusal::new(&VALIDATION_FAILED, format!("There is no file {file:?}; there are {known}")));
        }
        let excluded = |name: &String| name == file || name == file.trim_end_matches(".json");
        if body.excludes.iter().any(excluded) {
            continue;
        }
        let part = match content {
            Value::String(text) => serde_json::from_str(text)
                .map_err(|error| Refusal::new(&VALIDATION_FAILED, format!("{file}: {error}")))?,
            other => other.clone(),
        };
        check_depth(&part)?;
        value[member_of(file)] = part;
    }
    let state: State =
        serde_json::from_value(value).map_err(|error| Refusal::new(&VALIDATION_FAILED, error.to_string()))?;
    state.settings.check()?;
    Ok(state)
}

fn import(call: &mut Call<'_>, body: ProjectImportSnapshotRequest) -> Result<(), Refusal> {
    let new = imported(call.state, &body)?;
    let state = &mut *call.state;
    state.settings = new.settings;
    state.about = ProjectSettings { clones: std::mem::take(&mut state.about.clones), deleted: false, ..new.about };
    state.roles = new.roles;
    state.permissions = new.permissions;
    state.lists = new.lists;
    state.flows = new.flows;
    state.theme = new.theme;
    state.sso_applications = new.sso_applications;
    state.third_party_applications = new.third_party_applications;
    state.outbound_applications = new.outbound_applications;
    state.scope_claim_mapping = new.scope_claim_mapping;
    state.log.event(crate::world::Event { action: "ProjectImported".to_owned(), ..Default::default() });
    Ok(())
}
