//! Where the SDK sends something else than a recorded client, and why. Whatever is not listed here is the same.

use super::rows::{
    Differs::{self, Alias, Moved, NoFunction, Refused, Unlike},
    Row,
    What::{Absent, Any, Empty, Is, Null},
};

const fn python(of: &'static str, differs: Differs, why: &'static str) -> Row {
    Row { by: "python", of, differs, why }
}

pub(super) const TABLE: &[Row] = &[
    // ------------------------------------------------------------------------------------------ everywhere
    python(
        "*",
        Unlike("body.**", Null, Absent),
        "Python sends an argument of None as null where the document gives null no meaning: the same as leaving it out",
    ),
    python(
        "*",
        Unlike("body.**", Empty, Absent),
        "a list or map that holds nothing, where the document gives that no meaning: the same as leaving it out",
    ),
    // ------------------------------------------------------------------------------------------ no function
    python(
        "magicLinkUpdatePhone",
        NoFunction,
        "Python leaves the channel out of the path; the SDK calls `magicLinkUpdatePhoneSms`, as all other clients do",
    ),
    // ------------------------------------------------------------------------------------------ paths
    python(
        "*",
        Moved("* /fga-cache/", "/"),
        "recorded with a cache in front of the service, `fga_cache_url` here, which this test does not set up",
    ),
    python(
        "managementListLoad",
        Moved("GET /v1/mgmt/list", "/v1/mgmt/list/{id}"),
        "Python gives the id as a query, where the service has no list; all others have it in the path",
    ),
    python(
        "managementListLoadByName",
        Moved("GET /v1/mgmt/list/name", "/v1/mgmt/list/name/{name}"),
        "Python gives the name as a query, where the service looks for a list with the id `name`; all others have it in the path",
    ),
    // ------------------------------------------------------------------------------------------ names
    python(
        "magicLink*|enchantedLink*|managementTestUser*",
        Alias("body.URI", "redirectUrl"),
        "the older of two names that the service reads, for the same page",
    ),
    python(
        "managementUserCreate|managementUserUpdate|managementTestUserCreate",
        Alias("body.ssoAppIDs", "ssoAppIds"),
        "two spellings that the service reads; patches have this one in Python too",
    ),
    python(
        "managementUserBatchCreate",
        Alias("body.users.*.ssoAppIDs", "ssoAppIds"),
        "two spellings that the service reads; patches have this one in Python too",
    ),
    python(
        "managementUserCredentialRemoveTrustedDevices",
        Alias("body.identifier", "loginId"),
        "two names that the service reads; every other call of a user has this one",
    ),
    python(
        "managementEmbeddedLinkSignUp",
        Alias("body.user.given_name", "givenName"),
        "two spellings that the service reads; every other sign-up has this one",
    ),
    python(
        "managementEmbeddedLinkSignUp",
        Alias("body.user.middle_name", "middleName"),
        "two spellings that the service reads; every other sign-up has this one",
    ),
    python(
        "managementEmbeddedLinkSignUp",
        Alias("body.user.family_name", "familyName"),
        "two spellings that the service reads; every other sign-up has this one",
    ),
    python(
        "otpSignUpVoice",
        Alias("body.voice", "phone"),
        "two names that the service reads; Go and the published document have this one",
    ),
    python(
        "webauthnSignUpStart",
        Unlike("body.user.loginId", Any, Absent),
        "the service reads the login id inside of the user or beside them; the SDK has it beside, as Go has",
    ),
    python(
        "webauthnSignUpStart",
        Unlike("body.loginId", Absent, Any),
        "the service reads the login id inside of the user or beside them; the SDK has it beside, as Go has",
    ),
    // ------------------------------------------------------------------------------------------ credentials
    python(
        "sessionKeys",
        Unlike("authorization", Any, Absent),
        "the keys are public: whoever serves them to a proxy or cache need not be told a key of the project",
    ),
    // ------------------------------------------------------------------------------------------ what is left out
    python(
        "otp*|magicLink*|enchantedLink*",
        Unlike("body.loginOptions.stepup", Is("false"), Absent),
        "no step-up is what leaving it out means; the SDK takes the session for one, not a flag",
    ),
    python(
        "otp*|magicLink*|enchantedLink*",
        Unlike("body.loginOptions.mfa", Is("false"), Absent),
        "no further factor is what leaving it out means; the SDK takes the session for one, not a flag",
    ),
    python(
        "otp*",
        Unlike("body.loginOptions", Is(r#"{"stepup": false, "customClaims": null, "mfa": false}"#), Absent),
        "neither flag and no claims is what leaving the options out means",
    ),
    python(
        "sessionTenants",
        Unlike("body.dct", Is("false"), Absent),
        "the tenants that are named, and not the current one: what leaving it out means",
    ),
    python(
        "managementAccessKeyCreate|managementEmbeddedLink*|managementJwtUpdate|managementManagementKeyCreate|\
         managementAuthzLoadModified",
        Unlike("body.*", Is("0"), Absent),
        "0 asks for what leaving it out asks for: the service's own time, or no end",
    ),
    python(
        "managementAuthzDeleteSchema|managementAuthzLoadSchema|managementFlowList",
        Unlike("body", Absent, Is("{}")),
        "the service reads nothing of the body; the SDK sends an empty object wherever a body may be",
    ),
    // ------------------------------------------------------------------------------------------ pages
    python(
        "managementAuditSearch|managementFamilySearch",
        Unlike("body.page", Absent, Is("0")),
        "the SDK reads page after page, and says each time which one",
    ),
    python(
        "managementAuditSearch|managementFamilySearch",
        Unlike("body.size", Absent, Is("100")),
        "the SDK reads page after page, and says each time of which size",
    ),
    python(
        "managementThirdPartyApplicationSearchConsents",
        Unlike("body.page", Absent, Is("0")),
        "the SDK reads page after page, and says each time which one",
    ),
    python(
        "managementThirdPartyApplicationSearchConsents",
        Unlike("body.limit", Absent, Is("100")),
        "the SDK reads page after page, and says each time of which size",
    ),
    python(
        "managementThirdPartyApplicationLoadAll",
        Unlike("query.*", Absent, Any),
        "the SDK reads page after page, and says each time which one and of which size",
    ),
    // ------------------------------------------------------------------------------------------ what cannot be said
    python(
        "managementTestUserGenerateOtp",
        Refused("deliveryMethod"),
        "a code is verified by the channel that it was made for, and `Embedded` is none: it is for links, by `generate_embedded_link`",
    ),
    python(
        "managementUserAttributeCreate",
        Unlike("body.attributes.*.type", Is(r#""singleselect""#), Absent),
        "Python passes on what its caller calls the type; the service numbers the types from 1 to 7",
    ),
    python(
        "managementUserAttributeCreate",
        Unlike("body.attributes.*.options", Is(r#"["v1", "v2"]"#), Absent),
        "Python passes on the options as its caller spells them; the service takes objects of label and value",
    ),
    python(
        "managementOutboundApplicationDeleteUserTokens",
        Refused("app_id"),
        "names neither application nor user: the service would delete the tokens of everybody",
    ),
    python(
        "managementThirdPartyApplicationDeleteConsents",
        Refused("consent_ids"),
        "says nothing of what: the service would delete every consent",
    ),
];
