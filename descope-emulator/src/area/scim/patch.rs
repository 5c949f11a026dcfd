//! Changes of single attributes (RFC 7644 section 3.5.2), done to a resource as it is shown.

use descope_api::types::ScimPatchOperation;
use serde_json::{Map, Value, json};

use super::{
    bad,
    filter::{Filter, member, path},
};
use crate::{area::recast, error::Refusal};

/// An attribute, with what chooses some of its values, and a part of these.
struct Target {
    name: String,
    filter: Option<Filter>,
    part: Option<String>,
}

impl Target {
    fn parse(text: &str, schema: &str) -> Result<Self, Refusal> {
        let refuse = |why: String| bad("invalidPath", why);
        let Some((before, rest)) = text.split_once('[') else {
            let mut names = path(text.trim(), schema).map_err(refuse)?.into_iter();
            let (name, part) = (names.next().unwrap_or_default(), names.next());
            return Ok(Self { name, filter: None, part });
        };
        let (inner, after) = rest.rsplit_once(']').ok_or_else(|| refuse(format!("{text:?} has no closing bracket")))?;
        let mut names = path(before.trim(), schema).map_err(refuse)?.into_iter();
        let (Some(name), None) = (names.next(), names.next()) else {
            return Err(refuse(format!("{text:?} is not an attribute")));
        };
        let part = match after.trim().strip_prefix('.') {
            Some(part) => Some(part.to_owned()),
            None if after.trim().is_empty() => None,
            None => return Err(refuse(format!("{text:?} is not an attribute"))),
        };
        let filter = Filter::parse(inner, schema).map_err(|why| bad("invalidFilter", why))?;
        Ok(Self { name, filter: Some(filter), part })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Add,
    Replace,
    Remove,
}

/// What a kind of resource has.
pub(super) struct Shape {
    pub(super) schema: &'static str,
    pub(super) attributes: &'static [&'static str],
    /// Those with many values.
    pub(super) many: &'static [&'static str],
}

/// Does changes in their order.
pub(super) fn apply(
    resource: &mut Map<String, Value>,
    operations: Vec<ScimPatchOperation>,
    shape: &Shape,
) -> Result<(), Refusal> {
    if operations.is_empty() {
        return Err(bad("invalidSyntax", "There are no operations"));
    }
    operations.into_iter().try_for_each(|operation| apply_one(resource, operation, shape))
}

fn apply_one(resource: &mut Map<String, Value>, operation: ScimPatchOperation, shape: &Shape) -> Result<(), Refusal> {
    let action = match operation.op.as_str().to_ascii_lowercase().as_str() {
        "add" => Action::Add,
        "replace" => Action::Replace,
        "remove" => Action::Remove,
        other => return Err(bad("invalidSyntax", format!("There is no operation {other:?}"))),
    };
    if operation
        .value_id
        .as_deref()
        .is_some_and(|id| member(&json!(resource), "id").and_then(Value::as_str) != Some(id))
    {
        return Err(bad("mutability", "The id of a resource cannot be changed"));
    }
    let named = operation.path.clone().filter(|path| !path.trim().is_empty());
    let value = value_of(operation)?;
    match (named, value) {
        (Some(path), value) => change(resource, action, &Target::parse(&path, shape.schema)?, value, shape),
        (None, _) if action == Action::Remove => Err(bad("noTarget", "A removal needs a path")),
        (None, Some(Value::Object(members))) => {
            for (name, value) in members {
                // The keys may be paths themselves, and what a provider has besides is none of ours.
                let target = Target::parse(&name, shape.schema)?;
                let known = shape.attributes.iter().any(|known| known.eq_ignore_ascii_case(&target.name));
                let fixed = ["schemas", "id", "meta"].iter().any(|known| known.eq_ignore_ascii_case(&target.name));
                if known && !fixed {
                    change(resource, action, &target, Some(value), shape)?;
                }
            }
            Ok(())
        }
        (None, _) => Err(bad("invalidValue", "Without a path the value has to be an object")),
    }
}

/// The new value, from whichever member it stands in.
fn value_of(operation: ScimPatchOperation) -> Result<Option<Value>, Refusal> {
    if let Some(value) = operation.value {
        return recast::<Value>(&value).map(Some);
    }
    if let Some(text) = operation.value_string {
        return Ok(Some(json!(text)));
    }
    if let Some(flag) = operation.value_boolean {
        return Ok(Some(json!(flag)));
    }
    if let Some(name) = operation.value_display_name {
        let named = operation.path.as_deref().is_some_and(|path| !path.trim().is_empty());
        return Ok(Some(if named { json!(name) } else { json!({"displayName": name}) }));
    }
    match operation.value_array {
        Some(list) => recast::<Value>(&list).map(Some),
        None => Ok(None),
    }
}

fn change(
    resource: &mut Map<String, Value>,
    action: Action,
    target: &Target,
    value: Option<Value>,
    shape: &Shape,
) -> Result<(), Refusal> {
    if ["schemas", "id", "meta"].iter().any(|fixed| fixed.eq_ignore_ascii_case(&target.name)) {
        return Err(bad("mutability", format!("The attribute {:?} cannot be changed", target.name)));
    }
    let known = shape.attributes.iter().find(|known| known.eq_ignore_ascii_case(&target.name));
    let name = *known.ok_or_else(|| bad("invalidPath", format!("There is no attribute {:?}", target.name)))?;
    let many = shape.many.contains(&name);
    if target.filter.is_some() && !many {
        return Err(bad("invalidPath", format!("The attribute {name:?} has one value only")));
    }
    if action != Action::Remove && value.is_none() {
        return Err(bad("invalidValue", "The value is missing"));
    }
    if many {
        return change_many(resource, name, action, target, value);
    }
    let Some(part) = &target.part else {
        match value {
            _ if action == Action::Remove => {
                resource.remove(name);
            }
            Some(Value::Object(newer)) => {
                // RFC 7644 section 3.5.2.3: the parts that are named change, the others stay.
                let old = resource.entry(name).or_insert_with(|| json!({}));
                if let Some(old) = old.as_object_mut() {
                    old.extend(newer);
                }
            }
            Some(value) => {
                resource.insert(name.to_owned(), value);
            }
            None => {}
        }
        return Ok(());
    };
    let holder = resource.entry(name).or_insert_with(|| json!({}));
    let Some(holder) = holder.as_object_mut() else {
        return Err(bad("invalidPath", format!("The attribute {name:?} has no parts")));
    };
    put_part(holder, part, action, value);
    Ok(())
}

fn put_part(holder: &mut Map<String, Value>, part: &str, action: Action, value: Option<Value>) {
    let known = holder.keys().find(|known| known.eq_ignore_ascii_case(part)).cloned();
    let key = known.unwrap_or_else(|| part.to_owned());
    match (action, value) {
        (Action::Remove, _) | (_, None) => {
            holder.remove(&key);
        }
        (_, Some(value)) => {
            holder.insert(key, value);
        }
    }
}

fn change_many(
    resource: &mut Map<String, Value>,
    name: &str,
    action: Action,
    target: &Target,
    value: Option<Value>,
) -> Result<(), Refusal> {
    let mut list = match resource.remove(name) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let given = match value {
        Some(Value::Array(items)) => Some(items),
        Some(Value::Null) | None => None,
        Some(item) => Some(vec![item]),
    };
    // A bare text is the `value` of one.
    let given: Option<Vec<Value>> = given.map(|items| {
        items.into_iter().map(|item| if item.is_string() { json!({"value": item}) } else { item }).collect()
    });
    let chosen = |item: &Value| target.filter.as_ref().is_none_or(|filter| filter.fits(item));
    match (action, &target.part) {
        (Action::Remove, None) if target.filter.is_none() && given.is_some() => {
            // Some providers name those that go in the value.
            let gone: Vec<Value> = given.unwrap_or_default().iter().map(|item| item["value"].clone()).collect();
            list.retain(|item| !gone.contains(&item["value"]));
        }
        (Action::Remove, None) => list.retain(|item| !chosen(item)),
        (_, Some(part)) => {
            let value = given.and_then(|items| items.into_iter().next());
            let value = value.map(|item| if item.is_object() { item["value"].clone() } else { item });
            let mut found = false;
            for item in list.iter_mut().filter(|item| chosen(item)) {
                if let Some(fields) = item.as_object_mut() {
                    found = true;
                    put_part(fields, part, action, value.clone());
                }
            }
            if !found && action == Action::Add {
                let mut fields = Map::new();
                put_part(&mut fields, part, action, value);
                if let Some(Filter::Compare(names, _, wanted)) = &target.filter {
                    fields.insert(names.join("."), wanted.clone());
                }
                list.push(Value::Object(fields));
            } else if !found && action == Action::Replace {
                return Err(bad("noTarget", "No value fits the filter of the path"));
            }
        }
        (Action::Add, None) => {
            for item in given.unwrap_or_default() {
                if !list.iter().any(|known| known["value"] == item["value"]) {
                    list.push(item);
                }
            }
        }
        (Action::Replace, None) if target.filter.is_some() => {
            if !list.iter().any(chosen) {
                return Err(bad("noTarget", "No value fits the filter of the path"));
            }
            list.retain(|item| !chosen(item));
            list.extend(given.unwrap_or_default());
        }
        (Action::Replace, None) => list = given.unwrap_or_default(),
    }
    // There is one primary value: the newest that says so.
    if let Some(last) = list.iter().rposition(|item| item["primary"] == true) {
        for (_, item) in list.iter_mut().enumerate().filter(|(index, _)| *index != last) {
            if let Some(fields) = item.as_object_mut() {
                fields.remove("primary");
            }
        }
    }
    resource.insert(name.to_owned(), Value::Array(list));
    Ok(())
}
