//! What codes, magic links and enchanted links have in common: how they begin and what happens when one is redeemed.
//!
//! Some of what a call may say makes no difference here, and is passed over. `locale`, `templateId` and `templateOptions`
//! are about the words of a message, and the emulator's messages hold a code or a link and no words. `providerId` chooses
//! who delivers it: the inbox takes everything. `ssoAppId` names the application that is signed in to, which shows in
//! nothing that is answered. `crossDevice` tells the service what the operation itself says already.

mod challenge;
mod device;
mod link;
mod session;
pub(crate) mod token;

use descope_api::types::{JwtResponse, LoginOptions, SignUpOptions, SignUpUser};
use http::StatusCode;

pub(crate) use self::{
    challenge::{Challenge, Code, EnchantedLink, Link, Pending, PendingState, Purpose, SessionWish, Update},
    device::{COOKIE as TRUSTED_DEVICE_COOKIE, LIFETIME as TRUST_LIFETIME, TrustedDevice},
    link::{link_to, redirect},
    session::Session,
    token::{Kind, Presented},
};
use crate::{
    address::{clean_phone, is_email, is_phone},
    admin::inbox::{Channel, Message, MessageLink},
    area::{
        role, tenant,
        user::{Login, Profile, Status, UserRecord},
    },
    error::{INVALID_ARGUMENTS, NOT_EMULATED, Refusal, USER_ALREADY_EXISTS, USER_NOT_FOUND, VALIDATION_FAILED},
    http::Call,
    world::{Event, State},
};

/// A sign-up, whatever sends the proof.
pub(crate) struct SignUp {
    pub(crate) login_id: String,
    pub(crate) address: Option<String>,
    pub(crate) user: Option<SignUpUser>,
    pub(crate) options: Option<SignUpOptions>,
}

/// A sign-in, or a combined sign-up or sign-in.
pub(crate) struct SignIn {
    pub(crate) login_id: String,
    pub(crate) options: Option<LoginOptions>,
    pub(crate) use_recovery: bool,
}

/// The change of an address or number.
pub(crate) struct AddressUpdate {
    pub(crate) login_id: String,
    pub(crate) address: String,
    pub(crate) add_to_login_ids: Option<bool>,
    pub(crate) on_merge_use_existing: Option<bool>,
    pub(crate) fail_on_conflict: Option<bool>,
    pub(crate) mfa: Option<bool>,
}

/// A challenge and where the message about it goes.
pub(crate) struct Outgoing {
    pub(crate) challenge: Challenge,
    pub(crate) channel: Channel,
    pub(crate) to: String,
}

impl Outgoing {
    /// The message without its content.
    pub(crate) fn message(&self, call: &Call<'_>, code: Option<String>, links: Vec<MessageLink>) -> Message {
        Message {
            id: 0,
            to: self.to.clone(),
            channel: self.channel,
            operation: call.operation.id.to_owned(),
            code,
            transaction_id: None,
            links,
            login_id: self.challenge.login_id.clone(),
            sent_at: call.now,
        }
    }
}

/// Begins a sign-up. Nothing is stored yet: the user comes into being when the proof is redeemed.
pub(crate) fn begin_sign_up(call: &Call<'_>, request: SignUp, channel: Channel) -> Result<Outgoing, Refusal> {
    refuse_taken(call, &request.login_id)?;
    let mut profile = checked_profile(request.user, &request.login_id)?;
    let in_profile = if channel.is_phone() { &mut profile.phone } else { &mut profile.email };
    let given = request.address.filter(|address| !address.trim().is_empty());
    let to = given.or_else(|| in_profile.clone()).unwrap_or_else(|| request.login_id.clone());
    let to = checked_address(to, &request.login_id, channel)?;
    *in_profile = Some(to.clone());
    let wish = request.options.map(wish_of_sign_up).unwrap_or_default();
    let purpose = Purpose::SignUp { profile: Box::new(profile), strict: true, proves_address: true };
    Ok(outgoing(call, purpose, request.login_id, channel, wish, to))
}

/// Refuses the sign-up of somebody who is there already.
pub(crate) fn refuse_taken(call: &Call<'_>, login_id: &str) -> Result<(), Refusal> {
    if call.state.users.named(login_id).is_some_and(|user| !can_sign_up_again(user)) {
        return Err(user_exists());
    }
    Ok(())
}

/// Refuses to do something to sessions of some kinds only: the emulator's sessions are all of one kind.
pub(crate) fn refuse_session_kinds(field: &str, kinds: &[String]) -> Result<(), Refusal> {
    if kinds.iter().all(|kind| kind.trim().is_empty()) {
        return Ok(());
    }
    let message = format!("Kinds of sessions are not emulated, so {field} cannot tell them apart");
    Err(Refusal::new(&NOT_EMULATED, message))
}

/// Begins a sign-in; with `create`, somebody unknown is signed up instead.
pub(crate) fn begin_sign_in(
    call: &Call<'_>,
    request: SignIn,
    channel: Channel,
    create: bool,
) -> Result<Outgoing, Refusal> {
    let Some(user) = call.state.users.named(&request.login_id) else {
        if !create {
            return Err(Refusal::new(&USER_NOT_FOUND, "Cannot sign in: the user does not exist"));
        }
        let to = checked_address(request.login_id.clone(), &request.login_id, channel)?;
        let mut profile = Profile::default();
        *(if channel.is_phone() { &mut profile.phone } else { &mut profile.email }) = Some(to.clone());
        let options = request.options.unwrap_or_else(no_options);
        if options.stepup == Some(true) || options.mfa == Some(true) {
            call.user()?;
            return Err(Refusal::new(&USER_NOT_FOUND, "A user who does not exist cannot step up"));
        }
        let purpose = Purpose::SignUp { profile: Box::new(profile), strict: false, proves_address: true };
        return Ok(outgoing(call, purpose, request.login_id, channel, wish_of(options)?, to));
    };
    token::refuse_disabled(Some(user))?;
    let to = reachable(user, &request.login_id, channel, request.use_recovery)?;
    let wish = wish_for(call, user, request.options)?;
    let purpose = Purpose::SignIn { user_id: user.id.clone() };
    Ok(outgoing(call, purpose, request.login_id, channel, wish, to))
}

/// Begins the change of an address; the caller has to be the user whose address it is.
pub(crate) fn begin_update(call: &Call<'_>, request: AddressUpdate, channel: Channel) -> Result<Outgoing, Refusal> {
    let caller = require_own(call, &request.login_id)?;
    let to = checked_address(request.address, "", channel)?;
    let update = Update {
        user_id: caller.id.clone(),
        address: to.clone(),
        add_to_login_ids: request.add_to_login_ids == Some(true),
        on_merge_use_existing: request.on_merge_use_existing == Some(true),
        fail_on_conflict: request.fail_on_conflict == Some(true),
    };
    refuse_conflict(call.state, &update, channel)?;
    let wish = SessionWish { mfa: request.mfa == Some(true), earlier_amr: earlier_amr(call), ..SessionWish::default() };
    Ok(outgoing(call, Purpose::Update(update), request.login_id, channel, wish, to))
}

/// The user who calls, when `login_id` names that user.
pub(crate) fn require_own<'a>(call: &'a Call<'_>, login_id: &str) -> Result<&'a UserRecord, Refusal> {
    let caller = call.user()?;
    match call.state.users.find(login_id) {
        Some(user) if user.id == caller.id => Ok(caller),
        Some(_) => {
            Err(Refusal::new(&INVALID_ARGUMENTS, "The refresh token belongs to another user")
                .status(StatusCode::FORBIDDEN))
        }
        None => Err(Refusal::new(&USER_NOT_FOUND, "The user does not exist")),
    }
}

/// Turns login options into a wish. A step-up or a further factor needs the refresh token of the same user, unless
/// the back end asks, whose management key stands for itself.
pub(crate) fn wish_for(
    call: &Call<'_>,
    user: &UserRecord,
    options: Option<LoginOptions>,
) -> Result<SessionWish, Refusal> {
    let mut wish = wish_of(options.unwrap_or_else(no_options))?;
    let by_back_end = call.operation.auth.contains(&descope_api::Auth::ManagementKey);
    if (wish.stepup || wish.mfa) && !(by_back_end && call.caller.token.is_none()) {
        if call.user()?.id != user.id {
            return Err(Refusal::new(&INVALID_ARGUMENTS, "The refresh token belongs to another user")
                .status(StatusCode::FORBIDDEN));
        }
        wish.earlier_amr = earlier_amr(call);
    }
    if let Some(tenant) = wish.tenant.as_deref().filter(|tenant| !user.tenants.contains_key(*tenant)) {
        return Err(Refusal::new(&INVALID_ARGUMENTS, format!("The user does not belong to tenant {tenant}")));
    }
    Ok(wish)
}

/// Options that ask for nothing.
pub(crate) fn no_options() -> LoginOptions {
    LoginOptions::default()
}

pub(crate) fn earlier_amr(call: &Call<'_>) -> Vec<String> {
    let session = call.caller.token.as_ref().and_then(|token| call.state.sessions.get(&token.session_id));
    session.map(|session| session.amr.clone()).unwrap_or_default()
}

/// What the options say about the session.
pub(crate) fn wish_of(options: LoginOptions) -> Result<SessionWish, Refusal> {
    refuse_session_kinds("revokeOtherSessionsTypes", &options.revoke_other_sessions_types)?;
    Ok(SessionWish {
        nsec: options.custom_claims,
        tenant: options.tenant_id.filter(|tenant| !tenant.is_empty()),
        stepup: options.stepup == Some(true),
        mfa: options.mfa == Some(true),
        revoke_other_sessions: options.revoke_other_sessions == Some(true),
        pkce_challenge: options.pkce_challenge.filter(|challenge| !challenge.is_empty()),
        ..SessionWish::default()
    })
}

/// A verifier is only asked for where an enchanted link is verified.
pub(crate) fn refuse_pkce(wish: &SessionWish) -> Result<(), Refusal> {
    if wish.pkce_challenge.is_some() {
        let message = "The emulator asks for a verifier with enchanted links only; leave pkceChallenge out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    Ok(())
}

pub(crate) fn wish_of_sign_up(options: SignUpOptions) -> SessionWish {
    SessionWish {
        nsec: options.custom_claims,
        tenant: options.tenant_id.filter(|tenant| !tenant.is_empty()),
        revoke_other_sessions: options.revoke_other_sessions == Some(true),
        pkce_challenge: options.pkce_challenge.filter(|challenge| !challenge.is_empty()),
        ..SessionWish::default()
    }
}

/// What a sign-up tells of the user. The login id may be told there once more, but no other one.
pub(crate) fn checked_profile(user: Option<SignUpUser>, login_id: &str) -> Result<Profile, Refusal> {
    let user = user.unwrap_or_default();
    let some = |value: Option<String>| value.filter(|value| !value.is_empty());
    if some(user.login_id).is_some_and(|other| other != login_id) {
        return Err(Refusal::invalid("The user.loginId field is another login id than the loginId field"));
    }
    let mut profile = Profile {
        name: some(user.name),
        given_name: some(user.given_name),
        middle_name: some(user.middle_name),
        family_name: some(user.family_name),
        email: some(user.email),
        phone: some(user.phone),
        recovery_email: some(user.recovery_email),
        recovery_phone: some(user.recovery_phone),
        ..Profile::default()
    };
    // Clients copy the login id to where an address was not given, whether it is one or not.
    for (address, fits) in
        [(&mut profile.email, is_email as fn(&str) -> bool), (&mut profile.phone, is_phone as fn(&str) -> bool)]
    {
        *address = address.take().filter(|address| address != login_id || fits(address));
    }
    let fine = |value: &Option<String>, fits: fn(&str) -> bool| value.as_deref().is_none_or(fits);
    for (field, fits) in [
        ("user.email", fine(&profile.email, is_email)),
        ("user.phone", fine(&profile.phone, is_phone)),
        ("user.recoveryEmail", fine(&profile.recovery_email, is_email)),
        ("user.recoveryPhone", fine(&profile.recovery_phone, is_phone)),
    ] {
        if !fits {
            return Err(Refusal::new(&VALIDATION_FAILED, format!("The {field} field is not valid")));
        }
    }
    for phone in [&mut profile.phone, &mut profile.recovery_phone].into_iter().flatten() {
        *phone = clean_phone(phone);
    }
    Ok(profile)
}

fn outgoing(
    call: &Call<'_>,
    purpose: Purpose,
    login_id: String,
    channel: Channel,
    wish: SessionWish,
    to: String,
) -> Outgoing {
    let expires_at = call.now + call.state.settings.sent_seconds;
    let challenge = Challenge { purpose, login_id, channel: Some(channel), wish, expires_at };
    Outgoing { challenge, channel, to }
}

/// A test user may sign up although the management API has created it, until it has signed in for the first time.
fn can_sign_up_again(user: &UserRecord) -> bool {
    user.test && !user.seen
}

fn user_exists() -> Refusal {
    Refusal::new(&USER_ALREADY_EXISTS, "A user with this login id exists already")
}

/// An address that fits the channel. One that was only guessed from the login id counts as missing when it does not.
fn checked_address(address: String, login_id: &str, channel: Channel) -> Result<String, Refusal> {
    let (fits, field) = if channel.is_phone() { (is_phone(&address), "phone") } else { (is_email(&address), "email") };
    if fits {
        Ok(if channel.is_phone() { clean_phone(&address) } else { address })
    } else if address == login_id {
        Err(Refusal::required(field))
    } else {
        Err(Refusal::new(&VALIDATION_FAILED, format!("The {field} field is not valid")))
    }
}

fn reachable(user: &UserRecord, login_id: &str, channel: Channel, recovery: bool) -> Result<String, Refusal> {
    let profile = &user.profile;
    let usual = if channel.is_phone() { &profile.phone } else { &profile.email };
    let special = if channel.is_phone() { &profile.recovery_phone } else { &profile.recovery_email };
    let known = if recovery { special.as_ref() } else { usual.as_ref() };
    match known.filter(|address| !address.is_empty()) {
        Some(address) => Ok(address.clone()),
        None if recovery => Err(Refusal::new(&INVALID_ARGUMENTS, "The user has no recovery address for this channel")),
        None => checked_address(login_id.to_owned(), login_id, channel)
            .map_err(|_| Refusal::new(&INVALID_ARGUMENTS, "The user has no address for this channel")),
    }
}

fn refuse_conflict(state: &State, update: &Update, channel: Channel) -> Result<(), Refusal> {
    let address = |user: &UserRecord| {
        if channel.is_phone() { user.profile.phone.clone() } else { user.profile.email.clone() }
    };
    let taken = |user: &UserRecord| {
        user.id != update.user_id
            && (user.login_ids.contains(&update.address) || address(user).as_deref() == Some(&*update.address))
    };
    if update.fail_on_conflict && state.users.iter().any(taken) {
        return Err(Refusal::new(&USER_ALREADY_EXISTS, "Another user has this address"));
    }
    Ok(())
}

/// Does what a redeemed challenge is for and signs the user in. Refuses before it has changed anything.
pub(crate) fn complete(call: &mut Call<'_>, challenge: &Challenge) -> Result<JwtResponse, Refusal> {
    let method = challenge.channel.map_or("embeddedlink", Channel::as_str);
    let user_id = prove(call, challenge)?;
    sign_in(call, &user_id, &challenge.wish, method)
}

/// Does what a redeemed challenge is for, and gives the user who has proven who they are.
pub(crate) fn prove(call: &mut Call<'_>, challenge: &Challenge) -> Result<String, Refusal> {
    Ok(match &challenge.purpose {
        Purpose::SignIn { user_id } => {
            let user = call.state.users.get(user_id);
            token::refuse_disabled(user)?;
            if user.is_none() {
                return Err(Refusal::new(&USER_NOT_FOUND, "The user does not exist any more"));
            }
            prove_address(call.state, user_id, &challenge.login_id, challenge.channel);
            user_id.clone()
        }
        Purpose::SignUp { profile, strict, proves_address } => {
            let mut profile = Profile::clone(profile);
            match challenge.channel.filter(|_| *proves_address) {
                Some(Channel::Email) => profile.verified_email = true,
                Some(_) => profile.verified_phone = true,
                None => {}
            }
            finish_sign_up(call, &challenge.login_id, &challenge.wish, profile, *strict)?
        }
        Purpose::Update(update) => {
            let channel = challenge.channel.unwrap_or(Channel::Email);
            finish_update(call.state, update, channel)?
        }
    })
}

/// Adds the user who has signed up, unless they are there already and may sign up once more.
pub(crate) fn finish_sign_up(
    call: &mut Call<'_>,
    login_id: &str,
    wish: &SessionWish,
    profile: Profile,
    strict: bool,
) -> Result<String, Refusal> {
    let user_id = match call.state.users.named(login_id) {
        Some(user) if strict && !can_sign_up_again(user) => return Err(user_exists()),
        Some(user) => {
            token::refuse_disabled(Some(user))?;
            let id = user.id.clone();
            call.state.users.update(&mut call.state.log, &id, |user| user.profile.merge(profile));
            id
        }
        None => create_user(call, vec![login_id.to_owned()], profile)?,
    };
    if let Some(tenant) = &wish.tenant {
        tenant::require_named(call.state, tenant)?;
        call.state.users.update(&mut call.state.log, &user_id, |user| {
            user.tenants.entry(tenant.clone()).or_default();
        });
    }
    Ok(user_id)
}

/// Brings a user into being who signs up, with the roles that everybody gets who does.
pub(crate) fn create_user(call: &mut Call<'_>, login_ids: Vec<String>, profile: Profile) -> Result<String, Refusal> {
    let id = call.state.ids.id("U");
    let mut user = UserRecord::new(id.clone(), login_ids, profile, call.now);
    user.roles = role::defaults(call.state);
    call.state.users.insert(&mut call.state.log, user)?;
    Ok(id)
}

/// Whoever redeems what was sent to an address has shown that it is theirs.
fn prove_address(state: &mut State, user_id: &str, login_id: &str, channel: Option<Channel>) {
    let Some(channel) = channel else { return };
    state.users.update(&mut state.log, user_id, |user| {
        let profile = &mut user.profile;
        if channel.is_phone() {
            if profile.phone.is_none() && is_phone(login_id) {
                profile.phone = Some(clean_phone(login_id));
            }
            profile.verified_phone |= profile.phone.is_some();
        } else {
            if profile.email.is_none() && is_email(login_id) {
                profile.email = Some(login_id.to_owned());
            }
            profile.verified_email |= profile.email.is_some();
        }
    });
}

/// Makes the change and returns the user who is left: with a merge that may be the other one.
fn finish_update(state: &mut State, update: &Update, channel: Channel) -> Result<String, Refusal> {
    let user = state.users.get(&update.user_id);
    token::refuse_disabled(user)?;
    if user.is_none() {
        return Err(Refusal::new(&USER_NOT_FOUND, "The user does not exist any more"));
    }
    refuse_conflict(state, update, channel)?;
    let mut user_id = update.user_id.clone();
    if update.add_to_login_ids {
        let other = state.users.named(&update.address).map(|other| other.id.clone());
        if let Some(other) = other.filter(|other| *other != user_id) {
            token::refuse_disabled(state.users.get(&other))?;
            let (kept, gone) = if update.on_merge_use_existing { (other, user_id) } else { (user_id, other) };
            merge_users(state, &kept, &gone)?;
            user_id = kept;
        }
    }
    state.users.edit(&mut state.log, &user_id, |user| {
        if update.add_to_login_ids {
            user.add_login_id(&update.address);
        }
        let address = Some(update.address.clone());
        if channel.is_phone() {
            user.profile.phone = address;
            user.profile.verified_phone = true;
        } else {
            user.profile.email = address;
            user.profile.verified_email = true;
        }
        Ok::<_, Refusal>(())
    })?;
    Ok(user_id)
}

/// Makes two users one: `kept` keeps its profile and gets the login ids, roles and tenants of `gone`.
pub(crate) fn merge_users(state: &mut State, kept: &str, gone: &str) -> Result<(), Refusal> {
    let Some(old) = state.users.get(gone).cloned() else { return Ok(()) };
    state.remove_user(gone);
    state.users.edit(&mut state.log, kept, |user| {
        for login_id in &old.login_ids {
            user.add_login_id(login_id);
        }
        for (tenant, tenancy) in old.tenants {
            user.tenants.entry(tenant).or_insert(tenancy);
        }
        for role in old.roles {
            if !user.roles.contains(&role) {
                user.roles.push(role);
            }
        }
        user.seen |= old.seen;
        Ok::<_, Refusal>(())
    })?;
    Ok(())
}

/// Opens a session for a user who has proven who they are.
pub(crate) fn sign_in(
    call: &mut Call<'_>,
    user_id: &str,
    wish: &SessionWish,
    method: &str,
) -> Result<JwtResponse, Refusal> {
    let session = new_session(call, user_id, wish, method);
    open_session(call, session, wish.revoke_other_sessions, method)
}

/// A session that is still to be opened.
pub(crate) fn new_session(call: &mut Call<'_>, user_id: &str, wish: &SessionWish, method: &str) -> Session {
    let mut amr = wish.earlier_amr.clone();
    for factor in [Some(method), wish.mfa.then_some("mfa")].into_iter().flatten() {
        if !amr.iter().any(|known| known == factor) {
            amr.push(factor.to_owned());
        }
    }
    Session {
        id: call.state.ids.alphanumeric(20),
        user_id: user_id.to_owned(),
        amr,
        nsec: wish.nsec.clone(),
        claims: wish.claims.clone(),
        tenant: wish.tenant.clone(),
        stepped_up_until: if wish.stepup { call.now + call.state.settings.stepup_seconds } else { 0 },
        actor: None,
        anonymous_roles: None,
        expires_at: call.now + call.state.settings.refresh_seconds,
        revoked: false,
    }
}

/// Signs a user in with a session that is as it should be.
pub(crate) fn open_session(
    call: &mut Call<'_>,
    session: Session,
    revoke_others: bool,
    method: &str,
) -> Result<JwtResponse, Refusal> {
    token::refuse_disabled(call.state.users.get(&session.user_id))?;
    let (session_id, user_id) = (session.id.clone(), session.user_id.clone());
    let by_further_factor = session.amr.iter().any(|method| method == "mfa");
    let login = Login { at: call.now, ip: call.ip.clone(), tenant: session.tenant.clone() };
    call.state.sessions.insert(&mut call.state.log, session)?;
    if revoke_others {
        call.state.revoke_sessions(&user_id, Some(&session_id));
    }
    let mut first_seen = false;
    let user = call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
        first_seen = !user.seen;
        user.seen = true;
        user.status = Status::Enabled;
        user.methods.insert(method.to_owned());
        user.record_login(login);
    });
    let user = user.ok_or_else(|| Refusal::new(&USER_NOT_FOUND, "The user does not exist any more"))?;
    call.state.log.event(Event {
        action: "LoginSucceed".to_owned(),
        target: user_id.clone(),
        method: method.to_owned(),
        login_ids: user.login_ids.clone(),
        tenants: user.tenants.keys().cloned().collect(),
        ..Event::default()
    });
    let mut response = token::issue(call, &session_id)?;
    response.first_seen = Some(first_seen);
    device::recognise(call, &user_id, by_further_factor, &mut response);
    Ok(response)
}
