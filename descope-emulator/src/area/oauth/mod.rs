//! Social login, with a provider of the emulator's own in the place of all of them.

pub(crate) mod provider;

use descope_api::types::{CodeExchangeRequest, JwtResponse, LoginOptions, OauthCallbackFormRequest, OauthRedirect};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{some, user::Profile};
use crate::{
    error::{INVALID_ARGUMENTS, NOT_EMULATED, Refusal, TOKEN_EXPIRED, USER_ALREADY_EXISTS, USER_NOT_FOUND},
    flow::{self, SessionWish, redirect, token},
    http::{Call, Nothing, Reply, Table, op},
    world::Record,
};

/// What signing in by a provider may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Mode {
    SignIn,
    SignUp,
    SignUpOrIn,
    /// Connects the provider's account to the user who is signed in.
    Update,
}

/// A sign-in by a provider that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OauthRecord {
    state: String,
    provider: String,
    /// Where the browser goes in the end.
    page: String,
    mode: Mode,
    wish: SessionWish,
    /// Who has asked, for an update and a step-up.
    user_id: Option<String>,
    merge: bool,
    prompt: Vec<String>,
    login_hint: String,
    expires_at: i64,
    /// Who the provider says it is.
    identity: Option<Identity>,
    /// What the provider gave, and what the application gets: each is good for one use.
    provider_code: Option<String>,
    code: Option<String>,
}

/// Who the provider says it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Identity {
    email: String,
    name: String,
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
}

fn authorize(call: &mut Call<'_>, options: LoginOptions, mode: Mode) -> Result<OauthRedirect, Refusal> {
    for unknown in ["test", "rawResponse"] {
        if call.query(unknown) == Some("true") {
            let message = format!("The emulator's provider does not know the parameter {unknown}; leave it out");
            return Err(Refusal::new(&NOT_EMULATED, message));
        }
    }
    let provider = call.query("provider").unwrap_or_default().to_owned();
    if !provider.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(Refusal::new(&INVALID_ARGUMENTS, format!("There is no provider {provider:?}")));
    }
    let page = redirect(call.query("redirectURL").map(str::to_owned), None)?;
    let mut wish = flow::wish_of(options)?;
    flow::refuse_pkce(&wish)?;
    let by_user = mode == Mode::Update || wish.stepup || wish.mfa;
    let user_id = by_user.then(|| call.user().map(|user| user.id.clone())).transpose()?;
    if by_user {
        wish.earlier_amr = flow::earlier_amr(call);
    }
    let hint = call.query("loginHint").or_else(|| call.query("initiatedEmail")).unwrap_or_default().to_owned();
    let record = OauthRecord {
        state: call.state.ids.alphanumeric(32),
        provider,
        page: page.into(),
        mode,
        wish,
        user_id,
        merge: call.query("allowAllMerge") == Some("true"),
        prompt: call.query_all("prompt").map(str::to_owned).collect(),
        login_hint: hint,
        expires_at: call.now + call.state.settings.sent_seconds,
        identity: None,
        provider_code: None,
        code: None,
    };
    let url = format!("{}/_emulator/provider?project={}&state={}", call.origin(), call.project.id, record.state);
    call.state.oauth.insert(&mut call.state.log, record)?;
    Ok(OauthRedirect::new().url(url))
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
    if let (true, None) = (right, some(error.clone())) {
        let code = call.state.ids.alphanumeric(40);
        page.query_pairs_mut().append_pair("code", &code);
        call.state.oauth.update(&mut call.state.log, state, |record| {
            record.provider_code = None;
            record.code = Some(code);
        });
    } else {
        let why = some(error).unwrap_or_else(|| "The provider gave no valid code".to_owned());
        page.query_pairs_mut().append_pair("err", &why);
        call.state.oauth.remove(&mut call.state.log, state);
    }
    Ok(Reply::redirect(String::from(page)))
}

/// The session for a code. It is good once.
pub(super) fn exchange(call: &mut Call<'_>, body: CodeExchangeRequest) -> Result<JwtResponse, Refusal> {
    let known = call.state.oauth.named(body.code.expose().trim()).filter(|record| record.expires_at > call.now);
    let refuse = || Refusal::new(&TOKEN_EXPIRED, "The code is unknown, expired or was used before");
    let record = known.cloned().ok_or_else(refuse)?;
    let identity = record.identity.clone().ok_or_else(refuse)?;
    let user_id = user_of(call, &record, &identity)?;
    call.state.oauth.remove(&mut call.state.log, &record.state);
    call.state.users.update_quietly(&mut call.state.log, &user_id, |user| {
        user.oauth.insert(record.provider.clone(), true);
    });
    flow::sign_in(call, &user_id, &record.wish, "oauth")
}

/// The user whom the provider's account belongs to, who may come into being.
fn user_of(call: &mut Call<'_>, record: &OauthRecord, identity: &Identity) -> Result<String, Refusal> {
    let known = call.state.users.named(&identity.email);
    token::refuse_disabled(known)?;
    let known = known.map(|user| user.id.clone());
    if let Some(user_id) = &record.user_id {
        token::refuse_disabled(call.state.users.get(user_id))?;
        let same = known.as_ref().is_none_or(|known| known == user_id);
        return match record.mode {
            Mode::Update if same => connect(call, user_id, identity),
            Mode::Update if record.merge => {
                flow::merge_users(call.state, user_id, &known.unwrap_or_default())?;
                connect(call, user_id, identity)
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
        (None, _) => {
            let profile = Profile {
                name: some(Some(identity.name.clone())),
                email: Some(identity.email.clone()),
                verified_email: true,
                ..Profile::default()
            };
            flow::create_user(call, vec![identity.email.clone()], profile)
        }
    }
}

fn connect(call: &mut Call<'_>, user_id: &str, identity: &Identity) -> Result<String, Refusal> {
    call.state.users.edit(&mut call.state.log, user_id, |user| {
        user.add_login_id(&identity.email);
        Ok::<_, Refusal>(())
    })?;
    Ok(user_id.to_owned())
}
