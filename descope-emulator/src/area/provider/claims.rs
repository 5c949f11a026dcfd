//! What tokens and the user's claims say, as far as the scopes go.

use serde_json::{Map, Value, json};

use super::client::{Client, Grants};
use crate::{
    area::{template, user::UserRecord},
    error::Refusal,
    flow::token,
    world::State,
};

/// The claims about a user that scopes bring.
pub(super) fn of_user(state: &State, client: &Client, user: &UserRecord, scopes: &[String]) -> Map<String, Value> {
    let shown = serde_json::to_value(user.to_api(state)).unwrap_or_default();
    let mut claims = Map::new();
    for scope in scopes.iter().filter_map(|name| client.scope(name)) {
        match &scope.grants {
            Grants::Standard => {
                for (name, member) in standard(&scope.name) {
                    put(&mut claims, name, shown[*member].clone());
                }
            }
            Grants::Attributes(names) => {
                for name in names {
                    let (claim, value) = attribute(name, &shown);
                    put(&mut claims, claim, value);
                    if claim == "email" || claim == "phone_number" {
                        let proven = if claim == "email" { "verifiedEmail" } else { "verifiedPhone" };
                        put(&mut claims, &format!("{claim}_verified"), shown[proven].clone());
                    }
                }
            }
            Grants::Claims(wanted) => {
                let context = json!({"user": shown});
                for (name, template) in wanted {
                    put(&mut claims, name, template::fill(template, &context));
                }
            }
            Grants::Permissions(_) | Grants::Connections => {}
        }
    }
    // What is said of an address that there is not.
    for claim in ["email", "phone_number"] {
        if !claims.contains_key(claim) {
            claims.remove(&format!("{claim}_verified"));
        }
    }
    token::custom(&claims)
}

/// The claims of a scope of `OpenID` Connect, and the members of a user that they come from.
fn standard(scope: &str) -> &'static [(&'static str, &'static str)] {
    match scope {
        "profile" => {
            &[("name", "name"), ("given_name", "givenName"), ("family_name", "familyName"), ("picture", "picture")]
        }
        "email" => &[("email", "email"), ("email_verified", "verifiedEmail")],
        "phone" => &[("phone_number", "phone"), ("phone_number_verified", "verifiedPhone")],
        _ => &[],
    }
}

/// The claim that shows an attribute, under the name of `OpenID` Connect where there is one, and its value.
fn attribute<'a>(name: &'a str, shown: &Value) -> (&'a str, Value) {
    let (claim, member) = match name {
        "phone" | "phoneNumber" | "phone_number" => ("phone_number", "phone"),
        "givenName" | "given_name" => ("given_name", "givenName"),
        "familyName" | "family_name" => ("family_name", "familyName"),
        "middleName" | "middle_name" => ("middle_name", "middleName"),
        other => (other, other),
    };
    match &shown[member] {
        Value::Null => (claim, shown["customAttributes"][name].clone()),
        value => (claim, value.clone()),
    }
}

/// Further claims that a federated application is set to get.
pub(super) fn further(state: &State, client: &Client, user: &UserRecord, claims: &mut Map<String, Value>) {
    let shown = serde_json::to_value(user.to_api(state)).unwrap_or_default();
    for name in client.claims() {
        let (claim, value) = attribute(&name, &shown);
        if !claims.contains_key(claim) {
            put(claims, claim, value);
        }
    }
}

fn put(claims: &mut Map<String, Value>, name: &str, value: Value) {
    let nothing = value.is_null() || value.as_str().is_some_and(str::is_empty);
    if !nothing {
        claims.insert(name.to_owned(), value);
    }
}

/// The names of permissions that scopes stand for.
pub(super) fn permissions(client: &Client, scopes: &[String]) -> Vec<String> {
    let granted = scopes.iter().filter_map(|name| client.scope(name));
    let names = granted.filter_map(|scope| match &scope.grants {
        Grants::Permissions(names) => Some(names.clone()),
        _ => None,
    });
    names.flatten().collect()
}

/// Roles, permissions and tenants of a user, as far as they were agreed to.
pub(super) fn authorization(
    state: &State,
    client: &Client,
    user: &UserRecord,
    scopes: &[String],
    tenant: Option<&str>,
) -> Map<String, Value> {
    let mut claims = token::membership(state, &user.roles, &user.tenants, tenant);
    if client.takes_all_authorization() {
        return claims;
    }
    let agreed = permissions(client, scopes);
    let limit = |holder: &mut Map<String, Value>| {
        holder.remove("roles");
        if let Some(Value::Array(names)) = holder.get_mut("permissions") {
            names.retain(|name| name.as_str().is_some_and(|name| agreed.iter().any(|known| known == name)));
        }
        if holder.get("permissions").is_some_and(|names| *names == json!([])) {
            holder.remove("permissions");
        }
    };
    limit(&mut claims);
    if let Some(Value::Object(tenants)) = claims.get_mut("tenants") {
        tenants.values_mut().filter_map(Value::as_object_mut).for_each(limit);
        tenants.retain(|_, tenant| *tenant != json!({}));
    }
    if claims.get("tenants").is_some_and(|tenants| *tenants == json!({})) {
        claims.remove("tenants");
    }
    if tenant.is_none() {
        claims.remove("dct");
    }
    claims
}

/// Refuses a user who may not use an application, or not in a tenant.
pub(super) fn refuse_user(client: &Client, user: &UserRecord, tenant: Option<&str>) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::oauth("access_denied", why.to_owned()));
    if token::refuse_disabled(Some(user)).is_err() {
        return refuse("The user is disabled");
    }
    match tenant {
        Some(tenant) if !user.tenants.contains_key(tenant) => refuse("The user does not belong to the tenant"),
        Some(tenant) if !client.takes_tenant(tenant) => refuse("Users of the tenant may not use the application"),
        None if client.names_tenants() && !user.tenants.keys().any(|tenant| client.takes_tenant(tenant)) => {
            refuse("The user belongs to no tenant whose users may use the application")
        }
        _ => Ok(()),
    }
}
