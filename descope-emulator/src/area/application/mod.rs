//! Applications: those that sign users in by the project, those of third parties, and those that users connect to.

mod outbound;
mod outbound_scim;
mod register;
mod sso;
mod third_party;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use descope_api::types::{ApplicationSecret, ApplicationSecretAddResponse, ApplicationSecretsResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) use self::outbound::connect;
pub(crate) use self::{
    outbound::{Connection, OutboundToken},
    outbound_scim::OutboundScimRecord,
    third_party::ConsentRecord,
};
use crate::{
    error::{ALREADY_EXISTS, BAD_REQUEST, Refusal},
    http::{Call, Table, schema::Document},
    world::{Collection, Record},
};

/// Members of a request or an answer.
pub(super) type Members = Map<String, Value>;

/// The secret that an application has from the beginning.
const FIRST: &str = "default";

/// One application of any kind. Its members are those of the document, checked against it when they came in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ApplicationRecord {
    pub(in crate::area) id: String,
    pub(in crate::area) client_id: String,
    pub(in crate::area) members: Members,
    pub(in crate::area) secrets: Vec<SecretRecord>,
    /// The grants that it has registered for; empty for all of them.
    pub(in crate::area) grants: Vec<String>,
    /// Every project has it, and keeps it.
    pub(in crate::area) built_in: bool,
}

/// One secret of an application.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(in crate::area) struct SecretRecord {
    id: String,
    name: String,
    pub(in crate::area) cleartext: String,
    created_at: i64,
    /// Epoch seconds; 0 for never.
    expires_at: i64,
}

impl std::fmt::Debug for SecretRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretRecord").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Record for ApplicationRecord {
    const AUDITED: Option<&'static str> = Some("Application");

    fn id(&self) -> &str {
        &self.id
    }

    /// By its client id, where that is not the id itself.
    fn names(&self) -> Vec<String> {
        Some(self.client_id.clone()).filter(|client| !client.is_empty() && *client != self.id).into_iter().collect()
    }
}

impl ApplicationRecord {
    pub(super) fn name(&self) -> &str {
        self.members.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The application as a type of the API.
    pub(super) fn to_api<T: serde::de::DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_value(Value::Object(self.members.clone())).map_err(unreadable)
    }
}

fn unreadable(error: serde_json::Error) -> Refusal {
    Refusal::new(&BAD_REQUEST, format!("The emulator cannot read what it has written: {error}"))
}

pub(super) fn register(table: &mut Table) {
    outbound::register(table);
    outbound_scim::register(table);
    register::register(table);
    sso::register(table);
    third_party::register(table);
}

pub(super) use self::{
    register::{describe, register_client, registered_scopes},
    sso::{BUILT_IN, furnish},
};

/// The members of a request that a schema has too, without those that are null.
pub(super) fn members_of(schema: &str, request: &impl Serialize) -> Result<Members, Refusal> {
    let value = serde_json::to_value(request).map_err(unreadable)?;
    let document = Document::built_in().map_err(|why| Refusal::new(&BAD_REQUEST, why))?;
    Ok(document.shared_with(schema, value.as_object().unwrap_or(&Map::new())))
}

/// Refuses a name that another application of this kind has.
fn refuse_taken(known: &Collection<ApplicationRecord>, name: &str, except: &str) -> Result<(), Refusal> {
    match known.iter().find(|other| other.name() == name && other.id != except) {
        Some(_) => Err(Refusal::new(&ALREADY_EXISTS, format!("An application with the name {name:?} exists already"))),
        None => Ok(()),
    }
}

/// The id that an application gets: the one that is asked for, when it is free.
fn new_id(
    call: &mut Call<'_>,
    wanted: Option<String>,
    kind: &str,
    known: impl Fn(&Call<'_>, &str) -> bool,
) -> Result<String, Refusal> {
    match super::some(wanted) {
        Some(id) if known(call, &id) => {
            Err(Refusal::new(&ALREADY_EXISTS, format!("An application with the id {id:?} exists already")))
        }
        Some(id) => Ok(id),
        None => Ok(call.state.ids.id(kind)),
    }
}

/// The client id of an application: which project it belongs to can be seen in it, as in those of the service.
fn client_id_of(project: &str, id: &str) -> String {
    STANDARD.encode(format!("{project}:{id}"))
}

/// What a new client is to have.
pub(super) enum Secrets {
    /// One, of its own choice where there is a text.
    One(Option<String>),
    /// None: it is public, or its protocol needs no secret.
    Nothing,
}

impl Secrets {
    /// The secret that the client begins with.
    fn make(self, call: &mut Call<'_>) -> Option<SecretRecord> {
        match self {
            Self::One(given) => Some(new_secret(call, FIRST, given, 0)),
            Self::Nothing => None,
        }
    }
}

/// A new secret under a name.
fn new_secret(call: &mut Call<'_>, name: &str, given: Option<String>, expires_at: i64) -> SecretRecord {
    SecretRecord {
        id: call.state.ids.id("SEC"),
        name: name.to_owned(),
        cleartext: super::some(given).unwrap_or_else(|| call.state.ids.alphanumeric(44)),
        created_at: call.now,
        expires_at,
    }
}

impl SecretRecord {
    /// Whether the secret can still be used.
    pub(in crate::area) fn is_good(&self, now: i64) -> bool {
        self.expires_at == 0 || self.expires_at > now
    }

    fn to_api(&self, now: i64) -> ApplicationSecret {
        let over = !self.is_good(now);
        ApplicationSecret::new()
            .id(self.id.as_str())
            .name(self.name.as_str())
            .created_time(self.created_at)
            .expire_time(self.expires_at)
            .status(if over { "expired" } else { "active" })
    }
}

/// Which of the collections of a project an operation is about.
pub(super) type Kind = fn(&mut crate::world::State) -> (&mut Collection<ApplicationRecord>, &mut crate::world::Log);

fn require(call: &mut Call<'_>, kind: Kind, id: &str) -> Result<ApplicationRecord, Refusal> {
    kind(call.state).0.find(id).cloned().ok_or_else(|| Refusal::missing("application", id))
}

/// The clear text of a secret: of the named one, else of the newest.
fn load_secret(call: &mut Call<'_>, kind: Kind) -> Result<String, Refusal> {
    let id = call.query("id").unwrap_or_default().to_owned();
    let name = call.query("secretName").map(str::to_owned);
    let application = require(call, kind, &id)?;
    let mut secrets = application.secrets.iter().rev();
    let secret = secrets.find(|secret| name.as_ref().is_none_or(|name| secret.name == *name));
    let secret = secret.ok_or_else(|| Refusal::missing("secret", name.as_deref().unwrap_or(FIRST)))?;
    Ok(secret.cleartext.clone())
}

/// Puts a new secret in the place of all that there are.
pub(super) fn rotate_secret(call: &mut Call<'_>, kind: Kind, id: &str) -> Result<String, Refusal> {
    let application = require(call, kind, id)?;
    if application.secrets.is_empty() {
        return Err(Refusal::invalid("The application is a public client, which has no secret"));
    }
    let secret = new_secret(call, FIRST, None, 0);
    let cleartext = secret.cleartext.clone();
    let (applications, log) = kind(call.state);
    applications.update(log, &application.id, |application| application.secrets = vec![secret]);
    Ok(cleartext)
}

fn add_secret(
    call: &mut Call<'_>,
    kind: Kind,
    id: &str,
    name: &str,
    expires_at: Option<i64>,
) -> Result<ApplicationSecretAddResponse, Refusal> {
    let application = require(call, kind, id)?;
    if application.secrets.iter().any(|secret| secret.name == name) {
        return Err(Refusal::new(&ALREADY_EXISTS, format!("The application has a secret {name:?} already")));
    }
    let expires_at = expires_at.unwrap_or_default();
    if expires_at < 0 || (expires_at > 0 && expires_at <= call.now) {
        return Err(Refusal::invalid("The expireTime field lies in the past"));
    }
    let secret = new_secret(call, name, None, expires_at);
    let answer = ApplicationSecretAddResponse::new().cleartext(secret.cleartext.as_str()).meta(secret.to_api(call.now));
    let (applications, log) = kind(call.state);
    applications.update(log, &application.id, |application| application.secrets.push(secret));
    Ok(answer)
}

fn revoke_secret(call: &mut Call<'_>, kind: Kind, id: &str, name: &str) -> Result<ApplicationSecretsResponse, Refusal> {
    let application = require(call, kind, id)?;
    if !application.secrets.iter().any(|secret| secret.name == name) {
        return Err(Refusal::missing("secret", name));
    }
    let now = call.now;
    let (applications, log) = kind(call.state);
    let left = applications.update(log, &application.id, |application| {
        application.secrets.retain(|secret| secret.name != name);
    });
    let left = left.map(|application| application.secrets.clone()).unwrap_or_default();
    Ok(ApplicationSecretsResponse::new().secrets(left.iter().map(|secret| secret.to_api(now))))
}
