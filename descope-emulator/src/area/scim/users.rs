//! Users as an identity provider sees and changes them.

use descope_api::types::{ScimPatchRequest, ScimUserRequest};
use serde_json::{Map, Value, json};

use super::{Realm, bad, created, done, missing, page, patch, reply, taken, without_nothing};
use crate::{
    address::{clean_phone, is_email, is_phone},
    area::{
        recast,
        user::{
            Status, Tenancy, UserRecord,
            attribute::{self, Scope},
        },
    },
    error::Refusal,
    http::{Call, Nothing, Reply, Table, op},
    world::{State, clock::rfc3339},
};

pub(super) const SHAPE: patch::Shape = patch::Shape {
    schema: "urn:ietf:params:scim:schemas:core:2.0:User",
    attributes: &[
        "schemas",
        "id",
        "meta",
        "userName",
        "displayName",
        "name",
        "emails",
        "phoneNumbers",
        "active",
        "attributes",
    ],
    many: &["emails", "phoneNumbers"],
};

pub(super) fn register(table: &mut Table) {
    table
        .reply::<op::ScimUsersSearch>(search)
        .reply::<op::ScimUsersCreate>(create)
        .reply::<op::ScimUsersLoad>(|call, _| {
            let realm = Realm::of(call)?;
            let user = find(call, &realm)?;
            Ok(reply(Value::Object(show(call.state, user))))
        })
        .reply::<op::ScimUsersReplace>(|call, body| {
            let realm = Realm::of(call)?;
            let id = find(call, &realm)?.id.clone();
            write(call, &realm, Some(&id), &recast(&body)?)
        })
        .reply::<op::ScimUsersPatch>(change)
        .reply::<op::ScimUsersDelete>(|call, _| {
            let realm = Realm::of(call)?;
            let id = find(call, &realm)?.id.clone();
            call.state.remove_user(&id);
            done(call)
        });
}

/// The users of a tenant, or of the project.
fn of_realm<'a>(state: &'a State, realm: &'a Realm) -> impl Iterator<Item = &'a UserRecord> {
    state.users.iter().filter(|user| realm.tenant.is_empty() || user.tenants.contains_key(&realm.tenant))
}

fn find<'a>(call: &'a Call<'_>, realm: &Realm) -> Result<&'a UserRecord, Refusal> {
    let id = call.segment("userId");
    let user = call.state.users.get(id);
    let user = user.filter(|user| realm.tenant.is_empty() || user.tenants.contains_key(&realm.tenant));
    user.ok_or_else(|| missing("user", id))
}

/// The user as a resource.
fn show(state: &State, user: &UserRecord) -> Map<String, Value> {
    let profile = &user.profile;
    let address = |value: &Option<String>| {
        value.iter().map(|value| json!({"value": value, "type": "work", "primary": true})).collect::<Vec<_>>()
    };
    let name = json!({
        "givenName": profile.given_name, "middleName": profile.middle_name, "familyName": profile.family_name,
    });
    let shown = json!({
        "schemas": [SHAPE.schema],
        "id": user.id,
        "userName": user.login_ids.first(),
        "displayName": profile.name,
        "name": without_nothing(name.as_object().cloned().unwrap_or_default()),
        "emails": address(&profile.email),
        "phoneNumbers": address(&profile.phone),
        "active": user.status != Status::Disabled,
        "attributes": attribute::with_defaults(state, Scope::User, &user.custom_attributes),
        "meta": {
            "resourceType": "User", "created": rfc3339(user.created_at), "lastModified": rfc3339(user.modified_at),
            "location": format!("/scim/v2/Users/{}", user.id),
        },
    });
    without_nothing(shown.as_object().cloned().unwrap_or_default())
}

fn search(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Refusal> {
    let realm = Realm::of(call)?;
    let users = of_realm(call.state, &realm).map(|user| Value::Object(show(call.state, user))).collect();
    page(call, users, SHAPE.schema)
}

fn create(call: &mut Call<'_>, body: ScimUserRequest) -> Result<Reply, Refusal> {
    let realm = Realm::of(call)?;
    let shown = write(call, &realm, None, &recast(&body)?)?;
    Ok(created(call, shown))
}

fn change(call: &mut Call<'_>, body: ScimPatchRequest) -> Result<Reply, Refusal> {
    let realm = Realm::of(call)?;
    let user = find(call, &realm)?;
    let id = user.id.clone();
    let mut members = show(call.state, user);
    patch::apply(&mut members, body.operations, &SHAPE)?;
    write(call, &realm, Some(&id), &members)
}

/// The `value` of the primary one of several, else of the first.
fn primary(list: Option<&Value>) -> Option<String> {
    let list = list.and_then(Value::as_array)?;
    let chosen = list.iter().find(|item| item["primary"] == true).or_else(|| list.first())?;
    chosen["value"].as_str().filter(|value| !value.trim().is_empty()).map(str::to_owned)
}

/// Whether the user shall be active: some providers write the word.
fn is_active(value: Option<&Value>) -> Result<bool, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(active)) => Ok(*active),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(bad("invalidValue", "The attribute active is true or false")),
    }
}

/// Makes a user, or makes one to what is said.
fn write(call: &mut Call<'_>, realm: &Realm, id: Option<&str>, members: &Map<String, Value>) -> Result<Reply, Refusal> {
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(bad("invalidValue", "A name is a text")),
    };
    let name = members.get("name");
    let part = |part: &str| text(name.and_then(|name| name.get(part)));
    let login_id = text(members.get("userName"))?;
    let login_id = login_id.ok_or_else(|| bad("invalidValue", "The attribute userName is required"))?;
    if call.state.users.named(&login_id).is_some_and(|other| Some(other.id.as_str()) != id) {
        return Err(taken(format!("The userName {login_id:?} is taken")));
    }
    let email = primary(members.get("emails")).or_else(|| Some(login_id.clone()).filter(|id| is_email(id)));
    if email.as_ref().is_some_and(|email| !is_email(email)) {
        return Err(bad("invalidValue", "An email address is not valid"));
    }
    let phone = primary(members.get("phoneNumbers"));
    if phone.as_ref().is_some_and(|phone| !is_phone(phone)) {
        return Err(bad("invalidValue", "A phone number is not valid"));
    }
    let attributes = members.get("attributes").and_then(Value::as_object).cloned().unwrap_or_default();
    attribute::check(call.state, Scope::User, &attributes).map_err(|refusal| bad("invalidValue", refusal.message))?;
    let active = is_active(members.get("active"))?;
    let (display_name, given, middle, family) =
        (text(members.get("displayName"))?, part("givenName")?, part("middleName")?, part("familyName")?);
    let full = [&given, &middle, &family].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let now = call.now;
    let mut user = match id {
        Some(id) => call.state.users.get(id).cloned().unwrap_or_default(),
        None => UserRecord::new(call.state.ids.id("U"), Vec::new(), crate::area::user::Profile::default(), now),
    };
    match user.login_ids.first_mut() {
        Some(first) => first.clone_from(&login_id),
        None => user.add_login_id(&login_id),
    }
    user.profile.name = display_name.or(Some(full).filter(|full| !full.is_empty()));
    (user.profile.given_name, user.profile.middle_name, user.profile.family_name) = (given, middle, family);
    let phone = phone.as_deref().map(clean_phone);
    // Whoever provisions users vouches for their addresses.
    user.profile.verified_email = email.is_some();
    user.profile.verified_phone = phone.is_some();
    (user.profile.email, user.profile.phone) = (email, phone);
    user.custom_attributes = attributes;
    user.scim = true;
    user.modified_at = now;
    match (active, user.status) {
        (false, _) => user.set_status(Status::Disabled),
        (true, Status::Enabled) => {}
        (true, _) => user.set_status(Status::Enabled),
    }
    if !realm.tenant.is_empty() && !user.tenants.contains_key(&realm.tenant) {
        let roles = call.state.tenants.get(&realm.tenant).map(|tenant| tenant.default_roles.clone());
        user.tenants.insert(realm.tenant.clone(), Tenancy { roles: roles.unwrap_or_default() });
    }
    let id = user.id.clone();
    if call.state.users.contains(&id) {
        call.state.users.edit::<Refusal>(&mut call.state.log, &id, |known| {
            *known = user;
            Ok(())
        })?;
    } else {
        call.state.users.insert(&mut call.state.log, user)?;
    }
    if !active {
        call.state.revoke_sessions(&id, None);
    }
    let user = call.state.users.get(&id).ok_or_else(|| missing("user", &id))?;
    Ok(reply(Value::Object(show(call.state, user))))
}
