//! The calls of what is written by hand in the SDK: sign-in flows, sessions, and what test users would have received.

use descope_sdk::{DeliveryMethod, Descope, LoginId, SignUpUser};
use serde_json::{Map, Value};

use super::given::{Failed, Given, Replay, span};

use DeliveryMethod::{Email, Im, Sms, Voice, Whatsapp};

type Outcome = Result<Vec<String>, Failed>;

/// Sets what every builder of a flow has a setter for.
macro_rules! options {
    ($call:ident, $options:ident) => {
        if let Some(claims) = $options.member::<Map<String, Value>>("customClaims")? {
            $call = $call.custom_claims(claims);
        }
        if let Some(id) = $options.member::<String>("templateId")? {
            $call = $call.template_id(id);
        }
        for (name, value) in $options.member::<Map<String, Value>>("templateOptions")?.into_iter().flatten() {
            $call = $call.template_option(name, value.as_str().unwrap_or_default());
        }
        if let Some(locale) = $options.member::<String>("locale")? {
            $call = $call.locale(locale);
        }
        if let Some(tenant) = $options.member::<String>("tenantId")? {
            $call = $call.tenant_id(tenant);
        }
        if let Some(revoke) = $options.member("revokeOtherSessions")? {
            $call = $call.revoke_other_sessions(revoke);
        }
    };
}

/// Sets what a sign-in has besides, and takes its options apart.
macro_rules! sign_in {
    ($call:ident, $given:ident) => {
        let mut options = $given.part("loginOptions")?;
        options!($call, options);
        // A further factor or a step-up: each needs the token of the session that it is for.
        if options.member("stepup")? == Some(true) {
            $call = $call.step_up($given.bearer()?);
        }
        if options.member("mfa")? == Some(true) {
            $call = $call.mfa($given.bearer()?);
        }
        if let Some(types) = options.member::<Vec<String>>("revokeOtherSessionsTypes")? {
            $call = $call.revoke_other_sessions_types(types);
        }
        if let Some(id) = options.member::<String>("ssoAppId")? {
            $call = $call.sso_app_id(id);
        }
        $given.rest(options);
    };
}

/// Sets what a sign-in by a message has besides.
macro_rules! message {
    ($call:ident, $given:ident) => {
        provider!($call, $given);
        if let Some(use_recovery) = $given.member("useRecovery")? {
            $call = $call.use_recovery(use_recovery);
        }
    };
}

/// Sets what only sign-ins that a back end prepares have.
macro_rules! factors {
    ($call:ident, $options:ident) => {
        if let Some(step_up) = $options.member("stepup")? {
            $call = $call.step_up(step_up);
        }
        if let Some(mfa) = $options.member("mfa")? {
            $call = $call.mfa(mfa);
        }
        if let Some(types) = $options.member::<Vec<String>>("revokeOtherSessionsTypes")? {
            $call = $call.revoke_other_sessions_types(types);
        }
    };
}

macro_rules! provider {
    ($call:ident, $given:ident) => {
        if let Some(id) = $given.member::<String>("providerId")? {
            $call = $call.provider_id(id);
        }
    };
}

macro_rules! redirect {
    ($call:ident, $given:ident) => {
        if let Some(url) = $given.member::<String>("redirectUrl")? {
            $call = $call.redirect_url(url);
        }
    };
}

macro_rules! sign_up {
    ($call:ident, $given:ident) => {
        let mut options = $given.part("loginOptions")?;
        options!($call, options);
        $given.rest(options);
        provider!($call, $given);
        if let Some(user) = $given.member::<SignUpUser>("user")? {
            $call = $call.user(user);
        }
    };
}

macro_rules! template {
    ($call:ident, $given:ident) => {
        if let Some(id) = $given.member::<String>("templateId")? {
            $call = $call.template_id(id);
        }
    };
}

macro_rules! update {
    ($call:ident, $given:ident) => {
        let (add, merge) = ($given.member("addToLoginIDs")?, $given.member("onMergeUseExisting")?);
        if let Some(merge) = merge {
            $call = $call.on_merge_use_existing(merge);
        }
        if let Some(add) = add {
            $call = $call.add_to_login_ids(add);
        }
        if let Some(fail) = $given.member("failOnConflict")? {
            $call = $call.fail_on_conflict(fail);
        }
        provider!($call, $given);
        for (name, value) in $given.member::<Map<String, Value>>("templateOptions")?.into_iter().flatten() {
            $call = $call.template_option(name, value.as_str().unwrap_or_default());
        }
        if let Some(locale) = $given.member::<String>("locale")? {
            $call = $call.locale(locale);
        }
    };
}

mod methods;

async fn otp_sign_up(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let mut call = descope.otp().channel(method, given.text("loginId")?).sign_up();
    if let Some(address) = address(&mut given, method)? {
        call = call.address(address);
    }
    sign_up!(call, given);
    given.end(call.send().await.map(drop))
}

/// Where the code or link goes, by whichever name it has.
fn address(given: &mut Given, method: DeliveryMethod) -> Result<Option<String>, Failed> {
    let names: &[&str] = match method {
        Email => &["email"],
        Whatsapp => &["whatsapp", "phone"],
        Voice => &["phone", "voice"],
        _ => &["phone"],
    };
    for name in names {
        if let Some(address) = given.member(name)? {
            return Ok(Some(address));
        }
    }
    Ok(None)
}

async fn otp_sign_in(descope: Descope, mut given: Given, method: DeliveryMethod, or_up: bool) -> Outcome {
    let channel = descope.otp().channel(method, given.text("loginId")?);
    let mut call = if or_up { channel.sign_up_or_in() } else { channel.sign_in() };
    sign_in!(call, given);
    message!(call, given);
    given.end(call.send().await.map(drop))
}

async fn otp_verify(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let channel = descope.otp().channel(method, given.text("loginId")?);
    let code = given.text("code")?;
    given.end(channel.verify(code).await.map(drop))
}

async fn otp_update(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let new = address(&mut given, method)?;
    let channel = descope.otp().channel(method, Given::needed("address", new)?);
    let mut call = channel.update(given.text("loginId")?, given.bearer()?);
    update!(call, given);
    template!(call, given);
    if let Some(mfa) = given.member("mfa")? {
        call = call.mfa(mfa);
    }
    given.end(call.send().await.map(drop))
}

fn magic_link(descope: &Descope, method: DeliveryMethod, login_id: String) -> descope_sdk::MagicLinkChannel {
    let links = descope.magic_link();
    match method {
        Email => links.email(login_id),
        Whatsapp => links.whatsapp(login_id),
        _ => links.sms(login_id),
    }
}

async fn magic_link_sign_up(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let mut call = magic_link(&descope, method, given.text("loginId")?).sign_up();
    if let Some(address) = address(&mut given, method)? {
        call = call.address(address);
    }
    sign_up!(call, given);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn magic_link_sign_in(descope: Descope, mut given: Given, method: DeliveryMethod, or_up: bool) -> Outcome {
    let channel = magic_link(&descope, method, given.text("loginId")?);
    let mut call = if or_up { channel.sign_up_or_in() } else { channel.sign_in() };
    sign_in!(call, given);
    message!(call, given);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn magic_link_update(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let new = address(&mut given, method)?;
    let channel = magic_link(&descope, method, Given::needed("address", new)?);
    let mut call = channel.update(given.text("loginId")?, given.bearer()?);
    update!(call, given);
    template!(call, given);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn magic_link_verify(descope: Descope, mut given: Given) -> Outcome {
    let token = given.text("token")?;
    given.end(descope.magic_link().verify(token).await.map(drop))
}

fn enchanted_link(descope: &Descope, method: DeliveryMethod, login_id: String) -> descope_sdk::EnchantedLinkChannel {
    let links = descope.enchanted_link();
    if method == Email { links.email(login_id) } else { links.sms(login_id) }
}

async fn enchanted_link_sign_up(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let mut call = enchanted_link(&descope, method, given.text("loginId")?).sign_up();
    if let Some(address) = address(&mut given, method)? {
        call = call.address(address);
    }
    sign_up!(call, given);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn enchanted_link_sign_in(descope: Descope, mut given: Given, method: DeliveryMethod, or_up: bool) -> Outcome {
    let channel = enchanted_link(&descope, method, given.text("loginId")?);
    let mut call = if or_up { channel.sign_up_or_in() } else { channel.sign_in() };
    sign_in!(call, given);
    message!(call, given);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn enchanted_link_verify(descope: Descope, mut given: Given) -> Outcome {
    let token = given.text("token")?;
    given.end(descope.enchanted_link().verify(token).await)
}

async fn enchanted_link_update(descope: Descope, mut given: Given, method: DeliveryMethod) -> Outcome {
    let new = address(&mut given, method)?;
    let channel = enchanted_link(&descope, method, Given::needed("address", new)?);
    let mut call = channel.update(given.text("loginId")?, given.bearer()?);
    update!(call, given);
    template!(call, given);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn enchanted_link_pending(descope: Descope, mut given: Given) -> Outcome {
    let state = serde_json::json!({"pending_ref": given.text("pendingRef")?, "link_id": "42"});
    let state = serde_json::from_value(state).expect("a state");
    given.end(descope.enchanted_link().resume(state).check().await.map(drop))
}

async fn security_questions(descope: Descope, mut given: Given, setup: bool) -> Outcome {
    let (login_id, bearer) = (given.text("loginId")?, given.bearer()?);
    let answers: Vec<Map<String, Value>> = given.member("answers")?.unwrap_or_default();
    let answers = answers.iter().map(|answer| {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("id"), text("answer"))
    });
    if setup {
        let call = descope.security_questions().setup(login_id, bearer);
        let call = answers.fold(call, |call, (id, answer)| call.answer(id, answer));
        return given.end(call.send().await);
    }
    let call = descope.security_questions().verify(login_id, bearer);
    let mut call = answers.fold(call, |call, (id, answer)| call.answer(id, answer));
    if let Some(step_up) = given.member("stepup")? {
        call = call.step_up(step_up);
    }
    given.end(call.send().await.map(drop))
}

async fn refresh(descope: Descope, mut given: Given) -> Outcome {
    if let Some(token) = given.member::<String>("externalToken")? {
        return given.end(descope.session().migrate(token).await.map(drop));
    }
    let bearer = given.bearer()?;
    given.end(descope.session().refresh(bearer).await.map(drop))
}

async fn tenants(descope: Descope, mut given: Given) -> Outcome {
    let bearer = given.bearer()?;
    if given.member("dct")? == Some(true) {
        return given.end(descope.session().my_current_tenant(bearer).await.map(drop));
    }
    let ids: Option<Vec<String>> = given.member("ids")?;
    let ids = Given::needed("ids", ids)?;
    given.end(descope.session().my_tenants(bearer, ids).await.map(drop))
}

async fn select_tenant(descope: Descope, mut given: Given) -> Outcome {
    let (bearer, tenant) = (given.bearer()?, given.text("tenant")?);
    given.end(descope.session().select_tenant(bearer, tenant).await.map(drop))
}

async fn exchange(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.access_key().exchange(given.bearer()?);
    let mut options = given.part("loginOptions")?;
    if let Some(claims) = options.member::<Map<String, Value>>("customClaims")? {
        call = call.custom_claims(claims);
    }
    if let Some(tenant) = options.member::<String>("selectedTenant")? {
        call = call.tenant(tenant);
    }
    given.rest(options);
    given.end(call.send().await.map(drop))
}

async fn keys(descope: Descope, mut given: Given) -> Outcome {
    // The project that the client is made for.
    given.parameter::<String>("projectId")?;
    given.end(descope.session().validator().preload_keys().await.map_err(Into::into))
}

async fn embedded_link_sign_in(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.management().embedded_links().sign_in(LoginId::new(given.text("loginId")?));
    if let Some(claims) = given.member::<Map<String, Value>>("customClaims")? {
        call = call.custom_claims(claims);
    }
    // 0 stands for the service's own, which is asked for by saying nothing.
    if let Some(seconds) = given.member("timeout")?.filter(|seconds| *seconds != 0) {
        call = call.timeout(span(seconds, 1_000));
    }
    given.end(call.send().await.map(drop))
}

async fn embedded_link_sign_up(descope: Descope, mut given: Given) -> Outcome {
    let mut call = descope.management().embedded_links().sign_up(LoginId::new(given.text("loginId")?));
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    factors!(call, options);
    given.rest(options);
    if let Some(user) = given.member::<SignUpUser>("user")? {
        call = call.user(user);
    }
    if let Some(verified) = given.member("emailVerified")? {
        call = call.email_verified(verified);
    }
    if let Some(verified) = given.member("phoneVerified")? {
        call = call.phone_verified(verified);
    }
    // 0 stands for the service's own, which is asked for by saying nothing.
    if let Some(seconds) = given.member("timeout")?.filter(|seconds| *seconds != 0) {
        call = call.timeout(span(seconds, 1_000));
    }
    given.end(call.send().await.map(drop))
}

async fn test_user_otp(descope: Descope, mut given: Given) -> Outcome {
    let login_id = LoginId::new(given.text("loginId")?);
    let method: Option<DeliveryMethod> = given.member("deliveryMethod")?;
    let mut call = descope.management().test_users().generate_otp(login_id, Given::needed("deliveryMethod", method)?);
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    factors!(call, options);
    given.rest(options);
    given.end(call.send().await.map(drop))
}

async fn test_user_magic_link(descope: Descope, mut given: Given) -> Outcome {
    let (users, login_id) = (descope.management().test_users(), LoginId::new(given.text("loginId")?));
    given.fixed("deliveryMethod", "Embedded");
    let mut call = match given.member::<DeliveryMethod>("deliveryMethod")? {
        Some(method) => users.generate_magic_link(login_id, method),
        None => users.generate_embedded_link(login_id),
    };
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    factors!(call, options);
    given.rest(options);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

async fn test_user_enchanted_link(descope: Descope, mut given: Given) -> Outcome {
    let login_id = LoginId::new(given.text("loginId")?);
    let mut call = descope.management().test_users().generate_enchanted_link(login_id);
    let mut options = given.part("loginOptions")?;
    options!(call, options);
    factors!(call, options);
    given.rest(options);
    redirect!(call, given);
    given.end(call.send().await.map(drop))
}

/// The call of an operation whose function is written by hand.
pub(super) fn call(operation: &str) -> Option<Replay> {
    let found = one_time_codes(operation).or_else(|| links(operation)).or_else(|| others(operation));
    found.or_else(|| methods::call(operation))
}

fn one_time_codes(operation: &str) -> Option<Replay> {
    Some(match operation {
        "otpSignUpEmail" => |it, given| Box::pin(otp_sign_up(it, given, Email)),
        "otpSignUpSms" => |it, given| Box::pin(otp_sign_up(it, given, Sms)),
        "otpSignUpVoice" => |it, given| Box::pin(otp_sign_up(it, given, Voice)),
        "otpSignUpWhatsapp" => |it, given| Box::pin(otp_sign_up(it, given, Whatsapp)),
        "otpSignUpIm" => |it, given| Box::pin(otp_sign_up(it, given, Im)),
        "otpSignInEmail" => |it, given| Box::pin(otp_sign_in(it, given, Email, false)),
        "otpSignInSms" => |it, given| Box::pin(otp_sign_in(it, given, Sms, false)),
        "otpSignInVoice" => |it, given| Box::pin(otp_sign_in(it, given, Voice, false)),
        "otpSignInWhatsapp" => |it, given| Box::pin(otp_sign_in(it, given, Whatsapp, false)),
        "otpSignInIm" => |it, given| Box::pin(otp_sign_in(it, given, Im, false)),
        "otpSignUpOrInEmail" => |it, given| Box::pin(otp_sign_in(it, given, Email, true)),
        "otpSignUpOrInSms" => |it, given| Box::pin(otp_sign_in(it, given, Sms, true)),
        "otpSignUpOrInVoice" => |it, given| Box::pin(otp_sign_in(it, given, Voice, true)),
        "otpSignUpOrInWhatsapp" => |it, given| Box::pin(otp_sign_in(it, given, Whatsapp, true)),
        "otpSignUpOrInIm" => |it, given| Box::pin(otp_sign_in(it, given, Im, true)),
        "otpVerifyEmail" => |it, given| Box::pin(otp_verify(it, given, Email)),
        "otpVerifySms" => |it, given| Box::pin(otp_verify(it, given, Sms)),
        "otpVerifyVoice" => |it, given| Box::pin(otp_verify(it, given, Voice)),
        "otpVerifyWhatsapp" => |it, given| Box::pin(otp_verify(it, given, Whatsapp)),
        "otpVerifyIm" => |it, given| Box::pin(otp_verify(it, given, Im)),
        "otpUpdateEmail" => |it, given| Box::pin(otp_update(it, given, Email)),
        "otpUpdatePhoneSms" => |it, given| Box::pin(otp_update(it, given, Sms)),
        "otpUpdatePhoneVoice" => |it, given| Box::pin(otp_update(it, given, Voice)),
        "otpUpdatePhoneWhatsapp" => |it, given| Box::pin(otp_update(it, given, Whatsapp)),
        "otpUpdatePhoneIm" => |it, given| Box::pin(otp_update(it, given, Im)),
        _ => return None,
    })
}

fn links(operation: &str) -> Option<Replay> {
    Some(match operation {
        "magicLinkSignUpEmail" => |it, given| Box::pin(magic_link_sign_up(it, given, Email)),
        "magicLinkSignUpSms" => |it, given| Box::pin(magic_link_sign_up(it, given, Sms)),
        "magicLinkSignInEmail" => |it, given| Box::pin(magic_link_sign_in(it, given, Email, false)),
        "magicLinkSignInSms" => |it, given| Box::pin(magic_link_sign_in(it, given, Sms, false)),
        "magicLinkSignUpOrInEmail" => |it, given| Box::pin(magic_link_sign_in(it, given, Email, true)),
        "magicLinkSignUpOrInSms" => |it, given| Box::pin(magic_link_sign_in(it, given, Sms, true)),
        "magicLinkUpdateEmail" => |it, given| Box::pin(magic_link_update(it, given, Email)),
        "magicLinkUpdatePhoneSms" => |it, given| Box::pin(magic_link_update(it, given, Sms)),
        "magicLinkVerify" => |it, given| Box::pin(magic_link_verify(it, given)),
        "magicLinkSignUpWhatsapp" => |it, given| Box::pin(magic_link_sign_up(it, given, Whatsapp)),
        "magicLinkSignInWhatsapp" => |it, given| Box::pin(magic_link_sign_in(it, given, Whatsapp, false)),
        "magicLinkSignUpOrInWhatsapp" => |it, given| Box::pin(magic_link_sign_in(it, given, Whatsapp, true)),
        "magicLinkUpdatePhoneWhatsapp" => |it, given| Box::pin(magic_link_update(it, given, Whatsapp)),
        "enchantedLinkSignUpEmail" => |it, given| Box::pin(enchanted_link_sign_up(it, given, Email)),
        "enchantedLinkSignUpSms" => |it, given| Box::pin(enchanted_link_sign_up(it, given, Sms)),
        "enchantedLinkSignInEmail" => |it, given| Box::pin(enchanted_link_sign_in(it, given, Email, false)),
        "enchantedLinkSignInSms" => |it, given| Box::pin(enchanted_link_sign_in(it, given, Sms, false)),
        "enchantedLinkSignUpOrInEmail" => |it, given| Box::pin(enchanted_link_sign_in(it, given, Email, true)),
        "enchantedLinkSignUpOrInSms" => |it, given| Box::pin(enchanted_link_sign_in(it, given, Sms, true)),
        "enchantedLinkVerify" => |it, given| Box::pin(enchanted_link_verify(it, given)),
        "enchantedLinkUpdateEmail" => |it, given| Box::pin(enchanted_link_update(it, given, Email)),
        "enchantedLinkUpdatePhoneSms" => |it, given| Box::pin(enchanted_link_update(it, given, Sms)),
        "enchantedLinkPendingSession" => |it, given| Box::pin(enchanted_link_pending(it, given)),
        "managementEmbeddedLinkSignIn" => |it, given| Box::pin(embedded_link_sign_in(it, given)),
        "managementEmbeddedLinkSignUp" => |it, given| Box::pin(embedded_link_sign_up(it, given)),
        "managementTestUserGenerateOtp" => |it, given| Box::pin(test_user_otp(it, given)),
        "managementTestUserGenerateMagicLink" => |it, given| Box::pin(test_user_magic_link(it, given)),
        "managementTestUserGenerateEnchantedLink" => |it, given| Box::pin(test_user_enchanted_link(it, given)),
        _ => return None,
    })
}

fn others(operation: &str) -> Option<Replay> {
    /// A call of the session that takes its token alone.
    macro_rules! by_token {
        ($function:ident) => {
            |it: Descope, given| {
                Box::pin(async move {
                    let outcome = it.session().$function(given.bearer()?).await;
                    given.end(outcome.map(drop))
                })
            }
        };
    }
    Some(match operation {
        "sessionKeys" => |it, given| Box::pin(keys(it, given)),
        "sessionRefresh" => |it, given| Box::pin(refresh(it, given)),
        "sessionTryRefresh" => by_token!(try_refresh),
        "sessionValidate" => by_token!(validate_remotely),
        "sessionLogout" => by_token!(logout),
        "sessionLogoutAll" => by_token!(logout_all),
        "sessionMe" => by_token!(me),
        "sessionHistory" => by_token!(history),
        "sessionTenants" => |it, given| Box::pin(tenants(it, given)),
        "sessionSelectTenant" => |it, given| Box::pin(select_tenant(it, given)),
        "accessKeyExchange" => |it, given| Box::pin(exchange(it, given)),
        "securityQuestionsGet" => |it, given| {
            Box::pin(async move {
                let outcome = it.security_questions().get(given.bearer()?).await;
                given.end(outcome.map(drop))
            })
        },
        "securityQuestionsSetup" => |it, given| Box::pin(security_questions(it, given, true)),
        "securityQuestionsVerify" => |it, given| Box::pin(security_questions(it, given, false)),
        _ => return None,
    })
}
