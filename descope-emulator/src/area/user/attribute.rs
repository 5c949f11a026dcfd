//! The attributes that a project has added to its users: their kinds, and which values they take.

use descope_api::types::{CustomAttribute, CustomAttributesDeleteRequest, CustomAttributesResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    area::search,
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::{Record, State},
};

/// The definition of one attribute.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserAttributeRecord {
    id: String,
    /// Whether its values belong to a user within one family.
    family_scoped: bool,
    definition: CustomAttribute,
}

impl Record for UserAttributeRecord {
    const AUDITED: Option<&'static str> = Some("UserCustomAttribute");

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserAttributeCreate>(|call, body| create(call, body.attributes, false))
        .on::<op::ManagementUserAttributeCreateFamilyScoped>(|call, body| create(call, body.attributes, true))
        .on::<op::ManagementUserAttributeDelete>(|call, body| delete(call, body, false))
        .on::<op::ManagementUserAttributeDeleteFamilyScoped>(|call, body| delete(call, body, true))
        .on::<op::ManagementUserAttributeLoadAll>(|call, _| Ok(all(call.state, false)))
        .on::<op::ManagementUserAttributeLoadAllFamilyScoped>(|call, _| Ok(all(call.state, true)));
}

/// Both kinds are found by id, so each has its own room of ids.
fn id_of(name: &str, family_scoped: bool) -> String {
    format!("{}:{name}", if family_scoped { "family" } else { "user" })
}

fn definitions(state: &State, family_scoped: bool) -> impl Iterator<Item = &CustomAttribute> {
    let of_kind = move |attribute: &&UserAttributeRecord| attribute.family_scoped == family_scoped;
    state.user_attributes.iter().filter(of_kind).map(|attribute| &attribute.definition)
}

fn all(state: &State, family_scoped: bool) -> CustomAttributesResponse {
    let data: Vec<_> = definitions(state, family_scoped).cloned().collect();
    CustomAttributesResponse::new().total(search::count(&data)).data(data)
}

fn name_of(attribute: &CustomAttribute) -> &str {
    attribute.name.as_deref().unwrap_or_default()
}

fn create(
    call: &mut Call<'_>,
    attributes: Vec<CustomAttribute>,
    family_scoped: bool,
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
        let id = id_of(&name, family_scoped);
        if call.state.user_attributes.contains(&id) {
            return Err(Refusal::new(&ALREADY_EXISTS, format!("There is an attribute {name:?} already")));
        }
        let record = UserAttributeRecord { id, family_scoped, definition };
        call.state.user_attributes.insert(&mut call.state.log, record)?;
    }
    Ok(all(call.state, family_scoped))
}

/// Removes definitions, and the values that users have.
fn delete(
    call: &mut Call<'_>,
    body: CustomAttributesDeleteRequest,
    family_scoped: bool,
) -> Result<CustomAttributesResponse, Refusal> {
    for name in &body.names {
        let removed = call.state.user_attributes.remove(&mut call.state.log, &id_of(name, family_scoped));
        removed.ok_or_else(|| Refusal::missing("attribute", name))?;
        if family_scoped {
            continue;
        }
        let has = call.state.users.iter().filter(|user| user.custom_attributes.contains_key(name));
        let users: Vec<String> = has.map(|user| user.id.clone()).collect();
        for id in users {
            call.state.users.update(&mut call.state.log, &id, |user| {
                user.custom_attributes.remove(name);
            });
        }
    }
    Ok(all(call.state, family_scoped))
}

/// Refuses values that no attribute takes. A project without any definition takes whatever comes.
pub(super) fn check(state: &State, values: &Map<String, Value>) -> Result<(), Refusal> {
    let unknown_is_fine = state.settings.lenient || definitions(state, false).next().is_none();
    for (name, value) in values.iter().filter(|(_, value)| !value.is_null()) {
        match state.user_attributes.get(&id_of(name, false)) {
            Some(attribute) => check_value(&attribute.definition, value)?,
            None if unknown_is_fine => {}
            None => return Err(Refusal::missing("user attribute", name)),
        }
    }
    Ok(())
}

/// Refuses a user who lacks a value that every user has to have.
pub(super) fn check_complete(state: &State, values: &Map<String, Value>) -> Result<(), Refusal> {
    let lacks = |attribute: &&CustomAttribute| {
        let value = values.get(name_of(attribute)).or(attribute.default_value.as_ref());
        attribute.required == Some(true) && value.is_none_or(Value::is_null)
    };
    match definitions(state, false).find(lacks) {
        Some(attribute) => Err(Refusal::required(&format!("customAttributes.{}", name_of(attribute)))),
        None => Ok(()),
    }
}

/// The values of a user, with the default ones where none was set.
pub(super) fn with_defaults(state: &State, values: &Map<String, Value>) -> Map<String, Value> {
    let mut all = values.clone();
    for attribute in definitions(state, false) {
        if let Some(value) = attribute.default_value.as_ref().filter(|value| !value.is_null()) {
            all.entry(name_of(attribute)).or_insert_with(|| value.clone());
        }
    }
    all
}

/// Writes values into those that are there; null takes a value away.
pub(super) fn merge(values: &mut Map<String, Value>, newer: Map<String, Value>) {
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
