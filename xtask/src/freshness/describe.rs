//! What the document says of a request that an SDK makes.

use serde_json::Value;

use super::follow::UNKNOWN;
use crate::document::{Document, Operation, members};

/// Deeper than the members of any request.
const MAX_DEPTH: usize = 24;

pub(super) struct Described<'a> {
    document: &'a Document,
    operations: Vec<Operation<'a>>,
}

impl<'a> Described<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, operations: document.operations() }
    }

    /// The operations that a path can belong to; one whose path has the words of it comes before one with parameters.
    pub(super) fn find(&self, method: &str, path: &str) -> Vec<Operation<'a>> {
        let of_method = self.operations.iter().copied().filter(|operation| operation.method == method);
        let mut found: Vec<_> =
            of_method.filter_map(|operation| Some((fit(path, operation.path)?, operation))).collect();
        let best = found.iter().map(|(parameters, _)| *parameters).min();
        let unknown = path.contains('{');
        found.retain(|(parameters, _)| unknown || Some(*parameters) == best);
        found.into_iter().map(|(_, operation)| operation).collect()
    }

    /// The methods that the document has for a path.
    pub(super) fn methods(&self, path: &str) -> Vec<String> {
        let fits = self.operations.iter().filter(|operation| fit(path, operation.path).is_some());
        fits.map(|operation| operation.method.to_ascii_uppercase()).collect()
    }

    pub(super) fn has_query(&self, operation: Operation<'a>, name: &str) -> bool {
        ["query", "path"].into_iter().any(|place| self.has_parameter(operation, place, name))
    }

    fn has_parameter(&self, operation: Operation<'a>, place: &str, name: &str) -> bool {
        let parameters = operation.value["parameters"].as_array().into_iter().flatten();
        let mut parameters = parameters.map(|parameter| self.document.resolve(parameter));
        parameters.any(|parameter| parameter["in"] == place && parameter["name"] == name)
    }

    /// Whether the body of an operation has a member of this name, in the objects and lists around it.
    pub(super) fn has_member(&self, operation: Operation<'a>, path: &[String]) -> bool {
        // What is in the path need not be sent twice.
        if path.len() == 1 && self.has_parameter(operation, "path", &path[0]) {
            return true;
        }
        let body = self.document.resolve(&operation.value["requestBody"]);
        members(&body["content"]).into_iter().any(|(_, media)| self.has(&media["schema"], path, 0))
    }

    fn has(&self, schema: &'a Value, path: &[String], depth: usize) -> bool {
        let [name, rest @ ..] = path else { return true };
        if depth > MAX_DEPTH {
            return true;
        }
        let schema = self.document.resolve(schema);
        let variants = ["allOf", "oneOf", "anyOf"].iter().filter_map(|kind| schema[*kind].as_array()).flatten();
        if variants.into_iter().any(|variant| self.has(variant, path, depth + 1)) {
            return true;
        }
        if schema["items"].is_object() {
            return self.has(&schema["items"], path, depth + 1);
        }
        let alias = members(&schema["x-descope-aliases"]).into_iter().find_map(|(property, names)| {
            let listed = names.as_array().is_some_and(|names| names.iter().any(|alias| alias == name));
            (names == name || listed).then_some(property)
        });
        if let Some(property) = schema["properties"].get(alias.unwrap_or(name)) {
            return self.has(property, rest, depth + 1);
        }
        match &schema["additionalProperties"] {
            Value::Bool(open) => *open,
            Value::Null => {
                // Nothing is said of what it holds.
                let shapes = ["properties", "type", "allOf", "oneOf", "anyOf"];
                shapes.iter().all(|shape| schema[*shape].is_null())
                    || schema["type"] == "object" && schema["properties"].is_null() && schema["allOf"].is_null()
            }
            values => self.has(values, rest, depth + 1),
        }
    }
}

/// Whether a path can be one of a template, and how many parameters of the template it fills.
fn fit(path: &str, template: &str) -> Option<usize> {
    let (path, template) = (unknowns(path), template.split('/').collect::<Vec<_>>());
    fit_parts(&path.split('/').collect::<Vec<_>>(), &template)
}

fn fit_parts(path: &[&str], template: &[&str]) -> Option<usize> {
    match (path, template) {
        ([], []) => Some(0),
        // `authorize{}` can be `authorize` and `authorize/signin`.
        ([part], [known, rest @ ..]) if rest.len() < 2 && part.strip_suffix(UNKNOWN) == Some(known) => Some(0),
        ([part, path @ ..], [known, template @ ..]) if known.starts_with('{') || part == known || *part == UNKNOWN => {
            Some(usize::from(known.starts_with('{')) + fit_parts(path, template)?)
        }
        _ => None,
    }
}

/// Writes every part that is not known alike: `{provider}`, `{}`.
fn unknowns(path: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for next in path.chars() {
        match next {
            '{' => inside = true,
            '}' => {
                inside = false;
                text.push_str(UNKNOWN);
            }
            _ if inside => {}
            other => text.push(other),
        }
    }
    text
}
