//! The tokens of a session: which claims they carry, and which of them are still good.

use std::collections::BTreeMap;

use descope_api::{Secret, types::JwtResponse};
use serde_json::{Map, Value, json};

use crate::{
    clock::rfc3339,
    error::{BAD_REQUEST, LOGGED_OUT, MANAGEMENT_UNAUTHORIZED, Refusal, TOKEN_EXPIRED},
    keys::SigningFailed,
    random,
    state::{AccessKeyRecord, Session, State, Status, Tenancy, UserRecord},
};

/// How long a session JWT is good for, in seconds.
pub(crate) const SESSION_SECONDS: i64 = 10 * 60;
/// How long a refresh JWT is good for, in seconds.
pub(crate) const REFRESH_SECONDS: i64 = 28 * 24 * 3600;

/// Claims that no custom claim can replace.
const RESERVED: [&str; 17] = [
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
];

/// What the built-in role of every project allows.
const TENANT_ADMIN: (&str, [&str; 3]) = ("Tenant Admin", ["User Admin", "SSO Admin", "Impersonate"]);

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
pub(crate) fn check(state: &State, project_id: &str, raw: &str, kind: Kind, now: i64) -> Result<Presented, Refusal> {
    let refuse = |why: &str| Refusal::new(&TOKEN_EXPIRED, why);
    let claims = state.keys.verify(raw).ok_or_else(|| refuse("The token cannot be verified"))?;
    if claims.get("iss") != Some(&Value::from(project_id)) {
        return Err(refuse("The token was issued for another project"));
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
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    let session_id = text("jti").split('.').next().unwrap_or_default().to_owned();
    let user_id = text("sub").to_owned();
    if state.access_keys.contains_key(&user_id) {
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
pub(crate) fn issue(state: &State, project_id: &str, session_id: &str, now: i64) -> Result<JwtResponse, Refusal> {
    let (session, user) = session_and_user(state, session_id)?;
    let refresh = user_claims(project_id, Kind::Refresh, session_id, session, user, now);
    let refresh_jwt = state.keys.sign(&refresh)?;
    respond(state, project_id, session_id, refresh_jwt.into(), now)
}

/// A new session JWT beside the refresh JWT that the caller has.
pub(crate) fn reissue(
    state: &State,
    project_id: &str,
    presented: &Presented,
    now: i64,
) -> Result<JwtResponse, Refusal> {
    respond(state, project_id, &presented.session_id, presented.raw.clone(), now)
}

fn respond(
    state: &State,
    project_id: &str,
    session_id: &str,
    refresh_jwt: Secret,
    now: i64,
) -> Result<JwtResponse, Refusal> {
    let (session, user) = session_and_user(state, session_id)?;
    let claims = user_claims(project_id, Kind::Session, session_id, session, user, now);
    let session_jwt = state.keys.sign(&claims)?;
    Ok(JwtResponse::new()
        .session_jwt(session_jwt)
        .refresh_jwt(refresh_jwt)
        .user(user.to_api(&state.tenants))
        .first_seen(false)
        .cookie_domain(String::new())
        .cookie_path("/")
        .cookie_max_age(session.expires_at - now)
        .cookie_expiration(session.expires_at)
        .cookie_name("DSR")
        .session_cookie_name("DS")
        .session_expiration(now + SESSION_SECONDS)
        .next_refresh_seconds(SESSION_SECONDS - 60))
}

fn session_and_user<'a>(state: &'a State, session_id: &str) -> Result<(&'a Session, &'a UserRecord), Refusal> {
    let session = state.sessions.get(session_id);
    let user = session.and_then(|session| state.users.get(&session.user_id));
    session.zip(user).ok_or_else(|| Refusal::new(&TOKEN_EXPIRED, "The token belongs to no session"))
}

fn user_claims(
    project_id: &str,
    kind: Kind,
    session_id: &str,
    session: &Session,
    user: &UserRecord,
    now: i64,
) -> Map<String, Value> {
    let mut claims = custom(&session.claims);
    claims.extend(membership(&user.roles, &user.tenants, session.tenant.as_deref()));
    let expires_at = match kind {
        Kind::Session => now + SESSION_SECONDS,
        Kind::Refresh => session.expires_at,
    };
    put(&mut claims, "iss", json!(project_id));
    put(&mut claims, "sub", json!(user.id));
    put(&mut claims, "drn", json!(kind.drn()));
    put(&mut claims, "iat", json!(now));
    put(&mut claims, "exp", json!(expires_at));
    put(&mut claims, "rexp", json!(rfc3339(session.expires_at)));
    put(&mut claims, "amr", json!(session.amr));
    put(&mut claims, "jti", json!(format!("{session_id}.{}", random::alphanumeric(10))));
    if !session.nsec.is_empty() {
        put(&mut claims, "nsec", json!(session.nsec));
    }
    if session.stepped_up {
        put(&mut claims, "su", json!(true));
    }
    if user.test {
        put(&mut claims, "tu", json!(true));
    }
    claims
}

/// The session JWT of a machine and when it expires. There is no refresh token.
pub(crate) fn issue_for_access_key(
    state: &State,
    project_id: &str,
    key: &AccessKeyRecord,
    nsec: &Map<String, Value>,
    tenant: Option<&str>,
    now: i64,
) -> Result<(Secret, i64), Refusal> {
    let expires_at = match key.expires_at {
        0 => now + SESSION_SECONDS,
        key_end => key_end.min(now + SESSION_SECONDS),
    };
    let mut claims = custom(&key.custom_claims);
    claims.extend(membership(&key.roles, &key.tenants, tenant));
    put(&mut claims, "iss", json!(project_id));
    put(&mut claims, "sub", json!(key.id));
    put(&mut claims, "drn", json!(Kind::Session.drn()));
    put(&mut claims, "iat", json!(now));
    put(&mut claims, "exp", json!(expires_at));
    put(&mut claims, "jti", json!(random::alphanumeric(24)));
    if !nsec.is_empty() {
        put(&mut claims, "nsec", json!(nsec));
    }
    Ok((state.keys.sign(&claims)?.into(), expires_at))
}

/// Roles, permissions and tenants; the only tenant is the current one without being chosen.
fn membership(roles: &[String], tenants: &BTreeMap<String, Tenancy>, chosen: Option<&str>) -> Map<String, Value> {
    let mut claims = grants(roles);
    if !tenants.is_empty() {
        let tenants: Map<String, Value> =
            tenants.iter().map(|(id, tenancy)| (id.clone(), Value::Object(grants(&tenancy.roles)))).collect();
        put(&mut claims, "tenants", Value::Object(tenants));
    }
    let only = tenants.keys().next().filter(|_| tenants.len() == 1).map(String::as_str);
    if let Some(current) = chosen.or(only) {
        put(&mut claims, "dct", json!(current));
    }
    claims
}

fn grants(roles: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    if !roles.is_empty() {
        put(&mut claims, "roles", json!(roles));
    }
    if roles.iter().any(|role| role == TENANT_ADMIN.0) {
        put(&mut claims, "permissions", json!(TENANT_ADMIN.1));
    }
    claims
}

fn custom(claims: &Map<String, Value>) -> Map<String, Value> {
    let allowed = |name: &str| !RESERVED.contains(&name) && name != "su";
    claims.iter().filter(|(name, _)| allowed(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
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
        let tenancy = |role: &str| Tenancy { roles: vec![role.to_owned()] };
        let mut tenants = BTreeMap::from([("T1".to_owned(), tenancy("Tenant Admin"))]);
        let one = membership(&[], &tenants, None);
        assert_eq!(one["dct"], "T1");
        assert_eq!(one["tenants"]["T1"]["roles"], json!(["Tenant Admin"]));
        assert_eq!(one["tenants"]["T1"]["permissions"], json!(TENANT_ADMIN.1));
        tenants.insert("T2".to_owned(), tenancy("Reader"));
        assert!(membership(&[], &tenants, None).get("dct").is_none());
        assert_eq!(membership(&["R".to_owned()], &tenants, Some("T2"))["dct"], "T2");
    }
}
