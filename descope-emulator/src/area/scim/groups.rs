//! Groups of users. Their members have the roles that the SSO settings of the tenant map the group to.

use std::collections::BTreeSet;

use descope_api::types::{Group, GroupMember, ScimGroupRequest, ScimPatchRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Realm, bad, created, done, missing, page, patch, reply, taken, without_nothing};
use crate::{
    area::recast,
    error::Refusal,
    http::{Call, Nothing, Reply, Table, op},
    world::{Record, State, clock::rfc3339},
};

pub(super) const SHAPE: patch::Shape = patch::Shape {
    schema: "urn:ietf:params:scim:schemas:core:2.0:Group",
    attributes: &["schemas", "id", "meta", "displayName", "externalId", "members"],
    many: &["members"],
};

/// One group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct GroupRecord {
    id: String,
    /// Empty for one that the back end has made for the project.
    tenant_id: String,
    sso_id: String,
    display_name: String,
    external_id: String,
    members: BTreeSet<String>,
    created_at: i64,
    modified_at: i64,
}

impl Record for GroupRecord {
    const AUDITED: Option<&'static str> = Some("Group");

    fn id(&self) -> &str {
        &self.id
    }

    fn owners(&self) -> Vec<String> {
        Some(self.tenant_id.clone()).filter(|tenant| !tenant.is_empty()).into_iter().collect()
    }

    fn tenant_ids(&self) -> Vec<String> {
        self.owners()
    }
}

impl GroupRecord {
    fn is_of(&self, realm: &Realm) -> bool {
        realm.tenant.is_empty() || (self.tenant_id == realm.tenant && self.sso_id == realm.sso_id)
    }

    /// The members that have not been deleted since.
    fn present<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a crate::area::user::UserRecord> {
        self.members.iter().filter_map(|id| state.users.get(id))
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .reply::<op::ScimGroupsSearch>(search)
        .reply::<op::ScimGroupsCreate>(|call, body| {
            let realm = Realm::of(call)?;
            let shown = write(call, &realm, None, body)?;
            Ok(created(call, shown))
        })
        .reply::<op::ScimGroupsLoad>(|call, _| {
            let realm = Realm::of(call)?;
            let group = find(call, &realm)?;
            Ok(reply(without(show(call.state, group), call.query("excludedAttributes"))))
        })
        .reply::<op::ScimGroupsReplace>(|call, body| {
            let realm = Realm::of(call)?;
            let id = find(call, &realm)?.id.clone();
            write(call, &realm, Some(&id), body)
        })
        .reply::<op::ScimGroupsPatch>(|call, body| {
            change(call, body)?;
            done(call)
        })
        .reply::<op::ScimGroupsDelete>(|call, _| {
            let realm = Realm::of(call)?;
            let group = find(call, &realm)?.clone();
            let before = roles_by_groups(call.state, &group.tenant_id, &group.members);
            call.state.groups.remove(&mut call.state.log, &group.id);
            settle(call, &group.tenant_id, before)?;
            done(call)
        });
}

fn find<'a>(call: &'a Call<'_>, realm: &Realm) -> Result<&'a GroupRecord, Refusal> {
    let id = call.segment("groupId");
    call.state.groups.get(id).filter(|group| group.is_of(realm)).ok_or_else(|| missing("group", id))
}

/// The group as a resource.
fn show(state: &State, group: &GroupRecord) -> Map<String, Value> {
    let members: Vec<Value> = group
        .present(state)
        .map(|user| {
            let named = user.profile.name.as_ref().or_else(|| user.login_ids.first());
            json!({"value": user.id, "display": named})
        })
        .collect();
    let shown = json!({
        "schemas": [SHAPE.schema],
        "id": group.id,
        "displayName": group.display_name,
        "externalId": group.external_id,
        "members": members,
        "meta": {
            "resourceType": "Group", "created": rfc3339(group.created_at),
            "lastModified": rfc3339(group.modified_at), "location": format!("/scim/v2/Groups/{}", group.id),
        },
    });
    without_nothing(shown.as_object().cloned().unwrap_or_default())
}

/// The resource without the attributes that are to be left out. `id` and `schemas` always stay.
fn without(mut shown: Map<String, Value>, excluded: Option<&str>) -> Value {
    for name in excluded.unwrap_or_default().split(',').map(str::trim) {
        shown.retain(|known, _| !known.eq_ignore_ascii_case(name) || known == "id" || known == "schemas");
    }
    Value::Object(shown)
}

fn search(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Refusal> {
    let realm = Realm::of(call)?;
    let groups = call.state.groups.iter().filter(|group| group.is_of(&realm));
    let shown: Vec<Value> = groups.map(|group| Value::Object(show(call.state, group))).collect();
    let excluded = call.query("excludedAttributes").map(str::to_owned);
    let mut answer = page(call, shown, SHAPE.schema)?;
    if let (Some(excluded), Some(list)) = (excluded, answer.typed_member("Resources")) {
        for resource in list {
            *resource = without(resource.as_object().cloned().unwrap_or_default(), Some(&excluded));
        }
    }
    Ok(answer)
}

fn change(call: &mut Call<'_>, body: ScimPatchRequest) -> Result<(), Refusal> {
    let realm = Realm::of(call)?;
    let group = find(call, &realm)?;
    let id = group.id.clone();
    let mut members = show(call.state, group);
    patch::apply(&mut members, body.operations, &SHAPE)?;
    members.entry("displayName").or_insert(Value::Null);
    if members["displayName"].as_str().is_none_or(|name| name.trim().is_empty()) {
        return Err(bad("invalidValue", "The attribute displayName is required"));
    }
    for fixed in ["id", "meta"] {
        members.remove(fixed);
    }
    let request: ScimGroupRequest =
        serde_json::from_value(Value::Object(members)).map_err(|error| bad("invalidValue", error.to_string()))?;
    write(call, &realm, Some(&id), request).map(|_| ())
}

/// Makes a group, or makes one to what is said.
fn write(call: &mut Call<'_>, realm: &Realm, id: Option<&str>, body: ScimGroupRequest) -> Result<Reply, Refusal> {
    let own = id.and_then(|id| call.state.groups.get(id)).cloned();
    let tenant = own.as_ref().map_or_else(|| realm.tenant.clone(), |group| group.tenant_id.clone());
    let same = call.state.groups.iter().find(|other| {
        other.tenant_id == tenant && other.display_name == body.display_name && Some(other.id.as_str()) != id
    });
    if same.is_some() {
        return Err(taken(format!("The displayName {:?} is taken", body.display_name)));
    }
    let mut members = BTreeSet::new();
    for reference in &body.members {
        let user = reference.value.clone().unwrap_or_default();
        let known = call.state.users.get(&user);
        if known.is_none_or(|known| !tenant.is_empty() && !known.tenants.contains_key(&tenant)) {
            return Err(bad("invalidValue", format!("There is no user {user:?} to be a member")));
        }
        members.insert(user);
    }
    let old = own.as_ref().map(|group| group.members.clone()).unwrap_or_default();
    let touched: BTreeSet<String> = old.union(&members).cloned().collect();
    let before = roles_by_groups(call.state, &tenant, &touched);
    let now = call.now;
    let mut group = match own {
        Some(group) => group,
        None => GroupRecord {
            id: call.state.ids.id("R"),
            tenant_id: tenant.clone(),
            sso_id: realm.sso_id.clone(),
            created_at: now,
            ..GroupRecord::default()
        },
    };
    group.display_name = body.display_name;
    group.external_id = body.external_id.unwrap_or_default();
    group.members = members;
    group.modified_at = now;
    let id = group.id.clone();
    let changed = call.state.groups.update(&mut call.state.log, &id, |known| *known = group.clone());
    if changed.is_none() {
        call.state.groups.insert(&mut call.state.log, group)?;
    }
    settle(call, &tenant, before)?;
    let group = call.state.groups.get(&id).ok_or_else(|| missing("group", &id))?;
    Ok(reply(without(show(call.state, group), body.excluded_attributes.as_deref())))
}

/// The roles that users have by their groups in a tenant.
fn roles_by_groups(state: &State, tenant: &str, users: &BTreeSet<String>) -> Vec<(String, BTreeSet<String>)> {
    let mapped: Vec<(String, Vec<String>, String)> = super::configurations(state, tenant)
        .into_iter()
        .flat_map(|(sso_id, record)| {
            let of = |kind: &str| record[kind]["groupsMapping"].as_array().cloned().unwrap_or_default();
            of("saml").into_iter().chain(of("oidc")).map(move |mapping| {
                let groups = mapping["groups"].as_array().into_iter().flatten();
                let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
                (sso_id.clone(), groups, mapping["role"]["name"].as_str().unwrap_or_default().to_owned())
            })
        })
        .collect();
    let roles_of = |user: &String| {
        let groups = state.groups.iter().filter(|group| group.tenant_id == tenant && group.members.contains(user));
        let roles = groups.flat_map(|group| {
            let fits = |mapping: &&(String, Vec<String>, String)| {
                mapping.0 == group.sso_id && mapping.1.contains(&group.display_name)
            };
            mapped.iter().filter(fits).map(|(_, _, role)| role.clone())
        });
        roles.collect()
    };
    users.iter().map(|user| (user.clone(), roles_of(user))).collect()
}

/// Gives and takes the roles that come with groups, after a change of them.
fn settle(call: &mut Call<'_>, tenant: &str, before: Vec<(String, BTreeSet<String>)>) -> Result<(), Refusal> {
    let users = before.iter().map(|(user, _)| user.clone()).collect();
    let after = roles_by_groups(call.state, tenant, &users);
    for ((user, had), (_, has)) in before.into_iter().zip(after) {
        if had == has || !call.state.users.contains(&user) {
            continue;
        }
        call.state.users.edit::<Refusal>(&mut call.state.log, &user, |user| {
            if let Some(tenancy) = user.tenants.get_mut(tenant) {
                tenancy.roles.retain(|role| has.contains(role) || !had.contains(role));
                for role in has {
                    if !tenancy.roles.contains(&role) {
                        tenancy.roles.push(role);
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The groups of a tenant's SSO configuration as the back end sees them.
pub(crate) fn shown_to_management(state: &State, tenant: &str, sso_id: &str) -> Result<Vec<Group>, Refusal> {
    let groups = state.groups.iter().filter(|group| group.tenant_id == tenant && group.sso_id == sso_id);
    groups
        .map(|group| {
            let members: Vec<GroupMember> = group
                .present(state)
                .map(|user| {
                    recast(&json!({
                        "userId": user.id, "loginId": user.login_ids.first(),
                        "display": user.profile.name.clone().unwrap_or_default(),
                    }))
                })
                .collect::<Result<_, _>>()?;
            let shown = Group::new().id(group.id.as_str()).display(group.display_name.as_str()).source("scim");
            Ok(shown.sso_id(group.sso_id.as_str()).members(members))
        })
        .collect()
}
