//! Which applications of third parties may use which resources, and with which scopes. The provider of applications
//! keeps to them.

use descope_api::types::{ResourcePoliciesResponse, ResourcePolicy, ResourcePolicyResponse, ResourcePolicySettings};
use serde::{Deserialize, Serialize};

use super::recast;
use crate::{
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::{Record, State},
};

/// What one application may do with one resource.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(clippy::struct_field_names, reason = "as the document names them")]
pub(crate) struct ResourcePolicyRecord {
    id: String,
    resource_id: String,
    third_party_application_id: String,
    all_user_scopes: bool,
    user_access_scopes: Vec<String>,
    all_client_scopes: bool,
    client_access_scopes: Vec<String>,
    version: i64,
    created_at: i64,
    modified_at: i64,
}

impl Record for ResourcePolicyRecord {
    const AUDITED: Option<&'static str> = Some("ResourcePolicy");

    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        vec![self.resource_id.clone(), self.third_party_application_id.clone()]
    }
}

impl ResourcePolicyRecord {
    fn to_api(&self) -> ResourcePolicy {
        ResourcePolicy::new()
            .resource_id(self.resource_id.as_str())
            .third_party_application_id(self.third_party_application_id.as_str())
            .all_user_scopes(self.all_user_scopes)
            .user_access_scopes(&self.user_access_scopes)
            .all_client_scopes(self.all_client_scopes)
            .client_access_scopes(&self.client_access_scopes)
            .version(self.version.to_string())
            .created_time(self.created_at)
            .modified_time(self.modified_at)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementResourcePolicyCreate>(|call, body| {
            Ok(ResourcePolicyResponse::new().resource_policy(create(call, body)?))
        })
        .on::<op::ManagementResourcePolicyCreateBatch>(|call, body| {
            let made = body.policies.into_iter().map(|one| create(call, one)).collect::<Result<Vec<_>, _>>()?;
            Ok(ResourcePoliciesResponse::new().resource_policies(made))
        })
        .on::<op::ManagementResourcePolicyUpdate>(update)
        .done::<op::ManagementResourcePolicyDelete>(|call, body| {
            delete(call, &body.resource_id, &body.third_party_application_id)
        })
        .done::<op::ManagementResourcePolicyDeleteBatch>(|call, body| {
            body.policies.iter().try_for_each(|one| delete(call, &one.resource_id, &one.third_party_application_id))
        })
        .on::<op::ManagementResourcePolicyLoadByApp>(|call, _| {
            let app = call.query("thirdPartyApplicationId").unwrap_or_default().to_owned();
            require_application(call, &app)?;
            let policies = call.state.resource_policies.owned(&app).map(ResourcePolicyRecord::to_api);
            Ok(ResourcePoliciesResponse::new().resource_policies(policies.collect::<Vec<_>>()))
        });
}

fn id_of(resource: &str, application: &str) -> String {
    format!("{resource}\n{application}")
}

fn require_application(call: &Call<'_>, id: &str) -> Result<(), Refusal> {
    let known = call.state.third_party_applications.contains(id);
    if known { Ok(()) } else { Err(Refusal::missing("application", id)) }
}

/// The policy as it is described, of a resource and an application that there are.
fn described(call: &Call<'_>, body: &ResourcePolicySettings) -> Result<ResourcePolicyRecord, Refusal> {
    if !call.state.resources.contains(&body.resource_id) {
        return Err(Refusal::missing("resource", &body.resource_id));
    }
    require_application(call, &body.third_party_application_id)?;
    let mut record: ResourcePolicyRecord = recast(body)?;
    record.id = id_of(&body.resource_id, &body.third_party_application_id);
    (record.version, record.created_at, record.modified_at) = (1, call.now, call.now);
    Ok(record)
}

fn create(call: &mut Call<'_>, body: ResourcePolicySettings) -> Result<ResourcePolicy, Refusal> {
    let record = described(call, &body)?;
    if call.state.resource_policies.contains(&record.id) {
        return Err(Refusal::new(&ALREADY_EXISTS, "There is a policy for this application and resource already"));
    }
    Ok(call.state.resource_policies.insert(&mut call.state.log, record)?.to_api())
}

fn missing(resource: &str, application: &str) -> Refusal {
    Refusal::missing("policy", &format!("{resource} for {application}"))
}

fn update(call: &mut Call<'_>, body: ResourcePolicySettings) -> Result<ResourcePolicyResponse, Refusal> {
    let record = described(call, &body)?;
    let updated = call.state.resource_policies.update(&mut call.state.log, &record.id.clone(), |known| {
        *known = ResourcePolicyRecord { created_at: known.created_at, version: known.version + 1, ..record };
    });
    let updated = updated.ok_or_else(|| missing(&body.resource_id, &body.third_party_application_id))?;
    Ok(ResourcePolicyResponse::new().resource_policy(updated.to_api()))
}

fn delete(call: &mut Call<'_>, resource: &str, application: &str) -> Result<(), Refusal> {
    let removed = call.state.resource_policies.remove(&mut call.state.log, &id_of(resource, application));
    removed.map(|_| ()).ok_or_else(|| missing(resource, application))
}

/// The scopes of a resource that an application may ask for.
pub(super) enum Allowed<'a> {
    All,
    Some(&'a [String]),
}

impl Allowed<'_> {
    pub(super) fn has(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(scopes) => scopes.iter().any(|known| known == scope),
        }
    }
}

/// What an application may ask for, for a user or for itself; nothing at all without a policy.
pub(super) fn allowed<'a>(state: &'a State, resource: &str, application: &str, for_user: bool) -> Option<Allowed<'a>> {
    let policy = state.resource_policies.get(&id_of(resource, application))?;
    let (all, some) = if for_user {
        (policy.all_user_scopes, &policy.user_access_scopes)
    } else {
        (policy.all_client_scopes, &policy.client_access_scopes)
    };
    Some(if all { Allowed::All } else { Allowed::Some(some) })
}
