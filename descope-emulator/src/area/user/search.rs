//! The search for users.

use std::collections::BTreeMap;

use descope_api::types::{SearchSort, User, UserSearchRequest, UserSearchRoles, UsersResponse};
use serde_json::Value;

use super::UserRecord;
use crate::{
    address::{clean_login_id, clean_phone},
    area::{role, search, tenant},
    error::Refusal,
    http::{Call, Reply, Table, op},
    world::State,
};

/// The members of a user by which the answer can be sorted, and of which some can be chosen.
const MEMBERS: [&str; 34] = [
    "OAuth",
    "OIDC",
    "SAML",
    "SCIM",
    "TOTP",
    "consentExpiration",
    "createdTime",
    "customAttributes",
    "editable",
    "email",
    "externalIds",
    "familyName",
    "givenName",
    "loginIds",
    "middleName",
    "modifiedTime",
    "name",
    "password",
    "permissions",
    "phone",
    "picture",
    "push",
    "recoveryEmail",
    "recoveryPhone",
    "roleNames",
    "ssoAppIds",
    "status",
    "test",
    "userId",
    "userTenants",
    "verifiedEmail",
    "verifiedPhone",
    "verifiedRecoveryEmail",
    "verifiedRecoveryPhone",
];

pub(super) fn register(table: &mut Table) {
    table
        .reply::<op::ManagementUserSearch>(|call, body| answer(call, body, false))
        .reply::<op::ManagementUserSearchV1>(|call, mut body: UserSearchRequest| {
            if let Some(tenant) = call.query("tenant") {
                if !search::chosen(&body.tenant_ids, tenant) {
                    let message = format!("The tenantIds field can only hold {tenant}, for which the call is made");
                    return Err(Refusal::invalid(message));
                }
                body.tenant_ids = vec![tenant.to_owned()];
            }
            answer(call, body, false)
        })
        .reply::<op::ManagementTestUserSearch>(|call, body| answer(call, body, true));
}

fn answer(call: &mut Call<'_>, mut body: UserSearchRequest, test_users: bool) -> Result<Reply, Refusal> {
    if test_users {
        body.test_users_only = Some(true);
    }
    // `displayName` is another name of `name` wherever users are concerned.
    let member = |name: &str| if name == "displayName" { "name".to_owned() } else { name.to_owned() };
    let columns: Vec<String> = body.selected_columns.iter().map(|column| member(column)).collect();
    let sort: Vec<SearchSort> =
        body.sort.iter().map(|sort| SearchSort::new(member(&sort.field)).desc(sort.desc == Some(true))).collect();
    let wanted = columns.iter().chain(sort.iter().map(|sort| &sort.field));
    if let Some(unknown) = wanted.into_iter().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Refusal::invalid(format!("Users have no member {unknown:?}")));
    }
    if body.offset.unwrap_or_default() != 0 && body.page.unwrap_or_default() != 0 {
        return Err(Refusal::invalid("Either page or offset can be given, not both"));
    }
    let offset = usize::try_from(body.offset.unwrap_or_default())
        .map_err(|_| Refusal::invalid("The offset field must not be negative"))?;
    let mut found = find(call, &body)?;
    // Whoever does not ask for an order gets the one in which the users came.
    found.sort_by(|one, two| (one.created_at, &one.id).cmp(&(two.created_at, &two.id)));
    let mut users: Vec<User> = found.into_iter().map(|user| user.to_api(call.state)).collect();
    search::sort(&mut users, &sort);
    let total = search::count(&users);
    let users = search::page(users.split_off(offset.min(users.len())), body.page, body.limit)?;
    let answer = UsersResponse::new().users(users).total(total);
    if columns.is_empty() {
        return Reply::json(200, &answer);
    }
    let mut answer = serde_json::to_value(answer).map_err(|error| Refusal::invalid(error.to_string()))?;
    for user in answer["users"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        user.retain(|name, _| name == "userId" || columns.contains(name));
    }
    // What was not asked for must not come back as an empty list.
    let bare = answer["users"].is_array();
    let reply = Reply::json(200, &answer)?;
    Ok(if bare { reply.bare() } else { reply })
}

/// The users who meet all conditions.
fn find<'a>(call: &'a Call<'_>, body: &UserSearchRequest) -> Result<Vec<&'a UserRecord>, Refusal> {
    let state: &State = call.state;
    let mut tenants = body.tenant_ids.clone();
    if body.include_sub_tenants == Some(true) {
        tenants.extend(body.tenant_ids.iter().flat_map(|id| tenant::successors(state, id)));
    }
    let by_id = body.tenant_role_ids.iter().map(|(tenant, roles)| {
        let names = roles
            .values
            .iter()
            .map(|id| role::name_of(state, id).map(str::to_owned).ok_or_else(|| Refusal::missing("role", id)));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        Ok((tenant.clone(), UserSearchRoles::new(names).and(roles.and == Some(true))))
    });
    let by_id = by_id.collect::<Result<BTreeMap<_, _>, Refusal>>()?;
    let clean = |phones: &[String]| phones.iter().map(|phone| clean_phone(phone)).collect::<Vec<_>>();
    let (phones, recovery_phones) = (clean(&body.phones), clean(&body.recovery_phones));
    let login_ids: Vec<String> = body.login_ids.iter().map(|one| clean_login_id(one).into_owned()).collect();
    let login_id = body.login_id.as_deref().filter(|login_id| !login_id.is_empty()).map(clean_login_id);
    let same = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
    let only = |wanted: Option<bool>, is: bool| wanted != Some(true) || is;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let is_wanted_kind = |user: &UserRecord| match (body.test_users_only, body.with_test_user) {
        (Some(true), _) => user.test,
        (_, Some(true)) => true,
        _ => !user.test,
    };
    // These two are in milliseconds, unlike what is compared with them.
    let within = |time: i64, from: Option<i64>, to: Option<i64>| {
        let time = time.saturating_mul(1000);
        from.is_none_or(|from| from == 0 || time >= from) && to.is_none_or(|to| to == 0 || time <= to)
    };
    let all_roles = |user: &UserRecord| -> Vec<String> {
        user.roles.iter().chain(user.tenants.values().flat_map(|tenancy| &tenancy.roles)).cloned().collect()
    };
    let fits = |user: &&UserRecord| {
        let profile = &user.profile;
        is_wanted_kind(user)
            && search::any_chosen(&login_ids, user.login_ids.iter().map(String::as_str))
            && login_id.as_ref().is_none_or(|wanted| user.login_ids.iter().any(|known| known == wanted))
            && search::chosen(&body.user_ids, &user.id)
            && search::chosen(&body.emails, &text(&profile.email))
            && search::chosen(&phones, &text(&profile.phone))
            && search::chosen(&body.recovery_emails, &text(&profile.recovery_email))
            && search::chosen(&recovery_phones, &text(&profile.recovery_phone))
            && search::chosen(&body.statuses, user.status.as_str())
            && search::any_chosen(&tenants, user.tenants.keys().map(String::as_str))
            && search::any_chosen(&body.role_names, all_roles(user).iter().map(String::as_str))
            && has_roles(user, &body.tenant_role_names)
            && has_roles(user, &by_id)
            && search::any_chosen(&body.sso_app_ids, user.sso_app_ids.iter().map(String::as_str))
            && search::attributes_fit(
                &body.custom_attributes,
                &super::attribute::with_defaults(state, super::attribute::Scope::User, &user.custom_attributes),
            )
            && search::any_chosen(&body.lock_reasons, user.lock_reasons())
            && search::any_chosen(&body.temp_lock_reasons, user.passing_lock_reasons(call.now))
            && same(body.verified_email, profile.verified_email)
            && same(body.verified_phone, profile.verified_phone)
            && same(body.verified_recovery_email, profile.verified_recovery_email)
            && same(body.verified_recovery_phone, profile.verified_recovery_phone)
            && same(body.password, user.password.is_some())
            && same(body.totp, user.totp.as_ref().is_some_and(crate::area::totp::Totp::is_confirmed))
            && same(body.webauthn, !user.passkeys.is_empty())
            && same(body.dependent, user.dependent_of.is_some())
            && search::any_chosen(&body.family_ids, user.families.keys().map(String::as_str))
            && same(body.scim, user.scim)
            && only(body.scim_only, user.scim && user.methods.is_empty())
            && only(body.sso_only, user.by_sso())
            && within(user.created_at, body.from_created_time, body.to_created_time)
            && within(user.modified_at, body.from_modified_time, body.to_modified_time)
            && body.text.as_deref().is_none_or(|part| holds(user, part))
    };
    // Who is named is found by the index: among a million users, looking at each would take a second.
    let named: Option<BTreeMap<&str, &UserRecord>> = if let Some(wanted) = &login_id {
        Some(state.users.named(wanted).into_iter().map(|user| (user.id.as_str(), user)).collect())
    } else if !login_ids.is_empty() {
        let users = login_ids.iter().filter_map(|wanted| state.users.named(wanted));
        Some(users.map(|user| (user.id.as_str(), user)).collect())
    } else if !body.user_ids.is_empty() {
        let users = body.user_ids.iter().filter_map(|wanted| state.users.get(wanted));
        Some(users.map(|user| (user.id.as_str(), user)).collect())
    } else {
        None
    };
    match named {
        Some(named) => Ok(named.into_values().filter(fits).collect()),
        None => Ok(state.users.iter().filter(fits).collect()),
    }
}

/// Whether a user has the wanted roles in each of the tenants: any of them, or all where that is asked for.
fn has_roles(user: &UserRecord, wanted: &BTreeMap<String, UserSearchRoles>) -> bool {
    wanted.iter().all(|(tenant, roles)| {
        let has = |name: &String| user.tenants.get(tenant).is_some_and(|tenancy| tenancy.roles.contains(name));
        let any = roles.values.is_empty() && user.tenants.contains_key(tenant) || roles.values.iter().any(has);
        if roles.and == Some(true) { roles.values.iter().all(has) } else { any }
    })
}

/// Whether any of the names, addresses and login ids holds the text.
fn holds(user: &UserRecord, part: &str) -> bool {
    let profile = &user.profile;
    let texts = [
        &profile.name,
        &profile.given_name,
        &profile.middle_name,
        &profile.family_name,
        &profile.email,
        &profile.phone,
    ];
    let mut texts = texts.into_iter().flatten().chain(&user.login_ids).chain([&user.id]);
    texts.any(|text| search::contains(text, part))
}
