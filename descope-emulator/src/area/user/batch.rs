//! Many users in one call. Each stands alone: one that is refused does not keep the others from it.

use descope_api::types::{
    User, UserBatchCreateRequest, UserBatchCreateResponse, UserBatchDeleteRequest, UserBatchLoadRequest,
    UserBatchPatchRequest, UserBatchPatchResponse, UserCreateRequest, UserFailure, UsersResponse,
};

use super::{
    UserRecord,
    change::{self, Invitation, Past},
    not_found,
};
use crate::{
    area::search,
    error::{Refusal, VALIDATION_FAILED},
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserBatchCreate>(create)
        .on::<op::ManagementUserBatchLoad>(load)
        .on::<op::ManagementUserBatchPatch>(patch)
        .done::<op::ManagementUserBatchDelete>(delete);
}

fn failure(login_id: String, refusal: Refusal) -> UserFailure {
    UserFailure::new().failure(refusal.message).user(User::new().login_ids([login_id]))
}

fn create(call: &mut Call<'_>, body: UserBatchCreateRequest) -> Result<UserBatchCreateResponse, Refusal> {
    let invitation = Invitation::new(body.invite, body.invite_url, body.send_mail, body.send_sms)?;
    let mut answer = UserBatchCreateResponse::new();
    for entry in body.users {
        let login_id = entry.login_id.clone();
        let past = Past { created_at: entry.created_time, seed: entry.seed.clone() };
        // An entry has what a request for one user has, and what was taken out of it before.
        let one: UserCreateRequest = serde_json::to_value(entry)
            .and_then(serde_json::from_value)
            .map_err(|error| Refusal::new(&VALIDATION_FAILED, error.to_string()))?;
        let known = call.state.users.get(&login_id).cloned();
        let added = match (&invitation, known) {
            // The id of a user invites that user once more.
            (Some(invitation), Some(user)) => invitation.send(call, &user).map(|()| user),
            _ => change::add(call, one, false, past, invitation.as_ref()),
        };
        match added {
            Ok(user) => answer.created_users.push(user.to_api(call.state)),
            Err(refusal) => answer.failed_users.push(failure(login_id, refusal)),
        }
    }
    Ok(answer)
}

fn patch(call: &mut Call<'_>, body: UserBatchPatchRequest) -> Result<UserBatchPatchResponse, Refusal> {
    let mut answer = UserBatchPatchResponse::new();
    for one in body.users {
        let login_id = one.login_id.clone();
        match change::patch(call, one) {
            Ok(user) => answer.patched_users.push(user.to_api(call.state)),
            Err(refusal) => answer.failed_users.push(failure(login_id, refusal)),
        }
    }
    Ok(answer)
}

fn load(call: &mut Call<'_>, body: UserBatchLoadRequest) -> Result<UsersResponse, Refusal> {
    let mut users: Vec<&UserRecord> = Vec::new();
    for id in &body.user_ids {
        match call.state.users.get(id) {
            Some(user) => users.push(user),
            None if body.include_invalid_users == Some(true) => {}
            None => return Err(not_found()),
        }
    }
    let users: Vec<User> = users.into_iter().map(|user| user.to_api(call.state)).collect();
    Ok(UsersResponse::new().total(search::count(&users)).users(users))
}

/// Deletes those that are there; nobody is told of the others. With a tenant in the query only its users go.
fn delete(call: &mut Call<'_>, body: UserBatchDeleteRequest) -> Result<(), Refusal> {
    let tenant = call.query("tenant").map(str::to_owned);
    for id in &body.user_ids {
        let of_tenant = |user: &UserRecord| tenant.as_ref().is_none_or(|tenant| user.tenants.contains_key(tenant));
        if call.state.users.get(id).is_some_and(of_tenant) {
            call.state.remove_user(id);
        }
    }
    Ok(())
}
