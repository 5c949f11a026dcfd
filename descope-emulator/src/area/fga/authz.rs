//! The ReBAC calls: the schema in its structured form, and questions about relations.

use std::collections::BTreeSet;

use descope_api::types::{
    AuthzCreateRelationsRequest, AuthzDeleteNamespaceRequest, AuthzDeleteRelationDefinitionRequest,
    AuthzDeleteRelationsRequest, AuthzHasRelationsRequest, AuthzHasRelationsResponse, AuthzLoadModifiedRequest,
    AuthzLoadModifiedResponse, AuthzLoadResourceRelationsRequest, AuthzLoadSchemaResponse,
    AuthzLoadTargetRelationsRequest, AuthzRelation, AuthzRelationsResponse, AuthzSaveNamespaceRequest,
    AuthzSaveRelationDefinitionRequest, AuthzSaveSchemaRequest, AuthzWhatCanTargetAccessRequest,
    AuthzWhatCanTargetAccessWithRelationRequest, AuthzWhatCanTargetAccessWithRelationResponse,
    AuthzWhoCanAccessRequest, AuthzWhoCanAccessResponse, EmptyRequest,
};
use descope_api::vocabulary::UserStatus;
use serde_json::Map;

use super::{
    engine::{Engine, Subject},
    put_in_force, record,
    relation::{self, ONE, Relation, SET, Target, key},
    schema::{Definition, Node, Schema, Type},
    store,
};
use crate::{
    area::{some, user::Status},
    error::{ALREADY_EXISTS, Refusal},
    http::{Call, Table, op},
    world::State,
};

pub(super) fn register(table: &mut Table) {
    table
        .done::<op::ManagementAuthzSaveSchema>(save_schema)
        .done::<op::ManagementAuthzDeleteSchema>(delete_schema)
        .on::<op::ManagementAuthzLoadSchema>(|call, _| {
            Ok(AuthzLoadSchemaResponse::new().schema(record(call.state).schema.to_api()))
        })
        .done::<op::ManagementAuthzSaveNamespace>(save_namespace)
        .done::<op::ManagementAuthzDeleteNamespace>(delete_namespace)
        .done::<op::ManagementAuthzSaveRelationDefinition>(save_definition)
        .done::<op::ManagementAuthzDeleteRelationDefinition>(delete_definition)
        .done::<op::ManagementAuthzCreateRelations>(create)
        .done::<op::ManagementAuthzDeleteRelations>(delete)
        .done::<op::ManagementAuthzDeleteRelationsById>(|call, body| {
            let ids = some_of("resources", body.resources)?;
            relation::remove_where(call.state, call.now, |relation| {
                ids.contains(&relation.resource) || relation.target.id().is_some_and(|id| ids.contains(id))
            });
            Ok(())
        })
        .done::<op::ManagementAuthzDeleteRelationsByResource>(|call, body| {
            let ids = some_of("resources", body.resources)?;
            relation::remove_where(call.state, call.now, |relation| ids.contains(&relation.resource));
            Ok(())
        })
        .on::<op::ManagementAuthzHasRelations>(has)
        .on::<op::ManagementAuthzWhoCanAccess>(who)
        .on::<op::ManagementAuthzLoadResourceRelations>(of_resource)
        .on::<op::ManagementAuthzLoadTargetRelations>(of_targets)
        .on::<op::ManagementAuthzWhatCanTargetAccess>(what)
        .on::<op::ManagementAuthzWhatCanTargetAccessWithRelation>(what_with_relation)
        .on::<op::ManagementAuthzLoadModified>(modified);
}

fn some_of(field: &str, values: Vec<String>) -> Result<BTreeSet<String>, Refusal> {
    if values.is_empty() { Err(Refusal::required(field)) } else { Ok(values.into_iter().collect()) }
}

fn save_schema(call: &mut Call<'_>, body: AuthzSaveSchemaRequest) -> Result<(), Refusal> {
    let given = Schema::from_api(&body.schema)?;
    let mut schema = record(call.state).schema;
    if body.upgrade == Some(true) {
        schema.types.retain(|one| given.type_named(&one.name).is_some());
        for one in &mut schema.types {
            let stays = |definition: &Definition| given.definition(&one.name, &definition.name).is_some();
            one.definitions.retain(stays);
        }
    }
    if some(body.schema.name).is_some() {
        schema.name = given.name;
    }
    for one in given.types {
        put_type(&mut schema, one);
    }
    for condition in given.conditions {
        match schema.conditions.iter_mut().find(|known| known.name == condition.name) {
            Some(known) => *known = condition,
            None => schema.conditions.push(condition),
        }
    }
    save(call, schema)
}

/// Checks a schema and puts it in force.
fn save(call: &mut Call<'_>, schema: Schema) -> Result<(), Refusal> {
    schema.check()?;
    let old = record(call.state);
    // What was written in the DSL stands as long as it says the same.
    let dsl = old.dsl.filter(|_| old.schema == schema);
    put_in_force(call, schema, dsl);
    Ok(())
}

fn put_type(schema: &mut Schema, one: Type) {
    match schema.type_mut(&one.name) {
        Some(known) => one.definitions.into_iter().for_each(|definition| known.put(definition)),
        None => schema.types.push(one),
    }
}

fn delete_schema(call: &mut Call<'_>, _: EmptyRequest) -> Result<(), Refusal> {
    let old = record(call.state);
    relation::remove_where(call.state, call.now, |_| true);
    if old.schema != Schema::default() {
        store(call.state, old.next(Schema::default(), None, call.now));
    }
    Ok(())
}

fn save_namespace(call: &mut Call<'_>, body: AuthzSaveNamespaceRequest) -> Result<(), Refusal> {
    let given = Type::from_api(&body.namespace)?;
    let mut schema = record(call.state).schema;
    if let Some(name) = some(body.schema_name) {
        schema.name = name;
    }
    if let Some(old) = some(body.old_name).filter(|old| *old != given.name) {
        if schema.type_named(&given.name).is_some() {
            return Err(Refusal::new(&ALREADY_EXISTS, format!("The namespace {:?} exists already", given.name)));
        }
        schema.type_mut(&old).ok_or_else(|| Refusal::missing("type", &old))?.name.clone_from(&given.name);
        rename_in_schema(&mut schema, |namespace, _| {
            if namespace == &old {
                namespace.clone_from(&given.name);
            }
        });
        rename_relations(call, |namespace, _| {
            if namespace == &old {
                namespace.clone_from(&given.name);
            }
        });
        // The relations have moved already; the schema they are held against has to have moved as well.
        let moved = record(call.state).next(schema.clone(), None, call.now);
        store(call.state, moved);
    }
    put_type(&mut schema, given);
    save(call, schema)
}

/// Changes the names of relations, as type and relation, wherever expressions and kinds of targets have them.
fn rename_in_schema(schema: &mut Schema, change: impl Fn(&mut String, Option<&mut String>)) {
    fn within(node: &mut Node, change: &impl Fn(&mut String, Option<&mut String>)) {
        match node {
            Node::Own => {}
            Node::Same { namespace, relation } => change(namespace, Some(relation)),
            Node::Right { namespace, relation, target, target_namespaces } => {
                change(namespace, Some(relation));
                let renamed: Vec<(String, String)> = target_namespaces
                    .iter()
                    .map(|there| {
                        let (mut there, mut target) = (there.clone(), target.clone());
                        change(&mut there, Some(&mut target));
                        (there, target)
                    })
                    .collect();
                // Where one of several types has the relation renamed, the ways part.
                let mut ways: Vec<Node> = Vec::new();
                for (there, target) in renamed {
                    let known = ways.iter_mut().find_map(|way| match way {
                        Node::Right { target: known, target_namespaces, .. } if *known == target => {
                            Some(target_namespaces)
                        }
                        _ => None,
                    });
                    match known {
                        Some(types) => types.push(there),
                        None => ways.push(Node::Right {
                            namespace: namespace.clone(),
                            relation: relation.clone(),
                            target,
                            target_namespaces: vec![there],
                        }),
                    }
                }
                *node = match ways.pop() {
                    Some(only) if ways.is_empty() => only,
                    last => Node::Union(ways.into_iter().chain(last).collect()),
                };
            }
            Node::Left { namespace, relation, target, target_namespace } => {
                change(namespace, Some(relation));
                change(target_namespace, Some(target));
            }
            Node::Union(nodes) | Node::Intersect(nodes) | Node::Sub(nodes) => {
                for node in nodes {
                    within(node, change);
                }
            }
            Node::Gated(node, _) => within(node, change),
        }
    }
    for definition in schema.types.iter_mut().flat_map(|one| &mut one.definitions) {
        definition.node.iter_mut().for_each(|node| within(node, &change));
        for target in &mut definition.targets {
            change(&mut target.namespace, target.relation.as_mut());
        }
    }
}

/// The same for the relations that were created.
fn rename_relations(call: &mut Call<'_>, change: impl Fn(&mut String, Option<&mut String>)) {
    let all: Vec<Relation> = call.state.relations.iter().map(|record| record.relation.clone()).collect();
    for old in all {
        let mut new = old.clone();
        change(&mut new.namespace, Some(&mut new.relation));
        match &mut new.target {
            Target::One { namespace: Some(namespace), .. } => change(namespace, None),
            Target::Set { namespace, relation, .. } => change(namespace, Some(relation)),
            _ => {}
        }
        if new != old {
            relation::remove(call.state, old, call.now);
            relation::add(call.state, new, call.now);
        }
    }
}

fn delete_namespace(call: &mut Call<'_>, body: AuthzDeleteNamespaceRequest) -> Result<(), Refusal> {
    let mut schema = record(call.state).schema;
    schema.type_named(&body.name).ok_or_else(|| Refusal::missing("type", &body.name))?;
    schema.types.retain(|one| one.name != body.name);
    if let Some(name) = some(body.schema_name) {
        schema.name = name;
    }
    save(call, schema)
}

fn save_definition(call: &mut Call<'_>, body: AuthzSaveRelationDefinitionRequest) -> Result<(), Refusal> {
    let given = Definition::from_api(&body.relation_definition, &body.namespace)?;
    let mut schema = record(call.state).schema;
    if let Some(name) = some(body.schema_name) {
        schema.name = name;
    }
    let one = schema.type_mut(&body.namespace).ok_or_else(|| Refusal::missing("type", &body.namespace))?;
    if let Some(old) = some(body.old_name).filter(|old| *old != given.name) {
        if one.definition(&given.name).is_some() {
            return Err(Refusal::new(&ALREADY_EXISTS, format!("The relation {:?} exists already", given.name)));
        }
        let known = one.definitions.iter_mut().find(|known| known.name == old);
        known.ok_or_else(|| Refusal::missing("relation", &old))?.name.clone_from(&given.name);
        let change = |namespace: &mut String, relation: Option<&mut String>| {
            if let Some(relation) = relation
                && *namespace == body.namespace
                && *relation == old
            {
                relation.clone_from(&given.name);
            }
        };
        rename_in_schema(&mut schema, change);
        rename_relations(call, change);
        let moved = record(call.state).next(schema.clone(), None, call.now);
        store(call.state, moved);
    }
    if let Some(one) = schema.type_mut(&body.namespace) {
        one.put(given);
    }
    save(call, schema)
}

fn delete_definition(call: &mut Call<'_>, body: AuthzDeleteRelationDefinitionRequest) -> Result<(), Refusal> {
    let mut schema = record(call.state).schema;
    schema.require(&body.namespace, &body.name)?;
    if let Some(one) = schema.type_mut(&body.namespace) {
        one.definitions.retain(|definition| definition.name != body.name);
    }
    if let Some(name) = some(body.schema_name) {
        schema.name = name;
    }
    save(call, schema)
}

fn some_relations(relations: Vec<AuthzRelation>) -> Result<Vec<Relation>, Refusal> {
    if relations.is_empty() {
        return Err(Refusal::required("relations"));
    }
    relations.into_iter().map(Relation::from_api).collect()
}

fn create(call: &mut Call<'_>, body: AuthzCreateRelationsRequest) -> Result<(), Refusal> {
    let schema = record(call.state).schema;
    for relation in some_relations(body.relations)? {
        schema.require(&relation.namespace, &relation.relation)?;
        match &relation.target {
            Target::Set { namespace, relation, .. } => {
                schema.require(namespace, relation)?;
            }
            Target::Query(query) => {
                let statuses = query.statuses.iter().map(UserStatus::as_str);
                let mut statuses = statuses.chain(query.user_status.iter().map(String::as_str));
                let known = |status: &str| status == "expired" || Status::parse(status).is_some();
                if let Some(unknown) = statuses.find(|status| !known(status)) {
                    return Err(Refusal::invalid(format!("The statuses field cannot hold {unknown:?}")));
                }
            }
            Target::One { .. } => {}
        }
        relation::add(call.state, relation, call.now);
    }
    Ok(())
}

fn delete(call: &mut Call<'_>, body: AuthzDeleteRelationsRequest) -> Result<(), Refusal> {
    for relation in some_relations(body.relations)? {
        take_back(call.state, relation, call.now);
    }
    Ok(())
}

/// Takes a relation back. The two ways to create one differ in whether they tell the type of a single target, and one
/// takes back what the other has created.
pub(super) fn take_back(state: &mut State, relation: Relation, now: i64) {
    if let Target::One { id, namespace } = &relation.target {
        let prefix = key(&[&relation.namespace, &relation.relation, &relation.resource, ONE, id]);
        let there: Vec<Relation> = state.relations.with_prefix(&prefix).map(|record| record.relation.clone()).collect();
        if !there.contains(&relation) {
            for other in there {
                let untyped = matches!(other.target, Target::One { namespace: None, .. });
                if namespace.is_none() || untyped {
                    relation::remove(state, other, now);
                }
            }
        }
    }
    relation::remove(state, relation, now);
}

fn has(call: &mut Call<'_>, body: AuthzHasRelationsRequest) -> Result<AuthzHasRelationsResponse, Refusal> {
    if body.relation_queries.is_empty() {
        return Err(Refusal::required("relationQueries"));
    }
    let (schema, nothing) = (record(call.state).schema, Map::new());
    let engine = Engine::new(call.state, &schema, &nothing);
    let (mut queries, mut direct) = (Vec::new(), Vec::new());
    for mut query in body.relation_queries {
        let given = |field: &str, value: &Option<String>| {
            value.clone().filter(|value| !value.trim().is_empty()).ok_or_else(|| Refusal::required(field))
        };
        let namespace = given("namespace", &query.namespace)?;
        let relation = given("relationDefinition", &query.relation_definition)?;
        let resource = given("resource", &query.resource)?;
        let target = given("target", &query.target)?;
        let subject = Subject::One { id: &target, namespace: None };
        let answer = engine.check(&namespace, &relation, &resource, subject)?;
        query.has_relation = Some(answer.holds);
        direct.push(answer.direct);
        queries.push(query);
    }
    Ok(AuthzHasRelationsResponse::new().relation_queries(queries).direct_relations(direct))
}

fn who(call: &mut Call<'_>, body: AuthzWhoCanAccessRequest) -> Result<AuthzWhoCanAccessResponse, Refusal> {
    let schema = record(call.state).schema;
    let engine = Engine::new(call.state, &schema, &body.context);
    let targets = engine.who(&body.namespace, &body.relation_definition, &body.resource)?;
    Ok(AuthzWhoCanAccessResponse::new().targets(targets))
}

fn of_resource(
    call: &mut Call<'_>,
    body: AuthzLoadResourceRelationsRequest,
) -> Result<AuthzRelationsResponse, Refusal> {
    let schema = record(call.state).schema;
    let mut found = Vec::new();
    for one in &schema.types {
        for definition in &one.definitions {
            let prefix = key(&[&one.name, &definition.name, &body.resource]);
            for record in call.state.relations.with_prefix(&prefix) {
                let is_set = matches!(record.relation.target, Target::Set { .. });
                if body.ignore_target_set_relations != Some(true) || !is_set {
                    found.push(record.relation.to_api());
                }
            }
        }
    }
    Ok(AuthzRelationsResponse::new().relations(found))
}

fn of_targets(call: &mut Call<'_>, body: AuthzLoadTargetRelationsRequest) -> Result<AuthzRelationsResponse, Refusal> {
    let mut found = Vec::new();
    for target in some_of("targets", body.targets)? {
        let sets = (body.include_target_set_relations == Some(true)).then_some(SET);
        for kind in std::iter::once(ONE).chain(sets) {
            let prefix = key(&[kind, &target]);
            found.extend(call.state.relations.named_with_prefix(&prefix).map(|record| record.relation.to_api()));
        }
    }
    Ok(AuthzRelationsResponse::new().relations(found))
}

fn what(call: &mut Call<'_>, body: AuthzWhatCanTargetAccessRequest) -> Result<AuthzRelationsResponse, Refusal> {
    let schema = record(call.state).schema;
    let engine = Engine::new(call.state, &schema, &body.context);
    let found = engine.what(&body.target, None)?.into_iter().map(|[namespace, relation, resource]| {
        AuthzRelation::new()
            .resource(resource)
            .relation_definition(relation)
            .namespace(namespace)
            .target(body.target.as_str())
    });
    Ok(AuthzRelationsResponse::new().relations(found))
}

fn what_with_relation(
    call: &mut Call<'_>,
    body: AuthzWhatCanTargetAccessWithRelationRequest,
) -> Result<AuthzWhatCanTargetAccessWithRelationResponse, Refusal> {
    let (schema, nothing) = (record(call.state).schema, Map::new());
    let parent = match (some(body.parent_target), some(body.parent_relation_definition)) {
        (Some(target), Some(relation)) => {
            schema.require(&body.namespace, &relation)?;
            Some((target, relation))
        }
        (None, None) => None,
        (Some(_), None) => return Err(Refusal::required("ParentRelationDefinition")),
        (None, Some(_)) => return Err(Refusal::required("ParentTarget")),
    };
    let engine = Engine::new(call.state, &schema, &nothing);
    let found = engine.what(&body.target, Some((&body.namespace, &body.relation_definition)))?;
    let below = |resource: &String| {
        parent.as_ref().is_none_or(|(target, relation)| {
            let prefix = key(&[&body.namespace, relation, resource, ONE, target]);
            call.state.relations.with_prefix(&prefix).next().is_some()
        })
    };
    let resources = found.into_iter().map(|[_, _, resource]| resource).filter(below);
    Ok(AuthzWhatCanTargetAccessWithRelationResponse::new().resources(resources))
}

/// What has changed after a moment. The emulator knows the second of a change, and so tells of all that may have been
/// after.
fn modified(call: &mut Call<'_>, body: AuthzLoadModifiedRequest) -> Result<AuthzLoadModifiedResponse, Refusal> {
    let since = body.since.unwrap_or_default();
    if since < 0 {
        return Err(Refusal::invalid("The since field cannot be negative"));
    }
    let after = |at: i64| at >= since.div_euclid(1000);
    let changes = || call.state.relation_changes.iter().filter(|change| after(change.at));
    let schema = record(call.state);
    Ok(AuthzLoadModifiedResponse::new()
        .resources(changes().filter_map(|change| change.resource()))
        .targets(changes().filter_map(|change| change.target()))
        .schema_changed(schema.version > 0 && after(schema.changed_at)))
}
