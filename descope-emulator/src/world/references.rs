//! What a seed names has to be there: roles, tenants, users and more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::located::escape;

/// What a member names.
#[derive(Clone, Copy, Debug)]
enum To {
    /// The id of a record of a collection.
    Id(&'static str, &'static str),
    /// The name of a permission.
    Permission,
    /// The name of a role, of the tenant that the way there has passed or else of the project.
    Role,
}

const TENANT: To = To::Id("tenants", "tenant");
const USER: To = To::Id("users", "user");
const APPLICATION: To = To::Id("ssoApplications", "SSO application");
const FAMILY: To = To::Id("families", "family");

/// The members that name something: `*` is each item, `#` each key, `@` each value of an object whose key is a tenant.
const REFERENCES: [(&str, To); 22] = [
    ("users/*/roles/*", To::Role),
    ("users/*/tenants/#", TENANT),
    ("users/*/tenants/@/roles/*", To::Role),
    ("users/*/families/#", FAMILY),
    ("users/*/dependentOf", FAMILY),
    ("users/*/ssoAppIds/*", APPLICATION),
    ("accessKeys/*/roles/*", To::Role),
    ("accessKeys/*/tenants/#", TENANT),
    ("accessKeys/*/tenants/@/roles/*", To::Role),
    ("accessKeys/*/boundUserId", USER),
    ("roles/*/permissions/*", To::Permission),
    ("roles/*/tenantId", TENANT),
    ("tenants/*/parent", TENANT),
    ("tenants/*/defaultRoles/*", To::Role),
    ("tenants/*/federatedAppIds/*", APPLICATION),
    ("groups/*/members/*", USER),
    ("groups/*/tenantId", TENANT),
    ("sso/*/tenantId", TENANT),
    ("sessions/*/userId", USER),
    ("sessions/*/tenant", TENANT),
    ("consents/*/userId", USER),
    ("outboundTokens/*/userId", USER),
];

/// Everything that is named in a state and is not there: the pointer of the member, and what is missing.
pub(super) fn missing(state: &Value) -> Vec<(String, String)> {
    let known = Known::of(state);
    let mut missing = Vec::new();
    for (pattern, to) in REFERENCES {
        let steps: Vec<&str> = pattern.split('/').collect();
        let mut visit = |name: &str, tenant: Option<&str>, pointer: &str| {
            if !name.is_empty() && !known.has(to, name, tenant) {
                missing.push((pointer.to_owned(), format!("there is no {} {name:?}", to.noun())));
            }
        };
        walk(state, &steps, None, "", &mut visit);
    }
    missing
}

impl To {
    fn noun(self) -> &'static str {
        match self {
            Self::Id(_, noun) => noun,
            Self::Permission => "permission",
            Self::Role => "role",
        }
    }
}

struct Known<'a> {
    ids: BTreeSet<(&'a str, &'a str)>,
    permissions: BTreeSet<&'a str>,
    /// With the tenants that they belong to.
    roles: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Known<'a> {
    fn of(state: &'a Value) -> Self {
        let records = |collection: &str| state[collection].as_array().into_iter().flatten();
        let text = |record: &'a Value, member: &str| record[member].as_str().unwrap_or_default();
        let mut ids = BTreeSet::new();
        for collection in ["tenants", "users", "ssoApplications", "families"] {
            ids.extend(records(collection).map(|record| (collection, text(record, "id"))));
        }
        Self {
            ids,
            permissions: records("permissions").map(|record| text(record, "name")).collect(),
            roles: records("roles").map(|record| (text(record, "tenantId"), text(record, "name"))).collect(),
        }
    }

    fn has(&self, to: To, name: &str, tenant: Option<&str>) -> bool {
        match to {
            To::Id(collection, _) => self.ids.contains(&(collection, name)),
            To::Permission => self.permissions.contains(name),
            To::Role => {
                self.roles.contains(&("", name)) || tenant.is_some_and(|tenant| self.roles.contains(&(tenant, name)))
            }
        }
    }
}

fn walk<'v>(
    value: &'v Value,
    steps: &[&str],
    tenant: Option<&'v str>,
    pointer: &str,
    visit: &mut dyn FnMut(&str, Option<&str>, &str),
) {
    let Some((step, rest)) = steps.split_first() else {
        if let Some(name) = value.as_str() {
            visit(name, tenant, pointer);
        }
        return;
    };
    let below = |segment: &str| format!("{pointer}/{}", escape(segment));
    match (*step, value) {
        ("*", Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                // The roles of a tenant may be its own.
                let tenant = if rest.first() == Some(&"defaultRoles") { item["id"].as_str() } else { tenant };
                walk(item, rest, tenant, &below(&index.to_string()), visit);
            }
        }
        ("#", Value::Object(fields)) => fields.keys().for_each(|key| visit(key, None, &below(key))),
        ("@", Value::Object(fields)) => {
            for (key, value) in fields {
                walk(value, rest, Some(key), &below(key), visit);
            }
        }
        ("*" | "#" | "@", _) => {}
        (name, Value::Object(fields)) => {
            if let Some(value) = fields.get(name) {
                walk(value, rest, tenant, &below(name), visit);
            }
        }
        _ => {}
    }
}
