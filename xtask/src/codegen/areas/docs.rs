//! The documentation of what is generated, from the words of the document and the table of codes.

use std::{collections::BTreeMap, fmt::Write as _};

use syn::Type;

use super::{
    super::construct::path_of,
    overlay,
    plan::{Answer, Kind, Plan, stripped},
    raw::ident_of,
    setters::time,
    write::plain,
};
use crate::{
    document::{Document, members},
    errors::Row,
};

/// A description without the unit of the wire, where the argument is a time.
pub(super) fn of_time(text: &str, kind: Kind) -> String {
    if time(kind).is_none() {
        return text.to_owned();
    }
    let units = [", in epoch milliseconds", ", in epoch seconds", ", in milliseconds", ", in seconds"];
    units.iter().fold(text.to_owned(), |text, unit| text.replace(unit, ""))
}

const CACHED: &str =
    "It goes to the cache of [`fga_cache_url`](crate::DescopeBuilder::fga_cache_url), if there is one.";

pub(super) fn send_docs(document: &Document, plan: &Plan<'_>) -> Vec<String> {
    let success = crate::document::members(&plan.operation.value["responses"])
        .into_iter()
        .find(|(code, _)| code.starts_with('2'))
        .map(|(_, answer)| document.resolve(answer)["description"].as_str().unwrap_or_default());
    let answers = match &plan.answer {
        Answer::Nothing => None,
        _ => success.map(|text| format!(" Gives: {}", lowered(&folded(text)))),
    };
    let mut docs = vec![format!(" {}.", summary(plan).trim_end_matches('.'))];
    if let Some(answers) = answers {
        docs.push(String::new());
        docs.push(answers);
    }
    docs.push(String::new());
    docs.push(format!(" {}", endpoint(plan)));
    docs.push(String::new());
    let cached = plan.overlay.cache.map(|cache| match cache {
        "read" => format!(" {CACHED} Where the cache fails, the service is asked."),
        _ => format!(" {CACHED} It is not sent a second time where that fails."),
    });
    docs.extend(cached.into_iter().flat_map(|text| [text, String::new()]));
    docs.extend(errors(document, plan));
    let may_lack = |ty: &Type| {
        let by_value = |name: &str| ["bool", "i64"].contains(&name);
        path_of(ty).is_some_and(|(name, _)| name == "Option")
            && !path_of(stripped(ty)).is_some_and(|(name, _)| by_value(&name))
    };
    let lacks = match &plan.answer {
        Answer::Member { ty, .. } => may_lack(ty),
        Answer::Members { members, .. } => members.iter().any(|(_, ty, _)| may_lack(ty)),
        Answer::Authentication => true,
        _ => false,
    };
    if lacks {
        docs.push(" - [`Decode`](crate::ErrorKind::Decode): the answer does not hold what it should.".to_owned());
    }
    docs
}

/// The refusals that can come, from the table of codes.
pub(super) fn errors(document: &Document, plan: &Plan<'_>) -> Vec<String> {
    let mut docs = vec![" # Errors".to_owned(), String::new()];
    let mut refused: Vec<String> = plan
        .arguments
        .iter()
        .filter(|argument| match path_of(stripped(&argument.ty)).map(|(name, _)| name).as_deref() {
            Some("String" | "Secret" | "UserIdentifier") => true,
            Some("Vec") => argument.filled,
            _ => false,
        })
        .map(|argument| format!("`{}`", plain(&argument.ident)))
        .collect();
    refused
        .extend(plan.setters.iter().filter(|setter| setter.filter).map(|setter| format!("`{}`", plain(&setter.ident))));
    if !refused.is_empty() {
        let which = if refused.len() == 1 { "" } else { "one of " };
        docs.push(format!(
            " - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): {which}{} is empty; nothing was sent.",
            either(&refused)
        ));
    }
    if !plan.overlay.some_of.is_empty() {
        let names: Vec<String> =
            plan.overlay.some_of.iter().map(|json| format!("`{}`", plain(&super::raw::ident_of(json)))).collect();
        docs.push(format!(
            " - [`InvalidArgument`](crate::ErrorKind::InvalidArgument): none of {} is given, which the service would \
             take for all there is; nothing was sent.",
            either(&names)
        ));
    }
    docs.push(
        " - [`Configuration`](crate::ErrorKind::Configuration): there is no management key; nothing was sent."
            .to_owned(),
    );
    for row in document.errors.iter().filter(|row| is_given_by(row, plan)) {
        docs.push(format!(
            " - [`{}`](crate::ErrorKind::{}) ([`{}`](crate::ErrorCode::{})): {}",
            row.kind,
            row.kind,
            row.name,
            row.name,
            lowered(&row.meaning.replace('`', ""))
        ));
    }
    docs.push(" - [`Unauthorized`](crate::ErrorKind::Unauthorized): the management key is not accepted.".to_owned());
    docs
}

fn is_given_by(row: &Row, plan: &Plan<'_>) -> bool {
    let id = plan.operation.id().unwrap_or_default();
    !row.kind.is_empty()
        && row.from.iter().any(|from| from == id || Some(from.as_str()) == plan.operation.tag())
        && row.kind != "Unauthorized"
}

pub(super) fn either(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
        [] => String::new(),
    }
}

pub(super) fn summary(plan: &Plan<'_>) -> String {
    let mut text = plan.operation.value["summary"].as_str().unwrap_or_default().to_owned();
    text.push('.');
    text
}

/// Method, path and the service's own page.
pub(super) fn endpoint(plan: &Plan<'_>) -> String {
    let mut text = format!("`{} {}`", plan.operation.method.to_ascii_uppercase(), plan.operation.path);
    if let Some(url) = plan.operation.value["externalDocs"]["url"].as_str() {
        let _ = write!(text, " · [reference]({url})");
    }
    text
}

/// Prose of the document as lines of documentation.
pub(super) fn lines(text: &str) -> Vec<String> {
    escaped(text).trim().lines().map(|line| format!(" {}", line.trim_end())).collect()
}

/// The same on one line.
pub(super) fn folded(text: &str) -> String {
    escaped(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Brackets and angle brackets mean something to rustdoc.
fn escaped(text: &str) -> String {
    if text.starts_with("See [`") {
        return text.to_owned();
    }
    let mut escaped = String::new();
    let mut code = false;
    for c in text.chars() {
        match c {
            '`' => code = !code,
            '[' | ']' | '<' | '>' if !code => escaped.push('\\'),
            _ => {}
        }
        escaped.push(c);
    }
    escaped
}

/// The members and parameters whose names are others in Rust: as the document has them, and as Rust has them.
pub(super) fn names(document: &Document) -> BTreeMap<String, String> {
    let schemas = members(&document.value["components"]["schemas"]);
    let properties = schemas.iter().flat_map(|(_, schema)| members(&schema["properties"]));
    let operations = document.operations();
    let parameters = operations.iter().flat_map(|operation| overlay::parameters(document, operation));
    let named = parameters.filter_map(|parameter| parameter["name"].as_str());
    let all = properties.map(|(name, _)| name).chain(named);
    let differing = all.filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()));
    let differing = differing.filter(|name| name.contains(|c: char| c.is_ascii_uppercase()));
    differing.map(|name| (name.to_owned(), plain(&ident_of(name)))).collect()
}

/// The documentation in a text with the names that things have in Rust.
pub(super) fn in_rust(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut renamed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let prose = line.trim_start().strip_prefix("///").is_some_and(|rest| !rest.trim_start().starts_with('#'));
        if !prose {
            renamed.push_str(line);
            continue;
        }
        for (index, part) in line.split('`').enumerate() {
            if index > 0 {
                renamed.push('`');
            }
            // Every second part is code.
            let name = names.get(part).filter(|_| index % 2 == 1);
            renamed.push_str(name.map_or(part, String::as_str));
        }
    }
    renamed
}

/// With its first letter small, behind a colon.
fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    let second_is_large = text.chars().nth(1).is_some_and(char::is_uppercase);
    match chars.next() {
        Some(first) if !second_is_large => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_names_members_as_rust_does_and_code_and_values_stay() {
        let names = BTreeMap::from([("keyTenants".to_owned(), "key_tenants".to_owned())]);
        for (given, expected) in [
            ("/// Use `keyTenants` instead.\n", "/// Use `key_tenants` instead.\n"),
            ("    /// `keyTenants`, not `userOnly`", "    /// `key_tenants`, not `userOnly`"),
            ("/// keyTenants\n", "/// keyTenants\n"),
            ("/// # `keyTenants`\n", "/// # `keyTenants`\n"),
            ("let text = \"`keyTenants`\";\n", "let text = \"`keyTenants`\";\n"),
        ] {
            assert_eq!(in_rust(given, &names), expected);
        }
    }
}
