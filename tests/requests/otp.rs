//! One-time codes.

use descope_sdk::SignUpUser;

use super::{ADA, Bearer, Case, PHONE, REFRESH_JWT, case};

const NOTHING: Bearer = Bearer::Nothing;
const REFRESH: Bearer = Bearer::Token(REFRESH_JWT);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sign_up();
    cases.extend(sign_in());
    cases.extend(options());
    cases.extend(verify_and_update());
    cases
}

fn sign_up() -> Vec<Case> {
    vec![
        case!("otpSignUpEmail", "POST /v1/auth/otp/signup/email", NOTHING,
            {"loginId": ADA, "email": ADA, "user": {"email": ADA}},
            descope => descope.otp().email(ADA).sign_up().send()),
        case!("otpSignUpSms", "POST /v1/auth/otp/signup/sms", NOTHING,
            {"loginId": PHONE, "phone": PHONE, "user": {"phone": PHONE}},
            descope => descope.otp().sms(PHONE).sign_up().send()),
        case!("otpSignUpVoice", "POST /v1/auth/otp/signup/voice", NOTHING,
            {"loginId": PHONE, "phone": PHONE, "user": {"phone": PHONE}},
            descope => descope.otp().voice(PHONE).sign_up().send()),
        case!("otpSignUpWhatsapp", "POST /v1/auth/otp/signup/whatsapp", NOTHING,
            {"loginId": PHONE, "whatsapp": PHONE, "user": {"phone": PHONE}},
            descope => descope.otp().whatsapp(PHONE).sign_up().send()),
        case!("otpSignUpIm", "POST /v1/auth/otp/signup/im", NOTHING,
            {"loginId": PHONE, "phone": PHONE, "user": {"phone": PHONE}},
            descope => descope.otp().im(PHONE).sign_up().send()),
        case!("otpSignUpEmail", "POST /v1/auth/otp/signup/email", NOTHING,
            {
                "loginId": "ada",
                "email": ADA,
                "providerId": "SES",
                "user": {
                    "email": ADA, "name": "Ada Lovelace", "givenName": "Ada", "middleName": "King",
                    "familyName": "Lovelace"
                },
                "loginOptions": {
                    "customClaims": {"campaign": "spring", "round": 2},
                    "templateId": "welcome",
                    "templateOptions": {"b": "2"},
                    "locale": "en-GB",
                    "tenantId": "T1",
                    "revokeOtherSessions": true
                }
            },
            descope => descope.otp().email("ada").sign_up().address(ADA)
                .name("Ada Lovelace").given_name("Ada").middle_name("King").family_name("Lovelace")
                .custom_claim("campaign", "spring").custom_claim("round", 2)
                .template_id("welcome").template_option("a", "1").template_options([("b", "2")])
                .locale("en-GB").tenant_id("T1").revoke_other_sessions(true).provider_id("SES").send()),
        // The address of the user stands, and the code goes to the one that is given.
        case!("otpSignUpWhatsapp", "POST /v1/auth/otp/signup/whatsapp", NOTHING,
        {
            "loginId": "ada", "whatsapp": PHONE, "providerId": "twilio",
            "user": {"phone": "+15550000000", "recoveryEmail": ADA}
        },
        descope => {
            let user = SignUpUser::new().phone("+15550000000".to_owned()).recovery_email(ADA.to_owned());
            descope.otp().whatsapp("ada").sign_up().address(PHONE).user(user).provider_id("twilio").send()
        }),
    ]
}

fn sign_in() -> Vec<Case> {
    vec![
        case!("otpSignInEmail", "POST /v1/auth/otp/signin/email", NOTHING, {"loginId": ADA},
            descope => descope.otp().email(ADA).sign_in().send()),
        case!("otpSignInSms", "POST /v1/auth/otp/signin/sms", NOTHING, {"loginId": PHONE},
            descope => descope.otp().sms(PHONE).sign_in().send()),
        case!("otpSignInVoice", "POST /v1/auth/otp/signin/voice", NOTHING, {"loginId": PHONE},
            descope => descope.otp().voice(PHONE).sign_in().send()),
        case!("otpSignInWhatsapp", "POST /v1/auth/otp/signin/whatsapp", NOTHING, {"loginId": PHONE},
            descope => descope.otp().whatsapp(PHONE).sign_in().send()),
        case!("otpSignInIm", "POST /v1/auth/otp/signin/im", NOTHING, {"loginId": PHONE},
            descope => descope.otp().im(PHONE).sign_in().send()),
        case!("otpSignUpOrInEmail", "POST /v1/auth/otp/signup-in/email", NOTHING, {"loginId": ADA},
            descope => descope.otp().email(ADA).sign_up_or_in().send()),
        case!("otpSignUpOrInSms", "POST /v1/auth/otp/signup-in/sms", NOTHING, {"loginId": PHONE},
            descope => descope.otp().sms(PHONE).sign_up_or_in().send()),
        case!("otpSignUpOrInVoice", "POST /v1/auth/otp/signup-in/voice", NOTHING, {"loginId": PHONE},
            descope => descope.otp().voice(PHONE).sign_up_or_in().send()),
        case!("otpSignUpOrInWhatsapp", "POST /v1/auth/otp/signup-in/whatsapp", NOTHING, {"loginId": PHONE},
            descope => descope.otp().whatsapp(PHONE).sign_up_or_in().send()),
        case!("otpSignUpOrInIm", "POST /v1/auth/otp/signup-in/im", NOTHING, {"loginId": PHONE},
            descope => descope.otp().im(PHONE).sign_up_or_in().send()),
    ]
}

/// Everything that a sign-in can be asked, once with each bearer that it can have.
fn options() -> Vec<Case> {
    vec![
        case!("otpSignInEmail", "POST /v1/auth/otp/signin/email", REFRESH,
            {
                "loginId": ADA, "providerId": "SES", "useRecovery": true,
                "loginOptions": {
                    "ssoAppId": "app",
                    "stepup": true, "mfa": true, "customClaims": {"only": "this"}, "templateId": "welcome",
                    "templateOptions": {"a": "1"}, "locale": "de", "tenantId": "T1", "revokeOtherSessions": false,
                    "revokeOtherSessionsTypes": ["web", "mobile"]
                }
            },
            descope => descope.otp().email(ADA).sign_in().step_up(REFRESH_JWT).mfa(REFRESH_JWT)
                .custom_claim("lost", true)
                .custom_claims([("only", "this")])
                .template_id("welcome").template_option("a", "1").locale("de").tenant_id("T1")
                .revoke_other_sessions(false).revoke_other_sessions_types(["web", "mobile"])
                .provider_id("SES").sso_app_id("app").use_recovery(true).send()),
        case!("otpSignInSms", "POST /v1/auth/otp/signin/sms", REFRESH,
            {"loginId": PHONE, "loginOptions": {"stepup": true}},
            descope => descope.otp().sms(PHONE).sign_in().step_up(REFRESH_JWT).send()),
        case!("otpSignInVoice", "POST /v1/auth/otp/signin/voice", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().voice(PHONE).sign_in().mfa(REFRESH_JWT).send()),
        case!("otpSignInWhatsapp", "POST /v1/auth/otp/signin/whatsapp", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().whatsapp(PHONE).sign_in().mfa(REFRESH_JWT).send()),
        case!("otpSignInIm", "POST /v1/auth/otp/signin/im", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().im(PHONE).sign_in().mfa(REFRESH_JWT).send()),
        case!("otpSignUpOrInEmail", "POST /v1/auth/otp/signup-in/email", REFRESH,
            {"loginId": ADA, "loginOptions": {"mfa": true}},
            descope => descope.otp().email(ADA).sign_up_or_in().mfa(REFRESH_JWT).send()),
        case!("otpSignUpOrInSms", "POST /v1/auth/otp/signup-in/sms", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().sms(PHONE).sign_up_or_in().mfa(REFRESH_JWT).send()),
        case!("otpSignUpOrInVoice", "POST /v1/auth/otp/signup-in/voice", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().voice(PHONE).sign_up_or_in().mfa(REFRESH_JWT).send()),
        case!("otpSignUpOrInWhatsapp", "POST /v1/auth/otp/signup-in/whatsapp", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().whatsapp(PHONE).sign_up_or_in().mfa(REFRESH_JWT).send()),
        case!("otpSignUpOrInIm", "POST /v1/auth/otp/signup-in/im", REFRESH,
            {"loginId": PHONE, "loginOptions": {"mfa": true}},
            descope => descope.otp().im(PHONE).sign_up_or_in().mfa(REFRESH_JWT).send()),
    ]
}

fn verify_and_update() -> Vec<Case> {
    vec![
        case!("otpVerifyEmail", "POST /v1/auth/otp/verify/email", NOTHING, {"loginId": ADA, "code": "481516"},
            descope => descope.otp().email(ADA).verify("481516")),
        case!("otpVerifySms", "POST /v1/auth/otp/verify/sms", NOTHING, {"loginId": PHONE, "code": "481516"},
            descope => descope.otp().sms(PHONE).verify("481516")),
        case!("otpVerifyVoice", "POST /v1/auth/otp/verify/voice", NOTHING, {"loginId": PHONE, "code": "481516"},
            descope => descope.otp().voice(PHONE).verify("481516")),
        case!("otpVerifyWhatsapp", "POST /v1/auth/otp/verify/whatsapp", NOTHING, {"loginId": PHONE, "code": "481516"},
            descope => descope.otp().whatsapp(PHONE).verify("481516")),
        case!("otpVerifyIm", "POST /v1/auth/otp/verify/im", NOTHING, {"loginId": PHONE, "code": "481516"},
            descope => descope.otp().im(PHONE).verify("481516")),
        case!("otpUpdateEmail", "POST /v1/auth/otp/update/email", REFRESH, {"loginId": ADA, "email": "new@example.com"},
            descope => descope.otp().email("new@example.com").update(ADA, REFRESH_JWT).send()),
        case!("otpUpdatePhoneSms", "POST /v1/auth/otp/update/phone/sms", REFRESH, {"loginId": ADA, "phone": PHONE},
            descope => descope.otp().sms(PHONE).update(ADA, REFRESH_JWT).send()),
        case!("otpUpdatePhoneVoice", "POST /v1/auth/otp/update/phone/voice", REFRESH, {"loginId": ADA, "phone": PHONE},
            descope => descope.otp().voice(PHONE).update(ADA, REFRESH_JWT).send()),
        case!("otpUpdatePhoneWhatsapp", "POST /v1/auth/otp/update/phone/whatsapp", REFRESH,
            {"loginId": ADA, "phone": PHONE},
            descope => descope.otp().whatsapp(PHONE).update(ADA, REFRESH_JWT).send()),
        case!("otpUpdatePhoneIm", "POST /v1/auth/otp/update/phone/im", REFRESH, {"loginId": ADA, "phone": PHONE},
            descope => descope.otp().im(PHONE).update(ADA, REFRESH_JWT).send()),
        case!("otpUpdateEmail", "POST /v1/auth/otp/update/email", REFRESH,
            {
                "loginId": ADA, "email": "new@example.com", "addToLoginIDs": true, "onMergeUseExisting": true,
                "failOnConflict": false,
                "providerId": "p", "templateId": "t", "templateOptions": {"a": "1"}, "locale": "fr", "mfa": true
            },
            descope => descope.otp().email("new@example.com").update(ADA, REFRESH_JWT).on_merge_use_existing(true)
                .fail_on_conflict(false).provider_id("p").template_id("t").template_option("a", "1").locale("fr")
                .mfa(true).send()),
        case!("otpUpdatePhoneIm", "POST /v1/auth/otp/update/phone/im", REFRESH,
            {
                "loginId": ADA, "phone": PHONE, "addToLoginIDs": true, "onMergeUseExisting": true,
                "failOnConflict": false,
                "providerId": "p", "templateId": "t", "templateOptions": {"a": "1"}, "locale": "fr", "mfa": true
            },
            descope => descope.otp().im(PHONE).update(ADA, REFRESH_JWT).on_merge_use_existing(true)
                .fail_on_conflict(false).provider_id("p").template_id("t").template_option("a", "1").locale("fr")
                .mfa(true).send()),
        case!("otpUpdatePhoneSms", "POST /v1/auth/otp/update/phone/sms", REFRESH,
            {"loginId": ADA, "phone": PHONE, "addToLoginIDs": false},
            descope => descope.otp().sms(PHONE).update(ADA, REFRESH_JWT).add_to_login_ids(false).send()),
    ]
}
