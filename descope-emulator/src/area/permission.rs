//! Permissions, which roles are made of.

use descope_api::types::{self, PermissionCreateRequest, PermissionUpdateRequest, PermissionsResponse};
use serde::{Deserialize, Serialize};

use super::some;
use crate::{
    error::{NOT_FOUND, PERMISSION_ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::{Record, State},
};

/// The permissions that every project has.
const BUILT_IN: [&str; 3] = ["Impersonate", "SSO Admin", "User Admin"];

/// One permission.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PermissionRecord {
    id: String,
    name: String,
    description: String,
    built_in: bool,
}

impl Record for PermissionRecord {
    const AUDITED: Option<&'static str> = Some("Permission");

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl PermissionRecord {
    fn to_api(&self) -> types::Permission {
        types::Permission::new()
            .id(self.id.as_str())
            .name(self.name.as_str())
            .description(self.description.as_str())
            .system_default(self.built_in)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementPermissionLoadAll>(|call, _| {
            let all = call.state.permissions.iter().map(PermissionRecord::to_api);
            Ok(PermissionsResponse::new().permissions(all))
        })
        .done::<op::ManagementPermissionCreate>(create)
        .done::<op::ManagementPermissionCreateBatch>(|call, body| {
            body.permissions.into_iter().try_for_each(|one| create(call, one))
        })
        .done::<op::ManagementPermissionUpdate>(update)
        .done::<op::ManagementPermissionUpdateBatch>(|call, body| {
            body.permissions.into_iter().try_for_each(|one| update(call, one))
        })
        .done::<op::ManagementPermissionDelete>(|call, body| delete(call, body.id, body.name))
        .done::<op::ManagementPermissionDeleteBatch>(|call, body| {
            body.ids.into_iter().try_for_each(|id| delete(call, Some(id), None))?;
            body.names.into_iter().try_for_each(|name| delete(call, None, Some(name)))
        });
}

/// Puts the built-in permissions into a new project.
pub(super) fn furnish(state: &mut State) {
    for name in BUILT_IN {
        let permission = PermissionRecord {
            id: name.replace(' ', "-").to_lowercase(),
            name: name.to_owned(),
            built_in: true,
            ..Default::default()
        };
        let _ = state.permissions.insert(&mut state.log, permission);
    }
}

/// Refuses names that no permission has.
pub(super) fn require(state: &State, names: &[String]) -> Result<(), Refusal> {
    match names.iter().find(|name| state.permissions.named(name).is_none()) {
        Some(name) if !state.settings.lenient => Err(Refusal::missing("permission", name)),
        _ => Ok(()),
    }
}

fn create(call: &mut Call<'_>, body: PermissionCreateRequest) -> Result<(), Refusal> {
    if call.state.permissions.named(&body.name).is_some() {
        let message = format!("A permission with the name {:?} exists already", body.name);
        return Err(Refusal::new(&PERMISSION_ALREADY_EXISTS, message));
    }
    let id = call.state.ids.id("PR");
    let permission =
        PermissionRecord { id, name: body.name, description: body.description.unwrap_or_default(), built_in: false };
    call.state.permissions.insert(&mut call.state.log, permission)?;
    Ok(())
}

/// The id of a permission that may be changed.
fn own(call: &Call<'_>, id: Option<String>, name: Option<String>) -> Result<String, Refusal> {
    let (permission, wanted) = match (some(id), some(name)) {
        (Some(id), _) => (call.state.permissions.get(&id), id),
        (None, Some(name)) => (call.state.permissions.named(&name), name),
        (None, None) => return Err(Refusal::required("name")),
    };
    let permission =
        permission.ok_or_else(|| Refusal::new(&NOT_FOUND, format!("There is no permission {wanted:?}")))?;
    if permission.built_in {
        return Err(Refusal::invalid(format!(
            "The permission {:?} is built in and cannot be changed",
            permission.name
        )));
    }
    Ok(permission.id.clone())
}

fn update(call: &mut Call<'_>, body: PermissionUpdateRequest) -> Result<(), Refusal> {
    let id = own(call, body.id, body.name)?;
    let old = call.state.permissions.get(&id).map(|old| old.name.clone()).unwrap_or_default();
    call.state.permissions.edit(&mut call.state.log, &id, |permission| {
        permission.name.clone_from(&body.new_name);
        permission.description = body.description.unwrap_or_default();
        Ok::<_, Refusal>(())
    })?;
    super::role::rename_permission(call.state, &old, Some(&body.new_name));
    Ok(())
}

fn delete(call: &mut Call<'_>, id: Option<String>, name: Option<String>) -> Result<(), Refusal> {
    let id = own(call, id, name)?;
    if let Some(permission) = call.state.permissions.remove(&mut call.state.log, &id) {
        super::role::rename_permission(call.state, &permission.name, None);
    }
    Ok(())
}
