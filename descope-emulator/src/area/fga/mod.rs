//! Who may do what with which resource: relations between resources and targets, and a schema that derives more from
//! them. The ReBAC calls and the FGA calls see one schema and one set of relations.

mod authz;
mod backup;
mod condition;
mod dsl;
mod engine;
mod mappable;
mod relation;
mod schema;
#[cfg(test)]
mod tests;

use descope_api::types::{
    FgaCheckInfo, FgaCheckRequest, FgaCheckResponse, FgaCheckResult, FgaDryRunSchemaResponse, FgaLoadSchemaResponse,
    FgaRelationsRequest, FgaSchemaDeletes, FgaSchemaRequest, FgaTuple,
};

pub(crate) use self::{
    backup::BackupRecord,
    mappable::DetailsRecord,
    relation::{ChangeRecord, RelationRecord},
    schema::SchemaRecord,
};
use self::{
    engine::{Engine, Subject},
    relation::{Relation, Target},
    schema::{Losses, Schema},
};
use crate::{
    error::{NOT_EMULATED, Refusal},
    http::{Call, Nothing, Table, op},
    world::State,
};

pub(super) fn register(table: &mut Table) {
    authz::register(table);
    backup::register(table);
    mappable::register(table);
    table
        .done::<op::ManagementFgaSaveSchema>(save_schema)
        .on::<op::ManagementFgaLoadSchema>(load_schema)
        .on::<op::ManagementFgaDryRunSchema>(dry_run)
        .done::<op::ManagementFgaCreateRelations>(|call, body| {
            for relation in typed(call.state, body, true)? {
                relation::add(call.state, relation, call.now);
            }
            Ok(())
        })
        .done::<op::ManagementFgaDeleteRelations>(|call, body| {
            for relation in typed(call.state, body, false)? {
                authz::take_back(call.state, relation, call.now);
            }
            Ok(())
        })
        .done::<op::ManagementFgaDeleteAllRelations>(|call, _| {
            relation::remove_where(call.state, call.now, |_| true);
            Ok(())
        })
        .on::<op::ManagementFgaCheck>(check);
}

/// The schema with what is known of it, or an empty one.
fn record(state: &State) -> SchemaRecord {
    state.relation_schemas.get(SchemaRecord::ID).cloned().unwrap_or_default()
}

/// Puts a schema in force, and removes the relations that it has no place for.
fn put_in_force(call: &mut Call<'_>, schema: Schema, dsl: Option<String>) {
    let old = record(call.state);
    if old.schema == schema && (dsl.is_none() || old.dsl == dsl) {
        return;
    }
    let losses = schema.losses(&old.schema);
    store(call.state, old.next(schema, dsl, call.now));
    remove_lost(call, &losses);
}

fn store(state: &mut State, record: SchemaRecord) {
    state.relation_schemas.remove(&mut state.log, SchemaRecord::ID);
    // The id has just become free.
    let _ = state.relation_schemas.insert(&mut state.log, record);
}

fn remove_lost(call: &mut Call<'_>, losses: &Losses) {
    if losses.is_empty() {
        return;
    }
    relation::remove_where(call.state, call.now, |relation| {
        losses.types.contains(&relation.namespace)
            || losses.relations.iter().any(|(of, name)| *of == relation.namespace && *name == relation.relation)
    });
}

fn parse(body: &FgaSchemaRequest) -> Result<Schema, Refusal> {
    if body.dsl.trim().is_empty() {
        return Err(Refusal::required("dsl"));
    }
    dsl::parse(&body.dsl)
        .map_err(|error| Refusal::invalid(format!("Line {} of the schema: {}", error.line, error.message)))
}

fn save_schema(call: &mut Call<'_>, body: FgaSchemaRequest) -> Result<(), Refusal> {
    let schema = parse(&body)?;
    put_in_force(call, schema, Some(body.dsl));
    Ok(())
}

fn load_schema(call: &mut Call<'_>, _: Nothing) -> Result<FgaLoadSchemaResponse, Refusal> {
    let record = record(call.state);
    let dsl = match record.dsl {
        Some(dsl) => dsl,
        None if record.schema.types.is_empty() && record.schema.conditions.is_empty() => String::new(),
        None => dsl::print(&record.schema).map_err(|what| {
            Refusal::invalid(format!("The schema was saved in its structured form, and the DSL cannot say {what}"))
        })?,
    };
    Ok(FgaLoadSchemaResponse::new().dsl(dsl).schema(record.schema.to_api()).version(record.version.to_string()))
}

/// Tells what saving a schema would delete.
fn dry_run(call: &mut Call<'_>, body: FgaSchemaRequest) -> Result<FgaDryRunSchemaResponse, Refusal> {
    let losses = parse(&body)?.losses(&record(call.state).schema);
    let deletes = FgaSchemaDeletes::new()
        .has_deletes(!losses.is_empty())
        .relations(losses.relations.iter().map(|(of, name)| format!("{of}#{name}")))
        .types(losses.types);
    Ok(FgaDryRunSchemaResponse::new().deletes_preview(deletes))
}

/// The members of a tuple, none of them empty.
struct Tuple {
    resource: String,
    resource_type: String,
    relation: String,
    target: String,
    target_type: String,
}

impl Tuple {
    fn new(tuple: FgaTuple) -> Result<Self, Refusal> {
        let given = |field: &str, value: Option<String>| {
            value.filter(|value| !value.trim().is_empty()).ok_or_else(|| Refusal::required(field))
        };
        Ok(Self {
            resource: given("resource", tuple.resource)?,
            resource_type: given("resourceType", tuple.resource_type)?,
            relation: given("relation", tuple.relation)?,
            target: given("target", tuple.target)?,
            target_type: given("targetType", tuple.target_type)?,
        })
    }

    /// The type and relation of a set of targets, such as `group#member`.
    fn set(&self) -> Option<(&str, &str)> {
        self.target_type.split_once('#')
    }
}

fn some_tuples(tuples: Vec<FgaTuple>) -> Result<Vec<Tuple>, Refusal> {
    if tuples.is_empty() {
        return Err(Refusal::required("tuples"));
    }
    tuples.into_iter().map(Tuple::new).collect()
}

/// The relations of a request; new ones have to be such as the schema takes.
fn typed(state: &State, body: FgaRelationsRequest, new: bool) -> Result<Vec<Relation>, Refusal> {
    let schema = record(state).schema;
    let mut relations = Vec::new();
    for tuple in some_tuples(body.tuples)? {
        let definition = schema.require(&tuple.resource_type, &tuple.relation)?;
        if definition.permission && new {
            return Err(Refusal::invalid(format!(
                "{}#{} is a permission; it follows from relations and cannot be given",
                tuple.resource_type, tuple.relation
            )));
        }
        let takes = definition.targets.iter().any(|kind| match (&kind.relation, tuple.set()) {
            (Some(relation), Some((of, name))) => kind.namespace == of && relation == name,
            (None, None) => kind.namespace == tuple.target_type,
            _ => false,
        });
        if new && !takes && !definition.targets.is_empty() {
            return Err(Refusal::invalid(format!(
                "{}#{} takes no targets of type {:?}",
                tuple.resource_type, tuple.relation, tuple.target_type
            )));
        }
        let target = match tuple.set() {
            Some((of, name)) => {
                if new {
                    schema.require(of, name)?;
                }
                Target::Set { namespace: of.to_owned(), relation: name.to_owned(), resource: tuple.target }
            }
            None => Target::One { id: tuple.target, namespace: Some(tuple.target_type) },
        };
        let (namespace, relation, resource) = (tuple.resource_type, tuple.relation, tuple.resource);
        relations.push(Relation { namespace, resource, relation, target });
    }
    Ok(relations)
}

fn check(call: &mut Call<'_>, body: FgaCheckRequest) -> Result<FgaCheckResponse, Refusal> {
    if body.compute_paths == Some(true) {
        let message = "Paths of checks are not emulated: how the service names their steps is not documented";
        return Err(Refusal::new(&NOT_EMULATED, message));
    }
    let record = record(call.state);
    let engine = Engine::new(call.state, &record.schema, &body.context);
    let mut results = Vec::new();
    let asked = body.tuples.clone();
    for (tuple, asked) in some_tuples(body.tuples)?.into_iter().zip(asked) {
        let subject = match tuple.set() {
            Some((namespace, relation)) => Subject::Set { resource: &tuple.target, relation, namespace },
            None => Subject::One { id: &tuple.target, namespace: Some(&tuple.target_type) },
        };
        let answer = engine.check(&tuple.resource_type, &tuple.relation, &tuple.resource, subject)?;
        let mut info = FgaCheckInfo::new()
            .direct(answer.direct)
            .conditional(answer.conditional)
            .missing_context(answer.missing)
            .conditional_err(answer.failed.unwrap_or_default())
            .fact_used(false);
        if body.list_conditions == Some(true) {
            let those =
                |is: bool| answer.conditions.iter().filter(move |(_, held)| **held == is).map(|(number, _)| *number);
            info = info.true_conditions(those(true)).false_conditions(those(false));
        }
        results.push(FgaCheckResult::new().allowed(answer.holds).tuple(asked).info(info));
    }
    Ok(FgaCheckResponse::new().tuples(results).schema_version(record.version.to_string()))
}
