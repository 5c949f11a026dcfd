//! What is known of resources beside their relations, and which of them the groups of an identity provider can be mapped
//! to.

use std::collections::BTreeMap;

use descope_api::types::{
    FgaLoadMappableSchemaResponse, FgaLoadResourceDetailsRequest, FgaMappableResource, FgaMappableResources,
    FgaResourceDetails, FgaResourceDetailsResponse, FgaSaveResourceDetailsRequest, FgaSearchMappableResourcesRequest,
    FgaSearchMappableResourcesResponse,
};
use serde::{Deserialize, Serialize};

use super::{record, relation::key, schema::Type};
use crate::{
    area::{search, some, tenant},
    error::Refusal,
    http::{Call, Nothing, Table, op},
    world::{Record, State},
};

/// How many resources of a type are answered when nothing is said of it.
const DEFAULT_LIMIT: usize = 100;

/// What is known of a resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Details", into = "Details")]
pub(crate) struct DetailsRecord {
    id: String,
    details: Details,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Details {
    kind: String,
    resource: String,
    display_name: String,
}

impl From<Details> for DetailsRecord {
    fn from(details: Details) -> Self {
        Self { id: key(&[&details.kind, &details.resource]), details }
    }
}

impl From<DetailsRecord> for Details {
    fn from(record: DetailsRecord) -> Self {
        record.details
    }
}

impl Record for DetailsRecord {
    const AUDITED: Option<&'static str> = None;

    fn id(&self) -> &str {
        &self.id
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementFgaLoadResourceDetails>(load)
        .done::<op::ManagementFgaSaveResourceDetails>(save)
        .on::<op::ManagementFgaLoadMappableSchema>(mappable_schema)
        .on::<op::ManagementFgaSearchMappableResources>(search_resources);
}

fn given(field: &str, value: Option<String>) -> Result<String, Refusal> {
    some(value).ok_or_else(|| Refusal::required(field))
}

fn save(call: &mut Call<'_>, body: FgaSaveResourceDetailsRequest) -> Result<(), Refusal> {
    if body.resources_details.is_empty() {
        return Err(Refusal::required("resourcesDetails"));
    }
    for details in body.resources_details {
        let record = DetailsRecord::from(Details {
            kind: given("resourceType", details.resource_type)?,
            resource: given("resourceId", details.resource_id)?,
            display_name: given("displayName", details.display_name)?,
        });
        call.state.relation_details.remove(&mut call.state.log, &record.id);
        call.state.relation_details.insert(&mut call.state.log, record)?;
    }
    Ok(())
}

fn load(call: &mut Call<'_>, body: FgaLoadResourceDetailsRequest) -> Result<FgaResourceDetailsResponse, Refusal> {
    if body.resource_identifiers.is_empty() {
        return Err(Refusal::required("resourceIdentifiers"));
    }
    let mut found = Vec::new();
    for one in body.resource_identifiers {
        let id = key(&[&given("resourceType", one.resource_type)?, &given("resourceId", one.resource_id)?]);
        if let Some(DetailsRecord { details, .. }) = call.state.relation_details.get(&id) {
            found.push(
                FgaResourceDetails::new()
                    .resource_id(details.resource.as_str())
                    .resource_type(details.kind.as_str())
                    .display_name(details.display_name.as_str()),
            );
        }
    }
    Ok(FgaResourceDetailsResponse::new().resources_details(found))
}

fn limit(text: Option<&str>) -> Result<usize, Refusal> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(DEFAULT_LIMIT) };
    let limit: Option<usize> = text.trim().parse().ok();
    match limit {
        // That is how clients say nothing.
        Some(0) => Ok(DEFAULT_LIMIT),
        Some(limit) => Ok(limit),
        None => Err(Refusal::invalid(format!("The resourcesLimit field cannot be {text:?}; it is a number"))),
    }
}

/// The resources of a type that are known from relations or details, with their display names.
fn resources(state: &State, kind: &str) -> BTreeMap<String, Option<String>> {
    let prefix = key(&[kind]);
    let related = state.relations.with_prefix(&prefix).map(|record| (record.relation.resource.clone(), None));
    let mut found: BTreeMap<String, Option<String>> = related.collect();
    for DetailsRecord { details, .. } in state.relation_details.with_prefix(&prefix) {
        found.insert(details.resource.clone(), Some(details.display_name.clone()));
    }
    found
}

fn to_api(kind: &str, found: impl Iterator<Item = (String, Option<String>)>) -> FgaMappableResources {
    let resources = found.map(|(resource, name)| {
        let one = FgaMappableResource::new().resource(resource);
        if let Some(name) = name { one.display_name(name) } else { one }
    });
    FgaMappableResources::new().type_(kind).resources(resources)
}

/// The types that somebody can be related to, each with those relations alone.
fn mappable_types(state: &State) -> Vec<Type> {
    let mut types = record(state).schema.types;
    for one in &mut types {
        one.definitions.retain(|definition| !definition.permission);
    }
    types.retain(|one| !one.definitions.is_empty());
    types
}

fn mappable_schema(call: &mut Call<'_>, _: Nothing) -> Result<FgaLoadMappableSchemaResponse, Refusal> {
    let tenant = call.query("tenantId").ok_or_else(|| Refusal::required("tenantId"))?;
    tenant::require(call.state, tenant)?;
    let limit = limit(call.query("resourcesLimit"))?;
    let mut schema = record(call.state).schema;
    schema.types = mappable_types(call.state);
    let known: Vec<FgaMappableResources> = schema
        .types
        .iter()
        .map(|one| to_api(&one.name, resources(call.state, &one.name).into_iter().take(limit)))
        .collect();
    Ok(FgaLoadMappableSchemaResponse::new().schema(schema.to_api()).mappable_resources(known))
}

fn search_resources(
    call: &mut Call<'_>,
    body: FgaSearchMappableResourcesRequest,
) -> Result<FgaSearchMappableResourcesResponse, Refusal> {
    tenant::require(call.state, &body.tenant_id)?;
    if body.resources_queries.is_empty() {
        return Err(Refusal::required("resourcesQueries"));
    }
    let limit = limit(body.resources_limit.as_deref())?;
    let types = mappable_types(call.state);
    let mut found = Vec::new();
    for query in body.resources_queries {
        let kind = given("type", query.type_)?;
        if !types.iter().any(|one| one.name == kind) {
            return Err(Refusal::missing("type", &kind));
        }
        let fits = |(resource, name): &(String, Option<String>)| {
            let fits = |text: &String| {
                search::contains(resource, text) || name.as_ref().is_some_and(|name| search::contains(name, text))
            };
            query.queries.is_empty() || query.queries.iter().any(fits)
        };
        found.push(to_api(&kind, resources(call.state, &kind).into_iter().filter(fits).take(limit)));
    }
    Ok(FgaSearchMappableResourcesResponse::new().mappable_resources(found))
}
