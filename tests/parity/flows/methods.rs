//! Passwords, authenticator apps, recovery codes, passkeys, providers, nOTP, push and flows.

use descope_sdk::{
    Descope, Pkce, Redirect, SignUpUser,
    api::types::{FlowStartOptions, LoginOptions, OutboundConnectOptions, WebauthnPasskeyOptions},
};
use serde_json::{Map, Value, json};

use super::Outcome;
use crate::parity::given::{Given, Replay};

/// The options of a sign-in that are all of its body.
macro_rules! whole_options {
    ($call:ident, $given:ident) => {
        if let Some(prompt) = $given.parameter::<Value>("prompt")? {
            let prompts = match prompt {
                Value::Array(all) => all,
                one => vec![one],
            };
            $call = $call.prompt(prompts.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        if let Some(page) = $given.parameter::<String>("redirectURL")? {
            $call = $call.redirect_url(page);
        }
        if let Some(hint) = $given.parameter::<String>("loginHint")? {
            $call = $call.login_hint(hint);
        }
        if let Some(email) = $given.parameter::<String>("initiatedEmail")? {
            $call = $call.initiated_email(email);
        }
    };
}

macro_rules! body_options {
    ($call:ident, $given:ident) => {
        let body: Option<LoginOptions> = $given.whole()?;
        if let Some(options) = body {
            if options.stepup == Some(true) {
                $call = $call.step_up($given.bearer()?);
            }
            if options.mfa == Some(true) {
                $call = $call.mfa($given.bearer()?);
            }
            $call = $call.options(options);
        }
    };
}

async fn password_sign_up(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.password().sign_up(given.text("loginId")?, given.text("password")?);
    sign_up!(call, given);
    given.end(call.send().await.map(drop))
}

async fn password_sign_in(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.password().sign_in(given.text("loginId")?, given.text("password")?);
    sign_in!(call, given);
    provider!(call, given);
    given.end(call.send().await.map(drop))
}

async fn password_replace(descope: Descope, mut given: Given) -> Outcome {
    let (login_id, old, new) = (given.text("loginId")?, given.text("oldPassword")?, given.text("newPassword")?);
    let mut call = descope.password().replace(login_id, old, new);
    if let Some(revoke) = given.member("revokeOtherSessions")? {
        call = call.revoke_other_sessions(revoke);
    }
    if let Some(types) = given.member::<Vec<String>>("revokeOtherSessionsTypes")? {
        call = call.revoke_other_sessions_types(types);
    }
    given.end(call.send().await.map(drop))
}

async fn password_update(descope: Descope, mut given: Given) -> Outcome {
    let (login_id, new, bearer) = (given.text("loginId")?, given.text("newPassword")?, given.bearer()?);
    given.end(descope.password().update(login_id, new, bearer).await)
}

async fn password_reset(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.password().reset(given.text("loginId")?);
    if let Some(page) = given.member::<String>("redirectUrl")? {
        call = call.redirect_url(page);
    }
    provider!(call, given);
    if let Some(id) = given.member::<String>("templateId")? {
        call = call.template_id(id);
    }
    for (name, value) in given.member::<Map<String, Value>>("templateOptions")?.into_iter().flatten() {
        call = call.template_option(name, value.as_str().unwrap_or_default());
    }
    if let Some(locale) = given.member::<String>("locale")? {
        call = call.locale(locale);
    }
    if let Some(use_recovery) = given.member("useRecovery")? {
        call = call.use_recovery(use_recovery);
    }
    given.end(call.send().await.map(drop))
}

async fn password_policy(descope: Descope, given: Given) -> Outcome {
    given.end(descope.password().policy().await.map(drop))
}

async fn totp_sign_up(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.totp().sign_up(given.text("loginId")?);
    if let Some(user) = given.member::<SignUpUser>("user")? {
        call = call.user(user);
    }
    if let Some(id) = given.member::<String>("ssoAppId")? {
        call = call.sso_app_id(id);
    }
    given.end(call.send().await.map(drop))
}

async fn totp_update(descope: Descope, mut given: Given) -> Outcome {
    let (login_id, bearer) = (given.text("loginId")?, given.bearer()?);
    given.end(descope.totp().update(login_id, bearer).await.map(drop))
}

async fn totp_verify(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.totp().verify(given.text("loginId")?, given.text("code")?);
    sign_in!(call, given);
    given.end(call.send().await.map(drop))
}

async fn recovery_codes_generate(descope: Descope, mut given: Given) -> Outcome {
    let (login_id, bearer) = (given.text("loginId")?, given.bearer()?);
    given.end(descope.recovery_codes().generate(login_id, bearer).await.map(drop))
}

async fn recovery_codes_sign_in(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.recovery_codes().sign_in(given.text("loginId")?, given.text("code")?);
    sign_in!(call, given);
    given.end(call.send().await.map(drop))
}

/// Who is let in by a provider.
#[derive(Clone, Copy)]
enum Mode {
    Anybody,
    New,
    Known,
}

async fn oauth_start(descope: Descope, mut given: Given, mode: Mode) -> Outcome {
    let provider: Option<String> = given.parameter("provider")?;
    let provider = Given::needed("provider", provider)?;
    let mut call = match mode {
        Mode::Anybody => descope.oauth().start(provider),
        Mode::New => descope.oauth().sign_up(provider),
        Mode::Known => descope.oauth().sign_in(provider),
    };
    whole_options!(call, given);
    if let Some(test) = given.parameter::<String>("test")? {
        call = call.test(test == "true");
    }
    body_options!(call, given);
    given.end(call.send().await.map(Redirect::into_url).map(drop))
}

async fn oauth_update(descope: Descope, mut given: Given) -> Outcome {
    let provider: Option<String> = given.parameter("provider")?;
    let mut call = descope.oauth().update(Given::needed("provider", provider)?, given.bearer()?);
    whole_options!(call, given);
    if let Some(merge) = given.parameter::<String>("allowAllMerge")? {
        call = call.allow_all_merge(merge == "true");
    }
    let body: Map<String, Value> = given.whole::<Option<_>>()?.unwrap_or_default();
    if let Some(Value::Object(claims)) = body.get("customClaims") {
        call = call.custom_claims(claims.clone());
    }
    given.end(call.send().await.map(drop))
}

async fn oauth_exchange(descope: Descope, mut given: Given) -> Outcome {
    let code = given.text("code")?;
    given.end(descope.oauth().exchange(code).await.map(drop))
}

async fn oauth_native_start(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.oauth().native().start(given.text("provider")?);
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    given.rest(options);
    if let Some(implicit) = given.member("implicit")? {
        call = call.implicit(implicit);
    }
    if let Some(raw) = given.member("rawResponse")? {
        call = call.raw_response(raw);
    }
    given.end(call.send().await.map(drop))
}

async fn oauth_native_finish(descope: Descope, mut given: Given) -> Outcome {
    let pending = json!({"provider": given.text("provider")?, "state_id": given.text("stateId")?});
    let pending = serde_json::from_value(pending).expect("what is pending");
    let mut call = descope.oauth().native().finish(&pending);
    if let Some(code) = given.member::<String>("code")? {
        call = call.code(code);
    }
    if let Some(token) = given.member::<String>("idToken")? {
        call = call.id_token(token);
    }
    if let Some(user) = given.member::<String>("user")? {
        call = call.user(user);
    }
    given.end(call.send().await.map(drop))
}

async fn sso_start(descope: Descope, mut given: Given, saml: bool) -> Outcome {
    let tenant: Option<String> = given.parameter("tenant")?;
    let sso = if saml { descope.sso().saml() } else { descope.sso() };
    let mut call = sso.start(Given::needed("tenant", tenant)?);
    whole_options!(call, given);
    if let Some(id) = given.parameter::<String>("ssoId")? {
        call = call.sso_id(id);
    }
    if let Some(force) = given.parameter::<String>("forceAuthn")? {
        call = call.force_authn(force == "true");
    }
    if let Some(test) = given.parameter::<String>("test")? {
        call = call.test(test == "true");
    }
    body_options!(call, given);
    given.end(call.send().await.map(drop))
}

async fn sso_exchange(descope: Descope, mut given: Given, saml: bool) -> Outcome {
    let sso = if saml { descope.sso().saml() } else { descope.sso() };
    let code = given.text("code")?;
    given.end(sso.exchange(code).await.map(drop))
}

macro_rules! passkey {
    ($call:ident, $given:ident) => {
        if let Some(options) = $given.member::<WebauthnPasskeyOptions>("passkeyOptions")? {
            $call = $call.passkey_options(options);
        }
    };
}

async fn webauthn_sign_up(descope: Descope, mut given: Given) -> Outcome {
    let mut user: Option<SignUpUser> = given.member("user")?;
    let inside = user.as_mut().and_then(|user| user.login_id.take());
    let login_id: Option<String> = given.member("loginId")?;
    let login_id = Given::needed("loginId", login_id.or(inside))?;
    let mut call = descope.webauthn().sign_up(login_id, given.text("origin")?);
    if let Some(user) = user {
        call = call.user(user);
    }
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    given.rest(options);
    passkey!(call, given);
    given.end(call.send().await.map(drop))
}

async fn webauthn_sign_in(descope: Descope, mut given: Given) -> Outcome {
    let (webauthn, origin) = (descope.webauthn(), given.text("origin")?);
    let mut call = match given.member::<String>("loginId")? {
        Some(login_id) => webauthn.sign_in(login_id, origin),
        None => webauthn.sign_in_with_any(origin),
    };
    sign_in!(call, given);
    passkey!(call, given);
    given.end(call.send().await.map(drop))
}

async fn webauthn_sign_up_or_in(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.webauthn().sign_up_or_in(given.text("loginId")?, given.text("origin")?);
    sign_in!(call, given);
    passkey!(call, given);
    given.end(call.send().await.map(drop))
}

async fn webauthn_add_device(descope: Descope, mut given: Given) -> Outcome {
    let (login_id, origin) = (given.text("loginId")?, given.text("origin")?);
    let mut call = descope.webauthn().add_device(login_id, origin, given.bearer()?);
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    given.rest(options);
    if let Some(mfa) = given.member("mfa")? {
        call = call.mfa(mfa);
    }
    passkey!(call, given);
    given.end(call.send().await.map(drop))
}

async fn webauthn_finish(descope: Descope, mut given: Given, creates: Option<bool>) -> Outcome {
    let ceremony = creates.map_or("add_device", |creates| if creates { "sign_up" } else { "sign_in" });
    let state = json!({"ceremony": ceremony, "transaction_id": given.text("transactionId")?, "options": "{}"});
    let (response, kept) = (given.text("response")?, "a state");
    if creates.is_some() {
        let pending = descope.webauthn().resume(serde_json::from_value(state).expect(kept));
        return given.end(pending.finish_json(response).await.map(drop));
    }
    let pending = descope.webauthn().resume_device(serde_json::from_value(state).expect(kept));
    given.end(pending.finish_json(response).await.map(drop))
}

macro_rules! templates {
    ($call:ident, $given:ident) => {
        let mut templates = $given.part("templates")?;
        if let Some(id) = templates.member::<String>("verifyTemplateId")? {
            $call = $call.verify_template_id(id);
        }
        if let Some(id) = templates.member::<String>("successTemplateId")? {
            $call = $call.success_template_id(id);
        }
        if let Some(id) = templates.member::<String>("errorTemplateId")? {
            $call = $call.error_template_id(id);
        }
        $given.rest(templates);
    };
}

async fn notp_sign_up(descope: Descope, mut given: Given) -> Outcome {
    given.parameter::<String>("provider")?;
    let mut call = descope.notp().sign_up();
    if let Some(login_id) = given.member::<String>("loginId")? {
        call = call.login_id(login_id);
    }
    if let Some(phone) = given.member::<String>("phone")? {
        call = call.from_phone(phone);
    }
    sign_up!(call, given);
    templates!(call, given);
    given.end(call.send().await.map(drop))
}

async fn notp_sign_in(descope: Descope, mut given: Given, or_up: bool) -> Outcome {
    given.parameter::<String>("provider")?;
    let mut call = if or_up { descope.notp().sign_up_or_in() } else { descope.notp().sign_in() };
    if let Some(login_id) = given.member::<String>("loginId")? {
        call = call.login_id(login_id);
    }
    sign_in!(call, given);
    provider!(call, given);
    templates!(call, given);
    given.end(call.send().await.map(drop))
}

async fn notp_update(descope: Descope, mut given: Given) -> Outcome {
    given.parameter::<String>("provider")?;
    let mut call = descope.notp().update(given.text("loginId")?, given.bearer()?);
    if let Some(phone) = given.member::<String>("phone")? {
        call = call.phone(phone);
    }
    update!(call, given);
    templates!(call, given);
    given.end(call.send().await.map(drop))
}

async fn notp_pending(descope: Descope, mut given: Given) -> Outcome {
    let state = json!({"pending_ref": given.text("pendingRef")?, "redirect_url": "https://wa.me/"});
    let state = serde_json::from_value(state).expect("a state");
    given.end(descope.notp().resume(state).check().await.map(drop))
}

async fn one_tap(descope: Descope, mut given: Given, verify: bool) -> Outcome {
    let mut call = descope.one_tap().sign_in(given.text("provider")?, given.text("idToken")?);
    if let Some(nonce) = given.member::<String>("nonce")? {
        call = call.nonce(nonce);
    }
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    given.rest(options);
    let outcome = if verify { call.verify().await.map(drop) } else { call.exchange().await.map(drop) };
    given.end(outcome)
}

async fn one_tap_client_id(descope: Descope, mut given: Given) -> Outcome {
    let provider: Option<String> = given.parameter("provider")?;
    let provider = Given::needed("provider", provider)?;
    given.end(descope.one_tap().client_id(provider).await.map(drop))
}

async fn push_enroll(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.push().enroll(given.text("provider")?, given.text("token")?, given.bearer()?);
    if let Some(device) = given.member::<String>("device")? {
        call = call.device(device);
    }
    given.end(call.send().await)
}

async fn push_sign_in(descope: Descope, mut given: Given) -> Outcome {
    let login_id = given.text("loginId")?;
    given.end(descope.push().sign_in(login_id).await.map(drop))
}

async fn push_finish(descope: Descope, mut given: Given) -> Outcome {
    let (id, result, bearer) = (given.text("transactionId")?, given.text("result")?, given.bearer()?);
    given.end(descope.push().finish(id, result, bearer).await)
}

async fn push_pending(descope: Descope, mut given: Given) -> Outcome {
    let state = serde_json::from_value(json!({"pending_ref": given.text("pendingRef")?})).expect("a state");
    given.end(descope.push().resume(state).check().await.map(drop))
}

async fn outbound_connect(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.outbound().connect(given.text("appId")?, given.bearer()?);
    if let Some(id) = given.member::<String>("tenantId")? {
        call = call.tenant_id(id);
    }
    if let Some(level) = given.member("tenantLevel")? {
        call = call.tenant_level(level);
    }
    if let Some(options) = given.member::<OutboundConnectOptions>("options")? {
        call = call.scopes(options.scopes);
        if let Some(page) = options.redirect_url {
            call = call.redirect_url(page);
        }
        if let Some(id) = options.external_identifier {
            call = call.external_identifier(id);
        }
    }
    given.end(call.send().await.map(drop))
}

async fn flow_start(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.flow().start(given.text("flowId")?);
    if let Ok(token) = given.bearer() {
        call = call.refresh_jwt(token);
    }
    if let Some(options) = given.member::<FlowStartOptions>("options")? {
        call = call.options(options);
    }
    if let Some(id) = given.member::<String>("interactionId")? {
        call = call.interaction_id(id);
    }
    if let Some(id) = given.member::<String>("conditionInteractionId")? {
        call = call.condition_interaction_id(id);
    }
    if let Some(version) = given.member::<String>("componentsVersion")? {
        call = call.components_version(version);
    }
    if let Some(versions) = given.member::<Map<String, Value>>("flowVersions")? {
        call = call.flow_versions(versions.into_iter().filter_map(|(id, version)| Some((id, version.as_i64()?))));
    }
    if let Some(input) = given.member::<Map<String, Value>>("input")? {
        call = call.input(input);
    }
    given.end(call.send().await.map(drop))
}

async fn flow_next(descope: Descope, mut given: Given) -> Outcome {
    let (execution, step) = (given.text("executionId")?, given.text("stepId")?);
    let mut call = descope.flow().next(execution, step, given.text("interactionId")?);
    if let Some(version) = given.member("version")? {
        call = call.version(version);
    }
    if let Some(version) = given.member::<String>("componentsVersion")? {
        call = call.components_version(version);
    }
    if let Some(input) = given.member::<Map<String, Value>>("input")? {
        call = call.input(input);
    }
    given.end(call.send().await.map(drop))
}

async fn flow_exchange(descope: Descope, mut given: Given) -> Outcome {
    let pkce: Pkce = serde_json::from_value(json!({"verifier": given.text("codeVerifier")?})).expect("a verifier");
    let code = given.text("authorizationCode")?;
    given.end(descope.flow().exchange(code, &pkce).await.map(drop))
}

async fn flow_prime(descope: Descope, mut given: Given) -> Outcome {
    // The SDK makes the challenge of the verifier that it holds.
    let pkce = Pkce::new();
    given.fixed("codeChallenge", pkce.challenge());
    let (flow_id, bearer) = (given.text("flowId")?, given.bearer()?);
    given.end(descope.flow().prime(flow_id, &pkce, bearer).await)
}

pub(super) fn call(operation: &str) -> Option<Replay> {
    by_secrets(operation).or_else(|| by_others(operation)).or_else(|| elsewhere(operation))
}

fn by_secrets(operation: &str) -> Option<Replay> {
    Some(match operation {
        "passwordSignUp" => |it, given| Box::pin(password_sign_up(it, given)),
        "passwordSignIn" => |it, given| Box::pin(password_sign_in(it, given)),
        "passwordReplace" => |it, given| Box::pin(password_replace(it, given)),
        "passwordUpdate" => |it, given| Box::pin(password_update(it, given)),
        "passwordReset" => |it, given| Box::pin(password_reset(it, given)),
        "passwordPolicy" => |it, given| Box::pin(password_policy(it, given)),
        "totpSignUp" => |it, given| Box::pin(totp_sign_up(it, given)),
        "totpUpdate" => |it, given| Box::pin(totp_update(it, given)),
        "totpVerify" => |it, given| Box::pin(totp_verify(it, given)),
        "recoveryCodesGenerate" => |it, given| Box::pin(recovery_codes_generate(it, given)),
        "recoveryCodesSignIn" => |it, given| Box::pin(recovery_codes_sign_in(it, given)),
        "webauthnSignUpStart" => |it, given| Box::pin(webauthn_sign_up(it, given)),
        "webauthnSignInStart" => |it, given| Box::pin(webauthn_sign_in(it, given)),
        "webauthnSignUpOrInStart" => |it, given| Box::pin(webauthn_sign_up_or_in(it, given)),
        "webauthnUpdateStart" => |it, given| Box::pin(webauthn_add_device(it, given)),
        "webauthnSignUpFinish" => |it, given| Box::pin(webauthn_finish(it, given, Some(true))),
        "webauthnSignInFinish" => |it, given| Box::pin(webauthn_finish(it, given, Some(false))),
        "webauthnUpdateFinish" => |it, given| Box::pin(webauthn_finish(it, given, None)),
        _ => return None,
    })
}

fn by_others(operation: &str) -> Option<Replay> {
    Some(match operation {
        "oauthAuthorize" => |it, given| Box::pin(oauth_start(it, given, Mode::Anybody)),
        "oauthAuthorizeSignUp" => |it, given| Box::pin(oauth_start(it, given, Mode::New)),
        "oauthAuthorizeSignIn" => |it, given| Box::pin(oauth_start(it, given, Mode::Known)),
        "oauthAuthorizeUpdate" => |it, given| Box::pin(oauth_update(it, given)),
        "oauthExchange" => |it, given| Box::pin(oauth_exchange(it, given)),
        "oauthNativeStart" => |it, given| Box::pin(oauth_native_start(it, given)),
        "oauthNativeFinish" => |it, given| Box::pin(oauth_native_finish(it, given)),
        "ssoAuthorize" => |it, given| Box::pin(sso_start(it, given, false)),
        "ssoSamlAuthorize" => |it, given| Box::pin(sso_start(it, given, true)),
        "ssoExchange" => |it, given| Box::pin(sso_exchange(it, given, false)),
        "ssoSamlExchange" => |it, given| Box::pin(sso_exchange(it, given, true)),
        "onetapClientId" => |it, given| Box::pin(one_tap_client_id(it, given)),
        "onetapExchange" => |it, given| Box::pin(one_tap(it, given, false)),
        "onetapVerify" => |it, given| Box::pin(one_tap(it, given, true)),
        _ => return None,
    })
}

fn elsewhere(operation: &str) -> Option<Replay> {
    Some(match operation {
        "notpSignUp" => |it, given| Box::pin(notp_sign_up(it, given)),
        "notpSignIn" => |it, given| Box::pin(notp_sign_in(it, given, false)),
        "notpSignUpOrIn" => |it, given| Box::pin(notp_sign_in(it, given, true)),
        "notpUpdatePhone" => |it, given| Box::pin(notp_update(it, given)),
        "notpPendingSession" => |it, given| Box::pin(notp_pending(it, given)),
        "pushEnrollDevice" => |it, given| Box::pin(push_enroll(it, given)),
        "pushSignInStart" => |it, given| Box::pin(push_sign_in(it, given)),
        "pushSignInFinish" => |it, given| Box::pin(push_finish(it, given)),
        "pushPendingSession" => |it, given| Box::pin(push_pending(it, given)),
        "outboundConnect" => |it, given| Box::pin(outbound_connect(it, given)),
        "flowStart" => |it, given| Box::pin(flow_start(it, given)),
        "flowNext" => |it, given| Box::pin(flow_next(it, given)),
        "flowPrime" => |it, given| Box::pin(flow_prime(it, given)),
        "flowExchange" => |it, given| Box::pin(flow_exchange(it, given)),
        _ => return None,
    })
}
