//! Whether a target has a relation with a resource, who has it, and what a target has.
//!
//! A question opens up a graph: each relation with each resource is a node, and its expression refers to other nodes.
//! The graph is walked breadth first, without recursion, and only as far as it takes to decide the question. What is
//! left undecided at the end stands in a circle. Nobody is a member because of a circle alone, so such nodes are false;
//! where a circle leads through a subtraction, so that a relation holds if it does not hold, the answer is undecided and
//! counts as a refusal. The same goes for conditions that cannot be told. In books this is called the well-founded
//! semantics.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use descope_api::{
    types::{AuthzUserQuery, User},
    vocabulary::UserStatus,
};
use serde_json::{Map, Value};

use super::{
    condition::{Gate, Outcome},
    relation::{ONE, QUERY, Relation, SET, Target, key},
    schema::{Definition, Node, Schema},
};
use crate::{area::search, error::Refusal, world::State};

/// How many relations with resources one question may lead to.
const MAX_NODES: usize = 200_000;

/// Answers questions by one schema, the relations of one project and one context.
pub(super) struct Engine<'a> {
    state: &'a State,
    schema: &'a Schema,
    context: &'a Map<String, Value>,
    definitions: Vec<Defined<'a>>,
    by_name: HashMap<(&'a str, &'a str), usize>,
    conditions: RefCell<BTreeMap<&'a str, Outcome>>,
    /// How many nodes a question may lead to.
    limit: usize,
}

struct Defined<'a> {
    namespace: &'a str,
    definition: &'a Definition,
}

/// Who is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    /// A single target, of any type where none is given.
    One { id: &'a str, namespace: Option<&'a str> },
    /// All who stand in a relation to a resource, as one.
    Set { resource: &'a str, relation: &'a str, namespace: &'a str },
}

/// The answer to one question.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) holds: bool,
    /// Whether only relations that name the resource or the target can change it.
    pub(super) direct: bool,
    /// Whether it was for a condition.
    pub(super) conditional: bool,
    pub(super) missing: BTreeSet<String>,
    pub(super) failed: Option<String>,
    /// Numbers of the conditions that it was for, with what they said.
    pub(super) conditions: BTreeMap<i64, bool>,
}

/// An expression whose references are nodes of the graph.
enum Formula<'a> {
    /// The single targets and queries of the node itself.
    Direct,
    Node(usize),
    Any(Vec<Formula<'a>>),
    All(Vec<Formula<'a>>),
    Less(Vec<Formula<'a>>),
    Gated(&'a Gate, Box<Formula<'a>>),
}

impl Formula<'_> {
    fn references(&self, found: &mut Vec<usize>) {
        match self {
            Self::Direct => {}
            Self::Node(node) => found.push(*node),
            Self::Any(parts) | Self::All(parts) | Self::Less(parts) => {
                for part in parts {
                    part.references(found);
                }
            }
            Self::Gated(_, part) => part.references(found),
        }
    }

    fn gates<'f>(&'f self, found: &mut Vec<&'f str>) {
        match self {
            Self::Direct | Self::Node(_) => {}
            Self::Any(parts) | Self::All(parts) | Self::Less(parts) => parts.iter().for_each(|part| part.gates(found)),
            Self::Gated(gate, part) => {
                gate.names(found);
                part.gates(found);
            }
        }
    }
}

/// One relation with one resource.
struct Place<'a> {
    definition: usize,
    resource: String,
    /// What it follows from, once that was looked up.
    formula: Option<Formula<'a>>,
    references: Vec<usize>,
    dependents: Vec<usize>,
}

/// The part of the graph that was looked at.
#[derive(Default)]
struct Graph<'a> {
    places: Vec<Place<'a>>,
    index: HashMap<usize, HashMap<String, usize>>,
}

/// What is known of the nodes for one subject.
#[derive(Default)]
struct Run {
    values: Vec<Option<bool>>,
    direct: Vec<Option<bool>>,
    seen: Vec<bool>,
}

impl Run {
    fn fit(&mut self, length: usize) {
        self.values.resize(length, None);
        self.direct.resize(length, None);
        self.seen.resize(length, false);
    }
}

/// How a run goes.
#[derive(Clone, Copy)]
struct Mode {
    /// Only nodes with this number's resource are looked at, and no users.
    only: Option<usize>,
    /// Conditions count as unknown.
    blind: bool,
    /// The run goes on when the question is decided, so that it can be used for further questions.
    shared: bool,
}

const WHOLE: Mode = Mode { only: None, blind: false, shared: false };

impl<'a> Engine<'a> {
    pub(super) fn new(state: &'a State, schema: &'a Schema, context: &'a Map<String, Value>) -> Self {
        let mut definitions = Vec::new();
        let mut by_name = HashMap::new();
        for one in &schema.types {
            for definition in &one.definitions {
                by_name.insert((one.name.as_str(), definition.name.as_str()), definitions.len());
                definitions.push(Defined { namespace: one.name.as_str(), definition });
            }
        }
        let conditions = RefCell::default();
        Self { state, schema, context, definitions, by_name, conditions, limit: MAX_NODES }
    }

    fn find(&self, namespace: &str, relation: &str) -> Result<usize, Refusal> {
        self.schema.require(namespace, relation)?;
        self.lookup(namespace, relation).ok_or_else(|| Refusal::missing("relation", relation))
    }

    fn lookup(&self, namespace: &str, relation: &str) -> Option<usize> {
        self.by_name.get(&(namespace, relation)).copied()
    }

    /// Whether the subject has the relation with the resource.
    pub(super) fn check(
        &self,
        namespace: &str,
        relation: &str,
        resource: &str,
        subject: Subject<'_>,
    ) -> Result<Answer, Refusal> {
        let definition = self.find(namespace, relation)?;
        let mut graph = Graph::default();
        let root = self.place(&mut graph, definition, resource)?;
        let conditional = !self.schema.conditions.is_empty();
        // First with the resource alone: what that decides, nothing else can change.
        let near = self.solve(&mut graph, root, subject, &mut Run::default(), Mode { only: Some(root), ..WHOLE })?;
        let direct = near.is_some();
        let mut run = Run::default();
        let value = if direct && !conditional { near } else { self.solve(&mut graph, root, subject, &mut run, WHOLE)? };
        let mut answer = Answer { holds: value == Some(true), direct, ..Answer::default() };
        if conditional {
            self.explain(&mut graph, root, subject, value, &mut answer)?;
        }
        Ok(answer)
    }

    /// Tells whether the answer was for conditions, and for which of them.
    fn explain(
        &self,
        graph: &mut Graph<'a>,
        root: usize,
        subject: Subject<'_>,
        value: Option<bool>,
        answer: &mut Answer,
    ) -> Result<(), Refusal> {
        let mut run = Run::default();
        let blind = self.solve(graph, root, subject, &mut run, Mode { blind: true, ..WHOLE })?;
        if blind.is_some() {
            return Ok(());
        }
        let mut names = Vec::new();
        for (number, place) in graph.places.iter().enumerate() {
            // What was decided without conditions was not for one.
            if run.seen.get(number) == Some(&true) && run.values.get(number) == Some(&None) {
                place.formula.iter().for_each(|formula| formula.gates(&mut names));
            }
        }
        answer.conditional = !names.is_empty();
        for (index, condition) in self.schema.conditions.iter().enumerate() {
            if !names.contains(&condition.name.as_str()) {
                continue;
            }
            match self.outcome(&condition.name) {
                Outcome::Is(is) => {
                    answer.conditions.insert(Schema::number(index), is);
                }
                // Where the others decide, nobody has to know.
                _ if value.is_some() => {}
                Outcome::Missing(missing) => answer.missing.extend(missing),
                Outcome::Failed(why) => {
                    answer.failed.get_or_insert(why);
                }
            }
        }
        Ok(())
    }

    /// All single targets that have the relation with the resource.
    pub(super) fn who(&self, namespace: &str, relation: &str, resource: &str) -> Result<Vec<String>, Refusal> {
        let definition = self.find(namespace, relation)?;
        let mut graph = Graph::default();
        let root = self.place(&mut graph, definition, resource)?;
        // Which nodes there are does not depend on who is asked for, so that whoever stands in one of them may be it.
        let mut next = 0;
        let mut candidates: BTreeSet<String> = BTreeSet::new();
        let mut queried: HashSet<String> = HashSet::new();
        while next < graph.places.len() {
            self.expand(&mut graph, next)?;
            let node = self.node_key(&graph, next, &[]);
            for relation in self.state.relations.with_prefix(&node).map(|record| &record.relation) {
                match &relation.target {
                    Target::One { id, .. } => {
                        candidates.insert(id.clone());
                    }
                    Target::Query(query) => {
                        if queried.insert(serde_json::to_string(query).unwrap_or_default()) {
                            let fit = self.state.users.iter().filter(|user| fits(&user.to_api(self.state), query));
                            candidates.extend(fit.map(|user| user.id.clone()));
                        }
                    }
                    Target::Set { .. } => {}
                }
            }
            next += 1;
        }
        let mut found = Vec::new();
        for candidate in candidates {
            let subject = Subject::One { id: &candidate, namespace: None };
            if self.solve(&mut graph, root, subject, &mut Run::default(), WHOLE)? == Some(true) {
                found.push(candidate);
            }
        }
        Ok(found)
    }

    /// All relations that a target has, as types with relations and resources, in this order.
    pub(super) fn what(&self, target: &str, wanted: Option<(&str, &str)>) -> Result<Vec<[String; 3]>, Refusal> {
        let wanted = wanted.map(|(namespace, relation)| self.find(namespace, relation)).transpose()?;
        let candidates = self.reached_from(target)?;
        let subject = Subject::One { id: target, namespace: None };
        let mut graph = Graph::default();
        let mut run = Run::default();
        let mut found = BTreeSet::new();
        for (definition, resource) in candidates {
            if wanted.is_some_and(|wanted| wanted != definition) {
                continue;
            }
            let root = self.place(&mut graph, definition, &resource)?;
            if self.solve(&mut graph, root, subject, &mut run, Mode { shared: true, ..WHOLE })? == Some(true)
                && let Some(Defined { namespace, definition }) = self.definitions.get(definition)
            {
                found.insert([(*namespace).to_owned(), definition.name.clone(), resource]);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Every node that a target may have a part in: the graph against its arrows.
    fn reached_from(&self, target: &str) -> Result<Vec<(usize, String)>, Refusal> {
        let mut same: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut right: HashMap<usize, Vec<(usize, &str, &str)>> = HashMap::new();
        let mut left: HashMap<usize, Vec<(usize, &str, &str)>> = HashMap::new();
        for (number, Defined { definition, .. }) in self.definitions.iter().enumerate() {
            let mut leaves = Vec::new();
            definition.node.iter().for_each(|node| node.leaves(&mut leaves));
            for leaf in leaves {
                match leaf {
                    Node::Same { namespace, relation } => {
                        if let Some(of) = self.lookup(namespace, relation) {
                            same.entry(of).or_default().push(number);
                        }
                    }
                    Node::Right { namespace, relation, target, target_namespaces } => {
                        for of in target_namespaces.iter().filter_map(|there| self.lookup(there, target)) {
                            right.entry(of).or_default().push((number, namespace, relation));
                        }
                    }
                    Node::Left { namespace, relation, target, target_namespace } => {
                        if let Some(of) = self.lookup(target_namespace, target) {
                            left.entry(of).or_default().push((number, namespace, relation));
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut seen: HashSet<(usize, String)> = HashSet::new();
        let mut open: Vec<(usize, String)> = Vec::new();
        let mut reach = |place: (usize, String), open: &mut Vec<(usize, String)>| {
            if seen.insert(place.clone()) {
                open.push(place);
            }
            if seen.len() > self.limit { Err(too_large(self.limit)) } else { Ok(()) }
        };
        let of = |relation: &Relation| {
            self.lookup(&relation.namespace, &relation.relation).map(|number| (number, relation.resource.clone()))
        };
        for record in self.state.relations.named_with_prefix(&key(&[ONE, target])) {
            of(&record.relation).map_or(Ok(()), |place| reach(place, &mut open))?;
        }
        if let Some(user) = self.state.users.get(target).map(|user| user.to_api(self.state)) {
            for record in self.state.relations.named_with_prefix(&key(&[QUERY])) {
                if matches!(&record.relation.target, Target::Query(query) if fits(&user, query)) {
                    of(&record.relation).map_or(Ok(()), |place| reach(place, &mut open))?;
                }
            }
        }
        let mut all = Vec::new();
        while let Some((number, resource)) = open.pop() {
            let Some(Defined { namespace, definition }) = self.definitions.get(number) else { continue };
            let as_set = key(&[SET, &resource, &definition.name, namespace]);
            for record in self.state.relations.named_with_prefix(&as_set) {
                of(&record.relation).map_or(Ok(()), |place| reach(place, &mut open))?;
            }
            for dependent in same.get(&number).into_iter().flatten() {
                reach((*dependent, resource.clone()), &mut open)?;
            }
            for (dependent, namespace, relation) in right.get(&number).into_iter().flatten() {
                // The keys by target have the type of the resource first.
                let prefix = key(&[ONE, &resource, namespace, relation]);
                for record in self.state.relations.named_with_prefix(&prefix) {
                    reach((*dependent, record.relation.resource.clone()), &mut open)?;
                }
            }
            for (dependent, namespace, relation) in left.get(&number).into_iter().flatten() {
                let prefix = key(&[namespace, relation, &resource, ONE]);
                for record in self.state.relations.with_prefix(&prefix) {
                    if let Target::One { id, .. } = &record.relation.target {
                        reach((*dependent, id.clone()), &mut open)?;
                    }
                }
            }
            all.push((number, resource));
        }
        Ok(all)
    }

    /// The node of a relation with a resource.
    fn place(&self, graph: &mut Graph<'a>, definition: usize, resource: &str) -> Result<usize, Refusal> {
        let known = graph.index.entry(definition).or_default();
        if let Some(number) = known.get(resource) {
            return Ok(*number);
        }
        let number = graph.places.len();
        if number >= self.limit {
            return Err(too_large(self.limit));
        }
        known.insert(resource.to_owned(), number);
        graph.places.push(Place {
            definition,
            resource: resource.to_owned(),
            formula: None,
            references: Vec::new(),
            dependents: Vec::new(),
        });
        Ok(number)
    }

    /// The beginning of the keys of a node's relations.
    fn node_key(&self, graph: &Graph<'a>, number: usize, more: &[&str]) -> String {
        let Some(place) = graph.places.get(number) else { return String::new() };
        let Some(Defined { namespace, definition }) = self.definitions.get(place.definition) else {
            return String::new();
        };
        key(&[&[*namespace, definition.name.as_str(), place.resource.as_str()], more].concat())
    }

    /// Looks up what a node follows from.
    fn expand(&self, graph: &mut Graph<'a>, number: usize) -> Result<(), Refusal> {
        let Some(place) = graph.places.get(number) else { return Ok(()) };
        if place.formula.is_some() {
            return Ok(());
        }
        let Some(Defined { definition, .. }) = self.definitions.get(place.definition) else { return Ok(()) };
        let formula = self.formula(graph, number, definition.node.as_ref().unwrap_or(&Node::Own))?;
        let mut references = Vec::new();
        formula.references(&mut references);
        references.sort_unstable();
        references.dedup();
        for reference in &references {
            if let Some(place) = graph.places.get_mut(*reference) {
                place.dependents.push(number);
            }
        }
        if let Some(place) = graph.places.get_mut(number) {
            (place.formula, place.references) = (Some(formula), references);
        }
        Ok(())
    }

    fn formula(&self, graph: &mut Graph<'a>, number: usize, node: &'a Node) -> Result<Formula<'a>, Refusal> {
        let all = |nodes: &'a [Node], graph: &mut Graph<'a>| {
            nodes.iter().map(|node| self.formula(graph, number, node)).collect::<Result<Vec<_>, _>>()
        };
        let (resource, here) = match graph.places.get(number) {
            Some(place) => {
                (place.resource.clone(), self.definitions.get(place.definition).map_or("", |defined| defined.namespace))
            }
            None => return Ok(Formula::Any(Vec::new())),
        };
        Ok(match node {
            Node::Own => {
                let mut parts = vec![Formula::Direct];
                let prefix = self.node_key(graph, number, &[SET]);
                for record in self.state.relations.with_prefix(&prefix) {
                    if let Target::Set { resource, relation, namespace } = &record.relation.target
                        && let Some(definition) = self.lookup(namespace, relation)
                    {
                        parts.push(Formula::Node(self.place(graph, definition, resource)?));
                    }
                }
                Formula::Any(parts)
            }
            Node::Same { namespace, relation } => match self.lookup(namespace, relation) {
                Some(definition) => Formula::Node(self.place(graph, definition, &resource)?),
                None => Formula::Any(Vec::new()),
            },
            Node::Right { namespace, relation, target, target_namespaces } => {
                let mut parts = Vec::new();
                let prefix = key(&[namespace, relation, &resource, ONE]);
                for record in self.state.relations.with_prefix(&prefix) {
                    let Target::One { id, namespace: kind } = &record.relation.target else { continue };
                    for there in target_namespaces {
                        if kind.as_ref().is_none_or(|kind| kind == there)
                            && let Some(definition) = self.lookup(there, target)
                        {
                            parts.push(Formula::Node(self.place(graph, definition, id)?));
                        }
                    }
                }
                Formula::Any(parts)
            }
            Node::Left { namespace, relation, target, target_namespace } => {
                let mut parts = Vec::new();
                let prefix = key(&[ONE, &resource, namespace, relation]);
                for record in self.state.relations.named_with_prefix(&prefix) {
                    let Target::One { namespace: kind, .. } = &record.relation.target else { continue };
                    if kind.as_ref().is_none_or(|kind| kind == here)
                        && let Some(definition) = self.lookup(target_namespace, target)
                    {
                        parts.push(Formula::Node(self.place(graph, definition, &record.relation.resource)?));
                    }
                }
                Formula::Any(parts)
            }
            Node::Union(nodes) => Formula::Any(all(nodes, graph)?),
            Node::Intersect(nodes) => Formula::All(all(nodes, graph)?),
            Node::Sub(nodes) => Formula::Less(all(nodes, graph)?),
            Node::Gated(node, gate) => Formula::Gated(gate, Box::new(self.formula(graph, number, node)?)),
        })
    }

    /// Decides a node, as far as it can be decided.
    fn solve(
        &self,
        graph: &mut Graph<'a>,
        root: usize,
        subject: Subject<'_>,
        run: &mut Run,
        mode: Mode,
    ) -> Result<Option<bool>, Refusal> {
        let value = |run: &Run| run.values.get(root).copied().flatten();
        let inside = |graph: &Graph<'a>, number: usize| match mode.only {
            Some(only) => {
                graph.places.get(number).map(|one| &one.resource) == graph.places.get(only).map(|one| &one.resource)
            }
            None => true,
        };
        run.fit(graph.places.len());
        if run.seen.get(root) == Some(&true) {
            return Ok(value(run));
        }
        let open = |graph: &Graph<'a>, run: &Run, number: usize| -> Vec<usize> {
            if run.values.get(number) != Some(&None) {
                return Vec::new();
            }
            let references = graph.places.get(number).into_iter().flat_map(|place| &place.references);
            let open = |one: &&usize| run.seen.get(**one) == Some(&false) && inside(graph, **one);
            references.filter(open).copied().collect()
        };
        let mut frontier = vec![root];
        while !frontier.is_empty() {
            for number in &frontier {
                self.expand(graph, *number)?;
            }
            run.fit(graph.places.len());
            let mut dirty = frontier.clone();
            for number in &frontier {
                if let Some(seen) = run.seen.get_mut(*number) {
                    *seen = true;
                }
            }
            self.settle(graph, subject, run, mode, &mut dirty);
            if value(run).is_some() && !mode.shared {
                return Ok(value(run));
            }
            let next: BTreeSet<usize> = frontier.into_iter().flat_map(|number| open(graph, run, number)).collect();
            frontier = next.into_iter().collect();
        }
        // What is left stands in circles. Whatever nothing outside of them holds up is false.
        loop {
            let mut fallen = self.unfounded(graph, subject, run, mode);
            if fallen.is_empty() {
                return Ok(value(run));
            }
            let mut dirty = Vec::new();
            for number in &fallen {
                if let Some(value) = run.values.get_mut(*number) {
                    *value = Some(false);
                }
                dirty.extend(graph.places.get(*number).into_iter().flat_map(|place| place.dependents.iter().copied()));
            }
            fallen.clear();
            self.settle(graph, subject, run, mode, &mut dirty);
        }
    }

    /// Decides nodes again after something that they refer to was decided, until nothing new comes of it.
    fn settle(&self, graph: &Graph<'a>, subject: Subject<'_>, run: &mut Run, mode: Mode, dirty: &mut Vec<usize>) {
        while let Some(number) = dirty.pop() {
            if run.seen.get(number) != Some(&true) || run.values.get(number) != Some(&None) {
                continue;
            }
            let Some(place) = graph.places.get(number) else { continue };
            let Some(formula) = &place.formula else { continue };
            let value = self.value(graph, number, formula, subject, run, mode);
            if value.is_some() {
                if let Some(place) = run.values.get_mut(number) {
                    *place = value;
                }
                dirty.extend(place.dependents.iter().copied());
            }
        }
    }

    /// The undecided nodes that could only be true because of each other.
    fn unfounded(&self, graph: &Graph<'a>, subject: Subject<'_>, run: &mut Run, mode: Mode) -> Vec<usize> {
        let undecided =
            |run: &Run, number: usize| run.seen.get(number) == Some(&true) && run.values.get(number) == Some(&None);
        let open: Vec<usize> = (0..graph.places.len()).filter(|number| undecided(run, *number)).collect();
        let mut possible = vec![false; graph.places.len()];
        let mut dirty = open.clone();
        while let Some(number) = dirty.pop() {
            if !undecided(run, number) || possible.get(number) == Some(&true) {
                continue;
            }
            let Some(place) = graph.places.get(number) else { continue };
            let Some(formula) = &place.formula else { continue };
            if self.possible(graph, number, formula, subject, run, mode, &possible) {
                if let Some(place) = possible.get_mut(number) {
                    *place = true;
                }
                dirty.extend(place.dependents.iter().copied());
            }
        }
        open.into_iter().filter(|number| possible.get(*number) == Some(&false)).collect()
    }

    /// Whether an expression may be true when of the undecided nodes only those are that are known to be possible.
    #[allow(clippy::too_many_arguments, reason = "it is one step of `unfounded`")]
    fn possible(
        &self,
        graph: &Graph<'a>,
        number: usize,
        formula: &Formula<'a>,
        subject: Subject<'_>,
        run: &mut Run,
        mode: Mode,
        possible: &[bool],
    ) -> bool {
        let may = |part: &Formula<'a>, run: &mut Run| self.possible(graph, number, part, subject, run, mode, possible);
        match formula {
            Formula::Direct => self.direct(graph, number, subject, run, mode) != Some(false),
            Formula::Node(node) => match run.values.get(*node).copied().flatten() {
                Some(value) => value,
                // A node that was not looked at may be anything.
                None => run.seen.get(*node) != Some(&true) || possible.get(*node) == Some(&true),
            },
            Formula::Any(parts) => parts.iter().any(|part| may(part, run)),
            Formula::All(parts) => parts.iter().all(|part| may(part, run)),
            Formula::Less(parts) => {
                let Some((first, rest)) = parts.split_first() else { return false };
                may(first, run)
                    && rest.iter().all(|part| self.value(graph, number, part, subject, run, mode) != Some(true))
            }
            Formula::Gated(gate, part) => self.gate(gate, mode) != Some(false) && may(part, run),
        }
    }

    /// What an expression comes to by what is decided.
    fn value(
        &self,
        graph: &Graph<'a>,
        number: usize,
        formula: &Formula<'a>,
        subject: Subject<'_>,
        run: &mut Run,
        mode: Mode,
    ) -> Option<bool> {
        match formula {
            Formula::Direct => self.direct(graph, number, subject, run, mode),
            Formula::Node(node) => run.values.get(*node).copied().flatten(),
            Formula::Any(parts) => {
                let parts = parts.iter().map(|part| self.value(graph, number, part, subject, run, mode));
                decide(parts, true)
            }
            Formula::All(parts) => {
                let parts = parts.iter().map(|part| self.value(graph, number, part, subject, run, mode));
                decide(parts, false)
            }
            Formula::Less(parts) => {
                let parts = parts.iter().enumerate().map(|(index, part)| {
                    let value = self.value(graph, number, part, subject, run, mode);
                    if index == 0 { value } else { value.map(|value| !value) }
                });
                decide(parts, false)
            }
            Formula::Gated(gate, part) => {
                let gate = self.gate(gate, mode);
                if gate == Some(false) {
                    return gate;
                }
                decide([gate, self.value(graph, number, part, subject, run, mode)].into_iter(), false)
            }
        }
    }

    /// Whether the relations of the node itself name the subject.
    fn direct(
        &self,
        graph: &Graph<'a>,
        number: usize,
        subject: Subject<'_>,
        run: &mut Run,
        mode: Mode,
    ) -> Option<bool> {
        if let Some(Some(known)) = run.direct.get(number) {
            return Some(*known);
        }
        let value = self.look(graph, number, subject, mode);
        if let Some(place) = run.direct.get_mut(number) {
            *place = value;
        }
        value
    }

    fn look(&self, graph: &Graph<'a>, number: usize, subject: Subject<'_>, mode: Mode) -> Option<bool> {
        let (id, kind) = match subject {
            Subject::One { id, namespace } => (id, namespace),
            Subject::Set { resource, relation, namespace } => {
                // A set is part of itself, and of what it is a target of.
                let place = graph.places.get(number)?;
                let defined = self.definitions.get(place.definition)?;
                let itself = (defined.namespace, defined.definition.name.as_str(), place.resource.as_str())
                    == (namespace, relation, resource);
                let prefix = self.node_key(graph, number, &[SET, resource, relation, namespace]);
                return Some(itself || self.state.relations.with_prefix(&prefix).next().is_some());
            }
        };
        let prefix = self.node_key(graph, number, &[ONE, id]);
        let mut named = self.state.relations.with_prefix(&prefix);
        let fits_kind = |target: &Target| match (target, kind) {
            (Target::One { namespace: Some(own), .. }, Some(kind)) => own == kind,
            _ => true,
        };
        if named.any(|record| fits_kind(&record.relation.target)) {
            return Some(true);
        }
        let prefix = self.node_key(graph, number, &[QUERY]);
        let mut queries = self.state.relations.with_prefix(&prefix).peekable();
        if queries.peek().is_none() {
            return Some(false);
        }
        if mode.only.is_some() {
            // Users change without any relation.
            return None;
        }
        let Some(user) = self.state.users.get(id).map(|user| user.to_api(self.state)) else { return Some(false) };
        Some(queries.any(|record| matches!(&record.relation.target, Target::Query(query) if fits(&user, query))))
    }

    /// Whether a gate is open; nothing where it cannot be told.
    fn gate(&self, gate: &'a Gate, mode: Mode) -> Option<bool> {
        if mode.blind {
            return None;
        }
        match gate {
            Gate::Holds(name) => self.outcome(name).known(),
            Gate::Not(gate) => self.gate(gate, mode).map(|open| !open),
            Gate::And(gates) => decide(gates.iter().map(|gate| self.gate(gate, mode)), false),
            Gate::Or(gates) => decide(gates.iter().map(|gate| self.gate(gate, mode)), true),
        }
    }

    /// What a condition says; it is evaluated once.
    fn outcome(&self, name: &str) -> Outcome {
        if let Some(known) = self.conditions.borrow().get(name) {
            return known.clone();
        }
        let Some(condition) = self.schema.conditions.iter().find(|condition| condition.name == name) else {
            return Outcome::Failed(format!("There is no condition {name:?}"));
        };
        let outcome = condition.evaluate(self.context);
        self.conditions.borrow_mut().insert(&condition.name, outcome.clone());
        outcome
    }
}

/// Joins values by or, when one that is true decides, or by and, when one that is false does.
fn decide(parts: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut all = Some(!decisive);
    for part in parts {
        match part {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

fn too_large(limit: usize) -> Refusal {
    Refusal::invalid(format!(
        "The question leads to more than {limit} relations with resources, where the emulator stops"
    ))
}

/// Whether a user is among those that a query means.
pub(super) fn fits(user: &User, query: &AuthzUserQuery) -> bool {
    let mut roles = user.role_names.iter().chain(user.user_tenants.iter().flat_map(|tenant| &tenant.role_names));
    let tenants = user.user_tenants.iter().filter_map(|tenant| tenant.tenant_id.as_deref());
    let status = user.status.as_deref().unwrap_or_default();
    let statuses: Vec<&str> =
        query.statuses.iter().map(UserStatus::as_str).chain(query.user_status.iter().map(String::as_str)).collect();
    let text = query.text.as_deref().filter(|text| !text.is_empty());
    let by_sso = user.saml == Some(true) || user.oidc == Some(true);
    (query.with_test_user == Some(true) || user.test != Some(true))
        && (query.sso_only != Some(true) || by_sso)
        && search::any_chosen(&query.tenants, tenants)
        && (query.roles.is_empty() || roles.any(|role| query.roles.contains(role)))
        && search::chosen(&statuses, status)
        && search::attributes_fit(&query.custom_attributes, &user.custom_attributes)
        && text.is_none_or(|text| {
            let texts = [&user.name, &user.email, &user.phone].into_iter().flatten().chain(&user.login_ids);
            texts.into_iter().any(|own| search::contains(own, text))
        })
}
