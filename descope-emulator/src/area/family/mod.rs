//! Families: users who belong together at home.

mod dependent;

use std::collections::BTreeMap;

use descope_api::types::{
    self, FamiliesResponse, FamilyAssociation, FamilyCreateRequest, FamilyDeleteRequest, FamilyResponse,
    FamilySearchRequest, FamilySettings, FamilyUpdateRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    role, search, set, some,
    user::{
        Membership, UserRecord,
        attribute::{self, Scope},
    },
};
use crate::{
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::{Record, State},
};

/// How many families a page of a search holds at most.
const LARGEST_PAGE: i64 = 1000;

/// One family.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FamilyRecord {
    pub(super) id: String,
    name: String,
    photo: String,
    disabled: bool,
    pub(super) custom_attributes: Map<String, Value>,
    created_at: i64,
}

impl Record for FamilyRecord {
    const AUDITED: Option<&'static str> = Some("Family");

    fn id(&self) -> &str {
        &self.id
    }
}

impl FamilyRecord {
    fn to_api(&self, state: &State) -> types::Family {
        types::Family::new()
            .id(self.id.as_str())
            .name(self.name.as_str())
            .photo(self.photo.as_str())
            .disabled(self.disabled)
            .custom_attributes(attribute::with_defaults(state, Scope::Family, &self.custom_attributes))
            .created_time(self.created_at)
    }
}

/// How the project deals with families. There is one of it, or none where nobody has configured anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FamilySettingsRecord {
    id: String,
    enabled: bool,
    most_members: i64,
    several_families: bool,
}

impl Default for FamilySettingsRecord {
    fn default() -> Self {
        Self { id: "families".to_owned(), enabled: false, most_members: 10, several_families: false }
    }
}

impl Record for FamilySettingsRecord {
    const AUDITED: Option<&'static str> = Some("FamilySettings");

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementFamilyCreate>(create)
        .on::<op::ManagementFamilyUpdate>(update)
        .done::<op::ManagementFamilyDelete>(delete)
        .on::<op::ManagementFamilySearch>(search)
        .on::<op::ManagementFamilyLoadSettings>(|call, _| Ok(answer(&settings(call.state))))
        .on::<op::ManagementFamilyConfigure>(configure)
        .on::<op::ManagementFamilyCreateAttributes>(|call, body| {
            attribute::create(call, body.attributes, Scope::Family)
        })
        .on::<op::ManagementFamilyDeleteAttributes>(|call, body| attribute::delete(call, body, Scope::Family))
        .on::<op::ManagementFamilyLoadAttributes>(|call, _| Ok(attribute::all(call.state, Scope::Family)));
    dependent::register(table);
}

fn settings(state: &State) -> FamilySettingsRecord {
    state.family_settings.iter().next().cloned().unwrap_or_default()
}

fn answer(settings: &FamilySettingsRecord) -> FamilySettings {
    FamilySettings::new()
        .enabled(settings.enabled)
        .max_family_members(settings.most_members)
        .allow_multiple_families_users(settings.several_families)
}

/// Changes what is named and keeps the rest.
fn configure(call: &mut Call<'_>, body: FamilySettings) -> Result<FamilySettings, Refusal> {
    if body.max_family_members.is_some_and(|most| most < 1) {
        return Err(Refusal::invalid("The maxFamilyMembers field is at least 1"));
    }
    let mut settings = settings(call.state);
    set(&mut settings.enabled, body.enabled);
    set(&mut settings.most_members, body.max_family_members);
    set(&mut settings.several_families, body.allow_multiple_families_users);
    let answer = answer(&settings);
    call.state.family_settings.remove(&mut call.state.log, &settings.id);
    call.state.family_settings.insert(&mut call.state.log, settings)?;
    Ok(answer)
}

fn require_enabled(state: &State) -> Result<FamilySettingsRecord, Refusal> {
    let settings = settings(state);
    if settings.enabled { Ok(settings) } else { Err(Refusal::invalid("Families are switched off in their settings")) }
}

fn require<'a>(state: &'a State, id: &str) -> Result<&'a FamilyRecord, Refusal> {
    state.families.get(id).ok_or_else(|| Refusal::missing("family", id))
}

fn members<'a>(state: &'a State, family: &'a str) -> impl Iterator<Item = &'a UserRecord> {
    state.users.iter().filter(move |user| user.families.contains_key(family))
}

/// The families of a user: those of `before`, with new ones beside them and with what is added to the ones that are
/// there.
pub(super) fn memberships(
    state: &State,
    user_id: &str,
    before: &BTreeMap<String, Membership>,
    given: Vec<FamilyAssociation>,
) -> Result<BTreeMap<String, Membership>, Refusal> {
    let mut all = before.clone();
    if given.is_empty() {
        return Ok(all);
    }
    let settings = require_enabled(state)?;
    for one in given {
        let family = require(state, &one.family_id)?;
        if family.disabled {
            return Err(Refusal::invalid(format!("The family {:?} is out of use", family.id)));
        }
        role::require(state, &one.role_names, None)?;
        attribute::check(state, Scope::Member, &one.family_scoped_attributes)?;
        let others = members(state, &one.family_id).filter(|user| user.id != user_id).count();
        if i64::try_from(others).unwrap_or(i64::MAX) >= settings.most_members {
            return Err(Refusal::invalid(format!("The family {:?} has as many members as it may", family.id)));
        }
        let membership = all.entry(one.family_id).or_default();
        for role in one.role_names {
            if !membership.roles.contains(&role) {
                membership.roles.push(role);
            }
        }
        attribute::merge(&mut membership.attributes, one.family_scoped_attributes);
    }
    if all.len() > 1 && !settings.several_families {
        return Err(Refusal::invalid("By the family settings a user belongs to one family only"));
    }
    Ok(all)
}

fn create(call: &mut Call<'_>, body: FamilyCreateRequest) -> Result<FamilyResponse, Refusal> {
    require_enabled(call.state)?;
    attribute::check(call.state, Scope::Family, &body.custom_attributes)?;
    attribute::check_complete(call.state, Scope::Family, &body.custom_attributes)?;
    let id = match some(body.family_id) {
        Some(id) if call.state.families.contains(&id) => {
            return Err(Refusal::new(&ALREADY_EXISTS, format!("There is a family {id:?} already")));
        }
        Some(id) => id,
        None => call.state.ids.id("FAM"),
    };
    let mut family = FamilyRecord {
        id,
        name: body.name,
        photo: body.photo.unwrap_or_default(),
        disabled: body.disabled == Some(true),
        custom_attributes: Map::new(),
        created_at: call.now,
    };
    attribute::merge(&mut family.custom_attributes, body.custom_attributes);
    let family = call.state.families.insert(&mut call.state.log, family)?;
    Ok(FamilyResponse::new().family(family.to_api(call.state)))
}

/// Changes what is named and keeps the rest; attributes are replaced as a whole.
fn update(call: &mut Call<'_>, body: FamilyUpdateRequest) -> Result<FamilyResponse, Refusal> {
    require(call.state, &body.id)?;
    if body.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Refusal::required("name"));
    }
    if let Some(attributes) = &body.custom_attributes {
        attribute::check(call.state, Scope::Family, attributes)?;
        attribute::check_complete(call.state, Scope::Family, attributes)?;
    }
    let family = call.state.families.edit(&mut call.state.log, &body.id, |family| {
        set(&mut family.name, body.name);
        set(&mut family.photo, body.photo);
        set(&mut family.disabled, body.disabled);
        if let Some(attributes) = body.custom_attributes {
            family.custom_attributes = Map::new();
            attribute::merge(&mut family.custom_attributes, attributes);
        }
        Ok::<_, Refusal>(())
    })?;
    Ok(FamilyResponse::new().family(family.to_api(call.state)))
}

/// Removes a family. Its members stay users, and its dependents become ordinary ones.
fn delete(call: &mut Call<'_>, body: FamilyDeleteRequest) -> Result<(), Refusal> {
    require(call.state, &body.id)?;
    let members: Vec<String> = members(call.state, &body.id).map(|user| user.id.clone()).collect();
    for id in members {
        call.state.users.update(&mut call.state.log, &id, |user| {
            user.families.remove(&body.id);
            user.dependent_of = user.dependent_of.take().filter(|family| *family != body.id);
        });
    }
    call.state.families.remove(&mut call.state.log, &body.id);
    Ok(())
}

fn search(call: &mut Call<'_>, body: FamilySearchRequest) -> Result<FamiliesResponse, Refusal> {
    let size = body.size.filter(|size| *size != 0).unwrap_or(LARGEST_PAGE);
    if size > LARGEST_PAGE {
        return Err(Refusal::invalid(format!("The size field is at most {LARGEST_PAGE}")));
    }
    let state: &State = call.state;
    let fits = |family: &&FamilyRecord| {
        search::chosen(&body.family_ids, &family.id)
            && search::chosen(&body.family_names, &family.name)
            && body
                .free_text
                .as_deref()
                .is_none_or(|part| search::contains(&family.name, part) || search::contains(&family.id, part))
            && search::attributes_fit(
                &body.custom_attributes,
                &attribute::with_defaults(state, Scope::Family, &family.custom_attributes),
            )
    };
    let mut found: Vec<&FamilyRecord> = state.families.iter().filter(fits).collect();
    found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
    let families: Vec<_> = found.into_iter().map(|family| family.to_api(state)).collect();
    Ok(FamiliesResponse::new().families(search::page(families, body.page, Some(size))?))
}
