//! The attributes that a project has added to its users and families: their kinds, and which values they take.

use descope_api::types::{CustomAttribute, CustomAttributesDeleteRequest, CustomAttributesResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::UserRecord;
use crate::{
    area::{application::ApplicationRecord, search},
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::{Record, State},
};

/// What has the values of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Scope {
    User,
    /// A user within one family.
    Member,
    Family,
    /// An application that signs users in.
    Application,
}

/// The definition of one attribute.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserAttributeRecord {
    id: String,
    scope: Scope,
    definition: CustomAttribute,
}

impl Record for UserAttributeRecord {
    const AUDITED: Option<&'static str> = Some("CustomAttribute");

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserAttributeCreate>(|call, body| create(call, body.attributes, Scope::User))
        .on::<op::ManagementUserAttributeCreateFamilyScoped>(|call, body| create(call, body.attributes, Scope::Member))
        .on::<op::ManagementUserAttributeDelete>(|call, body| delete(call, body, Scope::User))
        .on::<op::ManagementUserAttributeDeleteFamilyScoped>(|call, body| delete(call, body, Scope::Member))
        .on::<op::ManagementUserAttributeLoadAll>(|call, _| Ok(all(call.state, Scope::User)))
        .on::<op::ManagementUserAttributeLoadAllFamilyScoped>(|call, _| Ok(all(call.state, Scope::Member)));
}

/// One name may stand for something else in each scope.
fn id_of(name: &str, scope: Scope) -> String {
    format!("{scope:?}:{name}")
}

fn definitions(state: &State, scope: Scope) -> impl Iterator<Item = &CustomAttribute> {
    let of_kind = move |attribute: &&UserAttributeRecord| attribute.scope == scope;
    state.user_attributes.iter().filter(of_kind).map(|attribute| &attribute.definition)
}

pub(in crate::area) fn all(state: &State, scope: Scope) -> CustomAttributesResponse {
    let data: Vec<_> = definitions(state, scope).cloned().collect();
    CustomAttributesResponse::new().total(search::count(&data)).data(data)
}

fn name_of(attribute: &CustomAttribute) -> &str {
    attribute.name.as_deref().unwrap_or_default()
}

pub(in crate::area) fn create(
    call: &mut Call<'_>,
    attributes: Vec<CustomAttribute>,
    scope: Scope,
) -> Result<CustomAttributesResponse, Refusal> {
    for definition in attributes {
        let name = name_of(&definition).to_owned();
        if name.trim().is_empty() {
            return Err(Refusal::required("name"));
        }
        let kind = definition.type_.unwrap_or_default();
        if !(1..=7).contains(&kind) {
            return Err(Refusal::invalid(format!("The type field of {name:?} is a number from 1 to 7, not {kind}")));
        }
        if [4, 5].contains(&kind) && definition.options.is_empty() {
            return Err(Refusal::invalid(format!("The attribute {name:?} needs options to choose from")));
        }
        if let Some(value) = definition.default_value.as_ref().filter(|value| !value.is_null()) {
            check_value(&definition, value)?;
        }
        let id = id_of(&name, scope);
        if call.state.user_attributes.contains(&id) {
            return Err(Refusal::new(&ALREADY_EXISTS, format!("There is an attribute {name:?} already")));
        }
        let record = UserAttributeRecord { id, scope, definition };
        call.state.user_attributes.insert(&mut call.state.log, record)?;
    }
    Ok(all(call.state, scope))
}

/// Removes definitions, and the values that users have.
pub(in crate::area) fn delete(
    call: &mut Call<'_>,
    body: CustomAttributesDeleteRequest,
    scope: Scope,
) -> Result<CustomAttributesResponse, Refusal> {
    for name in &body.names {
        let removed = call.state.user_attributes.remove(&mut call.state.log, &id_of(name, scope));
        removed.ok_or_else(|| Refusal::missing("attribute", name))?;
        drop_values(call.state, name, scope);
    }
    Ok(all(call.state, scope))
}

/// Takes the values of an attribute from all who have one.
fn drop_values(state: &mut State, name: &str, scope: Scope) {
    if scope == Scope::Application {
        let ids: Vec<String> = state.sso_applications.iter().map(|application| application.id.clone()).collect();
        for id in ids {
            let values =
                |application: &ApplicationRecord| application.members.get("customAttributes")?.get(name).cloned();
            if state.sso_applications.get(&id).and_then(values).is_some() {
                state.sso_applications.update(&mut state.log, &id, |application| {
                    if let Some(Value::Object(values)) = application.members.get_mut("customAttributes") {
                        values.remove(name);
                    }
                });
            }
        }
        return;
    }
    if scope == Scope::Family {
        let has = state.families.iter().filter(|family| family.custom_attributes.contains_key(name));
        let families: Vec<String> = has.map(|family| family.id.clone()).collect();
        for id in families {
            state.families.update(&mut state.log, &id, |family| {
                family.custom_attributes.remove(name);
            });
        }
        return;
    }
    let has = |user: &&UserRecord| match scope {
        Scope::Member => user.families.values().any(|membership| membership.attributes.contains_key(name)),
        _ => user.custom_attributes.contains_key(name),
    };
    let users: Vec<String> = state.users.iter().filter(has).map(|user| user.id.clone()).collect();
    for id in users {
        state.users.update(&mut state.log, &id, |user| {
            if scope == Scope::Member {
                for membership in user.families.values_mut() {
                    membership.attributes.remove(name);
                }
            } else {
                user.custom_attributes.remove(name);
            }
        });
    }
}

/// Refuses values that no attribute takes. A project without any definition takes whatever comes.
pub(in crate::area) fn check(state: &State, scope: Scope, values: &Map<String, Value>) -> Result<(), Refusal> {
    let unknown_is_fine = state.settings.lenient || definitions(state, scope).next().is_none();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_null()) {
        match state.user_attributes.get(&id_of(name, scope)) {
            Some(attribute) => check_value(&attribute.definition, value)?,
            None if unknown_is_fine => {}
            None => return Err(Refusal::missing("custom attribute", name)),
        }
    }
    Ok(())
}

/// Refuses a user who lacks a value that every user has to have.
pub(in crate::area) fn check_complete(state: &State, scope: Scope, values: &Map<String, Value>) -> Result<(), Refusal> {
    let lacks = |attribute: &&CustomAttribute| {
        let value = values.get(name_of(attribute)).or(attribute.default_value.as_ref());
        attribute.required == Some(true) && value.is_none_or(Value::is_null)
    };
    match definitions(state, scope).find(lacks) {
        Some(attribute) => Err(Refusal::required(&format!("customAttributes.{}", name_of(attribute)))),
        None => Ok(()),
    }
}

/// The values that somebody has, with the default ones where none was set.
pub(in crate::area) fn with_defaults(state: &State, scope: Scope, values: &Map<String, Value>) -> Map<String, Value> {
    let mut all = values.clone();
    for attribute in definitions(state, scope) {
        if let Some(value) = attribute.default_value.as_ref().filter(|value| !value.is_null()) {
            all.entry(name_of(attribute)).or_insert_with(|| value.clone());
        }
    }
    all
}

/// Writes values into those that are there; null takes a value away.
pub(in crate::area) fn merge(values: &mut Map<String, Value>, newer: Map<String, Value>) {
    for (name, value) in newer {
        if value.is_null() {
            values.remove(&name);
        } else {
            values.insert(name, value);
        }
    }
}

fn check_value(attribute: &CustomAttribute, value: &Value) -> Result<(), Refusal> {
    let is_option = |value: &Value| {
        attribute
            .options
            .iter()
            .any(|option| option.value.as_deref().is_some_and(|known| Some(known) == value.as_str()))
    };
    let (fits, wanted) = match attribute.type_.unwrap_or_default() {
        1 => (value.is_string(), "a text"),
        2 => (value.is_number(), "a number"),
        3 => (value.is_boolean(), "true or false"),
        4 => (is_option(value), "one of the options"),
        5 => (value.as_array().is_some_and(|values| values.iter().all(is_option)), "a list of the options"),
        6 => (value.is_number() || value.as_str().is_some_and(is_date), "a date, such as 2026-03-01, or epoch seconds"),
        _ => (value.as_str().is_some_and(is_month_and_day), "a month and a day, such as 03-01"),
    };
    if fits { Ok(()) } else { Err(Refusal::invalid(format!("The attribute {:?} takes {wanted}", name_of(attribute)))) }
}

/// Whether the text begins with a date; a time may follow.
fn is_date(text: &str) -> bool {
    let (year, rest) = text.split_at_checked(5).unwrap_or_default();
    let (day, rest) = rest.split_at_checked(5).unwrap_or_default();
    let year = year.strip_suffix('-').is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    year && is_month_and_day(day) && (rest.is_empty() || rest.starts_with('T') || rest.starts_with(' '))
}

fn is_month_and_day(text: &str) -> bool {
    let Some((month, day)) = text.split_once('-') else { return false };
    let two = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let within = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|number| (1..=most).contains(&number));
    two(month) && two(day) && within(month, 12) && within(day, 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_from_other_texts() {
        assert!(is_date("2026-03-01") && is_date("2026-03-01T10:00:00Z"));
        assert!(!is_date("2026-13-01") && !is_date("01.03.2026") && !is_date("2026-03-01x") && !is_date("é"));
        assert!(is_month_and_day("12-31") && !is_month_and_day("12-32") && !is_month_and_day("1-2"));
    }
}
