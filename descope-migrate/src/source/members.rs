//! What JSON records hold, taken with care: a member of another type is blamed by its name.

use descope_sdk::management::user::AssociatedTenant;
use serde_json::{Map, Value};

use crate::{
    cli::{Name, SourceArguments},
    row::{Row, Verdict},
};

/// A record, and the row that is made of it.
pub(super) struct Members<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) row: Row,
}

impl Members<'_> {
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.map.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Some(_) => self.odd(name, "is not a text"),
        }
    }

    /// A flag that is only up where the record says so.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.map.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
            Some(Value::String(text)) if text.is_empty() || text.eq_ignore_ascii_case("false") => false,
            Some(_) => self.odd::<bool>(name, "is not true or false").unwrap_or_default(),
        }
    }

    fn odd<T>(&mut self, name: &str, why: &str) -> Option<T> {
        self.row.blame(Verdict::Malformed, name, why);
        None
    }

    /// Roles and tenants, where the options say that they are.
    pub(super) fn memberships(&mut self, arguments: &SourceArguments) {
        let list =
            |place: &Option<String>| place.as_deref().map(|place| (place.to_owned(), texts(at(self.map, place))));
        let (roles, tenants) = (list(&arguments.roles), list(&arguments.tenants));
        for (place, given) in [roles.as_ref(), tenants.as_ref()].into_iter().flatten() {
            if given.is_none() {
                self.row.blame(Verdict::Malformed, place, "is not a text and not a list of texts");
            }
        }
        if let Some((_, Some(roles))) = roles {
            self.row.entry.role_names = roles;
        }
        if let Some((_, Some(tenants))) = tenants {
            self.row.entry.user_tenants = tenants.into_iter().map(AssociatedTenant::new).collect();
        }
    }

    /// Custom attributes: those that the options name, or else all members of the metadata that do not hold roles or tenants.
    pub(super) fn attributes(&mut self, arguments: &SourceArguments, metadata: &[(&str, &Map<String, Value>)]) {
        let attributes = &mut self.row.entry.custom_attributes;
        if !arguments.attribute.is_empty() {
            for (name, place) in &arguments.attribute {
                if let Some(value) = at(self.map, place).filter(|value| !value.is_null()) {
                    attributes.insert(name.clone(), value.clone());
                }
            }
        } else if !arguments.no_attributes {
            for (whose, members) in metadata {
                for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                    let place = format!("{whose}.{name}");
                    if ![&arguments.roles, &arguments.tenants].into_iter().flatten().any(|other| *other == place) {
                        attributes.insert(name.clone(), value.clone());
                    }
                }
            }
        }
    }

    /// A member that holds others.
    pub(super) fn object(&mut self, name: &str) -> Map<String, Value> {
        match self.map.get(name) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(object)) => object.clone(),
            Some(_) => self.odd(name, "is not an object").unwrap_or_default(),
        }
    }

    /// Sets the login ids by what the options want.
    pub(super) fn names(&mut self, arguments: &SourceArguments, username: Option<&str>, id: Option<&str>) {
        choose_names(&mut self.row, arguments, username, id);
    }
}

/// Sets the login ids of a row whose addresses are known.
pub(super) fn choose_names(row: &mut Row, arguments: &SourceArguments, username: Option<&str>, id: Option<&str>) {
    let (email, phone) = (row.entry.email.clone(), row.entry.phone.clone());
    let name = |name: &Name| match name {
        Name::Email => email.clone(),
        Name::Phone => phone.clone(),
        Name::Username => username.map(str::to_owned),
        Name::Id => id.map(str::to_owned),
    };
    let first = arguments.login_id.iter().find_map(name);
    let further = arguments.further_login_id.iter().filter_map(name);
    row.names(first.into_iter().chain(further));
}

/// The value at a place such as `app_metadata.plan`. A member whose name has dots is found too.
pub(super) fn at<'a>(map: &'a Map<String, Value>, place: &str) -> Option<&'a Value> {
    if let Some(value) = map.get(place) {
        return Some(value);
    }
    let (first, rest) = place.split_once('.')?;
    at(map.get(first)?.as_object()?, rest)
}

/// A text or a list of texts; `None` for anything else.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    }
}

/// Epoch seconds of a time such as `2024-05-01T12:00:00.000Z`.
pub(super) fn seconds_of(text: &str) -> Option<i64> {
    let time = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339);
    time.ok().map(time::OffsetDateTime::unix_timestamp)
}
