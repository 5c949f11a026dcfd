//! Past sign-ins and open sessions of users.

use descope_api::types::{AuthHistoryEntry, UserHistory, UserLogoutRequest};

use super::{Login, UserRecord, named};
use crate::{
    error::Refusal,
    flow,
    http::{Call, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserHistory>(|call, body| {
            Ok(UserHistory::Wrapped { users_auth_history: entries(call, &body.user_ids) })
        })
        // The body is a bare list, and so is the answer.
        .on_bare::<op::ManagementUserHistoryV1, Vec<String>>(|call, ids| Ok(UserHistory::Bare(entries(call, &ids))))
        .done::<op::ManagementUserLogout>(logout);
}

/// One sign-in as the API tells it. Where the address is on the map is not looked up.
pub(in crate::area) fn entry(user: &UserRecord, login: &Login) -> AuthHistoryEntry {
    AuthHistoryEntry::new()
        .user_id(user.id.clone())
        .login_time(login.at)
        .ip(login.ip.clone())
        .city(String::new())
        .country(String::new())
        .selected_tenant(login.tenant.clone().unwrap_or_default())
}

/// The sign-ins of the users in the order in which they are asked for, each user's newest first.
fn entries(call: &Call<'_>, ids: &[String]) -> Vec<AuthHistoryEntry> {
    let users = ids.iter().filter_map(|id| call.state.users.find(id));
    users.flat_map(|user| user.logins.iter().rev().map(|login| entry(user, login))).collect()
}

fn logout(call: &mut Call<'_>, body: UserLogoutRequest) -> Result<(), Refusal> {
    flow::refuse_session_kinds("sessionTypes", &body.session_types)?;
    let id = named(call, body.login_id, body.user_id)?.id.clone();
    call.state.revoke_sessions(&id, None);
    Ok(())
}
