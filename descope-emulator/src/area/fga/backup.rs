//! Backups of schema and relations. They are complete as soon as they are made.

use descope_api::types::{
    EmptyRequest, FgaBackup, FgaCreateBackupResponse, FgaListBackupsResponse, FgaLoadBackupResponse,
    FgaRestoreBackupResponse,
};
use serde::{Deserialize, Serialize};

use super::{
    SchemaRecord, record,
    relation::{self, Relation},
    schema::Schema,
    store,
};
use crate::{
    error::Refusal,
    http::{Call, Table, op},
    world::Record,
};

/// A copy of schema and relations.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BackupRecord {
    id: String,
    /// Epoch seconds.
    created_at: i64,
    /// The version that the schema had.
    version: i64,
    schema: Schema,
    dsl: Option<String>,
    relations: Vec<Relation>,
}

impl Record for BackupRecord {
    const AUDITED: Option<&'static str> = None;

    fn id(&self) -> &str {
        &self.id
    }
}

impl BackupRecord {
    fn to_api(&self, project: &str) -> FgaBackup {
        FgaBackup::new()
            .id(self.id.as_str())
            .project_id(project)
            .status("completed")
            .created_at(self.created_at)
            .completed_at(self.created_at)
            .tuple_count(i64::try_from(self.relations.len()).unwrap_or(i64::MAX))
            .schema_version(self.version)
            .error_message("")
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementFgaCreateBackup>(|call, _| Ok(FgaCreateBackupResponse::new().backup_id(create(call)?)))
        .on::<op::ManagementFgaListBackups>(|call, _| {
            let project = &call.project.id;
            let backups = call.state.relation_backups.iter().map(|backup| backup.to_api(project));
            Ok(FgaListBackupsResponse::new().backups(backups))
        })
        .on::<op::ManagementFgaLoadBackup>(|call, _| {
            Ok(FgaLoadBackupResponse::new().backup(find(call)?.to_api(&call.project.id)))
        })
        .done::<op::ManagementFgaDeleteBackup>(|call, _| {
            let id = find(call)?.id.clone();
            call.state.relation_backups.remove(&mut call.state.log, &id);
            Ok(())
        })
        .on::<op::ManagementFgaRestoreBackup>(restore);
}

fn find<'a>(call: &'a Call<'_>) -> Result<&'a BackupRecord, Refusal> {
    let id = call.segment("backupId");
    call.state.relation_backups.get(id).ok_or_else(|| Refusal::missing("backup", id))
}

fn create(call: &mut Call<'_>) -> Result<String, Refusal> {
    let SchemaRecord { version, schema, dsl, .. } = record(call.state);
    let relations = call.state.relations.iter().map(|record| record.relation.clone()).collect();
    let id = call.state.ids.id("B");
    let backup = BackupRecord { id: id.clone(), created_at: call.now, version, schema, dsl, relations };
    call.state.relation_backups.insert(&mut call.state.log, backup)?;
    Ok(id)
}

fn restore(call: &mut Call<'_>, _: EmptyRequest) -> Result<FgaRestoreBackupResponse, Refusal> {
    let backup = find(call)?.clone();
    let replaced = create(call)?;
    relation::remove_where(call.state, call.now, |_| true);
    // The version grows all the same: whoever has kept answers by a version would be wrong otherwise.
    let schema = record(call.state).next(backup.schema, backup.dsl, call.now);
    store(call.state, schema);
    for relation in backup.relations {
        relation::add(call.state, relation, call.now);
    }
    Ok(FgaRestoreBackupResponse::new().auto_backup_id(replaced))
}
