//! The operations in one line each, for readers with little room, such as a language model.

use std::fmt::Write as _;

use serde_json::Value;

use crate::document::{Document, Operation, members};

/// The text of `llms.txt`: a title, what a call carries, and the operations of each tag.
pub(crate) fn llms(document: &Document) -> String {
    let info = &document.value["info"];
    let mut text = format!("# {} API\n\n> {}\n\n", line(&info["title"]), line(&info["description"]));
    text.push_str(
        "The whole description is in `descope.openapi.json`; this file has one line for each operation: method, path, \
         operation id, summary, and in brackets what the bearer is made of. `public` takes none.\n",
    );
    for tag in document.value["tags"].as_array().into_iter().flatten() {
        let name = line(&tag["name"]);
        let of_tag = document.operations().into_iter().filter(|operation| operation.tag() == Some(&name));
        let mut lines: Vec<String> = of_tag.map(|operation| self::operation(document, operation)).collect();
        if lines.is_empty() {
            continue;
        }
        lines.sort();
        let _ = write!(text, "\n## {name}\n\n{}\n\n{}\n", line(&tag["description"]), lines.join("\n"));
    }
    text
}

fn operation(document: &Document, operation: Operation<'_>) -> String {
    let (method, path) = (operation.method.to_ascii_uppercase(), operation.path);
    let id = operation.id().unwrap_or_default();
    let summary = line(&operation.value["summary"]);
    let deprecated = if operation.value["deprecated"] == true { "deprecated; " } else { "" };
    format!("- {method} {path} `{id}`: {summary} [{deprecated}{}]", credential(document, operation))
}

/// What the bearer is made of: `projectId:refreshJwt or projectId`.
fn credential(document: &Document, operation: Operation<'_>) -> String {
    let schemes = &document.value["components"]["securitySchemes"];
    let security = operation.value.get("security").unwrap_or(&document.value["security"]);
    let alternatives = security.as_array().into_iter().flatten().map(|alternative| {
        let form = |(name, _): (&str, &Value)| schemes[name]["bearerFormat"].as_str().unwrap_or(name).to_owned();
        members(alternative).into_iter().map(form).collect::<Vec<_>>().join(" and ")
    });
    let alternatives: Vec<String> = alternatives.collect();
    if alternatives.is_empty() { "public".to_owned() } else { alternatives.join(" or ") }
}

/// A text on one line.
fn line(value: &Value) -> String {
    value.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "openapi: 3.0.3\ninfo: {title: Things, description: 'All of\n  them.'}\nsecurity: []\n\
        tags: [{name: empty, description: None.}, {name: thing, description: Things.}]\n\
        components: {securitySchemes: {Key: {type: http, scheme: bearer, bearerFormat: 'projectId:key'}, \
        Plain: {type: http, scheme: bearer}}}\n";

    const PART: &str = "paths:\n  /b:\n    get: {operationId: thingLoad, tags: [thing], summary: Load it, \
        security: [{Key: []}, {Plain: []}]}\n  /a:\n    post: {operationId: thingMake, tags: [thing], \
        summary: Make it, deprecated: true}\n";

    #[test]
    fn each_operation_has_a_line_below_its_tag() {
        let parts = [("spec/openapi.yaml", HEAD), ("spec/thing.yaml", PART)];
        let parts = parts.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let text = llms(&Document::join(&parts).unwrap());
        assert!(text.starts_with("# Things API\n\n> All of them.\n\n"), "{text}");
        let lines = "\n## thing\n\nThings.\n\n- GET /b `thingLoad`: Load it [projectId:key or Plain]\n\
            - POST /a `thingMake`: Make it [deprecated; public]\n";
        assert!(text.ends_with(lines), "{text}");
        assert!(!text.contains("empty"), "a tag without operations is left out");
    }
}
