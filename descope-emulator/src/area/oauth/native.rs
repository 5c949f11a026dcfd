//! Social login without a browser: what a phone or a prompt in the page gives is turned into a session.

use descope_api::{
    Secret,
    types::{
        JwtResponse, LoginOptions, OauthNativeChallenge, OauthNativeFinishRequest, OauthNativeStartRequest,
        OnetapClient, OnetapCode, OnetapIdTokenRequest,
    },
};
use serde_json::Value;

use super::{Begin, Identity, Mode, OauthRecord, Via, begin_record, check_provider, id_token, sign_in};
use crate::{
    area::some,
    error::{NOT_EMULATED, Refusal, TOKEN_EXPIRED, VALIDATION_FAILED},
    flow::{self, redirect},
    http::{Call, Nothing, Table, op},
};

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::OauthNativeStart>(start)
        .on::<op::OauthNativeFinish>(finish)
        .on::<op::OnetapClientId>(client_id)
        .on::<op::OnetapExchange>(|call, body| {
            let (record, identity) = tapped(call, body)?;
            sign_in(call, &record, identity)
        })
        .on::<op::OnetapVerify>(verify);
}

fn start(call: &mut Call<'_>, body: OauthNativeStartRequest) -> Result<OauthNativeChallenge, Refusal> {
    if body.raw_response == Some(true) {
        let message = "The emulator's provider has no answer of its own to hand on; leave rawResponse out";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let implicit = body.implicit == Some(true);
    let nonce = call.state.ids.alphanumeric(24);
    let record =
        begun(call, body.provider.as_str(), Via::Native { nonce: nonce.clone(), implicit }, body.login_options)?;
    let answer = OauthNativeChallenge::new().state_id(record.state.as_str()).nonce(nonce).implicit(implicit);
    call.state.oauth.insert(&mut call.state.log, record)?;
    Ok(answer.client_id(id_token::client_id(&call.project.id)))
}

/// A sign-in that leads to no page.
fn begun(call: &mut Call<'_>, provider: &str, via: Via, options: Option<LoginOptions>) -> Result<OauthRecord, Refusal> {
    let provider = check_provider(provider)?;
    let page = redirect(None, None)?;
    let wish = flow::wish_of(options.unwrap_or_else(flow::no_options))?;
    begin_record(call, Begin { provider, via, page, mode: Mode::SignUpOrIn, merge: false }, wish)
}

fn finish(call: &mut Call<'_>, body: OauthNativeFinishRequest) -> Result<JwtResponse, Refusal> {
    let known = call.state.oauth.get(body.state_id.trim()).filter(|record| record.expires_at > call.now).cloned();
    let refuse = |why: &str| Refusal::new(&TOKEN_EXPIRED, why);
    let record = known.ok_or_else(|| refuse("The stateId is unknown, expired or was used before"))?;
    let Via::Native { nonce, implicit } = &record.via else {
        return Err(refuse("The stateId is that of another kind of sign-in"));
    };
    if body.provider.as_str() != record.provider {
        return Err(Refusal::invalid("The sign-in was started with another provider"));
    }
    let (token, code) = (exposed(body.id_token), exposed(body.code));
    let mut identity = match (token, code) {
        (Some(token), None) if *implicit => id_token::check(&token, &call.project.id, Some(nonce), call.now)?,
        (None, Some(code)) if !*implicit => {
            let right = record.provider_code.as_ref() == Some(&code);
            let identity = record.identity.clone().filter(|_| right);
            identity.ok_or_else(|| refuse("The code is not one of the emulator's provider for this sign-in"))?
        }
        _ if *implicit => return Err(Refusal::required("idToken")),
        _ => return Err(Refusal::required("code")),
    };
    if let Some(user) = some(body.user) {
        tell_name(&mut identity, &user)?;
    }
    let state = record.state.clone();
    call.state.oauth.remove(&mut call.state.log, &state);
    sign_in(call, &record, identity)
}

fn exposed(secret: Option<Secret>) -> Option<String> {
    some(secret.map(|secret| secret.expose().trim().to_owned()))
}

/// Apple tells the name apart from the token, in JSON text, and only once.
fn tell_name(identity: &mut Identity, user: &str) -> Result<(), Refusal> {
    let user: Value =
        serde_json::from_str(user).map_err(|_| Refusal::new(&VALIDATION_FAILED, "The user field is not JSON text"))?;
    let parts = ["firstName", "lastName"].map(|part| user["name"][part].as_str().unwrap_or_default().trim());
    let name = parts.join(" ").trim().to_owned();
    if !name.is_empty() {
        identity.name = name;
    }
    Ok(())
}

fn client_id(call: &mut Call<'_>, _: Nothing) -> Result<OnetapClient, Refusal> {
    check_provider(call.segment("provider"))?;
    Ok(OnetapClient::new().client_id(id_token::client_id(&call.project.id)))
}

/// Checks what the prompt has given.
fn tapped(call: &mut Call<'_>, body: OnetapIdTokenRequest) -> Result<(OauthRecord, Identity), Refusal> {
    let nonce = some(body.nonce);
    let identity = id_token::check(body.id_token.expose(), &call.project.id, nonce.as_deref(), call.now)?;
    let record = begun(call, body.provider.as_str(), Via::Social, body.login_options)?;
    Ok((record, identity))
}

fn verify(call: &mut Call<'_>, body: OnetapIdTokenRequest) -> Result<OnetapCode, Refusal> {
    let (mut record, identity) = tapped(call, body)?;
    let code = call.state.ids.alphanumeric(40);
    record.identity = Some(identity);
    record.code = Some(code.clone());
    call.state.oauth.insert(&mut call.state.log, record)?;
    Ok(OnetapCode::new().code(code))
}
