//! The bearer of a call: which parts it has, and whether they are what the operation asks for.

use descope_api::{Auth, Operation, Secret};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use crate::{
    admin::journal::Credential,
    area::management_key,
    error::{ACCESS_KEY_MISSING, MANAGEMENT_UNAUTHORIZED, MISSING_ARGUMENTS, NOT_EMULATED, Refusal, TOKEN_EXPIRED},
    flow::{Kind, Presented, token},
    world::{State, keys::KeyRing},
};

/// Who calls, as far as the operation asks.
#[derive(Clone, Default)]
pub(crate) struct Caller {
    /// The refresh or session token of a user, whichever the operation takes.
    pub(crate) token: Option<Presented>,
    /// The clear text of an access key.
    pub(crate) access_key: Option<Secret>,
    /// Whether the call came with a management key.
    pub(crate) managing: bool,
}

/// The bearer taken apart: `projectId[:token][:key]`.
pub(crate) struct Bearer {
    pub(crate) project_id: String,
    jwt: Option<String>,
    management_key: bool,
    other: Option<String>,
    /// Whether the token came in a cookie, which a browser sends along whatever it is about.
    by_cookie: bool,
}

impl Bearer {
    /// `management_keys` are those that hold for all projects.
    pub(crate) fn parse(headers: &HeaderMap, management_keys: [&Secret; 2]) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, rest) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parts = rest.trim().split(':');
        let project_id = parts.next().filter(|id| !id.is_empty())?.to_owned();
        let mut bearer = Self { project_id, jwt: None, management_key: false, other: None, by_cookie: false };
        // Some clients end the bearer with a colon when they have nothing to add.
        for part in parts.filter(|part| !part.is_empty()) {
            if management_keys.contains(&&Secret::from(part)) {
                bearer.management_key = true;
            } else if part.split('.').count() == 3 {
                bearer.jwt = Some(part.to_owned());
            } else {
                bearer.other = Some(part.to_owned());
            }
        }
        Some(bearer)
    }

    /// What stands for the bearer of a call that browsers make by themselves: they send none, so the address names the
    /// project.
    pub(crate) fn of_browser(operation: &Operation, project_id: Option<&str>) -> Option<Self> {
        let project_id = project_id.filter(|_| operation.tag == "federation-fedcm")?.to_owned();
        Some(Self { project_id, jwt: None, management_key: false, other: None, by_cookie: false })
    }

    /// Takes the token from a cookie where the bearer has none.
    pub(crate) fn or_cookie(mut self, operation: &Operation, headers: &HeaderMap, names: (&str, &str)) -> Self {
        if self.jwt.is_none() && self.other.is_none() {
            let name = match wanted_kind(operation) {
                Some(Kind::Session) => names.0,
                Some(Kind::Refresh) => names.1,
                None => return self,
            };
            self.jwt = cookie(headers, name);
            self.by_cookie = self.jwt.is_some();
        }
        self
    }

    /// The claims of the token, when the project has signed it. No lock is needed for that.
    pub(crate) fn verify(&self, keys: &KeyRing) -> Option<Map<String, Value>> {
        keys.verify(self.jwt.as_deref()?)
    }
}

/// The value of a cookie: the last one that looks like a token, because an older cookie of the same name may stand
/// before it.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.trim_matches('"'));
    values.rfind(|value| value.split('.').count() == 3).map(str::to_owned)
}

/// What the journal notes about the bearer, and whether the call may go on.
pub(crate) fn authorise(
    operation: &Operation,
    lenient: bool,
    bearer: Option<Bearer>,
    claims: Option<Map<String, Value>>,
    state: &State,
    (project_id, ip): (&str, &str),
    now: i64,
) -> (Vec<Credential>, Result<Caller, Refusal>) {
    let Some(mut bearer) = bearer else {
        let result = if is_public(operation) {
            Ok(Caller::default())
        } else {
            let message =
                "The Authorization header is missing or not of the form Bearer projectId; is DESCOPE_PROJECT_ID set?";
            Err(Refusal::new(&MISSING_ARGUMENTS, message).status(StatusCode::UNAUTHORIZED))
        };
        return (vec![Credential::None], result);
    };
    let made = bearer.other.as_deref().map(|key| management_key::admit(state, key, project_id, ip, now));
    match made {
        Some(Ok(true)) => (bearer.management_key, bearer.other) = (true, None),
        Some(Err(refusal)) => return (vec![Credential::ManagementKey], Err(refusal)),
        Some(Ok(false)) | None => {}
    }
    // Where no kind is wanted a refresh token is looked for, which the calls that stand in for a sign-in take along.
    let kind = wanted_kind(operation).unwrap_or(Kind::Refresh);
    let token = bearer.jwt.as_deref().map(|jwt| (kind, token::check(state, project_id, jwt, claims, kind, now)));
    let credentials = credentials(&bearer, token.as_ref());
    if is_public(operation) {
        return (credentials, Ok(Caller::default()));
    }
    (credentials, admit(operation, lenient, bearer, token.map(|(_, result)| result)))
}

fn is_public(operation: &Operation) -> bool {
    operation.auth.is_empty() || operation.auth.contains(&Auth::None)
}

fn wanted_kind(operation: &Operation) -> Option<Kind> {
    if operation.auth.contains(&Auth::RefreshJwt) {
        Some(Kind::Refresh)
    } else if operation.auth.contains(&Auth::SessionJwt) {
        Some(Kind::Session)
    } else {
        None
    }
}

fn credentials(bearer: &Bearer, token: Option<&(Kind, Result<Presented, Refusal>)>) -> Vec<Credential> {
    let mut found = Vec::new();
    match token {
        Some((Kind::Refresh, Ok(_))) => found.push(Credential::RefreshJwt),
        Some((Kind::Session, Ok(_))) => found.push(Credential::SessionJwt),
        Some((_, Err(_))) => found.push(Credential::InvalidJwt),
        None => {}
    }
    if bearer.other.is_some() {
        found.push(Credential::AccessKey);
    }
    if bearer.management_key {
        found.push(Credential::ManagementKey);
    }
    if found.is_empty() {
        found.push(Credential::ProjectId);
    }
    found
}

fn admit(
    operation: &Operation,
    lenient: bool,
    bearer: Bearer,
    token: Option<Result<Presented, Refusal>>,
) -> Result<Caller, Refusal> {
    let takes = |auth: Auth| operation.auth.contains(&auth);
    if takes(Auth::ManagementKey) && bearer.management_key {
        return Ok(Caller { token: token.and_then(Result::ok), access_key: None, managing: true });
    }
    if takes(Auth::AccessKey) {
        let key = bearer.other.or(bearer.jwt);
        return match key {
            Some(key) => Ok(Caller { access_key: Some(key.into()), ..Caller::default() }),
            None => Err(Refusal::new(&ACCESS_KEY_MISSING, "The bearer holds no access key")),
        };
    }
    if takes(Auth::ManagementKey) && takes(Auth::RefreshJwt) {
        // What a user may do through a widget follows from permissions that are not emulated.
        return Err(match token {
            Some(Ok(_)) => {
                let message = "The emulator does not know what users may manage; call with the management key";
                Refusal::new(&NOT_EMULATED, message)
            }
            _ => unmanaged(bearer.other.is_some() || bearer.jwt.is_some()),
        });
    }
    if takes(Auth::RefreshJwt) || takes(Auth::SessionJwt) {
        match token {
            Some(Ok(token)) => return Ok(Caller { token: Some(token), ..Caller::default() }),
            Some(Err(refusal)) if !lenient => return Err(refusal),
            None if bearer.other.is_some() && !lenient => {
                return Err(Refusal::new(&TOKEN_EXPIRED, "The token in the bearer cannot be read"));
            }
            _ if takes(Auth::ProjectId) => return Ok(Caller::default()),
            _ => {
                let message = "The token of a signed-in user is required in the bearer";
                return Err(Refusal::new(&MISSING_ARGUMENTS, message).status(StatusCode::UNAUTHORIZED));
            }
        }
    }
    if takes(Auth::ProjectId) {
        if bearer.other.is_none() {
            return Ok(Caller::default());
        }
        let message = "The key in the bearer is not valid; DESCOPE_AUTH_MANAGEMENT_KEY is to be unset, or to hold a management \
                       key of the emulator";
        return Err(Refusal::new(&MANAGEMENT_UNAUTHORIZED, message));
    }
    Err(unmanaged(bearer.other.is_some() || bearer.jwt.is_some()))
}

/// There is no management key, or another one.
fn unmanaged(other: bool) -> Refusal {
    let message = if other {
        "The management key is not valid; set DESCOPE_MANAGEMENT_KEY to the one that the emulator has printed at its start"
    } else {
        "A management key is required; set DESCOPE_MANAGEMENT_KEY"
    };
    Refusal::new(&MANAGEMENT_UNAUTHORIZED, message)
}
