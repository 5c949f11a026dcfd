//! Users, seen and changed by the back end.

mod access;
pub(crate) mod attribute;
mod batch;
pub(super) mod change;
mod credential;
pub(super) mod history;
mod import;
mod profile;
pub(super) mod provider_token;
mod record;
mod search;

use descope_api::types::{UserCreateRequest, UserDeleteRequest, UserResponse};

use self::change::{Invitation, Past};
pub(crate) use self::record::{Login, Membership, PasskeyRecord, Profile, QuestionRecord, Status, Tenancy, UserRecord};
use super::some;
use crate::{
    error::{MANAGED_USER_NOT_FOUND, Refusal},
    http::{Call, Nothing, Table, op},
    world::State,
};

pub(super) fn register(table: &mut Table) {
    table
        // A tenant in the query says for which one a widget calls; the management key calls for all.
        .on::<op::ManagementUserCreate>(|call, body| create(call, body, false))
        .on::<op::ManagementUserLoad>(load)
        .on::<op::ManagementUserUpdate>(|call, body| {
            let user = change::replace(call, body)?;
            Ok(answer(call.state, &user))
        })
        .on::<op::ManagementUserPatch>(|call, body| {
            require_administered(call, &body.login_id)?;
            let user = change::patch(call, body)?;
            Ok(answer(call.state, &user))
        })
        .done::<op::ManagementUserDelete>(delete);
    access::register(table);
    attribute::register(table);
    batch::register(table);
    credential::register(table);
    history::register(table);
    import::register(table);
    profile::register(table);
    provider_token::register(table);
    search::register(table);
}

/// No user has that id; the message holds the word "user", as clients expect.
pub(super) fn not_found() -> Refusal {
    Refusal::new(&MANAGED_USER_NOT_FOUND, "The user does not exist")
}

/// The user whom a login id names; the id of the user will do as well.
pub(super) fn find<'a>(state: &'a State, login_id: &str) -> Result<&'a UserRecord, Refusal> {
    state.users.find(login_id).ok_or_else(not_found)
}

/// The user whom one of the two names.
fn named<'a>(call: &'a Call<'_>, login_id: Option<String>, user_id: Option<String>) -> Result<&'a UserRecord, Refusal> {
    match (some(login_id), some(user_id)) {
        (Some(login_id), _) => find(call.state, &login_id),
        (None, Some(user_id)) => call.state.users.get(&user_id).ok_or_else(not_found),
        (None, None) => Err(Refusal::required("loginId")),
    }
}

/// A call that names a tenant in its query is about users of that tenant only.
fn require_administered(call: &Call<'_>, login_id: &str) -> Result<(), Refusal> {
    let Some(tenant) = call.query("tenant") else { return Ok(()) };
    if find(call.state, login_id)?.tenants.contains_key(tenant) { Ok(()) } else { Err(not_found()) }
}

fn answer(state: &State, user: &UserRecord) -> UserResponse {
    UserResponse::new().user(user.to_api(state)).created(false)
}

/// Changes a user, and answers what has become of them.
fn edit(call: &mut Call<'_>, login_id: &str, change: impl FnOnce(&mut UserRecord)) -> Result<UserResponse, Refusal> {
    let id = find(call.state, login_id)?.id.clone();
    let user = change::change(call, &id, change)?;
    Ok(answer(call.state, &user))
}

/// Creates a user, or a test user.
pub(super) fn create(call: &mut Call<'_>, body: UserCreateRequest, test: bool) -> Result<UserResponse, Refusal> {
    let invitation = Invitation::new(body.invite, body.invite_url.clone(), body.send_mail, body.send_sms)?;
    let user = change::add(call, body, test, Past::default(), invitation.as_ref())?;
    Ok(UserResponse::new().user(user.to_api(call.state)).created(true))
}

fn load(call: &mut Call<'_>, _: Nothing) -> Result<UserResponse, Refusal> {
    let login_id = call.query("loginId").or_else(|| call.query("identifier")).map(str::to_owned);
    let user_id = call.query("userId").map(str::to_owned);
    Ok(answer(call.state, named(call, login_id, user_id)?))
}

fn delete(call: &mut Call<'_>, body: UserDeleteRequest) -> Result<(), Refusal> {
    let id = named(call, body.login_id, body.user_id)?.id.clone();
    call.state.remove_user(&id);
    Ok(())
}
