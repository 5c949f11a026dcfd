//! Social login, with a provider of the emulator's own in the place of all of them. Single sign-on by a tenant's
//! provider takes the same way.

pub(crate) mod id_token;
mod native;
pub(crate) mod provider;

use descope_api::types::{CodeExchangeRequest, JwtResponse, LoginOptions, OauthCallbackFormRequest, OauthRedirect};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{
    application::{self, Connection},
    some,
    user::{Profile, provider_token},
};
use crate::{
    error::{INVALID_ARGUMENTS, NOT_EMULATED, Refusal, TOKEN_EXPIRED, USER_ALREADY_EXISTS, USER_NOT_FOUND},
    flow::{self, SessionWish, redirect, token},
    http::{Call, Nothing, Reply, Table, op},
    world::Record,
};

/// What `amr` says of a social sign-in.
pub(super) const METHOD: &str = "oauth";

/// What signing in by a provider may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Mode {
    SignIn,
    SignUp,
    SignUpOrIn,
    /// Connects the provider's account to the user who is signed in.
    Update,
}

/// Whose provider it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Via {
    /// Everybody's.
    #[default]
    Social,
    /// That of a tenant.
    Sso { tenant_id: String, sso_id: String, protocol: String, force_authn: bool },
    /// Everybody's, asked by a phone without a browser. The token says that it is fresh by the nonce.
    Native { nonce: String, implicit: bool },
    /// That of an outside application, which is connected to the user, or to the tenant.
    Outbound(Connection),
}

/// A sign-in by a provider that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OauthRecord {
    state: String,
    provider: String,
    #[serde(default)]
    via: Via,
    /// Where the browser goes in the end.
    page: String,
    mode: Mode,
    wish: SessionWish,
    /// Who has asked, for an update and a step-up.
    user_id: Option<String>,
    merge: bool,
    prompt: Vec<String>,
    login_hint: String,
    /// The only address that is let in, where one was typed before.
    #[serde(default)]
    initiated_email: String,
    expires_at: i64,
    /// Who the provider says it is.
    identity: Option<Identity>,
    /// What the provider gave, and what the application gets: each is good for one use.
    provider_code: Option<String>,
    code: Option<String>,
    /// Whether the provider has been asked for a code, with which tokens for its API come.
    #[serde(default)]
    by_code: bool,
}

/// Who the provider says it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Identity {
    pub(super) email: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// Whatever else it says.
    #[serde(default)]
    pub(super) claims: Map<String, Value>,
}

impl Record for OauthRecord {
    fn id(&self) -> &str {
        &self.state
    }

    fn names(&self) -> Vec<String> {
        self.code.clone().into_iter().collect()
    }

    fn owners(&self) -> Vec<String> {
        self.user_id.clone().into_iter().collect()
    }

    fn ends_at(&self) -> Option<i64> {
        Some(self.expires_at)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::OauthAuthorize>(|call, body| authorize(call, body, Mode::SignUpOrIn))
        .on::<op::OauthAuthorizeSignIn>(|call, body| authorize(call, body, Mode::SignIn))
        .on::<op::OauthAuthorizeSignUp>(|call, body| authorize(call, body, Mode::SignUp))
        .on::<op::OauthAuthorizeUpdate>(|call, body| authorize(call, body, Mode::Update))
        .reply::<op::OauthCallback>(callback)
        .reply::<op::OauthCallbackForm>(callback_form)
        .on::<op::OauthExchange>(exchange);
    native::register(table);
}

fn authorize(call: &mut Call<'_>, options: LoginOptions, mode: Mode) -> Result<OauthRedirect, Refusal> {
    for unknown in ["test", "rawResponse"] {
        if call.query(unknown) == Some("true") {
            let message = format!("The emulator's provider does not know the parameter {unknown}; leave it out");
            return Err(Refusal::new(&NOT_EMULATED, message));
        }
    }
    let provider = check_provider(call.query("provider").unwrap_or_default())?;
    let page = redirect(call.query("redirectURL").map(str::to_owned), None)?;
    let merge = call.query("allowAllMerge") == Some("true");
    let url = begin(call, Begin { provider, via: Via::Social, page, mode, merge }, flow::wish_of(options)?)?;
    Ok(OauthRedirect::new().url(url))
}

/// The name of a provider, which may be one of the project's own.
pub(super) fn check_provider(provider: &str) -> Result<String, Refusal> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if provider.is_empty() || !provider.bytes().all(fine) {
        return Err(Refusal::new(&INVALID_ARGUMENTS, format!("There is no provider {provider:?}")));
    }
    Ok(provider.to_owned())
}

/// What is known of a sign-in by a provider when it begins.
pub(super) struct Begin {
    pub(super) provider: String,
    pub(super) via: Via,
    /// Where the browser goes in the end.
    pub(super) page: Url,
    pub(super) mode: Mode,
    pub(super) merge: bool,
}

/// Begins a sign-in by a provider, and tells where the browser goes.
pub(super) fn begin(call: &mut Call<'_>, begin: Begin, wish: SessionWish) -> Result<String, Refusal> {
    let record = begin_record(call, begin, wish)?;
    let url = format!("{}/_emulator/provider?project={}&state={}", call.origin(), call.project.id, record.state);
    call.state.oauth.insert(&mut call.state.log, record)?;
    Ok(url)
}

/// The same before it is written down.
fn begin_record(call: &mut Call<'_>, begin: Begin, mut wish: SessionWish) -> Result<OauthRecord, Refusal> {
    flow::refuse_pkce(&wish)?;
    let by_user = begin.mode == Mode::Update || wish.stepup || wish.mfa;
    let user_id = by_user.then(|| call.user().map(|user| user.id.clone())).transpose()?;
    if by_user {
        wish.earlier_amr = flow::earlier_amr(call);
    }
    let initiated_email = call.query("initiatedEmail").unwrap_or_default().trim().to_owned();
    let hint = call.query("loginHint").unwrap_or(&initiated_email).to_owned();
    Ok(OauthRecord {
        state: call.state.ids.alphanumeric(32),
        provider: begin.provider,
        via: begin.via,
        page: begin.page.into(),
        mode: begin.mode,
        wish,
        user_id,
        merge: begin.merge,
        prompt: call.query_all("prompt").map(str::to_owned).collect(),
        login_hint: hint,
        initiated_email,
        expires_at: call.now + call.state.settings.sent_seconds,
        identity: None,
        provider_code: None,
        code: None,
        by_code: false,
    })
}

fn callback(call: &mut Call<'_>, _: Nothing) -> Result<Reply, Refusal> {
    let text = |name: &str| call.query(name).map(str::to_owned);
    let (state, code, error) = (text("state"), text("code"), text("error"));
    return_to_page(call, &state.unwrap_or_default(), code, error)
}

fn callback_form(call: &mut Call<'_>, body: OauthCallbackFormRequest) -> Result<Reply, Refusal> {
    let code = body.code.map(|code| code.expose().to_owned());
    return_to_page(call, &body.state.unwrap_or_default(), code, body.error)
}

/// Takes what the provider has decided and sends the browser back to the application, with a code or with `err`.
fn return_to_page(
    call: &mut Call<'_>,
    state: &str,
    code: Option<String>,
    error: Option<String>,
) -> Result<Reply, Refusal> {
    let known = call.state.oauth.get(state).filter(|record| record.expires_at > call.now).cloned();
    let record =
        known.ok_or_else(|| Refusal::new(&TOKEN_EXPIRED, "The state is unknown, expired or was used before"))?;
    let mut page = Url::parse(&record.page).map_err(|error| Refusal::new(&INVALID_ARGUMENTS, error.to_string()))?;
    let right = some(code).is_some_and(|code| record.provider_code.as_ref() == Some(&code));
    let email = record.identity.as_ref().map_or("", |identity| &identity.email);
    let other = !record.initiated_email.is_empty() && !record.initiated_email.eq_ignore_ascii_case(email);
    let error = some(error).or_else(|| (right && other).then(|| "The account has another email address".to_owned()));
    if let (true, None, Via::Outbound(connection)) = (right, &error, &record.via) {
        // There is nothing left to exchange: the token is kept, and the user goes back.
        let account = record.identity.as_ref().map(|identity| identity.email.as_str()).unwrap_or_default();
        application::connect(call, connection, account)?;
        call.state.oauth.remove(&mut call.state.log, state);
    } else if let (true, None) = (right, &error) {
        let code = call.state.ids.alphanumeric(40);
        page.query_pairs_mut().append_pair("code", &code);
        call.state.oauth.update(&mut call.state.log, state, |record| {
            record.provider_code = None;
            record.code = Some(code);
        });
    } else {
        let why = error.unwrap_or_else(|| "The provider gave no valid code".to_owned());
        page.query_pairs_mut().append_pair("err", &why);
        call.state.oauth.remove(&mut call.state.log, state);
    }
    Ok(Reply::redirect(String::from(page)))
}

/// The session for a code of social login.
fn exchange(call: &mut Call<'_>, body: CodeExchangeRequest) -> Result<JwtResponse, Refusal> {
    let (record, identity) = redeem(call, body.code.expose(), |via| *via == Via::Social)?;
    sign_in(call, &record, identity)
}

/// What a code stands for. It is good once.
pub(super) fn redeem(
    call: &mut Call<'_>,
    code: &str,
    fits: impl Fn(&Via) -> bool,
) -> Result<(OauthRecord, Identity), Refusal> {
    let known = call.state.oauth.named(code.trim()).filter(|record| record.expires_at > call.now && fits(&record.via));
    let refuse = || Refusal::new(&TOKEN_EXPIRED, "The code is unknown, expired or was used before");
    let record = known.cloned().ok_or_else(refuse)?;
    let identity = record.identity.clone().ok_or_else(refuse)?;
    call.state.oauth.remove(&mut call.state.log, &record.state);
    Ok((record, identity))
}

/// Signs the user of a social account in, who may come into being.
pub(super) fn sign_in(call: &mut Call<'_>, record: &OauthRecord, identity: Identity) -> Result<JwtResponse, Refusal> {
    let user_id = prove(call, record, identity)?;
    flow::sign_in(call, &user_id, &record.wish, METHOD)
}

/// The user of a social account, who may come into being.
pub(super) fn prove(call: &mut Call<'_>, record: &OauthRecord, identity: Identity) -> Result<String, Refusal> {
    let profile = Profile {
        name: some(Some(identity.name)),
        email: Some(identity.email.clone()),
        verified_email: true,
        ..Profile::default()
    };
    let user_id = user_of(call, record, &identity.email, profile)?;
    call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
        user.oauth.insert(record.provider.clone(), true);
    });
    if record.by_code {
        provider_token::keep(call, &user_id, &record.provider, &identity.email);
    }
    Ok(user_id)
}

impl OauthRecord {
    pub(super) fn via(&self) -> &Via {
        &self.via
    }

    pub(super) fn wish(&self) -> &SessionWish {
        &self.wish
    }
}

/// The user whom the provider's account belongs to, who may come into being.
pub(super) fn user_of(
    call: &mut Call<'_>,
    record: &OauthRecord,
    login_id: &str,
    profile: Profile,
) -> Result<String, Refusal> {
    let known = call.state.users.named(login_id);
    token::refuse_disabled(known)?;
    let known = known.map(|user| user.id.clone());
    if let Some(user_id) = &record.user_id {
        token::refuse_disabled(call.state.users.get(user_id))?;
        let same = known.as_ref().is_none_or(|known| known == user_id);
        return match record.mode {
            Mode::Update if same => connect(call, user_id, login_id),
            Mode::Update if record.merge => {
                flow::merge_users(call.state, user_id, &known.unwrap_or_default())?;
                connect(call, user_id, login_id)
            }
            Mode::Update => Err(Refusal::new(&USER_ALREADY_EXISTS, "Another user has the provider's account")),
            _ if known.as_ref() == Some(user_id) => Ok(user_id.clone()),
            _ => Err(Refusal::new(&INVALID_ARGUMENTS, "The provider's account belongs to another user")),
        };
    }
    match (known, record.mode) {
        (Some(_), Mode::SignUp) => Err(Refusal::new(&USER_ALREADY_EXISTS, "A user with this account exists already")),
        (Some(id), _) => Ok(id),
        (None, Mode::SignIn) => Err(Refusal::new(&USER_NOT_FOUND, "No user has this account")),
        (None, _) => flow::create_user(call, vec![login_id.to_owned()], profile),
    }
}

fn connect(call: &mut Call<'_>, user_id: &str, login_id: &str) -> Result<String, Refusal> {
    call.state.users.edit(&mut call.state.log, user_id, |user| {
        user.add_login_id(login_id);
        Ok::<_, Refusal>(())
    })?;
    Ok(user_id.to_owned())
}
