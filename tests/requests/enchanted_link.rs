//! Links that are clicked anywhere while the first device waits.

use super::{ADA, Bearer, Case, PHONE, REFRESH_JWT, case};

const NOTHING: Bearer = Bearer::Nothing;
const REFRESH: Bearer = Bearer::Token(REFRESH_JWT);
const PAGE: &str = "https://app.example.com/verify";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = signing_in();
    cases.extend(redeeming());
    cases
}

fn signing_in() -> Vec<Case> {
    vec![
        case!("enchantedLinkSignUpEmail", "POST /v1/auth/enchantedlink/signup/email", NOTHING,
            {"loginId": ADA, "email": ADA, "user": {"email": ADA}},
            descope => descope.enchanted_link().sign_up(ADA).send()),
        case!("enchantedLinkSignUpEmail", "POST /v1/auth/enchantedlink/signup/email", NOTHING,
            {
                "loginId": "ada", "email": ADA, "redirectUrl": PAGE, "providerId": "p",
                "user": {"email": ADA, "familyName": "Lovelace"},
                "loginOptions": {"templateOptions": {"a": "1"}, "revokeOtherSessions": true}
            },
            descope => descope.enchanted_link().sign_up("ada").email(ADA).family_name("Lovelace").redirect_url(PAGE)
                .provider_id("p").template_option("a", "1").revoke_other_sessions(true).send()),
        case!("enchantedLinkSignUpSms", "POST /v1/auth/enchantedlink/signup/sms", NOTHING,
            {"loginId": PHONE, "phone": PHONE, "user": {"phone": PHONE}},
            descope => descope.enchanted_link().sms(PHONE).sign_up().send()),
        case!("enchantedLinkSignUpSms", "POST /v1/auth/enchantedlink/signup/sms", NOTHING,
            {"loginId": "ada", "phone": PHONE, "redirectUrl": PAGE, "user": {"phone": PHONE, "name": "Ada"}},
            descope => descope.enchanted_link().sms("ada").sign_up().phone(PHONE).name("Ada").redirect_url(PAGE).send()),
        case!("enchantedLinkSignInSms", "POST /v1/auth/enchantedlink/signin/sms", NOTHING, {"loginId": PHONE},
            descope => descope.enchanted_link().sms(PHONE).sign_in().send()),
        case!("enchantedLinkSignUpOrInSms", "POST /v1/auth/enchantedlink/signup-in/sms", NOTHING, {"loginId": PHONE},
            descope => descope.enchanted_link().sms(PHONE).sign_up_or_in().send()),
        case!("enchantedLinkUpdatePhoneSms", "POST /v1/auth/enchantedlink/update/phone/sms", REFRESH,
            {"loginId": ADA, "phone": PHONE, "addToLoginIDs": true},
            descope => descope.enchanted_link().sms(PHONE).update(ADA, REFRESH_JWT).add_to_login_ids(true).send()),
        case!("enchantedLinkSignInEmail", "POST /v1/auth/enchantedlink/signin/email", NOTHING, {"loginId": ADA},
            descope => descope.enchanted_link().sign_in(ADA).send()),
        case!("enchantedLinkSignInEmail", "POST /v1/auth/enchantedlink/signin/email", REFRESH,
            {
                "loginId": ADA, "redirectUrl": PAGE, "providerId": "p", "useRecovery": true,
                "loginOptions": {"ssoAppId": "app", "stepup": true, "customClaims": {"a": [1, 2]}}
            },
            descope => descope.enchanted_link().sign_in(ADA).step_up(REFRESH_JWT).custom_claim("a", vec![1, 2])
                .redirect_url(PAGE).provider_id("p").sso_app_id("app").use_recovery(true).send()),
        case!("enchantedLinkSignUpOrInEmail", "POST /v1/auth/enchantedlink/signup-in/email", NOTHING, {"loginId": ADA},
            descope => descope.enchanted_link().sign_up_or_in(ADA).send()),
        case!("enchantedLinkSignUpOrInEmail", "POST /v1/auth/enchantedlink/signup-in/email", REFRESH,
            {"loginId": ADA, "loginOptions": {"mfa": true}},
            descope => descope.enchanted_link().sign_up_or_in(ADA).mfa(REFRESH_JWT).send()),
    ]
}

fn redeeming() -> Vec<Case> {
    vec![
        case!("enchantedLinkVerify", "POST /v1/auth/enchantedlink/verify", NOTHING, {"token": "7f3d2b"},
            descope => descope.enchanted_link().verify("7f3d2b")),
        // The link id is for the user's eyes; the service knows the sign-in by its reference alone.
        case!("enchantedLinkPendingSession", "POST /v1/auth/enchantedlink/pending-session", NOTHING,
        {"pendingRef": "2RmvXG"},
        descope => async {
            let state = r#"{"pending_ref": "2RmvXG", "link_id": "42", "masked_email": "a**@e******.com"}"#;
            descope.enchanted_link().resume(serde_json::from_str(state).unwrap()).check().await
        }),
        case!("enchantedLinkPendingSession", "POST /v1/auth/enchantedlink/pending-session", NOTHING,
        {"pendingRef": "2RmvXG"},
        descope => async {
            let state = r#"{"pending_ref": "2RmvXG", "link_id": "42"}"#;
            descope.enchanted_link().resume(serde_json::from_str(state).unwrap()).wait().await
        }),
        case!("enchantedLinkUpdateEmail", "POST /v1/auth/enchantedlink/update/email", REFRESH,
            {"loginId": ADA, "email": "new@example.com"},
            descope => descope.enchanted_link().email("new@example.com").update(ADA, REFRESH_JWT).send()),
        case!("enchantedLinkUpdateEmail", "POST /v1/auth/enchantedlink/update/email", REFRESH,
            {
                "loginId": ADA, "email": "new@example.com", "redirectUrl": PAGE, "addToLoginIDs": true,
                "onMergeUseExisting": true, "failOnConflict": true, "providerId": "p", "templateId": "t",
                "templateOptions": {"a": "1"}, "locale": "fr"
            },
            descope => descope.enchanted_link().email("new@example.com").update(ADA, REFRESH_JWT).redirect_url(PAGE)
                .on_merge_use_existing(true).fail_on_conflict(true).provider_id("p").template_id("t")
                .template_option("a", "1").locale("fr").send()),
    ]
}
