//! What a token says.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    audience::names,
    error::TokenError,
    json,
    times::{Times, rfc3339},
};

const TENANTS: &str = "tenants";

/// The claims that Descope gives a meaning; every other one is the project's own.
const RESERVED: &[&str] = &[
    "act",
    "amr",
    "aud",
    "cnf",
    "dct",
    "drn",
    "dsub",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nsec",
    "permissions",
    "rexp",
    "roles",
    "su",
    "sub",
    TENANTS,
    "tu",
];

/// The claims of a token that was verified.
///
/// Reading never fails: JWT templates can give a claim any type, and one of an unexpected type counts as absent.
/// Serialises as the JSON object that the token carries.
#[derive(Clone)]
pub struct Claims {
    /// With `null` in the place of `tenants`, where the token has that claim.
    others: Map<String, Value>,
    tenants: Tenants,
    pub(crate) times: Times,
    /// `dsub`, or else `sub`. Kept because it is read on every request.
    user_id: Box<str>,
}

/// The one claim that grows with the user: of a user with a hundred tenants it is nearly all of the token. It is checked
/// with the others and made into values when somebody asks for it.
#[derive(Clone)]
struct Tenants {
    /// The whole text of the claims; empty where there are no tenants in it.
    text: Box<[u8]>,
    read: OnceLock<Value>,
}

impl Tenants {
    fn get(&self) -> &Value {
        self.read.get_or_init(|| json::member(TENANTS, &self.text))
    }
}

/// A claim that is a text with something in it.
fn text_of<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

impl Claims {
    /// Reads the claims of a token whose signature is good. They must name a user and an expiry.
    pub(crate) fn read(payload: Vec<u8>) -> Result<Self, TokenError> {
        let others = json::object_without(Some(TENANTS), &payload, "its payload is not a JSON object")?;
        let times = Times::read(&others)?;
        let text = if others.contains_key(TENANTS) { payload.into_boxed_slice() } else { Box::default() };
        let user_id = text_of(&others, "dsub").or_else(|| text_of(&others, "sub"));
        let user_id = user_id.ok_or(TokenError::MissingClaim("sub"))?.into();
        Ok(Self { others, tenants: Tenants { text, read: OnceLock::new() }, times, user_id })
    }

    /// All claims but `tenants`.
    pub(crate) fn others(&self) -> &Map<String, Value> {
        &self.others
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.others
            .iter()
            .map(|(name, value)| (name.as_str(), if name == TENANTS { self.tenants.get() } else { value }))
    }

    fn text(&self, name: &str) -> Option<&str> {
        text_of(&self.others, name)
    }

    fn flag(&self, name: &str) -> bool {
        self.others.get(name) == Some(&Value::Bool(true))
    }

    /// The id of the user (`U…`) or of the access key (`K…`) that the token was issued to.
    ///
    /// This is Descope's own id, also when a JWT template puts something else into [`subject`](Self::subject); it is what
    /// the management functions know the user by.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// `sub` as it stands in the token: the user id, or what the project's JWT template puts in its place.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `iss`: who issued the token. It has been checked to name the project.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `aud`: for whom the token is meant; empty when it does not say. Checked only if an
    /// [`AudiencePolicy`](crate::session::AudiencePolicy) asks for it.
    pub fn audience(&self) -> Vec<&str> {
        self.others.get("aud").map(|audience| names(audience).collect()).unwrap_or_default()
    }

    /// `jti`: the token's own id, where the project's JWT template adds one.
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// The ids of the tenants that the user belongs to, in alphabetical order. A token made by a template without
    /// `tenants` lists none although it may have a [`current_tenant`](Self::current_tenant).
    pub fn tenants(&self) -> Vec<&str> {
        self.claim(TENANTS)
            .and_then(Value::as_object)
            .map(|tenants| tenants.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    /// Everything that the token says about one tenant of the user's: roles, permissions and claims of a template.
    pub fn tenant(&self, tenant: &str) -> Option<&Map<String, Value>> {
        self.tenant_entry(tenant)?.as_object()
    }

    pub(crate) fn tenant_entry(&self, tenant: &str) -> Option<&Value> {
        self.claim(TENANTS)?.as_object()?.get(tenant)
    }

    /// `dct`: the tenant that the user works in now. Set when the user has exactly one, or has selected one.
    pub fn current_tenant(&self) -> Option<&str> {
        self.text("dct")
    }

    /// `amr`: the ways in which the user has proven who they are, as `email`, `sms`, `totp`, `webauthn`, `pwd`,
    /// `oauth`, `fed` or `mfa`.
    pub fn factors(&self) -> Vec<&str> {
        self.amr().collect()
    }

    fn amr(&self) -> impl Iterator<Item = &str> {
        self.others
            .get("amr")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
    }

    /// The user has used this factor, as `totp`.
    pub fn has_factor(&self, factor: &str) -> bool {
        self.amr().any(|used| used == factor)
    }

    /// The user has used every one of these factors. True when none is asked for.
    pub fn has_factors(&self, factors: &[impl AsRef<str>]) -> bool {
        factors.iter().all(|factor| self.has_factor(factor.as_ref()))
    }

    /// Descope counts this sign-in as one with several factors (`mfa` in `amr`).
    pub fn is_mfa(&self) -> bool {
        self.has_factor("mfa")
    }

    /// `su`: the user has signed in again for this session, on top of an earlier sign-in.
    pub fn is_step_up(&self) -> bool {
        self.flag("su")
    }

    /// `tu`: this is a test user, whose codes can be had from the management API.
    pub fn is_test_user(&self) -> bool {
        self.flag("tu")
    }

    /// Somebody else acts as this user.
    pub fn is_impersonated(&self) -> bool {
        self.others.get("act").is_some_and(|act| !act.is_null())
    }

    /// `act.sub`: who it is that acts as this user. A token may be [impersonated](Self::is_impersonated) and not say.
    pub fn impersonator(&self) -> Option<&str> {
        self.others.get("act")?.get("sub")?.as_str()
    }

    /// `nsec`: claims that came with a sign-in request, that is, that **the user's own browser may have chosen**. They
    /// are kept apart from the others for that reason, and should decide nothing.
    pub fn client_claims(&self) -> Option<&Map<String, Value>> {
        self.others.get("nsec")?.as_object()
    }

    /// Any claim by its name, in whatever type the token has it.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        let claim = self.others.get(name)?;
        Some(if name == TENANTS { self.tenants.get() } else { claim })
    }

    /// Any claim by its name, read as a type of yours. `None` when it is not there.
    ///
    /// # Errors
    /// The claim is there and does not fit the type.
    ///
    /// ```no_run
    /// # fn demo(session: descope_sdk::session::Session) -> Result<(), serde_json::Error> {
    /// let plan: Option<String> = session.claim_as("plan")?;
    /// # Ok(()) }
    /// ```
    pub fn claim_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        self.claim(name).map(T::deserialize).transpose()
    }

    /// The claims that are the project's own: set by the management API, a flow, an access key or a JWT template.
    pub fn custom_claims(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.others.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| !RESERVED.contains(name))
    }

    /// `exp`: when the token ends.
    pub fn expires_at(&self) -> SystemTime {
        instant(self.times.expires_at)
    }

    /// `iat`: when the token was issued.
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.times.issued_at.map(instant)
    }

    /// `nbf`: before when the token is not valid.
    pub fn not_before(&self) -> Option<SystemTime> {
        self.times.not_before.map(instant)
    }

    /// `rexp`: when the refresh token ends that belongs to this session, that is, when the user has to sign in again.
    pub fn refresh_expires_at(&self) -> Option<SystemTime> {
        let seconds = match self.others.get("rexp")? {
            Value::String(text) => rfc3339(text)?,
            Value::Number(number) => number.as_i64()?,
            _ => return None,
        };
        // A moment before 1970 is long over; the earliest one that is given here says the same.
        UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

/// The times of [`Times`] lie between 1970 and 9999, which a `SystemTime` can hold.
fn instant(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
}

impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        self.all().eq(other.all())
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.all())
    }
}

/// Shows who and until when. The rest may be personal data, and belongs into no log by accident.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("user_id", &self.user_id())
            .field("current_tenant", &self.current_tenant())
            .field("expires_at", &self.times.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::testing::claims;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_full_token_reads_as_it_is_written() {
        let claims = claims(json!({
            "sub": "external-7", "dsub": "U2abc", "iss": "P2x", "aud": ["a", 1, "b"], "jti": "j1",
            "amr": ["email", 7, "totp", "mfa"], "su": true, "tu": true, "act": {"sub": "U2boss"},
            "nsec": {"plan": "free"}, "dct": "acme", "tenants": {"acme": {"roles": ["x"], "plan": "pro"}, "beta": {}},
            "iat": 1000, "nbf": 1001, "exp": 2000, "rexp": "2023-11-07T18:50:29Z",
            "email": "ada@example.com", "limits": {"seats": 7}, "null": null,
        }));
        assert_eq!(claims.user_id(), "U2abc");
        assert_eq!(claims.subject(), Some("external-7"));
        assert_eq!(claims.issuer(), Some("P2x"));
        assert_eq!(claims.audience(), ["a", "b"]);
        assert_eq!(claims.token_id(), Some("j1"));
        assert_eq!(claims.factors(), ["email", "totp", "mfa"]);
        assert!(claims.has_factor("totp") && !claims.has_factor("sms") && claims.is_mfa());
        assert!(claims.has_factors(&["totp", "email"]) && !claims.has_factors(&["totp", "sms"]));
        assert!(claims.has_factors(&[] as &[&str]));
        assert!(claims.is_step_up() && claims.is_test_user() && claims.is_impersonated());
        assert_eq!(claims.impersonator(), Some("U2boss"));
        assert_eq!(claims.client_claims().expect("nsec")["plan"], "free");
        assert_eq!(claims.current_tenant(), Some("acme"));
        assert_eq!(claims.tenants(), ["acme", "beta"]);
        assert_eq!(claims.tenant("acme").expect("acme")["plan"], "pro");
        assert_eq!(claims.issued_at(), Some(at(1000)));
        assert_eq!(claims.not_before(), Some(at(1001)));
        assert_eq!(claims.expires_at(), at(2000));
        assert_eq!(claims.refresh_expires_at(), Some(at(1_699_383_029)));
        assert_eq!(claims.claim("limits").expect("limits")["seats"], 7);
        assert_eq!(claims.claim("null"), Some(&Value::Null));
        assert_eq!(claims.claim_as::<String>("email").expect("text").as_deref(), Some("ada@example.com"));
        assert_eq!(claims.claim_as::<String>("absent").expect("absent"), None);
        assert!(claims.claim_as::<u32>("email").is_err());
        let custom: Vec<&str> = claims.custom_claims().map(|(name, _)| name).collect();
        assert_eq!(custom, ["email", "limits", "null"]);
        assert_eq!(serde_json::to_value(&claims).expect("JSON")["limits"]["seats"], 7);
    }

    #[test]
    fn an_empty_token_says_nothing() {
        let claims = claims(json!({"sub": "U1"}));
        assert_eq!(claims.user_id(), "U1");
        assert!(claims.audience().is_empty() && claims.tenants().is_empty() && claims.factors().is_empty());
        assert!(!claims.is_mfa() && !claims.is_step_up() && !claims.is_test_user() && !claims.is_impersonated());
        assert!(claims.issuer().is_none() && claims.token_id().is_none() && claims.impersonator().is_none());
        assert!(claims.client_claims().is_none() && claims.current_tenant().is_none() && claims.tenant("t").is_none());
        assert!(claims.issued_at().is_none() && claims.not_before().is_none() && claims.refresh_expires_at().is_none());
        assert_eq!(claims.custom_claims().count(), 0);
    }

    #[test]
    fn claims_of_any_type_are_read_without_harm() {
        let odd = [
            json!(null),
            json!(true),
            json!(7),
            json!(1.5),
            json!("x"),
            json!([]),
            json!([[]]),
            json!({}),
            json!({"x": {}}),
            json!("\u{0}"),
        ];
        for name in RESERVED.iter().filter(|name| !["exp", "iat", "nbf", "sub"].contains(name)) {
            for value in &odd {
                let claims = claims(json!({ "sub": "U1", *name: value }));
                let _ = (claims.user_id(), claims.subject(), claims.issuer(), claims.audience(), claims.token_id());
                let _ =
                    (claims.tenants(), claims.tenant("x"), claims.current_tenant(), claims.factors(), claims.is_mfa());
                let _ = (
                    claims.is_impersonated(),
                    claims.impersonator(),
                    claims.client_claims(),
                    claims.refresh_expires_at(),
                );
                let _ = (claims.roles(), claims.permissions(), claims.tenant_roles("x"), claims.has_tenant("x"));
                assert_eq!(claims.is_step_up(), *name == "su" && *value == json!(true));
                assert_eq!(claims.is_test_user(), *name == "tu" && *value == json!(true));
            }
        }
        assert_eq!(claims(json!({"sub": "U1", "dsub": 7})).user_id(), "U1");
        assert_eq!(claims(json!({"sub": "U1", "dsub": ""})).user_id(), "U1");
        assert_eq!(claims(json!({"sub": 5, "dsub": "U2"})).user_id(), "U2");
    }

    #[test]
    fn a_token_must_belong_to_somebody() {
        for sub in [json!(null), json!(""), json!(7), json!(["U1"])] {
            let all = json!({"exp": 1, "sub": sub});
            let refused = Claims::read(all.to_string().into_bytes());
            assert!(matches!(refused, Err(TokenError::MissingClaim("sub"))));
        }
    }

    #[test]
    fn refresh_expiry_of_any_value() {
        let rexp = |value: Value| claims(json!({"sub": "U1", "rexp": value})).refresh_expires_at();
        assert_eq!(rexp(json!(1000)), Some(at(1000)));
        assert_eq!(rexp(json!("1969-12-31T23:59:59Z")), Some(UNIX_EPOCH));
        assert_eq!(rexp(json!("tomorrow")), None);
        assert_eq!(rexp(json!(1.5)), None);
        let _ = rexp(json!(i64::MAX));
    }

    #[test]
    fn debug_tells_no_personal_data() {
        let shown = format!("{:?}", claims(json!({"sub": "U1", "email": "ada@example.com", "nsec": {"a": "secret"}})));
        assert!(shown.contains("U1") && !shown.contains("ada@") && !shown.contains("secret"), "{shown}");
    }
}
