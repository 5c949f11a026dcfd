//! Users, seen and changed by the back end.

mod record;

use descope_api::types::{
    User, UserBatchCreateRequest, UserBatchCreateResponse, UserBatchDeleteRequest, UserBatchLoadRequest,
    UserCreateRequest, UserDeleteRequest, UserFailure, UserResponse, UsersResponse,
};
use url::Url;

pub(crate) use self::record::{Login, Profile, QuestionRecord, Status, Tenancy, UserRecord};
use super::{magic_link::send_link, role, some, tenancies};
use crate::{
    address::{is_email, is_phone},
    admin::inbox::Channel,
    error::{MANAGED_USER_NOT_FOUND, NOT_EMULATED, Refusal, USER_ALREADY_EXISTS, VALIDATION_FAILED},
    flow::{Challenge, Outgoing, Purpose, SessionWish, redirect},
    http::{Call, Nothing, Table, op},
};

/// How long the link of an invitation can be followed, in seconds: a week.
const INVITATION_SECONDS: i64 = 7 * 24 * 3600;

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementUserCreate>(|call, body| create(call, body, false))
        .on::<op::ManagementUserLoad>(load)
        .done::<op::ManagementUserDelete>(delete)
        .on::<op::ManagementUserBatchCreate>(create_batch)
        .on::<op::ManagementUserBatchLoad>(load_batch)
        .done::<op::ManagementUserBatchDelete>(delete_batch);
}

/// No user has that id; the message holds the word "user", as clients expect.
pub(super) fn not_found() -> Refusal {
    Refusal::new(&MANAGED_USER_NOT_FOUND, "The user does not exist")
}

/// Creates a user, or a test user.
pub(super) fn create(call: &mut Call<'_>, body: UserCreateRequest, test: bool) -> Result<UserResponse, Refusal> {
    let user = add(call, body, test)?;
    Ok(UserResponse::new().user(user).created(true))
}

/// Creates many users; those that cannot be created do not keep the others from it.
fn create_batch(call: &mut Call<'_>, body: UserBatchCreateRequest) -> Result<UserBatchCreateResponse, Refusal> {
    let mut answer = UserBatchCreateResponse::new();
    for entry in body.users {
        let login_id = entry.login_id.clone();
        let created_time = entry.created_time;
        // An entry has what a request for one user has; what is said of the invitation counts for all of them.
        let mut one: UserCreateRequest = serde_json::to_value(entry)
            .and_then(serde_json::from_value)
            .map_err(|error| Refusal::new(&VALIDATION_FAILED, error.to_string()))?;
        (one.invite, one.invite_url) = (body.invite, body.invite_url.clone());
        (one.send_mail, one.send_sms) = (body.send_mail, body.send_sms);
        match add(call, one, false) {
            Ok(mut user) => {
                if let Some(time) = created_time.filter(|time| *time > 0)
                    && let Some(id) = user.user_id.clone()
                {
                    call.state.users.update_quietly(&mut call.state.log, &id, |record| record.created_at = time);
                    user.created_time = Some(time);
                }
                answer.created_users.push(user);
            }
            Err(refusal) => {
                let user = User::new().login_ids([login_id]);
                answer.failed_users.push(UserFailure::new().failure(refusal.message).user(user));
            }
        }
    }
    Ok(answer)
}

fn load_batch(call: &mut Call<'_>, body: UserBatchLoadRequest) -> Result<UsersResponse, Refusal> {
    let found = body.user_ids.iter().filter_map(|id| call.state.users.get(id));
    let users: Vec<User> = found.map(|user| user.to_api(call.state)).collect();
    let total = i64::try_from(users.len()).unwrap_or(i64::MAX);
    Ok(UsersResponse::new().users(users).total(total))
}

/// Deletes those that are there; nobody is told of the others.
fn delete_batch(call: &mut Call<'_>, body: UserBatchDeleteRequest) -> Result<(), Refusal> {
    for id in &body.user_ids {
        call.state.remove_user(id);
    }
    Ok(())
}

/// Adds a user and invites them, if that is asked for.
fn add(call: &mut Call<'_>, body: UserCreateRequest, test: bool) -> Result<User, Refusal> {
    let mut login_ids = vec![body.login_id];
    for login_id in body.additional_login_ids.into_iter().chain(body.additional_identifiers) {
        if !login_id.trim().is_empty() && !login_ids.contains(&login_id) {
            login_ids.push(login_id);
        }
    }
    if let Some(taken) = login_ids.iter().find(|login_id| call.state.users.named(login_id).is_some()) {
        return Err(Refusal::new(&USER_ALREADY_EXISTS, format!("A user with login id {taken} exists already")));
    }
    let status = match body.status.as_deref().filter(|status| !status.is_empty()) {
        None => Status::Invited,
        Some(status) => Status::parse(status)
            .ok_or_else(|| Refusal::new(&VALIDATION_FAILED, format!("The status field cannot be {status:?}")))?,
    };
    let (given_email, given_phone) = (some(body.email), some(body.phone));
    if given_email.as_deref().is_some_and(|email| !is_email(email)) {
        return Err(Refusal::new(&VALIDATION_FAILED, "The email field is not valid"));
    }
    if given_phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
        return Err(Refusal::new(&VALIDATION_FAILED, "The phone field is not valid"));
    }
    let invite_page = redirect(body.invite_url, None)?;
    if body.password.is_some() {
        let message = "Passwords in clear text are not emulated yet; a hash can be given to a user";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let email = given_email.or_else(|| login_ids.iter().find(|login_id| is_email(login_id)).cloned());
    let phone = given_phone.or_else(|| login_ids.iter().find(|login_id| is_phone(login_id)).cloned());
    let profile = Profile {
        name: some(body.display_name).or_else(|| some(body.name)),
        given_name: some(body.given_name),
        middle_name: some(body.middle_name),
        family_name: some(body.family_name),
        picture: some(body.picture),
        recovery_email: some(body.recovery_email),
        recovery_phone: some(body.recovery_phone),
        // What the back end says of an address is believed unless it says otherwise.
        verified_email: body.verified_email.unwrap_or(true) && email.is_some(),
        verified_phone: body.verified_phone.unwrap_or(true) && phone.is_some(),
        email,
        phone,
    };
    role::require(call.state, &body.role_names, None)?;
    let mut user = UserRecord::new(call.state.ids.id("U"), login_ids, profile, call.now);
    user.status = status;
    user.test = test || body.test == Some(true);
    user.roles = body.role_names;
    user.tenants = tenancies(call.state, body.user_tenants)?;
    user.custom_attributes = body.custom_attributes;
    user.sso_app_ids = body.sso_app_ids;
    user.hashed_password = body.hashed_password;
    let user = call.state.users.insert(&mut call.state.log, user)?;
    if body.invite == Some(true) {
        let by_mail = user.profile.email.clone().filter(|_| body.send_mail != Some(false));
        let by_sms = user.profile.phone.clone().filter(|_| body.send_sms == Some(true));
        for (channel, to) in [(Channel::Email, by_mail), (Channel::Sms, by_sms)] {
            if let Some(to) = to {
                invite(call, &user, channel, to, &invite_page)?;
            }
        }
    }
    Ok(user.to_api(call.state))
}

/// Sends an invitation, whose link signs the user in.
fn invite(call: &mut Call<'_>, user: &UserRecord, channel: Channel, to: String, page: &Url) -> Result<(), Refusal> {
    let purpose = Purpose::SignIn { user_id: user.id.clone() };
    let login_id = user.login_ids.first().cloned().unwrap_or_default();
    let expires_at = call.now + INVITATION_SECONDS;
    let wish = SessionWish::default();
    let challenge = Challenge { purpose, login_id, channel: Some(channel), wish, expires_at };
    send_link(call, Outgoing { challenge, channel, to }, page)
}

fn load(call: &mut Call<'_>, _: Nothing) -> Result<UserResponse, Refusal> {
    let login_id = call.query("loginId").or_else(|| call.query("identifier"));
    let user = match (login_id, call.query("userId")) {
        (Some(login_id), _) => call.state.users.find(login_id),
        (None, Some(user_id)) => call.state.users.get(user_id),
        (None, None) => return Err(Refusal::required("loginId")),
    };
    let user = user.ok_or_else(not_found)?;
    Ok(UserResponse::new().user(user.to_api(call.state)).created(false))
}

fn delete(call: &mut Call<'_>, body: UserDeleteRequest) -> Result<(), Refusal> {
    let user = match (some(body.login_id), some(body.user_id)) {
        (Some(login_id), _) => call.state.users.find(&login_id),
        (None, Some(user_id)) => call.state.users.get(&user_id),
        (None, None) => return Err(Refusal::required("loginId")),
    };
    let id = user.ok_or_else(not_found)?.id.clone();
    call.state.remove_user(&id);
    Ok(())
}
