//! `x-descope-sdk`: there where it has to be, and of members that exist.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Report;
use crate::{
    codegen::overlay::{self, BY_HAND, NAME, Overlay},
    document::{Document, Operation, members},
};

pub(super) fn check(document: &Document, report: &mut Report<'_>) {
    areas(document, report);
    schemas(document, report);
    let verbs: BTreeMap<(&str, &str), Operation<'_>> = document
        .operations()
        .iter()
        .filter_map(|operation| {
            let area = overlay::area(document, operation.tag()?)?.0;
            Some(((area, Overlay::of(operation)?.verb), *operation))
        })
        .collect();
    let mut taken = BTreeMap::new();
    for operation in document.operations() {
        let pointer = format!("{}/{NAME}", operation.pointer());
        let Some(sdk) = Overlay::of(&operation) else {
            if overlay::is_for_management(&operation) {
                report.at(&operation.pointer(), format!("is called with a management key and has no {NAME}"));
            }
            continue;
        };
        if !overlay::is_for_management(&operation) {
            report.at(&pointer, "is not called with a management key; the SDK has no generated function for it");
            continue;
        }
        let tag = operation.tag().unwrap_or_default();
        let Some((area, _)) = overlay::area(document, tag) else {
            report.at(&pointer, format!("its tag `{tag}` has no {NAME} in spec/openapi.yaml, which names the area"));
            continue;
        };
        if let Some(reason) = sdk.handwritten {
            let alone = operation.value[NAME].as_object().is_some_and(|members| members.len() == 1);
            if !alone || reason.len() < 15 {
                report.at(&pointer, "`handwritten` stands alone, and says why in words");
            }
            continue;
        }
        if !is_snake_case(sdk.verb) || sdk.verb == "clone" || syn::parse_str::<syn::Ident>(sdk.verb).is_err() {
            report.at(&pointer, format!("the verb `{}` is no name of a function in snake_case", sdk.verb));
        }
        if let Some(other) = taken.insert((area, sdk.verb), operation.pointer()) {
            report.at(&pointer, format!("the area `{area}` has `{}` already, at {}", sdk.verb, document.place(&other)));
        }
        if sdk.replaces != sdk.verb.starts_with("replace") {
            report.at(&pointer, "a function is called `replace` if what is left out is cleared, and only then");
        }
        if sdk.cache.is_some_and(|cache| !["read", "write"].contains(&cache)) {
            report.at(&pointer, "`cache` is neither `read` nor `write`");
        }
        let load = sdk.modify.and_then(|load| verbs.get(&(area, load)));
        if let Some(name) = sdk.modify
            && !(sdk.replaces && (load.is_some() || name == BY_HAND))
        {
            report
                .at(&pointer, format!("`modify` names no function of the area that loads what is replaced: `{name}`"));
        }
        carrying(document, &operation, &sdk, load, &pointer, report);
        let (body, answer) = overlay::schemas(document, &operation);
        let parameters = overlay::parameters(document, &operation);
        let in_request = |name: &str| {
            !body["properties"][name].is_null() || parameters.iter().any(|parameter| parameter["name"] == name)
        };
        let whole = |name: &str| name == "body" && !body.is_null();
        for name in sdk.of_request().filter(|name| !in_request(name) && !whole(name)) {
            report.at(&pointer, format!("the request has no `{name}`"));
        }
        for name in sdk.of_answer().filter(|name| answer["properties"][*name].is_null()) {
            report.at(&pointer, format!("the answer has no `{name}`"));
        }
        let is_list = |name: &str| {
            body["properties"][name]["type"] == "array"
                || parameters.iter().any(|known| known["name"] == name && known["schema"]["type"] == "array")
        };
        for name in sdk.filters.iter().chain(&sdk.empty).filter(|name| !is_list(name)) {
            report.at(&pointer, format!("`{name}` is not a list"));
        }
        types(document, &operation, &sdk, &pointer, report);
        if sdk.user.len() > 2 {
            report.at(&pointer, "a user is named in one member or in one of two");
        }
        let required: Vec<&str> = body["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let is_required = |name: &str| {
            required.contains(&name)
                || parameters.iter().any(|known| known["name"] == name && known["required"] == true)
        };
        for name in sdk.hidden.iter().filter(|name| is_required(name)) {
            report.at(&pointer, format!("`{name}` is required, so it cannot be hidden"));
        }
        let optional = |name: &str| !body["properties"][name].is_null() && !required.contains(&name);
        if !sdk.named.is_empty() && (sdk.named.len() != 2 || !sdk.named.iter().all(|name| optional(name))) {
            report.at(&pointer, "`named` has two members of the body, none of them required: the name, and the id");
        }
        if let Some(args) = &sdk.args {
            let given: BTreeSet<&str> = args.iter().chain(&sdk.user).chain(&sdk.named).copied().collect();
            for name in required.iter().filter(|name| !given.contains(*name)) {
                report.at(&pointer, format!("`{name}` is required and not among `args`"));
            }
        }
    }
}

/// What `modify` reads and leaves is there.
fn carrying(
    document: &Document,
    operation: &Operation<'_>,
    sdk: &Overlay<'_>,
    load: Option<&Operation<'_>>,
    pointer: &str,
    report: &mut Report<'_>,
) {
    let Some(load) = load else {
        if !sdk.within.is_empty() || !sdk.leaves.is_empty() {
            report.at(pointer, "`within` and `leaves` say what `modify` writes back, which loads nothing here");
        }
        return;
    };
    let (_, mut holder) = overlay::schemas(document, load);
    for name in &sdk.within {
        holder = document.resolve(&holder["properties"][*name]);
        if holder["properties"].is_null() {
            report.at(pointer, format!("what is loaded has no `{name}` with members"));
        }
    }
    let (body, _) = overlay::schemas(document, operation);
    // A body that holds one thing is about this thing.
    let things = members(&body["properties"]).into_iter().map(|(_, thing)| document.resolve(thing));
    let bodies: Vec<_> = std::iter::once(body).chain(things).collect();
    for name in sdk.leaves.iter().filter(|name| bodies.iter().all(|body| body["properties"][**name].is_null())) {
        report.at(pointer, format!("the request has no `{name}` to leave"));
    }
}

/// What a schema hides are members of it that nobody has to set.
fn schemas(document: &Document, report: &mut Report<'_>) {
    for (name, schema) in members(&document.value["components"]["schemas"]) {
        let required = schema["required"].as_array();
        for hidden in schema[NAME]["hidden"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let pointer = format!("/components/schemas/{name}/{NAME}");
            if schema["properties"][hidden].is_null() {
                report.at(&pointer, format!("the schema has no `{hidden}`"));
            }
            if required.is_some_and(|required| required.iter().any(|name| name == hidden)) {
                report.at(&pointer, format!("`{hidden}` is required, so it cannot be hidden"));
            }
        }
    }
}

/// What it says of members and parameters of the request fits their types.
fn types(document: &Document, operation: &Operation<'_>, sdk: &Overlay<'_>, pointer: &str, report: &mut Report<'_>) {
    let (body, _) = overlay::schemas(document, operation);
    let parameters = overlay::parameters(document, operation);
    let schema = |name: &str| {
        let parameter = parameters.iter().find(|known| known["name"] == name);
        document.resolve(parameter.map_or(&body["properties"][name], |parameter| &parameter["schema"]))
    };
    let is = |name: &str, kinds: &[&str]| {
        let kind = schema(name)["type"].as_str();
        kind.is_none_or(|kind| kinds.contains(&kind))
    };
    let texts = sdk.user.iter().chain(&sdk.named).chain(&sdk.lines);
    for name in texts.filter(|name| !is(name, &["string"])) {
        report.at(pointer, format!("`{name}` is not a text"));
    }
    // Lists of lines are checked too.
    for name in sdk.some_of.iter().filter(|name| !is(name, &["string", "array"])) {
        report.at(pointer, format!("`{name}` is neither a text nor a list"));
    }
    for (name, value) in &sdk.sets {
        let kinds: &[&str] = match value {
            Value::Bool(_) => &["boolean"],
            Value::Number(_) => &["integer", "number"],
            Value::String(_) => &["string"],
            _ => &[],
        };
        if !is(name, kinds) {
            report.at(pointer, format!("`{name}` cannot be set to {value}"));
        }
    }
    let pages = sdk.page.iter().flat_map(|page| [page.number, page.size]);
    for name in pages.filter(|name| !is(name, &["integer"])) {
        report.at(pointer, format!("`{name}` is not a whole number"));
    }
}

/// Tags: an area has one handle, which the tag of that name declares.
fn areas(document: &Document, report: &mut Report<'_>) {
    let mut handles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let tags = document.value["tags"].as_array().map_or(&[][..], Vec::as_slice);
    for tag in tags {
        let name = tag["name"].as_str().unwrap_or_default();
        if let Some((area, handle)) = overlay::area(document, name) {
            handles.entry(area).or_default().extend(handle);
        }
    }
    for (index, tag) in tags.iter().enumerate() {
        let Some(area) = tag[NAME]["area"].as_str() else { continue };
        let pointer = format!("/tags/{index}/{NAME}");
        let handles = handles.get(area).map_or(&[][..], Vec::as_slice);
        if handles.len() != 1 {
            report.at(&pointer, format!("the area `{area}` has {} handles instead of one", handles.len()));
        }
        for name in handles.iter().chain([&area]).filter(|name| !is_snake_case(name)) {
            report.at(&pointer, format!("`{name}` is not in snake_case"));
        }
    }
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
