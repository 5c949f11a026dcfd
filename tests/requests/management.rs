//! What the back end asks with its management key.

use std::time::{Duration, SystemTime};

use descope_sdk::{
    DeliveryMethod, LoginId, UserId,
    management::user::{FamilyAssociation, ImportedPassword, ImportedPasswordHash},
};

use super::{ADA, Bearer, Case, PHONE, case};

const KEY: Bearer = Bearer::ManagementKey;
const PAGE: &str = "https://app.example.com/verify";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = users();
    cases.extend(test_users());
    cases.extend(access_keys_and_embedded_links());
    cases
}

fn users() -> Vec<Case> {
    vec![
        case!("managementUserCreate", "POST /v1/mgmt/user/create", KEY, {"loginId": ADA},
            descope => descope.management().users().create(LoginId::new(ADA)).send()),
        case!("managementUserCreate", "POST /v1/mgmt/user/create", KEY,
            {
                "loginId": "ada", "email": ADA, "verifiedEmail": true, "phone": PHONE, "verifiedPhone": false,
                "recoveryEmail": "r@example.com", "verifiedRecoveryEmail": true, "recoveryPhone": "+15550000000",
                "verifiedRecoveryPhone": false, "name": "Ada Lovelace", "givenName": "Ada", "middleName": "King",
                "familyName": "Lovelace", "picture": "https://example.com/ada.png", "status": "enabled",
                "password": "Enchantress-1843", "invite": true, "inviteUrl": PAGE, "sendMail": true, "sendSMS": false,
                "templateId": "t", "templateOptions": {"a": "1"}, "locale": "en", "additionalLoginIds": ["countess"],
                "roleNames": ["reader"], "ssoAppIds": ["app"], "customAttributes": {"plan": "pro"},
                "userTenants": [{"tenantId": "T1", "roleNames": ["writer"]}, {"tenantId": "T2"}]
            },
            descope => descope.management().users().create(LoginId::new("ada")).email(ADA).verified_email(true).phone(PHONE)
                .verified_phone(false).recovery_email("r@example.com").verified_recovery_email(true)
                .recovery_phone("+15550000000").verified_recovery_phone(false).name("Ada Lovelace").given_name("Ada")
                .middle_name("King").family_name("Lovelace").picture("https://example.com/ada.png").status("enabled")
                .password("Enchantress-1843").invite(true).invite_url(PAGE).send_mail(true).send_sms(false)
                .template_id("t").template_option("a", "1").locale("en").additional_login_ids(["countess"])
                .role_names(["reader"]).sso_app_ids(["app"]).custom_attribute("plan", "pro")
                .tenant("T1", ["writer"]).tenant("T2", [""; 0]).send()),
        case!("managementUserCreate", "POST /v1/mgmt/user/create", KEY,
        {
            "loginId": ADA, "hashedPassword": {"bcrypt": {"hash": "$2b$10$hash"}},
            "familyAssociations": [{"familyId": "F1", "roleNames": ["parent"]}]
        },
        descope => {
            let password = ImportedPassword::new().bcrypt(ImportedPasswordHash::new("$2b$10$hash"));
            let family = FamilyAssociation::new("F1").role_names(["parent"]);
            descope.management().users().create(LoginId::new(ADA)).hashed_password(password).family_associations([family]).send()
        }),
        case!("managementUserLoad", "GET /v1/mgmt/user?loginId=ada%2Bx%26y%40example.com", KEY,
            descope => async { descope.management().users().load(LoginId::new("ada+x&y@example.com")).send().await }),
        case!("managementUserLoad", "GET /v1/mgmt/user?userId=U2Rm", KEY,
            descope => async { descope.management().users().load(UserId::new("U2Rm")).send().await }),
        case!("managementUserDelete", "POST /v1/mgmt/user/delete", KEY, {"loginId": ADA},
            descope => async { descope.management().users().delete(LoginId::new(ADA)).send().await }),
        case!("managementUserDelete", "POST /v1/mgmt/user/delete", KEY, {"userId": "U2Rm"},
            descope => async { descope.management().users().delete(UserId::new("U2Rm")).send().await }),
    ]
}

fn test_users() -> Vec<Case> {
    vec![
        case!("managementTestUserCreate", "POST /v1/mgmt/user/create/test", KEY, {"loginId": ADA, "test": true},
            descope => descope.management().test_users().create(LoginId::new(ADA)).send()),
        case!("managementTestUserCreate", "POST /v1/mgmt/user/create/test", KEY,
            {"loginId": "ada", "test": true, "email": ADA, "name": "Ada", "roleNames": ["reader"]},
            descope => descope.management().test_users().create(LoginId::new("ada")).email(ADA).name("Ada").role_names(["reader"])
                .send()),
        case!("managementTestUserGenerateOtp", "POST /v1/mgmt/tests/generate/otp", KEY,
            {"loginId": ADA, "deliveryMethod": "email"},
            descope => descope.management().test_users().generate_otp(LoginId::new(ADA), DeliveryMethod::Email).send()),
        case!("managementTestUserGenerateOtp", "POST /v1/mgmt/tests/generate/otp", KEY,
            {"loginId": ADA, "deliveryMethod": "whatsapp", "loginOptions": {"customClaims": {"a": 1}}},
            descope => descope.management().test_users().generate_otp(LoginId::new(ADA), DeliveryMethod::Whatsapp)
                .custom_claim("a", 1).send()),
        case!("managementTestUserGenerateMagicLink", "POST /v1/mgmt/tests/generate/magiclink", KEY,
            {"loginId": ADA, "deliveryMethod": "sms"},
            descope => descope.management().test_users().generate_magic_link(LoginId::new(ADA), DeliveryMethod::Sms).send()),
        case!("managementTestUserGenerateMagicLink", "POST /v1/mgmt/tests/generate/magiclink", KEY,
            {"loginId": ADA, "deliveryMethod": "Embedded", "redirectUrl": PAGE, "loginOptions": {"tenantId": "T1"}},
            descope => descope.management().test_users().generate_embedded_link(LoginId::new(ADA)).redirect_url(PAGE)
                .tenant_id("T1").send()),
        case!("managementTestUserGenerateEnchantedLink", "POST /v1/mgmt/tests/generate/enchantedlink", KEY,
            {"loginId": ADA},
            descope => descope.management().test_users().generate_enchanted_link(LoginId::new(ADA)).send()),
        case!("managementTestUserGenerateEnchantedLink", "POST /v1/mgmt/tests/generate/enchantedlink", KEY,
            {"loginId": ADA, "redirectUrl": PAGE, "loginOptions": {"revokeOtherSessions": true}},
            descope => descope.management().test_users().generate_enchanted_link(LoginId::new(ADA)).redirect_url(PAGE)
                .revoke_other_sessions(true).send()),
        case!("managementTestUserDeleteAll", "DELETE /v1/mgmt/user/test/delete/all", KEY,
            descope => async { descope.management().test_users().delete_all().send().await }),
    ]
}

fn access_keys_and_embedded_links() -> Vec<Case> {
    vec![
        case!("managementAccessKeyCreate", "POST /v1/mgmt/accesskey/create", KEY, {"name": "nightly"},
            descope => descope.management().access_keys().create("nightly").send()),
        case!("managementAccessKeyCreate", "POST /v1/mgmt/accesskey/create", KEY,
            {
                "name": "nightly", "description": "report", "expireTime": 1_924_992_000, "userId": "U2Rm",
                "roleNames": ["reader"], "keyTenants": [{"tenantId": "T1", "roleNames": ["writer"]}],
                "customClaims": {"job": "import"}, "customAttributes": {"team": 7}, "permittedIps": ["203.0.113.0/24"]
            },
            descope => descope.management().access_keys().create("nightly").description("report")
                .expire_time(SystemTime::UNIX_EPOCH + Duration::from_millis(1_924_992_000_900)).user_id(UserId::new("U2Rm"))
                .role_names(["reader"]).tenant("T1", ["writer"]).custom_claim("job", "import")
                .custom_attribute("team", 7).permitted_ips(["203.0.113.0/24"]).send()),
        case!("managementAccessKeyDelete", "POST /v1/mgmt/accesskey/delete", KEY, {"id": "K2Rm"},
            descope => async { descope.management().access_keys().delete("K2Rm").send().await }),
        case!("managementEmbeddedLinkSignIn", "POST /v1/mgmt/user/signin/embeddedlink", KEY, {"loginId": ADA},
            descope => descope.management().embedded_links().sign_in(LoginId::new(ADA)).send()),
        case!("managementEmbeddedLinkSignIn", "POST /v1/mgmt/user/signin/embeddedlink", KEY,
            {"loginId": ADA, "customClaims": {"a": 1}, "timeout": 301},
            descope => descope.management().embedded_links().sign_in(LoginId::new(ADA)).custom_claim("a", 1)
                .timeout(Duration::from_millis(300_001)).send()),
        case!("managementEmbeddedLinkSignUp", "POST /v1/mgmt/user/signup/embeddedlink", KEY, {"loginId": ADA},
            descope => descope.management().embedded_links().sign_up(LoginId::new(ADA)).send()),
        case!("managementEmbeddedLinkSignUp", "POST /v1/mgmt/user/signup/embeddedlink", KEY,
            {
                "loginId": "ada", "user": {"email": ADA, "phone": PHONE, "name": "Ada"}, "emailVerified": true,
                "phoneVerified": false, "timeout": 60, "loginOptions": {"customClaims": {"a": 1}, "tenantId": "T1"}
            },
            descope => descope.management().embedded_links().sign_up(LoginId::new("ada")).email(ADA).phone(PHONE).name("Ada")
                .email_verified(true).phone_verified(false).timeout(Duration::from_secs(60)).custom_claim("a", 1)
                .tenant_id("T1").send()),
    ]
}
