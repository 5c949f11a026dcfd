//! Sessions, security questions and access keys.

use super::{ACCESS_KEY, ADA, Bearer, Case, REFRESH_JWT, SESSION_JWT, case};

const ABSENT: Bearer = Bearer::Absent;
const REFRESH: Bearer = Bearer::Token(REFRESH_JWT);
const SESSION: Bearer = Bearer::Token(SESSION_JWT);
const KEY: Bearer = Bearer::Token(ACCESS_KEY);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sessions();
    cases.extend(further_factors());
    cases
}

fn sessions() -> Vec<Case> {
    vec![
        case!("sessionKeys", "GET /v2/keys/P2RmuXyZ0123456789abcdefghij", ABSENT,
            descope => async { Ok(descope.session().validator().preload_keys().await?) }),
        case!("sessionRefresh", "POST /v1/auth/refresh", REFRESH, {},
            descope => descope.session().refresh(REFRESH_JWT)),
        case!("sessionTryRefresh", "POST /v1/auth/try-refresh", REFRESH, {},
            descope => descope.session().try_refresh(REFRESH_JWT)),
        case!("sessionValidate", "POST /v1/auth/validate", SESSION,
            descope => descope.session().validate_remotely(SESSION_JWT)),
        case!("sessionLogout", "POST /v1/auth/logout", REFRESH, {},
            descope => descope.session().logout(REFRESH_JWT)),
        case!("sessionLogoutAll", "POST /v1/auth/logoutall", REFRESH, {},
            descope => descope.session().logout_all(REFRESH_JWT)),
        case!("sessionMe", "GET /v1/auth/me", REFRESH, descope => descope.session().me(REFRESH_JWT)),
        case!("sessionHistory", "GET /v1/auth/me/history", REFRESH, descope => descope.session().history(REFRESH_JWT)),
        case!("sessionSelectTenant", "POST /v1/auth/tenant/select", REFRESH, {"tenant": "T1"},
            descope => descope.session().select_tenant(REFRESH_JWT, "T1")),
        case!("sessionTenants", "POST /v1/auth/me/tenants", REFRESH, {"ids": ["T1", "T2"]},
            descope => descope.session().my_tenants(REFRESH_JWT, ["T1", "T2"])),
        case!("sessionTenants", "POST /v1/auth/me/tenants", REFRESH, {"dct": true},
            descope => descope.session().my_current_tenant(REFRESH_JWT)),
    ]
}

fn further_factors() -> Vec<Case> {
    vec![
        case!("securityQuestionsGet", "GET /v1/auth/security-questions/verify", REFRESH,
            descope => descope.security_questions().get(REFRESH_JWT)),
        case!("securityQuestionsSetup", "POST /v1/auth/security-questions/setup", REFRESH,
            {"loginId": ADA, "answers": [{"id": "first-pet", "answer": "Puff"}, {"id": "birth-city",
            "answer": "London"}]},
            descope => descope.security_questions().setup(ADA, REFRESH_JWT)
                .answer("first-pet", "Puff").answer("birth-city", "London").send()),
        case!("securityQuestionsVerify", "POST /v1/auth/security-questions/verify", REFRESH,
            {"loginId": ADA, "answers": [{"id": "first-pet", "answer": "Puff"}]},
            descope => descope.security_questions().verify(ADA, REFRESH_JWT).answer("first-pet", "Puff").send()),
        case!("securityQuestionsVerify", "POST /v1/auth/security-questions/verify", REFRESH,
            {"loginId": ADA, "answers": [{"id": "first-pet", "answer": "Puff"}], "stepup": true},
            descope => descope.security_questions().verify(ADA, REFRESH_JWT).answer("first-pet", "Puff")
                .step_up(true).send()),
        case!("accessKeyExchange", "POST /v1/auth/accesskey/exchange", KEY, {},
            descope => descope.access_key().exchange(ACCESS_KEY).send()),
        case!("accessKeyExchange", "POST /v1/auth/accesskey/exchange", KEY,
            {"loginOptions": {"customClaims": {"job": "nightly"}, "selectedTenant": "T1"}},
            descope => descope.access_key().exchange(ACCESS_KEY).custom_claim("job", "nightly").tenant_id("T1").send()),
    ]
}
