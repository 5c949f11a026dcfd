//! Resource servers, and the templates by which clients of them register themselves. An application gets the
//! scopes of a resource where a policy lets it; the rest is a document here.

use descope_api::types::{
    ResourceLoadAllResponse, ResourceRegistrationTemplate, ResourceRegistrationTemplateLoadAllResponse,
    ResourceRegistrationTemplateResponse, ResourceResponse, ResourceServer,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{recast, search};
use crate::{
    error::{ALREADY_EXISTS, BAD_REQUEST, INVALID_ARGUMENTS, Refusal},
    http::{Call, Table, op, schema::Document},
    world::{Collection, Log, Record, State},
};

/// Members of a request or an answer.
type Members = Map<String, Value>;

/// One resource server or template. Its members are those of the document.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ResourceRecord {
    pub(super) id: String,
    pub(super) members: Map<String, Value>,
    created_at: i64,
    modified_at: i64,
    version: i64,
}

impl Record for ResourceRecord {
    const AUDITED: Option<&'static str> = Some("Resource");

    fn id(&self) -> &str {
        &self.id
    }

    /// By the name, and a resource server by its address too.
    fn names(&self) -> Vec<String> {
        let text = |name: &str| self.members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = text("name").map(|name| format!("name:{name}"));
        name.into_iter().chain(text("uri").map(str::to_owned)).collect()
    }
}

/// One of the two kinds.
struct Kind {
    schema: &'static str,
    what: &'static str,
    prefix: &'static str,
    all: fn(&mut State) -> (&mut Collection<ResourceRecord>, &mut Log),
}

const RESOURCE: Kind = Kind {
    schema: "ResourceServer",
    what: "resource",
    prefix: "RS",
    all: |state| (&mut state.resources, &mut state.log),
};
const TEMPLATE: Kind = Kind {
    schema: "ResourceRegistrationTemplate",
    what: "dynamic registration template",
    prefix: "DRT",
    all: |state| (&mut state.registration_templates, &mut state.log),
};

/// Members that nobody sets.
const OWN: [&str; 4] = ["id", "createdTime", "modifiedTime", "version"];

impl ResourceRecord {
    fn to_api<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let mut members = self.members.clone();
        members.insert("id".to_owned(), json!(self.id));
        members.insert("createdTime".to_owned(), json!(self.created_at.to_string()));
        members.insert("modifiedTime".to_owned(), json!(self.modified_at.to_string()));
        members.insert("version".to_owned(), json!(self.version.to_string()));
        recast(&members)
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementResourceCreate>(|call, body| Ok(resource(create(call, &RESOURCE, &body)?)))
        .on::<op::ManagementResourceUpdate>(|call, body| Ok(resource(update(call, &RESOURCE, &body.resource)?)))
        .on::<op::ManagementResourceLoad>(|call, _| {
            let id = call.query("id").unwrap_or_default().to_owned();
            Ok(resource(require(call, &RESOURCE, &id)?.to_api()?))
        })
        .on::<op::ManagementResourceLoadByUri>(|call, _| {
            let uri = call.query("uri").unwrap_or_default();
            let found = call.state.resources.named(uri).ok_or_else(|| Refusal::missing("resource", uri))?;
            Ok(resource(found.to_api()?))
        })
        .on::<op::ManagementResourceLoadAll>(|call, _| {
            let all = call.state.resources.iter().map(ResourceRecord::to_api::<ResourceServer>);
            let all = all.collect::<Result<Vec<_>, _>>()?;
            let total = search::count(&all);
            Ok(ResourceLoadAllResponse::new().resources(all).total(total))
        })
        .done::<op::ManagementResourceDelete>(|call, body| delete(call, &RESOURCE, &body.id))
        .done::<op::ManagementResourceDeleteBatch>(|call, body| {
            body.ids.iter().try_for_each(|id| delete(call, &RESOURCE, id))
        })
        .on::<op::ManagementResourceCreateRegistrationTemplate>(|call, body| {
            Ok(template(create(call, &TEMPLATE, &body)?))
        })
        .on::<op::ManagementResourceUpdateRegistrationTemplate>(|call, body| {
            Ok(template(update(call, &TEMPLATE, &body.template)?))
        })
        .on::<op::ManagementResourceLoadRegistrationTemplate>(|call, _| {
            let id = call.query("id").unwrap_or_default().to_owned();
            Ok(template(require(call, &TEMPLATE, &id)?.to_api()?))
        })
        .on::<op::ManagementResourceLoadAllRegistrationTemplates>(|call, _| {
            let all = call.state.registration_templates.iter();
            let all = all.map(ResourceRecord::to_api::<ResourceRegistrationTemplate>);
            let all = all.collect::<Result<Vec<_>, _>>()?;
            let total = search::count(&all);
            Ok(ResourceRegistrationTemplateLoadAllResponse::new().templates(all).total(total))
        })
        .done::<op::ManagementResourceDeleteRegistrationTemplate>(|call, body| delete(call, &TEMPLATE, &body.id))
        .done::<op::ManagementResourceDeleteRegistrationTemplateBatch>(|call, body| {
            body.ids.iter().try_for_each(|id| delete(call, &TEMPLATE, id))
        });
}

fn resource(resource: ResourceServer) -> ResourceResponse {
    ResourceResponse::new().resource(resource)
}

fn template(template: ResourceRegistrationTemplate) -> ResourceRegistrationTemplateResponse {
    ResourceRegistrationTemplateResponse::new().template(template)
}

fn require(call: &mut Call<'_>, kind: &Kind, id: &str) -> Result<ResourceRecord, Refusal> {
    (kind.all)(call.state).0.get(id).cloned().ok_or_else(|| Refusal::missing(kind.what, id))
}

/// The members of a request, and the id and version that it names.
fn members(kind: &Kind, request: &impl Serialize) -> Result<(Members, Members), Refusal> {
    let given: Map<String, Value> = recast(request)?;
    let document = Document::built_in().map_err(|why| Refusal::new(&BAD_REQUEST, why))?;
    let members = document.shared_with(kind.schema, &given);
    Ok(members.into_iter().partition(|(name, _)| !OWN.contains(&name.as_str())))
}

/// Refuses a name or an address that another of the kind has, and a template that is nowhere.
fn check(call: &mut Call<'_>, kind: &Kind, record: &ResourceRecord) -> Result<(), Refusal> {
    let template = record.members.get("dynamicRegistrationSettings").map(|of| &of["dynamicRegistrationTemplateId"]);
    if let Some(id) = template.and_then(Value::as_str).filter(|id| !id.is_empty()) {
        require(call, &TEMPLATE, id)?;
    }
    let known = (kind.all)(call.state).0;
    let taken = |name: &String| known.named(name).is_some_and(|other| other.id != record.id);
    match record.names().into_iter().find(taken) {
        Some(name) => {
            let name = name.trim_start_matches("name:");
            Err(Refusal::new(&ALREADY_EXISTS, format!("There is a {} {name:?} already", kind.what)))
        }
        None => Ok(()),
    }
}

fn create<T: DeserializeOwned>(call: &mut Call<'_>, kind: &Kind, request: &impl Serialize) -> Result<T, Refusal> {
    let (members, _) = members(kind, request)?;
    let id = call.state.ids.id(kind.prefix);
    let record = ResourceRecord { id, members, created_at: call.now, modified_at: call.now, version: 1 };
    check(call, kind, &record)?;
    let (known, log) = (kind.all)(call.state);
    known.insert(log, record)?.to_api()
}

/// Replaces everything. A version that is named has to be the one that there is.
fn update<T: DeserializeOwned>(call: &mut Call<'_>, kind: &Kind, request: &impl Serialize) -> Result<T, Refusal> {
    let (members, own) = members(kind, request)?;
    let id = own.get("id").and_then(Value::as_str).unwrap_or_default();
    let mut record = require(call, kind, id)?;
    let named = own.get("version").and_then(|version| version.as_i64().or_else(|| version.as_str()?.parse().ok()));
    if named.is_some_and(|version| version != 0 && version != record.version) {
        let message = format!("The {} was changed meanwhile: its version is {}", kind.what, record.version);
        return Err(Refusal::new(&INVALID_ARGUMENTS, message));
    }
    record.members = members;
    record.modified_at = call.now;
    record.version += 1;
    check(call, kind, &record)?;
    let (known, log) = (kind.all)(call.state);
    let id = record.id.clone();
    let edited = known.edit(log, &id, |known| {
        *known = record;
        Ok::<_, Refusal>(())
    })?;
    edited.to_api()
}

fn delete(call: &mut Call<'_>, kind: &Kind, id: &str) -> Result<(), Refusal> {
    let record = require(call, kind, id)?;
    let (known, log) = (kind.all)(call.state);
    known.remove(log, &record.id);
    // The policies about it go with it.
    call.state.remove_owned(&record.id);
    Ok(())
}
