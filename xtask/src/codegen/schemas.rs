//! The schemas of the document for `descope-api/src/schema.rs`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::newer;

/// In the words of JSON Schema, and a line for each. What only the generators of this workspace read is left out.
pub(super) fn file(document: &Value) -> String {
    let schemas = newer::schemas(document);
    let lines = schemas.iter().map(|(name, schema)| {
        let mut schema = schema.clone();
        without_own_words(&mut schema);
        // Whatever map serde_json uses: any crate of the workspace can choose it for all.
        schema.sort_all_objects();
        (name, schema)
    });
    let mut text = String::from("{");
    for (index, (name, schema)) in lines.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n{}:{schema}", Value::from(name.as_str()));
    }
    text + "\n}\n"
}

fn without_own_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("x-descope-"));
            members.values_mut().for_each(without_own_words);
        }
        Value::Array(items) => items.iter_mut().for_each(without_own_words),
        _ => {}
    }
}
