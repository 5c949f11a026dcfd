//! Relations that were created, and how they are found.

use descope_api::types::{AuthzRelation, AuthzUserQuery};
use serde::{Deserialize, Serialize};

use crate::{
    error::Refusal,
    world::{Record, State},
};

/// One relation between a resource and its target.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Relation", into = "Relation")]
pub(crate) struct RelationRecord {
    /// Sorts relations by what they relate to, single targets before sets before queries.
    id: String,
    /// Sorts relations by their target.
    name: String,
    pub(super) relation: Relation,
}

/// What a relation says.
#[allow(clippy::struct_field_names, reason = "it is what the API calls it")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Relation {
    pub(super) namespace: String,
    pub(super) resource: String,
    pub(super) relation: String,
    pub(super) target: Target,
}

/// Who is related.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    One {
        id: String,
        namespace: Option<String>,
    },
    /// All who stand in a relation to another resource.
    Set {
        resource: String,
        relation: String,
        namespace: String,
    },
    /// The users who fit at the time of a check.
    Query(Box<AuthzUserQuery>),
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

/// Parts with an end to each, so that no two lists of parts give one key, and a list gives the beginning of the keys
/// that it is the beginning of.
pub(super) fn key(parts: &[&str]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 2).sum());
    for part in parts {
        if part.contains('\0') {
            key.push_str(&part.replace('\0', "\0\u{2}"));
        } else {
            key.push_str(part);
        }
        key.push_str("\0\u{1}");
    }
    key
}

/// The kinds of targets in keys.
pub(super) const ONE: &str = "1";
pub(super) const SET: &str = "2";
pub(super) const QUERY: &str = "3";

impl Target {
    fn parts(&self) -> Vec<String> {
        match self {
            Self::One { id, namespace } => {
                vec![ONE.to_owned(), id.clone(), namespace.clone().unwrap_or_default()]
            }
            Self::Set { resource, relation, namespace } => {
                vec![SET.to_owned(), resource.clone(), relation.clone(), namespace.clone()]
            }
            Self::Query(query) => vec![QUERY.to_owned(), serde_json::to_string(query).unwrap_or_default()],
        }
    }

    /// The id by which changes of the target are told.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::One { id, .. } => Some(id),
            Self::Set { resource, .. } => Some(resource),
            Self::Query(_) => None,
        }
    }
}

impl From<Relation> for RelationRecord {
    fn from(relation: Relation) -> Self {
        let target = relation.target.parts();
        let target: Vec<&str> = target.iter().map(String::as_str).collect();
        let node = [relation.namespace.as_str(), relation.relation.as_str(), relation.resource.as_str()];
        let id = key(&[&node[..], &target[..]].concat());
        // The namespace of a single target comes last, because nobody asks for it.
        let name = match (&relation.target, target.as_slice()) {
            (Target::One { .. }, [kind, one, namespace]) => {
                key(&[&[*kind, *one][..], &node[..], &[*namespace]].concat())
            }
            _ => key(&[&target[..], &node[..]].concat()),
        };
        Self { id, name, relation }
    }
}

impl From<RelationRecord> for Relation {
    fn from(record: RelationRecord) -> Self {
        record.relation
    }
}

impl Record for RelationRecord {
    const AUDITED: Option<&'static str> = None;

    fn id(&self) -> &str {
        &self.id
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

impl Relation {
    /// A relation as the ReBAC calls write it.
    pub(super) fn from_api(relation: AuthzRelation) -> Result<Self, Refusal> {
        let given = |field: &str, value: Option<String>| {
            value.filter(|value| !value.trim().is_empty()).ok_or_else(|| Refusal::required(field))
        };
        let one = relation.target.filter(|target| !target.is_empty());
        let set = relation.target_set_resource.filter(|resource| !resource.is_empty());
        let target = match (one, set, relation.query) {
            (Some(id), None, None) => {
                Target::One { id, namespace: relation.target_namespace.filter(|namespace| !namespace.is_empty()) }
            }
            (None, Some(resource), None) => Target::Set {
                resource,
                relation: given("targetSetRelationDefinition", relation.target_set_relation_definition)?,
                namespace: given(
                    "targetSetRelationDefinitionNamespace",
                    relation.target_set_relation_definition_namespace,
                )?,
            },
            (None, None, Some(query)) => Target::Query(Box::new(query)),
            (None, None, None) => return Err(Refusal::required("target")),
            _ => {
                let message = "A relation has one target: target, targetSetResource or query, not several of them";
                return Err(Refusal::invalid(message));
            }
        };
        Ok(Self {
            resource: given("resource", relation.resource)?,
            relation: given("relationDefinition", relation.relation_definition)?,
            namespace: given("namespace", relation.namespace)?,
            target,
        })
    }

    pub(super) fn to_api(&self) -> AuthzRelation {
        let relation = AuthzRelation::new()
            .resource(self.resource.as_str())
            .relation_definition(self.relation.as_str())
            .namespace(self.namespace.as_str());
        match &self.target {
            Target::One { id, namespace: None } => relation.target(id.as_str()),
            Target::One { id, namespace: Some(namespace) } => {
                relation.target(id.as_str()).target_namespace(namespace.as_str())
            }
            Target::Set { resource, relation: of, namespace } => relation
                .target_set_resource(resource.as_str())
                .target_set_relation_definition(of.as_str())
                .target_set_relation_definition_namespace(namespace.as_str()),
            Target::Query(query) => relation.query((**query).clone()),
        }
    }
}

/// When an id was last part of a relation that came or went.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangeRecord {
    /// `r` or `t`, for resources and targets, and the id.
    id: String,
    /// Epoch seconds.
    pub(super) at: i64,
}

impl Record for ChangeRecord {
    const AUDITED: Option<&'static str> = None;

    fn id(&self) -> &str {
        &self.id
    }
}

impl ChangeRecord {
    /// The id of a resource, when it is one that has changed.
    pub(super) fn resource(&self) -> Option<&str> {
        self.id.strip_prefix('r')
    }

    /// The id of a target, when it is one that has changed.
    pub(super) fn target(&self) -> Option<&str> {
        self.id.strip_prefix('t')
    }
}

fn note(state: &mut State, id: String, at: i64) {
    if state.relation_changes.update(&mut state.log, &id, |change| change.at = at).is_none() {
        // The id is free, or the update had found it.
        let _ = state.relation_changes.insert(&mut state.log, ChangeRecord { id, at });
    }
}

fn note_change(state: &mut State, relation: &Relation, now: i64) {
    note(state, format!("r{}", relation.resource), now);
    if let Some(target) = relation.target.id() {
        note(state, format!("t{target}"), now);
    }
}

/// Adds a relation. One that is there already stays.
pub(super) fn add(state: &mut State, relation: Relation, now: i64) {
    let record = RelationRecord::from(relation);
    if !state.relations.contains(&record.id) {
        note_change(state, &record.relation, now);
        // The id is free, and the name holds the same parts.
        let _ = state.relations.insert(&mut state.log, record);
    }
}

/// Takes a relation back, when it is there.
pub(super) fn remove(state: &mut State, relation: Relation, now: i64) {
    let record = RelationRecord::from(relation);
    if state.relations.remove(&mut state.log, &record.id).is_some() {
        note_change(state, &record.relation, now);
    }
}

/// Takes back all relations that are chosen.
pub(super) fn remove_where(state: &mut State, now: i64, chosen: impl Fn(&Relation) -> bool) {
    let gone: Vec<Relation> =
        state.relations.iter().map(|record| &record.relation).filter(|relation| chosen(relation)).cloned().collect();
    for relation in gone {
        remove(state, relation, now);
    }
}
