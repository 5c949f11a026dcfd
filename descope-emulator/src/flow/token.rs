//! The tokens of a session: which claims they carry, and which of them are still good.

use std::collections::BTreeMap;

use descope_api::{Secret, types::JwtResponse};
use serde_json::{Map, Value, json};

use super::Session;
use crate::{
    area::{
        access_key::AccessKeyRecord,
        jwt_template::{self, Subject},
        role,
        user::{Status, Tenancy, UserRecord},
    },
    error::{BAD_REQUEST, LOGGED_OUT, MANAGEMENT_UNAUTHORIZED, Refusal, TOKEN_EXPIRED},
    http::Call,
    world::{State, clock::rfc3339, keys::SigningFailed},
};

/// Claims that no custom claim can replace.
const RESERVED: [&str; 19] = [
    "iss",
    "sub",
    "dsub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "drn",
    "rexp",
    "amr",
    "tenants",
    "dct",
    "roles",
    "permissions",
    "nsec",
    "tu",
    "su",
    "act",
];

/// Session or refresh; the name is the value of the claim `drn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Session,
    Refresh,
}

impl Kind {
    fn drn(self) -> &'static str {
        match self {
            Self::Session => "DS",
            Self::Refresh => "DSR",
        }
    }
}

/// A token that the caller sent and that is good.
#[derive(Clone)]
pub(crate) struct Presented {
    pub(crate) raw: Secret,
    pub(crate) claims: Map<String, Value>,
    pub(crate) session_id: String,
    pub(crate) user_id: String,
}

impl From<SigningFailed> for Refusal {
    fn from(_: SigningFailed) -> Self {
        Self::new(&BAD_REQUEST, "The emulator could not sign a token").status(http::StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Checks everything about a user's token: signature, issuer, kind, expiry, and that its session was not ended.
///
/// `claims` are those of the token when its signature is right.
pub(crate) fn check(
    state: &State,
    project_id: &str,
    raw: &str,
    claims: Option<Map<String, Value>>,
    kind: Kind,
    now: i64,
) -> Result<Presented, Refusal> {
    let refuse = |why: &str| Refusal::new(&TOKEN_EXPIRED, why);
    let claims = claims.ok_or_else(|| refuse("The token cannot be verified"))?;
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    // A template may have put something else into `sub`.
    let subject = if text("dsub").is_empty() { text("sub") } else { text("dsub") };
    let by_key = state.access_keys.contains(subject);
    if !jwt_template::takes_issuer(state, project_id, text("iss"), by_key) {
        return Err(refuse("The token was issued for another project, or in a form that is not taken"));
    }
    if claims.get("drn").and_then(Value::as_str) != Some(kind.drn()) {
        return Err(refuse(match kind {
            Kind::Session => "The token is not a session token",
            Kind::Refresh => "The token is not a refresh token",
        }));
    }
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| now >= exp) {
        return Err(refuse("The token has expired"));
    }
    let session_id = text("jti").split('.').next().unwrap_or_default().to_owned();
    let user_id = subject.to_owned();
    if by_key {
        return Ok(Presented { raw: Secret::from(raw), claims, session_id, user_id });
    }
    let session = state.sessions.get(&session_id).ok_or_else(|| refuse("The token belongs to no session"))?;
    if session.revoked {
        return Err(Refusal::new(&LOGGED_OUT, "Expired due to logout"));
    }
    refuse_disabled(state.users.get(&session.user_id))?;
    Ok(Presented { raw: Secret::from(raw), claims, session_id, user_id })
}

/// Refuses a user whom the back end has disabled.
pub(crate) fn refuse_disabled(user: Option<&UserRecord>) -> Result<(), Refusal> {
    match user {
        Some(user) if user.status == Status::Disabled => {
            Err(Refusal::new(&MANAGEMENT_UNAUTHORIZED, "The user is disabled").status(http::StatusCode::FORBIDDEN))
        }
        _ => Ok(()),
    }
}

/// Both tokens of a session as the answer to a sign-in. The caller fills in `first_seen`.
pub(crate) fn issue(call: &mut Call<'_>, session_id: &str) -> Result<JwtResponse, Refusal> {
    let tenant = session_and_user(call.state, session_id)?.0.tenant.clone();
    issue_in(call, session_id, tenant.as_deref())
}

/// Both tokens of a session, with `tenant` as the current one. Tokens that were issued before keep theirs.
pub(crate) fn issue_in(call: &mut Call<'_>, session_id: &str, tenant: Option<&str>) -> Result<JwtResponse, Refusal> {
    let refresh = user_claims(call, Kind::Refresh, session_id, tenant)?;
    let refresh_jwt = call.sign(refresh);
    respond(call, session_id, refresh_jwt, tenant)
}

/// A new session JWT beside the refresh JWT that the caller has, or a new one of these too where the project rotates
/// them. The current tenant is the one of the refresh JWT, as long as the user belongs to it.
pub(crate) fn reissue(call: &mut Call<'_>) -> Result<JwtResponse, Refusal> {
    let presented = call.token()?.clone();
    let (session, user) = session_and_user(call.state, &presented.session_id)?;
    let current = presented.claims.get("dct").and_then(Value::as_str);
    let belongs = |tenant: &&str| user.is_none_or(|user| user.tenants.contains_key(*tenant));
    let tenant = current.filter(belongs).map(str::to_owned);
    if !call.state.settings.rotate_refresh_tokens {
        return respond(call, &presented.session_id, presented.raw, tenant.as_deref());
    }
    let mut next = session.clone();
    next.id = call.state.ids.alphanumeric(20);
    let next = call.state.sessions.insert(&mut call.state.log, next)?;
    call.state.sessions.update(&mut call.state.log, &presented.session_id, |session| session.revoked = true);
    issue_in(call, &next.id, tenant.as_deref())
}

/// A token with further claims, and with roles and tenants as they are now. The claims of a refresh token go into the
/// session tokens that come of it. It lasts as long as the old one, unless `seconds` says otherwise.
pub(crate) fn renew(
    call: &mut Call<'_>,
    presented: &Presented,
    kind: Kind,
    extra: &Map<String, Value>,
    seconds: Option<i64>,
) -> Result<Secret, Refusal> {
    let tenant = presented.claims.get("dct").and_then(Value::as_str).map(str::to_owned);
    let now = call.now;
    let expires_at = seconds.map(|seconds| now + seconds);
    let mut claims = if let Some(key) = call.state.access_keys.get(&presented.user_id) {
        let mut claims = presented.claims.clone();
        for claim in ["roles", "permissions", "tenants", "dct"] {
            claims.remove(claim);
        }
        claims.extend(membership(call.state, &key.roles, &key.tenants, tenant.as_deref()));
        put(&mut claims, "iat", json!(call.issued_at()));
        jwt_template::shape(call, &mut claims, &Subject::Key(key), kind, tenant.as_deref());
        claims
    } else {
        if kind == Kind::Refresh {
            call.state.sessions.update(&mut call.state.log, &presented.session_id, |session| {
                session.claims.extend(custom(extra));
                session.expires_at = expires_at.unwrap_or(session.expires_at);
            });
        }
        let (_, user) = session_and_user(call.state, &presented.session_id)?;
        let tenant = tenant.filter(|tenant| user.is_none_or(|user| user.tenants.contains_key(tenant)));
        let mut claims = user_claims(call, kind, &presented.session_id, tenant.as_deref())?;
        claims.extend(custom(&presented.claims));
        if let Some(exp) = presented.claims.get("exp") {
            put(&mut claims, "exp", exp.clone());
        }
        claims
    };
    claims.extend(custom(extra));
    if let Some(expires_at) = expires_at {
        put(&mut claims, "exp", json!(expires_at));
    }
    Ok(call.sign(claims))
}

fn respond(
    call: &mut Call<'_>,
    session_id: &str,
    refresh_jwt: Secret,
    tenant: Option<&str>,
) -> Result<JwtResponse, Refusal> {
    let claims = user_claims(call, Kind::Session, session_id, tenant)?;
    let session_jwt = call.sign(claims);
    let (session, user) = session_and_user(call.state, session_id)?;
    let settings = &call.state.settings;
    let mut response = JwtResponse::new();
    response.user = user.map(|user| user.to_api(call.state));
    Ok(response
        .session_jwt(session_jwt)
        .refresh_jwt(refresh_jwt)
        .first_seen(false)
        .cookie_domain(settings.cookie_domain.as_str())
        .cookie_path("/")
        .cookie_max_age(session.expires_at - call.now)
        .cookie_expiration(session.expires_at)
        .cookie_name(settings.refresh_cookie_name.as_str())
        .session_cookie_name(settings.session_cookie_name.as_str())
        .session_expiration(call.now + settings.session_seconds)
        .next_refresh_seconds((settings.session_seconds - 60).max(settings.session_seconds / 2)))
}

/// There is no user where the session is that of a visitor.
fn session_and_user<'a>(state: &'a State, session_id: &str) -> Result<(&'a Session, Option<&'a UserRecord>), Refusal> {
    let session = state.sessions.get(session_id);
    let user = session.and_then(|session| state.users.get(&session.user_id));
    session
        .filter(|session| user.is_some() || session.anonymous_roles.is_some())
        .map(|session| (session, user))
        .ok_or_else(|| Refusal::new(&TOKEN_EXPIRED, "The token belongs to no session"))
}

fn user_claims(
    call: &mut Call<'_>,
    kind: Kind,
    session_id: &str,
    tenant: Option<&str>,
) -> Result<Map<String, Value>, Refusal> {
    let jti = format!("{session_id}.{}", call.state.ids.alphanumeric(10));
    let (session, user) = session_and_user(call.state, session_id)?;
    let mut claims = custom(&session.claims);
    claims.extend(match user {
        Some(user) => membership(call.state, &user.roles, &user.tenants, tenant),
        None => {
            membership(call.state, session.anonymous_roles.as_deref().unwrap_or_default(), &BTreeMap::new(), tenant)
        }
    });
    let expires_at = match kind {
        Kind::Session => call.now + call.state.settings.session_seconds,
        Kind::Refresh => session.expires_at,
    };
    put(&mut claims, "iss", json!(call.project.id));
    put(&mut claims, "sub", json!(session.user_id));
    put(&mut claims, "drn", json!(kind.drn()));
    put(&mut claims, "iat", json!(call.issued_at()));
    put(&mut claims, "exp", json!(expires_at));
    put(&mut claims, "rexp", json!(rfc3339(session.expires_at)));
    put(&mut claims, "amr", json!(session.amr));
    put(&mut claims, "jti", json!(jti));
    if !session.nsec.is_empty() {
        put(&mut claims, "nsec", json!(session.nsec));
    }
    if session.stepped_up_until > call.now {
        put(&mut claims, "su", json!(true));
    }
    if let Some(actor) = &session.actor {
        put(&mut claims, "act", json!({"sub": actor}));
    }
    if user.is_some_and(|user| user.test) {
        put(&mut claims, "tu", json!(true));
    }
    jwt_template::shape(call, &mut claims, &Subject::User(user), kind, tenant);
    Ok(claims)
}

/// The session JWT of a machine and when it expires. There is no refresh token.
pub(crate) fn issue_for_access_key(
    call: &mut Call<'_>,
    key: &AccessKeyRecord,
    nsec: &Map<String, Value>,
    tenant: Option<&str>,
) -> (Secret, i64) {
    let end = call.now + call.state.settings.session_seconds;
    let expires_at = if key.expires_at == 0 { end } else { key.expires_at.min(end) };
    let mut claims = custom(&key.custom_claims);
    claims.extend(membership(call.state, &key.roles, &key.tenants, tenant));
    put(&mut claims, "iss", json!(call.project.id));
    put(&mut claims, "sub", json!(key.id));
    put(&mut claims, "drn", json!(Kind::Session.drn()));
    put(&mut claims, "iat", json!(call.issued_at()));
    put(&mut claims, "exp", json!(expires_at));
    put(&mut claims, "jti", json!(call.state.ids.alphanumeric(24)));
    if !nsec.is_empty() {
        put(&mut claims, "nsec", json!(nsec));
    }
    jwt_template::shape(call, &mut claims, &Subject::Key(key), Kind::Session, tenant);
    (call.sign(claims), expires_at)
}

/// Roles, permissions and tenants; the only tenant is the current one without being chosen.
pub(crate) fn membership(
    state: &State,
    roles: &[String],
    tenants: &BTreeMap<String, Tenancy>,
    chosen: Option<&str>,
) -> Map<String, Value> {
    let mut claims = grants(state, roles, None);
    if !tenants.is_empty() {
        let one =
            |(id, tenancy): (&String, &Tenancy)| (id.clone(), Value::Object(grants(state, &tenancy.roles, Some(id))));
        put(&mut claims, "tenants", Value::Object(tenants.iter().map(one).collect()));
    }
    let only = tenants.keys().next().filter(|_| tenants.len() == 1).map(String::as_str);
    if let Some(current) = chosen.or(only) {
        put(&mut claims, "dct", json!(current));
    }
    claims
}

fn grants(state: &State, roles: &[String], tenant: Option<&str>) -> Map<String, Value> {
    let mut claims = Map::new();
    if !roles.is_empty() {
        put(&mut claims, "roles", json!(roles));
    }
    let permissions = role::permissions_of(state, roles, tenant);
    if !permissions.is_empty() {
        put(&mut claims, "permissions", json!(permissions));
    }
    claims
}

/// Whether a claim is the service's own.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

pub(crate) fn custom(claims: &Map<String, Value>) -> Map<String, Value> {
    claims
        .iter()
        .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn put(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_claims_cannot_replace_the_services_own() {
        let asked = json!({"sub": "x", "su": true, "tu": true, "plan": "pro"});
        assert_eq!(Value::Object(custom(asked.as_object().expect("object"))), json!({"plan": "pro"}));
    }

    #[test]
    fn the_only_tenant_is_current_and_of_several_none() {
        let state = State::new(None, "P2a");
        let tenancy = |role: &str| Tenancy { roles: vec![role.to_owned()] };
        let mut tenants = BTreeMap::from([("T1".to_owned(), tenancy("Tenant Admin"))]);
        let one = membership(&state, &[], &tenants, None);
        assert_eq!(one["dct"], "T1");
        assert_eq!(one["tenants"]["T1"]["roles"], json!(["Tenant Admin"]));
        assert_eq!(one["tenants"]["T1"]["permissions"], json!(["Impersonate", "SSO Admin", "User Admin"]));
        tenants.insert("T2".to_owned(), tenancy("Reader"));
        assert!(membership(&state, &[], &tenants, None).get("dct").is_none());
        assert_eq!(membership(&state, &["R".to_owned()], &tenants, Some("T2"))["dct"], "T2");
    }
}
