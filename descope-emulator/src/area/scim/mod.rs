//! Provisioning by SCIM 2.0 (RFC 7643 and 7644). Users are those that everybody else sees.
//!
//! An identity provider calls with an access key of a tenant, and sees and changes that tenant's users and groups only.
//! The back end, with its management key, sees those of the whole project.

mod filter;
mod groups;
mod key;
mod patch;
mod service;
mod users;

use http::{StatusCode, header};
use serde_json::{Map, Value, json};

pub(crate) use self::groups::{GroupRecord, shown_to_management};
use crate::{
    area::role,
    error::Refusal,
    http::{Call, Reply, Table},
    world::State,
};

/// The media type of RFC 7644.
const KIND: &str = "application/scim+json";
/// How many resources a page holds where the call does not say it, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 200;
/// The permission that a key has to have in its tenant.
const PERMISSION: &str = "User Admin";

pub(super) fn register(table: &mut Table) {
    groups::register(table);
    key::register(table);
    service::register(table);
    users::register(table);
}

/// What the SSO settings call the configuration that every tenant has.
const DEFAULT_CONFIGURATION: &str = "default_ssoid";

/// Whose resources a call is about.
#[derive(Clone, Debug, Default)]
struct Realm {
    /// Empty for the whole project.
    tenant: String,
    /// The SSO configuration that the key provisions into; empty for the default one.
    sso_id: String,
}

impl Realm {
    /// Finds it by the key of the call.
    fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        if call.caller.managing {
            return Ok(Self::default());
        }
        let refuse = |why: &str| Refusal::scim(StatusCode::UNAUTHORIZED, "", why.to_owned());
        let cleartext = call.caller.access_key.as_ref().ok_or_else(|| refuse("An access key is required"))?;
        let key =
            call.state.access_keys.named(cleartext.expose()).ok_or_else(|| refuse("The access key is not valid"))?;
        if key.inactive || key.is_expired(call.now) {
            return Err(refuse("The access key is deactivated or has expired"));
        }
        if !key.permits(&call.ip) {
            return Err(refuse("The access key may not be used from this address"));
        }
        let forbid = |why: &str| Refusal::scim(StatusCode::FORBIDDEN, "", why.to_owned());
        let mut tenants = key.tenants.iter();
        let (Some((tenant, tenancy)), None) = (tenants.next(), tenants.next()) else {
            return Err(forbid("The access key has to belong to one tenant, whose users it provisions"));
        };
        if !role::permissions_of(call.state, &tenancy.roles, Some(tenant)).contains(PERMISSION) {
            return Err(forbid("The access key has no role in its tenant that lets it manage users"));
        }
        Ok(Self { tenant: tenant.clone(), sso_id: key.scim_sso_id.clone().unwrap_or_default() })
    }
}

/// The SSO configurations of a tenant, each by its id, which is empty for the default one. They are read as they are
/// written down: only their own room knows more of them.
pub(crate) fn configurations(state: &State, tenant: &str) -> Vec<(String, Value)> {
    let records = state.sso.owned(tenant).filter_map(|record| serde_json::to_value(record).ok());
    records.map(|record| (configuration(record["ssoId"].as_str()).to_owned(), record)).collect()
}

/// The id of an SSO configuration as it is kept here: empty for the one that every tenant has.
pub(crate) fn configuration(id: Option<&str>) -> &str {
    id.filter(|id| *id != DEFAULT_CONFIGURATION).unwrap_or_default().trim()
}

fn missing(kind: &str, id: &str) -> Refusal {
    Refusal::scim(StatusCode::NOT_FOUND, "", format!("There is no {kind} {id:?}"))
}

fn bad(kind: &'static str, why: impl Into<String>) -> Refusal {
    Refusal::scim(StatusCode::BAD_REQUEST, kind, why)
}

fn taken(why: impl Into<String>) -> Refusal {
    Refusal::scim(StatusCode::CONFLICT, "uniqueness", why)
}

/// An answer of the media type of SCIM.
fn reply(body: Value) -> Reply {
    Reply::typed_json(KIND, body)
}

/// Whether the caller asks for the media type of the standard. The statuses are those of the standard then; the document
/// of the service has 200 for everything.
fn by_the_standard(call: &Call<'_>) -> bool {
    let asked = call.headers.get_all(header::ACCEPT).iter().filter_map(|kinds| kinds.to_str().ok());
    asked.flat_map(|kinds| kinds.split(',')).any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == KIND))
}

/// The answer to the creation of a resource.
fn created(call: &Call<'_>, mut shown: Reply) -> Reply {
    if !by_the_standard(call) {
        return shown;
    }
    shown.status = StatusCode::CREATED;
    let location = shown.typed().and_then(|shown| shown["meta"]["location"].as_str()).unwrap_or_default().to_owned();
    shown.header(header::LOCATION, format!("{}{location}", call.origin()))
}

/// The answer to what shows nothing.
fn done(call: &Call<'_>) -> Result<Reply, Refusal> {
    if by_the_standard(call) { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Reply::json(200, &Map::new()) }
}

/// One page of the resources that fit the filter of the query.
fn page(call: &Call<'_>, resources: Vec<Value>, schema: &str) -> Result<Reply, Refusal> {
    let mut found = resources;
    if let Some(text) = call.query("filter") {
        let filter = filter::Filter::parse(text, schema).map_err(|why| bad("invalidFilter", why))?;
        found.retain(|resource| filter.fits(resource));
    }
    let total = found.len();
    let number = |name: &str| call.query(name).and_then(|value| value.parse::<i64>().ok());
    // A start below 1 is 1, and a negative count is 0 (RFC 7644 section 3.4.2.4).
    let start = usize::try_from(number("startIndex").unwrap_or(1).max(1)).unwrap_or(usize::MAX);
    let count = number("count").map_or(PAGE, |count| usize::try_from(count.max(0)).unwrap_or(LARGEST_PAGE));
    let page: Vec<Value> = found.into_iter().skip(start - 1).take(count.min(LARGEST_PAGE)).collect();
    Ok(reply(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": page.len(),
        "Resources": page,
    })))
}

/// Takes out whatever says nothing.
fn without_nothing(members: Map<String, Value>) -> Map<String, Value> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    members.into_iter().filter(|(_, value)| says(value)).collect()
}
