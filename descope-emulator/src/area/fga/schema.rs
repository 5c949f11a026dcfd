//! What the schema of a project is: types with relations and permissions, and the expressions that these follow from.
//!
//! The structured form of the ReBAC calls and the DSL of the FGA calls are two ways to write one schema.

use std::collections::{BTreeSet, HashSet};

use descope_api::types::{
    AuthzCondition, AuthzConditionParameter, AuthzNamespace, AuthzNode, AuthzNodeExpression, AuthzRelationDefinition,
    AuthzSchema,
};
use serde::{Deserialize, Serialize};

use super::condition::{Condition, Gate};
use crate::{error::Refusal, world::Record};

/// How deep an expression may be nested. Expressions are walked by recursion, so there has to be an end.
pub(super) const MAX_DEPTH: usize = 64;

/// The schema of a project, of which there is one or none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SchemaRecord {
    id: String,
    /// Grows with every change and is never used twice.
    pub(super) version: i64,
    /// Epoch seconds of the last change.
    pub(super) changed_at: i64,
    /// The schema as it was written in the DSL, while that is what is in force.
    pub(super) dsl: Option<String>,
    pub(super) schema: Schema,
}

impl SchemaRecord {
    /// The id of the only one.
    pub(super) const ID: &'static str = "schema";

    /// The schema that follows this one.
    pub(super) fn next(&self, schema: Schema, dsl: Option<String>, now: i64) -> Self {
        Self { id: Self::ID.to_owned(), version: self.version + 1, changed_at: now, dsl, schema }
    }
}

impl Record for SchemaRecord {
    const AUDITED: Option<&'static str> = None;

    fn id(&self) -> &str {
        &self.id
    }
}

/// Types with their relations, and the conditions that these refer to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Schema {
    pub(super) name: String,
    pub(super) types: Vec<Type>,
    pub(super) conditions: Vec<Condition>,
}

/// A kind of resource; the ReBAC calls say namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Type {
    pub(super) name: String,
    pub(super) definitions: Vec<Definition>,
}

/// A relation or a permission of a type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Definition {
    pub(super) name: String,
    /// Whether nothing can be related by it directly.
    pub(super) permission: bool,
    /// The kinds of targets that a relation takes. Those of a schema in structured form are not known, and so any is
    /// taken.
    pub(super) targets: Vec<TargetKind>,
    /// What it follows from; from the relations that were created where there is nothing.
    pub(super) node: Option<Node>,
}

/// A kind of target: `user`, or `group#member` for all members of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TargetKind {
    pub(super) namespace: String,
    pub(super) relation: Option<String>,
}

/// An expression that a relation follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Node {
    /// The relations that were created.
    Own,
    /// All who stand in another relation to the same resource.
    Same {
        namespace: String,
        relation: String,
    },
    /// Goes from the resource to the targets of `relation`, and takes those who stand in `target` to them. The targets
    /// may be of several types.
    Right {
        namespace: String,
        relation: String,
        target: String,
        target_namespaces: Vec<String>,
    },
    /// Goes back to the resources whose `relation` leads here, and takes those who stand in `target` to them.
    Left {
        namespace: String,
        relation: String,
        target: String,
        target_namespace: String,
    },
    Union(Vec<Node>),
    Intersect(Vec<Node>),
    /// The first without all the others.
    Sub(Vec<Node>),
    /// Counts only while a condition holds.
    Gated(Box<Node>, Gate),
}

impl Node {
    pub(super) fn has_own(&self) -> bool {
        match self {
            Self::Own => true,
            Self::Union(nodes) | Self::Intersect(nodes) | Self::Sub(nodes) => nodes.iter().any(Self::has_own),
            Self::Gated(node, _) => node.has_own(),
            Self::Same { .. } | Self::Right { .. } | Self::Left { .. } => false,
        }
    }

    /// Every leaf of the expression.
    pub(super) fn leaves<'a>(&'a self, found: &mut Vec<&'a Node>) {
        match self {
            Self::Union(nodes) | Self::Intersect(nodes) | Self::Sub(nodes) => {
                for node in nodes {
                    node.leaves(found);
                }
            }
            Self::Gated(node, _) => node.leaves(found),
            leaf => found.push(leaf),
        }
    }

    fn from_api(node: &AuthzNode, here: &str, depth: usize) -> Result<Self, Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::invalid(format!("An expression is nested more than {MAX_DEPTH} levels deep")));
        }
        let kind = node.n_type.as_ref().map_or("", |kind| kind.as_str());
        if kind == "child" || kind.is_empty() && node.expression.is_some() {
            let leaf = node.expression.as_ref().ok_or_else(|| Refusal::required("expression"))?;
            return Self::leaf_from_api(leaf, here);
        }
        let children: Vec<Self> =
            node.children.iter().map(|child| Self::from_api(child, here, depth + 1)).collect::<Result<_, _>>()?;
        if children.is_empty() {
            return Err(Refusal::invalid(format!("A node of type {kind:?} has no children")));
        }
        match kind {
            "union" => Ok(Self::Union(children)),
            "intersect" => Ok(Self::Intersect(children)),
            "sub" => Ok(Self::Sub(children)),
            other => Err(Refusal::invalid(format!(
                "The nType field cannot be {other:?}; it is child, union, intersect or sub"
            ))),
        }
    }

    fn leaf_from_api(leaf: &AuthzNodeExpression, here: &str) -> Result<Self, Refusal> {
        let or_here = |namespace: &Option<String>| match namespace {
            Some(namespace) if !namespace.is_empty() => namespace.clone(),
            _ => here.to_owned(),
        };
        let given = |field: &str, value: &Option<String>| {
            value.clone().filter(|value| !value.is_empty()).ok_or_else(|| Refusal::required(field))
        };
        let kind = leaf.ne_type.as_ref().map_or("", |kind| kind.as_str());
        match kind {
            "self" => Ok(Self::Own),
            "targetSet" => Ok(Self::Same {
                relation: given("targetRelationDefinition", &leaf.target_relation_definition)?,
                namespace: or_here(&leaf.target_relation_definition_namespace),
            }),
            "relationRight" => Ok(Self::Right {
                namespace: or_here(&leaf.relation_definition_namespace),
                relation: given("relationDefinition", &leaf.relation_definition)?,
                target: given("targetRelationDefinition", &leaf.target_relation_definition)?,
                target_namespaces: vec![or_here(&leaf.target_relation_definition_namespace)],
            }),
            "relationLeft" => Ok(Self::Left {
                namespace: or_here(&leaf.relation_definition_namespace),
                relation: given("relationDefinition", &leaf.relation_definition)?,
                target: given("targetRelationDefinition", &leaf.target_relation_definition)?,
                target_namespace: or_here(&leaf.target_relation_definition_namespace),
            }),
            other => Err(Refusal::invalid(format!(
                "The neType field cannot be {other:?}; it is self, targetSet, relationLeft or relationRight"
            ))),
        }
    }

    /// The structured form. It has no place for conditions.
    fn to_api(&self) -> AuthzNode {
        let child = |leaf: AuthzNodeExpression| AuthzNode::new().n_type("child").expression(leaf);
        let leaf = |kind: &str| AuthzNodeExpression::new().ne_type(kind);
        let join = |kind: &str, nodes: &[Self]| AuthzNode::new().n_type(kind).children(nodes.iter().map(Self::to_api));
        match self {
            Self::Own => child(leaf("self")),
            Self::Same { namespace, relation } => child(
                leaf("targetSet")
                    .target_relation_definition(relation.as_str())
                    .target_relation_definition_namespace(namespace.as_str()),
            ),
            Self::Right { namespace, relation, target, target_namespaces } => {
                let mut ways: Vec<AuthzNode> = target_namespaces
                    .iter()
                    .map(|target_namespace| {
                        child(
                            leaf("relationRight")
                                .relation_definition(relation.as_str())
                                .relation_definition_namespace(namespace.as_str())
                                .target_relation_definition(target.as_str())
                                .target_relation_definition_namespace(target_namespace.as_str()),
                        )
                    })
                    .collect();
                match ways.pop() {
                    Some(only) if ways.is_empty() => only,
                    last => AuthzNode::new().n_type("union").children(ways.into_iter().chain(last)),
                }
            }
            Self::Left { namespace, relation, target, target_namespace } => child(
                leaf("relationLeft")
                    .relation_definition(relation.as_str())
                    .relation_definition_namespace(namespace.as_str())
                    .target_relation_definition(target.as_str())
                    .target_relation_definition_namespace(target_namespace.as_str()),
            ),
            Self::Union(nodes) => join("union", nodes),
            Self::Intersect(nodes) => join("intersect", nodes),
            Self::Sub(nodes) => join("sub", nodes),
            Self::Gated(node, _) => node.to_api(),
        }
    }
}

impl Definition {
    pub(super) fn from_api(definition: &AuthzRelationDefinition, here: &str) -> Result<Self, Refusal> {
        let name = definition.name.clone().filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| Refusal::required("relationDefinition.name"))?;
        let node = match &definition.complex_definition {
            // Clients send an empty one for none.
            Some(node) if node.n_type.is_some() || node.expression.is_some() || !node.children.is_empty() => {
                Some(Node::from_api(node, here, 0)?)
            }
            _ => None,
        };
        let permission = node.as_ref().is_some_and(|node| !node.has_own());
        Ok(Self { name, permission, targets: Vec::new(), node })
    }

    fn to_api(&self) -> AuthzRelationDefinition {
        let mut definition = AuthzRelationDefinition::new().name(self.name.as_str());
        // A relation that only a condition narrows has nothing else to it in this form.
        if let Some(node) = &self.node
            && !matches!(node, Node::Gated(inner, _) if **inner == Node::Own)
        {
            definition = definition.complex_definition(node.to_api());
        }
        definition
    }

    /// Whether the relations that were created for it count.
    pub(super) fn has_own(&self) -> bool {
        self.node.as_ref().is_none_or(Node::has_own)
    }

    /// The kinds of targets in a fixed order, to see whether two definitions take the same.
    fn target_set(&self) -> BTreeSet<&TargetKind> {
        self.targets.iter().collect()
    }
}

impl Type {
    pub(super) fn from_api(namespace: &AuthzNamespace) -> Result<Self, Refusal> {
        let name = namespace.name.clone().filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| Refusal::required("namespace.name"))?;
        let mut definitions: Vec<Definition> = Vec::new();
        for definition in &namespace.relation_definitions {
            let definition = Definition::from_api(definition, &name)?;
            if definitions.iter().any(|known| known.name == definition.name) {
                let message = format!("The relation {:?} is there twice in the namespace {name:?}", definition.name);
                return Err(Refusal::invalid(message));
            }
            definitions.push(definition);
        }
        Ok(Self { name, definitions })
    }

    fn to_api(&self) -> AuthzNamespace {
        AuthzNamespace::new()
            .name(self.name.as_str())
            .relation_definitions(self.definitions.iter().map(Definition::to_api))
    }

    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|definition| definition.name == name)
    }

    /// Puts a definition in place. One that says in the structured form what is there already leaves what only the DSL
    /// can say as it is.
    pub(super) fn put(&mut self, definition: Definition) {
        match self.definitions.iter_mut().find(|known| known.name == definition.name) {
            Some(known) => {
                let same = |one: &Definition, two: &Definition| {
                    serde_json::to_value(one.to_api()).ok() == serde_json::to_value(two.to_api()).ok()
                };
                if !same(known, &definition) {
                    *known = definition;
                }
            }
            None => self.definitions.push(definition),
        }
    }
}

impl Schema {
    pub(super) fn from_api(schema: &AuthzSchema) -> Result<Self, Refusal> {
        let mut types: Vec<Type> = Vec::new();
        for namespace in &schema.namespaces {
            let one = Type::from_api(namespace)?;
            if types.iter().any(|known| known.name == one.name) {
                return Err(Refusal::invalid(format!("The namespace {:?} is there twice", one.name)));
            }
            types.push(one);
        }
        let mut conditions: Vec<Condition> = Vec::new();
        // Those of the service itself are answered by it and mean nothing when they come back.
        for condition in schema.conditions.iter().filter(|condition| condition.builtin != Some(true)) {
            let condition = Condition::from_api(condition)?;
            if conditions.iter().any(|known| known.name == condition.name) {
                return Err(Refusal::invalid(format!("The condition {:?} is there twice", condition.name)));
            }
            conditions.push(condition);
        }
        Ok(Self { name: schema.name.clone().unwrap_or_default(), types, conditions })
    }

    pub(super) fn to_api(&self) -> AuthzSchema {
        let conditions = self.conditions.iter().enumerate().map(|(index, condition)| {
            let params = condition
                .params
                .iter()
                .map(|(name, kind)| AuthzConditionParameter::new().name(name.as_str()).type_(kind.as_str()));
            AuthzCondition::new()
                .id(Self::number(index))
                .name(condition.name.as_str())
                .expression(condition.expression())
                .params(params)
                .builtin(condition.is_builtin())
        });
        AuthzSchema::new()
            .name(self.name.as_str())
            .namespaces(self.types.iter().map(Type::to_api))
            .conditions(conditions)
    }

    /// The number by which answers refer to a condition.
    pub(super) fn number(index: usize) -> i64 {
        i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1)
    }

    pub(super) fn type_named(&self, name: &str) -> Option<&Type> {
        self.types.iter().find(|one| one.name == name)
    }

    pub(super) fn type_mut(&mut self, name: &str) -> Option<&mut Type> {
        self.types.iter_mut().find(|one| one.name == name)
    }

    pub(super) fn definition(&self, namespace: &str, name: &str) -> Option<&Definition> {
        self.type_named(namespace)?.definition(name)
    }

    /// The definition that a call names.
    pub(super) fn require(&self, namespace: &str, name: &str) -> Result<&Definition, Refusal> {
        let one = self.type_named(namespace).ok_or_else(|| Refusal::missing("type", namespace))?;
        one.definition(name).ok_or_else(|| Refusal::missing("relation", &format!("{namespace}#{name}")))
    }

    /// Refuses a schema whose expressions lead nowhere.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let known: HashSet<(&str, &str)> = self
            .types
            .iter()
            .flat_map(|one| one.definitions.iter().map(|definition| (one.name.as_str(), definition.name.as_str())))
            .collect();
        for one in &self.types {
            for definition in &one.definitions {
                let mut leaves = Vec::new();
                definition.node.iter().for_each(|node| node.leaves(&mut leaves));
                for (namespace, relation) in leaves.into_iter().flat_map(refers_to) {
                    if !known.contains(&(namespace, relation)) {
                        return Err(Refusal::invalid(format!(
                            "{}#{} refers to {namespace}#{relation}, which is not defined",
                            one.name, definition.name
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// What is lost when this schema takes the place of another: its types, and relations of types that stay.
    pub(super) fn losses(&self, old: &Self) -> Losses {
        let mut losses = Losses::default();
        for one in &old.types {
            let Some(new) = self.type_named(&one.name) else {
                losses.types.push(one.name.clone());
                continue;
            };
            for definition in one.definitions.iter().filter(|definition| !definition.permission) {
                let stays = new.definition(&definition.name).is_some_and(|new| {
                    // A relation that takes other targets is another relation. Where they are not known, nothing
                    // tells them apart.
                    let unknown = new.targets.is_empty() || definition.targets.is_empty();
                    new.has_own() && (unknown || new.target_set() == definition.target_set())
                });
                if !stays {
                    losses.relations.push((one.name.clone(), definition.name.clone()));
                }
            }
        }
        losses
    }
}

/// The relations that a leaf refers to.
fn refers_to(leaf: &Node) -> Vec<(&str, &str)> {
    match leaf {
        Node::Same { namespace, relation } => vec![(namespace, relation)],
        Node::Right { namespace, relation, target, target_namespaces } => {
            let ends = target_namespaces.iter().map(|there| (there.as_str(), target.as_str()));
            std::iter::once((namespace.as_str(), relation.as_str())).chain(ends).collect()
        }
        Node::Left { namespace, relation, target, target_namespace } => {
            vec![(namespace, relation), (target_namespace, target)]
        }
        _ => Vec::new(),
    }
}

/// What saving a schema would delete.
#[derive(Debug, Default)]
pub(super) struct Losses {
    pub(super) types: Vec<String>,
    /// Types with their relations.
    pub(super) relations: Vec<(String, String)>,
}

impl Losses {
    pub(super) fn is_empty(&self) -> bool {
        self.types.is_empty() && self.relations.is_empty()
    }
}
