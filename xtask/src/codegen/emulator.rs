//! The document that the emulator checks request bodies against: shapes, no prose.

use serde_json::Value;

/// The bundle without descriptions, examples and links.
pub(crate) fn compact(bundle: &Value) -> String {
    let mut document = bundle.clone();
    if let Some(root) = document.as_object_mut() {
        root.retain(|name, _| ["openapi", "paths", "components"].contains(&name.as_str()));
    }
    if let Some(components) = document["components"].as_object_mut() {
        components.retain(|kind, _| kind == "schemas");
    }
    strip(&mut document, false);
    super::prepare::digits_as_integers(&mut document);
    crate::bundle::json(&document)
}

fn strip(value: &mut Value, names_are_data: bool) {
    match value {
        Value::Object(map) => {
            if !names_are_data {
                for name in ["description", "summary", "example", "externalDocs", "tags", "responses", "title"] {
                    // A schema may well have a property called `description`.
                    map.remove(name);
                }
            }
            for (name, child) in map.iter_mut() {
                let data = !names_are_data && ["properties", "schemas", "paths"].contains(&name.as_str());
                strip(child, data);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, false)),
        _ => {}
    }
}
