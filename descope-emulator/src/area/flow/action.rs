//! What the steps of a flow do for the user. Some are done at once; others wait for a link that is opened, for another page
//! or for a passkey.

use descope_api::{
    Secret,
    types::{WebauthnFinishRequest, WebauthnSignInStartRequest, WebauthnSignUpOrInStartRequest, WebauthnStartResponse},
};
use url::Url;

use super::run::{FlowRunRecord, Proven, text};
use crate::{
    admin::inbox::Channel,
    area::{
        magic_link,
        oauth::{self, Begin, Mode, Via},
        otp, password,
        sso::sign_in as sso,
        webauthn,
    },
    error::{INVALID_ARGUMENTS, NOT_EMULATED, Refusal},
    flow::{self, SessionWish, SignIn},
    http::Call,
};

/// The parameters by which a page takes a run up again, which the component has taken out of its address.
const RUN: &str = "descope-login-flow";
const ENDED: [&str; 4] = [RUN, "t", "code", "err"];

/// What an action waits for.
pub(super) enum Waits {
    ForTheLink,
    /// The browser goes to another page, from which it comes back.
    Elsewhere(String),
    ForAPasskey(WebauthnStartResponse),
}

/// The kinds of actions, as the steps call them: with the channel, or the provider, after the last slash.
enum Action<'a> {
    SendCode { channel: Channel, create: bool },
    VerifyCode { channel: Channel },
    SendLink { channel: Channel, create: bool },
    PasswordSignUp,
    PasswordSignIn,
    Passkey { create: bool },
    Social { provider: &'a str },
    Sso,
}

impl<'a> Action<'a> {
    fn of(name: &'a str) -> Result<Self, Refusal> {
        let (kind, last) = name.rsplit_once('/').unwrap_or((name, ""));
        let channel = match last {
            "email" => Some(Channel::Email),
            "sms" => Some(Channel::Sms),
            "voice" => Some(Channel::Voice),
            "whatsapp" => Some(Channel::Whatsapp),
            _ => None,
        };
        Ok(match (kind, channel) {
            ("otp/signup-in" | "otp/signin", Some(channel)) => {
                Self::SendCode { channel, create: kind == "otp/signup-in" }
            }
            ("otp/verify", Some(channel)) => Self::VerifyCode { channel },
            ("magic-link/signup-in" | "magic-link/signin", Some(channel)) if channel != Channel::Voice => {
                Self::SendLink { channel, create: kind == "magic-link/signup-in" }
            }
            ("oauth", None) if !last.is_empty() => Self::Social { provider: last },
            _ => match name {
                "password/signup" => Self::PasswordSignUp,
                "password/signin" => Self::PasswordSignIn,
                "webauthn/signup-in" => Self::Passkey { create: true },
                "webauthn/signin" => Self::Passkey { create: false },
                "sso" => Self::Sso,
                _ => return Err(unknown(name)),
            },
        })
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(&NOT_EMULATED, format!("The emulator knows no step that does {name:?}"))
}

/// Does something, or begins what the user ends.
///
/// - `step`: the name of the step, where the run is taken up again.
pub(super) fn begin(
    call: &mut Call<'_>,
    run: &mut FlowRunRecord,
    step: &str,
    name: &str,
) -> Result<Option<Waits>, Refusal> {
    match Action::of(name)? {
        Action::SendCode { channel, create } => {
            let login_id = login_id(call, run, Some(channel))?;
            otp::send_to(call, login_id, channel, create)?;
            Ok(None)
        }
        Action::VerifyCode { channel } => {
            let login_id = login_id(call, run, Some(channel))?;
            let code = taken(run, "code")?;
            let challenge = otp::redeem(call, &login_id, &code, channel)?;
            let user_id = flow::prove(call, &challenge)?;
            prove(run, user_id, channel.as_str())
        }
        Action::SendLink { channel, create } => {
            let page = page(run, step)?;
            let request = SignIn { login_id: login_id(call, run, Some(channel))?, options: None, use_recovery: false };
            let outgoing = flow::begin_sign_in(call, request, channel, create)?;
            magic_link::send_link(call, outgoing, &page)?;
            Ok(Some(Waits::ForTheLink))
        }
        Action::PasswordSignUp => {
            let login_id = login_id(call, run, None)?;
            let user_id = password::sign_up_by(call, &login_id, &Secret::from(taken(run, "password")?))?;
            prove(run, user_id, password::METHOD)
        }
        Action::PasswordSignIn => {
            let login_id = login_id(call, run, None)?;
            let user = password::sign_in_by(call, &login_id, &taken(run, "password")?)?;
            prove(run, user.id, password::METHOD)
        }
        Action::Passkey { create } => {
            let (login_id, origin) = (login_id(call, run, None)?, origin(run)?);
            let begun = if create {
                webauthn::sign_up_or_in_start(call, WebauthnSignUpOrInStartRequest::new(login_id, origin))?
            } else {
                webauthn::sign_in_start(call, WebauthnSignInStartRequest::new(origin).login_id(login_id))?
            };
            Ok(Some(Waits::ForAPasskey(begun)))
        }
        Action::Social { provider } => {
            let (provider, page) = (oauth::check_provider(provider)?, page(run, step)?);
            let begin = Begin { provider, via: Via::Social, page, mode: Mode::SignUpOrIn, merge: false };
            Ok(Some(Waits::Elsewhere(oauth::begin(call, begin, SessionWish::default())?)))
        }
        Action::Sso => {
            let tenant = match &run.tenant {
                Some(tenant) => tenant.clone(),
                None => login_id(call, run, None)?,
            };
            let page = page(run, step)?.into();
            let url = sso::begin(call, &tenant, None, Some(page), flow::no_options())?;
            Ok(Some(Waits::Elsewhere(url)))
        }
    }
}

/// Ends what the user has done meanwhile.
pub(super) fn finish(call: &mut Call<'_>, run: &mut FlowRunRecord, name: &str) -> Result<(), Refusal> {
    match Action::of(name)? {
        Action::SendLink { channel, .. } => {
            let token = taken(run, "token")?;
            let user_id = magic_link::redeem(call, &token, |call, challenge| {
                if challenge.channel.is_none_or(|own| own == channel) {
                    return flow::prove(call, challenge);
                }
                Err(Refusal::new(&INVALID_ARGUMENTS, "The link came another way than that of the flow"))
            })?;
            prove(run, user_id, channel.as_str())
        }
        Action::Passkey { .. } => {
            if let Ok(failure) = taken(run, "failure") {
                let message = format!("The browser has used no passkey: {failure}");
                return Err(Refusal::new(&INVALID_ARGUMENTS, message));
            }
            let (transaction, response) = (taken(run, "transactionId")?, taken(run, "response")?);
            let user_id = webauthn::answered(call, &WebauthnFinishRequest::new(transaction, response))?;
            prove(run, user_id, webauthn::METHOD)
        }
        Action::Social { .. } => {
            let code = exchange_code(run)?;
            let (record, identity) = oauth::redeem(call, &code, |via| *via == Via::Social)?;
            let user_id = oauth::prove(call, &record, identity)?;
            prove(run, user_id, oauth::METHOD)
        }
        Action::Sso => {
            let code = exchange_code(run)?;
            let (record, identity) = oauth::redeem(call, &code, |via| matches!(via, Via::Sso { .. }))?;
            let proof = sso::prove(call, &record, &identity)?;
            run.tenant = Some(proof.tenant_id);
            prove(run, proof.user_id, &proof.method)
        }
        _ => Err(Refusal::new(&INVALID_ARGUMENTS, "The run waits for nobody")),
    }?;
    Ok(())
}

fn prove(run: &mut FlowRunRecord, user_id: String, method: &str) -> Result<Option<Waits>, Refusal> {
    run.proven = Some(Proven { user_id, method: method.to_owned() });
    Ok(None)
}

/// What the provider's page has given, or said instead.
fn exchange_code(run: &mut FlowRunRecord) -> Result<String, Refusal> {
    match taken(run, "exchangeError") {
        Ok(why) => Err(Refusal::new(&INVALID_ARGUMENTS, why)),
        Err(_) => taken(run, "exchangeCode"),
    }
}

/// The login id that was typed, or that of the user who is signed in.
fn login_id(call: &Call<'_>, run: &FlowRunRecord, channel: Option<Channel>) -> Result<String, Refusal> {
    let by_channel = channel.map(|channel| if channel.is_phone() { "phone" } else { "email" });
    let typed = ["loginId"].into_iter().chain(by_channel).chain(["email"]).find_map(|name| text(&run.input, name));
    let acting = || run.acting.as_ref().and_then(|id| call.state.users.get(id)?.login_ids.first().cloned());
    typed.map(str::to_owned).or_else(acting).ok_or_else(|| Refusal::required("input.loginId"))
}

/// Takes something secret out of what was typed.
fn taken(run: &mut FlowRunRecord, name: &str) -> Result<String, Refusal> {
    let value = run.input.remove(name);
    let value = value.as_ref().and_then(serde_json::Value::as_str).filter(|value| !value.is_empty());
    value.map(str::to_owned).ok_or_else(|| Refusal::required(&format!("input.{name}")))
}

/// The page that the component is on, with what it needs to take the run up again.
fn page(run: &FlowRunRecord, step: &str) -> Result<Url, Refusal> {
    let page = run.page.as_deref().ok_or_else(|| Refusal::required("options.redirectUrl"))?;
    let mut url = Url::parse(page)
        .map_err(|_| Refusal::new(&INVALID_ARGUMENTS, "The options.redirectUrl field is not an address"))?;
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !ENDED.contains(&&**name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(RUN, &format!("{}_{step}", run.id));
    Ok(url)
}

/// The origin for which a passkey is made: that of the page that says so, or on which the component is.
fn origin(run: &FlowRunRecord) -> Result<String, Refusal> {
    if let Some(origin) = text(&run.input, "origin") {
        return Ok(origin.to_owned());
    }
    let page = run.page.as_deref().and_then(|page| Url::parse(page).ok());
    page.map(|page| page.origin().ascii_serialization()).ok_or_else(|| Refusal::required("input.origin"))
}
