//! Links that are clicked where the user wants to be signed in.

use super::{ADA, Bearer, Case, PHONE, REFRESH_JWT, case};

const NOTHING: Bearer = Bearer::Nothing;
const REFRESH: Bearer = Bearer::Token(REFRESH_JWT);
const PAGE: &str = "https://app.example.com/verify?next=%2Fhome";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = signing_in();
    cases.extend(updates());
    cases
}

fn signing_in() -> Vec<Case> {
    vec![
        case!("magicLinkSignUpEmail", "POST /v1/auth/magiclink/signup/email", NOTHING,
            {"loginId": ADA, "email": ADA, "user": {"email": ADA}},
            descope => descope.magic_link().email(ADA).sign_up().send()),
        case!("magicLinkSignUpEmail", "POST /v1/auth/magiclink/signup/email", NOTHING,
            {
                "loginId": "ada", "email": ADA, "redirectUrl": PAGE, "providerId": "p",
                "user": {"email": ADA, "name": "Ada"},
                "loginOptions": {"customClaims": {"a": 1}, "tenantId": "T1"}
            },
            descope => descope.magic_link().email("ada").sign_up().address(ADA).name("Ada").redirect_url(PAGE)
                .provider_id("p").custom_claim("a", 1).tenant_id("T1").send()),
        case!("magicLinkSignUpWhatsapp", "POST /v1/auth/magiclink/signup/whatsapp", NOTHING,
            {"loginId": PHONE, "whatsapp": PHONE, "user": {"phone": PHONE}},
            descope => descope.magic_link().whatsapp(PHONE).sign_up().send()),
        case!("magicLinkSignInWhatsapp", "POST /v1/auth/magiclink/signin/whatsapp", NOTHING, {"loginId": PHONE},
            descope => descope.magic_link().whatsapp(PHONE).sign_in().send()),
        case!("magicLinkSignUpOrInWhatsapp", "POST /v1/auth/magiclink/signup-in/whatsapp", NOTHING, {"loginId": PHONE},
            descope => descope.magic_link().whatsapp(PHONE).sign_up_or_in().send()),
        case!("magicLinkSignInEmail", "POST /v1/auth/magiclink/signin/email", NOTHING, {"loginId": ADA},
            descope => descope.magic_link().email(ADA).sign_in().send()),
        case!("magicLinkSignInEmail", "POST /v1/auth/magiclink/signin/email", REFRESH,
            {
                "loginId": ADA, "redirectUrl": PAGE, "providerId": "p", "useRecovery": false,
                "loginOptions": {"ssoAppId": "app", "stepup": true, "locale": "de"}
            },
            descope => descope.magic_link().email(ADA).sign_in().step_up(REFRESH_JWT).redirect_url(PAGE)
                .provider_id("p").sso_app_id("app").use_recovery(false).locale("de").send()),
        case!("magicLinkSignUpOrInEmail", "POST /v1/auth/magiclink/signup-in/email", NOTHING, {"loginId": ADA},
            descope => descope.magic_link().email(ADA).sign_up_or_in().send()),
        case!("magicLinkSignUpOrInEmail", "POST /v1/auth/magiclink/signup-in/email", REFRESH,
            {
                "loginId": ADA, "redirectUrl": PAGE, "providerId": "p", "useRecovery": false,
                "loginOptions": {"ssoAppId": "app", "mfa": true, "locale": "de"}
            },
            descope => descope.magic_link().email(ADA).sign_up_or_in().mfa(REFRESH_JWT).redirect_url(PAGE)
                .provider_id("p").sso_app_id("app").use_recovery(false).locale("de").send()),
        case!("magicLinkSignUpSms", "POST /v1/auth/magiclink/signup/sms", NOTHING,
            {"loginId": PHONE, "phone": PHONE, "user": {"phone": PHONE}},
            descope => descope.magic_link().sms(PHONE).sign_up().send()),
        case!("magicLinkSignUpSms", "POST /v1/auth/magiclink/signup/sms", NOTHING,
            {
                "loginId": "ada", "phone": PHONE, "redirectUrl": PAGE, "providerId": "p",
                "user": {"phone": PHONE, "name": "Ada"},
                "loginOptions": {"customClaims": {"a": 1}, "tenantId": "T1"}
            },
            descope => descope.magic_link().sms("ada").sign_up().address(PHONE).name("Ada").redirect_url(PAGE)
                .provider_id("p").custom_claim("a", 1).tenant_id("T1").send()),
        case!("magicLinkSignInSms", "POST /v1/auth/magiclink/signin/sms", NOTHING, {"loginId": PHONE},
            descope => descope.magic_link().sms(PHONE).sign_in().send()),
        case!("magicLinkSignInSms", "POST /v1/auth/magiclink/signin/sms", REFRESH,
            {
                "loginId": PHONE, "redirectUrl": PAGE, "providerId": "p", "useRecovery": false,
                "loginOptions": {"ssoAppId": "app", "stepup": true, "locale": "de"}
            },
            descope => descope.magic_link().sms(PHONE).sign_in().step_up(REFRESH_JWT).redirect_url(PAGE)
                .provider_id("p").sso_app_id("app").use_recovery(false).locale("de").send()),
        case!("magicLinkSignUpOrInSms", "POST /v1/auth/magiclink/signup-in/sms", NOTHING, {"loginId": PHONE},
            descope => descope.magic_link().sms(PHONE).sign_up_or_in().send()),
        case!("magicLinkSignUpOrInSms", "POST /v1/auth/magiclink/signup-in/sms", REFRESH,
            {
                "loginId": PHONE, "redirectUrl": PAGE, "providerId": "p", "useRecovery": false,
                "loginOptions": {"ssoAppId": "app", "mfa": true, "locale": "de"}
            },
            descope => descope.magic_link().sms(PHONE).sign_up_or_in().mfa(REFRESH_JWT).redirect_url(PAGE)
                .provider_id("p").sso_app_id("app").use_recovery(false).locale("de").send()),
    ]
}

fn updates() -> Vec<Case> {
    vec![
        case!("magicLinkVerify", "POST /v1/auth/magiclink/verify", NOTHING, {"token": "7f3d2b"},
            descope => descope.magic_link().verify("7f3d2b")),
        case!("magicLinkUpdateEmail", "POST /v1/auth/magiclink/update/email", REFRESH,
            {"loginId": ADA, "email": "new@example.com"},
            descope => descope.magic_link().email("new@example.com").update(ADA, REFRESH_JWT).send()),
        case!("magicLinkUpdateEmail", "POST /v1/auth/magiclink/update/email", REFRESH,
            {
                "loginId": ADA, "email": "new@example.com", "redirectUrl": PAGE, "addToLoginIDs": true,
                "onMergeUseExisting": false,
                "failOnConflict": true, "providerId": "p", "templateId": "t", "templateOptions": {"a": "1"},
                "locale": "fr"
            },
            descope => descope.magic_link().email("new@example.com").update(ADA, REFRESH_JWT)
                .add_to_login_ids(true).on_merge_use_existing(false)
                .fail_on_conflict(true).redirect_url(PAGE).provider_id("p").template_id("t").template_option("a", "1")
                .locale("fr").send()),
        case!("magicLinkUpdatePhoneWhatsapp", "POST /v1/auth/magiclink/update/phone/whatsapp", REFRESH,
            {"loginId": ADA, "phone": PHONE},
            descope => descope.magic_link().whatsapp(PHONE).update(ADA, REFRESH_JWT).send()),
        case!("magicLinkUpdatePhoneSms", "POST /v1/auth/magiclink/update/phone/sms", REFRESH,
            {"loginId": ADA, "phone": PHONE},
            descope => descope.magic_link().sms(PHONE).update(ADA, REFRESH_JWT).send()),
        case!("magicLinkUpdatePhoneSms", "POST /v1/auth/magiclink/update/phone/sms", REFRESH,
            {
                "loginId": ADA, "phone": PHONE, "redirectUrl": PAGE, "addToLoginIDs": true, "onMergeUseExisting": false,
                "failOnConflict": true, "providerId": "p", "templateId": "t", "templateOptions": {"a": "1"},
                "locale": "fr"
            },
            descope => descope.magic_link().sms(PHONE).update(ADA, REFRESH_JWT).add_to_login_ids(true).on_merge_use_existing(false)
                .fail_on_conflict(true).redirect_url(PAGE).provider_id("p").template_id("t").template_option("a", "1")
                .locale("fr").send()),
    ]
}
