//! Passwords, authenticator apps, recovery codes, passkeys, providers, nOTP, push, flows and outbound applications.

use descope_sdk::{
    LoginOptions, Pkce, SignUpUser,
    api::types::{FlowStartOptions, WebauthnPasskeyOptions},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{ADA, Bearer, Case, PHONE, REFRESH_JWT, case};

const NOTHING: Bearer = Bearer::Nothing;
const REFRESH: Bearer = Bearer::Token(REFRESH_JWT);
const PAGE: &str = "https://app.example.com/back";
const ORIGIN: &str = "https://app.example.com";
const PASSWORD: &str = "Difference-Engine-2";

pub(super) fn cases() -> Vec<Case> {
    [passwords(), apps(), passkeys(), oauth(), native(), sso(), notp(), push(), flows()].into_iter().flatten().collect()
}

/// What is pending, as it was kept.
fn kept<T: DeserializeOwned>(state: serde_json::Value) -> T {
    serde_json::from_value(state).expect("a state")
}

fn passwords() -> Vec<Case> {
    vec![
        case!("passwordSignUp", "POST /v1/auth/password/signup", NOTHING, {"loginId": ADA, "password": PASSWORD},
            descope => descope.password().sign_up(ADA, PASSWORD).send()),
        case!("passwordSignUp", "POST /v1/auth/password/signup", NOTHING,
            {
                "loginId": ADA, "password": PASSWORD, "providerId": "SES",
                "user": {"name": "Ada", "givenName": "A", "middleName": "B", "familyName": "L", "email": ADA,
                    "phone": PHONE, "recoveryEmail": "r@example.com", "recoveryPhone": PHONE},
                "loginOptions": {"customClaims": {"a": 1}, "tenantId": "T1", "locale": "de", "templateId": "t",
                    "templateOptions": {"b": "2"}, "revokeOtherSessions": true}
            },
            descope => descope.password().sign_up(ADA, PASSWORD).name("Ada").given_name("A").middle_name("B")
                .family_name("L").email(ADA).phone(PHONE).recovery_email("r@example.com").recovery_phone(PHONE)
                .custom_claim("a", 1).tenant_id("T1").locale("de").template_id("t").template_option("b", "2")
                .revoke_other_sessions(true).provider_id("SES").send()),
        case!("passwordSignIn", "POST /v1/auth/password/signin", NOTHING, {"loginId": ADA, "password": PASSWORD},
            descope => descope.password().sign_in(ADA, PASSWORD).send()),
        case!("passwordSignIn", "POST /v1/auth/password/signin", REFRESH,
            {
                "loginId": ADA, "password": PASSWORD, "providerId": "SES",
                "loginOptions": {"stepup": true, "customClaims": {"a": 1}, "ssoAppId": "app", "tenantId": "T1",
                    "revokeOtherSessions": true, "revokeOtherSessionsTypes": ["web"], "pkceChallenge": "YQ=="}
            },
            descope => descope.password().sign_in(ADA, PASSWORD).step_up(REFRESH_JWT)
                .options(LoginOptions::new().custom_claims([("a", 1)]).sso_app_id("app").tenant_id("T1")
                    .revoke_other_sessions(true).revoke_other_sessions_types(["web"]).pkce_challenge("YQ=="))
                .provider_id("SES").send()),
        case!("passwordReplace", "POST /v1/auth/password/replace", NOTHING,
            {"loginId": ADA, "oldPassword": PASSWORD, "newPassword": "Analytical-Engine-1"},
            descope => descope.password().replace(ADA, PASSWORD, "Analytical-Engine-1").send()),
        case!("passwordReplace", "POST /v1/auth/password/replace", NOTHING,
            {"loginId": ADA, "oldPassword": PASSWORD, "newPassword": "Analytical-Engine-1",
                "revokeOtherSessions": true, "revokeOtherSessionsTypes": ["web"]},
            descope => descope.password().replace(ADA, PASSWORD, "Analytical-Engine-1").revoke_other_sessions(true)
                .revoke_other_sessions_types(["web"]).send()),
        case!("passwordUpdate", "POST /v1/auth/password/update", REFRESH, {"loginId": ADA, "newPassword": PASSWORD},
            descope => async move { descope.password().update(ADA, PASSWORD, REFRESH_JWT).await }),
        case!("passwordReset", "POST /v1/auth/password/reset", NOTHING, {"loginId": ADA},
            descope => descope.password().reset(ADA).send()),
        case!("passwordReset", "POST /v1/auth/password/reset", NOTHING,
            {"loginId": ADA, "redirectUrl": PAGE, "providerId": "SES", "templateId": "t",
                "templateOptions": {"a": "1"}, "locale": "de", "useRecovery": true},
            descope => descope.password().reset(ADA).redirect_url(PAGE).provider_id("SES").template_id("t")
                .template_options([("a", "1")]).locale("de").use_recovery(true).send()),
        case!("passwordPolicy", "GET /v1/auth/password/policy", NOTHING,
            descope => async move { descope.password().policy().await }),
    ]
}

fn apps() -> Vec<Case> {
    vec![
        case!("totpSignUp", "POST /v1/auth/totp/signup", NOTHING, {"loginId": ADA},
            descope => descope.totp().sign_up(ADA).send()),
        case!("totpSignUp", "POST /v1/auth/totp/signup", NOTHING,
            {"loginId": ADA, "user": {"name": "Ada"}, "ssoAppId": "app"},
            descope => descope.totp().sign_up(ADA).name("Ada").sso_app_id("app").send()),
        case!("totpUpdate", "POST /v1/auth/totp/update", REFRESH, {"loginId": ADA},
            descope => async move { descope.totp().update(ADA, REFRESH_JWT).await }),
        case!("totpVerify", "POST /v1/auth/totp/verify", NOTHING, {"loginId": ADA, "code": "481516"},
            descope => descope.totp().verify(ADA, "481516").send()),
        case!("totpVerify", "POST /v1/auth/totp/verify", REFRESH,
            {"loginId": ADA, "code": "481516", "loginOptions": {"mfa": true}},
            descope => descope.totp().verify(ADA, "481516").mfa(REFRESH_JWT).send()),
        case!("recoveryCodesGenerate", "POST /v1/auth/recovery-codes", REFRESH, {"loginId": ADA},
            descope => async move { descope.recovery_codes().generate(ADA, REFRESH_JWT).await }),
        case!("recoveryCodesSignIn", "POST /v1/auth/recovery-codes/signin", NOTHING,
            {"loginId": ADA, "code": "7f3d2b"},
            descope => descope.recovery_codes().sign_in(ADA, "7f3d2b").send()),
        case!("recoveryCodesSignIn", "POST /v1/auth/recovery-codes/signin", REFRESH,
            {"loginId": ADA, "code": "7f3d2b", "loginOptions": {"mfa": true, "tenantId": "T1"}},
            descope => descope.recovery_codes().sign_in(ADA, "7f3d2b").mfa(REFRESH_JWT).tenant_id("T1").send()),
    ]
}

fn passkeys() -> Vec<Case> {
    vec![
        case!("webauthnSignUpStart", "POST /v1/auth/webauthn/signup/start", NOTHING,
            {"loginId": ADA, "origin": ORIGIN},
            descope => descope.webauthn().sign_up(ADA, ORIGIN).send()),
        case!("webauthnSignUpStart", "POST /v1/auth/webauthn/signup/start", NOTHING,
            {"loginId": ADA, "origin": ORIGIN, "user": {"name": "Ada"}, "loginOptions": {"tenantId": "T1"},
                "passkeyOptions": {"attestation": "direct"}},
            descope => descope.webauthn().sign_up(ADA, ORIGIN).name("Ada").tenant_id("T1")
                .passkey_options(WebauthnPasskeyOptions::new().attestation("direct")).send()),
        case!("webauthnSignInStart", "POST /v1/auth/webauthn/signin/start", NOTHING,
            {"loginId": ADA, "origin": ORIGIN},
            descope => descope.webauthn().sign_in(ADA, ORIGIN).send()),
        case!("webauthnSignInStart", "POST /v1/auth/webauthn/signin/start", NOTHING, {"origin": ORIGIN},
            descope => descope.webauthn().sign_in_with_any(ORIGIN).send()),
        case!("webauthnSignInStart", "POST /v1/auth/webauthn/signin/start", REFRESH,
            {"loginId": ADA, "origin": ORIGIN, "loginOptions": {"stepup": true},
                "passkeyOptions": {"userVerification": "required"}},
            descope => descope.webauthn().sign_in(ADA, ORIGIN).step_up(REFRESH_JWT)
                .passkey_options(WebauthnPasskeyOptions::new().user_verification("required")).send()),
        case!("webauthnSignUpOrInStart", "POST /v1/auth/webauthn/signup-in/start", NOTHING,
            {"loginId": ADA, "origin": ORIGIN},
            descope => descope.webauthn().sign_up_or_in(ADA, ORIGIN).send()),
        case!("webauthnUpdateStart", "POST /v1/auth/webauthn/update/start", REFRESH,
            {"loginId": ADA, "origin": ORIGIN},
            descope => descope.webauthn().add_device(ADA, ORIGIN, REFRESH_JWT).send()),
        case!("webauthnUpdateStart", "POST /v1/auth/webauthn/update/start", REFRESH,
            {"loginId": ADA, "origin": ORIGIN, "mfa": true},
            descope => descope.webauthn().add_device(ADA, ORIGIN, REFRESH_JWT).mfa(true).send()),
        case!("webauthnSignUpFinish", "POST /v1/auth/webauthn/signup/finish", NOTHING,
        {"transactionId": "tx", "response": "{\"id\":\"cred\"}"},
        descope => async move {
            let state = kept(json!({"transaction_id": "tx", "options": "{}", "ceremony": "sign_up"}));
            descope.webauthn().resume(state).finish(&json!({"id": "cred"})).await
        }),
        case!("webauthnSignInFinish", "POST /v1/auth/webauthn/signin/finish", NOTHING,
        {"transactionId": "tx", "response": "{\"id\": \"cred\"}"},
        descope => async move {
            let state = kept(json!({"transaction_id": "tx", "options": "{}", "ceremony": "sign_in"}));
            descope.webauthn().resume(state).finish_json(r#"{"id": "cred"}"#).await
        }),
        case!("webauthnUpdateFinish", "POST /v1/auth/webauthn/update/finish", NOTHING,
        {"transactionId": "tx", "response": "{\"id\":\"cred\"}"},
        descope => async move {
            let state = kept(json!({"transaction_id": "tx", "options": "{}", "ceremony": "add_device"}));
            descope.webauthn().resume_device(state).finish(&json!({"id": "cred"})).await
        }),
    ]
}

fn oauth() -> Vec<Case> {
    vec![
        case!("oauthAuthorize", "POST /v1/auth/oauth/authorize?provider=google", NOTHING, {},
            descope => descope.oauth().start("google").send()),
        case!("oauthAuthorize",
            "POST /v1/auth/oauth/authorize?initiatedEmail=ada%40example.com&loginHint=ada&prompt=login&prompt=consent\
             &provider=github&rawResponse=true&redirectURL=https%3A%2F%2Fapp.example.com%2Fback&test=true", REFRESH,
            {"stepup": true, "customClaims": {"a": 1}},
            descope => descope.oauth().start("github").redirect_url(PAGE).prompt(["login", "consent"])
                .login_hint("ada").initiated_email(ADA).raw_response(true).test(true).step_up(REFRESH_JWT)
                .custom_claim("a", 1).send()),
        case!("oauthAuthorizeSignUp", "POST /v1/auth/oauth/authorize/signup?provider=own-provider", NOTHING, {},
            descope => descope.oauth().sign_up("own-provider").send()),
        case!("oauthAuthorizeSignIn", "POST /v1/auth/oauth/authorize/signin?provider=apple", NOTHING, {},
            descope => descope.oauth().sign_in("apple").send()),
        case!("oauthAuthorizeUpdate", "POST /v1/auth/oauth/authorize/update?provider=google", REFRESH, {},
            descope => descope.oauth().update("google", REFRESH_JWT).send()),
        case!("oauthAuthorizeUpdate",
            "POST /v1/auth/oauth/authorize/update?allowAllMerge=true&loginHint=ada&provider=google\
             &redirectURL=https%3A%2F%2Fapp.example.com%2Fback", REFRESH, {},
            descope => descope.oauth().update("google", REFRESH_JWT).redirect_url(PAGE).allow_all_merge(true)
                .login_hint("ada").send()),
        case!("oauthExchange", "POST /v1/auth/oauth/exchange", NOTHING, {"code": "7f3d2b9c"},
            descope => async move { descope.oauth().exchange("7f3d2b9c").await }),
        case!("oauthExchange", "POST /v1/auth/oauth/exchange", NOTHING, {"code": "7f3d2b9c"},
            descope => async move { descope.oauth().exchange(format!("{PAGE}?code=7f3d2b9c")).await }),
    ]
}

fn native() -> Vec<Case> {
    vec![
        case!("oauthNativeStart", "POST /v1/auth/oauth/native/start", NOTHING, {"provider": "apple"},
            descope => descope.oauth().native().start("apple").send()),
        case!("oauthNativeStart", "POST /v1/auth/oauth/native/start", NOTHING,
            {"provider": "google", "implicit": true, "rawResponse": true, "loginOptions": {"tenantId": "T1"}},
            descope => descope.oauth().native().start("google").implicit(true).raw_response(true).tenant_id("T1")
                .send()),
        case!("oauthNativeFinish", "POST /v1/auth/oauth/native/finish", NOTHING,
        {"provider": "apple", "stateId": "st", "code": "7f3d2b9c", "user": "{}"},
        descope => async move {
            let pending = kept(json!({"provider": "apple", "state_id": "st"}));
            descope.oauth().native().finish(&pending).code("7f3d2b9c").user("{}").send().await
        }),
        case!("oauthNativeFinish", "POST /v1/auth/oauth/native/finish", NOTHING,
        {"provider": "apple", "stateId": "st", "idToken": REFRESH_JWT},
        descope => async move {
            let pending = kept(json!({"provider": "apple", "state_id": "st"}));
            descope.oauth().native().finish(&pending).id_token(REFRESH_JWT).send().await
        }),
        case!("onetapClientId", "GET /v1/auth/onetap/clientid/google", NOTHING,
            descope => async move { descope.one_tap().client_id("google").await }),
        case!("onetapExchange", "POST /v1/auth/onetap/idtoken/exchange", NOTHING,
            {"provider": "google", "idToken": REFRESH_JWT},
            descope => descope.one_tap().sign_in("google", REFRESH_JWT).exchange()),
        case!("onetapVerify", "POST /v1/auth/onetap/idtoken/verify", NOTHING,
            {"provider": "google", "idToken": REFRESH_JWT, "nonce": "n", "loginOptions": {"tenantId": "T1"}},
            descope => descope.one_tap().sign_in("google", REFRESH_JWT).nonce("n").tenant_id("T1").verify()),
    ]
}

fn sso() -> Vec<Case> {
    vec![
        case!("ssoAuthorize", "POST /v1/auth/sso/authorize?tenant=T1", NOTHING, {},
            descope => descope.sso().start("T1").send()),
        case!("ssoAuthorize",
            "POST /v1/auth/sso/authorize?forceAuthn=true&loginHint=ada&prompt=login\
             &redirectURL=https%3A%2F%2Fapp.example.com%2Fback&ssoId=second&tenant=ada%40example.com", REFRESH,
            {"mfa": true},
            descope => descope.sso().start(ADA).redirect_url(PAGE).sso_id("second").prompt(["login"]).login_hint("ada")
                .force_authn(true).mfa(REFRESH_JWT).send()),
        case!("ssoSamlAuthorize", "POST /v1/auth/saml/authorize?tenant=T1", NOTHING, {},
            descope => descope.sso().saml().start("T1").send()),
        case!("ssoExchange", "POST /v1/auth/sso/exchange", NOTHING, {"code": "7f3d2b9c"},
            descope => async move { descope.sso().exchange("7f3d2b9c").await }),
        case!("ssoSamlExchange", "POST /v1/auth/saml/exchange", NOTHING, {"code": "7f3d2b9c"},
            descope => async move { descope.sso().saml().exchange("7f3d2b9c").await }),
    ]
}

fn notp() -> Vec<Case> {
    vec![
        case!("notpSignUp", "POST /v1/auth/notp/whatsapp/signup", NOTHING, {},
            descope => descope.notp().sign_up().send()),
        case!("notpSignUp", "POST /v1/auth/notp/whatsapp/signup", NOTHING,
            {"loginId": ADA, "phone": PHONE, "user": {"name": "Ada"}, "providerId": "W", "ssoAppId": "app",
                "templates": {"verifyTemplateId": "v", "successTemplateId": "s", "errorTemplateId": "e"}},
            descope => descope.notp().sign_up().login_id(ADA).from_phone(PHONE)
                .user(SignUpUser::new().name("Ada")).provider_id("W").sso_app_id("app").verify_template_id("v")
                .success_template_id("s").error_template_id("e").send()),
        case!("notpSignIn", "POST /v1/auth/notp/whatsapp/signin", NOTHING, {},
            descope => descope.notp().sign_in().send()),
        case!("notpSignIn", "POST /v1/auth/notp/whatsapp/signin", REFRESH,
            {"loginId": ADA, "loginOptions": {"stepup": true}},
            descope => descope.notp().sign_in().login_id(ADA).step_up(REFRESH_JWT).send()),
        case!("notpSignUpOrIn", "POST /v1/auth/notp/whatsapp/signup-in", NOTHING, {},
            descope => descope.notp().sign_up_or_in().send()),
        case!("notpUpdatePhone", "POST /v1/auth/notp/whatsapp/update", REFRESH, {"loginId": ADA},
            descope => descope.notp().update(ADA, REFRESH_JWT).send()),
        case!("notpUpdatePhone", "POST /v1/auth/notp/whatsapp/update", REFRESH,
            {"loginId": ADA, "phone": PHONE, "addToLoginIDs": true, "onMergeUseExisting": false,
                "failOnConflict": true, "locale": "de"},
            descope => descope.notp().update(ADA, REFRESH_JWT).phone(PHONE).add_to_login_ids(true).on_merge_use_existing(false)
                .fail_on_conflict(true).locale("de").send()),
        case!("notpPendingSession", "POST /v1/auth/notp/pending-session", NOTHING, {"pendingRef": "2RmvXG"},
        descope => async move {
            let state = kept(json!({"pending_ref": "2RmvXG", "redirect_url": "https://wa.me/"}));
            descope.notp().resume(state).check().await
        }),
    ]
}

fn push() -> Vec<Case> {
    vec![
        case!("pushEnrollDevice", "POST /v1/auth/push/update", REFRESH, {"provider": "fcm", "token": "2RmvXG"},
            descope => descope.push().enroll("fcm", "2RmvXG", REFRESH_JWT).send()),
        case!("pushEnrollDevice", "POST /v1/auth/push/update", REFRESH,
            {"provider": "fcm", "token": "2RmvXG", "device": "Ada's phone"},
            descope => descope.push().enroll("fcm", "2RmvXG", REFRESH_JWT).device("Ada's phone").send()),
        case!("pushSignInStart", "POST /v1/auth/push/signin/start", NOTHING, {"loginId": ADA},
            descope => async move { descope.push().sign_in(ADA).await }),
        case!("pushSignInFinish", "POST /v1/auth/push/signin/finish", REFRESH,
            {"transactionId": "tx", "result": "approved"},
            descope => async move { descope.push().finish("tx", "approved", REFRESH_JWT).await }),
        case!("pushPendingSession", "POST /v1/auth/push/pending-session", NOTHING, {"pendingRef": "2RmvXG"},
            descope => async move { descope.push().resume(kept(json!({"pending_ref": "2RmvXG"}))).check().await }),
    ]
}

/// Flows, and what signed-in users connect.
fn flows() -> Vec<Case> {
    fn pkce() -> Pkce {
        kept(json!({"verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}))
    }
    vec![
        case!("flowStart", "POST /v1/flow/start", NOTHING, {"flowId": "sign-up-or-in"},
            descope => descope.flow().start("sign-up-or-in").send()),
        case!("flowStart", "POST /v1/flow/start", REFRESH,
            {"flowId": "step-up", "input": {"a": 1}, "options": {"tenant": "T1"}},
            descope => descope.flow().start("step-up").refresh_jwt(REFRESH_JWT).input([("a", 1)])
                .options(FlowStartOptions::new().tenant("T1")).send()),
        case!("flowNext", "POST /v1/flow/next", NOTHING,
            {"executionId": "ex", "stepId": "st", "interactionId": "button"},
            descope => descope.flow().next("ex", "st", "button").send()),
        case!("flowNext", "POST /v1/flow/next", REFRESH,
            {"executionId": "ex", "stepId": "st", "interactionId": "button", "input": {"email": ADA}, "version": 3},
            descope => descope.flow().next("ex", "st", "button").refresh_jwt(REFRESH_JWT).input([("email", ADA)])
                .version(3).send()),
        case!("flowPrime", "POST /v1/flow/prime", REFRESH,
            {"flowId": "step-up", "codeChallenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},
            descope => async move { descope.flow().prime("step-up", &pkce(), REFRESH_JWT).await }),
        case!("flowExchange", "POST /v1/flow/exchange", NOTHING,
            {"authorizationCode": "7f3d2b9c", "codeVerifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
            descope => async move { descope.flow().exchange("7f3d2b9c", &pkce()).await }),
        case!("outboundConnect", "POST /v1/outbound/oauth/connect", REFRESH, {"appId": "calendar"},
            descope => descope.outbound().connect("calendar", REFRESH_JWT).send()),
        case!("outboundConnect", "POST /v1/outbound/oauth/connect", REFRESH,
            {"appId": "calendar", "tenantId": "T1", "tenantLevel": true,
                "options": {"redirectUrl": PAGE, "scopes": ["read"], "externalIdentifier": "x"}},
            descope => descope.outbound().connect("calendar", REFRESH_JWT).tenant_id("T1").tenant_level(true)
                .redirect_url(PAGE).scopes(["read"]).external_identifier("x").send()),
        case!("sessionRefresh", "POST /v1/auth/refresh", NOTHING, {"externalToken": "2RmvXG"},
            descope => async move { descope.session().migrate("2RmvXG").await }),
    ]
}
